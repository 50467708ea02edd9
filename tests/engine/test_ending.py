"""A cue ends as asked: the last accent on its frame and nothing after it, a tail that dies as asked, silence where the
tempo stops for one."""

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scored import RATE, dice_tools, picture_of, scored
from shotscore_engine.compose import Brief, brief_for, describe_cue, flaws_of, mended
from shotscore_engine.denoiser import Denoiser
from shotscore_engine.errors import RequestError
from shotscore_engine.grid import constant_grid
from shotscore_engine.perform import HARD_FADE
from shotscore_engine.reconform import follow
from shotscore_engine.regenerate import Again, remake
from shotscore_engine.request import ScoreRequest
from shotscore_engine.roll import PARTS, notes_of, roll_of
from shotscore_engine.seams import mask_of, outside_equal
from shotscore_engine.session import Session, Take, Tools
from shotscore_engine.spotting import Cue
from shotscore_engine.styles import load_style
from shotscore_engine.tempo_map import TempoChange, ending_on
from shotscore_engine.timing import seconds_at

CLIPS = [("a", 0, 130), ("b", 10, 161), ("c", 0, 140), ("d", 0, 133)]
TOOLS = dice_tools()


def accent_second(session: Session, take: Take) -> Fraction:
    assert take.ending is not None
    assert take.ending.accent_frame is not None
    seconds = seconds_at(take.ending.accent_frame - session.cue(take.cue).start_frame, session.picture.rate)
    # The frame is a whole one; the beat may fall inside it.
    beat = take.grid.nearest_pulse(seconds)
    assert abs(take.grid.time_at(beat) - seconds) <= Fraction(1, 2) / session.picture.rate
    return take.grid.time_at(beat)


@pytest.mark.parametrize("kind", ["ring", "hard"])
@pytest.mark.parametrize("style", ["cinematic", "solo-piano"])
def test_the_last_accent_is_the_last_to_begin_and_lasts_to_the_end(kind: str, style: str) -> None:
    tools = Tools(TOOLS.model, load_style(style))
    session = scored(CLIPS, tools, ScoreRequest(ending=kind))  # type: ignore[arg-type]
    take = session.take("1m01")
    accent = accent_second(session, take)
    score = session.perform(take)
    assert max(note.start for part in score.parts for note in part.notes) == accent
    # Players are together there, but for a chord that is rolled.
    assert max(note.start for stem in score.stems for note in stem.notes) <= accent + Fraction(1, 20)
    struck = [note for part in score.parts for note in part.notes if note.start == accent]
    assert struck
    for note in struck:
        assert note.start + note.duration == score.duration
    final = [
        note for stem in score.stems if not stem.is_drum for note in stem.notes if note.start > accent - Fraction(1, 20)
    ]
    assert final
    reach = Fraction(0) if kind == "hard" else Fraction(1, 2)
    assert any(note.start + note.duration >= score.duration - reach for note in final)
    if kind == "hard":
        assert score.fade_out == HARD_FADE
    else:
        assert Fraction(1) <= score.fade_out <= score.duration - accent


def test_a_fade_goes_on_to_the_end() -> None:
    session = scored(CLIPS, TOOLS, ScoreRequest(ending="fade"))
    take = session.take("1m01")
    assert take.ending is not None
    assert take.ending.accent_frame is None
    score = session.perform(take)
    assert score.fade_out == 4
    assert max(note.start for part in score.parts for note in part.notes) > score.duration - 2


def test_an_accent_asked_for_falls_on_its_frame() -> None:
    session = scored(CLIPS, TOOLS, ScoreRequest(accent_frame=480))
    take = session.take("1m01")
    assert accent_second(session, take) == Fraction(480) / RATE
    assert max(note.start for part in session.perform(take).parts for note in part.notes) <= Fraction(480) / RATE
    with pytest.raises(RequestError, match="accent's frame 9999"):
        scored(CLIPS, TOOLS, ScoreRequest(accent_frame=9999))
    with pytest.raises(RequestError, match="no ending 'bang'"):
        ScoreRequest(ending="bang")  # type: ignore[arg-type]


def test_an_accent_asked_for_stays_on_its_picture_through_a_recut() -> None:
    session = scored(CLIPS, TOOLS, ScoreRequest(accent_frame=480))
    moved = follow(session, picture_of([("x", 0, 48), *CLIPS]), "/films/v2.otio", lambda: TOOLS).session.take("1m01")
    assert moved.request.accent_frame == 528
    assert moved.ending is not None
    assert moved.ending.accent_frame is not None
    assert abs(moved.ending.accent_frame - 528) <= 2
    gone = follow(session, picture_of(CLIPS[:3]), "/films/v3.otio", lambda: TOOLS).session.take("1m01")
    assert gone.request.accent_frame is None
    assert gone.ending is not None
    assert gone.ending.accent_frame is not None
    assert gone.ending.accent_frame < 431


def test_without_a_tempo_map_the_tempo_is_one() -> None:
    grid = scored(CLIPS, TOOLS, ScoreRequest(tempo_map=False)).take("1m01").grid
    assert len({b - a for a, b in zip(grid.beat_times, grid.beat_times[1:], strict=False)}) == 1


@pytest.mark.parametrize("style", ["cinematic", "solo-piano", "ambient"])
def test_where_the_tempo_falls_silent_nothing_sounds(style: str) -> None:
    session = scored(CLIPS, Tools(TOOLS.model, load_style(style)))
    take = session.take("1m01")
    bars = take.grid.bar_beats
    first, last = bars[2], bars[3]
    quiet = replace(take, changes=(TempoChange("silence", first, last, 60.0),))
    score = session.perform(quiet)
    start, end = take.grid.beat_times[first], take.grid.beat_times[last]
    for stem in (*score.parts, *score.stems):
        for note in stem.notes:
            # Attacks wander by some hundredths of a second; a note that begins before may die away as it would.
            assert note.start < start + Fraction(1, 50) or note.start > end - Fraction(1, 10), stem.name
            assert note.start > start or note.start + note.duration <= start + Fraction(1, 4), stem.name


def test_what_is_made_anew_before_the_accent_leaves_it() -> None:
    session = scored(CLIPS, TOOLS)
    before = session.take("1m01")
    after = session.rescore("1m01", Again((3, 3)), TOOLS).take("1m01")
    assert after.revision is not None
    free = mask_of(after.revision.free, after.grid.beats)
    old, new = (notes_of(take.roll()) for take in (before, after))
    outside = [notes[~free[notes[:, 1] // 4, notes[:, 0]]].tolist() for notes in (old, new)]
    assert outside[0] == outside[1]
    assert after.ending == before.ending


def test_takes_with_endings_are_made_again() -> None:
    session = scored(CLIPS, TOOLS, ScoreRequest(accent_frame=500))
    session = session.rescore("1m01", Again((4, 4)), TOOLS)
    for take in session.takes:
        assert np.array_equal(notes_of(remake(session, take, TOOLS)), notes_of(take.roll()))
    stored = Session.from_bytes(session.to_bytes())
    assert stored.takes == session.takes


def test_the_ending_follows_a_recut() -> None:
    session = scored(CLIPS, TOOLS)
    was = session.take("1m01").ending
    assert was is not None
    assert was.accent_frame is not None
    longer = follow(session, picture_of([("x", 0, 75), *CLIPS]), "/films/v2.otio", lambda: TOOLS).session
    now = longer.take("1m01").ending
    assert now is not None
    assert (now.accent_frame, now.end_frame) == (was.accent_frame + 75, was.end_frame + 75)
    shorter = follow(session, picture_of(CLIPS[:-1]), "/films/v3.otio", lambda: TOOLS).session
    take = shorter.take("1m01")
    assert take.ending is not None
    assert take.ending.accent_frame is not None
    assert take.ending.end_frame == 431
    assert 431 - 5 * 25 < take.ending.accent_frame < 431
    assert notes_of(take.roll())[:, 1].max() // 4 == int(take.grid.beat_at(accent_second(shorter, take)))


@settings(max_examples=60)
@given(
    st.integers(50, 180), st.integers(0, 7), st.integers(30, 2000), st.sampled_from(["ring", "hard", "fade"]),
    st.sampled_from([(4, 4), (3, 4), (6, 8)]), st.one_of(st.none(), st.integers(0, 2000)), st.booleans(),
)  # fmt: skip
def test_an_ending_on_any_grid_is_on_it(
    bpm: int, offset: int, frames: int, kind: str, meter: tuple[int, int], near: int | None, anywhere: bool
) -> None:
    cue = Cue("1m01", 100, frames)
    grid = constant_grid(Fraction(bpm), Fraction(offset, 8), meter, seconds_at(frames, RATE))
    ending = ending_on(grid, cue, RATE, kind, near_frame=near, anywhere=anywhere)  # type: ignore[arg-type]
    assert ending.end_frame == cue.end_frame
    assert cue.start_frame <= ending.tail_frame <= cue.end_frame
    if kind == "fade":
        assert ending.accent_frame is None
    elif ending.accent_frame is not None:
        pulse = grid.nearest_pulse(seconds_at(ending.accent_frame - 100, RATE))
        assert abs(grid.time_at(pulse) - seconds_at(ending.accent_frame - 100, RATE)) <= Fraction(1, 2) / RATE


def brief_of(beats: int, last_step: int | None = None, silent_beats: int = 0) -> Brief:
    frame = SimpleNamespace(beats_per_bar=np.full(beats, 4))
    return Brief(SimpleNamespace(beats=beats, frame=frame), np.arange(beats) < silent_beats, last_step)  # type: ignore[arg-type]


def test_a_last_accent_wants_a_chord_and_nothing_after_it() -> None:
    harmony = PARTS.index("harmony")
    chord, late = [(harmony, 8, 16, 48, 70), (harmony, 8, 16, 55, 70)], [(0, 10, 12, 80, 90)]
    before = [(harmony, 0, 8, 50, 60)]
    free, brief = np.ones((4, 3), bool), brief_of(4, 8)
    weights = []
    for notes in (chord, [*chord, *late], chord[:1], [*chord[:1], *late], []):
        flaws = flaws_of(roll_of(np.array([*before, *notes]), 16), free, brief)
        weights.append(sum(flaw.weight for flaw in flaws))
        assert all((flaw.start, flaw.stop) == (0, 3) for flaw in flaws)
    assert weights[0] == 0
    assert weights == sorted(set(weights))
    bare = roll_of(np.array(before), 16)
    assert not flaws_of(bare, free, brief_of(4))  # no last accent
    assert not flaws_of(bare, free & False, brief)  # nothing may be written there


def test_a_bar_of_nothing_is_a_flaw_where_sound_was_asked_for() -> None:
    roll = roll_of(np.array([(2, 16, 24, 48, 70), (2, 24, 33, 52, 60), (2, 52, 55, 52, 60)]), 64)
    free = np.ones((16, 3), bool)

    def found(brief: Brief) -> list[tuple[int, int]]:
        return [(flaw.start, flaw.stop) for flaw in flaws_of(roll, free, brief)]

    assert found(brief_of(16)) == [(0, 4), (9, 13)]  # the second on no bar line; two beats at the end are no bar
    assert found(brief_of(16, silent_beats=4)) == [(9, 13)]
    free[11, PARTS.index("harmony")] = False
    assert found(brief_of(16)) == [(0, 4)]


def test_what_is_mended_is_written_by_the_model_and_the_rest_stays() -> None:
    session = scored(CLIPS)
    cue, take = session.cue("1m01"), session.take("1m01")
    features = describe_cue(session.picture, cue, take.grid, take.request)
    brief = brief_for(features, session.picture, cue, take.grid, take.request, take.key, take.style)
    free = np.ones((brief.condition.beats, 3), bool)
    gap = slice(*take.grid.bar_beats[2:4])
    notes = notes_of(TOOLS.model.generate(brief.condition, seed=3))
    inside = (notes[:, 1] < gap.stop * 4) & (notes[:, 2] > gap.start * 4)
    holed = roll_of(notes[~inside], brief.condition.beats * 4)
    assert [(f.start, f.stop) for f in flaws_of(holed, free, brief)] == [(gap.start, gap.stop)]
    whole = mended(holed, free, brief, TOOLS.model, ScoreRequest(), seed=1)
    assert not flaws_of(whole, free, brief)
    again = np.zeros_like(free)
    again[gap] = True
    assert outside_equal(holed, whole, again)
    again[gap, 0] = False  # a part that may not change
    assert outside_equal(holed, mended(holed, again, brief, TOOLS.model, ScoreRequest(), seed=1), again)


def test_the_shipped_model_ends_on_its_accent() -> None:
    tools = Tools(Denoiser(), load_style("solo-piano"))
    session = scored(CLIPS, tools, ScoreRequest(steps=2, accent_frame=500))
    take = session.take("1m01")
    accent = int(take.grid.beat_at(Fraction(500) / RATE))
    notes = notes_of(take.roll())
    assert notes[:, 1].max() < (accent + 1) * 4
    assert np.any((notes[:, 1] == accent * 4) & (notes[:, 0] == PARTS.index("harmony")))
    assert np.array_equal(notes_of(remake(session, take, tools)), notes_of(take.roll()))
