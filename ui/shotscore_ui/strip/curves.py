"""Lanes of what rises and falls: the tempo, and the energy one can draw on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from ..language import tr
from ..view import CueView, Floats
from .canvas import MIDDLE, TOP_RIGHT, Canvas

_ROOMY = 40
"""Points of a lane in which a sentence does not stand on the curve."""


def paint_tempo(canvas: Canvas, rect: QRect) -> None:
    """The tempo curve: straight where the tempo is steady."""
    painter, theme, scale = canvas.painter, canvas.theme, canvas.scale
    canvas.ground(rect)
    font = canvas.sized(10)
    for cue, left, right in canvas.cues:
        if cue.grid is None or not len(cue.grid.bpm):
            continue
        bpm, beats = cue.grid.bpm, cue.grid.beat_frames
        middle = cue.grid.usual_bpm
        low, high = middle * 0.9, middle * 1.1
        first = max(0, int(np.searchsorted(beats, scale.frame(left))) - 1)
        last = min(len(bpm), int(np.searchsorted(beats, scale.frame(right))) + 1)
        if last <= first:
            continue
        # Only where the tempo changes is there something to draw, and no more often than once a pixel.
        turns = np.nonzero(np.abs(np.diff(bpm[first:last])) > 0.005)[0] + first + 1
        if len(turns) > scale.width:
            turns = turns[:: math.ceil(len(turns) / scale.width)]
        places = np.append(first, turns)
        heights = np.clip((bpm[places] - low) / (high - low), 0, 1)
        ys = rect.bottom() - 4 - heights * (rect.height() - 8)
        xs = canvas.xs(beats[np.append(places, last)])
        ends = np.minimum(xs[1:], right)
        begins = np.clip(xs[:-1], left, right)
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


def paint_energy(canvas: Canvas, rect: QRect) -> None:
    """What the picture says, faint, and the curve a person drew over it."""
    painter, theme, scale = canvas.painter, canvas.theme, canvas.scale
    canvas.ground(rect)
    painter.setPen(QPen(theme.colour("line"), 1, Qt.PenStyle.DotLine))
    middle = rect.center().y()
    painter.drawLine(QPointF(0, middle), QPointF(scale.width, middle))
    drawn = False
    for cue, left, right in canvas.cues:
        energy = cue.energy
        painter.save()
        painter.setClipRect(QRectF(left, rect.top(), right - left, rect.height()), Qt.ClipOperation.IntersectClip)
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
    if not drawn and canvas.view.cues and rect.height() >= _ROOMY:
        box = QRectF(rect).adjusted(8, 2, -8, -2)
        words = tr("Draw here how much should happen in the music")
        canvas.text(box, TOP_RIGHT, words, theme.colour("text_dim"), canvas.sized(11))


def curve_line(frames: Floats, values: Floats, cue: CueView, canvas: Canvas, rect: QRect) -> list[QPointF]:
    """The curve in pixels, level on to the cue's edges; of what lies outside the window only its neighbours."""
    scale = canvas.scale
    first = max(0, int(np.searchsorted(frames, scale.first_frame)) - 1)
    last = int(np.searchsorted(frames, scale.last_frame)) + 1
    xs, ys = canvas.xs(frames[first:last]), energy_y(values[first:last], rect)
    line = [QPointF(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]
    if first == 0:
        line.insert(0, QPointF(scale.x(cue.start_frame), line[0].y()))
    if last >= len(frames):
        line.append(QPointF(scale.x(cue.end_frame), line[-1].y()))
    return line


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
