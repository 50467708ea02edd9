"""What a card shows of its take at a glance: the whole roll in a stamp, and three measures as bars."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from ..strip.canvas import tinted
from ..strip.music import note_strength
from ..theme import theme_of
from ..view import RollView, TakeView


class SmallRoll(QWidget):
    """A whole take in a stamp."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._view: RollView | None = None
        self._drawn: list[QImage] | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def set_view(self, view: RollView) -> None:
        """Shows a roll."""
        if view is not self._view:
            self._view, self._drawn = view, None
            self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._drawn = None
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._drawn = None
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setClipRect(event.rect())
        theme = theme_of(self)
        painter.fillRect(self.rect(), theme.colour("lane"))
        view = self._view
        if view is not None and view.notes:
            if self._drawn is None:
                ratio = self.devicePixelRatioF()
                size = QSize(round((self.width() - 4) * ratio), round((self.height() - 4) * ratio))
                frames = (float(view.range_frames[0]), float(view.range_frames[1]))
                self._drawn = [
                    tinted(strength, theme.part(part))
                    for part, strength in zip(view.parts, note_strength(view, frames, size), strict=True)
                ]
            for image in reversed(self._drawn):
                painter.drawImage(self.rect().adjusted(2, 2, -2, -2), image)
        painter.end()


class Meters(QWidget):
    """Hits met, energy and density as three short bars with their numbers."""

    FULL_DENSITY = 12.0
    """Notes a second at which the bar is full."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._take: TakeView | None = None
        self.setFixedHeight(26)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def set_view(self, take: TakeView) -> None:
        """Shows a take's measures."""
        self._take = take
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._take is None:
            return
        painter = QPainter(self)
        painter.setClipRect(event.rect())
        theme, measures = theme_of(self), self._take.measures
        font = QFont(self.font())
        font.setPixelSize(10)
        painter.setFont(font)
        third = self.width() / 3
        hits = measures.hits_met / measures.hits if measures.hits else 0.0
        for place, (word, share, colour) in enumerate(
            (
                (self.tr("hits {0}/{1}").format(measures.hits_met, measures.hits), hits, "met"),
                (self.tr("energy {0}").format(f"{measures.energy:.0%}"), measures.energy, "energy"),
                (
                    self.tr("{0} notes/s").format(f"{measures.density:.1f}"),
                    measures.density / self.FULL_DENSITY,
                    "tempo",
                ),
            )
        ):
            left = place * third
            painter.setPen(theme.colour("text"))
            painter.drawText(QRectF(left, 0, third, 15), Qt.AlignmentFlag.AlignVCenter, word)
            bar = QRectF(left, 18, third - 8, 4)
            painter.fillRect(bar, theme.colour("line"))
            bar.setWidth(bar.width() * min(1.0, max(0.0, share)))
            painter.fillRect(bar, theme.colour(colour))
        painter.end()
