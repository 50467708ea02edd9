"""Notes to sound: lines, a SoundFont, an exact number of samples; dry, without reverb or chorus.

Two players. FluidSynth where its library is installed: it follows the SoundFont specification (filters,
modulators, the pedal), and with dynamic loading reads only the samples of the instrument asked for. Its functions
are called by ctypes, because pyfluidsynth gives 16-bit samples only; ctypes lets go of Python's lock, so that stems
render side by side. Else our own `sampler`, which needs nothing installed and sounds the same to within a decibel.
"""

import ctypes
import ctypes.util
import functools
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from shotscore_engine import cache
from shotscore_engine.errors import InputError, RequestError
from shotscore_engine.perform import Stem
from shotscore_engine.timing import quantise

from . import sampler
from .plainfont import plain_font

Player = Literal["auto", "fluidsynth", "sampler"]
_DRUM_CHANNEL = 9
_DRUM_BANK = 128
_FOURTH_ORDER = 4
_VOICES = 40
"""Voices a stem may sound at once. A pedalled piano asks for more and takes long; FluidSynth lets go of the quietest
and oldest first, which nobody hears under the rest."""
_BLOCK = 64
"""FluidSynth looks at what to play every 64 samples."""


def play(
    stems: Sequence[Stem], soundfont: Path, sample_rate: int, samples: int, player: Player = "auto"
) -> list[NDArray[np.float32]]:
    """The sound of stems of one program, each (samples, 2) float32 from the cue's start; same stems, same samples.

    Stems of one program may share a player, where decoding a compressed piano takes longer than playing it (`programs`
    sorts them); FluidSynth is given the program decoded (`plainfont`). Raises InputError where the SoundFont cannot be
    played, RequestError where the player is missing.
    """
    if {(stem.program, stem.is_drum) for stem in stems} != {(stems[0].program, stems[0].is_drum)}:
        raise RequestError("Stems of several programs cannot be played at once; sort them with `programs` first.")
    if chosen(player) == "fluidsynth":
        return _play_with_fluidsynth(stems, soundfont, sample_rate, samples)
    font = sampler.read_soundfont(soundfont)
    return [sampler.play(stem, font, sample_rate, samples) for stem in stems]


def chosen(player: Player) -> Literal["fluidsynth", "sampler"]:
    """Who plays on this machine."""
    if player == "auto":
        return "fluidsynth" if fluidsynth_library() else "sampler"
    return player


def programs(stems: Sequence[Stem], player: Player = "auto") -> list[list[Stem]]:
    """Stems that are best played together, the same program each: FluidSynth finds its programs decoded and plays
    each stem alone, so that none waits for another; else stems by program, in the order they first appear."""
    if chosen(player) == "fluidsynth" and cache.enabled():
        return [[stem] for stem in stems]
    groups: dict[tuple[object, ...], list[Stem]] = {}
    for stem in stems:
        groups.setdefault((stem.program, stem.is_drum, stem.name if stem.is_drum else ""), []).append(stem)
    return list(groups.values())


@dataclass(frozen=True)
class _Event:
    sample: int
    rank: int
    """Keys go up before they are struck again."""
    key: int
    value: int
    """Velocity, 0 for a key going up; the value of a controller."""


def _events(stem: Stem, sample_rate: int) -> list[_Event]:
    events = [_Event(quantise(c.time * sample_rate), 1, c.number, c.value) for c in stem.controls]
    for note in stem.notes:
        start = quantise(note.start * sample_rate)
        end = max(start + _BLOCK, quantise((note.start + note.duration) * sample_rate))
        events += [_Event(start, 2, note.pitch, note.velocity), _Event(end, 0, note.pitch, 0)]
    return sorted(events, key=lambda event: (event.sample, event.rank, event.key))


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
        ("fluid_synth_cc", whole, (pointer, whole, whole, whole)),
        ("fluid_synth_noteon", whole, (pointer, whole, whole, whole)),
        ("fluid_synth_noteoff", whole, (pointer, whole, whole)),
        ("fluid_synth_nwrite_float", whole, (pointer, whole, pointer, pointer, pointer, pointer)),
        ("fluid_set_log_function", pointer, (whole, pointer, pointer)),
    ):
        call = getattr(library, function)
        call.restype, call.argtypes = result, arguments
    for level in range(5):
        # Its warnings (about voices and missing ROM samples) belong on nobody's screen; failures are return values.
        library.fluid_set_log_function(level, None, None)
    return library


def _play_with_fluidsynth(
    stems: Sequence[Stem], soundfont: Path, sample_rate: int, samples: int
) -> list[NDArray[np.float32]]:
    library = _fluidsynth()
    plain = plain_font(soundfont, _DRUM_BANK if stems[0].is_drum else 0, stems[0].program)
    planes = [np.zeros((2, samples), np.float32) for _ in stems]  # apart, so that each can be let go of
    settings = library.new_fluid_settings()
    library.fluid_settings_setnum(settings, b"synth.sample-rate", float(sample_rate))
    library.fluid_settings_setnum(settings, b"synth.gain", 0.5)
    for name, value in (
        (b"reverb.active", 0),
        (b"chorus.active", 0),
        (b"dynamic-sample-loading", 1),
        (b"polyphony", _VOICES * len(stems)),
        # A pair of outputs for each MIDI channel in use: stem i plays on channel i.
        (b"audio-channels", len(stems)),
        (b"audio-groups", len(stems)),
    ):
        library.fluid_settings_setint(settings, b"synth." + name, value)
    synth = library.new_fluid_synth(settings)
    try:
        # Without presets: selecting the default ones would decode a piano and a drum kit nobody asked for.
        font = library.fluid_synth_sfload(synth, os.fsencode(plain), 0)
        if font < 0:
            raise InputError(f"FluidSynth cannot read the SoundFont {soundfont}; name another one.")
        library.fluid_synth_set_interp_method(synth, -1, _FOURTH_ORDER)
        events = []
        for index, stem in enumerate(stems):
            channel = _DRUM_CHANNEL if stem.is_drum else index
            bank = _DRUM_BANK if stem.is_drum else 0
            for program in (stem.program, 0):
                if library.fluid_synth_program_select(synth, channel, font, bank, program) == 0:
                    break
            events += [(event, channel) for event in _events(stem, sample_rate)]
        starts = [[plane[side].ctypes.data for plane in planes] for side in (0, 1)]
        pointers = ctypes.c_void_p * len(stems)
        now = 0
        for event, channel in [*sorted(events, key=lambda e: (e[0].sample, e[0].rank, e[1], e[0].key)), (None, 0)]:
            until = samples if event is None else min(event.sample, samples)
            if until > now:
                left, right = (pointers(*(int(start) + 4 * now for start in side)) for side in starts)
                library.fluid_synth_nwrite_float(synth, until - now, left, right, None, None)
                now = until
            if event is None:
                break
            if event.rank == 1:
                library.fluid_synth_cc(synth, channel, event.key, event.value)
            elif event.value:
                library.fluid_synth_noteon(synth, channel, event.key, event.value)
            else:
                library.fluid_synth_noteoff(synth, channel, event.key)
    finally:
        library.delete_fluid_synth(synth)
        library.delete_fluid_settings(settings)
    return [plane.T for plane in planes]
