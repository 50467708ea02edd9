"""The newcomer's first run."""

import os
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pretty_midi
import pytest
from checks import check_everything
from pytestqt.qtbot import QtBot
from running import Run
from shotscore_engine.timing import exact_rate
from shotscore_plugin import demo_film
from shotscore_plugin.cli import main

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished `shotscore demo`."""
    folder = tmp_path_factory.mktemp("demo")
    assert main(["demo", "--out", str(folder)]) == 0
    return folder


def test_the_film_is_what_it_says(demo: Path) -> None:
    assert 45 <= demo_film.DURATION_FRAMES / demo_film.RATE <= 60
    assert len(demo_film.CUT_FRAMES) + 1 == 12
    for path in (demo / "film" / "media").glob("*.mp4"):
        with av.open(str(path)) as container:
            picture, sound = container.streams.video[0], container.streams.audio[0]
            assert Fraction(picture.average_rate) == exact_rate("23.976")
            assert (picture.width, picture.height) == (demo_film.WIDTH, demo_film.HEIGHT)
            assert abs(float(picture.duration * picture.time_base - sound.duration * sound.time_base)) < 0.05


def test_the_demo_is_scored_and_found_again(demo: Path, shotscore: Callable[..., Run]) -> None:
    made = {path: path.stat().st_mtime_ns for path in (demo / "film").rglob("*.mp4")}
    run = shotscore("demo", "--out", demo, "--json")
    assert run.code == 0, run.err
    assert made == {path: path.stat().st_mtime_ns for path in (demo / "film").rglob("*.mp4")}
    table = run.table
    timeline = Path(table.pop("demo")["film"])  # what follows is what report.json holds
    check_everything(table, timeline, demo / "scored")
    assert table["rate"] == "24000/1001"
    assert table["start_timecode"] == "01:00:00:00"
    assert [shot["start_frame"] for shot in table["shots"]] == [0, *demo_film.CUT_FRAMES]
    assert [shot["start_frame"] for shot in table["shots"] if shot["from"] == "detected"] == [456]
    assert table["warnings"] == []
    # Somebody speaks by the window, and nobody on the train.
    spoken = np.zeros(table["duration_frames"], bool)
    for start, end in table["dialogue"]:
        spoken[start:end] = True
    assert spoken[780:948].mean() > 0.4
    assert spoken[204:372].mean() < 0.1


def test_the_panels_first_page_opens_it(demo: Path, qtbot: QtBot, tmp_path: Path) -> None:
    """A click on the button; the film, which takes long to draw, is there from before."""
    from panels import Panel
    from shotscore_plugin.panel import _DEMO

    settings = tmp_path / "settings"
    shutil.copytree(demo / "film", settings / "demo")
    panel = Panel(qtbot, settings, demo=_DEMO)
    window = panel.window
    assert window.first_page.isVisible()
    panel.until(window.painted, lambda: panel.click(window.first_page.demo_button))
    assert len(panel.session.picture.shots) >= len(demo_film.CUT_FRAMES)
    assert Path(panel.session.timeline).parent == settings / "demo"
    assert window.strip.isVisible()
    assert window.first_page.demo_button.isEnabled()
    assert not panel.problems
    panel.close()


def test_the_music_follows_the_film(demo: Path) -> None:
    """The storm and the fireworks get more notes a second than the dawn and the stars."""
    midi = pretty_midi.PrettyMIDI(str(demo / "scored" / "1m01.mid"))
    starts = np.array([note.start for part in midi.instruments for note in part.notes])

    def density(first: int, last: int) -> float:
        seconds = [float(Fraction(frame) / demo_film.RATE) for frame in (first, last)]
        return float(((starts >= seconds[0]) & (starts < seconds[1])).sum() / (seconds[1] - seconds[0]))

    wild = (density(624, 780) + density(948, 1080)) / 2
    still = (density(0, 120) + density(1080, 1180)) / 2
    assert wild > still
