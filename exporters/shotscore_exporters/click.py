"""A click track: a short tone on every beat, higher and louder on the downbeat, as long as the cue to the sample."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shotscore_engine.perform import Score
from shotscore_engine.tempo import BeatGrid
from shotscore_engine.timing import quantise

from . import bwf
from .placement import Placement

_SECONDS = 0.03


def render(grid: BeatGrid, samples: int, sample_rate: int = 48_000) -> NDArray[np.float32]:
    """The clicks of `grid`, (samples, 1), peaks at -12 dBFS on downbeats and -18 elsewhere."""
    sound = np.zeros((samples, 1), np.float32)
    for beat, moment in enumerate(grid.beat_times):
        accent = (beat - grid.first_downbeat) % grid.beats_per_bar == 0
        at = quantise(moment * sample_rate)
        tone = _tone(1760.0 if accent else 1320.0, sample_rate) * (0.25 if accent else 0.125)
        length = min(len(tone), samples - at)
        if length > 0:
            sound[at : at + length, 0] += tone[:length]
    return sound


def write(score: Score, placement: Placement, path: Path, sample_rate: int = 48_000, bits: int = 24) -> None:
    """Write the click of `score` as a mono Broadcast Wave file with the cue's timecode.

    Raises OutputError where it cannot be written.
    """
    samples = placement.samples(sample_rate)
    sound = render(score.grid, samples, sample_rate)
    label = bwf.Label(
        description=f"{placement.production} {score.title} click".strip(),
        time_reference=placement.sample_of_day(sample_rate),
        rate=placement.rate,
        drop_frame=placement.drop_frame,
        project=placement.production,
        scene=score.title,
        tracks=("click",),
        reference=f"{score.title}-click",
    )

    def blocks() -> Iterator[NDArray[np.float32]]:
        yield sound

    bwf.write(path, blocks(), label, sample_rate, bits, 1, samples)


def _tone(hertz: float, sample_rate: int) -> NDArray[np.float32]:
    time = np.arange(int(_SECONDS * sample_rate)) / sample_rate
    # From zero and back to zero: a click, not a crack.
    envelope = np.minimum(1, time / 0.001) * np.exp(-time / 0.006) * (1 - time / _SECONDS)
    return (np.sin(2 * np.pi * hertz * time) * envelope).astype(np.float32)
