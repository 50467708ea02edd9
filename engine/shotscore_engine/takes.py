"""What can be done with takes: use, star, name, delete, combine, measure. Each answers with a new session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .errors import RequestError
from .grid import STEPS_PER_BEAT, fit_hits
from .record import Piece, Revision
from .regenerate import check_edit, check_locked, revised
from .roll import PARTS, Roll, notes_of
from .seams import Bools, seam_of, splice
from .timing import seconds_at

if TYPE_CHECKING:
    from .session import Session, Take

LONGEST_NAME = 200
_FULL_ONSETS = 16.0
"""Onset strength in a beat at which energy is 1 - 1/e: sixteen notes at the strongest, in all parts."""


@dataclass(frozen=True)
class TakeMeasures:
    """A take in a few numbers."""

    energy: float
    """0 to 1: how much is struck, and how hard, on the mean beat."""
    density: float
    """Notes a second."""
    notes: int
    hits_met: int
    """Hits with a note beginning on them, within their tolerance."""
    hits: int
    """Hits that count."""


def measure_take(session: Session, take: Take) -> TakeMeasures:
    """Short measures, for comparing takes side by side."""
    edit = session.edits[take.edit] if take.edit < len(session.edits) else session
    cue = take.spotted or session.cue(take.cue)
    roll, rate = take.roll(), edit.picture.rate
    notes = notes_of(roll)
    strength = roll.velocity.astype(float).sum(axis=(0, 2)).reshape(-1, STEPS_PER_BEAT).sum(axis=1) / 127
    starts = np.array([float(take.grid.step_time(int(step))) for step in np.unique(notes[:, 1])])
    counted = [fit.hit for fit in fit_hits(take.grid, cue.hits, rate, cue.start_frame) if fit.state != "ignored"]
    met = 0
    for hit in counted:
        moment = float(seconds_at(hit.frame - cue.start_frame, rate))
        reach = float(seconds_at(hit.tolerance_frames, rate)) + 1e-9
        met += bool(len(starts) and np.abs(starts - moment).min() <= reach)
    seconds = float(seconds_at(cue.duration_frames, rate))
    return TakeMeasures(
        energy=round(float((1 - np.exp(-strength / (_FULL_ONSETS / 4))).mean()), 4),
        density=round(len(notes) / seconds, 4),
        notes=len(notes),
        hits_met=met,
        hits=len(counted),
    )


def use_take(session: Session, cue: str, number: int) -> Session:
    """Take `number` in use. Raises RequestError where there is none, or where that would change what is locked."""
    take = session.take(cue, number)
    check_edit(session, take)
    if session.chosen.get(cue) != number:
        check_locked(session, cue, take.roll(), take)
    return replace(session, chosen={**session.chosen, cue: number})


def star_take(session: Session, cue: str, number: int, starred: bool = True) -> Session:
    """Take `number` with a star, or without."""
    return _with(session, replace(session.take(cue, number), starred=starred))


def rename_take(session: Session, cue: str, number: int, name: str) -> Session:
    """Take `number` called `name`; its number stays. Raises RequestError where the name is too long or has lines."""
    if len(name) > LONGEST_NAME or not (name.isprintable()):
        raise RequestError(f"A take's name has up to {LONGEST_NAME} characters on one line; {name[:40]!r} does not.")
    return _with(session, replace(session.take(cue, number), name=name.strip()))


def set_instrument(session: Session, cue: str, stem: str, program: int) -> Session:
    """The take in use with another instrument for a stem: a General MIDI program, or a kit where the stem is drums.

    Raises RequestError where there is no such stem or program.
    """
    take = session.take(cue)
    known = {made.name: made.program for made in session.perform(replace(take, instruments={})).stems}
    if stem not in known:
        raise RequestError(f"Take {take.number} has no stem {stem!r}; it has {', '.join(known)}.")
    if not 0 <= program <= 127:
        raise RequestError(f"The instrument {program} is outside 0 to 127, General MIDI's programs.")
    others = {name: chosen for name, chosen in take.instruments.items() if name != stem}
    chosen = others if program == known[stem] else {**others, stem: program}
    return _with(session, replace(take, instruments=chosen))


def delete_take(session: Session, cue: str, number: int) -> Session:
    """Without take `number`; where it was in use, the one before it is. Numbers are never given again.

    Raises RequestError where it is the last of its cue, or where another in its place would change what is locked.
    """
    gone = session.take(cue, number)
    left = [take for take in session.takes if take.cue == cue and take.number != number]
    able = [take for take in left if take.edit == len(session.edits)]
    chosen = session.chosen
    if chosen.get(cue) == number:
        if not able:
            raise RequestError(f"Take {number} is the only one of {cue}; make another before deleting it.")
        earlier = [take for take in able if take.number < number]
        following = earlier[-1] if earlier else able[0]
        check_locked(session, cue, following.roll(), following)
        chosen = {**chosen, cue: following.number}
    needed = any(
        take.revision is not None
        and take.revision.kind == "combine"
        and number in {take.revision.base, *(piece.take for piece in take.revision.pieces)}
        for take in (*left, *session.retired)
        if take.cue == cue
    )
    retired = (*session.retired, gone) if needed else session.retired
    takes = tuple(take for take in session.takes if (take.cue, take.number) != (cue, number))
    numbered = {**session.numbered, cue: session.next_take(cue) - 1}
    return replace(session, takes=takes, chosen=chosen, retired=retired, numbered=numbered)


def combine_takes(session: Session, cue: str, pieces: Sequence[tuple[int, int, int]]) -> Session:
    """A new take, in use, of bars of others: (first bar, last bar, take), bars numbered from 1, both included.

    A pickup is bar 0. Bars no piece names stay as they are in the take in use, and so does what is locked. The seam's
    score is in the take's record. Raises RequestError where bars are not there, or takes lie on different grids.
    """
    base = session.take(cue)
    check_edit(session, base)
    grid = base.grid
    opening = grid.bar_beats
    found: list[Piece] = []
    for first, last, number in pieces:
        lowest = 0 if grid.first_downbeat else 1
        if not lowest <= first <= last <= len(opening):
            raise RequestError(f"The bars {first}-{last} are not there; {cue} has the bars {lowest}-{len(opening)}.")
        other = session.take(cue, number)
        if other.grid != grid:
            raise RequestError(f"Take {number} has another beat grid than take {base.number}; their bars do not meet.")
        start = 0 if first == 0 else opening[first - 1]
        end = opening[last] if last < len(opening) else grid.beats
        if any(start < piece.end_beat and piece.start_beat < end for piece in found):
            raise RequestError(f"The bars {first}-{last} are named twice; give each bar to one take.")
        found.append(Piece(number, start, end))
    if not found:
        raise RequestError("No bars were named; give for example the bars 1-8 of take 2.")
    found.sort(key=lambda piece: piece.start_beat)
    whole: list[Piece] = []
    reached = 0
    for piece in (*found, Piece(base.number, grid.beats, grid.beats)):
        if piece.start_beat > reached:
            whole.append(Piece(base.number, reached, piece.start_beat))
        if piece.end_beat > piece.start_beat:
            whole.append(piece)
        reached = piece.end_beat
    revision = Revision("combine", base.number, pieces=tuple(whole))
    roll = combined_roll(base, revision, [session.take(cue, piece.take) for piece in whole])
    check_locked(session, cue, roll, base)
    seam = seam_of(roll, _alternate(whole, grid.beats), grid.bar_beats)
    take = revised(session, base, roll, base.request, replace(revision, seam=seam), None)
    return session.with_takes(session.cue(cue), [take])


def combined_roll(base: Take, revision: Revision, sources: Sequence[Take]) -> Roll:
    """The notes of a combined take: those of `base`, and in each piece those of its source.

    Notes of the base that begin outside the pieces stay whole; those of the pieces end where their piece does.
    """
    roll = base.roll()
    for piece, source in zip(revision.pieces, sources, strict=True):
        if piece.take != base.number:
            free = np.zeros((base.grid.beats, len(PARTS)), bool)
            free[piece.start_beat : piece.end_beat] = True
            roll = splice(roll, source.roll(), free)
    return roll


def _alternate(pieces: Sequence[Piece], beats: int) -> Bools:
    """(T, 3): every other run of equal sources True, so that each change of source is an edge."""
    free = np.zeros((beats, len(PARTS)), bool)
    odd, before = False, None
    for piece in pieces:
        odd ^= before is not None and piece.take != before
        free[piece.start_beat : piece.end_beat] = odd
        before = piece.take
    return free


def _with(session: Session, changed: Take) -> Session:
    key = (changed.cue, changed.number)
    return replace(session, takes=tuple(changed if (take.cue, take.number) == key else take for take in session.takes))
