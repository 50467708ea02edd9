"""The piano roll: per part, onset, sustain and velocity on a sixteenth-note grid."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PARTS = ("melody", "counter", "harmony")
"""The lines the model writes: POP909's MELODY, BRIDGE and PIANO."""

PITCHES = 128
LOWEST_PITCH, HIGHEST_PITCH = 21, 108
"""The 88 keys the model writes on (A0 to C8)."""
KEYS = HIGHEST_PITCH - LOWEST_PITCH + 1


@dataclass(frozen=True)
class Roll:
    """Piano roll of a cue; steps = 4 * beats of its grid. Axes: (parts, steps, pitches)."""

    onset: NDArray[np.bool_]
    """(3, steps, 128): a note begins here."""
    sustain: NDArray[np.bool_]
    """(3, steps, 128): a note begun earlier still sounds here; never True on a step of its own onset."""
    velocity: NDArray[np.uint8]
    """(3, steps, 128): MIDI velocity 1 to 127 where `onset`, 0 elsewhere."""

    @property
    def steps(self) -> int:
        """Sixteenths."""
        return int(self.onset.shape[1])

    def shifted(self, semitones: int) -> "Roll":
        """Transposed; notes that would leave 0 to 127 are moved back by octaves."""
        if not semitones:
            return self
        notes = notes_of(self)
        pitch = notes[:, 3] + semitones
        over = np.maximum(0, -(-(pitch - 127) // 12)) - np.maximum(0, -(pitch // 12))
        notes[:, 3] = pitch - 12 * over
        return roll_of(notes, self.steps)

    def cut(self, start_step: int, end_step: int) -> "Roll":
        """The steps from `start_step` to `end_step`; notes begun before are cut off, not begun again."""
        sustain = self.sustain[:, start_step:end_step].copy()
        # A sustain whose onset lies outside has nothing to hold.
        held = np.cumsum(self.onset[:, start_step:end_step], axis=1) > 0
        sustain &= held
        return Roll(self.onset[:, start_step:end_step].copy(), sustain, self.velocity[:, start_step:end_step].copy())


def empty_roll(steps: int) -> Roll:
    """Silence."""
    shape = (len(PARTS), steps, PITCHES)
    return Roll(np.zeros(shape, bool), np.zeros(shape, bool), np.zeros(shape, np.uint8))


def roll_of(notes: NDArray[np.integer], steps: int) -> Roll:
    """A roll of `notes`, (n, 5): part, start step, end step, pitch, velocity; what begins past the end is left out."""
    roll = empty_roll(steps)
    for part, start, end, pitch, velocity in notes.tolist():
        if 0 <= start < steps:
            roll.onset[part, start, pitch] = True
            roll.velocity[part, start, pitch] = min(127, max(1, velocity))
            roll.sustain[part, start + 1 : end, pitch] = True
    roll.sustain[roll.onset] = False
    return roll


def notes_of(roll: Roll) -> NDArray[np.int32]:
    """(n, 5): part, start step, end step, pitch, velocity; in order of start, part, pitch."""
    part, start, pitch = np.nonzero(roll.onset)
    # A note ends at the first step of its key that is not held; the step past the end is never held.
    free = np.concatenate([~roll.sustain, np.ones((len(PARTS), 1, PITCHES), bool)], axis=1)
    steps = roll.steps
    following = np.where(free, np.arange(steps + 1)[None, :, None], steps)
    next_free = np.minimum.accumulate(following[:, ::-1], axis=1)[:, ::-1]
    end = next_free[part, start + 1, pitch]
    notes = np.stack([part, start, end, pitch, roll.velocity[part, start, pitch]], axis=1).astype(np.int32)
    return notes[np.lexsort((notes[:, 3], notes[:, 0], notes[:, 1]))]


def to_beats(roll: Roll, shift: int = 0) -> NDArray[np.float32]:
    """(T, 3, 3 * 4 * 88): onset, sustain, velocity / 127 per beat, transposed by `shift`, as the codec reads them."""
    roll = roll.shifted(shift)
    keys = slice(LOWEST_PITCH, HIGHEST_PITCH + 1)
    layers = np.stack([roll.onset, roll.sustain, roll.velocity / np.float32(127)], axis=0)[..., keys]
    shaped = layers.reshape(3, len(PARTS), roll.steps // 4, 4, KEYS).transpose(2, 1, 0, 3, 4)
    return np.ascontiguousarray(shaped, np.float32).reshape(roll.steps // 4, len(PARTS), -1)


def from_logits(
    onset: NDArray[np.float32],
    sustain: NDArray[np.float32],
    velocity: NDArray[np.float32],
    rest: NDArray[np.float32],
    shift: int = 0,
) -> Roll:
    """What the codec's decoder says of a cue, as a roll transposed by `shift`.

    onset, sustain, velocity (T, 3, 4, 88): logits, logits, [0, 1]; rest (T, 3, 4): logits. The melody takes the most
    likely of rest and its pitches at each step; the other parts take every pitch more likely than not.
    """
    beats = onset.shape[0]

    def steps(array: NDArray[np.float32]) -> NDArray[np.float32]:
        return array.transpose(1, 0, 2, 3).reshape(len(PARTS), beats * 4, KEYS)

    begins, held, loud = steps(onset) > 0, steps(sustain) > 0, steps(velocity)
    voice = np.concatenate([rest[:, 0, :, None], onset[:, 0]], axis=-1).reshape(beats * 4, KEYS + 1)
    choice = voice.argmax(axis=-1)
    begins[0] = np.arange(1, KEYS + 1) == choice[:, None]
    held[0] &= ~begins[0].any(axis=-1, keepdims=True)  # a new note ends the one before it
    held &= ~begins
    alive = np.zeros((len(PARTS), KEYS), bool)
    for step in range(beats * 4):  # a key is held only as long as it has been held since its onset
        held[:, step] &= alive
        alive = begins[:, step] | held[:, step]
    roll = empty_roll(beats * 4)
    keys = slice(LOWEST_PITCH, HIGHEST_PITCH + 1)
    roll.onset[..., keys] = begins
    roll.sustain[..., keys] = held
    roll.velocity[..., keys] = np.where(begins, np.clip(np.rint(loud * 127), 1, 127), 0)
    return roll.shifted(shift)
