"""Markers of every level, brought to the timeline's frames."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..picture import Marker
from ..timing import quantise
from .layout import Layout


@dataclass(slots=True)
class Markers:
    """The markers of a timeline."""

    layout: Layout
    lost: int = 0
    """How many stand outside what is used of their clips."""

    def markers(self, stack: Any, rate: Fraction, frames: int) -> tuple[Marker, ...]:
        found: dict[Marker, None] = {}
        end = Fraction(frames) / rate
        start = self.layout.timeline.global_start_time
        origin = self.layout.seconds(start) if start is not None else Fraction(0)

        def add(marker: Any, at: Fraction, length: Fraction) -> None:
            frame = quantise(at * rate)
            if not 0 <= frame <= frames:
                self.lost += 1
                return
            comment = getattr(marker, "comment", "") or ""
            found[Marker(frame, max(0, quantise(length * rate)), marker.name or "", comment, marker.color or "")] = None

        def own(item: Any, offset: Fraction, scale: Fraction, low: Fraction, high: Fraction, top: bool) -> None:
            for marker in item.markers:
                at = self.layout.seconds(marker.marked_range.start_time)
                if top and at >= end and 0 <= at - origin <= end:
                    at -= origin  # some editors count a timeline's markers from its start timecode
                if low <= at <= high:
                    add(marker, offset + at * scale, self.layout.seconds(marker.marked_range.duration) * abs(scale))
                else:
                    self.lost += 1

        def walk(item: Any, cell_start: Fraction, offset: Fraction, scale: Fraction, depth: int) -> None:
            """`offset + scale * t` takes the parent's time t to the timeline's."""
            if not item.enabled:
                return
            length = self.layout.content_length(item, depth)
            window = self.layout.window(item, length)
            if window.duration <= 0:
                return
            if window.speed == 0:
                inner_scale, inner_offset = Fraction(0), offset + scale * cell_start
            else:
                inner_scale = scale / window.speed
                inner_offset = offset + scale * cell_start - inner_scale * window.anchor
            used = window.duration * abs(window.speed)
            own(item, inner_offset, inner_scale, window.start, window.start + used, depth == 0)
            if length is None or window.speed == 0:
                return
            import opentimelineio as otio

            if isinstance(item, otio.schema.Track):
                for cell in self.layout.cells_of(item, depth).cells:
                    walk(cell.item, cell.start, inner_offset, inner_scale, depth + 1)
            elif isinstance(item, otio.core.Composition):
                for child in item:
                    if isinstance(child, otio.core.Item):
                        walk(child, Fraction(0), inner_offset, inner_scale, depth + 1)

        walk(stack, Fraction(0), Fraction(0), Fraction(1), 0)
        more = getattr(self.layout.timeline, "markers", None)
        for marker in more or ():
            add(
                marker,
                self.layout.seconds(marker.marked_range.start_time),
                self.layout.seconds(marker.marked_range.duration),
            )
        return tuple(sorted(found, key=lambda marker: (marker.frame, marker.name)))
