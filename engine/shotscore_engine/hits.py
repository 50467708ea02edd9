"""A person's own hits: moved, weighed, added, muted. Each answers with a new session.

What a person touched becomes a hit of the kind `person`: it stays when the cue is spotted again (`Session.spot`) and
moves with its picture when a recut is followed (`reconform`).

    move the cut at 48 to 60:   cut 48 weight 1   ->   person 48 weight 0 (ignored), person 60 weight 1
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .errors import RequestError
from .seen import hits_seen
from .spotting import IGNORE, MUST, Cue, Hit, hit_tolerance

if TYPE_CHECKING:
    from .session import Session


def add_hit(session: Session, cue_name: str, frame: int, weight: float = MUST) -> Session:
    """With a hit of a person's own at `frame`; one that stands there is weighed instead.

    Raises RequestError where the frame is outside the cue or the weight outside 0 to 1.
    """
    cue = session.cue(cue_name)
    if any(hit.frame == frame for hit in cue.hits):
        return weigh_hit(session, cue_name, frame, weight)
    made = Hit(frame, "person", _checked(weight), hit_tolerance(session.picture.rate), "set by hand")
    return _with(session, cue, made)


def move_hit(session: Session, cue_name: str, frame: int, to_frame: int) -> Session:
    """With the hit at `frame` at `to_frame`. Raises RequestError where there is none, or no room for it."""
    cue = session.cue(cue_name)
    hit = _hit(cue, frame)
    if frame == to_frame:
        return session
    others = replace(cue, hits=tuple(other for other in cue.hits if other is not hit))
    if hit.kind != "person" or hit.reason.startswith(_WAS):
        # The cut is still there: it is found again when the cue is spotted, unless somebody says it is ignored.
        others = _joined(others, replace(hit, kind="person", weight=IGNORE, reason=f"{_WAS}{hit.reason}"))
    return _with(session, others, replace(hit, frame=to_frame, kind="person", reason="moved by hand"))


def weigh_hit(session: Session, cue_name: str, frame: int, weight: float) -> Session:
    """With another weight, 0 (ignore) to 1 (must). Raises RequestError where there is no hit, or no such weight."""
    cue = session.cue(cue_name)
    hit = _hit(cue, frame)
    reason = hit.reason if hit.kind == "person" else f"{_WAS}{hit.reason}"
    return _with(session, cue, replace(hit, kind="person", weight=_checked(weight), reason=reason))


def mute_hit(session: Session, cue_name: str, frame: int, muted: bool = True) -> Session:
    """Without weight, or with the one it would have by itself. Raises RequestError where there is no hit."""
    if muted:
        return weigh_hit(session, cue_name, frame, IGNORE)
    cue = session.cue(cue_name)
    found = [hit for hit in hits_seen(session.picture, cue.start_frame, cue.end_frame) if hit.frame == frame]
    return weigh_hit(session, cue_name, frame, found[0].weight if found and found[0].weight > IGNORE else MUST)


def own_hits(cue: Cue) -> tuple[Hit, ...]:
    """The hits a person made or changed."""
    return tuple(hit for hit in cue.hits if hit.kind == "person")


_WAS = "changed by hand: "


def _hit(cue: Cue, frame: int) -> Hit:
    for hit in cue.hits:
        if hit.frame == frame:
            return hit
    raise RequestError(f"The cue {cue.name} has no hit at frame {frame}.")


def _checked(weight: float) -> float:
    if not 0 <= weight <= 1:
        raise RequestError(f"The weight {weight:g} is outside 0 (ignore) to 1 (must).")
    return float(weight)


def _with(session: Session, cue: Cue, hit: Hit) -> Session:
    return session.with_cue(_joined(cue, hit))


def _joined(cue: Cue, hit: Hit) -> Cue:
    if not cue.start_frame < hit.frame < cue.end_frame:
        raise RequestError(
            f"The frame {hit.frame} is not inside the cue {cue.name} ({cue.start_frame}-{cue.end_frame}); "
            "hits lie after its first frame and before its end."
        )
    hits = [other for other in cue.hits if other.frame != hit.frame]
    return replace(cue, hits=tuple(sorted([*hits, hit], key=lambda one: one.frame)))
