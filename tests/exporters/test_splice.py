"""A few bars made anew inside rendered files: identical outside, changed inside, and as a whole render has it."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from shotscore_engine.perform import Score, perform
from shotscore_engine.roll import Roll
from shotscore_engine.styles import load_style
from shotscore_engine.tempo import BeatGrid
from shotscore_exporters import audio, bwf, splice
from shotscore_exporters.placement import Placement

BARS = 20
CHANGED = (7, 9)
"""Bars, the last excluded."""
PLACE = Placement(Fraction(25), 90_000, False, 0, 25 * 40, "Film")


def played(style: str, seed: int) -> Score:
    """40 seconds at 120 a minute; the bars CHANGED hang on `seed`, the others do not."""
    steps = BARS * 16
    onset = np.zeros((3, steps, 128), bool)
    sustain, velocity = onset.copy(), np.zeros((3, steps, 128), np.uint8)
    for bar in range(BARS):
        rng = np.random.default_rng(bar if not CHANGED[0] <= bar < CHANGED[1] else 100 + seed)
        for part, (base, every) in enumerate(((72, 4), (64, 8), (45, 2))):
            for step in range(16 * bar, 16 * bar + 16, every):
                pitch = base + int(rng.choice((0, 2, 4, 7, 9, 12)))
                onset[part, step, pitch], velocity[part, step, pitch] = True, 60 + int(rng.integers(30))
                sustain[part, step + 1 : step + every, pitch] = True
    grid = BeatGrid(tuple(Fraction(beat, 2) for beat in range(BARS * 4 + 1)), (4, 4))
    return perform(
        Roll(onset, sustain, velocity),
        grid,
        style=load_style(style),
        key="C major",
        title="1m01",
        duration=PLACE.duration,
        seed=5,
    )


def sound(path: Path) -> NDArray[np.float32]:
    head = bwf.read_head(path)
    assert head is not None
    return bwf.read_pcm(path, head, 0, head.samples)


@pytest.mark.parametrize(("style", "player"), [("cinematic", "fluidsynth"), ("lo-fi", "sampler")])
def test_bars_made_anew_change_themselves_alone(
    style: str, player: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if player == "sampler":
        # As on a machine with neither FluidSynth nor pedalboard.
        monkeypatch.setattr("shotscore_exporters.effects.pedalboard_module", lambda: None)
    settings = audio.AudioSettings(player=player)  # type: ignore[arg-type]
    first, second = played(style, 1), played(style, 2)
    whole = audio.write(first, PLACE, tmp_path / "first", settings)
    level = splice.level_in(first, PLACE, tmp_path / "first", settings)
    assert level == whole.rendered.level  # type: ignore[union-attr]
    made = splice.splice(second, first, PLACE, tmp_path / "first", tmp_path / "spliced", settings)
    assert made is not None
    assert made.anew is not None
    ((start, end),) = made.anew
    changed_from, changed_to = (bar * 2 * 48_000 for bar in CHANGED)
    # From the first note that is played otherwise (a pad may be held into the bars) until its room has fallen silent.
    events = [[audio.events_of(stem, 48_000) for stem in score.stems] for score in (first, second)]
    played_otherwise = min(event[0] for one, two in zip(*events, strict=True) for event in (one - two) + (two - one))
    assert changed_from - 4 * 96_000 < played_otherwise
    assert played_otherwise - 64 <= start <= changed_from + 6000
    assert changed_to < end < changed_to + 14 * 48_000
    wanted = audio.write(second, PLACE, tmp_path / "second", settings, level=level)
    for clip in (*made.stems, made.mix):
        name = clip.path.relative_to(tmp_path / "spliced")
        before, after, full = (sound(tmp_path / folder / name) for folder in ("first", "spliced", "second"))
        assert (before[:start] == after[:start]).all()
        assert (before[end:] == after[end:]).all()
        assert 20 * np.log10(max(np.abs(after - full).max(), 1e-12)) < -80
        apart, level_rms = (float(np.sqrt(np.mean(s.astype(float) ** 2))) for s in (after - full, full))
        assert apart <= level_rms * 10 ** (-60 / 20)
    mixes = [sound(tmp_path / folder / "1m01_mix.wav")[changed_from:changed_to] for folder in ("first", "spliced")]
    assert np.abs(mixes[0] - mixes[1]).max() > 0.01
    # The files say what they hold, as those of a whole render would.
    for clip, other in zip((*made.stems, made.mix), (*wanted.stems, wanted.mix), strict=True):
        heads = [bwf.read_head(path) for path in (clip.path, other.path)]
        assert heads[0] == heads[1]
    assert made.loudness.integrated_lufs == pytest.approx(wanted.loudness.integrated_lufs, abs=0.01)
    # And back again.
    again = splice.splice(first, second, PLACE, tmp_path / "spliced", tmp_path / "back", settings)
    assert again is not None
    assert np.abs(sound(again.mix.path) - sound(whole.mix.path)).max() < 1e-4


def test_nothing_changed_is_nothing_rendered(tmp_path: Path) -> None:
    score = played("solo-piano", 1)
    whole = audio.write(score, PLACE, tmp_path / "first")
    same = splice.splice(score, score, PLACE, tmp_path / "first", tmp_path / "again")
    assert same is not None
    assert same.anew == ()
    for clip, other in zip((*whole.stems, whole.mix), (*same.stems, same.mix), strict=True):
        assert clip.path.read_bytes() == other.path.read_bytes()


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    """No splice into files that hold other notes, another level of loudness, another length, or that are gone."""
    first, second = played("solo-piano", 1), played("solo-piano", 2)
    whole = audio.write(first, PLACE, tmp_path / "first")

    def tried(**values: object) -> object:
        arguments = {"before": first, "placement": PLACE, "settings": audio.AudioSettings(), **values}
        return splice.splice(
            second,
            arguments["before"],
            arguments["placement"],
            tmp_path / "first",
            tmp_path / "new",
            arguments["settings"],
        )  # type: ignore[arg-type]

    assert tried(before=second) is None
    assert tried(settings=audio.AudioSettings(loudness_lufs=-14)) is None
    assert tried(settings=audio.AudioSettings(sample_rate=44_100)) is None
    assert tried(placement=replace(PLACE, duration_frames=900)) is None
    data = whole.stems[0].path.read_bytes()
    whole.stems[0].path.write_bytes(data[:-100])
    assert tried() is None
    whole.stems[0].path.write_bytes(data.replace(b"<USER>shotscore ", b"<USER>somebody  "))
    assert tried() is None
    assert not (tmp_path / "new").exists()
