"""SoundFonts as files: .sf2 and .sf3 (the same with its samples as Ogg Vorbis), their tables, zones and samples.

A font is a tree: a preset names instruments, an instrument names samples, and both say for which keys and velocities,
and how, by numbered generators. A zone here is one way down that tree with its generators added up.

Source: SoundFont Technical Specification 2.04 (E-mu Systems, 2006); sections are named in comments.
Known deviations: modulators are worked out where a note is struck; as in FluidSynth, velocity leaves the filter alone
unless a font asks for it. The low bytes of 24-bit samples are left out.
"""

import io
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray
from shotscore_engine.errors import InputError
from shotscore_engine.perform import EXPRESSION
from shotscore_engine.timing import quantise

Sound = NDArray[np.float32]

_MODULATOR = np.dtype([
    ("source", "<u2"), ("target", "<u2"), ("amount", "<i2"), ("factor", "<u2"), ("transform", "<u2"),
])  # fmt: skip
RECORDS = {
    "phdr": np.dtype([("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("unused", "<u4", (3,))]),
    "pbag": np.dtype([("generator", "<u2"), ("modulator", "<u2")]),
    "pgen": np.dtype([("kind", "<u2"), ("amount", "<i2")]),
    "pmod": _MODULATOR,
    "inst": np.dtype([("name", "S20"), ("bag", "<u2")]),
    "ibag": np.dtype([("generator", "<u2"), ("modulator", "<u2")]),
    "igen": np.dtype([("kind", "<u2"), ("amount", "<i2")]),
    "imod": _MODULATOR,
    "shdr": np.dtype([
        ("name", "S20"), ("start", "<u4"), ("end", "<u4"), ("loop_start", "<u4"), ("loop_end", "<u4"),
        ("rate", "<u4"), ("key", "u1"), ("correction", "i1"), ("link", "<u2"), ("type", "<u2"),
    ]),
}  # fmt: skip
"""The tables of the pdta chunk (section 7)."""


class Gen(IntEnum):
    """Generators by the specification's numbers (section 8.1.2)."""

    START, END, LOOP_START, LOOP_END, START_COARSE = range(5)
    MOD_LFO_TO_PITCH, VIB_LFO_TO_PITCH, MOD_ENV_TO_PITCH, CUTOFF, RESONANCE = range(5, 10)
    MOD_LFO_TO_CUTOFF, MOD_ENV_TO_CUTOFF, END_COARSE, MOD_LFO_TO_VOLUME = range(10, 14)
    PAN = 17
    MOD_LFO_DELAY, MOD_LFO_RATE, VIB_LFO_DELAY, VIB_LFO_RATE = range(21, 25)
    MOD_DELAY, MOD_ATTACK, MOD_HOLD, MOD_DECAY, MOD_SUSTAIN, MOD_RELEASE, KEY_TO_MOD_HOLD, KEY_TO_MOD_DECAY = range(
        25, 33
    )
    DELAY, ATTACK, HOLD, DECAY, SUSTAIN, RELEASE, KEY_TO_HOLD, KEY_TO_DECAY, INSTRUMENT = range(33, 42)
    KEYS, VELOCITIES, LOOP_START_COARSE, KEY = range(43, 47)
    ATTENUATION = 48
    LOOP_END_COARSE, COARSE_TUNE, FINE_TUNE, SAMPLE, MODE = range(50, 55)
    SCALE_TUNING, EXCLUSIVE_CLASS, ROOT_KEY = range(56, 59)


_SHORTEST = -12_000
LIMITS = {
    # kind: (default, least, most); these add up from preset to instrument.
    Gen.MOD_LFO_TO_PITCH: (0, -12_000, 12_000), Gen.VIB_LFO_TO_PITCH: (0, -12_000, 12_000),
    Gen.MOD_ENV_TO_PITCH: (0, -12_000, 12_000), Gen.CUTOFF: (13_500, 1_500, 13_500), Gen.RESONANCE: (0, 0, 960),
    Gen.MOD_LFO_TO_CUTOFF: (0, -12_000, 12_000), Gen.MOD_ENV_TO_CUTOFF: (0, -12_000, 12_000),
    Gen.MOD_LFO_TO_VOLUME: (0, -960, 960), Gen.PAN: (0, -500, 500),
    Gen.MOD_LFO_DELAY: (_SHORTEST, -12_000, 5_000), Gen.MOD_LFO_RATE: (0, -16_000, 4_500),
    Gen.VIB_LFO_DELAY: (_SHORTEST, -12_000, 5_000), Gen.VIB_LFO_RATE: (0, -16_000, 4_500),
    Gen.MOD_DELAY: (_SHORTEST, -12_000, 5_000), Gen.MOD_ATTACK: (_SHORTEST, -12_000, 8_000),
    Gen.MOD_HOLD: (_SHORTEST, -12_000, 5_000), Gen.MOD_DECAY: (_SHORTEST, -12_000, 8_000),
    Gen.MOD_SUSTAIN: (0, 0, 1_000), Gen.MOD_RELEASE: (_SHORTEST, -12_000, 8_000),
    Gen.KEY_TO_MOD_HOLD: (0, -1_200, 1_200), Gen.KEY_TO_MOD_DECAY: (0, -1_200, 1_200),
    Gen.DELAY: (_SHORTEST, -12_000, 5_000), Gen.ATTACK: (_SHORTEST, -12_000, 8_000),
    Gen.HOLD: (_SHORTEST, -12_000, 5_000), Gen.DECAY: (_SHORTEST, -12_000, 8_000), Gen.SUSTAIN: (0, 0, 1_440),
    Gen.RELEASE: (_SHORTEST, -7_200, 8_000),  # 1 ms of release would click
    Gen.KEY_TO_HOLD: (0, -1_200, 1_200), Gen.KEY_TO_DECAY: (0, -1_200, 1_200),
    Gen.ATTENUATION: (0, -1_440, 1_440), Gen.COARSE_TUNE: (0, -120, 120), Gen.FINE_TUNE: (0, -99, 99),
    Gen.SCALE_TUNING: (100, 0, 1_200),
}  # fmt: skip
_ANYTHING = 127 << 8
"""The range 0 to 127 as an amount: low byte first."""

_MOST_BYTES = 1 << 26
_MOST_ZONES = 20_000
_MOST_IN_A_ZONE = 256
_LONGEST_SAMPLE = 1 << 26
COMPRESSED, _ROM = 0x10, 0x8000
_DEFAULT_MODULATORS = {(0x502, Gen.ATTENUATION, 0, 0): 960, (0x587, Gen.ATTENUATION, 0, 0): 960}
"""(source, target, factor, transform): amount. Velocity and volume (section 8.4); the others are at rest."""
_CONTROLLERS = {7: 100, 10: 64, EXPRESSION: 127}
"""Where a MIDI channel's controllers stand that nobody has moved; the others are at 0."""
_WHEEL = 64


@dataclass(frozen=True)
class Zone:
    """One sample as one preset plays it."""

    sample: int
    """Row of the sample table."""
    generators: Mapping[int, int]
    """Those that are set, by number, preset and instrument added."""
    modulators: Mapping[tuple[int, int, int, int], int]
    """Amounts by (source, target, factor, transform)."""
    attenuation_cb: float = 0.0
    """What modulators take away; they are not halved as the generator is."""

    def __getitem__(self, kind: Gen) -> int:
        """The generator's value, within the specification's limits."""
        default, least, most = LIMITS[kind]
        return min(max(self.generators.get(kind, default), least), most)

    def seconds(self, kind: Gen) -> float:
        """A generator in timecents as seconds; the least of them is none."""
        value = self[kind]
        return 0.0 if value <= _SHORTEST else float(2 ** (value / 1200))

    def offset(self, fine: Gen, coarse: Gen) -> int:
        """What is added to one of the sample's addresses, in samples."""
        return self.generators.get(fine, 0) + 32_768 * self.generators.get(coarse, 0)

    def plays(self, key: int, velocity: int) -> bool:
        """Whether the zone sounds for a key struck with a velocity."""
        return self.plays_key(key) and _inside(velocity, self.generators.get(Gen.VELOCITIES, _ANYTHING))

    def plays_key(self, key: int) -> bool:
        """Whether it sounds for a key at all."""
        return _inside(key, self.generators.get(Gen.KEYS, _ANYTHING))

    def struck(self, key: int, velocity: int) -> "Zone":
        """The zone as a key's modulators make it."""
        generators, attenuation_cb = dict(self.generators), 0.0
        for (source, target, factor, transform), amount in self.modulators.items():
            value = amount * _source(source, key, velocity) * (_source(factor, key, velocity) if factor else 1)
            value = abs(value) if transform == 2 else value
            if target == Gen.ATTENUATION:
                attenuation_cb += value
            elif value and target in LIMITS:
                generators[target] = generators.get(target, LIMITS[Gen(target)][0]) + quantise(value)
        return Zone(self.sample, generators, {}, attenuation_cb)


@dataclass(frozen=True)
class SoundFont:
    """A SoundFont's tables; its samples stay in the file until they are played."""

    path: Path
    tables: Mapping[str, NDArray[Any]]
    samples_at: int
    """Byte in the file where the samples begin."""
    samples_size: int
    """Bytes of them."""
    loaded: dict[int, Sound] = field(default_factory=dict, repr=False, compare=False)
    """Samples that have been played."""

    def presets(self) -> tuple[tuple[int, int], ...]:
        """(bank, program) of every preset; drums are bank 128."""
        return tuple((int(row["bank"]), int(row["program"])) for row in self.tables["phdr"][:-1])

    def zones(self, bank: int, program: int) -> tuple[Zone, ...]:
        """The zones of a preset; none where the font has no such preset. Raises InputError where they are damaged."""
        presets = self.presets()
        if (bank, program) not in presets:
            return ()
        found: list[Zone] = []
        for outer, more in self._branches("phdr", "p", presets.index((bank, program)), Gen.INSTRUMENT):
            added = {kind: amount for kind, amount in outer.items() if kind in LIMITS}
            for inner, own in self._branches("inst", "i", outer[Gen.INSTRUMENT], Gen.SAMPLE):
                generators = dict(inner)
                for kind, amount in added.items():
                    generators[kind] = inner.get(kind, LIMITS[Gen(kind)][0]) + amount
                for kind in (Gen.KEYS, Gen.VELOCITIES):
                    generators[kind] = _both(inner.get(kind, _ANYTHING), outer.get(kind, _ANYTHING))
                modulators = _DEFAULT_MODULATORS | own
                for way, amount in more.items():
                    modulators[way] = modulators.get(way, 0) + amount
                found.append(Zone(inner[Gen.SAMPLE], generators, modulators))
                if len(found) > _MOST_ZONES:
                    self._damaged(f"program {program} of bank {bank} has more than {_MOST_ZONES} zones")
        return tuple(found)

    def program(self, bank: int, program: int) -> tuple[Zone, ...]:
        """The zones of a preset, or of its bank's program 0 where the font has no such preset."""
        return self.zones(bank, program) or self.zones(bank, 0)

    def _branches(
        self, headers: str, level: str, index: int, leads: Gen
    ) -> Iterator[tuple[dict[int, int], dict[tuple[int, int, int, int], int]]]:
        """Generators and modulators of each zone of a preset or instrument, its global zone's among them (7.3, 7.7)."""
        rows, bags = self.tables[headers], self.tables[f"{level}bag"]
        if not 0 <= index < len(rows) - 1:
            self._damaged(f"entry {index} of {headers} does not exist")
        first, last = int(rows[index]["bag"]), int(rows[index + 1]["bag"])
        if not first <= last < len(bags) or last - first > _MOST_ZONES:
            self._damaged(f"entry {index} of {headers} has zones {first} to {last}")
        everywhere: dict[int, int] = {}
        everyone: dict[tuple[int, int, int, int], int] = {}
        for bag in range(first, last):
            # Indices are unsigned, everything else is signed or a pair of bytes.
            generators = {k: a & 0xFFFF if k == leads else a for k, a in self._listed(level, "gen", bag)}
            modulators = {(s, t, f, how): amount for s, t, amount, f, how in self._listed(level, "mod", bag)}
            if leads in generators:
                yield everywhere | generators, everyone | modulators
            elif bag == first:
                everywhere, everyone = generators, modulators

    def _listed(self, level: str, kind: Literal["gen", "mod"], bag: int) -> list[tuple[int, ...]]:
        """The rows of a zone in the table of generators or modulators."""
        edges = self.tables[f"{level}bag"]["generator" if kind == "gen" else "modulator"]
        listed = self.tables[level + kind]
        start, end = int(edges[bag]), int(edges[bag + 1])
        if not start <= end <= len(listed) or end - start > _MOST_IN_A_ZONE:
            self._damaged(f"zone {bag} of {level}bag goes from {start} to {end} in {level}{kind}")
        rows: list[tuple[int, ...]] = listed[start:end].tolist()
        return rows

    def sample(self, index: int) -> Sound:
        """A whole sample, full scale at 1; empty where it is in somebody's ROM. Raises InputError where damaged."""
        if index not in self.loaded:
            self.loaded[index] = self._load(index)
        return self.loaded[index]

    def _load(self, index: int) -> Sound:
        if not 0 <= index < len(self.tables["shdr"]) - 1:
            self._damaged(f"sample {index} does not exist")
        row = self.tables["shdr"][index]
        start, end, kind = int(row["start"]), int(row["end"]), int(row["type"])
        if kind & _ROM:
            return np.zeros(0, np.float32)
        width = 1 if kind & COMPRESSED else 2
        if not start <= end <= self.samples_size // width or end - start > _LONGEST_SAMPLE:
            self._damaged(f"sample {index} goes from {start} to {end}")
        try:
            with self.path.open("rb") as file:
                file.seek(self.samples_at + start * width)
                stored = file.read((end - start) * width)
        except OSError as problem:
            raise InputError(f"The SoundFont {self.path} cannot be read: {problem.strerror}.") from problem
        if len(stored) != (end - start) * width:
            self._damaged(f"it ends inside sample {index}")
        if kind & COMPRESSED:
            return self._vorbis(stored, index)
        return np.frombuffer(stored, "<i2").astype(np.float32) / np.float32(32_768)

    def _vorbis(self, stored: bytes, index: int) -> Sound:
        decoded = self._decoded(stored, index, trims=True)
        length = int.from_bytes(stored[max(stored.rfind(b"OggS"), 0) + 6 :][:8], "little")
        if len(decoded) < length:
            # FFmpeg takes too much off the end of a stream of one page, and with it the end of the loop.
            whole = self._decoded(stored, index, trims=False)
            for skipped in (0, *(2**power for power in range(5, 13))):
                if np.array_equal(whole[skipped : skipped + len(decoded)], decoded):
                    return whole[skipped : skipped + length]
        return decoded

    def _decoded(self, stored: bytes, index: int, trims: bool) -> Sound:
        import av
        from av.codec.context import Flags2

        decoded = [np.zeros(0, np.float32)]
        length = 0
        try:
            with av.open(io.BytesIO(stored), "r", format="ogg") as file:
                if not trims:
                    file.streams.audio[0].codec_context.flags2 |= Flags2.skip_manual
                for frame in file.decode(audio=0):
                    decoded.append(np.asarray(frame.to_ndarray(), np.float32)[0])
                    length += len(decoded[-1])
                    if length > _LONGEST_SAMPLE:
                        self._damaged(f"sample {index} is longer than {_LONGEST_SAMPLE}")
        except (av.FFmpegError, IndexError, ValueError):
            self._damaged(f"sample {index} cannot be decoded")
        whole = np.concatenate(decoded)
        return np.where(np.isfinite(whole), whole, np.float32(0)).astype(np.float32)

    def _damaged(self, what: str) -> NoReturn:
        _damaged(self.path, what)


def read_soundfont(path: Path) -> SoundFont:
    """The tables of an .sf2 or .sf3. Raises InputError where the file cannot be read, or is damaged or no SoundFont."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            places = _places(file, size, path)
            tables = {}
            for name, record in RECORDS.items():
                start, length = places.get(name, (0, 0))
                if length % record.itemsize or not 0 < length <= _MOST_BYTES:
                    _damaged(path, f"its table {name} of {length} bytes is missing or cut")
                file.seek(start)
                tables[name] = np.frombuffer(file.read(length), record)
    except OSError as problem:
        raise InputError(f"The SoundFont {path} cannot be read: {problem.strerror}.") from problem
    if "smpl" not in places:
        _damaged(path, "it holds no samples")
    return SoundFont(path, tables, *places["smpl"])


def _places(file: io.BufferedReader, size: int, path: Path) -> dict[str, tuple[int, int]]:
    """Where each chunk inside the three lists begins, and its bytes (section 3)."""
    file.seek(0)
    head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"sfbk":
        raise InputError(f"{path} is not a SoundFont; give an .sf2 or .sf3 file.")
    places: dict[str, tuple[int, int]] = {}
    at = 12
    while at + 12 <= size:
        file.seek(at)
        head = file.read(12)
        end = at + 8 + int.from_bytes(head[4:8], "little")
        if end > size or len(places) > 1000:
            _damaged(path, f"a chunk goes to byte {end} of {size}")
        if head[:4] == b"LIST" and head[8:] != b"INFO":
            inner = at + 12
            while inner + 8 <= end and len(places) <= 1000:
                file.seek(inner)
                name, length = file.read(4), int.from_bytes(file.read(4), "little")
                if inner + 8 + length > end:
                    _damaged(path, f"a chunk of {length} bytes goes beyond its list")
                places.setdefault(name.decode("latin-1"), (inner + 8, length))
                inner += 8 + length + length % 2
        # MuseScore leaves out the byte that makes a chunk's length even.
        file.seek(end)
        at = end if file.read(4) == b"LIST" else end + end % 2
    return places


def _source(source: int, key: int, velocity: int) -> float:
    """What a modulator's source gives as a note is struck, 0 to 1 or -1 to 1 (section 8.2)."""
    number, is_controller, is_falling, is_bipolar, curve = (
        source & 0x7F, source & 0x80, source & 0x100, source & 0x200, source >> 10,
    )  # fmt: skip
    if is_controller:
        value = _CONTROLLERS.get(number, 0)
    elif number in (2, 3, 14):
        value = {2: velocity, 3: key, 14: _WHEEL}[number]
    else:
        # Pressure, nobody's; a source without a controller is switched off.
        return 0.0

    def bent(steps: float) -> float:
        if curve == 1:
            return min(1.0, -400 / 960 * math.log10(max(1 - steps / 127, 1e-6)))
        if curve == 2:
            return max(0.0, 1 + 400 / 960 * math.log10(max(steps / 127, 1e-6)))
        return float(steps >= 64) if curve == 3 else steps / 128

    if not is_bipolar:
        return bent(127 - value if is_falling and curve else 128 - value if is_falling else value)
    away = 2 * (value - 64) * (-1 if is_falling else 1)
    return math.copysign(bent(min(abs(away), 127) if curve else abs(away)), away)


def _inside(value: int, amount: int) -> bool:
    return (amount & 0xFF) <= value <= (amount >> 8 & 0xFF)


def _both(one: int, other: int) -> int:
    """What two ranges share, as an amount; an empty share stays empty."""
    low = max(one & 0xFF, other & 0xFF)
    high = min(one >> 8 & 0xFF, other >> 8 & 0xFF)
    return low | high << 8


def _damaged(path: Path, what: str) -> NoReturn:
    raise InputError(f"The SoundFont {path} is damaged: {what}; install it again or name another one.")
