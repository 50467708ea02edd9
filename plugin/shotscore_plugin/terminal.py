"""What the command line shows while it works: stages with the time left, on standard error."""

import math
import sys
import time
from typing import TextIO

_WORDS = {
    "draw": "Drawing the film",
    "examine": "Looking at this machine",
    "read": "Reading the timeline",
    "analyse": "Looking at the picture",
    "denoise": "Writing the music",
    "render": "Playing it",
    "write": "Writing files",
}
_REDRAW_SECONDS = 0.1
_REPEAT_SECONDS = 5.0
"""How often a line is added where lines cannot be redrawn."""
_TRUST_SECONDS = 0.7
"""Before that, a guess of the time left would jump about."""


class ProgressLine:
    """A `Progress`: one line that is redrawn on a terminal; elsewhere a line a stage, and more in long ones."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._live = self._stream.isatty()
        self._stage: str | None = None
        self._began = self._drawn = 0.0

    def __enter__(self) -> "ProgressLine":
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()

    def __call__(self, stage: str, done: float) -> None:
        """Show that `stage` is `done` (0 to 1)."""
        now = time.monotonic()
        if stage != self._stage:
            self.close()
            self._stage, self._began, self._drawn = stage, now, -math.inf
            if not self._live:
                self._drawn = now
            if not self._live and stage != "read":  # over in no time, and where bad input is found
                self._say(f"{_WORDS.get(stage, stage)} ...\n")
        line = f"{_WORDS.get(stage, stage)} {done:4.0%}{self._left(now, done)}"
        if self._live and (now - self._drawn >= _REDRAW_SECONDS or done >= 1):
            self._drawn = now
            self._say(f"\r\033[K{line}")
        elif not self._live and now - self._drawn >= _REPEAT_SECONDS:
            self._drawn = now
            self._say(f"{line}\n")

    def close(self) -> None:
        """End the line."""
        if self._stage is not None and self._live:
            self._say("\n")
        self._stage = None

    def tell(self, text: str) -> None:
        """A line that stays, above the one that is redrawn."""
        self._say(f"\r\033[K{text}\n" if self._live else f"{text}\n")
        self._drawn = -math.inf if self._live else self._drawn

    def clear(self) -> None:
        """Take the line away."""
        if self._stage is not None and self._live:
            self._say("\r\033[K")
        self._stage = None

    def _left(self, now: float, done: float) -> str:
        worked = now - self._began
        if worked < _TRUST_SECONDS or not 0.02 < done < 1:
            return ""
        left = round(worked * (1 - done) / done)
        return f", {left // 60}:{left % 60:02} left" if left >= 60 else f", {left} s left"

    def _say(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
