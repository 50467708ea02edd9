"""Joining new music to old: which notes stay, and how well the seam holds.

A free mask (T, 3) says which beats of which part are new. Splicing works on notes, not on steps: a note belongs to the
beat it begins in. Notes that begin in kept beats stay as they are, each with its own start, length, pitch and
velocity; notes that begin in free beats come from the new roll, and end at the latest where their free stretch does.

    kept   |C---....|....D---|        free beats in the middle
    fresh  |....E---|F-------|  ->    |C---....|F---D---|

A seam is measured by three differences between the beats before it and the beats after it: harmony (distance of tonal
centroids: Harte, Sandler and Gasser, "Detecting harmonic change in musical audio", 2006), pulse (where in the bar
notes begin, and how many) and register (mean pitch of each part). Each is compared with the same difference at the
music's own bar lines, since a bar line is where music may change: a seam as smooth as the median bar line scores 1,
one rougher than all of them scores 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from .grid import STEPS_PER_BEAT
from .roll import PARTS, Roll, notes_of, roll_of

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

WINDOW_BEATS = 4
"""How much music on either side of a seam is compared."""
_MELODY = 0
_WEIGHTS = {"harmony": 0.4, "pulse": 0.3, "register": 0.3}


@dataclass(frozen=True)
class FreeRun:
    """Beats of one part that are new: [start_beat, end_beat)."""

    part: str
    start_beat: int
    end_beat: int


@dataclass(frozen=True)
class Seam:
    """How smoothly the music passes the edges of a change: 0 rough, 1 no rougher than its own bar lines."""

    harmony: float
    pulse: float
    register: float

    @property
    def score(self) -> float:
        """The three in one: 40 % harmony, 30 % pulse, 30 % register."""
        return sum(weight * float(getattr(self, name)) for name, weight in _WEIGHTS.items())


NO_SEAM = Seam(1.0, 1.0, 1.0)
"""Where nothing old meets anything new."""


def runs_of(free: Bools) -> tuple[FreeRun, ...]:
    """The True stretches of a (T, 3) mask, in order of part, then beat."""
    runs = []
    for part, name in enumerate(PARTS):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], free[:, part].astype(np.int8), [0]])))
        runs += [FreeRun(name, int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    return tuple(runs)


def mask_of(runs: Sequence[FreeRun], beats: int) -> Bools:
    """The (T, 3) mask `runs_of` read."""
    free = np.zeros((beats, len(PARTS)), bool)
    for run in runs:
        free[run.start_beat : run.end_beat, PARTS.index(run.part)] = True
    return free


def splice(kept: Roll, fresh: Roll, free: Bools) -> Roll:
    """`fresh` where `free` (T, 3), and every note of `kept` that begins elsewhere, whole; see the module.

    A fresh note is left out where a kept one of its part sounds on its key (in the melody: where any kept one sounds).
    """
    steps = kept.steps
    old, new = notes_of(kept), notes_of(fresh)
    stays = old[~_inside(old, free)]
    comes = new[_inside(new, free)]
    sounding = np.zeros((len(PARTS), steps + 1, 128), bool)
    for part, start, end, pitch, _ in stays.tolist():
        sounding[part, start:end, pitch] = True
    limits = _run_ends(free) * STEPS_PER_BEAT
    joined = [tuple(note) for note in stays.tolist()]
    for part, start, end, pitch, velocity in comes.tolist():
        taken = np.any(sounding[part, start] if part == _MELODY else sounding[part, start, pitch])
        if taken:
            continue
        last = min(end, int(limits[start // STEPS_PER_BEAT, part]))
        keys = slice(None) if part == _MELODY else slice(pitch, pitch + 1)
        met = np.flatnonzero(np.any(sounding[part, start:last, keys], axis=-1))
        joined.append((part, start, start + int(met[0]) if len(met) else last, pitch, velocity))
    return roll_of(np.array(joined, np.int64).reshape(-1, 5), steps)


def silenced(roll: Roll, silent: Bools) -> Roll:
    """`roll` without the notes that begin in `silent` beats (T,), and with those that ring into them cut off there."""
    mask: Bools = np.repeat(silent[:, None], len(PARTS), axis=1)
    ends = _run_ends(~mask) * STEPS_PER_BEAT
    kept = []
    for note in notes_of(roll).tolist():
        part, start, end, pitch, velocity = note
        beat = start // STEPS_PER_BEAT
        if not silent[beat]:
            kept.append((part, start, min(end, int(ends[beat, part])), pitch, velocity))
    return roll_of(np.array(kept, np.int64).reshape(-1, 5), roll.steps)


def begun(roll: Roll, free: Bools) -> Roll:
    """Only the notes that begin in `free` beats (T, 3), whole."""
    notes = notes_of(roll)
    return roll_of(notes[_inside(notes, free)], roll.steps)


def outside_equal(a: Roll, b: Roll, free: Bools) -> bool:
    """Whether the notes that begin outside `free` (T, 3) are the same, one by one."""
    one, other = notes_of(a), notes_of(b)
    return np.array_equal(one[~_inside(one, free)], other[~_inside(other, free)])


def _inside(notes: NDArray[np.int32], free: Bools) -> Bools:
    return np.asarray(free[notes[:, 1] // STEPS_PER_BEAT, notes[:, 0]], bool)


def _run_ends(free: Bools) -> NDArray[np.int64]:
    """(T, 3): for each free beat the beat its stretch ends before; elsewhere the beat itself."""
    beats = len(free)
    ends = np.repeat(np.arange(beats)[:, None], free.shape[1], axis=1)
    following = np.full(free.shape[1], beats)
    for beat in range(beats - 1, -1, -1):
        following = np.where(free[beat], following, beat)
        ends[beat] = following
    return ends


# --- how well a seam holds -----------------------------------------------------------------------------------------


def seam_of(roll: Roll, free: Bools, bar_beats: Sequence[int]) -> Seam:
    """How the music passes from kept to new beats and back, the roughest edge counting; `free` is (T, 3).

    `bar_beats`: the beats that open a bar. What is compared is all that sounds, since a seam is heard in the whole.
    """
    anywhere: Bools = np.asarray(free.any(axis=1), bool)
    edges = np.flatnonzero(anywhere[1:] != anywhere[:-1]) + 1
    if not len(edges):
        return NO_SEAM
    table = _Table.of(roll)
    near = {int(edge) for edge in edges}
    own = np.array([table.differences(bar) for bar in bar_beats if bar > 0 and bar not in near]).reshape(-1, 3)
    worst = np.array([table.differences(int(edge)) for edge in edges]).max(axis=0)
    shares = [_share(own[:, column], worst[column]) for column in range(3)]
    return Seam(*shares)


def _share(own: Floats, difference: float) -> float:
    """1 where `difference` is no more than the median of `own`, falling to 0 where it is more than all of them."""
    if not len(own):
        return 1.0 if difference <= 1e-9 else 0.5
    above = float((own >= difference - 1e-9).mean())
    return round(min(1.0, 2 * above), 4)


@dataclass(frozen=True)
class _Table:
    """What seams compare, beat by beat."""

    chroma: Floats
    """(T, 12): sixteenths sounding, by pitch class."""
    onsets: Floats
    """(T, 4): notes beginning on each sixteenth."""
    pitch_sum: Floats
    """(T, 3): sum of pitches of notes that begin, by part."""
    count: Floats
    """(T, 3)."""

    @classmethod
    def of(cls, roll: Roll) -> "_Table":
        beats = roll.steps // STEPS_PER_BEAT
        sounding = (roll.onset | roll.sustain).reshape(len(PARTS), beats, STEPS_PER_BEAT, 128).sum(axis=(0, 2))
        chroma = np.stack([sounding[:, pitch_class::12].sum(axis=1) for pitch_class in range(12)], axis=1)
        begins = roll.onset.reshape(len(PARTS), beats, STEPS_PER_BEAT, 128)
        return cls(
            chroma.astype(float),
            begins.sum(axis=(0, 3)).astype(float),
            (begins * np.arange(128)).sum(axis=(2, 3)).T.astype(float),
            begins.sum(axis=(2, 3)).T.astype(float),
        )

    def differences(self, beat: int) -> tuple[float, float, float]:
        """(harmony, pulse, register) differences between what comes before and after `beat`; 0 is the same."""
        before = slice(max(0, beat - WINDOW_BEATS), beat)
        after = slice(beat, beat + WINDOW_BEATS)
        harmony = float(np.linalg.norm(_centroid(self.chroma[before]) - _centroid(self.chroma[after])))
        one, other = self.onsets[before].mean(axis=0), self.onsets[after].mean(axis=0)
        pulse = float(np.abs(one - other).sum() / max(1e-9, (one + other).sum()))
        steps = []
        for part in range(len(PARTS)):
            counts = self.count[before, part].sum(), self.count[after, part].sum()
            if all(counts):
                means = self.pitch_sum[before, part].sum() / counts[0], self.pitch_sum[after, part].sum() / counts[1]
                steps.append(abs(float(means[0] - means[1])))
        return harmony, pulse, max(steps, default=0.0)


def _centroid(chroma: Floats) -> Floats:
    """(6,): the tonal centroid: circles of fifths, minor thirds and major thirds, of radius 1, 1 and 0.5."""
    total = chroma.sum(axis=0)
    if not total.sum():
        return np.zeros(6)
    angles = np.arange(12) * np.pi
    columns = [
        radius * wave(angles * turn)
        for radius, turn in ((1.0, 7 / 6), (1.0, 3 / 2), (0.5, 2 / 3))
        for wave in (np.sin, np.cos)
    ]
    return np.asarray(np.stack(columns) @ (total / total.sum()), float)


def beat_reach(start: Fraction, end: Fraction, beat_times: Sequence[Fraction], slack: Fraction) -> tuple[int, int]:
    """(first, last + 1) of the beats that sound between `start` and `end` seconds.

    An edge within `slack` seconds of a beat means that beat: a cut the music meets does not reach into the beat before.
    """
    times = np.array([float(time) for time in beat_times])
    first = int(np.searchsorted(times, float(start), side="right")) - 1
    if first + 1 < len(times) and times[first + 1] - float(start) <= float(slack):
        first += 1
    last = int(np.searchsorted(times, float(end), side="left"))
    if last > 0 and float(end) - times[last - 1] <= float(slack):
        last -= 1
    beats = len(times) - 1
    first = min(max(first, 0), beats)
    return first, min(max(last, first), beats)
