"""`shotscore cue SESSION ACTION`: several pieces of music in one timeline.

Cues come from a range, from the timeline's own cue markers, or from proposals; they are named 1m01, 1m02 and never
renumbered. A new cue has hits and no music: `score` writes it. `trim` moves a cue's edges and keeps its music where
its picture is.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shotscore_engine.errors import RequestError

from .answer import Answer
from .session_commands import Command, changed, session_argument, session_path, tools_of
from .terminal import ProgressLine

if TYPE_CHECKING:
    from shotscore_engine.cues import Proposal
    from shotscore_engine.progress import Progress
    from shotscore_engine.request import ScoreRequest
    from shotscore_engine.session import Session

RequestOf = Callable[[argparse.Namespace], "ScoreRequest"]
_ACTIONS = ("list", "add", "propose", "score", "trim", "remove")


def add_commands(
    command: Command, score_options: Callable[[argparse.ArgumentParser], None], request_of: RequestOf
) -> None:
    """Declare the command; `score_options` declares what `score` takes, `request_of` reads it."""

    def run(options: argparse.Namespace, progress: ProgressLine) -> Answer:
        match options.action:
            case "list":
                return _list(options)
            case "add":
                return _add(options, progress)
            case "propose":
                return _propose(options, progress)
            case "score":
                return _score(options, request_of(options), progress)
            case "trim":
                return _trim(options, progress)
            case _:
                return _remove(options, progress)

    cue = command("cue", run, "list, add, propose, score, trim or remove the cues of a session")
    session_argument(cue, cue=False)
    cue.add_argument("action", metavar="ACTION", choices=_ACTIONS, help=", ".join(_ACTIONS))
    cue.add_argument("values", metavar="VALUE", nargs="*", help="add: IN-OUT; score, trim and remove: a cue's name")
    cue.add_argument("--name", metavar="NAME", help="of the new cue, such as 1m05 (the next one)")
    cue.add_argument("--overlap", action="store_true", help="add, trim: the cue may overlap another")
    cue.add_argument("--markers", action="store_true", help="add: the ranges of the timeline's cue markers")
    cue.add_argument("--add", action="store_true", help="propose: add what is proposed where there is no cue yet")
    score_options(cue)


# --- actions -------------------------------------------------------------------------------------------------------


def _list(options: argparse.Namespace) -> Answer:
    from shotscore_engine.sessionfile import read

    session, recovered = read(session_path(options.session))
    return _answer(session, [recovered] if recovered else [])


def _add(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    from shotscore_engine.cues import add_cue, check_cue, marked_ranges, names_given, searched
    from shotscore_engine.request import parse_range

    if options.markers == bool(options.values):
        raise RequestError("`cue SESSION add` wants ranges IN-OUT, or --markers; give one of the two.")
    if options.name is not None and len(options.values) != 1:
        raise RequestError(f"--name {options.name} names one cue; add them one at a time.")

    def change(session: Session, report: Progress) -> Session:
        if options.markers:
            there = names_given(session)
            wanted = [one for one in marked_ranges(session.picture) if one[0] not in there]
            if not wanted:
                raise RequestError("The timeline has no cue markers that are not cues already; see docs/cli.md.")
        else:
            wanted = [(options.name, *parse_range(value, session.picture)) for value in options.values]
        for name, start, end in wanted:
            check_cue(session, start, end, name=name, overlap=options.overlap)
            session = searched(session, start, end, report)
            session = add_cue(session, start, end, name=name, overlap=options.overlap, progress=report)
        return session

    return _changed_only(options, "add cues", change, progress)


def _propose(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    from shotscore_engine.cues import add_cue, propose
    from shotscore_engine.sessionfile import read

    if options.values:
        raise RequestError(f"`cue SESSION propose` takes no values; {options.values[0]!r} was given.")
    if not options.add:
        session, recovered = read(session_path(options.session))
        return _answer(session, [recovered] if recovered else [], propose(session.picture, progress))
    found: list[Proposal] = []

    def change(session: Session, report: Progress) -> Session:
        found.extend(propose(session.picture, report))
        before = session.cues
        for one in found:
            if not any(one.start_frame < cue.end_frame and cue.start_frame < one.end_frame for cue in before):
                session = add_cue(session, one.start_frame, one.end_frame, progress=report)
        return session

    answer = _changed_only(options, "add the cues proposed", change, progress)
    return Answer({**answer.table, "proposals": _rows(found)}, answer.text)


def _score(options: argparse.Namespace, request: ScoreRequest, progress: ProgressLine) -> Answer:
    from shotscore_engine.cues import score_cue
    from shotscore_engine.session import Tools

    from .commands import Where

    name = _one_name(options)
    if options.range is not None:
        raise RequestError(f"{name} has a range of its own; leave --range out, or add another cue.")
    where = Where.of(options)
    where.check()

    def change(session: Session, report: Progress) -> Session:
        session.cue(name)
        asked = where.asked(request, session)
        return score_cue(session, name, asked, Tools.load(asked), report)

    return changed(options, f"score {name}", change, progress)


def _trim(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    from shotscore_engine.cues import check_trim, searched, trim_cue
    from shotscore_engine.request import parse_range
    from shotscore_engine.sessionfile import read

    name = _one_name(options)
    if options.range is None:
        raise RequestError(f"`cue SESSION trim {name}` wants --range IN-OUT: where the cue shall begin and end.")

    def change(session: Session, report: Progress) -> Session:
        start, end = parse_range(options.range, session.picture)
        check_trim(session, name, start, end, overlap=options.overlap)
        session = searched(session, start, end, report)
        return trim_cue(
            session,
            name,
            start,
            end,
            lambda: tools_of(session.take(name), options),
            overlap=options.overlap,
            progress=report,
        )

    session, _ = read(session_path(options.session))
    with_music = session.cue(name).name in session.chosen
    return (changed if with_music else _changed_only)(options, f"trim {name} to {options.range}", change, progress)


def _remove(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    from shotscore_engine.cues import remove_cue
    from shotscore_engine.sessionfile import read

    name = _one_name(options)

    def change(session: Session, _: Progress) -> Session:
        after = remove_cue(session, name)
        if name in session.chosen and not after.chosen:
            raise RequestError(f"{name} is the only cue with music; score another before you remove it.")
        return after

    session, _ = read(session_path(options.session))
    with_music = session.cue(name).name in session.chosen
    return (changed if with_music else _changed_only)(options, f"remove {name}", change, progress)


# --- what they share -----------------------------------------------------------------------------------------------


def _one_name(options: argparse.Namespace) -> str:
    if len(options.values) != 1:
        raise RequestError(f"`cue SESSION {options.action}` wants one cue's name; {len(options.values)} were given.")
    return str(options.values[0])


def _changed_only(
    options: argparse.Namespace,
    did: str,
    change: Callable[[Session, Progress], Session],
    progress: ProgressLine,
) -> Answer:
    """Change the session, so that it can be undone; no music changes, so nothing is delivered."""
    from shotscore_engine.sessionfile import SessionFile

    with SessionFile(session_path(options.session)) as file:
        session = file.do(did, lambda session: change(session, progress))
        return _answer(session, [file.recovered] if file.recovered else [])


def _answer(session: Session, warnings: list[str], proposals: tuple[Proposal, ...] | None = None) -> Answer:
    from shotscore_engine.timing import format_timecode

    picture = session.picture

    def timecode(frame: int) -> str:
        return format_timecode(picture.start_frame + frame, picture.rate, picture.drop_frame)

    rows = [
        {
            "name": cue.name,
            "start_frame": cue.start_frame,
            "end_frame": cue.end_frame,
            "hits": sum(hit.weight > 0 for hit in cue.hits),
            "takes": [take.number for take in session.takes if take.cue == cue.name],
            "take": session.chosen.get(cue.name),
        }
        for cue in sorted(session.cues, key=lambda one: (one.start_frame, one.name))
    ]
    lines = [f"{'cue':6} {'from':11} {'to':11} {'hits':>5} {'takes':>6}  in use"]
    for row in rows:
        start, end = timecode(row["start_frame"]), timecode(row["end_frame"])  # type: ignore[arg-type]
        used = "no music yet" if row["take"] is None else f"take {row['take']}"
        lines.append(f"{row['name']:6} {start} {end} {row['hits']:>5} {len(row['takes']):>6}  {used}")  # type: ignore[arg-type]
    table: dict[str, Any] = {"cues": rows, "warnings": warnings}
    if proposals is not None:
        table["proposals"] = _rows(proposals)
        lines += ["", "Proposed:"]
        lines += [f"       {timecode(one.start_frame)} {timecode(one.end_frame)}  {one.reason}" for one in proposals]
    return Answer(table, "\n".join([*lines, *(f"Warning: {sentence}" for sentence in warnings)]))


def _rows(proposals: tuple[Proposal, ...] | list[Proposal]) -> list[dict[str, Any]]:
    return [{"start_frame": one.start_frame, "end_frame": one.end_frame, "reason": one.reason} for one in proposals]


__all__ = ("add_commands",)
