"""The worker process: does what takes time, so that a crash of the model or a driver is not the panel's.

Started as `python -m shotscore_ui.worker`; speaks as `messages` says, over standard input and output, and stays warm:
the model and the last session are kept between jobs. When the panel goes away (end of input) it stops what it does,
leaves nothing half-written and ends. It imports no Qt.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from shotscore_engine.errors import (
    LONGEST_SENTENCE,
    NO_MEMORY,
    Cancelled,
    RequestError,
    ShotscoreError,
    lacks_memory,
)

from .messages import LONGEST_LINE, Message, ProtocolError, pack, unpack

if TYPE_CHECKING:
    from shotscore_engine.denoiser import Denoiser
    from shotscore_engine.progress import Progress
    from shotscore_engine.request import ScoreRequest
    from shotscore_engine.roll import Roll
    from shotscore_engine.session import Session, Take, Tools

_GRACE_SECONDS = 20.0
"""How long a job may go on after the panel is gone before the process ends without it."""
_ROLL_TIMES = tuple(float(t) for t in range(920, 0, -80))
"""Timesteps at which the forming music is shown."""
_MOST_SHOWN_NOTES = 6000
"""Early rolls are noise; more notes than this say nothing more."""
_LEAST_STEP = 0.004
"""Progress is told when it has moved this far."""


class Line:
    """Standard output as messages; written to by one thread at a time."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def say(self, message: Message) -> None:
        """Write one message; a panel that is gone hears nothing."""
        with self._lock:
            try:
                self._stream.write(pack(message))
                self._stream.flush()
            except OSError:
                return


@dataclass
class Job:
    """What was asked, and whether it still is."""

    number: int
    line: Line
    cancelled: threading.Event = field(default_factory=threading.Event)
    _told: tuple[str, float] = ("", -1.0)

    def progress(self, stage: str, done: float) -> None:
        """A `Progress`."""
        if self.cancelled.is_set():
            raise Cancelled(f"Job {self.number} was stopped.")
        before, told = self._told
        if stage != before or done >= 1 > told or abs(done - told) >= _LEAST_STEP:
            self._told = (stage, done)
            self.line.say({"job": self.number, "stage": stage, "done": round(min(1.0, max(0.0, done)), 4)})


@dataclass
class Live:
    """Tells the panel how the music forms: notes as (part, start step, end step, pitch, velocity) of a window.

    `notes` are flat numbers, five a note; `steps` is the window's length; `frames` are its first and last frame on the
    timeline, `noise` the timestep's share of 1000.
    """

    job: Job
    start_frame: float = 0.0
    end_frame: float = 0.0

    def __call__(self, t: float, roll: Roll) -> None:
        """Tell one state."""
        from shotscore_engine.roll import notes_of

        notes = notes_of(roll)
        thin = notes[:: max(1, -(-len(notes) // _MOST_SHOWN_NOTES))]
        self.job.line.say(
            {
                "job": self.job.number,
                "roll": {
                    "noise": round(t / 1000, 3),
                    "steps": roll.steps,
                    "frames": [round(self.start_frame, 3), round(self.end_frame, 3)],
                    "notes": thin.reshape(-1).tolist(),
                },
            }
        )


class Desk:
    """What the worker keeps between jobs, and its jobs: each takes (arguments, job) and answers with plain values."""

    def __init__(self) -> None:
        self._models: dict[tuple[Path | None, str], Denoiser] = {}
        self._session: tuple[tuple[str, int, int], Session] | None = None
        self.jobs: Mapping[str, Callable[[Mapping[str, Any], Job], Message]] = {
            "warm": self.warm,
            "open": self.open,
            "look": self.look,
            "score": self.score,
            "rescore": self.rescore,
            "reconform": self.reconform,
            "trim": self.trim,
            "deliver": self.deliver,
            "click": self.click,
            "proxy": self.proxy,
            "export": self.export,
        }

    # --- jobs --------------------------------------------------------------------------------------------------

    def warm(self, given: Mapping[str, Any], job: Job) -> Message:
        """Load the model; says which it is and where it runs. From now on struck keys are remembered as well."""
        from shotscore_exporters import synth

        synth.remember()
        job.progress("read", 0.0)
        model = self._model(given.get("model"), str(given.get("device", "auto")))
        return {"model": model.name, "device": model.device.provider, "reason": model.device.reason}

    def open(self, given: Mapping[str, Any], job: Job) -> Message:
        """Read a timeline and save its session: its shots only, nothing is decoded yet."""
        from shotscore_engine.session import Session

        session = Session.read(Path(given["timeline"]), progress=job.progress)
        return self._keep(session, Path(given["session"]))

    def look(self, given: Mapping[str, Any], job: Job) -> Message:
        """Look at the picture: cuts inside clips, speech, mood, words, tempi. Saves what belongs to the session."""
        from shotscore_engine.cues import add_cue, marked_ranges

        path = Path(given["session"])
        session = self._open(path)
        request = _request(given["request"])
        changed = session
        if not session.cues:
            changed = session.analysed(request.detect, job.progress)
            try:
                ranges = marked_ranges(changed.picture)
            except RequestError:  # a marker without its end: the person is told by the cue it does not make
                ranges = ()
            for name, start, end in ranges or ((None, 0, changed.picture.duration_frames),):
                changed = add_cue(changed, start, end, name=name, overlap=True)
        answer: Message = {"session": str(path), "looks": {}}
        if changed is not session:
            answer = {**self._keep(changed, path), "looks": {}}
        count = len(changed.cues)
        for number, cue in enumerate(changed.cues):
            part = _within(job.progress, 0.5 + 0.5 * number / count, 0.5 + 0.5 * (number + 1) / count)
            answer["looks"][cue.name] = _look(changed, cue.name, request, part)
        return answer

    def score(self, given: Mapping[str, Any], job: Job) -> Message:
        """Write a cue's music and deliver it."""
        request = _request(given["request"])
        session = self._open(Path(given["session"]))
        cue = session.cue(given["cue"])
        asked = replace(request, start_frame=cue.start_frame, end_frame=cue.end_frame)

        def change(session: Session, progress: Progress) -> Session:
            tools = self._tools(asked, Live(job, cue.start_frame, cue.end_frame))
            return session.score(asked, tools, progress, cue=cue.name)

        return self._changed(given, job, f"score {cue.name}", change)

    def rescore(self, given: Mapping[str, Any], job: Job) -> Message:
        """Write shots anew and deliver."""
        import msgspec
        from shotscore_engine.regenerate import Again

        again = msgspec.convert(given["again"], Again)
        what = "all shots" if again.shots is None else f"shots {again.shots[0]}-{again.shots[1]}"

        def change(session: Session, progress: Progress) -> Session:
            from shotscore_engine.compose import CONTEXT_BARS, window_of
            from shotscore_engine.regenerate import free_mask
            from shotscore_engine.timing import frame_at

            cue = session.cue(given["cue"])
            take = session.take(cue.name, again.take)
            first, last = window_of(free_mask(session, take, again), take.grid, CONTEXT_BARS)
            times = take.grid.beat_times
            rate = session.picture.rate
            edges = (cue.start_frame + float(frame_at(times[beat], rate)) for beat in (first, last))
            return session.rescore(cue.name, again, self._tools_of(take, given, Live(job, *edges)), progress)

        return self._changed(given, job, f"regenerate {what}", change)

    def reconform(self, given: Mapping[str, Any], job: Job) -> Message:
        """Follow a recut and deliver."""
        from shotscore_engine.reconform import change_table, reconform

        found: list[Any] = []
        timeline = Path(given["timeline"])

        def change(session: Session, progress: Progress) -> Session:
            take = session.take(next(cue.name for cue in session.cues if cue.name in session.chosen))
            followed = reconform(
                session,
                timeline,
                lambda: self._tools_of(take, given),
                tempo=given.get("tempo", "refit"),
                progress=progress,
            )
            found.append(change_table(followed))
            return followed.session

        answer = self._changed(given, job, f"re-conform to {timeline.name}", change)
        return {**answer, "changes": found[0] if found else {}}

    def trim(self, given: Mapping[str, Any], job: Job) -> Message:
        """Move the edges of a cue, and deliver where it has music."""
        from shotscore_engine import history
        from shotscore_engine.cues import searched, trim_cue

        name, start, end = str(given["cue"]), int(given["start"]), int(given["end"])

        def change(session: Session, progress: Progress) -> Session:
            return trim_cue(
                searched(session, start, end, progress),
                name,
                start,
                end,
                lambda: self._tools_of(session.take(name), given, Live(job, start, end)),
                overlap=bool(given.get("overlap")),
                progress=progress,
            )

        path = Path(given["session"])
        before = self._open(path)
        if name in before.chosen:
            return self._changed(given, job, f"move an edge of {name}", change)
        after = history.record(before, change(before, job.progress), f"move an edge of {name}")
        return self._keep(after, path)

    def deliver(self, given: Mapping[str, Any], job: Job) -> Message:
        """Bring the files in the folder up to date."""
        return self._changed(given, job, None, lambda session, _: session)

    def click(self, given: Mapping[str, Any], job: Job) -> Message:
        """A click track of a cue at a tempo, to hear it against the picture."""
        from shotscore_engine.perform import Score
        from shotscore_engine.tempo_map import fit_tempo
        from shotscore_engine.timing import seconds_at
        from shotscore_exporters import click
        from shotscore_exporters.placement import place

        session = self._open(Path(given["session"]))
        cue = session.cue(given["cue"])
        job.progress("render", 0.0)
        rate = session.picture.rate
        fit = fit_tempo(cue, rate, tempo_bpm=float(given["bpm"]))
        path = Path(given["path"])
        score = Score(cue.name, fit.grid, "C major", seconds_at(cue.duration_frames, rate), (), ())
        click.write(score, place(session.picture, cue), path)
        return {"path": str(path)}

    def proxy(self, given: Mapping[str, Any], job: Job) -> Message:
        """The picture with its own sound as one small film that any player shows in step."""
        from shotscore_exporters import preview

        session = self._open(Path(given["session"]))
        path = Path(given["path"])
        job.progress("write", 0.0)
        preview.write(session.picture, (), path, job.progress)
        return {"path": str(path)}

    def export(self, given: Mapping[str, Any], job: Job) -> Message:
        """Write formats into a folder."""
        from shotscore_exporters.export import export

        session, home = self._open(Path(given["session"])), Path(given["home"])
        files: list[Path] = []
        forms = list(given["formats"])
        for number, form in enumerate(forms):
            part = _within(job.progress, number / len(forms), (number + 1) / len(forms))
            part("write", 0.0)
            files += export(session, form, Path(given["out"]), None, part, home)
        return {"files": [str(path) for path in dict.fromkeys(files)]}

    # --- what they share ---------------------------------------------------------------------------------------

    def _changed(
        self,
        given: Mapping[str, Any],
        job: Job,
        did: str | None,
        change: Callable[[Session, Progress], Session],
    ) -> Message:
        """Change the session so that it can be undone, and deliver it; the delivery saves it."""
        from shotscore_engine import history
        from shotscore_engine.measure import Stopwatch
        from shotscore_exporters.delivery import check_folder, deliver

        out = Path(given["out"])
        watch = Stopwatch(job.progress)
        before = self._open(Path(given["session"]))
        check_folder(before.name, out)
        watch("read", 1.0)
        after = change(before, watch)
        if did is not None:
            after = history.record(before, after, did)
        delivery = deliver(after, out, watch)
        path = out / f"{after.name}.shotscore"
        self._remember(path, after)
        return {"session": str(path), "seconds": delivery.report["seconds"], "warnings": delivery.report["warnings"]}

    def _keep(self, session: Session, path: Path) -> Message:
        session.save(path)
        self._remember(path, session)
        return {"session": str(path)}

    def _open(self, path: Path) -> Session:
        from shotscore_engine.session import Session

        mark = _mark(path)
        if self._session is not None and self._session[0] == mark:
            return self._session[1]
        session = Session.open(path)
        self._remember(path, session)
        return session

    def _remember(self, path: Path, session: Session) -> None:
        self._session = (_mark(path), session)

    def _model(self, path: str | Path | None, device: str) -> Denoiser:
        from shotscore_engine.denoiser import Denoiser

        key = (Path(path) if path else None, device)
        if key not in self._models:
            self._models.clear()  # a model takes memory, and one is enough
            self._models[key] = Denoiser(key[0], device)  # type: ignore[arg-type]  # checked by choose_device
        return self._models[key]

    def _tools(self, request: ScoreRequest, live: Live | None = None) -> Tools:
        from shotscore_engine.session import Tools
        from shotscore_engine.styles import DEFAULT_STYLE, load_style

        style = load_style(request.style or DEFAULT_STYLE)
        model = self._model(request.model, request.device)
        return Tools(model if live is None else _watched(model, live), style)

    def _tools_of(self, take: Take, given: Mapping[str, Any], live: Live | None = None) -> Tools:
        request = replace(take.request, style=take.style)
        if given.get("device"):
            request = replace(request, device=given["device"])
        return self._tools(request, live)


def _watched(model: Denoiser, live: Live) -> Denoiser:
    """`model` with its forming rolls told to `live`; everything else is the same object's."""
    from shotscore_engine.denoiser import Denoiser
    from shotscore_engine.progress import silent

    class Watched(Denoiser):
        """The model, watched."""

        def __init__(self) -> None:
            self.__dict__.update(model.__dict__)

        def generate(self, *arguments: Any, **named: Any) -> Roll:
            """As Denoiser.generate. What reports no progress, as bars that are mended afterwards, forms unseen."""
            if named.get("progress", silent) is silent:
                return Denoiser.generate(self, *arguments, **named)
            roll = Denoiser.generate(self, *arguments, **{**named, "on_roll": live, "roll_times": _ROLL_TIMES})
            live(0.0, roll)
            return roll

    return Watched()


def _look(session: Session, cue_name: str, request: ScoreRequest, progress: Progress) -> Message:
    """What the picture says of a cue: tempi, mood, words and energy."""
    import numpy as np
    from shotscore_engine.compose import describe_cue

    cue = session.cue(cue_name)
    asked = replace(
        request,
        start_frame=cue.start_frame,
        end_frame=cue.end_frame,
        mood=None,
        energy=None,
        energy_curve=(),
        wishes=(),
    )
    bare = replace(asked, prompt="")
    spotted = session.spot(replace(bare, tempo_bpm=None), _within(progress, 0.0, 0.9), cue=cue_name)
    grid = spotted.fit.grid
    if cue_name in session.chosen and session.take(cue_name).edit == len(session.edits):
        grid = session.take(cue_name).grid
    seen = describe_cue(session.picture, cue, grid, bare, _within(progress, 0.9, 1.0))
    shots = sorted(set(seen.shot_of_beat.tolist()))
    trail = [
        [
            round(float(np.mean(seen.valence[seen.shot_of_beat == shot])), 3),
            round(float(np.mean(seen.arousal[seen.shot_of_beat == shot])), 3),
        ]
        for shot in shots
    ]
    return {
        "tempi": [[tempo.bpm, list(tempo.meter), tempo.met, tempo.near, tempo.missed] for tempo in spotted.tempi],
        "mood": [round(float(seen.valence.mean()), 3), round(float(seen.arousal.mean()), 3)],
        "energy": [round(float(value), 3) for value in seen.energy],
        "shots": [shot + 1 for shot in shots],
        "trail": trail,
        "words": [seen.captions[shot] for shot in shots],
        "warnings": list(seen.warnings),
    }


def _request(values: Mapping[str, Any]) -> ScoreRequest:
    """The request the panel wrote. Raises RequestError where a value is out of range."""
    import msgspec
    from shotscore_engine.request import ScoreRequest

    def decode(kind: type, value: Any) -> Any:
        if issubclass(kind, Path) and isinstance(value, str):
            return Path(value)
        raise ValueError(f"{value!r} is not a {kind.__name__}")

    try:
        return msgspec.convert(dict(values), ScoreRequest, dec_hook=decode)
    except msgspec.ValidationError as problem:
        raise RequestError(f"The request cannot be used: {problem}.") from problem


def _within(progress: Progress, low: float, high: float) -> Progress:
    from shotscore_engine.progress import within

    return within(progress, low, high)


def _mark(path: Path) -> tuple[str, int, int]:
    """Tells a file from what it was before."""
    try:
        found = path.stat()
    except OSError:
        return (str(path), 0, 0)
    return (str(path), found.st_mtime_ns, found.st_size)


Request = tuple[Message, Job]


# --- the process -------------------------------------------------------------------------------------------------


def _listen(stream: BinaryIO, line: Line, waiting: queue.Queue[Request | None], running: dict[int, Job]) -> None:
    """Reads the panel's lines until it is gone; a cancel takes effect at once."""
    while written := stream.readline(LONGEST_LINE + 1):
        try:
            message = unpack(written)
        except ProtocolError as problem:
            print(f"shotscore worker: {problem}", file=sys.stderr)
            break
        if "cancel" in message:
            for number, job in list(running.items()):
                if number == message["cancel"]:
                    job.cancelled.set()
        else:
            job = Job(int(message.get("job", 0)), line)
            running[job.number] = job
            waiting.put((message, job))
    for job in list(running.values()):
        job.cancelled.set()
    waiting.put(None)
    # Nobody is there to hear of it; a job that does not notice must not live on for ever.
    ending = threading.Timer(_GRACE_SECONDS, os._exit, (1,))
    ending.daemon = True
    ending.start()


def _run(desk: Desk, message: Message, job: Job) -> Message:
    """The last message of a job."""
    try:
        work = desk.jobs[message["do"]]
        return {"job": job.number, "answer": work(message.get("with", {}), job)}
    except (Cancelled, KeyboardInterrupt):
        return {"job": job.number, "cancelled": True}
    except Exception as problem:
        kind, told = type(problem).__name__, " ".join(str(problem).split())[:LONGEST_SENTENCE]
        if isinstance(problem, ShotscoreError):
            text = told
        elif lacks_memory(problem):
            kind, text = "MemoryError", NO_MEMORY
        else:
            text = f"Something went wrong inside: {kind}: {told}"
        detail = traceback.format_exc()[-20_000:]
        return {"job": job.number, "problem": {"kind": kind, "text": text, "detail": detail}}


def main() -> int:
    """Answer jobs until the panel is gone."""

    def stop(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C in the terminal is for the panel, which tells us
    signal.signal(signal.SIGTERM, stop)
    # Whatever libraries print must not get between the messages.
    line = Line(os.fdopen(os.dup(1), "wb", buffering=0))
    os.dup2(2, 1)
    waiting: queue.Queue[Request | None] = queue.Queue()
    running: dict[int, Job] = {}
    desk = Desk()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, line, waiting, running), daemon=True).start()
    line.say({"ready": True})
    try:
        while (request := waiting.get()) is not None:
            message, job = request
            last = _run(desk, message, job)
            del running[job.number]
            try:
                line.say(last)
            except ProtocolError as problem:
                text = f"The answer does not fit: {problem}"
                line.say({"job": job.number, "problem": {"kind": "ProtocolError", "text": text, "detail": ""}})
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
