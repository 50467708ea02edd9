"""Whole or not at all."""

import threading
from contextlib import suppress
from pathlib import Path

import pytest
from shotscore_engine.atomic import move_into, replace_file, replacing, staging
from shotscore_engine.errors import OutputError


def test_replaced_file_is_kept_once(tmp_path: Path) -> None:
    path, previous = tmp_path / "a" / "x.json", tmp_path / "a" / "x.json.bak"
    replace_file(path, b"one", previous)
    assert not previous.exists()
    replace_file(path, b"two", previous)
    replace_file(path, b"three", previous)
    assert (path.read_bytes(), previous.read_bytes()) == (b"three", b"two")
    assert sorted(p.name for p in path.parent.iterdir()) == ["x.json", "x.json.bak"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x.mid"
    path.write_bytes(b"old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_staged_files_move_and_the_stage_goes(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    with staging(folder) as stage:
        (stage / "stems").mkdir()
        (stage / "stems" / "b.wav").write_bytes(b"b")
        (stage / "a.mid").write_bytes(b"a")
        assert not folder.exists()
        assert move_into(stage, folder) == (folder / "a.mid", folder / "stems" / "b.wav")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.mid", "b.wav", "new", "out", "stems"]


def test_a_large_file_that_is_replaced_is_let_go_of(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    for content in (b"old", b"new"):
        with staging(tmp_path / "out") as stage:
            (stage / "a.wav").write_bytes(content * (3 << 20))
            move_into(stage, tmp_path / "out")
    for thread in set(threading.enumerate()) - before:
        thread.join()
    assert (tmp_path / "out" / "a.wav").read_bytes()[:3] == b"new"
    fds = Path("/proc/self/fd")
    held = []
    for fd in fds.iterdir() if fds.is_dir() else ():
        with suppress(OSError):  # the folder's own, which is closed by now
            held.append(str(fd.readlink()))
    assert not [name for name in held if name.startswith(str(tmp_path))]


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=r"file.*cannot be written"):
        replace_file(tmp_path / "file" / "x.mid", b"")
