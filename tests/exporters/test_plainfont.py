"""Programs of a compressed SoundFont, decoded: they sound the same, and what cannot be kept is played as it is."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from shotscore_engine.perform import Note, Stem
from shotscore_exporters import fontfile, plainfont, soundfont, synth

FLUTE = 73
STEM = Stem(
    "melody", FLUTE, False, (Note(Fraction(0), Fraction(1, 2), 72, 90), Note(Fraction(1, 4), Fraction(1), 79, 60))
)


@pytest.fixture(scope="module")
def font() -> Path:
    """The compressed SoundFont the set-up installs."""
    found = [path for path in soundfont.installed_soundfonts() if path.suffix == ".sf3"]
    assert found
    return found[0]


def held(font: Path) -> NDArray[np.float32]:
    with synth.FluidSynth(font, 0, FLUTE, 48_000) as flute:
        return flute.held(76, 90, 72_000)


def test_a_decoded_program_sounds_as_before(font: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOTSCORE_CACHE", "off")
    assert plainfont.plain_font(font, 0, FLUTE) == font
    before = held(font)
    monkeypatch.setenv("SHOTSCORE_CACHE", str(tmp_path))
    plain = plainfont.plain_font(font, 0, FLUTE)
    assert plain.parent == tmp_path / plainfont.FOLDER
    after = held(font)
    assert np.abs(before).max() > 0.01
    assert 20 * np.log10(np.abs(after - before).max() / np.abs(before).max()) < -75
    # Loops and lengths are those of the font, and our own sampler reads it as well.
    compressed, decoded = fontfile.read_soundfont(font), fontfile.read_soundfont(plain)
    for zone in decoded.zones(0, FLUTE):
        rows = [one.tables["shdr"][zone.sample] for one in (compressed, decoded)]
        assert int(rows[0]["loop_end"]) == int(rows[1]["loop_end"]) - int(rows[1]["start"])
        assert np.abs(compressed.sample(zone.sample) - decoded.sample(zone.sample)).max() < 1e-4
    # The second time it is only found.
    written = plain.read_bytes()
    plain.write_bytes(written + b"")
    assert plainfont.plain_font(font, 0, FLUTE) == plain


def test_what_was_used_longest_ago_goes_first(font: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOTSCORE_CACHE", str(tmp_path))
    first = plainfont.plain_font(font, 0, FLUTE)
    monkeypatch.setattr(plainfont, "BYTES_AT_MOST", first.stat().st_size + 1)
    second = plainfont.plain_font(font, 0, FLUTE + 1)
    assert second.exists()
    assert not first.exists()


def test_a_program_that_is_not_there_or_a_damaged_font_is_left_to_the_player(font: Path, tmp_path: Path) -> None:
    assert plainfont.plain_font(font, 77, FLUTE) == font
    broken = tmp_path / "broken.sf3"
    broken.write_bytes(font.read_bytes()[:5000])
    assert plainfont.plain_font(broken, 0, FLUTE) == broken
