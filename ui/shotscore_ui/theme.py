"""Colours of the panel, dark and light, and how they reach Qt.

Every text colour stands at least 4.5:1 against every surface it is written on, every mark at least 3:1 (WCAG 2.2,
1.4.3 and 1.4.11); a test measures them. States and parts are told apart by shape or place first, by colour second;
their hues keep their distance for the common kinds of colour blindness.

A widget asks `theme_of(self)` while it paints: what the surrounding palette is decides, so a panel inside an editor
follows the editor.
"""

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QWidget


@dataclass(frozen=True)
class Theme:
    """One set of colours, as #rrggbb."""

    name: str
    dark: bool
    window: str
    """Behind everything."""
    panel: str
    """Cards, headers, rulers."""
    lane: str
    """Where things are drawn over time."""
    outside: str
    """A lane where no cue is."""
    raised: str
    """Buttons, handles."""
    line: str
    """Borders and grid lines; decoration."""
    line_strong: str
    """Bar lines, edges of fields."""
    text: str
    text_dim: str
    accent: str
    """Selection, focus, what is on."""
    on_accent: str
    """Text on the accent."""
    playhead: str
    met: str
    near: str
    missed: str
    ignored: str
    open: str
    melody: str
    counter: str
    harmony: str
    dialogue: str
    waveform: str
    energy: str
    tempo: str
    lock: str
    shot: str
    shot_other: str
    """Every second shot."""
    offline: str
    warning: str

    def colour(self, name: str, alpha: float = 1.0) -> QColor:
        """The colour of a field, at `alpha` (0 to 1)."""
        return _colour(getattr(self, name), alpha)

    def state(self, state: str) -> QColor:
        """Of how a hit is met."""
        return self.colour(state)

    def part(self, part: str) -> QColor:
        """Of a part of the roll; parts that are not the model's own look like harmony."""
        return self.colour(part if part in ("melody", "counter", "harmony") else "harmony")


@lru_cache(maxsize=512)
def _colour(text: str, alpha: float) -> QColor:
    colour = QColor(text)
    colour.setAlphaF(alpha)
    return colour


DARK = Theme(
    name="dark",
    dark=True,
    window="#16181b",
    panel="#212429",
    lane="#1b1e22",
    outside="#141619",
    raised="#2e333a",
    line="#31363d",
    line_strong="#596270",
    text="#eceef1",
    text_dim="#a9b1bb",
    accent="#6ea8fe",
    on_accent="#0b1220",
    playhead="#ff5d73",
    met="#3ecfa6",
    near="#f4bd50",
    missed="#ff7f6b",
    ignored="#8c95a0",
    open="#c3cad3",
    melody="#ffb35c",
    counter="#63c3ff",
    harmony="#b9a1ff",
    dialogue="#d59bd0",
    waveform="#5fae97",
    energy="#f2cf63",
    tempo="#7fd1e8",
    lock="#e0c38a",
    shot="#333a43",
    shot_other="#2a3038",
    offline="#4a3a2c",
    warning="#f4bd50",
)

LIGHT = Theme(
    name="light",
    dark=False,
    window="#eceef1",
    panel="#f8f9fa",
    lane="#ffffff",
    outside="#e6e8ec",
    raised="#e3e6ea",
    line="#d5d9de",
    line_strong="#858e99",
    text="#1a1f25",
    text_dim="#525b66",
    accent="#1f5fbf",
    on_accent="#ffffff",
    playhead="#d1123a",
    met="#00735a",
    near="#8a5700",
    missed="#bb2f1b",
    ignored="#636c77",
    open="#414a55",
    melody="#a34f00",
    counter="#0065a3",
    harmony="#6440bd",
    dialogue="#8d3a86",
    waveform="#2f7d69",
    energy="#7d6100",
    tempo="#006a82",
    lock="#75561a",
    shot="#d3dae2",
    shot_other="#e2e7ec",
    offline="#f1dfca",
    warning="#8a5700",
)

THEMES = {theme.name: theme for theme in (DARK, LIGHT)}


def theme_of(widget: QWidget) -> Theme:
    """The theme that suits the palette `widget` stands in."""
    return DARK if widget.palette().color(QPalette.ColorRole.Window).lightness() < 128 else LIGHT


def luminance(colour: QColor) -> float:
    """Relative luminance, 0 to 1. Source: WCAG 2.2."""

    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)

    red, green, blue = (linear(value) for value in (colour.redF(), colour.greenF(), colour.blueF()))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: QColor, other: QColor) -> float:
    """Contrast of two opaque colours, 1 to 21. Source: WCAG 2.2."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def palette(theme: Theme) -> QPalette:
    """`theme` as Qt's own palette, so that its ready-made controls fit."""
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    made = QPalette()
    for target, name in (
        (role.Window, "window"),
        (role.WindowText, "text"),
        (role.Base, "lane"),
        (role.AlternateBase, "panel"),
        (role.Text, "text"),
        (role.Button, "raised"),
        (role.ButtonText, "text"),
        (role.BrightText, "missed"),
        (role.ToolTipBase, "panel"),
        (role.ToolTipText, "text"),
        (role.PlaceholderText, "text_dim"),
        (role.Highlight, "accent"),
        (role.HighlightedText, "on_accent"),
        (role.Link, "accent"),
        (role.LinkVisited, "harmony"),
        (role.Light, "line_strong"),
        (role.Midlight, "line"),
        (role.Mid, "line"),
        (role.Dark, "outside"),
        (role.Shadow, "outside"),
        (role.Accent, "accent"),
    ):
        made.setColor(target, theme.colour(name))
    for target in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(group.Disabled, target, theme.colour("text_dim", 0.55))
    return made


def apply(app: QApplication, theme: Theme) -> None:
    """The whole program in `theme`: Fusion drawn with our palette, the same on every system."""
    app.setStyle("Fusion")
    app.setPalette(palette(theme))
    app.setStyleSheet(
        f"QToolTip {{ color: {theme.text}; background: {theme.panel}; border: 1px solid {theme.line_strong}; "
        "padding: 4px; }"
    )
