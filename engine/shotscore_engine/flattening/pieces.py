"""Pieces: stretches of clips in somebody's time, trimmed, mapped and laid over each other. Seconds, exact."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from ..picture import MediaSpan


@dataclass(frozen=True, slots=True)
class Fade:
    """A transition at the edge of a piece, in the piece's own time."""

    start: Fraction
    end: Fraction
    kind: Literal["dissolve", "fade"]

    @property
    def middle(self) -> Fraction:
        return (self.start + self.end) / 2

    def mapped(self, offset: Fraction, scale: Fraction) -> "Fade":
        first, last = offset + self.start * scale, offset + self.end * scale
        return Fade(min(first, last), max(first, last), self.kind)


@dataclass(frozen=True, slots=True)
class Source:
    """A clip's media, resolved once a clip."""

    name: str
    media: tuple[Path | None, bool] | None
    """(path, offline); None for generators."""
    overlay: bool = False
    """Drawn over what lies below, like a title."""
    track: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one clip in somebody's time (seconds); media time at `start` is `media`, changing by `speed`."""

    start: Fraction
    end: Fraction
    source: Source
    media: Fraction
    speed: Fraction
    head: Fade | None = None
    tail: Fade | None = None

    def trimmed(self, start: Fraction, end: Fraction) -> "Piece":
        """The part from `start` to `end`; an edge that moved inwards loses its fade."""
        if start == self.start and end == self.end:
            return self
        return Piece(
            start,
            end,
            self.source,
            self.media + (start - self.start) * self.speed,
            self.speed,
            self.head if start <= self.start else None,
            self.tail if end >= self.end else None,
        )

    def mapped(self, offset: Fraction, scale: Fraction) -> "Piece":
        """The piece in a parent's time t = offset + scale * own time; a negative scale plays it backwards."""
        first, last = offset + self.start * scale, offset + self.end * scale
        head = self.head.mapped(offset, scale) if self.head else None
        tail = self.tail.mapped(offset, scale) if self.tail else None
        if scale > 0:
            return Piece(first, last, self.source, self.media, self.speed / scale, head, tail)
        at_end = self.media + (self.end - self.start) * self.speed
        return Piece(last, first, self.source, at_end, self.speed / scale, tail, head)


@dataclass(slots=True)
class Window:
    """Which stretch of an item's content is used and how it runs."""

    start: Fraction
    """Content time of the earliest moment used."""
    duration: Fraction
    """Seconds in the parent."""
    speed: Fraction

    @property
    def anchor(self) -> Fraction:
        """Content time at the item's first moment."""
        return self.start if self.speed >= 0 else self.start - self.duration * self.speed


def fit(pieces: Sequence[Piece], window: Window) -> list[Piece]:
    """Content pieces as the parent sees them: trimmed to the window, run at its speed, in time order from 0."""
    if window.speed == 0:
        held = next((piece for piece in pieces if piece.start <= window.start < piece.end), None)
        if held is None:
            return []
        moment = held.media + (window.start - held.start) * held.speed
        return [Piece(Fraction(0), window.duration, held.source, moment, Fraction(0))]
    low, high = window.start, window.start + window.duration * abs(window.speed)
    inside = [piece.trimmed(max(piece.start, low), min(piece.end, high)) for piece in pieces]
    scale = 1 / window.speed
    offset = -window.anchor * scale
    if scale == 1 and offset == 0:
        return [piece for piece in inside if piece.end > piece.start]
    mapped = [piece.mapped(offset, scale) for piece in inside if piece.end > piece.start]
    return mapped if scale > 0 else mapped[::-1]


def over(top: Sequence[Piece], below: Sequence[Piece]) -> list[Piece]:
    """`top` with the holes it leaves filled from `below`; both in time order, and so is the result.

    top:    ____TTTT____      a T that fades at an edge over something below dissolves with it
    below:  BBBBBBBBBBCC
    result: BBBBTTTTBBCC
    """
    if not top:
        return list(below)
    result: list[Piece] = []
    cursor = Fraction(0)
    at = 0
    soft: Fade | None = None

    def fill(until: Fraction | None) -> None:
        nonlocal at
        while at < len(below) and below[at].end <= cursor:
            at += 1
        index = at
        while index < len(below) and (until is None or below[index].start < until):
            piece = below[index]
            part = piece.trimmed(max(piece.start, cursor), piece.end if until is None else min(piece.end, until))
            if part.end > part.start:
                joins = soft is not None and part.start == cursor
                result.append(replace(part, head=soft) if joins else part)
            index += 1

    for piece in top:
        shown = piece
        if shown.head and shown.head.kind == "fade" and _covers(below, shown.head.start, at):
            middle = min(shown.head.middle, shown.end)
            shown = replace(shown.trimmed(middle, shown.end), head=Fade(shown.head.start, shown.head.end, "dissolve"))
        fill(shown.start)
        soft = None
        if shown.tail and shown.tail.kind == "fade" and _covers(below, shown.tail.end, at):
            soft = Fade(shown.tail.start, shown.tail.end, "dissolve")
            shown = replace(shown.trimmed(shown.start, max(soft.middle, shown.start)), tail=None)
        result.append(shown)
        cursor = shown.end
    fill(None)
    return [piece for piece in result if piece.end > piece.start]


def _covers(pieces: Sequence[Piece], moment: Fraction, first: int) -> bool:
    for piece in pieces[first:]:
        if piece.start > moment:
            return False
        if piece.end >= moment:
            return True
    return False


def span_of(piece: Piece, start: int, rate: Fraction) -> MediaSpan | None:
    """The media of a piece as seen from its first whole frame."""
    if piece.source.media is None:
        return None
    path, offline = piece.source.media
    moment = piece.media + (Fraction(start) / rate - piece.start) * piece.speed
    if piece.speed < 0:
        moment += piece.speed / rate  # the media frame before the exclusive end is shown first
    return MediaSpan(path, offline, max(Fraction(0), moment), piece.speed)
