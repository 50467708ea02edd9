"""What was found out about media, kept between runs in the user's cache folder.

Anything here can be found out again, so nothing here may ever fail a run: what cannot be read is not there, what
cannot be written is not kept. A file is known by its path, size and time of change. `SHOTSCORE_CACHE` names another
folder, or says `off`.
"""

import hashlib
import json
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from .atomic import replacing
from .errors import OutputError

OFF = "off"
FILES_AT_MOST = 400
"""Kept in each folder of the cache; those written longest ago go first."""
FACTS_AT_MOST = 64
"""Kept of each media file: one a kind and range."""
LARGEST_BYTES = 64 * 2**20

Fingerprint = tuple[str, int, int]


def enabled() -> bool:
    """False where a person has said `SHOTSCORE_CACHE=off`."""
    return os.environ.get("SHOTSCORE_CACHE", "").strip().lower() != OFF


def cache_folder() -> Path:
    """Where it is kept: the platform's cache folder, or `SHOTSCORE_CACHE` where that is set."""
    if (chosen := os.environ.get("SHOTSCORE_CACHE")) and enabled():
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "shotscore" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "shotscore"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shotscore"


def fingerprint(path: Path) -> Fingerprint:
    """(path, size, time of change in ns); the numbers are -1 where `path` is no file: image sequences are patterns."""
    try:
        stat = path.stat()
    except OSError:
        return (str(path.absolute()), -1, -1)
    return (str(path.absolute()), stat.st_size, stat.st_mtime_ns)


def cache_file(folder: str, version: int, of: Fingerprint, suffix: str) -> Path | None:
    """Where something about a media file is kept; None where nothing is kept."""
    if of[1] < 0 or not enabled():
        return None
    name = hashlib.sha256(repr((version, of)).encode()).hexdigest()[:32]
    return cache_folder() / folder / f"{name}{suffix}"


def trim(folder: Path, most: int = FILES_AT_MOST) -> None:
    """Remove the oldest files of a cache folder beyond `most`."""
    with suppress(OSError):
        kept = sorted((file.stat().st_mtime_ns, file) for file in folder.iterdir() if not file.name.startswith("."))
        for _, old in kept[:-most]:
            old.unlink(missing_ok=True)


# --- small facts, as JSON --------------------------------------------------------------------------------------------

_FACTS_VERSION = 1
_writing = threading.Lock()
"""Facts of one file are read, added to and written again: by one thread at a time."""


def recall(of: Fingerprint, fact: str) -> Any:
    """What `keep` was given for `fact` of a media file, as JSON has it; None where nothing is known."""
    return _facts(of).get(fact)


def keep(of: Fingerprint, fact: str, value: Any) -> None:
    """Keep a fact of a media file: its name, which says what decides it, and a value JSON can hold."""
    path = cache_file("facts", _FACTS_VERSION, of, ".json")
    if path is None:
        return
    with _writing:
        known = _facts(of)
        known.pop(fact, None)
        facts = dict([*known.items(), (fact, value)][-FACTS_AT_MOST:])
        with suppress(OutputError, OSError), replacing(path) as temporary:
            temporary.write_text(json.dumps(facts), encoding="utf-8")
        trim(path.parent)


def _facts(of: Fingerprint) -> dict[str, Any]:
    path = cache_file("facts", _FACTS_VERSION, of, ".json")
    if path is None:
        return {}
    try:
        if path.stat().st_size > LARGEST_BYTES:
            return {}
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
