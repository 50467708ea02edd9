"""Effects do what a style's table says, with pedalboard and without it."""

import numpy as np
import pytest
from numpy.typing import NDArray
from shotscore_engine.styles import Effects, load_style
from shotscore_exporters import effects

RATE = 48_000


def tone(hertz: float, seconds: float = 1.0) -> NDArray[np.float32]:
    wave = 0.25 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)
    return np.stack([wave, wave], 1).astype(np.float32)


def level_db(sound: NDArray[np.float32]) -> float:
    middle = sound[len(sound) // 4 : -len(sound) // 4]
    return float(20 * np.log10(np.sqrt(np.mean(middle**2)) + 1e-12))


@pytest.fixture(params=["pedalboard", "without"])
def board(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "without":
        monkeypatch.setattr(effects, "pedalboard_module", lambda: None)
    return str(request.param)


@pytest.mark.usefixtures("board")
@pytest.mark.parametrize(
    ("settings", "hertz", "change_db"),
    [
        (Effects(low_pass_hz=1000, reverb=0), 100, 0),
        (Effects(low_pass_hz=1000, reverb=0), 8000, -36),
        (Effects(high_pass_hz=400, reverb=0), 4000, 0),
        (Effects(high_pass_hz=400, reverb=0), 50, -35),
        (Effects(gain_db=-6, reverb=0), 1000, -6),
    ],
)
def test_filters_and_gain(settings: Effects, hertz: float, change_db: float) -> None:
    before = tone(hertz)
    after = effects.apply(before, settings, load_style("strings"), RATE)
    assert after.shape == before.shape
    assert level_db(after) - level_db(before) == pytest.approx(change_db, abs=3)


def test_pan_keeps_the_power_and_width_the_middle() -> None:
    before = tone(440)
    style = load_style("strings")
    right = effects.apply(before, Effects(pan=1, reverb=0), style, RATE)
    assert np.abs(right[:, 0]).max() < 1e-6
    assert np.mean(right**2) == pytest.approx(np.mean(before**2), rel=1e-3)
    wide = np.stack([tone(440)[:, 0], tone(660)[:, 0]], 1)
    mono = effects.apply(wide, Effects(width=0, reverb=0), style, RATE)
    assert np.allclose(mono[:, 0], mono[:, 1])
    assert np.allclose(mono.mean(axis=1), wide.mean(axis=1), atol=1e-6)


def test_the_room_answers_late_and_dies_away() -> None:
    style = load_style("cinematic")
    strike = np.zeros((6 * RATE, 2), np.float32)
    strike[0] = 1
    wet = effects.room(strike, style, RATE)
    assert not np.abs(wet[: int(0.027 * RATE)]).max() > 1e-6
    assert np.sum(wet[:, 0].astype(float) ** 2) == pytest.approx(1, rel=0.02)
    first = np.sqrt(np.mean(wet[int(0.1 * RATE) : int(0.3 * RATE)] ** 2))
    end = int((style.reverb_seconds - 0.1) * RATE)
    last = np.sqrt(np.mean(wet[end - 2400 : end + 2400] ** 2))
    assert 20 * np.log10(last / first) < -45
    assert not wet[int((style.reverb_seconds + 0.1) * RATE) :].max() > 1e-6
    # Two ears hear two rooms.
    assert abs(np.corrcoef(wet[2000:40_000, 0], wet[2000:40_000, 1])[0, 1]) < 0.1


def test_effects_do_the_same_twice_and_nothing_to_silence() -> None:
    style = load_style("lo-fi")
    full = Effects(drive_db=6, chorus=0.4, compress_db=16, low_pass_hz=3000, pan=-0.3, reverb=0.3)
    sound = tone(330)
    assert (effects.apply(sound, full, style, RATE) == effects.apply(sound, full, style, RATE)).all()
    assert not effects.apply(np.zeros_like(sound), full, style, RATE).any()
