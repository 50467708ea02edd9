"""What the metrics measure: notes on a sixteenth-note grid with the times of its beats.

Conventions: a beat is a quarter note and a step a sixteenth. Metrics of the paper count bars of four quarter notes
from the piece's first beat whatever the meter, as its own notebook does; `beats_per_bar` and `first_downbeat` tell
where the real bars are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..grid import STEPS_PER_BEAT, BeatGrid
from ..roll import PARTS, PITCHES, Roll, notes_of

PART, START, END, PITCH, VELOCITY = range(5)
"""Columns of `Piece.notes`."""

MELODY = PARTS.index("melody")

Notes = NDArray[np.int32]
"""(N, 5): part, start step, end step, pitch, velocity."""


@dataclass(frozen=True)
class Piece:
    """One piece on the grid; N notes, T beats."""

    notes: Notes
    """(N, 5): part (as in `roll.PARTS`), start step, end step, pitch, velocity; in order of start."""
    beat_times: NDArray[np.float64]
    """(T + 1,) seconds, rising."""
    beats_per_bar: int = 4
    first_downbeat: int = 0
    """Index of the first beat that opens a bar."""

    @property
    def beats(self) -> int:
        """T."""
        return len(self.beat_times) - 1

    @property
    def steps(self) -> int:
        """Sixteenths."""
        return self.beats * STEPS_PER_BEAT

    @property
    def seconds(self) -> float:
        """From the first beat to the end of the last."""
        return float(self.beat_times[-1] - self.beat_times[0])

    def part(self, number: int) -> Notes:
        """The notes of one part."""
        return np.asarray(self.notes[self.notes[:, PART] == number])

    def step_times(self) -> NDArray[np.float64]:
        """(steps + 1,) seconds of every sixteenth."""
        return np.interp(np.arange(self.steps + 1) / STEPS_PER_BEAT, np.arange(self.beats + 1), self.beat_times)

    def cut(self, first_beat: int, beats: int) -> "Piece":
        """The beats [first_beat, first_beat + beats) as a piece of their own, its first beat at second 0.

        Notes that begin earlier are left out and notes that sound on are ended, as at the edge of a cue.

            beats   0   1   2   3   4          0   1   2
            notes   |--a--|-b-|----c----|  ->  |-b-|--c-|   cut(first_beat=1.., beats=2)

        Raises InputError where the range leaves the piece.
        """
        if first_beat < 0 or beats < 1 or first_beat + beats > self.beats:
            raise InputError(
                f"Beats {first_beat} to {first_beat + beats} lie outside a piece of {self.beats}; ask for fewer."
            )
        begin, end = first_beat * STEPS_PER_BEAT, (first_beat + beats) * STEPS_PER_BEAT
        notes = self.notes[(self.notes[:, START] >= begin) & (self.notes[:, START] < end)].copy()
        notes[:, END] = np.minimum(notes[:, END], end)
        notes[:, [START, END]] -= begin
        times = self.beat_times[first_beat : first_beat + beats + 1]
        downbeat = (self.first_downbeat - first_beat) % self.beats_per_bar
        return Piece(notes, times - times[0], self.beats_per_bar, downbeat)


def validate(piece: Piece) -> None:
    """Raises InputError where `piece` cannot be measured: no notes, notes outside the grid, times that do not rise."""
    notes = piece.notes
    if notes.ndim != 2 or notes.shape[1] != 5:
        raise InputError(
            f"Notes have the shape {notes.shape}; (N, 5) rows of part, start, end, pitch, velocity are needed."
        )
    if not len(notes):
        raise InputError("The piece holds no notes, so nothing can be measured; leave it out.")
    if piece.beats < 1 or np.any(np.diff(piece.beat_times) <= 0):
        raise InputError(f"The times of the piece's {piece.beats} beats do not rise; give at least two rising times.")
    if notes[:, START].min() < 0 or notes[:, START].max() >= piece.steps or np.any(notes[:, END] <= notes[:, START]):
        raise InputError(f"Notes lie outside the piece's {piece.steps} sixteenths or end before they begin.")
    if notes[:, PITCH].min() < 0 or notes[:, PITCH].max() >= PITCHES:
        raise InputError(f"Pitches run from {notes[:, PITCH].min()} to {notes[:, PITCH].max()}; 0 to 127 are allowed.")


def from_rows(rows: Sequence[Sequence[int]], beats: int, bpm: float = 120.0) -> Piece:
    """A piece in 4/4 at a steady tempo from rows of (part, start step, end step, pitch, velocity)."""
    notes = np.array(sorted(rows, key=lambda row: (row[START], row[PART], row[PITCH])), np.int32).reshape(-1, 5)
    return Piece(notes, np.arange(beats + 1, dtype=np.float64) * np.float64(60.0 / bpm))


def from_roll(roll: Roll, grid: BeatGrid) -> Piece:
    """The notes of `roll` on `grid`.

    Raises InputError where the roll and the grid differ in length.
    """
    if roll.steps != grid.beats * STEPS_PER_BEAT:
        raise InputError(
            f"The roll has {roll.steps} sixteenths, its grid {grid.beats} beats; four to a beat are needed."
        )
    times = np.array([float(time) for time in grid.beat_times])
    return Piece(notes_of(roll), times, grid.beats_per_bar, grid.first_downbeat)


def volume_curve(piece: Piece) -> NDArray[np.float64]:
    """(steps,): loudness over time, the sum of the velocities (1 to 127) of all notes sounding at each sixteenth."""
    change = np.zeros(piece.steps + 1)
    np.add.at(change, piece.notes[:, START], piece.notes[:, VELOCITY])
    np.add.at(change, np.minimum(piece.notes[:, END], piece.steps), -piece.notes[:, VELOCITY])
    return np.asarray(np.cumsum(change)[:-1])


def onset_count(piece: Piece, steps: int) -> NDArray[np.int64]:
    """(ceil(piece.steps / steps),): notes that begin in each window of `steps` sixteenths."""
    return np.bincount(piece.notes[:, START] // steps, minlength=-(-piece.steps // steps))


def empty_bars(piece: Piece) -> int:
    """How many bars of four beats, from the first beat on, no note sounds in (a last partial bar counts)."""
    sounding = volume_curve(piece) > 0
    padded = np.pad(sounding, (0, -len(sounding) % 16))
    return int(np.sum(~padded.reshape(-1, 16).any(axis=1)))
