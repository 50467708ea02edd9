"""What every lane draws with: the painter, the view, and what is kept from one painting to the next.

Fonts are measured once, words laid out once, thumbnails scaled once. A lane asks the canvas, and pays only for what it
has not drawn before.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen, QPixmap, QStaticText
from shotscore_engine.timing import format_timecode, quantise

from ..icons import pixmap
from ..theme import Theme
from ..thumbnails import Moment, ThumbnailStore, moment_of
from ..view import CueView, Floats, ShotView, TimelineView
from .marks import Marks
from .scale import TimeScale

MIDDLE, CENTRE, TOP_RIGHT = (0.0, 0.5), (0.5, 0.5), (1.0, 0.0)
"""Where words stand in the room they have: shares of what is left over beside and above them."""
_MOST_SCALED = 600
_MOST_PICTURES = 2_000
_MOST_SCALINGS = 8
"""Thumbnails scaled in one painting; where more are new, the next painting has them, and none takes long."""
_MOST_WRITTEN = 2_000
_BAR_SPACING = 34
"""Points between the bar lines that are drawn."""


class Face:
    """A font at a size, its measures, and the words that were laid out in it."""

    def __init__(self, font: QFont, pixels: int, bold: bool) -> None:
        self.font = QFont(font)
        self.font.setPixelSize(pixels)
        self.font.setBold(bold)
        self.metrics = QFontMetricsF(self.font)
        self.height = self.metrics.height()
        self._known: dict[tuple[str, int], tuple[QStaticText, float]] = {}

    def written(self, text: str, room: float) -> tuple[QStaticText, float]:
        """(`text` laid out, its width), shortened at its end where it is wider than `room`."""
        found = self._known.get((text, -1)) or self._write((text, -1), text)
        if found[1] <= room + 0.5:
            return found
        key = (text, max(0, int(room)))
        short = self._known.get(key)
        return short or self._write(key, self.metrics.elidedText(text, Qt.TextElideMode.ElideRight, room))

    def _write(self, key: tuple[str, int], text: str) -> tuple[QStaticText, float]:
        if len(self._known) >= _MOST_WRITTEN:
            self._known.clear()
        static = QStaticText(text)
        static.setTextFormat(Qt.TextFormat.PlainText)
        static.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
        static.prepare(font=self.font)
        made = self._known[key] = (static, self.metrics.horizontalAdvance(text))
        return made


@dataclass
class Brushwork:
    """What painting keeps from one time to the next."""

    marks: Marks = field(default_factory=Marks)
    faces: dict[tuple[str, int, bool], Face] = field(default_factory=dict)
    pictures: dict[tuple[int, int, int, int, float], QPixmap] = field(default_factory=dict)
    """Thumbnails where they stand: by shot, frame (-1: the head), zoom, height and density."""
    shots: object = None
    """Whose thumbnails they are."""
    scaled: OrderedDict[tuple[int, int, float], QPixmap] = field(default_factory=OrderedDict)
    """Thumbnails at the size they are drawn at, by picture, height and density."""
    stamps: dict[tuple[str, int, int, float], QPixmap] = field(default_factory=dict)
    """Icons by name, colour, size and density."""
    scalings: int = 0
    """How many thumbnails this painting may still scale."""
    left_over: bool = False
    """Whether there were more: paint again for them."""

    def begin(self) -> None:
        """A painting begins."""
        self.scalings, self.left_over = _MOST_SCALINGS, False

    def thumbnail(self, image: QImage, height: int, ratio: float) -> QPixmap:
        """`image` scaled to `height` points, and kept."""
        size = QSize(4096, max(1, round(height * ratio)))
        small = image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation)
        made = QPixmap.fromImage(small)
        made.setDevicePixelRatio(ratio)
        self.scaled[image.cacheKey(), height, ratio] = made
        while len(self.scaled) > _MOST_SCALED:
            self.scaled.popitem(last=False)
        return made

    def known(self, image: QImage, height: int, ratio: float) -> QPixmap | None:
        """`image` at that size, where it was scaled before."""
        key = (image.cacheKey(), height, ratio)
        found = self.scaled.get(key)
        if found is not None:
            self.scaled.move_to_end(key)
        return found

    def face(self, font: QFont, pixels: int, bold: bool = False) -> Face:
        """The font at a size."""
        key = (font.family(), pixels, bold)
        found = self.faces.get(key)
        if found is None:
            found = self.faces[key] = Face(font, pixels, bold)
        return found

    def stamp(self, name: str, colour: QColor, size: int, ratio: float) -> QPixmap:
        """An icon, drawn once."""
        key = (name, colour.rgba(), size, ratio)
        if key not in self.stamps:
            self.stamps[key] = pixmap(name, colour, size, ratio)
        return self.stamps[key]


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

    def sized(self, pixels: int, *, bold: bool = False) -> Face:
        """The panel's font at a size in points."""
        return self.work.face(self.font, pixels, bold)

    def text(self, rect: QRectF, place: tuple[float, float], text: str, colour: QColor, face: Face) -> None:
        """`text` in `rect`, shortened at its end where it does not fit. On whole points, or it would shimmer."""
        room = rect.width()
        static, width = face.written(text, room)
        x, y = rect.left() + (room - width) * place[0], rect.top() + (rect.height() - face.height) * place[1]
        self.painter.setFont(face.font)
        self.painter.setPen(colour)
        self.painter.drawStaticText(QPointF(round(x), round(y)), static)

    def picture(self, shot: ShotView, frame: float, slot: float, *, head: bool) -> QPixmap | None:
        """The thumbnail for `slot` points from `frame`, as high as 16:9 makes it; None while there is none."""
        view, work, wide = self.view, self.work, slot * self.scale.frames_per_pixel
        if work.shots is not view.shots or len(work.pictures) > _MOST_PICTURES:
            work.shots = view.shots
            work.pictures.clear()
        height = round(slot * 9 / 16)
        zoom = 0 if head else math.frexp(wide)[1]
        key = (shot.index, -1 if head else int(frame), zoom, height, self.ratio)
        found = work.pictures.get(key)
        if found is None and self.store is not None:
            image = self.store.image(thumbnail_moment(shot, frame, wide, view.rate, head=head))
            if image is not None and (known := work.known(image, height, self.ratio)) is not None:
                found = work.pictures[key] = known
            elif image is not None and work.scalings > 0:
                work.scalings -= 1
                found = work.pictures[key] = work.thumbnail(image, height, self.ratio)
            elif image is not None:
                work.left_over = True
        return found

    def uprights(self, xs: list[float], top: float, bottom: float, pen: QPen) -> None:
        """Upright lines."""
        if xs:
            self.painter.setPen(pen)
            self.painter.drawLines([QLineF(x, top, x, bottom) for x in xs])

    def boxes(self, boxes: list[QRectF], colour: QColor) -> None:
        """Full boxes of one colour."""
        if boxes:
            self.painter.setPen(Qt.PenStyle.NoPen)
            self.painter.setBrush(colour)
            self.painter.drawRects(boxes)
            self.painter.setBrush(Qt.BrushStyle.NoBrush)

    def timecode(self, frame: int) -> str:
        """The record timecode of a frame of the timeline."""
        rate = self.view.rate
        return _timecode(self.view.start_frame + frame, rate.numerator, rate.denominator, self.view.drop_frame)

    @cached_property
    def cues(self) -> list[tuple[CueView, float, float]]:
        """The cues in sight with their edges in pixels, cut off just outside the window."""
        found = []
        for cue in self.view.cues:
            left, right = self.scale.x(cue.start_frame), self.scale.x(cue.end_frame)
            if right > 0 and left < self.scale.width:
                found.append((cue, max(left, -8.0), min(right, self.scale.width + 8.0)))
        return found

    @cached_property
    def bar_lines(self) -> list[tuple[int, list[float], int]]:
        """For each of `cues`: (number of the first bar line in sight, where they stand, every how many bars)."""
        found: list[tuple[int, list[float], int]] = []
        for cue, left, right in self.cues:
            if cue.grid is None or not len(cue.grid.bar_beats):
                found.append((0, [], 1))
                continue
            frames = cue.grid.bar_frames
            every = bars_between(len(frames), float(frames[-1] - frames[0]) / self.scale.frames_per_pixel)
            # One before the window: its number may still reach into it.
            first = int(np.searchsorted(frames, self.scale.frame(left - 2 * _BAR_SPACING)))
            first += -first % every
            last = int(np.searchsorted(frames, self.scale.frame(right), side="right"))
            found.append((first, self.xs(frames[first:last:every]).tolist(), every))
        return found

    def ground(self, rect: QRect) -> None:
        """A lane over cues only: darker outside, bar lines inside."""
        painter, theme = self.painter, self.theme
        painter.fillRect(rect, theme.colour("outside"))
        top, bottom = float(rect.top()), float(rect.bottom() + 1)
        pen = QPen(theme.colour("line"), 1)
        for (_, left, right), (_, xs, _) in zip(self.cues, self.bar_lines, strict=True):
            painter.fillRect(QRectF(left, rect.top(), right - left, rect.height()), theme.colour("lane"))
            self.uprights([x for x in xs if x >= left], top, bottom, pen)


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


def bars_between(bars: int, width: float) -> int:
    """Every how many of `bars` on `width` points a line stands."""
    for every in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512):
        if max(width, 1.0) * every / max(1, bars) >= _BAR_SPACING:
            return every
    return 1024


def tinted(cover: NDArray[np.floating] | NDArray[np.uint8], colour: QColor, rows: int = 1) -> QImage:
    """A picture in one colour whose opacity is `cover` (height, width) in [0, 1], or in whole numbers to 255.

    Each of its rows is repeated `rows` times: stretching a single one would take the painter far longer.
    """
    shades = cover if cover.dtype == np.uint8 else np.asarray(cover) * 255 + 0.5
    pixels = np.take(_shades_of(colour.rgba()), shades.astype(np.uint8, copy=False))
    if rows > 1:
        pixels = np.repeat(pixels, rows, axis=0)
    height, width = pixels.shape
    # Premultiplied, as the painter wants it: a table of colours would be looked up anew for every pixel drawn.
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied).copy()


@lru_cache(maxsize=64)
def _shades_of(rgba: int) -> NDArray[np.uint32]:
    """(256,): a colour at each opacity, premultiplied."""
    alpha = np.rint((rgba >> 24) * np.arange(256) / 255)
    channels = [alpha, *(np.rint((rgba >> place & 0xFF) * alpha / 255) for place in (16, 8, 0))]
    return np.array(channels).T.astype(np.uint8)[:, ::-1].copy().view("<u4").ravel().astype(np.uint32)


@lru_cache(maxsize=4096)
def _timecode(frame: int, numerator: int, denominator: int, drop_frame: bool) -> str:
    return format_timecode(frame, Fraction(numerator, denominator), drop_frame)
