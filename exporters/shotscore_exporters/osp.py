"""OpenShot's projects (`.osp`): JSON in seconds.

A stem becomes a file of the project, a new track (OpenShot calls it a layer; the number says how high it lies, ours go
under the existing ones) and a clip on it. Everything we add carries an id that begins with `SHOTSCORE`, which
OpenShot keeps when it saves, so that the music is found again whoever wrote the file last. The document is changed as
text: what is not ours keeps every byte.

OpenShot counts `position`, `start` and `end` in seconds as floating-point numbers; they are written so that they
round to our frames.
"""

import json
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from shotscore_engine.atomic import replace_file
from shotscore_engine.errors import TimelineError
from shotscore_engine.timing import exact_rate, rate_text

from .placement import Placement, StemClip, tracks_of

ID = "SHOTSCORE"
"""How the ids of our files, layers and clips begin."""

_LARGEST = 256 * 1024 * 1024
_LISTS = ("files", "layers", "clips")
_SPACE = re.compile(r"\s*")


def insert(data: bytes, clips: Sequence[StemClip], placement: Placement) -> bytes:
    """The project with one new track per stem; music put in before is replaced.

    Raises TimelineError where the document is no OpenShot project, or runs at another rate.
    """
    text = remove(data).decode()
    project = parse(text.encode())
    rate = rate_of(project)
    if rate != placement.rate:
        raise TimelineError(
            f"The project runs at {rate_text(rate)} frames per second and the music at {rate_text(placement.rate)}; "
            "score it at its own rate."
        )
    rows = tracks_of(clips)
    numbers = _free_numbers([int(layer.get("number", 0)) for layer in project["layers"]], len(rows))
    added: dict[str, list[dict[str, Any]]] = {key: [] for key in _LISTS}
    for number, (stem, row) in zip(numbers, rows.items(), strict=True):
        added["layers"].append({"id": f"{ID}-L-{_id(stem)}", "label": stem, "number": number, "y": 0, "lock": False})
        now = 0
        for clip in row:
            if clip.start_frame < now:
                raise TimelineError(f"Two cues overlap on the track {clip.stem}; put them on two timelines.")
            now = clip.start_frame + clip.duration_frames
            reader = _reader(clip, rate)
            added["files"].append({**reader, "id": f"{ID}-F-{_id(clip.cue)}-{_id(stem)}"})
            added["clips"].append(_clip(clip, reader, number, rate))
    for key in _LISTS:
        text = _appended(text, key, added[key])
    return text.encode()


def remove(data: bytes) -> bytes:
    """The project without our music, whoever wrote it last; every other byte stays. Raises as `insert`."""
    parse(data)
    text = data.decode()
    for key in _LISTS:
        text = _without(text, key)
    return text.encode()


def parse(data: bytes) -> dict[str, Any]:
    """The project as plain values. Raises TimelineError where it is none."""
    if len(data) > _LARGEST:
        raise TimelineError(f"The OpenShot project is larger than {_LARGEST} bytes; it cannot be edited here.")
    try:
        project = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as problem:
        raise TimelineError(f"The OpenShot project is not whole JSON: {str(problem)[:80]}; save it again.") from problem
    lists = isinstance(project, dict) and all(isinstance(project.get(key), list) for key in _LISTS)
    if not lists or not all(isinstance(item, dict) for key in _LISTS for item in project[key]):
        raise TimelineError("The document is JSON and no OpenShot project: files, layers and clips are not all there.")
    made: dict[str, Any] = project
    return made


def rate_of(project: dict[str, Any]) -> Fraction:
    """Frames per second. Raises TimelineError where the project does not say."""
    fps = project.get("fps")
    try:
        if not isinstance(fps, dict):
            raise ValueError
        return exact_rate(Fraction(int(fps["num"]), int(fps["den"])))
    except (KeyError, ValueError, TypeError, ZeroDivisionError) as problem:
        raise TimelineError("The OpenShot project has no frame rate; choose a profile and save it again.") from problem


def is_ours(item: dict[str, Any]) -> bool:
    """Whether we added that file, layer or clip."""
    return str(item.get("id", "")).startswith(f"{ID}-")


def write(document: Path, clips: Sequence[StemClip], placement: Placement, path: Path) -> None:
    """Write `document` with the music in it to `path`. Raises TimelineError as `insert`, OutputError where it fails."""
    replace_file(path, insert(document.read_bytes(), clips, placement))


# --- what is added ---------------------------------------------------------------------------------------------------


def _reader(clip: StemClip, rate: Fraction) -> dict[str, Any]:
    """What libopenshot's FFmpegReader says of a WAV file."""
    path = clip.path.resolve()
    seconds = Fraction(clip.samples, clip.sample_rate)
    return {
        "acodec": "pcm_s24le",
        "audio_bit_rate": clip.sample_rate * clip.channels * 24,
        "audio_stream_index": 0,
        "audio_timebase": {"num": 1, "den": clip.sample_rate},
        "channel_layout": 3 if clip.channels == 2 else 4,
        "channels": clip.channels,
        "display_ratio": {"num": 16, "den": 9},
        "duration": float(seconds),
        "file_size": str(path.stat().st_size if path.exists() else 0),
        "fps": {"num": rate.numerator, "den": rate.denominator},
        "has_audio": True,
        "has_single_image": False,
        "has_video": False,
        "height": 720,
        "interlaced_frame": False,
        "media_type": "audio",
        "metadata": {},
        "path": path.as_posix(),
        "pixel_format": -1,
        "pixel_ratio": {"num": 1, "den": 1},
        "sample_rate": clip.sample_rate,
        "top_field_first": True,
        "type": "FFmpegReader",
        "vcodec": "",
        "video_bit_rate": 0,
        "video_length": str(-(-seconds * rate // 1)),
        "video_stream_index": -1,
        "video_timebase": {"num": rate.denominator, "den": rate.numerator},
        "width": 1280,
    }


def _clip(clip: StemClip, reader: dict[str, Any], layer: int, rate: Fraction) -> dict[str, Any]:
    first, last = clip.pre_roll_frames, clip.pre_roll_frames + clip.duration_frames
    file = f"{ID}-F-{_id(clip.cue)}-{_id(clip.stem)}"
    levels = [(frame + first + 1, 10 ** (level / 20)) for frame, level in clip.volume_frames(rate)]
    return {
        "id": f"{ID}-C-{_id(clip.cue)}-{_id(clip.stem)}",
        "file_id": file,
        "title": f"{clip.cue} {clip.stem}",
        "layer": layer,
        "position": float(Fraction(clip.start_frame) / rate),
        "start": float(Fraction(first) / rate),
        "end": float(Fraction(last) / rate),
        "duration": reader["duration"],
        "reader": {**reader, "id": file},
        "image": "",
        "effects": [],
        "has_audio": _keys([(1, 1.0)]),
        "has_video": _keys([(1, 0.0)]),
        "volume": _keys(levels or [(1, 1.0)]),
    }


def _keys(points: Sequence[tuple[int, float]]) -> dict[str, Any]:
    """A curve through (frame of the file from 1, value), in straight lines."""
    return {"Points": [{"co": {"X": float(frame), "Y": value}, "interpolation": 1} for frame, value in points]}


def _free_numbers(used: Sequence[int], count: int) -> list[int]:
    """Layer numbers under the lowest, the first stem highest. OpenShot numbers its own 1000000, 2000000 …"""
    lowest = min(used, default=1_000_000)
    step = lowest // (count + 1)
    if step < 1:
        raise TimelineError(
            f"There is no room under the track {lowest}; open the project in OpenShot and save it again."
        )
    return [lowest - step * (index + 1) for index in range(count)]


def _id(name: str) -> str:
    return re.sub(r"\W", "_", name, flags=re.ASCII)


# --- JSON as text ----------------------------------------------------------------------------------------------------


def _span(text: str, key: str) -> tuple[int, list[tuple[int, int]]]:
    """Where the list `key` of the top object opens (after its bracket), and where its items stand."""
    decoder = json.JSONDecoder()

    def skip(at: int) -> int:
        match = _SPACE.match(text, at)
        return match.end() if match else at

    at, found = skip(text.index("{") + 1), None
    while text[at] == '"':  # a key that is there twice counts for its last
        name, at = decoder.raw_decode(text, at)
        at = skip(skip(at) + 1)
        opened = at
        _, at = decoder.raw_decode(text, at)
        if name == key:
            found = opened + 1
        at = skip(at)
        if text[at] != ",":
            break
        at = skip(at + 1)
    assert found is not None  # parse has seen the list
    items, at = [], skip(found)
    while text[at] != "]":
        _, end = decoder.raw_decode(text, at)
        items.append((at, end))
        at = skip(end)
        if text[at] == ",":
            at = skip(at + 1)
    return found, items


def _appended(text: str, key: str, added: Sequence[dict[str, Any]]) -> str:
    opened, items = _span(text, key)
    new = [json.dumps(item, ensure_ascii=False) for item in added]
    if items:
        return text[: items[-1][1]] + "".join(f", {item}" for item in new) + text[items[-1][1] :]
    return text[:opened] + ", ".join(new) + text[opened:]


def _without(text: str, key: str) -> str:
    """Each of our items goes, with the comma before it, or after it where it is the first."""
    while True:
        _, items = _span(text, key)
        place = next((n for n, (at, end) in enumerate(items) if is_ours(json.loads(text[at:end]))), None)
        if place is None:
            return text
        start, end = items[place]
        if place:
            start = items[place - 1][1]
        elif len(items) > 1:
            end = items[1][0]
        text = text[:start] + text[end:]
