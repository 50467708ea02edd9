"""The cue sheet performing-rights societies ask for: every cue with its times, use, writers and publishers.

CSV for their forms and spreadsheets, HTML and PDF to print. In and out are record timecode (out is the frame after the
last, as editors write it), the duration is in real seconds, so that drop-frame and 23.976 sheets add up.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from pathlib import Path

from shotscore_engine.atomic import replace_file
from shotscore_engine.timing import format_timecode, quantise

from . import pages
from .credits import USAGES
from .placement import Placement

_FIELDS = ("Cue", "Title", "Usage", "Timecode in", "Timecode out", "Duration", "Writers", "Publishers")


@dataclass(frozen=True)
class CueLine:
    """One cue of the sheet."""

    name: str
    """Like `1m01`."""
    placement: Placement
    title: str = ""
    usage: str = "BI"
    writers: str = ""
    publishers: str = ""

    @property
    def row(self) -> tuple[str, ...]:
        """The values under the sheet's headings."""
        place = self.placement
        out = format_timecode(place.absolute_frame + place.duration_frames, place.rate, place.drop_frame)
        return (
            self.name,
            self.title or self.name,
            self.usage,
            place.timecode,
            out,
            clock(place.duration),
            self.writers,
            self.publishers,
        )


def to_csv(cues: Sequence[CueLine], production: str) -> bytes:
    """The sheet as CSV: headings, cues in order of time, the sum. UTF-8 with the mark spreadsheets look for."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("Production", *_FIELDS))
    for cue in _ordered(cues):
        # A value that begins like a formula would be run by a spreadsheet.
        table.writerow([f"'{value}" if value[:1] in "=+-@" and value else value for value in (production, *cue.row)])
    table.writerow(("Total", "", "", "", "", "", clock(_total(cues)), "", ""))
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def to_html(cues: Sequence[CueLine], production: str) -> bytes:
    """The sheet as one page to print."""
    head = "".join(f"<th>{name}</th>" for name in _FIELDS)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{escape(value)}</td>" for value in cue.row) + "</tr>" for cue in _ordered(cues)
    )
    codes = "; ".join(f"{code} {meaning}" for code, meaning in USAGES.items())
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{escape(production)}: music cue sheet</title>
<style>
body {{ font: 11pt/1.4 system-ui, sans-serif; margin: 2cm; color: #111; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ border-bottom: 1px solid #bbb; padding: .35em .6em; text-align: left; vertical-align: top; }}
td:nth-child(4), td:nth-child(5), td:nth-child(6) {{ font-variant-numeric: tabular-nums; white-space: nowrap; }}
footer {{ margin-top: 1em; font-size: 9pt; color: #555; }}
</style>
</head>
<body>
<h1>{escape(production)}</h1>
<p>Music cue sheet</p>
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
<tfoot><tr><th colspan="5">Total</th><th>{clock(_total(cues))}</th><th></th><th></th></tr></tfoot>
</table>
<footer>Usage: {codes}</footer>
</body>
</html>
""".encode()


def to_pdf(cues: Sequence[CueLine], production: str) -> bytes:
    """The sheet as a PDF, A4 across."""
    from reportlab.platypus import Paragraph, Spacer

    form = pages.styles()
    rows = [*(cue.row for cue in _ordered(cues)), ("Total", "", "", "", "", clock(_total(cues)), "", "")]
    codes = "; ".join(f"{code} {meaning}" for code, meaning in USAGES.items())
    story = [
        Paragraph(pages.escaped(production), form["title"]),
        Paragraph("Music cue sheet", form["text"]),
        Spacer(1, 10),
        pages.table(_FIELDS, rows, (45, 150, 45, 75, 75, 55, 175, 140)),
        Spacer(1, 8),
        Paragraph(f"Usage: {codes}", form["small"]),
    ]
    return pages.pdf(story, f"{production}: music cue sheet", landscape=True)


def write(cues: Sequence[CueLine], production: str, folder: Path) -> tuple[Path, ...]:
    """Write `cue-sheet.csv`, `.html` and `.pdf` into `folder`. Raises OutputError where that is not possible."""
    made = {"csv": to_csv(cues, production), "html": to_html(cues, production), "pdf": to_pdf(cues, production)}
    for kind, data in made.items():
        replace_file(folder / f"cue-sheet.{kind}", data)
    return tuple(folder / f"cue-sheet.{kind}" for kind in made)


def clock(duration: Fraction) -> str:
    """Real time as H:MM:SS, rounded to the second."""
    seconds = quantise(duration)
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _ordered(cues: Sequence[CueLine]) -> list[CueLine]:
    return sorted(cues, key=lambda cue: (cue.placement.absolute_frame, cue.name))


def _total(cues: Sequence[CueLine]) -> Fraction:
    return sum((cue.placement.duration for cue in cues), Fraction(0))
