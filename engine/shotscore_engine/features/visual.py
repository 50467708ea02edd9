"""Look at the picture: what each shot shows, in the time in which it is shown.

Only the used moments of each file are decoded, and looked at as finely as music needs: one look every sixth of a
second of media (`LOOKS_PER_SECOND`), shrunk to 160 x 90 by FFmpeg's own scaler. A look is the frame shown at its
moment, whoever decodes it: the search for cuts, which sees every frame anyway and hands them to a `Looker` (one
decoding of the film for everything), or `watch` itself for what that left out. Codecs of whole pictures (ProRes,
DNxHR, MJPEG) decode nothing but the frames looked at. Where cuts were searched, light and change are also known
frame by frame (`frame_curves`).

Looks lie on a fixed grid of the file's own time and are kept by file (path, size, time of change), in memory and in
the user's cache folder, so a recut film is hardly decoded again. Shots read them at the media time they really show:
twice the speed shows twice the change, a freeze frame none, a reversed shot the same change in reverse.

Scales (all fixed, so two films can be compared; `describe` alone rescales motion over a cue):

    luma, contrast   mean and standard deviation of Rec. 601 luma, 0 to 1
    saturation       mean HSV saturation, 0 to 1; pixels darker than 0.06 count as grey
    warmth           (red - blue) / (red + blue + 0.1) of the mean colour, -1 to 1
    motion           1 - exp(-(c - 0.01) / 0.25), c = mean |change of luma, its mean taken out| between two looks, over
                     their contrast + 0.1, as it would be after a sixth of a second (change grows with the root of time)
    flash            rise of mean luma between two looks beyond 0.04, where 0.3 more is 1
"""

import zipfile
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..atomic import replacing
from ..cache import Fingerprint, cache_file, fingerprint, trim
from ..errors import MediaError, OutputError
from ..media import SEEK_BEYOND, Shrinker, open_media, picture_stream
from ..picture import MediaSpan, Picture, Shot
from ..progress import Progress, silent
from ..timing import seconds_at
from .images import SIDE, label_pictures

LOOKS_PER_SECOND = 6
WIDTH, HEIGHT = 160, 90
STILL_AFTER = 0.5
"""Seconds a frame stands before it counts as still rather than as a gap between decoded frames."""
STILL_BELOW = 0.01
"""Change that codecs and grain make in a picture that stands still."""
KEPT_PICTURES = 8
"""Pictures kept of a shot that still runs, until its length says which are labelled."""
FILES_IN_MEMORY = 64
CACHE_VERSION = 2

FloatArray = NDArray[np.float32]

_COLUMNS = ("luma", "contrast", "saturation", "warmth", "change", "rise")
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class ShotLook:
    """What was seen of one shot inside the range looked at; n looks in the order of the timeline, at least one."""

    seconds: NDArray[np.float64]
    """(n,): seconds from the timeline's start."""
    luma: FloatArray
    contrast: FloatArray
    saturation: FloatArray
    warmth: FloatArray
    motion: FloatArray
    """(n,) in [0, 1]; NaN where a look has no neighbour to compare with."""
    flash: FloatArray
    """(n,) in [0, 1]."""
    labels: FloatArray | None
    """(1000,): mean probability of the image labels, None where no picture of the shot was labelled."""


@dataclass(frozen=True)
class FrameCurves:
    """Light and change frame by frame; n frames of the timeline, one after the other."""

    frames: NDArray[np.int64]
    """(n,): timeline frames."""
    luma: FloatArray
    """(n,) in [0, 1]: mean luma."""
    change: FloatArray
    """(n,) in [0, 1]: mean change of luma from the frame before; NaN on the first."""


@dataclass
class _Sheet:
    """All looks at one file: grid index -> row of `_COLUMNS`, and grid index -> (1000,) label probabilities."""

    rows: dict[int, FloatArray] = field(default_factory=dict)
    labels: dict[int, NDArray[np.float16]] = field(default_factory=dict)
    times: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0, np.float64))
    """(frames,): media seconds of the frames seen one by one, ascending."""
    light: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    """(frames,) in [0, 1]."""
    change: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    """(frames,) in [0, 1]; NaN where the frame before was not seen."""

    def copy(self) -> "_Sheet":
        """Another sheet of the same looks."""
        return _Sheet(dict(self.rows), dict(self.labels), self.times, self.light, self.change)

    def add_frames(self, stretches: Sequence[tuple[Sequence[float], Sequence[float], Sequence[float]]]) -> None:
        """(times, light, change) of frames one after the other; what was known of those stretches is replaced."""
        stays = np.ones(len(self.times), bool)
        for times, _, _ in stretches:
            if len(times):
                low, high = np.searchsorted(self.times, [times[0] - 1e-6, times[-1] + 1e-6])
                stays[low:high] = False
        old = (self.times[stays], self.light[stays], self.change[stays])
        new = [np.concatenate([known, *map(np.asarray, found)]) for known, *found in zip(old, *stretches, strict=True)]
        order = np.argsort(new[0], kind="stable")
        self.times, self.light, self.change = (
            column[order].astype(kind) for column, kind in zip(new, (np.float64, np.float32, np.float32), strict=True)
        )


_sheets: OrderedDict[Fingerprint, _Sheet] = OrderedDict()


def forget() -> None:
    """Empty the memory of looks; files in the cache folder stay."""
    _sheets.clear()


def watch(
    picture: Picture, start_frame: int, end_frame: int, progress: Progress = silent
) -> tuple[tuple[ShotLook | None, ...], tuple[str, ...]]:
    """Look at every shot inside [start_frame, end_frame).

    Returns one entry per shot of the picture, None where nothing of it was seen (outside the range, generators, media
    offline or damaged), and a warning for each file that could not be looked at. `progress` may raise Cancelled.
    """
    spans = [_shown(shot, picture.rate, start_frame, end_frame) for shot in picture.shots]
    wanted: dict[Path, set[int]] = {}
    for shot, span in zip(picture.shots, spans, strict=True):
        if span is not None and shot.media is not None and shot.media.path is not None:
            wanted.setdefault(shot.media.path, set()).update(_needed(span))
    pictures: dict[Path, set[int]] = {}
    for shot, span in zip(picture.shots, spans, strict=True):
        if span is not None and shot.media is not None and shot.media.path is not None:
            pictures.setdefault(shot.media.path, set()).update(span.pictures)
    total = sum(len(indices) for indices in wanted.values()) or 1
    done = 0
    sheets: dict[Path, _Sheet] = {}
    warnings = []
    for path, indices in wanted.items():
        before = done

        def report(count: int, before: int = before) -> None:
            progress("analyse", min(1.0, (before + count) / total))

        report(0)
        try:
            sheets[path] = _sheet(path, indices, pictures.get(path, set()), report)
        except MediaError as problem:
            clips = ", ".join(sorted({s.name for s in picture.shots if s.media and s.media.path == path}))
            warnings.append(f"{problem} It is scored without being seen (clips: {clips}).")
        done += len(indices)
    looks = tuple(
        _look(shot, span, sheets[shot.media.path], picture.rate)
        if span is not None and shot.media is not None and shot.media.path in sheets
        else None
        for shot, span in zip(picture.shots, spans, strict=True)
    )
    progress("analyse", 1.0)
    return looks, tuple(warnings)


# --- Which moments of which file -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Span:
    """The looks of a shot: grid indices in the file's own order."""

    indices: tuple[int, ...]
    step: int
    """Grid steps between neighbours; more than 1 only above four times the speed."""
    pictures: tuple[int, ...]
    """The looks that are labelled; see `chosen_pictures`."""


def _shown(shot: Shot, rate: Fraction, start_frame: int, end_frame: int) -> _Span | None:
    """The looks of what is shown of `shot` inside the range, or None where nothing can be seen."""
    first, last = max(shot.start_frame, start_frame), min(shot.end_frame, end_frame)
    media = shot.media
    if first >= last or media is None or media.path is None or media.offline:
        return None
    low, high = _extent(shot, media, first, last, rate)
    step = max(1, int(abs(media.speed)) // 4)
    whole = _grid(low, high) or range(at := int((low + high) / 2 * LOOKS_PER_SECOND // 1), at + 1)
    return _Span(tuple(whole[::step]), step, chosen_pictures(whole))


def _grid(low: Fraction, high: Fraction) -> range:
    """The looks from one moment of a file up to another; look k stands at (k + 1/2) / LOOKS_PER_SECOND."""
    begin = -((Fraction(1, 2) - low * LOOKS_PER_SECOND) // 1)
    end = -((Fraction(1, 2) - high * LOOKS_PER_SECOND) // 1)
    return range(int(begin), int(end))


def _extent(shot: Shot, media: MediaSpan, first: int, last: int, rate: Fraction) -> tuple[Fraction, Fraction]:
    """The media seconds (low, high) a shot shows in the timeline frames [first, last)."""
    entry, leave = (media.start + media.speed * seconds_at(frame - shot.start_frame, rate) for frame in (first, last))
    # Backwards, a frame shows what follows its moment: the frame before the last one's moment is never seen.
    low = min(entry, leave) + (-media.speed / rate if media.speed < 0 else 0)
    return max(Fraction(0), low), max(Fraction(0), entry, leave)


def _needed(span: _Span) -> Iterator[int]:
    yield from span.indices
    if span.step > 1:  # change is measured between neighbours of the grid
        yield from (index - 1 for index in span.indices if index > 0)


def _grids() -> tuple[tuple[int, int], ...]:
    """(stride, offset) of ever coarser grids, each inside the one before; none keeps the first frames of a file."""
    grids, stride, offset = [(1, 0)], 3, 1
    while stride < 2**40:
        grids.append((stride, offset))
        offset += stride if offset < stride / 2 else 0
        stride *= 2
    return tuple(grids)


_LEVELS = _grids()


def _thinned(looks: Sequence[int], most: int) -> tuple[int, ...]:
    """At most `most` of `looks` (ascending), at least one where there is one: those on the finest grid that fits."""
    kept = tuple(looks)
    for stride, offset in _LEVELS[1:]:
        if len(kept) <= most:
            break
        kept = tuple(index for index in kept if index % stride == offset) or kept[:1]
    return kept


def chosen_pictures(looks: Sequence[int]) -> tuple[int, ...]:
    """Which looks of a shot are labelled: one to three by its length, none near its edges, on grids of the file's time.

    On grids, so that one who watches the shot run needs to keep few pictures until its end is known (`Looker`), and a
    recut film finds most of its labels again.
    """
    count = len(looks)
    most = 1 + (count >= LOOKS_PER_SECOND) + (count >= 8 * LOOKS_PER_SECOND)
    return _thinned(looks[count // 8 : count - count // 8], most)


# --- From a file's looks to a shot's ---------------------------------------------------------------------------------


def _look(shot: Shot, span: _Span, sheet: _Sheet, rate: Fraction) -> ShotLook:
    media = shot.media
    assert media is not None
    rows = np.stack([sheet.rows[index] for index in span.indices])
    speed = float(media.speed)
    change, rise = rows[:, 4].copy(), rows[:, 5].copy()
    start = float(seconds_at(shot.start_frame, rate))
    if speed == 0:
        seconds = np.array([start + float(seconds_at(shot.duration_frames, rate)) / 2])
        change[:], rise[:] = 0, 0
    else:
        moments = (np.array(span.indices) + 0.5) / LOOKS_PER_SECOND
        seconds = start + (moments - float(media.start)) / speed
        change[0], rise[0] = np.nan, 0  # compared with a moment that is not shown
        if span.step > 1:
            change[0] = rows[0, 4] if len(rows) == 1 else change[0]
        change *= abs(speed) ** 0.5
    motion = 1 - np.exp(-np.maximum(change - STILL_BELOW, 0) / 0.25)
    flash = np.clip(((rise if speed > 0 else -rise) - 0.04) / 0.3, 0, 1)
    order = np.argsort(seconds, kind="stable")
    seen = [sheet.labels[index] for index in span.pictures if index in sheet.labels]
    labels = np.mean(np.stack(seen).astype(np.float32), axis=0) if seen else None
    luma, contrast, saturation, warmth = rows[order, :4].T
    return ShotLook(
        seconds[order],
        luma,
        contrast,
        saturation,
        warmth,
        motion[order].astype(np.float32),
        flash[order].astype(np.float32),
        labels,
    )


# --- Decoding --------------------------------------------------------------------------------------------------------


def _sheet(path: Path, indices: set[int], pictures: set[int], report: Callable[[int], None]) -> _Sheet:
    """Every wanted look at `path`, from memory, the cache folder or the file."""
    key = fingerprint(path)
    sheet = _known(key)
    missing = {index for index in indices if index not in sheet.rows}
    missing |= {index for index in pictures if index not in sheet.labels}
    if missing:
        # A look compares with the one before it, so the known neighbours of a missing one are decoded again.
        known = indices | set(sheet.rows)
        again = missing | ({index + 1 for index in missing} & known) | ({index - 1 for index in missing} & known)
        sheet = sheet.copy()
        _decode(path, sorted(again), pictures - set(sheet.labels), sheet, report)
        _store(key, sheet)
    _remember(key, sheet)
    return sheet


def _known(key: Fingerprint) -> _Sheet:
    """What is known of a file, from memory or the cache folder."""
    return _sheets.get(key) or _load(key)


def _remember(key: Fingerprint, sheet: _Sheet) -> None:
    _sheets[key] = sheet
    _sheets.move_to_end(key)
    while len(_sheets) > FILES_IN_MEMORY:
        _sheets.popitem(last=False)


def thumbnails() -> Shrinker:
    """Frames to (90, 160, 3) uint8 RGB, what a look measures."""
    return Shrinker((WIDTH, HEIGHT), "rgb24", "AREA")


def squares() -> Shrinker:
    """Frames to (224, 224, 3) uint8 RGB: the whole frame, squeezed; what stands at the sides counts too."""
    return Shrinker((SIDE, SIDE), "rgb24", "AREA")


def measure(rgb: NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
    """(luma, contrast, saturation, warmth) of a picture, (4,), and its luma plane, (h, w), both float32, 0 to 1."""
    # Plane by plane: NumPy is slow along an axis of three.
    red, green, blue = (rgb[..., channel].astype(np.float32) / 255 for channel in range(3))
    luma = np.asarray(_LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue, np.float32)
    strongest, weakest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    saturation = np.where(strongest > 0.06, (strongest - weakest) / np.maximum(strongest, 1e-6), 0).mean()
    warm, cold = red.mean(), blue.mean()
    values = (luma.mean(), luma.std(), saturation, (warm - cold) / (warm + cold + 0.1))
    return np.array(values, np.float32), luma


def _decode(
    path: Path, indices: Sequence[int], pictures: set[int], sheet: _Sheet, report: Callable[[int], None]
) -> None:
    """Add the looks at `indices` (ascending) to `sheet`, and labels for those among `pictures`."""
    thumbnail, square = thumbnails(), squares()
    before: _Before | None = None
    to_label: list[tuple[int, NDArray[np.uint8]]] = []
    for count, (index, frame, time, ended) in enumerate(_frames_at(path, indices)):
        before = _add_look(sheet, before, index, time, partial(thumbnail, frame), ended)
        if index in pictures:
            to_label.append((index, square(frame)))
            if len(to_label) == 16:
                _label(to_label, sheet)
        if count % LOOKS_PER_SECOND == 0:
            report(count)
    _label(to_label, sheet)


_Before = tuple[int, float, FloatArray, FloatArray]
"""Index, frame's time, values and luma of the last look."""


def _add_look(
    sheet: _Sheet,
    before: _Before | None,
    index: int,
    time: float,
    thumbnail: Callable[[], NDArray[np.uint8]],
    ended: bool,
) -> _Before:
    """Add one look to `sheet`; the answer is what the next one compares with."""
    values, luma = (before[2], before[3]) if before is not None and before[1] == time else measure(thumbnail())
    compared = _compare(before, index, time, values, luma, ended)
    if np.isnan(compared[0]) and index in sheet.rows:
        compared = sheet.rows[index][4:]
    sheet.rows[index] = np.concatenate([values, compared])
    return index, time, values, luma


def _label(pending: list[tuple[int, NDArray[np.uint8]]], sheet: _Sheet) -> None:
    """Label the pictures in `pending` into `sheet`, and empty it."""
    if pending:
        found = label_pictures(np.stack([picture for _, picture in pending])).astype(np.float16)
        sheet.labels.update(zip((index for index, _ in pending), found, strict=True))
        pending.clear()


def _compare(
    before: _Before | None,
    index: int,
    time: float,
    values: FloatArray,
    luma: FloatArray,
    ended: bool,
) -> FloatArray:
    """(change, rise) from the look one step earlier, (2,); change is NaN where that look is missing."""
    if before is None or before[0] != index - 1:
        return np.array([np.nan, 0], np.float32)
    if before[1] == time:  # the same frame: a still one, or a gap between the frames that were decoded
        stands = ended or (index + 0.5) / LOOKS_PER_SECOND - time > STILL_AFTER
        return np.array([0 if stands else np.nan, 0], np.float32)
    difference = luma - before[3]
    rise = difference.mean()
    size = float(np.abs(difference - rise).mean()) / ((float(values[1]) + float(before[2][1])) / 2 + 0.1)
    lapse = max((time - before[1]) * LOOKS_PER_SECOND, 0.25)
    return np.array([size / lapse**0.5, rise], np.float32)


def _runs(indices: Sequence[int]) -> Iterator[list[int]]:
    """`indices` split wherever jumping pays."""
    run: list[int] = []
    for index in indices:
        if run and index - run[-1] > SEEK_BEYOND * LOOKS_PER_SECOND:
            yield run
            run = []
        run.append(index)
    if run:
        yield run


def _frames_at(path: Path, indices: Sequence[int]) -> Iterator[tuple[int, Any, float, bool]]:
    """(index, frame, its time, has the file ended) for each look: the last decoded frame at or before it.

    Raises MediaError where the file cannot be opened or gives no frame.
    """
    import av

    with open_media(path) as container:
        stream = picture_stream(container)
        if stream is None:
            raise MediaError(f"The media file {path} holds no picture.")
        context = stream.codec_context
        context.thread_type = "AUTO"
        zero = stream.start_time or 0
        base = stream.time_base
        last: tuple[Any, float] | None = None
        for run in _runs(indices):
            moments = [(index + 0.5) / LOOKS_PER_SECOND for index in run]
            if moments[0] > 1:
                with suppress(av.FFmpegError):  # what cannot seek is decoded from where it stands
                    container.seek(zero + int(moments[0] / base), stream=stream)
            at = 0
            try:
                for frame in _decoded(container, stream, moments, zero, base):
                    time = float((frame.pts - zero) * base)
                    while at < len(run) and moments[at] < time:
                        shown = last if last is not None and last[1] <= moments[at] else (frame, time)
                        yield run[at], *shown, False
                        at += 1
                    last = (frame, time)
                    if at == len(run):
                        break
            except av.FFmpegError as problem:
                if last is None:
                    raise MediaError(f"The media file {path} cannot be decoded ({problem.strerror}).") from problem
                # A damaged or truncated file: what follows looks like its last good frame.
            if last is None:
                raise MediaError(f"The media file {path} holds no frame that can be decoded.")
            for index in run[at:]:
                yield index, *last, True


def _decoded(container: Any, stream: Any, moments: Sequence[float], zero: int, base: Fraction) -> Iterator[Any]:
    """The frames that may be looked at, from where the container stands."""
    if not stream.codec_context.codec.intra_only:
        for frame in container.decode(stream):
            if frame.pts is not None:
                yield frame
        return
    at, waiting = 0, None
    for packet in container.demux(stream):
        time = None if packet.pts is None else float((packet.pts - zero) * base)
        if time is None or at == len(moments):
            break
        if waiting is not None and time > moments[at]:
            yield from (frame for frame in waiting.decode() if frame.pts is not None)
            while at < len(moments) and moments[at] < time:
                at += 1
        waiting = packet
    if waiting is not None:
        yield from (frame for frame in waiting.decode() if frame.pts is not None)
    yield from (frame for frame in stream.codec_context.decode(None) if frame.pts is not None)


# --- Looking while somebody else decodes -----------------------------------------------------------------------------


@dataclass(eq=False)
class _Part:
    """A shot that runs, or what a cut has left of it, and the pictures kept of it so far."""

    shot: Shot
    """The whole shot, as the edit has it."""
    low: Fraction
    high: Fraction
    """Media seconds shown, `high` excluded."""
    pictures: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    level: int = 0
    """How often the pictures were thinned: 0 keeps every look's."""

    @property
    def looks(self) -> range:
        return _grid(self.low, self.high)

    def wants(self, index: int) -> bool:
        """Whether the picture of this look may still be labelled."""
        return index in self.looks and (not self.level or index % _LEVELS[self.level][0] == _LEVELS[self.level][1])

    def keep(self, index: int, picture: NDArray[np.uint8]) -> None:
        """Keep a picture, and thin what is kept where it grows too much."""
        self.pictures[index] = picture
        while len(self.pictures) > KEPT_PICTURES:
            self.level += 1
            self.pictures = {i: kept for i, kept in self.pictures.items() if self.wants(i)}


class Looker:
    """Looks at a file while the search for cuts decodes it, stretch after stretch.

        begin -> (frame, cut ..., settled) for every frame -> end;  begin -> ...;  close

    A look's picture waits until no cut can come before it any more; then it is kept with its shot, a few a shot, until
    the shot's end says which are labelled. `close` adds everything to what is known of the file.
    """

    def __init__(self, path: Path, picture: Picture, part_at: Callable[[Shot, Fraction], Fraction | None]) -> None:
        """part_at : (shot, cut) -> the media second at which the cut parts the shot on the timeline, None where it
        does not; both in media seconds
        """
        shown = [
            (shot, *_extent(shot, shot.media, shot.start_frame, shot.end_frame, picture.rate))
            for shot in picture.shots
            if shot.media is not None and shot.media.path == path and shot.media.speed != 0 and not shot.media.offline
        ]
        self._shown = sorted(shown, key=lambda one: one[1])
        self._rate = picture.rate
        self._key = fingerprint(path)
        self._sheet = _known(self._key).copy()
        self._part_at = part_at
        self._thumbnail, self._square = thumbnails(), squares()
        self._to_label: list[tuple[int, NDArray[np.uint8]]] = []
        self._seen: list[tuple[array[float], array[float], array[float]]] = []

    def begin(self, start: Fraction, end: Fraction, lag: int) -> None:
        """A stretch of the file from media second `start` to `end`.

        lag : frames by which the search is behind; where it is only a few, FFmpeg's own frames wait
        """
        self._grid = iter(_grid(start, end))
        self._next = next(self._grid, None)
        first, last = (bisect_left(self._shown, moment, key=lambda one: one[1]) for moment in (start, end))
        self._ahead = [_Part(*one) for one in reversed(self._shown[first:last]) if one[2] <= end]
        self._running: list[_Part] = []
        self._waiting: list[tuple[int, float, Any]] = []
        self._frames_wait = lag <= 8
        self._last: tuple[float, Any, NDArray[np.uint8]] | None = None
        self._before: _Before | None = None
        self._seen.append((array("d"), array("f"), array("f")))

    def frame(self, time: Fraction, frame: Any, small: NDArray[np.uint8]) -> None:
        """The next frame, and itself shrunk to the size all frames have, (h, w, 3) uint8 BGR."""
        import cv2

        now = float(time)
        self._look_until(now, False)
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
        changed = float("nan") if self._last is None else cv2.norm(grey, self._last[2], cv2.NORM_L1) / grey.size / 255
        for column, value in zip(self._seen[-1], (now, cv2.mean(grey)[0] / 255, changed), strict=True):
            column.append(value)
        self._last = (now, frame, grey)

    def cut(self, seconds: Fraction) -> None:
        """A cut at that media second; cuts come in order."""
        self._start(float(seconds))
        for part in tuple(self._running):
            at = self._part_at(part.shot, seconds) if part.low < seconds < part.high else None
            if at is None or not part.low < at < part.high:
                continue
            speed = part.shot.media.speed if part.shot.media else Fraction(1)
            after = _Part(part.shot, at - (speed / self._rate if speed < 0 else 0), part.high)
            late = {index: part.pictures.pop(index) for index in tuple(part.pictures) if index in after.looks}
            part.high = at
            for index, picture in late.items():
                after.keep(index, picture)
            self._running.append(after)

    def settled(self, seconds: Fraction) -> None:
        """No cut will come before that media second any more."""
        while self._waiting and self._waiting[0][1] < seconds:
            index, _, waiting = self._waiting.pop(0)
            self._start((index + 0.5) / LOOKS_PER_SECOND)
            wanting = [part for part in self._running if part.wants(index)]
            if wanting and index not in self._sheet.labels:
                picture = self._square(waiting) if self._frames_wait else waiting
                for part in wanting:
                    part.keep(index, picture)
            for part in [part for part in self._running if part.looks.stop <= index + 1]:
                self._leave(part)

    def end(self, ended: bool) -> None:
        """The stretch is over; `ended`: because the file was."""
        self._look_until(float("inf"), ended)
        self.settled(Fraction(2**62))
        for part in tuple(self._running):
            self._leave(part)
        self._last = None

    def close(self) -> None:
        """Label what is left, and add everything to what is known of the file."""
        _label(self._to_label, self._sheet)
        self._sheet.add_frames(self._seen)
        _remember(self._key, self._sheet)
        _store(self._key, self._sheet)

    def _look_until(self, now: float, ended: bool) -> None:
        """Take the looks before `now`: the last frame is the one they see."""
        while self._last is not None and self._next is not None and (self._next + 0.5) / LOOKS_PER_SECOND < now:
            time, frame, _ = self._last
            index, self._next = self._next, next(self._grid, None)
            thumbnail = partial(self._thumbnail, frame)
            self._before = _add_look(self._sheet, self._before, index, time, thumbnail, ended)
            self._waiting.append((index, time, frame if self._frames_wait else self._square(frame)))

    def _start(self, seconds: float) -> None:
        """Let the parts run that have begun by then."""
        while self._ahead and self._ahead[-1].low < seconds:
            self._running.append(self._ahead.pop())

    def _leave(self, part: _Part) -> None:
        """A part is over: what its length calls for is labelled."""
        self._running.remove(part)
        waiting = {index for index, _ in self._to_label}
        for index in chosen_pictures(part.looks):
            if index in part.pictures and index not in waiting:
                self._to_label.append((index, part.pictures[index]))
        if len(self._to_label) >= 16:
            _label(self._to_label, self._sheet)


def has_watched(path: Path, start: Fraction, end: Fraction) -> bool:
    """Whether that stretch of a file was seen frame by frame, as far as is remembered or kept."""
    key = fingerprint(path)
    sheet = _known(key)
    _remember(key, sheet)
    low, high = np.searchsorted(sheet.times, [float(start) - 1e-6, float(end) - 1e-6])
    return bool(low < high)


def frame_curves(shot: Shot, rate: Fraction) -> FrameCurves | None:
    """Light and change on every frame of a shot, as `watch` was told of it; None where its file was not seen frame by
    frame all through the shot, or its picture stands still."""
    media = shot.media
    if media is None or media.path is None or media.offline or media.speed == 0:
        return None
    sheet = _known(fingerprint(media.path))
    if not len(sheet.times):
        return None
    moments = float(media.start) + float(media.speed / rate) * np.arange(shot.duration_frames)
    at = np.searchsorted(sheet.times, np.maximum(moments, 0) + 0.1 / float(rate), "right") - 1
    if at.min() < 0 or (moments - sheet.times[at]).max() > STILL_AFTER:
        return None
    # Backwards, the change is that from the frame which comes after it in the file.
    change = sheet.change[np.minimum(at + (media.speed < 0), len(sheet.times) - 1)].copy()
    change[1:][np.diff(at) == 0] = 0
    change[0] = np.nan
    return FrameCurves(np.arange(shot.start_frame, shot.end_frame), sheet.light[at], change)


# --- The cache folder ------------------------------------------------------------------------------------------------


_ARRAYS = ("row_at", "rows", "label_at", "labels", "times", "light", "change")


def _load(key: Fingerprint) -> _Sheet:
    """What is kept of a file; an empty sheet where nothing, or nothing that can be read, is."""
    path = cache_file("looks", CACHE_VERSION, key, ".npz")
    if path is None:
        return _Sheet()
    try:
        with np.load(path, allow_pickle=False) as stored:
            row_at, rows, label_at, labels, times, light, change = (stored[name] for name in _ARRAYS)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return _Sheet()
    sound = rows.shape == (len(row_at), len(_COLUMNS)) and labels.shape == (len(label_at), 1000)
    sound = sound and times.ndim == 1 and times.shape == light.shape == change.shape
    kinds = (rows.dtype, labels.dtype, times.dtype, light.dtype, change.dtype)
    if not sound or kinds != (np.float32, np.float16, np.float64, np.float32, np.float32):
        return _Sheet()
    return _Sheet(
        dict(zip(row_at.tolist(), rows, strict=True)),
        dict(zip(label_at.tolist(), labels, strict=True)),
        times,
        light,
        change,
    )


def _store(key: Fingerprint, sheet: _Sheet) -> None:
    """Keep a file's looks; a full or read-only disk is no reason to fail."""
    path = cache_file("looks", CACHE_VERSION, key, ".npz")
    if path is None:
        return
    labels = np.stack(list(sheet.labels.values())) if sheet.labels else np.zeros((0, 1000), np.float16)
    rows = np.stack(list(sheet.rows.values())) if sheet.rows else np.zeros((0, len(_COLUMNS)), np.float32)
    with suppress(OutputError, OSError), replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            row_at=np.array(list(sheet.rows), np.int64),
            rows=rows,
            label_at=np.array(list(sheet.labels), np.int64),
            labels=labels,
            times=sheet.times,
            light=sheet.light,
            change=sheet.change,
        )
    trim(path.parent)
