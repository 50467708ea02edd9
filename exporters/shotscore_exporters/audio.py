"""Stems and mix: 24-bit Broadcast Wave, one start and one length to the sample, the sum of the stems is the mix.

A stem is played dry (`synth`), shaped by its style (`effects`) and faded at the cue's end. All stems are then
raised or lowered by one and the same gain: a number that brings their sum to the loudness asked for, times the
limiter's gain computed on that sum. The default target is -23 LUFS (EBU R128): broadcasters ask for it, it leaves a
dubbing mixer headroom, and at that level the limiter has next to nothing to do; -14 suits the web.

Sound between the passes lies in temporary files, so that an hour of music does not have to fit in memory.

Every file says in its iXML which notes it holds (a digest) and at which level: by that `splice` can make a few bars
anew inside it.
"""

import ctypes
import hashlib
import mmap
import os
import re
import struct
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shotscore_engine.errors import OutputError, RequestError
from shotscore_engine.perform import Score, Stem
from shotscore_engine.progress import Progress, silent
from shotscore_engine.timing import quantise, sample_at

from . import bwf, effects, loudness, soundfont, synth
from .placement import Placement, StemClip

CHANNELS = 2
MIX = "mix"
_BLOCK = 1 << 18
_SILENT_LUFS = -70.0
_MOST_MAKE_UP_DB = 6.0
"""Pushing a mix further into the limiter changes its character more than its loudness."""


@dataclass(frozen=True)
class AudioSettings:
    """How sound is made and delivered."""

    sample_rate: int = 48_000
    """44100, 48000, 88200 or 96000."""
    bits: int = 24
    """16, 24 or 32."""
    loudness_lufs: float = -23.0
    """Integrated loudness of the mix."""
    true_peak_db: float = -1.0
    """dBTP the mix stays under."""
    soundfont: Path | None = None
    """None: the best one found."""
    player: synth.Player = "auto"
    pre_roll_frames: int = 0
    """Handle before the cue, in frames of the picture; silent."""
    post_roll_frames: int = 0
    """Handle after the cue, into which the music rings out instead of fading at the cue's end."""
    take: str = "1"
    created: str = ""
    """YYYY-MM-DDTHH:MM:SS for the files' own date; empty keeps their bytes a function of the score."""
    workers: int = 0
    """Stems rendered side by side; 0: one for each core, four at most."""


@dataclass(frozen=True)
class Rendered:
    """Stems and the gain that makes them a mix; sounds are (samples, 2) float32, kept in temporary files."""

    stems: Mapping[str, NDArray[np.float32]]
    """Before the gain."""
    gain: NDArray[np.float32]
    """(samples,): what every stem and the mix are multiplied with."""
    loudness: loudness.Loudness
    """Of the mix."""
    limited_db: float
    """The most the limiter took away."""
    soundfont: Path
    player: str
    sample_rate: int
    level: float
    """The gain where nothing is limited, as a factor."""
    whole: NDArray[np.float32]
    """The sum of the stems."""

    @property
    def samples(self) -> int:
        """Length of every stem."""
        return len(self.gain)

    def blocks(self, stem: str | None = None) -> Iterator[NDArray[np.float32]]:
        """A stem, or the mix, after the gain, block by block."""
        sound = self.whole if stem is None else self.stems[stem]
        for start in range(0, self.samples, _BLOCK):
            span = slice(start, start + _BLOCK)
            yield sound[span] * self.gain[span, None]
        _let_go(sound)

    def mix(self) -> NDArray[np.float32]:
        """The whole mix, (samples, 2)."""
        return np.concatenate(list(self.blocks()))


@dataclass(frozen=True)
class Delivered:
    """The files of one cue."""

    stems: tuple[StemClip, ...]
    mix: StemClip
    loudness: loudness.Loudness
    """Of the mix."""
    soundfont: Path
    player: str
    rendered: Rendered | None = None
    """None where only parts of the files were rendered."""
    anew: tuple[tuple[int, int], ...] | None = None
    """(start, end) samples of the files that differ from those before; None: all of them."""


@dataclass(frozen=True)
class Room:
    """A cue's length in samples, and what it is played with."""

    font: Path
    sample_rate: int
    before: int
    """The handle before the cue."""
    sounding: int
    """The cue and the handle after it."""
    inside: int
    """The cue alone."""
    fade: int
    """Over how many of the last samples it goes to nothing."""

    @property
    def samples(self) -> int:
        """Length of the files."""
        return self.before + self.sounding

    def faded(self, start: int, end: int) -> NDArray[np.float32]:
        """(samples,): 1, and over the last `fade` samples half a cosine down to 0; counted from the cue's start."""
        length = min(max(self.fade, 1), self.sounding)
        place = np.arange(start, end) - (self.sounding - length) + 1
        return np.asarray(0.5 + 0.5 * np.cos(np.pi * np.maximum(place, 0) / length), np.float32)

    def fades_from(self) -> int:
        """The sample of the cue from where `faded` is no longer 1."""
        return max(0, self.sounding - max(self.fade, 1))


def room_of(score: Score, placement: Placement, settings: AudioSettings) -> Room:
    """How long a cue's files are. Raises RequestError for settings out of range, InputError for a wrong SoundFont."""
    _check(settings)
    rate = settings.sample_rate
    before, after = (
        quantise(Fraction(frames) / placement.rate * rate)
        for frames in (settings.pre_roll_frames, settings.post_roll_frames)
    )
    inside = placement.samples(rate)
    if not score.stems or inside < 1:
        raise RequestError(f"The cue {score.title} has nothing to render: {len(score.stems)} stems, {inside} samples.")
    font = soundfont.find_soundfont(settings.soundfont)
    return Room(font, rate, before, inside + after, inside, quantise(score.fade_out * rate))


def sound_of(stem: Stem, score: Score, room: Room, player: synth.Player, start: int, end: int) -> NDArray[np.float32]:
    """A stem before the gain, (samples, 2), from sample `start` of the cue to `end`.

    It is right from where notes begun before `start` have died away and effects have forgotten them.
    """
    rate = room.sample_rate
    made = [synth.play(_from(stem, start, rate), room.font, rate, end - start, player)]
    if score.style:
        with _EFFECTS:
            # Handed over, not kept here as well.
            made = [effects.apply(made.pop(), score.style.stem(stem.name).effects, score.style, rate, start)]
    sound = made.pop()
    tail = min(max(start, room.fades_from()), end)
    # What players and effects give is nobody else's.
    sound[tail - start :] *= room.faded(tail, end)[:, None]
    return sound


def _from(stem: Stem, start: int, rate: int) -> Stem:
    """The stem as it is from a sample on: the notes begun since, and controllers as they stand there."""
    if not start:
        return stem
    now = Fraction(start, rate)
    standing = {control.number: control for control in stem.controls if control.time < now}
    controls = [replace(control, time=Fraction(0)) for control in standing.values()]
    controls += [replace(control, time=control.time - now) for control in stem.controls if control.time >= now]
    notes = tuple(replace(note, start=note.start - now) for note in stem.notes if note.start >= now)
    return replace(stem, notes=notes, controls=tuple(controls))


def render(
    score: Score,
    placement: Placement,
    settings: AudioSettings | None = None,
    progress: Progress = silent,
    level: float | None = None,
) -> Rendered:
    """The sound of every stem of `score`, `placement.duration` long plus handles.

    `level` fixes the gain instead of the loudness asked for, so that bars that stay sound as they did. Raises
    RequestError for a sample rate, depth or loudness out of range, InputError for an unusable SoundFont.
    """
    settings = settings or AudioSettings()
    room = room_of(score, placement, settings)
    rate, samples = room.sample_rate, room.samples

    def alone(stem: Stem) -> tuple[str, NDArray[np.float32]]:
        return stem.name, _stored(sound_of(stem, score, room, settings.player, 0, room.sounding), room.before)

    found: dict[str, NDArray[np.float32]] = {}
    _give_back_memory()
    progress("render", 0.0)
    with ThreadPoolExecutor(workers(settings)) as pool:
        # The longest first, so that none of them is left alone at the end.
        jobs = [pool.submit(alone, stem) for stem in sorted(score.stems, key=lambda stem: -len(stem.notes))]
        try:
            for job in as_completed(jobs):
                name, sound = job.result()
                found[name] = sound
                progress("render", 0.8 * len(found) / len(score.stems))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    ordered = {stem.name: found[stem.name] for stem in score.stems}
    mix = np.zeros((samples, CHANNELS), np.float32)
    for sound in ordered.values():
        mix += sound
        _let_go(sound)
    gain, measured, level = gain_for(mix, settings, level)
    progress("render", 1.0)
    limited_db = 20 * float(np.log10(gain.min() / level))
    player = synth.chosen(settings.player)
    return Rendered(ordered, gain, measured, limited_db, room.font, player, rate, level, _stored(mix))


def write(
    score: Score,
    placement: Placement,
    folder: Path,
    settings: AudioSettings | None = None,
    progress: Progress = silent,
    midi: Path | None = None,
    level: float | None = None,
    named: Callable[[str | None], str] | None = None,
    stems: bool = True,
) -> Delivered:
    """Render `score` and write `CUE_mix.wav` and `stems/CUE_STEM.wav` into `folder`.

    `named` gives a file's path in the folder from its stem (None: the mix); without `stems` there is only the mix.
    Raises as `render` does, and OutputError where a file cannot be written.
    """
    settings = settings or AudioSettings()
    rendered = render(score, placement, settings, progress, level)
    names: list[str | None] = [*(rendered.stems if stems else ()), None]
    room = room_of(score, placement, settings)
    stamps = stamps_of(score, room, settings, rendered.level)

    def one(name: str | None) -> StemClip:
        path = folder / (named(name) if named else file_name(score.title, name))
        label = label_of(name, score, placement, settings, rendered.loudness, stamps[name])
        bwf.write(path, rendered.blocks(name), label, settings.sample_rate, settings.bits, CHANNELS, rendered.samples)
        return clip_of(name, path, score, placement, settings, room, midi)

    clips = []
    with ThreadPoolExecutor(workers(settings)) as pool:
        try:
            for clip in pool.map(one, names):
                clips.append(clip)
                progress("write", len(clips) / len(names))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return Delivered(tuple(clips[:-1]), clips[-1], rendered.loudness, rendered.soundfont, rendered.player, rendered)


def file_name(title: str, stem: str | None) -> str:
    """A file's plain name in the session's folder; None is the mix."""
    return f"{title}_{MIX}.wav" if stem is None else f"stems/{title}_{stem}.wav"


# --- which notes a file holds --------------------------------------------------------------------------------------

_STAMP = re.compile(r"shotscore ([0-9a-f]{32}) ([0-9a-f]{16})")
SOUND_VERSION = 2
"""Counted up where the same notes come to sound different."""


def stamps_of(score: Score, room: Room, settings: AudioSettings, level: float) -> dict[str | None, str]:
    """What each stem's file and the mix's (None) say of themselves: a digest of what they sound, and the level."""
    size = room.font.stat().st_size
    player = synth.chosen(settings.player)
    board = effects.pedalboard_module() is not None
    everything = (
        SOUND_VERSION, room.font.name, size, room.sample_rate, room.before, room.sounding, room.fade, player, board,
        settings.true_peak_db, settings.loudness_lufs, settings.bits,
    )  # fmt: skip
    digests: dict[str | None, str] = {}
    for stem in score.stems:
        style = None
        if score.style:
            whole = score.style
            style = (whole.reverb_seconds, whole.reverb_damp_hz, whole.reverb_delay_ms, whole.stem(stem.name).effects)
        events = events_of(stem, room.sample_rate)
        held = repr((everything, style, stem.program, stem.is_drum, sorted(events.elements())))
        digests[stem.name] = hashlib.sha256(held.encode()).hexdigest()[:32]
    digests[None] = hashlib.sha256("".join(digests.values()).encode()).hexdigest()[:32]
    exact = struct.pack(">d", level).hex()
    return {name: f"shotscore {digest} {exact}" for name, digest in digests.items()}


def level_of(stamp: str) -> float | None:
    """The level a file was written at, by what it says of itself."""
    found = _STAMP.fullmatch(stamp)
    return None if found is None else float(struct.unpack(">d", bytes.fromhex(found[2]))[0])


def events_of(stem: Stem, rate: int) -> Counter[tuple[int, int, int, int]]:
    """What a stem plays, in samples of the cue: (start, end, pitch, velocity) of notes, (time, -1, number, value) of
    controllers. Not to be changed."""
    return _events_of(_This(stem), rate)


class _This:
    """A stem that is equal to itself alone: comparing all its notes would take as long as what is remembered."""

    def __init__(self, stem: Stem) -> None:
        self.stem = stem

    def __hash__(self) -> int:
        return id(self.stem)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _This) and other.stem is self.stem


@lru_cache(maxsize=64)
def _events_of(this: _This, rate: int) -> Counter[tuple[int, int, int, int]]:
    stem = this.stem
    notes = ((sample_at(n.start, rate), sample_at(n.start + n.duration, rate), n.pitch, n.velocity) for n in stem.notes)
    return Counter([*notes, *((sample_at(c.time, rate), -1, c.number, c.value) for c in stem.controls)])


# --- files ---------------------------------------------------------------------------------------------------------


def label_of(
    name: str | None,
    score: Score,
    placement: Placement,
    settings: AudioSettings,
    measured: loudness.Loudness,
    stamp: str,
) -> bwf.Label:
    """What a stem's file, or the mix's (None), says of itself."""
    title = name or MIX
    reference = placement.sample_of_day(settings.sample_rate) - quantise(
        Fraction(settings.pre_roll_frames) / placement.rate * settings.sample_rate
    )
    return bwf.Label(
        description=f"{placement.production} {score.title} {title}".strip(),
        time_reference=reference % (86_400 * settings.sample_rate),
        rate=placement.rate,
        drop_frame=placement.drop_frame,
        project=placement.production,
        scene=score.title,
        tracks=(f"{title} L", f"{title} R"),
        take=settings.take,
        reference=f"{score.title}-{title}",
        created=settings.created,
        integrated_lufs=measured.integrated_lufs if name is None else None,
        true_peak_db=measured.true_peak_db if name is None else None,
        user=stamp,
    )


def clip_of(
    name: str | None,
    path: Path,
    score: Score,
    placement: Placement,
    settings: AudioSettings,
    room: Room,
    midi: Path | None,
) -> StemClip:
    """A stem, or the mix (None), as it goes on a timeline."""
    reference = placement.sample_of_day(settings.sample_rate) - room.before
    return StemClip(
        cue=score.title,
        stem=name or MIX,
        path=path,
        start_frame=placement.start_frame,
        duration_frames=placement.duration_frames,
        sample_rate=settings.sample_rate,
        samples=room.samples,
        pre_roll_frames=settings.pre_roll_frames,
        time_reference=reference % (86_400 * settings.sample_rate),
        midi=midi,
    )


def workers(settings: AudioSettings) -> int:
    """How many stems are rendered side by side."""
    return settings.workers or min(4, os.cpu_count() or 1)


def _check(settings: AudioSettings) -> None:
    for is_wrong, problem in (
        (settings.sample_rate not in (44_100, 48_000, 88_200, 96_000), f"A sample rate of {settings.sample_rate}"),
        (settings.bits not in (16, 24, 32), f"A depth of {settings.bits} bits"),
        (not -60 <= settings.loudness_lufs <= -5, f"A loudness of {settings.loudness_lufs} LUFS"),
        (not -20 <= settings.true_peak_db <= 0, f"A true peak of {settings.true_peak_db} dBTP"),
        (not 0 <= settings.pre_roll_frames <= 10_000, f"A pre-roll of {settings.pre_roll_frames} frames"),
        (not 0 <= settings.post_roll_frames <= 10_000, f"A post-roll of {settings.post_roll_frames} frames"),
    ):
        if is_wrong:
            raise RequestError(
                f"{problem} is not possible; use 44100 to 96000 Hz, 16 to 32 bits, -60 to -5 LUFS, "
                "-20 to 0 dBTP and handles of 0 to 10000 frames."
            )


def _give_back_memory() -> None:
    """Hand what looking at the picture has freed back to the system: glibc would keep it beside the sound."""
    if sys.platform == "linux":
        with suppress(AttributeError, OSError):  # another C library
            ctypes.CDLL(None).malloc_trim(0)


_EFFECTS = threading.Semaphore(2)
"""Effects of two stems at a time at most: their copies are the most memory a delivery needs."""


def _stored(sound: NDArray[np.float32], before: int = 0) -> NDArray[np.float32]:
    """A sound after `before` samples of silence, in a temporary file that is gone when the array is."""
    samples = before + len(sound)
    try:
        with tempfile.TemporaryFile(prefix="shotscore-") as file:
            # Written, not mapped and filled: pages nobody has touched yet cost more than the copy.
            file.write(bytes(before * CHANNELS * 4))
            for start in range(0, len(sound), _BLOCK):
                file.write(np.ascontiguousarray(sound[start : start + _BLOCK]).data)
            file.flush()
            stored: Any = np.memmap(file, np.float32, "r", shape=(samples, CHANNELS))
    except OSError as problem:
        where, size = tempfile.gettempdir(), samples * CHANNELS * 4 >> 20
        raise OutputError(
            f"The folder of temporary files, {where}, takes no {size} MB ({problem.strerror}); make room there."
        ) from problem
    return stored  # type: ignore[no-any-return]


def _let_go(stored: NDArray[np.float32]) -> None:
    """What was read of a stored sound need not stay in memory; it is in its file."""
    mapped = getattr(stored, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def gain_for(
    mix: NDArray[np.float32], settings: AudioSettings, fixed: float | None = None
) -> tuple[NDArray[np.float32], loudness.Loudness, float]:
    """The gain per sample, what a meter says of the mix after it, and the gain where nothing is limited.

    Limiting takes loudness away, so the level is found in a few rounds; a mix that cannot be that loud without being
    crushed stays as loud as it gets. A `fixed` level is taken as it is.
    """
    if fixed is not None:
        gain = limited(mix, fixed, settings)
        return gain, loudness.measure(mix * gain[:, None], settings.sample_rate), fixed
    current = loudness.integrated(mix, settings.sample_rate)
    if current < _SILENT_LUFS:
        return np.ones(len(mix), np.float32), loudness.Loudness(-np.inf, -np.inf), 1.0
    first, level_db = current, settings.loudness_lufs - current
    # Peaks matter where they could reach half the ceiling, the limiter's make-up of up to 6 dB included.
    ceiling = 10 ** ((settings.true_peak_db - level_db - 12) / 20)
    peaks = loudness.true_peaks(mix, min(ceiling, loudness.LIKELY * float(np.abs(mix).max())))
    for _ in range(4):
        level = np.float32(10 ** (level_db / 20))
        gain = level * loudness.limiter_gain(peaks * level, settings.sample_rate, settings.true_peak_db)
        untouched = bool((gain == level).all())
        current = (
            settings.loudness_lufs if untouched else loudness.integrated(mix * gain[:, None], settings.sample_rate)
        )
        short = settings.loudness_lufs - current
        if abs(short) < 0.03:
            break
        level_db = min(level_db + short, settings.loudness_lufs - first + _MOST_MAKE_UP_DB)
    peak = float((peaks * gain).max())
    return gain.astype(np.float32), loudness.Loudness(current, 20 * float(np.log10(peak))), float(level)


def limited(mix: NDArray[np.float32], level: float, settings: AudioSettings) -> NDArray[np.float32]:
    """The gain per sample for a mix at a level: the level, and less where the true peak would pass its ceiling."""
    factor = np.float32(level)
    ceiling = 10 ** ((settings.true_peak_db - 12) / 20) / max(level, 1e-9)
    peaks = loudness.true_peaks(mix, ceiling)
    return np.asarray(factor * loudness.limiter_gain(peaks * factor, settings.sample_rate, settings.true_peak_db))
