"""Films and edits drawn when a test needs them, and readers of what came out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio
from numpy.typing import NDArray

WIDTH, HEIGHT = 320, 180
Painter = Callable[[int], NDArray[np.uint8]]


def calm(frame: int) -> NDArray[np.uint8]:
    """A dark, cold picture in which next to nothing happens."""
    rows = np.linspace(10, 50, HEIGHT)[:, None, None] + np.array([0, 8, 26])[None, None]
    picture = np.repeat(rows, WIDTH, axis=1)
    picture[60:64, 20 + frame // 8 % 200 : 40 + frame // 8 % 200] += 12
    return picture.astype(np.uint8)


def lively(frame: int) -> NDArray[np.uint8]:
    """Bright, warm, saturated bars that race."""
    x, y = np.arange(WIDTH)[None, :], np.arange(HEIGHT)[:, None]
    wave = np.sin((x + 23 * frame) / 17) * np.sin((y - 11 * frame) / 13)
    red, green, blue = 225 + 30 * wave, 150 + 100 * wave, np.where(wave > 0, 40, 90)
    return np.stack([red, green, blue], axis=-1).clip(0, 255).astype(np.uint8)


def write_film(path: Path, rate: Fraction, frames: int, paint: Painter) -> Path:
    """A film without sound."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt, stream.time_base = WIDTH, HEIGHT, "yuv420p", 1 / rate
        for number in range(frames):
            drawn = av.VideoFrame.from_ndarray(paint(number), format="rgb24")
            drawn.pts, drawn.time_base = number, 1 / rate
            container.mux(stream.encode(drawn))
        container.mux(stream.encode(None))
    return path


@dataclass(frozen=True)
class Cut:
    """A clip of an edit: which film, from which of its frames, how many."""

    film: Path
    start: int
    frames: int
    name: str = "A001"


def write_edit(path: Path, rate: Fraction, cuts: Sequence[Cut], start_frame: int | None = None) -> Path:
    """A timeline that starts at 01:00:00:00, with a track of dialogue that must be left as it is."""
    number = float(rate)

    def span(start: int, frames: int) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(start, number), otio.opentime.RationalTime(frames, number)
        )

    first = 3600 * round(rate) if start_frame is None else start_frame
    edit = otio.schema.Timeline(path.stem, global_start_time=otio.opentime.RationalTime(first, number))
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    for cut in cuts:
        reference = otio.schema.ExternalReference(cut.film.name, span(0, 100_000))
        track.append(otio.schema.Clip(cut.name, reference, span(cut.start, cut.frames)))
    edit.tracks.append(track)
    edit.tracks.append(otio.schema.Track("A1", kind=otio.schema.TrackKind.Audio))
    otio.adapters.write_to_file(edit, str(path))
    return path


def read_wav(path: Path) -> tuple[NDArray[np.float64], int]:
    """(samples, channels) in [-1, 1], and the rate."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.name == "pcm_s24le"
        blocks = [frame.to_ndarray() for frame in container.decode(stream)]
        sound = np.concatenate([block.reshape(-1, stream.channels) for block in blocks]).astype(np.float64) / 2**31
        return sound, stream.rate


def write_short_edit(folder: Path) -> Path:
    """Six seconds at 25 fps, `edit.otio`: two films of 100 frames, three cuts."""
    rate = Fraction(25)
    still, moving = (write_film(folder / f"{paint.__name__}.mp4", rate, 100, paint) for paint in (calm, lively))
    cuts = [Cut(still, 5, 50), Cut(moving, 0, 38), Cut(still, 60, 30), Cut(moving, 50, 32)]
    return write_edit(folder / "edit.otio", rate, cuts)
