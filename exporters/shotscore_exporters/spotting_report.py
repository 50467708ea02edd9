"""The spotting report: what composer and editor talk over. Shots with thumbnails, hits, mood and words, takes.

One HTML file with its pictures inside, and the same as a PDF. Mood and words are those that were asked for, per shot;
a hit says how far the music's nearest beat is from it.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from pathlib import Path
from typing import Any

from shotscore_engine.atomic import replace_file
from shotscore_engine.grid import HitFit, fit_hits
from shotscore_engine.picture import Picture, Shot, media_seconds
from shotscore_engine.progress import Progress, silent
from shotscore_engine.session import Session, Take
from shotscore_engine.timing import format_timecode

from . import pages
from .cuesheet import clock
from .placement import place

_THUMBNAIL_LINES = 90
_JPEG_QUALITY = 78
_SHOTS = ("Picture", "Shot", "In", "Frames", "Name", "Mood and words")
_HITS = ("At", "Kind", "Why", "Weight", "Off by", "State")
_TAKES = ("Take", "Name", "Seed", "Style", "Key", "Energy", "Notes a second", "Hits met")


@dataclass(frozen=True)
class Chapter:
    """One cue of the report, in plain values."""

    title: str
    facts: str
    shots: tuple[tuple[bytes, tuple[str, ...]], ...]
    """(JPEG or nothing, the values under `_SHOTS` after the first)."""
    hits: tuple[tuple[str, ...], ...]
    takes: tuple[tuple[str, ...], ...]


def chapters(session: Session, takes: Sequence[Take], progress: Progress = silent) -> tuple[Chapter, ...]:
    """What the report says; `takes` are the ones in use, one a cue."""
    picture = session.picture
    made = []
    for take in takes:
        cue, placement = session.cue(take.cue), place(picture, session.cue(take.cue))
        grid = take.grid
        shots = [s for s in picture.shots if s.start_frame < cue.end_frame and s.end_frame > cue.start_frame]
        pictured = []
        for number, shot in enumerate(shots):
            progress("write", number / len(shots))
            values = (
                str(shot.index),
                _timecode(picture, shot.start_frame),
                str(shot.duration_frames),
                shot.name,
                _wanted(take, shot),
            )
            pictured.append((thumbnail(shot, picture.rate), values))
        out = format_timecode(placement.absolute_frame + placement.duration_frames, picture.rate, picture.drop_frame)
        prompt = f" Words: {take.request.prompt}." if take.request.prompt else ""
        facts = (
            f"{placement.timecode} to {out}, {clock(placement.duration)}. {grid.bpm:.2f} BPM in "
            f"{grid.meter[0]}/{grid.meter[1]}, {take.key}, {len(grid.bar_beats)} bars, style {take.style}, "
            f"take {take.number}.{prompt}"
        )
        made.append(
            Chapter(
                f"{cue.name} {take.name}".strip(),
                facts,
                tuple(pictured),
                tuple(_hit(picture, fit) for fit in fit_hits(grid, cue.hits, picture.rate, cue.start_frame)),
                tuple(_take(session, one) for one in session.takes if one.cue == cue.name),
            )
        )
    return tuple(made)


def thumbnail(shot: Shot, rate: Fraction) -> bytes:
    """A JPEG of the shot's middle, 90 lines high; nothing where it has no picture."""
    from .preview import picture_at

    if shot.media is None or shot.media.path is None or shot.media.offline:
        return b""
    middle = media_seconds(shot, shot.start_frame + shot.duration_frames // 2, rate)
    frame = picture_at(shot.media.path, middle, _THUMBNAIL_LINES)
    if frame is None:
        return b""
    buffer = io.BytesIO()
    image: Any = frame.to_image()  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
    image.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()


def to_html(found: Sequence[Chapter], production: str) -> bytes:
    """The report as one page that needs nothing beside it."""
    body = []
    for chapter in found:
        shots = [(_image(jpeg), *(escape(value) for value in values)) for jpeg, values in chapter.shots]
        body.append(f"<h2>{escape(chapter.title)}</h2>\n<p>{escape(chapter.facts)}</p>\n{_html_table(_SHOTS, shots)}")
        for heading, head, rows in (("Hits", _HITS, chapter.hits), ("Takes", _TAKES, chapter.takes)):
            if rows:
                plain = [tuple(escape(value) for value in row) for row in rows]
                body.append(f"<h3>{heading}</h3>\n{_html_table(head, plain)}")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{escape(production)}: spotting report</title>
<style>
body {{ font: 11pt/1.4 system-ui, sans-serif; margin: 2cm; color: #111; }}
table {{ border-collapse: collapse; width: 100%; margin-bottom: 1em; }}
th, td {{ border-bottom: 1px solid #bbb; padding: .3em .5em; text-align: left; vertical-align: top; }}
td {{ font-variant-numeric: tabular-nums; }}
img {{ display: block; height: 60px; }}
tr {{ break-inside: avoid; }}
</style>
</head>
<body>
<h1>{escape(production)}</h1>
<p>Spotting report</p>
{"".join(body)}
</body>
</html>
""".encode()


def to_pdf(found: Sequence[Chapter], production: str) -> bytes:
    """The report as a PDF."""
    from reportlab.platypus import Image, Paragraph, Spacer

    form = pages.styles()
    story: list[Any] = [Paragraph(pages.escaped(production), form["title"]), Paragraph("Spotting report", form["text"])]
    for chapter in found:
        story += [Paragraph(pages.escaped(chapter.title), form["heading"])]
        story += [Paragraph(pages.escaped(chapter.facts), form["text"]), Spacer(1, 6)]
        rows: list[tuple[Any, ...]] = []
        for jpeg, values in chapter.shots:
            picture: Any = ""
            if jpeg:
                picture = Image(io.BytesIO(jpeg))
                picture.drawWidth, picture.drawHeight = 45 * picture.imageWidth / picture.imageHeight, 45
            rows.append((picture, *values))
        story.append(pages.table(_SHOTS, rows, (88, 32, 68, 42, 110, 170)))
        if chapter.hits:
            story.append(Paragraph("Hits", form["heading"]))
            story.append(pages.table(_HITS, chapter.hits, (70, 60, 220, 45, 60, 55)))
        story.append(Paragraph("Takes", form["heading"]))
        story.append(pages.table(_TAKES, chapter.takes, (35, 110, 60, 80, 65, 45, 65, 50)))
    return pages.pdf(story, f"{production}: spotting report")


def write(session: Session, takes: Sequence[Take], folder: Path, progress: Progress = silent) -> tuple[Path, Path]:
    """Write `spotting-report.html` and `.pdf` into `folder`. Raises OutputError where that is not possible."""
    found, production = chapters(session, takes, progress), session.picture.name
    paths = folder / "spotting-report.html", folder / "spotting-report.pdf"
    replace_file(paths[0], to_html(found, production))
    replace_file(paths[1], to_pdf(found, production))
    return paths


def _wanted(take: Take, shot: Shot) -> str:
    """What was asked for over a shot: later wishes go before."""
    request = take.request
    words, mood, energy, others = request.prompt, request.mood, request.energy, list[str]()
    for wish in request.wishes:
        if wish.start_frame < shot.end_frame and wish.end_frame > shot.start_frame:
            words, mood = wish.prompt or words, wish.mood or mood
            energy = energy if wish.energy is None else wish.energy
            others += [f"{name} {value}" for name, value in (("key", wish.key), ("style", wish.style)) if value]
            others += ["silence"] if wish.silence else []
    said = [words] if words else []
    if mood is not None:
        said.append(f"valence {mood[0]:+.1f}, arousal {mood[1]:+.1f}")
    if energy is not None:
        said.append(f"energy {energy:.1f}")
    return "; ".join([*said, *others]) or "as the picture says"


def _hit(picture: Picture, fit: HitFit) -> tuple[str, ...]:
    off = "" if fit.state == "ignored" else f"{float(fit.frames_off):+.1f} fr"
    hit = fit.hit
    return (_timecode(picture, hit.frame), hit.kind, hit.reason, f"{hit.weight:.2f}", off, fit.state)


def _take(session: Session, take: Take) -> tuple[str, ...]:
    from shotscore_engine.takes import measure_take

    measures = measure_take(session, take)
    mark = " *" if take.starred else ""
    mark += " (in use)" if session.chosen.get(take.cue) == take.number else ""
    seed = take.request.seed if take.revision is None else take.revision.seed
    return (
        f"{take.number}{mark}",
        take.name,
        str(seed),
        take.style,
        take.key,
        f"{measures.energy:.2f}",
        f"{measures.density:.1f}",
        f"{measures.hits_met}/{measures.hits}",
    )


def _timecode(picture: Picture, frame: int) -> str:
    return format_timecode(picture.start_frame + frame, picture.rate, picture.drop_frame)


def _image(jpeg: bytes) -> str:
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}">' if jpeg else ""


def _html_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Cells are markup already."""
    top = "".join(f"<th>{name}</th>" for name in head)
    lines = "\n".join("<tr>" + "".join(f"<td>{value}</td>" for value in row) + "</tr>" for row in rows)
    return f"<table>\n<thead><tr>{top}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n</table>\n"
