"""Noise schedule, feature selector and samplers of Diff-BGM, in plain NumPy.

A denoiser is anything that answers `denoise(x_t, t, condition) -> x_0`; nothing here knows what x is or where the
network runs. Symbols: t timestep, 1000 (noise) to 0 (music); alpha_bar the share of signal power left at t;
x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) noise; lambda = log(alpha / sigma).

The schedule is the continuous form of the released one: beta rises from 0.00085 to 0.0120, linearly in its square
root, over 1000 timesteps, and alpha_bar(t) = exp(-integral of beta from 0 to t). It agrees with the product of
(1 - beta) over whole timesteps to within 0.3 percent of alpha_bar's logarithm, and t may take any real value.

Sources: Diff-BGM supplement, sections 2.1 and 3; DPM-Solver++ (Lu et al., 2022), algorithm 2 (2M); classifier-free
guidance (Ho and Salimans, 2022).
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from .errors import RequestError

GUIDANCE = 3.0
"""How far the answer goes from the one without conditions, where nothing else is asked; see docs/lab-book.md."""
STEPS = 10
"""Evaluations where nothing else is asked; see docs/lab-book.md."""
MAX_T = 1000
_ROOT_START, _ROOT_END = math.sqrt(0.00085), math.sqrt(0.0120)
_SLOPE = (_ROOT_END - _ROOT_START) / MAX_T

FloatArray = NDArray[np.float32]


def log_alpha_bar(t: Any) -> Any:
    """Logarithm of alpha_bar at timestep `t`, 0 to 1000; a number or an array (NumPy or torch), shape kept."""
    root = _ROOT_START + _SLOPE * t
    return -(root * root * root - _ROOT_START**3) / (3 * _SLOPE)


def alpha_sigma(t: float) -> tuple[float, float]:
    """(alpha, sigma) at timestep `t`: shares of music and noise, alpha^2 + sigma^2 = 1."""
    alpha_bar = math.exp(log_alpha_bar(t))
    return math.sqrt(alpha_bar), math.sqrt(-math.expm1(log_alpha_bar(t)))


def half_log_snr(t: float) -> float:
    """lambda at timestep `t` > 0; falls as t grows."""
    alpha, sigma = alpha_sigma(t)
    return math.log(alpha / sigma)


def timestep_at(half_log_snr_value: float) -> float:
    """The timestep at which lambda takes this value, clipped to 0..1000."""
    log_bar = -math.log1p(math.exp(-2 * half_log_snr_value))
    root = math.cbrt(_ROOT_START**3 - 3 * _SLOPE * log_bar)
    return min(float(MAX_T), max(0.0, (root - _ROOT_START) / _SLOPE))


# --- feature selector -------------------------------------------------------------------------------------------

SelectorName = Literal["video", "language", "random", "concat", "video+language", "language+video", "none"]
SELECTORS: tuple[SelectorName, ...] = get_args(SelectorName)


@dataclass(frozen=True)
class Selector:
    """Which features steer which timesteps (Table 1 of the supplement)."""

    name: SelectorName = "language+video"
    switch_t: float = 200.0
    """In the two sequential kinds, the first named steers t > switch_t and the second t <= switch_t."""

    def __post_init__(self) -> None:
        if self.name not in SELECTORS:
            raise RequestError(f"The feature selector {self.name!r} is unknown; choose one of {', '.join(SELECTORS)}.")
        if not 0 <= self.switch_t <= MAX_T:
            raise RequestError(f"The switch step {self.switch_t:g} is outside 0 to {MAX_T}.")

    def __call__(self, t: float, rng: np.random.Generator) -> tuple[bool, bool]:
        """(language on, visual on) at timestep `t`."""
        early = t > self.switch_t
        match self.name:
            case "video":
                return False, True
            case "language":
                return True, False
            case "random":
                language = bool(rng.random() < 0.5)
                return language, not language
            case "concat":
                return True, True
            case "video+language":
                return not early, early
            case "language+video":
                return early, not early
            case "none":
                return False, False


# --- samplers ---------------------------------------------------------------------------------------------------


class Denoise(Protocol):
    """The one contract of every denoiser."""

    def __call__(self, x_t: FloatArray, t: float) -> FloatArray:
        """x_0 as far as the denoiser can tell from `x_t` at timestep `t`; same shape."""


OnStep = Callable[[int, float, FloatArray], None]
"""Called after step i with (i, t, x_0): for progress, for a live roll, and to cancel by raising."""


def timesteps(steps: int, start: float = MAX_T, end: float = 2.0, rho: float = 2.0) -> list[float]:
    """`steps` + 1 falling timesteps from `start`, the last one 0.

    Evenly spaced in t**(1/rho): denser near the music, where the schedule's lambda moves fastest.
    """
    if steps < 1:
        raise RequestError(f"{steps} steps are too few; use 1 or more.")
    first, last = start ** (1 / rho), min(end, start) ** (1 / rho)
    return [*((first + (last - first) * i / max(steps - 1, 1)) ** rho for i in range(steps)), 0.0]


def dpm_solver_pp_2m(denoise: Denoise, x: FloatArray, times: list[float], on_step: OnStep | None = None) -> FloatArray:
    """DPM-Solver++(2M): second order, one evaluation a step. `x` is noise at times[0]; returns x_0."""
    previous: FloatArray | None = None
    previous_h = 0.0
    for i, (t, s) in enumerate(itertools.pairwise(times)):
        x_0 = denoise(x, t)
        if s > 0:
            h = half_log_snr(s) - half_log_snr(t)
            estimate = x_0
            if previous is not None:
                ratio = previous_h / h
                estimate = x_0 + (x_0 - previous) / np.float32(2 * ratio)
            alpha, sigma = alpha_sigma(s)
            _, sigma_t = alpha_sigma(t)
            x = np.float32(sigma / sigma_t) * x - np.float32(alpha * math.expm1(-h)) * estimate
            previous, previous_h = x_0, h
        else:
            x = x_0
        if on_step is not None:
            on_step(i, s, x_0)
    return x


def ddim(
    denoise: Denoise,
    x: FloatArray,
    times: list[float],
    on_step: OnStep | None = None,
    eta: float = 0.0,
    rng: np.random.Generator | None = None,
) -> FloatArray:
    """DDIM (Song et al., 2021); eta = 1 over all 1000 timesteps is the paper's ancestral sampler."""
    for i, (t, s) in enumerate(itertools.pairwise(times)):
        x_0 = denoise(x, t)
        if s > 0:
            alpha, sigma = alpha_sigma(t)
            alpha_s, sigma_s = alpha_sigma(s)
            noise = (x - np.float32(alpha) * x_0) / np.float32(sigma)
            fresh = eta * sigma_s / sigma * math.sqrt(max(0.0, 1 - (alpha / alpha_s) ** 2))
            along = math.sqrt(max(0.0, sigma_s**2 - fresh**2))
            x = np.asarray(np.float32(alpha_s) * x_0 + np.float32(along) * noise, np.float32)
            if fresh > 0:
                if rng is None:
                    raise RequestError(f"eta = {eta:g} adds noise at every step and needs a seeded generator.")
                x = x + np.float32(fresh) * rng.standard_normal(x.shape, dtype=np.float32)
        else:
            x = x_0
        if on_step is not None:
            on_step(i, s, x_0)
    return x


def recalled(noise: FloatArray, places: NDArray[np.int64], share: float) -> FloatArray:
    """`noise` (T, n) in which rows of one place (T,) have the variance `share` in common; each row stays normal.

    Rows whose place is negative stay as they are. Where a passage shall return, its noise returns with it: two paths
    of a deterministic sampler that begin alike and are steered alike end alike.
    """
    out = noise.copy()
    first: dict[int, int] = {}
    for row, place in enumerate(places.tolist()):
        origin = first.setdefault(place, row)
        if place >= 0 and origin != row:
            out[row] = np.float32(math.sqrt(share)) * noise[origin] + np.float32(math.sqrt(1 - share)) * noise[row]
    return out


def add_noise(x_0: FloatArray, t: float, rng: np.random.Generator) -> FloatArray:
    """x_t of `x_0` at timestep `t`: where a variation of a take starts."""
    alpha, sigma = alpha_sigma(t)
    return np.float32(alpha) * x_0 + np.float32(sigma) * rng.standard_normal(x_0.shape, dtype=np.float32)


def guides(step: int, steps: int) -> bool:
    """Whether a step asks the network without conditions too: all of the first half do, then every second one.

    What conditions change turns slowly where the music already stands, so the steps between take what the one before
    them found (docs/lab-book.md has what that costs: nothing that is measured). After FasterCache (Lv et al., 2024),
    which reuses it for videos.
    """
    later = step - steps // 2
    return later < 0 or later % 2 == 1


def guided(with_condition: FloatArray, without: FloatArray, scale: float, rescale: float = 0.0) -> FloatArray:
    """Classifier-free guidance on x_0; `rescale` pulls the result back to the conditioned one's spread.

    scale 1 is no guidance. Rescaling after Lin et al. (2024), section 3.4.
    """
    x_0 = without + np.float32(scale) * (with_condition - without)
    if rescale > 0:
        factor = with_condition.std(axis=(-2, -1), keepdims=True) / np.maximum(
            x_0.std(axis=(-2, -1), keepdims=True), 1e-6
        )
        x_0 = x_0 * (np.float32(1 - rescale) + np.float32(rescale) * factor)
    return x_0
