"""Where a session's files are, seen from its own folder, so that a folder that was moved still opens.

A session names media and timelines by absolute paths. Beside them its file keeps a table of the same places relative to
the session's folder. When it is opened, a file that stands where the table says is the one that is meant: moved or
copied with the session, or never moved at all. What stands nowhere there keeps its absolute path.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from .picture import AudioSpan, Picture, Shot

if TYPE_CHECKING:
    from .session import Session

Table = dict[str, str]


def table_of(session: Session, folder: Path) -> Table:
    """Every file the session names, in order, as it is reached from `folder`; not what lies on another drive."""
    table: Table = {}
    for path in sorted(set(_named(session))):
        try:
            table[path] = Path(os.path.relpath(path, folder.absolute())).as_posix()
        except ValueError:  # Windows: no way leads from one drive to another
            continue
    return table


def found_from(session: Session, table: Mapping[str, Any], folder: Path) -> Session:
    """`session` with the files that the table finds from `folder` in place of those it names."""
    moved: dict[str, str] = {}
    for name in set(_named(session)):
        reached = table.get(name)
        if not isinstance(reached, str) or not reached or "\0" in reached:
            continue
        if PurePosixPath(reached).is_absolute() or Path(reached).is_absolute():
            continue
        there = os.path.normpath(folder.absolute() / reached)
        # A sequence of images is a pattern, no file: its folder has to do.
        stands = Path(there).parent.is_dir() if "%" in Path(there).name else Path(there).is_file()
        if there != name and stands:
            moved[name] = there
    if not moved:
        return session

    def elsewhere(name: str) -> str:
        return moved.get(name, name)

    def state(one: Session) -> Session:
        return replace(
            one,
            timeline=elsewhere(one.timeline),
            picture=_with_paths(one.picture, elsewhere),
            edits=tuple(
                replace(edit, timeline=elsewhere(edit.timeline), picture=_with_paths(edit.picture, elsewhere))
                for edit in one.edits
            ),
        )

    whole = state(session)
    return replace(
        whole,
        past=tuple(replace(step, state=state(step.state)) for step in session.past),
        future=tuple(replace(step, state=state(step.state)) for step in session.future),
    )


def _named(session: Session) -> Iterator[str]:
    for state in (session, *(step.state for step in (*session.past, *session.future))):
        for timeline, picture in (
            (state.timeline, state.picture),
            *((edit.timeline, edit.picture) for edit in state.edits),
        ):
            if timeline:
                yield timeline
            spans: tuple[Shot | AudioSpan, ...] = (*picture.shots, *picture.audio)
            for span in spans:
                if span.media is not None and span.media.path is not None:
                    yield str(span.media.path)


def _with_paths(picture: Picture, elsewhere: Callable[[str], str]) -> Picture:
    def shot(one: Shot) -> Shot:
        if one.media is None or one.media.path is None:
            return one
        return replace(one, media=replace(one.media, path=Path(elsewhere(str(one.media.path)))))

    def sound(one: AudioSpan) -> AudioSpan:
        if one.media is None or one.media.path is None:
            return one
        return replace(one, media=replace(one.media, path=Path(elsewhere(str(one.media.path)))))

    return replace(picture, shots=tuple(map(shot, picture.shots)), audio=tuple(map(sound, picture.audio)))
