"""The picture: what the viewer sees, flattened from a timeline to shots.

Frames count from the timeline's start at the timeline's rate; ranges exclude their end.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class MediaSpan:
    """Which moments of a media file are shown or heard over a span of the timeline."""

    path: Path | None
    """The local file, or None where the timeline names none."""
    offline: bool
    """True where the file cannot be read now."""
    start: Fraction
    """Seconds from the file's first frame to the moment shown first."""
    speed: Fraction = Fraction(1)
    """Media seconds per second of the timeline: 2 is double speed, 0 a freeze frame, negative is reverse."""


@dataclass(frozen=True)
class Shot:
    """A run of picture between two cuts."""

    index: int
    """Numbered from 1 in the order of the picture."""
    start_frame: int
    duration_frames: int
    name: str
    media: MediaSpan | None
    """None for gaps, titles, colour and other generators."""
    origin: Literal["edit", "detected"] = "edit"
    """Who made the cut this shot begins with: the editor, or a detector inside a longer clip."""
    transition: Literal["cut", "dissolve", "fade"] = "cut"
    """How the shot begins. A dissolve's cut stands at its middle; a fade is from black."""

    @property
    def end_frame(self) -> int:
        """The frame after the last."""
        return self.start_frame + self.duration_frames


@dataclass(frozen=True)
class Marker:
    """A marker of the timeline, brought to the timeline's own frames."""

    frame: int
    duration_frames: int
    name: str
    comment: str = ""
    colour: str = ""


@dataclass(frozen=True)
class AudioSpan:
    """A clip of the timeline's own sound."""

    track: str
    start_frame: int
    duration_frames: int
    name: str
    media: MediaSpan | None


@dataclass(frozen=True)
class Picture:
    """A timeline flattened to what is seen and heard."""

    name: str
    rate: Fraction
    """Frames per second, exact."""
    start_frame: int
    """The absolute frame number of the first frame: 86400 for 01:00:00:00 at 24."""
    drop_frame: bool
    duration_frames: int
    shots: tuple[Shot, ...]
    """In order, without gaps or overlaps, covering every frame."""
    markers: tuple[Marker, ...] = ()
    audio: tuple[AudioSpan, ...] = ()
    dialogue: tuple[tuple[int, int], ...] = ()
    """(start, end) frames in which someone speaks."""
    warnings: tuple[str, ...] = ()
    """What could not be carried or found, one sentence each."""
