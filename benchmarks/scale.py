"""How time and memory grow with the picture: `python benchmarks/scale.py [--plot FILE] [--only shots]`.

Three rows: seconds of picture (10 s to 3 h in one cue, a shot every four seconds), shots (5 to 10,000 in an hour) and
cues (1 to 50 of a minute each). Every point runs in a process of its own, which says how much processor time each
stage took and how much memory it took on top of what was there; the exponent is the slope of the upper half of the
points in a double logarithmic plot: 1 is linear. Times below a hundredth of a second are noise and are left out of the
slope.

The tempo is solved on each edit and then set to 100 BPM for what follows, so that equal lengths have equal beats.

Films are missing on purpose: decoding is linear in what is decoded, and is measured by `picture.py`; so are the
model, which sees a cue at once (attention: quadratic in its beats, and bounded), and the rendering of sound.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil

RATE = Fraction(24)
SECONDS = (10, 30, 100, 300, 1000, 3600, 10_800)
SHOTS = (5, 20, 100, 500, 2000, 10_000)
CUES = (1, 3, 10, 25, 50)
CUE_SECONDS = 60
SHOT_SECONDS = 4
LINEAR = 1.15
"""Above this an exponent is told as worse than linear: measured slopes wobble."""
LEAST_SECONDS = 0.01
SHOTS_SECONDS = 3600
TEMPO_BPM = 100


@dataclass(frozen=True)
class Point:
    """One size: processor seconds by stage, and bytes at the most above the start."""

    size: int
    seconds: dict[str, float]
    bytes: int


def measure(size: int, seconds: int, shots: int, cues: int) -> Point:
    """The stages on an edit of `shots` in `seconds`, in a process of its own."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reading)
            answer = json.dumps(_stages(seconds, shots, cues)).encode()
            os.write(writing, answer)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        told = stream.read()
    _, status = os.waitpid(pid, 0)
    if status or not told:
        raise SystemExit(f"The process of size {size} ended with {status}.")
    found = json.loads(told)
    return Point(size, found["seconds"], found["bytes"])


def _stages(seconds: int, shots: int, cues: int) -> dict[str, Any]:
    from shotscore_engine.features.describe import describe
    from shotscore_engine.grid import constant_grid
    from shotscore_engine.measure import peak_memory_bytes
    from shotscore_engine.orchestrate import orchestrate
    from shotscore_engine.perform import Score
    from shotscore_engine.picture import flatten
    from shotscore_engine.readers import read_timeline
    from shotscore_engine.request import ScoreRequest
    from shotscore_engine.session import ModelRecord, Session, Take, write_notes
    from shotscore_engine.spotting import Cue, spot
    from shotscore_engine.tempo_map import fit_tempo
    from shotscore_engine.timing import seconds_at
    from shotscore_exporters import midi
    from shotscore_exporters.placement import markers_of, place

    took: dict[str, float] = {}

    def timed(stage: str, work: Callable[[], Any]) -> Any:
        begun = time.process_time()
        answer = work()
        took[stage] = took.get(stage, 0.0) + time.process_time() - begun
        return answer

    with tempfile.TemporaryDirectory() as scratch:
        path = write_edit(Path(scratch) / "edit.otio", seconds, shots)
        begin = psutil.Process().memory_info().rss
        timeline = timed("read", lambda: read_timeline(path))
        picture = timed("flatten", lambda: flatten(timeline, folder=path.parent))
    session = Session(str(path), picture)
    length = picture.duration_frames // cues
    for number in range(cues):
        start, end = number * length, (number + 1) * length
        hits = timed("hits", partial(spot, picture, start, end))
        cue = Cue(f"1m{number + 1:02}", start, end - start, hits)
        timed("tempo", partial(fit_tempo, cue, picture.rate))
        grid = constant_grid(Fraction(TEMPO_BPM), Fraction(0), (4, 4), seconds_at(cue.duration_frames, picture.rate))
        timed("describe", partial(describe, picture, grid, cue))
        notes = write_notes(_music(grid.beats))
        request = ScoreRequest(start_frame=start, end_frame=end)
        model = ModelRecord("none", "")
        take = Take(cue.name, 1, request, grid, "A minor", "cinematic", notes, model, "CPUExecutionProvider")
        session = session.with_takes(cue, [take])
        score = timed("play", partial(orchestrate, take, cue, picture.rate))

        def written(score: Score = score, cue: Cue = cue) -> bytes:
            return midi.to_bytes(score, place(picture, cue), markers_of(picture, cue))

        timed("midi", written)
    data = timed("save", session.to_bytes)
    timed("open", lambda: Session.from_bytes(data))
    return {"seconds": took, "bytes": max(0, peak_memory_bytes() - begin)}


def write_edit(path: Path, seconds: int, shots: int) -> Path:
    """An edit of missing films whose cuts lie anywhere."""
    import opentimelineio as otio

    rng = random.Random(shots * 1_000_003 + seconds)
    frames = int(seconds * RATE)
    cuts = sorted({0, frames, *(rng.randrange(1, frames) for _ in range(shots - 1))})
    track = otio.schema.Track("V1", kind="Video")
    for number, (start, end) in enumerate(pairwise(cuts)):
        span = otio.opentime.TimeRange(
            otio.opentime.RationalTime(100, float(RATE)), otio.opentime.RationalTime(end - start, float(RATE))
        )
        track.append(otio.schema.Clip(f"A{number}", otio.schema.ExternalReference(f"A{number % 50}.mov"), span))
    edit = otio.schema.Timeline("edit", global_start_time=otio.opentime.RationalTime(86_400, float(RATE)))
    edit.tracks.append(track)
    otio.adapters.write_to_file(edit, str(path))
    return path


def _music(beats: int) -> Any:
    from shotscore_engine.roll import roll_of

    rng = np.random.default_rng(beats)
    count, steps = beats * 4, beats * 4
    start = rng.integers(0, steps, count)
    columns = (rng.integers(0, 3, count), start, start + 4, rng.integers(48, 80, count), rng.integers(40, 100, count))
    return roll_of(np.stack(columns, axis=1), steps)


def exponent(sizes: Sequence[int], values: Sequence[float], least: float = 0.0) -> float | None:
    """The slope of the upper half in a double logarithmic plot; None where fewer than three values mean anything."""
    told = [(size, value) for size, value in zip(sizes, values, strict=True) if value > least]
    told = told[-max(3, (len(sizes) + 1) // 2) :]
    if len(told) < 3:
        return None
    x, y = np.log(np.array(told, float)).T
    return float(np.polyfit(x, y, 1)[0])


def rows(only: Sequence[str], most: int | None) -> dict[str, list[Point]]:
    """Every point of the rows asked for; sizes above `most` are left out."""
    plans: dict[str, list[tuple[int, int, int, int]]] = {
        "seconds": [(size, size, max(2, size // SHOT_SECONDS), 1) for size in SECONDS],
        "shots": [(size, SHOTS_SECONDS, size, 1) for size in SHOTS],
        "cues": [(size, size * CUE_SECONDS, size * CUE_SECONDS // SHOT_SECONDS, size) for size in CUES],
    }
    found: dict[str, list[Point]] = {}
    for name in only:
        found[name] = []
        for plan in plans[name]:
            if most is None or plan[0] <= most:
                found[name].append(measure(*plan))
                print(f"{name} {plan[0]}: {sum(found[name][-1].seconds.values()):.2f} s", file=sys.stderr, flush=True)
    return found


def report(found: dict[str, list[Point]]) -> tuple[str, list[str]]:
    """A table a row, and what grows faster than linearly."""
    lines, steep = [], []
    for name, points in found.items():
        sizes = [point.size for point in points]
        lines += ["", f"{name:>10} " + " ".join(f"{size:>9}" for size in sizes) + "  exponent"]
        for stage in points[0].seconds:
            values = [point.seconds[stage] for point in points]
            slope = exponent(sizes, values, LEAST_SECONDS)
            lines.append(f"{stage:>10} " + " ".join(f"{value:>8.3f}s" for value in values) + _told(slope))
            if slope is not None and slope > LINEAR:
                steep.append(f"{stage} against {name}: {slope:.2f}")
        memory = [point.bytes / 2**20 for point in points]
        slope = exponent(sizes, memory, 8.0)
        lines.append(f"{'memory':>10} " + " ".join(f"{value:>6.0f}MiB" for value in memory) + _told(slope))
        if slope is not None and slope > LINEAR:
            steep.append(f"memory against {name}: {slope:.2f}")
    return "\n".join(lines), steep


def _told(slope: float | None) -> str:
    return "  too little to say" if slope is None else f"  {slope:8.2f}"


def plot(found: dict[str, list[Point]], path: Path) -> None:
    """Each row as a double logarithmic plot: stages in seconds, memory in MiB on the right, a linear line beside."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, places = plt.subplots(1, len(found), figsize=(5.5 * len(found), 4.8), squeeze=False)
    for place, (name, points) in zip(places[0], found.items(), strict=True):
        sizes = [point.size for point in points]
        for stage in points[0].seconds:
            place.loglog(sizes, [max(point.seconds[stage], 1e-3) for point in points], marker=".", label=stage)
        linear = [size / sizes[-1] * 60 for size in sizes]
        place.loglog(sizes, linear, color="0.7", linestyle=":", label="linear")
        place.set(xlabel=name, ylabel="processor seconds", ylim=(1e-3, 1e2))
        beside = place.twinx()
        beside.loglog(sizes, [max(point.bytes / 2**20, 0.1) for point in points], "k--")
        beside.set(ylabel="memory, MiB (dashed)", ylim=(1, 1e4))
    figure.tight_layout(rect=(0, 0.08, 1, 1))
    figure.legend(*places[0][0].get_legend_handles_labels(), loc="lower center", ncols=10, frameon=False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, plot; 1 where something grows faster than linearly."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("seconds", "shots", "cues"), action="append")
    parser.add_argument("--most", type=int, help="leave larger sizes out")
    parser.add_argument("--plot", type=Path, help="an .svg or .png to draw")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    import shotscore_exporters.midi  # noqa: F401 - loaded once here, not in every point

    _stages(4, 3, 1)  # and warmed up
    found = rows(options.only or ("seconds", "shots", "cues"), options.most)
    text, steep = report(found)
    if options.json:
        print(json.dumps({name: [vars(point) for point in points] for name, points in found.items()}))
    else:
        print(text)
        print("\nWorse than linear: " + ("; ".join(steep) or "nothing"))
    if options.plot:
        plot(found, options.plot)
    return 1 if steep else 0


if __name__ == "__main__":
    sys.exit(main())
