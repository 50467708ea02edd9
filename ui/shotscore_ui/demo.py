"""Making the demo film, in a process of its own."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, Signal

from .jobs import Problem


class DemoFilm(QObject):
    """`command` makes a film in the folder it gets as its last argument, and prints the timeline's path as JSON."""

    made = Signal(object)
    """Path of the timeline"""
    failed = Signal(object)
    """Problem"""

    def __init__(self, command: tuple[str, ...], folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process = QProcess(self)
        self._process.finished.connect(self._done)
        self._process.errorOccurred.connect(self._not_started)
        self._process.setProgram(command[0])
        self._process.setArguments([*command[1:], str(folder)])

    def start(self) -> None:
        """Begin; `made` or `failed` follows."""
        self._process.start()

    def _done(self, code: int, _: object) -> None:
        try:
            found = Path(json.loads(bytes(self._process.readAllStandardOutput().data()))["timeline"])
        except (ValueError, KeyError, TypeError):
            detail = bytes(self._process.readAllStandardError().data()).decode(errors="replace")
            words = self.tr("The demo film could not be made (code {0}).").format(code)
            self.failed.emit(Problem(words, detail))
        else:
            self.made.emit(found)

    def _not_started(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            words = self.tr("The demo film could not be made: {0}").format(self._process.errorString())
            self.failed.emit(Problem(words, self._process.program()))
