"""The mixer's dock: the stems, and below them what can be dragged to another program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from .buttons import FileHandle, tool
from .controller import Controller
from .hearing import Hearing
from .mixer import Mixer
from .view import MixerView


class MixerDock(QWidget):
    """See the module. What is muted, soloed and turned is heard at once and kept for the next view."""

    def __init__(
        self, controller: Controller, hearing: Hearing, show_folder: Callable[[], object], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._controller = controller
        self.mixer = Mixer(self)
        midi = self.tr("Drag the MIDI file to another program")
        mix = self.tr("Drag the mix to another program")
        handles = QHBoxLayout()
        handles.addWidget(QLabel(self.tr("Drag out:"), self))
        handles.addWidget(FileHandle(self.tr("MIDI"), midi, hearing.midi_files, self))
        handles.addWidget(FileHandle(self.tr("Mix"), mix, hearing.mix_files, self))
        handles.addStretch(1)
        handles.addWidget(tool(self, "folder", self.tr("Show the folder of the music"), show_folder))
        rows = QVBoxLayout(self)
        rows.setContentsMargins(4, 4, 4, 4)
        rows.setSpacing(4)
        rows.addWidget(self.mixer, 1)
        rows.addLayout(handles)
        self.mixer.mute_toggled.connect(lambda stem, on: hearing.set_stem(stem, muted=on))
        self.mixer.solo_toggled.connect(lambda stem, on: hearing.set_stem(stem, soloed=on))
        self.mixer.gain_changed.connect(lambda stem, gain: hearing.set_stem(stem, gain_db=gain))
        self.mixer.stem_dragged.connect(lambda stem: self.mixer.drag_files(hearing.stem_files(stem)))

    def set_view(self, view: MixerView | None) -> None:
        """The stems, with what was muted, soloed and turned since the view was made."""
        known = self._controller.mixer_settings
        stems = []
        for stem in view.stems if view else ():
            old = known.get(stem.name, stem)
            stems.append(replace(stem, muted=old.muted, soloed=old.soloed, gain_db=old.gain_db))
            known[stem.name] = stems[-1]
        self.mixer.set_view(MixerView(self._controller.cue, tuple(stems)))
