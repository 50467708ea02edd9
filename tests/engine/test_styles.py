"""Style tables: every shipped one is sound, a person's own is ten lines, a wrong one is told what is wrong."""

from pathlib import Path

import pytest
from scored import scored
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


def test_a_person_chooses_an_instrument_for_a_stem() -> None:
    from shotscore_engine.session import Session
    from shotscore_engine.takes import set_instrument

    session = scored([("a", 0, 200), ("b", 0, 200)])
    before = session.perform(session.take("1m01"))
    stem = next(stem for stem in before.stems if not stem.is_drum)
    changed = set_instrument(session, "1m01", stem.name, 73)
    after = Session.from_bytes(changed.to_bytes()).perform(changed.take("1m01"))
    assert {made.name: made.program for made in after.stems} == {
        **{made.name: made.program for made in before.stems},
        stem.name: 73,
    }
    assert [made.notes for made in after.stems] == [made.notes for made in before.stems]
    assert set_instrument(changed, "1m01", stem.name, stem.program) == session
    for name, program, words in ((stem.name, 128, "outside 0 to 127"), ("kazoo", 1, "no stem 'kazoo'")):
        with pytest.raises(RequestError, match=words):
            set_instrument(session, "1m01", name, program)
