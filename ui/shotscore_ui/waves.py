"""Waveforms: peaks of a sound in levels of detail, each half as long as the one before."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .view import WaveformView

SHORTEST_LEVEL = 512
"""Waveforms are not summed up into fewer buckets than this."""


def waveform_view(
    samples: NDArray[np.floating], sample_rate: int, rate: Fraction, start_frame: float, *, bucket: int = 256
) -> WaveformView:
    """Peaks of (n,) or (n, channels) samples whose first stands at `start_frame`."""
    mono = np.asarray(samples, np.float32)
    low = mono if mono.ndim == 1 else mono.min(axis=1)
    high = mono if mono.ndim == 1 else mono.max(axis=1)
    pad = -len(mono) % bucket
    low, high = (np.pad(edge, (0, pad)).reshape(-1, bucket) for edge in (low, high))
    level = np.stack([low.min(axis=1), high.max(axis=1)], axis=1) if len(mono) else np.zeros((0, 2), np.float32)
    levels = [level]
    while len(levels[-1]) >= 2 * SHORTEST_LEVEL:
        last = levels[-1]
        if len(last) % 2:
            last = np.concatenate([last, last[-1:]])
        pairs = last.reshape(-1, 2, 2)
        levels.append(np.stack([pairs[:, :, 0].min(axis=1), pairs[:, :, 1].max(axis=1)], axis=1))
    return WaveformView(start_frame, float(bucket * rate / sample_rate), tuple(levels))


def read_waveform(path: Path, rate: Fraction, start_frame: int) -> WaveformView:
    """The waveform of a sound file that begins at `start_frame`. Decodes the file: call it away from the window.

    Raises MediaError where it cannot be decoded.
    """
    from shotscore_engine.media import audio_between, probe

    sample_rate = 12_000
    blocks = list(audio_between(path, Fraction(0), probe(path).duration, sample_rate))
    samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    return waveform_view(samples, sample_rate, rate, start_frame, bucket=32)
