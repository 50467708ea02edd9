"""Commands in a world that fails them, each in a process of its own: `python -m tests.faults.scenes`; answers JSON.

A scene breaks the world for one process (a full disk, a folder nobody may write to, no memory, a session that is open
elsewhere), runs a command in it, looks at what is left, mends the world and runs the command again.
"""

import ctypes
import hashlib
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .kills import COMMANDS, FAST, at_every_change, broken, complaints, hashes, hidden, lay_out, spawn, wait, warm_up

_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_CAPABILITY_VERSION = 0x20080522


@dataclass(frozen=True)
class Scene:
    """A command and what is done to the world around it."""

    command: tuple[str, ...]
    inside: Callable[[], None] = lambda: None
    """Runs in the process before the command."""
    around: Callable[[Path], AbstractContextManager[None]] = lambda folder: nullcontext()
    """Wraps the first run."""


@dataclass
class Seen:
    """What a scene showed."""

    code: int
    """The exit code; minus the signal's number where one ended it."""
    said: str
    problems: list[str] = field(default_factory=list)


# --- worlds --------------------------------------------------------------------------------------------------------


def disk_with(most_bytes: int) -> Callable[[], None]:
    """Files cannot grow beyond so much: writing more fails as on a full disk (EFBIG instead of ENOSPC)."""

    def inside() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    return inside


def memory_of(more_bytes: int) -> Callable[[], None]:
    """The process may take so much more than it has."""

    def inside() -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + more_bytes
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    return inside


def slow_drive() -> None:
    """Every change to the file system waits, as on a drive at the far end of a network."""
    at_every_change(lambda: time.sleep(0.01))


def as_anybody() -> None:
    """Give up root's right to write where modes forbid it (and nothing else; a home stays readable to its owner)."""
    if os.geteuid() != 0:
        return
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    data = (ctypes.c_uint32 * 6)()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capget(header, data):
        raise OSError(ctypes.get_errno(), "capget")
    without = ~((1 << _CAP_DAC_OVERRIDE) | (1 << _CAP_DAC_READ_SEARCH)) & 0xFFFFFFFF
    data[0] &= without  # what is in effect, of the first 32
    if libc.capset(header, data):
        raise OSError(ctypes.get_errno(), "capset")


def read_only(name: str) -> Callable[[Path], AbstractContextManager[None]]:
    """A folder nobody may write to."""

    @contextmanager
    def around(folder: Path) -> Iterator[None]:
        (folder / name).chmod(0o555)
        try:
            yield
        finally:
            (folder / name).chmod(0o755)

    return around


@contextmanager
def open_elsewhere(folder: Path) -> Iterator[None]:
    """The session is open in another process: this one, which started the scene's."""
    from shotscore_engine.sessionfile import SessionFile

    with SessionFile(folder / "out" / "edit.shotscore"):
        yield


@contextmanager
def pipe_for_a_film(folder: Path) -> Iterator[None]:
    """A film is a pipe nobody writes to: a drive that never answers."""
    os.mkfifo(folder / "desk" / "harbour.mov")
    yield
    (folder / "desk" / "harbour.mov").unlink()


@contextmanager
def damaged_film(folder: Path) -> Iterator[None]:
    """A film that is noise."""
    path = folder / "desk" / "harbour.mov"
    path.write_bytes(hashlib.sha256(b"noise").digest() * 4096)
    yield
    path.unlink()


SCENES = {
    "disk full at score": Scene(COMMANDS["score"], disk_with(150_000)),
    "disk full at rescore": Scene(COMMANDS["rescore"], disk_with(150_000)),
    "disk full at save": Scene(COMMANDS["save"], disk_with(800)),
    "read-only folder at score": Scene(COMMANDS["score"], as_anybody, read_only("new")),
    "read-only folder at rescore": Scene(COMMANDS["rescore"], as_anybody, read_only("out")),
    "read-only folder at save": Scene(COMMANDS["save"], as_anybody, read_only("out")),
    "slow drive": Scene(COMMANDS["score again"], slow_drive),
    "no memory": Scene(COMMANDS["score"], memory_of(4 << 20)),
    "session open elsewhere, rescore": Scene(COMMANDS["rescore"], around=open_elsewhere),
    "session open elsewhere, score": Scene(COMMANDS["score again"], around=open_elsewhere),
    "session open elsewhere, save": Scene(COMMANDS["save"], around=open_elsewhere),
    "film is a pipe": Scene(("score", "desk/edit.otio", "--out", "new", *FAST), around=pipe_for_a_film),
    "film is noise": Scene(("score", "desk/edit.otio", "--out", "new", *FAST), around=damaged_film),
}


# --- playing them --------------------------------------------------------------------------------------------------


def play(scene: Scene, base: Path, folder: Path, log: Path) -> Seen:
    """One scene, from a copy of the base; what was seen."""
    shutil.copytree(base, folder)
    try:
        before, results = hashes(folder), _results(folder)
        with scene.around(folder):
            mine = hashes(folder)
            status, _ = wait(spawn(scene.command, folder, log, scene.inside, fresh=False))
            seen = Seen(os.waitstatus_to_exitcode(status), log.read_text(errors="replace"))
            seen.problems += [f"{name} changed" for name, mark in mine.items() if hashes(folder).get(name) != mark]
            if seen.code != 0:
                seen.problems += [f"{name} changed" for name, mark in results.items() if _results(folder)[name] != mark]
            seen.problems += [f"not whole: {text}" for text in broken(folder)]
        if "Traceback" in seen.said:
            seen.problems.append("a traceback was shown")
        status, _ = wait(spawn(scene.command, folder, log, lambda: None, fresh=False))
        seen.problems += [f"the next run: {text}" for text in complaints(log, status, may_be_killed=False)]
        seen.problems += [f"after it: {name} changed" for name, mark in before.items() if hashes(folder)[name] != mark]
        seen.problems += [f"left after the next run: {name}" for name in hidden(folder)]
        return seen
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _results(folder: Path) -> dict[str, str]:
    """Our files of an earlier run: a run that fails leaves them as they were."""
    files = (path for path in sorted((folder / "out").rglob("*")) if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def both_at_once(base: Path, folder: Path, log: Path) -> Seen:
    """Two scores into the same new folder at the same time: one may be told to wait, and the folder is one result."""
    shutil.copytree(base, folder)
    try:
        commands = [COMMANDS["score"], (*COMMANDS["score"], "--seed", "5")]
        logs = [log.with_name(f"log{number}") for number in (1, 2)]
        pids = [spawn(words, folder, at, lambda: None, fresh=False) for words, at in zip(commands, logs, strict=True)]
        codes = [os.waitstatus_to_exitcode(wait(pid)[0]) for pid in pids]
        seen = Seen(max(codes), "".join(at.read_text() for at in logs), list(broken(folder)))
        if min(codes) != 0 or not set(codes) <= {0, 2}:
            seen.problems.append(f"exit codes {codes}")
        files = json.loads((folder / "new" / "report.json").read_text())["files"]
        from shotscore_exporters.delivery import fingerprint

        mixed = [name for name, mark in files.items()
                 if not name.endswith(".shotscore") and fingerprint(folder / "new" / name) != mark]  # fmt: skip
        seen.problems += [f"{name} is the other run's" for name in mixed]
        seen.problems += [f"left: {name}" for name in hidden(folder)]
        return seen
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Play every scene; JSON of what was seen."""
    from shotscore_exporters.soundfont import bundled_soundfont

    os.environ.setdefault("SHOTSCORE_SOUNDFONT", str(bundled_soundfont()))
    found: dict[str, Seen] = {}
    with tempfile.TemporaryDirectory(prefix="shotscore-scenes-") as scratch:
        base, log = Path(scratch) / "base", Path(scratch) / "log"
        warm_up(Path(scratch) / "warm")
        lay_out(base)
        status, _ = wait(
            spawn(("score", "desk/edit.otio", "--out", "out", *FAST), base, log, lambda: None, fresh=False)
        )
        assert status == 0, log.read_text()
        for name, scene in SCENES.items():
            found[name] = play(scene, base, Path(scratch) / "scene", log)
            print(f"{name}: {found[name]}", file=sys.stderr, flush=True)
        found["two at once"] = both_at_once(base, Path(scratch) / "scene", log)
    print(json.dumps({name: asdict(seen) for name, seen in found.items()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
