"""Cuts inside media, on the exact frame of the timeline."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import opentimelineio as otio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shotscore_engine.errors import Cancelled, RequestError
from shotscore_engine.media import frames_between, probe
from shotscore_engine.picture import MediaSpan, Picture, Shot, flatten, media_seconds
from shotscore_engine.readers import read_timeline
from shotscore_engine.shots import detect_shots, media_cuts, timeline_frame, transition_chances

FILM = Fraction(24000, 1001)
CUTS = (30, 55, 90)
LENGTH = 120
BASES = ((190, 70, 60), (50, 90, 190), (200, 200, 190), (40, 50, 40))
"""The scenes' colours, as different as real scenes."""


def write_film(path: Path, rate: Fraction = FILM, cuts: Sequence[int] = CUTS, length: int = LENGTH) -> Path:
    """A film of moving patterns that change at the cuts, with a key frame only every 50 frames."""
    rows, columns = np.mgrid[0:90, 0:160]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        stream.gop_size, stream.max_b_frames = 50, 2
        stream.bit_rate = 2_000_000
        for index in range(length):
            scene = sum(index >= cut for cut in cuts)
            base = np.array(BASES[scene])
            wave = 30 * np.sin((columns + 2 * index) / (6 + 5 * scene)) + 20 * np.cos((rows - index) / (5 + 3 * scene))
            pixels = np.clip(base + wave[:, :, None], 0, 255).astype(np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "film.mp4")


def edit(film: Path, start: int, duration: int, rate: Fraction = FILM, speed: float = 1.0) -> Picture:
    """`duration` timeline frames of the film from its frame `start` on."""

    def time(value: float, of: Fraction) -> otio.opentime.RationalTime:
        return otio.opentime.RationalTime(value, float(of))

    media = otio.schema.ExternalReference(film.as_uri(), otio.opentime.TimeRange(time(0, FILM), time(LENGTH, FILM)))
    clip = otio.schema.Clip("clip", media, otio.opentime.TimeRange(time(start, FILM), time(duration, rate)))
    if speed != 1:
        clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=speed))
    made = otio.schema.Timeline("edit", global_start_time=time(0, rate))
    made.tracks.append(otio.schema.Track(kind="Video", children=[clip]))
    return flatten(made)


def first_frames_of_new_scenes(picture: Picture, whole: Shot, cuts: Sequence[int] = CUTS) -> list[int]:
    """By looking at every timeline frame: where the film's scene differs from the frame before."""
    scenes = []
    for frame in range(whole.start_frame, whole.end_frame):
        shown = int(media_seconds(whole, frame, picture.rate) * FILM // 1)
        scenes.append(sum(shown >= cut for cut in cuts))
    return [at + whole.start_frame for at in range(1, len(scenes)) if scenes[at] != scenes[at - 1]]


def test_every_frame_comes_with_its_time(film: Path) -> None:
    assert probe(film).rate == FILM
    times = [time for time, _ in frames_between(film, Fraction(0), Fraction(100), (32, 18))]
    assert [round(time * FILM) for time in times] == list(range(LENGTH))
    part = [round(time * FILM) for time, _ in frames_between(film, 77 / FILM, 99 / FILM, (32, 18))]
    assert part == list(range(77, 99))


@pytest.mark.parametrize(
    ("start", "duration", "rate", "speed"),
    [
        (0, 120, FILM, 1.0),
        (12, 100, FILM, 1.0),
        (40, 80, FILM, 1.0),
        (10, 100, Fraction(25), 1.0),
        (0, 240, Fraction(60000, 1001), 1.0),
        (10, 50, FILM, 2.0),
        (20, 180, FILM, 0.5),
        (5, 110, FILM, -1.0),
    ],
)
def test_cuts_stand_on_the_timelines_frame(film: Path, start: int, duration: int, rate: Fraction, speed: float) -> None:
    picture = edit(film, start, duration, rate, speed)
    found = detect_shots(picture)
    expected = first_frames_of_new_scenes(picture, picture.shots[0])
    assert len(expected) >= 2
    assert [shot.start_frame for shot in found.shots[1:]] == expected
    assert [shot.origin for shot in found.shots] == ["edit"] + ["detected"] * len(expected)
    assert [shot.index for shot in found.shots] == list(range(1, len(found.shots) + 1))
    for shot in found.shots:  # the parts show what the whole showed
        for frame in (shot.start_frame, shot.end_frame - 1):
            assert media_seconds(shot, frame, rate) == media_seconds(picture.shots[0], frame, rate)


def test_transnet_finds_the_same_cuts(film: Path) -> None:
    found = media_cuts(film, Fraction(0), LENGTH / FILM, "transnet")
    assert [round(cut.seconds * FILM) for cut in found] == list(CUTS)


def test_both_detectors_agree_on_a_real_film(real_videos: dict[str, Path]) -> None:
    picture = flatten(read_timeline(real_videos["bikes"]))
    cuts = [[shot.start_frame for shot in detect_shots(picture, method).shots] for method in ("adaptive", "transnet")]
    assert cuts[0] == cuts[1] == [0, 30, 76, 137, 187, 242]


def test_windows_do_not_change_what_transnet_sees(film: Path) -> None:
    frames = [pixels for _, pixels in frames_between(film, Fraction(0), Fraction(100), (48, 27), "rgb24")]
    chances = transition_chances(frames)
    assert chances.shape == (LENGTH,)
    assert [cut for cut in CUTS if chances[cut - 1] > 0.5] == list(CUTS)
    assert transition_chances([]).shape == (0,)


def test_nothing_is_split_where_nothing_may_be(film: Path, tmp_path: Path) -> None:
    picture = edit(film, 0, 120)
    assert detect_shots(picture, "none") == picture
    assert len(detect_shots(edit(film, 27, 6)).shots) == 1
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no film" * 100)
    offline = detect_shots(edit(broken, 0, 120))
    assert [shot.media.offline for shot in offline.shots if shot.media] == [True]
    assert any("broken.mp4" in sentence for sentence in offline.warnings)
    with pytest.raises(RequestError, match="magic"):
        detect_shots(picture, "magic")  # type: ignore[arg-type]


def test_detection_can_be_cancelled(film: Path) -> None:
    def stop(stage: str, done: float) -> None:
        assert stage == "analyse"
        if done > 0.3:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        detect_shots(edit(film, 0, 120), progress=stop)


@given(
    rate=st.sampled_from([Fraction(24), FILM, Fraction(25), Fraction(30000, 1001), Fraction(60)]),
    media_rate=st.sampled_from([Fraction(24), FILM, Fraction(25), Fraction(50), Fraction(60000, 1001)]),
    source=st.integers(0, 5000),
    start=st.integers(0, 5000),
    duration=st.integers(2, 2000),
    speed=st.sampled_from([Fraction(1), Fraction(2), Fraction(1, 2), Fraction(-1), Fraction(-2), Fraction(24, 25)]),
    cut=st.integers(1, 9000),
)
def test_a_cut_is_the_first_frame_beyond_it(
    rate: Fraction, media_rate: Fraction, source: int, start: int, duration: int, speed: Fraction, cut: int
) -> None:
    """For any rates and speed: the media frame before the cut is shown before, the other side from the frame on."""
    begin = source / media_rate if speed > 0 else source / media_rate - speed * duration / rate
    shot = Shot(1, start, duration, "s", MediaSpan(Path("a"), False, begin, speed))
    frame = timeline_frame(shot, cut / media_rate, rate, media_rate)
    if shot.start_frame < frame < shot.end_frame:

        def beyond(at: int) -> bool:
            return media_seconds(shot, at, rate) >= cut / media_rate - min(1 / media_rate, abs(speed) / rate) / 10

        assert beyond(frame) is (speed > 0)
        assert beyond(frame - 1) is (speed < 0)
