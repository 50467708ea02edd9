"""Takes as cards: a small roll, what they measure, and what can be done with them.

Click a card to choose it, double-click (or Enter) to put it in use. Keys on a card: Space plays, S stars, F2 renames,
Delete deletes, A compares it with the take in use; while two are compared, X (or a click on A or B) switches
between them at the same playhead. Left, Right, Up, Down go from card to card. "Combine" opens a table of bars in which
each bar is given to one take.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QToolButton, QVBoxLayout, QWidget

from ..icons import icon
from ..theme import theme_of
from ..view import TakesView
from .card import CARD, TakeCard, take_title
from .combine import CombineTable
from .flow import GAP, Flow

SIDE = "AB"

Key = Qt.Key


class TakeCards(QWidget):
    """See the module."""

    take_used = Signal(str, int)
    take_played = Signal(str, int)
    take_starred = Signal(str, int, bool)
    take_renamed = Signal(str, int, str)
    take_deleted = Signal(str, int)
    takes_compared = Signal(str, int, int)
    take_heard = Signal(str, int)
    takes_combined = Signal(str, object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = TakesView("", ())
        self._cards: dict[int, TakeCard] = {}
        self._current = 0
        self._compared = (0, 0)
        self._side = 0
        self.setAccessibleName(self.tr("Takes"))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(4)
        bar = QHBoxLayout()
        bar.setContentsMargins(GAP, 4, GAP, 0)
        self.compare = self._tool("compare", self.tr("Compare the chosen take with the one in use"), checkable=True)
        self.compare.clicked.connect(self._compare_clicked)
        self.sides = [QPushButton(self), QPushButton(self)]
        for place, button in enumerate(self.sides):
            button.setCheckable(True)
            button.hide()
            button.setToolTip(self.tr("Hear this one; X switches between them"))
            button.clicked.connect(lambda _=False, place=place: self.hear_side(place))
        self.combine = self._tool("combine", self.tr("Combine bars of several takes"), checkable=True)
        self.combine.clicked.connect(self._combine_clicked)
        bar.addWidget(self.compare)
        bar.addWidget(self.sides[0])
        bar.addWidget(self.sides[1])
        bar.addStretch(1)
        bar.addWidget(self.combine)
        outer.addLayout(bar)
        self._area = QScrollArea(self)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inner = QWidget()
        self._flow = Flow(inner)
        self._area.setWidget(inner)
        outer.addWidget(self._area, 1)
        self._empty = QLabel(self.tr("Takes appear here once the cue is scored."), self._area)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.table = CombineTable(self)
        self.table.hide()
        self.table.combined.connect(self._combined)
        outer.addWidget(self.table)
        self._dress()

    # --- what it shows ------------------------------------------------------------------------------------------

    def set_view(self, view: TakesView) -> None:
        """Shows the takes of a cue."""
        if view.cue != self._view.cue:
            self._current = 0
            self._stop_comparing()
            self.table.hide()
        wanted = [take.number for take in view.takes]
        for number in [number for number in self._cards if number not in wanted]:
            card = self._cards.pop(number)
            self._flow.removeWidget(card)
            card.hide()
            card.deleteLater()
        self._view = view
        for take in view.takes:
            card = self._cards.get(take.number) or self._new_card(take.number)
            card.set_view(take)
        used = next((take.number for take in view.takes if take.in_use), 0)
        if self._current not in self._cards:
            self._current = used or (wanted[0] if wanted else 0)
        if any(number and number not in self._cards for number in self._compared):
            self._stop_comparing()
        self._empty.setVisible(not wanted)
        self.combine.setEnabled(sum(take.combinable for take in view.takes) > 1)
        self.table.set_view(view)
        if not self.combine.isEnabled():
            self.combine.setChecked(False)
            self.table.hide()
        self._mark()

    @property
    def view(self) -> TakesView:
        """What is shown."""
        return self._view

    @property
    def current(self) -> int:
        """The take that is chosen, in use or not; 0 without takes."""
        return self._current

    @property
    def compared(self) -> tuple[int, int]:
        """The takes under A and B; (0, 0) where none are compared."""
        return self._compared

    def card(self, number: int) -> TakeCard:
        """The card of a take. Raises KeyError where there is none."""
        return self._cards[number]

    def choose(self, number: int) -> None:
        """Chooses a card without putting it in use."""
        if number in self._cards and number != self._current:
            self._current = number
            self._mark()
        if number in self._cards:
            self._area.ensureWidgetVisible(self._cards[number])

    # --- A and B ------------------------------------------------------------------------------------------------

    def start_comparing(self, a: int, b: int) -> None:
        """A and B; A is heard first."""
        if a == b or a not in self._cards or b not in self._cards:
            self.compare.setChecked(self._compared != (0, 0))
            return
        self._compared, self._side = (a, b), 0
        self._mark()
        self.takes_compared.emit(self._view.cue, a, b)

    def stop_comparing(self) -> None:
        """No longer A and B."""
        if self._compared != (0, 0):
            self._stop_comparing()
            self._mark()
            self.takes_compared.emit(self._view.cue, 0, 0)

    def hear_side(self, side: int) -> None:
        """The other one, at the same playhead."""
        if self._compared != (0, 0):
            self._side = side
            self._mark()
            self.take_heard.emit(self._view.cue, self._compared[side])

    def _compare_clicked(self) -> None:
        if self._compared != (0, 0):
            self.stop_comparing()
            return
        used = next((take.number for take in self._view.takes if take.in_use), 0)
        other = self._current if self._current != used else 0
        if not other:
            other = next((take.number for take in reversed(self._view.takes) if take.number != used), 0)
        self.start_comparing(used or self._current, other)

    def _stop_comparing(self) -> None:
        self._compared, self._side = (0, 0), 0

    # --- combining ------------------------------------------------------------------------------------------------

    def _combine_clicked(self, on: bool) -> None:
        self.table.setVisible(on)
        if on:
            self.table.start()
            self.table.setFocus()

    def _combined(self, pieces: object) -> None:
        self.combine.setChecked(False)
        self.table.hide()
        self.takes_combined.emit(self._view.cue, pieces)

    # --- inner works ------------------------------------------------------------------------------------------------

    def _new_card(self, number: int) -> TakeCard:
        card = TakeCard(self)
        self._cards[number] = card
        self._flow.addWidget(card)
        card.chosen.connect(lambda: self.choose(number))
        card.used.connect(lambda: self.take_used.emit(self._view.cue, number))
        card.played.connect(lambda: self.take_played.emit(self._view.cue, number))
        card.starred.connect(lambda on: self.take_starred.emit(self._view.cue, number, on))
        card.renamed.connect(lambda name: self.take_renamed.emit(self._view.cue, number, name))
        card.deleted.connect(lambda: self.take_deleted.emit(self._view.cue, number))
        card.compared.connect(lambda: self._compare_with(number))
        card.stepped.connect(self._step)
        card.switched.connect(lambda: self.hear_side(1 - self._side))
        card.show()
        return card

    def _compare_with(self, number: int) -> None:
        used = next((take.number for take in self._view.takes if take.in_use), 0)
        self.start_comparing(used, number) if self._compared == (0, 0) else self.stop_comparing()

    def _step(self, by: int) -> None:
        numbers = [take.number for take in self._view.takes]
        place = numbers.index(self._current) + by if self._current in numbers else 0
        target = numbers[min(max(0, place), len(numbers) - 1)]
        self.choose(target)
        self._cards[target].setFocus()

    def _mark(self) -> None:
        """Which card is chosen, which are A and B, and what the buttons say."""
        comparing = self._compared != (0, 0)
        self.compare.setChecked(comparing)
        self.compare.setEnabled(len(self._cards) > 1)
        for number, card in self._cards.items():
            side = SIDE[self._compared.index(number)] if comparing and number in self._compared else ""
            card.mark(
                chosen=number == self._current, side=side, heard=comparing and self._compared[self._side] == number
            )
        for place, button in enumerate(self.sides):
            button.setVisible(comparing)
            if comparing:
                take = next(take for take in self._view.takes if take.number == self._compared[place])
                button.setText(f"{SIDE[place]}  {take_title(take)}")
                button.setChecked(place == self._side)

    def _tool(self, name: str, text: str, *, checkable: bool = False) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setToolTip(text)
        button.setAccessibleName(text)
        button.setCheckable(checkable)
        button.setText({"compare": self.tr("Compare"), "combine": self.tr("Combine")}[name])
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setIconSize(QSize(18, 18))
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return button

    def _dress(self) -> None:
        theme = theme_of(self)
        for button in (self.compare, self.combine):
            button.setIcon(icon(button.objectName(), theme))
        sheet = f"QPushButton:checked {{ background: {theme.accent}; color: {theme.on_accent}; }}"
        for side in self.sides:
            side.setStyleSheet(sheet + " QPushButton { padding: 3px 10px; }")

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "combine"):
            self._dress()
        super().changeEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Key.Key_X and self._compared != (0, 0):
            self.hear_side(1 - self._side)
        elif event.key() == Key.Key_Escape and self._compared != (0, 0):
            self.stop_comparing()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._empty.setGeometry(QRect(QPoint(0, 0), self._area.size()))
        super().resizeEvent(event)

    def sizeHint(self) -> QSize:
        return QSize(2 * CARD.width() + 3 * GAP + 16, CARD.height() + 60)
