"""Speed and memory of Shotscore on this machine, as a table. `make benchmark` runs it; see README.md beside it.

Each figure is measured in a process of its own, several times where it is short; the best counts, since whatever else
runs on a machine can only add. What is compared is measured in the same run, one after the other.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
COMPARED_SECONDS = 60
"""How much of the film PySceneDetect's own command gets."""


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    name: str
    value: str
    goal: str = ""
    met: bool = True


def main() -> int:
    """Measure everything asked for, print the table; 1 where a goal is missed or something cannot be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=sorted(MEASURES), action="append", help="measure only this")
    parser.add_argument("--json", action="store_true", help="answer with one JSON object")
    parser.add_argument("--list", action="store_true", help="say what can be measured")
    options = parser.parse_args()
    if options.list:
        for name, measure in MEASURES.items():
            print(f"{name:10} {(measure.__doc__ or '').splitlines()[0]}")
        return 0
    figures: list[Figure] = []
    for name, measure in MEASURES.items():
        if options.only is None or name in options.only:
            print(f"measuring {name} ...", file=sys.stderr)
            try:
                figures += measure()
            except (subprocess.CalledProcessError, OSError, ValueError, KeyError) as problem:
                figures.append(Figure(name, "failed", str(problem)[:80], met=False))
    machine = f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    if options.json:
        print(json.dumps({"machine": machine, "figures": [vars(figure) for figure in figures]}))
    else:
        width = max(len(figure.name) for figure in figures)
        print(machine)
        for figure in figures:
            goal = f"goal {figure.goal:26} {'met' if figure.met else 'MISSED'}" if figure.goal else ""
            print(f"{figure.name:{width}}  {figure.value:>16}   {goal}".rstrip())
    return 0 if all(figure.met for figure in figures) else 1


# --- starting up -----------------------------------------------------------------------------------------------------


def measure_import() -> list[Figure]:
    """A new Python, with and without our package."""
    bare = _best(5, lambda: _run([sys.executable, "-c", "pass"]))
    ours = _best(5, lambda: _run([sys.executable, "-c", "import shotscore_engine"]))
    return [Figure("import shotscore_engine", f"{ours - bare:.3f} s", "under 0.3 s", ours - bare < 0.3)]


def measure_help() -> list[Figure]:
    """The command a newcomer types first."""
    took = _best(5, lambda: _run([_command("shotscore"), "--help"]))
    return [Figure("shotscore --help", f"{took:.3f} s", "under 0.5 s", took < 0.5)]


# --- denoising -------------------------------------------------------------------------------------------------------


@cache
def _network() -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(_run([sys.executable, str(HERE / "network.py")]))
    return answer


def measure_denoise() -> list[Figure]:
    """The denoiser alone, with guidance, at the defaults of `score`, model already loaded."""
    answer = _network()
    times = answer["music_seconds"] / answer["seconds"]
    share = answer["operations_a_second"] / answer["peak_operations_a_second"]
    name = f"denoising {answer['music_seconds']:.0f} s of music, {answer['steps']} guided steps"
    return [
        Figure(name, f"{times:.1f} x real time", "60 x or better", times >= 60),
        Figure("  matrix products a second", f"{answer['operations_a_second'] / 1e9:.0f} G"),
        Figure("  this machine's fastest float32 product", f"{answer['peak_operations_a_second'] / 1e9:.0f} G"),
        Figure("  share of it", f"{100 * share:.0f} %"),
    ]


def measure_paper() -> list[Figure]:
    """A bar of music by our sampler and by the paper's, 1000 DDPM or 50 DDIM steps of the released U-Net's shape."""
    ours = _network()
    bar = ours["seconds"] / ours["bars"]
    paper = json.loads(_run([sys.executable, str(HERE / "unet.py")]))
    ddpm, ddim = paper["seconds_a_bar_ddpm"] / bar, paper["seconds_a_bar_ddim"] / bar
    return [
        Figure("a bar, ours", f"{1000 * bar:.1f} ms"),
        Figure(f"a bar, 1000 guided steps of a U-Net of {paper['parameters'] / 1e6:.1f} M", _seconds(ddpm * bar)),
        Figure("  ours is faster", f"{ddpm:.0f} times", "5000 times or better", ddpm >= 5000),
        Figure("a bar, 50 guided DDIM steps of it", _seconds(ddim * bar)),
        Figure("  ours is faster", f"{ddim:.0f} times"),
    ]


# --- the picture -----------------------------------------------------------------------------------------------------


@cache
def _edit() -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(_run([sys.executable, str(HERE / "film.py")]))
    return answer


@cache
def _decoding() -> float:
    """Seconds FFmpeg needs for the pictures of the edit, without looking at them: one process, shot after shot."""
    edit = _edit()
    rate = Fraction(edit["rate"])
    with tempfile.TemporaryDirectory() as folder:
        parts = Path(folder) / "shots.txt"
        lines = ["ffconcat version 1.0"]
        for first, last in edit["ranges"]:
            lines += [f"file '{edit['film']}'", f"inpoint {float(first / rate)}", f"outpoint {float(last / rate)}"]
        parts.write_text("\n".join(lines) + "\n")
        read = ["ffmpeg", "-v", "fatal", "-nostdin", "-f", "concat", "-safe", "0", "-i", str(parts)]
        return _best(2, lambda: _run([*read, "-map", "0:v:0", "-f", "null", "-"]))


def measure_picture() -> list[Figure]:
    """Cuts, looks, labels and dialogue of three minutes of 1080p, against FFmpeg decoding the same pictures."""
    bare = _decoding()
    found = json.loads(_run([sys.executable, str(HERE / "picture.py"), _edit()["timeline"]]))
    ratio, each = found["seconds"] / bare, found["decoded_frames"] / found["shown_frames"]
    return [
        Figure("FFmpeg decoding the same pictures", f"{bare:.1f} s"),
        Figure(
            "analysis of 3 minutes of 1080p", f"{found['seconds']:.1f} s", f"1.6 x = {1.6 * bare:.1f} s", ratio <= 1.6
        ),
        Figure("  of FFmpeg's time", f"{ratio:.2f}"),
        Figure("  frames decoded for one shown", f"{each:.2f}"),
        Figure("  frames decoded twice", f"{found['decoded_twice']}"),
        Figure("  of the same picture once more", f"{found['seconds_again']:.2f} s"),
        Figure("  peak memory", f"{found['peak_memory_bytes'] / 1e9:.2f} GB"),
    ]


def measure_scenes() -> list[Figure]:
    """A minute of the film, ours (cuts and looks) against PySceneDetect's own command (cuts alone)."""
    film, rate = Path(_edit()["film"]), Fraction(_edit()["rate"])
    detect = ["detect-adaptive", "--min-scene-len", "0.3s", "list-scenes", "--no-output-file", "--quiet"]
    theirs = [
        _command("scenedetect"),
        "--quiet",
        "-i",
        str(film),
        "time",
        "--duration",
        f"{COMPARED_SECONDS}s",
        *detect,
    ]
    with tempfile.TemporaryDirectory() as folder:
        edit = _one_clip(Path(folder) / "minute.otio", film, rate, int(COMPARED_SECONDS * rate))
        ours = [sys.executable, str(HERE / "picture.py"), "--no-sound", str(edit)]
        our_seconds = min(json.loads(_run(ours))["seconds"] for _ in range(2))
        their_seconds = _best(2, lambda: _run(theirs, folder=folder))
    ratio = our_seconds / their_seconds
    return [
        Figure(f"PySceneDetect's command, {COMPARED_SECONDS} s of 1080p", f"{their_seconds:.1f} s"),
        Figure("cuts and looks of the same, ours", f"{our_seconds:.1f} s", "no longer than that", ratio <= 1),
    ]


def measure_score() -> list[Figure]:
    """A three-minute 1080p timeline from the command line, nothing cached, and then once more."""
    bare, timeline = _decoding(), _edit()["timeline"]
    with tempfile.TemporaryDirectory() as scratch:
        surroundings = {**os.environ, "SHOTSCORE_CACHE": f"{scratch}/cache"}

        def once(name: str, seed: str = "1") -> tuple[float, dict[str, Any]]:
            begun = time.perf_counter()
            out = f"{scratch}/{name}"
            command = [_command("shotscore"), "score", timeline, "--out", out, "--seed", seed, "--json"]
            told = json.loads(_run(command, surroundings))
            return time.perf_counter() - begun, told

        took, answer = once("first")
        other, _ = once("second", "2")
        again, _ = once("third")
    goal, memory = 1.6 * bare + 25, answer["peak_memory_bytes"] / 1e9
    return [
        Figure("FFmpeg decoding the same pictures", f"{bare:.1f} s"),
        Figure("score of a 3-minute 1080p timeline", f"{took:.1f} s", f"1.6 x + 25 = {goal:.1f} s", took <= goal),
        *(Figure(f"  {stage}", f"{seconds:.1f} s") for stage, seconds in answer["seconds"].items()),
        Figure("  peak memory", f"{memory:.2f} GB", "under 1.5 GB", memory < 1.5),
        Figure("score of the same picture once more, another seed", f"{other:.1f} s", "under 5 s", other < 5),
        Figure("  the first seed again", f"{again:.1f} s", "under 5 s", again < 5),
    ]


def _one_clip(path: Path, film: Path, rate: Fraction, frames: int) -> Path:
    import opentimelineio as otio

    span = otio.opentime.TimeRange(
        otio.opentime.RationalTime(0, float(rate)), otio.opentime.RationalTime(frames, float(rate))
    )
    clip = otio.schema.Clip("A001", otio.schema.ExternalReference(film.as_uri(), span), span)
    edit = otio.schema.Timeline("minute")
    edit.tracks.append(otio.schema.Track("V1", kind=otio.schema.TrackKind.Video, children=[clip]))
    otio.adapters.write_to_file(edit, str(path))
    return path


# --- benchmarks that have a command of their own ---------------------------------------------------------------------


def measure_tempo() -> list[Figure]:
    """Finding hidden tempi: benchmarks/tempo.py."""
    return _own("tempo.py")


def measure_render() -> list[Figure]:
    """Playing and mixing the stems in every style: benchmarks/render.py."""
    return _own("render.py")


def measure_fluidsynth() -> list[Figure]:
    """A cue in the default style, ours against FluidSynth's own command."""
    told = json.loads(_run([sys.executable, str(HERE / "fluidsynth.py")]))
    length, theirs, ours = told["music_seconds"], told["fluidsynth_seconds"], told["seconds"]
    return [
        Figure(f"FluidSynth's command, {length:.0f} s into one file", f"{theirs:.1f} s"),
        Figure(f"rendering of the same into {told['stems']} stems and a mix", f"{ours:.1f} s"),
        Figure("  of its time", f"{ours / theirs:.2f}"),
        Figure("  times real time", f"{length / ours:.0f}", "30 or better", length / ours >= 30),
    ]


def measure_regenerate() -> list[Figure]:
    """A few bars anew, against the whole cue: benchmarks/regenerate.py."""
    return _own("regenerate.py")


def measure_repaint() -> list[Figure]:
    """The panel's repaint times: benchmarks/repaint.py."""
    return _own("repaint.py", {"QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen")})


def _own(script: str, more: Mapping[str, str] | None = None) -> list[Figure]:
    """What a benchmark with a command of its own answers to --json; a goal it misses is its exit code."""
    ran = subprocess.run(
        [sys.executable, str(HERE / script), "--json"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(more or {})},
    )
    if ran.returncode not in (0, 1) or not ran.stdout.strip():
        return [Figure(script, "failed", f"exit code {ran.returncode}", met=False)]
    answer = json.loads(ran.stdout)
    return [*_rows(script.removesuffix(".py"), answer), Figure(script, "", "all of its own", ran.returncode == 0)]


def _rows(name: str, answer: Any) -> list[Figure]:
    """Figures as they are, where the answer lists some; otherwise a line for each number or text."""
    if isinstance(answer, dict) and isinstance(answer.get("figures"), list):
        known = ("name", "value", "goal", "met")
        return [Figure(**{key: one[key] for key in known if key in one}) for one in answer["figures"]]
    table = answer if isinstance(answer, dict) else {name: answer}
    plain = {key: value for key, value in table.items() if isinstance(value, int | float | str)}
    for rows in (value for value in table.values() if isinstance(value, list)):
        for row in (row for row in rows if isinstance(row, dict)):
            label, *numbers = row.items()
            plain |= {f"{label[1]}, {key}": value for key, value in numbers if isinstance(value, int | float | str)}
    return [
        Figure(f"{name}: {key}", f"{value:.4g}" if isinstance(value, float) else str(value))
        for key, value in plain.items()
    ]


# --- tools -----------------------------------------------------------------------------------------------------------


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 100 else f"{value / 60:.1f} min"


def _best(times: int, work: Callable[[], object]) -> float:
    def once() -> float:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun

    return min(once() for _ in range(times))


def _run(command: Sequence[str], surroundings: Mapping[str, str] | None = None, folder: str | None = None) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=surroundings, cwd=folder).stdout


def _command(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


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
    "paper": measure_paper,
    "picture": measure_picture,
    "scenes": measure_scenes,
    "score": measure_score,
    "tempo": measure_tempo,
    "render": measure_render,
    "fluidsynth": measure_fluidsynth,
    "regenerate": measure_regenerate,
    "repaint": measure_repaint,
}

if __name__ == "__main__":
    sys.exit(main())
