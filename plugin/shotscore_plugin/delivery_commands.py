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

from shotscore_engine.errors import RequestError

from .answer import Answer
from .session_commands import session_path
from .terminal import ProgressLine

if TYPE_CHECKING:
    from shotscore_engine.session import Session
    from shotscore_exporters.export import ExportSettings
    from shotscore_exporters.placement import StemClip

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

    from .hosts.files import FileHost

    project = _project(options.into)
    with SessionFile(session_path(options.session)) as file:
        session = file.session
        clips = _standing_stems(session, file.path.parent, progress)
        first = next(cue for cue in session.cues if cue.name in session.chosen)
        progress("write", 0.0)
        inserted = FileHost(project).insert(clips, place(session.picture, first))
    table = {
        "project": str(project.absolute()),
        "files": [str(inserted.project)],
        "clips": [
            {"track": s.track, "file": str(s.path), "start_frame": s.start_frame, "duration_frames": s.duration_frames}
            for s in inserted.standing
        ],
        "differences": list(inserted.differences),
    }
    lines = [f"{inserted.project}: {len(inserted.standing)} clips, read back from it"]
    return Answer(table, "\n".join([*lines, *(f"Warning: {sentence}" for sentence in inserted.differences)]))


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
