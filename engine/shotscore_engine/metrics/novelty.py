"""Novelty: the share of melodic bars that the training songs do not hold.

A melodic bar is a bar with at least four melody onsets. Its shape is the sixteenths at which its notes begin and their
pitches relative to the first, so transposing changes nothing; lengths and loudness do not count. It is found verbatim
where a training song holds the same shape, and nearly where at most one note of each must be left out to make the two
the same (one note more, one less, one changed or one moved). Popular rhythms on one repeated note are found in real
songs too, so a number is read beside that of real songs outside the training set.

The index holds 32-bit hashes, sorted, of the training songs' shapes and of their shapes with one note left out: a bar
that is not there is taken for found about once in 20,000. Nothing of a song can be read back from it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .piece import MELODY, PITCH, START, Piece, validate

FEWEST_NOTES = 4
_STEPS_PER_BAR = 16

Shape = tuple[tuple[int, int], ...]
"""(sixteenth in the bar, pitch) of each onset, in order."""


@dataclass(frozen=True)
class Index:
    """What the training songs hold, as sorted hashes without repeats."""

    exact: NDArray[np.uint32]
    """Shapes."""
    less_one: NDArray[np.uint32]
    """Shapes with one of their notes left out."""
    songs: NDArray[np.uint64]
    """First 8 bytes of the SHA-256 of each training song's MIDI file, little-endian."""


@dataclass(frozen=True)
class Novelty:
    """Melodic bars of a set of pieces, and how many are nowhere in the training songs."""

    bars: int
    new: int
    """Not found verbatim."""
    new_nearly: int
    """Not found nearly either."""

    @property
    def share(self) -> float:
        """Share of bars not found verbatim, 0 to 1; 0 where there are no bars."""
        return self.new / max(self.bars, 1)

    @property
    def share_nearly(self) -> float:
        """Share of bars not even nearly found, 0 to 1."""
        return self.new_nearly / max(self.bars, 1)


def shapes(piece: Piece) -> Iterator[Shape]:
    """The melodic bars of `piece`, bars of its own meter from its first downbeat on."""
    melody = piece.part(MELODY)
    per_bar = 4 * piece.beats_per_bar
    bars = (melody[:, START] - 4 * piece.first_downbeat) // per_bar
    for bar in np.unique(bars[bars >= 0]):
        notes = melody[bars == bar]
        begin = 4 * piece.first_downbeat + bar * per_bar
        # Of notes that begin together the highest is the melody.
        highest = {int(start): int(pitch) for start, pitch in sorted(notes[:, [START, PITCH]].tolist())}
        if len(highest) >= FEWEST_NOTES:
            yield tuple((start - int(begin), pitch) for start, pitch in sorted(highest.items()))


def _hash(shape: Shape) -> int:
    lowest = shape[0][1]
    text = bytes(number & 0xFF for start, pitch in shape for number in (start, pitch - lowest))
    return int.from_bytes(hashlib.blake2b(text, digest_size=4).digest(), "little")


def _less_one(shape: Shape) -> list[int]:
    return [_hash(shape[:i] + shape[i + 1 :]) for i in range(len(shape))]


def build(pieces: Iterable[Piece], songs: Iterable[int] = ()) -> Index:
    """The index of `pieces` (training songs, whole) and of their files' digests."""
    exact: set[int] = set()
    less_one: set[int] = set()
    for piece in pieces:
        for shape in shapes(piece):
            exact.add(_hash(shape))
            less_one.update(_less_one(shape))
    return Index(
        np.array(sorted(exact), np.uint32), np.array(sorted(less_one), np.uint32), np.array(sorted(songs), np.uint64)
    )


def save(index: Index, path: Path) -> None:
    """Writes the index as .npz."""
    np.savez_compressed(path, exact=index.exact, less_one=index.less_one, songs=index.songs)


def load(path: Path) -> Index:
    """Reads what `save` wrote. Raises InputError where `path` is missing or something else."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return Index(arrays["exact"], arrays["less_one"], arrays["songs"])
    except (OSError, ValueError, KeyError) as problem:
        raise InputError(
            f"{path} holds no training melodies; make it with `python -m shotscore_engine.training.novelty_index`."
        ) from problem


def _holds(sorted_hashes: NDArray[np.uint32], value: int) -> bool:
    place = int(np.searchsorted(sorted_hashes, np.uint32(value)))
    return place < len(sorted_hashes) and int(sorted_hashes[place]) == value


def found(shape: Shape, index: Index) -> tuple[bool, bool]:
    """Whether the index holds the shape verbatim, and at least nearly."""
    own = _hash(shape)
    if _holds(index.exact, own):
        return True, True
    near = _holds(index.less_one, own) or any(
        _holds(index.less_one, less) or _holds(index.exact, less) for less in _less_one(shape)
    )
    return False, near


def novelty(pieces: Sequence[Piece], index: Index) -> Novelty:
    """Counts the melodic bars of `pieces` that `index` does not hold.

    Raises InputError where a piece cannot be measured.
    """
    bars = new = new_nearly = 0
    for piece in pieces:
        validate(piece)
        for shape in shapes(piece):
            verbatim, nearly = found(shape, index)
            bars += 1
            new += not verbatim
            new_nearly += not nearly
    return Novelty(bars, new, new_nearly)
