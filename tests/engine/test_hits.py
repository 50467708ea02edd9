"""Hits a person moves, weighs, adds and mutes stay when the cue is spotted again."""

from dataclasses import replace

import pytest
from scored import picture_of
from shotscore_engine.cues import add_cue
from shotscore_engine.errors import RequestError
from shotscore_engine.hits import add_hit, move_hit, mute_hit, own_hits, weigh_hit
from shotscore_engine.request import ScoreRequest
from shotscore_engine.session import Session
from shotscore_engine.spotting import IGNORE, MUST, Hit


@pytest.fixture
def session() -> Session:
    clips = [("a", 0, 100), ("b", 0, 100), ("c", 0, 100)]
    return add_cue(Session("/films/film.otio", picture_of(clips)), 0, 300)


def weights(session: Session) -> dict[int, float]:
    return {hit.frame: hit.weight for hit in session.cue("1m01").hits}


def spotted_again(session: Session) -> dict[int, float]:
    request = ScoreRequest(tempo_bpm=100)
    return weights(session.with_cue(session.spot(request).cue))


def test_a_cut_that_is_moved_leaves_an_ignored_hit(session: Session) -> None:
    assert weights(session) == {100: MUST, 200: MUST}
    moved = move_hit(session, "1m01", 100, 120)
    assert weights(moved) == {100: IGNORE, 120: MUST, 200: MUST}
    assert spotted_again(moved) == weights(moved)


@pytest.mark.parametrize("to_frame", [99, 101, 98, 102])
def test_a_hit_moved_within_its_own_tolerance_stays_where_it_was_put(session: Session, to_frame: int) -> None:
    again = spotted_again(move_hit(session, "1m01", 100, to_frame))
    assert again[to_frame] == MUST
    assert again.get(100, IGNORE) == IGNORE


def test_a_persons_own_hit_leaves_nothing_behind(session: Session) -> None:
    moved = move_hit(add_hit(session, "1m01", 150, 0.5), "1m01", 150, 160)
    assert weights(moved) == {100: MUST, 160: 0.5, 200: MUST}
    assert [hit.frame for hit in own_hits(moved.cue("1m01"))] == [160]


def test_muting_is_taken_back(session: Session) -> None:
    muted = mute_hit(session, "1m01", 100)
    assert weights(muted)[100] == spotted_again(muted)[100] == IGNORE
    assert weights(mute_hit(muted, "1m01", 100, False))[100] == MUST
    nice = session.with_cue(replace(session.cue("1m01"), hits=(Hit(50, "person", 0.0, 2), *session.cue("1m01").hits)))
    assert weights(mute_hit(nice, "1m01", 50, False))[50] == MUST


def test_adding_where_a_hit_stands_weighs_it(session: Session) -> None:
    assert weights(add_hit(session, "1m01", 200, 0.25)) == {100: MUST, 200: 0.25}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda session: move_hit(session, "1m01", 111, 112), "no hit at frame 111"),
        (lambda session: move_hit(session, "1m01", 100, 300), "not inside the cue"),
        (lambda session: add_hit(session, "1m01", 0), "not inside the cue"),
        (lambda session: weigh_hit(session, "1m01", 100, 1.5), "weight 1.5"),
        (lambda session: add_hit(session, "2m07", 10), "2m07"),
    ],
)
def test_what_cannot_be(session: Session, change: object, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        change(session)  # type: ignore[operator]
