"""Taking over the session a job left, with what a person changed while it ran."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shotscore_engine.errors import InputError

if TYPE_CHECKING:
    from shotscore_engine.session import Session
    from shotscore_engine.sessionfile import SessionFile

Change = Callable[["Session"], "Session"]


@dataclass(frozen=True, eq=False)
class TakenOver:
    """What came of it."""

    file: SessionFile
    """Holds the session as the job left it."""
    session: Session
    """With the changes."""
    lost: tuple[str, ...]
    """Changes that make no sense any more."""


def take_over(file: SessionFile, path: Path, changes: Sequence[tuple[str, Change]]) -> TakenOver:
    """The session in `path`, with each of `changes` (its name, the change) made again.

    The first music of a timeline moves its session from the draft, which goes, to the folder of the files. Raises
    SessionError where the file cannot be read.
    """
    from shotscore_engine import history
    from shotscore_engine.session import Session
    from shotscore_engine.sessionfile import SessionFile

    opened = file
    if path != file.path:
        opened = SessionFile(path)
        file.close()
        for left in (file.path, file.path.with_name(f"{file.path.name}.bak")):
            left.unlink(missing_ok=True)
    opened.session = Session.open(path)
    session, lost = opened.session, []
    for did, change in changes:
        try:
            session = history.record(session, change(session), did)
        except InputError:
            lost.append(did)
    return TakenOver(opened, session, tuple(lost))
