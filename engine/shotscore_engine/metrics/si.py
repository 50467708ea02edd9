"""Structureness indicator (SI): how strongly the most repeated passage of a piece repeats.

Sources: Wu and Yang (ISMIR 2020), section 5: the largest fitness in the fitness scape plot over passages of a given
duration. Fitness: Müller, Jiang and Grohganz (IEEE TASLP 2013): the best family of alignment paths that explains the
whole piece by repetitions of one passage, as the harmonic mean of its normalised score and normalised coverage; a
passage's trivial match with itself is subtracted from both. Chroma at 2 Hz, smoothed over 2.1 s; similarity matrix
with diagonal smoothing over 8 s, forward and backward, for seven relative tempi from 1/2 to 2 and all twelve
transpositions; the highest quarter of its cells scaled to [0, 1], the others set to -2.

Conventions: MusDr's windows are passages of 3 to 8, 8 to 15, and 15 seconds and longer. Diff-BGM's table has one SI
without saying which passages it looks at; on whole songs the mean of the three windows comes nearest to its Real row,
so that is our one number.

Known deviations: chroma comes from the notes (velocities of what sounds, at 10 Hz) and not from rendered audio, so
neither a synthesizer's overtones nor its decay enter. A path begins in the passage's first frame, as defined; the
libfmp package lets it skip that frame while scoring. Scores are rounded to 2^-16 so that a score, its coverage and its
path length travel in one 64-bit number and the whole dynamic programme runs on arrays.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from ..errors import InputError
from .piece import END, PITCH, START, VELOCITY, Piece, validate
from .report import Summary, summarise

FRAMES_PER_SECOND = 2
SHORT, MEDIUM, LONG = (3.0, 8.0), (8.0, 15.0), (15.0, np.inf)
"""Seconds: MusDr's three windows."""

_CHROMA_RATE = 10
_SMOOTHED_FRAMES = 21
_FILTER_FRAMES = 16
_TEMPI = np.geomspace(0.5, 2, 7)
_KEPT_SHARE = 0.25
_PENALTY = -2.0
_LONGEST_FRAMES = 4096

_SCORE_BITS, _COVERAGE_BITS = 16, 16
_FRAME_COVERED = 1 << _COVERAGE_BITS
_NEVER = -(1 << 61)


@dataclass(frozen=True)
class Structureness:
    """SI of one piece over MusDr's windows, each 0 to 1."""

    short: float
    """Passages of 3 to 8 seconds."""
    medium: float
    """8 to 15 seconds."""
    long: float
    """15 seconds and more."""

    @property
    def mean(self) -> float:
        """The one number of the tables."""
        return (self.short + self.medium + self.long) / 3


def chroma(piece: Piece) -> NDArray[np.float64]:
    """(12, frames): unit columns at `FRAMES_PER_SECOND`; a silent frame is flat.

    Raises InputError where the piece cannot be measured.
    """
    validate(piece)
    times = piece.step_times() - piece.beat_times[0]
    frames = max(1, int(np.ceil(piece.seconds * _CHROMA_RATE)))
    begin = np.rint(times[piece.notes[:, START]] * _CHROMA_RATE).astype(int)
    end = np.rint(times[np.minimum(piece.notes[:, END], piece.steps)] * _CHROMA_RATE).astype(int)
    change = np.zeros((12, frames + 2))
    classes = piece.notes[:, PITCH] % 12
    np.add.at(change, (classes, np.minimum(begin, frames)), piece.notes[:, VELOCITY])
    np.add.at(change, (classes, np.clip(end, begin + 1, frames + 1)), -piece.notes[:, VELOCITY])
    energy = np.cumsum(change, axis=1)[:, :frames]
    smooth = uniform_filter1d(energy, _SMOOTHED_FRAMES, axis=1, mode="constant")
    smooth = smooth[:, :: _CHROMA_RATE // FRAMES_PER_SECOND]
    norm = np.linalg.norm(smooth, axis=0)
    return np.where(norm > 1e-6, smooth / np.maximum(norm, 1e-6), 12**-0.5)


def similarity(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """(frames, frames): the enhanced self-similarity matrix of unit `features` (12, frames).

    Diagonal 1, repetitions in [0, 1], everything else -2.
    """
    frames = features.shape[1]
    shifted = np.stack([np.roll(features, shift, axis=0) for shift in range(12)])
    plain = np.einsum("skn,km->snm", shifted, features).astype(np.float32)
    best = np.zeros((frames, frames), np.float32)
    reach = 2 * _FILTER_FRAMES
    padded = np.zeros((12, frames + 2 * reach, frames + 2 * reach), np.float32)
    padded[:, reach:-reach, reach:-reach] = plain
    for tempo in _TEMPI:
        for direction in (1, -1):
            total = np.zeros_like(plain)
            for step in range(_FILTER_FRAMES):
                row = reach + direction * step
                column = reach + direction * round(step * tempo)
                total += padded[:, row : row + frames, column : column + frames]
            np.maximum(best, total.max(axis=0), out=best)
    best /= _FILTER_FRAMES
    floor = np.quantile(best, 1 - _KEPT_SHARE)
    span = best.max() - floor
    matrix = np.where(best >= floor, (best - floor) / span if span > 0 else 1.0, _PENALTY).astype(np.float64)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def best_families(packed: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """(frames - length + 1,): the best path family of every passage, its three numbers packed in one."""
    frames = len(packed)
    frame_covered = np.int64(_FRAME_COVERED)
    count = frames - length + 1
    outside = np.zeros(count, np.int64)  # best family so far, standing between two paths
    before = np.full((count, length), _NEVER, np.int64)  # rows n - 2, n - 1 and n of the accumulated score
    last = np.full((count, length), _NEVER, np.int64)
    row = np.empty((count, length), np.int64)
    for n in range(frames):
        cells = sliding_window_view(packed[n], length)
        np.maximum(outside, last[:, -1] + n * frame_covered, out=outside)
        row[:, 0] = outside + cells[:, 0] - n * frame_covered
        if length > 1:
            best = row[:, 1:]
            np.maximum(last[:, :-1], before[:, :-1], out=best)
            np.maximum(best[:, 1:], last[:, :-2], out=best[:, 1:])
            best += cells[:, 1:]
        before, last, row = last, row, before
    return np.asarray(np.maximum(outside, last[:, -1] + frames * frame_covered))


@cache
def _compiled() -> Callable[[NDArray[np.int64], int], NDArray[np.int64]] | None:
    """`best_families` as machine code, where numba is installed (`shotscore[train]`)."""
    try:
        import numba
    except ImportError:
        return None

    @numba.njit(nogil=True)
    def families(packed: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        frames = len(packed)
        count = frames - length + 1
        answer = np.empty(count, np.int64)
        before, last, row = np.empty(length, np.int64), np.empty(length, np.int64), np.empty(length, np.int64)
        for start in range(count):
            outside = np.int64(0)
            before[:], last[:] = _NEVER, _NEVER
            for n in range(frames):
                outside = max(outside, last[length - 1] + n * _FRAME_COVERED)
                row[0] = outside + packed[n, start] - n * _FRAME_COVERED
                for m in range(1, length):
                    best = max(last[m - 1], before[m - 1])
                    if m > 1:
                        best = max(best, last[m - 2])
                    row[m] = best + packed[n, start + m]
                before, last, row = last, row, before
            answer[start] = max(outside, last[length - 1] + frames * _FRAME_COVERED)
        return answer

    return families


def fitness(matrix: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """(frames - length + 1,): fitness of every passage of `length` frames, by its first frame; 0 to 1.

    `matrix` is `similarity`'s. Raises InputError where no passage is that long or the matrix is too large.
    """
    frames = len(matrix)
    if not 1 <= length <= frames:
        raise InputError(f"No passage of {length} frames fits into {frames}; ask for 1 to {frames}.")
    if frames > _LONGEST_FRAMES:
        raise InputError(f"A piece of {frames // FRAMES_PER_SECOND} s is too long to search; cut it below 34 minutes.")
    # Three numbers in one: the score above, the covered frames in the middle, the path's cells below. Comparing two
    # such numbers compares the scores, so the dynamic programme carries coverage and length of the best family along.
    packed = (np.rint(matrix * (1 << _SCORE_BITS)).astype(np.int64) << (2 * _COVERAGE_BITS)) + 1
    total = (_compiled() or best_families)(packed, length)
    frame_covered = np.int64(_FRAME_COVERED)
    cells_of_paths = (total & (frame_covered - 1)).astype(np.float64)
    covered = ((total >> _COVERAGE_BITS) & (frame_covered - 1)).astype(np.float64)
    score = (total >> (2 * _COVERAGE_BITS)).astype(np.float64) / (1 << _SCORE_BITS)
    score = np.maximum(score - length, 0) / np.maximum(cells_of_paths, 1)
    coverage = np.maximum(covered - length, 0) / frames
    both = score + coverage
    return np.where(both > 0, 2 * score * coverage / np.where(both > 0, both, 1), 0.0)


def best_by_length(piece: Piece) -> NDArray[np.float64]:
    """(frames,): the largest fitness of all passages of 1, 2, … frames: the scape plot's maximum per row.

    Passages shorter than every window are not looked at and stay 0.
    """
    matrix = similarity(chroma(piece))
    shortest = round(SHORT[0] * FRAMES_PER_SECOND)
    best = np.zeros(len(matrix))
    for length in range(shortest, len(matrix) + 1):
        best[length - 1] = fitness(matrix, length).max()
    return best


def si(best: NDArray[np.float64], window_seconds: tuple[float, float] = SHORT) -> float:
    """SI over passages of `window_seconds`, from `best_by_length`; 0 where the piece is shorter."""
    low, high = window_seconds
    first = round(low * FRAMES_PER_SECOND) - 1
    last = len(best) if np.isinf(high) else round(high * FRAMES_PER_SECOND)
    return float(best[first:last].max(initial=0.0))


def structureness(piece: Piece) -> Structureness:
    """SI of `piece` over the three windows. Raises InputError where the piece cannot be measured."""
    best = best_by_length(piece)
    return Structureness(si(best, SHORT), si(best, MEDIUM), si(best, LONG))


def report(pieces: Sequence[Piece]) -> Summary:
    """The mean over `pieces` of `structureness`'s one number."""
    return summarise([structureness(piece).mean for piece in pieces])
