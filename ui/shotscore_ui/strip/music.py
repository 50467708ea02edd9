"""The lane of the music: its waveform, or where there is none yet its notes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, QSize

from ..view import WaveformView
from .canvas import Canvas, tinted

_LOW = 120
"""Pixels below which 255 times a height is a short number: half as much to work through."""


def paint_music(canvas: Canvas, rect: QRect) -> None:
    """The music's waveform, or where there is none yet its notes."""
    painter, theme, scale = canvas.painter, canvas.theme, canvas.scale
    canvas.ground(rect)
    for cue, left, right in canvas.cues:
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
        edges = scale.first_frame + (start + np.arange(width + 1) / canvas.ratio) * scale.frames_per_pixel
        cover = _wave_cover(*peaks_between(wave, edges), height)
        cover[:, (edges[1:] <= wave.start_frame) | (edges[:-1] >= wave.end_frame)] = 0
        place = QRectF(start, rect.top() + 1, width / canvas.ratio, height / canvas.ratio)
        painter.drawImage(place, tinted(cover, theme.colour("waveform")))


def peaks_between(wave: WaveformView, edges: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(lowest, highest), each (n,): of the sound between neighbours of the n + 1 frames `edges`; 0 where there is none.

    A stretch spans one to a few buckets of the level chosen; looking at each offset in turn keeps it in NumPy.
    """
    peaks, bucket = wave.level(float(edges[1] - edges[0]))
    places = (edges - wave.start_frame) / bucket
    begin = np.floor(places[:-1]).astype(np.int64)
    finish = np.maximum(np.ceil(places[1:]).astype(np.int64), begin + 1)
    low = np.zeros(len(begin), np.float32)
    high = np.zeros(len(begin), np.float32)
    for offset in range(int((finish - begin).max())):
        place = begin + offset
        silent = (place < 0) | (place >= np.minimum(finish, len(peaks)))
        found = peaks[np.clip(place, 0, len(peaks) - 1)]
        found[silent] = 0
        np.minimum(low, found[:, 0], out=low)
        np.maximum(high, found[:, 1], out=high)
    return low, high


def _wave_cover(low: NDArray[np.float32], high: NDArray[np.float32], height: int) -> NDArray[np.uint8]:
    """(height, width): how much of each pixel the wave covers, to 255. Quiet music is still to be seen: loudness is
    drawn on a gentle curve."""
    tall = height / 2
    whole = np.dtype(np.int16 if height < _LOW else np.int32)
    tops = ((tall - 0.5 - np.abs(high) ** 0.7 * tall) * 255).astype(whole)
    bottoms = ((tall + 0.5 + np.abs(low) ** 0.7 * tall) * 255).astype(whole)
    rows = (np.arange(height) * 255).astype(whole)[:, None]
    cover: NDArray[np.integer] = np.minimum(rows + 255, bottoms[None])
    cover -= np.maximum(rows, tops[None])
    np.clip(cover, 0, 255, out=cover)
    return cover.astype(np.uint8)


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
