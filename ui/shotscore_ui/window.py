"""The window: bar, timeline strip, inspector, docks, and one main button that says what to do next.

It holds no logic: widgets speak by signals, the controller answers with views. Everything has a key (`KEYS` lists
them), everything has an accessible name, and nothing here takes longer than a repaint.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDesktopServices,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QShortcut,
)
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QDockWidget,
    QFileDialog,
    QLabel,
    QMainWindow,
    QMenu,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from . import changes, icons
from .appearance import apply_appearance, sheet
from .buttons import ICON
from .changes import Table
from .controller import Controller
from .demo import DemoFilm
from .dialogs import Banner, DoctorDialog, KeysDialog, SettingsDialog
from .editor import Surroundings
from .edits import Edits
from .firstrun import FirstPage
from .hearing import Hearing
from .inspector import Inspector, counted
from .jobs import Problem
from .keys import in_words, keys_of
from .mainbutton import ActionPanel
from .mixerdock import MixerDock
from .musicwords import key_words
from .player import Player
from .roll import PianoRoll
from .scoring import TIMELINES, Scoring
from .settings import Settings
from .shown import Look, Shown, Situation
from .sourcebar import Deeds, SourceBar
from .strip import TimelineStrip, TimeScale
from .takes import TakeCards
from .theme import theme_of
from .thumbnails import ThumbnailStore
from .view import RollView, TakesView

if TYPE_CHECKING:
    from shotscore_engine.session import Session

LAYOUT_VERSION = 1
_NOTE_MS = 8000
_EDITOR_MS = 3000
_LEAST_HEIGHT = 340
"""Points timeline and roll keep together when the window is low: the docks have scroll bars, lanes would go."""
_VIDEOS = "*.mp4 *.mov *.m4v *.mkv *.webm *.avi *.mxf *.mpg *.mts"


class MainWindow(QMainWindow):
    """The panel."""

    painted = Signal()
    """The first time a timeline is on the screen after it was opened"""
    gone = Signal()
    """Closed, and no process left"""

    def __init__(self, controller: Controller, *, app: QApplication | None = None) -> None:
        super().__init__()
        self.controller = controller
        self.settings: Settings = controller.settings
        self.surroundings: Surroundings = controller.surroundings
        self._app = app
        self._shown: Shown | None = None
        self._next_shown: Shown | None = None
        """What is shown as soon as the docks are back."""
        self._may_close = False
        self._paint_waited = False
        self._alone = False
        """Whether the first page is shown, without docks."""
        self._state = QByteArray()
        """The layout the docks come back in."""
        self._inspected: tuple[object, ...] = ()
        """Timeline, cue and take the inspector was filled from."""
        self._base_roll: RollView | None = None
        self.setWindowTitle("Shotscore")
        self.setObjectName("shotscore")
        self.setAcceptDrops(True)
        self.setDockOptions(
            QMainWindow.DockOption.AnimatedDocks
            | QMainWindow.DockOption.AllowTabbedDocks
            | QMainWindow.DockOption.AllowNestedDocks
        )
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, self.tabPosition(Qt.DockWidgetArea.TopDockWidgetArea))
        self.thumbnails = ThumbnailStore(parent=self)
        self.scale = TimeScale(self)
        deeds = Deeds(self.choose_file, self.show_doctor, self.show_settings, self._view_menu)
        self.bar = SourceBar(controller, deeds, self)
        self.addToolBar(self.bar)
        self._build_middle()
        self.player = Player(self)
        self.hearing = Hearing(controller, self.player, self)
        self.edits = Edits(controller, self)
        self._build_docks()
        self._build_keys()
        self._connect()
        self.resize(QSize(1360, 860).boundedTo(self.screen().availableSize()))
        self._lay_out()
        self._colour()
        self._situated(controller.situation)
        self._show_session(None)
        if self.surroundings.editor is not None:
            self._editor_timer = QTimer(self, interval=_EDITOR_MS)
            self._editor_timer.timeout.connect(controller.link.ask)
            self._editor_timer.start()
            controller.link.ask()

    # --- building ----------------------------------------------------------------------------------------------

    def _build_middle(self) -> None:
        self.banner = Banner(self)
        editor = self.surroundings.editor
        self.first_page = FirstPage(
            editor=editor.name if editor else "",
            demo=bool(self.surroundings.demo),
            hints=self.surroundings.hints,
            parent=self,
        )
        self.first_page.set_recent(self.settings.recent)
        self.strip = TimelineStrip(self.thumbnails, self.scale, self)
        self.roll = PianoRoll(self.scale, self)
        self.split = QSplitter(Qt.Orientation.Vertical, self)
        self.split.addWidget(self.strip)
        self.split.addWidget(self.roll)
        self.split.setStretchFactor(0, 3)
        self.split.setStretchFactor(1, 2)
        self.split.setChildrenCollapsible(False)
        self.split.setHandleWidth(5)
        self.split.setMinimumHeight(_LEAST_HEIGHT)
        self.pages = QStackedWidget(self)
        self.pages.addWidget(self.first_page)
        self.pages.addWidget(self.split)
        middle = QWidget(self)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self.pages, 1)
        self.setCentralWidget(middle)
        self.facts = QLabel(self)
        self.facts.setContentsMargins(0, 0, 10, 0)
        self.statusBar().addPermanentWidget(self.facts)
        self.statusBar().setSizeGripEnabled(False)

    def _build_docks(self) -> None:
        self.inspector = Inspector(self)
        self.scoring = Scoring(self.controller, self.inspector, self.choose_file, self)
        self.action = ActionPanel(self.scoring.entries, self)
        self.main_button = self.action.main
        side = QWidget(self)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.inspector, 1)
        column.addWidget(self.action)
        self.take_cards = TakeCards(self)
        self.mixer_dock = MixerDock(self.controller, self.hearing, self.show_folder, self)
        self.mixer = self.mixer_dock.mixer
        self.docks: dict[str, QDockWidget] = {}
        for name, words, widget, area in (
            ("inspector", self.tr("Inspector"), side, Qt.DockWidgetArea.RightDockWidgetArea),
            ("player", self.tr("Player"), self.player, Qt.DockWidgetArea.BottomDockWidgetArea),
            ("takes", self.tr("Takes"), self.take_cards, Qt.DockWidgetArea.BottomDockWidgetArea),
            ("mixer", self.tr("Mixer"), self.mixer_dock, Qt.DockWidgetArea.BottomDockWidgetArea),
        ):
            dock = QDockWidget(words, self)
            dock.setObjectName(name)
            dock.setWidget(widget)
            dock.setAccessibleName(words)
            self.addDockWidget(area, dock)
            self.docks[name] = dock

    def _build_keys(self) -> None:
        self.KEYS = keys_of(self)
        for key in self.KEYS:
            action = QAction(key.words, self)
            action.setShortcut(QKeySequence(key.keys))
            action.triggered.connect(lambda _=False, slot=key.slot: slot())
            self.addAction(action)
        # Space presses a button that has the focus; over timeline, roll and picture it plays.
        for widget in (self.strip, self.roll, self.player.picture):
            space = QShortcut(QKeySequence(Qt.Key.Key_Space), widget)
            space.setContext(Qt.ShortcutContext.WidgetShortcut)
            space.activated.connect(self.player.toggle)

    def _connect(self) -> None:
        c, strip, hearing, scoring = self.controller, self.strip, self.hearing, self.scoring
        c.shown.connect(self._show_session)
        c.situation_changed.connect(self._situated)
        c.looked.connect(self._looked)
        c.advanced.connect(self.action.show_advance)
        c.formed.connect(self._formed)
        c.troubled.connect(self._troubled)
        c.noted.connect(self.note)
        c.scored.connect(self._scored)
        c.followed.connect(self._followed)
        c.proxied.connect(self.player.set_film)
        c.clicked.connect(self._clicked)
        c.device_known.connect(self.bar.show_device)
        c.closed.connect(self._all_gone)
        self.action.pressed.connect(scoring.do_what_comes_next)
        scoring.begun.connect(self._begun)
        scoring.told.connect(self.note)
        scoring.troubled.connect(self._troubled)
        self.first_page.open_requested.connect(self.choose_file)
        self.first_page.demo_requested.connect(self.make_demo)
        self.first_page.editor_requested.connect(c.read_editor)
        self.first_page.chosen.connect(self.open)
        strip.playhead_moved.connect(self.player.seek)
        strip.selection_changed.connect(self._selected)
        strip.cue_activated.connect(c.use_cue)
        strip.regenerate_requested.connect(scoring.regenerate_range)
        self.roll.playhead_moved.connect(self.player.seek)
        self.player.moved.connect(self._playhead)
        self.player.told.connect(self.note)
        hearing.told.connect(self.note)
        cards = self.take_cards
        cards.take_played.connect(hearing.play_take)
        cards.take_heard.connect(hearing.hear_take)
        cards.takes_compared.connect(lambda cue, a, b: hearing.hear_take(cue, a if a or b else 0))
        self.inspector.auditioned.connect(c.audition)
        self.inspector.silenced.connect(lambda _: hearing.hear_no_click())
        self.edits.hear_strip(strip)
        self.edits.hear_takes(cards)
        self.edits.hear_mixer(self.mixer)

    def _lay_out(self) -> None:
        self.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        self.tabifyDockWidget(self.docks["takes"], self.docks["mixer"])
        self.docks["takes"].raise_()
        self.resizeDocks([self.docks["inspector"]], [320], Qt.Orientation.Horizontal)
        self.resizeDocks([self.docks["player"], self.docks["takes"]], [380, 640], Qt.Orientation.Horizontal)
        self.resizeDocks([self.docks["player"], self.docks["takes"]], [290, 290], Qt.Orientation.Vertical)
        self._default = self.saveState(LAYOUT_VERSION)
        geometry, state = self.settings.layout("geometry"), self.settings.layout("state")
        if not geometry.isEmpty():
            self.restoreGeometry(geometry)
        if not state.isEmpty():
            self.restoreState(state, LAYOUT_VERSION)
        split: QByteArray = self.settings.layout("split")
        if not split.isEmpty():
            self.split.restoreState(split)

    def _colour(self) -> None:
        chosen = theme_of(self)
        for made in self.findChildren(QToolButton):
            name = made.property(ICON)
            if name and not isinstance(made.parent(), Player):
                made.setIcon(icons.icon(str(name), chosen))
        self.setStyleSheet(sheet(chosen))
        self._situated(self.controller.situation)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape, where nothing with the focus wants it: stop, close the message, select nothing."""
        if event.key() == Qt.Key.Key_Escape and self._escape():
            event.accept()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: Any) -> None:
        """New colours, new icons."""
        super().changeEvent(event)
        if event.type() == event.Type.PaletteChange and hasattr(self, "docks"):
            QTimer.singleShot(0, self._colour)

    # --- opening -----------------------------------------------------------------------------------------------

    def open(self, path: Path) -> None:
        """Open a timeline, a video or a session."""
        self.banner.hide()
        self._paint_waited = True
        self.controller.open(path)
        self.first_page.set_recent(self.settings.recent)

    def choose_file(self) -> None:
        """Ask which."""
        dialog = QFileDialog(self, self.tr("Open a timeline or video"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(
            [
                self.tr("Timelines and videos ({0})").format(f"{TIMELINES} {_VIDEOS}"),
                self.tr("All files (*)"),
            ]
        )
        if self.settings.recent:
            dialog.setDirectory(str(self.settings.recent[0].parent))
        if QGuiApplication.platformName() == "offscreen":
            dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.open(Path(name)))
        dialog.open()

    def make_demo(self) -> None:
        """Draw the demo film, beside the panel, then open it."""
        if not self.surroundings.demo:
            return
        film = DemoFilm(self.surroundings.demo, self.settings.folder / "demo", self)
        film.made.connect(self.open)
        film.failed.connect(self._troubled)
        for ended in (film.made, film.failed):
            ended.connect(lambda _: self.first_page.demo_button.setEnabled(True))
            ended.connect(film.deleteLater)
        self.first_page.demo_button.setEnabled(False)
        self.note(self.tr("The demo film is being drawn …"))
        film.start()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files are welcome."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open the first file that was dropped."""
        for url in event.mimeData().urls():
            if url.isLocalFile():
                event.acceptProposedAction()
                path = Path(url.toLocalFile())
                QTimer.singleShot(0, lambda path=path: self.open(path))  # the other program waits until this returns
                return

    # --- what is shown -----------------------------------------------------------------------------------------

    def _show_session(self, shown: Shown | None) -> None:
        self._next_shown = shown
        if shown is None:
            self._show_nothing()
        elif self._alone:  # the docks take a breath to come back: the film follows in the next
            self._show_docks(True)
            QTimer.singleShot(0, self._show_next)
        else:
            self._show_next()

    def _show_nothing(self) -> None:
        self._shown = None
        self.pages.setCurrentWidget(self.first_page)
        self._show_docks(False)
        self.bar.show_source()
        self.bar.show_session(None)
        self.strip.set_view(None)
        self.roll.set_view(None)
        self.take_cards.set_view(TakesView("", ()))
        self.mixer_dock.set_view(None)
        self.player.pause()
        self.player.set_film(None)
        self.hearing.show(None)
        self.inspector.set_scope("", (0, 0), 0)
        self.facts.clear()

    def _show_next(self) -> None:
        """Show what was given last."""
        shown = self._next_shown
        if shown is None:
            return
        self._shown = shown
        session, timeline = shown.session, shown.timeline
        self.pages.setCurrentWidget(self.split)
        self.bar.show_source()
        self.bar.show_session(session)
        self.strip.set_view(timeline)
        self.roll.set_timeline(timeline)
        self.take_cards.set_view(shown.takes or TakesView("", ()))
        self.mixer_dock.set_view(shown.mixer)
        self.player.set_timeline(
            timeline.rate, timeline.duration_frames, timeline.start_frame, timeline.drop_frame, timeline.dialogue
        )
        cue = timeline.cue(self.controller.cue)
        self._base_roll = cue.roll if cue else None
        if not self.controller.busy:
            self.roll.set_view(self._base_roll)
        self.hearing.show(shown)
        self._show_inspector(session)
        self._show_facts(shown)
        if self._paint_waited:
            self._paint_waited = False
            QTimer.singleShot(0, self.painted.emit)

    def _show_docks(self, there: bool) -> None:
        """The first page stands alone; what was hidden for it comes back as it was."""
        # What it needs does not keep the window high while something is open.
        policy = QSizePolicy.Policy
        self.first_page.setSizePolicy(policy.Preferred, policy.Ignored if there else policy.Preferred)
        for dock in self.docks.values():
            dock.setEnabled(there)
            dock.toggleViewAction().setEnabled(there)
        if not there and not self._alone:
            self._alone = True
            self._state = self.saveState(LAYOUT_VERSION)
            for dock in self.docks.values():
                dock.hide()
        elif there and self._alone:
            self._alone = False
            self.restoreState(self._state, LAYOUT_VERSION)

    def _show_inspector(self, session: Session) -> None:
        c = self.controller
        scored = c.cue in session.chosen
        shots = c.selection if scored else (0, 0)
        self.inspector.set_scope(c.cue, shots, len(session.picture.shots), scored=scored)
        take = session.take(c.cue) if scored else None
        key = (session.timeline, c.cue, take.number if take else 0)
        if self._inspected != key:
            self._inspected = key
            self.inspector.set_take(take)
            if take is not None and c.cue not in c.looks:  # until the picture was looked at, what was found then
                found = tuple((one.bpm, one.meter, one.met, one.near, one.missed) for one in take.tempi)
                self.inspector.set_look(Look(found))

    def _show_facts(self, shown: Shown) -> None:
        cue = shown.timeline.cue(self.controller.cue)
        if cue is None:
            self.facts.clear()
            return
        weighed = [hit for hit in cue.hits if hit.state != "ignored"]
        words = [cue.name]
        if cue.grid is not None and shown.takes is not None:
            met = sum(hit.state == "met" for hit in weighed)
            words.append(self.tr("{0} of {1} hits on a beat").format(met, len(weighed)))
            card = next((card for card in shown.takes.takes if card.in_use), None)
            if card is not None:
                words += [f"{card.bpm:.1f} BPM", key_words(card.key), self.tr("take {0}").format(card.number)]
        else:
            words.append(counted(self.tr("1 hit"), self.tr("{0} hits"), len(weighed)))
        self.facts.setText("  ·  ".join(words))

    def _looked(self) -> None:
        look = self.controller.looks.get(self.controller.cue)
        if look is not None:
            self.inspector.set_look(look)

    def note(self, sentence: str) -> None:
        """A sentence in the status line for a while."""
        self.statusBar().showMessage(sentence, _NOTE_MS)

    def _troubled(self, problem: Problem) -> None:
        self.banner.show_problem(problem)
        self.roll.set_view(self._base_roll)

    # --- the main button ---------------------------------------------------------------------------------------

    def _situated(self, situation: Situation) -> None:
        self.action.show_situation(situation)
        if situation.kind not in ("busy", "reading", "looking", "reconform"):
            self.roll.set_view(self._base_roll)
        if self._shown is not None:
            self._show_inspector(self._shown.session)
        self.bar.show_source()

    def _begun(self, words: str) -> None:
        self.banner.hide()
        self.action.stage.setText(words)
        self.hearing.take_in_use()

    def _formed(self, _: str, view: RollView) -> None:
        base = self._base_roll
        if base is not None and base.range_frames != view.range_frames:
            view = base.overlaid(view)
        self.roll.set_view(view)

    def _scored(self, _: str) -> None:
        self.strip.setFocus()
        if self.settings.play_when_done:
            self.hearing.play_when_there()

    def _followed(self, table: Table) -> None:
        self.banner.show_news(changes.summary(table), changes.change_list(table))

    def _escape(self) -> bool:
        if self.controller.busy or self.controller.situation.kind == "looking":
            self.controller.cancel()
        elif self.banner.isVisible():
            self.banner.hide()
        elif self.controller.selection[0]:
            self.strip.select(0, 0)
        else:
            return False
        return True

    # --- selection and playhead --------------------------------------------------------------------------------

    def _selected(self, first: int, last: int) -> None:
        self.controller.select(first, last)
        shown = self._shown
        frames = None
        if first and shown is not None:
            shots = shown.timeline.shots
            frames = (shots[first - 1].start_frame, shots[last - 1].end_frame)
        self.player.set_selection(frames)
        if shown is not None:
            self._show_inspector(shown.session)

    def _playhead(self, frame: int) -> None:
        self.strip.set_playhead(frame)
        self.roll.set_playhead(frame)

    def _clicked(self, path: Path) -> None:
        if self.inspector.click.isChecked():
            self.hearing.hear_click(path)

    # --- dialogs -----------------------------------------------------------------------------------------------

    def _open(self, dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def show_doctor(self) -> None:
        """What works here and what does not."""
        self._open(DoctorDialog(self.surroundings.doctor, self))

    def show_settings(self) -> None:
        """A few choices."""
        c = self.controller
        folder = c.out if c.session is not None else None
        dialog = SettingsDialog(self.settings, folder, self)

        def applied() -> None:
            if self._app is not None:
                apply_appearance(self._app, self.settings)
            if folder is not None and dialog.folder.text and Path(dialog.folder.text) != folder:
                c.set_folder(Path(dialog.folder.text))
            c.start()

        dialog.applied.connect(applied)
        self._open(dialog)

    def show_keys(self) -> None:
        """All keys."""
        self._open(KeysDialog(in_words(self.KEYS), self))

    def show_folder(self) -> None:
        """The folder of the music in the system's own file manager."""
        if self.controller.session is not None and self.controller.out.exists():
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.controller.out)))

    def _view_menu(self) -> None:
        menu = QMenu(self)
        for dock in self.docks.values():
            menu.addAction(dock.toggleViewAction())
        menu.addSeparator()
        menu.addAction(self.tr("Default layout")).triggered.connect(
            lambda: self.restoreState(self._default, LAYOUT_VERSION)
        )
        menu.addAction(self.tr("Keys …")).triggered.connect(self.show_keys)
        menu.popup(self.bar.view.mapToGlobal(self.bar.view.rect().bottomLeft()))

    def bring_up(self, name: str, widget: QWidget) -> None:
        """Show a dock and give the focus to a widget of it."""
        dock = self.docks[name]
        dock.show()
        dock.raise_()
        widget.setFocus(Qt.FocusReason.ShortcutFocusReason)

    # --- closing -----------------------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        """Hide at once; go when no process is left."""
        if self._may_close:
            super().closeEvent(event)
            return
        event.ignore()
        if self.isHidden():
            return
        self.settings.set_layout("geometry", self.saveGeometry())
        self.settings.set_layout("state", self._state if self._alone else self.saveState(LAYOUT_VERSION))
        self.settings.set_layout("split", self.split.saveState())
        self.hide()
        self.player.close_down()
        self.controller.close()

    def _all_gone(self) -> None:
        self.thumbnails.close()
        self._may_close = True
        self.close()
        self.gone.emit()
