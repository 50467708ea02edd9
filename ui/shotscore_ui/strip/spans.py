"""Lanes of what lasts from one frame to another: cues, speech, locks."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QPainter, QPainterPath, QPen

from ..language import tr
from .canvas import MIDDLE, Canvas, tinted

_FEW = 60
"""So many stretches of speech are drawn with round corners."""


def paint_cue(canvas: Canvas, rect: QRect) -> None:
    """The cues as bars, with their names, tempo and meter."""
    painter, theme = canvas.painter, canvas.theme
    painter.fillRect(rect, theme.colour("lane"))
    for cue, left, right in canvas.cues:
        bar = QRectF(left + 0.5, rect.top() + 2, right - left - 1, rect.height() - 4)
        path = QPainterPath()
        path.addRoundedRect(bar, 4, 4)
        painter.fillPath(path, theme.colour("accent", 0.24))
        painter.setPen(QPen(theme.colour("accent", 0.8), 1))
        painter.drawPath(path)
        words = [cue.name]
        if cue.grid is not None and len(cue.grid.bpm):
            words += [f"{cue.grid.usual_bpm:.1f} BPM", f"{cue.grid.meter[0]}/{cue.grid.meter[1]}"]
        elif cue.roll is None:
            words.append(tr("not scored yet"))
        box = bar.adjusted(7 + max(0.0, -left), 0, -4, 0)
        if box.width() > 24:
            canvas.text(box, MIDDLE, "   ".join(words), theme.colour("text"), canvas.sized(11, bold=True))


def paint_dialogue(canvas: Canvas, rect: QRect) -> None:
    """Where someone speaks."""
    painter, theme, view = canvas.painter, canvas.theme, canvas.view
    painter.fillRect(rect, theme.colour("lane"))
    if not len(view.dialogue_edges):
        return
    xs = canvas.xs(view.dialogue_edges)
    xs = xs[(xs[:, 1] > 0) & (xs[:, 0] < canvas.scale.width)]
    if not len(xs):
        return  # nobody speaks in sight
    # What is less than a pixel apart is drawn as one.
    joins = xs[1:, 0] - xs[:-1, 1] < 1
    begins, ends = xs[np.append(True, ~joins), 0], xs[np.append(~joins, True), 1]
    if len(begins) >= _FEW:
        width = math.ceil(canvas.scale.width)
        first = np.clip(begins, 0, width).astype(int)
        last = np.clip(np.maximum(np.round(ends).astype(int), first + 1), 0, width)
        steps = np.bincount(first, minlength=width + 1) - np.bincount(last, minlength=width + 1)
        cover = np.minimum(np.cumsum(steps)[None, :width], 1).astype(float)
        box = QRect(0, rect.top() + 3, width, rect.height() - 6)
        painter.drawImage(box, tinted(cover, theme.colour("dialogue", 0.75), box.height()))
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("dialogue", 0.75))
    for left, right in zip(begins.tolist(), ends.tolist(), strict=True):
        wide = max(1.0, right - left)
        corner = 3.0 if wide > 12 else 0.0
        painter.drawRoundedRect(QRectF(left, rect.top() + 3, wide, rect.height() - 6), corner, corner)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def paint_locks(canvas: Canvas, rect: QRect) -> None:
    """What stays as it is."""
    painter, theme, scale = canvas.painter, canvas.theme, canvas.scale
    painter.fillRect(rect, theme.colour("lane"))
    font = canvas.sized(10, bold=True)
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
        if right - seen > 20:
            word = tr("locked") if lock.part is None else part_name(lock.part)
            wide = font.written(word, math.inf)[1] + 24
            badge = QRectF(seen + 3, rect.top() + 3, min(wide, right - seen - 6), rect.height() - 6)
            painter.fillRect(badge, theme.colour("lane"))
            stamp = canvas.work.stamp("lock", theme.colour("lock"), 12, canvas.ratio)
            painter.drawPixmap(QPointF(badge.left() + 2, badge.center().y() - 6), stamp)
            canvas.text(badge.adjusted(17, 0, -1, 0), MIDDLE, word, theme.colour("lock"), font)


def part_name(part: str) -> str:
    """A part of the model, in the panel's language."""
    known = {"melody": tr("melody"), "counter": tr("counter-melody"), "harmony": tr("harmony")}
    return known.get(part, part)
