"""The beat grid: where bars, beats and sixteenths of a cue fall in time, and how hits sit on it.

Exact both ways: `beat_at` and `time_at` are each other's inverse on fractions, linear inside a beat, so frame -> time
-> beat -> frame returns the same frame for any rate and tempo map.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from .spotting import Hit
from .timing import frame_at, quantise, seconds_at

STEPS_PER_BEAT = 4
"""A beat is a quarter note; a step is a sixteenth."""

HitState = Literal["met", "near", "missed", "ignored"]


@dataclass(frozen=True)
class BeatGrid:
    """Tempo map and meter of a cue, beat by beat.

    Beats are quarter notes in every meter (6/8 is three quarters with two accents), so that a step is always a
    sixteenth. The last bar may be partial.
    """

    beat_times: tuple[Fraction, ...]
    """Seconds from the cue's start to each beat, one more than there are beats; the first lies in [0, one beat). The
    last is the first one at or after the cue's end: the last beat may run past it, and whoever plays it stops there."""
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
    def beats_per_pulse(self) -> Fraction:
        """Quarter notes from one accent to the next: 3/2 in 6/8, else 1."""
        return pulse_beats(self.meter)

    @property
    def bpm(self) -> float:
        """Mean tempo in quarter notes a minute."""
        return float(60 * self.beats / (self.beat_times[-1] - self.beat_times[0]))

    @property
    def bar_beats(self) -> tuple[int, ...]:
        """Index of each beat that opens a bar."""
        return tuple(range(self.first_downbeat, self.beats, self.beats_per_bar))

    @property
    def bar_times(self) -> tuple[Fraction, ...]:
        """Seconds from the cue's start to each bar."""
        return tuple(self.beat_times[beat] for beat in self.bar_beats)

    def bar_frames(self, rate: Fraction, start_frame: int = 0) -> tuple[Fraction, ...]:
        """The (fractional) frame of each bar; `start_frame` is the cue's own."""
        return tuple(start_frame + frame_at(time, rate) for time in self.bar_times)

    def step_time(self, step: int) -> Fraction:
        """Seconds from the cue's start to sixteenth `step`, 0 to 4 * beats."""
        beat, inside = divmod(step, STEPS_PER_BEAT)
        if beat >= self.beats:
            return self.beat_times[-1]
        start, end = self.beat_times[beat], self.beat_times[beat + 1]
        return start + (end - start) * inside / STEPS_PER_BEAT

    def time_at(self, beat: Fraction | int) -> Fraction:
        """Seconds from the cue's start to a (fractional) beat; outside the grid its first or last beat goes on."""
        whole = min(max(int(beat // 1), 0), self.beats - 1)
        start = self.beat_times[whole]
        return start if beat == whole else start + (self.beat_times[whole + 1] - start) * (Fraction(beat) - whole)

    def beat_at(self, seconds: Fraction) -> Fraction:
        """The (fractional) beat sounding at `seconds` from the cue's start: the inverse of `time_at`."""
        whole = min(max(bisect_right(self.beat_times, seconds) - 1, 0), self.beats - 1)
        start, end = self.beat_times[whole], self.beat_times[whole + 1]
        return whole + (Fraction(seconds) - start) / (end - start)

    def nearest_beat(self, frame: int, rate: Fraction, start_frame: int = 0) -> int:
        """Index, 0 to `beats`, of the beat nearest in time to the timeline's `frame`; of two equally near the later."""
        seconds = seconds_at(frame - start_frame, rate)
        right = min(max(bisect_right(self.beat_times, seconds), 1), self.beats)
        return right if self.beat_times[right] - seconds <= seconds - self.beat_times[right - 1] else right - 1

    def nearest_pulse(self, seconds: Fraction) -> Fraction:
        """The accent nearest in time to `seconds`, as a beat: whole in simple meters, a dotted quarter apart in 6/8."""
        pulse = self.beats_per_pulse
        below = (self.beat_at(seconds) - self.first_downbeat) // pulse * pulse + self.first_downbeat
        above = below + pulse
        return below if seconds - self.time_at(below) < self.time_at(above) - seconds else above

    def is_downbeat(self, beat: Fraction | int) -> bool:
        """Whether a bar opens exactly there."""
        return (beat - self.first_downbeat) % self.beats_per_bar == 0


def pulse_beats(meter: tuple[int, int]) -> Fraction:
    """Quarter notes from one felt accent of `meter` to the next."""
    return Fraction(3, 2) if meter[1] == 8 and meter[0] % 3 == 0 else Fraction(1)


@dataclass(frozen=True)
class HitFit:
    """How one hit sits on a grid."""

    hit: Hit
    beat: Fraction
    """The accent nearest to it, in beats of the grid."""
    downbeat: bool
    """Whether that accent opens a bar."""
    nearest_beat_frame: Fraction
    """Where that accent falls, in frames of the timeline."""
    frames_off: Fraction
    """How many frames the accent comes after the hit; negative is before."""
    state: HitState
    """met: within the hit's tolerance; near: within twice that; ignored: weight 0."""


def fit_hits(grid: BeatGrid, hits: Iterable[Hit], rate: Fraction, start_frame: int) -> tuple[HitFit, ...]:
    """How each of `hits` sits on `grid`, whose cue begins at the timeline's `start_frame`."""
    pulse = grid.beats_per_pulse
    first = grid.first_downbeat % pulse
    count = int((grid.beats - first) // pulse) + 1
    # Floats find the accent, which is quick; where it lies is then exact.
    beats = float(first) + float(pulse) * np.arange(count)
    seconds = np.interp(beats, np.arange(grid.beats + 1), np.array(grid.beat_times, float))
    places = start_frame + seconds * float(rate)
    fits = []
    for hit in hits:
        right = int(np.searchsorted(places, hit.frame))
        nearest = min(range(max(0, right - 1), min(count, right + 1)), key=lambda i: abs(places[i] - hit.frame))
        beat = first + pulse * nearest
        fits.append(_fit(hit, beat, grid.is_downbeat(beat), start_frame + frame_at(grid.time_at(beat), rate)))
    return tuple(fits)


def fit_hits_steadily(
    bpm: Fraction, offset: Fraction, meter: tuple[int, int], hits: Iterable[Hit], rate: Fraction, start_frame: int
) -> tuple[HitFit, ...]:
    """`fit_hits` on `constant_grid` without making it; accents outside the cue count too."""
    beat_frames = frame_at(60 / bpm, rate)
    pulse, first_frame = pulse_beats(meter), start_frame + frame_at(offset, rate)
    downbeat, bar = offset // (60 / bpm) % (meter[0] * 4 // meter[1]), meter[0] * 4 // meter[1]
    # In whole numbers over one denominator, which is several times quicker than fractions.
    pulse_frames = pulse * beat_frames
    unit = math.lcm(pulse_frames.denominator, first_frame.denominator)
    pulse_units, first_units = int(pulse_frames * unit), int(first_frame * unit)
    fits = []
    for hit in hits:
        number = (2 * (hit.frame * unit - first_units) + pulse_units) // (2 * pulse_units)
        units = first_units + number * pulse_units
        off = units - hit.frame * unit
        beats = pulse.numerator * number
        fits.append(
            HitFit(
                hit,
                Fraction(beats + downbeat * pulse.denominator, pulse.denominator),
                beats % (bar * pulse.denominator) == 0,
                Fraction(units, unit),
                Fraction(off, unit),
                _state(hit, abs(off), unit),
            )
        )
    return tuple(fits)


def _fit(hit: Hit, beat: Fraction, downbeat: bool, frame: Fraction) -> HitFit:
    off = frame - hit.frame
    return HitFit(hit, beat, downbeat, frame, off, _state(hit, abs(off), 1))


def _state(hit: Hit, off: Fraction | int, unit: int) -> HitState:
    """How a hit is met that is `off` away, in frames times `unit`."""
    if hit.weight <= 0:
        return "ignored"
    if off <= hit.tolerance_frames * unit:
        return "met"
    return "near" if off <= 2 * hit.tolerance_frames * unit else "missed"


def constant_grid(bpm: Fraction, offset: Fraction, meter: tuple[int, int], duration: Fraction) -> BeatGrid:
    """A grid of one tempo over `duration` seconds, with a downbeat `offset` seconds after the start."""
    beat = Fraction(60) / bpm
    pickup = offset // beat
    first = offset - pickup * beat
    count = max(1, -((first - duration) // beat))
    bar = meter[0] * 4 // meter[1]
    return BeatGrid(tuple(first + beat * i for i in range(count + 1)), meter, pickup % bar)


def nearest_frame(grid: BeatGrid, beat: Fraction | int, rate: Fraction, start_frame: int) -> int:
    """The whole frame of the timeline nearest to a beat."""
    return start_frame + quantise(frame_at(grid.time_at(beat), rate))
