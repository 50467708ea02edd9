"""Cues: several in a picture, named once and for all."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films import calm, lively, write_film
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from scored import dice_tools, picture_of, scored
from shotscore_engine.cues import (
    Proposal,
    add_cue,
    inserted_name,
    marked_ranges,
    next_name,
    propose,
    remove_cue,
    score_cue,
    trim_cue,
)
from shotscore_engine.errors import RequestError
from shotscore_engine.history import record, redo, state_of, undo
from shotscore_engine.locks import Lock, locked_mask
from shotscore_engine.picture import Marker, MediaSpan, Picture, Shot
from shotscore_engine.reconform import follow
from shotscore_engine.regenerate import Again, remake
from shotscore_engine.request import ScoreRequest
from shotscore_engine.roll import PARTS, notes_of
from shotscore_engine.seams import Bools, mask_of
from shotscore_engine.session import Session, Take, Tools

CLIPS = [("a", 0, 300), ("b", 10, 300), ("c", 0, 300)]
TOOLS = dice_tools()


def bare() -> Session:
    return Session("/films/film.otio", picture_of(CLIPS))


def test_names_rise_and_are_never_given_again() -> None:
    assert next_name([]) == "1m01"
    assert next_name(["1m01", "1m07", "2m09"]) == "1m08"
    assert next_name(["1m01"], reel=2) == "2m01"
    assert inserted_name("1m01", ["1m01", "1m01a"]) == "1m01b"
    two = add_cue(add_cue(bare(), 0, 300), 300, 600)
    assert [cue.name for cue in two.cues] == ["1m01", "1m02"]
    gone = record(two, remove_cue(two, "1m02"), "remove")
    assert add_cue(gone, 300, 600).cues[-1].name == "1m03"
    back = undo(gone)
    assert [cue.name for cue in back.cues] == ["1m01", "1m02"]


def test_cues_overlap_only_on_purpose() -> None:
    one = add_cue(bare(), 0, 300)
    with pytest.raises(RequestError, match=r"overlaps 1m01 \(0-300\)"):
        add_cue(one, 200, 500)
    assert add_cue(one, 200, 500, overlap=True).cues[1].start_frame == 200
    for bad in ({"start_frame": 5, "end_frame": 5}, {"start_frame": 0, "end_frame": 9999}):
        with pytest.raises(RequestError):
            add_cue(bare(), **bad)
    with pytest.raises(RequestError, match="not a cue's name"):
        add_cue(bare(), 0, 10, name="finale")
    with pytest.raises(RequestError, match="names are not used twice"):
        add_cue(one, 400, 500, name="1m01")


def test_two_cues_have_their_own_music_and_follow_a_recut() -> None:
    session = add_cue(add_cue(bare(), 0, 300), 400, 900)
    request = ScoreRequest(detect="none", seed=3)
    session = score_cue(score_cue(session, "1m02", request, TOOLS), "1m01", request, TOOLS)
    assert [cue.name for cue in session.cues] == ["1m01", "1m02"]
    assert session.chosen == {"1m02": 1, "1m01": 1}
    first = session.take("1m01")
    after = session.rescore("1m02", Again((3, 3)), TOOLS)
    assert after.take("1m01") == first
    assert after.take("1m02").number == 2
    with pytest.raises(RequestError, match="outside the cue 1m01"):
        session.rescore("1m01", Again((3, 3)), TOOLS)
    later = follow(after, picture_of([("x", 0, 50), *CLIPS]), "/films/v2.otio", lambda: TOOLS).session
    assert [(cue.name, cue.start_frame, cue.end_frame) for cue in later.cues] == [
        ("1m01", 0, 350),
        ("1m02", 450, 950),
    ]
    assert later.take("1m02").notes == after.take("1m02").notes
    assert Session.from_bytes(later.to_bytes()) == later


def test_markers_make_cues() -> None:
    picture = replace(
        picture_of(CLIPS),
        markers=(
            Marker(0, 100, "1m05 opening"),
            Marker(150, 1, "hit"),
            Marker(200, 1, "cue start"),
            Marker(420, 1, "cue end"),
        ),
    )
    assert marked_ranges(picture) == (("1m05", 0, 100), (None, 200, 420))
    with pytest.raises(RequestError, match="has no end"):
        marked_ranges(replace(picture, markers=picture.markers[:-1]))


def test_proposals_part_where_the_picture_changes(tmp_path: Path) -> None:
    rate = Fraction(10)
    still, moving = (write_film(tmp_path / f"{paint.__name__}.mp4", rate, 150, paint) for paint in (calm, lively))
    spans = [(still, 0, 60), (still, 60, 60), (moving, 0, 60), (moving, 60, 60)]
    shots = tuple(
        Shot(number + 1, 60 * number, frames, f"A{number}", MediaSpan(film, False, Fraction(start) / rate))
        for number, (film, start, frames) in enumerate(spans)
    )
    proposals = propose(Picture("film", rate, 0, False, 240, shots))
    assert [(one.start_frame, one.end_frame) for one in proposals] == [(0, 120), (120, 240)]
    assert proposals[0] == Proposal(0, 120, "the film begins")
    whole = scored([("a", 0, 60), ("b", 0, 50)]).picture
    assert [(one.start_frame, one.end_frame) for one in propose(whole)] == [(0, 110)]


# --- edges ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def middle() -> Session:
    return score_cue(add_cue(bare(), 200, 700), "1m01", ScoreRequest(detect="none", seed=3), TOOLS)


def never() -> Tools:
    raise AssertionError("no music has to be written")


def placed(session: Session, take: Take, beats: Bools) -> set[tuple[Fraction, Fraction, int, int, int]]:
    """(first frame, frames, part, pitch, velocity) of the notes that begin in the beats (T, 3), on the timeline."""
    rate, start_frame = session.picture.rate, session.cue(take.cue).start_frame
    found = set()
    for part, start, end, pitch, velocity in notes_of(take.roll()).tolist():
        if beats[start // 4, part]:
            begin, over = (take.grid.step_time(step) * rate for step in (start, end))
            found.add((start_frame + begin, over - begin, part, pitch, velocity))
    return found


@settings(max_examples=12, phases=[Phase.explicit, Phase.generate])
@example(start=0, end=725, held=(None, None))
@example(start=0, end=699, held=None)
@example(start=311, end=450, held=None)
@given(
    start=st.integers(0, 699),
    end=st.integers(201, 900),
    held=st.none()
    | st.tuples(st.sampled_from([None, *PARTS]), st.none() | st.tuples(st.integers(150, 699), st.just(60))),
)
def test_moved_edges_keep_the_music_where_its_picture_is(
    middle: Session, start: int, end: int, held: tuple[str | None, tuple[int, int] | None] | None
) -> None:
    lock = Lock("1m01") if held is None else Lock("1m01", held[0], *((held[1][0], sum(held[1])) if held[1] else ()))
    before = middle if held is None else replace(middle, locks=(lock,))
    old = before.take("1m01")
    rate, bar = before.picture.rate, old.grid.beats_per_bar
    old_times = np.array([200 + float(time * rate) for time in old.grid.beat_times])
    held_before = locked_mask(before.locks, before.cue("1m01"), old.grid, rate)
    locked = placed(before, old, held_before)
    try:
        trimmed = trim_cue(before, "1m01", start, end, lambda: TOOLS)
    except RequestError as refusal:
        why = str(refusal)
    else:
        why = ""
    if why:  # the range is none, too short, or locked music would go without its lock
        beats = np.flatnonzero(held_before.any(axis=1))
        cut = any(old_times[beat] < start + 1 or old_times[beat + 1] > end - 1 for beat in beats)
        assert ("no length" in why) == (end <= start)
        assert ("two beats" in why) <= (end - start < 120 / old.grid.bpm * float(rate) + 1)
        assert ("cut off locked" in why) <= (cut or any(one[0] + one[1] > end - 1 for one in locked))
        return
    cue = trimmed.cue("1m01")
    assert (cue.name, cue.start_frame, cue.end_frame) == ("1m01", start, end)
    if (start, end) == (200, 700):
        assert trimmed is before
        return
    take = trimmed.take("1m01")
    assert (take.number, trimmed.chosen) == (2, {"1m01": 2})
    assert trimmed.locks == before.locks
    assert take.revision is not None
    free = mask_of(take.revision.free, take.grid.beats)
    # Outside what was written every note is where it was, as it was; only the first and last beats may be cut into.
    times = np.array([start + float(time * rate) for time in take.grid.beat_times])
    stays = np.zeros(len(times) - 1, bool)
    stays[1:-1] = ~free[1:-1].any(axis=1) & ~free[2:].any(axis=1)
    kept = {(note[0], *note[2:]) for note in placed(trimmed, take, np.repeat(stays[:, None], 3, axis=1))}
    was = {(note[0], *note[2:]) for note in placed(before, old, np.ones((old.grid.beats, 3), bool))}
    assert kept <= was
    seen = {time for time, there in zip(times[:-1].round(6).tolist(), stays.tolist(), strict=True) if there}
    assert seen <= set(old_times[:-1].round(6).tolist())
    for note in was:
        at = int(np.searchsorted(times, float(note[0]) + 1e-6) - 1)
        if 0 <= at < len(stays) and stays[at]:
            assert note in kept
    # Written are the new beats, the last two bars with the one that meets them, and those that used to be the last.
    for beat in np.flatnonzero(free.any(axis=1)):
        outside = times[beat] < 200 + 1 or times[beat + 1] > 700 - 1
        assert outside or beat >= take.grid.beats - 4 * bar or times[beat] >= old_times[-1 - 4 * bar] or beat < bar
    # What is locked never changes.
    here = locked_mask(trimmed.locks, cue, take.grid, rate)
    assert locked <= placed(trimmed, take, np.ones_like(here))
    # Undone and done again it is the same, and it can be made again from its record.
    done = record(before, trimmed, "trim")
    assert state_of(undo(done)) == state_of(before)
    assert state_of(redo(undo(done))) == state_of(trimmed)
    assert np.array_equal(notes_of(remake(trimmed, take, TOOLS)), notes_of(take.roll()))


def test_a_later_start_writes_nothing_and_the_session_is_read_back(middle: Session) -> None:
    trimmed = trim_cue(middle, "1m01", 300, 700, never)
    assert Session.from_bytes(trimmed.to_bytes()) == trimmed
    take = trimmed.take("1m01")
    assert take.revision is not None
    assert (take.revision.kind, take.revision.base, take.revision.free) == ("trim", 1, ())
    with pytest.raises(RequestError, match="earlier edit"):
        trimmed.rescore("1m01", Again((2, 2), take=1), TOOLS)


def test_moved_edges_are_refused_with_a_reason(middle: Session) -> None:
    two = add_cue(middle, 700, 900)
    with pytest.raises(RequestError, match=r"overlaps 1m02 \(700-900\)"):
        trim_cue(two, "1m01", 200, 701, never)
    over = trim_cue(two, "1m02", 600, 900, never, overlap=True)  # no music yet: it is spotted over its new range
    assert [(cue.name, cue.start_frame) for cue in over.cues] == [("1m01", 200), ("1m02", 600)]
    assert over.takes == two.takes
    assert trim_cue(over, "1m02", 580, 800, never).cue("1m02").start_frame == 580  # it was meant once
    with pytest.raises(RequestError, match="add a cue there instead"):
        trim_cue(middle, "1m01", 0, 200, never)
    with pytest.raises(RequestError, match="two beats of 1m01 take"):
        trim_cue(middle, "1m01", 200, 210, never)
    with pytest.raises(RequestError, match=r"cut off locked music \(1m01: melody, all of it\)"):
        trim_cue(replace(middle, locks=(Lock("1m01", "melody"),)), "1m01", 200, 500, never)
