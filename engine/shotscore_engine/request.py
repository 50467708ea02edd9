"""What a person asks for when a cue is scored. Checked when it is made: a `ScoreRequest` that exists makes sense."""

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

from .diffusion import GUIDANCE, MAX_T, SELECTORS, STEPS, SelectorName
from .errors import InputError, RequestError
from .masks import MaskKind
from .picture import Picture
from .tempo_map import EndingKind
from .timing import format_timecode, parse_timecode
from .wishes import EnergyCurve, Wish, check_curve

Detector = Literal["adaptive", "transnet", "none"]
Device = Literal["auto", "cuda", "coreml", "cpu"]

SLOWEST_BPM, FASTEST_BPM = 30.0, 300.0
MOST_STEPS = 1000
MOST_TAKES = 64

_KEY = re.compile(r"([A-Ga-g])\s*([#b♯♭]?)\s*[-_ ]?\s*(m|min|minor|maj|major)?", re.IGNORECASE)
_SPAN = re.compile(r"\s*([0-9:;.]+)\s*-\s*([0-9:;.]+)\s*")


@dataclass(frozen=True)
class ScoreRequest:
    """Everything that decides how a cue sounds, besides the picture. None: chosen from the picture."""

    start_frame: int = 0
    """From the timeline's start."""
    end_frame: int | None = None
    """The frame after the last; None is the picture's end."""
    prompt: str = ""
    """Words for the whole cue; empty: markers, clip names and what is seen speak."""
    mood: tuple[float, float] | None = None
    """(valence, arousal), each -1 to 1."""
    style: str | None = None
    tempo_bpm: float | None = None
    """Quarter notes a minute, 30 to 300."""
    tempo_map: bool = True
    """Whether the tempo may bend a little so that more hits land; a tempo asked for never does."""
    ending: EndingKind = "ring"
    """hard: cut off at the end; ring: the last accent rings out; fade: the music goes on and fades."""
    accent_frame: int | None = None
    """Where the last accent shall fall; None: a hit near the end, or a bar line."""
    key: str | None = None
    """Like "A minor"."""
    energy: float | None = None
    """0 to 1."""
    seed: int = 1
    """The same request and seed make the same notes."""
    steps: int = STEPS
    """Denoising steps, 1 to 1000."""
    guidance: float = GUIDANCE
    """How strongly the picture steers, 0 to 20; 1 is no extra push."""
    selector: SelectorName = "language+video"
    switch_t: float = 200.0
    """The timestep, 1000 to 0, at which the selector's second feature takes over."""
    mask: MaskKind = "aligned"
    mask_k: int = 8
    """Beats in a window of the fixed mask."""
    device: Device = "auto"
    model: Path | None = None
    """None: the model that comes with Shotscore."""
    soundfont: Path | None = None
    """None: the best one found."""
    loudness_lufs: float = -23.0
    """Of the mix: -23 for broadcast (EBU R128), -14 for the web."""
    duck: bool = True
    """Whether the music makes room for speech."""
    takes: int = 1
    """How many versions, with seeds one apart."""
    detect: Detector = "adaptive"
    """What looks for cuts inside long clips."""
    strict_media: bool = False
    """Whether missing media is an error."""
    wishes: tuple[Wish, ...] = ()
    """What is wanted of ranges; later ones over earlier ones."""
    energy_curve: EnergyCurve = ()
    """(frame, energy) points drawn by hand."""

    def __post_init__(self) -> None:
        _within("start of the range", self.start_frame, 0, None, "frames count from 0, the timeline's first")
        if self.end_frame is not None and self.end_frame <= self.start_frame:
            raise RequestError(
                f"The range {self.start_frame}-{self.end_frame} is empty; OUT is the frame after the last."
            )
        if len(self.prompt) > 2000:
            raise RequestError(f"The prompt has {len(self.prompt)} characters; 2000 are read, so shorten it.")
        for name, value in zip(("valence", "arousal"), self.mood or (), strict=False):
            _within(name, value, -1, 1, "moods run from -1 to 1")
        if self.tempo_bpm is not None:
            _within("tempo", self.tempo_bpm, SLOWEST_BPM, FASTEST_BPM, "beats a minute")
        if self.energy is not None:
            _within("energy", self.energy, 0, 1, "0 is still, 1 is full")
        if self.accent_frame is not None:
            if self.ending == "fade":
                raise RequestError(
                    f"A fade has no last accent; leave out frame {self.accent_frame} or choose the ending ring or hard."
                )
            if self.accent_frame <= self.start_frame or self.accent_frame >= (self.end_frame or self.accent_frame + 1):
                raise RequestError(
                    f"The last accent's frame {self.accent_frame} is not inside {self.start_frame}-{self.end_frame}."
                )
        if self.key is not None:
            object.__setattr__(self, "key", parse_key(self.key))
        _within("seed", self.seed, 0, 2**63 - 1, "a whole number")
        _within("number of steps", self.steps, 1, MOST_STEPS, "20 is a good number")
        _within("guidance", self.guidance, 0, 20, "1 is no extra push")
        _within("switch step", self.switch_t, 0, MAX_T, "timesteps run from 1000, noise, to 0")
        _within("mask's window", self.mask_k, 1, 1024, "beats; 8 is the paper's")
        _within("loudness", self.loudness_lufs, -60, -5, "LUFS, such as -23 or -14")
        _within("number of takes", self.takes, 1, MOST_TAKES, "one for each seed")
        check_curve(self.energy_curve)
        _one_of("detector", self.detect, get_args(Detector))
        _one_of("selector", self.selector, SELECTORS)
        _one_of("mask", self.mask, get_args(MaskKind))
        _one_of("device", self.device, get_args(Device))
        _one_of("ending", self.ending, get_args(EndingKind))


def parse_key(text: str) -> str:
    """`text` as keys are written here: "a minor", "Am" and "A min" give "A minor"; "Bb" gives "Bb major".

    Raises RequestError where it is no key.
    """
    match = _KEY.fullmatch(text.strip())
    if match is None:
        raise RequestError(f'{text!r} is not a key; write for example "A minor" or "Bb major".')
    mode = (match[3] or "major").lower()
    minor = match[3] == "m" or mode.startswith("min")
    return f"{match[1].upper()}{match[2].replace('♯', '#').replace('♭', 'b')} {'minor' if minor else 'major'}"


def parse_range(text: str, picture: Picture) -> tuple[int, int]:
    """(start, end) frames of IN-OUT, each in frames from the timeline's start or in record timecode; OUT is exclusive.

    Raises RequestError where the text is no range, is empty, or lies outside `picture`.
    """
    match = _SPAN.fullmatch(text)
    if match is None:
        raise RequestError(f"{text!r} is not a range; write IN-OUT in frames (48-240) or timecode.")
    start, end = (parse_frame(edge, picture) for edge in match.groups())
    check_range(start, end, picture)
    return start, end


def check_range(start: int, end: int, picture: Picture) -> None:
    """Raises RequestError where [start, end) is empty or lies outside `picture`."""
    if end <= start:
        raise RequestError(f"The range {start}-{end} has no length; OUT is the frame after the last.")
    if start < 0 or end > picture.duration_frames:
        first, last = (
            format_timecode(picture.start_frame + frame, picture.rate, picture.drop_frame)
            for frame in (0, picture.duration_frames)
        )
        raise RequestError(
            f"The range {start}-{end} lies outside the timeline, which has the frames 0-{picture.duration_frames} "
            f"({first}-{last})."
        )


def parse_frame(text: str, picture: Picture) -> int:
    """The frame, from the timeline's start, that `text` names: a whole number or record timecode.

    Raises RequestError where it is neither.
    """
    if text.isdecimal():
        return int(text)
    # Whether frames are dropped is a matter of the timeline, not of which separator someone typed.
    spelled = re.sub(r"[:;.](\d+)$", r";\1" if picture.drop_frame else r":\1", text)
    try:
        return parse_timecode(spelled, picture.rate) - picture.start_frame
    except InputError as problem:
        raise RequestError(str(problem)) from problem


def _within(name: str, value: float | Fraction, low: float, high: float | None, hint: str) -> None:
    if not (value >= low and (high is None or value <= high)):  # written so that NaN fails
        reach = f"{low:g} or more" if high is None else f"{low:g} to {high:g}"
        raise RequestError(f"The {name} {value} is outside {reach}; {hint}.")


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise RequestError(f"There is no {name} {value!r}; choose one of {', '.join(choices)}.")
