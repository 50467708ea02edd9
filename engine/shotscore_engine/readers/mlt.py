"""MLT XML (`.mlt`, Shotcut's and melt's file) and Kdenlive's projects (`.kdenlive`), which are MLT XML with more said.

Our own reader: the published adapters lose audio clips that share the picture's source, and Kdenlive's is archived. An
MLT file is a graph of services met by id: a producer or chain is media, a playlist is a row of entries and blanks, a
tractor is a pile of tracks with transitions. `in` and `out` are frames (both ends included) or clock times.

Dissolves have three spellings, all read as one cut at the middle: Kdenlive's mixes (two playlists of a track that
overlap under a transition), Shotcut's (a small tractor between two entries), and plain MLT's (two tracks that overlap
under a `luma` or `mix`).
"""

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import TimelineError
from ..timing import exact_number, exact_rate, parse_timecode, quantise
from .common import Nests, TrackBuilder, clip_of, frame_range, frames, marker, note, parse_xml

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    import opentimelineio as otio

_MAX_NESTING = 32
_SERVICES = ("producer", "chain", "playlist", "tractor", "multitrack")
_STILLS = ("qimage", "pixbuf")
_TITLES = ("kdenlivetitle", "qtext", "pango", "dynamictext", "webvfx", "glaxnimate", "gpstext", "subtitle")
_COLOURS = ("color", "colour", "noise", "count", "frei0r", "tone", "blank")
_DISSOLVES = ("luma", "mix", "dissolve", "frei0r.cairoblend", "qtblend")
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d+(?:[.,]\d+)?)")
_GUIDE_COLOURS = ("PURPLE", "CYAN", "BLUE", "GREEN", "YELLOW", "ORANGE", "RED", "PINK", "MAGENTA")


def read(path: Path) -> "otio.schema.Timeline":
    """The project's (active) sequence. Raises TimelineError where there is none."""
    root = parse_xml(path)
    if root.tag != "mlt":
        raise TimelineError(f"{path} is XML with the root <{root.tag}>, not <mlt>; save the project again.")
    return _Project(root, path).timeline()


@dataclass
class _Entry:
    """A stretch of a service: frames `first` to `last`, both used, counted from the service's own `in`."""

    service: "Element"
    first: int
    last: int

    @property
    def length(self) -> int:
        return max(0, self.last - self.first + 1)


class _Project:
    def __init__(self, root: "Element", path: Path) -> None:
        self.root, self.path = root, path
        self.warnings: list[str] = []
        self.services = {found.get("id") or "": found for found in root.iter() if found.tag in _SERVICES}
        self.rate, self.drop = self.profile()
        self.depth = 0
        self.nests = Nests(path)
        self.lengths: dict[int, int] = {}
        self.properties: dict[int, dict[str, str]] = {}
        """By the `id` of their element, all of which live as long as the root does: asked again and again."""
        folder = root.get("root")
        self.folder = folder if folder and Path(folder).is_dir() else ""

    def profile(self) -> tuple[Fraction, bool]:
        profile = self.root.find("profile")
        try:
            top = int((profile.get("frame_rate_num") if profile is not None else "") or 0)
            under = int((profile.get("frame_rate_den") if profile is not None else "") or 1)
            if top:
                return exact_rate(Fraction(top, under)), False
        except (ValueError, ZeroDivisionError) as problem:
            raise TimelineError(f"{self.path}: the profile's frame rate is no number.") from problem
        self.warnings.append("The project does not say its frame rate; MLT's default, 25, is used.")
        return Fraction(25), False

    # -- small things ---------------------------------------------------------------------------------------------

    def property(self, element: "Element", name: str) -> str:
        known = self.properties.get(id(element))
        if known is None:
            # Of two of a name the first holds.
            known = {found.get("name") or "": found.text or "" for found in reversed(element.findall("property"))}
            self.properties[id(element)] = known
        return known.get(name, "").strip()

    def frame(self, text: str | None, default: int) -> int:
        """A frame number, a clock time (HH:MM:SS.mmm) or a timecode, as frames."""
        if not text:
            return default
        text = text.strip()
        try:
            if re.fullmatch(r"-?\d+", text):
                return int(text)
            clock = _CLOCK.fullmatch(text)
            if clock:
                hours, minutes, seconds = int(clock[1] or 0), int(clock[2]), exact_number(clock[3].replace(",", "."))
                return quantise((hours * 3600 + minutes * 60 + seconds) * self.rate)
            return parse_timecode(text, self.rate)
        except ValueError as problem:
            raise TimelineError(f"{self.path} holds the time {text[:40]!r}, which is none.") from problem

    def length(self, service: "Element") -> int:
        """Frames a service lasts when nothing trims it."""
        if id(service) not in self.lengths:
            self.lengths[id(service)] = self.worked_out_length(service)
        return self.lengths[id(service)]

    def worked_out_length(self, service: "Element") -> int:
        if service.tag == "playlist":
            return sum(
                self.frame(child.get("length"), 0) if child.tag == "blank" else self.entry(child).length
                for child in service
                if child.tag in ("blank", "entry")
            )
        first, last = self.frame(service.get("in"), 0), service.get("out")
        if last:
            return self.frame(last, 0) - first + 1
        if service.tag == "tractor":
            return max((entry.length for entry, _ in self.layers(service)), default=0)
        return self.frame(self.property(service, "length"), 0)

    def entry(self, element: "Element") -> _Entry:
        """An <entry> or <track>: the service it means and the stretch it uses."""
        service = self.services.get(element.get("producer") or "")
        if service is None:
            inner = next((child for child in element if child.tag in _SERVICES), None)
            if inner is None:
                raise TimelineError(f"{self.path} uses {element.get('producer')!r}, which it does not hold.")
            service = inner
        first = self.frame(element.get("in"), 0)
        last = element.get("out")
        if last is None:
            self.descend(service)
            whole = self.length(service)
            self.depth -= 1
            return _Entry(service, first, whole - 1)
        return _Entry(service, first, self.frame(last, 0))

    def origin(self, service: "Element") -> int:
        """The service's own `in`, from which entries count; a playlist has none."""
        return 0 if service.tag == "playlist" else self.frame(service.get("in"), 0)

    def descend(self, service: "Element") -> None:
        self.depth += 1
        if self.depth > _MAX_NESTING:
            name = service.get("id")
            raise TimelineError(f"{self.path} nests more than {_MAX_NESTING} deep, or in a circle, at {name!r}.")

    def layers(self, tractor: "Element") -> list[tuple[_Entry, str]]:
        """A tractor's tracks, bottom first: (entry, what is hidden of it)."""
        tracks = tractor.findall("track") or tractor.findall("multitrack/track")
        found = []
        for track in tracks:
            entry = self.entry(track)
            own = self.property(entry.service, "hide") or entry.service.get("hide") or ""
            found.append((entry, track.get("hide") or own))
        if not tracks:
            for child in tractor.findall("multitrack/*"):
                if child.tag in _SERVICES:
                    found.append((_Entry(child, 0, self.length(child) - 1), child.get("hide") or ""))
        return found

    # -- the project ----------------------------------------------------------------------------------------------

    def timeline(self) -> "otio.schema.Timeline":
        import opentimelineio as otio

        top = self.sequence()
        timeline = otio.schema.Timeline(name=self.path.stem, global_start_time=frames(0, self.rate))
        for track in self.stack(top):
            timeline.tracks.append(track)
        timeline.tracks.markers.extend(self.guides(top))
        return note(timeline, rate=self.rate, drop_frame=self.drop, warnings=self.warnings)

    def sequence(self) -> "Element":
        """The tractor that is the edit: Kdenlive's active sequence, else the last tractor, else the last playlist."""
        tractors = {found.get("id") or "": found for found in self.root.findall("tractor")}
        for playlist in self.root.findall("playlist"):
            if playlist.get("id") == "main_bin":
                active = self.property(playlist, "kdenlive:docproperties.activetimeline")
                opened = [found for name, found in tractors.items() if name == active]
                uuids = [found for name, found in tractors.items() if name.startswith("{")]
                if len(uuids) > 1:
                    self.warnings.append(f"The project holds {len(uuids)} sequences; the active one is read.")
                if opened or uuids:
                    return (opened or uuids)[0]
        if tractors:
            last = list(tractors.values())[-1]
            wrapped = [entry.service for entry, _ in self.layers(last)]
            if self.property(last, "kdenlive:projectTractor") and wrapped:
                return wrapped[0]
            return last
        for tag in ("playlist", "producer", "chain"):
            found = [element for element in self.root.findall(tag) if element.get("id") != "main_bin"]
            if found:
                return found[-1]
        raise TimelineError(f"{self.path} holds no tractor and no playlist; save the project again.")

    def stack(self, service: "Element") -> "list[otio.schema.Track]":
        """The tracks of a tractor (or the one of a playlist or producer), video first, bottom first."""
        import opentimelineio as otio

        if service.tag != "tractor":
            layers = [(_Entry(service, 0, self.length(service) - 1), "")]
        else:
            layers = self.layers(service)
        video: list[Any] = []
        audio: list[Any] = []
        for entry, hide in layers:
            if self.is_background(entry.service):
                continue
            self.descend(entry.service)
            label = self.property(entry.service, "kdenlive:track_name") or self.property(entry.service, "shotcut:name")
            sound_only = "video" in hide or hide == "both" or bool(self.property(entry.service, "kdenlive:audio_track"))
            sound_only = sound_only and not self.property(entry.service, "shotcut:video")
            hidden_video = sound_only and not (
                self.property(entry.service, "kdenlive:audio_track") or self.property(entry.service, "shotcut:audio")
            )
            rows = self.rows(entry.service)
            if not sound_only or hidden_video:
                for track in self.laid(rows, entry, label or f"V{len(video) + 1}", otio.schema.TrackKind.Video):
                    track.enabled = not hidden_video
                    video.append(track)
            if "audio" not in hide and hide != "both":
                for track in self.laid(rows, entry, label or f"A{len(audio) + 1}", otio.schema.TrackKind.Audio):
                    audio.append(track)
            self.depth -= 1
        self.overlaps(service, layers, video)
        return video + audio

    def is_background(self, service: "Element") -> bool:
        """Kdenlive's and Shotcut's black track under everything."""
        if service.get("id") in ("black_track", "background", "black"):
            return True
        if service.tag in ("producer", "chain"):
            colour = self.property(service, "mlt_service") in _COLOURS
            return colour and self.property(service, "resource").lower() in ("black", "0", "#ff000000", "#000000ff")
        return False

    def rows(self, service: "Element") -> list[tuple["Element", list[tuple[int, int]]]]:
        """A track's playlists with the stretches in which one dissolves with the other: Kdenlive's mixes."""
        if service.tag != "tractor" or self.property(service, "kdenlive:sequenceproperties.hasAudio"):
            return [(service, [])]
        layers = self.layers(service)
        if len(layers) < 2 or any(entry.service.tag != "playlist" for entry, _ in layers):
            return [(service, [])] if len(layers) != 1 else [(layers[0][0].service, [])]
        return [(entry.service, self.mixes(service) if index else []) for index, (entry, _) in enumerate(layers)]

    def mixes(self, tractor: "Element") -> list[tuple[int, int]]:
        """(start, end) of a tractor's dissolves between its first two tracks."""
        found = []
        for transition in tractor.findall("transition"):
            inside = self.property(transition, "internal_added") or self.property(transition, "always_active") == "1"
            service = self.property(transition, "mlt_service")
            if service in _DISSOLVES and not (inside and transition.get("in") is None):
                start = self.frame(transition.get("in"), 0)
                end = self.frame(transition.get("out"), -1) + 1
                if end > start:
                    found.append((start, end))
        return found

    def laid(
        self, rows: list[tuple["Element", list[tuple[int, int]]]], entry: _Entry, label: str, kind: str
    ) -> "list[otio.schema.Track]":
        """Each row as a track; `entry` trims them."""
        import opentimelineio as otio

        tracks = []
        for number, (service, mixes) in enumerate(rows):
            name = label if not number else f"{label} mix"
            builder = TrackBuilder(name, kind, self.rate, self.warnings)
            if service.tag == "playlist":
                self.playlist(builder, service, kind, mixes)
            else:
                made = self.item(_Entry(service, entry.first, entry.last), kind)
                if made is not None:
                    builder.add(0, made, entry.length)
            if any(isinstance(child, otio.schema.Clip | otio.schema.Stack) for child in builder.track):
                tracks.append(builder.track)
        return tracks

    def playlist(self, builder: TrackBuilder, playlist: "Element", kind: str, mixes: list[tuple[int, int]]) -> None:
        cursor = 0
        elements = [child for child in playlist if child.tag in ("blank", "entry")]
        pending: tuple[int, int] | None = None  # frames a Shotcut transition lends to the clip after it
        for index, element in enumerate(elements):
            if element.tag == "blank":
                cursor += self.frame(element.get("length"), 0)
                continue
            entry = self.entry(element)
            if not entry.length:
                continue
            if len(builder.track) and self.is_mix(entry.service, elements, index):
                half = entry.length // 2
                cut = cursor + half
                self.extend(builder, half)
                builder.transition(cut, cursor, cursor + entry.length, "dissolve")
                pending = (cut, entry.length - half)
                cursor += entry.length
                continue
            start, first, last = cursor, entry.first, entry.last
            if pending:
                start, first = pending[0], first - pending[1]
                pending = None
            made = self.item(_Entry(entry.service, first, last), kind, element)
            cursor += entry.length
            for mix_start, mix_end in mixes:
                if mix_start <= start < mix_end and start > builder.end:
                    builder.transition(start, start, mix_end, "mix")
            if made is not None:
                builder.add(start, made, last - first + 1)
            for mix_start, mix_end in mixes:
                # Only where nothing follows at once: the clip leaves over what lies on the other playlist.
                follows = index + 1 < len(elements) and elements[index + 1].tag == "entry"
                if mix_start < cursor <= mix_end and start < mix_start and not follows:
                    builder.transition(cursor, mix_start, cursor, "mix")

    def is_mix(self, tractor: "Element", elements: "list[Element]", index: int) -> bool:
        """True for a tractor that dissolves the entry before it into the entry after it."""
        if tractor.tag != "tractor" or not 0 < index < len(elements) - 1:
            return False
        if elements[index - 1].tag != "entry" or elements[index + 1].tag != "entry":
            return False
        tracks = tractor.findall("track")
        services = [self.property(found, "mlt_service") for found in tractor.findall("transition")]
        if len(tracks) != 2 or not any(service in _DISSOLVES for service in services):
            return False
        if self.property(tractor, "shotcut:transition"):
            return True
        left, right = self.entry(elements[index - 1]), self.entry(elements[index + 1])
        under, over = (self.entry(track) for track in tracks)
        goes_on = under.service is left.service and under.first == left.last + 1
        leads_in = over.service is right.service and over.last + 1 == right.first
        return goes_on and leads_in

    def extend(self, builder: TrackBuilder, more: int) -> None:
        """Let the last item run on for `more` frames."""
        import opentimelineio as otio

        item = builder.track[-1]
        if isinstance(item, otio.core.Item):
            own = item.source_range
            item.source_range = otio.opentime.TimeRange(own.start_time, own.duration + frames(more, self.rate))
            builder.end += more

    def overlaps(self, tractor: "Element", layers: list[tuple[_Entry, str]], video: list[Any]) -> None:
        """Say so where plain MLT dissolves between whole tracks: the upper clip is then seen from its first frame."""
        if tractor.tag != "tractor" or len(layers) < 2 or len(video) < 2:
            return
        for transition in tractor.findall("transition"):
            service = self.property(transition, "mlt_service")
            if service == "luma" and transition.get("in") and not self.property(transition, "internal_added"):
                start, end = self.frame(transition.get("in"), 0), self.frame(transition.get("out"), -1) + 1
                self.soften(video[1:], start, end)

    def soften(self, tracks: list[Any], start: int, end: int) -> None:
        """A dissolve between tracks from `start` to `end`: put it where an upper track's clip begins or ends in it."""
        import opentimelineio as otio

        for track in tracks:
            cursor = 0
            for index, child in enumerate(list(track)):
                if not isinstance(child, otio.core.Item):
                    continue
                length = quantise(Fraction(child.duration().value))
                if isinstance(child, otio.schema.Gap):
                    cursor += length
                    continue
                made = otio.schema.Transition(
                    name="luma",
                    transition_type=otio.schema.TransitionTypes.SMPTE_Dissolve,
                    in_offset=frames(0, self.rate),
                    out_offset=frames(end - start, self.rate),
                )
                if cursor == start and end - start <= length:
                    track.insert(index, made)
                    return
                if cursor + length == end and end - start <= length:
                    made.in_offset, made.out_offset = made.out_offset, made.in_offset
                    track.insert(index + 1, made)
                    return
                cursor += length

    # -- media ----------------------------------------------------------------------------------------------------

    def item(self, entry: _Entry, kind: str, element: "Element | None" = None) -> Any:
        """An entry as a clip or nested stack; None where it has nothing of that kind."""
        import opentimelineio as otio

        service = entry.service
        if service.tag in ("tractor", "playlist"):
            self.descend(service)
            stack = otio.schema.Stack(name=self.name(service))

            def lay() -> "list[otio.schema.Track]":
                return [track for track in self.stack(service) if track.kind == kind]

            for track in self.nests.tracks((id(service), kind), lay):
                stack.append(track)
            self.depth -= 1
            if not len(stack):
                return None
            stack.source_range = frame_range(entry.first + self.origin(service), entry.length, self.rate)
            return stack
        return self.clip(entry, kind, element)

    def name(self, service: "Element") -> str:
        for key in ("kdenlive:clipname", "shotcut:caption"):
            if found := self.property(service, key):
                return found
        resource = self.property(service, "resource")
        return Path(resource.replace("\\", "/")).name or service.get("id") or ""

    def clip(self, entry: _Entry, kind: str, element: "Element | None") -> Any:
        import opentimelineio as otio

        service = entry.service
        kind_of = self.property(service, "mlt_service")
        resource = self.property(service, "resource")
        name = self.name(service)
        picture = kind == otio.schema.TrackKind.Video
        record = (entry.length, self.rate)
        if kind_of in _TITLES or kind_of in _COLOURS or (not kind_of and resource in ("black", "")):
            if not picture:
                return None
            label = f"title {kind_of}" if kind_of in _TITLES else kind_of or "black"
            return clip_of(name or label, source=(Fraction(0), self.rate), duration=record, url=None, generator=label)
        if picture and self.property(service, "video_index") == "-1" and "avformat" in kind_of:
            return None
        if not picture and (kind_of in _STILLS or self.property(service, "audio_index") == "-1"):
            return None
        if not picture and self.property(service, "set.test_audio") == "1":
            return None
        if picture and self.property(service, "set.test_image") == "1":
            return None
        speed, first = Fraction(1), Fraction(entry.first + self.origin(service))
        if kind_of == "timewarp" or re.match(r"-?\d+(\.\d+)?:", resource):
            factor, _, rest = resource.partition(":")
            try:
                speed = exact_number(self.property(service, "warp_speed") or factor).limit_denominator(100_000)
            except (ValueError, ZeroDivisionError) as problem:
                raise TimelineError(f"{self.path}: {name!r} has the speed {factor[:20]!r}, no number.") from problem
            resource = self.property(service, "warp_resource") or rest
            name = name if not re.match(r"-?\d+(\.\d+)?:", name) else Path(rest).name
            first *= abs(speed)
            if speed < 0:
                # A reversed producer counts from its media's end.
                total = self.frame(self.property(service, "length"), entry.last + 1) * -speed
                first = total - first - entry.length * -speed
        if any(self.property(link, "mlt_service") == "timeremap" for link in service.findall("link")):
            self.warnings.append(f"The speed of {name!r} changes inside the clip; it is read at normal speed.")
        for filtered in (*service.findall("filter"), *(element.findall("filter") if element is not None else ())):
            if self.property(filtered, "mlt_service") == "freeze" and not self.property(filtered, "disable"):
                speed, first = Fraction(0), Fraction(self.frame(self.property(filtered, "frame"), 0))
        if kind_of in _STILLS:
            speed, first = Fraction(0), Fraction(0)
        if resource and self.folder and not re.match(r"(/|[A-Za-z]:[\\/]|\w+:)", resource):
            resource = f"{self.folder}/{resource}"
        whole = self.frame(self.property(service, "length"), 0)
        available = frame_range(0, whole, self.rate) if whole and kind_of not in _STILLS else None
        made = clip_of(
            name, source=(first, self.rate), duration=record, url=resource or None, available=available, speed=speed
        )
        made.markers.extend(self.clip_markers(service))
        return made

    # -- markers --------------------------------------------------------------------------------------------------

    def guides(self, tractor: "Element") -> list[Any]:
        """Kdenlive's guides and Shotcut's markers of the sequence."""
        texts = [self.property(tractor, "kdenlive:sequenceproperties.guides")]
        if not texts[0]:
            texts = [self.property(found, "kdenlive:docproperties.guides") for found in self.root.findall("playlist")]
        found = [made for text in texts for made in self.json_markers(text)]
        for group in tractor.iter("properties"):
            if group.get("name") == "shotcut:markers":
                for one in group.findall("properties"):
                    start = self.frame(self.property(one, "start"), 0)
                    end = self.frame(self.property(one, "end"), start)
                    found.append(marker(self.property(one, "text"), start, max(0, end - start), self.rate))
        return found

    def clip_markers(self, service: "Element") -> list[Any]:
        return self.json_markers(self.property(service, "kdenlive:markers"))

    def json_markers(self, text: str) -> list[Any]:
        if not text:
            return []
        try:
            entries = json.loads(text)
            found = []
            for entry in entries if isinstance(entries, list) else []:
                kind = int(entry.get("type", 0))
                colour = _GUIDE_COLOURS[kind] if 0 <= kind < len(_GUIDE_COLOURS) else ""
                found.append(
                    marker(
                        str(entry.get("comment", "")),
                        int(entry["pos"]),
                        int(entry.get("duration", 0)),
                        self.rate,
                        colour=colour,
                    )
                )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.warnings.append("Some markers of the project cannot be read; they are left out.")
            return []
        return found
