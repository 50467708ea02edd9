"""Cuts inside media: where a clip of the timeline holds more than one shot.

Only the used moments of each file are decoded, once a file, and every frame of them, so that a cut is exact; frames
are shrunk by FFmpeg before Python sees them. Two detectors:

- `adaptive`: PySceneDetect's AdaptiveDetector, which compares each frame's change with its neighbours'. Hard cuts.
- `transnet`: TransNet V2 (Soucek and Lokoc 2020), the detector of the Diff-BGM paper, in ONNX Runtime; also finds
  dissolves, whose cut stands at their middle.

A cut belongs to the media; every shot that shows the moment gets it on the timeline frame that shows the new picture
first, through any speed, reversed and other rates included. Cuts within `EDGE_SECONDS` of the editor's own are left
out: they are the editor's cut seen again, or a flash frame at a clip's edge.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .errors import MediaError, ModelError, RequestError
from .media import frames_between, probe
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
_TRANSNET_SIZE = (48, 27)
_THRESHOLD = 0.5


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
        for start, end in spans:
            base = done

            def report(seconds: Fraction, base: Fraction = base) -> None:
                progress("analyse", float(min(Fraction(1), (base + seconds) / total)))

            report(Fraction(0))
            try:
                cuts.setdefault(path, []).extend(media_cuts(path, start, end, method, report))
            except MediaError as problem:
                unread[path] = str(problem)
                break
            finally:
                done = base + end - start
    progress("analyse", 1.0)
    return _split(picture, cuts, unread)


def used_ranges(picture: Picture) -> dict[Path, list[tuple[Fraction, Fraction]]]:
    """Which stretches of which files are shown long enough to hold a cut: seconds, merged, in order."""
    wanted: dict[Path, list[tuple[Fraction, Fraction]]] = {}
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


def _merged(spans: Iterable[tuple[Fraction, Fraction]]) -> list[tuple[Fraction, Fraction]]:
    merged: list[tuple[Fraction, Fraction]] = []
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
    detect = _transnet if method == "transnet" else _adaptive
    return detect(path, start, end, report or _unheard)


def _unheard(seconds: Fraction) -> None:
    """A report nobody listens to."""


# -- PySceneDetect --------------------------------------------------------------------------------------------------


def _adaptive(path: Path, start: Fraction, end: Fraction, report: Callable[[Fraction], None]) -> list[MediaCut]:
    from scenedetect import FrameTimecode
    from scenedetect.detectors import AdaptiveDetector

    info = probe(path)
    if info.rate is None or not info.width:
        raise MediaError(f"The media file {path} holds no picture.")
    width = min(ADAPTIVE_WIDTH, info.width)
    size = (max(2, width), max(2, round(info.height * width / info.width)))
    detector = AdaptiveDetector(min_scene_len=max(1, quantise(SHORTEST_SECONDS * info.rate)))
    times: list[Fraction] = []
    found: list[MediaCut] = []
    for index, (time, pixels) in enumerate(frames_between(path, start, end, size)):
        times.append(time)
        cuts = detector.process_frame(FrameTimecode(index, fps=float(info.rate)), pixels)
        found.extend(MediaCut(times[cut.frame_num]) for cut in cuts)
        if index % 25 == 0:
            report(max(Fraction(0), time - start))
    return found


# -- TransNet V2 ----------------------------------------------------------------------------------------------------


def _transnet(path: Path, start: Fraction, end: Fraction, report: Callable[[Fraction], None]) -> list[MediaCut]:
    times: list[Fraction] = []

    def frames() -> Iterator["NDArray[np.uint8]"]:
        for index, (time, pixels) in enumerate(frames_between(path, start, end, _TRANSNET_SIZE, "rgb24")):
            times.append(time)
            if index % 25 == 0:
                report(max(Fraction(0), time - start))
            yield pixels

    chances = transition_chances(frames())
    return [
        MediaCut(times[cut], times[last] - times[first] if last > first else Fraction(0))
        for first, last, cut in _runs(chances, len(times))
    ]


def _runs(chances: "NDArray[np.float32]", count: int) -> Iterator[tuple[int, int, int]]:
    """(first frame, last frame, first frame of the new shot) of every transition."""
    first: int | None = None
    for index in range(count + 1):
        inside = index < count and chances[index] > _THRESHOLD
        if inside and first is None:
            first = index
        elif not inside and first is not None:
            last = index - 1
            cut = (first + last) // 2 + 1
            if first > 0 and cut < count:
                yield first, last, cut
            first = None


def transition_chances(frames: Iterable["NDArray[np.uint8]"]) -> "NDArray[np.float32]":
    """TransNet V2's probability, for each frame, that a transition passes through it.

    frames : each (27, 48, 3) uint8 RGB, in order. Returns (frames,) float32. As in the published code, windows of 100
    frames move by 50 and only their middle counts; the first and last frame are repeated at the ends.
    Raises ModelError where the model cannot be loaded.
    """
    import numpy as np

    session = _session()
    results: list[NDArray[np.float32]] = []
    window: list[NDArray[np.uint8]] = []
    count = 0

    def run() -> None:
        stacked = np.stack(window[:WINDOW])[None]
        results.append(session.run(None, {_input(session): stacked})[0][0, WINDOW // 4 : WINDOW * 3 // 4])
        del window[: WINDOW // 2]

    for frame in frames:
        if not count:
            window.extend([frame] * (WINDOW // 4))
        count += 1
        window.append(frame)
        if len(window) == WINDOW:
            run()
    if not count:
        return np.zeros(0, np.float32)
    last = window[-1]
    while len(results) * (WINDOW // 2) < count:
        window.extend([last] * (WINDOW - len(window)))
        run()
    return np.concatenate(results)[:count].astype(np.float32)


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
            parts = list(_parts(shot, cuts[media.path], picture.rate))
        shots.extend(parts)
    numbered = tuple(replace(shot, index=number) for number, shot in enumerate(shots, 1))
    return replace(picture, shots=numbered, warnings=(*picture.warnings, *unread.values()))


def _parts(shot: Shot, cuts: Sequence[MediaCut], rate: Fraction) -> Iterator[Shot]:
    media = shot.media
    if media is None or media.path is None:
        yield shot
        return
    edge = max(1, quantise(EDGE_SECONDS * rate))
    media_rate = probe(media.path).rate
    found: dict[int, Fraction] = {}
    for cut in cuts:
        frame = timeline_frame(shot, cut.seconds, rate, media_rate)
        if shot.start_frame + edge <= frame <= shot.end_frame - edge:
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
