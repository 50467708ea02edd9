"""Songs read exactly: POP909's and MusicXML's layouts written by the tests, pairs made of them, training from them."""

import json
import zipfile
from pathlib import Path

import mido
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from shotscore_engine.conditions import FRAME_SLICES, FRAME_WIDTH, FrameCondition
from shotscore_engine.errors import InputError
from shotscore_engine.features import VISUAL_NAMES
from shotscore_engine.training import dataset, train
from shotscore_engine.training.data import best_offset, load_openscore, load_pop909, load_songs, save_songs
from shotscore_engine.training.latents import canonical_shift
from shotscore_engine.training.pairs import bridges, curves, make_pair, measure_scale, withhold
from shotscore_engine.training.rolls import dense
from shotscore_engine.training.scene_bank import load_bank
from shotscore_engine.training.stand_in import stand_in
from shotscore_engine.training.train_denoiser import draw_known

BEATS = 280
BPM = 90


def write_song(folder: Path, number: str, transpose: int = 0) -> Path:
    """A song in POP909's layout: broken chords, a tune over them, four beats to the bar, the first beat at 0.5 s."""
    song = folder / number
    song.mkdir(parents=True)
    file = mido.MidiFile(ticks_per_beat=480)
    beat = 60 / BPM
    meta = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(BPM))])
    file.tracks.append(meta)
    lead = round(480 * 0.5 / beat)
    lines = {
        "MELODY": [(4 * bar + i, 1, 72 + (0, 2, 4, 7)[(bar + i) % 4], 90) for bar in range(BEATS // 4) for i in (0, 2)],
        "BRIDGE": [(8 * bar + 3, 1, 67, 60) for bar in range(BEATS // 8)],
        "PIANO": [(i / 2, 0.5, 48 + (0, 7, 12, 4)[i % 4] + 5 * (i // 32 % 2), 70) for i in range(2 * BEATS)],
    }
    for name, notes in lines.items():
        events = [
            (lead + round(480 * at), kind, pitch + transpose, velocity if kind == "note_on" else 0)
            for begin, length, pitch, velocity in notes
            for at, kind in ((begin, "note_on"), (begin + length, "note_off"))
        ]
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        now = 0
        for tick, kind, pitch, velocity in sorted(events, key=lambda e: (e[0], e[1] == "note_on")):
            track.append(mido.Message(kind, note=pitch, velocity=velocity, time=tick - now))
            now = tick
        file.tracks.append(track)
    file.save(song / f"{number}.mid")
    rows = [f"{0.5 + i * beat:.6f} {1.0 if i % 2 == 0 else 0.0} {1.0 if i % 4 == 0 else 0.0}" for i in range(BEATS)]
    (song / "beat_midi.txt").write_text("\n".join(rows))
    (song / "key_audio.txt").write_text(f"0.5\t{BEATS * beat}\t{'C' if not transpose else 'D'}:maj\n")
    return song


def test_pop909_lands_on_its_grid(tmp_path: Path) -> None:
    song = load_pop909(write_song(tmp_path, "001"))
    assert song.corpus == "pop"
    assert song.bar_position[:6].tolist() == [0, 1, 2, 3, 0, 1]
    assert set(song.beats_per_bar.tolist()) == {4}
    assert set(song.tonic.tolist()) == {0}
    assert not song.minor.any()
    melody = song.notes[song.notes[:, 0] == 0]
    assert melody[:3, 1:].tolist() == [[0, 4, 72, 90], [8, 12, 76, 90], [16, 20, 74, 90]]
    piano = song.notes[song.notes[:, 0] == 2]
    assert (np.diff(piano[:, 1]) == 2).all()
    assert canonical_shift(load_pop909(write_song(tmp_path, "002", transpose=2))) == -2


def test_beats_go_on_where_notes_do(tmp_path: Path) -> None:
    folder = write_song(tmp_path, "001")
    rows = (folder / "beat_midi.txt").read_text().splitlines()
    (folder / "beat_midi.txt").write_text("\n".join(rows[4:-8]))
    song = load_pop909(folder)
    assert song.notes[0, 1:3].tolist() == [0, 4] or song.notes[0, 1] == 0
    assert song.beats >= BEATS - 1
    assert song.bar_position[:5].tolist() == [0, 1, 2, 3, 0]


def test_missing_files_are_told(tmp_path: Path) -> None:
    folder = write_song(tmp_path, "001")
    (folder / "beat_midi.txt").unlink()
    with pytest.raises(InputError, match=r"beat_midi\.txt is missing"):
        load_pop909(folder)


@given(st.integers(-40, 60), st.integers(0, 2**32 - 1))
def test_the_best_offset_is_found(offset: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    original = np.stack([rng.integers(60, 200, 80), rng.integers(40, 90, 80)], 1).astype(np.int32)
    moved = np.unique(original, axis=0) - np.array([offset, 0], np.int32)
    found, share = best_offset(original, moved.astype(np.int32))
    assert (found, share > 0.99) == (offset, True)


SCORE = """<score-partwise><part-list/>
<part id="P1"><measure number="1"><attributes><divisions>2</divisions><key><fifths>1</fifths></key>
<time><beats>3</beats><beat-type>4</beat-type></time></attributes>
<direction><direction-type><words>Andante espressivo</words></direction-type><sound tempo="72"/></direction>
<direction><direction-type><dynamics><p/></dynamics></direction-type></direction>
<note><pitch><step>G</step><octave>4</octave></pitch><duration>4</duration><tie type="start"/>
<lyric><syllabic>single</syllabic><text>Still,</text></lyric></note>
<note><pitch><step>A</step><alter>1</alter><octave>4</octave></pitch><duration>2</duration></note></measure>
<measure number="2"><note><rest/><duration>2</duration></note>
<note><pitch><step>G</step><octave>4</octave></pitch><duration>4</duration></note></measure></part>
<part id="P2"><measure number="1"><attributes><divisions>1</divisions></attributes>
<note><pitch><step>G</step><octave>3</octave></pitch><duration>3</duration></note>
<note><chord/><pitch><step>B</step><octave>3</octave></pitch><duration>3</duration></note>
<backup><duration>3</duration></backup>
<note><pitch><step>D</step><octave>3</octave></pitch><duration>1</duration></note></measure>
<measure number="2"><note><pitch><step>G</step><octave>2</octave></pitch><duration>3</duration></note></measure></part>
</score-partwise>"""


def write_score(path: Path, text: str = SCORE) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("score.xml", text)
    return path


def test_musicxml_lands_on_the_grid_with_its_words(tmp_path: Path) -> None:
    song = load_openscore(write_score(tmp_path / "lc123.mxl"))
    assert (song.corpus, song.beats) == ("lieder", 6)
    assert song.bar_position.tolist() == [0, 1, 2, 0, 1, 2]
    assert set(song.beats_per_bar.tolist()) == {3}
    assert set(song.tonic.tolist()) == {7}
    assert sorted(song.notes.tolist()) == sorted(
        [
            [0, 0, 8, 67, 50],
            [0, 8, 12, 70, 50],
            [0, 16, 24, 67, 50],
            [2, 0, 12, 55, 74],
            [2, 0, 12, 59, 74],
            [2, 0, 4, 50, 74],
            [2, 12, 24, 43, 74],
        ]
    )
    assert song.words == ((0, "Andante espressivo"), (0, "Still,"))
    assert np.allclose(np.diff(song.beat_times), 60 / 72)


def test_entities_in_musicxml_are_refused(tmp_path: Path) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + SCORE
    with pytest.raises(InputError, match="entities"):
        load_openscore(write_score(tmp_path / "lc1.mxl", bomb))


def test_songs_written_and_read_are_equal(tmp_path: Path) -> None:
    songs = [load_pop909(write_song(tmp_path, "003")), load_openscore(write_score(tmp_path / "sq7.mxl"))]
    save_songs(songs, tmp_path / "songs.npz")
    for before, after in zip(songs, load_songs(tmp_path / "songs.npz"), strict=True):
        for name, value in vars(before).items():
            assert np.array_equal(value, getattr(after, name)), name


def test_a_pair_keeps_its_scales_and_its_song_apart(tmp_path: Path) -> None:
    song = load_pop909(write_song(tmp_path, "001"))
    c = curves(song)
    bridge = bridges(song, c, measure_scale([c]))
    bank = load_bank()
    pair = make_pair(bridge, bank, np.random.default_rng(1), start=16, end=144)
    assert pair.language.shape == (128, 384)
    assert pair.frame.matrix().shape == (128, FRAME_WIDTH)
    in_unit = [i for i, name in enumerate(VISUAL_NAMES) if not name.startswith(("image", "warmth"))]
    assert pair.visual[:, in_unit].min() >= 0
    assert pair.visual[:, in_unit].max() <= 1
    assert ((pair.cuts > 0) & (pair.cuts < 128)).all()
    assert len(pair.captions) == len(pair.cuts) + 1
    # Words are the same throughout a shot and change at cuts only.
    changes = np.flatnonzero(np.abs(np.diff(pair.language, axis=0)).sum(1) > 0) + 1
    assert set(changes) <= set(pair.cuts.tolist())
    assert pair.frame.beat_in_bar[:4].tolist() == [0, 1, 2, 3]
    assert (pair.frame.from_start + pair.frame.to_end == song.beats).all()  # type: ignore[operator]


def test_a_stand_in_tells_nothing_but_its_picture(tmp_path: Path) -> None:
    """Another tune over the same rhythm, in the same key and mode, gives the same condition."""
    song = load_pop909(write_song(tmp_path, "001"))
    notes = song.notes.copy()
    melody = notes[:, 0] == 0
    notes[melody, 3] = notes[melody, 3][::-1]
    other = type(song)(**{**vars(song), "notes": notes})
    a, b = stand_in(song, 16, 64), stand_in(other, 16, 64)
    assert np.array_equal(a.features.energy, b.features.energy)
    assert a.key == b.key == "C major"
    frame = a.condition(withheld=("mode", "key", "tempo", "density")).frame.matrix()
    for name in ("mode", "key"):
        columns = frame[:, FRAME_SLICES[name]]
        assert (columns[:, -1] == 1).all()
        assert not columns[:, :-1].any()
    for name in ("tempo", "density"):
        assert not frame[:, FRAME_SLICES[name]].any()


@given(st.integers(2, 300), st.integers(0, 2**32 - 1))
def test_what_is_known_is_zero_or_one_and_never_all(beats: int, seed: int) -> None:
    known = draw_known(beats, np.random.default_rng(seed))
    assert known.shape == (beats, 3)
    assert set(np.unique(known)) <= {0.0, 1.0}
    assert beats < 8 or known.mean() < 1


def test_withholding_leaves_the_bar_and_takes_the_rest_in_turn() -> None:
    beats = 8
    frame = FrameCondition(
        np.arange(beats) % 4,
        np.full(beats, 4),
        bpm=np.full(beats, 90, np.float32),
        density=np.full(beats, 0.5, np.float32),
    )
    rng = np.random.default_rng(0)
    drawn = [withhold(frame, rng) for _ in range(200)]
    assert 0.5 < np.mean([d.density is not None for d in drawn]) < 0.8
    assert all((d.matrix()[:, :6].sum(1) == 1).all() for d in drawn)


def test_dense_melody_is_one_voice(tmp_path: Path) -> None:
    song = load_pop909(write_song(tmp_path, "001"))
    notes = np.concatenate([song.notes, [[0, 0, 9, 60, 50], [0, 2, 6, 65, 50]]]).astype(np.int32)
    rolled = dense(type(song)(**{**vars(song), "notes": notes}))
    melody = (rolled.velocity[:, 0] > 0) | rolled.sustain[:, 0]
    assert melody.sum(axis=(1, 2)).max() <= 4
    assert (melody.reshape(-1, melody.shape[-1]).sum(1) <= 1).all()


def test_from_files_to_trained_weights_and_on_after_a_stop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, transpose in (("001", 0), ("002", 2), ("007", 0), ("008", 1)):
        write_song(tmp_path / "pop909", number, transpose)
    songs, codec, denoiser = tmp_path / "songs.npz", tmp_path / "codec", tmp_path / "denoiser"
    assert dataset.main(["--pop909", str(tmp_path / "pop909"), "--out", str(songs)]) == 0
    assert json.loads(capsys.readouterr().out)["pop"]["songs"] == 4
    small = ["--songs", str(songs), "--minutes", "0.02"]
    assert train.main(["codec", *small, "--out", str(codec), "--batch", "2"]) == 0
    before = load_file(codec / "codec.safetensors")
    decoder_only = ["codec", *small, "--out", str(codec), "--batch", "2", "--decoder-only", "--noise", "0.3"]
    first = ["denoiser", *small, "--codec", str(codec), "--out", str(denoiser)]
    first += ["--width", "64", "--layers", "2", "--beats-per-batch", "256"]
    assert train.main(first) == 0
    assert train.main(decoder_only) == 0
    after = load_file(codec / "codec.safetensors")
    changed = {name for name, tensor in before.items() if not torch.equal(tensor, after[name])}
    assert changed
    assert all(name.startswith("decoder.") for name in changed)
    step = torch.load(denoiser / "denoiser.state.pt", weights_only=True)["step"]
    assert train.main(first) == 0
    assert torch.load(denoiser / "denoiser.state.pt", weights_only=True)["step"] > step > 0


def test_an_unknown_network_is_refused() -> None:
    with pytest.raises(InputError, match="weather"):
        train.main(["weather"])
    with pytest.raises(InputError, match="No songs"):
        dataset.main(["--out", "songs.npz"])
