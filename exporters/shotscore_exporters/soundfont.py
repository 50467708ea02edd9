"""Finding a SoundFont: the one asked for, else the best one installed, else the small one pretty_midi brings.

Nothing is downloaded. MuseScore General (MIT) sounds best of the free General MIDI sets, FluidR3 (MIT) next;
Debian packages both. The bundled TimGM6mb (GPL, 6 MB) is the last resort and sounds like it.
"""

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from shotscore_engine.errors import InputError

VARIABLE = "SHOTSCORE_SOUNDFONT"
"""Environment variable that names a SoundFont for every run."""

_BEST_FIRST = (
    "musescore_general_hq",
    "musescore_general",
    "ms basic",
    "generaluser",
    "fluidr3",
    "default-gm",
    "arachno",
    "sgm",
)


def find_soundfont(chosen: Path | None = None) -> Path:
    """The SoundFont to play with. Raises InputError where the one asked for is missing or is none."""
    named = chosen or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is not None:
        return check_soundfont(named)
    found = installed_soundfonts()
    if found:
        return found[0]
    bundled = bundled_soundfont()
    if bundled is None:
        raise InputError(
            "There is no SoundFont on this machine; install one (Debian: musescore-general-soundfont-small) "
            f"or name one in {VARIABLE}."
        )
    return bundled


def installed_soundfonts() -> tuple[Path, ...]:
    """Every General MIDI SoundFont in the usual folders, best first."""
    found: dict[str, Path] = {}
    for folder in _folders():
        for suffix in ("*.sf2", "*.sf3"):
            for path in sorted(folder.glob(suffix)):
                found.setdefault(path.name, path)
    ranked = {name: _rank(name) for name in found}
    return tuple(
        found[name] for name in sorted(found, key=lambda name: (ranked[name], name)) if ranked[name] is not None
    )


def bundled_soundfont() -> Path | None:
    """The small SoundFont inside pretty_midi, without importing it."""
    spec = importlib.util.find_spec("pretty_midi")
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(next(iter(spec.submodule_search_locations))) / "TimGM6mb.sf2"
    return path if path.is_file() else None


def check_soundfont(path: Path) -> Path:
    """`path` itself, if it is a SoundFont. Raises InputError where it is missing or is something else."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as problem:
        raise InputError(f"The SoundFont {path} cannot be read: {problem.strerror}.") from problem
    if head[:4] != b"RIFF" or head[8:] != b"sfbk":
        raise InputError(f"{path} is not a SoundFont; give an .sf2 or .sf3 file.")
    return path


def _rank(name: str) -> int:
    lowered = name.lower()
    for rank, known in enumerate(_BEST_FIRST):
        if known in lowered:
            # The reduced edition of a set comes after the whole one.
            return 2 * rank + ("lite" in lowered or "small" in lowered)
    return 2 * len(_BEST_FIRST)


def _folders() -> Iterator[Path]:
    home = Path.home()
    if sys.platform == "win32":
        for variable in ("PROGRAMDATA", "LOCALAPPDATA", "APPDATA", "PROGRAMFILES"):
            if os.environ.get(variable):
                base = Path(os.environ[variable])
                yield from (base / "soundfonts", base / "SoundFonts", base / "MuseScore" / "sound")
                yield from sorted(base.glob("MuseScore*/sound"))
        yield from (Path("C:/soundfonts"), home / "Documents" / "SoundFonts")
    elif sys.platform == "darwin":
        for base in (home / "Library", Path("/Library")):
            yield base / "Audio" / "Sounds" / "Banks"
        yield from sorted(Path("/Applications").glob("MuseScore*.app/Contents/Resources/sound"))
        yield from (Path("/opt/homebrew/share/soundfonts"), Path("/usr/local/share/soundfonts"))
        yield from (Path("/opt/homebrew/share/sounds/sf2"), Path("/usr/local/share/sounds/sf2"))
    else:
        for base in (home / ".local/share", Path("/usr/local/share"), Path("/usr/share")):
            yield from (base / "sounds" / "sf3", base / "sounds" / "sf2", base / "soundfonts")
    yield from (home / "soundfonts", home / "SoundFonts")
    for version in range(4, 1, -1):
        yield home / "Documents" / f"MuseScore{version}" / "SoundFonts"
