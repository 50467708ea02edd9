"""Starting the panel.

The window is there before anything heavy is loaded: no model, no NumPy in the first breath of the worker, nothing read.
"""

from __future__ import annotations

import gc
import signal
import sys
from pathlib import Path

from .editor import Surroundings

SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter while the window wants it: a tenth of Python's own."""
_SIGNAL_MS = 200


def run(what: Path | None = None, surroundings: Surroundings | None = None, settings_folder: Path | None = None) -> int:
    """Show the panel, with `what` (a timeline, video or session) opened; the exit code, once it is closed.

    Where a program already runs Qt in this process, its application is used.
    """
    from PySide6.QtCore import QCoreApplication, QTimer
    from PySide6.QtWidgets import QApplication

    from . import language
    from .appearance import apply_appearance
    from .controller import Controller
    from .settings import Settings
    from .window import MainWindow

    sys.setswitchinterval(SWITCH_SECONDS)
    QCoreApplication.setApplicationName("Shotscore")
    QCoreApplication.setOrganizationName("shotscore")
    running = QApplication.instance()
    app = running if isinstance(running, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationDisplayName("Shotscore")
    app.setQuitOnLastWindowClosed(False)  # the window hides first, and goes when no process is left
    language.install(app)
    settings = Settings(settings_folder)
    apply_appearance(app, settings)
    controller = Controller(settings, surroundings)
    window = MainWindow(controller, app=app)
    window.gone.connect(app.quit)
    window.show()
    # The interpreter looks for signals only when it runs: let it, now and then, so that Ctrl-C and SIGTERM close.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: window.close())
    beat = QTimer()
    beat.timeout.connect(lambda: None)
    beat.start(_SIGNAL_MS)
    if what is not None:
        QTimer.singleShot(0, lambda: window.open(what))
    QTimer.singleShot(0, controller.start)
    gc.freeze()  # what is there by now stays: looking for garbage in it again and again would hold the window up
    return int(app.exec())
