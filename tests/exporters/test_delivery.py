"""What a session's folder holds after a change: bars made anew and nothing else, takes where they were, one level."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films import Cut, write_edit
from scored import Dice, dice_tools
from shotscore_engine import takes
from shotscore_engine.regenerate import Again
from shotscore_engine.request import ScoreRequest
from shotscore_engine.session import Session, Tools
from shotscore_engine.styles import load_style
from shotscore_exporters import bwf
from shotscore_exporters.delivery import deliver, delivered_stems

RATE = Fraction(25)
SHOTS = 12


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """48 seconds of shots whose film is missing, with music by chance for a piano."""
    folder = tmp_path_factory.mktemp("edit")
    edit = write_edit(folder / "film.otio", RATE, [Cut(folder / f"{n}.mov", 0, 100, f"A{n:03}") for n in range(SHOTS)])
    request = ScoreRequest(detect="none", tempo_bpm=120.0, style="solo-piano", mood=(0.0, 0.0))
    return Session.read(edit).score(request, Tools(Dice(), load_style("solo-piano")))


def sounds(folder: Path) -> dict[str, np.ndarray]:
    """Every WAV file of a folder, by its name."""
    found = {}
    for path in sorted(folder.rglob("*.wav")):
        head = bwf.read_head(path)
        assert head is not None
        found[path.relative_to(folder).as_posix()] = bwf.read_pcm(path, head, 0, head.samples)
    return found


def test_shots_made_anew_are_rendered_alone(session: Session, tmp_path: Path) -> None:
    deliver(session, tmp_path)
    first = sounds(tmp_path)
    again = session.rescore("1m01", Again(shots=(6, 7), seed=5, tries=1), dice_tools())
    (row,) = deliver(again, tmp_path).report["cues"]
    second = sounds(tmp_path)
    assert (row["take"], row["seconds_long"]) == (2, 48)
    assert 6 < row["seconds_rendered"] < 24
    # The mix of the take before is kept as the take's own, not rendered again.
    assert (second["takes/1m01_take1_mix.wav"] == first["1m01_mix.wav"]).all()
    span = [20 * 48_000, 28 * 48_000]
    for name, before in first.items():
        after = second[name]
        differing = np.flatnonzero((before != after).any(axis=1))
        if name == "1m01_mix.wav":
            assert len(differing)
            assert np.abs(before[span[0] : span[1]] - after[span[0] : span[1]]).max() > 0.01
        if len(differing):
            assert differing[0] > span[0] - 4 * 48_000
            assert differing[-1] - differing[0] < row["seconds_rendered"] * 48_000 + 1
    # The first take again: what it was, to the last bit outside, and as it sounded inside.
    back = takes.use_take(again, "1m01", 1)
    (row,) = deliver(back, tmp_path).report["cues"]
    assert row["take"] == 1
    third = sounds(tmp_path)
    assert np.abs(third["1m01_mix.wav"] - first["1m01_mix.wav"]).max() < 0.01
    assert (third["takes/1m01_take2_mix.wav"] == second["1m01_mix.wav"]).all()
    kept = (tmp_path / "takes" / "1m01_take2_mix.wav").stat().st_mtime_ns
    # Nothing changed, nothing rendered.
    (row,) = deliver(back, tmp_path).report["cues"]
    assert row["seconds_rendered"] == 0
    fourth = sounds(tmp_path)
    assert all((fourth[name] == sound).all() for name, sound in third.items())
    assert kept
    assert delivered_stems(back, tmp_path) is not None
    assert delivered_stems(again, tmp_path) is None


def test_a_loud_passage_is_told_and_the_rest_keeps_its_level(session: Session, tmp_path: Path) -> None:
    deliver(session, tmp_path)
    first = sounds(tmp_path)["1m01_mix.wav"]
    # Everything but the first seconds falls silent: what is left keeps its level, and the mix is quieter or louder.
    quiet = session.rescore("1m01", Again(shots=(9, 12), silence=True, tries=1), dice_tools())
    (row,) = deliver(quiet, tmp_path).report["cues"]
    second = sounds(tmp_path)["1m01_mix.wav"]
    assert (first[: 24 * 48_000] == second[: 24 * 48_000]).all()
    assert np.abs(second[42 * 48_000 :]).max() < 1e-3
    assert row["loudness_target_lufs"] == -23


def test_scored_anew_it_has_the_loudness_asked_for(session: Session, tmp_path: Path) -> None:
    deliver(session, tmp_path)
    request = ScoreRequest(detect="none", tempo_bpm=120.0, style="solo-piano", mood=(0.0, 0.0), loudness_lufs=-16.0)
    louder = Session.read(Path(session.timeline)).score(request, Tools(Dice(), load_style("solo-piano")))
    (row,) = deliver(louder, tmp_path).report["cues"]
    assert row["seconds_rendered"] == row["seconds_long"]
    assert row["loudness_lufs"] == pytest.approx(-16, abs=0.2)


def test_the_same_sound_is_copied_from_where_it_lies_untouched(session: Session, tmp_path: Path) -> None:
    first = deliver(session, tmp_path / "first")
    (row,) = deliver(session, tmp_path / "second").report["cues"]
    assert row["seconds_rendered"] == 0
    for path in first.files:
        if path.suffix == ".wav":
            assert path.read_bytes() == (tmp_path / "second" / path.relative_to(tmp_path / "first")).read_bytes()
    # Somebody has been at one of the files: nothing is taken from there.
    with (tmp_path / "second" / "1m01_mix.wav").open("r+b") as file:
        file.seek(100_000)
        file.write(b"\x7f\x7f\x7f")
    (row,) = deliver(session, tmp_path / "third").report["cues"]
    assert row["seconds_rendered"] == row["seconds_long"]
    assert (tmp_path / "third" / "1m01_mix.wav").read_bytes() == (tmp_path / "first" / "1m01_mix.wav").read_bytes()
