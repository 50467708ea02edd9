"""Lines laid down from keys struck once: as FluidSynth plays the whole line, and the same from wherever one begins."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shotscore_engine.perform import EXPRESSION, SUSTAIN_PEDAL, Control, Note, Stem
from shotscore_exporters import fontfile, plainfont, soundfont, struck, synth
from shotscore_exporters.fontfile import Sound, Zone

RATE = 48_000
SECONDS = 6
PIANO, STRINGS, SLOW_STRINGS, HORN, KIT = 0, 48, 49, 60, 0


def line(program: int, *, is_drum: bool = False, pedal: bool = False, swell: bool = False) -> Stem:
    """Five seconds of chords and repeated notes, louder and softer."""
    rng = np.random.default_rng(program)
    keys = (36, 38, 42, 46, 49) if is_drum else (48, 55, 60, 64, 67, 72)
    notes = [
        Note(Fraction(eighth, 4), Fraction(int(rng.integers(1, 6)), 8), key, int(rng.integers(40, 120)))
        for eighth in range(20)
        for key in (keys[eighth % len(keys)], keys[(eighth + 3) % len(keys)])
    ]
    controls: list[Control] = []
    if pedal:
        controls += [
            Control(Fraction(second) + Fraction(late, 10), SUSTAIN_PEDAL, value)
            for second in range(0, 4, 2)
            for late, value in ((1, 127), (18, 0))
        ]
    if swell:
        controls += [Control(Fraction(step, 5), EXPRESSION, 60 + 60 * (step % 3) // 2) for step in range(25)]
    return Stem("line", program, is_drum, tuple(notes), (), tuple(controls))


def by_the_command(stem: Stem, font: Path, folder: Path) -> NDArray[np.float32]:
    """What FluidSynth's own program makes of the line."""
    song = pretty_midi.PrettyMIDI(resolution=960, initial_tempo=120)
    instrument = pretty_midi.Instrument(stem.program, stem.is_drum)
    for note in stem.notes:
        start = float(note.start)
        instrument.notes.append(pretty_midi.Note(note.velocity, note.pitch, start, start + float(note.duration)))
    instrument.control_changes = [pretty_midi.ControlChange(c.number, c.value, float(c.time)) for c in stem.controls]
    song.instruments.append(instrument)
    song.write(str(folder / "line.mid"))
    still = ["-R", "0", "-C", "0", "-g", "0.5", "-o", "synth.polyphony=256"]
    made = ["-r", str(RATE), "-T", "raw", "-O", "float", "-F", str(folder / "line.raw")]
    command = ["fluidsynth", "-ni", "-q", *still, *made, str(font), str(folder / "line.mid")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    sound = np.fromfile(folder / "line.raw", "<f4").reshape(-1, 2)
    padded = np.zeros((RATE * SECONDS, 2), np.float32)
    padded[: len(sound)] = sound[: len(padded)]
    return padded


def levels(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """RMS of every tenth of a second."""
    return np.asarray(np.sqrt((sound.astype(float) ** 2).reshape(-1, RATE // 10, 2).mean(axis=(1, 2))))


@pytest.mark.parametrize(
    "stem",
    [
        line(PIANO, pedal=True),
        line(STRINGS),
        line(SLOW_STRINGS, swell=True),
        line(HORN, swell=True),
        line(KIT, is_drum=True),
    ],
    ids=["pedalled piano", "strings", "slow strings that swell", "horn that swells", "drums"],
)
def test_a_line_is_as_loud_at_every_moment_as_fluidsynth_plays_it(stem: Stem, tmp_path: Path) -> None:
    font = soundfont.find_soundfont()
    ours = levels(synth.play(stem, font, RATE, RATE * SECONDS, "fluidsynth"))
    # Decoding the compressed one would take the command seconds.
    decoded = plainfont.plain_font(font, 128 if stem.is_drum else 0, stem.program)
    theirs = levels(by_the_command(stem, decoded, tmp_path))
    heard = theirs > 1e-3
    assert heard.mean() > 0.5
    apart = 20 * np.log10(ours[heard] / theirs[heard])
    assert abs(float(np.median(apart))) < 0.25
    # The same string struck twice may add up or not, which hangs on a sixty-fourth of a millisecond.
    assert float(np.percentile(np.abs(apart), 80)) < 1.5


def test_a_key_sounds_the_same_whatever_was_played_before() -> None:
    font = soundfont.find_soundfont()
    with synth.FluidSynth(font, 0, PIANO, RATE) as instrument:
        first = instrument.held(60, 80, RATE)
        for key in (40, 88, 61):
            instrument.held(key, 100, 1000)
        assert np.array_equal(first, instrument.held(60, 80, RATE))
        # A longer one begins as a shorter one does.
        assert np.array_equal(first, instrument.held(60, 80, 2 * RATE)[:, :RATE])


def test_remembered_keys_sound_as_struck_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    font, stem = soundfont.find_soundfont(), line(HORN, swell=True)
    struck_now = synth.play(stem, font, RATE, RATE * SECONDS, "fluidsynth")
    asked: list[int] = []
    held = synth.FluidSynth.held

    def counting(self: synth.FluidSynth, key: int, velocity: int, samples: int) -> NDArray[np.float32]:
        asked.append(key)
        return held(self, key, velocity, samples)

    monkeypatch.setattr(synth.FluidSynth, "held", counting)
    synth.remember(64 << 20)
    try:
        for times in range(2):
            assert np.array_equal(struck_now, synth.play(stem, font, RATE, RATE * SECONDS, "fluidsynth"))
            if not times:
                assert asked
                asked.clear()
        assert not asked
    finally:
        synth.remember(0)
    assert np.array_equal(struck_now, synth.play(stem, font, RATE, RATE * SECONDS, "fluidsynth"))
    assert asked


class _Noise:
    """An instrument whose keys are noise, each its own."""

    def held(self, key: int, velocity: int, samples: int) -> Sound:
        rng = np.random.default_rng(128 * key + velocity)
        return (rng.standard_normal((samples, 2)).T * 0.1).astype(np.float32)


_notes = st.lists(
    st.tuples(st.integers(0, 40), st.integers(1, 12), st.integers(58, 62), st.integers(1, 127)), min_size=1, max_size=12
)


@settings(max_examples=40, deadline=None)
@given(drawn=_notes, begin=st.integers(0, 40))
def test_a_line_begun_later_is_the_same_from_there(drawn: list[tuple[int, int, int, int]], begin: int) -> None:
    zones = (Zone(0, {fontfile.Gen.RELEASE: -4000}, {}),)
    notes = [Note(Fraction(at, 100), Fraction(length, 100), key, loud) for at, length, key, loud in drawn]
    samples = RATE
    whole = struck.play(Stem("line", 0, False, tuple(notes), (), ()), struck.Keyboard(zones), _Noise(), RATE, samples)
    first = begin * RATE // 100
    later = tuple(
        Note(note.start - Fraction(begin, 100), note.duration, note.pitch, note.velocity)
        for note in notes
        if note.start >= Fraction(begin, 100)
    )
    part = struck.play(Stem("line", 0, False, later, (), ()), struck.Keyboard(zones), _Noise(), RATE, samples - first)
    earlier = [note for note in notes if note.start < Fraction(begin, 100)]
    # Where nothing begun before rings any more, every bit is the same.
    rings_until = max((note.start + note.duration for note in earlier), default=Fraction(0)) * RATE + RATE // 5
    quiet = max(0, int(rings_until) - first)
    assert np.array_equal(part[quiet:], whole[first + quiet :])


def test_expression_goes_its_way_without_steps() -> None:
    zones = (Zone(0, {}, {}),)
    controls = (Control(Fraction(1, 4), EXPRESSION, 64), Control(Fraction(1, 2), EXPRESSION, 127))
    note = (Note(Fraction(0), Fraction(1), 60, 100),)
    plain = struck.play(Stem("line", 0, False, note, (), ()), struck.Keyboard(zones), _Noise(), RATE, RATE)
    moved = struck.play(Stem("line", 0, False, note, (), controls), struck.Keyboard(zones), _Noise(), RATE, RATE)
    first, second = RATE // 4, RATE // 2
    assert np.array_equal(moved[: first - 200], plain[: first - 200])
    softer = slice(first + 200, second - 200)
    assert np.allclose(moved[softer], plain[softer] * (64 / 127) ** 2, atol=1e-7)
    assert np.array_equal(moved[second + 200 :], plain[second + 200 :])
    share = (moved / plain)[first - 200 : first + 200, 0]
    assert (np.diff(share) <= 1e-5).all()
    assert np.diff(share).min() > -0.01


_AT_ONCE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
import numpy as np
from shotscore_engine.perform import Note, Stem
from shotscore_exporters import synth
def line(key):
    return Stem("line", 0, False, (Note(Fraction(0), Fraction(1, 2), key, 90),), (), ())
lines = [line(60), line(64)]
def played(line):
    return synth.play(line, Path(sys.argv[1]), 48000, 24000, "fluidsynth")
with ThreadPoolExecutor(2) as pool:
    first = list(pool.map(played, lines))
sys.exit(not all(np.array_equal(one, played(line)) for one, line in zip(first, lines)))
"""


def test_the_first_lines_of_a_process_may_be_played_at_once() -> None:
    """FluidSynth fills shared tables when its first synthesizer is made; a second one then must not play yet."""
    font = plainfont.plain_font(soundfont.find_soundfont(), 0, PIANO)
    for _ in range(3):
        subprocess.run([sys.executable, "-c", _AT_ONCE, str(font)], check=True)
