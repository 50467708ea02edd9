"""A new document of a picture, for an editor other than the one the timeline came from: music is then put into it.

Every format gets the shots on one picture track and, where it can be told in a line (FCP7 XML, MLT, Kdenlive), the
timeline's own sound on audio tracks. A clip whose speed was changed stands at its first frame and runs at its own
speed, dissolves become cuts, and what has no file (gaps, titles) becomes a gap: the document carries the music, and
the editor's own stays the original.
"""

import tempfile
import uuid
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from shotscore_engine.errors import MediaError
from shotscore_engine.picture import AudioSpan, Picture, Shot
from shotscore_engine.readers.aaf import opened
from shotscore_engine.timing import format_timecode, quantise

_NAMESPACE = uuid.UUID("0d3f4e0a-4f3e-4f6b-9a0e-2f3f3a0a6c55")
_SIZE = (1920, 1080)
_MIX = (
    '<property name="mlt_service">mix</property><property name="internal_added">237</property>'
    '<property name="always_active">1</property><property name="sum">1</property>'
)


def fcp7xml(picture: Picture) -> bytes:
    """Final Cut Pro 7 XML, as Premiere and Resolve read it."""
    rate = _fcp7_rate(picture.rate)
    files: dict[Path, str] = {}
    ends = _file_ends(picture)

    def item(span: Shot | AudioSpan, kind: str, number: int, channel: int = 0) -> str:
        path, first = _source(span, picture.rate)
        assert path is not None
        if path in files:
            file = f'<file id="{files[path]}"/>'
        else:
            files[path] = f"file-{len(files) + 1}"
            file = (
                f'<file id="{files[path]}"><name>{escape(path.name)}</name><pathurl>{escape(_url(path))}</pathurl>'
                f"{rate}<duration>{ends[path]}</duration><media><video/><audio><channelcount>2</channelcount></audio>"
                "</media></file>"
            )
        source = (
            f"<sourcetrack><mediatype>audio</mediatype><trackindex>{channel}</trackindex></sourcetrack>"
            if channel
            else ""
        )
        return (
            f'<clipitem id="{kind}-{number}"><name>{escape(span.name)}</name><enabled>TRUE</enabled>'
            f"<duration>{ends[path]}</duration>{rate}<start>{span.start_frame}</start>"
            f"<end>{span.start_frame + span.duration_frames}</end><in>{first}</in>"
            f"<out>{first + span.duration_frames}</out>{file}{source}</clipitem>\n"
        )

    shots = "".join(item(shot, "shot", shot.index) for shot in picture.shots if _source(shot, picture.rate)[0])
    sound = ""
    for number, (_, row) in enumerate(_audio_tracks(picture).items(), 1):
        for channel in (1, 2):
            items = "".join(item(s, f"audio-{number}-{channel}", n, channel) for n, s in enumerate(row, 1))
            sound += f"<track>\n{items}<outputchannelindex>{channel}</outputchannelindex></track>\n"
    form = "DF" if picture.drop_frame else "NDF"
    width, height = _size(picture)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE xmeml>
<xmeml version="5">
<sequence id="sequence-1">
<name>{escape(picture.name)}</name><duration>{picture.duration_frames}</duration>{rate}
<timecode>{rate}<string>{format_timecode(picture.start_frame, picture.rate, picture.drop_frame)}</string>\
<frame>{picture.start_frame}</frame><displayformat>{form}</displayformat></timecode>
<media>
<video>
<format><samplecharacteristics>{rate}<width>{width}</width><height>{height}</height></samplecharacteristics></format>
<track>
{shots}</track>
</video>
<audio>
{sound}</audio>
</media>
</sequence>
</xmeml>
""".encode()


def fcpxml(picture: Picture) -> bytes:
    """FCPXML 1.11: the shots as the primary storyline, gaps between them."""

    def time(frames: int | Fraction) -> str:
        seconds = Fraction(frames) / picture.rate
        return f"{seconds.numerator}/{seconds.denominator}s"

    ends = _file_ends(picture)
    heard = {span.media.path for span in picture.audio if span.media is not None}
    ids = {path: f"r{number}" for number, path in enumerate(ends, 2)}
    assets = "".join(
        f'<asset id="{ids[path]}" name={quoteattr(path.name)} start="0s" duration="{time(end)}" hasVideo="1" '
        f'format="r1"{" hasAudio=" + quoteattr("1") + " audioSources=" + quoteattr("1") if path in heard else ""}>'
        f'<media-rep kind="original-media" src={quoteattr(_url(path))}/></asset>\n'
        for path, end in ends.items()
    )
    story = ""
    for shot in picture.shots:
        path, first = _source(shot, picture.rate)
        at, length = time(picture.start_frame + shot.start_frame), time(shot.duration_frames)
        if path is None:
            story += f'<gap name={quoteattr(shot.name or "Gap")} offset="{at}" duration="{length}"/>\n'
        else:
            story += (
                f'<asset-clip ref="{ids[path]}" name={quoteattr(shot.name)} offset="{at}" start="{time(first)}" '
                f'duration="{length}"/>\n'
            )
    width, height = _size(picture)
    form = "DF" if picture.drop_frame else "NDF"
    begins, lasts = time(picture.start_frame), time(picture.duration_frames)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.11">
<resources>
<format id="r1" frameDuration="{time(1)}" width="{width}" height="{height}"/>
{assets}</resources>
<library><event name={quoteattr(picture.name)}><project name={quoteattr(picture.name)}>
<sequence format="r1" duration="{lasts}" tcStart="{begins}" tcFormat="{form}">
<spine>
{story}</spine>
</sequence>
</project></event></library>
</fcpxml>
""".encode()


def mlt(picture: Picture) -> bytes:
    """MLT XML as Shotcut writes it."""
    last = picture.duration_frames - 1
    sources = "".join(_producer(path, end) for path, end in _file_ends(picture).items())
    rows = [_playlist("playlist0", picture.shots, picture, '<property name="shotcut:video">1</property>', "V1")]
    tags = ['    <track producer="background"/>\n', '    <track producer="playlist0" hide="audio"/>\n']
    for number, (name, row) in enumerate(_audio_tracks(picture).items(), 1):
        mark = '<property name="shotcut:audio">1</property>'
        rows.append(_playlist(f"playlist{number}", row, picture, mark, name))
        tags.append(f'    <track producer="playlist{number}" hide="video"/>\n')
    mixes = "".join(
        f'    <transition id="transition{n}"><property name="a_track">0</property>'
        f'<property name="b_track">{n}</property><property name="mlt_service">mix</property>'
        '<property name="always_active">1</property>'
        '<property name="sum">1</property></transition>\n'
        for n in range(1, len(rows) + 1)
    )
    return f"""<?xml version="1.0" standalone="no"?>
<mlt LC_NUMERIC="C" version="7.12.0" title="Shotcut version 22.12.21" producer="tractor0">
  {_profile(picture)}
  <producer id="black" in="0" out="{last}"><property name="length">{last + 1}</property>{_colour("0")}</producer>
  <playlist id="background"><entry producer="black" in="0" out="{last}"/></playlist>
{sources}{"".join(rows)}  <tractor id="tractor0" title="Shotcut version 22.12.21" in="0" out="{last}">
    <property name="shotcut">1</property>
{"".join(tags)}{mixes}  </tractor>
</mlt>
""".encode()


def kdenlive(picture: Picture, version: str = "1.1") -> bytes:
    """A Kdenlive project: format 1.1 (since 23.04), or 1.04 for those before."""
    last = picture.duration_frames - 1
    own = f"{{{uuid.uuid5(_NAMESPACE, picture.name)}}}" if version == "1.1" else "tractor-sequence"
    ends = _file_ends(picture)
    sources = "".join(_producer(path, end, number) for number, (path, end) in enumerate(ends.items(), 4))
    bins = "".join(
        f'    <entry producer="{_producer_id(path)}" in="0" out="{end - 1}"/>\n' for path, end in ends.items()
    )
    audio = list(_audio_tracks(picture).items())
    # Kdenlive lists audio tracks first, the lowest of them in front, and the picture above.
    tracks: list[tuple[str, str, Sequence[Shot | AudioSpan], bool]] = [
        (f"audio{n}", name, row, True) for n, (name, row) in enumerate(reversed(audio))
    ]
    tracks.append(("video0", "V1", picture.shots, False))
    rows = "".join(_kdenlive_track(own_id, name, row, picture, is_audio) for own_id, name, row, is_audio in tracks)
    tags = "".join(f'    <track producer="{own_id}"/>\n' for own_id, *_ in tracks)
    mixes = ""
    for number, (*_, is_audio) in enumerate(tracks, 1):
        service = (
            _MIX if is_audio else _MIX.replace(">mix<", ">qtblend<").replace('<property name="sum">1</property>', "")
        )
        mixes += (
            f'    <transition id="transition{number}"><property name="a_track">0</property>'
            f'<property name="b_track">{number}</property>{service}</transition>\n'
        )
    form = {
        "version": version,
        "kdenliveversion": "23.04.0" if version == "1.1" else "22.12.3",
        **({"activetimeline": own, "uuid": own, "opensequences": own} if version == "1.1" else {}),
    }
    doc = "".join(f'    <property name="kdenlive:docproperties.{k}">{v}</property>\n' for k, v in form.items())
    sequence = f"""  <tractor id="{own}" in="0" out="{last}">
    <property name="kdenlive:uuid">{own}</property>
    <property name="kdenlive:clipname">Sequence 1</property>
    <property name="kdenlive:duration">{last + 1}</property>
    <property name="kdenlive:id">3</property>
    <property name="kdenlive:producer_type">17</property>
    <track producer="black_track"/>
{tags}{mixes}  </tractor>
"""
    entry = f'    <entry producer="{own}" in="0" out="0"/>\n' if version == "1.1" else ""
    bin_list = f"""  <playlist id="main_bin">
{doc}    <property name="xml_retain">1</property>
{entry}{bins}  </playlist>
"""
    project = f"""  <tractor id="tractor-project" in="0" out="{last}">
    <property name="kdenlive:projectTractor">1</property>
    <track producer="{own}" in="0" out="{last}"/>
  </tractor>
"""
    body = rows + sequence + bin_list + project if version == "1.1" else bin_list + rows + sequence
    return f"""<?xml version="1.0" encoding="utf-8"?>
<mlt LC_NUMERIC="C" producer="main_bin" version="7.12.0">
  {_profile(picture)}
  <producer id="black_track" in="0" out="{last}"><property name="length">{last + 1}</property>{_colour("black")}\
<property name="kdenlive:playlistid">black_track</property></producer>
{sources}{body}</mlt>
""".encode()


def aaf(picture: Picture) -> bytes:
    """An AAF composition of the picture, linked to its files."""
    with tempfile.TemporaryDirectory(prefix="shotscore-") as folder:
        path = Path(folder) / "document.aaf"
        with opened(path, "w") as file:
            _fill(file, picture)
        return path.read_bytes()


NEW: dict[str, Callable[[Picture], bytes]] = {
    "fcp7xml": fcp7xml,
    "fcpxml": fcpxml,
    "mlt": mlt,
    "kdenlive": kdenlive,
    "kdenlive-1.04": lambda picture: kdenlive(picture, "1.04"),
    "aaf": aaf,
}
"""What makes a new document, by format."""


# --- parts -------------------------------------------------------------------------------------------------------


def _source(span: Shot | AudioSpan, rate: Fraction) -> tuple[Path | None, int]:
    """The file and its first frame shown, counted at the picture's rate."""
    if span.media is None or span.media.path is None:
        return None, 0
    return span.media.path, max(0, quantise(span.media.start * rate))


def _file_ends(picture: Picture) -> dict[Path, int]:
    """Every file used, and how many of its frames are."""
    ends: dict[Path, int] = {}
    spans: list[Shot | AudioSpan] = [*picture.shots, *picture.audio]
    for span in spans:
        path, first = _source(span, picture.rate)
        if path is not None:
            ends[path] = max(ends.get(path, 0), first + span.duration_frames)
    return ends


def _audio_tracks(picture: Picture) -> dict[str, list[AudioSpan]]:
    """The timeline's own sound by track, without what has no file or overlaps."""
    tracks: dict[str, list[AudioSpan]] = {}
    for span in sorted(picture.audio, key=lambda s: s.start_frame):
        row = tracks.setdefault(span.track, [])
        if _source(span, picture.rate)[0] and (
            not row or row[-1].start_frame + row[-1].duration_frames <= span.start_frame
        ):
            row.append(span)
    return {name: row for name, row in tracks.items() if row}


def _size(picture: Picture) -> tuple[int, int]:
    """Width and height of the first file that can be read; full HD where none can."""
    from shotscore_engine.media import open_media

    for shot in picture.shots:
        if shot.media is None or shot.media.path is None or shot.media.offline:
            continue
        try:
            with open_media(shot.media.path) as container:
                if container.streams.video:
                    stream = container.streams.video[0]
                    return stream.width, stream.height
        except MediaError:
            continue
    return _SIZE


def _url(path: Path) -> str:
    return path.absolute().as_uri()


def _fcp7_rate(rate: Fraction) -> str:
    ntsc = "TRUE" if rate.denominator == 1001 else "FALSE"
    return f"<rate><timebase>{quantise(rate)}</timebase><ntsc>{ntsc}</ntsc></rate>"


def _profile(picture: Picture) -> str:
    width, height = _size(picture)
    shape = Fraction(width, height)
    return (
        f'<profile description="{width}x{height}" width="{width}" height="{height}" progressive="1" '
        'sample_aspect_num="1" sample_aspect_den="1" '
        f'display_aspect_num="{shape.numerator}" display_aspect_den="{shape.denominator}" '
        f'frame_rate_num="{picture.rate.numerator}" frame_rate_den="{picture.rate.denominator}" colorspace="709"/>'
    )


def _colour(name: str) -> str:
    return f'<property name="resource">{name}</property><property name="mlt_service">color</property>'


def _producer_id(path: Path) -> str:
    return f"media_{uuid.uuid5(_NAMESPACE, str(path)).hex[:12]}"


def _producer(path: Path, end: int, bin_id: int | None = None) -> str:
    own = ""
    if bin_id is not None:
        own = (
            f'    <property name="kdenlive:id">{bin_id}</property>\n'
            f'    <property name="kdenlive:clipname">{escape(path.name)}</property>\n'
        )
    return (
        f'  <producer id="{_producer_id(path)}" in="0" out="{end - 1}">\n'
        f'    <property name="length">{end}</property>\n'
        f'    <property name="resource">{escape(path.absolute().as_posix())}</property>\n'
        f'    <property name="mlt_service">avformat</property>\n{own}  </producer>\n'
    )


def _entries(row: Sequence[Shot | AudioSpan], picture: Picture) -> str:
    text, now = "", 0
    for span in row:
        path, first = _source(span, picture.rate)
        if path is None:
            continue
        if span.start_frame > now:
            text += f'    <blank length="{span.start_frame - now}"/>\n'
        out = first + span.duration_frames - 1
        text += f'    <entry producer="{_producer_id(path)}" in="{first}" out="{out}"/>\n'
        now = span.start_frame + span.duration_frames
    return text


def _playlist(own: str, row: Sequence[Shot | AudioSpan], picture: Picture, mark: str, name: str) -> str:
    label = f'<property name="shotcut:name">{escape(name)}</property>'
    return f'  <playlist id="{own}">\n    {mark}\n    {label}\n{_entries(row, picture)}  </playlist>\n'


def _kdenlive_track(own: str, name: str, row: Sequence[Shot | AudioSpan], picture: Picture, is_audio: bool) -> str:
    mark = '    <property name="kdenlive:audio_track">1</property>\n' if is_audio else ""
    hide = "video" if is_audio else "audio"
    return (
        f'  <playlist id="{own}_a">\n{mark}{_entries(row, picture)}  </playlist>\n'
        f'  <playlist id="{own}_b">\n{mark}  </playlist>\n'
        f'  <tractor id="{own}" in="0" out="{picture.duration_frames - 1}">\n{mark}'
        f'    <property name="kdenlive:track_name">{escape(name)}</property>\n'
        f'    <track hide="{hide}" producer="{own}_a"/>\n    <track hide="{hide}" producer="{own}_b"/>\n  </tractor>\n'
    )


def _fill(file: Any, picture: Picture) -> None:
    rate = picture.rate
    composition = file.create.CompositionMob(picture.name)
    composition.usage = "Usage_TopLevel"
    file.content.mobs.append(composition)
    slot = composition.create_timeline_slot(rate)
    timecode = file.create.Timecode(quantise(rate), picture.drop_frame)
    timecode.start, timecode.length = picture.start_frame, picture.duration_frames
    slot.segment = timecode
    masters: dict[Path, Any] = {}
    for path, end in _file_ends(picture).items():
        source = file.create.SourceMob(path.name)
        descriptor = file.create.ImportDescriptor()
        locator = file.create.NetworkLocator()
        locator["URLString"].value = _url(path)
        descriptor["Locator"].append(locator)
        source.descriptor = descriptor
        source.create_timeline_slot(rate, 1).segment = file.create.SourceClip(0, end, media_kind="picture")
        masters[path] = file.create.MasterMob(path.stem)
        masters[path].create_timeline_slot(rate, 1).segment = source.create_source_clip(1, 0, end, "picture")
        file.content.mobs.extend([source, masters[path]])
    slot = composition.create_timeline_slot(rate)
    slot.name = "V1"
    slot["PhysicalTrackNumber"].value = 1
    sequence = file.create.Sequence(media_kind="picture")
    slot.segment = sequence
    for shot in picture.shots:
        shown, first = _source(shot, rate)
        part = (
            file.create.Filler("picture", shot.duration_frames)
            if shown is None
            else masters[shown].create_source_clip(1, first, shot.duration_frames, "picture")
        )
        sequence.components.append(part)
    sequence.length = picture.duration_frames
