"""The bridge between Shotscore and the add-ons: whom it lets in, what it survives."""

import contextlib
import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shotscore_engine.errors import HostError, TimelineError
from shotscore_exporters.placement import Placement
from shotscore_plugin import bridge as bridges
from shotscore_plugin import wire
from shotscore_plugin.answer import Answer
from shotscore_plugin.bridge import Bridge, RemoteHost, arguments_of
from shotscore_plugin.wire import Address, AskError, Talk, WireError


@pytest.fixture
def address(tmp_path: Path) -> Path:
    return tmp_path / "bridge" / "address.json"


@pytest.fixture
def bridge(address: Path) -> Iterator[Bridge]:
    with Bridge(address) as made:
        yield made


def until(what: Callable[[], Any], seconds: float = 30) -> Any:
    """Asks again and again; what is waited for happens in another thread or process."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)
    return found


def refuse(what: str, *_: object) -> dict[str, Any]:
    raise AskError(f"{what}: not here")


class AddOn:
    """An editor's side, without an editor."""

    def __init__(self, address: Path, handle: wire.Handler = refuse, host: str = "blender") -> None:
        found = wire.read_address(str(address))
        assert found is not None
        self.talk = Talk(
            wire.connect(found, host, "film.blend"), handle, lambda work: threading.Thread(target=work).start()
        )
        self.thread = threading.Thread(target=self.talk.run)
        self.thread.start()

    def __enter__(self) -> "AddOn":
        return self

    def __exit__(self, *_: object) -> None:
        self.talk.channel.close()
        self.thread.join()


def raw(address: Path) -> socket.socket:
    found = wire.read_address(str(address))
    assert found is not None
    connection = socket.create_connection(("127.0.0.1", found.port), 10)
    connection.settimeout(20)
    return connection


def everything(connection: socket.socket) -> bytes:
    """What the other side says until it closes."""
    said = b""
    with contextlib.suppress(ConnectionResetError):  # it had not read all we sent
        while data := connection.recv(4096):
            said += data
    return said


# --- whom it lets in -------------------------------------------------------------------------------------------------


def test_the_address_is_for_this_persons_eyes_only_and_the_port_for_this_machine(bridge: Bridge, address: Path) -> None:
    if os.name == "posix":
        assert stat.S_IMODE(address.stat().st_mode) == 0o600
        assert stat.S_IMODE(address.parent.stat().st_mode) == 0o700
        address.chmod(0o644)
        assert wire.read_address(str(address)) is None
        address.chmod(0o600)
    found = wire.read_address(str(address))
    assert found is not None
    assert len(found.token) == 64
    assert bridge._listener is not None
    assert bridge._listener.getsockname()[0] == "127.0.0.1"
    bridge.stop()
    assert not address.parent.exists()


HELLO = {"host": "blender", "title": "x", "challenge": "c"}


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\xff\xfe\n",
        b"[]\n",
        b"null\n",
        b'{"v": 1}\n',
        b'{"v": 2, "hello": {}}\n',
        b'{"hello": {}}\n',
        b'{"v": 1, "id": 1, "ask": "score", "with": {}}\n',
        json.dumps({"v": 1, "hello": HELLO}).encode() + b"\n",
        json.dumps({"v": 1, "hello": {**HELLO, "proof": "0" * 64}}).encode() + b"\n",
        json.dumps({"v": 1, "hello": {**HELLO, "proof": None}}).encode() + b"\n",
        json.dumps({"v": 1, "hello": {**HELLO, "proof": "\N{SNOWMAN}"}}).encode() + b"\n",
        json.dumps({"v": 1, "hello": {**HELLO, "title": "x" * wire.MAX_HELLO_BYTES}}).encode() + b"\n",
        b"[" * 4000 + b"\n",
        b'{"v": NaN}\n',
    ],
    ids=range(16),
)
def test_nobody_without_the_token_gets_in(bridge: Bridge, address: Path, line: bytes) -> None:
    with raw(address) as connection:
        connection.sendall(line)
        connection.shutdown(socket.SHUT_WR)
        said = [json.loads(one) for one in everything(connection).splitlines()]
    assert all(one.keys() <= {"v", "challenge", "refused"} for one in said)
    assert bridge.hosts == ()
    with AddOn(address):  # and those with it still do
        until(lambda: bridge.hosts)


def test_a_wrong_token_is_refused(bridge: Bridge, address: Path) -> None:
    found = wire.read_address(str(address))
    assert found is not None
    with pytest.raises(WireError, match="does not know the token"):
        wire.connect(Address(found.port, "0" * 64), "blender", "x")
    assert bridge.hosts == ()


def test_an_add_on_does_not_talk_to_somebody_else_on_the_port() -> None:
    """The token never travels, so a stranger on the port learns nothing and is not believed."""
    heard = []

    def stranger(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b'{"v": 1, "challenge": "00"}\n')
            heard.append(connection.recv(4096))
            connection.sendall(b'{"v": 1, "welcome": {"proof": "00"}}\n')

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=stranger, args=(listener,))
        thread.start()
        token = "f" * 64
        with pytest.raises(WireError, match="not Shotscore"):
            wire.connect(Address(listener.getsockname()[1], token), "blender", "x")
        thread.join()
    assert token.encode() not in heard[0]


@pytest.mark.usefixtures("bridge")
def test_who_says_nothing_is_shown_the_door(address: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HELLO_SECONDS", 0.2)
    with raw(address) as connection:
        assert b"challenge" in everything(connection)


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense\n",
        b'{"v": 2, "id": 1, "ask": "ping", "with": {}}\n',
        b'{"v": 1, "ask": "ping", "with": {}}\n',
        b'{"v": 1, "id": true, "ask": "ping", "with": {}}\n',
        b'{"v": 1, "id": 1, "ask": ["ping"], "with": {}}\n',
        b'{"v": 1, "id": 1, "ask": "ping", "with": []}\n',
        b'{"v": 1, "id": 1, "ask": "ping", "with": {"deep": ' + b"[" * 70 + b"]" * 70 + b"}}\n",
        b"x" * (wire.MAX_BYTES + 2),
    ],
    ids=range(8),
)
def test_who_does_not_keep_to_the_protocol_loses_the_connection(bridge: Bridge, address: Path, line: bytes) -> None:
    with AddOn(address) as other:
        until(lambda: bridge.hosts)
        with AddOn(address, host="kdenlive") as bad:
            until(lambda: len(bridge.hosts) == 2)
            with contextlib.suppress(OSError):  # it hangs up before it has heard all of it
                bad.talk.channel._socket.sendall(line)
            assert bad.talk.closed.wait(30)
        until(lambda: len(bridge.hosts) == 1)
        assert other.talk.wait(other.talk.ask("ping", {}), 30) == {"pid": os.getpid()}


@given(st.binary(max_size=300))
def test_a_line_is_a_message_or_an_error(line: bytes) -> None:
    try:
        message = wire.parse(line)
    except WireError:
        return
    assert message["v"] == wire.VERSION


@pytest.mark.usefixtures("bridge")
def test_answers_to_nothing_are_ignored(address: Path) -> None:
    with AddOn(address) as addon:
        for message in ({"id": 99, "answer": {}}, {"id": 99, "cancel": True}, {"id": 99, "progress": ["x", 1]}):
            addon.talk.channel.send(message)
        assert addon.talk.wait(addon.talk.ask("ping", {}), 30)


# --- what may be asked -----------------------------------------------------------------------------------------------


def test_only_known_jobs_with_known_values_are_run(tmp_path: Path) -> None:
    edit, out = str(tmp_path / "edit.otio"), str(tmp_path / "out")
    assert arguments_of("score", {"timeline": edit, "out": out, "prompt": "--model=x", "steps": 4, "energy": 1}) == [
        "score", edit, "--prompt=--model=x", "--energy=1", "--steps=4", f"--out={out}",
    ]  # fmt: skip
    assert arguments_of("take", {"session": edit, "action": "use", "number": 2}) == ["take", edit, "use", "2"]
    for what, values in (
        ("score", {"timeline": "edit.otio", "out": out}),
        ("score", {"timeline": edit, "out": "--help"}),
        ("score", {"timeline": edit, "out": out, "model": "/x.onnx"}),
        ("score", {"timeline": edit, "out": out, "steps": "4"}),
        ("score", {"timeline": edit, "out": out, "steps": True}),
        ("score", {"timeline": edit, "out": out, "prompt": "a\0b"}),
        ("score", {"timeline": 7, "out": out}),
        ("take", {"session": edit, "action": "delete"}),
        ("take", {"session": edit, "action": "use", "number": "#"}),
        ("take", {"session": edit, "action": "use", "number": -1}),
    ):
        with pytest.raises(AskError):
            arguments_of(what, values)


@pytest.mark.usefixtures("bridge")
def test_unknown_asks_and_bad_input_come_back_as_sentences(address: Path, tmp_path: Path) -> None:
    with AddOn(address) as addon:
        with pytest.raises(AskError, match="does not know 'eval'"):
            addon.talk.wait(addon.talk.ask("eval", {"code": "1"}), 30)
        missing = {"timeline": str(tmp_path / "none.otio"), "out": str(tmp_path / "out")}
        with pytest.raises(AskError, match=r"none\.otio does not exist"):
            addon.talk.wait(addon.talk.ask("score", missing), 60)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("bridge")
def test_a_job_tells_its_progress_and_can_be_cancelled(
    address: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()

    def slow(_: list[str], progress: Callable[[str, float], None]) -> Answer:
        for number in range(100_000):
            progress("denoise", number % 100 / 100)
            begun.set()
            time.sleep(0.001)
        return Answer({}, "")

    monkeypatch.setattr("shotscore_plugin.cli.answer_of", slow)
    with AddOn(address) as addon:
        pending = addon.talk.ask("score", {"timeline": str(tmp_path / "a"), "out": str(tmp_path / "b")})
        assert begun.wait(30)
        until(lambda: pending.progress[0] == "denoise")
        addon.talk.cancel(pending)
        with pytest.raises(AskError, match="Stopped"):
            addon.talk.wait(pending, 30)


def test_messages_that_are_too_large_are_an_error_not_a_hang(bridge: Bridge, address: Path) -> None:
    def large(*_: object) -> dict[str, Any]:
        return {"otio": "x" * (wire.MAX_BYTES + 1)}

    with AddOn(address, large):
        (host,) = until(lambda: bridge.hosts)
        with pytest.raises(HostError, match="larger than"):
            host.timeline()
        assert host.connected


# --- starting, restarting, dying -------------------------------------------------------------------------------------


def test_several_editors_at_once(bridge: Bridge, address: Path) -> None:
    def first(*_: object) -> dict[str, Any]:
        return {"frame": 7}

    def second(*_: object) -> dict[str, Any]:
        return {"frame": 8}

    with AddOn(address, first), AddOn(address, second, "resolve"):
        until(lambda: len(bridge.hosts) == 2)
        assert {host.name: host.playhead() for host in bridge.hosts} == {"blender": 7, "resolve": 8}
    until(lambda: not bridge.hosts)


def test_an_editor_that_dies_while_it_is_asked_is_an_error(bridge: Bridge, address: Path) -> None:
    asked = threading.Event()

    def never(*asked_for: Any) -> dict[str, Any]:
        stopped: threading.Event = asked_for[-1]
        asked.set()
        stopped.wait(30)
        return {}

    with AddOn(address, never) as addon:
        (host,) = until(lambda: bridge.hosts)
        threading.Timer(0.0, lambda: (asked.wait(30), addon.talk.channel.close())).start()
        with pytest.raises(HostError, match="connection is gone"):
            host.playhead()
        assert not host.connected
    with pytest.raises(HostError, match="no longer connected"):
        host.playhead()


def test_one_bridge_takes_over_from_another_and_the_add_on_follows(address: Path) -> None:
    with Bridge(address) as old, AddOn(address) as addon:
        until(lambda: old.hosts)
        with pytest.raises(HostError, match="already speaks"):
            Bridge(address).start(take_over=False)
        with Bridge(address) as new:
            assert old.stopped.wait(10)
            assert addon.talk.closed.wait(10)
            with AddOn(address):
                until(lambda: new.hosts)
            assert address.exists()


def test_a_bridge_that_was_killed_is_replaced(address: Path) -> None:
    source = (
        "import sys, time; from pathlib import Path; from shotscore_plugin.bridge import Bridge; "
        "Bridge(Path(sys.argv[1])).start(); print('ready', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", source, str(address)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    with AddOn(address) as addon:
        assert bridges.running(address) == process.pid
        process.kill()
        process.wait()
        process.stdout.close()
        assert addon.talk.closed.wait(30)
    assert address.exists()
    assert bridges.running(address) is None
    with Bridge(address) as bridge, AddOn(address):
        until(lambda: bridge.hosts)


def test_a_bridge_that_cannot_say_where_it_is_holds_no_port(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    bridge = Bridge(tmp_path / "file" / "address.json")
    with pytest.raises(HostError, match="cannot be opened"):
        bridge.start()
    assert bridge._listener is not None
    assert bridge._listener.fileno() == -1  # closed


def test_too_many_connections_are_closed(bridge: Bridge, address: Path) -> None:
    held = [raw(address) for _ in range(bridges.MAX_HOSTS)]
    try:
        until(lambda: len(bridge._channels) == bridges.MAX_HOSTS)
        with raw(address) as one_more:
            assert everything(one_more) == b""
    finally:
        for connection in held:
            connection.close()
    until(lambda: not bridge._channels)
    with AddOn(address):
        until(lambda: bridge.hosts)


# --- a host on the other side ----------------------------------------------------------------------------------------


def host_that_says(answer: dict[str, Any]) -> RemoteHost:
    class Said:
        closed = threading.Event()

        def ask(self, *_: object) -> None:
            return None

        def wait(self, *_: object) -> dict[str, Any]:
            if "error" in answer:
                raise AskError(answer["error"])
            return answer

    return RemoteHost("blender", "film.blend", Said())  # type: ignore[arg-type]


def test_nonsense_from_an_editor_is_an_error_or_nothing() -> None:
    host = host_that_says(
        {"frame": "x", "start": 5, "end": 5, "path": 3, "standing": [{}], "otio": None, "clips": None}
    )
    assert host.playhead() is None
    assert host.selection() is None
    assert host.project is None
    assert host.remove().clips == 0
    for ask in (host.read_back, host.timeline):
        with pytest.raises(HostError, match="install its add-on again"):
            ask()
    with pytest.raises(TimelineError):
        host_that_says({"otio": "{"}).timeline()
    with pytest.raises(TimelineError, match="own rate"):
        host_that_says({"error": "score it at its own rate."}).insert([], Placement(Fraction(25), 0, False, 0, 1))


def test_the_panel_finds_the_blender_that_is_connected(address: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from shotscore_plugin.hosts import blender

    monkeypatch.setattr(bridges, "address_file", lambda: address)
    monkeypatch.setattr(blender, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(blender, "_bridge", None)
    with pytest.raises(HostError, match="No Blender is connected"):
        blender.PROGRAM.open(None)
    opened, fresh = blender._own_bridge()
    try:
        assert not fresh
        with AddOn(address, lambda *_: {"path": "/films/a.blend", "frame": 3}):
            until(lambda: opened.hosts)
            assert blender.PROGRAM.open(None).playhead() == 3
            assert blender.PROGRAM.open(Path("/films/a.blend")) is opened.hosts[0]
            with pytest.raises(HostError, match=r"b\.blend"):
                blender.PROGRAM.open(Path("/films/b.blend"))
        with Bridge(address):  # another window takes over: this one does not take it back
            assert opened.stopped.wait(10)
            with pytest.raises(HostError, match="already speaks"):
                blender.PROGRAM.open(None)
    finally:
        opened.stop()
