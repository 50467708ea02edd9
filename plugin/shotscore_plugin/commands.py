"""What `spot` and `score` do, between their options and their answers."""

import argparse
import importlib.util
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from shotscore_engine.atomic import replacing, staging
from shotscore_engine.errors import OutputError, RequestError
from shotscore_engine.measure import Stopwatch
from shotscore_engine.picture import Picture
from shotscore_engine.progress import Progress
from shotscore_engine.request import ScoreRequest, parse_frame, parse_range
from shotscore_engine.session import SUFFIX, Session, Tools
from shotscore_engine.sessionfile import lock_of
from shotscore_engine.styles import load_style
from shotscore_engine.timing import format_timecode
from shotscore_engine.wishtext import check_wish, parse_wish, read_curve

from .answer import Answer


def spot(timeline: Path, plot: Path | None, request: ScoreRequest, progress: Progress) -> Answer:
    """Picture, shots, hits and tempi of a timeline; drawn to `plot` as well if that is given."""
    from shotscore_engine.plot import write_spot_figure
    from shotscore_exporters import report

    if plot is not None:
        check_plot(plot)  # before the long work
    session = Session.read(timeline, progress=progress).analysed(request.detect, progress)
    spotted = session.spot(request, progress)
    table = report.picture_table(session.picture, spotted.cue.hits, spotted.tempi)
    text = _picture_text(table)
    if plot is not None:
        with replacing(plot) as temporary:
            fit = spotted.fit
            write_spot_figure(
                temporary,
                session.picture,
                spotted.cue,
                fit.grid,
                fit.candidates,
                ending=fit.ending,
                changes=fit.changes,
            )
        table["plot"] = str(plot)
        text = f"{text}\n\nDrawn: {plot}"
    return Answer(table, text)


def check_plot(path: Path) -> None:
    """Raises RequestError or OutputError where no plot could be written to `path`."""
    from shotscore_engine.plot import SUFFIXES

    if path.suffix.lower() not in SUFFIXES:
        raise RequestError(f"A plot cannot be written as {path.name!r}; end the name with {', '.join(SUFFIXES)}.")
    if importlib.util.find_spec("matplotlib") is None:
        raise RequestError("Plots need Matplotlib; install it with: pip install 'shotscore[plot]'.")
    with staging(path.parent):
        pass


@dataclass(frozen=True)
class Where:
    """What of a request needs the picture to be understood: places in it, as a person writes them."""

    range: str | None = None
    """IN-OUT."""
    accent: str | None = None
    wishes: Sequence[str] = ()
    """As `wishtext` has them."""
    energy_curve: Path | None = None

    @classmethod
    def of(cls, options: argparse.Namespace) -> "Where":
        """As `score`'s options have them."""
        return cls(options.range, options.accent, options.wish, options.energy_curve)

    def check(self) -> None:
        """Raises RequestError for what is wrong without a picture."""
        for text in self.wishes:
            check_wish(text)

    def asked(self, request: ScoreRequest, session: Session) -> ScoreRequest:
        """`request` with all of it; the picture of `session` is searched for shots already, if wishes name shots.

        Raises RequestError where a place is not in the picture, or a style is unknown.
        """
        picture = session.picture
        wishes = tuple(parse_wish(text, picture) for text in self.wishes)
        for wish in wishes:
            if wish.style is not None:
                load_style(wish.style)
        if self.range is not None:
            start, end = parse_range(self.range, picture)
            request = replace(request, start_frame=start, end_frame=end)
        if self.accent is not None:
            request = replace(request, accent_frame=_inside(parse_frame(self.accent, picture), picture))
        if self.energy_curve is not None:
            request = replace(request, energy_curve=read_curve(self.energy_curve, picture))
        return replace(request, wishes=(*request.wishes, *wishes))


def _inside(frame: int, picture: Picture) -> int:
    if not 0 < frame < picture.duration_frames:
        raise RequestError(
            f"The last accent's frame {frame} is not inside the timeline, which has 0-{picture.duration_frames}."
        )
    return frame


def score(timeline: Path, out: Path, where: Where, request: ScoreRequest, progress: Progress) -> Answer:
    """Score a timeline, or a range of it, into the folder `out`."""
    from shotscore_exporters.delivery import check_folder, deliver
    from shotscore_exporters.soundfont import find_soundfont

    watch = Stopwatch(progress)
    session = Session.read(timeline, strict_media=request.strict_media, progress=watch)
    check_folder(session.name, out)
    # All that can be known to be wrong before the long work is told before it.
    where.check()
    request = replace(where, wishes=()).asked(request, session)
    searched = None if where.range is None else (request.start_frame, request.end_frame or 0)
    find_soundfont(request.soundfont)  # like the model's, a wrong name is told before the long work
    with ThreadPoolExecutor(1) as pool:
        # Reading the model takes half a second in which the picture can be looked at already.
        loading = pool.submit(Tools.load, request)
        if request.model is not None or request.device != "auto" or request.style:
            loading.result()
        session = session.analysed(request.detect, watch, span=searched)
        tools = loading.result()
    session = session.score(Where(wishes=where.wishes).asked(request, session), tools, watch)
    path = out.absolute() / f"{session.name}{SUFFIX}"
    # A session that is open in another process is not replaced under its hands, nor do two write the same new one.
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(f"{out} cannot be written to: {problem.strerror}; choose another.") from problem
    with lock_of(path):
        delivery = deliver(session, out, watch)
    return Answer(delivery.report, score_text(delivery.report, out))


def _picture_text(table: dict[str, Any]) -> str:
    rate, start, drop = _time_of(table)
    lines = [
        f"{table['name']}: {table['duration_frames']} frames at {table['rate']} from {table['start_timecode']}",
        "",
        f"{'shot':>4}  {'start':11} {'frames':>6}  {'from':8}  name",
    ]
    for shot in table["shots"]:
        timecode = format_timecode(start + shot["start_frame"], rate, drop)
        offline = "  (offline)" if shot["offline"] else ""
        lines.append(
            f"{shot['index']:>4}  {timecode} {shot['duration_frames']:>6}  {shot['from']:8}  {shot['name']}{offline}"
        )
    lines += ["", f"{'hit at':11} {'weight':>6}  {'kind':8}  why"]
    for hit in table["hits"]:
        timecode = format_timecode(start + hit["frame"], rate, drop)
        lines.append(f"{timecode} {hit['weight']:>6.2f}  {hit['kind']:8}  {hit['reason']}")
    lines += ["", f"{'bpm':>7}  {'meter':5}  {'met':>4} {'near':>5} {'missed':>7}"]
    for tempo in table["tempi"]:
        lines.append(
            f"{tempo['bpm']:>7.2f}  {tempo['meter']:5}  {tempo['met']:>4} {tempo['near']:>5} {tempo['missed']:>7}"
        )
    return "\n".join([*lines, *_warnings(table)])


def score_text(table: dict[str, Any], out: Path) -> str:
    """What was scored, and where it is."""
    rate, start, drop = _time_of(table)
    lines = []
    for cue in table["cues"]:
        first, last = (format_timecode(start + cue[key], rate, drop) for key in ("start_frame", "ends_at_frame"))
        counted = [hit for hit in cue["hits"] if hit["state"] != "ignored"]
        met = sum(hit["state"] == "met" for hit in counted)
        lines += [
            f"{cue['name']}  {first} to {last}: {cue['tempo_bpm']:.2f} BPM in {cue['meter']}, {cue['key']}, "
            f"{cue['bars']} bars, style {cue['style']}, seed {cue['seed']}",
            f"      {met} of {len(counted)} hits met; stems: {', '.join(cue['stems'])}",
            f"      {out / cue['mix']}",
            f"      {out / cue['midi']}",
        ]
    scored = next(name for name in table["files"] if name.endswith(".scored.otio"))
    took = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in table["seconds"].items())
    lines += [
        f"Timeline with the music: {out / scored}",
        f"Ran on {table['device']}. {table['device_reason']}".rstrip(),
        f"Seconds: {took}. Most memory: {table['peak_memory_bytes'] / 1e6:.0f} MB.",
    ]
    return "\n".join([*lines, *_warnings(table)])


def _time_of(table: dict[str, Any]) -> tuple[Fraction, int, bool]:
    from shotscore_engine.timing import parse_timecode

    rate = Fraction(table["rate"])
    return rate, parse_timecode(table["start_timecode"], rate), table["drop_frame"]


def _warnings(table: dict[str, Any]) -> list[str]:
    return [f"Warning: {sentence}" for sentence in table["warnings"]]
