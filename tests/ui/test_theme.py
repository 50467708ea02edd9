"""Colours that can be read, icons that can be seen."""

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot
from shotscore_ui import icons
from shotscore_ui.theme import DARK, LIGHT, THEMES, Theme, apply, contrast, theme_of

both = pytest.mark.parametrize("theme", THEMES.values(), ids=lambda theme: theme.name)


@both
@pytest.mark.parametrize("surface", ["window", "panel", "lane", "outside", "raised", "shot", "shot_other", "offline"])
def test_text_stands_out_from_every_surface(theme: Theme, surface: str) -> None:
    for ink in ("text", "text_dim"):
        assert contrast(theme.colour(ink), theme.colour(surface)) >= 4.5


@both
@pytest.mark.parametrize("surface", ["window", "panel", "lane"])
def test_words_in_colour_can_be_read(theme: Theme, surface: str) -> None:
    for ink in ("met", "near", "missed", "ignored", "open", "tempo", "lock", "warning", "accent", "energy"):
        assert contrast(theme.colour(ink), theme.colour(surface)) >= 4.5


@both
def test_marks_and_notes_can_be_seen(theme: Theme) -> None:
    for ink in ("melody", "counter", "harmony", "dialogue", "waveform", "playhead", "accent"):
        for surface in ("lane", "outside", "panel"):
            assert contrast(theme.colour(ink), theme.colour(surface)) >= 3
    assert contrast(theme.colour("on_accent"), theme.colour("accent")) >= 4.5


def test_contrast_is_what_the_standard_says() -> None:
    assert contrast(QColor("black"), QColor("white")) == pytest.approx(21)
    assert contrast(QColor("#777777"), QColor("white")) == pytest.approx(4.48, abs=0.01)
    assert contrast(QColor("red"), QColor("red")) == 1


def test_widgets_follow_the_palette_around_them(qtbot: QtBot) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.show()
    qtbot.waitExposed(widget)
    for theme in (LIGHT, DARK):
        apply(app, theme)
        assert theme_of(widget) is theme


@pytest.mark.parametrize("name", icons.NAMES)
def test_every_icon_is_drawn_sharp_at_every_density(name: str, qtbot: QtBot) -> None:  # noqa: ARG001 - needs Qt
    ink = []
    for ratio in (1.0, 2.0):
        picture = icons.pixmap(name, QColor("#ff0000"), 24, ratio)
        assert picture.width() == 24 * ratio
        image = picture.toImage().convertToFormat(QImage.Format.Format_RGBA8888)
        pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine() // 4, 4)
        seen = pixels[pixels[..., 3] > 200]
        assert len(seen)
        assert (seen[:, 0] > 200).all()
        assert (seen[:, 1] < 60).all()
        ink.append((pixels[..., 3] / 255).mean())
    assert ink[0] == pytest.approx(ink[1], rel=0.25)
    assert 0.01 < ink[0] < 0.6
