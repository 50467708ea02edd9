"""Standard MIDI file, type 1, for composers: tempo map, meter, key, markers, SMPTE offset, one named track a line.

Tick 0 is the cue's first frame. The tempo map follows the beat grid to within `_DRIFT` seconds: MIDI's tempo is a
whole number of microseconds a beat, so its rounding errors are carried and paid back. What stands before the first
beat, and a pickup, get short bars of their own, so that bar lines fall on the grid's downbeats.

Written with mido and not with pretty_midi (which is built on mido): pretty_midi writes neither markers nor an
SMPTE offset, and keeps tempo as a float. pretty_midi reads what is written here.

The default content is the model's parts on the grid. The arrangement is a second file (`content="stems"`):
both in one would sound twice when played.
"""

import io
import re
from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal

import mido
from shotscore_engine.atomic import replace_file
from shotscore_engine.errors import RequestError
from shotscore_engine.perform import Score, Stem
from shotscore_engine.tempo import BeatGrid
from shotscore_engine.timing import format_timecode, quantise

from .placement import CueMarker, Placement

TICKS_PER_BEAT = 960
_DRIFT = Fraction(50, 1_000_000)
_DRUM_CHANNEL = 9

_SHARPS = {"Db": "C#", "Eb": "D#", "Gb": "F#", "Ab": "G#", "Bb": "A#", "Cb": "B", "Fb": "E", "E#": "F", "B#": "C"}
_MAJOR = {"C#": "Db", "D#": "Eb", "G#": "Ab", "A#": "Bb"}
_MINOR = {"D#": "Ebm", "A#": "Bbm"}


def to_bytes(
    score: Score,
    placement: Placement | None = None,
    markers: Sequence[CueMarker] = (),
    content: Literal["parts", "stems", "both"] = "parts",
) -> bytes:
    """The score as a MIDI file; the same score gives the same bytes.

    `placement` gives the SMPTE offset (left out without it). Raises RequestError where the key is no key.
    """
    clock = Clock(score.grid)
    lines = {"parts": score.parts, "stems": score.stems, "both": score.parts + score.stems}[content]
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT, charset="utf-8")
    file.tracks.append(_conductor(score, clock, placement, markers))
    channels = [channel for channel in range(16) if channel != _DRUM_CHANNEL]
    for index, line in enumerate(lines):
        channel = _DRUM_CHANNEL if line.is_drum else channels[index % len(channels)]
        file.tracks.append(_line(line, channel, clock, score.duration))
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def write(
    score: Score,
    path: Path,
    placement: Placement | None = None,
    markers: Sequence[CueMarker] = (),
    content: Literal["parts", "stems", "both"] = "parts",
) -> None:
    """Write `to_bytes` to `path`, replacing it whole or not at all. Raises OutputError where it cannot be written."""
    replace_file(path, to_bytes(score, placement, markers, content))


class Clock:
    """Seconds to ticks and back, by the tempo map that is written."""

    def __init__(self, grid: BeatGrid) -> None:
        times = grid.beat_times
        self.lead_in = quantise(8 * times[0] / (times[1] - times[0])) if times[0] > 0 else 0
        if times[0] > 0:
            self.lead_in = max(1, self.lead_in)
        first_tick = self.lead_in * TICKS_PER_BEAT // 8
        self.ticks = [*([0] if first_tick else []), *(first_tick + TICKS_PER_BEAT * k for k in range(len(times)))]
        wanted = [*([Fraction(0)] if first_tick else []), *times]
        self.tempi: list[tuple[int, int]] = []
        """(tick, microseconds a beat) where the tempo changes."""
        self.seconds = [Fraction(0)]
        for index in range(len(wanted) - 1):
            beats = Fraction(self.ticks[index + 1] - self.ticks[index], TICKS_PER_BEAT)
            plain = (wanted[index + 1] - wanted[index]) / beats * 1_000_000
            tempo = self.tempi[-1][1] if self.tempi else quantise(plain)
            arrives = self.seconds[-1] + tempo * beats / 1_000_000
            if not self.tempi or abs(plain - tempo) > 1 or abs(arrives - wanted[index + 1]) > _DRIFT:
                tempo = quantise((wanted[index + 1] - self.seconds[-1]) / beats * 1_000_000)
                tempo = min(max(tempo, 1), 0xFFFFFF)
                if not self.tempi or self.tempi[-1][1] != tempo:
                    self.tempi.append((self.ticks[index], tempo))
            self.seconds.append(self.seconds[-1] + tempo * beats / 1_000_000)
        self._wanted, self._about = wanted, [float(moment) for moment in wanted]

    def tick(self, seconds: Fraction) -> int:
        """The tick nearest to a moment of the grid; after the last beat its tempo goes on."""
        # Floats find the beat or the one beside it, which is quicker than comparing Fractions all the way.
        index = bisect_right(self._about, float(seconds)) - 1
        index += index + 1 < len(self._wanted) and self._wanted[index + 1] <= seconds
        index -= index > 0 and self._wanted[index] > seconds
        index = min(max(index, 0), len(self._wanted) - 2)
        start, end = self._wanted[index], self._wanted[index + 1]
        ticks = self.ticks[index + 1] - self.ticks[index]
        late, length = seconds - start, end - start
        # quantise(late / length * ticks), without making the Fractions.
        above, below = late.numerator * length.denominator * ticks, late.denominator * length.numerator
        return self.ticks[index] + (2 * above + below) // (2 * below)


def _conductor(score: Score, clock: Clock, placement: Placement | None, markers: Sequence[CueMarker]) -> mido.MidiTrack:
    grid = score.grid
    first = clock.lead_in * TICKS_PER_BEAT // 8
    bars: list[tuple[int, tuple[int, int]]] = []
    if clock.lead_in:
        bars.append((0, (clock.lead_in, 32)))
    if grid.first_downbeat:
        bars.append((first, (grid.first_downbeat, 4)))
    bars.append((first + grid.first_downbeat * TICKS_PER_BEAT, grid.meter))
    events: list[tuple[int, int, mido.MetaMessage]] = [
        (0, 0, mido.MetaMessage("track_name", name=score.title)),
        (0, 2, mido.MetaMessage("key_signature", key=key_signature(score.key))),
    ]
    if placement is not None:
        events.append((0, 1, _smpte_offset(placement)))
    for tick, (numerator, denominator) in bars:
        events.append((tick, 3, mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator)))
    events += [(tick, 4, mido.MetaMessage("set_tempo", tempo=tempo)) for tick, tempo in clock.tempi]
    events += [(clock.tick(m.seconds), 5, mido.MetaMessage("marker", text=m.text)) for m in markers]
    return _track(events, clock.tick(score.duration))


def _line(line: Stem, channel: int, clock: Clock, duration: Fraction) -> mido.MidiTrack:
    events: list[tuple[int, int, mido.Message | mido.MetaMessage]] = [
        (0, -2, mido.MetaMessage("track_name", name=line.name)),
        (0, -1, mido.Message("program_change", channel=channel, program=line.program)),
    ]
    for control in line.controls:
        message = mido.Message("control_change", channel=channel, control=control.number, value=control.value)
        events.append((clock.tick(control.time), 1, message))
    for note in line.notes:
        start = clock.tick(note.start)
        end = max(start + 1, clock.tick(note.start + note.duration))
        events.append((start, 2, mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)))
        events.append((end, 0, mido.Message("note_off", channel=channel, note=note.pitch, velocity=64)))
    return _track(events, clock.tick(duration))


def _track(events: Sequence[tuple[int, int, mido.Message | mido.MetaMessage]], end_tick: int) -> mido.MidiTrack:
    """Events in order of tick, then of rank (a key goes up before it is struck again), as delta times, which are set in
    the messages."""
    track, now = mido.MidiTrack(), 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        tick = max(tick, now)
        message.time = tick - now
        track.append(message)
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(0, end_tick - now)))
    return track


def key_signature(key: str) -> str:
    """mido's name of a key such as "A minor", "Bb major" or "F#m".

    Keys without a signature of seven accidentals or fewer take their enharmonic twin. Raises RequestError otherwise.
    """
    match = re.fullmatch(r"\s*([A-Ga-g])([#b♯♭]?)\s*(?:(m|min|minor)|(M|maj|major)?)\s*", key)
    if not match:
        raise RequestError(f'{key!r} is not a key; write for example "A minor" or "Bb major".')
    tonic = match[1].upper() + match[2].replace("♯", "#").replace("♭", "b")
    sharp = _SHARPS.get(tonic, tonic)
    if match[3]:
        return _MINOR.get(sharp, f"{sharp}m") if tonic not in ("Eb", "Ab", "Bb") else f"{tonic}m"
    return _MAJOR.get(sharp, sharp) if tonic not in ("Gb", "Cb", "C#") else tonic


def _smpte_offset(placement: Placement) -> mido.MetaMessage:
    """Timecode of tick 0. MIDI knows 24, 25, 29.97 drop and 30: faster rates count every second frame, with half
    frames in hundredths; 23.976 counts as 24, 29.97 non-drop as 30."""
    nominal = quantise(placement.rate)
    divisor = 2 if nominal > 30 else 1
    counted = nominal // divisor
    code = 29.97 if placement.drop_frame else counted if counted in (24, 25) else 30
    hours, minutes, seconds, frames = map(
        int, re.split("[:;]", format_timecode(placement.absolute_frame, placement.rate, placement.drop_frame))
    )
    return mido.MetaMessage(
        "smpte_offset",
        frame_rate=code,
        hours=hours,
        minutes=minutes,
        seconds=seconds,
        frames=frames // divisor,
        sub_frames=frames % divisor * 50,
    )
