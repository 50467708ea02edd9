"""`shotscore batch LIST --out DIR`: many timelines, each scored into its own folder by a process of its own.

A process each, so that whatever befalls one (bad input, a crash, no memory) stops none of the others. What is done is
noted in DIR/batch.json after every item: the same command goes on where it was stopped, and does again only what
failed, or whose timeline or options have changed. With `--scheduler` the items run on the workers of a Dask cluster
that runs already; they must see the same folders under the same names. Connecting to a scheduler means trusting it:
Dask's own messages are pickles.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import html
import json
import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from shotscore_engine.atomic import replace_file
from shotscore_engine.errors import OutputError, RequestError

from .answer import CANCELLED, FAILED, OK, Answer
from .terminal import ProgressLine

STATE, PAGE = "batch.json", "batch.html"
MOST_ITEMS = 100_000
_ENDING_SECONDS = 20.0
"""How long a process that was told to end may take to clear up."""
_OWN_OPTIONS = ("run", "json", "list", "out", "scheduler", "again")

Command = Callable[[str, Callable[[argparse.Namespace, ProgressLine], Answer], str], argparse.ArgumentParser]


@dataclass(frozen=True)
class Item:
    """A timeline of a batch and what became of it."""

    name: str
    """The folder's, inside the batch's own."""
    timeline: str
    state: str = "waiting"
    """waiting, done or failed."""
    problem: str = ""
    """Why it failed, in the sentence `score` gave."""
    seconds: float = 0.0
    mark: str = ""
    """Of the timeline's contents and the options it was scored with."""
    summary: str = ""
    """Tempo, key and hits, for the report."""


def add_command(command: Command, score_options: Callable[[argparse.ArgumentParser], None]) -> None:
    """Declare the command; `score_options` declares what `score` takes."""
    batch = command("batch", run, "score many timelines, each into its own folder")
    batch.add_argument("list", metavar="LIST", help="a folder of timelines, or a text file with a path a line")
    batch.add_argument("--out", metavar="DIR", required=True, help="folder for the results and the report")
    batch.add_argument("--again", action="store_true", help="also what is done already")
    batch.add_argument("--scheduler", metavar="ADDRESS", help="run on the Dask cluster there, such as tcp://host:8786")
    score_options(batch)


def run(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    """Score what is not done yet; an item that fails stops nothing, and is told at the end."""
    out = Path(options.out).absolute()
    words = tuple(_words(options))
    found = timelines(Path(options.list))
    items = planned(found, read_state(out), words, again=options.again)
    todo = [item for item in items if item.state == "waiting"]
    rows = {item.name: item for item in items}
    write_state(out, rows.values())  # also tells at once where nothing can be written
    runner = _on_dask(options.scheduler) if options.scheduler else _here
    try:
        if todo:
            progress("Scoring", 0.0)
        for number, item in enumerate(runner(todo, out, words), 1):
            rows[item.name] = item
            write_state(out, rows.values())
            progress.tell(f"{number} of {len(todo)}: {item.state} {item.name}: {item.problem or item.summary}")
            progress("Scoring", number / len(todo))
    finally:
        write_state(out, rows.values())
    return _answer(list(rows.values()), out)


# --- what is to be done --------------------------------------------------------------------------------------------


def timelines(listed: Path) -> list[Path]:
    """The timelines a folder holds, sorted, or those a text file names, a line each; `#` begins a comment.

    Raises RequestError where there are none, or where the list cannot be read.
    """
    from shotscore_engine.readers import EXTENSIONS, VIDEO_EXTENSIONS

    try:
        if listed.is_dir():
            known = {*EXTENSIONS, *VIDEO_EXTENSIONS}
            entries = (path for path in listed.iterdir() if not path.name.startswith("."))
            found = sorted(path for path in entries if path.suffix.lower() in known)
            timelines_first = [path for path in found if path.suffix.lower() in EXTENSIONS]
            found = timelines_first or found  # media beside its timelines are no timelines
        else:
            lines = (line.strip() for line in listed.read_text(encoding="utf-8-sig").splitlines())
            found = [listed.parent / line for line in lines if line and not line.startswith("#")]
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise RequestError(f"The list {listed} cannot be read: {reason}; give a folder, or a text file.") from problem
    if not found:
        raise RequestError(f"{listed} names no timeline; give a folder that holds some, or a file with a path a line.")
    if len(found) > MOST_ITEMS:
        raise RequestError(f"{listed} names {len(found):,} timelines; {MOST_ITEMS:,} are the most at once.")
    return [path.absolute() for path in found]


def planned(found: Sequence[Path], before: dict[str, Item], words: Sequence[str], *, again: bool = False) -> list[Item]:
    """An item for each timeline: as it was left where it is done and nothing changed, else waiting.

    Timelines of the same name get numbers, in the order of the list: `edit`, `edit-2`.
    """
    by_timeline = {item.timeline: item for item in before.values()}
    taken: set[str] = {item.name for item in by_timeline.values()}
    items = []
    for path in dict.fromkeys(found):
        known = by_timeline.get(str(path))
        name = known.name if known else _free_name(path.stem or "timeline", taken)
        taken.add(name)
        mark = _mark(path, words)
        is_done = known is not None and known.state == "done" and known.mark == mark and not again
        items.append(known if known is not None and is_done else Item(name, str(path), mark=mark))
    return items


def _free_name(stem: str, taken: set[str]) -> str:
    name, number = stem, 2
    while name.lower() in {other.lower() for other in taken}:
        name, number = f"{stem}-{number}", number + 1
    return name


def _mark(path: Path, words: Sequence[str]) -> str:
    digest = hashlib.sha256("\0".join(words).encode())
    try:
        if path.is_file():
            digest.update(f"{path.stat().st_size}".encode())
            with path.open("rb") as file:
                digest.update(file.read(1 << 22))
    except OSError:
        return ""
    return digest.hexdigest()[:16]


def _words(options: argparse.Namespace) -> Iterator[str]:
    """The options of `score` that were given, as they are written on a command line."""
    renamed = {"tempo_bpm": "tempo", "loudness_lufs": "loudness", "curve_file": "energy-curve"}
    for name, value in sorted(vars(options).items()):
        if name in _OWN_OPTIONS or value is None or value == [] or value == "":
            continue
        option = f"--{renamed.get(name, name).replace('_', '-')}"
        if value is True:
            yield option
        elif value is False:
            yield option.replace("--", "--no-", 1)
        elif isinstance(value, tuple):
            yield f"{option}={','.join(map(str, value))}"
        else:
            for one in value if isinstance(value, list) else [value]:
                yield f"{option}={one.absolute() if isinstance(one, Path) else one}"  # workers stand elsewhere


# --- doing it ------------------------------------------------------------------------------------------------------


def score_item(item: Item, out: str, words: Sequence[str]) -> Item:
    """Score one timeline in a process of its own; the item with what became of it. Never raises for bad input."""
    begun = time.monotonic()
    command = [sys.executable, "-m", "shotscore_plugin.cli", "score", item.timeline, "--json"]
    command += ["--out", str(Path(out) / item.name), *words]
    try:
        done = _run(command)
    except OSError as problem:
        return replace(item, state="failed", problem=f"The process could not be started: {problem}.")
    seconds = round(time.monotonic() - begun, 2)
    if done.returncode == CANCELLED:
        raise KeyboardInterrupt
    if done.returncode != OK:
        return replace(item, state="failed", problem=_sentence(done), seconds=seconds)
    return replace(item, state="done", seconds=seconds, summary=_summary(done.stdout))


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """The command as a process, to its end; where this one is stopped it is told to end as well, and waited for."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            said, told = process.communicate()
        except BaseException:
            process.terminate()
            try:
                process.wait(_ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, said, told)


def _sentence(done: subprocess.CompletedProcess[str]) -> str:
    said = [line.removeprefix("shotscore: ") for line in done.stderr.splitlines() if line.startswith("shotscore: ")]
    if said:
        return said[-1]
    return f"The process ended with {done.returncode}{' (killed, perhaps for want of memory)' * (done.returncode < 0)}."


def _summary(answer: str) -> str:
    try:
        cues = json.loads(answer)["cues"]
        counted = [hit for cue in cues for hit in cue["hits"] if hit["state"] != "ignored"]
        met = sum(hit["state"] == "met" for hit in counted)
        tempi = ", ".join(f"{cue['tempo_bpm']:.1f} BPM in {cue['key']}" for cue in cues)
    except (ValueError, KeyError, TypeError):
        return ""
    return f"{tempi}; {met} of {len(counted)} hits met"


def _here(todo: Iterable[Item], out: Path, words: Sequence[str]) -> Iterator[Item]:
    for item in todo:
        yield score_item(item, str(out), words)


def _on_dask(address: str) -> Callable[[Sequence[Item], Path, Sequence[str]], Iterator[Item]]:
    """A runner on the cluster whose scheduler is at `address`. Raises RequestError where it is not there."""
    try:
        from distributed import Client, as_completed
    except ModuleNotFoundError as problem:
        raise RequestError(
            f"--scheduler needs {problem.name}; install it with: pip install 'shotscore[cluster]'."
        ) from problem
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # it tells of a lost scheduler in a traceback
    try:
        client = Client(address, timeout=10)  # type: ignore[no-untyped-call]  # Dask has no types
    except (OSError, ValueError, TimeoutError) as problem:
        raise RequestError(
            f"There is no Dask scheduler at {address!r}: {problem}; start one, or leave it out."
        ) from problem

    def runner(todo: Sequence[Item], out: Path, words: Sequence[str]) -> Iterator[Item]:
        with client:
            waiting = {client.submit(score_item, item, str(out), list(words), pure=False): item for item in todo}
            for future in as_completed(list(waiting)):  # type: ignore[no-untyped-call]  # Dask has no types
                yield _outcome(future, waiting[future], address)

    return runner


def _outcome(future: Any, item: Item, address: str) -> Item:
    """What became of an item on a cluster. Raises RequestError where the scheduler is gone, or gave it up."""
    try:
        done: Item = future.result()
    except (CancelledError, asyncio.CancelledError) as gone:
        raise RequestError(
            f"The Dask scheduler at {address!r} is gone; what is done is noted: start it and give the same command."
        ) from gone
    except Exception as problem:  # the worker is gone, or has no Shotscore
        text = f"The worker failed: {type(problem).__name__}: {problem}."
        return replace(item, state="failed", problem=" ".join(text.split()))
    return done


# --- what is left --------------------------------------------------------------------------------------------------


def read_state(out: Path) -> dict[str, Item]:
    """The items of an earlier run, by name. Raises OutputError where the file is somebody else's."""
    path = out / STATE
    if not path.exists():
        return {}
    try:
        rows = json.loads(path.read_bytes())["items"]
        return {row["name"]: Item(**{name: row[name] for name in Item.__dataclass_fields__}) for row in rows}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as problem:
        raise OutputError(f"{path} is not a batch's list; move it away, or choose another folder.") from problem


def write_state(out: Path, items: Iterable[Item]) -> None:
    """batch.json and batch.html, each whole or as before."""
    rows = list(items)
    table = {"items": [asdict(item) for item in rows], "counts": _counts(rows)}
    replace_file(out / STATE, json.dumps(table, indent=1, ensure_ascii=False).encode() + b"\n")
    replace_file(out / PAGE, _page(rows))


def _counts(items: Sequence[Item]) -> dict[str, int]:
    return {state: sum(item.state == state for item in items) for state in ("done", "failed", "waiting")}


def _page(items: Sequence[Item]) -> bytes:
    rows = "".join(
        f'<tr class="{item.state}"><td>{html.escape(item.name)}</td><td>{item.state}</td><td>{item.seconds:.1f}</td>'
        f"<td>{html.escape(item.problem or item.summary)}</td><td>{html.escape(item.timeline)}</td></tr>\n"
        for item in items
    )
    counts = ", ".join(f"{number} {state}" for state, number in _counts(items).items())
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Batch</title><style>body{font:15px sans-serif;'
        "margin:2em}table{border-collapse:collapse}td,th{padding:.3em .8em;border-bottom:1px solid;text-align:left}"
        f".failed{{background:#fdd}}</style><h1>Batch: {counts}</h1><table><tr><th>name<th>state<th>seconds<th>result"
        f"<th>timeline</tr>\n{rows}</table></html>\n"
    ).encode()


def _answer(items: Sequence[Item], out: Path) -> Answer:
    counts = _counts(items)
    lines = [f"{item.state:8} {item.name}: {item.problem or item.summary}" for item in items]
    lines += [", ".join(f"{number} {state}" for state, number in counts.items()), f"Report: {out / PAGE}"]
    table: dict[str, Any] = {"items": [asdict(item) for item in items], "counts": counts, "report": str(out / PAGE)}
    return Answer(table, "\n".join(lines), FAILED if counts["failed"] else OK)
