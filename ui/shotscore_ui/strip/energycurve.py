"""Curves of energy as a hand draws them: joined with what was there, with no more points than they need."""

from __future__ import annotations

import numpy as np
from shotscore_engine.timing import quantise
from shotscore_engine.wishes import EnergyCurve

from ..view import CueView

SIMPLE = 0.012
"""A drawn curve loses the points that lie closer than this to the line between their neighbours."""


def read_curve(cue: CueView) -> EnergyCurve:
    """What the picture says, as a curve somebody could have drawn."""
    energy = cue.energy
    whole = {quantise(float(frame)): float(value) for frame, value in zip(energy.read_frames, energy.read, strict=True)}
    return simplified(tuple(sorted((at, round(min(1.0, max(0.0, value)), 3)) for at, value in whole.items())))


def joined_curve(before: EnergyCurve, drawn: dict[int, float], *, steep: bool = False) -> EnergyCurve:
    """`before` with the stretch that was drawn anew; a steep one leaves what stands beside it untouched.

    before  (0 .2) (100 .8)     drawn 40..60 at .5     steep  (0 .2) (39 .43) (40 .5) (60 .5) (61 .57) (100 .8)
    """
    first, last = min(drawn), max(drawn)
    kept = {frame: value for frame, value in before if not first <= frame <= last}
    if steep and before:
        frames, values = zip(*before, strict=True)
        for beside in (first - 1, last + 1):
            if frames[0] <= beside <= frames[-1] and beside >= 0:
                kept.setdefault(beside, round(float(np.interp(beside, frames, values)), 3))
    points = simplified(tuple(sorted(drawn.items())))
    return tuple(sorted({**kept, **dict(points)}.items()))


def simplified(points: EnergyCurve, error: float = SIMPLE) -> EnergyCurve:
    """The points without which the line would be more than `error` off (Ramer, Douglas and Peucker; heights only)."""
    if len(points) < 3:
        return points
    frames, values = (np.array(row, float) for row in zip(*points, strict=True))
    keep = np.zeros(len(points), bool)
    keep[[0, -1]] = True
    stack = [(0, len(points) - 1)]
    while stack:
        first, last = stack.pop()
        if last - first < 2:
            continue
        inner = slice(first + 1, last)
        line = np.interp(frames[inner], frames[[first, last]], values[[first, last]])
        off = np.abs(values[inner] - line)
        worst = int(off.argmax())
        if off[worst] > error:
            middle = first + 1 + worst
            keep[middle] = True
            stack += [(first, middle), (middle, last)]
    return tuple(point for point, stays in zip(points, keep.tolist(), strict=True) if stays)
