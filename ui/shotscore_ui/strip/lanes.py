"""The lanes of the timeline strip and how each is drawn, at any zoom.

What would fall on the same pixels is drawn once: shots too narrow for a picture share one, hits that would overlap
become shares of met, near and missed, sound is reduced to a highest and a lowest value a pixel. Painting so costs what
the window is wide, not what the film is long.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QLineF, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QPixmap, QPolygonF
from shotscore_engine.timing import format_timecode, quantise

from ..icons import pixmap
from ..theme import Theme
from ..thumbnails import Moment, ThumbnailStore, moment_of
from ..view import CueView, Floats, HitView, ShotView, TimelineView
from .marks import PRIORITY, SIZE, Marks
from .scale import TimeScale

LABEL_GAP = 22.0
NARROWEST_NAME, NARROWEST_THUMB = 34.0, 14.0
MARK_SPACING = SIZE + 1.0
CROWDED = 1.0
"""What `shown_hits` gives for pixels between neighbours where they cannot be told apart."""
CROWD = ("met", "open", "near", "missed")
_CROWD_PATTERNS = (
    Qt.BrushStyle.SolidPattern,
    Qt.BrushStyle.Dense6Pattern,
    Qt.BrushStyle.BDiagPattern,
    Qt.BrushStyle.DiagCrossPattern,
)
NAME_HEIGHT = 16
MIDDLE = Qt.AlignmentFlag.AlignVCenter
_MOST_SCALED = 600
_MOST_MOMENTS = 20_000


def tr(text: str) -> str:
    """`text` in the language of the panel."""
    return QCoreApplication.translate("TimelineStrip", text)


@dataclass(frozen=True)
class Lane:
    """A row of the strip."""

    key: str
    title: str
    least: int
    """Points below which it is left out rather than squeezed."""
    ideal: int
    stretch: int
    """Its share of room that is left over."""
    rank: int
    """In a low window the highest ranks go first."""


LANES = (
    Lane("time", "Time", 20, 22, 0, 0),
    Lane("cue", "Cue", 16, 18, 0, 6),
    Lane("shots", "Shots", 46, 68, 4, 1),
    Lane("hits", "Hits", 30, 42, 1, 2),
    Lane("bars", "Bars", 20, 24, 0, 3),
    Lane("tempo", "Tempo", 22, 30, 1, 8),
    Lane("dialogue", "Dialogue", 12, 16, 0, 7),
    Lane("music", "Music", 26, 46, 2, 5),
    Lane("energy", "Energy", 30, 50, 2, 4),
    Lane("locks", "Locks", 14, 18, 0, 6),
)


def lay_out(width: int, height: int, top: int = 0) -> dict[str, QRect]:
    """Where each lane lies; lanes that do not fit are left out, by rank."""
    shown = list(LANES)
    while shown and sum(lane.least for lane in shown) > height:
        # The time ruler stays whatever happens.
        worst = max((lane for lane in shown if lane.rank), key=lambda lane: lane.rank, default=None)
        if worst is None:
            break
        shown.remove(worst)
    heights = {lane.key: lane.least for lane in shown}
    room = height - sum(heights.values())
    for lane in sorted(shown, key=lambda lane: lane.rank):
        more = min(max(0, room), lane.ideal - lane.least)
        heights[lane.key] += more
        room -= more
    total = sum(lane.stretch for lane in shown)
    if room > 0 and total:
        for lane in shown:
            heights[lane.key] += room * lane.stretch // total
    rects, y = {}, top
    for lane in shown:
        rects[lane.key] = QRect(0, y, width, heights[lane.key])
        y += heights[lane.key]
    return rects


@dataclass
class Brushwork:
    """What painting keeps from one time to the next."""

    marks: Marks = field(default_factory=Marks)
    known_fonts: dict[tuple[str, int, bool], tuple[QFont, QFontMetricsF]] = field(default_factory=dict)
    moments: dict[tuple[int, int, int], Moment] = field(default_factory=dict)
    """By shot (its identity), frame (-1: the head) and spacing: exact time is worth working out once."""
    shots: object = None
    """Whose moments they are."""
    scaled: OrderedDict[tuple[int, int, float], QPixmap] = field(default_factory=OrderedDict)
    """Thumbnails at the size they are drawn at, by picture, height and density."""

    def thumbnail(self, image: QImage, height: int, ratio: float) -> QPixmap:
        """`image` scaled to `height` points."""
        key = (image.cacheKey(), height, ratio)
        found = self.scaled.get(key)
        if found is None:
            size = QSize(4096, max(1, round(height * ratio)))
            small = image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
            found = QPixmap.fromImage(small)
            found.setDevicePixelRatio(ratio)
            self.scaled[key] = found
            while len(self.scaled) > _MOST_SCALED:
                self.scaled.popitem(last=False)
        else:
            self.scaled.move_to_end(key)
        return found

    def fonts(self, font: QFont, pixels: int, bold: bool) -> tuple[QFont, QFontMetricsF]:
        """The font at a size, and its measures."""
        key = (font.family(), pixels, bold)
        found = self.known_fonts.get(key)
        if found is None:
            made = QFont(font)
            made.setPixelSize(pixels)
            made.setBold(bold)
            found = self.known_fonts[key] = (made, QFontMetricsF(made))
        return found

    def moment(self, view: TimelineView, shot: ShotView, frame: float, frames_wide: float, *, head: bool) -> Moment:
        """`thumbnail_moment`, remembered."""
        if self.shots is not view.shots or len(self.moments) > _MOST_MOMENTS:
            self.shots = view.shots
            self.moments.clear()
        key = (shot.index, -1 if head else int(frame), 0 if head else math.frexp(frames_wide)[1])
        found = self.moments.get(key)
        if found is None:
            found = self.moments[key] = thumbnail_moment(shot, frame, frames_wide, view.rate, head=head)
        return found


@dataclass
class Canvas:
    """All a lane needs to draw itself. x = 0 is the first frame shown."""

    painter: QPainter
    view: TimelineView
    scale: TimeScale
    theme: Theme
    font: QFont
    ratio: float
    work: Brushwork
    store: ThumbnailStore | None
    selected_hit: tuple[str, int] | None = None

    def xs(self, frames: Any) -> Floats:
        """Pixels of frames."""
        return np.asarray((np.asarray(frames, float) - self.scale.first_frame) / self.scale.frames_per_pixel)

    def sized(self, pixels: int, *, bold: bool = False) -> QFont:
        """The panel's font at a size in points."""
        return self.work.fonts(self.font, pixels, bold)[0]

    def text(self, rect: QRectF, flags: Qt.AlignmentFlag, text: str, colour: QColor, font: QFont) -> None:
        """`text` in `rect`, shortened at its end where it does not fit."""
        self.painter.setFont(font)
        self.painter.setPen(colour)
        metrics = self.work.fonts(self.font, font.pixelSize(), font.bold())[1]
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        self.painter.drawText(rect, flags, shown)

    def cues(self) -> list[tuple[CueView, float, float]]:
        """The cues in sight with their edges in pixels, cut off just outside the window."""
        found = []
        for cue in self.view.cues:
            left, right = self.scale.x(cue.start_frame), self.scale.x(cue.end_frame)
            if right > 0 and left < self.scale.width:
                found.append((cue, max(left, -8.0), min(right, self.scale.width + 8.0)))
        return found


# --- lane by lane ------------------------------------------------------------------------------------------------


def paint_time(canvas: Canvas, rect: QRect) -> None:
    """Timecode ruler."""
    painter, theme, view, scale = canvas.painter, canvas.theme, canvas.view, canvas.scale
    painter.fillRect(rect, theme.colour("panel"))
    font = canvas.sized(11)
    sample = format_timecode(view.start_frame + view.duration_frames, view.rate, view.drop_frame)
    room = QFontMetricsF(font).horizontalAdvance(sample) + LABEL_GAP
    step, per_label = time_step(scale.frames_per_pixel * room, view.rate)
    ticks = ticks_between(scale.first_frame, scale.last_frame, step, view)
    minor = ticks_between(scale.first_frame, scale.last_frame, Fraction(step, per_label), view)
    bottom = float(rect.bottom() + 1)
    painter.setPen(QPen(theme.colour("line_strong", 0.7), 1))
    painter.drawLines([QLineF(x, bottom - 4, x, bottom) for x in map(scale.x, minor)])
    painter.setPen(QPen(theme.colour("line_strong"), 1))
    painter.drawLines([QLineF(x, rect.top() + 4, x, bottom) for x in map(scale.x, ticks)])
    for frame in ticks:
        label = format_timecode(view.start_frame + frame, view.rate, view.drop_frame)
        box = QRectF(scale.x(frame) + 4, rect.top(), room, rect.height() - 2)
        canvas.text(box, MIDDLE, label, theme.colour("text_dim"), font)


def time_step(frames: float, rate: Fraction) -> tuple[int, int]:
    """(frames between labels, how many ticks a label) for labels at least `frames` apart."""
    second = quantise(rate)
    for step, ticks in ((1, 1), (2, 2), (5, 5), (10, 5)):
        if step >= frames and step < second:
            return step, ticks
    for seconds, ticks in (
        (1, 4), (2, 4), (5, 5), (10, 5), (15, 3), (30, 6), (60, 6), (120, 4), (300, 5), (600, 5), (900, 3), (1800, 6),
        (3600, 6), (7200, 4),
    ):  # fmt: skip
        if seconds * second >= frames:
            return seconds * second, ticks
    return 14400 * second, 4


def ticks_between(first: float, last: float, step: Fraction | int, view: TimelineView) -> list[int]:
    """Frames of the timeline where its timecode is a multiple of `step` nominal frames.

    With drop-frame timecode a minute's first number is 02 where 00 and 01 are left out, so ticks follow the numbers.
    """
    nominal = quantise(view.rate)
    number = Fraction(step)
    if number <= 0:
        return []
    dropped = nominal // 15 if view.drop_frame and number >= nominal else 0
    start = view.start_frame
    begin = math.floor((start + max(0.0, first)) * (1001 / 1000 if dropped else 1) / float(number)) - 2
    found: list[int] = []
    for count in range(max(0, begin), max(0, begin) + 4000):
        place = number * count
        if place.denominator != 1:
            place = Fraction(quantise(place))
        frame = int(place)
        if dropped:
            minutes = frame // (60 * nominal)
            frame -= dropped * (minutes - minutes // 10)
            if place % (60 * nominal) == 0 and minutes % 10:
                frame += dropped
        at = frame - start
        if at > min(last, view.duration_frames):
            break
        if at >= first - float(number) and at >= 0:
            found.append(at)
    return found


def paint_cue(canvas: Canvas, rect: QRect) -> None:
    """The cues as bars, with their names, tempo and meter."""
    painter, theme = canvas.painter, canvas.theme
    painter.fillRect(rect, theme.colour("lane"))
    for cue, left, right in canvas.cues():
        bar = QRectF(left + 0.5, rect.top() + 2, right - left - 1, rect.height() - 4)
        path = QPainterPath()
        path.addRoundedRect(bar, 4, 4)
        painter.fillPath(path, theme.colour("accent", 0.24))
        painter.setPen(QPen(theme.colour("accent", 0.8), 1))
        painter.drawPath(path)
        words = [cue.name]
        if cue.grid is not None and len(cue.grid.bpm):
            bpm = float(np.median(cue.grid.bpm))
            words += [f"{bpm:.1f} BPM", f"{cue.grid.meter[0]}/{cue.grid.meter[1]}"]
        elif cue.roll is None:
            words.append(tr("not scored yet"))
        box = bar.adjusted(7 + max(0.0, -left), 0, -4, 0)
        if box.width() > 24:
            font = canvas.sized(11, bold=True)
            canvas.text(box, MIDDLE, "   ".join(words), theme.colour("text"), font)


def paint_shots(canvas: Canvas, rect: QRect) -> None:
    """Thumbnails above names."""
    painter, theme, view, scale = canvas.painter, canvas.theme, canvas.view, canvas.scale
    painter.fillRect(rect, theme.colour("outside"))
    if not view.shots:
        return
    names = rect.height() >= 44
    picture = rect.adjusted(0, 1, 0, -(NAME_HEIGHT if names else 1))
    first = max(0, int(np.searchsorted(view.shot_starts, scale.first_frame, side="right")) - 1)
    last = int(np.searchsorted(view.shot_starts, scale.last_frame, side="left"))
    edges = np.append(canvas.xs(view.shot_starts[first:last]), 0.0)
    edges[-1] = scale.x(view.shots[last - 1].end_frame)
    widths = np.diff(edges)
    if len(widths) > scale.width / 6:
        _paint_dense_shots(canvas, rect, picture, edges)
        return
    font = canvas.sized(11)
    for shot, left, width in zip(view.shots[first:last], edges.tolist(), widths.tolist(), strict=False):
        _paint_shot(canvas, shot, QRectF(left, picture.top(), width, picture.height()))
        if names and width >= NARROWEST_NAME:
            seen = max(left, 0.0)
            box = QRectF(seen + 5, picture.bottom() + 1, left + width - seen - 8, NAME_HEIGHT)
            if box.width() > 16:
                label = f"{shot.index}  {shot.name}"
                canvas.text(box, MIDDLE, label, theme.colour("text"), font)
    top, bottom = float(rect.top()), float(rect.bottom() + 1)
    for detected in (False, True):
        pen = QPen(theme.colour("window"), 2.0)
        if detected:
            pen = QPen(theme.colour("text_dim"), 1.0, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        chosen = [
            x
            for shot, x in zip(view.shots[first:last], edges.tolist(), strict=False)
            if shot.detected == detected and x > 0
        ]
        painter.drawLines([QLineF(x, top, x, bottom) for x in chosen])


def _paint_shot(canvas: Canvas, shot: ShotView, box: QRectF) -> None:
    painter, theme = canvas.painter, canvas.theme
    whole = QRectF(box.left(), box.top() - 1, box.width(), box.height() + NAME_HEIGHT + 1)
    painter.fillRect(whole, theme.colour("shot" if shot.index % 2 else "shot_other"))
    if shot.offline or shot.media is None:
        _paint_no_picture(canvas, shot, box)
        return
    if box.width() < NARROWEST_THUMB:
        return
    slot = box.height() * 16 / 9
    per_pixel = canvas.scale.frames_per_pixel
    tiles = max(1, int(box.width() // slot)) if box.width() >= 2 * slot else 1
    begin = max(0, int((-box.left()) // slot)) if tiles > 1 else 0
    for tile in range(begin, tiles + (tiles > 1)):
        left = box.left() + tile * slot
        if left > canvas.scale.width or left >= box.right():
            break
        frame = shot.start_frame + (tile + 0.5) * slot * per_pixel if tiles > 1 else shot.start_frame
        moment = canvas.work.moment(canvas.view, shot, frame, slot * per_pixel, head=tiles == 1)
        image = canvas.store.image(moment) if canvas.store else None
        if image is None:
            continue
        drawn = canvas.work.thumbnail(image, round(box.height()), canvas.ratio)
        width = drawn.deviceIndependentSize().width()
        room = min(slot if tiles > 1 else box.width(), box.right() - left)
        shown = min(width, room)
        offset = (width - shown) / 2
        source = QRectF(offset * canvas.ratio, 0, shown * canvas.ratio, drawn.height())
        painter.drawPixmap(QRectF(left, box.top(), shown, box.height()), drawn, source)


def thumbnail_moment(shot: ShotView, frame: float, frames_wide: float, rate: Fraction, *, head: bool) -> Moment:
    """Which picture stands at `frame`. Moments lie on a grid that halves with every doubling of the zoom, so that a
    little zooming asks for nothing new."""
    assert shot.media is not None
    last = max(shot.start_frame, shot.end_frame - 1)
    ends = (shot.source_seconds(shot.start_frame, rate), shot.source_seconds(last, rate))
    low, high = min(ends), max(ends)
    if head:
        at = shot.source_seconds(min(last, shot.start_frame + quantise(rate / 2)), rate)
    else:
        spacing = Fraction(2) ** max(-2, math.floor(math.log2(max(0.25, frames_wide / float(rate)))))
        at = spacing * quantise(shot.source_seconds(quantise(Fraction(frame)), rate) / spacing)
    at = min(max(at, low), high)
    return moment_of(shot.media, at, max(low, at - 1), min(high, at + 1))


def _paint_no_picture(canvas: Canvas, shot: ShotView, box: QRectF) -> None:
    """Black for black; hatching and a word for what is offline."""
    painter, theme = canvas.painter, canvas.theme
    if not shot.offline:
        painter.fillRect(box, QColor("#000000"))
        return
    painter.fillRect(box, theme.colour("offline"))
    if box.width() >= 6:
        painter.fillRect(box, QBrush(theme.colour("warning", 0.3), Qt.BrushStyle.BDiagPattern))
    if box.width() >= 52:
        label = QRectF(max(box.left(), 0) + 4, box.top(), box.right() - max(box.left(), 0) - 8, box.height())
        canvas.text(label, Qt.AlignmentFlag.AlignCenter, tr("offline"), theme.colour("text"), canvas.sized(10))


def _paint_dense_shots(canvas: Canvas, rect: QRect, picture: QRect, edges: Floats) -> None:
    """A picture wherever one fits, and below how closely cuts follow each other."""
    painter, theme, view, scale = canvas.painter, canvas.theme, canvas.view, canvas.scale
    painter.fillRect(picture, theme.colour("shot_other"))
    slot = picture.height() * 16 / 9
    count = math.ceil(scale.width / slot)
    end = scale.x(view.duration_frames)
    for place in range(count):
        left = place * slot
        if left >= end:
            break
        shot = view.shot_at(scale.frame(left + slot / 2))
        if shot is None:
            continue
        box = QRectF(left, picture.top(), min(slot, end - left), picture.height())
        if shot.offline or shot.media is None:
            _paint_no_picture(canvas, shot, box)
            continue
        moment = canvas.work.moment(view, shot, shot.start_frame, 1, head=True)
        image = canvas.store.image(moment) if canvas.store else None
        if image is not None:
            drawn = canvas.work.thumbnail(image, picture.height(), canvas.ratio)
            width = min(slot, drawn.deviceIndependentSize().width(), end - left)
            source = QRectF(0, 0, width * canvas.ratio, drawn.height())
            painter.drawPixmap(QRectF(left, picture.top(), width, picture.height()), drawn, source)
    painter.setPen(QPen(theme.colour("window", 0.8), 1))
    painter.drawLines([QLineF(i * slot, picture.top(), i * slot, picture.bottom()) for i in range(1, count)])
    columns = edges[:-1]
    columns = columns[(columns >= 0) & (columns < scale.width)]
    width = max(1, int(scale.width))
    density = np.bincount(columns.astype(int), minlength=width).astype(float)[:width]
    strength = density / max(1.0, float(np.percentile(density, 98)))
    below = QRect(0, picture.bottom() + 2, width, rect.bottom() - picture.bottom() - 2)
    if below.height() > 1:
        painter.fillRect(below, theme.colour("shot_other"))
        colour = theme.colour("text_dim")
        painter.drawImage(below, tinted(np.clip(0.85 * strength, 0, 0.85)[None, :], colour))


def paint_hits(canvas: Canvas, rect: QRect) -> None:
    """Marks at the height of their weight."""
    painter, theme = canvas.painter, canvas.theme
    painter.fillRect(rect, theme.colour("lane"))
    painter.setPen(QPen(theme.colour("line"), 1, Qt.PenStyle.DotLine))
    for weight in (0.0, 0.5, 1.0):
        y = weight_y(weight, rect)
        painter.drawLine(QPointF(0, y), QPointF(canvas.scale.width, y))
    ratio, half = canvas.ratio, float(SIZE)
    labels = canvas.sized(10)
    for cue, _, _ in canvas.cues():
        shown, spacing = shown_hits(cue, canvas.scale, canvas.selected_hit)
        base = rect.bottom() + 1.0
        if spacing < MARK_SPACING:
            _paint_crowd(canvas, cue, rect)
            shown = [(hit, x) for hit, x in shown if (hit.cue, hit.frame) == canvas.selected_hit]
        for state in ("ignored", "open", "met", "near", "missed"):
            mine = [(hit, x) for hit, x in shown if hit.state == state]
            painter.setPen(QPen(theme.colour(state, 0.55), 1))
            painter.drawLines([QLineF(x, weight_y(hit.weight, rect), x, base) for hit, x in mine])
            plain = canvas.work.marks.stamp(state, theme, ratio)
            for hit, x in mine:
                chosen = (hit.cue, hit.frame) == canvas.selected_hit
                stamp = canvas.work.marks.stamp(hit.state, theme, ratio, True) if chosen else plain
                painter.drawPixmap(QPointF(x - half, weight_y(hit.weight, rect) - half), stamp)
        if spacing >= 46:
            for hit, x in shown:
                if hit.state in ("near", "missed"):
                    box = QRectF(x + 8, weight_y(hit.weight, rect) - 7, 38, 14)
                    word = f"{hit.frames_off:+.1f}"
                    canvas.text(box, MIDDLE, word, theme.state(hit.state), labels)


def weight_y(weight: float, rect: QRect) -> float:
    """Where a weight stands in the lane of hits."""
    return rect.bottom() - 7 - weight * max(1, rect.height() - 15)


def shown_hits(
    cue: CueView, scale: TimeScale, selected: tuple[str, int] | None
) -> tuple[list[tuple[HitView, float]], float]:
    """(hits to draw with their x, pixels between neighbours). Of those that would overlap only the worst met."""
    frames = cue.hit_frames
    reach = SIZE * scale.frames_per_pixel
    first = int(np.searchsorted(frames, scale.first_frame - reach))
    last = int(np.searchsorted(frames, scale.last_frame + reach))
    if first >= last:
        return [], math.inf
    xs = (frames[first:last] - scale.first_frame) / scale.frames_per_pixel
    mine = cue.hits[first:last]
    spacing = float(scale.width / len(xs))
    if len(xs) < 2 or float(np.median(np.diff(xs))) >= MARK_SPACING / 2:
        return list(zip(mine, xs.tolist(), strict=True)), spacing
    # Columns are counted from frame 0, so that scrolling does not make marks flicker.
    column = np.floor(frames[first:last] / (MARK_SPACING * scale.frames_per_pixel)).astype(np.int64)
    rank = np.array([PRIORITY[hit.state] + hit.weight / 2 for hit in mine])
    if selected is not None and selected[0] == cue.name:
        rank[frames[first:last] == selected[1]] = 99
    order = np.lexsort((rank, column))
    best = order[np.append(np.diff(column[order]) != 0, True)]
    return [(mine[i], float(xs[i])) for i in best.tolist()], CROWDED


def _paint_crowd(canvas: Canvas, cue: CueView, rect: QRect) -> None:
    """Where hits stand too close to be told apart: the shares met (full), near (striped) and missed (checked)."""
    painter, theme, scale = canvas.painter, canvas.theme, canvas.scale
    column = 8 * scale.frames_per_pixel
    first = math.floor(scale.first_frame / column)
    count = math.ceil(scale.width / 8) + 2
    frames = cue.hit_frames
    ends = np.searchsorted(frames, [first * column, (first + count) * column])
    places = np.floor(frames[ends[0] : ends[1]] / column).astype(np.int64) - first
    states = cue.hit_states[ends[0] : ends[1]]
    counts = {
        state: np.bincount(places[states == CROWD.index(state)], minlength=count)[:count].astype(float)
        for state in CROWD
    }
    total = np.maximum(1.0, sum(counts.values()))
    bottom, height = rect.bottom() - 3.0, float(rect.height() - 7)
    below = np.zeros(count)
    painter.setPen(Qt.PenStyle.NoPen)
    for state, pattern in zip(CROWD, _CROWD_PATTERNS, strict=True):
        share = counts[state] / total
        tops = bottom - (below + share) * height
        boxes = [
            QRectF(
                (first + place) * 8 - scale.first_frame / scale.frames_per_pixel, tops[place], 7, share[place] * height
            )
            for place in np.nonzero(share)[0].tolist()
        ]
        if pattern != Qt.BrushStyle.SolidPattern:
            painter.setBrush(theme.colour(state, 0.35))
            painter.drawRects(boxes)
        painter.setBrush(QBrush(theme.state(state), pattern))
        painter.drawRects(boxes)
        below += share
    painter.setBrush(Qt.BrushStyle.NoBrush)


def paint_bars(canvas: Canvas, rect: QRect) -> None:
    """Bars and beats ruler."""
    painter, theme = canvas.painter, canvas.theme
    painter.fillRect(rect, theme.colour("panel"))
    bottom, font = rect.bottom() + 1.0, canvas.sized(11)
    for cue, left, right in canvas.cues():
        grid = cue.grid
        if grid is None or not len(grid.bpm):
            continue
        beats = canvas.xs(grid.beat_frames)
        bars = beats[grid.bar_beats]
        beat_width = float(np.median(np.diff(beats)))
        seen = (beats >= left) & (beats <= right)
        if beat_width >= 40:
            inner = (beats[:-1, None] + np.diff(beats)[:, None] * np.array([0.25, 0.5, 0.75])).ravel()
            painter.setPen(QPen(theme.colour("line_strong", 0.5), 1))
            painter.drawLines([QLineF(x, bottom - 3, x, bottom) for x in _within(inner, left, right)])
        if beat_width >= 5:
            painter.setPen(QPen(theme.colour("line_strong"), 1))
            painter.drawLines([QLineF(x, bottom - 6, x, bottom) for x in beats[seen].tolist()])
        every = _every(len(bars), float(bars[-1] - bars[0]) if len(bars) > 1 else 1.0)
        painter.setPen(QPen(theme.colour("text_dim"), 1))
        painter.drawLines([QLineF(x, rect.top() + 4, x, bottom) for x in _within(bars[::every], left, right)])
        for number in range(0, len(bars), every):
            x = float(bars[number])
            if left - 60 <= x <= right:
                box = QRectF(x + 4, rect.top(), 60, rect.height() - 6)
                canvas.text(box, MIDDLE, str(number + 1), theme.colour("text"), font)


def _every(bars: int, width: float) -> int:
    """Every how many bars a number stands."""
    for every in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512):
        if width * every / max(1, bars) >= 34:
            return every
    return 1024


def _within(values: Floats, left: float, right: float) -> list[float]:
    found: list[float] = values[(values >= left) & (values <= right)].tolist()
    return found


def paint_tempo(canvas: Canvas, rect: QRect) -> None:
    """The tempo curve: straight where the tempo is steady."""
    painter, theme = canvas.painter, canvas.theme
    _paint_ground(canvas, rect)
    font = canvas.sized(10)
    for cue, left, right in canvas.cues():
        if cue.grid is None or not len(cue.grid.bpm):
            continue
        bpm = cue.grid.bpm
        xs = canvas.xs(cue.grid.beat_frames)
        middle = float(np.median(bpm))
        low, high = middle * 0.9, middle * 1.1
        first = max(0, int(np.searchsorted(xs, left)) - 1)
        last = min(len(bpm), int(np.searchsorted(xs, right)) + 1)
        if last <= first:
            continue
        # Only where the tempo changes is there something to draw, and no more often than once a pixel.
        turns = np.nonzero(np.abs(np.diff(bpm[first:last])) > 0.005)[0] + first + 1
        if len(turns) > canvas.scale.width:
            turns = turns[:: math.ceil(len(turns) / canvas.scale.width)]
        places = np.append(first, turns)
        heights = np.clip((bpm[places] - low) / (high - low), 0, 1)
        ys = rect.bottom() - 4 - heights * (rect.height() - 8)
        ends = np.minimum(np.append(xs[places[1:]], xs[last]), right)
        begins = np.clip(xs[places], left, right)
        points: list[QPointF] = []
        for begin, end, y in zip(begins.tolist(), ends.tolist(), ys.tolist(), strict=True):
            points += (QPointF(begin, y), QPointF(end, y))
        painter.setPen(QPen(theme.colour("tempo"), 1.6))
        painter.drawPolyline(QPolygonF(points))
        changes = [0, *(np.nonzero(np.abs(np.diff(bpm[places])) > 0.05)[0] + 1).tolist()]
        free = -1e9
        for place in changes:
            x = max(float(begins[place]), 0.0)
            if x < free or x > right:
                continue
            y = float(ys[place])
            top = y - 14 if y - rect.top() > 14 else y + 2
            box = QRectF(x + 5, min(top, rect.bottom() - 12), 34, 12)
            if top > box.top():
                painter.fillRect(box.adjusted(-2, 0, 0, 0), theme.colour("lane"))
            canvas.text(box, MIDDLE, f"{bpm[places[place]]:.1f}", theme.colour("tempo"), font)
            free = x + 50


def paint_dialogue(canvas: Canvas, rect: QRect) -> None:
    """Where someone speaks."""
    painter, theme, view = canvas.painter, canvas.theme, canvas.view
    painter.fillRect(rect, theme.colour("lane"))
    edges = view.dialogue_edges
    if not len(edges):
        return
    xs = canvas.xs(edges)
    xs = xs[(xs[:, 1] > 0) & (xs[:, 0] < canvas.scale.width)]
    if not len(xs):
        return
    # What is less than a pixel apart is drawn as one.
    joins = xs[1:, 0] - xs[:-1, 1] < 1
    starts, ends = xs[np.append(True, ~joins), 0], xs[np.append(~joins, True), 1]
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("dialogue", 0.75))
    for left, right in zip(starts.tolist(), ends.tolist(), strict=True):
        box = QRectF(left, rect.top() + 3, max(1.0, right - left), rect.height() - 6)
        if box.width() > 12 and len(starts) < 60:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.drawRoundedRect(box, 3, 3)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        else:
            painter.drawRect(box)


def paint_music(canvas: Canvas, rect: QRect) -> None:
    """The music's waveform, or where there is none yet its notes."""
    painter, theme, scale = canvas.painter, canvas.theme, canvas.scale
    _paint_ground(canvas, rect)
    for cue, left, right in canvas.cues():
        wave = cue.waveform
        if wave is None or not wave.levels or not len(wave.levels[0]):
            if cue.roll is not None and cue.roll.notes:
                box = QRect(int(left), rect.top() + 3, max(1, int(right - left)), rect.height() - 6)
                frames = (scale.frame(box.left()), scale.frame(box.left() + box.width()))
                for part, strength in enumerate(note_strength(cue.roll, frames, box.size())):
                    painter.drawImage(box, tinted(strength, theme.part(cue.roll.parts[part])))
            continue
        start, end = max(0, math.floor(left)), min(math.ceil(right), math.ceil(scale.width))
        width = max(1, round((end - start) * canvas.ratio))
        height = max(2, round((rect.height() - 2) * canvas.ratio))
        peaks, bucket = wave.level(scale.frames_per_pixel / canvas.ratio)
        edges = scale.first_frame + (start + np.arange(width + 1) / canvas.ratio) * scale.frames_per_pixel
        places = (edges - wave.start_frame) / bucket
        begin = np.clip(np.floor(places[:-1]).astype(int), 0, len(peaks))
        finish = np.clip(np.maximum(np.ceil(places[1:]).astype(int), begin + 1), 0, len(peaks))
        low, high = np.zeros(width), np.zeros(width)
        sounding = begin < finish
        if sounding.any():
            # A pixel spans one to a few buckets of the level chosen; looking at each offset in turn keeps it in NumPy.
            for offset in range(int((finish - begin).max())):
                place = np.minimum(begin + offset, len(peaks) - 1)
                here = sounding & (begin + offset < finish)
                low[here] = np.minimum(low[here], peaks[place[here], 0])
                high[here] = np.maximum(high[here], peaks[place[here], 1])
        # Quiet music is still to be seen: loudness is drawn on a gentle curve.
        tall = height / 2
        tops, bottoms = tall - np.abs(high) ** 0.7 * tall, tall + np.abs(low) ** 0.7 * tall
        rows = np.arange(height)[:, None]
        cover = np.clip(np.minimum(rows + 1, bottoms[None, :] + 0.5) - np.maximum(rows, tops[None, :] - 0.5), 0, 1)
        cover[:, ~sounding] = 0
        painter.drawImage(
            QRectF(start, rect.top() + 1, width / canvas.ratio, height / canvas.ratio),
            tinted(cover, theme.colour("waveform")),
        )


def note_strength(roll: Any, frames: tuple[float, float], size: QSize) -> list[NDArray[np.float64]]:
    """One picture (height, width) in [0, 1] a part: where its notes sound between two frames."""
    width, height = max(1, size.width()), max(1, size.height())
    low, high = roll.pitch_range
    span = max(12, high - low + 1)
    per_frame = width / max(1e-9, frames[1] - frames[0])
    pictures = []
    # Notes lie in order of their starts; what began before the window and still sounds is within the longest note.
    longest = float((roll.end_frame - roll.start_frame).max()) if roll.notes else 0.0
    ends = np.searchsorted(roll.start_frame, [frames[0] - longest, frames[1]])
    seen = slice(int(ends[0]), int(ends[1]))
    part_of, pitch, velocity = roll.part[seen], roll.pitch[seen], roll.velocity[seen]
    left = np.clip(np.floor((roll.start_frame[seen] - frames[0]) * per_frame).astype(np.int64), 0, width)
    right = np.ceil((roll.end_frame[seen] - frames[0]) * per_frame - 0.3).astype(np.int64)
    right = np.clip(np.maximum(right, left + 1), 0, width)
    row_height = max(1, height // span)
    rows = ((high - pitch + 0.5) / span * height).astype(np.int64)
    strength = 0.45 + 0.55 * velocity / 127
    wide = width + 1
    for part in range(len(roll.parts)):
        chosen = (part_of == part) & (left < width) & (right > 0)
        steps = np.zeros(height * wide)
        if chosen.any():
            starts, stops, weight = left[chosen], right[chosen], strength[chosen]
            for offset in range(row_height):
                line = np.clip(rows[chosen] + offset, 0, height - 1) * wide
                steps += np.bincount(line + starts, weight, height * wide)
                steps -= np.bincount(line + stops, weight, height * wide)
        picture = np.cumsum(steps.reshape(height, wide), axis=1)[:, :width]
        pictures.append(np.clip(picture, 0, 1))
    return pictures


def paint_energy(canvas: Canvas, rect: QRect) -> None:
    """What the picture says, faint, and the curve a person drew over it."""
    painter, theme, scale = canvas.painter, canvas.theme, canvas.scale
    _paint_ground(canvas, rect)
    painter.setPen(QPen(theme.colour("line"), 1, Qt.PenStyle.DotLine))
    middle = rect.center().y()
    painter.drawLine(QPointF(0, middle), QPointF(scale.width, middle))
    drawn = False
    for cue, left, right in canvas.cues():
        energy = cue.energy
        painter.save()
        painter.setClipRect(QRectF(left, rect.top(), right - left, rect.height()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if len(energy.read):
            stride = max(1, int(len(energy.read) * scale.frames_per_pixel / max(1.0, cue.end_frame - cue.start_frame)))
            line = curve_line(energy.read_frames[::stride], energy.read[::stride], cue, canvas, rect)
            _fill_under(painter, line, rect, theme.colour("energy", 0.14))
            painter.setPen(QPen(theme.colour("energy", 0.55), 1, Qt.PenStyle.DashLine))
            painter.drawPolyline(QPolygonF(line))
        if energy.curve:
            drawn = True
            frames, values = zip(*energy.curve, strict=True)
            line = curve_line(np.array(frames, float), np.array(values, float), cue, canvas, rect)
            _fill_under(painter, line, rect, theme.colour("energy", 0.3))
            painter.setPen(QPen(theme.colour("energy"), 2))
            painter.drawPolyline(QPolygonF(line))
        painter.restore()
    if not drawn and canvas.view.cues and rect.height() >= 30:
        box = QRectF(rect).adjusted(8, 2, -8, -2)
        words = tr("Draw here how much should happen in the music")
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop
        canvas.text(box, flags, words, theme.colour("text_dim"), canvas.sized(11))


def curve_line(frames: Floats, values: Floats, cue: CueView, canvas: Canvas, rect: QRect) -> list[QPointF]:
    """The curve in pixels, level on to the cue's edges."""
    xs = canvas.xs(frames)
    ys = energy_y(values, rect)
    ends = canvas.scale.x(cue.start_frame), canvas.scale.x(cue.end_frame)
    line = [QPointF(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]
    return [QPointF(ends[0], ys[0]), *line, QPointF(ends[1], ys[-1])]


def energy_y(values: Any, rect: QRect) -> Any:
    """Where an energy of 0 to 1 stands in its lane."""
    return rect.bottom() - 3 - np.asarray(values, float) * max(1, rect.height() - 7)


def energy_at(y: float, rect: QRect) -> float:
    """The energy at a height of the lane."""
    return min(1.0, max(0.0, (rect.bottom() - 3 - y) / max(1, rect.height() - 7)))


def _fill_under(painter: QPainter, line: Sequence[QPointF], rect: QRect, colour: QColor) -> None:
    if len(line) < 2:
        return
    floor = float(rect.bottom())
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([QPointF(line[0].x(), floor), *line, QPointF(line[-1].x(), floor)]))
    painter.setBrush(Qt.BrushStyle.NoBrush)


def paint_locks(canvas: Canvas, rect: QRect) -> None:
    """What stays as it is."""
    painter, theme, scale = canvas.painter, canvas.theme, canvas.scale
    painter.fillRect(rect, theme.colour("lane"))
    stamp = pixmap("lock", theme.colour("lock"), 12, canvas.ratio)
    for lock in canvas.view.locks:
        left, right = scale.x(lock.start_frame), scale.x(lock.end_frame)
        if right <= 0 or left >= scale.width:
            continue
        left, right = max(left, -4.0), min(right, scale.width + 4)
        box = QRectF(left, rect.top() + 2, max(2.0, right - left), rect.height() - 4)
        painter.fillRect(box, theme.colour("lock", 0.22))
        painter.fillRect(box, QBrush(theme.colour("lock", 0.4), Qt.BrushStyle.FDiagPattern))
        painter.setPen(QPen(theme.colour("lock"), 1))
        painter.drawRect(box)
        seen = max(left, 0.0)
        word = tr("locked") if lock.part is None else part_name(lock.part)
        font = canvas.sized(10, bold=True)
        wide = QFontMetricsF(font).horizontalAdvance(word) + 24
        if right - seen > 20:
            badge = QRectF(seen + 3, rect.top() + 3, min(wide, right - seen - 6), rect.height() - 6)
            painter.fillRect(badge, theme.colour("lane"))
            painter.drawPixmap(QPointF(badge.left() + 2, badge.center().y() - 6), stamp)
            canvas.text(badge.adjusted(17, 0, -1, 0), MIDDLE, word, theme.colour("lock"), font)


def part_name(part: str) -> str:
    """A part of the model, in the panel's language."""
    known = {"melody": tr("melody"), "counter": tr("counter-melody"), "harmony": tr("harmony")}
    return known.get(part, part)


def _paint_ground(canvas: Canvas, rect: QRect) -> None:
    """A lane over cues only: darker outside, bar lines inside."""
    painter, theme = canvas.painter, canvas.theme
    painter.fillRect(rect, theme.colour("outside"))
    for cue, left, right in canvas.cues():
        painter.fillRect(QRectF(left, rect.top(), right - left, rect.height()), theme.colour("lane"))
        if cue.grid is None or not len(cue.grid.bar_beats):
            continue
        bars = canvas.xs(cue.grid.bar_frames)
        every = _every(len(bars), float(bars[-1] - bars[0]) if len(bars) > 1 else 1.0)
        painter.setPen(QPen(theme.colour("line"), 1))
        top, bottom = float(rect.top()), float(rect.bottom() + 1)
        painter.drawLines([QLineF(x, top, x, bottom) for x in _within(bars[::every], left, right)])


def tinted(cover: NDArray[np.floating], colour: QColor) -> QImage:
    """A picture in one colour whose opacity is `cover` (height, width) in [0, 1]."""
    height, width = cover.shape
    table = _tint_table(colour.rgba())
    pixels = table[(np.asarray(cover) * 255 + 0.5).astype(np.uint8)]
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied).copy()


@lru_cache(maxsize=64)
def _tint_table(rgba: int) -> NDArray[np.uint32]:
    """(256,): a colour at every opacity, premultiplied."""
    alpha, red, green, blue = (rgba >> shift & 255 for shift in (24, 16, 8, 0))
    strength = np.arange(256) * alpha / 255
    words = [np.rint(strength * channel / 255).astype(np.uint32) for channel in (red, green, blue)]
    whole = np.rint(strength).astype(np.uint32)
    return np.asarray(whole << 24 | words[0] << 16 | words[1] << 8 | words[2], np.uint32)


PAINTERS: dict[str, Callable[[Canvas, QRect], None]] = {
    "time": paint_time,
    "cue": paint_cue,
    "shots": paint_shots,
    "hits": paint_hits,
    "bars": paint_bars,
    "tempo": paint_tempo,
    "dialogue": paint_dialogue,
    "music": paint_music,
    "energy": paint_energy,
    "locks": paint_locks,
}
