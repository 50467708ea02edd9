"""The session at work: its file, its changes, and the jobs that change it.

The session is a value and every change of it the engine's own function; it is applied here, saved beside the window,
and the delivered files are brought up to date. While a job has the file, what a person changes is shown at once, not
saved, and applied again to what the job brings back, so that neither gets lost. A delivery is such a job as well, but
nobody waits for it: it makes room for what a person asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Signal
from shotscore_engine.errors import InputError

from .jobs import Jobs
from .settings import Settings
from .takeover import Change, TakenOver, take_over
from .tasks import Keeper

if TYPE_CHECKING:
    from shotscore_engine.session import Session
    from shotscore_engine.sessionfile import SessionFile

CHANGING = ("score", "rescore", "reconform", "trim")
"""Jobs that answer with another session."""


class Work(QObject):
    """See the module. The owner hands in what jobs answer (`answered`, `over`) and listens to what comes of it."""

    changed = Signal()
    """The session is another."""
    stirred = Signal()
    """What can be done next may be another thing: a job was asked for, or is over."""
    restored = Signal(str)
    """An undone or redone step changed the timeline too: its path"""
    taken = Signal(str, object)
    """kind, answer: a job's session was taken over and is shown; what was changed meanwhile follows"""
    finished = Signal(str, object)
    """kind, answer: so was what was changed meanwhile"""
    noted = Signal(str)
    """A sentence for the status line."""
    failed = Signal(object)
    """The exception"""

    def __init__(self, settings: Settings, jobs: Jobs, keeper: Keeper, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session: Session | None = None
        self.file: SessionFile | None = None
        self.out = Path()
        """The folder the music goes to."""
        self.closing = False
        self.delivered: tuple[object, ...] = ()
        """What the files in the folder were made of."""
        self._settings, self._jobs, self._keeper = settings, jobs, keeper
        self._meanwhile: list[tuple[str, Change]] = []
        self._saving = self._save_again = False
        self._changing = 0
        """The job that has the file; -1 while it waits for the file to be saved, 0 for none."""
        self._quiet = 0
        """The same, where nobody waits for it."""
        self._delivering: tuple[int, Session] | None = None
        """The delivery at work and the session it was given: it writes that one into the file, whenever it ends."""
        self._after_delivery: Callable[[], None] | None = None
        self._last_asked: object = None
        self._silent: set[int] = set()
        self._stop_asked = False
        jobs.ended.connect(self._ended)

    # --- the file ----------------------------------------------------------------------------------------------

    @property
    def is_draft(self) -> bool:
        """Whether there is no music yet: the session lies with the panel's own data."""
        return self.file is not None and self.file.path.parent == self._settings.drafts

    def opened(self, file: SessionFile) -> None:
        """Work on what `file` holds."""
        if self.file is not None:
            self.file.close()
        self.file = file
        session = file.session
        if not self.is_draft and session.name != file.path.stem:  # somebody gave the file another name
            session = replace(session, title=file.path.stem)
        self.delivered = music_of(session)
        if file.recovered:
            self.noted.emit(file.recovered)
        self.set(session)

    def leave(self) -> None:
        """Let go of what is open; it is saved already."""
        if self.file is not None:
            self._keeper.ask(self.file.close)
        self.file = self.session = None
        self._meanwhile.clear()

    def saved_then(self, then: Callable[[Path], Any]) -> None:
        """`then(path)` once the file holds the session as it is now; as it was, while a job changes it."""
        file, session, held = self.file, self.session, self._holding
        if file is not None and session is not None:
            self._keeper.ask(lambda: None if held else file.put(session), lambda _: then(file.path), self._not_saved)

    def close(self) -> None:
        """Keep what is not saved yet, and let go of the file. No job runs any more."""
        self.sweep()
        file, session = self.file, self.session
        if file is not None and session is not None and self._save_again:
            self._keeper.ask(lambda: file.put(session))
        if file is not None:
            self._keeper.ask(file.close)

    def sweep(self) -> None:
        """Take away what a killed worker left hidden."""
        from shotscore_engine.atomic import sweep_stages

        if self.out.name:
            sweep_stages(self.out)

    def _save(self) -> None:
        """To the file, beside the window; of several in a row the last one. Not while a job is about to write it."""
        if self._saving or self._holding:
            self._save_again = True
            return
        file, session = self.file, self.session
        if file is None or session is None:
            return
        self._saving, self._save_again = True, False

        def saved(_: object) -> None:
            self._saving = False
            if self._save_again:
                self._save()

        def not_saved(problem: Exception) -> None:
            self._saving = False
            self.failed.emit(problem)

        self._keeper.ask(lambda: file.put(session), saved, not_saved)

    def _not_saved(self, problem: Exception) -> None:
        self.failed.emit(problem)
        self.stirred.emit()

    # --- changing ----------------------------------------------------------------------------------------------

    def set(self, session: Session) -> None:
        """The session as it is now."""
        self.session = session
        self.changed.emit()
        self.stirred.emit()

    def do(self, did: str, change: Change) -> bool:
        """Change the session so that it can be undone, save it; False where it could not be done."""
        from shotscore_engine import history

        if self.session is None:
            return False
        try:
            after = history.record(self.session, change(self.session), did)
        except InputError as problem:
            self.failed.emit(problem)
            return False
        if after is self.session:
            return True
        if self._changing:
            self._meanwhile.append((did, change))
        self.set(after)
        self._save()
        self._deliver_if_changed()
        return True

    def move(self, name: Literal["undo", "redo"]) -> None:
        """One step back, or forward again."""
        from shotscore_engine import history

        if self.session is None or self.refuse_while_busy():
            return
        steps = self.session.past if name == "undo" else self.session.future
        try:
            after = getattr(history, name)(self.session)
        except InputError as problem:
            self.noted.emit(str(problem))
            return
        did = steps[-1].did if name == "undo" else steps[0].did
        timeline = self.session.timeline
        self.set(after)
        self._save()
        self.noted.emit(
            self.tr("Undone: {0}").format(did) if name == "undo" else self.tr("Done again: {0}").format(did)
        )
        self._deliver_if_changed()
        if after.timeline != timeline:
            self.restored.emit(after.timeline)

    # --- jobs that change it -----------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a job that changes the session and that a person waits for runs or waits."""
        return bool(self._changing and self._changing != self._quiet)

    @property
    def _holding(self) -> bool:
        """Whether a job has the file: what is changed meanwhile is applied to what it leaves there."""
        return bool(self._changing) and not self._quiet

    def refuse_while_busy(self) -> bool:
        """Whether something else has to end first; the person is told."""
        if self.busy or self._jobs.running == "export":
            self.noted.emit(self.tr("Something is being made; wait for it, or stop it first."))
            return True
        return False

    def is_quiet(self, job: int) -> bool:
        """Whether nobody waits for the job that is at work now."""
        return job == self._quiet

    def was_silent(self, job: int) -> bool:
        """Whether nobody ever waited for it."""
        return job in self._silent

    def ask(self, kind: str, *, quiet: bool = False, **given: Any) -> None:
        """Let a job change the session, once it is saved; `quiet`: nobody waits for it."""
        if self.file is None or self.refuse_while_busy():
            return
        if self._quiet:  # what nobody waits for makes room
            self._jobs.cancel(self._quiet)
            self._quiet = self._changing = 0
        self._last_asked = mine = object()
        self._changing = -1  # asked for, and no number yet: it is saved first
        self._quiet = -1 if quiet else 0
        self._stop_asked = False

        def save() -> None:
            file, session = self.file, self.session
            if self._last_asked is not mine or file is None or session is None:
                return

            def ask(_: object) -> None:
                if self._last_asked is not mine:
                    return
                if self._stop_asked:
                    self._let_go()
                    self.stirred.emit()
                    return
                self._changing = self._jobs.ask(kind, session=file.path, out=self.out, **given)
                if quiet:
                    self._quiet = self._changing
                    self._silent.add(self._changing)
                    self._delivering = (self._changing, session)

            self._keeper.ask(lambda: file.put(session), ask, self._not_asked)

        if self._delivering is None:
            save()
        else:  # it may still write what it was given
            self._after_delivery = save
        self.stirred.emit()

    def cancel(self) -> bool:
        """Stop the job a person waits for; False where there is none."""
        if self._changing > 0 and self._changing != self._quiet:
            self._jobs.cancel(self._changing)
        elif self._changing < 0:
            self._stop_asked = True
        else:
            return False
        return True

    def over(self, job: int) -> None:
        """The job failed or was stopped: the session is as it was before it."""
        if job == self._changing:
            self._meanwhile.clear()
            self._let_go()

    def was_delivered(self, job: int) -> None:
        """The files are those of the session the delivery was given."""
        if job == self._changing:
            self._changing = self._quiet = 0
        if self._delivering is not None and self._delivering[0] == job:
            self.delivered = music_of(self._delivering[1])

    def take_over(self, job: int, kind: str, path: Path, answer: Mapping[str, Any]) -> None:
        """The session a job left, with what was changed meanwhile."""
        file, changes = self.file, list(self._meanwhile)
        if file is None:
            return
        if self.closing:  # the worker has saved it; what is in memory is older
            self._save_again = False
            return

        def loaded(found: TakenOver) -> None:
            if job == self._changing:
                self._changing = self._quiet = 0
            late = self._meanwhile[len(changes) :]
            self._meanwhile.clear()
            self.file = found.file
            self.delivered = music_of(found.file.session)
            self.session = found.session
            self.taken.emit(kind, answer)
            for did, change in late:
                self.do(did, change)
            if changes:
                self._save()
            for did in found.lost:
                self.noted.emit(self.tr("Could not be kept, since the music changed under it: {0}").format(did))
            self._deliver_if_changed()
            self.finished.emit(kind, answer)

        self._keeper.ask(lambda: take_over(file, path, changes), loaded, self._not_asked)

    def deliver(self) -> None:
        """Bring the files up to date; nobody waits for it."""
        self.ask("deliver", quiet=True)

    def _deliver_if_changed(self) -> None:
        if self.session is None or self.is_draft or not self.session.takes or self._holding:
            return
        if music_of(self.session) != self.delivered:
            self.deliver()

    def _not_asked(self, problem: Exception) -> None:
        self._let_go()
        self._not_saved(problem)

    def _let_go(self) -> None:
        """No job has the file any more."""
        self._changing = self._quiet = 0
        if self._save_again:
            self._save()

    def _ended(self, job: int, _: str) -> None:
        delivery, file, session = self._delivering, self.file, self.session
        if delivery is not None and delivery[0] == job:
            self._delivering = None
            overtaken = session is not delivery[1]
            if file is not None and session is not None and overtaken:

                def put_back() -> None:
                    session.save(file.path)
                    file.session = session

                self._keeper.ask(put_back, failed=self.failed.emit)
            after, self._after_delivery = self._after_delivery, None
            if self.closing:
                return
            if after is not None:
                after()
            elif overtaken:  # the files are those of the session before
                self._deliver_if_changed()
        self.stirred.emit()


def music_of(session: Session) -> tuple[object, ...]:
    """Changes when the delivered files have to."""
    used = tuple(
        (take.cue, take.number, tuple(sorted(take.instruments.items())))
        for take in session.takes
        if session.chosen.get(take.cue) == take.number
    )
    return (used, len(session.edits), session.picture.duration_frames, session.timeline, session.title)
