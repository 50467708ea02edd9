"""A SoundFont player in NumPy, for machines without FluidSynth's library: one line of notes in, its sound out.

Reads .sf2 and .sf3 (the same file with its samples as Ogg Vorbis). A font is a tree: a preset names instruments, an
instrument names samples, and both say for which keys and velocities, and how, by numbered generators. A zone here is
one way down that tree with its generators added up.

Source: SoundFont Technical Specification 2.04 (E-mu Systems, 2006); sections are named in comments.
Known deviations: modulators are worked out where a note is struck, except expression, which goes on; as in FluidSynth,
velocity leaves the filter alone unless a font asks for it, times of decay count 96 dB, and an attenuation counts 0.4
of what is written, as on the hardware the fonts were made for. Reverb, chorus and the low bytes of 24-bit samples are
left out.
"""

import io
import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray
from shotscore_engine.errors import InputError
from shotscore_engine.perform import EXPRESSION, SUSTAIN_PEDAL, Stem
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
_LIMITS = {
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
_GAIN = 0.572
"""As loud as FluidSynth at the gain it is given here (measured)."""
_DEFAULT_MODULATORS = {(0x502, Gen.ATTENUATION, 0, 0): 960, (0x587, Gen.ATTENUATION, 0, 0): 960}
"""(source, target, factor, transform): amount. Velocity and volume (section 8.4); the others are at rest."""
_CONTROLLERS = {7: 100, 10: 64, EXPRESSION: 127}
"""Where a MIDI channel's controllers stand that nobody has moved; the others are at 0."""
_WHEEL = 64
_HARDWARE_ATTENUATION = 0.4
_SILENCE_DB = 90.0
_FULL_DECAY_DB = 96.0
"""What a decay or release time is the time for (section 8.1.2, 36 and 38 say 100)."""
_CUT_SECONDS = 0.02
_SHORTEST_NOTE = 64
_FASTEST = 32.0
"""Five octaves above a sample's own pitch nothing is left of it."""
_LEAST_HZ, _MOST_OF_NYQUIST = 8.176, 0.9
_SMOOTHING_SECONDS = 0.005
_BLOCK = 128
_CUTOFF_STEP = 25
"""Cents: how far the cutoff moves before the filter is made anew."""


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
        default, least, most = _LIMITS[kind]
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
        keys, velocities = (self.generators.get(kind, _ANYTHING) for kind in (Gen.KEYS, Gen.VELOCITIES))
        return _inside(key, keys) and _inside(velocity, velocities)

    def struck(self, key: int, velocity: int) -> "Zone":
        """The zone as a key's modulators make it."""
        generators, attenuation_cb = dict(self.generators), 0.0
        for (source, target, factor, transform), amount in self.modulators.items():
            value = amount * _source(source, key, velocity) * (_source(factor, key, velocity) if factor else 1)
            value = abs(value) if transform == 2 else value
            if target == Gen.ATTENUATION:
                attenuation_cb += value
            elif value and target in _LIMITS:
                generators[target] = generators.get(target, _LIMITS[Gen(target)][0]) + quantise(value)
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
            added = {kind: amount for kind, amount in outer.items() if kind in _LIMITS}
            for inner, own in self._branches("inst", "i", outer[Gen.INSTRUMENT], Gen.SAMPLE):
                generators = dict(inner)
                for kind, amount in added.items():
                    generators[kind] = inner.get(kind, _LIMITS[Gen(kind)][0]) + amount
                for kind in (Gen.KEYS, Gen.VELOCITIES):
                    generators[kind] = _both(inner.get(kind, _ANYTHING), outer.get(kind, _ANYTHING))
                modulators = _DEFAULT_MODULATORS | own
                for way, amount in more.items():
                    modulators[way] = modulators.get(way, 0) + amount
                found.append(Zone(inner[Gen.SAMPLE], generators, modulators))
                if len(found) > _MOST_ZONES:
                    self._damaged(f"program {program} of bank {bank} has more than {_MOST_ZONES} zones")
        return tuple(found)

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


def play(stem: Stem, font: SoundFont, sample_rate: int, samples: int) -> Sound:
    """The sound of one line of notes: (samples, 2) float32 from the cue's start, dry; same line, same samples.

    A program the font lacks is played with its bank's program 0, and is silent where that is missing too.
    Raises InputError where the font is damaged.
    """
    bank = 128 if stem.is_drum else 0
    zones = font.zones(bank, stem.program) or font.zones(bank, 0)
    planes = np.zeros((2, samples), np.float32)
    for voice in _voices(stem, zones, sample_rate):
        if voice.start >= samples or not len(data := font.sample(voice.zone.sample)):
            continue
        sound = _sound(voice, data, font.tables["shdr"][voice.zone.sample], sample_rate, samples - voice.start)
        angle = (voice.zone[Gen.PAN] + 500) / 1000 * np.pi / 2
        for plane, side in zip(planes, (np.cos(angle), np.sin(angle)), strict=True):
            plane[voice.start : voice.start + len(sound)] += sound * np.float32(side)
    volume = _expression(stem, sample_rate, samples)
    if volume is not None:
        planes *= volume
    return planes.T


@dataclass
class _Voice:
    zone: Zone
    key: int
    start: int
    held: int
    """Samples until its key, and the pedal, is up."""
    is_cut: bool = False
    """Whether another voice of its class ends it, rather than its key (section 8.1.2, 57)."""


def _voices(stem: Stem, zones: tuple[Zone, ...], sample_rate: int) -> list[_Voice]:
    voices: list[_Voice] = []
    ringing: dict[int, list[_Voice]] = {}

    @cache
    def matching(key: int, velocity: int) -> list[Zone]:
        return [zone.struck(key, velocity) for zone in zones if zone.plays(key, velocity)]

    for start, end, key, velocity in _strikes(stem, sample_rate):
        struck = []
        for zone in matching(key, velocity):
            fixed = zone.generators.get(Gen.KEY, -1)
            struck.append(_Voice(zone, fixed if 0 <= fixed <= 127 else key, start, end - start))
        classes = {voice.zone.generators.get(Gen.EXCLUSIVE_CLASS, 0) for voice in struck} - {0}
        for number in classes:
            for voice in ringing.get(number, []):
                if start - voice.start < voice.held or not voice.is_cut:
                    voice.held, voice.is_cut = start - voice.start, True
            ringing[number] = [v for v in struck if v.zone.generators.get(Gen.EXCLUSIVE_CLASS) == number]
        voices += struck
    return voices


def _strikes(stem: Stem, sample_rate: int) -> list[tuple[int, int, int, int]]:
    """(start, end, key, velocity) in samples: keys held on by the pedal, and let go where they are struck again."""
    pedal = sorted((quantise(c.time * sample_rate), c.value >= 64) for c in stem.controls if c.number == SUSTAIN_PEDAL)
    times = [time for time, _ in pedal]
    strikes = []
    again: dict[int, int] = {}
    forever = 1 << 40
    for note in sorted(stem.notes, key=lambda note: note.start, reverse=True):
        start = quantise(note.start * sample_rate)
        end = max(start + _SHORTEST_NOTE, quantise((note.start + note.duration) * sample_rate))
        # A key that goes up as the pedal goes down is too early for it.
        change = bisect_left(times, end)
        if change and pedal[change - 1][1]:
            end = next((time for time, is_down in pedal[change:] if not is_down), forever)
        if again.get(note.pitch, forever) > start:
            end = min(end, again.get(note.pitch, forever))
        again[note.pitch] = start
        strikes.append((start, end, note.pitch, note.velocity))
    return sorted(strikes)


def _expression(stem: Stem, sample_rate: int, samples: int) -> Sound | None:
    """(samples,): volume by the expression controller, squared (section 8.4.6), without steps; None where unused."""
    values = sorted((quantise(c.time * sample_rate), c.value) for c in stem.controls if c.number == EXPRESSION)
    if not values:
        return None
    from scipy.ndimage import uniform_filter1d

    volume = np.ones(samples, np.float32)
    for time, value in values:
        volume[max(time, 0) :] = (value / 127) ** 2
    return np.asarray(uniform_filter1d(volume, quantise(_SMOOTHING_SECONDS * sample_rate), mode="nearest"), np.float32)


def _sound(voice: _Voice, data: Sound, row: Any, sample_rate: int, most: int) -> Sound:
    """One voice in mono: the sample at its pitch, filtered, in its envelope; `most` samples of it or fewer."""
    zone = voice.zone
    envelope = _volume_envelope(voice, sample_rate, most)
    seconds = np.arange(len(envelope)) / sample_rate
    step = _pitch_ratio(voice, row, sample_rate)
    bends = []
    if zone[Gen.MOD_LFO_TO_PITCH]:
        bends.append(zone[Gen.MOD_LFO_TO_PITCH] * _mod_lfo(zone, seconds))
    if zone[Gen.VIB_LFO_TO_PITCH]:
        bends.append(zone[Gen.VIB_LFO_TO_PITCH] * _lfo(zone, seconds, Gen.VIB_LFO_DELAY, Gen.VIB_LFO_RATE))
    if zone[Gen.MOD_ENV_TO_PITCH]:
        bends.append(zone[Gen.MOD_ENV_TO_PITCH] * _modulation_envelope(voice, seconds, sample_rate))
    if bends:
        steps = np.minimum(step * np.exp2(np.sum(bends, axis=0) / 1200), _FASTEST)
        positions = np.cumsum(steps) - steps[0] if len(steps) else steps
    else:
        positions = np.arange(len(envelope)) * min(step, _FASTEST)
    sound = _read(voice, data, row, positions)
    sound = _filtered(sound, voice, seconds, sample_rate)
    attenuation_cb = max(_HARDWARE_ATTENUATION * zone[Gen.ATTENUATION] + zone.attenuation_cb, 0.0)
    envelope = envelope[: len(sound)] * np.float32(_GAIN * 10 ** (-attenuation_cb / 200))
    if zone[Gen.MOD_LFO_TO_VOLUME]:
        swing = _mod_lfo(zone, seconds[: len(sound)])
        envelope *= np.exp(swing * (zone[Gen.MOD_LFO_TO_VOLUME] / 200 * np.log(10))).astype(np.float32)
    return np.asarray(sound * envelope, np.float32)


def _pitch_ratio(voice: _Voice, row: Any, sample_rate: int) -> float:
    """Samples of the font for each sample played."""
    zone = voice.zone
    written = zone.generators.get(Gen.ROOT_KEY, -1)
    # 255 stands for a sound without pitch (section 7.10).
    root = written if 0 <= written <= 127 else int(row["key"]) if row["key"] <= 127 else 60
    cents = (voice.key - root) * zone[Gen.SCALE_TUNING] + 100 * zone[Gen.COARSE_TUNE] + zone[Gen.FINE_TUNE]
    cents = min(max(cents + int(row["correction"]), -12_000), 12_000)
    return float(2 ** (cents / 1200) * min(max(int(row["rate"]), 400), 192_000) / sample_rate)


def _volume_envelope(voice: _Voice, sample_rate: int, most: int) -> Sound:
    """Up in a straight line, then down by so many decibels a second; ends where it has died away."""
    zone = voice.zone
    held = min(voice.held, most)

    def counted(seconds: float) -> int:
        return min(quantise(seconds * sample_rate), held)

    def falling(seconds: float, decibels: float) -> Sound:
        """From 1 down by `decibels`, at the pace of a full decay in `seconds`."""
        pace = _FULL_DECAY_DB / max(seconds * sample_rate, 1.0)
        length = min(int(decibels / pace) + 1, most)
        return np.asarray(np.exp(np.arange(length) * (-pace * np.log(10) / 20)), np.float32)

    hold, decay = (
        zone.seconds(kind) * 2 ** ((60 - voice.key) * zone[by_key] / 1200)
        for kind, by_key in ((Gen.HOLD, Gen.KEY_TO_HOLD), (Gen.DECAY, Gen.KEY_TO_DECAY))
    )
    attack = counted(zone.seconds(Gen.ATTACK))
    sustain_db = zone[Gen.SUSTAIN] / 10
    parts = [
        np.zeros(counted(zone.seconds(Gen.DELAY)), np.float32),
        np.arange(attack, dtype=np.float32) / np.float32(max(quantise(zone.seconds(Gen.ATTACK) * sample_rate), 1)),
        np.ones(counted(hold), np.float32),
    ]
    if sum(map(len, parts)) < held:
        parts.append(falling(decay, min(sustain_db, _SILENCE_DB)))
        if sustain_db < _SILENCE_DB:
            parts.append(np.full(max(0, held - sum(map(len, parts))), 10 ** (-sustain_db / 20), np.float32))
    down = np.concatenate(parts)[:held]
    if len(down) < held or held == most or not len(down):
        return down
    last_db = -20 * float(np.log10(max(float(down[-1]), 1e-9)))
    release = _CUT_SECONDS if voice.is_cut else zone.seconds(Gen.RELEASE)
    return np.concatenate([down, down[-1] * falling(release, max(_SILENCE_DB - last_db, 0.0))[1:]])[:most]


def _modulation_envelope(voice: _Voice, seconds: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    """0 to 1 in a convex curve, to the sustain level, and back to 0 after the key (section 8.1.2, 25 to 30)."""
    zone = voice.zone
    hold, decay = (
        zone.seconds(kind) * 2 ** ((60 - voice.key) * zone[by_key] / 1200)
        for kind, by_key in ((Gen.MOD_HOLD, Gen.KEY_TO_MOD_HOLD), (Gen.MOD_DECAY, Gen.KEY_TO_MOD_DECAY))
    )
    sustain = 1 - zone[Gen.MOD_SUSTAIN] / 1000
    # The decay's time is the one for the whole way down, of which it goes a part.
    lengths = [zone.seconds(Gen.MOD_DELAY), zone.seconds(Gen.MOD_ATTACK), hold, decay * (1 - sustain)]
    times = np.concatenate([[0.0], np.cumsum(np.maximum(lengths, 1e-6))])
    levels = np.array([0.0, 0.0, 1.0, 1.0, sustain])

    def at(moments: NDArray[np.float64]) -> Any:
        level = np.interp(moments, times, levels)
        convex = np.maximum(1 + 400 / 960 * np.log10(np.maximum(level, 1e-6)), 0.0)
        return np.where(moments < times[2], convex, level)

    up = voice.held / sample_rate
    fallen = np.maximum(seconds - up, 0.0) / max(zone.seconds(Gen.MOD_RELEASE), 1e-6)
    return np.asarray(np.where(seconds < up, at(seconds), np.maximum(at(np.array([up])) - fallen, 0.0)))


def _lfo(zone: Zone, seconds: NDArray[np.float64], delay: Gen, rate: Gen) -> NDArray[np.float64]:
    """A triangle wave from -1 to 1 that begins at 0, upwards, after its delay."""
    hertz = _LEAST_HZ * 2 ** (zone[rate] / 1200)
    phase = np.maximum(seconds - zone.seconds(delay), 0.0) * hertz + 0.25
    return np.asarray(1 - 4 * np.abs(phase % 1 - 0.5))


def _mod_lfo(zone: Zone, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return _lfo(zone, seconds, Gen.MOD_LFO_DELAY, Gen.MOD_LFO_RATE)


def _read(voice: _Voice, data: Sound, row: Any, positions: NDArray[np.float64]) -> Sound:
    """The sample at fractional positions, looped as the zone says; shorter than `positions` where the sample ends."""
    zone = voice.zone
    is_packed = bool(int(row["type"]) & COMPRESSED)
    # Vorbis samples count their loop from their own start, plain ones from that of all samples.
    base = 0 if is_packed else int(row["start"])
    first = min(max(zone.offset(Gen.START, Gen.START_COARSE), 0), len(data))
    last = min(max(len(data) + zone.offset(Gen.END, Gen.END_COARSE), first), len(data))
    loop_start = int(row["loop_start"]) - base + zone.offset(Gen.LOOP_START, Gen.LOOP_START_COARSE) - first
    loop_end = int(row["loop_end"]) - base + zone.offset(Gen.LOOP_END, Gen.LOOP_END_COARSE) - first
    data = data[first:last]
    mode = zone.generators.get(Gen.MODE, 0)
    if mode not in (1, 3) or not 0 <= loop_start < loop_end <= len(data):
        return _interpolated(data, positions)
    length = loop_end - loop_start
    looped = positions if mode == 1 else positions[: voice.held]
    # One round more than the sample has, so that every point finds its neighbours across the seam.
    joined = np.concatenate([data[:loop_end], np.resize(data[loop_start:loop_end], length + 4)])
    around = looped.copy()
    late = int(np.searchsorted(around, loop_end + length))
    around[late:] = loop_end + (around[late:] - loop_end) % length
    sound = _interpolated(joined, around)
    if mode == 3 and len(positions) > voice.held:
        rounds = max(0, -int(-(positions[voice.held] - loop_end) // length))
        sound = np.concatenate([sound, _interpolated(data, positions[voice.held :] - rounds * length)])
    return sound


def _interpolated(data: Sound, positions: NDArray[np.float64]) -> Sound:
    """Cubic (Catmull-Rom) between four samples; ends where the data does."""
    if len(positions) and positions[-1] > len(data) - 1:
        positions = positions[positions <= len(data) - 1]
    padded = np.concatenate([data[:1], data, np.zeros(3, np.float32)])
    whole = positions.astype(np.intp)
    part = (positions - whole).astype(np.float32)
    before, here, after, beyond = (padded[whole + shift] for shift in range(4))
    slope = (after - before) / 2
    curve = before - np.float32(2.5) * here + 2 * after - beyond / 2
    twist = (beyond - before) / 2 + np.float32(1.5) * (here - after)
    return np.asarray(((twist * part + curve) * part + slope) * part + here, np.float32)


def _filtered(sound: Sound, voice: _Voice, seconds: NDArray[np.float64], sample_rate: int) -> Sound:
    """Through a low-pass of two poles, whose cutoff the modulation envelope and LFO move in steps of `_BLOCK` samples.

    Coefficients from R. Bristow-Johnson's Audio EQ Cookbook.
    """
    from scipy.signal import lfilter

    zone = voice.zone
    times = seconds[: len(sound) : _BLOCK]
    cutoff = np.full(len(times), float(zone[Gen.CUTOFF]))
    if zone[Gen.MOD_ENV_TO_CUTOFF]:
        cutoff += zone[Gen.MOD_ENV_TO_CUTOFF] * _modulation_envelope(voice, times, sample_rate)
    if zone[Gen.MOD_LFO_TO_CUTOFF]:
        cutoff += zone[Gen.MOD_LFO_TO_CUTOFF] * _mod_lfo(zone, times)
    _, least, most = _LIMITS[Gen.CUTOFF]
    cutoff = np.clip(np.round(cutoff / _CUTOFF_STEP) * _CUTOFF_STEP, least, most)
    if (cutoff >= most).all() and not zone[Gen.RESONANCE]:
        return sound
    peak = 10 ** (zone[Gen.RESONANCE] / 200)
    edges = [0, *(np.flatnonzero(np.diff(cutoff)) + 1).tolist(), len(cutoff)]
    state = np.zeros(2)
    filtered = np.empty_like(sound)
    for first, last in pairwise(edges):
        span = slice(first * _BLOCK, last * _BLOCK)
        hertz = min(_LEAST_HZ * 2 ** (float(cutoff[first]) / 1200), _MOST_OF_NYQUIST * sample_rate / 2)
        angle = 2 * math.pi * hertz / sample_rate
        alpha = math.sin(angle) * math.sqrt(2) / (2 * peak)
        # A resonant filter is turned down by half its peak (section 8.1.2, 9).
        top = (1 - math.cos(angle)) / math.sqrt(peak)
        feedback = [1 + alpha, -2 * math.cos(angle), 1 - alpha]
        filtered[span], state = lfilter([top / 2, top, top / 2], feedback, sound[span], zi=state)
    return filtered


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
