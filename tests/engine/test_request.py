"""Requests are checked when they are made; ranges in frames and timecode."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scored import scored
from shotscore_engine.errors import RequestError
from shotscore_engine.picture import Picture
from shotscore_engine.request import ScoreRequest, parse_key, parse_range
from shotscore_engine.timing import format_timecode

RATES = (Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(50), Fraction(60000, 1001))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"tempo_bpm": 0}, "tempo 0 is outside 30 to 300"),
        ({"tempo_bpm": 1000.0}, "tempo 1000"),
        ({"tempo_bpm": float("nan")}, "tempo nan"),
        ({"energy": 1.5}, "energy 1.5"),
        ({"accent_frame": 5, "ending": "fade"}, "A fade has no last accent; leave out frame 5"),
        ({"accent_frame": 5, "start_frame": 5}, "accent's frame 5 is not inside 5-None"),
        ({"accent_frame": 50, "end_frame": 50}, "accent's frame 50 is not inside 0-50"),
        ({"mood": (0.0, -2.0)}, "arousal -2"),
        ({"key": "H flat"}, "'H flat' is not a key"),
        ({"seed": -1}, "seed -1 is outside 0"),
        ({"steps": 0}, "steps 0"),
        ({"guidance": 99}, "guidance 99"),
        ({"selector": "smell"}, "no selector 'smell'; choose one of video"),
        ({"mask": "round"}, "no mask 'round'"),
        ({"device": "abacus"}, "no device 'abacus'"),
        ({"detect": "no"}, "no detector 'no'"),
        ({"loudness_lufs": 3}, "loudness 3"),
        ({"takes": 0}, "takes 0"),
        ({"start_frame": 9, "end_frame": 9}, "9-9 is empty"),
        ({"prompt": "a" * 2001}, "2001 characters"),
    ],
)
def test_senseless_requests_are_refused(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        ScoreRequest(**wrong)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Am", "A minor"),
        ("a min", "A minor"),
        ("AM", "A major"),
        ("Bb", "Bb major"),
        ("f#m", "F# minor"),
        ("e♭", "Eb major"),
    ],
)
def test_keys_in_many_spellings(text: str, key: str) -> None:
    assert parse_key(text) == key
    assert parse_key(key) == key


@given(st.sampled_from(RATES), st.booleans(), st.integers(0, 9000), st.integers(1, 9000))
def test_ranges_in_frames_and_timecode_agree(rate: Fraction, drop: bool, start: int, length: int) -> None:
    drop = drop and rate.denominator == 1001 and rate > 25
    picture = Picture("x", rate, 100_000, drop, start + length, ())
    end = start + length
    assert parse_range(f"{start}-{end}", picture) == (start, end)
    spelled = "-".join(format_timecode(picture.start_frame + frame, rate, drop) for frame in (start, end))
    assert parse_range(spelled, picture) == (start, end)
    # Whoever types colons on a drop-frame timeline means the same moment.
    assert parse_range(spelled.replace(";", ":"), picture) == (start, end)


@pytest.mark.parametrize("text", ["7", "a-b", "5-5", "9-5", "0-101", "00:00:00:00-00:00:01:00", "-", "1-2-3"])
def test_senseless_ranges_are_refused(text: str) -> None:
    with pytest.raises(RequestError, match=r"range"):
        parse_range(text, Picture("x", Fraction(25), 90_000, False, 100, ()))


def test_the_papers_controls_reach_the_model() -> None:
    from shotscore_engine.compose import brief_for
    from shotscore_engine.features.describe import describe
    from shotscore_engine.spotting import Cue as SpotCue

    session = scored([("a", 0, 200), ("b", 0, 200)])
    take, cue = session.takes[0], session.cue("1m01")
    features = describe(session.picture, take.grid, SpotCue("1m01", 0, 400))
    masks = []
    for k in (4, 16):
        request = replace(take.request, mask="fixed", mask_k=k)
        brief = brief_for(features, session.picture, cue, take.grid, request, take.key, take.style)
        masks.append(brief.condition.sac_mask[0].sum())
    assert masks == [4, 16]
    for wrong in ({"switch_t": 1001.0}, {"mask_k": 0}):
        with pytest.raises(RequestError, match="outside"):
            ScoreRequest(**wrong)
