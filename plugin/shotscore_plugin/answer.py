"""What a command has to say."""

from dataclasses import dataclass
from typing import Any

OK, FAILED, BAD_INPUT, CANCELLED = 0, 1, 2, 130
"""Exit codes."""


@dataclass(frozen=True)
class Answer:
    """A command's result in both its forms."""

    table: dict[str, Any]
    """For `--json`; its names stay."""
    text: str
    """For a person."""
    code: int = OK
