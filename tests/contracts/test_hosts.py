"""One suite for every host: read, insert, read back, insert again, recut, remove; the person's own stays theirs."""

import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import pytest
from hostcases import CUTS, FRAMES, RATES, RECUT_FRAMES, Case, Edit, cases, music, placed, start_of_hour
from shotscore_engine.errors import HostError, RequestError, TimelineError
from shotscore_engine.picture import Picture, flatten
from shotscore_engine.timing import quantise
from shotscore_exporters.placement import StemClip
from shotscore_plugin import hosts
from shotscore_plugin.host import Host, Inserted, Program, Standing, Watch, differences

STEMS = ("melody", "bass")
HALF = 150


@dataclass
class Opened:
    """A project of a host, fresh."""

    case: Case
    edit: Edit
    project: Path
    host: Host

    def picture(self) -> Picture:
        return flatten(self.host.timeline(), folder=self.project.parent)

    def insert(self, clips: Sequence[StemClip]) -> Inserted:
        return self.host.insert(clips, placed(self.edit, clips[0].start_frame, clips[0].duration_frames))

    def where(self, left: Path | None) -> Path:
        """The file a result stands in; live hosts are asked through their project."""
        return self.project if left is None else left


@pytest.fixture(scope="session", params=list(cases().values()), ids=list(cases()))
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What Shotscore remembers about copies goes into the test's own folder."""
    folder = tmp_path / "data"
    monkeypatch.setattr("shotscore_plugin.install.data_folder", lambda: folder)
    monkeypatch.setattr("shotscore_plugin.hosts.files.data_folder", lambda: folder)
    return folder


def rate_name(rate: tuple[Fraction, bool]) -> str:
    return f"{float(rate[0]):.5g}{'df' if rate[1] else ''}"


@pytest.fixture(params=RATES, ids=rate_name)
def opened(request: pytest.FixtureRequest, case: Case, tmp_path: Path) -> Iterator[Opened]:
    rate, drop = request.param
    yield from open_case(case, Edit(rate, drop, start_of_hour(rate, drop)), tmp_path)


@pytest.fixture
def at_25(case: Case, tmp_path: Path) -> Iterator[Opened]:
    rate = Fraction(25)
    yield from open_case(case, Edit(rate, False, start_of_hour(rate, False)), tmp_path)


def open_case(case: Case, edit: Edit, folder: Path) -> Iterator[Opened]:
    (folder / "project").mkdir()
    project = case.make(folder / "project", edit)
    host = case.open(project)
    yield Opened(case, edit, project, host)
    host.close()


# --- reading -------------------------------------------------------------------------------------------------------


def test_the_edit_is_read_exactly(opened: Opened) -> None:
    picture = opened.picture()
    assert picture.rate == opened.edit.rate
    assert picture.duration_frames == FRAMES
    assert picture.start_frame == (opened.edit.start_frame if opened.case.start_timecode else 0)
    assert [(shot.start_frame, shot.name.split(".")[0]) for shot in picture.shots] == list(CUTS)
    assert opened.host.capabilities.start_timecode == opened.case.start_timecode


def test_playhead_and_selection_lie_in_the_edit(at_25: Opened) -> None:
    playhead, selection = at_25.host.playhead(), at_25.host.selection()
    assert (playhead is not None) <= at_25.host.capabilities.playhead
    assert playhead is None or 0 <= playhead <= FRAMES
    assert selection is None or (at_25.host.capabilities.selection and 0 <= selection[0] < selection[1] <= FRAMES)


# --- music in and out ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(  # the others are read above, inserted below (25), and all written in test_exporters
    "opened", [rate for rate in RATES if quantise(rate[0]) in (24, 30, 50)], ids=rate_name, indirect=True
)
def test_music_stands_where_it_was_put_and_the_original_comes_back(opened: Opened, tmp_path: Path) -> None:
    case, host = opened.case, opened.host
    before, edit_before = case.snapshot(opened.project), opened.picture()
    own_bytes = opened.project.read_bytes() if opened.project.is_file() else b""
    tracks_before = case.layout(opened.project)
    clips = music(tmp_path / "music", opened.edit, 100, HALF, STEMS)

    inserted = opened.insert(clips)

    assert inserted.differences == ()
    assert [(one.start_frame, one.duration_frames, one.source_frame) for one in inserted.standing] == [
        (100, HALF, 0)
    ] * 2
    assert {one.path.resolve() for one in inserted.standing} == {clip.path.resolve() for clip in clips}
    assert host.read_back() == inserted.standing
    if not host.capabilities.live:
        assert inserted.project is not None
        assert inserted.project != opened.project
        assert opened.project.read_bytes() == own_bytes
    # Fresh tracks with nothing else on them; the person's are as they were. (Readers number tracks without names anew.)
    now, then = (
        Counter(spans for _, spans in rows) for rows in (case.layout(opened.where(inserted.project)), tracks_before)
    )
    assert not then - now
    assert set(now - then) == {((100, HALF),)}
    assert opened.picture() == edit_before

    removed = host.remove()

    assert removed.clips == len(clips)
    assert host.read_back() == ()
    assert case.snapshot(opened.where(removed.project)) == before
    assert case.layout(opened.where(removed.project)) == tracks_before
    if own_bytes and not host.capabilities.live:
        assert opened.project.read_bytes() == own_bytes


def test_inserting_again_replaces(at_25: Opened, tmp_path: Path) -> None:
    first = at_25.insert(music(tmp_path / "first", at_25.edit, 0, FRAMES, STEMS))
    again = at_25.insert(music(tmp_path / "again", at_25.edit, 50, 200, ("melody", "harmony", "pad")))
    assert first.differences == again.differences == ()
    assert [(one.start_frame, one.duration_frames) for one in at_25.host.read_back()] == [(50, 200)] * 3
    same = at_25.insert(music(tmp_path / "again", at_25.edit, 50, 200, ("melody", "harmony", "pad")))
    assert same.differences == ()
    assert at_25.host.read_back() == again.standing
    assert at_25.host.remove().clips == 3


def test_every_frame_of_a_cue_counts(at_25: Opened, tmp_path: Path) -> None:
    """One frame of music, and music up to the very end."""
    for start, frames in ((0, 1), (FRAMES - 1, 1), (1, FRAMES - 1)):
        inserted = at_25.insert(music(tmp_path / f"{start}-{frames}", at_25.edit, start, frames, ("melody",)))
        assert inserted.differences == ()
        assert [(one.start_frame, one.duration_frames) for one in inserted.standing] == [(start, frames)]


def test_two_cues_with_handles(at_25: Opened, tmp_path: Path) -> None:
    edit = at_25.edit
    clips = []
    for cue, start, frames in (("1m01", 20, 80), ("1m02", 120, 60)):
        for clip in music(tmp_path / cue, edit, start - 10, frames + 20, STEMS):
            clips.append(replace(clip, cue=cue, start_frame=start, duration_frames=frames, pre_roll_frames=10))
    inserted = at_25.host.insert(clips, placed(edit, 20, 80))
    assert inserted.differences == ()
    assert sorted((one.start_frame, one.duration_frames, one.source_frame) for one in inserted.standing) == [
        (20, 80, 10), (20, 80, 10), (120, 60, 10), (120, 60, 10),
    ]  # fmt: skip
    assert at_25.host.remove().clips == 4


def test_a_recut_between_inserts_keeps_nothing_old(at_25: Opened, tmp_path: Path) -> None:
    host = at_25.host
    at_25.insert(music(tmp_path / "first", at_25.edit, 0, FRAMES, STEMS))
    revision = host.revision()
    host.remove()
    at_25.case.recut(at_25.project)
    assert host.revision() != revision
    assert at_25.picture().duration_frames == FRAMES - RECUT_FRAMES
    before = at_25.case.snapshot(at_25.project)
    inserted = at_25.insert(music(tmp_path / "second", at_25.edit, 0, FRAMES - RECUT_FRAMES, STEMS))
    assert inserted.differences == ()
    assert at_25.picture().duration_frames == FRAMES - RECUT_FRAMES
    removed = host.remove()
    assert at_25.case.snapshot(at_25.where(removed.project)) == before


def test_another_rate_is_refused_and_changes_nothing(at_25: Opened, tmp_path: Path) -> None:
    before = at_25.case.snapshot(at_25.project)
    wrong = Edit(Fraction(24), False, 86_400)
    with pytest.raises(TimelineError, match="own rate"):
        at_25.host.insert(music(tmp_path / "music", wrong, 0, 100, STEMS), placed(wrong, 0, 100))
    assert at_25.case.snapshot(at_25.project) == before
    assert at_25.host.read_back() == ()


def test_removing_where_nothing_is_changes_nothing(at_25: Opened) -> None:
    before = at_25.case.snapshot(at_25.project)
    removed = at_25.host.remove()
    assert removed.clips == 0
    assert at_25.case.snapshot(at_25.where(removed.project)) == before


def test_a_change_is_noticed_once(at_25: Opened) -> None:
    told, first = threading.Semaphore(0), threading.Event()
    watch = Watch(at_25.host, lambda: told.release(), every_seconds=0.02)
    asked = at_25.host.revision

    def revision() -> str:
        now = asked()
        first.set()
        return now

    watch.host = replace_revision(at_25.host, revision)
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        assert first.wait(30)
        at_25.case.recut(at_25.project)
        assert told.acquire(timeout=30)
        assert not told.acquire(timeout=0.2)
    finally:
        watch.stopped.set()
        thread.join()


def replace_revision(host: Host, revision: object) -> Host:
    class Seen:
        def __getattr__(self, name: str) -> object:
            return revision if name == "revision" else getattr(host, name)

    return Seen()  # type: ignore[return-value]


def test_music_of_a_vanished_project_is_an_error(at_25: Opened) -> None:
    if at_25.host.capabilities.live or not at_25.project.is_file():
        return
    os.unlink(at_25.project)  # noqa: PTH108
    for ask in (at_25.host.revision, at_25.host.timeline, at_25.host.read_back):
        with pytest.raises((HostError, TimelineError)):
            ask()


# --- the table of programs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(hosts.HOSTS))
def test_every_program_keeps_the_contract(name: str) -> None:
    program = hosts.program(name)
    assert isinstance(program, Program)
    assert program.name == name
    assert program.title
    assert all(suffix.startswith(".") for suffix in program.suffixes)
    check = program.check()
    assert check.detail
    assert check.state == "ok" or check.remedy


def test_unknown_hosts_and_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no host 'imovie'"):
        hosts.program("imovie")
    with pytest.raises(RequestError, match=r"film\.edl"):
        hosts.open_file(tmp_path / "film.edl")


# --- what is compared ----------------------------------------------------------------------------------------------


def test_differences_are_said_in_sentences(tmp_path: Path) -> None:
    edit = Edit(Fraction(25), False, 90_000)
    melody, bass = music(tmp_path, edit, 100, 50, STEMS)

    def standing(clip: StemClip, start: int = 100, frames: int = 50, source: int = 0) -> Standing:
        return Standing(clip.stem, f"1m01 {clip.stem}", clip.path, start, frames, source)

    both = [melody, bass]
    assert differences(both, [standing(melody), standing(bass)]) == ()
    assert differences(both, [standing(melody)]) == ("1m01 bass is not on the timeline.",)
    assert differences(both, [standing(melody), standing(bass, 101)]) == ("1m01 bass begins at frame 101, not 100.",)
    assert differences([bass], [standing(bass, 100, 49)]) == ("1m01 bass lasts frames: 49, not 50.",)
    assert differences([bass], [standing(bass, source=2)]) == ("1m01 bass skips frames of its file: 2, not 0.",)
    assert differences([bass], [standing(bass)] * 2) == ("1m01 bass stands there 2 times.",)
    assert differences([bass], [standing(bass), standing(melody)]) == (
        "1m01 melody stands there and was not asked for.",
    )
