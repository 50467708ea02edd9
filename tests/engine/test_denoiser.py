"""The shipped model on real conditions: reproducible, steered, and deaf to nothing that is known."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from shotscore_engine.denoiser import Condition, Denoiser, Known, choose_device
from shotscore_engine.errors import Cancelled, ModelError, RequestError
from shotscore_engine.features import VISUAL_NAMES, BeatFeatures
from shotscore_engine.features.language import encode
from shotscore_engine.grid import constant_grid
from shotscore_engine.masks import hit_beats
from shotscore_engine.plan import choose_key, condition_for, form, key_of
from shotscore_engine.roll import Roll, notes_of
from shotscore_engine.spotting import Hit

BEATS = 32


@pytest.fixture(scope="module")
def model() -> Denoiser:
    return Denoiser(device="cpu")


def features(beats: int = BEATS, energy: float = 0.6, valence: float = 0.4, arousal: float = 0.1) -> BeatFeatures:
    visual = np.zeros((beats, len(VISUAL_NAMES)), np.float32)
    visual[:, VISUAL_NAMES.index("motion")] = energy
    visual[:, VISUAL_NAMES.index("brightness")] = 0.45 + 0.2 * valence
    words = "Children run through a sunny park" if valence > 0 else "An empty house stands in the rain"
    return BeatFeatures(
        language=np.repeat(encode([words]), beats, axis=0),
        visual=visual,
        valence=np.full(beats, valence, np.float32),
        arousal=np.full(beats, arousal, np.float32),
        energy=np.full(beats, energy, np.float32),
        shot_of_beat=np.zeros(beats, np.int32),
        captions=(words,),
    )


def condition(key: str = "C major", **about: float) -> Condition:
    grid = constant_grid(Fraction(100), Fraction(0), (4, 4), Fraction(60 * BEATS, 100))
    return condition_for(features(grid.beats, **about), grid, key=key)


def same(a: Roll, b: Roll) -> bool:
    return all(np.array_equal(getattr(a, n), getattr(b, n)) for n in ("onset", "sustain", "velocity"))


def test_one_seed_one_music(model: Denoiser) -> None:
    one = model.generate(condition(), seed=3, steps=8)
    assert same(one, model.generate(condition(), seed=3, steps=8))
    assert not same(one, model.generate(condition(), seed=4, steps=8))
    assert one.onset.any()


def test_the_key_only_transposes(model: Denoiser) -> None:
    one = model.generate(condition("C major"), seed=3, steps=6)
    other = model.generate(condition("D major"), seed=3, steps=6)
    assert same(one.shifted(2), other)


def test_more_energy_more_notes(model: Denoiser) -> None:
    calm = sum(len(notes_of(model.generate(condition(energy=0.1), seed=s, steps=10))) for s in range(2))
    full = sum(len(notes_of(model.generate(condition(energy=0.95), seed=s, steps=10))) for s in range(2))
    assert full > 1.3 * calm


def test_known_notes_stay_and_the_rest_is_new(model: Denoiser) -> None:
    first = model.generate(condition(), seed=1, steps=8)
    mask = np.ones((BEATS, 3), bool)
    mask[8:16] = False
    mask[8:16, 0] = True  # the melody stays everywhere
    again = model.generate(condition(), seed=2, steps=8, known=Known(first, mask))
    steps = np.repeat(mask.T, 4, axis=1)
    assert np.array_equal(again.onset[steps], first.onset[steps])
    assert np.array_equal(again.velocity[steps], first.velocity[steps])
    assert not np.array_equal(again.onset[~steps], first.onset[~steps])
    before = notes_of(first)
    kept = before[(before[:, 2] <= 32) | (before[:, 1] >= 64)]
    after = {tuple(note) for note in notes_of(again).tolist()}
    assert all(tuple(note) in after for note in kept.tolist())


def test_all_known_changes_nothing(model: Denoiser) -> None:
    first = model.generate(condition(), seed=1, steps=6)
    again = model.generate(condition(), seed=9, steps=6, known=Known(first, np.ones((BEATS, 3), bool)))
    assert same(first, again)


def test_a_small_variation_stays_nearer_than_a_new_take(model: Denoiser) -> None:
    first = model.generate(condition(), seed=1, steps=10)
    free = np.zeros((BEATS, 3), bool)

    def shared(other: Roll) -> float:
        return 2 * float((first.onset & other.onset).sum()) / float(first.onset.sum() + other.onset.sum())

    slight = model.generate(condition(), seed=2, steps=10, known=Known(first, free), variation=0.15)
    new = model.generate(condition(), seed=2, steps=10, known=Known(first, free), variation=1.0)
    assert shared(slight) > shared(new) + 0.2


def test_progress_may_cancel(model: Denoiser) -> None:
    def stop(stage: str, done: float) -> None:
        assert stage == "denoise"
        if done >= 0.5:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled, match="stopped"):
        model.generate(condition(), seed=1, steps=6, progress=stop)


def test_rolls_on_the_way_are_told_at_their_times(model: Denoiser) -> None:
    seen: list[float] = []
    model.generate(
        condition(), seed=1, steps=10, on_roll=lambda t, roll: seen.append(t), roll_times=(1000.0, 400.0, 0.0)
    )
    assert seen == [1000.0, 400.0, 0.0]


def test_conditions_that_do_not_fit_are_refused(model: Denoiser) -> None:
    wrong = replace(condition(), language=np.zeros((3, 384), np.float32))
    with pytest.raises(RequestError, match=r"\(3, 384\)"):
        model.generate(wrong, seed=1)
    with pytest.raises(RequestError, match="variation"):
        model.generate(condition(), seed=1, variation=0.0)


def test_files_that_are_no_denoiser_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        Denoiser(tmp_path / "none.onnx")
    text = tmp_path / "text.onnx"
    text.write_text("not a model")
    with pytest.raises(ModelError, match="not a model"):
        Denoiser(text)
    empty = tmp_path / "empty.onnx"
    empty.touch()
    with pytest.raises(ModelError, match="0 bytes"):
        Denoiser(empty)
    other = Path(__file__).parents[2] / "engine" / "shotscore_engine" / "models" / "minilm.onnx"
    with pytest.raises(ModelError, match="lacks the inputs"):
        Denoiser(other)


def test_the_processor_is_always_there_and_asking_for_what_is_not_is_told() -> None:
    import onnxruntime

    assert choose_device("cpu").provider == "CPUExecutionProvider"
    if "CoreMLExecutionProvider" not in onnxruntime.get_available_providers():
        with pytest.raises(RequestError, match="coreml"):
            choose_device("coreml")


@pytest.mark.parametrize(
    ("name", "tonic", "minor"),
    [("C major", 0, False), ("A minor", 0, True), ("F# minor", 9, True), ("Bb major", 10, False)],
)
def test_keys(name: str, tonic: int, minor: bool) -> None:
    assert key_of(name) == (tonic, minor)


@pytest.mark.parametrize("name", ["H major", "C", "C dorian", "C## major", ""])
def test_what_is_no_key_is_refused(name: str) -> None:
    with pytest.raises(RequestError, match="not a key"):
        key_of(name)


def test_sad_pictures_choose_minor() -> None:
    assert choose_key(features(valence=-0.6), 1).endswith("minor")
    assert choose_key(features(valence=0.6), 1).endswith("major")


def test_phrases_cover_the_cue_and_begin_at_cuts() -> None:
    grid = constant_grid(Fraction(120), Fraction(0), (4, 4), Fraction(64))
    look = features(grid.beats)
    section, position, left = form(grid, look, cuts=[24])
    starts = np.flatnonzero(position == 0)
    assert 24 in starts
    assert (starts % 4 == 0).all()
    assert ((position + left)[starts] == np.diff([*starts, grid.beats])).all()
    assert section.min() >= 0


def test_hits_become_their_nearest_beats_once() -> None:
    grid = constant_grid(Fraction(60), Fraction(0), (4, 4), Fraction(20))
    hits = [Hit(frame, "cut", weight, 2) for frame, weight in ((0, 1.0), (47, 1.0), (49, 1.0), (96, 0.1), (120, 0.8))]
    assert hit_beats(hits, grid, Fraction(24), 0) == (0, 2, 5)
