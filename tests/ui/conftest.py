"""The panel on no screen, driven by clicks and keys; a small film scored once."""

import os
import shutil
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from films import Cut, calm, lively, write_edit, write_film

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from panels import Panel  # Qt reads the platform when it is imported


@pytest.fixture(scope="session")
def film_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`edit.otio` and its media: eight seconds at 25 fps, five shots."""
    folder = tmp_path_factory.mktemp("film")
    rate = Fraction(25)
    still, moving = (write_film(folder / f"{paint.__name__}.mp4", rate, 120, paint) for paint in (calm, lively))
    cuts = [Cut(still, 5, 50), Cut(moving, 0, 38), Cut(still, 60, 30), Cut(moving, 50, 42), Cut(still, 20, 40)]
    write_edit(folder / "edit.otio", rate, cuts)
    return folder


@pytest.fixture(scope="session")
def scored_folder(film_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with music in `edit score`, written by the shipped model in few steps."""
    from shotscore_engine.request import ScoreRequest
    from shotscore_engine.session import Session, Tools
    from shotscore_exporters.delivery import deliver

    folder = tmp_path_factory.mktemp("scored") / "film"
    shutil.copytree(film_folder, folder)
    request = ScoreRequest(steps=4, detect="none", device="cpu", style="solo-piano")
    session = Session.read(folder / "edit.otio").analysed("none").score(request, Tools.load(request))
    deliver(session, folder / "edit score")
    return folder


@pytest.fixture
def film(film_folder: Path, tmp_path: Path) -> Path:
    """A timeline of its own."""
    return Path(shutil.copytree(film_folder, tmp_path / "film")) / "edit.otio"


def copied(scored_folder: Path, folder: Path) -> Path:
    """A scored film in `folder`; the session's file.

    The media stay where they are: it is the same picture, and what was drawn and seen of it is used again.
    """
    shutil.copytree(scored_folder, folder, ignore=shutil.ignore_patterns("*.mp4"))
    session = folder / "edit score" / "edit.shotscore"
    told = session.read_bytes()
    before, after = (str(place / "edit.otio").encode() for place in (scored_folder, folder))
    assert before in told
    session.write_bytes(told.replace(before, after))
    assert (folder / "edit score" / "report.json").exists()
    return session


@pytest.fixture
def scored_session(scored_folder: Path, tmp_path: Path) -> Path:
    """A scored session of its own."""
    return copied(scored_folder, tmp_path / "scored film")


@pytest.fixture
def make_panel(qtbot: object, tmp_path: Path) -> Iterator[Callable[..., Panel]]:
    """Opens panels and closes them, each with no process left."""
    made: list[Panel] = []

    def make(settings: Path | None = None, **surroundings: object) -> Panel:
        made.append(Panel(qtbot, settings or tmp_path / "settings", **surroundings))
        return made[-1]

    yield make
    for panel in made:
        panel.close()
