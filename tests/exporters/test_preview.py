"""Preview: copied where the timeline is one file, drawn where it is cut; picture, sound and music at their moments."""

import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from shotscore_engine.picture import AudioSpan, MediaSpan, Picture, Shot
from shotscore_exporters import preview
from shotscore_exporters.placement import StemClip

RATE = Fraction(25)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds: black, then white from frame 25; a tone throughout."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 36, "yuv420p"
        sound = container.add_stream("aac", rate=48_000, layout="stereo")
        for index in range(50):
            level = 255 if index >= 25 else 0
            container.mux(video.encode(av.VideoFrame.from_ndarray(np.full((36, 64, 3), level, np.uint8), "rgb24")))
        container.mux(video.encode(None))
        tone = (0.1 * np.sin(2 * np.pi * 440 * np.arange(96_000) / 48_000)).astype(np.float32)
        for start in range(0, 96_000, 1024):
            part = np.ascontiguousarray(np.stack([tone[start : start + 1024]] * 2))
            frame = av.AudioFrame.from_ndarray(part, "fltp", "stereo")
            frame.sample_rate, frame.pts = 48_000, start
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path


@pytest.fixture(scope="module")
def mix(tmp_path_factory: pytest.TempPathFactory) -> StemClip:
    """Half a second of noise from frame 20."""
    path = tmp_path_factory.mktemp("mix") / "1m01_mix.wav"
    noise = np.random.default_rng(3).integers(-8000, 8000, (24_000, 2)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 48_000, 0, "NONE", ""))
        file.writeframes(noise.tobytes())
    return StemClip("1m01", "mix", path, 20, 12, 48_000, 24_000)


def watch(path: Path) -> tuple[list[float], np.ndarray, str]:
    """Mean brightness of every frame, the sound's left channel, the video codec."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        light = [float(frame.to_ndarray(format="gray").mean()) for frame in container.decode(video=0)]
        codec = video.codec_context.name
    with av.open(str(path)) as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)[0]
    return light, sound, codec


def test_one_file_is_copied_with_the_music_at_its_frame(film: Path, mix: StemClip, tmp_path: Path) -> None:
    media = MediaSpan(film, False, Fraction(0))
    picture = Picture(
        "Film", RATE, 0, False, 50, (Shot(1, 0, 50, "A", media),), audio=(AudioSpan("A1", 0, 50, "A", media),)
    )
    path = tmp_path / "preview.mp4"
    assert preview.write(picture, [mix], path) is True
    light, sound, _ = watch(path)
    assert len(light) == 50
    assert light[24] < 20 < 200 < light[25]
    loud = np.sqrt(np.mean(sound[: 48_000 * 2 // 1920 * 1920].reshape(-1, 1920) ** 2, axis=1))
    assert loud[:18] == pytest.approx(0.07, abs=0.02)
    assert (loud[22:31] > 0.1).all()


def test_a_cut_timeline_is_drawn(film: Path, tmp_path: Path) -> None:
    shots = (
        Shot(1, 0, 10, "white", MediaSpan(film, False, Fraction(30, 25))),
        Shot(2, 10, 5, "gap", None),
        Shot(3, 15, 20, "fast", MediaSpan(film, False, Fraction(15, 25), Fraction(2))),
        Shot(4, 35, 5, "missing", MediaSpan(film.with_name("gone.mp4"), True, Fraction(0))),
    )
    path = tmp_path / "preview.mp4"
    assert preview.write(Picture("Film", RATE, 0, False, 40, shots), [], path) is False
    light, sound, codec = watch(path)
    bright = [value > 128 for value in light]
    # At double speed the white of frame 25 comes after five frames.
    assert bright == [True] * 10 + [False] * 5 + [False] * 5 + [True] * 15 + [False] * 5
    assert codec == "h264"
    assert np.abs(sound).max() < 1e-3
