"""Exact time: rates, frames, seconds, timecode.

Conventions: a rate is a `Fraction` of frames per second (23.976 is 24000/1001), a frame is an `int`, a moment
between frames and every number of seconds is a `Fraction`. Floats appear at the audio edge and nowhere before.
Drop-frame timecode follows SMPTE ST 12-1: two frame numbers (four at 59.94) are skipped each minute except every
tenth.
"""

import re
from fractions import Fraction

from .errors import InputError

_TIMECODE = re.compile(r"(\d{1,3}):([0-5]?\d):([0-5]?\d)([:;.])(\d{1,3})")
_EXPONENT = re.compile(r"[eE]([-+]?[\d_]+)")
_LONGEST_NUMBER, _LARGEST_EXPONENT = 200, 40


def quantise(value: Fraction | float) -> int:
    """The whole number nearest to `value`; halves go up, on both sides of zero. The only rounding of time there is."""
    # A Fraction made of a Fraction takes longer than all the rest.
    exact = value if isinstance(value, Fraction) else Fraction(value)
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def sample_at(seconds: Fraction, sample_rate: int) -> int:
    """The sample nearest to a moment: `quantise(seconds * sample_rate)` in a third of the time."""
    return (2 * seconds.numerator * sample_rate + seconds.denominator) // (2 * seconds.denominator)


def exact_number(text: str) -> Fraction:
    """The number in `text`: "48", "24000/1001", "12.5", "1e3".

    Raises ValueError where it is none, or has more digits or a larger exponent than any time has: a Fraction of
    "1e999999999" would be worked out for hours.
    """
    exponent = _EXPONENT.search(text)
    if len(text) > _LONGEST_NUMBER or (exponent and abs(int(exponent[1])) > _LARGEST_EXPONENT):
        raise ValueError(f"{text[:40]!r} is too long a number, or has too large an exponent")
    try:
        return Fraction(text)
    except ZeroDivisionError as problem:
        raise ValueError(f"{text!r} is divided by zero") from problem


def exact_rate(rate: float | Fraction | str) -> Fraction:
    """The broadcast rate meant by `rate`: 23.976, 23.98 and "24000/1001" all give `Fraction(24000, 1001)`.

    Raises InputError where `rate` is not a number between 1 and 1000.
    """
    try:
        exact = exact_number(rate) if isinstance(rate, str) else Fraction(rate)
    except (ValueError, OverflowError, ZeroDivisionError, TypeError) as problem:
        raise InputError(f"The frame rate {rate!r} is not a number; use for example 24, 25 or 24000/1001.") from problem
    if not 1 <= exact <= 1000:
        raise InputError(f"The frame rate {rate!r} is outside 1 to 1000 frames per second.")
    whole = quantise(exact)
    ntsc = Fraction(whole * 1000, 1001)
    if exact != whole and abs(exact - ntsc) < Fraction(6, 1000):
        return ntsc
    if abs(exact - whole) < Fraction(1, 10000):
        return Fraction(whole)
    return exact.limit_denominator(100_000)


def seconds_at(frame: int | Fraction, rate: Fraction) -> Fraction:
    """Seconds from frame 0 to the start of `frame`."""
    return Fraction(frame) / rate


def frame_at(seconds: Fraction, rate: Fraction) -> Fraction:
    """The (fractional) frame at `seconds`; `quantise` it for the nearest whole one."""
    return Fraction(seconds) * rate


def rate_text(rate: Fraction) -> str:
    """`rate` as the command line writes it: "24000/1001", "25/1"."""
    return f"{rate.numerator}/{rate.denominator}"


def _dropped_per_minute(nominal: int, drop_frame: bool) -> int:
    return nominal // 15 if drop_frame else 0


def format_timecode(frame: int, rate: Fraction, drop_frame: bool = False) -> str:
    """Record timecode of an absolute `frame`; `;` before the frames marks drop-frame. Wraps at 24 hours."""
    nominal = quantise(rate)
    dropped = _dropped_per_minute(nominal, drop_frame)
    per_minute = nominal * 60 - dropped
    per_ten = per_minute * 10 + dropped
    number = frame % (per_ten * 144)
    if dropped:
        tens, rest = divmod(number, per_ten)
        number += tens * 9 * dropped
        if rest >= nominal * 60:
            number += dropped * ((rest - nominal * 60) // per_minute + 1)
    seconds, frames = divmod(number, nominal)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours:02}:{minutes:02}:{seconds % 60:02}{';' if drop_frame else ':'}{frames:02}"


def parse_timecode(text: str, rate: Fraction) -> int:
    """The absolute frame of a record timecode such as 01:00:00:00 (`;` or `.` before the frames: drop-frame).

    Raises InputError where the text is no timecode at this rate.
    """
    match = _TIMECODE.fullmatch(text.strip())
    nominal = quantise(rate)
    if not match or int(match[5]) >= nominal:
        raise InputError(f"{text!r} is not a timecode at {rate_text(rate)} frames per second; write HH:MM:SS:FF.")
    hours, minutes, seconds, frames = (int(match[i]) for i in (1, 2, 3, 5))
    total_minutes = hours * 60 + minutes
    dropped = _dropped_per_minute(nominal, match[4] != ":")
    return (total_minutes * 60 + seconds) * nominal + frames - dropped * (total_minutes - total_minutes // 10)
