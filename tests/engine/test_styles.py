"""Style tables: every shipped one is sound, a person's own is ten lines, a wrong one is told what is wrong."""

from pathlib import Path

import pytest
from shotscore_engine.errors import RequestError
from shotscore_engine.styles import DEFAULT_STYLE, load_style, style_names

TEN_LINES = """title = "Two guitars"
[[stem]]
name = "melody"
from = ["melody"]
take = "line"
program = 24
[[stem]]
name = "harmony"
from = ["harmony", "counter"]
take = "line"
program = 25
"""


def test_the_eight_styles_are_there() -> None:
    assert set(style_names()) >= {
        "solo-piano", "strings", "ambient", "acoustic", "electronic", "cinematic", "lo-fi", "orchestral-pop",
    }  # fmt: skip
    assert DEFAULT_STYLE in style_names()


def test_names_are_forgiving() -> None:
    assert load_style("Solo Piano") == load_style("solo_piano") == load_style("solo-piano")


def test_a_file_of_ten_lines_is_a_style(tmp_path: Path) -> None:
    path = tmp_path / "guitars.toml"
    path.write_text(TEN_LINES, encoding="utf-8")
    style = load_style(str(path))
    assert (style.name, style.title) == ("guitars", "Two guitars")
    assert style.stem("harmony").sources == ("harmony", "counter")
    with pytest.raises(RequestError, match="no stem 'bass'"):
        style.stem("bass")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('take = "line"\nprogram = 24', 'take = "solo"\nprogram = 24', "`take` out of"),
        ("program = 24", "program = 200", "program from 0 to 127"),
        ("program = 24\n", "", "lacks program"),
        ('from = ["melody"]', 'from = ["tuba"]', "`from` out of"),
        ("program = 24", "program = 24\ncolour = 3", "unknown keys colour"),
        ("program = 24", "program = 24\nrange = [60, 62]", "at least an octave"),
        ("program = 24", 'program = 24\ngain_db = "loud"', "wrong value"),
        ('name = "harmony"', 'name = "melody"', "two stems of one name"),
        ('name = "harmony"', 'name = "../evil"', "letters and digits"),
        ("[[stem]]", "[[stem", "cannot be read"),
    ],
)
def test_a_wrong_table_is_told_what_is_wrong(tmp_path: Path, old: str, new: str, problem: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(TEN_LINES.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RequestError, match=problem):
        load_style(str(path))


def test_an_unknown_style_names_the_known_ones() -> None:
    with pytest.raises(RequestError, match="cinematic"):
        load_style("polka")
    with pytest.raises(RequestError, match="cannot be read"):
        load_style("nowhere.toml")
