"""Noticing that somebody went on cutting: the timeline's file has become another, or a newer version lies beside it.

A version is a file of the same kind and name but for what tells versions apart: `edit.otio`, `edit_v2.otio`,
`edit (3).otio`. What Shotscore itself puts there (`edit.music.otio`) is none.
"""

from __future__ import annotations

import re
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from .settings import Settings

_VERSION = re.compile(r"(?:[\s._-]*(?:\(?v?\d+\)?|copy|final))+$", re.IGNORECASE)
_SETTLE_MS = 700
"""How long a changed timeline file must stand still before it counts: editors write in several steps."""


class RecutWatch(QObject):
    """Watches one timeline at a time; what it was when it was read is kept in the settings."""

    changed = Signal()
    """`recut` or `newer` is another."""

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.recut = False
        """Whether there is something to follow."""
        self.newer: Path | None = None
        """The newer version beside the file, if that is what there is."""
        self._settings = settings
        self._timeline = ""
        self._watcher = QFileSystemWatcher(self)
        self._settled = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settled.timeout.connect(self.look)
        self._watcher.fileChanged.connect(lambda _: self._settled.start())
        self._watcher.directoryChanged.connect(lambda _: self._settled.start())

    def watch(self, timeline: str) -> None:
        """From now on this file; "" is none."""
        self._timeline = timeline
        self._settled.stop()
        watched = [*self._watcher.files(), *self._watcher.directories()]
        if watched:
            self._watcher.removePaths(watched)
        if not timeline:
            self.recut, self.newer = False, None
            return
        self._watcher.addPaths([timeline, str(Path(timeline).parent)])
        if not self._settings.timeline_mark(timeline):
            self.read_now(Path(timeline))
        self.look()

    def read_now(self, timeline: Path) -> None:
        """The file is read as it is now."""
        self._settings.set_timeline_mark(str(timeline), file_mark(timeline))

    def followed(self) -> None:
        """The session is as the file is."""
        self.recut, self.newer = False, None

    def look(self) -> None:
        """Whether it is another now."""
        if not self._timeline:
            return
        path = Path(self._timeline)
        if path.exists() and self._timeline not in self._watcher.files():
            self._watcher.addPath(self._timeline)  # it was replaced: the watch is on the file that is gone
        mark, read = file_mark(path), self._settings.timeline_mark(self._timeline)
        newer = newest_version(path, read)
        if newer is not None and file_mark(newer) == self._settings.timeline_mark(str(newer)):
            newer = None  # it was followed before, or it is where the session came from
        recut = newer is not None or (bool(mark) and mark != read)
        if (recut, newer) != (self.recut, self.newer):
            self.recut, self.newer = recut, newer
            self.changed.emit()


def newest_version(timeline: Path, read: str) -> Path | None:
    """The newest version of `timeline` beside it that is younger than the file was when it was `read` (its mark)."""
    since = int(read.partition(":")[0] or 0)
    name = _VERSION.sub("", timeline.stem)
    found: list[tuple[int, Path]] = []
    try:
        for path in timeline.parent.glob(f"*{timeline.suffix}"):
            same = path != timeline and _VERSION.sub("", path.stem).casefold() == name.casefold()
            if same and path.is_file() and (when := path.stat().st_mtime_ns) > since:
                found.append((when, path))
    except OSError:
        return None  # the folder went away while it was read
    return max(found)[1] if since and found else None


def file_mark(path: Path) -> str:
    """Tells a file from what it was before; "" where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_mtime_ns}:{found.st_size}"
