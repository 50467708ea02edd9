"""A take made on another provider has the same notes, or nearly.

Where only the processor is at hand, its own variants stand for other providers: kernels fused and unfused, one thread
and two add up in other orders, as another provider would.
"""

from typing import Any

import numpy as np
import pytest
from scored import scored
from shotscore_engine.denoiser import Denoiser
from shotscore_engine.request import ScoreRequest
from shotscore_engine.roll import Roll, notes_of
from shotscore_engine.session import Tools
from shotscore_engine.styles import load_style

CLIPS = [("a", 0, 130), ("b", 10, 161), ("c", 0, 140)]
REQUEST = ScoreRequest(steps=8, tempo_bpm=96.0)
LEAST = 0.98


class Unfused(Denoiser):
    """The same networks, operator by operator as they were exported."""

    def _open(self, path: Any) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = self._threads
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def roll_by(model: Denoiser) -> Roll:
    return scored(CLIPS, Tools(model, load_style("solo-piano")), REQUEST).take("1m01").roll()


def agreement(one: Roll, other: Roll) -> float:
    """F1 of the notes: part, start and pitch alike."""
    a, b = ({(part, start, pitch) for part, start, _, pitch, _ in notes_of(roll).tolist()} for roll in (one, other))
    return 2 * len(a & b) / (len(a) + len(b))


@pytest.fixture(scope="module")
def notes() -> Roll:
    return roll_by(Denoiser(threads=1))


def test_the_same_provider_writes_the_same_bit_for_bit(notes: Roll) -> None:
    assert np.array_equal(notes_of(roll_by(Denoiser(threads=1))), notes_of(notes))
    assert len(notes_of(notes)) > 50


@pytest.mark.parametrize("model", [lambda: Denoiser(threads=2), lambda: Unfused(threads=1), lambda: Unfused(threads=2)])
def test_others_agree(model: Any, notes: Roll) -> None:
    assert agreement(notes, roll_by(model())) >= LEAST


def test_every_provider_of_this_machine_agrees(notes: Roll) -> None:
    import onnxruntime

    there = set(onnxruntime.get_available_providers())
    names = {"CPUExecutionProvider": "cpu", "CoreMLExecutionProvider": "coreml"}
    for provider in there & names.keys():
        assert agreement(notes, roll_by(Denoiser(device=names[provider]))) >= LEAST  # type: ignore[arg-type]


def test_other_notes_would_be_noticed(notes: Roll) -> None:
    other = scored(
        CLIPS, Tools(Denoiser(threads=1), load_style("solo-piano")), ScoreRequest(steps=8, tempo_bpm=96.0, seed=2)
    )
    assert agreement(notes, other.take("1m01").roll()) < 0.5
