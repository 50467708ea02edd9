"""The command line, as tests run it."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from films import Cut, calm, lively, write_edit, write_film
from running import Run
from shotscore_plugin.cli import main


@pytest.fixture
def shotscore(capsys: pytest.CaptureFixture[str]) -> Callable[..., Run]:
    """Runs a command through `main()`."""

    def run(*arguments: str | Path) -> Run:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Run(code, out, err)

    return run


@pytest.fixture(scope="session")
def edit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds at 25 fps: two films, three cuts."""
    folder = tmp_path_factory.mktemp("edit")
    rate = Fraction(25)
    still, moving = (write_film(folder / f"{paint.__name__}.mp4", rate, 100, paint) for paint in (calm, lively))
    cuts = [Cut(still, 5, 50), Cut(moving, 0, 38), Cut(still, 60, 30), Cut(moving, 50, 32)]
    return write_edit(folder / "edit.otio", rate, cuts)
