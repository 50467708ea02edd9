"""The scene sentences and the scores' own words as the embeddings training draws from."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..features.language import encode, project, scene_bank
from .data import Song
from .pairs import Bank


def with_style(sentence: str, style: str) -> str:
    """How a style joins a sentence before both are encoded, in training and in use."""
    return f"{sentence.rstrip('.')}. {style} music."


@cache
def load_bank() -> Bank:
    """The bank, encoded without and with its styles."""
    scenes = scene_bank()
    plain = encode([scene.sentence for scene in scenes])
    return Bank(
        valence=np.array([scene.valence for scene in scenes]),
        arousal=np.array([scene.arousal for scene in scenes]),
        style=np.array([scene.style for scene in scenes]),
        sentences=tuple(scene.sentence for scene in scenes),
        embedding=plain,
        styled=encode([with_style(scene.sentence, scene.style) for scene in scenes]),
        image=project(plain),
    )


def encode_words(songs: Sequence[Song], path: Path) -> dict[str, NDArray[np.float16]]:
    """Embeddings of every text of the scores, kept in `path` (.npz) as they take minutes."""
    texts = sorted({text for song in songs for _, text in song.words})
    if not path.is_file():
        rows = [encode(texts[i : i + 256]).astype(np.float16) for i in range(0, len(texts), 256)]
        np.savez(path, rows=np.concatenate(rows) if rows else np.zeros((0, 384), np.float16))
    with np.load(path, allow_pickle=False) as arrays:
        rows = arrays["rows"]
    return dict(zip(texts, rows, strict=True))
