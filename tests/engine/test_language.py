"""The sentence encoder, the scene bank, and words read as mood."""

import subprocess
import sys

import numpy as np
import pytest
from shotscore_engine.features import LANGUAGE_WIDTH
from shotscore_engine.features.language import STYLES, encode, is_word, project, scene_bank
from shotscore_engine.features.mood import style_direction, text_mood


def test_rows_are_unit_and_meaning_is_near() -> None:
    rows = encode(["A dog runs along the beach", "A puppy races by the sea", "The parliament votes on a tax law"])
    assert rows.shape == (3, LANGUAGE_WIDTH)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.3


def test_a_row_depends_on_its_sentence_alone() -> None:
    alone = encode(["Snow falls"])
    among = encode(["A very long sentence about a train that crosses a bridge at night in the rain", "Snow falls", "x"])
    np.testing.assert_allclose(among[1], alone[0], atol=1e-5)
    np.testing.assert_array_equal(encode(["Snow falls", "Snow falls"]), np.repeat(alone, 2, axis=0))


def test_no_sentence_gives_no_row_and_long_text_is_cut() -> None:
    assert encode([]).shape == (0, LANGUAGE_WIDTH)
    assert encode(["rain " * 2000, ""]).shape == (2, LANGUAGE_WIDTH)


def test_the_bank_covers_the_plane_evenly() -> None:
    bank = scene_bank()
    assert len(bank) >= 480
    assert len({scene.sentence for scene in bank}) == len(bank)
    assert {scene.style for scene in bank} == set(STYLES)
    assert all(8 <= len(scene.sentence.split()) <= 18 for scene in bank)
    points = np.array([(scene.valence, scene.arousal) for scene in bank])
    assert np.abs(points).max() <= 1
    cells, _, _ = np.histogram2d(*points.T, bins=[np.linspace(-1, 1, 6)] * 2)
    assert cells.min() >= 0.8 * cells.mean()
    assert cells.max() <= 1.25 * cells.mean()
    for style in STYLES:
        quadrants = {(scene.valence > 0, scene.arousal > 0) for scene in bank if scene.style == style}
        assert len(quadrants) == 4, style


def test_the_bank_has_unit_variance_in_its_components() -> None:
    places = project(encode([scene.sentence for scene in scene_bank()]))
    assert places.shape == (len(scene_bank()), 8)
    np.testing.assert_allclose(places.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(places.std(0), 1, atol=1e-3)


@pytest.mark.parametrize(
    ("lower", "higher", "axis"),
    [
        ("Mourners weep at a graveside", "Children laugh at a birthday party", 0),
        ("a lonely, hopeless winter", "joyful summer love", 0),
        ("a calm lake at dawn", "an explosive car chase", 1),
        ("slow quiet meditation", "wild dancing crowd", 1),
    ],
)
def test_words_are_read_as_mood(lower: str, higher: str, axis: int) -> None:
    assert text_mood(lower)[axis] < text_mood(higher)[axis] - 0.3


def test_styles_point_towards_their_own_sentences() -> None:
    rows = encode(["A village choir and a fiddler under the old oak", "A robot arm in a neon-lit data centre"])
    folk, electronic = style_direction(STYLES.index("Folk")), style_direction(STYLES.index("Electronic"))
    assert rows[0] @ folk > rows[0] @ electronic
    assert rows[1] @ electronic > rows[1] @ folk


def test_words_and_numbering() -> None:
    assert is_word("harbour")
    assert not is_word("qzxv")


def test_importing_the_features_imports_nothing_heavy() -> None:
    heavy = "torch", "onnxruntime", "tokenizers", "cv2", "av", "PySide6"
    code = (
        "import sys; import shotscore_engine.features.describe, shotscore_engine.features.paper;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
