"""Tables 1 and 2 by command: the generator judged on songs it never saw, beside the same songs' real music.

    python -m shotscore_engine.training.evaluate --pop909 DIR [--songs FILE] [--table 1 2] [--out DIR]

DIR holds songs as POP909 does (NNN/NNN.mid with its annotation files). Judged are the songs whose files neither
training nor choosing has seen (`models/melodies.npz` knows them by digest, whatever their folders are called), or those
FILE names, one a line. With --out the tables stand in `table.md`, row by row as they are measured. Each song gives one
piece of 32 bars; its picture is stood in for by features made from it (`stand_in`), and no note, bar or latent of it
reaches the generator. The same code measures real and generated pieces.

Ours are never the paper's numbers: its pictures were videos, ours come from the music itself, so P@K above all is not
comparable with it. Rows with conditions shuffled between songs, and with key, tempo and energy withheld, show how much
the conditions tell.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..atomic import replace_file
from ..compose import Brief, written
from ..denoiser import Condition
from ..diffusion import GUIDANCE, STEPS, SelectorName
from ..errors import InputError
from ..features import VISUAL_NAMES, BeatFeatures
from ..leadsheet import with_leadsheet
from ..masks import MaskKind
from ..metrics import adv, conditioning, gps, key, melody, novelty, pche, retrieval, si
from ..metrics.piece import Piece, empty_bars, from_roll
from ..metrics.report import Summary, summarise
from ..progress import Progress, silent
from ..request import ScoreRequest
from ..roll import Roll
from .data import Song, load_pop909
from .novelty_index import INDEX_PATH, digest
from .piano import render
from .piece_midi import to_bytes
from .real import PIECE_BEATS, excerpt, first_beat, song_ids
from .stand_in import StandIn, stand_in

SEEDS = (1, 2, 3)
_MOTION = VISUAL_NAMES.index("motion")


class Composer(Protocol):
    """Whatever makes music for a condition: the shipped model, one in training, or a stand-in in a test."""

    def __call__(self, condition: Condition, *, seed: int, selector: SelectorName) -> Roll:
        """A roll of the condition's beats. The same arguments give the same roll."""


@dataclass(frozen=True)
class Experiment:
    """One row of a table."""

    name: str
    selector: SelectorName = "language+video"
    mask: MaskKind = "aligned"
    k: int = 8
    withheld: tuple[str, ...] = ()
    """Groups of `conditions.FRAME_SLICES` the model is not told."""
    without_key: bool = False
    """The key of the song is not told either: the model writes in C."""
    shuffled: bool = False
    """The features are those of another song."""

    @property
    def settings(self) -> "Experiment":
        """What decides the music: all but the name. A mask by shots alone has no k."""
        return replace(self, name="", k=8 if self.mask in ("dynamic", "shot") else self.k)


SHIPPED = Experiment("language+video, aligned")
"""As the product runs."""

TABLE_1 = (
    Experiment("Only Video", "video"),
    Experiment("Only Language", "language"),
    Experiment("Random", "random"),
    Experiment("Concat", "concat"),
    Experiment("Video+Language", "video+language"),
    Experiment("Language+Video", "language+video"),
)
TABLE_2 = (
    *(Experiment(f"k={k}", mask="fixed", k=k) for k in (32, 16, 8, 4)),
    Experiment("Dynamic", mask="dynamic"),
    Experiment("Shot (ours)", mask="shot"),
    Experiment("Aligned (ours)", mask="aligned"),
)
CONTROLS = (
    Experiment("Conditions shuffled", shuffled=True),
    Experiment("Key withheld", withheld=("key", "mode"), without_key=True),
    Experiment("Tempo withheld", withheld=("tempo",)),
    Experiment("Energy withheld", withheld=("density", "loudness")),
    Experiment(
        "Key, tempo, energy withheld", withheld=("key", "mode", "tempo", "density", "loudness"), without_key=True
    ),
)

PAPER_1 = (
    ("Real (BGM909)", (2.717, 0.708, 0.486)),
    ("Only Video", (2.835, 0.514, 0.396)),
    ("Only Language", (2.849, 0.641, 0.521)),
    ("Random", (2.568, 0.653, 0.425)),
    ("Concat", (2.870, 0.634, 0.528)),
    ("Video+Language", (2.840, 0.626, 0.536)),
    ("Language+Video", (2.840, 0.601, 0.521)),
)
"""Diff-BGM's Table 1: PCHE, GPS, SI."""
PAPER_2 = (
    ("Real (BGM909)", (2.717, 0.708, 0.486)),
    ("k=32", (2.721, 0.789, 0.523, 13.83, 23.27, 41.23)),
    ("k=16", (2.792, 0.680, 0.540, 12.63, 23.58, 40.89)),
    ("k=8", (2.840, 0.601, 0.521, 13.28, 23.91, 44.10)),
    ("k=4", (2.767, 0.604, 0.531, 13.87, 24.09, 42.25)),
    ("Dynamic", (2.729, 0.775, 0.534, 13.07, 23.80, 41.44)),
)
"""Diff-BGM's Table 2: PCHE, GPS, SI, P@5, P@10, P@20."""
TABLES = {1: TABLE_1, 2: TABLE_2}
PAPER = {1: PAPER_1, 2: PAPER_2}


# --- what is measured -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measures:
    """One piece's own numbers."""

    pche: float
    gps: float
    si: float
    """Mean of MusDr's three windows."""
    adv: float
    h1: float
    """MusDr's one-bar entropy."""
    h4: float
    si_short: float
    si_medium: float
    si_long: float
    in_key: float
    melody_polyphony: float
    empty_bars: int
    heard: NDArray[np.float32] = field(repr=False)
    """(200,): Musicnn's features."""


NUMBERS = (
    "pche", "gps", "si", "adv", "h1", "h4", "si_short", "si_medium", "si_long", "in_key", "melody_polyphony",
    "empty_bars",
)  # fmt: skip


def measure(piece: Piece) -> Measures:
    """All numbers of one piece.

    A piece without a note counts as what it is: no pitch class, all bars alike and empty, no structure, nothing heard.
    Raises InputError where a piece cannot be measured otherwise.
    """
    if not len(piece.notes):
        return Measures(0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, empty_bars(piece), np.zeros(retrieval.FEATURES, np.float32))
    structure = si.structureness(piece)
    return Measures(
        pche=pche.pche(piece), gps=gps.gps(piece), si=structure.mean, adv=adv.adv(piece),
        h1=pche.pche(piece, bars=1, hop_bars=1), h4=pche.pche(piece, bars=4, hop_bars=1),
        si_short=structure.short, si_medium=structure.medium, si_long=structure.long,
        in_key=key.in_key(piece), melody_polyphony=melody.polyphony(piece), empty_bars=empty_bars(piece),
        heard=retrieval.features(render(piece)),
    )  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """A song to be judged: its picture, its real piece and that piece's numbers."""

    id: str
    asked: StandIn
    real: Piece
    measured: Measures


@dataclass(frozen=True)
class Row:
    """An experiment's result over songs and seeds."""

    experiment: Experiment
    numbers: dict[str, Summary]
    """By the names of `NUMBERS`: the mean, its interval over songs (each song the mean of its seeds)."""
    seeds: dict[str, tuple[float, ...]]
    """The same means seed by seed."""
    precision: dict[int, float]
    """P@K in percent, mean over the seeds."""
    chance: dict[int, float]
    density_spearman: Summary
    mode_spearman: float
    accents_on_cuts: Summary | None
    novelty: novelty.Novelty


@dataclass(frozen=True)
class Judged:
    """What `evaluate` found."""

    songs: tuple[str, ...]
    left_out: tuple[str, ...]
    """Songs too short for a piece."""
    seen: tuple[str, ...]
    """Songs asked for by name that training or choosing has seen."""
    real: dict[str, Summary]
    real_novelty: novelty.Novelty
    rows: tuple[Row, ...]


def unseen_ids(folder: Path, index: novelty.Index) -> list[str]:
    """The songs in `folder` whose files the index does not know.

    Raises InputError where all of them are known.
    """
    known = set(index.songs.tolist())
    ids = [song for song in song_ids(folder) if digest(folder / song / f"{song}.mid") not in known]
    if not ids:
        raise InputError(f"All songs in {folder} were used in training; name songs with --songs to judge them even so.")
    return ids


def read_song_list(path: Path) -> list[str]:
    """Song numbers, one a line. Raises InputError where there are none."""
    try:
        ids = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as problem:
        raise InputError(
            f"{path} cannot be read ({problem.strerror}); name a file with one song number a line."
        ) from problem
    if not ids:
        raise InputError(f"{path} names no song; write one number a line, like 004.")
    return ids


def _with_beats(features: BeatFeatures, beats: int) -> BeatFeatures:
    """`features` brought to `beats` rows: cut off, or begun again."""
    rows = np.arange(beats) % len(features.energy)
    names = ("language", "visual", "valence", "arousal", "energy", "shot_of_beat")
    return replace(features, **{name: getattr(features, name)[rows] for name in names})


def compose(
    candidates: Sequence[Candidate], number: int, experiment: Experiment, composer: Composer, seed: int
) -> tuple[Piece, BeatFeatures]:
    """The generated piece for candidate `number`, and the features it was asked for with."""
    candidate = candidates[number]
    asked = candidate.asked
    features = asked.features
    if experiment.shuffled:
        # Half the list away: no song gets its own, and every song's features are used once.
        other = candidates[(number + max(1, len(candidates) // 2)) % len(candidates)].asked.features
        features = _with_beats(other, asked.grid.beats)
    condition = asked.condition(mask=experiment.mask, k=experiment.k, withheld=experiment.withheld, features=features)
    if experiment.without_key:
        condition = replace(condition, tonic=0)
    # The chords and the groove are the plan's, by the seed; the song's own are not told.
    condition = replace(condition, frame=with_leadsheet(condition.frame, seed * 1000 + number))
    roll = composer(condition, seed=seed * 1000 + number, selector=experiment.selector)
    return from_roll(roll, asked.grid), features


def judge(
    candidates: Sequence[Candidate],
    experiment: Experiment,
    composer: Composer,
    index: novelty.Index,
    *,
    seeds: Sequence[int] = SEEDS,
    workers: int = 0,
    progress: Progress = silent,
    keep: Callable[[int, str, Piece], None] | None = None,
) -> Row:
    """One row: every candidate composed and measured with every seed. `keep` is given (seed, id, piece)."""
    pieces: list[list[Piece]] = []
    measured: list[list[Measures]] = []
    motions: list[NDArray[np.float32]] = []
    valences: list[NDArray[np.float32]] = []
    cuts = [[int(b) for b in np.flatnonzero(np.diff(c.asked.features.shot_of_beat)) + 1] for c in candidates]
    for s, seed in enumerate(seeds):
        pieces.append([])
        for number, candidate in enumerate(candidates):
            progress("denoise", (s * len(candidates) + number) / (len(seeds) * len(candidates)))
            piece, features = compose(candidates, number, experiment, composer, seed)
            pieces[-1].append(piece)
            motions.append(features.visual[:, _MOTION])
            valences.append(features.valence)
            if keep is not None:
                keep(seed, candidate.id, piece)
        measured.append(_measure_all(pieces[-1], workers))
    table = {name: np.array([[getattr(m, name) for m in row] for row in measured], float) for name in NUMBERS}
    everything = [piece for row in pieces for piece in row]
    found = [retrieval.report([m.heard for m in row], [c.measured.heard for c in candidates]) for row in measured]
    follow = [
        conditioning.density_follows_motion(piece, motion) if len(piece.notes) else 0.0
        for piece, motion in zip(everything, motions, strict=True)
    ]
    sounding = [i for i, piece in enumerate(everything) if len(piece.notes)]
    on_cuts = [conditioning.accents_on_cuts(everything[i], cuts[i % len(candidates)]) for i in sounding]
    with_cuts = [value for value in on_cuts if value is not None]
    return Row(
        experiment,
        {name: summarise(values.mean(axis=0).tolist()) for name, values in table.items()},
        {name: tuple(values.mean(axis=1).tolist()) for name, values in table.items()},
        {k: float(np.mean([f.precision[k] for f in found])) for k in retrieval.RANKS},
        dict(found[0].chance),
        summarise(np.reshape(follow, (len(seeds), -1)).mean(axis=0).tolist()),
        conditioning.mode_follows_valence([everything[i] for i in sounding], [valences[i] for i in sounding]),
        summarise(with_cuts) if with_cuts else None,
        novelty.novelty([everything[i] for i in sounding], index),
    )


def _measure_all(pieces: Sequence[Piece], workers: int) -> list[Measures]:
    """`measure` of each piece, in order, in `workers` processes beside this one (0: here)."""
    if workers < 1:
        return [measure(piece) for piece in pieces]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(measure, pieces))


def read_candidates(
    folder: Path, ids: Iterable[str], progress: Progress = silent, *, workers: int = 0
) -> tuple[list[Candidate], list[str]]:
    """The songs as candidates, and those left out because they are too short."""
    wanted = list(ids)
    left_out: list[str] = []
    read: list[tuple[str, StandIn, Piece]] = []
    for number, song_id in enumerate(wanted):
        progress("read", number / len(wanted))
        song: Song = load_pop909(folder / song_id)
        try:
            piece = excerpt(song)
        except InputError:
            left_out.append(song_id)
            continue
        asked = stand_in(song, first_beat(song), min(PIECE_BEATS, piece.beats))
        read.append((song_id, asked, piece))
    measured = _measure_all([piece for _, _, piece in read], workers)
    return [Candidate(*row, numbers) for row, numbers in zip(read, measured, strict=True)], left_out


def evaluate(
    folder: Path,
    composer: Composer,
    *,
    ids: Sequence[str] | None = None,
    experiments: Sequence[Experiment] = (SHIPPED,),
    seeds: Sequence[int] = SEEDS,
    out: Path | None = None,
    workers: int = 0,
    progress: Progress = silent,
    on_row: Callable[[Judged], None] | None = None,
) -> Judged:
    """Judges `composer` on the songs in `folder`: `ids`, or all it never saw. `on_row` is given what stands so far.

    With `out`, real pieces are written there as `real/NNN.mid` and those of the first experiment and seed as
    `generated/NNN.mid` (further seeds as `generated_seed_2/NNN.mid`, …). Raises InputError where less than two songs
    can be judged, Cancelled where `progress` does.
    """
    index = novelty.load(INDEX_PATH)
    chosen = list(ids) if ids is not None else unseen_ids(folder, index)
    known = set(index.songs.tolist())
    missing = sorted(set(chosen) - set(song_ids(folder)))
    if missing:
        raise InputError(
            f"{folder} holds no song {missing[0]}; its songs are folders with a MIDI file of the same name."
        )
    candidates, left_out = read_candidates(folder, chosen, progress, workers=workers)
    if len(candidates) < 2:
        raise InputError(
            f"{len(candidates)} songs of {len(chosen)} are long enough; at least two are needed to compare."
        )
    if out is not None:
        for candidate in candidates:
            _write(out / "real" / f"{candidate.id}.mid", candidate.real)

    def keep(seed: int, song_id: str, piece: Piece) -> None:
        if out is not None:
            place = "generated" if seed == seeds[0] else f"generated_seed_{seed}"
            _write(out / place / f"{song_id}.mid", piece)

    judged = Judged(
        tuple(c.id for c in candidates),
        tuple(left_out),
        tuple(c.id for c in candidates if digest(folder / c.id / f"{c.id}.mid") in known),
        {name: summarise([getattr(c.measured, name) for c in candidates]) for name in NUMBERS},
        novelty.novelty([c.real for c in candidates], index),
        (),
    )
    for experiment in experiments:
        kept = keep if experiment is experiments[0] else None
        row = judge(candidates, experiment, composer, index, seeds=seeds, workers=workers, progress=progress, keep=kept)
        judged = replace(judged, rows=(*judged.rows, row))
        if on_row is not None:
            on_row(judged)
    return judged


def _write(path: Path, piece: Piece) -> None:
    replace_file(path, to_bytes(piece))


# --- how it is told ---------------------------------------------------------------------------------------------


def answer(judged: Judged) -> dict[str, Any]:
    """The machine-readable answer: the first row at the top, all rows below. P@K in percent."""
    first = judged.rows[0]
    four = ("pche", "gps", "si", "adv")
    return {
        "songs": len(judged.songs),
        "real": {name: judged.real[name].mean for name in four},
        "generated": {name: first.numbers[name].mean for name in four},
        **{f"p_at_{k}": first.precision[k] for k in retrieval.RANKS},
        "density_spearman": first.density_spearman.mean,
        "novelty": {"generated": first.novelty.share, "real": judged.real_novelty.share},
        "novelty_nearly": {"generated": first.novelty.share_nearly, "real": judged.real_novelty.share_nearly},
        "real_intervals": {name: asdict(summary) for name, summary in judged.real.items()},
        "rows": [
            {
                **asdict(row.experiment),
                **{name: asdict(summary) for name, summary in row.numbers.items()},
                "seeds": row.seeds,
                "p_at": {str(k): value for k, value in row.precision.items()},
                "p_at_chance": {str(k): value for k, value in row.chance.items()},
                "density_spearman": asdict(row.density_spearman),
                "mode_spearman": row.mode_spearman,
                "accents_on_cuts": asdict(row.accents_on_cuts) if row.accents_on_cuts else None,
                "novelty": {
                    "verbatim": row.novelty.share,
                    "nearly": row.novelty.share_nearly,
                    "bars": row.novelty.bars,
                },
            }
            for row in judged.rows
        ],
        "left_out": list(judged.left_out),
        "seen_in_training": list(judged.seen),
        "remark": "Conditions were made from the songs' own music, so P@K is not comparable with the paper's.",
    }


def experiments_of(tables: Sequence[int]) -> tuple[Experiment, ...]:
    """What ships, then what the tables and the controls need: each setting once though two tables name it."""
    once: dict[Experiment, Experiment] = {}
    for experiment in (SHIPPED, *(e for table in tables for e in TABLES[table]), *(CONTROLS if tables else ())):
        once.setdefault(experiment.settings, experiment)
    return tuple(once.values())


def markdown(judged: Judged, tables: Sequence[int] = ()) -> str:
    """Tables to read: the paper's rows, then ours with 95% intervals over songs. Rows not measured yet are left out."""
    found = {row.experiment.settings: row for row in judged.rows}
    named = {experiment.settings for table in tables for experiment in TABLES[table]}
    parts = [
        _table(judged, PAPER[n], [(e.name, found.get(e.settings)) for e in TABLES[n]], f"Table {n}") for n in tables
    ]
    others = [(row.experiment.name, row) for row in judged.rows if row.experiment.settings not in named]
    if others:
        parts.append(_table(judged, (), others, "Controls" if tables else "As shipped"))
    chance = ", ".join(f"{judged.rows[0].chance[k]:.1f}" for k in retrieval.RANKS)
    parts.append(
        f"P@K by chance: {chance}. Our conditions came from the music itself and the paper's from videos, so "
        "the P@K of the two must not be compared.\n"
    )
    return "\n".join(parts)


def _table(
    judged: Judged, paper: Sequence[tuple[str, tuple[float, ...]]], rows: Sequence[tuple[str, Row | None]], title: str
) -> str:
    lines = [f"**{title}**", ""]
    lines += ["| | PCHE | GPS | SI | P@5 | P@10 | P@20 | ADV | in key | density follows |", "|" + "---|" * 10]
    for name, values in paper:
        cells = [f"{value:.3f}" if i < 3 else f"{value:.2f}" for i, value in enumerate(values)]
        lines.append(f"| Diff-BGM: {name} | " + " | ".join(cells + ["–"] * (9 - len(cells))) + " |")

    def cells_of(numbers: dict[str, Summary], precision: Sequence[str], follows: str) -> str:
        shown = [str(numbers[name]) for name in ("pche", "gps", "si")]
        return " | ".join([*shown, *precision, str(numbers["adv"]), f"{numbers['in_key'].mean:.3f}", follows])

    lines.append(f"| Ours: real ({len(judged.songs)} songs, 32 bars) | {cells_of(judged.real, ['–'] * 3, '–')} |")
    for name, row in rows:
        if row is not None:
            precision = [f"{row.precision[k]:.1f}" for k in retrieval.RANKS]
            lines.append(f"| Ours: {name} | {cells_of(row.numbers, precision, f'{row.density_spearman.mean:.3f}')} |")
    return "\n".join([*lines, ""])


def shipped_composer(
    model: Path | None = None, *, steps: int = STEPS, guidance: float = GUIDANCE, threads: int = 0
) -> Composer:
    """The ONNX model as `shotscore score` runs it. Raises ModelError where it cannot be loaded."""
    from ..denoiser import Denoiser

    denoiser = Denoiser(model, threads=threads)

    def composer(condition: Condition, *, seed: int, selector: SelectorName) -> Roll:
        request = ScoreRequest(steps=steps, guidance=guidance, selector=selector)
        return written(Brief(condition, np.zeros(condition.beats, bool)), denoiser, request, seed)

    return composer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options, for this module's own command and for `shotscore evaluate`."""
    parser.add_argument("--pop909", type=Path, required=True, help="folder of songs as NNN/NNN.mid")
    parser.add_argument("--songs", type=Path, help="file with one song number a line; else all songs never trained on")
    parser.add_argument(
        "--table",
        type=int,
        choices=(1, 2),
        nargs="+",
        default=[],
        help="all rows of the paper's tables, and the controls",
    )
    parser.add_argument("--most", type=int, help="at most so many songs")
    parser.add_argument("--out", type=Path, help="folder for the pieces, the table and the answer")
    parser.add_argument("--model", type=Path, help="denoiser.onnx; else the one that comes with Shotscore")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="how many pieces per song")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that measure; 0 for none")
    parser.add_argument("--guidance", type=float, default=GUIDANCE)


def run(options: argparse.Namespace, progress: Progress = silent) -> dict[str, Any]:
    """What the command answers; with --out, pieces, `table.md` and `answer.json` are there too."""
    if options.seeds < 1:
        raise InputError(f"--seeds {options.seeds} makes no piece; use 1 or more.")
    tables = sorted(set(options.table))
    ids = read_song_list(options.songs) if options.songs else None
    if options.most is not None:
        ids = (ids or unseen_ids(options.pop909, novelty.load(INDEX_PATH)))[: options.most]

    def write(judged: Judged) -> None:
        if options.out is not None:
            replace_file(options.out / "table.md", markdown(judged, tables).encode())
            replace_file(options.out / "answer.json", json.dumps(answer(judged), indent=1).encode())

    judged = evaluate(
        options.pop909,
        shipped_composer(options.model, steps=options.steps, guidance=options.guidance),
        ids=ids,
        experiments=experiments_of(tables),
        seeds=range(1, options.seeds + 1),
        out=options.out,
        workers=options.workers,
        progress=progress,
        on_row=write,
    )
    return answer(judged)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command and prints its answer as JSON."""
    parser = argparse.ArgumentParser(prog="evaluate", description=(__doc__ or "").split("\n")[0])
    add_arguments(parser)
    options = parser.parse_args(arguments)
    try:
        told = run(options)
    except InputError as problem:
        print(problem, file=sys.stderr)
        return 2
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
