"""What the readers share: bounded files, safe XML, and the building of OpenTimelineIO objects with exact time."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import TimelineError
from ..picture import READER_KEY
from ..timing import quantise, rate_text

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    import opentimelineio as otio

MAX_FILE_BYTES = 256 * 2**20
"""The largest text of a timeline: a hundred times a feature film's."""

MAX_DEPTH = 512
"""The deepest nesting of brackets or elements: parsers recurse on their own stack and would crash the process."""


def read_bounded(path: Path) -> bytes:
    """The file's bytes. Raises TimelineError where there are none or more than MAX_FILE_BYTES."""
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise TimelineError(f"{path} is larger than {MAX_FILE_BYTES:,} bytes; it is not read.")
    if not data.strip(b"\0\t\r\n "):
        raise TimelineError(f"{path} is empty; export the timeline again.")
    return data


def parse_xml(path: Path) -> "Element":
    """The root element. Entities, external or internal, and excessive nesting are refused.

    Raises TimelineError where the file is not well-formed XML or tries one of these.
    """
    return parse_xml_bytes(read_bounded(path), path)


def parse_xml_bytes(data: bytes, path: Path) -> "Element":
    """As `parse_xml`, from bytes already read from `path`."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser

    parser = DefusedXMLParser(target=_BoundedBuilder(path), forbid_dtd=False, forbid_entities=True)
    try:
        parser.feed(data)
        root: Element = parser.close()
    except DefusedXmlException as problem:
        raise TimelineError(f"{path} defines XML entities, which timelines do not need; it is not read.") from problem
    except (ParseError, ValueError, LookupError) as problem:
        raise TimelineError(f"{path} is not well-formed XML: {problem}; export the timeline again.") from problem
    return root


def xml_root_name(path: Path) -> str:
    """The root element's name without parsing the rest. Raises TimelineError where the file is no XML."""
    return parse_xml(path).tag


def _bounded_builder() -> type:
    from xml.etree.ElementTree import TreeBuilder

    class Builder(TreeBuilder):
        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path, self.depth = path, 0

        def start(self, tag: str, attrs: dict[str, str]) -> "Element":
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise TimelineError(f"{self.path} nests its elements more than {MAX_DEPTH} deep; it is not read.")
            return super().start(tag, attrs)

        def end(self, tag: str) -> "Element":
            self.depth -= 1
            return super().end(tag)

    return Builder


def _BoundedBuilder(path: Path) -> Any:  # noqa: N802 - stands where a class would, without importing XML early
    return _bounded_builder()(path)


def note(
    timeline: "otio.schema.Timeline",
    *,
    rate: Fraction | None = None,
    drop_frame: bool | None = None,
    warnings: Iterable[str] = (),
) -> "otio.schema.Timeline":
    """Leave in the metadata what OpenTimelineIO has no field for (see `picture.READER_KEY`); returns the timeline."""
    found: dict[str, Any] = {}
    if rate is not None:
        found["rate"] = rate_text(rate)
    if drop_frame is not None:
        found["drop_frame"] = drop_frame
    sentences = list(dict.fromkeys(warnings))
    if sentences:
        found["warnings"] = sentences
    if found:
        timeline.metadata[READER_KEY] = found
    else:
        timeline.metadata.pop(READER_KEY, None)
    return timeline


def frames(value: int | Fraction, rate: Fraction) -> "otio.opentime.RationalTime":
    """A RationalTime of `value` frames."""
    import opentimelineio as otio

    number = value if isinstance(value, int) else (value.numerator if value.denominator == 1 else float(value))
    return otio.opentime.RationalTime(number, float(rate))


def frame_range(start: int | Fraction, duration: int | Fraction, rate: Fraction) -> "otio.opentime.TimeRange":
    """A TimeRange in frames."""
    import opentimelineio as otio

    return otio.opentime.TimeRange(frames(start, rate), frames(duration, rate))


def whole_frames(seconds: Fraction, rate: Fraction) -> int:
    """The whole frame nearest to `seconds`."""
    return quantise(seconds * rate)
