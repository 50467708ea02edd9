"""The beat grid: where bars, beats and sixteenths of a cue fall in time."""

from dataclasses import dataclass
from fractions import Fraction

STEPS_PER_BEAT = 4
"""A beat is a quarter note; a step is a sixteenth."""


@dataclass(frozen=True)
class BeatGrid:
    """Tempo map and meter of a cue, beat by beat.

    Beats are quarter notes in every meter (6/8 is three quarters with two accents), so that a step is always a
    sixteenth. The last bar may be partial.
    """

    beat_times: tuple[Fraction, ...]
    """Seconds from the cue's start to each beat, one more than there are beats; the first lies in [0, one beat)."""
    meter: tuple[int, int]
    """(4, 4), (3, 4), (2, 4) or (6, 8)."""
    first_downbeat: int = 0
    """Index of the first beat that opens a bar; beats before it are a pickup."""

    @property
    def beats(self) -> int:
        """How many beats (T of the masks)."""
        return len(self.beat_times) - 1

    @property
    def beats_per_bar(self) -> int:
        """Quarter notes in a bar."""
        return self.meter[0] * 4 // self.meter[1]

    @property
    def bpm(self) -> float:
        """Mean tempo in quarter notes a minute."""
        return float(60 * self.beats / (self.beat_times[-1] - self.beat_times[0]))

    def step_time(self, step: int) -> Fraction:
        """Seconds from the cue's start to sixteenth `step`, 0 to 4 * beats."""
        beat, inside = divmod(step, STEPS_PER_BEAT)
        if beat >= self.beats:
            return self.beat_times[-1]
        start, end = self.beat_times[beat], self.beat_times[beat + 1]
        return start + (end - start) * inside / STEPS_PER_BEAT
