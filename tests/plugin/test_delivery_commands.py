"""export, insert and remove, end to end: every format of the list, read back by somebody else where there is one."""

import csv
import json
import shutil
import subprocess
import sys
import wave
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import mido
import numpy as np
import pretty_midi
import pytest
import symusic
import wavinfo
from defusedxml import ElementTree
from films import read_wav, write_short_edit
from running import Run
from shotscore_engine.readers import read_timeline
from shotscore_exporters import documents, report
from shotscore_exporters.export import FORMATS
from shotscore_plugin.cli import main

Shotscore = Callable[..., Run]
FRAMES = 150


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scored session of six seconds, made once."""
    folder = tmp_path_factory.mktemp("delivery")
    edit = write_short_edit(folder)
    code = main(
        [
            "score",
            str(edit),
            "--out",
            str(folder / "out"),
            "--steps",
            "2",
            "--style",
            "solo-piano",
            "--prompt",
            "tea & <rain>",
        ]
    )
    assert code == 0
    return folder / "out"


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nobody's credits, and a data folder of the test's own."""
    monkeypatch.setenv("SHOTSCORE_CREDITS", str(tmp_path / "credits.toml"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return


def exported(shotscore: Shotscore, home: Path, form: str, out: Path, *options: str | Path) -> dict[str, Path]:
    """The files an export says it left, by name; they are all there and nothing else is."""
    run = shotscore("export", home, "--to", form, "--out", out, *options, "--json")
    assert run.code == 0, run.err
    files = [Path(name) for name in run.table["files"]]
    assert files
    assert all(path.is_file() and path.is_relative_to(out) for path in files)
    listed = json.loads((out / "exports.json").read_bytes())["files"]
    there = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert there == {"exports.json", *listed}
    return {path.relative_to(out).as_posix(): path for path in files}


def music_in(path: Path) -> set[tuple[str, int, int]]:
    """(file, first frame, frames) of our clips in a document, by the engine's reader."""
    timeline = read_timeline(path)
    found = set()
    for clip in timeline.find_clips():
        url = getattr(clip.media_reference, "target_url", "") or ""
        if "1m01_" in url:
            at = clip.transformed_time_range(clip.trimmed_range(), timeline.tracks)
            found.add((Path(url).name, round(at.start_time.value), round(at.duration.value)))
    return found


TIMELINES = {
    "otio": "edit.scored.otio",
    "otio-resolve": "edit.resolve.otio",
    "otio-premiere": "edit.premiere.otio",
    "fcp7xml": "edit.scored.xml",
    "fcpxml": "edit.scored.fcpxml",
    "kdenlive": "edit.scored.kdenlive",
    "kdenlive-1.04": "edit.scored.kdenlive",
    "mlt": "edit.scored.mlt",
    "aaf": "edit.scored.aaf",
}


@pytest.mark.parametrize("form", TIMELINES)
def test_timelines_hold_picture_and_music(form: str, shotscore: Shotscore, home: Path, tmp_path: Path) -> None:
    files = exported(shotscore, home, form, tmp_path)
    assert files.keys() == {TIMELINES[form], "1m01.mid", *(f"stems/{p.name}" for p in (home / "stems").iterdir())}
    document = files[TIMELINES[form]]
    stems = {p.name for p in (home / "stems").iterdir()}
    assert music_in(document) == {(name, 0, FRAMES) for name in stems}
    shots = [clip for track in read_timeline(document).video_tracks() for clip in track.find_clips()]
    used = [(round(c.trimmed_range().start_time.value), round(c.trimmed_range().duration.value)) for c in shots]
    assert used == [(5, 50), (0, 38), (60, 30), (50, 32)]
    # As loud as asked for already: the stems are the session's own.
    for name in stems:
        np.testing.assert_allclose(read_wav(tmp_path / "stems" / name)[0], read_wav(home / "stems" / name)[0])
    # Once more is the same once more.
    again = exported(shotscore, home, form, tmp_path)
    assert again.keys() == files.keys()


def test_midi_in_two_libraries(shotscore: Shotscore, home: Path, tmp_path: Path) -> None:
    files = exported(shotscore, home, "midi", tmp_path)
    assert files.keys() == {"1m01.mid", "1m01_stems.mid"}
    for path in files.values():
        one, other = pretty_midi.PrettyMIDI(str(path)), symusic.Score(str(path), ttype="second")
        notes = sorted((round(n.start, 3), n.pitch, n.velocity) for i in one.instruments for n in i.notes)
        assert notes == sorted((round(n.start, 3), n.pitch, n.velocity) for t in other.tracks for n in t.notes)
        assert notes
        raw = mido.MidiFile(str(path))
        assert raw.type == 1
        kinds = {message.type for message in raw.tracks[0]}
        assert {"set_tempo", "time_signature", "key_signature", "marker", "smpte_offset"} <= kinds


def test_composers_get_their_formats(shotscore: Shotscore, home: Path, tmp_path: Path) -> None:
    files = exported(shotscore, home, "dawproject", tmp_path / "daw")
    with zipfile.ZipFile(files["1m01.dawproject"]) as archive:
        names = archive.namelist()
        assert {f"audio/{p.name}" for p in (home / "stems").iterdir()} <= set(names)
        assert ElementTree.fromstring(archive.read("project.xml")).tag == "Project"
    files = exported(shotscore, home, "musicxml", tmp_path / "sheet")
    assert b"<score-partwise" in files["1m01.musicxml"].read_bytes()
    files = exported(shotscore, home, "click", tmp_path / "click", "--rate", "44100")
    with wave.open(str(files["1m01_click.wav"])) as file:
        assert (file.getframerate(), file.getnframes()) == (44_100, 6 * 44_100)


def test_stems_by_specification(shotscore: Shotscore, home: Path, tmp_path: Path) -> None:
    options = ("--names", "full", "--rate", "96000", "--pre-roll", "25", "--post-roll", "50", "--production", "My Film")
    for version in (1, 2):
        files = exported(shotscore, home, "stems", tmp_path, *options, "--bits", "24")
        names = {Path(name).name for name in files}
        assert names == {
            f"My-Film_1m01_{p.stem.removeprefix('1m01_')}_96k24_v0{version}.wav" for p in (home / "stems").iterdir()
        }
        for path in files.values():
            told = wavinfo.WavInfoReader(str(path))
            assert (told.fmt.sample_rate, told.fmt.bits_per_sample) == (96_000, 24)
            assert told.data.frame_count == 96_000 * 9
            assert told.bext.time_reference == 3599 * 96_000
            assert told.ixml.project == "My Film"
    run = shotscore("export", home, "--to", "stems", "--out", tmp_path / "wrong", "--rate", "8000")
    assert (run.code, "sample rate of 8000" in run.err) == (2, True)
    assert not (tmp_path / "wrong").exists()


def measured(path: Path) -> tuple[float, float]:
    """LUFS and dBTP by FFmpeg."""
    command = ["ffmpeg", "-hide_banner", "-nostats", "-i", str(path), "-af", "ebur128=peak=true", "-f", "null", "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr.split("Summary:")[1]
    values = [float(told.split(word)[1].split()[0]) for word in ("I:", "Peak:")]
    return values[0], values[1]


@pytest.mark.parametrize(("lufs", "rate"), [(-23, 48_000), (-14, 44_100), (-14, 96_000)])
def test_the_mix_is_as_loud_as_asked_for(
    lufs: int, rate: int, shotscore: Shotscore, home: Path, tmp_path: Path
) -> None:
    import pyloudnorm

    options = ("--loudness", str(lufs), "--rate", str(rate))
    path = exported(shotscore, home, "mix", tmp_path, *options)["1m01_mix.wav"]
    sound, told_rate = read_wav(path)
    assert told_rate == rate
    ours = pyloudnorm.Meter(rate).integrated_loudness(sound)
    theirs, peak = measured(path)
    assert abs(ours - theirs) <= 0.2
    assert peak <= -1.0
    # A few seconds of piano cannot always be brought to -14 without crushing them.
    assert theirs == pytest.approx(lufs, abs=0.2) or (peak > -1.6 and theirs < lufs)


@pytest.mark.parametrize("encoding", ["flac", "mp3", "m4a"])
def test_files_to_listen_to(encoding: str, shotscore: Shotscore, home: Path, tmp_path: Path) -> None:
    path = exported(shotscore, home, "mix", tmp_path, "--encoding", encoding)[f"1m01_mix.{encoding}"]
    with av.open(str(path)) as container:
        seconds = sum(frame.samples for frame in container.decode(audio=0)) / 48_000
        assert seconds == pytest.approx(6, abs=0.1)


def test_cue_sheet_with_credits_from_the_settings(shotscore: Shotscore, home: Path, tmp_path: Path) -> None:
    (tmp_path / "credits.toml").write_text('writers = "A. Person (50%)"\npublishers = "Nobody & Sons"\nusage = "MT"\n')
    files = exported(shotscore, home, "cue-sheet", tmp_path / "sheet", "--title", "Überfahrt", "--writers", "B. Person")
    assert files.keys() == {"cue-sheet.csv", "cue-sheet.html", "cue-sheet.pdf"}
    with files["cue-sheet.csv"].open(encoding="utf-8-sig", newline="") as file:
        (row, _) = csv.DictReader(file)
    assert row == {
        "Production": "edit", "Cue": "1m01", "Title": "Überfahrt", "Usage": "MT", "Timecode in": "01:00:00:00",
        "Timecode out": "01:00:06:00", "Duration": "0:00:06", "Writers": "B. Person", "Publishers": "Nobody & Sons",
    }  # fmt: skip
    assert "Nobody &amp; Sons" in files["cue-sheet.html"].read_text()
    assert files["cue-sheet.pdf"].read_bytes().startswith(b"%PDF")
    (tmp_path / "credits.toml").write_text("composer = 1")
    run = shotscore("export", home, "--to", "cue-sheet", "--out", tmp_path / "sheet")
    assert (run.code, "composer" in run.err) == (2, True)


def test_report_has_pictures_hits_and_takes(shotscore: Shotscore, home: Path, tmp_path: Path) -> None:
    files = exported(shotscore, home, "report", tmp_path)
    assert files.keys() == {"spotting-report.html", "spotting-report.pdf"}
    page = files["spotting-report.html"].read_text()
    assert page.count("data:image/jpeg;base64,") == 4
    assert 'src="http' not in page
    assert "tea &amp; &lt;rain&gt;" in page
    assert "01:00:02:00" in page
    assert files["spotting-report.pdf"].stat().st_size > 8000


def test_preview_has_picture_and_music(shotscore: Shotscore, home: Path, tmp_path: Path) -> None:
    path = exported(shotscore, home, "preview", tmp_path)["edit.preview.mp4"]
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == FRAMES
    with av.open(str(path)) as container:
        heard = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert np.abs(heard).max() > 0.01


def test_the_command_as_a_process(home: Path, tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("shotscore")
    done = subprocess.run(
        [command, "export", str(home), "--to", "midi", "--out", "notes", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["files"] == [
        str(tmp_path / "notes" / name) for name in ("1m01.mid", "1m01_stems.mid")
    ]


def test_somebody_elses_file_is_in_the_way(shotscore: Shotscore, home: Path, tmp_path: Path) -> None:
    (tmp_path / "1m01.mid").write_bytes(b"mine")
    run = shotscore("export", home, "--to", "midi", "--out", tmp_path)
    assert (run.code, "1m01.mid is there" in run.err) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["1m01.mid"]
    assert (tmp_path / "1m01.mid").read_bytes() == b"mine"
    out = tmp_path / "out"
    (path,) = exported(shotscore, home, "musicxml", out).values()
    path.write_bytes(path.read_bytes() + b"<!-- mine -->")
    run = shotscore("export", home, "--to", "musicxml", "--out", out)
    assert (run.code, "changed since" in run.err) == (2, True)


def test_the_sessions_own_folder_can_be_exported_to(shotscore: Shotscore, home: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(home, own)
    before = {path.name: path.read_bytes() for path in own.rglob("*") if path.is_file()}
    run = shotscore("export", own, "--to", "fcpxml", "--out", own, "--json")
    assert run.code == 0, run.err
    assert {path.name: path.read_bytes() for path in own.rglob("*") if path.name in before} == before
    assert music_in(own / "edit.scored.fcpxml")
    # And the session goes on as before.
    assert shotscore("take", own, "star", "1").code == 0


def test_wrong_formats_and_sessions_are_told(shotscore: Shotscore, home: Path, tmp_path: Path) -> None:
    run = shotscore("export", home, "--to", "vinyl", "--out", tmp_path)
    assert run.code == 2
    assert all(name in run.err for name in FORMATS)
    assert shotscore("export", tmp_path / "gone.shotscore", "--to", "midi", "--out", tmp_path).code == 2
    for options in (
        ("--names", "odd"),
        ("--encoding", "wma"),
        ("--usage", "XX"),
        ("--cue", "9m09"),
        ("--duck-db", "4"),
    ):
        run = shotscore("export", home, "--to", "mix", "--out", tmp_path / "out", *options)
        assert (run.code, run.err.count("\n")) == (2, 1), run.err
    assert not (tmp_path / "out").exists()


PROJECTS = {".xml": "fcp7xml", ".fcpxml": "fcpxml", ".kdenlive": "kdenlive", ".mlt": "mlt", ".aaf": "aaf", ".otio": ""}


@pytest.mark.parametrize("suffix", PROJECTS)
def test_music_goes_into_a_copy_and_out_again(suffix: str, shotscore: Shotscore, home: Path, tmp_path: Path) -> None:
    from shotscore_engine.session import Session

    session = Session.open(home / "edit.shotscore")
    project = tmp_path / f"film{suffix}"
    project.write_bytes(
        documents.NEW[PROJECTS[suffix]](session.picture) if PROJECTS[suffix] else Path(session.timeline).read_bytes()
    )
    before = project.read_bytes()
    copies = []
    for _ in range(2):
        run = shotscore("insert", home, "--into", project, "--json")
        assert run.code == 0, run.err
        assert run.table["differences"] == []
        (copy,) = map(Path, run.table["files"])
        assert copy.parent == project.parent
        assert copy != project
        stems = {(p.name, 0, FRAMES) for p in (home / "stems").iterdir()}
        assert music_in(copy) == stems
        assert len(run.table["clips"]) == len(stems)
        copies.append(copy)
    assert copies[0] == copies[1]
    # Into what holds music already: it is replaced.
    run = shotscore("insert", home, "--into", copy, "--json")
    assert run.code == 0, run.err
    assert music_in(Path(run.table["files"][0])) == stems
    assert project.read_bytes() == before
    run = shotscore("remove", copy, "--json")
    assert run.code == 0, run.err
    (plain,) = map(Path, run.table["files"])
    assert not music_in(plain)
    if suffix not in (".aaf", ".otio"):
        assert plain.read_bytes() == before
    assert project.read_bytes() == before


def test_insert_brings_the_stems_up_to_date(shotscore: Shotscore, home: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(home, own)
    shutil.rmtree(own / "stems")
    listed = report.read(own / "report.json")
    project = tmp_path / "film.otio"
    shutil.copy(home.parent / "edit.otio", project)
    for film in home.parent.glob("*.mp4"):
        shutil.copy(film, tmp_path)
    assert shotscore("insert", own, "--into", project).code == 0
    assert {f"stems/{path.name}" for path in (own / "stems").iterdir()} <= listed["files"].keys()


def test_nothing_to_take_out_is_told(shotscore: Shotscore, home: Path, tmp_path: Path) -> None:
    project = tmp_path / "film.otio"
    shutil.copy(home.parent / "edit.otio", project)
    for target, words in (
        (project, "no music"),
        (tmp_path / "gone.mlt", "not there"),
        (home / "1m01.mid", "no project"),
    ):
        run = shotscore("remove", target)
        assert (run.code, words in run.err) == (2, True), run.err
    run = shotscore("insert", home, "--into", tmp_path / "film.edl")
    assert run.code == 2


def test_editors_that_cannot_be_reached(shotscore: Shotscore, home: Path) -> None:
    edit = home.parent / "edit.otio"
    for option, sentence in (("--bin", "a .kdenlive project"), ("--show", "which editor opens edit.otio")):
        run = shotscore("insert", home, "--into", edit, option)
        assert (run.code, sentence in run.err) == (2, True), run.err
    run = shotscore("insert", home, "--into", edit, "--bin", "--show")
    assert (run.code, "not allowed with" in run.err) == (2, True), run.err
    assert not list(home.parent.glob("edit.music*"))


def test_an_editor_that_is_not_there(
    shotscore: Shotscore, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is written all the same, and the way out is told."""
    exported(shotscore, home, "kdenlive-1.04", tmp_path / "out")
    project = tmp_path / "film.kdenlive"
    shutil.copy(tmp_path / "out" / TIMELINES["kdenlive-1.04"], project)
    for name in ("PATH", "HOME", "ProgramFiles", "ProgramW6432", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "nothing"))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path / 'nobody'}")
    run = shotscore("insert", home, "--into", project, "--bin")
    assert (run.code, "does not have film.kdenlive open" in run.err) == (2, True), run.err
    run = shotscore("insert", home, "--into", project, "--show", "--json")
    assert run.code == 0, run.err
    assert run.table["shown"] is False
    assert run.table["warnings"] == [f"Kdenlive was not found; open {run.table['files'][0]} there by hand."]
    assert music_in(Path(run.table["files"][0]))
