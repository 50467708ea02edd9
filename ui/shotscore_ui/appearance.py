"""How the whole panel looks: dark, light or as the system has it, and what a palette cannot say."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from . import theme
from .settings import Settings
from .theme import Theme


def apply_appearance(app: QApplication, settings: Settings) -> None:
    """Dark, light, or as the system has it."""
    wanted = settings.appearance
    if wanted == "system":
        scheme = app.styleHints().colorScheme()
        wanted = "light" if scheme == Qt.ColorScheme.Light else "dark"
    theme.apply(app, theme.THEMES[wanted])


def sheet(chosen: Theme) -> str:
    """What the palette cannot say: the main button, docks and thin lines."""
    return f"""
        QToolBar {{ background: {chosen.panel}; border: 0; border-bottom: 1px solid {chosen.line}; padding: 4px 6px; }}
        QToolBar::separator {{ background: {chosen.line}; width: 1px; margin: 6px 6px; }}
        QStatusBar {{ background: {chosen.panel}; border-top: 1px solid {chosen.line}; }}
        QStatusBar::item {{ border: 0; }}
        QDockWidget {{ font-weight: 600; }}
        QDockWidget::title {{ background: {chosen.panel}; padding: 5px 8px; border-top: 1px solid {chosen.line}; }}
        QMainWindow::separator {{ background: {chosen.line}; width: 3px; height: 3px; }}
        QMainWindow::separator:hover {{ background: {chosen.accent}; }}
        QSplitter::handle {{ background: {chosen.line}; }}
        QSplitter::handle:hover {{ background: {chosen.accent}; }}
        QToolButton[fold="true"] {{ border: 0; border-bottom: 1px solid {chosen.line}; padding: 4px 2px;
            text-align: left; }}
        QToolButton[fold="true"]:hover {{ background: {chosen.raised}; }}
        QToolButton[fold="true"]:focus {{ border-bottom: 2px solid {chosen.accent}; }}
        #action {{ background: {chosen.panel}; border-top: 1px solid {chosen.line}; }}
        QPushButton[main="true"] {{ background: {chosen.accent}; color: {chosen.on_accent}; 
            border: 1px solid {chosen.accent}; border-radius: 6px; padding: 6px 14px; font-weight: 600; }}
        QPushButton[main="true"]:disabled {{ background: {chosen.raised}; color: {chosen.text_dim};
            border-color: {chosen.line}; }}
        QPushButton[main="true"]:focus {{ border: 2px solid {chosen.text}; }}
        QPushButton[main="true"]:pressed {{ border-color: {chosen.text}; }}
        QProgressBar {{ background: {chosen.lane}; border: 1px solid {chosen.line}; border-radius: 4px; }}
        QProgressBar::chunk {{ background: {chosen.accent}; border-radius: 3px; }}
    """
