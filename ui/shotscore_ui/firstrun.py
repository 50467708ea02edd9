"""The first page: from nothing to music in three clicks. Open, score, listen (it plays by itself)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from . import icons
from .theme import theme_of

_MAIN, _LESS = 44, 34
"""Points the main button is high, and the others."""


class FirstPage(QWidget):
    """What stands there while nothing is open."""

    open_requested = Signal()
    demo_requested = Signal()
    editor_requested = Signal()
    chosen = Signal(object)
    """Path of something that was open before"""

    def __init__(
        self, *, editor: str = "", demo: bool = False, hints: Sequence[str] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.title = QLabel(self.tr("Music that follows your cut"), self)
        font = self.title.font()
        font.setPointSizeF(font.pointSizeF() * 2.1)
        font.setBold(True)
        self.title.setFont(font)
        self.title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.title.setWordWrap(True)
        lead = QLabel(
            self.tr(
                "Shotscore reads your timeline, finds the tempo that lands on its cuts and writes the music to it."
            ),
            self,
        )
        lead.setAlignment(Qt.AlignmentFlag.AlignCenter)
        lead.setWordWrap(True)
        self.open_button = QPushButton(self.tr("Open a timeline or video…"), self)
        self.open_button.setDefault(True)
        self.open_button.setProperty("main", True)
        self.open_button.clicked.connect(self.open_requested)
        self.editor_button = QPushButton(self.tr("Read the timeline from {0}").format(editor), self)
        self.editor_button.setVisible(bool(editor))
        self.editor_button.clicked.connect(self.editor_requested)
        self.demo_button = QPushButton(self.tr("Try it with a demo film"), self)
        self.demo_button.setVisible(demo)
        self.demo_button.clicked.connect(self.demo_requested)
        buttons = QVBoxLayout()
        buttons.setSpacing(8)
        for button in (self.open_button, self.editor_button, self.demo_button):
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setMinimumHeight(_LESS if button is not self.open_button else _MAIN)
            buttons.addWidget(button)
        self.recent = QListWidget(self)
        self.recent.setAccessibleName(self.tr("Opened before"))
        self.recent.setMaximumHeight(120)
        self.recent.itemActivated.connect(self._choose)
        self.recent.itemClicked.connect(self._choose)
        self.recent_label = QLabel(self.tr("Opened before"), self)
        drop = QLabel(
            self.tr("… or drop one here: OpenTimelineIO, EDL, FCPXML, AAF, Kdenlive, MLT, or any video."), self
        )
        drop.setAlignment(Qt.AlignmentFlag.AlignCenter)
        drop.setWordWrap(True)
        inner = QWidget(self)
        inner.setMaximumWidth(640)
        column = QVBoxLayout(inner)
        column.setSpacing(12)
        column.addWidget(self.title)
        column.addWidget(lead)
        column.addSpacing(6)
        column.addLayout(self._steps())
        column.addSpacing(6)
        column.addLayout(buttons)
        column.addWidget(drop)
        column.addWidget(self.recent_label)
        column.addWidget(self.recent)
        for hint in hints:
            words = QLabel(hint, self)
            words.setWordWrap(True)
            words.setAlignment(Qt.AlignmentFlag.AlignCenter)
            column.addWidget(words)
        page = QGridLayout(self)
        page.setContentsMargins(28, 20, 28, 20)
        page.setRowStretch(0, 1)
        page.setRowStretch(2, 1)
        page.setColumnStretch(0, 1)
        page.setColumnStretch(1, 8)
        page.setColumnStretch(2, 1)
        page.addWidget(inner, 1, 1)
        self.set_recent([])

    def _steps(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addStretch(1)
        self._marks: list[tuple[QLabel, str]] = []
        for name, words in (
            ("film", self.tr("1  Open")),
            ("score", self.tr("2  Score")),
            ("sound", self.tr("3  Listen")),
        ):
            mark = QLabel(self)
            self._marks.append((mark, name))
            row.addWidget(mark)
            row.addWidget(QLabel(words, self))
            row.addSpacing(20)
        row.takeAt(row.count() - 1)
        row.addStretch(1)
        self._colour()
        return row

    def _colour(self) -> None:
        for mark, name in self._marks:
            mark.setPixmap(icons.icon(name, theme_of(self), "accent").pixmap(QSize(24, 24)))

    def changeEvent(self, event: QEvent) -> None:
        """New colours, new icons."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_marks"):
            self._colour()

    def set_recent(self, paths: Sequence[Path]) -> None:
        """What was open before, the last first."""
        self.recent.clear()
        for path in paths:
            item = QListWidgetItem(f"{path.name}   {path.parent}", self.recent)
            item.setData(Qt.ItemDataRole.UserRole, str(path))
            item.setToolTip(str(path))
        self.recent.setVisible(bool(paths))
        self.recent_label.setVisible(bool(paths))

    def paintEvent(self, event: QPaintEvent) -> None:
        """A dashed frame: things can be dropped here."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme_of(self).colour("line_strong"), 1.5, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(10, 10, -10, -10), 10, 10)
        painter.end()

    def _choose(self, item: QListWidgetItem) -> None:
        self.chosen.emit(Path(item.data(Qt.ItemDataRole.UserRole)))
