"""A session whose folder was moved finds its files; one that was not keeps them."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from films import Cut, calm, write_edit, write_film
from scored import RATE, dice_tools, picture_of
from shotscore_engine.history import record, redo, undo
from shotscore_engine.picture import AudioSpan, Picture
from shotscore_engine.places import table_of
from shotscore_engine.reconform import follow
from shotscore_engine.request import ScoreRequest
from shotscore_engine.session import Session
from shotscore_engine.sessionfile import SessionFile


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """project/edit.otio, project/media/film.mp4, project/out/edit.shotscore, with a recut behind it."""
    project = tmp_path / "project"
    (project / "media").mkdir(parents=True)
    film = write_film(project / "media" / "film.mp4", RATE, 60, calm)
    cuts = [Cut(Path("media") / film.name, 0, 50)]
    timeline = write_edit(project / "edit.otio", RATE, [replace(cut, film=film) for cut in cuts])
    text = timeline.read_text().replace('"film.mp4"', '"media/film.mp4"')
    timeline.write_text(text)
    session = Session.read(timeline).score(ScoreRequest(detect="none", tempo_bpm=100.0), dice_tools())
    (project / "edit v2.otio").write_text(text)
    shorter = replace(
        session.picture, duration_frames=40, shots=(replace(session.picture.shots[0], duration_frames=40),)
    )
    after = follow(session, shorter, str(project / "edit v2.otio"), dice_tools).session
    (project / "out").mkdir()
    record(session, after, "recut").save(project / "out" / "edit.shotscore")
    return project


def paths(session: Session) -> set[str]:
    return set(table_of(session, Path("/")))


def test_a_moved_project_is_found_through_all_its_history(project: Path, tmp_path: Path) -> None:
    where = project / "out" / "edit.shotscore"
    assert {Path(name).name for name in paths(Session.open(where))} == {"edit.otio", "edit v2.otio", "film.mp4"}
    moved = tmp_path / "elsewhere" / "new name"
    moved.parent.mkdir()
    project.rename(moved)
    with SessionFile(moved / "out" / "edit.shotscore") as file:
        for session in (file.session, undo(file.session), redo(undo(file.session))):
            assert all(name.startswith(str(moved)) and Path(name).is_file() for name in paths(session))
        assert undo(file.session).timeline == str(moved / "edit.otio")
        file.undo()
    again = Session.open(moved / "out" / "edit.shotscore")
    assert again.spot(ScoreRequest(detect="none", tempo_bpm=100.0)).cue.duration_frames == 50


def test_a_copy_has_its_own_media(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(project, copy)
    assert all(name.startswith(str(copy)) for name in paths(Session.open(copy / "out" / "edit.shotscore")))
    assert all(name.startswith(str(project)) for name in paths(Session.open(project / "out" / "edit.shotscore")))


def test_a_session_moved_alone_keeps_what_it_names(project: Path, tmp_path: Path) -> None:
    there = tmp_path / "alone" / "edit.shotscore"
    there.parent.mkdir()
    before = Session.open(project / "out" / "edit.shotscore")
    shutil.move(project / "out" / "edit.shotscore", there)
    assert Session.open(there) == before


def test_saving_again_writes_the_same(project: Path) -> None:
    where = project / "out" / "edit.shotscore"
    before = where.read_bytes()
    Session.open(where).save(where)
    assert where.read_bytes() == before


@pytest.mark.parametrize(
    "table", [{"a": 3}, [], "x", None, {"{film}": "/etc/hostname"}, {"{film}": "a\0b"}, {"{film}": ""}]
)
def test_a_table_somebody_wrote_does_no_harm(project: Path, table: object) -> None:
    where = project / "out" / "edit.shotscore"
    document = json.loads(where.read_bytes())
    film = str(project / "media" / "film.mp4")
    if isinstance(table, dict):
        table = {key.replace("{film}", film): value for key, value in table.items()}
    document["places"] = table
    where.write_text(json.dumps(document))
    assert film in paths(Session.open(where))


def test_every_kind_of_span_is_in_the_table() -> None:
    picture: Picture = picture_of([("a", 0, 50)])
    sound = AudioSpan("A1", 0, 50, "voice", picture.shots[0].media)
    session = Session(str(Path("/films/film.otio")), replace(picture, audio=(sound,)))
    assert table_of(session, Path("/films/out")) == {
        str(Path("/films/a.mov")): "../a.mov",
        str(Path("/films/film.otio")): "../film.otio",
    }
