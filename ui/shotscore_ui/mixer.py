"""The mixer: a strip for each stem, with mute, solo, gain, lock and instrument, and a handle that drags the stem away.

Every control is an ordinary button, slider or menu, so that the keyboard and screen readers know it: Tab goes through
them, Space switches, arrow keys move a slider; double-click on a slider or its number goes back to 0 dB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import (
    QT_TRANSLATE_NOOP,
    QCoreApplication,
    QEvent,
    QMimeData,
    QObject,
    QPoint,
    QSize,
    Qt,
    QUrl,
    Signal,
)
from PySide6.QtGui import QDrag, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QStyle,
    QStyleOptionToolButton,
    QStylePainter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from .icons import icon, pixmap
from .theme import Theme, theme_of
from .view import MixerView, StemView

LOWEST_DB, HIGHEST_DB = -40.0, 12.0
"""At the lowest the fader says so; silence is what mute is for."""
_PER_DB = 10
NARROW = 400
"""Points below which a strip has no room for numbers."""

FAMILIES = (
    QT_TRANSLATE_NOOP("Mixer", "Piano"),
    QT_TRANSLATE_NOOP("Mixer", "Chromatic percussion"),
    QT_TRANSLATE_NOOP("Mixer", "Organ"),
    QT_TRANSLATE_NOOP("Mixer", "Guitar"),
    QT_TRANSLATE_NOOP("Mixer", "Bass"),
    QT_TRANSLATE_NOOP("Mixer", "Strings"),
    QT_TRANSLATE_NOOP("Mixer", "Ensemble"),
    QT_TRANSLATE_NOOP("Mixer", "Brass"),
    QT_TRANSLATE_NOOP("Mixer", "Reed"),
    QT_TRANSLATE_NOOP("Mixer", "Pipe"),
    QT_TRANSLATE_NOOP("Mixer", "Synth lead"),
    QT_TRANSLATE_NOOP("Mixer", "Synth pad"),
    QT_TRANSLATE_NOOP("Mixer", "Synth effects"),
    QT_TRANSLATE_NOOP("Mixer", "World"),
    QT_TRANSLATE_NOOP("Mixer", "Percussive"),
    QT_TRANSLATE_NOOP("Mixer", "Sound effects"),
)
"""Of General MIDI, eight programs each."""


def instrument_name(program: int, is_drum: bool = False) -> str:
    """A General MIDI program in words."""
    if is_drum:
        return QCoreApplication.translate("Mixer", "Drum kit")
    from pretty_midi import program_to_instrument_name

    return str(program_to_instrument_name(program))


class Mixer(QWidget):
    """See the module. What is moved here is shown at once; `set_view` has the last word."""

    mute_toggled = Signal(str, bool)
    solo_toggled = Signal(str, bool)
    gain_changed = Signal(str, float)
    lock_toggled = Signal(str, bool)
    instrument_changed = Signal(str, int)
    stem_dragged = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = MixerView("", ())
        self._strips: dict[str, StemStrip] = {}
        self.setAccessibleName(self.tr("Mixer"))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        self._area = QScrollArea(self)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        outer.addWidget(self._area)
        self._inner = QWidget()
        self._rows = QVBoxLayout(self._inner)
        self._rows.setContentsMargins(6, 4, 6, 4)
        self._rows.setSpacing(2)
        self._empty = QLabel(self.tr("The stems appear here once the cue is scored."))
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._rows.addWidget(self._empty)
        self._rows.addStretch(1)
        self._area.setWidget(self._inner)

    def set_view(self, view: MixerView) -> None:
        """Shows the stems of a take."""
        wanted = [stem.name for stem in view.stems]
        if wanted != list(self._strips):
            for strip in self._strips.values():
                self._rows.removeWidget(strip)
                strip.deleteLater()
            self._strips = {}
            for place, stem in enumerate(view.stems):
                strip = StemStrip(self)
                strip.set_narrow(self.width() < NARROW)
                self._strips[stem.name] = strip
                self._rows.insertWidget(place, strip)
            self._empty.setVisible(not view.stems)
        soloing = any(stem.soloed for stem in view.stems)
        for stem in view.stems:
            self._strips[stem.name].set_view(stem, heard=not stem.muted and (stem.soloed or not soloing))
        self._view = view

    @property
    def view(self) -> MixerView:
        """What is shown."""
        return self._view

    def strip(self, stem: str) -> StemStrip:
        """The controls of a stem. Raises KeyError where there is none."""
        return self._strips[stem]

    def settings(self) -> dict[str, StemView]:
        """Every strip as it stands, for `mixer_view` of the next take."""
        return {stem.name: stem for stem in self._view.stems}

    def drag_files(self, paths: Sequence[Path]) -> Qt.DropAction:
        """Drags files out of the panel onto whatever takes them; returns what became of it."""
        drag = QDrag(self)
        drag.setMimeData(files_mime(paths))
        theme = theme_of(self)
        drag.setPixmap(pixmap("music", theme.colour("accent"), 32, self.devicePixelRatioF()))
        return drag.exec(Qt.DropAction.CopyAction)

    def changed(self, stem: StemView) -> None:
        """A strip was moved: the others follow, since a solo silences them."""
        stems = tuple(stem if other.name == stem.name else other for other in self._view.stems)
        self.set_view(MixerView(self._view.cue, stems))

    def sizeHint(self) -> QSize:
        return QSize(420, 240)

    def resizeEvent(self, event: QResizeEvent) -> None:
        for strip in self._strips.values():
            strip.set_narrow(self.width() < NARROW)
        super().resizeEvent(event)


def files_mime(paths: Sequence[Path]) -> QMimeData:
    """Files as other programs take them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


class StemStrip(QFrame):
    """One stem of the mixer."""

    def __init__(self, mixer: Mixer) -> None:
        super().__init__(mixer)
        self._mixer = mixer
        self._stem = StemView("", 0, False, (), 0)
        self._heard = True
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 1, 2, 1)
        row.setSpacing(4)
        self.handle = DragHandle(self)
        self.handle.pulled.connect(lambda: self._mixer.stem_dragged.emit(self._stem.name))
        self.swatch = Swatch(self)
        self.name = QLabel(self)
        self.name.setMinimumWidth(72)
        self.instrument = InstrumentButton(self)
        self.instrument.setAutoRaise(True)
        self.instrument.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.instrument.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.instrument.setMinimumWidth(40)
        self._menu = QMenu(self.instrument)
        self._menu.aboutToShow.connect(self._fill_menu)
        self.instrument.setMenu(self._menu)
        self.mute = self._toggle(self.tr("M"))
        self.solo = self._toggle(self.tr("S"))
        self.lock = self._toggle("")
        self.mute.clicked.connect(self._muted)
        self.solo.clicked.connect(self._soloed)
        self.lock.clicked.connect(self._locked)
        self.gain = QSlider(Qt.Orientation.Horizontal, self)
        self.gain.setRange(round(LOWEST_DB * _PER_DB), round(HIGHEST_DB * _PER_DB))
        self.gain.setSingleStep(_PER_DB // 2)
        self.gain.setPageStep(3 * _PER_DB)
        self.gain.setMinimumWidth(36)
        self.gain.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.gain.valueChanged.connect(self._moved)
        self.gain.installEventFilter(self)
        self.value = QLabel(self)
        self.value.setMinimumWidth(54)
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.value.installEventFilter(self)
        for widget, stretch in (
            (self.handle, 0), (self.swatch, 0), (self.name, 0), (self.instrument, 3), (self.mute, 0), (self.solo, 0),
            (self.lock, 0), (self.gain, 3), (self.value, 0),
        ):  # fmt: skip
            row.addWidget(widget, stretch)

    def set_narrow(self, narrow: bool) -> None:
        """In a narrow mixer the gain is read from its slider and its tooltip."""
        self.value.setHidden(narrow)
        self.name.setMinimumWidth(52 if narrow else 72)

    def set_view(self, stem: StemView, *, heard: bool) -> None:
        """Shows a stem; `heard` is whether it sounds, all strips considered."""
        self._stem = stem
        theme = theme_of(self)
        self._heard = heard
        self.name.setText(stem.name)
        # What is silent is dim and struck through: said without colour, and still readable.
        font = self.name.font()
        font.setStrikeOut(not heard)
        self.name.setFont(font)
        self.name.setStyleSheet(f"color: {theme.text if heard else theme.text_dim};")
        self.swatch.show_parts(stem.parts)
        parts = ", ".join(stem.parts)
        about = self.tr("{0}: {1} notes, from {2}").format(stem.name, stem.notes, parts)
        self.name.setToolTip(about)
        self.setAccessibleName(about)
        instrument = instrument_name(stem.program, stem.is_drum)
        short = instrument.replace("Acoustic Grand Piano", "Grand Piano").replace("Ensemble", "Ens.")
        self.instrument.setText(short)
        self.instrument.setToolTip(instrument)
        self.instrument.setAccessibleName(self.tr("Instrument of {0}: {1}").format(stem.name, instrument))
        self.instrument.setEnabled(not stem.is_drum)
        for button, on, name, colour in (
            (self.mute, stem.muted, self.tr("Mute {0}"), theme.missed),
            (self.solo, stem.soloed, self.tr("Solo {0}"), theme.near),
            (self.lock, stem.locked, self.tr("Lock {0}: it stays when the rest is made anew"), theme.lock),
        ):
            button.setChecked(on)
            button.setAccessibleName(name.format(stem.name))
            button.setToolTip(name.format(stem.name))
            button.setStyleSheet(_button_sheet(theme, colour))
        self.lock.setIcon(icon("lock" if stem.locked else "unlock", theme, "window" if stem.locked else "text_dim"))
        self.gain.blockSignals(True)
        self.gain.setValue(round(stem.gain_db * _PER_DB))
        self.gain.blockSignals(False)
        self.gain.setAccessibleName(self.tr("Gain of {0}").format(stem.name))
        self._show_gain()

    @property
    def stem(self) -> StemView:
        """What it shows."""
        return self._stem

    def choose_instrument(self, program: int) -> None:
        """Another General MIDI program."""
        if program != self._stem.program:
            self._mixer.changed(replace(self._stem, program=program))
            self._mixer.instrument_changed.emit(self._stem.name, program)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange and self._stem.name:
            self.set_view(self._stem, heard=self._heard)
        super().changeEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonDblClick and watched in (self.gain, self.value):
            self.gain.setValue(0)
            return True
        return super().eventFilter(watched, event)

    def _toggle(self, text: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setCheckable(True)
        button.setFixedSize(24, 22)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return button

    def _fill_menu(self) -> None:
        """The 128 programs, made when somebody looks."""
        if not self._menu.isEmpty():
            return
        for number, family in enumerate(FAMILIES):
            inner = self._menu.addMenu(QCoreApplication.translate("Mixer", str(family)))
            for program in range(8 * number, 8 * number + 8):
                action = inner.addAction(instrument_name(program))
                action.setData(program)
                action.triggered.connect(lambda _=False, program=program: self.choose_instrument(program))

    def _muted(self, on: bool) -> None:
        self._mixer.changed(replace(self._stem, muted=on))
        self._mixer.mute_toggled.emit(self._stem.name, on)

    def _soloed(self, on: bool) -> None:
        self._mixer.changed(replace(self._stem, soloed=on))
        self._mixer.solo_toggled.emit(self._stem.name, on)

    def _locked(self, on: bool) -> None:
        self._mixer.changed(replace(self._stem, locked=on))
        self._mixer.lock_toggled.emit(self._stem.name, on)

    def _moved(self, value: int) -> None:
        gain = value / _PER_DB
        self._mixer.changed(replace(self._stem, gain_db=gain))
        self._mixer.gain_changed.emit(self._stem.name, gain)

    def _show_gain(self) -> None:
        gain = self._stem.gain_db
        self.value.setText(self.tr("{0} dB").format(f"{gain:+.1f}" if gain else "0.0"))
        self.gain.setToolTip(self.value.text())


def _button_sheet(theme: Theme, on: str) -> str:
    return (
        f"QToolButton {{ border: 1px solid {theme.line_strong}; border-radius: 3px; background: {theme.raised};"
        f" color: {theme.text}; }}"
        f"QToolButton:checked {{ background: {on}; color: {theme.window}; font-weight: bold; }}"
        f"QToolButton:focus {{ border: 2px solid {theme.accent}; }}"
    )


class InstrumentButton(QToolButton):
    """A button with a menu whose words end before the arrow that says so."""

    ROOM = 16
    """Points the arrow takes."""

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionToolButton()
        self.initStyleOption(option)
        option.features &= ~QStyleOptionToolButton.ToolButtonFeature.HasMenu
        room = self.width() - self.ROOM - 6
        option.text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, max(0, room))
        option.rect.setWidth(max(1, self.width() - self.ROOM))
        painter = QStylePainter(self)
        painter.setClipRect(event.rect())
        painter.drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option)
        arrow = pixmap("chevron-down", theme_of(self).colour("text_dim"), 12, self.devicePixelRatioF())
        painter.drawPixmap(self.width() - self.ROOM + 1, self.height() // 2 - 6, arrow)
        painter.end()


class Swatch(QWidget):
    """The colours of the parts a stem is made from, one above the other."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._parts: tuple[str, ...] = ()
        self.setFixedSize(6, 22)

    def show_parts(self, parts: tuple[str, ...]) -> None:
        """Shows these."""
        self._parts = parts
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setClipRect(event.rect())
        theme = theme_of(self)
        for place, part in enumerate(self._parts):
            top = self.height() * place // len(self._parts)
            bottom = self.height() * (place + 1) // len(self._parts)
            painter.fillRect(0, top, self.width(), bottom - top, theme.part(part))
        painter.end()


class DragHandle(QWidget):
    """Six dots that say: pull me out."""

    pulled = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._pressed: QPoint | None = None
        self.setFixedSize(14, 22)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setToolTip(self.tr("Drag the stem out, onto a track or a folder"))
        self.setAccessibleName(self.tr("Drag the stem out"))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setClipRect(event.rect())
        colour = theme_of(self).colour("text_dim")
        painter.drawPixmap(-1, 3, pixmap("drag", colour, 16, self.devicePixelRatioF()))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        distance = (event.position().toPoint() - self._pressed).manhattanLength()
        if distance >= QApplication.startDragDistance():
            self._pressed = None
            self.pulled.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = None
