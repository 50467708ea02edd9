"""The picture: what the viewer sees, flattened from a timeline to shots.

Frames count from the timeline's start at the timeline's rate; ranges exclude their end.

Conventions of the flattening, where OpenTimelineIO leaves them open:

- An item lasts as long in its track as its `source_range` says, whatever its speed (as `range_of_child` has it); a
  clip at speed s shows s times that much media. Reversed, it shows the same stretch of media from its end.
- What is on top and enabled is seen; gaps and disabled items let the lower track through. Titles and adjustment
  layers are drawn over a picture, not instead of it: they make a shot only where nothing lies below.
- A dissolve (or wipe) is a cut at its middle. A fade from black begins where the first light appears, a fade to black
  ends where the last is gone. A fade over a lower track is a dissolve between the two tracks.
- Positions are summed in exact seconds and quantised once, to frames.

`opentimelineio.algorithms.flatten_stack` is not used: it drops transitions, markers and nested stacks' trims, keeps
no speed changes of the layers it cuts, and takes time quadratic in the number of clips.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .errors import MediaError
from .flattening.paths import local_paths
from .timing import seconds_at

if TYPE_CHECKING:
    import opentimelineio as otio

READER_KEY = "shotscore_reader"
"""Key of a timeline's metadata under which our readers leave what OpenTimelineIO has no field for: `rate` (text),
`drop_frame` (bool), `warnings` (list of sentences)."""


@dataclass(frozen=True)
class MediaSpan:
    """Which moments of a media file are shown or heard over a span of the timeline."""

    path: Path | None
    """The local file, or None where the timeline names none. An image sequence is a pattern such as `a.%04d.png`."""
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
    """How the shot begins. A dissolve's cut stands at its middle; a fade is from black, or into a black shot."""
    transition_frames: int = 0
    """How long that transition lasts; 0 for a cut."""
    fade_out_frames: int = 0
    """How long the shot takes to fade to black at its end; 0 where it does not."""

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


def media_seconds(span: Shot | AudioSpan, frame: int | Fraction, rate: Fraction) -> Fraction:
    """Media time shown (or heard) at timeline `frame`: seconds from the file's first frame, never below 0.

    `rate` is the picture's. For a whole frame this is the moment that frame shows, reversed clips included; a decoder
    shows the media frame that contains it. Raises MediaError where the span has no media.
    """
    if span.media is None:
        raise MediaError(f"{span.name!r} at frame {span.start_frame} is a gap or a generator: it has no media time.")
    return max(Fraction(0), span.media.start + span.media.speed * seconds_at(frame - span.start_frame, rate))


def frame_of_media(span: Shot | AudioSpan, seconds: Fraction, rate: Fraction) -> Fraction:
    """The timeline frame (fractional) at which media time `seconds` is reached: the inverse of `media_seconds`.

    Raises MediaError where the span has no media or is a freeze frame.
    """
    if span.media is None or span.media.speed == 0:
        raise MediaError(f"{span.name!r} at frame {span.start_frame} stands still: media time does not pass in it.")
    return span.start_frame + (seconds - span.media.start) / span.media.speed * rate


def flatten(timeline: "otio.schema.Timeline", *, folder: Path | None = None) -> Picture:
    """What `timeline` shows and sounds like, in exact frames.

    `folder` is where relative media paths start (the timeline file's folder); without it, the working directory.
    Raises TimelineError where there is no picture, or where times or rates make no sense.
    """
    from .flattening.flattener import picture_of

    return picture_of(timeline, folder)


__all__ = [
    "READER_KEY",
    "AudioSpan",
    "Marker",
    "MediaSpan",
    "Picture",
    "Shot",
    "flatten",
    "frame_of_media",
    "local_paths",
    "media_seconds",
]
