"""The hits of a range with what is seen in it: spotting by cuts and markers, and by sudden movement and light.

The picture is looked at once: what was looked at for its cuts or its features is remembered (`features.watched`).
"""

from collections.abc import Iterable

from .picture import Picture
from .progress import Progress, silent
from .spotting import Hit, spot


def hits_seen(
    picture: Picture, start_frame: int, end_frame: int, *, own: Iterable[Hit] = (), progress: Progress = silent
) -> tuple[Hit, ...]:
    """`spotting.spot` with the peaks of what is seen in the range; errors as there. `progress` may raise Cancelled.

    What cannot be seen has no peaks; whoever describes the picture tells of it.
    """
    from .features.watched import watched

    spot(picture, start_frame, end_frame)  # a wrong range is told before anything is looked at
    seen = watched(picture, start_frame, end_frame, progress)
    return spot(picture, start_frame, end_frame, motion_peaks=seen.motion_peaks, flash_peaks=seen.flash_peaks, own=own)
