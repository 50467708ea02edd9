"""The command line, as tests run it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from films import write_short_edit
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
    return write_short_edit(tmp_path_factory.mktemp("edit"))
