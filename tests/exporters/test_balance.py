"""Every style as it is mixed: the melody is heard, nobody drowns the others, nobody plays for nothing."""

from fractions import Fraction

import numpy as np
import pytest
from shotscore_engine.perform import Score, perform
from shotscore_engine.roll import Roll
from shotscore_engine.styles import load_style, style_names
from shotscore_engine.tempo import BeatGrid
from shotscore_exporters import audio, loudness
from shotscore_exporters.placement import Placement

BARS = 6
PLACE = Placement(Fraction(25), 90_000, False, 0, 25 * BARS * 2, "Film")
CHORDS = ((48, 55, 60, 64), (45, 57, 60, 64), (41, 53, 57, 60), (43, 55, 59, 62))


def played(style: str) -> Score:
    """Six bars at 120 a minute: chords in eighths, a melody above them, a counter-melody between."""
    onset = np.zeros((3, BARS * 16, 128), bool)
    sustain, velocity = onset.copy(), np.zeros((3, BARS * 16, 128), np.uint8)

    def note(part: int, step: int, length: int, pitch: int, loud: int) -> None:
        onset[part, step, pitch], velocity[part, step, pitch] = True, loud
        sustain[part, step + 1 : step + length, pitch] = True

    for bar in range(BARS):
        chord = CHORDS[bar % len(CHORDS)]
        for step in range(0, 16, 2):
            note(2, 16 * bar + step, 2, chord[step // 2 % 4], 78 if step else 88)
        note(2, 16 * bar, 8, chord[3], 74)
        for step, pitch in ((0, chord[3] + 12), (6, chord[2] + 12), (8, chord[1] + 24), (12, chord[2] + 12)):
            note(0, 16 * bar + step, 4, pitch, 92)
        note(1, 16 * bar + 4, 8, chord[2] + 7, 76)
    grid = BeatGrid(tuple(Fraction(beat, 2) for beat in range(BARS * 4 + 1)), (4, 4))
    roll = Roll(onset, sustain, velocity)
    return perform(roll, grid, style=load_style(style), key="C major", title="1m01", duration=PLACE.duration, seed=5)


@pytest.mark.parametrize("style", style_names())
def test_the_melody_is_heard_and_everybody_else_too(style: str) -> None:
    rendered = audio.render(played(style), PLACE)
    whole = loudness.integrated(rendered.mix(), rendered.sample_rate)
    beside = {
        name: loudness.integrated(np.concatenate(list(rendered.blocks(name))), rendered.sample_rate) - whole
        for name in rendered.stems
    }
    heard = {name: level for name, level in beside.items() if np.isfinite(level)}
    assert heard["melody"] > max(heard.values()) - 3.5, heard
    assert min(heard.values()) > -18, heard
    assert max(heard.values()) < -1, heard
    power = np.abs(np.fft.rfft(rendered.mix().mean(axis=1))) ** 2
    hertz = np.fft.rfftfreq(rendered.samples, 1 / rendered.sample_rate)
    shares = [float(power[(hertz >= low) & (hertz < high)].sum() / power.sum()) for low, high in ((0, 60), (60, 250))]
    # A boom nobody's speakers take, and mud.
    assert shares[0] < 0.2, shares
    assert shares[1] < 0.7, shares
