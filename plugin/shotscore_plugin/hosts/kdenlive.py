"""Kdenlive: its project files in full, and the running editor through D-Bus as far as that goes.

D-Bus of a stock Kdenlive can add a file to the bin, say which project is open and whether it is saved, and press a
menu's entries; it cannot reach the timeline and cannot open a file. So there are two modes:

- full: the saved project is read, the music goes into a copy beside it (`hosts/files.py` says how), and `show` opens
  the copy in Kdenlive: the one click. Where Kdenlive has that copy open already, it loads it anew. Whoever goes on
  working in the copy keeps it; the next insert replaces the music in it, although Kdenlive has written the file anew
  meanwhile (`shotscore_exporters.mlt_remove`).
- light: `to_bin` adds the stems to the bin of the running editor, from where the person drags them. Nothing on disk is
  written. Each file starts with its cue, so that it is dropped at the cue's timecode.

Document formats: 1.04 (up to 22.12, tested in the real editor) and 1.1 (23.04 and newer, tested by contract only).
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shotscore_engine.errors import HostError
from shotscore_exporters.placement import StemClip

from ..host import Check, Host
from .file_program import FileProgram, ProgramFileHost

_BUS_NAME = re.compile(r"org\.kde\.kdenlive-(\d+)")
_WINDOW = "/kdenlive/MainWindow_1"
_MAIN = "org.kde.kdenlive.MainWindow"
_MENUS = "org.kde.KMainWindow"
_WIDGET = "org.qtproject.Qt.QWidget"
_ASK_SECONDS = 5.0
_LOAD_SECONDS = 120.0
"""Kdenlive answers when it has loaded the project it was told to load."""
_LISTED = 64 * 1024


# --- the running editor ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Running:
    """A Kdenlive on this person's session bus."""

    process: int
    title: str
    """Of its window: the project's name, then `[*]/ ` and the profile."""
    saved: bool
    """Whether the project has no changes that are not in its file."""
    arguments: tuple[str, ...] = ()
    """What the program was started with."""

    @property
    def service(self) -> str:
        """Its name on the bus."""
        return f"org.kde.kdenlive-{self.process}"

    @property
    def project_name(self) -> str:
        """The open project's file name without its ending."""
        return re.split(r"\s*(?:\[\*\])?\s*/ ", self.title, maxsplit=1)[0].strip()

    @property
    def project(self) -> Path | None:
        """The open project's file, where it can be told: Kdenlive says its name only.

        Taken from the command line, else from the list of recent files.
        """
        for candidate in (*map(Path, reversed(self.arguments)), *recent_projects()):
            if candidate.stem == self.project_name and candidate.suffix == ".kdenlive" and candidate.is_file():
                return candidate.absolute()
        return None


def running() -> tuple[Running, ...]:
    """Every Kdenlive on the session bus; none where there is no bus. Never longer than a few seconds."""
    try:
        with _bus() as bus:
            names = [name for name in bus.names() if _BUS_NAME.fullmatch(name)]
            return tuple(_ask(bus, name) for name in sorted(names))
    except HostError:
        return ()


def add_to_bin(editor: Running, paths: Sequence[Path]) -> None:
    """Add files to the editor's bin. Raises HostError where one is missing or the editor does not answer."""
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise HostError(f"{missing[0]} does not exist, so nothing was added; render the music again.")
    with _bus() as bus:
        for path in paths:
            bus.call(editor.service, _MAIN, "addProjectClip", "s", (str(path.resolve()),))


def load_again(editor: Running) -> None:
    """Have the editor load its project's file anew. HostError where it holds changes: it would ask about them."""
    if not editor.saved:
        raise HostError(f"Kdenlive holds changes to {editor.project_name} that are not saved; it was not loaded anew.")
    with _bus() as bus:
        (found,) = bus.call(editor.service, _MENUS, "activateAction", "s", ("file_revert",), seconds=_LOAD_SECONDS)
    if not found:
        raise HostError(f"Kdenlive did not load {editor.project_name} anew; use File > Revert there.")


def recent_projects() -> Iterator[Path]:
    """Kdenlive's recent files, newest first."""
    base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    try:
        with (base / "kdenliverc").open(encoding="utf-8", errors="replace") as file:
            text = file.read(4 * 2**20)
    except OSError:
        return
    section = re.search(r"^\[Recent Files\]\n(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    found = re.findall(r"^File(\d+)\[\$e\]=(.*)$", section[1], re.MULTILINE) if section else []
    for _, value in sorted(found, key=lambda one: -int(one[0])):
        yield Path(value.replace("$HOME", str(Path.home())).replace("\\\\", "\\"))


def _ask(bus: "_Bus", name: str) -> Running:
    values = {
        key: bus.call(name, "org.freedesktop.DBus.Properties", "Get", "ss", (_WIDGET, key))[0][1]
        for key in ("windowTitle", "windowModified")
    }
    match = _BUS_NAME.fullmatch(name)
    process = int(match[1]) if match else 0
    return Running(process, str(values["windowTitle"]), not values["windowModified"], _arguments(process))


def _arguments(process: int) -> tuple[str, ...]:
    """The program's arguments, absolute from where it was started; empty where the system hides them."""
    try:
        with Path(f"/proc/{process}/cmdline").open("rb") as file:
            words = file.read(_LISTED).split(b"\0")[1:]
        folder = os.readlink(f"/proc/{process}/cwd")  # noqa: PTH115 - Path.readlink would not say where it fails
    except OSError:
        return ()
    return tuple(str(Path(folder) / os.fsdecode(word)) for word in words if word and not word.startswith(b"-"))


class _Bus:
    """The session bus, asked one thing at a time."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def names(self) -> list[str]:
        (names,) = self.call("org.freedesktop.DBus", "org.freedesktop.DBus", "ListNames", path="/org/freedesktop/DBus")
        return [str(name) for name in names]

    def call(
        self, service: str, interface: str, method: str, signature: str = "", values: tuple[object, ...] = (),
        path: str = _WINDOW, seconds: float = _ASK_SECONDS,
    ) -> tuple[Any, ...]:  # fmt: skip
        from jeepney import DBusAddress, MessageType, new_method_call

        message = new_method_call(DBusAddress(path, service, interface), method, signature or None, values)
        try:
            reply = self.connection.send_and_get_reply(message, timeout=seconds)
        except (OSError, TimeoutError) as problem:
            raise HostError(f"Kdenlive does not answer ({method}); look whether it shows a question.") from problem
        if reply.header.message_type is not MessageType.method_return:
            raise HostError(f"Kdenlive refused {method}: {' '.join(map(str, reply.body))[:120]}.")
        body: tuple[Any, ...] = reply.body
        return body


@contextmanager
def _bus() -> Iterator[_Bus]:
    """Raises HostError where there is no session bus: on Windows and macOS, and outside a desktop session."""
    try:
        from jeepney.io.blocking import open_dbus_connection
    except ImportError as problem:
        raise HostError("There is no D-Bus on this system; Kdenlive is reached through its project files.") from problem
    try:
        connection = open_dbus_connection("SESSION", auth_timeout=_ASK_SECONDS)
    except (OSError, KeyError, ValueError, RuntimeError) as problem:
        raise HostError("There is no session bus; start Shotscore inside the desktop session.") from problem
    with connection:
        yield _Bus(connection)


# --- the host --------------------------------------------------------------------------------------------------------


@dataclass
class KdenliveHost(ProgramFileHost):
    """A saved Kdenlive project, and the editor it is open in, if it is."""

    def editor(self) -> Running | None:
        """The running Kdenlive that has this project open."""
        return next((one for one in running() if one.project == self.project), None)

    def unsaved(self) -> bool:
        """Whether the editor holds changes that are not in the file: they would not be seen."""
        editor = self.editor()
        return editor is not None and not editor.saved

    def show(self, path: Path) -> None:
        """Open a project in Kdenlive: loaded anew where one has it open, else in a window of its own.

        Raises HostError where Kdenlive is not found, or holds changes to that project which are not saved.
        """
        editor = next((one for one in running() if one.project == path.absolute()), None)
        if editor is None:
            super().show(path)
        else:
            load_again(editor)

    def to_bin(self, clips: Sequence[StemClip]) -> int:
        """Light mode: add the stems to the bin of the editor this project is open in; how many.

        Raises HostError where none has it open.
        """
        editors = running()
        # Where an editor's file cannot be told its name has to do; any other editor's bin is somebody else's.
        same_name = [one for one in editors if one.project is None and one.project_name == self.project.stem]
        editor = next((one for one in editors if one.project == self.project), None) or next(iter(same_name), None)
        if editor is None:
            others = f" (it has {', '.join(one.project_name for one in editors)})" if editors else ""
            raise HostError(f"Kdenlive does not have {self.project.name} open{others}; open it there, then try again.")
        paths = list(dict.fromkeys(clip.path for clip in clips))
        add_to_bin(editor, paths)
        return len(paths)


class Kdenlive(FileProgram):
    """Kdenlive as `shotscore hosts` lists it. Nothing is installed into it: it has no add-ons."""

    def check(self) -> Check:
        """Whether it is here, runs, and answers on the bus."""
        editors = running()
        if not editors:
            return super().check()
        names = ", ".join(f"{one.project_name}{'' if one.saved else ' (not saved)'}" for one in editors)
        return Check("ok", f"running with {names}")

    def open(self, project: Path | None) -> Host:
        """The project in that file, else the one that is open in the running editor."""
        if project is None:
            editors = running()
            if not editors:
                raise HostError("Kdenlive is not running; name the project's file.")
            project = next((one.project for one in editors if one.project is not None), None)
            if project is None:
                raise HostError(f"Where {editors[0].project_name} lies cannot be told; save it and name the file.")
        return super().open(project)

    def host(self, project: Path) -> Host:
        """The host of a project file that is there."""
        return KdenliveHost(project, name=self.name, program=self)


PROGRAM = Kdenlive(
    "kdenlive",
    "Kdenlive",
    "22.12 (format 1.04); 1.1 by contract",
    (".kdenlive",),
    ("kdenlive", "org.kde.kdenlive"),
    windows=("kdenlive/bin/kdenlive.exe",),
    mac=("kdenlive.app/Contents/MacOS/kdenlive",),
    limits=(
        "Save the project in Kdenlive before it is read; what is not saved is not seen.",
        "The music goes into a copy beside the project, which Kdenlive opens in a window of its own.",
        "Kdenlive tells nobody where its playhead is or what is selected; its timelines start at 0.",
    ),
)
