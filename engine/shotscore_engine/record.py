"""What a take that was made from another records of it: enough to make it again bit for bit.

Everything outside `free` is in the take's own notes, since it did not change; what stood inside is in `replaced`.
"""

from dataclasses import dataclass
from typing import Literal

from .seams import NO_SEAM, FreeRun, Seam


@dataclass(frozen=True)
class Piece:
    """A stretch of another take: the notes that begin in beats [start_beat, end_beat)."""

    take: int
    start_beat: int
    end_beat: int


@dataclass(frozen=True)
class Revision:
    """How a take came from another one of its cue."""

    kind: Literal["rescore", "combine", "reconform", "trim"]
    base: int
    """Number of the take it came from."""
    free: tuple[FreeRun, ...] = ()
    """The beats that were made anew."""
    window: tuple[int, int] = (0, 0)
    """The beats the model saw."""
    seed: int = 0
    variation: float = 1.0
    replaced: tuple[str, ...] = ("", "", "")
    """The notes the base had in `free`, as `session.write_notes` writes them."""
    pieces: tuple[Piece, ...] = ()
    """Of a combined take."""
    seam: Seam = NO_SEAM
    tried: int = 1
    """How many candidates the seam was the best of."""
    shots: tuple[int, int] | None = None
    """First and last shot that were asked for."""
