"""What a timeline shows: its video tracks laid over each other, and the shots of that."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from ..errors import TimelineError
from ..picture import Shot
from ..timing import quantise
from .layout import MAX_NESTING, Layout
from .pieces import Piece, Source, Window, fit, over, span_of
from .transitions import apply_transition

_OVERLAY = re.compile(r"title|text|caption|lower.?third|adjustment|credits|graphic|transparent", re.IGNORECASE)


@dataclass(slots=True)
class Seen:
    """The pieces of a timeline's picture."""

    layout: Layout

    def in_stack(self, stack: Any, depth: int, *, whole: bool = False) -> tuple[list[Piece], Fraction]:
        """What a stack's layers show together, and how long the picture is (`whole`: how long all its layers are)."""
        import opentimelineio as otio

        if depth > MAX_NESTING:
            raise TimelineError(f"The timeline is nested more than {MAX_NESTING} levels deep at {stack.name!r}.")
        opaque: list[list[Piece]] = []
        overlays: list[list[Piece]] = []
        length = Fraction(0)
        for layer in stack:
            if not isinstance(layer, otio.core.Item):
                continue
            is_picture = not isinstance(layer, otio.schema.Track) or layer.kind == otio.schema.TrackKind.Video
            if not is_picture and not whole:
                continue
            if layer.enabled or whole:
                length = max(length, self.layout.duration(layer, depth))
            if not is_picture:
                continue
            pieces = self._item(layer, depth + 1)
            opaque.append([piece for piece in pieces if not piece.source.overlay])
            overlays.append([piece for piece in pieces if piece.source.overlay])
        seen: list[Piece] = []
        for below in (*reversed(opaque), *reversed(overlays)):
            seen = over(seen, below) if below else seen
        if not whole and stack.source_range is not None:
            window = self.layout.window(stack, length)
            return fit(seen, window), window.duration
        return seen, length

    def shots(self, pieces: Sequence[Piece], rate: Fraction, frames: int) -> tuple[Shot, ...]:
        shots: list[Shot] = []
        cursor = 0
        fading = 0

        def black(until: int) -> None:
            kind: Literal["cut", "fade"] = "fade" if fading else "cut"
            shots.append(Shot(len(shots) + 1, cursor, until - cursor, "black", None, "edit", kind, fading))

        for piece in pieces:
            start, end = max(cursor, quantise(piece.start * rate)), min(frames, quantise(piece.end * rate))
            if end <= start:
                continue
            if start > cursor:
                black(start)
            head = quantise((piece.head.end - piece.head.start) * rate) if piece.head else 0
            fading = quantise((piece.tail.end - piece.tail.start) * rate) if piece.tail else 0
            shots.append(
                Shot(
                    index=len(shots) + 1,
                    start_frame=start,
                    duration_frames=end - start,
                    name=piece.source.name,
                    media=span_of(piece, start, rate),
                    transition=piece.head.kind if piece.head and head else "cut",
                    transition_frames=head,
                    fade_out_frames=fading,
                )
            )
            cursor = end
        if shots and cursor < frames:
            black(frames)
        return tuple(shots)

    def clip(self, clip: Any, track: str) -> list[Piece]:
        import opentimelineio as otio

        window = self.layout.window(clip, None)
        reference = clip.media_reference
        name = clip.name or (reference.name if reference is not None else "") or ""
        if isinstance(reference, otio.schema.GeneratorReference):
            overlay = bool(_OVERLAY.search(f"{reference.generator_kind} {name}"))
            source = Source(name or reference.generator_kind or "generator", None, overlay, track)
            return [Piece(Fraction(0), window.duration, source, Fraction(0), Fraction(0))]
        path, offline = self.layout.files.locate(reference)
        if path is None and isinstance(reference, otio.schema.MissingReference | None):
            overlay = name.strip().lower() in ("adjustment layer", "adjustment clip")
        else:
            overlay = False
        available = reference.available_range if reference is not None else None
        if available is not None:
            origin = self.layout.seconds(available.start_time)
        elif path is not None and not offline and window.start > 0:
            origin = self._media_origin(path, window, name)
        else:
            origin = Fraction(0)
        if window.start < origin:
            self.layout.warn(
                f"The clip {name!r} begins {float(origin - window.start):.3f} s before its media does; "
                "the media's first frame stands in."
            )
        source = Source(name or (path.stem if path is not None else "clip"), (path, offline), overlay, track)
        return [Piece(Fraction(0), window.duration, source, window.anchor - origin, window.speed)]

    def _item(self, item: Any, depth: int) -> list[Piece]:
        """The pieces an item shows, in its parent's time from 0."""
        import opentimelineio as otio

        if not item.enabled or isinstance(item, otio.schema.Gap):
            return []
        if isinstance(item, otio.schema.Clip):
            return self.clip(item, "")
        if not isinstance(item, otio.core.Composition):
            self.layout.warn(f"The item {item.name!r} is of no kind Shotscore knows; it is left out.")
            return []
        if isinstance(item, otio.schema.Track):
            pieces, length = self._in_track(item, depth), self.layout.cells_of(item, depth).duration
        else:
            pieces, length = self.in_stack(item, depth + 1, whole=True)
        return fit(pieces, self.layout.window(item, length))

    def _in_track(self, track: Any, depth: int) -> list[Piece]:
        laid = self.layout.cells_of(track, depth)
        shown: list[list[Piece]] = []
        for cell in laid.cells:
            shown.append([piece.mapped(cell.start, Fraction(1)) for piece in self._item(cell.item, depth + 1)])
        for after, cut, transition in laid.transitions:
            apply_transition(self.layout, laid.cells, shown, after, cut, transition)
        return [piece for pieces in shown for piece in pieces if piece.end > piece.start]

    def _media_origin(self, path: Path, window: Window, name: str) -> Fraction:
        """Where media time begins for a clip whose reference does not say: at 0, or at the file's own timecode."""
        extent = self.layout.files.extent(path)
        if extent is None:
            return Fraction(0)
        timecode, duration = extent
        if window.start < duration or timecode == 0:
            return Fraction(0)
        if timecode <= window.start < timecode + duration:
            return timecode
        self.layout.warn(f"The clip {name!r} asks for moments its media {path.name} does not have.")
        return Fraction(0)
