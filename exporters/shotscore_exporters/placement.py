"""Where music stands on a timeline: what every exporter needs to know besides the notes and the sound.

Frames are whole and at the timeline's rate; `start_frame` counts from the timeline's start, ranges exclude their
end. Samples are counted at the audio's own rate. Both edges of a clip are quantised from exact time, so that
neighbouring cues meet without a gap.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from shotscore_engine.picture import Picture
from shotscore_engine.spotting import Cue
from shotscore_engine.timing import format_timecode, quantise


@dataclass(frozen=True)
class Placement:
    """A range of a timeline."""

    rate: Fraction
    """Frames per second, exact."""
    timeline_start_frame: int
    """Absolute number of the timeline's first frame: 86400 for 01:00:00:00 at 24."""
    drop_frame: bool
    start_frame: int
    """From the timeline's start."""
    duration_frames: int
    production: str = ""
    """What the music is for; goes into file names, cue sheets and Broadcast Wave descriptions."""

    @property
    def absolute_frame(self) -> int:
        """Record frame of the range's start."""
        return self.timeline_start_frame + self.start_frame

    @property
    def timecode(self) -> str:
        """Record timecode of the range's start."""
        return format_timecode(self.absolute_frame, self.rate, self.drop_frame)

    @property
    def duration(self) -> Fraction:
        """Seconds."""
        return Fraction(self.duration_frames) / self.rate

    def samples(self, sample_rate: int) -> int:
        """The range's length in samples, rounded once."""
        return quantise(self.duration * sample_rate)

    def sample_of_day(self, sample_rate: int) -> int:
        """Samples from midnight (timecode 00:00:00:00) to the start: the time reference of Broadcast Wave."""
        return quantise(Fraction(self.absolute_frame) / self.rate * sample_rate)


@dataclass(frozen=True)
class CueMarker:
    """A named moment inside a cue."""

    seconds: Fraction
    """From the cue's start."""
    text: str
    kind: str = "marker"
    """shot, or the kind of a hit."""


@dataclass(frozen=True)
class Keyframe:
    """A point of a volume envelope; between points the gain moves in straight lines of dB."""

    seconds: Fraction
    """From the cue's start."""
    gain_db: float


@dataclass(frozen=True)
class StemClip:
    """A rendered stem (or the mix) as it goes on a timeline."""

    cue: str
    """Like `1m01`."""
    stem: str
    """The track it belongs to: melody, bass …"""
    path: Path
    """The WAV file."""
    start_frame: int
    """From the timeline's start."""
    duration_frames: int
    sample_rate: int = 48_000
    samples: int = 0
    """Length of the file, handles included."""
    pre_roll_frames: int = 0
    """Frames of the file before the cue's start (a handle)."""
    time_reference: int = 0
    """Samples from midnight to the file's first sample."""
    midi: Path | None = None
    """The cue's MIDI file."""
    channels: int = 2
    volume: tuple[Keyframe, ...] = ()
    """Ducking, where the format carries keyframes; never printed into the file."""

    def volume_frames(self, rate: Fraction) -> list[tuple[int, float]]:
        """(frame from the clip's first, dB), one a frame at most; empty without keyframes."""
        frames: dict[int, float] = {}
        for key in self.volume:
            frame = min(quantise(key.seconds * rate), self.duration_frames - 1)
            frames[frame] = min(key.gain_db, frames.get(frame, 0.0))
        return sorted(frames.items())


def delivery_name(placement: Placement, cue: str, stem: str, sample_rate: int, bits: int, version: int) -> str:
    """A file's name as sound departments sort it: `Film_1m01_melody_48k24_v02.wav`.

    Letters, digits and hyphens stay, everything else becomes a hyphen: names travel through every file system.
    """
    khz = f"{sample_rate / 1000:g}".replace(".", "p")
    parts = [re.sub(r"[^\w-]+", "-", part).strip("-") for part in (placement.production, cue, stem)]
    return "_".join([*(part for part in parts if part), f"{khz}k{bits}", f"v{version:02}"]) + ".wav"


def place(picture: Picture, cue: Cue) -> Placement:
    """Where `cue` stands on the timeline `picture` was made from."""
    return Placement(
        picture.rate,
        picture.start_frame,
        picture.drop_frame,
        cue.start_frame,
        cue.duration_frames,
        picture.name,
    )


def markers_of(picture: Picture, cue: Cue) -> tuple[CueMarker, ...]:
    """The shots and hits inside a cue as markers, in order of time."""
    found = []
    for shot in picture.shots:
        if cue.start_frame <= shot.start_frame < cue.end_frame:
            found.append((shot.start_frame, 0, f"Shot {shot.index} {shot.name}".strip(), "shot"))
    for hit in cue.hits:
        if cue.start_frame <= hit.frame < cue.end_frame:
            found.append((hit.frame, 1, f"Hit: {hit.reason or hit.kind}", hit.kind))
    return tuple(
        CueMarker(Fraction(frame - cue.start_frame) / picture.rate, text, kind)
        for frame, _, text, kind in sorted(found)
    )


def tracks_of(clips: Sequence[StemClip]) -> dict[str, list[StemClip]]:
    """Clips by stem, stems in the order they first appear, clips in order of time."""
    tracks: dict[str, list[StemClip]] = {}
    for clip in clips:
        tracks.setdefault(clip.stem, []).append(clip)
    return {stem: sorted(row, key=lambda clip: clip.start_frame) for stem, row in tracks.items()}
