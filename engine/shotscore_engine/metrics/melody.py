"""The melody as one voice: how much of it sounds more than once at a time.

POP909's melodies are monophonic; a model that doubles its melody is heard at once.
"""

from collections.abc import Sequence

import numpy as np

from .piece import END, MELODY, START, Piece, validate
from .report import Summary, summarise


def polyphony(piece: Piece, *, part: int = MELODY) -> float:
    """The share of the sixteenths with a melody note on which two or more sound; 0 where there is no melody.

    Raises InputError where the piece cannot be measured.
    """
    validate(piece)
    notes = piece.part(part)
    change = np.zeros(piece.steps + 1, np.int64)
    np.add.at(change, notes[:, START], 1)
    np.add.at(change, np.minimum(notes[:, END], piece.steps), -1)
    voices = np.cumsum(change)[:-1]
    sounding = int(np.sum(voices > 0))
    return float(np.sum(voices > 1) / sounding) if sounding else 0.0


def report(pieces: Sequence[Piece]) -> Summary:
    """The mean of `polyphony` over `pieces`."""
    return summarise([polyphony(piece) for piece in pieces])
