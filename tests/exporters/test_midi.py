"""MIDI read back in three libraries: tempo, meter, key, markers, offset, notes on their beats."""

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import mido
import pretty_midi
import pytest
import symusic
from hypothesis import given, settings
from hypothesis import strategies as st
from shotscore_engine.errors import RequestError
from shotscore_engine.perform import Score
from shotscore_engine.tempo import BeatGrid
from shotscore_exporters import midi
from shotscore_exporters.placement import CueMarker, Placement


def empty(grid: BeatGrid) -> Score:
    return Score("1m01", grid, "C major", grid.beat_times[-1], (), ())


def test_two_libraries_find_the_notes_where_they_are(score: Score, placement: Placement, tmp_path: Path) -> None:
    path = tmp_path / "1m01.mid"
    midi.write(score, path, placement)
    read = pretty_midi.PrettyMIDI(str(path))
    assert [line.name for line in read.instruments] == ["melody", "counter", "harmony"]
    for line, part in zip(read.instruments, score.parts, strict=True):
        found = sorted((note.start, note.end, note.pitch, note.velocity) for note in line.notes)
        wanted = sorted((n.start, n.start + n.duration, n.pitch, n.velocity) for n in part.notes)
        assert [row[2:] for row in found] == [row[2:] for row in wanted]
        for row, want in zip(found, wanted, strict=True):
            assert row[:2] == pytest.approx([float(x) for x in want[:2]], abs=6e-4)
    other = symusic.Score(path)
    assert [track.name for track in other.tracks] == ["melody", "counter", "harmony"]
    assert [len(track.notes) for track in other.tracks] == [len(part.notes) for part in score.parts]
    assert read.get_end_time() <= float(score.duration) + 1e-6


def test_bar_lines_fall_on_the_grids_downbeats(score: Score, placement: Placement) -> None:
    read = pretty_midi.PrettyMIDI(io.BytesIO(midi.to_bytes(score, placement)))
    downbeats = [time for time in read.get_downbeats() if time >= 0.2]
    assert downbeats[:2] == pytest.approx([float(score.grid.beat_times[0]), float(score.grid.beat_times[4])], abs=1e-4)


def test_pickup_gets_a_bar_of_its_own() -> None:
    grid = BeatGrid(tuple(Fraction(beat, 2) for beat in range(12)), (3, 4), 2)
    track = mido.MidiFile(file=io.BytesIO(midi.to_bytes(empty(grid)))).tracks[0]
    now, bars = 0, []
    for message in track:
        now += message.time
        if message.type == "time_signature":
            bars.append((now // midi.TICKS_PER_BEAT, message.numerator, message.denominator))
    assert bars == [(0, 2, 4), (2, 3, 4)]


def test_conductor_track(score: Score, placement: Placement) -> None:
    markers = [CueMarker(Fraction(0), "Shot 1"), CueMarker(score.grid.beat_times[4], "Hit: cut – Ö")]
    data = midi.to_bytes(score, placement, markers)
    assert data == midi.to_bytes(score, placement, markers)
    track = mido.MidiFile(file=io.BytesIO(data), charset="utf-8").tracks[0]
    by_kind = {message.type: message for message in track}
    assert track[0].name == "1m01"
    assert by_kind["key_signature"].key == "Am"
    offset = by_kind["smpte_offset"]
    assert (offset.frame_rate, offset.hours, offset.minutes, offset.seconds, offset.frames) == (24, 1, 1, 0, 0)
    assert [message.text for message in track if message.type == "marker"] == ["Shot 1", "Hit: cut – Ö"]
    read = pretty_midi.PrettyMIDI(io.BytesIO(data))
    assert read.get_tempo_changes()[1][-1] == pytest.approx(97, abs=0.01)


@pytest.mark.parametrize(
    ("rate", "drop", "frame", "wanted"),
    [
        (Fraction(25), False, 90_000, (25, 1, 0, 0, 0, 0)),
        (Fraction(30000, 1001), True, 107_892, (29.97, 1, 0, 0, 0, 0)),
        (Fraction(30000, 1001), False, 108_000, (30, 1, 0, 0, 0, 0)),
        (Fraction(50), False, 180_003, (25, 1, 0, 0, 1, 50)),
        (Fraction(60000, 1001), True, 215_784, (29.97, 1, 0, 0, 0, 0)),
        (Fraction(60000, 1001), False, 216_005, (30, 1, 0, 0, 2, 50)),
    ],
)
def test_smpte_offset_at_every_rate(
    score: Score, rate: Fraction, drop: bool, frame: int, wanted: tuple[float, ...]
) -> None:
    data = midi.to_bytes(score, Placement(rate, frame, drop, 0, 100))
    track = mido.MidiFile(file=io.BytesIO(data)).tracks[0]
    m = next(message for message in track if message.type == "smpte_offset")
    assert (m.frame_rate, m.hours, m.minutes, m.seconds, m.frames, m.sub_frames) == wanted


@given(
    st.fractions(Fraction(40), Fraction(220)),
    st.integers(2, 400),
    st.fractions(Fraction(0), Fraction(99, 100)),
)
@settings(max_examples=40, deadline=None)
def test_tempo_map_follows_the_grid(bpm: Fraction, beats: int, first: Fraction) -> None:
    beat = 60 / bpm
    grid = BeatGrid(tuple(first * beat + beat * index for index in range(beats + 1)), (4, 4))
    file = mido.MidiFile(file=io.BytesIO(midi.to_bytes(empty(grid))))
    tick, seconds, tempo, at = 0, Fraction(0), 500_000, {}
    for message in file.tracks[0]:
        seconds += Fraction(message.time * tempo, midi.TICKS_PER_BEAT * 1_000_000)
        tick += message.time
        at[tick] = seconds
        if message.type == "set_tempo":
            tempo = message.tempo
    assert abs(at[tick] - grid.beat_times[-1]) < Fraction(1, 5000)


@pytest.mark.parametrize(
    ("key", "wanted"),
    [("A minor", "Am"), ("Bb major", "Bb"), ("F#m", "F#m"), ("G# major", "Ab"), ("Db minor", "C#m"), ("C", "C"),
     ("Eb minor", "Ebm"), ("D# minor", "Ebm"), ("Gb major", "Gb"), ("A# minor", "Bbm"), ("E♭ major", "Eb")],
)  # fmt: skip
def test_keys(key: str, wanted: str) -> None:
    assert midi.key_signature(key) == wanted
    mido.MetaMessage("key_signature", key=wanted)


def test_no_key_is_told(score: Score) -> None:
    with pytest.raises(RequestError, match="H minor"):
        midi.to_bytes(replace(score, key="H minor"))


def test_stems_are_a_second_content(score: Score) -> None:
    read = pretty_midi.PrettyMIDI(io.BytesIO(midi.to_bytes(score, content="stems")))
    assert {line.name for line in read.instruments} == {stem.name for stem in score.stems if stem.notes}
    assert [line.program for line in read.instruments][:1] == [score.stems[0].program]
    assert all(line.control_changes for line in read.instruments if line.name == "pad")
