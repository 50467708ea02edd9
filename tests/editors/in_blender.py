"""Runs in Blender's Python (the module bpy), with the real add-on: a person's hands on strips, as lines of JSON.

    python in_blender.py ADDON_FOLDER     the add-on from a folder, without Blender's extensions
    python in_blender.py --extension      as installed by `shotscore hosts install blender`

Each line on standard input is {"do": NAME, "with": {…}}; each answer on standard output {"ok": …} or {"error": …}.
Between lines the add-on's timer runs, which background mode leaves to us.
"""

import contextlib
import importlib
import json
import os
import select
import sys
import time
import traceback

import bpy

ANSWERS = os.fdopen(os.dup(1), "w")  # Blender itself writes to standard output
os.dup2(2, 1)


def strips_of(owner):
    return owner.strips if hasattr(owner, "strips") else owner.sequences


def editor():
    scene = bpy.context.scene
    return scene.sequence_editor or scene.sequence_editor_create()


def load(source):
    """The add-on's module."""
    if source == "--extension":
        import addon_utils

        with contextlib.suppress(AttributeError):
            addon_utils.extensions_refresh()
        name = "bl_ext.user_default.shotscore"
        if addon_utils.enable(name, default_set=True) is None:
            raise RuntimeError("The extension cannot be enabled.")
        return sys.modules[name]
    folder, name = os.path.split(source)
    sys.path.insert(0, folder)
    module = importlib.import_module(name)
    module.register()
    return module


# --- what a person does ----------------------------------------------------------------------------------------------


def do_new(fps, fps_base, start, end, strips, path):
    """A new file: strips are [name, kind, file, channel, start, frames, offset], frames from the scene's start."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = fps, fps_base
    scene.frame_start, scene.frame_end = start, end - 1
    scene.frame_current = start
    for name, kind, file, channel, begin, frames, offset in strips:
        rows = strips_of(editor())
        add = rows.new_movie if kind == "movie" else rows.new_sound
        strip = add(name, file, channel, start + begin - offset)
        strip.frame_offset_start = offset
        strip.frame_final_duration = frames
        strip.select = False
    editor().channels[1].name = "Interviews"
    scene.timeline_markers.new("theirs", frame=start + 10)
    bpy.ops.wm.save_as_mainfile(filepath=path)


def do_select(names):
    for strip in strips_of(editor()):
        strip.select = strip.name in names


def do_cut_out(first, frames):
    """Take frames out on every channel and close up, music left as it is: what a person does in an edit."""
    scene = bpy.context.scene
    low, high = scene.frame_start + first, scene.frame_start + first + frames
    rows = strips_of(editor())
    for strip in list(rows):
        if "shotscore" in strip:
            continue
        begin, end = int(strip.frame_final_start), int(strip.frame_final_end)
        if begin >= high:
            strip.frame_start -= frames
        elif end > high and begin < low:
            right = strip.split(frame=low, split_method="SOFT")
            right.frame_final_start = high
            right.frame_start -= frames
        elif end > high:
            strip.frame_final_start = high
            strip.frame_start -= frames
        elif end > low:
            strip.frame_final_end = low
        # a strip that ends before stays
    scene.frame_end -= frames


def do_operator(name, **values):
    return sorted(getattr(bpy.ops.shotscore, name)(**values))


def do_refused(name):
    """What an operator says that does not do what it is for."""
    try:
        getattr(bpy.ops.shotscore, name)()
    except RuntimeError as problem:
        return str(problem)
    return ""


def do_connected(wanted, seconds):
    """Whether Shotscore is there, as soon as that is as `wanted`."""
    end = time.monotonic() + seconds
    while ADDON.State.link.connected != wanted and time.monotonic() < end:
        ADDON.step(0.1)
        time.sleep(0.1)
    return ADDON.State.link.connected


def do_settings(**values):
    for name, value in values.items():
        setattr(bpy.context.window_manager.shotscore, name, value)


def do_wait(seconds):
    """Until the job is done; what the panel says then."""
    end = time.monotonic() + seconds
    while (ADDON.State.pending or ADDON.State.waiting) and time.monotonic() < end:
        ADDON.step(0.1)
        time.sleep(0.1)
    return {
        "message": ADDON.State.message,
        "problems": list(ADDON.State.problems),
        "takes": list(ADDON.State.takes),
        "connected": ADDON.State.link.connected,
    }


def do_standing():
    return ADDON.music.standing(bpy.context.scene)


def do_insert(clips, markers=()):
    ADDON.music.insert(bpy.context.scene, clips, list(markers))


def do_refused_insert(clips):
    try:
        ADDON.music.insert(bpy.context.scene, clips, [])
    except ValueError as problem:
        return str(problem)
    return ""


def do_read():
    return ADDON.edit_text(bpy.context.scene)


def do_snapshot(music=True):
    """Everything in the project that could have changed, strip by strip."""
    scene = bpy.context.scene
    rows = []
    for strip in strips_of(editor()):
        if not music and "shotscore" in strip:
            continue
        values = {"name": strip.name, "type": strip.type, "custom": sorted(strip.keys())}
        for name in (
            *("channel", "frame_start", "frame_final_start", "frame_final_end", "frame_offset_start"),
            *("frame_offset_end", "mute", "lock", "blend_type", "blend_alpha", "volume", "filepath", "select"),
        ):
            if hasattr(strip, name):
                values[name] = getattr(strip, name)
        rows.append(values)
    return {
        "strips": sorted(rows, key=lambda row: (row["channel"], row["frame_final_start"])),
        "channels": [(one.name, one.mute, one.lock) for one in editor().channels],
        "markers": sorted((one.frame, one.name) for one in scene.timeline_markers),
        "sounds": sorted(bpy.path.abspath(one.filepath) for one in bpy.data.sounds),
        "clips": len(bpy.data.movieclips),
        "scene": [scene.frame_start, scene.frame_end, scene.render.fps, scene.render.fps_base, sorted(scene.keys())],
    }


def do_save(path=None):
    bpy.ops.wm.save_as_mainfile(filepath=path or bpy.data.filepath)


def do_open(path):
    bpy.ops.wm.open_mainfile(filepath=path)


def do_mixdown(path):
    bpy.ops.sound.mixdown(filepath=path, container="WAV", codec="PCM", format="S16")


def do_push_undo(words):
    bpy.ops.ed.undo_push(message=words)


def do_undo():
    bpy.ops.ed.undo()


def do_version():
    return bpy.app.version_string


def do_has_sound():
    return bool(bpy.app.build_options.audaspace)


def do_run(source):
    """Strips of every kind, made by a test in Blender's own words."""
    names = {"bpy": bpy, "addon": ADDON, "strips_of": strips_of, "editor": editor}
    exec(source, names)
    return names.get("result")


# --- lines -----------------------------------------------------------------------------------------------------------


def main():
    left = b""
    while True:
        ADDON.step(0.05)
        ready, _, _ = select.select([0], [], [], 0.05)
        if not ready:
            continue
        data = os.read(0, 1 << 16)
        if not data:
            break
        left += data
        while b"\n" in left:
            line, left = left.split(b"\n", 1)
            asked = json.loads(line)
            try:
                answer = {"ok": globals()[f"do_{asked['do']}"](**asked.get("with", {}))}
            except Exception:
                answer = {"error": traceback.format_exc()}
            ANSWERS.write(json.dumps(answer) + "\n")
            ANSWERS.flush()
    ADDON.unregister()


ADDON = load(sys.argv[-1])
ANSWERS.write(json.dumps({"ok": bpy.app.version_string}) + "\n")
ANSWERS.flush()
main()
