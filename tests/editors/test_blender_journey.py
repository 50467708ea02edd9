"""The whole journey in the real Blender, with the add-on as `shotscore hosts install blender` puts it there.

Open a project at 23.976 that starts at 01:00:00:00 with three picture channels; score it with the shipped model;
insert; make shots 3 to 5 anew; insert again; recut; re-conform; save, reopen, mix down; remove. The project is then as
it was.
"""

import json
import os
import signal
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blender_app import BlenderApp, pythons
from films import calm, lively, write_film
from numpy.typing import NDArray
from shotscore_engine.picture import flatten
from shotscore_engine.readers import read_timeline
from shotscore_plugin.bridge import running

RATE = Fraction(24000, 1001)
START = 86_400
FRAMES = 216
CUTS = [0, 40, 50, 70, 80, 120, 140, 160]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    return {
        "calm": write_film(folder / "calm.mp4", RATE, 240, calm),
        "lively": write_film(folder / "lively.mp4", RATE, 240, lively),
    }


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A person's folders, fresh: add-on, bridge and settings stay inside."""
    home = tmp_path_factory.mktemp("home")
    return {"XDG_CONFIG_HOME": str(home / "config"), "XDG_DATA_HOME": str(home / "data"), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module", params=list(pythons()))
def blender(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]
) -> Iterator[BlenderApp]:
    yield from with_extension(request.param, tmp_path_factory.mktemp("blender"), environment)


def needs(*, sound: bool) -> Callable[[Any], Any]:
    """For a test of Blenders with sound, or of those without (PyPI's bpy 4.2); no test at all where there is none."""
    versions = list(pythons(sound=sound))
    if not versions:  # an empty set of parameters would be a skipped test
        return lambda _test: None
    return pytest.mark.parametrize("blender", versions, indirect=True, scope="module")


def with_extension(version: str, folder: Path, environment: dict[str, str]) -> Iterator[BlenderApp]:
    place = Path(environment["XDG_CONFIG_HOME"]) / "blender" / ".".join(version.split(".")[:2])
    place.mkdir(parents=True, exist_ok=True)
    installed = shotscore("hosts", "install", "blender", environment=environment)
    assert installed["installed"]
    assert (place / "extensions" / "user_default" / "shotscore" / "blender_manifest.toml").is_file()
    with BlenderApp(pythons()[version], "--extension", folder, environment) as app:
        yield app
    assert shotscore("hosts", "remove", "blender", environment=environment)["removed"]
    assert not (place / "extensions" / "user_default" / "shotscore").exists()


def shotscore(*arguments: str, environment: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "shotscore_plugin.cli", *arguments, "--json"]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def strip(name: str, film: Path, channel: int, start: int, frames: int, offset: int) -> list[object]:
    return [name, "movie", str(film), channel, start, frames, offset]


def read_wav(path: Path) -> NDArray[np.float64]:
    with wave.open(str(path)) as file:
        width, data = file.getsampwidth(), file.readframes(file.getnframes())
        assert file.getframerate() == 48_000
        raw = np.frombuffer(data, np.uint8).reshape(-1, width)
        whole = np.zeros((len(raw), 4), np.uint8)
        whole[:, 4 - width :] = raw
        return (whole.view("<i4").reshape(-1, file.getnchannels()) / 2**31).mean(axis=1)


def shift(heard: NDArray[np.float64], music: NDArray[np.float64]) -> tuple[int, float]:
    """Where `music` lies in `heard`, in samples, and how alike they are there."""
    size = 1 << (len(heard) + len(music)).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(music, size))
    at = int(np.argmax(np.fft.irfft(spectrum, size)))
    at = at - size if at > size // 2 else at
    part = heard[max(0, at) : max(0, at) + len(music)]
    return at, float(np.corrcoef(part, music[: len(part)])[0, 1])


@needs(sound=True)
def test_the_whole_journey(blender: BlenderApp, films: dict[str, Path], tmp_path: Path) -> None:
    project = tmp_path / "film.blend"
    still, moving = films["calm"], films["lively"]
    blender.do(
        "new", fps=24, fps_base=1.001, start=START, end=START + FRAMES, path=str(project),
        strips=[
            strip("a", still, 1, 0, 40, 5), strip("b", moving, 1, 40, 40, 10), strip("c", still, 1, 80, 40, 60),
            strip("d", moving, 1, 120, 96, 80), strip("e", still, 2, 50, 20, 150), strip("f", still, 3, 140, 20, 30),
        ],
    )  # fmt: skip
    on_disk, original = project.read_bytes(), blender.do("snapshot")
    folder = tmp_path / "film_music"

    # Score: Shotscore is started by the add-on, and what it made stands on the timeline when it is done.
    blender.do("settings", steps=4, seed=3)
    assert blender.do("operator", name="score") == ["FINISHED"]
    told = blender.do("wait", seconds=900)
    assert "stems stand on the timeline" in told["message"], told
    report = json.loads((folder / "report.json").read_text())
    assert (report["rate"], report["start_timecode"], report["duration_frames"]) == (
        "24000/1001",
        "01:00:00:00",
        FRAMES,
    )
    assert [shot["start_frame"] for shot in report["shots"]] == CUTS
    first = blender.do("standing")
    stems = report["cues"][0]["stems"]
    assert sorted(row["track"] for row in first) == sorted(stems)
    assert {(row["start_frame"], row["duration_frames"]) for row in first} == {(0, FRAMES)}
    assert min(row["channel"] for row in first) > 3
    marked = [frame - START for frame, name in blender.do("snapshot")["markers"] if name != "theirs"]
    assert sorted(marked) == [hit["frame"] for hit in report["cues"][0]["hits"] if hit["state"] == "met"]
    assert blender.do("snapshot", music=False)["strips"] == original["strips"]
    assert project.read_bytes() == on_disk
    assert (folder / "film.before.blend").is_file()

    # The same again replaces.
    assert blender.do("operator", name="insert") == ["FINISHED"]
    assert blender.do("standing") == first

    # Shots 3 to 5, by selecting the strips that show them.
    before = {stem: read_wav(folder / path) for stem, path in stems.items()}
    blender.do("select", names=["e", "c"])
    assert blender.do("operator", name="regenerate") == ["FINISHED"]
    told = blender.do("wait", seconds=900)
    assert [take["take"] for take in told["takes"]] == [1, 2], told
    assert len(blender.do("standing")) == len(json.loads((folder / "report.json").read_text())["cues"][0]["stems"])
    after = read_wav(folder / json.loads((folder / "report.json").read_text())["cues"][0]["mix"])
    assert len(after) == len(next(iter(before.values())))
    assert not np.array_equal(after, sum(before.values()))
    blender.do("select", names=[])

    # Remove: as it was. And back in.
    assert blender.do("operator", name="remove") == ["FINISHED"]
    assert blender.do("snapshot") == original
    assert blender.do("operator", name="insert") == ["FINISHED"]

    # A recut, and the music follows.
    blender.do("cut_out", first=84, frames=24)
    recut = blender.do("snapshot", music=False)
    assert blender.do("operator", name="reconform") == ["FINISHED"]
    told = blender.do("wait", seconds=900)
    report = json.loads((folder / "report.json").read_text())
    assert report["duration_frames"] == FRAMES - 24, told
    standing = blender.do("standing")
    assert {(row["start_frame"], row["duration_frames"]) for row in standing} == {(0, FRAMES - 24)}
    assert len(standing) == len(report["cues"][0]["stems"])

    # Saved, opened again, mixed down: our stems are heard on the right frame.
    saved = tmp_path / "with music.blend"
    blender.do("save", path=str(saved))
    blender.do("open", path=str(saved))
    assert blender.do("standing") == standing
    mixed = tmp_path / "mixed.wav"
    blender.do("mixdown", path=str(mixed))
    at, alike = shift(read_wav(mixed), read_wav(folder / report["cues"][0]["mix"]))
    assert abs(at) <= 48_000 / float(RATE) / 2
    assert alike > 0.95

    # Removed from the file that was saved with music: the recut as the person made it.
    assert blender.do("operator", name="remove") == ["FINISHED"]
    left = blender.do("snapshot")
    assert left["strips"] == recut["strips"]
    assert left["channels"] == original["channels"]
    assert left["markers"] == original["markers"]
    assert left["sounds"] == []
    blender.do("open", path=str(project))
    assert blender.do("snapshot") == original
    assert project.read_bytes() == on_disk


@needs(sound=True)
def test_music_in_the_middle_is_heard_on_its_frame(blender: BlenderApp, films: dict[str, Path], tmp_path: Path) -> None:
    blender.do(
        "new", fps=24, fps_base=1.001, start=START, end=START + 200, path=str(tmp_path / "film.blend"),
        strips=[strip("a", films["calm"], 1, 0, 200, 0)],
    )  # fmt: skip
    noise = np.random.default_rng(5).integers(-(2**13), 2**13, (100 * 2002, 2)).astype("<i2")
    path = tmp_path / "noise.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 48_000, 0, "NONE", ""))
        file.writeframes(noise.tobytes())
    clip = {"cue": "1m01", "stem": "pad", "path": str(path), "duration_frames": 60}
    for start, skipped in ((37, 0), (101, 25)):
        blender.do("insert", clips=[{**clip, "start_frame": start, "pre_roll_frames": skipped}])
        mixed = tmp_path / f"mixed{start}.wav"
        blender.do("mixdown", path=str(mixed))
        music = noise[skipped * 2002 : (skipped + 60) * 2002].mean(axis=1) / 2**15
        at, alike = shift(read_wav(mixed), music)
        assert abs(at - start * 2002) <= 1001
        assert alike > 0.9


KINDS = """
scene = bpy.context.scene
rows = strips_of(editor())
film = {film!r}
base = scene.frame_start

def movie(name, channel, start, frames, offset=0):
    made = rows.new_movie(name, film, channel, base + start - offset)
    made.frame_offset_start = offset
    made.frame_final_duration = frames
    return made

def effect(name, kind, channel, start, frames, one=None, two=None):
    inputs = dict(zip(("input1", "input2") if "input1" in names else ("seq1", "seq2"), (one, two)))
    inputs = {{key: value for key, value in inputs.items() if value is not None}}
    length = {{"length": frames}} if "length" in names else {{"frame_end": base + start + frames}}
    return rows.new_effect(name, kind, channel, base + start, **length, **inputs)

names = [one.identifier for one in rows.bl_rna.functions["new_effect"].parameters]
movie("a", 1, 0, 40)
movie("muted", 2, 10, 20).mute = True
one, two = movie("one", 1, 40, 40), movie("two", 2, 70, 40)
effect("cross", "CROSS", 3, 70, 10, one, two)
movie("fast", 1, 110, 30, 10)
speed = effect("speed", "SPEED", 2, 110, 30, rows["fast"])
speed.speed_control, speed.speed_factor = "MULTIPLY", 2.0
effect("blue", "COLOR", 1, 140, 20)
effect("words", "TEXT", 4, 10, 10)
hidden = movie("hidden", 5, 0, 160)
editor().channels[5].mute = True
meta = rows.new_meta("meta", 1, base + 160)
inner = strips_of(meta).new_movie("inside", film, 1, base + 160)
inner.frame_final_duration = 30
meta.frame_final_duration = 30
other = bpy.data.scenes.new("Other")
other.frame_start = 1
other.render.fps, other.render.fps_base = scene.render.fps, scene.render.fps_base
there = strips_of(other.sequence_editor_create()).new_movie("there", film, 1, 1)
there.frame_final_duration = 30
nested = rows.new_scene("nested", other, 1, base + 190)
nested.scene_input = "SEQUENCER"
nested.frame_final_duration = 20
movie("camera", 1, 210, 30)
effect("cut to camera", "MULTICAM", 7, 215, 10).multicam_source = 1
"""


def one_strip(blender: BlenderApp, films: dict[str, Path], path: Path) -> None:
    """A new file at `path`: 100 frames of one film."""
    row = [strip("a", films["calm"], 1, 0, 100, 0)]
    blender.do("new", fps=25, fps_base=1, start=1, end=101, path=str(path), strips=row)


@needs(sound=False)
def test_a_blender_without_sound_says_so(blender: BlenderApp, films: dict[str, Path], tmp_path: Path) -> None:
    """Music that cannot go in is told, and nothing has changed."""
    one_strip(blender, films, tmp_path / "film.blend")
    before = blender.do("snapshot")
    (tmp_path / "x.wav").write_bytes(b"")
    clip = {"cue": "1m01", "stem": "pad", "path": str(tmp_path / "x.wav"), "start_frame": 0, "duration_frames": 9}
    assert "built without sound" in blender.do("refused_insert", clips=[clip])
    assert blender.do("snapshot") == before


def test_every_kind_of_strip_is_read(blender: BlenderApp, films: dict[str, Path], tmp_path: Path) -> None:
    film = films["lively"]
    blender.do("new", fps=24, fps_base=1.001, start=START, end=START + 240, path=str(tmp_path / "f.blend"), strips=[])
    blender.do("run", source=KINDS.format(film=str(film)))
    path = tmp_path / "edit.otio"
    path.write_text(blender.do("read"))
    picture = flatten(read_timeline(path), folder=tmp_path)
    assert (picture.rate, picture.start_frame) == (RATE, START)
    seen = [(shot.start_frame, shot.name, shot.transition) for shot in picture.shots]
    assert seen == [
        (0, "a", "cut"), (40, "one", "cut"), (75, "two", "dissolve"), (110, "fast", "cut"), (140, "blue", "cut"),
        (160, "inside", "cut"), (190, "there", "cut"), (210, "camera", "cut"), (215, "camera", "cut"),
        (225, "camera", "cut"),
    ]  # fmt: skip
    fast = next(shot for shot in picture.shots if shot.name == "fast")
    assert fast.media is not None
    assert fast.media.speed == 2
    assert [marker.name for marker in picture.markers] == ["theirs"]


@needs(sound=True)
def test_undo_takes_an_insert_back(blender: BlenderApp, films: dict[str, Path], tmp_path: Path) -> None:
    one_strip(blender, films, tmp_path / "film.blend")
    source = "result = [sorted(getattr(bpy.types, 'SHOTSCORE_OT_' + one).bl_options) for one in ('insert', 'remove')]"
    assert blender.do("run", source=source) == [["REGISTER", "UNDO"]] * 2
    original = blender.do("snapshot")
    path = tmp_path / "silence.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 48_000, 0, "NONE", ""))
        file.writeframes(bytes(4 * 48_000))
    clip = {"cue": "1m01", "stem": "pad", "path": str(path), "duration_frames": 25, "start_frame": 3}
    blender.do("push_undo", words="before")
    blender.do("insert", clips=[clip])
    blender.do("push_undo", words="Insert music")
    assert len(blender.do("standing")) == 1
    blender.do("undo")
    assert blender.do("snapshot") == original


def test_what_cannot_be_done_is_told(blender: BlenderApp, films: dict[str, Path], tmp_path: Path) -> None:
    blender.do("run", source="bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False); editor()")
    assert "Save the Blender file first" in blender.do("refused", name="score")
    project = tmp_path / "film.blend"
    one_strip(blender, films, project)
    for name in ("regenerate", "reconform", "insert"):
        assert "no music yet" in blender.do("refused", name=name)
    assert blender.do("operator", name="remove") == ["FINISHED"]
    assert {path.name for path in tmp_path.iterdir()} == {project.name}


def test_either_side_may_start_first_and_die(blender: BlenderApp, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "shotscore_plugin.cli", "hosts", "serve"]
    served_by = running(Path(environment["XDG_DATA_HOME"]) / "shotscore" / "bridge" / "address.json")
    if served_by is not None:  # started by the add-on in an earlier test
        os.kill(served_by, signal.SIGTERM)
    assert not blender.do("connected", wanted=False, seconds=60)
    for end in (subprocess.Popen.kill, subprocess.Popen.terminate):
        process = subprocess.Popen(command, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
        assert blender.do("connected", wanted=True, seconds=120)
        end(process)
        process.wait()
        assert not blender.do("connected", wanted=False, seconds=60)


def test_music_for_another_file_is_not_put_into_this_one(
    blender: BlenderApp, films: dict[str, Path], tmp_path: Path
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        one_strip(blender, films, tmp_path / name / "film.blend")
    before = blender.do("snapshot")
    source = """
state = addon.State
state.of_file, state.doing = {path!r}, "Score"
state.pending = addon.wire.Pending(1, answer={{"takes": []}})
state.pending.done.set()
addon.tick()
result = state.message
"""
    said = blender.do("run", source=source.format(path=str(tmp_path / "one" / "film.blend")))
    assert said == "Score: done for film.blend; open it and press Insert Music"
    assert blender.do("snapshot") == before


def test_what_goes_wrong_does_not_stop_the_add_on(blender: BlenderApp) -> None:
    source = """
addon.State.pending = "no answer at all"
again = addon.tick()
result = [again, addon.State.message, list(addon.State.problems), addon.State.pending]
"""
    again, message, problems, pending = blender.do("run", source=source)
    assert again > 0
    assert "failed" in message
    assert "AttributeError" in problems[0]
    assert pending is None
