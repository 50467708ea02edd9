"""Figures, the listening page, BGM909's notes and the reader of Musicnn's checkpoint."""

import io
import json
import pickle
import random
import re
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from shotscore_engine.errors import InputError, ModelError
from shotscore_engine.features.language import STYLES
from shotscore_engine.grid import BeatGrid
from shotscore_engine.metrics.piece import from_rows, volume_curve
from shotscore_engine.training import bgm909, figures, pickled_arrays
from shotscore_engine.training.bgm909 import Entry, read_metadata, read_notes, read_sample, song_numbers
from shotscore_engine.training.export_musicnn import read_checkpoint, read_package

from tests.fuzz.mutate import bytes_of

# --- BGM909 -----------------------------------------------------------------------------------------------------

TRACKS = (
    [[0, 72, 4, 90, 0], [4, 74, 12, 88, 0]],
    [[2, 60, 2, 60, 0]],
    [[0, 48, 16, 70, 0], [16, 50, 16, 70, 0], [120, 52, 8, 71, 0]],
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Song 002 in the published layout, 32 beats, its video 16 s; song 034 is there and left out."""
    for folder in ("new_raw_video_feats", "caption_feats", "detection", "notes"):
        (tmp_path / folder).mkdir()
    tracks = np.empty(3, object)
    tracks[:] = [np.array(track) for track in TRACKS]
    for name in ("002", "034"):
        torch.save(torch.arange(160).float()[:, None].repeat(1, 512), tmp_path / "new_raw_video_feats" / f"{name}.pth")
        np.save(tmp_path / "caption_feats" / f"{name}.npy", np.repeat(np.arange(2.0)[:, None], 768, axis=1))
        (tmp_path / "detection" / f"{name}_scenes.txt").write_text("0 99\n100 399\n")
        np.savez(
            tmp_path / "notes" / f"{name}.npz", notes=tracks, start_table=np.arange(3), db_pos=np.array([0, 16, 32]),
            db_pos_filter=np.array([True, False, False]), chord=np.tile(np.arange(14), (32, 1)),
        )  # fmt: skip
    return tmp_path


def test_a_song_of_bgm909_is_read_with_its_features_in_real_time(data: Path) -> None:
    assert song_numbers(data, data / "notes") == [2]
    sample = read_sample(data, data / "notes", 2)
    assert sample.id == "002"
    assert sample.grid.beats == 32
    assert sample.grid.beat_times[-1] == 16
    assert sample.roll.onset.sum(axis=(1, 2)).tolist() == [2, 1, 3]
    assert sample.roll.velocity[0, 4, 74] == 88
    assert sample.roll.sustain[2, 1:16, 48].all()
    assert sample.sample_steps.tolist() == [0]
    assert sample.chord.shape == (32, 14)
    assert sample.features.visual.shape == (32, 512)
    assert sample.features.shot_of_beat.tolist() == [0] * 8 + [1] * 24
    assert [s.id for s in bgm909.read_samples(data, data / "notes")] == ["002"]


def test_given_beats_win_over_even_ones(data: Path) -> None:
    grid = BeatGrid(tuple(Fraction(beat) for beat in range(33)), (4, 4))
    assert read_sample(data, data / "notes", 2, grid=grid).features.shot_of_beat.tolist()[:5] == [0, 0, 0, 0, 1]
    with pytest.raises(InputError, match="32 beats"):
        read_sample(data, data / "notes", 2, grid=BeatGrid(grid.beat_times[:9], (4, 4)))


def test_left_out_songs_stay_out(data: Path) -> None:
    with pytest.raises(InputError, match="leaves out"):
        read_sample(data, data / "notes", 34)


class _Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("__import__('pathlib').Path('trapped').touch()",)


def test_a_pickled_class_is_never_made(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trap = np.empty(3, object)
    trap[:] = [_Trap(), _Trap(), _Trap()]
    np.savez(data / "notes" / "005.npz", notes=trap, db_pos=np.arange(1), db_pos_filter=np.ones(1, bool),
             chord=np.zeros((4, 14)))  # fmt: skip
    with pytest.raises(InputError, match="eval' is no array"):
        read_notes(data / "notes" / "005.npz")
    assert not Path("trapped").exists()
    with pytest.raises(ValueError, match="eval"):
        pickled_arrays.read(pickle.dumps(_Trap()))


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_pickled_arrays_are_read_back_without_unpickling(protocol: int) -> None:
    """Types, byte orders, shapes, equal members; protocol 2 writes bytes as a call of a codec, which is refused."""
    tracks = np.empty(4, object)
    shared = np.arange(6, dtype=">i4").reshape(2, 3)
    tracks[:] = [shared, np.asfortranarray(np.eye(3)), np.zeros((0, 5), np.int64), shared]
    data = pickle.dumps(tracks, protocol)
    if protocol == 2:
        with pytest.raises(ValueError, match="encode"):
            pickled_arrays.read(data)
        return
    again = pickled_arrays.read(data)
    assert again.shape == (4,)
    for one, other in zip(again, tracks, strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert np.array_equal(one, other)


def test_spoiled_pickles_are_read_or_refused() -> None:
    """NumPy's own loader, with only its array maker to call, ended the process on some of these."""
    tracks = np.empty(2, object)
    tracks[:] = [np.arange(20).reshape(4, 5), np.arange(10).reshape(2, 5)]
    data = pickle.dumps(tracks, 4)
    refused = 0
    for seed in range(400):
        try:
            assert pickled_arrays.read(bytes_of(random.Random(seed), data)).size < 1000
        except ValueError:
            refused += 1
    assert refused > 200


@pytest.mark.parametrize("content", [b"", b"no zip"])
def test_notes_that_are_none_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "001.npz").write_bytes(content)
    with pytest.raises(InputError, match="not a readable"):
        read_notes(tmp_path / "001.npz")
    np.savez(tmp_path / "002.npz", notes=np.zeros((2, 4, 5)))
    with pytest.raises(InputError, match="no usable array 'db_pos'"):
        read_notes(tmp_path / "002.npz")


def test_the_metadata_table(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("id,style,title,year\n2,Folk,Out in the fields,1999\n014,Pop,,\n")
    assert read_metadata(table) == (Entry("002", "Folk", "Out in the fields"), Entry("014", "Pop", ""))
    table.write_text("id,style,title\nx,Folk,Y\n")
    with pytest.raises(InputError, match="Line 2"):
        read_metadata(table)


# --- figures ----------------------------------------------------------------------------------------------------


def pixels(png: bytes) -> np.ndarray:
    from matplotlib.image import imread

    return np.asarray(imread(io.BytesIO(png)))


def colour_share(image: np.ndarray, colour: str) -> float:
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return float((np.abs(image[..., :3] - wanted).max(axis=-1) < 0.02).mean())


def test_figure_1_gives_a_style_the_share_it_has() -> None:
    entries = [Entry(f"{i:03}", "Folk" if i < 6 else "Pop", "") for i in range(8)]
    image = pixels(figures.figure_1(entries))
    folk, pop = (colour_share(image, figures._STYLE_COLOURS[i]) for i in (1, 0))
    assert folk / pop == pytest.approx(3, rel=0.25)
    with pytest.raises(InputError, match="no lines"):
        figures.figure_1([])


def test_own_styles_are_the_eight() -> None:
    assert {entry.style for entry in figures.own_styles()} == set(STYLES)


def test_figure_2_shows_every_part() -> None:
    rows = [(part, 4 * i, 4 * i + 4, 48 + 12 * part, 80) for part in range(3) for i in range(32)]
    shots = np.repeat(np.arange(4), 8).astype(np.int32)
    frames = tuple(np.full((90, 160, 3), 40 * i, np.uint8) for i in range(4))
    sample = figures.SampleFigure(
        "title", from_rows(rows, 32), shots, ("one", "two", "three", "four"), "Folk", (("key", "C major"),), frames
    )
    image = pixels(figures.figure_2(sample))
    shares = [colour_share(image, colour) for colour in figures._PART_COLOURS]
    assert min(shares) > 0.004


def test_figures_3_and_4_are_drawn() -> None:
    volume = volume_curve(from_rows([(0, 4 * i, 4 * i + 2, 60, 90) for i in range(32)], 32))
    assert colour_share(pixels(figures.figure_3([(1000, volume), (400, volume), (0, volume)])), "#f18f01") > 0.001
    times = np.linspace(1000, 0, 13).tolist()
    image = pixels(figures.figure_4(times, np.linspace(0.4, 0.2, 13)[None].repeat(3, 0), 0.19, 200))
    assert colour_share(image, "#3d6fb6") > 0.001


def test_the_listening_page_is_blind(tmp_path: Path) -> None:
    real = from_rows([(0, 4 * i, 4 * i + 4, 60 + i, 80) for i in range(8)], 8)
    made = from_rows([(0, 4 * i, 4 * i + 4, 80 - i, 20) for i in range(8)], 8)
    pairs = [("song <1>", real, made), ("song 2", real, made), ("song 3", real, made), ("song 4", real, made)]
    page = figures.write_listening_page(tmp_path, pairs).read_text()
    assert "song &lt;1&gt;" in page
    sounds = sorted(p.name for p in (tmp_path / "sounds").iterdir())
    assert sounds == [f"pair_{n:02}_{letter}.wav" for n in range(1, 5) for letter in "ab"]
    assert not re.search("(?i)generated_|real_", page)
    answers = json.loads(re.search(r"const real = (\[[^]]*\])", page)[1])  # type: ignore[index]
    assert set(answers) <= {0, 1}
    # The real piece of the first pair is the file the answer names, whatever loudness it was played with.
    same = (tmp_path / "sounds" / f"pair_01_{'ab'[answers[0]]}.wav").read_bytes()
    again = (tmp_path / "sounds" / f"pair_02_{'ab'[answers[1]]}.wav").read_bytes()
    assert same == again
    levels = []
    for letter in "ab":
        samples = np.frombuffer((tmp_path / "sounds" / f"pair_01_{letter}.wav").read_bytes()[44:], "<i2") / 32768
        levels.append(np.sqrt(np.mean(samples**2)))
    assert levels[0] == pytest.approx(levels[1], rel=0.1)
    with pytest.raises(InputError, match="no pairs"):
        figures.write_listening_page(tmp_path, [])


# --- Musicnn's checkpoint ---------------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """A LevelDB block: each key without the prefix it shares with the one before, one restart, no compression."""
    out, before = b"", b""
    for key, value in entries:
        shared = 0
        while shared < min(len(key), len(before)) and key[shared] == before[shared]:
            shared += 1
        out += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return out + struct.pack("<II", 0, 1)


def checkpoint(variables: dict[str, np.ndarray]) -> tuple[bytes, bytes]:
    """(index, data) as TensorFlow writes them."""
    data, entries = b"", [(b"", b"\x08\x01")]
    for name, array in sorted(variables.items()):
        dims = b"".join(b"\x12" + varint(len(d)) + d for d in (b"\x08" + varint(n) for n in array.shape))
        raw = array.astype("<f4").tobytes()
        entry = b"\x08\x01\x12" + varint(len(dims)) + dims
        if data:
            entry += b"\x20" + varint(len(data))
        entries.append((name.encode(), entry + b"\x28" + varint(len(raw)) + b"\x35" + b"\0\0\0\0"))
        data += raw
    first = block(entries)
    middle = block([(b"~", varint(0) + varint(len(first)))])
    index = first + b"\0" + bytes(4) + middle + b"\0" + bytes(4)
    handles = varint(0) + varint(0) + varint(len(first) + 5) + varint(len(middle))
    return index + handles.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57), data


def test_a_checkpoint_is_read_without_tensorflow() -> None:
    variables = {
        "conv2d/bias": np.arange(3.0), "conv2d/kernel": np.arange(24.0).reshape(2, 3, 1, 4),
        "conv2d_1/kernel": np.full((300, 2), 7.0),
    }  # fmt: skip
    found = read_checkpoint(*checkpoint(variables))
    assert found.keys() == variables.keys()
    for name, array in variables.items():
        np.testing.assert_array_equal(found[name], array)


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a TensorFlow checkpoint"):
        read_checkpoint(b"nothing", b"")
    with pytest.raises(ModelError, match="musicnn wheel"):
        read_package(tmp_path)
