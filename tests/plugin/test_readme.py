"""Every command the README shows is run as a process; every link leads somewhere; every option is described."""

import os
import re
import shlex
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from films import Cut, calm, lively, write_edit, write_film

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
EXAMPLES = [block.strip() for block in re.findall(r"```shell\n(.*?)```", README, re.DOTALL)]
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "benchmarks/README.md",
    *(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")),
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the `edit.otio` the examples speak of."""
    folder = tmp_path_factory.mktemp("desk")
    film = write_film(folder / "film.mp4", Fraction(24), 112, lively)
    still = write_film(folder / "still.mp4", Fraction(24), 36, calm)
    write_edit(folder / "edit.otio", Fraction(24), [Cut(film, 0, 40), Cut(still, 0, 34), Cut(film, 80, 30)])
    return folder


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_readmes_examples_run(example: str, desk: Path) -> None:
    words = shlex.split(example)
    assert words[0] == "shotscore"
    less = ["--steps", "4"] if words[1] == "score" else []
    command = [str(Path(sys.executable).with_name("shotscore")), *words[1:], *less]
    done = subprocess.run(command, cwd=desk, capture_output=True, text=True, check=False, env={**os.environ})
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    if words[1] == "score":
        out = desk / words[words.index("--out") + 1]
        for name in ("edit.scored.otio", "edit.shotscore", "1m01.mid", "1m01_mix.wav", "report.json"):
            assert (out / name).is_file()


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / page).read_text()):
        if "://" not in target:
            assert (ROOT / page).parent.joinpath(target).exists(), f"{page} links to {target}"


def test_every_option_is_described() -> None:
    """docs/cli.md and `--help` name the same options and the same choices."""
    from typing import get_args

    from shotscore_engine.diffusion import SELECTORS
    from shotscore_engine.masks import MaskKind
    from shotscore_engine.request import Detector, Device

    page = (ROOT / "docs" / "cli.md").read_text()
    command = [str(Path(sys.executable).with_name("shotscore")), "score", "--help"]
    told = " ".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    for option in set(re.findall(r"--[a-z][a-z-]+", told)) - {"--help", "--duck"}:
        assert option in page, option
    for choice in (*SELECTORS, *get_args(MaskKind), *get_args(Detector), *get_args(Device)):
        assert f"`{choice}`" in page, choice
        assert choice in told.replace("- ", ""), choice
