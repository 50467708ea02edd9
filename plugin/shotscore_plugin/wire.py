"""What is spoken on the bridge between Shotscore and an editor's add-on; both sides run this very file.

Standard library only, Python 3.11: a copy of it lies in the add-on. A message is one line of JSON in UTF-8, an object
with `"v": 1` and a bounded size. It holds values, never code; who reads it acts on names it knows and on nothing else.

    Shotscore -> add-on   {"v": 1, "challenge": C}
    add-on -> Shotscore   {"v": 1, "hello": {"host": "blender", "title": …, "challenge": D, "proof": HMAC(token, "add-on" C)}}
    Shotscore -> add-on   {"v": 1, "welcome": {"proof": HMAC(token, "shotscore" D)}}     or {"v": 1, "refused": …}
    either -> other       {"v": 1, "id": 7, "ask": NAME, "with": {…}}
    other -> either       {"v": 1, "id": 7, "progress": [STAGE, DONE]}   now and then
                          {"v": 1, "id": 7, "answer": {…}}               or {"v": 1, "id": 7, "error": SENTENCE}
    either -> other       {"v": 1, "id": 7, "cancel": true}

The token stands in a file that only the person can read, with the port; it never travels. Each side proves that it knows
it, so that neither another program on the port nor another one that finds the port learns or reaches anything.
"""  # noqa: E501 (a table)

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VERSION = 1
MAX_BYTES = 16 * 2**20
"""Of one message, its line break included."""
MAX_HELLO_BYTES = 4096
"""Of a message before the other side has proved anything."""
MAX_DEPTH = 64
"""Of brackets: the JSON parser recurses."""
HELLO_SECONDS = 5.0

Message = dict[str, Any]


class WireError(Exception):
    """The other side is gone, or does not keep to what is spoken here; the connection is closed."""


class AskError(Exception):
    """The other side could not do what it was asked; the sentence says why."""


@dataclass(frozen=True)
class Address:
    """Where the bridge listens, and what it takes to be let in."""

    port: int
    token: str
    pid: int = 0


def write_address(path: str, address: Address) -> None:
    """Put the address where only this person can read it, whole or not at all."""
    Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = f"{path}.{os.getpid()}.{secrets.token_hex(4)}"
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"v": VERSION, "port": address.port, "token": address.token, "pid": address.pid}, file)
        Path(aside).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(aside).unlink()
        raise


def read_address(path: str) -> Address | None:
    """The address in the file, or None where there is none (Shotscore does not run)."""
    try:
        if os.name == "posix" and Path(path).stat().st_mode & 0o077:
            return None  # others could have read, or written, it
        with Path(path).open(encoding="utf-8") as file:
            table = json.loads(file.read(MAX_HELLO_BYTES))
        if table["v"] != VERSION:
            return None
        return Address(int(table["port"]), str(table["token"]), int(table["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


class Channel:
    """One connection: messages out and in. Sending is safe from several threads."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._file = connection.makefile("rb")
        self._sending = threading.Lock()

    def send(self, message: Message) -> None:
        """Raises WireError where the other side is gone, ValueError where the message is too large."""
        data = json.dumps({"v": VERSION, **message}, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        if len(data) > MAX_BYTES:
            raise ValueError(f"A message of {len(data)} bytes is larger than {MAX_BYTES}.")
        try:
            with self._sending:
                self._socket.sendall(data)
        except OSError as problem:
            raise WireError(f"The connection is gone: {problem}.") from problem

    def receive(self, limit: int = MAX_BYTES) -> Message:
        """The next message. Raises WireError where there is none, or where it is not one."""
        try:
            line = self._file.readline(limit + 1)
        except (OSError, ValueError) as problem:
            raise WireError(f"The connection is gone: {problem}.") from problem
        if not line:
            raise WireError("The connection is closed.")
        if len(line) > limit or not line.endswith(b"\n"):
            raise WireError(f"A message is larger than {limit} bytes, or was cut off.")
        return parse(line)

    def timeout(self, seconds: float | None) -> None:
        """How long `receive` waits for the other side; None for ever."""
        self._socket.settimeout(seconds)

    def close(self) -> None:
        """End the connection; `receive` in another thread ends with WireError."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes who reads
        with contextlib.suppress(OSError):
            self._socket.close()
        with contextlib.suppress(OSError, ValueError):
            self._file.close()


def parse(line: bytes) -> Message:
    """The message in a line. Raises WireError where it is none of this version."""

    def no_constant(name: str) -> Any:
        raise ValueError(f"{name} is no number")

    try:
        text = line.decode("utf-8")
        if _deep(text):
            raise ValueError("nested too deep")
        message = json.loads(text, parse_constant=no_constant)
    except (ValueError, RecursionError) as problem:
        raise WireError(f"A message is not JSON: {problem}.") from problem
    if not isinstance(message, dict):
        raise WireError("A message is not a JSON object.")
    if message.get("v") != VERSION:
        raise WireError(
            f"The other side speaks version {str(message.get('v'))[:20]!r}, this one {VERSION}; "
            "install the add-on again: shotscore hosts install."
        )
    return message


def _deep(text: str) -> bool:
    depth, quoted, escaped = 0, False, False
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    for letter in text:
        if quoted:
            if escaped:
                escaped = False
            elif letter == "\\":
                escaped = True
            elif letter == '"':
                quoted = False
        elif letter == '"':
            quoted = True
        elif letter in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif letter in "]}":
            depth -= 1
    return False


# --- proving ---------------------------------------------------------------------------------------------------------


def proof(token: str, side: str, challenge: str) -> str:
    """That `side` knows the token, for this challenge only."""
    return hmac.new(token.encode(), f"{side} {challenge}".encode(), hashlib.sha256).hexdigest()


def proves(token: str, side: str, challenge: str, given: object) -> bool:
    """Whether `given` is that proof."""
    return isinstance(given, str) and hmac.compare_digest(proof(token, side, challenge).encode(), given.encode())


def let_in(channel: Channel, token: str) -> Message:
    """The bridge's side of the greeting: what the add-on says of itself. Raises WireError where it has no token."""
    challenge = secrets.token_hex(16)
    channel.timeout(HELLO_SECONDS)
    try:
        channel.send({"challenge": challenge})
        message = channel.receive(MAX_HELLO_BYTES)
        hello = message.get("hello")
        if not isinstance(hello, dict) or not proves(token, "add-on", challenge, hello.get("proof")):
            raise WireError("The add-on does not know the token.")
        theirs = hello.get("challenge")
        if not isinstance(theirs, str) or len(theirs) > 100 or not isinstance(hello.get("host"), str):
            raise WireError("The greeting is not whole.")
        channel.send({"welcome": {"proof": proof(token, "shotscore", theirs)}})
    except WireError as problem:
        with contextlib.suppress(WireError):
            channel.send({"refused": str(problem)})
        raise
    channel.timeout(None)
    return hello


def connect(address: Address, host: str, title: str) -> Channel:
    """The add-on's side: a channel to the bridge. Raises WireError where nobody, or somebody else, answers."""
    try:
        connection = socket.create_connection(("127.0.0.1", address.port), HELLO_SECONDS)
    except OSError as problem:
        raise WireError(f"Shotscore does not answer: {problem}.") from problem
    channel = Channel(connection)
    try:
        first = channel.receive(MAX_HELLO_BYTES)
        challenge, mine = first.get("challenge"), secrets.token_hex(16)
        if not isinstance(challenge, str):
            raise WireError("What answers is not Shotscore.")
        answer = {"host": host, "title": title, "challenge": mine, "proof": proof(address.token, "add-on", challenge)}
        channel.send({"hello": answer})
        said = channel.receive(MAX_HELLO_BYTES)
        welcome = said.get("welcome")
        if not isinstance(welcome, dict) or not proves(address.token, "shotscore", mine, welcome.get("proof")):
            raise WireError(str(said.get("refused", "What answers is not Shotscore."))[:300])
    except BaseException:
        channel.close()
        raise
    channel.timeout(None)
    return channel


# --- asking ----------------------------------------------------------------------------------------------------------

Progress = Callable[[str, float], None]
Handler = Callable[[str, Message, Progress, threading.Event], Message]
"""(what is asked, its values, progress, set when cancelled) -> the answer; raises AskError."""


@dataclass
class Pending:
    """Something that was asked."""

    number: int
    done: threading.Event = field(default_factory=threading.Event)
    answer: Message | None = None
    error: str = ""
    progress: tuple[str, float] = ("", 0.0)


class Talk:
    """Asks and answers over a channel. `run` reads until the other side is gone; each ask is handled in `handle`'s way.

    `start` decides where an ask is handled: given a function, it runs it in a thread, or puts it aside for the editor's
    main thread.
    """

    def __init__(self, channel: Channel, handle: Handler, start: Callable[[Callable[[], None]], None]) -> None:
        self.channel = channel
        self._handle, self._start = handle, start
        self._pending: dict[int, Pending] = {}
        self._asked: dict[int, threading.Event] = {}
        self._number = 0
        self._lock = threading.Lock()
        self.closed = threading.Event()

    def ask(self, what: str, values: Message) -> Pending:
        """Ask, and come back at once. Raises WireError where the other side is gone."""
        with self._lock:
            self._number += 1
            pending = Pending(self._number)
            self._pending[pending.number] = pending
        if self.closed.is_set():
            self._give_up()
            raise WireError("The connection is closed.")
        self.channel.send({"id": pending.number, "ask": what, "with": values})
        return pending

    def wait(self, pending: Pending, seconds: float | None) -> Message:
        """The answer. Raises AskError where there is an error instead, or none in time."""
        if not pending.done.wait(seconds):
            self.cancel(pending)
            raise AskError(f"No answer within {seconds:g} seconds.")
        if pending.answer is None:
            raise AskError(pending.error)
        return pending.answer

    def cancel(self, pending: Pending) -> None:
        """Say that the answer is no longer wanted; it then ends with an error."""
        with contextlib.suppress(WireError):
            self.channel.send({"id": pending.number, "cancel": True})

    def run(self) -> None:
        """Read until the connection ends; whatever was asked and not answered then fails."""
        try:
            while True:
                self._take(self.channel.receive())
        except WireError:
            pass
        finally:
            self.closed.set()
            self.channel.close()
            self._give_up()

    def _take(self, message: Message) -> None:
        number = message.get("id")
        if not isinstance(number, int) or isinstance(number, bool):
            raise WireError("A message has no number.")
        if "ask" in message:
            self._asked_for(number, message)
        elif message.get("cancel") is True:
            if number in self._asked:
                self._asked[number].set()
        else:
            self._answered(number, message)

    def _answered(self, number: int, message: Message) -> None:
        pending = self._pending.get(number)
        if pending is None:
            return  # no longer wanted
        if "progress" in message:
            stage, done = _progress(message["progress"])
            pending.progress = (stage, done)
            return
        answer = message.get("answer")
        if isinstance(answer, dict):
            pending.answer = answer
        else:
            pending.error = str(message.get("error", "The other side gave no answer."))[:2000]
        self._pending.pop(number, None)
        pending.done.set()

    def _asked_for(self, number: int, message: Message) -> None:
        what, values = message["ask"], message.get("with", {})
        if not isinstance(what, str) or not isinstance(values, dict) or len(self._asked) >= 64 or number in self._asked:
            raise WireError("An ask is not one.")
        stopped = threading.Event()
        self._asked[number] = stopped

        def tell(stage: str, done: float) -> None:
            with contextlib.suppress(WireError):
                self.channel.send({"id": number, "progress": [stage, done]})

        def handle() -> None:
            try:
                reply: Message = {"answer": self._handle(what, values, tell, stopped)}
            except AskError as problem:
                reply = {"error": str(problem)}
            except Exception as problem:  # whatever a handler runs into, the one who asked must not wait for ever
                reply = {"error": f"Internal failure: {type(problem).__name__}: {problem}"}
            self._asked.pop(number, None)
            try:
                self.channel.send({"id": number, **reply})
            except ValueError as problem:
                with contextlib.suppress(WireError):
                    self.channel.send({"id": number, "error": str(problem)})
            except WireError:
                pass

        self._start(handle)

    def _give_up(self) -> None:
        for stopped in list(self._asked.values()):
            stopped.set()
        with self._lock:
            left, self._pending = list(self._pending.values()), {}
        for pending in left:
            pending.error = "The connection is gone."
            pending.done.set()


def _progress(value: object) -> tuple[str, float]:
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int | float):
        return value[0][:40], float(value[1])
    raise WireError("Progress is a stage and how much of it is done.")
