"""Rolls to notes and back, to the codec's rows and out of its logits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from shotscore_engine.roll import HIGHEST_PITCH, KEYS, LOWEST_PITCH, Roll, from_logits, notes_of, roll_of, to_beats

BEATS = 6
STEPS = BEATS * 4


@st.composite
def rolls(draw: st.DrawFn) -> Roll:
    """Any music on 24 steps: notes of one part and key never overlap."""
    count = draw(st.integers(0, 30))
    notes = []
    for _ in range(count):
        start = draw(st.integers(0, STEPS - 1))
        notes.append(
            (
                draw(st.integers(0, 2)),
                start,
                draw(st.integers(start + 1, STEPS)),
                draw(st.integers(LOWEST_PITCH, HIGHEST_PITCH)),
                draw(st.integers(1, 127)),
            )
        )
    return roll_of(np.array(notes, np.int64).reshape(-1, 5), STEPS)


def same(a: Roll, b: Roll) -> bool:
    return all(np.array_equal(getattr(a, n), getattr(b, n)) for n in ("onset", "sustain", "velocity"))


@given(rolls())
def test_notes_and_back_is_the_same_roll(roll: Roll) -> None:
    assert same(roll_of(notes_of(roll), STEPS), roll)


@given(rolls())
def test_sustain_never_stands_on_its_own_onset_and_velocity_only_there(roll: Roll) -> None:
    assert not (roll.onset & roll.sustain).any()
    assert np.array_equal(roll.velocity > 0, roll.onset)


@given(rolls(), st.integers(-3, 3))
def test_transposing_there_and_back(roll: Roll, semitones: int) -> None:
    assert same(roll.shifted(semitones).shifted(-semitones), roll)
    assert len(notes_of(roll.shifted(semitones))) == len(notes_of(roll))


@given(rolls())
def test_rows_of_the_codec_hold_every_note(roll: Roll) -> None:
    rows = to_beats(roll)
    assert rows.shape == (BEATS, 3, 3 * 4 * KEYS)
    onset = rows.reshape(BEATS, 3, 3, 4, KEYS)[:, :, 0]
    assert onset.sum() == roll.onset.sum()
    velocity = rows.reshape(BEATS, 3, 3, 4, KEYS)[:, :, 2]
    assert np.isclose(velocity.sum() * 127, roll.velocity.sum())


@given(rolls())
def test_confident_logits_give_the_roll_back_and_the_melody_one_voice(roll: Roll) -> None:
    layers = to_beats(roll).reshape(BEATS, 3, 3, 4, KEYS).transpose(2, 0, 1, 3, 4)
    onset, sustain = (np.where(layer > 0, 9.0, -9.0).astype(np.float32) for layer in layers[:2])
    out = from_logits(onset, sustain, layers[2].copy(), np.zeros((BEATS, 3, 4), np.float32))
    assert np.array_equal(out.onset[1:], roll.onset[1:])
    assert np.array_equal(out.sustain[1:], roll.sustain[1:])
    assert np.array_equal(out.velocity[1:], roll.velocity[1:])
    assert out.onset[0].sum(axis=1).max(initial=0) <= 1
    assert np.array_equal(out.onset[0].any(axis=1), roll.onset[0].any(axis=1))
    assert (out.onset[0] | out.sustain[0]).sum(axis=1).max(initial=0) <= 1


def test_a_held_key_needs_an_onset() -> None:
    onset = np.full((2, 3, 4, KEYS), -9.0, np.float32)
    sustain = np.full_like(onset, 9.0)
    out = from_logits(onset, sustain, np.zeros_like(onset), np.zeros((2, 3, 4), np.float32))
    assert not out.onset.any()
    assert not out.sustain.any()


def test_cutting_drops_what_began_before() -> None:
    roll = roll_of(np.array([(2, 0, 10, 60, 80), (2, 6, 9, 64, 80)]), 12)
    part = roll.cut(4, 12)
    assert notes_of(part).tolist() == [[2, 2, 5, 64, 80]]


@given(st.integers(-127, 127), st.integers(0, 127))
def test_transposing_out_of_range_folds_by_octaves(semitones: int, pitch: int) -> None:
    moved = notes_of(roll_of(np.array([(0, 0, 2, pitch, 80)]), 4).shifted(semitones))
    assert moved.shape == (1, 5)
    assert 0 <= moved[0, 3] <= 127
    assert (moved[0, 3] - pitch - semitones) % 12 == 0
