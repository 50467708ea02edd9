"""The timeline strip in words: tooltips, titles of lanes, and what a screen reader says."""

from __future__ import annotations

from bisect import bisect_right

from shotscore_engine.timing import format_timecode

from ..language import tr
from ..view import HitView, ShotView, TimelineView
from .spans import part_name


def timecode(view: TimelineView, frame: int) -> str:
    """The record timecode of a frame of the timeline."""
    return format_timecode(view.start_frame + frame, view.rate, view.drop_frame)


def description(view: TimelineView, playhead: int, selection: tuple[int, int], hit: HitView | None) -> str:
    """What is shown, for screen readers."""
    words = tr("{0} shots; the playhead is at {1}.").format(len(view.shots), timecode(view, playhead))
    first, last = selection
    if first:
        one = tr("Shot {0}, {1}, is selected.").format(first, view.shots[first - 1].name)
        more = tr("Shots {0} to {1} are selected.").format(first, last)
        words = f"{words} {one if first == last else more}"
    return f"{words} {hit_words(view, hit)}" if hit is not None else words


def hit_words(view: TimelineView, hit: HitView) -> str:
    """A hit in a sentence."""
    state = {
        "met": tr("met"),
        "near": tr("nearly met"),
        "missed": tr("missed"),
        "ignored": tr("ignored"),
        "open": tr("not scored yet"),
    }[hit.state]
    text = tr("Hit at {0}: {1}, weight {2}").format(timecode(view, hit.frame), state, f"{hit.weight:.2f}")
    if hit.state in ("met", "near", "missed"):
        text += tr(", the beat comes {0} frames off").format(f"{hit.frames_off:+.1f}")
    return f"{text}. {hit.reason}" if hit.reason else f"{text}."


def shot_words(view: TimelineView, shot: ShotView) -> str:
    """A shot in two lines."""
    length = float(shot.duration_frames / view.rate)
    text = tr("Shot {0}: {1}\n{2}, {3} s").format(
        shot.index, shot.name, timecode(view, shot.start_frame), f"{length:.2f}"
    )
    return text + (tr("\nIts media is offline.") if shot.offline else "")


def place_words(view: TimelineView, lane: str, frame: float) -> str:
    """What there is at a place of a lane, other than its hits."""
    if lane == "shots" and (shot := view.shot_at(frame)) is not None:
        return shot_words(view, shot)
    if lane == "tempo" and (cue := view.cue_at(frame)) is not None and cue.grid is not None:
        beat = bisect_right(cue.grid.beat_frames, frame) - 1
        return tr("{0} BPM").format(f"{cue.grid.bpm[beat]:.2f}") if 0 <= beat < len(cue.grid.bpm) else ""
    if lane == "locks":
        lock = view.lock_at(frame)
        if lock is None:
            return tr("Click to lock the selected shots.")
        part = part_name(lock.part) if lock.part else tr("every part")
        return tr("Locked: {0}. Click to unlock.").format(part)
    if lane == "energy":
        return tr("Draw how much should happen; what the picture says is dashed.")
    return ""


def lane_help(lane: str) -> str:
    """What a lane shows and what can be done in it; the tooltip of its title."""
    return {
        "time": tr("Timecode. Drag to move the playhead; double-click shows the whole film."),
        "cue": tr(
            "Cues. Click to choose one, double-click to zoom to it. Drag an edge to begin or end it elsewhere: "
            "the music stays where its picture is. Shift lets it overlap another cue, Alt passes cuts by."
        ),
        "shots": tr("Shots. Click and drag to select; dashed cuts were found inside a clip."),
        "hits": tr(
            "Hits, by weight: disc met, diamond nearly, cross missed, dot ignored, ring not scored yet.\n"
            "Drag sideways to move, up and down to weigh; double-click adds one or mutes it.\n"
            "Where they crowd, bars show shares: full is met, striped nearly, checked missed."
        ),
        "bars": tr("Bars and beats of the music. Drag to move the playhead."),
        "tempo": tr("Tempo in quarter notes a minute."),
        "dialogue": tr("Where someone speaks."),
        "music": tr("The music of the take in use."),
        "energy": tr("How much happens: dashed as the picture has it, solid as you drew it."),
        "locks": tr("What stays when the rest is made anew. Click to lock the selection, or to unlock."),
    }.get(lane, "")


def lane_title(title: str) -> str:
    """The title of a lane, in the panel's language."""
    return {
        "Time": tr("Time"),
        "Cue": tr("Cue"),
        "Shots": tr("Shots"),
        "Hits": tr("Hits"),
        "Bars": tr("Bars"),
        "Tempo": tr("Tempo"),
        "Dialogue": tr("Dialogue"),
        "Music": tr("Music"),
        "Energy": tr("Energy"),
        "Locks": tr("Locks"),
    }[title]
