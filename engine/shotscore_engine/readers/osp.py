"""OpenShot's projects (`.osp`): JSON with times in floating-point seconds.

A clip lies on a layer (a higher number is seen above) at `position`, from `start` to `end` of its media; each of
these is rounded to the project's frames, so that neighbours meet. A clip has picture and sound at once, as its media
has; `has_video` and `has_audio` switch them off. Overlapping clips of one layer dissolve in OpenShot: the later one is
read as seen from its first frame.

Known deviation: a speed that changes along a clip (the `time` curve) is read as its mean speed.
"""

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import TimelineError
from ..timing import exact_rate, quantise
from .common import MAX_DEPTH, TrackBuilder, clip_of, frame_range, frames, marker, note, read_bounded

if TYPE_CHECKING:
    import opentimelineio as otio


def read(path: Path) -> "otio.schema.Timeline":
    """The project's timeline. Raises TimelineError where the file is no OpenShot project."""
    import opentimelineio as otio

    project = _parse(path)
    fps: Any = project.get("fps")
    try:
        rate = exact_rate(Fraction(int(fps["num"]), int(fps["den"])))
    except (KeyError, TypeError, ValueError, ArithmeticError) as problem:
        raise TimelineError(f"{path} does not say its frame rate; choose a profile and save it again.") from problem
    warnings: list[str] = []
    timeline = otio.schema.Timeline(name=path.stem, global_start_time=frames(0, rate))
    rows = _Rows(path, rate, warnings)
    layers = {int(_number(row.get("number"), 0)): str(row.get("label") or "") for row in _list(project, "layers")}
    clips = sorted(_list(project, "clips"), key=lambda one: (_number(one.get("position"), 0), str(one.get("id"))))
    audio: list[Any] = []
    on_layer: dict[int, list[dict[str, Any]]] = {number: [] for number in layers}
    for one in clips:
        on_layer.setdefault(int(_number(one.get("layer"), 0)), []).append(one)
    for count, number in enumerate(sorted(on_layer), 1):
        label = layers.get(number, "") or f"Track {count}"
        for kind in ("Video", "Audio"):
            track = rows.track(label, kind, on_layer[number])
            if track is not None:
                (timeline.tracks if kind == "Video" else audio).append(track)
    timeline.tracks.extend(audio)
    for one in _list(project, "markers"):
        at = quantise(_seconds(one.get("position"), 0) * rate)
        timeline.tracks.markers.append(marker(str(one.get("name") or one.get("label") or ""), at, 0, rate))
    return note(timeline, rate=rate, drop_frame=False, warnings=warnings)


class _Rows:
    """Makes tracks of layers."""

    def __init__(self, path: Path, rate: Fraction, warnings: list[str]) -> None:
        self.path, self.rate, self.warnings = path, rate, warnings

    def track(self, label: str, kind: str, clips: list[dict[str, Any]]) -> Any:
        builder = TrackBuilder(label, kind, self.rate, self.warnings)
        empty = True
        for one in clips:
            made = self.clip(one, kind)
            if made is not None:
                builder.add(quantise(_seconds(one.get("position"), 0) * self.rate), *made)
                empty = False
        return None if empty else builder.track

    def clip(self, one: dict[str, Any], kind: str) -> tuple[Any, int] | None:
        """(clip, frames on the timeline); None where it has nothing of that kind."""
        reader = one.get("reader")
        reader = reader if isinstance(reader, dict) else {}
        switch = _value(one.get("has_video" if kind == "Video" else "has_audio"), -1)
        if switch == 0 or not reader.get("has_video" if kind == "Video" else "has_audio", True):
            return None
        position, start, end = (_seconds(one.get(key), 0) for key in ("position", "start", "end"))
        # Both edges are rounded: the length is what lies between them on the timeline.
        first = quantise(position * self.rate)
        length = quantise((position + end - start) * self.rate) - first
        if length <= 0:
            return None
        url = str(reader.get("path") or "")
        name = str(one.get("title") or Path(url.replace("\\", "/")).name)
        still = bool(reader.get("has_single_image"))
        speed = Fraction(0) if still else self.speed(one, name)
        whole = 0 if still else quantise(_seconds(reader.get("duration"), 0) * self.rate)
        used = Fraction(0) if still else Fraction(quantise(start * self.rate))
        made = clip_of(
            name,
            source=(used, self.rate),
            duration=(length, self.rate),
            url=re.sub(r"^@assets", f"{self.path.stem}_assets", url) or None,
            available=frame_range(0, whole, self.rate) if whole else None,
            speed=speed,
        )
        return made, length

    def speed(self, one: dict[str, Any], name: str) -> Fraction:
        """From the first and last point of the time curve: media frames a frame."""
        curve = one.get("time")
        points = curve.get("Points") if isinstance(curve, dict) else None
        if not isinstance(points, list) or len(points) < 2:
            return Fraction(1)
        try:
            ends = [(_seconds(p["co"]["X"], 0), _seconds(p["co"]["Y"], 0)) for p in (points[0], points[-1])]
            speed = (ends[1][1] - ends[0][1]) / (ends[1][0] - ends[0][0])
        except (KeyError, TypeError, ZeroDivisionError):
            return Fraction(1)
        if len(points) > 2:
            self.warnings.append(f"The speed of {name!r} changes inside the clip; it is read at its mean.")
        return speed.limit_denominator(100_000)


def _parse(path: Path) -> dict[str, Any]:
    data = read_bounded(path)
    try:
        project = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as problem:
        raise TimelineError(f"{path} is not whole JSON: {str(problem)[:80]}; save the project again.") from problem
    if _depth(data) > MAX_DEPTH:
        raise TimelineError(f"{path} nests its lists more than {MAX_DEPTH} deep; it is not read.")
    if not isinstance(project, dict) or not isinstance(project.get("clips"), list):
        raise TimelineError(f"{path} is JSON and no OpenShot project: it has no list of clips.")
    made: dict[str, Any] = project
    return made


def _depth(data: bytes) -> int:
    deepest = now = 0
    for byte in re.finditer(rb"[][{}]", data):
        now += 1 if byte[0] in b"[{" else -1
        deepest = max(deepest, now)
    return deepest


def _list(project: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = project.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _number(value: Any, default: float) -> float:
    plain = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12
    return float(value) if plain else default


def _seconds(value: Any, default: float) -> Fraction:
    """A float as the decimal it was meant to be."""
    return Fraction(_number(value, default)).limit_denominator(10_000_000)


def _value(curve: Any, default: float) -> float:
    """The first value of a curve."""
    try:
        return _number(curve["Points"][0]["co"]["Y"], default)
    except (KeyError, IndexError, TypeError):
        return default
