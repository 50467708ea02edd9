"""`shotscore hosts`: add-ons into their places and out again, for three systems, without an editor."""

import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Run
from shotscore_engine.errors import OutputError
from shotscore_plugin import host_commands, hosts, install, wire
from shotscore_plugin.hosts import blender


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home, empty."""
    monkeypatch.setattr(install, "data_folder", lambda: tmp_path / "data")
    monkeypatch.setattr("shotscore_plugin.hosts.files.data_folder", lambda: tmp_path / "data")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "config"))
    return tmp_path


def everything(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


@pytest.mark.usefixtures("home")
def test_the_list_keeps_its_keys(shotscore: Callable[..., Run]) -> None:
    run = shotscore("hosts", "list", "--json")
    assert run.code == 0
    assert [row["name"] for row in run.table["hosts"]] == list(hosts.HOSTS)
    for row in run.table["hosts"]:
        assert (type(row["installed"]), type(row["found"]), type(row["tested"])) == (bool, bool, str)
    assert shotscore("hosts", "list").out.count("\n") == len(hosts.HOSTS) + 1


@pytest.mark.parametrize("name", list(hosts.HOSTS))
def test_twice_is_as_once_and_nothing_is_left(home: Path, name: str, shotscore: Callable[..., Run]) -> None:
    """No editor, no settings folder."""
    before = everything(home)
    installed = shotscore("hosts", "install", name, "--json")
    assert (installed.code, installed.table["installed"]) == (0, True)
    written = everything(home)
    assert shotscore("hosts", "install", name, "--json").table == installed.table
    assert everything(home) == written
    assert [path for path in installed.table["files"] if not Path(path).is_file()] == []
    gone = shotscore("hosts", "remove", name, "--json")
    assert (gone.table["removed"], gone.table["installed"]) == (installed.table["files"], False)
    assert everything(home) == before
    again = shotscore("hosts", "remove", name, "--json")
    assert (again.code, again.table["removed"]) == (0, [])
    assert everything(home) == before


@pytest.mark.usefixtures("home")
def test_the_archive_for_blender_is_a_whole_add_on(shotscore: Callable[..., Run]) -> None:
    (archive,) = (Path(path) for path in shotscore("hosts", "install", "blender", "--json").table["files"])
    with zipfile.ZipFile(archive) as file:
        assert {
            "blender_manifest.toml",
            "__init__.py",
            "timeline.py",
            "music.py",
            "link.py",
            "wire.py",
            "launch.json",
        } == {*file.namelist()}


def test_every_blender_gets_the_add_on_and_nothing_is_left(home: Path, shotscore: Callable[..., Run]) -> None:
    for version in ("3.6", "4.2", "5.0", "notes"):
        (install.config_folder() / "blender" / version).mkdir(parents=True)
    theirs = install.config_folder() / "blender" / "5.0" / "extensions" / "user_default" / "other" / "x.py"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs")
    before = everything(home)
    assert not hosts.program("blender").installed()
    assert shotscore("hosts", "install", "blender").code == 0
    added = everything(home).keys() - before.keys()
    places = {path.rsplit("/", 1)[0] for path in added if path.endswith("blender_manifest.toml")}
    assert places == {f"config/blender/{version}/extensions/user_default/shotscore" for version in ("4.2", "5.0")}
    assert hosts.program("blender").installed()
    assert hosts.program("blender").check().state == "ok"
    # What Blender leaves there goes too; an older version's file as well.
    cache = home / "config/blender/4.2/extensions/user_default/shotscore/__pycache__"
    cache.mkdir()
    (cache / "x.pyc").write_bytes(b"")
    assert shotscore("hosts", "remove", "blender").code == 0
    assert everything(home) == before


@pytest.mark.usefixtures("home")
def test_a_damaged_add_on_is_not_called_installed() -> None:
    program = hosts.program("blender")
    (archive,) = program.install()
    archive.write_bytes(b"cut off")
    assert not program.installed()
    assert "not installed" in program.check().detail
    program.install()
    assert program.installed()


def test_somebody_elses_file_is_never_replaced(home: Path) -> None:
    path = home / "a" / "b.py"
    path.parent.mkdir()
    path.write_text("theirs")
    before = everything(home)
    with pytest.raises(OutputError, match="not from Shotscore"):
        install.put("x", {home / "new" / "c.py": b"ours", path: b"ours"})
    assert everything(home) == before


def test_an_install_that_fails_leaves_nothing(home: Path) -> None:
    (home / "file").write_text("a file, not a folder")
    before = everything(home)
    with pytest.raises(OutputError):
        install.put("x", {home / "new" / "c.py": b"ours", home / "file" / "d.py": b"ours"})
    assert everything(home) == before


def test_another_version_takes_the_olds_place(home: Path) -> None:
    install.put("x", {home / "old" / "a.py": b"1", home / "old" / "b.py": b"1"})
    install.put("x", {home / "old" / "a.py": b"2", home / "new" / "c.py": b"2"})
    assert {path for path, data in everything(home).items() if data and path.endswith(".py")} == {
        "old/a.py",
        "new/c.py",
    }
    assert {path.name for path in install.take_away("x")} == {"a.py", "c.py"}
    assert everything(home) == {}


@pytest.mark.parametrize(
    ("system", "place"),
    [
        ("linux", "config/blender/4.5"),
        ("win32", "config/Blender Foundation/Blender/4.5"),
        ("darwin", "Library/Application Support/Blender/4.5"),
    ],
)
def test_the_right_place_on_every_system(home: Path, system: str, place: str) -> None:
    (home / place).mkdir(parents=True)
    assert blender.settings_folders(system, home) == (home / place,)


@pytest.mark.parametrize("words", [("list", "blender"), ("install",), ("remove", "imovie"), ("sing",)])
@pytest.mark.usefixtures("home")
def test_wrong_words_are_told(shotscore: Callable[..., Run], words: tuple[str, ...]) -> None:
    run = shotscore("hosts", *words)
    assert run.code == 2
    assert run.err.startswith("shotscore: ")
    assert "Traceback" not in run.err


def test_serving_ends_by_itself_and_only_one_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shotscore: Callable[..., Run]
) -> None:
    """A real process serves for as long as an editor is there, and a little longer; a second one does not begin."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    command = [sys.executable, "-m", "shotscore_plugin.cli", "hosts", "serve", "--json", "--idle", "3"]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while (found := wire.read_address(str(tmp_path / "shotscore" / "bridge" / "address.json"))) is None:
        assert first.poll() is None
        time.sleep(0.02)
    editor = wire.connect(found, "blender", "film.blend")
    assert shotscore("hosts", "serve", "--json").table["served"] is False
    assert first.poll() is None
    editor.close()
    assert json.loads(first.communicate(timeout=120)[0])["served"] is True
    assert first.returncode == 0
    assert everything(tmp_path / "shotscore") == {}


def test_every_word_of_the_next_step_is_for_a_host() -> None:
    assert host_commands._NEXT.keys() <= hosts.HOSTS.keys()
