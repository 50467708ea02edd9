"""Look at the picture: what each shot shows, in the time in which it is shown.

Only the used moments of each file are decoded, and only as finely as music needs: one look every sixth of a second
of media (`LOOKS_PER_SECOND`), shrunk to 160 x 90 by FFmpeg's own scaler. Inside a run of looks the decoder skips
frames no other frame depends on (NONREF) and the smoothing of block edges, so a long H.264 or HEVC film costs less
than playing it; codecs of whole pictures (ProRes, DNxHR, MJPEG) decode nothing but the frames looked at. What skipping
costs: a look can stand a few frames early (the last decoded frame at or before its moment), never late.

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

import hashlib
import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..atomic import replacing
from ..errors import MediaError, OutputError
from ..media import open_media, picture_stream
from ..picture import MediaSpan, Picture, Shot
from ..progress import Progress, silent
from ..timing import seconds_at
from .images import SIDE, label_pictures

LOOKS_PER_SECOND = 6
WIDTH, HEIGHT = 160, 90
SEEK_BEYOND = 5.0
"""Seconds without looks that are jumped over rather than decoded through: half of a usual longest GOP."""
STILL_AFTER = 0.5
"""Seconds a frame stands before it counts as still rather than as a gap between decoded frames."""
STILL_BELOW = 0.01
"""Change that codecs and grain make in a picture that stands still."""
PICTURES_AT_MOST = 400
"""Pictures labelled in one call; the longest shots come first."""
FILES_IN_MEMORY = 64
FILES_ON_DISK = 200
CACHE_VERSION = 1

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


@dataclass
class _Sheet:
    """All looks at one file: grid index -> row of `_COLUMNS`, and grid index -> (1000,) label probabilities."""

    rows: dict[int, FloatArray] = field(default_factory=dict)
    labels: dict[int, NDArray[np.float16]] = field(default_factory=dict)


_sheets: OrderedDict[tuple[str, int, int], _Sheet] = OrderedDict()


def cache_folder() -> Path:
    """Where looks are kept between runs: the platform's cache folder, or `SHOTSCORE_CACHE` where that is set."""
    if chosen := os.environ.get("SHOTSCORE_CACHE"):
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "shotscore" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "shotscore"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shotscore"


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
    pictures = _chosen_pictures(picture.shots, spans)
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


def _shown(shot: Shot, rate: Fraction, start_frame: int, end_frame: int) -> _Span | None:
    """The looks of what is shown of `shot` inside the range, or None where nothing can be seen."""
    first, last = max(shot.start_frame, start_frame), min(shot.end_frame, end_frame)
    media = shot.media
    if first >= last or media is None or media.path is None or media.offline:
        return None
    entry = _media_time(media, shot, Fraction(first), rate)
    leave = _media_time(media, shot, Fraction(last), rate)
    low, high = max(Fraction(0), min(entry, leave)), max(Fraction(0), entry, leave)
    step = max(1, int(abs(media.speed)) // 4)
    # Look k stands at (k + 1/2) / LOOKS_PER_SECOND: away from the cuts that like whole seconds.
    begin = -((Fraction(1, 2) - low * LOOKS_PER_SECOND) // 1)
    end = -((Fraction(1, 2) - high * LOOKS_PER_SECOND) // 1)
    indices = tuple(range(int(begin), int(end), step))
    return _Span(indices or (int((low + high) / 2 * LOOKS_PER_SECOND // 1),), step)


def _media_time(media: MediaSpan, shot: Shot, frame: Fraction, rate: Fraction) -> Fraction:
    return media.start + media.speed * seconds_at(frame - shot.start_frame, rate)


def _needed(span: _Span) -> Iterator[int]:
    yield from span.indices
    if span.step > 1:  # change is measured between neighbours of the grid
        yield from (index - 1 for index in span.indices if index > 0)


def _chosen_pictures(shots: Sequence[Shot], spans: Sequence[_Span | None]) -> dict[Path, set[int]]:
    """Which looks are labelled: one to three a shot by its length, the longest shots first where there are too many."""
    chosen: dict[Path, set[int]] = {}
    count = 0
    order = sorted(range(len(shots)), key=lambda i: -len(span.indices) if (span := spans[i]) else 0)
    for at in order:
        span, media = spans[at], shots[at].media
        if span is None or media is None or media.path is None:
            continue
        looks = len(span.indices)
        pictures = 1 + (looks >= LOOKS_PER_SECOND) + (looks >= 8 * LOOKS_PER_SECOND)
        if count + pictures > PICTURES_AT_MOST:
            break
        places = ((2 * i + 1) * looks // (2 * pictures) for i in range(pictures))
        # Whole seconds of the file where the shot has them, so that a recut film finds its labels again.
        inside = set(span.indices)
        found = [span.indices[place] for place in places]
        whole = [index - index % LOOKS_PER_SECOND for index in found]
        chosen.setdefault(media.path, set()).update(w if w in inside else f for w, f in zip(whole, found, strict=True))
        count += pictures
    return chosen


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
    seen = [sheet.labels[index] for index in span.indices if index in sheet.labels]
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


def _fingerprint(path: Path) -> tuple[str, int, int]:
    try:
        stat = path.stat()
    except OSError:  # an image sequence is a pattern, not a file
        return (str(path.absolute()), -1, -1)
    return (str(path.absolute()), stat.st_size, stat.st_mtime_ns)


def _sheet(path: Path, indices: set[int], pictures: set[int], report: Callable[[int], None]) -> _Sheet:
    """Every wanted look at `path`, from memory, the cache folder or the file."""
    key = _fingerprint(path)
    sheet = _sheets.get(key) or _load(key)
    missing = {index for index in indices if index not in sheet.rows}
    missing |= {index for index in pictures if index not in sheet.labels}
    if missing:
        # A look compares with the one before it, so the known neighbours of a missing one are decoded again.
        known = indices | set(sheet.rows)
        again = missing | ({index + 1 for index in missing} & known) | ({index - 1 for index in missing} & known)
        fresh = _Sheet(dict(sheet.rows), dict(sheet.labels))
        _decode(path, sorted(again), pictures - set(sheet.labels), fresh, report)
        sheet = fresh
        _store(key, sheet)
    _sheets[key] = sheet
    _sheets.move_to_end(key)
    while len(_sheets) > FILES_IN_MEMORY:
        _sheets.popitem(last=False)
    return sheet


@dataclass
class _Scaler:
    """Shrinks frames; keeps FFmpeg's scaler between calls."""

    small: Any
    square: Any

    @classmethod
    def make(cls) -> "_Scaler":
        from av.video.reformatter import VideoReformatter

        return cls(VideoReformatter(), VideoReformatter())

    def thumbnail(self, frame: Any) -> NDArray[np.uint8]:
        """(90, 160, 3) uint8 RGB."""
        return self._to(self.small, frame, WIDTH, HEIGHT)

    def picture(self, frame: Any) -> NDArray[np.uint8]:
        """(224, 224, 3) uint8 RGB: the whole frame, squeezed; what stands at the sides counts too."""
        return self._to(self.square, frame, SIDE, SIDE)

    @staticmethod
    def _to(scaler: Any, frame: Any, width: int, height: int) -> NDArray[np.uint8]:
        small = scaler.reformat(frame, width, height, "rgb24", interpolation="AREA")
        return np.asarray(small.to_ndarray(), np.uint8)


def measure(rgb: NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
    """(luma, contrast, saturation, warmth) of a picture, (4,), and its luma plane, (h, w), both float32, 0 to 1."""
    colour = rgb.astype(np.float32) / 255
    luma = np.asarray(colour @ _LUMA, np.float32)
    strongest, weakest = colour.max(-1), colour.min(-1)
    coloured = strongest > 0.06
    saturation = np.where(coloured, (strongest - weakest) / np.maximum(strongest, 1e-6), 0).mean()
    red, _, blue = colour.reshape(-1, 3).mean(0)
    values = (luma.mean(), luma.std(), saturation, (red - blue) / (red + blue + 0.1))
    return np.array(values, np.float32), luma


def _decode(
    path: Path, indices: Sequence[int], pictures: set[int], sheet: _Sheet, report: Callable[[int], None]
) -> None:
    """Add the looks at `indices` (ascending) to `sheet`, and labels for those among `pictures`."""
    scaler = _Scaler.make()
    before: tuple[int, float, FloatArray, FloatArray] | None = (
        None  # index, frame's time, values, luma of the last look
    )
    to_label: list[tuple[int, NDArray[np.uint8]]] = []
    for count, (index, frame, time, ended) in enumerate(_frames_at(path, indices)):
        if before is not None and before[1] == time:
            values, luma = before[2], before[3]
        else:
            values, luma = measure(scaler.thumbnail(frame))
        compared = _compare(before, index, time, values, luma, ended)
        if np.isnan(compared[0]) and index in sheet.rows:
            compared = sheet.rows[index][4:]
        sheet.rows[index] = np.concatenate([values, compared])
        before = (index, time, values, luma)
        if index in pictures:
            to_label.append((index, scaler.picture(frame)))
            if len(to_label) == 16:
                _label(to_label, sheet)
        if count % LOOKS_PER_SECOND == 0:
            report(count)
    _label(to_label, sheet)


def _label(pending: list[tuple[int, NDArray[np.uint8]]], sheet: _Sheet) -> None:
    """Label the pictures in `pending` into `sheet`, and empty it."""
    if pending:
        found = label_pictures(np.stack([picture for _, picture in pending])).astype(np.float16)
        sheet.labels.update(zip((index for index, _ in pending), found, strict=True))
        pending.clear()


def _compare(
    before: tuple[int, float, FloatArray, FloatArray] | None,
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
        context.skip_frame = "NONREF"
        context.options = {"skip_loop_filter": "all"}
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


# --- The cache folder ------------------------------------------------------------------------------------------------


def _cache_file(key: tuple[str, int, int]) -> Path:
    name = hashlib.sha256(repr((CACHE_VERSION, key)).encode()).hexdigest()[:32]
    return cache_folder() / "looks" / f"{name}.npz"


def _load(key: tuple[str, int, int]) -> _Sheet:
    """What is kept of a file; an empty sheet where nothing, or nothing that can be read, is."""
    try:
        with np.load(_cache_file(key), allow_pickle=False) as stored:
            rows, labels = stored["rows"], stored["labels"]
            row_at, label_at = stored["row_at"], stored["label_at"]
    except (OSError, ValueError, KeyError, EOFError):
        return _Sheet()
    sound = rows.shape == (len(row_at), len(_COLUMNS)) and labels.shape == (len(label_at), 1000)
    if not sound or rows.dtype != np.float32 or labels.dtype != np.float16:
        return _Sheet()
    return _Sheet(dict(zip(row_at.tolist(), rows, strict=True)), dict(zip(label_at.tolist(), labels, strict=True)))


def _store(key: tuple[str, int, int], sheet: _Sheet) -> None:
    """Keep a file's looks; a full or read-only disk is no reason to fail."""
    if key[1] < 0:
        return
    path = _cache_file(key)
    labels = np.stack(list(sheet.labels.values())) if sheet.labels else np.zeros((0, 1000), np.float16)
    with suppress(OutputError, OSError), replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            row_at=np.array(list(sheet.rows), np.int64),
            rows=np.stack(list(sheet.rows.values())),
            label_at=np.array(list(sheet.labels), np.int64),
            labels=labels,
        )
    with suppress(OSError):
        kept = sorted(path.parent.glob("*.npz"), key=lambda file: file.stat().st_mtime_ns)
        for old in kept[:-FILES_ON_DISK]:
            old.unlink()
