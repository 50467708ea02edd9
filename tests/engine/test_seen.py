"""Sudden movement and light inside shots become hits, and only they do."""

from fractions import Fraction
from pathlib import Path

import numpy as np
from films import calm, write_film
from numpy.typing import NDArray
from shotscore_engine.request import ScoreRequest
from shotscore_engine.seen import hits_seen
from shotscore_engine.session import Session

RATE = Fraction(24)


def lightning(frame: int) -> NDArray[np.uint8]:
    """A dark calm picture; light from frame 60 to 65, and bars that race from frame 100 on."""
    picture = calm(frame).astype(int)
    if 60 <= frame < 66:
        picture += 150
    if frame >= 100:
        columns = np.arange(picture.shape[1])[None, :, None]
        picture = picture + np.where((columns + 29 * frame) // 20 % 2, 90, 0)
    return picture.clip(0, 255).astype(np.uint8)


def test_a_film_gives_both_and_the_session_spots_them(tmp_path: Path) -> None:
    film = write_film(tmp_path / "storm.mp4", RATE, 144, lightning)
    picture = Session.read(film).picture
    hits = hits_seen(picture, 0, 144)
    frames = {hit.kind: hit.frame for hit in hits}
    assert abs(frames["flash"] - 60) <= 4
    assert abs(frames["motion"] - 100) <= 4
    for hit in hits:
        assert hit.band == "nice"
        assert hit.tolerance_frames == 4
        assert "inside the shot" in hit.reason
    assert Session.read(film).spot(ScoreRequest(detect="none", tempo_bpm=100)).cue.hits == hits
    assert hits_seen(picture, 110, 144) == ()
