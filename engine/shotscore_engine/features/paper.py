"""The paper's own features: BGM909 as its authors publish it, through the same interface as ours.

    FOLDER/new_raw_video_feats/NNN.pth   (frames, 512) tensor: VideoCLIP features of the video
    FOLDER/caption_feats/NNN.npy         (n, 768): BERT features of BLIP captions, in the order of the video
    FOLDER/detection/NNN_scenes.txt      a line a shot: first and last frame, both included (TransNetV2's form)

Deviation from the released code, which stretches both features over a song's beats by index: here row i of n stands at
the middle of the i-th of n equal parts of the video, captions stand at their shots where there is one per shot, and a
beat reads what is on the screen while it sounds.
"""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..tempo import BeatGrid
from . import BeatFeatures

PAPER_LANGUAGE_WIDTH = 768
PAPER_VISUAL_WIDTH = 512
LEFT_OUT = frozenset({34, 203, 215, 254, 280, 328})
"""Songs the data set leaves out."""


def read_shots(path: Path) -> tuple[tuple[int, int], ...]:
    """(first frame, frame after the last) of each shot. Raises InputError where a line is not two frame numbers."""
    shots = []
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        words = line.replace(",", " ").split()
        if len(words) < 2 or not all(word.isdecimal() for word in words[:2]) or int(words[1]) < int(words[0]):
            raise InputError(f"Line {number} of {path} is {line!r}; a shot is its first and its last frame.")
        shots.append((int(words[0]), int(words[1]) + 1))
    if not shots or any(after[0] < before[1] for before, after in pairwise(shots)):
        raise InputError(f"{path} lists no shots, or shots that overlap.")
    return tuple(shots)


def read_video_features(path: Path) -> NDArray[np.float32]:
    """(frames, 512). Only tensors are read from the file, never other pickled objects."""
    import torch

    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as problem:  # torch raises many kinds for a file that is none of its own
        raise InputError(f"{path} cannot be read as a tensor: {problem}.") from problem
    values = stored.float().numpy() if isinstance(stored, torch.Tensor) else np.zeros(0)
    return _checked(path, values, PAPER_VISUAL_WIDTH)


def read_caption_features(path: Path) -> NDArray[np.float32]:
    """(n, 768)."""
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as problem:
        raise InputError(f"{path} cannot be read as an array: {problem}.") from problem
    return _checked(path, values, PAPER_LANGUAGE_WIDTH)


def describe_paper(
    folder: Path, song: int, grid: BeatGrid, *, video_rate: Fraction = Fraction(25), video_start: Fraction = Fraction(0)
) -> BeatFeatures:
    """The published features of a song, a row per beat of `grid`; language (T, 768), visual (T, 512).

    `video_rate`: frames per second of the video whose frames the shot list counts; `video_start`: seconds of the video
    at the grid's zero. Mood and energy are not part of the data set: 0, 0 and 0.5. Raises InputError for a song that
    is left out, missing or malformed.
    """
    if song in LEFT_OUT:
        raise InputError(f"Song {song:03} is one of those BGM909 leaves out.")
    name = f"{song:03}"
    shots = read_shots(folder / "detection" / f"{name}_scenes.txt")
    visual = read_video_features(folder / "new_raw_video_feats" / f"{name}.pth")
    captions = read_caption_features(folder / "caption_feats" / f"{name}.npy")
    frames = shots[-1][1]
    moments = [video_start + (a + b) / 2 for a, b in pairwise(grid.beat_times)]
    at = np.array([min(max(int(moment * video_rate // 1), 0), frames - 1) for moment in moments])
    shot = np.searchsorted([start for start, _ in shots], at, side="right") - 1
    shot = np.asarray(np.maximum(shot, 0), np.int32)
    caption = shot if len(captions) == len(shots) else at * len(captions) // frames
    beats = grid.beats
    return BeatFeatures(
        language=captions[caption],
        visual=visual[at * len(visual) // frames],
        valence=np.zeros(beats, np.float32),
        arousal=np.zeros(beats, np.float32),
        energy=np.full(beats, 0.5, np.float32),
        shot_of_beat=np.array(shot, dtype=np.int32),
        captions=tuple(f"shot {index + 1} of BGM909 video {name}" for index in range(len(shots))),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"{path} cannot be read: {problem}.") from problem


def _checked(path: Path, values: NDArray[np.generic], width: int) -> NDArray[np.float32]:
    if values.ndim != 2 or not len(values) or values.shape[1] != width or values.dtype.kind not in "fiu":
        raise InputError(f"{path} holds an array of shape {values.shape}; (rows, {width}) numbers are expected.")
    if not np.isfinite(out := values.astype(np.float32)).all():
        raise InputError(f"{path} holds numbers that are not finite.")
    return out
