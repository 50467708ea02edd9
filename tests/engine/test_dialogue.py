"""Dialogue is found where a voice is, through offsets and speeds."""

import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter
from shotscore_engine.dialogue import SAMPLE_RATE, find_dialogue, speech_chances
from shotscore_engine.media import audio_between
from shotscore_engine.picture import Picture, flatten

_VOWELS = ((700, 1220, 2600), (300, 870, 2240), (270, 2290, 3010), (530, 1840, 2480), (570, 840, 2410))


def voice(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """A synthetic voice at 16 kHz: pulses of a moving pitch through the formants of vowels, with consonants."""
    random = np.random.default_rng(seed)
    count = int(seconds * SAMPLE_RATE)
    out = np.zeros(count)
    at = 0
    while at < count:
        length = min(int(SAMPLE_RATE * random.uniform(0.12, 0.25)), count - at)
        time = np.arange(length) / SAMPLE_RATE
        pitch = 120 * (1 + 0.15 * np.sin(2 * np.pi * random.uniform(1, 3) * time)) * random.uniform(0.85, 1.2)
        pulses = (np.diff(np.floor(np.cumsum(pitch) / SAMPLE_RATE), prepend=0) > 0).astype(float)
        sound = lfilter([1], [1, -0.95], pulses) + random.normal(0, 0.003, length)
        for formant, width in zip(_VOWELS[random.integers(5)], (80, 100, 140), strict=True):
            radius = np.exp(-np.pi * width / SAMPLE_RATE)
            angle = 2 * np.pi * formant / SAMPLE_RATE
            sound = lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius * radius], sound)
        sound = sound / np.abs(sound).max() * np.hanning(length) ** 0.4
        hiss = min(length // 3, int(0.05 * SAMPLE_RATE))
        if hiss and random.random() < 0.6:
            sound[:hiss] = random.normal(0, 0.15, hiss) * np.hanning(hiss)
        out[at : at + length] = sound * 0.4
        at += length + int(SAMPLE_RATE * random.uniform(0, 0.06))
    return out.astype(np.float32)


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(int(seconds * SAMPLE_RATE), np.float32)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3 s of silence, 2 s of voice, 3 s of silence, as WAV at 48 kHz."""
    samples = np.concatenate([silence(3), voice(2), silence(3)]).repeat(3)
    path = tmp_path_factory.mktemp("sound") / "voice.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes((samples * 32_000).astype("<i2").tobytes())
    return path


def edit(sound: Path, record: int, start: float, duration: int, speed: float = 1.0) -> Picture:
    """A picture of 240 frames at 24 with the sound at frame `record`, from its second `start` on."""

    def span(first: float, length: float) -> otio.opentime.TimeRange:
        return otio.opentime.TimeRange(otio.opentime.RationalTime(first, 24), otio.opentime.RationalTime(length, 24))

    clip = otio.schema.Clip(
        "voice", otio.schema.ExternalReference(sound.as_uri(), span(0, 192)), span(start * 24, duration)
    )
    if speed != 1:
        clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=speed))
    made = otio.schema.Timeline("edit")
    shown = otio.schema.Clip("picture", otio.schema.MissingReference(), span(0, 240))
    made.tracks.append(otio.schema.Track(kind="Video", children=[shown]))
    made.tracks.append(otio.schema.Track(kind="Audio", children=[otio.schema.Gap(source_range=span(0, record)), clip]))
    return flatten(made)


@pytest.mark.parametrize(
    ("record", "start", "duration", "speed", "expected"),
    [
        (0, 0, 192, 1.0, (72, 120)),
        (20, 1, 168, 1.0, (68, 116)),
        (10, 4, 60, 1.0, (10, 34)),
        (0, 0, 96, 2.0, (36, 60)),
        (0, 0, 192, -1.0, (72, 120)),
    ],
)
def test_dialogue_is_found_on_its_frames(
    sound: Path, record: int, start: float, duration: int, speed: float, expected: tuple[int, int]
) -> None:
    regions = find_dialogue(edit(sound, record, start, duration, speed)).dialogue
    assert len(regions) == 1
    assert abs(regions[0][0] - expected[0]) <= 6
    assert abs(regions[0][1] - expected[1]) <= 6
    assert record <= regions[0][0] < regions[0][1] <= record + duration


def test_noise_and_tones_are_no_speech() -> None:
    random = np.random.default_rng(0)
    tone = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE)
    for samples in (random.normal(0, 0.1, 2 * SAMPLE_RATE), tone, silence(2)):
        assert max(speech_chances([samples.astype(np.float32)])) < 0.35


def test_sound_that_cannot_be_heard_is_said(tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"no sound" * 50)
    picture = find_dialogue(edit(broken, 0, 0, 100))
    assert picture.dialogue == ()
    assert any("broken.wav" in sentence for sentence in picture.warnings)


def test_audio_is_cut_to_the_sample(sound: Path) -> None:
    whole = np.concatenate(list(audio_between(sound, Fraction(0), Fraction(8), SAMPLE_RATE)))
    part = np.concatenate(list(audio_between(sound, Fraction(7, 2), Fraction(9), SAMPLE_RATE)))
    assert len(whole) == 8 * SAMPLE_RATE
    assert len(part) == 11 * SAMPLE_RATE // 2
    assert np.abs(part[200 : SAMPLE_RATE - 200] - whole[7 * SAMPLE_RATE // 2 :][200 : SAMPLE_RATE - 200]).max() < 0.02
    assert not part[-SAMPLE_RATE:].any()
