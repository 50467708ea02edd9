"""Shotscore in Blender's Video Sequencer: music that follows the cuts.

The add-on reads the strips and puts sound strips in; the music itself is made by Shotscore, another program on this
computer, which it reaches over a local bridge (`link.py`). It needs nothing but Blender's own Python. What is made lies
in a folder beside the Blender file, `NAME_music`; the Blender file itself is only ever saved by the person.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import threading
from pathlib import Path

import bpy

from . import link as links
from . import music, timeline, wire

HERE = Path(__file__).parent
FIRST_WAIT_SECONDS = 30.0
"""How long Shotscore may take to start."""


class State:
    """What the panel shows, and what is under way. One a Blender, not saved."""

    link: links.Link | None = None
    pending: wire.Pending | None = None
    doing = ""
    message = ""
    problems: tuple[str, ...] = ()
    takes: tuple[dict, ...] = ()
    waiting: tuple[str, dict, str, float] | None = None
    """A job that waits for Shotscore to start: (what, values, words, seconds left)."""
    of_file = ""
    """The Blender file the job is for: another may be open when it is done."""


# --- where things lie ------------------------------------------------------------------------------------------------


def edit_scene(context=None):
    """The scene whose strips are edited: since 5.0 a workspace may name another than the window's."""
    context = context or bpy.context
    pinned = getattr(context, "sequencer_scene", None) or getattr(context.workspace, "sequencer_scene", None)
    return pinned or context.scene


def music_folder() -> Path:
    """Beside the Blender file. Raises ValueError where that was never saved."""
    if not bpy.data.filepath:
        raise ValueError("Save the Blender file first: the music lies beside it.")
    path = Path(bpy.data.filepath)
    return path.with_name(f"{path.stem}_music")


def session_file() -> Path | None:
    """The session of this Blender file, None before the first score."""
    if not bpy.data.filepath:
        return None
    found = sorted(music_folder().glob("[!.]*.shotscore"))
    return found[0] if found else None


def report() -> dict:
    """What was scored last. Raises ValueError where nothing was."""
    try:
        return json.loads((music_folder() / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ValueError("There is no music yet; press Score.") from problem


def edit_text(scene) -> str:
    """The edit as a document."""
    return timeline.text_of(timeline.read(scene, Path(bpy.data.filepath).stem or scene.name))


def write_edit(scene) -> Path:
    """The edit in a file of its own in the music folder; the same edit is not written twice."""
    folder = music_folder()
    folder.mkdir(exist_ok=True)
    text = edit_text(scene)
    name = Path(bpy.data.filepath).stem
    number, path = 1, folder / f"{name}.otio"
    while path.exists() and path.read_text(encoding="utf-8") != text:
        number += 1
        path = folder / f"{name}-{number}.otio"
    if not path.exists():
        aside = path.with_suffix(".tmp")
        aside.write_text(text, encoding="utf-8")
        aside.replace(path)
    return path


def clips_of(table: dict) -> list[dict]:
    """The stems of a report as clips to insert."""
    folder = music_folder()
    return [
        {
            "cue": cue["name"],
            "stem": stem,
            "path": str(folder / path),
            "start_frame": cue["start_frame"],
            "duration_frames": cue["duration_frames"],
            "pre_roll_frames": 0,
        }
        for cue in table["cues"]
        for stem, path in cue["stems"].items()
    ]


def markers_of(table: dict) -> list[dict]:
    """Hits that the music meets."""
    return [
        {"frame": hit["frame"], "text": f"{cue['name']} hit"}
        for cue in table["cues"]
        for hit in cue["hits"]
        if hit["state"] == "met"
    ]


def selected_range(scene) -> tuple[int, int] | None:
    """From the first selected strip to the last one's end, else the preview range; frames from the scene's start."""
    editor = scene.sequence_editor
    chosen = [
        strip for strip in (timeline.strips_of(editor) if editor else ()) if strip.select and timeline.MARK not in strip
    ]
    if chosen:
        start = min(int(strip.frame_final_start) for strip in chosen)
        end = max(int(strip.frame_final_end) for strip in chosen)
    elif scene.use_preview_range:
        start, end = scene.frame_preview_start, scene.frame_preview_end + 1
    else:
        return None
    start = max(start, scene.frame_start)
    return (start - scene.frame_start, end - scene.frame_start) if end > start else None


def selected_shots(scene, table: dict) -> tuple[int, int]:
    """First and last shot under the selection. Raises ValueError where nothing is selected."""
    span = selected_range(scene)
    if span is None:
        raise ValueError("Select the strips whose music is to be made anew.")
    inside = [
        shot["index"]
        for shot in table["shots"]
        if shot["start_frame"] < span[1] and shot["start_frame"] + shot["duration_frames"] > span[0]
    ]
    if not inside:
        raise ValueError("No shot lies under the selection; re-conform first if the edit has changed.")
    return min(inside), max(inside)


# --- what Shotscore may ask ------------------------------------------------------------------------------------------


def answer(what: str, values: dict, progress, stopped: threading.Event) -> dict:
    """One of the host's methods. Runs on the main thread."""
    del progress, stopped
    scene = edit_scene()
    try:
        if what not in ANSWERS:
            raise wire.AskError(
                f"The add-on does not know {what!r}; install it again: shotscore hosts install blender."
            )
        return ANSWERS[what](scene, values)
    except (ValueError, KeyError, TypeError, RuntimeError) as problem:
        raise wire.AskError(str(problem)) from problem


def _insert(scene, values: dict) -> dict:
    clips = [_clip(one) for one in values["clips"]]
    markers = [{"frame": int(one["frame"]), "text": str(one["text"])} for one in values.get("markers", [])]
    top, under = (float(part) for part in str(values["rate"]).split("/"))
    before = save_copy(scene)
    music.insert(scene, clips, markers, top / under)
    undo_step("Insert music")
    return {"before": before}


def _clip(one: dict) -> dict:
    numbers = ("start_frame", "duration_frames", "pre_roll_frames")
    return {**{key: str(one[key]) for key in ("cue", "stem", "path")}, **{key: int(one[key]) for key in numbers}}


def _remove(scene, values: dict) -> dict:
    del values
    count = music.remove(scene)
    undo_step("Remove music")
    return {"clips": count}


def _selection(scene, values: dict) -> dict:
    del values
    span = selected_range(scene)
    return {} if span is None else {"start": span[0], "end": span[1]}


ANSWERS = {
    "capabilities": lambda scene, values: {
        "live": True,
        "undo": True,
        "playhead": True,
        "selection": True,
        "markers": True,
        "start_timecode": True,
        "limits": ["Ducking is not written as keyframes."],
    },
    "project": lambda scene, values: {"path": bpy.data.filepath},
    "timeline": lambda scene, values: {"otio": edit_text(scene)},
    "playhead": lambda scene, values: {"frame": scene.frame_current - scene.frame_start},
    "selection": _selection,
    "insert": _insert,
    "read_back": lambda scene, values: {"standing": music.standing(scene)},
    "remove": _remove,
    "revision": lambda scene, values: {"revision": hashlib.sha256(edit_text(scene).encode()).hexdigest()},
}
"""By name; nothing else is done for who asks."""


def undo_step(words: str) -> None:
    """A step in Blender's own undo; an operator makes one by itself."""
    if bpy.ops.ed.undo_push.poll():
        bpy.ops.ed.undo_push(message=words)


def save_copy(scene) -> str:
    """A copy of the Blender file as it is before music first goes in; "" where it was never saved."""
    if not bpy.data.filepath or music.standing(scene):
        return ""
    folder = music_folder()
    folder.mkdir(exist_ok=True)
    path = folder / f"{Path(bpy.data.filepath).stem}.before.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, relative_remap=True)
    return str(path)


# --- jobs ------------------------------------------------------------------------------------------------------------


def begin(what: str, values: dict, words: str) -> None:
    """Have Shotscore do a job; where it does not run, it is started first. Raises ValueError where one is under way."""
    if State.pending is not None or State.waiting is not None:
        raise ValueError(f"{State.doing} is under way; wait for it or stop it.")
    State.doing, State.message, State.problems = words, f"{words} ...", ()
    State.of_file = bpy.data.filepath
    if State.link is not None and not State.link.connected:
        State.link.launch()
    State.waiting = (what, values, words, FIRST_WAIT_SECONDS)
    step(0.0)


def step(passed: float = 0.25) -> None:
    """What the timer does: asks, progress, and what to do with an answer."""
    link = State.link
    if link is None:
        return
    link.pump()
    if State.waiting is not None:
        what, values, words, left = State.waiting
        if link.connected:
            State.waiting = None
            try:
                State.pending = link.ask(what, values)
            except wire.AskError as problem:
                fail(str(problem))
        elif left <= 0:
            State.waiting = None
            fail(f"{link.problem} In a terminal, `shotscore doctor` says why.")
        else:
            State.waiting = (what, values, words, left - passed)
    pending = State.pending
    if pending is None:
        return
    if not pending.done.is_set():
        stage, done = pending.progress
        State.message = f"{State.doing}: {stage} {done:.0%}" if stage else State.message
        return
    State.pending = None
    if pending.answer is None:
        fail(pending.error)
        return
    if bpy.data.filepath != State.of_file:
        State.message = f"{State.doing}: done for {Path(State.of_file).name}; open it and press Insert Music"
        return
    State.takes = tuple(pending.answer.get("takes", State.takes))
    State.message = f"{State.doing}: done"
    try:
        bpy.ops.shotscore.insert()
    except RuntimeError as problem:
        fail(str(problem))


def fail(sentence: str) -> None:
    """Say it where the person looks."""
    State.message, State.problems = f"{State.doing} failed", (sentence,)


def tick() -> float:
    """Blender's timer."""
    before = (State.message, State.problems)
    try:
        step()
    except Exception as problem:  # a timer that raises is never called again
        State.pending = State.waiting = None
        fail(f"{type(problem).__name__}: {problem}")
    if before != (State.message, State.problems):
        for window in bpy.context.window_manager.windows:
            for area in window.screen.areas:
                if area.type == "SEQUENCE_EDITOR":
                    area.tag_redraw()
    return 0.25


# --- operators -------------------------------------------------------------------------------------------------------


class _Operator:
    """A job: `job` says what is asked, with which values."""

    bl_options = {"REGISTER"}
    words = ""

    @classmethod
    def poll(cls, context):
        """Only with strips."""
        scene = edit_scene(context)
        return scene is not None and scene.sequence_editor is not None

    def execute(self, context):
        """Begin it; the timer sees to the rest."""
        try:
            what, values = self.job(context)
            begin(what, values, self.words)
        except ValueError as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        return {"FINISHED"}


class SHOTSCORE_OT_score(_Operator, bpy.types.Operator):
    bl_idname = "shotscore.score"
    bl_label = "Score"
    bl_description = "Write music for this edit and put it on free channels"
    words = "Score"

    def job(self, context):
        settings = context.window_manager.shotscore
        values = {"timeline": str(write_edit(edit_scene(context))), "out": str(music_folder()), **settings.options()}
        return "score", values


class SHOTSCORE_OT_regenerate(_Operator, bpy.types.Operator):
    bl_idname = "shotscore.regenerate"
    bl_label = "Regenerate Selected"
    bl_description = "Make the music of the selected strips anew and leave the rest as it is"
    words = "Regenerate"

    def job(self, context):
        session = session_file()
        if session is None:
            raise ValueError("There is no music yet; press Score.")
        first, last = selected_shots(edit_scene(context), report())
        values = {"session": str(session), "shots": f"{first}-{last}"}
        prompt = context.window_manager.shotscore.prompt
        return "rescore", {**values, **({"prompt": prompt} if prompt else {})}


class SHOTSCORE_OT_reconform(_Operator, bpy.types.Operator):
    bl_idname = "shotscore.reconform"
    bl_label = "Re-conform"
    bl_description = "Follow the changed edit: the music stays where the picture stayed"
    words = "Re-conform"

    def job(self, context):
        session = session_file()
        if session is None:
            raise ValueError("There is no music yet; press Score.")
        return "reconform", {"session": str(session), "timeline": str(write_edit(edit_scene(context)))}


class SHOTSCORE_OT_take(_Operator, bpy.types.Operator):
    bl_idname = "shotscore.take"
    bl_label = "Use Take"
    bl_description = "Put another version of the music in"
    words = "Take"
    number: bpy.props.IntProperty(name="Take", default=1, min=1)

    def job(self, context):
        session = session_file()
        if session is None:
            raise ValueError("There is no music yet; press Score.")
        return "take", {"session": str(session), "action": "use", "number": self.number}


class SHOTSCORE_OT_insert(bpy.types.Operator):
    bl_idname = "shotscore.insert"
    bl_label = "Insert Music"
    bl_description = "Put the music on free channels, in place of what was inserted before"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context):
        scene = edit_scene(context)
        try:
            table = report()
            clips = clips_of(table)
            top, under = table["rate"].split("/")
            save_copy(scene)
            markers = markers_of(table) if context.window_manager.shotscore.markers else []
            music.insert(scene, clips, markers, int(top) / int(under))
        except ValueError as problem:
            fail(str(problem))
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        # Read back what really stands there: nothing is taken on trust.
        State.problems = tuple(music.differences(clips, music.standing(scene))) + tuple(table.get("warnings", ()))
        State.message = f"{len(clips)} stems stand on the timeline"
        return {"FINISHED"}


class SHOTSCORE_OT_remove(bpy.types.Operator):
    bl_idname = "shotscore.remove"
    bl_label = "Remove Music"
    bl_description = "Take everything out that Shotscore put in; the files stay"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context):
        count = music.remove(edit_scene(context))
        State.message, State.problems = f"{count} strips removed", ()
        return {"FINISHED"}


class SHOTSCORE_OT_stop(bpy.types.Operator):
    bl_idname = "shotscore.stop"
    bl_label = "Stop"
    bl_description = "Stop what is under way; nothing half-written is left"

    def execute(self, context):
        del context
        State.waiting = None
        if State.pending is not None and State.link is not None:
            State.link.cancel(State.pending)
        return {"FINISHED"}


class SHOTSCORE_OT_panel(bpy.types.Operator):
    bl_idname = "shotscore.open_panel"
    bl_label = "Open Panel"
    bl_description = "Open Shotscore's own window with this music"

    @classmethod
    def poll(cls, context):
        """Not while something is under way: the window takes the bridge over."""
        return State.pending is None and State.waiting is None

    def execute(self, context):
        session = session_file()
        try:
            what = str(session or write_edit(edit_scene(context)))
        except ValueError as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        subprocess.Popen([*launch()["command"], "panel", "--host", "blender", what], stdin=subprocess.DEVNULL)
        return {"FINISHED"}


# --- the panel -------------------------------------------------------------------------------------------------------


class ShotscoreSettings(bpy.types.PropertyGroup):
    """What is asked for; kept as long as Blender runs."""

    prompt: bpy.props.StringProperty(name="Words", description="Words for the music, instead of what the picture says")
    style: bpy.props.StringProperty(name="Style", description="How the music is orchestrated")
    seed: bpy.props.IntProperty(name="Seed", default=1, min=0, description="Another number, another music")
    takes: bpy.props.IntProperty(name="Takes", default=1, min=1, max=8, description="How many versions")
    steps: bpy.props.IntProperty(name="Steps", default=0, min=0, max=1000, description="Denoising steps; 0: as usual")
    markers: bpy.props.BoolProperty(name="Mark hits", default=True, description="A marker where the music meets a cut")

    def options(self) -> dict:
        """For `score`; what was left alone is left out."""
        wanted = {"prompt": self.prompt, "style": self.style, "steps": self.steps}
        return {"seed": self.seed, "takes": self.takes, **{key: value for key, value in wanted.items() if value}}


class SHOTSCORE_PT_panel(bpy.types.Panel):
    bl_label = "Shotscore"
    bl_idname = "SHOTSCORE_PT_panel"
    bl_space_type = "SEQUENCE_EDITOR"
    bl_region_type = "UI"
    bl_category = "Shotscore"

    def draw(self, context):
        layout, settings = self.layout, context.window_manager.shotscore
        column = layout.column()
        column.use_property_split = True
        for name in ("prompt", "style", "seed", "takes", "steps", "markers"):
            column.prop(settings, name)
        layout.operator("shotscore.score", icon="PLAY")
        column = layout.column(align=True)
        column.operator("shotscore.regenerate", icon="FILE_REFRESH")
        column.operator("shotscore.reconform", icon="UV_SYNC_SELECT")
        column = layout.column(align=True)
        column.operator("shotscore.insert", icon="IMPORT")
        column.operator("shotscore.remove", icon="TRASH")
        for take in State.takes[:12]:
            words = f"Take {take['take']}" + (" (in use)" if take.get("in_use") else "")
            layout.operator("shotscore.take", text=words).number = take["take"]
        layout.operator("shotscore.open_panel", icon="WINDOW")
        if State.pending is not None or State.waiting is not None:
            layout.operator("shotscore.stop", icon="CANCEL")
        linked = State.link is not None and State.link.connected
        layout.label(
            text="Connected" if linked else "Shotscore is started when needed", icon="LINKED" if linked else "UNLINKED"
        )
        for line in lines_of(State.message):
            layout.label(text=line)
        for sentence in State.problems:
            for index, line in enumerate(lines_of(sentence)):
                layout.label(text=line, icon="NONE" if index else "ERROR")


def lines_of(text: str, width: int = 42) -> list[str]:
    """Blender's labels do not wrap."""
    return [line.strip() for line in re.findall(rf".{{1,{width}}}(?:\s|$)|\S{{{width}}}", text)]


# --- registering -----------------------------------------------------------------------------------------------------

CLASSES = (
    ShotscoreSettings,
    SHOTSCORE_OT_score,
    SHOTSCORE_OT_regenerate,
    SHOTSCORE_OT_reconform,
    SHOTSCORE_OT_take,
    SHOTSCORE_OT_insert,
    SHOTSCORE_OT_remove,
    SHOTSCORE_OT_stop,
    SHOTSCORE_OT_panel,
    SHOTSCORE_PT_panel,
)


def launch() -> dict:
    """How Shotscore is started, and where its bridge says that it runs; written when the add-on was installed."""
    return json.loads((HERE / "launch.json").read_text(encoding="utf-8"))


def register():
    """Called by Blender."""
    for one in CLASSES:
        bpy.utils.register_class(one)
    bpy.types.WindowManager.shotscore = bpy.props.PointerProperty(type=ShotscoreSettings)
    told = launch()
    State.link = links.Link(str(told["address"]), [str(part) for part in told["command"]], answer)
    State.link.start()
    bpy.app.timers.register(tick, persistent=True)


def unregister():
    """Called by Blender."""
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)
    if State.link is not None:
        State.link.stop()
        State.link = None
    State.pending = State.waiting = None
    del bpy.types.WindowManager.shotscore
    for one in reversed(CLASSES):
        bpy.utils.unregister_class(one)
