"""The demo's film: "A day by the sea", twelve shots drawn with code, and the edit that uses them.

Nothing is downloaded and nobody's rights are touched. Every scene is a plain function of time that returns one
frame, `(HEIGHT, WIDTH, 3) uint8` RGB; the scenes are written into six source clips with handles, the way a camera
would, and the edit takes ranges from them: eleven cuts (one of them inside a clip, for the shot detector, one a
dissolve), two markers, a stretch of speech-like sound, record timecode from 01:00:00:00.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from shotscore_engine.atomic import replace_file
from shotscore_engine.errors import Cancelled
from shotscore_engine.progress import Progress, silent

if TYPE_CHECKING:
    import opentimelineio as otio

WIDTH, HEIGHT = 960, 540
HORIZON = 330
RATE = Fraction(24000, 1001)
START_FRAME = 24 * 3600
"""01:00:00:00 at a nominal 24 frames per second."""
SOUND_RATE = 48_000

Frame = NDArray[np.uint8]
Colour = tuple[float, float, float]
Scene = Callable[[float], Frame]
"""Seconds since the scene began -> one frame."""


# --- a small paint box -------------------------------------------------------------------------------------------


def _ramp(top: Colour, bottom: Colour, rows: int) -> NDArray[np.float32]:
    """(rows, WIDTH, 3): a vertical blend of two colours."""
    blend = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    column = np.asarray(top, np.float32) * (1 - blend) + np.asarray(bottom, np.float32) * blend
    return np.repeat(column[:, None, :], WIDTH, axis=1)


@functools.lru_cache(64)
def _halo(x: int, y: int, radius: float) -> NDArray[np.float32]:
    """(HEIGHT, WIDTH, 1): light that falls off from 1 at (x, y)."""
    rows, columns = np.ogrid[0:HEIGHT, 0:WIDTH]
    across = np.exp(-(((columns - x) / radius) ** 2)).astype(np.float32)
    down = np.exp(-(((rows - y) / radius) ** 2)).astype(np.float32)
    return (across * down)[..., None]


def _glow(canvas: NDArray[np.float32], x: int, y: int, radius: float, colour: Colour, strength: float) -> None:
    """Adds soft light around (x, y)."""
    canvas += _halo(x, y, radius) * (strength * np.asarray(colour, np.float32))


def _finish(canvas: NDArray[np.float32]) -> Frame:
    return np.clip(canvas, 0, 255).astype(np.uint8)


def _disc(frame: Frame, x: float, y: float, radius: float, colour: Colour) -> None:
    import cv2

    cv2.circle(frame, (round(x * 16), round(y * 16)), round(radius * 16), colour, -1, cv2.LINE_AA, 4)


def _line(frame: Frame, start: tuple[float, float], end: tuple[float, float], colour: Colour, width: int = 1) -> None:
    import cv2

    points = [(round(x * 16), round(y * 16)) for x, y in (start, end)]
    cv2.line(frame, points[0], points[1], colour, width, cv2.LINE_AA, 4)


def _polygon(frame: Frame, points: list[tuple[float, float]], colour: Colour) -> None:
    import cv2

    corners = np.asarray([(round(x * 16), round(y * 16)) for x, y in points], np.int32)
    cv2.fillPoly(frame, [corners], colour, cv2.LINE_AA, 4)


def _box(frame: Frame, x: float, y: float, width: float, height: float, colour: Colour) -> None:
    _polygon(frame, [(x, y), (x + width, y), (x + width, y + height), (x, y + height)], colour)


def _ridge(frame: Frame, base: float, height: float, phase: float, colour: Colour, seed: int) -> None:
    """A line of hills to the bottom of the frame; `phase` scrolls it in pixels."""
    waves = np.random.default_rng(seed).uniform(0.5, 1.5, 4)
    xs = np.arange(-20, WIDTH + 21, 12)
    place = (xs + phase) / WIDTH * 2 * math.pi
    ys = base - height * sum(np.sin(place * (k + 1) * w + seed + k) / (k + 1.6) for k, w in enumerate(waves))
    points = list(zip(xs.tolist(), ys.tolist(), strict=True))
    _polygon(frame, [*points, (WIDTH + 20, HEIGHT + 20), (-20, HEIGHT + 20)], colour)


def _sea(
    canvas: NDArray[np.float32], t: float, near: Colour, far: Colour, swell: float, glint_x: int, glint: Colour
) -> None:
    """Paints water below the horizon: bands that move slowly far out and faster near by, and a path of light."""
    rows = HEIGHT - HORIZON
    water = _ramp(far, near, rows)
    depth = (np.arange(rows, dtype=np.float32) / rows)[:, None]
    x = np.arange(WIDTH, dtype=np.float32)[None, :]
    wave = np.sin(x * (0.09 - 0.07 * depth) + t * 1.3 + 60 * depth**0.5) * np.sin(
        x * 0.013 - t * 0.7 + 110 * depth**0.4
    )
    water += (wave * (4 + 26 * depth) * swell)[..., None]
    path = np.exp(-(((x - glint_x) / (30 + 170 * depth)) ** 2)) * np.clip(wave + 0.25, 0, 1)
    water += (0.9 * path)[..., None] * np.asarray(glint, np.float32)
    canvas[HORIZON:] = water


# --- the scenes --------------------------------------------------------------------------------------------------


def dawn(t: float) -> Frame:
    """Sunrise over a quiet sea: warm, slow."""
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    canvas[:HORIZON] = _ramp((86, 92, 150), (255, 186, 120), HORIZON)
    sun = round(HORIZON - 18 - 9 * t)
    _glow(canvas, 600, sun, 210, (255, 150, 60), 0.7)
    _sea(canvas, t * 0.7, (52, 62, 110), (240, 164, 118), 0.6, 600, (255, 190, 110))
    frame = _finish(canvas)
    _disc(frame, 600, sun, 44, (255, 236, 190))
    frame[HORIZON:] = _finish(canvas[HORIZON:])  # the sun rises behind the water, never on it
    _ridge(frame[: HORIZON + 1], HORIZON - 8, 22, 40, (96, 78, 118), 5)
    return frame


def gulls(t: float) -> Frame:
    """Gulls crossing a clear morning: light, gently moving."""
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    canvas[:HORIZON] = _ramp((96, 168, 226), (226, 236, 232), HORIZON)
    _sea(canvas, t, (24, 96, 138), (126, 186, 206), 0.8, 250, (190, 200, 190))
    frame = _finish(canvas)
    for k, (x, y) in enumerate([(60, 120), (170, 190), (230, 90), (330, 160), (20, 240), (410, 110), (130, 60)]):
        bx, by, size = x + 95 * t + 8 * math.sin(t + k), y + 14 * math.sin(t * 1.1 + k), 20 + 4 * (k % 3)
        lift = math.sin(t * 7 + k * 1.7) * size * 0.55
        for side in (-1, 1):
            elbow = (bx + side * size * 0.6, by - lift * 0.7 - 5)
            _line(frame, (bx, by), elbow, (250, 250, 250), 4)
            _line(frame, elbow, (bx + side * size * 1.35, by - lift * 0.2), (236, 238, 240), 3)
    _sail(frame, 720 - 10 * t, HORIZON + 26, 1.0)
    return frame


def _sail(frame: Frame, x: float, y: float, size: float) -> None:
    _polygon(
        frame,
        [(x - 46 * size, y), (x + 46 * size, y), (x + 30 * size, y + 18 * size), (x - 32 * size, y + 18 * size)],
        (150, 62, 48),
    )
    _polygon(
        frame, [(x - 3 * size, y - 4), (x - 3 * size, y - 108 * size), (x + 44 * size, y - 10 * size)], (250, 246, 236)
    )
    _polygon(
        frame, [(x - 9 * size, y - 4), (x - 9 * size, y - 90 * size), (x - 40 * size, y - 8 * size)], (232, 224, 208)
    )


def train(t: float) -> Frame:
    """A red train through green hills: brisk, glad."""
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    canvas[:] = _ramp((104, 182, 236), (236, 244, 222), HEIGHT)
    frame = _finish(canvas)
    for k in range(3):
        cloud_x = (200 + 380 * k - 14 * t) % 1200 - 120
        for dx, dy, r in ((0, 0, 34), (36, -12, 42), (78, 0, 32), (40, 12, 30)):
            _disc(frame, cloud_x + dx, 80 + 34 * k % 70 + dy, r, (250, 252, 252))
    _ridge(frame, 270, 46, 26 * t, (126, 176, 132), 3)
    _ridge(frame, 340, 38, 90 * t, (92, 158, 88), 8)
    _box(frame, 0, 424, WIDTH, 14, (112, 96, 84))
    for k in range(6):
        x = 60 + 152 * k - 60 + 22 * math.sin(t * 0.9)
        _box(frame, x, 352, 144, 64, (206, 52, 44) if k else (170, 36, 36))
        _box(frame, x, 378, 144, 8, (246, 226, 190))
        for w in range(4):
            _box(frame, x + 14 + 32 * w, 358, 22, 18, (255, 246, 196))
        for wheel in (28, 112):
            _disc(frame, x + wheel, 420, 12, (46, 42, 46))
            angle = -t * 9 + k
            _line(
                frame,
                (x + wheel, 420),
                (x + wheel + 10 * math.cos(angle), 420 + 10 * math.sin(angle)),
                (200, 200, 200),
                2,
            )
    _ridge(frame, 492, 20, 430 * t, (70, 140, 62), 11)
    for k in range(7):
        x = (k * 190 - 640 * t) % 1330 - 150
        _box(frame, x, 410, 9, 130, (84, 62, 44))
        _disc(frame, x + 4, 400, 42, (52, 122, 58))
    return frame


def rails(t: float) -> Frame:
    """Rails rushing under the camera: fast."""
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    canvas[:220] = _ramp((94, 170, 230), (248, 240, 206), 220)
    canvas[220:] = _ramp((150, 176, 96), (74, 112, 50), HEIGHT - 220)
    depth = np.arange(1, HEIGHT - 219, dtype=np.float32)
    stripes = (np.sin(2600 / depth + t * 34) > 0)[:, None, None]
    canvas[220:] += np.where(stripes, 12, -8).astype(np.float32)
    frame = _finish(canvas)
    bend = 60 * math.sin(t * 0.8)
    vanish = 480 + bend
    _polygon(frame, [(vanish - 4, 220), (vanish + 4, 220), (860, HEIGHT), (100, HEIGHT)], (140, 124, 108))
    for k in range(22):
        z = ((k + 1 - (t * 11) % 1) / 22) ** 2.2
        nearness = (1 / (1 + 30 * z) - 1 / 31) * 31 / 30
        y = 220 + 320 * nearness
        half = 6 + 300 * nearness
        x = vanish + (480 - vanish) * nearness
        _box(frame, x - half, y, 2 * half, 2 + 26 * nearness, (92, 70, 54))
    for side in (-1, 1):
        foot = 480 + side * 210
        _polygon(
            frame,
            [(vanish + side * 2 - 1, 220), (vanish + side * 2 + 1, 220), (foot + 12, HEIGHT), (foot - 12, HEIGHT)],
            (214, 216, 222),
        )
    for k in range(10):
        nearness = (((k + t * 9) / 10) % 1) ** 3
        for side in (-1, 1):
            x = vanish + side * (40 + 760 * nearness)
            _box(frame, x, 220 - 250 * nearness, 2 + 16 * nearness, 8 + 520 * nearness, (70, 58, 50))
    return frame


def city(t: float) -> Frame:
    """Noon traffic between coloured houses: busy, bright."""
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    canvas[:] = _ramp((76, 164, 240), (220, 238, 246), HEIGHT)
    frame = _finish(canvas)
    paint = [(238, 118, 92), (250, 200, 92), (92, 176, 168), (236, 150, 170), (246, 238, 214), (128, 156, 214)]
    for k in range(9):
        x, top = -70 + 128 * k - 12 * t, 110 + (k * 53) % 90
        _box(frame, x, top, 118, 420 - top, paint[k % 6])
        _polygon(frame, [(x - 6, top), (x + 124, top), (x + 59, top - 46)], (158, 74, 62))
        for row in range(4):
            for column in range(3):
                lit = (60, 78, 104) if (k + row + column) % 3 else (255, 240, 180)
                _box(frame, x + 16 + 34 * column, top + 24 + 58 * row, 20, 32, lit)
    _box(frame, 0, 410, WIDTH, 130, (92, 94, 102))
    for k in range(12):
        _box(frame, (k * 110 - 60 * t) % 1320 - 120, 470, 56, 6, (238, 232, 210))
    for k in range(6):
        for lane, speed, y in ((0, 330, 426), (1, -410, 488)):
            x = (k * 260 + speed * t + 90 * lane) % 1560 - 260
            _car(frame, x, y, paint[(k * 2 + lane * 3) % 6])
    for k in range(8):
        x, step = (k * 150 + 52 * t * (1 if k % 2 else -1)) % 1110 - 70, math.sin(t * 9 + k)
        _disc(frame, x, 362, 9, (232, 190, 160))
        _box(frame, x - 8, 371, 16, 28, paint[(k + 3) % 6])
        _line(frame, (x, 397), (x + 8 * step, 418), (40, 40, 60), 4)
        _line(frame, (x, 397), (x - 8 * step, 418), (40, 40, 60), 4)
    return frame


def _car(frame: Frame, x: float, y: float, colour: Colour) -> None:
    _polygon(frame, [(x + 24, y), (x + 44, y - 26), (x + 96, y - 26), (x + 118, y)], colour)
    _polygon(frame, [(x + 36, y - 3), (x + 50, y - 20), (x + 90, y - 20), (x + 104, y - 3)], (196, 226, 240))
    _box(frame, x, y - 4, 150, 28, colour)
    for wheel in (34, 116):
        _disc(frame, x + wheel, y + 24, 14, (38, 38, 44))
        _disc(frame, x + wheel, y + 24, 6, (200, 200, 206))


def umbrellas(t: float) -> Frame:
    """Market umbrellas turning, seen from above: playful, very colourful."""
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    canvas[:] = (238, 214, 176)
    rows, columns = np.ogrid[0:HEIGHT, 0:WIDTH]
    canvas += (10 * np.sin(np.hypot(columns - 480, rows + 600) / 14))[..., None].astype(np.float32)
    frame = _finish(canvas)
    paint = [(232, 62, 74), (250, 246, 238), (252, 186, 40), (40, 150, 196), (76, 176, 96), (226, 96, 158)]
    for k in range(11):
        x = 110 + 250 * (k % 4) + (k * 37) % 60 + 26 * math.sin(t * 1.4 + k)
        y = 90 + 180 * (k // 4) + (k * 53) % 50 + 20 * math.cos(t * 1.2 + 2 * k)
        radius, turn = 78 + (k * 29) % 26, t * (1.6 if k % 2 else -1.3) + k
        _disc(frame, x + 14, y + 16, radius, (196, 168, 132))
        for blade in range(8):
            angles = [turn + (blade + part / 4) * math.pi / 4 for part in range(5)]
            rim = [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles]
            _polygon(frame, [(x, y), *rim], paint[k % 6] if blade % 2 else paint[(k + 1) % 6])
        _disc(frame, x, y, 7, (90, 70, 60))
    return frame


def clouds(t: float) -> Frame:
    """Grey clouds close over the sea: still, heavy."""
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    canvas[:HORIZON] = _ramp((84, 92, 104), (166, 172, 176), HORIZON)
    x = np.arange(WIDTH, dtype=np.float32)[None, :]
    y = np.arange(HORIZON, dtype=np.float32)[:, None]
    drift = t * 16
    billow = np.sin((x + drift) * 0.011 + 1.6 * np.sin(y * 0.021 + t * 0.12)) + 0.6 * np.sin(
        (x - drift) * 0.023 + y * 0.034
    )
    billow += 0.4 * np.sin((x + 2 * drift) * 0.041 - y * 0.06 + 2)
    canvas[:HORIZON] += (billow * 17 * (1 - y / HORIZON * 0.7))[..., None]
    _sea(canvas, t * 0.8, (44, 58, 66), (128, 138, 142), 0.8, 300, (26, 28, 30))
    canvas *= max(0.55, 1 - 0.09 * t)
    frame = _finish(canvas)
    _ridge(frame[: HORIZON + 4], HORIZON - 14, 40, 500, (50, 56, 62), 9)
    return frame


def storm(t: float) -> Frame:
    """Rain and lightning: dark, violent."""
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    canvas[:HORIZON] = _ramp((16, 18, 30), (52, 56, 76), HORIZON)
    _sea(canvas, t * 2.6, (10, 16, 26), (46, 54, 70), 1.7, 700, (30, 34, 44))
    strike, since = divmod(t + 0.55, 1.1)
    rng = np.random.default_rng(int(strike) + 4)
    x, y = float(rng.uniform(200, 760)), 0.0
    # Lit around the bolt and not all over: a flash of the whole frame would look like a cut.
    _glow(canvas, round(x), 120, 230, (150, 156, 190), min(1, since / 0.12) * math.exp(-since * 5))
    frame = _finish(canvas)
    if since < 0.3:
        while y < HORIZON:
            ahead = (x + float(rng.uniform(-38, 38)), y + float(rng.uniform(18, 44)))
            _line(frame, (x, y), ahead, (226, 228, 255), 4 if since < 0.12 else 2)
            x, y = ahead
    rain = np.random.default_rng(7)
    drops = rain.uniform((0, 0, 900), (1200, 700, 1500), (260, 3))
    for start, row, speed in drops.tolist():
        y = (row + speed * t) % 700 - 80
        x = (start - 0.28 * speed * t) % 1200 - 120
        _line(frame, (x, y), (x - 15, y + 50), (136, 146, 170), 1)
    return frame


def surf(t: float) -> Frame:
    """A black wave breaks against rock: the hardest moment."""
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    canvas[:] = _ramp((22, 24, 38), (40, 48, 62), HEIGHT)
    frame = _finish(canvas)
    surge = (t * 1.15) % 1
    for layer, (tone, base) in enumerate([((30, 44, 62), 300), ((22, 36, 54), 350), ((16, 28, 44), 410)]):
        xs = np.arange(-20, WIDTH + 21, 10)
        lift = 66 * np.sin(xs * 0.011 + t * (5.2 - layer) + layer) + 24 * np.sin(xs * 0.031 - t * 6 + layer)
        points = list(zip(xs.tolist(), (base - lift).tolist(), strict=True))
        _polygon(frame, [*points, (WIDTH + 20, HEIGHT + 20), (-20, HEIGHT + 20)], tone)
        for a, b in itertools.pairwise(points):
            _line(frame, a, b, (150, 166, 180), 3)
    _polygon(
        frame, [(640, HEIGHT), (676, 392), (720, 336), (770, 318), (826, 352), (880, 430), (930, HEIGHT)], (10, 10, 14)
    )
    spray = np.random.default_rng(3)
    for angle, speed, size in spray.uniform((-2.9, 160, 1.5), (-0.5, 620, 6), (190, 3)).tolist():
        x = 744 + speed * math.cos(angle) * surge
        y = 360 + speed * math.sin(angle) * surge + 420 * surge**2
        fade = 1 - surge * 0.6
        _disc(frame, x, y, size, (228 * fade, 236 * fade, 244 * fade))
    return frame


def window(t: float) -> Frame:
    """Someone tells a story beside a rainy window: quiet, blue, sad. The mouth moves with the demo's speech."""
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    canvas[:] = _ramp((40, 50, 74), (22, 26, 42), HEIGHT)
    _glow(canvas, 210, 240, 260, (70, 96, 130), 0.8)
    frame = _finish(canvas)
    _box(frame, 70, 60, 300, 380, (92, 116, 146))
    for k in range(34):
        left, top = 78 + (k * 97) % 284, 64 + (k * 61 + (18 + k % 5 * 9) * t) % 366
        _line(frame, (left, top), (left + 1, min(434, top + 12 + k % 4 * 6)), (150, 174, 200), 2)
    _box(frame, 214, 60, 10, 380, (34, 36, 50))
    _box(frame, 70, 244, 300, 10, (34, 36, 50))
    sway = 5 * math.sin(t * 0.9)
    x, y = 640 + sway, 240 + 3 * math.sin(t * 1.7)  # the middle of the face
    _polygon(
        frame,
        [(x - 190, HEIGHT), (x - 150, 430), (x - 60, 384), (x + 60, 384), (x + 150, 430), (x + 190, HEIGHT)],
        (58, 44, 62),
    )
    _box(frame, x - 34, y + 90, 68, 70, (150, 112, 96))
    _disc(frame, x, y - 26, 118, (44, 32, 34))
    _disc(frame, x, y + 8, 100, (188, 144, 124))
    _polygon(
        frame,
        [
            (x - 104, y - 8),
            (x - 70, y - 84),
            (x + 20, y - 108),
            (x + 96, y - 60),
            (x + 104, y + 2),
            (x + 60, y - 46),
            (x - 40, y - 40),
        ],
        (44, 32, 34),
    )
    blink = 1 if (t % 2.9) < 0.13 else 8
    for side in (-1, 1):
        _box(frame, x + side * 40 - 13, y - 4, 26, blink, (40, 30, 34))
        _line(frame, (x + side * 56, y - 22), (x + side * 24, y - 28 - 2 * math.sin(t)), (44, 32, 34), 4)
    _line(frame, (x - 2, y + 8), (x - 8, y + 40), (156, 112, 96), 3)
    mouth = 3 + 15 * speech_loudness(np.asarray([t]))[0]
    _polygon(
        frame,
        [(x + 30 * math.cos(a), y + 68 + mouth * math.sin(a)) for a in np.linspace(0, 2 * math.pi, 24)],
        (96, 40, 44),
    )
    return frame


def fireworks(t: float) -> Frame:
    """Fireworks over the harbour: night, but glad and excited."""
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    canvas[:HORIZON] = _ramp((14, 12, 44), (70, 40, 96), HORIZON)
    bursts: list[tuple[float, int, int, Colour]] = []
    for k in range(14):
        born = 0.1 + 0.42 * k
        if born <= t < born + 1.6:
            place = np.random.default_rng(k + 20)
            paint: list[Colour] = [(255, 90, 70), (255, 206, 70), (110, 230, 150), (110, 170, 255), (255, 120, 220)]
            bursts.append((t - born, int(place.integers(140, 820)), int(place.integers(70, 210)), paint[k % 5]))
    for age, x, y, hue in bursts:
        _glow(canvas, x, y, 180, hue, 0.5 * min(1, age / 0.2) * math.exp(-2.6 * age))
    weights = [min(1, age / 0.3) * math.exp(-2 * age) for age, *_ in bursts]
    tint = [
        (0.3 * dark + sum(w * b[3][k] for w, b in zip(weights, bursts, strict=True))) / (0.3 + sum(weights))
        for k, dark in enumerate((120, 90, 150))
    ]
    _sea(canvas, t, (12, 12, 40), (60, 40, 86), 0.9, 480, (tint[0] * 0.7, tint[1] * 0.7, tint[2] * 0.7))
    frame = _finish(canvas)
    for k in range(15):
        height = 24 + (k * 31) % 50
        _box(frame, k * 66 - 10, HORIZON - height, 58, height, (18, 16, 34))
        if k % 2:
            _box(frame, k * 66 + 8, HORIZON - height + 10, 8, 9, (255, 214, 130))
    sparks = np.zeros_like(frame)
    for age, x, y, hue in bursts:
        reach, fade = 165 * (1 - math.exp(-3.4 * age)), max(0.0, 1 - age / 1.6)
        for ray in range(30):
            angle = ray * 2 * math.pi / 30
            end = (x + reach * math.cos(angle), y + reach * math.sin(angle) + 46 * age**2)
            tail = (x + reach * 0.72 * math.cos(angle), y + reach * 0.72 * math.sin(angle) + 38 * age**2)
            _line(sparks, tail, end, (hue[0] * fade, hue[1] * fade, hue[2] * fade), 3)
    return np.maximum(frame, sparks)


def stars(t: float) -> Frame:
    """Stars and a lighthouse: calm again, and the end. Fades nearly to black in its last seconds."""
    canvas = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    canvas[:HORIZON] = _ramp((8, 12, 36), (38, 58, 104), HORIZON)
    _glow(canvas, 250, 110, 120, (70, 80, 110), 0.9)
    _sea(canvas, t * 0.5, (8, 16, 38), (36, 56, 98), 0.45, 250, (120, 130, 150))
    frame = _finish(canvas)
    sky = np.random.default_rng(1)
    for x, y, size, phase in sky.uniform((0, 0, 0.6, 0), (WIDTH, HORIZON - 20, 1.9, 6), (130, 4)).tolist():
        shine = 150 + 80 * math.sin(1.5 * t + phase)
        _disc(frame, x, y, size, (shine, shine, min(255, shine + 20)))
    _disc(frame, 250, 110, 36, (240, 238, 220))
    for x, y, size in ((240.0, 102, 8), (262, 116, 11), (248, 128, 5)):
        _disc(frame, x, y, size, (222, 220, 204))
    beam = math.sin(t * 1.1)
    light = frame.copy()
    _polygon(light, [(744, 226), (744 - 2000 * beam, -40), (744 - 2000 * beam, 420)], (250, 240, 190))
    frame = (frame * 0.82 + light * 0.18).astype(np.uint8)
    _polygon(frame, [(600, HORIZON + 6), (680, 306), (800, 300), (900, 318), (980, HORIZON + 6)], (10, 12, 24))
    _polygon(frame, [(722, 304), (732, 236), (756, 236), (766, 304)], (206, 200, 200))
    _polygon(frame, [(726, 280), (729, 258), (759, 258), (762, 280)], (176, 56, 52))
    _box(frame, 733, 216, 22, 20, (255, 244, 190))
    _polygon(frame, [(728, 216), (760, 216), (744, 200)], (120, 40, 40))
    return (frame * min(1.0, max(0.2, (6.2 - t) / 2.2))).astype(np.uint8)


# --- the sound ---------------------------------------------------------------------------------------------------

_SYLLABLES = (0.21, 0.16, 0.27, 0.18, 0.33, 0.0, 0.19, 0.24, 0.17, 0.36, 0.0, 0.0)
"""Lengths in seconds; 0 is a short breath."""
_VOWELS = ((730, 1090, 2440), (530, 1840, 2480), (300, 870, 2240), (270, 2290, 3010), (570, 840, 2410))
"""Formants in Hz of five English vowels (Peterson and Barney 1952)."""


@functools.cache
def _syllables() -> tuple[tuple[float, float, int], ...]:
    """(start, length, vowel) of every syllable of eight seconds."""
    spoken, now, k = [], 0.35, 0
    while now < 7.4:
        length = _SYLLABLES[k % len(_SYLLABLES)]
        if length:
            spoken.append((now, length, (k * 3) % len(_VOWELS)))
        now += length + 0.035 if length else 0.3
        k += 1
    return tuple(spoken)


def speech_loudness(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Loudness of the speech-like sound at `seconds` (any shape), 0 to 1."""
    loud = np.zeros_like(seconds, dtype=np.float64)
    for start, length, _ in _syllables():
        inside = (seconds >= start) & (seconds < start + length)
        loud[inside] = np.sin((seconds[inside] - start) / length * math.pi) ** 0.7
    return loud


def _speech(seconds: float) -> NDArray[np.float64]:
    """A voice without words: harmonics of a gliding pitch under vowel formants, in syllables, with hissed onsets."""
    t = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    loud = speech_loudness(t)
    pitch = 128 + 16 * np.sin(2 * math.pi * 0.42 * t) + 7 * np.sin(2 * math.pi * 2.3 * t) - 3 * t
    phase = 2 * math.pi * np.cumsum(pitch) / SOUND_RATE
    vowel = np.zeros(len(t), int)
    for start, length, which in _syllables():
        vowel[(t >= start) & (t < start + length)] = which
    smooth = np.ones(960) / 960
    formants = [np.convolve(np.asarray(_VOWELS, float)[vowel, k], smooth, "same") for k in range(3)]
    voice = np.zeros_like(t)
    for harmonic in range(1, 28):
        shape = sum(
            g * np.exp(-(((harmonic * pitch - f) / w) ** 2))
            for f, w, g in zip(formants, (110, 140, 190), (1, 0.5, 0.22), strict=True)
        )
        voice += shape * np.sin(harmonic * phase)
    onsets = sum(np.exp(-(((t - start) / 0.02) ** 2)) for start, _, _ in _syllables()[::2])
    heard: NDArray[np.float64] = 0.22 * voice * loud + 0.03 * onsets * np.random.default_rng(2).standard_normal(len(t))
    return heard


def _noise(seconds: float, smoothing: int, seed: int) -> NDArray[np.float64]:
    """Noise with its highs taken off by a running mean over `smoothing` samples, at about -20 dBFS."""
    raw = np.random.default_rng(seed).standard_normal(round(seconds * SOUND_RATE) + smoothing)
    soft = np.convolve(raw, np.ones(smoothing) / smoothing, "valid")[: round(seconds * SOUND_RATE)]
    level: NDArray[np.float64] = 0.1 * soft / (soft.std() + 1e-12)
    return level


def _sound_of(name: str, seconds: float) -> NDArray[np.float64]:
    """What the microphone heard in a source clip: (samples,) mono."""
    t = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    if name == "A005_window":
        return _speech(seconds) + 0.05 * _noise(seconds, 12, 5)
    swell = 0.5 + 0.4 * np.sin(2 * math.pi * t / 5)
    colour = {
        "A001_sea": (60, 0.35),
        "A002_train": (34, 0.5),
        "A003_town": (90, 0.3),
        "A004_storm": (5, 0.55),
        "A006_night": (140, 0.25),
    }
    smoothing, gain = colour[name]
    return gain * swell * _noise(seconds, smoothing, 11)


# --- the clips and the edit --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Take:
    """A scene as it lies in its source clip."""

    scene: Scene
    frames: int


_SOURCES: dict[str, tuple[_Take, ...]] = {
    "A001_sea": (_Take(dawn, 160), _Take(gulls, 130)),
    "A002_train": (_Take(train, 150), _Take(rails, 110)),
    "A003_town": (_Take(city, 100), _Take(umbrellas, 90)),
    "A004_storm": (_Take(clouds, 140), _Take(storm, 140), _Take(surf, 100)),
    "A005_window": (_Take(window, 192),),
    "A006_night": (_Take(fireworks, 160), _Take(stars, 160)),
}
"""Six source clips, each some scenes one after the other."""


@dataclass(frozen=True)
class _Clip:
    """A range of a source clip on the timeline."""

    name: str
    source: str
    first: int
    """First source frame used."""
    frames: int


_EDIT = (
    _Clip("Sunrise over the sea", "A001_sea", 16, 120),
    _Clip("Gulls above the bay", "A001_sea", 176, 84),
    _Clip("A red train through green hills", "A002_train", 20, 108),
    _Clip("Rails rushing by", "A002_train", 170, 60),
    _Clip("Noon in the town, then the market", "A003_town", 16, 156),  # the cut at source frame 100 lies inside
    _Clip("Dark clouds gather", "A004_storm", 20, 96),
    _Clip("Storm and lightning", "A004_storm", 160, 96),
    _Clip("A wave breaks on the rocks", "A004_storm", 290, 60),
    _Clip("Someone tells a story by the window", "A005_window", 12, 168),
    _Clip("Fireworks over the harbour", "A006_night", 14, 132),
    _Clip("Stars and the lighthouse", "A006_night", 164, 144),
)
DURATION_FRAMES = sum(clip.frames for clip in _EDIT)
CUT_FRAMES = tuple(sorted({*(sum(c.frames for c in _EDIT[:k]) for k in range(1, len(_EDIT))), 372 + 100 - 16}))
"""Every cut of the film, the one inside the long clip (456) included."""


def _write_clip(path: Path, name: str, takes: tuple[_Take, ...], step: Callable[[], None]) -> None:
    """Draws one source clip with its sound: H.264 and AAC in MP4."""
    import av

    frames = sum(take.frames for take in takes)
    seconds = float(frames / RATE)
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "20"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.time_base = 1 / RATE
        sound: Any = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        heard = _sound_of(name, seconds).astype(np.float32)
        written = 0
        count = 0
        for take in takes:
            for k in range(take.frames):
                drawn = av.VideoFrame.from_ndarray(take.scene(float(k / RATE)), format="rgb24")
                drawn.pts, drawn.time_base = count, 1 / RATE
                container.mux(video.encode(drawn))
                count += 1
                upto = min(len(heard), int(count / RATE * SOUND_RATE))
                while upto - written >= 1024 or (count == frames and written < len(heard)):
                    block = heard[written : written + 1024]
                    spoken = av.AudioFrame.from_ndarray(block[None, :], format="fltp", layout="mono")
                    spoken.sample_rate, spoken.pts, spoken.time_base = SOUND_RATE, written, Fraction(1, SOUND_RATE)
                    container.mux(sound.encode(spoken))
                    written += len(block)
                step()
        container.mux(video.encode(None))
        container.mux(sound.encode(None))


def timeline(media_folder: str) -> otio.schema.Timeline:
    """The edit; its clips point at `media_folder`/NAME.mp4, relative to the timeline's file."""
    import opentimelineio as otio

    rate = float(RATE)

    def time(frames: int) -> otio.opentime.RationalTime:
        return otio.opentime.RationalTime(frames, rate)

    picture = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    sound = otio.schema.Track("A1", kind=otio.schema.TrackKind.Audio)
    for clip in _EDIT:
        total = sum(take.frames for take in _SOURCES[clip.source])
        used = otio.opentime.TimeRange(time(clip.first), time(clip.frames))
        for track in (picture, sound):
            reference = otio.schema.ExternalReference(
                f"{media_folder}/{clip.source}.mp4", otio.opentime.TimeRange(time(0), time(total))
            )
            reference.name = clip.source
            track.append(otio.schema.Clip(clip.name, reference, used))
    meeting = next(k for k, clip in enumerate(_EDIT) if clip.source == "A005_window")
    picture.insert(meeting, otio.schema.Transition("Dissolve", "SMPTE_Dissolve", time(8), time(8)))
    edit = otio.schema.Timeline("A day by the sea", global_start_time=time(START_FRAME))
    edit.tracks.extend([picture, sound])
    for frame, name, comment in ((624, "storm breaks", "the music should break here"), (948, "first rocket", "")):
        edit.tracks.markers.append(
            otio.schema.Marker(name, otio.opentime.TimeRange(time(frame), time(1)), comment=comment)
        )
    return edit


TIMELINE = "a-day-by-the-sea.otio"


def find_film(folder: Path) -> Path | None:
    """The timeline of a film `make_film` finished in `folder`, if there is one."""
    path = folder / TIMELINE
    whole = path.is_file() and all((folder / "media" / f"{name}.mp4").is_file() for name in _SOURCES)
    return path if whole else None


def make_film(folder: Path, progress: Progress = silent) -> Path:
    """Draws the source clips into `folder`/media, writes `folder`/a-day-by-the-sea.otio and returns its path.

    Files already there are replaced: the folder is the demo's own. Progress is reported as stage "draw".
    """
    import opentimelineio as otio

    media = folder / "media"
    media.mkdir(parents=True, exist_ok=True)
    total = sum(take.frames for takes in _SOURCES.values() for take in takes)
    drawn = 0
    stopped = False
    counting = threading.Lock()

    def step() -> None:
        nonlocal drawn
        with counting:
            if stopped:
                raise Cancelled("Drawing was stopped.")
            drawn += 1
            progress("draw", drawn / total)

    def draw(name: str) -> None:
        partial = media / f"{name}.part.mp4"
        try:
            _write_clip(partial, name, _SOURCES[name], step)
            partial.replace(media / f"{name}.mp4")
        finally:
            partial.unlink(missing_ok=True)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        clips = [pool.submit(draw, name) for name in _SOURCES]
        try:
            for clip in clips:
                clip.result()
        finally:
            stopped = True  # where one fails or the person stops it, the others stop too
    path = folder / TIMELINE
    text = otio.adapters.write_to_string(timeline("media"), "otio_json")
    replace_file(path, text.encode())  # last: a film with its timeline is whole
    return path
