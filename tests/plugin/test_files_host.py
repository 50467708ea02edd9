"""Timeline files as hosts: what the contract does not say of every host."""

import os
from fractions import Fraction
from pathlib import Path

import pytest
from hostcases import Edit, music, placed, start_of_hour
from hostcases.files import TRACKS, fcpxml_text, otio_text, recut_tracks
from shotscore_engine.errors import HostError, TimelineError
from shotscore_plugin import hosts
from shotscore_plugin.host import Host

EDIT = Edit(Fraction(25), False, start_of_hour(Fraction(25), False))


@pytest.fixture(autouse=True)
def _data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shotscore_plugin.hosts.files.data_folder", lambda: tmp_path / "data")


@pytest.fixture
def film(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    path = tmp_path / "project" / "film.fcpxml"
    path.write_bytes(fcpxml_text(EDIT, TRACKS, path.parent))
    return path


def opened(path: Path) -> Host:
    return hosts.program("files").open(path)


def insert(host: Host, folder: Path) -> Path:
    clips = music(folder, EDIT, 10, 100, ("melody", "bass"))
    inserted = host.insert(clips, placed(EDIT, 10, 100))
    assert inserted.differences == ()
    assert inserted.project is not None
    return inserted.project


def names(film: Path) -> set[str]:
    return {path.name for path in film.parent.iterdir()}


def test_a_copy_somebody_changed_is_theirs(film: Path, tmp_path: Path) -> None:
    host = opened(film)
    copy = insert(host, tmp_path / "music")
    assert copy.name == "film.music.fcpxml"
    copy.write_bytes(copy.read_bytes() + b"<!-- mine -->")
    theirs = copy.read_bytes()
    assert insert(host, tmp_path / "music").name == "film.music-2.fcpxml"
    assert insert(host, tmp_path / "music").name == "film.music-2.fcpxml"
    assert copy.read_bytes() == theirs
    assert host.remove().project == film
    assert names(film) == {"film.fcpxml", "film.music.fcpxml"}


def test_music_is_taken_out_of_a_copy_that_became_the_project(film: Path, tmp_path: Path) -> None:
    original = film.read_bytes()
    copy = insert(opened(film), tmp_path / "music")
    host = opened(copy)
    assert len(host.read_back()) == 2
    removed = host.remove()
    # The same edit as the original's: nothing new has to be written.
    assert (removed.project, removed.clips) == (film, 2)
    assert film.read_bytes() == original

    copy = insert(opened(film), tmp_path / "music")
    film.unlink()
    removed = opened(copy).remove()
    assert removed.project is not None
    assert removed.project.name == "film.plain.fcpxml"
    assert removed.project.read_bytes() == original


def test_an_edit_that_was_changed_with_music_in_it_is_still_read(film: Path, tmp_path: Path) -> None:
    copy = insert(opened(film), tmp_path / "music")
    copy.write_bytes(copy.read_bytes().replace(b'name="a" offset', b'name="A" offset', 1))
    timeline = opened(copy).timeline()
    assert {clip.name for clip in timeline.find_clips()} == {"A", "b", "c", "d", "e", "speech"}
    with pytest.raises(TimelineError, match="changed after"):
        opened(copy).remove()


def test_a_folder_is_its_newest_timeline(tmp_path: Path) -> None:
    folder = tmp_path / "versions"
    folder.mkdir()
    host = opened(folder)
    for ask in (host.revision, host.timeline):
        with pytest.raises(HostError, match="no timeline yet"):
            ask()
    for number, tracks in enumerate((TRACKS, recut_tracks()), 1):
        before = "" if number == 1 else host.revision()
        path = folder / f"film v{number}.otio"
        path.write_bytes(otio_text(EDIT, tracks, folder))
        stamp = 1_700_000_000 + number
        os.utime(path, (stamp, stamp))
        assert host.revision() != before
        assert host.project == path
        # Our own copy is newer, and not the project.
        assert insert(host, tmp_path / "music").name == f"film v{number}.music.otio"
        assert host.project == path
    assert sum(clip.duration().value for clip in host.timeline().video_tracks()[0].find_clips()) == 260


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "film.edl").write_text("")
    for path, words in (
        (None, "Name the timeline"),
        (tmp_path / "x.otio", "does not exist"),
        (tmp_path / "film.edl", r"film\.edl"),
    ):
        with pytest.raises(HostError, match=words):
            hosts.program("files").open(path)
