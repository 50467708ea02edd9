"""The solver: an independent objective, an exhaustive scan, and edits with a hidden grid."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shotscore_engine.errors import RequestError
from shotscore_engine.grid import BeatGrid, constant_grid, fit_hits
from shotscore_engine.spotting import Cue, Hit, hit_tolerance
from shotscore_engine.tempo import default_bpm, rank_tempi, tempo_score
from shotscore_engine.timing import frame_at, seconds_at

RATES = [Fraction(24), Fraction(25), Fraction(30), Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)]


def hidden_edit(rng, cuts=40, rate=Fraction(24), start_frame=0):
    """(bpm, cue): cuts on beats of a hidden tempo, jittered by up to a frame, a fifth of them anywhere instead."""
    bpm = rng.uniform(55, 175)
    beats = np.cumsum(rng.choice([1, 2, 3, 4, 6, 8], cuts))
    frames = np.rint((rng.uniform(0, 1) + beats) * 60 / bpm * float(rate)).astype(int) + rng.integers(-1, 2, cuts)
    end = int(frames.max()) + 48
    off_grid = rng.permutation(cuts)[: cuts // 5]
    frames[off_grid] = rng.integers(1, end, len(off_grid))
    hits = [Hit(start_frame + int(frame), "cut", 1.0, hit_tolerance(rate)) for frame in np.unique(frames) if frame > 0]
    return bpm, Cue("1m01", start_frame, end, tuple(hits))


def random_cue(rng, hits=40, frames=2000, rate=Fraction(24)):
    places = rng.choice(np.arange(1, frames), hits, replace=False)
    weights = rng.choice([0.0, 0.3, 0.5, 1.0], hits)
    tolerances = hit_tolerance(rate) * rng.integers(1, 3, hits)
    return Cue(
        "1m01",
        0,
        frames,
        tuple(Hit(int(f), "cut", float(w), int(t)) for f, w, t in zip(places, weights, tolerances, strict=True)),
    )


def plain_score(cue, rate, bpm, offset, meter):
    """The objective as the module's docstring states it, hit by hit, without arrays."""
    pulse = 1.5 if meter == (6, 8) else 1.0
    length = meter[0] * 4 // meter[1]
    parts = [0.5, 1.0] if meter == (6, 8) else [0.5]
    believed = {(4, 4): 1.0, (3, 4): 0.9, (6, 8): 0.82}[meter]
    quarter = 60 / bpm
    total = 0.0
    for hit in cue.hits:
        reach = hit.tolerance_frames / float(rate) / quarter
        place = (hit.frame / float(rate) - offset) / quarter

        def away(shift, spacing, place=place):
            return abs((place - shift) - spacing * round((place - shift) / spacing))

        inner = min(reach, pulse / (2 if len(parts) == 1 else 6))
        credit = (away(0, pulse) <= reach) + 0.5 * (away(0, length) <= reach)
        credit += 0.25 * sum(away(part, pulse) <= inner for part in parts)
        expected = min(1, 2 * reach / pulse) + 0.5 * min(1, 2 * reach / length) + 0.5 * len(parts) * inner / pulse
        total += hit.weight * (credit - expected)
    bars = (cue.duration_frames / float(rate) - offset) / quarter / length
    reach = 3 * hit_tolerance(rate) / float(rate) / quarter
    phrase = 0.0
    if abs(bars - round(bars)) * length <= reach and round(bars) > 0:
        phrase = {0: 1.0, 4: 0.8, 2: 0.3, 6: 0.3}.get(round(bars) % 8, 0.0)
    octaves = np.log2(bpm / pulse / default_bpm(0.0))
    favour = 0.5 + sum(hit.weight for hit in cue.hits) / 50
    return believed * total + favour * (phrase - octaves**2 / 2)


@pytest.mark.parametrize("meter", [(4, 4), (3, 4), (6, 8)])
def test_the_objective_is_what_its_docstring_says(meter):
    rng = np.random.default_rng(5)
    for rate in RATES:
        cue = random_cue(rng, rate=rate)
        for _ in range(40):
            # A whole number of bars, or any offset: both sides of the phrase's favour are met.
            bpm = float(rng.uniform(50, 180))
            bar = 60 / bpm * (meter[0] * 4 // meter[1])
            offset = float(rng.choice([rng.uniform(0, bar), (cue.duration_frames / float(rate)) % bar]))
            assert tempo_score(cue, rate, bpm, offset, meter) == pytest.approx(
                plain_score(cue, rate, bpm, offset, meter), abs=1e-6
            )


@pytest.mark.parametrize(("seed", "meter"), [(0, (4, 4)), (1, (3, 4)), (2, (6, 8))])
def test_no_scan_at_a_hundredth_of_a_bpm_finds_more(seed, meter):
    rng = np.random.default_rng(seed)
    rate = RATES[seed]
    cue = random_cue(rng, hits=10, frames=900, rate=rate)
    best = rank_tempi(cue, rate, lowest_bpm=90, highest_bpm=90.5, meters=[meter])[0]
    assert tempo_score(cue, rate, best.bpm, best.offset, best.meter) == pytest.approx(best.score)
    scanned = -np.inf
    moments = [(hit.frame + side * hit.tolerance_frames) / float(rate) for hit in cue.hits for side in (-0.999, 0.999)]
    for hundredths in range(9000, 9051):
        bpm = hundredths / 100
        length = meter[0] * 4 // meter[1]
        # The objective only changes where a window begins or ends: just inside each is every offset that matters.
        for moment in moments:
            for beat in range(length):
                offset = (moment + beat * 60 / bpm) % (length * 60 / bpm)
                scanned = max(scanned, tempo_score(cue, rate, bpm, offset, meter))
    assert best.score >= scanned - 1e-9


def test_no_random_try_over_the_whole_range_finds_more():
    rng = np.random.default_rng(11)
    for rate in RATES[:2]:
        cue = hidden_edit(rng, rate=rate)[1]
        best = rank_tempi(cue, rate)[0]
        tries = [
            tempo_score(cue, rate, round(rng.uniform(50, 180), 2), rng.uniform(0, 5), meter)
            for meter in ((4, 4), (3, 4), (6, 8))
            for _ in range(150)
        ]
        near = [
            tempo_score(cue, rate, float(best.bpm) + step / 100, float(best.offset) + shift / 200, best.meter)
            for step in range(-3, 4)
            for shift in range(-10, 11)
        ]
        assert best.score >= max(tries + near) - 1e-9


def test_the_hidden_tempo_ranks_first():
    """A sample small enough for every run; a change that costs one in ten shows."""
    rng = np.random.default_rng(2)
    found = 0
    for i in range(12):
        rate = RATES[i % len(RATES)]
        bpm, cue = hidden_edit(rng, rate=rate, start_frame=86400 * (i % 2))
        best = float(rank_tempi(cue, rate, count=1)[0].bpm)
        found += any(abs(best / (bpm * factor) - 1) < 0.01 for factor in (0.5, 1, 2))
    assert found >= 11


def test_five_hundred_hits_are_solved_as_a_plain_scan_would():
    """Many hits anywhere leave the bounds little to prune: none of what they prune may be better."""
    rng = np.random.default_rng(13)
    cue = random_cue(rng, hits=500, frames=9000)
    best = rank_tempi(cue, Fraction(24), lowest_bpm=100, highest_bpm=104, count=1)[0]
    tries = [
        tempo_score(cue, Fraction(24), bpm / 100, (hit.frame + side * (hit.tolerance_frames - 0.001)) / 24, meter)
        for bpm in rng.integers(10000, 10401, 4)
        for meter in ((4, 4), (3, 4), (6, 8))
        for hit in cue.hits[::4]
        for side in (-1, 1)
    ]
    assert best.score >= max(tries)


def met_weight(fits):
    return sum(fit.hit.weight for fit in fits if fit.state == "met")


def test_the_choice_meets_more_than_120_bpm():
    rng = np.random.default_rng(4)
    solved, fixed = [], []
    for _ in range(4):
        _, cue = hidden_edit(rng)
        solved.append(met_weight(rank_tempi(cue, Fraction(24), count=1)[0].fits))
        grid = constant_grid(Fraction(120), Fraction(0), (4, 4), seconds_at(cue.duration_frames, Fraction(24)))
        fixed.append(met_weight(fit_hits(grid, cue.hits, Fraction(24), 0)))
    assert np.mean(solved) > 1.5 * np.mean(fixed)


def test_random_cuts_do_not_make_fast_tempi_win():
    """With cuts anywhere the highest tempi meet most, and only by their density."""
    rng = np.random.default_rng(6)
    chosen = [float(rank_tempi(random_cue(rng, hits=30), Fraction(24), count=1)[0].bpm) for _ in range(7)]
    assert np.median(chosen) < 150


def test_hits_on_the_bars_of_a_waltz_give_three_four():
    rate = Fraction(24)
    rng = np.random.default_rng(3)
    beats = np.unique(np.concatenate([3 * rng.choice(40, 24, replace=False), rng.choice(120, 14)]))
    hits = tuple(Hit(int(np.rint(12 + beat * 24 * 60 / 100)), "cut", 1.0, 2) for beat in beats if beat)
    best = rank_tempi(Cue("1m01", 0, 1800, hits), rate)[0]
    assert best.meter == (3, 4)
    assert abs(float(best.bpm) - 100) < 0.5
    assert all(fit.downbeat == (beat % 3 == 0) for fit, beat in zip(best.fits, beats[beats > 0], strict=True))


def test_six_eight_counts_dotted_accents_and_quarters_a_minute():
    rate = Fraction(24)
    rng = np.random.default_rng(8)
    eighth_frames = 24 * 60 / 64 / 3
    eighths = np.unique(np.concatenate([6 * rng.choice(30, 24, replace=False), rng.choice(180, 30)]))
    hits = tuple(Hit(int(np.rint(20 + eighth * eighth_frames)), "cut", 1.0, 2) for eighth in eighths)
    best = rank_tempi(Cue("1m01", 0, 1500, hits), rate, meters=[(6, 8)])[0]
    assert abs(float(best.bpm) - 96) < 0.5
    for fit, eighth in zip(best.fits, eighths, strict=True):
        assert (fit.state == "met") == (eighth % 3 == 0)
        assert eighth % 3 or fit.downbeat == (eighth % 6 == 0)


def test_without_hits_the_arousal_decides():
    cue = Cue("1m01", 0, 1440)
    calm, even, excited = (float(rank_tempi(cue, Fraction(24), arousal=a)[0].bpm) for a in (-1.0, 0.0, 1.0))
    assert abs(calm - 70) < 8
    assert abs(even - 96) < 8
    assert abs(excited - 131) < 8


def test_a_tempo_asked_for_is_kept_and_its_offset_solved():
    rate = Fraction(25)
    hits = tuple(Hit(7 + 15 * i, "cut", 1.0, 2) for i in range(1, 30))
    (only,) = rank_tempi(Cue("1m01", 0, 500, hits), rate, tempo_bpm=100)
    assert only.bpm == 100
    assert (only.met, only.near, only.missed) == (29, 0, 0)
    assert max(abs(fit.frames_off) for fit in only.fits) < Fraction(1, 2)


def test_candidates_are_apart_and_in_order():
    _, cue = hidden_edit(np.random.default_rng(9))
    found = rank_tempi(cue, Fraction(24), count=6)
    assert len(found) == 6
    assert [c.score for c in found] == sorted((c.score for c in found), reverse=True)
    tempi = sorted(float(c.bpm) for c in found)
    assert all(b / a > 1.015 for a, b in pairwise(tempi))
    assert all(c.met + c.near + c.missed == len(cue.hits) for c in found)
    assert all(c.bpm.denominator <= 100 for c in found)


def test_candidates_fit_as_their_grids_do():
    rng = np.random.default_rng(10)
    _, cue = hidden_edit(rng, rate=RATES[3], start_frame=1000)
    for candidate in rank_tempi(cue, RATES[3]):
        grid = constant_grid(
            candidate.bpm, candidate.offset, candidate.meter, seconds_at(cue.duration_frames, RATES[3])
        )
        inside = fit_hits(grid, cue.hits, RATES[3], 1000)
        beat = frame_at(grid.beat_times[0], RATES[3]) + 1000
        for mine, theirs in zip(candidate.fits, inside, strict=True):
            if mine.nearest_beat_frame >= beat:
                assert mine == theirs


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"tempo_bpm": 29}, "29 BPM is outside 30 to 300"),
        ({"tempo_bpm": 301}, "301 BPM is outside 30 to 300"),
        ({"lowest_bpm": 120, "highest_bpm": 60}, "120 to 60 BPM is empty"),
        ({"lowest_bpm": 10}, "10 BPM is outside"),
        ({"meters": ((5, 4),)}, "5/4 is not supported; choose from 4/4, 2/4, 3/4, 6/8"),
        ({"meters": ()}, "No meter"),
    ],
)
def test_refusals_name_the_value_and_the_way_out(wrong, message):
    with pytest.raises(RequestError, match=message):
        rank_tempi(Cue("1m01", 0, 100), Fraction(24), **wrong)


def test_not_a_number_is_no_tempo():
    with pytest.raises(RequestError, match="nan BPM"):
        rank_tempi(Cue("1m01", 0, 100), Fraction(24), tempo_bpm=float("nan"))


def test_an_empty_cue_is_refused():
    with pytest.raises(RequestError, match="'1m01' has 0 frames"):
        rank_tempi(Cue("1m01", 0, 0), Fraction(24))


GRIDS = st.builds(
    lambda start, lengths, meter, first: BeatGrid(
        tuple(start + sum(lengths[:i], Fraction(0)) for i in range(len(lengths) + 1)), meter, first
    ),
    st.fractions(0, 1, max_denominator=1000),
    st.lists(st.fractions(Fraction(1, 5), 2, max_denominator=48000), min_size=4, max_size=30),
    st.sampled_from([(4, 4), (3, 4), (2, 4), (6, 8)]),
    st.integers(0, 3),
)


@settings(deadline=None)
@given(GRIDS, st.sampled_from(RATES), st.integers(0, 2000), st.integers(0, 200_000))
def test_frame_to_time_to_beat_to_frame_is_exact(grid, rate, inside, start):
    frame = start + inside
    beat = grid.beat_at(seconds_at(frame - start, rate))
    assert start + frame_at(grid.time_at(beat), rate) == frame


@settings(deadline=None)
@given(GRIDS, st.sampled_from(RATES), st.integers(0, 1500))
def test_nearest_beat_and_pulse_are_nearest(grid, rate, frame):
    seconds = seconds_at(frame, rate)
    beat = grid.nearest_beat(frame, rate)
    assert abs(grid.beat_times[beat] - seconds) == min(abs(time - seconds) for time in grid.beat_times)
    pulse = grid.nearest_pulse(seconds)
    step = grid.beats_per_pulse
    assert (pulse - grid.first_downbeat) % step == 0
    assert all(
        abs(grid.time_at(pulse) - seconds) <= abs(grid.time_at(other) - seconds)
        for other in (pulse - step, pulse + step)
    )


@given(
    st.fractions(30, 300, max_denominator=100),
    st.fractions(0, 5, max_denominator=1000),
    st.sampled_from([(4, 4), (3, 4), (6, 8)]),
    st.fractions(Fraction(1, 24), 60, max_denominator=1001),
)
def test_a_constant_grid_covers_its_cue(bpm, offset, meter, duration):
    grid = constant_grid(bpm, offset, meter, duration)
    beat = 60 / bpm
    assert 0 <= grid.beat_times[0] < beat
    assert grid.beat_times[-1] >= duration
    assert grid.beats == 1 or grid.beat_times[-2] < duration
    assert (offset - grid.time_at(grid.first_downbeat)) % (beat * grid.beats_per_bar) == 0
    assert grid.step_time(4 * grid.beats) == grid.beat_times[-1]


def test_bars_and_their_frames():
    grid = constant_grid(Fraction(120), Fraction(1, 2), (4, 4), Fraction(5))
    assert grid.beat_times[0] == 0
    assert grid.bar_beats == (1, 5, 9)
    assert grid.bar_frames(Fraction(24), 100) == (112, 160, 208)
    assert grid.bpm == 120
