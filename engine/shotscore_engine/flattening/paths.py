"""Which local files a timeline's addresses mean."""

import re
import urllib.parse
from pathlib import Path, PureWindowsPath


def local_paths(url: str, folder: Path | None) -> tuple[Path, ...]:
    """The local files a media reference can mean, likeliest first; none for addresses on a network.

    Takes file URLs (percent-encoded, with `localhost` or a server's name), plain paths, relative ones (from `folder`)
    and Windows drives ("C:/…", "file:///C:/…"). Always absolute, so that a decoder never sees a protocol in them.
    """
    if not url or "\0" in url:
        return ()
    base = (folder or Path()).absolute()
    if re.match(r"[A-Za-z]:[\\/]", url):
        return (_windows(url),)
    if url.startswith("\\\\"):
        return (Path(url.replace("\\", "/")),)
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):", url)
    if scheme and scheme[1].lower() != "file" and not (base / url).exists():
        return ()
    if scheme and scheme[1].lower() == "file":
        try:
            parsed = urllib.parse.urlsplit(url)
        except ValueError:
            return ()
        # A `#` or `?` in a name that a careless writer did not encode belongs to the name.
        tail = (f"?{parsed.query}" if parsed.query else "") + (f"#{parsed.fragment}" if parsed.fragment else "")
        text = urllib.parse.unquote(parsed.path + tail)
        if "\0" in text:
            return ()
        if re.match(r"/?[A-Za-z]:[\\/]", text):
            return (_windows(text.lstrip("/")),)
        if parsed.netloc and re.fullmatch(r"[A-Za-z]:", urllib.parse.unquote(parsed.netloc)):
            return (_windows(urllib.parse.unquote(parsed.netloc) + text),)
        if parsed.netloc and parsed.netloc.lower() != "localhost":
            return (Path(f"//{parsed.netloc}{text}"),)
        raw = parsed.path + tail
        return _unique(base / text, base / raw)
    plain = url.replace("\\", "/") if "\\" in url and "/" not in url else url
    decoded = urllib.parse.unquote(plain)
    return _unique(base / plain, base / decoded) if "\0" not in decoded else (base / plain,)


def readable(path: Path) -> bool:
    """Whether there is something to read."""
    try:
        return path.is_file() and path.stat().st_size > 0
    except (OSError, ValueError):
        return False


def _windows(text: str) -> Path:
    return Path(PureWindowsPath(text).as_posix())


def _unique(*paths: Path) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(paths))
