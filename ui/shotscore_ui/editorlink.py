"""The editor as the controller sees it: whether it answers, what it has open, what was put into it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from .editor import Editor, Surroundings
from .tasks import Keeper


class EditorLink(QObject):
    """Asks the editor, away from the window. Music goes to the editor the panel is docked to, else to the copy of the
    timeline's own file."""

    changed = Signal()
    """It answers, or no longer, or holds other music."""
    read_done = Signal(object)
    """Path of the timeline that was open in the editor"""
    noted = Signal(str)
    """A sentence for the status line"""
    failed = Signal(object)
    """The exception"""

    def __init__(self, surroundings: Surroundings, folder: Path, keeper: Keeper, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.folder = folder
        """Where timelines read from the editor lie."""
        self.connected = False
        self.inserted = ""
        """Mark of the music that was put into it last."""
        self._surroundings = surroundings
        self._keeper = keeper
        self._file_editor: Editor | None = None

    @property
    def editor(self) -> Editor | None:
        """Where the music goes; None where there is no such place."""
        return self._surroundings.editor or self._file_editor

    def follow(self, timeline: Path | None) -> None:
        """Another timeline is worked on, or none."""
        if self._surroundings.editor is None:
            self._file_editor = self._surroundings.file_editor(timeline) if timeline else None
        if timeline is None or self._surroundings.editor is None:
            self.inserted = ""
        if timeline is not None and self._surroundings.editor is None:
            self.ask()

    def ask(self) -> None:
        """Ask whether it answers."""
        editor = self.editor
        if editor is not None:
            self._keeper.ask(editor.connected, self._answered, lambda _: self._answered(False))

    def _answered(self, connected: object) -> None:
        self.connected = bool(connected)
        self.changed.emit()

    def read(self) -> None:
        """Read the timeline that is open in the editor; `read_done` says where it lies."""
        editor = self._surroundings.editor
        if editor is None:
            return

        def work() -> Path:
            self.folder.mkdir(parents=True, exist_ok=True)
            return editor.read(self.folder)

        self._keeper.ask(work, self.read_done.emit, self.failed.emit)

    def insert(self, session: Path, mark: str) -> None:
        """Put the delivered music of a session's file onto the editor's timeline."""
        editor = self.editor
        if editor is None:
            return

        def done(differences: Sequence[object]) -> None:
            self.inserted = mark
            for sentence in differences or (self.tr("The music is in {0}.").format(editor.name),):
                self.noted.emit(str(sentence))
            self.changed.emit()

        self._keeper.ask(lambda: tuple(editor.insert(session)), done, self.failed.emit)

    def remove(self) -> None:
        """Take the music out again."""
        editor = self.editor
        if editor is None:
            return

        def done(_: object) -> None:
            self.inserted = ""
            self.noted.emit(self.tr("The music is out of {0} again.").format(editor.name))
            self.changed.emit()

        self._keeper.ask(editor.remove, done, self.failed.emit)
