"""Features of films drawn here with PyAV, and of two real ones: do they say what is on the screen, when it is?"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from shotscore_engine.cache import cache_folder
from shotscore_engine.errors import Cancelled, RequestError
from shotscore_engine.features import VISUAL_NAMES, BeatFeatures, visual
from shotscore_engine.features.describe import describe, worded_name
from shotscore_engine.media import probe
from shotscore_engine.picture import Marker, MediaSpan, Picture, Shot
from shotscore_engine.spotting import Cue, Hit
from shotscore_engine.tempo import BeatGrid

RATE = 24
SIZE = (160, 96)
Draw = Callable[[float], NDArray[np.uint8]]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOTSCORE_CACHE", str(tmp_path / "cache"))
    visual.forget()


def film(path: Path, draw: Draw, seconds: float = 4.0, codec: str = "mpeg4") -> Path:
    """A film whose frame at time t is `draw(t)`, (96, 160, 3) RGB."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.bit_rate = 4_000_000
        if codec == "libx264":
            stream.options = {"preset": "veryfast", "bf": "3", "g": "24"}
        for number in range(int(seconds * RATE)):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(draw(number / RATE), format="rgb24")))
        container.mux(stream.encode(None))
    return path


def plain(*colour: int) -> NDArray[np.uint8]:
    return np.full((SIZE[1], SIZE[0], 3), colour, np.uint8)


def block(
    at: float, colour: Sequence[int] = (240, 200, 60), ground: Sequence[int] = (30, 60, 120)
) -> NDArray[np.uint8]:
    """A tall block whose left edge stands at `at`, 0 to 1, wrapping around."""
    picture = plain(*ground)
    columns = (np.arange(40) + int(at * SIZE[0])) % SIZE[0]
    picture[16:80, columns] = colour
    return picture


def grey(value: float) -> NDArray[np.uint8]:
    return plain(*[int(value * 255)] * 3)


def picture_of(*media: MediaSpan | None, seconds: float = 4.0, names: Sequence[str] = ()) -> Picture:
    frames = int(seconds * RATE)
    shots = tuple(
        Shot(i + 1, i * frames, frames, names[i] if names else f"A001_C{i:03}", span) for i, span in enumerate(media)
    )
    return Picture("film", Fraction(RATE), 86400, False, frames * len(media), shots)


def span(path: Path, start: float = 0, speed: Fraction | int = 1) -> MediaSpan:
    return MediaSpan(path, False, Fraction(start), Fraction(speed))


def grid_for(picture: Picture, bpm: int = 120) -> BeatGrid:
    beats = int(Fraction(picture.duration_frames, RATE) * bpm / 60)
    return BeatGrid(tuple(Fraction(60, bpm) * beat for beat in range(beats + 1)), (4, 4))


def seen(picture: Picture, bpm: int = 120, **asked: object) -> BeatFeatures:
    return describe(picture, grid_for(picture, bpm), Cue("1m01", 0, picture.duration_frames), **asked)  # type: ignore[arg-type]


def column(features: BeatFeatures, name: str) -> NDArray[np.float32]:
    return features.visual[:, VISUAL_NAMES.index(name)]


def test_motion_drives_energy_and_a_still_picture_stays_still(tmp_path: Path) -> None:
    still = seen(picture_of(span(film(tmp_path / "still.mp4", lambda _: block(0.3)))))
    slow = seen(picture_of(span(film(tmp_path / "slow.mp4", lambda t: block(0.04 * t)))))
    fast = seen(picture_of(span(film(tmp_path / "fast.mp4", lambda t: block(0.9 * t)))))
    assert column(still, "motion").max() < 0.02
    assert column(still, "motion").mean() < column(slow, "motion").mean() < column(fast, "motion").mean() - 0.3
    assert column(slow, "motion").max() <= 0.5
    assert still.energy.mean() < slow.energy.mean() < fast.energy.mean() - 0.2
    assert still.arousal.mean() < fast.arousal.mean() - 0.3
    assert "nothing moves" in still.captions[0]


def test_colour_and_light_drive_mood_and_words(tmp_path: Path) -> None:
    dark = seen(picture_of(span(film(tmp_path / "dark.mp4", lambda _: plain(8, 14, 46)))))
    bright = seen(picture_of(span(film(tmp_path / "bright.mp4", lambda _: plain(255, 205, 90)))))
    assert dark.valence.max() < -0.5
    assert bright.valence.min() > 0.3
    assert column(dark, "warmth").max() < -0.2
    assert column(bright, "warmth").min() > 0.2
    assert "dark" in dark.captions[0]
    assert "blue" in dark.captions[0]
    assert "golden" in bright.captions[0]
    np.testing.assert_allclose(column(bright, "brightness"), (0.299 * 255 + 0.587 * 205 + 0.114 * 90) / 255, atol=0.03)
    np.testing.assert_allclose(column(bright, "saturation"), 1 - 90 / 255, atol=0.06)


@pytest.mark.parametrize("codec", ["mpeg4", "libx264", "mjpeg"])
def test_features_follow_the_media_time_shown(tmp_path: Path, codec: str) -> None:
    """Luma rises with the file's time, so brightness tells which moment of the file a beat saw."""
    path = film(
        tmp_path / f"ramp_{codec}.{'avi' if codec == 'mjpeg' else 'mp4'}", lambda t: grey(0.1 + 0.08 * t), 10, codec
    )

    def moments(media: MediaSpan) -> NDArray[np.float32]:
        return (column(seen(picture_of(media)), "brightness") - 0.1) / 0.08

    middles = np.arange(8) * 0.5 + 0.25
    close = 0.3  # seconds: half a beat, a frame that was skipped, and what the codec does to grey
    np.testing.assert_allclose(moments(span(path)), middles, atol=close)
    np.testing.assert_allclose(moments(span(path, 5)), 5 + middles, atol=close)
    np.testing.assert_allclose(moments(span(path, 1, 2)), 1 + 2 * middles, atol=close)
    np.testing.assert_allclose(moments(span(path, 8, -1)), 8 - middles, atol=close)
    np.testing.assert_allclose(moments(span(path, 6, 0)), 6, atol=close)
    np.testing.assert_allclose(moments(span(path, 2, Fraction(1, 2))), 2 + middles / 2, atol=close)
    np.testing.assert_allclose(moments(span(path, 0, 20))[1:], 10, atol=close)  # past the end: the last frame


def test_speed_shows_in_motion_and_a_freeze_has_none(tmp_path: Path) -> None:
    path = film(tmp_path / "walk.mp4", lambda t: block(0.2 * t), 10)
    whole = picture_of(
        span(path, 0, Fraction(1, 2)), span(path, 0, 1), span(path, 0, 2), span(path, 9, -1), span(path, 3, 0)
    )
    motion = column(seen(whole), "motion").reshape(5, 8)[:, 1:-1].mean(1)
    assert motion[0] < motion[1] < motion[2]
    assert motion[3] == pytest.approx(motion[1], rel=0.25)
    assert motion[4] == 0


def test_time_is_real_whatever_the_tempo(tmp_path: Path) -> None:
    path = film(tmp_path / "burst.mp4", lambda t: block(1.1 * t if 4 <= t < 6 else 0.4), 8)
    for bpm in (60, 97, 180):
        found = seen(picture_of(span(path), seconds=8), bpm)
        starts = np.arange(len(found.energy)) * 60 / bpm
        inside = (starts > 3.8) & (starts + 60 / bpm < 6.2)
        outside = (starts + 60 / bpm < 3.9) | (starts > 6.2)
        assert inside.any()
        motion = column(found, "motion")
        assert motion[inside].min() > 0.5
        assert motion[outside].max() < 0.05


def test_a_flash_is_seen_where_it_is(tmp_path: Path) -> None:
    path = film(tmp_path / "flash.mp4", lambda t: grey(0.85 if 2.0 <= t < 2.4 else 0.15))
    flash = column(seen(picture_of(span(path))), "flash")
    assert flash.argmax() == 4
    assert flash[4] > 0.8
    assert np.delete(flash, [3, 4, 5]).max() == 0


def test_cuts_count_by_their_weight_and_shots_by_the_middle_of_the_beat(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", lambda _: grey(0.5), 2)
    whole = picture_of(span(path), span(path), span(path), seconds=1.6)
    grid = grid_for(whole)
    hits = (Hit(38, "cut", 1.0, 2), Hit(77, "marker", 0.4, 2), Hit(115, "end", 1.0, 2))
    cut = describe(whole, grid, Cue("1m01", 0, whole.duration_frames, hits)).visual[:, VISUAL_NAMES.index("cut")]
    # 38 / 24 = 1.58 s is nearest to beat 3 (1.5 s), 77 / 24 = 3.21 s to beat 6 (3.0 s)
    np.testing.assert_allclose(np.flatnonzero(cut), [3, 6])
    np.testing.assert_allclose(cut[[3, 6]], [1.0, 0.4])
    found = seen(whole)
    middles = np.arange(9) * 0.5 + 0.25
    np.testing.assert_array_equal(found.shot_of_beat, np.searchsorted([38 / 24, 76 / 24], middles, side="right"))
    assert np.flatnonzero(column(found, "cut")).tolist() == [3, 6]  # without hits, the shots' own cuts


def test_a_cue_inside_the_picture_reads_its_own_range_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dark, bright = film(tmp_path / "d.mp4", lambda _: grey(0.1)), film(tmp_path / "b.mp4", lambda _: grey(0.9))
    whole = picture_of(span(dark), span(bright))
    opened = []
    real = visual.open_media
    monkeypatch.setattr(visual, "open_media", lambda path: opened.append(path) or real(path))
    grid = BeatGrid(tuple(Fraction(beat, 2) for beat in range(9)), (4, 4))
    found = describe(whole, grid, Cue("1m02", 96, 96))
    assert column(found, "brightness").min() > 0.8
    assert set(found.shot_of_beat.tolist()) == {1}
    assert opened == [bright]
    assert len(found.captions) == 2


def test_another_film_under_the_same_cuts_differs_as_it_looks(tmp_path: Path) -> None:
    calm = film(tmp_path / "calm.mp4", lambda t: block(0.02 * t, (60, 70, 110), (20, 26, 60)))
    wild = film(tmp_path / "wild.mp4", lambda t: block(0.8 * t, (255, 220, 40), (230, 120, 90)))
    first, second = seen(picture_of(span(calm), span(calm))), seen(picture_of(span(wild), span(wild)))
    assert (second.energy > first.energy + 0.2).all()
    assert (second.valence > first.valence + 0.3).all()
    assert (second.arousal > first.arousal).all()
    assert float((first.language * second.language).sum(1).max()) < 0.95
    assert np.abs(first.visual[:, 8:] - second.visual[:, 8:]).max() > 0.05


def test_cutting_pace_raises_arousal_and_energy(tmp_path: Path) -> None:
    path = film(tmp_path / "same.mp4", lambda t: block(0.1 * t), 8)
    held = seen(picture_of(span(path), seconds=8))
    fast = seen(picture_of(*[span(path, 0.5 * i) for i in range(16)], seconds=0.5))
    assert fast.arousal.mean() > held.arousal.mean() + 0.2
    assert fast.energy.mean() > held.energy.mean() + 0.1
    assert "cut fast" in fast.captions[8]
    assert "held for a long time" in held.captions[0]


def test_whose_words_come_first(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", lambda _: grey(0.4), 2)
    names = ("Wedding dance.mov", "Old harbour at dawn", "A001_C003_0512.mov", "IMG_2041.MOV")
    whole = picture_of(*[span(path)] * 4, seconds=2, names=names)
    marked = Picture(
        **{
            **{name: getattr(whole, name) for name in whole.__dataclass_fields__},
            "markers": (Marker(50, 1, "prompt: a storm gathers"), Marker(100, 0, "Prompt", "the hero gives up")),
        }
    )
    found = seen(marked)
    assert found.captions[:3] == ("Wedding dance", "a storm gathers", "the hero gives up")
    assert found.captions[3].startswith("A softly lit black and white scene")
    asked = seen(marked, prompt="a gentle lullaby")
    assert set(asked.captions) == {"a gentle lullaby"}
    assert seen(marked, prompt="  ").captions == found.captions


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("A001_C003", ""),
        ("IMG_2041.MOV", ""),
        ("clip 12", ""),
        ("Untitled Sequence 01.mp4", ""),
        ("GX010034", ""),
        ("", ""),
        ("qzxv fjord", ""),
        ("beach_sunset.mp4", "beach sunset"),
        ("BrideEnters take2", "Bride Enters"),
        ("The last train home", "The last train home"),
    ],
)
def test_clip_names_that_are_words(name: str, words: str) -> None:
    assert worded_name(name) == words


def test_words_correct_the_mood_and_a_person_comes_last(tmp_path: Path) -> None:
    whole = picture_of(span(film(tmp_path / "a.mp4", lambda t: block(0.3 * t))))
    own = seen(whole)
    sad = seen(whole, prompt="a mother mourns her dead child in silence")
    glad = seen(whole, prompt="an exuberant, joyful wedding party dances wildly")
    assert sad.valence.mean() < own.valence.mean() < glad.valence.mean()
    assert sad.arousal.mean() < glad.arousal.mean()
    set_by_hand = seen(whole, prompt="a mother mourns her dead child in silence", mood=(0.6, -0.4), energy=0.3)
    assert set_by_hand.valence.mean() == pytest.approx(0.6, abs=0.05)
    assert set_by_hand.arousal.mean() == pytest.approx(-0.4, abs=0.05)
    assert set_by_hand.energy.mean() == pytest.approx(0.3, abs=0.05)
    folk = seen(whole, style="Folk")
    np.testing.assert_allclose(np.linalg.norm(folk.language, axis=1), 1, atol=1e-5)
    assert 0.7 < float((folk.language[0] * own.language[0]).sum()) < 0.999


@pytest.mark.parametrize(
    "asked", [{"mood": (2.0, 0.0)}, {"energy": -0.1}, {"energy": float("nan")}, {"style": "Polka"}]
)
def test_values_out_of_range_are_refused(asked: dict[str, object]) -> None:
    with pytest.raises(RequestError, match=r"choose|between"):
        seen(picture_of(None), **asked)


def test_what_cannot_be_seen_is_neutral_with_a_warning(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\0" * 5000)
    gone = MediaSpan(tmp_path / "gone.mp4", True, Fraction(0))
    found = seen(picture_of(gone, span(broken), None, names=("Sunny garden.mov", "A2", "Title")))
    assert len(found.warnings) == 2
    assert any("Sunny garden.mov" in warning and "offline" in warning for warning in found.warnings)
    assert any("broken.mp4" in warning and "A2" in warning for warning in found.warnings)
    for values in (found.visual, found.language, found.valence, found.arousal, found.energy):
        assert np.isfinite(values).all()
    assert np.unique(column(found, "brightness")).size == 1
    assert found.captions[0] == "Sunny garden"
    assert not column(found, "image_0").any()


def test_a_truncated_file_is_seen_as_far_as_it_goes(tmp_path: Path) -> None:
    path = film(tmp_path / "long.avi", lambda t: grey(0.2 + 0.05 * t), 8, "mjpeg")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = seen(picture_of(span(path), seconds=8))
    assert np.isfinite(found.visual).all()
    assert column(found, "brightness")[2] == pytest.approx(0.2 + 0.05 * 1.25, abs=0.03)


def test_a_photograph_is_a_still(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "rgb24"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(block(0.2), format="rgb24")))
        container.mux(stream.encode(None))
    found = seen(picture_of(span(path)))
    assert column(found, "motion").max() == 0
    assert column(found, "saturation").min() > 0.5


def test_progress_rises_and_cancels(tmp_path: Path) -> None:
    whole = picture_of(span(film(tmp_path / "a.mp4", lambda t: block(0.1 * t))))
    told: list[float] = []

    def listen(stage: str, done: float) -> None:
        assert stage == "analyse"
        told.append(done)

    seen(whole, progress=listen)
    assert told == sorted(told)
    assert told[-1] == 1
    assert len(told) > 3
    visual.forget()

    def stop(_stage: str, _done: float) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        seen(whole, progress=stop)


def test_looks_are_kept_and_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = film(tmp_path / "a.mp4", lambda t: block(0.1 * t), 8)
    decoded: list[int] = []
    real = visual._decode

    def counting(path: Path, indices: Sequence[int], *rest: object) -> None:
        decoded.append(len(indices))
        real(path, indices, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(visual, "_decode", counting)
    first = seen(picture_of(span(path)))
    assert decoded == [24]
    np.testing.assert_array_equal(seen(picture_of(span(path))).visual, first.visual)
    visual.forget()  # as a new process would
    np.testing.assert_array_equal(seen(picture_of(span(path))).visual, first.visual)
    assert decoded == [24]
    longer = seen(picture_of(span(path), seconds=5))  # only the new second, and the look before it
    assert decoded == [24, 7]
    visual.forget()
    for kept in (tmp_path / "cache" / "looks").iterdir():
        kept.write_bytes(b"not an archive")
    np.testing.assert_allclose(seen(picture_of(span(path), seconds=5)).visual, longer.visual, atol=0.02)
    assert decoded == [24, 7, 30]
    film(path, lambda _: grey(0.9), 8)
    assert column(seen(picture_of(span(path))), "brightness").min() > 0.8


def test_everything_stays_in_its_scale_and_repeats(real_videos: dict[str, Path]) -> None:
    low = np.array([-1.0 if name == "warmth" else 0.0 for name in VISUAL_NAMES[:8]])
    for path in real_videos.values():
        info = probe(path)
        assert info.rate is not None
        shots = tuple(
            Shot(i + 1, i * 40, 40, f"C{i:04}", MediaSpan(path, False, Fraction(i * 40) / info.rate)) for i in range(3)
        )
        whole = Picture("real", info.rate, 0, False, 120, shots)
        grid = BeatGrid(tuple(Fraction(beat, 2) for beat in range(10)), (4, 4))
        found = describe(whole, grid, Cue("1m01", 0, 120))
        assert (found.visual[:, :8] >= low).all()
        assert (found.visual[:, :8] <= 1).all()
        assert np.abs(found.visual[:, 8:]).max() < 5
        assert np.abs(found.valence).max() <= 1
        assert np.abs(found.arousal).max() <= 1
        assert 0 <= found.energy.min() <= found.energy.max() <= 1
        assert all(8 <= len(caption.split()) <= 24 for caption in found.captions)
        visual.forget()
        for kept in cache_folder().rglob("*.npz"):
            kept.unlink()
        np.testing.assert_array_equal(describe(whole, grid, Cue("1m01", 0, 120)).visual, found.visual)


def test_photographs_are_labelled_as_what_they_show(real_videos: dict[str, Path]) -> None:
    """Frames of the street film are nearer to streets than to kitchens; a plain grey is named nothing."""
    from shotscore_engine.features.images import image_labels, label_pictures, sure_caption

    with av.open(str(real_videos["bikes"])) as container:
        frames = [
            frame.reformat(224, 224, "rgb24", interpolation="AREA").to_ndarray()
            for number, frame in enumerate(container.decode(video=0))
            if number % 25 == 0
        ]
    probability = label_pictures(np.stack(frames))
    np.testing.assert_allclose(probability.sum(1), 1, atol=1e-4)
    captions = np.array([label.caption for label in image_labels()])
    street = probability[
        :, np.isin(captions, ["a car", "a bus", "a tram", "a bicycle", "a motorbike", "traffic lights"])
    ]
    food = probability[:, np.isin(captions, ["a meal", "bread", "dessert", "fruit", "vegetables", "coffee", "wine"])]
    assert street.sum() > 5 * food.sum()
    assert sure_caption(label_pictures(np.full((1, 224, 224, 3), 128, np.uint8))[0]) == ""
