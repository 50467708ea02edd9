"""Making what is shown of a session, beside the window; of several states in a row the last one is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal
from shotscore_engine.errors import MediaError

from .shown import Look, Shown, Sounds, mixer_of, sounds_of
from .tasks import Keeper
from .view import StemView, WaveformView
from .views import Extras, Views
from .waves import read_waveform

if TYPE_CHECKING:
    from shotscore_engine.session import Session
    from shotscore_engine.wishes import EnergyCurve

Wave = tuple[tuple[int, ...], WaveformView]
"""The state of the sound's files, and its wave."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What is to be shown."""

    session: Session
    cue: str
    out: Path
    """The folder the music goes to."""
    energy: Mapping[str, EnergyCurve]
    looks: Mapping[str, Look]
    mixer: Mapping[str, StemView]


class Drawing(QObject):
    """Turns scenes into views, on the keeper's thread."""

    drawn = Signal(object)
    """Shown"""
    failed = Signal(object)
    """The exception"""

    def __init__(self, keeper: Keeper, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._keeper = keeper
        self._views = Views()
        self._waves: dict[str, Wave] = {}
        self._next: Scene | None = None
        self._working = False

    def draw(self, scene: Scene) -> None:
        """Show it, after what is being made."""
        self._next = scene
        if not self._working:
            self._make()

    def forget(self) -> None:
        """Another session comes: nothing of the one before is shown any more."""
        self._next = None
        self._waves = {}

    def _make(self) -> None:
        scene, self._next = self._next, None
        if scene is None:
            return
        self._working = True
        waves = self._waves

        def work() -> tuple[Shown, dict[str, Wave]]:
            session, cue = scene.session, scene.cue
            sounds = sounds_of(session, cue, scene.out)
            fresh = _with_wave(sounds, waves, session)
            extras = Extras(
                {name: wave for name, (_, wave) in fresh.items()},
                scene.energy,
                {name: np.array(look.energy, np.float32) for name, look in scene.looks.items()},
            )
            takes = self._views.takes(session, cue) if cue else None
            timeline = self._views.timeline(session, extras)
            return Shown(session, timeline, takes, mixer_of(session, cue, scene.mixer), sounds), fresh

        def done(found: tuple[Shown, dict[str, Wave]]) -> None:
            self._working = False
            if self._waves is waves:  # else it was forgotten meanwhile
                self._waves = found[1]
                self.drawn.emit(found[0])
            self._make()

        def failed(problem: Exception) -> None:
            self._working = False
            self.failed.emit(problem)
            self._make()

        self._keeper.ask(work, done, failed)


def _with_wave(sounds: Sounds | None, known: Mapping[str, Wave], session: Session) -> dict[str, Wave]:
    """The waves, that of `sounds` decoded where it is new."""
    waves = dict(known)
    if sounds is None or (sounds.cue in waves and waves[sounds.cue][0] == sounds.mark):
        return waves
    try:
        waves[sounds.cue] = (sounds.mark, read_waveform(sounds.mix, session.picture.rate, sounds.start_frame))
    except MediaError:
        waves.pop(sounds.cue, None)
    return waves
