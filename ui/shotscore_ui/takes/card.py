"""One take as a card: its title, a small roll, what it measures, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ..icons import icon
from ..language import tr
from ..musicwords import key_words
from ..theme import theme_of
from ..view import TakeView
from .stamp import Meters, SmallRoll

CARD = QSize(216, 158)

Key = Qt.Key


def take_title(take: TakeView) -> str:
    """What a take is called on its card."""
    return take.name or tr("Take {0}").format(take.number)


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
        self.facts.setText(f"{take.bpm:.0f} BPM · {key_words(take.key)} · {take.style}")
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
