"""The spotting session as one picture: shots, hits, beats and bars, and the tempo map.

From above: the shots as they follow each other; the hits, whose height is their weight and whose shape says how they
are met (disc: met, diamond: near, cross: missed, small dot: ignored; on a dotted stem: seen inside a shot rather than
cut); bars and beats, and how the last accent dies away; tempo, with what holds it up; and the ranked tempi.
Needs Matplotlib, which the extra `plot` installs; nothing else in the engine does.
"""

import textwrap
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import OutputError, RequestError
from .grid import BeatGrid, HitFit, HitState, fit_hits
from .picture import Picture, Shot
from .spotting import Cue
from .tempo import TempoCandidate
from .tempo_map import Ending, TempoChange
from .timing import format_timecode, rate_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg", ".pdf")

LEFT_INCHES, RIGHT_INCHES = 1.25, 0.35
"""Margins beside the drawing; the left one holds the rows' labels."""

TEMPO, TAIL = "#009e73", "#cc79a7"
INK, GREY, FAINT, PAPER = "#22303c", "#8a95a0", "#dfe4e8", "#ffffff"
SHOT_FILLS = ("#cfd9e2", "#e3e9ee")
OFFLINE_FILL = "#f3e3d3"
# Told apart by shape first; the colours keep their distance for every common kind of colour blindness (Okabe and Ito).
MARKS: dict[HitState, tuple[str, str, str]] = {
    "met": ("o", "#0072b2", "met"),
    "near": ("D", "#e69f00", "near"),
    "missed": ("X", "#d55e00", "missed"),
    "ignored": (".", GREY, "ignored"),
}


def write_spot_figure(
    path: Path,
    picture: Picture,
    cue: Cue,
    grid: BeatGrid,
    candidates: Sequence[TempoCandidate] = (),
    *,
    ending: Ending | None = None,
    changes: Sequence[TempoChange] = (),
) -> None:
    """Writes `spot_figure` as PNG, SVG or PDF, by the file's suffix.

    Raises RequestError for another suffix or without Matplotlib, OutputError where the file cannot be written.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise RequestError(f"A plot cannot be written as {path.name!r}; end the name with {', '.join(SUFFIXES)}.")
    figure = spot_figure(picture, cue, grid, candidates, ending=ending, changes=changes)
    try:
        figure.savefig(path, dpi=150, facecolor=PAPER)
    except OSError as problem:
        raise OutputError(f"The plot {path} cannot be written: {problem.strerror or problem}.") from problem


def spot_figure(
    picture: Picture,
    cue: Cue,
    grid: BeatGrid,
    candidates: Sequence[TempoCandidate] = (),
    *,
    ending: Ending | None = None,
    changes: Sequence[TempoChange] = (),
) -> "Figure":
    """A Matplotlib figure of `cue` and its `grid`, drawn without a display.

    The wider the longer the cue is, within reason. Raises RequestError without Matplotlib.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as problem:
        raise RequestError("Plots need Matplotlib; install it with: pip install 'shotscore[plot]'.") from problem
    seconds = cue.duration_frames / float(picture.rate)
    rows = min(6, len(candidates))
    width = min(24.0, max(11.0, 4 + seconds / 6))
    figure = Figure(figsize=(width, 5.6 + 0.24 * rows))
    FigureCanvasAgg(figure)
    heights = [0.55, 1.7, 0.75, 1.15] + ([0.45 + 0.24 * rows] if rows else [])
    layout = figure.add_gridspec(
        len(heights),
        1,
        height_ratios=heights,
        hspace=0.16,
        left=LEFT_INCHES / width,
        right=1 - RIGHT_INCHES / width,
        top=1 - 0.62 / (5.6 + 0.24 * rows),
        bottom=0.35 / (5.6 + 0.24 * rows),
    )
    shots, hits, beats, tempo = (figure.add_subplot(layout[i]) for i in range(4))
    for axes in (hits, beats, tempo):
        axes.sharex(shots)
    fits = fit_hits(grid, cue.hits, picture.rate, cue.start_frame)
    starts = [cue.start_frame + float(time * picture.rate) for time in grid.beat_times]
    shots.set_xlim(cue.start_frame, cue.end_frame)
    _draw_shots(shots, picture, cue, width)
    _draw_hits(hits, fits, picture.rate, width)
    _draw_beats(beats, grid, starts, width)
    if ending is not None:
        _draw_ending(beats, ending)
    _draw_tempo(tempo, grid, starts, picture, cue, width)
    _name_changes(tempo, changes, starts)
    if rows:
        _draw_table(figure.add_subplot(layout[4]), candidates[:rows], width)
    met = sum(fit.state == "met" for fit in fits)
    counted = sum(fit.state != "ignored" for fit in fits)
    meter = f"{grid.meter[0]}/{grid.meter[1]}"
    bpm = float(candidates[0].bpm) if candidates else grid.bpm
    figure.suptitle(
        f"{picture.name}  ·  {cue.name}  ·  {bpm:.2f} BPM in {meter}  ·  {met} of {counted} hits met  ·  "
        f"{rate_text(picture.rate)} frames/s",
        x=LEFT_INCHES / width,
        ha="left",
        y=1 - 0.22 / (5.6 + 0.24 * rows),
        va="top",
        fontsize=11,
        color=INK,
        weight="bold",
    )
    return figure


def _plain(axes: "Axes", label: str, width: float) -> None:
    """No frame, no ticks, a quiet label on the left."""
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, labelsize=8, colors=GREY, labelbottom=False)
    axes.set_yticks([])
    axes.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9, color=INK)
    axes.yaxis.set_label_coords(-0.62 / (width - LEFT_INCHES - RIGHT_INCHES), 0.5)


def _draw_shots(axes: "Axes", picture: Picture, cue: Cue, width: float) -> None:
    _plain(axes, "Shots", width)
    axes.set_ylim(0, 1)
    room = cue.duration_frames / (width - LEFT_INCHES - RIGHT_INCHES)
    for shot in picture.shots:
        if shot.end_frame <= cue.start_frame or shot.start_frame >= cue.end_frame:
            continue
        left, right = max(shot.start_frame, cue.start_frame), min(shot.end_frame, cue.end_frame)
        axes.axvspan(left, right, facecolor=_shot_fill(shot), edgecolor=PAPER, linewidth=0.6)
        style = {"cut": "-", "dissolve": ":", "fade": ":"}[shot.transition]
        if shot.start_frame > cue.start_frame:
            axes.axvline(left, color=INK, linewidth=0.9, linestyle="--" if shot.origin == "detected" else style)
        # About fourteen letters of this size fit an inch. A name takes two lines; what does not fit them is left out.
        letters = int((right - left) / room * 14) - 2
        if letters >= 4:
            lines = textwrap.wrap(shot.name, letters, max_lines=2, placeholder="…")
            text = "\n".join(lines) or shot.name[:letters]
            axes.text(left + room * 0.06, 0.5, text, va="center", fontsize=7, color=INK, clip_on=True)
    for marker in picture.markers:
        if cue.start_frame <= marker.frame < cue.end_frame:
            axes.plot(marker.frame, 1.0, marker="v", color=INK, markersize=6, clip_on=False)


def _shot_fill(shot: Shot) -> str:
    if shot.media is not None and shot.media.offline:
        return OFFLINE_FILL
    return SHOT_FILLS[shot.index % 2]


def _draw_hits(axes: "Axes", fits: Sequence[HitFit], rate: Fraction, width: float) -> None:
    from matplotlib.lines import Line2D

    _plain(axes, "Hits", width)
    axes.set_ylim(-0.12, 1.3)
    axes.set_yticks([0, 0.5, 1], ["ignore", "nice", "must"])
    axes.hlines([0, 0.5, 1], 0, 1, transform=axes.get_yaxis_transform(), color=FAINT, linewidth=0.8, zorder=0)
    for state, (marker, colour, _) in MARKS.items():
        mine = [fit.hit for fit in fits if fit.state == state]
        frames, weights = [hit.frame for hit in mine], [hit.weight for hit in mine]
        for hit in mine:
            stem = ":" if hit.kind in ("motion", "flash") else "-"
            axes.plot([hit.frame, hit.frame], [0, hit.weight], stem, color=colour, linewidth=0.9, alpha=0.7)
        face = PAPER if state == "near" else colour
        axes.scatter(frames, weights, 44, marker=marker, facecolors=face, edgecolors=colour, linewidths=1.3, zorder=3)
    last_label = -1e9
    for fit in fits:
        if fit.state in ("near", "missed") and fit.hit.frame - last_label > 1.2 * float(rate):
            axes.annotate(
                f"{float(fit.frames_off):+.1f}",
                (fit.hit.frame, fit.hit.weight),
                (0, 7),
                textcoords="offset points",
                ha="center",
                fontsize=7,
                color=MARKS[fit.state][1],
            )
            last_label = fit.hit.frame
    counts = {state: sum(fit.state == state for fit in fits) for state in MARKS}
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=marker,
            markersize=6,
            color=colour,
            markerfacecolor=PAPER if state == "near" else colour,
            label=f"{name} {counts[state]}",
        )
        for state, (marker, colour, name) in MARKS.items()
        if counts[state]
    ]
    if handles:
        axes.legend(
            handles=handles,
            loc="upper right",
            bbox_to_anchor=(1.0, 1.16),
            ncols=4,
            frameon=False,
            fontsize=8,
            handletextpad=0.1,
            columnspacing=1.2,
            labelcolor=INK,
        )


def _draw_beats(axes: "Axes", grid: BeatGrid, starts: Sequence[float], width: float) -> None:
    _plain(axes, "Bars", width)
    axes.set_ylim(0, 1)
    bars = grid.bar_beats
    axes.vlines(starts[:-1], 0, 0.28, color=GREY, linewidth=0.6)
    axes.vlines([starts[beat] for beat in bars], 0, 0.62, color=INK, linewidth=1.0)
    every = next(step for step in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024) if len(bars) / step <= width * 2.5)
    left, right = axes.get_xlim()
    for number, beat in enumerate(bars):
        if number % every == 0 and starts[beat] < right - (right - left) / 100:  # no half numbers at the edge
            axes.text(starts[beat], 0.68, str(number + 1), ha="center", fontsize=7, color=INK, clip_on=True)


def _draw_ending(axes: "Axes", ending: Ending) -> None:
    """From the last accent, or from where a fade begins, the sound as it goes."""
    start, end = ending.tail_frame, ending.end_frame
    if ending.kind == "hard" and ending.accent_frame is not None:
        start = ending.accent_frame
    if start >= end:
        return
    right = 0.5 if ending.kind == "hard" else 0.0
    axes.fill([start, end, end, start], [0.0, 0.0, right, 0.5], color=TAIL, alpha=0.35, linewidth=0, zorder=0)
    if ending.accent_frame is not None:
        axes.vlines(ending.accent_frame, 0, 0.62, color=TAIL, linewidth=2.2)
    axes.text((start + end) / 2, -0.06, ending.kind, ha="center", va="top", fontsize=7, color=TAIL, clip_on=False)


def _name_changes(axes: "Axes", changes: Sequence[TempoChange], starts: Sequence[float]) -> None:
    """Where the tempo is held, or slows down for good; gentle easing speaks for itself."""
    words = {"fermata": "held", "silence": "silence", "ritardando": "rit."}
    for change in changes:
        if change.kind in words:
            place = starts[min(change.first_beat, len(starts) - 1)]
            axes.annotate(
                words[change.kind],
                (place, 1.0),
                (0, -2),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="right",
                va="top",
                fontsize=7,
                color=TEMPO,
            )


def _draw_tempo(
    axes: "Axes", grid: BeatGrid, starts: Sequence[float], picture: Picture, cue: Cue, width: float
) -> None:
    _plain(axes, "BPM", width)
    times = [float(time) for time in grid.beat_times]
    tempi = [60 / (right - left) for left, right in pairwise(times)]
    middle = sorted(tempi)[len(tempi) // 2]
    # A held beat would flatten every gentler change: it is drawn down to the edge and its tempo written there.
    low, high = middle * 0.92, max(middle * 1.08, min(max(tempi), middle * 1.2))
    axes.stairs([max(tempo, low) for tempo in tempi], starts, color=TEMPO, linewidth=1.6, baseline=None)
    for tempo, start in zip(tempi, starts, strict=False):
        if tempo < low:
            axes.text(start, low, f"{tempo:.0f}", fontsize=7, color=TEMPO, va="bottom", ha="right")
    axes.axhline(middle, color=FAINT, linewidth=0.8, zorder=0)
    axes.set_ylim(low, high)
    axes.set_yticks([low + (middle - low) / 4, middle, high - (high - middle) / 4])
    axes.set_yticklabels([f"{tick:.1f}" for tick in axes.get_yticks()])
    count = max(2, int(width / 1.6))
    frames = [cue.start_frame + round(cue.duration_frames * i / count) for i in range(count)]
    axes.set_xticks(
        frames, [format_timecode(picture.start_frame + frame, picture.rate, picture.drop_frame) for frame in frames]
    )
    axes.tick_params(labelbottom=True, pad=4)
    axes.get_xticklabels()[0].set_horizontalalignment("left")
    axes.vlines(frames, low, low + 0.04 * (high - low), color=GREY, linewidth=0.8)


def _draw_table(axes: "Axes", candidates: Sequence[TempoCandidate], width: float) -> None:
    """The ranked tempi, the chosen one in bold, with a bar that divides the hits into met, near and missed."""
    _plain(axes, "Tempi", width)
    rows = len(candidates)
    axes.set_xlim(0, 1)
    axes.set_ylim(rows + 0.1, -1.9)
    for place, heading in ((0.0, "BPM"), (0.085, "meter"), (0.16, "met"), (0.21, "near"), (0.26, "missed")):
        axes.text(place, -0.55, heading, fontsize=8, color=GREY, va="center")
    for row, candidate in enumerate(candidates):
        weight = "bold" if row == 0 else "normal"
        counts = (candidate.met, candidate.near, candidate.missed)
        cells = (f"{float(candidate.bpm):.2f}", f"{candidate.meter[0]}/{candidate.meter[1]}", *map(str, counts))
        for place, text in zip((0.0, 0.085, 0.16, 0.21, 0.26), cells, strict=True):
            axes.text(place, row + 0.3, text, fontsize=9, color=INK, weight=weight, va="center")
        left, total = 0.34, max(1, sum(counts))
        for count, (_, colour, _) in zip(counts, MARKS.values(), strict=False):
            size = 0.62 * count / total
            axes.barh(row + 0.3, size, 0.5, left, color=colour, alpha=1.0 if row == 0 else 0.55)
            left += size
