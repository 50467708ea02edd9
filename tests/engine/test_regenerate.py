"""Shots made anew: what was asked to change changes, and nothing else."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scored import dice_tools, scored
from shotscore_engine.denoiser import Denoiser
from shotscore_engine.errors import Cancelled, RequestError, SessionError
from shotscore_engine.locks import Lock, bars_between, locked_mask
from shotscore_engine.regenerate import Again, free_mask, remake
from shotscore_engine.request import ScoreRequest
from shotscore_engine.roll import PARTS, Roll, notes_of
from shotscore_engine.seams import mask_of, outside_equal
from shotscore_engine.session import Session, Tools, write_notes
from shotscore_engine.styles import DEFAULT_STYLE, load_style
from shotscore_engine.takes import combine_takes, delete_take, measure_take, rename_take, star_take, use_take

CLIPS = [("a", 0, 90), ("b", 10, 61), ("c", 0, 140), ("a", 200, 75), ("d", 0, 33), ("e", 7, 201)]
TOOLS = dice_tools()


@pytest.fixture(scope="module")
def session() -> Session:
    return scored(CLIPS)


@pytest.fixture(scope="module")
def model() -> Tools:
    return Tools(Denoiser(device="cpu"), load_style(DEFAULT_STYLE))


@pytest.fixture(scope="module")
def real(model: Tools) -> Session:
    return scored(CLIPS, model, ScoreRequest(steps=6))


def changed_bars(before: Roll, after: Roll, steps_per_bar: int, pickup: int) -> set[int]:
    def by_bar(roll: Roll) -> dict[int, list[tuple[int, ...]]]:
        table: dict[int, list[tuple[int, ...]]] = {}
        for note in notes_of(roll).tolist():
            table.setdefault((note[1] - pickup) // steps_per_bar, []).append(tuple(note))
        return table

    one, other = by_bar(before), by_bar(after)
    return {bar for bar in one.keys() | other.keys() if one.get(bar) != other.get(bar)}


locks = st.builds(
    lambda part, span: Lock("1m01", part, *(span or (None, None))),
    st.sampled_from([None, *PARTS]),
    st.none() | st.tuples(st.integers(0, 500), st.integers(1, 99)).map(lambda pair: (pair[0], pair[0] + pair[1])),
).filter(lambda lock: lock.part is not None or lock.start_frame is not None)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(1, 6).flatmap(lambda first: st.tuples(st.just(first), st.integers(first, 6))),
    st.none() | st.sets(st.sampled_from(PARTS), min_size=1).map(lambda parts: tuple(sorted(parts))),
    st.lists(locks, max_size=3),
    st.sampled_from(["bar", "beat"]),
    st.integers(0, 2**40),
    st.integers(0, 1),
)
def test_outside_nothing_changes_inside_something_does(
    session: Session,
    shots: tuple[int, int],
    parts: tuple[str, ...] | None,
    held: list[Lock],
    edge: str,
    seed: int,
    widen: int,
) -> None:
    locked = replace(session, locks=tuple(held))
    again = Again(shots, parts, edge=edge, seed=seed, tries=2, widen_bars=widen)  # type: ignore[arg-type]
    before = session.take("1m01")
    try:
        asked = free_mask(locked, before, again)
    except RequestError:
        with pytest.raises(RequestError, match=r"is locked|only the last accent"):
            locked.rescore("1m01", again, TOOLS)
        return
    after = locked.rescore("1m01", again, TOOLS)
    take = after.take("1m01")
    assert take.number == 2
    assert take.revision is not None
    free = mask_of(take.revision.free, take.grid.beats)
    old, new = before.roll(), take.roll()
    assert outside_equal(old, new, free)
    cue = session.cue("1m01")
    kept = locked_mask(held, cue, take.grid, session.picture.rate)
    assert not (free & kept).any()
    assert outside_equal(old, new, ~kept)
    if not widen:
        assert np.array_equal(free, asked)
    assert (asked & ~free).sum() == 0
    # After the last accent nothing begins, so nothing there can change.
    assert take.ending is not None
    assert take.ending.accent_frame is not None
    accent = int(take.grid.nearest_beat(take.ending.accent_frame, session.picture.rate, cue.start_frame))
    if asked[: accent + 1].sum() >= 8:
        assert not np.array_equal(notes_of(old), notes_of(new))
    # No note ends later than its stretch does, and none inside another of its key: the text reads back equal.
    assert write_notes(new) == take.notes
    # Made again from its record, and from the file.
    assert write_notes(remake(after, take, TOOLS)) == take.notes
    opened = Session.from_bytes(after.to_bytes())
    assert opened == after
    assert write_notes(remake(opened, opened.take("1m01"), TOOLS)) == take.notes


def test_only_the_bars_the_shots_cover_change(session: Session) -> None:
    take = session.take("1m01")
    grid, cue = take.grid, session.cue("1m01")
    for shots in ((1, 1), (2, 3), (4, 4), (6, 6)):
        first, last = session.picture.shots[shots[0] - 1], session.picture.shots[shots[1] - 1]
        after = session.rescore("1m01", Again(shots), TOOLS).take("1m01")
        frames = grid.bar_frames(session.picture.rate)
        covered = {
            bar
            for bar, (start, end) in enumerate(zip(frames, [*frames[1:], Fraction(cue.end_frame)], strict=True))
            if start < last.end_frame and end > first.start_frame
        }
        pickup = {-1} if grid.first_downbeat and first.start_frame < frames[0] else set()
        changed = changed_bars(take.roll(), after.roll(), grid.beats_per_bar * 4, grid.first_downbeat * 4)
        assert changed
        assert changed <= covered | pickup


def test_a_range_of_frames_is_made_anew_as_shots_are(session: Session) -> None:
    shot = session.picture.shots[2]
    by_shot = session.rescore("1m01", Again((3, 3), seed=5, tries=1, energy=0.9), TOOLS).take("1m01")
    span = (shot.start_frame, shot.end_frame)
    by_frames = session.rescore("1m01", Again(frames=span, seed=5, tries=1, energy=0.9), TOOLS).take("1m01")
    assert by_frames.notes == by_shot.notes
    assert by_frames.request == by_shot.request
    for wrong in ({"frames": (5, 5)}, {"frames": (0, 99_999)}, {"frames": (0, 5), "shots": (1, 1)}):
        with pytest.raises(RequestError):
            session.rescore("1m01", Again(**wrong), TOOLS)  # type: ignore[arg-type]


def test_a_bar_is_split_if_asked(session: Session) -> None:
    take = session.take("1m01")
    bars, beats = (free_mask(session, take, Again((3, 3), edge=edge)).any(axis=1) for edge in ("bar", "beat"))  # type: ignore[arg-type]
    assert not (beats & ~bars).any()
    assert beats.sum() < bars.sum()


def test_the_model_writes_one_part_between_known_music(real: Session, model: Tools) -> None:
    again = Again((2, 4), ("harmony",), prompt="a storm breaks loose", energy=0.9, seed=5)
    after = real.rescore("1m01", again, model)
    take = after.take("1m01")
    assert take.revision is not None
    old, new = real.take("1m01").roll(), take.roll()
    assert np.array_equal(old.onset[:2], new.onset[:2])
    assert not np.array_equal(old.onset[2], new.onset[2])
    assert outside_equal(old, new, mask_of(take.revision.free, take.grid.beats))
    assert 0 <= take.revision.seam.score <= 1
    assert take.request.wishes[-1].prompt == "a storm breaks loose"
    assert write_notes(remake(after, take, model)) == take.notes
    slight = real.rescore("1m01", replace(again, variation=0.2, prompt="", energy=None), model)
    again_slight = slight.take("1m01")
    assert write_notes(remake(Session.from_bytes(slight.to_bytes()), again_slight, model)) == again_slight.notes


def test_every_kind_of_take_is_made_again_bit_for_bit(real: Session, model: Tools) -> None:
    assert write_notes(remake(real, real.take("1m01"), model)) == real.take("1m01").notes
    twice = real.rescore("1m01", Again((1, 2)), model).rescore("1m01", Again((2, 5), variation=0.5), model)
    bars = len(twice.take("1m01").grid.bar_beats)
    combined = combine_takes(twice, "1m01", [(1, 2, 1), (bars, bars, 2)])
    without = delete_take(combined, "1m01", 2)
    for take in without.takes:
        assert write_notes(remake(without, take, model)) == take.notes, take.number


def test_another_model_is_told(real: Session) -> None:
    with pytest.raises(SessionError, match="written by the model denoiser"):
        remake(real, real.take("1m01"), TOOLS)


def test_silence_is_silence_and_is_lifted_by_asking_again(session: Session) -> None:
    quiet = session.rescore("1m01", Again((3, 3), silence=True), TOOLS)
    take = quiet.take("1m01")
    first, last = bars_between(take.grid, quiet.cue("1m01"), quiet.picture.rate, 151, 291)
    inside = slice(first * 4 + 16, last * 4 - 16)
    assert not take.roll().onset[:, inside].any()
    assert not take.roll().sustain[:, inside].any()
    assert write_notes(remake(quiet, take, TOOLS)) == take.notes
    loud = quiet.rescore("1m01", Again((3, 3)), TOOLS).take("1m01")
    assert loud.roll().onset[:, inside].any()


def test_a_lock_on_everything_leaves_nothing_to_change(session: Session) -> None:
    with pytest.raises(RequestError, match="is locked"):
        replace(session, locks=(Lock("1m01"),)).rescore("1m01", Again((1, 2)), TOOLS)


@pytest.mark.parametrize(
    ("again", "sentence"),
    [
        ({"shots": (0, 1)}, "shots 0-1 are not there"),
        ({"shots": (3, 2)}, "shots 3-2 are not there"),
        ({"shots": (1, 7)}, "the shots 1-6"),
        ({"parts": ("drums",)}, "no part 'drums'"),
        ({"variation": 0.0}, "variation 0"),
        ({"edge": "note"}, "no edge 'note'"),
        ({"tries": 0}, "0 tries"),
        ({"mood": (3.0, 0.0)}, "valence 3"),
        ({"key": "H"}, "not a key"),
    ],
)
def test_what_makes_no_sense_is_told(session: Session, again: dict[str, object], sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        session.rescore("1m01", Again(**again), TOOLS)  # type: ignore[arg-type]


def test_a_cancelled_rescore_leaves_the_session(real: Session, model: Tools) -> None:
    before = real.to_bytes()

    def stop(stage: str, done: float) -> None:
        if stage == "denoise" and done < 1:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        real.rescore("1m01", Again((1, 1)), model, stop)
    assert real.to_bytes() == before


def test_a_take_that_would_change_what_is_locked_is_refused(session: Session) -> None:
    two = session.rescore("1m01", Again((1, 2), ("melody",)), TOOLS)
    held = replace(two, locks=(Lock("1m01", "melody"),))
    with pytest.raises(RequestError, match="other notes where 1m01 is locked"):
        use_take(held, "1m01", 1)
    with pytest.raises(RequestError, match="other notes where 1m01 is locked"):
        delete_take(held, "1m01", 2)
    with pytest.raises(RequestError, match="other notes where 1m01 is locked"):
        held.rescore("1m01", Again((4, 4), take=1), TOOLS)
    assert use_take(replace(two, locks=(Lock("1m01", "harmony"),)), "1m01", 1).chosen == {"1m01": 1}


def test_takes_are_used_starred_named_and_deleted(session: Session) -> None:
    two = session.rescore("1m01", Again((1, 2)), TOOLS)
    assert use_take(two, "1m01", 1).take("1m01").number == 1
    assert star_take(two, "1m01", 1).take("1m01", 1).starred
    assert rename_take(two, "1m01", 2, " brass ").take("1m01", 2).name == "brass"
    one = delete_take(two, "1m01", 2)
    assert one.chosen == {"1m01": 1}
    assert one.rescore("1m01", Again((1, 1)), TOOLS).take("1m01").number == 3
    with pytest.raises(RequestError, match="only one"):
        delete_take(one, "1m01", 1)
    with pytest.raises(RequestError, match="no take 9"):
        use_take(two, "1m01", 9)
    with pytest.raises(RequestError, match="name"):
        rename_take(two, "1m01", 1, "two\nlines")


def test_combined_bars_are_those_of_their_takes(session: Session) -> None:
    two = session.rescore("1m01", Again(None), TOOLS)
    grid = two.take("1m01").grid
    combined = combine_takes(two, "1m01", [(2, 3, 1)])
    take = combined.take("1m01")
    assert take.number == 3
    start, end = grid.bar_beats[1], grid.bar_beats[3]
    free = np.zeros((grid.beats, 3), bool)
    free[start:end] = True
    assert outside_equal(two.take("1m01", 2).roll(), take.roll(), free)
    inside = {(n[0], n[1], n[3]) for n in notes_of(take.roll()).tolist() if start * 4 <= n[1] < end * 4}
    source = {(n[0], n[1], n[3]) for n in notes_of(two.take("1m01", 1).roll()).tolist()}
    assert inside
    assert inside <= source
    assert take.revision is not None
    assert take.revision.seam.score < 1
    with pytest.raises(RequestError, match="named twice"):
        combine_takes(two, "1m01", [(1, 3, 1), (3, 4, 2)])
    with pytest.raises(RequestError, match="bars 1-99"):
        combine_takes(two, "1m01", [(1, 99, 1)])


def test_measures_tell_takes_apart(session: Session) -> None:
    one = session.take("1m01")
    measures = measure_take(session, one)
    assert measures.notes == len(notes_of(one.roll()))
    assert measures.density == pytest.approx(measures.notes / 24, abs=1e-4)
    assert 0 <= measures.hits_met <= measures.hits == 5
    louder = replace(one, notes=tuple(text.replace("; ", "; ").strip() for text in one.notes))
    silent = replace(one, notes=("", "", ""))
    assert measure_take(session, louder).energy == measures.energy > measure_take(session, silent).energy == 0
    assert measure_take(session, silent).hits_met == 0
