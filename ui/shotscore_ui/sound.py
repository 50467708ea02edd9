"""The music as the player mixes it: stems read where they lie, with gains, mutes and ducking that act at once."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shotscore_engine.errors import MediaError

SAMPLE_RATE = 48_000
_PCM, _EXTENSIBLE = 1, 0xFFFE
_MOST_CHUNKS = 64

Sound = NDArray[np.float32]


class Wave:
    """A PCM WAV file of 16, 24 or 32 bits at 48 kHz, mapped into memory."""

    def __init__(self, path: Path) -> None:
        """Raises MediaError where it is another kind of file."""
        try:
            with path.open("rb") as file:
                if file.read(4) not in (b"RIFF", b"RF64") or file.read(8)[4:] != b"WAVE":
                    raise MediaError(f"{path} is not a WAV file.")
                form, data = b"", (0, 0)
                for _ in range(_MOST_CHUNKS):
                    head = file.read(8)
                    if len(head) < 8:
                        break
                    name, size = struct.unpack("<4sI", head)
                    if name == b"fmt ":
                        form = file.read(min(size, 64))
                        file.seek(size + size % 2 - len(form), 1)
                    elif name == b"data":
                        data = (file.tell(), size)
                        break
                    else:
                        file.seek(size + size % 2, 1)
                length = path.stat().st_size
        except OSError as problem:
            raise MediaError(f"{path} cannot be read: {problem.strerror or problem}.") from problem
        if len(form) < 16 or not data[0]:
            raise MediaError(f"{path} has no sound in it.")
        kind, channels, rate, _, _, bits = struct.unpack("<HHIIHH", form[:16])
        if kind not in (_PCM, _EXTENSIBLE) or channels not in (1, 2) or bits not in (16, 24, 32) or rate != SAMPLE_RATE:
            raise MediaError(f"{path} is WAV of kind {kind}, {channels} channels, {rate} Hz, {bits} bits: not ours.")
        width = channels * bits // 8
        size = min(data[1], length - data[0]) if data[1] != 0xFFFFFFFF else length - data[0]
        self._bits, self._channels = bits, channels
        self.samples = size // width
        self._bytes = np.memmap(path, np.uint8, "r", offset=data[0], shape=(self.samples * width,)) if size else None

    def block(self, start: int, count: int) -> Sound:
        """(count, 2) in [-1, 1]; silence outside the file."""
        out = np.zeros((count, 2), np.float32)
        first, last = max(0, start), min(self.samples, start + count)
        if last <= first or self._bytes is None:
            return out
        width = self._channels * self._bits // 8
        raw = np.asarray(self._bytes[first * width : last * width])
        if self._bits == 24:
            wide = np.zeros((len(raw) // 3, 4), np.uint8)
            wide[:, 1:] = raw.reshape(-1, 3)
            values = wide.view("<i4")[:, 0].astype(np.float32) / np.float32(2**31)
        elif self._bits == 16:
            values = raw.view("<i2").astype(np.float32) / np.float32(2**15)
        else:
            values = raw.view("<i4").astype(np.float32) / np.float32(2**31)
        out[first - start : last - start] = values.reshape(-1, self._channels)
        return out


@dataclass(frozen=True)
class Track:
    """A file and where it begins on the timeline."""

    wave: Wave
    start_sample: int


@dataclass
class Music:
    """What is heard, and how loud."""

    tracks: Mapping[str, Track] = field(default_factory=dict)
    gains: Mapping[str, float] = field(default_factory=dict)
    """Factors; 1 where nothing is said."""
    level: float = 1.0
    duck: tuple[Sequence[float], Sequence[float]] | None = None
    """(seconds, gain in dB): the envelope under speech, in seconds of the timeline."""

    def block(self, start: int, count: int) -> Sound:
        """(count, 2) from sample `start` of the timeline."""
        out = np.zeros((count, 2), np.float32)
        for name, track in self.tracks.items():
            gain = self.gains.get(name, 1.0)
            if gain > 0:
                out += np.float32(gain) * track.wave.block(start - track.start_sample, count)
        if self.duck is not None and len(self.duck[0]):
            moments = (start + np.arange(count)) / SAMPLE_RATE
            decibels = np.interp(moments, self.duck[0], self.duck[1])
            out *= (10 ** (decibels / 20)).astype(np.float32)[:, None]
        mixed: Sound = np.clip(out * np.float32(self.level), -1, 1)
        return mixed


def load(files: Mapping[str, Path], start_frame: int, rate: Fraction) -> dict[str, Track]:
    """The files as tracks that begin at `start_frame`; what cannot be read raises MediaError."""
    begin = round(start_frame / rate * SAMPLE_RATE)
    return {name: Track(Wave(path), begin) for name, path in files.items()}


def duck_envelope(
    dialogue: Sequence[tuple[int, int]], duration_frames: int, rate: Fraction
) -> tuple[list[float], list[float]]:
    """The exporters' ducking under the dialogue of a picture, as `Music.duck`."""
    from shotscore_exporters.ducking import envelope

    speech = [(Fraction(start) / rate, Fraction(end) / rate) for start, end in dialogue]
    keys = envelope(speech, Fraction(duration_frames) / rate)
    return [float(key.seconds) for key in keys], [key.gain_db for key in keys]


def audible(stems: Sequence[tuple[str, bool, bool, float]]) -> dict[str, float]:
    """Factors of stems given as (name, muted, soloed, gain in dB): where one is soloed, only soloed ones sound."""
    solo = any(soloed for _, _, soloed, _ in stems)
    return {
        name: 0.0 if muted or (solo and not soloed) else float(10 ** (gain_db / 20))
        for name, muted, soloed, gain_db in stems
    }
