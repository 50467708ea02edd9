# ruff: noqa: E501 - the shapes are data
"""Icons of our own: strokes on a grid of 24, in the theme's text colour, sharp at every density.

A row of the table is a name and the elements inside an SVG's root; `currentColor` becomes the colour asked for.
"""

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from .theme import Theme

_FILL = 'fill="currentColor" stroke="none"'
_SHAPES = {
    "play": f'<path d="M7 4.5v15l12.5-7.5z" {_FILL}/>',
    "pause": f'<path d="M6.5 5h3.5v14H6.5zM14 5h3.5v14H14z" {_FILL}/>',
    "stop": f'<rect x="6" y="6" width="12" height="12" rx="1.5" {_FILL}/>',
    "to-start": f'<path d="M18.5 5.5v13L9 12zM5.5 5.5h2v13h-2z" {_FILL}/>',
    "loop": '<path d="M4.5 11a6 6 0 0 1 6-5.5h8M15.5 2.5l3 3-3 3M19.5 13a6 6 0 0 1-6 5.5h-8M8.500 21.500l-3-3 3-3"/>',
    "undo": '<path d="M8.500 4.500L4 9l4.500 4.500M4 9h9.500a5.500 5.500 0 0 1 0 11H9"/>',
    "redo": '<path d="M15.500 4.500L20 9l-4.500 4.500M20 9h-9.500a5.500 5.500 0 0 0 0 11H15"/>',
    "refresh": '<path d="M19.500 11a7.800 7.800 0 0 0-14-3.500M5 3.500v4.500h4.500M4.500 13a7.800 7.800 0 0 0 14 3.500'
    'M19 20.500V16h-4.500"/>',
    "lock": '<rect x="5" y="10.500" width="14" height="9.500" rx="2"/><path d="M8 10.500V8a4 4 0 0 1 8 0v2.500M12 14v3"/>',
    "unlock": '<rect x="5" y="10.500" width="14" height="9.500" rx="2"/><path d="M8 10.500V7a4 4 0 0 1 7.700-1.500M12 14v3"/>',
    "star": '<path d="M12 3.800l2.500 5.200 5.700.800-4.100 4 1 5.700-5.100-2.700-5.100 2.700 1-5.700-4.100-4 5.700-.800z"/>',
    "star-on": f'<path d="M12 3.300l2.650 5.500 6 .850-4.350 4.200 1.050 6L12 17l-5.350 2.850 1.050-6L3.350 9.650l6-.850z" {_FILL}/>',
    "delete": '<path d="M4.500 6.500h15M9 6.500v-2h6v2M6.500 6.500l1 13h9l1-13M10 10.500v5.500M14 10.500v5.500"/>',
    "rename": '<path d="M4.500 19.500l1-4.500L16 4.500l3.500 3.500L9 18.500zM14 6.500l3.500 3.500"/>',
    "add": '<path d="M12 5v14M5 12h14"/>',
    "close": '<path d="M6 6l12 12M18 6L6 18"/>',
    "check": '<path d="M4.500 12.500l5 5 10-11"/>',
    "mute": f'<path d="M4 9.500v5h3.500l5 4.500V5l-5 4.500z" {_FILL}/><path d="M16 9.500l5 5M21 9.500l-5 5"/>',
    "sound": f'<path d="M4 9.500v5h3.500l5 4.500V5l-5 4.500z" {_FILL}/><path d="M15.500 9a4.500 4.500 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11"/>',
    "zoom-in": '<circle cx="10.500" cy="10.500" r="6"/><path d="M15 15l5 5M10.500 7.800v5.400M7.800 10.500h5.400"/>',
    "zoom-out": '<circle cx="10.500" cy="10.500" r="6"/><path d="M15 15l5 5M7.800 10.500h5.400"/>',
    "zoom-fit": '<path d="M3.500 5v14M20.500 5v14M6.500 12h11M9.500 9l-3 3 3 3M14.500 9l3 3-3 3"/>',
    "settings": '<path d="M4 7h8.500M17.500 7H20M4 17h2.500M11.500 17H20"/><circle cx="15" cy="7" r="2.500"/>'
    '<circle cx="9" cy="17" r="2.500"/>',
    "warning": '<path d="M12 4L2.800 19.500h18.400zM12 10v4.500M12 17.200v.100"/>',
    "info": '<circle cx="12" cy="12" r="8.500"/><path d="M12 11v5.500M12 7.700v.100"/>',
    "film": '<rect x="3.500" y="5" width="17" height="14" rx="1.500"/><path d="M8 5v14M16 5v14M3.500 9.500H8M3.500 14.500H8'
    'M16 9.500h4.500M16 14.500h4.500"/>',
    "music": f'<path d="M9 17.500V5.500l10-2v12"/><circle cx="6.500" cy="17.500" r="2.500" {_FILL}/>'
    f'<circle cx="16.500" cy="15.500" r="2.500" {_FILL}/>',
    "score": f'<path d="M5 19L15.500 8.500M13.500 6.500l4 4"/><path d="M19 2.500l.8 2.200 2.200.8-2.200.8-.8 2.200-.8-2.200-2.200-.8 2.200-.8z" {_FILL}/>'
    f'<path d="M7 3.500l.6 1.900 1.900.6-1.900.6L7 8.500l-.6-1.900-1.900-.6 1.900-.6z" {_FILL}/>',
    "again": '<path d="M5 12a7 7 0 1 1 2 5M5 12l-2.500-3M5 12l3.500-2"/>',
    "export": '<path d="M12 14.500V4M8 7.500L12 3.500l4 4M4.500 14v5.500h15V14"/>',
    "insert": '<path d="M12 3.500V14M8 10.500l4 4 4-4M4.500 14v5.500h15V14"/>',
    "folder": '<path d="M3.500 18.500v-13h6l2 2.500h9v10.500z"/>',
    "drag": '<path d="M9 5.500v.100M15 5.500v.100M9 12v.100M15 12v.100M9 18.500v.100M15 18.500v.100" stroke-width="2.600"/>',
    "compare": '<path d="M3.500 18l3.700-12h.6l3.700 12M4.800 14h5.400M14 6v12h3.200a3.200 3.200 0 0 0 0-6.400H14h2.700a2.800 2.800 0 0 0 0-5.600z"/>',
    "combine": '<path d="M3.500 6h4.500l5 6h7.500M3.500 18h4.500l5-6M17 8.500l3.500 3.500-3.500 3.500"/>',
    "metronome": '<path d="M8.500 4h7l3.500 16H5zM6.300 15h11.400M12 15l6.500-9.500"/>',
    "more": '<path d="M5.500 12v.100M12 12v.100M18.500 12v.100" stroke-width="3"/>',
    "chevron-down": '<path d="M6 9.500l6 6 6-6"/>',
    "chevron-right": '<path d="M9.500 6l6 6-6 6"/>',
    "speech": '<path d="M4 5h16v10.500h-8L7.500 19.500v-4H4z"/>',
    "plug": '<path d="M9 3.500v5M15 3.500v5M6.500 8.500h11V12a5.500 5.500 0 0 1-11 0zM12 17.500v3"/>',
    "chip": '<rect x="6.500" y="6.500" width="11" height="11" rx="1.500"/><path d="M9.500 3.500v3M14.500 3.500v3M9.500 17.500v3M14.500 17.500v3'
    'M3.500 9.500h3M3.500 14.500h3M17.500 9.500h3M17.500 14.500h3"/>',
}

NAMES = tuple(_SHAPES)
_SIZES = (16, 20, 24, 32, 48, 64, 96)


def svg(name: str, colour: QColor) -> bytes:
    """The icon as an SVG file. Raises KeyError where there is none of this name."""
    body = _SHAPES[name].replace("currentColor", colour.name())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="{colour.name()}" '
        f'stroke-width="1.700" stroke-linecap="round" stroke-linejoin="round">{body}</svg>'
    ).encode()


def pixmap(name: str, colour: QColor, size: int, ratio: float = 1.0) -> QPixmap:
    """The icon `size` points wide, for a screen of `ratio` pixels a point."""
    picture = QPixmap(QSize(round(size * ratio), round(size * ratio)))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    QSvgRenderer(QByteArray(svg(name, colour))).render(painter, QRectF(picture.rect()))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


def icon(name: str, theme: Theme, colour: str = "text") -> QIcon:
    """The icon in a colour of `theme`, dimmed where its button is disabled, in the accent's text where it is on."""
    return _icon(name, theme, colour)


@lru_cache(maxsize=256)
def _icon(name: str, theme: Theme, colour: str) -> QIcon:
    made = QIcon()
    for size in _SIZES:
        made.addPixmap(pixmap(name, theme.colour(colour), size), QIcon.Mode.Normal)
        faint = pixmap(name, theme.colour("text_dim"), size)
        dimmed = QPixmap(faint.size())
        dimmed.fill(Qt.GlobalColor.transparent)
        painter = QPainter(dimmed)
        painter.setOpacity(0.5)
        painter.drawPixmap(0, 0, faint)
        painter.end()
        made.addPixmap(dimmed, QIcon.Mode.Disabled)
    return made
