"""Final Cut Pro 7 XML (xmeml), which Premiere, Resolve and many others read and write.

A track of this format is mono. A stereo stem is two tracks with linked clips, marked as the two halves of one stereo
track the way Premiere writes them (`premiereTrackType`, `currentExplodedTrackIndex`), so that Premiere shows one
track and others show a linked pair. New tracks follow the existing audio tracks; nothing else changes.
"""

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from xml.sax.saxutils import escape

from shotscore_engine.atomic import replace_file
from shotscore_engine.errors import TimelineError
from shotscore_engine.timing import quantise, rate_text

from . import edits
from .edits import Edit, Element
from .placement import Placement, StemClip, tracks_of


def insert(data: bytes, clips: Sequence[StemClip], placement: Placement) -> bytes:
    """The document with the music on new tracks of its first sequence; music put in before is replaced.

    Raises TimelineError where it is no xmeml, holds no sequence, or runs at another rate.
    """
    data = remove(data)
    root = edits.parse(data, ("xmeml",), "Final Cut Pro 7 XML")
    sequences = root.find_all("sequence")
    media = sequences[0].child("media") if sequences else None
    if not sequences or media is None:
        raise TimelineError("The Final Cut Pro 7 XML holds no sequence with media; export it from the editor again.")
    rate = _rate(sequences[0])
    if rate != placement.rate:
        raise TimelineError(
            f"The sequence runs at {rate_text(rate)} frames per second and the music at {rate_text(placement.rate)}; "
            "score it at its own rate."
        )
    audio = media.child("audio")
    existing = [child for child in audio.children if child.tag == "track"] if audio else []
    text = "".join(_tracks(clips, placement, len(existing)))
    if audio is None:
        edit = edits.inside(data, media, f"<audio>\n{text}</audio>\n")
    elif existing:
        edit = Edit(existing[-1].end, existing[-1].end, f"\n{text.rstrip()}")
    else:
        edit = edits.inside(data, audio, text)
    return edits.apply(data, [edit])


def remove(data: bytes) -> bytes:
    """The document as it was before `insert`, byte for byte. Raises TimelineError where it was changed since."""
    return edits.undo(data, "Final Cut Pro 7 XML")


def write(document: Path, clips: Sequence[StemClip], placement: Placement, path: Path) -> None:
    """Write `document` with the music in it to `path`. Raises TimelineError as `insert`, OutputError where it fails."""
    replace_file(path, insert(document.read_bytes(), clips, placement))


def _tracks(clips: Sequence[StemClip], placement: Placement, first: int) -> list[str]:
    tracks = []
    for number, (stem, row) in enumerate(tracks_of(clips).items()):
        channels = row[0].channels
        kind = "Stereo" if channels == 2 else "Mono"
        for channel in range(channels):
            items = "".join(
                _clip_item(clip, placement, channel, first + number * channels, index)
                for index, clip in enumerate(row, 1)
            )
            tracks.append(
                f'<track currentExplodedTrackIndex="{channel}" totalExplodedTrackCount="{channels}" '
                f'premiereTrackType="{kind}" MZ.TrackName="{escape(stem, {chr(34): "&quot;"})}">\n{items}'
                f"<enabled>TRUE</enabled><locked>FALSE</locked>"
                f"<outputchannelindex>{channel + 1}</outputchannelindex>\n</track>\n"
            )
    return tracks


def _clip_item(clip: StemClip, placement: Placement, channel: int, first_track: int, index: int) -> str:
    rate = _rate_text(placement.rate)
    frames = quantise(Fraction(clip.samples) / clip.sample_rate * placement.rate)
    frames = max(frames, clip.pre_roll_frames + clip.duration_frames)
    name = escape(f"{clip.cue} {clip.stem}")
    own = "shotscore-" + re.sub(r"\W", "_", f"{clip.cue}-{clip.stem}", flags=re.ASCII)
    start, end = clip.start_frame, clip.start_frame + clip.duration_frames
    # The file is described once, at the first item that uses it.
    file = f'<file id="{own}-file"/>' if channel else _file(clip, placement, f"{own}-file", frames)
    kind = ' premiereChannelType="stereo"' if clip.channels == 2 else ""
    links = "".join(
        f"<link><linkclipref>{own}-{other + 1}</linkclipref><mediatype>audio</mediatype>"
        f"<trackindex>{first_track + other + 1}</trackindex><clipindex>{index}</clipindex>"
        "<groupindex>1</groupindex></link>\n"
        for other in range(clip.channels)
        if clip.channels > 1
    )
    return (
        f'<clipitem id="{own}-{channel + 1}"{kind}><name>{name}</name><enabled>TRUE</enabled>'
        f"<duration>{frames}</duration>{rate}<start>{start}</start><end>{end}</end>"
        f"<in>{clip.pre_roll_frames}</in><out>{clip.pre_roll_frames + clip.duration_frames}</out>\n"
        f"{file}\n<sourcetrack><mediatype>audio</mediatype><trackindex>{channel + 1}</trackindex></sourcetrack>\n"
        f"{_levels(clip, placement.rate)}{links}</clipitem>\n"
    )


def _levels(clip: StemClip, rate: Fraction) -> str:
    """The clip's volume keyframes, as factors at frames of the file."""
    keys = "".join(
        f"<keyframe><when>{clip.pre_roll_frames + frame}</when><value>{10 ** (level / 20):.5f}</value></keyframe>"
        for frame, level in clip.volume_frames(rate)
    )
    if not keys:
        return ""
    return (
        "<filter><effect><name>Audio Levels</name><effectid>audiolevels</effectid>"
        "<effectcategory>audiolevels</effectcategory><effecttype>audiolevels</effecttype><mediatype>audio</mediatype>"
        "<parameter><parameterid>level</parameterid><name>Level</name><valuemin>0</valuemin>"
        f"<valuemax>3.98107</valuemax><value>1</value>{keys}</parameter></effect></filter>\n"
    )


def _file(clip: StemClip, placement: Placement, own: str, frames: int) -> str:
    rate = _rate_text(placement.rate)
    first = quantise(Fraction(clip.time_reference) / clip.sample_rate * placement.rate)
    form = "DF" if placement.drop_frame else "NDF"
    audio = (
        f"<samplecharacteristics><depth>24</depth><samplerate>{clip.sample_rate}</samplerate></samplecharacteristics>"
    )
    return (
        f'<file id="{own}"><name>{escape(clip.path.name)}</name>'
        f"<pathurl>{escape(_url(clip.path))}</pathurl>{rate}<duration>{frames}</duration>"
        f"<timecode>{rate}<frame>{first}</frame><displayformat>{form}</displayformat></timecode>"
        f"<media><audio>{audio}<channelcount>{clip.channels}</channelcount></audio></media></file>"
    )


def _url(path: Path) -> str:
    return path.resolve().as_uri().replace("file:///", "file://localhost/", 1)


def _rate_text(rate: Fraction) -> str:
    ntsc = "TRUE" if rate.denominator == 1001 else "FALSE"
    return f"<rate><timebase>{quantise(rate)}</timebase><ntsc>{ntsc}</ntsc></rate>"


def _rate(sequence: Element) -> Fraction:
    rate = sequence.child("rate")
    if rate is None or not rate.child_text("timebase").isdigit():
        raise TimelineError("The sequence of the Final Cut Pro 7 XML has no rate; export it from the editor again.")
    base = int(rate.child_text("timebase"))
    return Fraction(base * 1000, 1001) if rate.child_text("ntsc").upper() == "TRUE" else Fraction(base)
