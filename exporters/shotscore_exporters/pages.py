"""Printable pages: what PDFs of ours share. Made with ReportLab (BSD licence)."""

import io
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

_FONT = "Shotscore"
_PLACES = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans{bold}.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans{bold}.ttf",
    "/usr/share/fonts/TTF/DejaVuSans{bold}.ttf",
    "/System/Library/Fonts/Supplemental/Arial{ bold}.ttf",
    "C:/Windows/Fonts/arial{bd}.ttf",
)
"""Fonts with more letters than the one ReportLab brings, which has Western European ones alone."""


@cache
def fonts() -> tuple[str, str]:
    """Names of a plain and a bold font, registered with ReportLab."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFError, TTFont

    for place in (*_PLACES, "Vera{Bd}.ttf"):
        plain, bold = (_filled(place, is_bold) for is_bold in (False, True))
        try:
            pdfmetrics.registerFont(TTFont(_FONT, plain))
            pdfmetrics.registerFont(TTFont(f"{_FONT}-Bold", bold))
        except (TTFError, OSError):
            continue
        return _FONT, f"{_FONT}-Bold"
    return "Helvetica", "Helvetica-Bold"


def _filled(place: str, is_bold: bool) -> str:
    for mark, word in (("{bold}", "-Bold"), ("{ bold}", " Bold"), ("{bd}", "bd"), ("{Bd}", "Bd")):
        place = place.replace(mark, word if is_bold else "")
    return place if sys.platform != "win32" or Path(place).name == place else str(Path(place))


def styles() -> dict[str, Any]:
    """Paragraph styles: title, heading, text, small."""
    from reportlab.lib.styles import ParagraphStyle

    plain, bold = fonts()
    return {
        "title": ParagraphStyle("title", fontName=bold, fontSize=18, leading=24, spaceAfter=4),
        "heading": ParagraphStyle("heading", fontName=bold, fontSize=12, leading=16, spaceBefore=10, spaceAfter=4),
        "text": ParagraphStyle("text", fontName=plain, fontSize=9, leading=12),
        "head": ParagraphStyle("head", fontName=bold, fontSize=8.5, leading=11),
        "small": ParagraphStyle("small", fontName=plain, fontSize=7.5, leading=10, textColor="#555555"),
    }


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], widths: Sequence[float]) -> Any:
    """A ruled table whose texts wrap; a cell that is no text is a picture."""
    from reportlab.platypus import Paragraph, Table, TableStyle

    form = styles()

    def cell(value: Any, style: str) -> Any:
        return Paragraph(escaped(value), form[style]) if isinstance(value, str) else value

    made = Table(
        [[cell(value, "head") for value in head], *([cell(value, "text") for value in row] for row in rows)],
        colWidths=list(widths),
        repeatRows=1,
    )
    made.setStyle(
        TableStyle([
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, "#bbbbbb"),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 3),
            ("RIGHTPADDING", (0, 0), (-1, -1), 3),
            ("TOPPADDING", (0, 0), (-1, -1), 3),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ])
    )  # fmt: skip
    return made


def pdf(story: list[Any], title: str, landscape: bool = False) -> bytes:
    """The flowables as A4 pages with their numbers; the same story gives the same bytes."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import SimpleDocTemplate

    plain, _ = fonts()
    buffer = io.BytesIO()
    size = (A4[1], A4[0]) if landscape else A4
    margin = 40
    document = SimpleDocTemplate(
        buffer, pagesize=size, title=title, author="Shotscore", invariant=1,
        leftMargin=margin, rightMargin=margin, topMargin=margin, bottomMargin=margin,
    )  # fmt: skip

    def number(canvas: Any, page: Any) -> None:
        canvas.setFont(plain, 7.5)
        canvas.drawRightString(size[0] - margin, margin / 2, f"{title}  {page.page}")

    document.build(story, onFirstPage=number, onLaterPages=number)
    return buffer.getvalue()


def escaped(text: str) -> str:
    """A text as ReportLab's paragraphs want it."""
    from xml.sax.saxutils import escape

    return escape(text).replace("\n", "<br/>")
