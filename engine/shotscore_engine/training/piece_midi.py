"""A piece as a MIDI file, three tracks named as POP909 names them.

Beats lie on quarter notes of the file, the first at tick 0, with a tempo for every beat that needs one.
"""

import io

import mido
import numpy as np

from ..grid import STEPS_PER_BEAT
from ..metrics.piece import END, PITCH, START, VELOCITY, Piece

TRACKS = ("MELODY", "BRIDGE", "PIANO")
"""Our melody, counter and harmony."""
TICKS_PER_BEAT = 480


def to_bytes(piece: Piece) -> bytes:
    """The file. Real and generated pieces are written alike, all parts as a piano."""
    per_step = TICKS_PER_BEAT // STEPS_PER_BEAT
    conductor = mido.MidiTrack([mido.MetaMessage("time_signature", numerator=4, denominator=4)])
    previous, last_tick = 0, 0
    for beat, seconds in enumerate(np.diff(piece.beat_times)):
        tempo = round(float(seconds) * 1_000_000)
        if tempo != previous:
            tick = beat * TICKS_PER_BEAT
            conductor.append(mido.MetaMessage("set_tempo", tempo=min(tempo, 0xFFFFFF), time=tick - last_tick))
            previous, last_tick = tempo, tick
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT, tracks=[conductor])
    for part, name in enumerate(TRACKS):
        notes = piece.part(part)
        # At one tick, notes end before others begin.
        events = [(int(n[START]), 1, int(n[PITCH]), int(n[VELOCITY])) for n in notes]
        events += [(int(n[END]), 0, int(n[PITCH]), 0) for n in notes]
        track = mido.MidiTrack(
            [mido.MetaMessage("track_name", name=name), mido.Message("program_change", channel=part)]
        )
        now = 0
        for step, on, pitch, velocity in sorted(events):
            kind = "note_on" if on else "note_off"
            track.append(mido.Message(kind, channel=part, note=pitch, velocity=velocity, time=(step - now) * per_step))
            now = step
        track.append(mido.MetaMessage("end_of_track", time=(max(piece.steps, now) - now) * per_step))
        file.tracks.append(track)
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()
