"""The real Blender, reached over the real bridge: a process with bpy and the add-on, for each Python in SHOTSCORE_BPY.

Without that there is no case: `make test-blender` sets it.
"""

import atexit
import json
import tempfile
import time
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blender_app import BlenderApp, pythons
from films import calm, write_film
from shotscore_engine.timing import quantise
from shotscore_plugin.bridge import Bridge
from shotscore_plugin.host import Host
from shotscore_plugin.hosts import blender

from . import FRAMES, RECUT_FRAMES, RECUT_FROM, Edit
from .files import TRACKS


@dataclass
class BlenderCase:
    """One Blender for all tests; each makes a new file in it."""

    python: Path
    start_timecode: bool = True
    _app: BlenderApp | None = None
    _bridge: Bridge | None = None
    _made: dict[str, Path] = field(default_factory=dict)

    def make(self, folder: Path, edit: Edit) -> Path:
        app, films = self._started(), self._films(edit)
        fps = quantise(edit.rate)
        strips = [
            [name, "movie" if kind == "Video" else "sound", str(films[kind]), channel, start, frames, offset]
            for channel, (_, kind, rows) in enumerate(TRACKS, 1)
            for name, start, frames, offset in rows
        ]
        project = folder / "film.blend"
        app.do(
            "new", fps=fps, fps_base=float(fps / edit.rate), start=edit.start_frame, end=edit.start_frame + FRAMES,
            strips=strips, path=str(project),
        )  # fmt: skip
        return project

    def open(self, project: Path) -> Host:
        bridge, app = self._bridge, self._started()
        assert bridge is not None
        end = time.monotonic() + 60
        while not bridge.hosts and time.monotonic() < end:
            app.do("version")
        host = bridge.hosts[-1]
        assert host.project == project
        return _Kept(host)  # type: ignore[return-value]

    def recut(self, project: Path) -> None:
        del project
        self._started().do("cut_out", first=RECUT_FROM, frames=RECUT_FRAMES)

    def snapshot(self, project: Path) -> Hashable:
        del project
        return json.dumps(self._started().do("snapshot"))

    def layout(self, project: Path) -> list[tuple[str, tuple[tuple[int, int], ...]]]:
        del project
        found = self._started().do("snapshot")
        start = found["scene"][0]
        rows: dict[int, list[tuple[int, int]]] = {}
        for strip in found["strips"]:
            first, last = int(strip["frame_final_start"]), int(strip["frame_final_end"])
            rows.setdefault(strip["channel"], []).append((first - start, last - first))
        return [(found["channels"][channel][0], tuple(spans)) for channel, spans in sorted(rows.items())]

    def _films(self, edit: Edit) -> dict[str, Path]:
        key = str(edit.rate)
        if key not in self._made:
            folder = Path(tempfile.mkdtemp(prefix="shotscore-films-"))
            self._made[key] = write_film(folder / "film.mp4", edit.rate, FRAMES + 20, calm)
            self._silence(folder / "film.wav", edit)
        film = self._made[key]
        return {"Video": film, "Audio": film.with_suffix(".wav")}

    def _silence(self, path: Path, edit: Edit) -> None:
        import wave

        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(bytes(2 * quantise((FRAMES + 20) / edit.rate * 8000)))

    def _started(self) -> BlenderApp:
        if self._app is None:
            folder = Path(tempfile.mkdtemp(prefix="shotscore-blender-"))
            self._bridge = Bridge(folder / "bridge" / "address.json")
            self._bridge.start()
            addon = folder / "shotscore_addon"
            addon.mkdir()
            for name, data in blender.addon_files().items():
                (addon / name).write_bytes(data)
            told: dict[str, Any] = {"command": ["false"], "address": str(self._bridge.address)}
            (addon / "launch.json").write_text(json.dumps(told))
            self._app = BlenderApp(self.python, str(addon), folder)
            atexit.register(self._end)
        return self._app

    def _end(self) -> None:
        if self._app is not None and self._bridge is not None:
            self._app.close()
            self._bridge.stop()


class _Kept:
    """The host, whose connection outlives one test."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)

    def close(self) -> None:
        """The next test asks on."""


CASES = {f"blender-{version}": BlenderCase(python) for version, python in pythons(sound=True).items()}
