"""From what is asked of a cue to its roll: describe the picture, apply the wishes, run the model, keep what is kept.

Music is made anew either everywhere or in a free mask (T, 3). Then the model sees a window of a few bars around it, so
that what it costs depends on what changes and not on how long the cue is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
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

_HARMONY = PARTS.index("harmony")
MENDS, FEW_MENDS = 4, 1
"""How many seeds are tried to mend a flaw, and one as slight as a note or two after the last accent; see `mended`."""
_ACCENT_DENSITY, _RINGING_DENSITY = 0.75, 0.02
MEND_CONTEXT_BEATS = 8
_MEND_SEEDS = 7_919
_APPROACH_BEATS = 2
"""How much before the last accent is written again with it."""
_LAST_CHORD_NOTES, _MISSING_NOTE = 2, 4
"""How many notes of harmony a last accent wants at least; one missing weighs as much as so many notes after it."""
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

    @property
    def rests(self) -> NDArray[np.bool_]:
        """(T,): beats in which nothing begins: those that are silent, and those after the last accent's."""
        if self.last_step is None:
            return self.silent
        return np.asarray(self.silent | (np.arange(len(self.silent)) > self.last_step // STEPS_PER_BEAT))


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
        frame = _towards(frame, last_step // STEPS_PER_BEAT)
    return Brief(replace(told, frame=frame), silent_beats(request.wishes, cue, grid, rate), last_step)


def _towards(frame: FrameCondition, accent_beat: int) -> FrameCondition:
    """`frame` with many notes asked for on the last accent and hardly any after it: a chord that is left to ring."""
    if frame.density is None:
        return frame
    density = frame.density.copy()
    density[accent_beat : accent_beat + 1] = np.maximum(density[accent_beat : accent_beat + 1], _ACCENT_DENSITY)
    density[accent_beat + 1 :] = _RINGING_DENSITY
    return replace(frame, density=density)


def compose(brief: Brief, model: Denoiser, request: ScoreRequest, seed: int, progress: Progress = silent) -> Roll:
    """A whole cue, with chords and groove of its own by the seed."""
    from .leadsheet import with_leadsheet

    told = replace(brief.condition, frame=with_leadsheet(brief.condition.frame, seed))
    return written(replace(brief, condition=told), model, request, seed, progress)


def written(brief: Brief, model: Denoiser, request: ScoreRequest, seed: int, progress: Progress = silent) -> Roll:
    """A whole cue as the brief has it. Rests are given to the model as known, so that it writes around them."""
    beats = brief.condition.beats
    everywhere = np.ones((beats, len(PARTS)), bool)
    if beats > LONGEST_BEATS:
        roll = _in_stretches(brief.condition, brief.rests, model, request, seed, progress)
    else:
        nothing = empty_roll(beats * STEPS_PER_BEAT)
        roll = compose_anew(
            nothing, everywhere, brief, model, request, seed=seed, window=(0, beats), mend=False, progress=progress
        )
    return mended(silenced(roll, brief.silent), everywhere, brief, model, request, seed=seed)


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


def mended(
    roll: Roll,
    free: Bools,
    brief: Brief,
    model: Denoiser,
    request: ScoreRequest,
    *,
    seed: int,
) -> Roll:
    """`roll` with its flaws in `free` (T, 3) written again by the model, which knows the rest; up to `MENDS` seeds.

    What is written again is kept where fewer flaws are left. No note is put in or taken out by anyone but the model.
    """
    for attempt in range(1, MENDS + 1):
        flaws = flaws_of(roll, free, brief)
        if not flaws or (attempt > FEW_MENDS and _weight(flaws) < _MISSING_NOTE):
            break
        for flaw in flaws:
            again = np.zeros_like(free)
            again[flaw.start : flaw.stop] = free[flaw.start : flaw.stop]
            window = max(0, flaw.start - MEND_CONTEXT_BEATS), min(len(free), flaw.stop + MEND_CONTEXT_BEATS)
            other = seed + attempt * _MEND_SEEDS
            fresh = compose_anew(roll, again, brief, model, request, seed=other, window=window, mend=False)
            if _weight(flaws_of(fresh, free, brief)) < _weight(flaws_of(roll, free, brief)):
                roll = fresh
    return roll


@dataclass(frozen=True)
class Flaw:
    """Beats [start, stop) to be written again, and how bad they are as they stand."""

    start: int
    stop: int
    weight: int


def _weight(flaws: Sequence[Flaw]) -> int:
    return sum(flaw.weight for flaw in flaws)


def flaws_of(roll: Roll, free: Bools, brief: Brief) -> list[Flaw]:
    """What no listener would let pass, where `free` (T, 3) lets it be mended.

    Nothing sounding for a bar or longer, on bar lines or not, though silence was not asked for; and a last accent on
    which the harmony strikes less than two notes, or after which something begins.
    """
    notes = notes_of(roll)
    rests = brief.rests
    flaws = []
    sounding = np.zeros(roll.steps + 1, np.int64)
    np.add.at(sounding, notes[:, 1], 1)
    np.add.at(sounding, np.minimum(notes[:, 2], roll.steps), -1)
    heard = (np.cumsum(sounding)[:-1] > 0).reshape(-1, STEPS_PER_BEAT).any(axis=1)
    hole = ~heard & ~rests & free[:, _HARMONY]
    edges = np.flatnonzero(np.diff(np.concatenate([[0], hole.astype(np.int8), [0]])))
    for first, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        if last - first >= brief.condition.frame.beats_per_bar[first]:
            flaws.append(Flaw(first, last, last - first))
    step = brief.last_step
    if step is not None and not brief.silent[step // STEPS_PER_BEAT] and free[step // STEPS_PER_BEAT, _HARMONY]:
        beat = step // STEPS_PER_BEAT
        struck = int(np.sum((notes[:, 0] == _HARMONY) & (notes[:, 1] == step)))
        later = int(np.sum(free[notes[:, 1] // STEPS_PER_BEAT, notes[:, 0]] & (notes[:, 1] > step)))
        weight = later + _MISSING_NOTE * max(0, _LAST_CHORD_NOTES - struck)
        if weight:
            flaws.append(Flaw(max(0, beat - _APPROACH_BEATS), beat + 1, weight))
    return flaws


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
    mend: bool = True,
    progress: Progress = silent,
) -> Roll:
    """`base` with the beats of `free` (T, 3) written anew inside `window`; all other notes stay as they are.

    `base` has to be `hushed` already where silence is asked for. Without `mend` flaws stay as the model wrote them.
    """
    from .denoiser import Known
    from .diffusion import Selector

    first, last = window
    steps = slice(first * STEPS_PER_BEAT, last * STEPS_PER_BEAT)
    rests = np.repeat(brief.rests[:, None], len(PARTS), axis=1) & free
    # What shall be silent is known to be empty, whatever stood there.
    context = base if not rests.any() else _without(base, rests)
    known = Known(context.cut(steps.start, steps.stop), (~free | rests)[first:last])
    if known.mask.all():
        fresh = known.roll
    else:
        fresh = model.generate(
            sliced(brief.condition, first, last),
            seed=seed,
            steps=request.steps,
            guidance=request.guidance,
            selector=Selector(request.selector, request.switch_t),
            known=known if known.mask.any() else None,
            variation=variation,
            progress=progress,
        )
    whole = empty_roll(base.steps)
    for name in ("onset", "sustain", "velocity"):
        getattr(whole, name)[:, steps] = getattr(fresh, name)
    inside = begun(whole, free & ~rests)
    if brief.silent.any():
        inside = hushed(inside, free, brief.silent)
    roll = splice(base, inside, free)
    return mended(roll, free, brief, model, request, seed=seed) if mend else roll


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
