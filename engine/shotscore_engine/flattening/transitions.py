"""Transitions: a dissolve is a cut at its middle, a fade begins or ends in black."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from .layout import Cell, Layout
from .pieces import Fade, Piece


def apply_transition(
    layout: Layout, cells: Sequence[Cell], shown: list[list[Piece]], after: int, cut: Fraction, transition: Any
) -> None:
    """Move the cut to the transition's middle, or light up and out at black.

    before: A ....|.... B     dissolve from `first` to `last` around the cut
    after:  A ......|.. B     the cut at its middle, B marked "dissolve"
    """
    first, last = cut - layout.seconds(transition.in_offset), cut + layout.seconds(transition.out_offset)
    if last <= first:
        return
    left, right = after - 1, after
    a = shown[left] if left >= 0 else []
    b = shown[right] if right < len(shown) else []
    a_lit = bool(a) and a[-1].end >= cut
    b_lit = bool(b) and b[0].start <= cut
    via_black = "black" in (transition.name or "").lower() or "dip" in (transition.name or "").lower()
    if a_lit and b_lit:
        middle = min(max((first + last) / 2, a[-1].start), b[0].end)
        a[-1] = a[-1].trimmed(a[-1].start, middle)
        b[0] = replace(b[0].trimmed(middle, b[0].end), head=Fade(first, last, "fade" if via_black else "dissolve"))
    elif b_lit:
        floor = cells[left].start if left >= 0 else Fraction(0)
        b[0] = replace(b[0].trimmed(max(first, floor), b[0].end), head=Fade(max(first, floor), last, "fade"))
    elif a_lit:
        a[-1] = replace(a[-1].trimmed(a[-1].start, last), tail=Fade(first, last, "fade"))
