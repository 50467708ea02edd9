"""Songs for training: POP909 and the OpenScore corpora on one sixteenth-note grid.

Conventions
    A beat is a quarter note and a step a sixteenth. Notes are rows of (part, start step, end step, pitch, velocity);
    parts are numbered as in `roll.PARTS`. Keys are stored as the tonic of the relative major key (0 is C), with the
    mode beside it, per beat, since songs modulate.

Sources
    POP909 (Wang et al., ISMIR 2020): tracks MELODY, BRIDGE, PIANO and `beat_midi.txt`, whose third column marks
    downbeats. Where POP909-CL's corrected file is at hand, its bars, meters and keys replace them, and where the
    phrase labels of Dai et al. (2020) are, they become the song's form. Both are aligned to the original by the
    offset at which most onsets coincide, as their time lines begin elsewhere.
    OpenScore Lieder and String Quartets: MusicXML. Voice or first violin is the melody, second violin the counter
    line, everything else the harmony. Velocities come from dynamics and hairpins. Repeats are not unfolded.

Known deviations
    Triplets fall on the nearest sixteenth; grace notes and cue notes are left out.
"""

import json
import re
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..tempo import STEPS_PER_BEAT
from ..timing import quantise

MELODY, COUNTER, HARMONY = 0, 1, 2
CORPORA = ("pop", "lieder", "quartet")
_POP909_TRACKS = {"MELODY": MELODY, "BRIDGE": COUNTER, "PIANO": HARMONY}
_LARGEST_SCORE_BYTES = 64 << 20
_VELOCITY_OF_DYNAMICS = {
    "pppp": 20, "ppp": 28, "pp": 38, "p": 50, "mp": 62, "mf": 74, "f": 88, "ff": 102, "fff": 114, "ffff": 122,
    "fp": 70, "sf": 96, "sfz": 98, "sfp": 80, "fz": 98, "rf": 92, "rfz": 94,
}  # fmt: skip
_SEMITONE_OF_STEP = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_MAJOR_OF_NAME = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True)
class Song:
    """One piece on the grid; N notes, T beats."""

    id: str
    """POP909's three digits, or OpenScore's own number with its prefix."""
    corpus: str
    """One of CORPORA."""
    notes: NDArray[np.int32]
    """(N, 5): part, start step, end step, pitch, velocity; in order of start."""
    beat_times: NDArray[np.float64]
    """(T + 1,) seconds."""
    bar_position: NDArray[np.int8]
    """(T,): beats since the last downbeat."""
    beats_per_bar: NDArray[np.int8]
    """(T,): quarter notes in the beat's bar."""
    tonic: NDArray[np.int8]
    """(T,): pitch class of the relative major's tonic, -1 where unknown."""
    minor: NDArray[np.bool_]
    """(T,): the key is minor."""
    section: NDArray[np.int16]
    """(T,): letter of the phrase (equal letters sound alike), -1 where unknown."""
    section_start: NDArray[np.int32]
    """(T,): beat at which the phrase began, -1 where unknown."""
    words: tuple[tuple[int, str], ...] = ()
    """(beat, text): tempo words and lines of lyrics, as they stand in the score."""

    @property
    def beats(self) -> int:
        """T."""
        return len(self.bar_position)


# --- POP909 -----------------------------------------------------------------------------------------------------


def load_pop909(folder: Path, *, corrected: Path | None = None, form: Path | None = None) -> Song:
    """The song in `folder` (NNN/NNN.mid and NNN/beat_midi.txt).

    `corrected` is POP909-CL's MIDI file of the song and `form` the folder of its phrase labels; without them bars
    come from `beat_midi.txt`, keys from `key_audio.txt` and the form stays unknown. Raises InputError where files
    are missing or damaged, or hold no beats.
    """
    from mido.midifiles.meta import KeySignatureError

    try:
        return _read_pop909(folder, corrected, form)
    except InputError:
        raise
    except (OSError, EOFError, ValueError, LookupError, TypeError, ArithmeticError, MemoryError,
            KeySignatureError) as problem:  # fmt: skip
        # mido, pretty_midi and NumPy meet damage wherever it is, and name none of it.
        reason = " ".join(str(problem).split())[:120]
        raise InputError(
            f"The song {folder} is damaged ({type(problem).__name__}: {reason}); fetch it anew."
        ) from problem


def _read_pop909(folder: Path, corrected: Path | None, form: Path | None) -> Song:
    import pretty_midi

    midi_path, beat_path = folder / f"{folder.name}.mid", folder / "beat_midi.txt"
    for path in (midi_path, beat_path):
        if not path.is_file():
            raise InputError(f"{path} is missing; POP909 keeps each song as NNN/NNN.mid with NNN/beat_midi.txt.")
    table = np.loadtxt(beat_path, ndmin=2)
    if len(table) < 8:
        raise InputError(f"{beat_path} names {len(table)} beats; at least 8 are needed.")
    beats = table[:, 0]
    midi = pretty_midi.PrettyMIDI(str(midi_path))
    # The table may start after the first note or end before the last one: carry its outer beats on.
    last = max(note.end for instrument in midi.instruments for note in instrument.notes)
    first = min(note.start for instrument in midi.instruments for note in instrument.notes)
    opening, closing = beats[1] - beats[0], beats[-1] - beats[-2]
    before = max(0, int(np.ceil((beats[0] - first) / opening - 0.125)))
    after = max(1, int(np.ceil((last - beats[-1]) / closing)))
    beats = np.concatenate(
        [beats[0] - opening * np.arange(before, 0, -1), beats, beats[-1] + closing * np.arange(1, after + 1)]
    )
    rows = []
    for instrument in midi.instruments:
        part = _POP909_TRACKS.get(instrument.name.strip().upper())
        if part is None:
            continue
        times = np.array([(note.start, note.end) for note in instrument.notes])
        steps = np.interp(times, beats, np.arange(len(beats)) * STEPS_PER_BEAT) if len(times) else times
        for note, (start, end) in zip(instrument.notes, steps, strict=True):
            begin = quantise(start)
            rows.append((part, begin, max(begin + 1, quantise(end)), note.pitch, note.velocity))
    count = len(beats) - 1
    downbeats = np.flatnonzero(table[:, 2] == 1) + before
    notes = _tidy(rows, count)
    bar_position, per_bar = _bars_from_downbeats(downbeats, count)
    tonic, minor = _keys_from_annotation(folder / "key_audio.txt", beats)
    if corrected is not None and corrected.is_file():
        bar_position, per_bar, tonic, minor = _corrected_bars_and_keys(corrected, notes, count)
    section, section_start = np.full(count, -1, np.int16), np.full(count, -1, np.int32)
    if form is not None and (form / "human_label1.txt").is_file():
        section, section_start = _form(form, notes, count)
    return Song(folder.name, "pop", notes, beats, bar_position, per_bar, tonic, minor, section, section_start)


def _tidy(rows: Sequence[tuple[int, int, int, int, int]], beats: int) -> NDArray[np.int32]:
    """Notes in order, inside the song, a later onset of the same pitch and part ending the earlier one."""
    notes = np.array(sorted(set(rows), key=lambda row: (row[1], row[0], row[3])), np.int32).reshape(-1, 5)
    notes = notes[(notes[:, 1] >= 0) & (notes[:, 1] < beats * STEPS_PER_BEAT)]
    notes[:, 2] = np.minimum(notes[:, 2], beats * STEPS_PER_BEAT)
    sounding: dict[tuple[int, int], int] = {}
    keep = np.ones(len(notes), bool)
    for index, (part, start, _end, pitch, _velocity) in enumerate(notes.tolist()):
        earlier = sounding.get((part, pitch))
        if earlier is not None:
            if notes[earlier, 1] == start:
                keep[index] = False
                continue
            notes[earlier, 2] = min(notes[earlier, 2], start)
        sounding[(part, pitch)] = index
    return notes[keep]


def _bars_from_downbeats(downbeats: NDArray[np.intp], beats: int) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Position in the bar and beats per bar, a bar's length being the distance to the next downbeat."""
    if len(downbeats) < 2:
        downbeats = np.arange(0, beats, 4)
    usual = int(np.bincount(np.diff(downbeats)).argmax())
    position, per_bar = np.empty(beats, np.int8), np.full(beats, usual, np.int8)
    position[: downbeats[0]] = (np.arange(downbeats[0]) - downbeats[0]) % usual
    for start, end in zip(downbeats, [*downbeats[1:], beats], strict=True):
        length = end - start if end != beats else usual
        position[start:end] = np.arange(end - start) % max(length, 1)
        per_bar[start:end] = min(length, 8)
    return position, per_bar


def _keys_from_annotation(path: Path, beats: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Keys of POP909's `key_audio.txt` (start, end, "B:maj"), by the beat's time."""
    count = len(beats) - 1
    tonic, minor = np.full(count, -1, np.int8), np.zeros(count, bool)
    if not path.is_file():
        return tonic, minor
    for line in path.read_text().splitlines():
        match = re.match(r"([\d.]+)\s+([\d.]+)\s+([A-G])([#b]?):(maj|min)", line)
        if not match:
            continue
        pitch_class = _MAJOR_OF_NAME[match[3]] + {"#": 1, "b": -1, "": 0}[match[4]]
        inside = beats[:-1] >= float(match[1]) - 1 if (tonic < 0).all() else beats[:-1] >= float(match[1])
        tonic[inside] = (pitch_class + (3 if match[5] == "min" else 0)) % 12
        minor[inside] = match[5] == "min"
    if (tonic >= 0).any():
        first = np.flatnonzero(tonic >= 0)[0]
        tonic[:first], minor[:first] = tonic[first], minor[first]
    return tonic, minor


def _onset_roll(onsets: NDArray[np.int32], steps: int) -> NDArray[np.float32]:
    roll = np.zeros((steps, 128), np.float32)
    inside = (onsets[:, 0] >= 0) & (onsets[:, 0] < steps)
    roll[onsets[inside, 0], onsets[inside, 1]] = 1
    return roll


def best_offset(original: NDArray[np.int32], other: NDArray[np.int32]) -> tuple[int, float]:
    """Steps to add to `other` ((n, 2): step, pitch) so that most onsets meet `original`, and the share that does."""
    steps = int(max(original[:, 0].max(), other[:, 0].max())) + 1
    size = 1 << (2 * steps - 1).bit_length()
    spectrum = np.fft.rfft(_onset_roll(original, steps), size, axis=0)
    spectrum *= np.conj(np.fft.rfft(_onset_roll(other, steps), size, axis=0))
    match = np.fft.irfft(spectrum.sum(axis=1), size)
    best = int(match.argmax())
    return (best if best < size // 2 else best - size), float(match[best] / max(len(other), 1))


def _corrected_bars_and_keys(
    path: Path, notes: NDArray[np.int32], beats: int
) -> tuple[NDArray[np.int8], NDArray[np.int8], NDArray[np.int8], NDArray[np.bool_]]:
    """Bars, meters and keys of POP909-CL's file, moved onto the original's beats."""
    import pretty_midi

    midi = pretty_midi.PrettyMIDI(str(path))
    per_step = midi.resolution / STEPS_PER_BEAT
    onsets = np.array(
        [
            (quantise(midi.time_to_tick(note.start) / per_step), note.pitch)
            for instrument in midi.instruments  # song 658 holds its chords only: they align as well
            for note in instrument.notes
        ],
        np.int32,
    )
    offset_steps, _share = best_offset(notes[:, [1, 3]], onsets)
    offset = quantise(Fraction(offset_steps, STEPS_PER_BEAT))
    signatures = [
        (midi.time_to_tick(s.time) / midi.resolution, Fraction(4 * s.numerator, s.denominator))
        for s in midi.time_signature_changes
    ] or [(0.0, Fraction(4))]
    downbeats: list[int] = []
    for (start, length), end in zip(signatures, [*(s[0] for s in signatures[1:]), beats - offset], strict=True):
        # 3/8 bars are counted in twos, so that a bar is a whole number of quarter notes.
        length = length * 2 if length.denominator == 2 else length
        downbeats.extend(int(start + i * length) + offset for i in range(int((end - start) / length) + 1))
    first = np.array(sorted({beat for beat in downbeats if 0 <= beat < beats}))
    position, per_bar = _bars_from_downbeats(first, beats)
    tonic, minor = np.full(beats, -1, np.int8), np.zeros(beats, bool)
    for signature in midi.key_signature_changes:
        begin = max(0, int(midi.time_to_tick(signature.time) / midi.resolution) + offset)
        is_minor = signature.key_number >= 12
        tonic[begin if (tonic >= 0).any() else 0 :] = (signature.key_number % 12 + 3 * is_minor) % 12
        minor[begin if minor.any() else 0 :] = is_minor
    return position, per_bar, tonic, minor


def _form(folder: Path, notes: NDArray[np.int32], beats: int) -> tuple[NDArray[np.int16], NDArray[np.int32]]:
    """Phrase letters ("i4A8B8": letter and bars of 4/4), moved onto the song by matching the melody."""
    section, start_of = np.full(beats, -1, np.int16), np.full(beats, -1, np.int32)
    step, onsets = 0, []
    for line in (folder / "melody.txt").read_text().split("\n"):
        if not line.strip():
            continue
        pitch, length = (int(value) for value in line.split())
        if pitch > 0:
            onsets.append((step, pitch))
        step += length
    melody = notes[notes[:, 0] == MELODY]
    if not onsets or not len(melody):
        return section, start_of
    offset, share = best_offset(melody[:, [1, 3]], np.array(onsets, np.int32))
    if share < 0.5:
        return section, start_of
    beat = quantise(Fraction(offset, STEPS_PER_BEAT))
    label = (folder / "human_label1.txt").read_text().strip()
    for letter, bars in re.findall(r"([A-Za-z])(\d+)", label):
        begin, end = beat, beat + 4 * int(bars)
        section[max(0, begin) : max(0, end)] = ord(letter)
        start_of[max(0, begin) : max(0, end)] = begin
        beat = end
    return section, start_of


# --- OpenScore --------------------------------------------------------------------------------------------------


@dataclass
class _Cursor:
    """Where the reader stands in one MusicXML part."""

    position: Fraction = Fraction(0)
    previous: Fraction = Fraction(0)
    divisions: int = 1


def load_openscore(path: Path) -> Song:
    """The score in a compressed MusicXML file. Raises InputError where it holds no notes or is too large."""
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.endswith((".xml", ".musicxml")) and not n.startswith("META"))
        if archive.getinfo(name).file_size > _LARGEST_SCORE_BYTES:
            raise InputError(f"{path} unpacks to more than {_LARGEST_SCORE_BYTES >> 20} MiB and is not read.")
        text = archive.read(name)
    if b"<!ENTITY" in text:
        raise InputError(f"{path} declares XML entities and is not read.")
    root = ElementTree.fromstring(text)
    parts = root.findall("part")
    corpus = "quartet" if path.name.startswith("sq") else "lieder"
    rows: list[tuple[int, int, int, int, int]] = []
    measures: list[tuple[Fraction, Fraction]] = []
    keys: list[tuple[Fraction, int]] = []
    tempi: list[tuple[Fraction, float]] = []
    words: list[tuple[int, str]] = []
    for number, part in enumerate(parts):
        role = _role(corpus, number, len(parts))
        rows.extend(_read_part(part, role, measures if number == 0 else [], keys, tempi, words))
    if not rows:
        raise InputError(f"{path} holds no notes.")
    length = measures[-1][0] + measures[-1][1]
    count = max(1, int(length))
    downbeats = sorted({quantise(start) for start, _ in measures if quantise(start) < count})
    if len(measures) > 1 and measures[0][1] < measures[1][1]:
        downbeats = [beat for beat in downbeats if beat > 0]  # a pickup is no bar of its own
    bar_position, per_bar = _bars_from_downbeats(np.array(downbeats), count)
    notes = _tidy(rows, count)
    tonic, minor = _keys_with_mode(keys, notes, count)
    return Song(
        path.stem, corpus, notes, _times(tempi, count), bar_position, per_bar, tonic, minor,
        np.full(count, -1, np.int16), np.full(count, -1, np.int32), tuple(sorted(set(words))),
    )  # fmt: skip


def _role(corpus: str, number: int, parts: int) -> int:
    if number == 0:
        return MELODY
    if corpus == "quartet":
        return COUNTER if number == 1 else HARMONY
    return COUNTER if number < parts - 1 else HARMONY


def _read_part(
    part: ElementTree.Element,
    role: int,
    measures: list[tuple[Fraction, Fraction]],
    keys: list[tuple[Fraction, int]],
    tempi: list[tuple[Fraction, float]],
    words: list[tuple[int, str]],
) -> Iterator[tuple[int, int, int, int, int]]:
    """Notes of one part, ties joined; fills the lists beside it on the way."""
    cursor = _Cursor()
    velocity, lyric_beat = 74, 0
    lyric: list[str] = []
    tied: dict[int, tuple[Fraction, Fraction, int]] = {}
    for measure in part.findall("measure"):
        start = furthest = cursor.position
        for element in measure:
            duration = Fraction(int(element.findtext("duration", "0")), cursor.divisions)
            match element.tag:
                case "attributes":
                    cursor.divisions = int(element.findtext("divisions", str(cursor.divisions)))
                    if (fifths := element.findtext("key/fifths")) is not None and role == MELODY:
                        keys.append((cursor.position, int(fifths) * 7 % 12))
                case "backup":
                    cursor.position -= duration
                case "forward":
                    cursor.position += duration
                case "direction":
                    velocity = _direction(element, cursor.position, velocity, tempi, words)
                case "note" if element.find("grace") is None and element.find("cue") is None:
                    begin = cursor.previous if element.find("chord") is not None else cursor.position
                    end = begin + duration
                    cursor.previous, cursor.position = begin, max(end, cursor.position)
                    pitch = _pitch(element)
                    if pitch is not None:
                        ties = {tie.get("type") for tie in element.findall("tie")}
                        from_start, _, loudness = tied.pop(pitch, (begin, end, velocity)) if "stop" in ties else (
                            begin, end, velocity)  # fmt: skip
                        if "start" in ties:
                            tied[pitch] = (from_start, end, loudness)
                        else:
                            yield _row(role, from_start, end, pitch, loudness)
                    if role == MELODY and (syllable := element.find("lyric")) is not None:
                        lyric_beat = lyric_beat if lyric else int(begin)
                        lyric.append(_syllable(syllable))
                        if len(lyric) >= 12 or lyric[-1].rstrip().endswith((".", ",", ";", "!", "?", ":")):
                            words.append((lyric_beat, "".join(lyric).strip()))
                            lyric = []
                case _:
                    pass
            furthest = max(furthest, cursor.position)
        cursor.position = furthest
        measures.append((start, furthest - start))
    for pitch, (begin, end, loudness) in tied.items():
        yield _row(role, begin, end, pitch, loudness)


def _row(role: int, begin: Fraction, end: Fraction, pitch: int, velocity: int) -> tuple[int, int, int, int, int]:
    start = quantise(begin * STEPS_PER_BEAT)
    return role, start, max(start + 1, quantise(end * STEPS_PER_BEAT)), pitch, velocity


def _pitch(note: ElementTree.Element) -> int | None:
    step = note.findtext("pitch/step")
    if step is None:
        return None
    alter = int(float(note.findtext("pitch/alter", "0")))
    pitch = 12 * (int(note.findtext("pitch/octave", "4")) + 1) + _SEMITONE_OF_STEP[step] + alter
    return pitch if 0 < pitch < 128 else None


def _syllable(lyric: ElementTree.Element) -> str:
    text = lyric.findtext("text") or ""
    return text if lyric.findtext("syllabic") in ("begin", "middle") else text + " "


def _direction(
    element: ElementTree.Element,
    position: Fraction,
    velocity: int,
    tempi: list[tuple[Fraction, float]],
    words: list[tuple[int, str]],
) -> int:
    """Takes tempo and words from a direction; returns the velocity in force after it."""
    if (sound := element.find("sound")) is not None and (tempo := sound.get("tempo")) is not None:
        tempi.append((position, float(tempo)))
    for text in element.iterfind("direction-type/words"):
        if text.text and len(text.text.strip()) > 2:
            words.append((int(position), " ".join(text.text.split())))
    for mark in element.iterfind("direction-type/dynamics/*"):
        velocity = _VELOCITY_OF_DYNAMICS.get(mark.tag, velocity)
    for wedge in element.iterfind("direction-type/wedge"):
        # A hairpin moves by one level of dynamics over its length; the level is reached at its beginning.
        velocity = min(118, max(28, velocity + {"crescendo": 10, "diminuendo": -10}.get(wedge.get("type", ""), 0)))
    return velocity


def _times(tempi: list[tuple[Fraction, float]], beats: int) -> NDArray[np.float64]:
    """Seconds of each beat under the tempi the score names (96 a minute where it names none)."""
    bpm = np.full(beats, 96.0)
    for position, tempo in sorted(tempi):
        bpm[max(0, int(position)) :] = min(240.0, max(30.0, tempo))
    return np.concatenate([[0.0], np.cumsum(60 / bpm)])


def _keys_with_mode(
    keys: list[tuple[Fraction, int]], notes: NDArray[np.int32], beats: int
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """A signature does not tell major from minor: the more frequent tonic triad of the two decides."""
    tonic, minor = np.full(beats, -1, np.int8), np.zeros(beats, bool)
    changes = sorted({int(position): value for position, value in keys}.items())
    for (begin, value), end in zip(changes, [*(c[0] for c in changes[1:]), beats], strict=True):
        tonic[begin:end] = value
        inside = notes[(notes[:, 1] >= begin * STEPS_PER_BEAT) & (notes[:, 1] < end * STEPS_PER_BEAT)]
        weight = np.bincount((inside[:, 3] - value) % 12, inside[:, 2] - inside[:, 1], minlength=12)
        # Outside the shared notes C-E and A, major keeps G natural where minor raises it.
        minor[begin:end] = weight[9] + 2 * weight[8] > weight[0] + weight[7] * 0.5
    return tonic, minor


# --- the data set -----------------------------------------------------------------------------------------------

_COLUMNS = ("notes", "beat_times", "bar_position", "beats_per_bar", "tonic", "minor", "section", "section_start")


def save_songs(songs: Sequence[Song], path: Path) -> None:
    """All songs in one .npz (arrays end to end) with their names in a .json beside it."""
    index = [{"id": s.id, "corpus": s.corpus, "notes": len(s.notes), "beats": s.beats, "words": s.words} for s in songs]
    columns: dict[str, Any] = {name: np.concatenate([getattr(s, name) for s in songs]) for name in _COLUMNS}
    np.savez_compressed(path, **columns)
    path.with_suffix(".json").write_text(json.dumps(index, ensure_ascii=False))


def load_songs(path: Path) -> list[Song]:
    """What `save_songs` wrote."""
    if not path.is_file():
        raise InputError(f"{path} does not exist; make it with `shotscore dataset`.")
    index = json.loads(path.with_suffix(".json").read_text())
    songs, note, beat, time = [], 0, 0, 0
    with np.load(path, allow_pickle=False) as arrays:
        columns = {name: arrays[name] for name in _COLUMNS}
    for entry in index:
        n, t = entry["notes"], entry["beats"]
        per_beat = {name: columns[name][beat : beat + t] for name in _COLUMNS[2:]}
        songs.append(
            Song(
                id=entry["id"],
                corpus=entry["corpus"],
                notes=columns["notes"][note : note + n],
                beat_times=columns["beat_times"][time : time + t + 1],
                words=tuple((int(b), str(w)) for b, w in entry["words"]),
                **per_beat,
            )
        )
        note, beat, time = note + n, beat + t, time + t + 1
    return songs
