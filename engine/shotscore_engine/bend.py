"""A grid that gives way to hits: bar tempi as even as they can be while chosen accents fall exactly.

Unknown is how far each bar line, the first included, leaves its place; what lies inside a bar moves in proportion.
Minimised are those distances, so that a bend stays near its cause, and the changes of tempo from bar to bar, subject to
chosen accents falling on their moments. A bar line has to do with its next two neighbours only: the equations are a
band of five diagonals, and what they cost grows with the bars and not with their third power (`Bend`). One accent
more moves the bars around it only, so that thousands can be tried one after the other (`Growth`).

Seconds are floats here; `Work.grid` makes the exact grid.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .grid import BeatGrid
from .spotting import Cue
from .timing import seconds_at

Floats = NDArray[np.float64]

BAR_CHANGE, BAR_DRIFT = 0.03, 0.06
"""How far a bar's tempo may differ from its neighbour's, and from the steady tempo."""
RITARDANDO = 0.12
"""How much slower than the bar before each of the last two bars may be."""
_PLACE_SPREAD_SECONDS = 0.05
"""How readily bar lines move, beside tempo changes of a third of their limit."""
_NOTHING = 32.0
"""What has decayed to e to the power of minus this is nothing: a hundredth of a millionth of a millionth."""


@dataclass(frozen=True)
class Anchor:
    """An accent that shall fall on a moment: a beat (whole or half) and its seconds."""

    beat: float
    seconds: Fraction


@dataclass(frozen=True)
class Work:
    """A grid while it is worked on, in floats; beats beyond the cue's end are kept until the end."""

    times: Floats
    """(beats + 1,) seconds."""
    first_downbeat: int
    bar: int
    pulse: float
    steady: float
    """Seconds a beat of the candidate."""
    unbent: Floats
    """`times` before any leaning."""
    moments: tuple[Fraction, ...]
    """Exact seconds of the weighted hits, in order."""
    hit_times: Floats
    """The same as floats."""
    hit_tolerances: Floats
    hit_weights: Floats
    anchors: tuple[Anchor, ...] = ()
    """What falls exactly."""
    changed: bool = False

    @classmethod
    def of(cls, grid: BeatGrid, cue: Cue, rate: Fraction) -> "Work":
        beat = grid.beat_times[1] - grid.beat_times[0]
        # Room for bars a hold or a faster run adds.
        extra = 2 * grid.beats_per_bar + grid.beats // 8
        last = grid.beat_times[-1]
        times = [*grid.beat_times, *(last + beat * (i + 1) for i in range(extra))]
        hits = sorted((hit for hit in cue.hits if hit.weight > 0), key=lambda hit: hit.frame)
        moments = tuple(seconds_at(hit.frame - cue.start_frame, rate) for hit in hits)
        floats = np.array([float(time) for time in times])
        return cls(
            floats,
            grid.first_downbeat,
            grid.beats_per_bar,
            float(grid.beats_per_pulse),
            float(beat),
            floats,
            moments,
            np.array([float(moment) for moment in moments]),
            np.array([float(seconds_at(hit.tolerance_frames, rate)) for hit in hits]),
            np.array([hit.weight for hit in hits]),
        )

    def with_lengths(self, start: float, lengths: Floats) -> "Work":
        """The same beats with other lengths; what fell exactly does so no more."""
        times = start + np.concatenate([[0.0], np.cumsum(lengths)])
        return replace(self, times=times, unbent=times, anchors=(), changed=True)

    @cached_property
    def accents(self) -> Floats:
        """Every accent as a beat, those of the pickup included."""
        first = self.first_downbeat % self.pulse
        return np.arange(first, len(self.times) - 1 + 1e-9, self.pulse)

    @cached_property
    def accent_seconds(self) -> Floats:
        """Their seconds."""
        return np.interp(self.accents, np.arange(len(self.times)), self.times)

    @cached_property
    def nearest(self) -> tuple[Floats, Floats]:
        """For each hit, the nearest accent's beat and how far (seconds) it comes after the hit."""
        return nearest(self.accents, self.accent_seconds, self.hit_times)

    def met_weight(self) -> float:
        """Weighted hits within tolerance of an accent, a downbeat half as much again."""
        return float(self.worth(*self.nearest)[0].sum())

    def worth(self, beats: Floats, off: Floats, hits: slice = slice(None)) -> tuple[Floats, Floats]:
        """What each of the `hits` is worth, `off` its nearest accent, the beat in `beats`: (met, close).

        met : its weight where it is within tolerance, on a downbeat half as much again
        close : its weight by how close it is, all of it on the accent and none at twice the tolerance
        """
        far, tolerances, weights = np.abs(off), self.hit_tolerances[hits], self.hit_weights[hits]
        met = far <= tolerances + 1e-9
        down = np.mod(beats - self.first_downbeat, self.bar) < 1e-9
        close = np.maximum(0.0, 1 - far / (2 * tolerances + 1e-9))
        return weights * met * (1.0 + 0.5 * down), weights * close

    def bar_of(self, beats: Floats) -> NDArray[np.int64]:
        """The number of each beat's bar; a pickup is bar 0 and the first bar 1, or 0 without a pickup."""
        pickup = 1 if self.first_downbeat else 0
        return np.floor((beats - self.first_downbeat) / self.bar).astype(np.int64) + pickup

    def grid(self, duration: Fraction, like: BeatGrid) -> BeatGrid:
        """The exact grid over `duration`."""
        times = [Fraction(round(time * 1_000_000), 1_000_000) for time in self.times.tolist()]
        for anchor in self.anchors:
            below, inside = int(anchor.beat // 1), anchor.beat % 1
            if inside:
                # A dotted accent stands half-way between two beats: both move by what is missing.
                missing = anchor.seconds - (times[below] + times[below + 1]) / 2
                times[below] += missing
                times[below + 1] += missing
            else:
                times[below] = anchor.seconds
        while times[-1] < duration:
            times.append(2 * times[-1] - times[-2])
        last = next(i for i, time in enumerate(times) if i and time >= duration)
        return BeatGrid(tuple(times[: last + 1]), like.meter, like.first_downbeat)


def nearest(accents: Floats, seconds: Floats, hit_times: Floats) -> tuple[Floats, Floats]:
    """For each hit, the nearest accent's beat and how far (seconds) it comes after the hit."""
    right = np.clip(np.searchsorted(seconds, hit_times), 1, len(seconds) - 1)
    left_is_nearer = hit_times - seconds[right - 1] < seconds[right] - hit_times
    index = np.where(left_is_nearer, right - 1, right)
    return accents[index], seconds[index] - hit_times


@dataclass(frozen=True)
class Bend:
    """The equations of a grid's bending towards anchors."""

    work: Work
    anchors: tuple[Anchor, ...]
    bars: NDArray[np.int64]
    """The bar of each beat."""
    bar_lengths: Floats
    """(bars,): seconds."""
    free: Floats
    """Per bar up to the last accent: above 1 where it may slow down more."""
    band: Floats
    """(3, bars + 1): the symmetric matrix of the squares to minimise, its diagonal and the two below it."""
    inside: Floats
    """(beats,): how much of its bar lies before each beat, in [0, 1)."""
    bar: NDArray[np.int64]
    """(anchors,): the bar each anchor lies in."""
    share: Floats
    """(anchors,): how much of that bar lies before it."""
    missing: Floats
    """(anchors,): seconds from each anchor's beat to its moment."""

    @classmethod
    def of(cls, work: Work, anchors: Sequence[Anchor], end: float | None = None) -> "Bend":
        """`end` is the beat of the last accent: the two bars before it may slow down more."""
        lengths = np.diff(work.unbent)
        bars = work.bar_of(np.arange(len(lengths), dtype=np.float64))
        count = int(bars[-1]) + 1
        free = np.ones(count)
        last = count - 1
        if end is not None:
            last = int(work.bar_of(np.array([end - 1e-6]))[0])
            free[max(0, last - 1) : last + 1] = RITARDANDO / BAR_CHANGE
        bar_lengths = np.bincount(bars, lengths).astype(np.float64)
        opened = work.unbent[0] + np.concatenate([[0.0], np.cumsum(bar_lengths)])
        band = np.zeros((3, count + 1))
        # After the last accent nobody counts: free to move.
        band[0] = np.where(np.arange(count + 1) <= last, 1.0, 1e-6) / _PLACE_SPREAD_SECONDS**2
        # A bar's stretch is how far its end moves less how far its start does, by its length; the difference of two
        # neighbours' is of three lines.
        stiff = 1 / (BAR_CHANGE / 3 * np.maximum(free[1:], free[:-1])) ** 2
        left, right = 1 / bar_lengths[:-1], 1 / bar_lengths[1:]
        middle = -left - right
        band[0, :-2] += stiff * left**2
        band[0, 1:-1] += stiff * middle**2
        band[0, 2:] += stiff * right**2
        band[1, :-2] += stiff * left * middle
        band[1, 1:-1] += stiff * middle * right
        band[2, :-2] += stiff * left * right
        places = np.interp([anchor.beat for anchor in anchors], np.arange(len(work.unbent)), work.unbent)
        bar = np.clip(np.searchsorted(opened, places, side="right") - 1, 0, count - 1)
        return cls(
            work,
            tuple(anchors),
            bars,
            bar_lengths,
            free[: last + 1],
            band,
            (work.unbent[:-1] - opened[bars]) / bar_lengths[bars],
            bar,
            (places - opened[bar]) / bar_lengths[bar],
            np.array([float(anchor.seconds) for anchor in anchors]) - places,
        )

    def apply(self, chosen: Sequence[int]) -> Work | None:
        """The grid with the `chosen` anchors exact; None where no gentle tempo does it."""
        lines = self.solved(chosen)
        times = None if lines is None else self.bent(lines, 0, len(self.bar_lengths))
        if times is None:
            return None
        return replace(self.work, times=times, anchors=tuple(self.anchors[i] for i in chosen), changed=True)

    def solved(self, chosen: Sequence[int]) -> Floats | None:
        """(bars + 1,): how far each bar line moves, in seconds; None where the chosen anchors contradict each other."""
        from scipy.linalg import solve_banded

        # An equation more an anchor, written behind the line its bar begins with: the whole stays a band.
        order = np.array(sorted(chosen, key=lambda i: self.bar[i]), np.int64)
        bar, share = self.bar[order], self.share[order]
        lines = np.arange(self.band.shape[1])
        at = lines + np.searchsorted(bar, lines)
        rows = at[bar] + 1 + np.arange(len(bar)) - np.searchsorted(bar, bar)
        reach = int((at[2:] - at[:-2]).max(initial=at[1]))
        equations = np.zeros((2 * reach + 1, len(lines) + len(bar)))

        def put(i: NDArray[np.int64], j: NDArray[np.int64], values: Floats) -> None:
            equations[reach + i - j, j] = values
            equations[reach + j - i, i] = values

        for below, diagonal in enumerate(self.band):
            put(at[below:], at[: len(at) - below], diagonal[: len(at) - below])
        put(rows, at[bar], 1 - share)
        put(rows, at[bar + 1], share)
        wanted = np.zeros(equations.shape[1])
        wanted[rows] = self.missing[order]
        try:
            found = np.asarray(solve_banded((reach, reach), equations, wanted, check_finite=False), np.float64)[at]
        except np.linalg.LinAlgError:
            return None
        # Two moments asked of one bar leave equations no solver fulfils; then there is no such grid.
        met = np.isfinite(found).all() and self.are_met(found, 0, order)
        return found if met else None

    def are_met(self, lines: Floats, first: int, chosen: NDArray[np.int64]) -> bool:
        """Whether anchors fall on their moments when the bar lines from `first` on move by `lines`."""
        bar, share = self.bar[chosen] - first, self.share[chosen]
        moved = lines[bar] * (1 - share) + lines[bar + 1] * share
        return bool(np.abs(moved - self.missing[chosen]).max(initial=0.0) <= 1e-6)

    def bent(self, lines: Floats, first: int, last: int) -> Floats | None:
        """Seconds of the beats in the bars from `first` up to `last`, and of the beat behind them; None where the tempo
        is not gentle there.

        lines : (last - first + 1,) how far their bar lines move
        """
        stretch = 1 + np.diff(lines) / self.bar_lengths[first:last]
        counted = stretch[: max(0, len(self.free) - first)]
        if not _is_gentle(counted, self.free[first : first + len(counted)]) or stretch.min() <= 0:
            return None
        begin, end = np.searchsorted(self.bars, [first, last])
        bar, inside = self.bars[begin:end] - first, self.inside[begin:end]
        times = np.append(
            self.work.unbent[begin:end] + lines[bar] * (1 - inside) + lines[bar + 1] * inside,
            self.work.unbent[end] + lines[-1],
        )
        if first == 0 and not 0 <= times[0] < times[1] - times[0]:
            return None
        return times


@dataclass(frozen=True)
class Step:
    """An anchor more: what moves for it, and what it gains."""

    anchor: int
    way: Floats
    """(2 windows + 2,): how the bar lines around it move for it, where all anchors taken before stay."""
    lines: slice
    """The bar lines that move."""
    distances: Floats
    """How far they are moved then, in all."""
    hits: slice
    """The hits around it; `met` and `close` are what they are worth then (see `Work.worth`)."""
    met: Floats
    close: Floats
    met_gain: float
    close_gain: float


class Growth:
    """Anchors taken one after the other: what one more does is worked out from what those before did.

    This is the Cholesky factorisation of the taken anchors' pull, a row at a time. What an anchor moves dies away with
    the bars, after some dozens below what a float can tell; so each is looked at in a window around its bar, and one
    more costs the same in a cue of a minute and in one of hours.
    """

    def __init__(self, problem: Bend) -> None:
        count = problem.band.shape[1]
        # So far from an anchor its pull has decayed to nothing: these equations' solution for equal bars.
        stiffness = (3 / BAR_CHANGE * _PLACE_SPREAD_SECONDS / float(np.median(problem.bar_lengths))) ** 2
        self.window = min(count, int(np.ceil(_NOTHING * np.sqrt(2) * stiffness**0.25)))
        self.problem = problem
        self.lines = np.zeros(count)
        """How far the bar lines are moved so far."""
        self.met, self.close = problem.work.worth(*problem.work.nearest)
        self.taken: list[int] = []
        self.spread = self._spread()
        """(anchors, 2 windows + 2): what a pull at each anchor does to the lines from a window before its bar on."""
        self.ways = np.zeros((len(problem.anchors), 4 * self.window + 2))
        """The first rows: the ways of the taken anchors, as in `spread` and with a window of nothing on either side."""

    def _spread(self) -> Floats:
        from scipy.linalg import solveh_banded

        problem, window, count = self.problem, self.window, len(self.lines)
        spread = np.zeros((len(problem.anchors), 2 * window + 2))
        for block in range(0, count, window):
            mine = np.flatnonzero((problem.bar >= block) & (problem.bar < block + window))
            if not len(mine):
                continue
            low, high = max(0, block - window), min(count, block + 2 * window + 1)
            pulls = np.zeros((high - low, len(mine)))
            each, bar, share = np.arange(len(mine)), problem.bar[mine] - low, problem.share[mine]
            pulls[bar, each] = 1 - share
            pulls[bar + 1, each] = share
            found = solveh_banded(problem.band[:, low:high], pulls, lower=True, check_finite=False)
            for column, anchor in enumerate(mine.tolist()):
                lines, inside = self._around(anchor)
                spread[anchor, inside] = found[lines.start - low : lines.stop - low, column]
        return spread

    def _around(self, anchor: int) -> tuple[slice, slice]:
        """The bar lines of an anchor's window, and where they stand in its rows of `spread` and `ways`."""
        begin = int(self.problem.bar[anchor]) - self.window
        lines = slice(max(0, begin), min(len(self.lines), begin + 2 * self.window + 2))
        return lines, slice(lines.start - begin, lines.stop - begin)

    def step(self, anchor: int) -> Step | None:
        """The grid with `anchor` as well; None where no gentle tempo does it."""
        problem, window = self.problem, self.window
        bar, share = int(problem.bar[anchor]), float(problem.share[anchor])
        taken = np.array(self.taken, np.int64)
        near = np.flatnonzero(np.abs(problem.bar[taken] - bar) <= window)
        # Row and column of each taken anchor's way for this anchor's window: they stand around their own bars.
        begin = window + bar - problem.bar[taken[near]]
        own = self.ways[near, begin + window] * (1 - share) + self.ways[near, begin + window + 1] * share
        ways = self.ways[near[:, None], begin[:, None] + np.arange(2 * window + 2)]
        spread = self.spread[anchor]
        pull = float(spread[window] * (1 - share) + spread[window + 1] * share)
        rest = pull - float(own @ own)
        if rest <= 1e-12 * pull:
            return None  # those taken leave it no freedom
        way = (spread - own @ ways) / np.sqrt(rest)
        moved = float(self.lines[bar] * (1 - share) + self.lines[bar + 1] * share)
        lines, inside = self._around(anchor)
        distances = self.lines[lines] + way[inside] * ((problem.missing[anchor] - moved) / np.sqrt(rest))
        # A bar more on either side: the tempo may not leap into it.
        first, last = max(0, lines.start - 2), min(len(problem.bar_lengths), lines.stop + 1)
        around = self.lines[first : last + 1].copy()
        around[lines.start - first : lines.stop - first] = distances
        times = problem.bent(around, first, last)
        if times is None or not problem.are_met(around, first, np.append(taken[near], anchor)):
            return None
        hits, met, close = self._worth(times, first, last)
        return Step(
            anchor,
            way,
            lines,
            distances,
            hits,
            met,
            close,
            float(met.sum() - self.met[hits].sum()),
            float(close.sum() - self.close[hits].sum()),
        )

    def _worth(self, times: Floats, first: int, last: int) -> tuple[slice, Floats, Floats]:
        """The hits in the bars from `first` up to `last`, whose beats are at `times`, and what they are worth there."""
        work, bars = self.problem.work, self.problem.bars
        begin, end = np.searchsorted(bars, [first, last])
        accents = work.accents[slice(*np.searchsorted(work.accents, [begin, end + 1e-6]))]
        seconds = np.interp(accents, np.arange(begin, end + 1), times)
        # Bars begin with accents: what lies outside has its nearest outside, or on the lines that stay.
        hits = slice(
            int(np.searchsorted(work.hit_times, times[0])) if first else 0,
            int(np.searchsorted(work.hit_times, times[-1])) if last < len(self.problem.bar_lengths) else None,
        )
        return hits, *work.worth(*nearest(accents, seconds, work.hit_times[hits]), hits)

    def take(self, step: Step) -> None:
        """Keep it."""
        self.ways[len(self.taken), self.window : -self.window] = step.way
        self.taken.append(step.anchor)
        self.lines[step.lines] = step.distances
        self.met[step.hits], self.close[step.hits] = step.met, step.close

    def work(self) -> Work:
        """The grid with the anchors taken."""
        problem = self.problem
        times = problem.bent(self.lines, 0, len(problem.bar_lengths)) if self.taken else None
        if times is None:
            return problem.work
        return replace(problem.work, times=times, anchors=tuple(problem.anchors[i] for i in self.taken), changed=True)


def _is_gentle(stretch: Floats, free: Floats) -> bool:
    """Whether a conductor would beat these bars: small steps, no far drift, and only slower at the end."""
    steps = stretch[1:] / stretch[:-1] - 1
    slower = np.where(free > 1, RITARDANDO, BAR_CHANGE)[1:]
    drift = np.where(free > 1, (1 + BAR_DRIFT) * (1 + RITARDANDO) ** 2 - 1, BAR_DRIFT)
    return bool(
        (steps <= slower).all()
        and (steps >= -BAR_CHANGE).all()
        and (stretch - 1 <= drift).all()
        and (stretch - 1 >= -BAR_DRIFT).all()
    )
