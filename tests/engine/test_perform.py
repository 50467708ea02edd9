"""From roll to score: parts as written, stems in range, nothing after the end, one seed one score."""

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shotscore_engine.errors import RequestError
from shotscore_engine.perform import EXPRESSION, SUSTAIN_PEDAL, Score, _playing_bars, perform, roll_notes
from shotscore_engine.roll import PARTS, Roll
from shotscore_engine.styles import DEFAULT_STYLE, load_style, style_names
from shotscore_engine.styles.derive import StepNote, bass_line, chords, fold, pad, top_line, voice
from shotscore_engine.tempo import BeatGrid


def make_roll(notes: dict[str, list[tuple[int, int, int, int]]], steps: int) -> Roll:
    """`notes`: per part, (start, length, pitch, velocity) in sixteenths."""
    onset = np.zeros((3, steps, 128), bool)
    sustain, velocity = onset.copy(), np.zeros((3, steps, 128), np.uint8)
    for index, part in enumerate(PARTS):
        for start, length, pitch, strength in notes.get(part, []):
            onset[index, start, pitch], velocity[index, start, pitch] = True, strength
            sustain[index, start + 1 : start + length, pitch] = True
    return Roll(onset, sustain & ~onset, velocity)


def song(bars: int = 4) -> Roll:
    """C, A minor, F, G with broken chords and a tune."""
    notes: dict[str, list[tuple[int, int, int, int]]] = {"melody": [], "counter": [], "harmony": []}
    for bar in range(bars):
        root = (48, 45, 41, 43)[bar % 4]
        third = 3 if bar % 4 == 1 else 4
        at = 16 * bar
        for step, interval in ((0, 0), (4, 7), (6, 12), (8, 12 + third), (12, 19)):
            notes["harmony"].append((at + step, 4, root + interval, 70))
        notes["melody"] += [(at, 6, root + 24 + third, 90), (at + 6, 2, root + 24 + 7, 80), (at + 8, 8, root + 24, 100)]
        notes["counter"].append((at + 8, 8, root + 19, 60))
    return make_roll(notes, 16 * bars)


def grid_of(beats: int, bpm: int = 96, first: Fraction = Fraction(0)) -> BeatGrid:
    return BeatGrid(tuple(first + Fraction(60 * beat, bpm) for beat in range(beats + 1)), (4, 4))


def play(style: str = DEFAULT_STYLE, bars: int = 4, **more: object) -> Score:
    grid = grid_of(4 * bars)
    values = {"key": "C major", "title": "1m01", "duration": grid.beat_times[-1], "seed": 1, **more}
    return perform(song(bars), grid, style=load_style(style), **values)  # type: ignore[arg-type]


def test_parts_are_the_roll_exactly() -> None:
    roll, score = song(), play()
    assert [part.name for part in score.parts] == list(PARTS)
    for index, part in enumerate(score.parts):
        written = roll_notes(roll, index)
        assert len(part.notes) == int(roll.onset[index].sum())
        for note, step in zip(part.notes, written, strict=True):
            assert note.start == score.grid.step_time(step.start)
            assert note.start + note.duration == score.grid.step_time(step.end)
            assert (note.pitch, note.velocity) == (step.pitch, step.velocity)


@pytest.mark.parametrize("style", style_names())
def test_every_style_makes_playable_stems(style: str) -> None:
    score = play(style, bars=8)
    table = load_style(style)
    assert 4 <= len(score.stems) <= 8
    assert {"melody", "counter", "harmony", "bass"} <= {stem.name for stem in score.stems}
    for stem in score.stems:
        made = table.stem(stem.name)
        assert set(stem.sources) <= set(PARTS)
        starts = [note.start for note in stem.notes]
        assert starts == sorted(starts)
        for note in stem.notes:
            assert note.start >= 0
            assert note.duration > 0
            assert note.start + note.duration <= score.duration
            assert 1 <= note.velocity <= 127
            assert stem.is_drum or made.range[0] <= note.pitch <= made.range[1]
        for pitch in {note.pitch for note in stem.notes}:
            line = [note for note in stem.notes if note.pitch == pitch]
            assert all(a.start + a.duration <= b.start for a, b in itertools.pairwise(line))
        assert all(0 <= control.value <= 127 and control.time <= score.duration for control in stem.controls)


@pytest.mark.parametrize("style", style_names())
def test_pitched_stems_play_only_pitch_classes_of_their_parts(style: str) -> None:
    roll, table = song(8), load_style(style)
    for stem in play(style, bars=8).stems:
        if stem.is_drum:
            continue
        heard = {n.pitch % 12 for part in stem.sources for n in roll_notes(roll, PARTS.index(part))}
        shifts = {0, *(interval % 12 for interval in table.stem(stem.name).double)}
        assert {note.pitch % 12 for note in stem.notes} <= {(c + s) % 12 for c in heard for s in shifts}


def test_the_seed_decides_the_performance_and_nothing_else() -> None:
    assert play() == play()
    assert play(seed=2).stems != play().stems
    assert play(seed=2).parts == play().parts


def test_players_stay_near_the_beat() -> None:
    score = play(bars=8)
    steps = [float(score.grid.step_time(step)) for step in range(8 * 16 + 1)]
    for stem in score.stems:
        for note in stem.notes:
            assert min(abs(float(note.start) - step) for step in steps) < 0.04


def test_a_cue_shorter_than_the_roll_ends_on_its_last_sample() -> None:
    score = play(duration=Fraction(301, 50))
    ends = [note.start + note.duration for stem in (*score.parts, *score.stems) for note in stem.notes]
    assert max(ends) <= Fraction(301, 50)


def test_a_ringing_end_holds_the_last_notes_to_the_cues_end() -> None:
    long = play(duration=grid_of(16).beat_times[-1] + 1)
    bass = next(stem for stem in long.stems if stem.name == "bass")
    assert bass.notes[-1].start + bass.notes[-1].duration >= long.duration - Fraction(1, 2)
    stopped = play(duration=long.duration, ending="stop")
    bass = next(stem for stem in stopped.stems if stem.name == "bass")
    assert bass.notes[-1].start + bass.notes[-1].duration <= grid_of(16).beat_times[-1] + Fraction(1, 10)


def test_under_dialogue_stems_do_what_their_style_says() -> None:
    plain, spoken = play(), play(dialogue=[(Fraction(0), Fraction(10))])
    by_name = {stem.name: stem for stem in spoken.stems}
    style = load_style(DEFAULT_STYLE)
    for stem in plain.stems:
        rule, now = style.stem(stem.name).under_dialogue, by_name[stem.name]
        if rule == "rest":
            assert not now.notes
        elif rule == "keep":
            assert now == stem
        else:
            assert sum(n.velocity for n in now.notes) < 0.9 * sum(n.velocity for n in stem.notes)
    melody = [note.pitch for note in by_name["melody"].notes]
    assert np.mean(melody) > np.mean([note.pitch for note in plain.stems[0].notes])


def test_pedal_and_expression_come_where_the_style_wants_them() -> None:
    stems = {stem.name: stem for stem in play().stems}
    pedals = [control.value for control in stems["harmony"].controls]
    assert pedals == [127, 0] * (len(pedals) // 2)
    assert len(pedals) >= 8
    assert {control.number for control in stems["harmony"].controls} == {SUSTAIN_PEDAL}
    assert {control.number for control in stems["pad"].controls} == {EXPRESSION}
    assert not stems["percussion"].controls


def test_quiet_music_gets_no_drums_and_busy_music_does() -> None:
    busy = [(step, 2, pitch, 120) for step in range(0, 64, 2) for pitch in (60, 64, 67)]
    quiet = [(step, 16, 60, 40) for step in range(0, 64, 16)]
    drums = []
    for notes in (quiet, busy):
        roll = make_roll({"harmony": notes}, 64)
        grid = grid_of(16)
        score = perform(
            roll,
            grid,
            style=load_style("orchestral-pop"),
            key="C major",
            title="x",
            duration=grid.beat_times[-1],
            seed=1,
        )
        drums.append(len(next(stem for stem in score.stems if stem.name == "percussion").notes))
    assert drums[0] == 0
    assert drums[1] > 20


def test_a_silent_roll_makes_silent_stems() -> None:
    grid = grid_of(8)
    score = perform(
        make_roll({}, 32), grid, style=load_style("ambient"), key="C major", title="x", duration=Fraction(5), seed=0
    )
    assert all(not stem.notes for stem in (*score.parts, *score.stems))


def test_wrong_requests_say_what_to_do() -> None:
    with pytest.raises(RequestError, match="does not fit"):
        perform(
            song(8), grid_of(4), style=load_style("strings"), key="C major", title="x", duration=Fraction(4), seed=0
        )
    with pytest.raises(RequestError, match="ending"):
        play(ending="bang")
    with pytest.raises(RequestError, match="length"):
        play(duration=Fraction(0))


notes_on_grid = st.lists(
    st.builds(StepNote, st.integers(0, 60), st.integers(1, 20), st.integers(21, 108), st.integers(1, 127)), max_size=40
)


@given(notes_on_grid)
@settings(max_examples=60, deadline=None)
def test_lines_are_made_of_the_notes_they_come_from(notes: list[StepNote]) -> None:
    keys = {(note.start, note.pitch) for note in notes}
    for line in (top_line(notes), bass_line(notes, 16)):
        assert {(note.start, note.pitch) for note in line} <= keys
        starts = [note.start for note in line]
        assert starts == sorted(set(starts))
        assert all(a.end <= b.start for a, b in itertools.pairwise(line))


@given(notes_on_grid)
@settings(max_examples=60, deadline=None)
def test_pads_hold_only_what_sounds(notes: list[StepNote]) -> None:
    found = chords(notes, 64, 0, 16)
    for chord in found:
        sounding = {n.pitch % 12 for n in notes if n.start < chord.end and n.end > chord.start}
        assert set(chord.classes) <= sounding
    held = pad(voice(found, 48, 79, 4))
    assert all(48 <= note.pitch <= 79 and 0 <= note.start < note.end <= 64 for note in held)


@given(st.integers(0, 127), st.integers(0, 90), st.integers(11, 37))
def test_folding_keeps_the_pitch_class(pitch: int, lowest: int, width: int) -> None:
    folded = fold(pitch, lowest, lowest + width)
    assert lowest <= folded <= lowest + width
    assert (folded - pitch) % 12 == 0
    if lowest <= pitch <= lowest + width:
        assert folded == pitch


def test_swing_delays_the_second_eighth_only() -> None:
    style = replace(load_style("lo-fi"), humanise_ms=0.0)
    roll = make_roll({"melody": [(0, 1, 72, 80), (2, 1, 72, 80), (4, 1, 72, 80)]}, 16)
    grid = grid_of(4, 60)
    score = perform(roll, grid, style=style, key="C major", title="x", duration=Fraction(4), seed=0)
    starts = [note.start - score.stems[0].notes[0].start for note in score.stems[0].notes]
    assert starts[1] == Fraction(1, 2) + Fraction(22, 200)
    assert starts[2] == 1


@pytest.mark.parametrize(
    ("energy", "wanted"),
    [
        ([0.3, 0.6, 0.6, 0.4, 0.6, 0.2, 0.2, 0.6], "-xxxx---"),
        ([0.6, 0.45, 0.45, 0.3, 0.3], "xxx--"),
        ([0.6], "x"),
        ([0.1, 0.9, 0.1], "---"),
        ([0.9] * 4, "xxxx"),
        ([], ""),
    ],
)
def test_stems_enter_and_leave_like_players(energy: list[float], wanted: str) -> None:
    assert "".join("x" if bar else "-" for bar in _playing_bars(energy, 0.5, 1.01)) == wanted


@pytest.mark.parametrize("meter", [(4, 4), (3, 4), (2, 4), (6, 8)])
@pytest.mark.parametrize("pickup", [0, 1])
def test_every_meter_and_pickup_plays(meter: tuple[int, int], pickup: int) -> None:
    times = tuple(Fraction(1, 3) + Fraction(60 * beat, 90) for beat in range(17))
    grid = BeatGrid(times, meter, pickup)
    score = perform(
        song(4), grid, style=load_style("orchestral-pop"), key="C major", title="x", duration=times[-1] + 1, seed=3
    )
    assert all(stem.notes for stem in score.stems if stem.name in ("melody", "harmony", "bass", "pad"))
    kicks = [note.start for stem in score.stems if stem.is_drum for note in stem.notes if note.pitch == 36]
    downbeats = [float(time) for time in times[pickup :: grid.beats_per_bar]]
    assert all(min(abs(float(kick) - time) for time in times) < 0.7 for kick in kicks)
    assert not kicks or any(abs(float(kicks[0]) - beat) < 0.05 for beat in downbeats)
