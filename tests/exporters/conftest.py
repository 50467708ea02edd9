"""A short cue every exporter test can afford to play: two bars of four notes in each part."""

from fractions import Fraction

import numpy as np
import pytest
from shotscore_engine.perform import Score, perform
from shotscore_engine.roll import Roll
from shotscore_engine.styles import load_style
from shotscore_engine.tempo import BeatGrid
from shotscore_exporters.placement import Placement


@pytest.fixture(scope="session")
def placement() -> Placement:
    """Five seconds and a bit at 23.976, a minute into a timeline that starts at 01:00:00:00."""
    return Placement(Fraction(24000, 1001), 86_400, False, 1440, 121, "Test film")


@pytest.fixture(scope="session")
def score(placement: Placement) -> Score:
    """Two bars at 97 BPM, the first beat a quarter of a second in."""
    onset = np.zeros((3, 32, 128), bool)
    sustain, velocity = onset.copy(), np.zeros((3, 32, 128), np.uint8)
    for part, base in enumerate((72, 67, 48)):
        for step in range(0, 32, 4 if part < 2 else 2):
            pitch = base + (0, 4, 7, 12)[step // 4 % 4]
            onset[part, step, pitch], velocity[part, step, pitch] = True, 90 + step // 2
            sustain[part, step + 1 : step + 2, pitch] = True
    grid = BeatGrid(tuple(Fraction(1, 4) + Fraction(60 * beat, 97) for beat in range(9)), (4, 4))
    return perform(
        Roll(onset, sustain, velocity),
        grid,
        style=load_style("strings"),
        key="A minor",
        title="1m01",
        duration=placement.duration,
        seed=5,
    )
