"""What the main button and the menu beside it do: score, regenerate, re-conform, insert, export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget
from shotscore_engine.errors import InputError

from .controller import Controller
from .dialogs import ExportDialog
from .inspector import Inspector, counted
from .jobs import Problem
from .mainbutton import Entry

TIMELINES = "*.otio *.otioz *.xml *.fcpxml *.edl *.aaf *.kdenlive *.mlt *.shotscore"


class Scoring(QObject):
    """Asks the controller for what the inspector says. `choose_file` is what there is to do while nothing is open."""

    begun = Signal(str)
    """Something was asked for: what, in words"""
    told = Signal(str)
    """A sentence for the status line"""
    troubled = Signal(object)
    """Problem"""

    def __init__(
        self, controller: Controller, inspector: Inspector, choose_file: Callable[[], object], window: QWidget
    ) -> None:
        super().__init__(window)
        self._controller = controller
        self._inspector = inspector
        self._choose_file = choose_file
        self._window = window
        controller.exported.connect(self._exported)

    def do_what_comes_next(self) -> None:
        """What the main button says."""
        actions: dict[str, Callable[[], object]] = {
            "empty": self._choose_file,
            "score": self.score,
            "regenerate": self.regenerate,
            "reconform": self._controller.reconform,
            "insert": self._controller.insert_into_editor,
            "export": self.export,
            "busy": self._controller.cancel,
        }
        action = actions.get(self._controller.situation.kind)
        if action is not None:
            action()

    def entries(self) -> list[Entry]:
        """What else can be done now."""
        c = self._controller
        scored = c.session is not None and c.cue in c.session.chosen
        editor = c.editor
        name = editor.name if editor else self.tr("the editor")
        return [
            (self.tr("Score the whole cue again"), self.score, bool(c.cue)),
            (self.tr("Regenerate the selected shots"), self.regenerate, scored and bool(c.selection[0])),
            (self.tr("Regenerate every shot"), lambda: self.regenerate_range(0, 0), scored),
            (self.tr("Re-conform to the timeline as it is now"), c.reconform, scored),
            (self.tr("Re-conform to another timeline …"), self.reconform_to_another, scored),
            (
                self.tr("Insert into {0}").format(name),
                c.insert_into_editor,
                scored and editor is not None and c.link.connected,
            ),
            (self.tr("Take the music out of it again"), c.link.remove, scored and editor is not None),
            (self.tr("Export …"), self.export, scored),
        ]

    def score(self) -> None:
        """Score the cue as the inspector says."""
        c = self._controller
        if c.session is None or not c.cue:
            return
        from shotscore_engine.regenerate import next_seed

        try:
            cue = c.session.cue(c.cue)
            request = self._inspector.request(
                (cue.start_frame, cue.end_frame),
                device=c.settings.device,
                model=c.settings.model,
                soundfont=c.settings.soundfont,
                loudness_lufs=c.settings.loudness_lufs,
                seed=next_seed(c.session, c.cue),
            )
        except InputError as problem:
            self.troubled.emit(Problem(str(problem)))
            return
        self.begun.emit(self.tr("Scoring {0}").format(c.cue))
        c.score(request)

    def regenerate(self) -> None:
        """Write the selected shots anew."""
        self.regenerate_range(*self._controller.selection)

    def regenerate_range(self, first: int, last: int) -> None:
        """Write a range of shots anew; 0, 0 is every shot."""
        try:
            again = self._inspector.again((first, last) if first else None)
        except InputError as problem:
            self.troubled.emit(Problem(str(problem)))
            return
        self.begun.emit(self.tr("Regenerating"))
        self._controller.regenerate(again)

    def reconform_to_another(self) -> None:
        """Ask for the recut timeline, and follow it."""
        found, _ = QFileDialog.getOpenFileName(self._window, self.tr("The recut timeline"), "", f"({TIMELINES})")
        if found:
            self._controller.reconform(Path(found))

    def export(self) -> None:
        """Ask for formats and folder."""
        c = self._controller
        if c.session is None or c.cue not in c.session.chosen:
            return
        from shotscore_exporters.export import FORMATS

        formats = [(name, f"{name} — {form.about}") for name, form in FORMATS.items()]
        dialog = ExportDialog(formats, ["mix", "stems", "midi"], c.out / "export", self._window)
        dialog.accepted.connect(lambda: c.export(dialog.chosen, Path(dialog.folder.text)))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _exported(self, files: list[Path]) -> None:
        self.told.emit(
            counted(self.tr("1 file written"), self.tr("{0} files written"), len(files))
            + (f": {files[0].parent}" if files else "")
        )
