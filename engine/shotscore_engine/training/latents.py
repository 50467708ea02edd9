"""Songs as standardised latents in the model's own key."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from ..roll import PARTS
from .checkpoint import save_weights
from .data import Song
from .model import Codec, CodecConfig
from .rolls import DenseSong, dense

STATISTICS_BEATS = 200_000


def canonical_shift(song: Song) -> int:
    """Semitones that bring the song's most frequent tonic to C, by the shorter way: -6 to 5."""
    known = song.tonic[song.tonic >= 0]
    tonic = int(np.bincount(known, minlength=12).argmax()) if len(known) else 0
    return -tonic if tonic <= 6 else 12 - tonic


@dataclass(frozen=True)
class Latents:
    """A song's latents, (T, P * latent), unit variance."""

    dense: DenseSong
    shift: int
    values: NDArray[np.float32]

    @property
    def song(self) -> Song:
        """The song itself, in its own key."""
        return self.dense.song


def load_codec(folder: Path) -> Codec:
    """The trained codec, for inference."""
    codec = Codec(CodecConfig())
    codec.load_state_dict(load_file(folder / "codec.safetensors"))
    return codec.eval().requires_grad_(False)


@torch.no_grad()
def encode_song(codec: Codec, song: DenseSong, shift: int) -> NDArray[np.float32]:
    """Means of the latents, not yet standardised, (T, P * latent)."""
    pieces = []
    for start in range(0, song.song.beats, 512):
        # Four beats of context either way are what the encoder sees.
        before = min(start, 8)
        roll = torch.from_numpy(song.crop(start - before, before + 512 + 8, shift))[None]
        mean, _ = codec.encoder(roll[:, : song.song.beats - start + before])
        pieces.append(mean[0, before : before + 512].flatten(1).numpy())
    return np.concatenate(pieces)


def standardise(values: NDArray[np.float32], statistics: dict[str, torch.Tensor]) -> NDArray[np.float32]:
    """Zero mean and unit variance per number."""
    return np.asarray((values - statistics["mean"].numpy()) / statistics["scale"].numpy(), np.float32)


def read_latents(songs: Sequence[Song], folder: Path) -> list[Latents]:
    """Latents of all songs under the codec in `folder`; kept there, with their statistics, for the next run."""
    codec = load_codec(folder)
    rolls = [dense(song) for song in songs]
    shifts = [canonical_shift(song) for song in songs]
    cache, statistics_path = folder / "latents.npy", folder / "latent_statistics.safetensors"
    beats = [song.beats for song in songs]
    if cache.is_file() and statistics_path.is_file():
        flat = np.load(cache, allow_pickle=False)
        statistics = load_file(statistics_path)
    else:
        flat = np.concatenate([encode_song(codec, r, s) for r, s in zip(rolls, shifts, strict=True)])
        sounding = np.concatenate([r.velocity.any((2, 3)) for r in rolls])
        statistics = _statistics(flat, sounding)
        save_weights(statistics_path, statistics)
        np.save(cache, flat)
        report = {"mean": statistics["mean"].tolist(), "scale": statistics["scale"].tolist()}
        (folder / "latent_statistics.json").write_text(json.dumps(report))
    assert len(flat) == sum(beats)
    edges = np.concatenate([[0], np.cumsum(beats)])
    values = standardise(flat, statistics)
    return [
        Latents(roll, shift, values[a:b])
        for roll, shift, a, b in zip(rolls, shifts, edges[:-1], edges[1:], strict=True)
    ]


def _statistics(flat: NDArray[np.float32], sounding: NDArray[np.bool_]) -> dict[str, torch.Tensor]:
    """Mean and standard deviation per number, silent beats counting for little so that they do not shrink it."""
    latent = flat.shape[1] // len(PARTS)
    mean, scale = np.zeros(flat.shape[1]), np.ones(flat.shape[1])
    for part in range(len(PARTS)):
        columns = slice(part * latent, (part + 1) * latent)
        weight = np.where(sounding[:, part], 1.0, 0.25)
        mean[columns] = np.average(flat[:, columns], axis=0, weights=weight)
        variance = np.average((flat[:, columns] - mean[columns]) ** 2, axis=0, weights=weight)
        scale[columns] = np.sqrt(variance)
    # A number the codec hardly uses is not blown up to full noise: it stays small beside the others.
    scale = np.maximum(scale, 0.35 * np.median(scale))
    return {"mean": torch.tensor(mean, dtype=torch.float32), "scale": torch.tensor(scale, dtype=torch.float32)}
