"""A timeline flattened; see `picture` for the conventions."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..errors import TimelineError
from ..picture import Picture, Shot
from ..timing import quantise, rate_text
from .files import MediaFiles
from .heard import Heard
from .layout import Layout
from .markers import Markers
from .seen import Seen

_MAX_SECONDS = Fraction(48 * 3600)


def picture_of(timeline: Any, folder: Path | None) -> Picture:
    """What `picture.flatten` answers."""
    import opentimelineio as otio

    if not isinstance(timeline, otio.schema.Timeline):
        raise TimelineError(f"A timeline was expected, not a {type(timeline).__name__}.")
    layout = Layout(timeline, MediaFiles(folder))
    seen, markers = Seen(layout), Markers(layout)
    hints = layout.hints()
    stack = timeline.tracks
    name = timeline.name or ""
    pieces, duration = seen.in_stack(stack, 0)
    if not pieces:
        raise TimelineError(
            f"The timeline {name!r} holds no picture: no enabled clip on a video track; put the edit's video there."
        )
    if duration > _MAX_SECONDS:
        raise TimelineError(f"The timeline {name!r} lasts {float(duration) / 3600:.0f} hours; 48 are the most.")
    rate = layout.rate(hints)
    frames = quantise(duration * rate)
    shots = seen.shots(pieces, rate, frames)
    if not shots:
        raise TimelineError(f"The timeline {name!r} is shorter than one frame at {rate_text(rate)} a second.")
    start_frame = layout.start_frame(rate)
    audio = Heard(layout, seen).audio(stack, rate)
    found = markers.markers(stack, rate, frames)
    _warn_of_losses(layout, shots, markers.lost)
    return Picture(
        name=name,
        rate=rate,
        start_frame=start_frame,
        drop_frame=layout.drop_frame(hints, start_frame, rate),
        duration_frames=frames,
        shots=shots,
        markers=found,
        audio=audio,
        warnings=tuple(layout.warnings),
    )


def _warn_of_losses(layout: Layout, shots: Sequence[Shot], lost_markers: int) -> None:
    names = list(dict.fromkeys(shot.name for shot in shots if shot.media is not None and shot.media.offline))
    if names:
        listed = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        layout.warn(f"Media cannot be read for {listed}; what is known from the timeline is used instead.")
    if lost_markers:
        layout.warn(f"{lost_markers} markers stand outside the used ranges of their clips; they are left out.")
