"""Ducking: music steps back while someone speaks, as an envelope of keyframes; never printed into the stems.

dialogue        |=====speech=====|        |==speech==|
gain  0 dB  ----\\                                    /-----
      -9 dB      \\__________________________________/
               look-ahead        (a short pause stays down)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shotscore_engine.errors import RequestError
from shotscore_engine.perform import Score

from . import audio, bwf
from .placement import Keyframe, Placement

__all__ = ["Ducking", "Keyframe", "envelope", "gain", "write"]


@dataclass(frozen=True)
class Ducking:
    """How far and how fast music steps back."""

    amount_db: float = -9.0
    """Gain under speech."""
    attack_ms: int = 250
    """From full to ducked."""
    release_ms: int = 800
    """Back again."""
    look_ahead_ms: int = 150
    """How long before the first word the music is down."""
    hold_ms: int = 1200
    """Pauses shorter than this stay ducked."""


def envelope(
    dialogue: Sequence[tuple[Fraction, Fraction]], duration: Fraction, ducking: Ducking | None = None
) -> tuple[Keyframe, ...]:
    """The keyframes for `dialogue`, (start, end) in seconds from the cue's start; empty where nobody speaks.

    Times lie within the cue and rise strictly. Raises RequestError for an amount above 0 dB or negative times.
    """
    ducking = ducking or Ducking()
    if ducking.amount_db > 0 or min(ducking.attack_ms, ducking.release_ms, ducking.look_ahead_ms, ducking.hold_ms) < 0:
        raise RequestError(f"{ducking} is no ducking; use an amount of at most 0 dB and times of at least 0 ms.")
    attack, release = Fraction(max(1, ducking.attack_ms), 1000), Fraction(max(1, ducking.release_ms), 1000)
    ahead, hold = Fraction(ducking.look_ahead_ms, 1000), Fraction(ducking.hold_ms, 1000)
    stretches: list[list[Fraction]] = []
    for start, end in sorted(dialogue):
        if end <= 0 or start - ahead - attack >= duration or end <= start:
            continue
        begins = start - ahead
        if stretches and begins - stretches[-1][1] < hold + attack + release:
            stretches[-1][1] = max(stretches[-1][1], end)
        else:
            stretches.append([begins, end])
    points: list[tuple[Fraction, float]] = []
    for start, end in stretches:
        points += [(start - attack, 0.0), (start, ducking.amount_db), (end, ducking.amount_db), (end + release, 0.0)]
    return _within(points, duration)


def gain(keyframes: Sequence[Keyframe], samples: int, sample_rate: int) -> NDArray[np.float32]:
    """The envelope as a factor per sample."""
    if not keyframes:
        return np.ones(samples, np.float32)
    times = [float(key.seconds) for key in keyframes]
    levels = [key.gain_db for key in keyframes]
    return (10 ** (np.interp(np.arange(samples) / sample_rate, times, levels) / 20)).astype(np.float32)


def write(
    rendered: audio.Rendered,
    score: Score,
    placement: Placement,
    keyframes: Sequence[Keyframe],
    path: Path,
    settings: audio.AudioSettings | None = None,
) -> None:
    """Write the mix with the envelope printed into it, for formats that carry no keyframes."""
    settings = settings or audio.AudioSettings()
    factors = gain(keyframes, rendered.samples, rendered.sample_rate)

    def blocks() -> Iterator[NDArray[np.float32]]:
        at = 0
        for block in rendered.blocks():
            yield block * factors[at : at + len(block), None]
            at += len(block)

    label = bwf.Label(
        description=f"{placement.production} {score.title} mix, ducked under dialogue".strip(),
        time_reference=placement.sample_of_day(rendered.sample_rate),
        rate=placement.rate,
        drop_frame=placement.drop_frame,
        project=placement.production,
        scene=score.title,
        tracks=("mix ducked L", "mix ducked R"),
        take=settings.take,
        reference=f"{score.title}-mix-ducked",
        created=settings.created,
    )
    bwf.write(path, blocks(), label, rendered.sample_rate, settings.bits, audio.CHANNELS, rendered.samples)


def _within(points: Sequence[tuple[Fraction, float]], duration: Fraction) -> tuple[Keyframe, ...]:
    """The line through `points` cut to the cue."""
    if not points:
        return ()
    times, levels = [float(time) for time, _ in points], [level for _, level in points]
    inside = [(time, level) for time, level in points if 0 < time < duration]
    edges = [(edge, float(np.interp(float(edge), times, levels))) for edge in (Fraction(0), duration)]
    line = [edges[0], *inside, edges[1]]
    return tuple(Keyframe(time, level) for time, level in line)
