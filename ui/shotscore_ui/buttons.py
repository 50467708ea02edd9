"""Buttons the window is made of: a tool with an icon and its key, and one that hands out files when it is dragged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QSize, Qt, QUrl
from PySide6.QtGui import QDrag, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QApplication, QToolButton, QWidget

ICON = "icon_name"
"""The property that names a button's icon; the window colours it when the theme changes."""


def native(keys: str) -> str:
    """Keys as this system writes them."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


def tool(parent: QWidget, name: str, words: str, slot: Callable[[], object], keys: str = "") -> QToolButton:
    """A flat button with the icon called `name`, and `words` for whoever points at it or cannot see it."""
    made = QToolButton(parent)
    made.setProperty(ICON, name)
    made.setAutoRaise(True)
    made.setIconSize(QSize(20, 20))
    made.setAccessibleName(words)
    made.setToolTip(f"{words} ({native(keys)})" if keys else words)
    made.clicked.connect(lambda _=False: slot())
    return made


class FileHandle(QToolButton):
    """A button that, dragged, hands out files."""

    def __init__(self, text: str, words: str, files: Callable[[], list[Path]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._files = files
        self._pressed = QPoint()
        self.setProperty(ICON, "drag")
        self.setText(text)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setAccessibleName(words)
        self.setToolTip(words)
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
        """What is handed out, as any program takes it; None where there is nothing."""
        there = [path for path in self._files() if path.exists()]
        if not there:
            return None
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in there])
        return data
