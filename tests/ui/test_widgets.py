"""Piano roll, mood pad, mixer and take cards, by mouse and by key."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from shotscore_engine.session import Session
from shotscore_engine.takes import combine_takes
from shotscore_ui.mixer import Mixer, files_mime
from shotscore_ui.moodpad import MoodPad
from shotscore_ui.roll import PianoRoll
from shotscore_ui.strip import TimelineStrip, TimeScale
from shotscore_ui.takes import TakeCards
from shotscore_ui.theme import DARK, apply
from shotscore_ui.view import MoodView, TimelineView
from shotscore_ui.views import Views, mixer_view
from widgets import LEFT, NONE, SHIFT, around, drag, drawn, share_of, small_session

Key = Qt.Key


@pytest.fixture(scope="module")
def session() -> Session:
    return small_session(takes=3)


@pytest.fixture(scope="module")
def view(session: Session) -> TimelineView:
    return Views().timeline(session)


@pytest.fixture
def show(qtbot: QtBot) -> Callable[[QWidget, int, int], None]:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    apply(app, DARK)

    def shown(widget: QWidget, width: int, height: int) -> None:
        qtbot.addWidget(widget)
        widget.resize(width, height)
        widget.show()
        qtbot.waitExposed(widget)

    return shown


Show = Callable[[QWidget, int, int], None]


# --- piano roll ------------------------------------------------


def test_notes_stand_where_they_sound_in_the_colour_of_their_part(show: Show, view: TimelineView) -> None:
    roll = PianoRoll()
    show(roll, 1600, 500)
    roll.set_timeline(view)
    notes = view.cues[0].roll
    assert notes is not None
    for part, name in enumerate(notes.parts):
        alone = replace(notes, **{
            field: getattr(notes, field)[notes.part == part][:1]
            for field in ("part", "pitch", "velocity", "start_frame", "end_frame")
        })  # fmt: skip
        roll.set_view(replace(alone, velocity=np.array([127], np.int32)))
        box = roll.note_rect(0)
        inside = drawn(roll)[int(box.top()) + 1 : int(box.bottom()) - 1, int(box.left()) + 1 : int(box.right()) - 2]
        hue = DARK.part(name).hslHueF()
        reddest = inside.reshape(-1, 3)[inside.reshape(-1, 3).max(axis=1).argmax()]
        from PySide6.QtGui import QColor

        assert abs(QColor(*map(int, reddest)).hslHueF() - hue) < 0.06


def test_parts_are_hidden_by_click_and_by_key(show: Show, view: TimelineView, qtbot: QtBot) -> None:
    roll = PianoRoll()
    show(roll, 1000, 300)
    roll.set_view(view.cues[0].roll)
    before = share_of(drawn(roll)[22:], DARK.colour("melody"), 40)
    assert before > 0
    with qtbot.waitSignal(roll.part_toggled) as toggled:
        QTest.mouseClick(roll, LEFT, NONE, roll.chip_rect("melody").center().toPoint())
    assert toggled.args == ["melody", False]
    assert share_of(drawn(roll)[22:], DARK.colour("melody"), 40) < before / 4
    with qtbot.waitSignal(roll.part_toggled) as toggled:
        QTest.keyClick(roll, Key.Key_1)
    assert toggled.args == ["melody", True]


def test_a_forming_take_is_faint_and_says_so(show: Show, view: TimelineView) -> None:
    roll = PianoRoll()
    show(roll, 1000, 300)
    finished = view.cues[0].roll
    assert finished is not None
    roll.set_view(finished)
    bright = drawn(roll)[22:].astype(int).sum()
    roll.set_view(replace(finished, noise=0.9))
    assert drawn(roll)[22:].astype(int).sum() < bright
    assert roll.accessibleDescription().startswith("Forming.")
    assert share_of(drawn(roll)[:20], DARK.colour("accent")) > 0.02


def test_roll_and_strip_scroll_as_one(show: Show, view: TimelineView, qtbot: QtBot) -> None:
    scale = TimeScale()
    strip, roll = TimelineStrip(scale=scale), PianoRoll(scale)
    show(strip, 1000, 400)
    show(roll, 1000, 200)
    strip.set_view(view)
    roll.set_timeline(view)
    roll.set_view(view.cues[0].roll)
    scale.zoom_to(100, 175)
    x = strip.point_at("shots", 140).x()
    with qtbot.waitSignal(roll.playhead_moved) as moved:
        QTest.mouseClick(roll, LEFT, NONE, QPoint(x, 100))
    assert abs(moved.args[0] - 140) <= 1
    QTest.keyClick(roll, Key.Key_Right, SHIFT)
    assert roll.playhead == moved.args[0] + 25


# --- mood pad ------------------------------------------------


def test_the_mood_is_dragged_and_pushed_by_keys(show: Show, qtbot: QtBot) -> None:
    pad = MoodPad()
    show(pad, 260, 240)
    pad.set_view(MoodView(0.0, 0.0, (0.0, 0.0)))
    with qtbot.waitSignal(pad.mood_changed) as changed:
        drag(pad, pad.point(0, 0).toPoint(), pad.point(0.2, 0.3).toPoint(), pad.point(0.5, -0.5).toPoint())
    assert changed.args == pytest.approx([0.5, -0.5], abs=0.03)
    assert pad.view.corrected
    assert share_of(around(drawn(pad), pad.point(0.5, -0.5).toPoint(), 4), DARK.colour("accent")) > 0.8
    at = pad.mood
    QTest.keyClick(pad, Key.Key_Left)
    QTest.keyClick(pad, Key.Key_Up, SHIFT)
    assert pad.mood == pytest.approx((at[0] - 0.05, at[1] + 0.2))
    with qtbot.waitSignal(pad.mood_reset):
        QTest.keyClick(pad, Key.Key_Home)
    assert pad.mood == (0.0, 0.0)
    assert "read from the picture" in pad.accessibleDescription()


def test_the_mood_stays_inside(show: Show, qtbot: QtBot) -> None:
    pad = MoodPad()
    show(pad, 260, 240)
    with qtbot.waitSignal(pad.mood_changed) as changed:
        drag(pad, pad.point(0, 0).toPoint(), QPoint(600, -300))
    assert changed.args == [1.0, 1.0]


# --- mixer ------------------------------------------------


@pytest.fixture
def mixer(show: Show, session: Session) -> Mixer:
    made = Mixer()
    show(made, 560, 260)
    made.set_view(mixer_view("1m01", session.perform(session.take("1m01"))))
    return made


def test_mute_solo_and_lock_are_told_and_shown(mixer: Mixer, qtbot: QtBot) -> None:
    first, second = (stem.name for stem in mixer.view.stems[:2])
    for button, signal, field in (
        (mixer.strip(first).mute, mixer.mute_toggled, "muted"),
        (mixer.strip(second).solo, mixer.solo_toggled, "soloed"),
        (mixer.strip(first).lock, mixer.lock_toggled, "locked"),
    ):
        name = first if field != "soloed" else second
        with qtbot.waitSignal(signal) as told:
            QTest.mouseClick(button, LEFT)
        assert told.args == [name, True]
        assert getattr(mixer.settings()[name], field)
        with qtbot.waitSignal(signal) as told:
            QTest.keyClick(button, Key.Key_Space)
        assert told.args == [name, False]


def test_a_solo_strikes_the_others_out(mixer: Mixer) -> None:
    first, second = (stem.name for stem in mixer.view.stems[:2])
    QTest.mouseClick(mixer.strip(second).solo, LEFT)
    assert mixer.strip(first).name.font().strikeOut()
    assert not mixer.strip(second).name.font().strikeOut()


def test_gain_by_keys_and_back_by_double_click(mixer: Mixer, qtbot: QtBot) -> None:
    name = mixer.view.stems[0].name
    strip = mixer.strip(name)
    with qtbot.waitSignal(mixer.gain_changed) as told:
        QTest.keyClick(strip.gain, Key.Key_Right)
    assert told.args == [name, 0.5]
    assert strip.value.text() == "+0.5 dB"
    with qtbot.waitSignal(mixer.gain_changed) as told:
        QTest.mouseDClick(strip.value, LEFT)
    assert told.args == [name, 0.0]


def test_an_instrument_is_chosen_from_its_family(mixer: Mixer, qtbot: QtBot) -> None:
    name = mixer.view.stems[0].name
    menu = mixer.strip(name).instrument.menu()
    menu.aboutToShow.emit()
    families = [action.menu() for action in menu.actions()]
    assert len(families) == 16
    flute = next(action for family in families for action in family.actions() if action.text() == "Flute")
    with qtbot.waitSignal(mixer.instrument_changed) as told:
        flute.trigger()
    assert told.args == [name, 73]
    assert mixer.strip(name).instrument.text() == "Flute"


def test_a_stem_is_pulled_out_by_its_handle(mixer: Mixer, qtbot: QtBot, tmp_path: Path) -> None:
    name = mixer.view.stems[1].name
    handle = mixer.strip(name).handle
    with qtbot.waitSignal(mixer.stem_dragged) as told:
        drag(handle, QPoint(5, 5), QPoint(60, 40))
    assert told.args == [name]
    files = [tmp_path / "a stem.wav", tmp_path / "é.mid"]
    assert [Path(url.toLocalFile()) for url in files_mime(files).urls()] == files


def test_the_next_take_keeps_the_mix(mixer: Mixer, session: Session) -> None:
    name = mixer.view.stems[0].name
    QTest.mouseClick(mixer.strip(name).mute, LEFT)
    following = mixer_view("1m01", session.perform(session.take("1m01", 2)), settings=mixer.settings())
    mixer.set_view(following)
    assert mixer.strip(name).mute.isChecked()


# --- takes ------------------------------------------------


@pytest.fixture
def cards(show: Show, session: Session) -> TakeCards:
    made = TakeCards()
    show(made, 760, 460)
    made.set_view(Views().takes(session, "1m01"))
    return made


def test_cards_say_what_a_take_is(cards: TakeCards) -> None:
    take = cards.view.takes[0]
    words = cards.card(1).accessibleName()
    assert "Take 1" in words
    assert "in use" in words
    assert f"{take.measures.hits_met} of {take.measures.hits} hits" in words
    roll = drawn(cards.card(1).roll)
    assert sum(share_of(roll, DARK.colour(part), 90) for part in ("melody", "counter", "harmony")) > 0.03


def test_a_card_by_mouse_and_by_key(cards: TakeCards, qtbot: QtBot) -> None:
    card = cards.card(2)
    for signal, key, args in (
        (cards.take_used, Key.Key_Return, ["1m01", 2]),
        (cards.take_played, Key.Key_Space, ["1m01", 2]),
        (cards.take_starred, Key.Key_S, ["1m01", 2, True]),
        (cards.take_deleted, Key.Key_Delete, ["1m01", 2]),
    ):
        with qtbot.waitSignal(signal) as told:
            QTest.keyClick(card, key)
        assert told.args == args
    with qtbot.waitSignal(cards.take_used) as told:
        QTest.mouseDClick(cards.card(3), LEFT, NONE, QPoint(100, 120))
    assert told.args == ["1m01", 3]
    with qtbot.waitSignal(cards.take_played) as told:
        QTest.mouseClick(card.play, LEFT)
    assert told.args == ["1m01", 2]
    QTest.mouseClick(cards.card(1), LEFT, NONE, QPoint(100, 120))
    assert cards.current == 1
    QTest.keyClick(cards.card(1), Key.Key_Right)
    assert cards.current == 2


def test_a_take_is_renamed_in_place(cards: TakeCards, qtbot: QtBot) -> None:
    card = cards.card(3)
    QTest.keyClick(card, Key.Key_F2)
    assert card.editor.isVisible()
    with qtbot.waitSignal(cards.take_renamed) as told:
        QTest.keyClicks(card.editor, "lighter")
        QTest.keyClick(card.editor, Key.Key_Return)
    assert told.args == ["1m01", 3, "lighter"]
    QTest.keyClick(card, Key.Key_F2)
    with qtbot.assertNotEmitted(cards.take_renamed):
        QTest.keyClicks(card.editor, "darker")
        QTest.keyClick(card.editor, Key.Key_Escape)
    assert not card.editor.isVisible()


def test_two_takes_are_compared_at_one_playhead(cards: TakeCards, qtbot: QtBot) -> None:
    cards.choose(3)
    with qtbot.waitSignal(cards.takes_compared) as told:
        QTest.mouseClick(cards.compare, LEFT)
    assert told.args == ["1m01", 1, 3]
    assert [button.text() for button in cards.sides] == ["A  Take 1", "B  Take 3"]
    with qtbot.waitSignal(cards.take_heard) as heard:
        QTest.keyClick(cards, Key.Key_X)
    assert heard.args == ["1m01", 3]
    with qtbot.waitSignal(cards.take_heard) as heard:
        QTest.mouseClick(cards.sides[0], LEFT)
    assert heard.args == ["1m01", 1]
    with qtbot.waitSignal(cards.takes_compared) as told:
        QTest.keyClick(cards, Key.Key_Escape)
    assert told.args == ["1m01", 0, 0]


def test_bars_are_combined_as_the_engine_takes_them(cards: TakeCards, session: Session, qtbot: QtBot) -> None:
    QTest.mouseClick(cards.combine, LEFT)
    table = cards.table
    assert table.isVisible()
    assert not table.make.isEnabled()
    drag(table, table.cell(1, 1).center().toPoint(), table.cell(1, 2).center().toPoint())
    QTest.keyClick(table, Key.Key_Right)
    QTest.keyClick(table, Key.Key_Down)
    QTest.keyClick(table, Key.Key_Down)
    with qtbot.waitSignal(cards.takes_combined) as told:
        QTest.keyClick(table, Key.Key_Return)
    first = 1 if cards.view.pickup else 2
    assert told.args == ["1m01", ((first, first + 1, 2), (first + 2, first + 2, 3))]
    combined = combine_takes(session, "1m01", told.args[1])
    views = Views().takes(combined, "1m01")
    assert (views.takes[-1].origin, views.takes[-1].in_use) == ("combine", True)


def test_a_deleted_take_leaves_no_card(cards: TakeCards, session: Session) -> None:
    fewer = replace(session, takes=session.takes[:2])
    cards.start_comparing(1, 3)
    cards.set_view(Views().takes(fewer, "1m01"))
    with pytest.raises(KeyError):
        cards.card(3)
    assert cards.compared == (0, 0)


def test_no_takes_is_said(show: Show) -> None:
    empty = TakeCards()
    show(empty, 400, 240)
    empty.set_view(Views().takes(Session("/films/film.otio", small_session().picture), "1m01"))
    assert empty.current == 0
    assert not empty.compare.isEnabled()
