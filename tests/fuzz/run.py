"""Feeds spoiled files to every reader: `python -m tests.fuzz.run --cases 10000 --format otio`.

A case is a spoiled file, the same for the same format, seed and number. It counts as well when it is read and makes
sense, or is refused with one sentence; within so much processor time and memory. Anything else (another exception, a
crash of the process, a file that takes too long or too much) is told, and the file is kept where `--keep` says.

Cases run in a child process whose memory is bounded; when it dies, the case it was at is to blame and another child
goes on behind it.
"""

import argparse
import faulthandler
import importlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from shotscore_engine.measure import peak_memory_bytes

from .formats import FORMATS, Format, _check_sentence

MOST_SECONDS = 5.0
"""Of processor time for one case; the files are some kilobytes."""
MOST_BYTES = 1 << 30
"""Of memory beyond what the process has before the first case."""


@dataclass
class Tally:
    """What became of a format's cases."""

    format: str
    read: int = 0
    refused: int = 0
    problems: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    peak_bytes: int = 0
    """The most memory above the start."""

    @property
    def cases(self) -> int:
        return self.read + self.refused + len(self.problems)

    def line(self) -> str:
        """For people."""
        return (
            f"{self.format:10} {self.cases:>6} cases  {self.read:>6} read  {self.refused:>6} refused  "
            f"{len(self.problems):>3} problems  slowest {self.slowest_seconds:.2f} s  "
            f"memory {self.peak_bytes / 2**20:.0f} MiB"
        )


def run(
    form: Format, cases: int, seed: int, keep: Path | None = None, first: int = 0, most_seconds: float = MOST_SECONDS
) -> Tally:
    """Feed `cases` spoiled files, numbered from `first`, to a format's reader."""
    tally = Tally(form.name)
    number, end = first, first + cases
    with tempfile.TemporaryDirectory(prefix="shotscore-fuzz-home-") as scratch:
        while number < end:
            reading, writing = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.close(reading)
                _child(form, number, end, seed, Path(scratch), writing, most_seconds)
            os.close(writing)
            at = number
            with os.fdopen(reading, "rb") as answers:
                for line in answers:
                    at = _count(tally, json.loads(line), keep, form, seed)
            _, status = os.waitpid(pid, 0)
            number = end if status == 0 else at + 1
            if status:
                how = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else f"exit code {status >> 8}"
                limit = f" (more than {most_seconds:g} s of processor time)" if how == "SIGPROF" else ""
                _blame(tally, at, f"the process ended: {how}{limit}", keep, form, seed)
    return tally


def _count(tally: Tally, answer: dict[str, object], keep: Path | None, form: Format, seed: int) -> int:
    number = int(str(answer["case"]))
    if "began" in answer:
        return number
    tally.slowest_seconds = max(tally.slowest_seconds, float(str(answer["seconds"])))
    tally.peak_bytes = max(tally.peak_bytes, int(str(answer["bytes"])))
    if answer["kind"] == "read":
        tally.read += 1
    elif answer["kind"] == "refused":
        tally.refused += 1
    else:
        _blame(tally, number, str(answer["text"]), keep, form, seed)
    return number


def _blame(tally: Tally, number: int, text: str, keep: Path | None, form: Format, seed: int) -> None:
    tally.problems.append(f"{form.name} case {number} of seed {seed}: {text}")
    if keep is not None:
        folder = keep / f"{form.name}-{seed}-{number}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        form.make(_generator(form, seed, number), folder)


def _generator(form: Format, seed: int, number: int) -> random.Random:
    return random.Random(f"{form.name}/{seed}/{number}")


def _child(form: Format, first: int, end: int, seed: int, scratch: Path, writing: int, most_seconds: float) -> None:
    code = 1
    try:
        with os.fdopen(writing, "wb", buffering=0) as answers, open(os.devnull, "w") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
            faulthandler.disable()  # it would tell of crashes that are looked for
            for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
                os.environ[variable] = str(scratch / "cache")
            refusals = form.refusals()
            folder = scratch / "warm"  # what is loaded with the first file is no file's fault
            folder.mkdir(exist_ok=True)
            begin = psutil.Process().memory_info().rss
            _bound()
            for number in range(first, end):
                answers.write(json.dumps({"case": number, "began": True}).encode() + b"\n")
                answer = _case(form, number, seed, scratch, refusals, begin, most_seconds)
                answers.write(json.dumps(answer).encode() + b"\n")
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _case(
    form: Format,
    number: int,
    seed: int,
    scratch: Path,
    refusals: tuple[type[Exception], ...],
    begin: int,
    most_seconds: float,
) -> dict[str, object]:
    folder = scratch / f"case{number}"
    folder.mkdir()
    path = form.make(_generator(form, seed, number), folder)
    before = resource.getrusage(resource.RUSAGE_SELF)
    signal.setitimer(signal.ITIMER_PROF, most_seconds)  # whatever runs then, C code too, is ended
    kind, text = "read", ""
    try:
        form.read(path)
    except refusals as problem:
        kind = "refused"
        try:
            _check_sentence(problem)
        except AssertionError as wrong:
            kind, text = "problem", f"{type(problem).__name__} with {wrong}"
    except BaseException as problem:
        where = traceback.extract_tb(problem.__traceback__)[-1]
        kind = "problem"
        text = f"{type(problem).__name__}: {str(problem)[:200]} ({Path(where.filename).name}:{where.lineno})"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    after = resource.getrusage(resource.RUSAGE_SELF)
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(scratch / "cache", ignore_errors=True)  # what bundles were unpacked to: gigabytes in the end
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "case": number,
        "kind": kind,
        "text": text,
        "seconds": seconds,
        "bytes": max(0, peak_memory_bytes() - begin),
    }


def _bound() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = psutil.Process().memory_info().vms + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (wanted if soft == resource.RLIM_INFINITY else min(soft, wanted), hard))


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz, and say what was found; 1 where something was."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--format", choices=[*FORMATS], action="append", help="only this (all of them)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--keep", type=Path, help="folder for the files that made trouble")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for module in ("opentimelineio", "msgspec", "numpy", "aaf2", "onnxruntime", "defusedxml.ElementTree"):
        importlib.import_module(module)  # once here rather than in each child
    tallies = []
    for name in options.format or FORMATS:
        tally = run(FORMATS[name], options.cases, options.seed, options.keep, options.first)
        tallies.append(tally)
        print(tally.line(), file=sys.stderr if options.json else sys.stdout, flush=True)
        if not options.json:
            for problem in tally.problems[:20]:
                print(f"  {problem}", flush=True)
    if options.json:
        print(json.dumps([vars(tally) for tally in tallies]))
    return 1 if any(tally.problems for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
