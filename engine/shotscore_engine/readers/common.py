"""What the readers share: bounded files, safe XML, and the building of OpenTimelineIO objects with exact time."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
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

_LAST_FRAME = 2**53
MAX_DEPTH = 512
"""The deepest nesting of brackets or elements: parsers recurse on their own stack and would crash the process."""
_MAX_TAGS = 8_000_000
"""The most tags of an XML file: thirty times a film of 10,000 shots. An element takes more memory than its text."""
_PROLOG_CHUNK = 1 << 16
MAX_NESTED_ITEMS = 100_000
"""The most items that come of using nested sequences again. A nest that uses a nest ten times, and so on, is a bomb."""


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
    """The root element. Entities, external or internal, excessive nesting and numbers of elements are refused.

    Raises TimelineError where the file is not well-formed XML or tries one of these.
    """
    return parse_xml_bytes(read_bounded(path), path)


def parse_xml_bytes(data: bytes, path: Path) -> "Element":
    """As `parse_xml`, from bytes already read from `path`."""
    from xml.etree.ElementTree import XMLParser

    if data.count(b"<") > _MAX_TAGS:
        raise TimelineError(f"{path} holds more than {_MAX_TAGS:,} tags; it is not read.")
    with _told(path):
        _root_name(data)
        parser = XMLParser()
        parser.feed(data)
        root: Element = parser.close()
    row = [root]
    for _ in range(MAX_DEPTH):
        row = [child for element in row for child in element]
        if not row:
            return root
    raise TimelineError(f"{path} nests its elements more than {MAX_DEPTH} deep; it is not read.")


def _root_name(data: bytes) -> str:
    """The root element's name, "" where there is none. Raises DefusedXmlException where entities are declared.

    That can be done before the root element only: the rest is left to the standard library's parser, which is in C.
    """
    from xml.etree.ElementTree import TreeBuilder

    from defusedxml.ElementTree import DefusedXMLParser

    found: list[str] = []

    class Prolog(TreeBuilder):
        def start(self, tag: str, attrs: dict[str, str]) -> "Element":
            found.append(tag)
            return super().start(tag, attrs)

    parser = DefusedXMLParser(target=Prolog(), forbid_dtd=False, forbid_entities=True)
    for at in range(0, len(data), _PROLOG_CHUNK):
        parser.feed(data[at : at + _PROLOG_CHUNK])
        if found:
            return found[0]
    return ""


def xml_root_name(path: Path) -> str:
    """The root element's name without parsing the rest. Raises TimelineError as `parse_xml`."""
    with _told(path):
        return _root_name(read_bounded(path))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """XML parsers' errors as TimelineError."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException

    try:
        yield
    except DefusedXmlException as problem:
        raise TimelineError(f"{path} defines XML entities, which timelines do not need; it is not read.") from problem
    except (ParseError, ValueError, LookupError) as problem:
        raise TimelineError(f"{path} is not well-formed XML: {problem}; export the timeline again.") from problem


class Nests:
    """Nested sequences: laid out where they are met first, and copied where they are used again.

    So the time a document takes grows with what it spells out and with the copies, which are bounded.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[Hashable, tuple[list[otio.schema.Track], int]] = {}
        self._copied = 0

    def tracks(self, key: Hashable, lay: "Callable[[], list[otio.schema.Track]]") -> "list[otio.schema.Track]":
        """What `lay` gives, for `key`. Raises TimelineError beyond MAX_NESTED_ITEMS copies."""
        if key not in self._known:
            tracks = lay()
            self._known[key] = tracks, sum(1 + len(track.find_children()) for track in tracks)
            return tracks
        tracks, items = self._known[key]
        self._copied += items
        if self._copied > MAX_NESTED_ITEMS:
            raise TimelineError(
                f"{self._path} uses its nested sequences so often that more than {MAX_NESTED_ITEMS:,} items "
                "come of it; flatten them in the editor."
            )
        return [track.deepcopy() for track in tracks]


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
    """A RationalTime of `value` frames. Raises TimelineError beyond what a double counts exactly."""
    import opentimelineio as otio

    if not -_LAST_FRAME <= value <= _LAST_FRAME:
        raise TimelineError("The file names a frame of more than fifteen digits, which no film has; export it again.")

    number = value if isinstance(value, int) else (value.numerator if value.denominator == 1 else float(value))
    return otio.opentime.RationalTime(number, float(rate))


def frame_range(start: int | Fraction, duration: int | Fraction, rate: Fraction) -> "otio.opentime.TimeRange":
    """A TimeRange in frames."""
    import opentimelineio as otio

    return otio.opentime.TimeRange(frames(start, rate), frames(duration, rate))


class TrackBuilder:
    """Lays items on a track by their record frames, with gaps between them.

    OpenTimelineIO's tracks are sequences; the other formats name positions. An item that overlaps the one before
    loses its overlapping head, and a sentence says so.
    """

    def __init__(self, name: str, kind: str, rate: Fraction, warnings: list[str]) -> None:
        import opentimelineio as otio

        self.track = otio.schema.Track(name=name, kind=kind)
        self.rate, self.warnings = rate, warnings
        self.end = 0
        """The frame after the last item."""

    def gap_to(self, start: int) -> None:
        """Fill up to `start`."""
        import opentimelineio as otio

        if start > self.end:
            self.track.append(otio.schema.Gap(source_range=frame_range(0, start - self.end, self.rate)))
            self.end = start

    def add(self, start: int, item: "otio.schema.Clip | otio.schema.Stack | otio.schema.Gap", duration: int) -> None:
        """Put `item`, whose source range lasts `duration` frames of this track, at `start`."""
        if start < self.end:
            lost = min(self.end - start, duration)
            self.warnings.append(f"{item.name!r} overlaps what stands before it by {lost} frames; they are left out.")
            if lost >= duration:
                return
            _drop_head(item, lost, self.rate)
            start, duration = start + lost, duration - lost
        self.gap_to(start)
        self.track.append(item)
        self.end = start + duration

    def transition(self, cut: int, first: int, last: int, kind: str) -> None:
        """A transition from `first` to `last` around the edit at `cut`; the items beside it are added in order."""
        import opentimelineio as otio

        first, last = min(first, cut), max(last, cut)
        if last > first and not (len(self.track) and isinstance(self.track[-1], otio.schema.Transition)):
            self.gap_to(cut)
            self.track.append(
                otio.schema.Transition(
                    name=kind,
                    transition_type=otio.schema.TransitionTypes.SMPTE_Dissolve,
                    in_offset=frames(cut - first, self.rate),
                    out_offset=frames(last - cut, self.rate),
                )
            )


def _drop_head(item: Any, lost: int, rate: Fraction) -> None:
    """Take `lost` record frames off the item's beginning."""
    import opentimelineio as otio

    own = item.source_range
    speed = Fraction(1)
    for effect in item.effects:
        if isinstance(effect, otio.schema.LinearTimeWarp):
            speed *= Fraction(effect.time_scalar).limit_denominator(100_000)
    taken = frames(lost, rate)
    moved = own.start_time
    if speed > 0:
        moved = own.start_time + frames(lost * speed, rate).rescaled_to(own.start_time.rate)
    item.source_range = otio.opentime.TimeRange(moved, own.duration - taken)


def clip_of(
    name: str,
    *,
    source: tuple[Fraction, Fraction],
    duration: tuple[int, Fraction],
    url: str | None,
    available: "otio.opentime.TimeRange | None" = None,
    speed: Fraction = Fraction(1),
    generator: str | None = None,
) -> "otio.schema.Clip":
    """A clip: `source` = (first media frame used, its rate), `duration` = (record frames, the track's rate).

    `speed` becomes a time warp; `source` is the lowest media frame used even where it is negative (reverse). Without
    `url` the media is missing, or generated where `generator` names a kind.
    """
    import opentimelineio as otio

    reference: Any
    if generator is not None:
        reference = otio.schema.GeneratorReference(name=name, generator_kind=generator)
    elif url:
        reference = otio.schema.ExternalReference(target_url=url, available_range=available)
    else:
        reference = otio.schema.MissingReference(available_range=available)
    record = frames(*duration)
    clip = otio.schema.Clip(
        name=name,
        media_reference=reference,
        source_range=otio.opentime.TimeRange(frames(*source), record),
    )
    warp(clip, speed)
    return clip


def warp(item: "otio.schema.Clip | otio.schema.Stack", speed: Fraction) -> None:
    """Give `item` the speed, where it is not 1."""
    import opentimelineio as otio

    if speed == 0:
        item.effects.append(otio.schema.FreezeFrame())
    elif speed != 1:
        item.effects.append(otio.schema.LinearTimeWarp(time_scalar=float(speed)))


def marker(name: str, start: int, duration: int, rate: Fraction, comment: str = "", colour: str = "") -> Any:
    """A marker at a frame of whatever it is put on."""
    import opentimelineio as otio

    found = otio.schema.Marker(name=name, marked_range=frame_range(start, duration, rate), color=colour.upper())
    if comment:
        found.comment = comment
    return found


def whole_frames(seconds: Fraction, rate: Fraction) -> int:
    """The whole frame nearest to `seconds`."""
    return quantise(seconds * rate)
