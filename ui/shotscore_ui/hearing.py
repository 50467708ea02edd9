"""What is heard: the music of the take in use, of another one beside it, or a click, with the mixer's gains.

The player knows files and gains; here is decided which. Mute, solo and gain are the ear's, not the session's: they act
at once.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from .controller import Controller
from .player import Player
from .shown import Shown, Sounds
from .sound import audible
from .view import StemView


class Hearing(QObject):
    """See the module."""

    told = Signal(str)
    """Why something is not heard, in a sentence."""

    def __init__(self, controller: Controller, player: Player, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self._player = player
        self._shown: Shown | None = None
        self._heard: tuple[object, ...] = ()
        """Cue, state of the files and take of the sound the player has."""
        self._take = 0
        """The take that is heard beside the one in use; 0 for none."""
        self._clicking = False
        self._play_next = False

    @property
    def sounds(self) -> Sounds | None:
        """What was delivered of the cue that is shown."""
        return self._shown.sounds if self._shown else None

    def show(self, shown: Shown | None) -> None:
        """Let the delivered sound of what is shown be heard, where it is another than is heard."""
        self._shown = shown
        if shown is None:
            self._heard = ()
            return
        sounds = shown.sounds
        if sounds is None:
            self._player.set_music({}, 0)
            self._heard = ()
            return
        if self._clicking:
            return
        now = (sounds.cue, sounds.mark, self._take)
        if now != self._heard:
            self._heard = now
            take = sounds.takes.get(self._take)
            files = {"": take} if take is not None else dict(sounds.stems)
            self._player.set_music(files, sounds.start_frame)
            self.apply_gains()
        if self._play_next:
            self._play_next = False
            cue = shown.timeline.cue(sounds.cue)
            if cue is not None:
                self._player.seek(cue.start_frame)
            self._player.play()

    # --- takes -------------------------------------------------------------------------------------------------

    def play_when_there(self) -> None:
        """The next music that arrives is played from its start."""
        self._play_next = True

    def take_in_use(self) -> None:
        """No other take any more."""
        self._take = 0

    def play_take(self, cue: str, number: int) -> None:
        """Play a take, or stop where it plays already."""
        if self._take == number and self._player.playing:
            self._player.pause()
            return
        self.hear_take(cue, number)
        if not self._player.playing:
            self._player.play()

    def hear_take(self, cue: str, number: int) -> None:
        """The same playhead, another take."""
        shown = self._shown
        if shown is None or shown.sounds is None or cue != shown.sounds.cue:
            return
        self._take = 0 if number == shown.session.chosen.get(cue) else number
        if self._take and self._take not in shown.sounds.takes:
            self.told.emit(self.tr("Take {0} is not rendered yet; use it to hear it.").format(number))
            self._take = 0
            return
        self.show(shown)

    # --- the click ---------------------------------------------------------------------------------------------

    def hear_click(self, path: Path) -> None:
        """A click track instead of the music."""
        cue = self._shown.timeline.cue(self._controller.cue) if self._shown else None
        if cue is None:
            return
        self._clicking = True
        self._heard = ()
        self._player.set_music({"click": path}, cue.start_frame)
        self._player.set_gains({})
        if not self._player.playing:
            self._player.play()

    def hear_no_click(self) -> None:
        """The music again."""
        self._clicking = False
        self._player.pause()
        if self._shown is not None:
            self.show(self._shown)

    # --- stems -------------------------------------------------------------------------------------------------

    def set_stem(self, name: str, **change: Any) -> None:
        """Mute, solo or gain of a stem."""
        known = self._controller.mixer_settings
        old = known.get(name) or StemView(name, 0, False, (), 0)
        known[name] = replace(old, **change)
        self.apply_gains()

    def apply_gains(self) -> None:
        """Let the mixer's settings be heard."""
        strips = self._controller.mixer_settings.values()
        self._player.set_gains(audible([(s.name, s.muted, s.soloed, s.gain_db) for s in strips]))

    # --- what can be dragged out -------------------------------------------------------------------------------

    def midi_files(self) -> list[Path]:
        """The cue's MIDI file."""
        return [self.sounds.midi] if self.sounds is not None and self.sounds.midi is not None else []

    def mix_files(self) -> list[Path]:
        """The cue's mix."""
        return [self.sounds.mix] if self.sounds is not None else []

    def stem_files(self, stem: str) -> list[Path]:
        """The sound of one stem."""
        return [self.sounds.stems[stem]] if self.sounds is not None and stem in self.sounds.stems else []
