"""The mouse on the timeline strip: what a press takes hold of, and what becomes of it until the button is let go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QMouseEvent, QPainter, QPen, QPolygonF
from shotscore_engine.timing import quantise

from ..language import tr
from ..theme import Theme
from ..view import CueView, HitView
from .canvas import Brushwork
from .commands import WEIGHT_STEP
from .curves import energy_at, energy_y
from .energycurve import joined_curve
from .hits import weight_y
from .marks import paint_mark
from .overlay import paint_flag
from .words import timecode

if TYPE_CHECKING:
    from .widget import TimelineStrip

SLACK = 4.0
"""Points a press may wander before it is a drag."""

Button = Qt.MouseButton
Mod = Qt.KeyboardModifier


@dataclass
class _Drag:
    """What the mouse is doing while its button is down."""

    kind: Literal["playhead", "shots", "hit", "energy", "edge", "pan"]
    start: QPointF
    hit: HitView | None = None
    axis: Literal["", "move", "weigh"] = ""
    frame: int = 0
    weight: float = 0.0
    anchor: int = 0
    cue: CueView | None = None
    drawn: dict[int, float] | None = None
    last: tuple[int, float] | None = None


class Hand:
    """See the module."""

    def __init__(self, strip: TimelineStrip) -> None:
        self.strip = strip
        self._drag: _Drag | None = None

    @property
    def dragging(self) -> bool:
        """Whether it holds something."""
        return self._drag is not None

    def let_go(self) -> None:
        """Of what it holds; nothing comes of it."""
        self._drag = None

    # --- events ------------------------------------------------------------------------------------------------

    def press(self, event: QMouseEvent) -> None:
        """Take hold of what is there."""
        strip, position = self.strip, event.position()
        lane, frame = strip.lane_at(position), strip.frame_at(position)
        if event.button() == Button.MiddleButton:
            self._drag = _Drag("pan", position)
            return
        if event.button() != Button.LeftButton or not lane or strip.view is None:
            return
        if lane == "hits":
            hit = strip.hit_at(position)
            strip.choose_hit(hit)
            if hit is not None:
                self._drag = _Drag("hit", position, hit=hit, frame=hit.frame, weight=hit.weight)
        elif lane == "shots":
            index, first = strip.shot_index(frame), strip.selection[0]
            anchor = first if event.modifiers() & Mod.ShiftModifier and first else index
            self._drag = _Drag("shots", position, anchor=anchor)
            strip.select(min(anchor, index), max(anchor, index))
        elif lane == "energy":
            cue = strip.view.cue_at(frame)
            if cue is not None:
                self._drag = _Drag("energy", position, cue=cue, drawn={})
                self._draw_energy(self._drag, position)
        elif lane == "locks":
            strip.commands.toggle_lock_at(frame)
        elif (edge := strip.edges.at(position)) is not None:
            strip.cue_activated.emit(edge[0].name)
            strip.edges.take(*edge)
            self._drag = _Drag("edge", position)
        else:
            if lane == "cue" and (cue := strip.view.cue_at(frame)) is not None:
                strip.cue_activated.emit(cue.name)
            self._drag = _Drag("playhead", position)
            strip.go(frame)

    def move(self, event: QMouseEvent) -> None:
        """Go on with what it holds; without anything, show what could be held."""
        drag, strip, position = self._drag, self.strip, event.position()
        if drag is None:
            self._hover(position)
            return
        if drag.kind == "pan":
            strip.scale.scroll(drag.start.x() - position.x())
            drag.start = position
            return
        self._push_edge(position)
        frame = strip.frame_at(position)
        if drag.kind == "playhead":
            strip.go(frame)
        elif drag.kind == "shots":
            index = strip.shot_index(frame)
            strip.select(min(drag.anchor, index), max(drag.anchor, index))
        elif drag.kind == "energy":
            self._draw_energy(drag, position)
        elif drag.kind == "edge":
            self._drag_edge(drag, position, event.modifiers())
        elif drag.kind == "hit" and drag.hit is not None:
            self._drag_hit(drag, drag.hit, position, bool(event.modifiers() & Mod.AltModifier))

    def release(self, event: QMouseEvent) -> None:
        """Let it be so."""
        drag, self._drag = self._drag, None
        if drag is None or event.button() not in (Button.LeftButton, Button.MiddleButton):
            return
        self.strip.update()
        if drag.kind == "hit" and drag.hit is not None:
            if drag.axis == "move":
                self.strip.commands.move_hit(drag.hit, drag.frame)
            elif drag.axis == "weigh":
                self.strip.commands.weigh_hit(drag.hit, drag.weight)
        elif drag.kind == "edge":
            self.strip.edges.put()
        elif drag.kind == "energy" and drag.drawn and drag.cue is not None:
            self.strip.energy_drawn.emit(drag.cue.name, joined_curve(drag.cue.energy.curve, drag.drawn))

    def double_click(self, event: QMouseEvent) -> None:
        """Add or mute a hit, zoom to what is there."""
        strip, view = self.strip, self.strip.view
        if view is None or event.button() != Button.LeftButton:
            return
        self._drag = None
        lane, frame = strip.lane_at(event.position()), strip.frame_at(event.position())
        if lane == "hits":
            hit = strip.hit_at(event.position())
            if hit is not None:
                strip.hit_muted.emit(hit.cue, hit.frame, hit.weight > 0)
            else:
                strip.commands.add_hit(quantise(frame))
        elif lane == "shots" and (shot := view.shot_at(frame)) is not None:
            strip.scale.zoom_to(shot.start_frame, shot.end_frame)
        elif lane == "cue" and (cue := view.cue_at(frame)) is not None:
            strip.scale.zoom_to(cue.start_frame, cue.end_frame)
        elif lane == "time":
            strip.scale.fit()

    # --- while something is held -------------------------------------------------------------------------------

    def _hover(self, position: QPointF) -> None:
        lane = self.strip.lane_at(position)
        shape = Qt.CursorShape.ArrowCursor
        if lane == "energy":
            shape = Qt.CursorShape.CrossCursor
        elif lane == "hits" and self.strip.hit_at(position) is not None:
            shape = Qt.CursorShape.SizeAllCursor
        elif lane in ("time", "bars"):
            shape = Qt.CursorShape.SplitHCursor
        elif self.strip.edges.at(position) is not None:
            shape = Qt.CursorShape.SizeHorCursor
        elif lane == "locks":
            shape = Qt.CursorShape.PointingHandCursor
        if self.strip.cursor().shape() != shape:
            self.strip.setCursor(shape)

    def _push_edge(self, position: QPointF) -> None:
        """A drag beyond the window takes the window along."""
        scale = self.strip.scale
        x = position.x() - self.strip.header
        if x < 0:
            scale.scroll(x)
        elif x > scale.width:
            scale.scroll(x - scale.width)

    def _drag_hit(self, drag: _Drag, hit: HitView, position: QPointF, freely: bool) -> None:
        moved = position - drag.start
        if not drag.axis:
            if max(abs(moved.x()), abs(moved.y())) < SLACK:
                return
            drag.axis = "move" if abs(moved.x()) >= abs(moved.y()) else "weigh"
        if drag.axis == "move":
            frame = hit.frame + moved.x() * self.strip.scale.frames_per_pixel
            drag.frame = self.strip.commands.snapped(hit.cue, frame, freely)
        else:
            weight = hit.weight - moved.y() / max(1, self.strip.lane("hits").height() - 15)
            drag.weight = min(1.0, max(0.0, round(weight / WEIGHT_STEP) * WEIGHT_STEP))
        self.strip.update()

    def _drag_edge(self, drag: _Drag, position: QPointF, mods: Mod) -> None:
        """The edge goes as far as the mouse; a press that only wandered moves nothing."""
        held, moved = self.strip.edges.held, position.x() - drag.start.x()
        if held is not None and (drag.axis or abs(moved) >= SLACK):
            drag.axis = "move"
            frame = held.was + moved * self.strip.scale.frames_per_pixel
            free, over = bool(mods & Mod.AltModifier), bool(mods & Mod.ShiftModifier)
            self.strip.edges.move(frame, freely=free, overlap=over)

    def _draw_energy(self, drag: _Drag, position: QPointF) -> None:
        assert drag.drawn is not None
        assert drag.cue is not None
        inside = min(max(self.strip.frame_at(position), drag.cue.start_frame), drag.cue.end_frame - 1)
        frame, value = quantise(inside), round(energy_at(position.y(), self.strip.lane("energy")), 3)
        if drag.last is not None:
            # The hand moves faster than the mouse reports; what it passed over is drawn too, and redrawn.
            begin, end = sorted((drag.last, (frame, value)))
            for passed in [at for at in drag.drawn if begin[0] < at < end[0]]:
                del drag.drawn[passed]
        drag.drawn[frame] = value
        drag.last = (frame, value)
        self.strip.update()

    # --- painting ----------------------------------------------------------------------------------------------

    def paint(self, painter: QPainter, theme: Theme, work: Brushwork) -> None:
        """What it holds, where it would be let go. x = 0 is the first frame shown."""
        drag = self._drag
        if drag is None:
            return
        if drag.kind == "hit" and drag.hit is not None and drag.axis:
            self._paint_hit(painter, drag, drag.hit, theme, work)
        elif drag.kind == "energy" and drag.drawn:
            self._paint_energy(painter, drag, drag.drawn, theme, work)

    def _paint_hit(self, painter: QPainter, drag: _Drag, hit: HitView, theme: Theme, work: Brushwork) -> None:
        strip, rect = self.strip, self.strip.lane("hits")
        x, y = strip.scale.x(drag.frame), weight_y(drag.weight, rect)
        painter.setPen(QPen(theme.colour("accent"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x, 0), QPointF(x, strip.lanes_height))
        state = hit.state if drag.axis == "weigh" else "open"
        paint_mark(painter, state if drag.weight > 0 else "ignored", QPointF(x, y), theme, selected=True)
        word = tr("weight {0}").format(f"{drag.weight:.2f}")
        if drag.axis == "move" and strip.view is not None:
            word = f"{timecode(strip.view, drag.frame)}  {drag.frame - hit.frame:+d}"
        self._paint_flag(painter, QPointF(x + 14, rect.top() + 2), word, theme, work)

    def _paint_energy(
        self, painter: QPainter, drag: _Drag, drawn: dict[int, float], theme: Theme, work: Brushwork
    ) -> None:
        rect, scale = self.strip.lane("energy"), self.strip.scale
        points = [QPointF(scale.x(frame), float(energy_y(value, rect))) for frame, value in sorted(drawn.items())]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("accent"), 2.4))
        painter.drawPolyline(QPolygonF(points)) if len(points) > 1 else painter.drawPoint(points[0])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if drag.last is not None:
            place = QPointF(scale.x(drag.last[0]) + 12, max(rect.top() - 20, 0))
            self._paint_flag(painter, place, f"{drag.last[1]:.0%}", theme, work)

    def _paint_flag(self, painter: QPainter, place: QPointF, word: str, theme: Theme, work: Brushwork) -> None:
        paint_flag(painter, place, word, self.strip.scale.width, theme, self.strip.font(), work)
