"""Versions an editor saves beside the timeline are noticed, and nothing else is."""

import os
from pathlib import Path
from typing import Any

import pytest
from shotscore_ui.recut import RecutWatch, newest_version
from shotscore_ui.settings import Settings

READ = "1000000000:5"


def put(path: Path, seconds: int) -> Path:
    path.write_text(path.name)
    os.utime(path, (seconds, seconds))
    return path


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("edit_v2.otio", True), ("edit 3.otio", True), ("Edit (4).otio", True), ("edit-final.otio", True),
        ("edit.music.otio", False), ("other.otio", False), ("edit_v2.xml", False), ("edition.otio", False),
    ],
)  # fmt: skip
def test_a_version_is_told_by_its_name(tmp_path: Path, name: str, counts: bool) -> None:
    timeline = put(tmp_path / "edit.otio", 1)
    version = put(tmp_path / name, 5)
    assert newest_version(timeline, READ) == (version if counts else None)


def test_the_newest_counts_and_an_older_one_does_not(tmp_path: Path) -> None:
    timeline = put(tmp_path / "edit_v2.otio", 1)
    put(tmp_path / "edit_v1.otio", 1)
    assert newest_version(timeline, READ) is None
    put(tmp_path / "edit_v3.otio", 5)
    newest = put(tmp_path / "edit_v4.otio", 6)
    assert newest_version(timeline, READ) == newest
    assert newest_version(timeline, "") is None  # nobody knows when it was read
    assert newest_version(tmp_path / "gone" / "edit.otio", READ) is None


def test_a_saved_version_is_offered_once(tmp_path: Path, qtbot: Any) -> None:
    timeline = put(tmp_path / "edit.otio", 1)
    watch = RecutWatch(Settings(tmp_path / "settings"))
    watch.watch(str(timeline))
    assert not watch.recut
    with qtbot.waitSignal(watch.changed, timeout=20_000):
        version = put(tmp_path / "edit_v2.otio", 5)
    assert watch.recut
    assert watch.newer == version
    watch.read_now(version)  # it is followed
    watch.followed()
    watch.watch(str(version))
    assert not watch.recut
    watch.watch(str(timeline))
    assert not watch.recut
