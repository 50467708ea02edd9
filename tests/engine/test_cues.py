"""Cues: several in a picture, named once and for all."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from films import calm, lively, write_film
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
)
from shotscore_engine.errors import RequestError
from shotscore_engine.history import record, undo
from shotscore_engine.picture import Marker, MediaSpan, Picture, Shot
from shotscore_engine.reconform import follow
from shotscore_engine.regenerate import Again
from shotscore_engine.request import ScoreRequest
from shotscore_engine.session import Session

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
