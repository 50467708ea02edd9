"""AAF for Avid Media Composer and Pro Tools: music linked to its WAV files, on new mono tracks of the document.

AAF is binary, so the document is read and written by pyaaf2; what is not ours stays as pyaaf2 keeps it. A stereo stem
is two mono tracks (`melody L`, `melody R`), which is how Avid and Pro Tools exchange stereo. Each file becomes a
source mob (a `WAVEDescriptor` with a network locator; the sound is not embedded) under a master mob; ours carry the
comment `shotscore`, by which `remove` finds them.
"""

import tempfile
import uuid
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from shotscore_engine.atomic import replace_file
from shotscore_engine.errors import ShotscoreError, TimelineError
from shotscore_engine.readers.aaf import opened
from shotscore_engine.timing import exact_rate, quantise, rate_text

from .placement import Placement, StemClip, tracks_of

_MARK = "shotscore"
_NAMESPACE = uuid.UUID("6f0f3c1e-7d0c-4c39-9f4e-5b1f6a2d8c11")


def insert(data: bytes, clips: Sequence[StemClip], placement: Placement) -> bytes:
    """The document with the music on new sound tracks of its composition; music put in before is replaced.

    Raises TimelineError where it is no AAF with a composition, or runs at another rate.
    """

    def add(file: Any) -> None:
        _take_out(file)
        composition = _composition(file)
        rate = _rate(composition)
        if rate != placement.rate:
            raise TimelineError(
                f"The composition runs at {rate_text(rate)} frames per second and the music at "
                f"{rate_text(placement.rate)}; score it at its own rate."
            )
        number = len(_slots(composition, "Sound"))
        for stem, row in tracks_of(clips).items():
            masters = [_master(file, clip) for clip in row]
            for channel in range(row[0].channels):
                number += 1
                name = f"{stem} {'LR'[channel]}" if row[0].channels == 2 else stem
                _track(file, composition, name, number, channel, row, masters, placement)

    return _changed(data, add)


def remove(data: bytes) -> bytes:
    """The document without our tracks and mobs; `data` itself where it holds none."""
    found = False

    def look(file: Any) -> None:
        nonlocal found
        found = _take_out(file)

    changed = _changed(data, look)
    return changed if found else data


def write(document: Path, clips: Sequence[StemClip], placement: Placement, path: Path) -> None:
    """Write `document` with the music in it to `path`. Raises TimelineError as `insert`, OutputError where it fails."""
    replace_file(path, insert(document.read_bytes(), clips, placement))


def _changed(data: bytes, change: Callable[[Any], None]) -> bytes:
    """The document after `change`; pyaaf2 works on files, so a temporary copy is changed."""
    if not data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise TimelineError("The document is no AAF file; export it from the editor again.")
    with tempfile.TemporaryDirectory(prefix="shotscore-") as folder:
        path = Path(folder) / "document.aaf"
        path.write_bytes(data)
        try:
            with opened(path, "rw") as file:
                change(file)
        except (ShotscoreError, OSError, MemoryError):
            raise
        except Exception as problem:
            # pyaaf2 meets damage wherever it is and names none of it.
            raise TimelineError(f"The AAF document is damaged ({type(problem).__name__}: {problem}).") from problem
        return path.read_bytes()


def _track(
    file: Any,
    composition: Any,
    name: str,
    number: int,
    channel: int,
    row: Sequence[StemClip],
    masters: Sequence[Any],
    placement: Placement,
) -> None:
    slot = composition.create_timeline_slot(placement.rate)
    slot.name = name
    slot["PhysicalTrackNumber"].value = number
    sequence = file.create.Sequence(media_kind="sound")
    slot.segment = sequence
    now = 0
    for clip, master in zip(row, masters, strict=True):
        if clip.start_frame < now:
            raise TimelineError(f"Two cues overlap on the track {clip.stem}; put them on two timelines.")
        if clip.start_frame > now:
            sequence.components.append(file.create.Filler("sound", clip.start_frame - now))
        source = master.create_source_clip(channel + 1, clip.pre_roll_frames, clip.duration_frames, "sound")
        sequence.components.append(source)
        now = clip.start_frame + clip.duration_frames
    sequence.length = now


def _master(file: Any, clip: StemClip) -> Any:
    """The master mob of a file: a sound slot per channel, each on its slot of the source mob."""
    from aaf2 import ama

    source = file.create.SourceMob(f"{clip.path.name}")
    master = file.create.MasterMob(f"{clip.cue} {clip.stem}")
    for mob, kind in ((source, "file"), (master, "master")):
        mob.mob_id = _mob_id(f"{clip.path.resolve()}/{clip.samples}/{kind}")
        mob.comments[_MARK] = f"{clip.cue} {clip.stem}"
    descriptor = file.create.WAVEDescriptor()
    descriptor["SampleRate"].value = Fraction(clip.sample_rate)
    descriptor["Length"].value = clip.samples
    descriptor["Summary"].value = ama.get_wave_fmt(str(clip.path))
    descriptor["ContainerFormat"].value = file.dictionary.lookup_containerdef("AAF")
    locator = file.create.NetworkLocator()
    locator["URLString"].value = clip.path.resolve().as_uri()
    descriptor["Locator"].append(locator)
    source.descriptor = descriptor
    for channel in range(clip.channels):
        for mob, beneath in ((source, None), (master, source)):
            slot = mob.create_timeline_slot(clip.sample_rate, channel + 1)
            slot["PhysicalTrackNumber"].value = channel + 1
            if beneath is None:
                slot.segment = file.create.SourceClip(0, clip.samples, media_kind="sound")
            else:
                slot.segment = beneath.create_source_clip(channel + 1, 0, clip.samples, "sound")
    file.content.mobs.extend([source, master])
    return master


def _take_out(file: Any) -> bool:
    """Our tracks and mobs out of the file; whether there were any."""
    ours = {str(mob.mob_id) for mob in file.content.mobs if _is_ours(mob)}
    if not ours:
        return False
    for composition in list(file.content.compositionmobs()):
        kept = [slot for slot in composition.slots if not _uses(slot, ours)]
        if len(kept) < len(list(composition.slots)):
            composition.slots.value = kept
    for mob in list(file.content.mobs):
        if str(mob.mob_id) in ours:
            file.content.mobs.pop(mob.mob_id)
    return True


def _is_ours(mob: Any) -> bool:
    comments = mob.get("UserComments")
    return comments is not None and any(tag.name == _MARK for tag in comments.value)


def _uses(slot: Any, mobs: set[str]) -> bool:
    segment = slot.segment
    components = segment.components if type(segment).__name__ == "Sequence" else [segment]
    used = [str(part.mob_id) for part in components if type(part).__name__ == "SourceClip"]
    return bool(used) and set(used) <= mobs


def _composition(file: Any) -> Any:
    """The first top-level composition with a picture."""
    mobs = list(file.content.toplevel()) or list(file.content.compositionmobs())
    for mob in mobs:
        if _slots(mob, "Picture"):
            return mob
    raise TimelineError("The AAF document holds no composition with a picture; export the sequence from the editor.")


def _slots(mob: Any, kind: str) -> list[Any]:
    return [
        slot
        for slot in mob.slots
        if type(slot).__name__ == "TimelineMobSlot"
        and slot.segment is not None
        and str(slot.segment.media_kind or "").removeprefix("Legacy") == kind
    ]


def _rate(composition: Any) -> Fraction:
    rate = Fraction(_slots(composition, "Picture")[0].edit_rate)
    return exact_rate(rate) if 1 <= rate <= 1000 else Fraction(quantise(rate))


def _mob_id(name: str) -> Any:
    """An id that depends on the file alone, so that the same export gives the same document."""
    from aaf2.mobid import MobID

    return MobID(f"urn:smpte:umid:060a2b34.01010105.01010f20.13000000.{_dotted(name)}")


def _dotted(name: str) -> str:
    digits = uuid.uuid5(_NAMESPACE, name).hex
    return ".".join(digits[at : at + 8] for at in range(0, 32, 8))
