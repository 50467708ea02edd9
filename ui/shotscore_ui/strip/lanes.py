"""The lanes of the timeline strip: which there are, where each lies, and what draws it.

What would fall on the same pixels is drawn once: shots too narrow for a picture share one, hits that would overlap
become shares of met, near and missed, sound is reduced to a highest and a lowest value a pixel. Painting so costs what
the window is wide, not what the film is long.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QRect

from .canvas import Canvas
from .curves import paint_energy, paint_tempo
from .hits import paint_hits
from .music import paint_music
from .ruler import paint_bars, paint_time
from .shots import paint_shots
from .spans import paint_cue, paint_dialogue, paint_locks


@dataclass(frozen=True)
class Lane:
    """A row of the strip."""

    key: str
    title: str
    least: int
    """Points below which it is left out rather than squeezed."""
    ideal: int
    stretch: int
    """Its share of room that is left over."""
    rank: int
    """In a low window the highest ranks go first."""


LANES = (
    Lane("time", "Time", 20, 22, 0, 0),
    Lane("cue", "Cue", 16, 18, 0, 6),
    Lane("shots", "Shots", 46, 68, 4, 1),
    Lane("hits", "Hits", 30, 42, 1, 2),
    Lane("bars", "Bars", 20, 24, 0, 3),
    Lane("tempo", "Tempo", 22, 30, 1, 8),
    Lane("dialogue", "Dialogue", 12, 16, 0, 7),
    Lane("music", "Music", 26, 46, 2, 5),
    Lane("energy", "Energy", 30, 50, 2, 4),
    Lane("locks", "Locks", 14, 18, 0, 6),
)


def lay_out(width: int, height: int, top: int = 0) -> dict[str, QRect]:
    """Where each lane lies; lanes that do not fit are left out, by rank."""
    shown = list(LANES)
    while shown and sum(lane.least for lane in shown) > height:
        # The time ruler stays whatever happens.
        worst = max((lane for lane in shown if lane.rank), key=lambda lane: lane.rank, default=None)
        if worst is None:
            break
        shown.remove(worst)
    heights = {lane.key: lane.least for lane in shown}
    room = height - sum(heights.values())
    for lane in sorted(shown, key=lambda lane: lane.rank):
        more = min(max(0, room), lane.ideal - lane.least)
        heights[lane.key] += more
        room -= more
    total = sum(lane.stretch for lane in shown)
    if room > 0 and total:
        for lane in shown:
            heights[lane.key] += room * lane.stretch // total
    rects, y = {}, top
    for lane in shown:
        rects[lane.key] = QRect(0, y, width, heights[lane.key])
        y += heights[lane.key]
    return rects


PAINTERS: dict[str, Callable[[Canvas, QRect], None]] = {
    "time": paint_time,
    "cue": paint_cue,
    "shots": paint_shots,
    "hits": paint_hits,
    "bars": paint_bars,
    "tempo": paint_tempo,
    "dialogue": paint_dialogue,
    "music": paint_music,
    "energy": paint_energy,
    "locks": paint_locks,
}
