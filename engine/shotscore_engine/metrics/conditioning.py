"""Conditioning: does the music do what the picture asked for?

Three questions, each answered from what was asked (never from the music it was asked for):
density follows motion, the mode follows valence, accents fall on cuts.

Sources of the bridges: motion and density, Di et al. (ACM MM 2021); mode and valence, Gabrielsson and Lindström (2010).
The mode is read with the key profiles of Krumhansl and Kessler (1982), not with the measure that made the training
pairs.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..grid import STEPS_PER_BEAT
from .adv import DEFAULT, accents
from .piece import END, PITCH, START, Piece, onset_count, validate, volume_curve

_BAR_BEATS = 4
_MODE_BEATS = 16
# Krumhansl and Kessler's profiles of C major and C minor.
_MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
_MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])


def _rows(values: NDArray[np.floating], piece: Piece, name: str) -> NDArray[np.float64]:
    validate(piece)
    if values.shape != (piece.beats,) or not np.isfinite(values).all():
        raise InputError(f"{name} has the shape {values.shape}; one number a beat is needed, {piece.beats} here.")
    return values.astype(np.float64)


def _means(values: NDArray[np.float64], beats: int) -> NDArray[np.float64]:
    """Means over whole windows of `beats` beats; what is left over is dropped."""
    count = max(1, len(values) // beats)
    return np.asarray(values[: count * beats].reshape(count, -1).mean(axis=1))


def spearman(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Rank correlation, -1 to 1; 0 where one of the two does not vary."""
    from scipy.stats import spearmanr

    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(spearmanr(a, b).statistic)


def density_follows_motion(piece: Piece, motion: NDArray[np.floating], *, window_beats: int = _BAR_BEATS) -> float:
    """Spearman's correlation, over windows of a bar, of the notes that begin and the `motion` asked for.

    motion : (T,) one value a beat, any scale

    Raises InputError where the piece cannot be measured or `motion` does not fit it.
    """
    asked = _means(_rows(motion, piece, "Motion"), window_beats)
    notes = onset_count(piece, STEPS_PER_BEAT).astype(np.float64)
    return spearman(asked, _means(notes, window_beats))


def majorness(piece: Piece) -> NDArray[np.float64]:
    """(T // 16, at least 1): per four bars, the best major profile's correlation less the best minor one's."""
    pitch_class = piece.notes[:, PITCH] % 12
    length = np.minimum(piece.notes[:, END] - piece.notes[:, START], 4 * STEPS_PER_BEAT)
    window = piece.notes[:, START] // (_MODE_BEATS * STEPS_PER_BEAT)
    count = max(1, piece.beats // _MODE_BEATS)
    inside = window < count
    weight = np.zeros((count, 12))
    np.add.at(weight, (window[inside], pitch_class[inside]), length[inside])
    out = np.zeros(count)
    for i, row in enumerate(weight):
        if np.ptp(row) > 0:
            best = [max(np.corrcoef(row, np.roll(profile, k))[0, 1] for k in range(12)) for profile in (_MAJOR, _MINOR)]
            out[i] = best[0] - best[1]
    return out


def mode_follows_valence(pieces: Sequence[Piece], valences: Sequence[NDArray[np.floating]]) -> float:
    """Spearman's correlation of majorness and the valence asked for, over all four-bar windows of all pieces.

    valences : (T,) each, in [-1, 1]

    Raises InputError where a piece cannot be measured or its valence does not fit it.
    """
    if not pieces:
        return 0.0
    asked = [_means(_rows(v, piece, "Valence"), _MODE_BEATS) for piece, v in zip(pieces, valences, strict=True)]
    return spearman(np.concatenate(asked), np.concatenate([majorness(piece) for piece in pieces]))


def accents_on_cuts(piece: Piece, cut_beats: Sequence[int]) -> float | None:
    """How much likelier an accent is on a beat with a cut than on any beat: a difference of shares, -1 to 1.

    Accents are those of ADV. None where no cut falls inside the piece. Raises InputError where it cannot be measured.
    """
    validate(piece)
    volume = volume_curve(piece)
    width = DEFAULT.segment_steps
    places = [accents(volume[i : i + width]) + i for i in range(0, len(volume), width)]
    on_beat = np.zeros(piece.beats, bool)
    steps = np.concatenate(places)
    on_beat[steps[steps % STEPS_PER_BEAT == 0] // STEPS_PER_BEAT] = True
    cuts = [cut for cut in cut_beats if 0 < cut < piece.beats]
    return float(on_beat[cuts].mean() - on_beat.mean()) if cuts else None
