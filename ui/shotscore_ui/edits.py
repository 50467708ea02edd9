"""What a person changes in a session by the strip, the takes and the mixer, each under the name undo shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from shotscore_engine import hits, takes
from shotscore_engine.locks import Lock

from .controller import Controller
from .mixer import Mixer
from .strip import TimelineStrip
from .takes import TakeCards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shotscore_engine.session import Session


class Edits(QObject):
    """Listens to widgets and tells the controller."""

    def __init__(self, controller: Controller, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._controller = controller

    def hear_strip(self, strip: TimelineStrip) -> None:
        """Hits, locks, energy and edges of cues."""
        strip.hit_moved.connect(self._move_hit)
        strip.hit_weighed.connect(self._weigh_hit)
        strip.hit_added.connect(self._add_hit)
        strip.hit_muted.connect(self._mute_hit)
        strip.lock_toggled.connect(self._lock)
        strip.energy_drawn.connect(self._controller.draw_energy)
        strip.cue_trimmed.connect(self._controller.trim)

    def hear_takes(self, cards: TakeCards) -> None:
        """Using, naming and putting together takes."""
        cards.take_used.connect(self._use_take)
        cards.take_starred.connect(self._star_take)
        cards.take_renamed.connect(self._rename_take)
        cards.take_deleted.connect(self._delete_take)
        cards.takes_combined.connect(self._combine_takes)

    def hear_mixer(self, mixer: Mixer) -> None:
        """Locks and instruments of stems."""
        mixer.lock_toggled.connect(lambda stem, on: self._lock_stem(mixer, stem, on))
        mixer.instrument_changed.connect(self._set_instrument)

    # --- hits --------------------------------------------------------------------------------------------------

    def _move_hit(self, cue: str, at: int, to: int) -> None:
        self._controller.do(self.tr("move a hit"), lambda session: hits.move_hit(session, cue, at, to))

    def _weigh_hit(self, cue: str, at: int, weight: float) -> None:
        exact = round(weight, 3)
        self._controller.do(self.tr("weigh a hit"), lambda session: hits.weigh_hit(session, cue, at, exact))

    def _add_hit(self, cue: str, at: int) -> None:
        self._controller.do(self.tr("add a hit"), lambda session: hits.add_hit(session, cue, at))

    def _mute_hit(self, cue: str, at: int, muted: bool) -> None:
        words = self.tr("mute a hit") if muted else self.tr("unmute a hit")
        self._controller.do(words, lambda session: hits.mute_hit(session, cue, at, muted))

    # --- takes -------------------------------------------------------------------------------------------------

    def _use_take(self, cue: str, number: int) -> None:
        words = self.tr("use take {0}").format(number)
        self._controller.do(words, lambda session: takes.use_take(session, cue, number))

    def _star_take(self, cue: str, number: int, on: bool) -> None:
        words = self.tr("star take {0}").format(number)
        self._controller.do(words, lambda session: takes.star_take(session, cue, number, on))

    def _rename_take(self, cue: str, number: int, name: str) -> None:
        words = self.tr("rename take {0}").format(number)
        self._controller.do(words, lambda session: takes.rename_take(session, cue, number, name))

    def _delete_take(self, cue: str, number: int) -> None:
        words = self.tr("delete take {0}").format(number)
        self._controller.do(words, lambda session: takes.delete_take(session, cue, number))

    def _combine_takes(self, cue: str, pieces: Sequence[tuple[int, int, int]]) -> None:
        self._controller.do(self.tr("combine takes"), lambda session: takes.combine_takes(session, cue, list(pieces)))

    # --- locks and instruments ---------------------------------------------------------------------------------

    def _lock(self, cue: str, part: str, start: int, end: int, on: bool) -> None:
        lock = Lock(cue, part or None, None if start < 0 else start, None if end < 0 else end)
        self._set_locks(str(lock), [lock], on)

    def _lock_stem(self, mixer: Mixer, stem: str, on: bool) -> None:
        """A stem is locked by the parts it is made of."""
        strip = next((strip for strip in mixer.view.stems if strip.name == stem), None)
        if strip is not None:
            wanted = [Lock(self._controller.cue, part) for part in strip.parts]
            self._set_locks(f"{stem} ({', '.join(strip.parts)})", wanted, on)

    def _set_locks(self, what: str, wanted: list[Lock], on: bool) -> None:
        words = self.tr("lock {0}") if on else self.tr("unlock {0}")

        def change(session: Session) -> Session:
            others = tuple(old for old in session.locks if old not in wanted)
            return replace(session, locks=(*others, *wanted) if on else others)

        self._controller.do(words.format(what), change)

    def _set_instrument(self, stem: str, program: int) -> None:
        cue, words = self._controller.cue, self.tr("another instrument for {0}").format(stem)
        self._controller.do(words, lambda session: takes.set_instrument(session, cue, stem, program))
