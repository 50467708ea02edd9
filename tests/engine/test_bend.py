"""Bending by bands and windows gives what the whole dense system of equations gives, to a billionth of a second."""

from fractions import Fraction

import numpy as np
import pytest
from shotscore_engine.bend import BAR_CHANGE, RITARDANDO, Anchor, Bend, Growth, Work
from shotscore_engine.grid import constant_grid
from shotscore_engine.spotting import Cue, Hit
from shotscore_engine.timing import seconds_at

RATE = Fraction(24)


def worked(meter, seconds, bpm, seed=0):
    """A grid with a pickup, some hits and, with an odd seed, held bars."""
    rng = np.random.default_rng(seed)
    frames = np.unique(rng.integers(1, 24 * seconds, max(4, seconds // 4)))
    cue = Cue("1m01", 0, 24 * seconds, tuple(Hit(int(frame), "cut", 1.0, 2) for frame in frames))
    grid = constant_grid(Fraction(bpm), Fraction(7, 10), meter, seconds_at(cue.duration_frames, RATE))
    work = Work.of(grid, cue, RATE)
    if seed % 2:
        lengths = np.diff(work.times)
        lengths[rng.integers(4, len(lengths), 3)] *= 1.7
        work = work.with_lengths(float(work.times[0]), lengths)
    return work


def anchors_of(work, count, seed, until=None):
    """Beats some way apart, each asked for a few hundredths of a second beside its place."""
    rng = np.random.default_rng(seed)
    apart = 2 * work.bar
    beats = rng.permutation(np.arange(apart, (until or len(work.times)) - apart, apart))[:count]
    beats = beats + rng.integers(0, work.bar, len(beats)) - (work.pulse == 1.5) * 0.5
    places = np.interp(beats, np.arange(len(work.unbent)), work.unbent)
    moments = places + rng.uniform(-0.04, 0.04, len(beats))
    return [Anchor(float(beat), Fraction(float(moment))) for beat, moment in zip(beats, moments, strict=True)]


def dense(work, anchors, end=None):
    """(bars + 1,): the same least squares, written down as `bend`'s first lines say and solved as one matrix."""
    lengths = np.diff(work.unbent)
    bars = work.bar_of(np.arange(len(lengths), dtype=float))
    count = int(bars[-1]) + 1
    bar_lengths = np.bincount(bars, lengths)
    opened = work.unbent[0] + np.concatenate([[0.0], np.cumsum(bar_lengths)])
    last = count - 1 if end is None else int(work.bar_of(np.array([end - 1e-6]))[0])
    allowed = np.full(count, BAR_CHANGE)
    if end is not None:
        allowed[max(0, last - 1) : last + 1] = RITARDANDO
    stretches = np.diff(np.eye(count + 1), axis=0) / bar_lengths[:, None]
    steps = np.diff(stretches, axis=0) * (3 / np.maximum(allowed[1:], allowed[:-1]))[:, None]
    normal = np.diag(np.where(np.arange(count + 1) <= last, 1.0, 1e-6) / 0.05**2) + steps.T @ steps
    asked = np.zeros((len(anchors), count + 1))
    missing = np.zeros(len(anchors))
    for row, anchor in enumerate(anchors):
        place = np.interp(anchor.beat, np.arange(len(work.unbent)), work.unbent)
        bar = min(count - 1, int(work.bar_of(np.array([anchor.beat]))[0]))
        share = (place - opened[bar]) / bar_lengths[bar]
        asked[row, [bar, bar + 1]] = 1 - share, share
        missing[row] = float(anchor.seconds) - place
    zeros = np.zeros((len(anchors), len(anchors)))
    whole = np.block([[normal, asked.T], [asked, zeros]])
    return np.linalg.solve(whole, np.concatenate([np.zeros(count + 1), missing]))[: count + 1]


@pytest.mark.parametrize("meter", [(4, 4), (3, 4), (6, 8)])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("ends", [False, True])
def test_the_band_gives_what_the_dense_system_gives(meter, seed, ends):
    work = worked(meter, 200, 104, seed)
    end = float(len(work.times) // 2) if ends else None
    anchors = anchors_of(work, 12, seed, int(end) if end else None)
    problem = Bend.of(work, anchors, end)
    # Behind the last accent next to nothing holds the bars: there the two agree to eight digits.
    assert problem.solved(range(len(anchors))) == pytest.approx(dense(work, anchors, end), abs=1e-9, rel=1e-8)
    assert problem.solved([3, 1]) == pytest.approx(dense(work, [anchors[3], anchors[1]], end), abs=1e-9, rel=1e-8)


@pytest.mark.parametrize("seed", range(2))
def test_anchors_taken_in_windows_give_what_the_dense_system_gives(seed):
    work = worked((4, 4), 900, 104, seed)
    anchors = anchors_of(work, 100, seed)
    growth = Growth(Bend.of(work, anchors))
    assert 2 * growth.window < len(growth.lines), "the window holds the whole cue: nothing is left out"
    for number in range(len(anchors)):
        step = growth.step(number)
        if step is not None:
            growth.take(step)
    assert len(growth.taken) > 50
    taken = [anchors[number] for number in growth.taken]
    assert growth.lines == pytest.approx(dense(work, taken), abs=1e-9)
    assert growth.work().anchors == tuple(taken)
    assert np.interp([anchor.beat for anchor in taken], np.arange(len(work.times)), growth.work().times) == (
        pytest.approx([float(anchor.seconds) for anchor in taken], abs=1e-9)
    )


def test_what_a_step_gains_is_what_the_whole_grid_gains():
    work = worked((4, 4), 900, 104, 1)
    growth = Growth(Bend.of(work, anchors_of(work, 40, 1)))
    before = np.stack(work.worth(*work.nearest)).sum(axis=1)
    for number in range(40):
        step = growth.step(number)
        if step is None:
            continue
        growth.take(step)
        bent = growth.work()
        after = np.stack(bent.worth(*bent.nearest)).sum(axis=1)
        assert (step.met_gain, step.close_gain) == pytest.approx(tuple(after - before), abs=1e-9)
        before = after
    assert len(growth.taken) > 20


def test_an_anchor_costs_the_same_in_a_long_cue():
    shorter, longer = (Growth(Bend.of(work, anchors_of(work, 5, 0))) for work in map(_of_seconds, (900, 3600)))
    assert shorter.spread.shape == longer.spread.shape


def _of_seconds(seconds):
    return worked((4, 4), seconds, 104)


def test_moments_that_contradict_each_other_bend_nothing():
    work = worked((4, 4), 60, 104)
    place = float(work.unbent[8])
    anchors = [Anchor(8.0, Fraction(place)), Anchor(8.0, Fraction(place + 0.1)), Anchor(9.0, Fraction(place + 0.2))]
    problem = Bend.of(work, anchors)
    assert problem.apply([0, 1]) is None
    growth = Growth(problem)
    growth.take(growth.step(0))
    assert growth.step(1) is None
    assert problem.apply([0]).anchors == (anchors[0],)


def test_a_leap_of_tempo_is_no_bend():
    work = worked((4, 4), 60, 104)
    far = Anchor(8.0, Fraction(float(work.unbent[8]) + 1))
    problem = Bend.of(work, [far])
    assert problem.solved([0]) is not None
    assert problem.apply([0]) is None
    assert Growth(problem).step(0) is None
