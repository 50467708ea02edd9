"""Noticing that the file of a timeline has become another: somebody went on cutting."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from .settings import Settings

_SETTLE_MS = 700
"""How long a changed timeline file must stand still before it counts: editors write in several steps."""


class RecutWatch(QObject):
    """Watches one timeline at a time; what it was when it was read is kept in the settings."""

    changed = Signal()
    """`recut` is another."""

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.recut = False
        """Whether the file is another than when it was read."""
        self._settings = settings
        self._timeline = ""
        self._watcher = QFileSystemWatcher(self)
        self._settled = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settled.timeout.connect(self.look)
        self._watcher.fileChanged.connect(lambda _: self._settled.start())

    def watch(self, timeline: str) -> None:
        """From now on this file; "" is none."""
        self._timeline = timeline
        self._settled.stop()
        if self._watcher.files():
            self._watcher.removePaths(self._watcher.files())
        if not timeline:
            self.recut = False
            return
        self._watcher.addPath(timeline)
        if not self._settings.timeline_mark(timeline):
            self.read_now(Path(timeline))
        self.look()

    def read_now(self, timeline: Path) -> None:
        """The file is read as it is now."""
        self._settings.set_timeline_mark(str(timeline), file_mark(timeline))

    def followed(self) -> None:
        """The session is as the file is."""
        self.recut = False

    def look(self) -> None:
        """Whether it is another now."""
        if not self._timeline:
            return
        path = Path(self._timeline)
        if path.exists() and self._timeline not in self._watcher.files():
            self._watcher.addPath(self._timeline)  # it was replaced: the watch is on the file that is gone
        mark = file_mark(path)
        recut = bool(mark) and mark != self._settings.timeline_mark(self._timeline)
        if recut != self.recut:
            self.recut = recut
            self.changed.emit()


def file_mark(path: Path) -> str:
    """Tells a file from what it was before; "" where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_mtime_ns}:{found.st_size}"
