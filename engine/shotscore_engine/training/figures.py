"""Figures 1 to 4 of the paper, and a listening page, by command.

    python -m shotscore_engine.training.figures --pop909 DIR --out DIR [--styles TABLE.csv] [--frames DIR]

figure_1.png  styles of a metadata table (id, style, title): how many songs (radar) and their shares (pie)
figure_2.png  one sample: frames, shots, captions, style, what is known of the MIDI, and the roll
figure_3.png  volume and accents at t = 1000, 400 and 0
figure_4.png  ADV at 13 timesteps, the separator where the selector switches, and the real pieces' ADV
listening.html  generated and real pieces in blind pairs, rendered alike, with their sounds beside it

Without a metadata table Figure 1 counts the eight styles of our own scene sentences. Without frames Figure 2 paints
each shot in its brightness, saturation and warmth. t = 1000 is the sampled noise itself and t = 400 what the sampler
holds there, both decoded as if they were music, as in the paper.
"""

import argparse
import html
import io
import itertools
import json
import sys
import wave
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..atomic import replace_file
from ..denoiser import RECALL, Condition, Denoiser
from ..diffusion import GUIDANCE, MAX_T, Selector, dpm_solver_pp_2m, recalled, timesteps
from ..errors import InputError, ModelError
from ..features import VISUAL_NAMES
from ..features.language import STYLES, scene_bank
from ..leadsheet import with_leadsheet
from ..metrics.adv import DEFAULT, accents, adv, segments
from ..metrics.piece import END, PART, PITCH, START, Piece, from_roll, volume_curve
from ..progress import Progress, silent
from ..roll import PARTS
from .bgm909 import Entry, read_metadata
from .data import load_pop909
from .evaluate import read_song_list, unseen_ids
from .novelty_index import INDEX_PATH
from .piano import render
from .real import PIECE_BEATS, excerpt, first_beat
from .stand_in import StandIn, stand_in

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FIGURE_4_TIMESTEPS = 13
_STEPS = 24
_LISTENING_RATE = 44_100
_LISTENING_BEATS = 64

_INK, _PALE = "#2b2d42", "#8d99ae"
_LAND = (
    (np.array([0.42, 0.58, 0.80]), np.array([0.95, 0.66, 0.42])),
    (np.array([0.24, 0.36, 0.38]), np.array([0.42, 0.30, 0.20])),
)
"""Sky and ground, each cold and warm, red green blue."""
_PART_COLOURS = ("#d1495b", "#edae49", "#30638e")
_STYLE_COLOURS = ("#30638e", "#00798c", "#66a182", "#a1c181", "#edae49", "#e08e45", "#d1495b", "#8b5a83")


# --- drawing ----------------------------------------------------------------------------------------------------


def _figure(width: float, height: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def _png(figure: "Figure") -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=150)
    return file.getvalue()


def _plain(axes: "Axes") -> None:
    """Only the left and lower edge of an axes box, in a quiet colour."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_PALE)
    axes.tick_params(colors=_INK, labelsize=8)


def figure_1(entries: Sequence[Entry], noun: str = "songs") -> bytes:
    """PNG: how the songs of a metadata table spread over its styles. Raises InputError where there are none."""
    if not entries:
        raise InputError("The metadata table has no lines; columns are id, style, title.")
    count = Counter(entry.style for entry in entries)
    names = [name for name, _ in count.most_common()]
    # Largest and smallest side by side would draw a spike; a fixed order keeps the shape readable between tables.
    around = [name for name in STYLES if name in count] + sorted(set(names) - set(STYLES))
    colour = {name: _STYLE_COLOURS[i % len(_STYLE_COLOURS)] for i, name in enumerate(around)}
    figure = _figure(10.5, 4.8)
    radar: Any = figure.add_subplot(1, 2, 1, projection="polar")
    angle = np.linspace(0, 2 * np.pi, len(around), endpoint=False)
    values = np.array([count[name] for name in around], float)
    closed = np.append(angle, angle[0])
    radar.plot(closed, np.append(values, values[0]), color=_PART_COLOURS[2], linewidth=1.8)
    radar.fill(closed, np.append(values, values[0]), color=_PART_COLOURS[2], alpha=0.18)
    radar.scatter(angle, values, color=[colour[name] for name in around], s=36, zorder=3)
    radar.set_xticks(angle, around, fontsize=10, color=_INK)
    radar.tick_params(axis="x", pad=8)
    radar.set_ylim(0, values.max() * 1.15)
    radar.set_rlabel_position(180 / len(around))
    radar.tick_params(axis="y", labelsize=7, colors=_PALE)
    radar.grid(color=_PALE, alpha=0.35)
    radar.spines["polar"].set_color(_PALE)
    radar.set_title(f"(a) {noun} per style", fontsize=11, color=_INK, pad=18)
    pie = figure.add_subplot(1, 2, 2)
    _wedges, _names, shares = pie.pie(
        [count[name] for name in names],
        labels=[f"{name} ({count[name]})" for name in names],
        colors=[colour[name] for name in names],
        autopct="%1.1f%%", pctdistance=0.8, startangle=90, counterclock=False,
        wedgeprops={"width": 0.42, "edgecolor": "white", "linewidth": 1.5},
        textprops={"fontsize": 9, "color": _INK},
    )  # fmt: skip
    for share in shares:
        share.set(color="white", fontweight="bold", fontsize=8.5)
    pie.text(0, 0, f"{len(entries)}\n{noun}", ha="center", va="center", fontsize=14, color=_INK)
    pie.set_title("(b) shares", fontsize=11, color=_INK, pad=18)
    return _png(figure)


@dataclass(frozen=True)
class SampleFigure:
    """What Figure 2 shows."""

    title: str
    piece: Piece
    shot_of_beat: NDArray[np.int32]
    """(T,)."""
    captions: tuple[str, ...]
    """One per shot."""
    style: str
    metadata: tuple[tuple[str, str], ...]
    """(name, value) lines."""
    frames: tuple[NDArray[np.uint8], ...]
    """(height, width, 3) per shot."""


def painted_frames(asked: StandIn) -> tuple[NDArray[np.uint8], ...]:
    """A plain picture for each shot from its brightness, saturation and warmth: sky over ground, and a light."""
    columns = [VISUAL_NAMES.index(name) for name in ("brightness", "saturation", "warmth")]
    y, x = np.mgrid[0:1:90j, 0:1:160j]
    frames = []
    for shot in range(int(asked.features.shot_of_beat.max()) + 1):
        rows = asked.features.visual[asked.features.shot_of_beat == shot]
        brightness, saturation, warmth = rows[:, columns].mean(axis=0) if len(rows) else (0.5, 0.3, 0.0)
        warm = np.clip(0.5 + 2.5 * warmth, 0, 1)
        sky, ground = (cold * (1 - warm) + hot * warm for cold, hot in _LAND)
        colour = np.where((y < 0.62)[..., None], sky * (1.15 - 0.5 * y[..., None]), ground)
        grey = colour.mean(axis=-1, keepdims=True)
        light = np.exp(-((x - 0.25 - 0.25 * (shot % 3)) ** 2 * 3.2 + (y - 0.35) ** 2) / 0.012)[..., None]
        painted = (grey + (colour - grey) * (0.5 + 2.0 * saturation)) * (0.25 + 1.3 * brightness)
        frames.append((np.clip(painted + (1 - painted) * light * 0.9, 0, 1) * 255).astype(np.uint8))
    return tuple(frames)


def _draw_roll(axes: "Axes", piece: Piece) -> None:
    for part, colour in enumerate(_PART_COLOURS):
        notes = piece.part(part)
        axes.barh(
            notes[:, PITCH], (notes[:, END] - notes[:, START]) / 4 - 0.04, left=notes[:, START] / 4, height=0.85,
            color=colour, zorder=3 - part,
        )  # fmt: skip
    for bar in range(0, piece.beats + 1, 4):
        axes.axvline(bar, color=_PALE, linewidth=0.4, alpha=0.5, zorder=0)
    axes.set_xlim(0, piece.beats)
    pitches = piece.notes[:, PITCH]
    axes.set_ylim(pitches.min() - 2, pitches.max() + 2)
    octaves = range(int(pitches.min()) // 12 * 12, int(pitches.max()) + 12, 12)
    axes.set_yticks(list(octaves), [f"C{octave // 12 - 1}" for octave in octaves])
    axes.set_ylim(pitches.min() - 2, pitches.max() + 2)
    _plain(axes)


def figure_2(sample: SampleFigure) -> bytes:
    """PNG: one sample with everything that belongs to it."""
    import textwrap

    from matplotlib.patches import Patch

    beats = sample.piece.beats
    edges = [0, *(np.flatnonzero(np.diff(sample.shot_of_beat)) + 1).tolist(), beats]
    shots = [int(sample.shot_of_beat[edge]) for edge in edges[:-1]]
    # Four stills across the sample, each from the middle of a shot, spread as evenly as the shots allow.
    shown = sorted({int(i) for i in np.linspace(0, len(shots) - 1, min(4, len(shots))).round()})
    figure = _figure(11, 7.6)
    grid = figure.add_gridspec(4, 8, height_ratios=[1.5, 0.42, 0.3, 2.3])
    for place, index in enumerate(shown):
        shot = shots[index]
        axes = figure.add_subplot(grid[0, 2 * place : 2 * place + 2])
        axes.imshow(sample.frames[shot], aspect="equal")
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_color(_PALE)
        axes.set_title(f"shot {shot + 1}", fontsize=9, color=_INK)
        words = figure.add_subplot(grid[1, 2 * place : 2 * place + 2])
        words.axis("off")
        words.text(
            0.5, 1.0, textwrap.fill(f"“{sample.captions[shot]}”", 34), ha="center", va="top", fontsize=8.5,
            style="italic", color=_INK, transform=words.transAxes,
        )  # fmt: skip
    lane = figure.add_subplot(grid[2, :6])
    for number, (begin, end) in enumerate(itertools.pairwise(edges)):
        strong = number in shown
        lane.barh(0, end - begin, left=begin, height=0.8, color=_STYLE_COLOURS[number % 8],
                  alpha=0.9 if strong else 0.45, edgecolor="white")  # fmt: skip
        if end - begin >= beats / 40:
            lane.text((begin + end) / 2, 0, str(shots[number] + 1), ha="center", va="center", fontsize=8, color="white")
    lane.set_xlim(0, beats)
    lane.set_yticks([0], ["shots"])
    lane.set_xticks([])
    for spine in lane.spines.values():
        spine.set_visible(False)
    lane.tick_params(length=0, colors=_INK, labelsize=9)
    roll = figure.add_subplot(grid[3, :6])
    _draw_roll(roll, sample.piece)
    roll.set_xlabel("beats", fontsize=9, color=_INK)
    handles = [Patch(color=colour, label=part) for colour, part in zip(_PART_COLOURS, PARTS, strict=True)]
    roll.legend(handles=handles, fontsize=8, frameon=False, loc="upper left", ncols=3, bbox_to_anchor=(0, 1.1))
    facts = figure.add_subplot(grid[3, 6:])
    facts.axis("off")
    lines = [("style", sample.style), *sample.metadata]
    for row, (name, value) in enumerate(lines):
        y = 0.96 - row * min(0.12, 0.95 / len(lines))
        facts.text(0.04, y, name, fontsize=9, color=_PALE, va="top", transform=facts.transAxes)
        facts.text(0.42, y, value, fontsize=9, color=_INK, va="top", transform=facts.transAxes)
    figure.suptitle(sample.title, fontsize=12, color=_INK)
    return _png(figure)


def figure_3(volumes: Sequence[tuple[float, NDArray[np.float64]]]) -> bytes:
    """PNG: (t, volume curve) each with its accents, as many panels as there are."""
    figure = _figure(4.1 * len(volumes), 3.1)
    for place, (t, volume) in enumerate(volumes):
        axes = figure.add_subplot(1, len(volumes), place + 1)
        seconds = np.arange(len(volume)) / 4
        width = len(segments(volume)[0])
        for begin in range(0, len(volume), width):
            for step in accents(volume[begin : begin + width]) + begin:
                axes.axvline(step / 4, color="#3d6fb6", linestyle=":", linewidth=0.9, alpha=0.8)
        axes.plot(seconds, volume, color="#f18f01", linewidth=1.2)
        axes.set_title(f"t = {t:.0f}", fontsize=11, color=_INK)
        axes.set_xlim(0, len(volume) / 4)
        axes.set_ylim(0, max(1.0, volume.max() * 1.08))
        axes.set_xlabel("beats", fontsize=9, color=_INK)
        if place == 0:
            axes.set_ylabel("volume (sum of velocities)", fontsize=9, color=_INK)
        _plain(axes)
    return _png(figure)


def figure_4(times: Sequence[float], values: NDArray[np.float64], truth: float, separator: float) -> bytes:
    """PNG: ADV (pieces, timesteps) along denoising, its mean with the middle half of pieces around it."""
    figure = _figure(6.6, 4.0)
    axes = figure.add_subplot()
    low, high = np.percentile(values, [25, 75], axis=0)
    axes.fill_between(times, low, high, color="#e5989b", alpha=0.25, linewidth=0, label="middle half of the pieces")
    axes.plot(times, values.mean(axis=0), color="#d66a7d", marker="o", markersize=4, linewidth=1.8, label="ADV")
    axes.axhline(truth, color="#3d6fb6", linewidth=1.5, label=f"ground truth ({truth:.3f})")
    axes.axvline(separator, color="#8a5a44", linestyle="--", linewidth=1.5, label=f"separator (t = {separator:.0f})")
    axes.set_xlim(MAX_T + 15, -15)
    axes.set_ylim(0, max(float(high.max()), truth) * 1.2)
    ceiling = axes.get_ylim()[1]
    axes.text(separator + 12, ceiling * 0.03, "language", ha="right", fontsize=9, color=_PALE)
    axes.text(separator - 12, ceiling * 0.03, "visual", ha="left", fontsize=9, color=_PALE)
    axes.set_xlabel("timestep", fontsize=10, color=_INK)
    axes.set_ylabel("accent distance variance", fontsize=10, color=_INK)
    axes.legend(fontsize=8, frameon=False, loc="lower left", bbox_to_anchor=(0, 0.04))
    _plain(axes)
    return _png(figure)


# --- what is drawn ----------------------------------------------------------------------------------------------


def trajectory(
    model: Denoiser, condition: Condition, *, seed: int, steps: int = _STEPS, guidance: float = GUIDANCE
) -> list[tuple[float, NDArray[np.float32]]]:
    """(t, x_t) of one sampling run, from the noise at t = 1000 to the music at t = 0.

    The model tells only its x_0; as the sampler is a plain function of those, it is run again on them and watched.
    Raises ModelError where the second run ends elsewhere.
    """
    told: list[NDArray[np.float32]] = []
    final = model.sample(
        condition, seed=seed, steps=steps, guidance=guidance, selector=Selector(),
        on_step=lambda _i, _t, x_0: told.append(x_0.copy()),
    )  # fmt: skip
    seen: list[tuple[float, NDArray[np.float32]]] = []
    answers = iter(told)

    def replay(x_t: NDArray[np.float32], t: float) -> NDArray[np.float32]:
        seen.append((t, x_t.copy()))
        return next(answers)

    noise = np.random.default_rng(seed).standard_normal(final.shape, dtype=np.float32)
    noise = recalled(noise, condition.frame.places, RECALL)
    again = dpm_solver_pp_2m(replay, noise, timesteps(steps))
    if not np.allclose(again, final, atol=1e-4):
        raise ModelError("The sampler's second run differs from its first; the figures need a deterministic sampler.")
    return [*seen, (0.0, final)]


def _nearest(run: Sequence[tuple[float, NDArray[np.float32]]], t: float) -> int:
    return min(range(len(run)), key=lambda i: abs(run[i][0] - t))


def _metadata(piece: Piece, key: str) -> tuple[tuple[str, str], ...]:
    bpm = 60 * piece.beats / piece.seconds
    counts = Counter(PARTS[part] for part in piece.notes[:, PART].tolist())
    return (
        ("key", key),
        ("tempo", f"{bpm:.0f} bpm"),
        ("meter", f"{piece.beats_per_bar}/4"),
        ("length", f"{piece.seconds:.0f} s, {piece.beats // piece.beats_per_bar} bars"),
        ("notes", str(len(piece.notes))),
        *((f"  {name}", str(counts[name])) for name in PARTS),
    )


def own_styles() -> tuple[Entry, ...]:
    """The scene sentences as a table: what the shipped model learned styles from."""
    return tuple(Entry(f"{i:03}", scene.style, scene.sentence) for i, scene in enumerate(scene_bank()))


def read_frames(folder: Path, count: int) -> tuple[NDArray[np.uint8], ...]:
    """`count` stills from a folder of .png or .jpg, in order of name, begun again where there are fewer.

    Raises InputError where the folder holds none.
    """
    import cv2

    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in (".png", ".jpg", ".jpeg"))
    read = [image for image in (cv2.imread(str(path)) for path in paths[:count]) if image is not None]
    if not read:
        raise InputError(f"{folder} holds no readable .png or .jpg; put a still of each shot there.")
    return tuple(np.asarray(read[i % len(read)][:, :, ::-1], np.uint8) for i in range(count))


# --- the listening page -----------------------------------------------------------------------------------------


def _wav(audio: NDArray[np.float32], rate: int) -> bytes:
    loudest = max(float(np.abs(audio).max()), 1e-6)
    # Both of a pair are brought to one loudness: the louder one always seems the better.
    level = float(np.sqrt(np.mean(audio**2)))
    gain = min(0.1 / max(level, 1e-6), 0.95 / loudest)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((audio * gain * 32767).astype("<i2").tobytes())
    return file.getvalue()


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Which one was written by a person?</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body{{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem;color:#2b2d42}}
section{{border-top:1px solid #d8dce6;padding:1.2rem 0}} h2{{font-size:1.05rem;margin:0 0 .6rem}}
.pair{{display:grid;grid-template-columns:1fr 1fr;gap:1rem}} audio{{width:100%}}
button{{font:inherit;padding:.35rem .8rem;border:1px solid #8d99ae;border-radius:.4rem;background:#fff;cursor:pointer}}
button:focus-visible{{outline:3px solid #30638e}} .told{{color:#30638e;min-height:1.5rem}}
</style>
<h1>Which one was written by a person?</h1>
<p>Each pair holds a piece from the data set and one generated for the same picture, played by the same piano at the
same loudness, in an order chosen by chance. Listen to both, then choose; the answer shows at once. Nothing is sent
anywhere.</p>
<main>{sections}</main>
<p role="status"><b id="score">0 of 0</b> right; half is what guessing gives.</p>
<script>
const real = {answers}; let asked = 0, right = 0;
document.querySelectorAll("section").forEach((section, i) =>
 section.querySelectorAll("button").forEach((button, side) =>
  button.addEventListener("click", () => {{
    if (section.dataset.done) return; section.dataset.done = 1; asked++; if (side === real[i]) right++;
    section.querySelector(".told").textContent = side === real[i] ? "Yes." : "No, the other one.";
    document.getElementById("score").textContent = right + " of " + asked;
  }})));
</script></html>
"""


def write_listening_page(
    out: Path, pairs: Sequence[tuple[str, Piece, Piece]], *, seed: int = 1, progress: Progress = silent
) -> Path:
    """`listening.html` and its sounds in `out`, from (name, real, generated) pieces.

    File names tell nothing: pair_01_a.wav, pair_01_b.wav. Raises InputError where there are no pairs.
    """
    if not pairs:
        raise InputError("There are no pairs to listen to; name at least one song.")
    order = np.random.default_rng(seed).integers(0, 2, len(pairs))
    sections = []
    for number, (name, real, generated) in enumerate(pairs):
        progress("render", number / len(pairs))
        first, second = (real, generated) if order[number] == 0 else (generated, real)
        places = []
        for letter, piece in (("a", first), ("b", second)):
            file = f"pair_{number + 1:02}_{letter}.wav"
            replace_file(out / "sounds" / file, _wav(render(piece, _LISTENING_RATE), _LISTENING_RATE))
            label = f"Pair {number + 1}, {letter.upper()}"
            places.append(
                f'<div><audio controls preload="none" src="sounds/{file}" aria-label="{label}"></audio>'
                f"<button>{letter.upper()} is by a person</button></div>"
            )
        sections.append(
            f"<section><h2>Pair {number + 1}: {html.escape(name)}</h2><div class=pair>{''.join(places)}</div>"
            '<p class=told role="status"></p></section>'
        )
    page = _PAGE.format(sections="".join(sections), answers=json.dumps(order.tolist()))
    replace_file(out / "listening.html", page.encode())
    return out / "listening.html"


# --- the command ------------------------------------------------------------------------------------------------


def make_figures(
    folder: Path,
    out: Path,
    model: Denoiser,
    ids: Sequence[str],
    *,
    styles: Path | None = None,
    frames: Path | None = None,
    pieces: int = 12,
    progress: Progress = silent,
) -> list[Path]:
    """All figures and the listening page from `model` and the songs `ids` of `folder`; what was written.

    At most `pieces` songs are generated for Figure 4 and the page. Raises InputError where no song is long enough.
    """
    written = [out / "figure_1.png"]
    replace_file(written[0], figure_1(read_metadata(styles)) if styles else figure_1(own_styles(), "sentences"))
    runs: list[list[float]] = []
    truths: list[float] = []
    pairs: list[tuple[str, Piece, Piece]] = []
    times: list[float] = []
    example: tuple[str, Piece, StandIn] | None = None
    for number, song_id in enumerate(ids):
        if len(truths) >= pieces:
            break
        progress("denoise", number / min(pieces, len(ids)))
        song = load_pop909(folder / song_id)
        try:
            real = excerpt(song)
        except InputError:
            continue
        asked = stand_in(song, first_beat(song), min(PIECE_BEATS, real.beats))
        condition = asked.condition()
        condition = replace(condition, frame=with_leadsheet(condition.frame, number + 1))
        run = trajectory(model, condition, seed=number + 1)

        chosen = sorted({_nearest(run, t) for t in np.linspace(MAX_T, 0, FIGURE_4_TIMESTEPS)})
        times = [run[i][0] for i in chosen]
        wanted = {*chosen, _nearest(run, 400)}
        decoded = {i: from_roll(model.decode(run[i][1], condition.shift), asked.grid) for i in wanted}
        runs.append([adv(decoded[i]) if len(decoded[i].notes) else 0.0 for i in chosen])
        truths.append(adv(real))
        generated = decoded[len(run) - 1]
        if example is None:
            example = (song_id, generated, asked)
            places = (0, _nearest(run, 400), len(run) - 1)
            written.append(out / "figure_3.png")
            window = slice(0, 4 * DEFAULT.segment_steps)
            replace_file(written[-1], figure_3([(run[i][0], volume_curve(decoded[i])[window]) for i in places]))
        if min(real.beats, generated.beats) >= 8 and len(generated.notes):
            beats = min(_LISTENING_BEATS, real.beats)
            pairs.append((f"for the picture of song {song_id}", real.cut(0, beats), generated.cut(0, beats)))
    if example is None:
        raise InputError(f"None of the {len(ids)} songs in {folder} is long enough; eight bars are needed.")
    song_id, piece, asked = example
    painted = painted_frames(asked)
    sample = SampleFigure(
        f"A sample: music generated for the picture that stands for song {song_id}",
        piece, asked.features.shot_of_beat, asked.features.captions, "Pop", _metadata(piece, asked.key),
        read_frames(frames, len(painted)) if frames else painted,
    )  # fmt: skip
    written.append(out / "figure_2.png")
    replace_file(written[-1], figure_2(sample))
    written.append(out / "figure_4.png")
    replace_file(written[-1], figure_4(times, np.array(runs), float(np.mean(truths)), Selector().switch_t))
    written.append(write_listening_page(out, pairs, progress=progress))
    return sorted(written)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options, for this module's own command and for `shotscore figures`."""
    parser.add_argument("--pop909", type=Path, required=True, help="folder of songs as NNN/NNN.mid")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--songs", type=Path, help="file with one song number a line; else songs never trained on")
    parser.add_argument("--styles", type=Path, help="metadata table (id, style, title) for Figure 1")
    parser.add_argument("--frames", type=Path, help="folder of stills, one per shot, for Figure 2")
    parser.add_argument("--model", type=Path, help="denoiser.onnx; else the one that comes with Shotscore")
    parser.add_argument("--pieces", type=int, default=12, help="how many songs are generated")


def run(options: argparse.Namespace, progress: Progress = silent) -> dict[str, Any]:
    """What the command answers: the files it wrote."""
    from ..metrics import novelty

    ids = read_song_list(options.songs) if options.songs else unseen_ids(options.pop909, novelty.load(INDEX_PATH))
    if options.pieces < 1:
        raise InputError(f"--pieces {options.pieces} draws nothing; use 1 or more.")
    files = make_figures(
        options.pop909, options.out, Denoiser(options.model), ids,
        styles=options.styles, frames=options.frames, pieces=options.pieces, progress=progress,
    )  # fmt: skip
    return {"files": [str(path.relative_to(options.out)) for path in files]}


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and prints its answer as JSON."""
    parser = argparse.ArgumentParser(prog="figures", description=(__doc__ or "").split("\n")[0])
    add_arguments(parser)
    try:
        print(json.dumps(run(parser.parse_args(arguments))))
    except InputError as problem:
        print(problem, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
