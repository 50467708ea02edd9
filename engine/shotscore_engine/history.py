"""Undo and redo: every state a session has been in, whole, each thing in it stored once.

Whole states rather than operations to be reversed: a state that is kept cannot be reconstructed wrongly, whatever the
operation was, and undoing needs neither the model nor the media. They cost little, since a state is mostly things it
shares with its neighbours: takes, cues and pictures are values that never change, so a step adds what is new in it.

In the file, `history.pool` holds what the present state no longer (or not yet) has; a state is a table of numbers into
the present state's lists followed by the pool's.

    takes: [1, 2, 3]    pool: {takes: [4]}    a state with takes 1, 2 and 4: {"takes": [0, 1, 3]}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .errors import RequestError, SessionError

if TYPE_CHECKING:
    from .session import Session

MOST_STEPS = 500
"""How many steps can be undone; older ones are forgotten."""

_LISTS = {"cues": "cues", "takes": "takes", "retired": "takes", "locks": "locks", "edits": "edits"}
"""Fields of a state that are rows of values, and the kind of thing in them."""
KINDS = ("pictures", "cues", "takes", "locks", "edits")


@dataclass(frozen=True)
class Step:
    """What was done, and the session as it was on the other side of it: before in the past, after in the future."""

    did: str
    state: Session


def record(before: Session, after: Session, did: str) -> Session:
    """`after` with `before` as the state to go back to; `before` itself where nothing changed."""
    if state_of(after) == state_of(before):
        return before
    past = (*before.past, Step(did, state_of(before)))[-MOST_STEPS:]
    return replace(after, past=past, future=())


def undo(session: Session) -> Session:
    """The session one step back. Raises RequestError where there is none."""
    if not session.past:
        raise RequestError("There is nothing to undo.")
    step = session.past[-1]
    return _moved(session, step, past=session.past[:-1], future=(Step(step.did, state_of(session)), *session.future))


def redo(session: Session) -> Session:
    """The session one step forward again. Raises RequestError where nothing was undone, or something done since."""
    if not session.future:
        raise RequestError("There is nothing to redo.")
    step = session.future[0]
    return _moved(session, step, past=(*session.past, Step(step.did, state_of(session))), future=session.future[1:])


def state_of(session: Session) -> Session:
    """What undo brings back: all but the history, the numbers given, its title, and fields of other versions."""
    return replace(session, past=(), future=(), unknown={}, numbered={}, title="")


def _moved(session: Session, step: Step, past: tuple[Step, ...], future: tuple[Step, ...]) -> Session:
    # Numbers are never given twice, also not after an undo; unknown fields are found again by what they belong to.
    return replace(
        step.state, past=past, future=future, numbered=session.numbered, title=session.title, unknown=session.unknown
    )


# --- in the file ---------------------------------------------------------------------------------------------------


@dataclass
class _Pool:
    """Things by what they say, numbered; the first ones are the present state's."""

    encode: Callable[[Any], bytes]
    numbers: dict[bytes, int] = field(default_factory=dict)
    items: list[Any] = field(default_factory=list)
    seen: dict[int, int] = field(default_factory=dict)
    """Numbers by identity: most things are the very same object in many states."""
    kept: list[Any] = field(default_factory=list)
    """Keeps what `seen` knows alive, or another object could come by its identity."""

    def number(self, thing: Any) -> int:
        if id(thing) not in self.seen:
            text = self.encode(thing)
            if text not in self.numbers:
                self.numbers[text] = len(self.items)
                self.items.append(thing)
            self.seen[id(thing)] = self.numbers[text]
            self.kept.append(thing)
        return self.seen[id(thing)]

    def add(self, thing: Any) -> None:
        """A number of its own, even where another says the same: places in the present state's lists count."""
        self.numbers.setdefault(self.encode(thing), len(self.items))
        self.seen.setdefault(id(thing), self.numbers[self.encode(thing)])
        self.items.append(thing)
        self.kept.append(thing)


def pack(session: Session, encode: Callable[[Any], bytes]) -> dict[str, Any]:
    """The history as plain tables; what is in the pool is still objects. Empty where there is no history."""
    if not session.past and not session.future:
        return {}
    pools = {kind: _Pool(encode) for kind in KINDS}
    for kind, things in _present(session).items():
        for thing in things:
            pools[kind].add(thing)
    present = {kind: len(pool.items) for kind, pool in pools.items()}

    def packed(step: Step) -> dict[str, Any]:
        state = step.state
        rows = {name: [pools[kind].number(thing) for thing in getattr(state, name)] for name, kind in _LISTS.items()}
        return {
            "did": step.did,
            "timeline": state.timeline,
            "picture": pools["pictures"].number(state.picture),
            **rows,
            "chosen": state.chosen,
        }

    past, future = ([packed(step) for step in steps] for steps in (session.past, session.future))
    pool = {kind: pool.items[present[kind] :] for kind, pool in pools.items()}
    return {"past": past, "future": future, "pool": pool}


def unpack(session: Session, table: Mapping[str, Any], read: Callable[[str, Any], Any]) -> Session:
    """`session` with the history `pack` made; `read(kind, value)` makes an object of a value in the pool.

    Raises SessionError where the table is damaged.
    """
    present = _present(session)
    try:
        pool = table["pool"]
        things = {kind: [*present[kind], *(read(kind, value) for value in pool.get(kind, ()))] for kind in KINDS}
        past, future = (tuple(_step(session, row, things) for row in table[name]) for name in ("past", "future"))
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as problem:
        raise SessionError(f"The session's history is damaged: {type(problem).__name__} {problem}.") from problem
    return replace(session, past=past, future=future)


def _step(session: Session, row: Mapping[str, Any], things: Mapping[str, Sequence[Any]]) -> Step:
    def one(kind: str, number: Any) -> Any:
        if not isinstance(number, int) or number < 0:
            raise TypeError(f"{number!r} is no number in the pool")
        return things[kind][number]

    rows: dict[str, Any] = {name: tuple(one(kind, number) for number in row[name]) for name, kind in _LISTS.items()}
    chosen = {str(cue): int(number) for cue, number in row["chosen"].items()}
    state = replace(
        state_of(session), timeline=str(row["timeline"]), picture=one("pictures", row["picture"]), chosen=chosen, **rows
    )
    return Step(str(row["did"]), state)


def _present(session: Session) -> dict[str, tuple[Any, ...]]:
    return {
        "pictures": (session.picture,),
        "cues": session.cues,
        "takes": (*session.takes, *session.retired),
        "locks": session.locks,
        "edits": session.edits,
    }
