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

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from shotscore_engine.grid import BeatGrid, HitState, fit_hits
from shotscore_engine.locks import Lock
from shotscore_engine.roll import PARTS, Roll, notes_of
from shotscore_engine.spotting import Cue, Hit
from shotscore_engine.takes import TakeMeasures, measure_take
from shotscore_engine.wishes import EnergyCurve

if TYPE_CHECKING:
    from shotscore_engine.perform import Score
    from shotscore_engine.picture import Marker, Picture, Shot
    from shotscore_engine.session import Session, Take

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MarkState = HitState | Literal["open"]
"""How a hit is met; `open` while its cue has no tempo yet."""

MOST_KEPT = 500
"""Takes whose views are kept."""
SHORTEST_LEVEL = 512
"""Waveforms are not summed up into fewer buckets than this."""


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
        place = int(np.searchsorted(self.shot_starts, frame, side="right")) - 1
        return self.shots[min(max(place, 0), len(self.shots) - 1)]

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


@dataclass(frozen=True, eq=False)
class Extras:
    """What a session does not hold, by cue."""

    waveforms: Mapping[str, WaveformView] = field(default_factory=dict)
    energy: Mapping[str, EnergyCurve] = field(default_factory=dict)
    """Curves drawn since the take in use was written; without one, the take's own stands."""
    read_energy: Mapping[str, NDArray[np.floating]] = field(default_factory=dict)
    """(T,): `BeatFeatures.energy` on the grid of the take in use."""


class Views:
    """Views of a session; what did not change since the last call is not made again."""

    def __init__(self) -> None:
        self._rolls: dict[int, tuple[object, RollView]] = {}
        self._measures: dict[int, tuple[object, TakeMeasures]] = {}
        self._shots: tuple[object, tuple[ShotView, ...]] = (None, ())
        self._fits: dict[int, tuple[object, object, tuple[HitView, ...]]] = {}

    def timeline(self, session: Session, extras: Extras | None = None) -> TimelineView:
        """The whole timeline. A cue without music has hits in the state `open` and no grid."""
        extras = extras or Extras()
        picture = session.picture
        return TimelineView(
            name=session.name,
            rate=picture.rate,
            start_frame=picture.start_frame,
            drop_frame=picture.drop_frame,
            duration_frames=picture.duration_frames,
            shots=self._shot_views(picture),
            cues=tuple(self._cue(session, cue, extras) for cue in session.cues),
            dialogue=picture.dialogue,
            locks=tuple(lock_view(lock, session.cue(lock.cue)) for lock in session.locks),
            markers=tuple(marker_view(marker) for marker in picture.markers),
            warnings=picture.warnings,
        )

    def takes(self, session: Session, cue: str) -> TakesView:
        """The cards of a cue."""
        mine = [take for take in session.takes if take.cue == cue]
        used = next((take for take in mine if take.number == session.chosen.get(cue)), None)
        cards = tuple(self._take(session, take, used) for take in mine)
        current = used is not None and used.edit == len(session.edits)
        if used is None or not current:
            return TakesView(cue, cards)
        bars = self._bar_shots(session, used)
        return TakesView(cue, cards, bars, used.grid.first_downbeat > 0)

    def _bar_shots(self, session: Session, take: Take) -> tuple[tuple[int, int], ...]:
        picture = session.picture
        starts = np.array([shot.start_frame for shot in picture.shots], float)
        grid = grid_view(take.grid, picture.rate, session.cue(take.cue).start_frame)
        edges = np.append(grid.bar_frames, grid.beat_frames[-1])
        first = np.searchsorted(starts, edges[:-1] + 0.5, side="right")
        last = np.searchsorted(starts, edges[1:] - 0.5, side="right")
        return tuple((max(1, int(a)), max(1, int(b))) for a, b in zip(first, last, strict=True))

    def _shot_views(self, picture: Picture) -> tuple[ShotView, ...]:
        if self._shots[0] is not picture.shots:
            self._shots = (picture.shots, tuple(shot_view(shot) for shot in picture.shots))
        return self._shots[1]

    def _cue(self, session: Session, cue: Cue, extras: Extras) -> CueView:
        rate = session.picture.rate
        number = session.chosen.get(cue.name)
        take = next((t for t in session.takes if (t.cue, t.number) == (cue.name, number)), None)
        if take is not None and take.edit != len(session.edits):
            take = None  # it was written for another cut of the film
        grid = take.grid if take else None
        shown = grid_view(grid, rate, cue.start_frame) if grid else None
        curve = extras.energy.get(cue.name, take.request.energy_curve if take else ())
        read = np.asarray(extras.read_energy.get(cue.name, ()), float)
        frames = np.zeros(0)
        if shown is not None and len(read) == len(shown.bpm):
            frames = (shown.beat_frames[:-1] + shown.beat_frames[1:]) / 2
        else:
            read = np.zeros(0)
        return CueView(
            name=cue.name,
            start_frame=cue.start_frame,
            end_frame=cue.end_frame,
            hits=self._hits(cue, grid, rate),
            grid=shown,
            roll=self._roll(session, take) if take else None,
            energy=EnergyView(curve, frames, read),
            waveform=extras.waveforms.get(cue.name),
        )

    def _hits(self, cue: Cue, grid: BeatGrid | None, rate: Fraction) -> tuple[HitView, ...]:
        known = self._fits.get(id(cue))
        if known is None or known[0] is not cue or known[1] is not grid:
            known = (cue, grid, hit_views(cue, grid, rate))
            self._fits[id(cue)] = known
        return known[2]

    def _take(self, session: Session, take: Take, used: Take | None) -> TakeView:
        roll, measures = self._roll(session, take), self._measured(session, take)
        revision = take.revision
        usable = _fits(session, take)
        return TakeView(
            cue=take.cue,
            number=take.number,
            name=take.name,
            starred=take.starred,
            in_use=take is used,
            key=take.key,
            style=take.style,
            bpm=take.grid.bpm,
            seed=take.request.seed if revision is None else revision.seed or take.request.seed,
            origin="score" if revision is None else revision.kind,
            base=0 if revision is None else revision.base,
            shots=None if revision is None else revision.shots,
            usable=usable,
            combinable=usable and used is not None and take.grid == used.grid,
            bars=len(take.grid.bar_beats),
            measures=measures,
            roll=roll,
        )

    def _roll(self, session: Session, take: Take) -> RollView:
        known = self._rolls.get(id(take))
        if known is None or known[0] is not take:
            edit = session.edits[take.edit] if take.edit < len(session.edits) else session
            cue = take.spotted or session.cue(take.cue)
            edges = (cue.start_frame, cue.end_frame)
            known = (take, _placed(written_notes(take.notes), take.grid, edit.picture.rate, edges, None))
            if len(self._rolls) >= MOST_KEPT:
                self._rolls.clear()
            self._rolls[id(take)] = known
        return known[1]

    def _measured(self, session: Session, take: Take) -> TakeMeasures:
        known = self._measures.get(id(take))
        if known is None or known[0] is not take:
            known = (take, measure_take(session, take))
            if len(self._measures) >= MOST_KEPT:
                self._measures.clear()
            self._measures[id(take)] = known
        return known[1]


def _fits(session: Session, take: Take) -> bool:
    """Whether a take is of this cut and this range, as `regenerate.check_edit` wants it."""
    cue, then = session.cue(take.cue), take.spotted or session.cue(take.cue)
    here = (then.start_frame, then.duration_frames) == (cue.start_frame, cue.duration_frames)
    return here and take.edit == len(session.edits)


def shot_view(shot: Shot) -> ShotView:
    """A shot of the picture."""
    media = shot.media
    return ShotView(
        index=shot.index,
        start_frame=shot.start_frame,
        duration_frames=shot.duration_frames,
        name=shot.name,
        media=media.path if media else None,
        offline=bool(media and media.offline),
        source_start=media.start if media else Fraction(0),
        speed=media.speed if media else Fraction(1),
        detected=shot.origin == "detected",
        transition=shot.transition,
        transition_frames=shot.transition_frames,
    )


def marker_view(marker: Marker) -> MarkerView:
    """A marker of the picture."""
    return MarkerView(marker.frame, marker.duration_frames, marker.name, marker.colour)


def lock_view(lock: Lock, cue: Cue) -> LockView:
    """A lock over its range, or over the whole cue."""
    if lock.start_frame is None or lock.end_frame is None:
        return LockView(lock.cue, lock.part, cue.start_frame, cue.end_frame, True)
    return LockView(lock.cue, lock.part, lock.start_frame, lock.end_frame, False)


def hit_views(cue: Cue, grid: BeatGrid | None, rate: Fraction) -> tuple[HitView, ...]:
    """The hits of a cue on `grid`; `open`, or `ignored`, without one."""

    def view(hit: Hit, state: MarkState, off: float = 0.0, beat: float | None = None) -> HitView:
        return HitView(cue.name, hit.frame, hit.kind, hit.weight, hit.tolerance_frames, state, hit.reason, off, beat)

    if grid is None:
        return tuple(view(hit, "open" if hit.weight > 0 else "ignored") for hit in cue.hits)
    return tuple(
        view(fit.hit, fit.state, float(fit.frames_off), float(fit.nearest_beat_frame))
        for fit in fit_hits(grid, cue.hits, rate, cue.start_frame)
    )


def grid_view(grid: BeatGrid, rate: Fraction, start_frame: int) -> GridView:
    """A grid over the frames of the timeline; `start_frame` is the cue's own."""
    seconds = np.array(grid.beat_times, float)
    return GridView(
        beat_frames=start_frame + seconds * float(rate),
        bar_beats=np.array(grid.bar_beats, np.int64),
        bpm=60 / np.diff(seconds),
        meter=grid.meter,
    )


def roll_view(
    roll: Roll, grid: BeatGrid, rate: Fraction, range_frames: tuple[int, int], *, noise: float | None = None
) -> RollView:
    """`roll` on `grid` over the cue's frames; `noise` (timestep / 1000) while it is being made."""
    return _placed(notes_of(roll), grid, rate, range_frames, noise)


def written_notes(texts: tuple[str, ...]) -> NDArray[np.int32]:
    """(n, 5) like `notes_of`, straight from a take's text; an hour of music takes milliseconds."""
    rows = []
    for part, text in enumerate(texts):
        numbers = np.array(text.replace(";", " ").split(), np.int32).reshape(-1, 4)
        start, length, pitch, velocity = numbers.T
        rows.append(np.stack([np.full_like(start, part), start, start + length, pitch, velocity], axis=1))
    notes = np.concatenate(rows) if rows else np.zeros((0, 5), np.int32)
    return np.asarray(notes[np.lexsort((notes[:, 3], notes[:, 0], notes[:, 1]))], np.int32)


def _placed(
    notes: NDArray[np.int32], grid: BeatGrid, rate: Fraction, range_frames: tuple[int, int], noise: float | None
) -> RollView:
    seconds = np.array(grid.beat_times, float)
    frames = range_frames[0] + seconds * float(rate)
    beats = np.arange(len(frames))
    return RollView(
        part=notes[:, 0],
        pitch=notes[:, 3],
        velocity=notes[:, 4],
        start_frame=np.interp(notes[:, 1] / 4, beats, frames),
        end_frame=np.minimum(np.interp(notes[:, 2] / 4, beats, frames), range_frames[1]),
        range_frames=range_frames,
        bar_frames=frames[np.array(grid.bar_beats, np.int64)],
        noise=noise,
    )


def mixer_view(
    cue: str, score: Score, locks: tuple[Lock, ...] = (), settings: Mapping[str, StemView] | None = None
) -> MixerView:
    """The stems of a score. `settings` are strips as they stood before: what is muted, soloed, turned up stays so."""
    whole = {lock.part for lock in locks if lock.cue == cue and lock.start_frame is None}
    before = settings or {}
    strips = []
    for stem in score.stems:
        old = before.get(stem.name)
        locked = None in whole or (bool(stem.sources) and set(stem.sources) <= whole)
        strips.append(
            StemView(
                name=stem.name,
                program=stem.program,
                is_drum=stem.is_drum,
                parts=stem.sources,
                notes=len(stem.notes),
                muted=bool(old and old.muted),
                soloed=bool(old and old.soloed),
                gain_db=old.gain_db if old else 0.0,
                locked=locked,
            )
        )
    return MixerView(cue, tuple(strips))


def waveform_view(
    samples: NDArray[np.floating], sample_rate: int, rate: Fraction, start_frame: float, *, bucket: int = 256
) -> WaveformView:
    """Peaks of (n,) or (n, channels) samples whose first stands at `start_frame`."""
    mono = np.asarray(samples, np.float32)
    low = mono if mono.ndim == 1 else mono.min(axis=1)
    high = mono if mono.ndim == 1 else mono.max(axis=1)
    pad = -len(mono) % bucket
    low, high = (np.pad(edge, (0, pad)).reshape(-1, bucket) for edge in (low, high))
    level = np.stack([low.min(axis=1), high.max(axis=1)], axis=1) if len(mono) else np.zeros((0, 2), np.float32)
    levels = [level]
    while len(levels[-1]) >= 2 * SHORTEST_LEVEL:
        last = levels[-1]
        if len(last) % 2:
            last = np.concatenate([last, last[-1:]])
        pairs = last.reshape(-1, 2, 2)
        levels.append(np.stack([pairs[:, :, 0].min(axis=1), pairs[:, :, 1].max(axis=1)], axis=1))
    return WaveformView(start_frame, float(bucket * rate / sample_rate), tuple(levels))


def read_waveform(path: Path, rate: Fraction, start_frame: int) -> WaveformView:
    """The waveform of a sound file that begins at `start_frame`. Decodes the file: call it away from the window.

    Raises MediaError where it cannot be decoded.
    """
    from shotscore_engine.media import audio_between, probe

    sample_rate = 12_000
    blocks = list(audio_between(path, Fraction(0), probe(path).duration, sample_rate))
    samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    return waveform_view(samples, sample_rate, rate, start_frame, bucket=32)
