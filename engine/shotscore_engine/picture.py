"""The picture: what the viewer sees, flattened from a timeline to shots.

Frames count from the timeline's start at the timeline's rate; ranges exclude their end.

Conventions of the flattening, where OpenTimelineIO leaves them open:

- An item lasts as long in its track as its `source_range` says, whatever its speed (as `range_of_child` has it); a
  clip at speed s shows s times that much media. Reversed, it shows the same stretch of media from its end.
- What is on top and enabled is seen; gaps and disabled items let the lower track through. Titles and adjustment
  layers are drawn over a picture, not instead of it: they make a shot only where nothing lies below.
- A dissolve (or wipe) is a cut at its middle. A fade from black begins where the first light appears, a fade to black
  ends where the last is gone. A fade over a lower track is a dissolve between the two tracks.
- Positions are summed in exact seconds and quantised once, to frames.

`opentimelineio.algorithms.flatten_stack` is not used: it drops transitions, markers and nested stacks' trims, keeps
no speed changes of the layers it cuts, and takes time quadratic in the number of clips.
"""

import re
import urllib.parse
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any, Literal

from .errors import MediaError, TimelineError
from .timing import exact_rate, parse_timecode, quantise, rate_text, seconds_at

if TYPE_CHECKING:
    import opentimelineio as otio

READER_KEY = "shotscore_reader"
"""Key of a timeline's metadata under which our readers leave what OpenTimelineIO has no field for: `rate` (text),
`drop_frame` (bool), `warnings` (list of sentences)."""

_MAX_NESTING = 64
_MAX_SECONDS = Fraction(48 * 3600)
_OVERLAY = re.compile(r"title|text|caption|lower.?third|adjustment|credits|graphic|transparent", re.IGNORECASE)


@dataclass(frozen=True)
class MediaSpan:
    """Which moments of a media file are shown or heard over a span of the timeline."""

    path: Path | None
    """The local file, or None where the timeline names none. An image sequence is a pattern such as `a.%04d.png`."""
    offline: bool
    """True where the file cannot be read now."""
    start: Fraction
    """Seconds from the file's first frame to the moment shown first."""
    speed: Fraction = Fraction(1)
    """Media seconds per second of the timeline: 2 is double speed, 0 a freeze frame, negative is reverse."""


@dataclass(frozen=True)
class Shot:
    """A run of picture between two cuts."""

    index: int
    """Numbered from 1 in the order of the picture."""
    start_frame: int
    duration_frames: int
    name: str
    media: MediaSpan | None
    """None for gaps, titles, colour and other generators."""
    origin: Literal["edit", "detected"] = "edit"
    """Who made the cut this shot begins with: the editor, or a detector inside a longer clip."""
    transition: Literal["cut", "dissolve", "fade"] = "cut"
    """How the shot begins. A dissolve's cut stands at its middle; a fade is from black, or into a black shot."""
    transition_frames: int = 0
    """How long that transition lasts; 0 for a cut."""
    fade_out_frames: int = 0
    """How long the shot takes to fade to black at its end; 0 where it does not."""

    @property
    def end_frame(self) -> int:
        """The frame after the last."""
        return self.start_frame + self.duration_frames


@dataclass(frozen=True)
class Marker:
    """A marker of the timeline, brought to the timeline's own frames."""

    frame: int
    duration_frames: int
    name: str
    comment: str = ""
    colour: str = ""


@dataclass(frozen=True)
class AudioSpan:
    """A clip of the timeline's own sound."""

    track: str
    start_frame: int
    duration_frames: int
    name: str
    media: MediaSpan | None


@dataclass(frozen=True)
class Picture:
    """A timeline flattened to what is seen and heard."""

    name: str
    rate: Fraction
    """Frames per second, exact."""
    start_frame: int
    """The absolute frame number of the first frame: 86400 for 01:00:00:00 at 24."""
    drop_frame: bool
    duration_frames: int
    shots: tuple[Shot, ...]
    """In order, without gaps or overlaps, covering every frame."""
    markers: tuple[Marker, ...] = ()
    audio: tuple[AudioSpan, ...] = ()
    dialogue: tuple[tuple[int, int], ...] = ()
    """(start, end) frames in which someone speaks."""
    warnings: tuple[str, ...] = ()
    """What could not be carried or found, one sentence each."""


def media_seconds(span: Shot | AudioSpan, frame: int | Fraction, rate: Fraction) -> Fraction:
    """Media time shown (or heard) at timeline `frame`: seconds from the file's first frame, never below 0.

    `rate` is the picture's. For a whole frame this is the moment that frame shows, reversed clips included; a decoder
    shows the media frame that contains it. Raises MediaError where the span has no media.
    """
    if span.media is None:
        raise MediaError(f"{span.name!r} at frame {span.start_frame} is a gap or a generator: it has no media time.")
    return max(Fraction(0), span.media.start + span.media.speed * seconds_at(frame - span.start_frame, rate))


def frame_of_media(span: Shot | AudioSpan, seconds: Fraction, rate: Fraction) -> Fraction:
    """The timeline frame (fractional) at which media time `seconds` is reached: the inverse of `media_seconds`.

    Raises MediaError where the span has no media or is a freeze frame.
    """
    if span.media is None or span.media.speed == 0:
        raise MediaError(f"{span.name!r} at frame {span.start_frame} stands still: media time does not pass in it.")
    return span.start_frame + (seconds - span.media.start) / span.media.speed * rate


def flatten(timeline: "otio.schema.Timeline", *, folder: Path | None = None) -> Picture:
    """What `timeline` shows and sounds like, in exact frames.

    `folder` is where relative media paths start (the timeline file's folder); without it, the working directory.
    Raises TimelineError where there is no picture, or where times or rates make no sense.
    """
    return _Flattener(timeline, folder).picture()


# -- what the flattening works on ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Fade:
    """A transition at the edge of a piece, in the piece's own time."""

    start: Fraction
    end: Fraction
    kind: Literal["dissolve", "fade"]

    @property
    def middle(self) -> Fraction:
        return (self.start + self.end) / 2

    def mapped(self, offset: Fraction, scale: Fraction) -> "_Fade":
        first, last = offset + self.start * scale, offset + self.end * scale
        return _Fade(min(first, last), max(first, last), self.kind)


@dataclass(frozen=True, slots=True)
class _Source:
    """A clip's media, resolved once a clip."""

    name: str
    media: tuple[Path | None, bool] | None
    """(path, offline); None for generators."""
    overlay: bool = False
    """Drawn over what lies below, like a title."""
    track: str = ""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of one clip in somebody's time (seconds); media time at `start` is `media`, changing by `speed`."""

    start: Fraction
    end: Fraction
    source: _Source
    media: Fraction
    speed: Fraction
    head: _Fade | None = None
    tail: _Fade | None = None

    def trimmed(self, start: Fraction, end: Fraction) -> "_Piece":
        """The part from `start` to `end`; an edge that moved inwards loses its fade."""
        if start == self.start and end == self.end:
            return self
        return _Piece(
            start,
            end,
            self.source,
            self.media + (start - self.start) * self.speed,
            self.speed,
            self.head if start <= self.start else None,
            self.tail if end >= self.end else None,
        )

    def mapped(self, offset: Fraction, scale: Fraction) -> "_Piece":
        """The piece in a parent's time t = offset + scale * own time; a negative scale plays it backwards."""
        first, last = offset + self.start * scale, offset + self.end * scale
        head = self.head.mapped(offset, scale) if self.head else None
        tail = self.tail.mapped(offset, scale) if self.tail else None
        if scale > 0:
            return _Piece(first, last, self.source, self.media, self.speed / scale, head, tail)
        at_end = self.media + (self.end - self.start) * self.speed
        return _Piece(last, first, self.source, at_end, self.speed / scale, tail, head)


@dataclass(slots=True)
class _Cell:
    """An item of a track with its place in the track's time."""

    item: Any
    start: Fraction
    duration: Fraction


@dataclass(slots=True)
class _Cells:
    cells: list[_Cell]
    transitions: list[tuple[int, Fraction, Any]]
    """(how many cells stand before it, the cut, the transition)."""
    duration: Fraction


@dataclass(slots=True)
class _Window:
    """Which stretch of an item's content is used and how it runs."""

    start: Fraction
    """Content time of the earliest moment used."""
    duration: Fraction
    """Seconds in the parent."""
    speed: Fraction

    @property
    def anchor(self) -> Fraction:
        """Content time at the item's first moment."""
        return self.start if self.speed >= 0 else self.start - self.duration * self.speed


@dataclass(slots=True)
class _Flattener:
    timeline: Any
    folder: Path | None
    warnings: list[str] = field(default_factory=list)
    _rates: dict[float, Fraction] = field(default_factory=dict)
    _paths: dict[str, tuple[Path | None, bool]] = field(default_factory=dict)
    _cells: dict[int, _Cells] = field(default_factory=dict)
    _kept: list[Any] = field(default_factory=list)
    _media_starts: dict[Path, tuple[Fraction, Fraction] | None] = field(default_factory=dict)
    _noted: set[str] = field(default_factory=set)
    _lost_markers: int = 0

    def picture(self) -> Picture:
        import opentimelineio as otio

        if not isinstance(self.timeline, otio.schema.Timeline):
            raise TimelineError(f"A timeline was expected, not a {type(self.timeline).__name__}.")
        hints = self._hints()
        stack = self.timeline.tracks
        name = self.timeline.name or ""
        pieces, duration = self._seen_in_stack(stack, 0)
        if not pieces:
            raise TimelineError(
                f"The timeline {name!r} holds no picture: no enabled clip on a video track; put the edit's video there."
            )
        if duration > _MAX_SECONDS:
            raise TimelineError(f"The timeline {name!r} lasts {float(duration) / 3600:.0f} hours; 48 are the most.")
        rate = self._rate(hints)
        frames = quantise(duration * rate)
        shots = self._shots(pieces, rate, frames)
        if not shots:
            raise TimelineError(f"The timeline {name!r} is shorter than one frame at {rate_text(rate)} a second.")
        start_frame = self._start_frame(rate)
        audio = self._audio(stack, rate)
        markers = self._markers(stack, rate, frames)
        self._warn_offline(shots)
        return Picture(
            name=name,
            rate=rate,
            start_frame=start_frame,
            drop_frame=self._drop_frame(hints, start_frame, rate),
            duration_frames=frames,
            shots=shots,
            markers=markers,
            audio=audio,
            warnings=tuple(self.warnings),
        )

    # -- rates and times ------------------------------------------------------------------------------------------

    def _hints(self) -> dict[str, Any]:
        """What our readers left in the metadata, checked: the file may have been written by anybody."""
        raw = self.timeline.metadata.get(READER_KEY)
        hints: dict[str, Any] = {}
        if raw is None or not hasattr(raw, "get"):
            return hints
        rate, drop, sentences = raw.get("rate"), raw.get("drop_frame"), raw.get("warnings")
        if isinstance(rate, str):
            hints["rate"] = exact_rate(rate)
        if isinstance(drop, bool):
            hints["drop_frame"] = drop
        if sentences is not None and not isinstance(sentences, str) and isinstance(sentences, Iterable):
            self.warnings.extend(text for text in sentences if isinstance(text, str))
        return hints

    def _fps(self, rate: float) -> Fraction:
        known = self._rates.get(rate)
        if known is None:
            try:
                known = exact_rate(rate) if 1 <= rate <= 1000 else Fraction(rate).limit_denominator(1001)
            except (ValueError, OverflowError) as problem:
                raise TimelineError(f"The timeline holds a time with the rate {rate!r}: no number.") from problem
            if known <= 0:
                raise TimelineError(f"The timeline holds a time with the rate {rate!r}; rates are above 0.")
            self._rates[rate] = known
        return known

    def _seconds(self, time: Any) -> Fraction:
        value = time.value
        if value == 0:
            return Fraction(0)
        rate = self._fps(time.rate)
        if value == int(value) if abs(value) < 2**53 else False:
            return Fraction(int(value) * rate.denominator, rate.numerator)
        try:
            exact = Fraction(value).limit_denominator(1_000_000)
        except (ValueError, OverflowError) as problem:
            raise TimelineError(f"The timeline holds the time {value!r}, which is no number.") from problem
        return exact / rate

    def _rate(self, hints: dict[str, Any]) -> Fraction:
        """The timeline's rate: what the reader knows, its start time's, else the rate most of its clips are cut in."""
        if "rate" in hints:
            return Fraction(hints["rate"])
        start = self.timeline.global_start_time
        if start is not None and self._plausible(start.rate):
            return self._fps(start.rate)
        ranges: Counter[Fraction] = Counter()
        media: Counter[Fraction] = Counter()
        for cells in self._cells.values():
            for cell in cells.cells:
                own = cell.item.source_range
                if own is not None and self._plausible(own.duration.rate):
                    ranges[self._fps(own.duration.rate)] += 1
                reference = getattr(cell.item, "media_reference", None)
                available = reference.available_range if reference is not None else None
                if available is not None and self._plausible(available.duration.rate):
                    media[self._fps(available.duration.rate)] += 1
        for found in (ranges, media):
            if found:
                return found.most_common(1)[0][0]
        self._warn("The timeline does not say its frame rate; it is read at 24 frames a second.")
        return Fraction(24)

    @staticmethod
    def _plausible(rate: float) -> bool:
        """A picture's rate, not a sample rate or a count of seconds."""
        return 5 <= rate <= 300

    def _start_frame(self, rate: Fraction) -> int:
        start = self.timeline.global_start_time
        return quantise(self._seconds(start) * rate) if start is not None else 0

    def _drop_frame(self, hints: dict[str, Any], start_frame: int, rate: Fraction) -> bool:
        """Drop-frame where the file says so, or where only drop-frame makes the start a whole ten minutes.

        OpenTimelineIO has no field for it: 107892 at 29.97 is 01:00:00;00, and 108000 is 01:00:00:00.
        """
        if rate.denominator != 1001 or quantise(rate) % 30:
            return False
        if "drop_frame" in hints:
            return bool(hints["drop_frame"])
        nominal = quantise(rate)
        if start_frame % (nominal * 60) == 0:
            return False
        tens = 10 * quantise(Fraction(start_frame, nominal * 600))
        return parse_timecode(f"{tens // 60:02}:{tens % 60:02}:00;00", rate) == start_frame

    # -- the seen -------------------------------------------------------------------------------------------------

    def _window(self, item: Any, content: Fraction | None) -> _Window:
        """Which stretch of the item's content its parent sees; `content` is a composition's own length."""
        own = item.source_range
        if own is None and content is None:
            reference = item.media_reference
            own = reference.available_range if reference is not None else None
        if own is None:
            start, duration = Fraction(0), content if content is not None else self._probed_duration(item)
        else:
            start, duration = self._seconds(own.start_time), self._seconds(own.duration)
        if duration < 0:
            raise TimelineError(f"The item {item.name!r} lasts {float(duration)} seconds; durations are not below 0.")
        if own is not None and content and (start >= content or start + duration <= 0):
            # Seen in files of older writers, which left a track's record timecode in its source range.
            self._warn(f"The source range of {item.name!r} lies outside its contents; the whole contents are used.")
            start, duration = Fraction(0), content
        speed = self._speed(item)
        if own is None and speed not in (0, 1):
            duration = duration / abs(speed)
        return _Window(start, duration, speed)

    def _speed(self, item: Any) -> Fraction:
        import opentimelineio as otio

        speed = Fraction(1)
        for effect in item.effects:
            if not getattr(effect, "enabled", True):
                continue
            if isinstance(effect, otio.schema.LinearTimeWarp):
                try:
                    speed *= Fraction(effect.time_scalar).limit_denominator(100_000)
                except (ValueError, OverflowError) as problem:
                    raise TimelineError(f"{item.name!r} has the speed {effect.time_scalar!r}: no number.") from problem
            elif isinstance(effect, otio.schema.TimeEffect):
                self._warn(f"The speed change of {item.name!r} is not linear; it is read at normal speed.")
        return speed

    def _probed_duration(self, item: Any) -> Fraction:
        path, offline = self._locate(item.media_reference)
        if path is not None and not offline:
            span = self._media_extent(path)
            if span is not None:
                return span[1]
        self._warn(f"The clip {item.name!r} does not say how long it lasts, and its media cannot tell; it is left out.")
        return Fraction(0)

    def _cells_of(self, track: Any, depth: int) -> _Cells:
        known = self._cells.get(id(track))
        if known is not None:
            return known
        import opentimelineio as otio

        cells: list[_Cell] = []
        transitions: list[tuple[int, Fraction, Any]] = []
        cursor = Fraction(0)
        for child in track:
            if isinstance(child, otio.schema.Transition):
                transitions.append((len(cells), cursor, child))
                continue
            if not isinstance(child, otio.core.Item):
                self._warn(f"The item {child.name!r} in {track.name!r} is of no kind Shotscore knows; it is left out.")
                continue
            duration = self._duration(child, depth)
            if duration > 0:
                cells.append(_Cell(child, cursor, duration))
                cursor += duration
        found = _Cells(cells, transitions, cursor)
        self._cells[id(track)] = found
        self._kept.append(track)
        return found

    def _duration(self, item: Any, depth: int) -> Fraction:
        return self._window(item, self._content_length(item, depth)).duration

    def _content_length(self, item: Any, depth: int) -> Fraction | None:
        """Seconds a composition's children take; None for what is no composition."""
        import opentimelineio as otio

        if not isinstance(item, otio.core.Composition):
            return None if isinstance(item, otio.schema.Clip) else Fraction(0)
        if depth > _MAX_NESTING:
            raise TimelineError(f"The timeline is nested more than {_MAX_NESTING} levels deep at {item.name!r}.")
        if isinstance(item, otio.schema.Track):
            return self._cells_of(item, depth + 1).duration
        lengths = [self._duration(child, depth + 1) for child in item if isinstance(child, otio.core.Item)]
        return max(lengths, default=Fraction(0))

    def _seen(self, item: Any, depth: int) -> list[_Piece]:
        """The pieces an item shows, in its parent's time from 0."""
        import opentimelineio as otio

        if not item.enabled or isinstance(item, otio.schema.Gap):
            return []
        if isinstance(item, otio.schema.Clip):
            return self._clip(item, "")
        if not isinstance(item, otio.core.Composition):
            self._warn(f"The item {item.name!r} is of no kind Shotscore knows; it is left out.")
            return []
        if isinstance(item, otio.schema.Track):
            pieces, length = self._seen_in_track(item, depth), self._cells_of(item, depth).duration
        else:
            pieces, length = self._seen_in_stack(item, depth + 1, whole=True)
        return _fit(pieces, self._window(item, length))

    def _seen_in_stack(self, stack: Any, depth: int, *, whole: bool = False) -> tuple[list[_Piece], Fraction]:
        """What a stack's layers show together, and how long the picture is (`whole`: how long all its layers are)."""
        import opentimelineio as otio

        if depth > _MAX_NESTING:
            raise TimelineError(f"The timeline is nested more than {_MAX_NESTING} levels deep at {stack.name!r}.")
        opaque: list[list[_Piece]] = []
        overlays: list[list[_Piece]] = []
        length = Fraction(0)
        for layer in stack:
            if not isinstance(layer, otio.core.Item):
                continue
            is_picture = not isinstance(layer, otio.schema.Track) or layer.kind == otio.schema.TrackKind.Video
            if not is_picture and not whole:
                continue
            if layer.enabled or whole:
                length = max(length, self._duration(layer, depth))
            if not is_picture:
                continue
            pieces = self._seen(layer, depth + 1)
            opaque.append([piece for piece in pieces if not piece.source.overlay])
            overlays.append([piece for piece in pieces if piece.source.overlay])
        seen: list[_Piece] = []
        for below in (*reversed(opaque), *reversed(overlays)):
            seen = _over(seen, below) if below else seen
        if not whole and stack.source_range is not None:
            window = self._window(stack, length)
            return _fit(seen, window), window.duration
        return seen, length

    def _seen_in_track(self, track: Any, depth: int) -> list[_Piece]:
        laid = self._cells_of(track, depth)
        shown: list[list[_Piece]] = []
        for cell in laid.cells:
            shown.append([piece.mapped(cell.start, Fraction(1)) for piece in self._seen(cell.item, depth + 1)])
        for after, cut, transition in laid.transitions:
            self._apply_transition(laid.cells, shown, after, cut, transition)
        return [piece for pieces in shown for piece in pieces if piece.end > piece.start]

    def _apply_transition(
        self, cells: Sequence[_Cell], shown: list[list[_Piece]], after: int, cut: Fraction, transition: Any
    ) -> None:
        """Move the cut to the transition's middle, or light up and out at black.

        before: A ....|.... B     dissolve from `first` to `last` around the cut
        after:  A ......|.. B     the cut at its middle, B marked "dissolve"
        """
        first, last = cut - self._seconds(transition.in_offset), cut + self._seconds(transition.out_offset)
        if last <= first:
            return
        left, right = after - 1, after
        a = shown[left] if left >= 0 else []
        b = shown[right] if right < len(shown) else []
        a_lit = bool(a) and a[-1].end >= cut
        b_lit = bool(b) and b[0].start <= cut
        via_black = "black" in (transition.name or "").lower() or "dip" in (transition.name or "").lower()
        if a_lit and b_lit:
            middle = min(max((first + last) / 2, a[-1].start), b[0].end)
            a[-1] = a[-1].trimmed(a[-1].start, middle)
            b[0] = replace(b[0].trimmed(middle, b[0].end), head=_Fade(first, last, "fade" if via_black else "dissolve"))
        elif b_lit:
            floor = cells[left].start if left >= 0 else Fraction(0)
            b[0] = replace(b[0].trimmed(max(first, floor), b[0].end), head=_Fade(max(first, floor), last, "fade"))
        elif a_lit:
            a[-1] = replace(a[-1].trimmed(a[-1].start, last), tail=_Fade(first, last, "fade"))

    def _clip(self, clip: Any, track: str) -> list[_Piece]:
        import opentimelineio as otio

        window = self._window(clip, None)
        reference = clip.media_reference
        name = clip.name or (reference.name if reference is not None else "") or ""
        if isinstance(reference, otio.schema.GeneratorReference):
            overlay = bool(_OVERLAY.search(f"{reference.generator_kind} {name}"))
            source = _Source(name or reference.generator_kind or "generator", None, overlay, track)
            return [_Piece(Fraction(0), window.duration, source, Fraction(0), Fraction(0))]
        path, offline = self._locate(reference)
        if path is None and isinstance(reference, otio.schema.MissingReference | None):
            overlay = name.strip().lower() in ("adjustment layer", "adjustment clip")
        else:
            overlay = False
        available = reference.available_range if reference is not None else None
        if available is not None:
            origin = self._seconds(available.start_time)
        elif path is not None and not offline and window.start > 0:
            origin = self._media_origin(path, window, name)
        else:
            origin = Fraction(0)
        if window.start < origin:
            self._warn(
                f"The clip {name!r} begins {float(origin - window.start):.3f} s before its media does; "
                "the media's first frame stands in."
            )
        source = _Source(name or (path.stem if path is not None else "clip"), (path, offline), overlay, track)
        return [_Piece(Fraction(0), window.duration, source, window.anchor - origin, window.speed)]

    def _media_extent(self, path: Path) -> tuple[Fraction, Fraction] | None:
        """(start timecode in seconds, duration in seconds) of a readable file; None where it cannot be opened."""
        if path not in self._media_starts:
            from .media import probe

            try:
                info = probe(path)
                self._media_starts[path] = (info.start_seconds, info.duration)
            except MediaError:
                self._media_starts[path] = None
        return self._media_starts[path]

    def _media_origin(self, path: Path, window: _Window, name: str) -> Fraction:
        """Where media time begins for a clip whose reference does not say: at 0, or at the file's own timecode."""
        extent = self._media_extent(path)
        if extent is None:
            return Fraction(0)
        timecode, duration = extent
        if window.start < duration or timecode == 0:
            return Fraction(0)
        if timecode <= window.start < timecode + duration:
            return timecode
        self._warn(f"The clip {name!r} asks for moments its media {path.name} does not have.")
        return Fraction(0)

    # -- files ----------------------------------------------------------------------------------------------------

    def _locate(self, reference: Any) -> tuple[Path | None, bool]:
        import opentimelineio as otio

        if isinstance(reference, otio.schema.ExternalReference):
            return self._file(reference.target_url or "")
        if isinstance(reference, otio.schema.ImageSequenceReference):
            return self._sequence(reference)
        return None, True

    def _file(self, url: str) -> tuple[Path | None, bool]:
        if url not in self._paths:
            candidates = local_paths(url, self.folder)
            found = next((path for path in candidates if _readable(path)), None)
            self._paths[url] = (found, False) if found else (candidates[0] if candidates else None, True)
        return self._paths[url]

    def _sequence(self, reference: Any) -> tuple[Path | None, bool]:
        base = reference.target_url_base or ""
        if base and not base.endswith(("/", "\\")):
            base += "/"
        padding = min(max(int(reference.frame_zero_padding), 0), 32)
        number = f"{reference.start_frame:0{padding}}" if padding else str(reference.start_frame)
        suffix = reference.name_suffix or ""
        first, offline = self._file(f"{base}{urllib.parse.quote(reference.name_prefix or '')}{number}{suffix}")
        if first is None:
            return None, True
        pattern = f"%0{padding}d" if padding else "%d"
        prefix = (reference.name_prefix or "").replace("%", "%%")
        return first.with_name(f"{prefix}{pattern}{suffix.replace('%', '%%')}"), offline

    def _warn(self, sentence: str) -> None:
        if sentence not in self._noted:
            self._noted.add(sentence)
            self.warnings.append(sentence)

    def _warn_offline(self, shots: Sequence[Shot]) -> None:
        names = list(dict.fromkeys(shot.name for shot in shots if shot.media is not None and shot.media.offline))
        if names:
            listed = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
            self._warn(f"Media cannot be read for {listed}; what is known from the timeline is used instead.")
        if self._lost_markers:
            self._warn(f"{self._lost_markers} markers stand outside the used ranges of their clips; they are left out.")

    # -- results --------------------------------------------------------------------------------------------------

    def _shots(self, pieces: Sequence[_Piece], rate: Fraction, frames: int) -> tuple[Shot, ...]:
        shots: list[Shot] = []
        cursor = 0
        fading = 0

        def black(until: int) -> None:
            kind: Literal["cut", "fade"] = "fade" if fading else "cut"
            shots.append(Shot(len(shots) + 1, cursor, until - cursor, "black", None, "edit", kind, fading))

        for piece in pieces:
            start, end = max(cursor, quantise(piece.start * rate)), min(frames, quantise(piece.end * rate))
            if end <= start:
                continue
            if start > cursor:
                black(start)
            head = quantise((piece.head.end - piece.head.start) * rate) if piece.head else 0
            fading = quantise((piece.tail.end - piece.tail.start) * rate) if piece.tail else 0
            shots.append(
                Shot(
                    index=len(shots) + 1,
                    start_frame=start,
                    duration_frames=end - start,
                    name=piece.source.name,
                    media=_span(piece, start, rate),
                    transition=piece.head.kind if piece.head and head else "cut",
                    transition_frames=head,
                    fade_out_frames=fading,
                )
            )
            cursor = end
        if shots and cursor < frames:
            black(frames)
        return tuple(shots)

    def _audio(self, stack: Any, rate: Fraction) -> tuple[AudioSpan, ...]:
        found: dict[AudioSpan, None] = {}
        for piece in self._heard_in_stack(stack, 0):
            start, end = quantise(piece.start * rate), quantise(piece.end * rate)
            if end > start >= 0:
                media = _span(piece, start, rate)
                found[AudioSpan(piece.source.track, start, end - start, piece.source.name, media)] = None
        # A nested sequence often lies on a video and on an audio track: its sound is heard once.
        once: dict[tuple[int, int, str, MediaSpan | None], AudioSpan] = {}
        for span in found:
            named = span.media is not None and span.media.path is not None
            key = (span.start_frame, span.duration_frames, "" if named else f"{span.track}/{span.name}", span.media)
            once.setdefault(key, span)
        return tuple(sorted(once.values(), key=lambda span: (span.start_frame, span.track)))

    def _heard_in_stack(self, stack: Any, depth: int) -> list[_Piece]:
        import opentimelineio as otio

        pieces: list[_Piece] = []
        number = 0
        for layer in stack:
            if not isinstance(layer, otio.schema.Track):
                continue
            sounding = layer.kind == otio.schema.TrackKind.Audio
            number += sounding
            if not layer.enabled or not (sounding or layer.kind == otio.schema.TrackKind.Video):
                continue
            label = layer.name or f"A{number}"
            heard: list[_Piece] = []
            for cell in self._cells_of(layer, depth).cells:
                inner = self._heard(cell.item, depth + 1, label if sounding else None)
                heard.extend(piece.mapped(cell.start, Fraction(1)) for piece in inner)
            pieces.extend(_fit(heard, self._window(layer, self._cells_of(layer, depth).duration)))
        if depth == 0 and stack.source_range is not None:
            pieces = _fit(pieces, self._window(stack, self._content_length(stack, depth)))
        return pieces

    def _heard(self, item: Any, depth: int, label: str | None) -> list[_Piece]:
        """What an item sounds like; `label` is the audio track it lies on, None on a video track."""
        import opentimelineio as otio

        if not item.enabled or isinstance(item, otio.schema.Gap):
            return []
        if isinstance(item, otio.schema.Clip):
            return self._clip(item, label) if label is not None else []
        if not isinstance(item, otio.core.Composition):
            return []
        window = self._window(item, self._content_length(item, depth))
        if isinstance(item, otio.schema.Stack):
            pieces = self._heard_in_stack(item, depth + 1)
            if not pieces and label is not None:
                pieces = [piece for child in item for piece in self._heard(child, depth + 1, label)]
        else:
            pieces = []
            for cell in self._cells_of(item, depth).cells:
                pieces.extend(p.mapped(cell.start, Fraction(1)) for p in self._heard(cell.item, depth + 1, label))
        if label is not None:
            pieces = [replace(piece, source=replace(piece.source, track=label)) for piece in pieces]
        return _fit(pieces, window)

    # -- markers --------------------------------------------------------------------------------------------------

    def _markers(self, stack: Any, rate: Fraction, frames: int) -> tuple[Marker, ...]:
        found: dict[Marker, None] = {}
        end = Fraction(frames) / rate
        start = self.timeline.global_start_time
        origin = self._seconds(start) if start is not None else Fraction(0)

        def add(marker: Any, at: Fraction, length: Fraction) -> None:
            frame = quantise(at * rate)
            if not 0 <= frame <= frames:
                self._lost_markers += 1
                return
            comment = getattr(marker, "comment", "") or ""
            found[Marker(frame, max(0, quantise(length * rate)), marker.name or "", comment, marker.color or "")] = None

        def own(item: Any, offset: Fraction, scale: Fraction, low: Fraction, high: Fraction, top: bool) -> None:
            for marker in item.markers:
                at = self._seconds(marker.marked_range.start_time)
                if top and at >= end and 0 <= at - origin <= end:
                    at -= origin  # some editors count a timeline's markers from its start timecode
                if low <= at <= high:
                    add(marker, offset + at * scale, self._seconds(marker.marked_range.duration) * abs(scale))
                else:
                    self._lost_markers += 1

        def walk(item: Any, cell_start: Fraction, offset: Fraction, scale: Fraction, depth: int) -> None:
            """`offset + scale * t` takes the parent's time t to the timeline's."""
            if not item.enabled:
                return
            length = self._content_length(item, depth)
            window = self._window(item, length)
            if window.duration <= 0:
                return
            if window.speed == 0:
                inner_scale, inner_offset = Fraction(0), offset + scale * cell_start
            else:
                inner_scale = scale / window.speed
                inner_offset = offset + scale * cell_start - inner_scale * window.anchor
            used = window.duration * abs(window.speed)
            own(item, inner_offset, inner_scale, window.start, window.start + used, depth == 0)
            if length is None or window.speed == 0:
                return
            import opentimelineio as otio

            if isinstance(item, otio.schema.Track):
                for cell in self._cells_of(item, depth).cells:
                    walk(cell.item, cell.start, inner_offset, inner_scale, depth + 1)
            elif isinstance(item, otio.core.Composition):
                for child in item:
                    if isinstance(child, otio.core.Item):
                        walk(child, Fraction(0), inner_offset, inner_scale, depth + 1)

        walk(stack, Fraction(0), Fraction(0), Fraction(1), 0)
        more = getattr(self.timeline, "markers", None)
        for marker in more or ():
            add(marker, self._seconds(marker.marked_range.start_time), self._seconds(marker.marked_range.duration))
        return tuple(sorted(found, key=lambda marker: (marker.frame, marker.name)))


# -- pure helpers ---------------------------------------------------------------------------------------------------


def _fit(pieces: Sequence[_Piece], window: _Window) -> list[_Piece]:
    """Content pieces as the parent sees them: trimmed to the window, run at its speed, in time order from 0."""
    if window.speed == 0:
        held = next((piece for piece in pieces if piece.start <= window.start < piece.end), None)
        if held is None:
            return []
        moment = held.media + (window.start - held.start) * held.speed
        return [_Piece(Fraction(0), window.duration, held.source, moment, Fraction(0))]
    low, high = window.start, window.start + window.duration * abs(window.speed)
    inside = [piece.trimmed(max(piece.start, low), min(piece.end, high)) for piece in pieces]
    scale = 1 / window.speed
    offset = -window.anchor * scale
    if scale == 1 and offset == 0:
        return [piece for piece in inside if piece.end > piece.start]
    mapped = [piece.mapped(offset, scale) for piece in inside if piece.end > piece.start]
    return mapped if scale > 0 else mapped[::-1]


def _over(top: Sequence[_Piece], below: Sequence[_Piece]) -> list[_Piece]:
    """`top` with the holes it leaves filled from `below`; both in time order, and so is the result.

    top:    ____TTTT____      a T that fades at an edge over something below dissolves with it
    below:  BBBBBBBBBBCC
    result: BBBBTTTTBBCC
    """
    if not top:
        return list(below)
    result: list[_Piece] = []
    cursor = Fraction(0)
    at = 0
    soft: _Fade | None = None

    def fill(until: Fraction | None) -> None:
        nonlocal at
        while at < len(below) and below[at].end <= cursor:
            at += 1
        index = at
        while index < len(below) and (until is None or below[index].start < until):
            piece = below[index]
            part = piece.trimmed(max(piece.start, cursor), piece.end if until is None else min(piece.end, until))
            if part.end > part.start:
                joins = soft is not None and part.start == cursor
                result.append(replace(part, head=soft) if joins else part)
            index += 1

    for piece in top:
        shown = piece
        if shown.head and shown.head.kind == "fade" and _covers(below, shown.head.start, at):
            middle = min(shown.head.middle, shown.end)
            shown = replace(shown.trimmed(middle, shown.end), head=_Fade(shown.head.start, shown.head.end, "dissolve"))
        fill(shown.start)
        soft = None
        if shown.tail and shown.tail.kind == "fade" and _covers(below, shown.tail.end, at):
            soft = _Fade(shown.tail.start, shown.tail.end, "dissolve")
            shown = replace(shown.trimmed(shown.start, max(soft.middle, shown.start)), tail=None)
        result.append(shown)
        cursor = shown.end
    fill(None)
    return [piece for piece in result if piece.end > piece.start]


def _covers(pieces: Sequence[_Piece], moment: Fraction, first: int) -> bool:
    for piece in pieces[first:]:
        if piece.start > moment:
            return False
        if piece.end >= moment:
            return True
    return False


def _span(piece: _Piece, start: int, rate: Fraction) -> MediaSpan | None:
    """The media of a piece as seen from its first whole frame."""
    if piece.source.media is None:
        return None
    path, offline = piece.source.media
    moment = piece.media + (Fraction(start) / rate - piece.start) * piece.speed
    if piece.speed < 0:
        moment += piece.speed / rate  # the media frame before the exclusive end is shown first
    return MediaSpan(path, offline, max(Fraction(0), moment), piece.speed)


def _readable(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size > 0
    except (OSError, ValueError):
        return False


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


def _windows(text: str) -> Path:
    return Path(PureWindowsPath(text).as_posix())


def _unique(*paths: Path) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(paths))


__all__ = [
    "READER_KEY",
    "AudioSpan",
    "Marker",
    "MediaSpan",
    "Picture",
    "Shot",
    "flatten",
    "frame_of_media",
    "local_paths",
    "media_seconds",
]
