"""The table of a style, read from TOML and checked.

A style is a file `NAME.toml` in this folder, or any path ending in `.toml`. It holds a title, a few values for
the whole ensemble and one `[[stem]]` per line; every key has a default except `name`, `from`, `take` and
`program`. What each key means stands under the field of the same name below (`from` is `sources` here). The
smallest useful style:

    title = "Two guitars"
    [[stem]]
    name = "melody"
    from = ["melody"]
    take = "line"
    program = 24
    range = [40, 88]
    [[stem]]
    name = "harmony"
    from = ["harmony", "counter"]
    take = "line"
    program = 25
    range = [40, 84]
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from ..errors import RequestError
from ..roll import PARTS

Take = Literal["line", "top", "upper", "bass", "pad", "chords", "arpeggio", "pulse", "drums"]
UnderDialogue = Literal["keep", "soften", "rest", "up", "down"]

DEFAULT_STYLE = "cinematic"
"""What `score` uses when nobody names a style."""

_FOLDER = Path(__file__).parent
_LARGEST_TABLE_BYTES = 64_000


@dataclass(frozen=True)
class Effects:
    """What is done to the sound of one stem, in this order."""

    gain_db: float = 0.0
    """Level against the other stems."""
    high_pass_hz: float = 0.0
    """12 dB per octave; 0 is off."""
    low_pass_hz: float = 0.0
    """12 dB per octave; 0 is off."""
    drive_db: float = 0.0
    """Soft saturation as of tape; 0 is off."""
    chorus: float = 0.0
    """Share of a slow chorus, 0 to 1."""
    compress_db: float = 0.0
    """Threshold below 0 dBFS of a gentle 3:1 compressor; 0 is off."""
    pan: float = 0.0
    """-1 left to 1 right."""
    width: float = 1.0
    """Stereo width: 0 mono, 1 as sampled."""
    reverb: float = 0.15
    """Level of the room against the dry sound, 0 to 1."""


@dataclass(frozen=True)
class StemStyle:
    """How one stem is made from the parts."""

    name: str
    """Of the stem and of its track: melody, counter, harmony, bass, pad, percussion …"""
    sources: tuple[str, ...]
    """The parts it is derived from (`from` in the file)."""
    take: Take
    """What of them: `line` all notes, `top` the highest line, `upper` all but the bass line, `bass` the lowest line,
    `pad` sustained chords, `chords` the chord struck where the parts strike, `arpeggio` the chord broken upward,
    `pulse` the chord repeated, `drums` a pattern that plays where the parts play."""
    program: int
    """General MIDI program 0 to 127; with `drums` the kit."""
    range: tuple[int, int] = (21, 108)
    """Lowest and highest pitch of the instrument; notes outside move by octaves."""
    octave: int = 0
    """Octaves added before the range is applied."""
    double: tuple[int, ...] = ()
    """Intervals in semitones at which every note is doubled, inside the range."""
    voices: int = 4
    """Most notes of a pad or chord at once."""
    steps: int = 2
    """Sixteenths between the notes of an arpeggio or pulse."""
    velocity: float = 1.0
    """Factor on the model's velocities."""
    legato: float = 1.0
    """Factor on the length of notes; above 1 they lap over into the next."""
    energy: tuple[float, float] = (0.0, 1.01)
    """The stem plays in bars whose energy (0 to 1) lies in this range."""
    under_dialogue: UnderDialogue = "soften"
    """While someone speaks: play on, play softer, rest, or move an octave up or down out of the speech register."""
    swell: bool = False
    """Long notes breathe by expression (controller 11), for bowed and blown instruments."""
    pedal: bool = False
    """Sustain pedal, changed with the harmony."""
    lead_ms: float = 0.0
    """How far ahead (positive) or behind the beat the player sits."""
    spread_ms: float = 0.0
    """A chord is rolled upward over this time."""
    patterns: tuple[tuple[int, str], ...] = ()
    """Drums: (pitch, one character a sixteenth of a bar: `.` rest, 1 to 9 strength)."""
    effects: Effects = Effects()


@dataclass(frozen=True)
class Style:
    """An ensemble."""

    name: str
    title: str
    stems: tuple[StemStyle, ...]
    humanise_ms: float = 6.0
    """Standard deviation of a player's timing; 0 plays on the grid."""
    swing: float = 0.0
    """How late the second eighth of a beat comes, as a share of an eighth: 0 straight, 0.33 triplets."""
    reverb_seconds: float = 1.8
    """Time in which the room's sound falls by 60 dB."""
    reverb_damp_hz: float = 5000.0
    """Above this the room swallows sound."""
    reverb_delay_ms: float = 18.0
    """From the sound to the room's first answer."""

    def stem(self, name: str) -> StemStyle:
        """The stem called `name`. Raises RequestError where the style has none."""
        for stem in self.stems:
            if stem.name == name:
                return stem
        names = ", ".join(stem.name for stem in self.stems)
        raise RequestError(f"The style {self.name} has no stem {name!r}; it has {names}.")


def style_names() -> tuple[str, ...]:
    """The names `load_style` knows, in alphabetical order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def load_style(name: str) -> Style:
    """The style called `name` (capitals, spaces and underscores do not matter), or the file at a path ending in .toml.

    Raises RequestError where there is none, or where its table is wrong.
    """
    path = Path(name)
    if path.suffix != ".toml":
        known = "-".join(name.strip().lower().replace("_", " ").replace("-", " ").split())
        if known not in style_names():
            known = ", ".join(style_names())
            raise RequestError(f"There is no style {name!r}; choose one of {known}, or give a .toml file.")
        path = _FOLDER / f"{known}.toml"
    try:
        if path.stat().st_size > _LARGEST_TABLE_BYTES:
            raise RequestError(f"{path} is too large for a style ({_LARGEST_TABLE_BYTES} bytes at most).")
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise RequestError(f"The style {path} cannot be read: {problem}.") from problem
    return _style(path.stem, table)


def _style(name: str, table: Mapping[str, Any]) -> Style:
    rows = table.get("stem", [])
    if not isinstance(rows, list) or not 1 <= len(rows) <= 16 or not all(isinstance(row, dict) for row in rows):
        raise RequestError(f"The style {name} needs 1 to 16 [[stem]] tables.")
    values = {key: value for key, value in table.items() if key != "stem"}
    _check_keys(name, values, {field.name for field in fields(Style)} - {"name", "stems"})
    stems = tuple(_stem(name, row) for row in rows)
    if len({stem.name for stem in stems}) != len(stems):
        raise RequestError(f"The style {name} has two stems of one name.")
    try:
        numbers = {key: float(value) for key, value in values.items() if key != "title"}
    except (TypeError, ValueError) as problem:
        raise RequestError(f"The style {name} holds a value that is no number: {problem}.") from problem
    return Style(name=name, title=str(table.get("title", name)), stems=stems, **numbers)


def _stem(style: str, row: Mapping[str, Any]) -> StemStyle:
    where = f"{style}, stem {row.get('name', '?')}"
    effect_keys = {field.name for field in fields(Effects)}
    own_keys = {field.name for field in fields(StemStyle)} - {"sources", "effects"} | {"from"}
    _check_keys(where, row, own_keys | effect_keys)
    missing = [key for key in ("name", "from", "take", "program") if key not in row]
    if missing:
        raise RequestError(f"The style {where} lacks {', '.join(missing)}.")
    values = {key: value for key, value in row.items() if key not in effect_keys}
    try:
        values["sources"] = tuple(str(part) for part in values.pop("from"))
        for key in ("range", "double", "energy"):
            if key in values:
                values[key] = tuple(values[key])
        values["patterns"] = tuple((int(pitch), str(text)) for pitch, text in row.get("patterns", {}).items())
        effects = Effects(**{key: float(row[key]) for key in effect_keys if key in row})
        stem = StemStyle(**values, effects=effects)
    except (TypeError, ValueError, AttributeError) as problem:
        raise RequestError(f"The style {where} holds a wrong value: {problem}.") from problem
    speech = get_args(UnderDialogue)
    wrong = (
        (not stem.name.replace("_", "").replace("-", "").isalnum(), "a name of letters and digits"),
        (not stem.sources or not set(stem.sources) <= set(PARTS), f"`from` out of {', '.join(PARTS)}"),
        (stem.take not in get_args(Take), f"`take` out of {', '.join(get_args(Take))}"),
        (stem.under_dialogue not in speech, f"`under_dialogue` out of {', '.join(speech)}"),
        (not 0 <= stem.program <= 127, "a program from 0 to 127"),
        (
            len(stem.range) != 2 or not 0 <= stem.range[0] <= stem.range[1] - 11 <= 116,
            "a range of at least an octave within 0 to 127",
        ),
        (len(stem.energy) != 2, "an energy of two numbers"),
        (stem.take == "drums" and not stem.patterns, "patterns for its drums"),
        (any(not text or set(text) - set(".123456789") for _, text in stem.patterns), "patterns of . and 1 to 9"),
        (any(not 0 <= pitch <= 127 for pitch, _ in stem.patterns), "drum pitches from 0 to 127"),
        (stem.steps < 1 or stem.voices < 1, "steps and voices of at least 1"),
        (not -1 <= stem.effects.pan <= 1, "a pan from -1 to 1"),
    )
    for is_wrong, need in wrong:
        if is_wrong:
            raise RequestError(f"The style {where} needs {need}.")
    return stem


def _check_keys(where: str, row: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(row) - known)
    if unknown:
        raise RequestError(
            f"The style {where} has unknown keys {', '.join(unknown)}; known are {', '.join(sorted(known))}."
        )
