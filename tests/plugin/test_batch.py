"""Many timelines: what fails stops nothing, what is done is not done again, here and on a real Dask cluster."""

import json
import re
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from distributed import Client, LocalCluster
from films import Cut, lively, write_edit, write_film
from running import Run
from shotscore_engine.errors import OutputError, RequestError
from shotscore_plugin import batch
from shotscore_plugin.batch import Item, planned, read_state, timelines, write_state

Shotscore = Callable[..., Run]
FAST = ("--steps", "1", "--detect", "none", "--style", "solo-piano", "--no-duck", "--tempo", "120")


@pytest.fixture
def edits(tmp_path: Path) -> Path:
    """An edit of a film, one of missing films, and one that is none."""
    folder = tmp_path / "edits"
    folder.mkdir()
    film = write_film(tmp_path / "film.mp4", Fraction(25), 34, lively)
    for name, media in (("one", (film, film)), ("two", (Path("gone.mov"), Path("too.mov")))):
        write_edit(folder / f"{name}.otio", Fraction(25), [Cut(media[0], 0, 18), Cut(media[1], 19, 15)])
    (folder / "broken.otio").write_text("{ this is no timeline")
    return folder


def test_a_folder_or_a_list(edits: Path, tmp_path: Path) -> None:
    (edits / "film.mp4").write_bytes(b"media beside timelines")
    assert [path.name for path in timelines(edits)] == ["broken.otio", "one.otio", "two.otio"]
    listed = tmp_path / "list.txt"
    listed.write_text("# reel 1\nedits/two.otio\n\n  edits/one.otio\n")
    assert [path.name for path in timelines(listed)] == ["two.otio", "one.otio"]
    for wrong in (tmp_path / "nothing", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(RequestError, match=wrong.name):
            timelines(wrong)


def test_names_are_free_and_stay(tmp_path: Path) -> None:
    paths = [tmp_path / folder / "edit.otio" for folder in ("a", "b", "c")]
    for path in paths:
        path.parent.mkdir()
        path.write_text(path.parent.name)
    first = planned(paths[:2], {}, ())
    assert [item.name for item in first] == ["edit", "edit-2"]
    done = {item.name: Item(**{**vars(item), "state": "done"}) for item in first}
    again = planned([paths[2], *paths[:2]], done, ())
    assert [(item.name, item.state) for item in again] == [("edit-3", "waiting"), ("edit", "done"), ("edit-2", "done")]
    assert planned(paths[:2], done, ("--seed=2",))[0].state == "waiting"
    assert planned(paths[:2], done, (), again=True)[0].state == "waiting"
    paths[0].write_text("recut")
    assert [item.state for item in planned(paths[:2], done, ())] == ["waiting", "done"]


def test_a_strangers_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "batch.json").write_text("[1, 2]")
    with pytest.raises(OutputError, match=r"batch\.json"):
        read_state(tmp_path)
    other = tmp_path / "other"
    item = Item("a <b>", "/films/a.otio", "failed", "it is <script>alert(1)</script>")
    write_state(other, [item])
    assert read_state(other) == {"a <b>": item}
    assert b"<script>" not in (other / "batch.html").read_bytes()


def test_options_reach_score(
    monkeypatch: pytest.MonkeyPatch, shotscore: Shotscore, edits: Path, tmp_path: Path
) -> None:
    """They are handed on as they were given; `score` understands them (the real thing is below)."""
    given: list[list[str]] = []

    def note(item: Item, out: str, words: list[str]) -> Item:
        given.append([out, *words])
        return Item(item.name, item.timeline, "done", mark=item.mark)

    monkeypatch.setattr(batch, "score_item", note)
    options = ("--mood", "-0.5,0.2", "--takes", "2", "--no-duck", "--soundfont", "a b.sf2", "--wish", "0-9: silence")
    run = shotscore("batch", edits, "--out", tmp_path / "out", *options)
    assert run.code == 0, run.err
    assert len(given) == 3
    out, *words = given[0]
    assert out == str(tmp_path / "out")
    expected = {"--mood=-0.5,0.2", "--takes=2", "--no-duck", "--wish=0-9: silence"}
    assert expected < set(words)
    assert f"--soundfont={Path.cwd() / 'a b.sf2'}" in words
    assert len(words) == len(expected) + 1


def test_what_fails_stops_nothing_and_what_is_done_stays(shotscore: Shotscore, edits: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = shotscore("batch", edits, "--out", out, *FAST, "--json")
    assert run.code == 1
    assert run.table["counts"] == {"done": 2, "failed": 1, "waiting": 0}
    rows = {row["name"]: row for row in run.table["items"]}
    assert "broken.otio" in rows["broken"]["problem"]
    assert "120.0 BPM" in rows["one"]["summary"]
    for name in ("one", "two"):
        assert (out / name / f"{name}.shotscore").is_file()
    assert "2 done, 1 failed" in (out / "batch.html").read_text()
    assert json.loads((out / "batch.json").read_text())["counts"]["done"] == 2
    before = (out / "one" / "report.json").stat().st_mtime_ns
    (edits / "broken.otio").unlink()
    run = shotscore("batch", edits, "--out", out, *FAST)
    assert run.code == 0, run.err
    assert (out / "one" / "report.json").stat().st_mtime_ns == before


def test_on_a_real_dask_cluster(shotscore: Shotscore, edits: Path, tmp_path: Path) -> None:
    (edits / "two.otio").unlink()
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0", protocol="tcp"
    ) as cluster:
        address = cluster.scheduler_address
        run = shotscore("batch", edits, "--out", tmp_path / "out", *FAST, "--scheduler", address, "--json")
        _is_told_of_a_lost_scheduler(address)
    assert run.code == 1
    assert re.search(r"^2 of 2: (failed broken: .*broken\.otio|done one: 120.0 BPM)", run.err, re.MULTILINE)
    assert {row["name"]: row["state"] for row in run.table["items"]} == {"broken": "failed", "one": "done"}
    assert (tmp_path / "out" / "one" / "one.shotscore").is_file()


def _is_told_of_a_lost_scheduler(address: str) -> None:
    """What the client gives up looks the same to it whether the scheduler has gone or the task was cancelled."""
    with Client(address) as client:
        future = client.submit(time.sleep, 0.2, pure=False)
        future.cancel()
        with pytest.raises(RequestError, match="is gone; what is done is noted"):
            batch._outcome(future, Item("one", "one.otio"), address)


def test_a_scheduler_that_is_not_there_is_named(shotscore: Shotscore, edits: Path, tmp_path: Path) -> None:
    run = shotscore("batch", edits, "--out", tmp_path / "out", "--scheduler", "nonsense://nowhere")
    assert run.code == 2
    assert "nonsense://nowhere" in run.err
