"""The hosts: where a picture comes from and the music goes back to, each behind the protocols of `host.py`.

A host's module is imported when it is asked for and not before. `program("kdenlive")` is the module's `PROGRAM`.
"""

from importlib import import_module
from pathlib import Path

from shotscore_engine.errors import RequestError

from ..host import Host, Program

HOSTS: dict[str, str] = {
    "blender": "blender",
    "kdenlive": "kdenlive",
    "resolve": "resolve",
    "shotcut": "shotcut",
    "openshot": "openshot",
    "files": "files",
}
"""Name on the command line -> the module under `hosts/` whose `PROGRAM` it is; in the order they are
listed. A file that several could open goes to the first, so `files` stays last."""


def program(name: str) -> Program:
    """The program called `name`. Raises RequestError where there is none."""
    if name not in HOSTS:
        raise RequestError(f"There is no host {name!r}; there are {', '.join(HOSTS)}.")
    found: Program = import_module(f".{HOSTS[name]}", __package__).PROGRAM
    return found


def programs() -> tuple[Program, ...]:
    """All of them."""
    return tuple(program(name) for name in HOSTS)


def open_file(path: Path) -> Host:
    """The host of a project file, by its ending. Raises RequestError where music cannot be put into such a file."""
    by_suffix: dict[str, str] = {}
    for name in HOSTS:
        for suffix in program(name).suffixes:
            by_suffix.setdefault(suffix, name)
    suffix = path.suffix.lower()
    if suffix not in by_suffix:
        raise RequestError(f"Music cannot be put into {path.name}; it can into {', '.join(sorted(by_suffix))}.")
    return program(by_suffix[suffix]).open(path)
