"""Small work beside the window: reading and saving a session, making views. One thread, first come, first served.

Nothing that a job does belongs here: this shares the panel's process. Answers come back on the thread that asked.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal


class Keeper(QObject):
    """A thread that does one thing after the other."""

    _back = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="shotscore-keeper")
        self._lock = threading.Lock()
        self._open = 0
        self._back.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._open > 0

    def ask(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], None] | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Do `work` there, then `done(answer)` or `failed(problem)` here."""
        self._open += 1

        def run() -> None:
            try:
                answer = work()
            except Exception as problem:  # handed to whoever asked
                self._say(failed, problem)
            else:
                self._say(done, answer)

        self._pool.submit(run)

    def close(self) -> None:
        """Finish what was asked, hear no answer any more."""
        self._back.disconnect(self._deliver)
        self._pool.shutdown(wait=True)

    def _say(self, callback: Callable[[Any], None] | None, value: object) -> None:
        try:
            self._back.emit(callback, value, None)
        except RuntimeError:  # the panel is gone already
            return

    def _deliver(self, callback: Callable[[Any], None] | None, value: object, _: object) -> None:
        self._open -= 1
        if callback is not None:
            callback(value)
        elif isinstance(value, Exception):
            raise value
