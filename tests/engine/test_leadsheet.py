"""Chords and grooves: heard in songs, chosen for cues."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shotscore_engine.conditions import FRAME_SLICES, FrameCondition
from shotscore_engine.diffusion import recalled
from shotscore_engine.leadsheet import (
    NO_CHORD,
    QUALITIES,
    choose_groove,
    chord_rows,
    chord_tones,
    load_bank,
    simplified,
    transposed,
    with_leadsheet,
    write_chords,
)
from shotscore_engine.training.data import Song
from shotscore_engine.training.hearing import hear_chords, hear_groove
from shotscore_engine.training.sketches import build

MAJOR, MINOR = list(QUALITIES).index(""), list(QUALITIES).index("m")


def chord(root: int, quality: int = MAJOR) -> int:
    return root * len(QUALITIES) + quality


def song_of(roots: list[tuple[int, int]], *, id: str = "001", bars: int = 1) -> Song:
    """A bar (of four beats) of quarter-note chords per root and quality, with a bass note an octave and more below."""
    notes = []
    for bar, (root, quality) in enumerate(roots * bars):
        for beat in range(4):
            start = (bar * 4 + beat) * 4
            notes.append((2, start, start + 4, 36 + root, 80))
            steps = list(QUALITIES.values())[quality]
            notes += [(2, start, start + 4, 60 + (root + step) % 12, 70) for step in steps]
    beats = len(roots) * bars * 4
    in_bar = np.tile(np.arange(4, dtype=np.int8), beats // 4)
    return Song(
        id, "pop", np.array(notes, np.int32), np.arange(beats + 1) * 0.5, in_bar,
        np.full(beats, 4, np.int8), np.zeros(beats, np.int8), np.zeros(beats, bool), np.zeros(beats, np.int16),
        np.zeros(beats, np.int32),
    )  # fmt: skip


LOOP = [(0, MAJOR), (7, MAJOR), (9, MINOR), (5, MAJOR)]


def test_a_bar_of_each_chord_is_heard() -> None:
    everything = [(root, quality) for root in range(12) for quality in range(len(QUALITIES))]
    heard = hear_chords(song_of(everything))[::4]
    # A chord with a sixth in it and one with a seventh can be the same notes; their bass tells them apart.
    assert heard.tolist() == [chord(root, quality) for root, quality in everything]


def test_a_groove_says_where_notes_begin() -> None:
    groove = hear_groove(song_of(LOOP))
    assert groove.shape == (8, 8)
    np.testing.assert_array_equal(groove[:4, 4:], np.tile([1, 0, 0, 0], (4, 1)))
    assert not groove[:, :4].any(), "no melody plays"
    assert not groove[4:].any(), "the bar has four beats"


@given(st.lists(st.integers(NO_CHORD, 12 * len(QUALITIES) - 1), min_size=1), st.integers(-12, 12))
def test_transposing_moves_every_pitch_class(chords: list[int], semitones: int) -> None:
    before, after = np.array(chords), transposed(np.array(chords), semitones)
    np.testing.assert_array_equal(chord_rows(after)[:, :12], np.roll(chord_rows(before)[:, :12], semitones, axis=1))
    np.testing.assert_array_equal(transposed(after, -semitones), before)


def test_without_sevenths_the_triad_stays() -> None:
    chords = np.arange(12 * len(QUALITIES))
    tones, triads = chord_tones(), chord_tones()[simplified(chords)]
    assert (triads.sum(axis=1) == 3).all()
    assert (triads <= tones).all()
    assert simplified(np.array([NO_CHORD])) == NO_CHORD


def test_a_loop_of_one_song_is_not_in_the_bank() -> None:
    own = [(0, MAJOR), (1, MAJOR), (2, MAJOR), (3, MAJOR)]
    songs = [song_of(LOOP, id="001", bars=2), song_of(LOOP, id="002"), song_of(own, id="003")]
    bank = build(songs)
    assert bank.loops.tolist() == [[chord(*place) for place in LOOP for _ in range(2)]]
    assert bank.in_major.tolist() == [3]
    assert bank.following.tolist() == [[0, 0, 1]]


@pytest.mark.parametrize("minor", [False, True])
def test_a_letter_brings_its_chords_back(minor: bool) -> None:
    section, position = np.repeat([0, 1, 0], 32), np.tile(np.arange(32), 3)
    chords = write_chords(section, position, 4, minor=minor, seed=5)
    np.testing.assert_array_equal(chords[:32][:28], chords[64:92])
    assert (chords[-4:] == (chord(9, MINOR) if minor else chord(0))).all(), "it ends at home"
    others = [write_chords(section, position, 4, minor=minor, seed=seed) for seed in range(8)]
    assert len({tuple(other) for other in others}) > 4


def test_a_groove_is_of_like_tempo() -> None:
    bank = load_bank()
    rows = choose_groove(np.arange(8) % 4, 4, 74.0, 0.5, seed=1)
    assert rows is not None
    # It is surer than the passage it was heard in, on the same side of one half everywhere.
    odds = np.cbrt(rows[:4] / (1 - rows[:4]))
    heard = np.abs(np.clip(bank.grooves, 0.02, 0.98) - odds / (1 + odds)).max(axis=(1, 2)) < 1e-4
    found = np.flatnonzero(heard)
    assert (
        np.abs(rows - 0.5) >= np.abs(np.clip(bank.grooves[found[0]], 0.02, 0.98)[np.arange(8) % 4] - 0.5) - 1e-6
    ).all()
    assert (np.abs(bank.log_bpm[found] - np.log2(74)) < 0.3).any()
    assert choose_groove(np.arange(6) % 3, 3, 74.0, 0.5, seed=1) is None


def frame(beats: int = 64) -> FrameCondition:
    count = np.arange(beats)
    return FrameCondition(
        count % 4, np.full(beats, 4), bpm=np.full(beats, 90, np.float32), minor=np.zeros(beats, bool),
        key_offset=np.zeros(beats, np.int64), density=np.full(beats, 0.5, np.float32), section=count // 32,
        phrase_position=count % 32, phrase_left=32 - count % 32,
    )  # fmt: skip


def test_the_frame_hears_the_leadsheet_and_can_be_without() -> None:
    plain = frame()
    told = with_leadsheet(plain, 3)
    rows = told.matrix()
    assert rows[:, FRAME_SLICES["chords"]][:, -1].all()
    assert rows[:, FRAME_SLICES["groove"]][:, -1].all()
    np.testing.assert_array_equal(told.without("chords", "groove").matrix(), plain.matrix())
    assert with_leadsheet(plain.without("mode", "tempo"), 3).chords is None


def test_a_modulation_moves_its_chords() -> None:
    plain = frame()
    moved = FrameCondition(**{**vars(plain), "key_offset": np.repeat([0, 2], 32)})
    first, second = with_leadsheet(plain, 3).chords, with_leadsheet(moved, 3).chords
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(second[:32], first[:32])
    np.testing.assert_array_equal(second[32:], transposed(first[32:], 2))


def test_returning_noise_stays_normal_and_alike() -> None:
    rng = np.random.default_rng(0)
    places = np.concatenate([np.arange(500), np.arange(500), np.full(500, -1)])
    noise = rng.standard_normal((1500, 72), dtype=np.float32)
    out = recalled(noise, places, 0.9)
    assert abs(float(out.std()) - 1) < 0.01
    assert np.corrcoef(out[:500].ravel(), out[500:1000].ravel())[0, 1] == pytest.approx(0.9**0.5, abs=0.01)
    np.testing.assert_array_equal(out[1000:], noise[1000:])
    np.testing.assert_array_equal(recalled(noise, places, 0.0), noise)
