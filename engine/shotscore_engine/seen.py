"""What is seen, as far as hits go: sudden movement and light inside the shots, and the hits of a range with them.

The picture is looked at six times a second (`features.visual`); what was looked at once, for its cuts or its features,
is remembered, so that finding peaks costs no decoding of its own.

A peak of motion is a look that moves at least `LEAST_MOTION`, more than its neighbours, and more than the shot did on
its way there: its strength is that rise over `FULL_RISE`. A flash is a rise of light, as strong as `visual.py` has it.
Shots without a past of half a second know no rise, so a moving shot's first moment is no peak: the cut is the event.

A look says what happened since the look before, so a peak is known to half of that: a twelfth of a second. Its hit
therefore has twice the usual tolerance (`spotting`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .picture import Picture, Shot
from .progress import Progress, silent
from .spotting import Hit, spot
from .timing import frame_at, quantise

if TYPE_CHECKING:
    from .features.visual import ShotLook

LEAST_MOTION = 0.25
"""Motion below this is never sudden, however still the shot was before."""
FULL_RISE = 0.4
"""A rise of motion by this much is as strong as can be."""
BEFORE_SECONDS = 2.0
"""How far back a shot's own motion is remembered, for what counts as sudden."""
LEAST_LOOKS = 3
"""Looks a shot must have behind it: half a second."""

Peak = tuple[int, float]
"""Frame of the timeline, strength in (0, 1]."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Peaks:
    """Sudden moments of the picture, in order of their frames."""

    motion: tuple[Peak, ...] = ()
    flash: tuple[Peak, ...] = ()


def hits_seen(
    picture: Picture, start_frame: int, end_frame: int, *, own: Iterable[Hit] = (), progress: Progress = silent
) -> tuple[Hit, ...]:
    """`spotting.spot` with the peaks of what is seen in the range; errors as there. `progress` may raise Cancelled."""
    spot(picture, start_frame, end_frame)  # a wrong range is told before anything is looked at
    peaks = find_peaks(picture, start_frame, end_frame, progress)
    return spot(picture, start_frame, end_frame, motion_peaks=peaks.motion, flash_peaks=peaks.flash, own=own)


def find_peaks(picture: Picture, start_frame: int, end_frame: int, progress: Progress = silent) -> Peaks:
    """The peaks of what is shown in [start_frame, end_frame). What cannot be seen has none."""
    from .features.visual import watch

    looks, _ = watch(picture, start_frame, end_frame, progress)
    return peaks_of(picture, looks)


def peaks_of(picture: Picture, looks: Sequence["ShotLook | None"]) -> Peaks:
    """The peaks in what was seen of each shot of the picture."""
    motion: list[Peak] = []
    flash: list[Peak] = []
    for shot, look in zip(picture.shots, looks, strict=True):
        if look is None or shot.media is None or shot.media.speed == 0:
            continue
        motion += _peaks(shot, look.seconds, _sudden(look.seconds, look.motion.astype(np.float64)), picture.rate)
        flash += _peaks(shot, look.seconds, look.flash.astype(np.float64), picture.rate)
    return Peaks(tuple(sorted(motion)), tuple(sorted(flash)))


def _sudden(seconds: Floats, motion: Floats) -> Floats:
    """(n,) in [0, 1]: how far each look's motion rises above that of the shot before it."""
    strength = np.zeros(len(motion))
    known = ~np.isnan(motion)
    for at in np.flatnonzero(known & (motion >= LEAST_MOTION)):
        before = motion[: int(at)][known[: int(at)] & (seconds[: int(at)] >= seconds[at] - BEFORE_SECONDS)]
        if len(before) >= LEAST_LOOKS:
            strength[at] = np.clip((motion[at] - np.median(before)) / FULL_RISE, 0, 1)
    return strength


def _peaks(shot: Shot, seconds: Floats, strength: Floats, rate: Fraction) -> list[Peak]:
    """The highest looks among their neighbours; of equal ones the first."""
    from .features.visual import LOOKS_PER_SECOND

    assert shot.media is not None
    around = np.concatenate([[0.0], strength, [0.0]])
    # What a look shows happened since the one before it, which in reverse is the one after it.
    half_back = 0.5 / LOOKS_PER_SECOND / float(shot.media.speed)
    found: list[Peak] = []
    for at in np.flatnonzero((strength > 0) & (strength > around[:-2]) & (strength >= around[2:])):
        moment = Fraction(float(seconds[at]) - half_back).limit_denominator(100_000)
        frame = quantise(frame_at(moment, rate))
        if shot.start_frame < frame < shot.end_frame:
            found.append((frame, float(strength[at])))
    return found
