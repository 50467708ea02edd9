"""The timeline strip: the film, how the music meets it, and what a person wants of it, over one time.

Mouse: drag in a ruler to move the playhead; click and drag over shots to select them; drag a hit sideways to move it,
up and down to weigh it; double-click between hits to add one, on one to mute it; draw in the energy lane. The wheel
scrolls, with Ctrl (or a pinch) it zooms.

Keys (the playhead): Left, Right a frame, with Shift a second; Up, Down the cut before or after; Home, End.
Keys (shots): Ctrl+Left, Ctrl+Right select the shot before or after, with Shift they stretch the selection; Ctrl+A all,
Escape none; Ctrl+Up, Ctrl+Down more or less energy in them; Ctrl+L locks them, or takes their lock off.
Keys (hits): comma, period choose the hit before or after; Alt+Left, Alt+Right move it; Alt+Up, Alt+Down weigh it; M
mutes it; H adds one at the playhead. Keys (view): plus, minus zoom; 0 the whole film; Z the selection.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QAction,
    QContextMenuEvent,
    QFontMetricsF,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QMenu, QScrollBar, QToolButton, QToolTip, QWidget
from shotscore_engine.timing import format_timecode, quantise
from shotscore_engine.wishes import EnergyCurve

from ..icons import icon
from ..theme import theme_of
from ..thumbnails import ThumbnailStore
from ..view import CueView, HitView, LockView, TimelineView
from . import lanes
from .lanes import LANES, Brushwork, Canvas, energy_at, energy_y, lay_out, shown_hits, weight_y
from .marks import paint_mark
from .scale import STEP, TimeScale

HEADER_WIDTH = 76
NARROW = 460
"""Below this width the lanes' titles make room for the film."""
BAR_HEIGHT = 22
GRAB = 8.0
"""Points around a mark in which it is taken hold of."""
SLACK = 4.0
"""Points a press may wander before it is a drag."""
SNAP = 6.0
WEIGHT_STEP = 0.05
ENERGY_STEP = 0.1
SIMPLE = 0.012
"""A drawn curve loses the points that lie closer than this to the line between their neighbours."""
_SCROLL_UNITS = 1_000_000

Key = Qt.Key
Mod = Qt.KeyboardModifier


@dataclass
class _Drag:
    """What the mouse is doing while its button is down."""

    kind: Literal["playhead", "shots", "hit", "energy", "pan"]
    start: QPointF
    hit: HitView | None = None
    axis: Literal["", "move", "weigh"] = ""
    frame: int = 0
    weight: float = 0.0
    anchor: int = 0
    cue: CueView | None = None
    drawn: dict[int, float] | None = None
    last: tuple[int, float] | None = None


class TimelineStrip(QWidget):
    """See the module. `scale` is shared with whatever scrolls with it; `store` gives the thumbnails."""

    playhead_moved = Signal(int)
    selection_changed = Signal(int, int)
    hit_selected = Signal(str, int)
    hit_moved = Signal(str, int, int)
    hit_weighed = Signal(str, int, float)
    hit_added = Signal(str, int)
    hit_muted = Signal(str, int, bool)
    energy_drawn = Signal(str, object)
    lock_toggled = Signal(str, str, int, int, bool)
    cue_activated = Signal(str)
    regenerate_requested = Signal(int, int)

    def __init__(
        self, store: ThumbnailStore | None = None, scale: TimeScale | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.scale = scale or TimeScale(self)
        self._store = store
        self._view: TimelineView | None = None
        self._playhead = 0
        self._selection = (0, 0)
        self._hit: tuple[str, int] | None = None
        self._drag: _Drag | None = None
        self._content: QPixmap | None = None
        self._work = Brushwork()
        self._lanes: dict[str, QRect] = {}
        self._described = ""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(self.tr("Timeline"))
        self._bar = QScrollBar(Qt.Orientation.Horizontal, self)
        self._bar.setAccessibleName(self.tr("Scroll the timeline"))
        self._bar.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._bar.setMaximum(0)
        self._bar.valueChanged.connect(self._scrolled_by_bar)
        self._buttons = [
            self._button("zoom-out", self.tr("Show more of the film"), lambda: self._zoom_at_playhead(1 / STEP**2)),
            self._button("zoom-fit", self.tr("Show the whole film"), self.scale.fit),
            self._button("zoom-in", self.tr("Show less, larger"), lambda: self._zoom_at_playhead(STEP**2)),
        ]
        self._foot = QWidget(self)
        row = QHBoxLayout(self._foot)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(1)
        for button in self._buttons:
            row.addWidget(button)
        row.addWidget(self._bar, 1)
        self.scale.changed.connect(self._scale_changed)
        if store is not None:
            store.ready.connect(self.refresh)

    # --- what it shows ------------------------------------------------------------------------------------------

    def set_view(self, view: TimelineView | None) -> None:
        """Shows another state of the session; what is selected stays so where it is still there."""
        self._view = view
        self._drag = None
        if view is not None:
            self.scale.set_duration(view.duration_frames)
            self._playhead = min(self._playhead, view.duration_frames)
            if self._selection[1] > len(view.shots):
                self._select(0, 0)
            if self._hit is not None and self._hit_view(*self._hit) is None:
                self._choose_hit(None)
        self._describe()
        self.refresh()

    @property
    def view(self) -> TimelineView | None:
        """What is shown."""
        return self._view

    @property
    def playhead(self) -> int:
        """Its frame."""
        return self._playhead

    @property
    def selection(self) -> tuple[int, int]:
        """(first, last) shot selected; (0, 0) is none."""
        return self._selection

    @property
    def selected_hit(self) -> tuple[str, int] | None:
        """(cue, frame) of the hit that keys act on."""
        return self._hit

    def set_playhead(self, frame: int, *, follow: bool = True) -> None:
        """Moves the playhead without a signal; `follow` turns the page when it leaves the window."""
        end = self._view.duration_frames if self._view else frame
        frame = min(max(0, frame), end)
        if frame != self._playhead:
            before, self._playhead = self._playhead, frame
            self._update_playhead(before)
            if follow and self._drag is None:
                self.scale.reveal(frame)
            self._update_playhead(frame)

    def set_selection(self, first_shot: int, last_shot: int) -> None:
        """Selects shots without a signal; 0, 0 is none."""
        self._selection = (first_shot, last_shot)
        self._describe()
        self.update()

    def refresh(self) -> None:
        """Draws everything anew."""
        self._content = None
        self.update()

    def lane_rect(self, key: str) -> QRect:
        """Where a lane lies in the widget; empty where it is left out."""
        rect = self._lanes.get(key)
        return rect.translated(self._header, 0) if rect is not None else QRect()

    def point_at(self, key: str, frame: float) -> QPoint:
        """The middle of a lane at `frame`."""
        return QPoint(round(self._header + self.scale.x(frame)), self.lane_rect(key).center().y())

    def hit_point(self, cue: str, frame: int) -> QPoint:
        """Where the mark of a hit stands."""
        hit, rect = self._hit_view(cue, frame), self._lanes.get("hits")
        if hit is None or rect is None:
            return QPoint(-1, -1)
        return QPoint(round(self._header + self.scale.x(frame)), round(weight_y(hit.weight, rect)))

    def sizeHint(self) -> QSize:
        return QSize(960, sum(lane.ideal for lane in LANES) + BAR_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, 150)

    # --- painting -----------------------------------------------------------------------------------------------

    @property
    def _header(self) -> int:
        return HEADER_WIDTH if self.width() >= NARROW else 0

    def _area(self) -> QRect:
        return QRect(self._header, 0, max(1, self.width() - self._header), max(1, self.height() - BAR_HEIGHT))

    def resizeEvent(self, event: QResizeEvent) -> None:
        area = self._area()
        self._lanes = lay_out(area.width(), area.height())
        self._foot.setGeometry(0, self.height() - BAR_HEIGHT, self.width(), BAR_HEIGHT)
        self._content = None
        self.scale.set_width(area.width())
        self._update_bar()
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._dress()
            self.refresh()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        size = QSize(round(self.width() * ratio), round((self.height() - BAR_HEIGHT) * ratio))
        if self._content is None or self._content.size() != size:
            self._content = self._painted(size, ratio)
        painter = QPainter(self)
        painter.setClipRect(event.rect())
        painter.drawPixmap(0, 0, self._content)
        theme = theme_of(self)
        painter.fillRect(0, self.height() - BAR_HEIGHT, self.width(), BAR_HEIGHT, theme.colour("panel"))
        if self._view is None:
            painter.setPen(theme.colour("text_dim"))
            painter.drawText(self._area(), Qt.AlignmentFlag.AlignCenter, self.tr("No picture yet"))
        else:
            area = self._area()
            painter.setClipRect(event.rect().intersected(area))
            painter.translate(area.left(), 0)
            self._paint_selection(painter)
            self._paint_drag(painter)
            self._paint_playhead(painter)
            painter.resetTransform()
        if self.hasFocus():
            painter.setClipping(False)
            painter.setPen(QPen(theme.colour("accent"), 2))
            painter.drawRect(QRectF(1, 1, self.width() - 2, self.height() - BAR_HEIGHT - 2))
        painter.end()

    def _painted(self, size: QSize, ratio: float) -> QPixmap:
        picture = QPixmap(size)
        picture.setDevicePixelRatio(ratio)
        theme = theme_of(self)
        picture.fill(theme.colour("window"))
        painter = QPainter(picture)
        area = self._area()
        if self._view is not None:
            painter.save()
            painter.setClipRect(area)
            painter.translate(area.left(), 0)
            canvas = Canvas(
                painter, self._view, self.scale, theme, self.font(), ratio, self._work, self._store, self._hit
            )
            for key, rect in self._lanes.items():
                painter.save()
                painter.setClipRect(rect, Qt.ClipOperation.IntersectClip)
                lanes.PAINTERS[key](canvas, rect)
                painter.restore()
            painter.setPen(QPen(theme.colour("window"), 1))
            for rect in self._lanes.values():
                painter.drawLine(rect.left(), rect.bottom(), rect.right(), rect.bottom())
            end = self.scale.x(self._view.duration_frames)
            if end < area.width():
                painter.fillRect(QRectF(end, 0, area.width() - end, area.height()), theme.colour("window"))
            painter.restore()
        if self._header:
            self._paint_header(painter)
        painter.end()
        return picture

    def _paint_header(self, painter: QPainter) -> None:
        theme = theme_of(self)
        painter.fillRect(QRect(0, 0, HEADER_WIDTH - 1, self.height()), theme.colour("panel"))
        font = self.font()
        font.setPixelSize(11)
        painter.setFont(font)
        painter.setPen(theme.colour("text_dim"))
        titles = {lane.key: lane.title for lane in LANES}
        for key, rect in self._lanes.items():
            box = QRect(8, rect.top(), HEADER_WIDTH - 12, rect.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, lane_title(titles[key]))
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.drawLine(HEADER_WIDTH - 1, 0, HEADER_WIDTH - 1, self.height())

    def _paint_selection(self, painter: QPainter) -> None:
        frames = self.selected_frames()
        if frames is None:
            return
        theme = theme_of(self)
        left, right = self.scale.x(frames[0]), self.scale.x(frames[1])
        left, right = max(left, -4.0), min(right, self.scale.width + 4)
        if right < 0 or left > self.scale.width:
            return
        shots = self._lanes.get("shots")
        top = self._lanes["time"].bottom() + 1 if "time" in self._lanes else 0
        whole = QRectF(left, top, max(2.0, right - left), self.height() - BAR_HEIGHT - top)
        painter.fillRect(whole, theme.colour("accent", 0.13))
        painter.setPen(QPen(theme.colour("accent"), 1))
        painter.drawLine(QPointF(left, whole.top()), QPointF(left, whole.bottom()))
        painter.drawLine(QPointF(right, whole.top()), QPointF(right, whole.bottom()))
        if shots is not None:
            painter.setPen(QPen(theme.colour("accent"), 2))
            painter.drawRect(QRectF(left + 1, shots.top() + 1, max(1.0, right - left - 2), shots.height() - 3))

    def _paint_playhead(self, painter: QPainter) -> None:
        x = self.scale.x(self._playhead)
        if not -8 <= x <= self.scale.width + 8:
            return
        colour = theme_of(self).colour("playhead")
        # On whole pixels, or it would shimmer while it plays.
        x = float(round(x))
        glow = theme_of(self).colour("playhead", 0.35)
        painter.fillRect(QRectF(x - 1, 0, 3, self.height() - BAR_HEIGHT), glow)
        painter.fillRect(QRectF(x, 0, 1, self.height() - BAR_HEIGHT), colour)
        x += 0.5
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour, 1))
        painter.setBrush(colour)
        painter.drawPolygon(QPolygonF([QPointF(x - 6, 0), QPointF(x + 6, 0), QPointF(x + 6, 7), QPointF(x, 14),
                                       QPointF(x - 6, 7)]))  # fmt: skip
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_drag(self, painter: QPainter) -> None:
        drag, theme, view = self._drag, theme_of(self), self._view
        if drag is None or view is None:
            return
        if drag.kind == "hit" and drag.hit is not None and drag.axis:
            rect = self._lanes["hits"]
            x, y = self.scale.x(drag.frame), weight_y(drag.weight, rect)
            painter.setPen(QPen(theme.colour("accent"), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x, 0), QPointF(x, self.height() - BAR_HEIGHT))
            state = drag.hit.state if drag.axis == "weigh" and drag.weight > 0 else "open"
            paint_mark(painter, state if drag.weight > 0 else "ignored", QPointF(x, y), theme, selected=True)
            if drag.axis == "move":
                by = drag.frame - drag.hit.frame
                word = f"{self._timecode(drag.frame)}  {by:+d}"
            else:
                word = self.tr("weight {0}").format(f"{drag.weight:.2f}")
            self._paint_flag(painter, QPointF(x + 14, rect.top() + 2), word)
        if drag.kind == "energy" and drag.drawn and drag.cue is not None:
            rect = self._lanes["energy"]
            points = [QPointF(self.scale.x(f), float(energy_y(e, rect))) for f, e in sorted(drag.drawn.items())]
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.colour("accent"), 2.4))
            painter.drawPolyline(QPolygonF(points)) if len(points) > 1 else painter.drawPoint(points[0])
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            if drag.last is not None:
                place = QPointF(self.scale.x(drag.last[0]) + 12, max(rect.top() - 20, 0))
                self._paint_flag(painter, place, f"{drag.last[1]:.0%}")

    def _paint_flag(self, painter: QPainter, place: QPointF, word: str) -> None:
        theme = theme_of(self)
        font = self.font()
        font.setPixelSize(11)
        metrics = QFontMetricsF(font)
        box = QRectF(place, place + QPointF(metrics.horizontalAdvance(word) + 12, 18))
        if box.right() > self.scale.width:
            box.moveRight(place.x() - 24)
        painter.fillRect(box, theme.colour("accent"))
        painter.setFont(font)
        painter.setPen(theme.colour("on_accent"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, word)

    def _update_playhead(self, frame: int) -> None:
        x = self._header + self.scale.x(frame)
        self.update(QRect(int(x) - 9, 0, 18, self.height()))

    def _scale_changed(self) -> None:
        if self._store is not None:
            self._store.forget_waiting()
        self._update_bar()
        self.refresh()

    def _update_bar(self) -> None:
        room = self.scale.duration - self.scale.shown
        self._bar.blockSignals(True)
        if room <= 1e-6:
            self._bar.setRange(0, 0)
        else:
            self._bar.setRange(0, _SCROLL_UNITS)
            self._bar.setPageStep(max(1, round(_SCROLL_UNITS * self.scale.shown / room)))
            self._bar.setSingleStep(max(1, self._bar.pageStep() // 20))
            self._bar.setValue(round(_SCROLL_UNITS * self.scale.first_frame / room))
        self._bar.blockSignals(False)

    def _scrolled_by_bar(self, value: int) -> None:
        self.scale.scroll_to((self.scale.duration - self.scale.shown) * value / _SCROLL_UNITS)

    def _button(self, name: str, text: str, done: object) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setToolTip(text)
        button.setAccessibleName(text)
        button.setAutoRaise(True)
        button.setFixedSize(24, BAR_HEIGHT)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setIcon(icon(name, theme_of(self)))
        button.clicked.connect(done)
        return button

    def _dress(self) -> None:
        for button in getattr(self, "_buttons", []):
            button.setIcon(icon(button.objectName(), theme_of(self)))

    # --- asking and telling ---------------------------------------------------------------------------------------

    def selected_frames(self) -> tuple[int, int] | None:
        """[start, end) of the selected shots, or None."""
        first, last = self._selection
        if self._view is None or not first or last > len(self._view.shots):
            return None
        return self._view.shots[first - 1].start_frame, self._view.shots[last - 1].end_frame

    def _timecode(self, frame: int) -> str:
        assert self._view is not None
        return format_timecode(self._view.start_frame + frame, self._view.rate, self._view.drop_frame)

    def _hit_view(self, cue: str, frame: int) -> HitView | None:
        found = self._view.cue(cue) if self._view else None
        if found is None:
            return None
        place = bisect_left(found.hit_frames, frame)
        return found.hits[place] if place < len(found.hits) and found.hits[place].frame == frame else None

    def _lane_at(self, position: QPointF) -> str:
        y = int(position.y())
        if position.x() < self._header:
            return ""
        return next((key for key, rect in self._lanes.items() if rect.top() <= y <= rect.bottom()), "")

    def _frame_at(self, position: QPointF) -> float:
        frame = self.scale.frame(position.x() - self._header)
        return min(max(0.0, frame), float(self._view.duration_frames if self._view else 0))

    def _hit_at(self, position: QPointF) -> HitView | None:
        rect = self._lanes.get("hits")
        if self._view is None or rect is None:
            return None
        x, best, found = position.x() - self._header, GRAB + 1, None
        for cue in self._view.cues:
            for hit, at in shown_hits(cue, self.scale, self._hit)[0]:
                distance = max(abs(at - x), abs(weight_y(hit.weight, rect) - position.y()) * 0.75)
                if distance < best:
                    best, found = distance, hit
        return found

    def _shot_index(self, frame: float) -> int:
        assert self._view is not None
        shot = self._view.shot_at(frame)
        return shot.index if shot else 0

    def _select(self, first: int, last: int) -> None:
        if (first, last) != self._selection:
            self._selection = (first, last)
            self._describe()
            self.update()
            self.selection_changed.emit(first, last)

    def _choose_hit(self, hit: HitView | None) -> None:
        key = (hit.cue, hit.frame) if hit else None
        if key != self._hit:
            self._hit = key
            self._describe()
            self.refresh()
            self.hit_selected.emit(*(key or ("", -1)))

    def _go(self, frame: float) -> None:
        if self._view is None:
            return
        whole = min(max(0, quantise(frame)), self._view.duration_frames)
        if whole != self._playhead:
            self.set_playhead(whole)
            self._describe()
            self.playhead_moved.emit(whole)

    def _describe(self) -> None:
        """Says in words what is shown, for screen readers."""
        if self._view is None:
            words = self.tr("No picture yet.")
        else:
            view = self._view
            words = self.tr("{0} shots; the playhead is at {1}.").format(
                len(view.shots), self._timecode(self._playhead)
            )
            first, last = self._selection
            if first:
                names = self.tr("Shot {0}, {1}, is selected.").format(first, view.shots[first - 1].name)
                more = self.tr("Shots {0} to {1} are selected.").format(first, last)
                words = f"{words} {names if first == last else more}"
            if self._hit is not None and (hit := self._hit_view(*self._hit)) is not None:
                words = f"{words} {self.hit_words(hit)}"
        if words != self._described:
            self._described = words
            self.setAccessibleDescription(words)
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    def hit_words(self, hit: HitView) -> str:
        """A hit in a sentence."""
        state = {
            "met": self.tr("met"),
            "near": self.tr("nearly met"),
            "missed": self.tr("missed"),
            "ignored": self.tr("ignored"),
            "open": self.tr("not scored yet"),
        }[hit.state]
        text = self.tr("Hit at {0}: {1}, weight {2}").format(self._timecode(hit.frame), state, f"{hit.weight:.2f}")
        if hit.state in ("met", "near", "missed"):
            text += self.tr(", the beat comes {0} frames off").format(f"{hit.frames_off:+.1f}")
        return f"{text}. {hit.reason}" if hit.reason else f"{text}."

    # --- mouse ----------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._view is None:
            return
        position = event.position()
        lane, frame = self._lane_at(position), self._frame_at(position)
        if event.button() == Qt.MouseButton.MiddleButton:
            self._drag = _Drag("pan", position)
            return
        if event.button() != Qt.MouseButton.LeftButton or not lane:
            return
        if lane == "hits":
            hit = self._hit_at(position)
            self._choose_hit(hit)
            if hit is not None:
                self._drag = _Drag("hit", position, hit=hit, frame=hit.frame, weight=hit.weight)
        elif lane == "shots":
            index = self._shot_index(frame)
            anchor = self._selection[0] if event.modifiers() & Mod.ShiftModifier and self._selection[0] else index
            self._drag = _Drag("shots", position, anchor=anchor)
            self._select(min(anchor, index), max(anchor, index))
        elif lane == "energy":
            cue = self._view.cue_at(frame)
            if cue is not None:
                self._drag = _Drag("energy", position, cue=cue, drawn={})
                self._draw_energy(position)
        elif lane == "locks":
            self._toggle_lock_at(frame)
        else:
            if lane == "cue" and (cue := self._view.cue_at(frame)) is not None:
                self.cue_activated.emit(cue.name)
            self._drag = _Drag("playhead", position)
            self._go(frame)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        drag, position = self._drag, event.position()
        if drag is None or self._view is None:
            self._hover(position)
            return
        if drag.kind == "pan":
            self.scale.scroll(drag.start.x() - position.x())
            drag.start = position
            return
        self._push_edge(position)
        frame = self._frame_at(position)
        if drag.kind == "playhead":
            self._go(frame)
        elif drag.kind == "shots":
            index = self._shot_index(frame)
            self._select(min(drag.anchor, index), max(drag.anchor, index))
        elif drag.kind == "energy":
            self._draw_energy(position)
        elif drag.kind == "hit" and drag.hit is not None:
            self._drag_hit(drag, position, bool(event.modifiers() & Mod.AltModifier))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, self._drag = self._drag, None
        if drag is None or event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            return
        self.update()
        if drag.kind == "hit" and drag.hit is not None:
            hit = drag.hit
            if drag.axis == "move" and drag.frame != hit.frame:
                self._hit = (hit.cue, drag.frame)
                self.hit_moved.emit(hit.cue, hit.frame, drag.frame)
            elif drag.axis == "weigh" and drag.weight != hit.weight:
                self.hit_weighed.emit(hit.cue, hit.frame, drag.weight)
        elif drag.kind == "energy" and drag.drawn and drag.cue is not None:
            self.energy_drawn.emit(drag.cue.name, joined_curve(drag.cue.energy.curve, drag.drawn))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._view is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._drag = None
        lane, frame = self._lane_at(event.position()), self._frame_at(event.position())
        if lane == "hits":
            hit = self._hit_at(event.position())
            if hit is not None:
                self.hit_muted.emit(hit.cue, hit.frame, hit.weight > 0)
            else:
                self._add_hit(quantise(frame))
        elif lane == "shots":
            shot = self._view.shot_at(frame)
            if shot is not None:
                self.scale.zoom_to(shot.start_frame, shot.end_frame)
        elif lane == "cue" and (cue := self._view.cue_at(frame)) is not None:
            self.scale.zoom_to(cue.start_frame, cue.end_frame)
        elif lane == "time":
            self.scale.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        pixels, angle = event.pixelDelta(), event.angleDelta()
        if event.modifiers() & (Mod.ControlModifier | Mod.MetaModifier):
            notches = (angle.y() or angle.x()) / 120
            self.scale.zoom(STEP**notches, event.position().x() - self._header)
        else:
            along = pixels.x() or pixels.y() if not pixels.isNull() else (angle.x() or angle.y()) * 0.8
            self.scale.scroll(-along)
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.scale.zoom(max(0.2, 1 + event.value()), event.position().x() - self._header)
                return True
        elif event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            text = self.tip_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), text, self) if text else QToolTip.hideText()
            return True
        return super().event(event)

    def tip_at(self, position: QPointF) -> str:
        """What the tooltip at a place says."""
        if self._view is None:
            return ""
        if position.x() < self._header:
            return self.lane_help(self._lane_at(QPointF(self._header, position.y())))
        lane, frame = self._lane_at(position), self._frame_at(position)
        if lane == "hits" and (hit := self._hit_at(position)) is not None:
            return self.hit_words(hit)
        if lane == "shots" and (shot := self._view.shot_at(frame)) is not None:
            length = float(shot.duration_frames / self._view.rate)
            text = self.tr("Shot {0}: {1}\n{2}, {3} s").format(
                shot.index, shot.name, self._timecode(shot.start_frame), f"{length:.2f}"
            )
            return text + (self.tr("\nIts media is offline.") if shot.offline else "")
        if lane == "tempo" and (cue := self._view.cue_at(frame)) is not None and cue.grid is not None:
            beat = bisect_right(cue.grid.beat_frames, frame) - 1
            if 0 <= beat < len(cue.grid.bpm):
                return self.tr("{0} BPM").format(f"{cue.grid.bpm[beat]:.2f}")
        if lane == "locks" and (lock := self._lock_at(frame)) is not None:
            part = lanes.part_name(lock.part) if lock.part else self.tr("every part")
            return self.tr("Locked: {0}. Click to unlock.").format(part)
        if lane == "locks":
            return self.tr("Click to lock the selected shots.")
        if lane == "energy":
            return self.tr("Draw how much should happen; what the picture says is dashed.")
        return ""

    def lane_help(self, lane: str) -> str:
        """What a lane shows and what can be done in it; the tooltip of its title."""
        return {
            "time": self.tr("Timecode. Drag to move the playhead; double-click shows the whole film."),
            "cue": self.tr("Cues. Click to choose one, double-click to zoom to it."),
            "shots": self.tr("Shots. Click and drag to select; dashed cuts were found inside a clip."),
            "hits": self.tr(
                "Hits, by weight: disc met, diamond nearly, cross missed, dot ignored, ring not scored yet.\n"
                "Drag sideways to move, up and down to weigh; double-click adds one or mutes it.\n"
                "Where they crowd, bars show shares: full is met, striped nearly, checked missed."
            ),
            "bars": self.tr("Bars and beats of the music. Drag to move the playhead."),
            "tempo": self.tr("Tempo in quarter notes a minute."),
            "dialogue": self.tr("Where someone speaks."),
            "music": self.tr("The music of the take in use."),
            "energy": self.tr("How much happens: dashed as the picture has it, solid as you drew it."),
            "locks": self.tr("What stays when the rest is made anew. Click to lock the selection, or to unlock."),
        }.get(lane, "")

    def _hover(self, position: QPointF) -> None:
        lane = self._lane_at(position)
        shape = Qt.CursorShape.ArrowCursor
        if lane == "energy":
            shape = Qt.CursorShape.CrossCursor
        elif lane == "hits" and self._hit_at(position) is not None:
            shape = Qt.CursorShape.SizeAllCursor
        elif lane in ("time", "bars"):
            shape = Qt.CursorShape.SplitHCursor
        elif lane == "locks":
            shape = Qt.CursorShape.PointingHandCursor
        if self.cursor().shape() != shape:
            self.setCursor(shape)

    def _push_edge(self, position: QPointF) -> None:
        """A drag beyond the window takes the window along."""
        x = position.x() - self._header
        if x < 0:
            self.scale.scroll(x)
        elif x > self.scale.width:
            self.scale.scroll(x - self.scale.width)

    def _drag_hit(self, drag: _Drag, position: QPointF, freely: bool) -> None:
        assert drag.hit is not None
        moved = position - drag.start
        if not drag.axis:
            if max(abs(moved.x()), abs(moved.y())) < SLACK:
                return
            drag.axis = "move" if abs(moved.x()) >= abs(moved.y()) else "weigh"
        if drag.axis == "move":
            drag.frame = self._snapped(drag.hit.cue, drag.hit.frame + moved.x() * self.scale.frames_per_pixel, freely)
        else:
            rect = self._lanes["hits"]
            weight = drag.hit.weight - moved.y() / max(1, rect.height() - 15)
            drag.weight = min(1.0, max(0.0, round(weight / WEIGHT_STEP) * WEIGHT_STEP))
        self.update()

    def _snapped(self, cue_name: str, frame: float, freely: bool) -> int:
        """The whole frame, or the cut close by; inside the cue."""
        assert self._view is not None
        if not freely:
            starts = self._view.shot_starts
            place = int(np.searchsorted(starts, frame))
            near = [int(starts[i]) for i in (place - 1, place) if 0 <= i < len(starts)]
            close = [start for start in near if abs(start - frame) / self.scale.frames_per_pixel <= SNAP]
            if close:
                frame = min(close, key=lambda start: abs(start - frame))
        cue = self._view.cue(cue_name)
        whole = quantise(frame)
        return min(max(whole, cue.start_frame + 1), cue.end_frame - 1) if cue else whole

    def _draw_energy(self, position: QPointF) -> None:
        drag = self._drag
        assert drag is not None
        assert drag.drawn is not None
        assert drag.cue is not None
        inside = min(max(self._frame_at(position), drag.cue.start_frame), drag.cue.end_frame - 1)
        frame, value = quantise(inside), round(energy_at(position.y(), self._lanes["energy"]), 3)
        if drag.last is not None:
            # The hand moves faster than the mouse reports; what it passed over is drawn too, and redrawn.
            begin, end = sorted((drag.last, (frame, value)))
            for passed in [at for at in drag.drawn if begin[0] < at < end[0]]:
                del drag.drawn[passed]
        drag.drawn[frame] = value
        drag.last = (frame, value)
        self.update()

    # --- keyboard -------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._view is None or not self._key(Key(event.key()), event.modifiers(), event.text()):
            super().keyPressEvent(event)

    def _key(self, key: Key, mods: Mod, text: str) -> bool:
        ctrl, shift, alt = (bool(mods & one) for one in (Mod.ControlModifier, Mod.ShiftModifier, Mod.AltModifier))
        assert self._view is not None
        sideways = {Key.Key_Left: -1, Key.Key_Right: 1}.get(key, 0)
        upward = {Key.Key_Up: 1, Key.Key_Down: -1}.get(key, 0)
        if alt and (sideways or upward):
            return self._nudge_hit(sideways * (10 if shift else 1), upward)
        if ctrl and sideways:
            self._step_selection(sideways, shift)
        elif ctrl and upward:
            return self._nudge_energy(upward * ENERGY_STEP)
        elif sideways:
            self._go(self._playhead + sideways * (quantise(self._view.rate) if shift else 1))
        elif upward:
            self._go_to_cut(-upward)
        elif key == Key.Key_Home:
            self._go(0)
        elif key == Key.Key_End:
            self._go(self._view.duration_frames)
        elif ctrl and key == Key.Key_A:
            self._select(1 if self._view.shots else 0, len(self._view.shots))
        elif ctrl and key == Key.Key_L:
            return self._toggle_lock_of_selection()
        elif key == Key.Key_Escape:
            return self._escape()
        elif ctrl:
            return False
        elif text in ("+", "="):
            self._zoom_at_playhead(STEP)
        elif text == "-":
            self._zoom_at_playhead(1 / STEP)
        elif text == "0":
            self.scale.fit()
        elif key == Key.Key_Z:
            frames = self.selected_frames()
            self.scale.zoom_to(*frames) if frames else self.scale.fit()
        elif key in (Key.Key_Comma, Key.Key_Period):
            return self._step_hit(1 if key == Key.Key_Period else -1)
        elif key in (Key.Key_M, Key.Key_Delete, Key.Key_Backspace):
            return self._mute_hit()
        elif key == Key.Key_H:
            return self._add_hit(self._playhead)
        elif key in (Key.Key_Return, Key.Key_Enter) and self._selection[0]:
            self.regenerate_requested.emit(*self._selection)
        else:
            return False
        return True

    def _escape(self) -> bool:
        if self._drag is not None:
            self._drag = None
            self.update()
        elif self._hit is not None:
            self._choose_hit(None)
        elif self._selection[0]:
            self._select(0, 0)
        else:
            return False
        return True

    def _zoom_at_playhead(self, factor: float) -> None:
        x = self.scale.x(self._playhead)
        self.scale.zoom(factor, x if 0 <= x <= self.scale.width else self.scale.width / 2)

    def _go_to_cut(self, direction: int) -> None:
        assert self._view is not None
        starts = self._view.shot_starts
        if direction > 0:
            place = int(np.searchsorted(starts, self._playhead, side="right"))
            self._go(int(starts[place]) if place < len(starts) else self._view.duration_frames)
        else:
            place = int(np.searchsorted(starts, self._playhead, side="left")) - 1
            self._go(int(starts[place]) if place >= 0 else 0)

    def _step_selection(self, by: int, stretch: bool) -> None:
        assert self._view is not None
        count = len(self._view.shots)
        if not count:
            return
        first, last = self._selection
        if not first:
            first = last = self._shot_index(self._playhead)
        elif stretch:
            # The end that was moved last is the one that moves: it stands at the playhead.
            here = self._shot_index(self._playhead)
            if first != last and here == first:
                first = min(max(1, first + by), last)
            elif first == last and by < 0:
                first = max(1, first - 1)
            else:
                last = max(first, min(count, last + by))
        else:
            first = last = min(max(1, (last if by > 0 else first) + by), count)
        before = self._selection
        self._select(first, last)
        moved = first if first != before[0] or first == last else last
        shot = self._view.shots[moved - 1]
        self._go(shot.start_frame)
        self.scale.reveal(shot.start_frame)

    def _step_hit(self, by: int) -> bool:
        assert self._view is not None
        everything = sorted((hit.frame, cue.name) for cue in self._view.cues for hit in cue.hits)
        if not everything:
            return False
        if self._hit is not None:
            here = (self._hit[1], self._hit[0])
            place = bisect_right(everything, here) if by > 0 else bisect_left(everything, here) - 1
        else:
            place = bisect_left(everything, (self._playhead, ""))
            place -= by < 0
        frame, cue = everything[min(max(0, place), len(everything) - 1)]
        self._choose_hit(self._hit_view(cue, frame))
        self.scale.reveal(frame)
        return True

    def _nudge_hit(self, frames: int, weigh: int) -> bool:
        hit = self._hit_view(*self._hit) if self._hit else None
        if hit is None or self._view is None:
            return False
        if frames:
            target = self._snapped(hit.cue, hit.frame + frames, True)
            if target != hit.frame:
                self._hit = (hit.cue, target)
                self.hit_moved.emit(hit.cue, hit.frame, target)
        if weigh:
            weight = min(1.0, max(0.0, round(hit.weight + 2 * WEIGHT_STEP * weigh, 3)))
            if weight != hit.weight:
                self.hit_weighed.emit(hit.cue, hit.frame, weight)
        return True

    def _mute_hit(self) -> bool:
        hit = self._hit_view(*self._hit) if self._hit else None
        if hit is None:
            return False
        self.hit_muted.emit(hit.cue, hit.frame, hit.weight > 0)
        return True

    def _add_hit(self, frame: int) -> bool:
        cue = self._view.cue_at(frame) if self._view else None
        if cue is None or self._hit_view(cue.name, frame) is not None or frame <= cue.start_frame:
            return False
        self._hit = (cue.name, frame)
        self.hit_added.emit(cue.name, frame)
        return True

    def _nudge_energy(self, by: float) -> bool:
        """More or less energy over the selected shots, its edges within a frame of theirs."""
        frames = self.selected_frames()
        cue = self._view.cue_at(frames[0]) if self._view and frames else None
        if cue is None or frames is None:
            return False
        start, end = max(frames[0], cue.start_frame), min(frames[1], cue.end_frame)
        points = cue.energy.curve or read_curve(cue)
        now = 0.5
        if points:
            at, heights = (np.array(row, float) for row in zip(*points, strict=True))
            now = float(np.interp((start + end) / 2, at, heights))
        value = round(min(1.0, max(0.0, now + by)), 3)
        drawn = {start: value, max(start, end - 1): value}
        self.energy_drawn.emit(cue.name, joined_curve(points, drawn, steep=True))
        return True

    # --- locks and the menu -----------------------------------------------------------------------------------------

    def _lock_at(self, frame: float) -> LockView | None:
        assert self._view is not None
        mine = [lock for lock in self._view.locks if lock.start_frame <= frame < lock.end_frame]
        return mine[-1] if mine else None

    def _toggle_lock_at(self, frame: float) -> None:
        lock = self._lock_at(frame)
        if lock is not None:
            edges = (-1, -1) if lock.whole else (lock.start_frame, lock.end_frame)
            self.lock_toggled.emit(lock.cue, lock.part or "", *edges, False)
        else:
            self._toggle_lock_of_selection()

    def _toggle_lock_of_selection(self) -> bool:
        frames = self.selected_frames()
        if frames is None or self._view is None:
            return False
        same = [lock for lock in self._view.locks if (lock.start_frame, lock.end_frame) == frames and not lock.part]
        cue = self._view.cue_at(frames[0])
        if cue is None:
            return False
        start, end = max(frames[0], cue.start_frame), min(frames[1], cue.end_frame)
        self.lock_toggled.emit(cue.name, "", start, end, not same)
        return True

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._view is None:
            return
        menu = self.menu_at(QPointF(event.pos()))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def menu_at(self, position: QPointF) -> QMenu:
        """What can be done at a place of the strip."""
        assert self._view is not None
        menu = QMenu(self)
        lane, frame = self._lane_at(position), self._frame_at(position)
        hit = self._hit_at(position) if lane == "hits" else None
        if lane == "shots" and not self._selection[0] <= self._shot_index(frame) <= self._selection[1]:
            index = self._shot_index(frame)
            self._select(index, index)

        def add(name: str, text: str, done: object, key: str = "") -> QAction:
            action = menu.addAction(text)
            action.setObjectName(name)
            action.triggered.connect(done)
            if key:
                action.setShortcut(key)  # shown beside the words; the strip itself listens to it
            return action

        if hit is not None:
            self._choose_hit(hit)
            cue, at = hit.cue, hit.frame
            muted = hit.weight <= 0
            add("mute", self.tr("Unmute this hit") if muted else self.tr("Mute this hit"), self._mute_hit, "M")
            for name, text, weight in (
                ("must", self.tr("Must be met"), 1.0),
                ("nice", self.tr("Nice to meet"), 0.5),
            ):
                action = add(name, text, lambda _=False, weight=weight: self.hit_weighed.emit(cue, at, weight))
                action.setCheckable(True)
                action.setChecked(hit.weight == weight)
        elif lane == "hits":
            add("add", self.tr("Add a hit here"), lambda: self._add_hit(quantise(frame)), "H")
        if lane == "energy" and (over := self._view.cue_at(frame)) is not None and over.energy.curve:
            add("clear-energy", self.tr("Take the drawn curve away"), lambda: self.energy_drawn.emit(over.name, ()))
        if self._selection[0]:
            menu.addSeparator()
            selection = self._selection
            text = (
                self.tr("Regenerate these shots") if selection[0] != selection[1] else self.tr("Regenerate this shot")
            )
            add("regenerate", text, lambda: self.regenerate_requested.emit(*selection), "Return")
            add("lock", self.tr("Lock or unlock them"), self._toggle_lock_of_selection, "Ctrl+L")
            add(
                "zoom-selection",
                self.tr("Zoom to the selection"),
                lambda: self._key(Key.Key_Z, Mod.NoModifier, "z"),
                "Z",
            )
            add("select-none", self.tr("Select nothing"), lambda: self._select(0, 0), "Esc")
        menu.addSeparator()
        add("select-all", self.tr("Select all shots"), lambda: self._key(Key.Key_A, Mod.ControlModifier, ""), "Ctrl+A")
        add("fit", self.tr("Show the whole film"), self.scale.fit, "0")
        return menu


def lane_title(title: str) -> str:
    """The title of a lane, in the panel's language."""
    return {
        "Time": lanes.tr("Time"),
        "Cue": lanes.tr("Cue"),
        "Shots": lanes.tr("Shots"),
        "Hits": lanes.tr("Hits"),
        "Bars": lanes.tr("Bars"),
        "Tempo": lanes.tr("Tempo"),
        "Dialogue": lanes.tr("Dialogue"),
        "Music": lanes.tr("Music"),
        "Energy": lanes.tr("Energy"),
        "Locks": lanes.tr("Locks"),
    }[title]


def read_curve(cue: CueView) -> EnergyCurve:
    """What the picture says, as a curve somebody could have drawn."""
    energy = cue.energy
    whole = {quantise(float(frame)): float(value) for frame, value in zip(energy.read_frames, energy.read, strict=True)}
    return simplified(tuple(sorted((at, round(min(1.0, max(0.0, value)), 3)) for at, value in whole.items())))


def joined_curve(before: EnergyCurve, drawn: dict[int, float], *, steep: bool = False) -> EnergyCurve:
    """`before` with the stretch that was drawn anew; a steep one leaves what stands beside it untouched.

    before  (0 .2) (100 .8)     drawn 40..60 at .5     steep  (0 .2) (39 .43) (40 .5) (60 .5) (61 .57) (100 .8)
    """
    first, last = min(drawn), max(drawn)
    kept = {frame: value for frame, value in before if not first <= frame <= last}
    if steep and before:
        frames, values = zip(*before, strict=True)
        for beside in (first - 1, last + 1):
            if frames[0] <= beside <= frames[-1] and beside >= 0:
                kept.setdefault(beside, round(float(np.interp(beside, frames, values)), 3))
    points = simplified(tuple(sorted(drawn.items())))
    return tuple(sorted({**kept, **dict(points)}.items()))


def simplified(points: EnergyCurve, error: float = SIMPLE) -> EnergyCurve:
    """The points without which the line would be more than `error` off (Ramer, Douglas and Peucker; heights only)."""
    if len(points) < 3:
        return points
    frames, values = (np.array(row, float) for row in zip(*points, strict=True))
    keep = np.zeros(len(points), bool)
    keep[[0, -1]] = True
    stack = [(0, len(points) - 1)]
    while stack:
        first, last = stack.pop()
        if last - first < 2:
            continue
        inner = slice(first + 1, last)
        line = np.interp(frames[inner], frames[[first, last]], values[[first, last]])
        off = np.abs(values[inner] - line)
        worst = int(off.argmax())
        if off[worst] > error:
            middle = first + 1 + worst
            keep[middle] = True
            stack += [(first, middle), (middle, last)]
    return tuple(point for point, stays in zip(points, keep.tolist(), strict=True) if stays)
