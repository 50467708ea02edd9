"""What the contract suite of the hosts needs to know about each: how to make a project of it, recut it and look inside.

A host joins the suite by a module here with `CASES`, and its name in `MODULES`.
"""

import wave
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np
from shotscore_engine.timing import quantise
from shotscore_exporters.placement import Placement, StemClip
from shotscore_plugin.host import Host

MODULES = ["files", "editors", "resolve", "blender"]
"""Modules of this folder, each with `CASES: dict[str, Case]`."""

RATES = (
    (Fraction(24000, 1001), False),
    (Fraction(25), False),
    (Fraction(30000, 1001), True),
    (Fraction(50), False),
    (Fraction(60000, 1001), False),
)
FRAMES = 300
"""Length of the edit: V1 holds a, b, c of 100 frames each; V2 d at 120-150; V3 e at 220-240; A1 dialogue 0-300."""
CUTS = ((0, "a"), (100, "b"), (120, "d"), (150, "b"), (200, "c"), (220, "e"), (240, "c"))
"""What is seen from which frame on."""
RECUT_FROM, RECUT_FRAMES = 150, 40
"""A recut takes out the frames 150 to 190 on all tracks."""


@dataclass(frozen=True)
class Edit:
    """What a case's project has to be."""

    rate: Fraction
    drop_frame: bool
    start_frame: int
    """Of 01:00:00:00."""


class Case(Protocol):
    """A host as the suite sees it."""

    start_timecode: bool
    """Whether its projects keep the timecode they start at; otherwise they start at 0."""

    def make(self, folder: Path, edit: Edit) -> Path:
        """A project of three video tracks and one of sound, as described above; `folder` is empty and its own."""

    def open(self, project: Path) -> Host:
        """The host, through its `Program`."""

    def recut(self, project: Path) -> None:
        """The person takes frames out in the editor and saves (music is not in the project then)."""

    def snapshot(self, project: Path) -> Hashable:
        """All that is in the project or in a file the host wrote, to be compared; the bytes of files if that can be."""

    def layout(self, project: Path) -> Sequence[tuple[str, tuple[tuple[int, int], ...]]]:
        """Every track of that project (music too) in its order, with (start, frames) of its clips.

        For a live host `project` is the one that is open, whatever it stands in.
        """


def cases() -> dict[str, Case]:
    """Every case by name."""
    found: dict[str, Case] = {}
    for module in MODULES:
        found |= import_module(f"hostcases.{module}").CASES
    return found


def start_of_hour(rate: Fraction, drop_frame: bool) -> int:
    """The frame of 01:00:00:00."""
    nominal = quantise(rate)
    return 3600 * nominal - (6 * 9 * nominal // 15 if drop_frame else 0)


def music(folder: Path, edit: Edit, start: int, frames: int, stems: Sequence[str], seed: int = 1) -> list[StemClip]:
    """Stems of noise, real WAV files; `folder` is made."""
    folder.mkdir(parents=True, exist_ok=True)
    placement = placed(edit, start, frames)
    samples, rng = placement.samples(48_000), np.random.default_rng(seed)
    clips = []
    for stem in stems:
        path = folder / f"1m01_{stem}.wav"
        noise = rng.integers(-(2**13), 2**13, (samples, 2)).astype("<i2")
        with wave.open(str(path), "wb") as file:
            file.setparams((2, 2, 48_000, 0, "NONE", ""))
            file.writeframes(noise.tobytes())
        reference = placement.sample_of_day(48_000)
        clips.append(StemClip("1m01", stem, path, start, frames, samples=samples, time_reference=reference))
    return clips


def placed(edit: Edit, start: int, frames: int) -> Placement:
    """Where music stands."""
    return Placement(edit.rate, edit.start_frame, edit.drop_frame, start, frames, "Film")
