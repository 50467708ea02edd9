"""A table of bars in which each bar is given to one take."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QPushButton, QWidget

from ..strip.canvas import tinted
from ..strip.music import note_strength
from ..theme import theme_of
from ..view import TakesView, TakeView
from .card import take_title

Key = Qt.Key


class CombineTable(QWidget):
    """Which bar comes from which take: a row for each take, a column for each bar.

    Click or drag to give bars to a take. Keys: Left, Right go along the bars, Up, Down give the bar to the take above
    or below, with Shift also the bars passed over; Enter makes the take, Escape begins again.
    """

    combined = Signal(object)
    """Pieces as `combine_takes` takes them; bars that stay with the take in use are not in them."""

    ROW, HEAD, LABEL = 26, 20, 92

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._takes: tuple[TakeView, ...] = ()
        self._view = TakesView("", ())
        self._bars = 0
        self._of_bar: list[int] = []
        self._cursor = 0
        self._row = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Combine bars of takes"))
        self.make = QPushButton(self.tr("Make this take"), self)
        self.make.clicked.connect(self._make)

    def set_view(self, view: TakesView) -> None:
        """The takes that can be combined."""
        before = [take.number for take in self._takes]
        self._view = view
        self._takes = tuple(take for take in view.takes if take.combinable)
        bars = (self._takes[0].bars if self._takes else 0) + view.pickup
        if [take.number for take in self._takes] != before or bars != self._bars:
            self._bars = bars
            self.start()
        self.setFixedHeight(self.HEAD + self.ROW * max(1, len(self._takes)) + 34)
        self.update()

    def start(self) -> None:
        """Every bar to the take in use."""
        used = next((place for place, take in enumerate(self._takes) if take.in_use), 0)
        self._of_bar = [used] * self._bars
        self._cursor = 0
        self._tell()

    def pieces(self) -> tuple[tuple[int, int, int], ...]:
        """(first bar, last bar, take) of what is not the take in use; a pickup is bar 0."""
        found: list[tuple[int, int, int]] = []
        offset = 0 if self._view.pickup else 1
        for place, row in enumerate(self._of_bar):
            take = self._takes[row]
            if take.in_use:
                continue
            bar = place + offset
            if found and found[-1][2] == take.number and found[-1][1] == bar - 1:
                found[-1] = (found[-1][0], bar, take.number)
            else:
                found.append((bar, bar, take.number))
        return tuple(found)

    def cell(self, row: int, place: int) -> QRectF:
        """Where a bar of a take is."""
        width = (self.width() - self.LABEL - 8) / max(1, self._bars)
        return QRectF(self.LABEL + place * width, self.HEAD + row * self.ROW, width, self.ROW)

    def give(self, row: int, first: int, last: int | None = None) -> None:
        """Gives bars to a take."""
        ends = sorted((first, first if last is None else last))
        for place in range(max(0, ends[0]), min(self._bars - 1, ends[1]) + 1):
            self._of_bar[place] = row
        self._tell()

    def _tell(self) -> None:
        self.make.setEnabled(bool(self._takes) and bool(self.pieces()))
        if self._takes and self._of_bar:
            offset = 0 if self._view.pickup else 1
            take = self._takes[self._of_bar[self._cursor]]
            words = self.tr("Bar {0} from {1}.").format(self._cursor + offset, take_title(take))
            self.setAccessibleDescription(words)
        self.update()

    def _make(self) -> None:
        pieces = self.pieces()
        if pieces:
            self.combined.emit(pieces)

    def resizeEvent(self, event: QResizeEvent) -> None:
        size = self.make.sizeHint()
        self.make.setGeometry(self.width() - size.width() - 8, self.height() - 30, size.width(), 26)
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setClipRect(event.rect())
        theme = theme_of(self)
        painter.fillRect(self.rect(), theme.colour("panel"))
        font = QFont(self.font())
        font.setPixelSize(11)
        painter.setFont(font)
        offset = 0 if self._view.pickup else 1
        for place in range(self._bars):
            box = self.cell(0, place)
            every = max(1, round(22 / max(1.0, box.width()) + 0.4))
            if place % every == 0:
                painter.setPen(theme.colour("text_dim"))
                painter.drawText(
                    QRectF(box.left() + 2, 0, 30, self.HEAD), Qt.AlignmentFlag.AlignVCenter, str(place + offset)
                )
        for row, take in enumerate(self._takes):
            whole = QRectF(self.LABEL, self.HEAD + row * self.ROW, self.width() - self.LABEL - 8, self.ROW)
            painter.fillRect(whole.adjusted(0, 1, 0, -1), theme.colour("lane"))
            painter.setPen(theme.colour("text"))
            label = QRectF(8, whole.top(), self.LABEL - 12, self.ROW)
            text = painter.fontMetrics().elidedText(take_title(take), Qt.TextElideMode.ElideRight, self.LABEL - 12)
            painter.drawText(label, Qt.AlignmentFlag.AlignVCenter, text)
            frames = (float(take.roll.range_frames[0]), float(take.roll.range_frames[1]))
            size = QSize(max(1, int(whole.width())), self.ROW - 4)
            for part, strength in zip(take.roll.parts, note_strength(take.roll, frames, size), strict=True):
                painter.drawImage(whole.adjusted(0, 2, 0, -2), tinted(strength * 0.9, theme.part(part)))
            for place, source in enumerate(self._of_bar):
                box = self.cell(row, place)
                if source == row:
                    painter.fillRect(box.adjusted(0, 1, 0, -1), theme.colour("accent", 0.34))
                    painter.fillRect(QRectF(box.left(), box.bottom() - 3, box.width(), 2), theme.colour("accent"))
                painter.setPen(QPen(theme.colour("line"), 1))
                painter.drawLine(box.topLeft(), box.bottomLeft())
        if self.hasFocus() and self._bars and self._takes:
            painter.setPen(QPen(theme.colour("accent"), 2))
            painter.drawRect(self.cell(self._of_bar[self._cursor], self._cursor).adjusted(1, 1, -1, -1))
        painter.setPen(theme.colour("text_dim"))
        words = self.tr("Give each bar to a take: click, drag, or arrow keys.")
        foot = QRectF(8, self.height() - 32, self.make.x() - 16, 30)
        text = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(foot.width()))
        painter.drawText(foot, Qt.AlignmentFlag.AlignVCenter, text)
        painter.end()

    def _place_at(self, position: QPointF) -> tuple[int, int] | None:
        if not self._takes or not self._bars or position.x() < self.LABEL:
            return None
        row = int((position.y() - self.HEAD) // self.ROW)
        place = int((position.x() - self.LABEL) // max(1e-9, self.cell(0, 0).width()))
        return (row, min(place, self._bars - 1)) if 0 <= row < len(self._takes) else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = self._place_at(event.position())
        if found is not None and event.button() == Qt.MouseButton.LeftButton:
            self._row, self._cursor = found
            self.give(*found)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        found = self._place_at(QPointF(event.position().x(), self.HEAD + 1))
        if found is not None and self._row >= 0:
            self.give(self._row, self._cursor, found[1])
            self._cursor = found[1]

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._row = -1

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, shift = event.key(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if not self._bars:
            super().keyPressEvent(event)
        elif key in (Key.Key_Left, Key.Key_Right):
            before = self._cursor
            self._cursor = min(max(0, before + (1 if key == Key.Key_Right else -1)), self._bars - 1)
            if shift:
                self.give(self._of_bar[before], self._cursor)
            self._tell()
        elif key in (Key.Key_Up, Key.Key_Down):
            row = self._of_bar[self._cursor] + (1 if key == Key.Key_Down else -1)
            self.give(min(max(0, row), len(self._takes) - 1), self._cursor)
        elif key in (Key.Key_Return, Key.Key_Enter):
            self._make()
        elif key == Key.Key_Escape:
            self.start()
        else:
            super().keyPressEvent(event)
