"""P@K: whether the music made for a picture sounds nearest to that picture's own music.

Source: Diff-BGM, Table 2, and its notebook: Musicnn features (penultimate layer) of the generated piece are ranked by
cosine similarity to those of 60 ground-truth pieces, its own among them; P@K is the share of pieces whose own is
among the first K. Chance is K / 60: 8.3, 16.7 and 33.3 percent for 5, 10 and 20.

Conventions: a piece's features are the mean over its patches of three seconds (at most 16, evenly spread); both sides
are rendered by the same synthesizer. The other 59 candidates are drawn from the remaining pieces; instead of drawing,
the value here is the expectation over all draws (hypergeometric), so it has no seed.

Known deviations: the notebook ranks every row of its feature files, which may be patches; ours are pieces.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, ModelError

SAMPLE_RATE = 16_000
PATCH_FRAMES = 187
"""Frames of a three-second patch."""
MEL_BANDS = 96
FEATURES = 200
"""Numbers in Musicnn's penultimate layer."""
MOST_PATCHES = 16
CANDIDATES = 60
RANKS = (5, 10, 20)
MUSICNN_PATH = Path(__file__).parent.parent / "models" / "musicnn.onnx"

_FFT, _HOP = 512, 256


@dataclass(frozen=True)
class Retrieval:
    """P@K in percent, and what blind guessing would give."""

    precision: Mapping[int, float]
    """By K."""
    chance: Mapping[int, float]
    candidates: int
    """60, or all pieces where there are fewer."""
    pieces: int


def _hertz_of_mel(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Slaney's scale: linear to 1 kHz (15 mel), logarithmic above."""
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


@cache
def _filters() -> NDArray[np.float64]:
    """(MEL_BANDS, _FFT // 2 + 1): triangles of unit area from 0 to 8 kHz, even on Slaney's mel scale."""
    top = 15 + 27 * np.log(SAMPLE_RATE / 2 / 1000) / np.log(6.4)
    edges = _hertz_of_mel(np.linspace(0, top, MEL_BANDS + 2))
    bins = np.arange(_FFT // 2 + 1) * SAMPLE_RATE / _FFT
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    area = 2 / (edges[2:] - edges[:-2])
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) * area[:, None])


def mel_patches(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """(patches, 187, 96): log mel spectrogram of mono `audio` (samples,) at 16 kHz, as Musicnn was trained on.

    Raises InputError where the audio is shorter than three seconds or not mono.
    """
    if audio.ndim != 1 or len(audio) < (PATCH_FRAMES - 1) * _HOP:
        raise InputError(f"Audio of shape {audio.shape} is too short or not mono; three seconds at 16 kHz are needed.")
    padded = np.pad(audio.astype(np.float64), _FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FFT) / _FFT)
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    # Half precision as in the original, whose training saw its rounding.
    mel = (power @ _filters().T).clip(max=65504).astype(np.float16).astype(np.float32)
    logarithm = np.log10(10000 * mel + 1)
    count = len(logarithm) // PATCH_FRAMES
    return np.asarray(logarithm[: count * PATCH_FRAMES].reshape(count, PATCH_FRAMES, MEL_BANDS))


@cache
def _session(path: Path) -> Any:
    import onnxruntime

    if not path.is_file():
        raise ModelError(f"{path} is missing; make it with `python -m shotscore_engine.training.export_musicnn`.")
    options = onnxruntime.SessionOptions()
    # Threads that wait by spinning starve whatever else runs on a small machine, training above all.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def features(audio: NDArray[np.float32], model: Path = MUSICNN_PATH) -> NDArray[np.float32]:
    """(200,): Musicnn's penultimate layer, mean over patches of mono `audio` at 16 kHz.

    Of a long piece `MOST_PATCHES` patches are heard, evenly spread. Raises InputError where the audio is too short,
    ModelError where the model is missing.
    """
    patches = mel_patches(audio)
    if len(patches) > MOST_PATCHES:
        patches = patches[np.linspace(0, len(patches) - 1, MOST_PATCHES).round().astype(int)]
    (rows,) = _session(model).run(["penultimate"], {"mel": patches})
    return np.asarray(rows.mean(axis=0), np.float32)


def validate(generated: NDArray[np.float32], real: NDArray[np.float32]) -> None:
    """Raises InputError where the two do not hold one row for each of the same pieces, two at least."""
    if generated.shape != real.shape or generated.ndim != 2 or len(real) < 2:
        raise InputError(
            f"Features of shapes {generated.shape} and {real.shape} cannot be ranked; give one row for each of the "
            "same pieces, in the same order, at least two."
        )
    if not (np.isfinite(generated).all() and np.isfinite(real).all()):
        raise InputError("Features hold values that are no numbers; render the pieces again.")


def retrieve(
    generated: NDArray[np.float32],
    real: NDArray[np.float32],
    *,
    ranks: Sequence[int] = RANKS,
    candidates: int = CANDIDATES,
) -> Retrieval:
    """P@K of `generated` (pieces, d) among `real` (pieces, d), row i of both belonging to one picture.

    Of equally similar candidates half count as nearer. Raises InputError as `validate`.
    """
    from scipy.stats import hypergeom

    validate(generated, real)

    def unit(rows: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), np.float64)

    similar = unit(generated) @ unit(real).T
    own = np.diag(similar)[:, None]
    others = len(real) - 1
    drawn = min(candidates, len(real)) - 1
    nearer = np.sum(similar > own + 1e-9, axis=1) + (np.sum(np.abs(similar - own) <= 1e-9, axis=1) - 1) // 2
    precision = {k: float(100 * np.mean(hypergeom.cdf(k - 1, others, nearer, drawn))) for k in ranks}
    chance = {k: 100 * min(1.0, k / (drawn + 1)) for k in ranks}
    return Retrieval(precision, chance, drawn + 1, len(real))


def report(generated: Sequence[NDArray[np.float32]], real: Sequence[NDArray[np.float32]]) -> Retrieval:
    """P@5, P@10 and P@20 from `features` of each piece."""
    return retrieve(np.stack(generated), np.stack(real))
