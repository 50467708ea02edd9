"""Jobs: long work in a worker process, one after the other, that can be stopped at any moment.

A crash of the worker is a problem like any other: it is told, and the next job gets a new worker. Whoever is stopped
is first asked; a worker that does not answer in time is ended. All of this is signals and timers: nothing waits.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, QTimer, Signal

from .messages import LONGEST_LINE, Message, ProtocolError, pack, unpack

WORKER = (sys.executable, "-m", "shotscore_ui.worker")
ASKED_MS = 4000
"""How long a worker that was asked to stop may take before it is told to end."""
TOLD_MS = 3000
"""How long one that was told to end may take before it is killed."""
_LOG_BYTES = 20_000
_CRASHED = "WorkerCrashed"
_STAGES = ("read", "analyse", "denoise", "render", "write")
_SHARES: dict[str, tuple[float, ...]] = {
    "score": (0.02, 0.38, 0.25, 0.27, 0.08),
    "rescore": (0.02, 0.2, 0.35, 0.33, 0.1),
    "reconform": (0.05, 0.35, 0.2, 0.3, 0.1),
    "trim": (0.02, 0.28, 0.3, 0.3, 0.1),
    "deliver": (0.05, 0.0, 0.0, 0.7, 0.25),
    "look": (0.02, 0.98, 0.0, 0.0, 0.0),
}
"""What part of a job each stage is, before it was ever timed here."""


@dataclass(frozen=True)
class Problem:
    """Why something did not work, in a sentence a person can act on, and what lies behind it."""

    text: str
    detail: str = ""
    kind: str = "Problem"


@dataclass(frozen=True)
class Advance:
    """How far a job is."""

    job: int
    kind: str
    stage: str
    done: float
    """Of the stage."""
    whole: float
    """Of the job."""
    seconds_left: float | None
    """None while there is nothing to tell it from."""


@dataclass
class _Asked:
    number: int
    kind: str
    given: Mapping[str, Any]
    begun: float = 0.0
    stage: str = ""
    stage_begun: float = 0.0
    cancelled: bool = False


class Jobs(QObject):
    """A worker process and what waits for it."""

    started = Signal(int, str)
    """job, kind"""
    advanced = Signal(object)
    """Advance"""
    formed = Signal(int, object)
    """job, the roll as `worker.Live` tells it"""
    answered = Signal(int, str, object)
    """job, kind, answer"""
    failed = Signal(int, str, object)
    """job, kind, Problem"""
    cancelled = Signal(int, str)
    """job, kind"""
    ended = Signal(int, str)
    """job, kind; after any of the three above"""
    stopped = Signal()
    """`close` is done: no process is left."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._ready = False
        self._buffer = bytearray()
        self._log = bytearray()
        self._waiting: deque[_Asked] = deque()
        self._running: _Asked | None = None
        self._last = 0
        self._closing = False
        self._shares = dict(_SHARES)
        self._end_timer = QTimer(self, singleShot=True)
        self._end_timer.timeout.connect(self._tell_to_end)
        self._kill_timer = QTimer(self, singleShot=True)
        self._kill_timer.timeout.connect(self._kill)

    # --- asking ------------------------------------------------------------------------------------------------

    def ask(self, kind: str, **given: Any) -> int:
        """Do `kind` of `worker.Desk.jobs` after what waits already; the job's number. Paths may be given as such."""
        self._last += 1
        plain = {name: str(value) if isinstance(value, Path) else value for name, value in given.items()}
        self._waiting.append(_Asked(self._last, kind, plain))
        QTimer.singleShot(0, self._next)
        return self._last

    @property
    def running(self) -> str:
        """What runs now; "" for nothing."""
        return self._running.kind if self._running else ""

    @property
    def running_number(self) -> int:
        """Of the job that runs; 0 for none."""
        return self._running.number if self._running else 0

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits."""
        return bool(self._running or self._waiting)

    @property
    def process_id(self) -> int:
        """Of the worker; 0 where none runs."""
        return int(self._process.processId()) if self._process else 0

    def cancel(self, number: int | None = None) -> None:
        """Stop a job, whether it runs or waits; without a number all of them. `cancelled` comes for each."""
        gone = [asked for asked in self._waiting if number in (None, asked.number)]
        self._waiting = deque(asked for asked in self._waiting if asked not in gone)
        for asked in gone:
            self.cancelled.emit(asked.number, asked.kind)
            self.ended.emit(asked.number, asked.kind)
        running = self._running
        if running is None or running.cancelled or number not in (None, running.number):
            return
        running.cancelled = True
        self._write({"cancel": running.number})
        self._end_timer.start(ASKED_MS)

    def close(self) -> None:
        """End the worker, whatever it does; `stopped` follows. No job is taken any more."""
        self._closing = True
        self.cancel()
        if self._process is None:
            QTimer.singleShot(0, self.stopped.emit)
            return
        self._process.closeWriteChannel()  # it stops, cleans up and goes by itself
        self._end_timer.start(ASKED_MS)

    # --- the process -------------------------------------------------------------------------------------------

    def _next(self) -> None:
        if self._closing or self._running or not self._waiting:
            return
        if self._process is None:
            self._start()
            return
        if not self._ready:
            return
        asked = self._waiting.popleft()
        self._running = asked
        asked.begun = asked.stage_begun = time.monotonic()
        self.started.emit(asked.number, asked.kind)
        try:
            line = {"job": asked.number, "do": asked.kind, "with": asked.given}
            self._write(line)
        except ProtocolError as problem:
            self._finish(asked, problem=Problem(str(problem), kind="ProtocolError"))

    def _start(self) -> None:
        process = QProcess(self)
        process.setProgram(WORKER[0])
        process.setArguments(list(WORKER[1:]))
        process.readyReadStandardOutput.connect(self._read)
        process.readyReadStandardError.connect(self._read_log)
        process.finished.connect(self._gone)
        process.errorOccurred.connect(self._not_started)
        self._process, self._ready = process, False
        self._buffer.clear()
        self._log.clear()
        process.start()

    def _write(self, message: Message) -> None:
        if self._process is not None:
            self._process.write(pack(message))

    def _read(self) -> None:
        if self._process is None:
            return
        self._buffer += self._process.readAllStandardOutput().data()
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[: end + 1])
            del self._buffer[: end + 1]
            try:
                self._hear(unpack(line))
            except ProtocolError as problem:
                self._log += f"\n{problem}".encode()
                self._kill()
                return
        if len(self._buffer) > LONGEST_LINE:
            self._log += b"\nA line without end."
            self._kill()

    def _read_log(self) -> None:
        if self._process is not None:
            self._log += self._process.readAllStandardError().data()
            del self._log[:-_LOG_BYTES]

    def _hear(self, message: Message) -> None:
        if message.get("ready"):
            self._ready = True
            self._next()
            return
        asked = self._running
        if asked is None or message.get("job") != asked.number:
            return
        if "stage" in message:
            self._advance(asked, str(message["stage"]), float(message["done"]))
        elif "roll" in message:
            self.formed.emit(asked.number, message["roll"])
        elif "answer" in message:
            self._learn(asked, message["answer"])
            self._finish(asked, answer=message["answer"])
        elif "problem" in message:
            told = message["problem"]
            self._finish(asked, problem=Problem(str(told["text"]), str(told["detail"]), str(told["kind"])))
        elif message.get("cancelled"):
            self._finish(asked)

    def _advance(self, asked: _Asked, stage: str, done: float) -> None:
        now = time.monotonic()
        if stage != asked.stage:
            asked.stage, asked.stage_begun = stage, now
        shares = self._shares.get(asked.kind)
        whole = done
        if shares and stage in _STAGES:
            place = _STAGES.index(stage)
            whole = sum(shares[:place]) + shares[place] * done
        elapsed = now - asked.begun
        left = elapsed * (1 - whole) / whole if whole > 0.03 and elapsed > 1 else None
        self.advanced.emit(Advance(asked.number, asked.kind, stage, done, min(1.0, whole), left))

    def _learn(self, asked: _Asked, answer: Mapping[str, Any]) -> None:
        """Next time the stages' shares are those of this machine and film."""
        seconds = answer.get("seconds")
        if isinstance(seconds, dict) and (total := sum(seconds.values())) > 0:
            self._shares[asked.kind] = tuple(float(seconds.get(stage, 0.0)) / total for stage in _STAGES)

    def _finish(
        self, asked: _Asked, *, answer: Mapping[str, Any] | None = None, problem: Problem | None = None
    ) -> None:
        self._running = None
        if not self._closing:
            self._end_timer.stop()
        if answer is not None:
            self.answered.emit(asked.number, asked.kind, answer)
        elif problem is not None:
            self.failed.emit(asked.number, asked.kind, problem)
        else:
            self.cancelled.emit(asked.number, asked.kind)
        self.ended.emit(asked.number, asked.kind)
        self._next()

    def _gone(self, code: int, status: QProcess.ExitStatus) -> None:
        self._read()
        self._read_log()
        process, self._process = self._process, None
        was_ready, self._ready = self._ready, False
        self._end_timer.stop()
        self._kill_timer.stop()
        if process is not None:
            process.deleteLater()
        asked = self._running
        if asked is not None:
            if asked.cancelled:
                self._finish(asked)
            else:
                how = self.tr("crashed")
                if status != QProcess.ExitStatus.CrashExit:
                    how = self.tr("ended with code {0}").format(code)
                text = self.tr(
                    "The worker process {0} while it was at work ({1}). Nothing is lost: the session is as it was. "
                    "Try again; if it happens again, choose the processor as the device in the settings."
                ).format(how, asked.kind)
                log = bytes(self._log).decode(errors="replace")
                self._finish(asked, problem=Problem(text, log or self.tr("It left no message."), _CRASHED))
        if self._closing:
            self.stopped.emit()
        elif was_ready:
            self._next()
        else:  # it cannot even begin: another one could not either
            log = bytes(self._log).decode(errors="replace")
            self._refuse(Problem(self.tr("The worker process does not start; reinstall Shotscore."), log, _CRASHED))

    def _refuse(self, problem: Problem) -> None:
        """All that waits fails."""
        waiting, self._waiting = list(self._waiting), deque()
        for asked in waiting:
            self.failed.emit(asked.number, asked.kind, problem)
            self.ended.emit(asked.number, asked.kind)

    def _not_started(self, error: QProcess.ProcessError) -> None:
        if error != QProcess.ProcessError.FailedToStart or self._process is None:
            return
        text = self.tr("The worker process does not start: {0}").format(self._process.errorString())
        self._process.deleteLater()
        self._process = None
        self._refuse(Problem(text, " ".join(WORKER), _CRASHED))
        if self._closing:
            self.stopped.emit()

    def _tell_to_end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._kill_timer.start(TOLD_MS)

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
