"""Commands on a session: rescore, take, lock, unlock, undo, redo, reconform.

Each opens the session for itself alone, changes it so that it can be undone, brings the files of its folder up to date
and answers like `score`.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shotscore_engine.errors import RequestError

from .answer import Answer
from .terminal import ProgressLine

if TYPE_CHECKING:
    from shotscore_engine.locks import Lock
    from shotscore_engine.progress import Progress
    from shotscore_engine.request import ScoreRequest
    from shotscore_engine.session import Session, Take

Run = Callable[[argparse.Namespace, ProgressLine], Answer]
Command = Callable[[str, Run, str], argparse.ArgumentParser]
_PAIR = re.compile(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?")
_PIECE = re.compile(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?:\s*(\d+)\s*")


def add_commands(command: Command) -> None:
    """Declare the commands; `command(name, run, about)` makes a parser."""
    rescore = command("rescore", _rescore, "make shots anew and leave everything else as it is")
    session_argument(rescore)
    add = rescore.add_argument
    add("--shots", metavar="A-B", type=_pair, help="first and last shot, both included; all of them without")
    add("--range", metavar="IN-OUT", help="instead of shots: this range, in frames or record timecode")
    add("--parts", metavar="NAMES", type=_names, help="only these: melody, counter, harmony")
    add("--prompt", metavar="TEXT", help="words for these shots")
    add("--mood", metavar="V,A", type=_mood, help="valence and arousal, each -1 to 1")
    add("--energy", metavar="0..1", type=float, help="how much happens")
    add("--density", metavar="0..1", type=float, help="how many notes")
    add("--key", metavar="NAME", help="a key to move to")
    add("--style", metavar="NAME", help="how these shots are orchestrated")
    add("--silence", action="store_true", default=None, help="no music there")
    add("--energy-curve", metavar="FILE", dest="curve_file", type=Path, help="energy drawn by hand: CSV or JSON points")
    add("--seed", metavar="N", type=int, help="another number, another music")
    add("--variation", metavar="0..1", type=float, help="from slightly different to new (1)")
    add("--edge", metavar="NAME", help="a shot that begins inside a bar changes the whole bar, or from the beat (bar)")
    add("--widen-bars", metavar="N", type=int, help="how many bars further out a seam may lie (0)")
    add("--tries", metavar="N", type=int, help="how many versions are tried for a good seam (4)")
    add("--take", metavar="N", type=int, help="the take to start from (the one in use)")
    machine_options(rescore)

    take = command("take", _take, "list, use, star, rename, delete or combine the takes of a cue")
    session_argument(take)
    take.add_argument(
        "action", metavar="ACTION", choices=list(_TAKE_ACTIONS), help="list, use, star, unstar, rename, delete, combine"
    )
    take.add_argument("values", metavar="N", nargs="*", help="a take's number; for combine: BARS:TAKE, as in 1-8:2")

    for name, run, about in (
        ("lock", _lock, "keep a part, a range or both as they are"),
        ("unlock", _unlock, "let them change again (all of them, where nothing is named)"),
    ):
        lock = command(name, run, about)
        session_argument(lock)
        lock.add_argument("--shots", metavar="A-B", type=_pair, help="these shots")
        lock.add_argument("--bars", metavar="A-B", type=_pair, help="these bars, numbered from 1")
        lock.add_argument("--range", metavar="IN-OUT", help="this range, in frames or record timecode")
        lock.add_argument("--part", metavar="NAME", help="melody, counter or harmony; every part without")

    session_argument(command("undo", _undo, "take back what was done last"))
    session_argument(command("redo", _redo, "do again what was taken back"))

    reconform = command("reconform", _reconform, "follow a recut: keep the music where the picture stayed")
    session_argument(reconform, cue=False)
    reconform.add_argument("timeline", metavar="NEW_TIMELINE", help="the recut timeline")
    reconform.add_argument("--tempo", metavar="NAME", default="refit", help="refit it where needed, or keep it (refit)")
    machine_options(reconform)


# --- commands ------------------------------------------------------------------------------------------------------


def _rescore(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    from shotscore_engine.regenerate import Again

    given = {f.name: getattr(options, f.name, None) for f in fields(Again)}
    again = Again(**{name: value for name, value in given.items() if value is not None})
    what = "all shots" if again.shots is None else f"shots {again.shots[0]}-{again.shots[1]}"
    if options.range is not None:
        what = options.range

    def change(session: Session, report: Progress) -> Session:
        name = cue_name(session, options.cue)
        take = session.take(name, again.take)
        if again.style is not None:
            _check_style(again.style)
        asked = again
        if options.range is not None:
            from shotscore_engine.request import parse_range

            asked = replace(asked, frames=parse_range(options.range, session.picture))
        if options.curve_file is not None:
            from shotscore_engine.wishtext import read_curve

            asked = replace(asked, energy_curve=read_curve(options.curve_file, session.picture))
        # Nothing to wait for where it makes no sense.
        from shotscore_engine.regenerate import free_mask

        free_mask(session, take, asked)
        return session.rescore(name, asked, tools_of(take, options), report)

    return changed(options, f"rescore {what}", change, progress)


def _take(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    from shotscore_engine import takes

    if options.action == "list":
        return _list_takes(options)
    values: list[str] = options.values
    action = options.action
    count = _TAKE_ACTIONS[action]
    if (len(values) < 1) if count is None else (len(values) != count):
        raise RequestError(f"`take SESSION {action}` wants {_TAKE_WORDS[action]}; {len(values)} values were given.")
    pieces = [_piece(value) for value in values] if action == "combine" else []
    number = 0 if action == "combine" else _number(values[0])

    def change(session: Session, _: Progress) -> Session:
        cue = cue_name(session, options.cue)
        match action:
            case "use":
                return takes.use_take(session, cue, number)
            case "star" | "unstar":
                return takes.star_take(session, cue, number, action == "star")
            case "rename":
                return takes.rename_take(session, cue, number, values[1])
            case "delete":
                return takes.delete_take(session, cue, number)
            case _:
                return takes.combine_takes(session, cue, pieces)

    return changed(options, f"take {action} {' '.join(values)}", change, progress)


_TAKE_ACTIONS: dict[str, int | None] = {
    "list": 0,
    "use": 1,
    "star": 1,
    "unstar": 1,
    "rename": 2,
    "delete": 1,
    "combine": None,
}
_TAKE_WORDS = {
    **dict.fromkeys(("use", "star", "unstar", "delete"), "a take's number"),
    "rename": "a take's number and a name",
    "combine": "bars and takes, such as 1-8:2 9-16:3",
}


def _list_takes(options: argparse.Namespace) -> Answer:
    from shotscore_engine.sessionfile import read

    session, recovered = read(session_path(options.session))
    rows = [take_row(session, take) for take in session.takes if options.cue in (None, take.cue)]
    lines = [f"{'cue':6} {'take':>4}  {'':2} {'seed':>6} {'energy':>6} {'density':>7} {'hits':>7}  {'seam':>4}  name"]
    for row in rows:
        marks = ("*" if row["starred"] else " ") + (">" if row["in_use"] else " ")
        seam = "" if row["seam"] is None else f"{row['seam']['score']:.2f}"
        lines.append(
            f"{row['cue']:6} {row['take']:>4}  {marks} {row['seed']:>6} {row['energy']:>6.2f} {row['density']:>7.2f} "
            f"{row['hits_met']:>3}/{row['hits']:<3}  {seam:>4}  {row['name']}"
        )
    warnings = [recovered] if recovered else []
    text = "\n".join([*lines, "> in use, * starred", *(f"Warning: {sentence}" for sentence in warnings)])
    return Answer({"takes": rows, "chosen": session.chosen, "warnings": warnings}, text)


def take_row(session: Session, take: Take) -> dict[str, Any]:
    """A take in plain values: what it is called, how it came to be, and its short measures."""
    from shotscore_engine.takes import measure_take

    revision = take.revision
    return {
        "cue": take.cue,
        "take": take.number,
        "name": take.name,
        "starred": take.starred,
        "in_use": session.chosen.get(take.cue) == take.number,
        "seed": take.request.seed if revision is None else revision.seed,
        "key": take.key,
        "style": take.style,
        "made_by": "score" if revision is None else revision.kind,
        "from_take": None if revision is None else revision.base,
        "earlier_edit": take.edit != len(session.edits),
        "seam": None if revision is None else {**asdict(revision.seam), "score": round(revision.seam.score, 4)},
        **asdict(measure_take(session, take)),
    }


def _lock(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    return _locked(options, progress, lambda locks, lock: locks if lock in locks else (*locks, lock))


def _unlock(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    named = any(getattr(options, name) is not None for name in ("shots", "bars", "range", "part"))

    def change(locks: tuple[Lock, ...], lock: Lock) -> tuple[Lock, ...]:
        if not named:
            return tuple(old for old in locks if old.cue != lock.cue)
        if lock not in locks:
            there = "; ".join(str(old) for old in locks) or "none"
            raise RequestError(f"There is no lock on {lock}; there is {there}.")
        return tuple(old for old in locks if old != lock)

    return _locked(options, progress, change)


def _locked(
    options: argparse.Namespace,
    progress: ProgressLine,
    change: Callable[[tuple[Lock, ...], Lock], tuple[Lock, ...]],
) -> Answer:
    from shotscore_engine.sessionfile import SessionFile

    del progress
    with SessionFile(session_path(options.session)) as file:
        lock = _lock_of(file.session, options)
        words = f"{'lock' if options.run is _lock else 'unlock'} {lock}"
        session = file.do(words, lambda session: replace(session, locks=change(session.locks, lock)))
        warnings = [file.recovered] if file.recovered else []
    table = {"locks": [asdict(one) for one in session.locks], "warnings": warnings}
    text = "\n".join([f"Locked: {one}" for one in session.locks] or ["Nothing is locked."])
    return Answer(table, text)


def _lock_of(session: Session, options: argparse.Namespace) -> Lock:
    from shotscore_engine.locks import Lock
    from shotscore_engine.regenerate import shot_frames
    from shotscore_engine.request import parse_range
    from shotscore_engine.timing import quantise

    cue = session.cue(cue_name(session, options.cue))
    ranges: list[tuple[int, int]] = []
    if options.shots is not None:
        ranges.append(shot_frames(session.picture, cue, options.shots))
    if options.range is not None:
        ranges.append(parse_range(options.range, session.picture))
    if options.bars is not None:
        frames = session.take(cue.name).grid.bar_frames(session.picture.rate, cue.start_frame)
        first, last = options.bars
        if not 1 <= first <= last <= len(frames):
            raise RequestError(f"The bars {first}-{last} are not there; {cue.name} has the bars 1-{len(frames)}.")
        ranges.append((quantise(frames[first - 1]), quantise(frames[last]) if last < len(frames) else cue.end_frame))
    if len(ranges) > 1:
        raise RequestError("Name the range once: by --shots, --bars or --range.")
    start, end = ranges[0] if ranges else (None, None)
    return Lock(cue.name, options.part, start, end)


def _undo(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    from shotscore_engine import history

    return changed(options, None, lambda session, _: history.undo(session), progress)


def _redo(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    from shotscore_engine import history

    return changed(options, None, lambda session, _: history.redo(session), progress)


def _reconform(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    from shotscore_engine.reconform import change_table, changes_text, reconform

    made: list[Any] = []

    def change(session: Session, report: Progress) -> Session:
        loaded: list[Any] = []

        def tools() -> Any:
            if not loaded:
                loaded.append(tools_of(session.take(session.cues[0].name), options))
            return loaded[0]

        followed = reconform(session, Path(options.timeline), tools, tempo=options.tempo, progress=report)
        made.append(followed)
        return followed.session

    answer = changed(options, f"reconform to {Path(options.timeline).name}", change, progress)
    (followed,) = made
    return Answer({**answer.table, "changes": change_table(followed)}, f"{changes_text(followed)}\n\n{answer.text}")


# --- what they share -----------------------------------------------------------------------------------------------


def changed(
    options: argparse.Namespace,
    did: str | None,
    change: Callable[[Session, Progress], Session],
    progress: ProgressLine,
) -> Answer:
    """Change the session, so that it can be undone (undo and redo themselves have no `did`), and deliver it."""
    from shotscore_engine import history
    from shotscore_engine.measure import Stopwatch
    from shotscore_engine.sessionfile import SessionFile
    from shotscore_exporters.delivery import check_folder, deliver

    from .commands import score_text

    path = session_path(options.session)
    watch = Stopwatch(progress)
    with SessionFile(path) as file:
        before = file.session
        if before.name != path.stem:  # somebody gave the file another name
            before = replace(before, title=path.stem)
        check_folder(before.name, path.parent)
        watch("read", 1.0)
        after = change(before, watch)
        if did is not None:
            after = history.record(before, after, did)
        delivery = deliver(after, path.parent, watch)
        table = dict(delivery.report)
        if file.recovered:
            table["warnings"] = [*table["warnings"], file.recovered]
    table["takes"] = [take_row(after, take) for take in after.takes]
    table["locks"] = [asdict(lock) for lock in after.locks]
    table["undo"] = [step.did for step in reversed(after.past)]
    table["redo"] = [step.did for step in after.future]
    return Answer(table, "\n".join([score_text(table, path.parent), *_seams(before, after)]))


def _seams(before: Session, after: Session) -> list[str]:
    """How smoothly the takes that were made join what they stand in."""
    known = {(take.cue, take.number) for take in before.takes}
    return [
        f"Take {take.number} of {take.cue}: seam {take.revision.seam.score:.2f} "
        "(1 is as smooth as the music's own bar lines)."
        for take in after.takes
        if (take.cue, take.number) not in known and take.revision is not None
    ]


def session_path(text: str) -> Path:
    """The session's file; a folder means the one session in it."""
    from shotscore_engine.session import SUFFIX

    path = Path(text)
    if not path.is_dir():
        return path.absolute()
    found = sorted(path.glob(f"[!.]*{SUFFIX}"))
    if len(found) != 1:
        names = ", ".join(one.name for one in found) or "none"
        raise RequestError(f"{path} holds {len(found)} sessions ({names}); name the file.")
    return found[0].absolute()


def cue_name(session: Session, asked: str | None) -> str:
    """The cue asked for, or the only one. Raises RequestError where it is not there, or several are."""
    if asked is not None:
        return session.cue(asked).name
    if len(session.cues) != 1:
        names = ", ".join(cue.name for cue in session.cues) or "none"
        raise RequestError(f"The session has {len(session.cues)} cues ({names}); name one with --cue.")
    return session.cues[0].name


def tools_of(take: Take, options: argparse.Namespace) -> Any:
    """The model and style the take was made with, or the model asked for."""
    from shotscore_engine.session import Tools

    request: ScoreRequest = replace(take.request, style=take.style)
    if options.model is not None:
        request = replace(request, model=options.model)
    if options.device is not None:
        request = replace(request, device=options.device)
    return Tools.load(request)


def _check_style(name: str) -> None:
    from shotscore_engine.styles import load_style

    load_style(name)


def session_argument(parser: argparse.ArgumentParser, cue: bool = True) -> None:
    """Declare SESSION, and `--cue` where one is meant."""
    parser.add_argument("session", metavar="SESSION", help="the .shotscore file, or its folder")
    if cue:
        parser.add_argument("--cue", metavar="NAME", help="which cue, where there are several (1m01)")


def machine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", metavar="NAME", help="auto, cuda, coreml or cpu")
    parser.add_argument("--model", metavar="FILE", type=Path, help="another denoiser (.onnx)")


def _pair(text: str) -> tuple[int, int]:
    match = _PAIR.fullmatch(text)
    if match is None:
        raise ValueError
    return int(match[1]), int(match[2] or match[1])


_pair.__name__ = "range A-B"  # argparse puts the function's name into its message


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _mood(text: str) -> tuple[float, float]:
    valence, arousal = text.split(",")
    return float(valence), float(arousal)


_mood.__name__ = "valence,arousal"


def _number(text: str) -> int:
    if not text.isdigit():
        raise RequestError(f"{text!r} is not a take's number; `take SESSION list` shows them.")
    return int(text)


def _piece(text: str) -> tuple[int, int, int]:
    match = _PIECE.fullmatch(text)
    if match is None:
        raise RequestError(f"{text!r} is not BARS:TAKE; write for example 1-8:2.")
    return int(match[1]), int(match[2] or match[1]), int(match[3])


__all__: Sequence[str] = (
    "add_commands",
    "changed",
    "cue_name",
    "session_argument",
    "session_path",
    "take_row",
    "tools_of",
)
