"""The worker's protocol, and the process on the other side of it."""

import contextlib
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shotscore_ui.messages import LONGEST_LINE, ProtocolError, pack, unpack
from shotscore_ui.worker import Job, Line

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(message=st.dictionaries(st.text(), plain))
def test_a_message_is_one_line_and_comes_back_as_it_was(message: dict[str, Any]) -> None:
    line = pack(message)
    assert line.count(b"\n") == 1
    assert unpack(line) == message


@given(line=st.binary(max_size=200))
def test_whatever_is_written_is_a_message_or_an_error(line: bytes) -> None:
    with contextlib.suppress(ProtocolError):
        assert isinstance(unpack(line), dict)


def test_lines_are_bounded() -> None:
    with pytest.raises(ProtocolError, match="longer"):
        pack({"roll": "x" * LONGEST_LINE})
    with pytest.raises(ProtocolError, match="longer"):
        unpack(b"{" + b" " * LONGEST_LINE + b"}")
    with pytest.raises(ProtocolError, match="not JSON"):
        unpack(b"[" * 100_000)


def test_progress_is_told_in_steps_and_never_twice() -> None:
    stream = io.BytesIO()
    job = Job(3, Line(stream))
    for step in range(10_001):
        job.progress("denoise", step / 10_000)
    told = [json.loads(line)["done"] for line in stream.getvalue().splitlines()]
    assert told[0] == 0.0
    assert told[-1] == 1.0
    assert told == sorted(set(told))
    assert len(told) < 300


def test_the_process_answers_refuses_and_goes_with_its_panel(tmp_path: Path) -> None:
    """One process: a wrong job, a wrong timeline, a timeline, a cancelled job; end of input ends it."""
    timeline = tmp_path / "none.otio"
    asked = [
        {"job": 1, "do": "no such job"},
        {"job": 2, "do": "open", "with": {"timeline": str(timeline), "session": str(tmp_path / "a.shotscore")}},
        {"job": 3, "do": "warm", "with": {"device": "cpu"}},
        {"cancel": 3},
    ]
    worker = subprocess.Popen(
        [sys.executable, "-m", "shotscore_ui.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(b"".join(pack(message) for message in asked))
    worker.stdin.flush()
    patience = threading.Timer(120, worker.kill)  # a worker that says nothing is no reason to wait for ever
    patience.start()
    messages = []
    while not messages or messages[-1].get("job") != 3:  # the input stays open: its end would stop all of them
        messages.append(unpack(worker.stdout.readline()))
    rest, log = worker.communicate(timeout=120)
    patience.cancel()
    assert worker.returncode == 0, log.decode()
    assert rest == b""
    assert messages[0] == {"ready": True}
    last = {message["job"]: message for message in messages[1:]}
    assert last[1]["problem"]["kind"] == "KeyError"
    assert last[2]["problem"]["kind"] == "TimelineError"
    assert str(timeline) in last[2]["problem"]["text"]
    assert last[3] == {"job": 3, "cancelled": True}
    assert not list(tmp_path.iterdir())
