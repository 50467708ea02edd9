"""Runs inside Debian's own Python, which has libopenshot: `in_openshot.py new FPS_NUM FPS_DEN` prints an empty project;
`in_openshot.py play PROJECT FRAMES OUT` plays it, and writes the left channel as 32-bit floats."""

import array
import json
import sys

import openshot


def new(top: str, under: str) -> None:
    timeline = openshot.Timeline(320, 180, openshot.Fraction(int(top), int(under)), 48000, 2, openshot.LAYOUT_STEREO)
    project = json.loads(timeline.Json())
    layers = [{"id": f"L{n}", "label": "", "number": n * 1_000_000, "y": 0, "lock": False} for n in range(1, 4)]
    print(
        json.dumps(
            {**project, "files": [], "layers": layers, "version": {"libopenshot": openshot.OPENSHOT_VERSION_FULL}}
        )
    )


def play(path: str, frames: str, out: str) -> None:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - as the editor does
        text = file.read()
    fps = json.loads(text)["fps"]
    timeline = openshot.Timeline(320, 180, openshot.Fraction(fps["num"], fps["den"]), 48000, 2, openshot.LAYOUT_STEREO)
    timeline.SetJson(text)
    timeline.Open()
    samples = array.array("f")
    for number in range(1, int(frames) + 1):
        frame = timeline.GetFrame(number)
        for index in range(frame.GetAudioSamplesCount()):
            samples.append(frame.GetAudioSample(0, index, 1))
    timeline.Close()
    with open(out, "wb") as file:  # noqa: PTH123
        samples.tofile(file)
    clips = [json.loads(clip.Json()) for clip in timeline.Clips()]
    print(json.dumps([{key: clip[key] for key in ("id", "layer", "position", "start", "end")} for clip in clips]))


if __name__ == "__main__":
    {"new": new, "play": play}[sys.argv[1]](*sys.argv[2:])
