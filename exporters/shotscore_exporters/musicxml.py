"""MusicXML lead sheet: the melody on one staff with chord symbols above, for players and notation programs.

The melody is the top line of the part of that name, one voice on the sixteenth grid, notes tied over bar lines; chords
are read from the harmony (`styles.derive.chords`). Partwise, version 4.0, one quarter divided in four.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from shotscore_engine.atomic import replace_file
from shotscore_engine.perform import Score
from shotscore_engine.styles.derive import Chord, StepNote, chords, top_line
from shotscore_engine.tempo import STEPS_PER_BEAT, BeatGrid

from .midi import key_signature

# Spelling of the twelve pitch classes in sharp and in flat keys: (step, alteration).
_SHARP = tuple((name[0], len(name) - 1) for name in ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"))
_FLAT = tuple((name[0], 1 - len(name)) for name in ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"))
_MAJORS = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
_MINORS = ("Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#")
"""From seven flats to seven sharps."""
_HEADS = {
    16: ("whole", 0),
    12: ("half", 1),
    8: ("half", 0),
    6: ("quarter", 1),
    4: ("quarter", 0),
    3: ("eighth", 1),
    2: ("eighth", 0),
    1: ("16th", 0),
}
"""How many sixteenths one note head can last: its name and dots."""
_KINDS = {
    (0, 4, 7): "major",
    (0, 3, 7): "minor",
    (0, 4, 7, 11): "major-seventh",
    (0, 3, 7, 10): "minor-seventh",
    (0, 4, 7, 10): "dominant",
    (0, 3, 6): "diminished",
    (0, 4, 8): "augmented",
    (0, 5, 7): "suspended-fourth",
    (0, 7): "power",
}


def to_bytes(score: Score) -> bytes:
    """The lead sheet. Raises RequestError where the score's key is none."""
    key = key_signature(score.key)
    minor = key.endswith("m")
    fifths = (_MINORS.index(key[:-1]) if minor else _MAJORS.index(key)) - 7
    names = _FLAT if fifths < 0 else _SHARP
    grid = score.grid
    parts = {
        part.name: [_on_grid(n.start, n.duration, n.pitch, n.velocity, grid) for n in part.notes]
        for part in score.parts
    }
    tune = top_line(parts.get("melody", []))
    steps = grid.beats * STEPS_PER_BEAT
    bar = grid.beats_per_bar * STEPS_PER_BEAT
    downbeat = grid.first_downbeat * STEPS_PER_BEAT
    accompaniment = sorted([*parts.get("harmony", []), *parts.get("counter", [])])
    harmony = chords(accompaniment, steps, downbeat, bar)
    edges = sorted({0, steps, *range(downbeat % bar, steps, bar)})

    root = Element("score-partwise", version="4.0")
    SubElement(SubElement(root, "work"), "work-title").text = score.title
    encoding = SubElement(SubElement(root, "identification"), "encoding")
    SubElement(encoding, "software").text = "Shotscore"
    listed = SubElement(SubElement(root, "part-list"), "score-part", id="P1")
    SubElement(listed, "part-name").text = "Melody"
    part = SubElement(root, "part", id="P1")
    for index, (start, end) in enumerate(pairwise(edges)):
        pickup = index == 0 and end - start < bar and downbeat % bar != 0
        measure = SubElement(part, "measure", number=str(index if downbeat % bar else index + 1))
        if pickup:
            measure.set("implicit", "yes")
        if index == 0:
            _attributes(measure, fifths, minor, grid)
        _bar(measure, start, end, tune, harmony, names)
    indent(root)
    doctype = (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 '
        b'Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
    )
    body: bytes = tostring(root, encoding="UTF-8")
    return doctype + body + b"\n"


def write(score: Score, path: Path) -> None:
    """Write `to_bytes` to `path`, whole or not at all. Raises OutputError where it cannot be written."""
    replace_file(path, to_bytes(score))


def _on_grid(start: Fraction, duration: Fraction, pitch: int, velocity: int, grid: BeatGrid) -> StepNote:
    first = _nearest(start, grid)
    return StepNote(first, max(1, _nearest(start + duration, grid) - first), pitch, velocity)


def _nearest(moment: Fraction, grid: BeatGrid) -> int:
    """The sixteenth nearest to a moment."""
    last = grid.beats * STEPS_PER_BEAT
    low, high = 0, last
    while low < high:
        middle = (low + high) // 2
        if grid.step_time(middle) < moment:
            low = middle + 1
        else:
            high = middle
    if low and abs(grid.step_time(low - 1) - moment) < abs(grid.step_time(low) - moment):
        return low - 1
    return low


def _attributes(measure: Element, fifths: int, minor: bool, grid: BeatGrid) -> None:
    attributes = SubElement(measure, "attributes")
    SubElement(attributes, "divisions").text = str(STEPS_PER_BEAT)
    key = SubElement(attributes, "key")
    SubElement(key, "fifths").text = str(fifths)
    SubElement(key, "mode").text = "minor" if minor else "major"
    time = SubElement(attributes, "time")
    SubElement(time, "beats").text = str(grid.meter[0])
    SubElement(time, "beat-type").text = str(grid.meter[1])
    clef = SubElement(attributes, "clef")
    SubElement(clef, "sign").text = "G"
    SubElement(clef, "line").text = "2"
    direction = SubElement(measure, "direction", placement="above")
    kind = SubElement(SubElement(direction, "direction-type"), "metronome")
    SubElement(kind, "beat-unit").text = "quarter"
    SubElement(kind, "per-minute").text = f"{grid.bpm:.2f}"
    SubElement(direction, "sound", tempo=f"{grid.bpm:.4f}")


def _bar(
    measure: Element,
    start: int,
    end: int,
    tune: Sequence[StepNote],
    harmony: Sequence[Chord],
    names: Sequence[tuple[str, int]],
) -> None:
    """Notes, rests and chord symbols from sixteenth `start` to `end`; cut where a chord changes, tied across."""
    symbols = {max(chord.start, start): chord for chord in harmony if start <= chord.start < end}
    cuts = sorted(
        {start, end, *symbols, *(t for n in tune for t in (n.start, n.end) if start < t < end)},
    )
    for here, there in pairwise(cuts):
        if here in symbols:
            _symbol(measure, symbols[here], names)
        note = next((n for n in tune if n.start <= here < n.end), None)
        now = here
        for length in _heads(there - here):
            _head(measure, note, now, length, names)
            now += length


def _heads(length: int) -> list[int]:
    """A length as note heads, the longest first."""
    heads = []
    while length:
        head = next(size for size in _HEADS if size <= length)
        heads.append(head)
        length -= head
    return heads


def _head(measure: Element, note: StepNote | None, now: int, length: int, names: Sequence[tuple[str, int]]) -> None:
    element = SubElement(measure, "note")
    if note is None:
        SubElement(element, "rest")
    else:
        step, alter = names[note.pitch % 12]
        pitch = SubElement(element, "pitch")
        SubElement(pitch, "step").text = step
        if alter:
            SubElement(pitch, "alter").text = str(alter)
        SubElement(pitch, "octave").text = str(note.pitch // 12 - 1)
    SubElement(element, "duration").text = str(length)
    ties = []
    if note is not None:
        ties = [kind for kind, tied in (("stop", now > note.start), ("start", now + length < note.end)) if tied]
    for kind in ties:
        SubElement(element, "tie", type=kind)
    name, dots = _HEADS[length]
    SubElement(element, "type").text = name
    for _ in range(dots):
        SubElement(element, "dot")
    if ties:
        notations = SubElement(element, "notations")
        for kind in ties:
            SubElement(notations, "tied", type=kind)


def _symbol(measure: Element, chord: Chord, names: Sequence[tuple[str, int]]) -> None:
    root = chord.classes[0]
    kind = _KINDS.get(tuple(sorted((c - root) % 12 for c in chord.classes)), "other")
    element = SubElement(measure, "harmony")
    step, alter = names[root]
    sign = SubElement(element, "root")
    SubElement(sign, "root-step").text = step
    if alter:
        SubElement(sign, "root-alter").text = str(alter)
    SubElement(element, "kind").text = kind
