"""Sound: stems that add up to the mix, exact lengths, loudness meters agree on, Broadcast Wave readers agree on."""

import re
import subprocess
import wave
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import wavinfo
from numpy.typing import NDArray
from shotscore_engine.errors import Cancelled, InputError, RequestError
from shotscore_engine.perform import Score
from shotscore_exporters import audio, bwf, loudness, soundfont, synth
from shotscore_exporters.placement import Placement, delivery_name


def samples(path: Path) -> NDArray[np.float64]:
    with wave.open(str(path)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), np.uint8).reshape(-1, 3)
        signed = np.zeros((len(raw), 4), np.uint8)
        signed[:, 1:] = raw
        return (signed.view("<i4")[:, 0] / 2.0**31).reshape(-1, file.getnchannels())


@pytest.fixture(scope="module")
def delivered(score: Score, placement: Placement, tmp_path_factory: pytest.TempPathFactory) -> audio.Delivered:
    return audio.write(score, placement, tmp_path_factory.mktemp("sound"))


def test_stems_add_up_to_the_mix(delivered: audio.Delivered) -> None:
    total = sum(samples(clip.path) for clip in delivered.stems)
    mix = samples(delivered.mix.path)
    assert np.abs(mix).max() > 0.05
    difference = np.sqrt(np.mean((total - mix) ** 2)) / np.sqrt(np.mean(mix**2))
    assert 20 * np.log10(difference) < -80


def test_every_file_is_as_long_as_the_cue_to_the_sample(delivered: audio.Delivered, placement: Placement) -> None:
    wanted = round(121 * 1001 / 24000 * 48000)
    for clip in (*delivered.stems, delivered.mix):
        with wave.open(str(clip.path)) as file:
            assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (48_000, 3, 2)
            assert file.getnframes() == wanted == clip.samples == placement.samples(48_000)


def test_the_end_is_silent_without_a_click(delivered: audio.Delivered) -> None:
    mix = samples(delivered.mix.path)
    assert np.abs(mix[-8:]).max() < 1e-4
    # The steepest step of the last 50 ms is smaller than the steepest of the music.
    assert np.abs(np.diff(mix[-2400:], axis=0)).max() < np.abs(np.diff(mix, axis=0)).max() / 5


def test_two_meters_agree_on_loudness_and_peak(delivered: audio.Delivered) -> None:
    answer = subprocess.run(
        ["ffmpeg", "-hide_banner", "-nostats", "-i", str(delivered.mix.path), "-af",
         "ebur128=peak=true:framelog=verbose", "-f", "null", "-"],
        capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    heard = float(re.findall(r"I:\s+(-?[\d.]+) LUFS", answer)[-1])
    peak = float(re.findall(r"Peak:\s+(-?[\d.]+) dBFS", answer)[-1])
    assert heard == pytest.approx(-23.0, abs=0.2)
    assert heard == pytest.approx(delivered.rendered.loudness.integrated_lufs, abs=0.2)
    assert peak == pytest.approx(delivered.rendered.loudness.true_peak_db, abs=0.3)


def test_a_loud_target_is_limited_under_the_peak(delivered: audio.Delivered) -> None:
    rendered = delivered.rendered
    loud = np.sum(list(rendered.stems.values()), axis=0)
    gain, measured, _ = audio.gain_for(loud, audio.AudioSettings(loudness_lufs=-9.0))
    assert measured.true_peak_db <= -1.0
    limited = loud * gain[:, None]
    assert loudness.measure(limited, 48_000).true_peak_db <= -1.0
    assert gain.min() < gain.max() * 0.99
    # Slow: a gain that follows the waveform would distort it.
    assert np.abs(np.diff(gain)).max() < 1e-3 * gain.max()


def test_broadcast_wave_fields(delivered: audio.Delivered, placement: Placement) -> None:
    clip = delivered.stems[0]
    read = wavinfo.WavInfoReader(str(clip.path))
    assert read.bext.time_reference == placement.sample_of_day(48_000) == clip.time_reference
    assert read.bext.originator == "Shotscore"
    assert read.bext.description == f"Test film 1m01 {clip.stem}"
    assert read.ixml.project == "Test film"
    assert read.ixml.scene == "1m01"
    assert [track.name for track in read.ixml.track_list] == [f"{clip.stem} L", f"{clip.stem} R"]
    mix = wavinfo.WavInfoReader(str(delivered.mix.path))
    assert mix.bext.loudness_value == pytest.approx(-23, abs=0.1)
    probed = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "format_tags=time_reference", "-of", "csv=p=0", str(clip.path)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert int(probed) == clip.time_reference


def test_the_same_score_gives_the_same_bytes(
    score: Score, placement: Placement, delivered: audio.Delivered, tmp_path: Path
) -> None:
    again = audio.write(score, placement, tmp_path, audio.AudioSettings(workers=1))
    for one, other in zip((*delivered.stems, delivered.mix), (*again.stems, again.mix), strict=True):
        assert one.path.read_bytes() == other.path.read_bytes()


def test_handles_stand_before_and_after(score: Score, placement: Placement, tmp_path: Path) -> None:
    small = replace(score, stems=score.stems[:1])
    made = audio.write(small, placement, tmp_path, audio.AudioSettings(pre_roll_frames=24, post_roll_frames=48))
    clip = made.stems[0]
    assert clip.samples == 48048 + placement.samples(48_000) + 96096
    assert clip.time_reference == placement.sample_of_day(48_000) - 48048
    sound = samples(clip.path)
    assert not sound[:48048].any()
    assert sound[-96096:-48048].any()
    assert (clip.start_frame, clip.pre_roll_frames) == (placement.start_frame, 24)


@pytest.mark.parametrize("player", ["fluidsynth", "sampler"])
def test_both_players_play_every_stem_on_time(score: Score, placement: Placement, player: synth.Player) -> None:
    font = soundfont.find_soundfont()
    for stem in score.stems[:2]:
        sound = synth.play(stem, font, 48_000, placement.samples(48_000), player)
        assert sound.shape == (placement.samples(48_000), 2)
        first = int(stem.notes[0].start * 48_000)
        assert np.abs(sound[: first - 480]).max() < 1e-4
        assert np.abs(sound[first : first + 9600]).max() > 1e-3


def test_the_bundled_soundfont_is_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(soundfont.VARIABLE, raising=False)
    monkeypatch.setattr(soundfont, "_folders", lambda: iter(()))
    assert soundfont.find_soundfont().name == "TimGM6mb.sf2"


def test_a_soundfont_can_be_named_and_must_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundled = soundfont.bundled_soundfont()
    assert bundled is not None
    monkeypatch.setenv(soundfont.VARIABLE, str(bundled))
    assert soundfont.find_soundfont() == bundled
    wrong = tmp_path / "wrong.sf2"
    wrong.write_bytes(b"RIFF....WAVE")
    with pytest.raises(InputError, match="not a SoundFont"):
        soundfont.find_soundfont(wrong)
    with pytest.raises(InputError, match="cannot be read"):
        soundfont.find_soundfont(tmp_path / "missing.sf2")


def test_cancelling_leaves_no_file(score: Score, placement: Placement, tmp_path: Path) -> None:
    def cancel(stage: str, done: float) -> None:
        if stage == "render" and done > 0:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        audio.write(score, placement, tmp_path, progress=cancel)
    assert not list(tmp_path.rglob("*.wav"))


@pytest.mark.parametrize(
    "settings",
    [
        audio.AudioSettings(sample_rate=8000),
        audio.AudioSettings(bits=20),
        audio.AudioSettings(loudness_lufs=3),
        audio.AudioSettings(true_peak_db=2),
    ],
)
def test_impossible_settings_are_refused(score: Score, placement: Placement, settings: audio.AudioSettings) -> None:
    with pytest.raises(RequestError, match="not possible"):
        audio.render(score, placement, settings)


def test_true_peak_sees_between_samples() -> None:
    # A quarter of the sample rate, 45 degrees off: samples reach 0.707 of a peak of 1.
    time = np.arange(48_000)
    tone = np.sin(np.pi / 2 * time + np.pi / 4)[:, None]
    assert np.abs(tone).max() == pytest.approx(0.7071, abs=1e-3)
    assert loudness.true_peaks(tone)[1000:-1000].max() == pytest.approx(1.0, abs=0.01)


def test_a_full_scale_tone_reads_as_the_standard_says() -> None:
    # EBU Tech 3341, case 1: a stereo 1 kHz sine at -23 dBFS reads -23 LUFS.
    time = np.arange(48_000 * 5) / 48_000
    tone = 10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * time)
    assert loudness.integrated(np.stack([tone, tone], 1), 48_000) == pytest.approx(-23, abs=0.1)
    assert loudness.integrated(np.zeros((48_000, 2)), 48_000) == -np.inf


def test_pcm_rounds_and_never_wraps() -> None:
    assert bwf.pcm(np.array([[1.0, -1.0]]), 16) == b"\xff\x7f\x00\x80"
    assert bwf.pcm(np.array([[2.0, 0.0]]), 24) == b"\xff\xff\x7f\x00\x00\x00"
    sound = np.random.default_rng(2).uniform(-1.1, 1.1, (5000, 2)).astype(np.float32)
    whole = [min(max(round(float(value) * 2**23), -(2**23)), 2**23 - 1) for value in sound.reshape(-1)]
    assert bwf.pcm(sound, 24) == b"".join(number.to_bytes(3, "little", signed=True) for number in whole)


def test_time_reference_counts_from_midnight() -> None:
    placed = Placement(Fraction(30000, 1001), 107_892, True, 0, 10)
    assert placed.timecode == "01:00:00;00"
    assert placed.sample_of_day(48_000) == round(107_892 * 1001 / 30000 * 48_000)


def test_delivery_names_travel() -> None:
    placed = Placement(Fraction(25), 0, False, 0, 10, "Über: the/Film")
    assert delivery_name(placed, "1m01", "bass", 48_000, 24, 2) == "Über-the-Film_1m01_bass_48k24_v02.wav"
    assert delivery_name(placed, "1m01", "mix", 44_100, 24, 11).endswith("_44p1k24_v11.wav")
