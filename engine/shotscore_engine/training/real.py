"""Real music as the metrics take it: POP909's songs, whole or as pieces of 32 bars.

A piece begins with the bar of the song's first note and has 128 beats (32 bars of 4/4); a shorter song gives what whole
bars it has, at least 8.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..grid import STEPS_PER_BEAT
from ..metrics.piece import START, Piece
from .data import Song, load_pop909

PIECE_BEATS = 128
"""32 bars of 4/4."""
FEWEST_BEATS = 32


def song_ids(folder: Path) -> list[str]:
    """The songs of a folder laid out as POP909 (NNN/NNN.mid), in order.

    Raises InputError where there is none.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; name the one that holds POP909's songs as NNN/NNN.mid.")
    ids = sorted(p.name for p in folder.iterdir() if p.name.isdigit() and (p / f"{p.name}.mid").is_file())
    if not ids:
        raise InputError(f"{folder} holds no song as NNN/NNN.mid; unpack POP909 there.")
    return ids


def whole(song: Song) -> Piece:
    """The song with all its beats."""
    downbeats = np.flatnonzero(song.bar_position == 0)
    per_bar = max(1, int(np.bincount(song.beats_per_bar).argmax()))
    return Piece(song.notes, song.beat_times, per_bar, int(downbeats[0]) if len(downbeats) else 0)


def first_beat(song: Song) -> int:
    """The beat at which the song's piece begins: the downbeat of the bar with its first note."""
    beat = int(song.notes[:, START].min()) // STEPS_PER_BEAT
    return max(0, beat - int(song.bar_position[beat]))


def excerpt(song: Song, beats: int = PIECE_BEATS) -> Piece:
    """The song's piece of at most `beats` beats, whole bars of 4/4.

    Raises InputError where the song has less than 8 bars.
    """
    begin = first_beat(song)
    length = min(beats, (song.beats - begin) // 4 * 4)
    if length < FEWEST_BEATS:
        raise InputError(f"Song {song.id} has {length} beats; at least {FEWEST_BEATS} are needed: leave it out.")
    return whole(song).cut(begin, length)


def real_pieces(folder: Path, ids: Sequence[str], beats: int = PIECE_BEATS) -> Iterator[tuple[str, Piece]]:
    """(id, piece) of every named song, in order."""
    for song_id in ids:
        yield song_id, excerpt(load_pop909(folder / song_id), beats)
