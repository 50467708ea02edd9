"""Loudness by ITU-R BS.1770 (EBU R128), true peak, and the gain that brings a mix to a target without clipping.

Sounds are (samples, channels) float. Integrated loudness is FFmpeg's (`ebur128`, in a fifth of the time pyloudnorm
takes; the tests hold it against pyloudnorm); true peak is the largest value of the signal at four times its rate
(BS.1770-4, annex 2).
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

OVERSAMPLING = 4
_SHORTEST_SECONDS = 0.4
"""One gating block of BS.1770."""
_FLOOR_LUFS = -70.0
"""Where BS.1770 stops to measure, and what FFmpeg says of silence."""
_MARGIN_DB = 0.15
"""Kept below the ceiling, for meters whose interpolation differs from ours."""
_BLOCK = 1 << 16
LIKELY = 0.6
"""The highest true peak stands where samples reach this share of the highest sample: music does not rise by more than
4 dB between two samples."""
_REACH = 12
"""Samples on either side that a value between two samples is made of: twice the width of the standard's example, so
that ours is never the meter that sees less."""
_FRAME = 32
_TOGETHER = 32


@cache
def _between() -> NDArray[np.float32]:
    """(_FRAME + 2 _REACH, 3 _FRAME): a frame with its neighbours, times this, is what lies between its samples.

    Row i is sample i - _REACH of the frame; column _FRAME (q - 1) + s is the value q quarters of the way from sample s
    to the next: a sinc under a Kaiser window.
    """
    window = np.sinc(np.arange(-_REACH * OVERSAMPLING, _REACH * OVERSAMPLING + 1) / OVERSAMPLING)
    window *= np.kaiser(len(window), 6.0)
    window *= OVERSAMPLING / window.sum()
    row, quarter, sample = np.ogrid[: _FRAME + 2 * _REACH, 1:OVERSAMPLING, :_FRAME]
    apart = OVERSAMPLING * (sample - (row - _REACH)) + quarter + _REACH * OVERSAMPLING
    inside = (apart >= 0) & (apart < len(window))
    weights = np.where(inside, window[np.where(inside, apart, 0)], 0.0)
    return weights.reshape(len(weights), -1).astype(np.float32)


@dataclass(frozen=True)
class Loudness:
    """What a meter says of a mix."""

    integrated_lufs: float
    """-inf for silence."""
    true_peak_db: float
    """dBTP; -inf for silence."""


def measure(sound: NDArray[np.floating], sample_rate: int) -> Loudness:
    """Integrated loudness and true peak of a sound."""
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(integrated, sound, sample_rate)
        peak = float(true_peaks(sound, LIKELY * float(np.abs(sound).max(initial=0.0))).max(initial=0.0))
        return Loudness(heard.result(), 20 * float(np.log10(peak)) if peak > 0 else -np.inf)


def integrated(sound: NDArray[np.floating], sample_rate: int) -> float:
    """LUFS; sounds shorter than a gating block are repeated to its length."""
    import av
    from av.filter import Graph

    if not sound.any():
        return -np.inf
    shortest = int(_SHORTEST_SECONDS * sample_rate) + 1
    if len(sound) < shortest:
        sound = np.tile(sound, (-(-shortest // len(sound)), 1))
    layout = "mono" if sound.shape[1] == 1 else "stereo"
    graph = Graph()
    source = graph.add_abuffer(sample_rate=sample_rate, format="flt", layout=layout)
    meter = graph.add("ebur128", "metadata=1:framelog=quiet")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    lufs = -np.inf
    for start in range(0, len(sound), _BLOCK):
        block = np.ascontiguousarray(sound[start : start + _BLOCK], np.float32)
        frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), "flt", layout)
        frame.sample_rate, frame.pts = sample_rate, start
        source.push(frame)
        # Pushing makes it measure; what comes out carries the reading so far.
        while True:
            try:
                measured = sink.pull()
            except (av.BlockingIOError, av.EOFError):
                break
            lufs = float(measured.metadata["lavfi.r128.I"])
    return lufs if lufs > _FLOOR_LUFS else -np.inf


def true_peaks(sound: NDArray[np.floating], from_level: float = 0.0) -> NDArray[np.float32]:
    """Per sample, the largest magnitude of any channel between it and the next, seen at four times the rate.

    Where nothing in 32 samples and the 32 on either side is louder than `from_level` the samples' own magnitudes are
    given: quicker, and enough where a peak there could not matter.
    """
    peaks = np.empty(len(sound), np.float32)
    weights = _between()
    for start in range(0, len(sound), _BLOCK):
        end = min(start + _BLOCK, len(sound))
        first, last = max(0, start - _FRAME), min(end + _FRAME, len(sound))
        frames = -(-(end - start) // _FRAME)
        around = np.zeros((sound.shape[1], (frames + 2) * _FRAME), np.float32)
        around[:, first - start + _FRAME : last - start + _FRAME] = sound[first:last].T
        own = np.abs(around).max(axis=0).reshape(-1, _FRAME)
        loud = own.max(axis=1) > from_level
        wanted = np.flatnonzero(loud[:-2] | loud[1:-1] | loud[2:])
        if len(wanted):
            # In products so small that BLAS starts no threads for them: those would wait for each other all the time.
            wanted = np.pad(wanted, (0, -len(wanted) % _TOGETHER), mode="edge")
            for channel in around:
                windows = sliding_window_view(channel[_FRAME - _REACH :], _FRAME + 2 * _REACH)[::_FRAME][wanted]
                fine = windows.reshape(-1, _TOGETHER, windows.shape[1]) @ weights
                np.abs(fine, out=fine)
                fine = fine.reshape(len(wanted), -1, _FRAME).max(axis=1)
                own[wanted + 1] = np.maximum(own[wanted + 1], fine)
        peaks[start:end] = own[1:-1].reshape(-1)[: end - start]
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
    from scipy import ndimage

    half = max(2, int(window_ms / 1000 * sample_rate / 2) * 2)
    held = ndimage.minimum_filter1d(needed, 2 * half + 1, mode="nearest")
    for _ in range(2):
        held = ndimage.uniform_filter1d(held.astype(np.float64), half + 1, mode="nearest")
    gain: NDArray[np.float32] = np.minimum(held, needed).astype(np.float32)
    return gain
