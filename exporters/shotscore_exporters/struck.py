"""A line of notes laid down from keys that are each struck once: what every player of ours does with a stem.

A pedalled piano strikes some twenty keys a thousand times, and has forty strings sounding at any moment. A player that
works all of them out does the same work again and again. Here a player is asked once for each key, struck and held as
long as the longest of its notes, at one of a few velocities; a note is a copy of that, louder or softer as its own
velocity has it, with its own end. What is left to do for a note is an addition, no voice has to be stolen, and every
note begins on its exact sample.

    held     |-----------------------------
    notes    |--------\\       |---\\    |----------\\     times their gain; the slope is the release

It also makes a few bars played by themselves the same to the last bit as in the whole cue.

Source of how notes end and cut each other: SoundFont Technical Specification 2.04 (E-mu Systems, 2006).
Known deviations: a key that is let go fades by its volume envelope while its filter stays as it was held, and a sample
that should loop only until then goes on looping. Velocities between the few are as loud as they should be, and as
bright as their neighbour. Controllers are followed only where they are the pedal or expression.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from shotscore_engine.perform import EXPRESSION, SUSTAIN_PEDAL, Stem
from shotscore_engine.timing import quantise, sample_at

from .fontfile import Gen, Sound, Zone

_FULL_DECAY_DB = 96.0
"""What a decay or release time is the time for (section 8.1.2, 36 and 38 say 100)."""
_SILENCE_DB = 90.0
_SHORTEST_NOTE = 64
_CUT_SECONDS = 2 ** (-200 / 1200)
"""Release of a hi-hat that is closed, as FluidSynth has it."""
_SAME_CENTS, _SAME_SWEEP_CENTS = 200, 800
"""Strikes count as alike if their filters are a whole tone apart at most, their times twelve per cent, and a filter
begins its way down two thirds of an octave higher or lower."""
_SAME_CB = 15.0
"""And if the layers of a key are as loud beside each other to within a decibel and a half."""
_VELOCITY_STEPS = (64, 32, 16, 8, 4, 2)
"""Strikes are rounded as far as that allows, to a multiple of one of these."""
_INAUDIBLE = 1e-5
"""-100 dBFS: where a note is left."""
_BLOCK = 4096
_SMOOTHING_SECONDS = 0.005
_FOREVER = 1 << 40


class Instrument(Protocol):
    """Who makes the sound of one program of a SoundFont."""

    def held(self, key: int, velocity: int, samples: int) -> Sound:
        """(2, samples): a key that is struck and not let go; the same however often and after whatever it is asked."""


class Keyboard:
    """Which zones a key plays, as the velocity makes them, and at which velocity it is struck in place of another."""

    def __init__(self, zones: Sequence[Zone]) -> None:
        @cache
        def of_key(key: int) -> list[Zone]:
            return [zone for zone in zones if zone.plays_key(key)]

        @cache
        def of_strike(key: int, velocity: int) -> tuple[int, ...]:
            return tuple(number for number, zone in enumerate(of_key(key)) if zone.plays(key, velocity))

        @cache
        def struck(key: int, velocity: int) -> tuple[Zone, ...]:
            return tuple(of_key(key)[number].struck(key, velocity) for number in of_strike(key, velocity))

        @cache
        def likeness(key: int, velocity: int) -> tuple[int, float]:
            for step in _VELOCITY_STEPS:
                other = min(max(step * round(velocity / step), 1), 127)
                if of_strike(key, other) != of_strike(key, velocity):
                    continue
                pairs = list(zip(struck(key, velocity), struck(key, other), strict=True))
                louder_cb = [near.attenuation_cb - own.attenuation_cb for own, near in pairs]
                if max(louder_cb) - min(louder_cb) < _SAME_CB and all(_alike(own, near) for own, near in pairs):
                    return other, 10 ** (sum(louder_cb) / len(louder_cb) / 200)
            return velocity, 1.0

        self.zones, self.likeness = struck, likeness


def play(stem: Stem, keyboard: Keyboard, instrument: Instrument, sample_rate: int, samples: int) -> NDArray[np.float32]:
    """The sound of a line, (samples, 2) from the cue's start; `keyboard` is that of its program."""
    planes = np.zeros((2, samples), np.float32)
    groups: dict[tuple[int, int], list[_Strike]] = defaultdict(list)
    for strike in _strikes(stem, keyboard, sample_rate):
        if strike.start < samples and keyboard.zones(strike.key, strike.velocity):
            groups[strike.key, keyboard.likeness(strike.key, strike.velocity)[0]].append(strike)
    # In an order of their own, so that adding them up gives the same bits whatever else is played.
    for (key, velocity), strikes in sorted(groups.items()):
        zone = keyboard.zones(key, velocity)[0]
        endings = [strike.ending(zone, sample_rate) for strike in strikes]
        longest = max(
            min(length + len(fading), samples - strike.start)
            for strike, (length, fading) in zip(strikes, endings, strict=True)
        )
        held = _Held(instrument.held(key, velocity, longest), zone, key, sample_rate)
        for strike, (length, fading) in zip(strikes, endings, strict=True):
            _lay_down(planes, held, strike.start, length, fading, keyboard.likeness(key, strike.velocity)[1])
    _follow_expression(planes, stem, sample_rate)
    return planes.T


def _alike(one: Zone, other: Zone) -> bool:
    return all(
        abs(value - other.generators.get(kind, value))
        <= (_SAME_SWEEP_CENTS if kind == Gen.MOD_ENV_TO_CUTOFF else _SAME_CENTS)
        for kind, value in one.generators.items()
    )


@dataclass(frozen=True)
class _Strike:
    start: int
    end: int
    """Where its key, and the pedal, is up; in samples."""
    key: int
    velocity: int
    cut: int
    """Where another key of its class silences it, as a closed hi-hat does an open one; `_FOREVER`: nowhere."""

    def ending(self, zone: Zone, sample_rate: int) -> tuple[int, Sound]:
        """For how many samples it is held, and how it fades after them."""
        fading = release(zone.seconds(Gen.RELEASE), sample_rate)
        place = self.cut - self.end
        if place >= len(fading):
            return self.end - self.start, fading
        cut = release(_CUT_SECONDS, sample_rate)
        if place <= 0:
            return self.cut - self.start, cut
        return self.end - self.start, np.concatenate([fading[:place], fading[place] * cut])


@dataclass
class _Held:
    """The sound of a key that is held, and how loud it is from block to block."""

    sound: Sound
    zone: Zone
    key: int
    sample_rate: int

    def __post_init__(self) -> None:
        samples = self.sound.shape[1]
        whole = samples // _BLOCK
        blocks = self.sound[:, : whole * _BLOCK].reshape(2, whole, _BLOCK)
        self.peaks = np.maximum(blocks.max(axis=2), -blocks.min(axis=2)).max(axis=0)
        if whole * _BLOCK < samples:
            self.peaks = np.append(self.peaks, np.abs(self.sound[:, whole * _BLOCK :]).max())

    def undone(self, start: int, stop: int) -> Sound | float:
        """What the envelope would go on to do between two samples, undone: a released key no longer follows it."""
        there = held_envelope(self.zone, self.key, self.sample_rate, start, stop)
        if there[0] == there[-1] and there[0] == there.max():
            return 1.0
        undone: Sound = there[0] / np.maximum(there, np.float32(1e-6))
        return undone


def _lay_down(planes: Sound, held: _Held, start: int, length: int, fading: Sound, gain: float) -> None:
    """Add a note to the sound of its stem: `length` samples of it held, then fading."""
    room = min(held.sound.shape[1], planes.shape[1] - start, length + len(fading))
    blocks = -(-room // _BLOCK)
    faded = np.maximum(np.arange(blocks) * _BLOCK - length, 0)  # how long a block's first sample has been fading
    heard = np.flatnonzero(held.peaks[:blocks] * fading[faded] * gain > _INAUDIBLE)
    room = min(room, (int(heard[-1]) + 1) * _BLOCK) if len(heard) else 0
    body = min(length, room)
    if room > length:
        fading = fading[: room - length] * held.undone(length, room)
    for plane, sound in zip(planes, held.sound, strict=True):
        _add(plane[start : start + body], sound[:body], gain)
        if room > length:
            _add(plane[start + length : start + room], sound[length:room] * fading, gain)


def _add(onto: Sound, sound: Sound, gain: float) -> None:
    if len(onto):
        cv2.scaleAdd(sound, gain, onto, dst=onto)


@lru_cache(maxsize=64)
def release(seconds: float, sample_rate: int) -> Sound:
    """(samples,): how a key fades that is let go, from 1 down by `_SILENCE_DB`."""
    pace = _FULL_DECAY_DB / max(seconds * sample_rate, 1.0)
    return np.asarray(np.exp(np.arange(int(_SILENCE_DB / pace) + 1) * (-pace * np.log(10) / 20)), np.float32)


def held_envelope(zone: Zone, key: int, sample_rate: int, start: int, stop: int) -> Sound:
    """Volume of a held key between two samples: up in a straight line, then down by so many decibels a second."""
    hold, decay = (
        zone.seconds(kind) * 2 ** ((60 - key) * zone[by_key] / 1200)
        for kind, by_key in ((Gen.HOLD, Gen.KEY_TO_HOLD), (Gen.DECAY, Gen.KEY_TO_DECAY))
    )
    begins, attack = (quantise(zone.seconds(kind) * sample_rate) for kind in (Gen.DELAY, Gen.ATTACK))
    falls = begins + attack + quantise(hold * sample_rate)
    sustain_db = min(zone[Gen.SUSTAIN] / 10, _SILENCE_DB)
    pace = _FULL_DECAY_DB / max(decay * sample_rate, 1.0)
    if falls <= start and (start - falls) * pace >= sustain_db:
        return np.full(max(stop - start, 0), 10 ** (-sustain_db / 20), np.float32)
    place = np.arange(start, stop, dtype=np.float32)
    level = np.exp(np.clip((place - falls) * pace, 0, sustain_db) * np.float32(-np.log(10) / 20))
    if start < begins + attack:
        level *= np.clip((place - begins) / max(attack, 1), 0, 1)
    return np.asarray(level, np.float32)


def _strikes(stem: Stem, keyboard: Keyboard, sample_rate: int) -> list[_Strike]:
    """The notes of a stem as keys: held on by the pedal, let go where they are struck again or cut by their class."""
    pedal = sorted((sample_at(c.time, sample_rate), c.value >= 64) for c in stem.controls if c.number == SUSTAIN_PEDAL)
    times = [time for time, _ in pedal]
    struck: dict[int, list[int]] = defaultdict(list)
    """When each class is struck (section 8.1.2, 57), from the last to the first."""
    again: dict[int, int] = {}
    strikes = []
    # From the last note to the first: what ends a note comes after it.
    for note in sorted(stem.notes, key=lambda note: note.start, reverse=True):
        start = sample_at(note.start, sample_rate)
        end = max(start + _SHORTEST_NOTE, sample_at(note.start + note.duration, sample_rate))
        # A key that goes up as the pedal goes down is too early for it.
        change = bisect_left(times, end)
        if change and pedal[change - 1][1]:
            end = next((time for time, is_down in pedal[change:] if not is_down), _FOREVER)
        if again.get(note.pitch, _FOREVER) > start:
            end = min(end, again.get(note.pitch, _FOREVER))
        again[note.pitch] = start
        zones = keyboard.zones(note.pitch, note.velocity)
        classes = {zone.generators.get(Gen.EXCLUSIVE_CLASS, 0) for zone in zones} - {0}
        cut = min((time for number in classes for time in struck[number] if time > start), default=_FOREVER)
        for number in classes:
            if struck[number][:1] != [start]:
                struck[number] = [start, *struck[number][:1]]
        strikes.append(_Strike(start, end, note.pitch, note.velocity, cut))
    return sorted(strikes, key=lambda strike: (strike.start, strike.key, strike.velocity))


def _follow_expression(planes: Sound, stem: Stem, sample_rate: int) -> None:
    """Volume by the expression controller, squared (section 8.4.6); ramps of `_SMOOTHING_SECONDS` instead of steps."""
    values = sorted((sample_at(c.time, sample_rate), c.value) for c in stem.controls if c.number == EXPRESSION)
    half = quantise(_SMOOTHING_SECONDS / 2 * sample_rate)
    samples = planes.shape[1]
    volume, at = 1.0, 0
    for index, (time, value) in enumerate(values):
        following = values[index + 1][0] if index + 1 < len(values) else _FOREVER
        start = min(max(time - half, at), samples)
        end = min(max(min(time + half, (time + following) // 2), start), samples)
        if volume != 1:
            planes[:, at:start] *= np.float32(volume)
        before, volume = volume, (value / 127) ** 2
        planes[:, start:end] *= np.linspace(before, volume, end - start, dtype=np.float32)
        at = end
    if volume != 1:
        planes[:, at:] *= np.float32(volume)
