"""Final Cut Pro 7 XML (`<xmeml>`), which Premiere, Resolve, Avid, Vegas and Hiero write as well.

Our own reader: the published adapter loses speed changes and disabled clips. Times are frames: `start` and `end` at the
sequence's rate, `in` and `out` at the clip's, after its speed change. A clip that touches a transition has -1 for the
edge it shares; it then reaches to the transition's far end, and the cut lies where the transition's alignment says.
A `<file>` or `<sequence>` is spelled out once and meant by its id afterwards.
"""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError, TimelineError
from ..timing import exact_number, exact_rate, parse_timecode, quantise
from .common import Nests, TrackBuilder, clip_of, frame_range, frames, marker, note, parse_xml, warp

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    import opentimelineio as otio

_MAX_NESTING = 32


def read(path: Path) -> "otio.schema.Timeline":
    """The first sequence of the file. Raises TimelineError where there is none."""
    root = parse_xml(path)
    if root.tag != "xmeml":
        raise TimelineError(f"{path} is XML with the root <{root.tag}>, not <xmeml>; export Final Cut Pro 7 XML.")
    document = _Document(root, path)
    nested = {id(inner) for clip in root.iter("clipitem") for inner in clip.iter("sequence")}
    spelled = [found for found in root.iter("sequence") if found.find("media") is not None]
    sequences = [found for found in spelled if id(found) not in nested]
    if sequences:
        sequence = max(sequences, key=lambda found: len(found.findall("media/video/track/clipitem")) > 0)
        if len(sequences) > 1:
            others = ", ".join(repr(_text(other, "name")) for other in sequences[:6] if other is not sequence)
            document.warnings.append(
                f"The file holds {len(sequences)} sequences; {_text(sequence, 'name')!r} is read, not {others}."
            )
        return document.timeline(sequence)
    raise TimelineError(f"{path} holds no sequence; export the edit, not a clip or a bin.")


def _text(element: "Element | None", tag: str, default: str = "") -> str:
    found = element.findtext(tag) if element is not None else None
    return found.strip() if found and found.strip() else default


def _number(element: "Element | None", tag: str) -> int | None:
    text = _text(element, tag)
    try:
        return quantise(exact_number(text)) if text else None
    except ValueError as problem:
        raise TimelineError(f"The XML holds <{tag}>{text[:40]}</{tag}>, which is no number.") from problem


class _Document:
    """One file: the things meant by id, and what could not be carried."""

    def __init__(self, root: "Element", path: Path) -> None:
        self.path = path
        self.warnings: list[str] = []
        self.files: dict[str, Element] = {}
        self.sequences: dict[str, Element] = {}
        self.depth = 0
        self.nests = Nests(path)
        for tag, known in (("file", self.files), ("sequence", self.sequences)):
            for element in root.iter(tag):
                name = element.get("id")
                if name and (name not in known or len(element) > len(known[name])):
                    known[name] = element

    def timeline(self, sequence: "Element") -> "otio.schema.Timeline":
        import opentimelineio as otio

        rate = self.rate(sequence, Fraction(0)) or self.rate(sequence.find("timecode"), Fraction(0))
        rate = rate or self.rate(sequence.find("media/video/format/samplecharacteristics"), Fraction(0))
        if not rate:
            raise TimelineError(f"{self.path}: the sequence {_text(sequence, 'name')!r} does not say its frame rate.")
        start, drop = self.timecode(sequence.find("timecode"), rate)
        timeline = otio.schema.Timeline(
            name=_text(sequence, "name", self.path.stem), global_start_time=frames(start, rate)
        )
        for track in self.tracks(sequence, rate):
            timeline.tracks.append(track)
        for found in sequence.findall("marker"):
            timeline.tracks.markers.append(self.marker(found, rate))
        return note(timeline, rate=rate, drop_frame=drop, warnings=self.warnings)

    def rate(self, element: "Element | None", default: Fraction) -> Fraction:
        """The <rate> inside `element`: 24 with ntsc TRUE is 24000/1001."""
        base = _number(element.find("rate") if element is not None else None, "timebase")
        if not base:
            return default
        ntsc = _text(element, "rate/ntsc").upper() == "TRUE"
        return exact_rate(Fraction(base * 1000, 1001) if ntsc else Fraction(base))

    def timecode(self, element: "Element | None", rate: Fraction) -> tuple[int, bool]:
        """(absolute frame at `rate`, drop-frame) of a <timecode>."""
        own = self.rate(element, rate)
        drop = _text(element, "displayformat").upper() == "DF"
        frame = _number(element, "frame")
        if frame is None:
            text = _text(element, "string")
            if not text:
                return 0, drop
            try:
                frame = parse_timecode(text, own)
            except InputError:
                self.warnings.append(f"The timecode {text!r} makes no sense at its rate; 0 stands in.")
                return 0, drop
        return quantise(frame * rate / own), drop

    def marker(self, element: "Element", rate: Fraction) -> Any:
        first, last = _number(element, "in") or 0, _number(element, "out")
        length = last - first if last is not None and last > first else 0
        return marker(_text(element, "name"), first, length, rate, _text(element, "comment"), _text(element, "color"))

    def clip_marker(self, element: "Element", item: Any, own: Fraction, first: Fraction, speed: Fraction) -> Any:
        """A clip's marker, counted like its `in`, brought to the item's own source time."""
        made = self.marker(element, own)
        source = item.source_range.start_time
        passed = made.marked_range.start_time.value - first
        if speed < 0:
            passed = item.source_range.duration.rescaled_to(float(own)).value - passed
        moved = Fraction(passed).limit_denominator(1000) * abs(speed)
        made.marked_range = type(made.marked_range)(source + frames(moved, own), made.marked_range.duration)
        return made

    def tracks(self, sequence: "Element", rate: Fraction) -> "list[otio.schema.Track]":
        import opentimelineio as otio

        found = []
        media = sequence.find("media")
        for tag, kind in (("video", otio.schema.TrackKind.Video), ("audio", otio.schema.TrackKind.Audio)):
            parent = media.find(tag) if media is not None else None
            for number, element in enumerate(parent.findall("track") if parent is not None else [], 1):
                track = self.track(element, f"{kind[0]}{number}", kind, rate)
                track.enabled = _text(element, "enabled").upper() != "FALSE"
                found.append(track)
        return found

    def track(self, element: "Element", name: str, kind: str, rate: Fraction) -> "otio.schema.Track":
        builder = TrackBuilder(name, kind, rate, self.warnings)
        items = [child for child in element if child.tag in ("clipitem", "generatoritem", "transitionitem")]
        by_element = {
            id(item): _Transition(item, items, index)
            for index, item in enumerate(items)
            if item.tag == "transitionitem"
        }
        for index, item in enumerate(items):
            if item.tag == "transitionitem":
                found = by_element[id(item)]
                if found.end > found.start:
                    builder.transition(found.cut, found.start, found.end, found.name)
                continue
            before = by_element.get(id(items[index - 1])) if index else None
            after = by_element.get(id(items[index + 1])) if index + 1 < len(items) else None
            start, end = _number(item, "start"), _number(item, "end")
            handle = 0
            if start in (None, -1):
                if before is None:
                    self.warnings.append(f"{_text(item, 'name')!r} has no place in the sequence; it is left out.")
                    continue
                start, handle = before.cut, before.cut - before.start
            if end in (None, -1):
                if after is None:
                    self.warnings.append(f"{_text(item, 'name')!r} has no end in the sequence; it is left out.")
                    continue
                end = after.cut
            if start is not None and end is not None and end > start >= 0:
                self.place(builder, item, start, end, handle, rate)
        return builder.track

    def place(self, builder: TrackBuilder, item: "Element", start: int, end: int, handle: int, rate: Fraction) -> None:
        """Put a clip or generator on the track; `handle` frames of it before `start` lie under a transition."""
        name = _text(item, "name")
        own = self.rate(item, rate)
        first = (_number(item, "in") or 0) + Fraction(handle) * own / rate
        speed = self.speed(item, name)
        duration = end - start
        record = (duration, rate)
        made: Any
        inner = item.find("sequence")
        if inner is not None:
            made = self.nested(inner, name, first / own, duration, rate)
            warp(made, speed)
        elif item.tag == "generatoritem" or (item.find("effect") is not None and item.find("file") is None):
            kind = _text(item.find("effect"), "name") or _text(item.find("effect"), "effectid") or "generator"
            made = clip_of(name or kind, source=(first, own), duration=record, url=None, generator=kind)
        else:
            made = self.clip(item, name, first, own, record, speed)
        made.enabled = _text(item, "enabled").upper() != "FALSE"
        made.markers.extend(self.clip_marker(found, made, own, first, speed) for found in item.findall("marker"))
        builder.add(start, made, duration)

    def clip(
        self,
        item: "Element",
        name: str,
        first: Fraction,
        own: Fraction,
        record: tuple[int, Fraction],
        speed: Fraction,
    ) -> "otio.schema.Clip":
        element = item.find("file")
        if element is not None:
            element = self.files.get(element.get("id") or "", element)
        url = _text(element, "pathurl") or None
        file_rate = self.rate(element, own)
        length = _number(element, "duration")
        origin, _ = self.timecode(element.find("timecode") if element is not None else None, file_rate)
        still = _text(item, "stillframe").upper() == "TRUE"
        duration = record[0] * own / record[1]
        if speed < 0:
            # `in` counts from the end of the reversed clip, whose length is the item's own duration.
            total = Fraction(_number(item, "duration") or 0) * -speed
            lowest = total - (first + duration) * -speed
        else:
            lowest = first * speed if speed else first
        if still:
            speed, lowest = Fraction(0), Fraction(0)
        available = frame_range(origin, length, file_rate) if length else None
        start = lowest + (origin * own / file_rate if available is not None else 0)
        clip = clip_of(
            name or _text(element, "name"),
            source=(start, own),
            duration=record,
            url=url,
            available=available,
            speed=speed,
            generator=None if url else _text(element, "mediaSource") or None,
        )
        clip.metadata["fcp_xml"] = {"id": item.get("id") or "", "masterclipid": _text(item, "masterclipid")}
        return clip

    def nested(
        self, inner: "Element", name: str, start: Fraction, duration: int, rate: Fraction
    ) -> "otio.schema.Stack":
        import opentimelineio as otio

        definition = self.sequences.get(inner.get("id") or "", inner)
        self.depth += 1
        if self.depth > _MAX_NESTING:
            raise TimelineError(
                f"{self.path} nests sequences more than {_MAX_NESTING} deep, or in a circle, at {name!r}."
            )
        stack = otio.schema.Stack(name=name or _text(definition, "name"))
        own = self.rate(definition, rate)
        for track in self.nests.tracks((id(definition), own), lambda: self.tracks(definition, own)):
            stack.append(track)
        self.depth -= 1
        stack.source_range = otio.opentime.TimeRange(frames(start * rate, rate), frames(duration, rate))
        return stack

    def speed(self, item: "Element", name: str) -> Fraction:
        """The time remap filter's constant speed, as a factor."""
        for effect in item.findall("filter/effect"):
            if _text(effect, "effectid").lower() != "timeremap" or _text(effect, "enabled").upper() == "FALSE":
                continue
            values = {_text(p, "parameterid").lower(): _text(p, "value") for p in effect.findall("parameter")}
            if values.get("variablespeed", "0") not in ("", "0", "FALSE"):
                self.warnings.append(f"The speed of {name!r} changes inside the clip; its mean speed is used.")
            try:
                speed = exact_number(values.get("speed") or "100") / 100
            except (ValueError, ZeroDivisionError):
                self.warnings.append(f"The speed {values.get('speed')!r} of {name!r} is no number; 100 stands in.")
                return Fraction(1)
            reverse = values.get("reverse", "").upper() == "TRUE"
            return -abs(speed) if reverse else speed
        return Fraction(1)


class _Transition:
    """A transition item: where it runs and where its cut lies."""

    def __init__(self, element: "Element", items: "list[Element]", index: int) -> None:
        self.element = element
        self.start, self.end = _number(element, "start") or 0, _number(element, "end") or 0
        self.name = _text(element.find("effect"), "name", "Cross Dissolve")
        alignment = _text(element, "alignment").lower()
        edges = []
        if index:
            edges.append(_number(items[index - 1], "end"))
        if index + 1 < len(items):
            edges.append(_number(items[index + 1], "start"))
        known = [edge for edge in edges if edge is not None and self.start <= edge <= self.end]
        if known:
            self.cut = known[0]
        elif alignment in ("start", "start-black"):
            self.cut = self.start
        elif alignment in ("end", "end-black"):
            self.cut = self.end
        else:
            self.cut = (self.start + self.end) // 2
