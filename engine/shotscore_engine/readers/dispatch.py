"""Which reader a file gets: by its extension, and for `.xml` by its root element."""

from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ShotscoreError, TimelineError
from .common import MAX_FILE_BYTES

if TYPE_CHECKING:
    import opentimelineio as otio

EXTENSIONS = {
    ".otio": "otio_json",
    ".otioz": "otio_bundle",
    ".otiod": "otio_bundle",
    ".xml": "fcp7",
    ".xmeml": "fcp7",
    ".fcpxml": "fcpx",
    ".fcpxmld": "fcpx",
    ".edl": "edl",
    ".aaf": "aaf",
    ".kdenlive": "mlt",
    ".mlt": "mlt",
    ".osp": "osp",
}
"""Timeline files and the module that reads them."""

_VIDEO = (
    "mp4 mov m4v mkv webm avi mxf mpg mpeg mts m2ts ts wmv flv ogv 3gp dv y4m gif"  # what FFmpeg's libraries decode
)
VIDEO_EXTENSIONS = frozenset(f".{name}" for name in _VIDEO.split())
"""Video files, read as a timeline of one clip."""

_ROOTS = {"xmeml": "fcp7", "fcpxml": "fcpx", "mlt": "mlt"}


def read_timeline(path: Path, *, rate: Fraction | None = None) -> "otio.schema.Timeline":
    """The timeline in the file (or bundle folder) at `path`.

    `rate` is for formats that cannot carry one (EDL); the others' own rate stands.
    Raises TimelineError, in one sentence, where the file is missing, empty, of an unknown kind or damaged.
    """
    path = Path(path)
    module = _module_for(path)
    try:
        reader = import_module(f".{module}", __package__).read
        timeline: otio.schema.Timeline = reader(path, rate) if module == "edl" else reader(path)
    except ShotscoreError:
        raise
    except (MemoryError, RecursionError) as problem:
        raise TimelineError(
            f"{path} is too large for this machine's memory, or too deeply nested, to be a timeline."
        ) from problem
    except OSError as problem:
        raise TimelineError(f"{path} cannot be read: {problem.strerror or problem}.") from problem
    return timeline


def _module_for(path: Path) -> str:
    suffix = path.suffix.lower()
    try:
        if not path.exists():
            raise TimelineError(f"{path} does not exist; give the path of a timeline or a video file.")
        if path.is_dir():
            if suffix in (".otiod", ".fcpxmld"):
                return EXTENSIONS[suffix]
            raise TimelineError(f"{path} is a folder; give a timeline file, or a bundle named .otiod or .fcpxmld.")
        if not path.is_file():
            raise TimelineError(f"{path} is not a file; give the path of a timeline or a video file.")
        size = path.stat().st_size
    except (OSError, ValueError) as problem:
        raise TimelineError(f"{str(path)!r} cannot be looked at: {problem}.") from problem
    if size == 0:
        raise TimelineError(f"{path} is empty; export the timeline again.")
    if suffix in VIDEO_EXTENSIONS:
        return "video"
    if suffix not in EXTENSIONS:
        known = " ".join(sorted(EXTENSIONS))
        raise TimelineError(f"{path} has an extension Shotscore does not read; it reads {known} and video files.")
    if suffix not in (".otioz", ".aaf") and size > MAX_FILE_BYTES:
        raise TimelineError(f"{path} has {size:,} bytes; timelines above {MAX_FILE_BYTES:,} bytes are not read.")
    if suffix != ".xml":
        return EXTENSIONS[suffix]
    from .common import xml_root_name

    root = xml_root_name(path)
    if root not in _ROOTS:
        raise TimelineError(f"{path} is XML with the root <{root}>; Shotscore reads <xmeml>, <fcpxml> and <mlt>.")
    return _ROOTS[root]
