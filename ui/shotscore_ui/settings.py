"""What the panel remembers between two starts: its layout, what was opened, and a few choices."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import platformdirs
from PySide6.QtCore import QByteArray, QSettings

MOST_RECENT = 8
Appearance = Literal["system", "dark", "light"]


class Settings:
    """A face of QSettings with names and types."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` holds the file and the drafts; None is the person's own place for such things."""
        self.folder = folder or Path(platformdirs.user_data_dir("shotscore"))
        self._store = QSettings(str(self.folder / "panel.ini"), QSettings.Format.IniFormat)

    # --- choices -----------------------------------------------------------------------------------------------

    @property
    def appearance(self) -> Appearance:
        """Colours."""
        found = str(self._store.value("appearance", "system"))
        return found if found in ("dark", "light") else "system"  # type: ignore[return-value]

    @appearance.setter
    def appearance(self, value: Appearance) -> None:
        self._store.setValue("appearance", value)

    @property
    def device(self) -> str:
        """auto, cuda, coreml or cpu."""
        return self._text("device", "auto")

    @device.setter
    def device(self, value: str) -> None:
        self._store.setValue("device", value)

    @property
    def model(self) -> str:
        """Path of another model; "" is the one that comes with Shotscore."""
        return self._text("model")

    @model.setter
    def model(self, value: str) -> None:
        self._store.setValue("model", value)

    @property
    def soundfont(self) -> str:
        """Path of the instruments; "" is the best one found."""
        return self._text("soundfont")

    @soundfont.setter
    def soundfont(self, value: str) -> None:
        self._store.setValue("soundfont", value)

    @property
    def loudness_lufs(self) -> float:
        """Of the mix."""
        try:
            return float(self._text("loudness_lufs", "-23"))
        except ValueError:
            return -23.0

    @loudness_lufs.setter
    def loudness_lufs(self, value: float) -> None:
        self._store.setValue("loudness_lufs", str(value))

    @property
    def play_when_done(self) -> bool:
        """Whether new music plays at once."""
        return self._text("play_when_done", "true") == "true"

    @play_when_done.setter
    def play_when_done(self, value: bool) -> None:
        self._store.setValue("play_when_done", "true" if value else "false")

    # --- places ------------------------------------------------------------------------------------------------

    @property
    def drafts(self) -> Path:
        """Where sessions live until their first music is delivered."""
        return self.folder / "drafts"

    @property
    def proxies(self) -> Path:
        """Where small films for the player are kept."""
        from shotscore_engine.cache import cache_folder

        return cache_folder() / "proxies"

    def draft_of(self, timeline: Path) -> Path:
        """The draft of a timeline's session."""
        mark = hashlib.sha256(str(timeline.absolute()).encode()).hexdigest()[:10]
        return self.drafts / f"{timeline.stem[:60]}-{mark}.shotscore"

    def folder_of(self, timeline: Path) -> Path:
        """Where the files of a timeline's music go: where they went before, or beside it."""
        chosen = self._text(f"folders/{_key(timeline)}")
        return Path(chosen) if chosen else timeline.absolute().parent / f"{timeline.stem} score"

    def set_folder_of(self, timeline: Path, folder: Path) -> None:
        """Remember another place."""
        self._store.setValue(f"folders/{_key(timeline)}", str(folder))

    @property
    def recent(self) -> list[Path]:
        """What was opened, the last first, as far as it is still there."""
        found = self._store.value("recent", [])
        names = [found] if isinstance(found, str) else list(found or [])  # type: ignore[call-overload]
        return [path for path in map(Path, names) if path.exists()]

    def opened(self, path: Path) -> None:
        """Remember that `path` was opened."""
        others = [str(other) for other in self.recent if other != path]
        self._store.setValue("recent", [str(path), *others][:MOST_RECENT])

    def timeline_mark(self, timeline: str) -> str:
        """What the timeline's file was like when it was read; "" where that is not known."""
        return self._text(f"marks/{_key(Path(timeline))}")

    def set_timeline_mark(self, timeline: str, mark: str) -> None:
        """Remember it."""
        self._store.setValue(f"marks/{_key(Path(timeline))}", mark)

    # --- the window --------------------------------------------------------------------------------------------

    def layout(self, name: str) -> QByteArray:
        """What `set_layout` kept; empty at first."""
        found = self._store.value(f"layout/{name}", QByteArray())
        return found if isinstance(found, QByteArray) else QByteArray()

    def set_layout(self, name: str, value: QByteArray) -> None:
        """Keep a window's geometry or state."""
        self._store.setValue(f"layout/{name}", value)

    def sync(self) -> None:
        """To the disk."""
        self._store.sync()

    def _text(self, name: str, otherwise: str = "") -> str:
        return str(self._store.value(name, otherwise) or otherwise)


def _key(path: Path) -> str:
    return hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:16]
