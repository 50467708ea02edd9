"""Progress as an argument.

Anything that can take longer than a second accepts a `Progress` and calls it often. The callback cancels the
work by raising `Cancelled`; whoever calls it must let that exception through.
"""

from typing import Protocol


class Progress(Protocol):
    """Called with the stage at work and how much of that stage is done."""

    def __call__(self, stage: str, done: float) -> None:
        """`stage`: one of read, analyse, denoise, render, write; `done`: 0 to 1. May raise `Cancelled`."""


def within(progress: Progress, low: float, high: float) -> Progress:
    """A `Progress` for one part of a stage: its 0 to 1 are `low` to `high` of the whole."""

    def part(stage: str, done: float) -> None:
        progress(stage, low + (high - low) * done)

    return part


def silent(stage: str, done: float) -> None:
    """A `Progress` that says nothing."""
