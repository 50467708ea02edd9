"""The timeline strip, by mouse and by key; what it draws and what it asks for."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shotscore_engine.locks import Lock
from shotscore_engine.session import Session
from shotscore_engine.wishes import check_curve
from shotscore_ui.strip import TimelineStrip, TimeScale
from shotscore_ui.strip.curves import energy_y
from shotscore_ui.strip.energycurve import joined_curve, simplified
from shotscore_ui.strip.hits import shown_hits, weight_y
from shotscore_ui.strip.lanes import LANES, lay_out
from shotscore_ui.strip.menu import StripMenu
from shotscore_ui.strip.ruler import ticks_between
from shotscore_ui.strip.words import lane_help
from shotscore_ui.theme import DARK, LIGHT, Theme, apply
from shotscore_ui.view import TimelineView
from shotscore_ui.views import Extras, Views
from shotscore_ui.waves import waveform_view
from widgets import (
    ALT,
    CTRL,
    LEFT,
    NONE,
    SHIFT,
    around,
    drag,
    drawn,
    hit_frames,
    move_held,
    share_of,
    small_session,
    wheel,
)

Key = Qt.Key


@pytest.fixture(scope="module")
def session() -> Session:
    return small_session()


@pytest.fixture(scope="module")
def view(session: Session) -> TimelineView:
    picture = replace(session.picture, dialogue=((30, 90),))
    sound = np.sin(np.arange(12_000 * 12) / 5) * np.linspace(0, 1, 12_000 * 12)
    wave = waveform_view(sound, 12_000, picture.rate, 0, bucket=32)
    locks = (Lock("1m01", None, 100, 175), Lock("1m01", "melody"))
    return Views().timeline(replace(session, picture=picture, locks=locks), Extras(waveforms={"1m01": wave}))


@pytest.fixture
def make_strip(qtbot: QtBot, view: TimelineView) -> Callable[..., TimelineStrip]:
    def make(theme: Theme = DARK, shown: TimelineView | None = view) -> TimelineStrip:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        apply(app, theme)
        strip = TimelineStrip()
        qtbot.addWidget(strip)
        strip.resize(1000, 420)
        strip.set_view(shown)
        strip.show()
        qtbot.waitExposed(strip)
        strip.setFocus()
        return strip

    return make


@pytest.fixture
def strip(make_strip: Callable[..., TimelineStrip]) -> TimelineStrip:
    return make_strip()


# --- what is drawn ------------------------------------------------


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
def test_every_state_of_a_hit_has_its_shape_and_its_colour(
    make_strip: Callable[..., TimelineStrip], session: Session, theme: Theme
) -> None:
    strip = make_strip(theme)
    pixels = drawn(strip)
    states = [hit.state for hit in strip.view.cues[0].hits] if strip.view else []
    assert states == ["met", "near", "missed", "ignored"]
    covers = []
    for state, frame in zip(states, hit_frames(session), strict=True):
        mark = around(pixels, strip.hit_point("1m01", frame), 5)
        colour = theme.state(state)
        cover = np.abs(mark.astype(int) - [colour.red(), colour.green(), colour.blue()]).max(-1) < 40
        assert cover.any(), state
        covers.append(cover)
    # Told apart without colour: no two cover the same places.
    for i, one in enumerate(covers):
        for other in covers[i + 1 :]:
            assert (one != other).mean() > 0.08


def test_sound_speech_and_locks_stand_in_their_lanes(strip: TimelineStrip) -> None:
    pixels = drawn(strip)

    def lane(key: str, start: float, end: float) -> np.ndarray:
        rect = strip.lane_rect(key)
        left, right = strip.point_at(key, start).x(), strip.point_at(key, end).x()
        return pixels[rect.top() : rect.bottom(), left:right]

    assert share_of(lane("music", 220, 300), DARK.colour("waveform")) > 0.3
    assert share_of(lane("music", 0, 20), DARK.colour("waveform")) < 0.3  # it fades in
    speech = share_of(lane("dialogue", 32, 88), DARK.colour("dialogue"), 60)
    assert speech > 0.4
    assert share_of(lane("dialogue", 100, 290), DARK.colour("dialogue"), 60) == 0
    assert share_of(lane("locks", 0, 300), DARK.colour("lock"), 40) > 0.05
    assert share_of(lane("tempo", 0, 300), DARK.colour("tempo"), 40) > 0.02


@pytest.mark.parametrize("width", [300, 40, 6, 0.5])
def test_every_stretch_of_the_film_can_be_shown(strip: TimelineStrip, width: float) -> None:
    """Also one in which nobody speaks, nothing hits and no bar begins: no lane needs something to draw."""
    pixels = [drawn(strip)]
    for start in np.arange(0, 300 - width, max(width, 23.3)):
        strip.scale.zoom_to(start, start + width, 0)
        pixels.append(drawn(strip))
    assert all(share_of(seen, DARK.colour("lane")) > 0.05 for seen in pixels)


def test_a_strip_without_a_film_says_so(make_strip: Callable[..., TimelineStrip]) -> None:
    strip = make_strip(shown=None)
    assert share_of(drawn(strip), DARK.colour("text_dim"), 60) > 0
    assert strip.accessibleDescription() == "No picture yet."
    QTest.keyClick(strip, Key.Key_Right)
    assert strip.playhead == 0


def test_a_cue_without_music_has_open_hits(make_strip: Callable[..., TimelineStrip], session: Session) -> None:
    bare = replace(session, takes=(), chosen={})
    strip = make_strip(shown=Views().timeline(bare))
    assert strip.view is not None
    assert [hit.state for hit in strip.view.cues[0].hits] == ["open", "open", "open", "ignored"]
    assert (
        share_of(around(drawn(strip), strip.hit_point("1m01", hit_frames(session)[0])), DARK.colour("open"), 40) > 0.02
    )


@pytest.mark.parametrize("height", [120, 180, 260, 420, 900])
def test_lanes_share_the_height_and_the_ruler_always_stays(height: int) -> None:
    rects = lay_out(800, height)
    assert "time" in rects
    assert "shots" in rects
    assert sum(rect.height() for rect in rects.values()) <= height
    tops = [rect.top() for rect in rects.values()]
    assert tops == sorted(tops)
    least = {lane.key: lane.least for lane in LANES}
    assert all(rect.height() >= least[key] for key, rect in rects.items())


# --- edges of cues ------------------------------------------------


@pytest.fixture
def two_cues(make_strip: Callable[..., TimelineStrip], session: Session) -> TimelineStrip:
    """1m01 over frames 0-300 of 300 cut down to 50-200, and 1m02 over 240-300; shots begin at 60, 100, 175, 225."""
    view = Views().timeline(session)
    cue = view.cues[0]
    later = replace(cue, name="1m02", start_frame=240, end_frame=300, hits=(), grid=None, roll=None)
    return make_strip(shown=replace(view, cues=(replace(cue, start_frame=50, end_frame=200), later)))


def asked_of(strip: TimelineStrip) -> list[tuple[str, int, int, bool]]:
    """What is asked of whoever listens."""
    asked: list[tuple[str, int, int, bool]] = []
    strip.cue_trimmed.connect(lambda *what: asked.append(what))
    return asked


def test_the_edges_of_a_cue_are_dragged(two_cues: TimelineStrip) -> None:
    strip = two_cues
    asked = asked_of(strip)
    end, start = strip.point_at("cue", 200), strip.point_at("cue", 50)
    before = drawn(strip)
    QTest.mousePress(strip, LEFT, NONE, end)
    move_held(strip, strip.point_at("cue", 150), ALT)
    # Shown where it would be, with its timecode, and nothing asked yet.
    assert strip.edges.held is not None
    assert abs(strip.edges.held.frame - 150) <= 1
    column = strip.point_at("hits", strip.edges.held.frame)
    rows = slice(strip.lane_rect("shots").top(), strip.lane_rect("energy").bottom())
    assert share_of(drawn(strip)[rows, column.x() - 1 : column.x() + 1], DARK.colour("accent"), 60) > 0.9
    assert share_of(before[rows, column.x() - 1 : column.x() + 1], DARK.colour("accent"), 60) < 0.2
    assert asked == []
    QTest.mouseRelease(strip, LEFT, NONE, strip.point_at("cue", 150))
    assert [(name, first, over) for name, first, _, over in asked] == [("1m01", 50, False)]
    assert abs(asked[0][2] - 150) <= 1
    strip.edges.let_go()
    assert strip.edges.held is None
    # It jumps onto a cut, and stops at the next cue unless that is meant.
    drag(strip, end, strip.point_at("cue", 210), strip.point_at("cue", 224))
    strip.edges.let_go()
    drag(strip, end, strip.point_at("cue", 210), strip.point_at("cue", 280))
    strip.edges.let_go()
    drag(strip, end, strip.point_at("cue", 210), strip.point_at("cue", 280), modifiers=SHIFT | ALT)
    assert [what[2] for what in asked[1:3]] == [225, 240]
    assert abs(asked[3][2] - 280) <= 1
    assert asked[3][3]
    strip.edges.let_go()
    # Two beats are left, at 120 a minute and 25 frames a second; a press that only wanders moves nothing.
    drag(strip, start, strip.point_at("cue", 100), strip.point_at("cue", 290))
    assert asked[4] == ("1m01", 175, 200, False)
    strip.edges.let_go()
    drag(strip, start, start + QPoint(2, 0))
    assert len(asked) == 5
    assert strip.edges.held is None


def test_the_edges_of_a_cue_are_moved_by_keys(two_cues: TimelineStrip) -> None:
    strip = two_cues
    asked = asked_of(strip)
    strip.set_playhead(120)
    for key, mods in ((Key.Key_O, NONE), (Key.Key_Left, NONE), (Key.Key_Left, SHIFT), (Key.Key_Up, NONE)):
        QTest.keyClick(strip, key, mods)
    assert strip.edges.held is not None
    assert strip.edges.held.frame == 100  # 200 - 1 - 25, and the cut before
    assert strip.playhead == 120
    assert "The end of 1m01 would be at 00:00:04:00" in strip.accessibleDescription()
    QTest.keyClick(strip, Key.Key_O)
    QTest.keyClick(strip, Key.Key_Return)
    assert asked == [("1m01", 50, 120, False)]
    strip.edges.let_go()
    for key in (Key.Key_I, Key.Key_Right, Key.Key_Escape, Key.Key_Right):
        QTest.keyClick(strip, key)
    assert strip.edges.held is None
    assert strip.playhead == 121
    QTest.keyClick(strip, Key.Key_I)
    strip.set_view(replace(strip.view, name="again"))  # something else is new: what is held stays held
    assert strip.edges.holding
    QTest.keyClick(strip, Key.Key_Escape)
    assert len(asked) == 1
    menu = StripMenu(strip, QPointF(strip.point_at("cue", 270)))
    next(action for action in menu.actions() if action.objectName() == "cue-start").trigger()
    QTest.keyClick(strip, Key.Key_Left)
    QTest.keyClick(strip, Key.Key_Enter)
    assert asked[1] == ("1m02", 239, 300, False)


# --- the playhead and the view ------------------------------------------------


def test_the_ruler_moves_the_playhead(strip: TimelineStrip, qtbot: QtBot) -> None:
    with qtbot.waitSignal(strip.playhead_moved) as moved:
        QTest.mouseClick(strip, LEFT, NONE, strip.point_at("time", 120))
    assert abs(moved.args[0] - 120) <= 1
    seen: list[int] = []
    strip.playhead_moved.connect(seen.append)
    drag(strip, strip.point_at("bars", 50), strip.point_at("bars", 150), strip.point_at("bars", 250))
    assert abs(seen[-1] - 250) <= 1
    column = drawn(strip)[60:300, strip.point_at("time", strip.playhead).x()]
    assert share_of(column, DARK.colour("playhead"), 60) > 0.5


def test_setting_the_playhead_tells_nobody(strip: TimelineStrip, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(strip.playhead_moved):
        strip.set_playhead(200)
    assert strip.playhead == 200


def test_keys_move_the_playhead(strip: TimelineStrip) -> None:
    for key, modifiers, where in (
        (Key.Key_Right, NONE, 1),
        (Key.Key_Right, SHIFT, 26),
        (Key.Key_Left, NONE, 25),
        (Key.Key_Down, NONE, 60),
        (Key.Key_Down, NONE, 100),
        (Key.Key_Up, NONE, 60),
        (Key.Key_End, NONE, 300),
        (Key.Key_Right, NONE, 300),
        (Key.Key_Home, NONE, 0),
    ):
        QTest.keyClick(strip, key, modifiers)
        assert strip.playhead == where


def test_the_wheel_zooms_from_the_film_to_a_frame_where_the_mouse_is(strip: TimelineStrip) -> None:
    assert strip.scale.fitted
    point = strip.point_at("shots", 130)
    before = strip.scale.frame(point.x() - strip.lane_rect("shots").left())
    for _ in range(60):
        wheel(strip, point, 1, CTRL)
    assert strip.scale.shown < 8
    assert abs(strip.scale.frame(point.x() - strip.lane_rect("shots").left()) - before) < 0.1
    first = strip.scale.first_frame
    wheel(strip, point, -2)
    assert strip.scale.first_frame > first
    QTest.keyClick(strip, Key.Key_0)
    assert strip.scale.fitted
    QTest.keyClick(strip, Key.Key_Plus)
    assert not strip.scale.fitted
    QTest.keyClick(strip, Key.Key_Minus)
    assert strip.scale.fitted


@given(
    st.integers(1, 400_000),
    st.floats(50, 4000),
    st.lists(st.tuples(st.floats(0.1, 10), st.floats(0, 1), st.floats(-3000, 3000)), max_size=12),
)
def test_a_scale_never_leaves_the_film(duration: int, width: float, moves: list[tuple[float, float, float]]) -> None:
    scale = TimeScale()
    scale.set_width(width)
    scale.set_duration(duration)
    for factor, anchor, pixels in moves:
        x = anchor * width
        there = scale.frame(x)
        scale.zoom(factor, x)
        if scale.first_frame > 0 and scale.last_frame < duration - 1e-6:
            assert scale.frame(x) == pytest.approx(there, abs=1e-6 * duration)
        scale.scroll(pixels)
        assert scale.first_frame >= 0
        assert scale.last_frame <= max(duration, scale.shown) * (1 + 1e-9)
        assert scale.x(scale.frame(x)) == pytest.approx(x, abs=1e-3)


def test_ticks_follow_drop_frame_numbers(view: TimelineView) -> None:
    ntsc = replace(view, rate=Fraction(30000, 1001), drop_frame=True, start_frame=107892, duration_frames=20000)
    from shotscore_engine.timing import format_timecode

    ticks = ticks_between(0, 20000, 60 * 30, ntsc)
    words = [format_timecode(ntsc.start_frame + frame, ntsc.rate, True) for frame in ticks]
    assert words[:4] == ["01:00:00;00", "01:01:00;02", "01:02:00;02", "01:03:00;02"]


# --- shots ------------------------------------------------


def test_dragging_over_shots_selects_them(strip: TimelineStrip) -> None:
    seen: list[tuple[int, int]] = []
    strip.selection_changed.connect(lambda *shots: seen.append(shots))
    drag(strip, strip.point_at("shots", 70), strip.point_at("shots", 130), strip.point_at("shots", 190))
    assert seen == [(2, 2), (2, 3), (2, 4)]
    assert strip.selected_frames() == (60, 225)
    QTest.mouseClick(strip, LEFT, SHIFT, strip.point_at("shots", 290))
    assert strip.selection == (2, 5)
    assert "Shots 2 to 5 are selected." in strip.accessibleDescription()
    QTest.keyClick(strip, Key.Key_Escape)
    assert seen[-1] == (0, 0)


def test_keys_select_shots(strip: TimelineStrip) -> None:
    strip.set_playhead(70)
    for key, modifiers, shots in (
        (Key.Key_Right, CTRL, (2, 2)),
        (Key.Key_Right, CTRL, (3, 3)),
        (Key.Key_Right, CTRL | SHIFT, (3, 4)),
        (Key.Key_Left, CTRL, (2, 2)),
        (Key.Key_A, CTRL, (1, 5)),
        (Key.Key_Escape, NONE, (0, 0)),
    ):
        QTest.keyClick(strip, key, modifiers)
        assert strip.selection == shots


def test_enter_asks_to_make_the_selection_anew(strip: TimelineStrip, qtbot: QtBot) -> None:
    strip.set_selection(2, 3)
    with qtbot.waitSignal(strip.regenerate_requested) as asked:
        QTest.keyClick(strip, Key.Key_Return)
    assert asked.args == [2, 3]
    QTest.keyClick(strip, Key.Key_Z)
    assert strip.scale.first_frame > 0
    assert strip.scale.last_frame < 300


# --- hits ------------------------------------------------


def test_a_hit_is_dragged_sideways_to_move_and_upright_to_weigh(
    strip: TimelineStrip, session: Session, qtbot: QtBot
) -> None:
    frame = hit_frames(session)[2]
    start = strip.hit_point("1m01", frame)
    right = QPoint(round(strip.lane_rect("hits").left() + strip.scale.x(frame + 20)), start.y())
    with qtbot.waitSignal(strip.hit_moved) as moved:
        drag(strip, start, start + QPoint(6, 0), right, modifiers=ALT)
    assert moved.args[:2] == ["1m01", frame]
    assert abs(moved.args[2] - frame - 20) <= 1
    strip.set_view(strip.view)
    with qtbot.waitSignal(strip.hit_weighed) as weighed:
        drag(strip, start, start - QPoint(0, 6), start - QPoint(0, 60))
    assert weighed.args == ["1m01", frame, 1.0]


def test_a_dragged_hit_snaps_to_a_cut(strip: TimelineStrip, session: Session, qtbot: QtBot) -> None:
    frame = hit_frames(session)[2]
    start = strip.hit_point("1m01", frame)
    near = QPoint(round(strip.lane_rect("hits").left() + strip.scale.x(175)) + 3, start.y())
    with qtbot.waitSignal(strip.hit_moved) as moved:
        drag(strip, start, start + QPoint(6, 0), near)
    assert moved.args == ["1m01", frame, 175]


def test_escape_lets_go_of_a_dragged_hit(strip: TimelineStrip, session: Session, qtbot: QtBot) -> None:
    start = strip.hit_point("1m01", hit_frames(session)[1])
    with qtbot.assertNotEmitted(strip.hit_moved):
        QTest.mousePress(strip, LEFT, NONE, start)
        QTest.keyClick(strip, Key.Key_Escape)
        QTest.mouseRelease(strip, LEFT, NONE, start + QPoint(80, 0))


def test_double_clicks_add_and_mute_hits(strip: TimelineStrip, session: Session, qtbot: QtBot) -> None:
    with qtbot.waitSignal(strip.hit_added) as added:
        QTest.mouseDClick(strip, LEFT, NONE, strip.point_at("hits", 222))
    assert added.args[0] == "1m01"
    assert abs(added.args[1] - 222) <= 1
    frames = hit_frames(session)
    with qtbot.waitSignal(strip.hit_muted) as muted:
        QTest.mouseDClick(strip, LEFT, NONE, strip.hit_point("1m01", frames[0]))
    assert muted.args == ["1m01", frames[0], True]
    with qtbot.waitSignal(strip.hit_muted) as muted:
        QTest.mouseDClick(strip, LEFT, NONE, strip.hit_point("1m01", frames[3]))
    assert muted.args == ["1m01", frames[3], False]


def test_hits_by_keys_alone(strip: TimelineStrip, session: Session, qtbot: QtBot) -> None:
    frames = hit_frames(session)
    with qtbot.waitSignal(strip.hit_selected) as chosen:
        QTest.keyClick(strip, Key.Key_Period)
    assert chosen.args == ["1m01", frames[0]]
    assert "on the beat" in strip.accessibleDescription()
    QTest.keyClick(strip, Key.Key_Period)
    assert strip.selected_hit == ("1m01", frames[1])
    QTest.keyClick(strip, Key.Key_Comma)
    assert strip.selected_hit == ("1m01", frames[0])
    with qtbot.waitSignal(strip.hit_weighed) as weighed:
        QTest.keyClick(strip, Key.Key_Down, ALT)
    assert weighed.args == ["1m01", frames[0], 0.9]
    with qtbot.waitSignal(strip.hit_muted) as muted:
        QTest.keyClick(strip, Key.Key_M)
    assert muted.args == ["1m01", frames[0], True]
    with qtbot.waitSignal(strip.hit_moved) as moved:
        QTest.keyClick(strip, Key.Key_Right, ALT)
    assert moved.args == ["1m01", frames[0], frames[0] + 1]
    strip.set_playhead(140)
    with qtbot.waitSignal(strip.hit_added) as added:
        QTest.keyClick(strip, Key.Key_H)
    assert added.args == ["1m01", 140]


def test_crowded_hits_show_the_worst_of_them(view: TimelineView) -> None:
    hit = view.cues[0].hits[0]
    many = tuple(replace(hit, frame=frame, state="missed" if frame == 150 else "met") for frame in range(1, 300))
    cue = replace(view.cues[0], hits=many)
    scale = TimeScale()
    scale.set_width(300)
    scale.set_duration(300)
    shown = shown_hits(cue, scale, None)
    assert len(shown) < 40
    assert [one.frame for one, _ in shown if one.state == "missed"] == [150]


def test_a_crowd_of_hits_is_drawn_as_shares(make_strip: Callable[..., TimelineStrip], view: TimelineView) -> None:
    hit = view.cues[0].hits[0]
    many = tuple(replace(hit, frame=frame, state="met" if frame < 5000 else "missed") for frame in range(1, 9000, 3))
    cue = replace(view.cues[0], hits=many, end_frame=9000)
    strip = make_strip(shown=replace(view, cues=(cue,), duration_frames=9000))
    pixels, rect = drawn(strip), strip.lane_rect("hits")
    x = strip.point_at("hits", 5000).x()
    met, missed = pixels[rect.top() : rect.bottom(), 90 : x - 10], pixels[rect.top() : rect.bottom(), x + 10 : 990]
    assert share_of(met, DARK.colour("met")) > 0.6
    assert share_of(met, DARK.colour("missed")) == 0
    assert share_of(missed, DARK.colour("missed")) > 0.1
    assert share_of(missed, DARK.colour("met")) == 0


# --- energy and locks ------------------------------------------------


def test_energy_is_drawn_by_hand(strip: TimelineStrip, qtbot: QtBot) -> None:
    lane = strip.lane_rect("energy")
    x0, x1, x2 = (strip.point_at("energy", frame).x() for frame in (50, 100, 150))
    low, high = round(float(energy_y(0.25, lane))), round(float(energy_y(0.75, lane)))
    with qtbot.waitSignal(strip.energy_drawn) as curve:
        drag(strip, QPoint(x0, low), QPoint(x1, low), QPoint(x2, high))
    name, points = curve.args
    check_curve(points)
    assert name == "1m01"
    assert points[0][1] == pytest.approx(0.25, abs=0.04)
    assert points[-1][1] == pytest.approx(0.75, abs=0.04)
    assert points[0][0] == pytest.approx(50, abs=1)
    assert points[-1][0] == pytest.approx(150, abs=1)


def test_energy_by_keys(strip: TimelineStrip, qtbot: QtBot) -> None:
    strip.set_selection(2, 2)
    with qtbot.waitSignal(strip.energy_drawn) as curve:
        QTest.keyClick(strip, Key.Key_Up, CTRL)
    assert curve.args == ["1m01", ((60, 0.6), (99, 0.6))]


def test_a_drawn_stretch_leaves_the_rest_of_the_curve() -> None:
    before = ((0, 0.2), (50, 0.5), (100, 0.8))
    assert joined_curve(before, {40: 0.9, 60: 0.9}) == ((0, 0.2), (40, 0.9), (60, 0.9), (100, 0.8))
    steep = joined_curve(before, {40: 0.9, 60: 0.9}, steep=True)
    assert [frame for frame, _ in steep] == [0, 39, 40, 60, 61, 100]
    assert dict(steep)[39] == pytest.approx(0.434)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60))
def test_a_simplified_curve_stays_close(values: list[float]) -> None:
    points = tuple(enumerate(values))
    kept = simplified(points)
    frames, heights = zip(*kept, strict=True)
    assert set(kept) <= set(points)
    assert np.abs(np.interp(np.arange(len(values)), frames, heights) - values).max() <= 0.0121


def test_locks_go_on_and_off(strip: TimelineStrip, qtbot: QtBot) -> None:
    strip.set_selection(4, 4)
    with qtbot.waitSignal(strip.lock_toggled) as locked:
        QTest.keyClick(strip, Key.Key_L, CTRL)
    assert locked.args == ["1m01", "", 175, 225, True]
    strip.set_selection(3, 3)
    with qtbot.waitSignal(strip.lock_toggled) as locked:
        QTest.keyClick(strip, Key.Key_L, CTRL)
    assert locked.args == ["1m01", "", 100, 175, False]
    with qtbot.waitSignal(strip.lock_toggled) as locked:
        QTest.mouseClick(strip, LEFT, NONE, strip.point_at("locks", 280))
    assert locked.args == ["1m01", "melody", -1, -1, False]


def test_the_menu_offers_what_fits_the_place(strip: TimelineStrip, session: Session, qtbot: QtBot) -> None:
    point = QPointF(strip.hit_point("1m01", hit_frames(session)[0]))
    menu = StripMenu(strip, point)
    actions = {action.objectName(): action for action in menu.actions()}
    assert {"mute", "must", "nice"} <= set(actions)
    assert actions["must"].isChecked()
    with qtbot.waitSignal(strip.hit_weighed) as weighed:
        actions["nice"].trigger()
    assert weighed.args == ["1m01", hit_frames(session)[0], 0.5]
    menu = StripMenu(strip, QPointF(strip.point_at("shots", 120)))
    actions = {action.objectName(): action for action in menu.actions()}
    with qtbot.waitSignal(strip.regenerate_requested) as asked:
        actions["regenerate"].trigger()
    assert asked.args == [3, 3]


def test_tooltips_say_what_is_there(strip: TimelineStrip, session: Session) -> None:
    hit = strip.tip_at(QPointF(strip.hit_point("1m01", hit_frames(session)[1])))
    assert "nearly met" in hit
    assert strip.view is not None
    assert f"{strip.view.cues[0].hits[1].frames_off:+.1f} frames off. a little late" in hit
    assert "Shot 2: sea" in strip.tip_at(QPointF(strip.point_at("shots", 80)))
    assert "offline" in strip.tip_at(QPointF(strip.point_at("shots", 80)))
    assert strip.tip_at(QPointF(strip.point_at("tempo", 80))) == "120.00 BPM"
    for lane in LANES:
        assert strip.tip_at(QPointF(10, strip.lane_rect(lane.key).center().y())) == lane_help(lane.key) != ""


def test_a_new_view_keeps_what_is_still_there(strip: TimelineStrip, view: TimelineView, qtbot: QtBot) -> None:
    strip.set_selection(4, 5)
    fewer = replace(view, shots=view.shots[:3], duration_frames=175)
    with qtbot.waitSignal(strip.selection_changed) as changed:
        strip.set_view(fewer)
    assert changed.args == [0, 0]
    assert strip.scale.duration == 175


def test_weights_stand_above_each_other() -> None:
    rect = lay_out(500, 420)["hits"]
    assert weight_y(1.0, rect) < weight_y(0.5, rect) < weight_y(0.0, rect) <= rect.bottom()
