"""Styles: how the written parts become stems. One small TOML table per style; add a file and it is there."""

from .table import DEFAULT_STYLE, Effects, StemStyle, Style, load_style, style_names

__all__ = ["DEFAULT_STYLE", "Effects", "StemStyle", "Style", "load_style", "style_names"]
