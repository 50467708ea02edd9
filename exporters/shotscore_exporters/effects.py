"""What a style does to the sound of a stem: filters, saturation, chorus, compression, place in the room.

Filters, chorus and compressor are pedalboard's (GPL-3.0, which asks that whoever ships a program together with it
does so under the GPL; Shotscore itself is Apache-2.0, works without it, and then leaves chorus and compression out
and filters with SciPy). The room is a convolution with a response made here from noise that decays faster the
higher it is: smoother than a network of delays, and the same on every machine.

Sounds are (samples, 2) float32. Everything here works on one stem alone, so that stems still add up to the mix.
"""

from functools import cache
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal
from shotscore_engine.styles import Effects, Style

Sound = NDArray[np.float32]


def pedalboard_module() -> ModuleType | None:
    """pedalboard, or None where it is not installed."""
    try:
        import pedalboard
    except ImportError:
        return None
    return pedalboard


def apply(sound: Sound, effects: Effects, style: Style, sample_rate: int) -> Sound:
    """The stem as it sounds in its style, as long as `sound`."""
    if not sound.any():
        return sound
    sound = _inserts(sound, effects, sample_rate)
    sound = _placed(sound, effects)
    if effects.reverb > 0:
        sound = sound + effects.reverb * room(sound, style, sample_rate)
    return (sound * 10 ** (effects.gain_db / 20)).astype(np.float32)


def _inserts(sound: Sound, effects: Effects, sample_rate: int) -> Sound:
    pedalboard = pedalboard_module()
    if effects.drive_db > 0:
        # Tape: louder into a curve that is straight near zero, and back.
        drive = np.float32(10 ** (effects.drive_db / 20))
        sound = (np.tanh(sound * drive) / drive).astype(np.float32)
    if pedalboard is None:
        for hertz, kind in ((effects.high_pass_hz, "highpass"), (effects.low_pass_hz, "lowpass")):
            if 0 < hertz < sample_rate / 2:
                sections = signal.butter(2, hertz, kind, fs=sample_rate, output="sos")
                sound = signal.sosfilt(sections, sound, axis=0).astype(np.float32)
        return sound
    chain = []
    if effects.high_pass_hz:
        chain += [pedalboard.HighpassFilter(effects.high_pass_hz) for _ in range(2)]
    if effects.low_pass_hz:
        chain += [pedalboard.LowpassFilter(effects.low_pass_hz) for _ in range(2)]
    if effects.chorus:
        chain.append(pedalboard.Chorus(rate_hz=0.6, depth=0.2, centre_delay_ms=9.0, mix=0.5 * effects.chorus))
    if effects.compress_db:
        chain.append(pedalboard.Compressor(-abs(effects.compress_db), ratio=3, attack_ms=12, release_ms=160))
    if not chain:
        return sound
    played = pedalboard.Pedalboard(chain)(np.ascontiguousarray(sound.T), sample_rate, reset=True)
    return np.asarray(played.T, np.float32)


def _placed(sound: Sound, effects: Effects) -> Sound:
    """Width, then an equal-power pan that leaves the middle as it is."""
    if effects.width != 1.0:
        middle = sound.mean(axis=1, keepdims=True)
        sound = middle + (sound - middle) * np.float32(effects.width)
    if effects.pan:
        angle = (effects.pan + 1) * np.pi / 4
        sound = sound * np.array([np.cos(angle), np.sin(angle)], np.float32) * np.float32(np.sqrt(2))
    return sound.astype(np.float32)


def room(sound: Sound, style: Style, sample_rate: int) -> Sound:
    """Only what the room answers to the middle of `sound`, cut to its length: overlap-add of Fourier transforms."""
    response = _response(style.reverb_seconds, style.reverb_damp_hz, style.reverb_delay_ms, sample_rate)
    size = max(1 << 18, 1 << (4 * response.shape[1]).bit_length())
    spectrum = fft.rfft(response, size)
    middle = np.ascontiguousarray(sound.mean(axis=1))
    hop = size - response.shape[1] + 1
    wet = np.zeros((2, len(middle) + size), np.float32)
    for start in range(0, len(middle), hop):
        wet[:, start : start + size] += fft.irfft(fft.rfft(middle[start : start + hop], size) * spectrum, size)
    return wet[:, : len(middle)].T


@cache
def _response(seconds: float, damp_hz: float, delay_ms: float, sample_rate: int) -> Sound:
    """A room's impulse response, (2, samples), of energy 1 per channel."""
    length = int(seconds * sample_rate)
    time = np.arange(length) / sample_rate
    noise = np.random.default_rng(6).standard_normal((length, 2))
    low = signal.sosfilt(signal.butter(1, damp_hz, fs=sample_rate, output="sos"), noise, axis=0)
    decay = np.exp(-6.9 * time / seconds)[:, None]
    quick = np.exp(-6.9 * time / (0.35 * seconds))[:, None]
    tail = low * decay + (noise - low) * quick
    # Sound needs a moment to fill a room; without the rise every attack would sound twice.
    tail *= np.minimum(1, time / 0.012)[:, None]
    tail = signal.sosfilt(signal.butter(2, 180, "highpass", fs=sample_rate, output="sos"), tail, axis=0)
    delayed = np.concatenate([np.zeros((int(delay_ms / 1000 * sample_rate), 2)), tail])
    unit: Sound = np.ascontiguousarray((delayed / np.sqrt((delayed**2).sum(axis=0))).T, np.float32)
    return unit
