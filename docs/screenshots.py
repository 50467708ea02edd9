"""Makes the pictures of the panel in docs/images: `python docs/screenshots.py SESSION [--out FOLDER] [--locale de_DE]`.

SESSION is a scored session, such as `shotscore demo` leaves. It needs no screen. Look at what it made before it is
committed: a picture nobody looked at proves nothing.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PIL import Image
from PySide6.QtCore import QEventLoop, QLocale, QTimer
from PySide6.QtWidgets import QApplication, QWidget
from shotscore_engine.sessionfile import read
from shotscore_ui import language
from shotscore_ui.appearance import apply_appearance
from shotscore_ui.controller import Controller
from shotscore_ui.editor import Surroundings
from shotscore_ui.settings import Settings
from shotscore_ui.window import MainWindow

MOST_BYTES = 300_000
LARGE, SMALL = (1360, 860), (940, 620)


class Camera:
    """A window and its pictures."""

    def __init__(self, app: QApplication, out: Path, folder: Path) -> None:
        self.app, self.out = app, out
        self.settings = Settings(folder)
        self.settings.appearance = "dark"
        apply_appearance(app, self.settings)
        demo = (sys.executable, "-m", "shotscore_plugin.panel", "--demo")
        self.controller = Controller(self.settings, Surroundings(demo=demo))
        self.window = MainWindow(self.controller, app=app)
        self.controller.troubled.connect(lambda problem: print(problem.text, problem.detail, file=sys.stderr))

    def wait(self, true: Callable[[], bool]) -> None:
        """Let events be handled until something holds."""
        loop = QEventLoop()
        timer = QTimer(interval=50)
        timer.timeout.connect(lambda: true() and loop.quit())
        timer.start()
        loop.exec()

    def appear(self, appearance: Any, size: tuple[int, int]) -> None:
        """In other colours, in another size."""
        self.settings.appearance = appearance
        apply_appearance(self.app, self.settings)
        self.window.resize(*size)
        self.pause(400)

    def pause(self, ms: int) -> None:
        """Let what is on its way arrive."""
        loop = QEventLoop()
        QTimer.singleShot(ms, loop.quit)
        loop.exec()
        self.wait(lambda: self.window.thumbnails.idle)

    def shoot(self, name: str, widget: QWidget | None = None) -> None:
        """A PNG; of 256 colours where it would be large."""
        image = (widget or self.window).grab().toImage()
        path = self.out / f"{name}.png"
        image.save(str(path), "PNG")
        if path.stat().st_size > MOST_BYTES:  # Qt's own reduction knows one palette for all pictures
            Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB", flush=True)


def main() -> int:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("session", type=Path)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images")
    parser.add_argument("--locale", default="en_GB", help="the panel's language")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    app = QApplication(sys.argv[:1])
    QLocale.setDefault(QLocale(options.locale))
    language.install(app)
    with tempfile.TemporaryDirectory() as folder:
        # The session itself stays as it is.
        home = Path(folder) / "music"
        shutil.copytree(options.session.parent, home)
        camera = Camera(app, options.out, Path(folder) / "settings")
        take_all(camera, home / options.session.name)
        loop = QEventLoop()
        camera.window.gone.connect(loop.quit)
        camera.window.close()
        loop.exec()
    return 0


def take_all(camera: Camera, session: Path) -> None:
    """Every picture, in an order that needs one worker."""
    window, controller = camera.window, camera.controller
    window.show()
    window.resize(*LARGE)
    camera.pause(300)
    camera.shoot("panel-first")
    camera.appear("light", SMALL)
    camera.shoot("panel-first-small-light")
    camera.appear("dark", LARGE)
    shots = len(read(session)[0].picture.shots)
    window.open(session)
    camera.wait(lambda: window._shown is not None and window._shown.sounds is not None)
    controller.start()
    camera.wait(lambda: bool(controller.looks) and not controller.keeper.busy and not controller.chores.busy)
    camera.wait(lambda: not controller.jobs.busy)
    window.player.seek(session_frame(window, 0.37))
    camera.pause(1500)
    camera.shoot("panel-dark")
    cue = window.strip.view.cues[0] if window.strip.view else None
    if cue is not None:  # its end held, where it would be
        window.strip.edges.take(cue, "end")
        window.strip.edges.move(session_frame(window, 0.82), freely=False)
        camera.pause(100)
        camera.shoot("panel-edge", window.strip)
        window.strip.edges.let_go()
    middle = max(1, shots // 2)
    window.strip.set_selection(middle, min(shots, middle + 1))
    window._selected(middle, min(shots, middle + 1))
    camera.appear("light", LARGE)
    camera.shoot("panel-light")
    window.docks["mixer"].raise_()
    camera.appear("dark", SMALL)
    camera.shoot("panel-small")
    camera.appear("light", SMALL)
    camera.shoot("panel-small-light")


def session_frame(window: MainWindow, share: float) -> int:
    """A frame of the film."""
    assert window._shown is not None
    return round(window._shown.timeline.duration_frames * share)


if __name__ == "__main__":
    sys.exit(main())
