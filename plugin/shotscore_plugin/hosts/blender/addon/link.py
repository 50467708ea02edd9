"""The add-on's end of the bridge: looks for Shotscore, connects, comes back when either side was restarted.

A thread reads; what Shotscore asks is put aside and done on Blender's main thread by `pump`.
"""

from __future__ import annotations

import os
import queue
import subprocess
import threading
from collections.abc import Callable

import bpy

from . import wire

RETRY_SECONDS = 1.0


class Link:
    """A connection that mends itself."""

    def __init__(self, address: str, command: list[str], handle: wire.Handler) -> None:
        self.address, self.command = address, command
        self._handle = handle
        self._works: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._talk: wire.Talk | None = None
        self._thread: threading.Thread | None = None
        self._launched: subprocess.Popen | None = None
        self.problem = "Shotscore is not running."
        """Why there is no connection."""
        self._title = title()

    @property
    def connected(self) -> bool:
        """Whether Shotscore is there."""
        talk = self._talk
        return talk is not None and not talk.closed.is_set()

    def start(self) -> None:
        """Look for Shotscore until `stop`."""
        self._thread = threading.Thread(target=self._run, daemon=True, name="shotscore-link")
        self._thread.start()

    def stop(self) -> None:
        """Let go."""
        self._stopped.set()
        if self._talk is not None:
            self._talk.channel.close()
        if self._thread is not None:
            self._thread.join(2)

    def launch(self) -> None:
        """Start Shotscore in the background, where it does not run; it ends by itself when nobody needs it."""
        if self.connected or (self._launched is not None and self._launched.poll() is None):
            return
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
        more = {"creationflags": subprocess.CREATE_NO_WINDOW} if os.name == "nt" else {"start_new_session": True}
        self._launched = subprocess.Popen(
            [*self.command, "hosts", "serve"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **more,
        )

    def ask(self, what: str, values: dict) -> wire.Pending:
        """Ask Shotscore. Raises AskError where it is not there."""
        talk = self._talk
        if talk is None:
            raise wire.AskError(self.problem)
        try:
            return talk.ask(what, values)
        except wire.WireError as problem:
            raise wire.AskError(str(problem)) from problem

    def cancel(self, pending: wire.Pending) -> None:
        """The answer is no longer wanted."""
        if self._talk is not None:
            self._talk.cancel(pending)

    def pump(self) -> None:
        """Do what Shotscore asked; called on the main thread."""
        self._title = title()  # Blender's data is read on the main thread only
        while True:
            try:
                work = self._works.get_nowait()
            except queue.Empty:
                return
            work()

    def _run(self) -> None:
        while not self._stopped.is_set():
            address = wire.read_address(self.address)
            if address is None:
                self.problem = "Shotscore is not running."
            else:
                self._speak(address)
            self._stopped.wait(RETRY_SECONDS)

    def _speak(self, address: wire.Address) -> None:
        try:
            channel = wire.connect(address, "blender", self._title)
        except wire.WireError as problem:
            self.problem = str(problem)
            return
        self._talk = wire.Talk(channel, self._handle, self._works.put)
        try:
            self._talk.run()
        finally:
            self._talk = None
            self.problem = "Shotscore has ended."


def title() -> str:
    """What is open."""
    return os.path.basename(bpy.data.filepath) or "unsaved Blender file"
