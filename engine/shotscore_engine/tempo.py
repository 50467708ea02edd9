"""The tempo solver: which steady tempo, meter and start make the picture's hits land.

A candidate is a tempo, a meter and the offset of its first downbeat. Its score, in weighted hits:

    score = g * sum_h w_h (credit_h - expected_h) + favour * (phrase - octaves^2 / 2)

- credit_h: 1 where the hit lies within its tolerance of an accent (a beat; in 6/8 a dotted quarter), 1/2 more within
  tolerance of a downbeat, 1/4 within tolerance of a subdivision (halves of the accent, in 6/8 thirds);
- expected_h: the same credit at a random offset, that is tolerance windows over spacing. It is what a fast tempo
  meets by its density alone, so that only what lies beyond counts;
- g: how ready we are to believe a meter that four quarters would also explain: 4/4 1, 3/4 0.9, 6/8 0.82;
- favour = 1/2 + W / 50, W the sum of weights: for phrases of whole 8, 4 or 2 bars up to the last accent, and against
  tempi far from what the arousal asks, in octaves.

The search is exact, not sampled: for every hundredth of a BPM a histogram of the hits' places in the bar gives an
upper bound over all offsets. Wherever that bound could still win it is drawn tighter with finer bins, and what is then
left is solved: sorting the edges of the tolerance windows gives the best offset itself. Floats do the search; what is
returned is exact.

Source: the idea of counting hits met by a tempo is Digital Performer's Find Tempo; expectation and phrases are ours.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .errors import RequestError
from .grid import STEPS_PER_BEAT, BeatGrid, HitFit, HitState, fit_hits, fit_hits_steadily, pulse_beats
from .spotting import Cue, hit_tolerance
from .timing import seconds_at

__all__ = [
    "METERS",
    "STEPS_PER_BEAT",
    "BeatGrid",
    "HitFit",
    "HitState",
    "Meter",
    "TempoCandidate",
    "default_bpm",
    "fit_hits",
    "rank_tempi",
    "tempo_score",
]

Meter = tuple[int, int]
Floats = NDArray[np.float64]

METERS: tuple[Meter, ...] = ((4, 4), (3, 4), (6, 8))
LOWEST_BPM, HIGHEST_BPM = 50.0, 180.0
SANE_BPM = (30.0, 300.0)

DOWNBEAT_CREDIT, SUBDIVISION_CREDIT = 0.5, 0.25
_METER_BELIEF = {(4, 4): 1.0, (2, 4): 0.95, (3, 4): 0.9, (6, 8): 0.82}
_BINS = (24, 96, 384)
"""Bins a quarter note in the bounding histograms, coarse to fine; halves and thirds of an accent fall on bin edges."""
_CIRCLE = 12
"""Quarter notes in which every meter's bars come out even: one histogram serves them all."""
_PHRASE_VALUES = np.array([1.0, 0.0, 0.3, 0.0, 0.8, 0.0, 0.3, 0.0])
"""What a phrase is worth by the bars it has beyond whole eights."""
_SLIVER = 1e-7
"""Quarter notes; offsets that hold for less are no answer."""


@dataclass(frozen=True)
class TempoCandidate:
    """A steady tempo and how the hits sit on it."""

    bpm: Fraction
    """Quarter notes a minute, in hundredths."""
    meter: Meter
    offset: Fraction
    """Seconds from the cue's start to the first downbeat, in [0, one bar)."""
    score: float
    """Weighted hits beyond what a random offset would meet, with the favours (see the module)."""
    fits: tuple[HitFit, ...]
    """Every hit of the cue, ignored ones too."""

    @property
    def met(self) -> int:
        """Hits within their tolerance of an accent."""
        return sum(fit.state == "met" for fit in self.fits)

    @property
    def near(self) -> int:
        """Hits within twice their tolerance."""
        return sum(fit.state == "near" for fit in self.fits)

    @property
    def missed(self) -> int:
        """Hits further away."""
        return sum(fit.state == "missed" for fit in self.fits)


def default_bpm(arousal: float) -> float:
    """The tempo music of this arousal (-1 calm, 1 excited) has when nothing else decides: 70, 96, 131."""
    return 96.0 * math.exp2(0.45 * min(max(arousal, -1.0), 1.0))


def rank_tempi(
    cue: Cue,
    rate: Fraction,
    *,
    lowest_bpm: float = LOWEST_BPM,
    highest_bpm: float = HIGHEST_BPM,
    meters: Sequence[Meter] = METERS,
    tempo_bpm: float | Fraction | None = None,
    arousal: float = 0.0,
    accent_seconds: tuple[Fraction, Fraction] | None = None,
    count: int = 8,
) -> tuple[TempoCandidate, ...]:
    """The best tempi for `cue`, best first, each at least 2% away from the others.

    tempo_bpm : fixes the tempo, so that only meter and offset are solved and one candidate is returned
    arousal : in [-1, 1]; decides the tempo where the hits do not
    accent_seconds : (earliest, latest) seconds from the cue's start for the last accent; by default the cue's end

    Raises RequestError for tempi outside 30 to 300, an empty range of tempi, no or unknown meters, or an empty cue.
    """
    tempi = _tempi(lowest_bpm, highest_bpm, tempo_bpm)
    problem = _Problem.of(cue, rate, arousal, accent_seconds)
    for meter in meters:
        if meter not in _METER_BELIEF:
            known = ", ".join(f"{beats}/{unit}" for beats, unit in _METER_BELIEF)
            raise RequestError(f"The meter {meter[0]}/{meter[1]} is not supported; choose from {known}.")
    if not meters:
        raise RequestError("No meter was given; choose at least one, such as 4/4.")
    found = _search(problem, tempi, meters, max(1, count))
    return tuple(_refined(problem, cue, rate, solution, tempo_bpm) for solution in found)


def tempo_score(
    cue: Cue,
    rate: Fraction,
    bpm: float | Fraction,
    offset_seconds: float | Fraction,
    meter: Meter,
    *,
    arousal: float = 0.0,
    accent_seconds: tuple[Fraction, Fraction] | None = None,
) -> float:
    """The solver's objective for one tempo, offset and meter, as defined at the head of the module."""
    problem = _Problem.of(cue, rate, arousal, accent_seconds)
    return problem.score(float(bpm), float(offset_seconds), meter)


def _tempi(lowest: float, highest: float, fixed: float | Fraction | None) -> Floats:
    """The tempi to try: every hundredth of the range, or the one asked for."""
    slowest, fastest = SANE_BPM
    for bpm in (lowest, highest) if fixed is None else (fixed,):
        if not slowest <= bpm <= fastest:
            raise RequestError(
                f"A tempo of {float(bpm):g} BPM is outside {slowest:g} to {fastest:g}; choose one inside."
            )
    if fixed is not None:
        return np.array([float(fixed)])
    if lowest > highest:
        raise RequestError(f"The range of tempi {lowest:g} to {highest:g} BPM is empty; give the lower one first.")
    return np.arange(int(np.ceil(lowest * 100 - 1e-6)), int(np.floor(highest * 100 + 1e-6)) + 1) / 100.0


@dataclass(frozen=True)
class _Bar:
    """A meter as the search sees it; lengths in quarter notes."""

    length: int
    pulse: float
    pulses: int
    subdivisions: tuple[float, ...]
    belief: float

    @classmethod
    def of(cls, meter: Meter) -> "_Bar":
        pulse = float(pulse_beats(meter))
        length = meter[0] * 4 // meter[1]
        parts = 3 if pulse > 1 else 2
        return cls(
            length,
            pulse,
            round(length / pulse),
            tuple(pulse * i / parts for i in range(1, parts)),
            _METER_BELIEF[meter],
        )

    @property
    def subdivision_reach(self) -> float:
        """The widest tolerance at which windows around subdivisions do not overlap."""
        return self.pulse / (2 if len(self.subdivisions) == 1 else 6)


def _phrase_value(bars: NDArray[np.int64]) -> Floats:
    """How whole a phrase of so many bars is, 0 to 1."""
    return np.asarray(_PHRASE_VALUES[bars & 7] * (bars > 0))


def _distance(position: Floats, spacing: float) -> Floats:
    """From each position to the nearest multiple of `spacing`."""
    inside = np.mod(position, spacing)
    return np.minimum(inside, spacing - inside)


@dataclass(frozen=True)
class _Problem:
    """The weighted hits in float seconds from the cue's start, and what is favoured."""

    times: Floats
    tolerances: Floats
    weights: Floats
    accent: float
    accent_tolerance: float
    default_bpm: float

    @classmethod
    def of(
        cls, cue: Cue, rate: Fraction, arousal: float, accent_seconds: tuple[Fraction, Fraction] | None
    ) -> "_Problem":
        if cue.duration_frames < 1:
            raise RequestError(f"The cue {cue.name!r} has {cue.duration_frames} frames; give it at least one.")
        hits = [hit for hit in cue.hits if hit.weight > 0]
        duration = seconds_at(cue.duration_frames, rate)
        earliest, latest = accent_seconds or (duration, duration)
        return cls(
            np.array([float(seconds_at(hit.frame - cue.start_frame, rate)) for hit in hits]),
            np.array([float(seconds_at(hit.tolerance_frames, rate)) for hit in hits]),
            np.array([hit.weight for hit in hits]),
            float(earliest + latest) / 2,
            # A ritardando can carry the last accent further than a beat may miss a hit.
            float(latest - earliest) / 2 + float(seconds_at(3 * hit_tolerance(rate), rate)),
            default_bpm(arousal),
        )

    @cached_property
    def favour(self) -> float:
        """How many weighted hits the favours are worth."""
        return 0.5 + float(self.weights.sum()) / 50

    @cached_property
    def classes(self) -> list[tuple[float, NDArray[np.int64]]]:
        """Each tolerance that occurs, with the hits that have it."""
        return [
            (float(tolerance), np.flatnonzero(self.tolerances == tolerance)) for tolerance in np.unique(self.tolerances)
        ]

    def constant(self, bpm: Floats, bar: _Bar) -> Floats:
        """What does not depend on the offset: the expected credit and the tempo's own favour."""
        octaves = np.log2(bpm / bar.pulse / self.default_bpm)
        total: Floats = -self.favour * 0.5 * octaves**2
        for tolerance, hits in self.classes:
            reach = tolerance * bpm / 60
            expected = np.minimum(1.0, 2 * reach / bar.pulse)
            expected += DOWNBEAT_CREDIT * np.minimum(1.0, 2 * reach / bar.length)
            windows = len(bar.subdivisions) * np.minimum(reach, bar.subdivision_reach)
            expected += SUBDIVISION_CREDIT * 2 * windows / bar.pulse
            total -= bar.belief * expected * self.weights[hits].sum()
        return total

    def score(self, bpm: float, offset: float, meter: Meter) -> float:
        """The objective at one point."""
        bar = _Bar.of(meter)
        quarters = bpm / 60
        position = (self.times - offset) * quarters
        reach = self.tolerances * quarters
        credit = (_distance(position, bar.pulse) <= reach).astype(np.float64)
        credit += DOWNBEAT_CREDIT * (_distance(position, bar.length) <= reach)
        limit = np.minimum(reach, bar.subdivision_reach)
        for part in bar.subdivisions:
            credit += SUBDIVISION_CREDIT * (_distance(position - part, bar.pulse) <= limit)
        bars = (self.accent - offset) * quarters / bar.length
        whole = np.rint(np.array([bars])).astype(np.int64)
        arrives = abs(bars - float(whole[0])) * bar.length <= self.accent_tolerance * quarters
        phrase = float(_phrase_value(whole)[0]) if arrives else 0.0
        constant = float(self.constant(np.array([bpm]), bar)[0])
        return constant + bar.belief * float(credit @ self.weights) + self.favour * phrase


@dataclass(frozen=True)
class _Solution:
    """A point of the search."""

    score: float
    bpm: float
    offset: float
    meter: Meter


def _search(problem: _Problem, tempi: Floats, meters: Sequence[Meter], count: int) -> list[_Solution]:
    """The best `count` tempi apart from each other; the first is the best of all tempi, offsets and meters."""
    bars = [_Bar.of(meter) for meter in meters]
    coarse = _upper_bounds(problem, tempi, bars, _BINS[0])
    bounds = coarse.ravel().copy()
    """One a cell, that is a meter and a tempo: no offset there scores more."""
    solved: dict[int, _Solution] = {}

    def by_meter(cells: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
        for row in range(len(meters)):
            mine = cells[cells // len(tempi) == row]
            if len(mine):
                yield row, mine, mine % len(tempi)

    def tighten(cells: NDArray[np.int64], bins: int) -> None:
        # The meters share what is worked out for a tempo.
        columns = np.unique(cells % len(tempi))
        wanted = np.zeros((len(meters), len(columns)), bool)
        wanted[cells // len(tempi), np.searchsorted(columns, cells % len(tempi))] = True
        tighter = _upper_bounds(problem, tempi[columns], bars, bins, wanted)
        mine = (np.arange(len(meters))[:, None] * len(tempi) + columns)[wanted]
        bounds[mine] = np.minimum(bounds[mine], tighter[wanted])

    def solve(cells: NDArray[np.int64]) -> float:
        """The best score so far, those of `cells` included."""
        for row, mine, columns in by_meter(np.array([cell for cell in cells if cell not in solved], np.int64)):
            for some in _batches(np.arange(len(mine)), len(problem.times)):
                scores, offsets = _best_offsets(problem, tempi[columns[some]], bars[row])
                for cell, column, score, offset in zip(mine[some], columns[some], scores, offsets, strict=True):
                    solved[int(cell)] = _Solution(float(score), float(tempi[column]), float(offset), meters[row])
        return max(solution.score for solution in solved.values())

    def highest(cells: NDArray[np.int64], most: int) -> NDArray[np.int64]:
        return cells[np.argsort(-bounds[cells], kind="stable")[:most]]

    # Good answers first: most cells then need no closer look.
    neighbourhoods = []
    for peak in _peaks(coarse.max(axis=0), tempi, 2 * count):
        close = np.flatnonzero(np.abs(tempi / tempi[peak] - 1) < 0.01)
        cells = (np.arange(len(meters))[:, None] * len(tempi) + close[None, :]).ravel()
        neighbourhoods.append(highest(cells, 8))
    tighten(np.concatenate(neighbourhoods), _BINS[-1])
    best = solve(np.concatenate([highest(cells, 2) for cells in neighbourhoods]))
    for bins in _BINS[1:]:
        tighten(np.flatnonzero(bounds > best), bins)
        best = solve(highest(np.flatnonzero(bounds > best), 8))
    while len(left := np.array([cell for cell in np.flatnonzero(bounds > best) if cell not in solved], np.int64)):
        best = solve(highest(left, 32))
    ranked = sorted(solved.values(), key=lambda solution: (-solution.score, solution.bpm))
    chosen: list[_Solution] = []
    for solution in ranked:
        if len(chosen) < count and all(abs(solution.bpm / other.bpm - 1) >= 0.02 for other in chosen):
            chosen.append(solution)
    return chosen


def _batches(columns: NDArray[np.int64], hits: int) -> Iterator[NDArray[np.int64]]:
    """`columns` in pieces small enough to sort in the cache."""
    size = max(1, 200_000 // (20 * (hits + 1)))
    for start in range(0, len(columns), size):
        yield columns[start : start + size]


def _peaks(values: Floats, tempi: Floats, count: int) -> list[int]:
    """The highest values at least 2% of tempo apart."""
    left = values.copy()
    found: list[int] = []
    while len(found) < count and np.isfinite(left.max()):
        peak = int(left.argmax())
        found.append(peak)
        left[np.abs(tempi / tempi[peak] - 1) < 0.02] = -np.inf
    return found


def _upper_bounds(
    problem: _Problem, tempi: Floats, bars: Sequence[_Bar], bins: int, wanted: NDArray[np.bool_] | None = None
) -> Floats:
    """(meters, tempi): for each a score no offset can exceed, from histograms of `bins` a quarter note.

    Hits and offsets are only known by their bin of the bar, so each tolerance window is widened to whole bins: a hit
    in bin i and an offset in bin j can lie within r of each other only if |i - j| <= ceil(r * bins).

    wanted : (meters, tempi) False where nobody asks; what stands there then means nothing
    """
    quarters = tempi / 60
    tolerances = np.array([tolerance for tolerance, _ in problem.classes])
    widths = np.ceil(np.outer(quarters, tolerances) * bins).astype(np.int64)
    best = np.zeros((len(bars), len(tempi)))
    phrases = [_phrase_steps(problem, quarters, bar, bins) for bar in bars]
    # As many tempi at once as the processor's cache holds.
    most = max(1, 80_000 // max(len(problem.times), _CIRCLE * bins))
    for rows in _equal_rows(widths, most):
        circles = [_circle(problem, hits, quarters[rows], bins) for _, hits in problem.classes]
        for number, bar in enumerate(bars):
            chosen = slice(None) if wanted is None or wanted[number, rows].all() else wanted[number, rows]
            asked = rows[chosen]
            if not len(asked):
                continue
            places, steps = phrases[number]
            total = _phrase_bound(places[asked], steps[asked], bar.length * bins)
            for circle, half in zip(circles, widths[rows[0]].tolist(), strict=True):
                round_bar = circle[chosen].reshape(len(asked), -1, bar.length * bins).sum(axis=1)
                credit = _credit_bound(round_bar, half, bar, bins)
                credit *= bar.belief
                total += credit
            best[number, asked] = total.max(axis=1)
    return best + np.stack([problem.constant(tempi, bar) for bar in bars]) + 1e-9


def _circle(problem: _Problem, hits: NDArray[np.int64], quarters: Floats, bins: int) -> Floats:
    """(rows, bins of `_CIRCLE` quarter notes): the weights of `hits` by their place in it."""
    around = _CIRCLE * bins
    turns = np.multiply.outer(quarters / _CIRCLE, problem.times[hits])
    turns -= np.floor(turns)
    turns *= around
    place = turns.astype(np.int64)
    np.minimum(place, around - 1, out=place)
    place += (np.arange(len(quarters)) * around)[:, None]
    weights = np.tile(problem.weights[hits], len(quarters))
    return np.bincount(place.ravel(), weights, len(quarters) * around).astype(np.float64).reshape(-1, around)


def _credit_bound(circle: Floats, half: int, bar: _Bar, bins: int) -> Floats:
    """(rows, bins): the most credit an offset in each bin can earn."""
    folded: Floats = circle.reshape(len(circle), bar.pulses, -1).sum(axis=1)
    pulses = _window_sums(folded, half)
    credit = pulses.copy()
    for part in bar.subdivisions:
        # A hit on the subdivision stands `part` after the accent.
        credit += SUBDIVISION_CREDIT * np.roll(pulses, -round(part * bins), axis=1)
    total = DOWNBEAT_CREDIT * _window_sums(circle, half)
    total.reshape(len(circle), bar.pulses, -1)[...] += credit[:, None, :]
    return total


def _equal_rows(widths: NDArray[np.int64], most: int) -> Iterator[NDArray[np.int64]]:
    """Runs of at most `most` neighbouring rows that are equal."""
    changes = np.flatnonzero((np.diff(widths, axis=0) != 0).any(axis=1)) + 1
    for run in np.split(np.arange(len(widths)), changes):
        for start in range(0, len(run), most):
            yield run[start : start + most]


def _window_sums(circle: Floats, half: int) -> Floats:
    """(rows, bins): around each bin of a circle, the sum of the bins at most `half` away."""
    bins = circle.shape[1]
    if 2 * half + 1 >= bins:
        return np.broadcast_to(circle.sum(axis=1, keepdims=True), circle.shape)
    wrapped = np.concatenate([circle[:, bins - half :], circle, circle[:, :half]], axis=1)
    sums = np.zeros((len(circle), wrapped.shape[1] + 1))
    np.cumsum(wrapped, axis=1, out=sums[:, 1:])
    return np.asarray(sums[:, 2 * half + 1 :] - sums[:, :bins])


def _phrase_steps(problem: _Problem, quarters: Floats, bar: _Bar, bins: int) -> tuple[NDArray[np.int64], Floats]:
    """(rows, 6) each: bins at which the phrase's worth steps up or down, and by how much."""
    starts, ends, values = _phrase_windows(problem, quarters, bar)
    values = np.where(ends > starts, values, 0.0)
    places = np.concatenate([np.floor(starts * bins), np.ceil(ends * bins)], axis=1).astype(np.int64)
    return places, np.concatenate([values, -values], axis=1)


def _phrase_bound(places: NDArray[np.int64], steps: Floats, around: int) -> Floats:
    """(rows, around): the most the phrase can be worth with the offset in each bin, from `_phrase_steps`."""
    flat = places + (np.arange(len(places)) * (around + 1))[:, None]
    stairs = np.bincount(flat.ravel(), steps.ravel(), len(places) * (around + 1)).astype(np.float64, copy=False)
    return np.cumsum(stairs.reshape(-1, around + 1), axis=1)[:, :around]


def _best_offsets(problem: _Problem, tempi: Floats, bar: _Bar) -> tuple[Floats, Floats]:
    """For each tempo, the best score over all offsets and the middle (seconds) of the offsets that reach it.

    As a function of the offset the score is a sum of windows on the circle of one bar, so it changes at their edges
    only: sort the edges, add up, take the best stretch between two.
    """
    quarters = tempi / 60
    rows = len(tempi)
    place = np.mod(quarters[:, None] * problem.times, bar.length)
    reach = quarters[:, None] * problem.tolerances
    weights = np.broadcast_to(bar.belief * problem.weights, place.shape)
    centres, halves, values = [place], [np.minimum(reach, bar.length / 2 - _SLIVER)], [DOWNBEAT_CREDIT * weights]
    for pulse in range(bar.pulses):
        centres.append(place + pulse * bar.pulse)
        halves.append(np.minimum(reach, bar.pulse / 2 - _SLIVER))
        values.append(weights)
        for part in bar.subdivisions:
            centres.append(place - part + pulse * bar.pulse)
            halves.append(np.minimum(reach, bar.subdivision_reach - _SLIVER))
            values.append(SUBDIVISION_CREDIT * weights)
    centre, half = np.concatenate(centres, axis=1), np.concatenate(halves, axis=1)
    starts, ends = np.mod(centre - half, bar.length), np.mod(centre + half, bar.length)
    value = np.concatenate(values, axis=1)
    wrapping = (value * (starts > ends)).sum(axis=1, keepdims=True)
    phrase = _phrase_windows(problem, quarters, bar)
    edges = np.concatenate([np.zeros((rows, 1)), starts, phrase[0], ends, phrase[1]], axis=1)
    steps = np.concatenate([wrapping, value, phrase[2], -value, -phrase[2]], axis=1)
    order = np.argsort(edges, axis=1)
    edges = np.take_along_axis(edges, order, axis=1)
    level = np.cumsum(np.take_along_axis(steps, order, axis=1), axis=1)
    # Stretches that are equal but for the order of their sums are equal: the first of them is the answer everywhere.
    np.round(level, 9, out=level)
    width = np.diff(np.concatenate([edges, np.full((rows, 1), float(bar.length))], axis=1), axis=1)
    level[width < _SLIVER] = -np.inf
    best = level.argmax(axis=1)
    each = np.arange(rows)
    middle = edges[each, best] + width[each, best] / 2
    return level[each, best] + problem.constant(tempi, bar), middle / quarters


def _phrase_windows(problem: _Problem, quarters: Floats, bar: _Bar) -> tuple[Floats, Floats, Floats]:
    """(rows, 3) each: starts, ends and values of the offsets in [0, bar) that end the cue on whole phrases."""
    end = problem.accent * quarters
    reach = np.minimum(problem.accent_tolerance * quarters, bar.length / 2)
    count = np.floor(end / bar.length)
    # From the last downbeat's place in the bar the window may reach back over the bar line, or on over it.
    place = end - count * bar.length
    starts, ends, values = [], [], []
    for turn in (0, -1, 1):
        low, high = place - reach - turn * bar.length, place + reach - turn * bar.length
        starts.append(np.clip(low, 0, bar.length))
        ends.append(np.clip(high, 0, bar.length))
        values.append(problem.favour * _phrase_value((count + turn).astype(np.int64)))
    return np.stack(starts, axis=1), np.stack(ends, axis=1), np.stack(values, axis=1)


def _refined(
    problem: _Problem, cue: Cue, rate: Fraction, found: _Solution, fixed: float | Fraction | None
) -> TempoCandidate:
    """The exact candidate at or beside `found` that scores no less and centres the hits it meets."""
    bar = _Bar.of(found.meter)
    bpm = Fraction(round(found.bpm * 100), 100) if fixed is None else Fraction(fixed).limit_denominator(100_000)
    choices = [(bpm, found.offset)]
    centred = _centred(problem, found, bar)
    if centred is not None:
        if fixed is None:
            choices.insert(0, (Fraction(round(centred[0] * 100), 100), centred[1]))
        choices.insert(0, (bpm, found.offset + centred[2]))
    length = Fraction(60 * bar.length)
    best: tuple[float, int, Fraction, Fraction] | None = None
    for choice_bpm, seconds in choices:
        for digits in (10**3, 10**8):
            offset = Fraction(round(seconds * digits), digits) % (length / choice_bpm)
            score = problem.score(float(choice_bpm), float(offset), found.meter)
            if best is None or score > best[0] + 1e-9:
                best = (score, digits, choice_bpm, offset)
    assert best is not None
    score, _, bpm, offset = best
    fits = fit_hits_steadily(bpm, offset, found.meter, cue.hits, rate, cue.start_frame)
    return TempoCandidate(bpm, found.meter, offset, score, fits)


def _centred(problem: _Problem, found: _Solution, bar: _Bar) -> tuple[float, float, float] | None:
    """(bpm, offset) by least squares through the hits met, and the shift of the offset alone; None without hits met."""
    pulse = 60 / found.bpm * bar.pulse
    number = np.rint((problem.times - found.offset) / pulse)
    error = problem.times - found.offset - number * pulse
    met = np.abs(error) <= problem.tolerances
    if not met.any():
        return None
    weight = problem.weights[met]
    shift = float(np.average(error[met], weights=weight))
    mean = float(np.average(number[met], weights=weight))
    spread = float(np.average((number[met] - mean) ** 2, weights=weight))
    slope = float(np.average((number[met] - mean) * error[met], weights=weight)) / spread if spread > 0 else 0.0
    return 60 * bar.pulse / (pulse + slope), found.offset + shift - slope * mean, shift
