"""Our own SoundFont player: right notes from the font every installation has, and the sound of FluidSynth's."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shotscore_engine.errors import InputError
from shotscore_engine.perform import EXPRESSION, SUSTAIN_PEDAL, Control, Note, Stem
from shotscore_engine.styles import load_style, style_names
from shotscore_exporters import fontfile, sampler, soundfont, struck, synth

RATE = 48_000
A4 = 69
STEMS = [stem for name in style_names() for stem in load_style(name).stems]
PROGRAMS = sorted({stem.program for stem in STEMS if stem.take != "drums"})
KITS = sorted({stem.program for stem in STEMS if stem.take == "drums"})


def bundled() -> Path:
    path = soundfont.bundled_soundfont()
    assert path is not None
    return path


@pytest.fixture(scope="module")
def font() -> fontfile.SoundFont:
    return fontfile.read_soundfont(bundled())


def line(
    program: int, keys: Sequence[int] = (A4,), seconds: float = 1, controls: Sequence[tuple[float, int, int]] = (),
    is_drum: bool = False, velocity: int = 100, apart: float = 0,
) -> Stem:  # fmt: skip
    notes = tuple(Note(Fraction(index * apart), Fraction(seconds), key, velocity) for index, key in enumerate(keys))
    moved = tuple(Control(Fraction(time), number, value) for time, number, value in controls)
    return Stem("line", program, is_drum, notes, (), moved)


def play(stem: Stem, font: fontfile.SoundFont, rate: int, samples: int) -> NDArray[np.float32]:
    zones = font.program(128 if stem.is_drum else 0, stem.program)
    return struck.play(stem, struck.Keyboard(zones), sampler.Sampler(font, zones, rate), rate, samples)


def level_db(sound: NDArray[np.float32]) -> float:
    return 10 * float(np.log10(np.mean(sound.astype(np.float64) ** 2) + 1e-18))


def ends(sound: NDArray[np.float32]) -> float:
    """Seconds until the sound has died away."""
    heard = np.flatnonzero(np.abs(sound).max(axis=1) > 1e-4)
    return float(heard[-1] + 1) / RATE if len(heard) else 0.0


def pitch(sound: NDArray[np.float32], hertz: float) -> tuple[float, float]:
    """Cents from `hertz` at the harmonic that has most of the sound, and the share of sound near harmonics."""
    mono = sound.sum(axis=1)[4800 : 4800 + RATE]
    power = np.abs(np.fft.rfft(mono * np.hanning(len(mono)), 4 * len(mono))) ** 2
    frequencies = np.fft.rfftfreq(4 * len(mono), 1 / RATE)
    audible = (frequencies > 60) & (frequencies < 15_000)
    near, found = 0.0, []
    for harmonic in range(1, 30):
        span = np.abs(frequencies / (harmonic * hertz) - 1) < 0.03
        energy = float(power[span].sum())
        near += energy
        centre = float((frequencies[span] * power[span]).sum()) / max(energy, 1e-30)
        found.append((energy, 1200 * float(np.log2(centre / (harmonic * hertz)))))
    return max(found)[1], near / float(power[audible].sum())


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_of_the_styles_plays_a4(font: fontfile.SoundFont, program: int) -> None:
    sound = play(line(program, seconds=1.5), font, RATE, 2 * RATE)
    cents, share = pitch(sound, 440)
    assert abs(cents) < 10
    assert share > 0.8


@pytest.mark.parametrize("path", [bundled(), soundfont.find_soundfont()], ids=lambda path: path.name)
@pytest.mark.parametrize("program", PROGRAMS)
def test_it_sounds_like_fluidsynth(path: Path, program: int) -> None:
    stem = line(program, (57, 64), seconds=0.8, apart=0.4)
    ours = play(stem, fontfile.read_soundfont(path), RATE, 2 * RATE)
    theirs = synth.play(stem, path, RATE, 2 * RATE, "fluidsynth")
    # Voices a few cents apart beat, and where in the beat a note begins is chance: hence decibels, not tenths.
    assert level_db(ours) == pytest.approx(level_db(theirs), abs=3)
    for side in (0, 1):
        assert level_db(ours[:, side]) == pytest.approx(level_db(theirs[:, side]), abs=6)
    assert ends(ours) == pytest.approx(ends(theirs), abs=0.15)


@pytest.mark.parametrize("path", [bundled(), soundfont.find_soundfont()], ids=lambda path: path.name)
@pytest.mark.parametrize("program", KITS)
def test_drums_sound_like_fluidsynths(path: Path, program: int) -> None:
    stem = line(program, (36, 38, 42, 46), seconds=0.2, apart=0.5, is_drum=True)
    ours = play(stem, fontfile.read_soundfont(path), RATE, 2 * RATE)
    theirs = synth.play(stem, path, RATE, 2 * RATE, "fluidsynth")
    for stroke in range(4):
        span = slice(stroke * RATE // 2, stroke * RATE // 2 + RATE // 5)
        assert level_db(ours[span]) == pytest.approx(level_db(theirs[span]), abs=2)


def test_velocity_and_expression_are_as_loud_as_fluidsynths(font: fontfile.SoundFont) -> None:
    for velocity, expression in ((30, 127), (100, 40), (127, 127)):
        stem = line(89, velocity=velocity, controls=[(0, EXPRESSION, expression)])
        ours = play(stem, font, RATE, RATE)
        theirs = synth.play(stem, font.path, RATE, RATE, "fluidsynth")
        assert level_db(ours) == pytest.approx(level_db(theirs), abs=0.5)


def test_a_released_note_dies_away_and_a_longer_one_is_longer(font: fontfile.SoundFont) -> None:
    short, long = (ends(play(line(40, seconds=s), font, RATE, 4 * RATE)) for s in (0.5, 2))
    assert 0.5 < short < 1
    assert long == pytest.approx(short + 1.5, abs=0.05)


def test_the_pedal_holds_until_it_is_up(font: fontfile.SoundFont) -> None:
    held = line(40, seconds=0.5, controls=[(0.2, SUSTAIN_PEDAL, 127), (2, SUSTAIN_PEDAL, 0)])
    assert ends(play(held, font, RATE, 4 * RATE)) == pytest.approx(
        ends(play(line(40, seconds=2), font, RATE, 4 * RATE)), abs=0.01
    )
    late = line(40, seconds=0.5, controls=[(0.6, SUSTAIN_PEDAL, 127)])
    assert ends(play(late, font, RATE, 4 * RATE)) < 1


def test_a_closed_hi_hat_cuts_the_open_one(font: fontfile.SoundFont) -> None:
    alone = play(line(0, (46,), 0.1, is_drum=True), font, RATE, RATE)
    cut = play(line(0, (46, 42), 0.1, is_drum=True, apart=0.1), font, RATE, RATE)
    quiet = slice(RATE // 2, None)
    assert level_db(cut[quiet]) < level_db(alone[quiet]) - 10


@pytest.mark.parametrize("program", [38, 40, 48, 60, 71, 89])
def test_loops_do_not_click(font: fontfile.SoundFont, program: int) -> None:
    sound = play(line(program, seconds=3), font, RATE, 3 * RATE)[RATE // 2 :]
    jumps = np.abs(np.diff(sound, axis=0)).max(axis=1)
    # Loops turn many times a second: a click would stand out from what the wave itself does.
    assert jumps.max() < 2.5 * np.percentile(jumps, 99.5)
    assert jumps.max() < np.abs(sound).max()


def test_expression_moves_without_steps(font: fontfile.SoundFont) -> None:
    still = play(line(89, seconds=2), font, RATE, 2 * RATE)
    moved = play(line(89, seconds=2, controls=[(1, EXPRESSION, 0)]), font, RATE, 2 * RATE)
    assert np.array_equal(still[: RATE - 480], moved[: RATE - 480])
    assert not moved[RATE + 480 :].any()
    assert np.abs(np.diff(moved, axis=0)).max() < 1.5 * np.abs(np.diff(still, axis=0)).max()


def test_the_same_line_gives_the_same_samples(font: fontfile.SoundFont) -> None:
    stem = line(0, (60, 64, 67), seconds=0.5, apart=0.1)
    first = play(stem, font, RATE, RATE)
    assert np.array_equal(first, play(stem, fontfile.read_soundfont(font.path), RATE, RATE))
    assert (first.shape, first.dtype) == ((RATE, 2), np.float32)


def test_sounds_are_cut_at_the_end_and_empty_lines_are_silent(font: fontfile.SoundFont) -> None:
    assert play(line(0, (60, 62), seconds=5, apart=3), font, RATE, 100).shape == (100, 2)
    assert not play(line(0, ()), font, RATE, 100).any()


def small_font() -> bytes:
    """One preset of one looped sine at 48 kHz, 200 samples a period: 240 Hz at key 60."""
    wave = (np.sin(np.arange(1000) * 2 * np.pi / 200) * 20_000).astype("<i2")
    records: dict[str, list[tuple[object, ...]]] = {
        "phdr": [(b"One", 0, 0, 0, [0] * 3), (b"EOP", 0, 0, 1, [0] * 3)],
        "pbag": [(0, 0), (1, 0)],
        "pmod": [(0, 0, 0, 0, 0)],
        "pgen": [(fontfile.Gen.INSTRUMENT, 0), (0, 0)],
        "inst": [(b"One", 0), (b"EOI", 1)],
        "ibag": [(0, 0), (2, 0)],
        "imod": [(0, 0, 0, 0, 0)],
        "igen": [(fontfile.Gen.MODE, 1), (fontfile.Gen.SAMPLE, 0), (0, 0)],
        "shdr": [(b"Sine", 0, 1000, 200, 800, RATE, 60, 0, 0, 1), (b"EOS", *[0] * 9)],
    }

    def chunk(name: bytes, body: bytes) -> bytes:
        return name + len(body).to_bytes(4, "little") + body

    tables = (chunk(name.encode(), np.array(rows, fontfile.RECORDS[name]).tobytes()) for name, rows in records.items())
    lists = chunk(b"LIST", b"sdta" + chunk(b"smpl", wave.tobytes())) + chunk(b"LIST", b"pdta" + b"".join(tables))
    return chunk(b"RIFF", b"sfbk" + lists)


def test_a_font_of_one_sine(tmp_path: Path) -> None:
    path = tmp_path / "sine.sf2"
    path.write_bytes(small_font())
    font = fontfile.read_soundfont(path)
    assert font.presets() == ((0, 0),)
    for key in (48, 60, 67):
        cents, share = pitch(play(line(5, (key,), seconds=1.5), font, RATE, 2 * RATE), 240 * 2 ** ((key - 60) / 12))
        assert abs(cents) < 0.5
        assert share > 0.999
    assert not play(line(0, (38,), is_drum=True), font, RATE, RATE).any()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12),
    kept=st.floats(0, 1),
)
def test_damage_is_refused_or_played_but_never_a_crash(
    tmp_path: Path, changes: list[tuple[float, int]], kept: float
) -> None:
    whole = small_font()
    # The samples take most of the file and any of their bytes is a sound; the damage belongs in the tables.
    start = whole.index(b"pdta") - 12
    damaged = bytearray(whole[: 40 if kept < 0.02 else len(whole) if kept > 0.3 else int(len(whole) * kept * 3)])
    for place, value in changes:
        at = start + int(place * (len(whole) - start))
        if at < len(damaged):
            damaged[at] = value
    path = tmp_path / "damaged.sf2"
    path.write_bytes(damaged)
    try:
        sound = play(line(0, (60, 72), seconds=0.1), fontfile.read_soundfont(path), RATE, 9600)
    except InputError:
        return
    assert sound.shape == (9600, 2)
    assert np.isfinite(sound).all()


@pytest.mark.parametrize("cut", [4, 30, 1500, 2300])
def test_a_cut_file_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.sf2"
    path.write_bytes(small_font()[:cut])
    with pytest.raises(InputError, match=r"damaged|not a SoundFont"):
        play(line(0), fontfile.read_soundfont(path), RATE, RATE)
    with pytest.raises(InputError, match="cannot be read"):
        fontfile.read_soundfont(tmp_path / "missing.sf2")
