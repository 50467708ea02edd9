"""Media files: what they are, and one way to open them.

Every file is opened through `open_media`, which lets FFmpeg's libraries read local files only: a playlist or a
reference movie handed to an editor must not make the machine fetch something. Times are seconds from the first frame.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError, MediaError
from .timing import exact_rate, parse_timecode, quantise

if TYPE_CHECKING:
    import av.container
    import numpy as np
    from numpy.typing import NDArray


SEEK_BEYOND = Fraction(5)
"""Seconds nobody wants to see that are jumped over rather than decoded through: half of a usual longest GOP."""


@dataclass(frozen=True)
class MediaInfo:
    """What a media file says about itself."""

    path: Path
    rate: Fraction | None
    """Frames per second, exact; None without video (an attached cover picture is none)."""
    frames: int
    """Frames of the video, 0 without video."""
    duration: Fraction
    """Seconds: the video's, or the sound's where there is no video."""
    timecode_frame: int
    """Absolute frame of the start timecode, 0 where the file has none."""
    drop_frame: bool
    has_audio: bool
    width: int = 0
    height: int = 0
    variable_rate: bool = False
    """True where frames are unevenly spaced (phones, screen recordings)."""
    first_pts: Fraction = Fraction(0)
    """The video stream's first presentation time in seconds: media time 0."""

    @property
    def start_seconds(self) -> Fraction:
        """The start timecode in seconds."""
        return self.timecode_frame / self.rate if self.rate else Fraction(0)


def open_media(path: Path) -> "av.container.InputContainer":
    """`path` opened for decoding; use it in a `with`. Image sequences are patterns (`a.%04d.png`).

    Raises MediaError where the file is missing or nothing that can be decoded.
    """
    import av
    import av.container

    options = {"protocol_whitelist": "file,crypto,data"}
    kind: str | None = None
    if not path.is_file():
        numbers = _sequence_numbers(path)
        if not numbers:
            raise MediaError(f"The media file {path} does not exist; bring it back or relink it in the editor.")
        options["start_number"] = str(numbers[0])
        kind = "image2"
    try:
        container = av.open(str(path.absolute()), format=kind, options=options, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as problem:
        raise MediaError(f"The media file {path} cannot be decoded: {_reason(problem)}.") from problem
    if not isinstance(container, av.container.InputContainer):  # pragma: no cover - av.open without a mode reads
        raise MediaError(f"The media file {path} cannot be opened for reading.")
    return container


def probe(path: Path) -> MediaInfo:
    """What the file at `path` holds. Raises MediaError where it cannot be read or holds neither video nor sound."""
    try:
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
    except OSError:
        stamp = (0, 0)
    return _probe(path, stamp)


@lru_cache(maxsize=4096)
def _probe(path: Path, stamp: tuple[int, int]) -> MediaInfo:  # noqa: ARG001 - the stamp renews the cached answer
    import av

    try:
        with open_media(path) as container:
            return _describe(path, container)
    except av.FFmpegError as problem:
        raise MediaError(f"The media file {path} cannot be decoded: {_reason(problem)}.") from problem


def picture_stream(container: "av.container.InputContainer") -> Any:
    """The video stream that is the film, not an attached cover; None where there is none."""
    import av.stream

    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            return stream
    return None


def _describe(path: Path, container: "av.container.InputContainer") -> MediaInfo:
    import av

    stream = picture_stream(container)
    has_audio = bool(container.streams.audio)
    total = Fraction(container.duration or 0, av.time_base)
    if stream is None:
        if not has_audio:
            raise MediaError(f"The media file {path} holds neither video nor sound.")
        sound = container.streams.audio[0]
        length = sound.duration * sound.time_base if sound.duration and sound.time_base else total
        return MediaInfo(path, None, 0, Fraction(length), 0, False, True)
    average, guessed, base = stream.average_rate, stream.guessed_rate, stream.base_rate
    best = guessed or average or base
    if not best:
        raise MediaError(f"The media file {path} does not say its frame rate.")
    rate = exact_rate(Fraction(best))
    variable = bool(average and abs(Fraction(average) / rate - 1) > Fraction(1, 100))
    length = stream.duration * stream.time_base if stream.duration and stream.time_base else total
    frames = stream.frames or quantise(Fraction(length) * rate)
    if variable and length:
        frames = quantise(Fraction(length) * rate)
    if not frames:
        # Raw streams carry neither: count the packets, which decodes nothing.
        frames = sum(1 for packet in container.demux(stream) if packet.size)
    timecode_frame, drop = _timecode(container, stream, rate)
    first = stream.start_time * stream.time_base if stream.start_time and stream.time_base else Fraction(0)
    return MediaInfo(
        path=path,
        rate=rate,
        frames=frames,
        duration=Fraction(frames) / rate,
        timecode_frame=timecode_frame,
        drop_frame=drop,
        has_audio=has_audio,
        width=stream.codec_context.width,
        height=stream.codec_context.height,
        variable_rate=variable,
        first_pts=Fraction(first),
    )


def _timecode(container: "av.container.InputContainer", stream: Any, rate: Fraction) -> tuple[int, bool]:
    """(absolute frame, drop-frame) of the first `timecode` tag: the video stream's, the container's, a data track's."""
    places = [stream.metadata, container.metadata, *(other.metadata for other in container.streams)]
    for metadata in places:
        for key, text in metadata.items():
            if key.lower() != "timecode":
                continue
            try:
                return parse_timecode(text, rate), ";" in text or "." in text
            except InputError:
                continue  # a tag in another rate or form; the next may do
    return 0, False


def _sequence_numbers(path: Path) -> list[int]:
    """The frame numbers that exist for an image pattern, in order; empty where `path` is no pattern."""
    match = re.fullmatch(r"(.*)%(?:0(\d{1,2}))?d(.*)", path.name)
    if not match or not path.parent.is_dir():
        return []
    before, after = match[1].replace("%%", "%"), match[3].replace("%%", "%")
    digits = rf"\d{{{int(match[2])},}}" if match[2] else r"\d+"
    name = re.compile(re.escape(before) + f"({digits})" + re.escape(after))
    return sorted(int(found[1]) for entry in path.parent.iterdir() if (found := name.fullmatch(entry.name)))


def _reason(problem: Exception) -> str:
    return str(getattr(problem, "strerror", None) or problem).strip().rstrip(".").lower() or "it is damaged"


def frames_between(
    path: Path, start: Fraction, end: Fraction, size: tuple[int, int], pixel_format: str = "bgr24"
) -> Iterator[tuple[Fraction, "NDArray[np.uint8]"]]:
    """Every frame of the file shown from media time `start` up to `end`, in order: (its time, its pixels).

    `size` = (width, height) of the pixels, (height, width, 3) uint8, scaled by FFmpeg. The first frame is the one that
    stands at `start`. Raises MediaError where the file cannot be decoded at all; a damaged frame inside is passed over.
    """
    shrink = Shrinker(size, pixel_format)
    for time, frame in decoded_between(path, start, end):
        yield time, shrink(frame)


class Shrinker:
    """Makes frames small; keeps FFmpeg's scaler from one to the next."""

    def __init__(
        self, size: tuple[int, int], pixel_format: str = "bgr24", interpolation: str = "FAST_BILINEAR"
    ) -> None:
        from av.video.reformatter import VideoReformatter

        self._scaler = VideoReformatter()
        self._arguments = (*size, pixel_format)
        self._interpolation = interpolation

    def __call__(self, frame: Any) -> "NDArray[np.uint8]":
        """(height, width, 3) uint8 of a decoded frame."""
        small = self._scaler.reformat(frame, *self._arguments, interpolation=self._interpolation)
        pixels: NDArray[np.uint8] = small.to_ndarray()  # type: ignore[assignment] # 8 bits by its format
        return pixels


def decoded_stretches(
    path: Path, stretches: Sequence[tuple[Fraction, Fraction]]
) -> Iterator[tuple[int, Fraction, Any]]:
    """(number of the stretch, media time, FFmpeg's frame) of every frame of `stretches`, see `decoded_between`.

    Stretches are (start, end) in media seconds, in order and apart. What lies between two near ones is decoded
    through: going back to a key frame would cost more.
    """
    info = probe(path)
    quarter = 1 / (4 * (info.rate or Fraction(25)))
    first = 0
    while first < len(stretches):
        last = first
        while last + 1 < len(stretches) and stretches[last + 1][0] - stretches[last][1] <= SEEK_BEYOND:
            last += 1
        at = first
        for time, frame in decoded_between(path, stretches[first][0], stretches[last][1]):
            while at < last and time >= stretches[at][1] - quarter:
                at += 1
            if time + 3 * quarter > stretches[at][0]:
                yield at, time, frame
        first = last + 1


def decoded_between(path: Path, start: Fraction, end: Fraction) -> Iterator[tuple[Fraction, Any]]:
    """(media time, FFmpeg's frame) of every frame shown from media time `start` up to `end`, in order.

    The first is the one that stands at `start`. Seeks where that saves decoding; decodes with all threads FFmpeg
    wants, which run on while the caller looks at a frame. Raises MediaError where the file cannot be decoded at all; a
    damaged frame inside is passed over.
    """
    import av

    info = probe(path)
    if info.rate is None:
        raise MediaError(f"The media file {path} holds no picture.")
    half = 1 / (2 * info.rate)
    with open_media(path) as container:
        stream = picture_stream(container)
        stream.thread_type = "AUTO"
        try:
            for time, frame in _decoded(container, stream, info, start):
                if time >= end - half / 2:
                    return
                if time + 2 * half - half / 2 <= start:
                    continue
                yield time, frame
        except av.FFmpegError as problem:
            raise MediaError(f"The media file {path} cannot be decoded: {_reason(problem)}.") from problem


def _decoded(
    container: "av.container.InputContainer", stream: Any, info: MediaInfo, start: Fraction
) -> Iterator[tuple[Fraction, Any]]:
    """Frames with their media times, from a key frame at or before `start`."""
    import av

    rate = info.rate or Fraction(25)
    for back in (Fraction(0), Fraction(10), None):
        target = start - back if back is not None else Fraction(0)
        if target > 2:
            container.seek(int((target + info.first_pts) / stream.time_base), stream=stream)
        elif back != 0:
            container.seek(int(info.first_pts / stream.time_base), stream=stream)
        count = -1
        first = True
        late = False
        for packet in container.demux(stream):
            try:
                decoded = packet.decode()
            except av.InvalidDataError:
                continue
            for frame in decoded:
                count += 1
                has_time = frame.pts is not None and stream.time_base
                time = frame.pts * stream.time_base - info.first_pts if has_time else count / rate
                if first and time > start + 1 / rate and target > 2 and back is not None:
                    late = True
                    break
                first = False
                yield Fraction(time), frame
            if late:
                break
        if not late:
            return


def audio_between(path: Path, start: Fraction, end: Fraction, sample_rate: int) -> Iterator["NDArray[np.float32]"]:
    """The file's first sound stream, mixed to mono, from media time `start` up to `end`: blocks of samples in order.

    Media time 0 is the first frame of the video where the file has one, so that sound and picture share it. What the
    stream does not hold is silence. Raises MediaError where the file has no sound or cannot be decoded.
    """
    import av
    import numpy as np

    info = probe(path)
    if not info.has_audio:
        raise MediaError(f"The media file {path} holds no sound.")
    wanted = max(0, quantise((end - start) * sample_rate))
    given = 0
    with open_media(path) as container:
        stream = container.streams.audio[0]
        base = Fraction(stream.time_base or Fraction(1, sample_rate))
        origin = info.first_pts if info.rate else Fraction(stream.start_time or 0) * base
        container.seek(max(0, int((origin + start - Fraction(1, 10)) / base)), stream=stream)
        resampler = av.AudioResampler(format="flt", layout="mono", rate=sample_rate)
        expected: int | None = None
        try:
            for packet in container.demux(stream):
                try:
                    decoded: list[av.AudioFrame | None] = list(packet.decode())
                except av.InvalidDataError:
                    continue
                for frame in [*decoded, None] if packet.dts is None else decoded:
                    if expected is None:
                        if frame is None:
                            continue
                        first = frame.pts * Fraction(frame.time_base or base) if frame.pts is not None else origin
                        expected = quantise((first - origin - start) * sample_rate)
                        if expected > 0:
                            silence = np.zeros(min(expected, wanted), np.float32)
                            given += len(silence)
                            yield silence
                    for heard in resampler.resample(frame):
                        samples: NDArray[np.float32] = heard.to_ndarray().reshape(-1).astype(np.float32)
                        skip = min(len(samples), max(0, -expected))
                        expected += len(samples)
                        block = samples[skip : skip + wanted - given]
                        if len(block):
                            given += len(block)
                            yield block
                    if given >= wanted:
                        return
        except av.FFmpegError as problem:
            raise MediaError(f"The sound of {path} cannot be decoded: {_reason(problem)}.") from problem
    if given < wanted:
        yield np.zeros(wanted - given, np.float32)
