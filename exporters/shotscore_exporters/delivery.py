"""A session's files beside each other in one folder, as `score` leaves them.

    FOLDER/NAME.scored.otio    a copy of the timeline with the music on new tracks
    FOLDER/NAME.shotscore      the session
    FOLDER/1m01.mid            the notes of the take in use, for a composer
    FOLDER/1m01_mix.wav        and stems/1m01_STEM.wav: its sound
    FOLDER/takes/              further takes, as MIDI and mix
    FOLDER/report.json         what was done

Everything is made in a hidden folder first and moved into place at the end, so that a run that is stopped leaves
nothing. Files of an earlier delivery are replaced; a file that is not one of ours, or that somebody has
changed since, is in the way and is never touched. While files are being moved into place, a hidden list says which:
a run that is killed then leaves some of its files beside some of the earlier ones, and the next one knows both.

Where a cue's files hold an earlier take of it, only the bars that differ are rendered (`splice`), and a cue that is
rendered whole because of a recut keeps its level: what stays sounds as it did. A cue scored anew gets the loudness
asked for. Where the very same sound was delivered before, to any folder, and lies there untouched, it is copied.
"""

import hashlib
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from shotscore_engine import __version__
from shotscore_engine.atomic import move_into, replace_file, staging, sweep
from shotscore_engine.cache import Fingerprint, keep, recall
from shotscore_engine.cache import fingerprint as fingerprint_of
from shotscore_engine.errors import OutputError, RequestError
from shotscore_engine.measure import Stopwatch, peak_memory_bytes
from shotscore_engine.perform import Score
from shotscore_engine.progress import Progress, silent
from shotscore_engine.session import SUFFIX, Session, Take

from . import audio, bwf, midi, report, splice, synth
from .loudness import Loudness
from .placement import Placement, StemClip, markers_of, place

if TYPE_CHECKING:
    import opentimelineio as otio

REPORT = "report.json"
PENDING = ".shotscore-pending.json"
"""The hidden list of what is being moved into place; it is there only then, and after a kill."""
Ours = Mapping[str, tuple[str, ...]]
"""The fingerprints a file may have and still be one of ours, by name."""
_SAMPLE_BYTES = 1 << 16
_REMEMBERED = 4
_OFF_TARGET_LU = 1.0
"""How far the loudness may move before a person is told."""


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
    earlier = {str(row.get("name")): row for row in report.read(folder / REPORT).get("cues", [])}
    play = _Player(session)
    clips: list[StemClip] = []
    cues = []
    sounds = []
    with staging(folder) as stage:
        for cue in session.cues:
            if cue.name not in session.chosen:
                continue  # spotted, and no music yet
            take = session.take(cue.name)
            row = earlier.get(cue.name, {})
            made, table = _cue_files(play, take, stage, watch, folder, row.get("take"))
            sounds.append((play(take), place(session.picture, cue), settings_of(take)))
            clips += made
            cues.append(table)
            others = {}
            for other in session.takes:
                if other.cue == cue.name and other.number != take.number and other.edit == take.edit:
                    number = str(other.number)
                    others[number] = _origin(session, other)
                    is_same = row.get("other_takes", {}).get(number) == others[number]
                    if is_same and _kept(other, stage, folder, before):
                        continue
                    _take_files(play, other, stage, watch, folder, row.get("take") == other.number)
            table["other_takes"] = others
        watch("write", 0.0)
        _timeline(session, clips, stage)
        (stage / f"{session.name}{SUFFIX}").write_bytes(session.to_bytes(folder))
        files = {_name(path, stage): fingerprint(path) for path in sorted(stage.rglob("*")) if path.is_file()}
        _refuse_strangers(folder, files, before)
        table = report.score_table(session, cues, watch.seconds(), peak_memory_bytes(), files)
        table["warnings"] += [sentence for row in cues if (sentence := _off_target(row))]
        for path in (folder / f"{session.name}{SUFFIX}", folder / REPORT, folder / PENDING):
            sweep(path)
        # Also what was there before: it has still to go, and a run before this one may have been killed as well.
        known = {name: " ".join((*before.get(name, ()), files.get(name, ""))) for name in before.keys() | files.keys()}
        replace_file(folder / PENDING, report.to_bytes({"cues": [], "files": known}))
        session.save(folder / f"{session.name}{SUFFIX}")  # keeps the one before, as moving would not
        (stage / f"{session.name}{SUFFIX}").unlink()
        move_into(stage, folder)
        replace_file(folder / REPORT, report.to_bytes(table))
    for name in before.keys() - files.keys():
        if fingerprint(folder / name) in before[name]:
            (folder / name).unlink()
    (folder / PENDING).unlink()
    for score, placement, settings in sounds:
        _remember(score, placement, folder, settings)
    watch("write", 1.0)
    return Delivery(folder, table)


def check_folder(name: str, folder: Path) -> Ours:
    """What earlier deliveries left in `folder`, by name; made to be called before any work.

    Raises OutputError where nothing can be written there, or where somebody else's files bear names we would use.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; choose a folder to write to.")
    with staging(folder):
        pass
    before: dict[str, tuple[str, ...]] = {}
    for listed in (REPORT, PENDING):
        for held, fingerprints in report.read(folder / listed).get("files", {}).items():
            before[held] = (*before.get(held, ()), *str(fingerprints).split())
    wanted = [f"{name}.scored.otio", f"{name}{SUFFIX}", "1m01.mid", "1m01_mix.wav"]
    if (folder / REPORT).exists() and not report.read(folder / REPORT):
        raise OutputError(f"{folder / REPORT} is not from an earlier score; choose another folder.")
    other = next((held for held in before if held.endswith(SUFFIX) and held != f"{name}{SUFFIX}"), None)
    if other is not None:
        raise OutputError(f"{folder} holds the score of another timeline ({other}); choose another folder.")
    _refuse_strangers(folder, wanted, before)
    return before


def _refuse_strangers(folder: Path, names: Mapping[str, str] | list[str], before: Ours) -> None:
    for name in names:
        path = folder / name
        if not path.exists() or (path.suffix == SUFFIX and name in before):
            continue
        if name not in before:
            raise OutputError(f"{path} is there and not from an earlier score; choose another folder, or move it away.")
        if fingerprint(path) not in before[name]:
            raise OutputError(f"{path} was changed since it was written; move it away, or choose another folder.")


class _Player:
    """Plays takes; what was played lately is remembered, also from one delivery to the next."""

    _lately: ClassVar[dict[str, Score]] = {}

    def __init__(self, session: Session) -> None:
        self.session = session

    def __call__(self, take: Take) -> Score:
        """The take as it is played."""
        key = _origin(self.session, take)
        score = self._lately.pop(key, None) or self.session.perform(take)
        self._lately[key] = score
        for old in list(self._lately)[:-_REMEMBERED]:
            self._lately.pop(old, None)
        return score


def _cue_files(
    play: _Player, take: Take, stage: Path, watch: Stopwatch, home: Path, earlier: int | None
) -> tuple[list[StemClip], report.Table]:
    """MIDI, stems and mix of the take in use; the clips for the timeline, and the cue's part of the report.

    `earlier` is the take the files in `home` are of.
    """
    session = play.session
    cue = session.cue(take.cue)
    placement = place(session.picture, cue)
    watch("render", 0.0)
    score = play(take)
    notes = stage / f"{cue.name}.mid"
    midi.write(score, notes, placement, markers_of(session.picture, cue))
    settings, before = settings_of(take), None
    if earlier is not None:
        before = _score_of(play, cue.name, earlier)
    sound = level = None
    if before is not None:
        sound = splice.splice(score, before[0], placement, home, stage, settings, watch, notes)
        if sound is None:
            level = splice.level_in(before[0], before[1], home, settings)
    if sound is None and level is None:
        sound = _delivered_before(score, placement, stage, settings, watch, notes)
    if sound is None:
        sound = audio.write(score, placement, stage, settings, watch, midi=notes, level=level)
    loudness = sound.loudness
    anew = sound.anew if sound.anew is not None else ((0, sound.mix.samples),)
    files = {
        "midi": _name(notes, stage),
        "mix": _name(sound.mix.path, stage),
        "stems": {clip.stem: _name(clip.path, stage) for clip in sound.stems},
        "seconds_long": round(sound.mix.samples / settings.sample_rate, 3),
        "seconds_rendered": round(sum(end - start for start, end in anew) / settings.sample_rate, 3),
        "loudness_lufs": round(loudness.integrated_lufs, 2),
        "loudness_target_lufs": settings.loudness_lufs,
        "true_peak_db": round(loudness.true_peak_db, 2),
        "soundfont": sound.soundfont.name,
        "player": sound.player,
    }
    return list(sound.stems), report.cue_table(session, take, files)


_DELIVERIES: Fingerprint = ("deliveries", 0, 0)
"""What the cache knows deliveries by."""
_LOUD_ENOUGH = 0.1


def _remember(score: Score, placement: Placement, home: Path, settings: audio.AudioSettings) -> None:
    """Where the sound of a cue lies now, for `_delivered_before`."""
    names: list[str | None] = [*(stem.name for stem in score.stems), None]
    paths = [home / audio.file_name(score.title, name) for name in names]
    keep(_DELIVERIES, _digest(score, placement, settings), [fingerprint_of(path) for path in paths])


def _digest(score: Score, placement: Placement, settings: audio.AudioSettings) -> str:
    return audio.stamps_of(score, audio.room_of(score, placement, settings), settings, 1.0)[None].split()[1]


def _delivered_before(
    score: Score, placement: Placement, stage: Path, settings: audio.AudioSettings, watch: Stopwatch, notes: Path
) -> audio.Delivered | None:
    """The files of a cue out of the folder they were delivered to last, if nobody has touched them since."""
    names: list[str | None] = [*(stem.name for stem in score.stems), None]
    known = recall(_DELIVERIES, _digest(score, placement, settings))
    if not isinstance(known, list) or len(known) != len(names):
        return None
    sources = [Path(str(one[0])) for one in known if isinstance(one, list) and one]
    if len(sources) != len(names) or any(list(fingerprint_of(p)) != one for p, one in zip(sources, known, strict=True)):
        return None
    heads = [bwf.read_head(source) for source in sources]
    room, mix = audio.room_of(score, placement, settings), heads[-1]
    if mix is None or mix.integrated_lufs is None or mix.true_peak_db is None:
        return None
    level = audio.level_of(mix.user)
    if level is None or abs(mix.integrated_lufs - settings.loudness_lufs) > _LOUD_ENOUGH:
        return None
    stamps = audio.stamps_of(score, room, settings, level)
    measured = Loudness(mix.integrated_lufs, mix.true_peak_db)
    if any(head is None or head.user != stamps[name] for name, head in zip(names, heads, strict=True)):
        return None

    def one(name: str | None, source: Path, head: bwf.Head | None) -> StemClip:
        assert head is not None
        path = stage / audio.file_name(score.title, name)
        bwf.patch(path, source, head, audio.label_of(name, score, placement, settings, measured, stamps[name]), [])
        return audio.clip_of(name, path, score, placement, settings, room, notes)

    try:
        with ThreadPoolExecutor(audio.workers(settings)) as pool:
            clips = list(pool.map(one, names, sources, heads))
    except (OSError, OutputError):
        return None  # gone while it was read; and a full disk is told by who writes next
    watch("render", 1.0)
    player = synth.chosen(settings.player)
    return audio.Delivered(tuple(clips[:-1]), clips[-1], measured, room.font, player, None, ())


def _off_target(row: Mapping[str, Any]) -> str:
    """What there is to say where bars made anew at the level of the rest have moved the loudness."""
    now, target = row["loudness_lufs"], row["loudness_target_lufs"]
    if row["seconds_rendered"] >= row["seconds_long"] or not abs(now - target) > _OFF_TARGET_LU:
        return ""
    return (
        f"The mix of {row['name']} is at {now:.1f} LUFS now, not {target:.1f}: what was not made anew keeps its level. "
        "Export the stems for delivery, which brings all of it to the target."
    )


def _origin(session: Session, take: Take) -> str:
    """A digest of all that decides what the files of a take hold."""
    cue = session.cue(take.cue)
    marks = markers_of(session.picture, cue)
    own_style = Path(take.style).stat().st_mtime_ns if take.style.endswith(".toml") and Path(take.style).exists() else 0
    held = (
        own_style,
        replace(take, name="", starred=False), settings_of(take), cue, place(session.picture, cue), marks, __version__,
        audio.SOUND_VERSION,
    )  # fmt: skip
    return hashlib.sha256(repr(held).encode()).hexdigest()[:32]


def _kept(take: Take, stage: Path, home: Path, before: Ours) -> bool:
    """Whether the files of a take not in use lie in `home` as they were written; they are copied then."""
    names = [f"takes/{take.cue}_take{take.number}{ending}" for ending in (".mid", "_mix.wav")]
    if any(fingerprint(home / name) not in before.get(name, ()) for name in names):
        return False
    (stage / "takes").mkdir(exist_ok=True)
    for name in names:
        shutil.copyfile(home / name, stage / name)
    return True


def _take_files(play: _Player, take: Take, stage: Path, watch: Stopwatch, home: Path, is_main: bool) -> None:
    """A take that is not in use, to listen to: `takes/1m01_take2.mid` and `takes/1m01_take2_mix.wav`.

    A mix that lies in `home` already is taken from there; `is_main` says that the cue's own mix is still this take's.
    """
    session = play.session
    cue = session.cue(take.cue)
    placement = place(session.picture, cue)
    settings = settings_of(take)
    score = replace(play(take), title=f"{cue.name}_take{take.number}")
    folder = stage / "takes"
    midi.write(score, folder / f"{score.title}.mid", placement, markers_of(session.picture, cue))
    room = audio.room_of(score, placement, settings)
    mix = audio.file_name(score.title, None)
    sources = [home / "takes" / mix, *([home / audio.file_name(cue.name, None)] if is_main else [])]
    for source in sources:
        head = bwf.read_head(source)
        level = None if head is None else audio.level_of(head.user)
        if head is None or level is None or head.integrated_lufs is None or head.true_peak_db is None:
            continue
        stamp = audio.stamps_of(score, room, settings, level)[None]
        if stamp == head.user and head.samples == room.samples:
            measured = Loudness(head.integrated_lufs, head.true_peak_db)
            label = audio.label_of(None, score, placement, settings, measured, stamp)
            bwf.patch(folder / mix, source, head, label, [])
            return
    audio.write(score, placement, folder, settings, watch, stems=False)


def delivered_stems(session: Session, home: Path) -> list[StemClip] | None:
    """The stems in `home` as they go on a timeline; None where those are not the session's takes in use."""
    clips: list[StemClip] = []
    for cue in session.cues:
        if cue.name not in session.chosen:
            continue
        take, placement = session.take(cue.name), place(session.picture, cue)
        score, settings = session.perform(take), settings_of(take)
        if splice.level_in(score, placement, home, settings) is None:
            return None
        room, notes = audio.room_of(score, placement, settings), home / f"{cue.name}.mid"
        for stem in score.stems:
            path = home / audio.file_name(score.title, stem.name)
            clips.append(audio.clip_of(stem.name, path, score, placement, settings, room, notes))
    return clips


def _score_of(play: _Player, cue_name: str, number: int) -> tuple[Score, Placement] | None:
    """Take `number` of a cue as it was played, for the edit it was written to; None where it is not known any more."""
    from shotscore_engine.orchestrate import orchestrate

    session = play.session
    try:
        take = session.any_take(cue_name, number)
        edits = session.edits[take.edit :]
        if not edits:
            return play(take), place(session.picture, session.cue(cue_name))
        picture = edits[0].picture
        cue = next(cue for cue in edits[0].cues if cue.name == cue_name)
        return orchestrate(take, cue, picture.rate), place(picture, cue)
    except (RequestError, StopIteration):
        return None


def settings_of(take: Take) -> audio.AudioSettings:
    """How a take asks to sound."""
    request = take.request
    return audio.AudioSettings(loudness_lufs=request.loudness_lufs, soundfont=request.soundfont, take=str(take.number))


def _timeline(session: Session, clips: list[StemClip], stage: Path) -> None:
    from shotscore_engine.readers import read_timeline

    from . import otio as otio_format

    source = Path(session.timeline)
    edit = read_timeline(source)
    anchor_media(edit, source.parent)
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


def anchor_media(edit: "otio.schema.Timeline", base: Path) -> None:
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


def fingerprint(path: Path) -> str:
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
