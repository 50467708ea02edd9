"""What editors have in common that are reached through their own project files: nothing is installed into them."""

import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from shotscore_engine.errors import HostError

from ..host import Capabilities, Check, Host
from .files import FileHost


@dataclass
class ProgramFileHost(FileHost):
    """A project file of one editor."""

    program: "FileProgram" = field(kw_only=True)
    start_timecode: bool = field(default=False, kw_only=True)

    @property
    def capabilities(self) -> Capabilities:
        """As files have, with what the editor lacks."""
        return Capabilities(start_timecode=self.start_timecode, limits=self.program.limits)

    def show(self, path: Path) -> None:
        """Open a project in the editor, in a window of its own; the person's stays as it is.

        Raises HostError where the editor is not found.
        """
        found = self.program.found()
        if found is None:
            raise HostError(f"{self.program.title} was not found; open {path} there by hand.")
        process = subprocess.Popen(
            [str(found), str(path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd=path.parent,
        )
        # It lives on without us; while we do, somebody must bury it.
        threading.Thread(target=process.wait, daemon=True).start()


@dataclass
class FileProgram:
    """An editor as `shotscore hosts` lists it."""

    name: str
    title: str
    tested: str
    suffixes: tuple[str, ...]
    commands: tuple[str, ...]
    """Names on the search path, and files of Linux packages."""
    windows: tuple[str, ...] = ()
    """Below the folders of programs."""
    mac: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()

    def found(self) -> Path | None:
        """The program, on the search path or where its installers put it."""
        places = [Path(found) for found in map(shutil.which, self.commands) if found]
        if sys.platform == "win32":
            folders = [os.environ.get(key) for key in ("ProgramFiles", "ProgramW6432", "LOCALAPPDATA")]
            places += [Path(folder) / place for folder in folders if folder for place in self.windows]
        elif sys.platform == "darwin":
            places += [folder / place for folder in (Path("/Applications"), Path.home()) for place in self.mac]
        else:
            shared = (Path("/var/lib"), Path.home() / ".local/share")
            places += [folder / "flatpak/exports/bin" / name for folder in shared for name in self.commands]
        return next((place for place in places if place.is_file()), None)

    def installed(self) -> bool:
        """Nothing is needed."""
        return True

    def install(self) -> tuple[Path, ...]:
        """Nothing is needed."""
        return ()

    def remove(self) -> tuple[Path, ...]:
        """Nothing was put anywhere."""
        return ()

    def check(self) -> Check:
        """Whether the editor is here; its project files need it only to be looked at."""
        if self.found() is None:
            return Check("limited", "not found; its project files work without it", f"Install {self.title}.")
        return Check("ok", "found; works on its project files")

    def open(self, project: Path | None) -> Host:
        """The project in that file."""
        return self.host(self.file(project))

    def host(self, project: Path) -> Host:
        """The host of a project file that is there."""
        return ProgramFileHost(project, name=self.name, program=self)

    def file(self, project: Path | None) -> Path:
        """The project's absolute path. Raises HostError where it is no project of this editor."""
        if project is None:
            raise HostError(f"{self.title} does not say what it has open; save the project and name its file.")
        if project.suffix.lower() not in self.suffixes:
            raise HostError(f"{project.name} is no {self.title} project; give a {' or '.join(self.suffixes)} file.")
        if not project.is_file():
            raise HostError(f"{project} does not exist; save the project there from {self.title}.")
        return project.absolute()
