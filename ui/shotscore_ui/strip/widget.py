"""The timeline strip: the film, how the music meets it, and what a person wants of it, over one time.

Mouse: drag in a ruler to move the playhead; click and drag over shots to select them; drag a hit sideways to move it,
up and down to weigh it; double-click between hits to add one, on one to mute it; draw in the energy lane; drag an edge
of a cue to begin or end it elsewhere, with Shift over other cues, with Alt past cuts. The wheel scrolls, with Ctrl (or
a pinch) it zooms.

Keys (the playhead): Left, Right a frame, with Shift a second; Up, Down the cut before or after; Home, End.
Keys (shots): Ctrl+Left, Ctrl+Right select the shot before or after, with Shift they stretch the selection; Ctrl+A all,
Escape none; Ctrl+Up, Ctrl+Down more or less energy in them; Ctrl+L locks them, or takes their lock off.
Keys (hits): comma, period choose the hit before or after; Alt+Left, Alt+Right move it; Alt+Up, Alt+Down weigh it; M
mutes it; H adds one at the playhead. Keys (cues): I, O take hold of the beginning or end of the cue, again: bring it to
the playhead; Left, Right move it a frame, with Shift a second, Up, Down to a cut; Enter sets it, Escape leaves it.
Keys (view): plus, minus zoom; 0 the whole film; Z the selection.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QContextMenuEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QScrollBar, QToolButton, QToolTip, QWidget
from shotscore_engine.timing import quantise

from ..icons import icon
from ..theme import theme_of
from ..thumbnails import ThumbnailStore
from ..view import HitView, TimelineView
from . import keys, overlay, words
from .canvas import Brushwork, Canvas
from .commands import Commands
from .edges import Edges
from .hand import Hand
from .hits import shown_hits, weight_y
from .lanes import LANES, PAINTERS, lay_out
from .menu import StripMenu
from .scale import STEP, TimeScale

HEADER_WIDTH = 76
NARROW = 460
"""Below this width the lanes' titles make room for the film."""
BAR_HEIGHT = 22
GRAB = 8.0
"""Points around a mark in which it is taken hold of."""
_SCROLL_UNITS = 1_000_000


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
    cue_trimmed = Signal(str, int, int, bool)
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
        self._content: QPixmap | None = None
        self._stale = True
        """Whether the lanes have to be painted anew."""
        self._work = Brushwork()
        self._again = QTimer(self, singleShot=True, interval=0)
        self._again.timeout.connect(self.refresh)
        self._lanes: dict[str, QRect] = {}
        self.commands = Commands(self)
        self.edges = Edges(self)
        self.hand = Hand(self)
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
            self._button("zoom-out", self.tr("Show more of the film"), self.commands.zoom_out),
            self._button("zoom-fit", self.tr("Show the whole film"), self.scale.fit),
            self._button("zoom-in", self.tr("Show less, larger"), self.commands.zoom_in),
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
        if not self.edges.follow(view):
            self.hand.let_go()
        if view is not None:
            self.scale.set_duration(view.duration_frames)
            self._playhead = min(self._playhead, view.duration_frames)
            if self._selection[1] > len(view.shots):
                self.select(0, 0)
            if self._hit is not None and view.hit(*self._hit) is None:
                self.choose_hit(None)
        self.describe()
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
            if follow and not self.hand.dragging:
                self.scale.reveal(frame)
            self._update_playhead(frame)

    def set_selection(self, first_shot: int, last_shot: int) -> None:
        """Selects shots without a signal; 0, 0 is none."""
        self._selection = (first_shot, last_shot)
        self.describe()
        self.update()

    def refresh(self) -> None:
        """Draws everything anew."""
        self._stale = True
        self.update(0, 0, self.width(), self.lanes_height)

    @property
    def header(self) -> int:
        """Points the titles of the lanes take; the film begins there."""
        return HEADER_WIDTH if self.width() >= NARROW else 0

    @property
    def lanes_height(self) -> int:
        """Points all lanes take."""
        return self.height() - BAR_HEIGHT

    def lane(self, key: str) -> QRect:
        """Where a lane lies beside the titles; empty where it is left out."""
        return self._lanes.get(key, QRect())

    def lane_rect(self, key: str) -> QRect:
        """Where a lane lies in the widget; empty where it is left out."""
        rect = self._lanes.get(key)
        return rect.translated(self.header, 0) if rect is not None else QRect()

    def point_at(self, key: str, frame: float) -> QPoint:
        """The middle of a lane at `frame`."""
        return QPoint(round(self.header + self.scale.x(frame)), self.lane_rect(key).center().y())

    def hit_point(self, cue: str, frame: int) -> QPoint:
        """Where the mark of a hit stands."""
        hit, rect = self._view.hit(cue, frame) if self._view else None, self._lanes.get("hits")
        if hit is None or rect is None:
            return QPoint(-1, -1)
        return QPoint(round(self.header + self.scale.x(frame)), round(weight_y(hit.weight, rect)))

    def sizeHint(self) -> QSize:
        return QSize(960, sum(lane.ideal for lane in LANES) + BAR_HEIGHT)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, 150)

    # --- painting -----------------------------------------------------------------------------------------------

    def _area(self) -> QRect:
        return QRect(self.header, 0, max(1, self.width() - self.header), max(1, self.lanes_height))

    def resizeEvent(self, event: QResizeEvent) -> None:
        area = self._area()
        self._lanes = lay_out(area.width(), area.height())
        self._foot.setGeometry(0, self.lanes_height, self.width(), BAR_HEIGHT)
        self._stale = True
        self.scale.set_width(area.width())
        self._update_bar()
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._dress()
            self._content = None
            self.refresh()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        size = QSize(round(self.width() * ratio), round(self.lanes_height * ratio))
        if self._content is None or self._content.size() != size or self._content.devicePixelRatio() != ratio:
            self._content = self._titled(size, ratio)
            self._stale = True
        if self._stale:
            self._stale = False
            self._paint_lanes(self._content, ratio)
        theme = theme_of(self)
        painter = QPainter(self)
        painter.setClipRect(event.rect())
        painter.drawPixmap(0, 0, self._content)
        painter.fillRect(0, self.lanes_height, self.width(), BAR_HEIGHT, theme.colour("panel"))
        area = self._area()
        if self._view is None:
            painter.setPen(theme.colour("text_dim"))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, self.tr("No picture yet"))
        else:
            painter.setClipRect(event.rect().intersected(area))
            painter.translate(area.left(), 0)
            self._paint_selection(painter)
            self.edges.paint(painter, theme, self._work)
            self.hand.paint(painter, theme, self._work)
            x = self.scale.x(self._playhead)
            if -8 <= x <= self.scale.width + 8:
                overlay.paint_playhead(painter, x, self.lanes_height, theme)
            painter.resetTransform()
        if self.hasFocus():
            painter.setClipping(False)
            painter.setPen(QPen(theme.colour("accent"), 2))
            painter.drawRect(QRectF(1, 1, self.width() - 2, self.lanes_height - 2))
        painter.end()

    def _titled(self, size: QSize, ratio: float) -> QPixmap:
        """A picture of `size` pixels with the titles of the lanes and nothing else."""
        picture = QPixmap(size)
        picture.setDevicePixelRatio(ratio)
        theme = theme_of(self)
        picture.fill(theme.colour("window"))
        if self.header:
            painter = QPainter(picture)
            titles = QRect(0, 0, self.header, self.height())
            overlay.paint_titles(painter, self._lanes, titles, theme, self.font())
            painter.end()
        return picture

    def _paint_lanes(self, picture: QPixmap, ratio: float) -> None:
        """The lanes onto `picture`, over those of before."""
        theme, area, view = theme_of(self), self._area(), self._view
        painter = QPainter(picture)
        painter.setClipRect(area)
        painter.translate(area.left(), 0)
        bottom = 0
        self._work.begin()
        if view is not None:
            canvas = Canvas(painter, view, self.scale, theme, self.font(), ratio, self._work, self._store, self._hit)
            for key, rect in self._lanes.items():
                painter.save()
                painter.setClipRect(rect, Qt.ClipOperation.IntersectClip)
                PAINTERS[key](canvas, rect)
                painter.restore()
                bottom = rect.bottom() + 1
            painter.setPen(QPen(theme.colour("window"), 1))
            for rect in self._lanes.values():
                painter.drawLine(rect.left(), rect.bottom(), rect.right(), rect.bottom())
            end = self.scale.x(view.duration_frames)
            if end < area.width():
                painter.fillRect(QRectF(end, 0, area.width() - end, area.height()), theme.colour("window"))
        painter.fillRect(QRect(0, bottom, area.width(), area.height() - bottom), theme.colour("window"))
        painter.end()
        if self._work.left_over:
            self._again.start()

    def _paint_selection(self, painter: QPainter) -> None:
        frames = self.selected_frames()
        if frames is None:
            return
        left, right = max(self.scale.x(frames[0]), -4.0), min(self.scale.x(frames[1]), self.scale.width + 4)
        if right < 0 or left > self.scale.width:
            return
        top = self._lanes["time"].bottom() + 1 if "time" in self._lanes else 0
        area = QRectF(left, top, max(2.0, right - left), self.lanes_height - top)
        overlay.paint_selection(painter, area, self._lanes.get("shots"), theme_of(self))

    def _update_playhead(self, frame: int) -> None:
        x = self.header + self.scale.x(frame)
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

    def _button(self, name: str, text: str, done: Callable[[], object]) -> QToolButton:
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

    def lane_at(self, position: QPointF) -> str:
        """Which lane; "" over the titles or none."""
        y = int(position.y())
        if position.x() < self.header:
            return ""
        return next((key for key, rect in self._lanes.items() if rect.top() <= y <= rect.bottom()), "")

    def frame_at(self, position: QPointF) -> float:
        """The frame there, inside the film."""
        frame = self.scale.frame(position.x() - self.header)
        return min(max(0.0, frame), float(self._view.duration_frames if self._view else 0))

    def hit_at(self, position: QPointF) -> HitView | None:
        """The hit whose mark is there."""
        rect = self._lanes.get("hits")
        if self._view is None or rect is None:
            return None
        x, best, found = position.x() - self.header, GRAB + 1, None
        for cue in self._view.cues:
            for hit, at in shown_hits(cue, self.scale, self._hit):
                distance = max(abs(at - x), abs(weight_y(hit.weight, rect) - position.y()) * 0.75)
                if distance < best:
                    best, found = distance, hit
        return found

    def shot_index(self, frame: float) -> int:
        """The shot seen at `frame`; 0 where there is none."""
        shot = self._view.shot_at(frame) if self._view else None
        return shot.index if shot else 0

    def select(self, first: int, last: int) -> None:
        """Selects shots as a person does: whoever listens is told."""
        if (first, last) != self._selection:
            self._selection = (first, last)
            self.describe()
            self.update()
            self.selection_changed.emit(first, last)

    def choose_hit(self, hit: HitView | None) -> None:
        """Chooses the hit that keys act on, as a person does."""
        key = (hit.cue, hit.frame) if hit else None
        if key != self._hit:
            self._hit = key
            self.describe()
            self.refresh()
            self.hit_selected.emit(*(key or ("", -1)))

    def follow_hit(self, cue: str, frame: int) -> None:
        """The chosen hit is about to stand there."""
        self._hit = (cue, frame)

    def go(self, frame: float) -> None:
        """Moves the playhead as a person does."""
        if self._view is None:
            return
        whole = min(max(0, quantise(frame)), self._view.duration_frames)
        if whole != self._playhead:
            self.set_playhead(whole)
            self.describe()
            self.playhead_moved.emit(whole)

    def escape(self) -> bool:
        """Lets go of what is dragged, else of the hit, else of the shots; False where there is nothing of it."""
        if self.hand.dragging or self.edges.holding:
            self.hand.let_go()
            self.edges.let_go()
            self.describe()
            self.update()
        elif self._hit is not None:
            self.choose_hit(None)
        elif self._selection[0]:
            self.select(0, 0)
        else:
            return False
        return True

    def describe(self) -> None:
        """Says in words what is shown, for screen readers."""
        view, hit = self._view, None
        if view is not None and self._hit is not None:
            hit = view.hit(*self._hit)
        said = words.description(view, self._playhead, self._selection, hit) if view else self.tr("No picture yet.")
        said = self.edges.words() or said
        if said != self._described:
            self._described = said
            self.setAccessibleDescription(said)
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))

    # --- events -----------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._view is not None:
            self.hand.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._view is not None:
            self.hand.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.hand.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.hand.double_click(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        pixels, angle = event.pixelDelta(), event.angleDelta()
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier):
            notches = (angle.y() or angle.x()) / 120
            self.scale.zoom(STEP**notches, event.position().x() - self.header)
        else:
            along = pixels.x() or pixels.y() if not pixels.isNull() else (angle.x() or angle.y()) * 0.8
            self.scale.scroll(-along)
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.scale.zoom(max(0.2, 1 + event.value()), event.position().x() - self.header)
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
        if position.x() < self.header:
            return words.lane_help(self.lane_at(QPointF(self.header, position.y())))
        lane = self.lane_at(position)
        if lane == "hits" and (hit := self.hit_at(position)) is not None:
            return words.hit_words(self._view, hit)
        return words.place_words(self._view, lane, self.frame_at(position))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if self._view is None or not keys.press(self.commands, key, event.modifiers(), event.text()):
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self._view is None:
            return
        menu = StripMenu(self, QPointF(event.pos()))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())
