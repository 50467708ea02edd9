"""What is fuzzed: each format with good files to start from, a way to spoil them, and its reader.

A reader either returns something that makes sense, which is checked, or raises one of the errors meant for people.
"""

import random
import struct
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from . import mutate
from .samples import EDL, FCP7, FCPX, KDENLIVE, OSP, write_aaf

RATE = Fraction(24000, 1001)


@dataclass(frozen=True)
class Format:
    """A format: `make` spoils a seed into files under a folder and says which to read; `read` reads and checks."""

    name: str
    make: Callable[[random.Random, Path], Path]
    good: Callable[[Path], Path]
    """Writes a file that is as it should be."""
    read: Callable[[Path], None]
    refusals: Callable[[], tuple[type[Exception], ...]]


# --- seeds ---------------------------------------------------------------------------------------------------------


@cache
def _picture() -> Any:
    """A picture with all there is: several films, speeds, reverse, a freeze, gaps, dissolves, sound, markers."""
    from shotscore_engine.picture import AudioSpan, Marker, MediaSpan, Picture, Shot

    shots, start = [], 0
    speeds = (Fraction(1), Fraction(2), Fraction(-1), Fraction(0), Fraction(1, 2), Fraction(1))
    for number, speed in enumerate(speeds, 1):
        media = MediaSpan(Path(f"/films/A{number:03}.mov"), True, Fraction(10 * number) / RATE, speed)
        shots.append(Shot(number, start, 24 + number, f"A{number:03}", media))
        start += 24 + number
    sound = AudioSpan("A1", 10, 60, "talk", MediaSpan(Path("/films/talk.wav"), True, Fraction(0)))
    marks = (Marker(12, 1, "hit", "big", "RED"),)
    return Picture("edit", RATE, 86_400, False, start, tuple(shots), markers=marks, audio=(sound,))


@cache
def _otio() -> bytes:
    """A timeline with nesting, transitions, effects, markers, missing, generated and external media."""
    import opentimelineio as otio

    def span(start: float, frames: float) -> Any:
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(start, 23.976), otio.opentime.RationalTime(frames, 23.976)
        )

    edit = otio.schema.Timeline("edit", global_start_time=otio.opentime.RationalTime(86_400, 23.976))
    track = otio.schema.Track("V1", kind="Video")
    for number in range(4):
        media = otio.schema.ExternalReference(f"media/a{number}.mov", span(0, 500))
        clip = otio.schema.Clip(f"A{number}", media, span(10, 30 + number))
        if number == 1:
            clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=2.0))
        if number == 2:
            clip.effects.append(otio.schema.FreezeFrame())
            clip.markers.append(otio.schema.Marker("here", span(12, 1), color="RED"))
        track.append(clip)
        if number == 0:
            offset = otio.opentime.RationalTime(6, 23.976)
            track.append(otio.schema.Transition("x", "SMPTE_Dissolve", offset, offset))
    track.append(otio.schema.Gap(source_range=span(0, 12)))
    nest = otio.schema.Stack("nest", source_range=span(2, 20))
    inner = otio.schema.Track("N", kind="Video")
    inner.append(otio.schema.Clip("N1", otio.schema.GeneratorReference(generator_kind="SMPTEBars"), span(0, 40)))
    nest.append(inner)
    track.append(nest)
    images = otio.schema.ImageSequenceReference(
        "media/", "im.", ".png", start_frame=1, frame_step=1, rate=23.976, frame_zero_padding=4,
        available_range=span(0, 100),
    )  # fmt: skip
    track.append(otio.schema.Clip("images", images, span(0, 20)))
    sound = otio.schema.Track("A1", kind="Audio")
    sound.append(otio.schema.Clip("talk", otio.schema.MissingReference(), span(0, 50)))
    edit.tracks.extend([track, sound])
    edit.tracks.markers.append(otio.schema.Marker("cut to black", span(70, 1)))
    text: str = otio.adapters.write_to_string(edit, "otio_json")
    return text.encode()


def _fcpx() -> bytes:
    """With a clip of another speed as well."""
    retimed = '<timeMap><timept time="0s" value="0s"/><timept time="48048/24000s" value="96096/24000s"/></timeMap>'
    return FCPX.replace(' <marker start="3618615', f'{retimed}<marker start="3618615', 1).encode()


MLT = b"""<?xml version="1.0" encoding="utf-8"?>
<mlt LC_NUMERIC="C" version="7.12.0" root="/films"><profile frame_rate_num="25" frame_rate_den="1"/>
<producer id="producer0" in="10" out="84"><property name="length">250</property>
<property name="resource">A.mp4</property><property name="mlt_service">avformat</property></producer>
<producer id="producer1" in="0" out="99"><property name="length">00:00:05.320</property>
<property name="resource">2.0:B.mp4</property><property name="warp_speed">2</property>
<property name="mlt_service">timewarp</property></producer>
<tractor id="tractor0" in="0" out="24"><track producer="producer0" in="50" out="74"/>
<track producer="producer1" in="0" out="24"/>
<transition id="transition0" out="24"><property name="a_track">0</property>
<property name="b_track">1</property><property name="mlt_service">luma</property></transition></tractor>
<playlist id="playlist0"><entry producer="producer0" in="0" out="49"/><entry producer="tractor0" in="0" out="24"/>
<entry producer="producer1" in="00:00:01.000" out="00:00:03.960"/></playlist>
<playlist id="playlist1"><blank length="30"/><entry producer="producer0" in="0" out="9"/></playlist>
<tractor id="tractor1" in="0" out="149"><property name="shotcut">1</property>
<properties name="shotcut:markers"><properties name="0"><property name="text">Mark</property>
<property name="start">00:00:02.000</property><property name="end">00:00:02.000</property></properties></properties>
<track producer="playlist0"/><track producer="playlist1" hide="video"/>
<transition id="t" in="30" out="35"><property name="a_track">0</property><property name="b_track">1</property>
<property name="mlt_service">luma</property></transition></tractor></mlt>
"""


@cache
def _aaf(whole: bool = False) -> bytes:
    """A composition of two clips under a dissolve; `whole`: with the format's own dictionary.

    That dictionary is more than half of the file and is known to every reader: without it what is spoiled is the edit.
    """
    import aaf2

    path = Path(tempfile.mkdtemp(prefix="shotscore-fuzz-")) / "seed.aaf"
    write_aaf(path)
    with aaf2.open(str(path), "rw") as file:
        for kind in () if whole else ("TypeDefinitions", "ClassDefinitions"):
            known = file.metadict[kind]
            for definition in list(known):
                known.pop(definition.auid)
    data = path.read_bytes()
    path.unlink()
    path.parent.rmdir()
    return data


@cache
def _session() -> bytes:
    """A session with takes, locks, a rescored take and an undo history."""
    from dataclasses import replace

    from shotscore_engine import history
    from shotscore_engine.grid import constant_grid
    from shotscore_engine.locks import Lock
    from shotscore_engine.request import ScoreRequest
    from shotscore_engine.session import ModelRecord, Session, Take
    from shotscore_engine.spotting import Cue, spot

    picture = _picture()
    cue = Cue("1m01", 0, picture.duration_frames, spot(picture, 0, picture.duration_frames))
    grid = constant_grid(Fraction(100), Fraction(0), (4, 4), Fraction(picture.duration_frames) / picture.rate)
    notes = ("0 4 60 80; 4 2 62 90", "", "0 8 48 70")
    take = Take("1m01", 1, ScoreRequest(seed=3), grid, "A minor", "cinematic", notes, ModelRecord("m", "00"), "CPU")
    one = Session("/films/edit.otio", picture).with_takes(cue, [take])
    two = history.record(one, replace(one, locks=(Lock("1m01", "melody", 0, 20),)), "lock")
    return history.record(two, two.with_takes(cue, [replace(take, number=2, starred=True)]), "score").to_bytes()


@cache
def _midi() -> bytes:
    """A song as POP909 has it: three named tracks, tempo, meter."""
    import io

    import mido

    file = mido.MidiFile(type=1, ticks_per_beat=480)
    for name in ("conductor", "MELODY", "BRIDGE", "PIANO"):
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        if name == "conductor":
            track += [mido.MetaMessage("set_tempo", tempo=600_000), mido.MetaMessage("time_signature", numerator=4)]
        else:
            for number in range(40):
                key = 60 + number * 7 % 24
                track += [mido.Message("note_on", note=key, velocity=80), mido.Message("note_off", note=key, time=240)]
        file.tracks.append(track)
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


@cache
def _soundfont() -> bytes:
    """A SoundFont of one preset, one instrument and one looped sample, built by the specification's tables."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)

    wave = struct.pack("<600h", *(int(8000 * ((n % 50) / 25 - 1)) for n in range(600))) + b"\0" * 92
    info = chunk(b"ifil", struct.pack("<HH", 2, 4)) + chunk(b"INAM", b"fuzz\0\0")
    phdr = struct.pack("<20sHHHIII", b"Piano", 0, 0, 0, 0, 0, 0) + struct.pack("<20sHHHIII", b"EOP", 0, 0, 1, 0, 0, 0)
    bag = struct.pack("<HHHH", 0, 0, 1, 0)
    ibag = struct.pack("<HHHH", 0, 0, 3, 0)
    pgen = struct.pack("<HhHh", 41, 0, 0, 0)
    igen = struct.pack("<HhHhHhHh", 43, 0x7F00, 54, 1, 53, 0, 0, 0)
    inst = struct.pack("<20sH20sH", b"One", 0, b"EOI", 1)
    shdr = struct.pack("<20sIIIIIBbHH", b"saw", 0, 600, 100, 500, 22_050, 60, 0, 0, 1)
    shdr += struct.pack("<20sIIIIIBbHH", b"EOS", 0, 0, 0, 0, 0, 0, 0, 0, 0)
    mod = b"\0" * 10
    tables = (b"phdr", phdr), (b"pbag", bag), (b"pmod", mod), (b"pgen", pgen), (b"inst", inst), (b"ibag", ibag), \
        (b"imod", mod), (b"igen", igen), (b"shdr", shdr)  # fmt: skip
    pdta = b"".join(chunk(name, body) for name, body in tables)
    parts = [chunk(b"LIST", b"INFO" + info), chunk(b"LIST", b"sdta" + chunk(b"smpl", wave)),
             chunk(b"LIST", b"pdta" + pdta)]  # fmt: skip
    return chunk(b"RIFF", b"sfbk" + b"".join(parts))


@cache
def _onnx() -> bytes:
    """A small network with the denoiser's inputs and output."""
    import json

    from onnx import TensorProto, helper
    from shotscore_engine.denoiser import INPUTS

    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["b", "t"]) for name in INPUTS]
    output = helper.make_tensor_value_info("x_0", TensorProto.FLOAT, ["b", "t"])
    node = helper.make_node("Identity", [INPUTS[0]], ["x_0"])
    model = helper.make_model(
        helper.make_graph([node], "g", inputs, [output]), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 8
    width = 72
    facts = {"codec": json.dumps({"latent": 24}), "latent_mean": json.dumps([0.0] * width),
             "latent_scale": json.dumps([1.0] * width)}  # fmt: skip
    helper.set_model_props(model, facts)
    data: bytes = model.SerializeToString()
    return data


BRIDGE = b"""{"v": 1, "id": 7, "ask": "score", "with": {"timeline": "/films/a.otio", "steps": 4, "tempo": 96.5,
 "range": "0-48", "prompt": "calm", "mood": "0.1,-0.2", "out": "/films/scored", "seed": 3, "detect": "none"}}
""".replace(b"\n ", b" ")
PANEL = b'{"job": 7, "do": "score", "with": {"path": "a.otio", "request": {"seed": 1, "steps": 4}, "shots": [1, 2]}}\n'


# --- readers -------------------------------------------------------------------------------------------------------


def _read_timeline(path: Path) -> None:
    from shotscore_engine.picture import flatten
    from shotscore_engine.readers import read_timeline

    folder = path.parent
    timeline = read_timeline(path)
    picture = flatten(timeline, folder=folder)
    assert picture.duration_frames > 0
    assert 0 < picture.rate <= 1000
    at = 0
    for number, shot in enumerate(picture.shots, 1):
        assert (shot.index, shot.start_frame) == (number, at), "the shots leave a gap or overlap"
        assert shot.duration_frames > 0
        at = shot.end_frame
    assert at == picture.duration_frames, "the shots do not cover the picture"
    if path.suffix in (".otioz", ".otiod"):
        _check_bundle(timeline, path)


def _check_bundle(timeline: Any, path: Path) -> None:
    """What a bundle calls its own media lies in the bundle or in its cache, whatever its name was."""
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    import opentimelineio as otio

    for clip in timeline.find_clips():
        for reference in clip.media_references().values():
            url = getattr(reference, "target_url", "")
            if isinstance(reference, otio.schema.ExternalReference) and "fuzz-home" in url:
                target = Path(url2pathname(urlsplit(url).path)).resolve()
                homes = (path.resolve(), path.parent.parent.resolve() / "cache")
                assert any(target.is_relative_to(home) for home in homes), f"{target} is outside the bundle"


def _read_project(path: Path) -> None:
    """What `insert` and `remove` do with a project: parse it to bytes' places, and look for our record in it."""
    from shotscore_exporters import edits

    data = path.read_bytes()
    root = edits.parse(data, ("mlt",), "MLT")
    for element in root.walk():
        assert 0 <= element.start <= element.end <= len(data)
    edits.undo(data, "MLT")


def _read_session(path: Path) -> None:
    from shotscore_engine.session import Session

    session = Session.open(path)
    for take in session.takes:
        _roll_or_refusal(take)
    again = Session.from_bytes(session.to_bytes())
    assert again.takes == session.takes
    assert again.past == session.past


def _roll_or_refusal(take: Any) -> None:
    from shotscore_engine.errors import SessionError

    try:
        take.roll()
    except SessionError as problem:
        _check_sentence(problem)


def _check_sentence(problem: Exception) -> None:
    text = str(problem)
    assert text.strip(), "an empty message"
    assert "\n" not in text.strip(), f"several lines: {text[:200]!r}"
    assert len(text) < 2000, f"{len(text)} characters"


def _read_midi(path: Path) -> None:
    from shotscore_engine.training.data import load_pop909

    song = load_pop909(path)
    assert song.beats > 0


def _read_soundfont(path: Path) -> None:
    import numpy as np
    from shotscore_engine.perform import Note, Stem
    from shotscore_exporters import fontfile, sampler, struck

    font = fontfile.read_soundfont(path)
    notes = (Note(Fraction(0), Fraction(1, 10), 60, 90), Note(Fraction(1, 20), Fraction(1, 10), 72, 40))
    zones = font.program(0, 0)
    player = sampler.Sampler(font, zones, 48_000)
    sound = struck.play(Stem("melody", 0, False, notes, (), ()), struck.Keyboard(zones), player, 48_000, 12_000)
    assert sound.shape == (12_000, 2)
    assert np.isfinite(sound).all()


def _read_onnx(path: Path) -> None:
    from shotscore_engine.denoiser import Denoiser

    model = Denoiser(path, "cpu", threads=1)
    assert len(model.sha256) == 64


def _read_bridge(path: Path) -> None:
    """A line as the bridge takes it; what it makes a command line of must be one that goes where it was meant to."""
    from shotscore_plugin.bridge import JOBS, arguments_of
    from shotscore_plugin.wire import parse

    message = parse(path.read_bytes())
    asked, values = message.get("ask"), message.get("with")
    if not isinstance(asked, str) or asked not in JOBS or not isinstance(values, dict):
        return
    command, *words = arguments_of(asked, values)
    assert command == asked
    for number, word in enumerate(words):
        place = number < len(JOBS[asked].paths)
        assert Path(word).is_absolute() if place else word.startswith("--") or word in _bridge_words(asked), word
        assert "\0" not in word


def _bridge_words(asked: str) -> set[str]:
    from shotscore_plugin.bridge import JOBS

    numbers = {str(number) for number in range(10)}
    return {word for words in JOBS[asked].words.values() for word in words} | numbers


def _bridge_errors() -> tuple[type[Exception], ...]:
    from shotscore_engine.errors import InputError
    from shotscore_plugin.wire import AskError, WireError

    return (WireError, AskError, InputError)


def _read_panel(path: Path) -> None:
    from shotscore_ui.messages import unpack

    assert isinstance(unpack(path.read_bytes()), dict)


def _panel_errors() -> tuple[type[Exception], ...]:
    from shotscore_ui.messages import ProtocolError

    return (ProtocolError,)


# --- making --------------------------------------------------------------------------------------------------------


Maker = Callable[[random.Random, Path], Path]


def _file(
    name: str, seed: Callable[[], bytes], spoil: Callable[[random.Random, bytes], bytes]
) -> tuple[Maker, Callable[[Path], Path]]:
    """(spoiled, good): a format of one file."""

    def good(folder: Path) -> Path:
        (folder / name).write_bytes(seed())
        return folder / name

    def make(rng: random.Random, folder: Path) -> Path:
        (folder / name).write_bytes(spoil(rng, seed()) or b"x")
        return folder / name

    return make, good


def _beats() -> bytes:
    return b"\n".join(b"%.3f %d %d" % (0.6 * n, n % 2 == 0, n % 4 == 0) for n in range(40))


def _good_song(folder: Path) -> Path:
    path = folder / "001"
    path.mkdir()
    (path / "001.mid").write_bytes(_midi())
    (path / "beat_midi.txt").write_bytes(_beats())
    return path


def _song(rng: random.Random, folder: Path) -> Path:
    path = _good_song(folder)
    if rng.random() < 0.3:
        (path / "beat_midi.txt").write_bytes(mutate.text_of(rng, _beats()))
    else:
        (path / "001.mid").write_bytes(mutate.bytes_of(rng, _midi()))
    return path


def _spoil_aaf(rng: random.Random, edit: bytes) -> bytes:
    return mutate.bytes_of(rng, _aaf(whole=True) if rng.random() < 0.1 else edit)


def _members() -> dict[str, bytes]:
    return {"content.otio": _otio(), "media/a0.mov": b"film" * 20, "media/a1.mov": b"other film"}


def _good_otioz(folder: Path) -> Path:
    path = folder / "edit.otioz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in _members().items():
            archive.writestr(name, data)
    return path


def _otioz(rng: random.Random, folder: Path) -> Path:
    path = folder / "edit.otioz"
    path.write_bytes(mutate.zip_of(rng, _members(), mutate.json_of))
    return path


def _good_otiod(folder: Path) -> Path:
    path = folder / "edit.otiod"
    (path / "media").mkdir(parents=True)
    for name, data in _members().items():
        (path / name).write_bytes(data)
    return path


def _otiod(rng: random.Random, folder: Path) -> Path:
    path = _good_otiod(folder)
    (path / "content.otio").write_bytes(mutate.json_of(rng, _otio()))
    media = path / "media" / "a0.mov"
    secret = folder / "secret.mov"
    secret.write_bytes(b"secret")
    match rng.randrange(4):
        case 0:
            media.unlink()
            media.symlink_to(secret)
        case 1:
            media.unlink()
            media.mkdir()
        case _:
            pass
    return path


def _refused_input() -> tuple[type[Exception], ...]:
    from shotscore_engine.errors import InputError

    return (InputError,)


FORMATS = {
    one.name: one
    for one in (
        Format("otio", *_file("edit.otio", _otio, mutate.json_of), _read_timeline, _refused_input),
        Format("otioz", _otioz, _good_otioz, _read_timeline, _refused_input),
        Format("otiod", _otiod, _good_otiod, _read_timeline, _refused_input),
        Format("fcp7xml", *_file("edit.xml", FCP7.encode, mutate.xml_of), _read_timeline, _refused_input),
        Format("fcpxml", *_file("edit.fcpxml", _fcpx, mutate.xml_of), _read_timeline, _refused_input),
        Format("edl", *_file("edit.edl", EDL.encode, mutate.text_of), _read_timeline, _refused_input),
        Format("aaf", *_file("edit.aaf", _aaf, _spoil_aaf), _read_timeline, _refused_input),
        Format("kdenlive", *_file("edit.kdenlive", KDENLIVE.encode, mutate.xml_of), _read_timeline, _refused_input),
        Format("mlt", *_file("edit.mlt", lambda: MLT, mutate.xml_of), _read_timeline, _refused_input),
        Format("osp", *_file("edit.osp", OSP.encode, mutate.json_of), _read_timeline, _refused_input),
        Format("project", *_file("project.mlt", lambda: MLT, mutate.xml_of), _read_project, _refused_input),
        Format("shotscore", *_file("edit.shotscore", _session, mutate.json_of), _read_session, _refused_input),
        Format("midi", _song, _good_song, _read_midi, _refused_input),
        Format("soundfont", *_file("font.sf2", _soundfont, mutate.bytes_of), _read_soundfont, _refused_input),
        Format("onnx", *_file("model.onnx", _onnx, mutate.bytes_of), _read_onnx, _refused_input),
        Format("bridge", *_file("message", lambda: BRIDGE, mutate.json_of), _read_bridge, _bridge_errors),
        Format("panel", *_file("message", lambda: PANEL, mutate.json_of), _read_panel, _panel_errors),
    )
}
