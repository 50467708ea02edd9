"""What stands between the window and the engine: what is open, what is asked for, and what is to be shown of it.

The session itself, its file and the jobs that change it are `work`'s. Reading, saving and making views happen beside
the window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Signal
from shotscore_engine.errors import InputError, RequestError

from .drawing import Drawing, Scene
from .editor import Editor, Surroundings
from .editorlink import EditorLink
from .jobs import Advance, Jobs, Problem
from .previewfilm import PreviewFilm
from .recut import RecutWatch
from .settings import Settings
from .shown import Look, Shown, Situation, forming_roll, look_of
from .takeover import Change
from .tasks import Keeper
from .view import StemView
from .work import CHANGING, Work

if TYPE_CHECKING:
    from shotscore_engine.regenerate import Again
    from shotscore_engine.request import ScoreRequest
    from shotscore_engine.session import Session
    from shotscore_engine.sessionfile import SessionFile
    from shotscore_engine.wishes import EnergyCurve


class Controller(QObject):
    """The panel without its face."""

    shown = Signal(object)
    """Shown, or None when nothing is open."""
    situation_changed = Signal(object)
    """Situation"""
    looked = Signal()
    """`looks` are new."""
    advanced = Signal(object)
    """Advance"""
    formed = Signal(str, object)
    """cue, RollView: the music as it forms"""
    troubled = Signal(object)
    """Problem"""
    noted = Signal(str)
    """A sentence for the status line."""
    scored = Signal(str)
    """cue: new music was delivered"""
    followed = Signal(object)
    """The change list of a recut that was followed, as `reconform.change_table` makes it"""
    proxied = Signal(object)
    """Path of the picture's small film"""
    clicked = Signal(object)
    """Path of the click track"""
    exported = Signal(object)
    """list[Path]"""
    device_known = Signal(str, str, str)
    """model, provider, reason"""
    closed = Signal()
    """Nothing runs any more."""

    def __init__(
        self, settings: Settings, surroundings: Surroundings | None = None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.settings = settings
        self.surroundings = surroundings or Surroundings()
        self.jobs = Jobs(self)
        self.keeper = Keeper(self)
        self.work = Work(settings, self.jobs, self.keeper, self)
        self.film = PreviewFilm(settings.proxies, self.keeper, self.work.saved_then, self)
        self.film.ready.connect(self._filmed)
        self.film.failed.connect(self._trouble)
        self.chores = self.film.jobs
        """Work nobody waits for: the player's film."""
        self.cue = ""
        """The cue at work."""
        self.selection = (0, 0)
        """Selected shots, 0 for none."""
        self.looks: dict[str, Look] = {}
        self.energy: dict[str, EnergyCurve] = {}
        """Curves that were drawn and are not in a take yet."""
        self.mixer_settings: dict[str, StemView] = {}
        self._opening: Path | None = None
        self._situation = Situation("empty")
        self._drawing = Drawing(self.keeper, self)
        self._drawing.drawn.connect(self._drawn)
        self._drawing.failed.connect(self._trouble)
        self.recut_watch = RecutWatch(settings, self)
        self.recut_watch.changed.connect(self._situate)
        self.link = EditorLink(self.surroundings, settings.folder / "editor", self.keeper, self)
        self.link.changed.connect(self._situate)
        self.link.read_done.connect(self._editor_read)
        self.link.noted.connect(self.noted)
        self.link.failed.connect(self._trouble)
        work = self.work
        work.changed.connect(self._changed)
        work.stirred.connect(self._situate)
        work.restored.connect(self._watch)
        work.taken.connect(self._taken)
        work.finished.connect(self._finished)
        work.noted.connect(self.noted)
        work.failed.connect(self._trouble)
        jobs = self.jobs
        jobs.advanced.connect(self._advanced)
        jobs.formed.connect(self._formed)
        jobs.answered.connect(self._answered)
        jobs.failed.connect(self._failed)
        jobs.cancelled.connect(self._cancelled)
        jobs.started.connect(lambda *_: self._situate())
        self.chores.failed.connect(lambda _, kind, problem: self.noted.emit(f"{kind}: {problem.text}"))

    @property
    def session(self) -> Session | None:
        """As it is now; None where nothing is open."""
        return self.work.session

    @property
    def out(self) -> Path:
        """The folder the music goes to."""
        return self.work.out

    # --- opening -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Warm the worker, so that the first job finds the model loaded."""
        self.jobs.ask("warm", device=self.settings.device, model=self.settings.model or None)

    def open(self, path: Path) -> None:
        """Open a session, a timeline or a video. What was open is saved already and is closed."""
        path = path.absolute()
        if self.work.refuse_while_busy():
            return
        if not path.exists():
            self._trouble(RequestError(f"{path} is not there; it was moved, or its drive is not connected."))
            return
        self._leave()
        self._opening = path
        self.settings.opened(path)
        if path.suffix == ".shotscore":
            self._open_session(path, path.parent)
        else:
            self.work.out = self.settings.folder_of(path)
            scored = self.out / f"{path.stem}.shotscore"
            draft = self.settings.draft_of(path)
            if scored.exists():
                self._open_session(scored, self.out)
            elif draft.exists() and draft.stat().st_mtime > path.stat().st_mtime:
                self._open_session(draft, self.out)
            else:
                self._read(path)
        self._situate()

    def _read(self, timeline: Path) -> None:
        self._opening = timeline
        self.settings.drafts.mkdir(parents=True, exist_ok=True)
        self.recut_watch.read_now(timeline)
        self.jobs.ask("open", timeline=timeline, session=self.settings.draft_of(timeline))

    def refresh(self) -> None:
        """Read the picture again: a draft whole, a scored session by following its recut."""
        session = self.session
        if session is None or self.work.refuse_while_busy():
            return
        if self.surroundings.editor is not None and self._from_editor(session):
            self.read_editor()
        elif session.takes:
            self.reconform()
        else:
            timeline = Path(session.timeline)
            self._leave()
            self._read(timeline)
            self._situate()

    def _open_session(self, path: Path, out: Path) -> None:
        def load() -> SessionFile:
            from shotscore_engine.sessionfile import SessionFile  # most of the engine: not on the window's thread

            return SessionFile(path)

        self.work.out = out
        self.keeper.ask(load, self._opened, self._not_opened)

    def _opened(self, file: SessionFile) -> None:
        if self.work.closing:
            file.close()
            return
        self._opening = None
        first_time = self.session is None
        self.work.opened(file)
        if first_time and self.session is not None:
            self._watch()
            self.look()
            self.film.make(self.session.picture)

    def _not_opened(self, problem: Exception) -> None:
        self._opening = None
        self._trouble(problem)
        self._situate()

    def _leave(self) -> None:
        """Let go of what is open."""
        self.work.leave()
        self.cue, self.selection = "", (0, 0)
        self.looks, self.energy, self.mixer_settings = {}, {}, {}
        self._drawing.forget()
        self.film.forget()
        self.link.follow(None)
        self.recut_watch.watch("")
        self.shown.emit(None)

    # --- changing ----------------------------------------------------------------------------------------------

    def do(self, did: str, change: Change) -> bool:
        """Change the session so that it can be undone, save it; False where it could not be done."""
        return self.work.do(did, change)

    def undo(self) -> None:
        """One step back."""
        self._move("undo")

    def redo(self) -> None:
        """One step forward again."""
        self._move("redo")

    def _move(self, name: Literal["undo", "redo"]) -> None:
        before = self._ranges()
        self.work.move(name)
        if self._ranges() != before and self.looks:  # other pictures than those that were looked at
            self.looks.clear()
            self.look()

    def _ranges(self) -> dict[str, tuple[int, int]]:
        """Where each cue lies."""
        cues = self.session.cues if self.session is not None else ()
        return {cue.name: (cue.start_frame, cue.end_frame) for cue in cues}

    def use_cue(self, name: str) -> None:
        """Work on another cue."""
        if self.session is not None and any(cue.name == name for cue in self.session.cues) and name != self.cue:
            self.cue = name
            self.looked.emit()
            self._draw()

    def select(self, first: int, last: int) -> None:
        """Select shots; 0, 0 is none."""
        self.selection = (first, last) if first else (0, 0)
        self._situate()

    def draw_energy(self, cue: str, curve: EnergyCurve) -> None:
        """Keep a drawn curve for the next score; () takes it away."""
        self.energy[cue] = tuple(curve)
        self._draw()

    def set_folder(self, folder: Path) -> None:
        """Let the files of this timeline go to another folder; those that are there stay."""
        if self.session is None or self.work.refuse_while_busy():
            return
        self.work.out = folder
        self.settings.set_folder_of(Path(self.session.timeline), folder)
        if self.session.takes:
            self.work.deliver()

    def _changed(self) -> None:
        """The session is another."""
        session = self.session
        if session is None:
            return
        names = [cue.name for cue in session.cues]
        if self.cue not in names:
            self.cue = names[0] if names else ""
        if self.selection[1] > len(session.picture.shots):
            self.selection = (0, 0)
        self._draw()

    # --- jobs --------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Let the worker look at the picture: mood, words, tempi."""
        from shotscore_engine.request import ScoreRequest

        if self.work.file is not None:
            request = ScoreRequest(device=self.settings.device)  # type: ignore[arg-type]  # checked where it is made
            self.work.saved_then(lambda path: self.jobs.ask("look", session=path, request=plain(request)))

    def score(self, request: ScoreRequest) -> None:
        """Write the cue's music."""
        session = self.session
        if session is None or not self.cue:
            return
        if any(lock.cue == self.cue for lock in session.locks):
            self._trouble(RequestError(f"Music of {self.cue} is locked; unlock it, or regenerate shots instead."))
            return
        curve = self.energy.get(self.cue)
        asked = replace(request, energy_curve=curve) if curve else request
        self.work.ask("score", cue=self.cue, request=plain(asked))

    def regenerate(self, again: Again) -> None:
        """Write shots anew."""
        session = self.session
        if session is None or self.cue not in session.chosen:
            return
        from shotscore_engine.regenerate import free_mask

        try:  # nothing to wait for where it makes no sense
            free_mask(session, session.take(self.cue, again.take), again)
        except InputError as problem:
            self._trouble(problem)
            return
        self.work.ask("rescore", cue=self.cue, again=plain(again), device=self.settings.device)

    def reconform(self, timeline: Path | None = None, tempo: str = "refit") -> None:
        """Follow the timeline as it is now, a newer version beside it, or the file named."""
        session = self.session
        if session is None or not session.takes:
            return
        source = timeline or self.recut_watch.newer or Path(session.timeline)
        self.recut_watch.read_now(source)
        self.work.ask("reconform", timeline=source, tempo=tempo, device=self.settings.device)

    def trim(self, cue: str, start_frame: int, end_frame: int, overlap: bool = False) -> None:
        """Let a cue begin and end elsewhere; its music stays where its picture is."""
        from shotscore_engine.cues import check_trim

        session = self.session
        if session is None:
            return
        try:
            check_trim(session, cue, start_frame, end_frame, overlap=overlap)
        except InputError as problem:
            self._trouble(problem)
            self._draw()
            return
        if self.busy:
            self._draw()  # the edge goes back
        device = self.settings.device
        self.work.ask("trim", cue=cue, start=start_frame, end=end_frame, overlap=overlap, device=device)

    def audition(self, bpm: float) -> None:
        """Make a click track at a tempo; `clicked` says where."""
        if self.session is not None and self.cue:
            path = self.settings.proxies / "click.wav"
            cue = self.cue
            self.work.saved_then(lambda session: self.jobs.ask("click", session=session, cue=cue, bpm=bpm, path=path))

    def export(self, formats: list[str], folder: Path) -> None:
        """Write formats into a folder; `exported` says what."""
        home = self.out
        self.work.saved_then(
            lambda session: self.jobs.ask("export", session=session, formats=formats, out=folder, home=home)
        )

    def cancel(self) -> None:
        """Stop what a person waits for."""
        if self.work.cancel():
            return
        if self.jobs.running in ("export", "look"):
            self.jobs.cancel(self.jobs.running_number)

    @property
    def busy(self) -> bool:
        """Whether a job a person waits for runs or waits."""
        return self.work.busy or self.jobs.running == "export"

    def close(self) -> None:
        """Stop everything, keep everything; `closed` follows when no process is left."""
        if self.work.closing:
            return
        self.work.closing = True
        self.settings.sync()
        left = [self.jobs, self.chores]

        def gone(jobs: Jobs) -> None:
            left.remove(jobs)
            if not left:
                self.work.close()
                self.keeper.close()
                self.closed.emit()

        for jobs in (self.jobs, self.chores):
            jobs.stopped.connect(lambda jobs=jobs: gone(jobs))
        for jobs in (self.jobs, self.chores):
            jobs.close()

    def _answered(self, job: int, kind: str, answer: Mapping[str, Any]) -> None:
        if kind == "warm":
            self.device_known.emit(answer["model"], answer["device"], answer["reason"])
        elif kind == "open":
            self._open_session(Path(answer["session"]), self.settings.folder_of(self._opening or Path()))
        elif kind == "look":
            self._looked(answer)
        elif kind in CHANGING:
            self.work.take_over(job, kind, Path(answer["session"]), answer)
        elif kind == "deliver":
            self.work.was_delivered(job)
            self._draw()
        elif kind == "click":
            self.clicked.emit(Path(answer["path"]))
        elif kind == "export":
            self.exported.emit([Path(name) for name in answer["files"]])

    def _taken(self, kind: str, answer: Mapping[str, Any]) -> None:
        """A job's session is here."""
        if kind != "trim":
            self.energy.pop(self.cue, None)
        if kind == "reconform":
            self.recut_watch.followed()
        if kind in ("reconform", "trim"):  # other pictures
            self.looks.clear()
        self._changed()
        self._situate()
        if kind == "reconform" and self.session is not None:
            self._watch()
            self.film.make(self.session.picture)
        if kind in ("reconform", "trim"):
            self.look()
        if answer.get("changes"):
            self.followed.emit(answer["changes"])

    def _finished(self, kind: str, answer: Mapping[str, Any]) -> None:
        for sentence in answer.get("warnings", [])[:1]:
            self.noted.emit(str(sentence))
        if kind != "trim":  # nobody asked to hear it
            self.scored.emit(self.cue)

    def _failed(self, job: int, kind: str, problem: Problem) -> None:
        self.work.over(job)
        if kind in ("open",):
            self._opening = None
        if problem.kind == "WorkerCrashed":
            self.work.sweep()
        if kind == "look":
            self._without_look()
        self.troubled.emit(problem)
        self._draw()

    def _cancelled(self, job: int, kind: str) -> None:
        self.work.over(job)
        self.work.sweep()
        if kind == "look":
            self._without_look()
        elif not self.work.was_silent(job) and not self.work.closing and kind != "warm":
            self.noted.emit(self.tr("Stopped; the session is as it was."))
        self._draw()

    def _without_look(self) -> None:
        """The picture was not looked at: it is scored as the editor cut it."""
        from shotscore_engine.cues import add_cue

        if self.session is not None and not self.session.cues and not self.work.closing:
            end = self.session.picture.duration_frames
            self.do(self.tr("spot"), lambda session: add_cue(session, 0, end))

    def _advanced(self, advance: Advance) -> None:
        if not self.work.is_quiet(advance.job):
            self.advanced.emit(advance)

    def _formed(self, _: int, told: Mapping[str, Any]) -> None:
        self.formed.emit(self.cue, forming_roll(told))

    # --- the picture -------------------------------------------------------------------------------------------

    def _looked(self, answer: Mapping[str, Any]) -> None:
        from shotscore_engine.session import Session

        self.looks.update({name: look_of(told) for name, told in answer["looks"].items()})
        file, now = self.work.file, self.session
        if file is None or now is None:
            return
        if now.cues:
            self.looked.emit()
            self._draw()
            return
        path = Path(answer["session"])

        def loaded(session: Session) -> None:
            file.session = session
            self.work.set(session)
            self.looked.emit()

        self.keeper.ask(lambda: Session.open(path), loaded, self._trouble)

    def _filmed(self, path: Path) -> None:
        if self.session is not None and not self.work.closing:
            self.proxied.emit(path)

    def _watch(self, _: str = "") -> None:
        if self.session is not None:
            self.link.follow(Path(self.session.timeline))
            self.recut_watch.watch(self.session.timeline)

    # --- the editor --------------------------------------------------------------------------------------------

    @property
    def editor(self) -> Editor | None:
        """Where the music goes."""
        return self.link.editor

    def read_editor(self) -> None:
        """Read the timeline that is open in the editor."""
        if not self.work.refuse_while_busy():
            self.link.read()

    def insert_into_editor(self) -> None:
        """Put the music onto the editor's timeline."""
        if self.work.file is not None and not self.work.is_draft:
            self.link.insert(self.work.file.path, repr(self.work.delivered))

    def _editor_read(self, path: Path) -> None:
        if self.session is not None and self.session.takes and self._from_editor(self.session):
            self.reconform(path)
        else:
            self.open(path)

    def _from_editor(self, session: Session) -> bool:
        return Path(session.timeline).parent == self.link.folder

    # --- what is shown -----------------------------------------------------------------------------------------

    def _draw(self) -> None:
        if self.session is not None and not self.work.closing:
            mixer = dict(self.mixer_settings)
            self._drawing.draw(Scene(self.session, self.cue, self.out, dict(self.energy), dict(self.looks), mixer))

    def _drawn(self, shown: Shown) -> None:
        if self.session is not None and not self.work.closing:
            self.shown.emit(shown)

    def _situate(self) -> None:
        found = self._situation_now()
        if found != self._situation:
            self._situation = found
            self.situation_changed.emit(found)

    @property
    def situation(self) -> Situation:
        """What the person would do next."""
        return self._situation

    def _situation_now(self) -> Situation:
        session = self.session
        if self.busy:
            return Situation("busy")
        if session is None:
            return Situation("reading" if self._opening else "empty")
        if not session.cues:
            return Situation("looking")
        if self.cue not in session.chosen:
            return Situation("score")
        if self.recut_watch.recut:
            return Situation("reconform")
        if self.selection[0]:
            return Situation("regenerate", self.selection)
        editor = self.editor
        if editor is not None and self.link.connected and self.link.inserted != repr(self.work.delivered):
            return Situation("insert", name=editor.name)
        return Situation("export")

    def _trouble(self, problem: Exception) -> None:
        import traceback

        detail = "".join(traceback.format_exception(problem))
        known = isinstance(problem, InputError)
        text = str(problem) if known else self.tr("Something went wrong inside: {0}").format(problem)
        self.troubled.emit(Problem(text, detail, type(problem).__name__))


def plain(thing: Any) -> Any:
    """A request as JSON can hold it."""
    import msgspec

    return msgspec.to_builtins(thing, enc_hook=str)
