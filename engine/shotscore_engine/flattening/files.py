"""The media files a timeline names: where they are, when they begin, how long they last. Each is asked once."""

import urllib.parse
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..errors import MediaError
from .paths import local_paths, readable


@dataclass(slots=True)
class MediaFiles:
    """What is known of a timeline's media."""

    folder: Path | None
    """Where relative paths start."""
    _paths: dict[str, tuple[Path | None, bool]] = field(default_factory=dict)
    _media_starts: dict[Path, tuple[Fraction, Fraction] | None] = field(default_factory=dict)

    def locate(self, reference: Any) -> tuple[Path | None, bool]:
        import opentimelineio as otio

        if isinstance(reference, otio.schema.ExternalReference):
            return self._file(reference.target_url or "")
        if isinstance(reference, otio.schema.ImageSequenceReference):
            return self._sequence(reference)
        return None, True

    def extent(self, path: Path) -> tuple[Fraction, Fraction] | None:
        """(start timecode in seconds, duration in seconds) of a readable file; None where it cannot be opened."""
        if path not in self._media_starts:
            from ..media import probe

            try:
                info = probe(path)
                self._media_starts[path] = (info.start_seconds, info.duration)
            except MediaError:
                self._media_starts[path] = None
        return self._media_starts[path]

    def _file(self, url: str) -> tuple[Path | None, bool]:
        if url not in self._paths:
            candidates = local_paths(url, self.folder)
            found = next((path for path in candidates if readable(path)), None)
            self._paths[url] = (found, False) if found else (candidates[0] if candidates else None, True)
        return self._paths[url]

    def _sequence(self, reference: Any) -> tuple[Path | None, bool]:
        base = reference.target_url_base or ""
        if base and not base.endswith(("/", "\\")):
            base += "/"
        padding = min(max(int(reference.frame_zero_padding), 0), 32)
        number = f"{reference.start_frame:0{padding}}" if padding else str(reference.start_frame)
        suffix = reference.name_suffix or ""
        if any(mark in (reference.name_prefix or "") + suffix for mark in "/\\\0"):
            return None, True  # a name is a name; a path in it would lead out of its folder
        first, offline = self._file(f"{base}{urllib.parse.quote(reference.name_prefix or '')}{number}{suffix}")
        if first is None:
            return None, True
        pattern = f"%0{padding}d" if padding else "%d"
        prefix = (reference.name_prefix or "").replace("%", "%%")
        return first.with_name(f"{prefix}{pattern}{suffix.replace('%', '%%')}"), offline
