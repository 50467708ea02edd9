"""Wishes and energy curves as people write them: on a command line, in a table, in a small file.

    0-120: words=a quiet harbour; energy=0.2
    01:00:10:00-01:00:14:00: silence
    shots 5-8: mood=-0.4,0.7; key=D minor; style=strings; density=0.8

A curve is CSV, a line `frame,energy` a point (a frame or record timecode; a first line of words is a heading), or JSON,
`[[frame, energy], ...]`. Points may come in any order; between them the curve is straight.
"""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from .errors import RequestError
from .picture import Picture
from .request import parse_frame, parse_range
from .wishes import EnergyCurve, Wish, check_curve

MOST_BYTES = 1 << 20
_FORM = 'write for example "0-120: words=a quiet harbour; energy=0.2" or "shots 5-8: silence"'
_NAMES = ("words", "mood", "energy", "density", "key", "style", "silence")


def check_wish(text: str) -> None:
    """Raises RequestError where `text` is no wish, before there is a picture to find its range in."""
    _split(text)


def parse_wish(text: str, picture: Picture) -> Wish:
    """The wish that `text` asks for. Raises RequestError where it is none, or where its range is not in `picture`."""
    where, wish = _split(text)
    words = where.split()
    if words[:1] in (["shots"], ["shot"]):
        first, _, last = "".join(words[1:]).partition("-")
        numbers = (first, last or first)
        count = len(picture.shots)
        if not all(number.isdecimal() for number in numbers) or not 1 <= int(numbers[0]) <= int(numbers[1]) <= count:
            raise RequestError(f"{where!r} names no shots of this picture, which has 1-{count}; write shots A-B.")
        start = picture.shots[int(numbers[0]) - 1].start_frame
        end = picture.shots[int(numbers[1]) - 1].end_frame
    else:
        start, end = parse_range(where, picture)
    return replace(wish, start_frame=start, end_frame=end)


def _split(text: str) -> tuple[str, Wish]:
    """Where, and what is wanted there, its range still open."""
    # A timecode holds colons as well: what is wanted begins after the last one that stands before any `=`.
    head = text.split("=")[0]
    where, colon, first = head.rpartition(":")
    if not colon or not where.strip():
        raise RequestError(f"{text!r} is not a wish; {_FORM}.")
    given: dict[str, Any] = {}
    for one in f"{first}{text[len(head) :]}".split(";"):
        name, equals, value = (part.strip() for part in one.partition("="))
        if name == "prompt":
            name = "words"
        if name not in _NAMES or bool(equals) == (name == "silence") or name in given:
            raise RequestError(f"{one.strip()!r} in {text!r} is no wish; name each once: {', '.join(_NAMES)}.")
        given[name] = value
    try:
        wish = Wish(
            0,
            1,
            prompt=given.get("words", ""),
            mood=_mood(given["mood"]) if "mood" in given else None,
            energy=float(given["energy"]) if "energy" in given else None,
            density=float(given["density"]) if "density" in given else None,
            key=given.get("key"),
            style=given.get("style"),
            silence="silence" in given,
        )
    except ValueError as problem:
        raise RequestError(f"A number in {text!r} is none; {_FORM}.") from problem
    return where.strip(), wish


def _mood(text: str) -> tuple[float, float]:
    valence, arousal = (float(number) for number in text.split(","))
    return valence, arousal


def read_curve(path: Path, picture: Picture) -> EnergyCurve:
    """The energy curve in the file `path`: (frame, energy) points in order.

    Raises RequestError where it cannot be read, is larger than a megabyte, or holds anything else; the line is named.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RequestError(f"{path} is larger than {MOST_BYTES:,} bytes; an energy curve is a few points.")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise RequestError(f"The energy curve {path} cannot be read: {reason}.") from problem
    rows = _json_rows(text, path) if text.lstrip().startswith(("[", "{")) else _csv_rows(text)
    points: dict[int, float] = {}
    for line, row in rows:
        try:
            if len(row) != 2:
                raise ValueError
            frame, energy = parse_frame(str(row[0]).strip(), picture), float(row[1])
        except (ValueError, TypeError, RequestError) as problem:
            raise RequestError(f"{path}, point {line}: {row!r} is not a frame and an energy of 0 to 1.") from problem
        if frame in points:
            raise RequestError(f"{path}, point {line}: the frame {row[0]} has an energy already.")
        points[frame] = energy
    curve = tuple(sorted(points.items()))
    if not curve:
        raise RequestError(f"{path} holds no points; give lines of frame,energy.")
    check_curve(curve)
    return curve


def _json_rows(text: str, path: Path) -> list[tuple[int, Any]]:
    try:
        held = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise RequestError(f"{path} is not JSON: {problem}.") from problem
    if not isinstance(held, list) or not all(isinstance(row, list) for row in held):
        raise RequestError(f"{path} is no list of points; write [[0, 0.2], [240, 0.8]].")
    return list(enumerate(held, 1))


def _csv_rows(text: str) -> list[tuple[int, list[str]]]:
    rows = [
        (line, row) for line, row in enumerate(csv.reader(text.splitlines()), 1) if any(cell.strip() for cell in row)
    ]
    heading = rows and not any(letter.isdigit() for letter in rows[0][1][0])
    return rows[1:] if heading else rows
