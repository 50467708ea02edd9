"""The one contract between Shotscore and whatever the picture comes from and the music goes back to.

A `Program` is an editor as `shotscore hosts` lists it: found or not, installed into or not. `Program.open` gives a
`Host`: one project of it. A host is live (it changes the project that is open in the running editor, with the editor's
own undo) or works on files (it writes a copy beside the project). Either way the person's own file is never written
over.

Frames are whole, at the timeline's rate, and count from the timeline's start, not from its start timecode; ranges
exclude their end.

What every `insert` promises:

1. Music that an earlier `insert` left is replaced; there is never a second copy.
2. The music goes to fresh tracks named after the stems, and nothing of the person's moves.
3. The project is then read back from the host, and `Inserted.differences` says in sentences where what stands there is
   not what was asked for. Nothing is taken on trust: editors drop clips in silence.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from shotscore_exporters.placement import CueMarker, Placement, StemClip

if TYPE_CHECKING:
    import opentimelineio as otio


@dataclass(frozen=True)
class Capabilities:
    """What a host can do beyond reading, inserting and removing, which each can."""

    live: bool = False
    """Changes the project that is open in the running editor; otherwise it writes copies of files."""
    undo: bool = False
    """The editor's own undo takes an insert back."""
    playhead: bool = False
    selection: bool = False
    """Tells which clips are selected, or the in and out points."""
    markers: bool = False
    """Shows hits as markers on its timeline."""
    start_timecode: bool = True
    """Keeps the timecode its timeline starts at."""
    limits: tuple[str, ...] = ()
    """What it cannot do, one sentence each, for the person."""


@dataclass(frozen=True)
class Standing:
    """A clip of our music as the host itself says it stands there."""

    track: str
    """The track's name."""
    name: str
    path: Path
    start_frame: int
    duration_frames: int
    source_frame: int = 0
    """Frames of the file that are skipped at its beginning."""


@dataclass(frozen=True)
class Inserted:
    """What `insert` left, as read back afterwards."""

    project: Path | None
    """The file the music stands in: a copy beside the person's; None where it stands in the open, unsaved project."""
    standing: tuple[Standing, ...]
    differences: tuple[str, ...] = ()
    """Where that is not what was asked for; empty is success."""
    before: Path | None = None
    """The project as it was before, where a copy was saved."""


@dataclass(frozen=True)
class Removed:
    """What `remove` left."""

    project: Path | None
    """The file without music: the person's own where it is the same; None for an open, unsaved project."""
    clips: int
    """How many of our clips went."""


@runtime_checkable
class Host(Protocol):
    """One project of an editor, or a timeline file. Every method raises HostError where the editor does not answer."""

    name: str
    """As `shotscore hosts` calls it: blender, kdenlive, files …"""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""

    @property
    def project(self) -> Path | None:
        """The person's own file; None where it was never saved."""

    def timeline(self) -> "otio.schema.Timeline":
        """The edit as the person made it, without our music. Raises TimelineError where there is no picture."""

    def playhead(self) -> int | None:
        """The frame the person looks at; None where the host cannot tell."""

    def selection(self) -> tuple[int, int] | None:
        """From the first selected clip's start to the last one's end, else between in and out; None for neither."""

    def insert(self, clips: Sequence[StemClip], placement: Placement, markers: Sequence[CueMarker] = ()) -> Inserted:
        """Put music onto fresh tracks, replacing what was put in before, and read it back; see the module.

        `placement` tells rate and start of the timeline the music was made for (and its cue); TimelineError where the
        host's runs at another rate. `markers` count in seconds from the placement's start.
        """

    def read_back(self) -> tuple[Standing, ...]:
        """Our music as it stands in the project now, in order of track and time."""

    def remove(self) -> Removed:
        """Take our music out: the project is again what it was before the first `insert`."""

    def revision(self) -> str:
        """A short text that changes whenever the person's edit does (or is saved, for files); cheap to ask."""

    def close(self) -> None:
        """Let go of the editor; the host is not used afterwards."""


@dataclass(frozen=True)
class Check:
    """What `doctor` says of a program."""

    state: Literal["ok", "limited", "broken"]
    detail: str
    remedy: str = ""


@runtime_checkable
class Program(Protocol):
    """An editor as `shotscore hosts` knows it; nothing here needs it to run, or to be there."""

    name: str
    title: str
    """As its makers write it."""
    tested: str
    """The version the tests ran; empty where they never met the real program."""
    suffixes: tuple[str, ...]
    """Project files it opens with nobody's help (".kdenlive"); empty where the editor itself is needed."""

    def found(self) -> Path | None:
        """Where the editor is on this machine; None where it was not found."""

    def installed(self) -> bool:
        """Whether our add-on (or script) is in its place and whole."""

    def install(self) -> tuple[Path, ...]:
        """Put the add-on where the editor looks, for this person alone; the files it consists of. Twice is as once."""

    def remove(self) -> tuple[Path, ...]:
        """Take away all that `install` put there, and folders it made; the files that went."""

    def check(self) -> Check:
        """Try the connection; never longer than a few seconds."""

    def open(self, project: Path | None) -> Host:
        """The project in that file, or the one open in the running editor. Raises HostError where there is none."""


def differences(clips: Sequence[StemClip], standing: Sequence[Standing]) -> tuple[str, ...]:
    """Where what stands in the host is not what was asked for, in sentences; empty where all is as it should be.

    Clips are told apart by their file. Each must stand once, on its frame, with its length, from the right frame of
    its file.
    """
    found: dict[Path, list[Standing]] = {}
    for one in standing:
        found.setdefault(one.path.resolve(), []).append(one)
    wanted = Counter(clip.path.resolve() for clip in clips)
    sentences = []
    for clip in clips:
        there = found.get(clip.path.resolve(), [])
        what = f"{clip.cue} {clip.stem}"
        if not there:
            sentences.append(f"{what} is not on the timeline.")
        elif len(there) > wanted[clip.path.resolve()]:
            sentences.append(f"{what} stands there {len(there)} times.")
        else:
            nearest = min(there, key=lambda one: abs(one.start_frame - clip.start_frame))
            for word, is_at, should in (
                ("begins at frame", nearest.start_frame, clip.start_frame),
                ("lasts frames:", nearest.duration_frames, clip.duration_frames),
                ("skips frames of its file:", nearest.source_frame, clip.pre_roll_frames),
            ):
                if is_at != should:
                    sentences.append(f"{what} {word} {is_at}, not {should}.")
    for path in found.keys() - wanted.keys():
        sentences.append(f"{found[path][0].name} stands there and was not asked for.")
    return tuple(sentences)


@dataclass
class Watch:
    """Tells when a host's edit changes, by asking its `revision` now and then."""

    host: Host
    changed: Callable[[], None]
    """Called from `run`'s thread, once a change, after the edit has stood still for one round."""
    every_seconds: float = 1.0
    stopped: Event = field(default_factory=Event)

    def run(self) -> None:
        """Until `stopped` is set; a host that does not answer for a while is asked again."""
        from shotscore_engine.errors import InputError

        settled = last = self._revision(InputError)
        while not self.stopped.wait(self.every_seconds):
            now = self._revision(InputError)
            if now is not None and now == last and now != settled:
                if settled is not None:
                    self.changed()
                settled = now
            last = now

    def _revision(self, problems: type[Exception]) -> str | None:
        try:
            return self.host.revision()
        except problems:  # being saved just now, or the editor restarts
            return None
