"""What the panel asks of the editor it is docked to; whoever starts the panel hands one in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    file_editor: Callable[[Path], Editor | None] = field(default=lambda _: None)
    """Where the music of a timeline's file goes; None where it cannot be put into such a file."""
    doctor: tuple[str, ...] = ()
    """A command that prints the doctor's findings as `shotscore doctor --json` does; empty: there is none."""
    demo: tuple[str, ...] = ()
    """A command that makes a small film; it gets a folder as its last argument and prints the timeline's path."""
    hints: tuple[str, ...] = ()
    """Sentences for the first page, such as how the panel is opened inside the editor."""
