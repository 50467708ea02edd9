"""OpenShot's own engine plays our project: the music begins, runs and ends on its frames."""

import json
import subprocess
import wave
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hostcases import Edit, music, placed
from shotscore_exporters import osp

PYTHON = "/usr/bin/python3"
"""Debian's, for which python3-openshot is made."""
INSIDE = Path(__file__).with_name("in_openshot.py")


def inside(*arguments: str) -> str:
    done = subprocess.run([PYTHON, str(INSIDE), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}\n`./setup.sh editors` installs libopenshot."
    return done.stdout


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(25)], ids=["23.976", "25"])
def test_libopenshot_plays_the_music_on_its_frames(rate: Fraction, tmp_path: Path) -> None:
    document = inside("new", str(rate.numerator), str(rate.denominator)).encode()
    edit = Edit(rate, False, 0)
    clip = replace(
        music(tmp_path / "music", edit, 20, 100, ("melody",))[0],
        pre_roll_frames=10, start_frame=30, duration_frames=80,
    )  # fmt: skip
    # A click in the middle of every frame, so that each can be looked for.
    frame = 48_000 / float(rate)
    sound = np.zeros((clip.samples, 2))
    for number in range(100):
        sound[round((number + 0.5) * frame) :][:20] = 0.5
    with wave.open(str(clip.path), "wb") as file:
        file.setparams((2, 2, 48_000, 0, "NONE", ""))
        file.writeframes((sound * 32767).astype("<i2").tobytes())

    scored = osp.insert(document, [clip], placed(edit, 30, 80))
    assert osp.remove(scored) == document
    path, out = tmp_path / "film.osp", tmp_path / "heard.raw"
    path.write_bytes(scored)
    (standing,) = json.loads(inside("play", str(path), "140", str(out)))
    assert [round(standing[key] * float(rate)) for key in ("position", "start", "end")] == [30, 10, 90]

    heard = np.fromfile(out, "<f4")
    onsets = (np.nonzero((heard[1:] > 0.1) & (heard[:-1] <= 0.1))[0] / frame - 0.5).tolist()
    assert abs(onsets[0] - 30) < 1
    assert abs(onsets[-1] - 109) < 1.5  # libopenshot 0.2.7 plays one frame more than asked
    assert 79 <= len(onsets) <= 82
