"""Timeline files into OpenTimelineIO: one module a format, one function for all of them.

A format's module has `read(path) -> Timeline`. Whatever OpenTimelineIO has no field for (an exact rate, drop-frame,
what could not be carried) goes into the timeline's metadata under `picture.READER_KEY`, from where `flatten` takes it.
Files are hostile until parsed: sizes are bounded, XML cannot define entities, bundles cannot reach outside themselves.
"""

from .dispatch import EXTENSIONS, VIDEO_EXTENSIONS, read_timeline

__all__ = ["EXTENSIONS", "VIDEO_EXTENSIONS", "read_timeline"]
