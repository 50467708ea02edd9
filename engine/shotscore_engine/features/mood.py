"""Mood: where picture and words stand on valence (sad to glad) and arousal (calm to excited), both -1 to 1.

From the picture: Valdez and Mehrabian (1994), pleasure = 0.69 brightness + 0.22 saturation and arousal = -0.31
brightness + 0.60 saturation, all standardised, so brightness and saturation are measured against a usual film
(`USUAL`); motion and cutting pace raise arousal beside them, with more weight, as they do for every viewer. Where this
deviates: the study's subjects rated plain colour chips, and its arousal of colour alone is small in moving pictures.

From words: a ridge regression from the sentence embedding to the scene bank's own points. `leave_one_out` tells how
well it does on sentences it was not fitted to.
"""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .language import encode, scene_bank

FloatArray = NDArray[np.float32]

MOOD = Path(__file__).with_name("scene_mood.npz")
USUAL = {"brightness": (0.42, 0.16), "saturation": (0.34, 0.16)}
"""Mean and spread of films, for standardising."""
RIDGE = 1.5
"""Chosen by `leave_one_out` on the bank."""


def picture_mood(
    brightness: FloatArray, saturation: FloatArray, motion: FloatArray, pace: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(valence, arousal), (T,) each, from luma, saturation, absolute motion and cutting pace, (T,) in [0, 1]."""
    bright = (brightness - USUAL["brightness"][0]) / USUAL["brightness"][1]
    saturated = (saturation - USUAL["saturation"][0]) / USUAL["saturation"][1]
    valence = np.tanh(0.8 * (0.69 * bright + 0.22 * saturated))
    colour = -0.31 * bright + 0.60 * saturated
    arousal = np.tanh(0.3 * colour + 2.2 * (motion - 0.3) + 0.8 * (pace - 0.35))
    return valence.astype(np.float32), arousal.astype(np.float32)


def _bank_points() -> NDArray[np.float64]:
    return np.array([(scene.valence, scene.arousal) for scene in scene_bank()])


def fit(embedding: FloatArray, points: NDArray[np.float64], ridge: float = RIDGE) -> NDArray[np.float64]:
    """Ridge regression with a constant: (n, 384) and (n, 2) -> (385, 2)."""
    x = np.concatenate([embedding.astype(np.float64), np.ones((len(embedding), 1))], axis=1)
    penalty = np.eye(x.shape[1]) * ridge
    penalty[-1, -1] = 0
    return np.asarray(np.linalg.solve(x.T @ x + penalty, x.T @ points))


def leave_one_out(embedding: FloatArray, ridge: float = RIDGE) -> NDArray[np.float64]:
    """What each bank sentence is read as when it is left out of the fit: (n, 2)."""
    x = np.concatenate([embedding.astype(np.float64), np.ones((len(embedding), 1))], axis=1)
    penalty = np.eye(x.shape[1]) * ridge
    penalty[-1, -1] = 0
    hat = x @ np.linalg.solve(x.T @ x + penalty, x.T)
    points = _bank_points()
    own = np.diag(hat)[:, None]
    return np.asarray((hat @ points - own * points) / (1 - own))


@cache
def _weights() -> NDArray[np.float64]:
    with np.load(MOOD, allow_pickle=False) as stored:
        return np.asarray(stored["weights"], np.float64)


@cache
def _styles() -> FloatArray:
    with np.load(MOOD, allow_pickle=False) as stored:
        return np.asarray(stored["styles"], np.float32)


def style_direction(style: int) -> FloatArray:
    """(384,): the way from the bank's mean sentence to the mean of a style's, unit length; `style` indexes STYLES."""
    direction = _styles()[style]
    return np.asarray(direction / np.linalg.norm(direction), np.float32)


def words_mood(embedding: FloatArray) -> FloatArray:
    """(n, 384) sentence embeddings -> (n, 2) valence and arousal in [-1, 1]."""
    weights = _weights()
    return np.asarray(np.clip(embedding @ weights[:-1] + weights[-1], -1, 1), np.float32)


def text_mood(text: str) -> tuple[float, float]:
    """(valence, arousal) of a person's words. Raises ModelError where the sentence encoder is missing."""
    valence, arousal = words_mood(encode([text]))[0]
    return float(valence), float(arousal)


def write_weights(embedding: FloatArray, path: Path = MOOD) -> None:
    """Fit to the whole bank and store the weights and each style's mean embedding."""
    from .language import STYLES

    styles = np.array([scene.style for scene in scene_bank()])
    means = np.stack([embedding[styles == style].mean(0) for style in STYLES])
    weights = fit(embedding, _bank_points())
    np.savez(path, weights=weights.astype(np.float32), styles=(means - embedding.mean(0)).astype(np.float32))
