"""A session's files beside each other in one folder, as `score` leaves them.

    FOLDER/NAME.scored.otio    a copy of the timeline with the music on new tracks
    FOLDER/NAME.shotscore      the session
    FOLDER/1m01.mid            the notes of the take in use, for a composer
    FOLDER/1m01_mix.wav        and stems/1m01_STEM.wav: its sound
    FOLDER/takes/              further takes, as MIDI and mix
    FOLDER/report.json         what was done

Everything is made in a hidden folder first and moved into place at the end, so that a run that is stopped leaves
nothing. Files of an earlier delivery are replaced; a file that is not one of ours, or that somebody has
changed since, is in the way and is never touched.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shotscore_engine.atomic import move_into, replace_file, staging
from shotscore_engine.errors import OutputError
from shotscore_engine.measure import Stopwatch, peak_memory_bytes
from shotscore_engine.progress import Progress, silent
from shotscore_engine.session import SUFFIX, Session, Take

from . import audio, midi, report
from .placement import StemClip, markers_of, place

if TYPE_CHECKING:
    import opentimelineio as otio

REPORT = "report.json"
_SAMPLE_BYTES = 1 << 16


@dataclass(frozen=True)
class Delivery:
    """What `deliver` left."""

    folder: Path
    report: dict[str, Any]
    """As in report.json."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file, the report last."""
        return tuple(self.folder / name for name in (*self.report["files"], REPORT))


def deliver(session: Session, folder: Path, progress: Progress = silent) -> Delivery:
    """Write the files of `session` into `folder`, which is made if need be.

    `progress` may be a Stopwatch that has timed the stages before; the report then holds them too. Raises OutputError
    where `folder` cannot be written to or holds somebody else's file under one of our names.
    """
    watch = progress if isinstance(progress, Stopwatch) else Stopwatch(progress)
    folder = folder.absolute()
    before = check_folder(session.name, folder)
    clips: list[StemClip] = []
    cues = []
    with staging(folder) as stage:
        for cue in session.cues:
            if cue.name not in session.chosen:
                continue  # spotted, and no music yet
            take = session.take(cue.name)
            made, table = _cue_files(session, take, stage, watch)
            clips += made
            cues.append(table)
            for other in session.takes:
                if other.cue == cue.name and other.number != take.number and other.edit == take.edit:
                    _take_files(session, other, stage / "takes", watch)
        watch("write", 0.0)
        _timeline(session, clips, stage)
        (stage / f"{session.name}{SUFFIX}").write_bytes(session.to_bytes())
        files = {_name(path, stage): _fingerprint(path) for path in sorted(stage.rglob("*")) if path.is_file()}
        _refuse_strangers(folder, files, before)
        table = report.score_table(session, cues, watch.seconds(), peak_memory_bytes(), files)
        session.save(folder / f"{session.name}{SUFFIX}")  # keeps the one before, as moving would not
        (stage / f"{session.name}{SUFFIX}").unlink()
        move_into(stage, folder)
        replace_file(folder / REPORT, report.to_bytes(table))
    for name in before.keys() - files.keys():
        if _fingerprint(folder / name) == before[name]:
            (folder / name).unlink()
    watch("write", 1.0)
    return Delivery(folder, table)


def check_folder(name: str, folder: Path) -> dict[str, str]:
    """What an earlier delivery left in `folder`, by name; made to be called before any work.

    Raises OutputError where nothing can be written there, or where somebody else's files bear names we would use.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; choose a folder to write to.")
    with staging(folder):
        pass
    before: dict[str, str] = report.read(folder / REPORT).get("files", {})
    wanted = [f"{name}.scored.otio", f"{name}{SUFFIX}", "1m01.mid", "1m01_mix.wav"]
    if (folder / REPORT).exists() and not before:
        raise OutputError(f"{folder / REPORT} is not from an earlier score; choose another folder.")
    other = next((held for held in before if held.endswith(SUFFIX) and held != f"{name}{SUFFIX}"), None)
    if other is not None:
        raise OutputError(f"{folder} holds the score of another timeline ({other}); choose another folder.")
    _refuse_strangers(folder, wanted, before)
    return before


def _refuse_strangers(folder: Path, names: Mapping[str, str] | list[str], before: Mapping[str, str]) -> None:
    for name in names:
        path = folder / name
        if not path.exists() or (path.suffix == SUFFIX and name in before):
            continue
        if name not in before:
            raise OutputError(f"{path} is there and not from an earlier score; choose another folder, or move it away.")
        if _fingerprint(path) != before[name]:
            raise OutputError(f"{path} was changed since it was written; move it away, or choose another folder.")


def _cue_files(session: Session, take: Take, stage: Path, watch: Stopwatch) -> tuple[list[StemClip], report.Table]:
    """MIDI, stems and mix of the take in use; the clips for the timeline, and the cue's part of the report."""
    cue = session.cue(take.cue)
    placement = place(session.picture, cue)
    watch("render", 0.0)
    score = session.perform(take)
    notes = stage / f"{cue.name}.mid"
    midi.write(score, notes, placement, markers_of(session.picture, cue))
    sound = audio.write(score, placement, stage, _settings(take), watch, midi=notes)
    loudness = sound.rendered.loudness
    files = {
        "midi": _name(notes, stage),
        "mix": _name(sound.mix.path, stage),
        "stems": {clip.stem: _name(clip.path, stage) for clip in sound.stems},
        "loudness_lufs": round(loudness.integrated_lufs, 2),
        "true_peak_db": round(loudness.true_peak_db, 2),
        "soundfont": sound.rendered.soundfont.name,
        "player": sound.rendered.player,
    }
    return list(sound.stems), report.cue_table(session, take, files)


def _take_files(session: Session, take: Take, folder: Path, watch: Stopwatch) -> None:
    """A take that is not in use, to listen to: `takes/1m01_take2.mid` and `takes/1m01_take2_mix.wav`."""
    cue = session.cue(take.cue)
    placement = place(session.picture, cue)
    score = replace(session.perform(take), title=f"{cue.name}_take{take.number}")
    midi.write(score, folder / f"{score.title}.mid", placement, markers_of(session.picture, cue))
    for stem in audio.write(score, placement, folder, _settings(take), watch).stems:
        stem.path.unlink()
    (folder / "stems").rmdir()


def _settings(take: Take) -> audio.AudioSettings:
    request = take.request
    return audio.AudioSettings(loudness_lufs=request.loudness_lufs, soundfont=request.soundfont, take=str(take.number))


def _timeline(session: Session, clips: list[StemClip], stage: Path) -> None:
    from shotscore_engine.readers import read_timeline

    from . import otio as otio_format

    source = Path(session.timeline)
    edit = read_timeline(source)
    _anchor_media(edit, source.parent)
    # The clips lie in the hidden folder now and in their own soon; their relative paths are the same in both.
    cue = next(cue for cue in session.cues if cue.name in session.chosen)
    first = session.take(cue.name)
    provenance = {
        "made_by": "shotscore",
        "take": first.number,
        "seed": first.request.seed,
        "model": first.model.name,
        "model_sha256": first.model.sha256,
        "session": f"{session.name}{SUFFIX}",
        "versions": first.versions,
    }
    placement = place(session.picture, cue)
    scored = otio_format.insert(edit, clips, placement, provenance=provenance, relative_to=stage)
    otio_format.write(scored, stage / f"{session.name}.scored.otio")


def _anchor_media(edit: "otio.schema.Timeline", base: Path) -> None:
    """Media paths that are relative to the timeline's folder made absolute: the copy lies somewhere else."""
    from shotscore_engine.picture import local_paths

    for clip in edit.find_clips():
        for reference in clip.media_references().values():
            for field in ("target_url", "target_url_base"):  # of a file, and of a sequence of images
                url = getattr(reference, field, "")
                if not url or ":" in url.split("/")[0]:
                    continue
                candidates = local_paths(url, base)
                found = [path for path in candidates if path.exists()] or list(candidates)
                if found:
                    setattr(reference, field, found[0].as_uri() + ("/" if field == "target_url_base" else ""))


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _fingerprint(path: Path) -> str:
    """Tells a file from a changed one without reading all of it: its length, its head and its tail."""
    try:
        with path.open("rb") as file:
            head = file.read(_SAMPLE_BYTES)
            length = file.seek(0, 2)
            file.seek(max(0, length - _SAMPLE_BYTES))
            tail = file.read()
    except OSError:
        return ""
    return f"{length}:{hashlib.sha256(head + tail).hexdigest()[:16]}"
