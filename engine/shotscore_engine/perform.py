"""Score: notes of parts and stems in seconds, ready for MIDI and sound."""

from dataclasses import dataclass
from fractions import Fraction

from .tempo import BeatGrid


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
