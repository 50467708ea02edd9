"""Final Cut Pro XML, `.fcpxml`, and its bundle `.fcpxmld` (a folder that holds `Info.fcpxml`).

Our own reader: the published adapter truncates rates to whole numbers. Times are rational seconds ("1001/24000s"). A
story element lies at `offset` in its parent's time, shows its own time from `start` on for `duration`; its children lie
in its own time. `lane` 0 is the storyline itself, positive lanes are connected above, negative ones below. A clip's own
time may run differently from its media's (`timeMap`).

Everything with a lane is laid out on tracks of the timeline, so that connected clips keep their exact place; compound
clips, synchronised clips and multicams become nested stacks.
"""

import urllib.parse
from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import TimelineError
from ..timing import exact_number, exact_rate, quantise
from .common import Nests, TrackBuilder, clip_of, marker, note, parse_xml, warp

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    import opentimelineio as otio

_MAX_NESTING = 32
_MAX_ROWS = 256
"""The most clips that lie over one another in one lane: each takes a track."""
_STORY = ("asset-clip", "clip", "video", "audio", "title", "gap", "ref-clip", "sync-clip", "mc-clip", "audition")
_ZERO = Fraction(0)


def read(path: Path) -> "otio.schema.Timeline":
    """The first project's sequence, or the first clip of a file of clips. Raises TimelineError where there is none."""
    file = path / "Info.fcpxml" if path.is_dir() else path
    if not file.is_file():
        raise TimelineError(f"{path} holds no Info.fcpxml; it is no Final Cut Pro bundle.")
    root = parse_xml(file)
    if root.tag != "fcpxml":
        raise TimelineError(f"{path} is XML with the root <{root.tag}>, not <fcpxml>; export Final Cut Pro XML.")
    return _Document(root, file).timeline()


def _seconds(text: str | None, default: Fraction = _ZERO) -> Fraction:
    """ "1001/24000s", "5s" or "12.5s" as exact seconds."""
    if not text:
        return default
    try:
        value = exact_number(text.strip().removesuffix("s"))
    except ValueError as problem:
        raise TimelineError(
            f"The XML holds the time {text[:40]!r}, which is none; times look like 1001/24000s."
        ) from problem
    return value


@dataclass
class _Placed:
    """Something with its place in the time of the layout it belongs to."""

    lane: int
    start: Fraction
    duration: Fraction
    item: Any
    audio: bool


@dataclass
class _Layout:
    """What a storyline with its connected clips holds, before it is laid on tracks."""

    placed: list[_Placed] = field(default_factory=list)
    transitions: list[tuple[int, Fraction, Fraction, str]] = field(default_factory=list)
    """(lane, start, end, name)"""
    markers: list[tuple["Element", Fraction]] = field(default_factory=list)


class _Document:
    def __init__(self, root: "Element", file: Path) -> None:
        self.root, self.file = root, file
        self.warnings: list[str] = []
        self.resources = {found.get("id") or "": found for parent in root.iter("resources") for found in parent}
        self.depth = 0
        self.rate = Fraction(0)
        self.nests = Nests(file)

    def timeline(self) -> "otio.schema.Timeline":
        import opentimelineio as otio

        media = {id(inner) for found in self.root.iter("media") for inner in found.iter("sequence")}
        sequences = [found for found in self.root.iter("sequence") if id(found) not in media]
        name = self.file.stem if self.file.name != "Info.fcpxml" else self.file.parent.stem
        if sequences:
            sequence = sequences[0]
            project = next((parent for parent in self.root.iter() if sequence in list(parent)), None)
            name = (project.get("name") if project is not None else "") or name
            if len(sequences) > 1:
                self.warnings.append(f"The file holds {len(sequences)} projects; {name!r}, the first, is read.")
            self.rate = self.format_rate(sequence.get("format")) or self.any_rate()
            layout = self.storyline(sequence.find("spine"), _seconds(sequence.get("tcStart")))
            start, drop = _seconds(sequence.get("tcStart")), sequence.get("tcFormat") == "DF"
        else:
            containers = [*self.root.iter("event"), self.root]
            clips = [child for parent in containers for child in parent if child.tag in _STORY and child.tag != "gap"]
            media_items = [found for found in self.root.iter("media") if found.find("sequence") is not None]
            if not clips and media_items:
                self.warnings.append("The file holds no project; its first compound clip is read.")
                inner = media_items[0].find("sequence")
                self.rate = self.format_rate(inner.get("format") if inner is not None else None) or self.any_rate()
                layout = self.storyline(inner.find("spine") if inner is not None else None, _ZERO)
                start, drop = _ZERO, False
            elif clips:
                self.warnings.append("The file holds no project; its clips are read one after the other.")
                self.rate = self.format_rate(clips[0].get("format")) or self.clip_rate(clips[0]) or self.any_rate()
                layout, cursor = _Layout(), _ZERO
                for clip in clips:
                    duration = self.duration(clip)
                    self.element(layout, clip, cursor, 0, None)
                    cursor += duration
                start, drop = _ZERO, False
            else:
                raise TimelineError(f"{self.file} holds no project and no clip; export the project from Final Cut Pro.")
        timeline = otio.schema.Timeline(name=name)
        timeline.global_start_time = otio.opentime.RationalTime(quantise(start * self.rate), float(self.rate))
        for track in self.tracks(layout):
            timeline.tracks.append(track)
        for element, at in layout.markers:
            timeline.tracks.markers.append(self.marker(element, at))
        return note(timeline, rate=self.rate, drop_frame=drop, warnings=self.warnings)

    # -- rates and resources --------------------------------------------------------------------------------------

    def format_rate(self, name: str | None) -> Fraction:
        """The exact rate of a format resource, 0 where it says none."""
        element = self.resources.get(name or "")
        frame = _seconds(element.get("frameDuration")) if element is not None else _ZERO
        return exact_rate(1 / frame) if frame > 0 else _ZERO

    def clip_rate(self, clip: "Element") -> Fraction:
        for element in clip.iter():
            resource = self.resources.get(element.get("ref") or "")
            if resource is not None and (rate := self.format_rate(resource.get("format"))):
                return rate
        return _ZERO

    def any_rate(self) -> Fraction:
        for element in self.root.iter("format"):
            if rate := self.format_rate(element.get("id")):
                return rate
        self.warnings.append("The file does not say its frame rate; it is read at 24 frames a second.")
        return Fraction(24)

    def url(self, asset: "Element") -> str | None:
        source = asset.get("src")
        if not source:
            found = [rep.get("src") for rep in asset.findall("media-rep") if rep.get("src")]
            source = found[0] if found else None
        if source and not urllib.parse.urlsplit(source).scheme and not source.startswith("/"):
            inside = (self.file.parent / urllib.parse.unquote(source)).resolve()
            if self.file.name == "Info.fcpxml" and not inside.is_relative_to(self.file.parent.resolve()):
                raise TimelineError(f"{self.file} names the media {source!r}, which lies outside the bundle.")
            return inside.as_uri()
        return source

    # -- the story ------------------------------------------------------------------------------------------------

    def storyline(self, spine: "Element | None", origin: Fraction) -> _Layout:
        layout = _Layout()
        if spine is not None:
            self.spine(layout, spine, -origin, 0)
        return layout

    def spine(self, layout: _Layout, spine: "Element", shift: Fraction, lane: int) -> None:
        """Lay a spine's elements; `shift` takes its time to the layout's."""
        cursor = _ZERO if not len(spine) else _seconds(spine[0].get("offset"))
        for element in spine:
            if element.tag == "transition":
                start = _seconds(element.get("offset"), cursor) + shift
                end = start + _seconds(element.get("duration"))
                layout.transitions.append((lane, start, end, element.get("name") or "Cross Dissolve"))
            elif element.tag in _STORY:
                at = _seconds(element.get("offset"), cursor)
                self.element(layout, element, at + shift, lane, None)
                cursor = at + self.duration(element)

    def element(
        self, layout: _Layout, element: "Element", at: Fraction, lane: int, limit: tuple[Fraction, Fraction] | None
    ) -> None:
        """Lay one element at `at`, with what is connected to it; `limit` trims what a container shows of it."""
        if element.tag == "audition":
            choices = [child for child in element if child.tag in _STORY]
            if choices:
                self.element(layout, choices[0], at, lane, limit)
            return
        start, duration = self.start(element), self.duration(element)
        first, last = at, at + duration
        if limit is not None:
            first, last = max(first, limit[0]), min(last, limit[1])
        if last > first and element.tag != "gap":
            for item, audio in self.items(element, start + first - at, last - first):
                item.enabled = element.get("enabled", "1") != "0"
                layout.placed.append(_Placed(lane, first, last - first, item, audio))
        if element.tag == "gap" and last > first and lane == 0:
            layout.placed.append(_Placed(0, first, last - first, None, False))
        for child in element:
            if child.tag in ("marker", "chapter-marker"):
                moment = at + _seconds(child.get("start")) - start
                if first <= moment < last:
                    layout.markers.append((child, moment))
            elif child.get("lane"):
                inner = lane + self.lane(child)
                position = at + _seconds(child.get("offset"), start) - start
                if child.tag == "spine":
                    self.connected_spine(layout, child, position, inner)
                elif child.tag in _STORY:
                    self.element(layout, child, position, inner, None)

    def connected_spine(self, layout: _Layout, spine: "Element", at: Fraction, lane: int) -> None:
        first = next((child for child in spine if child.tag in _STORY), None)
        if first is not None:
            self.spine(layout, spine, at - _seconds(first.get("offset")) * (first.get("offset") is not None), lane)

    @staticmethod
    def lane(element: "Element") -> int:
        try:
            return max(-100, min(100, int(element.get("lane") or 0)))
        except ValueError as problem:
            raise TimelineError(
                f"The XML holds the lane {element.get('lane')!r}, which is no whole number."
            ) from problem

    def start(self, element: "Element") -> Fraction:
        """Where the element's own time begins."""
        if element.get("start"):
            return _seconds(element.get("start"))
        resource = self.resources.get(element.get("ref") or "")
        if element.tag == "asset-clip" and resource is not None:
            return _seconds(resource.get("start"))
        return _ZERO

    def duration(self, element: "Element") -> Fraction:
        if element.tag == "audition":
            choices = [child for child in element if child.tag in _STORY]
            return self.duration(choices[0]) if choices else _ZERO
        if element.get("duration"):
            return _seconds(element.get("duration"))
        resource = self.resources.get(element.get("ref") or "")
        if resource is None:
            return max((self.duration(child) for child in element if child.tag in _STORY), default=_ZERO)
        sequence = resource.find("sequence")
        return _seconds((sequence if sequence is not None else resource).get("duration"))

    def items(self, element: "Element", start: Fraction, duration: Fraction) -> list[tuple[Any, bool]]:
        """What an element shows and sounds like from its own time `start`: (item, is audio)."""
        name = element.get("name") or ""
        record = (quantise(duration * self.rate), self.rate)
        if element.tag == "title":
            kind = self.resources.get(element.get("ref") or "")
            label = "title " + ((kind.get("name") if kind is not None else "") or "")
            return [(self.generator(name or "title", label.strip(), record), False)]
        if element.tag in ("asset-clip", "video", "audio"):
            return self.asset(element, name, start, duration, record)
        if element.tag in ("ref-clip", "mc-clip", "clip", "sync-clip"):
            return self.container(element, name, start, duration)
        return []

    @staticmethod
    def generator(name: str, kind: str, record: tuple[int, Fraction]) -> "otio.schema.Clip":
        return clip_of(name, source=(_ZERO, record[1]), duration=record, url=None, generator=kind)

    def asset(
        self, element: "Element", name: str, start: Fraction, duration: Fraction, record: tuple[int, Fraction]
    ) -> list[tuple[Any, bool]]:
        import opentimelineio as otio

        resource = self.resources.get(element.get("ref") or "")
        if resource is not None and resource.tag == "effect":
            return [(self.generator(name or "generator", resource.get("name") or "generator", record), False)]
        if resource is not None and resource.tag == "media":
            return self.container(element, name, start, duration)
        if resource is None and element.get("ref"):
            self.warnings.append(f"{name!r} refers to {element.get('ref')!r}, which the file does not hold.")
        asset_start = _seconds(resource.get("start")) if resource is not None else _ZERO
        speed, lowest = self.time_map(element, start, duration, name)
        rate = (self.format_rate(resource.get("format")) if resource is not None else _ZERO) or self.rate
        available = None
        if resource is not None and resource.get("duration"):
            available = otio.opentime.TimeRange(
                _exact(asset_start, rate), _exact(_seconds(resource.get("duration")), rate)
            )
        still = resource is not None and resource.get("duration") == "0s"
        found: list[tuple[Any, bool]] = []
        wanted = element.get("srcEnable", "all")
        picture = element.tag == "video" or (
            element.tag == "asset-clip"
            and wanted in ("all", "video")
            and (resource is None or resource.get("hasVideo", "1" if not resource.get("hasAudio") else "0") == "1")
        )
        sound = element.tag == "audio" or (
            element.tag == "asset-clip"
            and wanted in ("all", "audio")
            and resource is not None
            and resource.get("hasAudio") == "1"
        )
        for audio, wanted_now in ((False, picture), (True, sound)):
            if wanted_now:
                clip = clip_of(
                    name or (resource.get("name") if resource is not None else "") or "",
                    source=(asset_start if still else lowest, Fraction(1)),
                    duration=record,
                    url=self.url(resource) if resource is not None else None,
                    available=None if still else available,
                    speed=_ZERO if still else speed,
                )
                start_time = _exact(asset_start if still else lowest, rate)
                clip.source_range = otio.opentime.TimeRange(start_time, clip.source_range.duration)
                role = element.get("audioRole" if audio else "videoRole") or element.get("role")
                clip.metadata["fcpx_xml"] = {"role": role or ""}
                found.append((clip, audio))
        found += self.children_of(element, start, duration)
        return found

    def children_of(self, element: "Element", start: Fraction, duration: Fraction) -> list[tuple[Any, bool]]:
        """Sound that lies inside a `video` (FCPXML nests it there)."""
        found: list[tuple[Any, bool]] = []
        if element.tag != "video":
            return found
        for child in element:
            if child.tag == "audio" and not child.get("lane"):
                inside = self.start(child) + (start - _seconds(child.get("offset"), start))
                found += self.items(child, max(_ZERO, inside), min(duration, self.duration(child) or duration))
        return found

    def time_map(self, element: "Element", start: Fraction, duration: Fraction, name: str) -> tuple[Fraction, Fraction]:
        """(speed, lowest media time used) for own time `start` on; without a map, own time is media time."""
        found = element.find("timeMap")
        points = sorted(
            (_seconds(point.get("time")), _seconds(point.get("value")))
            for point in (found.findall("timept") if found is not None else [])
        )
        if len(points) < 2 or duration <= 0:
            return Fraction(1), start
        first, last = _interpolate(points, start), _interpolate(points, start + duration)
        speed = (last - first) / duration
        slopes = {(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(points) if b[0] > a[0]}
        if len(slopes) > 1:
            self.warnings.append(f"The speed of {name!r} changes inside the clip; its mean speed is used.")
        return speed, min(first, last)

    def container(self, element: "Element", name: str, start: Fraction, duration: Fraction) -> list[tuple[Any, bool]]:
        """A compound, synchronised or multicam clip as a nested stack, for the picture and for the sound."""
        import opentimelineio as otio

        self.depth += 1
        if self.depth > _MAX_NESTING:
            raise TimelineError(f"{self.file} nests clips more than {_MAX_NESTING} deep, or in a circle, at {name!r}.")
        resource = self.resources.get(element.get("ref") or "")
        sequence = resource.find("sequence") if resource is not None else None
        multicam = resource.find("multicam") if resource is not None else None
        origin = _ZERO
        if sequence is not None:
            origin = _seconds(sequence.get("tcStart"))
            spine = sequence.find("spine")
            tracks = self.nests.tracks(id(sequence), lambda: self.tracks(self.storyline(spine, origin)))
        elif multicam is not None:
            origin = _seconds(multicam.get("tcStart"))
            angles = self.angles(element, multicam)
            key = (id(multicam), *map(id, angles))
            tracks = self.nests.tracks(key, lambda: self.tracks(self.seen_and_heard(angles, origin)))
        else:
            layout = _Layout()
            origin = min([start, *(_seconds(c.get("offset"), start) for c in element if c.tag in (*_STORY, "spine"))])
            for child in element:
                inside = (_seconds(child.get("offset"), start) - origin) if child.tag in (*_STORY, "spine") else _ZERO
                if child.tag == "spine" and not child.get("lane"):
                    self.connected_spine(layout, child, inside, 0)
                elif child.tag in _STORY and not child.get("lane"):
                    self.element(layout, child, inside, 0, None)
            tracks = self.tracks(layout)
        speed, lowest = self.time_map(element, start, duration, name)
        self.depth -= 1
        found: list[tuple[Any, bool]] = []
        for audio in (False, True):
            kind = otio.schema.TrackKind.Audio if audio else otio.schema.TrackKind.Video
            inner = [track for track in tracks if track.kind == kind]
            if not inner:
                continue
            stack = otio.schema.Stack(name=name)
            stack.extend(inner)
            stack.source_range = otio.opentime.TimeRange(
                _exact(lowest - origin, self.rate),
                otio.opentime.RationalTime(quantise(duration * self.rate), float(self.rate)),
            )
            warp(stack, speed)
            found.append((stack, audio))
        return found

    @staticmethod
    def angles(element: "Element", multicam: "Element") -> "tuple[Element | None, Element | None]":
        """The angle a multicam clip shows and the one it sounds like."""
        angles = {angle.get("angleID"): angle for angle in multicam.findall("mc-angle")}
        sources = element.findall("mc-source")
        first = next(iter(angles), None)

        def chosen(use: str) -> "Element | None":
            named = next((s.get("angleID") for s in sources if s.get("srcEnable") in (use, "all")), None)
            return angles.get(named or first)

        return chosen("video"), chosen("audio")

    def seen_and_heard(self, angles: "tuple[Element | None, Element | None]", origin: Fraction) -> _Layout:
        """One angle's picture and one angle's sound."""
        layout = _Layout()
        for angle, audio in zip(angles, (False, True), strict=True):
            if angle is None:
                continue
            inner = _Layout()
            self.spine(inner, angle, -origin, 0)
            layout.placed += [found for found in inner.placed if found.audio == audio and found.item is not None]
        return layout

    # -- tracks ---------------------------------------------------------------------------------------------------

    def tracks(self, layout: _Layout) -> "list[otio.schema.Track]":
        """Lay everything on tracks, lanes from the lowest to the highest, audio after video."""
        import opentimelineio as otio

        found: list[Any] = []
        for audio, kind in ((False, otio.schema.TrackKind.Video), (True, otio.schema.TrackKind.Audio)):
            chosen = [placed for placed in layout.placed if placed.audio == audio]
            for lane in sorted({placed.lane for placed in chosen}):
                rows: list[TrackBuilder] = []
                jobs: list[tuple[int, int, Any]] = []
                for placed in chosen:
                    if placed.lane == lane:
                        start = quantise(placed.start * self.rate)
                        jobs.append((start, quantise((placed.start + placed.duration) * self.rate), placed.item))
                fades = self.fades(layout, lane) if not audio else deque()
                for start, end, item in sorted(jobs, key=lambda job: (job[0], job[1])):
                    row = next((row for row in rows if row.end <= start), None)
                    if row is None:
                        if len(rows) == _MAX_ROWS:
                            raise TimelineError(f"{self.file} lays more than {_MAX_ROWS} clips over one another.")
                        label = f"{kind[0]}{len(found) + len(rows) + 1 - sum(t.kind != kind for t in found)}"
                        row = TrackBuilder(label, kind, self.rate, self.warnings)
                        rows.append(row)
                    if row is rows[0]:
                        self.fade(row, fades, start)
                    if item is None:
                        row.gap_to(end)
                    elif end > start:
                        item.source_range = otio.opentime.TimeRange(
                            item.source_range.start_time,
                            otio.opentime.RationalTime(end - start, float(self.rate)),
                        )
                        row.add(start, item, end - start)
                if rows:
                    self.fade(rows[0], fades, rows[0].end)
                found += [row.track for row in rows if any(not isinstance(c, otio.schema.Gap) for c in row.track)]
        return found

    def fades(self, layout: _Layout, lane: int) -> "deque[tuple[int, int, str]]":
        """A lane's transitions as (first frame, frame after the last, name), in order."""
        found = [
            (quantise(start * self.rate), quantise(end * self.rate), name)
            for own, start, end, name in layout.transitions
            if own == lane
        ]
        return deque(sorted(found, key=lambda fade: fade[0]))

    @staticmethod
    def fade(row: TrackBuilder, fades: "deque[tuple[int, int, str]]", cut: int) -> None:
        """Put the transition that runs over the cut at frame `cut` on the track; cuts come in order."""
        while fades and fades[0][1] < cut:
            fades.popleft()
        for index, (first, last, name) in enumerate(fades):
            if first > cut:
                return
            if last >= cut:
                row.transition(cut, first, last, name)
                del fades[index]
                return

    def marker(self, element: "Element", at: Fraction) -> Any:
        length = quantise(_seconds(element.get("duration")) * self.rate)
        colour = "GREEN" if element.get("completed") == "1" else ""
        return marker(
            element.get("value") or "", quantise(at * self.rate), length, self.rate, element.get("note") or "", colour
        )


def _exact(seconds: Fraction, rate: Fraction) -> "otio.opentime.RationalTime":
    """`seconds` in frames of `rate` where that is whole, in milliseconds' thousandths where it is not."""
    import opentimelineio as otio

    value = seconds * rate
    return otio.opentime.RationalTime(value.numerator if value.denominator == 1 else float(value), float(rate))


def _interpolate(points: list[tuple[Fraction, Fraction]], time: Fraction) -> Fraction:
    """The value of a piecewise linear map at `time`, its outer slopes going on."""
    low, high = next((pair for pair in pairwise(points) if time <= pair[1][0]), (points[-2], points[-1]))
    if high[0] == low[0]:
        return low[1]
    return low[1] + (time - low[0]) * (high[1] - low[1]) / (high[0] - low[0])
