"""From parts to stems, on the grid: each function takes notes of named parts and returns the notes of a line.

Times are in sixteenths (steps) from the grid's first beat; velocities stay the model's. Nothing here is random
and nothing is invented: a pitch class a stem plays sounds in its parts at that moment (drums excepted: they
play a pattern, but only in beats where the parts play, at the parts' strength).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..tempo import STEPS_PER_BEAT

PITCH_CLASSES = 12
_HOME_STEPS = 64
"""Sixteenths after which voices come home."""


@dataclass(frozen=True, order=True)
class StepNote:
    """A note on the grid."""

    start: int
    """Sixteenths from the grid's first beat."""
    length: int
    """In sixteenths, at least 1."""
    pitch: int
    velocity: int

    @property
    def end(self) -> int:
        """The sixteenth after its last."""
        return self.start + self.length


@dataclass(frozen=True)
class Chord:
    """What the harmony is over a stretch of the grid."""

    start: int
    end: int
    classes: tuple[int, ...]
    """Pitch classes that really sound, the root first."""
    velocity: int


def fold(pitch: int, lowest: int, highest: int) -> int:
    """`pitch` moved by whole octaves into [lowest, highest], by as few as possible; the range holds an octave."""
    while pitch < lowest:
        pitch += PITCH_CLASSES
    while pitch > highest:
        pitch -= PITCH_CLASSES
    return pitch


def top_line(notes: Sequence[StepNote]) -> list[StepNote]:
    """The highest note of each onset, unless a higher one sounds on; each ends where the next begins."""
    line: list[StepNote] = []
    sounding: list[StepNote] = []
    for start, group in _by_onset(notes):
        highest = max(group, key=lambda note: note.pitch)
        sounding = [other for other in sounding if other.end > start]
        higher = any(other.pitch > highest.pitch for other in sounding)
        sounding += group
        if higher:
            continue
        if line and line[-1].end > start:
            line[-1] = replace(line[-1], length=start - line[-1].start)
        line.append(highest)
    return line


def bass_line(notes: Sequence[StepNote], steps_per_bar: int) -> list[StepNote]:
    """The lowest line: onsets no higher than anything that begins or sounds within a beat of them.

    A step of two semitones above the lowest neighbour still counts, so that a walking bass walks. Each note is
    held to the next, or for a bar.
    """
    line: list[StepNote] = []
    by_start = sorted(notes)
    starts, longest = [note.start for note in by_start], max((note.length for note in by_start), default=0)
    for start, group in _by_onset(by_start):
        low = min(group, key=lambda note: note.pitch)
        first = bisect_left(starts, start - STEPS_PER_BEAT - longest)
        around = by_start[first : bisect_left(starts, start + STEPS_PER_BEAT)]
        near = [n.pitch for n in around if n.end > start - STEPS_PER_BEAT]
        if low.pitch <= min(near) + 2 and low.pitch <= 62:
            line.append(low)
    held = []
    for index, note in enumerate(line):
        until = line[index + 1].start if index + 1 < len(line) else note.end
        held.append(replace(note, length=max(1, min(until - note.start, max(note.length, steps_per_bar)))))
    return held


def without(notes: Iterable[StepNote], taken: Iterable[StepNote]) -> list[StepNote]:
    """The notes whose onset and pitch are not among `taken`."""
    gone = {(note.start, note.pitch) for note in taken}
    return [note for note in notes if (note.start, note.pitch) not in gone]


# Chord shapes as pitch classes over the root, with a small handicap for the rarer ones.
_SHAPES: tuple[tuple[tuple[int, ...], float], ...] = (
    ((0, 4, 7), 0.0),
    ((0, 3, 7), 0.0),
    ((0, 5, 7), 0.08),
    ((0, 4, 7, 11), 0.06),
    ((0, 3, 7, 10), 0.05),
    ((0, 4, 7, 10), 0.06),
    ((0, 3, 6), 0.12),
    ((0, 4, 8), 0.16),
)


# Every shape on every root, what each pitch class counts in it (the root counts more), and what is taken off.
_CANDIDATES = tuple(
    tuple((root + interval) % PITCH_CLASSES for interval in shape)
    for root in range(PITCH_CLASSES)
    for shape, _ in _SHAPES
)
_CANDIDATE_WEIGHTS = np.array(
    [[(c in classes) + 0.3 * (c == classes[0]) for c in range(PITCH_CLASSES)] for classes in _CANDIDATES]
)
_CANDIDATE_HANDICAPS = np.array([
    handicap + 0.06 * len(shape) for _ in range(PITCH_CLASSES) for shape, handicap in _SHAPES
])  # fmt: skip


def chords(notes: Sequence[StepNote], total_steps: int, first_downbeat_step: int, steps_per_bar: int) -> list[Chord]:
    """The harmony by half bars: the chord shape that explains most of what sounds, lowest notes counting most.

    Stretches where nothing sounds are left out; equal neighbours are joined. Only pitch classes that sound stay in
    the chord, so that a wrong guess of the shape cannot add a wrong note.
    """
    span = steps_per_bar // 2 if steps_per_bar % 8 == 0 else steps_per_bar
    edges = sorted({0, total_steps, *range(first_downbeat_step % span, total_steps, span)})
    sounding: list[list[StepNote]] = [[] for _ in edges[1:]]
    for note in notes:
        last = bisect_left(edges, note.end, hi=len(edges) - 1)
        for inside in sounding[max(0, bisect_right(edges, note.start) - 1) : last]:
            inside.append(note)
    found: list[Chord] = []
    for (start, end), inside in zip(pairwise(edges), sounding, strict=True):
        if not inside:
            continue
        weights, velocity = _chroma(inside, start, end)
        classes = _best_shape(weights)
        if found and found[-1].end == start and found[-1].classes == classes:
            found[-1] = replace(found[-1], end=end, velocity=max(found[-1].velocity, velocity))
        else:
            found.append(Chord(start, end, classes, velocity))
    return found


def _chroma(notes: Sequence[StepNote], start: int, end: int) -> tuple[NDArray[np.float64], int]:
    weights = np.zeros(PITCH_CLASSES)
    lowest = min(note.pitch for note in notes)
    for note in notes:
        sounding = min(note.end, end) - max(note.start, start)
        weights[note.pitch % PITCH_CLASSES] += sounding * (2.0 if note.pitch <= lowest + 2 else 1.0)
    return weights / weights.sum(), round(sum(note.velocity for note in notes) / len(notes))


def _best_shape(weights: NDArray[np.float64]) -> tuple[int, ...]:
    best: tuple[int, ...] = (int(np.argmax(weights)),)
    best_score = -1.0
    fits = (_CANDIDATE_WEIGHTS @ weights - _CANDIDATE_HANDICAPS).tolist()
    for classes, score in zip(_CANDIDATES, fits, strict=True):
        if score > best_score + 1e-9:
            best, best_score = classes, score
    return tuple(c for c in best if weights[c] > 0.02) or (int(np.argmax(weights)),)


def voice(progression: Sequence[Chord], lowest: int, highest: int, voices: int) -> list[tuple[Chord, tuple[int, ...]]]:
    """Pitches for each chord, in the range, moving as little as possible from one chord to the next.

    Every four bars the voices come back to the middle of the range, so that a chord made anew does not move all
    that follow.
    """
    voiced: list[tuple[Chord, tuple[int, ...]]] = []
    centre = (lowest + highest) / 2
    before: tuple[int, ...] = ()
    last_start = 0
    for chord in progression:
        if chord.start // _HOME_STEPS != last_start // _HOME_STEPS:
            before = ()
        last_start = chord.start
        pitches: list[int] = []
        for pitch_class in chord.classes[:voices]:
            choices = [p for p in range(lowest, highest + 1) if p % PITCH_CLASSES == pitch_class]
            free = [p for p in choices if all(abs(p - q) > 1 for q in pitches)] or choices
            # Near where a voice already is; without one, around the middle of the range.
            nearest = before or (round(centre),)
            cost = {p: min(abs(p - q) for q in nearest) + 0.15 * abs(p - centre) for p in free}
            pitches.append(min(free, key=cost.__getitem__))
        before = tuple(sorted(set(pitches)))
        voiced.append((chord, before))
    return voiced


def pad(voiced: Sequence[tuple[Chord, tuple[int, ...]]]) -> list[StepNote]:
    """The chords held; a voice that stays is tied over for up to four bars of 4/4."""
    notes: list[StepNote] = []
    sounding: dict[int, StepNote] = {}
    for chord, pitches in voiced:
        kept: dict[int, StepNote] = {}
        for pitch in pitches:
            old = sounding.get(pitch)
            if old is not None and old.end == chord.start and old.length + chord.end - chord.start <= 64:
                kept[pitch] = replace(old, length=chord.end - old.start)
            else:
                kept[pitch] = StepNote(chord.start, chord.end - chord.start, pitch, chord.velocity)
        notes += [note for pitch, note in sounding.items() if pitch not in kept or kept[pitch].start != note.start]
        sounding = kept
    return sorted(notes + list(sounding.values()))


def struck(voiced: Sequence[tuple[Chord, tuple[int, ...]]], notes: Sequence[StepNote]) -> list[StepNote]:
    """The chord where the parts begin a note on an eighth, each ringing to the next."""
    onsets = [(start, max(n.velocity for n in group)) for start, group in _by_onset(notes) if start % 2 == 0]
    starts = [start for start, _ in onsets]
    line = []
    for chord, pitches in voiced:
        inside = onsets[bisect_left(starts, chord.start) : bisect_left(starts, chord.end)]
        ends = [start for start, _ in inside[1:]] + [chord.end] if inside else []
        for (start, velocity), end in zip(inside, ends, strict=True):
            line += [StepNote(start, end - start, pitch, velocity) for pitch in pitches]
    return line


def pulse(voiced: Sequence[tuple[Chord, tuple[int, ...]]], notes: Sequence[StepNote], every: int) -> list[StepNote]:
    """The chord repeated every `every` sixteenths, strongest on the beat, at the strength of the parts there."""
    strength = _strength(notes)

    def accents(step: int) -> int:
        weight = 1.0 if step % STEPS_PER_BEAT == 0 else 0.82 if step % 2 == 0 else 0.72
        return round(strength(step) * weight)

    return [
        StepNote(step, min(every, chord.end - step), pitch, max(1, accents(step)))
        for chord, pitches in voiced
        for step in range(chord.start + -chord.start % every, chord.end, every)
        for pitch in pitches
    ]


def arpeggio(voiced: Sequence[tuple[Chord, tuple[int, ...]]], notes: Sequence[StepNote], every: int) -> list[StepNote]:
    """The chord broken upward and back, a note every `every` sixteenths."""
    strength = _strength(notes)
    line = []
    for chord, pitches in voiced:
        order = (*pitches, *pitches[-2:0:-1])
        for count, step in enumerate(range(chord.start + -chord.start % every, chord.end, every)):
            accent = 1.0 if count % len(order) == 0 else 0.85
            length, pitch = min(every, chord.end - step), order[count % len(order)]
            line.append(StepNote(step, length, pitch, max(1, round(strength(step) * accent))))
    return line


def drums(
    patterns: Sequence[tuple[int, str]],
    notes: Sequence[StepNote],
    total_steps: int,
    first_downbeat_step: int,
    steps_per_bar: int,
) -> list[StepNote]:
    """The patterns, in beats where the parts begin or hold a note, at the strength of the parts there.

    A pattern written for four beats is cut to a shorter bar.
    """
    sounding = np.zeros(total_steps + 1, bool)
    for note in notes:
        sounding[note.start : note.end] = True
    strength = _strength(notes)
    hits = []
    for step in range(total_steps):
        beat = step // STEPS_PER_BEAT * STEPS_PER_BEAT
        if not sounding[beat : beat + STEPS_PER_BEAT].any():
            continue
        position = (step - first_downbeat_step) % steps_per_bar
        for pitch, text in patterns:
            mark = text[position % len(text)]
            if mark != ".":
                hits.append(StepNote(step, 1, pitch, min(127, max(1, round(strength(step) * (0.3 + 0.1 * int(mark)))))))
    return hits


def bar_energy(notes: Sequence[StepNote], edges: Sequence[int]) -> list[float]:
    """How much happens in each bar, 0 to 1: half from notes begun a beat, half from their strength; smoothed.

    Eight notes a beat, or velocity 120, is full. The scale is absolute: a quiet cue stays quiet throughout.
    """
    ordered = sorted(notes)
    starts = [note.start for note in ordered]
    raw = []
    for start, end in pairwise(edges):
        inside = ordered[bisect_left(starts, start) : bisect_left(starts, end)]
        density = len(inside) / max(1, end - start) * STEPS_PER_BEAT
        loud = sum(note.velocity for note in inside) / len(inside) if inside else 0.0
        raw.append(0.5 * min(1.0, density / 8) + 0.5 * min(1.0, max(0.0, (loud - 30) / 90)))
    smooth = []
    for index in range(len(raw)):
        around = raw[max(0, index - 1) : index + 2]
        smooth.append(0.5 * raw[index] + 0.5 * sum(around) / len(around))
    return smooth


def _strength(notes: Sequence[StepNote]) -> Callable[[int], float]:
    """Velocity of what the parts play at a step: the loudest note begun in its beat, else the last one heard."""
    by_beat: dict[int, int] = {}
    for note in notes:
        beat = note.start // STEPS_PER_BEAT
        by_beat[beat] = max(by_beat.get(beat, 0), note.velocity)
    beats = sorted(by_beat)

    def at(step: int) -> float:
        place = bisect_right(beats, step // STEPS_PER_BEAT) - 1
        return float(by_beat[beats[max(0, place)]]) if beats else 64.0

    return at


def _by_onset(notes: Iterable[StepNote]) -> list[tuple[int, list[StepNote]]]:
    groups: dict[int, list[StepNote]] = {}
    for note in sorted(notes):
        groups.setdefault(note.start, []).append(note)
    return sorted(groups.items())
