"""Stems and mix: 24-bit Broadcast Wave, one start and one length to the sample, the sum of the stems is the mix.

A stem is played dry (`synth`), shaped by its style (`effects`) and faded at the cue's end. All stems are then
raised or lowered by one and the same gain: a number that brings their sum to the loudness asked for, times the
limiter's gain computed on that sum. The default target is -23 LUFS (EBU R128): broadcasters ask for it, it leaves a
dubbing mixer headroom, and at that level the limiter has next to nothing to do; -14 suits the web.

Sound between the passes lies in temporary files, so that an hour of music does not have to fit in memory.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shotscore_engine.errors import RequestError
from shotscore_engine.perform import Score, Stem
from shotscore_engine.progress import Progress, silent
from shotscore_engine.timing import quantise

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

    @property
    def samples(self) -> int:
        """Length of every stem."""
        return len(self.gain)

    def blocks(self, stem: str | None = None) -> Iterator[NDArray[np.float32]]:
        """A stem, or the mix, after the gain, block by block."""
        for start in range(0, self.samples, _BLOCK):
            span = slice(start, start + _BLOCK)
            if stem is None:
                sound = np.sum([stored[span] for stored in self.stems.values()], axis=0, dtype=np.float32)
            else:
                sound = self.stems[stem][span]
            yield sound * self.gain[span, None]

    def mix(self) -> NDArray[np.float32]:
        """The whole mix, (samples, 2)."""
        return np.concatenate(list(self.blocks()))


@dataclass(frozen=True)
class Delivered:
    """The files of one cue."""

    stems: tuple[StemClip, ...]
    mix: StemClip
    rendered: Rendered


def render(
    score: Score, placement: Placement, settings: AudioSettings | None = None, progress: Progress = silent
) -> Rendered:
    """The sound of every stem of `score`, `placement.duration` long plus handles.

    Raises RequestError for a sample rate, depth or loudness out of range, InputError for an unusable SoundFont.
    """
    settings = settings or AudioSettings()
    _check(settings)
    font = soundfont.find_soundfont(settings.soundfont)
    rate = settings.sample_rate
    before = quantise(Fraction(settings.pre_roll_frames) / placement.rate * rate)
    inside = placement.samples(rate)
    after = quantise(Fraction(settings.post_roll_frames) / placement.rate * rate)
    samples = before + inside + after
    if not score.stems or inside < 1:
        raise RequestError(f"The cue {score.title} has nothing to render: {len(score.stems)} stems, {inside} samples.")
    fade = _fade(inside + after, quantise(score.fade_out * rate))

    def together(stems: list[Stem]) -> dict[str, NDArray[np.float32]]:
        made = {}
        for stem, sound in zip(stems, synth.play(stems, font, rate, inside + after, settings.player), strict=True):
            if score.style:
                sound = effects.apply(sound, score.style.stem(stem.name).effects, score.style, rate)
            stored = _stored(samples)
            np.multiply(sound, fade[:, None], out=stored[before:])
            made[stem.name] = stored
        return made

    found: dict[str, NDArray[np.float32]] = {}
    progress("render", 0.0)
    with ThreadPoolExecutor(_workers(settings)) as pool:
        # The longest first, so that none of them is left alone at the end.
        groups = sorted(synth.programs(score.stems), key=lambda g: -sum(len(s.notes) + 1 for s in g))
        jobs = [pool.submit(together, group) for group in groups]
        try:
            for job in as_completed(jobs):
                found.update(job.result())
                progress("render", 0.8 * len(found) / len(score.stems))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    sounds = {stem.name: found[stem.name] for stem in score.stems}
    mix = np.zeros((samples, CHANNELS), np.float32)
    for sound in sounds.values():
        mix += sound
    gain, measured = gain_for(mix, settings)
    progress("render", 1.0)
    quietest = float(gain.min() / gain.max())
    return Rendered(sounds, gain, measured, 20 * float(np.log10(quietest)), font, synth.chosen(settings.player), rate)


def write(
    score: Score,
    placement: Placement,
    folder: Path,
    settings: AudioSettings | None = None,
    progress: Progress = silent,
    midi: Path | None = None,
) -> Delivered:
    """Render `score` and write `CUE_mix.wav` and `stems/CUE_STEM.wav` into `folder`.

    Raises as `render` does, and OutputError where a file cannot be written.
    """
    settings = settings or AudioSettings()
    rendered = render(score, placement, settings, progress)
    names: list[str | None] = [*rendered.stems, None]

    def one(name: str | None) -> StemClip:
        path = folder / (f"{score.title}_{MIX}.wav" if name is None else f"stems/{score.title}_{name}.wav")
        return _write_one(name, path, rendered, score, placement, settings, midi)

    clips = []
    with ThreadPoolExecutor(_workers(settings)) as pool:
        try:
            for clip in pool.map(one, names):
                clips.append(clip)
                progress("write", len(clips) / len(names))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return Delivered(tuple(clips[:-1]), clips[-1], rendered)


def _write_one(
    name: str | None,
    path: Path,
    rendered: Rendered,
    score: Score,
    placement: Placement,
    settings: AudioSettings,
    midi: Path | None,
) -> StemClip:
    title = name or MIX
    reference = placement.sample_of_day(settings.sample_rate) - quantise(
        Fraction(settings.pre_roll_frames) / placement.rate * settings.sample_rate
    )
    label = bwf.Label(
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
        integrated_lufs=rendered.loudness.integrated_lufs if name is None else None,
        true_peak_db=rendered.loudness.true_peak_db if name is None else None,
    )
    bwf.write(path, rendered.blocks(name), label, settings.sample_rate, settings.bits, CHANNELS, rendered.samples)
    return StemClip(
        cue=score.title,
        stem=title,
        path=path,
        start_frame=placement.start_frame,
        duration_frames=placement.duration_frames,
        sample_rate=settings.sample_rate,
        samples=rendered.samples,
        pre_roll_frames=settings.pre_roll_frames,
        time_reference=label.time_reference,
        midi=midi,
    )


def _workers(settings: AudioSettings) -> int:
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


def _stored(samples: int) -> NDArray[np.float32]:
    """Zeros in a temporary file, gone when the array is."""
    with tempfile.TemporaryFile(prefix="shotscore-") as file:
        stored: Any = np.memmap(file, np.float32, "w+", shape=(samples, CHANNELS))
    return stored  # type: ignore[no-any-return]


def _fade(samples: int, length: int) -> NDArray[np.float32]:
    """1, and over the last `length` samples half a cosine down to 0."""
    fade = np.ones(samples, np.float32)
    length = min(max(length, 1), samples)
    fade[samples - length :] = 0.5 + 0.5 * np.cos(np.pi * (np.arange(length) + 1) / length)
    return fade


def gain_for(mix: NDArray[np.float32], settings: AudioSettings) -> tuple[NDArray[np.float32], loudness.Loudness]:
    """The gain per sample, and what a meter says of the mix after it.

    Limiting takes loudness away, so the level is found in a few rounds; a mix that cannot be that loud without being
    crushed stays as loud as it gets.
    """
    current = loudness.integrated(mix, settings.sample_rate)
    if current < _SILENT_LUFS:
        return np.ones(len(mix), np.float32), loudness.Loudness(-np.inf, -np.inf)
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
    return gain.astype(np.float32), loudness.Loudness(current, 20 * float(np.log10(peak)))
