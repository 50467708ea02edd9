"""A session in any format, on request: what `shotscore export` and the panel's export do.

One function a format; each makes its files in a hidden folder first. What is there under their names is replaced only
where an earlier export wrote it (`exports.json` in the folder lists those) and nobody has changed it since.

Sound is that of the session's own files where they are as loud as asked for; else (another rate, depth, loudness,
handles, or bars made anew since that moved the loudness) it is rendered for the export. Music steps back under speech
by keyframes in FCP7 XML, FCPXML, MLT and Kdenlive projects; with the other formats goes a mix with it printed in.
"""

import filecmp
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from shotscore_engine.atomic import move_into, replace_file, staging
from shotscore_engine.errors import OutputError, RequestError
from shotscore_engine.perform import Score
from shotscore_engine.progress import Progress, silent
from shotscore_engine.session import Session, Take, dialogue_in

from . import audio, bwf, click, cuesheet, dawproject, documents, ducking, encode, midi, musicxml, splice
from . import otio as otio_format
from .audio import AudioSettings
from .credits import Credits
from .delivery import anchor_media, fingerprint, settings_of
from .loudness import Loudness
from .placement import Placement, StemClip, delivery_name, markers_of, place

Names = Literal["plain", "full"]
Encoding = Literal["wav", "flac", "mp3", "m4a"]
MANIFEST = "exports.json"
_LOUD_ENOUGH = 0.2
"""LU by which the session's own files may miss the target and still be taken as they are."""


@dataclass(frozen=True)
class ExportSettings:
    """How things are written; None is what the take asked for."""

    sample_rate: int = 48_000
    bits: int = 24
    loudness_lufs: float | None = None
    true_peak_db: float = -1.0
    soundfont: Path | None = None
    pre_roll_frames: int = 0
    post_roll_frames: int = 0
    names: Names = "plain"
    """`full`: production, cue, stem, rate, bits and a version that counts up."""
    encoding: Encoding = "wav"
    """Of `stems` and `mix`; what goes on timelines is always WAV."""
    duck: ducking.Ducking = field(default_factory=ducking.Ducking)
    credits: Credits = field(default_factory=Credits)
    cues: tuple[str, ...] = ()
    """Names; none is all that have music."""

    def __post_init__(self) -> None:
        for name, value, choices in (
            ("kind of names", self.names, get_args(Names)),
            ("encoding", self.encoding, get_args(Encoding)),
        ):
            if value not in choices:
                raise RequestError(f"There is no {name} {value!r}; choose one of {', '.join(choices)}.")


@dataclass(frozen=True)
class Format:
    """A format on offer."""

    about: str
    make: Callable[["_Desk"], None]


def export(
    session: Session,
    form: str,
    folder: Path,
    settings: ExportSettings | None = None,
    progress: Progress = silent,
    home: Path | None = None,
) -> tuple[Path, ...]:
    """Write `session` as `form` (see FORMATS) into `folder`, which is made if need be; the files, as absolute paths.

    `home` is the session's own folder, whose sound is used where it fits. Raises RequestError for an unknown format or
    settings out of range, or where nothing has music; OutputError where somebody else's file is in the way.
    """
    if form not in FORMATS:
        raise RequestError(f"There is no format {form!r}; choose one of {', '.join(FORMATS)}.")
    settings = settings or ExportSettings()
    if settings.credits.production:
        session = replace(session, picture=replace(session.picture, name=settings.credits.production))
    folder = folder.absolute()
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; choose a folder to write to.")
    with staging(folder) as stage:
        desk = _Desk(session, form, settings, stage, folder, home, progress)
        FORMATS[form].make(desk)
        desk.put_in_place()
    progress("write", 1.0)
    return tuple(desk.files)


class _Desk:
    """One export at work: the takes in use, their sound, and the files made so far."""

    def __init__(
        self,
        session: Session,
        form: str,
        settings: ExportSettings,
        stage: Path,
        folder: Path,
        home: Path | None,
        progress: Progress,
    ) -> None:
        self.session, self.form, self.settings, self.progress = session, form, settings, progress
        self.stage, self.folder, self.home = stage, folder, home
        self.files: list[Path] = []
        wanted = settings.cues or tuple(cue.name for cue in session.cues if cue.name in session.chosen)
        self.takes = [session.take(session.cue(name).name) for name in wanted]
        if not self.takes:
            raise RequestError("No cue of the session has music yet; score it first.")
        self._scores: dict[str, Score] = {}
        self._before = _manifest(folder)

    def score(self, take: Take) -> Score:
        """The take as it is played."""
        if take.cue not in self._scores:
            self._scores[take.cue] = self.session.perform(take)
        return self._scores[take.cue]

    def place(self, take: Take) -> Placement:
        """Where its cue stands."""
        return place(self.session.picture, self.session.cue(take.cue))

    def settings_for(self, take: Take) -> AudioSettings:
        """How its sound is made."""
        asked, wanted = settings_of(take), self.settings
        return replace(
            asked,
            sample_rate=wanted.sample_rate,
            bits=wanted.bits,
            loudness_lufs=asked.loudness_lufs if wanted.loudness_lufs is None else wanted.loudness_lufs,
            true_peak_db=wanted.true_peak_db,
            soundfont=wanted.soundfont or asked.soundfont,
            pre_roll_frames=wanted.pre_roll_frames,
            post_roll_frames=wanted.post_roll_frames,
        )

    def keys(self, take: Take) -> tuple[ducking.Keyframe, ...]:
        """How its music steps back under speech."""
        if not take.request.duck:
            return ()
        speech = dialogue_in(self.session.picture, self.session.cue(take.cue))
        return ducking.envelope(speech, self.place(take).duration, self.settings.duck)

    def sound(self, take: Take) -> tuple[list[StemClip], StemClip]:
        """Its stems and its mix as WAV files in the stage."""
        score, placement, settings = self.score(take), self.place(take), self.settings_for(take)
        named = self._namer(take, placement, settings)
        taken = self._taken(score, placement, settings, named)
        if taken is not None:
            return taken
        made = audio.write(score, placement, self.stage, settings, self.progress, named=named)
        return list(made.stems), made.mix

    def ducked(self, take: Take, mix: StemClip, keys: Sequence[ducking.Keyframe]) -> Path | None:
        """A mix with the ducking printed into it; None where nobody speaks."""
        if not keys:
            return None
        score, placement, settings = self.score(take), self.place(take), self.settings_for(take)
        room, head = audio.room_of(score, placement, settings), bwf.read_head(mix.path)
        assert head is not None
        path = mix.path.with_stem(f"{mix.path.stem}_ducked")
        label = audio.label_of("mix ducked", score, placement, settings, Loudness(0, 0), "")
        inside = ducking.gain(keys, room.sounding, head.sample_rate)
        factors = np.concatenate([np.full(room.before, inside[0], np.float32), inside])

        def blocks() -> Iterator[NDArray[np.float32]]:
            for start, block in _blocks(mix.path, head):
                yield block * factors[start : start + len(block), None]

        bwf.write(path, blocks(), label, head.sample_rate, settings.bits, audio.CHANNELS, head.samples)
        return path

    def encoded(self, path: Path) -> None:
        """A WAV file in the stage as the encoding asked for, in its place."""
        if self.settings.encoding == "wav":
            return
        head = bwf.read_head(path)
        assert head is not None
        target = path.with_suffix(f".{self.settings.encoding}")
        encode.write(target, (block for _, block in _blocks(path, head)), head.sample_rate)
        path.unlink()

    def final(self, clip: StemClip) -> StemClip:
        """A clip of the stage as it will lie in the folder."""
        return replace(clip, path=self.folder / clip.path.relative_to(self.stage))

    def put_in_place(self) -> None:
        """Move what is in the stage to the folder. Raises OutputError where somebody else's file is in the way."""
        made = {p.relative_to(self.stage).as_posix(): p for p in sorted(self.stage.rglob("*")) if p.is_file()}
        for name, path in list(made.items()):
            target = self.folder / name
            if not target.exists():
                continue
            if filecmp.cmp(path, target, shallow=False):
                path.unlink()
            elif self._before.get(name) != fingerprint(target):
                raise OutputError(
                    f"{target} is there and not from an earlier export, or was changed since; choose another folder, "
                    "or move it away."
                )
        listed = {**self._before, **{name: fingerprint(path) for name, path in made.items() if path.exists()}}
        move_into(self.stage, self.folder)
        self._before = listed
        if listed:
            replace_file(self.folder / MANIFEST, json.dumps({"files": listed}, indent=1, ensure_ascii=False).encode())
        self.files += [self.folder / name for name in made if self.folder / name not in self.files]

    def _namer(self, take: Take, placement: Placement, settings: AudioSettings) -> Callable[[str | None], str]:
        score = self.score(take)
        if self.settings.names == "plain":
            return lambda stem: audio.file_name(score.title, stem)
        version = self._next_version(placement, score.title)

        def full(stem: str | None) -> str:
            name = delivery_name(
                placement, score.title, stem or audio.MIX, settings.sample_rate, settings.bits, version
            )
            return name if stem is None else f"stems/{name}"

        return full

    def _next_version(self, placement: Placement, cue: str) -> int:
        """One more than the highest version of the cue's files in the folder."""
        start = delivery_name(placement, cue, "", 48_000, 24, 1).split("_48k")[0]
        found = [
            int(match[1])
            for path in (*self.folder.glob("*_v*.*"), *self.folder.glob("stems/*_v*.*"))
            if path.name.startswith(f"{start}_") and (match := re.search(r"_v(\d+)\.\w+$", path.name))
        ]
        return max(found, default=0) + 1

    def _taken(
        self, score: Score, placement: Placement, settings: AudioSettings, named: Callable[[str | None], str]
    ) -> tuple[list[StemClip], StemClip] | None:
        """The session's own files, if they hold this sound."""
        if self.home is None:
            return None
        level = splice.level_in(score, placement, self.home, settings)
        heads = {name: bwf.read_head(self.home / audio.file_name(score.title, name)) for name in _names(score)}
        mix = heads[None]
        if level is None or mix is None or mix.integrated_lufs is None or mix.true_peak_db is None:
            return None
        if abs(mix.integrated_lufs - settings.loudness_lufs) > _LOUD_ENOUGH:
            return None
        room = audio.room_of(score, placement, settings)
        stamps = audio.stamps_of(score, room, settings, level)
        measured = Loudness(mix.integrated_lufs, mix.true_peak_db)
        clips = []
        for name, head in heads.items():
            assert head is not None
            path = self.stage / named(name)
            label = audio.label_of(name, score, placement, settings, measured, stamps[name])
            bwf.patch(path, self.home / audio.file_name(score.title, name), head, label, [])
            clips.append(audio.clip_of(name, path, score, placement, settings, room, None))
        return clips[:-1], clips[-1]


# --- formats -------------------------------------------------------------------------------------------------------


def _stems(desk: _Desk) -> None:
    for take in desk.takes:
        stems, mix = desk.sound(take)
        mix.path.unlink()
        for clip in stems:
            desk.encoded(clip.path)


def _mix(desk: _Desk) -> None:
    for take in desk.takes:
        stems, mix = desk.sound(take)
        for clip in stems:
            clip.path.unlink()
        printed = desk.ducked(take, mix, desk.keys(take))
        for path in filter(None, (mix.path, printed)):
            desk.encoded(path)


def _click(desk: _Desk) -> None:
    for take in desk.takes:
        path = desk.stage / f"{take.cue}_click.wav"
        click.write(desk.score(take), desk.place(take), path, desk.settings.sample_rate, desk.settings.bits)


def _midi(desk: _Desk) -> None:
    for take in desk.takes:
        _write_midi(desk, take)
        marks = markers_of(desk.session.picture, desk.session.cue(take.cue))
        path = desk.stage / f"{take.cue}_stems.mid"
        midi.write(desk.score(take), path, desk.place(take), marks, content="stems")


def _write_midi(desk: _Desk, take: Take) -> Path:
    path = desk.stage / f"{take.cue}.mid"
    marks = markers_of(desk.session.picture, desk.session.cue(take.cue))
    midi.write(desk.score(take), path, desk.place(take), marks)
    return path


def _musicxml(desk: _Desk) -> None:
    for take in desk.takes:
        musicxml.write(desk.score(take), desk.stage / f"{take.cue}.musicxml")


def _dawproject(desk: _Desk) -> None:
    for take in desk.takes:
        stems, mix = desk.sound(take)
        mix.path.unlink()
        marks = markers_of(desk.session.picture, desk.session.cue(take.cue))
        dawproject.write(desk.score(take), stems, desk.stage / f"{take.cue}.dawproject", marks)
        for clip in stems:
            clip.path.unlink()  # the project holds them


def _cue_sheet(desk: _Desk) -> None:
    credits = desk.settings.credits
    lines = [
        cuesheet.CueLine(
            take.cue,
            desk.place(take),
            title=credits.title or take.name,
            usage=credits.usage,
            writers=credits.writers,
            publishers=credits.publishers,
        )
        for take in desk.takes
    ]
    cuesheet.write(lines, desk.session.picture.name, desk.stage)


def _report(desk: _Desk) -> None:
    from . import spotting_report

    spotting_report.write(desk.session, desk.takes, desk.stage, desk.progress)


def _preview(desk: _Desk) -> None:
    from . import preview

    mixes = []
    for take in desk.takes:
        stems, mix = desk.sound(take)
        for clip in stems:
            clip.path.unlink()
        mixes.append(mix)
    path = desk.stage / f"{desk.session.name}.preview.mp4"
    ducked = desk.settings.duck if any(take.request.duck for take in desk.takes) else ducking.Ducking(amount_db=0)
    preview.write(desk.session.picture, mixes, path, desk.progress, ducked)
    for clip in mixes:
        clip.path.unlink()


def _timeline(desk: _Desk) -> None:
    """A document with the music, its stems and MIDI beside it."""
    with_keys = desk.form in ("fcp7xml", "fcpxml", "mlt", "kdenlive", "kdenlive-1.04")
    clips = []
    for take in desk.takes:
        stems, mix = desk.sound(take)
        notes = _write_midi(desk, take)
        keys = desk.keys(take)
        if not with_keys:
            desk.ducked(take, mix, keys)
        mix.path.unlink()
        volume = keys if with_keys else ()
        clips += [replace(clip, midi=desk.folder / notes.name, volume=volume) for clip in stems]
    # Documents name their media, and AAF looks into them: they go to their place first.
    desk.put_in_place()
    clips = [desk.final(clip) for clip in clips]
    placement = desk.place(desk.takes[0])
    if desk.form.startswith("otio"):
        _otio(desk, clips, placement)
        return
    suffix = _SUFFIXES[desk.form]
    source = Path(desk.session.timeline)
    is_own = source.suffix.lower() == suffix and source.is_file() and desk.form != "kdenlive-1.04"
    data = source.read_bytes() if is_own else documents.NEW[desk.form](desk.session.picture)
    from . import projects

    replace_file(desk.stage / f"{desk.session.name}.scored{suffix}", projects.changed(suffix, data, clips, placement))


def _otio(desk: _Desk, clips: Sequence[StemClip], placement: Placement) -> None:
    from shotscore_engine.readers import read_timeline

    flavours: dict[str, tuple[otio_format.Flavour, str]] = {
        "otio": ("generic", "scored"),
        "otio-resolve": ("otio-resolve", "resolve"),
        "otio-premiere": ("otio-premiere", "premiere"),
    }
    flavour, word = flavours[desk.form]
    source = Path(desk.session.timeline)
    edit = read_timeline(source)
    anchor_media(edit, source.parent)
    first = desk.takes[0]
    provenance = {"made_by": "shotscore", "take": first.number, "seed": first.request.seed, "model": first.model.name}
    scored = otio_format.insert(edit, clips, placement, flavour, provenance)
    otio_format.write(scored, desk.stage / f"{desk.session.name}.{word}.otio")


_SUFFIXES = {
    "fcp7xml": ".xml",
    "fcpxml": ".fcpxml",
    "mlt": ".mlt",
    "kdenlive": ".kdenlive",
    "kdenlive-1.04": ".kdenlive",
    "aaf": ".aaf",
}

FORMATS: dict[str, Format] = {
    "otio": Format("OpenTimelineIO", _timeline),
    "otio-resolve": Format("OpenTimelineIO as DaVinci Resolve reads it", _timeline),
    "otio-premiere": Format("OpenTimelineIO as Premiere reads it", _timeline),
    "fcp7xml": Format("Final Cut Pro 7 XML, for Premiere, Resolve and others", _timeline),
    "fcpxml": Format("Final Cut Pro", _timeline),
    "kdenlive": Format("Kdenlive since 23.04 (format 1.1)", _timeline),
    "kdenlive-1.04": Format("Kdenlive before 23.04", _timeline),
    "mlt": Format("Shotcut and melt", _timeline),
    "aaf": Format("Avid Media Composer and Pro Tools", _timeline),
    "dawproject": Format("Bitwig, Studio One, Cubase: notes, stems, tempo map, markers", _dawproject),
    "midi": Format("MIDI: the written parts, and the arrangement", _midi),
    "musicxml": Format("lead sheet", _musicxml),
    "click": Format("click track", _click),
    "stems": Format("stems", _stems),
    "mix": Format("mix, and one that steps back under speech", _mix),
    "cue-sheet": Format("cue sheet as CSV, HTML and PDF", _cue_sheet),
    "report": Format("spotting report with thumbnails as HTML and PDF", _report),
    "preview": Format("the picture with the music, MP4", _preview),
}
"""Every format, by the name the command line knows it by."""


# --- small things --------------------------------------------------------------------------------------------------


def _names(score: Score) -> list[str | None]:
    return [*(stem.name for stem in score.stems), None]


def _blocks(path: Path, head: bwf.Head) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """(first sample, sound) of a WAV file of ours."""
    size = 1 << 18
    for start in range(0, head.samples, size):
        yield start, bwf.read_pcm(path, head, start, min(start + size, head.samples))


def _manifest(folder: Path) -> dict[str, str]:
    """What earlier exports left in the folder: fingerprints by name."""
    try:
        listed = json.loads((folder / MANIFEST).read_bytes())["files"]
        return {str(name): str(mark) for name, mark in listed.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
