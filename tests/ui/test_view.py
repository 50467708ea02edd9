"""Views: what the session says, placed over frames."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scored import dice_tools
from shotscore_engine.locks import Lock
from shotscore_engine.regenerate import Again
from shotscore_engine.roll import notes_of, roll_of
from shotscore_engine.session import Session, write_notes
from shotscore_ui.views import Extras, Views, lock_view, mixer_view, roll_view, written_notes
from shotscore_ui.waves import read_waveform, waveform_view
from widgets import small_session


@pytest.fixture(scope="module")
def session() -> Session:
    return small_session(takes=2)


@given(st.lists(st.tuples(*(st.integers(0, top) for top in (2, 60, 8, 127, 126))), max_size=40))
def test_notes_are_read_from_their_text_as_the_roll_has_them(rows: list[tuple[int, ...]]) -> None:
    notes = np.array([(a, b, b + c + 1, d, e + 1) for a, b, c, d, e in rows], np.int64).reshape(-1, 5)
    roll = roll_of(notes, 72)
    assert np.array_equal(written_notes(write_notes(roll)), notes_of(roll))


def test_bars_beats_and_hits_stand_on_their_frames(session: Session) -> None:
    view = Views().timeline(session)
    cue = view.cues[0]
    grid = session.takes[0].grid
    assert cue.grid is not None
    assert cue.grid.bar_frames == pytest.approx([float(frame) for frame in grid.bar_frames(Fraction(25))])
    assert cue.grid.bpm == pytest.approx(np.full(grid.beats, 120.0))
    assert [hit.state for hit in cue.hits] == ["met", "near", "missed", "ignored"]
    assert [shot.name for shot in view.shots] == ["day", "sea", "town", "rain", "night"]
    assert view.shots[1].source_seconds(65, view.rate) == Fraction(10 + 5, 25)
    assert (view.shot_at(-5), view.shot_at(1e9)) == (view.shots[0], view.shots[-1])
    assert view.cue_at(400) is None


def test_a_roll_lies_over_the_picture(session: Session) -> None:
    take = session.takes[0]
    made = roll_view(take.roll(), take.grid, Fraction(25), (0, 300), noise=0.4)
    shown = Views().timeline(session).cues[0].roll
    assert shown is not None
    assert made.noise == 0.4
    assert np.array_equal(made.pitch, shown.pitch)
    assert np.allclose(made.start_frame, shown.start_frame)
    assert (np.diff(shown.start_frame) >= 0).all()
    assert (shown.end_frame > shown.start_frame).all()
    assert shown.end_frame.max() <= 300


def test_what_did_not_change_is_not_made_again(session: Session) -> None:
    views = Views()
    one, other = views.timeline(session), views.timeline(replace(session, locks=(Lock("1m01"),)))
    assert one.shots is other.shots
    assert one.cues[0].roll is other.cues[0].roll
    assert one.cues[0].hits is other.cues[0].hits
    assert other.locks[0].whole


def test_a_take_says_how_it_came_to_be(session: Session) -> None:
    again = session.rescore("1m01", Again(shots=(2, 3), seed=5), dice_tools())
    cards = Views().takes(again, "1m01")
    last = cards.takes[-1]
    assert (last.origin, last.base, last.shots, last.in_use) == ("rescore", 1, (2, 3), True)
    assert [take.combinable for take in cards.takes] == [True, True, True]
    assert cards.bar_shots[0][0] == 1
    assert cards.bar_shots[-1][1] == 5
    assert len(cards.bar_shots) == last.bars


def test_locks_and_stems(session: Session) -> None:
    cue = session.cues[0]
    assert lock_view(Lock("1m01", "melody", 10, 40), cue).end_frame == 40
    whole = lock_view(Lock("1m01"), cue)
    assert (whole.start_frame, whole.end_frame, whole.whole) == (0, 300, True)
    score = session.perform(session.takes[0])
    mixer = mixer_view("1m01", score, (Lock("1m01", "harmony"),))
    assert all(stem.locked == (set(stem.parts) == {"harmony"}) for stem in mixer.stems)


def test_energy_read_from_the_picture_must_fit_the_grid(session: Session) -> None:
    beats = session.takes[0].grid.beats
    views = Views()
    fits = views.timeline(session, Extras(read_energy={"1m01": np.linspace(0, 1, beats)}))
    assert len(fits.cues[0].energy.read_frames) == beats
    assert not len(views.timeline(session, Extras(read_energy={"1m01": np.zeros(beats + 1)})).cues[0].energy.read)


@given(st.integers(0, 5000), st.integers(1, 64))
def test_every_level_of_a_waveform_holds_its_peaks(count: int, bucket: int) -> None:
    samples = np.sin(np.arange(count)).astype(np.float32)
    wave = waveform_view(samples, 1000, Fraction(25), 0, bucket=bucket)
    for level in wave.levels:
        if count:
            assert level[:, 0].min() == pytest.approx(min(0, samples.min()) if count % bucket else samples.min())
            assert level[:, 1].max() == pytest.approx(samples.max() if count > 1 else 0, abs=1e-6)
    assert wave.end_frame >= count / 40 - 1e-6


def test_a_files_waveform_is_as_long_as_the_file(tmp_path: Path) -> None:
    import wave

    path = tmp_path / "tone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((20_000 * np.sin(np.arange(96_000) / 20)).astype("<i2").tobytes())
    shown = read_waveform(path, Fraction(25), 100)
    assert shown.start_frame == 100
    assert shown.end_frame == pytest.approx(150, abs=0.2)
    assert shown.levels[0][10:-10, 1].max() == pytest.approx(0.61, abs=0.05)
