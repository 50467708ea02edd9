"""The beat grid of a recut cue: old beats where their picture went, and as little new as it takes between them.

A run is a row of old beats whose picture stayed together; in the new cue it wants to sound so much later or earlier as
its picture does. Two ways:

    refit   each run keeps its beats' exact times, so that every hit inside it is met as before. Between runs come as
            many beats as keep the bar lines, at a tempo within 6 % of the steady one; where that does not work out,
            whole bars at the runs' edges are eased with them (their notes stay), as few as it takes
    keep    the grid goes on as it was; a run whose beats do not fall on it, bar line on bar line, is given up
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import numpy as np

from .grid import BeatGrid
from .timing import quantise

TempoChoiceKind = Literal["refit", "keep"]
TEMPO_DRIFT = 0.06
"""How far the tempo between runs may lie from the steady one; as `tempo_map` has it for its own changes."""
EASED_BARS = 8
"""How many bars at the edge of a run may be eased."""

_NOWHERE = (-1, -1)
"""The old beats at the end of what is there, where they are none at their own times."""


@dataclass(frozen=True)
class Run:
    """Old beats [first, last) that shall sound `shift` seconds later than they did (in seconds of their cues)."""

    first: int
    last: int
    shift: Fraction


@dataclass(frozen=True)
class Regridded:
    """The new grid, and where its beats come from."""

    grid: BeatGrid
    origin: tuple[int, ...]
    """For each new beat the old beat whose notes it plays; -1: none."""
    eased: tuple[bool, ...]
    """For each new beat whether its old beat had another length."""


@dataclass(frozen=True)
class Moment:
    """What the beats between runs shall meet: seconds from the new cue's start."""

    seconds: Fraction
    tolerance: Fraction
    weight: float


def regrid(
    old: BeatGrid,
    runs: Sequence[Run],
    duration: Fraction,
    *,
    tempo: TempoChoiceKind = "refit",
    slack: Fraction,
    moments: Sequence[Moment] = (),
) -> Regridded:
    """The grid of a cue of `duration` seconds in which the `runs` sound where their picture is; in the new order.

    `slack`: seconds by which a beat may miss the grid and still lie on it (with `tempo` "keep").
    """
    if tempo == "keep":
        return _kept(old, runs, duration, slack)
    work = _Work(old, duration, moments)
    for run in runs:
        work.add(run)
    return work.finish()


class _Work:
    """A new grid while it grows."""

    def __init__(self, old: BeatGrid, duration: Fraction, moments: Sequence[Moment]) -> None:
        self.old, self.duration, self.moments = old, duration, moments
        lengths = sorted(b - a for a, b in pairwise(old.beat_times))
        self.steady = lengths[len(lengths) // 2]
        self.times: list[Fraction] = []
        """Where each beat begins."""
        self.origin: list[int] = []
        self.eased: list[bool] = []
        self.end = Fraction(0)
        """Where the last beat ends."""
        self.first_downbeat = 0

    def add(self, run: Run) -> None:
        begin = self.old.beat_times[run.first] + run.shift
        if run.last <= run.first:
            return
        if not self.times:
            self._open(run, begin)
        else:
            self._bridge(run)

    def _open(self, run: Run, begin: Fraction) -> None:
        """The first run, and the beats before it."""
        bar = self.old.beats_per_bar
        count = 0 if begin < self.steady else max(1, quantise(begin / self.steady))
        lead, rest = (begin / count if count else Fraction(0)), Fraction(0)
        if count and not 1 / (1 + TEMPO_DRIFT) <= lead / self.steady <= 1 + TEMPO_DRIFT:
            # No whole number of beats at about this tempo: the first one waits for less than a beat.
            count, lead = int(begin // self.steady), self.steady
            rest = begin - count * lead
        self.times = [rest + lead * i for i in range(count)]
        self.origin, self.eased = [-1] * count, [False] * count
        self.first_downbeat = (self.old.first_downbeat - run.first + count) % bar
        self._append(run)
        if begin < 0:  # a cut on the beat, give or take a frame
            self.times[count], self.eased[count] = Fraction(0), True

    def _append(self, run: Run) -> None:
        for beat in range(run.first, run.last):
            self.times.append(self.old.beat_times[beat] + run.shift)
            self.origin.append(beat)
            self.eased.append(False)
        self.end = self.old.beat_times[run.last] + run.shift

    def _bridge(self, run: Run) -> None:
        """`run` after what is there, over a bridge of beats that keeps its bar lines."""
        bar = self.old.beats_per_bar
        before = self._tail_run()
        best: tuple[float, int, int, int] | None = None
        most_before = min(EASED_BARS * bar, before[1] - before[0])
        most_after = min(EASED_BARS * bar, run.last - run.first)
        for dropped in range(0, most_before + 1, bar):
            start = self._time(len(self.times) - dropped)
            for skipped in range(0, most_after + 1, bar):
                gap = self.old.beat_times[run.first + skipped] + run.shift - start
                index = len(self.times) - dropped
                residue = ((run.first + skipped - self.old.first_downbeat) - (index - self.first_downbeat)) % bar
                for count in _counts(gap / self.steady, residue, bar):
                    ratio = float(gap / (count * self.steady)) if count else 1.0
                    if count == 0 and abs(gap) > Fraction(1, 1000):
                        continue
                    if not 1 / (1 + TEMPO_DRIFT) <= ratio <= 1 + TEMPO_DRIFT:
                        continue
                    cost = self._cost(run, dropped, skipped, count, ratio, before)
                    if best is None or cost < best[0]:
                        best = (cost, dropped, skipped, count)
        if best is None:
            return  # not to be reached in time: its bars are made anew
        _, dropped, skipped, count = best
        kept = len(self.times) - dropped
        start = self._time(kept)
        origins = self._bridge_origins(run, dropped, skipped, count, before)
        del self.times[kept:], self.origin[kept:], self.eased[kept:]
        gap = self.old.beat_times[run.first + skipped] + run.shift - start
        for i in range(count):
            self.times.append(start + gap * i / count)
            self.origin.append(origins[i])
            self.eased.append(origins[i] >= 0)
        self._append(Run(run.first + skipped, run.last, run.shift))

    def _bridge_origins(self, run: Run, dropped: int, skipped: int, count: int, before: tuple[int, int]) -> list[int]:
        first, last = before[1] - dropped, run.first + skipped
        if before != _NOWHERE and last - first == count:  # as many beats as there were: all of them, eased
            return list(range(first, last))
        left = min(dropped, count)
        right = min(skipped, count - left)
        return [
            *range(first, first + left),
            *([-1] * (count - left - right)),
            *range(last - right, last),
        ]

    def _cost(self, run: Run, dropped: int, skipped: int, count: int, ratio: float, before: tuple[int, int]) -> float:
        """In beats: those made anew count thrice, eased ones once; a hit that is met is worth four."""
        origins = self._bridge_origins(run, dropped, skipped, count, before)
        anew = sum(origin < 0 for origin in origins)
        cost = 3.0 * anew + (count - anew) + 100 * abs(np.log(ratio))
        start = self._time(len(self.times) - dropped)
        end = self.old.beat_times[run.first + skipped] + run.shift
        for moment in self.moments:
            if start < moment.seconds < end and count:
                beat = (moment.seconds - start) * count / (end - start)
                off = abs(beat - quantise(beat)) * (end - start) / count
                cost += 0.0 if off <= moment.tolerance else 4 * moment.weight
        return float(cost)

    def _tail_run(self) -> tuple[int, int]:
        """(first, last) old beats at the end of what is there that follow one another at their own times."""
        if self.origin[-1] < 0 or self.eased[-1]:
            return _NOWHERE
        last = self.origin[-1] + 1
        first, shift = last, self.times[-1] - self.old.beat_times[last - 1]
        for time, origin, eased in zip(reversed(self.times), reversed(self.origin), reversed(self.eased), strict=True):
            if origin != first - 1 or eased or time - self.old.beat_times[origin] != shift:
                break
            first -= 1
        return first, last

    def _time(self, index: int) -> Fraction:
        return self.times[index] if index < len(self.times) else self.end

    def finish(self) -> Regridded:
        """The grid up to the cue's end, at the steady tempo after the last run."""
        if not self.times:
            self.times, self.end, self.origin, self.eased = [Fraction(0)], self.steady, [-1], [False]
        while len(self.times) > 1 and self.times[-1] >= self.duration:
            self.end = self.times.pop()
            self.origin.pop()
            self.eased.pop()
        length = self.steady
        if self.origin[-1] >= 0:
            length = self.old.beat_times[self.origin[-1] + 1] - self.old.beat_times[self.origin[-1]]
        while self.end < self.duration:
            following = self.origin[-1] + 1
            self.times.append(self.end)
            # A beat the cut left half of: it is still the one that was there.
            runs_on = 0 < following < self.old.beats and self.duration - self.end < length
            self.origin.append(following if runs_on else -1)
            self.eased.append(False)
            self.end += length
        grid = BeatGrid((*self.times, self.end), self.old.meter, self.first_downbeat)
        return Regridded(grid, tuple(self.origin), tuple(self.eased))


def _counts(wanted: Fraction, residue: int, bar: int) -> list[int]:
    """The whole numbers nearest to `wanted` that leave `residue` modulo `bar`, from below and above."""
    below = int((wanted - residue) // bar) * bar + residue
    return [count for count in (below, below + bar) if count >= 0]


def _kept(old: BeatGrid, runs: Sequence[Run], duration: Fraction, slack: Fraction) -> Regridded:
    times = list(old.beat_times)
    while times[-1] < duration:
        times.append(2 * times[-1] - times[-2])
    last = next(i for i, time in enumerate(times) if i and time >= duration)
    grid = BeatGrid(tuple(times[: last + 1]), old.meter, old.first_downbeat)
    exact = np.array([float(time) for time in grid.beat_times])
    origin = [-1] * grid.beats
    for run in runs:
        if run.last <= run.first:
            continue
        wanted = np.array([float(old.beat_times[beat] + run.shift) for beat in range(run.first, run.last)])
        index = int(np.abs(exact[:-1] - wanted[0]).argmin())
        fits = min(len(wanted), grid.beats - index)
        if (index - run.first) % grid.beats_per_bar:
            continue
        if np.abs(exact[index : index + fits] - wanted[:fits]).max() > float(slack):
            continue
        for i in range(fits):
            if origin[index + i] < 0:
                origin[index + i] = run.first + i
    if grid.beats and origin[-1] < 0 and grid.beats > 1 and origin[-2] >= 0 and origin[-2] + 1 < old.beats:
        origin[-1] = origin[-2] + 1  # a beat the cut left half of
    return Regridded(grid, tuple(origin), (False,) * grid.beats)
