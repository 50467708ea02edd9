"""What can be done with the timeline strip, whoever asks: the mouse, a key or the menu.

A command changes what is chosen in the strip itself; what concerns the session it asks for by the strip's signals.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

import numpy as np
from shotscore_engine.timing import quantise

from ..view import HitView, TimelineView
from .energycurve import joined_curve, read_curve
from .scale import STEP

if TYPE_CHECKING:
    from .widget import TimelineStrip

SNAP = 6.0
"""Points around a cut from which a hit jumps onto it."""
WEIGHT_STEP = 0.05


class Commands:
    """See the module."""

    def __init__(self, strip: TimelineStrip) -> None:
        self.strip = strip

    @property
    def _view(self) -> TimelineView:
        view = self.strip.view
        assert view is not None
        return view

    @property
    def _hit(self) -> HitView | None:
        chosen = self.strip.selected_hit
        return self._view.hit(*chosen) if chosen else None

    # --- the view ----------------------------------------------------------------------------------------------

    def zoom(self, factor: float) -> None:
        """Around the playhead where it is in sight, else around the middle."""
        scale = self.strip.scale
        x = scale.x(self.strip.playhead)
        scale.zoom(factor, x if 0 <= x <= scale.width else scale.width / 2)

    def zoom_in(self) -> None:
        """Two steps."""
        self.zoom(STEP**2)

    def zoom_out(self) -> None:
        """Two steps."""
        self.zoom(1 / STEP**2)

    def zoom_to_selection(self) -> None:
        """The selected shots, else the whole film."""
        frames = self.strip.selected_frames()
        self.strip.scale.zoom_to(*frames) if frames else self.strip.scale.fit()

    # --- the playhead ------------------------------------------------------------------------------------------

    def go_by(self, frames: int) -> None:
        """The playhead by so many frames."""
        self.strip.go(self.strip.playhead + frames)

    def go_to_cut(self, direction: int) -> None:
        """The cut after (1) or before (-1) the playhead."""
        starts, playhead = self._view.shot_starts, self.strip.playhead
        if direction > 0:
            place = int(np.searchsorted(starts, playhead, side="right"))
            self.strip.go(int(starts[place]) if place < len(starts) else self._view.duration_frames)
        else:
            place = int(np.searchsorted(starts, playhead, side="left")) - 1
            self.strip.go(int(starts[place]) if place >= 0 else 0)

    # --- shots -------------------------------------------------------------------------------------------------

    def select_all(self) -> None:
        """Every shot."""
        shots = len(self._view.shots)
        self.strip.select(min(1, shots), shots)

    def select_none(self) -> None:
        """No shot."""
        self.strip.select(0, 0)

    def step_selection(self, by: int, stretch: bool) -> None:
        """The shot before (-1) or after (1); a stretched selection moves the end that was moved last."""
        view, strip = self._view, self.strip
        count = len(view.shots)
        if not count:
            return
        first, last = before = strip.selection
        here = strip.shot_index(strip.playhead)
        if not first:
            first = last = here
        elif stretch:  # the end that was moved last stands at the playhead
            if first != last and here == first:
                first = min(max(1, first + by), last)
            elif first == last and by < 0:
                first = max(1, first - 1)
            else:
                last = max(first, min(count, last + by))
        else:
            first = last = min(max(1, (last if by > 0 else first) + by), count)
        strip.select(first, last)
        moved = first if first != before[0] or first == last else last
        start = view.shots[moved - 1].start_frame
        strip.go(start)
        strip.scale.reveal(start)

    def regenerate(self) -> bool:
        """Ask to make the selected shots anew."""
        if not self.strip.selection[0]:
            return False
        self.strip.regenerate_requested.emit(*self.strip.selection)
        return True

    # --- hits --------------------------------------------------------------------------------------------------

    def step_hit(self, by: int) -> bool:
        """Choose the hit after (1) or before (-1) the chosen one, or the playhead."""
        everything = sorted((hit.frame, cue.name) for cue in self._view.cues for hit in cue.hits)
        if not everything:
            return False
        chosen = self.strip.selected_hit
        if chosen is not None:
            here = (chosen[1], chosen[0])
            place = bisect_right(everything, here) if by > 0 else bisect_left(everything, here) - 1
        else:
            place = bisect_left(everything, (self.strip.playhead, "")) - (by < 0)
        frame, cue = everything[min(max(0, place), len(everything) - 1)]
        self.strip.choose_hit(self._view.hit(cue, frame))
        self.strip.scale.reveal(frame)
        return True

    def nudge_hit(self, frames: int, weigh: int) -> bool:
        """Move the chosen hit by frames, weigh it by steps."""
        hit = self._hit
        if hit is None:
            return False
        if frames:
            self.move_hit(hit, self.snapped(hit.cue, hit.frame + frames, True))
        if weigh:
            self.weigh_hit(hit, min(1.0, max(0.0, round(hit.weight + 2 * WEIGHT_STEP * weigh, 3))))
        return True

    def move_hit(self, hit: HitView, frame: int) -> None:
        """Ask to move it."""
        if frame != hit.frame:
            self.strip.follow_hit(hit.cue, frame)
            self.strip.hit_moved.emit(hit.cue, hit.frame, frame)

    def weigh_hit(self, hit: HitView, weight: float) -> None:
        """Ask to weigh it."""
        if weight != hit.weight:
            self.strip.hit_weighed.emit(hit.cue, hit.frame, weight)

    def mute_hit(self) -> bool:
        """Ask to mute the chosen hit, or to let it count again."""
        hit = self._hit
        if hit is None:
            return False
        self.strip.hit_muted.emit(hit.cue, hit.frame, hit.weight > 0)
        return True

    def add_hit(self, frame: int) -> bool:
        """Ask for a hit at `frame`; False where there is one, or no cue."""
        cue = self._view.cue_at(frame)
        if cue is None or self._view.hit(cue.name, frame) is not None or frame <= cue.start_frame:
            return False
        self.strip.follow_hit(cue.name, frame)
        self.strip.hit_added.emit(cue.name, frame)
        return True

    def snapped(self, cue_name: str, frame: float, freely: bool) -> int:
        """The whole frame, or the cut close by; inside the cue."""
        if not freely:
            starts = self._view.shot_starts
            place = int(np.searchsorted(starts, frame))
            near = [int(starts[i]) for i in (place - 1, place) if 0 <= i < len(starts)]
            close = [start for start in near if abs(start - frame) / self.strip.scale.frames_per_pixel <= SNAP]
            if close:
                frame = min(close, key=lambda start: abs(start - frame))
        cue = self._view.cue(cue_name)
        whole = quantise(frame)
        return min(max(whole, cue.start_frame + 1), cue.end_frame - 1) if cue else whole

    # --- energy and locks --------------------------------------------------------------------------------------

    def nudge_energy(self, by: float) -> bool:
        """More or less energy over the selected shots, its edges within a frame of theirs."""
        frames = self.strip.selected_frames()
        cue = self._view.cue_at(frames[0]) if frames else None
        if cue is None or frames is None:
            return False
        start, end = max(frames[0], cue.start_frame), min(frames[1], cue.end_frame)
        points = cue.energy.curve or read_curve(cue)
        now = 0.5
        if points:
            at, heights = (np.array(row, float) for row in zip(*points, strict=True))
            now = float(np.interp((start + end) / 2, at, heights))
        value = round(min(1.0, max(0.0, now + by)), 3)
        drawn = {start: value, max(start, end - 1): value}
        self.strip.energy_drawn.emit(cue.name, joined_curve(points, drawn, steep=True))
        return True

    def toggle_lock_at(self, frame: float) -> None:
        """Take the lock at `frame` off; where there is none, lock the selection."""
        lock = self._view.lock_at(frame)
        if lock is not None:
            edges = (-1, -1) if lock.whole else (lock.start_frame, lock.end_frame)
            self.strip.lock_toggled.emit(lock.cue, lock.part or "", *edges, False)
        else:
            self.toggle_lock_of_selection()

    def toggle_lock_of_selection(self) -> bool:
        """Lock the selected shots, or take their lock off."""
        frames = self.strip.selected_frames()
        cue = self._view.cue_at(frames[0]) if frames else None
        if cue is None or frames is None:
            return False
        locks = self._view.locks
        same = [lock for lock in locks if (lock.start_frame, lock.end_frame) == frames and not lock.part]
        start, end = max(frames[0], cue.start_frame), min(frames[1], cue.end_frame)
        self.strip.lock_toggled.emit(cue.name, "", start, end, not same)
        return True
