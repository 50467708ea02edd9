"""A take played in its style, and in other styles where a wish asks for them.

Each style plays the whole take; a note is heard in the style that holds where it begins. Stems of a range's style stand
beside the cue's own, under names like `pad-strings`, so that every stem keeps its own sound.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from .spotting import Cue
from .timing import seconds_at

if TYPE_CHECKING:
    from .perform import Control, Note, Score, Stem
    from .session import Take

Span = tuple[Fraction, Fraction]


def orchestrate(take: Take, cue: Cue, rate: Fraction) -> Score:
    """The score of `take`; the same take gives the same score. Raises RequestError where a style is unknown."""
    duration = Fraction(cue.duration_frames) / rate
    score = _played(take, cue, take.style, duration, rate)
    spans = style_spans(take, cue, rate)
    others = {style: mine for style, mine in spans.items() if style != take.style}
    if not others:
        return _with_instruments(score, take)
    everywhere = [span for mine in others.values() for span in mine]
    stems = [_heard(stem, everywhere, inside=False) for stem in score.stems]
    style = score.style
    for name, mine in others.items():
        other = _played(take, cue, name, duration, rate)
        if style is None or other.style is None:
            continue
        renamed = {stem.name: f"{stem.name}-{name}" for stem in other.style.stems}
        stems += [replace(_heard(stem, mine, inside=True), name=renamed[stem.name]) for stem in other.stems]
        own = tuple(replace(stem, name=renamed[stem.name]) for stem in other.style.stems)
        style = replace(style, stems=(*style.stems, *own))
    return _with_instruments(replace(score, stems=tuple(stem for stem in stems if stem.notes), style=style), take)


def _with_instruments(score: Score, take: Take) -> Score:
    """With the instruments a person chose for the take's stems."""
    chosen = take.instruments
    return replace(
        score, stems=tuple(replace(stem, program=chosen.get(stem.name, stem.program)) for stem in score.stems)
    )


def style_spans(take: Take, cue: Cue, rate: Fraction) -> dict[str, list[Span]]:
    """Where a wish names a style: (start, end) seconds from the cue's start; later wishes go before."""
    edges = {cue.start_frame, cue.end_frame}
    asked = [wish for wish in take.request.wishes if wish.style is not None]
    for wish in asked:
        edges |= {frame for frame in (wish.start_frame, wish.end_frame) if cue.start_frame < frame < cue.end_frame}
    ordered = sorted(edges)
    spans: dict[str, list[Span]] = {}
    for start, end in pairwise(ordered):
        over = [wish.style for wish in asked if wish.start_frame <= start and end <= wish.end_frame]
        if over and over[-1] is not None:
            span = (seconds_at(start - cue.start_frame, rate), seconds_at(end - cue.start_frame, rate))
            spans.setdefault(over[-1], []).append(span)
    return spans


def _played(take: Take, cue: Cue, style: str, duration: Fraction, rate: Fraction) -> Score:
    from .perform import perform
    from .styles import load_style

    ending = take.ending

    def second(frame: int | None) -> Fraction | None:
        return None if frame is None else seconds_at(frame - cue.start_frame, rate)

    return perform(
        take.roll(),
        take.grid,
        style=load_style(style),
        key=take.key,
        title=cue.name,
        duration=duration,
        seed=take.request.seed,
        dialogue=take.dialogue,
        ending="ring" if ending is None else ending.kind,
        accent=None if ending is None else second(ending.accent_frame),
        tail=None if ending is None else second(ending.tail_frame),
        silent_beats=[(one.first_beat, one.last_beat) for one in take.changes if one.kind == "silence"],
    )


def _heard(stem: Stem, spans: list[Span], *, inside: bool) -> Stem:
    """The stem's notes that begin inside (or outside) the spans, with the controls that go with them."""

    def here(moment: Fraction) -> bool:
        return any(start <= moment < end for start, end in spans) == inside

    notes: tuple[Note, ...] = tuple(note for note in stem.notes if here(note.start))
    reach = [(note.start, note.start + note.duration) for note in notes]
    # A pedal's release comes after its notes: what is let go may always be let go.
    controls: tuple[Control, ...] = tuple(
        control
        for control in stem.controls
        if here(control.time) or control.value == 0 or any(start <= control.time <= end for start, end in reach)
    )
    return replace(stem, notes=notes, controls=controls if notes else ())
