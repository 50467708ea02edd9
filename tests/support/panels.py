"""The panel in a test's hands: clicks, keys, waiting on signals."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import shiboken6
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget
from shotscore_ui.controller import Controller
from shotscore_ui.editor import Surroundings
from shotscore_ui.settings import Settings
from shotscore_ui.window import MainWindow

WAIT_MS = 90_000
"""How long a signal may take on a machine that does other work as well."""

sys.setswitchinterval(0.0005)


class Panel:
    """A window and what drives it."""

    def __init__(self, qtbot: Any, settings: Path, **surroundings: Any) -> None:
        self.bot = qtbot
        self.settings = Settings(settings)
        self.settings.device = "cpu"
        self.controller = Controller(self.settings, Surroundings(**surroundings))
        self.window = MainWindow(self.controller)
        self.problems: list[Any] = []
        self.controller.troubled.connect(self.problems.append)
        self.gone = False
        self.window.gone.connect(self._went)
        self.window.show()
        self.come_to_front()

    def _went(self) -> None:
        self.gone = True

    def come_to_front(self) -> None:
        """Keys go to the active window; without a window manager none becomes it when a dialog goes."""
        self.window.activateWindow()
        self.bot.waitUntil(self.window.isActiveWindow, timeout=WAIT_MS)

    # --- what a person does ------------------------------------------------------------------------------------

    def click(self, widget: QWidget) -> None:
        """With the left button."""
        assert widget.isEnabled(), f"{widget.accessibleName()} is disabled"
        assert widget.isVisible(), f"{widget.accessibleName()} is hidden"
        self.bot.mouseClick(widget, Qt.MouseButton.LeftButton)

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        """To whatever has the focus."""
        target = QApplication.focusWidget() or self.window
        self.bot.keyClick(target, key, modifier)

    def drag(self, widget: QWidget, start: QPoint, end: QPoint) -> None:
        """With the left button held."""
        for kind, place, button, buttons in (
            (QEvent.Type.MouseButtonPress, start, Qt.MouseButton.LeftButton, Qt.MouseButton.LeftButton),
            (QEvent.Type.MouseMove, (start + end) / 2, Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton),
            (QEvent.Type.MouseMove, end, Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton),
            (QEvent.Type.MouseButtonRelease, end, Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton),
        ):
            where = QPointF(place)
            event = QMouseEvent(
                kind, where, QPointF(widget.mapToGlobal(place)), button, buttons, Qt.KeyboardModifier.NoModifier
            )
            QApplication.sendEvent(widget, event)

    # --- waiting -----------------------------------------------------------------------------------------------

    def until(self, signal: Any, act: Callable[[], object] = lambda: None, check: Any = None) -> Any:
        """Do something and wait for a signal; its arguments."""
        with self.bot.waitSignal(signal, timeout=WAIT_MS, check_params_cb=check) as blocker:
            act()
        return blocker.args

    def wait(self, true: Callable[[], bool]) -> None:
        """Let events be handled until something holds."""
        self.bot.waitUntil(true, timeout=WAIT_MS)

    def open(self, path: Path, kind: str) -> None:
        """Open, and wait until the main button is of `kind`."""
        self.window.open(path)
        self.wait(lambda: self.situation == kind and self.window._shown is not None)

    @property
    def situation(self) -> str:
        """Of the main button."""
        return self.controller.situation.kind

    @property
    def session(self) -> Any:
        """The session as it is."""
        assert self.controller.session is not None
        return self.controller.session

    def settle(self) -> None:
        """Until nothing runs any more."""
        c = self.controller
        self.wait(lambda: not c.jobs.busy and not c.chores.busy and not c.keeper.busy)

    def close(self) -> None:
        """As the cross does, and see that no process is left."""
        if not self.gone:
            workers = [jobs.process_id for jobs in (self.controller.jobs, self.controller.chores) if jobs.process_id]
            self.window.close()
            self.wait(lambda: self.gone)
            for pid in workers:
                assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        if shiboken6.isValid(self.window):
            self.window.deleteLater()
