"""The panel's language: English in the code, others from `translations/shotscore_xx.qm`.

Widgets translate with `self.tr`; what is no widget with `tr`. Both are found by Qt's own `pyside6-lupdate`; how a
language is added stands in CONTRIBUTING.md.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator

FOLDER = Path(__file__).parent / "translations"


def tr(text: str) -> str:
    """`text` in the language of the panel. `pyside6-lupdate` puts what is translated by a function under no name."""
    return QCoreApplication.translate("", text)


def install(app: QCoreApplication, locale: QLocale | None = None, folder: Path = FOLDER) -> list[QTranslator]:
    """Let `app` speak the language of `locale`, the system's where none is given; what was found for it."""
    wanted = locale or QLocale()
    found = []
    for name, place in (
        ("qtbase", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)),
        ("shotscore", str(folder)),
    ):
        translator = QTranslator(app)
        if translator.load(wanted, name, "_", place):
            app.installTranslator(translator)
            found.append(translator)
    return found
