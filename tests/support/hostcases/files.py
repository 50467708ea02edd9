"""Timeline files, each format written by hand or by its own library, as an editor would save it."""

import json
import shutil
import tempfile
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import aaf2
import opentimelineio as otio
from shotscore_engine.readers import read_timeline
from shotscore_engine.timing import quantise
from shotscore_plugin import hosts
from shotscore_plugin.host import Host

from . import FRAMES, RECUT_FRAMES, RECUT_FROM, Edit

Row = tuple[str, int, int, int]
"""Media, first frame on the timeline, frames, first frame of the media."""
TRACKS: tuple[tuple[str, str, tuple[Row, ...]], ...] = (
    ("V1", "Video", (("a", 0, 100, 0), ("b", 100, 100, 10), ("c", 200, 100, 0))),
    ("V2", "Video", (("d", 120, 30, 5),)),
    ("V3", "Video", (("e", 220, 20, 0),)),
    ("A1", "Audio", (("speech", 0, FRAMES, 0),)),
)


def recut_tracks() -> tuple[tuple[str, str, tuple[Row, ...]], ...]:
    """The tracks with frames taken out."""
    tracks = []
    for name, kind, rows in TRACKS:
        kept: list[Row] = []
        for media, start, frames, source in rows:
            first, last = RECUT_FROM, RECUT_FROM + RECUT_FRAMES
            before = min(start + frames, first) - start
            if before > 0:
                kept.append((media, start, before, source))
            after = start + frames - max(start, last)
            if after > 0:
                begin = max(start, last)
                kept.append((media, begin - RECUT_FRAMES if begin >= last else begin, after, source + begin - start))
        tracks.append((name, kind, tuple(kept)))
    return tuple(tracks)


def otio_text(edit: Edit, tracks: Sequence[tuple[str, str, tuple[Row, ...]]], folder: Path) -> bytes:
    number = float(edit.rate)

    def span(start: int, frames: int) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(start, number), otio.opentime.RationalTime(frames, number)
        )

    timeline = otio.schema.Timeline("Film", global_start_time=otio.opentime.RationalTime(edit.start_frame, number))
    for name, kind, rows in tracks:
        track, now = otio.schema.Track(name, kind=kind), 0
        for media, start, frames, source in rows:
            if start > now:
                track.append(otio.schema.Gap(source_range=span(0, start - now)))
            reference = otio.schema.ExternalReference((folder / f"{media}.mov").as_uri(), span(0, 1000))
            track.append(otio.schema.Clip(media, reference, span(source, frames)))
            now = start + frames
        timeline.tracks.append(track)
    return str(otio.adapters.write_to_string(timeline, "otio_json")).encode()


def fcp7_text(edit: Edit, tracks: Sequence[tuple[str, str, tuple[Row, ...]]], folder: Path) -> bytes:
    ntsc = "TRUE" if edit.rate.denominator == 1001 else "FALSE"
    speed = f"<rate><timebase>{quantise(edit.rate)}</timebase><ntsc>{ntsc}</ntsc></rate>"
    form = "DF" if edit.drop_frame else "NDF"
    parts = {"Video": "", "Audio": ""}
    for number, (name, kind, rows) in enumerate(tracks):
        items = "".join(
            f'<clipitem id="{name}-{media}-{start}"><name>{media}</name><duration>1000</duration>{speed}'
            f"<start>{start}</start><end>{start + frames}</end><in>{source}</in><out>{source + frames}</out>"
            f'<file id="f{number}{media}{start}"><name>{media}.mov</name>'
            f"<pathurl>{(folder / f'{media}.mov').as_uri()}</pathurl>{speed}<duration>1000</duration></file></clipitem>"
            for media, start, frames, source in rows
        )
        parts[kind] += f"<track>{items}</track>\n"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n<xmeml version="5">\n<sequence id="s1">'
        f"<name>Film</name>{speed}<timecode>{speed}<frame>{edit.start_frame}</frame>"
        f"<displayformat>{form}</displayformat></timecode>\n<media>\n<video>{parts['Video']}</video>\n"
        f"<audio>{parts['Audio']}</audio>\n</media></sequence>\n</xmeml>\n"
    ).encode()


def fcpxml_text(edit: Edit, tracks: Sequence[tuple[str, str, tuple[Row, ...]]], folder: Path) -> bytes:
    def time(frames: int) -> str:
        seconds = Fraction(frames) / edit.rate
        return f"{seconds.numerator}/{seconds.denominator}s"

    first = edit.start_frame
    media = sorted({row[0] for _, _, rows in tracks for row in rows})
    assets = "".join(
        f'<asset id="m{name}" name="{name}" start="0s" duration="{time(1000)}" hasAudio="1" hasVideo="1" format="r1">'
        f'<media-rep kind="original-media" src="{(folder / f"{name}.mov").as_uri()}"/></asset>\n'
        for name in media
    )
    spine = ""
    for name, start, frames, source in tracks[0][2]:
        inside = ""
        for lane, (_, kind, rows) in enumerate(tracks[1:], 1):
            number = lane if kind == "Video" else -1
            for other, begin, length, at in rows:
                if start <= begin < start + frames:
                    at_parent = time(source + begin - start)
                    inside += (
                        f'<asset-clip ref="m{other}" name="{other}" lane="{number}" offset="{at_parent}"'
                        f' start="{time(at)}" duration="{time(length)}"'
                        f"{'' if kind == 'Video' else ' srcEnable=' + chr(34) + 'audio' + chr(34)}/>"
                    )
        spine += (
            f'<asset-clip ref="m{name}" name="{name}" offset="{time(first + start)}" start="{time(source)}" '
            f'duration="{time(frames)}" srcEnable="video">{inside}</asset-clip>\n'
        )
    length = sum(row[2] for row in tracks[0][2])
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n<fcpxml version="1.11"><resources>'
        f'<format id="r1" frameDuration="{time(1)}" width="1920" height="1080"/>\n{assets}</resources>'
        f'<library><event name="E"><project name="Film"><sequence format="r1" duration="{time(length)}" '
        f'tcStart="{time(first)}" tcFormat="{"DF" if edit.drop_frame else "NDF"}"><spine>\n{spine}</spine></sequence>'
        f"</project></event></library></fcpxml>\n"
    ).encode()


def mlt_text(edit: Edit, tracks: Sequence[tuple[str, str, tuple[Row, ...]]], folder: Path) -> bytes:
    length = sum(row[2] for row in tracks[0][2])
    producers, playlists, references, mixes = "", "", "", ""
    for number, (name, kind, rows) in enumerate(tracks):
        entries, now = "", 0
        for media, start, frames, source in rows:
            own = f"{name}_{media}_{start}"
            producers += (
                f'  <producer id="{own}" in="0" out="999"><property name="length">1000</property>'
                f'<property name="resource">{folder / f"{media}.mov"}</property>'
                '<property name="mlt_service">avformat</property></producer>\n'
            )
            if start > now:
                entries += f'    <blank length="{start - now}"/>\n'
            entries += f'    <entry producer="{own}" in="{source}" out="{source + frames - 1}"/>\n'
            now = start + frames
        mark = f'<property name="shotcut:{kind.lower()}">1</property><property name="shotcut:name">{name}</property>'
        playlists += f'  <playlist id="list{number}">\n    {mark}\n{entries}  </playlist>\n'
        hide = ' hide="video"' if kind == "Audio" else ""
        references += f'    <track producer="list{number}"{hide}/>\n'
        mixes += (
            f'    <transition><property name="a_track">0</property><property name="b_track">{number + 1}</property>'
            '<property name="mlt_service">mix</property></transition>\n'
        )
    rate = edit.rate
    return (
        f'<?xml version="1.0" standalone="no"?>\n<mlt LC_NUMERIC="C" version="7.12.0" title="Shotcut version 22.12.21" '
        f'producer="tractor0">\n  <profile width="320" height="180" progressive="1" '
        f'frame_rate_num="{rate.numerator}" frame_rate_den="{rate.denominator}"/>\n'
        f'  <producer id="black" in="0" out="{length - 1}"><property name="resource">black</property>'
        f'<property name="mlt_service">color</property></producer>\n'
        f'  <playlist id="background"><entry producer="black" in="0" out="{length - 1}"/></playlist>\n'
        f'{producers}{playlists}  <tractor id="tractor0" in="0" out="{length - 1}">\n'
        '    <property name="shotcut">1</property>\n    <track producer="background"/>\n'
        f"{references}{mixes}  </tractor>\n</mlt>\n"
    ).encode()


def aaf_bytes(edit: Edit, tracks: Sequence[tuple[str, str, tuple[Row, ...]]], folder: Path) -> bytes:
    """A composition with its media in no folder of the test's: pyaaf2 is slow, so it makes each only once."""
    del folder
    return _aaf(edit, tuple(tracks))


@lru_cache
def _aaf(edit: Edit, tracks: tuple[tuple[str, str, tuple[Row, ...]], ...]) -> bytes:
    folder = Path(tempfile.mkdtemp(prefix="shotscore-aaf-"))
    path = folder / "made.aaf"
    with aaf2.open(str(path), "w") as file:
        composition = file.create.CompositionMob("Film")
        composition.usage = "Usage_TopLevel"
        file.content.mobs.append(composition)
        slot = composition.create_timeline_slot(edit.rate)
        timecode = file.create.Timecode(quantise(edit.rate), edit.drop_frame)
        timecode.start, timecode.length = edit.start_frame, FRAMES
        slot.segment = timecode
        for name, kind, rows in tracks:
            media_kind = "picture" if kind == "Video" else "sound"
            slot = composition.create_timeline_slot(edit.rate)
            slot.name = name
            sequence, now = file.create.Sequence(media_kind=media_kind), 0
            slot.segment = sequence
            for media, start, frames, source_start in rows:
                source = file.create.SourceMob(media)
                descriptor = file.create.ImportDescriptor()
                locator = file.create.NetworkLocator()
                locator["URLString"].value = (folder / f"{media}.mov").as_uri()
                descriptor["Locator"].append(locator)
                source.descriptor = descriptor
                inner = source.create_timeline_slot(edit.rate, 1)
                inner.segment = file.create.SourceClip(0, 1000, media_kind=media_kind)
                master = file.create.MasterMob(media)
                inner = master.create_timeline_slot(edit.rate, 1)
                inner.segment = source.create_source_clip(1, 0, 1000, media_kind)
                file.content.mobs.extend([source, master])
                if start > now:
                    sequence.components.append(file.create.Filler(media_kind, start - now))
                sequence.components.append(master.create_source_clip(1, source_start, frames, media_kind))
                now = start + frames
            sequence.length = now
    data = path.read_bytes()
    shutil.rmtree(folder)
    return data


@lru_cache(maxsize=2)
def _timeline(path: Path, data: bytes) -> otio.schema.Timeline:
    """The timeline in a file that holds `data`."""
    del data
    return read_timeline(path)


@lru_cache(maxsize=2)
def _aaf_snapshot(path: Path, data: bytes) -> Hashable:
    with aaf2.open(str(path)) as file:
        mobs = frozenset(str(mob.mob_id) for mob in file.content.mobs)
    return mobs, otio.adapters.write_to_string(_timeline(path, data).tracks, "otio_json")


@dataclass(frozen=True)
class FileCase:
    """A format of `hosts/files.py`."""

    suffix: str
    write: Callable[[Edit, Sequence[tuple[str, str, tuple[Row, ...]]], Path], bytes]
    start_timecode: bool = True
    exact: bool = True
    """Taking the music out gives the same bytes."""

    def make(self, folder: Path, edit: Edit) -> Path:
        project = folder / f"film{self.suffix}"
        project.write_bytes(self.write(edit, TRACKS, folder))
        (folder / "edit.json").write_text(json.dumps([f"{edit.rate}", edit.drop_frame, edit.start_frame]))
        return project

    def open(self, project: Path) -> Host:
        return hosts.program("files").open(project)

    def recut(self, project: Path) -> None:
        rate, drop, start = json.loads((project.parent / "edit.json").read_text())
        project.write_bytes(self.write(Edit(Fraction(rate), drop, start), recut_tracks(), project.parent))

    def snapshot(self, project: Path) -> Hashable:
        if self.exact:
            return project.read_bytes()
        return _aaf_snapshot(project, project.read_bytes())

    def layout(self, project: Path) -> list[tuple[str, tuple[tuple[int, int], ...]]]:
        timeline = _timeline(project, project.read_bytes())
        return [
            (
                track.name,
                tuple(
                    (quantise(at.start_time.value), quantise(at.duration.value))
                    for clip in track.find_clips()
                    for at in [clip.transformed_time_range(clip.trimmed_range(), timeline.tracks)]
                ),
            )
            for track in timeline.tracks
        ]


CASES = {
    "files-otio": FileCase(".otio", otio_text),
    "files-fcp7": FileCase(".xml", fcp7_text),
    "files-fcpxml": FileCase(".fcpxml", fcpxml_text),
    "files-mlt": FileCase(".mlt", mlt_text, start_timecode=False),
    "files-aaf": FileCase(".aaf", aaf_bytes, exact=False),
}
