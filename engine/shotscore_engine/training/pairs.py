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
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..conditions import GUIDED, SECTION_SLOTS, FloatArray, FrameCondition
from ..features import VISUAL_NAMES, VISUAL_WIDTH
from ..tempo import STEPS_PER_BEAT
from .data import CORPORA, Song

STYLES_OF_CORPUS = {
    "pop": ("Pop", "Rock", "Electronic", "Folk", "Jazz", "Ambient", "Cinematic"),
    "lieder": ("Classical", "Folk", "Cinematic"),
    "quartet": ("Classical", "Cinematic", "Ambient"),
}


def smooth(values: NDArray[np.floating], beats: int) -> NDArray[np.float64]:
    """Running mean over `beats` beats, the ends repeated."""
    if beats <= 1 or len(values) < 2:
        return values.astype(float)
    beats = min(beats, 2 * len(values) - 1)
    padded = np.pad(values.astype(float), (beats // 2, beats - 1 - beats // 2), mode="edge")
    total = np.concatenate([[0.0], np.cumsum(padded)])
    return (total[beats:] - total[:-beats]) / beats


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

    def near(self, valence: float, arousal: float, styles: Sequence[str], rng: np.random.Generator) -> int:
        """A sentence near the point, of a fitting style more often than not."""
        distance = (self.valence - valence) ** 2 + (self.arousal - arousal) ** 2
        score = -distance / 0.06 + 0.7 * np.isin(self.style, list(styles))
        return int(np.argmax(score + rng.gumbel(size=len(score))))


def cut_beats(song: Song, rng: np.random.Generator) -> NDArray[np.int64]:
    """Pseudo-cuts: phrase boundaries with a little jitter, and cuts of an editor's whim between them."""
    downbeats = np.flatnonzero(song.bar_position == 0)
    phrases = np.flatnonzero(np.diff(song.section_start) != 0) + 1 if (song.section >= 0).any() else downbeats[::8]
    kept = phrases[rng.random(len(phrases)) < 0.85]
    kept = kept + rng.choice([0, 0, 0, 0, 1, -1], len(kept))
    pace = rng.choice([3.0, 6.0, 12.0, 24.0, 1e9])
    whim = np.flatnonzero(rng.random(song.beats) < 1 / pace)
    if rng.random() < 0.6:  # editors cut to the bar more often than beside it
        whim = downbeats[np.unique(np.searchsorted(downbeats, whim).clip(max=max(len(downbeats) - 1, 0)))]
    beats = np.unique(np.concatenate([kept, whim]))
    return beats[(beats > 0) & (beats < song.beats)].astype(np.int64)


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
    for a, b in zip(edges[:-1], edges[1:], strict=True):
        out[a:b] = values[a:b].mean() if b > a else 0
    return out


def make_pair(
    song: Song,
    c: Curves,
    scale: Scale,
    bank: Bank,
    rng: np.random.Generator,
    *,
    noise: float = 1.0,
    words: Mapping[str, NDArray[np.float16]] | None = None,
) -> Pair:
    """The whole song's pair. `noise` 0 gives the plain bridges, as evaluation asks for them.

    `words` are embeddings of the scores' own texts: where a shot holds one, it may stand in for a scene sentence.
    """
    beats = song.beats
    cuts = cut_beats(song, rng)
    felt = feeling(song, c, scale)
    valence, arousal = shot_means(felt.valence, cuts), shot_means(felt.arousal, cuts)
    edges = [0, *cuts.tolist(), beats]
    lengths = np.diff(edges)

    def per_shot(spread: float) -> NDArray[np.float64]:
        return np.asarray(np.repeat(rng.normal(0, spread * noise, len(lengths)), lengths))

    width = int(rng.choice([2, 4, 4, 8])) if noise > 0 else 4
    density = share(smooth(c.onsets, max(width, 4)), scale.density)
    energy = density if rng.random() > 0.25 * noise else shot_means(density, cuts)
    energy = np.clip(energy + per_shot(0.04) + rng.normal(0, 0.02 * noise, beats), 0, 1)
    seen_valence = np.clip(valence + per_shot(0.15), -1, 1)
    seen_arousal = np.clip(arousal + per_shot(0.15), -1, 1)

    styles = STYLES_OF_CORPUS[song.corpus]
    chosen = [bank.near(seen_valence[a], seen_arousal[a], styles, rng) for a in edges[:-1]]
    rows = np.where((rng.random(len(chosen)) < 0.5)[:, None], bank.embedding[chosen], bank.styled[chosen])
    captions = [bank.sentences[i] for i in chosen]
    for shot, (begin, end) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        own = [text for beat, text in song.words if begin <= beat < end] if words else []
        if words and own and rng.random() < 0.4:
            captions[shot] = own[int(rng.integers(len(own)))]
            rows[shot] = words[captions[shot]]
    language = np.repeat(rows, lengths, axis=0)

    visual = np.zeros((beats, VISUAL_WIDTH), np.float32)
    column = {name: i for i, name in enumerate(VISUAL_NAMES)}
    moving = share(smooth(c.onsets, 2), scale.density) * 0.5 + density * 0.5
    gain = float(np.exp(rng.normal(0, 0.12 * noise)))
    visual[:, column["motion"]] = np.clip(moving * gain + rng.normal(0, 0.06 * noise, beats) + per_shot(0.04), 0, 1)
    peak = np.clip(c.accent * 0.5 + moving * 0.5 + rng.normal(0, 0.08 * noise, beats), 0, 1)
    visual[:, column["motion_peak"]] = np.maximum(peak, visual[:, column["motion"]])
    visual[cuts, column["cut"]] = np.clip(1 - np.abs(rng.normal(0, 0.25 * noise, len(cuts))), 0.2, 1)
    visual[:, column["flash"]] = np.clip(c.accent - 0.8, 0, 1) * (rng.random(beats) < 0.3)
    # Valdez and Mehrabian, solved: pleasure = 0.69 B + 0.22 S, arousal = -0.31 B + 0.60 S, both standardised.
    bright = (0.60 * seen_valence - 0.22 * seen_arousal) / 0.4822
    saturated = (0.31 * seen_valence + 0.69 * seen_arousal) / 0.4822
    visual[:, column["brightness"]] = np.clip(0.45 + 0.15 * bright + per_shot(0.10), 0, 1)
    visual[:, column["saturation"]] = np.clip(0.35 + 0.13 * saturated + per_shot(0.10), 0, 1)
    visual[:, column["warmth"]] = np.clip(0.1 * seen_valence + per_shot(0.15), -1, 1)
    visual[:, column["contrast"]] = np.clip(0.2 + 0.03 * seen_arousal + per_shot(0.06), 0, 1)
    labels = [bank.near(seen_valence[a], seen_arousal[a], styles, rng) for a in edges[:-1]]
    image = bank.image[labels] * rng.uniform(0.3, 1.0, (len(labels), 1)) + rng.normal(
        0, 0.3 * noise, (len(labels), bank.image.shape[1])
    )
    visual[:, column["image_0"] : column["image_7"] + 1] = np.repeat(image, lengths, axis=0)

    section, position, left = _form(song, rng)
    key = int(np.bincount(song.tonic[song.tonic >= 0], minlength=12).argmax()) if (song.tonic >= 0).any() else 0
    count = np.arange(beats)
    frame = FrameCondition(
        beat_in_bar=song.bar_position.astype(np.int64),
        beats_per_bar=song.beats_per_bar.astype(np.int64),
        bpm=smooth(c.bpm, 9).astype(np.float32),
        from_start=count,
        to_end=beats - count,
        minor=song.minor,
        key_offset=np.where(song.tonic >= 0, (song.tonic - key) % 12, 0).astype(np.int64),
        density=energy.astype(np.float32),
        loudness=np.clip(c.loudness + rng.normal(0, 0.02 * noise, beats), 0, 1).astype(np.float32),
        valence=seen_valence.astype(np.float32),
        arousal=seen_arousal.astype(np.float32),
        parts=c.parts.astype(np.float32),
        corpus=CORPORA.index(song.corpus),
        section=section,
        phrase_position=position,
        phrase_left=left,
    )
    return Pair(frame, language.astype(np.float32), visual, cuts, tuple(captions))


def _form(
    song: Song, rng: np.random.Generator
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None, NDArray[np.int64] | None]:
    """Section slots (letters in random slots), beats since the phrase began and until it ends."""
    if not (song.section >= 0).any():
        return None, None, None
    letters = np.unique(song.section[song.section >= 0])
    slots = np.full(128, -1, np.int64)
    slots[letters] = np.arange(len(letters)) % SECTION_SLOTS if len(letters) > SECTION_SLOTS else rng.permutation(
        SECTION_SLOTS
    )[: len(letters)]
    section = np.where(song.section >= 0, slots[song.section], -1)
    count = np.arange(song.beats)
    position = np.where(song.section_start >= 0, count - song.section_start, 0)
    changes = np.flatnonzero(np.diff(song.section_start) != 0) + 1
    next_change = np.append(changes, song.beats)[np.searchsorted(changes, count, side="right")]
    return section, position, next_change - count


def crop_frame(frame: FrameCondition, start: int, end: int) -> FrameCondition:
    """The beats from `start` to `end` of a condition."""
    rows = {
        name: value[start:end]
        for name, value in vars(frame).items()
        if isinstance(value, np.ndarray)
    }
    return replace(frame, **rows)


def withhold(frame: FrameCondition, rng: np.random.Generator) -> FrameCondition:
    """Leaves groups out at random, each on its own and sometimes all that guidance strengthens."""
    if rng.random() < 0.12:
        return frame.without(*GUIDED, *(["form"] if rng.random() < 0.3 else []))
    chance = {
        "tempo": 0.15, "place": 0.1, "mode": 0.15, "key": 0.15, "density": 0.25, "loudness": 0.4, "mood": 0.35,
        "parts": 0.6, "corpus": 0.15, "form": 0.4,
    }  # fmt: skip
    return frame.without(*(name for name, p in chance.items() if rng.random() < p))
