"""Kills Shotscore at random moments, over and over: `python -m tests.faults.kills --runs 300`.

Each run is a process of its own that works on a folder with a person's files in it and is killed with SIGKILL: before
a random one of its changes to the file system, or after a random share of the processor time the command takes.
Afterwards nothing of the person's may have changed, every file under its own name must be whole, the session must
open, and the same command must work and leave no hidden file behind.

The processes are forked from one that has loaded program and model, because loading takes longer than the command;
`--fresh` starts each from nothing instead.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

RATE = 25.0
FAST = ("--steps", "1", "--detect", "none", "--style", "solo-piano", "--no-duck", "--tempo", "120")
SESSION = "edit.shotscore"

COMMANDS: dict[str, tuple[str, ...]] = {
    "score": ("score", "desk/edit.otio", "--out", "new", *FAST),
    "score again": ("score", "desk/edit.otio", "--out", "out", "--seed", "2", *FAST),
    "rescore": ("rescore", "out", "--shots", "1", "--tries", "1"),
    "save": ("lock", "out", "--shots", "1"),
    "take": ("take", "out", "rename", "1", "Ada's"),
    "export": ("export", "out", "--to", "fcp7xml", "--out", "exported"),
    "insert": ("insert", "out", "--into", "desk/project.mlt"),
}
"""What is killed. A command the program does not have yet is left out, and that is said."""

CHANGING = {
    *("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"),
    *("shutil.copyfile", "shutil.move", "shutil.rmtree", "tempfile.mkstemp", "tempfile.mkdtemp"),
}
"""Audit events that change the file system, besides opening a file to write."""


@dataclass(frozen=True)
class Outcome:
    """What became of one run."""

    command: str
    how: str
    killed: bool
    """False where the command was done before its moment came."""
    problems: tuple[str, ...]


# --- the desk ------------------------------------------------------------------------------------------------------


def lay_out(folder: Path) -> None:
    """A person's files: an edit of two missing films, a project, a text among our results."""
    import opentimelineio as otio

    def span(start: int, frames: int) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(start, RATE), otio.opentime.RationalTime(frames, RATE)
        )

    desk = folder / "desk"
    desk.mkdir(parents=True)
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    for name in ("harbour", "storm"):
        track.append(otio.schema.Clip(name, otio.schema.ExternalReference(f"{name}.mov", span(0, 500)), span(10, 20)))
    edit = otio.schema.Timeline("edit", global_start_time=otio.opentime.RationalTime(90_000, RATE))
    edit.tracks.append(track)
    otio.adapters.write_to_file(edit, str(desk / "edit.otio"))
    (desk / "notes.txt").write_text("Ask Jo about the horns.\n")
    (desk / "project.mlt").write_text(PROJECT)
    for name in ("new", "out"):
        (folder / name).mkdir()
        (folder / name / "my own.txt").write_text(f"kept in {name}\n")
        (folder / name / ".hidden of mine").write_text("also kept\n")


PROJECT = """<?xml version="1.0" encoding="utf-8"?>
<mlt version="7.12.0"><profile frame_rate_num="25" frame_rate_den="1" width="64" height="36"/>
<producer id="a" in="0" out="499"><property name="length">500</property><property name="resource">harbour.mov</property>
<property name="mlt_service">avformat</property></producer>
<playlist id="v1"><entry producer="a" in="10" out="49"/></playlist>
<tractor id="main" in="0" out="39"><track producer="v1"/></tractor></mlt>
"""


def is_ours(path: Path, folder: Path) -> bool:
    """Whether a file in a result folder is one the program made."""
    inside = path.relative_to(folder)
    return inside.parts[0] != "desk" and path.name not in ("my own.txt", ".hidden of mine")


def hashes(folder: Path) -> dict[str, str]:
    """A person's files and their contents."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not is_ours(path, folder))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def broken(folder: Path) -> Iterator[str]:
    """What under a name of ours is not whole."""
    from shotscore_engine.errors import SessionError
    from shotscore_engine.session import Session

    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if not path.is_file() or not is_ours(path, folder) or any(part.startswith(".") for part in relative.parts):
            continue
        data = path.read_bytes()
        try:
            if path.suffix == ".shotscore":
                Session.open(path)
            elif path.suffix in (".json", ".otio"):
                json.loads(data)
            elif path.suffix == ".wav":
                declared = int.from_bytes(data[4:8], "little") + 8
                if declared != len(data):
                    yield f"{relative} declares {declared} bytes and has {len(data)}"
            elif path.suffix == ".mid":
                _midi_is_whole(data)
        except (SessionError, ValueError) as problem:
            yield f"{relative}: {problem}"


def _midi_is_whole(data: bytes) -> None:
    import io

    import mido

    try:
        mido.MidiFile(file=io.BytesIO(data))
    except (OSError, EOFError, ValueError, IndexError) as problem:
        raise ValueError(f"no whole MIDI file: {problem!r}") from problem


def hidden(folder: Path) -> list[str]:
    """Hidden files and folders that are not the person's."""
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob(".*"))
        if is_ours(path, folder) and not path.name.endswith(".lock")
    ]


# --- processes -----------------------------------------------------------------------------------------------------


def spawn(arguments: Sequence[str], folder: Path, log: Path, before: Callable[[], None], *, fresh: bool) -> int:
    """Start a command as a process; its number. `before` runs in it first (not where it is fresh)."""
    if fresh:
        with log.open("wb") as stream:
            program = [sys.executable, "-m", "shotscore_plugin.cli", *arguments]
            return subprocess.Popen(program, cwd=folder, stdout=subprocess.DEVNULL, stderr=stream).pid
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.chdir(folder)
        stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.dup2(stream, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        from shotscore_plugin.cli import main

        before()
        code = main(list(arguments))
    finally:
        os._exit(code)


def die_before_change(number: int) -> None:
    """Arrange that this process is killed before it changes the file system for the `number`-th time."""
    left = [number]

    def count() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    at_every_change(count)


def at_every_change(do: Callable[[], object]) -> None:
    """Do something each time before this process changes the file system."""

    def look(event: str, values: tuple[object, ...]) -> None:
        if event == "open":
            flags = values[2] if len(values) > 2 else 0
            if not (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
                return
        elif event not in CHANGING:
            return
        do()

    sys.addaudithook(look)


def spent(pid: int) -> float:
    """Seconds of processor time of a process and its threads."""
    total = 0
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return float("inf")
    return total / 1e9


def wait(pid: int, kill_after: float | None = None) -> tuple[int, float]:
    """(exit status, processor seconds); with `kill_after`, SIGKILL once that much processor time is spent."""
    used = 0.0
    while kill_after is not None:
        done, status, usage = os.wait4(pid, os.WNOHANG)
        if done:
            return status, usage.ru_utime + usage.ru_stime
        used = spent(pid)
        if used >= kill_after:
            os.kill(pid, signal.SIGKILL)
            break
        time.sleep(0.002)
    _, status, usage = os.wait4(pid, 0)
    return status, usage.ru_utime + usage.ru_stime


def complaints(log: Path, status: int, *, may_be_killed: bool) -> Iterator[str]:
    """What a run should not have said or answered."""
    said = log.read_text(errors="replace")
    if "Traceback" in said or "Internal failure" in said:
        yield f"it said: {said.strip()[-400:]}"
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if not (killed and may_be_killed) and os.waitstatus_to_exitcode(status) != 0:
        yield f"it answered {os.waitstatus_to_exitcode(status)}: {said.strip()[-400:]}"


def warm_up(folder: Path, wanted: Sequence[str] = tuple(COMMANDS)) -> None:
    """Run the commands `wanted` once in this very process, so that what is forked from it has everything loaded.

    ONNX Runtime runs without threads of its own, which would not survive a fork.
    """
    import functools

    import onnxruntime
    from shotscore_engine.denoiser import Denoiser
    from shotscore_engine.session import Tools
    from shotscore_engine.styles import DEFAULT_STYLE, load_style
    from shotscore_plugin.cli import main as shotscore

    class Alone(onnxruntime.InferenceSession):  # type: ignore[misc]
        def __init__(self, path: str, options: onnxruntime.SessionOptions | None = None, **others: object) -> None:
            options = options or onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            super().__init__(path, options, **others)

    onnxruntime.InferenceSession = Alone

    @functools.cache
    def build(model: Path | None, style: str | None) -> Tools:
        return Tools(Denoiser(model, "cpu"), load_style(style or DEFAULT_STYLE))

    Tools.load = classmethod(lambda cls, request: build(request.model, request.style))  # type: ignore[method-assign]
    lay_out(folder)
    here = Path.cwd()
    os.chdir(folder)
    try:
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):  # noqa: PTH123
            shotscore(["score", "desk/edit.otio", "--out", "out", *FAST])
            for name in set(available()) & set(wanted):
                shotscore(list(COMMANDS[name]))
    finally:
        os.chdir(here)


@contextmanager
def scene(base: Path, folder: Path) -> Iterator[Path]:
    """A fresh copy of the base to work on."""
    shutil.copytree(base, folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Killer:
    """Sets the scene once, measures each command once, then kills it as often as asked."""

    def __init__(self, scratch: Path, *, fresh: bool, seed: int) -> None:
        self.scratch, self.fresh, self.random = scratch, fresh, random.Random(seed)
        self.base = scratch / "base"
        self.log = scratch / "log"
        self.measured: dict[str, tuple[int, float]] = {}
        lay_out(self.base)
        self.run_whole(("score", "desk/edit.otio", "--out", "out", *FAST), self.base)

    def run_whole(self, arguments: Sequence[str], folder: Path) -> float:
        """A command that nobody kills; its processor seconds. Raises AssertionError where it fails."""
        status, used = wait(spawn(arguments, folder, self.log, lambda: None, fresh=self.fresh))
        said = list(complaints(self.log, status, may_be_killed=False))
        assert not said, said
        return used

    def measure(self, command: str) -> tuple[int, float]:
        """(changes to the file system, processor seconds) of a command."""
        if command not in self.measured:
            counted = self.scratch / "count"
            with scene(self.base, self.scratch / "scene") as folder:
                status, used = wait(
                    spawn(COMMANDS[command], folder, self.log, lambda: _count_into(counted), fresh=self.fresh)
                )
                said = list(complaints(self.log, status, may_be_killed=False))
                assert not said, said
            self.measured[command] = (len(counted.read_bytes()) if counted.exists() else 0, used)
            counted.unlink(missing_ok=True)
        return self.measured[command]

    def kill(self, command: str, way: str) -> Outcome:
        """One run, killed at a random moment, and all checks after it."""
        changes, seconds = self.measure(command)
        arguments = COMMANDS[command]
        with scene(self.base, self.scratch / "scene") as folder:
            before = hashes(folder)
            if way == "change" and changes:
                number = self.random.randint(1, changes)
                how = f"before change {number} of {changes}"
                pid = spawn(arguments, folder, self.log, lambda: die_before_change(number), fresh=self.fresh)
                status, _ = wait(pid)
            else:
                moment = self.random.uniform(0, seconds)
                how = f"after {moment:.2f} of {seconds:.2f} s"
                status, _ = wait(spawn(arguments, folder, self.log, lambda: None, fresh=self.fresh), moment)
            problems = list(complaints(self.log, status, may_be_killed=True))
            problems += _after(folder, before, "after the kill")
            status_again, _ = wait(spawn(arguments, folder, self.log, lambda: None, fresh=self.fresh))
            problems += [f"the next run: {text}" for text in complaints(self.log, status_again, may_be_killed=False)]
            problems += _after(folder, before, "after the next run")
            problems += [f"left after the next run: {name}" for name in hidden(folder)]
        return Outcome(command, how, os.WIFSIGNALED(status), tuple(problems))


def _after(folder: Path, before: dict[str, str], when: str) -> list[str]:
    now = hashes(folder)
    lost = [f"{when}: {name} of the person's {'changed' if name in now else 'is gone'}"
            for name, mark in before.items() if now.get(name) != mark]  # fmt: skip
    return [*lost, *(f"{when}: {text}" for text in broken(folder))]


def _count_into(path: Path) -> None:
    stream = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)

    at_every_change(lambda: os.write(stream, b"."))


def available() -> list[str]:
    """The commands of COMMANDS that this program has."""
    from shotscore_plugin import cli

    known = cli._parser(())._subparsers._group_actions[0].choices or {}  # type: ignore[union-attr]
    return [name for name, words in COMMANDS.items() if words[0] in known]


def main(argv: Sequence[str] | None = None) -> int:
    """Kill, check, and say what was found; 1 where something was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--command", choices=[*COMMANDS], action="append", help="only this (all of them)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="start each process from nothing")
    options = parser.parse_args(argv)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from shotscore_exporters.soundfont import bundled_soundfont

    os.environ.setdefault("SHOTSCORE_SOUNDFONT", str(bundled_soundfont()))  # the smallest: killing is the matter here
    there = available()
    wanted = [name for name in (options.command or COMMANDS) if name in there]
    for name in set(options.command or COMMANDS) - set(there):
        print(f"{name}: not a command of this version", flush=True)
    found: Counter[str] = Counter()
    killed: Counter[str] = Counter()
    failures = 0
    with tempfile.TemporaryDirectory(prefix="shotscore-kills-") as scratch:
        if not options.fresh:
            warm_up(Path(scratch) / "warm", wanted)
        killer = Killer(Path(scratch), fresh=options.fresh, seed=options.seed)
        for number in range(options.runs):
            command = wanted[number % len(wanted)]
            way = "moment" if options.fresh or number // len(wanted) % 3 == 2 else "change"
            outcome = killer.kill(command, way)
            found[command] += 1
            killed[command] += outcome.killed
            for problem in outcome.problems:
                failures += 1
                print(f"{command}, {outcome.how}: {problem}", flush=True)
            if (number + 1) % 10 == 0:
                print(f"{number + 1} runs, {sum(killed.values())} killed, {failures} problems", flush=True)
    table = ", ".join(f"{name} {found[name]} ({killed[name]} killed)" for name in found)
    print(f"{sum(found.values())} runs, {sum(killed.values())} killed, {failures} problems: {table}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
