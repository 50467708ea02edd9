"""Preview: the picture with its own sound and the music under it, as one MP4 for anybody to watch.

Where the whole timeline is one file from its first frame at its own speed, the video is copied without encoding it
again. Else a proxy is drawn frame by frame from the shots, 540 lines high: gaps, titles and missing files are black,
a clip that plays backwards stands still on its first frame (a preview is not worth decoding a file in reverse).
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from shotscore_engine.atomic import replacing
from shotscore_engine.errors import MediaError
from shotscore_engine.media import open_media
from shotscore_engine.picture import MediaSpan, Picture, Shot
from shotscore_engine.progress import Progress, silent
from shotscore_engine.timing import quantise

from . import ducking
from .placement import StemClip

if TYPE_CHECKING:
    import av

_RATE = 48_000
_LINES = 540
_COPIED = ("h264", "hevc", "av1", "mpeg4")
"""Codecs an MP4 may hold as they are."""
_CHUNK = 1024


def write(
    picture: Picture,
    mixes: Sequence[StemClip],
    path: Path,
    progress: Progress = silent,
    duck: ducking.Ducking | None = None,
) -> bool:
    """Write the preview to `path`; True where the video was copied, False where it was drawn anew.

    `mixes` are the cues' mixes; they step back under the picture's dialogue (`duck`). Raises OutputError where the file
    cannot be written, Cancelled through `progress`.
    """
    import av

    sound = _sound(picture, mixes, duck)
    source = _whole_file(picture)
    with replacing(path) as temporary, av.open(str(temporary), "w", options={"movflags": "+faststart"}) as container:
        if source is not None:
            _copy(source, picture, container, sound)
        else:
            _draw(picture, container, sound, progress)
    progress("write", 1.0)
    return source is not None


def _whole_file(picture: Picture) -> Path | None:
    """The file the timeline is, from its first frame on, if that is all it is."""
    now, path = Fraction(0), None
    for shot in picture.shots:
        span = shot.media
        if span is None or span.offline or span.path is None or span.speed != 1 or shot.transition != "cut":
            return None
        if path not in (None, span.path) or abs(span.start - now) * picture.rate >= Fraction(1, 2):
            return None
        path, now = span.path, now + Fraction(shot.duration_frames) / picture.rate
    if path is None:
        return None
    with open_media(path) as container:
        stream = container.streams.video[0]
        same_rate = stream.average_rate is not None and abs(Fraction(stream.average_rate) - picture.rate) < Fraction(
            1, 100
        )
        return path if same_rate and stream.codec_context.name in _COPIED else None


def _copy(source: Path, picture: Picture, container: Any, sound: NDArray[np.float32]) -> None:
    end = Fraction(picture.duration_frames) / picture.rate
    with open_media(source) as original:
        stream = original.streams.video[0]
        copied = container.add_stream_from_template(stream)
        audio = _audio_stream(container)
        first = None
        for packet in original.demux(stream):
            if packet.dts is None or packet.pts is None:
                continue
            first = packet.pts if first is None else min(first, packet.pts)
            if (packet.pts - first) * packet.time_base >= end:
                continue
            packet.stream = copied
            container.mux(packet)
        _encode_sound(container, audio, sound)


def _draw(picture: Picture, container: Any, sound: NDArray[np.float32], progress: Progress) -> None:
    import av

    width, height = _size(picture)
    stream = container.add_stream("libx264", rate=picture.rate, options={"crf": "23", "preset": "veryfast"})
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.time_base = 1 / picture.rate
    audio = _audio_stream(container)
    black = av.VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8), "rgb24")
    for shot in picture.shots:
        progress("write", shot.start_frame / picture.duration_frames)
        for index, frame in enumerate(_frames(shot, picture, width, height)):
            shown = (frame or black).reformat(width, height, "yuv420p")
            shown.pts, shown.time_base = shot.start_frame + index, 1 / picture.rate
            shown.pict_type = 0
            container.mux(stream.encode(shown))
    container.mux(stream.encode(None))
    _encode_sound(container, audio, sound)


def _frames(shot: Shot, picture: Picture, width: int, height: int) -> Iterator["av.VideoFrame | None"]:
    """One picture a timeline frame; None for black."""
    span = shot.media
    if span is None or span.offline or span.path is None:
        yield from (None for _ in range(shot.duration_frames))
        return
    decoded = _decoded(span, width, height)
    current, following = next(decoded, None), next(decoded, None)
    speed = max(Fraction(0), span.speed)
    for index in range(shot.duration_frames):
        # The middle of the timeline's frame, so that a rounded timestamp cannot show the neighbour.
        moment = span.start + (index + Fraction(1, 2)) / picture.rate * speed
        while following is not None and following[0] <= moment:
            current, following = following, next(decoded, None)
        yield current[1] if current else None


def _decoded(span: MediaSpan, width: int, height: int) -> Iterator[tuple[Fraction, "av.VideoFrame"]]:
    """(seconds from the file's first frame, small picture) from `span.start` on."""
    assert span.path is not None
    try:
        with open_media(span.path) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            base = stream.time_base or Fraction(1, 1000)
            first = Fraction(stream.start_time or 0) * base
            container.seek(int((first + span.start) / base), stream=stream, backward=True)
            for frame in container.decode(stream):
                if frame.pts is not None:
                    yield Fraction(frame.pts) * base - first, frame.reformat(width, height, "yuv420p")
    except (IndexError, OSError, MediaError):
        return  # shown as black


def picture_at(path: Path, seconds: Fraction, lines: int) -> "av.VideoFrame | None":
    """What a film shows at a moment, `lines` high; None where it cannot be read there."""
    try:
        with open_media(path) as container:
            stream = container.streams.video[0]
            shape = Fraction(stream.width, stream.height) * (stream.sample_aspect_ratio or 1)
    except (IndexError, OSError, MediaError):
        return None
    width, frame = 2 * quantise(shape * lines / 2), None
    for moment, decoded in _decoded(MediaSpan(path, False, seconds), width, lines):
        if frame is not None and moment > seconds:
            break
        frame = decoded
    return frame


def _size(picture: Picture) -> tuple[int, int]:
    """Of the proxy: the first readable shot's shape at 540 lines, even numbers."""
    for shot in picture.shots:
        if shot.media is not None and shot.media.path is not None and not shot.media.offline:
            with open_media(shot.media.path) as container:
                if container.streams.video:
                    stream = container.streams.video[0]
                    shape = Fraction(stream.width, stream.height) * (stream.sample_aspect_ratio or 1)
                    return 2 * quantise(shape * _LINES / 2), _LINES
    return 960, _LINES


def _sound(picture: Picture, mixes: Sequence[StemClip], duck: ducking.Ducking | None) -> NDArray[np.float32]:
    """The timeline's own sound and the music, (samples, 2), as long as the picture."""
    samples = quantise(Fraction(picture.duration_frames) / picture.rate * _RATE)
    sound = np.zeros((samples, 2), np.float32)
    speech = [(Fraction(start) / picture.rate, Fraction(end) / picture.rate) for start, end in picture.dialogue]
    keys = ducking.envelope(speech, Fraction(samples, _RATE), duck)
    for clip in mixes:
        at = quantise(Fraction(clip.start_frame - clip.pre_roll_frames) / picture.rate * _RATE)
        _add(sound, _read(clip.path, Fraction(0), Fraction(clip.samples, clip.sample_rate)), at)
    sound *= ducking.gain(keys, samples, _RATE)[:, None]
    for span in picture.audio:
        media = span.media
        if media is None or media.offline or media.path is None or media.speed != 1:
            continue
        at = quantise(Fraction(span.start_frame) / picture.rate * _RATE)
        try:
            heard = _read(media.path, media.start, Fraction(span.duration_frames) / picture.rate)
        except MediaError:
            continue  # a preview goes without the sound of one clip
        _add(sound, heard, at)
    peak = float(np.abs(sound).max(initial=0.0))
    return sound / np.float32(peak) if peak > 1 else sound


def _add(sound: NDArray[np.float32], part: NDArray[np.float32], at: int) -> None:
    skipped = max(0, -at)
    length = min(len(part) - skipped, len(sound) - max(0, at))
    if length > 0:
        sound[max(0, at) : max(0, at) + length] += part[skipped : skipped + length]


def _read(path: Path, start: Fraction, duration: Fraction) -> NDArray[np.float32]:
    """Stereo at 48 kHz of a stretch of a file; shorter where the file ends, empty where it has no sound."""
    import av

    wanted = quantise(duration * _RATE)
    with open_media(path) as container:
        if not container.streams.audio:
            return np.zeros((0, 2), np.float32)
        stream = container.streams.audio[0]
        base = stream.time_base or Fraction(1, _RATE)
        first = Fraction(stream.start_time or 0) * base
        container.seek(int((first + start) / base), stream=stream, backward=True)
        resampler = av.AudioResampler("flt", "stereo", _RATE)
        pieces: list[NDArray[np.float32]] = []
        begins, length = None, 0
        for frame in container.decode(stream):
            if begins is None and frame.pts is not None:
                begins = Fraction(frame.pts) * (frame.time_base or base) - first
            pieces += [_stereo(piece) for piece in resampler.resample(frame)]
            length += len(pieces[-1]) if pieces else 0
            if begins is not None and Fraction(length, _RATE) + begins > start + duration:
                break
        else:
            pieces += [_stereo(piece) for piece in resampler.resample(None)]
    if not pieces:
        return np.zeros((0, 2), np.float32)
    heard = np.concatenate(pieces)
    skip = max(0, quantise((start - (begins or Fraction(0))) * _RATE))
    return heard[skip : skip + wanted]


def _stereo(frame: "av.AudioFrame") -> NDArray[np.float32]:
    """Packed samples as (samples, 2)."""
    return np.asarray(frame.to_ndarray(), np.float32).reshape(-1, 2)


def _audio_stream(container: Any) -> Any:
    stream = container.add_stream("aac", rate=_RATE, layout="stereo", format="fltp")
    stream.bit_rate = 256_000
    return stream


def _encode_sound(container: Any, stream: Any, sound: NDArray[np.float32]) -> None:
    import av

    for start in range(0, len(sound), _CHUNK):
        planes = np.ascontiguousarray(sound[start : start + _CHUNK].T)
        frame = av.AudioFrame.from_ndarray(planes, "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = _RATE, start, Fraction(1, _RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
