"""The main button, what it is about, how far it is, and everything else that can be done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from . import icons
from .buttons import ICON
from .jobs import Advance
from .shown import Situation
from .theme import theme_of

_HEIGHT = 42
_WHOLE = 1000
_WAITING = ("busy", "reading", "looking")

Entry = tuple[str, Callable[[], object], bool]
"""Words, what is done, whether it can be done now."""


class ActionPanel(QFrame):
    """See the module. `entries` gives what its menu offers, each time it opens."""

    pressed = Signal()

    def __init__(self, entries: Callable[[], Sequence[Entry]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries = entries
        self.setObjectName("action")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAutoFillBackground(True)
        self.stage = QLabel(self)
        self.stage.setWordWrap(True)
        self.progress = QProgressBar(self)
        self.progress.setRange(0, _WHOLE)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.progress.setAccessibleName(self.tr("Progress"))
        self.main = QPushButton(self)
        self.main.setProperty("main", True)
        self.main.setMinimumHeight(_HEIGHT)
        self.main.setIconSize(QSize(22, 22))
        self.main.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.main.clicked.connect(lambda _=False: self.pressed.emit())
        self.other = QToolButton(self)
        self.other.setProperty(ICON, "chevron-down")
        self.other.setMinimumHeight(_HEIGHT)
        self.other.setMinimumWidth(34)
        self.other.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.other.setAccessibleName(self.tr("Everything else that can be done"))
        self.other.setToolTip(self.tr("Everything else that can be done"))
        self.menu = QMenu(self)
        self.menu.aboutToShow.connect(self._fill)
        self.other.setMenu(self.menu)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.main, 1)
        row.addWidget(self.other)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 10)
        column.setSpacing(6)
        column.addWidget(self.stage)
        column.addWidget(self.progress)
        column.addLayout(row)

    def _fill(self) -> None:
        self.menu.clear()
        for words, slot, able in self._entries():
            action = self.menu.addAction(words)
            action.setEnabled(able)
            action.triggered.connect(partial(_without_arguments, slot))

    def show_situation(self, situation: Situation) -> None:
        """What the main button would do."""
        kind = situation.kind
        words, icon = self._words(situation)
        self.main.setText(words)
        if self.main.property("main") != (kind != "busy"):
            self.main.setProperty("main", kind != "busy")
            self.main.style().unpolish(self.main)
            self.main.style().polish(self.main)
        self.main.setIcon(icons.icon(icon, theme_of(self), "text" if kind == "busy" else "on_accent"))
        self.main.setEnabled(kind not in ("reading", "looking"))
        self.other.setEnabled(kind not in (*_WAITING, "empty"))
        waiting = kind in _WAITING
        if waiting and not self.progress.isVisible():
            self.progress.setRange(0, 0)
        self.progress.setVisible(waiting)
        self.stage.setVisible(waiting or kind == "reconform")
        if kind == "reconform":
            self.stage.setText(self.tr("The timeline has changed. The music stays where the picture stayed."))
        elif not waiting:
            self.stage.clear()

    def _words(self, situation: Situation) -> tuple[str, str]:
        """(what the main button says, its icon)."""
        first, last = situation.shots
        shots = self.tr("shot {0}").format(first) if first == last else self.tr("shots {0}–{1}").format(first, last)
        return {
            "empty": (self.tr("Open …"), "folder"),
            "reading": (self.tr("Reading …"), "film"),
            "looking": (self.tr("Looking at the picture …"), "film"),
            "score": (self.tr("Score"), "score"),
            "regenerate": (self.tr("Regenerate {0}").format(shots), "again"),
            "reconform": (self.tr("Re-conform"), "refresh"),
            "insert": (self.tr("Insert into {0}").format(situation.name), "insert"),
            "export": (self.tr("Export"), "export"),
            "busy": (self.tr("Stop"), "stop"),
        }[situation.kind]

    def show_advance(self, advance: Advance) -> None:
        """How far the job is, and how long it will take."""
        stages = {
            "read": self.tr("Reading"),
            "analyse": self.tr("Looking at the picture"),
            "denoise": self.tr("Writing the music"),
            "render": self.tr("Playing the instruments"),
            "write": self.tr("Writing the files"),
        }
        words = self.tr("Loading the model") if advance.kind == "warm" else stages.get(advance.stage, advance.stage)
        left = advance.seconds_left
        if left is not None and left >= 1:
            more = self.tr("about {0} s left").format(round(left))
            if left >= 100:
                more = self.tr("about {0} min left").format(round(left / 60))
            words = f"{words} · {more}"
        self.stage.setText(words)
        self.progress.setRange(0, _WHOLE)
        self.progress.setValue(round(advance.whole * _WHOLE))
        self.progress.setAccessibleDescription(words)


def _without_arguments(slot: Callable[[], object], _: bool = False) -> None:
    slot()
