"""Sessions with music in them, without films: pictures of gaps, and a composer that writes in no time."""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from shotscore_engine.denoiser import Condition, Denoiser, Device, Known, _joined
from shotscore_engine.picture import MediaSpan, Picture, Shot
from shotscore_engine.request import ScoreRequest
from shotscore_engine.roll import PARTS, Roll, roll_of
from shotscore_engine.session import Session, Tools
from shotscore_engine.styles import DEFAULT_STYLE, load_style

RATE = Fraction(25)


@dataclass
class Dice(Denoiser):
    """A stand-in for the model where many runs are needed: notes by chance, known ones kept, the same for one seed.

    Its notes may ring anywhere and end late, so that whoever joins them has something to do.
    """

    name: str = "dice"  # type: ignore[misc]
    sha256: str = "00" * 32  # type: ignore[misc]
    device: Device = field(default_factory=lambda: Device("CPUExecutionProvider"))

    def generate(self, condition: Condition, *, seed: int, known: Known | None = None, **_: Any) -> Roll:
        rng = np.random.default_rng(seed)
        steps = condition.beats * 4
        count = condition.beats * 6
        start = rng.integers(0, steps, count)
        length = rng.integers(1, 12, count)
        notes = [rng.integers(0, len(PARTS), count), start, start + length]
        notes += [rng.integers(40, 80, count), rng.integers(1, 128, count)]
        roll = roll_of(np.stack(notes, axis=1), steps)
        return roll if known is None else _joined(roll, known)


def dice_tools() -> Tools:
    return Tools(Dice(), load_style(DEFAULT_STYLE))


def picture_of(clips: list[tuple[str, int, int]], rate: Fraction = RATE) -> Picture:
    """A picture of offline clips: (media, first source frame, frames)."""
    shots, start = [], 0
    for number, (name, source, frames) in enumerate(clips, 1):
        media = MediaSpan(Path(f"/films/{name}.mov"), True, Fraction(source) / rate)
        shots.append(Shot(number, start, frames, name, media))
        start += frames
    return Picture("film", rate, 0, False, start, tuple(shots))


def scored(
    clips: list[tuple[str, int, int]], tools: Tools | None = None, request: ScoreRequest | None = None
) -> Session:
    """The picture's session with one cue over all of it."""
    asked = replace(request or ScoreRequest(), detect="none")
    return Session("/films/film.otio", picture_of(clips)).score(asked, tools or dice_tools())
