"""Hits: the moments of the picture the music should meet."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Hit:
    """A moment the music should meet."""

    frame: int
    """Counted from the timeline's start."""
    kind: Literal["cut", "detected", "dissolve", "marker", "motion", "flash", "person", "end"]
    weight: float
    """0 (ignore) to 1 (must)."""
    tolerance_frames: int
    """How far a beat may fall from the frame and still count as met."""
    reason: str = ""
    """Why it stands here, for a person to read."""


@dataclass(frozen=True)
class Cue:
    """One piece of music over a range of the picture."""

    name: str
    """Like `1m01`; never renumbered."""
    start_frame: int
    duration_frames: int
    hits: tuple[Hit, ...] = ()

    @property
    def end_frame(self) -> int:
        """The frame after the last."""
        return self.start_frame + self.duration_frames
