"""Spoiled files of every format, hundreds a run; ten thousand by `python -m tests.fuzz.run --cases 10000`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.formats import FORMATS, Format
from tests.fuzz.run import MOST_BYTES, MOST_SECONDS, run

ROOT = Path(__file__).parents[2]
CASES = int(os.environ.get("SHOTSCORE_FUZZ_CASES", "200"))


@pytest.fixture(scope="session")
def fuzzed() -> dict[str, dict[str, Any]]:
    """What became of CASES cases of each format. A process of its own: it forks, and bounds its memory."""
    command = [sys.executable, "-m", "tests.fuzz.run", "--json", "--cases", str(CASES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return {tally["format"]: tally for tally in json.loads(done.stdout)}


@pytest.mark.parametrize("name", FORMATS)
def test_spoiled_files_are_read_or_refused(name: str, fuzzed: dict[str, dict[str, Any]]) -> None:
    tally = fuzzed[name]
    assert not tally["problems"], "\n".join(tally["problems"])
    assert tally["read"] + tally["refused"] == CASES
    assert tally["refused"] > 0
    assert tally["slowest_seconds"] < MOST_SECONDS
    assert tally["peak_bytes"] < MOST_BYTES


@pytest.mark.parametrize("name", FORMATS)
def test_the_good_files_it_starts_from_are_read(name: str, tmp_path: Path) -> None:
    """A fuzzer whose seeds are refused at the door would try nothing."""
    FORMATS[name].read(FORMATS[name].good(tmp_path))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("loop", "more than"), ("crash", "SIGABRT"), ("memory", "MemoryError"), ("wrong", "KeyError: 'shots'")],
)
def test_the_fuzzer_tells_a_bad_reader(kind: str, expected: str, tmp_path: Path) -> None:
    """A reader that hangs, crashes, takes memory or raises what nobody expects is blamed, and the next case goes on."""

    def bad(path: Path) -> None:
        number = int(path.read_text())
        if number != 1:
            return
        match kind:
            case "loop":
                while True:
                    pass
            case "crash":
                os.abort()
            case "memory":
                bytearray(4 * MOST_BYTES)
            case _:
                raise KeyError("shots")

    def make(_: Any, folder: Path) -> Path:
        path = folder / "file"
        path.write_text(str(int(folder.name.removeprefix("case"))) if folder.name.startswith("case") else "kept")
        return path

    tally = run(
        Format("bad", make, lambda folder: make(None, folder), bad, lambda: (ValueError,)),
        3,
        1,
        tmp_path / "kept",
        most_seconds=0.3,
    )
    (problem,) = tally.problems
    assert problem.startswith("bad case 1 of seed 1")
    assert expected in problem
    assert tally.read == 2
    assert (tmp_path / "kept" / "bad-1-1" / "file").exists()
