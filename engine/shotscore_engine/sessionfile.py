"""A session in its file while somebody works on it: locked against others, saved after every change.

`NAME.shotscore.lock` beside the session names the process that has it open. A second one is told who; a lock whose
process is gone (killed, or the machine restarted) is taken over. A damaged session is opened as it was one save
before, and the damaged file is kept beside it; one of a newer Shotscore is never taken for damaged.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from . import history
from .atomic import replace_file, sweep
from .errors import NewerSessionError, SessionError
from .session import MAX_FILE_BYTES, PREVIOUS_SUFFIX, Session

if TYPE_CHECKING:
    import psutil

LOCK_SUFFIX = ".lock"
DAMAGED_SUFFIX = ".damaged"
_CLOCK_SLACK = 2.0
"""Seconds by which two readings of one process's start may differ."""


def read(path: Path) -> tuple[Session, str]:
    """The session in the file `path` and "", or the one saved before it and a sentence about what happened.

    Raises SessionError where neither can be read, and where the file is of a newer version.
    """
    try:
        return Session.open(path), ""
    except NewerSessionError:
        raise
    except SessionError as problem:
        previous = path.with_name(path.name + PREVIOUS_SUFFIX)
        try:
            session = Session.from_bytes(_bytes(previous), str(previous), previous.parent)
        except SessionError:
            raise problem from None
        reason = str(problem).split(" The session as it was")[0]
        return session, (
            f"{reason} Opened as it was one save before ({previous.name}); the damaged file is kept as "
            f"{path.name}{DAMAGED_SUFFIX}."
        )


class SessionFile:
    """A session that is open: only this process may change it until it is closed."""

    def __init__(self, path: Path) -> None:
        """Opens and locks `path`. Raises SessionError where it cannot be read or another process has it open."""
        self.path = path.absolute()
        self._lock = lock_of(self.path)
        self._lock.take()
        try:
            sweep(self.path)
            self.session, self.recovered = read(self.path)
            """The session as it is in the file, and what had to be done to open it ("" for nothing)."""
            if self.recovered:
                self._set_damaged_aside()
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> SessionFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let others open it; everything is saved already."""
        self._lock.release()

    def do(self, did: str, change: Callable[[Session], Session]) -> Session:
        """Change the session, so that it can be undone, and save it; nothing is saved where nothing changed."""
        return self.put(history.record(self.session, change(self.session), did))

    def undo(self) -> Session:
        """One step back, saved. Raises RequestError where there is none."""
        return self.put(history.undo(self.session))

    def redo(self) -> Session:
        """One step forward again, saved. Raises RequestError where there is none."""
        return self.put(history.redo(self.session))

    def put(self, session: Session) -> Session:
        """Save `session` as it is."""
        if session is not self.session:
            session.save(self.path)
            self.session = session
        return session

    def _set_damaged_aside(self) -> None:
        # Saving keeps what stands in the file as the previous one: that must never be the damaged one.
        damaged = self.path.with_name(self.path.name + DAMAGED_SUFFIX)
        if self.path.exists():
            replace_file(damaged, self.path.read_bytes())
        replace_file(self.path, self.path.with_name(self.path.name + PREVIOUS_SUFFIX).read_bytes())


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise SessionError(f"{path} is larger than {MAX_FILE_BYTES:,} bytes; it is not read.")
        return path.read_bytes()
    except OSError as problem:
        raise SessionError(f"{path} cannot be read: {problem.strerror or problem}.") from problem


def lock_of(path: Path) -> FileLock:
    """The lock of the session in the file `path`, not taken yet."""
    return FileLock(path.with_name(path.name + LOCK_SUFFIX))


class FileLock:
    """A file that says which process has something open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mine = ""

    def __enter__(self) -> FileLock:
        self.take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def take(self) -> None:
        """Lock. Raises SessionError where a process that still runs has it, or where the lock cannot be written."""
        import psutil

        mine = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "started": _started(psutil.Process())})
        self._sweep()
        for _ in range(8):  # others may be taking over the same stale lock
            if self._create(mine):
                self._mine = mine
                return
            with contextlib.suppress(FileNotFoundError):  # released in between: try again
                text = self.path.read_text()
                holder = _holder(text)
                if holder:
                    raise SessionError(
                        f"{self.path.with_suffix('').name} is open in {holder}; close it there, or, if nothing has it "
                        f"open, delete {self.path}."
                    )
                self._remove_stale(text)
        raise SessionError(f"{self.path} keeps coming back; another process is opening the same session, so try again.")

    def release(self) -> None:
        """Unlock; another's lock is left alone."""
        with contextlib.suppress(OSError):
            if self._mine and self.path.read_text() == self._mine:
                self.path.unlink()
        self._mine = ""

    def _create(self, text: str) -> bool:
        # Written aside and linked, so that nobody ever reads half a lock.
        aside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            aside.write_text(text)
            try:
                os.link(aside, self.path)
                return True
            except FileExistsError:
                return False
            except OSError:  # a file system without links
                with self.path.open("x") as file:
                    file.write(text)
                return True
        except FileExistsError:
            return False
        except OSError as problem:
            raise SessionError(f"{self.path} cannot be written: {problem.strerror or problem}.") from problem
        finally:
            aside.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what processes left that were killed while they took or gave back this lock."""
        import psutil

        for left in self.path.parent.glob(f".{glob.escape(self.path.name)}.*"):
            pid = left.name.removeprefix(f".{self.path.name}.").removesuffix(".stale")
            if pid.isdecimal() and not psutil.pid_exists(int(pid)):
                with contextlib.suppress(OSError):
                    left.unlink()

    def _remove_stale(self, text: str) -> None:
        aside = self.path.with_name(f".{self.path.name}.{os.getpid()}.stale")
        try:
            self.path.replace(aside)
        except FileNotFoundError:
            return
        found = aside.read_text()
        aside.unlink()
        if found != text:
            # Somebody was quicker and this was their fresh lock: back with it.
            self._create(found)


def _started(process: psutil.Process) -> float:
    """When `process` began, in seconds, on a clock nobody sets: the same whenever it is asked.

    Linux counts from when the machine was switched on; psutil adds the time of day to it, which moves when the clock
    is set, and a running holder would be taken for a dead one. Elsewhere the start is noted once, when it happens.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, ValueError, IndexError):
            ticks = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[19]
            return int(ticks) / os.sysconf("SC_CLK_TCK")
    return float(process.create_time())


def _holder(text: str) -> str:
    """Who holds the lock, in words; "" where nobody does any more."""
    import psutil

    try:
        lock = json.loads(text)
        pid, host, started = int(lock["pid"]), str(lock["host"]), float(lock["started"])
    except (ValueError, KeyError, TypeError):
        return ""
    if host != socket.gethostname():
        return f"process {pid} on {host}"
    if pid == os.getpid():
        return f"this process ({pid})"
    try:
        process = psutil.Process(pid)
        running = process.status() != psutil.STATUS_ZOMBIE and abs(_started(process) - started) < _CLOCK_SLACK
    except psutil.NoSuchProcess:
        return ""
    except psutil.Error:
        running = True
    return f"process {pid}" if running else ""
