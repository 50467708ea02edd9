"""Music in and out of a scene: sound strips on free channels of their own, hits as markers.

Our strips carry the custom property `shotscore` ("1m01 melody"), our markers begin with a note sign, and the channels
bear the stems' names as long as music lies on them. `remove` takes all of it away again.
"""

from __future__ import annotations

import os

import bpy

from .timeline import MARK, NOTE, rate_of, strips_of

LARGEST_CHANNEL = 128


def insert(scene, clips: list[dict], markers: list[dict], rate: float | None = None) -> None:
    """Put `clips` (cue, stem, path, start_frame, duration_frames, pre_roll_frames) onto fresh channels.

    What was inserted before goes first. Frames count from the scene's start frame. Raises ValueError, in a sentence,
    before anything is changed, where that cannot be done.
    """
    if rate is not None and abs(rate - rate_of(scene)) > 1e-4:
        raise ValueError(
            f"The scene runs at {rate_of(scene):.3f} frames per second and the music at {rate:.3f}; "
            "score it at its own rate."
        )
    if not bpy.app.build_options.audaspace:
        raise ValueError("This Blender was built without sound; use the one from blender.org.")
    missing = [clip["path"] for clip in clips if not os.path.isfile(clip["path"])]
    if missing:
        raise ValueError(f"{missing[0]} is not there; score again.")
    editor = scene.sequence_editor or scene.sequence_editor_create()
    lanes = _lanes(clips)
    channels = _free_channels(editor, len(lanes))
    remove(scene)
    strips = strips_of(editor)
    for (stem, row), channel in zip(lanes, channels, strict=True):
        editor.channels[channel].name = stem
        for clip in row:
            _place(scene, strips, clip, channel)
    for marker in markers:
        scene.timeline_markers.new(f"{NOTE}{marker['text']}"[:60], frame=scene.frame_start + marker["frame"])


def _place(scene, strips, clip: dict, channel: int) -> None:
    start = scene.frame_start + clip["start_frame"]
    skipped = clip.get("pre_roll_frames", 0)
    name = f"{clip['cue']} {clip['stem']}"
    path = bpy.path.relpath(clip["path"]) if bpy.data.is_saved else clip["path"]
    try:
        strip = strips.new_sound(name, path, channel, start - skipped)
    except ValueError:  # another drive than the Blender file's, on Windows
        strip = strips.new_sound(name, clip["path"], channel, start - skipped)
    strip[MARK] = name
    if skipped:
        strip.frame_offset_start = skipped
    # A file's length in frames is rounded by Blender; the cue's own is exact.
    strip.frame_final_duration = clip["duration_frames"]
    strip.select = False


def remove(scene) -> int:
    """Take everything of ours away; how many strips went."""
    for marker in [one for one in scene.timeline_markers if one.name.startswith(NOTE)]:
        scene.timeline_markers.remove(marker)
    editor = scene.sequence_editor
    if editor is None:
        return 0
    strips = strips_of(editor)
    ours = [strip for strip in strips if MARK in strip]
    for strip in ours:
        sound, channel = strip.sound, strip.channel
        strips.remove(strip)
        if sound is not None and sound.users == 0:
            bpy.data.sounds.remove(sound)
        if not any(one.channel == channel for one in strips):
            editor.channels[channel].name = f"Channel {channel}"
    return len(ours)


def standing(scene) -> list[dict]:
    """Our strips as they stand there now, read from Blender."""
    editor = scene.sequence_editor
    if editor is None:
        return []
    rows = [
        {
            "track": editor.channels[strip.channel].name,
            "name": str(strip[MARK]),
            "path": os.path.abspath(bpy.path.abspath(strip.sound.filepath)) if strip.sound else "",
            "start_frame": int(strip.frame_final_start) - scene.frame_start,
            "duration_frames": int(strip.frame_final_duration),
            "source_frame": round(strip.frame_offset_start),
            "channel": strip.channel,
        }
        for strip in strips_of(editor)
        if MARK in strip
    ]
    return sorted(rows, key=lambda row: (row["channel"], row["start_frame"]))


def differences(clips: list[dict], rows: list[dict]) -> list[str]:
    """Where what stands there is not what was asked for, in sentences."""
    sentences = []
    for clip in clips:
        name = f"{clip['cue']} {clip['stem']}"
        path = os.path.realpath(clip["path"])
        there = [row for row in rows if os.path.realpath(row["path"]) == path]
        if len(there) != 1:
            sentences.append(f"{name} is not there." if not there else f"{name} is there {len(there)} times.")
            continue
        for key in ("start_frame", "duration_frames"):
            if there[0][key] != clip[key]:
                sentences.append(f"{name}: {key.replace('_', ' ')} is {there[0][key]}, not {clip[key]}.")
    if len(rows) > len(clips):
        sentences.append(f"{len(rows) - len(clips)} strips of earlier music are still there.")
    return sentences


def _lanes(clips: list[dict]) -> list[tuple[str, list[dict]]]:
    """Clips by stem, on as few channels as hold them without overlap."""
    lanes: list[tuple[str, list[dict]]] = []
    for clip in sorted(clips, key=lambda one: one["start_frame"]):
        for stem, row in lanes:
            if stem == clip["stem"] and row[-1]["start_frame"] + row[-1]["duration_frames"] <= clip["start_frame"]:
                row.append(clip)
                break
        else:
            lanes.append((clip["stem"], [clip]))
    order = {stem: number for number, stem in reversed(list(enumerate(clip["stem"] for clip in clips)))}
    return sorted(lanes, key=lambda lane: order[lane[0]])


def _free_channels(editor, count: int) -> list[int]:
    """Channels without strips, names or locks of the person's; above the highest used one if there is room."""
    used = {strip.channel for strip in strips_of(editor) if MARK not in strip}
    ours = {strip.channel for strip in strips_of(editor) if MARK in strip} - used
    highest = min(LARGEST_CHANNEL, len(editor.channels) - 1)

    def free(channel: int) -> bool:
        held = editor.channels[channel]
        named = held.name not in (f"Channel {channel}", "") and channel not in ours
        return channel not in used and not named and not held.mute and not held.lock

    above = [channel for channel in range(max(used, default=0) + 1, highest + 1) if free(channel)]
    below = [channel for channel in range(1, max(used, default=0)) if free(channel)]
    found = (above + below)[:count]
    if len(found) < count:
        raise ValueError(f"The music needs {count} free channels and there are {len(found)}; empty some.")
    return found
