"""How music is measured: one metric a file, each validates its pieces, computes, and reports a mean with its interval.

Importing them needs NumPy and SciPy alone; ONNX Runtime is loaded when Musicnn first listens (`retrieval.features`).
"""

from .piece import Piece, from_roll
from .report import Summary

__all__ = ["Piece", "Summary", "from_roll"]
