"""The two rulers: timecode, and bars and beats."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QPen
from shotscore_engine.timing import quantise

from ..view import TimelineView
from .canvas import MIDDLE, Canvas

LABEL_GAP = 22.0
_MOST_TICKS = 4000


def paint_time(canvas: Canvas, rect: QRect) -> None:
    """Timecode ruler."""
    theme, view, scale = canvas.theme, canvas.view, canvas.scale
    canvas.painter.fillRect(rect, theme.colour("panel"))
    font = canvas.sized(11)
    room = font.written("00:00:00:00", math.inf)[1] + LABEL_GAP
    step, per_label = time_step(scale.frames_per_pixel * room, view.rate)
    ticks = ticks_between(scale.first_frame, scale.last_frame, step, view)
    minor = ticks_between(scale.first_frame, scale.last_frame, Fraction(step, per_label), view)
    bottom = float(rect.bottom() + 1)
    canvas.uprights(canvas.xs(minor).tolist(), bottom - 4, bottom, QPen(theme.colour("line_strong", 0.7), 1))
    places = canvas.xs(ticks).tolist()
    canvas.uprights(places, rect.top() + 4.0, bottom, QPen(theme.colour("line_strong"), 1))
    colour = theme.colour("text_dim")
    for frame, x in zip(ticks, places, strict=True):
        canvas.text(QRectF(x + 4, rect.top(), room, rect.height() - 2), MIDDLE, canvas.timecode(frame), colour, font)


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
    nominal, number = quantise(view.rate), Fraction(step)
    if number <= 0:
        return []
    dropped = nominal // 15 if view.drop_frame and number >= nominal else 0
    faster = 1001 / 1000 if dropped else 1
    begin = max(0, math.floor((view.start_frame + max(0.0, first)) * faster / float(number)) - 2)
    end = math.ceil((view.start_frame + min(last, view.duration_frames)) * faster / float(number)) + 3
    # The numbers counted in whole frames, halves up, as `quantise` rounds them.
    parts = np.arange(begin, min(end, begin + _MOST_TICKS), dtype=np.int64) * number.numerator
    frames = (2 * parts + number.denominator) // (2 * number.denominator)
    if dropped:
        minutes = frames // (60 * nominal)
        on_minute = parts % (60 * nominal * number.denominator) == 0
        frames = frames - dropped * (minutes - minutes // 10) + dropped * (on_minute & (minutes % 10 > 0))
    at = frames - view.start_frame
    seen = (at >= max(0.0, first - float(number))) & (at <= min(last, view.duration_frames))
    found: list[int] = at[seen].tolist()
    return found


def paint_bars(canvas: Canvas, rect: QRect) -> None:
    """Bars and beats ruler."""
    theme, scale = canvas.theme, canvas.scale
    canvas.painter.fillRect(rect, theme.colour("panel"))
    bottom, font = rect.bottom() + 1.0, canvas.sized(11)
    for (cue, left, right), (first, bars, every) in zip(canvas.cues, canvas.bar_lines, strict=True):
        grid = cue.grid
        if grid is None or not len(grid.bpm):
            continue
        beat_width = grid.usual_beat_frames / scale.frames_per_pixel
        if beat_width >= 5:
            ends = np.searchsorted(grid.beat_frames, [scale.frame(left), scale.frame(right)])
            begin, end = max(0, int(ends[0]) - 1), int(ends[1]) + 1
            beats = canvas.xs(grid.beat_frames[begin:end])
            if beat_width >= 40:
                inner = (beats[:-1, None] + np.diff(beats)[:, None] * np.array([0.25, 0.5, 0.75])).ravel()
                inner = inner[(inner >= left) & (inner <= right)]
                canvas.uprights(inner.tolist(), bottom - 3, bottom, QPen(theme.colour("line_strong", 0.5), 1))
            seen = beats[(beats >= left) & (beats <= right)]
            canvas.uprights(seen.tolist(), bottom - 6, bottom, QPen(theme.colour("line_strong"), 1))
        lines = [x for x in bars if x >= left]
        canvas.uprights(lines, rect.top() + 4.0, bottom, QPen(theme.colour("text_dim"), 1))
        colour = theme.colour("text")
        for place, x in enumerate(bars):
            if x >= left - 60:
                box = QRectF(x + 4, rect.top(), 60, rect.height() - 6)
                canvas.text(box, MIDDLE, str(first + place * every + 1), colour, font)
