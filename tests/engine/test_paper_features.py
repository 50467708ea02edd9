"""BGM909's files, made in their published layout and read back in real time."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from shotscore_engine.errors import InputError
from shotscore_engine.features.paper import describe_paper, read_shots
from shotscore_engine.tempo import BeatGrid

SHOTS = "0 49\n50 149\n150 249\n"  # 2 s, 4 s, 4 s at 25 frames a second


@pytest.fixture
def bgm909(tmp_path: Path) -> Path:
    """Song 001: row i of the video features holds i, row j of the captions holds j."""
    for folder in ("new_raw_video_feats", "caption_feats", "detection"):
        (tmp_path / folder).mkdir()
    torch.save(torch.arange(100).float()[:, None].repeat(1, 512), tmp_path / "new_raw_video_feats" / "001.pth")
    np.save(tmp_path / "caption_feats" / "001.npy", np.repeat(np.arange(3.0)[:, None], 768, axis=1))
    (tmp_path / "detection" / "001_scenes.txt").write_text(SHOTS)
    return tmp_path


def grid(bpm: int, beats: int) -> BeatGrid:
    return BeatGrid(tuple(Fraction(60, bpm) * beat for beat in range(beats + 1)), (4, 4))


@pytest.mark.parametrize("bpm", [60, 90, 171])
def test_rows_stand_in_real_time_at_any_tempo(bgm909: Path, bpm: int) -> None:
    found = describe_paper(bgm909, 1, grid(bpm, 9))
    middles = (np.arange(9) + 0.5) * 60 / bpm
    np.testing.assert_array_equal(found.shot_of_beat, np.searchsorted([2, 6], middles, side="right"))
    np.testing.assert_array_equal(found.language[:, 0], found.shot_of_beat)
    assert found.visual.shape == (9, 512)
    # 100 rows over 10 s: a row every tenth of a second.
    np.testing.assert_allclose((found.visual[:, 0] + 0.5) / 10, middles, atol=0.1)
    assert len(found.captions) == 3


def test_captions_that_are_not_one_a_shot_are_spread_over_the_video(bgm909: Path) -> None:
    np.save(bgm909 / "caption_feats" / "001.npy", np.repeat(np.arange(10.0)[:, None], 768, axis=1))
    found = describe_paper(bgm909, 1, grid(60, 10))
    np.testing.assert_array_equal(found.language[:, 0], np.arange(10))


def test_a_song_longer_than_its_video_keeps_the_last_frame(bgm909: Path) -> None:
    found = describe_paper(bgm909, 1, grid(60, 14))
    assert found.shot_of_beat[-1] == 2
    assert found.visual[-1, 0] == 99


def test_an_offset_moves_the_video_under_the_music(bgm909: Path) -> None:
    found = describe_paper(bgm909, 1, grid(60, 4), video_start=Fraction(5))
    np.testing.assert_array_equal(found.shot_of_beat, [1, 2, 2, 2])


@pytest.mark.parametrize("text", ["", "0 x", "10 5", "0 20\n10 30"])
def test_a_malformed_shot_list_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "001_scenes.txt"
    path.write_text(text)
    with pytest.raises(InputError, match="001_scenes"):
        read_shots(path)


def test_left_out_missing_and_malformed_songs_are_refused(bgm909: Path) -> None:
    with pytest.raises(InputError, match="leaves out"):
        describe_paper(bgm909, 203, grid(60, 4))
    with pytest.raises(InputError, match="cannot be read"):
        describe_paper(bgm909, 2, grid(60, 4))
    np.save(bgm909 / "caption_feats" / "001.npy", np.zeros((3, 512)))
    with pytest.raises(InputError, match=r"\(rows, 768\)"):
        describe_paper(bgm909, 1, grid(60, 4))
    (bgm909 / "new_raw_video_feats" / "001.pth").write_bytes(b"not a tensor")
    with pytest.raises(InputError, match="tensor"):
        describe_paper(bgm909, 1, grid(60, 4))


def test_a_pickle_that_runs_code_is_refused(bgm909: Path, tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (tmp_path / "exploded",)

    torch.save(Bomb(), bgm909 / "new_raw_video_feats" / "001.pth")
    with pytest.raises(InputError, match="tensor"):
        describe_paper(bgm909, 1, grid(60, 4))
    assert not (tmp_path / "exploded").exists()
