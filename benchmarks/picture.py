"""What looking at the picture costs, counted and timed; prints JSON. `run.py` starts it in a process of its own.

Counted: frames FFmpeg decodes for one frame that is shown (1 would be perfect; on the way from a key frame to a shot
some are decoded that nobody sees), and how often the film is gone through. Timed: the whole analysis, cuts, looks,
labels and dialogue, with nothing cached and then with everything cached.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shotscore_engine import media
from shotscore_engine.features import visual


def main() -> None:
    """Analyse a timeline twice, the second time as another run would, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("timeline", type=Path)
    parser.add_argument("--no-sound", action="store_true", help="cuts and looks only")
    options = parser.parse_args()
    frames = _counted(media, "_decoded"), _counted(visual, "_decoded")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SHOTSCORE_CACHE"] = folder
        first = _analysis(options.timeline, options.no_sound)
        count = [len(one) for one in frames]
        visual.forget()
        second = _analysis(options.timeline, options.no_sound)
    answer = {
        "seconds": first["seconds"],
        "processor_seconds": first["processor_seconds"],
        "seconds_again": second["seconds"],
        "shown_frames": first["shown_frames"],
        "decoded_frames": sum(count),
        "decoded_frames_again": sum(len(one) for one in frames) - sum(count),
        "decoded_twice": sum(len(one) - len(set(one)) for one in frames),
        "shots": first["shots"],
        "peak_memory_bytes": first["peak_memory_bytes"],
    }
    print(json.dumps(answer))


def _analysis(timeline: Path, no_sound: bool) -> dict[str, float]:
    from shotscore_engine.analysis import analyse
    from shotscore_engine.features.visual import watch
    from shotscore_engine.measure import peak_memory_bytes
    from shotscore_engine.picture import flatten
    from shotscore_engine.readers import read_timeline
    from shotscore_engine.shots import detect_shots

    picture = flatten(read_timeline(timeline), folder=timeline.parent)
    begun, worked = time.perf_counter(), time.process_time()
    found = detect_shots(picture) if no_sound else analyse(picture)
    watch(found, 0, found.duration_frames)
    return {
        "seconds": time.perf_counter() - begun,
        "processor_seconds": time.process_time() - worked,
        "shown_frames": found.duration_frames,
        "shots": len(found.shots),
        "peak_memory_bytes": peak_memory_bytes(),
    }


def _counted(module: Any, name: str) -> list[float]:
    """The media seconds of all frames the generator `name` of a module gives from now on."""
    real, seen = getattr(module, name), []

    def frames(*arguments: Any) -> Iterator[Any]:
        for one in real(*arguments):
            seen.append(float(one[0]) if isinstance(one, tuple) else float(one.pts * one.time_base))
            yield one

    setattr(module, name, frames)
    return seen


if __name__ == "__main__":
    main()
