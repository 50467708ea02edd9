"""The lane of shots: thumbnails above names, and how closely cuts follow where single shots cannot be seen."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QLineF, QRect, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPen, QPixmap

from ..language import tr
from ..view import Floats, ShotView
from .canvas import CENTRE, MIDDLE, Canvas, tinted

NARROWEST_NAME, NARROWEST_THUMB = 34.0, 14.0
NAME_HEIGHT = 16
_SLACK = 1.2
"""A shot so many pictures wide still shows one; a wider one shows as many as there is room for."""
_DENSE = 6
"""Points a shot below which no shot is drawn by itself."""


def paint_shots(canvas: Canvas, rect: QRect) -> None:
    """Thumbnails above names."""
    theme, view, scale = canvas.theme, canvas.view, canvas.scale
    canvas.painter.fillRect(rect, theme.colour("outside"))
    if not view.shots:
        return
    names = rect.height() >= 44
    picture = rect.adjusted(0, 1, 0, -(NAME_HEIGHT if names else 1))
    first, last = view.shots_between(scale.first_frame, scale.last_frame)
    shots = view.shots[first:last]
    edges = canvas.xs(np.append(view.shot_starts[first:last], shots[-1].end_frame))
    if len(shots) > scale.width / _DENSE:
        _paint_dense_shots(canvas, rect, picture, edges)
        return
    places = edges.tolist()
    _paint_grounds(canvas, rect, shots, places)
    font, colour = canvas.sized(11), theme.colour("text")
    for shot, left, right in zip(shots, places, places[1:], strict=False):
        if right - left >= NARROWEST_THUMB or shot.offline or shot.media is None:
            _paint_shot(canvas, shot, QRectF(left, picture.top(), right - left, picture.height()))
        if names and right - left >= NARROWEST_NAME and right - (seen := max(left, 0.0)) > 24:
            box = QRectF(seen + 5, picture.bottom() + 1, right - seen - 8, NAME_HEIGHT)
            canvas.text(box, MIDDLE, f"{shot.index}  {shot.name}", colour, font)
    for detected, pen in (
        (False, QPen(theme.colour("window"), 2.0)),
        (True, QPen(theme.colour("text_dim"), 1.0, Qt.PenStyle.DashLine)),
    ):
        cuts = [x for shot, x in zip(shots, places, strict=False) if shot.detected == detected and x > 0]
        canvas.uprights(cuts, float(rect.top()), float(rect.bottom() + 1), pen)


def _paint_grounds(canvas: Canvas, rect: QRect, shots: tuple[ShotView, ...], edges: list[float]) -> None:
    """Every second shot a little lighter."""
    top, height = float(rect.top()), float(rect.height())
    boxes: tuple[list[QRectF], list[QRectF]] = ([], [])
    for shot, left, right in zip(shots, edges, edges[1:], strict=False):
        boxes[shot.index % 2].append(QRectF(left, top, right - left, height))
    canvas.boxes(boxes[0], canvas.theme.colour("shot_other"))
    canvas.boxes(boxes[1], canvas.theme.colour("shot"))


def _paint_shot(canvas: Canvas, shot: ShotView, box: QRectF) -> None:
    if shot.offline or shot.media is None:
        _paint_no_picture(canvas, shot, box)
        return
    slot = box.height() * 16 / 9
    tiles = max(1, int(box.width() // slot))
    if box.width() <= slot * _SLACK:
        _paint_picture(canvas, canvas.picture(shot, shot.start_frame, slot, head=True), box)
        return
    for tile in range(max(0, int(-box.left() // slot)), tiles + 1):
        left = box.left() + tile * slot
        if left > canvas.scale.width or left >= box.right():
            break
        frame = shot.start_frame + (tile + 0.5) * slot * canvas.scale.frames_per_pixel
        place = QRectF(left, box.top(), min(slot, box.right() - left), box.height())
        _paint_picture(canvas, canvas.picture(shot, frame, slot, head=False), place)


def _paint_picture(canvas: Canvas, drawn: QPixmap | None, box: QRectF) -> None:
    """The middle of a picture where it is not as wide as its box."""
    if drawn is not None:
        wide = drawn.width() / canvas.ratio
        if wide <= box.width() - 1:  # a little larger, so that it fills its shot
            share = wide / box.width()
            source = QRectF(0, drawn.height() * (1 - share) / 2, drawn.width(), drawn.height() * share)
            canvas.painter.drawPixmap(box, drawn, source)
            return
        if wide <= box.width():
            canvas.painter.drawPixmap(box.topLeft(), drawn)
            return
        shown = box.width()
        offset = wide - shown
        source = QRectF(offset / 2 * canvas.ratio, 0, shown * canvas.ratio, drawn.height())
        canvas.painter.drawPixmap(QRectF(box.left(), box.top(), shown, box.height()), drawn, source)


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
        canvas.text(label, CENTRE, tr("offline"), theme.colour("text"), canvas.sized(10))


def _paint_dense_shots(canvas: Canvas, rect: QRect, picture: QRect, edges: Floats) -> None:
    """A picture wherever one fits, and below how closely cuts follow each other."""
    painter, theme, view, scale = canvas.painter, canvas.theme, canvas.view, canvas.scale
    painter.fillRect(picture, theme.colour("shot_other"))
    slot = picture.height() * 16 / 9
    # Slots are counted from frame 0: while one scrolls, pictures move with the film and few new ones come into sight.
    begin = -scale.x(0) / slot
    offset = (math.floor(begin) - begin) * slot
    count = math.ceil((scale.width - offset) / slot)
    end = scale.x(view.duration_frames)
    for place in range(count):
        left = offset + place * slot
        if left >= end:
            break
        shot = view.shot_at(scale.frame(left + slot / 2))
        if shot is None:
            continue
        box = QRectF(left, picture.top(), min(slot, end - left), picture.height())
        if shot.offline or shot.media is None:
            _paint_no_picture(canvas, shot, box)
        else:
            _paint_picture(canvas, canvas.picture(shot, shot.start_frame, slot, head=True), box)
    lines = [offset + i * slot for i in range(count) if 0 < offset + i * slot < end]
    painter.setPen(QPen(theme.colour("window", 0.8), 1))
    painter.drawLines([QLineF(x, picture.top(), x, picture.bottom()) for x in lines])
    columns = edges[:-1]
    columns = columns[(columns >= 0) & (columns < scale.width)]
    width = max(1, int(scale.width))
    density = np.bincount(columns.astype(int), minlength=width).astype(float)[:width]
    place = width * 98 // 100
    strength = density / max(1.0, float(np.partition(density, place)[place]))
    below = QRect(0, picture.bottom() + 2, width, rect.bottom() - picture.bottom() - 2)
    if below.height() > 1:
        painter.fillRect(below, theme.colour("shot_other"))
        painter.drawImage(
            below, tinted(np.clip(0.85 * strength, 0, 0.85)[None, :], theme.colour("text_dim"), below.height())
        )
