"""Starting the panel.

The window is there before anything heavy is loaded: no model, no NumPy in the first breath of the worker, nothing read.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from .editor import Surroundings

_SWITCH_SECONDS = 0.0005
"""How long a thread may keep the interpreter while the window wants it: a tenth of Python's own."""
_SIGNAL_MS = 200


def run(what: Path | None = None, surroundings: Surroundings | None = None, settings_folder: Path | None = None) -> int:
    """Show the panel, with `what` (a timeline, video or session) opened; the exit code, once it is closed.

    Where a program already runs Qt in this process, its application is used.
    """
    from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTimer, QTranslator
    from PySide6.QtWidgets import QApplication

    from .controller import Controller
    from .settings import Settings
    from .window import MainWindow, apply_appearance

    sys.setswitchinterval(_SWITCH_SECONDS)
    QCoreApplication.setApplicationName("Shotscore")
    QCoreApplication.setOrganizationName("shotscore")
    running = QApplication.instance()
    app = running if isinstance(running, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationDisplayName("Shotscore")
    app.setQuitOnLastWindowClosed(False)  # the window hides first, and goes when no process is left
    for folder, name in (
        (QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath), "qtbase"),
        (str(Path(__file__).parent / "translations"), "shotscore"),
    ):
        translator = QTranslator(app)
        if translator.load(QLocale(), name, "_", folder):
            app.installTranslator(translator)
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
    return int(app.exec())
