"""Picture -> features, beat by beat: what Diff-BGM is conditioned on.

Everything happens in real time: a beat reads what is on the screen while it sounds, whatever the tempo (the paper's
released code stretches features over a song's beats by index). Words come from, in this order: `prompt`, markers
whose name begins with "prompt", clip names that are words, and otherwise an automatic sentence of light, colour,
motion, cutting pace and, where the network is sure, what is shown. Mood is read from the picture, corrected by a
person's words, and last by the mood point a person sets.

Scales beyond those of `visual.py`:

    motion   a / p * sqrt(p), a = absolute motion, p = its 95th percentile over the cue but at least 0.25. A lively
             cue keeps its absolute motion; a slow one is spread to show its contrasts, yet never above 0.5; a
             still picture stays at 0
    pace     c / (c + 0.25), c = cuts a second in the twelve seconds around: 0.33 for a cut every 8 s, 0.67 every 2 s
    energy   1.2 (0.45 motion + 0.25 pace + 0.15 (arousal + 1)), at most 1
"""

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from ..errors import RequestError
from ..picture import Picture
from ..progress import Progress, silent
from ..spotting import Cue, marker_role
from ..tempo import BeatGrid
from ..timing import seconds_at
from . import VISUAL_NAMES, VISUAL_WIDTH, BeatFeatures
from .images import image_components, sure_caption
from .language import STYLES, encode, is_word
from .mood import picture_mood, style_direction, words_mood
from .visual import ShotLook, watch

FloatArray = NDArray[np.float32]

MOTION_FLOOR = 0.25
PACE_WINDOW = 12.0
"""Seconds around a beat in which cuts are counted."""
CUT_EVERY = 0.25
"""Cuts a second at which pace is one half."""
SMOOTH_SECONDS = 1.0
WORDS_WEIGHT = {"prompt": 0.7, "marker": 0.7, "name": 0.35, "picture": 0.0}
"""How far words correct the mood read from the picture, by who wrote them."""
STYLE_WEIGHT = 0.35
KEPT_CONTRAST = 0.35
"""What a mood or energy set by a person leaves of the picture's own rise and fall."""

_COLUMN = {name: index for index, name in enumerate(VISUAL_NAMES)}
_UNSEEN = {"motion": np.nan, "flash": 0.0, "brightness": 0.42, "saturation": 0.34, "warmth": 0.0, "contrast": 0.2}
"""What stands for a shot nobody can see; motion is then taken from the cutting pace."""
_JUNK = frozenset(
    re.findall(
        r"\w+",
        """
        a an the of img dsc dscn dscf mvi mov mp clip shot shots scene take video film footage untitled final copy new
        gopr dji render comp export proxy hd uhd edit sequence seq timeline bars colour color solid black white title
        titles text graphic media file part reel cam camera roll angle version test temp tmp raw log grade graded
        offline online gap generator placeholder null none slug leader nested compound adjustment layer image picture
        pic screen recording default main master rough cut draft vid movie av fps prores h
        """,
    )
)
"""Words of clip names that say nothing of the picture."""


@dataclass(frozen=True)
class _Words:
    text: str
    source: str
    """One of `WORDS_WEIGHT`."""


def describe(
    picture: Picture,
    grid: BeatGrid,
    cue: Cue,
    *,
    prompt: str | None = None,
    mood: tuple[float, float] | None = None,
    energy: float | None = None,
    style: str | None = None,
    progress: Progress = silent,
) -> BeatFeatures:
    """What the picture says in each beat of the cue.

    `prompt`: a person's words for the whole cue; `mood`: (valence, arousal) in [-1, 1] and `energy` in [0, 1] the cue
    should have on average; `style`: one of the eight of `STYLES`, leaning the language features its way.
    Files that are offline or damaged are described from what is known (name, cutting pace), with a warning.
    Raises RequestError where a value is out of range, Cancelled when `progress` does.
    """
    _check(mood, energy, style)
    looks, warnings = watch(picture, cue.start_frame, cue.end_frame, progress)
    warnings += _unseen_clips(picture, cue)
    clock = _Clock.of(picture, grid, cue)
    pace = _pace(picture, clock.middle)
    seen, images = _beat_rows(looks, clock)
    absolute = np.where(np.isnan(seen["motion"]), 0.1 + 0.4 * pace, seen["motion"]).astype(np.float32)
    peak = np.where(np.isnan(seen["peak"]), absolute, np.maximum(seen["peak"], absolute))
    top = max(float(np.percentile(absolute, 95)), MOTION_FLOOR)
    motion = np.clip(absolute / top, 0, 1) * math.sqrt(top)

    words = _words(picture, looks, prompt)
    captions = tuple(one.text for one in words)
    rows = encode(captions)
    valence, arousal = _mood(clock, words, rows, picture_mood(seen["brightness"], seen["saturation"], absolute, pace))
    if mood is not None:
        valence, arousal = _steer(valence, mood[0], -1), _steer(arousal, mood[1], -1)
    drive = np.clip(1.2 * (0.45 * motion + 0.25 * pace + 0.15 * (arousal + 1)), 0, 1)
    if energy is not None:
        drive = _steer(drive, energy, 0)

    visual = np.zeros((grid.beats, VISUAL_WIDTH), np.float32)
    for name in ("flash", "brightness", "saturation", "warmth", "contrast"):
        visual[:, _COLUMN[name]] = seen[name]
    visual[:, _COLUMN["motion"]] = motion
    visual[:, _COLUMN["motion_peak"]] = np.clip(peak / top, 0, 1) * math.sqrt(top)
    visual[:, _COLUMN["cut"]] = _cut_column(picture, grid, cue)
    visual[:, _COLUMN["image_0"] :] = images
    language = rows[clock.shot]
    if style is not None:
        language = language + STYLE_WEIGHT * style_direction(STYLES.index(style))
        language /= np.linalg.norm(language, axis=1, keepdims=True)
    return BeatFeatures(
        language=language.astype(np.float32),
        visual=visual,
        valence=valence.astype(np.float32),
        arousal=arousal.astype(np.float32),
        energy=drive.astype(np.float32),
        shot_of_beat=clock.shot,
        captions=captions,
        warnings=warnings,
    )


def _check(mood: tuple[float, float] | None, energy: float | None, style: str | None) -> None:
    if mood is not None and not all(-1 <= value <= 1 for value in mood):
        raise RequestError(f"The mood {mood} is out of range; give valence and arousal between -1 and 1.")
    if energy is not None and not 0 <= energy <= 1:
        raise RequestError(f"The energy {energy} is out of range; give a number between 0 and 1.")
    if style is not None and style not in STYLES:
        raise RequestError(f"The style {style!r} is unknown; choose one of {', '.join(STYLES)}.")


def _unseen_clips(picture: Picture, cue: Cue) -> tuple[str, ...]:
    """A warning naming the clips whose media is offline."""
    names = [
        shot.name
        for shot in picture.shots
        if shot.media is not None
        and (shot.media.offline or shot.media.path is None)
        and shot.start_frame < cue.end_frame
        and shot.end_frame > cue.start_frame
    ]
    if not names:
        return ()
    listed = ", ".join(dict.fromkeys(names))
    return (f"The media of {len(names)} shots is offline; they are scored without being seen (clips: {listed}).",)


# --- Time ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Clock:
    """When the beats sound, in seconds from the timeline's start, and what is shown then; T beats."""

    edges: NDArray[np.float64]
    """(T + 1,)."""
    middle: NDArray[np.float64]
    shot: NDArray[np.int32]

    @classmethod
    def of(cls, picture: Picture, grid: BeatGrid, cue: Cue) -> "_Clock":
        start = seconds_at(cue.start_frame, picture.rate)
        times = [start + time for time in grid.beat_times]
        first_frames = [shot.start_frame for shot in picture.shots]
        middles = [(a + b) / 2 for a, b in pairwise(times)]
        last = max(cue.end_frame - 1, 0)
        shots = [bisect_right(first_frames, min(_frame(time, picture.rate), last)) - 1 for time in middles]
        return cls(
            np.array([float(time) for time in times]),
            np.array([float(time) for time in middles]),
            np.maximum(np.array(shots, np.int32), 0),
        )


def _frame(seconds: Fraction, rate: Fraction) -> int:
    """The frame on the screen at `seconds`: the last that began, not the nearest."""
    return math.floor(seconds * rate)


def _pace(picture: Picture, moments: NDArray[np.float64]) -> FloatArray:
    """(T,) in [0, 1): how fast is it cut around each moment."""
    rate = float(picture.rate)
    cuts = np.array([shot.start_frame / rate for shot in picture.shots[1:]])
    low = np.maximum(moments - PACE_WINDOW / 2, 0)
    high = np.minimum(moments + PACE_WINDOW / 2, picture.duration_frames / rate)
    count = np.searchsorted(cuts, high, "right") - np.searchsorted(cuts, low, "left")
    often = count / np.maximum(high - low, 1.0)
    return np.asarray(often / (often + CUT_EVERY), np.float32)


def _cut_column(picture: Picture, grid: BeatGrid, cue: Cue) -> FloatArray:
    """(T,): the heaviest hit nearest to each beat; a cue without hits takes the shots' own cuts at full weight."""
    hits = [(hit.frame, hit.weight) for hit in cue.hits if hit.kind != "end"]
    if not cue.hits:
        inside = range(cue.start_frame + 1, cue.end_frame)
        hits = [(shot.start_frame, 1.0) for shot in picture.shots if shot.start_frame in inside]
    column = np.zeros(grid.beats, np.float32)
    times = grid.beat_times
    for frame, weight in hits:
        moment = seconds_at(frame - cue.start_frame, picture.rate)
        if moment < 0 or moment > times[-1]:
            continue
        after = min(bisect_right(times, moment), grid.beats - 1)
        before = max(after - 1, 0)
        beat = before if abs(moment - times[before]) <= abs(times[after] - moment) else after
        column[beat] = max(column[beat], weight)
    return column


# --- From looks to beats ---------------------------------------------------------------------------------------------


def _beat_rows(looks: Sequence[ShotLook | None], clock: _Clock) -> tuple[dict[str, FloatArray], FloatArray]:
    """Each column over the beats, (T,) with NaN motion where nothing is known, and the image columns (T, 8)."""
    beats = len(clock.middle)
    rows = {name: np.full(beats, value, np.float32) for name, value in _UNSEEN.items()}
    rows["peak"] = np.full(beats, np.nan, np.float32)
    images = np.zeros((beats, 8), np.float32)
    shown = [look for look in looks if look is not None]
    if shown:
        moments = np.concatenate([look.seconds for look in shown])
        order = np.argsort(moments, kind="stable")
        moments = moments[order]
        table = {
            "brightness": np.concatenate([look.luma for look in shown])[order],
            "saturation": np.concatenate([look.saturation for look in shown])[order],
            "warmth": np.concatenate([look.warmth for look in shown])[order],
            "contrast": np.concatenate([look.contrast for look in shown])[order],
            "motion": np.concatenate([look.motion for look in shown])[order],
            "flash": np.concatenate([look.flash for look in shown])[order],
        }
        first = np.searchsorted(moments, clock.edges[:-1])
        last = np.searchsorted(moments, clock.edges[1:])
        for beat in range(beats):
            here = slice(first[beat], last[beat])
            if here.start < here.stop and looks[clock.shot[beat]] is not None:
                _fill(rows, table, here, beat)
            elif (look := looks[clock.shot[beat]]) is not None:
                _between(rows, look, float(clock.middle[beat]), beat)
    for index, look in enumerate(looks):
        if look is not None and look.labels is not None:
            images[clock.shot == index] = image_components(look.labels[None])[0]
    return rows, images


def _fill(rows: dict[str, FloatArray], table: dict[str, FloatArray], here: slice, beat: int) -> None:
    """A beat with looks of its own: their mean, for motion also their peak."""
    for name in ("brightness", "saturation", "warmth", "contrast"):
        rows[name][beat] = table[name][here].mean()
    rows["flash"][beat] = table["flash"][here].max()
    moving = table["motion"][here]
    moving = moving[~np.isnan(moving)]
    if len(moving):
        rows["motion"][beat], rows["peak"][beat] = moving.mean(), moving.max()


def _between(rows: dict[str, FloatArray], look: ShotLook, moment: float, beat: int) -> None:
    """A beat between two looks of its shot (or a freeze frame's one): interpolated."""
    for name, values in (
        ("brightness", look.luma),
        ("saturation", look.saturation),
        ("warmth", look.warmth),
        ("contrast", look.contrast),
    ):
        rows[name][beat] = np.interp(moment, look.seconds, values)
    known = ~np.isnan(look.motion)
    if known.any():
        rows["motion"][beat] = rows["peak"][beat] = np.interp(moment, look.seconds[known], look.motion[known])


# --- Mood ------------------------------------------------------------------------------------------------------------


def _mood(
    clock: _Clock, words: Sequence[_Words], rows: FloatArray, seen: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """The picture's mood, calmed within each shot, drawn towards the words' where a person wrote them."""
    told = words_mood(rows)
    weight = np.array([WORDS_WEIGHT[one.source] for one in words], np.float32)[clock.shot]
    out = []
    for axis, values in enumerate(seen):
        calm = _calm(values, clock)
        out.append(np.clip((1 - weight) * calm + weight * told[clock.shot, axis], -1, 1).astype(np.float32))
    return out[0], out[1]


def _calm(values: FloatArray, clock: _Clock) -> FloatArray:
    """Smoothed over about a second inside each shot, never across a cut, and half way to the shot's mean."""
    out = values.astype(np.float32, copy=True)
    edges = np.flatnonzero(np.diff(clock.shot)) + 1
    for here in np.split(np.arange(len(values)), edges):
        distance = (clock.middle[here][:, None] - clock.middle[here][None]) / SMOOTH_SECONDS
        kernel = np.exp(-0.5 * np.clip(distance, -9, 9) ** 2) if len(here) <= 2048 else np.eye(len(here))
        smooth = kernel @ values[here] / kernel.sum(1)
        out[here] = 0.5 * smooth + 0.5 * values[here].mean()
    return out


def _steer(values: FloatArray, wanted: float, lowest: float) -> FloatArray:
    """Around `wanted`, keeping a part of the own rise and fall."""
    return np.asarray(np.clip(wanted + KEPT_CONTRAST * (values - values.mean()), lowest, 1), np.float32)


# --- Words -----------------------------------------------------------------------------------------------------------


def _words(picture: Picture, looks: Sequence[ShotLook | None], prompt: str | None) -> list[_Words]:
    """One sentence per shot, and who wrote it."""
    if prompt and prompt.strip():
        return [_Words(" ".join(prompt.split()), "prompt")] * len(picture.shots)
    rate = float(picture.rate)
    middles = np.array([(shot.start_frame + shot.end_frame) / 2 / rate for shot in picture.shots])
    pace = _pace(picture, middles)
    marked = _marked(picture)
    found = []
    for index, shot in enumerate(picture.shots):
        if index in marked:
            found.append(_Words(marked[index], "marker"))
        elif name := worded_name(shot.name):
            found.append(_Words(name, "name"))
        else:
            found.append(_Words(sentence(looks[index], float(pace[index])), "picture"))
    return found


def _marked(picture: Picture) -> dict[int, str]:
    """Shot index -> the words of the prompt marker that stands in it or stretches over it."""
    marked: dict[int, str] = {}
    for marker in picture.markers:
        if marker_role(marker) != "prompt":
            continue
        text = marker.name.strip()[len("prompt") :].strip(" :-–—\t") or " ".join(marker.comment.split())
        end = marker.frame + max(1, marker.duration_frames)
        for index, shot in enumerate(picture.shots):
            if text and shot.start_frame < end and shot.end_frame > marker.frame:
                marked[index] = text
    return marked


def worded_name(name: str) -> str:
    """The words of a clip's name, or nothing where it is a camera's or an editor's own numbering.

    >>> worded_name("Old harbour_at dawn v2.mov"), worded_name("A001_C003_0512.mov")
    ('Old harbour at dawn', '')
    """
    stem = PurePath(name).stem if re.search(r"\.[A-Za-z0-9]{2,4}$", name) else name
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", stem)
    words = [word for word in re.split(r"[^\w'’]+|_", spaced) if word and not any(sign.isdigit() for sign in word)]
    telling = [word for word in words if word.lower() not in _JUNK and len(word) > 1]
    if not any(len(word) >= 3 for word in telling) or not all(is_word(word) for word in telling):
        return ""
    return " ".join(words)


def sentence(look: ShotLook | None, pace: float) -> str:
    """A plain sentence of what is seen: light, colour, motion, what it shows where that is sure, and the cutting."""
    cutting = _step(
        pace, ((0.2, "held for a long time"), (0.4, "unhurried"), (0.62, "cut at a steady pace")), "cut fast"
    )
    if look is None:
        return f"An unseen moment of the film, {cutting}"
    light = _step(
        float(look.luma.mean()), ((0.13, "very dark"), (0.28, "dark"), (0.5, "softly lit"), (0.68, "bright")), "radiant"
    )
    moving = look.motion[~np.isnan(look.motion)]
    motion = _step(
        float(moving.mean()) if len(moving) else 0.1 + 0.4 * pace,
        (
            (0.03, "nothing moves"),
            (0.16, "everything moves slowly and calmly"),
            (0.36, "there is gentle movement"),
            (0.6, "there is lively movement"),
        ),
        "everything rushes and whirls",
    )
    subject = sure_caption(look.labels) if look.labels is not None else ""
    showing = f" of {subject}" if subject else ""
    article = "An" if light[0] in "aeiou" else "A"
    return f"{article} {light} {_colour(look)} scene{showing} in which {motion}, {cutting}"


def _colour(look: ShotLook) -> str:
    saturation, warmth = float(look.saturation.mean()), float(look.warmth.mean())
    if saturation < 0.08:
        return "black and white"
    strength = _step(saturation, ((0.22, "pale"), (0.5, "natural")), "richly coloured")
    tone = _step(warmth, ((-0.25, "cold blue"), (-0.07, "cool"), (0.12, ""), (0.3, "warm")), "golden")
    return f"{strength}, {tone}" if tone and strength != "natural" else tone or strength


def _step(value: float, steps: Sequence[tuple[float, str]], otherwise: str) -> str:
    """The word of the first step `value` lies below."""
    return next((word for limit, word in steps if value < limit), otherwise)
