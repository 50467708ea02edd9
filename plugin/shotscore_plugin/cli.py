"""The command line: a thin face of `Session`. See docs/cli.md for what it promises.

Results go to standard output (with `--json` as one JSON object), progress and warnings to standard error. It exits 0
on success, 2 on bad usage or bad input with one sentence, 1 on an internal failure, 130 when cancelled. Heavy modules
are imported where they are used, so that `--help` is quick.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from shotscore_engine import __version__
from shotscore_engine.errors import LONGEST_SENTENCE, NO_MEMORY, Cancelled, InputError, RequestError, lacks_memory

from . import cue_commands, delivery_commands, host_commands, panel, session_commands
from .answer import BAD_INPUT, CANCELLED, FAILED, OK, Answer
from .terminal import ProgressLine

if TYPE_CHECKING:
    from shotscore_engine.request import ScoreRequest

Command = Callable[[argparse.Namespace, ProgressLine], Answer]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise RequestError(f"{message}; see {self.prog} --help.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    arguments = _joined(list(sys.argv[1:] if argv is None else argv))
    with ProgressLine(sys.stderr) as progress, _ending_like_ctrl_c():
        try:
            if handed := _hand_over(arguments):
                return handed()
            options = _parser(arguments[:1]).parse_args(arguments)
            answer: Answer = options.run(options, progress)
        except SystemExit as done:  # argparse, after --help or --version
            return int(done.code or 0)
        except InputError as problem:
            return _complain(progress, str(problem), BAD_INPUT)
        except (Cancelled, KeyboardInterrupt):
            return _complain(progress, "Stopped; nothing half-written is left.", CANCELLED)
        except Exception as problem:
            if os.environ.get("SHOTSCORE_DEBUG"):
                raise
            if lacks_memory(problem):
                return _complain(progress, NO_MEMORY, FAILED)
            told = " ".join(str(problem).split())[:LONGEST_SENTENCE]
            sentence = f"Internal failure: {type(problem).__name__}: {told} (SHOTSCORE_DEBUG=1 shows where)."
            return _complain(progress, sentence, FAILED)
    try:
        print(json.dumps(answer.table, ensure_ascii=False) if options.json else answer.text, flush=True)
    except BrokenPipeError:  # `shotscore spot edit.otio | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return answer.code


def answer_of(argv: Sequence[str], progress: ProgressLine) -> Answer:
    """One command for the add-ons: what it has to say, and errors as they are raised."""
    arguments = _joined(list(argv))
    options = _parser(arguments[:1]).parse_args(arguments)
    answer: Answer = options.run(options, progress)
    return answer


# --- commands ----------------------------------------------------------------------------------------------------


def _demo(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    from . import demo

    return demo.run(Path(options.out), progress)


def _spot(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    from .commands import spot

    return spot(Path(options.timeline), options.plot, _request(options), progress)


def _score(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    from .commands import Where, score

    return score(Path(options.timeline), Path(options.out), Where.of(options), _request(options), progress)


def _doctor(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    from . import doctor

    findings = doctor.examine(Path(options.out), progress)
    table = doctor.answer(findings)
    return Answer(table, doctor.table(findings), OK if table["ok"] else FAILED)


RESEARCH = {
    "evaluate": "measure the model on songs it never saw: the paper's tables",
    "figures": "draw the paper's figures with this model",
}
"""Modules of `shotscore_engine.training` with `add_arguments` and `run`."""


def _research(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    table = _research_module(options.module).run(options, progress)
    return Answer(table, json.dumps(table, indent=1, ensure_ascii=False))


def _research_module(name: str) -> Any:
    try:
        return importlib.import_module(f"shotscore_engine.training.{name}")
    except ModuleNotFoundError as problem:
        if (problem.name or "").startswith("shotscore"):
            raise
        raise RequestError(
            f"{name} needs {problem.name}; install it with: pip install 'shotscore[train]'."
        ) from problem


WORKSHOP: dict[str, dict[tuple[str, ...], str]] = {
    "dataset": {(): "dataset"},
    "train": {("codec",): "train_codec", ("denoiser",): "train_denoiser", ("export",): "export"},
}
"""Commands that are whole programs of `shotscore_engine.training`, by the words that choose one."""


def _hand_over(arguments: list[str]) -> Callable[[], int] | None:
    """The workshop's program that `arguments` ask for; it reads the rest of them itself. None where it is not asked."""
    command, *rest = arguments or [""]
    for words, module in WORKSHOP.get(command, {}).items():
        if tuple(rest[: len(words)]) == words:
            wanted = [word for word in rest[len(words) :] if word != "--json"]  # `dataset` answers with JSON anyway
            return lambda: int(_research_module(module).main(wanted) or OK)
    return None


def _choose(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    del progress
    programs = ", ".join(" ".join(words) for words in WORKSHOP[options.command])
    raise RequestError(f"{options.command} wants one of: {programs}; see shotscore {options.command} --help.")


# --- options -----------------------------------------------------------------------------------------------------


def _parser(asked: Sequence[str]) -> argparse.ArgumentParser:
    """The parser; a research command declares its options itself, and only where it is `asked` for."""
    parser = _Parser(prog="shotscore", description="Music for an edit: reads the timeline and follows its cuts.")
    parser.add_argument("--version", action="version", version=f"shotscore {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Command, about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(run=run)
        made.add_argument("--json", action="store_true", help="answer with one JSON object")
        return made

    demo = command("demo", _demo, "make a small film and its edit, score it, say where everything is")
    demo.add_argument("--out", metavar="DIR", default="shotscore-demo", help="folder to write to (%(default)s)")

    spot = command("spot", _spot, "print picture, shots, hits and the tempi that serve them")
    _timeline_argument(spot)
    spot.add_argument("--plot", metavar="FILE", type=Path, help="draw it as well (.svg or .png)")
    _detect_option(spot)

    score = command("score", _score, "write music for a timeline: MIDI, stems, mix, and a copy of the timeline")
    _timeline_argument(score)
    score.add_argument("--out", metavar="DIR", required=True, help="folder to write to")
    _score_options(score)

    session_commands.add_commands(command)
    delivery_commands.add_commands(command)
    cue_commands.add_commands(command, _score_options, _request)

    host_commands.add_commands(command)
    panel.add_commands(command)

    from . import batch

    batch.add_command(command, _score_options)

    doctor = command("doctor", _doctor, "say what works on this machine and what to do about the rest")
    doctor.add_argument("--out", metavar="DIR", default=".", help="folder results would go to (%(default)s)")

    for name, about in RESEARCH.items():
        research = command(name, _research, about)
        research.set_defaults(module=name)
        if name in asked:
            _research_module(name).add_arguments(research)
    command("dataset", _choose, "gather songs for training")
    train = command("train", _choose, "train the codec, then the denoiser, then export both")
    train.set_defaults(command="train")
    train.add_argument("program", metavar="codec|denoiser|export", nargs="?", help="each has its own --help")
    return parser


def _timeline_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("timeline", metavar="TIMELINE", help="a timeline (.otio, .otioz, .otiod ...) or a video file")


def _detect_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--detect", metavar="NAME", help="looks for cuts inside long clips: adaptive, transnet or none (adaptive)"
    )


def _score_options(parser: argparse.ArgumentParser) -> None:
    """Every option of CLI `score`; names without a default take `ScoreRequest`'s own."""
    add = parser.add_argument
    add("--range", metavar="IN-OUT", help="only this range, in frames or record timecode; OUT is exclusive")
    add("--prompt", metavar="TEXT", help="words for the music")
    add("--mood", metavar="V,A", type=_mood, help="valence and arousal, each -1 to 1, instead of what the picture says")
    add("--style", metavar="NAME", help="how the music is orchestrated")
    add("--tempo", metavar="BPM", dest="tempo_bpm", type=float, help="quarter notes a minute, instead of a solved one")
    add("--tempo-map", action=argparse.BooleanOptionalAction, default=None, help="bend the tempo to land on hits (yes)")
    add("--ending", metavar="NAME", help="hard: cut off; ring: the last accent rings out; fade (ring)")
    add("--accent", metavar="FRAME", help="where the last accent shall fall: a frame or record timecode")
    add("--wish", metavar="TEXT", action="append", default=[], help="for a range: '0-120: words=rain; energy=0.2'")
    add("--energy-curve", metavar="FILE", type=Path, help="energy drawn by hand: CSV lines frame,energy, or JSON")
    add("--key", metavar="NAME", help='such as "A minor"')
    add("--energy", metavar="0..1", type=float, help="how much happens")
    add("--seed", metavar="N", type=int, help="another number, another music (1)")
    add("--takes", metavar="N", type=int, help="how many versions (1)")
    add("--steps", metavar="N", type=int, help="denoising steps")
    add("--guidance", metavar="X", type=float, help="how strongly the picture steers")
    add(
        "--selector",
        metavar="NAME",
        help="which features steer when: video, language, random, concat, video+language, language+video or none",
    )
    add("--mask", metavar="NAME", help="windows of attention: fixed, dynamic, shot or aligned")
    add("--device", metavar="NAME", help="auto, cuda, coreml or cpu (auto)")
    add("--model", metavar="FILE", type=Path, help="another denoiser (.onnx)")
    add("--soundfont", metavar="FILE", type=Path, help="instruments (.sf2, .sf3)")
    add("--loudness", metavar="LUFS", dest="loudness_lufs", type=float, help="of the mix (-23)")
    add("--duck", action=argparse.BooleanOptionalAction, default=None, help="make room for speech (yes)")
    _detect_option(parser)
    add("--strict-media", action="store_true", default=None, help="missing media is an error, not a warning")


def _request(options: argparse.Namespace) -> ScoreRequest:
    from dataclasses import fields

    from shotscore_engine.request import ScoreRequest

    given = {f.name: getattr(options, f.name, None) for f in fields(ScoreRequest) if f.name != "energy_curve"}
    return ScoreRequest(**{name: value for name, value in given.items() if value is not None})


def _mood(text: str) -> tuple[float, float]:
    valence, arousal = text.split(",")
    return float(valence), float(arousal)


_mood.__name__ = "valence,arousal"  # argparse puts the function's name into its message


def _joined(arguments: list[str]) -> list[str]:
    """`--mood -0.5,0.2` as `--mood=-0.5,0.2`: argparse takes a list that begins with a minus for an option."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] == "--mood":
            joined[-1] = f"--mood={argument}"
        else:
            joined.append(argument)
    return joined


# --- the process -------------------------------------------------------------------------------------------------


def _complain(progress: ProgressLine, sentence: str, code: int) -> int:
    progress.clear()
    print(f"shotscore: {sentence}", file=sys.stderr)
    return code


@contextmanager
def _ending_like_ctrl_c() -> Iterator[None]:
    """Being told to end (SIGTERM) cleans up as Ctrl-C does. Only a process's main thread may arrange that."""

    def stop(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.exit(main())
