"""What the player mixes: files read as they lie, gains, ducking."""

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shotscore_engine.errors import MediaError
from shotscore_ui.sound import SAMPLE_RATE, Music, Track, Wave, audible, duck_envelope, load


def write_wave(path: Path, values: np.ndarray, bits: int, extra: bytes = b"") -> Path:
    """Whole numbers (n, channels) as a WAV file, `extra` chunks before the sound."""
    channels = values.shape[1]
    wide = values.astype("<i4")
    raw = wide.view(np.uint8).reshape(*values.shape, 4)[..., : bits // 8].tobytes()
    form = struct.pack(
        "<HHIIHH", 1, channels, SAMPLE_RATE, SAMPLE_RATE * channels * bits // 8, channels * bits // 8, bits
    )
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + extra + b"data" + struct.pack("<I", len(raw)) + raw
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    return path


@pytest.mark.parametrize("bits", [16, 24, 32])
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_are_read_exactly(tmp_path: Path, bits: int, channels: int) -> None:
    top = 2 ** (bits - 1)
    values = np.array([[0], [1], [-1], [top - 1], [-top], [12345]]).repeat(channels, axis=1)
    wave = Wave(write_wave(tmp_path / "a.wav", values, bits, b"bext" + struct.pack("<I", 3) + b"abc\0"))
    assert wave.samples == 6
    wanted = (values / top).astype(np.float32)
    assert np.array_equal(wave.block(0, 6), np.broadcast_to(wanted, (6, 2)) if channels == 1 else wanted)


@given(start=st.integers(-20, 30), count=st.integers(1, 40))
def test_outside_the_file_is_silence(tmp_path_factory: pytest.TempPathFactory, start: int, count: int) -> None:
    path = tmp_path_factory.mktemp("waves") / "a.wav"
    wave = Wave(write_wave(path, np.full((10, 2), 2**14), 16))
    block = wave.block(start, count)
    inside = np.array([0 <= sample < 10 for sample in range(start, start + count)])
    assert block.shape == (count, 2)
    assert (block[inside] == 0.5).all()
    assert (block[~inside] == 0).all()


def test_a_mix_is_the_sum_of_its_stems_by_their_gains(tmp_path: Path) -> None:
    one = Wave(write_wave(tmp_path / "one.wav", np.full((100, 2), 2**13), 16))
    two = Wave(write_wave(tmp_path / "two.wav", np.full((100, 2), 2**12), 16))
    music = Music({"one": Track(one, 0), "two": Track(two, 50)}, {"one": 0.5})
    block = music.block(0, 100)
    assert np.allclose(block[:50], 0.125)
    assert np.allclose(block[50:], 0.25)
    music.level = 0.0
    assert not music.block(0, 100).any()


def test_solo_silences_the_others_and_mute_wins() -> None:
    strips = [("melody", False, True, -6.0), ("bass", False, False, 0.0), ("pad", True, True, 0.0)]
    assert audible(strips) == {"melody": pytest.approx(0.5012, abs=1e-4), "bass": 0.0, "pad": 0.0}
    assert audible([("melody", False, False, 0.0), ("pad", True, False, 0.0)]) == {"melody": 1.0, "pad": 0.0}


def test_music_steps_back_under_speech(tmp_path: Path) -> None:
    seconds = 10
    wave = Wave(write_wave(tmp_path / "a.wav", np.full((seconds * SAMPLE_RATE, 1), 2**14), 16))
    music = Music({"a": Track(wave, 0)}, duck=duck_envelope([(100, 125)], 250, Fraction(25)))
    under, before = music.block(round(4.5 * SAMPLE_RATE), 10), music.block(SAMPLE_RATE, 10)
    assert before[0, 0] == 0.5
    assert 20 * np.log10(under[0, 0] / before[0, 0]) == pytest.approx(-9, abs=0.01)


def test_tracks_begin_on_their_frame(tmp_path: Path) -> None:
    path = write_wave(tmp_path / "a.wav", np.full((10, 2), 2**14), 16)
    track = load({"a": path}, 30, Fraction(30000, 1001))["a"]
    assert track.start_sample == 48048


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a WAV"),
        (b"RIFF\0\0\0\0WAVE", "no sound"),
        (
            b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", 3, 2, 48000, 0, 8, 32) + b"data\0\0\0\0",
            "not ours",
        ),
    ],
)
def test_other_files_are_refused(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    with pytest.raises(MediaError, match=words):
        Wave(path)
