"""What the panel and its worker process say to each other: one JSON object a line, no longer than `LONGEST_LINE`.

    panel -> worker    {"job": 7, "do": "score", "with": {...}}     start; one at a time
                       {"cancel": 7}                                stop it at the next chance
    worker -> panel    {"ready": true}
                       {"job": 7, "stage": "denoise", "done": 0.3}
                       {"job": 7, "roll": {...}}                    the music as it forms, see `worker.Live`
                       {"job": 7, "answer": {...}}                  finished
                       {"job": 7, "problem": {"kind": "RequestError", "text": "...", "detail": "..."}}
                       {"job": 7, "cancelled": true}

JSON and nothing else: a line that is too long, no object or no JSON is an error of whoever wrote it. Sessions go by
file, never over the line.
"""

from __future__ import annotations

import json
from typing import Any

LONGEST_LINE = 8 * 2**20
"""Bytes, the line feed included."""

Message = dict[str, Any]


class ProtocolError(Exception):
    """The other side wrote something that is no message."""


def pack(message: Message) -> bytes:
    """The line for `message`. Raises ProtocolError where it would be too long."""
    line = json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    if len(line) > LONGEST_LINE:
        raise ProtocolError(f"A message of {len(line):,} bytes is longer than {LONGEST_LINE:,}.")
    return line


def unpack(line: bytes) -> Message:
    """The message in `line`. Raises ProtocolError where it is none."""
    if len(line) > LONGEST_LINE:
        raise ProtocolError(f"A line of {len(line):,} bytes is longer than {LONGEST_LINE:,}.")
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise ProtocolError(f"{line[:80]!r} is not JSON: {problem}.") from problem
    if not isinstance(message, dict):
        raise ProtocolError(f"{line[:80]!r} is not a JSON object.")
    return message
