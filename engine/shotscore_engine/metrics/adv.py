"""Accent distance variance (ADV): how unevenly accents follow each other. Small is rhythmic.

Source: Diff-BGM's supplement, Eq. 2. The music is split into n equal segments; in each, accents are remarkable rises of
the volume; D holds the distances between neighbouring accents; after normalisation, values below a threshold are
deleted;

    x = l * var(what is left of D) / max(D),    ADV = 2 * (sigmoid(x) - 1/2),    l the number of accents,

with max(D) taken before normalising. The more accents (dense accents are noise) and the less even, the nearer to 1.

Known deviations: the paper does not give n, what a remarkable rise is, the normalisation, the threshold, or how the
segments are combined. They were chosen once, on POP909's training songs only, by how well they tell real music from
three kinds of noise: the song's notes scattered in time, dense noise rolls, and the song's volume with its sixteenths
shuffled (the real piece is the lower one in at least 84% of pairs, each kind; `training/choose_adv.py` repeats it, and
the best setting of its table has 85%). They are: segments of four bars, a phrase, so n follows the length; volume the
sum of sounding velocities per sixteenth; an accent where the rise exceeds the segment's mean rise less 0.35 standard
deviations; D divided by its mean; values below one half deleted; the mean over the segments.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .piece import Piece, validate, volume_curve
from .report import Summary, summarise

SEGMENT_STEPS = 64
"""Sixteenths in a segment: four bars of 4/4."""
RISE_DEVIATIONS = -0.35
"""A rise is remarkable above mean + this many standard deviations of the segment's rises."""
SHORTEST_DISTANCE = 0.5
"""Distances below this share of their mean are deleted."""


@dataclass(frozen=True)
class Setting:
    """What the paper leaves open; the defaults are ours."""

    segment_steps: int = SEGMENT_STEPS
    rise_deviations: float = RISE_DEVIATIONS
    shortest_distance: float = SHORTEST_DISTANCE


DEFAULT = Setting()


def accents(volume: NDArray[np.float64], setting: Setting = DEFAULT) -> NDArray[np.intp]:
    """Steps of `volume` (one segment) at which it rises remarkably; a segment begins from silence."""
    rises = np.maximum(np.diff(volume, prepend=0.0), 0)
    rising = rises[rises > 0]
    if not rising.size:
        return np.empty(0, np.intp)
    # Rises all alike have no deviation, and rounding must not hide them.
    limit = rising.mean() + setting.rise_deviations * rising.std() - 1e-9 * rising.max()
    return np.flatnonzero(rises >= max(limit, np.finfo(float).tiny))


def segments(volume: NDArray[np.float64], setting: Setting = DEFAULT) -> list[NDArray[np.float64]]:
    """The volume's equal segments, as many of `segment_steps` as fit, at least one; what is left over is dropped."""
    count = max(1, len(volume) // setting.segment_steps)
    width = min(setting.segment_steps, len(volume))
    return [volume[i * width : (i + 1) * width] for i in range(count)]


def adv_of_volume(volume: NDArray[np.float64], setting: Setting = DEFAULT) -> float:
    """ADV of a volume curve, one value of at least 0 per sixteenth; 0 to 1.

    Segments with less than two distances between accents count as 0. Raises InputError where the curve is empty or
    holds a negative or endless value.
    """
    volume = np.asarray(volume, np.float64)
    if volume.ndim != 1 or not volume.size or not np.isfinite(volume).all() or volume.min() < 0:
        raise InputError(f"A volume curve of shape {volume.shape} needs at least one sixteenth and values from 0 up.")
    values = []
    for segment in segments(volume, setting):
        places = accents(segment, setting)
        distances = np.diff(places).astype(np.float64)
        x = 0.0
        if distances.size > 1:
            normal = distances / distances.mean()
            kept = normal[normal >= setting.shortest_distance]
            x = len(places) * float(kept.var()) / float(distances.max())
        values.append(2 * (1 / (1 + np.exp(-x)) - 0.5))
    return float(np.mean(values))


def adv(piece: Piece, setting: Setting = DEFAULT) -> float:
    """ADV of a piece, 0 to 1. Raises InputError where it cannot be measured."""
    validate(piece)
    return adv_of_volume(volume_curve(piece), setting)


def report(pieces: Sequence[Piece]) -> Summary:
    """The mean of `adv` over `pieces`."""
    return summarise([adv(piece) for piece in pieces])
