"""What a person wants of a range of a cue: words, mood, energy, density, key, style, or silence.

Wishes are applied in their order, later ones over earlier ones. A range counts for the beats whose middle it holds.
An energy curve drawn by hand is a row of points (frame, energy); between them it is straight, outside them level.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from .conditions import FrameCondition
from .errors import RequestError
from .features import BeatFeatures
from .grid import BeatGrid
from .roll import PARTS
from .spotting import Cue
from .timing import seconds_at

PROMPT_WEIGHT = 0.7
"""How far a person's words correct the mood read from the picture; as `features.describe` has it for whole cues."""
KEPT_CONTRAST = 0.35
"""What a mood or energy leaves of the picture's own rise and fall."""

EnergyCurve = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Wish:
    """What is wanted between two frames of the timeline. None: as it would be without."""

    start_frame: int
    end_frame: int
    """The frame after the last."""
    prompt: str = ""
    mood: tuple[float, float] | None = None
    """(valence, arousal), each -1 to 1."""
    energy: float | None = None
    """0 to 1: how much happens, and how loud."""
    density: float | None = None
    """0 to 1: how many notes, whatever the energy."""
    key: str | None = None
    """Like "A minor"; the model is asked to move there."""
    style: str | None = None
    silence: bool = False
    """No note begins, and none sounds on."""

    def __post_init__(self) -> None:
        if self.start_frame < 0 or self.end_frame <= self.start_frame:
            raise RequestError(
                f"The range {self.start_frame}-{self.end_frame} is empty; OUT is the frame after the last."
            )
        for name, value, low in (
            *((n, v, -1) for n, v in zip(("valence", "arousal"), self.mood or (), strict=False)),
            ("energy", self.energy, 0),
            ("density", self.density, 0),
        ):
            if value is not None and not low <= value <= 1:
                raise RequestError(f"The {name} {value} is outside {low} to 1.")
        if self.key is not None:
            from .request import parse_key

            object.__setattr__(self, "key", parse_key(self.key))

    @property
    def empty(self) -> bool:
        """Whether it asks for nothing."""
        return self == Wish(self.start_frame, self.end_frame)


def check_curve(curve: EnergyCurve) -> None:
    """Raises RequestError where the points are out of order or out of range."""
    frames = [frame for frame, _ in curve]
    if frames != sorted(set(frames)):
        raise RequestError(f"The energy curve's frames {frames} do not rise; put its points in order.")
    for frame, energy in curve:
        if not 0 <= energy <= 1:
            raise RequestError(f"The energy {energy} at frame {frame} is outside 0 to 1.")


def wished_beats(wish: Wish, cue: Cue, grid: BeatGrid, rate: Fraction) -> NDArray[np.bool_]:
    """(T,): the beats whose middle lies in the wish's range."""
    middles = _middles(cue, grid, rate)
    return np.asarray((middles >= wish.start_frame) & (middles < wish.end_frame), bool)


def silent_beats(wishes: Sequence[Wish], cue: Cue, grid: BeatGrid, rate: Fraction) -> NDArray[np.bool_]:
    """(T,): where silence is asked for; a later wish for music lifts it."""
    silent = np.zeros(grid.beats, bool)
    for wish in wishes:
        silent[wished_beats(wish, cue, grid, rate)] = wish.silence
    return silent


def steered(
    features: BeatFeatures, wishes: Sequence[Wish], curve: EnergyCurve, cue: Cue, grid: BeatGrid, rate: Fraction
) -> BeatFeatures:
    """`features` as the wishes and the energy curve would have them."""
    if not wishes and not curve:
        return features
    language, valence = features.language.copy(), features.valence.copy()
    arousal, energy = features.arousal.copy(), features.energy.copy()
    if curve:
        frames, values = zip(*curve, strict=True)
        energy[:] = np.interp(_middles(cue, grid, rate), frames, values)
    for wish in wishes:
        here = wished_beats(wish, cue, grid, rate)
        if not here.any():
            continue
        if wish.prompt:
            from .features.language import encode
            from .features.mood import words_mood

            row = encode([" ".join(wish.prompt.split())])
            language[here] = row[0]
            told = words_mood(row)[0]
            for axis, values_of in enumerate((valence, arousal)):
                values_of[here] = (1 - PROMPT_WEIGHT) * values_of[here] + PROMPT_WEIGHT * float(told[axis])
        if wish.mood is not None:
            valence[here] = _around(valence[here], wish.mood[0], -1)
            arousal[here] = _around(arousal[here], wish.mood[1], -1)
        if wish.energy is not None:
            energy[here] = _around(energy[here], wish.energy, 0)
    return replace(features, language=language, valence=valence, arousal=arousal, energy=energy)


def wished_frame(
    frame: FrameCondition, wishes: Sequence[Wish], tonic: int, cue: Cue, grid: BeatGrid, rate: Fraction
) -> FrameCondition:
    """`frame` with the wishes for density, key and silence; `tonic` is the cue's own (of the relative major)."""
    from .plan import key_of

    for wish in wishes:
        here = wished_beats(wish, cue, grid, rate)
        if wish.density is not None and frame.density is not None:
            frame = replace(frame, density=np.where(here, np.float32(wish.density), frame.density))
        if wish.key is not None and frame.key_offset is not None and frame.minor is not None:
            there, minor = key_of(wish.key)
            frame = replace(
                frame,
                key_offset=np.where(here, (there - tonic) % 12, frame.key_offset),
                minor=np.where(here, minor, frame.minor),
            )
    silent = silent_beats(wishes, cue, grid, rate)
    if silent.any():
        playing = np.ones((grid.beats, len(PARTS)), np.float32) if frame.parts is None else frame.parts.copy()
        playing[silent] = 0
        frame = replace(frame, parts=playing)
    return frame


def _middles(cue: Cue, grid: BeatGrid, rate: Fraction) -> NDArray[np.float64]:
    times = np.array([float(time) for time in grid.beat_times])
    frames = cue.start_frame + (times[:-1] + times[1:]) / 2 * float(rate)
    # The last beat may run past the cue's end; it belongs to the last frame all the same.
    last = cue.start_frame + float(seconds_at(cue.duration_frames, rate) * rate) - 0.5
    return np.asarray(np.minimum(frames, last), float)


def _around(values: NDArray[np.float32], wanted: float, lowest: float) -> NDArray[np.float32]:
    """Around `wanted`, keeping a part of the own rise and fall."""
    return np.asarray(np.clip(wanted + KEPT_CONTRAST * (values - values.mean()), lowest, 1), np.float32)
