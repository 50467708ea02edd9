"""Sudden movement and light inside shots become hits, and only they do."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films import calm, write_film
from numpy.typing import NDArray
from shotscore_engine.features.visual import ShotLook
from shotscore_engine.picture import MediaSpan, Picture, Shot
from shotscore_engine.request import ScoreRequest
from shotscore_engine.seen import find_peaks, hits_seen, peaks_of
from shotscore_engine.session import Session

RATE = Fraction(24)


def looked(motion: list[float], flash: list[float] | None = None, speed: int = 1) -> tuple[Picture, ShotLook]:
    """A shot of looks a sixth of a second apart, and its picture."""
    count = len(motion)
    media = MediaSpan(Path("a.mov"), False, Fraction(0), Fraction(speed))
    picture = Picture("film", RATE, 0, False, count * 4, (Shot(1, 0, count * 4, "A001", media),))
    seconds = (np.arange(count) + 0.5) / 6
    flat = np.full(count, 0.4, np.float32)
    light = np.zeros(count, np.float32) if flash is None else np.array(flash, np.float32)
    return picture, ShotLook(seconds, flat, flat, flat, flat, np.array(motion, np.float32), light, None)


def test_a_start_from_stillness_is_a_peak_where_it_happens() -> None:
    picture, look = looked([float("nan"), *[0.05] * 9, 0.6, *[0.5] * 9])
    (peak,) = peaks_of(picture, [look]).motion
    # The look at 10.5 sixths shows what happened since 9.5: the middle is 10 sixths, frame 40.
    assert peak[0] == 40
    assert peak[1] == 1


@pytest.mark.parametrize(
    "motion",
    [
        [float("nan"), *[0.5] * 12],  # always lively
        [float("nan"), *[0.02] * 6, 0.2, *[0.02] * 6],  # too little
        [float("nan"), 0.1, 0.9, 0.8, 0.7],  # the shot's own beginning
        [float("nan"), *np.linspace(0, 0.6, 40).tolist()],  # it grows and never jumps
    ],
)
def test_what_is_not_sudden_is_no_peak(motion: list[float]) -> None:
    picture, look = looked(motion)
    assert [peak for peak in peaks_of(picture, [look]).motion if peak[1] >= 0.5] == []


def test_in_reverse_the_moment_lies_on_the_other_side() -> None:
    picture, look = looked([float("nan"), *[0.05] * 9, 0.6, *[0.1] * 9], speed=-1)
    assert [peak[0] for peak in peaks_of(picture, [look]).motion] == [44]


def test_what_is_not_seen_or_stands_still_has_no_peaks() -> None:
    picture, look = looked([float("nan"), *[0.05] * 9, 0.6, *[0.1] * 9], speed=0)
    assert peaks_of(picture, [look]).motion == peaks_of(picture, [None]).motion == ()


def lightning(frame: int) -> NDArray[np.uint8]:
    """A dark calm picture; light from frame 60 to 65, and bars that race from frame 100 on."""
    picture = calm(frame).astype(int)
    if 60 <= frame < 66:
        picture += 150
    if frame >= 100:
        columns = np.arange(picture.shape[1])[None, :, None]
        picture = picture + np.where((columns + 29 * frame) // 20 % 2, 90, 0)
    return picture.clip(0, 255).astype(np.uint8)


def test_a_real_film_gives_both_and_the_session_spots_them(tmp_path: Path) -> None:
    film = write_film(tmp_path / "storm.mp4", RATE, 144, lightning)
    picture = Session.read(film).picture
    peaks = find_peaks(picture, 0, 144)
    assert any(abs(frame - 60) <= 4 and strength > 0.5 for frame, strength in peaks.flash)
    assert any(abs(frame - 100) <= 4 and strength > 0.5 for frame, strength in peaks.motion)
    hits = hits_seen(picture, 0, 144)
    assert {"flash", "motion"} <= {hit.kind for hit in hits}
    for hit in hits:
        assert hit.band == "nice"
        assert hit.tolerance_frames == 4
        assert "inside the shot" in hit.reason
    assert Session.read(film).spot(ScoreRequest(detect="none", tempo_bpm=100)).cue.hits == hits
    assert hits_seen(picture, 110, 144) == ()
