"""The benchmarks measure what they say: shapes, counts and arithmetic, not how fast this machine is."""

import importlib.util
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import numpy as np
import opentimelineio as otio
import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def as_scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks find each other as scripts of one folder do."""
    monkeypatch.syspath_prepend(FOLDER)


def load(name: str) -> ModuleType:
    """A benchmark as a module; it is a script, not a package."""
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_papers_network_has_the_published_size() -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    unet = load("unet")
    with torch.device("meta"), FlopCounterMode(display=False) as counted:
        network = unet.UNet()
        made = network(torch.randn(1, 2, 128, 128), torch.ones(1), torch.randn(1, 32, 512))
    assert made.shape == (1, 2, 128, 128)
    assert sum(weight.numel() for weight in network.parameters()) / 1e6 == pytest.approx(41.1, abs=0.05)
    assert counted.get_total_flops() / 1e9 == pytest.approx(90.6, abs=0.1)


def test_arithmetic_is_counted_from_shapes() -> None:
    network = load("network")
    call = {
        "op_name": "MatMul",
        "input_type_shape": [{"float": [2, 300, 384]}, {"float": [384, 1536]}],
        "output_type_shape": [{"float": [2, 300, 1536]}],
    }
    assert network._operations(call) == 2 * 2 * 300 * 384 * 1536
    assert network._operations({**call, "op_name": "Add"}) == 0
    assert network.peak(64) > 1e6


def test_the_denoisers_products_grow_with_guidance() -> None:
    from shotscore_engine.denoiser import Denoiser

    network, model = load("network"), Denoiser(threads=1)
    network.BEATS = 16
    guided, alone = (network.products_of_an_evaluation(model, guidance) for guidance in (1.5, 1.0))
    assert guided == pytest.approx(2 * alone, rel=0.05)
    weights = model.path.stat().st_size
    assert alone > 16 * weights / 4  # every weight takes part for every beat, in whatever it is stored


def test_the_edit_shows_what_it_says(tmp_path: Path) -> None:
    film = load("film")
    path = film.make_timeline(tmp_path, tmp_path / "film.mp4")
    edit = otio.adapters.read_from_file(str(path))
    shown = sorted(
        (int(clip.source_range.start_time.value), int(clip.source_range.duration.value))
        for clip in edit.video_tracks()[0]
    )
    assert shown == [(number * film.EVERY_FRAMES, film.SHOT_FRAMES) for number in range(film.SHOTS)]
    assert sum(length for _, length in shown) / film.RATE == Fraction(180)


def test_what_is_decoded_is_counted(real_videos: dict[str, Path]) -> None:
    command = [sys.executable, str(FOLDER / "picture.py"), str(real_videos["bikes"])]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    assert told["decoded_frames"] == told["shown_frames"] == 250
    assert told["decoded_twice"] == told["decoded_frames_again"] == 0
    assert told["shots"] == 6


def test_each_can_be_asked_for_alone() -> None:
    listed = subprocess.run(
        [sys.executable, str(FOLDER / "run.py"), "--list"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    run = load("run")
    assert [line.split()[0] for line in listed.splitlines()] == list(run.MEASURES)
    assert all(len(line.split()) > 3 for line in listed.splitlines())
    refused = subprocess.run(
        [sys.executable, str(FOLDER / "run.py"), "--only", "luck"], stderr=subprocess.PIPE, text=True
    )
    assert refused.returncode == 2
    assert "luck" in refused.stderr


def test_answers_of_other_commands_become_rows() -> None:
    run = load("run")
    rows = run._rows("render", {"goal": 30, "styles": [{"style": "strings", "seconds": 2.5, "stages": {"play": 1}}]})
    assert [(row.name, row.value) for row in rows] == [("render: goal", "30"), ("render: strings, seconds", "2.5")]
    figures = run._rows("x", {"figures": [{"name": "a", "value": "1 s", "goal": "2 s", "met": False, "more": 1}]})
    assert figures == [run.Figure("a", "1 s", "2 s", met=False)]
    assert np.isfinite(run._best(1, lambda: None))
