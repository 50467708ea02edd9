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

from .bend import Anchor, Bend, Growth, Work, nearest
from .errors import RequestError
from .grid import BeatGrid, HitFit, constant_grid, fit_hits, nearest_frame
from .spotting import MUST, Cue, hit_tolerance
from .tempo import HIGHEST_BPM, LOWEST_BPM, METERS, Meter, TempoCandidate, rank_tempi
from .timing import quantise, seconds_at

EndingKind = Literal["hard", "ring", "fade"]

HOLD_APART_BARS = 8
"""Holds are events; they stand at least this far apart."""
FADE_SECONDS = Fraction(4)


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
    work = Work.of(steady, cue, rate)
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


def _with_holds(work: Work) -> tuple[Work, list[TempoChange]]:
    """Holds before must-hits that are missed, where all that follows gains from it."""
    changes: list[TempoChange] = []
    first_free = 0
    for number in np.flatnonzero(work.hit_weights >= MUST):
        if abs(work.nearest[1][number]) <= work.hit_tolerances[number]:
            continue
        holds = [hold for hold in _holds(work, float(work.hit_times[number])) if hold.first >= first_free]
        if not holds:
            continue
        gain, hold = max(((_gained(work, hold), hold) for hold in holds), key=lambda option: option[0])
        # A hold is heard: one hit gained is not worth it, a passage that falls into place is.
        if gain >= 3 * MUST:
            lengths = np.diff(work.times)
            lengths[hold.first : hold.beat] *= hold.factor
            work = work.with_lengths(float(work.times[0]), lengths)
            bpm = 60 * (hold.beat - hold.first) / float(work.times[hold.beat] - work.times[hold.first])
            changes.append(TempoChange("fermata" if hold.fermata else "silence", hold.first, hold.beat, bpm))
            first_free = hold.beat + HOLD_APART_BARS * work.bar
    return work, changes


@dataclass(frozen=True)
class _Hold:
    """The beats from `first` up to `beat` last longer by `factor`, so that `beat` comes `late` seconds later."""

    first: int
    beat: int
    late: float
    factor: float
    fermata: bool


def _holds(work: Work, moment: float) -> list[_Hold]:
    """The ways to hold the music until `moment`.

    Either the beat before it waits for it, which keeps the place in the bar; or the bar line before it does, at the
    price of a silence where that takes longer than a beat.
    """
    last = int(np.searchsorted(work.times, moment)) - 1
    found = []
    for beat in {last, last - (last - work.first_downbeat) % work.bar}:
        if beat < 0:
            continue
        late = moment - float(work.times[beat])
        fermata = late <= work.steady
        first = beat - 1 if fermata else beat - work.bar
        if first < 1 or late > work.bar * work.steady / 2:
            continue
        found.append(_Hold(first, beat, late, 1 + late / float(work.times[beat] - work.times[first]), fermata))
    return found


def _gained(work: Work, hold: _Hold) -> float:
    """Weighted hits met more with a hold: what lies before it stays, what follows comes later as it is."""
    begins = float(work.times[hold.first])
    tail = max(0, int(np.searchsorted(work.accents, hold.first, side="right")) - 1)
    accents, seconds = work.accents[tail:], work.accent_seconds[tail:].copy()
    held = (accents > hold.first) & (accents < hold.beat)
    seconds[held] = begins + (seconds[held] - begins) * hold.factor
    seconds[accents >= hold.beat] += hold.late
    hits = slice(int(np.searchsorted(work.hit_times, begins)), None)
    with_it, _ = work.worth(*nearest(accents, seconds, work.hit_times[hits]), hits)
    beats, off = work.nearest
    without, _ = work.worth(beats[hits], off[hits], hits)
    return float(with_it.sum() - without.sum())


def _with_ease(work: Work) -> Work:
    """Must-hits made exact one after the other while the tempo stays gentle; of those near, the farthest off first."""
    if not len(work.hit_times):
        return work
    beats, off = work.nearest
    musts = np.flatnonzero(work.hit_weights >= MUST)
    reach = np.abs(off) <= 2 * work.hit_tolerances
    order = sorted(musts.tolist(), key=lambda i: (not reach[i], -abs(off[i]) if reach[i] else abs(off[i])))
    anchors: list[Anchor] = []
    of_hit: list[int] = []
    for i in order:
        other = beats[i] + work.pulse * (1 if off[i] < 0 else -1)
        there = [Anchor(float(beat), work.moments[i]) for beat in (beats[i], other) if beat >= 0]
        anchors += there
        of_hit += [i] * len(there)
    if not anchors:
        return work
    growth = Growth(Bend.of(work, anchors))
    used_beats: set[float] = set()
    used_hits: set[int] = set()
    for i, anchor in enumerate(anchors):
        # Beats are whole or halves: exact as floats.
        if anchor.beat in used_beats or of_hit[i] in used_hits:
            continue
        step = growth.step(i)
        if step is not None and step.met_gain >= -1e-9 and step.close_gain > 0:
            growth.take(step)
            used_beats.add(anchor.beat)
            used_hits.add(of_hit[i])
    return growth.work()


def _with_last_accent(
    work: Work, window: tuple[Fraction, Fraction], *, asked: bool, lean: bool
) -> tuple[Work, int, list[TempoChange]]:
    """The last accent set inside `window`: the grid, the accent's beat, and what had to change for it."""
    earliest, latest = window
    downbeats = np.arange(work.first_downbeat, len(work.times) - 1, work.bar)
    seconds = work.times[downbeats]
    # A hit made exact is inside, whatever its float says.
    inside = downbeats[(seconds >= float(earliest) - 1e-9) & (seconds <= float(latest) + 1e-9)]
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
            anchors = [*(anchor for anchor in work.anchors if anchor.beat < beat), Anchor(float(beat), moment)]
            tried = Bend.of(work, anchors, end=float(beat)).apply(range(len(anchors)))
            if tried is not None and tried.met_weight() >= work.met_weight() - MUST:
                first = max(0, beat - 2 * work.bar)
                bpm = 60 * (beat - first) / float(tried.times[beat] - tried.times[first])
                slower = bpm < 0.99 * 60 / work.steady
                return tried, beat, [TempoChange("ritardando", first, beat, bpm)] if slower else []
    if lean or asked:
        return _with_last_hold(work, earliest)
    whole = np.arange(len(work.times) - 1)
    return work, int(whole[np.argmin(np.abs(work.times[:-1] - float(latest)))]), []


def _with_last_hold(work: Work, moment: Fraction) -> tuple[Work, int, list[TempoChange]]:
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
    return replace(held, anchors=(*kept, Anchor(float(beat), moment))), beat, changes


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
