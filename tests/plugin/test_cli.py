"""The command line as such: help, bad input, cancelling, what it imports."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest
from films import Cut, calm, write_edit, write_film
from running import Run
from shotscore_engine import __version__
from shotscore_plugin import terminal

COMMAND = Path(sys.executable).with_name("shotscore")
HEAVY = ("numpy", "torch", "onnxruntime", "cv2", "av", "opentimelineio", "PySide6", "matplotlib", "scipy")


def test_help_lists_the_commands_there_are(shotscore: Callable[..., Run]) -> None:
    run = shotscore("--help")
    assert run.code == 0
    for command in ("demo", "spot", "score", "doctor", "evaluate", "figures", "dataset", "train"):
        assert f"\n    {command} " in run.out
        assert shotscore(command, "--help").code == 0


@pytest.mark.parametrize(
    "statement", ["from shotscore_plugin.cli import main; main(['--help'])", "import shotscore_engine"]
)
def test_heavy_modules_wait_until_they_are_used(statement: str) -> None:
    code = f"import sys; {statement}; print(*(m for m in {HEAVY!r} if m in sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == ""


def test_version_of_the_real_process() -> None:
    done = subprocess.run([COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"shotscore {__version__}"


@pytest.mark.parametrize("arguments", [(), ("sing",), ("score",), ("score", "x.otio"), ("spot",), ("doctor", "--loud")])
def test_bad_usage_is_one_sentence(arguments: tuple[str, ...], shotscore: Callable[..., Run]) -> None:
    run = shotscore(*arguments)
    assert run.code == 2
    assert run.out == ""
    assert run.err.count("\n") == 1
    assert "--help" in run.err


def test_the_workshop_is_at_hand(shotscore: Callable[..., Run], tmp_path: Path) -> None:
    for program in ("codec", "denoiser", "export"):
        run = shotscore("train", program, "--help")
        assert run.code == 0
        assert "--out" in run.out
    assert "codec, denoiser, export" in shotscore("train").err
    run = shotscore("dataset", "--out", tmp_path / "songs.npz")
    assert run.code == 2
    assert run.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _no_picture(folder: Path) -> Path:
    timeline = otio.schema.Timeline("silent")
    timeline.tracks.append(otio.schema.Track("A1", kind=otio.schema.TrackKind.Audio))
    otio.adapters.write_to_file(timeline, str(folder / "silent.otio"))
    return folder / "silent.otio"


BAD_TIMELINES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda folder: folder / "nowhere.otio", "does not exist"),
    "empty": (lambda folder: _write(folder / "empty.otio", b""), "is empty"),
    "broken JSON": (lambda folder: _write(folder / "broken.otio", b'{"OTIO_SCHEMA": "Timeline.1", '), "broken.otio"),
    "unknown extension": (lambda folder: _write(folder / "notes.txt", b"hello"), "notes.txt"),
    "a video that is none": (lambda folder: _write(folder / "noise.mp4", bytes(range(256)) * 40), "noise.mp4"),
    "no picture": (_no_picture, "picture"),
}


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("command", ["spot", "score"])
@pytest.mark.parametrize("case", BAD_TIMELINES)
def test_bad_timelines_are_told_in_one_sentence(
    case: str, command: str, shotscore: Callable[..., Run], tmp_path: Path
) -> None:
    make, words = BAD_TIMELINES[case]
    timeline = make(tmp_path)
    before = _files(tmp_path)
    options = ("--out", tmp_path / "out") if command == "score" else ()
    run = shotscore(command, timeline, *options)
    _assert_refused(run, words)
    assert _files(tmp_path) == before
    assert not (tmp_path / "out").exists()


BAD_OPTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "zero-length range": (("--range", "20-20"), "range 20-20"),
    "range backwards": (("--range", "40-20"), "range 40-20"),
    "range outside": (("--range", "0-100000"), "outside the timeline"),
    "range in another hour": (("--range", "02:00:00:00-02:00:01:00"), "outside the timeline"),
    "range of words": (("--range", "all"), "IN-OUT"),
    "tempo 0": (("--tempo", "0"), "tempo 0"),
    "tempo 5000": (("--tempo", "5000"), "tempo 5000"),
    "tempo NaN": (("--tempo", "nan"), "tempo nan"),
    "tempo of words": (("--tempo", "fast"), "'fast'"),
    "mood": (("--mood", "-3,0"), "valence -3"),
    "half a mood": (("--mood", "0.5"), "'0.5'"),
    "key": (("--key", "X"), "'X' is not a key"),
    "style": (("--style", "polka-metal"), "polka-metal"),
    "energy": (("--energy", "2"), "energy 2"),
    "steps": (("--steps", "0"), "steps 0"),
    "selector": (("--selector", "taste"), "taste"),
    "mask": (("--mask", "round"), "round"),
    "device": (("--device", "abacus"), "abacus"),
    "detector": (("--detect", "eye"), "eye"),
    "loudness": (("--loudness", "12"), "loudness 12"),
    "missing model": (("--model", "nowhere.onnx"), "nowhere.onnx"),
    "missing SoundFont": (("--soundfont", "nowhere.sf2"), "nowhere.sf2"),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_senseless_options_are_told_in_one_sentence(
    case: str, shotscore: Callable[..., Run], edit: Path, tmp_path: Path
) -> None:
    options, words = BAD_OPTIONS[case]
    _assert_refused(shotscore("score", edit, "--out", tmp_path / "out", *options), words)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--model", "--soundfont"])
def test_files_that_are_something_else(option: str, shotscore: Callable[..., Run], edit: Path, tmp_path: Path) -> None:
    wrong = _write(tmp_path / "wrong.bin", b"not what you think" * 50)
    _assert_refused(shotscore("score", edit, "--out", tmp_path / "out", option, wrong), "wrong.bin")
    assert list(tmp_path.iterdir()) == [wrong]


def test_folders_that_cannot_be_written(shotscore: Callable[..., Run], edit: Path, tmp_path: Path) -> None:
    file = _write(tmp_path / "file", b"mine")
    for out in (file, file / "below"):
        _assert_refused(shotscore("score", edit, "--out", out), "file")
    _assert_refused(shotscore("demo", "--out", file), "file")
    assert _files(tmp_path) == {"file": b"mine"}


@pytest.mark.parametrize("name", ["edit.scored.otio", "edit.shotscore", "1m01.mid", "1m01_mix.wav", "report.json"])
def test_files_of_others_are_never_replaced(
    name: str, shotscore: Callable[..., Run], edit: Path, tmp_path: Path
) -> None:
    _write(tmp_path / name, b"a person's own")
    _assert_refused(shotscore("score", edit, "--out", tmp_path), name)
    assert _files(tmp_path) == {name: b"a person's own"}


def _assert_refused(run: Run, words: str) -> None:
    assert run.code == 2, run.err
    assert run.out == ""
    assert run.err.count("\n") == 1, run.err
    assert words in run.err
    assert "Traceback" not in run.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process of a console")
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_cancelling_leaves_nothing(kind: signal.Signals, tmp_path: Path) -> None:
    film = write_film(tmp_path / "long.mp4", Fraction(25), 1500, calm)
    edit = write_edit(tmp_path / "long.otio", Fraction(25), [Cut(film, 0, 1500)])
    before = _files(tmp_path)
    surroundings = {**os.environ, "SHOTSCORE_CACHE": str(tmp_path / "cache")}
    command = [COMMAND, "score", edit, "--out", tmp_path / "out"]
    # A shell makes what it runs in the background deaf to SIGINT, and so its children: here it must be heard.
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env=surroundings,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as work:
        assert work.stderr is not None
        assert "Looking at the picture" in work.stderr.readline()
        time.sleep(0.2)
        work.send_signal(kind)
        rest = work.stderr.read()
        assert work.wait(60) == 130, rest
    assert rest.endswith("shotscore: Stopped; nothing half-written is left.\n")
    left = {name for name in _files(tmp_path) if not name.startswith("cache")}
    assert left == before.keys()
    assert not (tmp_path / "out").exists()
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []


class _Screen:
    def __init__(self, live: bool) -> None:
        self.live, self.text = live, ""

    def isatty(self) -> bool:
        return self.live

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def test_progress_says_how_long_it_will_take(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 10.0, 30.0, 40.0])
    monkeypatch.setattr(terminal.time, "monotonic", lambda: next(now))
    screen = _Screen(live=True)
    with terminal.ProgressLine(screen) as progress:  # type: ignore[arg-type]  # as much of a stream as it uses
        progress("analyse", 0.0)
        progress("analyse", 0.1)
        progress("analyse", 0.5)
        progress("analyse", 1.0)
    lines = screen.text.split("\r\033[K")[1:]
    assert [line.removeprefix("Looking at the picture") for line in lines] == [
        "   0%",
        "  10%, 1:30 left",
        "  50%, 30 s left",
        " 100%\n",
    ]
