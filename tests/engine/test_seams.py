"""Joining music: analytic cases of splicing and of what a smooth seam is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shotscore_engine.roll import Roll, notes_of, roll_of
from shotscore_engine.seams import FreeRun, begun, mask_of, outside_equal, runs_of, seam_of, silenced, splice

BEATS = 16


def roll(*notes: tuple[int, int, int, int]) -> Roll:
    """Notes as (part, start, end, pitch)."""
    return roll_of(np.array([(*note, 80) for note in notes], np.int64).reshape(-1, 5), BEATS * 4)


def listed(of: Roll) -> list[tuple[int, ...]]:
    return [tuple(note[:4]) for note in notes_of(of).tolist()]


def middle(part: slice = slice(None)) -> np.ndarray:  # type: ignore[type-arg]
    free = np.zeros((BEATS, 3), bool)
    free[4:8, part] = True
    return free


def test_kept_notes_ring_on_and_fresh_ones_end_with_their_stretch() -> None:
    kept = roll((2, 0, 20, 50), (2, 17, 40, 60), (2, 40, 44, 62))
    fresh = roll((2, 18, 22, 50), (2, 24, 60, 64), (2, 2, 6, 70))
    # 50 sounds from before until step 20; 60 began in the free beats and goes; 64 may not ring past step 32.
    assert listed(splice(kept, fresh, middle())) == [(2, 0, 20, 50), (2, 24, 32, 64), (2, 40, 44, 62)]


def test_a_kept_melody_note_is_not_sung_over() -> None:
    kept = roll((0, 12, 22, 72))
    fresh = roll((0, 18, 20, 60), (0, 24, 30, 67))
    assert listed(splice(kept, fresh, middle())) == [(0, 12, 22, 72), (0, 24, 30, 67)]


rolls = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, BEATS * 4 - 1), st.integers(1, 20), st.integers(50, 60)), max_size=60
).map(lambda notes: roll(*((p, s, s + n, k) for p, s, n, k in notes)))
masks = st.lists(st.booleans(), min_size=BEATS * 3, max_size=BEATS * 3).map(
    lambda cells: np.array(cells).reshape(BEATS, 3)
)


@settings(deadline=None)
@given(rolls, rolls, masks)
def test_splicing_keeps_every_kept_note(kept: Roll, fresh: Roll, free: np.ndarray) -> None:  # type: ignore[type-arg]
    joined = splice(kept, fresh, free)
    assert outside_equal(kept, joined, free)
    new = {(p, s, k) for p, s, _, k in listed(begun(joined, free))}
    assert new <= {(p, s, k) for p, s, _, k in listed(begun(fresh, free))}
    assert np.array_equal(mask_of(runs_of(free), BEATS), free)
    assert listed(splice(kept, kept, np.zeros_like(free))) == listed(kept)


@settings(deadline=None)
@given(rolls, st.lists(st.booleans(), min_size=BEATS, max_size=BEATS))
def test_silence_is_complete(music: Roll, cells: list[bool]) -> None:
    silent = np.array(cells)
    quiet = silenced(music, silent)
    steps = np.repeat(silent, 4)
    assert not (quiet.onset | quiet.sustain)[:, steps].any()
    rest = begun(quiet, np.repeat(~silent[:, None], 3, axis=1))
    assert [note[:2] for note in listed(rest)] == [note[:2] for note in listed(quiet)]


def test_runs_name_their_parts() -> None:
    assert runs_of(middle(slice(0, 1))) == (FreeRun("melody", 4, 8),)


def chords(pitches: list[int]) -> list[tuple[int, int, int, int]]:
    return [(2, 4 * beat, 4 * beat + 4, pitch + step) for beat, pitch in enumerate(pitches) for step in (0, 4, 7)]


def test_music_going_on_has_a_better_seam_than_music_elsewhere() -> None:
    bars = (0, 4, 8, 12)
    same = seam_of(roll(*chords([48, 53, 55, 48] * 4)), middle(), bars)
    far = seam_of(roll(*chords([48, 53, 55, 48] + [66, 71, 61, 66] + [48, 53, 55, 48] * 2)), middle(), bars)
    assert same.score == pytest.approx(1)
    assert far.harmony < same.harmony
    assert far.register < same.register
    assert far.score < same.score
    busy = [*chords([48, 53, 55, 48] * 4), *((2, 16 + i, 17 + i, 90 + i % 3) for i in range(16))]
    assert seam_of(roll(*busy), middle(), bars).pulse < 1
    assert seam_of(roll(), np.ones((BEATS, 3), bool), bars).score == 1
