"""AAF, the Advanced Authoring Format: Avid's file, and Premiere's and Resolve's towards it.

Our own reader on pyaaf2: the published adapter copies every property of the file into metadata (minutes for a small
project) and wants one rate everywhere. What an AAF is: a top-level composition's slots are tracks, each with its own
edit rate; a slot holds a sequence of source clips, fillers, effects (operation groups) and transitions, which overlap
their neighbours. A source clip leads through a master mob to a file mob, whose descriptor may name the file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ShotscoreError, TimelineError
from ..timing import exact_rate, quantise
from .common import Nests, TrackBuilder, clip_of, marker, note, warp

if TYPE_CHECKING:
    import opentimelineio as otio

_MAX_NESTING = 32
_MAX_COMPONENTS = 200_000


@contextmanager
def opened(path: Path, mode: str) -> Iterator[Any]:
    """pyaaf2's file at `path` ("r", "rw", "w"), saved where the block ends well and closed whatever becomes of it.

    pyaaf2 opens the file while it is made, and leaves it open where it then finds damage or cannot save.
    """
    from aaf2.file import AAFFile

    file = AAFFile.__new__(AAFFile)
    try:
        file.__init__(str(path), mode)
        with file:
            yield file
    finally:
        if getattr(file, "f", None) is not None:
            file.f.close()


def read(path: Path) -> "otio.schema.Timeline":
    """The first top-level composition with a picture. Raises TimelineError where there is none, or it is damaged."""
    with path.open("rb") as file:
        if file.read(8) != b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
            raise TimelineError(f"{path} is no AAF file; export it again.")
    try:
        with opened(path, "r") as aaf:
            return _Composition(aaf, path).timeline()
    except (ShotscoreError, OSError, MemoryError, RecursionError):
        raise
    except Exception as problem:
        # pyaaf2 meets damage wherever it is (struct, key, index, unicode, assertion errors …) and names none of it.
        reason = " ".join(str(problem).split())[:120]
        raise TimelineError(f"{path} is a damaged AAF file ({type(problem).__name__}: {reason}).") from problem


class _Composition:
    def __init__(self, file: Any, path: Path) -> None:
        self.file, self.path = file, path
        self.warnings: list[str] = []
        self.depth = 0
        self.nests = Nests(path)
        self.count = 0
        self.rate = Fraction(0)

    def timeline(self) -> "otio.schema.Timeline":
        import opentimelineio as otio

        mobs = list(self.file.content.toplevel()) or list(self.file.content.compositionmobs())
        if not mobs:
            mobs = [mob for mob in self.file.content.mastermobs() if self.slots(mob, "Picture")]
        chosen = [mob for mob in mobs if self.slots(mob, "Picture")] or mobs
        if not chosen:
            raise TimelineError(f"{self.path} holds no composition; export the sequence from the editor.")
        mob = chosen[0]
        if len(mobs) > 1:
            self.warnings.append(f"The file holds {len(mobs)} compositions; {mob.name!r} is read.")
        picture, sound = self.slots(mob, "Picture"), self.slots(mob, "Sound")
        if not picture:
            raise TimelineError(f"{self.path}: the composition {mob.name!r} holds no picture track.")
        self.rate = self.slot_rate(picture[0])
        start, drop = self.timecode(mob)
        timeline = otio.schema.Timeline(name=mob.name or self.path.stem)
        timeline.global_start_time = otio.opentime.RationalTime(start, float(self.rate))
        for slots, kind in ((picture, otio.schema.TrackKind.Video), (sound, otio.schema.TrackKind.Audio)):
            for number, slot in enumerate(slots, 1):
                label = slot.name or f"{kind[0]}{number}"
                timeline.tracks.append(self.track(slot.segment, label, kind, self.slot_rate(slot)))
        timeline.tracks.markers.extend(self.markers(mob))
        return note(timeline, rate=self.rate, drop_frame=drop, warnings=self.warnings)

    # -- slots ----------------------------------------------------------------------------------------------------

    def slots(self, mob: Any, kind: str) -> list[Any]:
        """The mob's timeline slots of a kind ("Picture", "Sound"), by their track number."""
        found = []
        for slot in mob.slots:
            if type(slot).__name__ == "TimelineMobSlot" and slot.segment is not None:
                named = str(slot.segment.media_kind or "")
                if named == kind or named == f"Legacy{kind}":
                    found.append(slot)
        return sorted(found, key=lambda slot: self.value(slot, "PhysicalTrackNumber") or 0)

    def slot_rate(self, slot: Any) -> Fraction:
        rate = Fraction(slot.edit_rate)
        return exact_rate(rate) if 1 <= rate <= 1000 else rate

    @staticmethod
    def value(item: Any, name: str) -> Any:
        found = item.get(name)
        return found.value if found is not None else None

    def timecode(self, mob: Any) -> tuple[int, bool]:
        """(start frame at the picture's rate, drop-frame) of the first timecode slot."""
        for slot in mob.slots:
            segment = slot.segment
            components = segment.components if type(segment).__name__ == "Sequence" else [segment]
            for found in components:
                if type(found).__name__ == "Timecode":
                    return int(found.start or 0), bool(self.value(found, "Drop"))
        return 0, False

    def markers(self, mob: Any) -> list[Any]:
        made = []
        for slot in mob.slots:
            if type(slot).__name__ != "EventMobSlot":
                continue
            segment = slot.segment
            rate = self.slot_rate(slot)
            for event in segment.components if type(segment).__name__ == "Sequence" else [segment]:
                position = self.value(event, "Position")
                if position is None:
                    continue
                comment = str(self.value(event, "Comment") or "")
                colour = ""
                for tagged in self.value(event, "CommentMarkerAttributeList") or []:
                    if tagged.name in ("_ATN_CRM_COLOR", "_ATN_CRM_COLOR_EXTENDED") and not colour:
                        colour = str(tagged.value)
                at = quantise(Fraction(int(position)) * self.rate / rate)
                made.append(marker(comment, at, 0, self.rate, colour=colour))
        return made

    # -- tracks ---------------------------------------------------------------------------------------------------

    def track(self, segment: Any, name: str, kind: str, rate: Fraction) -> "otio.schema.Track":
        """A slot's segment as a track, in frames of the slot's own rate."""
        builder = TrackBuilder(name, kind, rate, self.warnings)
        components = list(segment.components) if type(segment).__name__ == "Sequence" else [segment]
        self.count += len(components)
        if self.count > _MAX_COMPONENTS:
            raise TimelineError(f"{self.path} holds more than {_MAX_COMPONENTS:,} components; it is not read.")
        cursor = 0
        head = 0  # frames of the next component that lie under the transition before its cut
        for index, component in enumerate(components):
            length = int(component.length or 0)
            if type(component).__name__ == "Transition":
                cursor -= length
                point = min(max(int(self.value(component, "CutPoint") or 0), 0), length)
                builder.transition(cursor + point, cursor, cursor + length, "Dissolve")
                head = point
                continue
            follows = components[index + 1] if index + 1 < len(components) else None
            tail = 0
            if follows is not None and type(follows).__name__ == "Transition":
                over = int(follows.length or 0)
                tail = over - min(max(int(self.value(follows, "CutPoint") or 0), 0), over)
            used = length - head - tail
            if used > 0:
                made = self.item(component, kind, rate, head, used)
                if made is not None:
                    builder.add(cursor + head, made, used)
                else:
                    builder.gap_to(cursor + head + used)
            cursor += length
            head = 0
        builder.gap_to(cursor)
        return builder.track

    def item(self, component: Any, kind: str, rate: Fraction, first: int, length: int) -> Any:
        """A component's frames from `first` on as a clip, stack or None for nothing to see or hear."""
        self.depth += 1
        if self.depth > _MAX_NESTING:
            raise TimelineError(f"{self.path} nests effects or clips more than {_MAX_NESTING} deep, or in a circle.")
        try:
            made = self.made(component, kind, rate, first, length)
        finally:
            self.depth -= 1
        if made is not None and self.is_muted(component):
            made.enabled = False
        return made

    def is_muted(self, component: Any) -> bool:
        for tagged in self.value(component, "ComponentAttributeList") or []:
            if tagged.name == "_DISABLE_CLIP_FLAG" and tagged.value:
                return True
        return False

    def made(self, component: Any, kind: str, rate: Fraction, first: int, length: int) -> Any:
        import opentimelineio as otio

        name = type(component).__name__
        if name == "SourceClip":
            return self.source_clip(component, kind, rate, first, length)
        if name == "OperationGroup":
            return self.operation(component, kind, rate, first, length)
        if name == "Selector":
            return self.item(self.value(component, "Selected"), kind, rate, first, length)
        if name == "EssenceGroup":
            choices = list(self.value(component, "Choices") or [])
            return self.item(choices[0], kind, rate, first, length) if choices else None
        if name in ("Sequence", "NestedScope"):
            layers = [component] if name == "Sequence" else list(self.value(component, "Slots") or [])
            stack = otio.schema.Stack(name="")
            for number, segment in enumerate(layers, 1):
                stack.append(self.track(segment, f"{kind[0]}{number}", kind, rate))
            stack.source_range = _range(first, length, rate)
            return stack
        if name not in ("Filler", "ScopeReference", "Timecode", "Edgecode"):
            self.warnings.append(f"A component of the kind {name} is not known to Shotscore; it is left out.")
        return None

    def operation(self, group: Any, kind: str, rate: Fraction, first: int, length: int) -> Any:
        """An effect: its speed is taken, its other looks are not; of several inputs the last lies on top."""
        import opentimelineio as otio

        segments = list(group.segments or [])
        definition = group.operation
        label = str(getattr(definition, "name", "") or "")
        parameters = {found.name: found for found in (group.parameters or [])}
        speed = Fraction(1)
        ratio = parameters.get("SpeedRatio") or parameters.get("Speed Ratio")
        warped = ratio is not None or "timewarp" in label.lower() or ("motion" in label.lower() and len(segments) == 1)
        if ratio is not None and hasattr(ratio, "value"):
            speed = Fraction(ratio.value).limit_denominator(100_000)
        elif "PARAM_SPEED_OFFSET_MAP_U" in parameters and len(segments) == 1:
            speed = self.offset_map(parameters["PARAM_SPEED_OFFSET_MAP_U"])
        elif warped and "freeze" in label.lower():
            speed = Fraction(0)
        if not segments:
            # An effect without input makes its own picture: a title, colour bars, a colour.
            if kind != otio.schema.TrackKind.Video:
                return None
            kind_name = f"title {label}" if "title" in label.lower() else label or "effect"
            return clip_of(
                label or "effect", source=(Fraction(0), rate), duration=(length, rate), url=None, generator=kind_name
            )
        if len(segments) == 1 and speed == 1:
            return self.item(segments[0], kind, rate, first, length)
        if len(segments) == 1:
            inner = self.item(segments[0], kind, rate, 0, max(1, int(segments[0].length or length)))
            if inner is None:
                return None
            start = inner.source_range.start_time + otio.opentime.RationalTime(float(first * abs(speed)), float(rate))
            inner.source_range = otio.opentime.TimeRange(start, otio.opentime.RationalTime(length, float(rate)))
            warp(inner, speed)
            return inner
        stack = otio.schema.Stack(name=label)
        for number, segment in enumerate(segments, 1):
            stack.append(self.track(segment, f"{kind[0]}{number}", kind, rate))
        stack.source_range = _range(first, length, rate)
        return stack

    def offset_map(self, parameter: Any) -> Fraction:
        """The mean speed of Avid's time warp curve (source frame over effect frame)."""
        points = sorted((Fraction(point.time), Fraction(point.value)) for point in getattr(parameter, "pointlist", []))
        if len(points) < 2 or points[-1][0] == points[0][0]:
            return Fraction(1)
        speed = (points[-1][1] - points[0][1]) / (points[-1][0] - points[0][0])
        slopes = {round(float((b[1] - a[1]) / (b[0] - a[0])), 3) for a, b in pairwise(points) if b[0] > a[0]}
        if len(slopes) > 1:
            self.warnings.append("A speed changes inside a clip; its mean speed is used.")
        return speed.limit_denominator(1000)

    # -- media ----------------------------------------------------------------------------------------------------

    def source_clip(self, clip: Any, kind: str, rate: Fraction, first: int, length: int) -> Any:
        import opentimelineio as otio

        mob = clip.mob
        start = Fraction(int(clip.start or 0) + first) / rate
        if mob is None:
            if clip.mob_id is None or clip.mob_id.int == 0:
                return None  # AAF's way to write "nothing"
            return clip_of("offline", source=(start * rate, rate), duration=(length, rate), url=None)
        if type(mob).__name__ == "CompositionMob":
            slot = self.slot_of(clip)
            if slot is not None:
                inner_rate = self.slot_rate(slot)
                stack = otio.schema.Stack(name=mob.name or "")
                key = (mob.mob_id, slot.slot_id, kind)

                def lay() -> "list[otio.schema.Track]":
                    return [self.track(slot.segment, slot.name or kind[0], kind, inner_rate)]

                stack.extend(self.nests.tracks(key, lay))
                stack.source_range = otio.opentime.TimeRange(
                    _time(start, inner_rate), otio.opentime.RationalTime(length, float(rate))
                )
                return stack
        name = mob.name or ""
        url, moment, available = self.trace(clip, start)
        return clip_of(
            name or "clip",
            source=(moment * rate, rate),
            duration=(length, rate),
            url=url,
            available=available if url else None,
        )

    @staticmethod
    def slot_of(clip: Any) -> Any:
        mob = clip.mob
        return next((slot for slot in mob.slots if slot.slot_id == clip.slot_id), None) if mob is not None else None

    def trace(self, clip: Any, start: Fraction) -> tuple[str | None, Fraction, Any]:
        """Follow a source clip to its file: (its URL or None, seconds into the file, its extent)."""
        import opentimelineio as otio

        url: str | None = None
        moment = start
        available = None
        for _ in range(_MAX_NESTING):
            mob = clip.mob
            slot = self.slot_of(clip)
            if mob is None or slot is None:
                break
            found = self.locator(mob)
            if found or (type(mob).__name__ == "SourceMob" and self.is_file(mob)):
                url, moment = found, start
                rate, length = self.slot_rate(slot), int(slot.segment.length or 0)
                if length > 0:
                    available = otio.opentime.TimeRange(_time(Fraction(0), rate), _time(Fraction(length) / rate, rate))
                if found:
                    break
            rate = self.slot_rate(slot)
            segment, inside = self.leaf(slot.segment, start * rate)
            if segment is None:
                break
            clip, start = segment, (Fraction(int(segment.start or 0)) + inside) / rate
        return url, moment, available

    def leaf(self, segment: Any, at: Fraction) -> tuple[Any, Fraction]:
        """The source clip inside a mob's segment at edit unit `at`, and where in it that is."""
        for _ in range(_MAX_NESTING):
            name = type(segment).__name__
            if name == "SourceClip":
                return segment, at
            if name == "Sequence":
                chosen, cursor = None, Fraction(0)
                for component in segment.components:
                    length = int(component.length or 0)
                    if cursor <= at < cursor + length or (chosen is None and length):
                        chosen, offset = component, at - cursor
                    cursor += length
                if chosen is None:
                    return None, at
                segment, at = chosen, offset
            elif name == "Selector":
                segment = self.value(segment, "Selected")
            elif name == "EssenceGroup":
                segment = next(iter(self.value(segment, "Choices") or []), None)
            elif name == "Pulldown":
                segment = self.value(segment, "InputSegment")
            elif name == "OperationGroup":
                segment = next(iter(segment.segments or []), None)
            else:
                return None, at
        return None, at

    def locator(self, mob: Any) -> str | None:
        if type(mob).__name__ != "SourceMob":
            return None
        descriptors = [mob.descriptor, *(self.value(mob.descriptor, "FileDescriptors") or [])] if mob.descriptor else []
        for descriptor in descriptors:
            for found in self.value(descriptor, "Locator") or []:
                text = self.value(found, "URLString")
                if text:
                    return str(text)
        return None

    @staticmethod
    def is_file(mob: Any) -> bool:
        name = type(mob.descriptor).__name__
        return name not in ("TapeDescriptor", "FilmDescriptor", "ImportDescriptor", "NoneType")


def _time(seconds: Fraction, rate: Fraction) -> "otio.opentime.RationalTime":
    import opentimelineio as otio

    value = seconds * rate
    return otio.opentime.RationalTime(value.numerator if value.denominator == 1 else float(value), float(rate))


def _range(first: int, length: int, rate: Fraction) -> "otio.opentime.TimeRange":
    import opentimelineio as otio

    return otio.opentime.TimeRange(
        otio.opentime.RationalTime(first, float(rate)), otio.opentime.RationalTime(length, float(rate))
    )
