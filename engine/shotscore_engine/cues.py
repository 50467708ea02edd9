"""Cues: where music begins and ends, several in one timeline, named 1m01, 1m02, … and never renumbered.

A cue comes from a range, from markers, or from proposals. Markers make cues in two ways: one marker with a length
whose name begins with "cue" or is a cue's name is one; two such markers without length, one after the other, are its
start and end. Proposals ("spot for me") cut the picture where its energy or its place changes for longer than a moment,
on the cuts the editor made. Cues may overlap where somebody wants them to. Their edges can be moved: the music stays
where its picture stayed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .errors import RequestError
from .picture import Marker, Picture
from .progress import Progress, silent
from .request import ScoreRequest, check_range
from .seen import hits_seen
from .spotting import Cue, marker_role
from .timing import format_timecode, frame_at, quantise

if TYPE_CHECKING:
    from .session import Session, Tools

SHORTEST_SECONDS = Fraction(8)
"""Proposed cues are no shorter; a piece of music needs room."""
_WINDOW_SECONDS = 6.0
"""How much picture on either side of a cut is compared."""
_CHANGE = 0.22
"""How far energy, light and colour must change (mean distance, each in [0, 1]) for a cue to end there."""
LEAST_BEATS = 2
"""A cue with music is no shorter: a beat to begin on and one to end on."""
_NAME = re.compile(r"(\d+)m(\d+)([a-z]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Proposal:
    """A range that could be a cue, and why. Frames of the timeline."""

    start_frame: int
    end_frame: int
    reason: str


def next_name(taken: Sequence[str], reel: int = 1) -> str:
    """The name after the highest one of the reel: 1m03 after 1m01 and 1m02, also where 1m02 is gone."""
    numbers = [int(found[2]) for name in taken if (found := _NAME.fullmatch(name)) and int(found[1]) == reel]
    return f"{reel}m{max(numbers, default=0) + 1:02}"


def inserted_name(before: str, taken: Sequence[str]) -> str:
    """A name for a cue put in after `before`: 1m01a, then 1m01b. Raises RequestError where the letters are used up."""
    stem = _NAME.fullmatch(before)
    root = f"{stem[1]}m{stem[2]}" if stem else before
    for letter in "abcdefghijklmnopqrstuvwxyz":
        if f"{root}{letter}" not in taken:
            return f"{root}{letter}"
    raise RequestError(f"There are 26 cues after {root} already; give this one a name of its own.")


def add_cue(
    session: Session,
    start_frame: int,
    end_frame: int,
    *,
    name: str | None = None,
    overlap: bool = False,
    progress: Progress = silent,
) -> Session:
    """The session with a cue over [start_frame, end_frame), its hits spotted, and no music yet.

    Raises RequestError where the range leaves the picture, the name is taken or no name, or where it overlaps another
    cue and `overlap` does not say that this is meant.
    """
    called = check_cue(session, start_frame, end_frame, name=name, overlap=overlap)
    hits = hits_seen(session.picture, start_frame, end_frame, progress=progress)
    return session.with_cue(Cue(called, start_frame, end_frame - start_frame, hits))


def check_cue(
    session: Session, start_frame: int, end_frame: int, *, name: str | None = None, overlap: bool = False
) -> str:
    """The name `add_cue` would give; raises what it would raise, before anything is looked at."""
    check_range(start_frame, end_frame, session.picture)
    taken = names_given(session)
    called = next_name(taken) if name is None else name
    if called in taken:
        raise RequestError(f"There is or was a cue {called!r}; names are not used twice, so choose {next_name(taken)}.")
    if not _NAME.fullmatch(called):
        raise RequestError(f"{called!r} is not a cue's name; cues are called like 1m01.")
    if not overlap:
        _check_free(session.cues, start_frame, end_frame)
    return called


def _check_free(others: Sequence[Cue], start_frame: int, end_frame: int) -> None:
    for other in others:
        if start_frame < other.end_frame and other.start_frame < end_frame:
            raise RequestError(
                f"The range {start_frame}-{end_frame} overlaps {other.name} ({other.start_frame}-{other.end_frame}); "
                "say that it is meant to, or choose another."
            )


def trim_cue(
    session: Session,
    name: str,
    start_frame: int,
    end_frame: int,
    tools: Callable[[], Tools],
    *,
    overlap: bool = False,
    progress: Progress = silent,
) -> Session:
    """The session with the cue's edges at [start_frame, end_frame); its name stays, its music where both ranges are.

    before  |..a.b.c.d..|           after  ....|.b.c.x|        the end is made anew, where it is another

    A cue with music gets a new take, in use: its notes keep their beats, their times and their picture; only beats the
    old range had not, the last two bars and, where the cue grows at its end, the two bars that used to end it are
    written. `tools` is called only then. A cue without music is spotted over its new range.

    Raises what `check_trim` raises, RequestError where locked music would be cut off, Cancelled when `progress` does.
    """
    from .reconform import on_range

    cue = check_trim(session, name, start_frame, end_frame, overlap=overlap)
    if (start_frame, end_frame) == (cue.start_frame, cue.end_frame):
        return session
    if name in session.chosen:
        return on_range(session, cue, start_frame, end_frame, tools, progress)
    own = [hit for hit in cue.hits if hit.kind == "person" and start_frame < hit.frame < end_frame]
    own.sort(key=lambda hit: hit.weight)  # an ignored one must not take away another that was moved a little
    hits = hits_seen(session.picture, start_frame, end_frame, own=own, progress=progress)
    return session.with_cue(Cue(name, start_frame, end_frame - start_frame, hits))


def check_trim(session: Session, name: str, start_frame: int, end_frame: int, *, overlap: bool = False) -> Cue:
    """The cue; raises what `trim_cue` would raise before anything is looked at or written.

    RequestError where there is no such cue, where the range leaves the picture, shares nothing with the cue's own,
    overlaps a cue it did not overlap before (and `overlap` does not say that this is meant), or is shorter than two
    beats of the music.
    """
    cue = session.cue(name)
    check_range(start_frame, end_frame, session.picture)
    if start_frame >= cue.end_frame or end_frame <= cue.start_frame:
        raise RequestError(
            f"Nothing of {name} ({cue.start_frame}-{cue.end_frame}) lies in the range {start_frame}-{end_frame}; "
            "add a cue there instead."
        )
    if not overlap:
        met = (other.start_frame < cue.end_frame and cue.start_frame < other.end_frame for other in session.cues)
        others = [other for other, already in zip(session.cues, met, strict=True) if not already]
        _check_free(others, start_frame, end_frame)
    if name in session.chosen:
        least = least_frames(session, name)
        if end_frame - start_frame < least:
            raise RequestError(
                f"The range {start_frame}-{end_frame} has {end_frame - start_frame} frames, and two beats of {name} "
                f"take {least}; leave it that long, or remove the cue."
            )
    return cue


def least_frames(session: Session, name: str) -> int:
    """How many frames the cue has at least: two beats of its music, one frame where it has none."""
    if name not in session.chosen:
        return 1
    grid = session.take(name).grid
    beat = (grid.beat_times[-1] - grid.beat_times[0]) / grid.beats
    return max(1, quantise(frame_at(LEAST_BEATS * beat, session.picture.rate)))


def searched(session: Session, start_frame: int, end_frame: int, progress: Progress = silent) -> Session:
    """The session with cuts and speech of the range found, where only other ranges of the timeline were searched."""
    whole = (0, session.picture.duration_frames)
    for take in session.takes:
        request = take.request
        if (request.start_frame, request.end_frame or whole[1]) == whole:
            return session
    if any(cue.start_frame <= start_frame and end_frame <= cue.end_frame for cue in session.cues):
        return session
    detect = session.takes[0].request.detect if session.takes else "adaptive"
    return session.analysed(detect, progress, span=(start_frame, end_frame))


def score_cue(session: Session, name: str, request: ScoreRequest, tools: Tools, progress: Progress = silent) -> Session:
    """The session with takes of the cue called `name`, over the cue's own range. Errors as `Session.score`."""
    cue = session.cue(name)
    asked = replace(request, start_frame=cue.start_frame, end_frame=cue.end_frame)
    return session.score(asked, tools, progress, cue=name)


def remove_cue(session: Session, name: str) -> Session:
    """The session without a cue, its takes and its locks; its name is not given again."""
    gone = session.cue(name)
    return replace(
        session,
        cues=tuple(cue for cue in session.cues if cue is not gone),
        takes=tuple(take for take in session.takes if take.cue != name),
        retired=tuple(take for take in session.retired if take.cue != name),
        locks=tuple(lock for lock in session.locks if lock.cue != name),
        chosen={cue: number for cue, number in session.chosen.items() if cue != name},
        numbered={**session.numbered, name: session.next_take(name) - 1},
    )


def names_given(session: Session) -> tuple[str, ...]:
    """Every cue name there is or was, also in earlier states."""
    states = [session, *(step.state for step in (*session.past, *session.future))]
    names = dict.fromkeys(cue.name for state in states for cue in state.cues)
    return tuple(names | dict.fromkeys(session.numbered))


def marked_ranges(picture: Picture) -> tuple[tuple[str | None, int, int], ...]:
    """(name, start, end) of the cues the markers ask for; no name where the marker gives none.

    Raises RequestError where a start has no end after it.
    """
    found: list[tuple[str | None, int, int]] = []
    opened: Marker | None = None
    for marker in sorted(picture.markers, key=lambda one: one.frame):
        if marker_role(marker) != "cue":
            continue
        if marker.duration_frames > 1:
            found.append((_marker_name(marker), marker.frame, marker.frame + marker.duration_frames))
        elif opened is None:
            opened = marker
        else:
            found.append((_marker_name(opened), opened.frame, marker.frame))
            opened = None
    if opened is not None:
        where = format_timecode(picture.start_frame + opened.frame, picture.rate, picture.drop_frame)
        raise RequestError(f"The cue marker {opened.name!r} at {where} has no end; set another cue marker after it.")
    return tuple(found)


def _marker_name(marker: Marker) -> str | None:
    found = _NAME.search(marker.name)
    return found[0].lower() if found else None


def propose(picture: Picture, progress: Progress = silent) -> tuple[Proposal, ...]:
    """Cues from the picture: it is cut where energy or place changes, on the editor's own cuts; together they cover it.

    Source: spotting sessions begin and end music where a scene does. What a scene is, the picture says only roughly:
    the change of light, colour and motion over six seconds on either side of a cut, and black or titles between.
    """
    from .features.describe import describe
    from .grid import constant_grid

    rate = picture.rate
    duration = Fraction(picture.duration_frames) / rate
    whole = Cue("1m01", 0, picture.duration_frames)
    seconds = constant_grid(Fraction(60), Fraction(0), (4, 4), duration)
    seen = describe(picture, seconds, whole, progress=progress)
    look = np.column_stack([seen.energy, (seen.valence + 1) / 2, seen.visual[:, 4:7]]).astype(float)
    changes = {shot.start_frame: _change(look, float(shot.start_frame / rate)) for shot in picture.shots[1:]}
    blank = {
        shot.start_frame
        for before, shot in zip(picture.shots, picture.shots[1:], strict=False)
        if (before.media is None) != (shot.media is None)
    }
    edges, reasons = [0], ["the film begins"]
    ranked = sorted(changes, key=lambda frame: (frame not in blank, -changes[frame]))
    least = SHORTEST_SECONDS * rate
    chosen: dict[int, str] = {}
    for frame in ranked:
        if frame not in blank and changes[frame] < _CHANGE:
            continue
        others = [0, picture.duration_frames, *chosen]
        if min(abs(frame - other) for other in others) >= least:
            chosen[frame] = (
                "black or a title ends" if frame in blank else f"the picture changes by {changes[frame]:.2f}"
            )
    for frame in sorted(chosen):
        edges.append(frame)
        reasons.append(chosen[frame])
    edges.append(picture.duration_frames)
    return tuple(Proposal(start, end, reason) for start, end, reason in zip(edges, edges[1:], reasons, strict=False))


def _change(look: NDArray[np.float64], second: float) -> float:
    """Mean distance of the look before and after a moment; rows are seconds."""
    at = int(second)
    before, after = look[max(0, at - int(_WINDOW_SECONDS)) : at], look[at + 1 : at + 1 + int(_WINDOW_SECONDS)]
    if not len(before) or not len(after):
        return 0.0
    return float(np.abs(before.mean(axis=0) - after.mean(axis=0)).max())
