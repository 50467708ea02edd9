"""What following a recut changed, in words: a sentence, and the list behind it.

The table is what `shotscore_engine.reconform.change_table` makes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from .language import tr

Table = Mapping[str, Any]


def summary(table: Table) -> str:
    """How many bars became what, and what happened to hits and locks."""
    counts = table["bar_counts"]
    words = [
        text.format(counts[change])
        for change, text in (
            ("kept", tr("{0} bars as they were")),
            ("moved", tr("{0} moved with their picture")),
            ("eased", tr("{0} a little faster or slower")),
            ("regenerated", tr("{0} written anew")),
        )
        if counts.get(change)
    ]
    told = tr("The music has followed the recut: {0}.").format(", ".join(words) or tr("nothing to change"))
    lost = tr("Locks gone with their picture: {0}.").format(len(table["lost_locks"]))
    return f"{told} {lost}" if table["lost_locks"] else told


def change_list(table: Table) -> str:
    """Every shot that is another or elsewhere, every run of bars, every hit, a line each."""
    lines = [_shot_line(row) for row in table["shots"] if row["change"] != "kept"]
    states = {
        "kept": tr("as they were"),
        "moved": tr("moved with their picture"),
        "eased": tr("a little faster or slower"),
        "regenerated": tr("written anew"),
    }
    bars = sorted(table["bars"], key=lambda row: (row["cue"], row["bar"]))
    for (cue, change), run in groupby(bars, key=lambda row: (row["cue"], row["change"])):
        numbers = [row["bar"] for row in run]
        lines.append(tr("{0}, bars {1}: {2}").format(cue, _span(numbers), states[change]))
    met = {"met": tr("met"), "near": tr("nearly met"), "missed": tr("missed"), "ignored": tr("ignored")}
    for hit in table["hits"]:
        state, off = met.get(hit["state"], hit["state"]), f"{hit['off_after']:+.1f}"
        if hit["off_before"] is None:
            lines.append(
                tr("{0}, new hit at frame {1}: {2} frames off, {3}").format(hit["cue"], hit["frame"], off, state)
            )
        else:
            words = tr("{0}, hit at frame {1}: {2} → {3} frames off, {4}")
            lines.append(words.format(hit["cue"], hit["frame"], f"{hit['off_before']:+.1f}", off, state))
    return "\n".join(lines)


def _shot_line(row: Mapping[str, Any]) -> str:
    change = {
        "moved": tr("moved"),
        "trimmed": tr("trimmed"),
        "slipped": tr("slipped"),
        "new": tr("new"),
        "deleted": tr("deleted"),
    }[row["change"]]
    if row["new"] is None:
        return tr("Shot {0} of before: {1}").format(row["old"], change)
    by = tr(", {0} frames from where it was").format(f"{row['frames_moved']:+}") if row["frames_moved"] else ""
    return tr("Shot {0}: {1}").format(row["new"], change + by)


def _span(numbers: Sequence[int]) -> str:
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}–{numbers[-1]}"
