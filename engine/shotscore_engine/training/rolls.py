"""Dense rolls of songs, cut to beats, for the codec.

A beat's roll is a row of 3 * 4 * 88 numbers: onset, sustain and velocity / 127 of each step and key.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..roll import HIGHEST_PITCH, KEYS, LOWEST_PITCH, PARTS
from ..tempo import STEPS_PER_BEAT
from .data import MELODY, Song


@dataclass(frozen=True)
class DenseSong:
    """A song as two byte arrays, (beats, 3, 4, 88)."""

    song: Song
    sustain: NDArray[np.bool_]
    velocity: NDArray[np.uint8]
    """Above 0 where a note begins."""

    def crop(self, start: int, beats: int, shift: int = 0) -> NDArray[np.float32]:
        """(beats, 3, 3 * 4 * 88) of the beats from `start`, transposed by `shift` semitones; zeros past the end."""
        end = min(start + beats, self.song.beats)
        roll = np.zeros((beats, len(PARTS), 3, STEPS_PER_BEAT, KEYS), np.float32)
        low, high = max(0, shift), KEYS + min(0, shift)
        velocity = self.velocity[start:end, :, :, low - shift : high - shift]
        roll[: end - start, :, 0, :, low:high] = velocity > 0
        roll[: end - start, :, 1, :, low:high] = self.sustain[start:end, :, :, low - shift : high - shift]
        roll[: end - start, :, 2, :, low:high] = velocity / np.float32(127)
        return roll.reshape(beats, len(PARTS), -1)


def dense(song: Song) -> DenseSong:
    """`song` on the grid. The melody keeps its highest note where several begin together, and one at a time."""
    steps = song.beats * STEPS_PER_BEAT
    velocity = np.zeros((len(PARTS), steps, KEYS), np.uint8)
    sustain = np.zeros((len(PARTS), steps, KEYS), bool)
    for part, start, end, pitch, loudness in _monophonic(song.notes):
        if LOWEST_PITCH <= pitch <= HIGHEST_PITCH:
            velocity[part, start, pitch - LOWEST_PITCH] = max(1, loudness)
            sustain[part, start + 1 : end, pitch - LOWEST_PITCH] = True
    sustain &= velocity == 0

    def to_beats(array: NDArray[np.generic]) -> NDArray[np.generic]:
        shaped = array.reshape(len(PARTS), song.beats, STEPS_PER_BEAT, KEYS)
        return np.ascontiguousarray(shaped.transpose(1, 0, 2, 3))

    return DenseSong(song, to_beats(sustain), to_beats(velocity))  # type: ignore[arg-type]


def _monophonic(notes: NDArray[np.int32]) -> list[list[int]]:
    """The notes with the melody reduced to its upper line."""
    kept: list[list[int]] = []
    melody = sorted(notes[notes[:, 0] == MELODY].tolist(), key=lambda note: (note[1], -note[3]))
    for note in melody:
        if kept and kept[-1][1] == note[1]:
            continue
        if kept and kept[-1][2] > note[1]:
            kept[-1][2] = note[1]
        kept.append(note)
    kept.extend(notes[notes[:, 0] != MELODY].tolist())
    return kept


class Corpus:
    """Songs to draw crops from, each corpus with its own share."""

    def __init__(self, songs: Sequence[Song], shares: dict[str, float]) -> None:
        if not songs:
            raise InputError("No song is left to draw from; training and validation (song 007) each need some.")
        self.songs = [dense(song) for song in songs]
        beats = np.array([s.song.beats for s in self.songs], float)
        weight = np.zeros(len(beats))
        for corpus, share in shares.items():
            of_it = np.array([s.song.corpus == corpus for s in self.songs])
            if of_it.any():
                # Long movements would crowd out songs: a piece counts by the root of its length.
                root = np.sqrt(beats) * of_it
                weight += share * root / root.sum()
        self.weight = weight / weight.sum()

    def draw(self, rng: np.random.Generator) -> DenseSong:
        """One song, by weight."""
        return self.songs[int(rng.choice(len(self.songs), p=self.weight))]
