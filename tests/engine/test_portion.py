"""Searching a range finds what searching everything finds there, and leaves the rest alone."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from films import Cut, calm, lively, write_edit, write_film
from hypothesis import given
from hypothesis import strategies as st
from scored import picture_of
from shotscore_engine.picture import AudioSpan, MediaSpan, Picture
from shotscore_engine.portion import portion, put_back
from shotscore_engine.session import Session

RATE = Fraction(25)


@pytest.fixture(scope="module")
def edit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of one film that changes every two seconds."""
    folder = tmp_path_factory.mktemp("portion")

    def paint(frame: int):  # type: ignore[no-untyped-def]
        return (calm, lively)[frame // 50 % 2](frame)

    film = write_film(folder / "film.mp4", RATE, 300, paint)
    return write_edit(folder / "edit.otio", RATE, [Cut(film, 10, 150), Cut(film, 140, 150)])


def test_a_range_is_searched_and_nothing_else(edit: Path) -> None:
    plain = Session.read(edit)
    everything = plain.analysed().picture
    some = plain.analysed(span=(100, 200)).picture
    starts = {shot.start_frame for shot in everything.shots}
    assert {40, 90, 140, 150} <= starts
    inside = {frame for frame in starts if 100 < frame < 200}
    assert {shot.start_frame for shot in some.shots} == {0, 150} | inside
    assert sum(shot.duration_frames for shot in some.shots) == 300
    assert [shot.index for shot in some.shots] == list(range(1, len(some.shots) + 1))
    whole = plain.analysed(span=(0, 300)).picture
    assert whole == everything


@given(st.integers(0, 299), st.integers(1, 300), st.booleans())
def test_an_untouched_portion_changes_nothing(start: int, length: int, spoken: bool) -> None:
    picture = picture_of([("a", 0, 100), ("b", 7, 120), ("c", 50, 80)])
    sound = AudioSpan("A1", 20, 200, "a", MediaSpan(Path("/films/a.wav"), False, Fraction(3), Fraction(2)))
    speech = ((30, 60), (150, 260)) if spoken else ()
    picture = replace(picture, audio=(sound,), dialogue=speech)
    end = min(300, start + length)
    part = portion(picture, start, end)
    assert sum(shot.duration_frames for shot in part.shots) == end - start
    for shot, whole in ((one, picture.shots[one.index - 1]) for one in part.shots):
        assert shot.media is not None
        assert whole.media is not None
        assert shot.media.start - whole.media.start == Fraction(shot.start_frame - whole.start_frame) / RATE
    for span in part.audio:
        assert span.media is not None
        assert span.media.start == 3 + 2 * Fraction(span.start_frame - 20) / RATE
    # Whoever heard the same speech in the range again puts the same picture together.
    heard = tuple((max(a, start), min(b, end)) for a, b in speech if a < end and b > start)
    assert put_back(picture, replace(part, dialogue=heard), start, end) == picture


def test_what_is_unreadable_is_known_to_be() -> None:
    picture = picture_of([("a", 0, 100)])
    assert isinstance(picture, Picture)
    part = portion(picture, 20, 60)
    (shot,) = part.shots
    assert shot.media is not None
    lost = replace(part, shots=(replace(shot, media=replace(shot.media, offline=True)),), warnings=("gone",))
    back = put_back(picture, lost, 20, 60)
    assert back.shots[0].media is not None
    assert back.shots[0].media.offline
    assert back.warnings == ("gone",)
    assert back.shots[0].duration_frames == 100
