"""Repeats the choice of ADV's open settings on training songs: `python -m shotscore_engine.training.choose_adv POP909`.

Every setting is judged by its worst kind of noise: the share of pairs (real piece, noise piece) in which the real one
has the smaller ADV.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..metrics.adv import Setting, adv_of_volume
from ..metrics.piece import END, START, VELOCITY, Piece, volume_curve
from .real import real_pieces
from .split import split_of

SEGMENT_STEPS = (32, 64, 128, 256)
RISE_DEVIATIONS = (-0.5, -0.35, -0.2, 0.0, 0.5, 1.0)
"""Below -0.5 nearly every rise would be an accent, and none of them remarkable."""
SHORTEST_DISTANCES = (0.25, 0.5, 0.75)


@dataclass(frozen=True)
class Choice:
    """One setting and how well it tells music from noise."""

    setting: Setting
    real: float
    """Mean ADV of the real pieces."""
    separation: dict[str, float]
    """Per kind of noise: the share of pairs in which the real piece is below the noise, 0.5 is chance."""

    @property
    def worst(self) -> float:
        """The separation from the kind of noise told apart least."""
        return min(self.separation.values())


def noises(piece: Piece, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
    """Volume curves of three kinds of noise as long and about as loud as `piece`."""
    notes = piece.notes.copy()
    lengths = notes[:, END] - notes[:, START]
    notes[:, START] = rng.integers(0, piece.steps, len(notes))
    notes[:, END] = np.minimum(notes[:, START] + lengths, piece.steps)
    # A standard normal exceeds one half with probability 0.31: what a roll sampled as noise looks like.
    dense = rng.random((piece.steps, 88)) < 0.31
    return {
        "scattered": volume_curve(Piece(notes, piece.beat_times)),
        "dense": dense.sum(axis=1) * float(piece.notes[:, VELOCITY].mean()),
        "shuffled": rng.permutation(volume_curve(piece)),
    }


def choices(pieces: Sequence[Piece], seed: int = 0) -> Iterator[Choice]:
    """Every setting, judged on `pieces`."""
    rng = np.random.default_rng(seed)
    real = [volume_curve(piece) for piece in pieces]
    noise = [noises(piece, rng) for piece in pieces]
    for values in product(SEGMENT_STEPS, RISE_DEVIATIONS, SHORTEST_DISTANCES):
        setting = Setting(*values)
        of_real = np.array([adv_of_volume(curve, setting) for curve in real])
        separation = {}
        for kind in noise[0]:
            of_noise = np.array([adv_of_volume(curves[kind], setting) for curves in noise])
            separation[kind] = float(np.mean(of_real[:, None] < of_noise[None]))
        yield Choice(setting, float(of_real.mean()), separation)


def main(folder: Path, every: int = 3) -> None:
    """Prints the settings, best last, judged on every third training song in `folder`."""
    ids = [p.name for p in sorted(folder.iterdir()) if p.name.isdigit() and split_of(p.name) == "train"][::every]
    pieces = [piece for _id, piece in real_pieces(folder, ids)]
    for choice in sorted(choices(pieces), key=lambda choice: choice.worst):
        parts = ", ".join(f"{kind} {share:.3f}" for kind, share in choice.separation.items())
        print(f"{choice.worst:.3f}  {choice.setting}  real {choice.real:.3f}  {parts}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
