"""From a steady tempo to the cue's beat grid: gentle changes, holds, and an ending on the frame.

A conductor meets a cut the steady tempo misses by leaning on the tempo over several bars, or by holding a beat. So
here, in this order, each step kept only where it meets more weighted hits than it gives up:

1. holds: where a must-hit is missed, the beat before it is held by up to one accent (`fermata`), or the bar before it
   falls silent and lasts longer (`silence`);
2. leaning (`ease`): bar tempi as even as they can be (least squares over their changes) while chosen must-hits fall
   exactly on an accent; neighbouring bars differ by at most 3%, and none leaves the steady tempo by more than 6%;
3. the last accent on its frame: by the same leaning with a `ritardando` over the last two bars (each at most 12%
   slower), and where that is not enough by holding the last beat.

Bar lines stay where they are in beats, so the music keeps its meter throughout. A tempo a person asked for is kept to
the hundredth: only a last accent they also asked for may hold the last beat.

The search is float; the grid is exact: beats are rounded to the microsecond, and where a hit is met exactly the beat is
set on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .errors import RequestError
from .grid import BeatGrid, HitFit, constant_grid, fit_hits, nearest_frame
from .spotting import MUST, Cue, hit_tolerance
from .tempo import HIGHEST_BPM, LOWEST_BPM, METERS, Meter, TempoCandidate, rank_tempi
from .timing import quantise, seconds_at

Floats = NDArray[np.float64]

EndingKind = Literal["hard", "ring", "fade"]

BAR_CHANGE, BAR_DRIFT = 0.03, 0.06
"""How far a bar's tempo may differ from its neighbour's, and from the steady tempo."""
RITARDANDO = 0.12
"""How much slower than the bar before each of the last two bars may be."""
HOLD_APART_BARS = 8
"""Holds are events; they stand at least this far apart."""
FADE_SECONDS = Fraction(4)
_PLACE_SPREAD_SECONDS = 0.05
"""How readily bar lines move, beside tempo changes of a third of their limit."""


@dataclass(frozen=True)
class Ending:
    """How the cue stops. Frames of the timeline."""

    kind: EndingKind
    """hard: the last accent is cut off at the end; ring: it rings out; fade: the music goes on and fades, with none."""
    accent_frame: int | None
    """Where the last accent falls; None for a fade, and for a cue that ends before its first beat."""
    tail_frame: int
    """From here the sound dies away."""
    end_frame: int
    """From here on there is silence: the cue's end."""


@dataclass(frozen=True)
class TempoChange:
    """A place where the grid leaves the steady tempo."""

    kind: Literal["ease", "ritardando", "fermata", "silence"]
    first_beat: int
    last_beat: int
    """The beat after the last one changed."""
    bpm: float
    """Mean tempo of those beats."""


@dataclass(frozen=True)
class TempoFit:
    """What the tempo stage decides for a cue."""

    candidates: tuple[TempoCandidate, ...]
    """Best first; the grid follows the first."""
    grid: BeatGrid
    fits: tuple[HitFit, ...]
    """How each hit sits on the grid, after its tempo changes."""
    changes: tuple[TempoChange, ...]
    ending: Ending


def fit_tempo(
    cue: Cue,
    rate: Fraction,
    *,
    tempo_bpm: float | Fraction | None = None,
    lowest_bpm: float = LOWEST_BPM,
    highest_bpm: float = HIGHEST_BPM,
    meters: Sequence[Meter] = METERS,
    arousal: float = 0.0,
    ending: EndingKind = "ring",
    accent_frame: int | None = None,
    tempo_map: bool = True,
) -> TempoFit:
    """Ranks the tempi for `cue` and fits its grid to the best: `rank_tempi`, then `fit_grid`.

    Errors as for these two.
    """
    candidates = rank_tempi(
        cue,
        rate,
        lowest_bpm=lowest_bpm,
        highest_bpm=highest_bpm,
        meters=meters,
        tempo_bpm=tempo_bpm,
        arousal=arousal,
        accent_seconds=_accent_window(cue, rate, ending, accent_frame),
    )
    fitted = fit_grid(
        candidates[0],
        cue,
        rate,
        ending=ending,
        accent_frame=accent_frame,
        tempo_map=tempo_map and tempo_bpm is None,
    )
    return replace(fitted, candidates=candidates)


def fit_grid(
    candidate: TempoCandidate,
    cue: Cue,
    rate: Fraction,
    *,
    ending: EndingKind = "ring",
    accent_frame: int | None = None,
    tempo_map: bool = True,
) -> TempoFit:
    """The grid of `candidate` over the whole cue, with its ending.

    accent_frame : the timeline's frame of the last accent; without it, the last hit at a fitting distance from the end,
        or the last bar line there
    tempo_map : False keeps one tempo throughout (an accent asked for still holds the last beat)

    Raises RequestError where the accent lies outside the cue, is asked of a fade, or the ending is unknown.
    """
    window = _accent_window(cue, rate, ending, accent_frame)
    duration = seconds_at(cue.duration_frames, rate)
    steady = constant_grid(candidate.bpm, candidate.offset, candidate.meter, duration)
    work = _Work.of(steady, cue, rate)
    changes: list[TempoChange] = []
    if tempo_map:
        work, changes = _with_holds(work)
        work = _with_ease(work)
    if window is None:
        accent_beat = None
    else:
        work, accent_beat, last = _with_last_accent(work, window, asked=accent_frame is not None, lean=tempo_map)
        changes += last
    grid = work.grid(duration, steady) if work.changed else steady
    changes += _eases(grid, candidate, changes)
    return TempoFit(
        (candidate,),
        grid,
        fit_hits(grid, cue.hits, rate, cue.start_frame),
        tuple(sorted(changes, key=lambda change: change.first_beat)),
        _ending(ending, grid, accent_beat, cue, rate),
    )


def ending_on(
    grid: BeatGrid,
    cue: Cue,
    rate: Fraction,
    kind: EndingKind,
    *,
    near_frame: int | None = None,
    anywhere: bool = False,
) -> Ending:
    """The ending of a cue whose grid is already fitted: its last accent on the grid as it is.

    near_frame : where the accent should fall, if one does there, and if that is near enough to the end or `anywhere`
        in the cue will do; else the last downbeat, or accent, at a fitting distance from the end

    Raises RequestError where the ending is unknown.
    """
    window = _accent_window(cue, rate, kind, None)
    if window is None:
        return _ending(kind, grid, None, cue, rate)
    duration = seconds_at(cue.duration_frames, rate)
    pulse = grid.beats_per_pulse
    first = grid.first_downbeat % pulse
    accents = [first + pulse * number for number in range(int((grid.beats - first) // pulse) + 1)]
    inside = [beat for beat in accents if 0 < grid.time_at(beat) < duration]
    slack = seconds_at(hit_tolerance(rate), rate)
    if near_frame is not None and inside:
        wanted = seconds_at(near_frame - cue.start_frame, rate)
        beat = min(inside, key=lambda one: abs(grid.time_at(one) - wanted))
        fitting = anywhere or window[0] - slack <= wanted <= window[1] + slack
        if fitting and abs(grid.time_at(beat) - wanted) <= slack:
            return _ending(kind, grid, beat, cue, rate)
    fitting_beats = [beat for beat in inside if window[0] - slack <= grid.time_at(beat) <= window[1] + slack]
    downbeats = [beat for beat in fitting_beats if grid.is_downbeat(beat)]
    nearest = sorted(inside, key=lambda one: abs(grid.time_at(one) - window[1]))
    chosen = (downbeats or fitting_beats)[-1:] or nearest[:1]
    return _ending(kind, grid, chosen[0] if chosen else None, cue, rate)


def _ending(kind: EndingKind, grid: BeatGrid, accent_beat: Fraction | int | None, cue: Cue, rate: Fraction) -> Ending:
    """The ending whose last accent is that beat."""
    end = cue.end_frame
    accent = None if accent_beat is None else nearest_frame(grid, accent_beat, rate, cue.start_frame)
    if accent is not None and accent >= end:
        accent = None
    tail = {
        "hard": end,
        "ring": end if accent is None else accent,
        "fade": max(cue.start_frame, end - quantise(FADE_SECONDS * rate)),
    }[kind]
    return Ending(kind, accent, tail, end)


def _accent_window(cue: Cue, rate: Fraction, kind: EndingKind, asked: int | None) -> tuple[Fraction, Fraction] | None:
    """(earliest, latest) seconds for the last accent; None for a fade, which has none."""
    if kind not in get_args(EndingKind):
        raise RequestError(f"There is no ending {kind!r}; choose one of {', '.join(get_args(EndingKind))}.")
    if asked is not None:
        if kind == "fade":
            raise RequestError(f"A fade has no last accent; leave out frame {asked} or choose the ending ring or hard.")
        if not cue.start_frame < asked < cue.end_frame:
            raise RequestError(
                f"The last accent's frame {asked} is not inside the cue; choose one between "
                f"{cue.start_frame} and {cue.end_frame}."
            )
        seconds = seconds_at(asked - cue.start_frame, rate)
        return seconds, seconds
    if kind == "fade":
        return None
    duration = seconds_at(cue.duration_frames, rate)
    far, near = (Fraction(4), Fraction(3, 2)) if kind == "ring" else (Fraction(1), Fraction(1, 4))
    # A short cue is mostly music, too: it rings for a quarter of its length at most.
    earliest, latest = max(duration - far, duration * 3 / 4), max(duration - near, duration * 7 / 8)
    inside = [
        (hit.weight, hit.frame)
        for hit in cue.hits
        if hit.weight > 0
        # What merely moves or flashes does not end a piece.
        and hit.kind not in ("motion", "flash")
        and earliest <= seconds_at(hit.frame - cue.start_frame, rate) <= latest
    ]
    if inside:
        seconds = seconds_at(max(inside)[1] - cue.start_frame, rate)
        return seconds, seconds
    return earliest, latest


@dataclass(frozen=True)
class _Anchor:
    """An accent that shall fall on a moment: a beat (whole or half) and its seconds."""

    beat: float
    seconds: Fraction


@dataclass(frozen=True)
class _Work:
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
    """Exact seconds of the weighted hits."""
    hit_times: Floats
    """The same as floats."""
    hit_tolerances: Floats
    hit_weights: Floats
    anchors: tuple[_Anchor, ...] = ()
    """What falls exactly."""
    changed: bool = False

    @classmethod
    def of(cls, grid: BeatGrid, cue: Cue, rate: Fraction) -> "_Work":
        beat = grid.beat_times[1] - grid.beat_times[0]
        # Room for bars a hold or a faster run adds.
        extra = 2 * grid.beats_per_bar + grid.beats // 8
        last = grid.beat_times[-1]
        times = [*grid.beat_times, *(last + beat * (i + 1) for i in range(extra))]
        hits = [hit for hit in cue.hits if hit.weight > 0]
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

    def with_lengths(self, start: float, lengths: Floats) -> "_Work":
        """The same beats with other lengths; what fell exactly does so no more."""
        times = start + np.concatenate([[0.0], np.cumsum(lengths)])
        return replace(self, times=times, unbent=times, anchors=(), changed=True)

    @property
    def accents(self) -> Floats:
        """Every accent as a beat, those of the pickup included."""
        first = self.first_downbeat % self.pulse
        return np.arange(first, len(self.times) - 1 + 1e-9, self.pulse)

    def at(self, beats: Floats) -> Floats:
        """Seconds of (fractional) beats."""
        return np.interp(beats, np.arange(len(self.times)), self.times)

    def nearest(self) -> tuple[Floats, Floats]:
        """For each hit, the nearest accent's beat and how far (seconds) it comes after the hit."""
        accents = self.accents
        seconds = self.at(accents)
        right = np.clip(np.searchsorted(seconds, self.hit_times), 1, len(seconds) - 1)
        left_is_nearer = self.hit_times - seconds[right - 1] < seconds[right] - self.hit_times
        index = np.where(left_is_nearer, right - 1, right)
        return accents[index], seconds[index] - self.hit_times

    def met_weight(self) -> float:
        """Weighted hits within tolerance of an accent, a downbeat half as much again."""
        return self.worth()[0]

    def worth(self) -> tuple[float, float]:
        """(`met_weight`, closeness): closeness weighs hits by how close they are, 1 on the accent, 0 at twice the
        tolerance."""
        if not len(self.hit_times):
            return 0.0, 0.0
        beats, off = self.nearest()
        far = np.abs(off)
        met = far <= self.hit_tolerances + 1e-9
        down = np.mod(beats - self.first_downbeat, self.bar) < 1e-9
        close = np.maximum(0.0, 1 - far / (2 * self.hit_tolerances + 1e-9))
        return float(self.hit_weights @ (met * (1.0 + 0.5 * down))), float(self.hit_weights @ close)

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


def _with_holds(work: _Work) -> tuple[_Work, list[TempoChange]]:
    """Holds before must-hits that are missed, where all that follows gains from it."""
    changes: list[TempoChange] = []
    last_hold = -np.inf
    for number in np.flatnonzero(work.hit_weights >= MUST):
        _, off = work.nearest()
        if abs(off[number]) <= work.hit_tolerances[number]:
            continue
        options = [
            option
            for option in _holds(work, float(work.hit_times[number]))
            if option[2].first_beat - last_hold >= HOLD_APART_BARS * work.bar
        ]
        if not options:
            continue
        gain, tried, change = max(options, key=lambda option: option[0])
        # A hold is heard: one hit gained is not worth it, a passage that falls into place is.
        if gain >= 3 * MUST:
            work, last_hold = tried, change.last_beat
            changes.append(change)
    return work, changes


def _holds(work: _Work, moment: float) -> list[tuple[float, _Work, TempoChange]]:
    """The ways to hold the music until `moment`: (weighted hits gained, grid, change).

    Either the beat before it waits for it, which keeps the place in the bar; or the bar line before it does, at the
    price of a silence where that takes longer than a beat.
    """
    before = np.flatnonzero(work.times < moment)
    downbeats = before[(before - work.first_downbeat) % work.bar == 0]
    found = []
    for beat in {int(choice[-1]) for choice in (before, downbeats) if len(choice)}:
        late = moment - float(work.times[beat])
        fermata = late <= work.steady
        first = beat - 1 if fermata else beat - work.bar
        if first < 1 or late > work.bar * work.steady / 2:
            continue
        lengths = np.diff(work.times)
        lengths[first:beat] *= 1 + late / lengths[first:beat].sum()
        tried = work.with_lengths(float(work.times[0]), lengths)
        bpm = 60 * (beat - first) / float(tried.times[beat] - tried.times[first])
        change = TempoChange("fermata" if fermata else "silence", first, beat, bpm)
        found.append((tried.met_weight() - work.met_weight(), tried, change))
    return found


def _with_ease(work: _Work) -> _Work:
    """Must-hits made exact one after the other while the tempo stays gentle; of those near, the farthest off first."""
    if not len(work.hit_times):
        return work
    beats, off = work.nearest()
    musts = np.flatnonzero(work.hit_weights >= MUST)
    reach = np.abs(off) <= 2 * work.hit_tolerances
    order = sorted(musts.tolist(), key=lambda i: (not reach[i], -abs(off[i]) if reach[i] else abs(off[i])))
    anchors: list[_Anchor] = []
    of_hit: list[int] = []
    for i in order:
        other = beats[i] + work.pulse * (1 if off[i] < 0 else -1)
        there = [_Anchor(float(beat), work.moments[i]) for beat in (beats[i], other) if beat >= 0]
        anchors += there
        of_hit += [i] * len(there)
    if not anchors:
        return work
    growth = _Growth.of(_Bend.of(work, anchors))
    used_beats: set[float] = set()
    used_hits: set[int] = set()
    met, value = work.worth()
    for i, anchor in enumerate(anchors):
        # Beats are whole or halves: exact as floats.
        if anchor.beat in used_beats or of_hit[i] in used_hits:
            continue
        step = growth.step(i)
        if step is None:
            continue
        new_met, new_value = step.work.worth()
        if new_met >= met - 1e-9 and new_value > value:
            work, met, value = step.work, new_met, new_value
            growth.take(step)
            used_beats.add(anchor.beat)
            used_hits.add(of_hit[i])
    return work


@dataclass(frozen=True)
class _Bend:
    """How a grid's tempo gives way to anchors: least squares with linear equations.

    Unknown: the time of beat 0 and one stretch factor per bar. Minimised: the changes from bar to bar, and how far the
    bar lines leave their places, so that a bend stays near its cause. Subject to: each chosen anchor falls exactly.
    """

    work: _Work
    anchors: tuple[_Anchor, ...]
    lengths: Floats
    bars: NDArray[np.int64]
    """The bar of each beat."""
    free: Floats
    """Per bar up to the last accent: above 1 where it may slow down more."""
    spread: Floats
    """(bars + 1, anchors): what each anchor's pull does to the unknowns."""
    pull: Floats
    """(anchors, anchors): what each anchor's pull does to the others."""
    missing: Floats
    """Seconds from each anchor's beat to its moment."""
    reach: Floats
    """(anchors, bars + 1): how far each unknown moves each anchor's beat."""
    beats: Floats
    """(anchors,): the anchors' beats."""
    wanted: Floats
    """(anchors,): their moments in seconds."""

    @classmethod
    def of(cls, work: _Work, anchors: Sequence[_Anchor], end: float | None = None) -> "_Bend":
        """`end` is the beat of the last accent: the two bars before it may slow down more."""
        lengths = np.diff(work.unbent)
        bars = work.bar_of(np.arange(len(lengths), dtype=np.float64))
        count = int(bars[-1]) + 1
        free = np.ones(count)
        last = count - 1
        if end is not None:
            last = int(work.bar_of(np.array([end - 1e-6]))[0])
            free[max(0, last - 1) : last + 1] = RITARDANDO / BAR_CHANGE
        bar_lengths = np.bincount(bars, lengths)
        # The place of bar line r is the start and the lengths of the bars up to r; of the squares' sum over all of them
        # bars i and j have in common those from the later one on. After the last accent nobody counts: free to move.
        weights = np.where(np.arange(count) < last, 1.0, 1e-6) / _PLACE_SPREAD_SECONDS**2
        behind = np.cumsum(weights[::-1])[::-1]
        normal = np.empty((count + 1, count + 1))
        each = np.arange(count)
        normal[1:, 1:] = np.outer(bar_lengths, bar_lengths) * behind[np.maximum.outer(each, each)]
        normal[0, 1:] = normal[1:, 0] = bar_lengths * behind
        normal[0, 0] = behind[0] + 1 / _PLACE_SPREAD_SECONDS**2
        # Changes from bar to bar, squared: two neighbours each.
        stiff = 1 / (BAR_CHANGE / 3 * np.maximum(free[1:], free[:-1])) ** 2
        normal[each[1:] + 1, each[1:] + 1] += stiff
        normal[each[1:], each[1:]] += stiff
        normal[each[1:], each[1:] + 1] -= stiff
        normal[each[1:] + 1, each[1:]] -= stiff
        # What each bar has of the time before an anchor.
        before = (
            np.interp([anchor.beat for anchor in anchors], np.arange(len(lengths) + 1), work.unbent) - work.unbent[0]
        )
        opened = np.cumsum(bar_lengths) - bar_lengths
        rows = np.ones((len(anchors), count + 1))
        rows[:, 1:] = np.clip(before[:, None] - opened, 0.0, bar_lengths)
        wanted = np.array([float(anchor.seconds) for anchor in anchors])
        spread = np.asarray(np.linalg.solve(normal, rows.T), np.float64)
        return cls(
            work,
            tuple(anchors),
            lengths,
            bars,
            free[: last + 1],
            spread,
            rows @ spread,
            wanted - work.unbent[0] - rows[:, 1:].sum(axis=1),
            rows,
            np.array([anchor.beat for anchor in anchors]),
            wanted,
        )

    def apply(self, chosen: Sequence[int]) -> _Work | None:
        """The grid with the `chosen` anchors exact; None where no gentle tempo does it."""
        try:
            pulls = np.linalg.solve(self.pull[np.ix_(chosen, chosen)], self.missing[list(chosen)])
        except np.linalg.LinAlgError:
            return None
        return self.bent(self.spread[:, list(chosen)] @ pulls, chosen)

    def bent(self, bend: Floats, chosen: Sequence[int]) -> _Work | None:
        """The grid with its unknowns moved by `bend`; None where that is not gentle or misses the `chosen` anchors."""
        stretch, start = np.asarray(1 + bend[1:], np.float64), float(self.work.unbent[0] + bend[0])
        bent = self.lengths * stretch[self.bars]
        if not _is_gentle(stretch[: len(self.free)], self.free) or bent.min() <= 0 or not 0 <= start < bent[0]:
            return None
        times = start + np.concatenate([[0.0], np.cumsum(bent)])
        reached = np.interp(self.beats[list(chosen)], np.arange(len(times)), times)
        # Two moments asked of one bar leave equations no solver fulfils; then there is no such grid.
        if np.abs(reached - self.wanted[list(chosen)]).max() > 1e-6:
            return None
        return replace(self.work, times=times, anchors=tuple(self.anchors[i] for i in chosen), changed=True)


@dataclass(frozen=True)
class _Step:
    """An anchor more, and the grid it gives."""

    anchor: int
    work: _Work
    way: Floats
    """(bars + 1,): how the unknowns move for it, where all anchors taken before stay."""
    bend: Floats
    """(bars + 1,): how far they are moved then, in all."""
    size: float


@dataclass
class _Growth:
    """Anchors taken one after the other: what one more does is worked out from what those before did.

    This is the Cholesky factorisation of the taken anchors' pull, a row at a time: with it an anchor costs as much as
    there are anchors taken, and not that number's third power.
    """

    problem: _Bend
    taken: list[int]
    pulls: Floats
    """(taken, anchors): how each taken anchor, freed of those before it, pulls at every anchor."""
    ways: Floats
    """(taken, bars + 1): the ways of the taken anchors."""
    bend: Floats

    @classmethod
    def of(cls, problem: _Bend) -> "_Growth":
        unknowns, anchors = problem.spread.shape
        return cls(problem, [], np.zeros((0, anchors)), np.zeros((0, unknowns)), np.zeros(unknowns))

    def step(self, anchor: int) -> _Step | None:
        """The grid with `anchor` as well; None where no gentle tempo does it."""
        problem, own = self.problem, self.pulls[:, anchor]
        rest = float(problem.pull[anchor, anchor] - own @ own)
        if rest <= 1e-12 * problem.pull[anchor, anchor]:
            return None  # those taken leave it no freedom
        size = float(np.sqrt(rest))
        way = (problem.spread[:, anchor] - own @ self.ways) / size
        moved = float(problem.missing[anchor] - problem.reach[anchor] @ self.bend)
        bend = self.bend + way * (moved / size)
        work = problem.bent(bend, [*self.taken, anchor])
        return None if work is None else _Step(anchor, work, way, bend, size)

    def take(self, step: _Step) -> None:
        """Keep it."""
        own = self.pulls[:, step.anchor]
        row = (self.problem.pull[step.anchor] - own @ self.pulls) / step.size
        self.pulls = np.vstack([self.pulls, row])
        self.ways = np.vstack([self.ways, step.way])
        self.bend = step.bend
        self.taken.append(step.anchor)


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


def _with_last_accent(
    work: _Work, window: tuple[Fraction, Fraction], *, asked: bool, lean: bool
) -> tuple[_Work, int, list[TempoChange]]:
    """The last accent set inside `window`: the grid, the accent's beat, and what had to change for it."""
    earliest, latest = window
    downbeats = np.arange(work.first_downbeat, len(work.times) - 1, work.bar)
    seconds = work.times[downbeats]
    inside = downbeats[(seconds >= float(earliest)) & (seconds <= float(latest))]
    if len(inside):
        return work, int(inside[-1]), []
    # How far each bar line lies outside the window, and the moment in the window nearest to it.
    targets = np.clip(seconds, float(earliest), float(latest))
    order = np.argsort(np.abs(seconds - targets), kind="stable")[:2]
    if lean:
        choices = [(int(downbeats[i]), earliest if seconds[i] <= targets[i] else latest) for i in order]
        if work.pulse == 1:
            # Failing the bar line, any beat that is nearly there ends better than a hold.
            choices.append((int(np.argmin(np.abs(work.times - float(earliest)))), earliest))
        for beat, moment in choices:
            if not beat:
                continue
            anchors = [*(anchor for anchor in work.anchors if anchor.beat < beat), _Anchor(float(beat), moment)]
            tried = _Bend.of(work, anchors, end=float(beat)).apply(range(len(anchors)))
            if tried is not None and tried.met_weight() >= work.met_weight() - MUST:
                first = max(0, beat - 2 * work.bar)
                bpm = 60 * (beat - first) / float(tried.times[beat] - tried.times[first])
                slower = bpm < 0.99 * 60 / work.steady
                return tried, beat, [TempoChange("ritardando", first, beat, bpm)] if slower else []
    if lean or asked:
        return _with_last_hold(work, earliest)
    whole = np.arange(len(work.times) - 1)
    return work, int(whole[np.argmin(np.abs(work.times[:-1] - float(latest)))]), []


def _with_last_hold(work: _Work, moment: Fraction) -> tuple[_Work, int, list[TempoChange]]:
    """The beat before the last accent held until `moment`."""
    seconds = float(moment)
    downbeats = np.arange(work.first_downbeat, len(work.times) - 1, work.bar)
    before = downbeats[(work.times[downbeats] <= seconds) & (downbeats > 0)]
    beat = int(before[-1]) if len(before) else 0
    if beat and seconds - work.times[beat] > 2 * work.pulse * work.steady:
        beat += 2
    if not beat:
        beat = int(np.argmin(np.abs(work.times - seconds)))
    kept = tuple(anchor for anchor in work.anchors if anchor.beat <= beat - 1)
    lengths = np.diff(work.times)
    start = float(work.times[0])
    changes = []
    if beat:
        late = seconds - float(work.times[beat])
        # A cue of a beat or two has nothing before the accent but its first beats: they share what is missing.
        first = beat - 1 if late >= 0 else 0
        lengths[first:beat] *= 1 + late / lengths[first:beat].sum()
        bpm = 60 * (beat - first) / float(lengths[first:beat].sum())
        changes.append(TempoChange("fermata", first, beat, bpm))
    else:
        start = seconds
    held = work.with_lengths(start, lengths)
    return replace(held, anchors=(*kept, _Anchor(float(beat), moment))), beat, changes


def _eases(grid: BeatGrid, candidate: TempoCandidate, others: Sequence[TempoChange]) -> list[TempoChange]:
    """The runs of beats that leave the candidate's tempo and are no hold or ritardando."""
    steady = float(60 / candidate.bpm)
    lengths = np.diff(np.array([float(time) for time in grid.beat_times]))
    leans = np.abs(lengths / steady - 1) > 5e-4
    for change in others:
        leans[change.first_beat : change.last_beat] = False
    edges = np.flatnonzero(np.diff(np.concatenate([[False], leans, [False]])))
    return [
        TempoChange("ease", int(first), int(last), 60 / float(lengths[first:last].mean()))
        for first, last in zip(edges[::2], edges[1::2], strict=True)
    ]
