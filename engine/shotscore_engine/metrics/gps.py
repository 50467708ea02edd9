"""Grooving pattern similarity (GPS): how alike the bars' rhythms are.

Source: Wu and Yang (ISMIR 2020), section 5. A bar's grooving pattern marks the positions at which any note begins;
two bars are 1 - (positions that differ) / (positions) alike; the piece's value is the mean over all pairs of bars.
Diff-BGM's table has 16 positions a bar of four quarter notes, bars counted from the first beat, a last partial bar
dropped. Nearest to real music is best: an empty piece would score 1.

Beside it stands MusDr's 64 positions a bar. Known deviation: our notes lie on sixteenths, so three of four positions
are never used and the value is 1 - (1 - GPS) / 4.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..grid import STEPS_PER_BEAT
from .piece import START, Piece, validate
from .report import Summary, summarise

_STEPS_PER_BAR = 4 * STEPS_PER_BEAT


def patterns(piece: Piece, *, positions: int = 16) -> NDArray[np.bool_]:
    """(bars, positions): where notes begin in each whole bar.

    Raises InputError where `positions` is no multiple of 16.
    """
    if positions % _STEPS_PER_BAR:
        raise InputError(f"{positions} positions a bar do not fit sixteenths; ask for 16, 32 or 64.")
    grooves = np.zeros((piece.steps // _STEPS_PER_BAR, positions), bool)
    starts = piece.notes[:, START]
    starts = starts[starts < len(grooves) * _STEPS_PER_BAR]
    grooves[starts // _STEPS_PER_BAR, starts % _STEPS_PER_BAR * (positions // _STEPS_PER_BAR)] = True
    return grooves


def gps(piece: Piece, *, positions: int = 16) -> float:
    """Mean similarity of all pairs of bars, 0 to 1.

    Raises InputError where the piece cannot be measured or has less than two whole bars.
    """
    validate(piece)
    grooves = patterns(piece, positions=positions)
    bars = len(grooves)
    if bars < 2:
        raise InputError(f"A piece of {piece.beats} beats has no pair of bars; at least 8 beats are needed.")
    # Over all pairs, a position marked in `m` of `n` bars differs in m * (n - m) of them.
    marked = grooves.sum(axis=0)
    differing = float(np.sum(marked * (bars - marked)))
    return 1 - differing / (positions * bars * (bars - 1) / 2)


def report(pieces: Sequence[Piece], *, positions: int = 16) -> Summary:
    """The mean of `gps` over `pieces`."""
    return summarise([gps(piece, positions=positions) for piece in pieces])
