"""DaVinci Resolve: Studio through its scripting API; the free edition through a Lua script and files.

Written from the documented API and from what its users report; it has not met the real program. So nothing the API says
is believed: every insert is listed again from the timeline, and what differs is put right once or reported.

What the API is known to do, and what is done about it here:

| trap | answer |
|---|---|
| `recordFrame` counts from midnight, markers from the timeline's start | the start frame is added to the one only |
| a new audio track is mono unless told | `audioType` stereo, and the track's type is asked afterwards |
| a clip that would overlap is dropped in silence; a failed append may return an item | fresh tracks, listed again |
| `endFrame` was included up to version 18 and is excluded from 19 on | the length is read back, and put right once |
| frames that are no whole numbers are refused | every frame is an `int` |
| appending goes to whichever timeline is current | it is made current, and its id is compared |
| a file that was changed on disk stays as it was in the media pool | our pool items are deleted and imported anew |
| `Export` may answer yes and write nothing | the file is looked for |
| a method this version lacks is None, not an error | `_call` says which one is missing |
| there is no undo | the project is exported to a file before the first insert, or nothing is changed |
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shotscore_engine.errors import HostError
from shotscore_engine.timing import exact_rate, quantise
from shotscore_exporters.placement import CueMarker, Placement, StemClip, tracks_of

from .. import install
from ..host import Capabilities, Check, Host, Inserted, Removed, Standing, differences
from . import resolve_files
from .resolve_files import InDatabase, frame_of, refuse

if TYPE_CHECKING:
    import opentimelineio as otio

MARK = "shotscore"
"""Third-party metadata of our media pool items, and the beginning of our markers' custom data."""
_BIN = "Shotscore"
_ASKED_SECONDS = 8.0


CAPABILITIES = Capabilities(
    live=True,
    playhead=True,
    selection=True,
    markers=True,
    limits=(
        "Resolve has no undo for scripts: the project is exported to a file before music first goes in.",
        "Ducking is not written as keyframes: Resolve's scripting does not reach them.",
        "Selected clips cannot be asked for; the in and out points of the timeline can.",
    ),
)


@dataclass
class ResolveHost(InDatabase):
    """The current timeline of the project that is open in Resolve Studio."""

    resolve: Any
    """What `scriptapp("Resolve")` gives."""
    backups: Path = field(default_factory=lambda: install.data_folder() / "resolve-backups")
    name: str = "resolve"
    capabilities: Capabilities = CAPABILITIES

    # -- reading --------------------------------------------------------------------------------------------------

    def timeline(self) -> "otio.schema.Timeline":
        """The current timeline, exported as OTIO, without our tracks."""
        from shotscore_engine.readers import read_timeline
        from shotscore_engine.readers.common import note

        current, rate, drop = self._timeline(), self.rate(), self._is_drop()
        ours = set(self._our_tracks(current))
        with tempfile.TemporaryDirectory(prefix="shotscore-") as folder:
            path = Path(folder) / f"{re.sub(r'[^0-9A-Za-z_-]+', '-', str(_call(current, 'GetName')))}.otio"
            kind, sub = getattr(self.resolve, "EXPORT_OTIO", None), getattr(self.resolve, "EXPORT_NONE", None)
            if kind is None:
                raise HostError("This Resolve exports no OTIO; update to 18.5 or newer, or export a file by hand.")
            said = _call(current, "Export", str(path), kind, sub)
            if not path.is_file():
                raise HostError(
                    f"Resolve answered {said!r} to the export of its timeline and wrote no file; try again."
                )
            made = read_timeline(path)
        for index, track in reversed(list(enumerate(made.audio_tracks(), 1))):
            if index in ours:
                made.tracks.remove(track)
        _anchor_start(made, int(_call(current, "GetStartFrame")), rate)
        return note(made, rate=rate, drop_frame=drop)

    def playhead(self) -> int | None:
        """The frame under the playhead; None on pages that have none."""
        current = self._timeline()
        text = _call(current, "GetCurrentTimecode")
        if not isinstance(text, str) or not text:
            return None
        frame = frame_of(text, self.rate(), self._is_drop())
        return None if frame is None else max(0, frame - int(_call(current, "GetStartFrame")))

    def selection(self) -> tuple[int, int] | None:
        """The in and out points (Resolve 19.1 and newer); None where there are none."""
        current = self._timeline()
        ask = getattr(current, "GetMarkInOut", None)
        found = ask() if callable(ask) else None
        marks: dict[str, Any] = (
            next((found[kind] for kind in ("video", "audio") if found.get(kind)), {}) if found else {}
        )
        if "in" not in marks or "out" not in marks:
            return None
        start = int(_call(current, "GetStartFrame"))
        first, last = int(marks["in"]), int(marks["out"])
        if first >= start > 0:  # its documentation does not say what they count from
            first, last = first - start, last - start
        return (first, last + 1) if 0 <= first <= last else None

    def rate(self) -> Fraction:
        """Frames per second of the current timeline. Raises HostError where Resolve says none."""
        said = _call(self._timeline(), "GetSetting", "timelineFrameRate")
        match = re.match(r"\s*(\d+(?:\.\d+)?)", str(said))
        if not match or not float(match[1]):
            raise HostError(f"Resolve says the timeline runs at {said!r}; open its settings and choose a rate.")
        return exact_rate(float(match[1]))

    def revision(self) -> str:
        """The timeline's id and where every clip of the person's stands."""
        current = self._timeline()
        ours = set(self._our_tracks(current))
        parts = [str(_call(current, "GetName")), str(_unique(current))]
        for kind in ("video", "audio"):
            for index in range(1, int(_call(current, "GetTrackCount", kind)) + 1):
                if kind == "audio" and index in ours:
                    continue
                for item in _items(current, kind, index):
                    parts.append(f"{kind}{index}:{_call(item, 'GetStart')}+{_call(item, 'GetDuration')}")
        import hashlib

        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]

    # -- music ----------------------------------------------------------------------------------------------------

    def insert(self, clips: Sequence[StemClip], placement: Placement, markers: Sequence[CueMarker] = ()) -> Inserted:
        """Put the stems on fresh stereo tracks of the current timeline and list them again."""
        current = self._timeline()
        refuse(clips, placement, self.rate())
        backup = None if self._our_tracks(current) else self._backup()
        self.remove()
        items = self._import([clip.path for clip in clips])
        for stem, row in tracks_of(clips).items():
            self._fill(current, stem, row, items)
        self._mark(current, placement, markers)
        standing = self.read_back()
        return Inserted(None, standing, (*differences(clips, standing), *self._mono(current)), backup)

    def read_back(self) -> tuple[Standing, ...]:
        """What Resolve lists on the tracks that hold our clips."""
        current = self._timeline()
        start, found = int(_call(current, "GetStartFrame")), []
        for index in range(1, int(_call(current, "GetTrackCount", "audio")) + 1):
            name = str(_call(current, "GetTrackName", "audio", index))
            for item in _items(current, "audio", index):
                path = _our_file(item)
                if path is not None:
                    at, frames = int(_call(item, "GetStart")), int(_call(item, "GetDuration"))
                    skipped = int(_call(item, "GetLeftOffset"))
                    found.append(Standing(name, str(_call(item, "GetName")), path, at - start, frames, skipped))
        return tuple(found)

    def remove(self) -> Removed:
        """Delete our tracks, markers and media pool items; clips the person put on our tracks keep their track."""
        current = self._timeline()
        count = len(self.read_back())
        for index in reversed(range(1, int(_call(current, "GetTrackCount", "audio")) + 1)):
            items = _items(current, "audio", index)
            ours = [item for item in items if _our_file(item) is not None]
            if ours and len(ours) == len(items):
                _call(current, "DeleteTrack", "audio", index)
            elif ours:
                _call(current, "DeleteClips", ours, False)  # no ripple: nothing of theirs moves
        self._unmark(current)
        pool = self._pool()
        folder = self._bin(pool, make=False)
        if folder is not None:
            old = [item for item in _list(_call(folder, "GetClipList")) if _metadata(item)]
            if old:
                _call(pool, "DeleteClips", old)
            if not _list(_call(folder, "GetClipList")) and not _list(_call(folder, "GetSubFolderList")):
                _call(pool, "DeleteFolders", [folder])
        left = self.read_back()
        if left:
            raise HostError(f"Resolve kept {len(left)} of our clips ({left[0].name}); delete their tracks by hand.")
        return Removed(None, count)

    def close(self) -> None:
        """The connection is Resolve's own; it goes with this process."""

    # -- parts ----------------------------------------------------------------------------------------------------

    def _timeline(self) -> Any:
        current = _call(self._project(), "GetCurrentTimeline")
        if current is None:
            raise HostError("No timeline is open in Resolve; open one on the Edit page.")
        return current

    def _project(self) -> Any:
        project = _call(_call(self.resolve, "GetProjectManager"), "GetCurrentProject")
        if project is None:
            raise HostError("No project is open in Resolve; open one.")
        return project

    def _pool(self) -> Any:
        return _call(self._project(), "GetMediaPool")

    def _is_drop(self) -> bool:
        current = self._timeline()
        said = _call(current, "GetSetting", "timelineDropFrameTimecode")
        rate = str(_call(current, "GetSetting", "timelineFrameRate"))
        return str(said) in ("1", "True") or "DF" in rate.upper()

    def _our_tracks(self, current: Any) -> list[int]:
        """Numbers of the audio tracks that hold nothing but our clips."""
        found = []
        for index in range(1, int(_call(current, "GetTrackCount", "audio")) + 1):
            items = _items(current, "audio", index)
            if items and all(_our_file(item) is not None for item in items):
                found.append(index)
        return found

    def _backup(self) -> Path:
        """The project as a .drp file. Raises HostError, before anything was changed, where Resolve writes none."""
        manager, project = _call(self.resolve, "GetProjectManager"), self._project()
        name = str(_call(project, "GetName"))
        self.backups.mkdir(parents=True, exist_ok=True)
        number = 1
        while (path := self.backups / f"{re.sub(r'[^0-9A-Za-z_-]+', '-', name)}-{number}.drp").exists():
            number += 1
        _call(manager, "SaveProject")
        said = _call(manager, "ExportProject", name, str(path), False)
        if not path.is_file():
            raise HostError(
                f"Resolve answered {said!r} to exporting the project to {path} and wrote no file, so nothing was "
                "changed; save the project and try again."
            )
        return path

    def _bin(self, pool: Any, make: bool = True) -> Any:
        root = _call(pool, "GetRootFolder")
        for folder in _list(_call(root, "GetSubFolderList")):
            if _call(folder, "GetName") == _BIN:
                return folder
        return _call(pool, "AddSubFolder", root, _BIN) if make else None

    def _import(self, paths: Sequence[Path]) -> dict[Path, Any]:
        """Media pool items of the files, in a folder of their own; the person's current folder stays current."""
        pool = self._pool()
        before = _call(pool, "GetCurrentFolder")
        folder = self._bin(pool)
        if folder is None:
            raise HostError("Resolve made no bin for the music; make one called Shotscore in the media pool.")
        _call(pool, "SetCurrentFolder", folder)
        try:
            wanted = {path.resolve() for path in paths}
            _call(pool, "ImportMedia", [str(path) for path in sorted(wanted)])
            # What it returns leaves out files it already knew: the folder is listed instead.
            found = {}
            for item in _list(_call(folder, "GetClipList")):
                path = Path(str(_call(item, "GetClipProperty", "File Path"))).resolve()
                if path in wanted:
                    _call(item, "SetThirdPartyMetadata", MARK, str(path))
                    found[path] = item
        finally:
            _call(pool, "SetCurrentFolder", before)
        if wanted - found.keys():
            lost = sorted(wanted - found.keys())[0]
            raise HostError(f"Resolve did not import {lost}; open the media pool and import it by hand to see why.")
        return found

    def _fill(self, current: Any, stem: str, row: Sequence[StemClip], items: dict[Path, Any]) -> None:
        """A fresh stereo track with the stem's clips."""
        self._make_current(current)
        count = int(_call(current, "GetTrackCount", "audio"))
        _call(current, "AddTrack", "audio", {"audioType": "stereo"})
        index = int(_call(current, "GetTrackCount", "audio"))
        if index != count + 1:
            raise HostError(f"Resolve added no audio track for {stem}; unlock the timeline and try again.")
        _call(current, "SetTrackName", "audio", index, stem)
        for clip in row:
            self._append(current, index, clip, items[clip.path.resolve()], extra=0)
            here = [item for item in _items(current, "audio", index) if _our_file(item) == clip.path.resolve()]
            lasting = int(_call(here[-1], "GetDuration")) if here else clip.duration_frames
            if lasting != clip.duration_frames:  # this version counts `endFrame` the other way
                _call(current, "DeleteClips", [here[-1]], False)
                self._append(current, index, clip, items[clip.path.resolve()], extra=clip.duration_frames - lasting)

    def _append(self, current: Any, index: int, clip: StemClip, item: Any, extra: int) -> None:
        start = int(_call(current, "GetStartFrame"))
        first = int(clip.pre_roll_frames)
        info = {
            "mediaPoolItem": item,
            "startFrame": first,
            "endFrame": first + int(clip.duration_frames) + extra,
            "mediaType": 2,
            "trackIndex": index,
            "recordFrame": start + int(clip.start_frame),
        }
        _call(self._pool(), "AppendToTimeline", [info])

    def _make_current(self, current: Any) -> None:
        project = self._project()
        if _unique(_call(project, "GetCurrentTimeline")) != _unique(current):
            _call(project, "SetCurrentTimeline", current)
            if _unique(_call(project, "GetCurrentTimeline")) != _unique(current):
                raise HostError("Another timeline was opened in Resolve meanwhile; go back to yours and try again.")

    def _mono(self, current: Any) -> list[str]:
        ask = getattr(current, "GetTrackSubType", None)
        if not callable(ask):
            return []
        named = [(_call(current, "GetTrackName", "audio", n), ask("audio", n)) for n in self._our_tracks(current)]
        return [f"The track {name} is {kind}, not stereo." for name, kind in named if kind and kind != "stereo"]

    def _mark(self, current: Any, placement: Placement, markers: Sequence[CueMarker]) -> None:
        """Hits as markers; these count from the timeline's start. A frame that has a marker keeps the person's."""
        for marker in markers:
            frame = placement.start_frame + quantise(marker.seconds * placement.rate)
            _call(current, "AddMarker", frame, "Purple", marker.text[:60], "Shotscore", 1, f"{MARK}:{frame}")

    def _unmark(self, current: Any) -> None:
        found = _call(current, "GetMarkers") or {}
        for marker in list(found.values()):
            data = str(marker.get("customData", ""))
            if data.startswith(f"{MARK}:"):
                _call(current, "DeleteMarkerByCustomData", data)


def _call(thing: Any, method: str, *values: Any) -> Any:
    """A method of Resolve's; one it does not have is None there, and an error with its name here."""
    found = getattr(thing, method, None)
    if not callable(found):
        raise HostError(f"This Resolve has no {method}; update it, or go by files (`shotscore hosts` lists them).")
    return found(*values)


def _list(answer: Any) -> list[Any]:
    """Lists come as lists in Python and as numbered tables through the bridge; nothing comes as None."""
    if answer is None:
        return []
    return list(answer.values()) if isinstance(answer, dict) else list(answer)


def _items(current: Any, kind: str, index: int) -> list[Any]:
    return _list(_call(current, "GetItemListInTrack", kind, index))


def _metadata(item: Any) -> str:
    said = _call(item, "GetThirdPartyMetadata", MARK)
    if isinstance(said, dict):
        said = said.get(MARK)
    return str(said or "")


def _our_file(item: Any) -> Path | None:
    """The file of a timeline item of ours; None for everybody else's."""
    media = _call(item, "GetMediaPoolItem")
    said = _metadata(media) if media is not None else ""
    return Path(said) if said else None


def _unique(timeline: Any) -> Any:
    ask = getattr(timeline, "GetUniqueId", None)
    return ask() if callable(ask) else _call(timeline, "GetName")


def _anchor_start(timeline: "otio.schema.Timeline", start: int, rate: Fraction) -> None:
    """The start frame as Resolve itself says it, whatever the export made of it."""
    import opentimelineio as otio

    timeline.global_start_time = otio.opentime.RationalTime(start, float(rate))


# --- the program -----------------------------------------------------------------------------------------------------


def module_paths(system: str = sys.platform) -> tuple[Path, Path]:
    """Where Resolve puts its scripting module's folder and library, unless its variables say otherwise."""
    if system == "darwin":
        base = Path("/Library/Application Support/Blackmagic Design/DaVinci Resolve/Developer/Scripting")
        library = Path("/Applications/DaVinci Resolve/DaVinci Resolve.app/Contents/Libraries/Fusion/fusionscript.so")
    elif system == "win32":
        base = Path(os.environ.get("PROGRAMDATA") or r"C:\ProgramData") / (
            r"Blackmagic Design\DaVinci Resolve\Support\Developer\Scripting"
        )
        library = Path(r"C:\Program Files\Blackmagic Design\DaVinci Resolve\fusionscript.dll")
    else:
        base = Path("/opt/resolve/Developer/Scripting")
        library = Path("/opt/resolve/libs/Fusion/fusionscript.so")
    api, lib = os.environ.get("RESOLVE_SCRIPT_API"), os.environ.get("RESOLVE_SCRIPT_LIB")
    return Path(api) if api else base, Path(lib) if lib else library


def scripts_folder(system: str = sys.platform) -> Path:
    """Where Resolve looks for this person's scripts; they stand in its menu Workspace > Scripts > Edit."""
    base = install.config_folder(system)
    if system == "win32":
        base = base / "Blackmagic Design/DaVinci Resolve/Support"
    elif system == "darwin":
        base = base / "Blackmagic Design/DaVinci Resolve"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "DaVinciResolve"
    return base / "Fusion/Scripts/Edit"


def connect() -> Any:
    """The running Resolve Studio. Raises HostError with the remedy where there is none.

    Its library can take a process down with it, so another process tries it first.
    """
    found = _scriptapp() if _answers() else None
    if found is None:
        raise HostError(
            "Resolve does not answer. Start Resolve Studio and set Preferences > System > General > External scripting "
            "using: Local. The free edition takes scripts from its menu only: `shotscore hosts install resolve`."
        )
    return found


def _answers() -> bool:
    if not module_paths()[1].is_file():
        return False
    try:
        trial = subprocess.run(
            [sys.executable, "-c", f"from {__name__} import _scriptapp; raise SystemExit(_scriptapp() is None)"],
            capture_output=True,
            timeout=_ASKED_SECONDS,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
    except subprocess.TimeoutExpired:
        return False
    return trial.returncode == 0


def _scriptapp() -> Any:
    """Resolve's object through its own module; None where it is not there or answers nothing."""
    import importlib.machinery
    import importlib.util

    _, library = module_paths()
    if not library.is_file():
        return None
    loader = importlib.machinery.ExtensionFileLoader("fusionscript", str(library))
    spec = importlib.util.spec_from_loader("fusionscript", loader)
    if spec is None:
        return None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module.scriptapp("Resolve")


class Resolve:
    """Resolve as `shotscore hosts` lists it."""

    name = "resolve"
    title = "DaVinci Resolve"
    tested = ""
    suffixes: tuple[str, ...] = ()

    def found(self) -> Path | None:
        """Its scripting library, where it is installed."""
        library = module_paths()[1]
        return library if library.is_file() else None

    def installed(self) -> bool:
        """Whether the Lua script is in the menu's folder, as this version has it."""
        return install.in_place(self.name, _script_files())

    def install(self) -> tuple[Path, ...]:
        """Put the Lua script where Resolve lists scripts; needed by the free edition only."""
        files = install.put(self.name, _script_files())
        _exchange().mkdir(parents=True, exist_ok=True)  # Lua makes no folders
        return files

    def remove(self) -> tuple[Path, ...]:
        """Take the script away, and what the two sides told each other; copies of projects stay."""
        for name in ("state.txt", "result.txt", "job.txt", "timeline.otio"):
            (_exchange() / name).unlink(missing_ok=True)
        with suppress(OSError):  # copies of projects are in it
            _exchange().rmdir()
        return install.take_away(self.name)

    def check(self) -> Check:
        """Whether Studio answers, or the script for the free edition is there."""
        if self.found() is None:
            return Check("limited", "not found on this machine", "Install DaVinci Resolve, or go by timeline files.")
        try:
            connect()
        except HostError as problem:
            if self.installed():
                said = "the script is in its menu Workspace > Scripts > Edit; Studio does not answer"
                return Check("limited", said, str(problem))
            return Check("broken", "does not answer", str(problem))
        return Check("ok", "Resolve Studio answers")

    def open(self, project: Path | None) -> Host:
        """The timeline that is open in Resolve: through Studio where it answers, else through the script."""
        if project is not None:
            raise HostError(f"Resolve keeps its projects in a database; open {project.name} there and name no file.")
        try:
            return ResolveHost(connect())
        except HostError:
            if not self.installed():
                raise
            return resolve_files.ResolveFilesHost(_exchange())


def _exchange() -> Path:
    return install.data_folder() / "resolve"


def _script_files() -> dict[Path, bytes]:
    return {scripts_folder() / "Shotscore.lua": resolve_files.script(_exchange())}


PROGRAM = Resolve()
