"""The edges of cues: taken hold of by mouse or key, shown where they would be, and let go there.

An edge jumps onto cuts, the playhead and the edges of other cues, unless it is moved freely. It stops at a cue it does
not overlap yet, unless that is meant, and two beats before its cue's other edge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from shotscore_engine.cues import LEAST_BEATS
from shotscore_engine.timing import quantise

from ..language import tr
from ..theme import Theme
from ..view import CueView, TimelineView
from .canvas import Brushwork
from .overlay import paint_flag
from .words import timecode

if TYPE_CHECKING:
    from .widget import TimelineStrip

Side = Literal["start", "end"]

GRAB = 6.0
"""Points on either side of an edge in which it is taken hold of."""
SNAP = 6.0
"""Points around a cut from which an edge jumps onto it."""


@dataclass(frozen=True)
class Edge:
    """An edge of a cue, and where it would be."""

    cue: CueView
    side: Side
    frame: int
    overlap: bool = False
    """Whether it may pass the edges of other cues."""

    @property
    def was(self) -> int:
        """Where it is."""
        return self.cue.start_frame if self.side == "start" else self.cue.end_frame

    @property
    def range_frames(self) -> tuple[int, int]:
        """The cue's range as it would be."""
        return (self.frame, self.cue.end_frame) if self.side == "start" else (self.cue.start_frame, self.frame)


class Edges:
    """The one edge that is held, if any is."""

    def __init__(self, strip: TimelineStrip) -> None:
        self.strip = strip
        self.held: Edge | None = None
        self._asked = False
        """Whether it was let go already, and is shown until the session has followed."""

    @property
    def holding(self) -> bool:
        """Whether there is one that can still be moved."""
        return self.held is not None and not self._asked

    # --- taking hold -------------------------------------------------------------------------------------------

    def at(self, position: QPointF) -> tuple[CueView, Side] | None:
        """The edge there, in the lane of cues."""
        strip, view = self.strip, self.strip.view
        if view is None or strip.lane_at(position) != "cue":
            return None
        x = position.x() - strip.header
        best, found = GRAB, None
        for cue in view.cues:
            left, right = strip.scale.x(cue.start_frame), strip.scale.x(cue.end_frame)
            near = min(GRAB, (right - left) / 3)  # of a short cue the middle is still its own
            for side, at in (("start", left), ("end", right)):
                if abs(x - at) <= min(best, near if left < x < right else GRAB):
                    best, found = abs(x - at), (cue, side)
        return found  # type: ignore[return-value]  # the sides are those two

    def take(self, cue: CueView, side: Side) -> None:
        """Take hold of an edge."""
        self._asked = False
        self.held = Edge(cue, side, cue.start_frame if side == "start" else cue.end_frame)
        self.strip.update()

    def take_by_key(self, side: Side) -> bool:
        """Take hold of an edge of the cue at the playhead, or the nearest; again: bring it to the playhead."""
        view, playhead = self.strip.view, self.strip.playhead
        held = self.held
        if held is not None and self.holding and held.side == side:
            self.move(playhead, freely=True)
            return True
        if view is None or not view.cues:
            return False
        cue = view.cue_at(playhead)
        if cue is None:
            cue = min(view.cues, key=lambda one: min(abs(one.start_frame - playhead), abs(one.end_frame - playhead)))
        self.take(cue, side)
        self._reveal()
        return True

    # --- moving ------------------------------------------------------------------------------------------------

    def move(self, frame: float, *, freely: bool, overlap: bool = False) -> None:
        """Let it stand at `frame`, or as near as it can."""
        held, view = self.held, self.strip.view
        if held is None or view is None or self._asked:
            return
        if not freely:
            frame = self._snapped(view, held, frame)
        low, high = _limits(view, held, overlap)
        self.held = replace(held, frame=min(max(quantise(frame), low), high), overlap=overlap)
        self.strip.update()

    def step(self, frames: int) -> None:
        """By frames, onto nothing but them."""
        if self.held is not None:
            self.move(self.held.frame + frames, freely=True, overlap=self.held.overlap)
            self._reveal()

    def step_to_cut(self, direction: int) -> None:
        """To the cut after (1) or before (-1)."""
        held, view = self.held, self.strip.view
        if held is None or view is None:
            return
        cuts = np.append(view.shot_starts, view.duration_frames)
        place = int(np.searchsorted(cuts, held.frame, side="right" if direction > 0 else "left"))
        place = min(max(0, place if direction > 0 else place - 1), len(cuts) - 1)
        self.move(int(cuts[place]), freely=True, overlap=held.overlap)
        self._reveal()

    def _reveal(self) -> None:
        if self.held is not None:
            self.strip.scale.reveal(self.held.frame)
            self.strip.describe()

    def _snapped(self, view: TimelineView, held: Edge, frame: float) -> float:
        others = [edge for cue in view.cues if cue is not held.cue for edge in (cue.start_frame, cue.end_frame)]
        starts = view.shot_starts
        place = int(np.searchsorted(starts, frame))
        cuts = [int(starts[i]) for i in (place - 1, place) if 0 <= i < len(starts)]
        marks = [*cuts, *others, self.strip.playhead, held.was, view.duration_frames]
        nearest = min(marks, key=lambda mark: abs(mark - frame))
        return nearest if abs(nearest - frame) / self.strip.scale.frames_per_pixel <= SNAP else frame

    # --- letting go --------------------------------------------------------------------------------------------

    def put(self) -> bool:
        """Ask for the cue to begin or end there; it is shown so until the session has followed."""
        held = self.held
        if held is None or self._asked:
            return False
        if held.frame == held.was:
            self.let_go()
        else:
            self._asked = True
            self.strip.cue_trimmed.emit(held.cue.name, *held.range_frames, held.overlap)
        self.strip.describe()
        return True

    def let_go(self) -> None:
        """It stays where it was."""
        self.held, self._asked = None, False
        self.strip.update()

    def follow(self, view: TimelineView | None) -> bool:
        """Another view is shown: what is held stays so where its cue is as it was; whether it does."""
        held = self.held
        cue = view.cue(held.cue.name) if view is not None and held is not None else None
        if held is None or self._asked or cue is None or cue.range_frames != held.cue.range_frames:
            self.let_go()
            return False
        self.held = replace(held, cue=cue)
        return True

    def words(self) -> str:
        """What is held, in a sentence."""
        held, view = self.held, self.strip.view
        if held is None or view is None or self._asked:
            return ""
        start = tr("The beginning of {0} would be at {1}. Arrows move it, Enter sets it, Escape leaves it.")
        end = tr("The end of {0} would be at {1}. Arrows move it, Enter sets it, Escape leaves it.")
        return (start if held.side == "start" else end).format(held.cue.name, timecode(view, held.frame))

    # --- painting ----------------------------------------------------------------------------------------------

    def paint(self, painter: QPainter, theme: Theme, work: Brushwork) -> None:
        """The edge where it would be, what the cue would lose or gain, and its timecode."""
        held, view, strip = self.held, self.strip.view, self.strip
        if held is None or view is None:
            return
        x, before = strip.scale.x(held.frame), strip.scale.x(held.was)
        left, right = sorted((min(max(x, -4.0), strip.scale.width + 4), min(max(before, -4.0), strip.scale.width + 4)))
        gains = (held.frame < held.was) == (held.side == "start")
        lane = strip.lane("cue")
        top = float(lane.top() if not lane.isEmpty() else 0)
        if right > left:
            veil = theme.colour("accent", 0.2) if gains else theme.colour("window", 0.68)
            painter.fillRect(QRectF(left, top, right - left, strip.lanes_height - top), veil)
        painter.setPen(QPen(theme.colour("accent"), 2, Qt.PenStyle.DashLine if self._asked else Qt.PenStyle.SolidLine))
        painter.drawLine(QPointF(x, top), QPointF(x, strip.lanes_height))
        # A bracket around the cue's side of the line says which edge it is.
        arm = 7.0 if held.side == "start" else -7.0
        for y in (top + 1, float(lane.bottom())):
            painter.drawLine(QPointF(x, y), QPointF(x + arm, y))
        if not self._asked:
            word = f"{timecode(view, held.frame)}  {held.frame - held.was:+d}"
            paint_flag(painter, QPointF(x + 12, lane.bottom() + 4), word, strip.scale.width, theme, strip.font(), work)


def _limits(view: TimelineView, held: Edge, overlap: bool) -> tuple[int, int]:
    """(first, last) frame the edge may stand at."""
    cue, grid = held.cue, held.cue.grid
    least = 1 if grid is None or not len(grid.bpm) else math.ceil(LEAST_BEATS * float(np.diff(grid.beat_frames).mean()))
    others = [] if overlap else [one for one in view.cues if one is not cue]
    if held.side == "start":
        low = max((one.end_frame for one in others if one.end_frame <= cue.start_frame), default=0)
        return low, max(low, cue.end_frame - least)
    high = min((one.start_frame for one in others if one.start_frame >= cue.end_frame), default=view.duration_frames)
    return min(high, cue.start_frame + least), high
