"""Music out of documents that their editor has written anew: other ids, clock times, no comment."""

import re
from fractions import Fraction
from pathlib import Path
from xml.etree.ElementTree import Element, tostring

import pytest
from defusedxml.ElementTree import fromstring
from hostcases import Edit, music, placed
from hostcases.editors import kdenlive_11, kdenlive_104
from hostcases.files import TRACKS, mlt_text
from shotscore_engine.errors import TimelineError
from shotscore_engine.readers import read_timeline
from shotscore_engine.timing import quantise
from shotscore_exporters import mlt

RATE = Fraction(24000, 1001)
EDIT = Edit(RATE, False, 0)
MAKERS = {"kdenlive-1.04": kdenlive_104, "kdenlive-1.1": kdenlive_11, "mlt": mlt_text}


def clock(frame: int) -> str:
    """As Kdenlive writes times: to the millisecond."""
    milliseconds = quantise(frame / RATE * 1000)
    return f"00:{milliseconds // 60_000:02}:{milliseconds // 1000 % 60:02}.{milliseconds % 1000:03}"


def rewritten(data: bytes) -> bytes:
    """The document as an editor saves it."""
    root: Element = fromstring(data)
    names = {}
    for number, one in enumerate(root):
        name = one.get("id")
        if name is not None and name != "main_bin" and not name.startswith("{"):
            names[name] = f"{one.tag}{number}"
    for one in root.iter():
        for key in ("id", "producer"):
            if one.get(key) in names:
                one.set(key, names[one.attrib[key]])
        for key in ("in", "out", "length"):
            if one.tag in ("entry", "blank", "tractor") and one.get(key, "").isdigit():
                one.set(key, clock(int(one.attrib[key])))
    return tostring(root, encoding="utf-8")


def rows(data: bytes, path: Path) -> list[tuple[str, str, int, int]]:
    path.write_bytes(data)
    timeline, found = read_timeline(path), []
    for track in timeline.tracks:
        for clip in track.find_clips():
            at = clip.transformed_time_range(clip.trimmed_range(), timeline.tracks)
            found.append((track.name, clip.name, quantise(at.start_time.value), quantise(at.duration.value)))
    return found


@pytest.mark.parametrize("name", list(MAKERS))
def test_what_the_editor_wrote_anew_gives_the_music_back(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"film.{name.split('-')[0]}"
    document = MAKERS[name](EDIT, TRACKS, tmp_path)
    clips = music(tmp_path / "music", EDIT, 30, 200, ("melody", "bass"))
    saved = rewritten(mlt.insert(document, clips, placed(EDIT, 30, 200)))
    plain = mlt.remove(saved)
    assert rows(plain, path) == rows(rewritten(document), path)
    assert b"shotscore" not in plain
    assert tracks_named(plain) == tracks_named(document)
    # And the next insert replaces what stood there.
    again = mlt.insert(saved, clips[:1], placed(EDIT, 30, 200))
    assert [row for row in rows(again, path) if row[1].startswith("1m01")] == [("melody", "1m01 melody", 30, 200)]
    assert mlt.remove(again) == plain


def tracks_named(data: bytes) -> list[tuple[str, str]]:
    """Every track number in transitions and groups."""
    text = data.decode()
    return re.findall(r'[ab]_track">(\d+)<|"data": "(\d+):', text.replace("&quot;", '"'))


def test_clips_somebody_put_on_our_track_stay_where_they_are(tmp_path: Path) -> None:
    clips = music(tmp_path / "music", EDIT, 30, 100, ("melody",))
    scored = mlt.insert(kdenlive_104(EDIT, TRACKS, tmp_path), clips, placed(EDIT, 30, 100)).decode()
    theirs = '    <entry producer="producer_speech" in="0" out="19"/>\n'
    place = scored.index("</playlist>", scored.index('<playlist id="shotscore_melody_a"'))
    changed = scored[:place].rstrip(" ") + theirs + "  " + scored[place:]
    found = rows(mlt.remove(changed.encode()), tmp_path / "film.kdenlive")
    assert ("melody", "speech.mov", 130, 20) in found
    assert not [row for row in found if row[1].startswith("1m01")]


def test_a_time_that_is_none_is_refused(tmp_path: Path) -> None:
    clips = music(tmp_path / "music", EDIT, 30, 100, ("melody",))
    scored = mlt.insert(kdenlive_104(EDIT, TRACKS, tmp_path), clips, placed(EDIT, 30, 100))
    theirs = b'<entry producer="producer_speech" in="0" out="19"/></playlist>'
    broken = scored.replace(b'out="99"', b'out="soon"').replace(b"</playlist>", theirs, 20)
    with pytest.raises(TimelineError, match="'soon'"):
        mlt.remove(broken)
