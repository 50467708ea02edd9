"""Language features: sentences as unit rows of 384 numbers, and the bank of scene sentences.

The encoder is all-MiniLM-L6-v2 in ONNX Runtime (`models/minilm.onnx`, made by `training/export_minilm.py`). Where
the paper's language feature is BERT-base on a BLIP caption, ours is a sentence embedding: shorter, trained for
nearness of meaning, and small enough to ship.

The bank (`scenes.tsv`) holds our own sentences of what a shot may show, each placed by hand on valence (sad to glad),
arousal (calm to excited), both -1 to 1, and one of the supplement's eight styles. How the styles were chosen: Pop for
everyday life of today and young people, Folk for village, farm, harbour and craft, Classical for the concert hall,
ceremony, art and period drama, Rock for machines, contest and revolt, Jazz for bars, streets and crime by night,
Electronic for technology, data and clubs, Ambient for nature and space without people, Cinematic for drama, history
and adventure on a large scale.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from . import LANGUAGE_WIDTH

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MODEL = Path(__file__).parents[1] / "models" / "minilm.onnx"
TOKENIZER = MODEL.with_name("minilm.tokenizer.json")
BANK = Path(__file__).with_name("scenes.tsv")
COMPONENTS = Path(__file__).with_name("scene_components.npz")
STYLES = ("Pop", "Folk", "Classical", "Rock", "Jazz", "Electronic", "Ambient", "Cinematic")
"""The eight styles of the supplement (section 1.1)."""
LONGEST_TOKENS = 256
BATCH = 64


@dataclass(frozen=True)
class Scene:
    """One sentence of the bank."""

    valence: float
    """-1 (sad) to 1 (glad)."""
    arousal: float
    """-1 (calm) to 1 (excited)."""
    style: str
    """One of `STYLES`."""
    sentence: str


@cache
def scene_bank() -> tuple[Scene, ...]:
    """Every sentence of `scenes.tsv`, in the file's order."""
    with BANK.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return tuple(Scene(float(row["valence"]), float(row["arousal"]), row["style"], row["sentence"]) for row in rows)


@cache
def _tokenizer() -> "Tokenizer":
    from tokenizers import Tokenizer

    if not TOKENIZER.is_file():
        raise ModelError(f"The tokenizer {TOKENIZER} is missing; install shotscore again.")
    tokenizer = Tokenizer.from_file(str(TOKENIZER))
    tokenizer.enable_truncation(LONGEST_TOKENS)
    tokenizer.enable_padding()
    return tokenizer


def tokenise(sentences: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Token ids and attention mask, each (n, longest) int64; what lies beyond 256 tokens is cut."""
    coded = _tokenizer().encode_batch(list(sentences))
    ids = np.array([one.ids for one in coded], np.int64)
    return ids, np.array([one.attention_mask for one in coded], np.int64)


def is_word(text: str) -> bool:
    """Is this one whole word the encoder knows, rather than letters it has to spell?"""
    return len(_tokenizer().encode(text, add_special_tokens=False).tokens) == 1


@cache
def _session() -> Any:
    import onnxruntime as ort

    if not MODEL.is_file():
        raise ModelError(f"The sentence encoder {MODEL} is missing; install shotscore again.")
    options = ort.SessionOptions()
    options.log_severity_level = 3
    # Without this ONNX Runtime swaps in 8-bit products that differ from processor to processor.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    # A cue has a few dozen sentences: the processor is quicker than moving them to a graphics card.
    return ort.InferenceSession(str(MODEL), options, providers=["CPUExecutionProvider"])


def encode(sentences: Sequence[str]) -> NDArray[np.float32]:
    """Sentence embeddings, (n, 384) float32, unit rows. Equal sentences are encoded once.

    Raises ModelError where the shipped model is missing.
    """
    return _encoded(tuple(sentences)).copy()


@lru_cache(maxsize=4)
def _encoded(sentences: tuple[str, ...]) -> NDArray[np.float32]:
    """All together or not at all: what stands in a batch with a sentence moves the last bits of its row."""
    if not sentences:
        return np.zeros((0, LANGUAGE_WIDTH), np.float32)
    distinct = sorted(set(sentences), key=len)  # like lengths share a batch, so little padding is computed
    session = _session()
    rows: dict[str, NDArray[np.float32]] = {}
    for start in range(0, len(distinct), BATCH):
        batch = distinct[start : start + BATCH]
        ids, mask = tokenise(batch)
        (found,) = session.run(["sentence_embedding"], {"input_ids": ids, "attention_mask": mask})
        rows.update(zip(batch, found, strict=True))
    return np.stack([rows[sentence] for sentence in sentences]).astype(np.float32, copy=False)


@cache
def _components() -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Mean (384,), axes (8, 384) and spread (8,) of the bank's embeddings."""
    with np.load(COMPONENTS, allow_pickle=False) as stored:
        return stored["mean"], stored["axes"], stored["spread"]


def project(embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    """The bank's first eight principal components of sentence embeddings: (n, 384) -> (n, 8) float32.

    Scaled so that the sentences of the bank have mean 0 and variance 1 in each; `python -m
    shotscore_engine.training.scene_components` makes the axes.
    """
    mean, axes, spread = _components()
    return np.asarray((embedding - mean) @ axes.T / spread, np.float32)
