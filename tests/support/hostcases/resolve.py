"""DaVinci Resolve by a stand-in of its documented API, traps included: from Python (Studio) and Lua (free edition)."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path

from resolve_stand_in import Item, Media, Resolve, Timeline, Track
from shotscore_plugin.host import Host
from shotscore_plugin.hosts.resolve import ResolveHost
from shotscore_plugin.hosts.resolve_files import ResolveFilesHost

from . import Edit
from .files import TRACKS, Row, recut_tracks


def put(timeline: Timeline, tracks: tuple[tuple[str, str, tuple[Row, ...]], ...], folder: Path) -> None:
    """The person's tracks, in place of those they had."""
    media = {name: Media(folder / f"{name}.mov", 1000) for _, _, rows in tracks for name, *_ in rows}
    for kind in ("video", "audio"):
        own = [
            Track(
                name,
                "stereo",
                [Item(media[film], timeline.start + at, frames, source) for film, at, frames, source in rows],
            )
            for name, of, rows in tracks
            if of.lower() == kind
        ]
        timeline.tracks[kind] = own + timeline.tracks[kind][len(own) :]


def state(resolve: Resolve) -> Hashable:
    """All of the project."""
    project = resolve.project
    timeline, pool = project.timeline, project.pool
    return (
        tuple(
            (kind, track.name, track.kind, tuple((i.media.path, i.start, i.frames, i.left) for i in track.items))
            for kind, rows in timeline.tracks.items()
            for track in rows
        ),
        tuple(sorted((frame, tuple(marker.items())) for frame, marker in timeline.markers.items())),
        tuple((folder.name, len(folder.clips)) for folder in (pool.root, *pool.root.folders)),
        pool.GetCurrentFolder().name,
    )


@dataclass(frozen=True)
class ResolveCase:
    """A Resolve whose timeline stands in memory; the project's path only names it."""

    end_included: bool
    from_lua: bool = False
    start_timecode: bool = True
    open_now: dict[Path, Resolve] = field(default_factory=dict)

    def make(self, folder: Path, edit: Edit) -> Path:
        timeline = Timeline("Film", edit.rate, edit.drop_frame, edit.start_frame)
        put(timeline, TRACKS, folder)
        timeline.markers[20] = {"color": "Blue", "name": "theirs", "note": "", "duration": 1, "customData": ""}
        resolve = Resolve(self.end_included)
        resolve.open(timeline)
        self.open_now[folder] = resolve
        return folder

    def open(self, project: Path) -> Host:
        resolve = self.open_now[project]
        if not self.from_lua:
            return ResolveHost(resolve, project.parent / "backups")
        return opened_from_lua(resolve, project.parent / "exchange")

    def recut(self, project: Path) -> None:
        put(self.open_now[project].project.timeline, recut_tracks(), project)

    def snapshot(self, project: Path) -> Hashable:
        return state(self.open_now[project])

    def layout(self, project: Path) -> list[tuple[str, tuple[tuple[int, int], ...]]]:
        timeline = self.open_now[project].project.timeline
        return [
            (track.name, tuple((item.start - timeline.start, item.frames) for item in track.items))
            for rows in timeline.tracks.values()
            for track in rows
        ]


def opened_from_lua(resolve: Resolve, folder: Path) -> Host:
    """The free edition's host beside a person who runs the script whenever something is asked of it."""
    from resolve_lua import run_script

    folder.mkdir(exist_ok=True)

    class Attended(ResolveFilesHost):
        """Asking anything is a visit to the menu first."""

        def _state(self) -> dict[str, str]:
            if not (self.folder / "job.txt").exists():
                run_script(resolve, self.folder)
            return super()._state()

    return Attended(folder, wait_seconds=20, waiting=lambda: run_script(resolve, folder))


CASES = {
    "resolve-18": ResolveCase(end_included=True),
    "resolve-21": ResolveCase(end_included=False),
    "resolve-free": ResolveCase(end_included=False, from_lua=True),
}
