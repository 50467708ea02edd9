"""From what is asked of a cue to its roll: describe the picture, apply the wishes, run the model, keep what is kept.

Music is made anew either everywhere or in a free mask (T, 3). Then the model sees a window of a few bars around it, so
that what it costs depends on what changes and not on how long the cue is.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .conditions import FrameCondition
from .grid import STEPS_PER_BEAT, BeatGrid
from .masks import find_cut_beats
from .picture import Picture
from .progress import Progress, silent, within
from .request import ScoreRequest
from .roll import PARTS, Roll, empty_roll, notes_of, roll_of
from .seams import Bools, begun, silenced, splice
from .spotting import Cue
from .tempo_map import Ending
from .timing import quantise, seconds_at
from .wishes import silent_beats, steered, wished_frame

if TYPE_CHECKING:
    from .denoiser import Condition, Denoiser
    from .features import BeatFeatures

_LAST_CHORD_STEPS = 2 * STEPS_PER_BEAT
LONGEST_BEATS = 2048
"""A cue of so many beats (20 minutes at 100 a minute) is written at once, a longer one in stretches."""
STRETCH_BEATS, STRETCH_CONTEXT_BEATS = 1024, 64
CONTEXT_BARS = 4
"""How many bars either side of a change the model sees."""


@dataclass(frozen=True)
class Brief:
    """All that decides a cue's notes, besides model, seed and what is kept."""

    condition: Condition
    silent: NDArray[np.bool_]
    """(T,): beats in which nothing may sound."""
    last_step: int | None = None
    """The sixteenth of the last accent, after which nothing begins; None where the music just goes on."""


def describe_cue(
    picture: Picture, cue: Cue, grid: BeatGrid, request: ScoreRequest, progress: Progress = silent
) -> BeatFeatures:
    """What the picture says in each beat, as the request's words, moods and curves would have it."""
    from .features.describe import describe

    seen = describe(
        picture,
        grid,
        cue,
        prompt=request.prompt or None,
        mood=request.mood,
        energy=request.energy,
        progress=progress,
    )
    return steered(seen, request.wishes, request.energy_curve, cue, grid, picture.rate)


def brief_for(
    features: BeatFeatures,
    picture: Picture,
    cue: Cue,
    grid: BeatGrid,
    request: ScoreRequest,
    key: str,
    style: str,
    ending: Ending | None = None,
) -> Brief:
    """What the model is told, and where its music ends."""
    from .plan import condition_for

    rate = picture.rate
    told = condition_for(
        features,
        grid,
        key=key,
        style=style,
        mask=request.mask,
        k=request.mask_k,
        hits=cue.hits,
        start_frame=cue.start_frame,
        rate=rate,
        mask_beats=find_cut_beats(request.mask, picture, cue, grid),
    )
    frame = wished_frame(told.frame, request.wishes, told.tonic, cue, grid, rate)
    last_step = None
    if ending is not None and ending.accent_frame is not None:
        last_step = quantise(grid.beat_at(seconds_at(ending.accent_frame - cue.start_frame, rate)) * STEPS_PER_BEAT)
    return Brief(replace(told, frame=frame), silent_beats(request.wishes, cue, grid, rate), last_step)


def compose(brief: Brief, model: Denoiser, request: ScoreRequest, seed: int, progress: Progress = silent) -> Roll:
    """A whole cue; silent beats are given to the model as known, so that it writes around them."""
    from .denoiser import Known
    from .diffusion import Selector
    from .leadsheet import with_leadsheet

    told = replace(brief.condition, frame=with_leadsheet(brief.condition.frame, seed))
    everywhere = np.ones((told.beats, len(PARTS)), bool)
    if told.beats > LONGEST_BEATS:
        roll = _in_stretches(told, brief.silent, model, request, seed, progress)
        return landed(filled(silenced(roll, brief.silent), brief, everywhere), brief, everywhere)
    known = None
    if brief.silent.any():
        rests = np.repeat(brief.silent[:, None], len(PARTS), axis=1)
        known = Known(empty_roll(brief.condition.beats * 4), rests)
    roll = model.generate(
        told,
        seed=seed,
        steps=request.steps,
        guidance=request.guidance,
        selector=Selector(request.selector, request.switch_t),
        known=known,
        progress=progress,
    )
    if known is not None:
        roll = silenced(roll, brief.silent)
    return landed(filled(roll, brief, everywhere), brief, everywhere)


def _in_stretches(
    told: Condition, silent: NDArray[np.bool_], model: Denoiser, request: ScoreRequest, seed: int, progress: Progress
) -> Roll:
    """A cue too long to be looked at whole, from its beginning to its end.

    Each stretch is written with the beats before it known, so that the music goes on; time and memory grow with the
    cue's length and not with its square.
    """
    from .denoiser import Known
    from .diffusion import Selector

    whole = empty_roll(told.beats * STEPS_PER_BEAT)
    starts = range(0, told.beats, STRETCH_BEATS)
    for number, start in enumerate(starts):
        first, last = max(0, start - STRETCH_CONTEXT_BEATS), min(told.beats, start + STRETCH_BEATS)
        given = (np.arange(first, last) < start) | silent[first:last]
        known = Known(
            whole.cut(first * STEPS_PER_BEAT, last * STEPS_PER_BEAT), np.repeat(given[:, None], len(PARTS), axis=1)
        )
        if given.all():
            continue
        fresh = model.generate(
            sliced(told, first, last),
            seed=seed + number * 1_000_003,
            steps=request.steps,
            guidance=request.guidance,
            selector=Selector(request.selector, request.switch_t),
            known=known,
            progress=within(progress, number / len(starts), (number + 1) / len(starts)),
        )
        there = slice(start * STEPS_PER_BEAT, last * STEPS_PER_BEAT)
        inside = slice((start - first) * STEPS_PER_BEAT, None)
        for name in ("onset", "sustain", "velocity"):
            getattr(whole, name)[:, there] = getattr(fresh, name)[:, inside]
    return whole


def filled(roll: Roll, brief: Brief, free: Bools) -> Roll:
    """`roll` without holes: in bars that are free for the harmony (T, 3) and in which nothing sounds though silence was
    not asked for, the harmony of the nearest bar that has one, of two equally near the later.

        before  harmony |------|C-E-G-|        after  |C-E-G-|C-E-G-|
    """
    harmony = PARTS.index("harmony")
    edges = [*np.flatnonzero(np.asarray(brief.condition.frame.beat_in_bar) == 0).tolist(), brief.condition.beats]
    bars = [(first * STEPS_PER_BEAT, last * STEPS_PER_BEAT) for first, last in pairwise(edges)]
    notes = [tuple(note) for note in notes_of(roll).tolist()]
    played = [[note for note in notes if note[0] == harmony and a <= note[1] < b] for a, b in bars]
    sources = [number for number, mine in enumerate(played) if mine]
    more: list[tuple[int, ...]] = []
    for number, (first, last) in enumerate(bars):
        beats = slice(first // STEPS_PER_BEAT, last // STEPS_PER_BEAT)
        over = brief.last_step is not None and first > brief.last_step
        sounds = any(start < last and end > first for _, start, end, *_ in notes)
        if over or sounds or not sources or brief.silent[beats].any() or not free[beats, harmony].all():
            continue
        nearest = min(sources, key=lambda other: (abs(other - number), -other))
        back = bars[nearest][0] - first
        more += [
            (part, start - back, min(end - back, last), pitch, velocity)
            for part, start, end, pitch, velocity in played[nearest]
            if start - back < last
        ]
    return roll if not more else roll_of(np.array([*notes, *more], np.int64).reshape(-1, 5), roll.steps)


def landed(roll: Roll, brief: Brief, free: Bools) -> Roll:
    """`roll` with nothing in its `free` beats (T, 3) after the last accent, and a chord on it where none was written.

        before  harmony |C-E-G-E-|(F---|A---)        after  |C-E-G-E-|(CEG----)        the accent opens the bracket

    The chord is what the harmony played in the two beats before.
    """
    step = brief.last_step
    if step is None or brief.silent[step // STEPS_PER_BEAT]:
        return roll
    harmony = PARTS.index("harmony")
    notes = [tuple(note) for note in notes_of(roll).tolist()]
    kept = [note for note in notes if note[1] <= step or not free[note[1] // STEPS_PER_BEAT, note[0]]]
    struck = any(part == harmony and start == step for part, start, *_ in kept)
    if not struck and free[step // STEPS_PER_BEAT, harmony]:
        recent = [note for note in kept if note[0] == harmony and note[1] < step and note[2] > step - _LAST_CHORD_STEPS]
        pitches = sorted({note[3] for note in recent})
        strength = max((note[4] for note in recent), default=0)
        kept = [(p, a, min(b, step) if p == harmony and a < step else b, *rest) for p, a, b, *rest in kept]
        kept += [(harmony, step, roll.steps, pitch, strength) for pitch in [*pitches[:1], *pitches[1:][-3:]]]
    return roll_of(np.array(kept, np.int64).reshape(-1, 5), roll.steps)


def window_of(free: Bools, grid: BeatGrid, context_bars: int = CONTEXT_BARS) -> tuple[int, int]:
    """The beats the model sees: the free ones and `context_bars` either side, from bar line to bar line."""
    from .locks import widened

    beats = np.flatnonzero(free.any(axis=1))
    reach = context_bars * grid.beats_per_bar
    return widened(grid, max(0, int(beats[0]) - reach), min(grid.beats, int(beats[-1]) + 1 + reach))


def hushed(base: Roll, free: Bools, silent_there: NDArray[np.bool_]) -> Roll:
    """`base` with the notes that ring into free beats that shall be silent cut off there: silence was asked for."""
    stop = (free & silent_there[:, None]).T
    if not stop.any():
        return base
    notes = notes_of(base)
    for note in notes:
        part, start, end = int(note[0]), int(note[1]), int(note[2])
        ahead = np.flatnonzero(stop[part, start // 4 + 1 : -(-end // 4)])
        if len(ahead) and not stop[part, start // 4]:
            note[2] = (start // 4 + 1 + int(ahead[0])) * 4
    return roll_of(notes, base.steps)


def compose_anew(
    base: Roll,
    free: Bools,
    brief: Brief,
    model: Denoiser,
    request: ScoreRequest,
    *,
    seed: int,
    window: tuple[int, int],
    variation: float = 1.0,
    progress: Progress = silent,
) -> Roll:
    """`base` with the beats of `free` (T, 3) written anew inside `window`; all other notes stay as they are.

    `base` has to be `hushed` already where silence is asked for.
    """
    from .denoiser import Known
    from .diffusion import Selector

    first, last = window
    steps = slice(first * 4, last * 4)
    rests = np.repeat(brief.silent[:, None], len(PARTS), axis=1) & free
    # What shall be silent is known to be empty, whatever stood there.
    context = base if not rests.any() else _without(base, rests)
    known = Known(context.cut(steps.start, steps.stop), (~free | rests)[first:last])
    told = sliced(brief.condition, first, last)
    if known.mask.all():
        fresh = known.roll
    else:
        fresh = model.generate(
            told,
            seed=seed,
            steps=request.steps,
            guidance=request.guidance,
            selector=Selector(request.selector, request.switch_t),
            known=known,
            variation=variation,
            progress=progress,
        )
    whole = empty_roll(base.steps)
    for name in ("onset", "sustain", "velocity"):
        getattr(whole, name)[:, steps] = getattr(fresh, name)
    inside = begun(whole, free & ~rests)
    if rests.any():
        inside = hushed(inside, free, brief.silent)
    return landed(filled(splice(base, inside, free), brief, free), brief, free)


def sliced(condition: Condition, first: int, last: int) -> Condition:
    """The condition of beats [first, last) alone; places and phrases still count in the whole cue."""
    frame = condition.frame
    cut = {
        field.name: getattr(frame, field.name)[first:last]
        for field in fields(FrameCondition)
        if isinstance(getattr(frame, field.name), np.ndarray)
    }
    return replace(
        condition,
        frame=replace(frame, **cut),
        language=condition.language[first:last],
        visual=condition.visual[first:last],
        sac_mask=np.ascontiguousarray(condition.sac_mask[first:last, first:last]),
    )


def _without(roll: Roll, gone: Bools) -> Roll:
    return begun(roll, ~gone)
