"""A part of a picture looked at by itself, and what was found put back into the whole.

Looking for cuts and speech takes as long as what is looked at: where only a range is scored, only that is searched.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from .picture import AudioSpan, MediaSpan, Picture, Shot, media_seconds

_Span = TypeVar("_Span", Shot, AudioSpan)


def portion(picture: Picture, start_frame: int, end_frame: int) -> Picture:
    """`picture` with its shots and sounds cut to [start_frame, end_frame), at their own frames and numbers.

        before  |---- A ----|-- B --|--- C ---|
        after       [- A ---|-- B --|- C]

    It is a picture to search in, not one to show: it does not begin at frame 0.
    """
    shots = tuple(
        replace(_trimmed(shot, start_frame, end_frame, picture), index=shot.index)
        for shot in picture.shots
        if _overlaps(shot, start_frame, end_frame)
    )
    audio = tuple(
        _trimmed(span, start_frame, end_frame, picture)
        for span in picture.audio
        if _overlaps(span, start_frame, end_frame)
    )
    return replace(picture, shots=shots, audio=audio, dialogue=())


def put_back(picture: Picture, searched: Picture, start_frame: int, end_frame: int) -> Picture:
    """`picture` with the cuts and the speech that were found in its `portion` of the same range."""
    shots: list[Shot] = []
    for shot in picture.shots:
        parts = [part for part in searched.shots if shot.start_frame <= part.start_frame < shot.end_frame]
        shots += _widened(shot, parts) if parts else [shot]
    outside = (
        edge
        for first, last in picture.dialogue
        for edge in ((first, min(last, start_frame)), (max(first, end_frame), last))
        if edge[0] < edge[1]
    )
    return replace(
        picture,
        shots=tuple(replace(shot, index=number) for number, shot in enumerate(shots, 1)),
        dialogue=tuple(_joined(sorted([*outside, *searched.dialogue]))),
        warnings=searched.warnings,
    )


def _overlaps(span: Shot | AudioSpan, start_frame: int, end_frame: int) -> bool:
    return span.start_frame < end_frame and span.start_frame + span.duration_frames > start_frame


def _trimmed(span: _Span, start_frame: int, end_frame: int, picture: Picture) -> _Span:
    first = max(span.start_frame, start_frame)
    last = min(span.start_frame + span.duration_frames, end_frame)
    media: MediaSpan | None = span.media
    if media is not None and first > span.start_frame:
        media = replace(media, start=media_seconds(span, first, picture.rate))
    return replace(span, start_frame=first, duration_frames=last - first, media=media)


def _widened(shot: Shot, parts: list[Shot]) -> list[Shot]:
    """The parts of a shot out to its own edges; its first one begins as the shot does."""
    first, last = parts[0], parts[-1]
    media = shot.media
    if media is not None and first.media is not None:
        media = replace(media, offline=first.media.offline)
    only = len(parts) == 1
    opening = replace(
        shot,
        duration_frames=(shot.end_frame if only else first.end_frame) - shot.start_frame,
        media=media,
        fade_out_frames=shot.fade_out_frames if only else 0,
    )
    if only:
        return [opening]
    closing = replace(last, duration_frames=shot.end_frame - last.start_frame, fade_out_frames=shot.fade_out_frames)
    return [opening, *parts[1:-1], closing]


def _joined(spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans in order, touching ones made one."""
    reached: tuple[int, int] | None = None
    for start, end in spans:
        if reached is not None and start <= reached[1]:
            reached = (reached[0], max(end, reached[1]))
            continue
        if reached is not None:
            yield reached
        reached = (start, end)
    if reached is not None:
        yield reached
