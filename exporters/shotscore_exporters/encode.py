"""FLAC, MP3 and AAC of a rendered mix or stem, by PyAV: to send and to listen, not to deliver."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from shotscore_engine.atomic import replacing
from shotscore_engine.errors import RequestError

if TYPE_CHECKING:
    import av

# (suffix, codec, sample format, bit rate)
_CODECS = {
    ".flac": ("flac", "s32", None),
    ".mp3": ("libmp3lame", "fltp", 320_000),
    ".m4a": ("aac", "fltp", 256_000),
}


def write(path: Path, blocks: Iterator[NDArray[np.float32]], sample_rate: int) -> None:
    """Encode blocks of (samples, 2) float32 by the suffix of `path`: .flac (24 bits), .mp3 or .m4a (AAC).

    Raises RequestError for another suffix, OutputError where the file cannot be written.
    """
    import av

    if path.suffix not in _CODECS:
        raise RequestError(f"{path.suffix!r} is no format for listening; use {', '.join(_CODECS)}.")
    codec, form, bit_rate = _CODECS[path.suffix]
    with replacing(path) as temporary, av.open(str(temporary), "w") as container:
        stream = container.add_stream(codec, rate=sample_rate, layout="stereo", format=form)
        assert isinstance(stream, av.AudioStream)
        if bit_rate:
            stream.bit_rate = bit_rate
        # Bytes are to depend on the sound alone, not on the encoder's name and version.
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        now = 0
        for block in blocks:
            frame = _frame(block, form)
            frame.sample_rate, frame.pts, frame.time_base = sample_rate, now, Fraction(1, sample_rate)
            now += len(block)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _frame(block: NDArray[np.float32], form: str) -> "av.AudioFrame":
    import av

    if form == "s32":
        # FLAC keeps the upper 24 bits; they are rounded here, not cut.
        whole = np.clip(np.rint(block.astype(np.float64) * 2.0**23), -(2**23), 2**23 - 1).astype(np.int32) << 8
        return av.AudioFrame.from_ndarray(whole.reshape(1, -1), "s32", "stereo")
    return av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T, np.float32), "fltp", "stereo")
