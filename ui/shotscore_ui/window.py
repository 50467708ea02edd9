"""The window: bar, timeline strip, inspector, docks, and one main button that says what to do next.

It holds no logic: widgets speak by signals, the controller answers with views. Everything has a key (`KEYS` lists
them), everything has an accessible name, and nothing here takes longer than a repaint.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QMimeData, QPoint, QProcess, QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDesktopServices,
    QDrag,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QShortcut,
)
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QStackedWidget,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from shotscore_engine import hits, takes
from shotscore_engine.errors import InputError
from shotscore_engine.locks import Lock

from . import icons, theme
from .controller import Controller, Look, Shown, Situation
from .dialogs import Banner, DoctorDialog, ExportDialog, KeysDialog, SettingsDialog
from .editor import Surroundings
from .firstrun import FirstPage
from .inspector import Inspector, counted
from .jobs import Advance, Problem
from .mixer import Mixer
from .player import Player
from .roll import PianoRoll
from .settings import Settings
from .sound import audible
from .strip import TimelineStrip, TimeScale
from .takes import TakeCards
from .theme import theme_of
from .thumbnails import ThumbnailStore
from .view import MixerView, RollView, StemView, TakesView

if TYPE_CHECKING:
    from shotscore_engine.session import Session

LAYOUT_VERSION = 1
_NOTE_MS = 8000
_EDITOR_MS = 3000
_TIMELINES = "*.otio *.otioz *.xml *.fcpxml *.edl *.aaf *.kdenlive *.mlt *.shotscore"
_VIDEOS = "*.mp4 *.mov *.m4v *.mkv *.webm *.avi *.mxf *.mpg *.mts"


@dataclass(frozen=True)
class Key:
    """A shortcut and what it does."""

    keys: str
    words: str
    slot: Callable[[], object]


class DragHandle(QToolButton):
    """A button that, dragged, hands out files."""

    def __init__(self, files: Callable[[], list[Path]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._files = files
        self._pressed = QPoint()
        self.setCursor(Qt.CursorShape.OpenHandCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember where."""
        self._pressed = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Far enough is a drag."""
        moved = (event.position().toPoint() - self._pressed).manhattanLength()
        if event.buttons() & Qt.MouseButton.LeftButton and moved >= QApplication.startDragDistance():
            data = self.mime()
            if data is not None:
                drag = QDrag(self)
                drag.setMimeData(data)
                drag.exec(Qt.DropAction.CopyAction)
            self.setDown(False)
            return
        super().mouseMoveEvent(event)

    def mime(self) -> QMimeData | None:
        """What is handed out; None where there is nothing."""
        return mime_of(self._files())


def mime_of(files: list[Path]) -> QMimeData | None:
    """Files as any program takes them."""
    there = [path for path in files if path.exists()]
    if not there:
        return None
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in there])
    return data


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
        self._may_close = False
        self._paint_waited = False
        self._heard: tuple[object, ...] = ()
        self._hearing = 0
        """The take that is heard beside the one in use; 0 for none."""
        self._clicking = False
        self._play_next = False
        self._base_roll: RollView | None = None
        self._busy_words = ""
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
        self._build_bar()
        self._build_middle()
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
            self._editor_timer.timeout.connect(controller.ask_editor)
            self._editor_timer.start()
            controller.ask_editor()

    # --- building ----------------------------------------------------------------------------------------------

    def _tool(self, name: str, words: str, slot: Callable[[], object], keys: str = "") -> QToolButton:
        made = QToolButton(self)
        made.setProperty("icon_name", name)
        made.setAutoRaise(True)
        made.setIconSize(QSize(20, 20))
        made.setAccessibleName(words)
        made.setToolTip(
            f"{words} ({QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)})" if keys else words
        )
        made.clicked.connect(slot)
        return made

    def _build_bar(self) -> None:
        bar = QToolBar(self.tr("Bar"), self)
        bar.setObjectName("bar")
        bar.setMovable(False)
        bar.setFloatable(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.source_mark = QLabel(self)
        self.source_name = QLabel(self)
        font = self.source_name.font()
        font.setBold(True)
        self.source_name.setFont(font)
        self.source_state = QLabel(self)
        self.source_state.setTextFormat(Qt.TextFormat.PlainText)
        names = QWidget(self)
        column = QVBoxLayout(names)
        column.setContentsMargins(6, 2, 6, 2)
        column.setSpacing(0)
        column.addWidget(self.source_name)
        column.addWidget(self.source_state)
        names.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        names.setMinimumWidth(120)
        self.open_tool = self._tool("folder", self.tr("Open a timeline or video"), self.choose_file, "Ctrl+O")
        self.wrong_tool = self._tool("warning", self.tr("What is wrong?"), self.show_doctor, "Ctrl+D")
        self.refresh_tool = self._tool("refresh", self.tr("Read the picture again"), self.controller.refresh, "F5")
        self.undo_tool = self._tool("undo", self.tr("Undo"), self.controller.undo, "Ctrl+Z")
        self.redo_tool = self._tool("redo", self.tr("Redo"), self.controller.redo, "Ctrl+Shift+Z")
        self.badge = QToolButton(self)
        self.badge.setProperty("icon_name", "chip")
        self.badge.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.badge.setAutoRaise(True)
        self.badge.setText(self.tr("Loading …"))
        self.badge.setAccessibleName(self.tr("Model and device"))
        self.badge.clicked.connect(self.show_settings)
        self.settings_tool = self._tool("settings", self.tr("Settings"), self.show_settings, "Ctrl+,")
        self.view_tool = self._tool("more", self.tr("Panels and keys"), self._view_menu)
        bar.addWidget(self.source_mark)
        bar.addWidget(names)
        for widget in (self.open_tool, self.refresh_tool, self.wrong_tool):
            bar.addWidget(widget)
        bar.addSeparator()
        bar.addWidget(self.undo_tool)
        bar.addWidget(self.redo_tool)
        bar.addSeparator()
        for widget in (self.badge, self.settings_tool, self.view_tool):
            bar.addWidget(widget)
        self.bar = bar
        self.addToolBar(bar)

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
        side = QWidget(self)
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.inspector, 1)
        column.addWidget(self._build_action())
        self.player = Player(self)
        self.take_cards = TakeCards(self)
        self.mixer = Mixer(self)
        self.midi_handle = DragHandle(self._midi_files, self)
        self.midi_handle.setProperty("icon_name", "drag")
        self.midi_handle.setText(self.tr("MIDI"))
        self.midi_handle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.midi_handle.setAccessibleName(self.tr("Drag the MIDI file to another program"))
        self.midi_handle.setToolTip(self.tr("Drag the MIDI file to another program"))
        self.mix_handle = DragHandle(self._mix_files, self)
        self.mix_handle.setProperty("icon_name", "drag")
        self.mix_handle.setText(self.tr("Mix"))
        self.mix_handle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.mix_handle.setAccessibleName(self.tr("Drag the mix to another program"))
        self.mix_handle.setToolTip(self.tr("Drag the mix to another program"))
        self.folder_tool = self._tool("folder", self.tr("Show the folder of the music"), self.show_folder)
        mixing = QWidget(self)
        rows = QVBoxLayout(mixing)
        rows.setContentsMargins(4, 4, 4, 4)
        rows.setSpacing(4)
        handles = QHBoxLayout()
        handles.addWidget(QLabel(self.tr("Drag out:"), self))
        handles.addWidget(self.midi_handle)
        handles.addWidget(self.mix_handle)
        handles.addStretch(1)
        handles.addWidget(self.folder_tool)
        rows.addWidget(self.mixer, 1)
        rows.addLayout(handles)
        self.docks: dict[str, QDockWidget] = {}
        for name, words, widget, area in (
            ("inspector", self.tr("Inspector"), side, Qt.DockWidgetArea.RightDockWidgetArea),
            ("player", self.tr("Player"), self.player, Qt.DockWidgetArea.BottomDockWidgetArea),
            ("takes", self.tr("Takes"), self.take_cards, Qt.DockWidgetArea.BottomDockWidgetArea),
            ("mixer", self.tr("Mixer"), mixing, Qt.DockWidgetArea.BottomDockWidgetArea),
        ):
            dock = QDockWidget(words, self)
            dock.setObjectName(name)
            dock.setWidget(widget)
            dock.setAccessibleName(words)
            self.addDockWidget(area, dock)
            self.docks[name] = dock

    def _build_action(self) -> QWidget:
        frame = QFrame(self)
        frame.setObjectName("action")
        frame.setFrameShape(QFrame.Shape.NoFrame)
        frame.setAutoFillBackground(True)
        self.stage = QLabel(self)
        self.stage.setWordWrap(True)
        self.progress = QProgressBar(self)
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(8)
        self.progress.setAccessibleName(self.tr("Progress"))
        self.main_button = QPushButton(self)
        self.main_button.setProperty("main", True)
        self.main_button.setMinimumHeight(42)
        self.main_button.setIconSize(QSize(22, 22))
        self.main_button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.other_button = QToolButton(self)
        self.other_button.setProperty("icon_name", "chevron-down")
        self.other_button.setMinimumHeight(42)
        self.other_button.setMinimumWidth(34)
        self.other_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.other_button.setAccessibleName(self.tr("Everything else that can be done"))
        self.other_button.setToolTip(self.tr("Everything else that can be done"))
        self.other_menu = QMenu(self)
        self.other_menu.aboutToShow.connect(self._fill_other)
        self.other_button.setMenu(self.other_menu)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.main_button, 1)
        row.addWidget(self.other_button)
        column = QVBoxLayout(frame)
        column.setContentsMargins(10, 8, 10, 10)
        column.setSpacing(6)
        column.addWidget(self.stage)
        column.addWidget(self.progress)
        column.addLayout(row)
        return frame

    def _build_keys(self) -> None:
        player = self.player
        self.KEYS = (
            Key("Ctrl+O", self.tr("Open a timeline or video"), self.choose_file),
            Key("Ctrl+Return", self.tr("Do what the main button says"), self.main_button.click),
            Key("Ctrl+G", self.tr("Score the whole cue again"), self.score),
            Key("Ctrl+R", self.tr("Regenerate the selected shots"), self.regenerate),
            Key("Ctrl+E", self.tr("Export"), self.export),
            Key("Ctrl+I", self.tr("Insert into the editor"), self.controller.insert_into_editor),
            Key("F5", self.tr("Read the picture again"), self.controller.refresh),
            Key("Ctrl+Z", self.tr("Undo"), self.controller.undo),
            Key("Ctrl+Shift+Z", self.tr("Redo"), self.controller.redo),
            Key("L", self.tr("Play; again for faster"), player.forwards),
            Key("K", self.tr("Stop"), player.pause),
            Key("J", self.tr("Play backwards; again for faster"), player.backwards),
            Key("Home", self.tr("To the start"), lambda: player.seek(0)),
            Key("End", self.tr("To the end"), lambda: player.seek(1 << 60)),
            Key("Shift+L", self.tr("Loop the selection"), player.loop_button.toggle),
            Key("Ctrl+1", self.tr("To the timeline"), self.strip.setFocus),
            Key("Ctrl+2", self.tr("To the inspector"), lambda: self._raise("inspector", self.inspector.pad)),
            Key("Ctrl+3", self.tr("To the takes"), lambda: self._raise("takes", self.take_cards)),
            Key("Ctrl+4", self.tr("To the mixer"), lambda: self._raise("mixer", self.mixer)),
            Key("Ctrl+5", self.tr("To the player"), lambda: self._raise("player", self.player.play_button)),
            Key("Ctrl+6", self.tr("To the piano roll"), self.roll.setFocus),
            Key("Ctrl+D", self.tr("What is wrong?"), self.show_doctor),
            Key("Ctrl+,", self.tr("Settings"), self.show_settings),
            Key("F1", self.tr("All keys"), self.show_keys),
            Key("Ctrl+Q", self.tr("Close"), self.close),
        )
        for key in self.KEYS:
            action = QAction(key.words, self)
            action.setShortcut(QKeySequence(key.keys))
            action.triggered.connect(lambda _=False, slot=key.slot: slot())
            self.addAction(action)
        # Space presses a button that has the focus; over timeline, roll and picture it plays.
        for widget in (self.strip, self.roll, self.player.picture):
            space = QShortcut(QKeySequence(Qt.Key.Key_Space), widget)
            space.setContext(Qt.ShortcutContext.WidgetShortcut)
            space.activated.connect(player.toggle)

    def _connect(self) -> None:
        c, strip = self.controller, self.strip
        c.shown.connect(self._show_session)
        c.situation_changed.connect(self._situated)
        c.looked.connect(self._looked)
        c.advanced.connect(self._advanced)
        c.formed.connect(self._formed)
        c.troubled.connect(self._troubled)
        c.noted.connect(self.note)
        c.scored.connect(self._scored)
        c.proxied.connect(self.player.set_film)
        c.clicked.connect(self._hear_click)
        c.exported.connect(self._exported)
        c.device_known.connect(self._device_known)
        c.closed.connect(self._all_gone)
        self.main_button.clicked.connect(self._main)
        self.first_page.open_requested.connect(self.choose_file)
        self.first_page.demo_requested.connect(self.make_demo)
        self.first_page.editor_requested.connect(c.read_editor)
        self.first_page.chosen.connect(self.open)
        strip.playhead_moved.connect(self.player.seek)
        strip.selection_changed.connect(self._selected)
        strip.cue_activated.connect(c.use_cue)
        strip.regenerate_requested.connect(self._regenerate_range)
        strip.energy_drawn.connect(c.draw_energy)
        strip.hit_moved.connect(
            lambda cue, at, to: c.do(self.tr("move a hit"), lambda session: hits.move_hit(session, cue, at, to))
        )
        strip.hit_weighed.connect(
            lambda cue, at, weight: c.do(
                self.tr("weigh a hit"), lambda session: hits.weigh_hit(session, cue, at, round(weight, 3))
            )
        )
        strip.hit_added.connect(
            lambda cue, at: c.do(self.tr("add a hit"), lambda session: hits.add_hit(session, cue, at))
        )
        strip.hit_muted.connect(
            lambda cue, at, muted: c.do(
                self.tr("mute a hit") if muted else self.tr("unmute a hit"),
                lambda session: hits.mute_hit(session, cue, at, muted),
            )
        )
        strip.lock_toggled.connect(self._lock)
        self.roll.playhead_moved.connect(self.player.seek)
        self.player.moved.connect(self._playhead)
        self.player.told.connect(self.note)
        self._connect_takes()
        self._connect_mixer()
        self.inspector.auditioned.connect(c.audition)
        self.inspector.silenced.connect(lambda _: self._hear_no_click())

    def _connect_takes(self) -> None:
        c, cards = self.controller, self.take_cards
        cards.take_used.connect(
            lambda cue, n: c.do(self.tr("use take {0}").format(n), lambda session: takes.use_take(session, cue, n))
        )
        cards.take_starred.connect(
            lambda cue, n, on: c.do(
                self.tr("star take {0}").format(n), lambda session: takes.star_take(session, cue, n, on)
            )
        )
        cards.take_renamed.connect(
            lambda cue, n, name: c.do(
                self.tr("rename take {0}").format(n), lambda session: takes.rename_take(session, cue, n, name)
            )
        )
        cards.take_deleted.connect(
            lambda cue, n: c.do(
                self.tr("delete take {0}").format(n), lambda session: takes.delete_take(session, cue, n)
            )
        )
        cards.takes_combined.connect(
            lambda cue, pieces: c.do(
                self.tr("combine takes"), lambda session: takes.combine_takes(session, cue, list(pieces))
            )
        )
        cards.take_played.connect(self._play_take)
        cards.take_heard.connect(lambda cue, n: self._hear_take(cue, n))
        cards.takes_compared.connect(lambda cue, a, b: self._hear_take(cue, a if a or b else 0))

    def _connect_mixer(self) -> None:
        mixer = self.mixer
        mixer.mute_toggled.connect(lambda stem, on: self._stem(stem, muted=on))
        mixer.solo_toggled.connect(lambda stem, on: self._stem(stem, soloed=on))
        mixer.gain_changed.connect(lambda stem, gain: self._stem(stem, gain_db=gain))
        mixer.lock_toggled.connect(self._lock_stem)
        mixer.stem_dragged.connect(self._drag_stem)
        mixer.instrument_changed.connect(
            lambda stem, program: self.controller.do(
                self.tr("another instrument for {0}").format(stem),
                lambda session: takes.set_instrument(session, self.controller.cue, stem, program),
            )
        )

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
            name = made.property("icon_name")
            if name and not isinstance(made.parent(), Player):
                made.setIcon(icons.icon(str(name), chosen))
        self.setStyleSheet(_sheet(chosen))
        self._situated(self.controller.situation)
        self._show_source()

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
                self.tr("Timelines and videos ({0})").format(f"{_TIMELINES} {_VIDEOS}"),
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
        command = self.surroundings.demo
        if not command:
            return
        folder = self.settings.folder / "demo"
        process = QProcess(self)
        self.first_page.demo_button.setEnabled(False)
        self.note(self.tr("The demo film is being drawn …"))

        def done(code: int, _: object) -> None:
            self.first_page.demo_button.setEnabled(True)
            try:
                found = Path(json.loads(bytes(process.readAllStandardOutput().data()))["timeline"])
            except (ValueError, KeyError, TypeError):
                detail = bytes(process.readAllStandardError().data()).decode(errors="replace")
                self._troubled(Problem(self.tr("The demo film could not be made (code {0}).").format(code), detail))
            else:
                self.open(found)
            process.deleteLater()

        process.finished.connect(done)
        process.start(command[0], [*command[1:], str(folder)])

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
        self._shown = shown
        self.pages.setCurrentWidget(self.split if shown else self.first_page)
        for name in ("inspector", "player", "takes", "mixer"):
            self.docks[name].setEnabled(shown is not None)
            self.docks[name].toggleViewAction().setEnabled(shown is not None)
        self._show_docks(shown is not None)
        self._show_source()
        self.refresh_tool.setEnabled(shown is not None)
        if shown is None:
            self.undo_tool.setEnabled(False)
            self.redo_tool.setEnabled(False)
            self.strip.set_view(None)
            self.roll.set_view(None)
            self.take_cards.set_view(TakesView("", ()))
            self.mixer.set_view(MixerView("", ()))
            self.player.pause()
            self.player.set_film(None)
            self.inspector.set_scope("", (0, 0), 0)
            self.facts.clear()
            self._heard = ()
            return
        session, timeline = shown.session, shown.timeline
        self.strip.set_view(timeline)
        self.roll.set_timeline(timeline)
        self.take_cards.set_view(shown.takes or TakesView("", ()))
        self._show_mixer(shown.mixer)
        self.player.set_timeline(
            timeline.rate, timeline.duration_frames, timeline.start_frame, timeline.drop_frame, timeline.dialogue
        )
        cue = timeline.cue(self.controller.cue)
        self._base_roll = cue.roll if cue else None
        if not self.controller.busy:
            self.roll.set_view(self._base_roll)
        self._hear(shown)
        self._show_inspector(session)
        self._show_facts(shown)
        self._show_undo(session)
        if self._paint_waited:
            self._paint_waited = False
            QTimer.singleShot(0, self.painted.emit)

    def _show_mixer(self, view: MixerView | None) -> None:
        """The stems, with what was muted, soloed and turned since the view was made."""
        known = self.controller.mixer_settings
        stems = []
        for stem in view.stems if view else ():
            old = known.get(stem.name, stem)
            stems.append(replace(stem, muted=old.muted, soloed=old.soloed, gain_db=old.gain_db))
            known[stem.name] = stems[-1]
        self.mixer.set_view(MixerView(self.controller.cue, tuple(stems)))

    def _show_docks(self, there: bool) -> None:
        """The first page stands alone; what was hidden for it comes back as it was."""
        if not there and not self.property("alone"):
            self.setProperty("alone", True)
            self._state = self.saveState(LAYOUT_VERSION)
            for dock in self.docks.values():
                dock.hide()
        elif there and self.property("alone"):
            self.setProperty("alone", False)
            self.restoreState(self._state, LAYOUT_VERSION)

    def _show_inspector(self, session: Session) -> None:
        c = self.controller
        scored = c.cue in session.chosen
        shots = c.selection if scored else (0, 0)
        self.inspector.set_scope(c.cue, shots, len(session.picture.shots), scored=scored)
        take = session.take(c.cue) if scored else None
        key = (session.timeline, c.cue, take.number if take else 0)
        if self.property("inspected") != key:
            self.setProperty("inspected", key)
            self.inspector.set_take(take)
            if take is not None and c.cue not in c.looks:  # until the picture was looked at, what was found then
                found = tuple((one.bpm, one.meter, one.met, one.near, one.missed) for one in take.tempi)
                self.inspector.set_look(Look(found))

    def _show_source(self) -> None:
        c = self.controller
        session = c.session
        chosen = theme_of(self)
        editor = self.surroundings.editor
        if session is None:
            self.source_name.setText("Shotscore")
            words = self.tr("Nothing is open")
        else:
            self.source_name.setText(Path(session.timeline).name)
            rate = session.picture.rate
            per_second = f"{float(rate):.3f}".rstrip("0").rstrip(".")
            words = (
                counted(self.tr("1 shot"), self.tr("{0} shots"), len(session.picture.shots)) + f" · {per_second} fps"
            )
            if c.recut:
                words = self.tr("The timeline has changed since")
            elif not Path(session.timeline).exists():
                words = self.tr("The timeline's file is gone; the session is whole")
        name, colour = "film", "text_dim"
        if editor is not None:
            state = self.tr("connected") if c.editor_connected else self.tr("not connected")
            words = f"{editor.name}: {state}" + (f" · {words}" if session is not None else "")
            name, colour = "plug", "met" if c.editor_connected else "missed"
        if c.recut:
            name, colour = "warning", "warning"
        self.source_mark.setPixmap(icons.icon(name, chosen, colour).pixmap(QSize(24, 24)))
        self.source_state.setText(words)
        self.source_name.setToolTip(session.timeline if session else "")
        self.source_mark.setAccessibleName(words)

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
                words += [f"{card.bpm:.1f} BPM", card.key, self.tr("take {0}").format(card.number)]
        else:
            words.append(counted(self.tr("1 hit"), self.tr("{0} hits"), len(weighed)))
        self.facts.setText("  ·  ".join(words))

    def _show_undo(self, session: Session) -> None:
        for tool, steps, words in (
            (self.undo_tool, session.past[::-1], self.tr("Undo")),
            (self.redo_tool, session.future, self.tr("Redo")),
        ):
            tool.setEnabled(bool(steps))
            tool.setToolTip(f"{words}: {steps[0].did}" if steps else words)

    def _looked(self) -> None:
        look = self.controller.looks.get(self.controller.cue)
        if look is not None:
            self.inspector.set_look(look)

    def _device_known(self, model: str, provider: str, reason: str) -> None:
        name = {"CPUExecutionProvider": self.tr("Processor"), "CUDAExecutionProvider": "CUDA"}.get(provider)
        name = name or provider.removesuffix("ExecutionProvider")
        self.badge.setText(f"{name} · {model}")
        self.badge.setToolTip(f"{model}: {provider}. {reason}".strip())

    def note(self, sentence: str) -> None:
        """A sentence in the status line for a while."""
        self.statusBar().showMessage(sentence, _NOTE_MS)

    def _troubled(self, problem: Problem) -> None:
        self.banner.show_problem(problem)
        self.roll.set_view(self._base_roll)

    # --- the main button ---------------------------------------------------------------------------------------

    def _situated(self, situation: Situation) -> None:
        kind = situation.kind
        first, last = situation.shots
        shots = self.tr("shot {0}").format(first) if first == last else self.tr("shots {0}–{1}").format(first, last)
        words, icon = {
            "empty": (self.tr("Open …"), "folder"),
            "reading": (self.tr("Reading …"), "film"),
            "looking": (self.tr("Looking at the picture …"), "film"),
            "score": (self.tr("Score"), "score"),
            "regenerate": (self.tr("Regenerate {0}").format(shots), "again"),
            "reconform": (self.tr("Re-conform"), "refresh"),
            "insert": (self.tr("Insert into {0}").format(situation.name), "insert"),
            "export": (self.tr("Export"), "export"),
            "busy": (self.tr("Stop"), "stop"),
        }[kind]
        self.main_button.setText(words)
        self.main_button.setProperty("main", kind != "busy")
        self.main_button.style().unpolish(self.main_button)
        self.main_button.style().polish(self.main_button)
        colour = "text" if kind == "busy" else "on_accent"
        self.main_button.setIcon(icons.icon(icon, theme_of(self), colour))
        self.main_button.setEnabled(kind not in ("reading", "looking"))
        self.other_button.setEnabled(kind not in ("reading", "looking", "busy", "empty"))
        waiting = kind in ("busy", "reading", "looking")
        if waiting and not self.progress.isVisible():
            self.progress.setRange(0, 0)
        self.progress.setVisible(waiting)
        self.stage.setVisible(waiting or kind == "reconform")
        if kind == "reconform":
            self.stage.setText(self.tr("The timeline has changed. The music stays where the picture stayed."))
        elif not waiting:
            self.stage.clear()
            self.roll.set_view(self._base_roll)
        if self._shown is not None:
            self._show_inspector(self._shown.session)
        self._show_source()

    def _main(self) -> None:
        actions: dict[str, Callable[[], object]] = {
            "empty": self.choose_file,
            "score": self.score,
            "regenerate": self.regenerate,
            "reconform": self.controller.reconform,
            "insert": self.controller.insert_into_editor,
            "export": self.export,
            "busy": self.controller.cancel,
        }
        action = actions.get(self.controller.situation.kind)
        if action is not None:
            action()

    def _fill_other(self) -> None:
        self.other_menu.clear()
        c = self.controller
        session = c.session
        scored = session is not None and c.cue in session.chosen
        editor = c.editor
        for words, slot, able in (
            (self.tr("Score the whole cue again"), self.score, bool(c.cue)),
            (self.tr("Regenerate the selected shots"), self.regenerate, scored and bool(c.selection[0])),
            (self.tr("Regenerate every shot"), lambda: self._regenerate_range(0, 0), scored),
            (self.tr("Re-conform to the timeline as it is now"), c.reconform, scored),
            (self.tr("Re-conform to another timeline …"), self._reconform_other, scored),
            (
                self.tr("Insert into {0}").format(editor.name if editor else self.tr("the editor")),
                c.insert_into_editor,
                scored and editor is not None and c.editor_connected,
            ),
            (self.tr("Take the music out of it again"), c.remove_from_editor, scored and editor is not None),
            (self.tr("Export …"), self.export, scored),
        ):
            action = self.other_menu.addAction(words)
            action.setEnabled(able)
            action.triggered.connect(lambda _=False, slot=slot: slot())

    def score(self) -> None:
        """Score the cue as the inspector says."""
        c = self.controller
        if c.session is None or not c.cue:
            return
        from shotscore_engine.regenerate import next_seed

        try:
            cue = c.session.cue(c.cue)
            request = self.inspector.request(
                (cue.start_frame, cue.end_frame),
                device=self.settings.device,
                model=self.settings.model,
                soundfont=self.settings.soundfont,
                loudness_lufs=self.settings.loudness_lufs,
                seed=next_seed(c.session, c.cue),
            )
        except InputError as problem:
            self._troubled(Problem(str(problem)))
            return
        self._begin(self.tr("Scoring {0}").format(c.cue))
        c.score(request)

    def regenerate(self) -> None:
        """Write the selected shots anew."""
        self._regenerate_range(*self.controller.selection)

    def _regenerate_range(self, first: int, last: int) -> None:
        try:
            again = self.inspector.again((first, last) if first else None)
        except InputError as problem:
            self._troubled(Problem(str(problem)))
            return
        self._begin(self.tr("Regenerating"))
        self.controller.regenerate(again)

    def _begin(self, words: str) -> None:
        self.banner.hide()
        self._busy_words = words
        self.stage.setText(words)
        self._hearing = 0

    def _reconform_other(self) -> None:
        found, _ = QFileDialog.getOpenFileName(self, self.tr("The recut timeline"), "", f"({_TIMELINES})")
        if found:
            self.controller.reconform(Path(found))

    def export(self) -> None:
        """Ask for formats and folder."""
        c = self.controller
        if c.session is None or c.cue not in c.session.chosen:
            return
        from shotscore_exporters.export import FORMATS

        formats = [(name, f"{name} — {form.about}") for name, form in FORMATS.items()]
        dialog = ExportDialog(formats, ["mix", "stems", "midi"], c.out / "export", self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: c.export(dialog.chosen, Path(dialog.folder.text)))
        dialog.open()

    def _exported(self, files: list[Path]) -> None:
        self.note(
            counted(self.tr("1 file written"), self.tr("{0} files written"), len(files))
            + (f": {files[0].parent}" if files else "")
        )

    def _advanced(self, advance: Advance) -> None:
        stages = {
            "read": self.tr("Reading"),
            "analyse": self.tr("Looking at the picture"),
            "denoise": self.tr("Writing the music"),
            "render": self.tr("Playing the instruments"),
            "write": self.tr("Writing the files"),
        }
        words = stages.get(advance.stage, advance.stage)
        if advance.kind == "warm":
            words = self.tr("Loading the model")
        left = advance.seconds_left
        if left is not None and left >= 1:
            more = self.tr("about {0} s left").format(round(left))
            if left >= 100:
                more = self.tr("about {0} min left").format(round(left / 60))
            words = f"{words} · {more}"
        self.stage.setText(words)
        self.progress.setRange(0, 1000)
        self.progress.setValue(round(advance.whole * 1000))
        self.progress.setAccessibleDescription(words)

    def _formed(self, _: str, view: RollView) -> None:
        base = self._base_roll
        if base is not None and base.range_frames != view.range_frames:
            view = _over(base, view)
        self.roll.set_view(view)

    def _scored(self, _: str) -> None:
        self.strip.setFocus()
        if self.settings.play_when_done:
            self._play_next = True

    def _escape(self) -> bool:
        if self.controller.busy or self.controller.situation.kind == "looking":
            self.controller.cancel()
        elif self.banner.isVisible():
            self.banner.hide()
        elif self.controller.selection[0]:
            self.strip.set_selection(0, 0)
            self._selected(0, 0)
        else:
            return False
        return True

    # --- selection, locks, stems -------------------------------------------------------------------------------

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

    def _lock(self, cue: str, part: str, start: int, end: int, on: bool) -> None:
        lock = Lock(cue, part or None, None if start < 0 else start, None if end < 0 else end)
        words = self.tr("lock {0}") if on else self.tr("unlock {0}")

        def change(session: Session) -> Session:
            others = tuple(old for old in session.locks if old != lock)
            return replace(session, locks=(*others, lock) if on else others)

        self.controller.do(words.format(lock), change)

    def _lock_stem(self, stem: str, on: bool) -> None:
        shown = self._shown
        strip = next((s for s in shown.mixer.stems if s.name == stem), None) if shown and shown.mixer else None
        if strip is None:
            return
        cue = self.controller.cue
        wanted = [Lock(cue, part) for part in strip.parts]

        def change(session: Session) -> Session:
            others = tuple(old for old in session.locks if old not in wanted)
            return replace(session, locks=(*others, *wanted) if on else others)

        words = self.tr("lock {0}") if on else self.tr("unlock {0}")
        self.controller.do(words.format(f"{stem} ({', '.join(strip.parts)})"), change)

    def _stem(self, name: str, **change: Any) -> None:
        """Mute, solo and gain are the ear's, not the session's: they act at once."""
        known = self.controller.mixer_settings
        old = known.get(name) or StemView(name, 0, False, (), 0)
        known[name] = replace(old, **change)
        self._apply_gains()

    def _apply_gains(self) -> None:
        strips = self.controller.mixer_settings.values()
        self.player.set_gains(audible([(s.name, s.muted, s.soloed, s.gain_db) for s in strips]))

    def _drag_stem(self, stem: str) -> None:
        sounds = self._shown.sounds if self._shown else None
        if sounds is not None and stem in sounds.stems:
            self.mixer.drag_files([sounds.stems[stem]])

    def _midi_files(self) -> list[Path]:
        sounds = self._shown.sounds if self._shown else None
        return [sounds.midi] if sounds is not None and sounds.midi is not None else []

    def _mix_files(self) -> list[Path]:
        sounds = self._shown.sounds if self._shown else None
        return [sounds.mix] if sounds is not None else []

    # --- hearing -----------------------------------------------------------------------------------------------

    def _playhead(self, frame: int) -> None:
        self.strip.set_playhead(frame)
        self.roll.set_playhead(frame)

    def _hear(self, shown: Shown) -> None:
        """The delivered sound of what is shown, where it is another than is heard."""
        sounds = shown.sounds
        if sounds is None or self._clicking:
            if sounds is None:
                self.player.set_music({}, 0)
                self._heard = ()
            return
        now = (sounds.cue, sounds.mark, self._hearing)
        if now != self._heard:
            self._heard = now
            take = sounds.takes.get(self._hearing)
            files = {"": take} if take is not None else dict(sounds.stems)
            self.player.set_music(files, sounds.start_frame)
            self._apply_gains()
        if self._play_next:
            self._play_next = False
            cue = shown.timeline.cue(sounds.cue)
            if cue is not None:
                self.player.seek(cue.start_frame)
            self.player.play()

    def _play_take(self, cue: str, number: int) -> None:
        if self._hearing == number and self.player.playing:
            self.player.pause()
            return
        self._hear_take(cue, number)
        if not self.player.playing:
            self.player.play()

    def _hear_take(self, cue: str, number: int) -> None:
        """The same playhead, another take."""
        shown = self._shown
        if shown is None or shown.sounds is None or cue != shown.sounds.cue:
            return
        in_use = shown.session.chosen.get(cue)
        self._hearing = 0 if number == in_use else number
        if self._hearing and self._hearing not in shown.sounds.takes:
            self.note(self.tr("Take {0} is not rendered yet; use it to hear it.").format(number))
            self._hearing = 0
            return
        self._hear(shown)

    def _hear_click(self, path: Path) -> None:
        shown = self._shown
        cue = shown.timeline.cue(self.controller.cue) if shown else None
        if cue is None or not self.inspector.click.isChecked():
            return
        self._clicking = True
        self._heard = ()
        self.player.set_music({"click": path}, cue.start_frame)
        self.player.set_gains({})
        if not self.player.playing:
            self.player.play()

    def _hear_no_click(self) -> None:
        self._clicking = False
        self.player.pause()
        if self._shown is not None:
            self._hear(self._shown)

    # --- dialogs -----------------------------------------------------------------------------------------------

    def show_doctor(self) -> DoctorDialog:
        """What works here and what does not."""
        dialog = DoctorDialog(self.surroundings.doctor, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        return dialog

    def show_settings(self) -> None:
        """A few choices."""
        c = self.controller
        folder = c.out if c.session is not None else None
        dialog = SettingsDialog(self.settings, folder, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        def applied() -> None:
            if self._app is not None:
                apply_appearance(self._app, self.settings)
            if folder is not None and dialog.folder.text and Path(dialog.folder.text) != folder:
                c.set_folder(Path(dialog.folder.text))
            c.start()

        dialog.applied.connect(applied)
        dialog.open()

    def show_keys(self) -> None:
        """All keys."""
        native = QKeySequence.SequenceFormat.NativeText
        rows = [(QKeySequence(key.keys).toString(native), key.words) for key in self.KEYS]
        rows += [
            (self.tr("Esc"), self.tr("Stop what runs; close the message; select nothing")),
            (self.tr("Space"), self.tr("Play or pause, over the timeline")),
            (self.tr("Arrows"), self.tr("Timeline: a frame; with Shift a second; up and down the cuts")),
            (self.tr("Ctrl+arrows"), self.tr("Timeline: select shots, with Shift more; up and down their energy")),
            (self.tr("Ctrl+A, Ctrl+L"), self.tr("Timeline: select all shots; lock the selected ones")),
            (self.tr("Comma, period"), self.tr("Timeline: the hit before or after")),
            (self.tr("Alt+arrows, M, H"), self.tr("Timeline: move or weigh a hit, mute it, add one")),
            (self.tr("+ - 0 Z"), self.tr("Timeline: zoom, whole film, selection")),
        ]
        dialog = KeysDialog(rows, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

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
        menu.popup(self.view_tool.mapToGlobal(self.view_tool.rect().bottomLeft()))

    def _raise(self, name: str, widget: QWidget) -> None:
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
        alone = bool(self.property("alone"))
        self.settings.set_layout("geometry", self.saveGeometry())
        self.settings.set_layout("state", self._state if alone else self.saveState(LAYOUT_VERSION))
        self.settings.set_layout("split", self.split.saveState())
        self.hide()
        self.player.close_down()
        self.controller.close()

    def _all_gone(self) -> None:
        self.thumbnails.close()
        self._may_close = True
        self.close()
        self.gone.emit()


def apply_appearance(app: QApplication, settings: Settings) -> None:
    """Dark, light, or as the system has it."""
    wanted = settings.appearance
    if wanted == "system":
        scheme = app.styleHints().colorScheme()
        wanted = "light" if scheme == Qt.ColorScheme.Light else "dark"
    theme.apply(app, theme.THEMES[wanted])


def _over(base: RollView, fresh: RollView) -> RollView:
    """The whole roll with a window of it as it forms."""
    import numpy as np

    first, last = fresh.range_frames
    stays = (base.start_frame < first) | (base.start_frame >= last)
    start = np.concatenate([base.start_frame[stays], fresh.start_frame])
    order = np.argsort(start, kind="stable")

    def both(name: str) -> Any:
        return np.concatenate([getattr(base, name)[stays], getattr(fresh, name)])[order]

    return replace(
        base,
        part=both("part"),
        pitch=both("pitch"),
        velocity=both("velocity"),
        start_frame=start[order],
        end_frame=both("end_frame"),
        noise=fresh.noise,
    )


def _sheet(chosen: theme.Theme) -> str:
    """What the palette cannot say: the main button, docks and thin lines."""
    return f"""
        QToolBar {{ background: {chosen.panel}; border: 0; border-bottom: 1px solid {chosen.line}; padding: 4px 6px; }}
        QToolBar::separator {{ background: {chosen.line}; width: 1px; margin: 6px 6px; }}
        QStatusBar {{ background: {chosen.panel}; border-top: 1px solid {chosen.line}; }}
        QStatusBar::item {{ border: 0; }}
        QDockWidget {{ font-weight: 600; }}
        QDockWidget::title {{ background: {chosen.panel}; padding: 5px 8px; border-top: 1px solid {chosen.line}; }}
        QMainWindow::separator {{ background: {chosen.line}; width: 3px; height: 3px; }}
        QMainWindow::separator:hover {{ background: {chosen.accent}; }}
        QSplitter::handle {{ background: {chosen.line}; }}
        QSplitter::handle:hover {{ background: {chosen.accent}; }}
        QToolButton[fold="true"] {{ border: 0; border-bottom: 1px solid {chosen.line}; padding: 4px 2px;
            text-align: left; }}
        QToolButton[fold="true"]:hover {{ background: {chosen.raised}; }}
        QToolButton[fold="true"]:focus {{ border-bottom: 2px solid {chosen.accent}; }}
        #action {{ background: {chosen.panel}; border-top: 1px solid {chosen.line}; }}
        QPushButton[main="true"] {{ background: {chosen.accent}; color: {chosen.on_accent}; 
            border: 1px solid {chosen.accent}; border-radius: 6px; padding: 6px 14px; font-weight: 600; }}
        QPushButton[main="true"]:disabled {{ background: {chosen.raised}; color: {chosen.text_dim};
            border-color: {chosen.line}; }}
        QPushButton[main="true"]:focus {{ border: 2px solid {chosen.text}; }}
        QPushButton[main="true"]:pressed {{ border-color: {chosen.text}; }}
        QProgressBar {{ background: {chosen.lane}; border: 1px solid {chosen.line}; border-radius: 4px; }}
        QProgressBar::chunk {{ background: {chosen.accent}; border-radius: 3px; }}
    """
