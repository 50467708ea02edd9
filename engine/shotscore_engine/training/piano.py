"""A plain piano of sines: the same sound on every machine, for the listener of P@K and for ears that compare pairs.

Each key is a sum of partials, slightly stretched as a stiff string's are, the high ones weaker and shorter, behind a
short hammer noise. It wants no SoundFont and no player, so an evaluation repeats to the sample; what it lacks in
beauty it lacks for real and generated music alike.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..metrics.piece import END, PITCH, START, VELOCITY, Piece
from ..metrics.retrieval import SAMPLE_RATE

_LONGEST_SECONDS = 6.0
_RELEASE_SECONDS = 0.12
_MOST_PARTIALS = 16
_LEVEL = 0.12


@lru_cache(maxsize=256)
def _key(pitch: int, sample_rate: int) -> NDArray[np.float32]:
    """The sound of a key held down, struck at full force."""
    time = np.arange(int(_LONGEST_SECONDS * sample_rate)) / sample_rate
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    fall = 0.35 * 2 ** ((pitch - 21) / 22)  # a second, for the lowest partial: bass strings sound long
    sound = np.zeros_like(time)
    for n in range(1, _MOST_PARTIALS + 1):
        partial = n * hertz * np.sqrt(1 + 0.0003 * n * n)
        if partial > 0.45 * sample_rate:
            break
        strength = n**-1.25 * (1 if n % 7 else 0.3)  # the hammer strikes at a seventh of the string
        sound += strength * np.exp(-time * fall * (1 + 0.45 * (n - 1))) * np.sin(2 * np.pi * partial * time + 0.7 * n)
    hammer = np.random.default_rng(pitch).standard_normal(len(time)) * np.exp(-time * 160) * 0.08
    attack = np.minimum(1, time / 0.003)
    return np.asarray((sound + hammer) * attack, np.float32)


def render(piece: Piece, sample_rate: int = SAMPLE_RATE) -> NDArray[np.float32]:
    """(samples,) mono, within -1 to 1, as long as the piece and the ring of its last notes."""
    times = (piece.step_times() - piece.beat_times[0]) * sample_rate
    release = int(_RELEASE_SECONDS * sample_rate)
    audio = np.zeros(int(times[-1]) + release + 1, np.float32)
    ring = np.linspace(1, 0, release, dtype=np.float32) ** 2
    for note in piece.notes:
        begin, end = int(times[note[START]]), int(times[min(int(note[END]), piece.steps)])
        wave = _key(int(note[PITCH]), sample_rate)[: end - begin + release]
        force = np.float32(_LEVEL * (note[VELOCITY] / 127) ** 1.6)
        held = max(0, len(wave) - release)
        audio[begin : begin + held] += force * wave[:held]
        audio[begin + held : begin + len(wave)] += force * wave[held:] * ring[: len(wave) - held]
    loudest = float(np.abs(audio).max(initial=0.0))
    return audio if loudest <= 1 else audio / np.float32(loudest)
