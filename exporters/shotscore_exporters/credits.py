"""Who wrote and publishes the music, for cue sheets: given with an export, else from a settings file.

The file is `credits.toml` in the person's settings folder (or where SHOTSCORE_CREDITS says):

    writers = "A. Person (PRO 50%), B. Person (PRO 50%)"
    publishers = "A Publisher"
    usage = "BI"
"""

import os
import tomllib
from dataclasses import dataclass, fields, replace
from pathlib import Path

from shotscore_engine.errors import RequestError

VARIABLE = "SHOTSCORE_CREDITS"
USAGES = {"BI": "background instrumental", "VI": "visual instrumental", "MT": "main title", "ET": "end title"}
"""The usual codes of use; generated underscore is BI."""
_LARGEST_BYTES = 64_000


@dataclass(frozen=True)
class Credits:
    """The fields of a cue sheet that no timeline knows."""

    production: str = ""
    """Empty: the timeline's name."""
    title: str = ""
    """Of every cue; empty: what its take is called, else the cue's name."""
    usage: str = "BI"
    writers: str = ""
    publishers: str = ""

    def __post_init__(self) -> None:
        if self.usage not in USAGES:
            raise RequestError(f"There is no usage {self.usage!r}; choose one of {', '.join(USAGES)}.")


def credits_file() -> Path:
    """Where the settings file is, or would be."""
    import platformdirs

    named = os.environ.get(VARIABLE)
    return Path(named) if named else Path(platformdirs.user_config_dir("shotscore", appauthor=False)) / "credits.toml"


def load_credits(**given: str | None) -> Credits:
    """The file's credits, with what is `given` instead. Raises RequestError where the file is wrong."""
    path = credits_file()
    found: dict[str, str] = {}
    if path.is_file():
        names = {field.name for field in fields(Credits)}
        try:
            if path.stat().st_size > _LARGEST_BYTES:
                raise RequestError(f"{path} is larger than {_LARGEST_BYTES} bytes; it is no list of credits.")
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
            raise RequestError(f"{path} cannot be read: {problem}.") from problem
        wrong = [key for key, value in table.items() if key not in names or not isinstance(value, str)]
        if wrong:
            raise RequestError(f"{path} holds {', '.join(wrong)}; it may hold texts named {', '.join(sorted(names))}.")
        found = table
    return replace(Credits(**found), **{name: value for name, value in given.items() if value is not None})
