"""Every text of the panel can be translated: Qt's own tools find it, and what they make of it is what is shown."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import shotscore_ui
from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shotscore_ui import language
from shotscore_ui.firstrun import FirstPage
from shotscore_ui.strip.words import lane_title

MARK = "Þ"
SOURCES = Path(shotscore_ui.__file__).parent


def tool(name: str, *arguments: str) -> None:
    """One of PySide6's own programs."""
    program = Path(sys.executable).with_name(f"pyside6-{name}")
    subprocess.run([program, *arguments], check=True, capture_output=True, timeout=120)


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a language for Iceland: every text with a mark before it."""
    folder = tmp_path_factory.mktemp("translations")
    texts = folder / "shotscore_is.ts"
    tool("lupdate", *map(str, sorted(SOURCES.rglob("*.py"))), "-ts", str(texts))
    tree = ElementTree.parse(texts)
    for message in tree.iter("message"):
        translation = message.find("translation")
        assert translation is not None
        translation.text = f"{MARK}{message.findtext('source')}"
        translation.attrib.clear()
    tree.write(texts)
    tool("lrelease", str(texts), "-qm", str(folder / "shotscore_is.qm"))
    return folder


def test_the_panel_speaks_the_language_of_the_system(marked: Path, qtbot: QtBot) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    found = language.install(app, QLocale("is_IS"), marked)
    try:
        assert lane_title("Shots") == f"{MARK}Shots"
        page = FirstPage()
        qtbot.addWidget(page)
        assert page.open_button.text().startswith(MARK)
    finally:
        for translator in found:
            app.removeTranslator(translator)
    assert lane_title("Shots") == "Shots"


def test_every_text_is_found(marked: Path) -> None:
    """Contexts are classes, or none for what is translated by a function: what else stands there is never looked up."""
    tree = ElementTree.parse(marked / "shotscore_is.ts")
    contexts = {context.findtext("name") or "" for context in tree.iter("context")}
    classes = {
        name for path in SOURCES.rglob("*.py") for name in re.findall(r"^class (\w+)", path.read_text("utf-8"), re.M)
    }
    assert contexts - classes == {""}
    assert len(contexts) > 20
