"""What a band agrees on before it plays: chords and a groove, chosen for a cue and told to the denoiser.

Both come from POP909's training songs as statistics: four-bar chord loops that several songs share, and in which
sixteenths of a bar notes tend to begin. A phrase's letter keeps its loops wherever it returns, which is what makes a
piece sound as if it remembered itself; the groove stays through the cue. The denoiser was trained with both withheld
in part of the examples and may leave them.

A chord is a number: root * len(QUALITIES) + quality, its root in semitones above the relative major's tonic; NO_CHORD
where none is said. A groove has a row per beat of the bar: for each of the four sixteenths how often a melody note
begins there, then the same for all other parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .grid import STEPS_PER_BEAT

if TYPE_CHECKING:
    from .conditions import FrameCondition

QUALITIES: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7), "m": (0, 3, 7), "dim": (0, 3, 6), "sus4": (0, 5, 7), "7": (0, 4, 7, 10), "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
}  # fmt: skip
TRIAD_OF = np.array([0, 1, 2, 3, 0, 0, 1])
"""Quality without its seventh."""
NO_CHORD = -1
GROOVE_WIDTH = 2 * STEPS_PER_BEAT
LOOP_BARS = 4
_BANK = Path(__file__).parent / "models" / "leadsheets.npz"
_NEAREST_GROOVES = 12
_SURER = 3.0
"""A groove's odds are raised to this power. The model was told the means of whole songs, whose sections differ, and
answers with as much variety; see docs/lab-book.md for what it was chosen from."""

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float32]


def chord_tones() -> NDArray[np.bool_]:
    """(12 * qualities, 12): the pitch classes of each chord."""
    tones = np.zeros((12, len(QUALITIES), 12), bool)
    for root in range(12):
        for number, steps in enumerate(QUALITIES.values()):
            tones[root, number, [(root + step) % 12 for step in steps]] = True
    return tones.reshape(-1, 12)


def transposed(chords: IntArray, semitones: int | IntArray) -> IntArray:
    """`chords` moved up; NO_CHORD stays."""
    count = len(QUALITIES)
    moved = (chords // count + semitones) % 12 * count + chords % count
    return np.where(chords == NO_CHORD, NO_CHORD, moved)


def simplified(chords: IntArray) -> IntArray:
    """`chords` without their sevenths."""
    count = len(QUALITIES)
    return np.where(chords == NO_CHORD, NO_CHORD, chords // count * count + TRIAD_OF[chords % count])


def chord_rows(chords: IntArray) -> FloatArray:
    """(T, 25): pitch classes of the chord, its root as one-hot, and 1; all zeros where there is NO_CHORD."""
    known = chords != NO_CHORD
    rows = np.zeros((len(chords), 25), np.float32)
    rows[known, :12] = chord_tones()[chords[known]]
    rows[np.flatnonzero(known), 12 + chords[known] // len(QUALITIES)] = 1
    rows[known, 24] = 1
    return rows


@dataclass(frozen=True)
class Bank:
    """Loops and grooves of the training songs; n loops, m grooves."""

    loops: IntArray
    """(n, 8): a chord per half bar, over `LOOP_BARS` bars."""
    in_major: NDArray[np.float64]
    """(n,): how often it stands in a major key."""
    in_minor: NDArray[np.float64]
    following: IntArray
    """(f, 3): loop, the loop after it in the same phrase, how often."""
    grooves: FloatArray
    """(m, 4, GROOVE_WIDTH): of 32-bar passages with four beats a bar."""
    log_bpm: FloatArray
    """(m,): log2 of their tempo."""
    density: FloatArray
    """(m,): their share of sparser songs, 0 to 1."""

    def save(self, path: Path = _BANK) -> None:
        """Writes the bank; grooves in 255 steps."""
        np.savez_compressed(
            path, loops=self.loops.astype(np.int16), in_major=self.in_major.astype(np.int32),
            in_minor=self.in_minor.astype(np.int32), following=self.following.astype(np.int32),
            grooves=np.rint(self.grooves * 255).astype(np.uint8), log_bpm=self.log_bpm.astype(np.float32),
            density=self.density.astype(np.float32),
        )  # fmt: skip


@cache
def load_bank(path: Path = _BANK) -> Bank:
    """The bank that `training.sketches` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        return Bank(
            arrays["loops"].astype(np.int64), arrays["in_major"].astype(float), arrays["in_minor"].astype(float),
            arrays["following"].astype(np.int64), arrays["grooves"].astype(np.float32) / 255, arrays["log_bpm"],
            arrays["density"],
        )  # fmt: skip


def with_leadsheet(frame: FrameCondition, seed: int) -> FrameCondition:
    """`frame` with chords and a groove by `seed`, where it says what they answer to: form, mode, tempo and density."""
    if frame.minor is not None and frame.section is not None and frame.phrase_position is not None:
        per_bar = int(np.bincount(frame.beats_per_bar).argmax())
        minor = bool(frame.minor.mean() > 0.5)
        chords = write_chords(frame.section, frame.phrase_position, per_bar, minor=minor, seed=seed)
        if frame.key_offset is not None:
            chords = transposed(chords, frame.key_offset)
        frame = replace(frame, chords=chords)
    if frame.bpm is not None and frame.density is not None:
        per_bar, bpm = int(np.bincount(frame.beats_per_bar).argmax()), float(np.median(frame.bpm))
        groove = choose_groove(frame.beat_in_bar, per_bar, bpm, float(frame.density.mean()), seed=seed)
        frame = replace(frame, groove=groove)
    return frame


def write_chords(section: IntArray, position: IntArray, beats_per_bar: int, *, minor: bool, seed: int) -> IntArray:
    """(T,): a chord per beat. Each section slot gets two loops; the last bar of the cue rests on the tonic.

    `section` and `position` (T,) as `plan.form` gives them.
    """
    bank = load_bank()
    weights = bank.in_minor if minor else bank.in_major
    chosen: dict[int, IntArray] = {}
    for slot in np.unique(section).tolist():
        rng = np.random.default_rng([seed, 23, slot])
        first = int(rng.choice(len(weights), p=weights / weights.sum()))
        after = bank.following[bank.following[:, 0] == first]
        second = int(rng.choice(after[:, 1], p=after[:, 2] / after[:, 2].sum())) if len(after) else first
        chosen[slot] = np.concatenate([bank.loops[first], bank.loops[second]])
    bar, beat = position // beats_per_bar, position % beats_per_bar
    half = 2 * bar + (2 * beat >= beats_per_bar)
    chords = np.array([chosen[slot][h % (4 * LOOP_BARS)] for slot, h in zip(section.tolist(), half, strict=True)])
    tonic = (9 if minor else 0) * len(QUALITIES) + (1 if minor else 0)
    chords[-beats_per_bar:] = tonic
    return chords.astype(np.int64)


def choose_groove(in_bar: IntArray, beats_per_bar: int, bpm: float, density: float, *, seed: int) -> FloatArray | None:
    """(T, GROOVE_WIDTH) of a passage of like tempo and density, by `seed`; None where a bar has not four beats."""
    if beats_per_bar != 4:
        return None
    bank = load_bank()
    distance = np.abs(bank.log_bpm - np.log2(bpm)) / 0.3 + np.abs(bank.density - density) / 0.15
    nearest = np.argsort(distance, kind="stable")[:_NEAREST_GROOVES]
    chance = np.clip(bank.grooves[int(np.random.default_rng([seed, 29]).choice(nearest))], 0.02, 0.98)
    odds = (chance / (1 - chance)) ** _SURER
    return np.asarray((odds / (1 + odds))[in_bar % 4], np.float32)
