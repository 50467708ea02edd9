"""All that is found out about a picture before its music: its cuts, its looks, and where somebody speaks.

The sound is listened to while the picture is decoded: decoding leaves a core idle whenever it waits for a file, and
listening needs little of one.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from .dialogue import find_dialogue
from .errors import Cancelled
from .picture import Picture
from .progress import Progress, silent, within
from .shots import Method, detect_shots

_PICTURE_SHARE = 0.9
"""Of the progress: what is left of the sound when the picture is done is little."""


def analyse(picture: Picture, method: Method = "adaptive", progress: Progress = silent) -> Picture:
    """`picture` with the cuts inside its clips and with its dialogue; see `shots.detect_shots` and
    `dialogue.find_dialogue`, whose errors it raises. `progress` is called from the caller's thread only.
    """
    stopped = threading.Event()

    def heard(stage: str, done: float) -> None:  # noqa: ARG001 - a Progress
        if stopped.is_set():
            raise Cancelled("The picture's analysis was stopped.")

    with ThreadPoolExecutor(1, "dialogue") as pool:
        sound = pool.submit(find_dialogue, picture, heard)
        try:
            cut = detect_shots(picture, method, within(progress, 0.0, _PICTURE_SHARE))
            listened = sound.result()
        finally:
            stopped.set()
    progress("analyse", 1.0)
    told = listened.warnings[len(picture.warnings) :]
    return replace(cut, dialogue=listened.dialogue, warnings=(*cut.warnings, *told))
