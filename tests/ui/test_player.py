"""The player's clock beside a sound device."""

import struct
from fractions import Fraction
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from shotscore_ui import player as module
from shotscore_ui.player import Player


class Device:
    """A sound device, as far as the clock reads it: it has played `heard` microseconds."""

    heard = 0
    stopped = False

    def processedUSecs(self) -> int:  # noqa: N802  # as Qt calls it
        return self.heard

    def bytesFree(self) -> int:  # noqa: N802
        return 0

    def reset(self) -> None:
        self.stopped = True

    def deleteLater(self) -> None:  # noqa: N802
        pass


@pytest.fixture
def player(qtbot: QtBot) -> Player:
    """Eight seconds of timeline; no music, so that no device of this machine is opened."""
    made = Player()
    qtbot.addWidget(made)
    made.set_timeline(Fraction(25), 200, 0, False)
    return made


def playing_with(player: Player, device: Device) -> None:
    """Plays through `device`; time passes by `_tick` alone."""
    player.play()
    player._timer.stop()
    player._sink = device  # type: ignore[assignment]


def test_the_playhead_waits_for_a_slow_device_and_follows_it(player: Player, qtbot: QtBot) -> None:
    player.seek(50)
    device = Device()
    playing_with(player, device)
    player._origin = 96_000  # frame 50, in samples
    qtbot.wait(60)
    player._tick()
    assert player.frame == 50
    for heard, frame in ((40_000, 51), (1_000_000, 75)):
        device.heard = heard
        player._tick()
        assert player.frame == frame


def test_a_device_that_never_plays_is_told_and_left(
    player: Player, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_DEVICE_MS", 20)
    device = Device()
    playing_with(player, device)
    qtbot.wait(60)
    with qtbot.waitSignal(player.told) as told:
        player._tick()
    assert "does not answer" in told.args[0]
    assert device.stopped
    qtbot.wait(100)
    player._tick()
    assert player.playing
    assert player.frame >= 1


def test_keys_of_the_transport(player: Player) -> None:
    player.seek(100)
    for act, speed in (
        (player.forwards, 1),
        (player.forwards, 2),
        (player.backwards, -1),
        (player.backwards, -2),
        (player.pause, 0),
        (player.toggle, 1),
        (player.toggle, 0),
    ):
        act()
        assert player.speed == speed
        assert player.playing == (speed != 0)
    player.seek(1 << 60)
    assert player.frame == 199
    player.set_selection((20, 30))
    player.loop_button.click()
    player.play()
    player._tick()
    assert player.frame == 20


def test_a_film_that_is_no_film_leaves_the_transport(player: Player, qtbot: QtBot, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(struct.pack(">I4s", 8, b"free") * 4)
    with qtbot.waitSignal(player.media.errorOccurred, timeout=60_000):
        player.set_film(broken)
    player.play()
    assert player.playing
