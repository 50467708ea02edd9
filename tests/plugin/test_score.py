"""The main job, end to end: what `score` leaves is read back with other programs' libraries and compared."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
from checks import check_everything
from films import Cut, calm, lively, read_wav, write_edit, write_film
from running import Run
from shotscore_engine.session import Session
from shotscore_engine.timing import format_timecode, quantise

RATES = {
    "23.976": Fraction(24000, 1001),
    "25": Fraction(25),
    "29.97": Fraction(30000, 1001),
    "50": Fraction(50),
    "59.94": Fraction(60000, 1001),
}


@pytest.mark.parametrize("name", RATES)
def test_every_rate_keeps_every_frame(name: str, shotscore: Callable[..., Run], tmp_path: Path) -> None:
    rate = RATES[name]
    second = quantise(rate)
    film = write_film(tmp_path / "film.mp4", rate, 9 * second, lively)
    cuts = [Cut(film, 3, 2 * second + 1), Cut(film, 4 * second, second + 7), Cut(film, 6 * second, 2 * second + 5)]
    timeline = write_edit(tmp_path / "edit.otio", rate, cuts)
    start, end = second // 2, sum(cut.frames for cut in cuts) - 3
    run = shotscore("score", timeline, "--out", tmp_path / "out", "--range", f"{start}-{end}", "--json")
    assert run.code == 0, run.err
    table = run.table
    assert table["rate"] == f"{rate.numerator}/{rate.denominator}"
    assert table["start_timecode"] == "01:00:00:00"
    assert table["duration_frames"] == sum(cut.frames for cut in cuts)
    assert [shot["start_frame"] for shot in table["shots"] if shot["from"] == "edit"] == [
        sum(cut.frames for cut in cuts[:k]) for k in range(len(cuts))
    ]
    (cue,) = table["cues"]
    assert (cue["start_frame"], cue["ends_at_frame"]) == (start, end)
    assert {hit["frame"] for hit in cue["hits"]} >= {cuts[0].frames, cuts[0].frames + cuts[1].frames}
    check_everything(table, timeline, tmp_path / "out")


STABLE = {"rate", "start_timecode", "duration_frames", "shots", "hits", "tempi"}
STABLE_SCORE = STABLE | {"cues", "device", "model", "seconds", "peak_memory_bytes"}
STABLE_CUE = {
    *("name", "start_frame", "duration_frames", "tempo_bpm", "key", "bars", "bar_frames", "seed", "take", "parts"),
    *("midi", "mix", "stems", "hits", "ends_at_frame"),
}


def test_the_answers_keep_their_names(shotscore: Callable[..., Run], edit: Path, tmp_path: Path) -> None:
    spot = shotscore("spot", edit, "--json").table
    assert spot.keys() >= STABLE
    assert spot["shots"][0].keys() >= {"index", "start_frame", "duration_frames", "name", "media", "offline", "from"}
    assert spot["hits"][0].keys() >= {"frame", "kind", "weight", "tolerance_frames"}
    assert spot["tempi"][0].keys() >= {"bpm", "met", "near", "missed"}
    score = shotscore("score", edit, "--out", tmp_path, "--json").table
    assert score.keys() >= STABLE_SCORE
    assert score["shots"] == spot["shots"]
    assert score["hits"] == spot["hits"]
    (cue,) = score["cues"]
    assert cue.keys() >= STABLE_CUE
    assert cue["hits"][0].keys() >= {"frame", "nearest_beat_frame", "frames_off", "state"}
    assert len(cue["bar_frames"]) == cue["bars"]
    assert score["seconds"].keys() >= {"read", "analyse", "denoise", "render", "write"}
    assert score["peak_memory_bytes"] > 50e6
    assert len(score["model"]["sha256"]) == 64
    assert (
        score["device"] in score["device_reason"] or score["device_reason"] or score["device"] != "CPUExecutionProvider"
    )
    check_everything(score, edit, tmp_path)


def notes_of(out: Path) -> bytes:
    return (out / "1m01.mid").read_bytes()


def test_a_seed_is_a_promise(shotscore: Callable[..., Run], edit: Path, tmp_path: Path) -> None:
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        assert shotscore("score", edit, "--out", tmp_path / name, "--seed", seed).code == 0
    assert notes_of(tmp_path / "a") == notes_of(tmp_path / "b")
    assert (tmp_path / "a" / "1m01_mix.wav").read_bytes() == (tmp_path / "b" / "1m01_mix.wav").read_bytes()
    assert notes_of(tmp_path / "a") != notes_of(tmp_path / "c")


def test_what_is_asked_for_is_done(shotscore: Callable[..., Run], edit: Path, tmp_path: Path) -> None:
    options = ("--tempo", "90", "--key", "Ebm", "--style", "solo-piano", "--mood", "-0.5,-0.5", "--takes", "2")
    run = shotscore("score", edit, "--out", tmp_path, "--range", "01:00:00:10-01:00:05:10", *options, "--json")
    assert run.code == 0, run.err
    (cue,) = run.table["cues"]
    assert (cue["start_frame"], cue["ends_at_frame"]) == (10, 135)
    assert cue["tempo_bpm"] == pytest.approx(90, abs=0.01)
    assert (cue["key"], cue["style"]) == ("Eb minor", "solo-piano")
    session = Session.open(tmp_path / "edit.shotscore")
    assert [(take.number, take.request.seed) for take in session.takes] == [(1, 1), (2, 2)]
    assert (tmp_path / "takes" / "1m01_take2.mid").read_bytes() != notes_of(tmp_path)
    assert read_wav(tmp_path / "takes" / "1m01_take2_mix.wav")[0].shape == read_wav(tmp_path / cue["mix"])[0].shape
    check_everything(run.table, edit, tmp_path)


def test_scoring_again_replaces_ours_and_keeps_the_session(
    shotscore: Callable[..., Run], edit: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    first = shotscore("score", edit, "--out", tmp_path, "--json").table
    assert shotscore("score", edit, "--out", tmp_path, "--style", "solo-piano", "--seed", "2").code == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert Session.open(tmp_path / "edit.shotscore.bak").takes[0].request.seed == 1
    assert Session.open(tmp_path / "edit.shotscore").takes[0].request.seed == 2
    stems = {path.name for path in (tmp_path / "stems").iterdir()}
    assert stems.isdisjoint(Path(path).name for path in first["cues"][0]["stems"].values()) or len(stems) < len(
        first["cues"][0]["stems"]
    )
    (tmp_path / "1m01.mid").write_bytes(notes_of(tmp_path) + b"edited")
    run = shotscore("score", edit, "--out", tmp_path, "--seed", "3")
    assert run.code == 2
    assert "1m01.mid was changed" in run.err
    assert notes_of(tmp_path).endswith(b"edited")


def test_another_timeline_needs_another_folder(shotscore: Callable[..., Run], edit: Path, tmp_path: Path) -> None:
    assert shotscore("score", edit, "--out", tmp_path).code == 0
    twin = edit.with_name("twin.otio")
    twin.write_bytes(edit.read_bytes())
    run = shotscore("score", twin, "--out", tmp_path)
    assert run.code == 2
    assert "edit.shotscore" in run.err
    assert (tmp_path / "edit.scored.otio").exists()


def test_missing_media_is_scored_with_a_warning(shotscore: Callable[..., Run], tmp_path: Path) -> None:
    rate = Fraction(25)
    film = write_film(tmp_path / "film.mp4", rate, 80, lively)
    cuts = [Cut(film, 0, 70), Cut(tmp_path / "gone.mov", 0, 80, "A storm at sea")]
    timeline = write_edit(tmp_path / "edit.otio", rate, cuts)
    run = shotscore("score", timeline, "--out", tmp_path / "out", "--json")
    assert run.code == 0, run.err
    assert any("A storm at sea" in warning for warning in run.table["warnings"])
    assert [shot["offline"] for shot in run.table["shots"]] == [False, True]
    check_everything(run.table, timeline, tmp_path / "out")
    run = shotscore("score", timeline, "--out", tmp_path / "strict", "--strict-media")
    assert run.code == 2
    assert "A storm at sea" in run.err
    assert not (tmp_path / "strict").exists()


def test_another_film_under_the_same_cuts_is_other_music(shotscore: Callable[..., Run], tmp_path: Path) -> None:
    """More happens, and louder, where more happens in the picture."""
    rate, played = Fraction(25), {}
    for paint in (calm, lively):
        folder = tmp_path / paint.__name__
        folder.mkdir()
        film = write_film(folder / "film.mp4", rate, 400, paint)
        timeline = write_edit(folder / "edit.otio", rate, [Cut(film, k * 80, 80) for k in range(5)])
        options = ("--seed", "3", "--tempo", "100", "--key", "C", "--style", "solo-piano", "--detect", "none")
        run = shotscore("score", timeline, "--out", folder / "out", *options, "--json")
        assert run.code == 0, run.err
        midi = pretty_midi.PrettyMIDI(str(folder / "out" / "1m01.mid"))
        played[paint.__name__] = [note for part in midi.instruments for note in part.notes]
    assert notes_of(tmp_path / "calm" / "out") != notes_of(tmp_path / "lively" / "out")
    assert len(played["lively"]) > 1.2 * len(played["calm"])
    assert np.mean([n.velocity for n in played["lively"]]) > np.mean([n.velocity for n in played["calm"]])


@pytest.mark.parametrize("name", ["bunny", "bikes"])
def test_real_films(name: str, shotscore: Callable[..., Run], real_videos: dict[str, Path], tmp_path: Path) -> None:
    run = shotscore("score", real_videos[name], "--out", tmp_path, "--json")
    assert run.code == 0, run.err
    check_everything(run.table, real_videos[name], tmp_path)
    if name == "bikes":
        assert sum(shot["from"] == "detected" for shot in run.table["shots"]) >= 3


def test_spot_draws(shotscore: Callable[..., Run], edit: Path, tmp_path: Path) -> None:
    run = shotscore("spot", edit, "--plot", tmp_path / "a.png")
    assert run.code == 0, run.err
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    for wrong in (tmp_path / "a.doc", tmp_path / "a.png" / "b.png"):
        run = shotscore("spot", edit, "--plot", wrong)
        assert run.code == 2
        assert str(wrong.name) in run.err or "a.png" in run.err
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_text_for_people_names_times_and_files(shotscore: Callable[..., Run], edit: Path, tmp_path: Path) -> None:
    spot = shotscore("spot", edit)
    assert format_timecode(90_000 + 50, Fraction(25)) in spot.out
    score = shotscore("score", edit, "--out", tmp_path / "out")
    assert str(tmp_path / "out" / "edit.scored.otio") in score.out
    assert "BPM" in score.out
    assert "Writing the music" in score.err
