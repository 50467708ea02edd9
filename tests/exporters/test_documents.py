"""What composers and producers get: DAWproject, MusicXML, click, cue sheet, ducked mix, files to listen to."""

import csv
import io
import re
import wave
import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st
from shotscore_engine.errors import RequestError
from shotscore_engine.perform import Score
from shotscore_engine.tempo import BeatGrid
from shotscore_exporters import audio, click, cuesheet, dawproject, ducking, encode, musicxml
from shotscore_exporters.placement import CueMarker, Placement


@pytest.fixture(scope="module")
def delivered(score: Score, placement: Placement, tmp_path_factory: pytest.TempPathFactory) -> audio.Delivered:
    return audio.write(replace(score, stems=score.stems[:2]), placement, tmp_path_factory.mktemp("sound"))


def test_dawproject_holds_tempo_markers_notes_and_stems(score: Score, delivered: audio.Delivered) -> None:
    markers = [CueMarker(score.grid.beat_times[4], "Shot 2 & more")]
    data = dawproject.to_bytes(score, delivered.stems, markers)
    assert data == dawproject.to_bytes(score, delivered.stems, markers)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        root = ElementTree.fromstring(archive.read("project.xml"))
        names = archive.namelist()
        assert ElementTree.fromstring(archive.read("metadata.xml")).findtext("Title") == "1m01"
        for clip in delivered.stems:
            assert archive.read(f"audio/{clip.path.name}") == clip.path.read_bytes()
    assert [child.tag for child in root] == ["Application", "Transport", "Structure", "Arrangement"]
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    references = [element.get(key) for element in root.iter() for key in ("track", "destination", "parameter")]
    assert {name for name in references if name} <= set(ids)
    arrangement = root.find("Arrangement")
    assert arrangement is not None
    assert [child.tag for child in arrangement] == ["Lanes", "Markers", "TempoAutomation"]
    notes = root.findall(".//Notes")
    assert [len(row.findall("Note")) for row in notes] == [len(part.notes) for part in score.parts]
    # The grid starts a quarter of a second in, which the lead-in bar of 3/32 holds.
    assert float(notes[0].findall("Note")[0].get("time", "")) == pytest.approx(3 / 8)
    assert float(root.find(".//Marker").get("time", "")) == pytest.approx(3 / 8 + 4, abs=2e-3)  # type: ignore[union-attr]
    assert {file.get("path") for file in root.findall(".//File")} <= set(names)
    audio_clip = root.find(".//Audio")
    assert audio_clip is not None
    assert float(audio_clip.get("duration", "")) == pytest.approx(delivered.stems[0].samples / 48_000)


# What the format's published schema (version 1.0) says of the elements we write: the children in their order (`+`: as
# often as wanted), the attributes it demands, and the kind of each attribute it knows.
NAMED = {"name": "text", "color": "text", "comment": "text"}
OWN = {**NAMED, "id": "id"}
TIMED = {**OWN, "timeUnit": "time", "track": "reference"}
SCHEMA: dict[str, tuple[str, str, dict[str, str]]] = {
    "Project": ("Application Transport Structure Arrangement Scenes", "version", {"version": "text"}),
    "Application": ("", "name version", {"name": "text", "version": "text"}),
    "Transport": ("Tempo TimeSignature", "", {}),
    "Tempo": ("", "unit", {**OWN, "max": "text", "min": "text", "unit": "unit", "value": "text"}),
    "TimeSignature": ("", "denominator numerator", {**OWN, "denominator": "whole", "numerator": "whole"}),
    "Structure": ("Track+", "", {}),
    "Track": ("Channel Track+", "", {**OWN, "contentType": "contents", "loaded": "truth"}),
    "Channel": (
        "Devices Mute Pan Sends Volume",
        "",
        {**OWN, "audioChannels": "whole", "destination": "reference", "role": "role", "solo": "truth"},
    ),
    "Mute": ("", "", {**OWN, "value": "truth"}),
    "Pan": ("", "unit", {**OWN, "max": "text", "min": "text", "unit": "unit", "value": "text"}),
    "Volume": ("", "unit", {**OWN, "max": "text", "min": "text", "unit": "unit", "value": "text"}),
    "Arrangement": ("Lanes Markers TempoAutomation TimeSignatureAutomation", "", OWN),
    "Lanes": ("Lanes+ Clips+", "", TIMED),
    "Clips": ("Clip+", "", TIMED),
    "Clip": (
        "Notes Audio",
        "time",
        {**NAMED, "time": "number", "duration": "number", "contentTimeUnit": "time", "playStart": "number"},
    ),
    "Notes": ("Note+", "", TIMED),
    "Note": (
        "",
        "time duration channel key",
        {"time": "text", "duration": "text", "channel": "whole", "key": "whole", "vel": "text", "rel": "text"},
    ),
    "Audio": (
        "File",
        "channels sampleRate duration",
        {**TIMED, "algorithm": "text", "channels": "whole", "sampleRate": "whole", "duration": "number"},
    ),
    "File": ("", "path", {"path": "text", "external": "truth"}),
    "Markers": ("Marker+", "", TIMED),
    "Marker": ("", "time", {**NAMED, "time": "number"}),
    "TempoAutomation": ("Target RealPoint+", "", {**TIMED, "unit": "unit"}),
    "Target": ("", "", {"parameter": "reference"}),
    "RealPoint": ("", "time value", {"time": "text", "value": "text", "interpolation": "between"}),
}
KINDS = {
    "text": r".*",
    "id": r"[A-Za-z_][\w.-]*",
    "reference": r"[A-Za-z_][\w.-]*",
    "whole": r"-?\d+",
    "number": r"-?\d+(\.\d+)?",
    "truth": "true|false",
    "time": "beats|seconds",
    "unit": "linear|normalized|percent|decibel|hertz|semitones|seconds|beats|bpm",
    "role": "regular|master|effect|submix|vca",
    "contents": r"((audio|automation|notes|video|markers|tracks)( |$))+",
    "between": "hold|linear",
}


def test_dawproject_is_as_its_schema_says(score: Score, delivered: audio.Delivered) -> None:
    data = dawproject.to_bytes(score, delivered.stems, [CueMarker(Fraction(1), "Shot 2")])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        root = ElementTree.fromstring(archive.read("project.xml"))
    assert {element.tag for element in root.iter()} >= {"Note", "Audio", "RealPoint", "Marker", "Channel"}
    for element in root.iter():
        children, needed, known = SCHEMA[element.tag]
        words = children.split()
        order = [word.rstrip("+") for word in words]
        places = [order.index(child.tag) for child in element]
        if element.tag != "Lanes":
            assert places == sorted(places), element.tag
        repeated = {tag for tag in order if [child.tag for child in element].count(tag) > 1}
        assert all(f"{tag}+" in words for tag in repeated)
        assert set(needed.split()) <= set(element.keys()) <= set(known), element.tag
        for name, value in element.items():
            assert re.fullmatch(KINDS[known[name]], value), (element.tag, name, value)


def test_musicxml_adds_up_bar_by_bar(score: Score) -> None:
    root = ElementTree.fromstring(musicxml.to_bytes(score), forbid_dtd=False)
    measures = root.findall(".//measure")
    assert len(measures) == 2
    for measure in measures:
        assert sum(int(note.findtext("duration", "0")) for note in measure.findall("note")) == 16
    heads = [note for note in root.findall(".//note") if note.find("rest") is None]
    struck = [note for note in heads if all(tie.get("type") != "stop" for tie in note.findall("tie"))]
    assert len(struck) == len(score.parts[0].notes)
    assert root.findtext(".//fifths") == "0"
    assert root.findtext(".//mode") == "minor"
    assert root.find(".//harmony/root/root-step") is not None


def test_musicxml_pickup_and_flats(score: Score) -> None:
    grid = BeatGrid(score.grid.beat_times, (4, 4), 1)
    root = ElementTree.fromstring(musicxml.to_bytes(replace(score, grid=grid, key="Eb major")), forbid_dtd=False)
    measures = root.findall(".//measure")
    assert measures[0].get("implicit") == "yes"
    lengths = [sum(int(n.findtext("duration", "0")) for n in m.findall("note")) for m in measures]
    assert lengths == [4, 16, 12]
    assert root.findtext(".//fifths") == "-3"


def test_click_falls_on_every_beat(score: Score, placement: Placement, tmp_path: Path) -> None:
    path = tmp_path / "click.wav"
    click.write(score, placement, path)
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getnframes()) == (1, placement.samples(48_000))
    sound = click.render(score.grid, placement.samples(48_000))[:, 0]
    for beat, moment in enumerate(score.grid.beat_times):
        at = round(float(moment) * 48_000)
        if at + 1440 < len(sound):
            loud = np.abs(sound[at : at + 1440]).max()
            assert loud > (0.12 if beat % 4 == 0 else 0.06)
            assert not sound[at - 480 : at].any()


def test_cue_sheet_reads_back_and_adds_up() -> None:
    drop = Placement(Fraction(30000, 1001), 107_892, True, 1800, 1798, "A & B <Films>")
    cues = [
        cuesheet.CueLine("1m02", replace(drop, start_frame=5400), title="=Sum(1)", writers="A. Person"),
        cuesheet.CueLine("1m01", drop, usage="MT"),
    ]
    rows = list(csv.reader(io.StringIO(cuesheet.to_csv(cues, drop.production).decode("utf-8-sig"))))
    assert [row[1] for row in rows[1:3]] == ["1m01", "1m02"]
    assert rows[1][4:7] == ["01:01:00;02", "01:02:00;02", "0:01:00"]
    assert rows[2][2] == "'=Sum(1)"
    assert rows[3][6] == "0:02:00"
    page = cuesheet.to_html(cues, drop.production).decode()
    assert "A &amp; B &lt;Films&gt;" in page
    assert "01:01:00;02" in page


def test_ducking_is_down_before_the_first_word_and_back_after_the_last() -> None:
    keys = ducking.envelope([(Fraction(2), Fraction(3)), (Fraction(7, 2), Fraction(4))], Fraction(10))
    levels = ducking.gain(keys, 10 * 100, 100)
    assert levels[0] == levels[-1] == 1
    assert np.allclose(levels[185:401], 10 ** (-9 / 20), atol=1e-3)
    assert levels[160] > levels[180]
    assert levels[481] == pytest.approx(1, abs=1e-3)
    assert not ducking.envelope([], Fraction(10))
    with pytest.raises(RequestError, match="no ducking"):
        ducking.envelope([], Fraction(10), ducking.Ducking(amount_db=3))


@given(st.lists(st.tuples(st.fractions(-5, 25), st.fractions(-5, 25)), max_size=8))
def test_ducking_keyframes_rise_within_the_cue(spans: list[tuple[Fraction, Fraction]]) -> None:
    keys = ducking.envelope(spans, Fraction(20))
    times = [key.seconds for key in keys]
    assert times == sorted(set(times))
    assert all(0 <= key.seconds <= 20 and -9 <= key.gain_db <= 0 for key in keys)
    levels = ducking.gain(keys, 2000, 100)
    for start, end in spans:
        for moment in np.arange(max(0, float(start)) + 0.02, min(20, float(end)) - 0.02, 0.5):
            assert levels[int(moment * 100)] < 0.36


def test_the_ducked_mix_is_the_mix_times_the_envelope(
    score: Score, placement: Placement, delivered: audio.Delivered, tmp_path: Path
) -> None:
    keys = ducking.envelope([(Fraction(1), Fraction(3))], placement.duration)
    path = tmp_path / "ducked.wav"
    ducking.write(delivered.rendered, score, placement, keys, path)
    with wave.open(str(path)) as file:
        assert file.getnframes() == placement.samples(48_000)
        raw = np.frombuffer(file.readframes(file.getnframes()), np.uint8).reshape(-1, 3)
    whole = np.zeros((len(raw), 4), np.uint8)
    whole[:, 1:] = raw
    heard = (whole.view("<i4")[:, 0] / 2.0**31).reshape(-1, 2)
    wanted = delivered.rendered.mix() * ducking.gain(keys, placement.samples(48_000), 48_000)[:, None]
    assert np.abs(heard - wanted).max() < 1e-6


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".m4a"])
def test_files_to_listen_to_sound_like_the_mix(delivered: audio.Delivered, tmp_path: Path, suffix: str) -> None:
    rendered = delivered.rendered
    path, again = tmp_path / f"mix{suffix}", tmp_path / f"again{suffix}"
    for target in (path, again):
        encode.write(target, rendered.blocks(), rendered.sample_rate)
    assert path.read_bytes() == again.read_bytes()
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
        stream = container.streams.audio[0]
        assert (stream.rate, stream.channels) == (48_000, 2)
    mix = rendered.mix()[:, 0]
    if suffix == ".flac":
        heard = np.concatenate(frames, axis=1).reshape(-1, 2)[:, 0] / 2.0**31
        assert len(heard) == len(mix)
        assert np.abs(heard - mix).max() < 2e-7
    else:
        heard = np.concatenate(frames, axis=1)[0]
        # Encoders put silence in front: the delay is found first.
        size = 1 << (len(heard) + len(mix)).bit_length()
        match = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(mix, size)), size)
        at = int(np.argmax(match))
        assert at < 4096
        part = heard[at : at + len(mix)]
        assert np.corrcoef(part, mix[: len(part)])[0, 1] > 0.99


def test_no_other_format_to_listen_to(delivered: audio.Delivered, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"\.flac"):
        encode.write(tmp_path / "mix.wma", delivered.rendered.blocks(), 48_000)
