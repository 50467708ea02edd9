"""Views of a session, made of what the engine says; what did not change is not made again.

Called away from the window's thread: an hour of music takes its time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from shotscore_engine.grid import BeatGrid, fit_hits
from shotscore_engine.locks import Lock
from shotscore_engine.roll import Roll, notes_of
from shotscore_engine.spotting import Cue, Hit
from shotscore_engine.takes import TakeMeasures, measure_take
from shotscore_engine.wishes import EnergyCurve

from .view import (
    CueView,
    EnergyView,
    GridView,
    HitView,
    LockView,
    MarkerView,
    MarkState,
    MixerView,
    RollView,
    ShotView,
    StemView,
    TakesView,
    TakeView,
    TimelineView,
    WaveformView,
)

if TYPE_CHECKING:
    from shotscore_engine.perform import Score
    from shotscore_engine.picture import Marker, Picture, Shot
    from shotscore_engine.session import Session, Take

MOST_KEPT = 500
"""Takes whose views are kept."""


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
