"""Any timeline file as a host: for editors without an add-on, which save and open OTIO, XML, MLT or AAF.

The person's file is read and never written. The music goes into a copy beside it, and what stands there is read back
from the copy:

    film.fcpxml            the person's
    film.music.fcpxml      the same with music; made anew at each insert, gone after remove
    film.music-2.fcpxml    where the person has changed film.music.fcpxml, which is theirs from then on

A folder can be opened as well: the project is then the timeline in it that was saved last, for editors that export
each version under a new name. What we wrote is remembered (path, digest, stems) in the person's data folder.
"""

import hashlib
import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shotscore_engine.atomic import replace_file
from shotscore_engine.errors import HostError, TimelineError
from shotscore_engine.timing import exact_rate, quantise
from shotscore_exporters import projects
from shotscore_exporters.placement import CueMarker, Placement, StemClip

from ..host import Capabilities, Check, Host, Inserted, Removed, Standing, differences
from ..install import data_folder

if TYPE_CHECKING:
    import opentimelineio as otio

_COPY = re.compile(r"(.*)\.music(?:-(\d+))?", re.DOTALL)
_MONO_TRACKS = {".xml": 2, ".aaf": 2}
"""Formats that hold a stereo stem as two mono tracks."""
_REMEMBERED = 500


@dataclass
class FileHost:
    """A timeline file, or the newest one of a folder."""

    path: Path
    name: str = "files"

    @property
    def capabilities(self) -> Capabilities:
        """Files: no undo, no playhead, no markers; MLT knows no timecode its timeline starts at."""
        return Capabilities(
            start_timecode=self.project.suffix.lower() not in (".mlt", ".kdenlive", ".osp"),
            limits=("The editor has to be told to open the copy, and to save before the edit is read.",),
        )

    @property
    def project(self) -> Path:
        """The person's file. Raises HostError where the folder holds none."""
        if not self.path.is_dir():
            return self.path
        found = [
            path
            for path in self.path.iterdir()
            if path.suffix.lower() in projects.SUFFIXES
            and not path.name.startswith(".")
            and ".scored." not in path.name
            and not (_COPY.fullmatch(path.stem) and _ours(path))
        ]
        if not found:
            kinds = ", ".join(projects.SUFFIXES)
            raise HostError(f"{self.path} holds no timeline yet; save one there from the editor ({kinds}).")
        return max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))

    def timeline(self) -> "otio.schema.Timeline":
        """The edit without our music."""
        return _without_music(self.project)

    def playhead(self) -> int | None:
        """A file has none."""
        return None

    def selection(self) -> tuple[int, int] | None:
        """A file has none."""
        return None

    def insert(self, clips: Sequence[StemClip], placement: Placement, markers: Sequence[CueMarker] = ()) -> Inserted:
        """Write the copy with the music and read it back; hits are not marked in files."""
        del markers
        copy = self._copy()
        projects.insert(self.project, clips, placement, copy)
        _remember(copy, [clip.path for clip in clips])
        standing = _standing(copy)
        return Inserted(copy, standing, differences(clips, standing))

    def read_back(self) -> tuple[Standing, ...]:
        """What stands in the copy; in the person's own file, where music came into that with a copy they went on in."""
        return _standing(self._with_music() or self.project)

    def remove(self) -> Removed:
        """Take the copy away; where the person works on in a file with music in it, write one without beside it."""
        copy, count = self._with_music(), len(self.read_back())
        if copy is not None:
            copy.unlink()
            _forget(copy)
        project = self.project
        data = projects.read(project)
        plain = _plain(project, data)
        if plain == data:
            return Removed(project, count)
        original = project.with_stem(_stem(project))
        if original.exists() and original.read_bytes() == plain:
            return Removed(original, count)
        path = _free_name(project.with_stem(f"{_stem(project)}.plain"))
        replace_file(path, plain)
        return Removed(path, count)

    def revision(self) -> str:
        """Name, time and size of the person's file."""
        try:
            project = self.project
            facts = project.stat()
        except OSError as problem:
            raise HostError(f"{self.path} cannot be looked at: {problem.strerror or problem}.") from problem
        return f"{project.name}:{facts.st_mtime_ns}:{facts.st_size}"

    def close(self) -> None:
        """Nothing is held open."""

    def _with_music(self) -> Path | None:
        """The copy that holds music and that nobody has changed since; None where there is none."""
        found = [path for path in _copies(self.project) if path != self.project and _ours(path)]
        return max(found, key=lambda path: path.stat().st_mtime_ns, default=None)

    def _copy(self) -> Path:
        """Where the copy goes: over our own last one, never over anything else."""
        project = self.project
        ours = self._with_music()
        return ours or _free_name(project.with_stem(f"{_stem(project)}.music"))


def _stem(project: Path) -> str:
    found = _COPY.fullmatch(project.stem)
    return found[1] if found else project.stem


def _copies(project: Path) -> Iterator[Path]:
    for path in sorted(project.parent.glob(f"*{project.suffix}")):
        found = _COPY.fullmatch(path.stem)
        if found and found[1] == _stem(project):
            yield path


def _free_name(path: Path) -> Path:
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    return free


# --- reading -------------------------------------------------------------------------------------------------------


def _plain(project: Path, data: bytes) -> bytes:
    """The project's bytes `data` without our music; the same where there is none. TimelineError as `projects.plain`."""
    plain = _without(project.suffix.lower(), data)
    if project.suffix.lower() == ".otio" and _same_otio(plain, data, project):
        return data  # written by somebody else: the same timeline in other words
    return plain


@lru_cache(maxsize=2)
def _without(suffix: str, data: bytes) -> bytes:
    """`projects.plain`; the person's project and our copy of it are asked for again and again."""
    return projects.plain(suffix, data)


def _same_otio(one: bytes, other: bytes, project: Path) -> bool:
    from shotscore_engine.readers import otio_json

    return one == other or bool(otio_json.parse(one, project).is_equivalent_to(otio_json.parse(other, project)))


def _without_music(project: Path) -> "otio.schema.Timeline":
    """The project's timeline without our music."""
    from shotscore_engine.readers import read_timeline

    if project.suffix.lower() not in projects.SUFFIXES:
        return read_timeline(project)
    return _parted(project, projects.read(project), _remembered_stems())[0]


def _parted(project: Path, data: bytes, stems: frozenset[Path]) -> tuple["otio.schema.Timeline", bool]:
    """The timeline in `data` without our music, and whether there was any. `stems` are the files we know as ours."""
    try:
        plain = _plain(project, data)
    except TimelineError as problem:
        if "changed after" not in str(problem):
            raise
        timeline = _read(project, data)
        return timeline, _drop(timeline, stems)
    return _read(project, plain), plain != data


def _read(project: Path, data: bytes) -> "otio.schema.Timeline":
    """The timeline that `data` would be in the project's place."""
    from shotscore_engine.readers import read_timeline

    with tempfile.TemporaryDirectory(prefix="shotscore-") as folder:
        target = Path(folder) / project.name
        target.write_bytes(data)
        timeline = read_timeline(target)
    _anchor(timeline, project.parent)
    return timeline


def _drop(timeline: "otio.schema.Timeline", stems: frozenset[Path]) -> bool:
    """Take out the tracks with nothing on them but our stems; whether there were any."""
    import opentimelineio as otio

    found = False
    for track in list(timeline.tracks):
        paths = [_path_of(clip) for clip in track if isinstance(clip, otio.schema.Clip)]
        if paths and all(path in stems for path in paths):
            timeline.tracks.remove(track)
            found = True
    return found


def _anchor(timeline: "otio.schema.Timeline", folder: Path) -> None:
    """Media addresses that are relative to the project's folder made absolute: the timeline was read elsewhere."""
    for clip in timeline.find_clips():
        for reference in clip.media_references().values():
            url = getattr(reference, "target_url", "")
            if url and ":" not in url.split("/")[0] and not url.startswith("/"):
                from shotscore_engine.picture import local_paths

                candidates = local_paths(url, folder)
                if candidates:
                    reference.target_url = candidates[0].as_uri()


def _standing(project: Path) -> tuple[Standing, ...]:
    """Our clips in a project: what stands there and not in the same project without music."""
    return _standing_in(project, projects.read(project), _remembered_stems())


@lru_cache(maxsize=2)
def _standing_in(project: Path, data: bytes, stems: frozenset[Path]) -> tuple[Standing, ...]:
    from shotscore_engine.picture import flatten

    plain, has_music = _parted(project, data, stems)
    if not has_music:
        return ()
    rate = flatten(plain, folder=project.parent).rate
    theirs = Counter(_place(row) for row in _rows(plain, rate, project.parent))
    timeline = _read(project, data)
    halves = _MONO_TRACKS.get(project.suffix.lower(), 1)
    gathered: dict[tuple[Any, ...], list[Standing]] = {}
    for row in _rows(timeline, rate, project.parent):
        if theirs[_place(row)] > 0:  # a reader may number the person's tracks anew when ours stand between them
            theirs[_place(row)] -= 1
        else:
            gathered.setdefault(_place(row), []).append(row)
    found = [one for group in gathered.values() for one in group[::halves]]
    order = {name: number for number, name in enumerate(dict.fromkeys(track.name for track in timeline.tracks))}
    return tuple(sorted(found, key=lambda one: (order.get(one.track, 0), one.start_frame)))


def _place(row: Standing) -> tuple[Path, int, int, int]:
    return (row.path, row.start_frame, row.duration_frames, row.source_frame)


def _rows(timeline: "otio.schema.Timeline", rate: Fraction, folder: Path) -> Iterator[Standing]:
    """Every sound clip of a timeline that runs at `rate`."""
    from shotscore_engine.picture import local_paths

    for track in timeline.audio_tracks():
        for clip in track.find_clips():
            url = getattr(clip.media_reference, "target_url", "") or ""
            paths = local_paths(url, folder) if url else ()
            if not paths:
                continue
            at = clip.transformed_time_range(clip.trimmed_range(), timeline.tracks)
            used = clip.trimmed_range()
            available = clip.media_reference.available_range
            skipped = _seconds(used.start_time) - (_seconds(available.start_time) if available else 0)
            start, end = _seconds(at.start_time) * rate, (_seconds(at.start_time) + _seconds(at.duration)) * rate
            frames = quantise(end) - quantise(start)
            yield Standing(track.name, clip.name, paths[0], quantise(start), frames, quantise(skipped * rate))


def _seconds(time: "otio.opentime.RationalTime") -> Fraction:
    # A sound's own times may be counted in samples.
    rate = exact_rate(time.rate) if 1 <= time.rate <= 1000 else Fraction(time.rate)
    return Fraction(time.value).limit_denominator(1_000_000) / rate


def _path_of(clip: "otio.schema.Clip") -> Path | None:
    from shotscore_engine.picture import local_paths

    url = getattr(clip.media_reference, "target_url", "") or ""
    return next(iter(local_paths(url, None)), None) if url else None


# --- what we wrote -------------------------------------------------------------------------------------------------


def _record() -> Path:
    return data_folder() / "hosts" / "copies.json"


def _recorded() -> dict[str, dict[str, Any]]:
    with suppress(OSError, ValueError, AttributeError):
        return {str(path): dict(row) for path, row in json.loads(_record().read_bytes()).items()}
    return {}


def _remember(copy: Path, stems: Sequence[Path]) -> None:
    rows = _recorded()
    rows.pop(str(copy.absolute()), None)
    rows[str(copy.absolute())] = {
        "sha256": hashlib.sha256(copy.read_bytes()).hexdigest(),
        "stems": [str(path.resolve()) for path in stems],
    }
    kept = dict(list(rows.items())[-_REMEMBERED:])
    replace_file(_record(), json.dumps(kept, indent=1).encode())


def _forget(copy: Path) -> None:
    rows = _recorded()
    if rows.pop(str(copy.absolute()), None) is not None:
        replace_file(_record(), json.dumps(rows, indent=1).encode())


def _remembered_stems() -> frozenset[Path]:
    return frozenset(Path(stem) for row in _recorded().values() for stem in row.get("stems", ()))


def _ours(path: Path) -> bool:
    """Whether we wrote the file and nobody has changed it since."""
    row = _recorded().get(str(path.absolute()))
    try:
        return row is not None and row.get("sha256") == hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return False


# --- the program ---------------------------------------------------------------------------------------------------


class Files:
    """Every editor that saves and opens timeline files: Premiere, Final Cut, Avid and others. Nothing is installed."""

    name = "files"
    title = "Any editor, by timeline files"
    tested = "OTIO, FCP7 XML, FCPXML, MLT, AAF; Premiere, Final Cut, Avid not met"
    suffixes = projects.SUFFIXES

    def found(self) -> Path | None:
        """There is no program to find."""
        return None

    def installed(self) -> bool:
        """Nothing is needed."""
        return True

    def install(self) -> tuple[Path, ...]:
        """Nothing is needed."""
        return ()

    def remove(self) -> tuple[Path, ...]:
        """What we remember of copies; the copies themselves are the person's."""
        record = _record()
        if not record.exists():
            return ()
        record.unlink()
        return (record,)

    def check(self) -> Check:
        """Files always work."""
        return Check("ok", f"reads and writes {', '.join(projects.SUFFIXES)}")

    def open(self, project: Path | None) -> Host:
        """The timeline file, or the folder that is watched for one."""
        if project is None:
            raise HostError("Name the timeline file, or the folder the editor saves it to.")
        if not project.exists():
            raise HostError(f"{project} does not exist; save the timeline there from the editor.")
        if project.is_file() and project.suffix.lower() not in projects.SUFFIXES:
            raise HostError(f"Music cannot be put into {project.name}; it can into {', '.join(projects.SUFFIXES)}.")
        return FileHost(project.absolute())


PROGRAM = Files()
