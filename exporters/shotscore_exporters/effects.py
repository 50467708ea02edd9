"""What a style does to the sound of a stem: filters, saturation, chorus, compression, place in the room.

Filters and compressor are pedalboard's where it is installed (GPL-3.0: a package of its own that pip installs beside
Shotscore and that Shotscore does not contain), else ours: SciPy's Butterworth filters, and a compressor of the same
threshold, ratio and times. Saturation, chorus and room are always made here, because they have to sound the same
wherever in a cue one begins: pedalboard's chorus starts its wave anew at every call, and a few bars rendered by
themselves would not fit between the others. The room is a convolution with a response made from noise that decays
faster the higher it is: smoother than a network of delays, and the same on every machine to the last bits of float32.
Its Fourier transforms are OpenCV's, which take less than half the time of SciPy's.

Sounds are (samples, 2) float32, quickest where each channel lies in one piece, as players give them. Everything here
works on one stem alone, so that stems still add up to the mix. SciPy's filters are loaded where they are needed: that
alone takes the better part of a second.
"""

from functools import cache, lru_cache
from types import ModuleType

import numpy as np
from numpy.typing import NDArray
from shotscore_engine.styles import Effects, Style

Sound = NDArray[np.float32]


def pedalboard_module() -> ModuleType | None:
    """pedalboard, or None where it is not installed."""
    try:
        import pedalboard
    except ImportError:
        return None
    return pedalboard


WARM_UP_SECONDS = 1.0
"""After which filters and compressor have forgotten what came before."""


def memory_seconds(style: Style) -> float:
    """How long a sound goes on to matter: the room's response, and what filters and compressor keep."""
    return style.reverb_seconds + style.reverb_delay_ms / 1000 + WARM_UP_SECONDS


def apply(sound: Sound, effects: Effects, style: Style, sample_rate: int, start: int = 0) -> Sound:
    """The stem as it sounds in its style, as long as `sound`, which begins `start` samples into the cue."""
    if not sound.any():
        return sound
    shaped = _placed(_inserts(sound, effects, sample_rate, start), effects)
    gain = np.float32(10 ** (effects.gain_db / 20))
    if shaped is sound:
        shaped = sound * gain
    else:
        del sound  # three minutes take 70 MB, and stems are shaped side by side
        shaped *= gain
    if effects.reverb > 0:
        _add_room(shaped, _middle(shaped), style, sample_rate, effects.reverb)
    return shaped


def _inserts(sound: Sound, effects: Effects, sample_rate: int, start: int) -> Sound:
    if effects.drive_db > 0:
        # Tape: louder into a curve that is straight near zero, and back.
        drive = np.float32(10 ** (effects.drive_db / 20))
        sound = (np.tanh(sound * drive) / drive).astype(np.float32)
    sound = _filtered(sound, effects, sample_rate)
    if effects.chorus:
        sound = chorus(sound, 0.5 * effects.chorus, sample_rate, start)
    if effects.compress_db:
        sound = _compressed(sound, -abs(effects.compress_db), sample_rate)
    return sound


def _filtered(sound: Sound, effects: Effects, sample_rate: int) -> Sound:
    pedalboard = pedalboard_module()
    if pedalboard is None:
        from scipy import signal

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
    return _through(pedalboard, chain, sound, sample_rate) if chain else sound


def _through(pedalboard: ModuleType, chain: list[object], sound: Sound, sample_rate: int) -> Sound:
    played = pedalboard.Pedalboard(chain)(np.ascontiguousarray(sound.T), sample_rate, reset=True)
    return np.asarray(played.T, np.float32)


def chorus(sound: Sound, share: float, sample_rate: int, start: int) -> Sound:
    """The sound and, by `share`, itself some milliseconds late, more and less by a slow wave; a quarter apart by ear.

    The wave stands where it would be `start` samples into the cue.
    """
    swayed = np.empty_like(sound)
    reach = int((_CHORUS_MS + _CHORUS_DEPTH_MS) / 1000 * sample_rate) + 3
    padded = np.concatenate([np.zeros((reach, 2), np.float32), sound])
    for first in range(0, len(sound), _CHORUS_BLOCK):
        here = np.arange(first, min(first + _CHORUS_BLOCK, len(sound)))
        # Turns are counted exactly: the same sample has the same delay wherever the sound was begun.
        turn = 2 * np.pi * ((here + start) * _CHORUS_HZ / sample_rate % 1.0)
        for ear in range(2):
            late = (_CHORUS_MS + _CHORUS_DEPTH_MS * np.sin(turn + ear * np.pi / 2)) / 1000 * sample_rate
            place = here + reach - late
            whole = place.astype(np.intp)
            part = (place - whole).astype(np.float32)
            line = padded[:, ear]
            swayed[here, ear] = line[whole] + part * (line[whole + 1] - line[whole])
    return np.asarray((1 - share) * sound + share * swayed, np.float32)


_CHORUS_HZ, _CHORUS_MS, _CHORUS_DEPTH_MS = 0.6, 9.0, 2.0
_CHORUS_BLOCK = 1 << 16
_RATIO, _ATTACK_MS, _RELEASE_MS = 3.0, 12.0, 160.0
_LEVEL_STEP = 48
"""Samples from one reading of the compressor's level to the next: a millisecond."""


def _compressed(sound: Sound, threshold_db: float, sample_rate: int) -> Sound:
    pedalboard = pedalboard_module()
    if pedalboard is not None:
        comp = pedalboard.Compressor(threshold_db, ratio=_RATIO, attack_ms=_ATTACK_MS, release_ms=_RELEASE_MS)
        return _through(pedalboard, [comp], sound, sample_rate)
    steps = -(-len(sound) // _LEVEL_STEP)
    loud = np.zeros(steps * _LEVEL_STEP, np.float32)
    loud[: len(sound)] = np.abs(sound).max(axis=1)
    peaks = loud.reshape(steps, _LEVEL_STEP).max(axis=1).tolist()
    rise, fall = (float(np.exp(-_LEVEL_STEP / (ms / 1000 * sample_rate))) for ms in (_ATTACK_MS, _RELEASE_MS))
    level, levels = 0.0, []
    for peak in peaks:
        level = peak + (rise if peak > level else fall) * (level - peak)
        levels.append(level)
    over_db = np.maximum(20 * np.log10(np.maximum(levels, 1e-6)) - threshold_db, 0)
    factors = 10 ** (-over_db * (1 - 1 / _RATIO) / 20)
    smooth = np.interp(np.arange(len(sound)), np.arange(steps) * _LEVEL_STEP + _LEVEL_STEP / 2, factors)
    return (sound * smooth[:, None]).astype(np.float32)


def _placed(sound: Sound, effects: Effects) -> Sound:
    """Width, then an equal-power pan that leaves the middle as it is."""
    if effects.width != 1.0:
        middle = _middle(sound)[:, None]
        sound = middle + (sound - middle) * np.float32(effects.width)
    if effects.pan:
        angle = (effects.pan + 1) * np.pi / 4
        sound = sound * (np.array([np.cos(angle), np.sin(angle)]) * np.sqrt(2)).astype(np.float32)
    return sound


def _middle(sound: Sound) -> Sound:
    middle: Sound = sound[:, 0] + sound[:, 1]
    middle *= np.float32(0.5)
    return middle


_LONGEST_TRANSFORM = 1 << 19


def room(sound: Sound, style: Style, sample_rate: int, gain: float = 1.0) -> Sound:
    """Only what the room answers to the middle of `sound`, times `gain`, cut to its length."""
    wet = np.zeros((2, len(sound)), np.float32).T
    _add_room(wet, _middle(sound), style, sample_rate, gain)
    return wet


def _add_room(onto: Sound, middle: Sound, style: Style, sample_rate: int, gain: float) -> None:
    """Overlap-add of Fourier transforms."""
    import cv2

    response = _response(style.reverb_seconds, style.reverb_damp_hz, style.reverb_delay_ms, sample_rate)
    length = response.shape[1]
    # Powers of two are the quickest by far.
    size = min(1 << (len(middle) + length).bit_length(), max(_LONGEST_TRANSFORM, 1 << (2 * length).bit_length()))
    ears = _ears(style.reverb_seconds, style.reverb_damp_hz, style.reverb_delay_ms, sample_rate, size)
    hop = size - length + 1
    piece = np.zeros((1, size), np.float32)
    for start in range(0, len(middle), hop):
        part = middle[start : start + hop]
        if not part.any():
            continue
        np.multiply(part, np.float32(gain), out=piece[0, : len(part)])
        piece[0, len(part) :] = 0
        heard = cv2.dft(piece)
        for line, ear in zip(onto.T, ears, strict=True):
            answer = cv2.dft(cv2.mulSpectrums(heard, ear, 0), flags=cv2.DFT_INVERSE | cv2.DFT_SCALE)
            line[start : start + size] += answer[0, : len(line) - start]


@lru_cache(maxsize=2)
def _ears(seconds: float, damp_hz: float, delay_ms: float, sample_rate: int, size: int) -> tuple[Sound, Sound]:
    """The response's Fourier transforms, one for each ear."""
    import cv2

    response = _response(seconds, damp_hz, delay_ms, sample_rate)
    rows = np.zeros((2, size), np.float32)
    rows[:, : response.shape[1]] = response
    left, right = (np.asarray(cv2.dft(row[None, :]), np.float32) for row in rows)
    return left, right


@cache
def _response(seconds: float, damp_hz: float, delay_ms: float, sample_rate: int) -> Sound:
    """A room's impulse response, (2, samples), of energy 1 per channel."""
    length = int(seconds * sample_rate)
    time = np.arange(length) / sample_rate
    noise = np.random.default_rng(6).standard_normal((length, 2))
    low = _butterworth(noise, 1, damp_hz, sample_rate)
    decay = np.exp(-6.9 * time / seconds)[:, None]
    quick = np.exp(-6.9 * time / (0.35 * seconds))[:, None]
    tail = low * decay + (noise - low) * quick
    # Sound needs a moment to fill a room; without the rise every attack would sound twice.
    tail *= np.minimum(1, time / 0.012)[:, None]
    tail = _butterworth(tail, 2, 180, sample_rate, is_high_pass=True)
    delayed = np.concatenate([np.zeros((int(delay_ms / 1000 * sample_rate), 2)), tail])
    unit: Sound = np.ascontiguousarray((delayed / np.sqrt((delayed**2).sum(axis=0))).T, np.float32)
    return unit


def _butterworth(
    sound: NDArray[np.float64], order: int, hertz: float, sample_rate: int, is_high_pass: bool = False
) -> NDArray[np.float64]:
    """Butterworth's filter of order 1 or 2 by the bilinear transform, worked out by Fourier's, along the first axis."""
    size = 1 << (len(sound) + sample_rate).bit_length()  # a second to ring out in
    turn = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)  # one sample late
    warped = np.tan(np.pi * hertz / sample_rate)
    slope = (1 - turn) / warped if not is_high_pass else warped * (1 + turn)
    flat = 1 + turn if not is_high_pass else 1 - turn
    # 1 / (1 + s) and 1 / (1 + sqrt(2) s + s^2) with s = slope / flat, and s upside down for a high-pass.
    answer = flat / (flat + slope) if order == 1 else flat**2 / (flat**2 + np.sqrt(2) * flat * slope + slope**2)
    return np.fft.irfft(np.fft.rfft(sound, size, axis=0) * answer[:, None], size, axis=0)[: len(sound)]
