"""Wishes and curves in words: what is written is what is asked, and what is none is told."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scored import picture_of
from shotscore_engine.errors import RequestError
from shotscore_engine.wishes import Wish
from shotscore_engine.wishtext import check_wish, parse_wish, read_curve

PICTURE = picture_of([("a", 0, 100), ("b", 0, 150), ("c", 0, 50)])


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("0-120: words=a quiet harbour; energy=0.2", Wish(0, 120, prompt="a quiet harbour", energy=0.2)),
        ("00:00:04:00-00:00:08:00: silence", Wish(100, 200, silence=True)),
        ("shots 2-3: mood=-0.4,0.7; key=d min; style=strings; density=0.8",
         Wish(100, 300, mood=(-0.4, 0.7), key="D minor", style="strings", density=0.8)),
        ("shot 1: prompt=rain: it pours; silence", Wish(0, 100, prompt="rain: it pours", silence=True)),
    ],
)  # fmt: skip
def test_what_is_written_is_asked(text: str, wish: Wish) -> None:
    check_wish(text)
    assert parse_wish(text, PICTURE) == wish


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("energy=0.2", "is not a wish"),
        (": energy=0.2", "is not a wish"),
        ("0-120: loudness=3", "is no wish; name each once"),
        ("0-120: energy=0.2; energy=0.3", "name each once"),
        ("0-120: energy", "name each once"),
        ("0-120: silence=yes", "name each once"),
        ("0-120: energy=much", "A number in"),
        ("0-120: energy=2", "outside 0 to 1"),
        ("0-120: mood=1", "A number in"),
        ("0-120: key=H", "is not a key"),
    ],
)
def test_what_is_no_wish_is_told_without_a_picture(text: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        check_wish(text)


@pytest.mark.parametrize("where", ["shots 3-4", "shots 0", "shots 2-1", "shots x", "300-301", "9-9", "soon"])
def test_a_place_that_is_not_there_is_told(where: str) -> None:
    check_wish(f"{where}: silence")
    with pytest.raises(RequestError):
        parse_wish(f"{where}: silence", PICTURE)


@given(st.text(max_size=40))
def test_any_text_is_a_wish_or_refused_in_words(text: str) -> None:
    with suppress(RequestError):
        assert isinstance(parse_wish(text, PICTURE), Wish)


def curve(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "curve.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "text",
    ["0,0.1\n240,0.8\n", "frame,energy\n240,0.8\n\n0, 0.1\n", "[[240, 0.8], [0, 0.1]]", "00:00:09:15,0.8\n0,0.1"],
)
def test_a_curve_is_read_from_both_forms(tmp_path: Path, text: str) -> None:
    assert read_curve(curve(tmp_path, text), PICTURE) == ((0, 0.1), (240, 0.8))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no points"),
        ("0,0.1\n0,0.2", "point 2: the frame 0 has an energy already"),
        ("0,0.1\n5", "point 2"),
        ("0,0.1\n5,high", "point 2"),
        ("0,1.1", "outside 0 to 1"),
        ("0,nan", "outside 0 to 1"),
        ("[0, 0.1]", "no list of points"),
        ("[[0, 0.1]", "is not JSON"),
        ('{"a": 1}', "no list of points"),
        ("[[null, 0.1]]", "point 1"),
    ],
)
def test_what_is_no_curve_is_told(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        read_curve(curve(tmp_path, text), PICTURE)


def test_a_curve_that_is_not_there_or_too_large_is_told(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="No such file"):
        read_curve(tmp_path / "none.csv", PICTURE)
    with pytest.raises(RequestError, match="larger than"):
        read_curve(curve(tmp_path, "0,0.5\n" * 200_000), PICTURE)


def test_drop_frame_timecode_is_the_timelines_matter() -> None:
    ntsc = replace(PICTURE, rate=PICTURE.rate * 1200 / 1001, start_frame=107_892, drop_frame=True)
    assert parse_wish("01:00:01:00-01:00:02:00: silence", ntsc) == Wish(30, 60, silence=True)
