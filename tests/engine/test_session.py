"""The session's file: what is written reads back equal, and survives strangers."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shotscore_engine.errors import RequestError, SessionError
from shotscore_engine.grid import BeatGrid
from shotscore_engine.picture import AudioSpan, Marker, MediaSpan, Picture, Shot
from shotscore_engine.request import ScoreRequest
from shotscore_engine.roll import PARTS, PITCHES, Roll
from shotscore_engine.session import ModelRecord, Session, Take, TempoChoice, read_notes, write_notes
from shotscore_engine.spotting import Cue, Hit

RATE = Fraction(24000, 1001)


def make_take(number: int = 1, seed: int = 1) -> Take:
    return Take(
        cue="1m01",
        number=number,
        request=ScoreRequest(seed=seed, mood=(0.5, -0.25), model=Path("models/x.onnx")),
        grid=BeatGrid(tuple(Fraction(k, 2) + Fraction(1, 7) for k in range(9)), (3, 4), 1),
        key="A minor",
        style="solo-piano",
        notes=("0 4 60 80; 4 4 60 81", "", "0 8 40 70; 0 8 47 71"),
        model=ModelRecord("denoiser", "ab" * 32),
        device="CPUExecutionProvider",
        tempi=(TempoChoice(120.0, (3, 4), 3, 1, 0),),
        dialogue=((Fraction(1, 3), Fraction(2)),),
        versions={"shotscore": "1"},
    )


def make_session() -> Session:
    media = MediaSpan(Path("/films/a.mov"), True, Fraction(1001, 24000), Fraction(-1, 2))
    picture = Picture(
        "a film",
        RATE,
        86400,
        False,
        120,
        (Shot(1, 0, 48, "A001", media), Shot(2, 48, 72, "Titel „Ende“", None, "detected", "dissolve")),
        (Marker(12, 1, "hit"),),
        (AudioSpan("A1", 0, 120, "voice", media),),
        ((10, 40),),
        ("Media cannot be read for A001.",),
    )
    cue = Cue("1m01", 0, 120, (Hit(48, "cut", 1.0, 2, "a cut"),))
    return Session("/films/a film.otio", picture).with_takes(cue, [make_take(), make_take(2, 7)])


def test_what_is_saved_opens_equal(tmp_path: Path) -> None:
    session, path = make_session(), tmp_path / "a.shotscore"
    session.save(path)
    opened = Session.open(path)
    assert opened == session
    assert opened.to_bytes() == session.to_bytes()
    assert opened.take("1m01").number == 1
    assert opened.next_take("1m01") == 3


def test_fields_of_others_survive_a_save(tmp_path: Path) -> None:
    path = tmp_path / "a.shotscore"
    document = json.loads(make_session().to_bytes())
    document["panel_colour"] = "mauve"
    document["takes"][1]["applause"] = True
    document["picture"]["shots"][0]["rating"] = 5
    path.write_text(json.dumps(document))
    opened = Session.open(path)
    opened.with_takes(opened.cue("1m01"), [make_take(3, 9)]).save(path)
    again = json.loads(path.read_bytes())
    assert again["panel_colour"] == "mauve"
    assert [take.get("applause") for take in again["takes"]] == [None, True, None]
    assert again["picture"]["shots"][0]["rating"] == 5
    assert again["chosen"] == {"1m01": 3}


def test_the_session_before_is_kept(tmp_path: Path) -> None:
    path, session = tmp_path / "a.shotscore", make_session()
    session.save(path)
    session.with_takes(session.cue("1m01"), [make_take(3)]).save(path)
    assert len(Session.open(tmp_path / "a.shotscore.bak").takes) == 2
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(SessionError, match=r"damaged.*one save before is .*a\.shotscore\.bak"):
        Session.open(path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": 99}, "format 99; this Shotscore reads up to 1"),
        ({"format": None}, "not a Shotscore session"),
        ({"picture": 3}, "damaged"),
        ({"takes": [{"cue": "1m01"}]}, "damaged"),
    ],
)
def test_strange_files_are_refused(change: dict[str, object], sentence: str) -> None:
    document = {**json.loads(make_session().to_bytes()), **change}
    with pytest.raises(SessionError, match=sentence):
        Session.from_bytes(json.dumps(document).encode())


@given(st.binary(max_size=300))
def test_any_bytes_are_a_session_or_refused(data: bytes) -> None:
    with pytest.raises(SessionError):
        Session.from_bytes(data)


@given(st.data())
def test_a_session_with_a_hole_in_it_is_refused_or_whole(data: st.DataObject) -> None:
    whole = make_session().to_bytes()
    start = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(start, min(len(whole), start + 40)))
    try:
        opened = Session.from_bytes(whole[:start] + whole[end:])
    except SessionError:  # anything else fails the test
        return
    assert isinstance(opened.picture, Picture)


@st.composite
def rolls(draw: st.DrawFn) -> Roll:
    """Rolls as the model makes them: a note ends where its key is struck again, at the latest."""
    steps = draw(st.integers(1, 24))
    shape = (len(PARTS), steps, PITCHES)
    onset, sustain, velocity = np.zeros(shape, bool), np.zeros(shape, bool), np.zeros(shape, np.uint8)
    notes = st.tuples(
        st.integers(0, 2), st.integers(0, steps - 1), st.integers(1, 8), st.integers(21, 108), st.integers(1, 127)
    )
    for part, start, length, pitch, strength in draw(st.lists(notes, max_size=20)):
        onset[part, start, pitch], velocity[part, start, pitch] = True, strength
        sustain[part, start + 1 : start + length, pitch] = True
    return Roll(onset, sustain & ~onset, velocity)


@given(rolls())
def test_notes_as_text_lose_nothing(roll: Roll) -> None:
    again = read_notes(write_notes(roll), roll.steps)
    for name in ("onset", "sustain", "velocity"):
        assert np.array_equal(getattr(again, name), getattr(roll, name)), name


@pytest.mark.parametrize(
    "text", ["0 4 60", "0 0 60 80", "9 1 60 80", "0 1 200 80", "0 1 60 0", "a b c d", "-1 1 60 80"]
)
def test_damaged_notes_are_refused(text: str) -> None:
    with pytest.raises(SessionError, match="is not a note"):
        read_notes((text, "", ""), 8)


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(RequestError, match="no cue '2m02' in this session; there is 1m01"):
        make_session().cue("2m02")
    with pytest.raises(RequestError, match="no take 9"):
        make_session().take("1m01", 9)
