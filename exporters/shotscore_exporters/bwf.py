"""Broadcast Wave: PCM with a `bext` chunk (EBU Tech 3285, version 2) and an `iXML` chunk (2.10).

Written here as two small tables: FFmpeg's muxer writes `bext` but no iXML and stamps its own version into the file,
libsndfile's Python binding writes neither, and the bytes are to depend on the sound alone.
"""

import io
import re
import shutil
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from xml.sax.saxutils import escape, unescape

import numpy as np
from numpy.typing import NDArray
from shotscore_engine.atomic import replacing
from shotscore_engine.errors import OutputError
from shotscore_engine.timing import rate_text

_LARGEST = 0xFFFFFFFF - 65_536
_UNKNOWN_LOUDNESS = 0x7FFF
_LARGEST_HEAD = 1 << 16
_USER = re.compile(rb"<USER>([^<]{0,400})</USER>")


@dataclass(frozen=True)
class Label:
    """What a Broadcast Wave file says of itself."""

    description: str
    """Up to 256 characters."""
    time_reference: int
    """Samples from midnight to the first sample."""
    rate: Fraction
    """Picture frames per second."""
    drop_frame: bool
    project: str
    scene: str
    """The cue."""
    tracks: tuple[str, ...]
    """A name per channel."""
    take: str = "1"
    reference: str = ""
    """Up to 32 characters that name the take this sound belongs to."""
    created: str = ""
    """YYYY-MM-DDTHH:MM:SS; empty leaves the fields blank, and the bytes a function of the sound."""
    integrated_lufs: float | None = None
    true_peak_db: float | None = None
    user: str = ""
    """What the program keeps for itself, in iXML's USER."""


# (field, format): Tech 3285 section 2.3.
_BEXT = struct.Struct("<256s32s32s10s8sQH64sHHHHH180s")


def bext_chunk(label: Label) -> bytes:
    """The body of `bext`, version 2."""
    date, _, clock = label.created.partition("T")
    return _BEXT.pack(
        _ascii(label.description, 256),
        _ascii("Shotscore", 32),
        _ascii(label.reference, 32),
        _ascii(date, 10),
        _ascii(clock, 8),
        label.time_reference,
        2,
        bytes(64),
        _hundredths(label.integrated_lufs),
        _UNKNOWN_LOUDNESS,
        _hundredths(label.true_peak_db),
        _UNKNOWN_LOUDNESS,
        _UNKNOWN_LOUDNESS,
        bytes(180),
    )


def ixml_chunk(label: Label, sample_rate: int, bits: int) -> bytes:
    """The body of `iXML`: project, scene, take, timecode and a name per channel."""
    high, low = divmod(label.time_reference, 1 << 32)
    tracks = "".join(
        f"<TRACK><CHANNEL_INDEX>{n}</CHANNEL_INDEX><INTERLEAVE_INDEX>{n}</INTERLEAVE_INDEX>"
        f"<NAME>{escape(name)}</NAME><FUNCTION>{escape(name)}</FUNCTION></TRACK>"
        for n, name in enumerate(label.tracks, 1)
    )
    user = f"<USER>{escape(label.user)}</USER>" if label.user else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f"<BWFXML><IXML_VERSION>2.10</IXML_VERSION><PROJECT>{escape(label.project)}</PROJECT>"
        f"<SCENE>{escape(label.scene)}</SCENE><TAKE>{escape(label.take)}</TAKE><TAPE></TAPE>"
        f"<NOTE>{escape(label.description)}</NOTE>{user}"
        f"<SPEED><MASTER_SPEED>{rate_text(label.rate)}</MASTER_SPEED><CURRENT_SPEED>{rate_text(label.rate)}</CURRENT_SPEED>"
        f"<TIMECODE_RATE>{rate_text(label.rate)}</TIMECODE_RATE>"
        f"<TIMECODE_FLAG>{'DF' if label.drop_frame else 'NDF'}</TIMECODE_FLAG>"
        f"<FILE_SAMPLE_RATE>{sample_rate}</FILE_SAMPLE_RATE><AUDIO_BIT_DEPTH>{bits}</AUDIO_BIT_DEPTH>"
        f"<DIGITIZER_SAMPLE_RATE>{sample_rate}</DIGITIZER_SAMPLE_RATE>"
        f"<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>{high}</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI>"
        f"<TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>{low}</TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO>"
        f"<TIMESTAMP_SAMPLE_RATE>{sample_rate}</TIMESTAMP_SAMPLE_RATE></SPEED>"
        f"<TRACK_LIST><TRACK_COUNT>{len(label.tracks)}</TRACK_COUNT>{tracks}</TRACK_LIST></BWFXML>"
    ).encode()


def header(label: Label, sample_rate: int, bits: int, channels: int, samples: int) -> bytes:
    """Everything up to the first sample: RIFF, fmt, bext, iXML and the head of data.

    Raises OutputError where the file would pass RIFF's 4 GiB.
    """
    frame = channels * bits // 8
    data = samples * frame
    if data > _LARGEST:
        raise OutputError(f"{samples} samples of {channels} channels do not fit into one WAV file; split the cue.")
    fmt = struct.pack("<HHIIHH", 1, channels, sample_rate, sample_rate * frame, frame, bits)
    chunks = b"".join(
        _chunk(name, body)
        for name, body in (
            (b"fmt ", fmt),
            (b"bext", bext_chunk(label)),
            (b"iXML", ixml_chunk(label, sample_rate, bits)),
        )
    )
    body = 4 + len(chunks) + 8 + data + data % 2
    return b"RIFF" + struct.pack("<I", body) + b"WAVE" + chunks + b"data" + struct.pack("<I", data)


def pcm(sound: NDArray[np.floating], bits: int) -> bytes:
    """(samples, channels) float in [-1, 1] as little-endian integers of 16, 24 or 32 bits, rounded, never wrapped."""
    full = 2.0 ** (bits - 1)
    # float32 holds 24 bits exactly: wider numbers are needed for 32-bit files only.
    kind = np.float64 if bits == 32 else np.float32
    exact: NDArray[np.floating] = np.multiply(sound, kind(full), dtype=kind)
    np.rint(exact, out=exact)
    np.clip(exact, -full, full - 1, out=exact)
    if bits != 24:
        return exact.astype(f"<i{bits // 8}").tobytes()
    packed = np.empty(exact.size * 3 + 1, np.uint8)
    # Each of four bytes is written over the last one's fourth: half the time of going through them byte by byte.
    _threes(packed, exact.size)[:] = exact.reshape(-1).astype("<i4")
    return packed[:-1].tobytes()


def _threes(packed: NDArray[np.uint8], count: int) -> NDArray[np.int32]:
    """`packed` as whole numbers of four bytes that begin every three."""
    return np.ndarray((count,), "<i4", packed, 0, (3,))


def write(
    path: Path,
    blocks: Iterator[NDArray[np.floating]],
    label: Label,
    sample_rate: int,
    bits: int,
    channels: int,
    samples: int,
) -> None:
    """Write blocks of sound, `samples` in all, to `path`, whole or not at all."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(header(label, sample_rate, bits, channels, samples))
        for block in blocks:
            file.write(pcm(block, bits))
        if samples * channels * bits // 8 % 2:
            file.write(b"\0")


@dataclass(frozen=True)
class Head:
    """What stands before the sound of one of our files."""

    sample_rate: int
    bits: int
    channels: int
    samples: int
    data_at: int
    """Byte of the first sample."""
    user: str
    """As in `Label`."""
    integrated_lufs: float | None
    true_peak_db: float | None


def read_head(path: Path) -> Head | None:
    """The head of a file `write` made; None where there is no such file, or where it is cut short or another's."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            head = file.read(_LARGEST_HEAD)
    except OSError:
        return None
    at, found = 12, {}
    while head[:4] == b"RIFF" and at + 8 <= len(head):
        name, length = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
        found[name] = (at + 8, length)
        if name == b"data":
            break
        at += 8 + length + length % 2
    if not {b"fmt ", b"bext", b"iXML", b"data"} <= found.keys() or found[b"bext"][1] < _BEXT.size:
        return None
    bext = _BEXT.unpack_from(head, found[b"bext"][0])
    measured = [None if value == _UNKNOWN_LOUDNESS else _signed(value) / 100 for value in (bext[8], bext[10])]
    _, channels, sample_rate, _, frame, bits = struct.unpack_from("<HHIIHH", head, found[b"fmt "][0])
    start, length = found[b"data"]
    own, ixml_length = found[b"iXML"]
    user = _USER.search(head[own : own + ixml_length])
    if not frame or size < start + length:
        return None
    text = unescape(user[1].decode()) if user else ""
    return Head(sample_rate, bits, channels, length // frame, start, text, measured[0], measured[1])


_AT_A_TIME = 1 << 16


def read_pcm(path: Path, head: Head, start: int, end: int) -> NDArray[np.float32]:
    """Samples `start` to `end` of a 16- or 24-bit file, (samples, channels) in [-1, 1]; exact."""
    frame = head.channels * head.bits // 8
    with path.open("rb") as file:
        file.seek(head.data_at + start * frame)
        raw = np.frombuffer(file.read((end - start) * frame), np.uint8)
    if head.bits == 16:
        return (raw.view("<i2").astype(np.float32) / np.float32(2**15)).reshape(-1, head.channels)
    count = len(raw) // 3
    # A byte before the first: the upper three of every four are the sample, the lowest is the one's before it.
    wide = _threes(np.concatenate([np.zeros(1, np.uint8), raw]), count)
    sound = np.empty(count, np.float32)
    for start in range(0, count, _AT_A_TIME):
        here = slice(start, start + _AT_A_TIME)
        np.multiply(wide[here] & -256, np.float32(2**-31), out=sound[here], dtype=np.float32, casting="unsafe")
    return sound.reshape(-1, head.channels)


def patch(path: Path, base: Path, head: Head, label: Label, pieces: Sequence[tuple[int, NDArray[np.floating]]]) -> None:
    """Write `base` to `path` with another label and `pieces` (first sample, sound) in it; all else bit for bit."""
    frame = head.channels * head.bits // 8
    top = header(label, head.sample_rate, head.bits, head.channels, head.samples)
    with replacing(path) as temporary:
        if len(top) == head.data_at:
            shutil.copyfile(base, temporary)  # inside the system, where it can
        else:
            with temporary.open("wb") as file, base.open("rb") as source:
                source.seek(head.data_at)
                file.write(bytes(len(top)))
                shutil.copyfileobj(source, file, 1 << 22)
        with temporary.open("r+b") as file:
            file.write(top)
            for first, sound in pieces:
                file.seek(len(top) + first * frame)
                file.write(pcm(sound, head.bits))


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def _ascii(text: str, size: int) -> bytes:
    return text.encode("ascii", "replace")[:size]


def _signed(value: int) -> int:
    return value - 0x10000 if value >= 0x8000 else value


def _hundredths(value: float | None) -> int:
    if value is None or not np.isfinite(value):
        return _UNKNOWN_LOUDNESS
    return round(value * 100) & 0xFFFF
