"""Score: from the roll to notes in seconds, per part and per stem, ready for MIDI and sound.

Parts are the model's own lines, exactly on the grid and at its velocities. Stems are the arrangement of a style
(`styles/`), performed: a player's timing within a few milliseconds, phrases that rise and fall, pedal changed with
the harmony, bowed notes that breathe. Nothing random is left to chance: one seed, one performance.

Conventions: seconds are `Fraction` from the cue's start; nothing starts before 0 or sounds after the cue's end.
"""

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Literal, get_args

import numpy as np

from .errors import RequestError
from .roll import PARTS, Roll
from .styles import derive
from .styles.derive import StepNote
from .styles.table import StemStyle, Style
from .tempo import STEPS_PER_BEAT, BeatGrid
from .timing import quantise

Ending = Literal["ring", "hard", "stop", "fade"]
"""`ring`: the last notes are held to the cue's end and die away; `hard`: they are held and cut off there; `stop`: they
end as written; `fade`: the last seconds fade out."""
HARD_FADE = Fraction(1, 20)
"""Seconds in which a hard end goes to nothing: short enough to be a cut, long enough not to click."""

SUSTAIN_PEDAL, EXPRESSION = 64, 11
"""The MIDI controllers a performance uses."""


@dataclass(frozen=True)
class Note:
    """One note; times in seconds from the cue's start."""

    start: Fraction
    duration: Fraction
    pitch: int
    """MIDI number, 60 is middle C."""
    velocity: int
    """1 to 127."""


@dataclass(frozen=True)
class Control:
    """One MIDI controller value; time in seconds from the cue's start."""

    time: Fraction
    number: int
    """64 sustain pedal, 11 expression."""
    value: int
    """0 to 127."""


@dataclass(frozen=True)
class Stem:
    """One instrument line of a style, derived from named parts."""

    name: str
    """melody, counter, harmony, bass, pad, percussion …"""
    program: int
    """General MIDI program, 0 to 127."""
    is_drum: bool
    notes: tuple[Note, ...]
    """In order of start."""
    sources: tuple[str, ...] = ()
    """The parts it is made from."""
    controls: tuple[Control, ...] = ()
    """Pedal and expression, in order of time."""


@dataclass(frozen=True)
class Score:
    """What is played in a cue."""

    title: str
    grid: BeatGrid
    key: str
    """Like "A minor"."""
    duration: Fraction
    """Seconds, the cue's own length; nothing sounds after it."""
    parts: tuple[Stem, ...]
    """The model's own lines, one per part."""
    stems: tuple[Stem, ...]
    """The arrangement of them in a style."""
    style: Style | None = field(default=None, repr=False)
    """The style the stems were made in; its effects shape their sound. None: dry."""
    fade_out: Fraction = Fraction(1, 4)
    """Seconds before the cue's end over which the sound goes to nothing."""


def roll_notes(roll: Roll, part: int) -> list[StepNote]:
    """The notes of one part on the grid, in order of start, then pitch."""
    onset, sustain, velocity = roll.onset[part], roll.sustain[part], roll.velocity[part]
    steps = roll.steps
    notes = []
    for start, pitch in zip(*np.nonzero(onset), strict=True):
        end = int(start) + 1
        while end < steps and sustain[end, pitch] and not onset[end, pitch]:
            end += 1
        strength = min(127, max(1, int(velocity[start, pitch])))
        notes.append(StepNote(int(start), end - int(start), int(pitch), strength))
    return sorted(notes)


def perform(
    roll: Roll,
    grid: BeatGrid,
    *,
    style: Style,
    key: str,
    title: str,
    duration: Fraction,
    seed: int,
    dialogue: Sequence[tuple[Fraction, Fraction]] = (),
    ending: Ending = "ring",
    accent: Fraction | None = None,
    tail: Fraction | None = None,
    silent_beats: Sequence[tuple[int, int]] = (),
) -> Score:
    """Play `roll` on `grid` in `style`.

    `roll` holds 4 steps per beat of `grid`, or fewer; `duration` is the cue's length in seconds; `dialogue` holds
    (start, end) in seconds from the cue's start, where stems do what their style says under speech. The same
    arguments give the same score. Notes that begin after the cue's end are left out.

    `accent` is the second of the last accent: what begins there is on time and held to the end, and nothing begins
    after it. `tail` is the second from which the sound dies away. In the beats [first, last) of `silent_beats` nothing
    begins and nothing sounds on.

    Raises RequestError where the roll is longer than the grid, the cue has no length, or the ending is unknown.
    """
    if roll.onset.shape[0] != len(PARTS) or roll.steps > grid.beats * STEPS_PER_BEAT:
        raise RequestError(
            f"A roll of shape {roll.onset.shape} does not fit {len(PARTS)} parts and {grid.beats} beats; "
            "make it anew for this grid."
        )
    if duration <= 0:
        raise RequestError(f"A cue of {float(duration)} s has nothing to play; give it a length above zero.")
    if ending not in get_args(Ending):
        raise RequestError(f"There is no ending {ending!r}; choose one of {', '.join(get_args(Ending))}.")
    last_step = None if accent is None else quantise(grid.beat_at(accent) * STEPS_PER_BEAT)
    quiet = tuple((first * STEPS_PER_BEAT, last * STEPS_PER_BEAT) for first, last in silent_beats)
    heard = {}
    for index, part in enumerate(PARTS):
        line = _within(roll_notes(roll, index), grid, duration)
        heard[part] = _held(_begun(line, last_step, quiet), last_step, roll.steps)
    parts = tuple(
        Stem(part, _part_program(style, part), False, _as_written(heard[part], grid, duration), (part,))
        for part in PARTS
    )
    stage = _Stage(grid, duration, roll.steps, heard, style, seed, tuple(dialogue), ending, last_step, quiet)
    stems = tuple(_stem(stem, stage) for stem in style.stems)
    return Score(title, grid, key, duration, parts, stems, style, _fade_out(ending, duration, tail))


def _fade_out(ending: Ending, duration: Fraction, tail: Fraction | None) -> Fraction:
    """Seconds before the end over which the sound goes to nothing."""
    if ending == "hard":
        return min(HARD_FADE, duration / 3)
    dying = None if tail is None or tail >= duration else duration - max(tail, Fraction(0))
    if ending == "fade" and dying is not None:
        return dying
    if ending == "ring" and dying is not None:
        # The accent is heard at its strength first; then it takes the rest of its time to go.
        return max(dying * 3 / 4, min(Fraction(6, 5), dying))
    fade = {"ring": Fraction(6, 5), "stop": Fraction(1, 4), "fade": Fraction(6)}[ending]
    return min(fade, duration / 3)


def _begun(line: list[StepNote], last_step: int | None, quiet: Sequence[tuple[int, int]]) -> list[StepNote]:
    """The notes that begin neither in a silence nor after the last accent; what rings into a silence ends there."""
    kept = []
    for note in line:
        if (last_step is not None and note.start > last_step) or any(a <= note.start < b for a, b in quiet):
            continue
        stop = min((a for a, _ in quiet if note.start < a), default=note.end)
        kept.append(replace(note, length=min(note.end, stop) - note.start))
    return kept


def _held(line: list[StepNote], last_step: int | None, steps: int) -> list[StepNote]:
    """What begins on the last accent held to the last step."""
    return [replace(note, length=steps - note.start) if note.start == last_step else note for note in line]


def _within(notes: list[StepNote], grid: BeatGrid, duration: Fraction) -> list[StepNote]:
    return [note for note in notes if grid.step_time(note.start) < duration]


def _part_program(style: Style, part: str) -> int:
    for stem in style.stems:
        if stem.name == part and stem.take != "drums":
            return stem.program
    return 0


def _as_written(notes: list[StepNote], grid: BeatGrid, duration: Fraction) -> tuple[Note, ...]:
    played = []
    for note in notes:
        start = grid.step_time(note.start)
        played.append(Note(start, min(grid.step_time(note.end), duration) - start, note.pitch, note.velocity))
    return tuple(played)


class _Stage:
    """What all stems of one performance share: the bars, the harmony, the phrases, the energy."""

    def __init__(
        self,
        grid: BeatGrid,
        duration: Fraction,
        steps: int,
        heard: dict[str, list[StepNote]],
        style: Style,
        seed: int,
        dialogue: tuple[tuple[Fraction, Fraction], ...],
        ending: Ending,
        last_step: int | None,
        quiet: tuple[tuple[int, int], ...],
    ) -> None:
        self.last_step, self.quiet = last_step, quiet
        self.grid, self.duration, self.steps, self.heard = grid, duration, steps, heard
        self.style, self.seed, self.ending = style, seed, ending
        speech = sorted(dialogue)
        self._words = [start for start, _ in speech]
        self._said = list(accumulate((end for _, end in speech), max))
        self.steps_per_bar = grid.beats_per_bar * STEPS_PER_BEAT
        self.downbeat = grid.first_downbeat * STEPS_PER_BEAT
        everything = sorted(note for notes in heard.values() for note in notes)
        opening = self.downbeat % self.steps_per_bar
        self.bar_edges = sorted({0, steps, *range(opening, steps, self.steps_per_bar)})
        self.energy = derive.bar_energy(everything, self.bar_edges)
        if last_step is not None and (final := self.bar_of(last_step)):
            # The last chord is one note long; who played up to it plays it.
            self.energy = [*self.energy[:final], *([self.energy[final - 1]] * (len(self.energy) - final))]
        accompaniment = sorted(heard["harmony"] + heard["counter"]) or everything
        self.chords = derive.chords(accompaniment, steps, self.downbeat, self.steps_per_bar)
        self.phrases = _phrases(heard["melody"] or everything, self.bar_edges, self.steps_per_bar)
        self._arches = [start for start, _ in self.phrases]
        self._straight = [grid.step_time(step) for step in range(max(steps, grid.beats * STEPS_PER_BEAT) + 1)]

    def bar_of(self, step: int) -> int:
        return min(bisect_right(self.bar_edges, step) - 1, len(self.bar_edges) - 2)

    def phrasing(self, step: int) -> float:
        """A factor on velocity: phrases rise to their middle and come to rest; bars and beats weigh."""
        start, end = self.phrases[max(0, bisect_right(self._arches, step) - 1)]
        arch = 0.94 + 0.1 * math.sin(math.pi * (step - start + 0.5) / (end - start)) if start <= step < end else 1.0
        place = (step - self.downbeat) % self.steps_per_bar
        weight = 1.03 if place == 0 else 1.0 if place % STEPS_PER_BEAT == 0 else 0.97 if place % 2 == 0 else 0.94
        return arch * weight

    def seconds(self, step: int) -> Fraction:
        """Where a sixteenth falls, swing included."""
        straight = self._straight[min(step, len(self._straight) - 1)]
        inside = step % STEPS_PER_BEAT
        if not self.style.swing or not inside or step >= self.grid.beats * STEPS_PER_BEAT:
            return straight
        beat = self._straight[step - inside + STEPS_PER_BEAT] - self._straight[step - inside]
        late = Fraction(self.style.swing).limit_denominator(1000) / 2 * (1 if inside == 2 else Fraction(1, 2))
        return straight + beat * late

    def spoken(self, moment: Fraction) -> bool:
        # A breath before the first word counts: the music steps back before it is spoken.
        begun = bisect_right(self._words, moment + Fraction(1, 5))
        return begun > 0 and moment < self._said[begun - 1]


def _phrases(notes: Sequence[StepNote], edges: Sequence[int], steps_per_bar: int) -> list[tuple[int, int]]:
    """Stretches between rests of a beat or more, no shorter than two bars; four bars where the line never rests.

    Whether a phrase begins somewhere hangs on the bars around it alone: bars made anew leave the others as they were.
    """
    rests, last_end = [], edges[0]
    for note in notes:
        if note.start - last_end >= STEPS_PER_BEAT:
            rests.append(note.start)
        last_end = max(last_end, note.end)
    near = 2 * steps_per_bar
    kept = [rest for before, rest in pairwise([-near, *rests]) if rest - before >= near]
    opening = edges[1] if len(edges) > 2 and edges[1] - edges[0] < steps_per_bar else edges[0]
    counted = range(opening, edges[-1], 4 * steps_per_bar)
    lonely = (bar for bar in counted if bisect_right(kept, bar - near) == bisect_left(kept, bar + near))
    cuts = {edges[0], edges[-1], *kept, *lonely}
    ordered = sorted(cuts)
    return list(pairwise(ordered))


def _stem(stem: StemStyle, stage: _Stage) -> Stem:
    source = sorted(note for part in stem.sources for note in stage.heard[part])
    playing = _playing_bars(stage.energy, *stem.energy)
    line = [note for note in _taken(stem, source, stage) if playing[stage.bar_of(note.start)]]
    line = _begun(line, stage.last_step, stage.quiet)
    is_drum = stem.take == "drums"
    if not is_drum:
        line = _in_range(line, stem)
        if stage.last_step is not None:
            line = _held(line, stage.last_step, stage.steps)
        elif stage.ending == "ring":
            line = _held_to_the_end(line, stage)
    notes = _played(line, stem, stage)
    controls = _pedal(notes, stage) if stem.pedal else ()
    if stem.swell:
        controls = tuple(sorted((*controls, *_swells(notes)), key=lambda c: c.time))
    return Stem(stem.name, stem.program, is_drum, notes, stem.sources, controls)


def _playing_bars(energy: Sequence[float], least: float, most: float) -> list[bool]:
    """Bars in which a stem plays: it enters where the energy reaches its range, and once in stays until the energy has
    clearly left it for two bars; a single bar is not worth an entry, unless the cue is that short.

        energy  .3 .6 .6 .4 .6 .2 .2 .6      range from .5
        plays    -  x  x  x  x  -  -  -
    """
    slack = 0.08
    wanted = [least <= value < most for value in energy]
    near = [least - slack <= value < most + slack for value in energy]
    playing, inside = [], False
    for index, here in enumerate(wanted):
        ahead = wanted[index + 1 : index + 2]
        inside = here or (inside and (near[index] or any(ahead)))
        playing.append(inside)
    if len(playing) > 2:
        for index, here in enumerate(playing):
            alone = not any(playing[max(0, index - 1) : index]) and not any(playing[index + 1 : index + 2])
            playing[index] = here and not alone
    return playing


def _taken(stem: StemStyle, source: list[StepNote], stage: _Stage) -> list[StepNote]:
    """The notes a stem plays, still on the grid and in the parts' own register."""
    if stem.take == "line":
        return source
    if stem.take == "top":
        return derive.top_line(source)
    if stem.take == "bass":
        return derive.bass_line(source, stage.steps_per_bar)
    if stem.take == "upper":
        return derive.without(source, derive.bass_line(source, stage.steps_per_bar))
    if stem.take == "drums":
        return derive.drums(stem.patterns, source, stage.steps, stage.downbeat, stage.steps_per_bar)
    chords = derive.chords(source, stage.steps, stage.downbeat, stage.steps_per_bar)
    voiced = derive.voice(chords, *stem.range, stem.voices)
    if stem.take == "pad":
        return derive.pad(voiced)
    if stem.take == "chords":
        return derive.struck(voiced, source)
    if stem.take == "arpeggio":
        return derive.arpeggio(voiced, source, stem.steps)
    return derive.pulse(voiced, source, stem.steps)


def _in_range(line: list[StepNote], stem: StemStyle) -> list[StepNote]:
    """Every note inside the instrument's range, doublings added; one note where two meet on a pitch."""
    placed: dict[tuple[int, int], StepNote] = {}
    for note in line:
        home = derive.fold(note.pitch + 12 * stem.octave, *stem.range)
        doubles = (home + interval for interval in stem.double if stem.range[0] <= home + interval <= stem.range[1])
        for pitch in (home, *doubles):
            other = placed.get((note.start, pitch))
            if other is None or other.length < note.length:
                placed[note.start, pitch] = replace(note, pitch=pitch)
    return sorted(placed.values())


def _held_to_the_end(line: list[StepNote], stage: _Stage) -> list[StepNote]:
    """The last notes of a line held to the last step, if they end within a bar of it.

    before  ...|C---....|        after  ...|C-------|
    """
    if not line:
        return line
    last = max(note.start for note in line)
    reach = stage.steps - max(note.end for note in line) <= stage.steps_per_bar
    return [replace(n, length=stage.steps - n.start) if reach and n.start == last else n for n in line]


def _played(line: list[StepNote], stem: StemStyle, stage: _Stage) -> tuple[Note, ...]:
    """In seconds: timing, strength and length as a player would give them."""
    # Chance hangs on where a note stands, not on what came before: bars made anew leave the others as they were played.
    line_name = f"{stage.seed}/{stage.style.name}/{stem.name}"
    drift = _drift(line_name, stage.steps // STEPS_PER_BEAT + 1)
    chance, notes = random.Random(line_name), []
    last_start, together = None, 0.0
    final = stage.steps
    legato = Fraction(stem.legato).limit_denominator(100)
    chords: dict[int, list[int]] = {}
    for note in line:
        chords.setdefault(note.start, []).append(note.pitch)
    for note in line:
        if note.start != last_start:
            # A player drifts slowly around the beat and errs a little on each attack; a chord errs as one.
            chance = random.Random(f"{line_name}/{note.start}")
            together, last_start = drift[note.start // STEPS_PER_BEAT] + chance.gauss(0, 0.6), note.start
        late_ms = stage.style.humanise_ms * max(-2.5, min(2.5, together + chance.gauss(0, 0.25))) - stem.lead_ms
        if note.start == stage.last_step:
            late_ms = -stem.lead_ms  # everybody watches the conductor
        chord = sorted(chords[note.start])
        if stem.spread_ms and len(chord) > 1:
            late_ms += stem.spread_ms * chord.index(note.pitch) / (len(chord) - 1)
        written = stage.seconds(note.start)
        start = max(Fraction(0), written + Fraction(round(late_ms * 1000), 1_000_000))
        end = stage.seconds(min(note.end, stage.steps))
        if note.end >= final and stage.ending == "hard":
            end = stage.duration
        elif note.end >= final and stage.ending == "ring":
            end = max(end, stage.duration - Fraction(1, 2))
        else:
            end = written + (end - written) * legato
        for silence, _ in stage.quiet:
            if note.start < silence:
                end = min(end, stage.seconds(silence))
        pitch, factor = note.pitch, stem.velocity * stage.phrasing(note.start)
        if stage.spoken(written):
            if stem.under_dialogue == "rest":
                continue
            if stem.under_dialogue != "keep":
                factor *= 0.72
            moved = pitch + {"up": 12, "down": -12}.get(stem.under_dialogue, 0)
            pitch = moved if stem.range[0] <= moved <= stem.range[1] else pitch
        velocity = min(127, max(1, round(note.velocity * factor + chance.gauss(0, 1.6))))
        end = min(end, stage.duration)
        if start < end:
            notes.append(Note(start, end - start, pitch, velocity))
    return _without_overlaps(notes)


def _drift(line_name: str, beats: int) -> list[float]:
    """How far a player is off by beat, in units of the style's looseness: slow, and the same whatever is played."""
    chance, drift = random.Random(f"{line_name}/drift"), [0.0]
    for _ in range(beats):
        drift.append(0.8 * drift[-1] + chance.gauss(0, 0.35))
    return drift[1:]


def _without_overlaps(notes: list[Note]) -> tuple[Note, ...]:
    """A key is struck again only once it is up: of two notes on one pitch the first ends where the second starts."""
    ordered = sorted(notes, key=lambda note: (note.start, note.pitch, -note.duration))
    upcoming: dict[int, Fraction] = {}
    kept = []
    for note in reversed(ordered):
        until = upcoming.get(note.pitch)
        if until is None or until > note.start:
            if until is not None and until < note.start + note.duration:
                note = replace(note, duration=until - note.start)
            kept.append(note)
            upcoming[note.pitch] = note.start
    return tuple(reversed(kept))


def _pedal(notes: tuple[Note, ...], stage: _Stage) -> tuple[Control, ...]:
    """Down just after each harmony begins, up as the next one does; up for good at the last note's end."""
    if not notes:
        return ()
    last = max(note.start + note.duration for note in notes)
    starts, ends = [note.start for note in notes], list(accumulate((n.start + n.duration for n in notes), max))
    controls = []
    for chord in stage.chords:
        down = stage.seconds(chord.start) + Fraction(6, 100)
        up = min(stage.seconds(min(chord.end, stage.steps)) - Fraction(1, 100), last)
        before = bisect_left(starts, up)
        if down < up and before and ends[before - 1] > down:
            controls += [Control(down, SUSTAIN_PEDAL, 127), Control(up, SUSTAIN_PEDAL, 0)]
    return tuple(controls)


def _swells(notes: tuple[Note, ...]) -> tuple[Control, ...]:
    """Long notes grow to their middle and ease off; short ones stay at their level."""
    resting, controls = 96, []
    ends: dict[Fraction, Fraction] = {}
    for note in notes:
        ends[note.start] = max(ends.get(note.start, note.start), note.start + note.duration)
    starts = sorted(ends)
    for index, start in enumerate(starts):
        end = ends[start]
        if index + 1 < len(starts):
            end = min(end, starts[index + 1])
        if end - start < Fraction(6, 5):
            controls.append(Control(start, EXPRESSION, resting))
            continue
        points = max(4, min(48, int((end - start) * 8)))
        for point in range(points):
            place = Fraction(point, points)
            value = resting - 6 + round(24 * math.sin(math.pi * float(place) ** 0.8))
            controls.append(Control(start + (end - start) * place, EXPRESSION, value))
    return tuple(controls)
