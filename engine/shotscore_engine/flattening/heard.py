"""What a timeline sounds like: the clips of its audio tracks."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from ..picture import AudioSpan, MediaSpan
from ..timing import quantise
from .layout import Layout
from .pieces import Piece, fit, span_of
from .seen import Seen


@dataclass(slots=True)
class Heard:
    """The pieces of a timeline's sound."""

    layout: Layout
    seen: Seen

    def audio(self, stack: Any, rate: Fraction) -> tuple[AudioSpan, ...]:
        found: dict[AudioSpan, None] = {}
        for piece in self._in_stack(stack, 0):
            start, end = quantise(piece.start * rate), quantise(piece.end * rate)
            if end > start >= 0:
                media = span_of(piece, start, rate)
                found[AudioSpan(piece.source.track, start, end - start, piece.source.name, media)] = None
        # A nested sequence often lies on a video and on an audio track: its sound is heard once.
        once: dict[tuple[int, int, str, MediaSpan | None], AudioSpan] = {}
        for span in found:
            named = span.media is not None and span.media.path is not None
            key = (span.start_frame, span.duration_frames, "" if named else f"{span.track}/{span.name}", span.media)
            once.setdefault(key, span)
        return tuple(sorted(once.values(), key=lambda span: (span.start_frame, span.track)))

    def _in_stack(self, stack: Any, depth: int) -> list[Piece]:
        import opentimelineio as otio

        pieces: list[Piece] = []
        number = 0
        for layer in stack:
            if not isinstance(layer, otio.schema.Track):
                continue
            sounding = layer.kind == otio.schema.TrackKind.Audio
            number += sounding
            if not layer.enabled or not (sounding or layer.kind == otio.schema.TrackKind.Video):
                continue
            label = layer.name or f"A{number}"
            heard: list[Piece] = []
            for cell in self.layout.cells_of(layer, depth).cells:
                inner = self._item(cell.item, depth + 1, label if sounding else None)
                heard.extend(piece.mapped(cell.start, Fraction(1)) for piece in inner)
            pieces.extend(fit(heard, self.layout.window(layer, self.layout.cells_of(layer, depth).duration)))
        if depth == 0 and stack.source_range is not None:
            pieces = fit(pieces, self.layout.window(stack, self.layout.content_length(stack, depth)))
        return pieces

    def _item(self, item: Any, depth: int, label: str | None) -> list[Piece]:
        """What an item sounds like; `label` is the audio track it lies on, None on a video track."""
        import opentimelineio as otio

        if not item.enabled or isinstance(item, otio.schema.Gap):
            return []
        if isinstance(item, otio.schema.Clip):
            return self.seen.clip(item, label) if label is not None else []
        if not isinstance(item, otio.core.Composition):
            return []
        window = self.layout.window(item, self.layout.content_length(item, depth))
        if isinstance(item, otio.schema.Stack):
            pieces = self._in_stack(item, depth + 1)
            if not pieces and label is not None:
                pieces = [piece for child in item for piece in self._item(child, depth + 1, label)]
        else:
            pieces = []
            for cell in self.layout.cells_of(item, depth).cells:
                pieces.extend(p.mapped(cell.start, Fraction(1)) for p in self._item(cell.item, depth + 1, label))
        if label is not None:
            pieces = [replace(piece, source=replace(piece.source, track=label)) for piece in pieces]
        return fit(pieces, window)
