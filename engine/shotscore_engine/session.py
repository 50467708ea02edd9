"""The session: what a person works on, and its file.

A session is a value: every change returns a new one. The panel, the command line and the add-ons are three faces of
it; none has logic of its own. The file `NAME.shotscore` is JSON for people to read; notes are written as text,
`start length pitch velocity` in sixteenths, separated by `; `. It carries a version: files of a newer one are refused,
and what fields this version does not know held is kept when the session is saved again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, make_dataclass, replace
from fractions import Fraction
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import numpy as np

from . import __version__
from .atomic import replace_file
from .errors import MediaError, NewerSessionError, RequestError, SessionError
from .grid import BeatGrid
from .history import Step, pack, unpack
from .locks import Lock
from .picture import Picture
from .progress import Progress, silent, within
from .record import Revision
from .request import Detector, ScoreRequest, check_range
from .roll import PARTS, PITCHES, Roll, notes_of, roll_of
from .spotting import Cue
from .tempo_map import Ending, TempoChange
from .timing import exact_number

if TYPE_CHECKING:
    from .denoiser import Denoiser
    from .features import BeatFeatures
    from .perform import Score
    from .regenerate import Again
    from .styles import Style
    from .tempo_map import TempoFit

FIRST_CUE = "1m01"
FORMAT = 1
SUFFIX = ".shotscore"
PREVIOUS_SUFFIX = ".bak"
"""`NAME.shotscore.bak` is the session as it was before the last save."""

MAX_FILE_BYTES = 256 * 2**20
_RECORDED = ("numpy", "onnxruntime-gpu", "onnxruntime", "av", "opencv-python-headless")
"""Distributions whose version can change a take."""


@dataclass(frozen=True)
class ModelRecord:
    """Which model wrote a take."""

    name: str
    sha256: str


@dataclass(frozen=True)
class TempoChoice:
    """A steady tempo that was weighed for a cue."""

    bpm: float
    meter: tuple[int, int]
    met: int
    near: int
    missed: int


@dataclass(frozen=True)
class Spotted:
    """A cue before its music: where it hits, and the tempi that serve it."""

    cue: Cue
    fit: TempoFit

    @property
    def tempi(self) -> tuple[TempoChoice, ...]:
        """Best first; the grid follows the first."""
        return tuple(
            TempoChoice(float(one.bpm), one.meter, one.met, one.near, one.missed) for one in self.fit.candidates
        )


@dataclass(frozen=True)
class Take:
    """One generated version of a cue, with all it takes to make it again bit for bit."""

    cue: str
    number: int
    """From 1 in its cue; never given twice."""
    request: ScoreRequest
    """`request.seed` is this take's own."""
    grid: BeatGrid
    key: str
    style: str
    notes: tuple[str, ...]
    """One text a part, in the order of `roll.PARTS`; see `write_notes`."""
    model: ModelRecord
    device: str
    """The ONNX Runtime provider that ran."""
    device_reason: str = ""
    """Why not a faster one."""
    tempi: tuple[TempoChoice, ...] = ()
    """What the grid's tempo was chosen from, best first."""
    dialogue: tuple[tuple[Fraction, Fraction], ...] = ()
    """(start, end) in seconds from the cue's start where the music makes room for speech."""
    versions: dict[str, str] = field(default_factory=dict)
    spotted: Cue | None = None
    """The cue as it was when this take was written: its hits steered it."""
    edit: int = 0
    """Which edit it was written for: `Session.edits` counted up to then."""
    revision: Revision | None = None
    """How it came from another take; None: written whole."""
    name: str = ""
    """What a person calls it."""
    starred: bool = False
    ending: Ending | None = None
    """How it stops; None, in takes of an early version: it rings out."""
    changes: tuple[TempoChange, ...] = ()
    """Where its grid leaves the steady tempo; in a silence nothing is played."""
    instruments: dict[str, int] = field(default_factory=dict)
    """General MIDI programs a person chose instead of the style's, by stem."""

    def roll(self) -> Roll:
        """The notes as a roll of the grid's own length."""
        return read_notes(self.notes, self.grid.beats * 4)


@dataclass(frozen=True)
class Edit:
    """An earlier cut of the film, for the takes that were written to it."""

    timeline: str
    picture: Picture
    cues: tuple[Cue, ...]


@dataclass(frozen=True)
class Session:
    """A picture, its cues and their takes."""

    timeline: str
    """The file the picture was read from, as an absolute path."""
    picture: Picture
    cues: tuple[Cue, ...] = ()
    takes: tuple[Take, ...] = ()
    chosen: dict[str, int] = field(default_factory=dict)
    """The take in use, by cue."""
    locks: tuple[Lock, ...] = ()
    """What stays as it is."""
    retired: tuple[Take, ...] = ()
    """Takes that were deleted and that a combined one is made of."""
    edits: tuple[Edit, ...] = ()
    """The picture as it was before each recut that was followed."""
    numbered: dict[str, int] = field(default_factory=dict)
    """The highest take number ever given, by cue."""
    title: str = ""
    """Where the session is not called like its timeline: it keeps its name when a recut has another."""
    past: tuple[Step, ...] = ()
    """What can be undone, the last step last."""
    future: tuple[Step, ...] = ()
    """What was undone and can be done again, the next step first."""
    unknown: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    """The file as it was read, for the fields this version does not know."""

    @property
    def name(self) -> str:
        """What files of this session are called: its title, or the timeline file's name without its ending."""
        return self.title or Path(self.timeline).stem

    def cue(self, name: str) -> Cue:
        """The cue called `name`. Raises RequestError where there is none."""
        for cue in self.cues:
            if cue.name == name:
                return cue
        names = ", ".join(cue.name for cue in self.cues) or "none yet"
        raise RequestError(f"There is no cue {name!r} in this session; there is {names}.")

    def take(self, cue: str, number: int | None = None) -> Take:
        """Take `number` of a cue, or the one in use. Raises RequestError where there is none."""
        wanted = self.chosen.get(cue) if number is None else number
        for take in self.takes:
            if (take.cue, take.number) == (cue, wanted):
                return take
        raise RequestError(f"The cue {cue!r} has no take {wanted}; score it first.")

    def any_take(self, cue: str, number: int) -> Take:
        """Take `number` of a cue, even where it was deleted and others are made of it."""
        for take in self.retired:
            if (take.cue, take.number) == (cue, number):
                return take
        return self.take(cue, number)

    def with_cue(self, cue: Cue) -> Session:
        """This session with `cue`, new or in place of the one of its name."""
        cues = tuple(cue if old.name == cue.name else old for old in self.cues)
        return replace(self, cues=cues if cue in cues else (*cues, cue))

    def with_takes(self, cue: Cue, takes: Sequence[Take]) -> Session:
        """This session with `cue` (new, or in place of the one of its name) and `takes` added; the first is in use."""
        chosen = {**self.chosen, cue.name: takes[0].number} if takes else self.chosen
        given = max((take.number for take in takes), default=0)
        numbered = {**self.numbered, cue.name: max(given, self.next_take(cue.name) - 1)}
        return replace(self.with_cue(cue), takes=(*self.takes, *takes), chosen=chosen, numbered=numbered)

    # --- from the timeline to music -----------------------------------------------------------------------------

    @classmethod
    def read(cls, timeline: Path, *, strict_media: bool = False, progress: Progress = silent) -> Session:
        """A new session of the timeline (or video) in the file `timeline`; nothing is decoded yet.

        Raises TimelineError where it cannot be read, and with `strict_media` MediaError where media is missing.
        """
        from .picture import flatten
        from .readers import read_timeline

        progress("read", 0.0)
        picture = flatten(read_timeline(timeline), folder=timeline.absolute().parent)
        missing = dict.fromkeys(shot.name for shot in picture.shots if shot.media is not None and shot.media.offline)
        if strict_media and missing:
            raise MediaError(f"The media of {', '.join(missing)} cannot be read; relink it, or leave out strict media.")
        progress("read", 1.0)
        return cls(str(timeline.absolute()), picture)

    def analysed(
        self, detect: Detector = "adaptive", progress: Progress = silent, *, span: tuple[int, int] | None = None
    ) -> Session:
        """This session with the cuts inside long clips found, and where someone speaks.

        `span`: only between these frames (start, end), since searching takes as long as what is searched.
        """
        from .analysis import analyse
        from .portion import portion, put_back

        progress("analyse", 0.0)
        picture = self.picture if span is None else portion(self.picture, *span)
        found = analyse(picture, detect, within(progress, 0.0, 0.5))
        return replace(self, picture=found if span is None else put_back(self.picture, found, *span))

    def spot(self, request: ScoreRequest, progress: Progress = silent, *, cue: str = FIRST_CUE) -> Spotted:
        """The cue `request` asks for: its hits, and its grid with the tempi it was chosen from.

        Raises RequestError where the range lies outside the picture.
        """
        from .grid import constant_grid
        from .seen import hits_seen
        from .tempo_map import fit_tempo

        end = self.picture.duration_frames if request.end_frame is None else request.end_frame
        check_range(request.start_frame, end, self.picture)
        # What a person set stays. Ignored ones first: they must not take away a hit that was moved a little.
        before = [hit for known in self.cues if known.name == cue for hit in known.hits if hit.kind == "person"]
        own = sorted((hit for hit in before if request.start_frame < hit.frame < end), key=lambda hit: hit.weight)
        # What is seen here is remembered: the features and the tempo below look at the same moments again for nothing.
        hits = hits_seen(self.picture, request.start_frame, end, own=own, progress=within(progress, 0.5, 0.9))
        asked = Cue(cue, request.start_frame, end - request.start_frame, hits)
        arousal = 0.0
        if request.tempo_bpm is None:
            # What the picture feels like decides the tempo where the hits do not; any grid will do to read it.
            duration = Fraction(asked.duration_frames) / self.picture.rate
            half_seconds = constant_grid(Fraction(120), Fraction(0), (4, 4), duration)
            arousal = float(np.mean(self._features(asked, half_seconds, request, within(progress, 0.9, 1.0)).arousal))
        fit = fit_tempo(
            asked,
            self.picture.rate,
            tempo_bpm=request.tempo_bpm,
            arousal=arousal,
            ending=request.ending,
            accent_frame=request.accent_frame,
            tempo_map=request.tempo_map,
        )
        return Spotted(asked, fit)

    def score(
        self, request: ScoreRequest, tools: Tools, progress: Progress = silent, *, cue: str = FIRST_CUE
    ) -> Session:
        """This session with the cue `request` asks for, called `cue`, and `request.takes` takes of it.

        The same picture and request give the same takes on the same machine. Raises RequestError, also where music of
        the cue is locked, or Cancelled when `progress` does.
        """
        if any(lock.cue == cue for lock in self.locks):
            raise RequestError(f"Music of {cue} is locked; rescore it, which keeps what is locked, or unlock it first.")
        from .compose import brief_for, compose
        from .plan import choose_key

        model, style = tools.model, tools.style.name
        if (request.style or "").endswith(".toml"):  # a style of the person's own is found again by its path
            style = str(Path(request.style or "").resolve())
        spotted = self.spot(request, progress, cue=cue)
        spot_cue, grid = spotted.cue, spotted.fit.grid
        features = self._features(spot_cue, grid, request, within(progress, 1.0, 1.0))
        takes = []
        for number in range(request.takes):
            seed = request.seed + number
            key = request.key or choose_key(features, seed)
            part = within(progress, number / request.takes, (number + 1) / request.takes)
            part("denoise", 0.0)
            brief = brief_for(features, self.picture, spot_cue, grid, request, key, style, spotted.fit.ending)
            roll = compose(brief, model, request, seed, part)
            takes.append(
                Take(
                    cue,
                    self.next_take(cue) + number,
                    replace(request, seed=seed, takes=1),
                    grid,
                    key,
                    style,
                    write_notes(roll),
                    ModelRecord(model.name, model.sha256),
                    model.device.provider,
                    model.device.reason,
                    spotted.tempi,
                    dialogue_in(self.picture, spot_cue) if request.duck else (),
                    recorded_versions(),
                    spot_cue,
                    len(self.edits),
                    ending=spotted.fit.ending,
                    changes=spotted.fit.changes,
                )
            )
        warned = tuple(dict.fromkeys((*self.picture.warnings, *features.warnings)))
        return replace(self, picture=replace(self.picture, warnings=warned)).with_takes(spot_cue, takes)

    def _features(self, cue: Cue, grid: BeatGrid, request: ScoreRequest, progress: Progress) -> BeatFeatures:
        from .compose import describe_cue

        return describe_cue(self.picture, cue, grid, request, progress)

    def rescore(self, cue: str, again: Again, tools: Tools, progress: Progress = silent) -> Session:
        """This session with a new take in which only what `again` names has changed; see `regenerate`."""
        from .regenerate import rescore

        return rescore(self, cue, again, tools, progress)

    def next_take(self, cue: str) -> int:
        """A take number nobody has used in this cue."""
        given = max((take.number for take in self.takes if take.cue == cue), default=0)
        return 1 + max(given, self.numbered.get(cue, 0))

    def perform(self, take: Take) -> Score:
        """A take played in its style, and in those its wishes name; the same take gives the same score."""
        from .orchestrate import orchestrate

        return orchestrate(take, self.cue(take.cue), self.picture.rate)

    # --- the file ----------------------------------------------------------------------------------------------

    def to_bytes(self, folder: Path | None = None) -> bytes:
        """The session as JSON in UTF-8; `folder` is where it is written, so that it finds its files from there."""
        import msgspec

        from . import places

        def plain(thing: Any) -> Any:
            return msgspec.to_builtins(thing, enc_hook=_encode, builtin_types=())

        bare = {f.name: plain(getattr(self, f.name)) for f in fields(self) if f.name not in _NOT_IN_THE_FILE}
        past = pack(self, lambda thing: msgspec.json.encode(plain(thing)))
        # A take keeps its unknown fields on its way between the present and the history.
        before = _with_pool(self.unknown)
        present = {name: value for name, value in before.items() if name != "pictures"}
        document = _merge({**self.unknown, **present}, {"format": FORMAT, **bare})
        # These are keyed by cues: a cue that is gone is no field of another version.
        document |= {name: bare[name] for name in ("chosen", "numbered")}
        document.pop("history", None)
        document.pop(_PLACES, None)
        if folder is not None and (table := places.table_of(self, folder)):
            document[_PLACES] = table
        if past:
            pool = {kind: _merge(before.get(kind), plain(things)) for kind, things in past["pool"].items()}
            older = self.unknown.get("history")
            document["history"] = {**(older if isinstance(older, Mapping) else {}), **past, "pool": pool}
        return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"

    def save(self, path: Path) -> None:
        """Write the session to `path`, whole or not at all; what was there is kept beside it.

        Raises OutputError where it cannot be written.
        """
        replace_file(path, self.to_bytes(path.parent), previous=path.with_name(path.name + PREVIOUS_SUFFIX))

    @classmethod
    def from_bytes(cls, data: bytes, origin: str = "The session", folder: Path | None = None) -> Session:
        """The session written as `data`; where `folder` is given, files that moved along with it are found from there.

        Raises SessionError where it is damaged, or newer than this program.
        """
        import msgspec

        from . import places

        try:
            document = msgspec.json.decode(data)
            version = document["format"] if isinstance(document, dict) else None
            if not isinstance(version, int):
                raise SessionError(f"{origin} is not a Shotscore session; give a file that `score` wrote.")
            if version > FORMAT:
                raise NewerSessionError(
                    f"{origin} has format {version}; this Shotscore reads up to {FORMAT}, so update it to open this."
                )
            known = {name: value for name, value in document.items() if name not in _NOT_IN_THE_FILE}
            stored = msgspec.convert(known, _stored(), dec_hook=_decode)
            whole = cls(**{f.name: getattr(stored, f.name) for f in fields(stored)})
            kinds = {"pictures": Picture, "cues": Cue, "takes": Take, "locks": Lock, "edits": Edit}
            if document.get("history"):
                whole = unpack(
                    whole,
                    document["history"],
                    lambda kind, value: msgspec.convert(value, kinds[kind], dec_hook=_decode),
                )
        except SessionError as problem:
            if isinstance(problem, NewerSessionError) or origin in str(problem):
                raise
            raise SessionError(f"{origin} is damaged: {problem}") from problem
        except (msgspec.MsgspecError, KeyError, RequestError, RecursionError, UnicodeDecodeError) as problem:
            raise SessionError(f"{origin} is damaged: {problem}.") from problem
        table = document.get(_PLACES)
        if folder is not None and isinstance(table, Mapping):
            whole = places.found_from(whole, table, folder)
        return replace(whole, unknown=document)

    @classmethod
    def open(cls, path: Path) -> Session:
        """The session in the file `path`. Raises SessionError where that is none, or where it cannot be read."""
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise SessionError(f"{path} is larger than {MAX_FILE_BYTES:,} bytes; it is not read.")
            data = path.read_bytes()
        except OSError as problem:
            raise SessionError(f"{path} cannot be read: {problem.strerror or problem}.") from problem
        try:
            return cls.from_bytes(data, str(path), path.parent)
        except NewerSessionError:
            raise
        except SessionError as problem:
            previous = path.with_name(path.name + PREVIOUS_SUFFIX)
            if previous.exists():
                raise SessionError(f"{problem} The session as it was one save before is {previous}.") from problem
            raise


_PLACES = "places"
"""The table by which a moved folder finds its files; see `places`."""
_NOT_IN_THE_FILE = ("past", "future", "unknown", "history", _PLACES)


@cache
def _stored() -> type[Any]:
    """A Session's fields that stand in its file under their own names, as a type to read them into."""
    hints = get_type_hints(Session)
    kept = [f for f in fields(Session) if f.name not in _NOT_IN_THE_FILE]
    rows: list[Any] = []
    for one in kept:
        if one.default_factory is not MISSING:
            rows.append((one.name, hints[one.name], field(default_factory=one.default_factory)))
        elif one.default is not MISSING:
            rows.append((one.name, hints[one.name], field(default=one.default)))
        else:
            rows.append((one.name, hints[one.name]))
    return make_dataclass("Stored", rows, frozen=True)


def _with_pool(unknown: Mapping[str, Any]) -> dict[str, Any]:
    """A file's tables with what its history holds beside what the present does."""
    history = unknown.get("history")
    pool = history.get("pool") if isinstance(history, Mapping) else None
    if not isinstance(pool, Mapping):
        return {kind: unknown[kind] for kind in ("takes", "cues", "locks", "edits") if kind in unknown}
    rows = {"takes": ("retired",), "cues": (), "locks": (), "edits": ()}
    found = {
        kind: [item for name in (*others, kind) for item in unknown.get(name, ())] for kind, others in rows.items()
    }
    joined = {kind: [*pool.get(kind, ()), *items] for kind, items in found.items()}
    return {**joined, "pictures": [*pool.get("pictures", ()), unknown.get("picture")]}


@dataclass(frozen=True)
class Tools:
    """What a request is scored with. Load it before the long work, so that a wrong name is told at once."""

    model: Denoiser
    style: Style

    @classmethod
    def load(cls, request: ScoreRequest) -> Tools:
        """Raises ModelError or RequestError where the model or style asked for cannot be used."""
        from .denoiser import Denoiser
        from .styles import DEFAULT_STYLE, load_style

        return cls(Denoiser(request.model, request.device), load_style(request.style or DEFAULT_STYLE))


def dialogue_in(picture: Picture, cue: Cue) -> tuple[tuple[Fraction, Fraction], ...]:
    """The speech inside a cue, in seconds from its start."""
    inside = (
        (max(start, cue.start_frame) - cue.start_frame, min(end, cue.end_frame) - cue.start_frame)
        for start, end in picture.dialogue
    )
    return tuple((start / picture.rate, end / picture.rate) for start, end in inside if start < end)


# --- notes as text -----------------------------------------------------------------------------------------------


def write_notes(roll: Roll) -> tuple[str, ...]:
    """One text a part: `start length pitch velocity` of each note, in sixteenths, in order, separated by `; `.

    before  onset[0, 0, 60], sustain[0, 1:4, 60], velocity 80        after  ("0 4 60 80", "", "")
    """
    words: list[list[str]] = [[] for _ in PARTS]
    for part, start, end, pitch, velocity in notes_of(roll).tolist():
        words[part].append(f"{start} {end - start} {pitch} {velocity}")
    return tuple("; ".join(part) for part in words)


def read_notes(texts: Sequence[str], steps: int) -> Roll:
    """The roll of `steps` sixteenths that `write_notes` wrote. Raises SessionError where the text is damaged."""
    if len(texts) > len(PARTS):
        raise SessionError(f"A take has notes of {len(texts)} parts; there are {len(PARTS)}.")
    notes = []
    for part, text in enumerate(texts):
        for word in text.split("; ") if text else ():
            try:
                start, length, pitch, strength = (int(number) for number in word.split())
            except ValueError as problem:
                raise SessionError(f"{word!r} is not a note; four whole numbers are.") from problem
            if not (0 <= start < steps and length > 0 and 0 <= pitch < PITCHES and 0 < strength < 128):
                raise SessionError(f"{word!r} is not a note within {steps} sixteenths.")
            notes.append((part, start, start + length, pitch, strength))
    return roll_of(np.array(notes, np.int64).reshape(-1, 5), steps)


# --- JSON of what JSON does not know -----------------------------------------------------------------------------


def _encode(value: Any) -> Any:
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Path):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} has no place in a session file")


def _decode(kind: type, value: Any) -> Any:
    if kind is Fraction and isinstance(value, str | int):
        return exact_number(str(value))
    if issubclass(kind, Path) and isinstance(value, str):
        return Path(value)
    raise ValueError(f"{value!r} is not a {kind.__name__}")


def _merge(old: Any, new: Any) -> Any:
    """`new`, and what `old` holds beside it: fields of tables, and of list items that are still the same item."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {**{k: v for k, v in old.items() if k not in new}, **{k: _merge(old.get(k), v) for k, v in new.items()}}
    if isinstance(old, list) and isinstance(new, list | tuple):
        known = {_identity(item): item for item in old if isinstance(item, Mapping)}
        return [_merge(known.get(_identity(item)), item) if isinstance(item, Mapping) else item for item in new]
    return new


def _identity(item: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(item.get(name) for name in ("cue", "number", "name", "index", "frame", "start_frame", "kind", "track"))


def recorded_versions() -> dict[str, str]:
    """Versions of whatever can change a take."""
    import platform

    found = {"shotscore": __version__, "python": platform.python_version(), "machine": platform.machine()}
    for name in _RECORDED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
