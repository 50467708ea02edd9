"""DAWproject (Bitwig, Studio One, Cubase): tempo map, markers, the parts as notes and the stems as audio, in one zip.

Follows the format's published schema, version 1.0. The arrangement counts in quarter notes; beat 0 is the cue's first
frame and the tempo map is the one of the MIDI file (`midi.Clock`). Audio clips count in seconds inside and are not
stretched. Note tracks carry no instrument, so that opening the project plays the stems alone.
"""

import io
import zipfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from shotscore_engine.atomic import replace_file
from shotscore_engine.perform import Score

from .midi import TICKS_PER_BEAT, Clock
from .placement import CueMarker, StemClip

_OLDEST = (1980, 1, 1, 0, 0, 0)
_COLOURS = ("#d95f4b", "#d9a441", "#86b04a", "#4ba89c", "#4b7fd9", "#8a5fd0", "#c75fa8", "#8c8c8c")


def to_bytes(score: Score, clips: Sequence[StemClip], markers: Sequence[CueMarker] = (), version: str = "1") -> bytes:
    """The project with the WAV files of `clips` inside; the same score and files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (
            ("metadata.xml", _xml(_metadata(score))),
            ("project.xml", _xml(_project(score, clips, markers, version))),
        ):
            archive.writestr(zipfile.ZipInfo(name, _OLDEST), data, zipfile.ZIP_DEFLATED)
        for clip in clips:
            # Sound hardly compresses; stored, programs read it in place.
            archive.writestr(zipfile.ZipInfo(_inside(clip), _OLDEST), clip.path.read_bytes(), zipfile.ZIP_STORED)
    return buffer.getvalue()


def write(
    score: Score, clips: Sequence[StemClip], path: Path, markers: Sequence[CueMarker] = (), version: str = "1"
) -> None:
    """Write `to_bytes` to `path`, whole or not at all. Raises OutputError where it cannot be written."""
    replace_file(path, to_bytes(score, clips, markers, version))


def _project(score: Score, clips: Sequence[StemClip], markers: Sequence[CueMarker], version: str) -> Element:
    clock = Clock(score.grid)

    def beats(seconds: Fraction) -> str:
        return _number(Fraction(clock.tick(seconds), TICKS_PER_BEAT))

    project = Element("Project", version="1.0")
    SubElement(project, "Application", name="Shotscore", version=version)
    transport = SubElement(project, "Transport")
    bpm = _number(Fraction(60_000_000, clock.tempi[0][1]))
    SubElement(transport, "Tempo", max="666", min="20", unit="bpm", value=bpm, id="tempo", name="Tempo")
    numerator, denominator = score.grid.meter
    SubElement(
        transport, "TimeSignature", numerator=str(numerator), denominator=str(denominator), id="meter", name="Meter"
    )
    structure = SubElement(project, "Structure")
    master = SubElement(structure, "Track", contentType="audio notes", loaded="true", id="track-master", name="Master")
    _channel(master, "master", "master", None)
    arrangement = SubElement(project, "Arrangement", id="arrangement")
    lanes = SubElement(arrangement, "Lanes", timeUnit="beats", id="lanes")
    whole = beats(score.duration)
    for index, part in enumerate(score.parts):
        own = f"part-{index}"
        row = _track(structure, lanes, own, f"{part.name} (notes)", "notes", _COLOURS[index])
        clip = SubElement(row, "Clip", time="0", duration=whole, playStart="0", name=part.name)
        notes = SubElement(clip, "Notes", id=f"notes-{index}")
        for note in part.notes:
            start, end = clock.tick(note.start), clock.tick(note.start + note.duration)
            SubElement(
                notes,
                "Note",
                time=_number(Fraction(start, TICKS_PER_BEAT)),
                duration=_number(Fraction(max(1, end - start), TICKS_PER_BEAT)),
                channel="0",
                key=str(note.pitch),
                vel=_number(Fraction(note.velocity, 127)),
            )
    for index, stem in enumerate(clips):
        row = _track(structure, lanes, f"stem-{index}", stem.stem, "audio", _COLOURS[index % len(_COLOURS)])
        seconds = Fraction(stem.samples, stem.sample_rate)
        clip = SubElement(
            row,
            "Clip",
            time="0",
            duration=whole,
            contentTimeUnit="seconds",
            playStart="0",
            name=f"{stem.cue} {stem.stem}",
        )
        audio = SubElement(
            clip,
            "Audio",
            algorithm="raw",
            channels=str(stem.channels),
            duration=_number(seconds),
            sampleRate=str(stem.sample_rate),
            id=f"audio-{index}",
        )
        SubElement(audio, "File", path=_inside(stem))
    if markers:
        flags = SubElement(arrangement, "Markers", timeUnit="beats", id="markers")
        for marker in markers:
            SubElement(flags, "Marker", time=beats(marker.seconds), name=marker.text)
    tempo = SubElement(arrangement, "TempoAutomation", unit="bpm", timeUnit="beats", id="tempo-automation")
    SubElement(tempo, "Target", parameter="tempo")
    for tick, microseconds in clock.tempi:
        time, value = _number(Fraction(tick, TICKS_PER_BEAT)), _number(Fraction(60_000_000, microseconds))
        SubElement(tempo, "RealPoint", time=time, value=value, interpolation="hold")
    return project


def _track(structure: Element, lanes: Element, own: str, name: str, content: str, colour: str) -> Element:
    """A track with its channel, and its row of clips in the arrangement."""
    track = SubElement(
        structure, "Track", contentType=content, loaded="true", id=f"track-{own}", name=name, color=colour
    )
    _channel(track, own, "regular", "channel-master")
    lane = SubElement(lanes, "Lanes", track=f"track-{own}", id=f"lane-{own}")
    return SubElement(lane, "Clips", id=f"clips-{own}")


def _channel(track: Element, own: str, role: str, destination: str | None) -> None:
    channel = SubElement(track, "Channel", audioChannels="2", role=role, solo="false", id=f"channel-{own}")
    if destination:
        channel.set("destination", destination)
    SubElement(channel, "Mute", value="false", id=f"mute-{own}", name="Mute")
    SubElement(channel, "Pan", max="1", min="0", unit="normalized", value="0.5", id=f"pan-{own}", name="Pan")
    SubElement(channel, "Volume", max="2", min="0", unit="linear", value="1", id=f"volume-{own}", name="Volume")


def _metadata(score: Score) -> Element:
    data = Element("MetaData")
    SubElement(data, "Title").text = score.title
    SubElement(data, "Comment").text = f"{score.key}, {score.grid.bpm:.2f} BPM"
    return data


def _xml(root: Element) -> bytes:
    indent(root)
    data: bytes = tostring(root, encoding="UTF-8", xml_declaration=True)
    return data


def _inside(clip: StemClip) -> str:
    return f"audio/{clip.path.name}"


def _number(value: Fraction) -> str:
    return f"{float(value):.9f}".rstrip("0").rstrip(".")
