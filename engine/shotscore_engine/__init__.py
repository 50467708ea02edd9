"""Shotscore's engine: from a timeline's picture to music that follows its shots.

Importing the package is cheap: torch, Qt, ONNX Runtime and OpenCV are imported where they are used.
"""

__version__ = "0.1.0"
