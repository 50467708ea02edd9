"""`shotscore hosts`: the editors on this machine, and our add-ons in them."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from shotscore_engine.errors import HostError, RequestError

from . import hosts
from .answer import Answer
from .terminal import ProgressLine

Run = Callable[[argparse.Namespace, ProgressLine], Answer]
IDLE_SECONDS = 600.0
"""After that long without an editor, `hosts serve` ends."""
_NEXT = {
    "blender": "Start Blender again, tick Shotscore under Edit > Preferences > Add-ons, and open its tab in the "
    "sidebar of the Video Sequencer (N)."
}
"""What is left to do after an install."""


def add_commands(command: Callable[[str, Run, str], argparse.ArgumentParser]) -> None:
    """Declare the command; `command(name, run, about)` makes a parser."""
    parser = command("hosts", _run, "list the editors, install our add-on into one, or take it out again")
    parser.add_argument("action", metavar="ACTION", choices=list(_ACTIONS), help="list, install, remove or serve")
    parser.add_argument("host", metavar="HOST", nargs="?", help=f"one of {', '.join(hosts.HOSTS)}")
    parser.add_argument(
        "--idle", metavar="SECONDS", type=float, default=IDLE_SECONDS, help="serve: end after so long without an editor"
    )


def _run(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    del progress
    wanted = options.action in ("install", "remove")
    if wanted != (options.host is not None):
        raise RequestError(
            f"`hosts {options.action}` wants {'the name of one host' if wanted else 'no more words'}; "
            f"there are {', '.join(hosts.HOSTS)}."
        )
    return _ACTIONS[options.action](options)


def _list(options: argparse.Namespace) -> Answer:
    del options
    rows = [
        {
            "name": one.name,
            "installed": one.installed(),
            "found": one.found() is not None,
            "tested": one.tested,
            "title": one.title,
            "files": list(one.suffixes),
        }
        for one in hosts.programs()
    ]
    lines = [f"{'name':10} {'found':6} {'add-on':10} what"]
    for row in rows:
        tested = f"tested with {row['tested']}" if row["tested"] else "never met the real program"
        lines.append(
            f"{row['name']:10} {'yes' if row['found'] else '-':6} {'in place' if row['installed'] else '-':10} "
            f"{row['title']} ({tested})"
        )
    return Answer({"hosts": rows}, "\n".join(lines))


def _install(options: argparse.Namespace) -> Answer:
    program = hosts.program(options.host)
    written = [str(path) for path in program.install()]
    more = _NEXT.get(program.name, "") if written else "Nothing has to be installed."
    table = {"host": program.name, "installed": program.installed(), "files": written, "next": more}
    return Answer(table, "\n".join([f"{program.title}:", *written, more]).rstrip())


def _remove(options: argparse.Namespace) -> Answer:
    program = hosts.program(options.host)
    gone = [str(path) for path in program.remove()]
    table = {"host": program.name, "installed": bool(gone) and program.installed(), "removed": gone}
    return Answer(table, "\n".join([f"{program.title}: {len(gone)} files removed.", *gone]))


def _serve(options: argparse.Namespace) -> Answer:
    """Answer the add-ons until told to end, or until nobody is there for long."""
    from .bridge import Bridge

    bridge = Bridge()
    try:
        bridge.start(take_over=False)
    except HostError as problem:
        return Answer({"served": False, "reason": str(problem)}, str(problem))
    alone_since = time.monotonic()
    try:
        while not bridge.stopped.wait(0.5):
            if bridge.hosts:
                alone_since = time.monotonic()
            elif time.monotonic() - alone_since > options.idle:
                break
    finally:
        bridge.stop()
    return Answer({"served": True, "reason": ""}, "No editor is connected any more.")


_ACTIONS: dict[str, Callable[[argparse.Namespace], Answer]] = {
    "list": _list,
    "install": _install,
    "remove": _remove,
    "serve": _serve,
}
