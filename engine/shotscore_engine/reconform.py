"""Following a recut: the music stays where the picture stayed, moves where it moved, and only the rest is made anew.

For each cue: match old and new shots (`recut`), fit the old beats to the new picture (`regrid`), carry the notes over,
and let the model write the bars that have none. Beside bars with new picture these are: the bar before a place where
two stretches of music meet that did not before, and, where the cue ends elsewhere than it did, its last two bars and
the two bars that used to end it. What is locked is never made anew; it is gone only where its picture is.

A cue whose own edges are moved is followed in the same way: the picture stays, and more or less of it has music.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from .compose import brief_for, describe_cue
from .errors import RequestError
from .grid import STEPS_PER_BEAT, BeatGrid, HitFit, fit_hits
from .locks import Lock, locked_mask, widened
from .picture import Picture
from .progress import Progress, silent, within
from .record import Revision
from .recut import ShotFate, Stretch, fates, match, new_frame
from .regenerate import TRIES, best_of, next_seed, revised
from .regrid import Moment, Regridded, Run, TempoChoiceKind, regrid
from .request import ScoreRequest
from .roll import PARTS, Roll, notes_of, roll_of
from .seams import Bools, beat_reach, begun
from .seen import hits_seen
from .spotting import Cue, hit_tolerance
from .tempo_map import Ending, TempoChange, ending_on
from .timing import quantise, seconds_at
from .wishes import Wish

if TYPE_CHECKING:
    from .session import Session, Take, Tools

BarChange = Literal["kept", "moved", "eased", "regenerated"]
ENDING_BARS = 2


@dataclass(frozen=True)
class BarFate:
    """What became of a bar of the new cue."""

    cue: str
    bar: int
    """From 1; a pickup is bar 0."""
    change: BarChange
    was: int | None
    """The old bar it was; None where it is made anew."""


@dataclass(frozen=True)
class HitFate:
    """A hit of the new cue, and how far the music is from it now and was before. Frames; None: it is new."""

    cue: str
    frame: int
    off_before: float | None
    off_after: float
    state: str


@dataclass(frozen=True)
class Followed:
    """A session that has followed a recut, and what that changed."""

    session: Session
    shots: tuple[ShotFate, ...]
    bars: tuple[BarFate, ...]
    hits: tuple[HitFate, ...]
    lost_locks: tuple[Lock, ...] = ()
    """Locks whose picture is gone."""


def reconform(
    session: Session,
    timeline: Path,
    tools: Callable[[], Tools],
    *,
    tempo: TempoChoiceKind = "refit",
    progress: Progress = silent,
) -> Followed:
    """Read the recut `timeline` and follow it; `tools` is called only where music has to be written.

    Raises TimelineError where it cannot be read, RequestError where `tempo` is unknown or a cue's picture is all gone.
    """
    from .session import Session

    detect = session.takes[-1].request.detect if session.takes else "adaptive"
    read = Session.read(timeline, progress=progress).analysed(detect, progress)
    return follow(session, read.picture, read.timeline, tools, tempo=tempo, progress=progress)


def follow(
    session: Session,
    picture: Picture,
    timeline: str,
    tools: Callable[[], Tools],
    *,
    tempo: TempoChoiceKind = "refit",
    progress: Progress = silent,
) -> Followed:
    """The session on the recut `picture`. A picture that shows the same at the same frames changes no take."""
    if tempo not in get_args(TempoChoiceKind):
        raise RequestError(f"There is no tempo {tempo!r}; choose one of {', '.join(get_args(TempoChoiceKind))}.")
    old = session.picture
    if picture.rate != old.rate:
        raise RequestError(
            f"The recut runs at {picture.rate} frames a second, the session at {old.rate}; conform its rate first."
        )
    stretches = match(old, picture)
    shots = fates(old, picture, stretches)
    titled = replace(session, timeline=timeline, title=session.name if timeline != session.timeline else session.title)
    whole = (Stretch(0, old.duration_frames, 0),)
    if stretches == whole and picture.duration_frames == old.duration_frames:
        bars = tuple(row for cue in _scored(session) for row in _bars_as_they_were(cue, session.take(cue.name)))
        same = replace(picture, warnings=old.warnings) == old and timeline == session.timeline
        kept = session if same else replace(titled, picture=picture)
        return Followed(kept, shots, bars, _hits_as_they_were(session))
    from .session import Edit

    now = replace(titled, picture=picture, edits=(*session.edits, Edit(session.timeline, old, session.cues)), locks=())
    rows: list[_Row] = []
    for number, cue in enumerate(session.cues):
        part = within(progress, number / len(session.cues), (number + 1) / len(session.cues))
        if cue.name not in session.chosen:  # no music yet: it is spotted where it is now
            start, end = _new_range(cue, old, picture, stretches)
            now = now.with_cue(Cue(cue.name, start, end - start, hits_seen(picture, start, end)))
            continue
        span = _new_range(cue, old, picture, stretches)
        row = _follow_cue(session, now, cue, span, stretches, tools, tempo, part)
        now = replace(row.session, locks=(*now.locks, *row.locks))
        rows.append(row)
    return Followed(
        now,
        shots,
        tuple(bar for row in rows for bar in row.bars),
        tuple(hit for row in rows for hit in row.hits),
        tuple(lock for row in rows for lock in row.lost),
    )


def on_range(
    session: Session,
    cue: Cue,
    start_frame: int,
    end_frame: int,
    tools: Callable[[], Tools],
    progress: Progress = silent,
) -> Session:
    """The session with a scored `cue` over another range of the same picture; its music stays where its picture does.

    `tools` is called only where music has to be written. Raises RequestError where locked music would be cut off:
    its picture is still there, so nothing but the lock says whether it is wanted.
    """
    whole = (Stretch(0, session.picture.duration_frames, 0),)
    span = (start_frame, end_frame)
    row = _follow_cue(session, session, cue, span, whole, tools, "refit", progress, kind="trim")
    return row.session


@dataclass(frozen=True)
class _Row:
    session: Session
    bars: tuple[BarFate, ...]
    hits: tuple[HitFate, ...]
    locks: tuple[Lock, ...]
    """The cue's locks where their bars are now."""
    lost: tuple[Lock, ...]


def _follow_cue(
    before: Session,
    now: Session,
    cue: Cue,
    span: tuple[int, int],
    stretches: Sequence[Stretch],
    tools: Callable[[], Tools],
    tempo: TempoChoiceKind,
    progress: Progress,
    kind: Literal["reconform", "trim"] = "reconform",
) -> _Row:
    take, rate = before.take(cue.name), now.picture.rate
    start, end = span
    own = tuple(
        replace(hit, frame=frame)
        for hit in cue.hits
        if hit.kind == "person" and (frame := new_frame(stretches, hit.frame)) is not None
    )
    hits = hits_seen(now.picture, start, end, own=own, progress=progress)
    after = Cue(cue.name, start, end - start, hits)
    duration = seconds_at(after.duration_frames, rate)
    runs = _runs(take.grid, cue, after, stretches, rate)
    if kind == "trim" and runs and end > cue.end_frame:  # its last beat may run past the old end, and now has room
        runs[-1] = replace(runs[-1], last=take.grid.beats)
    moments = [
        Moment(seconds_at(hit.frame - start, rate), seconds_at(hit.tolerance_frames, rate), hit.weight)
        for hit in hits
        if hit.weight > 0
    ]
    slack = seconds_at(hit_tolerance(rate), rate)
    fitted = regrid(take.grid, runs, duration, tempo=tempo, slack=slack, moments=moments)
    grid = fitted.grid
    roll = carried(take.roll(), fitted)
    held = locked_mask(before.locks, cue, take.grid, rate)
    if kind == "trim":
        _check_held(take, held, fitted, before.locks)
    locked = _locked_now(held, fitted)
    free = _free(fitted, take.grid) & ~locked
    locks, lost = _moved_locks(before.locks, cue, after, take.grid, fitted, rate)
    request = _moved_request(take.request, after, stretches)
    if kind == "trim":  # what was the whole picture is so no longer
        request = replace(request, end_frame=end)
    from .session import dialogue_in

    base = replace(
        take,
        grid=grid,
        request=request,
        dialogue=dialogue_in(now.picture, after) if request.duck else (),
        tempi=take.tempi,
        ending=None
        if take.ending is None
        else _moved_ending(take.ending, grid, after, stretches, rate, take.request.accent_frame is not None),
        changes=_moved_changes(take.changes, fitted),
    )
    made_with: Tools | None = None
    revision = Revision(kind, take.number)
    if free.any():
        made_with = tools()
        features = describe_cue(now.picture, after, grid, request, progress)
        brief = brief_for(features, now.picture, after, grid, request, take.key, take.style, base.ending)
        seed = next_seed(before, cue.name)
        made = best_of(
            roll,
            [(free, seed + number) for number in range(TRIES)],
            brief,
            made_with,
            request,
            base,
            variation=1.0,
            progress=progress,
        )
        roll, revision = made.roll, replace(made.revision, kind=kind)
    session = now.with_cue(after)
    written = revised(session, base, roll, request, revision, made_with)
    bars = _bar_fates(after, fitted, free, take.grid)
    fates_of_hits = _hit_fates(take.grid, cue, fitted.grid, after, stretches, rate)
    return _Row(session.with_takes(after, [written]), bars, fates_of_hits, locks, lost)


def _check_held(take: Take, held: Bools, fitted: Regridded, locks: Sequence[Lock]) -> None:
    """Raises RequestError where locked notes would be cut off or shortened."""
    roll = take.roll()
    stays = np.zeros(held.shape[0], bool)
    stays[[origin for origin in fitted.origin if origin >= 0]] = True
    before = notes_of(begun(roll, held))
    after = notes_of(begun(carried(roll, fitted), _locked_now(held, fitted)))
    if not held[~stays].any() and np.array_equal(before[:, 2] - before[:, 1], after[:, 2] - after[:, 1]):
        return
    which = "; ".join(str(lock) for lock in locks if lock.cue == take.cue)
    raise RequestError(f"The new range would cut off locked music ({which}); unlock it, or leave it inside the range.")


# --- where things go -----------------------------------------------------------------------------------------------


def _new_range(cue: Cue, old: Picture, new: Picture, stretches: Sequence[Stretch]) -> tuple[int, int]:
    """Where the cue lies now: the whole picture where it was that, else as far as its picture reaches."""
    inside = [
        (max(one.old_start, cue.start_frame) + one.shift, min(one.old_end, cue.end_frame) + one.shift)
        for one in stretches
        if one.old_start < cue.end_frame and one.old_end > cue.start_frame
    ]
    if not inside:
        raise RequestError(f"Nothing of the picture of {cue.name} is left in the recut; delete the cue or score anew.")
    first = new_frame(stretches, cue.start_frame)
    last = new_frame(stretches, cue.end_frame - 1)
    start = min(span[0] for span in inside) if first is None else first
    end = max(span[1] for span in inside) if last is None else last + 1
    if cue.start_frame == 0:
        start = 0
    if cue.end_frame == old.duration_frames:
        end = new.duration_frames
    if end <= start:  # its end was moved before its start
        start, end = min(span[0] for span in inside), max(span[1] for span in inside)
    return start, end


def _runs(grid: BeatGrid, old: Cue, new: Cue, stretches: Sequence[Stretch], rate: Fraction) -> list[Run]:
    """The old beats each stretch holds whole, in the order of the new picture."""
    slack = seconds_at(hit_tolerance(rate), rate)
    runs: list[Run] = []
    for one in stretches:
        low = max(one.start, new.start_frame, old.start_frame + one.shift)
        high = min(one.end, new.end_frame, old.end_frame + one.shift)
        if high <= low:
            continue
        begin, end = (seconds_at(frame - one.shift - old.start_frame, rate) for frame in (low, high))
        # Beats that lie inside: the first that begins at or after, the last that ends at or before.
        first, reach = beat_reach(begin, end, grid.beat_times, slack)
        if grid.beat_times[first] < begin - slack:
            first += 1
        if reach > first and grid.beat_times[reach] > end + slack:
            reach -= 1
        if low - one.shift == old.start_frame and low == new.start_frame:
            first = 0
        if high - one.shift == old.end_frame and high == new.end_frame:
            reach = grid.beats
        shift = seconds_at(one.shift + old.start_frame - new.start_frame, rate)
        # Two stretches may both hold a beat their cut falls on; the earlier one plays it.
        first = max(first, *(run.last for run in runs if run.shift == shift), 0)
        if reach > first:
            runs.append(Run(first, reach, shift))
    return runs


def carried(roll: Roll, fitted: Regridded) -> Roll:
    """The old notes on the new grid: each with its beat, and no longer than the beats that follow it still do.

    before  |a---|b...|        new beats from (0, 9, 1)        after  |a...|....|b...|
    """
    origin = fitted.origin
    places: dict[int, int] = {}
    for beat, old in enumerate(origin):
        if old >= 0:
            places.setdefault(old, beat)
    notes = []
    for part, start, end, pitch, velocity in notes_of(roll).tolist():
        was = start // STEPS_PER_BEAT
        beat = places.get(was, -1)
        if beat < 0:
            continue
        last = beat + 1
        while last < len(origin) and origin[last] == was + last - beat:
            last += 1
        begin = beat * STEPS_PER_BEAT + start % STEPS_PER_BEAT
        notes.append((part, begin, min(begin + end - start, last * STEPS_PER_BEAT), pitch, velocity))
    return roll_of(np.array(notes, np.int64).reshape(-1, 5), len(origin) * STEPS_PER_BEAT)


def _free(fitted: Regridded, old: BeatGrid) -> Bools:
    """(T, 3): the bars that have to be written."""
    grid, origin = fitted.grid, fitted.origin
    beats = np.zeros(grid.beats, bool)

    def bars(first: int, last: int) -> None:
        low, high = widened(grid, max(0, first), min(grid.beats, max(last, first + 1)))
        beats[low:high] = True

    for beat in range(grid.beats):
        if origin[beat] < 0:
            bars(beat, beat + 1)
        elif beat and origin[beat - 1] >= 0 and origin[beat] != origin[beat - 1] + 1:
            bars(beat - 1, beat)  # music that did not meet before
    ending = ENDING_BARS * grid.beats_per_bar
    ends_elsewhere = origin[-1] != old.beats - 1
    if ends_elsewhere:
        bars(grid.beats - ending, grid.beats)
        for beat, was in enumerate(origin):
            if was >= old.beats - ending:
                bars(beat, beat + 1)
    begins_elsewhere = origin[0] < 0
    if begins_elsewhere:
        bars(0, 1)
    return np.repeat(beats[:, None], len(PARTS), axis=1)


def _locked_now(locked: Bools, fitted: Regridded) -> Bools:
    """(T, 3) of the new cue."""
    now = np.zeros((len(fitted.origin), len(PARTS)), bool)
    for beat, old in enumerate(fitted.origin):
        if old >= 0:
            now[beat] = locked[old]
    return now


def _moved_locks(
    locks: Sequence[Lock],
    old: Cue,
    new: Cue,
    grid: BeatGrid,
    fitted: Regridded,
    rate: Fraction,
) -> tuple[tuple[Lock, ...], tuple[Lock, ...]]:
    """The cue's locks where their bars are now, one for each stretch of them; and those that are gone."""
    moved: list[Lock] = []
    lost: list[Lock] = []
    for lock in (one for one in locks if one.cue == old.name):
        if lock.start_frame is None:
            moved.append(lock)
            continue
        there = locked_mask([replace(lock, part=None)], old, grid, rate)[:, 0]
        here = np.array([origin >= 0 and bool(there[origin]) for origin in fitted.origin])
        edges = np.flatnonzero(np.diff(np.concatenate([[0], here.astype(np.int8), [0]])))
        if not len(edges):
            lost.append(lock)
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            low, high = (new.start_frame + quantise(fitted.grid.beat_times[int(beat)] * rate) for beat in (first, last))
            low, high = min(low, new.end_frame - 1), min(high, new.end_frame)
            moved.append(replace(lock, start_frame=low, end_frame=max(high, low + 1)))
    return tuple(moved), tuple(lost)


def _moved_ending(
    ending: Ending, grid: BeatGrid, new: Cue, stretches: Sequence[Stretch], rate: Fraction, asked: bool
) -> Ending:
    """The same kind of ending on the new grid: its last accent where its picture is now, if that still is near the end.

    Where a person `asked` for the accent it need not be near the end.
    """
    was = None if ending.accent_frame is None else new_frame(stretches, ending.accent_frame)
    return ending_on(grid, new, rate, ending.kind, near_frame=was, anywhere=asked)


def _moved_changes(changes: Sequence[TempoChange], fitted: Regridded) -> tuple[TempoChange, ...]:
    """The tempo's changes where their beats are now, one for each stretch of them."""
    moved: list[TempoChange] = []
    for change in changes:
        here = np.array([change.first_beat <= origin < change.last_beat for origin in fitted.origin])
        edges = np.flatnonzero(np.diff(np.concatenate([[0], here.astype(np.int8), [0]])))
        moved += [
            replace(change, first_beat=int(first), last_beat=int(last))
            for first, last in zip(edges[::2], edges[1::2], strict=True)
        ]
    return tuple(sorted(moved, key=lambda change: change.first_beat))


def _moved_request(request: ScoreRequest, new: Cue, stretches: Sequence[Stretch]) -> ScoreRequest:
    """Wishes and the energy curve where their picture is now; those whose picture is gone are left out."""
    wishes: list[Wish] = []
    for wish in request.wishes:
        for one in stretches:
            low, high = max(wish.start_frame, one.old_start), min(wish.end_frame, one.old_end)
            if high > low:
                wishes.append(replace(wish, start_frame=low + one.shift, end_frame=high + one.shift))
    curve = {frame: energy for was, energy in request.energy_curve if (frame := new_frame(stretches, was)) is not None}
    whole = request.end_frame is None
    accent = None if request.accent_frame is None else new_frame(stretches, request.accent_frame)
    if accent is not None and not new.start_frame < accent < new.end_frame:
        accent = None
    return replace(
        request,
        accent_frame=accent,
        start_frame=new.start_frame,
        end_frame=None if whole else new.end_frame,
        wishes=tuple(wishes),
        energy_curve=tuple(sorted(curve.items())),
    )


# --- what is told --------------------------------------------------------------------------------------------------


def _bar_fates(new: Cue, fitted: Regridded, free: Bools, old: BeatGrid) -> tuple[BarFate, ...]:
    grid = fitted.grid
    edges = [0, *(beat for beat in grid.bar_beats if beat > 0), grid.beats]
    rows = []
    for number, (first, last) in enumerate(pairwise(edges)):
        bar = number + (0 if grid.first_downbeat else 1)
        origin = fitted.origin[first]
        before = None if origin < 0 else (origin - old.first_downbeat) // old.beats_per_bar + 1
        change: BarChange = "kept"
        if free[first:last].any():
            change, before = "regenerated", None
        elif any(fitted.eased[first:last]):
            change = "eased"
        elif origin >= 0 and grid.beat_times[first] != old.beat_times[origin]:
            change = "moved"
        rows.append(BarFate(new.name, bar, change, before))
    return tuple(rows)


def _bars_as_they_were(cue: Cue, take: Take) -> tuple[BarFate, ...]:
    grid = take.grid
    first = 0 if grid.first_downbeat else 1
    return tuple(BarFate(cue.name, bar, "kept", bar) for bar in range(first, len(grid.bar_beats) + 1))


def _hit_fates(
    old_grid: BeatGrid, old: Cue, grid: BeatGrid, new: Cue, stretches: Sequence[Stretch], rate: Fraction
) -> tuple[HitFate, ...]:
    """Each hit with how far the music was from it: a cut is the same where the shot after it is."""
    before: dict[int, HitFit] = {}
    for fit in fit_hits(old_grid, old.hits, rate, old.start_frame):
        frame = new_frame(stretches, fit.hit.frame)
        if frame is not None:
            before[frame] = fit
    rows = []
    for fit in fit_hits(grid, new.hits, rate, new.start_frame):
        was = before.get(fit.hit.frame)
        rows.append(
            HitFate(
                new.name,
                fit.hit.frame,
                None if was is None else round(float(was.frames_off), 4),
                round(float(fit.frames_off), 4),
                fit.state,
            )
        )
    return tuple(rows)


def _scored(session: Session) -> list[Cue]:
    return [cue for cue in session.cues if cue.name in session.chosen]


def _hits_as_they_were(session: Session) -> tuple[HitFate, ...]:
    stretches = (Stretch(0, session.picture.duration_frames, 0),)
    return tuple(
        row
        for cue in _scored(session)
        for grid in (session.take(cue.name).grid,)
        for row in _hit_fates(grid, cue, grid, cue, stretches, session.picture.rate)
    )


def change_table(followed: Followed) -> dict[str, Any]:
    """The change list in plain values."""
    counts = {change: sum(bar.change == change for bar in followed.bars) for change in get_args(BarChange)}
    return {
        "shots": [asdict(shot) for shot in followed.shots],
        "bars": [asdict(bar) for bar in followed.bars],
        "bar_counts": counts,
        "hits": [asdict(hit) for hit in followed.hits],
        "lost_locks": [asdict(lock) for lock in followed.lost_locks],
    }


def changes_text(followed: Followed) -> str:
    """The change list for a person."""
    lines = []
    for shot in followed.shots:
        who = f"shot {shot.new}" if shot.new is not None else f"old shot {shot.old}"
        was = f", was {shot.old}" if shot.new is not None and shot.old not in (None, shot.new) else ""
        by = f" by {shot.frames_moved:+} frames" if shot.frames_moved else ""
        lines.append(f"{who}{was}: {shot.change}{by}")
    for cue in dict.fromkeys(bar.cue for bar in followed.bars):
        mine = [bar for bar in followed.bars if bar.cue == cue]
        for change in get_args(BarChange):
            numbers = [bar.bar for bar in mine if bar.change == change]
            if numbers:
                lines.append(f"{cue}: bars {_ranges(numbers)} {change}")
    for hit in followed.hits:
        before = "new" if hit.off_before is None else f"{hit.off_before:+.1f}"
        lines.append(f"{hit.cue}: hit at frame {hit.frame}: {before} -> {hit.off_after:+.1f} frames off, {hit.state}")
    lines += [f"The lock on {lock} is gone with its picture." for lock in followed.lost_locks]
    return "\n".join(lines)


def _ranges(numbers: Sequence[int]) -> str:
    words: list[str] = []
    for number in numbers:
        if number - 1 not in numbers:
            last = next(one for one in range(number, max(numbers) + 1) if one + 1 not in numbers)
            words.append(f"{number}" if number == last else f"{number}-{last}")
    return ", ".join(words)
