"""The lane of hits: each as a mark at the height of its weight, a crowd of them as shares."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QImage, QPen

from ..theme import Theme
from ..view import CueView, HitView, places_between
from .canvas import MIDDLE, Canvas
from .marks import PRIORITY, SIZE
from .scale import TimeScale

MARK_SPACING = SIZE + 1.0
LABEL_SPACING = 46
"""Points a hit needs so that how far it is off can be written beside it."""
CROWD = ("met", "open", "near", "missed")
_RANKS = np.array([PRIORITY[state] for state in (*CROWD, "ignored")], float)
_COLUMN, _GAP = 8, 1
"""Points of a column of the crowd, and how many of them stay free."""
_PATTERN = 8
"""Points after which the patterns repeat."""


def paint_hits(canvas: Canvas, rect: QRect) -> None:
    """Marks at the height of their weight."""
    painter, theme = canvas.painter, canvas.theme
    painter.fillRect(rect, theme.colour("lane"))
    painter.setPen(QPen(theme.colour("line"), 1, Qt.PenStyle.DotLine))
    for weight in (0.0, 0.5, 1.0):
        y = weight_y(weight, rect)
        painter.drawLine(QPointF(0, y), QPointF(canvas.scale.width, y))
    for cue, _, _ in canvas.cues:
        seen = hits_in_sight(cue, canvas.scale)
        if crowded(cue, canvas.scale, seen):
            _paint_crowd(canvas, cue, rect)
            chosen = canvas.view.hit(*canvas.selected_hit) if canvas.selected_hit else None
            shown = [(chosen, canvas.scale.x(chosen.frame))] if chosen is not None and chosen.cue == cue.name else []
            _paint_marks(canvas, shown, rect)
            continue
        shown = shown_hits(cue, canvas.scale, canvas.selected_hit)
        _paint_marks(canvas, shown, rect)
        if len(shown) * LABEL_SPACING <= canvas.scale.width:
            labels = canvas.sized(10)
            for hit, x in shown:
                if hit.state in ("near", "missed"):
                    box = QRectF(x + 8, weight_y(hit.weight, rect) - 7, 38, 14)
                    canvas.text(box, MIDDLE, f"{hit.frames_off:+.1f}", theme.state(hit.state), labels)


def _paint_marks(canvas: Canvas, shown: list[tuple[HitView, float]], rect: QRect) -> None:
    """The worst met last, so that they are seen."""
    painter, theme, half = canvas.painter, canvas.theme, float(SIZE)
    for state in ("ignored", "open", "met", "near", "missed"):
        mine = [(hit, x, weight_y(hit.weight, rect)) for hit, x in shown if hit.state == state]
        for height in {y for _, _, y in mine}:
            pen = QPen(theme.colour(state, 0.55), 1)
            canvas.uprights([x for _, x, y in mine if y == height], height, rect.bottom() + 1.0, pen)
        plain = canvas.work.marks.stamp(state, theme, canvas.ratio)
        for hit, x, y in mine:
            chosen = (hit.cue, hit.frame) == canvas.selected_hit
            stamp = canvas.work.marks.stamp(state, theme, canvas.ratio, True) if chosen else plain
            painter.drawPixmap(QPointF(x - half, y - half), stamp)


def weight_y(weight: float, rect: QRect) -> float:
    """Where a weight stands in the lane of hits."""
    return rect.bottom() - 7 - weight * max(1, rect.height() - 15)


def hits_in_sight(cue: CueView, scale: TimeScale) -> tuple[int, int]:
    """[first, last) of its hits whose marks reach into the window."""
    reach = SIZE * scale.frames_per_pixel
    return places_between(cue.hit_frames, scale.first_frame - reach, scale.last_frame + reach)


def crowded(cue: CueView, scale: TimeScale, seen: tuple[int, int]) -> bool:
    """Whether the marks of most of them would overlap."""
    frames = cue.hit_frames[slice(*seen)]
    if len(frames) < 2:
        return False
    usual = float(np.median(np.diff(frames))) / scale.frames_per_pixel
    return usual < MARK_SPACING / 2 or scale.width / len(frames) < MARK_SPACING


def shown_hits(cue: CueView, scale: TimeScale, selected: tuple[str, int] | None) -> list[tuple[HitView, float]]:
    """Hits to draw, with their x. Of those that would overlap in a crowd only the worst met."""
    seen = hits_in_sight(cue, scale)
    frames, mine = cue.hit_frames[slice(*seen)], cue.hits[slice(*seen)]
    xs = ((frames - scale.first_frame) / scale.frames_per_pixel).tolist()
    if not crowded(cue, scale, seen):
        return list(zip(mine, xs, strict=True))
    # Columns are counted from frame 0, so that scrolling does not make marks flicker.
    column = np.floor(frames / (MARK_SPACING * scale.frames_per_pixel)).astype(np.int64)
    rank = _RANKS[cue.hit_states[slice(*seen)]] + cue.hit_weights[slice(*seen)] / 2
    if selected is not None and selected[0] == cue.name:
        rank = np.where(frames == selected[1], 99, rank)
    order = np.lexsort((rank, column))
    best = order[np.append(np.diff(column[order]) != 0, True)]
    return [(mine[i], xs[i]) for i in best.tolist()]


def _paint_crowd(canvas: Canvas, cue: CueView, rect: QRect) -> None:
    """Where hits stand too close to be told apart: the shares met (full), near (striped) and missed (checked)."""
    scale, ratio = canvas.scale, canvas.ratio
    column = _COLUMN * scale.frames_per_pixel
    first = math.floor(scale.first_frame / column)
    count = math.ceil(scale.width / _COLUMN) + 2
    frames = cue.hit_frames
    ends = places_between(frames, first * column, (first + count) * column)
    places = np.floor(frames[ends[0] : ends[1]] / column).astype(np.int64) - first
    states = cue.hit_states[ends[0] : ends[1]]
    counted = states < len(CROWD)
    counts = np.bincount(places[counted] * len(CROWD) + states[counted], minlength=count * len(CROWD))
    counts = counts[: count * len(CROWD)].reshape(count, len(CROWD))
    tall = max(1, round((rect.height() - 7) * ratio))
    edges = np.rint(np.cumsum(counts, axis=1) / np.maximum(1, counts.sum(1, keepdims=True)) * tall)
    edges[counts.sum(1) == 0] = 0
    # Which state stands at each height of a column, counted from below; nothing above the last.
    heights = np.arange(tall)[::-1, None]
    state_at = np.zeros((tall, count), np.intp)
    for state in range(len(CROWD)):
        state_at += heights >= edges[None, :, state]
    wide = max(1, round(_COLUMN * ratio))
    table = _crowd_table(canvas.theme, wide)
    rows = heights % table.shape[1]
    # Whole rows of a pattern at once, which copies rather than gathers.
    pixels = table.reshape(-1, wide).take(state_at * table.shape[1] + rows, axis=0).reshape(tall, count * wide)
    image = QImage(pixels.data, count * wide, tall, 4 * count * wide, QImage.Format.Format_ARGB32_Premultiplied)
    left = first * _COLUMN - scale.first_frame / scale.frames_per_pixel
    bottom = rect.bottom() - 3.0
    canvas.painter.drawImage(QRectF(round(left), bottom - (rect.height() - 7), count * _COLUMN, tall / ratio), image)


@lru_cache(maxsize=8)
def _crowd_table(theme: Theme, wide: int) -> NDArray[np.uint32]:
    """(states + 1, rows, wide): the pattern of each state in a column, premultiplied; the last is empty."""
    scale = wide / _COLUMN
    size = max(1, round(_PATTERN * scale))
    y, x = np.mgrid[0:size, 0:wide] / scale
    y, x = np.floor(y), np.floor(x)
    patterns = {
        "met": np.ones((size, wide), bool),
        "open": (x % 4 == 1) & (y % 2 == 0),
        "near": (x + y) % _PATTERN < 2,
        "missed": ((x + y) % _PATTERN == 0) | ((x - y) % _PATTERN == 0),
    }
    table = np.zeros((len(CROWD) + 1, size, wide), np.uint32)
    for place, state in enumerate(CROWD):
        strong, faint = theme.state(state).rgba(), theme.colour(state, 0.35)
        alpha = faint.alpha()
        channels = [round(channel * alpha / 255) for channel in (faint.red(), faint.green(), faint.blue())]
        behind = alpha << 24 | channels[0] << 16 | channels[1] << 8 | channels[2]
        table[place] = np.where(patterns[state], np.uint32(strong), np.uint32(behind))
    table[:, :, wide - max(1, round(_GAP * scale)) :] = 0
    return table
