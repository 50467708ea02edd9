"""What the fuzzer, or reading for its sake, has found once: each stays refused, or read, in next to no time."""

import base64
import hashlib
import json
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import opentimelineio as otio
import psutil
import pytest
from shotscore_engine.errors import InputError, SessionError, TimelineError
from shotscore_engine.picture import READER_KEY
from shotscore_engine.readers import common, read_timeline
from shotscore_engine.readers.otio_json import _depth
from shotscore_engine.session import read_notes
from shotscore_exporters import aaf, edits

from tests.fuzz import formats
from tests.fuzz.formats import FORMATS


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        ("fcpxml", b'duration="48048/24000s"', b'duration="1e999999999s"', "1e999999999"),
        ("fcp7xml", b"<in>10</in>", b"<in>1e999999999</in>", "1e999999999"),
        ("osp", b'"num": 24000', b'"num": Infinity', "does not say its frame rate"),
        ("mlt", b'in="50"', b'in="' + b"1" + b"0" * 400 + b'"', "more than fifteen digits"),
        ("mlt", b'id="producer0"', b'id="' + b"7" * 5000 + b'"', "producer0"),
        ("shotscore", b'"speed": "2"', b'"speed": "1e999999999"', "too large an exponent"),
        ("shotscore", b'"chosen": {"1m01": 1}', b'"chosen": {"1m01": "x"}', "damaged"),
    ],
)
def test_what_was_found(name: str, old: bytes, new: bytes, sentence: str, tmp_path: Path) -> None:
    begun = time.process_time()
    path = FORMATS[name].good(tmp_path)
    data = path.read_bytes()
    if name == "shotscore":
        data = json.dumps(json.loads(data)).encode()  # on one line, as the values are looked for
    at = data.rfind(old)
    assert at >= 0, data[-3000:]
    path.write_bytes(data[:at] + new + data[at + len(old) :])
    with pytest.raises(InputError, match=sentence):
        FORMATS[name].read(path)
    assert time.process_time() - begun < 5


def test_a_session_with_bytes_that_are_no_text_is_damaged(tmp_path: Path) -> None:
    path = FORMATS["shotscore"].good(tmp_path)
    path.write_bytes(path.read_bytes()[:6] + b"\xa2" + path.read_bytes()[6:])
    with pytest.raises(InputError, match="damaged"):
        FORMATS["shotscore"].read(path)


def test_a_model_whose_names_are_no_text_is_refused(tmp_path: Path) -> None:
    path = FORMATS["onnx"].good(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"sac_mask", b"sac_\xff\xfesk"))
    with pytest.raises(InputError, match="is no text"):
        FORMATS["onnx"].read(path)


def test_a_song_in_a_key_there_is_not_is_refused(tmp_path: Path) -> None:
    folder = FORMATS["midi"].good(tmp_path)
    song = folder / "001.mid"
    data, meter = song.read_bytes(), b"\xff\x58\x04"
    assert meter in data
    at = data.index(meter)
    song.write_bytes(data[:at] + b"\xff\x59\x02\x04\x02" + data[at + 7 :])  # four sharps in mode 2
    with pytest.raises(InputError, match="KeySignatureError"):
        FORMATS["midi"].read(folder)


def test_notes_of_a_part_there_is_not_are_refused() -> None:
    with pytest.raises(SessionError, match="4 parts"):
        read_notes(("", "", "", "0 4 60 80"), 16)


def test_a_bundle_of_zeros_takes_little_memory_to_refuse() -> None:
    """Its brackets are counted before it is parsed: a byte each, and nothing for what is none."""
    tracemalloc.start()
    try:
        assert _depth(b"\0" * (8 << 20)) == 0
        assert _depth(b"[" * 300 + b'"]]]"' + b"]" * 300) == 300
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


def test_an_image_sequence_stays_in_its_folder(tmp_path: Path) -> None:
    from shotscore_engine.picture import flatten
    from shotscore_engine.readers import read_timeline

    path = FORMATS["otio"].good(tmp_path)
    data = path.read_bytes()
    assert b'"name_prefix": "im."' in data
    path.write_bytes(data.replace(b'"name_prefix": "im."', b'"name_prefix": "../../etc/im."'))
    picture = flatten(read_timeline(path), folder=tmp_path)
    (images,) = (shot for shot in picture.shots if shot.name == "images")
    assert images.media is not None
    assert (images.media.path, images.media.offline) == (None, True)


@pytest.mark.parametrize("record", ["bomb", "junk", "offsets"])
def test_a_project_that_claims_to_hold_our_music(record: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record of our edits is a comment anybody can write."""
    monkeypatch.setattr(edits, "_LARGEST", 2 << 20)
    document = formats.MLT
    packed = {
        "bomb": zlib.compress(b"[" + b" " * (3 << 20) + b"]", 9),
        "junk": b"junk",
        "offsets": zlib.compress(json.dumps([[-5, 10**30, "AA=="]]).encode()),
    }[record]
    digest = hashlib.sha256(document).hexdigest().encode()
    claimed = document + b"<!--shotscore edits " + base64.b64encode(packed) + b" " + digest + b"-->\n"
    with pytest.raises(TimelineError, match="damaged"):
        edits.undo(claimed, "MLT")


def test_a_project_nested_deeply_is_refused() -> None:
    with pytest.raises(TimelineError, match="deep"):
        edits.parse(b"<mlt>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</mlt>", ("mlt",), "MLT")


def _nests(form: str, depth: int = 12, uses: int = 10) -> str:
    """A file of a few kilobytes whose sequences use one another ten times each."""
    if form == "fcpxml":
        spines = [f'<ref-clip ref="m{n + 1}" duration="1s"/>' * uses for n in range(depth)] + ['<title duration="1s"/>']
        media = "".join(
            f'<media id="m{n}"><sequence duration="9s"><spine>{spine}</spine></sequence></media>'
            for n, spine in enumerate(spines)
        )
        top = '<sequence><spine><ref-clip ref="m0" duration="9s"/></spine></sequence>'
        return f'<fcpxml version="1.9"><resources>{media}</resources><project>{top}</project></fcpxml>'
    if form == "mlt":
        text = '<producer id="p"><property name="length">9</property></producer><playlist id="l0"/>'
        for n in range(1, depth):
            entries = f'<entry producer="t{n - 1}" in="0" out="8"/>' * uses if n > 1 else '<entry producer="p"/>'
            text += f'<playlist id="l{n}">{entries}</playlist><tractor id="t{n}"><track producer="l{n}"/></tractor>'
        return f'<mlt><profile frame_rate_num="25" frame_rate_den="1"/>{text}</mlt>'
    place, rate = "<start>0</start><end>9</end><in>0</in><out>9</out>", "<rate><timebase>24</timebase></rate>"
    text = ""
    for n in range(depth, -1, -1):
        again = f'<clipitem>{place}<sequence id="s{n + 1}"/></clipitem>' * (uses - 1) if text else ""
        items = f"<clipitem>{place}{text}</clipitem>{again}"
        track = f"<media><video><track>{items}</track></video></media>"
        text = f'<sequence id="s{n}">{rate}{track}</sequence>'
    return f'<xmeml version="5">{text}</xmeml>'


@pytest.mark.parametrize("form", ["fcpxml", "fcp7xml", "mlt", "aaf"])
def test_sequences_that_use_one_another_again_and_again_are_refused(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten uses of ten uses of …: what an entity bomb is to text."""
    monkeypatch.setattr(common, "MAX_NESTED_ITEMS", 1000)
    path = tmp_path / FORMATS[form].good(tmp_path).name
    if form == "aaf":
        _write_aaf_nests(path)
    else:
        path.write_text(_nests(form))
    begun = time.process_time()
    with pytest.raises(TimelineError, match="flatten them in the editor"):
        read_timeline(path)
    assert time.process_time() - begun < 5


def _write_aaf_nests(path: Path) -> None:
    import aaf2

    with aaf2.open(str(path), "w") as file:
        inner: Any = None
        for number in range(6):
            mob = file.create.CompositionMob(f"c{number}")
            file.content.mobs.append(mob)
            sequence = file.create.Sequence("picture")
            mob.create_picture_slot("24/1").segment = sequence
            for _ in range(10):
                use = inner.create_source_clip(1, 0, 24, "picture") if inner else file.create.Filler("picture", 24)
                sequence.components.append(use)
            inner = mob
        inner.usage = "Usage_TopLevel"


def test_a_nest_used_again_is_the_same_each_time(tmp_path: Path) -> None:
    path = tmp_path / "edit.xml"
    path.write_text(_nests("fcp7xml", depth=2, uses=3))
    (track,) = read_timeline(path).tracks
    (clip,) = track[0].find_clips()[:1]
    assert len(track) == 1  # the second and third lie on the first
    assert clip.source_range.duration.value == 9


def test_xml_of_too_many_tags_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "_MAX_TAGS", 1000)
    path = tmp_path / "edit.fcpxml"
    path.write_text("<fcpxml>" + "<a/>" * 1000 + "</fcpxml>")
    with pytest.raises(TimelineError, match="more than 1,000 tags"):
        read_timeline(path)


def test_thousands_of_dissolves_are_laid_in_no_time(tmp_path: Path) -> None:
    """Each cut once looked through all that were left."""
    dissolves = "".join(
        f'<transition offset="{10 * n - 1}s" duration="2s"/><title offset="{10 * n}s" duration="10s"/>'
        for n in range(1, 1001)
    )
    path = tmp_path / "edit.fcpxml"
    path.write_text(
        '<fcpxml version="1.9"><resources><format id="f" frameDuration="1/24s"/></resources><project>'
        f'<sequence format="f"><spine><title offset="0s" duration="10s"/>{dissolves}</spine></sequence></project>'
        "</fcpxml>"
    )
    begun = time.process_time()
    (track,) = read_timeline(path).tracks
    assert time.process_time() - begun < 2
    assert sum(isinstance(item, otio.schema.Transition) for item in track) == 1000


def test_clips_over_one_another_without_end_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "edit.fcpxml"
    clips = '<title lane="1" offset="0s" duration="1s"/>' * 300
    path.write_text(
        '<fcpxml version="1.9"><project><sequence><spine><gap offset="0s" duration="9s">'
        f"{clips}</gap></spine></sequence></project></fcpxml>"
    )
    with pytest.raises(TimelineError, match="more than 256 clips over one another"):
        read_timeline(path)


def test_a_speed_of_hundreds_of_digits_is_passed_over(tmp_path: Path) -> None:
    path = FORMATS["edl"].good(tmp_path)
    data = path.read_bytes()
    assert b"048.0" in data
    path.write_bytes(data.replace(b"048.0", b"1" * 400).replace(b" 024 ", b" " + b"1" * 5000 + b" "))
    timeline = read_timeline(path)
    assert any("2 lines of the EDL" in sentence for sentence in timeline.metadata[READER_KEY]["warnings"])


def test_a_timeline_without_tracks_is_refused(tmp_path: Path) -> None:
    """OpenTimelineIO reads it, and ends the process when it looks for clips in it."""
    path = tmp_path / "edit.otio"
    path.write_text('{"OTIO_SCHEMA": "Timeline.1", "name": "x", "metadata": {}, "tracks": null}')
    with pytest.raises(TimelineError, match="without tracks"):
        read_timeline(path)


@pytest.mark.parametrize("keep", [0.3, 0.6])
def test_a_damaged_aaf_is_not_left_open(keep: float, tmp_path: Path) -> None:
    """Neither where music is put into it nor where it is read; the errors, which hold its frames, are still there."""
    path = FORMATS["aaf"].good(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(TimelineError) as writing:
        aaf.remove(path.read_bytes())
    with pytest.raises(TimelineError) as reading:
        read_timeline(path)
    held = [file.path for file in psutil.Process().open_files() if ".aaf" in file.path]
    assert not held, (writing.value, reading.value)
