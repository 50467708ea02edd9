"""BGM909 in its published layout: the paper's own pairs of video features and music.

    FOLDER/new_raw_video_feats/NNN.pth   (frames, 512) VideoCLIP features
    FOLDER/caption_feats/NNN.npy         (n, 768) BERT features of the captions
    FOLDER/detection/NNN_scenes.txt      a line a shot
    NOTES/NNN.npz                        POP909 on a sixteenth grid: `notes`, three tracks (melody, bridge, piano) of
                                         (n, 4 or 5) onset step, pitch, length in steps, velocity (, program);
                                         `db_pos` downbeat steps and `db_pos_filter` which of them open a whole sample
                                         of 128 steps; `chord` (beats, 14)
    METADATA.csv                         id, style, title: the style is an annotation the authors published no file for

The features are read by `features/paper.py`; songs 034, 203, 215, 254, 280 and 328 are left out there and here.

Tracks of different length are stored as pickled arrays. They are read by `pickled_arrays.py`, which makes arrays of
numbers and calls nothing: any other content is refused.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..features import BeatFeatures
from ..features.paper import LEFT_OUT, describe_paper, read_shots
from ..grid import STEPS_PER_BEAT, BeatGrid
from ..roll import PARTS, Roll, roll_of
from .pickled_arrays import read as read_pickled

SAMPLE_STEPS = 128
"""Eight bars of 4/4: the paper's sample."""
_LARGEST_ARRAY_BYTES = 64 << 20


@dataclass(frozen=True)
class Entry:
    """A line of the metadata table."""

    id: str
    """Three digits."""
    style: str
    title: str


@dataclass(frozen=True)
class Sample:
    """One song with its picture's features; T beats."""

    id: str
    roll: Roll
    """Three parts of 4 * T steps."""
    sample_steps: NDArray[np.int64]
    """Steps at which the paper's samples of 128 steps begin."""
    chord: NDArray[np.int32]
    """(T, 14): root, twelve pitch classes, bass, as stored."""
    grid: BeatGrid
    features: BeatFeatures
    """Language (T, 768), visual (T, 512), in real time."""


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> NDArray[Any]:
    """One array of an .npz, pickled or plain."""
    try:
        info = archive.getinfo(f"{name}.npy")
        if info.file_size > _LARGEST_ARRAY_BYTES:
            raise InputError(f"{path} holds {info.file_size >> 20} MiB of {name}; it is not read.")
        data = archive.read(info)
        file = io.BytesIO(data)
        version = np.lib.format.read_magic(file)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        _shape, _fortran, dtype = read_header(file)
        if dtype.hasobject:
            return read_pickled(file.read())
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))
    except (KeyError, ValueError, EOFError) as problem:
        raise InputError(
            f"{path} holds no usable array {name!r} ({problem}); it should be POP909 as .npz."
        ) from problem


def read_notes(path: Path) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    """(notes (N, 5): part, start, end, pitch, velocity), (steps at which samples begin), (chord (T, 14)).

    Raises InputError where the file is missing or of another layout.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as problem:
        raise InputError(f"{path} is not a readable .npz ({problem}).") from problem
    with archive:
        tracks, db_pos, whole, chord = (
            _member(archive, name, path) for name in ("notes", "db_pos", "db_pos_filter", "chord")
        )
    if len(tracks) != len(PARTS) or chord.ndim != 2 or chord.shape[1] != 14 or len(db_pos) != len(whole):
        raise InputError(
            f"{path} has {len(tracks)} tracks and chords of shape {chord.shape}; 3 and (beats, 14) are needed."
        )
    rows = []
    for part, track in enumerate(tracks):
        table = np.asarray(track, np.int64).reshape(len(track), -1)
        if len(table) and table.shape[1] < 4:
            raise InputError(
                f"Track {part} of {path} has {table.shape[1]} columns; onset, pitch, length, velocity are needed."
            )
        rows += [(part, o, o + max(1, d), p, v) for o, p, d, v in table[:, :4].tolist()] if len(table) else []
    notes = np.array(sorted(rows, key=lambda row: (row[1], row[0], row[3])), np.int32).reshape(-1, 5)
    return notes, np.asarray(db_pos, np.int64)[np.asarray(whole, bool)], np.asarray(chord, np.int32)


def read_metadata(path: Path) -> tuple[Entry, ...]:
    """The metadata table (id, style, title; more columns may follow). Raises InputError where a line lacks one."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise InputError(f"{path} cannot be read as a table: {problem}.") from problem
    entries = []
    for number, line in enumerate(lines, 2):
        values = [(line.get(name) or "").strip() for name in ("id", "style", "title")]
        if not values[0].isdecimal() or not values[1]:
            raise InputError(f"Line {number} of {path} lacks an id or a style; columns are id, style, title.")
        entries.append(Entry(f"{int(values[0]):03}", values[1], values[2]))
    if not entries:
        raise InputError(f"{path} has no lines; columns are id, style, title.")
    return tuple(entries)


def song_numbers(folder: Path, notes: Path) -> list[int]:
    """Songs that have notes, shots, captions and video features, in order, without those left out."""
    numbers = []
    for path in sorted(notes.glob("*.npz")):
        if not path.stem.isdecimal() or int(path.stem) in LEFT_OUT:
            continue
        needed = (
            folder / "new_raw_video_feats" / f"{path.stem}.pth",
            folder / "caption_feats" / f"{path.stem}.npy",
            folder / "detection" / f"{path.stem}_scenes.txt",
        )
        if all(file.is_file() for file in needed):
            numbers.append(int(path.stem))
    return numbers


def even_grid(beats: int, seconds: Fraction) -> BeatGrid:
    """4/4 with all beats alike over `seconds`: what the released code assumes, as the data set has no beat times."""
    return BeatGrid(tuple(seconds * beat / beats for beat in range(beats + 1)), (4, 4))


def read_sample(
    folder: Path, notes: Path, number: int, *, grid: BeatGrid | None = None, video_rate: Fraction = Fraction(25)
) -> Sample:
    """Song `number` with its features in real time.

    grid : the beats' times in the video; None spreads them evenly over it, as the released code does
    video_rate : frames per second of the video whose frames the shot list counts

    Raises InputError where the song is left out, missing or malformed, or the grid is shorter than its music.
    """
    name = f"{number:03}"
    table, begins, chord = read_notes(notes / f"{name}.npz")
    last = int(table[:, 2].max()) if len(table) else 0
    beats = max(len(chord), -(-last // STEPS_PER_BEAT))
    if grid is None:
        frames = read_shots(folder / "detection" / f"{name}_scenes.txt")[-1][1]
        grid = even_grid(beats, Fraction(frames) / video_rate)
    elif grid.beats < beats:
        raise InputError(f"Song {name} has {beats} beats, the grid only {grid.beats}; give the times of all of them.")
    features = describe_paper(folder, number, grid, video_rate=video_rate)
    padded = np.zeros((grid.beats, chord.shape[1]), np.int32)
    padded[: len(chord)] = chord
    return Sample(name, roll_of(table, grid.beats * STEPS_PER_BEAT), begins, padded, grid, features)


def read_samples(folder: Path, notes: Path) -> Iterator[Sample]:
    """Every complete song of the data set, in order."""
    for number in song_numbers(folder, notes):
        yield read_sample(folder, notes, number)
