"""What became of each shot in a recut: which frames of the new picture show what which frames of the old one showed.

Shots that show one running clip are taken together, so that a detector's cuts inside clips cannot tear them apart.
Clips are paired in this order:

1. the same clip in the same order (longest common subsequence of media, source in-point, length and speed);
2. between those, clips of the same media in the same order: with the same length but another in-point it slipped, and
   keeps its place; otherwise it was trimmed, and keeps what both show;
3. what is left anywhere, by the longest stretch of source both show: it was moved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from fractions import Fraction
from typing import Literal

from .picture import Picture
from .timing import quantise

ShotChange = Literal["kept", "moved", "trimmed", "slipped", "new", "deleted"]


@dataclass(frozen=True)
class Stretch:
    """Frames [start, end) of the new picture that show what the old one showed `shift` frames earlier."""

    start: int
    end: int
    shift: int
    """New frame minus old frame."""
    slipped: bool = False

    @property
    def old_start(self) -> int:
        """The old frame `start` comes from."""
        return self.start - self.shift

    @property
    def old_end(self) -> int:
        """The old frame after the last."""
        return self.end - self.shift


@dataclass(frozen=True)
class ShotFate:
    """What became of a shot."""

    change: ShotChange
    old: int | None
    """Index in the old picture, from 1; None for a new shot."""
    new: int | None
    """Index in the new picture; None for a deleted one."""
    frames_moved: int = 0


@dataclass(frozen=True)
class _Clip:
    start: int
    end: int
    media: str
    source: Fraction
    """Seconds of media at its first frame."""
    speed: Fraction

    @property
    def frames(self) -> int:
        return self.end - self.start

    @property
    def kind(self) -> tuple[str, Fraction]:
        return self.media, self.speed


def match(old: Picture, new: Picture) -> tuple[Stretch, ...]:
    """The stretches both pictures show, in the new order, none overlapping; neighbours of one shift are joined."""
    before, after = _clips(old), _clips(new)
    found: list[Stretch] = []
    left_old, left_new = set(range(len(before))), set(range(len(after)))

    def pair(i: int, j: int, stretch: Stretch | None) -> None:
        if stretch is not None and stretch.end > stretch.start:
            found.append(stretch)
            left_old.discard(i)
            left_new.discard(j)

    def identity(clip: _Clip, rate: Fraction) -> tuple[str, Fraction, int, int]:
        return (*clip.kind, quantise(clip.source * rate), clip.frames)

    same = SequenceMatcher(
        None, [identity(clip, old.rate) for clip in before], [identity(clip, old.rate) for clip in after], False
    )
    for tag, i1, i2, j1, j2 in same.get_opcodes():
        if tag == "equal":
            for i, j in zip(range(i1, i2), range(j1, j2), strict=True):
                pair(i, j, Stretch(after[j].start, after[j].end, after[j].start - before[i].start))
        elif tag == "replace":
            reached = i1
            for j in range(j1, j2):
                for i in range(reached, i2):
                    if before[i].kind != after[j].kind:
                        continue
                    if before[i].frames == after[j].frames and i2 - i1 == j2 - j1:
                        shift = after[j].start - before[i].start
                        pair(i, j, Stretch(after[j].start, after[j].end, shift, slipped=True))
                    else:
                        pair(i, j, _shared(before[i], after[j], new.rate))
                    if j not in left_new:
                        reached = i + 1
                        break
    options = [
        (stretch.end - stretch.start, -abs(i - j), i, j, stretch)
        for j in left_new
        for i in left_old
        if before[i].kind == after[j].kind and (stretch := _shared(before[i], after[j], new.rate)) is not None
    ]
    for _, _, i, j, stretch in sorted(options, key=lambda option: option[:4], reverse=True):
        if i in left_old and j in left_new:
            pair(i, j, stretch)
    return _joined(sorted(found, key=lambda stretch: stretch.start))


def fates(old: Picture, new: Picture, stretches: Sequence[Stretch]) -> tuple[ShotFate, ...]:
    """What became of every shot: the new picture's in order, then the deleted ones."""
    rows, seen = [], set()
    for shot in new.shots:
        best: tuple[int, Stretch, int] | None = None
        for stretch in stretches:
            low, high = max(shot.start_frame, stretch.start), min(shot.end_frame, stretch.end)
            if high > low and (best is None or high - low > best[0]):
                best = (high - low, stretch, low)
        if best is None:
            rows.append(ShotFate("new", None, shot.index))
            continue
        shown, stretch, low = best
        was = next(one for one in old.shots if one.start_frame <= low - stretch.shift < one.end_frame)
        seen.add(was.index)
        change: ShotChange = "kept"
        if stretch.slipped:
            change = "slipped"
        elif was.duration_frames != shot.duration_frames or shown != shot.duration_frames:
            change = "trimmed"
        elif stretch.shift:
            change = "moved"
        rows.append(ShotFate(change, was.index, shot.index, stretch.shift))
    rows += [ShotFate("deleted", shot.index, None) for shot in old.shots if shot.index not in seen]
    return tuple(rows)


def new_frame(stretches: Sequence[Stretch], frame: int) -> int | None:
    """Where an old frame is shown now; None where it is not."""
    for stretch in stretches:
        if stretch.old_start <= frame < stretch.old_end:
            return frame + stretch.shift
    return None


def _clips(picture: Picture) -> list[_Clip]:
    clips: list[_Clip] = []
    for shot in picture.shots:
        media = shot.media
        if media is None:
            clips.append(_Clip(shot.start_frame, shot.end_frame, f"\0{shot.name}", Fraction(0), Fraction(0)))
            continue
        name = shot.name if media.path is None else str(media.path)
        clip = _Clip(shot.start_frame, shot.end_frame, name, media.start, media.speed)
        last = clips[-1] if clips else None
        if last is not None and last.kind == clip.kind and shot.transition == "cut":
            runs_on = last.source + last.speed * last.frames / picture.rate
            if abs(clip.source - runs_on) * picture.rate * 2 < 1:
                clips[-1] = _Clip(last.start, clip.end, name, last.source, last.speed)
                continue
        clips.append(clip)
    return clips


def _shared(old: _Clip, new: _Clip, rate: Fraction) -> Stretch | None:
    """The stretch of source both show."""
    shift = new.start - old.start
    if old.speed:
        shift += quantise((old.source - new.source) * rate / old.speed)
    elif old.source != new.source:
        return None
    start, end = max(new.start, old.start + shift), min(new.end, old.end + shift)
    return Stretch(start, end, shift) if end > start else None


def _joined(stretches: Sequence[Stretch]) -> tuple[Stretch, ...]:
    joined: list[Stretch] = []
    for one in stretches:
        last = joined[-1] if joined else None
        if last is not None and (last.end, last.shift, last.slipped) == (one.start, one.shift, one.slipped):
            joined[-1] = Stretch(last.start, one.end, one.shift, one.slipped)
        else:
            joined.append(one)
    return tuple(joined)
