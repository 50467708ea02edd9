"""Commands that take music out of a session: export, insert, remove.

`export` writes a format into a folder of its own; `insert` and `remove` work on an editor's project by way of a copy
beside it. None of them changes the session.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shotscore_engine.errors import HostError, RequestError

from .answer import Answer
from .session_commands import session_path
from .terminal import ProgressLine

if TYPE_CHECKING:
    from shotscore_engine.session import Session
    from shotscore_exporters.export import ExportSettings
    from shotscore_exporters.placement import StemClip

    from .host import Inserted
    from .hosts.files import FileHost

Run = Callable[[argparse.Namespace, ProgressLine], Answer]
Command = Callable[[str, Run, str], argparse.ArgumentParser]


def add_commands(command: Command) -> None:
    """Declare the commands; `command(name, run, about)` makes a parser."""
    export = command("export", _export, "write a session's music in a format: stems, MIDI, a timeline, a cue sheet ...")
    add = export.add_argument
    add("session", metavar="SESSION", help="the .shotscore file, or its folder")
    add("--to", metavar="FORMAT", required=True, help="one of the formats `docs/cli.md` lists; a wrong one lists them")
    add("--out", metavar="FOLDER", required=True, help="folder to write to")
    add("--cue", metavar="NAME", action="append", help="only this cue (1m01); may be given again")
    add("--rate", metavar="HZ", dest="sample_rate", type=int, help="44100, 48000, 88200 or 96000 (48000)")
    add("--bits", metavar="N", type=int, help="16, 24 or 32 (24)")
    add("--loudness", metavar="LUFS", dest="loudness_lufs", type=float, help="of the mix (as scored; -23, or -14)")
    add("--true-peak", metavar="DBTP", dest="true_peak_db", type=float, help="the most the mix reaches (-1)")
    add("--soundfont", metavar="FILE", type=Path, help="instruments (.sf2, .sf3)")
    add("--pre-roll", metavar="FRAMES", dest="pre_roll_frames", type=int, help="silence before the cue (0)")
    add("--post-roll", metavar="FRAMES", dest="post_roll_frames", type=int, help="ringing out after the cue (0)")
    add("--names", metavar="KIND", help="plain, or full: production, cue, stem, rate, bits, version (plain)")
    add("--encoding", metavar="NAME", help="of stems and mix: wav, flac, mp3 or m4a (wav)")
    add("--duck-db", metavar="DB", type=float, help="how far music steps back under speech (-9)")
    for name, about in (
        ("production", "what the music is for, instead of the timeline's name"),
        ("title", "of the cues on the cue sheet"),
        ("usage", "BI, VI, MT or ET on the cue sheet (BI)"),
        ("writers", "on the cue sheet"),
        ("publishers", "on the cue sheet"),
    ):
        add(f"--{name}", metavar="TEXT", help=about)

    insert = command("insert", _insert, "put the music into a copy of an editor's project, beside it")
    insert.add_argument("session", metavar="SESSION", help="the .shotscore file, or its folder")
    insert.add_argument("--into", metavar="PROJECT", required=True, help="the project; it is read and never written")
    way = insert.add_mutually_exclusive_group()
    way.add_argument("--show", action="store_true", help="open the copy in its editor (Kdenlive, Shotcut, OpenShot)")
    way.add_argument("--bin", action="store_true", help="write no copy: stems into the bin of the running Kdenlive")

    remove = command("remove", _remove, "take the music out of a project again")
    remove.add_argument("project", metavar="PROJECT", help="the project, or its copy with music")


def _export(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    from shotscore_engine.sessionfile import read
    from shotscore_exporters.export import FORMATS, export

    if options.to not in FORMATS:
        raise RequestError(f"There is no format {options.to!r}; choose one of {', '.join(FORMATS)}.")
    settings = _settings(options)
    path = session_path(options.session)
    session, recovered = read(path)
    files = export(session, options.to, Path(options.out), settings, progress, path.parent)
    warnings = [recovered] if recovered else []
    table = {"format": options.to, "files": [str(file) for file in files], "warnings": warnings}
    return Answer(table, "\n".join([*map(str, files), *(f"Warning: {sentence}" for sentence in warnings)]))


def _settings(options: argparse.Namespace) -> ExportSettings:
    from shotscore_exporters.credits import Credits, load_credits
    from shotscore_exporters.ducking import Ducking
    from shotscore_exporters.export import ExportSettings

    given: dict[str, Any] = {
        field.name: getattr(options, field.name)
        for field in fields(ExportSettings)
        if getattr(options, field.name, None) is not None
    }
    given["credits"] = load_credits(**{field.name: getattr(options, field.name) for field in fields(Credits)})
    given["cues"] = tuple(options.cue or ())
    if options.duck_db is not None:
        given["duck"] = Ducking(amount_db=options.duck_db)
    return ExportSettings(**given)


def _insert(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    from shotscore_engine.sessionfile import SessionFile
    from shotscore_exporters.placement import place

    host = _host(options)
    with SessionFile(session_path(options.session)) as file:
        session = file.session
        clips = _standing_stems(session, file.path.parent, progress)
        if options.bin:
            return _into_bin(host, clips)
        first = next(cue for cue in session.cues if cue.name in session.chosen)
        progress("write", 0.0)
        inserted = host.insert(clips, place(session.picture, first))
    warnings = _show(host, inserted) if options.show else []
    table = {
        "project": str(host.project),
        "files": [str(inserted.project)],
        "clips": [
            {"track": s.track, "file": str(s.path), "start_frame": s.start_frame, "duration_frames": s.duration_frames}
            for s in inserted.standing
        ],
        "differences": list(inserted.differences),
        "shown": options.show and not warnings,
        "warnings": warnings,
    }
    lines = [f"{inserted.project}: {len(inserted.standing)} clips, read back from it"]
    return Answer(table, "\n".join([*lines, *(f"Warning: {one}" for one in [*inserted.differences, *warnings])]))


def _host(options: argparse.Namespace) -> FileHost:
    """What the project is put into; RequestError where its editor cannot do what is asked, before anything is done."""
    from .hosts import open_file
    from .hosts.file_program import ProgramFileHost
    from .hosts.files import FileHost
    from .hosts.kdenlive import KdenliveHost

    project = _project(options.into)
    host = open_file(project)
    if options.bin and not isinstance(host, KdenliveHost):
        raise RequestError(f"--bin is for a .kdenlive project that is open in Kdenlive, and {project.name} is none.")
    if options.show and not isinstance(host, ProgramFileHost):
        raise RequestError(f"--show does not know which editor opens {project.name}; leave it out and open the copy.")
    return host if isinstance(host, FileHost) else FileHost(project)


def _show(host: FileHost, inserted: Inserted) -> list[str]:
    """Open the copy in its editor; why not, where that fails: the copy is there all the same."""
    from .hosts.file_program import ProgramFileHost

    assert isinstance(host, ProgramFileHost)
    assert inserted.project is not None
    try:
        host.show(inserted.project)
    except HostError as problem:
        return [str(problem)]
    return []


def _into_bin(host: FileHost, clips: list[StemClip]) -> Answer:
    from .hosts.kdenlive import KdenliveHost

    assert isinstance(host, KdenliveHost)
    added = host.to_bin(clips)
    files = list(dict.fromkeys(str(clip.path) for clip in clips))
    text = f"{added} stems are in the bin of Kdenlive; save when it has loaded them, and drag each to the cue's start"
    return Answer({"project": str(host.project), "files": files, "added": added}, text)


def _remove(options: argparse.Namespace, progress: ProgressLine) -> Answer:
    from .hosts.files import FileHost

    del progress
    project = _project(options.project)
    removed = FileHost(project).remove()
    if not removed.clips:
        raise RequestError(f"{project} holds no music of Shotscore, and no copy with music stands beside it.")
    table = {"project": str(project.absolute()), "files": [str(removed.project)], "removed": removed.clips}
    return Answer(table, f"{removed.project}: without music ({removed.clips} clips are gone)")


def _project(text: str) -> Path:
    from shotscore_exporters import projects

    path = Path(text).absolute()
    if not path.is_file():
        raise RequestError(f"{path} is not there; name the project's file.")
    if path.suffix.lower() not in projects.SUFFIXES:
        raise RequestError(f"{path.name} is no project music can be put into; use {', '.join(projects.SUFFIXES)}.")
    return path


def _standing_stems(session: Session, home: Path, progress: ProgressLine) -> list[StemClip]:
    """The session's stems as they lie in its folder, which is brought up to date first where it is not."""
    from shotscore_exporters.delivery import deliver, delivered_stems

    clips = delivered_stems(session, home)
    if clips is None:
        deliver(session, home, progress)
        clips = delivered_stems(session, home)
    assert clips is not None
    return clips
