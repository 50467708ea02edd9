"""The real Kdenlive on a virtual screen, with a bus and a home of its own: started, asked, looked at, closed.

Needs Debian's `kdenlive`, `xvfb`, `dbus`, `xdotool` and `imagemagick`. Whoever lacks them sees a failing test that
names the command (`./setup.sh editors`), never a skipped one.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

PROGRAMS = ("kdenlive", "Xvfb", "dbus-daemon", "xdotool", "import")
SECONDS = 900.0
"""How long a start may take: half a minute on two idle cores, much more on busy ones."""


@dataclass
class Desktop:
    """A screen, a bus and a home directory nobody else uses."""

    folder: Path
    environment: dict[str, str]
    programs: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        with self.log(command[0]).open("ab") as log:
            program = subprocess.Popen(
                command, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder
            )
        self.programs.append(program)
        return program

    def log(self, command: str) -> Path:
        """What programs of that name say."""
        return self.folder / f"{Path(command).name}.log"

    def bus(self) -> DBusConnection:
        return open_dbus_connection(self.environment["DBUS_SESSION_BUS_ADDRESS"], auth_timeout=SECONDS)

    def windows(self) -> list[str]:
        """The titles of the windows on the screen."""
        found = subprocess.run(
            ["xdotool", "search", "--onlyvisible", "--name", "", "getwindowname", "%@"],
            env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return [title for title in found.stdout.splitlines() if title]

    def screenshot(self, path: Path) -> None:
        subprocess.run(
            ["import", "-window", "root", "-colors", "128", str(path)], env=self.environment, check=True, timeout=60
        )


@contextmanager
def desktop(folder: Path) -> Iterator[Desktop]:
    """A desktop in `folder` (short: a socket lies in it), gone with everything started on it when the block ends."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    assert not lacking, f"{', '.join(lacking)} not found; `./setup.sh editors` installs the editors these tests run."
    runtime, temporary = folder / "run", folder / "tmp"  # Kdenlive's trace of a crash lies in the latter
    runtime.mkdir(mode=0o700)
    temporary.mkdir()
    config = folder / "config"
    config.mkdir()
    # As after the wizard of the first start, which tries every encoder of the machine.
    (config / "kdenliverc").write_text("[version]\nversion=22.12.3\n")
    environment = {
        **{key: value for key, value in os.environ.items() if key in ("PATH", "LANG")},
        "HOME": str(folder),
        "TMPDIR": str(temporary),
        "XDG_RUNTIME_DIR": str(runtime),
        "XDG_CONFIG_HOME": str(config),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_DATA_HOME": str(folder / "data"),
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "QT_QPA_PLATFORM": "xcb",
        "SDL_AUDIODRIVER": "dummy",
        "LC_ALL": "C.UTF-8",
    }
    made = Desktop(folder, environment)
    try:
        environment["DISPLAY"] = _screen(made)
        environment["DBUS_SESSION_BUS_ADDRESS"] = _bus(made)
        yield made
    finally:
        for program in reversed(made.programs):
            program.terminate()
            try:
                program.wait(10)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()


def _screen(made: Desktop) -> str:
    """Xvfb picks a free number and writes it into a pipe."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1600x900x24", "-nolisten", "tcp"]
    made.programs.append(
        subprocess.Popen(
            command, pass_fds=[writing], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    )
    os.close(writing)
    with os.fdopen(reading) as answer:
        number = answer.readline().strip()
    assert number.isdigit(), "Xvfb did not start"
    return f":{number}"


def _bus(made: Desktop) -> str:
    program = subprocess.Popen(
        ["dbus-daemon", "--session", "--print-address=1", "--nofork"],
        env=made.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    made.programs.append(program)
    assert program.stdout is not None
    with program.stdout as answer:
        return answer.readline().decode().strip()


@dataclass
class Kdenlive:
    """A running Kdenlive and its place on the bus."""

    desktop: Desktop
    program: subprocess.Popen[bytes]
    connection: DBusConnection
    service: str

    def call(
        self, method: str, signature: str = "", body: tuple[object, ...] = (), **address: str
    ) -> tuple[object, ...]:
        path = address.get("path", "/kdenlive/MainWindow_1")
        where = DBusAddress(path, self.service, address.get("interface", "org.kde.KMainWindow"))
        reply = self.connection.send_and_get_reply(
            new_method_call(where, method, signature or None, body), timeout=SECONDS
        )
        assert reply.header.message_type is MessageType.method_return, reply.body
        answer: tuple[object, ...] = reply.body
        return answer

    def action(self, name: str) -> None:
        """What the menu entry of that name does."""
        assert self.call("activateAction", "s", (name,)) == (True,), f"Kdenlive knows no action {name}"

    def leave(self) -> None:
        """Leave as by the menu: after a signal Kdenlive would speak of a crash at its next start."""
        if self.program.poll() is None:
            where = DBusAddress("/kdenlive/MainWindow_1", self.service, "org.kde.kdenlive.MainWindow")
            self.connection.send(new_method_call(where, "exitApp"))
            with suppress(subprocess.TimeoutExpired):
                self.program.wait(60)
        if self.program.poll() is None:
            self.program.kill()
            self.program.wait()

    def loaded(self) -> int:
        """How many clips it has finished loading into its bin, by its own words."""
        return self.desktop.log("kdenlive").read_bytes().count(b"ClipController::addmasterproducer")

    def title(self) -> str:
        """The main window's title, with the project's name; empty while there is none."""
        return next(filter(is_main, self.desktop.windows()), "")

    def dialogs(self) -> list[str]:
        """Titles of whatever is open beside main windows: recovery, missing clips, questions."""
        own = {"kdenlive", "Kdenlive", "Qt Selection Owner for kdenlive"}
        return [title for title in self.desktop.windows() if title not in own and not is_main(title)]


def is_main(title: str) -> bool:
    """Whether a window of that title is an editor's, and no question of it."""
    return "/ " in title and "fps" in title  # "film / HD …", "film */ HD …" while something is unsaved


def wait_for(what: Callable[[], object], message: str, seconds: float = SECONDS, beat: float = 0.5) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, f"{message} within {seconds:g} s"
        time.sleep(beat)


@contextmanager
def kdenlive(made: Desktop, *arguments: str) -> Iterator[Kdenlive]:
    """Kdenlive with its window up."""
    program = made.start("kdenlive", *arguments)
    connection = made.bus()
    running = Kdenlive(made, program, connection, f"org.kde.kdenlive-{program.pid}")
    dbus = DBusAddress("/org/freedesktop/DBus", "org.freedesktop.DBus", "org.freedesktop.DBus")

    def on_the_bus() -> bool:
        assert program.poll() is None, f"Kdenlive ended with {program.returncode}"
        reply = connection.send_and_get_reply(new_method_call(dbus, "NameHasOwner", "s", (running.service,)))
        return bool(reply.body[0])

    def has_window() -> bool:
        assert program.poll() is None, f"Kdenlive ended with {program.returncode}"
        assert not running.dialogs(), f"Kdenlive asks: {running.dialogs()}"
        return bool(running.title())

    try:
        wait_for(on_the_bus, "Kdenlive did not come onto the bus")
        wait_for(has_window, "Kdenlive showed no window")
        yield running
    finally:
        running.leave()
        connection.close()
