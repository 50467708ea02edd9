"""What the fuzzer, or reading for its sake, has found once: each stays refused, or read, in next to no time."""

import base64
import hashlib
import json
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest
from shotscore_engine.errors import InputError, SessionError, TimelineError
from shotscore_engine.readers.otio_json import _depth
from shotscore_engine.session import read_notes
from shotscore_exporters import edits

from tests.fuzz import formats
from tests.fuzz.formats import FORMATS


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        ("fcpxml", b'duration="48048/24000s"', b'duration="1e999999999s"', "1e999999999"),
        ("fcp7xml", b"<in>10</in>", b"<in>1e999999999</in>", "1e999999999"),
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
