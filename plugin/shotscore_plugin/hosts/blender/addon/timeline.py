"""The strips of a scene as an OpenTimelineIO document, written with the standard library alone.

A channel with pictures becomes a video track, a channel with sounds an audio track, channel 1 lowest. Frames count from
the scene's start frame, and that is the document's start time: a scene that starts at frame 86400 at 24 starts at
01:00:00:00. (At 23.976 Blender's own display counts clock time, not frames.) What Shotscore inserted is left out.

What stands for what:

- scene strips (of the sequencer) and meta strips: a nested stack
- muted strips, muted channels, strips without opacity: disabled items
- movies, images, clips, sounds: clips with their file; a movie that runs at another rate than the scene, was retimed
  or has a speed strip on it carries a linear time warp
- multicam strips: the channels up to the chosen one, over the strip's range
- crosses and wipes: a transition at the edge of the upper of both strips
- text and adjustment strips: generators that lie over the picture
- other effects: what they work on
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import bpy

MARK = "shotscore"
"""Custom property of our strips."""
NOTE = "\N{EIGHTH NOTE} "
"""What the names of our markers begin with: markers have no custom properties."""
NTSC = 1000 / 1001
DEEPEST = 32
_MEDIA = {"MOVIE", "IMAGE", "MOVIECLIP", "SOUND"}
_TRANSITIONS = {"CROSS", "GAMMA_CROSS", "WIPE"}
_GENERATORS = {"COLOR": "color", "TEXT": "text", "ADJUSTMENT": "adjustment layer", "MASK": "mask"}
_movie_frames: dict[str, tuple[float, int]] = {}
"""Path -> (time of its last change, frames)."""


def strips_of(owner):
    """The strips of a sequence editor or a meta strip: `strips` since 4.4, `sequences` before."""
    return owner.strips if hasattr(owner, "strips") else owner.sequences


def rate_of(scene) -> float:
    """Frames a second; the very number OpenTimelineIO has for 23.976, which Blender keeps in single precision."""
    rate = scene.render.fps / scene.render.fps_base
    whole = round(rate)
    ntsc = whole * 1000 / 1001
    return ntsc if abs(rate - ntsc) < 1e-3 * NTSC else (float(whole) if abs(rate - whole) < 1e-4 else rate)


def read(scene, name: str) -> dict:
    """The scene's edit as an OpenTimelineIO timeline. Raises ValueError, in a sentence, where there is none."""
    editor = scene.sequence_editor
    if editor is None or not len(strips_of(editor)):
        raise ValueError(f"The scene {scene.name!r} holds no strips; put the edit into the Video Sequencer.")
    reader = _Reader(rate_of(scene))
    start = scene.frame_start
    stack = reader.stack(strips_of(editor), editor.channels, start, None, 0, (scene.name,))
    stack["markers"] = [
        reader.marker(marker, start) for marker in scene.timeline_markers if not marker.name.startswith(NOTE)
    ]
    return {
        "OTIO_SCHEMA": "Timeline.1",
        "name": name,
        "metadata": {},
        "global_start_time": reader.time(start),
        "tracks": stack,
    }


def text_of(timeline: dict) -> str:
    """The document as OpenTimelineIO reads it; the same edit gives the same text."""
    return json.dumps(timeline, ensure_ascii=False, indent=1, sort_keys=True)


class _Reader:
    def __init__(self, rate: float) -> None:
        self.rate = rate

    # -- values -------------------------------------------------------------------------------------------------------

    def time(self, frames: float) -> dict:
        return {"OTIO_SCHEMA": "RationalTime.1", "rate": self.rate, "value": float(frames)}

    def span(self, start: float, frames: float) -> dict:
        return {"OTIO_SCHEMA": "TimeRange.1", "start_time": self.time(start), "duration": self.time(frames)}

    def marker(self, marker, start: int) -> dict:
        return {
            "OTIO_SCHEMA": "Marker.2",
            "name": marker.name,
            "metadata": {},
            "color": "GREEN",
            "marked_range": self.span(marker.frame - start, 0),
        }

    def item(self, schema: str, name: str, source: dict | None, enabled: bool = True, **more) -> dict:
        return {
            "OTIO_SCHEMA": schema,
            "name": name,
            "metadata": {},
            "source_range": source,
            "effects": [],
            "markers": [],
            "enabled": enabled,
            **more,
        }

    def gap(self, frames: int) -> dict:
        return self.item("Gap.1", "", self.span(0, frames))

    # -- compositions -------------------------------------------------------------------------------------------------

    def stack(self, strips, channels, start: int, end: int | None, depth: int, scenes: tuple, top: int = 0) -> dict:
        """The strips between two frames; `top` leaves out what lies on higher channels."""
        rows = [strip for strip in strips if MARK not in strip and (not top or strip.channel <= top)]
        cuts = self._transitions(rows)
        speeds = {
            strip.input_1.name: strip for strip in rows if strip.type == "SPEED" and strip.input_1 and not strip.mute
        }
        tracks: dict[tuple[bool, int], list[tuple[int, int, dict, dict | None, dict | None]]] = {}
        for strip in sorted(rows, key=lambda one: (one.channel, one.frame_final_start)):
            first, last = int(strip.frame_final_start), int(strip.frame_final_end)
            edge_in, edge_out = cuts.get(strip.name, (None, None))
            first = edge_in[0] if edge_in else first
            last = edge_out[0] if edge_out else last
            low, high = max(first, start), last if end is None else min(last, end)
            if high <= low:
                continue
            made = self._item(strip, speeds.get(strip.name), low, high, strips, channels, depth, scenes)
            if made is None:
                continue
            head = edge_in[1] if edge_in and low == first else None
            tail = edge_out[1] if edge_out and high == last else None
            tracks.setdefault((strip.type == "SOUND", strip.channel), []).append((low, high, made, head, tail))
        children = [
            self._track(channels, channel, sound, row, start) for (sound, channel), row in sorted(tracks.items())
        ]
        return self.item("Stack.1", "", None, children=children)

    def _track(self, channels, channel: int, sound: bool, row: list, start: int) -> dict:
        children, now = [], start
        for low, high, made, head, tail in row:
            if low < now:  # strips of a channel never overlap, but a file may say so
                continue
            if low > now:
                children.append(self.gap(low - now))
            if head:
                children.append(head)
            children.append(made)
            if tail:
                children.append(tail)
            now = high
        muted = channel < len(channels) and channels[channel].mute
        name = channels[channel].name if channel < len(channels) else f"Channel {channel}"
        kind = "Audio" if sound else "Video"
        return self.item("Track.1", name, None, not muted, children=children, kind=kind)

    def _transitions(self, rows) -> dict:
        """Strip -> ((its first frame now, transition), (its end now, transition)); the upper of both inputs is cut."""
        found: dict[str, list] = {}
        for effect in rows:
            if effect.type not in _TRANSITIONS or effect.mute or not effect.input_1 or not effect.input_2:
                continue
            before, after = effect.input_1, effect.input_2
            if before.frame_final_start > after.frame_final_start:
                before, after = after, before
            first, last = int(effect.frame_final_start), int(effect.frame_final_end)
            middle = (first + last) // 2
            transition = self.item("Transition.1", effect.name, None)
            del transition["source_range"], transition["effects"], transition["markers"], transition["enabled"]
            transition |= {
                "transition_type": "SMPTE_Dissolve",
                "in_offset": self.time(middle - first),
                "out_offset": self.time(last - middle),
            }
            upper = after if after.channel > before.channel else before
            edges = found.setdefault(upper.name, [None, None])
            edges[0 if upper is after else 1] = (middle, transition)
        return found

    # -- items --------------------------------------------------------------------------------------------------------

    def _item(self, strip, speed_strip, low: int, high: int, siblings, channels, depth: int, scenes: tuple):
        """The strip between two frames; None for what shows nothing of its own."""
        kind, enabled = strip.type, not strip.mute and (strip.type == "SOUND" or strip.blend_alpha > 0)
        frames = high - low
        if kind in _MEDIA:
            return self._clip(strip, speed_strip, low, frames, enabled)
        if kind in _GENERATORS or depth >= DEEPEST:
            return self._generator(strip.name, _GENERATORS.get(kind, kind.lower()), frames, enabled)
        if kind == "META":
            inner = self.stack(strips_of(strip), strip.channels, low, high, depth + 1, scenes)
            return self._nested(inner, strip.name, frames, enabled)
        if kind == "MULTICAM":
            inner = self.stack(siblings, channels, low, high, depth + 1, scenes, top=max(1, strip.multicam_source))
            return self._nested(inner, strip.name, frames, enabled)
        if kind == "SCENE":
            return self._scene(strip, low, frames, enabled, depth, scenes)
        return None  # an effect: what it works on is read where it lies

    def _nested(self, stack: dict, name: str, frames: int, enabled: bool) -> dict:
        return {**stack, "name": name, "source_range": self.span(0, frames), "enabled": enabled}

    def _scene(self, strip, low: int, frames: int, enabled: bool, depth: int, scenes: tuple) -> dict:
        scene = strip.scene
        if scene is None or scene.name in scenes or strip.scene_input != "SEQUENCER" or scene.sequence_editor is None:
            return self._generator(strip.name, "scene", frames, enabled)
        editor = scene.sequence_editor
        offset = self._offset(strip) + low - int(strip.frame_final_start)
        start = scene.frame_start + offset
        inner = self.stack(strips_of(editor), editor.channels, start, start + frames, depth + 1, (*scenes, scene.name))
        return self._nested(inner, strip.name, frames, enabled)

    def _generator(self, name: str, kind: str, frames: int, enabled: bool) -> dict:
        reference = {
            "OTIO_SCHEMA": "GeneratorReference.1",
            "name": kind,
            "metadata": {},
            "available_range": None,
            "generator_kind": kind,
            "parameters": {},
        }
        return self._with_reference(name, self.span(0, frames), reference, enabled)

    def _clip(self, strip, speed_strip, low: int, frames: int, enabled: bool) -> dict:
        speed, content = self._speed(strip, speed_strip)
        offset = self._offset(strip) + low - int(strip.frame_final_start)
        first = offset * speed
        if getattr(strip, "use_reverse_frames", False):
            first, speed = content * speed - (offset + frames) * speed, -speed
        reference = self._reference(strip, content * abs(speed))
        made = self._with_reference(strip.name, self.span(max(0.0, first), frames), reference, enabled)
        if speed != 1:
            made["effects"] = [
                {
                    "OTIO_SCHEMA": "LinearTimeWarp.1",
                    "name": "",
                    "metadata": {},
                    "effect_name": "LinearTimeWarp",
                    "time_scalar": speed,
                }
            ]
        return made

    def _with_reference(self, name: str, source: dict, reference: dict, enabled: bool) -> dict:
        return self.item(
            "Clip.2",
            name,
            source,
            enabled,
            media_references={"DEFAULT_MEDIA": reference},
            active_media_reference_key="DEFAULT_MEDIA",
        )

    def _offset(self, strip) -> int:
        """Frames of the strip's content before its first shown one."""
        return round(strip.frame_offset_start + getattr(strip, "animation_offset_start", 0))

    def _speed(self, strip, speed_strip) -> tuple[float, int]:
        """Media seconds a second, and how many frames of the timeline the whole content takes."""
        content = max(1, int(strip.frame_duration) + int(getattr(strip, "animation_offset_start", 0)))
        speed = 1.0
        rate = getattr(strip, "fps", 0.0) if strip.type == "MOVIE" else 0.0
        retimed = len(getattr(strip, "retiming_keys", ())) > 1
        if strip.type == "MOVIE" and rate > 0 and (abs(rate - self.rate) > 0.01 or retimed):
            total = _frames_of(bpy.path.abspath(strip.filepath)) or content
            speed = (total / rate) / (content / self.rate)
            # A rate that Blender evens out is rounded to whole frames.
            if abs(speed - 1) < 2 / content and not retimed:
                speed = 1.0
        if speed_strip is not None:
            if speed_strip.speed_control == "MULTIPLY":
                speed *= speed_strip.speed_factor
            elif speed_strip.speed_control == "STRETCH" and strip.frame_final_duration > 0:
                speed *= content / strip.frame_final_duration
        return (speed if math.isfinite(speed) else 1.0), content

    def _reference(self, strip, frames: float) -> dict:
        kind = strip.type
        if kind == "IMAGE":
            return self._images(strip, frames)
        path = {
            "MOVIE": lambda: strip.filepath,
            "SOUND": lambda: strip.sound.filepath if strip.sound else "",
            "MOVIECLIP": lambda: strip.clip.filepath if getattr(strip, "clip", None) else "",
        }[kind]()
        return self._file(path, frames)

    def _file(self, path: str, frames: float) -> dict:
        return {
            "OTIO_SCHEMA": "ExternalReference.1",
            "name": "",
            "metadata": {},
            "available_range": self.span(0, frames),
            "target_url": _url(path),
        }

    def _images(self, strip, frames: float) -> dict:
        names = [element.filename for element in strip.elements]
        numbered = [_numbered(name) for name in names]
        first = numbered[0] if numbered else None
        running = first and all(
            one and (one[0], one[2], one[3]) == (first[0], first[2], first[3]) and one[1] == first[1] + index
            for index, one in enumerate(numbered)
        )
        if len(names) < 2 or not running:
            return self._file(os.path.join(strip.directory, names[0] if names else ""), frames)
        prefix, number, suffix, digits = first
        return {
            "OTIO_SCHEMA": "ImageSequenceReference.1",
            "name": "",
            "metadata": {},
            "available_range": self.span(0, len(names)),
            "target_url_base": _url(os.path.join(strip.directory, "")),
            "name_prefix": prefix,
            "name_suffix": suffix,
            "start_frame": number,
            "frame_step": 1,
            "rate": self.rate,
            "frame_zero_padding": digits,
            "missing_frame_policy": "error",
        }


def _numbered(name: str):
    """(prefix, number, suffix, digits) of `a.0012.png`; None without a number."""
    stem, suffix = os.path.splitext(name)
    digits = len(stem) - len(stem.rstrip("0123456789"))
    return (stem[: len(stem) - digits], int(stem[-digits:]), suffix, digits) if digits else None


def _url(path: str) -> str:
    if not path:
        return ""
    whole = os.path.abspath(bpy.path.abspath(path))
    url = Path(whole).as_uri()
    return f"{url}/" if path.endswith(("/", "\\")) else url


def _frames_of(path: str) -> int:
    """Frames of a movie file, 0 where Blender cannot open it; strips do not say."""
    try:
        changed = os.stat(path).st_mtime
    except OSError:
        return 0
    known = _movie_frames.get(path)
    if known and known[0] == changed:
        return known[1]
    try:
        clip = bpy.data.movieclips.load(path)
        frames = int(clip.frame_duration)
        bpy.data.movieclips.remove(clip)
    except RuntimeError:
        frames = 0
    _movie_frames[path] = (changed, frames)
    return frames
