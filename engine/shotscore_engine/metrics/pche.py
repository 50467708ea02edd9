"""Pitch class histogram entropy (PCHE): how many of the twelve pitch classes a passage spreads over.

Source: Wu and Yang (ISMIR 2020), section 5; windows of Diff-BGM's table: eight bars of four quarter notes side by
side from the first beat, a last partial window dropped, every note counting once, log2. 0 is one pitch class only,
log2(12) = 3.585 all twelve equally. Nearest to real music is best.

Beside it stand MusDr's H1 and H4 (the authors of the metric): windows of one and four bars, sliding by one bar,
windows without notes skipped.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..grid import STEPS_PER_BEAT
from .piece import PITCH, START, Piece, validate
from .report import Summary, summarise

_STEPS_PER_BAR = 4 * STEPS_PER_BEAT


def entropy(pitches: Sequence[int] | NDArray[np.integer]) -> float:
    """Entropy in bits of the pitch classes of `pitches` (MIDI numbers, at least one)."""
    counts = np.bincount(np.asarray(pitches) % 12, minlength=12)
    shares = counts[counts > 0] / counts.sum()
    # Without the sum's sign a single pitch class would read -0.0.
    return float(np.sum(shares * np.log2(1 / shares)))


def pche(piece: Piece, *, bars: int = 8, hop_bars: int = 8) -> float:
    """Mean entropy over windows of `bars` bars every `hop_bars` bars, windows without notes left out.

    The paper's are (8, 8); MusDr's H1 is (1, 1) and H4 (4, 1). A piece shorter than a window is one window. Raises
    InputError where the piece cannot be measured.
    """
    validate(piece)
    width, hop = bars * _STEPS_PER_BAR, hop_bars * _STEPS_PER_BAR
    starts, pitches = piece.notes[:, START], piece.notes[:, PITCH]
    begins = range(0, max(piece.steps - width, 0) + 1, hop)
    windows = [pitches[(starts >= begin) & (starts < begin + width)] for begin in begins]
    values = [entropy(window) for window in windows if len(window)]
    return float(np.mean(values)) if values else entropy(pitches)


def report(pieces: Sequence[Piece], *, bars: int = 8, hop_bars: int = 8) -> Summary:
    """The mean of `pche` over `pieces`."""
    return summarise([pche(piece, bars=bars, hop_bars=hop_bars) for piece in pieces])
