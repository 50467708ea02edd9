"""Blender (4.2 to 5.x): an extension for its Video Sequencer, reached over the bridge.

`install` puts the extension where each Blender on this machine looks for a person's own ones, and an archive beside
that can be dragged into any other. The extension lies in `addon/`; together with a copy of `wire.py` and a
`launch.json` that says how Shotscore is started, it is complete.
"""

import atexit
import io
import json
import os
import re
import shutil
import sys
import threading
import time
import zipfile
from importlib.resources import files
from pathlib import Path

from shotscore_engine.errors import HostError

from ... import install
from ...bridge import Bridge, address_file, running
from ...host import Check, Host

CONNECT_SECONDS = 4.0
"""How long a Blender may take to notice a bridge that was opened just now."""
_bridge: Bridge | None = None
_lock = threading.Lock()
OLDEST = (4, 2)
"""The first Blender with extensions."""
_VERSION = re.compile(r"(\d+)\.(\d+)")


class Blender:
    """Blender's Video Sequencer."""

    name = "blender"
    title = "Blender"
    tested = "bpy 4.3.0, 5.0.1"
    suffixes: tuple[str, ...] = ()

    def found(self) -> Path | None:
        """The program, or the folder of its settings."""
        program = shutil.which("blender")
        if program:
            return Path(program)
        for path in _usual_places():
            if path.exists():
                return path
        folders = settings_folders()
        return folders[-1] if folders else None

    def installed(self) -> bool:
        """Whether the add-on is whole in every Blender's folder."""
        return install.in_place(self.name, self._files())

    def install(self) -> tuple[Path, ...]:
        """The extension for every Blender that has been started once, and the archive for all others."""
        return install.put(self.name, self._files())

    def remove(self) -> tuple[Path, ...]:
        """Take all of it away."""
        return install.take_away(self.name)

    def check(self) -> Check:
        """Whether the add-on is in place and a Blender connected."""
        if self.found() is None and not install.installed_files(self.name):
            return Check("limited", "no Blender was found", "Install Blender 4.2 or newer from blender.org.")
        if not self.installed():
            return Check("limited", "the add-on is not installed", "shotscore hosts install blender")
        pid = running()
        if pid is None:
            return Check(
                "ok",
                "the add-on is installed; it starts Shotscore when needed",
                "If its tab does not show: Edit > Preferences > Add-ons, tick Shotscore.",
            )
        return Check("ok", f"the add-on is installed; the bridge runs (process {pid})")

    def open(self, project: Path | None) -> Host:
        """A Blender that is connected, the last that came; with `project`, one that has that file open.

        Opens this process's bridge, which takes over from one that runs. Raises HostError where no Blender is there.
        """
        bridge, fresh = _own_bridge()
        end = time.monotonic() + (CONNECT_SECONDS if fresh else 0)
        while True:
            for host in reversed(bridge.hosts):
                if host.name == self.name and (project is None or host.project == project):
                    return host
            if time.monotonic() >= end:
                break
            time.sleep(0.05)
        raise HostError(
            f"No Blender {f'with {project.name} open ' if project else ''}is connected: open the edit in Blender, with "
            "the add-on installed (shotscore hosts install blender) and ticked in its preferences."
        )

    def _files(self) -> dict[Path, bytes]:
        content = addon_files()
        found = {archive(): packed(content)}
        for folder in settings_folders():
            home = folder / "extensions" / "user_default" / "shotscore"
            found |= {home / name: data for name, data in content.items()}
        return found


def settings_folders(system: str = sys.platform, home: Path | None = None) -> tuple[Path, ...]:
    """A folder for each Blender of 4.2 or newer that this person has started, oldest first.

    Linux `~/.config/blender/4.2`, Windows `%APPDATA%/Blender Foundation/Blender/4.2`, macOS
    `~/Library/Application Support/Blender/4.2`.
    """
    base = install.config_folder(system, home)
    places = {"win32": base / "Blender Foundation" / "Blender", "darwin": base / "Blender"}
    top = places.get(system, base / "blender")
    if not top.is_dir():
        return ()
    found = []
    for folder in top.iterdir():
        version = _VERSION.fullmatch(folder.name)
        if version and folder.is_dir() and (int(version[1]), int(version[2])) >= OLDEST:
            found.append(((int(version[1]), int(version[2])), folder))
    return tuple(folder for _, folder in sorted(found))


def archive() -> Path:
    """The extension as one file, for a Blender whose folder is not known."""
    return install.data_folder() / "shotscore-blender.zip"


def addon_files() -> dict[str, bytes]:
    """Everything the extension consists of, by name."""
    own = files(__package__) / "addon"
    found = {one.name: one.read_bytes() for one in own.iterdir() if one.name.endswith((".py", ".toml"))}
    package = __package__.rsplit(".", 2)[0]
    found["wire.py"] = (files(package) / "wire.py").read_bytes()
    told = {"command": install.command(), "address": str(address_file())}
    found["launch.json"] = json.dumps(told, indent=1).encode()
    return dict(sorted(found.items()))


def packed(content: dict[str, bytes]) -> bytes:
    """As an archive that Blender installs from disk; the same content gives the same bytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in content.items():
            file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text)
    return data.getvalue()


def _own_bridge() -> tuple[Bridge, bool]:
    """This process's bridge, and whether it was opened just now. It takes over from another once, not again."""
    global _bridge
    with _lock:
        if _bridge is not None and not _bridge.stopped.is_set():
            return _bridge, False
        made = Bridge()
        made.start(take_over=_bridge is None)
        _bridge = made
        atexit.register(made.stop)
        return made, True


def _usual_places() -> tuple[Path, ...]:
    if sys.platform == "win32":
        base = Path(os.environ.get("PROGRAMFILES", r"C:\Program Files")) / "Blender Foundation"
        return tuple(sorted(base.glob("Blender */blender.exe"))) if base.is_dir() else ()
    if sys.platform == "darwin":
        return (Path("/Applications/Blender.app"),)
    return (Path("/snap/bin/blender"), Path("/var/lib/flatpak/exports/bin/org.blender.Blender"))


PROGRAM = Blender()
