"""Edit decision lists, CMX 3600.

Our own reader: the published adapter refuses lists whose source and record sides differ in length, needs to be told
the rate, and drops audio of mixed events. What an EDL is: a line an event,

    002  A001C003 V     D    024 01:00:10:00 01:00:12:00 01:00:02:00 01:00:04:00
    num  reel     track kind len source in   source out  record in   record out

`C` cuts, `D` dissolves and `W` wipes from what was there, beginning at the record in and lasting `len` frames; `BL` is
black; `M2` lines hold a reel's speed in frames a second; `*` lines are comments, some with agreed meanings.
An EDL does not carry its frame rate: it is taken from the timecodes (drop-frame, the largest frame number) and said so.
"""

import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError, TimelineError
from ..timing import exact_number, parse_timecode, quantise, rate_text
from .common import TrackBuilder, clip_of, frames, marker, note, read_bounded

if TYPE_CHECKING:
    import opentimelineio as otio

_TIME = r"\d{1,2}:\d{2}:\d{2}[:;.]\d{2}"
_EVENT = re.compile(rf"\s*(\d+)\s+(.+?)\s+({_TIME})\s*({_TIME})\s*({_TIME})\s*({_TIME})\s*")
_EDIT = re.compile(
    r"(?P<reel>.*?)\s+(?P<tracks>\S+)\s+(?P<kind>C|D|W\d*|KB?|K\s+[BO](?:\s*\(F\))?|KO)(?:\s+(?P<len>\d{1,9}))?"
)
_SPEED = re.compile(rf"\s*M2\s+(?P<reel>.*?)\s+(?P<fps>[-+]?\d+(?:\.\d+)?)(?:\s+(?P<at>{_TIME}))?\s*")
_NOTE = re.compile(r"\s*\*\s*([A-Z][A-Z /_-]*?)\s*:\s*(.*)")
_LOCATOR = re.compile(rf"({_TIME})\s*(\w+)?\s*(.*)")


@dataclass
class _Event:
    number: str
    reel: str
    tracks: str
    kind: str
    length: int
    source: tuple[str, str]
    record: tuple[str, str]
    fps: Fraction | None = None
    name: str = ""
    to_name: str = ""
    file: str = ""
    freeze: bool = False

    @property
    def video(self) -> str | None:
        """The video track it is on: V, V2, … or None."""
        letters = self.tracks.upper()
        if letters in ("B", "BOTH"):
            return "V"
        found = re.search(r"V\d*", letters)
        if found:
            return "V" if found[0] == "V1" else found[0]
        return None if re.search(r"A|\d|NONE", letters) else "V"

    @property
    def audio(self) -> list[str]:
        letters = self.tracks.upper()
        if letters in ("B", "BOTH"):
            return ["A1"]
        found: list[str] = []
        for part in re.findall(r"AA|A\d*", letters):
            found += ["A1", "A2"] if part == "AA" else [part if len(part) > 1 else "A1"]
        return found


@dataclass
class _List:
    title: str = ""
    drop: bool = False
    events: list[_Event] = field(default_factory=list)
    locators: list[tuple[str, str, str]] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)


def read(path: Path, rate: Fraction | None = None) -> "otio.schema.Timeline":
    """The list as a timeline that begins at its first event; `rate` overrides what the timecodes suggest.

    Raises TimelineError where it holds no event, or timecodes that make no sense.
    """
    listed = _parse(_text(read_bounded(path)))
    if not listed.events:
        raise TimelineError(f"{path} holds no event of a CMX 3600 list; export the EDL again.")
    warnings: list[str] = []
    if rate is None:
        rate = _guess_rate(listed)
        warnings.append(f"An EDL does not carry its frame rate; its timecodes suggest {rate_text(rate)}.")
    if listed.unread:
        where = ", ".join(str(line) for line in listed.unread[:6])
        warnings.append(f"{len(listed.unread)} lines of the EDL are no events Shotscore knows (line {where}).")
    try:
        return _build(listed, rate, path, warnings)
    except InputError as problem:
        raise TimelineError(f"{path} cannot be read at {rate_text(rate)} frames a second: {problem}") from problem


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _parse(text: str) -> _List:
    listed = _List()
    group: list[_Event] = []
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped:
            continue
        upper = stripped.upper()
        if upper.startswith("TITLE:"):
            listed.title = stripped[6:].strip()
        elif upper.startswith("FCM:"):
            listed.drop = listed.drop or ("DROP" in upper and "NON" not in upper)
        elif matched := _EVENT.fullmatch(line):
            edit = _EDIT.fullmatch(matched[2])
            if not edit:
                listed.unread.append(number)
                continue
            event = _Event(
                matched[1],
                edit["reel"],
                edit["tracks"],
                edit["kind"][0],
                int(edit["len"] or 0),
                (matched[3], matched[4]),
                (matched[5], matched[6]),
            )
            group = [*group, event] if group and group[-1].number == event.number else [event]
            listed.events.append(event)
        elif speed := _SPEED.fullmatch(line):
            same = [event for event in group if event.reel == speed["reel"]] or group
            try:
                fps = exact_number(speed["fps"])
            except ValueError:
                listed.unread.append(number)
                continue
            if same:
                same[-1].fps = fps
        elif stripped.startswith("*"):
            _comment(stripped, group, listed)
        elif re.match(r"\d+\s", stripped):
            listed.unread.append(number)
    return listed


def _comment(line: str, group: list[_Event], listed: _List) -> None:
    if not group:
        return
    if "FREEZE FRAME" in line.upper():
        group[-1].freeze = True
    matched = _NOTE.fullmatch(line)
    if not matched:
        return
    key, value = matched[1].upper(), matched[2].strip()
    if key == "FROM CLIP NAME":
        group[0].name = value
    elif key == "TO CLIP NAME":
        group[-1].to_name = value
    elif key in ("FROM CLIP", "MEDIA", "FROM FILE", "SOURCE FILE PATH"):
        group[0].file = value
    elif key == "TO CLIP":
        group[-1].file = value
    elif key == "LOC" and (found := _LOCATOR.fullmatch(value)):
        listed.locators.append((found[1], found[2] or "", found[3].strip()))


def _guess_rate(listed: _List) -> Fraction:
    times = [time for event in listed.events for time in (*event.source, *event.record)]
    largest = max(int(re.split("[:;.]", time)[3]) for time in times)
    if listed.drop or any(";" in time for time in times):
        return Fraction(30000, 1001) if largest < 30 else Fraction(60000, 1001)
    for limit, rate in ((24, 24), (25, 25), (30, 30), (50, 50)):
        if largest < limit:
            return Fraction(rate)
    return Fraction(60)


def _build(listed: _List, rate: Fraction, path: Path, warnings: list[str]) -> "otio.schema.Timeline":
    import opentimelineio as otio

    def at(text: str) -> int:
        # With FCM: DROP FRAME the timecodes count so, whichever mark stands before their frames.
        drop = listed.drop and quantise(rate) % 30 == 0 and rate.denominator == 1001
        return parse_timecode(f"{text[:-3]}{';' if drop else text[-3]}{text[-2:]}", rate)

    tracks: dict[str, list[_Event]] = {}
    for event in listed.events:
        if event.video:
            tracks.setdefault(event.video, []).append(event)
        for name in event.audio:
            tracks.setdefault(name, []).append(event)
    placed = [event for event in listed.events if at(event.record[1]) > at(event.record[0])]
    if not placed:
        raise TimelineError(f"{path} holds only events without length; export the EDL again.")
    begin = min(at(event.record[0]) for event in placed)
    timeline = otio.schema.Timeline(name=listed.title or path.stem, global_start_time=frames(begin, rate))
    order = sorted(tracks, key=lambda name: (name[0] != "V", int(name[1:] or 1)))
    for name in order:
        kind = otio.schema.TrackKind.Video if name[0] == "V" else otio.schema.TrackKind.Audio
        builder = TrackBuilder(name, kind, rate, warnings)
        for event in sorted(tracks[name], key=lambda event: at(event.record[0])):
            start, end = (at(text) - begin for text in event.record)
            if end < start:
                raise TimelineError(f"{path}: event {event.number} ends before it begins; export the EDL again.")
            if event.kind in "DW" and event.length:
                builder.transition(start, start, start + min(event.length, max(0, end - start)), event.kind)
            if end > start:
                _place(builder, event, start, end - start, at(event.source[0]), at(event.source[1]), rate, warnings)
        timeline.tracks.append(builder.track)
    for time, colour, text in listed.locators:
        timeline.tracks.markers.append(marker(text, at(time) - begin, 1, rate, colour=colour))
    dropped = listed.drop or any(";" in text for event in listed.events for text in event.record)
    return note(timeline, rate=rate, drop_frame=dropped, warnings=warnings)


def _place(
    builder: TrackBuilder,
    event: _Event,
    start: int,
    duration: int,
    source_in: int,
    source_out: int,
    rate: Fraction,
    warnings: list[str],
) -> None:
    import opentimelineio as otio

    if event.reel.upper() in ("BL", "BLACK"):
        gap = otio.schema.Gap(source_range=otio.opentime.TimeRange(frames(0, rate), frames(duration, rate)))
        builder.add(start, gap, duration)
        return
    name = (event.to_name if event.kind in "DW" and event.to_name else event.name) or event.to_name or event.reel
    speed = Fraction(1)
    if event.freeze:
        speed = Fraction(0)
    elif event.fps is not None:
        speed = (event.fps / quantise(rate)).limit_denominator(1000)
    elif source_out - source_in != duration and source_out != source_in:
        warnings.append(
            f"Event {event.number} uses {source_out - source_in} source frames for {duration} of record without a "
            "speed; the record side stands."
        )
    first = Fraction(source_in)
    if speed < 0:
        first += -speed - duration * -speed  # the source in is the frame shown first
    if event.reel.upper() in ("BARS", "SMPTEBARS", "COLORBARS"):
        clip = clip_of(name, source=(first, rate), duration=(duration, rate), url=None, generator="SMPTEBars")
    else:
        clip = clip_of(name, source=(first, rate), duration=(duration, rate), url=event.file or None, speed=speed)
    clip.metadata["cmx_3600"] = {"reel": event.reel, "event": event.number}
    builder.add(start, clip, duration)
