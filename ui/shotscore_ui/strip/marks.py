"""Marks of hits: their shape says how they are met, their colour says it again.

met      a filled disc            missed   a cross
near     an empty diamond         ignored  a small dot
open     an empty ring: nothing has been solved yet
"""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPixmap, QPolygonF

from ..theme import Theme
from ..view import MarkState

SIZE = 12
"""Points from edge to edge of a mark's square."""

PRIORITY: dict[str, int] = {"missed": 4, "near": 3, "met": 2, "open": 1, "ignored": 0}
"""Of several marks on one place the highest is seen."""


def paint_mark(
    painter: QPainter, state: MarkState, centre: QPointF, theme: Theme, size: float = SIZE, *, selected: bool = False
) -> None:
    """Draws one mark; a selected one stands in a ring."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    colour, surface = theme.state(state), theme.colour("lane")
    x, y, half = centre.x(), centre.y(), size * 0.36
    if selected:
        painter.setPen(QPen(theme.colour("text"), 1.6))
        painter.setBrush(theme.colour("accent", 0.45))
        painter.drawEllipse(centre, size * 0.66, size * 0.66)
    pen = QPen(colour, max(1.6, size * 0.16))
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    painter.setPen(pen)
    painter.setBrush(surface)
    if state == "met":
        painter.setBrush(colour)
        painter.drawEllipse(centre, half, half)
    elif state == "near":
        reach = half * 1.25
        corners = [QPointF(x, y - reach), QPointF(x + reach, y), QPointF(x, y + reach), QPointF(x - reach, y)]
        painter.drawPolygon(QPolygonF(corners))
    elif state == "missed":
        pen.setWidthF(max(2.0, size * 0.22))
        painter.setPen(pen)
        painter.drawLine(QPointF(x - half, y - half), QPointF(x + half, y + half))
        painter.drawLine(QPointF(x - half, y + half), QPointF(x + half, y - half))
    elif state == "open":
        painter.drawEllipse(centre, half, half)
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawEllipse(centre, half * 0.5, half * 0.5)
    painter.restore()


class Marks:
    """Marks drawn once and stamped many times."""

    def __init__(self) -> None:
        self._stamps: dict[tuple[str, str, float, bool], QPixmap] = {}

    def stamp(self, state: MarkState, theme: Theme, ratio: float, selected: bool = False) -> QPixmap:
        """A picture of twice `SIZE` points a side, the mark in its middle."""
        key = (state, theme.name, ratio, selected)
        if key not in self._stamps:
            picture = QPixmap(round(2 * SIZE * ratio), round(2 * SIZE * ratio))
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(picture)
            paint_mark(painter, state, QRectF(0, 0, 2 * SIZE, 2 * SIZE).center(), theme, selected=selected)
            painter.end()
            self._stamps[key] = picture
        return self._stamps[key]
