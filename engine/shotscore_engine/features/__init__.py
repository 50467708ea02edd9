"""The two conditions of Diff-BGM, one row per beat, and the mood read from the picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LANGUAGE_WIDTH = 384
"""MiniLM's sentence embedding."""

VISUAL_NAMES = (
    "motion",  # mean optical change over the beat, normalised to [0, 1] over the cue's picture
    "motion_peak",  # the strongest change inside the beat, [0, 1]
    "cut",  # 1 where a hit with full weight falls nearest to this beat, its weight otherwise
    "flash",  # sudden rise of luminance, [0, 1]
    "brightness",  # mean luma, [0, 1]
    "saturation",  # mean HSV saturation, [0, 1]
    "warmth",  # red against blue, [-1, 1]
    "contrast",  # standard deviation of luma, [0, 1]
    "image_0",  # image labels in the sentence space, first principal components of the scene bank
    "image_1",
    "image_2",
    "image_3",
    "image_4",
    "image_5",
    "image_6",
    "image_7",
)
VISUAL_WIDTH = len(VISUAL_NAMES)


@dataclass(frozen=True)
class BeatFeatures:
    """What the picture says, beat by beat; T rows."""

    language: NDArray[np.float32]
    """(T, 384): sentence embedding, unit length, of what is seen in the beat's shot."""
    visual: NDArray[np.float32]
    """(T, 16): columns as VISUAL_NAMES."""
    valence: NDArray[np.float32]
    """(T,) in [-1, 1]: sad to glad."""
    arousal: NDArray[np.float32]
    """(T,) in [-1, 1]: calm to excited."""
    energy: NDArray[np.float32]
    """(T,) in [0, 1]: how much should happen in the music."""
    shot_of_beat: NDArray[np.int32]
    """(T,): index into the picture's shots (from 0) of the shot seen at the beat's middle."""
    captions: tuple[str, ...]
    """One sentence per shot of the picture."""
    warnings: tuple[str, ...] = ()
    """What could not be seen, one sentence each."""
