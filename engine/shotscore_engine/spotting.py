"""Hits: the moments of the picture the music should meet.

A composer hears a picture as a few moments that must land, some that are nice to meet and many to play through. `spot`
sorts them by these rules, each written into the hit's reason:

- an editor's cut between two settled shots, into or out of a fast run, or to or from black or a title: must;
- a cut with a short shot on one side: nice; cuts inside a fast run: one a second is nice, the rest are ignored;
- a cut under running speech counts less; a cut inside one running clip shows nothing and is ignored;
- dissolves and fades are soft: less weight, more tolerance, at their middle;
- cuts found by a detector inside a clip count less than the editor's own, and never must;
- sudden movement and flashes are nice where no cut stands near, one a second at most; an event takes longer than a cut
  and is known less exactly (`features.watched`), so it has twice the tolerance;
- markers say what they want: a name that begins with `must`, `hit`, `nice` or `ignore` sets the weight, `prompt` and
  cue names (`cue`, `1m01`) are no hits, any other is a must, since a person put it there. A marker on a cut means it.

Frames count from the timeline's start. Tolerances are a twelfth of a second: within about 80 ms sound and picture
still pass for together (ITU-R BT.1359 gives +45 to -125 ms as the bounds of detection).
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from operator import attrgetter
from typing import Literal

from .errors import RequestError
from .picture import Marker, Picture, Shot
from .timing import quantise, seconds_at

MUST, NICE, IGNORE = 1.0, 0.5, 0.0
"""Weights. What counts a little less than nice lies between NICE and IGNORE."""

FAST_SECONDS = Fraction(1)
"""A run of shots shorter than this is fast: its cuts are felt as a texture."""
SETTLED_SECONDS = Fraction(2)
"""A shot of at least this length is settled: leaving it is felt as an event."""

_MARKER_WORD = re.compile(r"\s*(must|hit|nice|ignore|no hit|prompt|cue\b|\d+m\d+)", re.IGNORECASE)

HitKind = Literal["cut", "detected", "dissolve", "marker", "motion", "flash", "person", "end"]


@dataclass(frozen=True)
class Hit:
    """A moment the music should meet."""

    frame: int
    """Counted from the timeline's start."""
    kind: HitKind
    weight: float
    """0 (ignore) to 1 (must)."""
    tolerance_frames: int
    """How far a beat may fall from the frame and still count as met."""
    reason: str = ""
    """Why it stands here, for a person to read."""

    @property
    def band(self) -> Literal["must", "nice", "ignore"]:
        """The weight in a word."""
        if self.weight >= MUST:
            return "must"
        return "nice" if self.weight > IGNORE else "ignore"


@dataclass(frozen=True)
class Cue:
    """One piece of music over a range of the picture."""

    name: str
    """Like `1m01`; never renumbered."""
    start_frame: int
    duration_frames: int
    hits: tuple[Hit, ...] = ()

    @property
    def end_frame(self) -> int:
        """The frame after the last."""
        return self.start_frame + self.duration_frames


def hit_tolerance(rate: Fraction) -> int:
    """Frames in a twelfth of a second, at least one: 2 at 24, 5 at 60."""
    return max(1, quantise(rate / 12))


def marker_role(marker: Marker) -> Literal["must", "nice", "ignore", "prompt", "cue"]:
    """What a marker asks for, by the word its name begins with; without such a word it is a must."""
    found = _MARKER_WORD.match(marker.name)
    match found[1].lower() if found else "must":
        case "must" | "hit":
            return "must"
        case "nice":
            return "nice"
        case "ignore" | "no hit":
            return "ignore"
        case "prompt":
            return "prompt"
        case _:
            return "cue" if found else "must"


def spot(
    picture: Picture,
    start_frame: int = 0,
    end_frame: int | None = None,
    *,
    motion_peaks: Iterable[tuple[int, float]] = (),
    flash_peaks: Iterable[tuple[int, float]] = (),
    own: Iterable[Hit] = (),
) -> tuple[Hit, ...]:
    """The hits strictly inside [start_frame, end_frame) in order of their frames, one a frame.

    The cue's first frame is no hit, since the music begins there anyway. Ignored moments are listed too, with weight
    0, so that a person can raise them.

    motion_peaks, flash_peaks : (frame, strength in [0, 1]); peaks weaker than 0.5 are left out
    own : a person's own hits; each replaces what stands within its tolerance

    Raises RequestError where the range is empty or leaves the picture.
    """
    end_frame = picture.duration_frames if end_frame is None else end_frame
    if not 0 <= start_frame < end_frame <= picture.duration_frames:
        raise RequestError(
            f"The range {start_frame}-{end_frame} is not inside the picture; "
            f"its frames are 0-{picture.duration_frames} and the end lies after the start."
        )
    tolerance = hit_tolerance(picture.rate)
    # What lies two seconds outside is too far away to matter inside: many cues of a long film are spotted one by one.
    first, last = start_frame - 2 * picture.rate, end_frame + 2 * picture.rate
    all_cuts = _cut_hits(picture, tolerance)
    place = attrgetter("frame")
    hits = list(all_cuts[bisect_left(all_cuts, first, key=place) : bisect_right(all_cuts, last, key=place)])
    cut_frames = [hit.frame for hit in hits]
    hits += _peak_hits("flash", flash_peaks, cut_frames, picture.rate, tolerance)
    taken = [hit.frame for hit in hits]
    hits += _peak_hits("motion", motion_peaks, taken, picture.rate, tolerance)
    hits = _with_markers(hits, (mark for mark in picture.markers if first <= mark.frame <= last), tolerance)
    for mine in own:
        hits = [hit for hit in hits if abs(hit.frame - mine.frame) > mine.tolerance_frames]
        hits.append(mine)
    by_frame = {hit.frame: hit for hit in sorted(hits, key=lambda hit: hit.weight)}
    return tuple(by_frame[frame] for frame in sorted(by_frame) if start_frame < frame < end_frame)


def _cut_hits(picture: Picture, tolerance: int) -> tuple[Hit, ...]:
    """One hit per cut of the picture, detected ones included, in order; kept with the picture, which never changes."""
    kept: tuple[Hit, ...] | None = vars(picture).get("_cut_hits")
    if kept is None:
        kept = vars(picture)["_cut_hits"] = tuple(_found_cuts(picture, tolerance))
    return kept


def _found_cuts(picture: Picture, tolerance: int) -> list[Hit]:
    rate = picture.rate
    speech = sorted(picture.dialogue)
    words = [start for start, _ in speech]
    said = list(accumulate((end for _, end in speech), max))
    cuts = [(before, after) for before, after in pairwise(picture.shots)]
    seen = [after.start_frame for before, after in cuts if not _runs_on(before, after, rate)]
    edges = [0, *seen, picture.duration_frames]
    lengths = {
        frame: (seconds_at(frame - left, rate), seconds_at(right - frame, rate))
        for left, frame, right in zip(edges, edges[1:], edges[2:], strict=False)
    }
    hits: list[Hit] = []
    last_kept = Fraction(-1)
    for before, after in cuts:
        frame = after.start_frame
        if frame not in lengths:
            hits.append(Hit(frame, "cut", IGNORE, tolerance, f"{after.name} runs on across this cut"))
            continue
        length_before, length_after = lengths[frame]
        weight, why = _cut_weight(before, after, length_before, length_after)
        if weight == IGNORE and seconds_at(frame, rate) - last_kept >= FAST_SECONDS:
            weight, why = 0.6 * NICE, "inside a fast run, about one cut a second is kept"
        if weight > IGNORE:
            last_kept = seconds_at(frame, rate)
        begun = bisect_left(words, frame - tolerance)
        if weight > IGNORE and begun and frame + tolerance < said[begun - 1]:
            weight, why = min(weight * 0.5, NICE), f"{why}; someone is speaking"
        kind: HitKind = "cut"
        own_tolerance = tolerance
        if after.transition != "cut":
            kind, weight, own_tolerance = "dissolve", min(weight * 0.5, NICE), 2 * tolerance
            why = "fades in from black" if after.transition == "fade" else f"dissolve; {why}"
        elif after.origin == "detected":
            kind, weight, why = "detected", min(weight * 0.6, NICE), f"found inside a clip; {why}"
        hits.append(Hit(frame, kind, weight, own_tolerance, f"{before.name} to {after.name}: {why}"))
    return hits


def _runs_on(before: Shot, after: Shot, rate: Fraction) -> bool:
    """True where the editor cut a clip but left it running, so that nothing is seen."""
    if after.origin == "detected" or before.media is None or after.media is None or before.media.path is None:
        return False
    reached = before.media.start + seconds_at(before.duration_frames, rate) * before.media.speed
    return (
        before.media.path == after.media.path
        and before.media.speed == after.media.speed != 0
        and abs(reached - after.media.start) * rate < Fraction(1, 2)
    )


def _cut_weight(before: Shot, after: Shot, length_before: Fraction, length_after: Fraction) -> tuple[float, str]:
    """What an editor's hard cut is worth by its neighbours alone, and why."""
    if (before.media is None) != (after.media is None):
        return MUST, "from black or a title" if before.media is None else "to black or a title"
    if length_before < FAST_SECONDS and length_after < FAST_SECONDS:
        return IGNORE, "inside a fast run"
    if length_before >= SETTLED_SECONDS and length_after >= SETTLED_SECONDS:
        return MUST, f"cut after {float(length_before):.1f} s"
    if length_before >= SETTLED_SECONDS and length_after < FAST_SECONDS:
        return MUST, f"a fast run begins after {float(length_before):.1f} s"
    if length_before < FAST_SECONDS and length_after >= SETTLED_SECONDS:
        return MUST, f"a fast run ends; the picture settles for {float(length_after):.1f} s"
    return NICE, f"cut between shots of {float(length_before):.1f} and {float(length_after):.1f} s"


def _peak_hits(
    kind: Literal["motion", "flash"],
    peaks: Iterable[tuple[int, float]],
    taken: Sequence[int],
    rate: Fraction,
    tolerance: int,
) -> list[Hit]:
    """The strongest peaks, a second apart and a quarter of a second away from the frames in `taken`."""
    hits: list[Hit] = []
    for frame, strength in sorted(peaks, key=lambda peak: (-peak[1], peak[0])):
        clear = all(abs(frame - other) >= rate / 4 for other in taken)
        if strength >= 0.5 and clear and all(abs(frame - hit.frame) >= rate for hit in hits):
            how = "very " if strength >= 0.9 else ""
            what = f"{how}sudden movement" if kind == "motion" else f"{how}sudden light"
            reason = f"{what} inside the shot, strength {strength:.2f}"
            hits.append(Hit(frame, kind, NICE * min(strength, 1.0), 2 * tolerance, reason))
    return hits


def _with_markers(hits: Sequence[Hit], markers: Iterable[Marker], tolerance: int) -> list[Hit]:
    """`hits` with what the markers ask for: a marker changes the hit it stands on, or adds one."""
    result = list(hits)
    at: dict[int, list[int]] = {}
    for number, hit in enumerate(result):
        at.setdefault(hit.frame, []).append(number)
    for marker in markers:
        role = marker_role(marker)
        if role in ("prompt", "cue"):
            continue
        weight = {"must": MUST, "nice": NICE, "ignore": IGNORE}[role]
        why = f"marker {marker.name!r}" if marker.name else "marker"
        around = range(marker.frame - tolerance, marker.frame + tolerance + 1)
        near = sorted(number for frame in around for number in at.get(frame, ()))
        if near:
            on = min(near, key=lambda i: (abs(result[i].frame - marker.frame), -result[i].weight))
            result[on] = replace(result[on], weight=weight, reason=f"{why} on {result[on].reason}")
        else:
            at.setdefault(marker.frame, []).append(len(result))
            result.append(Hit(marker.frame, "marker", weight, tolerance, why))
    return result
