"""Styles for ranges: each stretch sounds in its own, and the rest as before."""

from dataclasses import replace
from fractions import Fraction

import pytest
from scored import dice_tools, scored
from shotscore_engine.errors import RequestError
from shotscore_engine.orchestrate import style_spans
from shotscore_engine.perform import Stem
from shotscore_engine.regenerate import Again
from shotscore_engine.session import Session
from shotscore_engine.wishes import Wish


@pytest.fixture(scope="module")
def session() -> Session:
    return scored([("a", 0, 200), ("b", 0, 200), ("c", 0, 200)])


def test_a_range_sounds_in_its_own_style(session: Session) -> None:
    take = session.take("1m01")
    other = "strings" if take.style != "strings" else "solo-piano"
    wished = replace(take, request=replace(take.request, wishes=(Wish(200, 400, style=other),)))
    plain, mixed = session.perform(take), session.perform(wished)
    inside = [stem for stem in mixed.stems if stem.name.endswith(f"-{other}")]
    assert inside
    assert all(8 <= note.start < 16 for stem in inside for note in stem.notes)
    for stem in plain.stems:
        same = [one for one in mixed.stems if one.name == stem.name]
        kept = tuple(note for note in stem.notes if not 8 <= note.start < 16)
        assert (same[0].notes if same else ()) == kept
    assert mixed.style is not None
    for stem in mixed.stems:
        assert mixed.style.stem(stem.name).program == stem.program
    assert len({stem.name for stem in mixed.stems}) == len(mixed.stems)
    assert session.perform(wished) == mixed


def test_a_later_wish_takes_over(session: Session) -> None:
    take = session.take("1m01")
    wishes = (Wish(0, 400, style="strings"), Wish(200, 300, style="ambient"), Wish(0, 600, energy=0.1))
    spans = style_spans(replace(take, request=replace(take.request, wishes=wishes)), session.cue("1m01"), Fraction(25))
    assert spans == {"strings": [(0, 8), (12, 16)], "ambient": [(8, 12)]}


def test_rescoring_in_another_style_leaves_the_rest(session: Session) -> None:
    after = session.rescore("1m01", Again((2, 2), style="ambient", tries=1), dice_tools())
    take = after.take("1m01")
    assert take.style == session.take("1m01").style
    assert any(stem.name.endswith("-ambient") for stem in after.perform(take).stems)
    with pytest.raises(RequestError, match="polka"):
        after.perform(replace(take, request=replace(take.request, wishes=(Wish(0, 9, style="polka"),))))


def test_bars_that_did_not_change_are_played_as_they_were() -> None:
    session = scored([("a", 0, 700), ("b", 0, 150), ("c", 0, 700)])
    after = session.rescore("1m01", Again((2, 2), tries=1), dice_tools())
    take = after.take("1m01")
    assert take.revision is not None
    beats = [beat for run in take.revision.free for beat in (run.start_beat, run.end_beat)]
    margin = 2 * take.grid.beats_per_bar  # held notes and entries of stems look that far around them
    low = take.grid.time_at(min(beats) - margin)
    high = take.grid.time_at(max(beats) + margin)
    before, now = session.perform(session.take("1m01")), after.perform(take)

    def away(stem: Stem) -> list[tuple[Fraction, int]]:
        return [(one.start, one.pitch) for one in stem.notes if one.start + one.duration < low or one.start > high]

    assert sum(len(away(stem)) for stem in before.stems) > 20
    assert [away(stem) for stem in before.stems] == [away(stem) for stem in now.stems]
    assert before.stems != now.stems
