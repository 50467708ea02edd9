"""The piano roll: per part, onset, sustain and velocity on a sixteenth-note grid."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PARTS = ("melody", "counter", "harmony")
"""The lines the model writes: POP909's MELODY, BRIDGE and PIANO."""

PITCHES = 128
LOWEST_PITCH, HIGHEST_PITCH = 21, 108
"""The 88 keys the model writes on (A0 to C8)."""


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
