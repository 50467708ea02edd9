"""OpenTimelineIO's bundles: `.otiod` (a folder) and `.otioz` (the same, zipped).

A bundle holds `content.otio` and its media under `media/`. Media of a zipped bundle are unpacked once into the user's
cache, under a name made from the archive's own checksums; nothing is written beside the bundle, and no name in it can
lead outside the folder meant for it.
"""

import hashlib
import shutil
import stat
import tempfile
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ..errors import TimelineError
from .common import MAX_FILE_BYTES, read_bounded
from .otio_json import parse

if TYPE_CHECKING:
    import opentimelineio as otio

_CONTENT = "content.otio"
_MAX_RATIO = 200
"""Media hardly compress; an entry that unpacks to more than this times its size is a bomb."""


def read(path: Path) -> "otio.schema.Timeline":
    """The bundle's timeline with its media references made absolute.

    Raises TimelineError where it is no bundle, is damaged, or has media whose names lead outside it.
    """
    return _read_folder(path) if path.is_dir() else _read_zip(path)


def _read_folder(path: Path) -> "otio.schema.Timeline":
    content = path / _CONTENT
    if not content.is_file():
        raise TimelineError(f"{path} holds no {_CONTENT}; it is no OpenTimelineIO bundle.")
    timeline = parse(read_bounded(content), path)
    root = path.resolve()
    for reference in _references(timeline):
        name = _relative(reference)
        if name is None:
            continue
        inside = (root / name).resolve()
        if not inside.is_relative_to(root):
            raise TimelineError(f"{path} names the media {name!r}, which lies outside the bundle; it is not read.")
        _relink(reference, inside)
    return timeline


def _read_zip(path: Path) -> "otio.schema.Timeline":
    try:
        with zipfile.ZipFile(path) as archive:
            try:
                info = archive.getinfo(_CONTENT)
            except KeyError as problem:
                raise TimelineError(f"{path} holds no {_CONTENT}; it is no OpenTimelineIO bundle.") from problem
            if info.file_size > MAX_FILE_BYTES:
                raise TimelineError(f"{path} holds a timeline of {info.file_size:,} bytes; it is not read.")
            with archive.open(info) as file:
                data = file.read(MAX_FILE_BYTES + 1)
            timeline = parse(data[:MAX_FILE_BYTES], path)
            _unpack(path, archive, timeline)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as problem:
        raise TimelineError(f"{path} is not a readable zip archive: {problem}; export the bundle again.") from problem
    return timeline


def _unpack(path: Path, archive: zipfile.ZipFile, timeline: "otio.schema.Timeline") -> None:
    """Unpack the media that clips name, and point the clips at them."""
    entries = {entry.filename: entry for entry in archive.infolist()}
    wanted: dict[str, list[Any]] = {}
    for reference in _references(timeline):
        name = _relative(reference)
        if name is None:
            continue
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or "\\" in name or ":" in name:
            raise TimelineError(f"{path} names the media {name!r}, which lies outside the bundle; it is not read.")
        if str(pure) in entries:
            wanted.setdefault(str(pure), []).append(reference)
    if not wanted:
        return
    folder = _cache(path, archive.infolist())
    for name, references in wanted.items():
        entry = entries[name]
        if entry.is_dir() or stat.S_ISLNK(entry.external_attr >> 16):
            raise TimelineError(f"{path} holds {name!r} as a link or folder, not as media; it is not read.")
        if entry.file_size > max(entry.compress_size, 1) * _MAX_RATIO and entry.file_size > MAX_FILE_BYTES:
            raise TimelineError(f"{path} holds {name!r}, which unpacks to {entry.file_size:,} bytes; it is not read.")
        target = folder / Path(*PurePosixPath(name).parts)
        if not (target.is_file() and target.stat().st_size == entry.file_size):
            _extract(path, archive, entry, target)
        for reference in references:
            _relink(reference, target)


def _extract(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(target.parent).free
    if entry.file_size > free:
        raise TimelineError(
            f"{path} holds {entry.file_size:,} bytes of {entry.filename!r}, but {target.parent} has {free:,} free."
        )
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as out:
        half = Path(out.name)
        try:
            with archive.open(entry) as packed:
                shutil.copyfileobj(packed, out, 1 << 20)
        except BaseException:
            out.close()
            half.unlink(missing_ok=True)
            raise
    half.replace(target)


def _cache(path: Path, entries: Iterable[zipfile.ZipInfo]) -> Path:
    """The folder for this archive's media: the same for the same contents, wherever the bundle lies."""
    import platformdirs

    mark = hashlib.sha256()
    for entry in entries:
        mark.update(f"{entry.filename}\0{entry.file_size}\0{entry.CRC}\n".encode("utf-8", "surrogateescape"))
    name = f"{path.stem[:40]}-{mark.hexdigest()[:16]}"
    folder = Path(platformdirs.user_cache_dir("shotscore", appauthor=False)) / "bundles" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / "shotscore-bundles" / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def _references(timeline: "otio.schema.Timeline") -> list[Any]:
    import opentimelineio as otio

    found = []
    for clip in timeline.find_clips():
        for reference in clip.media_references().values():
            if isinstance(reference, otio.schema.ExternalReference | otio.schema.ImageSequenceReference):
                found.append(reference)
    return found


def _relative(reference: Any) -> str | None:
    """The reference's name inside the bundle; None where it names a file elsewhere on its own account."""
    import opentimelineio as otio

    url = reference.target_url if isinstance(reference, otio.schema.ExternalReference) else reference.target_url_base
    if not url or urllib.parse.urlsplit(url).scheme or url.startswith(("/", "\\")):
        return None
    return urllib.parse.unquote(url)


def _relink(reference: Any, target: Path) -> None:
    import opentimelineio as otio

    if isinstance(reference, otio.schema.ExternalReference):
        reference.target_url = target.as_uri()
    else:
        reference.target_url_base = target.as_uri() + "/"
