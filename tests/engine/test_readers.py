"""Every format is read exactly, and anything else refused with a sentence."""

import subprocess
import sys
import zipfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shotscore_engine.errors import ShotscoreError, TimelineError
from shotscore_engine.picture import Picture, flatten
from shotscore_engine.readers import EXTENSIONS, read_timeline

from tests.fuzz.samples import EDL, FCP7, FCPX, KDENLIVE, write_aaf

FILM = Fraction(24000, 1001)


def picture_of(path: Path) -> Picture:
    return flatten(read_timeline(path), folder=path.parent)


def read_or_refused(path: Path) -> tuple[Picture | None, str]:
    """The picture, or the sentence of a refusal; any other exception goes through."""
    try:
        return picture_of(path), ""
    except ShotscoreError as problem:
        return None, str(problem)


def seen(picture: Picture) -> list[tuple[str, int, int]]:
    return [(shot.name, shot.start_frame, shot.duration_frames) for shot in picture.shots]


def sources(picture: Picture) -> list[Fraction | None]:
    return [shot.media.start * picture.rate if shot.media else None for shot in picture.shots]


def otio_text(url: str = "media/a.mov") -> str:
    def span(start: float, duration: float) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(
            otio.opentime.RationalTime(start, 23.976), otio.opentime.RationalTime(duration, 23.976)
        )

    made = otio.schema.Timeline("edit", global_start_time=otio.opentime.RationalTime(86_400, 23.976))
    media = otio.schema.ExternalReference(url, span(0, 1000))
    made.tracks.append(otio.schema.Track("V1", [otio.schema.Clip("A", media, span(10, 48))], kind="Video"))
    text: str = otio.adapters.write_to_string(made, "otio_json")
    return text


SHOTCUT = """<?xml version="1.0" encoding="utf-8"?>
<mlt version="7.12.0" title="Shotcut"><profile frame_rate_num="25" frame_rate_den="1"/>
<producer id="black" in="00:00:00.000" out="00:00:10.000"><property name="resource">0</property>
 <property name="mlt_service">color</property></producer>
<playlist id="background"><entry producer="black" in="00:00:00.000" out="00:00:07.960"/></playlist>
<chain id="a" out="00:00:39.960"><property name="length">00:00:40.000</property>
 <property name="resource">/nowhere/A.mp4</property><property name="mlt_service">avformat</property></chain>
<chain id="b" out="00:00:39.960"><property name="length">00:00:40.000</property>
 <property name="resource">/nowhere/B.mp4</property><property name="mlt_service">avformat</property></chain>
<tractor id="mix" in="00:00:00.000" out="00:00:00.960"><property name="shotcut:transition">lumaMix</property>
 <track producer="a" in="00:00:04.000" out="00:00:04.960"/><track producer="b" in="00:00:09.000" out="00:00:09.960"/>
 <transition><property name="a_track">0</property><property name="b_track">1</property>
 <property name="mlt_service">luma</property></transition></tractor>
<playlist id="v1"><property name="shotcut:video">1</property><property name="shotcut:name">V1</property>
 <entry producer="a" in="00:00:01.000" out="00:00:03.960"/><entry producer="mix" in="00:00:00.000" out="00:00:00.960"/>
 <entry producer="b" in="00:00:10.000" out="00:00:13.960"/></playlist>
<tractor id="main" in="00:00:00.000" out="00:00:07.960"><property name="shotcut">1</property>
 <properties name="shotcut:markers"><properties name="0"><property name="text">Mark</property>
 <property name="start">00:00:02.000</property><property name="end">00:00:02.000</property></properties></properties>
 <track producer="background"/><track producer="v1"/></tractor></mlt>
"""


MELT = """<?xml version="1.0" encoding="utf-8"?>
<mlt LC_NUMERIC="C" version="7.12.0" root="/nowhere"><profile frame_rate_num="25" frame_rate_den="1"/>
<producer id="producer0" in="10" out="84"><property name="length">250</property>
 <property name="resource">A.mp4</property><property name="mlt_service">avformat</property></producer>
<producer id="producer1" in="0" out="99"><property name="length">133</property>
 <property name="resource">B.mp4</property><property name="mlt_service">avformat</property></producer>
<tractor id="tractor0" in="0" out="24"><track producer="producer0" in="50" out="74"/>
 <track producer="producer1" in="0" out="24"/>
 <transition id="transition0" out="24"><property name="a_track">0</property>
 <property name="b_track">1</property><property name="mlt_service">luma</property></transition></tractor>
<playlist id="playlist0"><entry producer="producer0" in="0" out="49"/><entry producer="tractor0" in="0" out="24"/>
 <entry producer="producer1" in="25" out="99"/></playlist>
<producer id="producer2" in="100" out="139"><property name="length">250</property>
 <property name="resource">C.mp4</property><property name="mlt_service">avformat</property></producer>
<playlist id="playlist1"><blank length="30"/><entry producer="producer2" in="0" out="9"/></playlist>
<tractor id="tractor1" in="0" out="149"><track producer="playlist0"/><track producer="playlist1"/>
 <transition id="t" in="30" out="35"><property name="a_track">0</property><property name="b_track">1</property>
 <property name="mlt_service">luma</property></transition></tractor></mlt>
"""


def test_what_melt_writes(tmp_path: Path) -> None:
    """The shape of `melt A in=10 out=84 B out=99 -mix 25 … -track … -transition luma -consumer xml`."""
    path = tmp_path / "edit.mlt"
    path.write_text(MELT)
    picture = picture_of(path)
    assert seen(picture) == [("A.mp4", 0, 33), ("C.mp4", 33, 7), ("A.mp4", 40, 23), ("B.mp4", 63, 87)]
    assert sources(picture) == [10, 103, 50, 13]
    assert [shot.transition_frames for shot in picture.shots] == [0, 6, 0, 25]


def test_fcp7_xml(tmp_path: Path) -> None:
    path = tmp_path / "edit.xml"
    path.write_text(FCP7)
    picture = picture_of(path)
    assert (picture.rate, picture.start_frame, picture.drop_frame) == (FILM, 86_400, False)
    assert seen(picture) == [("A", 0, 48), ("B", 48, 48), ("C", 96, 48), ("N", 144, 16)]
    assert sources(picture) == [10, 106, 40, 0]
    assert [shot.media.speed for shot in picture.shots if shot.media] == [1, 1, 2, 1]
    assert (picture.shots[1].transition, picture.shots[1].transition_frames) == ("dissolve", 12)
    assert [(marker.name, marker.frame, marker.comment) for marker in picture.markers] == [("M", 30, "why")]
    assert [(a.start_frame, a.duration_frames, a.name) for a in picture.audio] == [(0, 48, "A")]
    assert picture.shots[0].media is not None
    assert picture.shots[0].media.path == Path("/nowhere/A b.mov")


def test_fcpxml_and_its_bundle(tmp_path: Path) -> None:
    path = tmp_path / "edit.fcpxml"
    path.write_text(FCPX)
    bundle = tmp_path / "edit.fcpxmld"
    bundle.mkdir()
    (bundle / "Info.fcpxml").write_text(FCPX)
    picture = picture_of(path)
    assert picture_of(bundle) == picture
    assert (picture.rate, picture.start_frame, picture.drop_frame) == (FILM, 86_400, False)
    assert seen(picture) == [
        ("A", 0, 48), ("B", 48, 10), ("Over", 58, 10), ("B", 68, 28), ("black", 96, 24),
        ("N1", 120, 10), ("N2", 130, 10),
    ]  # fmt: skip
    assert sources(picture) == [10, 100, 0, 120, None, 10, 0]
    assert (picture.shots[1].transition, picture.shots[1].transition_frames) == ("dissolve", 12)
    assert [(marker.name, marker.frame) for marker in picture.markers] == [("Here", 5)]
    assert [(a.name, a.start_frame, a.duration_frames) for a in picture.audio] == [
        ("A", 0, 48), ("B", 48, 48), ("N1", 120, 10), ("N2", 130, 10),
    ]  # fmt: skip


def test_edl(tmp_path: Path) -> None:
    path = tmp_path / "edit.edl"
    path.write_text(EDL)
    picture = picture_of(path)
    assert (picture.rate, picture.start_frame) == (24, 86_400)
    assert seen(picture) == [("A", 0, 60), ("B", 60, 60), ("C", 120, 24), ("black", 144, 24), ("D001", 168, 24)]
    assert sources(picture) == [86_640, 86_892, 86_400, None, 86_400]
    assert [shot.media.speed for shot in picture.shots if shot.media] == [1, 1, 2, -1]
    assert (picture.shots[1].transition, picture.shots[1].transition_frames) == ("dissolve", 24)
    assert [(marker.name, marker.frame, marker.colour) for marker in picture.markers] == [("here", 36, "RED")]
    assert any("does not carry its frame rate" in sentence for sentence in picture.warnings)
    told = flatten(read_timeline(path, rate=FILM))
    assert (told.rate, told.start_frame, seen(told)) == (FILM, 86_400, seen(picture))


def test_kdenlive(tmp_path: Path) -> None:
    path = tmp_path / "edit.kdenlive"
    path.write_text(KDENLIVE)
    picture = picture_of(path)
    assert picture.rate == FILM
    assert seen(picture) == [("A.mov", 0, 44), ("A.mov", 44, 44), ("F.mov", 88, 24)]
    assert sources(picture) == [10, 204, 10]
    assert picture.shots[1].transition == "dissolve"
    assert picture.shots[2].media is not None
    assert picture.shots[2].media.speed == 2
    assert [(marker.name, marker.frame) for marker in picture.markers] == [("Guide", 30)]
    assert (0, 48) in [(a.start_frame, a.duration_frames) for a in picture.audio]


def test_shotcut(tmp_path: Path) -> None:
    path = tmp_path / "edit.mlt"
    path.write_text(SHOTCUT)
    picture = picture_of(path)
    assert picture.rate == 25
    assert seen(picture) == [("A.mp4", 0, 88), ("B.mp4", 88, 112)]
    assert sources(picture) == [25, 238]
    assert (picture.shots[1].transition, picture.shots[1].transition_frames) == ("dissolve", 25)
    assert [(marker.name, marker.frame) for marker in picture.markers] == [("Mark", 50)]


def test_aaf(tmp_path: Path) -> None:
    path = tmp_path / "edit.aaf"
    write_aaf(path)
    picture = picture_of(path)
    assert (picture.rate, picture.start_frame, picture.name) == (FILM, 86_400, "Edit")
    assert seen(picture) == [("A", 0, 48), ("A", 48, 48)]
    assert sources(picture) == [10, 106]
    assert (picture.shots[1].transition, picture.shots[1].transition_frames) == ("dissolve", 12)
    assert picture.shots[0].media is not None
    assert picture.shots[0].media.path == Path("/nowhere/A.mov")


def test_otio_and_its_bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    plain, folder, zipped = tmp_path / "edit.otio", tmp_path / "edit.otiod", tmp_path / "edit.otioz"
    plain.write_text(otio_text())
    (folder / "media").mkdir(parents=True)
    (folder / "content.otio").write_text(otio_text())
    (folder / "media" / "a.mov").write_bytes(b"film")
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("content.otio", otio_text())
        archive.writestr("media/a.mov", b"film")
        archive.writestr("media/unused.mov", b"not named by any clip")
    for path, there in ((plain, False), (folder, True), (zipped, True)):
        picture = picture_of(path)
        assert (picture.rate, picture.start_frame) == (FILM, 86_400)
        assert seen(picture) == [("A", 0, 48)]
        media = picture.shots[0].media
        assert media is not None
        assert media.offline is not there
        assert not there or (media.path is not None and media.path.read_bytes() == b"film")
    assert not list((tmp_path / "cache").rglob("unused.mov"))
    assert picture_of(zipped) == picture_of(zipped)


@pytest.mark.parametrize("name", ["../outside.mov", "media/../../outside.mov", "..\\outside.mov"])
def test_bundles_never_leave_their_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside.mov").write_bytes(b"secret")
    bundle = tmp_path / "edit.otiod"
    bundle.mkdir()
    (bundle / "content.otio").write_text(otio_text(name.replace("\\", "/")))
    with pytest.raises(TimelineError, match="outside the bundle"):
        read_timeline(bundle)
    zipped = tmp_path / "edit.otioz"
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("content.otio", otio_text(name))
        archive.writestr(name, b"evil")
    with pytest.raises(TimelineError, match="outside the bundle"):
        read_timeline(zipped)
    assert (tmp_path / "outside.mov").read_bytes() == b"secret"


def test_a_collection_and_a_bare_clip_are_timelines(tmp_path: Path) -> None:
    first = otio.adapters.read_from_string(otio_text(), "otio_json")
    other = otio.schema.Timeline("other")
    path = tmp_path / "collection.otio"
    otio.adapters.write_to_file(otio.schema.SerializableCollection(children=[first, other]), str(path))
    picture = picture_of(path)
    assert seen(picture) == [("A", 0, 48)]
    assert any("'other'" in sentence for sentence in picture.warnings)
    bare = tmp_path / "clip.otio"
    otio.adapters.write_to_file(first.tracks[0][0].deepcopy(), str(bare))
    assert seen(picture_of(bare)) == [("A", 0, 48)]


def test_a_plain_video_is_a_timeline_of_one_clip(real_videos: dict[str, Path]) -> None:
    bunny = picture_of(real_videos["bunny"])
    assert (bunny.rate, bunny.duration_frames, len(bunny.shots), len(bunny.audio)) == (25, 132, 1, 1)
    assert bunny.shots[0].media is not None
    assert not bunny.shots[0].media.offline


@pytest.mark.parametrize(
    ("rate", "timecode", "start", "drop"),
    [
        (FILM, "01:00:00:00", 86_400, False),
        (Fraction(25), "10:00:00:00", 900_000, False),
        (Fraction(30000, 1001), "01:00:00;00", 107_892, True),
        (Fraction(60000, 1001), "01:00:00:00", 216_000, False),
    ],
)
def test_a_videos_rate_and_timecode_are_exact(
    tmp_path: Path, rate: Fraction, timecode: str, start: int, drop: bool
) -> None:
    path = tmp_path / "film.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        stream.metadata["timecode"] = timecode
        for index in range(24):
            frame = av.VideoFrame.from_ndarray(np.full((36, 64, 3), 8 * index, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    picture = picture_of(path)
    assert (picture.rate, picture.start_frame, picture.drop_frame) == (rate, start, drop)
    assert seen(picture) == [("film", 0, 24)]
    assert sources(picture) == [0]
    made = otio.schema.Timeline("edit", global_start_time=otio.opentime.RationalTime(0, float(rate)))
    used = otio.opentime.TimeRange(
        otio.opentime.RationalTime(start + 5, float(rate)), otio.opentime.RationalTime(10, float(rate))
    )
    clip = otio.schema.Clip("by timecode", otio.schema.ExternalReference("film.mov"), used)
    made.tracks.append(otio.schema.Track(kind="Video", children=[clip]))
    assert sources(flatten(made, folder=tmp_path)) == [5]


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE {root} [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    "<{root}><sequence><name>&b;</name></sequence></{root}>"
)
STOLEN = '<?xml version="1.0"?><!DOCTYPE {root} [<!ENTITY a SYSTEM "file:///etc/passwd">]><{root}>&a;</{root}>'


@pytest.mark.parametrize(
    ("suffix", "root"), [("xml", "xmeml"), ("fcpxml", "fcpxml"), ("mlt", "mlt"), ("kdenlive", "mlt")]
)
def test_hostile_xml_is_refused(tmp_path: Path, suffix: str, root: str) -> None:
    path = tmp_path / f"edit.{suffix}"
    for text in (LAUGHS, STOLEN):
        path.write_text(text.format(root=root))
        with pytest.raises(TimelineError, match="entities"):
            read_timeline(path)
    path.write_text(f"<{root}>" + "<a>" * 5000 + "</a>" * 5000 + f"</{root}>")
    with pytest.raises(TimelineError, match="deep"):
        read_timeline(path)
    path.write_text("<html></html>")
    with pytest.raises(TimelineError, match="<html>"):
        read_timeline(path)


def test_deep_json_does_not_crash_the_process(tmp_path: Path) -> None:
    path = tmp_path / "deep.otio"
    path.write_text("[" * 1_000_000 + "]" * 1_000_000)
    with pytest.raises(TimelineError, match="deep"):
        read_timeline(path)
    otio.adapters.write_to_file(otio.schema.Timeline("[" * 5000), str(path))
    assert read_timeline(path).name == "[" * 5000


@pytest.mark.parametrize("schema", ["Clip.1", "Clip.0", "Clip.-9", "Clip.1e9", "Clip", "Clip.99999999999999999999", ""])
def test_schemas_that_would_end_the_process_are_refused(tmp_path: Path, schema: str) -> None:
    path = tmp_path / "edit.otio"
    path.write_text(otio_text().replace("Clip.2", schema))
    with pytest.raises(TimelineError, match=r"edit\.otio"):
        read_timeline(path)


@pytest.mark.parametrize("suffix", sorted(EXTENSIONS))
def test_empty_and_broken_files_get_one_sentence(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"edit{suffix}"
    with pytest.raises(TimelineError, match="does not exist"):
        read_timeline(path)
    path.write_bytes(b"")
    with pytest.raises(TimelineError, match="is empty"):
        read_timeline(path)
    for junk in (
        b"   \n",
        b"{ this is no timeline",
        b"\x00\xff" * 300,
        b"<",
        b"null",
        b"[]",
        b'{"OTIO_SCHEMA": "Clip.1"',
    ):
        path.write_bytes(junk)
        with pytest.raises(TimelineError) as caught:
            read_timeline(path)
        assert "\n" not in str(caught.value)


def test_unknown_extensions_and_folders_are_named(tmp_path: Path) -> None:
    path = tmp_path / "edit.docx"
    path.write_text("x")
    with pytest.raises(TimelineError, match=r"\.otio"):
        read_timeline(path)
    with pytest.raises(TimelineError, match="folder"):
        read_timeline(tmp_path)
    film = tmp_path / "film.mp4"
    film.write_bytes(b"no film at all" * 100)
    with pytest.raises(TimelineError, match="decoded"):
        read_timeline(film)


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".otio", otio_text()),
        (".xml", FCP7),
        (".fcpxml", FCPX),
        (".edl", EDL),
        (".kdenlive", KDENLIVE),
        (".mlt", SHOTCUT),
    ],
)
@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_damaged_files_are_read_or_refused(tmp_path: Path, suffix: str, text: str, data: st.DataObject) -> None:
    """Bytes changed, cut out or doubled anywhere: a sentence or a picture, never another exception."""
    raw = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(raw) - 1)))
        kind = data.draw(st.sampled_from(["number", "delete", "byte", "double"]))
        length = data.draw(st.integers(1, 40))
        if kind == "number":
            digits = [index for index in range(at, len(raw)) if chr(raw[index]).isdigit()][:1]
            if digits:
                raw[digits[0] : digits[0] + 1] = data.draw(
                    st.sampled_from([b"-9", b"0", b"99999999999", b"1e9", b"nan", b"."])
                )
        elif kind == "delete":
            del raw[at : at + length]
        elif kind == "byte":
            raw[at : at + 1] = bytes([data.draw(st.integers(0, 255))])
        else:
            raw[at:at] = raw[at : at + length]
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(bytes(raw) or b"x")
    picture, sentence = read_or_refused(path)
    assert "\n" not in sentence
    assert picture is None or picture.shots


@given(data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_damaged_aaf_is_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    whole = tmp_path / "whole.aaf"
    if not whole.exists():
        write_aaf(whole)
    raw = bytearray(whole.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(8, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.aaf"
    path.write_bytes(bytes(raw[: data.draw(st.integers(600, len(raw)))]))
    assert "\n" not in read_or_refused(path)[1]


def test_the_samples_script_reports_every_file(tmp_path: Path) -> None:
    (tmp_path / "edit.xml").write_text(FCP7)
    (tmp_path / "edit.edl").write_text(EDL)
    (tmp_path / "junk.mlt").write_text("<mlt><playlist")
    script = Path(__file__).with_name("read_samples.py")
    done = subprocess.run([sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in lines[:3]] == ["read", "read", "refused"]
    assert lines[-1] == "3 files: {'read': 2, 'refused': 1, 'failed': 0}"
