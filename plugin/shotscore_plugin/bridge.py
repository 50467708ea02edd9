"""The bridge: editors' add-ons connect to it, on this machine only, and each is a `Host` then.

It listens on 127.0.0.1 and lets in whoever proves to know the token of its address file (`wire.py` says how). Either
side may start first, restart or die: the add-on looks for the address file again and again, and the bridge forgets an
editor whose connection ends. One bridge serves a person; a new one may take over from one that runs.

What an add-on may ask is in `JOBS`: commands of the command line, with values of known types. Nothing else is run.
"""

import contextlib
import os
import secrets
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shotscore_engine.errors import Cancelled, HostError, InputError, TimelineError
from shotscore_engine.timing import rate_text
from shotscore_exporters.placement import CueMarker, Placement, StemClip

from . import wire
from .host import Capabilities, Inserted, Removed, Standing, differences
from .install import data_folder
from .terminal import ProgressLine
from .wire import Address, AskError, Channel, Message, Talk, WireError

if TYPE_CHECKING:
    import opentimelineio as otio

MAX_HOSTS = 16
ANSWER_SECONDS = 60.0
"""How long an editor may take to answer: its main thread may be drawing, or asking the person something."""


@dataclass(frozen=True)
class Job:
    """A command an add-on may have run."""

    paths: tuple[str, ...]
    """Values that must be absolute paths, in the order of the command line."""
    options: Mapping[str, type]
    """Values that become `--name=value`."""
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values that must be one of these, after the paths; "#" is a whole number."""


_MUSIC: dict[str, type] = {
    "prompt": str, "mood": str, "style": str, "key": str, "tempo": float, "energy": float, "seed": int, "steps": int,
}  # fmt: skip
JOBS: dict[str, Job] = {
    "score": Job(("timeline",), {**_MUSIC, "out": str, "takes": int, "range": str, "detect": str}),
    "rescore": Job(
        ("session",),
        {"cue": str, "shots": str, "parts": str, "prompt": str, "mood": str, "style": str, "key": str, "energy": float,
         "seed": int, "variation": float},
    ),
    "reconform": Job(("session", "timeline"), {"tempo": str}),
    "take": Job(("session",), {"cue": str}, {"action": ("list", "use"), "number": ("#",)}),
    "undo": Job(("session",), {}),
    "redo": Job(("session",), {}),
}  # fmt: skip


def address_file() -> Path:
    """Where the bridge writes its port and token, for this person's eyes only."""
    return data_folder() / "bridge" / "address.json"


# --- the bridge ------------------------------------------------------------------------------------------------------


class Bridge:
    """Listens for add-ons. `changed` is called, from any thread, when one comes or goes."""

    def __init__(self, address: Path | None = None, changed: Callable[[], None] = lambda: None) -> None:
        self.address = address or address_file()
        self._changed = changed
        self._token = secrets.token_hex(32)
        self._hosts: list[RemoteHost] = []
        self._channels: set[Channel] = set()
        self._lock = threading.Lock()
        self._working = threading.Lock()
        self._listener: socket.socket | None = None
        self.stopped = threading.Event()
        """Set when the bridge has ended, also because another took over."""

    def __enter__(self) -> "Bridge":
        self.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()

    @property
    def hosts(self) -> tuple["RemoteHost", ...]:
        """Every editor that is connected now, in the order they came."""
        with self._lock:
            return tuple(self._hosts)

    def start(self, take_over: bool = True) -> None:
        """Listen. Raises HostError where another bridge runs and stays, or where no port can be had.

        A bridge that runs is asked to retire; one whose process is dead is simply replaced.
        """
        if running(self.address) is not None:
            if not take_over:
                raise HostError("Another Shotscore on this machine already speaks with the editors.")
            retire(self.address)
        try:
            self._listener = socket.create_server(("127.0.0.1", 0), backlog=MAX_HOSTS)
            port = self._listener.getsockname()[1]
            wire.write_address(str(self.address), Address(port, self._token, os.getpid()))
        except OSError as problem:
            if self._listener is not None:
                self._listener.close()
            raise HostError(f"The bridge to the editors cannot be opened: {problem.strerror or problem}.") from problem
        threading.Thread(target=self._listen, daemon=True, name="shotscore-bridge").start()

    def stop(self) -> None:
        """Close every connection and take the address away."""
        if self.stopped.is_set():
            return
        self.stopped.set()
        own = wire.read_address(str(self.address))
        if own is not None and own.token == self._token:
            with contextlib.suppress(OSError):
                self.address.unlink()
                self.address.parent.rmdir()
        if self._listener is not None:
            # Closing alone does not wake a thread that waits in accept.
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        with self._lock:
            channels = list(self._channels)
        for channel in channels:
            channel.close()

    def _listen(self) -> None:
        assert self._listener is not None
        while not self.stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            channel = Channel(connection)
            with self._lock:
                full = len(self._channels) >= MAX_HOSTS
                if not full:
                    self._channels.add(channel)
            if full:
                channel.close()
                continue
            threading.Thread(target=self._serve, args=(channel,), daemon=True, name="shotscore-host").start()

    def _serve(self, channel: Channel) -> None:
        host: RemoteHost | None = None
        try:
            hello = wire.let_in(channel, self._token)
            talk = Talk(channel, self._handle, lambda work: threading.Thread(target=work, daemon=True).start())
            if hello["host"] != "shotscore":
                host = RemoteHost(str(hello["host"])[:40], str(hello.get("title", ""))[:200], talk)
                with self._lock:
                    self._hosts.append(host)
                self._changed()
            talk.run()
        except WireError:
            pass
        finally:
            channel.close()
            with self._lock:
                self._channels.discard(channel)
                if host is not None:
                    self._hosts.remove(host)
            if host is not None:
                self._changed()

    def _handle(self, what: str, values: Message, progress: wire.Progress, stopped: threading.Event) -> Message:
        if what == "retire":
            threading.Thread(target=self.stop, daemon=True).start()
            return {}
        if what == "ping":
            return {"pid": os.getpid()}
        if what not in JOBS:
            raise AskError(f"Shotscore does not know {what[:40]!r}; install the add-on again: shotscore hosts install.")
        arguments = arguments_of(what, values)
        from .cli import answer_of

        with self._working:  # one after the other: each takes all of the processor
            try:
                return dict(answer_of(arguments, _Report(progress, stopped)).table)
            except InputError as problem:
                raise AskError(str(problem)) from problem
            except Cancelled as problem:
                raise AskError("Stopped; nothing half-written is left.") from problem


class _Report(ProgressLine):
    """Progress that goes over the bridge, and comes back as a cancel."""

    def __init__(self, progress: wire.Progress, stopped: threading.Event) -> None:
        super().__init__()
        self._tell, self._stopped = progress, stopped
        self._last: tuple[str, int] = ("", -1)

    def __call__(self, stage: str, done: float) -> None:
        """Tell it, whole percents only. Raises Cancelled where the add-on no longer wants it."""
        if self._stopped.is_set():
            raise Cancelled
        now = (stage, round(done * 100))
        if now != self._last:
            self._last = now
            self._tell(*now[:1], now[1] / 100)

    def close(self) -> None:
        """There is no line to end."""


def arguments_of(what: str, values: Message) -> list[str]:
    """The command line of a job. Raises AskError where a value is not of its type, or unknown."""
    job = JOBS[what]
    unknown = values.keys() - {*job.paths, *job.options, *job.words}
    if unknown:
        raise AskError(f"{what} has no value {sorted(unknown)[0][:40]!r}.")
    arguments = [what]
    for name in job.paths:
        path = values.get(name)
        if not isinstance(path, str) or not Path(path).is_absolute() or "\0" in path:
            raise AskError(f"{what} wants {name} as a whole path, not {str(path)[:80]!r}.")
        arguments.append(path)
    for name, allowed in job.words.items():
        if name not in values:
            continue
        word = values[name]
        number = allowed == ("#",) and isinstance(word, int) and not isinstance(word, bool) and word > 0
        if not number and (not isinstance(word, str) or word not in allowed or allowed == ("#",)):
            raise AskError(f"{what} wants another {name} than {str(word)[:40]!r}.")
        arguments.append(str(word))
    for name, kind in job.options.items():
        if name not in values:
            continue
        value = values[name]
        fits = isinstance(value, kind) or (kind is float and isinstance(value, int))
        if not fits or isinstance(value, bool) or (isinstance(value, str) and "\0" in value):
            raise AskError(f"{what} wants {name} as {kind.__name__}, not {str(value)[:40]!r}.")
        if name == "out" and not Path(str(value)).is_absolute():
            raise AskError(f"{what} wants out as a whole path, not {str(value)[:80]!r}.")
        arguments.append(f"--{name}={value}")
    return arguments


def running(address: Path | None = None) -> int | None:
    """The process of the bridge that runs, None where none answers."""
    found = wire.read_address(str(address or address_file()))
    if found is None:
        return None
    try:
        wire.connect(found, "shotscore", "").close()
    except WireError:
        return None
    return found.pid


def retire(address: Path, seconds: float = 5.0) -> None:
    """Ask the bridge that runs to end."""
    found = wire.read_address(str(address))
    if found is None:
        return
    with contextlib.suppress(WireError, AskError):
        talk = Talk(wire.connect(found, "shotscore", ""), _refuse, lambda work: work())
        threading.Thread(target=talk.run, daemon=True).start()
        talk.ask("retire", {})
        talk.closed.wait(seconds)
        talk.channel.close()


def _refuse(what: str, values: Message, progress: wire.Progress, stopped: threading.Event) -> Message:
    del values, progress, stopped
    raise AskError(f"{what} cannot be asked here.")


# --- a host on the other side ----------------------------------------------------------------------------------------


@dataclass
class RemoteHost:
    """An editor at the other end of the bridge; its add-on does what is asked, on the editor's main thread."""

    name: str
    title: str
    """What is open there: the project's name."""
    talk: Talk

    @property
    def connected(self) -> bool:
        """Whether the editor is still there."""
        return not self.talk.closed.is_set()

    @property
    def capabilities(self) -> Capabilities:
        """As the add-on says."""
        said = self._ask("capabilities", {})
        limits = tuple(str(one) for one in _list(said, "limits"))
        flags = ("live", "undo", "playhead", "selection", "markers", "start_timecode")
        return Capabilities(**{name: said.get(name) is True for name in flags}, limits=limits)

    @property
    def project(self) -> Path | None:
        """The file that is open; None where it was never saved."""
        path = self._ask("project", {}).get("path")
        return Path(path) if isinstance(path, str) and path else None

    def timeline(self) -> "otio.schema.Timeline":
        """The edit, without our music."""
        from shotscore_engine.readers import otio_json

        text = self._ask("timeline", {}).get("otio")
        if not isinstance(text, str):
            raise HostError(f"{self.name} sent no timeline; install its add-on again: shotscore hosts install.")
        return otio_json.parse(text.encode(), Path(f"{self.title or self.name}.otio"))

    def playhead(self) -> int | None:
        """The frame the person looks at."""
        return _whole(self._ask("playhead", {}).get("frame"))

    def selection(self) -> tuple[int, int] | None:
        """What is selected, from start to end."""
        said = self._ask("selection", {})
        start, end = _whole(said.get("start")), _whole(said.get("end"))
        return None if start is None or end is None or end <= start else (start, end)

    def insert(self, clips: Sequence[StemClip], placement: Placement, markers: Sequence[CueMarker] = ()) -> Inserted:
        """Put music in, and read it back."""
        said = self._ask(
            "insert",
            {
                "rate": rate_text(placement.rate),
                "clips": [
                    {
                        "cue": clip.cue,
                        "stem": clip.stem,
                        "path": str(clip.path.resolve()),
                        "start_frame": clip.start_frame,
                        "duration_frames": clip.duration_frames,
                        "pre_roll_frames": clip.pre_roll_frames,
                    }
                    for clip in clips
                ],
                "markers": [
                    {"frame": placement.start_frame + _frame(marker.seconds, placement.rate), "text": marker.text}
                    for marker in markers
                ],
            },
        )
        before = said.get("before")
        standing = self.read_back()
        return Inserted(
            None, standing, differences(clips, standing), Path(before) if isinstance(before, str) and before else None
        )

    def read_back(self) -> tuple[Standing, ...]:
        """Our strips as they stand there."""
        rows = _list(self._ask("read_back", {}), "standing")
        try:
            return tuple(
                Standing(
                    str(row["track"]),
                    str(row["name"]),
                    Path(row["path"]),
                    int(row["start_frame"]),
                    int(row["duration_frames"]),
                    int(row["source_frame"]),
                )
                for row in rows
            )
        except (KeyError, TypeError, ValueError) as problem:
            raise HostError(f"{self.name} does not say where its clips stand; install its add-on again.") from problem

    def remove(self) -> Removed:
        """Take our music out."""
        return Removed(None, _whole(self._ask("remove", {}).get("clips")) or 0)

    def revision(self) -> str:
        """Changes with the edit."""
        return str(self._ask("revision", {}).get("revision"))

    def close(self) -> None:
        """End the connection; the add-on comes back by itself where the bridge still runs."""
        self.talk.channel.close()

    def _ask(self, what: str, values: Message) -> Message:
        try:
            return self.talk.wait(self.talk.ask(what, values), ANSWER_SECONDS)
        except AskError as problem:
            if "own rate" in str(problem):
                raise TimelineError(str(problem)) from problem
            raise HostError(f"{self.title or self.name}: {problem}") from problem
        except WireError as problem:
            raise HostError(f"{self.name} is no longer connected; start it again.") from problem


def _frame(seconds: Fraction, rate: Fraction) -> int:
    from shotscore_engine.timing import quantise

    return quantise(seconds * rate)


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _list(table: Message, name: str) -> list[Any]:
    value = table.get(name)
    return value if isinstance(value, list) else []


def described(host: RemoteHost) -> dict[str, Any]:
    """A connected editor in plain values."""
    return {"name": host.name, "title": host.title, "capabilities": asdict(host.capabilities)}
