"""What the denoiser is told of every beat beside the features: time, form, key, energy, mood, parts.

The model knows one key only: rolls are transposed so that the relative major's tonic is C before they are encoded,
and back after they are decoded. A condition left as None is unknown to the model, which was trained with each of
them withheld at random.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .leadsheet import chord_rows

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

_LAYOUT = (
    ("beat_in_bar", 6),  # one-hot
    ("beats_per_bar", 5),  # one-hot of 2, 3, 4, 6, other
    ("tempo", 2),  # log2(bpm / 100), known
    ("place", 5),  # from the start, to the end (each linear over 64 beats, and exp(-beats / 4)), known
    ("mode", 3),  # major, minor, unknown
    ("key", 13),  # tonic's distance above the cue's own in semitones, one-hot, and unknown
    ("density", 2),  # value, known
    ("loudness", 2),  # value, known
    ("mood", 3),  # valence, arousal, known
    ("parts", 4),  # melody, counter, harmony active, known
    ("corpus", 4),  # pop, lieder, quartet, unknown
    ("form", 15),  # section slot one-hot (8), phrase position (5), to the phrase's end, known
    ("chords", 25),  # pitch classes (12), root one-hot (12), known
    ("groove", 9),  # how often notes begin in each sixteenth: melody (4), all others (4), known
)
FRAME_SLICES: dict[str, slice] = {}
_start = 0
for _name, _width in _LAYOUT:
    FRAME_SLICES[_name] = slice(_start, _start + _width)
    _start += _width
FRAME_WIDTH = _start
SECTION_SLOTS = 8
GUIDED = ("density", "loudness", "mood", "parts", "mode", "key", "groove")
"""What guidance strengthens; time, form, chords and corpus stay the same with and without it."""


@dataclass(frozen=True)
class FrameCondition:
    """Per-beat conditions of a cue; T beats. None means unknown."""

    beat_in_bar: IntArray
    """(T,): 0 on a downbeat."""
    beats_per_bar: IntArray
    """(T,)."""
    bpm: FloatArray | None = None
    """(T,): quarter notes a minute."""
    from_start: IntArray | None = None
    """(T,): beats since the piece began."""
    to_end: IntArray | None = None
    """(T,): beats until it ends, 1 on the last."""
    minor: NDArray[np.bool_] | None = None
    """(T,)."""
    key_offset: IntArray | None = None
    """(T,): semitones above the cue's own tonic, 0 to 11."""
    density: FloatArray | None = None
    """(T,) in [0, 1]: how many notes, as a share of songs that have fewer."""
    loudness: FloatArray | None = None
    """(T,) in [0, 1]: velocity / 127, smoothed over a bar."""
    valence: FloatArray | None = None
    """(T,) in [-1, 1]."""
    arousal: FloatArray | None = None
    """(T,) in [-1, 1]; known together with `valence`."""
    parts: FloatArray | None = None
    """(T, 3): 1 where the part plays nearby."""
    corpus: int | None = None
    """Index into pop, lieder, quartet."""
    section: IntArray | None = None
    """(T,): slot 0 to 7 of the phrase's letter; equal slots should sound alike. -1 where there is none."""
    phrase_position: IntArray | None = None
    """(T,): beats since the phrase began."""
    phrase_left: IntArray | None = None
    """(T,): beats until it ends."""
    chords: IntArray | None = None
    """(T,): chord numbers as in `leadsheet`, above the relative major's tonic; NO_CHORD leaves a beat unsaid."""
    groove: FloatArray | None = None
    """(T, 8) in [0, 1]: how often notes begin in each sixteenth of this beat of the bar, melody first, then others."""

    @property
    def beats(self) -> int:
        """T."""
        return len(self.beat_in_bar)

    @property
    def places(self) -> IntArray:
        """(T,): equal numbers where the form asks for the same music again; -1 where it asks for nothing."""
        if self.section is None or self.phrase_position is None:
            return np.full(self.beats, -1)
        return np.where(self.section >= 0, self.section * 4096 + np.minimum(self.phrase_position, 4095), -1)

    def without(self, *names: str) -> "FrameCondition":
        """The same with the groups `names` (keys of FRAME_SLICES) unknown."""
        fields = {
            "tempo": ("bpm",), "place": ("from_start", "to_end"), "mode": ("minor",), "key": ("key_offset",),
            "density": ("density",), "loudness": ("loudness",), "mood": ("valence", "arousal"), "parts": ("parts",),
            "corpus": ("corpus",), "form": ("section", "phrase_position", "phrase_left"), "chords": ("chords",),
            "groove": ("groove",),
        }  # fmt: skip
        gone: dict[str, None] = {field: None for name in names for field in fields[name]}
        return replace(self, **gone)  # type: ignore[arg-type]  # every field named is optional

    def matrix(self) -> FloatArray:
        """(T, FRAME_WIDTH) float32, the denoiser's `frame` input."""
        beats = self.beats
        frame = np.zeros((beats, FRAME_WIDTH), np.float32)

        def put(name: str, *columns: NDArray[np.generic] | float) -> None:
            for offset, column in enumerate(columns):
                frame[:, FRAME_SLICES[name].start + offset] = column

        def one_hot(name: str, index: NDArray[np.generic] | int) -> None:
            frame[np.arange(beats), FRAME_SLICES[name].start + np.asarray(index)] = 1

        one_hot("beat_in_bar", np.clip(self.beat_in_bar, 0, 5))
        one_hot("beats_per_bar", np.select([self.beats_per_bar == n for n in (2, 3, 4, 6)], [0, 1, 2, 3], 4))
        if self.bpm is not None:
            put("tempo", np.log2(self.bpm / 100), 1)
        if self.from_start is not None and self.to_end is not None:
            put(
                "place",
                np.minimum(self.from_start, 64) / 64, np.exp(-self.from_start / 4),
                np.minimum(self.to_end, 64) / 64, np.exp(-self.to_end / 4), 1,
            )  # fmt: skip
        one_hot("mode", 2 if self.minor is None else self.minor.astype(int))
        one_hot("key", 12 if self.key_offset is None else self.key_offset % 12)
        if self.density is not None:
            put("density", self.density, 1)
        if self.loudness is not None:
            put("loudness", self.loudness, 1)
        if self.valence is not None and self.arousal is not None:
            put("mood", self.valence, self.arousal, 1)
        if self.parts is not None:
            put("parts", *self.parts.T, 1)
        one_hot("corpus", 3 if self.corpus is None else self.corpus)
        if self.section is not None and self.phrase_position is not None and self.phrase_left is not None:
            known = self.section >= 0
            start = FRAME_SLICES["form"].start
            frame[np.flatnonzero(known), start + self.section[known] % SECTION_SLOTS] = 1
            position = self.phrase_position
            columns = [np.minimum(position, 64) / 64]
            columns += [wave(2 * np.pi * position / period) for period in (8, 32) for wave in (np.sin, np.cos)]
            columns += [np.minimum(self.phrase_left, 64) / 64, np.ones(beats)]
            for offset, column in enumerate(columns):
                frame[:, start + SECTION_SLOTS + offset] = column * known
        if self.chords is not None:
            frame[:, FRAME_SLICES["chords"]] = chord_rows(self.chords)
        if self.groove is not None:
            put("groove", *self.groove.T, 1)
        return frame
