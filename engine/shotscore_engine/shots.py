"""Cuts inside media: where a clip of the timeline holds more than one shot.

Only the used moments of each file are decoded, once, and every frame of them, so that a cut is exact; frames are shrunk
by FFmpeg before Python sees them. While they pass, a `features.visual.Looker` sees them too, so that the film is
decoded once for everything the picture tells. Two detectors:

- `adaptive`: PySceneDetect's AdaptiveDetector, which compares each frame's change with its neighbours'. Hard cuts.
- `transnet`: TransNet V2 (Soucek and Lokoc 2020), the detector of the Diff-BGM paper, in ONNX Runtime; also finds
  dissolves, whose cut stands at their middle.

A cut belongs to the media; every shot that shows the moment gets it on the timeline frame that shows the new picture
first, through any speed, reversed and other rates included. Cuts within `EDGE_SECONDS` of the editor's own are left
out: they are the editor's cut seen again, or a flash frame at a clip's edge. The cuts of a stretch are kept in the
user's cache folder and not searched again.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from .cache import Fingerprint, fingerprint, keep, recall
from .errors import MediaError, ModelError, RequestError
from .media import MediaInfo, Shrinker, decoded_between, decoded_stretches, probe
from .picture import MediaSpan, Picture, Shot, media_seconds
from .progress import Progress, silent
from .timing import quantise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Method = Literal["adaptive", "transnet", "none"]

TRANSNET_MODEL = Path(__file__).parent / "models" / "transnetv2.onnx"
WINDOW = 100
"""Frames TransNet V2 sees at once; the middle half is believed."""
EDGE_SECONDS = Fraction(1, 5)
"""How near to an editor's cut a detected one may not stand."""
SHORTEST_SECONDS = Fraction(3, 10)
"""Two detected cuts are at least this far apart in the media."""
ADAPTIVE_WIDTH = 256
"""Frames are shrunk to this width for the adaptive detector: PySceneDetect's own target."""
RANGES_KEPT = 4096
"""Stretches of one file whose cuts are kept."""
_TRANSNET_SIZE = (48, 27)
_THRESHOLD = 0.5

Span = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class MediaCut:
    """A cut inside a media file."""

    seconds: Fraction
    """Media time of the first frame of the new shot."""
    length: Fraction = Fraction(0)
    """Seconds the transition takes; 0 for a hard cut."""


def detect_shots(picture: Picture, method: Method = "adaptive", progress: Progress = silent) -> Picture:
    """`picture` with its long clips split where their media cuts.

    before: |------------ A (edit) -------------|-- B (edit) --|
    after:  |-- A (edit) --|-- A (detected) ----|-- B (edit) --|

    Media that cannot be decoded leave their shots whole, marked offline, with a warning. `progress` is called with the
    stage "analyse" and may raise Cancelled. Raises RequestError for another `method`, ModelError where TransNet's
    model cannot be used.
    """
    if method == "none":
        return picture
    if method not in ("adaptive", "transnet"):
        raise RequestError(f"The shot detector {method!r} is not known; use adaptive, transnet or none.")
    ranges = used_ranges(picture)
    total = sum((end - start for spans in ranges.values() for start, end in spans), Fraction(0)) or Fraction(1)
    done = Fraction(0)
    cuts: dict[Path, list[MediaCut]] = {}
    unread: dict[Path, str] = {}
    for path, spans in ranges.items():

        def report(seconds: Fraction, base: Fraction = done) -> None:
            progress("analyse", float(min(Fraction(1), (base + seconds) / total)))

        report(Fraction(0))
        try:
            cuts[path] = _file_cuts(picture, path, spans, method, report)
        except MediaError as problem:
            unread[path] = str(problem)
        done += sum((end - start for start, end in spans), Fraction(0))
    progress("analyse", 1.0)
    return _split(picture, cuts, unread)


def used_ranges(picture: Picture) -> dict[Path, list[Span]]:
    """Which stretches of which files are shown long enough to hold a cut: seconds, merged, in order."""
    wanted: dict[Path, list[Span]] = {}
    for shot in picture.shots:
        media = shot.media
        if media is None or media.path is None or media.offline or media.speed == 0:
            continue
        if Fraction(shot.duration_frames) / picture.rate <= 2 * EDGE_SECONDS:
            continue
        first = media_seconds(shot, shot.start_frame, picture.rate)
        last = media_seconds(shot, shot.end_frame - 1, picture.rate)
        step = abs(media.speed) / picture.rate
        wanted.setdefault(media.path, []).append((min(first, last), max(first, last) + step))
    return {path: _merged(spans) for path, spans in wanted.items()}


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def media_cuts(
    path: Path,
    start: Fraction,
    end: Fraction,
    method: Literal["adaptive", "transnet"] = "adaptive",
    report: Callable[[Fraction], None] | None = None,
) -> list[MediaCut]:
    """The cuts of a media file between two moments, in order. `report` gets the seconds looked at.

    Raises MediaError where the file cannot be decoded.
    """
    search = _search(_picture_info(path), method)
    found: list[MediaCut] = []
    for index, (time, frame) in enumerate(decoded_between(path, start, end)):
        found += search.see(time, search.shrink(frame))
        if report is not None and index % 25 == 0:
            report(max(Fraction(0), time - start))
    return found + search.end()


# -- one decoding for everything ------------------------------------------------------------------------------------


def _file_cuts(
    picture: Picture,
    path: Path,
    spans: Sequence[Span],
    method: Literal["adaptive", "transnet"],
    report: Callable[[Fraction], None],
) -> list[MediaCut]:
    """The cuts of a file's stretches; what had to be decoded for them is looked at on the way."""
    from .features.visual import Looker, has_watched

    info = _picture_info(path)
    of = fingerprint(path)
    # Cuts without looks are searched again: whether a film was seen before must not change what is made of it.
    kept, wanted = _known_cuts(of, method), set(spans)
    known = {span: cuts for span, cuts in kept.items() if span not in wanted or has_watched(path, *span)}
    fresh = [span for span in spans if span not in known]
    done = sum((end - start for start, end in spans if (start, end) in known), Fraction(0))
    if fresh:
        looker = Looker(path, picture, lambda shot, at: _parted(shot, at, picture.rate, info.rate))
        view = _small(info)  # what is seen of a film must not depend on how its cuts were found
        frames = iter(decoded_stretches(path, fresh))
        following = next(frames, None)
        for number, (start, end) in enumerate(fresh):
            search = _search(info, method)
            looker.begin(start, end, search.lag)
            found, last = [], start
            while following is not None and following[0] == number:
                _, last, frame = following
                small = search.shrink(frame)
                looker.frame(last, frame, small if method == "adaptive" else view(frame))
                for cut in search.see(last, small):
                    found.append(cut)
                    looker.cut(cut.seconds)
                looker.settled(search.settled)
                report(done + max(Fraction(0), last - start))
                following = next(frames, None)
            for cut in search.end():
                found.append(cut)
                looker.cut(cut.seconds)
            looker.end(ended=last + Fraction(3, 2) / (info.rate or 25) < end)
            known[start, end] = found
            done += end - start
        looker.close()
        _keep_cuts(of, method, known)
    return [cut for span in spans for cut in known[span]]


def _picture_info(path: Path) -> MediaInfo:
    info = probe(path)
    if info.rate is None or not info.width:
        raise MediaError(f"The media file {path} holds no picture.")
    return info


def _fact(method: str) -> str:
    """The name cuts are kept under; another way to find them gets another number."""
    return f"cuts 1 {method}"


def _known_cuts(of: Fingerprint, method: str) -> dict[Span, list[MediaCut]]:
    """The cuts that are kept of a file, by stretch."""
    known: dict[Span, list[MediaCut]] = {}
    stored = recall(of, _fact(method))
    for span, cuts in stored.items() if isinstance(stored, dict) else ():
        try:
            start, end = (Fraction(moment) for moment in span.split())
            known[start, end] = [MediaCut(Fraction(seconds), Fraction(length)) for seconds, length in cuts]
        except (ValueError, TypeError, AttributeError, ZeroDivisionError):
            continue  # not written by us
    return known


def _keep_cuts(of: Fingerprint, method: str, known: dict[Span, list[MediaCut]]) -> None:
    kept = list(known.items())[-RANGES_KEPT:]
    rows = {f"{start} {end}": [[str(cut.seconds), str(cut.length)] for cut in cuts] for (start, end), cuts in kept}
    keep(of, _fact(method), rows)


class _Search(Protocol):
    """A detector that is shown one frame after the other."""

    shrink: Shrinker
    lag: int
    """Frames by which its answers may be late."""
    settled: Fraction
    """The media second before which it will find no cut any more."""

    def see(self, time: Fraction, pixels: "NDArray[np.uint8]") -> list[MediaCut]:
        """The next frame as `shrink` makes it; the cuts that are certain now."""

    def end(self) -> list[MediaCut]:
        """There is no more; the cuts that are left."""


def _small(info: MediaInfo) -> Shrinker:
    """Frames to the width PySceneDetect looks at."""
    width = min(ADAPTIVE_WIDTH, info.width)
    return Shrinker((max(2, width), max(2, round(info.height * width / info.width))))


def _search(info: MediaInfo, method: Literal["adaptive", "transnet"]) -> _Search:
    return _TransNet() if method == "transnet" else _Adaptive(info)


# -- PySceneDetect --------------------------------------------------------------------------------------------------


class _Adaptive:
    """PySceneDetect's AdaptiveDetector."""

    lag = 2
    """Frames it looks ahead: its window_width."""

    def __init__(self, info: MediaInfo) -> None:
        from scenedetect.detectors import AdaptiveDetector

        self.shrink = _small(info)
        self.settled = Fraction(-1)
        self._rate = info.rate or Fraction(25)
        self._detector = AdaptiveDetector(
            min_scene_len=max(1, quantise(SHORTEST_SECONDS * self._rate)), window_width=self.lag
        )
        self._seen = 0
        self._times: deque[Fraction] = deque(maxlen=self.lag + 1)
        """Of the last frames: a cut stands on one of them."""

    def see(self, time: Fraction, pixels: "NDArray[np.uint8]") -> list[MediaCut]:
        from scenedetect import FrameTimecode

        self._times.append(time)
        cuts = self._detector.process_frame(FrameTimecode(self._seen, fps=float(self._rate)), pixels)
        found = [MediaCut(self._times[cut.frame_num - self._seen - 1]) for cut in cuts]
        self._seen += 1
        self.settled = self._times[-self.lag] if self._seen > self.lag else self.settled
        return found

    def end(self) -> list[MediaCut]:
        return []


# -- TransNet V2 ----------------------------------------------------------------------------------------------------


class _TransNet:
    """TransNet V2: a transition is a run of frames through which one passes, the cut its middle."""

    lag = WINDOW

    def __init__(self) -> None:
        self.shrink = Shrinker(_TRANSNET_SIZE, "rgb24")
        self.settled = Fraction(-1)
        self._chances = _Chances()
        self._times: deque[Fraction] = deque()
        """Of the frames from `_first` on."""
        self._first = 0
        self._judged = 0
        self._opened: int | None = None
        """The first frame of the transition that runs."""

    def see(self, time: Fraction, pixels: "NDArray[np.uint8]") -> list[MediaCut]:
        self._times.append(time)
        return self._judge(self._chances.see(pixels))

    def end(self) -> list[MediaCut]:
        return [*self._judge(self._chances.end()), *self._close(self._judged)]

    def _judge(self, chances: "NDArray[np.float32]") -> list[MediaCut]:
        found = []
        for chance in chances:
            if chance > _THRESHOLD:
                self._opened = self._judged if self._opened is None else self._opened
            else:
                found += self._close(self._judged)
            self._judged += 1
        keep_from = self._judged if self._opened is None else self._opened
        while self._first < keep_from and len(self._times) > 1:
            self._times.popleft()
            self._first += 1
        self.settled = self._times[0] if len(chances) else self.settled
        return found

    def _close(self, index: int) -> list[MediaCut]:
        """The transition that ends before frame `index`, if one runs; none at the very edges of the stretch."""
        first, last = self._opened, index - 1
        self._opened = None
        cut = 0 if first is None else (first + last) // 2 + 1
        if not first or cut - self._first >= len(self._times):
            return []
        begun, over, at = (self._times[frame - self._first] for frame in (first, last, cut))
        return [MediaCut(at, over - begun if last > first else Fraction(0))]


class _Chances:
    """TransNet V2's probabilities, window after window."""

    def __init__(self) -> None:
        self._session = _session()
        self._window: list[NDArray[np.uint8]] = []
        self._count = self._told = 0

    def see(self, frame: "NDArray[np.uint8]") -> "NDArray[np.float32]":
        """The next frame; the chances that are certain now, which may be none."""
        if not self._count:
            self._window.extend([frame] * (WINDOW // 4))
        self._count += 1
        self._window.append(frame)
        return self._run() if len(self._window) == WINDOW else _no_chances()

    def end(self) -> "NDArray[np.float32]":
        """The chances of the frames that are left."""
        import numpy as np

        left = [_no_chances()]
        while self._told < self._count:
            self._window.extend([self._window[-1]] * (WINDOW - len(self._window)))
            left.append(self._run())
        return np.concatenate(left)

    def _run(self) -> "NDArray[np.float32]":
        import numpy as np

        stacked = np.stack(self._window)[None]
        chances = self._session.run(None, {_input(self._session): stacked})[0][0, WINDOW // 4 : WINDOW * 3 // 4]
        del self._window[: WINDOW // 2]
        certain: NDArray[np.float32] = chances.reshape(-1)[: self._count - self._told].astype(np.float32)
        self._told += len(certain)
        return certain


def _no_chances() -> "NDArray[np.float32]":
    import numpy as np

    return np.zeros(0, np.float32)


def transition_chances(frames: Iterable["NDArray[np.uint8]"]) -> "NDArray[np.float32]":
    """TransNet V2's probability, for each frame, that a transition passes through it.

    frames : each (27, 48, 3) uint8 RGB, in order. Returns (frames,) float32. As in the published code, windows of 100
    frames move by 50 and only their middle counts; the first and last frame are repeated at the ends.
    Raises ModelError where the model cannot be loaded.
    """
    import numpy as np

    chances = _Chances()
    return np.concatenate([_no_chances(), *(chances.see(frame) for frame in frames), chances.end()])


def _session() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(TRANSNET_MODEL), options, providers=["CPUExecutionProvider"])
    except Exception as problem:  # onnxruntime's errors share no base but Exception
        raise ModelError(f"The shot detector {TRANSNET_MODEL} cannot be loaded; install Shotscore again.") from problem


def _input(session: Any) -> str:
    name: str = session.get_inputs()[0].name
    return name


# -- onto the timeline ----------------------------------------------------------------------------------------------


def timeline_frame(shot: Shot, seconds: Fraction, rate: Fraction, media_rate: Fraction | None = None) -> int:
    """The first timeline frame of `shot` that shows the media beyond a cut at `seconds`.

    Played forwards, that is the first frame whose media time has reached the cut; played backwards, the first that
    shows what lies before it. Times of media frames may be rounded by their container: a tenth of a frame is given.
    Raises MediaError where the shot shows no moving media.
    """
    media = shot.media
    if media is None or media.speed == 0:
        raise MediaError(f"{shot.name!r} at frame {shot.start_frame} stands still: no cut can pass in it.")
    passed = (seconds - media.start) / media.speed * rate
    slack = Fraction(1, 10) * (rate / media_rate / abs(media.speed) if media_rate else 1)
    slack = min(slack, Fraction(1, 10))
    if media.speed > 0:
        return shot.start_frame + _ceil(passed - slack)
    return shot.start_frame + int((passed + slack) // 1) + 1


def _parting_frame(shot: Shot, seconds: Fraction, rate: Fraction, media_rate: Fraction | None) -> int | None:
    """`timeline_frame` where the cut lies inside the shot and clear of its edges."""
    edge = max(1, quantise(EDGE_SECONDS * rate))
    frame = timeline_frame(shot, seconds, rate, media_rate)
    return frame if shot.start_frame + edge <= frame <= shot.end_frame - edge else None


def _parted(shot: Shot, seconds: Fraction, rate: Fraction, media_rate: Fraction | None) -> Fraction | None:
    """The media second shown by the first frame beyond a cut; None where the cut does not part the shot."""
    frame = _parting_frame(shot, seconds, rate, media_rate)
    if frame is None or shot.media is None:
        return None
    return shot.media.start + shot.media.speed * Fraction(frame - shot.start_frame) / rate


def _ceil(value: Fraction) -> int:
    return int(-(-value // 1))


def _split(picture: Picture, cuts: dict[Path, list[MediaCut]], unread: dict[Path, str]) -> Picture:
    shots: list[Shot] = []
    for shot in picture.shots:
        media = shot.media
        if media is not None and media.path in unread and not media.offline:
            shots.append(replace(shot, media=replace(media, offline=True)))
            continue
        parts = [shot]
        if media is not None and media.path in cuts and media.speed != 0 and not media.offline:
            parts = list(_parts(shot, _near(shot, media, cuts[media.path], picture.rate), picture.rate))
        shots.extend(parts)
    numbered = tuple(replace(shot, index=number) for number, shot in enumerate(shots, 1))
    return replace(picture, shots=numbered, warnings=(*picture.warnings, *unread.values()))


def _near(shot: Shot, media: MediaSpan, cuts: Sequence[MediaCut], rate: Fraction) -> Sequence[MediaCut]:
    """Those of a file's cuts, in order, that a shot may show: with thousands of both, asking each would take hours."""
    edges = (media.start, media.start + media.speed * shot.duration_frames / rate)
    low, high = min(edges) - 1, max(edges) + 1
    first = bisect_left(cuts, low, key=lambda cut: cut.seconds)
    return cuts[first : bisect_left(cuts, high, key=lambda cut: cut.seconds)]


def _parts(shot: Shot, cuts: Sequence[MediaCut], rate: Fraction) -> Iterator[Shot]:
    media = shot.media
    if media is None or media.path is None:
        yield shot
        return
    media_rate = probe(media.path).rate
    found: dict[int, Fraction] = {}
    for cut in cuts:
        if (frame := _parting_frame(shot, cut.seconds, rate, media_rate)) is not None:
            found.setdefault(frame, cut.length / abs(media.speed))
    starts = [shot.start_frame, *sorted(found)]
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], shot.end_frame], strict=True)):
        last = end == shot.end_frame
        if not number:
            yield replace(shot, duration_frames=end - start, fade_out_frames=shot.fade_out_frames if last else 0)
            continue
        soft = quantise(found[start] * rate)
        moment = media.start + media.speed * Fraction(start - shot.start_frame) / rate
        yield Shot(
            index=0,
            start_frame=start,
            duration_frames=end - start,
            name=shot.name,
            media=MediaSpan(media.path, media.offline, max(Fraction(0), moment), media.speed),
            origin="detected",
            transition="dissolve" if soft > 2 else "cut",
            transition_frames=soft if soft > 2 else 0,
            fade_out_frames=shot.fade_out_frames if last else 0,
        )
