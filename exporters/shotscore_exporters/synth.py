"""Notes to sound: lines, a SoundFont, an exact number of samples; dry, without reverb or chorus.

Two players, of which either strikes single keys for `struck` to make lines of. FluidSynth where its library is
installed: it follows the SoundFont specification (layers, filters, modulators), and with dynamic loading reads only the
samples of the instrument asked for. Its functions are called by ctypes, as pyfluidsynth gives 16-bit samples only;
ctypes lets go of Python's lock, so that stems render side by side. Else our own `sampler`, which needs nothing
installed and sounds the same to within a decibel.
"""

import ctypes
import ctypes.util
import functools
import os
import shutil
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from shotscore_engine import cache
from shotscore_engine.errors import InputError, RequestError
from shotscore_engine.perform import Stem

from . import sampler, struck
from .fontfile import SoundFont, Zone, read_soundfont
from .plainfont import plain_font

Player = Literal["auto", "fluidsynth", "sampler"]
_DRUM_CHANNEL = 9
_DRUM_BANK = 128
_FOURTH_ORDER = 4
_VOICES = 64
"""More than one key of any font asks for."""
_MOST_IDLE = 8
WARM_BYTES = 384 << 20
"""What a process that lives on remembers of keys it has struck: those of a few bars of the richest style."""
_BLOCK = 64
"""FluidSynth works in blocks of 64 samples."""


def play(stem: Stem, soundfont: Path, sample_rate: int, samples: int, player: Player = "auto") -> NDArray[np.float32]:
    """The sound of a stem, (samples, 2) float32 from the cue's start; same stem, same samples.

    A program the font lacks is played with its bank's program 0, and is silent where that is missing too.
    Raises InputError where the SoundFont cannot be played, RequestError where the player is missing.
    """
    program = _program(cache.fingerprint(soundfont), _DRUM_BANK if stem.is_drum else 0, stem.program)
    with _Instrument(program, sample_rate, chosen(player)) as instrument:
        return struck.play(stem, program.keyboard, instrument, sample_rate, samples)


def remember(most_bytes: int = WARM_BYTES) -> None:
    """Keep the keys that are struck from now on for the next line, up to so many bytes of them; 0 keeps none.

    Bars made anew in a cue that was rendered just before find most of theirs. Meant for a process that lives on, as the
    panel's worker does.
    """
    _memory.limit(most_bytes)


@dataclass(frozen=True, eq=False)
class _Program:
    """One instrument of a SoundFont, read."""

    font: SoundFont
    bank: int
    number: int
    zones: tuple[Zone, ...]
    keyboard: struck.Keyboard


@functools.lru_cache(maxsize=32)
def _program(font_as_it_is: tuple[str, int, int], bank: int, number: int) -> _Program:
    font = read_soundfont(Path(font_as_it_is[0]))
    zones = font.program(bank, number)
    return _Program(font, bank, number, zones, struck.Keyboard(zones))


_Strike = tuple[_Program, int, str, int, int]
"""Program, sample rate, player, key, velocity."""


class _Memory:
    """The keys that were asked for last, and synthesizers nobody plays at the moment."""

    def __init__(self) -> None:
        self.most_bytes = 0
        self._sounds: OrderedDict[_Strike, NDArray[np.float32]] = OrderedDict()
        self._bytes = 0
        self._idle: OrderedDict[tuple[_Program, int], FluidSynth] = OrderedDict()
        self._lock = threading.Lock()

    def limit(self, most_bytes: int) -> None:
        with self._lock:
            self.most_bytes = most_bytes
            self._forget()
            leaving = [] if most_bytes else list(self._idle.values())
            if not most_bytes:
                self._idle.clear()
        for one in leaving:
            one.close()

    def _forget(self) -> None:
        while self._bytes > self.most_bytes:
            self._bytes -= self._sounds.popitem(last=False)[1].nbytes

    def take_out(self, kind: tuple[_Program, int]) -> "FluidSynth | None":
        with self._lock:
            return self._idle.pop(kind, None)

    def put_away(self, kind: tuple[_Program, int], instrument: "FluidSynth") -> None:
        with self._lock:
            leaving = [self._idle.pop(kind)] if kind in self._idle else []
            self._idle[kind] = instrument
            while len(self._idle) > (_MOST_IDLE if self.most_bytes else 0):
                leaving.append(self._idle.popitem(last=False)[1])
        for one in leaving:
            one.close()

    def get(self, strike: _Strike) -> NDArray[np.float32] | None:
        with self._lock:
            if strike not in self._sounds:
                return None
            self._sounds.move_to_end(strike)
            return self._sounds[strike]

    def keep(self, strike: _Strike, sound: NDArray[np.float32]) -> None:
        with self._lock:
            shorter = self._sounds.pop(strike, None)
            self._sounds[strike] = sound
            self._bytes += sound.nbytes - (0 if shorter is None else shorter.nbytes)
            self._forget()


_memory = _Memory()


class _Instrument:
    """`struck.Instrument`: FluidSynth or our own, started only where a key is not remembered."""

    def __init__(self, program: _Program, sample_rate: int, player: Literal["fluidsynth", "sampler"]) -> None:
        self._of, self._rate, self._player = program, sample_rate, player
        self._made: FluidSynth | sampler.Sampler | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if isinstance(self._made, FluidSynth):
            _memory.put_away((self._of, self._rate), self._made)

    def held(self, key: int, velocity: int, samples: int) -> NDArray[np.float32]:
        """See `struck.Instrument`."""
        if not _memory.most_bytes:
            return self._instrument().held(key, velocity, samples)
        strike = (self._of, self._rate, self._player, key, velocity)
        sound = _memory.get(strike)
        if sound is None or sound.shape[1] < samples:
            # A little longer than asked: the next bars want it a little longer, too.
            sound = self._instrument().held(key, velocity, -(-samples // self._rate) * self._rate)
            _memory.keep(strike, sound)
        return sound[:, :samples]

    def _instrument(self) -> "FluidSynth | sampler.Sampler":
        if self._made is None:
            if self._player == "sampler":
                self._made = sampler.Sampler(self._of.font, self._of.zones, self._rate)
            else:
                self._made = _memory.take_out((self._of, self._rate)) or FluidSynth(
                    self._of.font.path, self._of.bank, self._of.number, self._rate
                )
        return self._made


def chosen(player: Player) -> Literal["fluidsynth", "sampler"]:
    """Who plays on this machine."""
    if player == "auto":
        return "fluidsynth" if fluidsynth_library() else "sampler"
    return player


@functools.cache
def fluidsynth_library() -> str | None:
    """The name or path of libfluidsynth, or None where it is not installed."""
    for name in ("fluidsynth", "libfluidsynth-3", "libfluidsynth"):
        if found := ctypes.util.find_library(name):
            return found
    for path in _library_places():
        if path.is_file():
            return str(path)
    return None


def _library_places() -> Iterator[Path]:
    """Where find_library does not look: beside the program, and Homebrew's folders."""
    if program := shutil.which("fluidsynth"):
        folder = Path(program).resolve().parent
        names = {"win32": ("libfluidsynth-3.dll",), "darwin": ("libfluidsynth.3.dylib", "libfluidsynth.dylib")}
        for name in names.get(sys.platform, ("libfluidsynth.so.3",)):
            yield from (folder / name, folder.parent / "lib" / name)
    if sys.platform == "darwin":
        for base in ("/opt/homebrew/lib", "/usr/local/lib"):
            yield Path(base) / "libfluidsynth.dylib"


_first = threading.Lock()


@functools.cache
def _fluidsynth() -> Any:
    name = fluidsynth_library()
    if name is None:
        raise RequestError(
            "FluidSynth's library is not installed; install it (Debian: libfluidsynth3) or choose the sampler."
        )
    if sys.platform == "win32":
        os.add_dll_directory(str(Path(name).parent))
    library = ctypes.CDLL(name)
    pointer, text, whole = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for function, result, arguments in (
        ("new_fluid_settings", pointer, ()),
        ("delete_fluid_settings", None, (pointer,)),
        ("fluid_settings_setnum", whole, (pointer, text, ctypes.c_double)),
        ("fluid_settings_setint", whole, (pointer, text, whole)),
        ("new_fluid_synth", pointer, (pointer,)),
        ("delete_fluid_synth", None, (pointer,)),
        ("fluid_synth_sfload", whole, (pointer, text, whole)),
        ("fluid_synth_set_interp_method", whole, (pointer, whole, whole)),
        ("fluid_synth_program_select", whole, (pointer, whole, whole, whole, whole)),
        ("fluid_synth_noteon", whole, (pointer, whole, whole, whole)),
        ("fluid_synth_all_sounds_off", whole, (pointer, whole)),
        ("fluid_synth_nwrite_float", whole, (pointer, whole, pointer, pointer, pointer, pointer)),
        ("fluid_set_log_function", pointer, (whole, pointer, pointer)),
    ):
        call = getattr(library, function)
        call.restype, call.argtypes = result, arguments
    for level in range(5):
        # Its warnings (about voices and missing ROM samples) belong on nobody's screen; failures are return values.
        library.fluid_set_log_function(level, None, None)
    # The first synthesizer of a process fills tables that all share. A second one that begins meanwhile, for another
    # stem, would play with half of them: so the first is made before there are stems.
    settings = library.new_fluid_settings()
    library.delete_fluid_synth(library.new_fluid_synth(settings))
    library.delete_fluid_settings(settings)
    return library


class FluidSynth:
    """`struck.Instrument` for one program; one key at a time."""

    def __init__(self, soundfont: Path, bank: int, program: int, sample_rate: int) -> None:
        with _first:
            self._library = library = _fluidsynth()
        # FluidSynth would decode a compressed instrument every time.
        plain = plain_font(soundfont, bank, program)
        self._settings = settings = library.new_fluid_settings()
        library.fluid_settings_setnum(settings, b"synth.sample-rate", float(sample_rate))
        library.fluid_settings_setnum(settings, b"synth.gain", 0.5)
        for name, value in (
            (b"reverb.active", 0),
            (b"chorus.active", 0),
            (b"dynamic-sample-loading", 1),
            (b"polyphony", _VOICES),
        ):
            library.fluid_settings_setint(settings, b"synth." + name, value)
        self._synth = library.new_fluid_synth(settings)
        self._channel = _DRUM_CHANNEL if bank == _DRUM_BANK else 0
        # Without presets: selecting the default ones would decode a piano and a drum kit nobody asked for.
        font = library.fluid_synth_sfload(self._synth, os.fsencode(plain), 0)
        if font < 0:
            self.close()
            raise InputError(f"FluidSynth cannot read the SoundFont {soundfont}; name another one.")
        library.fluid_synth_set_interp_method(self._synth, -1, _FOURTH_ORDER)
        for number in (program, 0):
            if library.fluid_synth_program_select(self._synth, self._channel, font, bank, number) == 0:
                break

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of its memory."""
        self._library.delete_fluid_synth(self._synth)
        self._library.delete_fluid_settings(self._settings)

    def held(self, key: int, velocity: int, samples: int) -> NDArray[np.float32]:
        """See `struck.Instrument`."""
        # A voice begins where the one before it stood in the stereo picture, and goes to its own place within a
        # block. Struck twice, it stands there already: the sound no longer hangs on what was played before.
        self._run(key, velocity, _BLOCK)
        return self._run(key, velocity, -(-samples // _BLOCK) * _BLOCK)[:, :samples]

    def _run(self, key: int, velocity: int, samples: int) -> NDArray[np.float32]:
        library, synth = self._library, self._synth
        planes, after = np.zeros((2, samples), np.float32), np.zeros((2, _BLOCK), np.float32)
        library.fluid_synth_noteon(synth, self._channel, key, velocity)
        self._write(planes)
        library.fluid_synth_all_sounds_off(synth, self._channel)
        self._write(after)
        return planes

    def _write(self, planes: NDArray[np.float32]) -> None:
        left, right = (_Pointer(plane.ctypes.data) for plane in planes)
        self._library.fluid_synth_nwrite_float(self._synth, planes.shape[1], left, right, None, None)


_Pointer = ctypes.c_void_p * 1
