"""Undo, redo, and a session file that survives whatever happens to the process that writes it."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scored import scored
from shotscore_engine import history
from shotscore_engine.errors import RequestError, SessionError
from shotscore_engine.locks import Lock
from shotscore_engine.session import Session
from shotscore_engine.sessionfile import SessionFile, read
from shotscore_engine.takes import delete_take, rename_take, star_take, use_take

KILLS = int(os.environ.get("SHOTSCORE_KILLS", "24"))
"""How often the writer is killed; `SHOTSCORE_KILLS=500 pytest tests/engine/test_history.py -k kill` for a long run."""


@pytest.fixture(scope="module")
def session() -> Session:
    one = scored([("a", 0, 60), ("b", 10, 61), ("c", 0, 80)])
    take = one.take("1m01")
    return one.with_takes(one.cue("1m01"), [replace(take, number=number) for number in (2, 3)])


@pytest.fixture
def path(session: Session, tmp_path: Path) -> Path:
    session.save(tmp_path / "film.shotscore")
    return tmp_path / "film.shotscore"


CHANGES: tuple[Callable[[Session], Session], ...] = (
    lambda s: use_take(s, "1m01", s.takes[0].number),
    lambda s: use_take(s, "1m01", s.takes[-1].number),
    lambda s: star_take(s, "1m01", s.takes[0].number, not s.takes[0].starred),
    lambda s: rename_take(s, "1m01", s.takes[-1].number, f"name {len(s.past)}"),
    lambda s: delete_take(s, "1m01", s.takes[0].number) if len(s.takes) > 1 else s,
    lambda s: s.with_takes(s.cue("1m01"), [replace(s.takes[0], number=s.next_take("1m01"))]),
    lambda s: replace(s, locks=(*s.locks, Lock("1m01", "melody", len(s.past), len(s.past) + 9))),
    lambda s: replace(s, locks=()),
    lambda s: replace(s, picture=replace(s.picture, name=f"cut {len(s.past)}")),
)


def bare(session: Session) -> Session:
    return history.state_of(session)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, len(CHANGES) - 1), max_size=12), st.data())
def test_back_to_the_start_and_forth_to_the_end(session: Session, steps: list[int], data: st.DataObject) -> None:
    states = [session]
    for step in steps:
        after = history.record(states[-1], CHANGES[step](states[-1]), f"step {step}")
        if after is not states[-1]:
            states.append(after)
    end = states[-1].to_bytes()
    now = states[-1]
    for state in reversed(states[:-1]):
        now = history.undo(now)
        if data.draw(st.booleans()):
            now = Session.from_bytes(now.to_bytes())  # across a restart
        assert bare(now) == bare(state)
    with pytest.raises(RequestError, match="nothing to undo"):
        history.undo(now)
    start = now.to_bytes()
    for state in states[1:]:
        now = history.redo(now)
        if data.draw(st.booleans()):
            now = Session.from_bytes(now.to_bytes())
        assert bare(now) == bare(state)
    with pytest.raises(RequestError, match="nothing to redo"):
        history.redo(now)
    assert now.to_bytes() == end
    for _ in states[1:]:
        now = history.undo(now)
    assert now.to_bytes() == start


def test_doing_something_else_forgets_what_was_undone(session: Session) -> None:
    starred = history.record(session, star_take(session, "1m01", 1), "star")
    back = history.undo(starred)
    other = history.record(back, rename_take(back, "1m01", 1, "x"), "rename")
    with pytest.raises(RequestError, match="nothing to redo"):
        history.redo(other)
    assert [step.did for step in other.past] == ["rename"]


def test_doing_nothing_is_no_step(session: Session) -> None:
    assert history.record(session, use_take(session, "1m01", session.chosen["1m01"]), "use") is session


def test_a_number_is_never_given_again_even_after_an_undo(session: Session) -> None:
    def add(s: Session) -> Session:
        return s.with_takes(s.cue("1m01"), [replace(s.takes[0], number=s.next_take("1m01"))])

    four = history.record(session, add(session), "add")
    back = history.undo(four)
    assert back.next_take("1m01") == 5
    assert Session.from_bytes(back.to_bytes()).next_take("1m01") == 5


def test_a_state_costs_only_what_is_new_in_it(session: Session) -> None:
    size, now = len(session.to_bytes()), session
    for number in range(100):
        now = history.record(now, star_take(now, "1m01", 1, number % 2 == 0), "star")
    assert len(now.past) == 100
    assert len(now.to_bytes()) < 3 * size + 100 * 600


def test_unknown_fields_come_back_with_what_they_belong_to(path: Path) -> None:
    document = json.loads(path.read_bytes())
    document["takes"][1]["rating"] = 5
    document["panel"] = "open"
    path.write_text(json.dumps(document))
    with SessionFile(path) as file:
        file.do("delete", lambda s: delete_take(s, "1m01", 2))
    with SessionFile(path) as file:
        file.do("star", lambda s: star_take(s, "1m01", 1))
    with SessionFile(path) as file:
        file.undo()
        file.undo()
    document = json.loads(path.read_bytes())
    assert [take.get("rating") for take in document["takes"]] == [None, 5, None]
    assert document["panel"] == "open"


def test_every_change_is_saved_at_once(path: Path) -> None:
    with SessionFile(path) as file:
        file.do("star", lambda s: star_take(s, "1m01", 1))
        assert Session.open(path).take("1m01", 1).starred
        file.undo()
        assert not Session.open(path).take("1m01", 1).starred
        file.redo()
    assert Session.open(path).take("1m01", 1).starred


def test_a_damaged_history_is_told(path: Path) -> None:
    with SessionFile(path) as file:
        file.do("star", lambda s: star_take(s, "1m01", 1))
    document = json.loads(path.read_bytes())
    for name, value in (("picture", 99), ("takes", [0, -1]), ("takes", None), ("chosen", 3)):
        step = {**document["history"]["past"][0], name: value}
        broken = {**document, "history": {**document["history"], "past": [step]}}
        with pytest.raises(SessionError, match="damaged"):
            Session.from_bytes(json.dumps(broken).encode())


# --- two at once ---------------------------------------------------------------------------------------------------


def writer(path: Path) -> subprocess.Popen[str]:
    script = Path(__file__).parents[1] / "support" / "saving.py"
    process = subprocess.Popen([sys.executable, script, path], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    return process


def test_the_second_is_told_who_has_it(path: Path) -> None:
    process = writer(path)
    try:
        with pytest.raises(SessionError, match=rf"film\.shotscore is open in process {process.pid}; close it there"):
            SessionFile(path)
        assert Session.open(path).name == "film"  # reading is free
    finally:
        process.kill()
        process.communicate()
    with SessionFile(path) as file:  # its lock is stale now
        assert file.recovered == ""
    assert not path.with_name("film.shotscore.lock").exists()


def test_the_same_process_is_told_too_and_closing_frees(path: Path) -> None:
    with SessionFile(path), pytest.raises(SessionError, match="open in this process"):
        SessionFile(path)
    SessionFile(path).close()


@pytest.mark.parametrize("text", ["", "{", '{"pid": 1}', '{"pid": 999999999, "host": "HOST", "started": 1}'])
def test_stale_locks_are_taken_over(path: Path, text: str) -> None:
    import socket

    path.with_name("film.shotscore.lock").write_text(text.replace("HOST", socket.gethostname()))
    with SessionFile(path) as file:
        file.do("star", lambda s: star_take(s, "1m01", 1))


def test_a_lock_of_another_machine_is_respected(path: Path) -> None:
    path.with_name("film.shotscore.lock").write_text('{"pid": 1, "host": "studio-7", "started": 1}')
    with pytest.raises(SessionError, match="process 1 on studio-7"):
        SessionFile(path)


# --- damage --------------------------------------------------------------------------------------------------------


def test_a_damaged_session_opens_as_it_was_and_loses_nothing(path: Path) -> None:
    with SessionFile(path) as file:
        file.do("star", lambda s: star_take(s, "1m01", 1))
        file.do("name", lambda s: rename_take(s, "1m01", 1, "brass"))
    damaged = path.read_bytes()[:-200]
    path.write_bytes(damaged)
    session, told = read(path)
    assert session.take("1m01", 1).starred
    assert "one save before" in told
    with SessionFile(path) as file:
        assert file.recovered == told
        assert file.session.take("1m01", 1).name == ""
        assert path.with_name("film.shotscore.damaged").read_bytes() == damaged
        file.do("name", lambda s: rename_take(s, "1m01", 1, "strings"))
    with SessionFile(path) as file:
        assert file.recovered == ""
        assert file.session.take("1m01", 1).name == "strings"


def test_a_newer_session_is_refused_not_replaced(path: Path, session: Session) -> None:
    session.save(path)
    newer = json.dumps({**json.loads(path.read_bytes()), "format": 99}).encode()
    path.write_bytes(newer)
    with pytest.raises(SessionError, match="format 99"):
        SessionFile(path)
    assert path.read_bytes() == newer
    assert not path.with_name("film.shotscore.lock").exists()


def test_where_both_are_damaged_the_first_is_told(path: Path, session: Session) -> None:
    session.save(path)
    path.write_bytes(b"{")
    path.with_name("film.shotscore.bak").write_bytes(b"{")
    with pytest.raises(SessionError, match=r"film\.shotscore is damaged"):
        SessionFile(path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")
def test_killed_at_any_moment_of_a_save_the_session_opens(path: Path, session: Session) -> None:
    chance = random.Random(7)
    for _ in range(KILLS):
        process = writer(path)
        assert process.stdout is not None
        saved = 0
        for _ in range(chance.randrange(6)):
            saved = int(process.stdout.readline())
        # A save takes some milliseconds: somewhere inside the next ones.
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(chance.random() * 0.05)
        process.send_signal(signal.SIGKILL)
        rest = process.communicate()[0].split("\n")[:-1]
        saved = max([saved, *(int(line) for line in rest)])
        with SessionFile(path) as file:
            assert file.recovered == ""
            # The last save it told of, or the one it was killed in.
            assert file.session.takes[0].name in {f"{saved}", f"{saved + 1}"} or saved == 0
            if saved:
                assert len(history.undo(file.session).takes) == 3
        session.save(path)
    left = [file.name for file in path.parent.iterdir()]
    assert set(left) <= {path.name, "film.shotscore.bak"}, left
