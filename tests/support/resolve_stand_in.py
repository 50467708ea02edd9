"""DaVinci Resolve's documented scripting API, played by a stand-in with the traps its users report.

It is no proof that the real program works. It holds a host to what is known of it: methods a version lacks are None,
clips that would overlap are dropped while an item is returned, frames must be whole, `recordFrame` counts from
midnight and markers from the timeline's start, new tracks are mono, known files are not imported again and stay as long
as they were, an export can say yes and write nothing.
"""

# ruff: noqa: N802 - the names are the API's

import wave
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import opentimelineio as otio
from shotscore_engine.timing import format_timecode


class Thing:
    """What the API hands out: whatever it lacks is None."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


@dataclass(eq=False)
class Media(Thing):
    """A media pool item."""

    path: Path
    frames: int
    third_party: dict[str, str] = field(default_factory=dict)

    def GetName(self) -> str:
        return self.path.name

    def GetClipProperty(self, name: str = "") -> Any:
        return {"File Path": str(self.path), "Frames": str(self.frames)}.get(name, "")

    def SetThirdPartyMetadata(self, kind: str, value: str) -> bool:
        self.third_party[kind] = value
        return True

    def GetThirdPartyMetadata(self, kind: str = "") -> Any:
        return self.third_party.get(kind, "") if kind else dict(self.third_party)


@dataclass(eq=False)
class Item(Thing):
    """A timeline item; frames count from midnight."""

    media: Media
    start: int
    frames: int
    left: int

    def GetName(self) -> str:
        return self.media.GetName()

    def GetStart(self) -> int:
        return self.start

    def GetEnd(self) -> int:
        return self.start + self.frames

    def GetDuration(self) -> int:
        return self.frames

    def GetLeftOffset(self) -> int:
        return self.left

    def GetMediaPoolItem(self) -> Media:
        return self.media


@dataclass(eq=False)
class Track:
    name: str
    kind: str = "mono"
    items: list[Item] = field(default_factory=list)


@dataclass(eq=False)
class Folder(Thing):
    """A bin."""

    name: str
    clips: list[Media] = field(default_factory=list)
    folders: list["Folder"] = field(default_factory=list)

    def GetName(self) -> str:
        return self.name

    def GetClipList(self) -> list[Media]:
        return list(self.clips)

    def GetSubFolderList(self) -> list["Folder"]:
        return list(self.folders)

    def everything(self) -> list[Media]:
        return [*self.clips, *(clip for folder in self.folders for clip in folder.everything())]


@dataclass(eq=False)
class Timeline(Thing):
    """The Edit page's timeline."""

    name: str
    rate: Fraction
    drop: bool
    start: int
    tracks: dict[str, list[Track]] = field(default_factory=lambda: {"video": [], "audio": []})
    markers: dict[int, dict[str, Any]] = field(default_factory=dict)
    exports: bool = True

    def GetName(self) -> str:
        return self.name

    def GetUniqueId(self) -> str:
        return f"id-{self.name}"

    def GetStartFrame(self) -> int:
        return self.start

    def GetSetting(self, name: str) -> str:
        rates = {Fraction(24000, 1001): "23.976", Fraction(30000, 1001): "29.97", Fraction(60000, 1001): "59.94"}
        rate = rates.get(self.rate, f"{float(self.rate):g}")
        return {"timelineFrameRate": rate, "timelineDropFrameTimecode": "1" if self.drop else "0"}.get(name, "")

    def GetCurrentTimecode(self) -> str:
        return format_timecode(self.start + 42, self.rate, self.drop)

    def GetMarkInOut(self) -> dict[str, dict[str, int]]:
        return {"video": {"in": 10, "out": 99}}

    def GetTrackCount(self, kind: str) -> int:
        return len(self.tracks[kind])

    def GetTrackName(self, kind: str, index: int) -> str:
        return self.tracks[kind][index - 1].name

    def SetTrackName(self, kind: str, index: int, name: str) -> bool:
        self.tracks[kind][index - 1].name = name
        return True

    def GetTrackSubType(self, kind: str, index: int) -> str:
        return self.tracks[kind][index - 1].kind

    def AddTrack(self, kind: str, options: Any = None) -> bool:
        how = options.get("audioType", "mono") if isinstance(options, dict) else options or "mono"
        self.tracks[kind].append(Track(f"{kind.title()} {len(self.tracks[kind]) + 1}", how))
        return True

    def DeleteTrack(self, kind: str, index: int) -> bool:
        del self.tracks[kind][index - 1]
        return True

    def GetItemListInTrack(self, kind: str, index: int) -> list[Item]:
        return sorted(self.tracks[kind][index - 1].items, key=lambda item: item.start)

    def DeleteClips(self, items: list[Item], ripple: bool = False) -> bool:
        assert not ripple
        for rows in self.tracks.values():
            for track in rows:
                track.items = [item for item in track.items if item not in items]
        return True

    def AddMarker(self, frame: int, colour: str, name: str, note: str, frames: int, data: str = "") -> bool:
        if frame in self.markers or frame < 0:
            return False
        self.markers[frame] = {"color": colour, "name": name, "note": note, "duration": frames, "customData": data}
        return True

    def GetMarkers(self) -> dict[int, dict[str, Any]]:
        return {frame: dict(marker) for frame, marker in self.markers.items()}

    def DeleteMarkerByCustomData(self, data: str) -> bool:
        found = [frame for frame, marker in self.markers.items() if marker["customData"] == data]
        for frame in found[:1]:
            del self.markers[frame]
        return bool(found)

    def Export(self, path: str, kind: Any, sub: Any) -> bool:
        assert (kind, sub) == (Resolve.EXPORT_OTIO, Resolve.EXPORT_NONE)
        if self.exports:
            otio.adapters.write_to_file(self.as_otio(), path, "otio_json")
        return True

    def as_otio(self) -> otio.schema.Timeline:
        # Resolve writes rates with few digits.
        rate = round(float(self.rate), 3)

        def span(start: int, frames: int) -> otio.opentime.TimeRange:
            return otio.opentime.TimeRange(
                otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(frames, rate)
            )

        made = otio.schema.Timeline(self.name, global_start_time=otio.opentime.RationalTime(self.start, rate))
        for kind in ("video", "audio"):
            for row in self.tracks[kind]:
                track, now = otio.schema.Track(row.name, kind=kind.title()), self.start
                for item in sorted(row.items, key=lambda item: item.start):
                    if item.start > now:
                        track.append(otio.schema.Gap(source_range=span(0, item.start - now)))
                    reference = otio.schema.ExternalReference(item.media.path.as_uri(), span(0, item.media.frames))
                    track.append(otio.schema.Clip(item.GetName(), reference, span(item.left, item.frames)))
                    now = item.start + item.frames
                made.tracks.append(track)
        return made


@dataclass(eq=False)
class MediaPool(Thing):
    project: "Project"
    root: Folder = field(default_factory=lambda: Folder("Master"))
    current: Folder | None = None

    def GetRootFolder(self) -> Folder:
        return self.root

    def GetCurrentFolder(self) -> Folder:
        return self.current or self.root

    def SetCurrentFolder(self, folder: Folder) -> bool:
        self.current = folder
        return True

    def AddSubFolder(self, folder: Folder, name: str) -> Folder:
        made = Folder(name)
        folder.folders.append(made)
        return made

    def DeleteFolders(self, folders: list[Folder]) -> bool:
        self.root.folders = [folder for folder in self.root.folders if folder not in folders]
        return True

    def DeleteClips(self, clips: list[Media]) -> bool:
        for folder in (self.root, *self.root.folders):
            folder.clips = [clip for clip in folder.clips if clip not in clips]
        return True

    def ImportMedia(self, paths: list[str]) -> list[Media]:
        known = {clip.path for clip in self.root.everything()}
        rate = self.project.timeline.rate
        new = []
        for path in map(Path, paths):
            if path in known or not path.is_file():
                continue
            with wave.open(str(path)) as file:
                seconds = Fraction(file.getnframes(), file.getframerate())
            new.append(Media(path, -(-seconds * rate // 1)))
        self.GetCurrentFolder().clips += new
        return new

    def AppendToTimeline(self, infos: list[dict[str, Any]]) -> list[Item] | None:
        made = []
        for info in infos:
            numbers = [info[key] for key in ("startFrame", "endFrame", "recordFrame", "trackIndex")]
            if not all(isinstance(number, int) for number in numbers):
                return None
            first, last, at, index = numbers
            timeline, media = self.project.timeline, info["mediaPoolItem"]
            last = min(last + (1 if self.project.resolve.end_included else 0), media.frames)
            item = Item(media, at, last - first, first)
            rows = timeline.tracks["audio" if info.get("mediaType") == 2 else "video"]
            if not 1 <= index <= len(rows):
                return None
            track = rows[index - 1]
            if not any(other.start < at + item.frames and at < other.GetEnd() for other in track.items):
                track.items.append(item)
            made.append(item)  # also where it was dropped
        return made


@dataclass(eq=False)
class Project(Thing):
    resolve: "Resolve"
    timeline: Timeline
    open: bool = True

    def __post_init__(self) -> None:
        self.pool = MediaPool(self)

    def GetName(self) -> str:
        return "Film: the project"

    def GetCurrentTimeline(self) -> Timeline | None:
        return self.timeline if self.open else None

    def SetCurrentTimeline(self, timeline: Timeline) -> bool:
        self.timeline = timeline
        return True

    def GetMediaPool(self) -> MediaPool:
        return self.pool


@dataclass(eq=False)
class Manager(Thing):
    project: Project
    exports: bool = True

    def GetCurrentProject(self) -> Project:
        return self.project

    def SaveProject(self) -> bool:
        return True

    def ExportProject(self, name: str, path: str, stills: bool = True) -> bool:
        assert name == self.project.GetName()
        assert not stills
        if self.exports:
            Path(path).write_bytes(b"a project of Resolve's")
        return self.exports


@dataclass(eq=False)
class Resolve(Thing):
    """The program with one project open."""

    end_included: bool = False
    """Version 18 and older."""
    EXPORT_OTIO = 13.0
    EXPORT_NONE = -1.0

    def open(self, timeline: Timeline) -> Project:
        self.project = Project(self, timeline)
        self.manager = Manager(self.project)
        return self.project

    def GetProjectManager(self) -> Manager:
        return self.manager
