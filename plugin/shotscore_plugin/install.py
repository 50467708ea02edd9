"""Putting an add-on where an editor looks for it, for one person, and taking it away again without a trace.

What was put where is written down in the person's data folder, so that it can be taken away when the editor, its
settings folder or this version of Shotscore are gone. Nothing here needs an editor, or more rights than the person has.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from shotscore_engine.atomic import replace_file
from shotscore_engine.errors import OutputError


def data_folder() -> Path:
    """Where Shotscore keeps what belongs to a person: `~/.local/share/shotscore` on Linux."""
    import platformdirs

    return Path(platformdirs.user_data_path("shotscore", appauthor=False))


def config_folder(system: str = sys.platform, home: Path | None = None) -> Path:
    """Where programs keep a person's settings: `~/.config`, `%APPDATA%`, `~/Library/Application Support`."""
    home = Path.home() if home is None else home
    if system == "win32":
        return Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming")
    if system == "darwin":
        return home / "Library" / "Application Support"
    return Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")


def put(name: str, files: Mapping[Path, bytes]) -> tuple[Path, ...]:
    """Write `files` (absolute path -> content) for the host `name`, in place of what an earlier `put` left.

    Raises OutputError where a file that is not ours is in the way, or where a folder cannot be written to; what was
    written by then is taken away again.
    """
    before = _read(name)
    for path in files:
        if path.exists() and str(path) not in before["files"]:
            raise OutputError(f"{path} is there and not from Shotscore; move it away and install again.")
    folders = [folder for folder in before["folders"] if Path(folder).is_dir()]
    for path in files:
        folders += [str(parent) for parent in _missing(path.parent) if str(parent) not in folders]
    record = {"files": {**before["files"], **{str(path): "" for path in files}}, "folders": folders}
    _write(name, record)  # first, so that nothing is ever there that `take_away` does not know
    try:
        for path, data in files.items():
            replace_file(path, data)
    except OutputError:
        if not before["files"]:
            take_away(name)
        raise
    for old in before["files"].keys() - {str(path) for path in files}:  # an older version's
        _unlink(Path(old))
    digests = {str(path): hashlib.sha256(data).hexdigest() for path, data in files.items()}
    _write(name, {"files": digests, "folders": folders})
    return tuple(files)


def take_away(name: str) -> tuple[Path, ...]:
    """Remove what `put` wrote for the host `name`, and the folders it made that are empty then; the files that went."""
    record = _read(name)
    gone = [path for path in map(Path, record["files"]) if _unlink(path)]
    for folder in sorted(map(Path, record["folders"]), key=lambda path: -len(path.parts)):
        _clear(folder)
    path = _path(name)
    path.unlink(missing_ok=True)
    for folder in (path.parent, path.parent.parent):
        with suppress(OSError):
            folder.rmdir()
    return tuple(gone)


def in_place(name: str, files: Mapping[Path, bytes]) -> bool:
    """Whether exactly `files` are where they belong."""
    if not files or set(_read(name)["files"]) != {str(path) for path in files}:
        return False
    try:
        return all(path.read_bytes() == data for path, data in files.items())
    except OSError:
        return False


def installed_files(name: str) -> tuple[Path, ...]:
    """What `put` wrote last, whether it is still there or not."""
    return tuple(map(Path, _read(name)["files"]))


def command() -> list[str]:
    """How another program starts Shotscore: this Python, with the paths it finds Shotscore by."""
    return [sys.executable, "-m", "shotscore_plugin.cli"]


def _path(name: str) -> Path:
    return data_folder() / "hosts" / f"{name}.json"


def _read(name: str) -> dict[str, Any]:
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        record = json.loads(_path(name).read_bytes())
        files = {str(path): str(digest) for path, digest in record["files"].items()}
        return {"files": files, "folders": [str(folder) for folder in record["folders"]]}
    return {"files": {}, "folders": []}


def _write(name: str, record: Mapping[str, Any]) -> None:
    replace_file(_path(name), json.dumps(record, indent=1).encode())


def _missing(folder: Path) -> list[Path]:
    """The folders that have to be made for `folder` to be there."""
    return [place for place in (folder, *folder.parents) if not place.exists()]


def _unlink(path: Path) -> bool:
    try:
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as problem:
        raise OutputError(f"{path} cannot be removed: {problem.strerror or problem}; close the editor.") from problem
    return True


def _clear(folder: Path) -> None:
    """Remove a folder of ours, with what Python left in it, unless somebody put something there."""
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)
    with suppress(OSError):
        folder.rmdir()
