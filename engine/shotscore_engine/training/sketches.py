"""The bank of chord loops and grooves: `python -m shotscore_engine.training.sketches SONGS.npz`."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..leadsheet import GROOVE_WIDTH, LOOP_BARS, Bank, simplified, transposed
from ..tempo import STEPS_PER_BEAT
from .data import Song, load_songs
from .hearing import hear_chords, hear_groove
from .latents import canonical_shift
from .pairs import curves, measure_scale, share, smooth
from .split import split_of

PASSAGE_BEATS = 128
FEWEST_SONGS = 2
"""A loop that only one song has stays its own."""


def _loops(song: Song, chords: NDArray[np.int64]) -> tuple[list[tuple[tuple[int, ...], bool]], list[tuple[int, int]]]:
    """The song's four-bar loops with their mode, and which of them follow each other inside a phrase."""
    downbeats = np.flatnonzero((song.bar_position == 0) & (song.beats_per_bar == 4))
    found: list[tuple[tuple[int, ...], bool]] = []
    follows: list[tuple[int, int]] = []
    begins = np.unique(song.section_start[song.section_start >= 0])
    if not len(begins):
        begins = downbeats[:: 2 * LOOP_BARS].astype(np.int32)
    ends = [*begins[1:].tolist(), song.beats]
    for begin, end in zip(begins.tolist(), ends, strict=True):
        bars = downbeats[(downbeats >= begin) & (downbeats + 4 <= end)]
        inside = []
        for first in range(0, len(bars) - LOOP_BARS + 1, LOOP_BARS):
            at = bars[first : first + LOOP_BARS]
            if (np.diff(at) != 4).any():
                break
            row = tuple(int(chords[beat + half]) for beat in at for half in (0, 2))
            inside.append(len(found))
            found.append((row, bool(song.minor[at[0]])))
        follows += pairwise(inside)
    return found, follows


def _passages(song: Song) -> Iterator[tuple[int, Song]]:
    """(first beat, the song's beats from there) for passages of `PASSAGE_BEATS` in bars of four beats."""
    if np.bincount(song.beats_per_bar).argmax() != 4:
        return
    for first in np.flatnonzero(song.bar_position == 0)[:: PASSAGE_BEATS // 4].tolist():
        last = first + PASSAGE_BEATS
        begins = song.notes[:, 1] // STEPS_PER_BEAT
        notes = song.notes[(begins >= first) & (begins < last)].copy()
        if last > song.beats or len(notes) < PASSAGE_BEATS:
            continue
        notes[:, 1:3] -= first * STEPS_PER_BEAT
        beats = {
            name: getattr(song, name)[first:last]
            for name in ("bar_position", "beats_per_bar", "tonic", "minor", "section", "section_start")
        }
        yield first, replace(song, notes=notes, beat_times=song.beat_times[first : last + 1], **beats)


def build(songs: Sequence[Song]) -> Bank:
    """The bank of `songs`, of one corpus."""
    measured = [curves(song) for song in songs]
    scale = measure_scale(measured)
    of_song = []
    for song in songs:
        chords = simplified(transposed(hear_chords(song), canonical_shift(song)))
        of_song.append(_loops(song, chords))
    owners = Counter(row for found, _ in of_song for row in {row for row, _ in found})
    kept = sorted(row for row, count in owners.items() if count >= FEWEST_SONGS)
    number = {row: i for i, row in enumerate(kept)}
    in_mode = np.zeros((2, len(kept)))
    following: Counter[tuple[int, int]] = Counter()
    for found, follows in of_song:
        for row, minor in found:
            if row in number:
                in_mode[int(minor), number[row]] += 1
        following.update(
            (number[found[a][0]], number[found[b][0]])
            for a, b in follows
            if found[a][0] in number and found[b][0] in number
        )
    passages = [
        (
            hear_groove(part),
            np.log2(np.median(c.bpm[first : first + PASSAGE_BEATS])),
            full[first : first + PASSAGE_BEATS],
        )
        for song, c in zip(songs, measured, strict=True)
        for full in [share(smooth(c.onsets, 4), scale.density)]
        for first, part in _passages(song)
    ]
    return Bank(
        np.array(kept, np.int64).reshape(-1, 2 * LOOP_BARS),
        in_mode[0],
        in_mode[1],
        np.array([(a, b, count) for (a, b), count in sorted(following.items())], np.int64).reshape(-1, 3),
        np.array([groove[:4] for groove, _, _ in passages], np.float32).reshape(-1, 4, GROOVE_WIDTH),
        np.array([bpm for _, bpm, _ in passages], np.float32),
        np.array([density.mean() for _, _, density in passages], np.float32),
    )


def main(arguments: list[str]) -> None:
    """Writes the bank of POP909's training songs and says what it holds."""
    songs = [s for s in load_songs(Path(arguments[0])) if s.corpus == "pop" and split_of(s.id) == "train"]
    bank = build(songs)
    bank.save()
    loops, following, grooves = len(bank.loops), len(bank.following), len(bank.grooves)
    print(f"{loops} loops of {len(songs)} songs, {following} successions, {grooves} grooves")


if __name__ == "__main__":
    main(sys.argv[1:])
