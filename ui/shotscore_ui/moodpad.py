"""The mood pad: valence across, arousal up.

An empty ring stands where the picture is, a full disc where the music shall be; until someone moves it, it stands
in the ring. A faint line follows the shots. Drag the disc, or use the arrow keys (with Shift further); double-click,
Home or Backspace go back to the picture's own mood.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QFont,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from .theme import theme_of
from .view import MoodView

KEY_STEP, WIDE_STEP = 0.05, 0.2
MARGIN, FOOT = 10.0, 20.0
REACH = 8.0
"""Radius of the disc."""

Key = Qt.Key


class MoodPad(QWidget):
    """See the module."""

    mood_changing = Signal(float, float)
    mood_changed = Signal(float, float)
    mood_reset = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = MoodView(0.0, 0.0)
        self._at: tuple[float, float] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName(self.tr("Mood"))
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._describe()

    def set_view(self, view: MoodView) -> None:
        """Shows a mood."""
        self._view = view
        self._at = None
        self._describe()
        self.update()

    @property
    def view(self) -> MoodView:
        """What is shown."""
        return self._view

    @property
    def mood(self) -> tuple[float, float]:
        """(valence, arousal) where the disc stands now."""
        return self._at if self._at is not None else (self._view.valence, self._view.arousal)

    def sizeHint(self) -> QSize:
        return QSize(260, 240)

    def minimumSizeHint(self) -> QSize:
        return QSize(140, 130)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return min(300, round(width * 0.78 + FOOT))

    # --- painting -----------------------------------------------------------------------------------------------

    def pad(self) -> QRectF:
        """The field itself."""
        return QRectF(MARGIN, MARGIN, self.width() - 2 * MARGIN, self.height() - 2 * MARGIN - FOOT)

    def point(self, valence: float, arousal: float) -> QPointF:
        """Where a mood stands."""
        pad = self.pad()
        return QPointF(pad.center().x() + valence * pad.width() / 2, pad.center().y() - arousal * pad.height() / 2)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self.update()
        super().changeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setClipRect(event.rect())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, pad = theme_of(self), self.pad()
        painter.setPen(QPen(theme.colour("line_strong"), 1))
        painter.setBrush(theme.colour("lane"))
        painter.drawRoundedRect(pad, 6, 6)
        # Colour leans to warm where it is excited, to cool where it is calm, and brightens to the glad side.
        strength = 0.34 if theme.dark else 0.22
        for start, end, colour in (
            (pad.topRight(), pad.center(), "#ffb02e"),
            (pad.topLeft(), pad.center(), "#e5484d"),
            (pad.bottomRight(), pad.center(), "#30a46c"),
            (pad.bottomLeft(), pad.center(), "#3e63dd"),
        ):
            glow = QLinearGradient(start, end)
            first, last = QColor(colour), QColor(colour)
            first.setAlphaF(strength)
            last.setAlphaF(0.0)
            glow.setColorAt(0, first)
            glow.setColorAt(1, last)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(glow)
            painter.drawRoundedRect(pad.adjusted(1, 1, -1, -1), 5, 5)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.colour("line_strong", 0.6), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(pad.left(), pad.center().y()), QPointF(pad.right(), pad.center().y()))
        painter.drawLine(QPointF(pad.center().x(), pad.top()), QPointF(pad.center().x(), pad.bottom()))
        self._paint_words(painter, pad)
        self._paint_moods(painter)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.colour("accent"), 2))
            painter.drawRoundedRect(pad.adjusted(-3, -3, 3, 3), 8, 8)
        painter.end()

    def _paint_words(self, painter: QPainter, pad: QRectF) -> None:
        theme = theme_of(self)
        font = QFont(self.font())
        font.setPixelSize(11)
        painter.setFont(font)
        painter.setPen(theme.colour("text_dim"))
        flag = Qt.AlignmentFlag
        inner = pad.adjusted(7, 4, -7, -4)
        if pad.width() >= 150:
            painter.drawText(inner, flag.AlignLeft | flag.AlignTop, self.tr("tense"))
            painter.drawText(inner, flag.AlignRight | flag.AlignTop, self.tr("joyful"))
            painter.drawText(inner, flag.AlignLeft | flag.AlignBottom, self.tr("sorrowful"))
            painter.drawText(inner, flag.AlignRight | flag.AlignBottom, self.tr("serene"))
        if pad.width() >= 210:
            painter.drawText(inner, flag.AlignHCenter | flag.AlignTop, self.tr("excited"))
            painter.drawText(inner, flag.AlignHCenter | flag.AlignBottom, self.tr("calm"))
            painter.drawText(inner, flag.AlignLeft | flag.AlignVCenter, self.tr("sad"))
            painter.drawText(inner, flag.AlignRight | flag.AlignVCenter, self.tr("glad"))
        foot = QRectF(pad.left(), pad.bottom() + 4, pad.width(), FOOT)
        painter.setPen(theme.colour("text"))
        valence, arousal = self.mood
        words = self.tr("valence {0}   arousal {1}").format(f"{valence:+.2f}", f"{arousal:+.2f}")
        painter.drawText(foot, flag.AlignLeft | flag.AlignVCenter, words)
        if pad.width() >= 290:
            painter.setPen(theme.colour("text_dim"))
            source = self.tr("yours") if self._corrected else self.tr("from the picture")
            painter.drawText(foot, flag.AlignRight | flag.AlignVCenter, source)

    @property
    def _corrected(self) -> bool:
        return self._view.corrected or self._at is not None

    def _paint_moods(self, painter: QPainter) -> None:
        theme, view = theme_of(self), self._view
        if len(view.trail) > 1:
            painter.setPen(QPen(theme.colour("text_dim", 0.45), 1.2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            points = [self.point(*mood) for mood in view.trail]
            painter.drawPolyline(QPolygonF(points))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("text_dim", 0.6))
            for point in points:
                painter.drawEllipse(point, 1.8, 1.8)
        here = self.point(*self.mood)
        if view.read is not None:
            there = self.point(*view.read)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if self._corrected:
                painter.setPen(QPen(theme.colour("text"), 1.2, Qt.PenStyle.DashLine))
                painter.drawLine(there, here)
            painter.setPen(QPen(theme.colour("text"), 1.6))
            painter.drawEllipse(there, REACH + 3, REACH + 3)
        painter.setPen(QPen(theme.colour("lane"), 2))
        painter.setBrush(theme.colour("accent"))
        painter.drawEllipse(here, REACH, REACH)

    # --- mouse and keys -------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._drag_to(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and self._at is not None:
            self._drag_to(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._at is not None:
            self._settle(*self._at)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._reset()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = WIDE_STEP if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else KEY_STEP
        across, up = {
            Key.Key_Left: (-step, 0.0),
            Key.Key_Right: (step, 0.0),
            Key.Key_Up: (0.0, step),
            Key.Key_Down: (0.0, -step),
        }.get(Key(event.key()), (0.0, 0.0))
        if across or up:
            valence, arousal = self.mood
            moved = _inside(valence + across), _inside(arousal + up)
            if moved != self.mood:
                self._settle(*moved)
        elif event.key() in (Key.Key_Home, Key.Key_Backspace, Key.Key_Delete):
            self._reset()
        elif event.key() == Key.Key_Escape and self._at is not None:
            self._at = None
            self.update()
        else:
            super().keyPressEvent(event)

    def _drag_to(self, position: QPointF) -> None:
        pad = self.pad()
        valence = _inside((position.x() - pad.center().x()) / max(1.0, pad.width() / 2))
        arousal = _inside((pad.center().y() - position.y()) / max(1.0, pad.height() / 2))
        self._at = (valence, arousal)
        self.update()
        self.mood_changing.emit(valence, arousal)

    def _settle(self, valence: float, arousal: float) -> None:
        """The disc stays there even before the session has answered."""
        self._view = MoodView(valence, arousal, self._view.read, True, self._view.trail)
        self._at = None
        self._describe()
        self.update()
        self.mood_changed.emit(valence, arousal)

    def _reset(self) -> None:
        read = self._view.read
        if read is not None:
            self._view = MoodView(*read, read, False, self._view.trail)
        self._at = None
        self._describe()
        self.update()
        self.mood_reset.emit()

    def _describe(self) -> None:
        valence, arousal = self.mood
        words = self.tr("Valence {0}, arousal {1}; {2}.").format(
            f"{valence:+.2f}",
            f"{arousal:+.2f}",
            self.tr("set by you") if self._view.corrected else self.tr("read from the picture"),
        )
        self.setAccessibleDescription(words)
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))


def _inside(value: float) -> float:
    return round(min(1.0, max(-1.0, value)), 2)
