"""Every command and every example in the guides is run, in the order they stand in, on a small edit.

A fenced block is run as what its language says: `shell` a command a line, `python` as a program, `toml NAME` is written
to NAME. What is indented instead of fenced is prose. Training is cut to a second and to a small network.
"""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import mido
import pytest
from films import Cut, calm, lively, write_edit, write_film
from shotscore_plugin.cli import _parser, main

ROOT = Path(__file__).parents[2]
GUIDES = ("editors", "composers", "researchers", "contributors")
_FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```", re.DOTALL | re.MULTILINE)

MLT = """<?xml version="1.0" encoding="utf-8"?>
<mlt LC_NUMERIC="C" version="7.12.0"><profile frame_rate_num="24" frame_rate_den="1" width="320" height="180"/>
<producer id="producer0" in="0" out="149"><property name="length">150</property>
<property name="resource">film.mp4</property><property name="mlt_service">avformat</property></producer>
<playlist id="playlist0"><entry producer="producer0" in="0" out="119"/></playlist>
<tractor id="tractor0" in="0" out="119"><track producer="playlist0"/></tractor></mlt>
"""


def blocks(guide: str) -> list[tuple[str, str, str]]:
    """(language, name, text) of every fenced block."""
    return _FENCE.findall((ROOT / "docs" / f"{guide}.md").read_text())


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An edit of five seconds, a recut of it, a project, and three songs in POP909's layout."""
    folder = tmp_path_factory.mktemp("films")
    film = write_film(folder / "film.mp4", Fraction(24), 130, lively)
    still = write_film(folder / "still.mp4", Fraction(24), 60, calm)
    cuts = [Cut(film, 0, 44), Cut(still, 0, 40), Cut(film, 80, 36)]
    write_edit(folder / "edit.otio", Fraction(24), cuts)
    write_edit(folder / "recut.otio", Fraction(24), [cuts[0], cuts[2], Cut(still, 0, 30)])
    (folder / "project.mlt").write_text(MLT)
    for number in ("001", "002", "007"):
        _write_song(folder / "POP909" / number)
    return folder


def _write_song(folder: Path) -> None:
    folder.mkdir(parents=True)
    beats = 280
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(90))]))
    for name, step, key in (("MELODY", 2, 72), ("BRIDGE", 8, 67), ("PIANO", 1, 48)):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        for beat in range(0, beats, step):
            pitch = key + (0, 4, 7, 2)[beat % 4]
            track.append(mido.Message("note_on", note=pitch, velocity=80, time=480 * (step - 1) if beat else 0))
            track.append(mido.Message("note_off", note=pitch, velocity=0, time=480))
        file.tracks.append(track)
    file.save(folder / f"{folder.name}.mid")
    rows = (f"{i * 60 / 90:.6f} {float(i % 2 == 0)} {float(i % 4 == 0)}" for i in range(beats))
    (folder / "beat_midi.txt").write_text("\n".join(rows))
    (folder / "key_audio.txt").write_text(f"0\t{beats * 60 / 90}\tC:maj\n")


@pytest.fixture
def desk(films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with links to the films, where a person stands."""
    for path in films.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def quick(words: list[str]) -> list[str]:
    """A training command, cut to a second and to a small network."""
    if words[:2] == ["train", "export"] or words[0] != "train":
        return words
    words = [("0.02" if before == "--minutes" else word) for before, word in zip(["", *words], words, strict=False)]
    small = {"codec": ["--batch", "2"], "denoiser": ["--width", "64", "--layers", "1", "--beats-per-batch", "256"]}
    return [*words, *small[words[1]]]


def run_shell(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    for line in text.replace("\\\n", " ").strip().splitlines():
        words = shlex.split(line)
        if words[0] == "shotscore":
            code = main(quick(words[1:]))
            said = capsys.readouterr()
            assert code == 0, f"{line}: {said.err}"
            assert said.out.strip(), line
        else:
            assert words[0] == "python", line
            done = subprocess.run(
                [sys.executable, *words[1:]], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"


def run_python(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(text, "example", "exec"), {"__name__": "__main__"})
    capsys.readouterr()


RUNNERS: dict[str, Callable[[str, pytest.CaptureFixture[str]], None]] = {"shell": run_shell, "python": run_python}


# torch's exporter warns of torch itself, as in tests/engine/test_model.py.
_EXPORTS = pytest.mark.filterwarnings(
    "ignore::FutureWarning", "ignore::DeprecationWarning", "ignore:# The axis name:UserWarning"
)


@pytest.mark.parametrize("guide", [pytest.param(g, marks=_EXPORTS) if g == "researchers" else g for g in GUIDES])
def test_every_example_of_the_guides_runs(guide: str, desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = blocks(guide)
    assert len(found) >= 4
    for language, name, text in found:
        if name:
            (desk / name).write_text(text)
        else:
            RUNNERS[language](text, capsys)


def test_the_example_of_the_sessions_page_runs(desk: Path, films: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """docs/session.md shows its program indented; `out/film.shotscore` is what it opens."""
    del films
    (desk / "film.otio").write_bytes((desk / "edit.otio").read_bytes())
    assert main(["score", "film.otio", "--out", "out", "--steps", "2", "--style", "solo-piano"]) == 0
    page = (ROOT / "docs" / "session.md").read_text()
    lines = page.split("## In Python\n")[1].split("`do` saves")[0].splitlines()
    run_python("\n".join(line.removeprefix("    ") for line in lines), capsys)


@pytest.mark.parametrize("guide", [*GUIDES, "faults", "index", "scale"])
def test_what_a_guide_names_is_there(guide: str) -> None:
    """Files named in code marks exist, and tests in them; links are looked after in test_readme.py."""
    text = _FENCE.sub("", (ROOT / "docs" / f"{guide}.md").read_text())
    places = "engine|exporters|ui|plugin|tests|docs|benchmarks"
    for path, test in re.findall(rf"`((?:{places})/[\w./-]+)(?:::(\w+))?`", text):
        assert (ROOT / path).exists(), f"{guide} names {path}"
        assert not test or f"\ndef {test}(" in (ROOT / path).read_text(), f"{guide} names {test} of {path}"


def test_every_fault_names_its_test() -> None:
    rows = (ROOT / "docs" / "faults.md").read_text().split("| fault | promise | test |")[1].split("\n\n")[0]
    assert rows.count("\n| ") > 20
    for row in rows.splitlines()[2:]:
        assert "::test_" in row.split("|")[3], row


@pytest.mark.parametrize("guide", GUIDES)
def test_commands_in_passing_are_commands(guide: str) -> None:
    """What a sentence names in code marks is not run, so at least it is understood: command, options, nothing else."""
    text = _FENCE.sub("", (ROOT / "docs" / f"{guide}.md").read_text())
    named = re.findall(r"`shotscore ([^`]+)`", text)
    for command in named:
        words = shlex.split(command)
        _parser(words[:1]).parse_args(words)
    known = set().union(*(_options(command) for command in ("spot", "score", "rescore", "take", "batch", "export")))
    known |= {"--json", *(option for command in named for option in re.findall(r"--[\w-]+", command))}
    mentioned = {option for code in re.findall(r"`([^`]+)`", text) for option in re.findall(r"^--[a-z-]+", code)}
    assert mentioned <= known, mentioned - known


def _options(command: str) -> set[str]:
    """The options of a command, by its help."""
    with pytest.raises(SystemExit), contextlib.redirect_stdout(io.StringIO()) as told:
        _parser([command]).parse_args([command, "--help"])
    return set(re.findall(r"--[a-z][a-z-]+", told.getvalue()))
