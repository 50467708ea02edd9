"""The bar at the top: where the picture comes from, what is wrong, undo and redo, and what computes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QToolBar, QToolButton, QVBoxLayout, QWidget

from . import icons
from .buttons import ICON, tool
from .controller import Controller
from .inspector import counted
from .theme import theme_of

if TYPE_CHECKING:
    from shotscore_engine.session import Session


@dataclass(frozen=True)
class Deeds:
    """What its buttons do."""

    choose_file: Callable[[], object]
    show_doctor: Callable[[], object]
    show_settings: Callable[[], object]
    show_view_menu: Callable[[], object]


class SourceBar(QToolBar):
    """See the module."""

    def __init__(self, controller: Controller, deeds: Deeds, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self.setWindowTitle(self.tr("Bar"))
        self.setObjectName("bar")
        self.setMovable(False)
        self.setFloatable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.open = tool(self, "folder", self.tr("Open a timeline or video"), deeds.choose_file, "Ctrl+O")
        self.wrong = tool(self, "warning", self.tr("What is wrong?"), deeds.show_doctor, "Ctrl+D")
        self.refresh = tool(self, "refresh", self.tr("Read the picture again"), controller.refresh, "F5")
        self.undo = tool(self, "undo", self.tr("Undo"), controller.undo, "Ctrl+Z")
        self.redo = tool(self, "redo", self.tr("Redo"), controller.redo, "Ctrl+Shift+Z")
        self.badge = QToolButton(self)
        self.badge.setProperty(ICON, "chip")
        self.badge.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.badge.setAutoRaise(True)
        self.badge.setText(self.tr("Loading …"))
        self.badge.setAccessibleName(self.tr("Model and device"))
        self.badge.clicked.connect(lambda _=False: deeds.show_settings())
        self.settings = tool(self, "settings", self.tr("Settings"), deeds.show_settings, "Ctrl+,")
        self.view = tool(self, "more", self.tr("Panels and keys"), deeds.show_view_menu)
        self.mark = QLabel(self)
        self.addWidget(self.mark)
        self.addWidget(self._build_names())
        for group in ((self.open, self.refresh, self.wrong), (self.undo, self.redo)):
            for button in group:
                self.addWidget(button)
            self.addSeparator()
        for button in (self.badge, self.settings, self.view):
            self.addWidget(button)

    def _build_names(self) -> QWidget:
        self.name = QLabel(self)
        font = self.name.font()
        font.setBold(True)
        self.name.setFont(font)
        self.state = QLabel(self)
        self.state.setTextFormat(Qt.TextFormat.PlainText)
        names = QWidget(self)
        column = QVBoxLayout(names)
        column.setContentsMargins(6, 2, 6, 2)
        column.setSpacing(0)
        column.addWidget(self.name)
        column.addWidget(self.state)
        names.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        names.setMinimumWidth(120)
        return names

    # --- what is shown -----------------------------------------------------------------------------------------

    def show_source(self) -> None:
        """The timeline that is open, and whether its editor answers."""
        c = self._controller
        session, editor = c.session, c.surroundings.editor
        self.name.setText("Shotscore" if session is None else Path(session.timeline).name)
        self.name.setToolTip(session.timeline if session else "")
        words = self.tr("Nothing is open") if session is None else self._words(session)
        name, colour = "film", "text_dim"
        if editor is not None:
            state = self.tr("connected") if c.link.connected else self.tr("not connected")
            words = f"{editor.name}: {state}" + (f" · {words}" if session is not None else "")
            name, colour = "plug", "met" if c.link.connected else "missed"
        if c.recut_watch.recut:
            name, colour = "warning", "warning"
        self.mark.setPixmap(icons.icon(name, theme_of(self), colour).pixmap(QSize(24, 24)))
        self.mark.setAccessibleName(words)
        self.state.setText(words)

    def _words(self, session: Session) -> str:
        watch = self._controller.recut_watch
        if watch.newer is not None:
            return self.tr("A newer version lies beside it: {0}").format(watch.newer.name)
        if watch.recut:
            return self.tr("The timeline has changed since")
        if not Path(session.timeline).exists():
            return self.tr("The timeline's file is gone; the session is whole")
        per_second = f"{float(session.picture.rate):.3f}".rstrip("0").rstrip(".")
        return counted(self.tr("1 shot"), self.tr("{0} shots"), len(session.picture.shots)) + f" · {per_second} fps"

    def show_session(self, session: Session | None) -> None:
        """What can be read again, undone and redone."""
        self.refresh.setEnabled(session is not None)
        for button, steps, words in (
            (self.undo, session.past[::-1] if session else (), self.tr("Undo")),
            (self.redo, session.future if session else (), self.tr("Redo")),
        ):
            button.setEnabled(bool(steps))
            button.setToolTip(f"{words}: {steps[0].did}" if steps else words)

    def show_device(self, model: str, provider: str, reason: str) -> None:
        """What computes, and why this."""
        known = {"CPUExecutionProvider": self.tr("Processor"), "CUDAExecutionProvider": "CUDA"}
        name = known.get(provider) or provider.removesuffix("ExecutionProvider")
        self.badge.setText(f"{name} · {model}")
        self.badge.setToolTip(f"{model}: {provider}. {reason}".strip())
