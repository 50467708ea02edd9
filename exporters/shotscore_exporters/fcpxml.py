"""FCPXML, Final Cut Pro's exchange format (versions 1.8 to 1.13): music as connected clips with audio roles.

Each stem becomes an asset and a clip connected to the item of the primary storyline above which it starts, on a
negative lane of its own, with the role `music.STEM`. Times are rational seconds on the sequence's frame boundaries; a
connected clip's offset is measured in its parent's own time.
"""

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from xml.sax.saxutils import escape

from shotscore_engine.atomic import replace_file
from shotscore_engine.errors import TimelineError
from shotscore_engine.timing import quantise, rate_text

from . import edits
from .edits import Element
from .placement import Placement, StemClip, tracks_of

_STORY = ("asset-clip", "clip", "gap", "ref-clip", "sync-clip", "mc-clip", "title", "video", "audio")
# The DTD wants connected items after these children of a clip and before all others.
_BEFORE_ANCHORED = {
    *_STORY,
    "note",
    "conform-rate",
    "timeMap",
    "text",
    "text-style-def",
    "spine",
    "audition",
    "caption",
}
_BEFORE_ANCHORED |= {"param", "mc-source"}


def insert(data: bytes, clips: Sequence[StemClip], placement: Placement) -> bytes:
    """The document with the music connected to its first project; music put in before is replaced.

    Raises TimelineError where it is no FCPXML, holds no project, or runs at another rate.
    """
    data = remove(data)
    root = edits.parse(data, ("fcpxml",), "FCPXML")
    resources = root.child("resources")
    # Compound clips among the resources have sequences too: the project's is meant.
    sequence = next((found for project in root.find_all("project") for found in project.find_all("sequence")), None)
    spine = sequence.child("spine") if sequence else None
    if resources is None or sequence is None or spine is None:
        raise TimelineError("The FCPXML holds no project with a storyline; export the project from Final Cut again.")
    rate = _rate(resources, sequence)
    if rate != placement.rate:
        raise TimelineError(
            f"The project runs at {rate_text(rate)} frames per second and the music at {rate_text(placement.rate)}; "
            "score it at its own rate."
        )
    version = tuple(int(part) for part in re.findall(r"\d+", root.attributes.get("version", "1.8"))[:2])
    lanes = [int(e.attributes["lane"]) for e in spine.walk() if re.fullmatch(r"-?\d+", e.attributes.get("lane", ""))]
    lane = min([0, *lanes])
    story = _positions(spine)
    assets: list[str] = []
    connected: dict[int, tuple[Element, list[str]]] = {}
    for stem, row in tracks_of(clips).items():
        lane -= 1
        for clip in row:
            assets.append(_asset(clip, placement, version))
            parent, begins = _parent(story, Fraction(clip.start_frame) / rate)
            rows = connected.setdefault(parent.start, (parent, []))[1]
            rows.append(_clip(clip, placement, stem, lane, parent, begins))
    found = [edits.inside(data, resources, "".join(assets))]
    for parent, rows in connected.values():
        allowed = [
            child for child in parent.children if child.tag in _BEFORE_ANCHORED or child.tag.startswith("adjust-")
        ]
        place = allowed[-1].end if allowed else parent.content
        found.append(edits.inside(data, parent, "\n" + "".join(rows), place))
    return edits.apply(data, found)


def remove(data: bytes) -> bytes:
    """The document as it was before `insert`, byte for byte. Raises TimelineError where it was changed since."""
    return edits.undo(data, "FCPXML")


def write(document: Path, clips: Sequence[StemClip], placement: Placement, path: Path) -> None:
    """Write `document` with the music in it to `path`. Raises TimelineError as `insert`, OutputError where it fails."""
    replace_file(path, insert(document.read_bytes(), clips, placement))


def _asset(clip: StemClip, placement: Placement, version: tuple[int, ...]) -> str:
    own, name = _id(clip), escape(f"{clip.cue} {clip.stem}", {'"': "&quot;"})
    url = escape(clip.path.resolve().as_uri(), {'"': "&quot;"})
    frames = max(
        quantise(Fraction(clip.samples) / clip.sample_rate * placement.rate),
        clip.pre_roll_frames + clip.duration_frames,
    )
    head = (
        f'<asset id="{own}" name="{name}" start="{_time(_file_start(clip, placement))}" '
        f'duration="{_time(Fraction(frames) / placement.rate)}" hasAudio="1" audioSources="1" '
        f'audioChannels="{clip.channels}" audioRate="{clip.sample_rate}"'
    )
    # Since 1.9 a medium is a child of its own.
    if version >= (1, 9):
        return f'{head}><media-rep kind="original-media" src="{url}"/></asset>\n'
    return f'{head} src="{url}"/>\n'


def _clip(clip: StemClip, placement: Placement, stem: str, lane: int, parent: Element, begins: Fraction) -> str:
    name = escape(f"{clip.cue} {clip.stem}", {'"': "&quot;"})
    role = re.sub(r"[.\"<>&]", " ", stem)
    own_start = _file_start(clip, placement) + Fraction(clip.pre_roll_frames) / placement.rate
    at = Fraction(clip.start_frame) / placement.rate
    offset = _seconds(parent, "start") + at - begins
    head = (
        f'<asset-clip ref="{_id(clip)}" name="{name}" lane="{lane}" offset="{_time(offset)}" '
        f'start="{_time(own_start)}" duration="{_time(Fraction(clip.duration_frames) / placement.rate)}" '
        f'audioRole="music.{role}" tcFormat="{"DF" if placement.drop_frame else "NDF"}"'
    )
    # Keyframes count in the clip's own time.
    keys = "".join(
        f'<keyframe time="{_time(own_start + Fraction(frame) / placement.rate)}" value="{level:g}dB"/>'
        for frame, level in clip.volume_frames(placement.rate)
    )
    if not keys:
        return f"{head}/>\n"
    animation = f'<param name="amount"><keyframeAnimation>{keys}</keyframeAnimation></param>'
    return f"{head}><adjust-volume>{animation}</adjust-volume></asset-clip>\n"


def _positions(spine: Element) -> list[tuple[Element, Fraction]]:
    """The storyline's items and where they begin, in seconds from the sequence's start.

    Offsets count from the sequence's timecode, which the first item stands at; one left out follows its neighbour.
    """
    story: list[tuple[Element, Fraction]] = []
    first, now = None, Fraction(0)
    for item in spine.children:
        if item.tag not in _STORY:
            continue
        if "offset" in item.attributes:
            offset = _seconds(item, "offset")
            first = offset if first is None else first
            now = offset - first
        story.append((item, now))
        now += _seconds(item, "duration")
    if not story:
        raise TimelineError("The FCPXML's storyline is empty; there is nothing to connect music to.")
    return story


def _parent(story: Sequence[tuple[Element, Fraction]], at: Fraction) -> tuple[Element, Fraction]:
    """The item over which the moment `at` falls, else the last before it."""
    return [entry for entry in story if entry[1] <= at][-1]


def _file_start(clip: StemClip, placement: Placement) -> Fraction:
    """The file's timecode, on the frame it was written for."""
    return Fraction(quantise(Fraction(clip.time_reference) / clip.sample_rate * placement.rate)) / placement.rate


def _seconds(element: Element, key: str) -> Fraction:
    text = element.attributes.get(key, "0s")
    try:
        return Fraction(text.removesuffix("s"))
    except (ValueError, ZeroDivisionError) as problem:
        raise TimelineError(f"The FCPXML holds the time {text[:40]!r}, which is none.") from problem


def _time(seconds: Fraction) -> str:
    return f"{seconds.numerator}s" if seconds.denominator == 1 else f"{seconds.numerator}/{seconds.denominator}s"


def _rate(resources: Element, sequence: Element) -> Fraction:
    for form in resources.children:
        if form.tag == "format" and form.attributes.get("id") == sequence.attributes.get("format"):
            frame = _seconds(form, "frameDuration")
            if frame > 0:
                return 1 / frame
    raise TimelineError("The FCPXML's sequence names no format with a frame duration; export it from Final Cut again.")


def _id(clip: StemClip) -> str:
    return "shotscore-" + re.sub(r"\W", "_", f"{clip.cue}-{clip.stem}", flags=re.ASCII)
