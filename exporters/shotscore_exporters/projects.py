"""Music into an editor's own document and out again, whatever the document is: the format is known by its suffix.

The document itself is never written to: `insert` and `remove` read one file and write another.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

from shotscore_engine.atomic import replace_file
from shotscore_engine.errors import OutputError, TimelineError

from .placement import Placement, StemClip

SUFFIXES = (".otio", ".xml", ".fcpxml", ".kdenlive", ".mlt", ".aaf", ".osp")
"""Documents that can take music."""


def insert(document: Path, clips: Sequence[StemClip], placement: Placement, path: Path) -> None:
    """Write a copy of `document` with the music in it to `path`; music put in before is replaced.

    Raises TimelineError where the document takes no music (see the format's module), OutputError where `path` is the
    document itself or cannot be written.
    """
    put_in = _functions(document)[0]
    _write(document, path, lambda data: put_in(data, clips, placement))


def remove(document: Path, path: Path) -> None:
    """Write a copy of `document` without the music to `path`. Raises as `insert`."""
    _write(document, path, _functions(document)[1])


def changed(suffix: str, data: bytes, clips: Sequence[StemClip], placement: Placement) -> bytes:
    """The document `data`, of the kind that ends in `suffix`, with the music in it. Raises as `insert`."""
    return _functions(Path(f"document{suffix}"))[0](data, clips, placement)


def plain(suffix: str, data: bytes) -> bytes:
    """The document `data`, of the kind that ends in `suffix`, without the music. Raises as `insert`."""
    return _functions(Path(f"document{suffix}"))[1](data)


def _write(document: Path, path: Path, change: Callable[[bytes], bytes]) -> None:
    if path.exists() and document.exists() and path.samefile(document):
        raise OutputError(f"{path} is the document itself; give the copy another name.")
    replace_file(path, change(read(document)))


def read(document: Path) -> bytes:
    """The document's bytes. Raises TimelineError where it cannot be read."""
    try:
        return document.read_bytes()
    except OSError as problem:
        raise TimelineError(
            f"{document} cannot be read ({problem.strerror}); save it again from the editor."
        ) from problem


def _functions(
    document: Path,
) -> tuple[Callable[[bytes, Sequence[StemClip], Placement], bytes], Callable[[bytes], bytes]]:
    from . import aaf, fcp7xml, fcpxml, mlt, osp

    modules: dict[str, ModuleType] = {
        ".xml": fcp7xml,
        ".fcpxml": fcpxml,
        ".kdenlive": mlt,
        ".mlt": mlt,
        ".aaf": aaf,
        ".osp": osp,
    }
    suffix = document.suffix.lower()
    if suffix == ".otio":
        return _insert_otio, _remove_otio
    if suffix not in modules:
        raise TimelineError(f"{document.name} is no document music can be put into; use {', '.join(SUFFIXES)}.")
    return modules[suffix].insert, modules[suffix].remove


def _insert_otio(data: bytes, clips: Sequence[StemClip], placement: Placement) -> bytes:
    from shotscore_engine.readers import otio_json

    from . import otio

    timeline = otio_json.parse(data, Path("timeline.otio"))
    return otio.to_bytes(otio.insert(timeline, clips, placement))


def _remove_otio(data: bytes) -> bytes:
    from shotscore_engine.readers import otio_json

    from . import otio

    return otio.to_bytes(otio.remove_music(otio_json.parse(data, Path("timeline.otio"))))
