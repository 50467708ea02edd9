"""A few bars made anew inside rendered files: everything outside the ringing of changed notes stays bit for bit.

    notes    ======|changed|======================
    rendered    [warm-up|.......|ringing |margin]
    written             [.......ringing..]

Which notes differ is read from the two scores. A window around them is rendered for every stem, from early enough that
notes and effects before it are as they were; what it gives is compared with the files. It must agree with them before
and after: then the stretch that differs is written into copies of the files, at the level they have (a new one would
change every sample, so the loudness is measured and told instead). Where the edges do not agree the window grows, and
where it would be most of the cue, or the files are not the ones they should be, nothing is done and the whole cue is
to be rendered. The limiter looks ahead: where new bars reach the ceiling it may begin up to a tenth of a second before
them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from shotscore_engine.perform import SUSTAIN_PEDAL, Score, Stem
from shotscore_engine.progress import Progress, silent
from shotscore_engine.timing import quantise, sample_at

from . import audio, bwf, effects, loudness, synth
from .audio import AudioSettings, Delivered, Room
from .placement import Placement

Event = tuple[int, int, int, int]
Span = tuple[int, int]

_MARGIN_SECONDS = 0.2
"""How long a window must agree with the files before it changes anything; more than the limiter looks ahead."""
_MARGIN_SAMPLES = 1_000
"""How much earlier than the first note it has to hear a player begins: expression moves on its way there."""
_RELEASE_SECONDS = (1.5, 5.0)
"""How long let-go notes are thought to ring, at the first try and at the second."""
_MOST_OF_THE_CUE = 0.75
_LOOK_AHEAD_SECONDS = 0.1
"""How far before a peak the limiter begins."""
_BLOCK_SECONDS = 0.02
_SHARE = 80.0
"""Per cent of a moment's samples that count where two sounds are compared: single ones do not."""
_FAINT, _AGREE = 1.5e-5, 3e-4
"""Differences of -96 dBFS, which nobody hears, and of -70, which is the most that is passed over."""


@dataclass(frozen=True)
class _Window:
    """Samples from the cue's start."""

    start: int
    """Where the players begin."""
    right_from: int
    """From here on its sound is right."""
    changes_from: int
    """Where the first note is played otherwise."""
    changes_until: int
    """Where the last such note has been let go."""
    end: int


def splice(
    score: Score,
    before: Score,
    placement: Placement,
    home: Path,
    folder: Path,
    settings: AudioSettings | None = None,
    progress: Progress = silent,
    midi: Path | None = None,
) -> Delivered | None:
    """Write the files of `score` into `folder` by changing those of `before`, which lie in `home` under plain names.

    None where that cannot be done, or is not worth it; nothing is left in `folder` then. Raises as `audio.write`.
    """
    settings = settings or AudioSettings()
    room = audio.room_of(score, placement, settings)
    names: list[str | None] = [*(stem.name for stem in score.stems), None]
    if names != [*(stem.name for stem in before.stems), None] or settings.bits == 32:
        return None
    heads = _heads(before, placement, home, settings, room, names)
    if heads is None:
        return None
    level = audio.level_of(heads[None].user)
    assert level is not None
    stamps = audio.stamps_of(score, room, settings, level)
    # A stem whose program, effects or room changed is different everywhere.
    unlike = [
        new.name
        for new, old in zip(score.stems, before.stems, strict=True)
        if _sound(score, new) != _sound(before, old)
    ]
    if unlike or score.fade_out != before.fade_out:
        return None
    changed = _changed(score, before, room)
    pieces: list[tuple[int, dict[str | None, NDArray[np.float32]]]] = []
    paths = {name: home / audio.file_name(score.title, name) for name in names}
    tries = len(_RELEASE_SECONDS)
    for attempt, release in enumerate(_RELEASE_SECONDS):
        windows = _windows(changed, (score, before), room, release)
        if sum(window.end - window.start for window in windows) > _MOST_OF_THE_CUE * room.sounding:
            return None
        found = []
        for index, window in enumerate(windows):
            progress("render", 0.9 * (attempt + index / len(windows)) / tries)
            piece = _piece(score, room, settings, window, level, paths, heads)
            if piece is None:
                break
            found.append(piece)
        if len(found) == len(windows):
            pieces = found
            break
    else:
        return None
    unmeasured = loudness.Loudness(-np.inf, -np.inf)

    def one(name: str | None, measured: loudness.Loudness = unmeasured) -> None:
        label = audio.label_of(name, score, placement, settings, measured, stamps[name])
        mine = [(at, sounds[name]) for at, sounds in pieces]
        bwf.patch(folder / audio.file_name(score.title, name), paths[name], heads[name], label, mine)

    with ThreadPoolExecutor(1) as pool:
        # The stems are written while the mix is measured.
        written = [pool.submit(one, name) for name in names if name is not None]
        measured = _measured(paths[None], heads[None], [(at, sounds[None]) for at, sounds in pieces])
        progress("render", 1.0)
        for count, job in enumerate(written, 1):
            job.result()
            progress("write", count / len(names))
    one(None, measured)
    progress("write", 1.0)
    clips = [
        audio.clip_of(name, folder / audio.file_name(score.title, name), score, placement, settings, room, midi)
        for name in names
    ]
    anew = tuple((at, at + len(sounds[None])) for at, sounds in pieces)
    return Delivered(tuple(clips[:-1]), clips[-1], measured, room.font, synth.chosen(settings.player), None, anew)


def level_in(before: Score, placement: Placement, home: Path, settings: AudioSettings | None = None) -> float | None:
    """The level of the files of `before` in `home`; None where they do not hold it."""
    settings = settings or AudioSettings()
    room = audio.room_of(before, placement, settings)
    heads = _heads(before, placement, home, settings, room, [*(stem.name for stem in before.stems), None])
    return None if heads is None else audio.level_of(heads[None].user)


def _heads(
    before: Score, placement: Placement, home: Path, settings: AudioSettings, room: Room, names: Sequence[str | None]
) -> dict[str | None, bwf.Head] | None:
    """The files' heads, if they hold the notes of `before`, all at one level."""
    heads = {}
    mix = bwf.read_head(home / audio.file_name(before.title, None))
    level = audio.level_of(mix.user) if mix is not None else None
    if level is None:
        return None
    old_room = audio.room_of(before, placement, settings)
    stamps = audio.stamps_of(before, old_room, settings, level)
    for name in names:
        head = bwf.read_head(home / audio.file_name(before.title, name))
        form = (room.sample_rate, settings.bits, audio.CHANNELS, room.samples)
        if head is None or (head.sample_rate, head.bits, head.channels, head.samples) != form:
            return None
        if head.user != stamps[name]:
            return None
        heads[name] = head
    return heads


def _sound(score: Score, stem: Stem) -> object:
    """What a stem sounds like, whatever it plays."""
    if score.style is None:
        return stem.program, stem.is_drum
    style = score.style
    room = style.reverb_seconds, style.reverb_damp_hz, style.reverb_delay_ms
    return stem.program, stem.is_drum, room, style.stem(stem.name).effects


def _changed(score: Score, before: Score, room: Room) -> list[Span]:
    """Stretches of the cue, in samples, in which other notes are held or controllers stand elsewhere."""
    spans: list[Span] = []
    for new, old in zip(score.stems, before.stems, strict=True):
        one, other = (audio.events_of(stem, room.sample_rate) for stem in (new, old))
        differing = (one - other) + (other - one)
        if not differing:
            continue
        for stem, events in ((new, one), (old, other)):
            pedal = _pedal(stem, room)
            moves: dict[int, list[int]] = {}
            for time, kind, number, _ in sorted(events):
                if kind < 0:
                    moves.setdefault(number, []).append(time)
            for start, end, number, _ in differing.keys() & events.keys():
                if end >= 0:
                    spans.append((start, _let_go(end, pedal)))
                else:
                    # A controller stands until it is moved again.
                    later = bisect_right(moves[number], start)
                    spans.append((start, moves[number][later] if later < len(moves[number]) else room.sounding))
    return _joined(spans)


def _pedal(stem: Stem, room: Room) -> list[tuple[int, bool]]:
    return sorted(
        (sample_at(c.time, room.sample_rate), c.value >= 64) for c in stem.controls if c.number == SUSTAIN_PEDAL
    )


def _let_go(end: int, pedal: Sequence[tuple[int, bool]]) -> int:
    """When a key that goes up at `end` is really let go: the pedal may hold it."""
    place = bisect_left(pedal, (end, False))
    if place and pedal[place - 1][1]:
        return next((time for time, is_down in pedal[place:] if not is_down), 1 << 40)
    return end


def _joined(spans: Sequence[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _windows(changed: Sequence[Span], scores: tuple[Score, Score], room: Room, release_seconds: float) -> list[_Window]:
    """What has to be rendered for stretches that changed."""
    score = scores[0]
    rate = room.sample_rate
    memory = effects.memory_seconds(score.style) if score.style else 0.0
    ring, margin = (quantise(seconds * rate) for seconds in (release_seconds + memory, _MARGIN_SECONDS))
    reach = quantise(release_seconds * rate)
    held = [
        (sample_at(note.start, rate), _let_go(sample_at(note.start + note.duration, rate), pedal))
        for stem in score.stems
        for pedal in (_pedal(stem, room),)
        for note in stem.notes
    ]
    grown = _joined([(max(0, start - margin), min(room.sounding, end + ring + 2 * margin)) for start, end in changed])
    begins, ends = sorted(start for start, _ in changed), sorted(end for _, end in changed)
    windows: list[_Window] = []
    for right_from, end in grown:
        # Effects have to hear what sounds before, and the players the notes that still ring by then.
        fed = max(0, right_from - quantise(memory * rate))
        ringing = [start for start, until in held if start < fed < until + reach]
        begin = max(0, min(ringing, default=fed) - _MARGIN_SAMPLES)
        until = min(ends[bisect_left(ends, end) - 1], end)
        if windows and begin <= windows[-1].end:
            windows[-1] = replace(windows[-1], changes_until=until, end=end)
        else:
            windows.append(_Window(begin, right_from, begins[bisect_left(begins, right_from)], until, end))
    return windows


def _piece(
    score: Score,
    room: Room,
    settings: AudioSettings,
    window: _Window,
    level: float,
    paths: dict[str | None, Path],
    heads: dict[str | None, bwf.Head],
) -> tuple[int, dict[str | None, NDArray[np.float32]]] | None:
    """What of a window goes into the files: its first sample in them, and every file's new sound.

    From where other notes begin to where they have died away: until what nearly all samples of a moment differ by is
    nothing to speak of. None where the window does not agree with the files before and after.
    """

    def alone(stem: Stem) -> NDArray[np.float32]:
        made = audio.sound_of(stem, score, room, settings.player, window.start, window.end)
        return np.ascontiguousarray(made[window.right_from - window.start :])

    with ThreadPoolExecutor(audio.workers(settings)) as pool:
        raw = dict(zip((stem.name for stem in score.stems), pool.map(alone, score.stems), strict=True))
        mix = np.zeros((window.end - window.right_from, audio.CHANNELS), np.float32)
        for stem in score.stems:
            mix += raw[stem.name]
        gain = audio.limited(mix, level, settings)[:, None]
        first = window.right_from + room.before
        # Between the first other note and the end of the last one everything may differ, and is not looked at.
        told = slice(window.changes_from - window.right_from, min(window.changes_until - window.right_from, len(mix)))

        def levelled(name: str | None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            """A file's new sound, and by how much it differs from what the file holds."""
            sound = (mix if name is None else raw[name]) * gain
            differs = np.zeros(len(mix), np.float32)
            for here in (slice(0, told.start), slice(told.stop, len(mix))):
                old = bwf.read_pcm(paths[name], heads[name], first + here.start, first + here.stop)
                np.subtract(sound[here], old, out=old)
                np.abs(old, out=old)
                old.max(axis=1, out=differs[here])
            return sound, differs

        names: list[str | None] = [*raw, None]
        new: dict[str | None, NDArray[np.float32]] = {}
        apart = np.zeros(len(mix), np.float32)
        for name, (sound, differs) in zip(names, pool.map(levelled, names), strict=True):
            new[name] = sound
            np.maximum(apart, differs, out=apart)
        apart[told] = 1.0
    low = window.changes_from - window.right_from
    if gain.min() < gain.max():
        low -= quantise(_LOOK_AHEAD_SECONDS * room.sample_rate)
    low = max(low, 0)
    block = quantise(_BLOCK_SECONDS * room.sample_rate)
    whole = len(apart) - len(apart) % block
    levels: list[float] = np.percentile(apart[:whole].reshape(-1, block), _SHARE, axis=1).tolist()
    if whole < len(apart):
        levels.append(float(np.percentile(apart[whole:], _SHARE)))
    if max(levels[: low // block], default=0.0) > _AGREE:
        return None
    high = len(mix)
    if window.end < room.sounding:
        for faint in (max(_FAINT, 2.0 ** (2 - settings.bits)), _AGREE):
            loud = [number for number, value in enumerate(levels) if value > faint]
            high = max((loud[-1] + 2) * block if loud else 0, low + 2 * block)
            if high <= len(mix) - block:
                break
        else:
            return None
    pieces: dict[str | None, NDArray[np.float32]] = {}
    for name, sound in new.items():
        pieces[name] = sound[low:high].copy()
        if window.end < room.sounding:
            # The new sound goes over into the old, from which it hardly differs any more.
            old = bwf.read_pcm(paths[name], heads[name], first + high - block, first + high)
            share = np.linspace(1, 0, block, dtype=np.float32)[:, None]
            pieces[name][-block:] = old + share * (pieces[name][-block:] - old)
    return first + low, pieces


def _measured(mix: Path, head: bwf.Head, pieces: Sequence[tuple[int, NDArray[np.float32]]]) -> loudness.Loudness:
    """What a meter says of the mix with its new pieces."""
    sound = bwf.read_pcm(mix, head, 0, head.samples)
    for at, piece in pieces:
        sound[at : at + len(piece)] = piece
    return loudness.measure(sound, head.sample_rate)
