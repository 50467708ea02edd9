"""Read every timeline in the sample sets of OpenTimelineIO's and its adapters' source packages, and print a table.

    python tests/engine/read_samples.py [FOLDER]

With FOLDER, whatever timeline files lie in it; without, the source packages are fetched from the package index into a
temporary folder first. Each file is read or refused with a sentence; anything else is a failure and the exit code 1.
"""

import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shotscore_engine.errors import ShotscoreError
from shotscore_engine.picture import flatten
from shotscore_engine.readers import EXTENSIONS, read_timeline

PACKAGES = (
    "opentimelineio",
    "otio-aaf-adapter",
    "otio-ale-adapter",
    "otio-cmx3600-adapter",
    "otio-fcp-adapter",
    "otio-fcpx-xml-adapter",
    "otio-hls-playlist-adapter",
    "otio-maya-sequencer-adapter",
    "otio-mlt-adapter",
    "otio-svg-adapter",
    "otio-xges-adapter",
)


@dataclass(frozen=True)
class Row:
    """What became of one file."""

    path: Path
    outcome: str
    """"read", "refused" or "failed"."""
    detail: str
    seconds: float


def timelines(folder: Path) -> Iterator[Path]:
    """Timeline files in a folder, bundles as themselves, in order."""
    for path in sorted(folder.rglob("*")):
        bundled = any(parent.suffix.lower() in (".otiod", ".fcpxmld") for parent in path.parents)
        if path.suffix.lower() in EXTENSIONS and not bundled and not path.name.startswith("."):
            yield path


def read(path: Path) -> Row:
    """Read and flatten one file."""
    begin = time.perf_counter()
    try:
        picture = flatten(read_timeline(path), folder=path.parent)
    except ShotscoreError as problem:
        outcome, detail = "refused", str(problem).replace(str(path), path.name)
    except Exception as problem:  # what this script is there to find
        outcome, detail = "failed", f"{type(problem).__name__}: {problem}"
    else:
        outcome = "read"
        detail = f"{picture.rate} fps, {picture.duration_frames} frames, {len(picture.shots)} shots"
        detail += f", {len(picture.audio)} sounds, {len(picture.markers)} markers, {len(picture.warnings)} warnings"
    return Row(path, outcome, detail, time.perf_counter() - begin)


def fetch(folder: Path) -> None:
    """Download and unpack the source packages into `folder`."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--no-binary",
        ":all:",
        "-d",
        str(folder),
    ]
    for package in PACKAGES:
        subprocess.run([*command, package], check=True)
    for archive in folder.glob("*.tar.gz"):
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")


def table(folder: Path) -> list[Row]:
    """Read everything in `folder` and print one line a file."""
    rows = []
    for path in timelines(folder):
        row = read(path)
        rows.append(row)
        print(f"{row.outcome:8} {row.seconds:6.2f} s  {path.relative_to(folder)}: {row.detail}")
    counts = {outcome: sum(row.outcome == outcome for row in rows) for outcome in ("read", "refused", "failed")}
    print(f"{len(rows)} files: {counts}")
    return rows


def main(arguments: list[str]) -> int:
    """The command."""
    if arguments:
        rows = table(Path(arguments[0]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            fetch(Path(folder))
            rows = table(Path(folder))
    return int(any(row.outcome == "failed" for row in rows) or not rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
