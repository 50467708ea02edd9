"""A plain video file: a timeline of one clip, at the stream's exact rate and the file's own timecode."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import MediaError, TimelineError
from ..media import probe
from .common import frame_range, frames, note

if TYPE_CHECKING:
    import opentimelineio as otio


def read(path: Path) -> "otio.schema.Timeline":
    """One clip of the whole file on a video track, and its sound on an audio track where it has any.

    Raises TimelineError where the file cannot be decoded or holds no video.
    """
    import opentimelineio as otio

    try:
        info = probe(path)
    except MediaError as problem:
        raise TimelineError(str(problem)) from problem
    if info.rate is None or not info.frames:
        raise TimelineError(f"{path} holds no picture; give a timeline or a video file.")
    warnings = []
    if info.variable_rate:
        warnings.append(f"{path.name} has a variable frame rate; it is read on an even grid, where cuts may drift.")
    whole = frame_range(info.timecode_frame, info.frames, info.rate)
    timeline = otio.schema.Timeline(name=path.stem, global_start_time=frames(info.timecode_frame, info.rate))
    url = path.absolute().as_uri()
    kinds = [otio.schema.TrackKind.Video] + [otio.schema.TrackKind.Audio] * info.has_audio
    for kind in kinds:
        media = otio.schema.ExternalReference(target_url=url, available_range=whole)
        clip = otio.schema.Clip(name=path.stem, media_reference=media, source_range=whole)
        timeline.tracks.append(otio.schema.Track(name=f"{kind[0]}1", kind=kind, children=[clip]))
    return note(timeline, rate=info.rate, drop_frame=info.drop_frame, warnings=warnings)
