"""The real Kdenlive: it opens what we write without a question, saves it with our tracks in it, and gets its own back.

One Kdenlive is started for all of it. A document is shown to it by putting it in the place of the open file and
reverting to that, which Kdenlive does without asking as long as nothing is unsaved.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np
import pytest
from defusedxml.ElementTree import fromstring
from films import Cut, calm, lively, write_film
from hostcases import Edit, music, placed
from kdenlive_app import Kdenlive, desktop, is_main, kdenlive, wait_for
from kdenlive_project import RATE, write_project
from melting import melt
from shotscore_engine.errors import HostError
from shotscore_engine.readers import read_timeline
from shotscore_engine.timing import quantise
from shotscore_exporters import mlt
from shotscore_exporters.placement import Keyframe
from shotscore_plugin import hosts
from shotscore_plugin.hosts import kdenlive as kdenlive_host

FILM = 240
EDIT = Edit(RATE, False, 0)


@dataclass
class Studio:
    """A Kdenlive with a project open, and the films."""

    app: Kdenlive
    open_file: Path
    films: dict[str, Path]

    def saved(self, document: bytes) -> bytes:
        """What Kdenlive makes of a document: opened without a question, and saved."""
        self.open_file.write_bytes(document)
        loaded = re.compile(r'<property name="kdenlive:docproperties\.version">1\.04<')
        self.app.action("file_revert")
        wait_for(lambda: list(map(is_main, self.app.desktop.windows())) == [True], "Kdenlive did not load the document")
        assert self.app.dialogs() == []
        save(self.open_file, self.app.action)
        written = self.open_file.read_bytes()
        assert loaded.search(written.decode())
        assert self.app.dialogs() == []
        return written


@pytest.fixture(scope="module")
def studio() -> Iterator[Studio]:
    with tempfile.TemporaryDirectory(prefix="kd") as name:
        folder = Path(name)
        films = {
            "calm": write_film(folder / "calm.mp4", RATE, FILM, calm),
            "lively": write_film(folder / "lively.mp4", RATE, FILM, lively),
        }
        project = edit(folder / "open.kdenlive", films["lively"])
        (folder / "home").mkdir()
        with desktop(folder / "home") as made, kdenlive(made, str(project)) as app:
            yield Studio(app, project, films)


def edit(path: Path, film: Path, last: int = 60) -> Path:
    """Three video tracks; `last` frames of the last cut."""
    rows = [(0, Cut(film, 0, 60)), (60, Cut(film, 100, 48)), (108, Cut(film, 160, 52)), (160, Cut(film, 50, last))]
    above = [[(60, Cut(film, 200, 24))], [(130, Cut(film, 20, 20))]]
    return write_project(path, film, FILM, [rows, *above])


# --- what a document says, without the numbers Kdenlive gives anew at every save -----------------------------------


def said(document: bytes) -> dict[str, Any]:
    """Bin, tracks with their clips and properties, transitions between tracks, and the document's own properties."""
    root = fromstring(document)
    services = {one.get("id"): one for one in root}
    bin_list = next(one for one in root if one.get("id") == "main_bin")
    sequence = root.findall("tractor")[-1]
    tracks = []
    for seat in sequence.findall("track")[1:]:
        tractor = services[seat.get("producer")]
        own = {key: text for key, text in properties(tractor).items() if key.startswith("kdenlive:")}
        rows = [row_of(services[inner.get("producer")], services) for inner in tractor.findall("track")]
        tracks.append((own, rows))
    return {
        "bin": sorted(resource(services[entry.get("producer")]) for entry in bin_list.findall("entry")),
        "tracks": tracks,
        "between": sorted(
            (int(found["a_track"]), int(found["b_track"]), found["mlt_service"])
            for found in map(properties, sequence.findall("transition"))
        ),
        "document": {key: " ".join(text.split()) for key, text in properties(bin_list).items()},
    }


def properties(element: Element) -> dict[str, str]:
    return {one.get("name", ""): one.text or "" for one in element.findall("property")}


def resource(producer: Element) -> str:
    return Path(properties(producer)["resource"]).name


def row_of(playlist: Element, services: dict[str | None, Element]) -> list[tuple[str, ...]]:
    row = []
    for one in playlist:
        if one.tag == "blank":
            row.append(("blank", one.get("length", "")))
        elif one.tag == "entry":
            row.append((resource(services[one.get("producer")]), one.get("in", ""), one.get("out", "")))
    return row


def sound(document: Path) -> list[tuple[str, str, int, int, int]]:
    """(track, clip, start, frames, first frame of the file) of the sound clips."""
    timeline, found = read_timeline(document), []
    for track in timeline.audio_tracks():
        for clip in track.find_clips():
            at = clip.transformed_time_range(clip.trimmed_range(), timeline.tracks)
            numbers = (at.start_time, at.duration, clip.trimmed_range().start_time)
            found.append((track.name, clip.name, *(quantise(number.value) for number in numbers)))
    return found


# --- tests -----------------------------------------------------------------------------------------------------------


def test_kdenlive_opens_keeps_and_gives_back(studio: Studio, tmp_path: Path) -> None:
    original = studio.saved(edit(tmp_path / "film.kdenlive", studio.films["lively"]).read_bytes())
    clips = [
        replace(clip, pre_roll_frames=10, start_frame=30, duration_frames=160)
        for clip in music(tmp_path / "music", EDIT, 20, 180, ("melody", "bass"))
    ]
    clips[0] = replace(clips[0], volume=(Keyframe(Fraction(0), 0.0), Keyframe(Fraction(1), -9.0)))
    scored = studio.saved(mlt.insert(original, clips, placed(EDIT, 30, 160)))
    standing = [row for row in sound_in(scored, tmp_path) if row[1].startswith("1m01")]
    assert sorted(standing) == [("bass", "1m01 bass", 30, 160, 10), ("melody", "1m01 melody", 30, 160, 10)]
    assert b'<property name="level">0=0;24=-9</property>' in scored
    assert len(said(scored)["tracks"]) == len(said(original)["tracks"]) + 2
    studio.app.desktop.screenshot(tmp_path / "kdenlive.png")
    # Once more into what Kdenlive wrote: replaced, no second copy.
    again = studio.saved(mlt.insert(scored, clips[:1], placed(EDIT, 30, 160)))
    assert [row[0] for row in sound_in(again, tmp_path) if row[1].startswith("1m01")] == ["melody"]
    assert len(said(again)["bin"]) == len(said(original)["bin"]) + 1
    # And out of what Kdenlive wrote: the project is the original again, in Kdenlive's own words.
    assert said(studio.saved(mlt.remove(again))) == said(original)
    played = play(scored, tmp_path)
    with wave.open(str(clips[0].path)) as file:
        noise = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)[:, 0].astype(float)
    at = found_at(played, noise[quantise(10 / RATE * 48_000) :])
    assert abs(at - quantise(30 / RATE * 48_000)) <= quantise(48_000 / RATE)


def test_stems_come_into_the_bin_of_the_running_editor(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.saved(edit(tmp_path / "film.kdenlive", studio.films["lively"]).read_bytes())
    for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, studio.app.desktop.environment[name])
    (editor,) = kdenlive_host.running()
    assert (editor.project_name, editor.saved, editor.project) == ("open", True, studio.open_file)
    program = hosts.program("kdenlive")
    assert program.check().detail == "running with open"
    host = program.open(None)
    assert isinstance(host, kdenlive_host.KdenliveHost)
    assert host.project == studio.open_file
    assert not host.unsaved()
    stems, loaded = music(tmp_path / "music", EDIT, 0, 50, ("melody", "bass")), studio.app.loaded()
    assert host.to_bin(stems) == 2
    wait_for(host.unsaved, "Kdenlive did not take the stems")
    with pytest.raises(HostError, match="changes to open that are not saved"):
        host.show(studio.open_file)
    other = program.open(edit(tmp_path / "other.kdenlive", studio.films["lively"]))
    assert isinstance(other, kdenlive_host.KdenliveHost)
    with pytest.raises(HostError, match=r"does not have other\.kdenlive open \(it has open\)"):
        other.to_bin(stems)
    # Kdenlive 22.12 locks itself up for good when it is told to save while clips are loading.
    wait_for(lambda: studio.app.loaded() == loaded + len(stems), "Kdenlive did not load the stems")
    save(studio.open_file, studio.app.action)
    assert said(studio.open_file.read_bytes())["bin"] == ["1m01_bass.wav", "1m01_melody.wav", "lively.mp4"]


def test_the_whole_journey(studio: Studio, tmp_path: Path) -> None:
    """Score, insert, make shots 3 to 5 anew, insert again, recut, re-conform, remove."""
    project, folder = tmp_path / "film.kdenlive", tmp_path / "music"
    project.write_bytes(studio.saved(edit(project, studio.films["lively"]).read_bytes()))
    own = project.read_bytes()
    command("score", str(project), "--out", str(folder), "--steps", "4", "--detect", "none", home=tmp_path)
    first = command("insert", str(folder), "--into", str(project), home=tmp_path)
    assert first["differences"] == []
    copy = Path(first["files"][0])
    copy.write_bytes(studio.saved(copy.read_bytes()))  # the person goes on in the copy and saves
    stems = sorted(row[0] for row in sound(copy) if row[1].startswith("1m01"))
    assert stems == sorted(row["track"] for row in first["clips"])

    command("rescore", str(folder), "--shots", "3-5", home=tmp_path)
    second = command("insert", str(folder), "--into", str(copy), home=tmp_path)
    assert second["differences"] == []
    again = studio.saved(Path(second["files"][0]).read_bytes())
    assert sorted(row[0] for row in sound_in(again, tmp_path) if row[1].startswith("1m01")) == stems
    assert len(said(again)["tracks"]) == len(said(own)["tracks"]) + len(stems)

    recut = tmp_path / "recut.kdenlive"
    recut.write_bytes(studio.saved(edit(recut, studio.films["lively"], last=36).read_bytes()))
    followed = command("reconform", str(folder), str(recut), home=tmp_path)
    assert followed["duration_frames"] == 196
    third = command("insert", str(folder), "--into", str(recut), home=tmp_path)
    assert third["differences"] == []
    scored = Path(third["files"][0])
    scored.write_bytes(studio.saved(scored.read_bytes()))
    assert {row[2:4] for row in sound(scored) if row[1].startswith("1m01")} == {(0, 196)}

    removed = command("remove", str(scored), home=tmp_path)
    plain = Path(removed["files"][0])
    assert said(studio.saved(plain.read_bytes())) == said(recut.read_bytes())
    assert project.read_bytes() == own


def test_commands_reach_the_running_editor(studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stems into its bin; the copy in a window of its own, and loaded anew there when it is made anew."""
    project = studio.open_file
    studio.saved(edit(tmp_path / "film.kdenlive", studio.films["lively"]).read_bytes())
    for name, value in studio.app.desktop.environment.items():
        monkeypatch.setenv(name, value)
    loaded = studio.app.loaded()
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, style in ((one, "cinematic"), (other, "solo-piano")):
        options = ("--style", style, "--steps", "2", "--detect", "none")
        command("score", str(project), "--out", str(folder), *options, home=tmp_path)
    before = kdenlive_host.running()

    added = command("insert", str(one), "--into", str(project), "--bin", home=tmp_path)
    assert added["added"] == len(added["files"]) > 1
    wait_for(lambda: studio.app.loaded() == loaded + added["added"], "Kdenlive did not load the stems")
    save(project, studio.app.action)
    bin_names = sorted(Path(name).name for name in added["files"])
    assert said(project.read_bytes())["bin"] == sorted([*bin_names, "lively.mp4"])

    def second() -> kdenlive_host.Running | None:
        return next((one for one in kdenlive_host.running() if one.project == copy), None)

    shown = command("insert", str(one), "--into", str(project), "--show", home=tmp_path)
    copy = Path(shown["files"][0])
    assert (shown["shown"], copy.name) == (True, "open.music.kdenlive")
    try:
        wait_for(second, "Kdenlive did not open the copy")
        wait_for(lambda: f"{copy.stem} / " in " ".join(studio.app.desktop.windows()), "Kdenlive showed no window")
        assert studio.app.dialogs() == []
        anew = command("insert", str(other), "--into", str(project), "--show", home=tmp_path)
        assert (anew["shown"], anew["files"]) == (True, shown["files"])
        assert len(kdenlive_host.running()) == len(before) + 1
        editor = second()
        assert editor is not None
        wait_for(lambda: studio.app.dialogs() == [], "Kdenlive did not load the copy anew")
        save(copy, replace(studio.app, service=editor.service).action)
    finally:
        for editor in set(kdenlive_host.running()) - set(before):
            if editor.process != studio.app.program.pid:
                os.kill(editor.process, signal.SIGKILL)
    # What it wrote is what it had loaded: the second music, not the first.
    stems = {row["track"] for row in anew["clips"]}
    assert {row[0] for row in sound(copy) if row[1].startswith("1m01")} == stems
    assert stems != {row["track"] for row in shown["clips"]}


# --- helpers ---------------------------------------------------------------------------------------------------------


def save(file: Path, action: Callable[[str], None]) -> None:
    """Have an editor save what it has loaded, and wait for the whole file."""
    before = file.stat().st_mtime_ns
    action("file_save")
    wait_for(lambda: file.stat().st_mtime_ns != before, "Kdenlive did not save")
    wait_for(lambda: file.read_bytes().rstrip().endswith(b"</mlt>"), "Kdenlive did not finish saving")


def sound_in(document: bytes, folder: Path) -> list[tuple[str, str, int, int, int]]:
    path = folder / "asked.kdenlive"
    path.write_bytes(document)
    return sound(path)


def command(*arguments: str, home: Path) -> dict[str, Any]:
    words = [sys.executable, "-m", "shotscore_plugin.cli", *arguments, "--json"]
    environment = {**os.environ, "XDG_DATA_HOME": str(home / "data"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def play(document: bytes, folder: Path) -> Sequence[float]:
    """The sound of a document in melt, which is told what to play, as Kdenlive tells it."""
    path, heard = folder / "play.kdenlive", folder / "heard.wav"
    sequence = fromstring(document).findall("tractor")[-1].get("id", "")
    path.write_bytes(document.replace(b'producer="main_bin"', f'producer="{sequence}"'.encode(), 1))
    melt(path, heard, "out=250")
    with wave.open(str(heard)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)[:, 0].astype(float)
    return list(sound)


def found_at(heard: Sequence[float], music: Sequence[float]) -> int:
    size = 1 << (len(heard) + len(music)).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(music, size))
    return int(np.argmax(np.fft.irfft(spectrum, size)[: len(heard)]))
