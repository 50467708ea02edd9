"""What the panel's widgets show: frozen views of a session, without Qt and without work for the widgets to do.

Frames count from the timeline's start; ranges exclude their end; places between frames are floats, since nothing here
is written back. Shots are numbered from 1. A widget takes its view by `set_view(view)` and asks for changes by
signals; it changes nothing by itself. Whoever listens changes the session and sets a new view.

    view of                widget                        signals (arguments)
    TimelineView           strip.TimelineStrip           playhead_moved(int frame)
                                                         selection_changed(int first_shot, int last_shot); 0, 0: none
                                                         hit_selected(str cue, int frame); "", -1: none
                                                         hit_moved(str cue, int from_frame, int to_frame)
                                                         hit_weighed(str cue, int frame, float weight)
                                                         hit_added(str cue, int frame)
                                                         hit_muted(str cue, int frame, bool muted)
                                                         energy_drawn(str cue, object curve); () takes it away
                                                         lock_toggled(str cue, str part, int start, int end, bool lock);
                                                             part "" is every part; start, end -1 is the whole cue
                                                         cue_activated(str cue)
                                                         cue_trimmed(str cue, int start, int end, bool overlap)
                                                         regenerate_requested(int first_shot, int last_shot)
    RollView               roll.PianoRoll                playhead_moved(int frame)
                                                         part_toggled(str part, bool shown)
    MixerView              mixer.Mixer                   mute_toggled(str stem, bool), solo_toggled(str stem, bool)
                                                         gain_changed(str stem, float gain_db)
                                                         lock_toggled(str stem, bool)
                                                         instrument_changed(str stem, int program)
                                                         stem_dragged(str stem): a drag of it begins; the listener
                                                             answers with Mixer.drag_files(list[Path])
    MoodView               moodpad.MoodPad               mood_changing(float valence, float arousal) while dragging
                                                         mood_changed(float valence, float arousal)
                                                         mood_reset()
    TakesView              takes.TakeCards               take_used(str cue, int number)
                                                         take_played(str cue, int number)
                                                         take_starred(str cue, int number, bool starred)
                                                         take_renamed(str cue, int number, str name)
                                                         take_deleted(str cue, int number)
                                                         takes_compared(str cue, int a, int b): A/B is on; 0, 0: off
                                                         take_heard(str cue, int number): the side A/B switched to
                                                         takes_combined(str cue, object pieces); pieces as
                                                             `combine_takes` takes them: (first bar, last bar, take)

`TimelineStrip(store, scale)` and `PianoRoll(scale)` that share a `strip.TimeScale` scroll and zoom as one.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from shotscore_engine.grid import HitState
from shotscore_engine.roll import PARTS
from shotscore_engine.takes import TakeMeasures
from shotscore_engine.wishes import EnergyCurve

if TYPE_CHECKING:
    pass

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MarkState = HitState | Literal["open"]
"""How a hit is met; `open` while its cue has no tempo yet."""


def places_between(frames: Ints, first_frame: float, last_frame: float) -> tuple[int, int]:
    """[first, last) places in rising `frames` of those in [first_frame, last_frame).

    Sought as whole numbers: NumPy would make floats of all of them first.
    """
    first, last = np.searchsorted(frames, [math.ceil(first_frame), math.ceil(last_frame)])
    return int(first), int(last)


@dataclass(frozen=True)
class ShotView:
    """A shot and where its thumbnails come from."""

    index: int
    """From 1."""
    start_frame: int
    duration_frames: int
    name: str
    media: Path | None
    """None for black, titles and other generators."""
    offline: bool
    source_start: Fraction
    """Seconds from the media's first frame to the moment shown first."""
    speed: Fraction
    detected: bool
    """Whether a detector found the cut it begins with."""
    transition: Literal["cut", "dissolve", "fade"] = "cut"
    transition_frames: int = 0

    @property
    def end_frame(self) -> int:
        """The frame after the last."""
        return self.start_frame + self.duration_frames

    def source_seconds(self, frame: int, rate: Fraction) -> Fraction:
        """Media time shown at the timeline's `frame`."""
        return max(Fraction(0), self.source_start + self.speed * Fraction(frame - self.start_frame) / rate)


@dataclass(frozen=True)
class HitView:
    """A hit and how it is met."""

    cue: str
    frame: int
    kind: str
    """cut, detected, dissolve, marker, motion, flash, person or end."""
    weight: float
    """0 (ignored) to 1 (must)."""
    tolerance_frames: int
    state: MarkState
    reason: str
    frames_off: float = 0.0
    """How many frames the nearest accent comes after the hit; negative is before."""
    beat_frame: float | None = None
    """Where that accent falls."""

    @property
    def on_cut(self) -> bool:
        """Whether it stands on a cut of the picture."""
        return self.kind in ("cut", "detected", "dissolve")


@dataclass(frozen=True, eq=False)
class GridView:
    """Bars, beats and tempo of a cue."""

    beat_frames: Floats
    """(T + 1,): frame of each beat, and of the end of the last."""
    bar_beats: Ints
    """(bars,): which beats open a bar."""
    bpm: Floats
    """(T,): tempo of each beat, in quarter notes a minute."""
    meter: tuple[int, int]

    @cached_property
    def bar_frames(self) -> Floats:
        """(bars,): frame of each bar's first beat."""
        return np.asarray(self.beat_frames[self.bar_beats], float)

    @cached_property
    def usual_bpm(self) -> float:
        """The tempo half of the beats are slower than."""
        return float(np.median(self.bpm))

    @cached_property
    def usual_beat_frames(self) -> float:
        """How long a beat usually is."""
        return float(np.median(np.diff(self.beat_frames)))


@dataclass(frozen=True, eq=False)
class RollView:
    """Notes placed over the picture; what `PianoRoll` and the small rolls of takes draw."""

    part: NDArray[np.int32]
    """(n,): index into `parts`."""
    pitch: NDArray[np.int32]
    """(n,): MIDI number."""
    velocity: NDArray[np.int32]
    """(n,): 1 to 127."""
    start_frame: Floats
    """(n,), in rising order."""
    end_frame: Floats
    """(n,)."""
    range_frames: tuple[int, int]
    """Of the cue."""
    parts: tuple[str, ...] = PARTS
    bar_frames: Floats = field(default_factory=lambda: np.zeros(0))
    noise: float | None = None
    """While it is being made: how much of it is still noise, 1 to 0. None: finished."""

    @property
    def notes(self) -> int:
        """How many."""
        return len(self.pitch)

    @property
    def pitch_range(self) -> tuple[int, int]:
        """Lowest and highest pitch; middle octaves where there is no note."""
        return (int(self.pitch.min()), int(self.pitch.max())) if self.notes else (48, 72)

    def overlaid(self, fresh: RollView) -> RollView:
        """The whole roll with a stretch of it as it forms.

        self   o  o  o  o  o  o        fresh  . x x .        overlaid   o  o  x x  o  o
        """
        first, last = fresh.range_frames
        stays = (self.start_frame < first) | (self.start_frame >= last)
        order = np.argsort(np.concatenate([self.start_frame[stays], fresh.start_frame]), kind="stable")
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(self, name)[stays], getattr(fresh, name)])[order]
            for name in ("part", "pitch", "velocity", "start_frame", "end_frame")
        }
        return replace(self, noise=fresh.noise, **columns)


@dataclass(frozen=True, eq=False)
class TakeView:
    """A take's card."""

    cue: str
    number: int
    name: str
    """What a person calls it; may be empty."""
    starred: bool
    in_use: bool
    key: str
    style: str
    bpm: float
    seed: int
    origin: Literal["score", "rescore", "combine", "reconform", "trim"]
    """How it came to be."""
    base: int
    """The take it was made from; 0 where it was written whole."""
    shots: tuple[int, int] | None
    """Which shots were made anew, where that was asked for."""
    usable: bool
    """False where it was written for an earlier cut of the film, or another range of the cue."""
    combinable: bool
    """Whether its bars can be put together with those of the take in use: both lie on one grid."""
    bars: int
    measures: TakeMeasures
    roll: RollView


@dataclass(frozen=True, eq=False)
class TakesView:
    """The takes of one cue."""

    cue: str
    takes: tuple[TakeView, ...]
    bar_shots: tuple[tuple[int, int], ...] = ()
    """First and last shot seen during each bar of the take in use."""
    pickup: bool = False
    """Whether there is a bar 0."""


@dataclass(frozen=True, eq=False)
class EnergyView:
    """How much should happen in a cue."""

    curve: EnergyCurve = ()
    """(frame, energy) points a person drew."""
    read_frames: Floats = field(default_factory=lambda: np.zeros(0))
    """(T,): middles of beats."""
    read: Floats = field(default_factory=lambda: np.zeros(0))
    """(T,): what the picture says, 0 to 1; empty where nobody looked yet."""


@dataclass(frozen=True, eq=False)
class WaveformView:
    """Peaks of a cue's music in levels of detail, each half as long as the one before."""

    start_frame: float
    frames_per_bucket: float
    """Of the first level."""
    levels: tuple[NDArray[np.float32], ...]
    """(buckets, 2) each: lowest and highest sample in [-1, 1]."""

    @property
    def end_frame(self) -> float:
        """Where the sound ends."""
        return self.start_frame + self.frames_per_bucket * (len(self.levels[0]) if self.levels else 0)

    def level(self, frames_per_pixel: float) -> tuple[NDArray[np.float32], float]:
        """(peaks, frames a bucket): the coarsest level that still has a bucket a pixel."""
        width, chosen = self.frames_per_bucket, 0
        while chosen + 1 < len(self.levels) and width * 2 <= frames_per_pixel:
            width, chosen = width * 2, chosen + 1
        return self.levels[chosen], width


@dataclass(frozen=True, eq=False)
class CueView:
    """A cue on the timeline."""

    name: str
    start_frame: int
    end_frame: int
    hits: tuple[HitView, ...]
    grid: GridView | None
    """None before it is scored."""
    roll: RollView | None
    """The take in use."""
    energy: EnergyView = field(default_factory=EnergyView)
    waveform: WaveformView | None = None

    @property
    def range_frames(self) -> tuple[int, int]:
        """[start, end)."""
        return self.start_frame, self.end_frame

    @cached_property
    def hit_frames(self) -> Ints:
        """(hits,): in rising order."""
        return np.array([hit.frame for hit in self.hits], np.int64)

    @cached_property
    def hit_states(self) -> Ints:
        """(hits,): place in (met, open, near, missed) of each; 4 for ignored ones."""
        places = {"met": 0, "open": 1, "near": 2, "missed": 3}
        return np.array([places.get(hit.state, 4) for hit in self.hits], np.int64)

    @cached_property
    def hit_weights(self) -> Floats:
        """(hits,): 0 to 1."""
        return np.array([hit.weight for hit in self.hits], float)


@dataclass(frozen=True)
class LockView:
    """A lock, with its range spelled out."""

    cue: str
    part: str | None
    """None: every part."""
    start_frame: int
    end_frame: int
    whole: bool
    """Whether it holds over the whole cue."""


@dataclass(frozen=True)
class MarkerView:
    """A marker of the editor."""

    frame: int
    duration_frames: int
    name: str
    colour: str


@dataclass(frozen=True, eq=False)
class TimelineView:
    """All that the timeline strip shows."""

    name: str
    rate: Fraction
    start_frame: int
    """Absolute number of the first frame: 86400 for 01:00:00:00 at 24."""
    drop_frame: bool
    duration_frames: int
    shots: tuple[ShotView, ...]
    cues: tuple[CueView, ...] = ()
    dialogue: tuple[tuple[int, int], ...] = ()
    locks: tuple[LockView, ...] = ()
    markers: tuple[MarkerView, ...] = ()
    warnings: tuple[str, ...] = ()

    @cached_property
    def shot_starts(self) -> Ints:
        """(shots,): first frame of each."""
        return np.array([shot.start_frame for shot in self.shots], np.int64)

    @cached_property
    def dialogue_edges(self) -> Ints:
        """(n, 2)."""
        return np.array(self.dialogue, np.int64).reshape(-1, 2)

    def shot_at(self, frame: float) -> ShotView | None:
        """The shot seen at `frame`; the first or last where it lies outside."""
        if not self.shots:
            return None
        place = int(np.searchsorted(self.shot_starts, math.floor(frame), side="right")) - 1
        return self.shots[min(max(place, 0), len(self.shots) - 1)]

    def shots_between(self, first_frame: float, last_frame: float) -> tuple[int, int]:
        """[first, last) places in `shots` of those seen there; at least one where there are any."""
        first = max(0, int(np.searchsorted(self.shot_starts, math.floor(first_frame), side="right")) - 1)
        return first, max(first + 1, int(np.searchsorted(self.shot_starts, math.ceil(last_frame), side="left")))

    def cue_at(self, frame: float) -> CueView | None:
        """The cue that sounds at `frame`; of several the one that began last."""
        found = [cue for cue in self.cues if cue.start_frame <= frame < cue.end_frame]
        return max(found, key=lambda cue: cue.start_frame) if found else None

    def lock_at(self, frame: float) -> LockView | None:
        """The lock at `frame`; of several the last."""
        return next((lock for lock in reversed(self.locks) if lock.start_frame <= frame < lock.end_frame), None)

    def hit(self, cue: str, frame: int) -> HitView | None:
        """The hit of a cue at `frame`."""
        found = self.cue(cue)
        if found is None:
            return None
        place = bisect_left(found.hit_frames, frame)
        return found.hits[place] if place < len(found.hits) and found.hits[place].frame == frame else None

    def cue(self, name: str) -> CueView | None:
        """The cue called `name`."""
        return next((cue for cue in self.cues if cue.name == name), None)


@dataclass(frozen=True)
class StemView:
    """A strip of the mixer."""

    name: str
    program: int
    """General MIDI, 0 to 127."""
    is_drum: bool
    parts: tuple[str, ...]
    """What it is derived from; locking the stem locks these."""
    notes: int
    muted: bool = False
    soloed: bool = False
    gain_db: float = 0.0
    locked: bool = False


@dataclass(frozen=True)
class MixerView:
    """The stems of the take in use."""

    cue: str
    stems: tuple[StemView, ...]


@dataclass(frozen=True)
class MoodView:
    """A mood, and what the picture says it is."""

    valence: float
    """-1 (sad) to 1 (glad)."""
    arousal: float
    """-1 (calm) to 1 (excited)."""
    read: tuple[float, float] | None = None
    """(valence, arousal) from the picture alone; None where nobody looked yet."""
    corrected: bool = False
    """Whether a person set it."""
    trail: tuple[tuple[float, float], ...] = ()
    """(valence, arousal) of each shot it stands for, in order."""


# --- from a session ----------------------------------------------------------------------------------------------
