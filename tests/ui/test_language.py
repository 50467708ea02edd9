"""Every text of the panel can be translated: Qt's own tools find it, and what they make of it is what is shown."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import shotscore_ui
from PySide6.QtCore import QLocale, QTranslator
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from shotscore_ui import language
from shotscore_ui.firstrun import FirstPage
from shotscore_ui.inspector import Fold, Inspector
from shotscore_ui.musicwords import key_words
from shotscore_ui.strip.words import lane_title

MARK = "Þ"
SOURCES = Path(shotscore_ui.__file__).parent
SHIPPED = sorted(language.FOLDER.glob("*.ts"))
Text = tuple[str, str]
"""(context, English)"""


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


def texts_in(path: Path) -> dict[Text, ElementTree.Element]:
    """The messages of a .ts file."""
    tree = ElementTree.parse(path)
    return {
        (context.findtext("name") or "", message.findtext("source") or ""): message
        for context in tree.iter("context")
        for message in context.iter("message")
    }


def test_no_text_is_overlooked(marked: Path) -> None:
    """Qt's tool does not look into f-strings: what is translated there it never finds."""
    found = {english for _, english in texts_in(marked / "shotscore_is.ts")}
    asked = {
        call.args[0].value
        for path in SOURCES.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
        and (getattr(call.func, "id", "") == "tr" or getattr(call.func, "attr", "") == "tr")
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }
    assert asked - found == set()
    assert len(asked) > 300


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_language_is_whole(marked: Path, path: Path) -> None:
    texts = texts_in(path)
    assert set(texts) == set(texts_in(marked / "shotscore_is.ts"))
    compiled = QTranslator()
    assert compiled.load(str(path.with_suffix(".qm")))
    for (context, english), message in texts.items():
        there = message.find("translation")
        assert there is not None
        assert not there.attrib, english  # neither unfinished nor obsolete
        other = there.text or ""
        assert other.strip(), english
        # The same values in it, the same space around it, the same key of a menu.
        assert sorted(re.findall(r"\{\d*\}", other)) == sorted(re.findall(r"\{\d*\}", english)), english
        assert [other[0].isspace(), other[-1].isspace()] == [english[0].isspace(), english[-1].isspace()], english
        assert other.count("\n") == english.count("\n"), english
        # What is loaded is what was written.
        assert compiled.translate(context, english) == other, english


@pytest.fixture
def speak() -> Iterator[Callable[[str], None]]:
    """Lets the panel speak a language until the test is over."""
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    found: list[QTranslator] = []
    yield lambda name: found.extend(language.install(app, QLocale(name)))
    for translator in found:
        app.removeTranslator(translator)


def test_german_is_spoken_in_austria_too(speak: Callable[[str], None], qtbot: QtBot) -> None:
    speak("de_AT")
    page = FirstPage()
    qtbot.addWidget(page)
    assert page.open_button.text() == "Timeline oder Video öffnen …"
    assert lane_title("Bars") == "Takte"
    assert [key_words(key) for key in ("B minor", "Bb major", "F# minor", "late")] == [
        "H-Moll", "B-Dur", "Fis-Moll", "late",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["en_GB", *(path.stem.partition("_")[2] for path in SHIPPED)])
def test_no_language_is_too_wide_for_the_inspector(speak: Callable[[str], None], qtbot: QtBot, name: str) -> None:
    speak(name)
    inspector = Inspector()
    qtbot.addWidget(inspector)
    inspector.set_scope("1m01", (0, 0), 12, scored=True)
    for fold in inspector.findChildren(Fold):
        fold.head.setChecked(True)
    inspector.resize(inspector.minimumWidth(), 700)
    inspector.show()
    qtbot.waitExposed(inspector)
    assert inspector.verticalScrollBar().isVisible()
    assert inspector.widget().minimumSizeHint().width() <= inspector.viewport().width()
