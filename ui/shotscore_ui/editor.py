"""What the panel asks of the editor it is docked to; whoever starts the panel hands one in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable


@runtime_checkable
class Editor(Protocol):
    """A project that is open in a video editor. Called away from the window's thread: it may take its time.

    Every method raises an InputError with a sentence where the editor does not answer.
    """

    name: str
    """As a person calls it: Blender, Kdenlive."""

    def connected(self) -> bool:
        """Whether it answers now."""

    def read(self, folder: Path) -> Path:
        """The open timeline, written to a file in `folder`."""

    def insert(self, session: Path) -> Sequence[str]:
        """Put the delivered music of the session file onto the timeline; sentences about what is not as asked for."""

    def remove(self) -> None:
        """Take the music out again."""


@dataclass(frozen=True)
class Surroundings:
    """What is there beside the panel itself."""

    editor: Editor | None = None
    doctor: tuple[str, ...] = ()
    """A command that prints the doctor's findings as `shotscore doctor --json` does; empty: there is none."""
    demo: tuple[str, ...] = ()
    """A command that makes a small film; it gets a folder as its last argument and prints the timeline's path."""
    hints: tuple[str, ...] = field(default=())
    """Sentences for the first page, such as how the panel is opened inside the editor."""
