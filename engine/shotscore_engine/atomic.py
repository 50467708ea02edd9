"""Writing whole or not at all: files beside their target first, then in its place in one step.

Whoever is killed in between leaves the old file, the new file, or the old file and a hidden temporary one; never half
a file under the target's name. The next one to write there clears away what a killed one left.
"""

import glob
import hashlib
import os
import re
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import OutputError


def replace_file(path: Path, data: bytes, previous: Path | None = None) -> None:
    """Put `data` at `path`, whole or not at all; folders are made.

    What stood at `path` before is kept at `previous` if that is given. Raises OutputError where writing fails.
    """
    with replacing(path, previous) as temporary, temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())  # a session must survive the power going off, not only the program


@contextmanager
def replacing(path: Path, previous: Path | None = None) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place when the block ends well, and goes away when it does not.

    What stood at `path` before is kept at `previous` if that is given. Raises OutputError where writing fails.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path)
        mine = f".{path.stem[:40]}-{_host()}-{os.getpid()}-"
        handle, name = tempfile.mkstemp(prefix=mine, suffix=path.suffix, dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        # mkstemp makes files nobody else may read; a delivered file has the rights a new file would have.
        temporary.chmod(0o666 & ~_umask())
        if previous is not None and path.exists():
            _keep(path, previous)
        temporary.replace(path)
    except OSError as problem:
        raise OutputError(f"{path} cannot be written: {problem.strerror or problem}.") from problem
    finally:
        if temporary is not None:
            with suppress(FileNotFoundError):
                temporary.unlink()


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A temporary folder on `folder`'s file system; it goes away, with what is left in it, when the block ends.

    What killed processes of this machine left there is removed. Raises OutputError where nothing can be written there.
    """
    folder = folder.absolute()
    beside = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    for place in (beside, *folder.parents[:3]):  # where it lay depends on which of them were there
        _sweep_stages(place)
    mine = f".shotscore-{_host()}-{os.getpid()}-"
    try:
        stage = tempfile.TemporaryDirectory(prefix=mine, dir=beside, ignore_cleanup_errors=True)
    except OSError as problem:
        raise OutputError(f"{folder} cannot be written to: {problem.strerror or problem}; choose another.") from problem
    with stage as name:
        yield Path(name)


def move_into(stage: Path, folder: Path) -> tuple[Path, ...]:
    """Move every file under `stage` to its place under `folder`, one atomic step each; the new paths, sorted.

    before  stage/a.mid  stage/stems/b.wav        after  folder/a.mid  folder/stems/b.wav

    Raises OutputError where a file cannot be put in place.
    """
    moved = []
    replaced: list[int] = []
    try:
        for source in sorted(path for path in stage.rglob("*") if path.is_file()):
            target = folder / source.relative_to(stage)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                replaced += _opened(target, replaced)
                source.replace(target)
            except OSError as problem:
                raise OutputError(f"{target} cannot be written: {problem.strerror or problem}.") from problem
            moved.append(target)
    finally:
        # A large file takes ten milliseconds to vanish. Held open it does so when it is closed, and nobody waits.
        if replaced:
            threading.Thread(target=_close, args=(replaced,)).start()
    return tuple(moved)


def _close(numbers: Sequence[int]) -> None:
    for number in numbers:
        os.close(number)


_LARGE_BYTES, _MOST_OPEN = 1 << 23, 64


def _opened(path: Path, held: Sequence[int]) -> list[int]:
    """A large file, open, where a file that is open can be replaced; else nothing."""
    if sys.platform == "win32" or len(held) >= _MOST_OPEN:
        return []
    with suppress(OSError):
        if path.stat().st_size >= _LARGE_BYTES:
            return [os.open(path, os.O_RDONLY)]
    return []


def sweep(path: Path) -> None:
    """Remove the temporary files of writers of `path` that were killed. The name says whose one is."""
    stem = path.stem[:40]
    name = re.compile(rf"\.{re.escape(stem)}-{_host()}-(\d+)-\w{{8}}{re.escape(path.suffix)}")
    for left in path.parent.glob(f".{glob.escape(stem)}-{_host()}-*{glob.escape(path.suffix)}"):
        found = name.fullmatch(left.name)
        if found and not _runs(int(found[1])):
            with suppress(OSError):
                left.unlink()


def sweep_stages(folder: Path) -> None:
    """Remove what killed users of `staging(folder)` left, without waiting for the next one."""
    for place in (folder.absolute(), *folder.absolute().parents[:3]):
        _sweep_stages(place)


def _sweep_stages(folder: Path) -> None:
    """Remove the stages of processes that run no more. The name says whose one is, so that none is ever unowned."""
    name = re.compile(rf"\.shotscore-{_host()}-(\d+)-\w{{8}}")
    with suppress(OSError):
        for left in folder.glob(f".shotscore-{_host()}-*"):
            found = name.fullmatch(left.name)
            if found and not _runs(int(found[1])):
                shutil.rmtree(left, ignore_errors=True)


def _runs(pid: int) -> bool:
    """Whether a process of this machine still does something; one that is dead and not yet buried does not."""
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def _host() -> str:
    """This machine in a word: a process number means something on one machine only, a folder may be shared by many."""
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def _keep(path: Path, previous: Path) -> None:
    """A second name for the file at `path`, so that it is never missing; a copy where the file system has no links."""
    spare = previous.with_name(f".{previous.name}.tmp")
    spare.unlink(missing_ok=True)
    try:
        os.link(path, spare)
    except OSError:
        shutil.copy2(path, spare)
    spare.replace(previous)
    # Two names of one file replace each other by doing nothing, and the spare one would stay.
    spare.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
