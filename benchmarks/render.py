"""How fast a set of stems is rendered: three minutes of music in every style, against their own length.

    .venv/bin/python benchmarks/render.py [--style NAME] [--json]

The music is a take of the shipped model over a picture without media. Rendering, effects, limiting, measuring and
writing the files all count. Fails where a style is slower than 30 times real time; the goal holds for two processor
cores with nothing else running. Prints CPU seconds as well, which say something on a busy machine too.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from shotscore_engine.measure import Stopwatch
from shotscore_engine.picture import Picture, Shot
from shotscore_engine.request import ScoreRequest
from shotscore_engine.session import Session, Tools
from shotscore_engine.styles import style_names
from shotscore_exporters import audio
from shotscore_exporters.placement import place

GOAL = 30
RATE = Fraction(25)
SHOTS, SHOT_FRAMES = 36, 125


def main() -> int:
    """Measure, print, and say by the exit code whether the goal is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--style", action="append", choices=style_names(), help="measure only this")
    parser.add_argument("--json", action="store_true", help="answer with one JSON object")
    options = parser.parse_args()
    shots = tuple(Shot(n + 1, n * SHOT_FRAMES, SHOT_FRAMES, f"shot {n + 1}", None) for n in range(SHOTS))
    picture = Picture("benchmark", RATE, 0, False, SHOTS * SHOT_FRAMES, shots)
    request = ScoreRequest(detect="none", tempo_bpm=96.0, mood=(0.2, 0.6), energy=0.8)
    session = Session("/benchmark.otio", picture).score(request, Tools.load(request))
    rows: list[dict[str, Any]] = []
    for style in options.style or style_names():
        take = replace(session.take("1m01"), style=style)
        score = session.perform(take)
        placement = place(picture, session.cue("1m01"))
        with tempfile.TemporaryDirectory() as folder:
            watch, begun, cpu = Stopwatch(), time.perf_counter(), time.process_time()
            audio.write(score, placement, Path(folder), progress=watch)
            seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu
        rows.append({
            "style": style,
            "stems": len(score.stems),
            "notes": sum(len(stem.notes) for stem in score.stems),
            "seconds": round(seconds, 2),
            "cpu_seconds": round(cpu_seconds, 2),
            "stages": {stage: round(took, 2) for stage, took in watch.seconds().items()},
            "times_real_time": round(float(placement.duration) / seconds, 1),
        })  # fmt: skip
    if options.json:
        print(json.dumps({"goal": GOAL, "styles": rows}))
    else:
        for row in rows:
            stages = ", ".join(f"{stage} {took}" for stage, took in row["stages"].items())
            print(
                f"{row['style']:15} {row['stems']} stems, {row['notes']:5} notes  {row['seconds']:6.2f} s "
                f"({row['cpu_seconds']:.2f} s of CPU; {stages})  {row['times_real_time']:5.1f} x real time"
            )
    return 0 if all(row["times_real_time"] >= GOAL for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
