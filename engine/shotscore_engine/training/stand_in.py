"""The picture that stands for a song when the model is judged.

A song nobody trained on is given features by the same bridges as in training (`pairs`), without their noise, and from
there on everything runs as it does for a real picture: `plan.condition_for`, the denoiser, the codec. No note, bar or
latent of the song reaches the generator: only motion, mood, cuts, a caption per shot, its tempo and its key.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np

from ..denoiser import Condition
from ..features import BeatFeatures
from ..grid import BeatGrid
from ..masks import MaskKind
from ..plan import MAJOR_TONICS, MINOR_TONICS, condition_for
from ..spotting import Hit
from .data import Song
from .pairs import Bank, Bridges, Scale, bridges, curves, make_pair, measure_scale
from .scene_bank import load_bank

SCALE_FILE = Path(__file__).with_name("pop_scale.npz")
_RATE = Fraction(1000)
"""Frames a second of the stand-in's picture: fine enough that cuts fall on beats."""


def save_scale(songs: Sequence[Song], path: Path = SCALE_FILE) -> None:
    """Measures the scale of POP909's training songs; the one thing taken from them for judging others."""
    scale = measure_scale([curves(song) for song in songs])
    np.savez(path, **{name: value.astype(np.float32) for name, value in vars(scale).items()})


@cache
def load_scale() -> Scale:
    """The scale `save_scale` wrote."""
    with np.load(SCALE_FILE, allow_pickle=False) as arrays:
        return Scale(**{name: arrays[name].astype(float) for name in arrays.files})


@cache
def _bank() -> Bank:
    return load_bank()


@dataclass(frozen=True)
class StandIn:
    """A stretch of a song as a picture: its grid, features, cuts and key; T beats."""

    grid: BeatGrid
    features: BeatFeatures
    hits: tuple[Hit, ...]
    """In thousandths of a second from the start."""
    key: str

    def condition(
        self,
        *,
        mask: MaskKind = "aligned",
        k: int = 8,
        withheld: Sequence[str] = (),
        features: BeatFeatures | None = None,
    ) -> Condition:
        """What the denoiser is told. `withheld`: groups of `conditions.FRAME_SLICES`; `features`: of another song."""
        condition = condition_for(
            features or self.features, self.grid, key=self.key, mask=mask, k=k, hits=self.hits, rate=_RATE
        )
        return replace(condition, frame=condition.frame.without(*withheld)) if withheld else condition


def song_key(song: Song) -> str:
    """The song's most frequent key; "C major" where it is unknown."""
    known = song.tonic >= 0
    tonic = int(np.bincount(song.tonic[known], minlength=12).argmax()) if known.any() else 0
    minor = bool(song.minor[known].mean() > 0.5) if known.any() else False
    return f"{MINOR_TONICS[(tonic + 9) % 12]} minor" if minor else f"{MAJOR_TONICS[tonic]} major"


def stand_in(song: Song, start: int, beats: int, *, seed: int = 0, bridge: Bridges | None = None) -> StandIn:
    """The picture for the song's beats from `start`; `seed` chooses cuts and captions."""
    bridge = bridge or bridges(song, curves(song), load_scale())
    end = min(start + beats, song.beats)
    pair = make_pair(bridge, _bank(), np.random.default_rng([seed, 11]), start=start, end=end, noise=0.0)
    times = [Fraction(round(float(t - song.beat_times[start]) * 1000), 1000) for t in song.beat_times[start : end + 1]]
    downs = np.flatnonzero(song.bar_position[start:end] == 0)
    per_bar = int(np.bincount(song.beats_per_bar[start:end]).argmax())
    meter = {2: (2, 4), 3: (3, 4)}.get(per_bar, (4, 4))
    grid = BeatGrid(tuple(times), meter, int(downs[0]) if len(downs) else 0)
    shot_of_beat = np.searchsorted(pair.cuts, np.arange(end - start), side="right").astype(np.int32)
    assert pair.frame.density is not None
    assert pair.frame.valence is not None
    assert pair.frame.arousal is not None
    features = BeatFeatures(
        language=pair.language, visual=pair.visual, valence=pair.frame.valence, arousal=pair.frame.arousal,
        energy=pair.frame.density, shot_of_beat=shot_of_beat, captions=pair.captions,
    )  # fmt: skip
    hits = tuple(Hit(int(times[cut] * 1000), "cut", 1.0, 40) for cut in pair.cuts.tolist())
    return StandIn(grid, features, hits, song_key(song))
