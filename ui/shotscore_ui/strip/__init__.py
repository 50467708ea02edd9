"""The timeline strip."""

from .scale import TimeScale
from .widget import TimelineStrip

__all__ = ["TimeScale", "TimelineStrip"]
