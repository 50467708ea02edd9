"""One decoding for everything: what the search for cuts sees on the way is what a look of its own would have seen."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from shotscore_engine import cache, dialogue, media
from shotscore_engine.analysis import analyse
from shotscore_engine.errors import Cancelled
from shotscore_engine.features import visual
from shotscore_engine.features.visual import chosen_pictures, frame_curves, watch
from shotscore_engine.features.watched import watched
from shotscore_engine.picture import AudioSpan, MediaSpan, Picture, Shot
from shotscore_engine.shots import detect_shots, media_cuts

RATE = Fraction(25)
CUTS = (40, 62, 90)
LENGTH = 130
FLASH, JUMP = 75, 110
"""Frames at which the light flares up, and at which something leaps in a still room."""
GROUNDS = ((190, 70, 60), (50, 90, 190), (60, 60, 60), (40, 50, 40))


def draw(frame: int) -> NDArray[np.uint8]:
    """Four scenes parted by `CUTS`; a flash in the third, a leap in the fourth."""
    scene = sum(frame >= cut for cut in CUTS)
    picture = np.full((90, 160, 3), GROUNDS[scene], np.float64)
    columns = np.arange(160)[None, :]
    if scene < 2:
        picture += (30 * np.sin((columns + 3 * frame) / (6 + 5 * scene)))[:, :, None]
    if scene == 2 and FLASH <= frame < FLASH + 4:
        picture += (44, 80, 60, 30)[frame - FLASH]
    if scene == 3:
        left = 10 if frame < JUMP else 90
        picture[30:60, left : left + 24] = (230, 220, 210)
    return picture.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pass") / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "16", "g": "60"})
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        for number in range(LENGTH):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(draw(number), format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SHOTSCORE_CACHE", str(tmp_path / "cache"))
    visual.forget()
    yield
    visual.forget()


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The media second of every frame FFmpeg gives, whoever asks for it."""
    seen: list[float] = []

    def counting(real: Any) -> Any:
        def frames(*arguments: Any) -> Iterator[Any]:
            for one in real(*arguments):
                seen.append(float(one[0]) if isinstance(one, tuple) else float(one.pts * one.time_base))
                yield one

        return frames

    monkeypatch.setattr(media, "_decoded", counting(media._decoded))
    monkeypatch.setattr(visual, "_decoded", counting(visual._decoded))
    return seen


def edit(path: Path, *clips: tuple[int, int, Fraction | int]) -> Picture:
    """Clips of (first frame of the film, timeline frames, speed), one after the other."""
    shots: list[Shot] = []
    at = 0
    for first, frames, speed in clips:
        shots.append(Shot(len(shots) + 1, at, frames, "clip", MediaSpan(path, False, first / RATE, Fraction(speed))))
        at += frames
    return Picture("edit", RATE, 0, False, at, tuple(shots))


EDITS = {
    "whole": ((0, LENGTH, 1),),
    "cut and moved": ((60, 65, 1), (0, 50, 1)),
    "fast, slow and backwards": ((0, 60, 2), (5, 100, Fraction(1, 2)), (125, 80, -1)),
    "short shots and a still": ((10, 8, 1), (20, 50, 1), (100, 30, 0), (70, 6, 1)),
    "the same moments twice": ((0, 100, 1), (30, 90, 1)),
}


@pytest.mark.parametrize("clips", EDITS.values(), ids=EDITS.keys())
@pytest.mark.parametrize("method", ["adaptive", "transnet"])
def test_looks_on_the_way_are_the_looks_of_their_own(
    film: Path, clips: Sequence[tuple[int, int, Fraction]], method: Any, decoded: list[float]
) -> None:
    picture = detect_shots(edit(film, *clips), method)
    before = len(decoded)
    on_the_way, _ = watch(picture, 0, picture.duration_frames)
    again = len(decoded) - before
    visual.forget()
    for kept in visual.cache_file("looks", visual.CACHE_VERSION, cache.fingerprint(film), ".npz").parent.iterdir():
        kept.unlink()
    alone, _ = watch(picture, 0, picture.duration_frames)
    assert len(on_the_way) == len(alone) >= len(clips)
    for one, other in zip(on_the_way, alone, strict=True):
        for name in ("seconds", "luma", "contrast", "saturation", "warmth", "motion", "flash", "labels"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    if all(abs(frames / speed) > 10 for _, frames, speed in clips if speed):
        assert again == 0, "the film was decoded a second time"


def test_every_used_frame_is_decoded_once(film: Path, decoded: list[float]) -> None:
    picture = detect_shots(edit(film, (0, 60, 1), (80, 50, 1)))
    watch(picture, 0, picture.duration_frames)
    assert len(decoded) == len(set(decoded)) == LENGTH  # what lies between two near clips is decoded through
    del decoded[:]
    visual.forget()  # as another process, an hour later
    once_more = detect_shots(edit(film, (0, 60, 1), (80, 50, 1)))
    assert once_more == picture
    watch(picture, 0, picture.duration_frames)
    assert decoded == []


def test_what_was_lost_is_looked_at_again(film: Path, decoded: list[float]) -> None:
    """Cuts that are kept without looks would leave peaks off their frames: the same film, another music."""
    picture = detect_shots(edit(film, (0, LENGTH, 1)))
    peaks = watched(picture, 0, LENGTH)
    visual.forget()
    for kept in (cache.cache_folder() / "looks").iterdir():
        kept.unlink()
    del decoded[:]
    once_more = watched(detect_shots(edit(film, (0, LENGTH, 1))), 0, LENGTH)
    assert (once_more.motion_peaks, once_more.flash_peaks) == (peaks.motion_peaks, peaks.flash_peaks)
    assert len(decoded) == LENGTH


def test_a_recut_film_decodes_what_is_new(film: Path, decoded: list[float]) -> None:
    detect_shots(edit(film, (0, 50, 1)))
    del decoded[:]
    detect_shots(edit(film, (0, 50, 1), (90, 40, 1)))
    assert min(decoded) >= 59 / float(RATE)  # from a key frame before the new clip on


def test_cuts_are_pyscenedetects_own(film: Path, real_videos: dict[str, Path]) -> None:
    """PySceneDetect opens, decodes and shrinks each film its own way; the cuts are the same."""
    from scenedetect import AdaptiveDetector, detect

    for path in (film, *real_videos.values()):
        info = media.probe(path)
        assert info.rate is not None
        shortest = max(1, round(Fraction(3, 10) * info.rate))
        scenes = detect(str(path), AdaptiveDetector(min_scene_len=shortest))
        found = media_cuts(path, Fraction(0), info.duration)
        assert [round(cut.seconds * info.rate) for cut in found] == [start.frame_num for start, _ in scenes[1:]]


def test_without_a_cache_nothing_is_kept(film: Path, monkeypatch: pytest.MonkeyPatch, decoded: list[float]) -> None:
    monkeypatch.setenv("SHOTSCORE_CACHE", "off")
    monkeypatch.setenv("XDG_CACHE_HOME", str(film.parent / "home"))
    monkeypatch.chdir(film.parent)
    first = detect_shots(edit(film, (0, LENGTH, 1)))
    count = len(decoded)
    visual.forget()
    assert detect_shots(edit(film, (0, LENGTH, 1))) == first
    assert len(decoded) == 2 * count
    assert not (film.parent / "home").exists()
    assert not (film.parent / "off").exists()


@pytest.mark.parametrize("damage", ["{", "[]", '{"cuts 1 adaptive": {"0 x": 3, "0 26/5": "no"}}', "\0" * 100])
def test_a_damaged_cache_is_no_cache(film: Path, damage: str) -> None:
    picture = edit(film, (0, LENGTH, 1))
    found = detect_shots(picture)
    kept = list((cache.cache_folder() / "facts").iterdir())
    assert len(kept) == 1
    kept[0].write_text(damage)
    visual.forget()
    assert detect_shots(picture) == found


def test_facts_are_bounded_and_belong_to_one_state_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"1")
    of = cache.fingerprint(path)
    for number in range(cache.FACTS_AT_MOST + 5):
        cache.keep(of, f"fact {number}", number)
    assert cache.recall(of, "fact 4") is None
    assert cache.recall(of, "fact 5") == 5
    path.write_bytes(b"22")
    assert cache.recall(cache.fingerprint(path), "fact 9") is None
    nowhere = cache.fingerprint(tmp_path / "a.%04d.png")
    cache.keep(nowhere, "fact", 1)
    assert cache.recall(nowhere, "fact") is None
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}").write_bytes(b"")
    cache.trim(folder, 4)
    assert len(list(folder.iterdir())) == 4


def test_peaks_stand_on_their_frames(film: Path) -> None:
    picture = detect_shots(edit(film, (0, LENGTH, 1)))
    assert [shot.start_frame for shot in picture.shots] == [0, *CUTS]
    seen = watched(picture, 0, LENGTH)
    assert [frame for frame, strength in seen.flash_peaks if strength >= 0.5] == [FLASH]
    assert [frame for frame, strength in seen.motion_peaks if strength >= 0.5 and frame > CUTS[2]] == [JUMP]
    assert not [frame for frame, strength in seen.motion_peaks if strength >= 0.5 and frame < CUTS[1]]
    assert (np.diff(seen.frames) >= 0).all()
    assert len(seen.looks) == len(picture.shots)
    assert watched(picture, 0, FLASH).flash_peaks == ()


@pytest.mark.parametrize("speed", [Fraction(-1), Fraction(1, 2), Fraction(2)])
def test_peaks_follow_the_clips_speed(film: Path, speed: Fraction) -> None:
    first = 92 if speed > 0 else 128
    count = 36 if abs(speed) == 1 else int(36 / speed)
    picture = detect_shots(edit(film, (first, count, speed)))
    assert len(picture.shots) == 1
    peaks = [frame for frame, strength in watched(picture, 0, count).motion_peaks if strength >= 0.4]
    expected = (JUMP - first) / speed if speed > 0 else first - JUMP + 1
    assert [abs(frame - expected) <= 1 for frame in peaks] == [True]


def test_curves_know_every_frame_or_say_so(film: Path) -> None:
    picture = edit(film, (0, LENGTH, 1), (100, 20, 0))
    assert frame_curves(picture.shots[0], RATE) is None  # nobody has looked
    detect_shots(picture)
    curves = frame_curves(picture.shots[0], RATE)
    assert curves is not None
    assert frame_curves(picture.shots[1], RATE) is None
    light = np.array([draw(frame) @ [0.299, 0.587, 0.114] for frame in range(LENGTH)]).mean(axis=(1, 2)) / 255
    np.testing.assert_allclose(curves.luma, light, atol=0.02)
    assert np.isnan(curves.change[0])
    assert curves.change[[*CUTS[1:], FLASH, JUMP]].min() > 5 * np.median(curves.change[CUTS[1] :])


@given(st.integers(0, 100_000), st.integers(1, 4000), st.data())
def test_few_pictures_need_be_kept_while_a_shot_runs(start: int, count: int, data: st.DataObject) -> None:
    """Whatever the shot's length turns out to be, what is labelled was among the few that were kept."""
    whole = range(start, start + count)
    chosen = chosen_pictures(whole)
    assert 1 <= len(chosen) <= 3
    assert set(chosen) <= set(whole)
    part = visual._Part(Shot(1, 0, 1, "", None), Fraction(start, 6), Fraction(start + count, 6))
    longer = visual._Part(part.shot, part.low, part.high + data.draw(st.integers(0, 600)))
    for index in whole:
        if longer.wants(index):
            longer.keep(index, np.zeros(1, np.uint8))
        assert len(longer.pictures) <= visual.KEPT_PICTURES
    assert set(chosen) <= set(longer.pictures)


def test_sound_is_heard_beside_the_picture(film: Path, real_videos: dict[str, Path]) -> None:
    bunny = real_videos["bunny"]
    sound = AudioSpan("A1", 0, 100, "bunny", MediaSpan(bunny, False, Fraction(0)))
    gone = AudioSpan("A2", 0, 100, "gone", MediaSpan(film.with_name("gone.wav"), False, Fraction(0)))
    picture = edit(film, (0, LENGTH, 1))
    picture = Picture(**{**vars(picture), "audio": (sound, gone), "warnings": ("before",)})
    both = analyse(picture)
    assert both.shots == detect_shots(picture).shots
    assert both.dialogue == dialogue.find_dialogue(picture).dialogue
    assert both.warnings[0] == "before"
    assert [("gone.wav" in sentence) for sentence in both.warnings[1:]] == [True]

    def stop(_stage: str, _done: float) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled, match="enough"):
        analyse(edit(film, (0, 90, 1)), progress=stop)


def test_speech_is_kept(real_videos: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    sound = AudioSpan("A1", 0, 100, "bunny", MediaSpan(real_videos["bunny"], False, Fraction(0)))
    picture = Picture("sound", RATE, 0, False, 100, (Shot(1, 0, 100, "black", None),), audio=(sound,))
    first = dialogue.find_dialogue(picture)

    def silent(*_: Any) -> Any:
        raise AssertionError("listened again")

    monkeypatch.setattr(dialogue, "audio_between", silent)
    assert dialogue.find_dialogue(picture) == first


def test_hundreds_of_shots_of_one_film(film: Path) -> None:
    """Every shot asks only for the cuts it may show, and a look is given to all shots that show it."""
    clips = [(first % 100, 20, 1) for first in range(600)]
    picture = detect_shots(edit(film, *clips))
    held = [first for first, _, _ in clips if any(first + 5 <= cut <= first + 15 for cut in CUTS)]
    assert len(picture.shots) == len(clips) + len(held)
    looks, _ = watch(picture, 0, picture.duration_frames)
    assert all(look is not None and look.labels is not None for look in looks)
