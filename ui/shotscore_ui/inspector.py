"""The inspector: everything that decides how the selected music shall sound.

It holds values and nothing else: `request()` and `again()` hand them out as the engine's own requests, which check
them. What nobody touched is left to the picture ("auto"), and what the picture says is shown in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPlainTextEdit,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)
from shotscore_engine.diffusion import SELECTORS

from . import icons, moodpad
from .musicwords import key_words
from .shown import Look
from .theme import theme_of
from .view import MoodView

if TYPE_CHECKING:
    from PySide6.QtCore import QEvent
    from shotscore_engine.regenerate import Again
    from shotscore_engine.request import ScoreRequest
    from shotscore_engine.session import Take

_TONICS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
KEYS = tuple(f"{tonic} {mode}" for mode in ("major", "minor") for tonic in _TONICS)
MOST_SHOWN_TEMPI = 12
_SCALE = 100
"""Slider steps for 0 to 1."""


def counted(one: str, many: str, count: int) -> str:
    """`one`, or `many` with the number in it."""
    return one if count == 1 else many.format(count)


class Level(QWidget):
    """A value from 0 to 1, or left to the picture."""

    changed = Signal()

    def __init__(self, name: str, low: str, high: str, parent: QWidget | None = None, *, free: bool = True) -> None:
        super().__init__(parent)
        self.auto = QCheckBox(self.tr("Auto"), self)
        self.auto.setChecked(free)
        self.auto.setAccessibleName(self.tr("{0}: from the picture").format(name))
        self.auto.setToolTip(self.tr("Let the picture decide"))
        self.auto.setVisible(free)
        self.slider = QSlider(Qt.Orientation.Horizontal, self)
        self.slider.setRange(0, _SCALE)
        self.slider.setValue(_SCALE // 2)
        self.slider.setAccessibleName(name)
        self.slider.setToolTip(self.tr("{0}, from {1} to {2}").format(name, low, high))
        self.value_label = QLabel(self)
        self.value_label.setMinimumWidth(self.fontMetrics().horizontalAdvance("0.00") + 2)
        self.value_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.slider, 1)
        row.addWidget(self.value_label)
        row.addWidget(self.auto)
        self.slider.valueChanged.connect(self._moved)
        self.auto.toggled.connect(self._told)
        self._told()

    @property
    def value(self) -> float | None:
        """None: left to the picture."""
        return None if self.auto.isChecked() else self.slider.value() / _SCALE

    def set_value(self, value: float | None, shown: float | None = None) -> None:
        """Set it; `shown` is where the slider stands while the picture decides."""
        with QSignalBlocker(self.slider), QSignalBlocker(self.auto):
            self.auto.setChecked(value is None)
            place = value if value is not None else shown
            if place is not None:
                self.slider.setValue(round(place * _SCALE))
        self._told(quiet=True)

    def _moved(self) -> None:
        with QSignalBlocker(self.auto):
            self.auto.setChecked(False)
        self._told()

    def _told(self, *_: object, quiet: bool = False) -> None:
        value = self.value
        self.value_label.setText("–" if value is None else f"{value:.2f}")
        if not quiet:
            self.changed.emit()


class Fold(QWidget):
    """A heading that shows and hides what is below it."""

    def __init__(self, title: str, parent: QWidget | None = None, *, opened: bool = True) -> None:
        super().__init__(parent)
        self.head = QToolButton(self)
        self.head.setText(title)
        self.head.setCheckable(True)
        self.head.setChecked(opened)
        self.head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.head.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.head.setProperty("fold", True)
        font = self.head.font()
        font.setBold(True)
        self.head.setFont(font)
        self.body = QWidget(self)
        self.form = QFormLayout(self.body)
        self.form.setContentsMargins(8, 2, 4, 10)
        self.form.setVerticalSpacing(8)
        self.form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.head)
        column.addWidget(self.body)
        self.head.toggled.connect(self._show)
        self._show(opened)

    def _show(self, opened: bool) -> None:
        self.body.setVisible(opened)
        name = "chevron-down" if opened else "chevron-right"
        self.head.setIcon(icons.icon(name, theme_of(self), "text_dim"))

    def changeEvent(self, event: QEvent) -> None:
        """New colours, new arrow."""
        super().changeEvent(event)
        if event.type() == event.Type.PaletteChange:
            self._show(self.head.isChecked())


class Inspector(QScrollArea):
    """The controls for what is selected."""

    auditioned = Signal(float)
    """BPM to be heard as a click"""
    silenced = Signal(bool)
    """No click any more, or silence wanted for the selection"""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMinimumWidth(270)
        self._look = Look()
        self._shots = (0, 0)
        self._mood: tuple[float, float] | None = None
        self._words_read = ""
        self._tempo: float | None = None
        page = QWidget(self)
        column = QVBoxLayout(page)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(4)
        self.scope = QLabel(page)
        font = self.scope.font()
        font.setPointSizeF(font.pointSizeF() * 1.15)
        font.setBold(True)
        self.scope.setFont(font)
        self.scope.setWordWrap(True)
        self.scope_detail = QLabel(page)
        self.scope_detail.setWordWrap(True)
        self.scope_detail.setForegroundRole(self.scope_detail.foregroundRole())
        column.addWidget(self.scope)
        column.addWidget(self.scope_detail)
        column.addWidget(self._feeling())
        column.addWidget(self._music())
        column.addWidget(self._tempi())
        column.addWidget(self._making())
        column.addWidget(self._advanced())
        column.addStretch(1)
        for choice in page.findChildren(QComboBox):  # long words in another language must not push others out of sight
            choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            choice.setMinimumContentsLength(8)
            choice.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setWidget(page)
        self._name_all()
        self.set_scope("", (0, 0), 0)

    # --- building ----------------------------------------------------------------------------------------------

    def _feeling(self) -> Fold:
        fold = Fold(self.tr("Mood"), self)
        self.pad = moodpad.MoodPad(self)
        self.pad.setAccessibleName(self.tr("Mood"))
        self.pad.setMinimumHeight(190)
        fold.form.addRow(self.pad)
        self.words = QPlainTextEdit(self)
        self.words.setTabChangesFocus(True)
        self.words.setFixedHeight(self.fontMetrics().lineSpacing() * 4 + 14)
        self.words.setPlaceholderText(self.tr("Words for the music, such as: a lonely piano at night"))
        fold.form.addRow(QLabel(self.tr("Words"), self))
        fold.form.addRow(self.words)
        self.words_back = QToolButton(self)
        self.words_back.setText(self.tr("From the picture"))
        self.words_back.setToolTip(self.tr("Describe the shots as the picture does"))
        fold.form.addRow(self.words_back)
        self.pad.mood_changed.connect(self._mood_set)
        self.pad.mood_reset.connect(self._mood_reset)
        self.words_back.clicked.connect(self._words_reset)
        return fold

    def _music(self) -> Fold:
        from shotscore_engine.styles import DEFAULT_STYLE, load_style, style_names

        fold = Fold(self.tr("Music"), self)
        self.style_choice = QComboBox(self)
        for name in style_names():
            self.style_choice.addItem(load_style(name).title, name)
        self.style_choice.setCurrentIndex(max(0, self.style_choice.findData(DEFAULT_STYLE)))
        self._style_at_first = DEFAULT_STYLE
        self.energy = Level(self.tr("Energy"), self.tr("still"), self.tr("full"), self)
        self.density = Level(self.tr("Density"), self.tr("few notes"), self.tr("many notes"), self)
        self.key_choice = QComboBox(self)
        self.key_choice.addItem(self.tr("From the picture"), None)
        for key in KEYS:
            self.key_choice.addItem(key_words(key), key)
        self.ending_choice = QComboBox(self)
        for value, words in (
            ("ring", self.tr("Rings out")),
            ("hard", self.tr("Stops on the last accent")),
            ("fade", self.tr("Fades")),
        ):
            self.ending_choice.addItem(words, value)
        self.duck = QCheckBox(self.tr("Make room for speech"), self)
        self.duck.setChecked(True)
        self.silence = QCheckBox(self.tr("Silence here"), self)
        self.silence.setToolTip(self.tr("No music in the selected shots"))
        for words, widget in (
            (self.tr("Style"), self.style_choice),
            (self.tr("Energy"), self.energy),
            (self.tr("Density"), self.density),
            (self.tr("Key"), self.key_choice),
            (self.tr("Ending"), self.ending_choice),
        ):
            fold.form.addRow(words, widget)
        fold.form.addRow(self.duck)
        fold.form.addRow(self.silence)
        self._music_form = fold.form
        return fold

    def _tempi(self) -> Fold:
        self.tempo_fold = fold = Fold(self.tr("Tempo"), self)
        self.tempo_list = QTreeWidget(self)
        self.tempo_list.setRootIsDecorated(False)
        self.tempo_list.setUniformRowHeights(True)
        self.tempo_list.setAlternatingRowColors(True)
        self.tempo_list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.tempo_list.setHeaderLabels(
            [self.tr("BPM"), self.tr("Meter"), self.tr("✓ Met"), self.tr("≈ Near"), self.tr("✗ Miss")]
        )
        header = self.tempo_list.header()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(30)
        header.setStretchLastSection(False)
        self.tempo_list.setFixedHeight(150)
        self.tempo_list.setToolTip(self.tr("Tempi by how many hits they meet, best first"))
        fold.form.addRow(self.tempo_list)
        self.tempo_own = QDoubleSpinBox(self, minimum=29.0, maximum=300.0, decimals=2, singleStep=0.5, value=29.0)
        self.tempo_own.setSpecialValueText(self.tr("Best for the hits"))
        self.click = QToolButton(self)
        self.click.setText(self.tr("Hear it as a click"))
        self.click.setCheckable(True)
        self.click.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.click.setIcon(icons.icon("metronome", theme_of(self)))
        fold.form.addRow(self.tempo_own)
        fold.form.addRow(self.click)
        self.tempo_list.itemSelectionChanged.connect(self._tempo_picked)
        self.click.toggled.connect(self._click_toggled)
        return fold

    def _making(self) -> Fold:
        fold = Fold(self.tr("Variation"), self)
        self.variation = Level(self.tr("Variation"), self.tr("slightly different"), self.tr("new"), self, free=False)
        self.variation.set_value(1.0)
        self.takes = QSpinBox(self, minimum=1, maximum=8, value=1)
        self.takes.setToolTip(self.tr("How many versions are written at once"))
        self.seed = QSpinBox(self, minimum=0, maximum=2**31 - 1, value=0)
        self.seed.setSpecialValueText(self.tr("A new one each time"))
        self.seed.setToolTip(self.tr("The same seed and choices write the same notes"))
        fold.form.addRow(self.tr("Variation"), self.variation)
        fold.form.addRow(self.tr("Takes"), self.takes)
        fold.form.addRow(self.tr("Seed"), self.seed)
        self._making_form = fold.form
        return fold

    def _advanced(self) -> Fold:
        from typing import get_args

        from shotscore_engine.masks import MaskKind
        from shotscore_engine.request import ScoreRequest

        given = ScoreRequest()
        self.advanced = fold = Fold(self.tr("Advanced"), self, opened=False)
        self.selector = QComboBox(self)
        for name in SELECTORS:
            self.selector.addItem(name, name)
        self.selector.setCurrentIndex(self.selector.findData(given.selector))
        self.selector.setToolTip(
            self.tr("Which features steer the noise when: words first, then the picture, or other")
        )
        self.switch_t = QSpinBox(self, minimum=0, maximum=1000, singleStep=50, value=round(given.switch_t))
        self.switch_t.setToolTip(self.tr("The timestep (1000 is noise) at which the second feature takes over"))
        self.mask_choice = QComboBox(self)
        for name in get_args(MaskKind):
            self.mask_choice.addItem(name, name)
        self.mask_choice.setCurrentIndex(self.mask_choice.findData(given.mask))
        self.mask_choice.setToolTip(self.tr("How far a beat looks: windows of k beats, of the shots, or to the cuts"))
        self.mask_k = QSpinBox(self, minimum=1, maximum=64, value=given.mask_k)
        self.mask_k.setToolTip(self.tr("Beats in a window, for the fixed mask"))
        self.steps = QSpinBox(self, minimum=1, maximum=1000, value=given.steps)
        self.steps.setToolTip(self.tr("Denoising steps: more take longer"))
        self.guidance = QDoubleSpinBox(self, minimum=0.0, maximum=20.0, singleStep=0.25, value=given.guidance)
        self.guidance.setToolTip(self.tr("How strongly the picture steers; 1 is no extra push"))
        for words, widget in (
            (self.tr("Features"), self.selector),
            (self.tr("Switch at"), self.switch_t),
            (self.tr("Mask"), self.mask_choice),
            (self.tr("k"), self.mask_k),
            (self.tr("Steps"), self.steps),
            (self.tr("Guidance"), self.guidance),
        ):
            fold.form.addRow(words, widget)
        self.selector.currentIndexChanged.connect(self._advanced_changed)
        self.mask_choice.currentIndexChanged.connect(self._advanced_changed)
        self._advanced_changed()
        return fold

    def _name_all(self) -> None:
        for widget, words in (
            (self.words, self.tr("Words for the music")),
            (self.style_choice, self.tr("Style")),
            (self.key_choice, self.tr("Key")),
            (self.ending_choice, self.tr("Ending")),
            (self.tempo_list, self.tr("Tempi, best first")),
            (self.tempo_own, self.tr("Tempo in beats a minute")),
            (self.takes, self.tr("Number of takes")),
            (self.seed, self.tr("Seed")),
            (self.selector, self.tr("Feature selector")),
            (self.switch_t, self.tr("Switch step")),
            (self.mask_choice, self.tr("Attention mask")),
            (self.mask_k, self.tr("Window length k")),
            (self.steps, self.tr("Denoising steps")),
            (self.guidance, self.tr("Guidance")),
        ):
            widget.setAccessibleName(words)
        for box in self.findChildren(QComboBox) + self.findChildren(QAbstractSpinBox):
            # Scrolling the page must not turn what happens to lie under the pointer.
            box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            box.installEventFilter(self)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        """The wheel scrolls the page, unless a control has the focus."""
        if event.type() == event.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return False

    # --- what is selected --------------------------------------------------------------------------------------

    def set_scope(self, cue: str, shots: tuple[int, int], count: int, *, scored: bool = False) -> None:
        """Tell what the controls are about; `count` is how many shots the picture has."""
        changed = shots != self._shots
        self._shots = shots
        first, last = shots
        if not cue:
            self.scope.setText(self.tr("Nothing to score yet"))
            self.scope_detail.setText("")
        elif not first:
            self.scope.setText(self.tr("Cue {0}").format(cue))
            words = self.tr("The whole cue. Select shots to change only a part.") if scored else ""
            shown = counted(self.tr("One shot is read."), self.tr("{0} shots are read."), count)
            then = self.tr("Change what you like, then score.")
            self.scope_detail.setText(words or f"{shown} {then}")
        else:
            one = self.tr("Shot {0}").format(first)
            self.scope.setText(one if first == last else self.tr("Shots {0}–{1}").format(first, last))
            self.scope_detail.setText(self.tr("Only these change; the music around them stays."))
        ranged = bool(first)
        for form, widget in (
            (self._music_form, self.ending_choice),
            (self._making_form, self.takes),
        ):
            form.setRowVisible(widget, not ranged)
        self.duck.setVisible(not ranged)
        self.tempo_fold.setVisible(not ranged)
        self._making_form.setRowVisible(self.variation, ranged or scored)
        self.silence.setVisible(ranged)
        self.advanced.setVisible(not ranged)
        if changed:
            self.silence.setChecked(False)
            self._mood = None
            self._show_mood()
            self._fill_words(force=True)

    def set_look(self, look: Look) -> None:
        """What the picture says."""
        self._look = look
        self._fill_words()
        self._show_mood()
        if look.energy:
            mean = sum(look.energy) / len(look.energy)
            if self.energy.value is None:
                self.energy.set_value(None, mean)
            if self.density.value is None:
                self.density.set_value(None, mean)
        chosen = self._tempo
        with QSignalBlocker(self.tempo_list):
            self.tempo_list.clear()
            for bpm, meter, met, near, missed in look.tempi[:MOST_SHOWN_TEMPI]:
                row = [f"{bpm:.1f}", f"{meter[0]}/{meter[1]}", str(met), str(near), str(missed)]
                item = QTreeWidgetItem(self.tempo_list, row)
                item.setData(0, Qt.ItemDataRole.UserRole, bpm)
                for place in range(1, 5):
                    item.setTextAlignment(place, Qt.AlignmentFlag.AlignHCenter)
                item.setSelected(bpm == chosen)

    def set_take(self, take: Take | None) -> None:
        """Show what the take in use was asked with."""
        if take is None:
            return
        self._style_at_first = take.style
        with QSignalBlocker(self.style_choice):
            self.style_choice.setCurrentIndex(max(0, self.style_choice.findData(take.style)))

    # --- handing out -------------------------------------------------------------------------------------------

    def request(
        self, span: tuple[int, int], *, device: str, model: str, soundfont: str, loudness_lufs: float, seed: int
    ) -> ScoreRequest:
        """What is asked of the whole cue over the frames `span`; `seed` is used where none was given.

        Raises RequestError.
        """
        from pathlib import Path

        from shotscore_engine.request import ScoreRequest
        from shotscore_engine.wishes import Wish

        wishes: tuple[Wish, ...] = ()
        if self.density.value is not None:
            wishes = (Wish(*span, density=self.density.value),)
        return ScoreRequest(
            prompt=self.prompt,
            mood=self._mood,
            style=self.style_choice.currentData(),
            tempo_bpm=self.tempo_bpm,
            key=self.key_choice.currentData(),
            energy=self.energy.value,
            seed=self.seed.value() or seed,
            steps=self.steps.value(),
            guidance=self.guidance.value(),
            selector=self.selector.currentData(),
            switch_t=float(self.switch_t.value()),
            mask=self.mask_choice.currentData(),
            mask_k=self.mask_k.value(),
            device=device,  # type: ignore[arg-type]  # checked where it is made
            model=Path(model) if model else None,
            soundfont=Path(soundfont) if soundfont else None,
            loudness_lufs=loudness_lufs,
            duck=self.duck.isChecked(),
            ending=self.ending_choice.currentData(),
            takes=self.takes.value(),
            wishes=wishes,
        )

    def again(self, shots: tuple[int, int] | None) -> Again:
        """What is asked of some shots. Raises RequestError."""
        from shotscore_engine.regenerate import Again

        style = self.style_choice.currentData()
        return Again(
            shots=shots,
            prompt=self.prompt,
            mood=self._mood,
            energy=self.energy.value,
            density=self.density.value,
            key=self.key_choice.currentData(),
            style=None if style == self._style_at_first else style,
            silence=self.silence.isChecked(),
            seed=self.seed.value() or None,
            variation=max(0.01, self.variation.value or 1.0),
        )

    @property
    def prompt(self) -> str:
        """The words, where a person wrote them; "" where they are the picture's own."""
        text = self.words.toPlainText().strip()
        return "" if text == self._words_read else text

    @property
    def tempo_bpm(self) -> float | None:
        """None: the best for the hits."""
        if self.tempo_own.value() > self.tempo_own.minimum():
            if self._tempo is not None and abs(self._tempo - self.tempo_own.value()) < 0.006:
                return self._tempo  # the field shows two digits of it
            return self.tempo_own.value()
        return None

    # --- what is pressed ---------------------------------------------------------------------------------------

    def _mood_set(self, valence: float, arousal: float) -> None:
        self._mood = (valence, arousal)
        self._show_mood()

    def _mood_reset(self) -> None:
        self._mood = None
        self._show_mood()

    def _show_mood(self) -> None:
        first, last = self._shots if self._shots[0] else (1, 1 << 30)
        trail = self._look.trail_of(first, last)
        read = self._look.mood if self._look.trail else None
        if trail and self._shots[0]:
            read = (sum(v for v, _ in trail) / len(trail), sum(a for _, a in trail) / len(trail))
        valence, arousal = self._mood or read or (0.0, 0.0)
        self.pad.set_view(MoodView(valence, arousal, read, self._mood is not None, trail))

    def _fill_words(self, *, force: bool = False) -> None:
        first, last = self._shots if self._shots[0] else (1, 1 << 30)
        read = self._look.words_of(first, last)[:600].strip()
        untouched = self.words.toPlainText().strip() in ("", self._words_read)
        self._words_read = read
        if force or untouched:
            self.words.setPlainText(read)

    def _words_reset(self) -> None:
        self.words.setPlainText(self._words_read)

    def _tempo_picked(self) -> None:
        items = self.tempo_list.selectedItems()
        self._tempo = float(items[0].data(0, Qt.ItemDataRole.UserRole)) if items else None
        self.tempo_own.setValue(self._tempo if self._tempo is not None else self.tempo_own.minimum())
        if self.click.isChecked():
            self._click_toggled(True)

    def _click_toggled(self, on: bool) -> None:
        if not on:
            self.silenced.emit(True)
            return
        bpm = self.tempo_bpm or (self._look.tempi[0][0] if self._look.tempi else None)
        if bpm is None:
            self.click.setChecked(False)
            return
        self.auditioned.emit(float(bpm))

    def _advanced_changed(self) -> None:
        self.switch_t.setEnabled("+" in str(self.selector.currentData()))
        self.mask_k.setEnabled(self.mask_choice.currentData() == "fixed")
