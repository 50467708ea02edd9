"""The doctor."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Run
from shotscore_exporters import soundfont, synth


def test_a_healthy_machine(shotscore: Callable[..., Run], tmp_path: Path) -> None:
    run = shotscore("doctor", "--out", tmp_path, "--json")
    assert run.code == 0, run.out
    checks = {check["name"]: check for check in run.table["checks"]}
    assert checks.keys() >= {
        *("Python", "FFmpeg libraries", "ONNX Runtime", "Model", "SoundFont", "Player", "Qt"),
        *("Output folder", "Temporary folder", "Cache folder"),
    }
    assert run.table["ok"]
    assert all(check["remedy"] for check in checks.values() if check["state"] != "ok")
    # On a machine without a card the sentence says what is missing.
    if "CPUExecutionProvider" in checks["Model"]["detail"]:
        assert checks["Model"]["remedy"]


def test_what_is_missing_is_told_with_a_remedy(
    shotscore: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(soundfont, "_folders", lambda: ())
    monkeypatch.delenv(soundfont.VARIABLE, raising=False)
    monkeypatch.setattr(synth, "fluidsynth_library", lambda: None)
    run = shotscore("doctor", "--out", tmp_path / "file" / "out")
    assert run.code == 1
    lines = run.out.splitlines()
    for name, state in (("SoundFont", "limited"), ("Player", "limited"), ("Output folder", "broken")):
        number = next(k for k, line in enumerate(lines) if line[8:].startswith(name))
        assert lines[number].startswith(state)
        assert lines[number + 1].strip().startswith("-> ")


def test_the_real_process(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("shotscore")
    done = subprocess.run([command, "doctor", "--json"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["ok"] is True
