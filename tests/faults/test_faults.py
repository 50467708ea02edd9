"""What happens when things go wrong; docs/faults.md is the table of it."""

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from films import Cut, lively, write_edit, write_film
from scored import Dice, dice_tools
from shotscore_engine.denoiser import Denoiser, Device
from shotscore_engine.errors import NO_MEMORY, InputError, OutputError, SessionError, lacks_memory
from shotscore_engine.request import ScoreRequest
from shotscore_engine.session import Session, Tools
from shotscore_engine.sessionfile import SessionFile, _started, lock_of
from shotscore_exporters.delivery import check_folder, deliver
from shotscore_ui.messages import pack, unpack

ROOT = Path(__file__).parents[2]
REFUSED = {"disk full at score", "disk full at rescore", "disk full at save", "read-only folder at score",
           "read-only folder at rescore", "read-only folder at save", "session open elsewhere, rescore",
           "session open elsewhere, score", "session open elsewhere, save"}  # fmt: skip


def run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def refusal(work: Callable[[], object]) -> str:
    """The sentence of an error meant for people; "" where the work was done. Anything else goes through."""
    try:
        work()
    except InputError as problem:
        return str(problem).replace("\n", "several lines: ")
    return ""


# --- processes -----------------------------------------------------------------------------------------------------


def test_killed_at_any_moment() -> None:
    """A dozen of the runs that `python -m tests.faults.kills` does by the hundred."""
    done = run("tests.faults.kills", "--runs", "14", "--seed", str(int(time.time()) % 1000))
    assert done.returncode == 0, done.stdout + done.stderr
    assert ", 0 problems" in done.stdout


@pytest.fixture(scope="module")
def scenes() -> dict[str, Any]:
    done = run("tests.faults.scenes")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


SCENES = sorted([*REFUSED, "no memory", "slow drive", "film is a pipe", "film is noise", "two at once"])


@pytest.mark.parametrize("name", SCENES)
def test_a_world_that_fails(name: str, scenes: dict[str, Any]) -> None:
    seen = scenes[name]
    assert not seen["problems"], seen
    if name in REFUSED:
        assert seen["code"] == 2, seen
        assert seen["said"].count("shotscore: ") == 1
    if name == "no memory":
        assert seen["code"] in (1, 2), seen
        assert "memory" in seen["said"], seen
    if name.startswith("session open"):
        assert "is open in process" in seen["said"]
    if name.startswith(("film is", "slow")):
        assert seen["code"] == 0, seen


def test_every_scene_is_looked_at(scenes: dict[str, Any]) -> None:
    assert sorted(scenes) == SCENES


# --- media that change under our hands -------------------------------------------------------------------------------


@pytest.fixture
def edit(tmp_path: Path) -> Path:
    write_film(tmp_path / "film.mp4", Fraction(25), 60, lively)
    return write_edit(tmp_path / "edit.otio", Fraction(25), [Cut(tmp_path / "film.mp4", 0, 55)])


@pytest.mark.parametrize("what", ["vanishes", "is truncated", "is overwritten"])
def test_media_that_change_after_the_timeline_was_read(what: str, edit: Path) -> None:
    film = edit.with_name("film.mp4")
    whole = film.read_bytes()
    session = Session.read(edit)
    if what == "vanishes":
        film.unlink()
    elif what == "is truncated":
        film.write_bytes(whole[: len(whole) // 2])
    else:
        film.write_bytes(np.random.default_rng(1).bytes(len(whole)))
    sentence = refusal(lambda: session.analysed("adaptive").score(ScoreRequest(tempo_bpm=100), dice_tools()))
    assert "film.mp4" in sentence or not sentence
    film.write_bytes(whole)
    again = Session.read(edit).analysed("adaptive").score(ScoreRequest(tempo_bpm=100), dice_tools())
    assert again.takes[0].notes


def test_a_film_that_shrinks_while_it_is_read(edit: Path) -> None:
    film = edit.with_name("film.mp4")
    whole = film.read_bytes()

    def shrink(stage: str, done: float) -> None:
        if stage == "analyse" and done >= 0:
            os.truncate(film, len(whole) // 3)

    sentence = refusal(lambda: Session.read(edit).analysed("adaptive", shrink))
    assert "film.mp4" in sentence or not sentence
    film.write_bytes(whole)
    assert Session.read(edit).analysed("adaptive").picture.duration_frames == 55


# --- drives ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def scored_edit(edit: Path) -> Session:
    asked = ScoreRequest(tempo_bpm=120, style="solo-piano", detect="none", duck=False)
    return Session.read(edit).score(asked, Tools(Dice(), dice_tools().style))


@pytest.mark.parametrize("after", [0, 1, 3, 5])
def test_a_drive_that_goes_away_while_files_are_put_in_place(
    scored_edit: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """After so many files renaming fails as on a drive that is gone: what was there stays, the next run works."""
    out = tmp_path / "out"
    deliver(scored_edit, out)
    (out / "mine.txt").write_text("mine")
    other = replace(scored_edit, takes=(replace(scored_edit.takes[0], name="another name"),))
    rename, left = Path.replace, [after]

    def failing(self: Path, target: Any) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return rename(self, target)

    with monkeypatch.context() as world:
        world.setattr(Path, "replace", failing)
        with pytest.raises(OutputError, match="Stale file handle"):
            deliver(other, out)
    assert (out / "mine.txt").read_text() == "mine"
    assert Session.open(out / "edit.shotscore").takes[0].notes == scored_edit.takes[0].notes
    deliver(other, out)
    assert Session.open(out / "edit.shotscore").takes[0].name == "another name"
    assert not list(out.rglob(".*"))


def test_a_session_on_a_drive_that_does_not_answer(
    scored_edit: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "film.shotscore"
    scored_edit.save(path)

    def slow(_: Path) -> bytes:
        raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))

    with monkeypatch.context() as world:
        world.setattr(Path, "read_bytes", slow)
        with pytest.raises(SessionError, match="timed out"):
            SessionFile(path)
    with SessionFile(path) as file:
        assert not file.recovered
        assert file.session.takes == scored_edit.takes


def test_a_folder_that_vanishes_while_it_is_written(scored_edit: Session, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def vanish(stage: str, _: float) -> None:
        if stage == "render":
            shutil.rmtree(out, ignore_errors=True)

    deliver(scored_edit, out)
    sentence = refusal(lambda: deliver(scored_edit, out, vanish))
    assert str(out) in sentence or not sentence
    deliver(scored_edit, out)
    assert Session.open(out / "edit.shotscore").takes == scored_edit.takes


def test_after_a_kill_in_between_the_next_delivery_knows_both(scored_edit: Session, tmp_path: Path) -> None:
    """Some files are the new run's, some the old one's, and a stranger's file is still one."""
    out, other = tmp_path / "out", tmp_path / "other"
    deliver(scored_edit, out)
    changed = replace(scored_edit, takes=(replace(scored_edit.takes[0], notes=("0 4 60 80", "", "")),))
    deliver(changed, other)
    pending = json.loads((other / "report.json").read_text())["files"]
    (out / ".shotscore-pending.json").write_text(json.dumps({"cues": [], "files": pending}))
    shutil.copy(other / "1m01.mid", out / "1m01.mid")  # one was moved, then the power went
    assert check_folder("edit", out)
    (out / "1m01_mix.wav").write_bytes(b"somebody's own")
    with pytest.raises(OutputError, match=r"1m01_mix\.wav was changed"):
        check_folder("edit", out)


# --- clocks and locks ----------------------------------------------------------------------------------------------


def test_setting_the_clock_does_not_free_a_lock(
    scored_edit: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock names when its process began. Psutil says another moment after the clock was set: an hour later here."""
    import socket

    path = tmp_path / "film.shotscore"
    scored_edit.save(path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as holder:
        holds = {"pid": holder.pid, "host": socket.gethostname(), "started": _started(psutil.Process(holder.pid))}
        lock_of(path).path.write_text(json.dumps(holds))
        real = psutil.Process.create_time
        if sys.platform == "linux":
            monkeypatch.setattr(psutil.Process, "create_time", lambda self: real(self) + 3600)
        with pytest.raises(SessionError, match=f"open in process {holder.pid}"):
            SessionFile(path)
        holder.communicate(b"\n")
    with SessionFile(path) as file:
        assert file.session.takes


def test_files_from_the_future_are_files(edit: Path) -> None:
    """A clock that was wrong when the film was copied, or is wrong now."""
    film = edit.with_name("film.mp4")
    for moment in (0, 4_102_444_800):
        os.utime(film, (moment, moment))
        assert Session.read(edit).picture.shots[0].media is not None


# --- the machine ---------------------------------------------------------------------------------------------------


def test_a_device_that_does_not_start_hands_over_to_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    real = onnxruntime.InferenceSession

    def without_cuda(path: str, options: Any, **_: Any) -> Any:
        return real(path, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "InferenceSession", without_cuda)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None, raising=False)
    monkeypatch.setattr("shotscore_engine.denoiser.choose_device", lambda name: Device("CUDAExecutionProvider"))
    model = Denoiser(device="cuda")
    assert model.device.provider == "CPUExecutionProvider"
    assert "CUDAExecutionProvider" in model.device.reason


def test_a_device_that_fails_in_mid_run_hands_over_to_the_processor(
    scored_edit: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is done again on the processor and says so; takes that are there keep their notes."""
    from shotscore_engine import denoiser

    model = Denoiser(device="cpu", threads=1)
    before = scored_edit.takes[0].notes
    style = dice_tools().style
    asked = ScoreRequest(tempo_bpm=120, style="solo-piano", detect="none", duck=False, steps=2, seed=9)
    expected = scored_edit.score(asked, Tools(model, style)).takes[-1]
    # The sessions are the processor's own all along, under another's name: what is tested is a run that breaks off.
    model.device = Device("CoreMLExecutionProvider")
    call = denoiser._Bound.__call__
    calls = [0]

    def failing(self: Any, x_t: Any, t: float) -> Any:
        calls[0] += 1
        if calls[0] == 2:
            raise RuntimeError("[ONNXRuntimeError] : 1 : FAIL : the device was removed")
        return call(self, x_t, t)

    monkeypatch.setattr(denoiser._Bound, "__call__", failing)
    after = scored_edit.score(asked, Tools(model, style))
    take = after.takes[-1]
    assert take.device == "CPUExecutionProvider"
    assert "CoreMLExecutionProvider failed" in take.device_reason
    assert take.notes == expected.notes
    assert after.takes[0].notes == before


def test_a_worker_without_memory_says_so_and_works_on() -> None:
    """The panel's worker, allowed no more than it has: a sentence, no libraries' cries for help, and the next job."""
    command = [sys.executable, "-m", "shotscore_ui.worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        assert unpack(worker.stdout.readline()) == {"ready": True}
        process = psutil.Process(worker.pid)
        _, most = process.rlimit(psutil.RLIMIT_AS)
        answers = []
        for number, allowed in enumerate((process.memory_info().vms + (8 << 20), most)):
            process.rlimit(psutil.RLIMIT_AS, (allowed, most))
            worker.stdin.write(pack({"job": number, "do": "warm", "with": {"device": "cpu"}}))
            worker.stdin.flush()
            while not {"answer", "problem"} & (answer := unpack(worker.stdout.readline())).keys():
                pass
            answers.append(answer)
        worker.stdin.close()
    assert (answers[0]["problem"]["kind"], answers[0]["problem"]["text"]) == ("MemoryError", NO_MEMORY)
    assert answers[1]["answer"]["device"] == "CPUExecutionProvider"
    assert worker.returncode == 0


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (MemoryError(), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (ImportError("libopenblas.so: failed to map segment from shared object"), True),
        (RuntimeError("[ONNXRuntimeError] : 6 : std::bad_alloc"), True),
        (OSError(errno.ENOENT, "No such file"), False),
        (ValueError("a float is no int"), False),
    ],
)
def test_what_is_said_where_memory_runs_out(problem: Exception, expected: bool) -> None:
    assert lacks_memory(problem) is expected
    wrapped = RuntimeError("loading failed")
    wrapped.__cause__ = problem
    assert lacks_memory(wrapped) is expected


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path: Path) -> None:
    """Temporary files say whose they are: those of the dead go, those of the living and of other machines stay."""
    from shotscore_engine.atomic import _host, replace_file, staging

    with subprocess.Popen([sys.executable, "-c", "pass"]) as ended:
        ended.wait()
    path = tmp_path / "film.shotscore"
    dead = tmp_path / f".film-{_host()}-{ended.pid}-abcdefgh.shotscore"
    alive = tmp_path / f".film-{_host()}-{os.getpid()}-abcdefgh.shotscore"
    elsewhere = tmp_path / f".film-00000000-{ended.pid}-abcdefgh.shotscore"
    mine = tmp_path / ".film-of-mine.shotscore"
    stage = tmp_path / f".shotscore-{_host()}-{ended.pid}-abcdefgh"
    stage.mkdir()
    for left in (dead, alive, elsewhere, mine, stage / "1m01.mid"):
        left.write_text("half")
    replace_file(path, b"whole")
    with staging(tmp_path / "new" / "folder"):
        pass
    assert sorted(tmp_path.iterdir()) == sorted([alive, elsewhere, mine, path])


def test_no_sentence_is_longer_than_a_person_reads() -> None:
    problem = SessionError("The file names " + "x\n" * 50_000 + "; export it again.")
    assert len(str(problem)) < 1300
    assert "\n" not in str(problem)
    assert str(problem).endswith("export it again.")
    assert str(SessionError("It  is short.")) == "It  is short."
