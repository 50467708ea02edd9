"""Takes as cards, compared and combined."""

from .cards import TakeCards

__all__ = ("TakeCards",)
