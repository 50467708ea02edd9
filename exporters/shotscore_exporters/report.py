"""report.json, and what the commands answer to `--json`: plain values under names that stay.

Frames count from the timeline's start; paths are relative to the session's folder, with forward slashes.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shotscore_engine.grid import fit_hits
from shotscore_engine.picture import Picture, Shot
from shotscore_engine.session import Session, Take, TempoChoice
from shotscore_engine.spotting import Hit
from shotscore_engine.timing import format_timecode, rate_text

Table = dict[str, Any]


def picture_table(picture: Picture, hits: Iterable[Hit], tempi: Iterable[TempoChoice]) -> Table:
    """What `spot` answers: the picture, its hits, and the tempi that serve them, best first."""
    return {
        "name": picture.name,
        "rate": rate_text(picture.rate),
        "start_timecode": format_timecode(picture.start_frame, picture.rate, picture.drop_frame),
        "drop_frame": picture.drop_frame,
        "duration_frames": picture.duration_frames,
        "shots": [_shot(shot) for shot in picture.shots],
        "markers": [{"frame": m.frame, "name": m.name, "comment": m.comment} for m in picture.markers],
        "dialogue": [list(span) for span in picture.dialogue],
        "hits": [_hit(hit) for hit in hits],
        "tempi": [
            {"bpm": t.bpm, "meter": f"{t.meter[0]}/{t.meter[1]}", "met": t.met, "near": t.near, "missed": t.missed}
            for t in tempi
        ],
        "warnings": list(picture.warnings),
    }


def cue_table(session: Session, take: Take, files: Mapping[str, Any]) -> Table:
    """One cue as it was scored; `files` holds what delivery knows: midi, mix, stems, loudness."""
    cue, rate, grid = session.cue(take.cue), session.picture.rate, take.grid
    parts = [part for part, notes in zip(("melody", "counter", "harmony"), take.notes, strict=True) if notes]
    return {
        "name": cue.name,
        "start_frame": cue.start_frame,
        "duration_frames": cue.duration_frames,
        "tempo_bpm": round(grid.bpm, 3),
        "meter": f"{grid.meter[0]}/{grid.meter[1]}",
        "key": take.key,
        "style": take.style,
        "bars": len(grid.bar_beats),
        "bar_frames": [round(float(frame), 4) for frame in grid.bar_frames(rate, cue.start_frame)],
        "seed": take.request.seed,
        "take": take.number,
        "parts": parts,
        **files,
        "hits": [
            {
                "frame": fit.hit.frame,
                "kind": fit.hit.kind,
                "nearest_beat_frame": round(float(fit.nearest_beat_frame), 4),
                "frames_off": round(float(fit.frames_off), 4),
                "state": fit.state,
            }
            for fit in fit_hits(grid, cue.hits, rate, cue.start_frame)
        ],
        "ends_at_frame": cue.end_frame,
        "ending": None if take.ending is None else asdict(take.ending),
        "tempo_changes": [asdict(change) for change in take.changes],
    }


def score_table(
    session: Session,
    cues: Sequence[Table],
    seconds: Mapping[str, float],
    peak_memory_bytes: int,
    files: Mapping[str, str],
) -> Table:
    """What `score` answers: everything of `picture_table`, and the cues, the machine's part and the files."""
    takes = [session.take(cue.name) for cue in session.cues if cue.name in session.chosen]
    first = takes[0]
    hits = [hit for cue in session.cues for hit in cue.hits]
    return {
        **picture_table(session.picture, hits, first.tempi),
        "cues": list(cues),
        "device": first.device,
        "device_reason": first.device_reason,
        "model": {"name": first.model.name, "sha256": first.model.sha256},
        "versions": first.versions,
        "seconds": {stage: round(took, 3) for stage, took in seconds.items()},
        "peak_memory_bytes": peak_memory_bytes,
        "files": dict(files),
    }


def to_bytes(table: Table) -> bytes:
    """The table as JSON in UTF-8."""
    return json.dumps(table, indent=1, ensure_ascii=False).encode() + b"\n"


def read(path: Path) -> Table:
    """The report in `path`, or an empty table where there is none that we wrote."""
    try:
        table = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(table, dict) or not isinstance(table.get("files"), dict) or "cues" not in table:
        return {}
    inside = {name: mark for name, mark in table["files"].items() if ".." not in name and not Path(name).is_absolute()}
    return {**table, "files": inside}


def _shot(shot: Shot) -> Table:
    media = shot.media
    return {
        "index": shot.index,
        "start_frame": shot.start_frame,
        "duration_frames": shot.duration_frames,
        "name": shot.name,
        "media": str(media.path) if media and media.path else None,
        "offline": bool(media and media.offline),
        "from": shot.origin,
        "transition": shot.transition,
    }


def _hit(hit: Hit) -> Table:
    return {
        "frame": hit.frame,
        "kind": hit.kind,
        "weight": hit.weight,
        "tolerance_frames": hit.tolerance_frames,
        "reason": hit.reason,
    }
