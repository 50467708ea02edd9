"""One suite for every format that takes music into a document: in, read back, out again, nothing else changed."""

import wave
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import aaf2
import numpy as np
import opentimelineio as otio
import pytest
from melting import melt
from shotscore_engine.errors import OutputError, TimelineError
from shotscore_engine.picture import AudioSpan, MediaSpan, Picture, Shot, flatten
from shotscore_engine.readers import read_timeline
from shotscore_engine.timing import quantise
from shotscore_exporters import aaf, documents, fcp7xml, fcpxml, mlt, projects
from shotscore_exporters import otio as otio_format
from shotscore_exporters.otio import Flavour
from shotscore_exporters.placement import Keyframe, Placement, StemClip

FRAMES = 300
RATES = (
    (Fraction(24000, 1001), False),
    (Fraction(25), False),
    (Fraction(30000, 1001), False),
    (Fraction(30000, 1001), True),
    (Fraction(50), False),
    (Fraction(60000, 1001), True),
)


def timeline_start(rate: Fraction, drop: bool) -> int:
    """The frame of 01:00:00:00."""
    return 3600 * quantise(rate) - (6 * 9 * quantise(rate) // 15 if drop else 0)


def otio_document(rate: Fraction, drop: bool, media: Path) -> bytes:
    number = float(rate)
    whole = otio.opentime.TimeRange(otio.opentime.RationalTime(0, number), otio.opentime.RationalTime(FRAMES, number))
    start = otio.opentime.RationalTime(timeline_start(rate, drop), number)
    timeline = otio.schema.Timeline("Film", global_start_time=start)
    for kind in ("Video", "Audio"):
        track = otio.schema.Track(f"{kind} 1", kind=kind)
        reference = otio.schema.ExternalReference(media.as_uri(), whole)
        track.append(otio.schema.Clip("A001", reference, whole, metadata={"someone": {"else": [1, 2.5, "three"]}}))
        timeline.tracks.append(track)
    return otio_format.to_bytes(timeline)


def fcp7_document(rate: Fraction, drop: bool, media: Path) -> bytes:
    ntsc = "TRUE" if rate.denominator == 1001 else "FALSE"
    speed = f"<rate><timebase>{quantise(rate)}</timebase><ntsc>{ntsc}</ntsc></rate>"
    form = "DF" if drop else "NDF"
    clip = (
        f'<clipitem id="c1"><name>A001 &amp; more</name><duration>{FRAMES}</duration>{speed}<start>0</start>'
        f'<end>{FRAMES}</end><in>0</in><out>{FRAMES}</out><file id="f1"><name>a.mov</name>'
        f"<pathurl>{media.as_uri()}</pathurl>{speed}<duration>{FRAMES}</duration></file></clipitem>"
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE xmeml>
<xmeml version="5">
\t<sequence id="s1">
\t\t<name>Film</name><duration>{FRAMES}</duration>{speed}
\t\t<timecode>{speed}<frame>{timeline_start(rate, drop)}</frame><displayformat>{form}</displayformat></timecode>
\t\t<media>
\t\t\t<video><track>{clip}</track></video>
\t\t\t<audio>
\t\t\t\t<track>{clip.replace('id="c1"', 'id="c2"')}</track>
\t\t\t</audio>
\t\t</media>
\t</sequence>
</xmeml>
""".encode()


def fcpxml_document(rate: Fraction, drop: bool, media: Path) -> bytes:
    def time(frames: int) -> str:
        seconds = Fraction(frames) / rate
        return f"{seconds.numerator}/{seconds.denominator}s"

    first, half = timeline_start(rate, drop), FRAMES // 2
    form = "DF" if drop else "NDF"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.11">
  <resources>
    <format id="r1" frameDuration="{time(1)}" width="1920" height="1080"/>
    <asset id="r2" name="A001" start="0s" duration="{time(FRAMES)}" hasVideo="1" format="r1">
      <media-rep kind="original-media" src="{media.as_uri()}"/>
    </asset>
  </resources>
  <library><event name="E"><project name="Film">
    <sequence format="r1" duration="{time(FRAMES)}" tcStart="{time(first)}" tcFormat="{form}">
      <spine>
        <asset-clip ref="r2" name="one" offset="{time(first)}" start="0s" duration="{time(half)}"/>
        <asset-clip ref="r2" name="two" offset="{time(first + half)}" start="{time(40)}" duration="{time(half)}">
          <marker start="{time(60)}" duration="{time(1)}" value="here &gt; there"/>
        </asset-clip>
      </spine>
    </sequence>
  </project></event></library>
</fcpxml>
""".encode()


def profile(rate: Fraction) -> str:
    return (
        '<profile description="x" width="320" height="180" progressive="1" sample_aspect_num="1" '
        'sample_aspect_den="1" display_aspect_num="16" display_aspect_den="9" '
        f'frame_rate_num="{rate.numerator}" frame_rate_den="{rate.denominator}" colorspace="709"/>'
    )


BLACK = '<property name="resource">black</property><property name="mlt_service">color</property>'
COLOUR = '<property name="resource">red</property><property name="mlt_service">color</property>'


def mlt_document(rate: Fraction, _drop: bool, _media: Path) -> bytes:
    return f"""<?xml version="1.0" standalone="no"?>
<mlt LC_NUMERIC="C" version="7.12.0" title="Shotcut version 22.12.21" producer="tractor0">
  {profile(rate)}
  <producer id="black" in="0" out="{FRAMES - 1}">{BLACK}</producer>
  <playlist id="background"><entry producer="black" in="0" out="{FRAMES - 1}"/></playlist>
  <producer id="producer0" in="0" out="{FRAMES - 1}"><property name="length">{FRAMES}</property>{COLOUR}</producer>
  <playlist id="playlist0">
    <property name="shotcut:video">1</property>
    <property name="shotcut:name">V1</property>
    <entry producer="producer0" in="0" out="{FRAMES - 1}"/>
  </playlist>
  <tractor id="tractor0" title="Shotcut version 22.12.21" in="0" out="{FRAMES - 1}">
    <property name="shotcut">1</property>
    <track producer="background"/>
    <track producer="playlist0"/>
    <transition id="transition0">
      <property name="a_track">0</property>
      <property name="b_track">1</property>
      <property name="mlt_service">mix</property>
      <property name="always_active">1</property>
      <property name="sum">1</property>
    </transition>
  </tractor>
</mlt>
""".encode()


def kdenlive_track(name: str, audio: bool) -> str:
    mark = '<property name="kdenlive:audio_track">1</property>' if audio else ""
    entry = "" if audio else f'<entry producer="producer0" in="0" out="{FRAMES - 1}"/>'
    hide = "video" if audio else "audio"
    return f"""  <playlist id="{name}_1">{mark}{entry}</playlist>
  <playlist id="{name}_2">{mark}</playlist>
  <tractor id="{name}" in="0" out="{FRAMES - 1}">{mark}
    <track hide="{hide}" producer="{name}_1"/>
    <track hide="{hide}" producer="{name}_2"/>
  </tractor>
"""


def kdenlive_document(version: str) -> Callable[[Fraction, bool, Path], bytes]:
    def make(rate: Fraction, _drop: bool, _media: Path) -> bytes:
        sequence = "{7c5fd5a3-4f2b-4b7c-9c3e-5d2a1f0e9b11}" if version == "1.1" else "tractor9"
        active = (
            f'<property name="kdenlive:docproperties.activetimeline">{sequence}</property>' if version == "1.1" else ""
        )
        bin_list = f"""  <playlist id="main_bin">
    <property name="kdenlive:docproperties.version">{version}</property>
    {active}
    <property name="xml_retain">1</property>
    <entry producer="producer0" in="0" out="{FRAMES - 1}"/>
  </playlist>
"""
        timeline = f"""{kdenlive_track("tractor0", True)}{kdenlive_track("tractor1", False)}
  <tractor id="{sequence}" in="0" out="{FRAMES - 1}">
    <property name="kdenlive:uuid">{sequence}</property>
    <track producer="black_track"/>
    <track producer="tractor0"/>
    <track producer="tractor1"/>
    <transition id="transition0">
      <property name="a_track">0</property>
      <property name="b_track">1</property>
      <property name="mlt_service">mix</property>
      <property name="internal_added">237</property>
      <property name="always_active">1</property>
      <property name="sum">1</property>
    </transition>
    <transition id="transition1">
      <property name="a_track">0</property>
      <property name="b_track">2</property>
      <property name="mlt_service">frei0r.cairoblend</property>
      <property name="internal_added">237</property>
      <property name="always_active">1</property>
    </transition>
  </tractor>
"""
        project = f"""  <tractor id="tractor10" in="0" out="{FRAMES - 1}">
    <property name="kdenlive:projectTractor">1</property>
    <track producer="{sequence}" in="0" out="{FRAMES - 1}"/>
  </tractor>
"""
        body = timeline + bin_list + project if version == "1.1" else bin_list + timeline
        return f"""<?xml version="1.0" encoding="utf-8"?>
<mlt LC_NUMERIC="C" producer="main_bin" version="7.12.0">
  {profile(rate)}
  <producer id="producer0" in="0" out="{FRAMES - 1}">
    <property name="length">{FRAMES}</property>{COLOUR}
    <property name="kdenlive:id">4</property>
    <property name="kdenlive:clipname">red</property>
  </producer>
  <producer id="black_track" in="0" out="{FRAMES - 1}"><property name="length">{FRAMES}</property>{BLACK}</producer>
{body}</mlt>
""".encode()

    return make


def aaf_document(rate: Fraction, drop: bool, media: Path) -> bytes:
    """A picture track and a dialogue track over a source with a timecode."""
    path = media.with_suffix(".aaf")
    with aaf2.open(str(path), "w") as file:
        composition = file.create.CompositionMob("Film")
        composition.usage = "Usage_TopLevel"
        file.content.mobs.append(composition)
        slot = composition.create_timeline_slot(rate)
        timecode = file.create.Timecode(quantise(rate), drop)
        timecode.start, timecode.length = timeline_start(rate, drop), FRAMES
        slot.segment = timecode
        for number, kind in enumerate(("picture", "sound"), 1):
            source = file.create.SourceMob(f"A001 {kind}")
            descriptor = file.create.ImportDescriptor()
            locator = file.create.NetworkLocator()
            locator["URLString"].value = media.as_uri()
            descriptor["Locator"].append(locator)
            source.descriptor = descriptor
            slot = source.create_timeline_slot(rate, 1)
            slot.segment = file.create.SourceClip(0, FRAMES, media_kind=kind)
            master = file.create.MasterMob("A001")
            slot = master.create_timeline_slot(rate, 1)
            slot.segment = source.create_source_clip(1, 0, FRAMES, kind)
            file.content.mobs.extend([source, master])
            slot = composition.create_timeline_slot(rate)
            slot.name = f"{kind} {number}"
            sequence = file.create.Sequence(media_kind=kind)
            sequence.components.append(master.create_source_clip(1, 0, FRAMES, kind))
            sequence.length = FRAMES
            slot.segment = sequence
    return path.read_bytes()


@dataclass(frozen=True)
class Format:
    """A format as the suite sees it."""

    suffix: str
    document: Callable[[Fraction, bool, Path], bytes]
    insert: Callable[[bytes, list[StemClip], Placement], bytes]
    remove: Callable[[bytes], bytes]
    tracks_per_stem: int = 1
    text: bool = True
    """We insert into the text; else (OTIO, AAF) the document is written anew."""
    exact: bool = True
    """Taking the music out gives the same bytes; else (AAF, a file system of its own) the same content."""


def otio_insert(flavour: Flavour) -> Callable[[bytes, list[StemClip], Placement], bytes]:
    def insert(data: bytes, clips: list[StemClip], placement: Placement) -> bytes:
        timeline = otio.adapters.read_from_string(data.decode(), "otio_json")
        return otio_format.to_bytes(otio_format.insert(timeline, clips, placement, flavour, {"seed": 7}))

    return insert


def otio_remove(data: bytes) -> bytes:
    return otio_format.to_bytes(otio_format.remove_music(otio.adapters.read_from_string(data.decode(), "otio_json")))


def new_document(name: str) -> Callable[[Fraction, bool, Path], bytes]:
    """A document made of a picture, for an editor the timeline did not come from."""

    def make(rate: Fraction, drop: bool, media: Path) -> bytes:
        span = MediaSpan(media, True, Fraction(20) / rate)
        half = FRAMES // 2
        shots = (Shot(1, 0, half, "one & two", span), Shot(2, half, FRAMES - half, "A002", span))
        sound = (AudioSpan("Dialogue", 10, FRAMES - 20, "A001", span),)
        picture = Picture("Film", rate, timeline_start(rate, drop), drop, FRAMES, shots, audio=sound)
        return documents.NEW[name](picture)

    return make


FORMATS = {
    "otio": Format(".otio", otio_document, otio_insert("generic"), otio_remove, text=False),
    "otio-resolve": Format(".otio", otio_document, otio_insert("otio-resolve"), otio_remove, text=False),
    "otio-premiere": Format(".otio", otio_document, otio_insert("otio-premiere"), otio_remove, text=False),
    "fcp7xml": Format(".xml", fcp7_document, fcp7xml.insert, fcp7xml.remove, tracks_per_stem=2),
    "fcpxml": Format(".fcpxml", fcpxml_document, fcpxml.insert, fcpxml.remove),
    "aaf": Format(".aaf", aaf_document, aaf.insert, aaf.remove, tracks_per_stem=2, text=False, exact=False),
    "mlt": Format(".mlt", mlt_document, mlt.insert, mlt.remove),
    "kdenlive-1.04": Format(".kdenlive", kdenlive_document("1.04"), mlt.insert, mlt.remove),
    "kdenlive-1.1": Format(".kdenlive", kdenlive_document("1.1"), mlt.insert, mlt.remove),
    "new-fcp7xml": Format(".xml", new_document("fcp7xml"), fcp7xml.insert, fcp7xml.remove, tracks_per_stem=2),
    "new-fcpxml": Format(".fcpxml", new_document("fcpxml"), fcpxml.insert, fcpxml.remove),
    "new-aaf": Format(".aaf", new_document("aaf"), aaf.insert, aaf.remove, tracks_per_stem=2, text=False, exact=False),
    "new-mlt": Format(".mlt", new_document("mlt"), mlt.insert, mlt.remove),
    "new-kdenlive-1.04": Format(".kdenlive", new_document("kdenlive-1.04"), mlt.insert, mlt.remove),
    "new-kdenlive-1.1": Format(".kdenlive", new_document("kdenlive"), mlt.insert, mlt.remove),
}


@pytest.fixture(params=list(FORMATS.values()), ids=list(FORMATS))
def form(request: pytest.FixtureRequest) -> Format:
    found: Format = request.param
    return found


@pytest.fixture(params=RATES, ids=[f"{float(rate):.5g}{'df' if drop else ''}" for rate, drop in RATES])
def placement(request: pytest.FixtureRequest) -> Placement:
    rate, drop = request.param
    return Placement(rate, timeline_start(rate, drop), drop, 171, 101, "Film")


def stem_clips(placement: Placement, folder: Path, pre_roll: int = 0) -> list[StemClip]:
    """Two stems of one cue, as `audio.write` describes them; the files are silent."""
    clips = []
    samples = quantise(Fraction(placement.duration_frames + 2 * pre_roll) / placement.rate * 48_000)
    reference = quantise(Fraction(placement.absolute_frame - pre_roll) / placement.rate * 48_000)
    for stem in ("melody", "bass & drums"):
        path = folder / f"1m01_{stem.split()[0]}.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((2, 3, 48_000, 0, "NONE", ""))
            file.writeframes(bytes(6 * samples))
        clips.append(
            StemClip(
                "1m01", stem, path, placement.start_frame, placement.duration_frames, 48_000, samples, pre_roll,
                reference, folder / "1m01.mid",
            )
        )  # fmt: skip
    return clips


def music_in(path: Path) -> list[tuple[str, str, int, int, int]]:
    """(track, file, first frame on the timeline, frames, first frame of the file used) of every clip of ours."""
    timeline = read_timeline(path)
    found = []
    for track in timeline.tracks:
        for clip in track.find_clips():
            reference = clip.media_reference
            url = getattr(reference, "target_url", "") or ""
            if "1m01_" not in url:
                continue
            at = clip.transformed_time_range(clip.trimmed_range(), timeline.tracks)
            first = reference.available_range.start_time if reference.available_range else at.start_time * 0
            source = (clip.trimmed_range().start_time - first).rescaled_to(at.start_time.rate)
            values = (at.start_time.value, at.duration.value, source.value)
            assert all(abs(value - round(value)) < 1e-6 for value in values)
            found.append((track.name, Path(url).name, *(round(value) for value in values)))
    return sorted(found)


@pytest.mark.parametrize("pre_roll", [0, 12])
def test_music_stands_on_its_exact_frames(form: Format, placement: Placement, tmp_path: Path, pre_roll: int) -> None:
    clips = stem_clips(placement, tmp_path, pre_roll)
    document = form.document(placement.rate, placement.drop_frame, tmp_path / "a.mov")
    path = tmp_path / f"scored{form.suffix}"
    path.write_bytes(form.insert(document, clips, placement))
    found = music_in(path)
    assert len(found) == len(clips) * form.tracks_per_stem
    assert {row[1] for row in found} == {"1m01_melody.wav", "1m01_bass.wav"}
    assert {row[2:] for row in found} == {(171, 101, pre_roll)}


def test_taking_the_music_out_restores_every_byte(form: Format, placement: Placement, tmp_path: Path) -> None:
    document = form.document(placement.rate, placement.drop_frame, tmp_path / "a.mov")
    scored = form.insert(document, stem_clips(placement, tmp_path), placement)
    assert scored != document
    assert form.remove(document) == document
    if form.exact:
        assert form.remove(scored) == document
        return
    before, after = tmp_path / f"before{form.suffix}", tmp_path / f"after{form.suffix}"
    before.write_bytes(document)
    after.write_bytes(form.remove(scored))
    assert read_timeline(after).tracks.is_equivalent_to(read_timeline(before).tracks)
    with aaf2.open(str(after)) as file, aaf2.open(str(before)) as original:
        assert {str(mob.mob_id) for mob in file.content.mobs} == {str(mob.mob_id) for mob in original.content.mobs}


def test_putting_it_in_twice_is_putting_it_in_once(form: Format, placement: Placement, tmp_path: Path) -> None:
    document = form.document(placement.rate, placement.drop_frame, tmp_path / "a.mov")
    clips = stem_clips(placement, tmp_path)
    once = form.insert(document, clips, placement)
    twice = form.insert(once, clips, placement)
    if form.exact:
        assert twice == once
        return
    paths = tmp_path / f"once{form.suffix}", tmp_path / f"twice{form.suffix}"
    for path, data in zip(paths, (once, twice), strict=True):
        path.write_bytes(data)
    assert music_in(paths[0]) == music_in(paths[1])


def test_what_was_there_stays(form: Format, placement: Placement, tmp_path: Path) -> None:
    document = form.document(placement.rate, placement.drop_frame, tmp_path / "a.mov")
    before, after = tmp_path / f"before{form.suffix}", tmp_path / f"after{form.suffix}"
    before.write_bytes(document)
    after.write_bytes(form.insert(document, stem_clips(placement, tmp_path), placement))

    def others(path: Path) -> list[tuple[str, str, object]]:
        timeline = read_timeline(path)
        return [
            (clip.name, track.kind, clip.transformed_time_range(clip.trimmed_range(), timeline.tracks))
            for track in timeline.tracks
            for clip in track.find_clips()
            if "1m01_" not in (getattr(clip.media_reference, "target_url", "") or "")
        ]

    assert others(before) == others(after)
    assert others(before)


def test_lines_that_were_there_stay(form: Format, tmp_path: Path) -> None:
    if not form.text:
        return
    placement = Placement(Fraction(25), 90_000, False, 171, 101)
    document = form.document(placement.rate, False, tmp_path / "a.mov")
    scored = form.insert(document, stem_clips(placement, tmp_path), placement)
    kept = Counter(scored.split(b"\n"))
    changed = [line for line, count in Counter(document.split(b"\n")).items() if kept[line] < count]
    # Only Kdenlive's track numbers move up, and tags that were closed in themselves are opened.
    assert all(b"_track" in line or line.endswith(b"/>") or b"</" in line for line in changed)
    assert len(changed) <= 3


def test_another_rate_is_refused(form: Format, tmp_path: Path) -> None:
    wrong = Placement(Fraction(24), 86_400, False, 0, 100)
    with pytest.raises(TimelineError, match="own rate"):
        form.insert(form.document(Fraction(25), False, tmp_path / "a.mov"), stem_clips(wrong, tmp_path), wrong)


def test_hostile_and_broken_documents_are_refused(form: Format, tmp_path: Path) -> None:
    if not form.text:
        return
    placement = Placement(Fraction(25), 90_000, False, 0, 100)
    clips = stem_clips(placement, tmp_path)
    document = form.document(placement.rate, False, tmp_path / "a.mov")
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'
    for data, problem in ((bomb, "entities"), (document[:-20], "not whole XML"), (b"<html/>", "root <html>")):
        with pytest.raises(TimelineError, match=problem):
            form.insert(data, clips, placement)
    changed = form.insert(document, clips, placement).replace(b"1m01 melody", b"my melody", 1)
    if form.suffix in (".mlt", ".kdenlive"):
        # Media of ours is marked, and found again in what its editor has written anew.
        assert form.remove(changed) == document
        return
    with pytest.raises(TimelineError, match="changed after"):
        form.remove(changed)


@pytest.mark.parametrize("name", ["mlt", "kdenlive-1.04", "kdenlive-1.1"])
def test_melt_plays_the_music_where_it_belongs(name: str, tmp_path: Path) -> None:
    """The real program plays the document, and the music is found in its sound by cross-correlation."""
    form = FORMATS[name]
    placement = Placement(Fraction(25), 90_000, False, 171, 101)
    clips = stem_clips(placement, tmp_path)[:1]
    noise = np.random.default_rng(1).integers(-(2**13), 2**13, (placement.samples(48_000), 2)).astype("<i2")
    with wave.open(str(clips[0].path), "wb") as file:
        file.setparams((2, 2, 48_000, 0, "NONE", ""))
        file.writeframes(noise.tobytes())
    document = tmp_path / f"scored{form.suffix}"
    document.write_bytes(form.insert(form.document(placement.rate, False, tmp_path / "a.mov"), clips, placement))
    played = tmp_path / "played.wav"
    source = str(document)
    if name == "kdenlive-1.04":
        # Kdenlive tells melt which service to play; by itself melt would play the bin.
        document.write_bytes(document.read_bytes().replace(b'producer="main_bin"', b'producer="tractor9"', 1))
    melt(source, played)
    with wave.open(str(played)) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)[:, 0].astype(float)
    size = 1 << (len(heard) + len(noise)).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(noise[:, 0].astype(float), size))
    correlation = np.fft.irfft(spectrum, size)
    at = int(np.argmax(correlation))
    assert abs(at - 171 * 1920) <= 1920
    part = heard[at : at + len(noise)]
    assert np.corrcoef(part, noise[: len(part), 0])[0, 1] > 0.9


@pytest.mark.parametrize("name", ["mlt", "kdenlive-1.04", "kdenlive-1.1"])
def test_melt_plays_the_ducking(name: str, tmp_path: Path) -> None:
    form = FORMATS[name]
    placement = Placement(Fraction(25), 90_000, False, 100, 100, "Film")
    keys = (
        Keyframe(Fraction(0), 0.0),
        Keyframe(Fraction(1), 0.0),
        Keyframe(Fraction(2), -12.0),
        Keyframe(Fraction(4), -12.0),
    )
    clip = replace(stem_clips(placement, tmp_path, 10)[0], volume=keys)
    noise = np.random.default_rng(1).integers(-(2**13), 2**13, (clip.samples, 2)).astype("<i2")
    with wave.open(str(clip.path), "wb") as file:
        file.setparams((2, 2, 48_000, 0, "NONE", ""))
        file.writeframes(noise.tobytes())
    document, played = tmp_path / f"scored{form.suffix}", tmp_path / "played.wav"
    scored = form.insert(form.document(placement.rate, False, tmp_path / "a.mov"), [clip], placement)
    document.write_bytes(scored.replace(b'producer="main_bin"', b'producer="tractor9"', name == "kdenlive-1.04"))
    melt(str(document), played)
    with wave.open(str(played)) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)[:, 0].astype(float)
    loud, quiet = (np.sqrt(np.mean(heard[int(a * 48_000) : int(b * 48_000)] ** 2)) for a, b in ((4.1, 4.9), (6.2, 7.8)))
    assert 20 * np.log10(quiet / loud) == pytest.approx(-12, abs=0.5)


@pytest.mark.parametrize(("name", "key"), [("fcp7xml", b"<when>35</when><value>0.25119"), ("fcpxml", b'value="-12dB"')])
def test_ducking_is_written_as_keyframes(name: str, key: bytes, tmp_path: Path) -> None:
    form = FORMATS[name]
    placement = Placement(Fraction(25), 90_000, False, 100, 100, "Film")
    clip = replace(
        stem_clips(placement, tmp_path, 10)[0], volume=(Keyframe(Fraction(0), 0.0), Keyframe(Fraction(1), -12.0))
    )
    document = form.document(placement.rate, False, tmp_path / "a.mov")
    scored = form.insert(document, [clip], placement)
    assert key in scored
    assert form.remove(scored) == document


def test_otio_carries_midi_provenance_and_channels(tmp_path: Path) -> None:
    placement = Placement(Fraction(25), 90_000, False, 171, 101)
    clips = stem_clips(placement, tmp_path)
    document = otio_document(placement.rate, False, tmp_path / "a.mov")
    flavours: dict[Flavour, str | None] = {
        "generic": None,
        "otio-resolve": "Resolve_OTIO",
        "otio-premiere": "PremierePro_OTIO",
    }
    for flavour, key in flavours.items():
        scored = otio.adapters.read_from_string(
            otio_insert(flavour)(document, clips, placement).decode(),
            "otio_json",
        )
        track = scored.tracks[-2]
        clip = next(iter(track.find_clips()))
        assert [t.name for t in scored.tracks] == ["Video 1", "Audio 1", "melody", "bass & drums"]
        assert clip.active_media_reference_key == "DEFAULT_MEDIA"
        assert clip.media_references()["MIDI"].target_url.endswith("1m01.mid")
        assert clip.metadata["shotscore"]["seed"] == 7
        assert clip.source_range.start_time.value == (0 if key is None else 90_171)
        assert key is None or (key in track.metadata and key in clip.metadata)


def test_clips_somebody_put_on_our_track_stay(tmp_path: Path) -> None:
    placement = Placement(Fraction(25), 90_000, False, 171, 101)
    document = otio.adapters.read_from_string(
        otio_document(placement.rate, False, tmp_path / "a.mov").decode(), "otio_json"
    )
    scored = otio_format.insert(document, stem_clips(placement, tmp_path), placement)
    extra = otio.schema.Clip(
        "theirs",
        source_range=otio.opentime.TimeRange(otio.opentime.RationalTime(0, 25), otio.opentime.RationalTime(10, 25)),
    )
    scored.tracks[-1].append(extra)
    plain = otio_format.remove_music(scored)
    assert [track.name for track in plain.tracks] == ["Video 1", "Audio 1", "bass & drums"]
    kept = plain.tracks[-1]
    assert kept.range_of_child_at_index(len(kept) - 1).start_time.value == 272


def test_two_cues_share_tracks_and_overlaps_get_their_own(tmp_path: Path) -> None:
    placement = Placement(Fraction(25), 90_000, False, 0, 100)
    first = stem_clips(placement, tmp_path)[0]
    second = replace(first, cue="1m02", start_frame=100)
    third = replace(first, cue="1m03", start_frame=150)
    document = otio.adapters.read_from_string(
        otio_document(placement.rate, False, tmp_path / "a.mov").decode(), "otio_json"
    )
    scored = otio_format.insert(document, [second, third, first], placement)
    assert [track.name for track in scored.tracks[2:]] == ["melody", "melody 2"]
    assert [clip.name for clip in scored.tracks[2].find_clips()] == ["1m01 melody", "1m02 melody"]


def test_documents_are_known_by_their_suffix_and_never_overwritten(form: Format, tmp_path: Path) -> None:
    placement = Placement(Fraction(25), 90_000, False, 171, 101)
    document, scored, plain = (tmp_path / f"{name}{form.suffix}" for name in ("film", "scored", "plain"))
    document.write_bytes(form.document(placement.rate, False, tmp_path / "a.mov"))
    original = document.read_bytes()
    projects.insert(document, stem_clips(placement, tmp_path), placement, scored)
    assert len(music_in(scored)) == 2 * form.tracks_per_stem
    projects.remove(scored, plain)
    assert not music_in(plain)
    assert document.read_bytes() == original
    with pytest.raises(OutputError, match="itself"):
        projects.remove(document, document)


def test_other_documents_take_no_music(tmp_path: Path) -> None:
    placement = Placement(Fraction(25), 90_000, False, 0, 10)
    with pytest.raises(TimelineError, match="no document music"):
        projects.insert(tmp_path / "film.edl", [], placement, tmp_path / "scored.edl")
    with pytest.raises(TimelineError, match="cannot be read"):
        projects.insert(tmp_path / "film.mlt", [], placement, tmp_path / "scored.mlt")


@pytest.mark.parametrize("name", documents.NEW)
def test_a_new_document_shows_the_picture(name: str, placement: Placement, tmp_path: Path) -> None:
    """Read back by the engine it is the picture it was made of: shots, source ranges, rate, start."""
    form = FORMATS["new-kdenlive-1.1" if name == "kdenlive" else f"new-{name}"]
    path = tmp_path / f"film{form.suffix}"
    path.write_bytes(form.document(placement.rate, placement.drop_frame, tmp_path / "a.mov"))
    picture = flatten(read_timeline(path), folder=tmp_path)
    assert (picture.rate, picture.duration_frames) == (placement.rate, FRAMES)
    if form.suffix not in (".mlt", ".kdenlive"):  # which have no start timecode
        assert picture.start_frame == timeline_start(placement.rate, placement.drop_frame)
    half = FRAMES // 2
    assert [(shot.start_frame, shot.duration_frames) for shot in picture.shots] == [(0, half), (half, half)]
    assert [quantise(shot.media.start * placement.rate) for shot in picture.shots if shot.media] == [20, 20]
    assert {shot.media.path for shot in picture.shots if shot.media} == {tmp_path / "a.mov"}
    if form.suffix in (".xml", ".mlt", ".kdenlive"):
        assert (10, FRAMES - 20) in {(span.start_frame, span.duration_frames) for span in picture.audio}
