"""Where frames lie in pixels: one scale that everything drawn over the same time shares."""

from PySide6.QtCore import QObject, Signal

WIDEST_FRAME = 240.0
"""Pixels of one frame when zoomed in all the way: about its thumbnail."""
STEP = 1.25
"""Zoom of one key press or one notch of a wheel."""


class TimeScale(QObject):
    """First frame shown and frames a pixel, kept within the film.

    x = (frame - first_frame) / frames_per_pixel
    """

    changed = Signal()
    """The frames shown are others now."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._duration = 1
        self._width = 1.0
        self._first = 0.0
        self._per_pixel = 1.0
        self._fitted = True

    @property
    def duration(self) -> int:
        """Frames of the film."""
        return self._duration

    @property
    def width(self) -> float:
        """Pixels it is shown on."""
        return self._width

    @property
    def first_frame(self) -> float:
        """At the left edge."""
        return self._first

    @property
    def frames_per_pixel(self) -> float:
        """Small when zoomed in."""
        return self._per_pixel

    @property
    def shown(self) -> float:
        """Frames between the edges."""
        return self._width * self._per_pixel

    @property
    def last_frame(self) -> float:
        """At the right edge."""
        return self._first + self.shown

    @property
    def fitted(self) -> bool:
        """Whether the whole film is shown."""
        return self._fitted

    def x(self, frame: float) -> float:
        """Pixels from the left edge to `frame`."""
        return (frame - self._first) / self._per_pixel

    def frame(self, x: float) -> float:
        """The (fractional) frame at `x`."""
        return self._first + x * self._per_pixel

    def set_duration(self, frames: int) -> None:
        """Another film; it is shown whole where the one before was."""
        if frames != self._duration:
            self._duration = max(1, frames)
            self._set(self._first, self._widest() if self._fitted else self._per_pixel)

    def set_width(self, pixels: float) -> None:
        """Another window; the left edge stays."""
        if pixels != self._width and pixels >= 1:
            self._width = pixels
            self._set(self._first, self._widest() if self._fitted else self._per_pixel)

    def fit(self) -> None:
        """The whole film."""
        self._set(0.0, self._widest())

    def zoom(self, factor: float, anchor_x: float) -> None:
        """`factor` above 1 shows less, larger; the frame at `anchor_x` stays where it is."""
        anchor = self.frame(anchor_x)
        per_pixel = self._bounded(self._per_pixel / factor)
        self._set(anchor - anchor_x * per_pixel, per_pixel)

    def zoom_to(self, start_frame: float, end_frame: float, margin: float = 0.06) -> None:
        """Shows [start_frame, end_frame) with a little around it."""
        length = max(1.0, end_frame - start_frame)
        per_pixel = self._bounded(length * (1 + 2 * margin) / self._width)
        middle = (start_frame + end_frame) / 2
        self._set(middle - per_pixel * self._width / 2, per_pixel)

    def scroll(self, pixels: float) -> None:
        """To the right by `pixels`."""
        self._set(self._first + pixels * self._per_pixel, self._per_pixel)

    def scroll_to(self, first_frame: float) -> None:
        """`first_frame` to the left edge."""
        self._set(first_frame, self._per_pixel)

    def reveal(self, frame: float) -> None:
        """Turns the page where `frame` is not shown."""
        if not self._first <= frame < self.last_frame:
            self._set(frame - self.shown * 0.1, self._per_pixel)

    def _widest(self) -> float:
        return self._duration / self._width

    def _bounded(self, per_pixel: float) -> float:
        return min(max(per_pixel, 1 / WIDEST_FRAME), max(self._widest(), 1 / WIDEST_FRAME))

    def _set(self, first: float, per_pixel: float) -> None:
        per_pixel = self._bounded(per_pixel)
        first = max(0.0, min(first, self._duration - self._width * per_pixel))
        self._fitted = per_pixel >= self._widest() * (1 - 1e-9)
        if (first, per_pixel) != (self._first, self._per_pixel):
            self._first, self._per_pixel = first, per_pixel
            self.changed.emit()
