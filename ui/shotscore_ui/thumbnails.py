"""Thumbnails of shots, decoded in the background and kept, within bounds, in memory and on disk.

A widget asks `ThumbnailStore.image(...)` for whatever it paints and gets what is there, or None; `ready` tells it to
paint again. What was asked for last is decoded first, and what scrolled out of sight before its turn came is never
decoded. A picture is any frame of the shot near the moment asked for: a key frame inside the shot if there is
one, which is quick, else the very frame.
"""

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import platformdirs
from PySide6.QtCore import QByteArray, QObject, Signal
from PySide6.QtGui import QImage, QImageWriter
from shotscore_engine.errors import InputError
from shotscore_engine.media import frames_between, open_media, picture_stream, probe
from shotscore_engine.timing import quantise

HEIGHT = 96
"""Pixels; enough for a lane of 48 points on a screen of double density."""
MEMORY_BYTES = 96 * 2**20
DISK_BYTES = 256 * 2**20
MOST_WAITING = 256
"""Wishes beyond this are forgotten, the oldest first; the widget asks again when it paints."""
_PER_SECOND = 4
"""Moments are told apart to this fraction of a second: what lies between would look the same."""
_SUFFIX = ".jpg"
_LONGEST_WAIT_S = 2.0


@dataclass(frozen=True)
class Moment:
    """A picture that can be asked for."""

    media: Path
    quarter: int
    """Moment in the media, in quarters of a second."""
    low: Fraction
    """Any frame from here …"""
    high: Fraction
    """… up to here, in seconds of the media, does as well."""

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        """Worked out once: every repaint looks for hundreds of them."""
        return hash((self.media, self.quarter, self.low, self.high))

    @property
    def seconds(self) -> Fraction:
        """Where in the media."""
        return min(max(Fraction(self.quarter, _PER_SECOND), self.low), self.high)


def moment_of(media: Path, seconds: Fraction, low: Fraction, high: Fraction) -> Moment:
    """The moment near `seconds` that stands for it, inside [low, high]."""
    return Moment(media, quantise(seconds * _PER_SECOND), min(low, high), max(low, high))


class ThumbnailStore(QObject):
    """Thumbnails by moment. `close` it when its window goes."""

    ready = Signal()
    """There are pictures that were asked for in vain before."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        workers: int = 2,
        memory_bytes: int = MEMORY_BYTES,
        disk_bytes: int = DISK_BYTES,
        parent: QObject | None = None,
    ) -> None:
        """`folder` is where they are kept; None is the user's cache folder."""
        super().__init__(parent)
        self.folder = folder or Path(platformdirs.user_cache_dir("shotscore", appauthor=False)) / "thumbnails"
        self._memory_bytes, self._disk_bytes = memory_bytes, disk_bytes
        self._images: OrderedDict[Moment, QImage | None] = OrderedDict()
        self._held = 0
        self._waiting: OrderedDict[Moment, None] = OrderedDict()
        self._working: set[Moment] = set()
        self._wake = threading.Condition()
        self._closed = False
        self._told = False
        self._written: int | None = None
        self._workers = [threading.Thread(target=self._work, name="thumbnails", daemon=True) for _ in range(workers)]
        for worker in self._workers:
            worker.start()

    def image(self, moment: Moment) -> QImage | None:
        """The picture, or None where it is not there yet or the media shows none. Never waits."""
        with self._wake:
            if moment in self._images:
                self._images.move_to_end(moment)
                return self._images[moment]
            if not self._closed and moment not in self._working:
                self._waiting[moment] = None
                self._waiting.move_to_end(moment)
                while len(self._waiting) > MOST_WAITING:
                    self._waiting.popitem(last=False)
                self._wake.notify()
            self._told = False
        return None

    def forget_waiting(self) -> None:
        """What was asked for and not begun is no longer wanted: another stretch of the film is shown."""
        with self._wake:
            self._waiting.clear()

    @property
    def idle(self) -> bool:
        """Whether nothing is waiting or being decoded."""
        with self._wake:
            return not self._waiting and not self._working

    @property
    def memory_used(self) -> int:
        """Bytes of pictures in memory."""
        return self._held

    def close(self) -> None:
        """Ends the threads. What they are at is finished first, unless it takes seconds: then it is left behind."""
        with self._wake:
            self._closed = True
            self._waiting.clear()
            self._wake.notify_all()
        for worker in self._workers:
            worker.join(_LONGEST_WAIT_S)

    # --- in the background ------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                moment, _ = self._waiting.popitem(last=True)
                self._working.add(moment)
            picture = self._from_disk_or_media(moment)
            with self._wake:
                self._working.discard(moment)
                self._keep(moment, picture)
                tell = not self._told and not self._closed
                self._told = True
            if tell:
                self.ready.emit()

    def _keep(self, moment: Moment, picture: QImage | None) -> None:
        self._images[moment] = picture
        self._held += picture.sizeInBytes() if picture else 0
        while self._held > self._memory_bytes and len(self._images) > 1:
            _, old = self._images.popitem(last=False)
            self._held -= old.sizeInBytes() if old else 0

    def _from_disk_or_media(self, moment: Moment) -> QImage | None:
        path = self._path(moment)
        if path is not None and path.is_file():
            stored = QImage(str(path))
            if not stored.isNull():
                _touch(path)
                return stored
        try:
            picture = grab(moment)
        except (InputError, OSError, ValueError):
            return None  # a shot without a picture is drawn as such; the strip shows what is offline
        if path is not None:
            self._store(path, picture)
        return picture

    def _path(self, moment: Moment) -> Path | None:
        try:
            stat = moment.media.stat()
            stamp = f"{stat.st_mtime_ns}/{stat.st_size}"
        except OSError:
            stamp = "sequence"
        text = f"{moment.media}/{stamp}/{moment.seconds}/{HEIGHT}"
        return self.folder / f"{hashlib.sha256(text.encode()).hexdigest()[:40]}{_SUFFIX}"

    def _store(self, path: Path, picture: QImage) -> None:
        """Beside the others, whole or not at all; a cache that cannot be written is no cache, and no error."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f"{path.stem}.{os.getpid()}-{threading.get_ident()}.part")
            writer = QImageWriter(str(beside), QByteArray(b"jpg"))
            writer.setQuality(82)
            if not writer.write(picture):
                return
            size = beside.stat().st_size
            beside.replace(path)
        except OSError:
            return
        with self._wake:
            if self._written is None:
                self._written = sum(size for _, size, _ in _stored(self.folder))
            else:
                self._written += size
            full = self._written > self._disk_bytes
        if full:
            self._prune()

    def _prune(self) -> None:
        """The least recently used go until a tenth of the room is free."""
        found = sorted(_stored(self.folder))
        total = sum(size for _, size, _ in found)
        for _, size, path in found:
            if total <= self._disk_bytes * 0.9:
                break
            path.unlink(missing_ok=True)
            total -= size
        with self._wake:
            self._written = total


def _stored(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """(last used, bytes, path) of what is kept."""
    for path in folder.glob(f"*{_SUFFIX}"):
        try:
            stat = path.stat()
        except OSError:
            continue
        yield stat.st_mtime, stat.st_size, path


def _touch(path: Path) -> None:
    try:
        os.utime(path)
    except OSError:
        return


def grab(moment: Moment) -> QImage:
    """The picture of a moment, decoded now. Raises MediaError where the file shows none."""
    import av

    info = probe(moment.media)
    ratio = info.width / info.height if info.width and info.height else 16 / 9
    size = (max(8, min(4 * HEIGHT, round(HEIGHT * ratio))), HEIGHT)
    with open_media(moment.media) as container:
        stream = picture_stream(container)
        if stream is not None and stream.time_base and moment.media.is_file():
            stream.codec_context.skip_frame = "NONKEY"
            try:
                container.seek(int((moment.seconds + info.first_pts) / stream.time_base), stream=stream)
                key = next(container.decode(stream), None)
                if key is not None and key.pts is not None:
                    at = key.pts * stream.time_base - info.first_pts
                    if moment.low <= at <= moment.high:
                        return _image(key.reformat(*size, format="rgb24").to_ndarray())
            except (av.FFmpegError, ValueError):
                pass  # no index, or damaged there: the slow way decides
    last = None
    end = moment.seconds + Fraction(1, 2)
    for _, pixels in frames_between(moment.media, moment.seconds, end, size, "rgb24"):
        last = pixels
        break
    if last is None:
        raise ValueError(f"{moment.media} shows nothing at {float(moment.seconds):.2f} s")
    return _image(last)


def _image(pixels: object) -> QImage:
    import numpy as np

    array = np.ascontiguousarray(pixels, np.uint8)
    height, width = array.shape[:2]
    return QImage(array.data, width, height, 3 * width, QImage.Format.Format_RGB888).convertToFormat(
        QImage.Format.Format_RGB32
    )
