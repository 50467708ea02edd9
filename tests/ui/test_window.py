"""The panel from opening to closing, with real clicks and keys against the real engine."""

import contextlib
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from films import Cut, write_edit
from panels import WAIT_MS, Panel
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QApplication, QComboBox, QFileDialog, QLineEdit, QWidget
from shotscore_engine.hits import own_hits
from shotscore_engine.roll import PARTS, notes_of
from shotscore_engine.session import Session
from shotscore_engine.timing import quantise
from shotscore_ui.buttons import FileHandle

Key, Mod = Qt.Key, Qt.KeyboardModifier
LONGEST_BLOCK_SECONDS = 0.05


@contextlib.contextmanager
def watched_main_thread() -> Iterator[list[float]]:
    """Seconds the main thread worked between two beats of a timer; the longest is how long the window was deaf.

    Its own time, not the wall's: how much of the machine others take says nothing about the panel.
    """
    beats: list[float] = []
    last = time.thread_time()

    def beat() -> None:
        nonlocal last
        now = time.thread_time()
        beats.append(now - last)
        last = now

    timer = QTimer(interval=1)
    timer.timeout.connect(beat)
    timer.start()
    try:
        yield beats
    finally:
        timer.stop()


@contextlib.contextmanager
def others_garbage_left_alone() -> Iterator[None]:
    """What other tests left in this process is not looked through on the panel's time."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def choose_in_dialog(panel: Panel, path: Path) -> None:
    """Type the path into the file dialog that is open and press its button."""
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, QFileDialog) and w.isVisible())
    line = dialog.findChild(QLineEdit)
    assert line is not None
    line.setText(str(path))
    opens = next(button for button in dialog.findChildren(QAbstractButton) if button.text().strip("&") == "Open")
    panel.click(opens)
    panel.come_to_front()


def left_hidden(folder: Path) -> list[str]:
    """Temporary files and folders of writers."""
    return [path.name for path in folder.rglob(".*")]


def test_three_clicks_from_opening_to_hearing_music(make_panel: Callable[..., Panel], film: Path) -> None:
    panel = make_panel()
    window = panel.window
    assert window.first_page.isVisible()
    panel.click(window.first_page.open_button)  # one
    choose_in_dialog(panel, film)  # two
    panel.wait(lambda: panel.situation == "score")
    assert "Score" in window.main_button.text()
    assert window.inspector.tempo_list.topLevelItemCount() > 3
    assert window.inspector.words.toPlainText()
    rolls: list[Any] = []
    panel.controller.formed.connect(lambda cue, view: rolls.append(view))
    window.inspector.steps.setValue(4)
    style = window.inspector.style_choice
    style.setCurrentIndex(style.findData("solo-piano"))
    panel.click(window.main_button)  # three
    assert panel.situation == "busy"
    panel.wait(lambda: window.player.playing)
    assert not panel.problems
    assert (film.parent / "edit score" / "1m01_mix.wav").exists()
    assert set(window.player.music.tracks) == {stem.name for stem in window.mixer.view.stems}
    assert np.abs(window.player.music.block(48_000, 96_000)).max() > 0.001
    first = window.player.frame
    panel.wait(lambda: window.player.frame > first)
    # The music was seen as it formed, from noise to its notes.
    noises = [view.noise for view in rolls]
    assert noises[0] > 0.5
    assert noises[-1] == 0.0
    assert noises == sorted(noises, reverse=True)
    panel.key(Key.Key_K)
    assert not window.player.playing
    # The draft is gone, the session lies with its files, and the first page knows it.
    assert not list(panel.settings.drafts.glob("*.shotscore"))
    assert panel.settings.recent == [film]


def test_shots_are_selected_and_regenerated_and_undone(make_panel: Callable[..., Panel], scored_session: Path) -> None:
    panel = make_panel()
    window, strip = panel.window, panel.window.strip
    panel.settings.play_when_done = False
    panel.open(scored_session, "export")
    before = panel.session
    shots = before.picture.shots
    middle = [(shot.start_frame + shot.end_frame) / 2 for shot in shots]
    panel.drag(strip, strip.point_at("shots", middle[1]), strip.point_at("shots", middle[2]))
    assert panel.controller.selection == (2, 3)
    assert panel.situation == "regenerate"
    assert "2–3" in window.main_button.text()
    panel.until(panel.controller.scored, lambda: panel.click(window.main_button))
    after = panel.session
    assert [take.number for take in after.takes] == [1, 2]
    assert after.chosen == {"1m01": 2}
    revision = after.take("1m01").revision
    assert revision.shots == (2, 3)
    # Outside what was free, not a note is another.
    free = np.zeros((after.take("1m01").grid.beats, 3), bool)
    for run in revision.free:
        free[run.start_beat : run.end_beat, PARTS.index(run.part)] = True
    old, new = (
        [n for n in notes_of(take.roll()).tolist() if not free[n[1] // 4, n[0]]]
        for take in (before.take("1m01"), after.take("1m01"))
    )
    assert [n[:2] + n[3:] for n in old] == [n[:2] + n[3:] for n in new]
    strip.setFocus()
    panel.key(Key.Key_Z, Mod.ControlModifier)
    assert panel.session.chosen == {"1m01": 1}
    assert len(panel.session.takes) == 1
    panel.key(Key.Key_Z, Mod.ControlModifier | Mod.ShiftModifier)
    assert panel.session.chosen == {"1m01": 2}
    panel.settle()
    saved = Session.open(scored_session)
    assert saved.chosen == {"1m01": 2}
    assert json.loads((scored_session.parent / "report.json").read_bytes())["cues"][0]["take"] == 2
    two_takes_are_heard_at_one_playhead(panel)
    # A star, by the keyboard's way through the menu of what a card can do, is kept as well.
    window.take_cards.take_starred.emit("1m01", 1, True)
    assert panel.session.take("1m01", 1).starred
    panel.settle()
    assert Session.open(scored_session).take("1m01", 1).starred
    assert not panel.problems


def two_takes_are_heard_at_one_playhead(panel: Panel) -> None:
    """A/B by click and key: the playhead stays, the sound is the other take's."""
    window, player = panel.window, panel.window.player
    cards = window.take_cards
    panel.wait(lambda: 1 in window.hearing.sounds.takes and len(cards.view.takes) == 2)
    player.seek(80)

    def heard() -> Any:
        """Half a second of sound around what was made anew."""
        return player.music.block(int(1.5 * 48_000), 24_000)

    in_use = heard()
    panel.click(cards.compare)
    assert cards.compared == (2, 1)
    panel.click(cards.sides[1])
    panel.wait(lambda: not np.array_equal(heard(), in_use))
    assert player.frame == 80
    cards.setFocus()
    panel.key(Key.Key_X)
    panel.wait(lambda: np.array_equal(heard(), in_use))
    assert player.frame == 80
    panel.key(Key.Key_X)
    panel.wait(lambda: not np.array_equal(heard(), in_use))
    panel.click(cards.compare)  # no longer compared: the take in use again
    panel.wait(lambda: np.array_equal(heard(), in_use))
    assert cards.compared == (0, 0)
    assert panel.session.chosen == {"1m01": 2}


def test_an_edge_of_the_cue_is_dragged_and_its_music_stays(
    make_panel: Callable[..., Panel], scored_session: Path
) -> None:
    panel = make_panel()
    window, strip = panel.window, panel.window.strip
    panel.open(scored_session, "export")
    before = panel.session
    cue, cut = before.cue("1m01"), before.picture.shots[-1].start_frame
    panel.drag(strip, strip.point_at("cue", cue.end_frame) - QPoint(2, 0), strip.point_at("cue", cut))
    assert panel.situation == "busy"
    assert strip.edges.held is not None  # shown until the session has followed
    panel.wait(lambda: panel.situation == "export" and strip.edges.held is None)
    after = panel.session
    assert (after.cue("1m01").start_frame, after.cue("1m01").end_frame) == (0, cut)
    take, old = after.take("1m01"), before.take("1m01")
    assert (take.number, take.revision.kind) == (2, "trim")
    first = min(run.start_beat for run in take.revision.free) * 4
    kept, was = (
        {(*note[:2], *note[3:]) for note in notes_of(one.roll()).tolist() if note[1] < first} for one in (take, old)
    )
    assert kept == was
    panel.wait(lambda: len(window.take_cards.view.takes) == 2)
    assert "another range" in window.take_cards.card(2).origin_words()
    assert not window.take_cards.card(1).take.usable
    # By keys: the beginning two frames later, set with Enter, then everything undone.
    strip.setFocus()
    for key in (Key.Key_I, Key.Key_Right, Key.Key_Right, Key.Key_Return):
        panel.key(key)
    panel.wait(lambda: panel.situation == "export" and panel.session.cue("1m01").start_frame == 2)
    panel.settle()
    for _ in range(2):
        panel.key(Key.Key_Z, Mod.ControlModifier)
    assert panel.session.cue("1m01") == cue
    assert panel.session.takes == before.takes
    assert not panel.problems
    # What cannot be done is said, and the edge goes back.
    strip.lock_toggled.emit("1m01", "", -1, -1, True)
    panel.settle()
    panel.wait(lambda: bool(strip.view.locks) and strip.view.cues[0].end_frame == cue.end_frame)
    panel.drag(strip, strip.point_at("cue", cue.end_frame) - QPoint(2, 0), strip.point_at("cue", cut))
    panel.wait(lambda: bool(panel.problems) and strip.edges.held is None)
    assert "locked" in window.banner.text.text()
    assert panel.session.cue("1m01") == cue


def test_a_cue_without_music_is_given_another_range(make_panel: Callable[..., Panel], film: Path) -> None:
    panel = make_panel()
    panel.open(film, "score")
    window, strip = panel.window, panel.window.strip
    panel.settle()
    window.player.seek(50)
    strip.setFocus()
    for key in (Key.Key_I, Key.Key_I, Key.Key_Return):  # its beginning, to the playhead, there
        panel.key(key)
    panel.wait(lambda: panel.session.cue("1m01").start_frame == 50 and panel.situation == "score")
    panel.settle()
    cue = panel.session.cue("1m01")
    assert cue.end_frame == panel.session.picture.duration_frames
    assert all(hit.frame >= 50 for hit in cue.hits)
    assert panel.controller.looks["1m01"].shots[0] == 2  # the picture of the new range was looked at
    # It is still a draft, and what was done can be undone.
    (draft,) = panel.settings.drafts.glob("*.shotscore")
    assert Session.open(draft).cue("1m01").start_frame == 50
    panel.key(Key.Key_Z, Mod.ControlModifier)
    assert panel.session.cue("1m01").start_frame == 0
    panel.wait(lambda: "1m01" in panel.controller.looks)  # looked at again, as far as it reaches now
    assert panel.controller.looks["1m01"].shots[0] == 1
    assert not panel.problems


def test_a_hit_is_added_moved_and_muted_by_keys(make_panel: Callable[..., Panel], scored_session: Path) -> None:
    panel = make_panel()
    panel.open(scored_session, "export")
    strip = panel.window.strip
    strip.setFocus()
    panel.window.player.seek(70)
    assert strip.playhead == 70
    panel.key(Key.Key_H)
    assert [hit.frame for hit in own_hits(panel.session.cue("1m01"))] == [70]
    panel.key(Key.Key_Z, Mod.ControlModifier)
    assert not own_hits(panel.session.cue("1m01"))
    panel.settle()
    assert Session.open(scored_session).future[0].did == "add a hit"


def test_stopping_leaves_the_session_as_it_was(make_panel: Callable[..., Panel], scored_session: Path) -> None:
    panel = make_panel()
    window = panel.window
    panel.open(scored_session, "export")
    before, notes = panel.session.takes, []
    panel.controller.noted.connect(notes.append)
    panel.until(panel.controller.jobs.started, window.scoring.score, check=lambda _, kind: kind == "score")
    assert window.main_button.text() == "Stop"
    panel.until(
        panel.controller.jobs.cancelled, lambda: panel.click(window.main_button), lambda _, kind: kind == "score"
    )
    panel.wait(lambda: panel.situation == "export")
    assert panel.session.takes == before
    assert any("Stopped" in sentence for sentence in notes)
    assert not left_hidden(scored_session.parent)
    assert not panel.problems


def test_a_killed_worker_costs_nothing_but_its_job(make_panel: Callable[..., Panel], scored_session: Path) -> None:
    panel = make_panel()
    window = panel.window
    panel.settings.play_when_done = False
    panel.open(scored_session, "export")
    before = panel.session
    panel.until(panel.controller.jobs.started, window.scoring.score, check=lambda _, kind: kind == "score")
    # What a person changes while it runs is not lost with it.
    window.take_cards.take_renamed.emit("1m01", 1, "the old one")
    os.kill(panel.controller.jobs.process_id, signal.SIGKILL)
    panel.wait(lambda: bool(panel.problems))
    assert panel.problems[0].kind == "WorkerCrashed"
    assert window.banner.isVisible()
    assert "session is as it was" in window.banner.text.text()
    panel.click(window.banner.more)
    assert window.banner.detail.isVisible()
    panel.wait(lambda: panel.situation == "export")
    assert len(panel.session.takes) == len(before.takes)
    panel.settle()
    assert Session.open(scored_session).take("1m01").name == "the old one"
    assert not left_hidden(scored_session.parent)
    # And the next job is done, by a new worker.
    click = panel.until(panel.controller.clicked, lambda: panel.controller.audition(100.0))[0]
    assert click.stat().st_size > 48_000


def test_closing_during_a_job_leaves_no_process_and_no_half_file(
    make_panel: Callable[..., Panel], scored_session: Path
) -> None:
    panel = make_panel()
    panel.open(scored_session, "export")
    before = scored_session.read_bytes()
    listed = {path: path.stat().st_mtime_ns for path in scored_session.parent.rglob("*") if path.is_file()}
    panel.until(panel.controller.jobs.started, panel.window.scoring.score, check=lambda _, kind: kind == "score")
    worker = psutil.Process(panel.controller.jobs.process_id)
    panel.window.close()
    assert not panel.window.isVisible()  # at once
    panel.wait(lambda: panel.gone)
    assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
    assert not left_hidden(scored_session.parent)
    assert not scored_session.with_name("edit.shotscore.lock").exists()
    assert scored_session.read_bytes() == before
    for path, mark in listed.items():
        if not path.name.startswith("edit.shotscore"):  # saved as it was, and its lock is gone
            assert path.stat().st_mtime_ns == mark


def test_the_window_is_never_deaf(make_panel: Callable[..., Panel], tmp_path: Path) -> None:
    """Opening 3,000 shots: nothing on the window's thread takes 50 ms of its time."""
    import opentimelineio as otio

    def span(start: int, frames: int) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(otio.opentime.RationalTime(start, 25), otio.opentime.RationalTime(frames, 25))

    edit = otio.schema.Timeline("long")
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    for number in range(3000):
        media = otio.schema.ExternalReference(f"missing-{number % 40}.mov", span(0, 100_000))
        track.append(otio.schema.Clip(f"A{number:04}", media, span(number, 20 + number % 50)))
    edit.tracks.append(track)
    path = tmp_path / "long.otio"
    otio.adapters.write_to_file(edit, str(path))
    panel = make_panel()
    window = panel.window
    panel.bot.wait(50)  # the window itself is up
    longest = []
    with others_garbage_left_alone():
        for _ in range(3):  # a busy machine slows a thread down as well: the best of three says what the panel does
            with watched_main_thread() as beats:
                panel.until(window.painted, lambda: window.open(path))
                assert len(window.strip.view.shots) == 3000
                window.strip.select(1000, 2000)
                window.strip.scale.zoom_to(5000, 6000)
                panel.bot.wait(50)
                window.player.seek(5500)
                panel.bot.wait(50)
            assert len(beats) > 10
            longest.append(max(beats))
            panel.wait(lambda: not panel.controller.busy)
    assert min(longest) < LONGEST_BLOCK_SECONDS, longest


def test_a_dropped_timeline_opens_and_a_missing_one_is_told(
    make_panel: Callable[..., Panel], scored_session: Path, tmp_path: Path
) -> None:
    panel = make_panel()
    window = panel.window
    window.open(tmp_path / "none.shotscore")
    panel.wait(lambda: bool(panel.problems))
    assert "none.shotscore" in window.banner.text.text()
    assert panel.situation == "empty"
    assert window.first_page.isVisible()
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(scored_session))])
    point, action, button = QPoint(200, 200), Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    enter = QDragEnterEvent(point, action, data, button, Mod.NoModifier)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(point), action, data, button, Mod.NoModifier))
    panel.wait(lambda: panel.situation == "export" and window._shown is not None and window._shown.sounds is not None)
    assert not window.banner.isVisible()
    # Music out of the panel: files that are there.
    handles = [handle for handle in window.findChildren(FileHandle) if handle.mime() is not None]
    dragged = {Path(url.toLocalFile()).name for handle in handles for url in handle.mime().urls()}
    assert dragged == {"1m01.mid", "1m01_mix.wav"}
    # Solo is heard at once.
    stem = window.mixer.view.stems[0].name
    window.mixer.solo_toggled.emit(stem, True)
    assert {name for name, gain in window.player.music.gains.items() if gain} == {stem}
    # The layout comes back.
    window.resize(781, 702)
    window.docks["mixer"].hide()
    panel.close()
    again = make_panel()
    assert again.window.size().width() == 781
    again.open(scored_session, "export")
    assert not again.window.docks["mixer"].isVisible()
    assert again.window.docks["inspector"].isVisible()


def test_everything_has_a_name_and_every_key_one_meaning(make_panel: Callable[..., Panel]) -> None:
    panel = make_panel()
    window = panel.window
    kinds = (QAbstractButton, QAbstractSlider, QComboBox, QLineEdit)
    nameless = [
        f"{type(widget).__name__} {widget.objectName()} in {type(widget.parent()).__name__}"
        for widget in window.findChildren(QWidget)
        if isinstance(widget, kinds)
        and not widget.objectName().startswith("qt_")
        and not (widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text()) or widget.toolTip())
        and not _inside_qt(widget)
    ]
    assert nameless == []
    keys = [key.keys for key in window.KEYS]
    assert len(keys) == len(set(keys))
    assert all(key.words for key in window.KEYS)


def _inside_qt(widget: QWidget) -> bool:
    """Parts of Qt's own controls: scroll bars, the line in a spin box, the arrows of tabs and the buttons of docks."""
    parent = widget.parent()
    names = {type(widget).__name__, type(parent).__name__}
    return bool(
        names & {"QScrollBar", "QDockWidgetTitleButton", "QTabBar", "QSpinBox", "QDoubleSpinBox", "QDockWidget"}
    )


def test_the_doctor_is_asked(make_panel: Callable[..., Panel]) -> None:
    panel = make_panel(doctor=(sys.executable, "-m", "shotscore_plugin.cli", "doctor", "--json"))
    panel.click(panel.window.bar.wrong)
    from shotscore_ui.dialogs import DoctorDialog

    dialog = panel.window.findChild(DoctorDialog)
    panel.bot.waitUntil(lambda: dialog.table.topLevelItemCount() > 0, timeout=WAIT_MS)
    names = {dialog.table.topLevelItem(row).text(1) for row in range(dialog.table.topLevelItemCount())}
    assert {"Model", "Qt", "SoundFont"} <= names
    dialog.close()


def test_music_is_inserted_exported_and_follows_a_recut(make_panel: Callable[..., Panel], scored_session: Path) -> None:
    """The rest of the main button's road, with the real host of timeline files."""
    from shotscore_plugin.panel import file_editor
    from shotscore_ui.dialogs import ExportDialog

    panel = make_panel(file_editor=file_editor)
    window, folder = panel.window, scored_session.parent
    timeline = folder.parent / "edit.otio"
    panel.open(scored_session, "insert")
    panel.click(window.main_button)
    panel.wait(lambda: panel.situation == "export")
    copy = timeline.with_name("edit.music.otio")
    assert "1m01" in copy.read_text("utf-8")
    panel.controller.link.remove()
    panel.wait(lambda: panel.situation == "insert")
    assert not copy.exists()
    panel.click(window.main_button)
    panel.wait(lambda: panel.situation == "export")
    # Export writes what is ticked.
    panel.click(window.main_button)
    dialog = window.findChild(ExportDialog)
    for row in range(dialog.list.topLevelItemCount()):
        item = dialog.list.topLevelItem(row)
        ticked = item.data(0, Qt.ItemDataRole.UserRole) == "midi"
        item.setCheckState(0, Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
    files = panel.until(panel.controller.exported, lambda: panel.click(dialog.go))[0]
    assert {path.suffix for path in files} == {".mid"}
    assert all(path.is_file() for path in files)
    panel.come_to_front()
    # Somebody goes on cutting: the panel notices, and the bar says so.
    before = panel.session.picture
    cuts = [
        Cut(shot.media.path, quantise(shot.media.start * before.rate), shot.duration_frames) for shot in before.shots
    ]
    recut = write_edit(folder / "recut.otio", before.rate, cuts[:-1]).read_text("utf-8")
    for film in {cut.film for cut in cuts}:  # they lie where they always lay
        recut = recut.replace(f'"{film.name}"', f'"{film.as_posix()}"')
    timeline.write_text(recut, "utf-8")
    panel.wait(lambda: panel.situation == "reconform")
    assert "changed" in window.bar.state.text()
    # The button follows the recut; what became of the music is told, and the new take is shown.
    shots = len(cuts)
    table = panel.until(panel.controller.followed, lambda: panel.click(window.main_button))[0]
    panel.wait(lambda: panel.situation == "insert" and len(window.take_cards.view.takes) == 2)
    assert len(panel.session.picture.shots) == shots - 1
    assert panel.session.chosen == {"1m01": 2}
    assert "after the recut" in window.take_cards.card(2).origin_words()
    assert window.banner.isVisible()
    assert f"{table['bar_counts']['regenerated']} written anew" in window.banner.text.text()
    panel.click(window.banner.more)
    assert f"Shot {shots} of before: deleted" in window.banner.detail.toPlainText()
    assert len(window.strip.view.shots) == shots - 1
    assert not panel.problems
