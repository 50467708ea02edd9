"""One instrument of a compressed SoundFont, decoded once and kept as a small plain one.

An .sf3 holds its samples as Ogg Vorbis, and decoding a piano takes as long as playing a minute of it. So what a
program plays is decoded the first time and kept in the user's cache folder as an .sf2 whose tables are those of the
font, whose samples are those of the one preset, and whose other samples are empty. Samples are 16-bit whole numbers,
which is what FluidSynth makes of the compressed ones as well.

Source: SoundFont Technical Specification 2.04 (E-mu Systems, 2006); sections are named in comments.
"""

import struct
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
from shotscore_engine import cache
from shotscore_engine.atomic import replacing
from shotscore_engine.errors import InputError, OutputError

from .fontfile import COMPRESSED, RECORDS, SoundFont, read_soundfont

FOLDER = "instruments"
BYTES_AT_MOST = 1 << 30
"""Kept in all; those used longest ago go first. A piano takes 90 MB, most instruments a few."""
_VERSION = 1
_making = threading.Lock()
"""Stems of one program are played side by side: the first one decodes."""
_SILENCE = 46
"""Samples of silence after each sample (section 6.1)."""


def plain_font(font: Path, bank: int, program: int) -> Path:
    """A SoundFont that plays `program` of `bank` as `font` does, without anything to decode: `font` itself where it
    is not compressed, where it has no such program, or where nothing can be kept."""
    kept = cache.cache_file(FOLDER, _VERSION, (f"{font.absolute()} {bank} {program}", *_of(font)), ".sf2")
    if kept is None or font.suffix.lower() != ".sf3":
        return font
    with _making:
        return kept if _used(kept) or _made(kept, font, bank, program) else font


def _used(kept: Path) -> bool:
    """Whether it is there; the time of its file is that of its last use."""
    if not kept.exists():
        return False
    with suppress(OSError):
        kept.touch()
    return True


def _made(kept: Path, font: Path, bank: int, program: int) -> bool:
    try:
        source = read_soundfont(font)
        needed = sorted({zone.sample for zone in source.zones(bank, program)})
        if not needed or not any(int(source.tables["shdr"][n]["type"]) & COMPRESSED for n in needed):
            return False
        whole = to_bytes(source, needed)
        with replacing(kept) as temporary:
            temporary.write_bytes(whole)
        _trim(kept.parent)
    except (InputError, OutputError, OSError, IndexError):
        # What is wrong with the font, the player itself will say.
        return False
    return True


def to_bytes(font: SoundFont, needed: list[int]) -> bytes:
    """An .sf2 with the tables of `font`, and of its samples `needed`. Raises InputError where one is damaged."""
    headers = font.tables["shdr"].copy()
    sounds: list[bytes] = [bytes(2 * _SILENCE)]
    at = _SILENCE
    wanted = set(needed)
    for index in range(len(headers) - 1):
        row = headers[index]
        if index not in wanted:
            # Nobody plays it: it stands for the silence at the beginning.
            row["start"], row["end"], row["loop_start"], row["loop_end"] = 0, _SILENCE, 8, 16
            row["type"] = int(row["type"]) & ~COMPRESSED
            continue
        sound = font.sample(index)
        loop = int(row["loop_start"]), int(row["loop_end"])
        if not int(row["type"]) & COMPRESSED:
            loop = loop[0] - int(row["start"]), loop[1] - int(row["start"])  # counted from the font's first sample
        whole = np.clip(np.rint(sound * np.float32(32_767)), -32_768, 32_767).astype("<i2")
        sounds += [whole.tobytes(), bytes(2 * _SILENCE)]
        row["start"], row["end"] = at, at + len(whole)
        row["loop_start"], row["loop_end"] = at + loop[0], at + loop[1]
        row["type"] = int(row["type"]) & ~COMPRESSED
        at += len(whole) + _SILENCE
        font.loaded.pop(index, None)
    tables = {**font.tables, "shdr": headers}
    info = _list(b"INFO", _chunk(b"ifil", struct.pack("<HH", 2, 4)) + _chunk(b"isng", b"EMU8000\0") + _name(font.path))
    samples = _list(b"sdta", _chunk(b"smpl", b"".join(sounds)))
    order = ("phdr", "pbag", "pmod", "pgen", "inst", "ibag", "imod", "igen", "shdr")  # section 7 wants this one
    pdta = _list(
        b"pdta", b"".join(_chunk(name.encode(), tables[name].astype(RECORDS[name]).tobytes()) for name in order)
    )
    return _chunk(b"RIFF", b"sfbk" + info + samples + pdta)


def _of(font: Path) -> tuple[int, int]:
    return cache.fingerprint(font)[1:]


def _trim(folder: Path) -> None:
    """Remove what was used longest ago until the rest is small enough."""
    with suppress(OSError):
        kept = sorted(((file.stat(), file) for file in folder.glob("*.sf2")), key=lambda one: -one[0].st_mtime_ns)
        total = 0
        for stat, file in kept:
            total += stat.st_size
            if total > BYTES_AT_MOST:
                file.unlink(missing_ok=True)


def _name(path: Path) -> bytes:
    name = path.stem.encode("ascii", "replace")[:200]
    return _chunk(b"INAM", name + bytes(2 - len(name) % 2))


def _list(kind: bytes, body: bytes) -> bytes:
    return _chunk(b"LIST", kind + body)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
