"""A timeline's own times: its rate and start, and how long its items last, from where to where and how fast.

Positions are summed in exact seconds and quantised once, to frames.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from ..errors import TimelineError
from ..picture import READER_KEY
from ..timing import exact_rate, parse_timecode, quantise
from .files import MediaFiles
from .pieces import Window

MAX_NESTING = 64


@dataclass(slots=True)
class Cell:
    """An item of a track with its place in the track's time."""

    item: Any
    start: Fraction
    duration: Fraction


@dataclass(slots=True)
class Cells:
    """A track's items and transitions in order."""

    cells: list[Cell]
    transitions: list[tuple[int, Fraction, Any]]
    """(how many cells stand before it, the cut, the transition)."""
    duration: Fraction


@dataclass(slots=True)
class Layout:
    """The times of one timeline, and what was noticed while they were read."""

    timeline: Any
    files: MediaFiles
    warnings: list[str] = field(default_factory=list)
    _rates: dict[float, Fraction] = field(default_factory=dict)
    _cells: dict[int, Cells] = field(default_factory=dict)
    _kept: list[Any] = field(default_factory=list)
    """Keeps what `_cells` knows by its identity alive."""
    _windows: dict[int, tuple[Any, Fraction | None, Window]] = field(default_factory=dict)
    """By the identity of the item, which is kept: (item, content, window)."""
    _noted: set[str] = field(default_factory=set)

    def hints(self) -> dict[str, Any]:
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

    def fps(self, rate: float) -> Fraction:
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

    def seconds(self, time: Any) -> Fraction:
        value = time.value
        if value == 0:
            return Fraction(0)
        rate = self.fps(time.rate)
        if value == int(value) if abs(value) < 2**53 else False:
            return Fraction(int(value) * rate.denominator, rate.numerator)
        try:
            exact = Fraction(value).limit_denominator(1_000_000)
        except (ValueError, OverflowError) as problem:
            raise TimelineError(f"The timeline holds the time {value!r}, which is no number.") from problem
        return exact / rate

    def rate(self, hints: dict[str, Any]) -> Fraction:
        """The timeline's rate: what the reader knows, its start time's, else the rate most of its clips are cut in."""
        if "rate" in hints:
            return Fraction(hints["rate"])
        start = self.timeline.global_start_time
        if start is not None and self._plausible(start.rate):
            return self.fps(start.rate)
        ranges: Counter[Fraction] = Counter()
        media: Counter[Fraction] = Counter()
        for cells in self._cells.values():
            for cell in cells.cells:
                own = cell.item.source_range
                if own is not None and self._plausible(own.duration.rate):
                    ranges[self.fps(own.duration.rate)] += 1
                reference = getattr(cell.item, "media_reference", None)
                available = reference.available_range if reference is not None else None
                if available is not None and self._plausible(available.duration.rate):
                    media[self.fps(available.duration.rate)] += 1
        for found in (ranges, media):
            if found:
                return found.most_common(1)[0][0]
        self.warn("The timeline does not say its frame rate; it is read at 24 frames a second.")
        return Fraction(24)

    @staticmethod
    def _plausible(rate: float) -> bool:
        """A picture's rate, not a sample rate or a count of seconds."""
        return 5 <= rate <= 300

    def start_frame(self, rate: Fraction) -> int:
        start = self.timeline.global_start_time
        return quantise(self.seconds(start) * rate) if start is not None else 0

    def drop_frame(self, hints: dict[str, Any], start_frame: int, rate: Fraction) -> bool:
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

    def window(self, item: Any, content: Fraction | None) -> Window:
        """Which stretch of the item's content its parent sees; `content` is a composition's own length."""
        known = self._windows.get(id(item))
        if known is None or known[1] != content:
            known = self._windows[id(item)] = (item, content, self._window(item, content))
        return known[2]

    def _window(self, item: Any, content: Fraction | None) -> Window:
        own = item.source_range
        if own is None and content is None:
            reference = item.media_reference
            own = reference.available_range if reference is not None else None
        if own is None:
            start, duration = Fraction(0), content if content is not None else self._probed_duration(item)
        else:
            start, duration = self.seconds(own.start_time), self.seconds(own.duration)
        if duration < 0:
            raise TimelineError(f"The item {item.name!r} lasts {float(duration)} seconds; durations are not below 0.")
        if own is not None and content and (start >= content or start + duration <= 0):
            # Seen in files of older writers, which left a track's record timecode in its source range.
            self.warn(f"The source range of {item.name!r} lies outside its contents; the whole contents are used.")
            start, duration = Fraction(0), content
        speed = self._speed(item)
        if own is None and speed not in (0, 1):
            duration = duration / abs(speed)
        return Window(start, duration, speed)

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
                self.warn(f"The speed change of {item.name!r} is not linear; it is read at normal speed.")
        return speed

    def _probed_duration(self, item: Any) -> Fraction:
        path, offline = self.files.locate(item.media_reference)
        if path is not None and not offline:
            span = self.files.extent(path)
            if span is not None:
                return span[1]
        self.warn(f"The clip {item.name!r} does not say how long it lasts, and its media cannot tell; it is left out.")
        return Fraction(0)

    def cells_of(self, track: Any, depth: int) -> Cells:
        known = self._cells.get(id(track))
        if known is not None:
            return known
        import opentimelineio as otio

        cells: list[Cell] = []
        transitions: list[tuple[int, Fraction, Any]] = []
        cursor = Fraction(0)
        for child in track:
            if isinstance(child, otio.schema.Transition):
                transitions.append((len(cells), cursor, child))
                continue
            if not isinstance(child, otio.core.Item):
                self.warn(f"The item {child.name!r} in {track.name!r} is of no kind Shotscore knows; it is left out.")
                continue
            duration = self.duration(child, depth)
            if duration > 0:
                cells.append(Cell(child, cursor, duration))
                cursor += duration
        found = Cells(cells, transitions, cursor)
        self._cells[id(track)] = found
        self._kept.append(track)
        return found

    def duration(self, item: Any, depth: int) -> Fraction:
        return self.window(item, self.content_length(item, depth)).duration

    def content_length(self, item: Any, depth: int) -> Fraction | None:
        """Seconds a composition's children take; None for what is no composition."""
        import opentimelineio as otio

        if not isinstance(item, otio.core.Composition):
            return None if isinstance(item, otio.schema.Clip) else Fraction(0)
        if depth > MAX_NESTING:
            raise TimelineError(f"The timeline is nested more than {MAX_NESTING} levels deep at {item.name!r}.")
        if isinstance(item, otio.schema.Track):
            return self.cells_of(item, depth + 1).duration
        lengths = [self.duration(child, depth + 1) for child in item if isinstance(child, otio.core.Item)]
        return max(lengths, default=Fraction(0))

    def warn(self, sentence: str) -> None:
        if sentence not in self._noted:
            self._noted.add(sentence)
            self.warnings.append(sentence)
