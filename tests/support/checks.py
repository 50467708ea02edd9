"""What any result of `score` must be, read back with other programs' libraries."""

import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import opentimelineio as otio
import pretty_midi
import pytest
from films import read_wav
from shotscore_engine.session import Session
from shotscore_engine.timing import quantise

Table = dict[str, Any]


def check_everything(table: Table, timeline: Path, out: Path) -> None:
    """What the issue of the main job promises of any result."""
    rate = Fraction(table["rate"])
    assert json.loads((out / "report.json").read_bytes()) == table
    for cue in table["cues"]:
        seconds = Fraction(cue["duration_frames"]) / rate
        stems = [read_wav(out / path) for path in cue["stems"].values()]
        mix, samples_per_second = read_wav(out / cue["mix"])
        assert {sound[1] for sound in stems} == {samples_per_second} == {48_000}
        assert {len(sound[0]) for sound in stems} == {len(mix)} == {quantise(seconds * 48_000)}
        apart = np.abs(np.sum([sound[0] for sound in stems], axis=0) - mix).max()
        assert 20 * np.log10(apart + 1e-12) < -80
        assert np.abs(mix).max() > 0.01
        check_notes(cue, out, rate)
        assert cue["ends_at_frame"] == cue["start_frame"] + cue["duration_frames"]
    check_timeline(table, timeline, out)
    session = Session.open(next(out.glob("*.shotscore")))
    assert session.takes[0].request.seed == table["cues"][0]["seed"]


def check_notes(cue: Table, out: Path, rate: Fraction) -> None:
    midi = pretty_midi.PrettyMIDI(str(out / cue["midi"]))
    starts = np.array([note.start for part in midi.instruments for note in part.notes])
    seconds = cue["duration_frames"] / float(rate)
    assert starts.max() < seconds
    # The last bar may be partial, or the tail in which the last chord rings.
    bars = [(frame - cue["start_frame"]) / float(rate) for frame in cue["bar_frames"]]
    for number, (start, end) in enumerate(pairwise(bars)):
        if end <= seconds - 1.5:
            assert ((starts > start - 0.05) & (starts < end - 0.05)).any(), f"bar {number + 1} is empty"


def check_timeline(table: Table, timeline: Path, out: Path) -> None:
    """The copy holds everything the original held, and the music on its exact frames, at its exact rate."""
    scored = otio.adapters.read_from_file(str(next(out.glob("*.scored.otio"))))
    stems = [stem for cue in table["cues"] for stem in cue["stems"]]
    tracks = {track.name: track for track in scored.tracks if "shotscore" in track.metadata}
    assert list(tracks) == stems
    if timeline.suffix == ".otio":
        original = otio.adapters.read_from_file(str(timeline))
        assert [track.name for track in scored.tracks][: len(original.tracks)] == [t.name for t in original.tracks]
        assert scored.global_start_time == original.global_start_time
        for before, after in zip(original.tracks, scored.tracks, strict=False):
            assert [_span(item) for item in before] == [_span(item) for item in after]
        assert [_media(clip) for clip in scored.tracks[0].find_clips()] == [
            timeline.parent / clip.media_reference.target_url for clip in original.tracks[0].find_clips()
        ]
    picture_rate = float(Fraction(table["rate"]))
    for cue in table["cues"]:
        for stem, path in cue["stems"].items():
            clip = next(iter(tracks[stem].find_clips()))
            placed = tracks[stem].range_of_child(clip)
            assert placed.start_time.rate == pytest.approx(picture_rate, abs=1e-9)
            assert (placed.start_time.value, placed.duration.value) == (cue["start_frame"], cue["duration_frames"])
            references = clip.media_references()
            assert references["DEFAULT_MEDIA"].target_url == path
            assert references["MIDI"].target_url == cue["midi"]
            assert clip.metadata["shotscore"]["seed"] == cue["seed"]


def _media(clip: otio.schema.Clip) -> Path:
    """Where a clip's own media is, for a copy of the timeline in another folder."""
    address = urlsplit(clip.media_reference.target_url)
    assert address.scheme == "file"
    return Path(url2pathname(address.path))


def _span(item: otio.core.Composable) -> tuple[object, ...]:
    if isinstance(item, otio.schema.Transition):
        return (item.in_offset, item.out_offset)
    return (item.trimmed_range(),)
