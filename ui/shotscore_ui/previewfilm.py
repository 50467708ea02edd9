"""The player's small film: one that was made of the same picture is used again, another is drawn by a worker."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from .jobs import Jobs
from .tasks import Keeper

if TYPE_CHECKING:
    from shotscore_engine.picture import Picture

Saved = Callable[[Callable[[Path], Any]], None]
"""Calls what it is given with the path of the session's file, once that holds the session as it is."""


class PreviewFilm(QObject):
    """Its worker does nothing else, so that nobody waits for it."""

    ready = Signal(object)
    """Path"""
    failed = Signal(object)
    """The exception"""

    def __init__(self, folder: Path, keeper: Keeper, saved: Saved, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs = Jobs(self)
        self._folder = folder
        self._keeper = keeper
        self._saved = saved
        self._picture: Picture | None = None
        self._wanted: Path | None = None
        self.jobs.answered.connect(self._answered)

    def make(self, picture: Picture) -> None:
        """See that there is a film of `picture`; `ready` says where."""
        self._picture = picture

        def look() -> tuple[Path, bool]:
            seen = replace(picture, warnings=(), dialogue=(), markers=())
            self._folder.mkdir(parents=True, exist_ok=True)
            path = self._folder / f"{hashlib.sha256(repr(seen).encode()).hexdigest()[:24]}.mp4"
            return path, path.exists()

        def looked(found: tuple[Path, bool]) -> None:
            path, there = found
            if self._picture is not picture:
                return
            self._wanted = path
            if there:
                self.ready.emit(path)
            else:
                self._saved(lambda session: self.jobs.ask("proxy", session=session, path=path))

        self._keeper.ask(look, looked, self.failed.emit)

    def forget(self) -> None:
        """Another timeline comes: a film of the one before is no longer wanted."""
        self._picture = self._wanted = None

    def _answered(self, _: int, __: str, answer: Mapping[str, Any]) -> None:
        path = Path(answer["path"])
        if path == self._wanted:
            self.ready.emit(path)
