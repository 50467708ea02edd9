"""Wishes for ranges: they reach the beats they name, and no others."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scored import picture_of
from shotscore_engine.compose import brief_for
from shotscore_engine.errors import RequestError
from shotscore_engine.features import VISUAL_NAMES, BeatFeatures
from shotscore_engine.features.language import encode
from shotscore_engine.grid import constant_grid
from shotscore_engine.request import ScoreRequest
from shotscore_engine.spotting import Cue
from shotscore_engine.wishes import Wish, silent_beats, steered, wished_beats

RATE = Fraction(25)
CUE = Cue("1m01", 100, 500)
PICTURE = picture_of([("a", 0, 700)], RATE)
GRID = constant_grid(Fraction(120), Fraction(0), (4, 4), Fraction(20))
BEATS = GRID.beats


def features() -> BeatFeatures:
    rise = np.linspace(0.2, 0.8, BEATS, dtype=np.float32)
    return BeatFeatures(
        language=np.repeat(encode(["A street"]), BEATS, axis=0),
        visual=np.zeros((BEATS, len(VISUAL_NAMES)), np.float32),
        valence=rise - 0.5,
        arousal=rise - 0.5,
        energy=rise,
        shot_of_beat=np.zeros(BEATS, np.int32),
        captions=("A street",),
    )


@given(st.integers(0, 700), st.integers(1, 700))
def test_a_wish_changes_its_beats_alone(start: int, length: int) -> None:
    wish = Wish(start, start + length, energy=1.0, mood=(-1.0, 1.0), prompt="a funeral")
    here = wished_beats(wish, CUE, GRID, RATE)
    before, after = features(), steered(features(), [wish], (), CUE, GRID, RATE)
    for name in ("language", "valence", "arousal", "energy"):
        old, new = getattr(before, name), getattr(after, name)
        assert np.array_equal(old[~here], new[~here])
        assert not here.any() or not np.array_equal(old[here], new[here])
    beat = 12.5  # frames
    assert here.sum() == sum(start <= 100 + beat * (i + 0.5) < start + length for i in range(BEATS))


def test_the_words_of_a_wish_pull_the_mood() -> None:
    glad, sad = (
        steered(features(), [Wish(100, 600, prompt=words)], (), CUE, GRID, RATE).valence.mean()
        for words in ("children laugh and dance in the sun", "a funeral in the rain, everyone weeps")
    )
    assert glad > sad


def test_a_curve_drawn_by_hand_is_followed() -> None:
    curve = ((100, 0.0), (350, 1.0), (600, 0.5))
    energy = steered(features(), (), curve, CUE, GRID, RATE).energy
    assert energy[0] < 0.05
    assert energy[BEATS // 2] == pytest.approx(1, abs=0.03)
    assert energy[-1] == pytest.approx(0.5, abs=0.03)
    with pytest.raises(RequestError, match="do not rise"):
        ScoreRequest(energy_curve=((5, 0.1), (5, 0.2)))
    with pytest.raises(RequestError, match="outside 0 to 1"):
        ScoreRequest(energy_curve=((5, 1.1),))


def test_density_key_and_silence_reach_the_model() -> None:
    wishes = (Wish(100, 225, density=0.9, key="d minor"), Wish(225, 350, silence=True), Wish(300, 350))
    request = ScoreRequest(wishes=wishes)
    brief = brief_for(features(), PICTURE, CUE, GRID, request, "C major", "solo-piano")
    plain = brief_for(features(), PICTURE, CUE, GRID, replace(request, wishes=()), "C major", "solo-piano")
    frame, was = brief.condition.frame, plain.condition.frame
    assert frame.density is not None
    assert was.density is not None
    assert frame.key_offset is not None
    assert frame.minor is not None
    assert (frame.density[:10] == np.float32(0.9)).all()
    assert np.array_equal(frame.density[10:], was.density[10:])
    assert set(frame.key_offset[:10]) == {5}  # F major, the relative of D minor
    assert frame.minor[:10].all()
    assert not frame.minor[10:].any()
    assert np.flatnonzero(brief.silent).tolist() == list(range(10, 16))  # the last wish lifts it
    assert frame.parts is not None
    assert not frame.parts[brief.silent].any()
    assert not silent_beats((), CUE, GRID, RATE).any()


@pytest.mark.parametrize(
    "about",
    [
        {"start_frame": 5, "end_frame": 5},
        {"start_frame": -1, "end_frame": 5},
        {"start_frame": 0, "end_frame": 5, "energy": 1.5},
        {"start_frame": 0, "end_frame": 5, "density": -0.1},
        {"start_frame": 0, "end_frame": 5, "mood": (0.0, 2.0)},
        {"start_frame": 0, "end_frame": 5, "key": "H dur"},
    ],
)
def test_wishes_that_make_no_sense_are_told(about: dict[str, object]) -> None:
    with pytest.raises(RequestError):
        Wish(**about)  # type: ignore[arg-type]
