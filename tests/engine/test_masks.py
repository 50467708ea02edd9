"""Masks: the supplement's equation taken literally, and what must hold for every cue."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shotscore_engine.errors import RequestError
from shotscore_engine.grid import constant_grid
from shotscore_engine.masks import DYNAMIC_WINDOWS, block_ids, find_cut_beats, nearest_window, sac_mask
from shotscore_engine.picture import Picture, Shot
from shotscore_engine.spotting import Cue, Hit

KINDS = st.sampled_from(["fixed", "dynamic", "shot", "aligned"])
CUTS = st.lists(st.integers(-10, 150), max_size=30)
BEATS = st.integers(1, 130)
WINDOWS = st.integers(1, 40)


def equation_1(beats, k):
    """Eq. 1 as printed: gamma runs over {0, ..., T/k}, and both i and j lie in its block."""
    mask = np.zeros((beats, beats), dtype=bool)
    for gamma in range(beats // k + 1):
        for i in range(beats):
            for j in range(beats):
                if k * gamma <= i < k * (gamma + 1) and k * gamma <= j < k * (gamma + 1):
                    mask[i, j] = True
    return mask


@pytest.mark.parametrize(("beats", "k"), [(32, 8), (32, 4), (32, 32), (30, 8), (7, 8), (33, 16), (5, 1)])
def test_fixed_is_the_supplements_equation(beats, k):
    np.testing.assert_array_equal(sac_mask("fixed", beats, k=k), equation_1(beats, k))


def test_the_last_block_of_fixed_is_partial():
    assert np.bincount(block_ids("fixed", 20, k=8)).tolist() == [8, 8, 4]


def test_aligned_starts_anew_at_each_cut():
    assert np.bincount(block_ids("aligned", 24, k=8, cut_beats=[5, 15])).tolist() == [5, 8, 2, 8, 1]


def test_shot_is_one_block_a_shot():
    assert np.bincount(block_ids("shot", 24, cut_beats=[15, 5, 5, 0, 24])).tolist() == [5, 10, 9]


@pytest.mark.parametrize(
    ("lengths", "window"), [([4] * 10, 4), ([8] * 5, 8), ([15, 17], 16), ([64], 32), ([2] * 9, 4), ([32] + [4] * 3, 32)]
)
def test_dynamic_takes_the_window_nearest_to_the_shots(lengths, window):
    ends = np.cumsum(lengths)
    beats, cuts = int(ends[-1]), ends[:-1].tolist()
    assert nearest_window(beats, cuts) == window
    np.testing.assert_array_equal(sac_mask("dynamic", beats, cut_beats=cuts), equation_1(beats, window))


@given(KINDS, BEATS, WINDOWS, CUTS)
def test_every_mask_is_an_equivalence_of_contiguous_beats(kind, beats, k, cuts):
    mask = sac_mask(kind, beats, k=k, cut_beats=cuts)
    ids = block_ids(kind, beats, k=k, cut_beats=cuts)
    assert mask.shape == (beats, beats)
    assert mask.dtype == np.bool_
    assert mask.diagonal().all()
    assert (mask == mask.T).all()
    assert ids[0] == 0
    assert set(np.diff(ids)) <= {0, 1}


@given(BEATS, WINDOWS, CUTS)
def test_aligned_windows_never_straddle_a_cut_and_never_exceed_k(beats, k, cuts):
    ids = block_ids("aligned", beats, k=k, cut_beats=cuts)
    assert np.bincount(ids).max() <= k
    assert all(ids[cut - 1] != ids[cut] for cut in cuts if 0 < cut < beats)
    opened = np.flatnonzero(np.diff(ids)) + 1
    inside = [beat for beat in opened if beat not in cuts]
    assert all(ids[beat - k] == ids[beat] - 1 and np.sum(ids == ids[beat] - 1) == k for beat in inside)


@given(BEATS, WINDOWS)
def test_without_cuts_aligned_is_fixed(beats, k):
    np.testing.assert_array_equal(sac_mask("aligned", beats, k=k), sac_mask("fixed", beats, k=k))


@given(BEATS, CUTS)
def test_dynamic_is_fixed_with_one_of_its_windows(beats, cuts):
    mask = sac_mask("dynamic", beats, cut_beats=cuts)
    assert any((mask == sac_mask("fixed", beats, k=k)).all() for k in DYNAMIC_WINDOWS)


@given(BEATS, CUTS)
def test_shot_opens_a_block_exactly_at_the_cuts(beats, cuts):
    opened = np.flatnonzero(np.diff(block_ids("shot", beats, cut_beats=cuts))) + 1
    assert opened.tolist() == sorted({cut for cut in cuts if 0 < cut < beats})


def test_no_beats_give_an_empty_mask():
    assert sac_mask("aligned", 0, cut_beats=[3]).shape == (0, 0)
    assert sac_mask("dynamic", 0).shape == (0, 0)


def test_refusals_name_the_value_and_the_way_out():
    with pytest.raises(RequestError, match=r"no mask 'round'; choose one of fixed, dynamic, shot, aligned"):
        block_ids("round", 8)
    with pytest.raises(RequestError, match="-1 beats"):
        sac_mask("fixed", -1)
    with pytest.raises(RequestError, match="k=0"):
        sac_mask("fixed", 8, k=0)


def test_aligned_takes_the_hits_that_matter_and_shot_every_cut():
    rate = Fraction(24)
    shots = tuple(Shot(i + 1, 24 * i, 24, "", None) for i in range(10))
    picture = Picture("Film", rate, 0, False, 240, shots)
    hits = (Hit(72, "cut", 1.0, 2), Hit(96, "cut", 0.0, 2), Hit(120, "motion", 0.5, 2), Hit(169, "marker", 0.5, 2))
    cue = Cue("1m01", 48, 192, hits)
    grid = constant_grid(Fraction(120), Fraction(0), (4, 4), Fraction(8))
    assert find_cut_beats("aligned", picture, cue, grid) == (2, 10)
    assert find_cut_beats("shot", picture, cue, grid) == (2, 4, 6, 8, 10, 12, 14)
