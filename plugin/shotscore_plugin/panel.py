"""`shotscore panel`: the Qt panel, with the editor it is docked to handed in.

The panel itself (package `shotscore_ui`) knows no editor; here a host becomes what it asks for. As a program of its
own, `python -m shotscore_plugin.panel --demo FOLDER` draws the demo film for it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shotscore_engine.errors import InputError, RequestError, SessionError

from .answer import Answer
from .terminal import ProgressLine

if TYPE_CHECKING:
    from shotscore_ui.editor import Editor, Surroundings

    from .host import Host, Program

Run = Callable[[argparse.Namespace, ProgressLine], Answer]
_DOCTOR = (sys.executable, "-m", "shotscore_plugin.cli", "doctor", "--json")
_DEMO = (sys.executable, "-m", "shotscore_plugin.panel", "--demo")


def add_commands(command: Callable[[str, Run, str], argparse.ArgumentParser]) -> None:
    """Declare the command; `command(name, run, about)` makes a parser."""
    panel = command("panel", _run, "open the panel: see, score, hear and change the music of a timeline")
    panel.add_argument("what", metavar="TIMELINE", nargs="?", help="a timeline, a video, or a .shotscore session")
    panel.add_argument("--host", metavar="NAME", help="dock to this editor: read its timeline, insert into it")


def _run(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    if importlib.util.find_spec("PySide6") is None:
        raise RequestError("The panel needs PySide6; install it with: pip install PySide6.")
    from shotscore_ui.app import run

    what = Path(options.what).absolute() if options.what else None
    if what is not None and not what.exists():
        raise RequestError(f"{what} is not there; name a timeline, a video or a .shotscore session.")
    progress.clear()
    code = run(what, surroundings(options.host))
    return Answer({"closed": code == 0}, "", code)


def surroundings(host: str | None = None) -> Surroundings:
    """What the panel finds around it. Raises RequestError where there is no host of that name."""
    from shotscore_ui.editor import Surroundings

    editor = None
    if host is not None:
        from . import hosts

        editor = LiveEditor(hosts.program(host))
    return Surroundings(editor, file_editor, _DOCTOR, _DEMO)


class LiveEditor:
    """An editor's open project, as the panel asks for it; it is found again after the editor was started anew."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self.name = program.title
        self._host: Host | None = None

    def connected(self) -> bool:
        """Whether it answers."""
        try:
            self._open().revision()
        except InputError:
            self._host = None
            return False
        return True

    def read(self, folder: Path) -> Path:
        """The open timeline as an OpenTimelineIO file."""
        import opentimelineio as otio
        from shotscore_engine.atomic import replace_file

        host = self._open()
        timeline = host.timeline()
        project = host.project
        path = folder / f"{project.stem if project else 'untitled'}.otio"
        replace_file(path, otio.adapters.write_to_string(timeline, "otio_json").encode())
        return path

    def insert(self, session: Path) -> Sequence[str]:
        """The delivered music of the session onto the timeline."""
        return _insert(self._open(), session)

    def remove(self) -> None:
        """And out again."""
        self._open().remove()

    def _open(self) -> Host:
        if self._host is None:
            self._host = self._program.open(None)
        return self._host


class FileEditor:
    """A project file: the music goes into a copy beside it."""

    def __init__(self, path: Path, host: Host) -> None:
        self.name = f"{path.stem}.music{path.suffix}"
        self._path, self._host = path, host

    def connected(self) -> bool:
        """Whether the file is there."""
        return self._path.exists()

    def read(self, folder: Path) -> Path:
        """The file itself."""
        del folder
        return self._path

    def insert(self, session: Path) -> Sequence[str]:
        """Write the copy."""
        return _insert(self._host, session)

    def remove(self) -> None:
        """Take the copy away."""
        self._host.remove()


def file_editor(timeline: Path) -> Editor | None:
    """The editor of a timeline's file; None where music cannot be put into such a file."""
    from .hosts.files import FileHost

    if timeline.suffix.lower() not in _suffixes() or not timeline.is_file():
        return None
    return FileEditor(timeline, FileHost(timeline))


def _suffixes() -> tuple[str, ...]:
    from shotscore_exporters import projects

    return tuple(projects.SUFFIXES)


def _insert(host: Host, path: Path) -> tuple[str, ...]:
    from shotscore_engine.session import Session
    from shotscore_exporters.delivery import delivered_stems
    from shotscore_exporters.placement import markers_of, place

    session = Session.open(path)
    first = next((cue for cue in session.cues if cue.name in session.chosen), None)
    if first is None:
        raise SessionError(f"{path} has no music yet; score it first.")
    clips = delivered_stems(session, path.parent)
    if clips is None:
        raise SessionError(f"The files beside {path.name} are being brought up to date; insert again in a moment.")
    placement = place(session.picture, first)
    inserted = host.insert(clips, placement, markers_of(session.picture, first))
    return inserted.differences


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the demo film into a folder; prints its timeline as JSON."""
    from .demo_film import find_film, make_film

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--demo", metavar="FOLDER", type=Path, required=True)
    folder: Path = parser.parse_args(arguments).demo
    try:
        folder.mkdir(parents=True, exist_ok=True)
        timeline = find_film(folder) or make_film(folder)
    except OSError as problem:
        print(f"{folder} cannot be written to: {problem.strerror}", file=sys.stderr)
        return 2
    answer: dict[str, Any] = {"timeline": str(timeline)}
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
