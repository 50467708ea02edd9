"""DaVinci Resolve's free edition: it lets no Python in, but its menu runs a Lua script, and both sides share a folder.

    timeline.otio, state.txt   written by the script: the open timeline
    job.txt                    written here: put these clips in, or take the music out
    result.txt                 written by the script: what it did and what stands there

The person runs Workspace > Scripts > Edit > Shotscore: once so that the edit is known, and once a job. The files hold
lines of cells with tabs between them, in UTF-8; what does not fit into that is refused.
"""

import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from shotscore_engine.atomic import replace_file
from shotscore_engine.errors import Cancelled, HostError, TimelineError
from shotscore_engine.timing import exact_rate, parse_timecode, quantise, rate_text
from shotscore_exporters.placement import CueMarker, Placement, StemClip

from ..host import Capabilities, Inserted, Removed, Standing, differences

if TYPE_CHECKING:
    import opentimelineio as otio

VERSION = "1"
HOW = "In Resolve, run Workspace > Scripts > Edit > Shotscore"
_LARGEST = 4 * 2**20
_CELLS = 64


CAPABILITIES = Capabilities(
    live=True,
    playhead=True,
    markers=True,
    limits=(
        f"{HOW} for every step: the free edition lets nobody in from outside.",
        "Resolve has no undo for scripts: the project is exported to a file before music first goes in.",
        "Ducking is not written as keyframes: Resolve's scripting does not reach them.",
    ),
)


def script(folder: Path) -> bytes:
    """The Lua script, told where the shared folder is."""
    place = folder.absolute().as_posix()
    if any(letter in place for letter in '"\\\n\r'):
        raise HostError(f"{place} holds a quotation mark or a backslash, which the Lua script cannot name; move it.")
    text = files("shotscore_plugin.hosts").joinpath("resolve_lua", "Shotscore.lua").read_text(encoding="utf-8")
    return text.replace("@FOLDER@", place).encode()


class InDatabase:
    """What both ways into Resolve share: a timeline of a project that has no file."""

    @property
    def project(self) -> Path | None:
        """Resolve keeps its projects in a database of its own."""
        return None


def refuse(clips: Sequence[StemClip], placement: Placement, rate: Fraction) -> None:
    """TimelineError where the timeline, at `rate`, is not the music's; HostError where a file of it is missing."""
    if rate != placement.rate:
        raise TimelineError(
            f"The timeline runs at {rate_text(rate)} frames per second and the music at "
            f"{rate_text(placement.rate)}; score it at its own rate."
        )
    missing = [clip.path for clip in clips if not clip.path.is_file()]
    if missing:
        raise HostError(f"{missing[0]} does not exist, so nothing was changed; render the music again.")


@dataclass
class ResolveFilesHost(InDatabase):
    """What the script last told of Resolve, and jobs for it."""

    folder: Path
    wait_seconds: float = 600.0
    """How long a job waits for the person to run the script."""
    waiting: Callable[[], None] = lambda: time.sleep(0.25)
    """Called again and again while a job waits; may raise Cancelled."""
    name: str = "resolve"
    capabilities: Capabilities = CAPABILITIES

    def timeline(self) -> "otio.schema.Timeline":
        """The timeline as the script exported it last, without our tracks."""
        import opentimelineio as otio
        from shotscore_engine.readers import read_timeline
        from shotscore_engine.readers.common import note

        state, path = self._state(), self.folder / "timeline.otio"
        if state.get("exported") != "1" or not path.is_file():
            raise HostError(f"Resolve exported no OTIO; update it to 18.5 or newer. {HOW} again then.")
        made, rate = read_timeline(path), _rate(state)
        ours = {int(number) for number in state.get("ours", "").split(",") if number.isdigit()}
        for index, track in reversed(list(enumerate(made.audio_tracks(), 1))):
            if index in ours:
                made.tracks.remove(track)
        made.global_start_time = otio.opentime.RationalTime(_whole(state, "start"), float(rate))
        return note(made, rate=rate, drop_frame=_is_drop(state))

    def playhead(self) -> int | None:
        """Where it was when the script ran last."""
        state = self._state()
        frame = frame_of(state.get("playhead", ""), _rate(state), _is_drop(state))
        return None if frame is None else max(0, frame - _whole(state, "start"))

    def selection(self) -> tuple[int, int] | None:
        """The script does not ask for it."""
        return None

    def insert(self, clips: Sequence[StemClip], placement: Placement, markers: Sequence[CueMarker] = ()) -> Inserted:
        """Leave the job, wait until the person has run the script, and compare what it lists."""
        refuse(clips, placement, _rate(self._state()))
        rows: list[tuple[object, ...]] = [
            ("clip", clip.stem, clip.path.resolve().as_posix(), clip.start_frame, clip.duration_frames,
             clip.pre_roll_frames)
            for clip in clips
        ]  # fmt: skip
        rows += [
            ("marker", placement.start_frame + quantise(one.seconds * placement.rate), " ".join(one.text.split())[:60])
            for one in markers
        ]
        standing, before = self._do("insert", rows)
        return Inserted(None, standing, differences(clips, standing), Path(before) if before else None)

    def read_back(self) -> tuple[Standing, ...]:
        """What the script listed last."""
        return tuple(_standing(row) for row in self._read("result.txt") if row[0] == "standing")

    def remove(self) -> Removed:
        """Leave the job and wait."""
        count = len(self.read_back())
        left, _ = self._do("remove", [])
        if left:
            raise HostError(f"Resolve kept {len(left)} of our clips ({left[0].name}); delete their tracks by hand.")
        return Removed(None, count)

    def revision(self) -> str:
        """When and with what the script exported the timeline last."""
        import hashlib

        state = self._state()
        path = self.folder / "timeline.otio"
        data = path.read_bytes() if path.is_file() else b""
        return f"{state.get('timeline')}:{hashlib.sha256(data).hexdigest()[:24]}"

    def close(self) -> None:
        """A job nobody ran goes away."""
        (self.folder / "job.txt").unlink(missing_ok=True)

    def _do(self, kind: str, rows: Sequence[tuple[object, ...]]) -> tuple[tuple[Standing, ...], str]:
        job = secrets.token_hex(8)
        name = self._state().get("timeline", "")
        replace_file(self.folder / "job.txt", _text([("job", VERSION, job, kind, name), *rows]))
        end = time.monotonic() + self.wait_seconds
        try:
            while (answer := self._answer(job)) is None:
                if time.monotonic() > end:
                    raise HostError(f"Resolve has not done the job yet. {HOW}, then try again.")
                self.waiting()
        except (Cancelled, HostError, KeyboardInterrupt):
            (self.folder / "job.txt").unlink(missing_ok=True)
            raise
        _, _, _, state, problem, before = answer
        if state != "done":
            raise HostError(f"Resolve says: {problem or 'the script failed'}.".replace("..", "."))
        return self.read_back(), before

    def _answer(self, job: str) -> list[str] | None:
        rows = self._read("result.txt")
        fits = rows and rows[0][0] == "result" and len(rows[0]) == 6 and rows[0][2] == job
        return rows[0] if fits else None

    def _state(self) -> dict[str, str]:
        rows = self._read("state.txt")
        if not rows:
            raise HostError(f"Nothing was heard from Resolve yet. {HOW} with the timeline open.")
        if len(rows[0]) < 2 or rows[0][:2] != ["state", VERSION]:
            raise HostError("The script in Resolve is of another version; run `shotscore hosts install resolve` again.")
        return {row[0]: row[1] for row in rows[1:] if len(row) > 1}

    def _read(self, name: str) -> list[list[str]]:
        """The rows of a file; none where there is no such file. Raises HostError where it is none of the script's."""
        try:
            with (self.folder / name).open("rb") as file:
                data = file.read(_LARGEST + 1)
        except FileNotFoundError:
            return []
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as problem:
            raise HostError(f"{self.folder / name} is not of Shotscore's script; remove it.") from problem
        rows = [line.rstrip("\r").split("\t") for line in text.split("\n") if line]
        if len(data) > _LARGEST or any(len(row) > _CELLS for row in rows):
            raise HostError(f"{self.folder / name} is not of Shotscore's script; remove it.")
        return rows


def frame_of(timecode: str, rate: Fraction, drop_frame: bool) -> int | None:
    """The frame of a timecode as Resolve shows it: with colons or semicolons, whatever it counts."""
    parts = re.findall(r"\d+", timecode)
    if len(parts) != 4:
        return None
    try:
        return parse_timecode(":".join(parts[:3]) + (";" if drop_frame else ":") + parts[3], rate)
    except ValueError:
        return None


def _text(rows: Sequence[tuple[object, ...]]) -> bytes:
    """Rows as the file's bytes. Raises HostError where a cell holds a tab or a line break."""
    lines = []
    for row in rows:
        cells = [str(cell) for cell in row]
        for cell in cells:
            if any(letter in cell for letter in "\t\r\n"):
                raise HostError(f"{cell!r} holds a tab or a line break, which Resolve's script cannot take; rename it.")
        lines.append("\t".join(cells) + "\n")
    return "".join(lines).encode()


def _standing(row: list[str]) -> Standing:
    try:
        _, track, name, path, start, frames, skipped = row
        return Standing(track, name, Path(path), *(round(float(number)) for number in (start, frames, skipped)))
    except ValueError as problem:
        raise HostError(f"Resolve's script listed a clip as {row}, which is none; install it again.") from problem


def _rate(state: dict[str, str]) -> Fraction:
    try:
        return exact_rate(float(state.get("rate", "").split()[0]))
    except (ValueError, IndexError) as problem:
        raise HostError(f"Resolve says the timeline runs at {state.get('rate')!r}; choose a rate there.") from problem


def _is_drop(state: dict[str, str]) -> bool:
    return state.get("drop") in ("1", "true", "True") or "DF" in state.get("rate", "").upper()


def _whole(state: dict[str, str], key: str) -> int:
    try:
        return round(float(state[key]))
    except (KeyError, ValueError) as problem:
        raise HostError(f"Resolve's script told no {key} of the timeline; install it again.") from problem
