"""MLT XML for melt and Shotcut (`.mlt`), and Kdenlive's projects (`.kdenlive`, formats 1.04 and 1.1).

Music goes into the person's own document. Each stem becomes a `<chain>` (a `<producer>` in documents without chains,
older than MLT 7) and one audio track:

- Shotcut: a `<playlist>` marked `shotcut:audio`, a `<track hide="video">` after the others, a `mix` transition to
  sum it.
- Kdenlive: two playlists in a `<tractor>` marked `kdenlive:audio_track`, an internal `mix`, and the chain in the bin.
  Kdenlive keeps audio tracks below the picture, the first of its list lowest: ours go in front, under the existing
  ones, and the track numbers in the sequence's transitions move up by as many.

`in` and `out` are frames, both included. Music is taken out byte for byte where nobody has saved the document since,
else by what its editor has kept of it (`mlt_remove`).
"""

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from shotscore_engine.atomic import replace_file
from shotscore_engine.errors import TimelineError
from shotscore_engine.timing import exact_rate, quantise, rate_text

from . import edits, mlt_remove
from .edits import Edit, Element
from .placement import Placement, StemClip, tracks_of

_MARK = "shotscore"


def insert(data: bytes, clips: Sequence[StemClip], placement: Placement) -> bytes:
    """The document with one new audio track per stem; music put in before is replaced.

    Raises TimelineError where the document is no MLT, has no timeline, or runs at another rate.
    """
    data = remove(data)
    root = edits.parse(data, ("mlt",), "MLT")
    rate = _rate(root)
    if rate != placement.rate:
        raise TimelineError(
            f"The project runs at {rate_text(rate)} frames per second and the music at {rate_text(placement.rate)}; "
            "score it at its own rate."
        )
    if _is_kdenlive(root):
        return edits.apply(data, _kdenlive(data, root, clips, placement))
    return edits.apply(data, _plain(data, root, clips, placement))


def remove(data: bytes) -> bytes:
    """The document without our music: as it was before `insert`, byte for byte, where nobody has saved it since.

    Raises TimelineError where it is no MLT.
    """
    found = edits.record(data)
    if found is not None and found.untouched:
        return edits.undo(data, "MLT")
    plain = data if found is None else data[: found.start]
    root = edits.parse(plain, ("mlt",), "MLT")
    if not mlt_remove.marked(root).media:
        return plain
    return mlt_remove.strip(plain, root, _sequence(root) if _is_kdenlive(root) else _main_tractor(root), _rate(root))


def _plain(data: bytes, root: Element, clips: Sequence[StemClip], placement: Placement) -> list[Edit]:
    main = _main_tractor(root)
    inner = main.child("multitrack") or main
    tracks = [child for child in inner.children if child.tag == "track"]
    sources, tags, mixes = [], [], []
    for index, (stem, row) in enumerate(tracks_of(clips).items()):
        sources += [_source(clip, placement, root) for clip in row]
        playlist = f"{_MARK}_{_id(stem)}"
        name = f"<property name={quoteattr('shotcut:name')}>{escape(stem)}</property>"
        audio = '<property name="shotcut:audio">1</property>'
        sources.append(
            f'  <playlist id="{playlist}">\n    {audio}\n    {name}\n{_row(row, placement.rate)}  </playlist>\n'
        )
        tags.append(f'    <track producer="{playlist}" hide="video"/>\n')
        mixes.append(_mix(len(tracks) + index, ""))
    after = tracks[-1].end if tracks else inner.content
    place = _line_after(data, after)
    return [
        Edit(_line_start(data, main.start), _line_start(data, main.start), "".join(sources)),
        Edit(place, place, "".join(tags)),
        edits.inside(data, main, "".join(mixes), _line_start(data, main.close)),
    ]


def _kdenlive(data: bytes, root: Element, clips: Sequence[StemClip], placement: Placement) -> list[Edit]:
    sequence = _sequence(root)
    tracks = [child for child in sequence.children if child.tag == "track"]
    if not tracks:
        raise TimelineError("The Kdenlive sequence has no tracks; open it in Kdenlive and save it again.")
    used = [
        int(e.text) for e in root.find_all("property") if e.attributes.get("name") == "kdenlive:id" and e.text.isdigit()
    ]
    next_id = max(used, default=1) + 1
    media: list[str] = []
    sources: list[str] = []
    bins: list[str] = []
    tags: list[str] = []
    mixes: list[str] = []
    rows = tracks_of(clips)
    for index, (stem, row) in enumerate(rows.items()):
        for clip in row:
            media.append(_source(clip, placement, root, next_id))
            bins.append(f'    <entry producer="{_clip_id(clip)}" in="0" out="{_file_frames(clip, placement) - 1}"/>\n')
            next_id += 1
        name = f"{_MARK}_{_id(stem)}"
        end = max(clip.start_frame + clip.duration_frames for clip in row) - 1
        is_audio = '    <property name="kdenlive:audio_track">1</property>\n'
        sources.append(f'  <playlist id="{name}_a">\n{is_audio}{_row(row, placement.rate)}  </playlist>\n')
        sources.append(f'  <playlist id="{name}_b">\n{is_audio}  </playlist>\n')
        sources.append(
            f'  <tractor id="{name}" in="0" out="{end}">\n{is_audio}'
            f'    <property name="kdenlive:track_name">{escape(stem)}</property>\n'
            '    <property name="kdenlive:timeline_active">1</property>\n'
            '    <property name="kdenlive:trackheight">67</property>\n'
            f'    <track hide="video" producer="{name}_a"/>\n    <track hide="video" producer="{name}_b"/>\n'
            f"{_levels()}  </tractor>\n"
        )
        # The first of Kdenlive's audio tracks is the lowest: the last stem comes first.
        tags.insert(0, f'    <track producer="{name}"/>\n')
        mixes.append(_mix(index + 1, "kdenlive"))
    bin_list = next((e for e in root.find_all("playlist") if e.attributes.get("id") == "main_bin"), None)
    if bin_list is None:
        raise TimelineError("The Kdenlive project has no bin (main_bin); open it in Kdenlive and save it again.")
    # A chain stands before whatever names it: the bin comes first in 1.04, the sequence in 1.1. Playlists never stand
    # before the bin where it comes first: Kdenlive 22.12 looks for the document's version in the first playlist.
    first = _line_start(data, min(sequence.start, bin_list.start))
    tracks_at = _line_start(data, sequence.start)
    after = _line_after(data, tracks[0].end)
    transitions = [child for child in sequence.children if child.tag == "transition"]
    before = _line_start(data, transitions[0].start if transitions else sequence.close)
    return [
        Edit(first, first, "".join(media)),
        Edit(tracks_at, tracks_at, "".join(sources)),
        edits.inside(data, bin_list, "".join(bins), _line_start(data, bin_list.close)),
        Edit(after, after, "".join(tags)),
        Edit(before, before, "".join(mixes)),
        *mlt_remove.shifted(data, root, sequence, lambda number: number + len(rows) if number > 0 else number),
    ]


def _source(clip: StemClip, placement: Placement, root: Element, bin_id: int | None = None) -> str:
    """The media of a clip as a chain, or a producer where the document is older than chains."""
    tag = "chain" if root.find_all("chain") or not root.find_all("producer") else "producer"
    frames = _file_frames(clip, placement)
    properties = {
        "length": str(frames),
        "eof": "pause",
        "resource": clip.path.resolve().as_posix(),
        "mlt_service": "avformat-novalidate" if bin_id is not None else "avformat",
        "audio_index": "0",
        "video_index": "-1",
        "seekable": "1",
        mlt_remove.MARK: clip.stem,
    }
    if bin_id is not None:
        properties |= {
            "kdenlive:id": str(bin_id),
            "kdenlive:clipname": f"{clip.cue} {clip.stem}",
            "kdenlive:clip_type": "1",
            "kdenlive:folderid": "-1",
        }
    else:
        properties |= {"shotcut:caption": f"{clip.cue} {clip.stem}"}
    rows = "".join(f"    <property name={quoteattr(k)}>{escape(v)}</property>\n" for k, v in properties.items())
    return f'  <{tag} id="{_clip_id(clip)}" in="0" out="{frames - 1}">\n{rows}  </{tag}>\n'


def _row(row: Sequence[StemClip], rate: Fraction) -> str:
    """Blanks and entries of a playlist."""
    text, now = "", 0
    for clip in row:
        if clip.start_frame < now:
            raise TimelineError(f"Two cues overlap on the track {clip.stem}; put them on two timelines.")
        if clip.start_frame > now:
            text += f'    <blank length="{clip.start_frame - now}"/>\n'
        first, last = clip.pre_roll_frames, clip.pre_roll_frames + clip.duration_frames - 1
        entry = f'    <entry producer="{_clip_id(clip)}" in="{first}" out="{last}"'
        levels = ";".join(f"{frame}={level:g}" for frame, level in clip.volume_frames(rate))
        if levels:
            # MLT's volume filter: dB, keyframes counted from the filter's own first frame.
            text += (
                f'{entry}>\n      <filter in="{first}" out="{last}">\n'
                '        <property name="mlt_service">volume</property>\n'
                '        <property name="kdenlive_id">volume</property>\n'
                f'        <property name="level">{levels}</property>\n      </filter>\n    </entry>\n'
            )
        else:
            text += f"{entry}/>\n"
        now = clip.start_frame + clip.duration_frames
    return text


def _mix(track: int, editor: str) -> str:
    internal = (
        '      <property name="internal_added">237</property>\n      <property name="kdenlive_id">mix</property>\n'
    )
    return (
        f'    <transition id="{_MARK}_mix{track}">\n'
        f'      <property name="a_track">0</property>\n      <property name="b_track">{track}</property>\n'
        f'      <property name="mlt_service">mix</property>\n{internal if editor else ""}'
        '      <property name="always_active">1</property>\n      <property name="accepts_blanks">1</property>\n'
        '      <property name="sum">1</property>\n    </transition>\n'
    )


def _levels() -> str:
    """The three filters Kdenlive keeps on every audio track."""
    rows = (
        ("volume", (("window", "75"), ("max_gain", "20dB"), ("disable", "1"))),
        ("panner", (("channel", "-1"), ("start", "0.5"), ("disable", "1"))),
        ("audiolevel", (("iec_scale", "0"), ("disable", "1"))),
    )
    text = ""
    for service, properties in rows:
        inside = "".join(f'      <property name="{k}">{v}</property>\n' for k, v in properties)
        text += (
            f'    <filter>\n{inside}      <property name="mlt_service">{service}</property>\n'
            '      <property name="internal_added">237</property>\n    </filter>\n'
        )
    return text


def _is_kdenlive(root: Element) -> bool:
    return any(e.attributes.get("id") == "main_bin" for e in root.find_all("playlist")) and any(
        e.attributes.get("name", "").startswith("kdenlive:docproperties.") for e in root.find_all("property")
    )


def _sequence(root: Element) -> Element:
    """The tractor with the tracks of the active sequence (1.1), or of the project (1.04)."""
    tractors = [child for child in root.children if child.tag == "tractor"]
    active = ""
    for prop in root.find_all("property"):
        if prop.attributes.get("name") == "kdenlive:docproperties.activetimeline":
            active = prop.text.strip()
    for tractor in tractors:
        if active and tractor.attributes.get("id") == active:
            return tractor
    plain = [
        t for t in tractors if not t.property("kdenlive:projectTractor") and t.property("kdenlive:audio_track") != "1"
    ]
    with_uuid = [t for t in plain if re.fullmatch(r"\{[0-9a-fA-F-]{36}\}", t.attributes.get("id", ""))]
    if with_uuid:
        return with_uuid[0]
    if not tractors:
        raise TimelineError("The Kdenlive project has no timeline; open it in Kdenlive and save it again.")
    return tractors[-1]


def _main_tractor(root: Element) -> Element:
    """The service melt plays: named by the root, else the last tractor."""
    tractors = [child for child in root.children if child.tag == "tractor"]
    named = [t for t in tractors if t.attributes.get("id") == root.attributes.get("producer", "")]
    if not tractors:
        raise TimelineError("The MLT document has no tractor, so no tracks to add to; save it from Shotcut.")
    return (named or tractors)[-1]


def _rate(root: Element) -> Fraction:
    profile = root.child("profile")
    if profile is None:
        return Fraction(25)
    try:
        top, under = (int(profile.attributes[f"frame_rate_{part}"]) for part in ("num", "den"))
        return exact_rate(Fraction(top, under))
    except (KeyError, ValueError, ZeroDivisionError) as problem:
        raise TimelineError("The MLT document's profile has no frame rate; save it again from the editor.") from problem


def _file_frames(clip: StemClip, placement: Placement) -> int:
    frames = quantise(Fraction(clip.samples) / clip.sample_rate * placement.rate)
    return max(frames, clip.pre_roll_frames + clip.duration_frames)


def _clip_id(clip: StemClip) -> str:
    return f"{_MARK}_{_id(clip.cue)}_{_id(clip.stem)}"


def _id(name: str) -> str:
    return re.sub(r"\W", "_", name, flags=re.ASCII)


def _line_start(data: bytes, at: int) -> int:
    """Before the white space that indents what stands at `at`."""
    while at and data[at - 1 : at] in (b" ", b"\t"):
        at -= 1
    return at


def _line_after(data: bytes, at: int) -> int:
    """After the line break that follows `at`, if only white space is in between."""
    match = re.compile(rb"[ \t]*\r?\n").match(data, at)
    return match.end() if match else at


def write(document: Path, clips: Sequence[StemClip], placement: Placement, path: Path) -> None:
    """Write `document` with the music in it to `path`. Raises TimelineError as `insert`, OutputError where it fails."""
    replace_file(path, insert(document.read_bytes(), clips, placement))
