"""OpenTimelineIO: a copy of a timeline with the music on new audio tracks, and the copy without it again.

    before  V1 [ ..picture.. ]         after  V1 [ ..picture.. ]
            A1 [ ..dialogue.. ]               A1 [ ..dialogue.. ]
                                              melody [ gap ][ 1m01 melody ]
                                              bass   [ gap ][ 1m01 bass ]

Clips start on exact frames of the timeline at its own rate. The WAV is the clip's active media reference, the MIDI
file stands beside it as a second one. Nothing outside the new tracks is touched, and each carries
`metadata["shotscore"]`, by which `remove_music` finds it.

Flavours, because editors read OTIO differently:
- `generic`: source ranges count from the file's first sample (0).
- `otio-resolve`, `otio-premiere`: source ranges count from the timecode in the Broadcast Wave file, as both editors
  do, and tracks and clips say in the editor's own metadata that they are stereo (else Resolve makes mono tracks).
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, get_args

import opentimelineio as otio
from shotscore_engine.atomic import replace_file
from shotscore_engine.errors import RequestError, TimelineError
from shotscore_engine.timing import exact_rate, quantise, rate_text

from .placement import Placement, StemClip, tracks_of

Flavour = Literal["generic", "otio-resolve", "otio-premiere"]
METADATA = "shotscore"
MIDI_REFERENCE = "MIDI"
"""Key of the second media reference of a clip."""


def insert(
    timeline: otio.schema.Timeline,
    clips: Sequence[StemClip],
    placement: Placement,
    flavour: Flavour = "generic",
    provenance: Mapping[str, Any] | None = None,
    relative_to: Path | None = None,
) -> otio.schema.Timeline:
    """A copy of `timeline` with one new audio track per stem after the existing ones.

    Music that an earlier `insert` left is replaced. `placement` tells the timeline's rate; `provenance` (plain values:
    seed, take, model, versions) goes into every clip's metadata; paths become file URLs, or relative ones from the
    folder `relative_to`. Raises RequestError for an unknown flavour, TimelineError where the timeline runs at
    another rate.
    """
    if flavour not in get_args(Flavour):
        raise RequestError(f"There is no OTIO flavour {flavour!r}; choose one of {', '.join(get_args(Flavour))}.")
    scored = remove_music(timeline)
    rate = _rate_number(scored, placement.rate)
    offset = _offset(scored)
    for name, row in tracks_of(clips).items():
        for number, lane in enumerate(_lanes(row), 1):
            track = otio.schema.Track(name if number == 1 else f"{name} {number}", kind=otio.schema.TrackKind.Audio)
            track.metadata[METADATA] = {"music": True, "stem": name}
            now = -offset
            for clip in lane:
                if clip.start_frame > now:
                    track.append(otio.schema.Gap(source_range=_range(0, clip.start_frame - now, rate)))
                track.append(_clip(clip, placement, rate, flavour, provenance or {}, relative_to))
                now = clip.start_frame + clip.duration_frames
            _say_stereo(track, scored, flavour, lane[0].channels)
            scored.tracks.append(track)
    return scored


def remove_music(timeline: otio.schema.Timeline) -> otio.schema.Timeline:
    """A copy of `timeline` without our clips.

    Tracks we made go; where someone put clips of their own on one of them, it stays with a gap in place of each of
    ours.
    """
    plain: otio.schema.Timeline = deepcopy(timeline)
    for track in [t for t in plain.tracks if METADATA in t.metadata]:
        foreign = [item for item in track if not isinstance(item, otio.schema.Gap) and METADATA not in item.metadata]
        if not foreign:
            plain.tracks.remove(track)
            continue
        del track.metadata[METADATA]
        for index, item in enumerate(list(track)):
            if METADATA in item.metadata:
                track[index] = otio.schema.Gap(
                    source_range=otio.opentime.TimeRange(
                        otio.opentime.RationalTime(0, item.duration().rate), item.duration()
                    )
                )
    return plain


def to_bytes(timeline: otio.schema.Timeline) -> bytes:
    """The timeline as OTIO's JSON."""
    text: str = otio.adapters.write_to_string(timeline, "otio_json")
    return text.encode()


def write(timeline: otio.schema.Timeline, path: Path) -> None:
    """Write `to_bytes` to `path`, whole or not at all. Raises OutputError where it cannot be written."""
    replace_file(path, to_bytes(timeline))


def _clip(
    clip: StemClip,
    placement: Placement,
    rate: float,
    flavour: Flavour,
    provenance: Mapping[str, Any],
    relative_to: Path | None,
) -> otio.schema.Clip:
    file_frames = max(
        clip.pre_roll_frames + clip.duration_frames,
        quantise(Fraction(clip.samples) / clip.sample_rate * placement.rate),
    )
    # Where the file's own timecode starts, in frames from midnight.
    first = 0
    if flavour != "generic":
        first = quantise(Fraction(clip.time_reference) / clip.sample_rate * placement.rate)
    references = {
        otio.schema.Clip.DEFAULT_MEDIA_KEY: otio.schema.ExternalReference(
            _url(clip.path, relative_to), _range(first, file_frames, rate)
        )
    }
    references[otio.schema.Clip.DEFAULT_MEDIA_KEY].name = clip.path.name
    if clip.midi is not None:
        references[MIDI_REFERENCE] = otio.schema.ExternalReference(
            _url(clip.midi, relative_to), _range(0, clip.duration_frames, rate)
        )
        references[MIDI_REFERENCE].name = clip.midi.name
    made = otio.schema.Clip(
        name=f"{clip.cue} {clip.stem}",
        source_range=_range(first + clip.pre_roll_frames, clip.duration_frames, rate),
    )
    made.set_media_references(references, otio.schema.Clip.DEFAULT_MEDIA_KEY)
    made.metadata[METADATA] = {
        **provenance,
        "cue": clip.cue,
        "stem": clip.stem,
        "rate": rate_text(placement.rate),
        "start_frame": clip.start_frame,
        "duration_frames": clip.duration_frames,
    }
    return made


def _say_stereo(track: otio.schema.Track, timeline: otio.schema.Timeline, flavour: Flavour, channels: int) -> None:
    kind = "Stereo" if channels == 2 else "Mono"
    if flavour == "otio-resolve":
        track.metadata["Resolve_OTIO"] = {"Audio Type": kind, "Locked": False, "SoloOn": False}
        for clip in track.find_clips():
            ids = [{"Source Channel ID": channel, "Source Track ID": 0} for channel in range(channels)]
            clip.metadata["Resolve_OTIO"] = {"Channels": ids}
    elif flavour == "otio-premiere":
        track.metadata["PremierePro_OTIO"] = {"AudioChannels": {"ChannelType": kind, "NumberOfChannels": channels}}
        # Clips of one LinkID move together in Premiere: ours stand alone, above every number in use.
        taken = [c.metadata.get("PremierePro_OTIO", {}).get("LinkID", 0) for c in timeline.find_clips()]
        link = max((int(number) for number in taken), default=0)
        for count, clip in enumerate(track.find_clips(), 1):
            clip.metadata["PremierePro_OTIO"] = {
                "AudioChannels": {
                    "ChannelType": kind,
                    "SecondaryAssignments": [{"SecondaryChannelIndex": channel} for channel in range(channels)],
                },
                "LinkID": link + count,
                "OriginalChannelGroupIndex": 0,
                "SourceClipIndex": 0,
            }


def _lanes(row: Sequence[StemClip]) -> list[list[StemClip]]:
    """Clips of one stem on as few tracks as hold them without overlap."""
    lanes: list[list[StemClip]] = []
    for clip in row:
        for lane in lanes:
            if lane[-1].start_frame + lane[-1].duration_frames <= clip.start_frame:
                lane.append(clip)
                break
        else:
            lanes.append([clip])
    return lanes


def _rate_number(timeline: otio.schema.Timeline, rate: Fraction) -> float:
    """The timeline's own float for `rate`: readers compare rates by equality, so ours must be the very same number."""
    found = []
    if timeline.global_start_time is not None:
        found.append(timeline.global_start_time.rate)
    for track in timeline.tracks:
        found += [item.source_range.duration.rate for item in track if getattr(item, "source_range", None)]
    if not found:
        return float(rate)
    same = [number for number in found if exact_rate(number) == rate]
    if not same:
        raise TimelineError(
            f"The timeline {timeline.name} counts at {found[0]} frames per second and the music at {rate_text(rate)}; "
            "score it at its own rate."
        )
    return float(same[0])


def _offset(timeline: otio.schema.Timeline) -> int:
    """Frames of the tracks before the timeline's first: not 0 where the stack itself is trimmed."""
    trimmed = timeline.tracks.source_range
    return quantise(Fraction(trimmed.start_time.value)) if trimmed is not None else 0


def _range(start: int, duration: int, rate: float) -> otio.opentime.TimeRange:
    return otio.opentime.TimeRange(otio.opentime.RationalTime(start, rate), otio.opentime.RationalTime(duration, rate))


def _url(path: Path, relative_to: Path | None) -> str:
    if relative_to is not None and path.resolve().is_relative_to(relative_to.resolve()):
        return path.resolve().relative_to(relative_to.resolve()).as_posix()
    return path.resolve().as_uri()
