"""Thumbnails: of the right moment, in the background, kept within bounds."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films import write_film
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot
from shotscore_ui.strip.canvas import thumbnail_moment
from shotscore_ui.thumbnails import HEIGHT, ThumbnailStore, grab, moment_of
from shotscore_ui.view import ShotView

RATE = Fraction(25)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds, one red, one green, one blue, one white."""
    colours = [(220, 0, 0), (0, 220, 0), (0, 0, 220), (240, 240, 240)]
    path = tmp_path_factory.mktemp("thumbnails") / "four.mp4"
    return write_film(path, RATE, 100, lambda frame: np.full((180, 320, 3), colours[frame // 25], np.uint8))


@pytest.fixture
def store(tmp_path: Path, qtbot: QtBot) -> Iterator[ThumbnailStore]:  # noqa: ARG001 - needs Qt
    made = ThumbnailStore(tmp_path / "cache", workers=1)
    yield made
    made.close()


def main_colour(image: QImage) -> tuple[int, ...]:
    colour = image.pixelColor(image.width() // 2, image.height() // 2)
    return tuple(round(part / 255) for part in (colour.red(), colour.green(), colour.blue()))


@pytest.mark.parametrize(("second", "colour"), [(0.5, (1, 0, 0)), (1.2, (0, 1, 0)), (2.9, (0, 0, 1)), (3.5, (1, 1, 1))])
def test_a_thumbnail_shows_its_moment(film: Path, second: float, colour: tuple[int, int, int]) -> None:
    at = Fraction(second)
    image = grab(moment_of(film, at, Fraction(int(second)), Fraction(int(second)) + Fraction(24, 25)))
    assert (image.width(), image.height()) == (round(HEIGHT * 16 / 9), HEIGHT)
    assert main_colour(image) == colour


def test_it_is_loaded_behind_the_scenes_and_kept(film: Path, store: ThumbnailStore, qtbot: QtBot) -> None:
    moment = moment_of(film, Fraction(5, 2), Fraction(2), Fraction(74, 25))
    with qtbot.waitSignal(store.ready, timeout=20_000):
        assert store.image(moment) is None
    image = store.image(moment)
    assert image is not None
    assert main_colour(image) == (0, 0, 1)
    assert len(list(store.folder.glob("*.jpg"))) == 1
    assert not list(store.folder.glob("*.part"))


def test_it_comes_from_the_disk_the_next_time(film: Path, store: ThumbnailStore, qtbot: QtBot) -> None:
    moment = moment_of(film, Fraction(1, 2), Fraction(0), Fraction(1))
    with qtbot.waitSignal(store.ready, timeout=20_000):
        store.image(moment)
    kept = next(store.folder.glob("*.jpg"))
    green = QImage(32, 32, QImage.Format.Format_RGB32)
    green.fill(0xFF00FF00)
    assert green.save(str(kept))
    again = ThumbnailStore(store.folder, workers=1)
    with qtbot.waitSignal(again.ready, timeout=20_000):
        again.image(moment)
    image = again.image(moment)
    again.close()
    assert image is not None
    assert main_colour(image) == (0, 1, 0)


def test_a_file_without_a_picture_is_asked_once(tmp_path: Path, store: ThumbnailStore, qtbot: QtBot) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no film")
    moment = moment_of(broken, Fraction(0), Fraction(0), Fraction(1))
    with qtbot.waitSignal(store.ready, timeout=20_000):
        store.image(moment)
    assert store.image(moment) is None
    assert store.idle


def test_memory_and_disk_stay_within_their_bounds(film: Path, tmp_path: Path, qtbot: QtBot) -> None:
    one = grab(moment_of(film, Fraction(0), Fraction(0), Fraction(1))).sizeInBytes()
    small = ThumbnailStore(tmp_path / "small", workers=1, memory_bytes=3 * one, disk_bytes=4000)
    for quarter in range(12):
        moment = moment_of(film, Fraction(quarter, 4), Fraction(0), Fraction(4))
        with qtbot.waitSignal(small.ready, timeout=20_000):
            small.image(moment)
    assert small.memory_used <= 3 * one
    assert sum(path.stat().st_size for path in small.folder.glob("*.jpg")) <= 4000
    small.close()
    assert small.idle


def test_a_little_zoom_asks_for_little_that_is_new(film: Path) -> None:
    shot = ShotView(1, 0, 2500, "A", film, False, Fraction(0), Fraction(1), False)
    wide = {thumbnail_moment(shot, frame, 60, RATE, head=False) for frame in range(0, 2500, 60)}
    wider = {thumbnail_moment(shot, frame, 75, RATE, head=False) for frame in range(0, 2500, 75)}
    # Both stand on one grid of two seconds, and what they share is found again.
    assert all(moment.seconds % 2 == 0 for moment in wide | wider if moment.seconds < 99)
    assert len(wide & wider) > len(wider) / 2


def test_reversed_shots_stay_inside_their_media(film: Path) -> None:
    shot = ShotView(1, 100, 50, "A", film, False, Fraction(3), Fraction(-1), False)
    for frame in (100, 120, 149):
        moment = thumbnail_moment(shot, frame, 10, RATE, head=False)
        assert Fraction(26, 25) <= moment.seconds <= 3
