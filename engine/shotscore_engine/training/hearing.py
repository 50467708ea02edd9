"""Chords and grooves heard in songs.

Chords: for each beat the pitch classes that sound (the melody counts half, the lowest sounding note more) are compared
with every chord, and the best path changes chords rather on downbeats and half bars than elsewhere (Viterbi). They are
heard in all corpora alike, as only POP909 has labels.
"""

import numpy as np
from numpy.typing import NDArray

from ..leadsheet import GROOVE_WIDTH, chord_tones
from ..tempo import STEPS_PER_BEAT
from .data import MELODY, Song

_CHANGE = {"downbeat": 0.25, "half": 0.4, "beat": 0.9}
"""What a change of chord costs, in shares of a beat's pitch classes."""
_ABSENT, _FOREIGN, _SEVENTH, _ROOT = 0.12, 0.8, 0.08, 0.35


def hear_chords(song: Song) -> NDArray[np.int64]:
    """(T,): the chord of every beat, in the song's own key."""
    steps = song.beats * STEPS_PER_BEAT
    change = np.zeros((steps + 1, 12))
    start, end = song.notes[:, 1], np.minimum(song.notes[:, 2], steps)
    weight = np.where(song.notes[:, 0] == MELODY, 0.5, 1.0)
    np.add.at(change, (start, song.notes[:, 3] % 12), weight)
    np.add.at(change, (end, song.notes[:, 3] % 12), -weight)
    sounding = np.maximum(np.cumsum(change, axis=0)[:-1], 0)
    chroma = sounding.reshape(song.beats, STEPS_PER_BEAT, 12).sum(axis=1)
    total = chroma.sum(axis=1, keepdims=True)
    chroma = np.divide(chroma, total, out=np.zeros_like(chroma), where=total > 0)
    lowest = np.full(steps, 128)
    for _, begin, until, pitch, _ in song.notes[song.notes[:, 0] != MELODY].tolist():
        lowest[begin:until] = np.minimum(lowest[begin:until], pitch)
    bass = np.zeros((song.beats, 12))
    heard = np.flatnonzero(lowest < 128)
    np.add.at(bass, (heard // STEPS_PER_BEAT, lowest[heard] % 12), 1 / STEPS_PER_BEAT)

    tones = chord_tones()
    size = tones.sum(axis=1)
    inside = chroma @ tones.T
    present = (chroma > 0.04) @ tones.T.astype(float)
    score = inside - _FOREIGN * (total > 0) * (1 - inside) - _ABSENT * (size - present) - _SEVENTH * (size > 3)
    score += _ROOT * np.repeat(bass, len(tones) // 12, axis=1)
    per_bar = np.maximum(song.beats_per_bar, 1)
    half = (song.bar_position * 2 == per_bar) & (per_bar % 2 == 0)
    price = np.where(song.bar_position == 0, _CHANGE["downbeat"], np.where(half, _CHANGE["half"], _CHANGE["beat"]))
    came_from = np.zeros((song.beats, len(tones)), np.int16)
    best = score[0].copy()
    stay = np.arange(len(tones))
    for beat in range(1, song.beats):
        leader = int(best.argmax())
        moved = best[leader] - price[beat]
        came_from[beat] = np.where(best >= moved, stay, leader)
        best = np.maximum(best, moved) + score[beat]
    path = np.empty(song.beats, np.int64)
    path[-1] = int(best.argmax())
    for beat in range(song.beats - 1, 0, -1):
        path[beat - 1] = came_from[beat, path[beat]]
    return path


def hear_groove(song: Song) -> NDArray[np.float32]:
    """(8, GROOVE_WIDTH): by beat of the bar, how often a melody note, and any other, begins in each sixteenth."""
    table = np.zeros((8, 2, STEPS_PER_BEAT), np.float32)
    for group in (0, 1):
        starts = np.unique(song.notes[(song.notes[:, 0] == MELODY) == (group == 0), 1])
        begins = np.zeros(song.beats * STEPS_PER_BEAT, bool)
        begins[starts[starts < len(begins)]] = True
        rows = begins.reshape(-1, STEPS_PER_BEAT)
        # Bars in which the group rests say nothing about its rhythm.
        bar = np.cumsum(song.bar_position == 0)
        plays = np.bincount(bar, rows.any(axis=1))[bar] > 0
        for position in range(8):
            at = (song.bar_position == position) & plays
            if at.any():
                table[position, group] = rows[at].mean(axis=0)
    return table.reshape(8, GROOVE_WIDTH)
