"""The evaluation on songs made by the tests: what it asks for, what it measures, what it answers."""

import json
import subprocess
import sys
from pathlib import Path

import mido
import numpy as np
import pytest
from shotscore_engine.denoiser import Condition
from shotscore_engine.errors import InputError
from shotscore_engine.features import VISUAL_NAMES
from shotscore_engine.metrics.novelty import Index, load
from shotscore_engine.metrics.piece import from_rows
from shotscore_engine.roll import Roll, roll_of
from shotscore_engine.training import evaluate, novelty_index, piano, piece_midi
from shotscore_engine.training.data import load_pop909
from shotscore_engine.training.evaluate import CONTROLS, SHIPPED, TABLE_1, TABLE_2, Experiment
from shotscore_engine.training.real import excerpt, first_beat, song_ids
from shotscore_engine.training.split import EXCLUDED, split_of

BEATS = 48
MOTION = VISUAL_NAMES.index("motion")


def write_song(folder: Path, number: str, seed: int, beats: int = BEATS) -> None:
    """A song in POP909's layout whose density rises and falls; the second bar is its first with notes."""
    rng = np.random.default_rng(seed)
    song = folder / number
    song.mkdir(parents=True)
    rows = [(0, 16 * bar + 4 * i, 16 * bar + 4 * i + 3, 72 + int(rng.choice([0, 2, 4, 7, 9])), 90)
            for bar in range(1, beats // 4) for i in range(4)]  # fmt: skip
    for bar in range(1, beats // 4):
        count = 1 + 7 * (bar % 6) // 5
        rows += [(2, 16 * bar + 2 * i, 16 * bar + 2 * i + 2, 48 + (0, 4, 7, 12)[i % 4], 70) for i in range(count)]
    (song / f"{number}.mid").write_bytes(piece_midi.to_bytes(from_rows(rows, beats, bpm=100)))
    lines = [f"{b * 0.6:.6f} {float(b % 2 == 0)} {float(b % 4 == 0)}" for b in range(beats + 1)]
    (song / "beat_midi.txt").write_text("\n".join(lines))
    (song / "key_audio.txt").write_text(f"0.0\t{beats}\tC:maj\n")


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pop909")
    for seed, number in enumerate(("001", "002", "777")):
        write_song(folder, number, seed)
    write_song(folder, "003", 9, beats=20)
    return folder


def obedient(condition: Condition, *, seed: int, selector: str) -> Roll:
    """Plays as many notes in a bar as it was told of motion."""
    rng = np.random.default_rng([seed, len(selector)])
    rows = []
    for bar in range(condition.beats // 4):
        wanted = condition.visual[4 * bar : 4 * bar + 4, MOTION].mean()
        count = 1 + int(15 * wanted)
        rows += [(2, 16 * bar + s, 16 * bar + s + 1, 60 + condition.shift, 80) for s in range(count)]
        rows += [(0, 16 * bar + 4 * i, 16 * bar + 4 * i + 2, 72 + int(rng.integers(0, 12)), 80) for i in range(4)]
    return roll_of(np.array(rows), 4 * condition.beats)


# --- the split --------------------------------------------------------------------------------------------------


def test_the_split_is_fixed() -> None:
    splits = [split_of(f"{n:03}") for n in range(1, 910)]
    assert {name: splits.count(name) for name in set(splits)} == {
        "test": 101, "validation": 26, "train": 780, "excluded": 2,
    }  # fmt: skip
    assert split_of("004") == "test"
    assert split_of("007") == "validation"
    assert {split_of(str(n)) for n in EXCLUDED} == {"excluded"}
    for name in ("", "4a", "²"):
        with pytest.raises(InputError, match="not the number"):
            split_of(name)


# --- real pieces ------------------------------------------------------------------------------------------------


def test_a_piece_begins_with_the_bar_of_the_first_note(songs: Path) -> None:
    song = load_pop909(songs / "001")
    assert first_beat(song) == 4
    piece = excerpt(song)
    assert piece.notes[0, 1] == 0
    assert piece.beats == BEATS - 4
    with pytest.raises(InputError, match="leave it out"):
        excerpt(load_pop909(songs / "003"))


def test_songs_are_folders_with_their_midi(songs: Path, tmp_path: Path) -> None:
    assert song_ids(songs) == ["001", "002", "003", "777"]
    with pytest.raises(InputError, match="holds no song"):
        song_ids(tmp_path)
    with pytest.raises(InputError, match="not a folder"):
        song_ids(tmp_path / "nowhere")


def test_songs_training_has_seen_are_known_by_their_files(songs: Path, tmp_path: Path) -> None:
    index = novelty_index.index_of(songs)
    assert len(index.songs) == sum(split_of(song) != "test" for song in song_ids(songs))
    with pytest.raises(InputError, match="used in training"):
        evaluate.unseen_ids(songs, Index(index.exact, index.less_one, np.array(
            sorted(novelty_index.digest(songs / s / f"{s}.mid") for s in song_ids(songs)), np.uint64)))  # fmt: skip
    out = tmp_path / "index.npz"
    novelty_index.main([str(songs), str(out)])
    assert load(out).exact.tolist() == index.exact.tolist()


# --- MIDI and sound ---------------------------------------------------------------------------------------------


def test_a_piece_as_midi_keeps_its_notes_tempo_and_tracks(tmp_path: Path) -> None:
    piece = from_rows([(0, 0, 4, 60, 80), (1, 4, 5, 64, 70), (2, 5, 16, 40, 100), (2, 16, 20, 40, 90)], 8, bpm=90)
    path = tmp_path / "piece.mid"
    path.write_bytes(piece_midi.to_bytes(piece))
    file = mido.MidiFile(path)
    assert [track.name for track in file.tracks[1:]] == list(piece_midi.TRACKS)
    assert file.length == pytest.approx(8 * 60 / 90, abs=1e-3)
    found = []
    for part, track in enumerate(file.tracks[1:]):
        now, open_notes = 0, {}
        for message in track:
            now += message.time
            if message.type == "note_on":
                open_notes[message.note] = (now, message.velocity)
            elif message.type == "note_off":
                begin, velocity = open_notes.pop(message.note)
                found.append((part, begin // 120, now // 120, message.note, velocity))
    assert sorted(found) == sorted(map(tuple, piece.notes.tolist()))


def test_a_piece_sounds_at_its_pitch_and_as_long_as_it_is() -> None:
    audio = piano.render(from_rows([(0, 0, 4, 69, 100), (0, 12, 16, 69, 100)], 4, bpm=60))
    assert len(audio) / 16_000 == pytest.approx(4, abs=0.2)
    assert int(np.abs(np.fft.rfft(audio[:16_000])).argmax()) == pytest.approx(440, abs=1)
    assert np.abs(audio[:8_000]).max() > 10 * np.abs(audio[40_000:46_000]).max()
    soft = piano.render(from_rows([(0, 0, 4, 69, 30)], 4, bpm=60))
    assert np.abs(soft).max() < np.abs(audio).max() / 3


# --- the evaluation ---------------------------------------------------------------------------------------------


def test_the_tables_hold_every_row_of_the_paper() -> None:
    assert [e.selector for e in TABLE_1] == [
        "video",
        "language",
        "random",
        "concat",
        "video+language",
        "language+video",
    ]
    assert [name for name, _ in evaluate.PAPER_1[1:]] == [e.name for e in TABLE_1]
    assert [(e.mask, e.k) for e in TABLE_2[:4]] == [("fixed", k) for k in (32, 16, 8, 4)]
    assert [e.mask for e in TABLE_2[4:]] == ["dynamic", "shot", "aligned"]
    assert [name for name, _ in evaluate.PAPER_2[1:]] == [e.name for e in TABLE_2[:5]]
    assert {e.shuffled for e in CONTROLS} == {True, False}
    once = evaluate.experiments_of([1, 2])
    assert len(once) == len({e.settings for e in once}) == len(TABLE_1) + len(TABLE_2) + len(CONTROLS) - 1
    assert evaluate.experiments_of([]) == (SHIPPED,)


@pytest.fixture(scope="module")
def judged(songs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[evaluate.Judged, Path]:
    out = tmp_path_factory.mktemp("out")
    experiments = (SHIPPED, Experiment("shuffled", shuffled=True))
    return evaluate.evaluate(songs, obedient, experiments=experiments, seeds=(1, 2), out=out), out


def test_a_composer_that_obeys_is_told_from_one_whose_picture_is_anothers(judged: tuple[evaluate.Judged, Path]) -> None:
    found, _ = judged
    assert found.songs == ("001", "002", "777")
    assert found.left_out == ("003",)
    assert found.seen == ()
    assert found.rows[0].density_spearman.mean > 0.8
    assert found.rows[0].numbers["empty_bars"].mean == 0
    assert len(found.rows[0].seeds["pche"]) == 2


def test_the_answer_has_its_stable_keys_and_tells_what_is_in_the_files(judged: tuple[evaluate.Judged, Path]) -> None:
    found, out = judged
    told = json.loads(json.dumps(evaluate.answer(found)))
    assert told["songs"] == 3
    for row in ("real", "generated"):
        assert set(told[row]) == {"pche", "gps", "si", "adv"}
    assert {"p_at_5", "p_at_10", "p_at_20", "density_spearman"} <= set(told)
    assert set(told["novelty"]) == {"generated", "real"}
    assert sorted(p.name for p in (out / "real").iterdir()) == ["001.mid", "002.mid", "777.mid"]
    assert sorted(p.name for p in (out / "generated").iterdir()) == ["001.mid", "002.mid", "777.mid"]
    assert (out / "generated_seed_2").is_dir()
    assert len(told["rows"]) == 2


def test_the_table_sets_the_papers_rows_beside_ours_and_warns(judged: tuple[evaluate.Judged, Path]) -> None:
    text = evaluate.markdown(judged[0], [1, 2])
    first, second, controls = text.split("**Table 2**")[0], text.split("**Table 2**")[1], text.split("**Controls**")[1]
    assert "| Diff-BGM: Only Video | 2.835 | 0.514 | 0.396 |" in first
    # One measurement is a row of both tables, under the name it has there; what was not measured is not there.
    assert "| Ours: Language+Video |" in first
    assert "| Ours: Aligned (ours) |" in second
    assert "| Ours: Only Video |" not in text
    assert "| Ours: shuffled |" in controls
    assert "must not be compared" in text


def test_nothing_of_the_song_but_features_reaches_the_composer(songs: Path) -> None:
    seen: list[Condition] = []

    def watching(condition: Condition, *, seed: int, selector: str) -> Roll:
        seen.append(condition)
        return obedient(condition, seed=seed, selector=selector)

    candidates, _ = evaluate.read_candidates(songs, ["001", "002"])
    withheld = Experiment("all withheld", withheld=("key", "mode", "tempo", "density", "loudness"), without_key=True)
    for experiment in (SHIPPED, withheld):
        evaluate.compose(candidates, 0, experiment, watching, 1)
    told, less = seen
    assert told.frame.density is not None
    assert (less.frame.density, less.frame.loudness, less.frame.bpm, less.frame.minor) == (None, None, None, None)
    assert less.tonic == 0
    # Two numbers a beat say how much, none says which pitch: no array has room for notes.
    widths = {name: np.asarray(value).shape[1:] for name, value in vars(told.frame).items() if value is not None}
    assert set(widths.values()) <= {(), (3,), (8,)}  # parts; the groove, which the plan takes from training songs


def test_a_silent_composer_is_judged_as_silent(songs: Path) -> None:
    def mute(condition: Condition, *, seed: int, selector: str) -> Roll:
        return roll_of(np.zeros((0, 5), int), 4 * condition.beats if seed and selector else 0)

    row = evaluate.evaluate(songs, mute, ids=["001", "002"], seeds=(1,)).rows[0]
    assert row.numbers["empty_bars"].mean == (BEATS - 4) / 4
    assert row.density_spearman.mean == 0
    assert (row.novelty.bars, row.accents_on_cuts) == (0, None)


def test_too_few_songs_and_unknown_songs_are_refused(songs: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no song 999"):
        evaluate.evaluate(songs, obedient, ids=["999"])
    with pytest.raises(InputError, match="at least two"):
        evaluate.evaluate(songs, obedient, ids=["001", "003"])
    (tmp_path / "list.txt").write_text("\n 001 \n002\n")
    assert evaluate.read_song_list(tmp_path / "list.txt") == ["001", "002"]
    with pytest.raises(InputError, match="cannot be read"):
        evaluate.read_song_list(tmp_path / "none.txt")


def test_the_command_runs_the_shipped_model(songs: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("001\n002\n")
    command = [sys.executable, "-m", "shotscore_engine.training.evaluate", "--pop909", str(songs), "--seeds", "1",
               "--songs", str(tmp_path / "list.txt"), "--steps", "2", "--workers", "1",
               "--out", str(tmp_path / "out")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["songs"] == 2
    assert json.loads((tmp_path / "out" / "answer.json").read_text()) == told
    assert "| Ours: real (2 songs" in (tmp_path / "out" / "table.md").read_text()


def test_bad_input_ends_with_2_and_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main(["--pop909", str(tmp_path / "nowhere")]) == 2
    assert "not a folder" in capsys.readouterr().err
