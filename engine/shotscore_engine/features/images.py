"""What a picture shows: ImageNet labels by EfficientNet-Lite0 in ONNX Runtime.

Two uses. As features, the labels' places in the sentence space (the scene bank's principal components, each
standardised over the labels) are averaged under the probabilities: eight smooth numbers that tell a beach from a
workshop without naming either. As words, labels are grouped (any dog is "a dog"), and a group is named only where
the network is sure of it.

Labels are WordNet's (Princeton University, WordNet 3.0, free of charge for any purpose), some made plainer; captions
and groups are ours. A label without a caption is never named: titles, curtains and blur fall into those.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError

MODEL = Path(__file__).parents[1] / "models" / "efficientnet_lite0.onnx"
COMPONENTS = Path(__file__).with_name("image_components.npz")
LABELS = Path(__file__).with_name("image_labels.tsv")
SIDE = 224
BATCH = 2
"""Pictures in one run of the network: with more it needs more memory, and is no faster."""
SURE = 0.7
"""Mean probability over a shot's pictures from which a group is named. Chosen on the sample photographs and films the
model card names: from here on every name was right; at 0.6 a street lamp was a lighthouse."""


@dataclass(frozen=True)
class ImageLabel:
    """One of ImageNet's thousand classes, in the network's order."""

    name: str
    caption: str
    """The group's words, "a dog"; empty where it is never named."""


@cache
def image_labels() -> tuple[ImageLabel, ...]:
    """All thousand."""
    with LABELS.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return tuple(ImageLabel(row["label"], row["caption"]) for row in rows)


@cache
def _session() -> Any:
    import onnxruntime as ort

    if not MODEL.is_file():
        raise ModelError(f"The image labeller {MODEL} is missing; install shotscore again.")
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    return ort.InferenceSession(str(MODEL), options, providers=["CPUExecutionProvider"])


def label_pictures(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 224, 224, 3) uint8 RGB -> (n, 1000) probabilities. Raises ModelError where the shipped model is missing."""
    if not len(pictures):
        return np.zeros((0, len(image_labels())), np.float32)
    session = _session()
    batches = [
        session.run(["probability"], {"image": np.ascontiguousarray(pictures[start : start + BATCH])})[0]
        for start in range(0, len(pictures), BATCH)
    ]
    return np.concatenate(batches)


@cache
def _places() -> NDArray[np.float32]:
    with np.load(COMPONENTS, allow_pickle=False) as stored:
        return np.asarray(stored["labels"], np.float32)


def image_components(probability: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 1000) probabilities -> (n, 8): the labels' places, averaged. An evenly unsure row lies near 0."""
    return np.asarray(probability @ _places(), np.float32)


@cache
def _groups() -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """The captions, and which of them each of the thousand labels has."""
    captions, group = np.unique([label.caption for label in image_labels()], return_inverse=True)
    return tuple(captions.tolist()), group


def sure_caption(probability: NDArray[np.float32] | Sequence[float]) -> str:
    """The group a shot shows, by its (1000,) mean probability; empty where none is sure."""
    captions, group = _groups()
    shares = np.bincount(group, weights=probability)
    shares[captions.index("")] = 0.0
    best = int(shares.argmax())
    return captions[best] if shares[best] >= SURE else ""
