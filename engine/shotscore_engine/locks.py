"""Locks: what stays as it is, whatever is made anew.

A lock names a part, a range of frames, or both; without a range it holds over the whole cue, without a part for all of
them. A range holds every bar it touches. What is locked is the music of the take in use: a take that has other notes
there cannot be put in its place until the lock is taken off.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from .errors import RequestError
from .grid import BeatGrid
from .roll import PARTS
from .seams import Bools, beat_reach
from .spotting import Cue, hit_tolerance
from .timing import seconds_at


@dataclass(frozen=True)
class Lock:
    """What stays. Frames of the timeline; both edges or none."""

    cue: str
    part: str | None = None
    start_frame: int | None = None
    end_frame: int | None = None
    """The frame after the last."""

    def __post_init__(self) -> None:
        if self.part is not None:
            check_parts((self.part,))
        if (self.start_frame is None) != (self.end_frame is None):
            raise RequestError(f"The lock {self.start_frame}-{self.end_frame} has one edge; give both or none.")
        if self.start_frame is not None and self.end_frame is not None and self.end_frame <= self.start_frame:
            raise RequestError(f"The lock {self.start_frame}-{self.end_frame} is empty; OUT comes after IN.")

    def __str__(self) -> str:
        where = "all of it" if self.start_frame is None else f"frames {self.start_frame}-{self.end_frame}"
        return f"{self.cue}: {self.part or 'every part'}, {where}"


def check_parts(parts: Iterable[str]) -> None:
    """Raises RequestError where one of `parts` is none the model writes."""
    for part in parts:
        if part not in PARTS:
            raise RequestError(f"There is no part {part!r}; choose from {', '.join(PARTS)}.")


def bars_between(grid: BeatGrid, cue: Cue, rate: Fraction, start_frame: int, end_frame: int) -> tuple[int, int]:
    """(first, last + 1) beats of all bars that sound between two frames of the timeline."""
    first, last = beats_between(grid, cue, rate, start_frame, end_frame)
    return widened(grid, first, last)


def beats_between(grid: BeatGrid, cue: Cue, rate: Fraction, start_frame: int, end_frame: int) -> tuple[int, int]:
    """(first, last + 1) of the beats that sound between two frames; a cut on the beat means the beat."""
    start = seconds_at(max(start_frame, cue.start_frame) - cue.start_frame, rate)
    end = seconds_at(min(end_frame, cue.end_frame) - cue.start_frame, rate)
    first, last = beat_reach(start, end, grid.beat_times, seconds_at(hit_tolerance(rate), rate))
    if start_frame <= cue.start_frame:
        first = 0
    if end_frame >= cue.end_frame:
        last = grid.beats
    # A range too short to hold a beat still means the one it falls in.
    first = min(first, grid.beats - 1)
    return first, max(last, first + 1)


def widened(grid: BeatGrid, first: int, last: int) -> tuple[int, int]:
    """[first, last) out to bar lines; the pickup is a bar of its own."""
    bars = (0, *(beat for beat in grid.bar_beats if beat > 0), grid.beats)
    return max(bar for bar in bars if bar <= first), min(bar for bar in bars if bar >= last)


def locked_mask(locks: Iterable[Lock], cue: Cue, grid: BeatGrid, rate: Fraction) -> Bools:
    """(T, 3): True where a beat of a part is locked."""
    mask = np.zeros((grid.beats, len(PARTS)), bool)
    for lock in locks:
        if lock.cue != cue.name:
            continue
        first, last = 0, grid.beats
        if lock.start_frame is not None and lock.end_frame is not None:
            if lock.end_frame <= cue.start_frame or lock.start_frame >= cue.start_frame + cue.duration_frames:
                continue  # a lock on what was cut away holds nothing of what is left
            first, last = bars_between(grid, cue, rate, lock.start_frame, lock.end_frame)
        columns = slice(None) if lock.part is None else slice(PARTS.index(lock.part), PARTS.index(lock.part) + 1)
        mask[first:last, columns] = True
    return mask
