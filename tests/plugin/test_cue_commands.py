"""Cues, wishes and curves from the command line, end to end."""

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from running import Run
from shotscore_engine.roll import notes_of
from shotscore_engine.session import Session
from shotscore_engine.wishes import Wish
from shotscore_plugin.cli import main

Shotscore = Callable[..., Run]
QUICK = ("--steps", "2", "--style", "solo-piano", "--detect", "none", "--json")


@pytest.fixture(scope="module")
def scored_once(edit: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 88 of 150 frames scored, with wishes, a curve and an ending."""
    folder = tmp_path_factory.mktemp("half")
    curve = folder / "curve.csv"
    curve.write_text("frame,energy\n0,0.2\n88,0.9\n")
    out = folder / "out"
    wishes = ("--wish", "0-40: words=rain; energy=0.3", "--wish", "shots 2: density=0.7")
    ending = ("--ending", "hard", "--accent", "80", "--energy-curve", curve)
    command = ("score", edit, "--out", out, "--range", "0-88", *wishes, *ending, *QUICK)
    assert main([str(word) for word in command]) == 0
    return out


@pytest.fixture
def half(scored_once: Path, tmp_path: Path) -> Path:
    """A copy of that to work on."""
    return shutil.copytree(scored_once, tmp_path / "out")


def test_wishes_curve_and_ending_are_what_was_asked(shotscore: Shotscore, half: Path, tmp_path: Path) -> None:
    session = Session.open(half / "edit.shotscore")
    take = session.take("1m01")
    assert take.request.wishes == (Wish(0, 40, prompt="rain", energy=0.3), Wish(50, 88, density=0.7))
    assert take.request.energy_curve == ((0, 0.2), (88, 0.9))
    assert take.ending is not None
    assert (take.ending.kind, take.ending.accent_frame, take.ending.end_frame) == ("hard", 80, 88)
    report = json.loads((half / "report.json").read_bytes())
    assert report["cues"][0]["ending"] == {"kind": "hard", "accent_frame": 80, "tail_frame": 88, "end_frame": 88}
    other = tmp_path / "other.json"
    other.write_text("[[0, 1.0]]")
    run = shotscore("rescore", half, "--shots", "1", "--energy-curve", other, "--tries", "1", "--json")
    assert run.code == 0, run.err
    again = Session.open(half / "edit.shotscore").take("1m01")
    assert again.request.energy_curve == ((0, 1.0),)
    assert again.ending == take.ending
    assert not np.array_equal(notes_of(again.roll()), notes_of(take.roll()))


def test_cues_are_added_scored_listed_and_removed(shotscore: Shotscore, half: Path) -> None:
    first = (half / "1m01.mid").read_bytes()
    run = shotscore("cue", half, "add", "88-150", "--json")
    assert run.code == 0, run.err
    assert [(row["name"], row["start_frame"], row["end_frame"], row["take"]) for row in run.table["cues"]] == [
        ("1m01", 0, 88, 1),
        ("1m02", 88, 150, None),
    ]
    assert not (half / "1m02.mid").exists()
    run = shotscore("cue", half, "score", "1m02", "--prompt", "rest", *QUICK)
    assert run.code == 0, run.err
    assert [cue["name"] for cue in run.table["cues"]] == ["1m01", "1m02"]
    assert (half / "1m02.mid").is_file()
    assert (half / "1m01.mid").read_bytes() == first
    assert "take 1" in shotscore("cue", half, "list").out
    notes = Session.open(half / "edit.shotscore").take("1m01").notes
    run = shotscore("cue", half, "trim", "1m01", "--range", "10-88", "--json")  # its start: nothing is written anew
    assert run.code == 0, run.err
    assert (run.table["cues"][0]["name"], run.table["cues"][0]["start_frame"], run.table["cues"][0]["take"]) == (
        "1m01", 10, 2,
    )  # fmt: skip
    assert run.table["undo"][0] == "trim 1m01 to 10-88"
    assert shotscore("undo", half).code == 0
    assert Session.open(half / "edit.shotscore").take("1m01").notes == notes
    run = shotscore("cue", half, "remove", "1m01", "--json")
    assert [cue["name"] for cue in run.table["cues"]] == ["1m02"]
    assert not (half / "1m01.mid").exists()
    run = shotscore("cue", half, "remove", "1m02")
    assert (run.code, "only cue with music" in run.err) == (2, True)
    run = shotscore("cue", half, "add", "0-80", "--json")
    assert [row["name"] for row in run.table["cues"]] == ["1m03", "1m02"]  # names are not given twice
    for _ in range(2):
        assert shotscore("undo", half).code == 0
    assert (half / "1m01.mid").read_bytes() == first


def less_of(arguments: list[str]) -> tuple[str, ...]:
    """What makes a command of the page quicker and leaves what it shows as it is."""
    if arguments[0] == "rescore":
        return ("--tries", "1")
    return ("--steps", "4", "--detect", "none") if arguments[0] == "score" or arguments[2:3] == ["score"] else ()


def test_the_pages_examples_run(
    shotscore: Shotscore, edit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text()
    lines = [
        line
        for block in re.findall(r"^```shell\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
        for line in block.splitlines()
    ]
    assert len(lines) >= 8
    (tmp_path / "curve.csv").write_text("frame,energy\n0,0.2\n01:00:04:00,0.9\n")
    monkeypatch.chdir(edit.parent)
    for line in lines:
        command, *arguments = shlex.split(line)
        assert command == "shotscore"
        # Results go elsewhere: the edit is everybody's.
        there = [str(tmp_path / one) if one in ("out", "two", "curved", "curve.csv") else one for one in arguments]
        run = shotscore(*there, *less_of(arguments))
        assert run.code == 0, (line, run.err)


def test_cues_are_proposed(shotscore: Shotscore, half: Path) -> None:
    run = shotscore("cue", half, "propose", "--json")
    assert run.code == 0, run.err
    assert run.table["proposals"] == [{"start_frame": 0, "end_frame": 150, "reason": "the film begins"}]
    assert len(run.table["cues"]) == 1
    assert len(shotscore("cue", half, "propose", "--add", "--json").table["cues"]) == 1  # there is music already


@pytest.mark.parametrize(
    "arguments",
    [
        ("add",),
        ("add", "0-500"),
        ("add", "0-10"),  # overlaps
        ("add", "88-150", "--markers"),
        ("add", "--markers"),
        ("add", "88-100", "100-110", "--name", "1m07"),
        ("add", "88-150", "--name", "finale"),
        ("propose", "1"),
        ("score",),
        ("score", "1m09"),
        ("score", "1m01", "--range", "0-10"),
        ("score", "1m01", "--wish", "0-10: style=polka"),
        ("trim", "1m01"),
        ("trim", "1m01", "--range", "0-2"),  # shorter than two beats
        ("trim", "1m09", "--range", "0-80"),
        ("remove", "1m09"),
        ("dance",),
    ],
)
def test_what_makes_no_sense_is_told_and_changes_nothing(
    shotscore: Shotscore, half: Path, arguments: tuple[str, ...]
) -> None:
    before = (half / "edit.shotscore").read_bytes()
    run = shotscore("cue", half, *arguments)
    assert (run.code, run.err.count("\n")) == (2, 1), run.err
    assert (half / "edit.shotscore").read_bytes() == before


def test_wrong_wishes_are_told_before_the_long_work(shotscore: Shotscore, edit: Path, tmp_path: Path) -> None:
    for wrong in (
        ("--wish", "soon: silence"),
        ("--wish", "0-9: bang"),
        ("--energy-curve", tmp_path / "none.csv"),
        ("--accent", "9999"),
        ("--accent", "noon"),
        ("--ending", "bang"),
    ):
        run = shotscore("score", edit, "--out", tmp_path / "out", *wrong, *QUICK)
        assert run.code == 2, wrong
        assert not (tmp_path / "out").exists()
