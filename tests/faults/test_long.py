"""Cues far longer than a cue is: written in stretches, in bounded memory, without holes or seams of silence."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scored import Dice, scored
from shotscore_engine import compose
from shotscore_engine.denoiser import Condition, Denoiser, Known
from shotscore_engine.request import ScoreRequest
from shotscore_engine.roll import Roll, notes_of
from shotscore_engine.session import Tools
from shotscore_engine.styles import load_style

BEATS = 300


@dataclass
class Watched(Dice):
    """The dice, and what they were asked."""

    asked: list[tuple[int, int]] = field(default_factory=list)
    """(beats seen, beats known) of each call."""

    def generate(self, condition: Condition, *, seed: int, known: Known | None = None, **others: Any) -> Roll:
        self.asked.append((condition.beats, 0 if known is None else int(known.mask[:, 0].sum())))
        assert condition.sac_mask.shape == (condition.beats, condition.beats)
        return super().generate(condition, seed=seed, known=known, **others)


def long_take(monkeypatch: pytest.MonkeyPatch, model: Denoiser, seed: int = 1) -> Roll:
    monkeypatch.setattr(compose, "LONGEST_BEATS", 100)
    monkeypatch.setattr(compose, "STRETCH_BEATS", 64)
    monkeypatch.setattr(compose, "STRETCH_CONTEXT_BEATS", 16)
    asked = ScoreRequest(tempo_bpm=120, seed=seed, steps=2)
    clips = [("film", 0, BEATS * 25 // 2)]
    return scored(clips, Tools(model, load_style("solo-piano")), asked).takes[0].roll()


def test_each_stretch_sees_a_little_of_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Watched()
    roll = long_take(monkeypatch, model)
    stretches = model.asked[: -(-roll.steps // 4 // 64)]  # what comes after them is mended, a few beats at a time
    assert sum(seen - known for seen, known in stretches) >= roll.steps // 4 - 16
    assert all(seen <= 80 for seen, _ in model.asked)
    assert [known for _, known in stretches[:-1]] == [0] + [16] * (len(stretches) - 2)
    starts = notes_of(roll)[:, 1]
    for first in range(0, roll.steps - 64, 64):
        assert ((starts >= first) & (starts < first + 64)).any(), f"nothing begins in steps {first} to {first + 64}"


def test_the_same_seed_the_same_music(monkeypatch: pytest.MonkeyPatch) -> None:
    one, same, other = (notes_of(long_take(monkeypatch, Dice(), seed)) for seed in (3, 3, 4))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_the_model_itself_goes_on_where_it_left_off(monkeypatch: pytest.MonkeyPatch) -> None:
    roll = long_take(monkeypatch, Denoiser(device="cpu", threads=1))
    notes = notes_of(roll)
    for first in range(0, roll.steps - 128, 128):
        assert ((notes[:, 1] >= first) & (notes[:, 1] < first + 128)).any()
    assert roll.steps / 4 >= BEATS * Fraction(9, 10)
