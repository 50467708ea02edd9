"""Shots made anew with everything else as it was, and any take made again from its record.

What changes is the bars the shots cover (or, if the bar is to be split, the beats), in the parts asked for, without
what is locked. A shot that begins on a beat the music meets does not reach into the bar before. The model writes the
free beats with a few bars around them as known music; several seeds are tried until the seam is smooth, and the best
is kept. With `widen_bars` the seam may also lie up to that many bars further out, where that joins better.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from .compose import CONTEXT_BARS, Brief, brief_for, compose, compose_anew, describe_cue, hushed, window_of
from .errors import RequestError, SessionError
from .locks import bars_between, beats_between, check_parts, locked_mask, widened
from .picture import Picture
from .progress import Progress, silent, within
from .record import Revision
from .request import ScoreRequest, check_range
from .roll import PARTS, Roll, notes_of, roll_of
from .seams import Bools, begun, mask_of, outside_equal, runs_of, seam_of
from .spotting import Cue
from .timing import seconds_at
from .wishes import EnergyCurve, Wish, check_curve, silent_beats

if TYPE_CHECKING:
    from .session import Session, Take, Tools

EdgeKind = Literal["bar", "beat"]
GOOD_SEAM = 0.65
"""A seam of this score is kept without trying further: music that was written in one go scores less at half of the
ranges one could choose in it (benchmarks/regenerate.py prints that)."""
TRIES = 4


@dataclass(frozen=True)
class Again:
    """What shall be made anew, and how. None: as the take in use has it."""

    shots: tuple[int, int] | None = None
    """First and last, numbered from 1; None is every shot."""
    parts: tuple[str, ...] | None = None
    """None is all of them."""
    prompt: str = ""
    mood: tuple[float, float] | None = None
    energy: float | None = None
    density: float | None = None
    key: str | None = None
    style: str | None = None
    silence: bool = False
    energy_curve: EnergyCurve | None = None
    """Another curve for the whole cue; only what is made anew follows it."""
    seed: int | None = None
    """None: one nobody has used in this cue."""
    variation: float = 1.0
    """Above 0 (slightly different) to 1 (new)."""
    edge: EdgeKind = "bar"
    """Where a shot begins inside a bar: the whole bar changes, or only its beats from there."""
    widen_bars: int = 0
    """How many bars further out a seam may lie."""
    tries: int = TRIES
    take: int | None = None
    """Which take to start from; None is the one in use."""
    frames: tuple[int, int] | None = None
    """Instead of shots: (start, end) frames of the timeline."""

    def __post_init__(self) -> None:
        check_parts(self.parts or ())
        if self.parts == ():
            raise RequestError(f"No part was named; choose from {', '.join(PARTS)}.")
        if not 0 < self.variation <= 1:
            raise RequestError(f"The variation {self.variation:g} is outside 0 (the same, not included) to 1 (new).")
        if not 1 <= self.tries <= 64:
            raise RequestError(f"{self.tries} tries are outside 1 to 64.")
        if not 0 <= self.widen_bars <= 4:
            raise RequestError(f"A seam {self.widen_bars} bars further out is outside 0 to 4.")
        if self.edge not in get_args(EdgeKind):
            raise RequestError(f"There is no edge {self.edge!r}; choose one of {', '.join(get_args(EdgeKind))}.")
        if self.shots is not None and self.frames is not None:
            raise RequestError("Name shots or a range of frames, not both.")
        check_curve(self.energy_curve or ())
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise RequestError(f"The seed {self.seed} is outside 0 to 2^63 - 1.")


def shot_frames(picture: Picture, cue: Cue, shots: tuple[int, int]) -> tuple[int, int]:
    """(start, end) frames of shots A to B, both included, within the cue. Raises RequestError where there are none."""
    first, last = shots
    count = len(picture.shots)
    if not 1 <= first <= last <= count:
        raise RequestError(f"The shots {first}-{last} are not there; the picture has the shots 1-{count}.")
    start, end = picture.shots[first - 1].start_frame, picture.shots[last - 1].end_frame
    if end <= cue.start_frame or start >= cue.end_frame:
        raise RequestError(
            f"The shots {first}-{last} (frames {start}-{end}) lie outside the cue {cue.name}, "
            f"which has the frames {cue.start_frame}-{cue.end_frame}."
        )
    return max(start, cue.start_frame), min(end, cue.end_frame)


def asked_frames(picture: Picture, cue: Cue, again: Again) -> tuple[int, int] | None:
    """(start, end) frames of what shall be made anew, within the cue; None is all of it.

    Raises RequestError where that lies outside the picture or the cue.
    """
    if again.shots is not None:
        return shot_frames(picture, cue, again.shots)
    if again.frames is None:
        return None
    start, end = again.frames
    check_range(start, end, picture)
    if end <= cue.start_frame or start >= cue.end_frame:
        raise RequestError(
            f"The frames {start}-{end} lie outside the cue {cue.name}, which has {cue.start_frame}-{cue.end_frame}."
        )
    return max(start, cue.start_frame), min(end, cue.end_frame)


def free_mask(session: Session, take: Take, again: Again) -> Bools:
    """(T, 3): the beats of the parts that may change. Raises RequestError where a lock leaves none."""
    cue, rate, grid = session.cue(take.cue), session.picture.rate, take.grid
    first, last = 0, grid.beats
    if (asked := asked_frames(session.picture, cue, again)) is not None:
        start, end = asked
        reach = bars_between if again.edge == "bar" else beats_between
        first, last = reach(grid, cue, rate, start, end)
    free = np.zeros((grid.beats, len(PARTS)), bool)
    free[first:last, [PARTS.index(part) for part in again.parts or PARTS]] = True
    free &= ~locked_mask(session.locks, cue, grid, rate)
    accent = None if take.ending is None else take.ending.accent_frame
    if accent is not None:
        last = int(grid.nearest_pulse(seconds_at(accent - cue.start_frame, rate)))
        if free.any() and not free[: last + 1].any():
            raise RequestError(
                f"From frame {accent} on only the last accent of {cue.name} rings, so there is nothing to make anew "
                "after it; include the shot it falls in."
            )
    if not free.any():
        locks = "; ".join(str(lock) for lock in session.locks if lock.cue == cue.name)
        raise RequestError(f"All that was asked to change is locked ({locks}); unlock some of it.")
    return free


def rescore(session: Session, cue_name: str, again: Again, tools: Tools, progress: Progress = silent) -> Session:
    """The session with a new take of the cue, in use, in which only what `again` names has changed.

    Raises RequestError where shots or parts are not there or all is locked, Cancelled when `progress` does.
    """
    take = session.take(cue_name, again.take)
    check_edit(session, take)
    if session.chosen.get(cue_name) != take.number:
        check_locked(session, cue_name, take.roll(), take)  # what is locked is the music in use
    cue, grid = session.cue(cue_name), take.grid
    free = free_mask(session, take, again)
    request = _asked(session, take, again)
    features = describe_cue(session.picture, cue, grid, request, progress)
    brief = brief_for(features, session.picture, cue, grid, request, take.key, take.style, take.ending)
    seed = next_seed(session, cue_name) if again.seed is None else again.seed
    made = best_of(
        take.roll(),
        [(grown, seed + number) for number, grown in _candidates(session, take, free, again)],
        brief,
        tools,
        request,
        take,
        variation=again.variation,
        progress=progress,
    )
    revision = replace(made.revision, kind="rescore", base=take.number, shots=again.shots)
    # Another key or style for the whole cue would change the rest too: they are wishes for the range.
    return session.with_takes(cue, [revised(session, take, made.roll, request, revision, tools)])


def best_of(
    base: Roll,
    candidates: list[tuple[Bools, int]],
    brief: Brief,
    tools: Tools,
    request: ScoreRequest,
    take: Take,
    *,
    variation: float,
    progress: Progress,
) -> Made:
    """The candidate (free mask, seed) with the smoothest seam; no more are tried once one is good and new."""
    best: Made | None = None
    for number, (free, seed) in enumerate(candidates):
        window = window_of(free, take.grid, CONTEXT_BARS)
        stays = hushed(base, free, brief.silent)
        roll = compose_anew(
            stays,
            free,
            brief,
            tools.model,
            request,
            seed=seed,
            window=window,
            variation=variation,
            progress=within(progress, number / len(candidates), (number + 1) / len(candidates)),
        )
        seam = seam_of(roll, free, take.grid.bar_beats)
        new = not same_roll(begun(roll, free), begun(stays, free))
        revision = Revision(
            kind="rescore",
            base=take.number,
            free=runs_of(free),
            window=window,
            seed=seed,
            variation=variation,
            replaced=_texts(begun(stays, free)),
            seam=seam,
        )
        made = Made(roll, revision, new)
        if best is None or made.rank > best.rank:
            best = made
        best = replace(best, revision=replace(best.revision, tried=number + 1))
        if best.new and best.revision.seam.score >= GOOD_SEAM:
            break
    if best is None:
        raise RequestError("Nothing was asked to change.")
    progress("denoise", 1.0)
    return best


@dataclass(frozen=True)
class Made:
    """A candidate."""

    roll: Roll
    revision: Revision
    new: bool
    """Whether it differs from what was there."""

    @property
    def rank(self) -> tuple[bool, float]:
        """What was asked to change must change; then the seam counts."""
        return self.new, self.revision.seam.score


def revised(
    session: Session, take: Take, roll: Roll, request: ScoreRequest, revision: Revision, tools: Tools | None
) -> Take:
    """The next take of the cue: `take` with other notes. Its own seed stays, so that it is played the same way."""
    from .session import ModelRecord, recorded_versions, write_notes

    written = replace(
        take,
        number=session.next_take(take.cue),
        request=request,
        notes=write_notes(roll),
        spotted=session.cue(take.cue),
        edit=len(session.edits),
        revision=revision,
        name="",
        starred=False,
    )
    if tools is None:
        return written
    return replace(
        written,
        model=ModelRecord(tools.model.name, tools.model.sha256),
        device=tools.model.device.provider,
        device_reason=tools.model.device.reason,
        versions=recorded_versions(),
    )


def remake(session: Session, take: Take, tools: Tools, progress: Progress = silent) -> Roll:
    """The notes of a take made again from its record: the same bit for bit on the same machine and provider.

    Raises SessionError where the record is of another model, or where what it was made of is gone.
    """
    revision = take.revision
    if revision is not None and revision.kind in ("reconform", "trim") and not revision.free:
        return take.roll()  # nothing was written: its notes are those of its base, carried over
    if revision is not None and revision.kind == "combine":
        from .takes import combined_roll

        sources = [session.any_take(take.cue, piece.take) for piece in revision.pieces]
        return combined_roll(session.any_take(take.cue, revision.base), revision, sources)
    if take.model.sha256 != tools.model.sha256:
        raise SessionError(
            f"Take {take.number} was written by the model {take.model.name} ({take.model.sha256[:12]}), "
            f"not by {tools.model.name} ({tools.model.sha256[:12]}); its notes are in the session all the same."
        )
    edit = session.edits[take.edit] if take.edit < len(session.edits) else session
    cue = take.spotted or session.cue(take.cue)
    features = describe_cue(edit.picture, cue, take.grid, take.request, progress)
    brief = brief_for(features, edit.picture, cue, take.grid, take.request, take.key, take.style, take.ending)
    if revision is None:
        return compose(brief, tools.model, take.request, take.request.seed, progress)
    return compose_anew(
        base_of(take, revision),
        mask_of(revision.free, take.grid.beats),
        brief,
        tools.model,
        take.request,
        seed=revision.seed,
        window=revision.window,
        variation=revision.variation,
        progress=progress,
    )


def base_of(take: Take, revision: Revision) -> Roll:
    """What a revised take was made from: its own notes outside the free beats, and those it replaced inside."""
    from .session import read_notes

    free = mask_of(revision.free, take.grid.beats)
    stays = notes_of(begun(take.roll(), ~free))
    gone = notes_of(read_notes(revision.replaced, take.grid.beats * 4))
    return roll_of(np.concatenate([stays, gone]), take.grid.beats * 4)


def check_edit(session: Session, take: Take) -> None:
    """Raises RequestError where the take was written for an earlier cut of the film, or another range of it."""
    cue, then = session.cue(take.cue), take.spotted
    elsewhere = then is not None and (then.start_frame, then.duration_frames) != (cue.start_frame, cue.duration_frames)
    if take.edit != len(session.edits) or elsewhere:
        raise RequestError(
            f"Take {take.number} of {take.cue} was written for an earlier edit; use a later one, or undo to that edit."
        )


def check_locked(session: Session, cue_name: str, roll: Roll, take: Take) -> None:
    """Raises RequestError where putting `roll` in use would change what is locked."""
    now = session.take(cue_name)
    cue = session.cue(cue_name)
    locked = locked_mask(session.locks, cue, now.grid, session.picture.rate)
    if not locked.any():
        return
    if now.grid != take.grid or now.style != take.style or not outside_equal(now.roll(), roll, ~locked):
        locks = "; ".join(str(lock) for lock in session.locks if lock.cue == cue_name)
        raise RequestError(f"Take {take.number} has other notes where {cue_name} is locked ({locks}); unlock first.")


def same_roll(a: Roll, b: Roll) -> bool:
    """Whether two rolls hold the same notes."""
    return np.array_equal(notes_of(a), notes_of(b))


def next_seed(session: Session, cue_name: str) -> int:
    """A seed no take of the cue has used."""
    used = [take.request.seed for take in session.takes if take.cue == cue_name]
    used += [take.revision.seed + TRIES for take in session.takes if take.cue == cue_name and take.revision]
    return 1 + max(used, default=0)


def _asked(session: Session, take: Take, again: Again) -> ScoreRequest:
    """The take's request, with what is wanted of the range as one wish more."""
    cue = session.cue(take.cue)
    start, end = asked_frames(session.picture, cue, again) or (cue.start_frame, cue.end_frame)
    wish = Wish(
        start,
        end,
        again.prompt,
        again.mood,
        again.energy,
        again.density,
        again.key,
        again.style,
        again.silence,
    )
    request = take.request if again.energy_curve is None else replace(take.request, energy_curve=again.energy_curve)
    quiet = silent_beats(take.request.wishes, cue, take.grid, session.picture.rate)
    # Asking again for music where silence was asked for before lifts the silence.
    if wish.empty and not quiet.any():
        return request
    return replace(request, wishes=(*request.wishes, wish))


def _candidates(session: Session, take: Take, free: Bools, again: Again) -> list[tuple[int, Bools]]:
    """(number, free mask) of what is tried: the range as asked with several seeds, then with its seams further out."""
    masks = [free]
    locked = locked_mask(session.locks, session.cue(take.cue), take.grid, session.picture.rate)
    if (again.shots is not None or again.frames is not None) and again.widen_bars:
        beats = np.flatnonzero(free.any(axis=1))
        parts = free.any(axis=0)
        for before, after in product(range(again.widen_bars + 1), repeat=2):
            reach = take.grid.beats_per_bar
            first, last = widened(
                take.grid,
                max(0, int(beats[0]) - before * reach),
                min(take.grid.beats, int(beats[-1]) + 1 + after * reach),
            )
            grown = free.copy()
            grown[first:last, parts] = True
            masks.append(grown & ~locked)
    count = max(again.tries, len(masks)) if again.widen_bars else again.tries
    return [(number, masks[number % len(masks)]) for number in range(count)]


def _texts(roll: Roll) -> tuple[str, ...]:
    from .session import write_notes

    return write_notes(roll)
