"""The tempo map: exact, gentle, never worse than the steady tempo, and an ending on its frame."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shotscore_engine.bend import BAR_CHANGE, BAR_DRIFT
from shotscore_engine.errors import RequestError
from shotscore_engine.grid import fit_hits
from shotscore_engine.spotting import Cue, Hit
from shotscore_engine.tempo import rank_tempi
from shotscore_engine.tempo_map import fit_grid, fit_tempo
from shotscore_engine.timing import frame_at, seconds_at

RATES = [Fraction(24), Fraction(25), Fraction(24000, 1001), Fraction(60000, 1001)]


def edit(seed, rate=RATES[0], cuts=24, start_frame=0, shift_at=None):
    """Cuts on two-beat steps of 100 BPM with a frame's jitter; from `shift_at` on they come late by `shift` seconds."""
    rng = np.random.default_rng(seed)
    beats = np.cumsum(rng.choice([2, 4, 4, 6], cuts))
    seconds = 0.3 + beats * 0.6
    if shift_at is not None:
        seconds[shift_at:] += 0.3
    frames = np.rint(seconds * float(rate)).astype(int) + rng.integers(-1, 2, cuts)
    tolerance = max(1, round(rate / 12))
    hits = tuple(Hit(start_frame + int(frame), "cut", 1.0, tolerance) for frame in frames)
    return Cue("1m01", start_frame, int(frames[-1]) + 60, hits)


def solve(cue, rate, **options):
    return fit_tempo(cue, rate, lowest_bpm=90, highest_bpm=110, **options)


def met(fits):
    return sum(fit.state == "met" for fit in fits)


def exact(fits):
    return sum(fit.frames_off == 0 for fit in fits)


@pytest.mark.parametrize("seed", range(4))
def test_the_map_makes_hits_exact_and_loses_none(seed):
    rate = RATES[seed]
    cue = edit(seed, rate, start_frame=1000 * seed)
    mapped, steady = solve(cue, rate, ending="fade"), solve(cue, rate, ending="fade", tempo_map=False)
    assert met(mapped.fits) >= met(steady.fits)
    assert exact(mapped.fits) >= exact(steady.fits) + 4
    assert mapped.fits == fit_hits(mapped.grid, cue.hits, rate, cue.start_frame)


@pytest.mark.parametrize("seed", range(4))
def test_the_map_is_gentle(seed):
    fit = solve(edit(seed), RATES[0], ending="fade")
    assert {change.kind for change in fit.changes} <= {"ease"}
    bars = [60 * 4 / float(b - a) for a, b in pairwise(fit.grid.bar_times)]
    if fit.grid.meter == (4, 4):
        assert all(abs(b / a - 1) <= BAR_CHANGE + 1e-3 for a, b in pairwise(bars))
        assert all(abs(bar / float(fit.candidates[0].bpm) - 1) <= BAR_DRIFT + 5e-3 for bar in bars)


def test_a_passage_that_comes_late_is_caught_by_a_hold():
    cue = edit(3, cuts=30, shift_at=15)
    (steady,) = rank_tempi(cue, RATES[0], tempo_bpm=100)
    mapped = fit_grid(steady, cue, RATES[0], ending="fade")
    assert [change.kind for change in mapped.changes if change.kind != "ease"] == ["fermata"]
    assert met(mapped.fits) >= steady.met + 8


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(1, 120), min_size=0, max_size=12),
    st.sampled_from(RATES),
    st.integers(0, 100_000),
    st.integers(1, 90),
    st.sampled_from(["hard", "ring", "fade"]),
    st.sampled_from([(4, 4), (3, 4), (6, 8)]),
    st.booleans(),
)
def test_every_grid_covers_its_cue_and_ends_as_asked(gaps, rate, start, tail, ending, meter, tempo_map):
    frames = [start + int(frame) for frame in np.cumsum(gaps)]
    cue = Cue("1m01", start, sum(gaps) + tail, tuple(Hit(frame, "cut", 1.0, 2) for frame in frames))
    fit = fit_tempo(cue, rate, lowest_bpm=80, highest_bpm=81, meters=[meter], ending=ending, tempo_map=tempo_map)
    times = fit.grid.beat_times
    assert all(a < b for a, b in pairwise(times))
    assert times[0] >= 0
    assert times[-1] >= seconds_at(cue.duration_frames, rate)
    assert fit.grid.beats == 1 or times[-2] < seconds_at(cue.duration_frames, rate)
    assert 0 <= fit.grid.first_downbeat < fit.grid.beats_per_bar
    assert fit.ending.end_frame == cue.end_frame
    assert cue.start_frame <= fit.ending.tail_frame <= cue.end_frame
    if ending == "fade":
        assert fit.ending.accent_frame is None
    for hit in cue.hits:
        beat = fit.grid.beat_at(seconds_at(hit.frame - start, rate))
        assert start + frame_at(fit.grid.time_at(beat), rate) == hit.frame


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 5), st.integers(60, 900), st.sampled_from(["hard", "ring"]), st.booleans(), st.booleans())
def test_the_last_accent_lands_on_the_frame_asked_for(seed, accent, ending, tempo_map, asked_tempo):
    rate = RATES[seed % 4]
    cue = Cue("1m01", 500, 1000, edit(seed, rate, cuts=8, start_frame=500).hits)
    fit = fit_tempo(
        cue,
        rate,
        lowest_bpm=99,
        highest_bpm=101,
        tempo_bpm=100 if asked_tempo else None,
        ending=ending,
        accent_frame=500 + accent,
        tempo_map=tempo_map,
    )
    assert fit.ending.accent_frame == 500 + accent
    assert seconds_at(accent, rate) in fit.grid.beat_times


def test_a_tempo_asked_for_is_constant():
    fit = fit_tempo(edit(1), RATES[0], tempo_bpm=97)
    assert {b - a for a, b in pairwise(fit.grid.beat_times)} == {Fraction(60, 97)}
    assert fit.changes == ()
    assert fit.ending.accent_frame is not None


def test_a_fade_begins_four_seconds_before_the_end():
    fit = fit_tempo(Cue("1m01", 100, 480), RATES[0], ending="fade")
    assert (fit.ending.accent_frame, fit.ending.tail_frame, fit.ending.end_frame) == (None, 484, 580)


def test_the_ring_takes_the_last_hit_that_leaves_it_time():
    cue = Cue("1m01", 0, 480, (Hit(400, "cut", 1.0, 2), Hit(475, "cut", 1.0, 2)))
    fit = fit_tempo(cue, RATES[0])
    assert fit.ending.accent_frame == fit.ending.tail_frame == 400


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ending": "bang"}, "no ending 'bang'; choose one of hard, ring, fade"),
        ({"accent_frame": 100}, "accent's frame 100 is not inside the cue; choose one between 100 and 200"),
        ({"accent_frame": 200}, "frame 200 is not inside"),
        ({"accent_frame": 150, "ending": "fade"}, "A fade has no last accent; leave out frame 150"),
    ],
)
def test_refusals_name_the_value_and_the_way_out(options, message):
    with pytest.raises(RequestError, match=message):
        fit_tempo(Cue("1m01", 100, 100), RATES[0], **options)


def test_the_candidates_stay_with_the_fit():
    cue = edit(2)
    fit = solve(cue, RATES[0])
    assert len(fit.candidates) > 1
    again = fit_grid(fit.candidates[0], cue, RATES[0])
    assert again.grid == fit.grid
