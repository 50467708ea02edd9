"""Takes as cards: a small roll, what they measure, and what can be done with them.

Click a card to choose it, double-click (or Enter) to put it in use. Keys on a card: Space plays, S stars, F2 renames,
Delete deletes, A compares it with the take in use; while two are compared, X (or a click on A or B) switches
between them at the same playhead. Left, Right, Up, Down go from card to card. "Combine" opens a table of bars in which
each bar is given to one take.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QFont,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLayoutItem,
    QLineEdit,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from .icons import icon
from .language import tr
from .strip.canvas import tinted
from .strip.music import note_strength
from .theme import theme_of
from .view import RollView, TakesView, TakeView

CARD = QSize(216, 158)
GAP = 8
SIDE = "AB"

Key = Qt.Key


def take_title(take: TakeView) -> str:
    """What a take is called on its card."""
    return take.name or tr("Take {0}").format(take.number)


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
        button.setText({"compare": self.tr("A/B"), "combine": self.tr("Combine")}[name])
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


class TakeCard(QFrame):
    """One take."""

    chosen = Signal()
    used = Signal()
    played = Signal()
    starred = Signal(bool)
    renamed = Signal(str)
    deleted = Signal()
    compared = Signal()
    stepped = Signal(int)
    switched = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._take: TakeView | None = None
        self._chosen = False
        self._heard = False
        self._side = ""
        self.setFixedSize(CARD)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 6, 8, 6)
        box.setSpacing(3)
        head = QHBoxLayout()
        head.setSpacing(2)
        self.title = Title(self)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.editor = QLineEdit(self)
        self.editor.hide()
        self.editor.setMaxLength(200)
        self.editor.setAccessibleName(self.tr("Name of the take"))
        self.editor.editingFinished.connect(self._rename_done)
        self.editor.installEventFilter(self)
        self.badge = QLabel(self)
        self.star = self._tool(self.tr("Star"))
        self.star.setCheckable(True)
        self.star.clicked.connect(self.starred.emit)
        self.play = self._tool(self.tr("Play this take"))
        self.play.clicked.connect(self.played.emit)
        self.more = self._tool(self.tr("More"))
        self.more.clicked.connect(lambda: self._open_menu(self.more.mapToGlobal(self.more.rect().bottomLeft())))
        head.addWidget(self.title, 1)
        head.addWidget(self.editor, 1)
        for widget in (self.badge, self.star, self.play, self.more):
            head.addWidget(widget)
        box.addLayout(head)
        self.roll = SmallRoll(self)
        box.addWidget(self.roll, 1)
        self.facts = QLabel(self)
        self.meters = Meters(self)
        self.origin = QLabel(self)
        for label in (self.facts, self.origin):
            small = label.font()
            small.setPixelSize(11)
            label.setFont(small)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        box.addWidget(self.meters)
        box.addWidget(self.facts)
        box.addWidget(self.origin)

    def set_view(self, take: TakeView) -> None:
        """Shows a take."""
        self._take = take
        self.title.setText(take_title(take))
        self.title.setToolTip(self.tr("Take {0}, seed {1}. F2 renames it.").format(take.number, take.seed))
        self.badge.setText(self.tr("in use") if take.in_use else "")
        self.badge.setVisible(take.in_use)
        self.star.setChecked(take.starred)
        self.roll.set_view(take.roll)
        self.meters.set_view(take)
        self.facts.setText(f"{take.bpm:.0f} BPM · {take.key} · {take.style}")
        self.facts.setToolTip(self.facts.text())
        self.origin.setText(self.origin_words())
        self.origin.setToolTip(self.origin.text())
        self._dress()
        self._say()

    @property
    def take(self) -> TakeView:
        """What it shows."""
        assert self._take is not None
        return self._take

    def origin_words(self) -> str:
        """How the take came to be, in a few words."""
        take = self.take
        if not take.usable:
            return self.tr("of an earlier cut or range")
        if take.origin == "rescore" and take.shots:
            first, last = take.shots
            if first == last:
                return self.tr("take {0}, shot {1} anew").format(take.base, first)
            return self.tr("take {0}, shots {1}–{2} anew").format(take.base, first, last)
        if take.origin == "combine":
            return self.tr("combined, on take {0}").format(take.base)
        if take.origin == "reconform":
            return self.tr("take {0} after the recut").format(take.base)
        if take.origin == "trim":
            return self.tr("take {0}, another range").format(take.base)
        return self.tr("written whole")

    def mark(self, *, chosen: bool, side: str, heard: bool) -> None:
        """Shows whether it is chosen, and whether it is A or B."""
        self._chosen, self._heard, self._side = chosen, heard, side
        if self._take is not None:
            words = self.tr("in use") if self._take.in_use else ""
            self.badge.setText(f"{side} {words}".strip())
            self.badge.setVisible(bool(self.badge.text()))
        self.update()

    def rename(self) -> None:
        """Opens the title for writing."""
        self.editor.setText(self.take.name)
        self.editor.setPlaceholderText(take_title(self.take))
        self.title.hide()
        self.editor.show()
        self.editor.setFocus()
        self.editor.selectAll()

    def _rename_done(self) -> None:
        if self.editor.isHidden():
            return
        name = self.editor.text().strip()
        self._close_editor()
        if name != self.take.name:
            self.renamed.emit(name)

    def _close_editor(self) -> None:
        self.editor.hide()
        self.title.show()
        self.setFocus()

    def _say(self) -> None:
        take, measures = self.take, self.take.measures
        words = [
            take_title(take),
            self.tr("in use") if take.in_use else "",
            self.tr("starred") if take.starred else "",
            self.tr("{0} of {1} hits met by notes").format(measures.hits_met, measures.hits),
            self.tr("energy {0}, {1} notes a second").format(f"{measures.energy:.0%}", f"{measures.density:.1f}"),
            self.facts.text(),
            self.origin.text(),
        ]
        self.setAccessibleName(", ".join(word for word in words if word))

    def _tool(self, text: str) -> QToolButton:
        button = QToolButton(self)
        button.setAutoRaise(True)
        button.setFixedSize(22, 22)
        button.setToolTip(text)
        button.setAccessibleName(text)
        return button

    def _dress(self) -> None:
        theme = theme_of(self)
        on = self._take is not None and self._take.starred
        self.star.setIcon(icon("star-on" if on else "star", theme, "near" if on else "text_dim"))
        self.play.setIcon(icon("play", theme))
        self.more.setIcon(icon("more", theme))
        dim = f"color: {theme.text_dim};"
        self.facts.setStyleSheet(dim)
        self.origin.setStyleSheet(dim)
        self.badge.setStyleSheet(
            f"color: {theme.on_accent}; background: {theme.accent}; border-radius: 3px; padding: 0 4px;"
        )

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and self._take is not None:
            self._dress()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setClipRect(event.rect())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = theme_of(self)
        painter.setBrush(theme.colour("panel"))
        strong = self._take is not None and self._take.in_use
        pen = QPen(theme.colour("accent" if strong or self.hasFocus() else "line_strong"), 2 if strong else 1)
        if self.hasFocus():
            pen = QPen(theme.colour("accent"), 3)
        painter.setPen(pen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1.5, 1.5, -1.5, -1.5), 6, 6)
        if self._chosen:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("accent", 0.14))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), 5, 5)
        if self._heard:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("playhead"))
            painter.drawRoundedRect(QRectF(2, 10, 4, self.height() - 20), 2, 2)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.setFocus()
            self.chosen.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self.title.geometry().contains(event.position().toPoint()):
            self.rename()
        elif self.take.usable:
            self.used.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.chosen.emit()
        self.update()
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
        super().focusOutEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Key.Key_Return, Key.Key_Enter):
            if self.take.usable:
                self.used.emit()
        elif key == Key.Key_Space:
            self.played.emit()
        elif key == Key.Key_S:
            self.starred.emit(not self.take.starred)
        elif key == Key.Key_F2:
            self.rename()
        elif key in (Key.Key_Delete, Key.Key_Backspace):
            self.deleted.emit()
        elif key == Key.Key_A:
            self.compared.emit()
        elif key == Key.Key_X:
            self.switched.emit()
        elif key in (Key.Key_Left, Key.Key_Up):
            self.stepped.emit(-1)
        elif key in (Key.Key_Right, Key.Key_Down):
            self.stepped.emit(1)
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and (watched is self.editor, event.type(), event.key()) == (
            True,
            QEvent.Type.KeyPress,
            Key.Key_Escape,
        ):
            self._close_editor()
            return True
        return super().eventFilter(watched, event)  # type: ignore[arg-type]

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self._open_menu(event.globalPos())

    def menu(self) -> QMenu:
        """What can be done with the take."""
        menu = QMenu(self)
        take = self.take
        for name, text, key, done, able in (
            ("use", self.tr("Use this take"), "Return", self.used.emit, take.usable and not take.in_use),
            ("play", self.tr("Play"), "Space", self.played.emit, True),
            ("compare", self.tr("Compare with the take in use"), "A", self.compared.emit, not take.in_use),
            ("star", self.tr("Remove the star") if take.starred else self.tr("Star"), "S",
             lambda: self.starred.emit(not take.starred), True),
            ("rename", self.tr("Rename …"), "F2", self.rename, True),
            ("delete", self.tr("Delete"), "Del", self.deleted.emit, True),
        ):  # fmt: skip
            action = menu.addAction(text)
            action.setObjectName(name)
            action.setShortcut(key)
            action.setEnabled(able)
            action.triggered.connect(lambda _=False, done=done: done())
        return menu

    def _open_menu(self, place: QPoint) -> None:
        menu = self.menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(place)


class Title(QLabel):
    """A label that shortens its words to its width."""

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setClipRect(event.rect())
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width() - 2)
        painter.setPen(theme_of(self).colour("text"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter, text)
        painter.end()


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


class Flow(QLayout):
    """Items side by side, in as many rows as the width asks for."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(GAP, GAP, GAP, GAP)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._lay(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._lay(rect, move=True)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        return CARD + QSize(2 * GAP, 2 * GAP) if self._items else QSize(0, 0)

    def _lay(self, rect: QRect, *, move: bool) -> int:
        x, y, tallest = rect.x() + GAP, rect.y() + GAP, 0
        for item in self._items:
            size = item.sizeHint()
            if x > rect.x() + GAP and x + size.width() > rect.right() - GAP + 2:
                x, y, tallest = rect.x() + GAP, y + tallest + GAP, 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), size))
            x += size.width() + GAP
            tallest = max(tallest, size.height())
        return y + tallest + GAP - rect.y()
