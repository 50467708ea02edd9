"""A layout: cards side by side, in as many rows as the width asks for."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget

from .card import CARD

GAP = 8
"""Points between cards."""


class Flow(QLayout):
    """Items side by side, in as many rows as the width asks for."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(GAP, GAP, GAP, GAP)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._lay(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._lay(rect, move=True)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        return CARD + QSize(2 * GAP, 2 * GAP) if self._items else QSize(0, 0)

    def _lay(self, rect: QRect, *, move: bool) -> int:
        x, y, tallest = rect.x() + GAP, rect.y() + GAP, 0
        for item in self._items:
            size = item.sizeHint()
            if x > rect.x() + GAP and x + size.width() > rect.right() - GAP + 2:
                x, y, tallest = rect.x() + GAP, y + tallest + GAP, 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), size))
            x += size.width() + GAP
            tallest = max(tallest, size.height())
        return y + tallest + GAP - rect.y()
