"""The piano roll of a take over the shots, coloured by part; while a take is made it shows what the noise has become.

Mouse: click or drag to move the playhead; the wheel scrolls, with Ctrl (or a pinch) it zooms; the names of the parts
above show and hide them. Keys: 1, 2, 3 show and hide a part; Left, Right move the playhead a frame, with Shift a
second; plus, minus zoom; 0 shows the whole film.

Parts differ by more than colour: melody is a full block, the counter-melody wears a bar along its top, harmony is an
outline.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from PySide6.QtCore import QEvent, QLineF, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
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
from PySide6.QtWidgets import QSizePolicy, QWidget
from shotscore_engine.timing import quantise

from .strip.canvas import tinted
from .strip.music import note_strength
from .strip.scale import STEP, TimeScale
from .strip.spans import part_name
from .strip.widget import HEADER_WIDTH, NARROW
from .theme import Theme, theme_of
from .view import RollView, TimelineView

TOP = 20
"""Points of the band with the parts' names and the shots."""
FEWEST_KEYS = 24
MARGIN_KEYS = 2
TINY = 1.6
"""Where a sixteenth is narrower than this, notes are drawn as light, not one by one."""
_BLACK = (1, 3, 6, 8, 10)
_LOUDNESS = 4
"""Steps of brightness; one brush each."""

Key = Qt.Key


class PianoRoll(QWidget):
    """See the module. `scale` is the timeline strip's where both scroll together."""

    playhead_moved = Signal(int)
    part_toggled = Signal(str, bool)

    def __init__(self, scale: TimeScale | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.scale = scale or TimeScale(self)
        self._own_scale = scale is None
        self._view: RollView | None = None
        self._timeline: TimelineView | None = None
        self._playhead = 0
        self._hidden: set[str] = set()
        self._chips: dict[str, QRectF] = {}
        self._content: QPixmap | None = None
        self._scrubbing = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(self.tr("Piano roll"))
        self.scale.changed.connect(self.refresh)

    # --- what it shows ------------------------------------------------------------------------------------------

    def set_view(self, view: RollView | None) -> None:
        """Shows a take, or one that is being made; None shows none."""
        before, self._view = self._view, view
        if self._own_scale and view is not None and (before is None or before.range_frames != view.range_frames):
            self.scale.set_duration(max(self._timeline.duration_frames if self._timeline else 0, view.range_frames[1]))
        self._describe()
        self.refresh()

    def set_timeline(self, timeline: TimelineView | None) -> None:
        """The shots behind the notes."""
        self._timeline = timeline
        if self._own_scale and timeline is not None:
            self.scale.set_duration(timeline.duration_frames)
        self.refresh()

    @property
    def view(self) -> RollView | None:
        """What is shown."""
        return self._view

    @property
    def playhead(self) -> int:
        """Its frame."""
        return self._playhead

    @property
    def hidden_parts(self) -> frozenset[str]:
        """Parts that are not drawn."""
        return frozenset(self._hidden)

    def set_playhead(self, frame: int) -> None:
        """Moves the playhead without a signal."""
        if frame != self._playhead:
            self._update_at(self._playhead)
            self._playhead = frame
            self._update_at(frame)

    def refresh(self) -> None:
        """Draws everything anew."""
        self._content = None
        self.update()

    def keys_shown(self) -> tuple[int, int]:
        """Lowest and highest pitch drawn."""
        low, high = self._view.pitch_range if self._view else (48, 72)
        low, high = low - MARGIN_KEYS, high + MARGIN_KEYS
        more = max(0, FEWEST_KEYS - (high - low + 1))
        return max(0, low - more // 2), min(127, high + more - more // 2)

    def note_rect(self, index: int) -> QRectF:
        """Where a note of the view lies."""
        assert self._view is not None
        low, high = self.keys_shown()
        row = (self.height() - TOP) / (high - low + 1)
        left = self._header + self.scale.x(float(self._view.start_frame[index]))
        right = self._header + self.scale.x(float(self._view.end_frame[index]))
        return QRectF(left, TOP + (high - int(self._view.pitch[index])) * row, max(1.0, right - left), row)

    def chip_rect(self, part: str) -> QRectF:
        """Where the name of a part is clicked."""
        return self._chips.get(part, QRectF())

    def sizeHint(self) -> QSize:
        return QSize(960, 240)

    def minimumSizeHint(self) -> QSize:
        return QSize(240, 90)

    # --- painting -----------------------------------------------------------------------------------------------

    @property
    def _header(self) -> int:
        return HEADER_WIDTH if self.width() >= NARROW else 0

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._own_scale:
            self.scale.set_width(max(1, self.width() - self._header))
        self._content = None
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.refresh()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        ratio = self.devicePixelRatioF()
        size = QSize(round(self.width() * ratio), round(self.height() * ratio))
        if self._content is None or self._content.size() != size:
            self._content = self._painted(size, ratio)
        painter = QPainter(self)
        painter.setClipRect(event.rect())
        painter.drawPixmap(0, 0, self._content)
        theme = theme_of(self)
        x = self._header + self.scale.x(self._playhead)
        if self._header <= x <= self.width():
            painter.fillRect(QRectF(round(x) - 1, TOP, 3, self.height()), theme.colour("playhead", 0.35))
            painter.fillRect(QRectF(round(x), TOP, 1, self.height()), theme.colour("playhead"))
        if self.hasFocus():
            painter.setPen(QPen(theme.colour("accent"), 2))
            painter.drawRect(QRectF(1, 1, self.width() - 2, self.height() - 2))
        painter.end()

    def _painted(self, size: QSize, ratio: float) -> QPixmap:
        picture = QPixmap(size)
        picture.setDevicePixelRatio(ratio)
        theme = theme_of(self)
        picture.fill(theme.colour("lane"))
        painter = QPainter(picture)
        area = QRect(self._header, TOP, self.width() - self._header, self.height() - TOP)
        low, high = self.keys_shown()
        row = area.height() / (high - low + 1)
        painter.save()
        painter.setClipRect(area)
        painter.translate(area.left(), 0)
        self._paint_ground(painter, theme, low, high, row)
        if self._view is not None and self._view.notes:
            self._paint_notes(painter, theme, high, row, ratio)
        elif self._view is None or self._view.noise is None:
            painter.setPen(theme.colour("text_dim"))
            words = self.tr("No take yet") if self._view is None else self.tr("This take is silent")
            painter.drawText(QRect(0, TOP, area.width(), area.height()), Qt.AlignmentFlag.AlignCenter, words)
        painter.restore()
        self._paint_band(painter, theme)
        if self._header:
            self._paint_keys(painter, theme, low, high, row)
        painter.end()
        return picture

    def _paint_ground(self, painter: QPainter, theme: Theme, low: int, high: int, row: float) -> None:
        width, bottom = self.scale.width, float(self.height())
        if row >= 2.5:
            dark = [
                QRectF(0, TOP + (high - pitch) * row, width, row)
                for pitch in range(low, high + 1)
                if pitch % 12 in _BLACK
            ]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("outside", 0.75))
            painter.drawRects(dark)
            painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.colour("line"), 1))
        for pitch in range(low, high + 1):
            if pitch % 12 == 0:
                y = TOP + (high - pitch + 1) * row
                painter.drawLine(QPointF(0, y), QPointF(width, y))
        view = self._view
        if view is not None:
            for left, right in ((0.0, self.scale.x(view.range_frames[0])), (self.scale.x(view.range_frames[1]), width)):
                if right > left:
                    painter.fillRect(QRectF(left, TOP, right - left, bottom - TOP), theme.colour("window", 0.75))
            bars = (view.bar_frames - self.scale.first_frame) / self.scale.frames_per_pixel
            if len(bars) > 1:
                every = max(1, round(14 / max(0.01, float(np.median(np.diff(bars))))))
                seen = bars[::every]
                lines = [QLineF(x, TOP, x, bottom) for x in seen[(seen >= 0) & (seen <= width)].tolist()]
                painter.drawLines(lines)
        cuts = self._cuts()
        if len(cuts) and len(cuts) < width / 8:
            painter.setPen(QPen(theme.colour("text_dim", 0.5), 1, Qt.PenStyle.DashLine))
            painter.drawLines([QLineF(x, TOP, x, bottom) for x in cuts])

    def _cuts(self) -> list[float]:
        if self._timeline is None:
            return []
        starts = self._timeline.shot_starts
        first, last = np.searchsorted(starts, [self.scale.first_frame, self.scale.last_frame])
        found: list[float] = [self.scale.x(frame) for frame in starts[first:last].tolist()]
        return found

    def _paint_notes(self, painter: QPainter, theme: Theme, high: int, row: float, ratio: float) -> None:
        view = self._view
        assert view is not None
        faint = 1.0 if view.noise is None else 1 - 0.55 * view.noise
        lefts = (view.start_frame - self.scale.first_frame) / self.scale.frames_per_pixel
        rights = (view.end_frame - self.scale.first_frame) / self.scale.frames_per_pixel
        seen = (rights > 0) & (lefts < self.scale.width)
        if not seen.any():
            return
        if float(np.median(rights - lefts)) < TINY:
            self._paint_light(painter, theme, high, row, ratio, faint)
            return
        tops = TOP + (high - view.pitch) * row
        height = max(1.5, row - (1 if row >= 4 else 0))
        loud = np.clip(view.velocity * _LOUDNESS // 128, 0, _LOUDNESS - 1)
        for part, name in reversed(list(enumerate(view.parts))):
            if name in self._hidden:
                continue
            colour = theme.part(name)
            for step in range(_LOUDNESS):
                mine = np.nonzero(seen & (view.part == part) & (loud == step))[0]
                if not len(mine):
                    continue
                strength = (0.5 + 0.5 * (step + 1) / _LOUDNESS) * faint
                rects = [
                    QRectF(left, top, max(1.5, right - left - 1), height)
                    for left, right, top in zip(
                        lefts[mine].tolist(), rights[mine].tolist(), tops[mine].tolist(), strict=True
                    )
                ]
                self._paint_part(painter, rects, name, colour, strength, theme)

    @staticmethod
    def _paint_part(
        painter: QPainter, rects: list[QRectF], name: str, colour: QColor, strength: float, theme: Theme
    ) -> None:
        fill, edge = QColor(colour), QColor(colour)
        fill.setAlphaF(strength * (0.42 if name == "harmony" else 0.75 if name == "counter" else 1.0))
        edge.setAlphaF(strength)
        painter.setPen(QPen(edge, 1) if name == "harmony" and rects[0].height() >= 4 else Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawRects(rects)
        if name == "counter" and rects[0].height() >= 4:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("text", min(1.0, strength)))
            painter.drawRects([QRectF(rect.left(), rect.top(), rect.width(), 1.2) for rect in rects])
        painter.setBrush(Qt.BrushStyle.NoBrush)

    def _paint_light(self, painter: QPainter, theme: Theme, high: int, row: float, ratio: float, faint: float) -> None:
        """Far out, notes are summed up into one picture a part."""
        view = self._view
        assert view is not None
        top, bottom = view.pitch_range[1], view.pitch_range[0]
        span = max(12, top - bottom + 1)
        box = QRectF(0, TOP + (high - top) * row, self.scale.width, span * row)
        size = QSize(round(box.width() * ratio), max(span, round(box.height() * ratio)))
        for part, strength in enumerate(note_strength(view, (self.scale.first_frame, self.scale.last_frame), size)):
            if view.parts[part] not in self._hidden:
                painter.drawImage(box, tinted(strength * faint, theme.part(view.parts[part])))

    def _paint_band(self, painter: QPainter, theme: Theme) -> None:
        """The names of the parts, and over the notes the shots."""
        painter.fillRect(0, 0, self.width(), TOP, theme.colour("panel"))
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.drawLine(0, TOP - 1, self.width(), TOP - 1)
        font = QFont(self.font())
        font.setPixelSize(11)
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        self._chips = {}
        view = self._view
        parts = view.parts if view is not None else ()
        x = self._header + 6.0
        for number, part in enumerate(parts, 1):
            word = f"{number}  {part_name(part)}"
            box = QRectF(x, 2, metrics.horizontalAdvance(word) + 26, TOP - 5)
            self._chips[part] = box
            hidden = part in self._hidden
            swatch = QRectF(box.left() + 4, box.center().y() - 4, 12, 8)
            if hidden:
                painter.setPen(QPen(theme.colour("text_dim"), 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(swatch)
            else:
                self._paint_part(painter, [swatch], part, theme.part(part), 1.0, theme)
            painter.setPen(theme.colour("text_dim" if hidden else "text"))
            font.setStrikeOut(hidden)
            painter.setFont(font)
            painter.drawText(box.adjusted(21, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, word)
            x = box.right() + 8
        font.setStrikeOut(False)
        painter.setFont(font)
        if view is not None and view.noise is not None:
            words = self.tr("forming, {0}").format(f"{1 - view.noise:.0%}")
            wide = metrics.horizontalAdvance(words) + 16
            box = QRectF(self.width() - wide - 6, 2, wide, TOP - 5)
            if box.left() > x:
                painter.fillRect(box, theme.colour("accent"))
                painter.setPen(theme.colour("on_accent"))
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)

    def _paint_keys(self, painter: QPainter, theme: Theme, low: int, high: int, row: float) -> None:
        """A keyboard along the left edge, with the names of its Cs."""
        painter.fillRect(QRectF(0, TOP, HEADER_WIDTH - 1, self.height() - TOP), theme.colour("panel"))
        left = HEADER_WIDTH - 30
        white, black = QColor("#d9dde2"), QColor("#23272c")
        painter.fillRect(QRectF(left, TOP, 29, self.height() - TOP), white)
        font = QFont(self.font())
        font.setPixelSize(10)
        painter.setFont(font)
        last = 1e9
        for pitch in range(low, high + 1):
            y = TOP + (high - pitch) * row
            if pitch % 12 in _BLACK:
                painter.fillRect(QRectF(left, y, 18, row), black)
            elif pitch % 12 in (0, 5):
                painter.setPen(QPen(QColor("#7b848f"), 1))
                painter.drawLine(QPointF(left, y + row), QPointF(left + 29, y + row))
            if pitch % 12 == 0 and last - y > 12:
                painter.setPen(theme.colour("text_dim"))
                box = QRectF(4, y + row - 12, left - 9, 12)
                painter.drawText(
                    box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"C{pitch // 12 - 1}"
                )
                last = y
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.drawLine(HEADER_WIDTH - 1, TOP, HEADER_WIDTH - 1, self.height())

    def _update_at(self, frame: int) -> None:
        x = self._header + self.scale.x(frame)
        self.update(QRect(int(x) - 3, 0, 6, self.height()))

    def _describe(self) -> None:
        view = self._view
        if view is None:
            words = self.tr("No take yet.")
        else:
            counts = [
                self.tr("{0} notes of {1}").format(int((view.part == i).sum()), part_name(part))
                for i, part in enumerate(view.parts)
            ]
            words = ", ".join(counts) + "."
            if view.noise is not None:
                words = self.tr("Forming.") + " " + words
        self.setAccessibleDescription(words)

    # --- mouse and keys -------------------------------------------------------------------------------------------

    def toggle_part(self, part: str) -> None:
        """Shows a part, or hides it."""
        shown = part in self._hidden
        self._hidden.symmetric_difference_update({part})
        self.refresh()
        self.part_toggled.emit(part, shown)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        for part, box in self._chips.items():
            if box.contains(event.position()):
                self.toggle_part(part)
                return
        if event.position().x() >= self._header:
            self._scrubbing = True
            self._go(self.scale.frame(event.position().x() - self._header))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._scrubbing:
            self._go(self.scale.frame(event.position().x() - self._header))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._scrubbing = False

    def wheelEvent(self, event: QWheelEvent) -> None:
        pixels, angle = event.pixelDelta(), event.angleDelta()
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier):
            self.scale.zoom(STEP ** ((angle.y() or angle.x()) / 120), event.position().x() - self._header)
        else:
            self.scale.scroll(-(pixels.x() or pixels.y() if not pixels.isNull() else (angle.x() or angle.y()) * 0.8))
        event.accept()

    def event(self, event: QEvent) -> bool:
        zooms = Qt.NativeGestureType.ZoomNativeGesture
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == zooms:
            self.scale.zoom(max(0.2, 1 + event.value()), event.position().x() - self._header)
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        text, key = event.text(), event.key()
        parts = self._view.parts if self._view is not None else ()
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        rate = self._timeline.rate if self._timeline else Fraction(25)
        if text in ("1", "2", "3") and int(text) <= len(parts):
            self.toggle_part(parts[int(text) - 1])
        elif key in (Key.Key_Left, Key.Key_Right):
            step = quantise(rate) if shift else 1
            self._go(self._playhead + (step if key == Key.Key_Right else -step))
            self.scale.reveal(self._playhead)
        elif text in ("+", "=", "-"):
            self.scale.zoom(1 / STEP if text == "-" else STEP, self.scale.x(self._playhead))
        elif text == "0":
            self.scale.fit()
        else:
            super().keyPressEvent(event)

    def _go(self, frame: float) -> None:
        whole = min(max(0, quantise(frame)), self.scale.duration)
        if whole != self._playhead:
            self.set_playhead(whole)
            self.playhead_moved.emit(whole)
