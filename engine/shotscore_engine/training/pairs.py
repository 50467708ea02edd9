"""Pairs of a picture and its music, made from the music alone.

No paired video may be shipped from, so a song is given the picture that published bridges say would fit it, and the
model learns the way back:

    density of notes        -> motion (CMT, Di et al. 2021)
    accents                 -> motion peaks, cuts, flashes (CMT)
    mode, consonance, tempo, register -> valence; density, loudness, tempo -> arousal (Gabrielsson and Lindstrom 2010)
    valence and arousal     -> brightness and saturation (Valdez and Mehrabian 1994, solved for the two)
    valence and arousal     -> a scene sentence near that point of the bank, and image labels of another one

Everything is drawn with noise, wide variation and at random smoothness, and each condition is withheld at random, so
that real pictures, normalised to the same scales, can stand in for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..conditions import GUIDED, SECTION_SLOTS, FloatArray, FrameCondition
from ..features import VISUAL_NAMES, VISUAL_WIDTH
from ..leadsheet import simplified, transposed
from ..tempo import STEPS_PER_BEAT
from .data import CORPORA, Song
from .hearing import hear_chords, hear_groove

STYLES_OF_CORPUS = {
    "pop": ("Pop", "Rock", "Electronic", "Folk", "Jazz", "Ambient", "Cinematic"),
    "lieder": ("Classical", "Folk", "Cinematic"),
    "quartet": ("Classical", "Cinematic", "Ambient"),
}


def smooth(values: NDArray[Any], beats: int) -> NDArray[np.float64]:
    """Running mean over `beats` beats, the ends repeated."""
    if beats <= 1 or len(values) < 2:
        return values.astype(float)
    beats = min(beats, 2 * len(values) - 1)
    padded = np.pad(values.astype(float), (beats // 2, beats - 1 - beats // 2), mode="edge")
    total = np.concatenate([[0.0], np.cumsum(padded)])
    return np.asarray((total[beats:] - total[:-beats]) / beats)


@dataclass(frozen=True)
class Curves:
    """What the music of a song says, beat by beat; all (T,) but `parts` (T, 3)."""

    onsets: NDArray[np.float64]
    """Notes that begin in the beat."""
    loudness: NDArray[np.float64]
    """Mean velocity / 127 over a bar."""
    accent: NDArray[np.float64]
    """How much louder and fuller the beat begins than its bar, 0 or more."""
    majorness: NDArray[np.float64]
    """-1 to 1: does a minor or a major triad fit the two bars best."""
    register: NDArray[np.float64]
    """Mean pitch over two bars, in octaves above middle C."""
    bpm: NDArray[np.float64]
    parts: NDArray[np.bool_]


def curves(song: Song) -> Curves:
    """Measures `song`."""
    beats = song.beats
    beat = np.minimum(song.notes[:, 1] // STEPS_PER_BEAT, beats - 1)
    pitch, velocity = song.notes[:, 3], song.notes[:, 4]
    onsets = np.bincount(beat, minlength=beats).astype(float)
    weight = np.bincount(beat, velocity, minlength=beats)
    on_beat = np.bincount(beat[song.notes[:, 1] % STEPS_PER_BEAT == 0], velocity[song.notes[:, 1] % 4 == 0],
                          minlength=beats)  # fmt: skip
    bar = smooth(onsets, 4)
    chroma = np.zeros((beats, 12))
    np.add.at(chroma, (beat, pitch % 12), np.minimum(song.notes[:, 2] - song.notes[:, 1], 16))
    chroma = np.stack([smooth(column, 8) for column in chroma.T], 1)
    chroma /= np.maximum(np.linalg.norm(chroma, axis=1, keepdims=True), 1e-9)
    major = np.max([chroma[:, [r, (r + 4) % 12, (r + 7) % 12]].sum(1) for r in range(12)], axis=0)
    minor = np.max([chroma[:, [r, (r + 3) % 12, (r + 7) % 12]].sum(1) for r in range(12)], axis=0)
    counts = np.stack([np.bincount(beat[song.notes[:, 0] == part], minlength=beats) for part in range(3)], 1)
    high = smooth(np.bincount(beat, pitch, minlength=beats), 8) / np.maximum(smooth(onsets, 8), 1e-9)
    return Curves(
        onsets=onsets,
        loudness=smooth(weight, 4) / np.maximum(bar, 1e-9) / 127 * (bar > 0),
        accent=np.maximum(0, on_beat / np.maximum(smooth(on_beat, 8), 1) - 1),
        majorness=np.clip((major - minor) * 2.5, -1, 1),
        register=np.where(smooth(onsets, 8) > 0, high / 12 - 5, 0.0),
        bpm=60 / np.maximum(np.diff(song.beat_times), 0.05),
        parts=np.stack([smooth(counts[:, part] > 0, 5) > 0 for part in range(3)], 1),
    )


@dataclass(frozen=True)
class Scale:
    """Quantiles that turn a corpus's measures into shares between 0 and 1."""

    density: NDArray[np.float64]
    """(101,): onsets per beat over a bar, percentile by percentile."""
    loudness: NDArray[np.float64]
    log_bpm: NDArray[np.float64]
    register: NDArray[np.float64]


def measure_scale(all_curves: Sequence[Curves]) -> Scale:
    """Quantiles over songs of one corpus."""
    points = np.linspace(0, 100, 101)

    def quantiles(name: str, width: int = 1) -> NDArray[np.float64]:
        return np.asarray(np.percentile(np.concatenate([smooth(getattr(c, name), width) for c in all_curves]), points))

    return Scale(quantiles("onsets", 4), quantiles("loudness"), np.log2(quantiles("bpm")), quantiles("register"))


def share(values: NDArray[np.floating], quantiles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where `values` stand among `quantiles`, 0 to 1."""
    return np.asarray(np.interp(values, quantiles, np.linspace(0, 1, len(quantiles))))


@dataclass(frozen=True)
class Feeling:
    """Valence and arousal of a song's music, (T,) each in [-1, 1]."""

    valence: NDArray[np.float64]
    arousal: NDArray[np.float64]


def feeling(song: Song, c: Curves, scale: Scale) -> Feeling:
    """From mode, consonance, tempo, register; and from density, loudness, tempo."""
    tempo = 2 * share(np.log2(c.bpm), scale.log_bpm) - 1
    density = 2 * share(smooth(c.onsets, 8), scale.density) - 1
    loud = 2 * share(c.loudness, scale.loudness) - 1
    high = 2 * share(c.register, scale.register) - 1
    mode = np.where(song.minor, -1.0, 1.0)
    valence = 0.5 * mode + 0.35 * c.majorness + 0.2 * tempo + 0.15 * high
    arousal = 0.6 * density + 0.35 * loud + 0.3 * tempo
    return Feeling(np.clip(smooth(valence, 8), -1, 1), np.clip(smooth(arousal, 8), -1, 1))


@dataclass(frozen=True)
class Bank:
    """The scene sentences with their embeddings; n sentences."""

    valence: NDArray[np.float64]
    arousal: NDArray[np.float64]
    style: NDArray[np.str_]
    sentences: tuple[str, ...]
    embedding: FloatArray
    """(n, 384)."""
    styled: FloatArray
    """(n, 384): the same sentences with their style's name."""
    image: FloatArray
    """(n, 8): the sentence's place in the image-label space."""

    def near(
        self,
        valence: NDArray[np.floating],
        arousal: NDArray[np.floating],
        styles: Sequence[str],
        rng: np.random.Generator,
    ) -> NDArray[np.intp]:
        """A sentence near each point (n,), of a fitting style more often than not."""
        distance = (self.valence - valence[:, None]) ** 2 + (self.arousal - arousal[:, None]) ** 2
        score = -distance / 0.06 + 0.7 * self.of_styles(tuple(styles))
        return np.asarray((score + rng.gumbel(size=score.shape)).argmax(axis=1))

    def of_styles(self, styles: tuple[str, ...]) -> NDArray[np.bool_]:
        """(n,): sentences of one of `styles`."""
        if styles not in self._of_styles:
            self._of_styles[styles] = np.isin(self.style, styles)
        return self._of_styles[styles]

    _of_styles: dict[tuple[str, ...], NDArray[np.bool_]] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Bridges:
    """A song with what its picture would show, before chance has its part; all (T,)."""

    song: Song
    curves: Curves
    valence: NDArray[np.float64]
    arousal: NDArray[np.float64]
    density: NDArray[np.float64]
    """Share of its corpus that is sparser, over a bar."""
    density_slow: NDArray[np.float64]
    """The same over two bars."""
    moving: NDArray[np.float64]
    """The same over two beats."""
    bpm: NDArray[np.float64]
    """Smoothed over two bars."""
    chords: NDArray[np.int64]
    """As in `leadsheet`, above the song's own tonic."""
    groove: NDArray[np.float32]
    """(T, 8)."""


def bridges(song: Song, c: Curves, scale: Scale) -> Bridges:
    """Everything about `song` that does not change from draw to draw."""
    felt = feeling(song, c, scale)
    density, slow, quick = (share(smooth(c.onsets, beats), scale.density) for beats in (4, 8, 2))
    known = song.tonic[song.tonic >= 0]
    tonic = int(np.bincount(known, minlength=12).argmax()) if len(known) else 0
    chords = transposed(hear_chords(song), -tonic)
    groove = hear_groove(song)[np.minimum(song.bar_position, 7)]
    return Bridges(song, c, felt.valence, felt.arousal, density, slow, quick, smooth(c.bpm, 9), chords, groove)


def cut_beats(song: Song, start: int, end: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Pseudo-cuts: phrase boundaries with a little jitter, and cuts of an editor's whim between them.

    In beats from `start`, over the stretch that ends at `end`.
    """
    beats = end - start
    downbeats = np.flatnonzero(song.bar_position[start:end] == 0)
    known = (song.section[start:end] >= 0).any()
    phrases = np.flatnonzero(np.diff(song.section_start[start:end]) != 0) + 1 if known else downbeats[::8]
    kept = phrases[rng.random(len(phrases)) < 0.85]
    kept = kept + rng.choice([0, 0, 0, 0, 1, -1], len(kept))
    pace = rng.choice([3.0, 6.0, 12.0, 24.0, 1e9])
    whim = np.flatnonzero(rng.random(beats) < 1 / pace)
    if rng.random() < 0.6 and len(downbeats):  # editors cut to the bar more often than beside it
        whim = downbeats[np.unique(np.searchsorted(downbeats, whim).clip(max=len(downbeats) - 1))]
    cuts = np.unique(np.concatenate([kept, whim]))
    return cuts[(cuts > 0) & (cuts < beats)].astype(np.int64)


@dataclass(frozen=True)
class Pair:
    """A song's beats with the picture made for them; T rows."""

    frame: FrameCondition
    language: FloatArray
    """(T, 384)."""
    visual: FloatArray
    """(T, 16), columns as VISUAL_NAMES."""
    cuts: NDArray[np.int64]
    """Beats at which a shot begins, without 0."""
    captions: tuple[str, ...]
    """One per shot."""


def shot_means(values: NDArray[np.floating], cuts: NDArray[np.int64]) -> NDArray[np.float64]:
    """`values` replaced by their mean over each shot."""
    edges = [0, *cuts.tolist(), len(values)]
    out = np.empty(len(values))
    for a, b in pairwise(edges):
        out[a:b] = values[a:b].mean() if b > a else 0
    return out


def make_pair(
    bridge: Bridges,
    bank: Bank,
    rng: np.random.Generator,
    *,
    start: int = 0,
    end: int | None = None,
    noise: float = 1.0,
    words: Mapping[str, NDArray[np.float16]] | None = None,
) -> Pair:
    """The pair of a song's beats from `start` to `end`.

    `noise` 0 gives the plain bridges, as evaluation asks for them. `words` are embeddings of the scores' own texts:
    where a shot holds one, it may stand in for a scene sentence.
    """
    song, c = bridge.song, bridge.curves
    end = song.beats if end is None else end
    rows_of = slice(start, end)
    beats = end - start
    cuts = cut_beats(song, start, end, rng)
    valence, arousal = shot_means(bridge.valence[rows_of], cuts), shot_means(bridge.arousal[rows_of], cuts)
    edges = [0, *cuts.tolist(), beats]
    lengths = np.diff(edges)

    def per_shot(spread: float) -> NDArray[np.float64]:
        return np.asarray(np.repeat(rng.normal(0, spread * noise, len(lengths)), lengths))

    density = (bridge.density if rng.random() > 0.3 * noise else bridge.density_slow)[rows_of]
    energy = density if rng.random() > 0.25 * noise else shot_means(density, cuts)
    energy = np.clip(energy + per_shot(0.04) + rng.normal(0, 0.02 * noise, beats), 0, 1)
    seen_valence = np.clip(valence + per_shot(0.15), -1, 1)
    seen_arousal = np.clip(arousal + per_shot(0.15), -1, 1)

    styles = STYLES_OF_CORPUS[song.corpus]
    shots = np.array(edges[:-1])
    chosen = bank.near(seen_valence[shots], seen_arousal[shots], styles, rng)
    rows = np.where((rng.random(len(chosen)) < 0.5)[:, None], bank.embedding[chosen], bank.styled[chosen])
    captions = [bank.sentences[i] for i in chosen]
    texts = [(b - start, text) for b, text in song.words if start <= b < end] if words else []
    for shot, (begin, until) in enumerate(pairwise(edges)):
        own = [text for beat, text in texts if begin <= beat < until]
        if words and own and rng.random() < 0.4:
            captions[shot] = own[int(rng.integers(len(own)))]
            rows[shot] = words[captions[shot]]
    language = np.repeat(rows, lengths, axis=0)

    visual = np.zeros((beats, VISUAL_WIDTH), np.float32)
    column = {name: i for i, name in enumerate(VISUAL_NAMES)}
    moving = bridge.moving[rows_of] * 0.5 + density * 0.5
    accent = c.accent[rows_of]
    gain = float(np.exp(rng.normal(0, 0.12 * noise)))
    visual[:, column["motion"]] = np.clip(moving * gain + rng.normal(0, 0.06 * noise, beats) + per_shot(0.04), 0, 1)
    peak = np.clip(accent * 0.5 + moving * 0.5 + rng.normal(0, 0.08 * noise, beats), 0, 1)
    visual[:, column["motion_peak"]] = np.maximum(peak, visual[:, column["motion"]])
    visual[cuts, column["cut"]] = np.clip(1 - np.abs(rng.normal(0, 0.25 * noise, len(cuts))), 0.2, 1)
    visual[:, column["flash"]] = np.clip(accent - 0.8, 0, 1) * (rng.random(beats) < 0.3)
    # Valdez and Mehrabian, solved: pleasure = 0.69 B + 0.22 S, arousal = -0.31 B + 0.60 S, both standardised.
    bright = (0.60 * seen_valence - 0.22 * seen_arousal) / 0.4822
    saturated = (0.31 * seen_valence + 0.69 * seen_arousal) / 0.4822
    visual[:, column["brightness"]] = np.clip(0.45 + 0.15 * bright + per_shot(0.10), 0, 1)
    visual[:, column["saturation"]] = np.clip(0.35 + 0.13 * saturated + per_shot(0.10), 0, 1)
    visual[:, column["warmth"]] = np.clip(0.1 * seen_valence + per_shot(0.15), -1, 1)
    visual[:, column["contrast"]] = np.clip(0.2 + 0.03 * seen_arousal + per_shot(0.06), 0, 1)
    labels = bank.near(seen_valence[shots], seen_arousal[shots], styles, rng)
    image = bank.image[labels] * rng.uniform(0.3, 1.0, (len(labels), 1)) + rng.normal(
        0, 0.3 * noise, (len(labels), bank.image.shape[1])
    )
    visual[:, column["image_0"] : column["image_7"] + 1] = np.repeat(image, lengths, axis=0)

    section, position, left = _form(song, start, end, rng)
    key = int(np.bincount(song.tonic[song.tonic >= 0], minlength=12).argmax()) if (song.tonic >= 0).any() else 0
    count = np.arange(start, end)
    tonic = song.tonic[rows_of]
    frame = FrameCondition(
        beat_in_bar=song.bar_position[rows_of].astype(np.int64),
        beats_per_bar=song.beats_per_bar[rows_of].astype(np.int64),
        bpm=bridge.bpm[rows_of].astype(np.float32),
        from_start=count,
        to_end=song.beats - count,
        minor=song.minor[rows_of],
        key_offset=np.where(tonic >= 0, (tonic - key) % 12, 0).astype(np.int64),
        density=energy.astype(np.float32),
        loudness=np.clip(c.loudness[rows_of] + rng.normal(0, 0.02 * noise, beats), 0, 1).astype(np.float32),
        valence=seen_valence.astype(np.float32),
        arousal=seen_arousal.astype(np.float32),
        parts=c.parts[rows_of].astype(np.float32),
        corpus=CORPORA.index(song.corpus),
        section=section,
        phrase_position=position,
        phrase_left=left,
        # The plan's own loops are triads: half of the examples say no more than that.
        chords=bridge.chords[rows_of] if rng.random() < 0.5 else simplified(bridge.chords[rows_of]),
        groove=bridge.groove[rows_of],
    )
    return Pair(frame, language.astype(np.float32), visual, cuts, tuple(captions))


def _form(
    song: Song, start: int, end: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None, NDArray[np.int64] | None]:
    """Section slots (letters in random slots), beats since the phrase began and until it ends."""
    section, begun = song.section[start:end], song.section_start[start:end]
    if not (section >= 0).any():
        return None, None, None
    letters = np.unique(section[section >= 0])
    slots = np.full(128, -1, np.int64)
    slots[letters] = rng.permutation(max(SECTION_SLOTS, len(letters)))[: len(letters)] % SECTION_SLOTS
    count = np.arange(start, end)
    changes = np.flatnonzero(np.diff(song.section_start) != 0) + 1
    following = np.append(changes, song.beats)[np.searchsorted(changes, count, side="right")]
    return np.where(section >= 0, slots[section], -1), np.where(begun >= 0, count - begun, 0), following - count


def withhold(frame: FrameCondition, rng: np.random.Generator) -> FrameCondition:
    """Leaves groups out at random, each on its own and sometimes all that guidance strengthens."""
    if rng.random() < 0.12:
        sheet = () if rng.random() < 0.5 else ("chords", "groove")
        others = (name for name in GUIDED if name != "groove")
        return frame.without(*others, *sheet, *(["form"] if rng.random() < 0.3 else []))
    chance = {
        "tempo": 0.15, "place": 0.1, "mode": 0.15, "key": 0.15, "density": 0.25, "loudness": 0.4, "mood": 0.35,
        "parts": 0.6, "corpus": 0.15, "form": 0.4, "chords": 0.3, "groove": 0.3,
    }  # fmt: skip
    return frame.without(*(name for name, p in chance.items() if rng.random() < p))
