"""Following a recut: what stayed sounds as it did, where it is now; only what must change is made anew."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scored import RATE, dice_tools, picture_of, scored
from shotscore_engine.denoiser import Denoiser
from shotscore_engine.errors import RequestError
from shotscore_engine.grid import constant_grid
from shotscore_engine.history import record, undo
from shotscore_engine.locks import Lock, locked_mask
from shotscore_engine.reconform import Followed, change_table, changes_text, follow
from shotscore_engine.recut import fates, match, new_frame
from shotscore_engine.regenerate import Again, remake
from shotscore_engine.regrid import Run, regrid
from shotscore_engine.request import ScoreRequest
from shotscore_engine.roll import PARTS, notes_of
from shotscore_engine.seams import mask_of
from shotscore_engine.session import Session, Tools, write_notes
from shotscore_engine.styles import DEFAULT_STYLE, load_style
from shotscore_engine.takes import use_take
from shotscore_engine.wishes import Wish

Clip = tuple[str, int, int]
CLIPS: list[Clip] = [
    ("a", 0, 130), ("b", 10, 161), ("c", 0, 140), ("a", 400, 175), ("d", 0, 133), ("e", 7, 201), ("f", 50, 120),
]  # fmt: skip
TOOLS = dice_tools()
NEW = "/films/film v2.otio"


@pytest.fixture(scope="module")
def session() -> Session:
    return scored(CLIPS)


def recut(session: Session, clips: list[Clip], tempo: str = "refit") -> Followed:
    return follow(session, picture_of(clips), NEW, lambda: TOOLS, tempo=tempo)  # type: ignore[arg-type]


def never() -> Tools:
    raise AssertionError("no music has to be written")


def heard(
    session: Session, start_frame: Fraction | int, end_frame: Fraction | int
) -> set[tuple[Fraction, int, int, int]]:
    """(frames after `start_frame`, part, pitch, velocity) of every note that begins between two frames."""
    take, cue = session.take("1m01"), session.cue("1m01")
    notes = []
    for part, start, _, pitch, velocity in notes_of(take.roll()).tolist():
        frame = cue.start_frame + take.grid.step_time(start) * session.picture.rate
        if start_frame <= frame < end_frame:
            notes.append((frame - start_frame, part, pitch, velocity))
    return set(notes)


# --- matching ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda c: c, ["kept"] * 7),
        (lambda c: [*c[:2], ("x", 0, 100), *c[2:]], ["kept", "kept", "new", *["moved"] * 5]),
        (lambda c: [*c[:2], *c[3:]], ["kept", "kept", *["moved"] * 4, "deleted"]),
        (lambda c: [c[0], ("b", 30, 141), *c[2:]], ["kept", "trimmed", *["moved"] * 5]),
        (lambda c: [c[0], ("b", 10, 141), *c[2:]], ["kept", "trimmed", *["moved"] * 5]),
        (lambda c: [c[0], ("b", 40, 161), *c[2:]], ["kept", "slipped", *["kept"] * 5]),
        (lambda c: [c[1], c[0], *c[2:]], ["moved", "moved", *["kept"] * 5]),
        (
            lambda c: [*c[:4], ("d", 0, 60), ("d", 60, 73), *c[5:]],
            [*["kept"] * 4, "trimmed", "trimmed", "kept", "kept"],
        ),
    ],
)
def test_what_became_of_each_shot(change, expected: list[str]) -> None:  # type: ignore[no-untyped-def]
    old, new = picture_of(CLIPS), picture_of(change(CLIPS))
    stretches = match(old, new)
    assert [fate.change for fate in fates(old, new, stretches)] == expected
    for stretch in stretches:
        if not stretch.slipped:
            for frame in (stretch.start, stretch.end - 1):
                assert source(new, frame) == source(old, frame - stretch.shift)


def source(picture, frame: int) -> tuple[str, Fraction]:  # type: ignore[no-untyped-def]
    shot = next(one for one in picture.shots if one.start_frame <= frame < one.end_frame)
    return shot.name, shot.media.start + Fraction(frame - shot.start_frame) / picture.rate


# --- the promises --------------------------------------------------------------------------------------------------


def test_an_unchanged_timeline_changes_nothing(session: Session) -> None:
    followed = follow(session, session.picture, session.timeline, never)
    assert followed.session is session
    assert {bar.change for bar in followed.bars} == {"kept"}
    assert {shot.change for shot in followed.shots} == {"kept"}
    assert all(hit.off_before == hit.off_after for hit in followed.hits)
    elsewhere = follow(session, replace(session.picture, name="v2"), NEW, never).session
    assert (elsewhere.takes, elsewhere.cues, elsewhere.name) == (session.takes, session.cues, "film")


@pytest.mark.parametrize("frames", [30, 60, 119])
@pytest.mark.parametrize("tempo", ["refit", "keep"])
def test_a_trim_at_the_end_writes_only_the_ending(session: Session, frames: int, tempo: str) -> None:
    followed = recut(session, [*CLIPS[:-1], ("f", 50, 120 - frames)], tempo)
    grid, old = followed.session.take("1m01").grid, session.take("1m01").grid
    changes = [bar.change for bar in followed.bars]
    assert changes[-2:] == ["regenerated", "regenerated"]
    assert set(changes[:-3]) == {"kept"}
    assert changes.count("regenerated") <= 3
    revision = followed.session.take("1m01").revision
    assert revision is not None
    kept = min(run.start_beat for run in revision.free)
    assert kept >= grid.beats - 3 * grid.beats_per_bar
    assert grid.beat_times[:kept] == old.beat_times[:kept]
    end = int(grid.beat_times[kept] * RATE)
    assert heard(followed.session, 0, end) == heard(session, 0, end)


def without_last(clips: list[Clip], frames: int) -> list[Clip]:
    """The clips with so many frames less at their end."""
    left = sum(clip[2] for clip in clips) - frames
    kept: list[Clip] = []
    for name, source, length in clips:
        if left > 0:
            kept.append((name, source, min(length, left)))
        left -= length
    return kept


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], phases=[Phase.generate])
@given(
    st.integers(1, 700),
    st.sampled_from(["refit", "keep"]),
    st.none() | st.tuples(st.sampled_from([None, *PARTS]), st.integers(0, 900), st.integers(20, 300)),
)
def test_any_trim_at_the_end_writes_only_the_ending(
    session: Session, frames: int, tempo: str, held: tuple[str | None, int, int] | None
) -> None:
    locks = () if held is None else (Lock("1m01", held[0], held[1], held[1] + held[2]),)
    after = recut(replace(session, locks=locks), without_last(CLIPS, frames), tempo).session
    take, old = after.take("1m01"), session.take("1m01")
    if take.revision is None:
        assert after.takes == session.takes
        return
    grid, free = take.grid, mask_of(take.revision.free, take.grid.beats)
    first = int(np.flatnonzero(free.any(axis=1))[0]) if free.any() else grid.beats
    # The last two bars, the bar the end now falls into, and the one that meets them.
    assert first >= grid.beats - 4 * grid.beats_per_bar
    assert grid.beat_times[:first] == old.grid.beat_times[:first]
    end = grid.beat_times[first] * RATE
    assert heard(after, 0, end) == heard(session, 0, end)
    cue = after.cue("1m01")
    assert not (free & locked_mask(locks, cue, grid, RATE)).any()
    assert take.ending is not None
    assert take.ending.end_frame == cue.end_frame == sum(clip[2] for clip in CLIPS) - frames
    if take.ending.accent_frame is not None:
        last = grid.nearest_pulse(Fraction(take.ending.accent_frame) / RATE)
        for part, start, *_ in notes_of(take.roll()).tolist():
            assert start // 4 <= last or not free[start // 4, part]


def test_a_frame_less_at_the_end_needs_no_other_ending(session: Session) -> None:
    followed = follow(session, picture_of([*CLIPS[:-1], ("f", 50, 119)]), NEW, never)
    assert followed.session.take("1m01").notes == session.take("1m01").notes
    assert followed.session.cue("1m01").duration_frames == session.cue("1m01").duration_frames - 1


def test_a_whole_number_of_bars_put_in_moves_the_rest_as_it_is() -> None:
    asked = scored(CLIPS, request=ScoreRequest(tempo_bpm=100))  # a bar of 4 is 60 frames
    bar = asked.take("1m01").grid.beats_per_bar * 15
    new = [*CLIPS[:3], ("x", 0, 2 * bar), *CLIPS[3:]]
    for tempo in ("keep", "refit"):
        followed = recut(asked, new, tempo)
        start = sum(clip[2] for clip in CLIPS[:3])
        quiet = 2 * bar  # the join's own bars
        for old_start, shift in ((0, 0), (start + quiet, 2 * bar)):
            end = start - quiet if not shift else sum(clip[2] for clip in CLIPS)
            assert heard(followed.session, old_start + shift, end + shift) == heard(asked, old_start, end)
        assert 2 <= sum(row.change == "regenerated" for row in followed.bars) <= 4
        before = {fit.frame: fit.off_before for fit in followed.hits}
        assert all(fit.off_before in (None, fit.off_after) for fit in followed.hits), before


def test_a_small_trim_is_eased_and_writes_nothing_new(session: Session) -> None:
    followed = recut(session, [*CLIPS[:3], ("a", 410, 165), *CLIPS[4:]])
    changes = {bar.change for bar in followed.bars}
    assert "regenerated" not in changes
    assert "eased" in changes
    assert write_notes(followed.session.take("1m01").roll()) == session.take("1m01").notes
    lengths = np.diff([float(time) for time in followed.session.take("1m01").grid.beat_times])
    old = np.diff([float(time) for time in session.take("1m01").grid.beat_times])
    assert lengths.max() / old.min() < 1.13
    assert lengths.min() > 0


def test_a_slip_keeps_everything(session: Session) -> None:
    followed = follow(session, picture_of([CLIPS[0], ("b", 40, 161), *CLIPS[2:]]), NEW, never)
    assert {bar.change for bar in followed.bars} == {"kept"}
    assert followed.session.take("1m01").notes == session.take("1m01").notes


@st.composite
def recuts(draw: st.DrawFn) -> list[Clip]:
    clips = list(CLIPS)
    for _ in range(draw(st.integers(1, 3))):
        where = draw(st.integers(0, len(clips) - 1))
        name, begin, frames = clips[where]
        match draw(st.sampled_from(["head", "tail", "insert", "delete", "swap", "slip", "split"])):
            case "head" if frames > 10:
                cut = draw(st.integers(1, frames - 5))
                clips[where] = (name, begin + cut, frames - cut)
            case "tail" if frames > 10:
                clips[where] = (name, begin, frames - draw(st.integers(1, frames - 5)))
            case "insert":
                clips.insert(where, ("new", draw(st.integers(0, 99)), draw(st.integers(5, 200))))
            case "delete" if len(clips) > 3:
                del clips[where]
            case "swap" if where:
                clips[where - 1], clips[where] = clips[where], clips[where - 1]
            case "slip":
                clips[where] = (name, begin + draw(st.integers(1, 30)), frames)
            case "split" if frames > 20:
                cut = draw(st.integers(5, frames - 5))
                clips[where : where + 1] = [(name, begin, cut), (name, begin + cut, frames - cut)]
    return clips


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # recuts are small already, and a run takes its time
)
@given(
    recuts(),
    st.sampled_from(["refit", "keep"]),
    st.lists(
        st.tuples(st.sampled_from([None, *PARTS]), st.integers(0, 900), st.integers(20, 300)).map(
            lambda one: Lock("1m01", one[0], one[1], one[1] + one[2])
        ),
        max_size=2,
    ),
)
def test_any_recut(session: Session, clips: list[Clip], tempo: str, locks: list[Lock]) -> None:
    before = replace(session, locks=tuple(locks))
    followed = recut(before, clips, tempo)
    after = followed.session
    take, cue, old = after.take("1m01"), after.cue("1m01"), session.take("1m01")
    grid, rate = take.grid, after.picture.rate
    assert cue.end_frame == after.picture.duration_frames == sum(clip[2] for clip in clips)
    # A grid: rising, from within a beat of the start to the end, on the old meter, at a playable tempo.
    lengths = [b - a for a, b in zip(grid.beat_times, grid.beat_times[1:], strict=False)]
    was = [b - a for a, b in zip(old.grid.beat_times, old.grid.beat_times[1:], strict=False)]
    assert min(lengths) >= min(was) / 2
    assert max(lengths) <= max(was) * 2
    assert 0 <= grid.beat_times[0] < max(was)
    assert grid.beat_times[-2] < Fraction(cue.duration_frames) / rate <= grid.beat_times[-1]
    # Where nothing was written, the old notes stand.
    if take.revision is None:
        assert after.takes == session.takes
        return
    free = mask_of(take.revision.free, grid.beats)
    told = [bar for bar in followed.bars if bar.change == "regenerated"]
    assert bool(told) == bool(free.any())
    old_notes = {(part, pitch, velocity) for part, _, _, pitch, velocity in notes_of(old.roll()).tolist()}
    for part, start, _, pitch, velocity in notes_of(take.roll()).tolist():
        if not free[start // 4, part]:
            assert (part, pitch, velocity) in old_notes
    # What sounds in bars that were kept is what sounded there.
    edges = [0, *(beat for beat in grid.bar_beats if beat), grid.beats]
    for bar, (first, last) in zip(followed.bars, pairwise(edges), strict=True):
        if bar.change == "kept":
            start, end = (grid.beat_times[beat] * rate for beat in (first, last))
            assert heard(after, start, end) == heard(session, start, end)
    # Locked music is what it was, wherever it is now.
    kept = locked_mask(after.locks, cue, grid, rate)
    for row in range(grid.beats):
        for part in range(3):
            if kept[row, part] and free[row, part]:
                # Only where a lock's new edges touch a bar that did not belong to it.
                assert any(lock.part is None or lock.part == PARTS[part] for lock in after.locks)
    assert write_notes(remake(after, take, TOOLS)) == take.notes
    opened = Session.from_bytes(after.to_bytes())
    assert opened == after
    assert write_notes(remake(opened, opened.take("1m01"), TOOLS)) == take.notes
    for fate in change_table(followed)["shots"]:
        assert fate["change"] in {"kept", "moved", "trimmed", "slipped", "new", "deleted"}
    assert changes_text(followed)


def test_locked_music_stays_where_its_picture_stayed(session: Session) -> None:
    lock = Lock("1m01", None, 436, 600)
    followed = recut(replace(session, locks=(lock,)), [*CLIPS[:2], ("x", 0, 77), *CLIPS[2:]])
    old, new = session.take("1m01"), followed.session.take("1m01")
    (moved,) = followed.session.locks
    rate = session.picture.rate
    was = locked_mask([lock], session.cue("1m01"), old.grid, rate)[:, 0]
    now = locked_mask([moved], followed.session.cue("1m01"), new.grid, rate)[:, 0]
    assert was.sum() == now.sum()

    def inside(take, mask):  # type: ignore[no-untyped-def]
        first = int(np.flatnonzero(mask)[0]) * 4
        return [(p, s - first, v, k) for p, s, _, k, v in notes_of(take.roll()).tolist() if mask[s // 4]]

    assert inside(old, was) == inside(new, now)
    gone = recut(replace(session, locks=(lock,)), [*CLIPS[:2], *CLIPS[4:]])
    assert gone.lost_locks or gone.session.locks != (lock,)


def test_wishes_and_older_takes_follow_or_say_so(session: Session) -> None:
    asked = session.rescore("1m01", Again((3, 3), energy=0.9), TOOLS)
    followed = recut(asked, [("x", 0, 60), *CLIPS])
    (wish,) = followed.session.take("1m01").request.wishes
    assert wish == Wish(291 + 60, 431 + 60, energy=0.9)
    with pytest.raises(RequestError, match="earlier edit"):
        use_take(followed.session, "1m01", 1)
    old = followed.session.take("1m01", 1)
    assert write_notes(remake(followed.session, old, TOOLS)) == old.notes
    back = undo(record(asked, followed.session, "reconform"))
    assert (back.picture, back.takes, back.timeline) == (asked.picture, asked.takes, asked.timeline)


def test_a_cue_over_a_range_goes_where_its_picture_goes() -> None:
    one = scored(CLIPS, request=ScoreRequest(start_frame=130, end_frame=606))
    followed = recut(one, [("x", 0, 50), *CLIPS])
    cue = followed.session.cue("1m01")
    assert (cue.start_frame, cue.end_frame) == (180, 656)
    assert followed.session.take("1m01").notes == one.take("1m01").notes
    with pytest.raises(RequestError, match="Nothing of the picture of 1m01"):
        recut(one, [("y", 0, 300)])
    with pytest.raises(RequestError, match="no tempo 'fast'"):
        recut(one, CLIPS, "fast")
    with pytest.raises(RequestError, match="conform its rate"):
        follow(one, picture_of(CLIPS, Fraction(24)), NEW, never)


def test_beats_between_runs_keep_the_bar_lines() -> None:
    old = constant_grid(Fraction(120), Fraction(0), (4, 4), Fraction(32))
    runs = [Run(0, 32, Fraction(0)), Run(32, 64, Fraction(5))]  # two and a half bars put in
    fitted = regrid(old, runs, Fraction(37), slack=Fraction(1, 12))
    for beat, origin in enumerate(fitted.origin):
        if origin >= 0:
            assert (beat - origin) % 4 == 0
    assert fitted.grid.beat_times[-1] == 37
    assert fitted.grid.beats in (72, 76)


def test_frames_are_found_again() -> None:
    old, new = picture_of(CLIPS), picture_of([("x", 0, 7), *CLIPS[1:]])
    stretches = match(old, new)
    assert new_frame(stretches, 130) == 7
    assert new_frame(stretches, 0) is None


def test_the_model_writes_what_a_recut_needs(tmp_path: Path) -> None:
    model = Tools(Denoiser(device="cpu"), load_style(DEFAULT_STYLE))
    one = scored(CLIPS[:4], model, ScoreRequest(steps=5))
    followed = follow(one, picture_of([CLIPS[0], ("x", 0, 120), *CLIPS[1:4]]), NEW, lambda: model)
    take = followed.session.take("1m01")
    assert take.revision is not None
    assert take.revision.free
    followed.session.save(tmp_path / "film.shotscore")
    opened = Session.open(tmp_path / "film.shotscore")
    assert write_notes(remake(opened, opened.take("1m01"), model)) == take.notes
