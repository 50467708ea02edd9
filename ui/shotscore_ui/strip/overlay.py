"""What lies over the lanes: their titles, the selection, the playhead, and small flags beside what is dragged."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPen, QPolygonF

from ..theme import Theme
from .canvas import Brushwork
from .lanes import LANES
from .words import lane_title


def paint_titles(painter: QPainter, lanes: dict[str, QRect], size: QRect, theme: Theme, font: QFont) -> None:
    """The titles of the lanes, in a column `size`."""
    painter.fillRect(size.adjusted(0, 0, -1, 0), theme.colour("panel"))
    font = QFont(font)
    font.setPixelSize(11)
    painter.setFont(font)
    painter.setPen(theme.colour("text_dim"))
    titles = {lane.key: lane.title for lane in LANES}
    for key, rect in lanes.items():
        box = QRect(8, rect.top(), size.width() - 12, rect.height())
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, lane_title(titles[key]))
    painter.setPen(QPen(theme.colour("line"), 1))
    painter.drawLine(size.topRight(), size.bottomRight())


def paint_selection(painter: QPainter, area: QRectF, shots: QRect | None, theme: Theme) -> None:
    """The selected shots: a veil over all lanes, a frame around their pictures."""
    painter.fillRect(area, theme.colour("accent", 0.13))
    painter.setPen(QPen(theme.colour("accent"), 1))
    painter.drawLine(area.topLeft(), area.bottomLeft())
    painter.drawLine(area.topRight(), area.bottomRight())
    if shots is not None:
        painter.setPen(QPen(theme.colour("accent"), 2))
        painter.drawRect(QRectF(area.left() + 1, shots.top() + 1, max(1.0, area.width() - 2), shots.height() - 3))


def paint_playhead(painter: QPainter, x: float, height: int, theme: Theme) -> None:
    """The playhead, on whole pixels: it would shimmer while it plays."""
    x = float(round(x))
    colour = theme.colour("playhead")
    painter.fillRect(QRectF(x - 1, 0, 3, height), theme.colour("playhead", 0.35))
    painter.fillRect(QRectF(x, 0, 1, height), colour)
    x += 0.5
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 1))
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([QPointF(x - 6, 0), QPointF(x + 6, 0), QPointF(x + 6, 7), QPointF(x, 14),
                                   QPointF(x - 6, 7)]))  # fmt: skip
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def paint_flag(
    painter: QPainter, place: QPointF, word: str, width: float, theme: Theme, font: QFont, work: Brushwork
) -> None:
    """A word on a small flag, left of `place` where it would leave the `width` there is."""
    face = work.face(font, 11)
    box = QRectF(place, place + QPointF(face.metrics.horizontalAdvance(word) + 12, 18))
    if box.right() > width:
        box.moveRight(place.x() - 24)
    painter.fillRect(box, theme.colour("accent"))
    painter.setFont(face.font)
    painter.setPen(theme.colour("on_accent"))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, word)
