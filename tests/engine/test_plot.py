"""The picture of a spotting session is drawn, whatever the cue; its looks were judged by eye."""

from fractions import Fraction
from pathlib import Path

import pytest
from shotscore_engine.errors import OutputError, RequestError
from shotscore_engine.picture import Marker, MediaSpan, Picture, Shot
from shotscore_engine.plot import spot_figure, write_spot_figure
from shotscore_engine.spotting import Cue, spot
from shotscore_engine.tempo_map import TempoChange, ending_on, fit_tempo

RATE = Fraction(24)


@pytest.fixture(scope="module")
def scene():
    media = MediaSpan(Path("a.mov"), True, Fraction(0))
    shots = tuple(Shot(i + 1, 60 * i, 60, f"A{i}", media if i % 2 else None) for i in range(8))
    film = Picture("Harbour", RATE, 86400, False, 480, shots, (Marker(100, 0, "turn"),))
    cue = Cue("1m01", 0, 480, spot(film))
    return film, cue, fit_tempo(cue, RATE, lowest_bpm=90, highest_bpm=100)


def texts(figure):
    return {text.get_text() for axes in figure.axes for text in axes.texts} | {figure.get_suptitle()}


def test_the_figure_says_what_was_found(scene):
    film, cue, fit = scene
    figure = spot_figure(film, cue, fit.grid, fit.candidates)
    words = texts(figure)
    assert f"{float(fit.candidates[0].bpm):.2f}" in words
    met = sum(each.state == "met" for each in fit.fits)
    assert any("1m01" in word and f"{met} of {len(fit.fits)} hits met" in word for word in words)
    legend = figure.axes[1].get_legend()
    assert f"met {met}" in [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize(("suffix", "begins"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_it_is_written_in_the_format_its_name_asks_for(scene, tmp_path, suffix, begins):
    film, cue, fit = scene
    path = tmp_path / f"spot{suffix}"
    write_spot_figure(path, film, cue, fit.grid)
    assert path.read_bytes().startswith(begins)


@pytest.mark.parametrize("kind", ["hard", "ring", "fade"])
def test_the_ending_and_what_holds_the_tempo_are_drawn(scene, kind):
    film, cue, fit = scene
    ending = ending_on(fit.grid, cue, RATE, kind)
    changes = [
        TempoChange("silence", 4, 8, 90.0),
        TempoChange("ritardando", 12, 16, 80.0),
        TempoChange("ease", 0, 4, 95.0),
    ]
    words = texts(spot_figure(film, cue, fit.grid, ending=ending, changes=changes))
    assert {kind, "silence", "rit."} <= words
    assert "ease" not in words


def test_a_cue_without_hits_is_drawn_too(scene):
    film = scene[0]
    cue = Cue("1m02", 0, 30)
    assert spot_figure(film, cue, fit_tempo(cue, RATE, tempo_bpm=40).grid).axes


def test_refusals_name_the_value_and_the_way_out(scene, tmp_path):
    film, cue, fit = scene
    with pytest.raises(RequestError, match=r"'spot\.bmp'; end the name with \.png, \.svg, \.pdf"):
        write_spot_figure(tmp_path / "spot.bmp", film, cue, fit.grid)
    with pytest.raises(OutputError, match=r"spot\.png cannot be written: No such file"):
        write_spot_figure(tmp_path / "none" / "spot.png", film, cue, fit.grid)
