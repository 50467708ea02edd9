"""Dialogs and the banner for problems."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QProcess, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from . import icons
from .jobs import Problem
from .settings import Settings
from .theme import theme_of

_MARKS = {"ok": "✓", "limited": "!", "broken": "✗"}


class Banner(QFrame):
    """What happened, in a sentence, above everything else until it is closed; what lies behind it is a click away."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setAutoFillBackground(True)
        self.mark = QLabel(self)
        self.text = QLabel(self)
        self.text.setWordWrap(True)
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.more = QToolButton(self)
        self.more.setText(self.tr("Details"))
        self.more.setCheckable(True)
        self.copy = QToolButton(self)
        self.copy.setText(self.tr("Copy"))
        self.away = QToolButton(self)
        self.away.setAutoRaise(True)
        self.away.setAccessibleName(self.tr("Close this message"))
        self.detail = QPlainTextEdit(self, readOnly=True)
        self.detail.setAccessibleName(self.tr("What lies behind it"))
        self.detail.setFixedHeight(150)
        row = QHBoxLayout()
        row.addWidget(self.mark)
        row.addWidget(self.text, 1)
        for button in (self.more, self.copy, self.away):
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 8, 8)
        column.addLayout(row)
        column.addWidget(self.detail)
        self.more.toggled.connect(self.detail.setVisible)
        self.copy.clicked.connect(self._copy)
        self.away.clicked.connect(self.hide)
        self.detail.hide()
        self.hide()

    def show_problem(self, problem: Problem) -> None:
        """Show it, in place of what stood there."""
        self._show("warning", "warning", problem.text, problem.detail)

    def show_news(self, text: str, detail: str) -> None:
        """Something that went well and that a person wants to know more of."""
        self._show("info", "accent", text, detail)

    def _show(self, icon: str, colour: str, text: str, detail: str) -> None:
        theme = theme_of(self)
        self.mark.setPixmap(icons.icon(icon, theme, colour).pixmap(QSize(22, 22)))
        self.away.setIcon(icons.icon("close", theme))
        self.text.setText(text)
        self.setAccessibleName(text)
        self.detail.setPlainText(detail)
        self.more.setChecked(False)
        self.more.setVisible(bool(detail))
        self.copy.setVisible(bool(detail))
        self.show()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(f"{self.text.text()}\n\n{self.detail.toPlainText()}")


class DoctorDialog(QDialog):
    """What works on this machine and, where something does not, the remedy."""

    def __init__(self, command: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("What is wrong?"))
        self.resize(720, 420)
        self.words = QLabel(self.tr("Looking …"), self)
        self.words.setWordWrap(True)
        self.table = QTreeWidget(self)
        self.table.setRootIsDecorated(False)
        self.table.setHeaderLabels([self.tr("State"), self.tr("What"), self.tr("Found"), self.tr("What to do")])
        self.table.setAccessibleName(self.tr("Findings"))
        self.table.setWordWrap(True)
        self.table.setAlternatingRowColors(True)
        header = self.table.header()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        self.copy = buttons.addButton(self.tr("Copy"), QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.clicked.connect(self._copy)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(self.words)
        column.addWidget(self.table, 1)
        column.addWidget(buttons)
        self._process = QProcess(self)
        self._process.finished.connect(self._found)
        self._process.errorOccurred.connect(self._not_started)
        if command:
            self._process.start(command[0], list(command[1:]))
        else:
            self.words.setText(self.tr("Run `shotscore doctor` in a terminal: it is not at hand here."))

    def _not_started(self, _: object) -> None:
        self.words.setText(self.tr("The doctor does not start: {0}").format(self._process.errorString()))

    def _found(self, *_: object) -> None:
        raw = bytes(self._process.readAllStandardOutput().data())
        try:
            answer = json.loads(raw)
            rows = [
                (str(row["state"]), str(row["name"]), str(row["detail"]), str(row["remedy"]))
                for row in answer["checks"]
            ]
        except (ValueError, KeyError, TypeError):
            self.words.setText(self.tr("The doctor gave no answer."))
            return
        words = {"ok": self.tr("works"), "limited": self.tr("limited"), "broken": self.tr("broken")}
        for state, name, detail, remedy in rows:
            item = QTreeWidgetItem(
                self.table, [f"{_MARKS.get(state, '?')} {words.get(state, state)}", name, detail, remedy]
            )
            for column in (2, 3):
                item.setToolTip(column, item.text(column))
        wrong = [name for state, name, _, _ in rows if state == "broken"]
        limited = [name for state, name, _, _ in rows if state == "limited"]
        if wrong:
            self.words.setText(self.tr("Cannot score until this is mended: {0}.").format(", ".join(wrong)))
        elif limited:
            self.words.setText(self.tr("Everything needed works; limited: {0}.").format(", ".join(limited)))
        else:
            self.words.setText(self.tr("Everything works."))

    def _copy(self) -> None:
        lines = []
        for row in range(self.table.topLevelItemCount()):
            item = self.table.topLevelItem(row)
            if item is not None:
                lines.append("  ".join(item.text(column) for column in range(4)))
        QGuiApplication.clipboard().setText("\n".join(lines))

    def done(self, result: int) -> None:
        """Closed: the doctor needs not go on."""
        self._process.kill()
        self._process.waitForFinished(50)
        super().done(result)


class PathField(QWidget):
    """A line for a path, and a button to choose it."""

    def __init__(self, name: str, text: str, kind: str, parent: QWidget | None = None, *, folder: bool = False) -> None:
        super().__init__(parent)
        self._kind, self._folder = kind, folder
        self.line = QLineEdit(text, self)
        self.line.setAccessibleName(name)
        self.choose = QToolButton(self)
        self.choose.setText("…")
        self.choose.setAccessibleName(self.tr("Choose: {0}").format(name))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(self.choose)
        self.choose.clicked.connect(self._choose)

    @property
    def text(self) -> str:
        """What stands there."""
        return self.line.text().strip()

    def _choose(self) -> None:
        name = self.line.accessibleName()
        if self._folder:
            found = QFileDialog.getExistingDirectory(self, name, self.text)
        else:
            found, _ = QFileDialog.getOpenFileName(self, name, self.text, self._kind)
        if found:
            self.line.setText(found)


class SettingsDialog(QDialog):
    """A few choices; they hold from the next job on."""

    applied = Signal()

    def __init__(self, settings: Settings, folder: Path | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Settings"))
        self.resize(520, 0)
        self._settings = settings
        form = QFormLayout()
        self.appearance = QComboBox(self)
        for value, words in (
            ("system", self.tr("As the system")),
            ("dark", self.tr("Dark")),
            ("light", self.tr("Light")),
        ):
            self.appearance.addItem(words, value)
        self.appearance.setCurrentIndex(self.appearance.findData(settings.appearance))
        self.device = QComboBox(self)
        for value, words in (
            ("auto", self.tr("The fastest there is")),
            ("cuda", self.tr("NVIDIA graphics card (CUDA)")),
            ("coreml", self.tr("Apple (Core ML)")),
            ("cpu", self.tr("The processor")),
        ):
            self.device.addItem(words, value)
        self.device.setCurrentIndex(self.device.findData(settings.device))
        self.model = PathField(self.tr("Model"), settings.model, "ONNX (*.onnx)", self)
        self.model.line.setPlaceholderText(self.tr("The one that comes with Shotscore"))
        self.soundfont = PathField(self.tr("Instruments"), settings.soundfont, "SoundFont (*.sf2 *.sf3)", self)
        self.soundfont.line.setPlaceholderText(self.tr("The best ones found"))
        self.loudness = QDoubleSpinBox(
            self, minimum=-60, maximum=-5, decimals=1, value=settings.loudness_lufs, suffix=" LUFS"
        )
        self.loudness.setToolTip(self.tr("-23 for broadcast, -14 for the web"))
        self.play = QCheckBox(self.tr("Play new music at once"), self)
        self.play.setChecked(settings.play_when_done)
        self.folder = PathField(self.tr("Folder of the music"), str(folder or ""), "", self, folder=True)
        self.folder.setEnabled(folder is not None)
        for words, widget in (
            (self.tr("Appearance"), self.appearance),
            (self.tr("Device"), self.device),
            (self.tr("Model"), self.model),
            (self.tr("Instruments"), self.soundfont),
            (self.tr("Loudness of the mix"), self.loudness),
            (self.tr("Folder of the music"), self.folder),
        ):
            form.addRow(words, widget)
            if isinstance(widget, QComboBox | QDoubleSpinBox):
                widget.setAccessibleName(words)
        form.addRow(self.play)
        kind = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kind.Ok | kind.Cancel, self)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(buttons)

    def accept(self) -> None:
        """Keep the choices."""
        settings = self._settings
        settings.appearance = self.appearance.currentData()
        settings.device = self.device.currentData()
        settings.model = self.model.text
        settings.soundfont = self.soundfont.text
        settings.loudness_lufs = self.loudness.value()
        settings.play_when_done = self.play.isChecked()
        settings.sync()
        super().accept()
        self.applied.emit()


class ExportDialog(QDialog):
    """Which formats, and where to."""

    def __init__(
        self, formats: Sequence[tuple[str, str]], chosen: Sequence[str], folder: Path, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Export"))
        self.resize(460, 480)
        self.list = QTreeWidget(self)
        self.list.setRootIsDecorated(False)
        self.list.setHeaderHidden(True)
        self.list.setAccessibleName(self.tr("Formats"))
        for name, words in formats:
            item = QTreeWidgetItem(self.list, [words])
            item.setData(0, Qt.ItemDataRole.UserRole, name)
            item.setCheckState(0, Qt.CheckState.Checked if name in chosen else Qt.CheckState.Unchecked)
        self.folder = PathField(self.tr("Folder"), str(folder), "", self, folder=True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.go = QPushButton(self.tr("Export"), self)
        self.go.setDefault(True)
        buttons.addButton(self.go, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(QLabel(self.tr("What to write"), self))
        column.addWidget(self.list, 1)
        column.addWidget(QLabel(self.tr("Folder"), self))
        column.addWidget(self.folder)
        column.addWidget(buttons)
        self.list.itemChanged.connect(self._changed)
        self._changed()

    @property
    def chosen(self) -> list[str]:
        """The formats that are ticked."""
        items = (self.list.topLevelItem(row) for row in range(self.list.topLevelItemCount()))
        return [
            str(item.data(0, Qt.ItemDataRole.UserRole))
            for item in items
            if item is not None and item.checkState(0) == Qt.CheckState.Checked
        ]

    def _changed(self, *_: object) -> None:
        self.go.setEnabled(bool(self.chosen))


class KeysDialog(QDialog):
    """Every key there is."""

    def __init__(self, keys: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Keys"))
        self.resize(460, 520)
        table = QTreeWidget(self)
        table.setRootIsDecorated(False)
        table.setAlternatingRowColors(True)
        table.setHeaderLabels([self.tr("Key"), self.tr("Does")])
        table.setAccessibleName(self.tr("Keys"))
        for key, words in keys:
            QTreeWidgetItem(table, [key, words])
        table.resizeColumnToContents(0)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addWidget(table, 1)
        column.addWidget(buttons)
