"""Notes in key: the share of notes that belong to the major key fitting best.

A minor key shares its notes with its relative major, so twelve keys are enough; the raised seventh of minor counts
as outside. Uniformly random pitches score 7/12 and a little more (the best of twelve is taken).
"""

from collections.abc import Sequence

import numpy as np

from .piece import PITCH, Piece, validate
from .report import Summary, summarise

_MAJOR = np.array([0, 2, 4, 5, 7, 9, 11])
_KEYS = np.zeros((12, 12), bool)
_KEYS[np.arange(12)[:, None], (np.arange(12)[:, None] + _MAJOR) % 12] = True


def best_key(piece: Piece) -> tuple[int, float]:
    """The tonic (0 is C) of the best-fitting major key, and the share of notes inside it, 0 to 1.

    Raises InputError where the piece cannot be measured.
    """
    validate(piece)
    counts = np.bincount(piece.notes[:, PITCH] % 12, minlength=12)
    inside = _KEYS @ counts
    return int(inside.argmax()), float(inside.max() / counts.sum())


def in_key(piece: Piece) -> float:
    """The share of notes in the best-fitting key, 0 to 1."""
    return best_key(piece)[1]


def report(pieces: Sequence[Piece]) -> Summary:
    """The mean of `in_key` over `pieces`."""
    return summarise([in_key(piece) for piece in pieces])
