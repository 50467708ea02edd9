"""The menu of the timeline strip: what can be done at a place of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu
from shotscore_engine.timing import quantise

from ..language import tr
from ..view import CueView, HitView
from .edges import Side

if TYPE_CHECKING:
    from .widget import TimelineStrip


class StripMenu(QMenu):
    """Made for one place. Every action has a name; the key beside it is the strip's own."""

    def __init__(self, strip: TimelineStrip, position: QPointF) -> None:
        super().__init__(strip)
        view = strip.view
        assert view is not None
        lane, frame = strip.lane_at(position), strip.frame_at(position)
        hit = strip.hit_at(position) if lane == "hits" else None
        if lane == "shots" and not strip.selection[0] <= strip.shot_index(frame) <= strip.selection[1]:
            strip.select(strip.shot_index(frame), strip.shot_index(frame))
        if hit is not None:
            self._add_hit(strip, hit)
        elif lane == "hits":
            self._add("add", tr("Add a hit here"), lambda: strip.commands.add_hit(quantise(frame)), "H")
        if lane == "energy" and (over := view.cue_at(frame)) is not None and over.energy.curve:
            words = tr("Take the drawn curve away")
            self._add("clear-energy", words, lambda: strip.energy_drawn.emit(over.name, ()))
        if lane == "cue" and (cue := view.cue_at(frame)) is not None:
            self._add("cue-start", tr("Move its beginning"), partial(self._hold, strip, cue, "start"), "I")
            self._add("cue-end", tr("Move its end"), partial(self._hold, strip, cue, "end"), "O")
        if strip.selection[0]:
            self._add_selection(strip)
        self.addSeparator()
        self._add("select-all", tr("Select all shots"), strip.commands.select_all, "Ctrl+A")
        self._add("fit", tr("Show the whole film"), strip.scale.fit, "0")

    def _add(self, name: str, text: str, done: Callable[[], object], key: str = "") -> QAction:
        action = self.addAction(text)
        action.setObjectName(name)
        action.triggered.connect(lambda _=False: done())
        if key:
            action.setShortcut(key)  # shown beside the words; the strip itself listens to it
        return action

    @staticmethod
    def _hold(strip: TimelineStrip, cue: CueView, side: Side) -> None:
        strip.edges.take(cue, side)
        strip.describe()

    def _add_hit(self, strip: TimelineStrip, hit: HitView) -> None:
        strip.choose_hit(hit)
        words = tr("Unmute this hit") if hit.weight <= 0 else tr("Mute this hit")
        self._add("mute", words, strip.commands.mute_hit, "M")
        for name, words, weight in (("must", tr("Must be met"), 1.0), ("nice", tr("Nice to meet"), 0.5)):
            action = self._add(name, words, partial(strip.hit_weighed.emit, hit.cue, hit.frame, weight))
            action.setCheckable(True)
            action.setChecked(hit.weight == weight)

    def _add_selection(self, strip: TimelineStrip) -> None:
        self.addSeparator()
        first, last = strip.selection
        words = tr("Regenerate these shots") if first != last else tr("Regenerate this shot")
        self._add("regenerate", words, strip.commands.regenerate, "Return")
        self._add("lock", tr("Lock or unlock them"), strip.commands.toggle_lock_of_selection, "Ctrl+L")
        self._add("zoom-selection", tr("Zoom to the selection"), strip.commands.zoom_to_selection, "Z")
        self._add("select-none", tr("Select nothing"), strip.commands.select_none, "Esc")
