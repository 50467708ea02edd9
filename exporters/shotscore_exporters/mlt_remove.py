"""Music out of an MLT document that its editor has written anew.

Kdenlive and Shotcut do not keep what they read: ids, order and white space are theirs, comments are gone. What stays
is a producer's properties, so every stem we put in carries `shotscore:stem`. From there the rest is found: the clips
that play it, the tracks that hold nothing else, their places among the tracks, and the numbers by which everything
above them is named.

    before  A2 A1 V1 V2  and in front of them melody, bass     after  A2 A1 V1 V2
            0  1  2  3                                                0  1  2  3

Whatever else the person did in the meantime stays as it is.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from shotscore_engine.errors import TimelineError
from shotscore_engine.timing import quantise

from .edits import Edit, Element

MARK = "shotscore:stem"
"""The property our media carry; its value is the stem's name."""

_TRACK_PROPERTIES = re.compile(
    r"kdenlive:(?:docproperties|sequenceproperties)\.(?:activeTrack|audioTarget|videoTarget)"
)
_CLOCK = re.compile(r"(\d+):(\d+):(\d+(?:[.,]\d+)?)")
_GROUPS = re.compile(r"kdenlive:(?:docproperties|sequenceproperties)\.groups")
_GROUP_LEAF = re.compile(rb"((?:\"|&quot;)data(?:\"|&quot;)\s*:\s*(?:\"|&quot;))(\d+)(?=:)")


@dataclass(frozen=True)
class Marked:
    """What in a document is ours."""

    media: tuple[Element, ...]
    """Producers and chains."""
    media_ids: frozenset[str]
    """Their ids, by which entries name them."""

    def plays(self, entry: Element) -> bool:
        """Whether an `<entry>` plays our media."""
        return entry.attributes.get("producer", "") in self.media_ids


def marked(root: Element) -> Marked:
    """Our media in a document: those that carry the mark, and Kdenlive's copies of them for the timeline."""
    services = [*root.find_all("producer"), *root.find_all("chain")]
    named = [one for one in services if one.property(MARK)]
    bin_ids = {one.property("kdenlive:id") for one in named} - {""}
    ours = [one for one in services if one in named or one.property("kdenlive:id") in bin_ids]
    return Marked(tuple(ours), frozenset(one.attributes.get("id", "") for one in ours) - {""})


def strip(data: bytes, root: Element, timeline: Element, rate: Fraction) -> bytes:
    """The document without our music; the same bytes where there is none. `timeline` is the tractor with the tracks.

    Raises TimelineError where an entry's times are none.
    """
    ours = marked(root)
    if not ours.media:
        return data
    services = {child.attributes.get("id", ""): child for child in root.children}
    holder = timeline.child("multitrack") or timeline
    seats = [child for child in holder.children if child.tag == "track"]
    gone: set[int] = set()
    doomed: list[Element] = list(ours.media)
    for number, seat in enumerate(seats):
        service = services.get(seat.attributes.get("producer", ""))
        lists = _playlists(service, services)
        entries = [entry for one in lists for entry in one.children if entry.tag == "entry"]
        if service is not None and entries and all(ours.plays(entry) for entry in entries):
            gone.add(number)
            doomed += [seat, service, *(one for one in lists if one is not service)]
    edits = [Edit(*_line(data, one), "") for one in _outermost(doomed)]
    inside = [(edit.start, edit.end) for edit in edits]
    for playlist in root.find_all("playlist"):
        for entry in playlist.children:
            if entry.tag != "entry" or not ours.plays(entry) or _covered(entry, inside):
                continue
            if playlist.attributes.get("id") == "main_bin":
                edits.append(Edit(*_line(data, entry), ""))
            else:  # somebody put clips of their own on our track: they stay where they are
                edits.append(Edit(entry.start, entry.end, f'<blank length="{_length(entry, rate)}"/>'))
    edits += _renumbered(data, root, timeline, gone)
    return splice(data, edits)


def splice(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes with every edit made; edits may not overlap."""
    parts, cursor = [], 0
    for edit in sorted(edits, key=lambda one: (one.start, one.end)):
        parts += [data[cursor : edit.start], edit.new.encode()]
        cursor = edit.end
    return b"".join([*parts, data[cursor:]])


def shifted(data: bytes, root: Element, timeline: Element, move: Callable[[int], int]) -> list[Edit]:
    """Edits that rename tracks by number: in the timeline's transitions, and in Kdenlive's groups and targets.

    `move` gives the new number of the track at a place among the `<track>` elements; the black track is 0.
    """
    found: list[Edit] = []
    for transition in timeline.children:
        if transition.tag == "transition":
            found += _transition(data, transition, move)
    for one in root.find_all("property"):
        name = one.attributes.get("name", "")
        # These count the tracks without the black one.
        if _TRACK_PROPERTIES.fullmatch(name) and re.fullmatch(r"\d+", one.text.strip()):
            new = str(move(int(one.text) + 1) - 1)
            if new != one.text.strip():
                found.append(Edit(one.content, one.close, new))
        elif _GROUPS.fullmatch(name):
            for leaf in _GROUP_LEAF.finditer(data, one.content, one.close):
                found.append(Edit(leaf.start(2), leaf.end(2), str(move(int(leaf[2]) + 1) - 1)))
    return found


def _transition(data: bytes, transition: Element, move: Callable[[int], int]) -> list[Edit]:
    found = []
    for key in ("a_track", "b_track"):
        for prop in transition.children:
            if prop.tag == "property" and prop.attributes.get("name") == key and prop.text.strip().isdigit():
                found.append(Edit(prop.content, prop.close, str(move(int(prop.text)))))
        if transition.attributes.get(key, "").isdigit():
            tag = data[transition.start : transition.content]
            place = re.search(rb"\b" + key.encode() + rb"\s*=\s*[\"'](\d+)", tag)
            if place:
                start, end = transition.start + place.start(1), transition.start + place.end(1)
                found.append(Edit(start, end, str(move(int(place[1])))))
    return [edit for edit in found if data[edit.start : edit.end] != edit.new.encode()]


def _renumbered(data: bytes, root: Element, timeline: Element, gone: set[int]) -> list[Edit]:
    """Transitions of the tracks that go, taken out; all other track numbers moved down."""
    if not gone:
        return []
    edits = []
    for transition in timeline.children:
        if transition.tag == "transition" and gone & set(_tracks(transition)):
            edits.append(Edit(*_line(data, transition), ""))
    inside = [(edit.start, edit.end) for edit in edits]

    def move(number: int) -> int:
        return number - sum(one < number for one in gone)

    return edits + [
        edit
        for edit in shifted(data, root, timeline, move)
        if not any(start <= edit.start < end for start, end in inside)
    ]


def _tracks(transition: Element) -> list[int]:
    texts = [transition.property(key) or transition.attributes.get(key, "") for key in ("a_track", "b_track")]
    return [int(text) for text in texts if text.isdigit()]


def _playlists(service: Element | None, services: dict[str, Element]) -> list[Element]:
    """The playlists a track plays: itself, or the two of Kdenlive's track tractors."""
    if service is None:
        return []
    if service.tag == "playlist":
        return [service]
    named = [services.get(seat.attributes.get("producer", "")) for seat in service.find_all("track")]
    return [one for one in named if one is not None and one.tag == "playlist"]


def _outermost(elements: Sequence[Element]) -> list[Element]:
    """Without those that stand inside others, each once."""
    unique = {(one.start, one.end): one for one in elements}
    return [
        one
        for span, one in unique.items()
        if not any(start <= span[0] and span[1] <= end and (start, end) != span for start, end in unique)
    ]


def _covered(element: Element, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= element.start and element.end <= end for start, end in spans)


def _length(entry: Element, rate: Fraction) -> int:
    """Frames an entry lasts. Kdenlive writes clock times (00:00:02.461), to the millisecond."""
    first, last = (_frame(entry.attributes.get(key, ""), rate) for key in ("in", "out"))
    return last - first + 1


def _frame(text: str, rate: Fraction) -> int:
    if text.isdigit():
        return int(text)
    clock = _CLOCK.fullmatch(text)
    if not clock:
        raise TimelineError(f"The project holds the time {text[:40]!r}, which is none; save it again from the editor.")
    hours, minutes, seconds = int(clock[1]), int(clock[2]), Fraction(clock[3].replace(",", "."))
    return quantise((hours * 3600 + minutes * 60 + seconds) * rate)


def _line(data: bytes, element: Element) -> tuple[int, int]:
    """The element with its indentation and line break, where it stands alone on its lines."""
    start = element.start
    while start and data[start - 1 : start] in (b" ", b"\t"):
        start -= 1
    match = re.compile(rb"[ \t]*\r?\n").match(data, element.end)
    alone = start == 0 or data[start - 1 : start] == b"\n"
    return (start, match.end()) if match and alone else (element.start, element.end)
