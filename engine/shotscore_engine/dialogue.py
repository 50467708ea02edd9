"""Where somebody speaks: dialogue regions of the timeline's own sound, by Silero VAD in ONNX Runtime.

Only the used ranges of the audio clips are decoded (PyAV: mono, 16 kHz). A region begins where the probability of
speech rises above 0.5 and ends where it stays below 0.35 for 0.3 s; regions shorter than 0.25 s are no speech. These
are the hysteresis and lengths Silero's own tools use, with a longer pause, because music should not come back between
two words. Regions are padded by 0.1 s, brought to the timeline's frames through the clip's speed, and joined. What was
heard of a range of a file is kept in the user's cache folder.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .cache import fingerprint, keep, recall
from .errors import MediaError, ModelError
from .media import audio_between
from .picture import AudioSpan, Picture, frame_of_media, media_seconds
from .progress import Progress, silent
from .timing import quantise

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL = Path(__file__).parent / "models" / "silero_vad.onnx"
SAMPLE_RATE = 16_000
CHUNK = 512
"""Samples the network judges at a time: 32 ms."""
CONTEXT = 64
"""Samples before them it is shown again."""
SPEECH, SILENCE = 0.5, 0.35
PAUSE = Fraction(3, 10)
SHORTEST = Fraction(1, 4)
PAD = Fraction(1, 10)
WARM_UP = Fraction(1, 2)
"""Seconds heard before a used range, so that the network's memory is filled."""


RANGES_KEPT = 4096
"""Ranges of one file whose speech is kept."""
_FACT = "speech 1"
"""The name speech is kept under; another way to find it gets another number."""

_T = TypeVar("_T", int, Fraction)
_Spans = list[tuple[Fraction, Fraction]]


def find_dialogue(picture: Picture, progress: Progress = silent) -> Picture:
    """`picture` with `dialogue` filled: (start, end) frames in which somebody speaks, in order, apart from each other.

    Sound that cannot be decoded is left out with a warning. `progress` is called with the stage "analyse" and may
    raise Cancelled. Raises ModelError where the network cannot be loaded.
    """
    wanted = _wanted(picture)
    total = sum((end - start for spans in wanted.values() for start, end in spans), Fraction(0)) or Fraction(1)
    done = Fraction(0)
    speech: dict[Path, _Spans] = {}
    warnings: list[str] = []
    session: Any = None
    for path, spans in wanted.items():
        known = _known(path)
        fresh = [span for span in spans if span not in known]
        for start, end in fresh:
            session = session or _session()

            def report(seconds: Fraction, base: Fraction = done) -> None:
                progress("analyse", float(min(Fraction(1), (base + seconds) / total)))

            try:
                known[start, end] = _speech(session, path, start, end, report)
            except MediaError as problem:
                warnings.append(f"{problem} Its sound is not searched for dialogue.")
                break
            finally:
                done += end - start
        if fresh:
            _keep(path, known)
        speech[path] = [region for span in spans for region in known.get(span, ())]
    progress("analyse", 1.0)
    regions = [
        region
        for span in picture.audio
        if span.media is not None and span.media.path in speech and span.media.speed != 0
        for region in _on_timeline(span, speech[span.media.path], picture)
    ]
    joined = tuple(_joined(regions))
    return replace(picture, dialogue=joined, warnings=(*picture.warnings, *warnings))


def _wanted(picture: Picture) -> dict[Path, list[tuple[Fraction, Fraction]]]:
    """The used ranges of every readable audio file: media seconds, merged, in order."""
    wanted: dict[Path, list[tuple[Fraction, Fraction]]] = {}
    for span in picture.audio:
        media = span.media
        if media is None or media.path is None or media.offline or media.speed == 0:
            continue
        first = media_seconds(span, span.start_frame, picture.rate)
        last = media_seconds(span, span.start_frame + span.duration_frames, picture.rate)
        wanted.setdefault(media.path, []).append((min(first, last), max(first, last)))
    return {path: list(_joined(spans)) for path, spans in wanted.items()}


def _known(path: Path) -> dict[tuple[Fraction, Fraction], _Spans]:
    """The speech that is kept of a file, by range."""
    known: dict[tuple[Fraction, Fraction], _Spans] = {}
    stored = recall(fingerprint(path), _FACT)
    for span, regions in stored.items() if isinstance(stored, dict) else ():
        try:
            start, end = (Fraction(moment) for moment in span.split())
            known[start, end] = [(Fraction(first), Fraction(last)) for first, last in regions]
        except (ValueError, TypeError, AttributeError, ZeroDivisionError):
            continue  # not written by us
    return known


def _keep(path: Path, known: dict[tuple[Fraction, Fraction], _Spans]) -> None:
    kept = list(known.items())[-RANGES_KEPT:]
    rows = {f"{start} {end}": [[str(first), str(last)] for first, last in spans] for (start, end), spans in kept}
    keep(fingerprint(path), _FACT, rows)


def _joined(spans: Iterable[tuple[_T, _T]]) -> Iterator[tuple[_T, _T]]:
    """Spans in order, touching ones made one."""
    current: tuple[_T, _T] | None = None
    for start, end in sorted(spans):
        if current is not None and start <= current[1]:
            current = (current[0], max(end, current[1]))
        else:
            if current is not None:
                yield current
            current = (start, end)
    if current is not None:
        yield current


def _on_timeline(
    span: AudioSpan, speech: Iterable[tuple[Fraction, Fraction]], picture: Picture
) -> Iterator[tuple[int, int]]:
    """Speech of the media as frames of the timeline, inside the clip."""
    last = min(span.start_frame + span.duration_frames, picture.duration_frames)
    for start, end in speech:
        edges = sorted(quantise(frame_of_media(span, moment, picture.rate)) for moment in (start, end))
        first, final = max(edges[0], span.start_frame, 0), min(edges[1], last)
        if final > first:
            yield first, final


def _speech(
    session: Any, path: Path, start: Fraction, end: Fraction, report: Callable[[Fraction], None]
) -> list[tuple[Fraction, Fraction]]:
    """Speech of a file between two moments, padded, in media seconds."""
    begin = max(Fraction(0), start - WARM_UP)
    chances = speech_chances(audio_between(path, begin, end, SAMPLE_RATE), session, report)
    step = Fraction(CHUNK, SAMPLE_RATE)
    found: list[tuple[Fraction, Fraction]] = []
    opened: Fraction | None = None
    last = Fraction(0)
    for index, chance in enumerate(chances):
        now = begin + index * step
        if chance >= SPEECH and opened is None:
            opened = now
        if chance >= SILENCE:
            last = now + step
        if opened is not None and now + step - last > PAUSE:
            found.append((opened, last))
            opened = None
    if opened is not None:
        found.append((opened, last))
    spoken = [(first, final) for first, final in found if final - first >= SHORTEST]
    padded = [(max(start, first - PAD), min(end, final + PAD)) for first, final in spoken]
    return [region for region in _joined(padded) if region[1] > region[0]]


def speech_chances(
    blocks: Iterable["NDArray[np.float32]"], session: Any = None, report: Callable[[Fraction], None] | None = None
) -> list[float]:
    """The probability of speech, 32 ms by 32 ms.

    blocks : mono samples at 16 kHz in order, any lengths, float32 in [-1, 1]. `report` gets the seconds heard.
    """
    import numpy as np

    session = session or _session()
    state = np.zeros((2, 1, 128), np.float32)
    rate = np.array(SAMPLE_RATE, np.int64)
    context = np.zeros(CONTEXT, np.float32)
    rest = np.zeros(0, np.float32)
    chances: list[float] = []

    def judge(chunk: "NDArray[np.float32]") -> None:
        nonlocal state, context
        heard = np.concatenate([context, chunk])[None]
        chance, state = session.run(None, {"input": heard, "state": state, "sr": rate})
        chances.append(float(chance[0, 0]))
        context = chunk[-CONTEXT:]
        if report is not None and len(chances) % 64 == 0:
            report(Fraction(len(chances) * CHUNK, SAMPLE_RATE))

    for block in blocks:
        rest = np.concatenate([rest, block])
        whole = len(rest) // CHUNK * CHUNK
        for at in range(0, whole, CHUNK):
            judge(rest[at : at + CHUNK])
        rest = rest[whole:]
    if len(rest):
        judge(np.pad(rest, (0, CHUNK - len(rest))))
    return chances


def _session() -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1  # the network is so small that threads only wait for each other
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(str(MODEL), options, providers=["CPUExecutionProvider"])
    except Exception as problem:  # onnxruntime's errors share no base but Exception
        raise ModelError(f"The speech detector {MODEL} cannot be loaded; install Shotscore again.") from problem
