"""OpenTimelineIO's own file, `.otio`."""

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import TimelineError
from ..picture import READER_KEY
from .common import MAX_DEPTH, note, read_bounded

if TYPE_CHECKING:
    import opentimelineio as otio

_SCHEMA = re.compile(r"([A-Za-z_]\w{0,63})\.(\d{1,3})", re.ASCII)
_NEWER_THAN_CLIP_1 = {"media_references", "active_media_reference_key"}
_INFINITY = re.compile(r'"(?:[^"\\]|\\.)*+"|\bInf\b', re.DOTALL)
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_STEPS = bytes.maketrans(b"{[}]", b"\x01\x01\xff\xff")
_NO_BRACKETS = bytes(set(range(256)) - set(b"{[}]"))


def read(path: Path) -> "otio.schema.Timeline":
    """The timeline in an `.otio` file; a clip, track, stack or collection is put into a timeline.

    Raises TimelineError where it is no OpenTimelineIO.
    """
    return parse(read_bounded(path), path)


def parse(data: bytes, path: Path) -> "otio.schema.Timeline":
    """As `read`, from the bytes of the file (or of the part of a bundle) called `path`."""
    import opentimelineio as otio

    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise TimelineError(f"{path} is not text: byte {problem.start} is no UTF-8; export it again.") from problem
    if _depth(data) > MAX_DEPTH:
        raise TimelineError(f"{path} nests its JSON more than {MAX_DEPTH} deep; it is not read.")
    _check(text, path)
    try:
        found = otio.adapters.read_from_string(text, "otio_json")
    except (otio.exceptions.OTIOError, ValueError, TypeError, KeyError) as problem:
        reason = " ".join(str(problem).split())[:200] or type(problem).__name__
        raise TimelineError(f"{path} is not a readable OpenTimelineIO file: {reason}; export it again.") from problem
    return as_timeline(found, path)


def _check(text: str, path: Path) -> None:
    """Refuse what OpenTimelineIO's own parser does not survive.

    A clip that calls itself older than it is (`Clip.1` with the keys of `Clip.2`), and schema names without a sensible
    version, end the whole process in OpenTimelineIO 0.18: no exception could be caught.
    """

    def check(pairs: list[tuple[str, Any]]) -> None:
        names = [key for key, _ in pairs]
        if "OTIO_SCHEMA" not in names:
            return
        if len(set(names)) != len(names):
            raise TimelineError(f"{path} holds an object that gives a value twice; it is not read.")
        schema = dict(pairs)["OTIO_SCHEMA"]
        named = _SCHEMA.fullmatch(schema) if isinstance(schema, str) else None
        if named is None:
            raise TimelineError(f"{path} holds the schema {str(schema)[:40]!r}, which is none; export it again.")
        if named[1] == "Clip" and int(named[2]) < 2 and _NEWER_THAN_CLIP_1.intersection(names):
            raise TimelineError(f"{path} holds a {schema} with the keys of a later version; export it again.")

    if "Inf" in text:  # OpenTimelineIO writes it so; Python's parser knows only the long word
        text = _INFINITY.sub(lambda found: "Infinity" if found[0] == "Inf" else found[0], text)
    try:
        json.loads(text, object_pairs_hook=check)
    except ValueError as problem:
        reason = " ".join(str(problem).split())[:120]
        raise TimelineError(f"{path} is not a readable OpenTimelineIO file: {reason}; export it again.") from problem


def as_timeline(found: Any, path: Path) -> "otio.schema.Timeline":
    """What a reader got, as one timeline: the first of a collection, or an item wrapped into one."""
    import opentimelineio as otio

    warnings: list[str] = []
    if isinstance(found, otio.schema.SerializableCollection):
        timelines = [item for item in found if isinstance(item, otio.schema.Timeline)]
        if not timelines:
            items = [item for item in found if isinstance(item, otio.core.Item)]
            if not items:
                raise TimelineError(f"{path} holds a collection without a timeline; export one timeline.")
            found = items[0]
            timelines = [found]
        if len(timelines) > 1:
            others = ", ".join(repr(item.name) for item in timelines[1:6])
            warnings.append(f"The file holds {len(timelines)} timelines; {timelines[0].name!r} is read, not {others}.")
        found = timelines[0]
    if isinstance(found, otio.schema.Timeline):
        timeline = found
    elif isinstance(found, otio.core.Item):
        timeline = otio.schema.Timeline(name=found.name or path.stem)
        item = found.deepcopy()
        if isinstance(item, otio.schema.Stack):
            timeline.tracks = item
        elif isinstance(item, otio.schema.Track):
            timeline.tracks.append(item)
        else:
            timeline.tracks.append(otio.schema.Track(kind=otio.schema.TrackKind.Video, children=[item]))
    else:
        raise TimelineError(f"{path} holds a {type(found).__name__}, not a timeline; export the timeline itself.")
    if timeline.tracks is None:  # OpenTimelineIO reads that, and ends the process when it looks for clips there
        raise TimelineError(f"{path} holds a timeline without tracks; export it again.")
    if READER_KEY in timeline.metadata:
        # Left by an earlier reading: true only of the file it was read from.
        del timeline.metadata[READER_KEY]
    if not timeline.name:
        timeline.name = path.stem
    return note(timeline, warnings=warnings) if warnings else timeline


def _depth(data: bytes) -> int:
    """How deep brackets nest, strings left out: the JSON parser recurses on the machine's stack."""
    import numpy as np

    # Only the brackets are counted, a byte each: a file may have 256 MB.
    brackets = np.frombuffer(_STRING.sub(b"", data).translate(_STEPS, _NO_BRACKETS), dtype=np.int8)
    return int(np.cumsum(brackets, dtype=np.int32).max(initial=0))
