"""What the controller tells the window: what is to be done next, what the picture says, a session as it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .view import MixerView, RollView, StemView, TakesView, TimelineView
from .views import mixer_view

if TYPE_CHECKING:
    from shotscore_engine.session import Session

Kind = Literal["empty", "reading", "looking", "score", "regenerate", "reconform", "insert", "export", "busy"]


@dataclass(frozen=True)
class Situation:
    """What the person would do next: the main button's kind, and what it is about."""

    kind: Kind
    shots: tuple[int, int] = (0, 0)
    """Selected, for `regenerate`."""
    name: str = ""
    """The editor's name, for `insert`."""


@dataclass(frozen=True)
class Look:
    """What the picture says of a cue."""

    tempi: tuple[tuple[float, tuple[int, int], int, int, int], ...] = ()
    """(BPM, meter, met, near, missed), best first."""
    mood: tuple[float, float] = (0.0, 0.0)
    energy: tuple[float, ...] = ()
    """A value a beat."""
    shots: tuple[int, ...] = ()
    """The shots seen, from 1, for the two below."""
    trail: tuple[tuple[float, float], ...] = ()
    words: tuple[str, ...] = ()

    def words_of(self, first: int, last: int) -> str:
        """The sentences of a range of shots, each once."""
        found = [word for shot, word in zip(self.shots, self.words, strict=True) if first <= shot <= last and word]
        return " ".join(sentence if sentence[-1] in ".!?" else f"{sentence}." for sentence in dict.fromkeys(found))

    def trail_of(self, first: int, last: int) -> tuple[tuple[float, float], ...]:
        """The moods of a range of shots."""
        return tuple(mood for shot, mood in zip(self.shots, self.trail, strict=True) if first <= shot <= last)


@dataclass(frozen=True)
class Sounds:
    """The delivered sound of a cue."""

    cue: str
    start_frame: int
    mix: Path
    stems: Mapping[str, Path]
    takes: Mapping[int, Path] = field(default_factory=dict)
    """Mixes of the takes that are not in use."""
    midi: Path | None = None
    mark: tuple[int, ...] = ()
    """Changes when the files do."""


@dataclass(frozen=True, eq=False)
class Shown:
    """A session as the widgets show it."""

    session: Session
    timeline: TimelineView
    takes: TakesView | None
    mixer: MixerView | None
    sounds: Sounds | None


def look_of(told: Mapping[str, Any]) -> Look:
    """What the worker says of a cue."""
    tempi = ((bpm, (meter[0], meter[1]), met, near, missed) for bpm, meter, met, near, missed in told["tempi"])
    return Look(
        tuple(tempi),
        (told["mood"][0], told["mood"][1]),
        tuple(told["energy"]),
        tuple(told["shots"]),
        tuple((valence, arousal) for valence, arousal in told["trail"]),
        tuple(told["words"]),
    )


def forming_roll(told: Mapping[str, Any]) -> RollView:
    """The music as it forms, from what `worker.Live` tells."""
    notes = np.array(told["notes"], np.int32).reshape(-1, 5)
    notes = notes[np.argsort(notes[:, 1], kind="stable")]
    first, last = (float(frame) for frame in told["frames"])
    scale = (last - first) / max(1, int(told["steps"]))
    return RollView(
        part=notes[:, 0],
        pitch=notes[:, 3],
        velocity=notes[:, 4],
        start_frame=np.asarray(first + notes[:, 1] * scale, float),
        end_frame=np.asarray(first + notes[:, 2] * scale, float),
        range_frames=(int(first), int(last)),
        noise=float(told["noise"]),
    )


def sounds_of(session: Session, cue: str, folder: Path) -> Sounds | None:
    """What was delivered of a cue; None where nothing was."""
    from shotscore_exporters import report
    from shotscore_exporters.delivery import REPORT

    table = report.read(folder / REPORT)
    row = next((row for row in table.get("cues", ()) if row["name"] == cue), None)
    if row is None or cue not in session.chosen:
        return None
    mix = folder / row["mix"]
    stems = {name: folder / path for name, path in row["stems"].items()}
    takes = {
        take.number: path
        for take in session.takes
        if take.cue == cue and (path := folder / "takes" / f"{cue}_take{take.number}_mix.wav").exists()
    }
    try:
        mark = tuple(path.stat().st_mtime_ns for path in (mix, *stems.values(), *takes.values()))
    except OSError:
        return None
    return Sounds(cue, int(row["start_frame"]), mix, stems, takes, folder / row["midi"], mark)


def mixer_of(session: Session, cue: str, settings: Mapping[str, StemView]) -> MixerView | None:
    if cue not in session.chosen:
        return None
    take = session.take(cue)
    if take.edit != len(session.edits):
        return None
    return mixer_view(cue, session.perform(take), session.locks, settings)
