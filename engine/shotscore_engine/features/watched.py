"""What moved and what lit up: the picture's curves over timeline frames, and their peaks.

    from shotscore_engine.features.watched import watched
    seen = watched(picture, start_frame, end_frame, progress)
    hits = spot(picture, start_frame, end_frame, motion_peaks=seen.motion_peaks, flash_peaks=seen.flash_peaks)

A peak is an event, not a level: a chase that never stops has none, a man who falls in a still room is one.

    flash    a rise of mean luma beyond 0.04 within a sixth of a second, where 0.3 more is strength 1
    motion   how far the look's motion (see `visual`) stands above its median over the three seconds around,
             `MOTION_FULL` above it being strength 1

A peak is found on the looks, six a second, and put on the exact frame by the frame-by-frame curves where those are
known: a file whose cuts were searched was seen frame by frame; of others the look's own moment is taken.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ..picture import Picture, Shot
from ..progress import Progress, silent
from ..timing import quantise
from .visual import LOOKS_PER_SECOND, FrameCurves, ShotLook, frame_curves, watch

FloatArray = NDArray[np.float32]
Peaks = tuple[tuple[int, float], ...]

MOTION_FULL = 0.5
"""How far above what is usual around it motion has to rise to be as sudden as it gets."""
AROUND_SECONDS = 1.5
"""How far either side is asked what is usual."""
WEAKEST = 0.1
"""Peaks below this are not listed."""


@dataclass(frozen=True)
class Watched:
    """What was seen of a range of the timeline, n looks in order."""

    frames: NDArray[np.int64]
    """(n,): timeline frames of the looks, ascending."""
    luma: FloatArray
    """(n,) in [0, 1]."""
    motion: FloatArray
    """(n,) in [0, 1]; NaN where a shot begins: nothing to compare with."""
    flash: FloatArray
    """(n,) in [0, 1]."""
    motion_peaks: Peaks
    """(timeline frame, strength in [0, 1]) in order; what `spotting.spot` takes."""
    flash_peaks: Peaks
    looks: tuple[ShotLook | None, ...] = ()
    """One a shot of the picture, as `visual.watch` returns them."""
    warnings: tuple[str, ...] = ()
    """What could not be seen, one sentence each."""


def watched(picture: Picture, start_frame: int, end_frame: int, progress: Progress = silent) -> Watched:
    """Look at [start_frame, end_frame) of the picture. What was looked at before is not decoded again.

    Files that cannot be seen give a warning and no peaks. `progress` is called with the stage "analyse" and may raise
    Cancelled.
    """
    looks, warnings = watch(picture, start_frame, end_frame, progress)
    motion_peaks: list[tuple[int, float]] = []
    flash_peaks: list[tuple[int, float]] = []
    rows: list[NDArray[np.float64]] = []
    for shot, look in zip(picture.shots, looks, strict=True):
        if look is None:
            continue
        frames = np.array([_frame(second, picture.rate, shot) for second in look.seconds], np.int64)
        rows.append(np.stack([frames, look.luma, look.motion, look.flash]))
        curves = frame_curves(shot, picture.rate)
        for at in _tops(look.flash):
            flash_peaks.append((_brightest(curves, frames, int(at), shot, picture.rate), float(look.flash[at])))
        sudden = suddenness(look)
        for at in _tops(sudden):
            motion_peaks.append((_strongest(curves, frames, int(at), shot, picture.rate), float(sudden[at])))
    table = np.concatenate(rows, axis=1) if rows else np.zeros((4, 0))
    return Watched(
        table[0].astype(np.int64),
        table[1].astype(np.float32),
        table[2].astype(np.float32),
        table[3].astype(np.float32),
        tuple(sorted(peak for peak in motion_peaks if start_frame < peak[0] < end_frame)),
        tuple(sorted(peak for peak in flash_peaks if start_frame < peak[0] < end_frame)),
        looks,
        warnings,
    )


def suddenness(look: ShotLook) -> FloatArray:
    """(n,) in [0, 1]: how far each look's motion stands above what is usual around it in its shot."""
    motion = look.motion
    sudden = np.zeros(len(motion), np.float32)
    known = np.flatnonzero(~np.isnan(motion))
    for at in known:
        near = known[np.abs(look.seconds[known] - look.seconds[at]) <= AROUND_SECONDS]
        sudden[at] = (motion[at] - np.median(motion[near])) / MOTION_FULL
    return np.clip(sudden, 0, 1)


def _tops(values: FloatArray) -> NDArray[np.int64]:
    """Where `values` is at least `WEAKEST` and no neighbour is higher; of equals the first."""
    padded = np.concatenate([[-1.0], values, [-1.0]])
    top = (padded[1:-1] >= WEAKEST) & (padded[1:-1] > padded[:-2]) & (padded[1:-1] >= padded[2:])
    return np.flatnonzero(top)


def _frame(second: float, rate: Fraction, shot: Shot) -> int:
    """The timeline frame that shows the moment, inside the shot."""
    return min(max(int(second * float(rate) + 1e-6), shot.start_frame), shot.end_frame - 1)


def _window(curves: FrameCurves, frames: NDArray[np.int64], at: int, shot: Shot, rate: Fraction) -> slice:
    """The frames between a look and the one it was compared with: the one before it in the file."""
    other = at + 1 if shot.media is not None and shot.media.speed < 0 else at - 1
    reach = quantise(rate / LOOKS_PER_SECOND) * (other - at)
    edges = sorted((int(frames[at]), int(frames[other]) if 0 <= other < len(frames) else int(frames[at]) + reach))
    low, high = np.searchsorted(curves.frames, [edges[0] + 1, edges[1] + 1])
    return slice(int(low), int(high))


def _brightest(curves: FrameCurves | None, frames: NDArray[np.int64], at: int, shot: Shot, rate: Fraction) -> int:
    """The frame by which the light has risen most from the frame before."""
    if curves is None or (here := _window(curves, frames, at, shot, rate)).start >= here.stop:
        return int(frames[at])
    rise = np.diff(curves.luma, prepend=curves.luma[:1])[here]
    return int(curves.frames[here.start + int(np.nanargmax(rise))])


def _strongest(curves: FrameCurves | None, frames: NDArray[np.int64], at: int, shot: Shot, rate: Fraction) -> int:
    """The frame that differs most from the one before."""
    if curves is None or (here := _window(curves, frames, at, shot, rate)).start >= here.stop:
        return int(frames[at])
    change = np.nan_to_num(curves.change[here])
    return int(curves.frames[here.start + int(np.argmax(change))])
