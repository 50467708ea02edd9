"""Segment-aware cross-attention masks: which beats may hear which.

Source: Eq. 1 and Table 2 of the supplement to Diff-BGM (CVPR 2024): Mask[i, j] = 1 where both i and j lie in
[k g, k (g + 1)) for one g in {0, ..., T / k}. Every mask here is block-diagonal, so a window number per beat says
all: `mask = ids[:, None] == ids[None, :]`.

Conventions: T beats; `cut_beats` are the indices of beats with which a new shot begins (`find_cut_beats` finds them).
A cut at or before beat 0, or at or after beat T, opens no window. Positions finer than a beat inherit their beat's row:
`np.repeat(ids, 4)` for sixteenths.

Kinds: `fixed` is Eq. 1, its last block partial. `dynamic` is Eq. 1 with one k per cue (Table 2's last row). The paper
does not give its distance; ours is the mean over beats of |log2(k / length of the beat's shot)|, so that twice
too long is as far as half too long, and a burst of short shots counts by the time it takes. `shot` is one block a
shot. `aligned`, which is not in the paper, starts Eq. 1 anew at each cut, so that no window straddles one.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .errors import RequestError
from .grid import BeatGrid
from .picture import Picture
from .spotting import Cue, Hit

MaskKind = Literal["fixed", "dynamic", "shot", "aligned"]

DYNAMIC_WINDOWS = (4, 8, 16, 32)
"""The window sizes `dynamic` chooses from."""


def sac_mask(kind: MaskKind, beats: int, *, k: int = 8, cut_beats: Sequence[int] = ()) -> NDArray[np.bool_]:
    """(beats, beats) boolean: True where beat i of the music may attend to beat j of the picture.

    Arguments and errors as for `block_ids`.
    """
    ids = block_ids(kind, beats, k=k, cut_beats=cut_beats)
    return np.equal.outer(ids, ids)


def block_ids(kind: MaskKind, beats: int, *, k: int = 8, cut_beats: Sequence[int] = ()) -> NDArray[np.int32]:
    """(beats,) int32: the number of each beat's window, counted from 0 without gaps.

    k : longest window in beats, for `fixed` and `aligned`
    cut_beats : where shots begin, in any order; `fixed` ignores them

    Raises RequestError for an unknown kind, a negative number of beats, or k below 1.
    """
    if kind not in get_args(MaskKind):
        raise RequestError(f"There is no mask {kind!r}; choose one of {', '.join(get_args(MaskKind))}.")
    if beats < 0:
        raise RequestError(f"A mask over {beats} beats cannot be made; the number of beats is 0 or more.")
    if k < 1:
        raise RequestError(f"The mask's window of k={k} beats is too short; use 1 or more (the paper's is 8).")
    if kind == "dynamic":
        k = nearest_window(beats, cut_beats)
    position = np.arange(beats)
    shots = np.zeros(1, dtype=np.int64) if kind in ("fixed", "dynamic") else _shot_starts(beats, cut_beats)
    start_of_shot = shots[np.searchsorted(shots, position, side="right") - 1]
    opens = position == start_of_shot
    if kind != "shot":
        opens |= (position - start_of_shot) % k == 0
    return (np.cumsum(opens) - 1).astype(np.int32)


def nearest_window(beats: int, cut_beats: Sequence[int], windows: Sequence[int] = DYNAMIC_WINDOWS) -> int:
    """The window, of `windows`, nearest to the shots' lengths in beats; of two equally near, the shorter."""
    lengths = np.diff(np.append(_shot_starts(beats, cut_beats), beats)).astype(np.float64)
    if beats < 1:
        return min(windows)
    return min(sorted(windows), key=lambda k: float(np.sum(lengths * np.abs(np.log2(k / lengths)))))


def find_cut_beats(kind: MaskKind, picture: Picture, cue: Cue, grid: BeatGrid) -> tuple[int, ...]:
    """The beats nearest to the cuts a mask of this kind asks for, in order and once.

    `aligned` takes the hits that matter, those of at least a quarter of full weight that change the picture; the others
    take every shot of the cue.
    """
    if kind == "aligned":
        return hit_beats(cue.hits, grid, picture.rate, cue.start_frame)
    frames = [shot.start_frame for shot in picture.shots if cue.start_frame < shot.start_frame < cue.end_frame]
    return tuple(sorted({grid.nearest_beat(frame, picture.rate, cue.start_frame) for frame in frames}))


def hit_beats(hits: Iterable[Hit], grid: BeatGrid, rate: Fraction, start_frame: int) -> tuple[int, ...]:
    """The beats nearest to the hits that matter, in order and once: what `find_cut_beats` gives for `aligned`.

    `start_frame` is the cue's own.
    """
    frames = [hit.frame for hit in hits if hit.weight >= 0.25 and hit.kind not in ("motion", "flash", "end")]
    return tuple(sorted({grid.nearest_beat(frame, rate, start_frame) for frame in frames}))


def _shot_starts(beats: int, cut_beats: Sequence[int]) -> NDArray[np.int64]:
    """Beat 0 and every cut inside (0, beats), in order and once."""
    cuts = np.asarray(cut_beats, dtype=np.int64)
    return np.union1d(np.zeros(1, dtype=np.int64), cuts[(cuts > 0) & (cuts < beats)])
