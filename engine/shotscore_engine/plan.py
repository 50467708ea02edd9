"""From what the picture says to what the denoiser is told: key, form, energy, and the mask.

The form answers to the picture: phrases begin on bars near strong cuts, and phrases whose shots feel alike get the
same letter, so that the model brings the same music back when a place or mood returns.
"""

import itertools
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from .conditions import SECTION_SLOTS, FrameCondition
from .denoiser import Condition
from .errors import RequestError
from .features import BeatFeatures
from .grid import BeatGrid
from .masks import MaskKind, hit_beats, sac_mask
from .roll import PARTS
from .spotting import Hit

CORPUS_OF_STYLE = {"strings": 2, "cinematic": 0, "orchestral pop": 0}
"""Where the model should look for its manner: 0 pop, 1 lieder, 2 quartet; pop where nothing is said."""

MAJOR_TONICS = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
MINOR_TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
_PITCH_CLASS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_PHRASE_BARS = 8
_MELODY_FROM, _COUNTER_FROM = 0.12, 0.45
"""Mean energy of a phrase from which the part plays in it."""
_ALIKE = 0.35
"""Phrases whose mean (valence, arousal, energy) lie nearer than this share a letter."""


def key_of(name: str) -> tuple[int, bool]:
    """(pitch class of the relative major's tonic, minor) of a key like "A minor" or "Bb major".

    Raises RequestError where `name` is no key.
    """
    words = name.split()
    if len(words) != 2 or words[0][:1] not in _PITCH_CLASS or words[1] not in ("major", "minor"):
        raise RequestError(f'{name!r} is not a key; write for example "A minor" or "Bb major".')
    tonic = _PITCH_CLASS[words[0][0]] + {"": 0, "#": 1, "b": -1}.get(words[0][1:], 99)
    if tonic > 50:
        raise RequestError(f'{name!r} is not a key; write for example "A minor" or "Bb major".')
    minor = words[1] == "minor"
    return (tonic + 3 * minor) % 12, minor


def choose_key(features: BeatFeatures, seed: int) -> str:
    """A key for the cue's mood: minor where it is sad on the whole, its tonic by the seed, within a third of C."""
    minor = float(features.valence.mean()) < 0
    # Near the model's own key the parts keep the registers they were learned in.
    shift = int(np.random.default_rng([seed, 7]).integers(-3, 4))
    tonic = (shift + (9 if minor else 0)) % 12
    return f"{(MINOR_TONICS if minor else MAJOR_TONICS)[tonic]} {'minor' if minor else 'major'}"


def downbeats(grid: BeatGrid) -> list[int]:
    """Beats that open a bar."""
    return list(range(grid.first_downbeat, grid.beats, grid.beats_per_bar))


def form(
    grid: BeatGrid, features: BeatFeatures, cuts: Sequence[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(section slot, beats since the phrase began, beats until it ends) per beat, (T,) each."""
    bars = downbeats(grid)
    edges = [0]
    while edges[-1] < grid.beats:
        wanted = edges[-1] + _PHRASE_BARS * grid.beats_per_bar
        # The next phrase may come two bars early or late to begin with a cut.
        reach = 2 * grid.beats_per_bar
        near = [bar for bar in bars if abs(bar - wanted) <= reach and bar > edges[-1]]
        with_cut = [bar for bar in near if any(abs(bar - cut) <= 1 for cut in cuts)]
        options = with_cut or [bar for bar in near if bar >= wanted][:1]
        following = min(options, key=lambda bar: abs(bar - wanted)) if options else grid.beats
        # What would be left over as less than two bars stays with the phrase.
        edges.append(following if grid.beats - following >= reach else grid.beats)
    moods = np.stack([features.valence, features.arousal, 2 * features.energy - 1], axis=1)
    letters: list[NDArray[np.float64]] = []
    section = np.zeros(grid.beats, np.int64)
    position, left = np.zeros(grid.beats, np.int64), np.zeros(grid.beats, np.int64)
    before = -1
    for begin, end in itertools.pairwise(edges):
        mean = moods[begin:end].mean(axis=0).astype(np.float64)
        distances = [float(np.linalg.norm(mean - letter)) for letter in letters]
        nearest = int(np.argmin(distances)) if distances else 0
        alike = bool(distances) and distances[nearest] < _ALIKE
        # AABA rather than AAAA: the same letter no more than twice running.
        repeated = alike and nearest == before and (section[begin - 1 - (end - begin) : begin] == nearest).all()
        if alike and not (repeated and len(letters) < SECTION_SLOTS and begin > end - begin):
            chosen = nearest
        else:
            letters.append(mean)
            chosen = (len(letters) - 1) % SECTION_SLOTS
        section[begin:end] = chosen
        position[begin:end] = np.arange(end - begin)
        left[begin:end] = np.arange(end - begin, 0, -1)
        before = chosen
    return section, position, left


def orchestrate(energy: NDArray[np.float32], position: NDArray[np.int64]) -> NDArray[np.float32]:
    """(T, 3): which parts play in each phrase. Harmony always, melody but in stillness, counter where much happens.

    `position` is 0 where a phrase begins.
    """
    starts = [*np.flatnonzero(position == 0).tolist(), len(energy)]
    parts = np.ones((len(energy), len(PARTS)), np.float32)
    for begin, end in itertools.pairwise(starts):
        mean = float(energy[begin:end].mean())
        parts[begin:end, 0] = mean >= _MELODY_FROM
        parts[begin:end, 1] = mean >= _COUNTER_FROM
    return parts


def condition_for(
    features: BeatFeatures,
    grid: BeatGrid,
    *,
    key: str,
    style: str | None = None,
    mask: MaskKind = "aligned",
    k: int = 8,
    hits: Sequence[Hit] = (),
    start_frame: int = 0,
    rate: Fraction = Fraction(25),
    parts: NDArray[np.float32] | None = None,
    mask_beats: Sequence[int] | None = None,
) -> Condition:
    """The denoiser's condition for a cue: T rows, one per beat of `grid`.

    `hits` and `start_frame` count in frames of the timeline at `rate`; `parts` (T, 3) asks for melody, counter and
    harmony to play or rest (None: as `orchestrate` says); the mask's windows begin at `mask_beats` (None: at the hits
    that matter, with which phrases begin in any case). Raises RequestError where the features have another number
    of rows than the grid beats.
    """
    beats = grid.beats
    if len(features.energy) != beats:
        raise RequestError(f"The features describe {len(features.energy)} beats, the grid has {beats}; describe again.")
    tonic, minor = key_of(key)
    cuts = hit_beats(hits, grid, rate, start_frame)
    in_bar = (np.arange(beats) - grid.first_downbeat) % grid.beats_per_bar
    seconds = np.diff(np.array([float(time) for time in grid.beat_times]))
    section, position, left = form(grid, features, cuts)
    count = np.arange(beats)
    frame = FrameCondition(
        beat_in_bar=in_bar.astype(np.int64),
        beats_per_bar=np.full(beats, grid.beats_per_bar, np.int64),
        bpm=(60 / seconds).astype(np.float32),
        from_start=count,
        to_end=beats - count,
        minor=np.full(beats, minor),
        key_offset=np.zeros(beats, np.int64),
        density=features.energy.astype(np.float32),
        # A bar's mean velocity in POP909 lies between 0.47 and 0.88 of 127, its median at 0.68.
        loudness=np.clip(0.54 + 0.27 * features.energy + 0.05 * features.arousal, 0.3, 0.95).astype(np.float32),
        valence=features.valence,
        arousal=features.arousal,
        parts=orchestrate(features.energy, position) if parts is None else parts,
        corpus=CORPUS_OF_STYLE.get(style or "", 0),
        section=section,
        phrase_position=position,
        phrase_left=left,
    )
    rows = sac_mask(mask, beats, k=k, cut_beats=cuts if mask_beats is None else mask_beats)
    return Condition(frame, features.language, features.visual, rows, tonic)
