"""Loudness by ITU-R BS.1770 (EBU R128), true peak, and the gain that brings a mix to a target without clipping.

Sounds are (samples, channels) float. Integrated loudness is pyloudnorm's; true peak is the largest value of the
signal at four times its rate (BS.1770-4, annex 2).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal

OVERSAMPLING = 4
_SHORTEST_SECONDS = 0.4
"""One gating block of BS.1770."""
_MARGIN_DB = 0.15
"""Kept below the ceiling, for meters whose interpolation differs from ours."""
_BLOCK = 1 << 11
_EDGE = 64
LIKELY = 0.6
"""The highest true peak stands where samples reach this share of the highest sample: music does not rise by more than
4 dB between two samples."""
_INTERPOLATOR = (OVERSAMPLING * signal.firwin(24 * OVERSAMPLING + 1, 1 / OVERSAMPLING, window=("kaiser", 6.0))).astype(
    np.float32
)
"""24 samples wide, twice the width of the standard's example, so that ours is never the meter that sees less."""


@dataclass(frozen=True)
class Loudness:
    """What a meter says of a mix."""

    integrated_lufs: float
    """-inf for silence."""
    true_peak_db: float
    """dBTP; -inf for silence."""


def measure(sound: NDArray[np.floating], sample_rate: int) -> Loudness:
    """Integrated loudness and true peak of a sound."""
    peak = float(true_peaks(sound, LIKELY * float(np.abs(sound).max(initial=0.0))).max(initial=0.0))
    return Loudness(integrated(sound, sample_rate), 20 * float(np.log10(peak)) if peak > 0 else -np.inf)


def integrated(sound: NDArray[np.floating], sample_rate: int) -> float:
    """LUFS; sounds shorter than a gating block are repeated to its length."""
    import pyloudnorm

    if not sound.any():
        return -np.inf
    shortest = int(_SHORTEST_SECONDS * sample_rate) + 1
    if len(sound) < shortest:
        sound = np.tile(sound, (-(-shortest // len(sound)), 1))
    with np.errstate(divide="ignore"):
        return float(pyloudnorm.Meter(sample_rate).integrated_loudness(np.asarray(sound)))


def true_peaks(sound: NDArray[np.floating], from_level: float = 0.0) -> NDArray[np.float32]:
    """Per sample, the largest magnitude of any channel between it and the next, seen at four times the rate.

    Where nothing within a block is louder than `from_level` the samples' own magnitudes are given: quicker, and
    enough where a peak there could not matter.
    """
    peaks = np.empty(len(sound), np.float32)
    for start in range(0, len(sound), _BLOCK):
        end = min(start + _BLOCK, len(sound))
        first = max(0, start - _EDGE)
        around = np.ascontiguousarray(np.asarray(sound[first : end + _EDGE], np.float32).T)
        own = np.abs(around).max(axis=0)
        if own.max() > from_level:
            delay = (len(_INTERPOLATOR) - 1) // 2
            fine = np.abs(signal.upfirdn(_INTERPOLATOR, around, OVERSAMPLING)).max(axis=0)
            fine = fine[delay : delay + OVERSAMPLING * len(own)]
            own = np.maximum(own, np.resize(fine, (len(own), OVERSAMPLING)).max(axis=1))
        peaks[start:end] = own[start - first : end - first]
    return peaks


def limiter_gain(
    peaks: NDArray[np.float32], sample_rate: int, ceiling_db: float, window_ms: float = 50.0
) -> NDArray[np.float32]:
    """A gain per sample, at most 1, that keeps `peaks` under the ceiling; one for all channels and all stems.

    The gain a peak needs is held for `window_ms` on both sides of it and smoothed by two averages that together
    reach as far, so that it never exceeds what a sample needs. Where nothing is too loud it is exactly 1.

    Written here because a gain is needed, not a limited sound: pedalboard's limiter (JUCE's) gives only the sound,
    compresses from -10 dB on, and knows neither look-ahead nor true peak.
    """
    ceiling = np.float32(10 ** ((ceiling_db - _MARGIN_DB) / 20))
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9)).astype(np.float32)
    if (needed >= 1.0).all():
        return needed
    half = max(2, int(window_ms / 1000 * sample_rate / 2) * 2)
    held = ndimage.minimum_filter1d(needed, 2 * half + 1, mode="nearest")
    for _ in range(2):
        held = ndimage.uniform_filter1d(held.astype(np.float64), half + 1, mode="nearest")
    gain: NDArray[np.float32] = np.minimum(held, needed).astype(np.float32)
    return gain
