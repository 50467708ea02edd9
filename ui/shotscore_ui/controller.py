"""What stands between the window and the engine: the session, its file, its jobs, and what is to be shown of it.

The session is a value and every change of it the engine's own function; the controller applies it, saves it, and
brings the delivered files up to date. What a person changes while a job is at work is shown at once and applied again
to what the job brings back, so that neither gets lost. Reading, saving and making views happen beside the window.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from .takeover import Change, TakenOver, take_over
from .tasks import Keeper
from .view import StemView

if TYPE_CHECKING:
    from shotscore_engine.regenerate import Again
    from shotscore_engine.request import ScoreRequest
    from shotscore_engine.session import Session
    from shotscore_engine.sessionfile import SessionFile
    from shotscore_engine.wishes import EnergyCurve

CHANGING = ("score", "rescore", "reconform", "trim")
"""Jobs that answer with another session."""


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
        self.film = PreviewFilm(settings.proxies, self.keeper, self._saved_then, self)
        self.film.ready.connect(self._filmed)
        self.film.failed.connect(self._trouble)
        self.chores = self.film.jobs
        """Work nobody waits for: the player's film."""
        self.session: Session | None = None
        self.cue = ""
        """The cue at work."""
        self.selection = (0, 0)
        """Selected shots, 0 for none."""
        self.looks: dict[str, Look] = {}
        self.energy: dict[str, EnergyCurve] = {}
        """Curves that were drawn and are not in a take yet."""
        self.mixer_settings: dict[str, StemView] = {}
        self.out = Path()
        """The folder the music goes to."""
        self._file: SessionFile | None = None
        self._meanwhile: list[tuple[str, Change]] = []
        self._saving = self._save_again = False
        self._delivered: tuple[object, ...] = ()
        self._changing = 0
        self._quiet = 0
        self._delivering: tuple[int, Session] | None = None
        """The delivery at work and the session it was given: it writes that one into the file, whenever it ends."""
        self._after_delivery: Callable[[], None] | None = None
        self._last_asked: object = None
        self._silent: set[int] = set()
        self._stop_asked = False
        self._opening: Path | None = None
        self._closing = False
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
        jobs = self.jobs
        jobs.advanced.connect(self._advanced)
        jobs.formed.connect(self._formed)
        jobs.answered.connect(self._answered)
        jobs.failed.connect(self._failed)
        jobs.cancelled.connect(self._cancelled)
        jobs.ended.connect(self._ended)
        jobs.started.connect(lambda *_: self._situate())
        self.chores.failed.connect(lambda _, kind, problem: self.noted.emit(f"{kind}: {problem.text}"))

    # --- opening -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Warm the worker, so that the first job finds the model loaded."""
        self.jobs.ask("warm", device=self.settings.device, model=self.settings.model or None)

    def open(self, path: Path) -> None:
        """Open a session, a timeline or a video. What was open is saved already and is closed."""
        path = path.absolute()
        if self._refuse_while_busy():
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
            self.out = self.settings.folder_of(path)
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
        if session is None or self._refuse_while_busy():
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

        self.out = out
        self.keeper.ask(load, self._opened, self._not_opened)

    def _opened(self, file: SessionFile) -> None:
        if self._closing:
            file.close()
            return
        if self._file is not None:
            self._file.close()
        self._file = file
        self._opening = None
        session = file.session
        if not self._is_draft and session.name != file.path.stem:  # somebody gave the file another name
            session = replace(session, title=file.path.stem)
        self._delivered = _music(session)
        if file.recovered:
            self.noted.emit(file.recovered)
        first_time = self.session is None
        self._set(session)
        if first_time:
            self._watch()
            self.look()
            self.film.make(session.picture)

    def _not_opened(self, problem: Exception) -> None:
        self._opening = None
        self._trouble(problem)
        self._situate()

    @property
    def _is_draft(self) -> bool:
        return self._file is not None and self._file.path.parent == self.settings.drafts

    def _leave(self) -> None:
        """Let go of what is open."""
        if self._file is not None:
            self.keeper.ask(self._file.close)
        self._file = self.session = None
        self.cue, self.selection = "", (0, 0)
        self.looks, self.energy, self.mixer_settings = {}, {}, {}
        self._meanwhile.clear()
        self._drawing.forget()
        self.film.forget()
        self.link.follow(None)
        self.recut_watch.watch("")
        self.shown.emit(None)

    # --- changing ----------------------------------------------------------------------------------------------

    def do(self, did: str, change: Change) -> bool:
        """Change the session so that it can be undone, save it; False where it could not be done."""
        from shotscore_engine import history

        if self.session is None:
            return False
        try:
            after = history.record(self.session, change(self.session), did)
        except InputError as problem:
            self._trouble(problem)
            return False
        if after is self.session:
            return True
        if self._changing:
            self._meanwhile.append((did, change))
        self._set(after)
        self._save()
        self._deliver_if_changed()
        return True

    def undo(self) -> None:
        """One step back."""
        self._move("undo")

    def redo(self) -> None:
        """One step forward again."""
        self._move("redo")

    def _move(self, name: Literal["undo", "redo"]) -> None:
        from shotscore_engine import history

        if self.session is None or self._refuse_while_busy():
            return
        steps = self.session.past if name == "undo" else self.session.future
        try:
            after = getattr(history, name)(self.session)
        except InputError as problem:
            self.noted.emit(str(problem))
            return
        did = steps[-1].did if name == "undo" else steps[0].did
        timeline = self.session.timeline
        self._set(after)
        self._save()
        self.noted.emit(
            self.tr("Undone: {0}").format(did) if name == "undo" else self.tr("Done again: {0}").format(did)
        )
        self._deliver_if_changed()
        if after.timeline != timeline:
            self._watch()

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
        if self.session is None or self._refuse_while_busy():
            return
        self.out = folder
        self.settings.set_folder_of(Path(self.session.timeline), folder)
        if self.session.takes:
            self._ask_change("deliver", quiet=True)

    def _set(self, session: Session) -> None:
        self.session = session
        names = [cue.name for cue in session.cues]
        if self.cue not in names:
            self.cue = names[0] if names else ""
        if self.selection[1] > len(session.picture.shots):
            self.selection = (0, 0)
        self._draw()
        self._situate()

    def _save(self) -> None:
        """To the file, beside the window; of several in a row the last one. Not while a job is about to write it."""
        if self._saving or self._holding:
            self._save_again = True
            return
        file, session = self._file, self.session
        if file is None or session is None:
            return
        self._saving, self._save_again = True, False

        def saved(_: object) -> None:
            self._saving = False
            if self._save_again:
                self._save()

        def not_saved(problem: Exception) -> None:
            self._saving = False
            self._trouble(problem)

        self.keeper.ask(lambda: file.put(session), saved, not_saved)

    # --- jobs --------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Let the worker look at the picture: mood, words, tempi."""
        from shotscore_engine.request import ScoreRequest

        if self._file is not None:
            request = ScoreRequest(device=self.settings.device)  # type: ignore[arg-type]  # checked where it is made
            self._saved_then(lambda path: self.jobs.ask("look", session=path, request=plain(request)))

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
        self._ask_change("score", cue=self.cue, request=plain(asked))

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
        self._ask_change("rescore", cue=self.cue, again=plain(again), device=self.settings.device)

    def reconform(self, timeline: Path | None = None, tempo: str = "refit") -> None:
        """Follow the timeline as it is now, a newer version beside it, or the file named."""
        session = self.session
        if session is None or not session.takes:
            return
        source = timeline or self.recut_watch.newer or Path(session.timeline)
        self.recut_watch.read_now(source)
        self._ask_change("reconform", timeline=source, tempo=tempo, device=self.settings.device)

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
        self._ask_change("trim", cue=cue, start=start_frame, end=end_frame, overlap=overlap, device=device)

    def audition(self, bpm: float) -> None:
        """Make a click track at a tempo; `clicked` says where."""
        if self.session is not None and self.cue:
            path = self.settings.proxies / "click.wav"
            cue = self.cue
            self._saved_then(lambda session: self.jobs.ask("click", session=session, cue=cue, bpm=bpm, path=path))

    def export(self, formats: list[str], folder: Path) -> None:
        """Write formats into a folder; `exported` says what."""
        home = self.out
        self._saved_then(
            lambda session: self.jobs.ask("export", session=session, formats=formats, out=folder, home=home)
        )

    def cancel(self) -> None:
        """Stop what a person waits for."""
        if self._changing > 0 and self._changing != self._quiet:
            self.jobs.cancel(self._changing)
        elif self._changing < 0:
            self._stop_asked = True
        elif self.jobs.running in ("export", "look"):
            self.jobs.cancel(self.jobs.running_number)

    @property
    def busy(self) -> bool:
        """Whether a job a person waits for runs or waits."""
        return bool(self._changing and self._changing != self._quiet) or self.jobs.running == "export"

    def close(self) -> None:
        """Stop everything, keep everything; `closed` follows when no process is left."""
        if self._closing:
            return
        self._closing = True
        self.settings.sync()
        left = [self.jobs, self.chores]

        def gone(jobs: Jobs) -> None:
            left.remove(jobs)
            if not left:
                self._sweep()
                file, session = self._file, self.session
                if file is not None and session is not None and self._save_again:
                    self.keeper.ask(lambda: file.put(session))
                if file is not None:
                    self.keeper.ask(file.close)
                self.keeper.close()
                self.closed.emit()

        for jobs in (self.jobs, self.chores):
            jobs.stopped.connect(lambda jobs=jobs: gone(jobs))
        for jobs in (self.jobs, self.chores):
            jobs.close()

    @property
    def _holding(self) -> bool:
        """Whether a job has the file: what is changed meanwhile is applied to what it leaves there."""
        return bool(self._changing) and not self._quiet

    def _ask_change(self, kind: str, *, quiet: bool = False, **given: Any) -> None:
        if self._file is None or self._refuse_while_busy():
            return
        if self._quiet:  # what nobody waits for makes room
            self.jobs.cancel(self._quiet)
            self._quiet = self._changing = 0
        self._last_asked = mine = object()
        self._changing = -1  # asked for, and no number yet: it is saved first
        self._quiet = -1 if quiet else 0
        self._stop_asked = False

        def save() -> None:
            file, session = self._file, self.session
            if self._last_asked is not mine or file is None or session is None:
                return

            def ask(_: object) -> None:
                if self._last_asked is not mine:
                    return
                if self._stop_asked:
                    self._let_go()
                    self._situate()
                    return
                self._changing = self.jobs.ask(kind, session=file.path, out=self.out, **given)
                if quiet:
                    self._quiet = self._changing
                    self._silent.add(self._changing)
                    self._delivering = (self._changing, session)

            self.keeper.ask(lambda: file.put(session), ask, self._not_asked)

        if self._delivering is None:
            save()
        else:  # it may still write what it was given
            self._after_delivery = save
        self._situate()

    def _saved_then(self, then: Callable[[Path], Any]) -> None:
        """`then(path)` once the file holds the session as it is now; as it was, while a job changes it."""
        file, session, held = self._file, self.session, self._holding
        if file is not None and session is not None:
            self.keeper.ask(lambda: None if held else file.put(session), lambda _: then(file.path), self._not_asked_for)

    def _not_asked_for(self, problem: Exception) -> None:
        self._trouble(problem)
        self._situate()

    def _not_asked(self, problem: Exception) -> None:
        self._let_go()
        self._not_asked_for(problem)

    def _let_go(self) -> None:
        """No job has the file any more."""
        self._changing = self._quiet = 0
        if self._save_again:
            self._save()

    def _ended(self, job: int, _: str) -> None:
        delivery, file, session = self._delivering, self._file, self.session
        if delivery is not None and delivery[0] == job:
            self._delivering = None
            overtaken = session is not delivery[1]
            if file is not None and session is not None and overtaken:

                def put_back() -> None:
                    session.save(file.path)
                    file.session = session

                self.keeper.ask(put_back, failed=self._trouble)
            after, self._after_delivery = self._after_delivery, None
            if self._closing:
                return
            if after is not None:
                after()
            elif overtaken:  # the files are those of the session before
                self._deliver_if_changed()
        self._situate()

    def _refuse_while_busy(self) -> bool:
        if self.busy:
            self.noted.emit(self.tr("Something is being made; wait for it, or stop it first."))
        return self.busy

    def _deliver_if_changed(self) -> None:
        if self.session is None or self._is_draft or not self.session.takes or (self._changing and not self._quiet):
            return
        if _music(self.session) != self._delivered:
            self._ask_change("deliver", quiet=True)

    def _answered(self, job: int, kind: str, answer: Mapping[str, Any]) -> None:
        if kind == "warm":
            self.device_known.emit(answer["model"], answer["device"], answer["reason"])
        elif kind == "open":
            self._open_session(Path(answer["session"]), self.settings.folder_of(self._opening or Path()))
        elif kind == "look":
            self._looked(answer)
        elif kind in CHANGING:
            self._take_over(job, kind, Path(answer["session"]), answer)
        elif kind == "deliver":
            if job == self._changing:
                self._changing = self._quiet = 0
            if self._delivering is not None and self._delivering[0] == job:
                self._delivered = _music(self._delivering[1])
            self._draw()
        elif kind == "click":
            self.clicked.emit(Path(answer["path"]))
        elif kind == "export":
            self.exported.emit([Path(name) for name in answer["files"]])

    def _take_over(self, job: int, kind: str, path: Path, answer: Mapping[str, Any]) -> None:
        """The session a job left, with what was changed meanwhile."""
        file, changes = self._file, list(self._meanwhile)
        if file is None:
            return
        if self._closing:  # the worker has saved it; what is in memory is older
            self._save_again = False
            return

        def loaded(found: TakenOver) -> None:
            if job == self._changing:
                self._changing = self._quiet = 0
            late = self._meanwhile[len(changes) :]
            self._meanwhile.clear()
            self._file = found.file
            if kind != "trim":
                self.energy.pop(self.cue, None)
            self._delivered = _music(found.file.session)
            if kind == "reconform":
                self.recut_watch.followed()
            if kind in ("reconform", "trim"):  # other pictures
                self.looks.clear()
            self._set(found.session)
            if kind == "reconform":
                self._watch()
                self.film.make(found.session.picture)
            if kind in ("reconform", "trim"):
                self.look()
            if answer.get("changes"):
                self.followed.emit(answer["changes"])
            for did, change in late:
                self.do(did, change)
            if changes:
                self._save()
            for did in found.lost:
                self.noted.emit(self.tr("Could not be kept, since the music changed under it: {0}").format(did))
            self._deliver_if_changed()
            for sentence in answer.get("warnings", [])[:1]:
                self.noted.emit(str(sentence))
            if kind != "trim":  # nobody asked to hear it
                self.scored.emit(self.cue)

        self.keeper.ask(lambda: take_over(file, path, changes), loaded, self._not_asked)

    def _failed(self, job: int, kind: str, problem: Problem) -> None:
        self._over(job)
        if kind in ("open",):
            self._opening = None
        if problem.kind == "WorkerCrashed":
            self._sweep()
        if kind == "look":
            self._without_look()
        self.troubled.emit(problem)
        self._draw()

    def _cancelled(self, job: int, kind: str) -> None:
        self._over(job)
        self._sweep()
        if kind == "look":
            self._without_look()
        elif job not in self._silent and not self._closing and kind != "warm":
            self.noted.emit(self.tr("Stopped; the session is as it was."))
        self._draw()

    def _without_look(self) -> None:
        """The picture was not looked at: it is scored as the editor cut it."""
        from shotscore_engine.cues import add_cue

        if self.session is not None and not self.session.cues and not self._closing:
            end = self.session.picture.duration_frames
            self.do(self.tr("spot"), lambda session: add_cue(session, 0, end))

    def _over(self, job: int) -> None:
        if job == self._changing:
            self._meanwhile.clear()
            self._let_go()

    def _sweep(self) -> None:
        """Take away what a killed worker left hidden."""
        from shotscore_engine.atomic import sweep_stages

        if self.out.name:
            sweep_stages(self.out)

    def _advanced(self, advance: Advance) -> None:
        if advance.job != self._quiet:
            self.advanced.emit(advance)

    def _formed(self, _: int, told: Mapping[str, Any]) -> None:
        self.formed.emit(self.cue, forming_roll(told))

    # --- the picture -------------------------------------------------------------------------------------------

    def _looked(self, answer: Mapping[str, Any]) -> None:
        from shotscore_engine.session import Session

        self.looks.update({name: look_of(told) for name, told in answer["looks"].items()})
        file, now = self._file, self.session
        if file is None or now is None:
            return
        if now.cues:
            self.looked.emit()
            self._draw()
            return
        path = Path(answer["session"])

        def loaded(session: Session) -> None:
            file.session = session
            self._set(session)
            self.looked.emit()

        self.keeper.ask(lambda: Session.open(path), loaded, self._trouble)

    def _filmed(self, path: Path) -> None:
        if self.session is not None and not self._closing:
            self.proxied.emit(path)

    def _watch(self) -> None:
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
        if not self._refuse_while_busy():
            self.link.read()

    def insert_into_editor(self) -> None:
        """Put the music onto the editor's timeline."""
        if self._file is not None and not self._is_draft:
            self.link.insert(self._file.path, repr(self._delivered))

    def _editor_read(self, path: Path) -> None:
        if self.session is not None and self.session.takes and self._from_editor(self.session):
            self.reconform(path)
        else:
            self.open(path)

    def _from_editor(self, session: Session) -> bool:
        return Path(session.timeline).parent == self.link.folder

    # --- what is shown -----------------------------------------------------------------------------------------

    def _draw(self) -> None:
        if self.session is not None and not self._closing:
            mixer = dict(self.mixer_settings)
            self._drawing.draw(Scene(self.session, self.cue, self.out, dict(self.energy), dict(self.looks), mixer))

    def _drawn(self, shown: Shown) -> None:
        if self.session is not None and not self._closing:
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
        if editor is not None and self.link.connected and self.link.inserted != repr(self._delivered):
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


def _music(session: Session) -> tuple[object, ...]:
    """Changes when the delivered files have to."""
    used = tuple(
        (take.cue, take.number, tuple(sorted(take.instruments.items())))
        for take in session.takes
        if session.chosen.get(take.cue) == take.number
    )
    return (used, len(session.edits), session.picture.duration_frames, session.timeline, session.title)
