"""A SoundFont player in NumPy, for machines without FluidSynth's library: single keys, of which `struck` makes lines.

As in FluidSynth, times of decay count 96 dB, and an attenuation counts 0.4 of what is written, as on the hardware the
fonts were made for. Reverb and chorus are left out.

Source: SoundFont Technical Specification 2.04 (E-mu Systems, 2006); sections are named in comments.
"""

import math
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import struck
from .fontfile import COMPRESSED, LIMITS, Gen, Sound, SoundFont, Zone

_GAIN = 0.572
"""As loud as FluidSynth at the gain it is given here (measured)."""
_HARDWARE_ATTENUATION = 0.4
_FASTEST = 32.0
"""Five octaves above a sample's own pitch nothing is left of it."""
_LEAST_HZ, _MOST_OF_NYQUIST = 8.176, 0.9
_BLOCK = 128
_CUTOFF_STEP = 25
"""Cents: how far the cutoff moves before the filter is made anew."""


class Sampler:
    """`struck.Instrument` for the zones of one program of a font. Raises InputError where the font is damaged."""

    def __init__(self, font: SoundFont, zones: tuple[Zone, ...], sample_rate: int) -> None:
        self.font, self.zones, self.sample_rate = font, zones, sample_rate

    def held(self, key: int, velocity: int, samples: int) -> Sound:
        planes = np.zeros((2, samples), np.float32)
        for zone in self.zones:
            if not zone.plays(key, velocity) or not len(data := self.font.sample(zone.sample)):
                continue
            row = self.font.tables["shdr"][zone.sample]
            fixed = zone.generators.get(Gen.KEY, -1)
            at = fixed if 0 <= fixed <= 127 else key
            sound = _sound(zone.struck(at, velocity), at, data, row, self.sample_rate, samples)
            angle = (zone[Gen.PAN] + 500) / 1000 * np.pi / 2
            for plane, side in zip(planes, (np.cos(angle), np.sin(angle)), strict=True):
                plane[: len(sound)] += sound * np.float32(side)
        return planes


def _sound(zone: Zone, key: int, data: Sound, row: Any, sample_rate: int, samples: int) -> Sound:
    """One voice in mono: the sample at its pitch, filtered, in its envelope; `samples` of it or fewer."""
    envelope = struck.held_envelope(zone, key, sample_rate, 0, samples)
    seconds = np.arange(len(envelope)) / sample_rate
    step = _pitch_ratio(zone, key, row, sample_rate)
    bends = []
    if zone[Gen.MOD_LFO_TO_PITCH]:
        bends.append(zone[Gen.MOD_LFO_TO_PITCH] * _mod_lfo(zone, seconds))
    if zone[Gen.VIB_LFO_TO_PITCH]:
        bends.append(zone[Gen.VIB_LFO_TO_PITCH] * _lfo(zone, seconds, Gen.VIB_LFO_DELAY, Gen.VIB_LFO_RATE))
    if zone[Gen.MOD_ENV_TO_PITCH]:
        bends.append(zone[Gen.MOD_ENV_TO_PITCH] * _modulation_envelope(zone, key, seconds))
    if bends:
        steps = np.minimum(step * np.exp2(np.sum(bends, axis=0) / 1200), _FASTEST)
        positions = np.cumsum(steps) - steps[0] if len(steps) else steps
    else:
        positions = np.arange(len(envelope)) * min(step, _FASTEST)
    sound = _read(zone, data, row, positions)
    sound = _filtered(sound, zone, key, seconds, sample_rate)
    attenuation_cb = max(_HARDWARE_ATTENUATION * zone[Gen.ATTENUATION] + zone.attenuation_cb, 0.0)
    envelope = envelope[: len(sound)] * np.float32(_GAIN * 10 ** (-attenuation_cb / 200))
    if zone[Gen.MOD_LFO_TO_VOLUME]:
        swing = _mod_lfo(zone, seconds[: len(sound)])
        envelope *= np.exp(swing * (zone[Gen.MOD_LFO_TO_VOLUME] / 200 * np.log(10))).astype(np.float32)
    return np.asarray(sound * envelope, np.float32)


def _pitch_ratio(zone: Zone, key: int, row: Any, sample_rate: int) -> float:
    """Samples of the font for each sample played."""
    written = zone.generators.get(Gen.ROOT_KEY, -1)
    # 255 stands for a sound without pitch (section 7.10).
    root = written if 0 <= written <= 127 else int(row["key"]) if row["key"] <= 127 else 60
    cents = (key - root) * zone[Gen.SCALE_TUNING] + 100 * zone[Gen.COARSE_TUNE] + zone[Gen.FINE_TUNE]
    cents = min(max(cents + int(row["correction"]), -12_000), 12_000)
    return float(2 ** (cents / 1200) * min(max(int(row["rate"]), 400), 192_000) / sample_rate)


def _modulation_envelope(zone: Zone, key: int, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 to 1 in a convex curve, and to the sustain level while the key is held (section 8.1.2, 25 to 30)."""
    hold, decay = (
        zone.seconds(kind) * 2 ** ((60 - key) * zone[by_key] / 1200)
        for kind, by_key in ((Gen.MOD_HOLD, Gen.KEY_TO_MOD_HOLD), (Gen.MOD_DECAY, Gen.KEY_TO_MOD_DECAY))
    )
    sustain = 1 - zone[Gen.MOD_SUSTAIN] / 1000
    # The decay's time is the one for the whole way down, of which it goes a part.
    lengths = [zone.seconds(Gen.MOD_DELAY), zone.seconds(Gen.MOD_ATTACK), hold, decay * (1 - sustain)]
    times = np.concatenate([[0.0], np.cumsum(np.maximum(lengths, 1e-6))])
    level = np.interp(seconds, times, np.array([0.0, 0.0, 1.0, 1.0, sustain]))
    convex = np.maximum(1 + 400 / 960 * np.log10(np.maximum(level, 1e-6)), 0.0)
    return np.asarray(np.where(seconds < times[2], convex, level))


def _lfo(zone: Zone, seconds: NDArray[np.float64], delay: Gen, rate: Gen) -> NDArray[np.float64]:
    """A triangle wave from -1 to 1 that begins at 0, upwards, after its delay."""
    hertz = _LEAST_HZ * 2 ** (zone[rate] / 1200)
    phase = np.maximum(seconds - zone.seconds(delay), 0.0) * hertz + 0.25
    return np.asarray(1 - 4 * np.abs(phase % 1 - 0.5))


def _mod_lfo(zone: Zone, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return _lfo(zone, seconds, Gen.MOD_LFO_DELAY, Gen.MOD_LFO_RATE)


def _read(zone: Zone, data: Sound, row: Any, positions: NDArray[np.float64]) -> Sound:
    """The sample at fractional positions, looped as the zone says; shorter than `positions` where the sample ends."""
    is_packed = bool(int(row["type"]) & COMPRESSED)
    # Vorbis samples count their loop from their own start, plain ones from that of all samples.
    base = 0 if is_packed else int(row["start"])
    first = min(max(zone.offset(Gen.START, Gen.START_COARSE), 0), len(data))
    last = min(max(len(data) + zone.offset(Gen.END, Gen.END_COARSE), first), len(data))
    loop_start = int(row["loop_start"]) - base + zone.offset(Gen.LOOP_START, Gen.LOOP_START_COARSE) - first
    loop_end = int(row["loop_end"]) - base + zone.offset(Gen.LOOP_END, Gen.LOOP_END_COARSE) - first
    data = data[first:last]
    mode = zone.generators.get(Gen.MODE, 0)
    if mode not in (1, 3) or not 0 <= loop_start < loop_end <= len(data):
        return _interpolated(data, positions)
    length = loop_end - loop_start
    # One round more than the sample has, so that every point finds its neighbours across the seam.
    joined = np.concatenate([data[:loop_end], np.resize(data[loop_start:loop_end], length + 4)])
    around = positions.copy()
    late = int(np.searchsorted(around, loop_end + length))
    around[late:] = loop_end + (around[late:] - loop_end) % length
    return _interpolated(joined, around)


def _interpolated(data: Sound, positions: NDArray[np.float64]) -> Sound:
    """Cubic (Catmull-Rom) between four samples; ends where the data does."""
    if len(positions) and positions[-1] > len(data) - 1:
        positions = positions[positions <= len(data) - 1]
    padded = np.concatenate([data[:1], data, np.zeros(3, np.float32)])
    whole = positions.astype(np.intp)
    part = (positions - whole).astype(np.float32)
    before, here, after, beyond = (padded[whole + shift] for shift in range(4))
    slope = (after - before) / 2
    curve = before - np.float32(2.5) * here + 2 * after - beyond / 2
    twist = (beyond - before) / 2 + np.float32(1.5) * (here - after)
    return np.asarray(((twist * part + curve) * part + slope) * part + here, np.float32)


def _filtered(sound: Sound, zone: Zone, key: int, seconds: NDArray[np.float64], sample_rate: int) -> Sound:
    """Through a low-pass of two poles, whose cutoff the modulation envelope and LFO move in steps of `_BLOCK` samples.

    Coefficients from R. Bristow-Johnson's Audio EQ Cookbook.
    """
    from scipy.signal import lfilter

    times = seconds[: len(sound) : _BLOCK]
    cutoff = np.full(len(times), float(zone[Gen.CUTOFF]))
    if zone[Gen.MOD_ENV_TO_CUTOFF]:
        cutoff += zone[Gen.MOD_ENV_TO_CUTOFF] * _modulation_envelope(zone, key, times)
    if zone[Gen.MOD_LFO_TO_CUTOFF]:
        cutoff += zone[Gen.MOD_LFO_TO_CUTOFF] * _mod_lfo(zone, times)
    _, least, most = LIMITS[Gen.CUTOFF]
    cutoff = np.clip(np.round(cutoff / _CUTOFF_STEP) * _CUTOFF_STEP, least, most)
    if (cutoff >= most).all() and not zone[Gen.RESONANCE]:
        return sound
    peak = 10 ** (zone[Gen.RESONANCE] / 200)
    edges = [0, *(np.flatnonzero(np.diff(cutoff)) + 1).tolist(), len(cutoff)]
    state = np.zeros(2)
    filtered = np.empty_like(sound)
    for first, last in pairwise(edges):
        span = slice(first * _BLOCK, last * _BLOCK)
        hertz = min(_LEAST_HZ * 2 ** (float(cutoff[first]) / 1200), _MOST_OF_NYQUIST * sample_rate / 2)
        angle = 2 * math.pi * hertz / sample_rate
        alpha = math.sin(angle) * math.sqrt(2) / (2 * peak)
        # A resonant filter is turned down by half its peak (section 8.1.2, 9).
        top = (1 - math.cos(angle)) / math.sqrt(peak)
        feedback = [1 + alpha, -2 * math.cos(angle), 1 - alpha]
        filtered[span], state = lfilter([top / 2, top, top / 2], feedback, sound[span], zi=state)
    return filtered
