"""Commands on a session, end to end: each changes what it says, keeps the files together, and can be undone."""

import json
import shutil
import textwrap
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from films import Cut, write_edit
from running import Run
from shotscore_engine.session import Session
from shotscore_engine.sessionfile import SessionFile
from shotscore_engine.tempo import BeatGrid
from shotscore_plugin.cli import main

Shotscore = Callable[..., Run]


def grid_of(out: Path) -> BeatGrid:
    return Session.open(out / "edit.shotscore").take("1m01").grid


@pytest.fixture(scope="module")
def made(edit: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scored folder, made once; a folder can be moved, so each test gets a copy."""
    out = tmp_path_factory.mktemp("made") / "out"
    options = ("--steps", "4", "--style", "solo-piano")
    assert main(["score", str(edit), "--out", str(out), *options]) == 0
    return out


@pytest.fixture
def scored(made: Path, tmp_path: Path) -> Iterator[Path]:
    out = tmp_path / "out"
    shutil.copytree(made, out)
    yield out
    # Whatever happened, the folder is one: the report's files are there, and nobody holds the session.
    report = json.loads((out / "report.json").read_bytes())
    assert all((out / name).is_file() for name in report["files"])
    assert not list(out.glob("*.lock"))


def test_rescore_use_undo_redo(shotscore: Shotscore, scored: Path) -> None:
    before = (scored / "1m01.mid").read_bytes()
    run = shotscore("rescore", scored, "--shots", "4-4", "--prompt", "a storm", "--seed", "9", "--tries", "1", "--json")
    assert run.code == 0, run.err
    (cue,) = run.table["cues"]
    assert cue["take"] == 2
    assert run.table["undo"] == ["rescore shots 4-4"]
    new = run.table["takes"][1]
    assert (new["made_by"], new["seed"], new["from_take"], new["in_use"]) == ("rescore", 9, 1, True)
    assert 0 <= new["seam"]["score"] <= 1
    rescored = (scored / "1m01.mid").read_bytes()
    assert rescored != before
    run = shotscore("take", scored, "use", "1", "--json")
    assert run.table["cues"][0]["take"] == 1
    assert (scored / "1m01.mid").read_bytes() == before
    assert shotscore("undo", scored).code == 0
    assert (scored / "1m01.mid").read_bytes() == rescored
    run = shotscore("undo", scored, "--json")
    assert (scored / "1m01.mid").read_bytes() == before
    assert (len(run.table["takes"]), len(run.table["redo"])) == (1, 2)
    assert shotscore("redo", scored / "edit.shotscore").code == 0
    assert (scored / "1m01.mid").read_bytes() == rescored
    for _ in range(2):
        run = shotscore("redo", scored)
    assert (run.code, "nothing to redo" in run.err) == (2, True)


def test_takes_are_listed_starred_named_and_deleted(shotscore: Shotscore, scored: Path) -> None:
    run = shotscore("take", scored, "list", "--json")
    (row,) = run.table["takes"]
    assert {"cue", "take", "energy", "density", "hits_met", "hits", "seed", "in_use"} <= row.keys()
    assert "1m01" in shotscore("take", scored, "list").out
    run = shotscore("take", scored, "delete", "1")
    assert (run.code, "only one" in run.err) == (2, True)
    for arguments in (["use"], ["use", "x"], ["rename", "1"], ["combine", "1"]):
        assert shotscore("take", scored, *arguments).code == 2, arguments
    assert shotscore("take", scored, "rename", "1", "brass").code == 0
    assert shotscore("take", scored, "star", "1").code == 0
    (row,) = shotscore("take", scored, "list", "--json").table["takes"]
    assert (row["name"], row["starred"]) == ("brass", True)


def test_what_is_locked_stays(shotscore: Shotscore, scored: Path) -> None:
    run = shotscore("lock", scored, "--part", "melody", "--json")
    assert run.table["locks"] == [{"cue": "1m01", "part": "melody", "start_frame": None, "end_frame": None}]
    before = Session.open(scored / "edit.shotscore").take("1m01").notes
    assert shotscore("rescore", scored, "--shots", "1-4", "--tries", "1").code == 0
    after = Session.open(scored / "edit.shotscore").take("1m01").notes
    assert after[0] == before[0]
    assert after[1:] != before[1:]
    run = shotscore("rescore", scored, "--parts", "melody")
    assert (run.code, "is locked" in run.err) == (2, True)
    assert shotscore("unlock", scored, "--part", "harmony").code == 2
    assert shotscore("lock", scored, "--bars", "1-2", "--shots", "1").code == 2
    assert shotscore("lock", scored, "--bars", "1", "--json").table["locks"][1]["start_frame"] is not None
    assert shotscore("unlock", scored, "--json").table["locks"] == []


def test_a_recut_is_followed_and_taken_back(shotscore: Shotscore, scored: Path, edit: Path) -> None:
    before = (scored / "1m01.mid").read_bytes()
    still, moving = edit.parent / "calm.mp4", edit.parent / "lively.mp4"
    cuts = [Cut(still, 5, 50), Cut(moving, 0, 38), Cut(still, 60, 30), Cut(moving, 50, 25)]
    again = write_edit(edit.parent / "edit v2.otio", Fraction(25), cuts)
    run = shotscore("reconform", scored, edit, "--json")
    assert run.code == 0, run.err
    assert run.table["changes"]["bar_counts"]["kept"] == run.table["cues"][0]["bars"] + bool(
        grid_of(scored).first_downbeat
    )
    assert run.table["undo"] == []
    run = shotscore("reconform", scored, again, "--json")
    assert run.code == 0, run.err
    changes = run.table["changes"]
    assert [shot["change"] for shot in changes["shots"]] == ["kept", "kept", "kept", "trimmed"]
    assert {"shots", "bars", "hits", "bar_counts", "lost_locks"} <= changes.keys()
    assert run.table["duration_frames"] == run.table["cues"][0]["ends_at_frame"] == 143
    assert (scored / "edit.scored.otio").is_file()
    assert shotscore("undo", scored).code == 0
    assert (scored / "1m01.mid").read_bytes() == before
    assert shotscore("reconform", scored, again, "--tempo", "warp").code == 2


def test_a_session_that_is_open_or_not_there_is_told(shotscore: Shotscore, scored: Path, tmp_path: Path) -> None:
    with SessionFile(scored / "edit.shotscore"):
        run = shotscore("undo", scored)
    assert (run.code, "is open in" in run.err) == (2, True)
    assert shotscore("undo", tmp_path).code == 2
    assert shotscore("undo", tmp_path / "none.shotscore").code == 2
    assert shotscore("rescore", scored, "--shots", "5").code == 2
    assert shotscore("rescore", scored, "--shots", "a").code == 2
    assert shotscore("rescore", scored, "--style", "polka").code == 2


def test_the_pages_example_runs(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "session.md").read_text()
    code = textwrap.dedent(page.split("## In Python\n")[1].split("`do` saves")[0]).replace("film.shot", "edit.shot")
    monkeypatch.chdir(scored.parent)
    before = Session.open(scored / "edit.shotscore")
    exec(compile(code, "session.md", "exec"), {})
    after = Session.open(scored / "edit.shotscore")
    assert after.takes == before.takes
    assert [step.did for step in after.future] == ["rescore"]


def test_a_session_that_is_open_is_not_scored_over(shotscore: Shotscore, scored: Path, edit: Path) -> None:
    before = (scored / "edit.shotscore").read_bytes()
    with SessionFile(scored / "edit.shotscore"):
        run = shotscore("score", edit, "--out", scored, "--steps", "2", "--seed", "2")
    assert (run.code, "is open in" in run.err) == (2, True)
    assert (scored / "edit.shotscore").read_bytes() == before


def test_a_damaged_session_is_opened_as_it_was(shotscore: Shotscore, scored: Path) -> None:
    assert shotscore("take", scored, "star", "1").code == 0
    path = scored / "edit.shotscore"
    path.write_bytes(path.read_bytes()[:500])
    listed = shotscore("take", scored, "list", "--json").table
    assert "one save before" in listed["warnings"][0]
    run = shotscore("take", scored, "rename", "1", "x", "--json")
    assert run.code == 0, run.err
    assert any("one save before" in sentence for sentence in run.table["warnings"])
    assert shotscore("take", scored, "list", "--json").table["warnings"] == []
