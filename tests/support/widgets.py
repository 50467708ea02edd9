"""Widgets on no screen: views to show, mouse and keys to drive them, and eyes for what was drawn."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from scored import dice_tools, picture_of
from shotscore_engine.request import ScoreRequest
from shotscore_engine.session import Session
from shotscore_engine.spotting import Cue, Hit

LEFT, SHIFT, CTRL, ALT = (
    Qt.MouseButton.LeftButton,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.AltModifier,
)
NONE = Qt.KeyboardModifier.NoModifier
CLIPS = [("day", 0, 60), ("sea", 10, 40), ("town", 0, 75), ("rain", 5, 50), ("night", 0, 75)]


def small_session(takes: int = 1) -> Session:
    """Five shots in twelve seconds at 25, 120 beats a minute from frame 0, hits met, near, missed and ignored."""
    request = ScoreRequest(detect="none", tempo_bpm=120, takes=takes)
    session = Session("/films/film.otio", picture_of(CLIPS)).score(request, dice_tools())
    grid = session.takes[0].grid
    beats = [round(float(time * 25)) for time in grid.beat_times]
    hits = (
        Hit(beats[4], "cut", 1.0, 2, "on the beat"),
        Hit(beats[8] + 3, "marker", 1.0, 2, "a little late"),
        Hit(beats[12] + 6, "motion", 0.5, 2, "between"),
        Hit(beats[16], "cut", 0.0, 2, "not asked for"),
    )
    cue = session.cue("1m01")
    return session.with_cue(replace(cue, hits=hits))


def hit_frames(session: Session) -> list[int]:
    """Of the only cue."""
    cue: Cue = session.cues[0]
    return [hit.frame for hit in cue.hits]


def drag(widget: QWidget, start: QPoint, *path: QPoint, modifiers: Any = NONE) -> None:
    """Press, move along, release."""
    QTest.mousePress(widget, LEFT, modifiers, start)
    for point in path:
        QTest.mouseMove(widget, point)
        # A synthetic move carries no button of its own: say which is down.
        move_held(widget, point, modifiers)
    QTest.mouseRelease(widget, LEFT, modifiers, path[-1])


def move_held(widget: QWidget, point: QPoint, modifiers: Any = NONE) -> None:
    """Moves the mouse with its left button down."""
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    place = QPointF(point)
    event = QMouseEvent(
        QEvent.Type.MouseMove, place, QPointF(widget.mapToGlobal(point)), Qt.MouseButton.NoButton, LEFT, modifiers
    )
    QApplication.sendEvent(widget, event)


def wheel(widget: QWidget, point: QPoint, notches: float, modifiers: Any = NONE) -> None:
    """Turns the wheel."""
    event = QWheelEvent(
        QPointF(point),
        QPointF(widget.mapToGlobal(point)),
        QPoint(),
        QPoint(0, round(120 * notches)),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)


def drawn(widget: QWidget) -> NDArray[np.uint8]:
    """(height, width, 3) of what a widget shows, red green blue, in its own pixels."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return pixels[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def share_of(pixels: NDArray[np.uint8], colour: QColor, reach: int = 24) -> float:
    """How much of a picture is about this colour."""
    wanted = np.array([colour.red(), colour.green(), colour.blue()])
    return float((np.abs(pixels.astype(int) - wanted).max(axis=-1) <= reach).mean())


def around(pixels: NDArray[np.uint8], point: QPoint, reach: int = 7) -> NDArray[np.uint8]:
    """The square around a point."""
    x, y = point.x(), point.y()
    return pixels[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
