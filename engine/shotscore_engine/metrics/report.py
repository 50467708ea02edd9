"""Means with intervals: how every metric reports a set of pieces.

The interval is the percentile bootstrap over pieces (Efron 1979), 95%, from a fixed seed, so that a table made twice
reads the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError


@dataclass(frozen=True)
class Summary:
    """The mean of a metric over pieces."""

    mean: float
    low: float
    """Lower end of the 95% interval of the mean."""
    high: float
    pieces: int

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def summarise(values: Sequence[float], *, draws: int = 2000, seed: int = 0) -> Summary:
    """The mean of `values` with its interval. Raises InputError where there are none or one is not finite."""
    data = np.asarray(values, np.float64)
    if not data.size:
        raise InputError("There are no values to summarise; give at least one piece.")
    if not np.isfinite(data).all():
        raise InputError(f"Value {data[~np.isfinite(data)][0]} cannot be averaged; leave its piece out.")
    chosen = np.random.default_rng(seed).integers(0, data.size, (draws, data.size))
    low, high = np.percentile(data[chosen].mean(axis=1), [2.5, 97.5])
    return Summary(float(data.mean()), float(low), float(high), int(data.size))
