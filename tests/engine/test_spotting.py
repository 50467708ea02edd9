"""Hits: each rule of the module on a picture made for it."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shotscore_engine.errors import RequestError
from shotscore_engine.picture import Marker, MediaSpan, Picture, Shot
from shotscore_engine.spotting import Hit, hit_tolerance, marker_role, spot

RATE = Fraction(24)


def picture(lengths, rate=RATE, markers=(), dialogue=(), **of_shot):
    """Shots of these lengths in frames, each of its own file; `of_shot` maps a field to {shot number: value}."""
    shots, start = [], 0
    for number, length in enumerate(lengths, 1):
        fields = {"media": MediaSpan(Path(f"{number}.mov"), False, Fraction(0))}
        fields |= {field: values[number] for field, values in of_shot.items() if number in values}
        shots.append(Shot(number, start, length, f"S{number}", **fields))
        start += length
    return Picture("Film", rate, 86400, False, start, tuple(shots), tuple(markers), dialogue=tuple(dialogue))


def weights(hits):
    return {hit.frame: hit.weight for hit in hits}


def test_a_cut_between_settled_shots_is_a_must():
    (hit,) = spot(picture([72, 72]))
    assert (hit.frame, hit.kind, hit.weight, hit.tolerance_frames, hit.band) == (72, "cut", 1.0, 2, "must")
    assert hit.reason == "S1 to S2: cut after 3.0 s"


def test_a_fast_montage_is_mostly_ignored_but_its_edges_are_musts():
    hits = spot(picture([96, *[12] * 20, 96]))
    bands = [hit.band for hit in hits]
    assert bands[0] == bands[-1] == "must"
    inside = bands[1:-1]
    assert "must" not in inside
    assert inside.count("ignore") > inside.count("nice") > 5


def test_a_short_neighbour_makes_a_cut_nice():
    assert weights(spot(picture([72, 36, 72]))) == {72: 0.5, 108: 0.5}


def test_black_or_a_title_makes_a_cut_a_must():
    hits = spot(picture([20, 20, 72], media={2: None}))
    assert [hit.band for hit in hits] == ["must", "must"]
    assert ["to black" in hits[0].reason, "from black" in hits[1].reason] == [True, True]


def test_a_timeline_without_media_has_its_cuts_all_the_same():
    assert weights(spot(picture([72, 72], media={1: None, 2: None}))) == {72: 1.0}


def test_a_cut_inside_a_running_clip_is_ignored():
    a = MediaSpan(Path("a.mov"), False, Fraction(5))
    runs_on = MediaSpan(Path("a.mov"), False, Fraction(8))
    jumps = MediaSpan(Path("a.mov"), False, Fraction(9))
    assert spot(picture([72, 72], media={1: a, 2: runs_on}))[0].band == "ignore"
    assert spot(picture([72, 72], media={1: a, 2: jumps}))[0].band == "must"
    # The neighbours of a cut nobody sees are one long shot.
    hits = spot(
        picture([72, 12, 12, 72], media={1: a, 2: runs_on, 3: MediaSpan(Path("a.mov"), False, Fraction(17, 2))})
    )
    assert [hit.band for hit in hits] == ["ignore", "ignore", "must"]


def test_a_detected_cut_counts_less_than_the_editors():
    editor = spot(picture([72, 72]))[0]
    detected = spot(picture([72, 72], origin={2: "detected"}))[0]
    assert detected.kind == "detected"
    assert 0 < detected.weight < editor.weight
    assert detected.band == "nice"


@pytest.mark.parametrize("transition", ["dissolve", "fade"])
def test_dissolves_and_fades_are_soft(transition):
    (hit,) = spot(picture([72, 72], transition={2: transition}))
    assert (hit.kind, hit.weight, hit.tolerance_frames) == ("dissolve", 0.5, 4)


def test_a_cut_under_speech_counts_less():
    assert weights(spot(picture([72, 72], dialogue=[(40, 120)]))) == {72: 0.5}
    assert weights(spot(picture([72, 72], dialogue=[(72, 120)]))) == {72: 1.0}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("", "must"),
        ("door slams", "must"),
        ("MUST door", "must"),
        ("hit: door", "must"),
        ("Nice: look", "nice"),
        ("ignore", "ignore"),
        ("no hit here", "ignore"),
        ("prompt: rainy street", "prompt"),
        ("1m02", "cue"),
        ("cue 3", "cue"),
        ("cuento", "must"),
    ],
)
def test_a_markers_first_word_says_what_it_wants(name, role):
    assert marker_role(Marker(5, 0, name)) == role


def test_markers_add_hits_and_change_the_cut_they_stand_on():
    marks = [Marker(30, 0, "she turns"), Marker(109, 0, "must"), Marker(71, 0, "ignore"), Marker(40, 0, "prompt: rain")]
    hits = spot(picture([72, 36, 72], markers=marks))
    assert [(hit.frame, hit.kind, hit.weight) for hit in hits] == [(30, "marker", 1), (72, "cut", 0), (108, "cut", 1)]
    assert "'she turns'" in hits[0].reason


def test_peaks_count_away_from_cuts_and_a_second_apart():
    film = picture([240, 240])
    hits = spot(
        film, motion_peaks=[(60, 0.9), (70, 0.95), (120, 0.3), (243, 1.0)], flash_peaks=[(150, 0.8), (151, 0.7)]
    )
    assert [(hit.frame, hit.kind) for hit in hits] == [(70, "motion"), (150, "flash"), (240, "cut")]
    assert all(hit.band == "nice" for hit in hits[:2])


def test_a_persons_own_hit_replaces_what_stands_there():
    mine = Hit(73, "person", 0.0, 2)
    assert spot(picture([72, 72]), own=[mine]) == (mine,)


def test_a_range_takes_the_hits_strictly_inside():
    assert list(weights(spot(picture([72, 72, 72, 72]), 72, 216))) == [144]


@pytest.mark.parametrize(("start", "end"), [(0, 145), (10, 10), (-1, 5), (20, 10)])
def test_a_range_outside_the_picture_is_refused(start, end):
    with pytest.raises(RequestError, match=rf"{start}-{end} is not inside the picture; its frames are 0-144"):
        spot(picture([72, 72]), start, end)


@pytest.mark.parametrize(
    ("rate", "frames"), [(24, 2), (Fraction(24000, 1001), 2), (25, 2), (30, 3), (50, 4), (60, 5), (1, 1)]
)
def test_the_tolerance_is_a_twelfth_of_a_second(rate, frames):
    assert hit_tolerance(Fraction(rate)) == frames


@given(
    st.lists(st.integers(1, 200), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 500), st.floats(0, 1)), max_size=10),
    st.lists(st.tuples(st.integers(0, 500), st.sampled_from(["", "nice", "ignore", "prompt x"])), max_size=6),
)
def test_hits_are_ordered_inside_and_each_visible_cut_is_accounted_for(lengths, peaks, marks):
    film = picture(lengths, markers=[Marker(frame, 0, name) for frame, name in marks])
    hits = spot(film, motion_peaks=peaks)
    frames = [hit.frame for hit in hits]
    assert frames == sorted(set(frames))
    assert all(0 < frame < film.duration_frames for frame in frames)
    assert {shot.start_frame for shot in film.shots[1:]} <= set(frames)
    assert all(0 <= hit.weight <= 1 and hit.reason for hit in hits)
