"""Resolve's traps one by one, against the stand-in of its documented API. The real program was never met."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hostcases import Edit, music, placed
from hostcases.files import TRACKS
from hostcases.resolve import opened_from_lua, put, state
from resolve_lua import run_script
from resolve_stand_in import Item, Media, Resolve, Timeline
from shotscore_engine.errors import HostError
from shotscore_exporters.placement import CueMarker
from shotscore_plugin import hosts
from shotscore_plugin.host import Host
from shotscore_plugin.hosts import resolve as resolve_host
from shotscore_plugin.hosts.resolve import ResolveHost
from shotscore_plugin.hosts.resolve_files import ResolveFilesHost, frame_of

EDIT = Edit(Fraction(24000, 1001), False, 86_400)


@pytest.fixture
def resolve(tmp_path: Path) -> Resolve:
    timeline = Timeline("Film", EDIT.rate, False, EDIT.start_frame)
    put(timeline, TRACKS, tmp_path)
    made = Resolve()
    made.open(timeline)
    return made


@pytest.fixture(params=["studio", "free"])
def host(request: pytest.FixtureRequest, resolve: Resolve, tmp_path: Path) -> Host:
    if request.param == "studio":
        return ResolveHost(resolve, tmp_path / "backups")
    return opened_from_lua(resolve, tmp_path / "exchange")


def test_the_project_is_exported_before_music_first_goes_in(host: Host, tmp_path: Path) -> None:
    clips = music(tmp_path / "music", EDIT, 0, 50, ("melody",))
    first = host.insert(clips, placed(EDIT, 0, 50))
    assert first.before is not None
    assert first.before.is_file()
    assert host.insert(clips, placed(EDIT, 0, 50)).before is None


def test_nothing_changes_where_the_project_cannot_be_exported(host: Host, resolve: Resolve, tmp_path: Path) -> None:
    resolve.manager.exports = False
    before = state(resolve)
    with pytest.raises(HostError, match="nothing was changed"):
        host.insert(music(tmp_path / "music", EDIT, 0, 50, ("melody",)), placed(EDIT, 0, 50))
    assert state(resolve) == before


def test_a_missing_file_changes_nothing(host: Host, resolve: Resolve, tmp_path: Path) -> None:
    clips = music(tmp_path / "music", EDIT, 0, 50, ("melody",))
    clips[0].path.unlink()
    before = state(resolve)
    with pytest.raises(HostError, match="does not exist"):
        host.insert(clips, placed(EDIT, 0, 50))
    assert state(resolve) == before


def test_tracks_are_stereo_and_hits_are_marked_from_the_start(host: Host, resolve: Resolve, tmp_path: Path) -> None:
    hits = (CueMarker(Fraction(0), "Hit: cut"), CueMarker(Fraction(1), "Hit:\tdoor"))
    host.insert(music(tmp_path / "music", EDIT, 100, 50, ("melody",)), placed(EDIT, 100, 50), hits)
    timeline = resolve.project.timeline
    assert timeline.tracks["audio"][-1].kind == "stereo"
    assert sorted(timeline.markers) == [100, 124]
    host.remove()
    assert timeline.markers == {}


def test_a_file_that_became_longer_is_seen(host: Host, tmp_path: Path) -> None:
    """The media pool keeps what it knew of a path; ours are imported anew."""
    host.insert(music(tmp_path / "music", EDIT, 0, 50, ("melody",)), placed(EDIT, 0, 50))
    again = host.insert(music(tmp_path / "music", EDIT, 0, 90, ("melody",)), placed(EDIT, 0, 90))
    assert again.differences == ()
    assert again.standing[0].duration_frames == 90


def test_a_clip_dropped_in_silence_is_told(host: Host, tmp_path: Path) -> None:
    first, second = (music(tmp_path / cue, EDIT, 0, 100, ("melody",))[0] for cue in ("1m01", "1m02"))
    answer = host.insert([first, replace(second, cue="1m02", start_frame=50)], placed(EDIT, 0, 100))
    assert answer.differences == ("1m02 melody is not on the timeline.",)


def test_clips_somebody_put_on_our_track_stay(host: Host, resolve: Resolve, tmp_path: Path) -> None:
    host.insert(music(tmp_path / "music", EDIT, 0, 50, ("melody",)), placed(EDIT, 0, 50))
    track = resolve.project.timeline.tracks["audio"][-1]
    track.items.append(Item(Media(tmp_path / "door.wav", 100), EDIT.start_frame + 60, 20, 0))
    assert host.remove().clips == 1
    kept = resolve.project.timeline.tracks["audio"][-1]
    assert (kept.name, [item.GetName() for item in kept.items]) == ("melody", ["door.wav"])


def test_an_export_that_writes_nothing_is_an_error(host: Host, resolve: Resolve) -> None:
    resolve.project.timeline.exports = False
    with pytest.raises(HostError, match=r"wrote no file|exported no OTIO"):
        host.timeline()


def test_no_timeline_and_missing_methods_are_said(resolve: Resolve, tmp_path: Path) -> None:
    host = ResolveHost(resolve, tmp_path)
    resolve.project.pool = Media(tmp_path, 0)  # type: ignore[assignment]  # lacks everything
    with pytest.raises(HostError, match="has no GetRootFolder"):
        host.remove()
    resolve.project.open = False
    with pytest.raises(HostError, match="No timeline is open"):
        host.timeline()


def test_the_free_edition_waits_for_the_person(resolve: Resolve, tmp_path: Path) -> None:
    host = ResolveFilesHost(tmp_path, wait_seconds=0.1, waiting=lambda: None)
    with pytest.raises(HostError, match="Nothing was heard"):
        host.timeline()
    assert run_script(resolve, tmp_path) == ["Shotscore: the timeline was read."]
    assert host.playhead() == 42
    with pytest.raises(HostError, match="not done the job yet"):
        host.remove()
    assert not (tmp_path / "job.txt").exists()


def test_a_job_for_another_timeline_is_refused(resolve: Resolve, tmp_path: Path) -> None:
    def other() -> None:
        resolve.project.timeline.name = "Trailer"
        run_script(resolve, tmp_path)

    run_script(resolve, tmp_path)
    host = ResolveFilesHost(tmp_path, wait_seconds=10, waiting=other)
    with pytest.raises(HostError, match="music is for the timeline Film"):
        host.insert(music(tmp_path / "music", EDIT, 0, 50, ("melody",)), placed(EDIT, 0, 50))


@pytest.mark.parametrize("text", [b"\xff\xfe", b"standing\tmelody\n", b"x\t" * 100])
def test_what_is_not_the_scripts_is_refused(text: bytes, resolve: Resolve, tmp_path: Path) -> None:
    run_script(resolve, tmp_path)
    (tmp_path / "result.txt").write_bytes(text)
    with pytest.raises(HostError):
        ResolveFilesHost(tmp_path).read_back()


def test_names_the_files_cannot_carry_are_refused(resolve: Resolve, tmp_path: Path) -> None:
    run_script(resolve, tmp_path)
    clip = replace(music(tmp_path / "music", EDIT, 0, 50, ("melody",))[0], stem="two\nlines")
    with pytest.raises(HostError, match="line break"):
        ResolveFilesHost(tmp_path).insert([clip], placed(EDIT, 0, 50))


def test_timecodes_as_resolve_shows_them() -> None:
    drop = Fraction(30000, 1001)
    assert frame_of("01:00:00:00", Fraction(24000, 1001), False) == 86_400
    assert frame_of("01:00:00;00", drop, True) == frame_of("01:00:00:00", drop, True) == 107_892
    assert frame_of("", drop, True) is None


def test_install_puts_the_script_into_the_menu_and_takes_it_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shotscore_plugin.install.data_folder", lambda: tmp_path / "data")
    monkeypatch.setattr(resolve_host, "scripts_folder", lambda: tmp_path / "Scripts" / "Edit")
    program = hosts.program("resolve")
    assert not program.installed()
    (path,) = program.install()
    assert path == tmp_path / "Scripts" / "Edit" / "Shotscore.lua"
    assert f'"{(tmp_path / "data" / "resolve").as_posix()}"' in path.read_text()
    assert program.installed()
    assert program.install() == (path,)
    assert program.remove() == (path,)
    assert not any(tmp_path.rglob("*.lua"))
    assert not (tmp_path / "Scripts").exists()
    assert not (tmp_path / "data").exists()
