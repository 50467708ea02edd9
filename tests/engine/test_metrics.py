"""Metrics on music whose answer is known."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shotscore_engine.errors import InputError
from shotscore_engine.grid import BeatGrid
from shotscore_engine.metrics import adv, conditioning, gps, key, melody, novelty, pche, retrieval, si
from shotscore_engine.metrics.piece import Piece, empty_bars, from_roll, from_rows, validate, volume_curve
from shotscore_engine.metrics.report import summarise
from shotscore_engine.roll import roll_of

MAJOR = (0, 2, 4, 5, 7, 9, 11)


def scale(pitches: Sequence[int], beats: int, part: int = 0) -> Piece:
    """The pitches in turn, one a beat."""
    return from_rows([(part, 4 * b, 4 * b + 4, pitches[b % len(pitches)], 80) for b in range(beats)], beats)


def song(seed: int, beats: int = 64) -> Piece:
    """Something like music: a bass on the bars, chords on the beats, a melody of scale tones."""
    rng = np.random.default_rng(seed)
    rows = []
    for bar in range(beats // 4):
        root = (0, 5, 7, 9)[bar % 4]
        rows.append((2, 16 * bar, 16 * bar + 16, 36 + root, 90))
        rows += [(2, 16 * bar + 4 * b, 16 * bar + 4 * b + 4, 60 + root, 60) for b in range(4)]
        steps = sorted(rng.choice(8, 5, replace=False).tolist())
        rows += [(0, 16 * bar + 2 * s, 16 * bar + 2 * s + 2, 72 + int(rng.choice(MAJOR)), 85) for s in steps]
    return from_rows(rows, beats, bpm=90)


# --- pieces -----------------------------------------------------------------------------------------------------


def test_a_roll_and_its_piece_hold_the_same_notes() -> None:
    rows = [(0, 0, 3, 60, 80), (0, 3, 4, 60, 70), (2, 1, 16, 40, 100)]
    grid = BeatGrid(tuple(Fraction(beat, 2) for beat in range(5)), (4, 4))
    piece = from_roll(roll_of(np.array(rows), 16), grid)
    assert sorted(map(tuple, piece.notes.tolist())) == sorted(rows)
    assert piece.seconds == 2.0


def test_cutting_ends_what_sounds_on_and_drops_what_began_before() -> None:
    piece = from_rows([(0, 0, 8, 60, 80), (0, 8, 24, 62, 80), (0, 24, 28, 64, 80)], 8)
    assert piece.cut(1, 4).notes.tolist() == [[0, 4, 16, 62, 80]]
    with pytest.raises(InputError, match="outside a piece of 8"):
        piece.cut(4, 8)


@pytest.mark.parametrize(
    ("rows", "message"),
    [([], "no notes"), ([(0, 40, 44, 60, 80)], "outside the piece"), ([(0, 0, 4, 130, 80)], "Pitches run")],
)
def test_what_cannot_be_measured_is_said(rows: list[tuple[int, int, int, int, int]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        validate(from_rows(rows, 8))


def test_times_must_rise() -> None:
    with pytest.raises(InputError, match="do not rise"):
        validate(Piece(np.array([[0, 0, 1, 60, 80]], np.int32), np.zeros(5)))


def test_volume_is_the_sum_of_what_sounds() -> None:
    piece = from_rows([(0, 0, 4, 60, 80), (2, 2, 6, 40, 50)], 2)
    assert volume_curve(piece).tolist() == [80, 80, 130, 130, 50, 50, 0, 0]


def test_empty_bars_are_counted() -> None:
    assert empty_bars(from_rows([(0, 0, 4, 60, 80), (0, 32, 33, 60, 80)], 16)) == 2
    assert empty_bars(from_rows([(0, 0, 64, 60, 80)], 16)) == 0


# --- pitch class histogram entropy ------------------------------------------------------------------------------


def test_twelve_pitch_classes_alike_give_log2_of_12() -> None:
    # Windows of 24 beats hold each of the twelve twice.
    assert pche.pche(scale(range(60, 72), 96), bars=6, hop_bars=6) == pytest.approx(math.log2(12))


def test_one_pitch_class_gives_0() -> None:
    assert pche.pche(scale([60, 72, 48], 96)) == 0


def test_windows_are_side_by_side_and_a_partial_one_is_dropped() -> None:
    first, second = [60] * 32, [60, 62] * 16
    whole = [(0, 4 * b, 4 * b + 4, pitch, 80) for b, pitch in enumerate(first + second)]
    rest = [(0, 4 * b, 4 * b + 4, 60 + b % 12, 80) for b in range(64, 92)]
    assert pche.pche(from_rows(whole + rest, 92)) == pytest.approx(0.5)


def test_musdr_windows_slide_by_a_bar_and_skip_silence() -> None:
    rows = [(0, 4 * b, 4 * b + 4, 60 + 2 * (b % 2), 80) for b in range(4)] + [(0, 48, 52, 60, 80)]
    assert pche.pche(from_rows(rows, 16), bars=1, hop_bars=1) == pytest.approx(0.5)


@given(shift=st.integers(-12, 12), seed=st.integers(0, 20))
@settings(max_examples=20, deadline=None)
def test_transposing_changes_neither_entropy_nor_key_share_nor_groove(shift: int, seed: int) -> None:
    piece = song(seed, 32)
    notes = piece.notes.copy()
    notes[:, 3] += shift
    moved = Piece(notes, piece.beat_times)
    assert pche.pche(moved) == pytest.approx(pche.pche(piece))
    assert key.in_key(moved) == pytest.approx(key.in_key(piece))
    assert gps.gps(moved) == gps.gps(piece)


# --- grooving pattern similarity --------------------------------------------------------------------------------


def test_bars_alike_give_1() -> None:
    assert gps.gps(scale([60, 64], 64)) == 1


def test_one_position_of_16_apart() -> None:
    rows = [(0, 0, 1, 60, 80), (0, 16, 17, 60, 80), (0, 20, 21, 60, 80)]
    assert gps.gps(from_rows(rows, 8)) == pytest.approx(1 - 1 / 16)
    assert gps.gps(from_rows(rows, 8), positions=64) == pytest.approx(1 - 1 / 64)


@given(st.integers(2, 12), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_the_short_way_over_all_pairs_is_the_long_way(bars: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [(0, s, s + 1, 60, 80) for s in range(16 * bars) if rng.random() < 0.4] or [(0, 0, 1, 60, 80)]
    piece = from_rows(rows, 4 * bars)
    grooves = gps.patterns(piece)
    pairs = [np.mean(grooves[i] == grooves[j]) for i in range(bars) for j in range(i)]
    assert gps.gps(piece) == pytest.approx(np.mean(pairs))


def test_less_than_two_bars_or_a_strange_grid_is_refused() -> None:
    with pytest.raises(InputError, match="pair of bars"):
        gps.gps(scale([60], 4))
    with pytest.raises(InputError, match="20 positions"):
        gps.gps(scale([60], 16), positions=20)


# --- key and melody ---------------------------------------------------------------------------------------------


def test_a_scale_is_in_its_key() -> None:
    assert key.best_key(scale([62 + p for p in MAJOR], 56)) == (2, 1.0)
    assert key.in_key(scale(range(60, 72), 96)) == pytest.approx(7 / 12)


def test_a_doubled_melody_is_heard() -> None:
    assert melody.polyphony(scale([60, 62], 16)) == 0
    rows = [(0, 0, 8, 60, 80), (0, 4, 8, 67, 80), (2, 0, 16, 40, 80)]
    assert melody.polyphony(from_rows(rows, 4)) == pytest.approx(0.5)


# --- structureness ----------------------------------------------------------------------------------------------


def fitness_by_the_book(matrix: np.ndarray, start: int, length: int) -> float:
    """Fitness of one passage, cell by cell: accumulated score, path family by backtracking, harmonic mean."""
    frames = len(matrix)
    part = matrix[:, start : start + length]
    score = np.full((frames, length + 1), -np.inf)
    score[0, 0], score[0, 1] = 0, part[0, 0]
    for n in range(1, frames):
        score[n, 0] = max(score[n - 1, 0], score[n - 1, length])
        score[n, 1] = score[n, 0] + part[n, 0]
        for m in range(2, length + 1):
            before = [(n - 1, m - 1), (n - 2, m - 1), (n - 1, m - 2)]
            score[n, m] = part[n, m - 1] + max(
                score[i, j] for i, j in before if (i >= 0 and j >= 1) or (i, j) == (-1, 1)
            )
    n, m = frames - 1, 0 if score[-1, 0] >= score[-1, length] else length
    total, cells, covered, end = max(score[-1, 0], score[-1, length]), 0, 0, n
    while n > 0 or m > 0:
        if m == 0:
            n, m = (n - 1, length) if score[n - 1, length] > score[n - 1, 0] else (n - 1, 0)
            end = n
            continue
        cells += 1
        if m == 1:
            covered += end - n + 1
            m = 0
            continue
        options = [(i, j) for i, j in ((n - 1, m - 1), (n - 2, m - 1), (n - 1, m - 2)) if i >= 0 and j >= 1]
        n, m = max(options, key=lambda place: score[place])
    normal_score, coverage = (total - length) / max(cells, 1), (covered - length) / frames
    return 2 * normal_score * coverage / (normal_score + coverage) if normal_score + coverage > 0 else 0.0


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_fitness_of_all_passages_at_once_is_that_of_each_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = np.where(rng.random((22, 22)) < 0.35, rng.random((22, 22)), -2.0)
    matrix = np.maximum(matrix, matrix.T)
    np.fill_diagonal(matrix, 1)
    for length in (2, 3, 5, 9, 22):
        expected = [fitness_by_the_book(matrix, start, length) for start in range(22 - length + 1)]
        assert si.fitness(matrix, length) == pytest.approx(expected, abs=1e-3)


def test_compiled_and_array_families_are_the_same() -> None:
    compiled = si._compiled()
    assert compiled is not None, "shotscore[train] brings numba"
    rng = np.random.default_rng(3)
    packed = (rng.integers(-(2 << 16), 1 << 16, (40, 40)) << 32) + 1
    for length in (1, 2, 3, 17, 40):
        np.testing.assert_array_equal(compiled(packed, length), si.best_families(packed, length))


def test_the_whole_piece_explains_nothing_but_itself() -> None:
    assert si.fitness(si.similarity(si.chroma(song(1))), 43 * 2 - 1).max() == pytest.approx(0, abs=1e-6)


def test_repetition_has_more_structure_than_a_random_walk() -> None:
    rng = np.random.default_rng(0)
    theme = rng.integers(48, 72, 16)
    repeated = scale(np.tile(theme, 4).tolist(), 64)
    wandering = scale(rng.integers(36, 96, 64).tolist(), 64)
    assert si.structureness(repeated).mean > si.structureness(wandering).mean + 0.15
    assert 0 <= si.structureness(wandering).mean <= 1


def test_a_piece_shorter_than_the_window_has_no_structure_there() -> None:
    assert si.structureness(scale([60, 64, 67], 16)).long == 0


# --- accent distance variance -----------------------------------------------------------------------------------


def test_even_accents_give_0_whatever_their_distance() -> None:
    for distance in (2, 4, 8):
        volume = np.zeros(64)
        volume[::distance] = 100
        assert adv.adv_of_volume(volume) == 0


def test_equation_2_by_hand() -> None:
    volume = np.zeros(64)
    places = np.array([0, 4, 8, 24, 28])
    volume[places] = 100
    distances = np.array([4, 4, 16, 4])
    normal = distances / distances.mean()
    x = 5 * normal[normal >= 0.5].var() / 16
    assert adv.adv_of_volume(volume) == pytest.approx(2 / (1 + math.exp(-x)) - 1)


def test_distances_below_the_threshold_are_deleted() -> None:
    volume = np.zeros(64)
    volume[[0, 1, 20, 21, 40, 41, 60]] = 100
    # 1, 19, 1, 19, 1, 19: the ones are deleted, and what is left does not vary.
    assert adv.adv_of_volume(volume) == 0


def test_noise_is_told_from_music() -> None:
    rng = np.random.default_rng(0)
    music = [adv.adv(song(seed, 128)) for seed in range(8)]
    noise = []
    for seed in range(8):
        notes = song(seed, 128).notes.copy()
        length = notes[:, 2] - notes[:, 1]
        notes[:, 1] = rng.integers(0, 512, len(notes))
        notes[:, 2] = np.minimum(512, notes[:, 1] + length)
        noise.append(adv.adv(Piece(notes, song(seed, 128).beat_times)))
    assert max(music) < min(noise)


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=200))
@settings(max_examples=60, deadline=None)
def test_adv_stays_between_0_and_1(values: list[float]) -> None:
    assert 0 <= adv.adv_of_volume(np.array(values)) <= 1


def test_a_curve_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="volume curve"):
        adv.adv_of_volume(np.array([1.0, -1.0]))


# --- novelty ----------------------------------------------------------------------------------------------------


def bar(pitches: Sequence[int], steps: Sequence[int] = (0, 4, 8, 12)) -> Piece:
    return from_rows([(0, s, s + 2, p, 80) for s, p in zip(steps, pitches, strict=True)], 4)


def test_a_known_bar_is_found_in_every_key() -> None:
    index = novelty.build([bar([60, 62, 64, 67])])
    assert novelty.novelty([bar([60, 62, 64, 67])], index).share == 0
    assert novelty.novelty([bar([65, 67, 69, 72])], index).share == 0


@pytest.mark.parametrize(
    "near",
    [
        bar([60, 62, 65, 67]),
        bar([60, 62, 64, 67], (0, 4, 9, 12)),
        bar([60, 62, 64, 65, 67], (0, 4, 8, 10, 12)),
        bar([61, 62, 64, 67]),
    ],
)
def test_one_note_changed_moved_or_added_is_nearly_found(near: Piece) -> None:
    result = novelty.novelty([near], novelty.build([bar([60, 62, 64, 67])]))
    assert (result.share, result.share_nearly) == (1, 0)


def test_two_notes_changed_is_new() -> None:
    result = novelty.novelty([bar([60, 63, 65, 67])], novelty.build([bar([60, 62, 64, 67])]))
    assert (result.share, result.share_nearly) == (1, 1)


def test_the_index_is_read_as_it_was_written(tmp_path) -> None:  # type: ignore[no-untyped-def]
    index = novelty.build([song(1), song(2)], [7, 5])
    novelty.save(index, tmp_path / "index.npz")
    again = novelty.load(tmp_path / "index.npz")
    assert again.exact.tolist() == index.exact.tolist() == sorted(set(index.exact.tolist()))
    assert again.songs.tolist() == [5, 7]
    (tmp_path / "other.npz").write_bytes(b"no index")
    with pytest.raises(InputError, match="no training melodies"):
        novelty.load(tmp_path / "other.npz")


def test_without_a_melody_nothing_is_new() -> None:
    result = novelty.novelty([scale([60], 16, part=2)], novelty.build([song(1)]))
    assert (result.bars, result.share, result.share_nearly) == (0, 0, 0)


# --- retrieval --------------------------------------------------------------------------------------------------


def test_the_same_features_are_always_found_first() -> None:
    rows = np.random.default_rng(0).normal(size=(80, 20)).astype(np.float32)
    found = retrieval.retrieve(rows, rows)
    assert found.precision == {5: 100, 10: 100, 20: 100}
    assert found.candidates == 60


def test_unrelated_features_are_found_by_chance() -> None:
    rng = np.random.default_rng(0)
    found = retrieval.retrieve(
        rng.normal(size=(400, 50)).astype(np.float32), rng.normal(size=(400, 50)).astype(np.float32)
    )
    for k, chance in {5: 8.33, 10: 16.67, 20: 33.33}.items():
        assert found.chance[k] == pytest.approx(chance, abs=0.01)
        assert found.precision[k] == pytest.approx(chance, abs=6)


def test_expected_rank_is_that_of_many_draws() -> None:
    rng = np.random.default_rng(1)
    real = rng.normal(size=(100, 6)).astype(np.float32)
    made = (real + rng.normal(size=real.shape)).astype(np.float32)
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (made, real)]
    similar = unit[0] @ unit[1].T
    hits = []
    for i in range(100):
        others = [j for j in range(100) if j != i]
        for _ in range(40):
            drawn = rng.choice(others, 59, replace=False)
            hits.append(np.sum(similar[i, drawn] > similar[i, i]) < 5)
    assert retrieval.retrieve(made, real).precision[5] == pytest.approx(100 * np.mean(hits), abs=2)


def test_features_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(InputError, match="cannot be ranked"):
        retrieval.retrieve(np.zeros((3, 4), np.float32), np.zeros((4, 4), np.float32))


def test_musicnn_hears_the_same_in_the_same_sound() -> None:
    times = np.arange(16_000 * 4) / 16_000
    low, high = (np.sin(2 * np.pi * f * times).astype(np.float32) for f in (110.0, 1760.0))
    heard = [retrieval.features(sound) for sound in (low, low, high)]
    assert heard[0].shape == (retrieval.FEATURES,)
    assert heard[0].tolist() == heard[1].tolist()
    assert np.abs(heard[0] - heard[2]).max() > 0.1
    with pytest.raises(InputError, match="too short"):
        retrieval.features(low[:1000])


def test_a_tone_lights_its_own_mel_band() -> None:
    times = np.arange(16_000 * 4) / 16_000
    bands = [int(retrieval.mel_patches(np.sin(2 * np.pi * f * times).astype(np.float32))[0].mean(0).argmax())
             for f in (200.0, 400.0, 3000.0)]  # fmt: skip
    # 96 bands from 0 to 8 kHz, 45.2 mel of Slaney's in all: 3 mel a 200 Hz below 1 kHz.
    assert bands[0] < bands[1] < bands[2]
    assert bands[1] - bands[0] == pytest.approx(3 / (45.2 / 97), abs=1)


# --- conditioning -----------------------------------------------------------------------------------------------


def test_density_that_follows_and_density_that_does_not() -> None:
    rows = [(0, 16 * b + 2 * n, 16 * b + 2 * n + 1, 60, 80) for b in range(8) for n in range(b + 1)]
    piece = from_rows(rows, 32)
    rising = np.repeat(np.linspace(0, 1, 8), 4)
    assert conditioning.density_follows_motion(piece, rising) == pytest.approx(1)
    assert conditioning.density_follows_motion(piece, 1 - rising) == pytest.approx(-1)
    assert conditioning.density_follows_motion(piece, np.ones(32)) == 0
    with pytest.raises(InputError, match="one number a beat"):
        conditioning.density_follows_motion(piece, np.ones(31))


def test_major_where_glad_and_minor_where_sad() -> None:
    major = scale([60, 64, 67, 72, 62, 65, 69, 67, 59], 32)
    minor = scale([60, 63, 67, 72, 62, 65, 68, 67, 63], 32)
    assert conditioning.majorness(major).min() > 0 > conditioning.majorness(minor).max()
    glad, sad = np.full(32, 0.8), np.full(32, -0.8)
    assert conditioning.mode_follows_valence([major, minor], [glad, sad]) > 0.8


def test_accents_on_cuts() -> None:
    rows = [(2, 16 * b, 16 * b + 8, 40, 110) for b in range(8)] + [(0, 2 * i, 2 * i + 1, 70, 30) for i in range(64)]
    piece = from_rows(rows, 32)
    on, off = conditioning.accents_on_cuts(piece, [4, 8, 12]), conditioning.accents_on_cuts(piece, [5, 10, 15])
    assert on is not None
    assert off is not None
    assert on > 0.5 > 0 >= off
    assert conditioning.accents_on_cuts(piece, [0, 99]) is None


# --- reports ----------------------------------------------------------------------------------------------------


def test_intervals_hold_the_mean_and_shrink_with_more_pieces() -> None:
    rng = np.random.default_rng(0)
    few, many = (summarise(rng.normal(size=n).tolist()) for n in (10, 1000))
    assert few.low < few.mean < few.high
    assert many.high - many.low < few.high - few.low
    with pytest.raises(InputError, match="no values"):
        summarise([])
    with pytest.raises(InputError, match="nan cannot be averaged"):
        summarise([1.0, math.nan])


def test_reports_are_means_over_pieces() -> None:
    pieces = [song(seed, 32) for seed in range(3)]
    for metric, one in (
        (pche, pche.pche),
        (gps, gps.gps),
        (key, key.in_key),
        (melody, melody.polyphony),
        (adv, adv.adv),
    ):
        assert metric.report(pieces).mean == pytest.approx(np.mean([one(piece) for piece in pieces]))
