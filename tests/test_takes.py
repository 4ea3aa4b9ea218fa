"""Takes: painted again, put aside, restored, and killed at every step in between, with real segments and videos."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib_music.audio import open_audio
from lib_music.demo.cover import draw_cover
from lib_music.errors import InputError, Interrupted, MusicVisualizerError
from lib_music.ffmpeg import ffmpeg_exe
from lib_music.files import digest
from lib_music.pipeline import Plan, Reporter, join_again, pixel_mark, plan_of, render, section_frames
from lib_music.project import Project
from lib_music.recall import recall
from lib_music.render.animatic import Animatic
from lib_music.studio.estimate import asked, moved
from lib_music.studio.motion import Motion
from lib_music.takes import find_take, recover, restore, takes_of
from lib_music.takes.again import Wish, begin_again, stretch_of
from lib_music.takes.sizes import delete_frames, delete_project, delete_take, sizes_of
from lib_music.takes.take import Take, Told
from lib_music.video.cut import frames
from lib_music.video.mux import count_frames
from tests.studio.places import heard, studio_in

SMALL = Motion(width=64, height=64, preset="four-on-the-floor", renderer="animatic", cadence=2, fps="12")
#: A B A C of 8 s each at 12 fps.
SECTION = 96


@dataclass
class Song:
    """A project with its song heard."""

    folder: Path
    motion: Motion = SMALL

    @property
    def project(self) -> Project:
        return Project(self.folder)

    def plan(self) -> Plan:
        request = asked(self.project, self.motion, "animatic")
        known = recall(self.project, request, open_audio(request.sound))
        return plan_of(known, moved(self.project, known))

    def paint(self, reporter: Reporter | None = None) -> Path:
        plan = self.plan()
        with self.project as project:
            return render(plan, project, Animatic.from_file(plan.cover), reporter or Reporter()).video

    def again(self, section: int, reporter: Reporter | None = None, **wish: Any) -> Path:
        plan = self.plan()
        with self.project as project:
            begin_again(plan, project, Animatic.name, Wish(section, **wish))
            return render(plan, project, Animatic.from_file(plan.cover), reporter or Reporter()).video

    def restore(self, number: int) -> Path:
        plan = self.plan()
        with self.project as project:
            restore(project, number, Told(f"take {number} was restored", painter=Animatic.name))
            video = join_again(plan, project, Reporter())
            assert video is not None
            return video

    def reword(self, old: str, new: str) -> None:
        board = self.folder / "storyboard.json"
        text = board.read_text()
        assert old in text
        board.write_text(text.replace(old, new))


@pytest.fixture
def song(tmp_path: Path) -> Song:
    studio = studio_in(tmp_path)
    folder = studio.host.workspace() / heard(studio)
    draw_cover(3, folder / "cover.png", 128)
    return Song(folder)


def digests(video: Path) -> list[str]:
    argv = [ffmpeg_exe(), "-v", "error", "-i", str(video), "-map", "0:v:0", "-f", "framemd5", "-"]
    out = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return [line.rsplit(",", 1)[-1].strip() for line in out.splitlines() if not line.startswith("#")]


def pictures(video: Path, first: int, last: int) -> np.ndarray:
    return np.array(list(frames(video, 64, 64, first, last))).astype(float)


def other_motion(song: Song) -> None:
    """Something that every section would be painted otherwise with."""
    song.motion = replace(song.motion, intensity=2.0, preset="hip-hop")


# -- painting again --------------------------------------------------------------------------------------------------


def test_only_one_section_is_painted_again_and_all_else_stays_bit_for_bit(song: Song) -> None:
    before = digests(song.paint())
    assert len(before) == 4 * SECTION
    other_motion(song)
    after = digests(song.again(1))
    assert len(after) == len(before)
    assert after[:SECTION] == before[:SECTION] and after[2 * SECTION :] == before[2 * SECTION :]
    changed = sum(a != b for a, b in zip(after[SECTION : 2 * SECTION], before[SECTION : 2 * SECTION], strict=True))
    assert changed > 0.9 * SECTION
    (take,) = takes_of(song.project)
    assert (take.first, take.last, take.number, take.told.section) == (SECTION, 2 * SECTION, 1, 1)
    assert take.told.label == "B" and take.is_whole and "section 2 (B)" in take.told.why
    kept = [d for start in take.starts for d in digests(take.folder(song.project) / f"{start:05d}.seg")]
    assert kept == before[SECTION : 2 * SECTION], "what was there is in the take, bit for bit"


def test_what_is_painted_again_begins_with_the_picture_before_it(song: Song) -> None:
    video = song.paint()
    old = pictures(video, SECTION - 1, SECTION + 1)
    other_motion(song)
    new = pictures(song.again(1), SECTION - 1, SECTION + 1)
    fresh = next(Animatic.from_file(song.plan().cover).frames(song.plan().animation, 0, None)).astype(float)
    assert np.abs(new[0] - old[0]).mean() == 0.0
    assert np.abs(new[1] - new[0]).mean() < 0.7 * np.abs(new[0] - fresh).mean()


def test_everything_from_a_section_on(song: Song) -> None:
    before = digests(song.paint())
    other_motion(song)
    after = digests(song.again(2, only=False))
    assert after[: 2 * SECTION] == before[: 2 * SECTION] and len(after) == len(before)
    changed = sum(a != b for a, b in zip(after[2 * SECTION :], before[2 * SECTION :], strict=True))
    assert changed > 1.8 * SECTION
    (take,) = takes_of(song.project)
    assert (take.first, take.last) == (2 * SECTION, 4 * SECTION) and "from section 3" in take.told.why


@pytest.mark.parametrize("k", [1, 6, 48])
def test_a_cross_fade_mixes_inside_the_section_alone(song: Song, k: int) -> None:
    old = pictures(song.paint(), 0, 4 * SECTION)
    other_motion(song)
    hard = pictures(song.again(1), 0, 4 * SECTION)
    song.restore(1)
    new = pictures(song.again(1, join="fade", frames=k), 0, 4 * SECTION)
    a, b = SECTION, 2 * SECTION
    assert (new[:a] == old[:a]).all() and (new[b:] == old[b:]).all()
    for place, share in ((a, 1 / (k + 1)), (a + k - 1, k / (k + 1)), (b - k, k / (k + 1)), (b - 1, 1 / (k + 1))):
        wanted = share * hard[place] + (1 - share) * old[place]
        assert np.abs(new[place] - wanted).mean() < 2.5, "both pictures, pixel by pixel, but for the codec"
    if k < 40:
        assert np.abs(new[a + k : b - k] - hard[a + k : b - k]).mean() < 2.5
    jump = np.abs(np.diff(new[b - 2 : b + 1], axis=0)).mean(axis=(1, 2))
    cut = np.abs(np.diff(hard[b - 2 : b + 1], axis=0)).mean(axis=(1, 2))
    assert jump[1] < cut[1], "it gives way more softly than a hard join"


def test_the_first_and_the_last_section_have_one_border(song: Song) -> None:
    before = digests(song.paint())
    other_motion(song)
    first = digests(song.again(0, join="fade", frames=8))
    assert first[SECTION:] == before[SECTION:] and first[:SECTION] != before[:SECTION]
    last = digests(song.again(3, join="fade", frames=8))
    assert last[: 3 * SECTION] == first[: 3 * SECTION] and last[3 * SECTION :] != before[3 * SECTION :]


def test_what_cannot_be_done_is_refused_and_changes_nothing(song: Song) -> None:
    with pytest.raises(InputError, match="nothing of this video"):
        song.again(1)
    song.paint()
    stamp = (song.folder / "progress.json").read_bytes()
    for section, more in ((4, {}), (10**6, {}), (1, {"join": "fade", "frames": 49})):
        with pytest.raises(InputError):
            song.again(section, **more)
    for bad in ({"section": -1}, {"section": True}, {"section": "1"}, {"section": 1, "join": "x"},
                {"section": 1, "frames": -1}, {"section": 1, "frames": 10**9}, {"section": 1.5}):  # fmt: skip
        with pytest.raises(InputError):
            Wish(**bad)  # type: ignore[arg-type]
    for other in ({"fps": "24"}, {"width": 128}, {"duration": 20.0}):
        song.motion = replace(SMALL, **other)
        with pytest.raises(InputError, match="64×64 at 12/1 fps"):
            song.again(1)
    assert (song.folder / "progress.json").read_bytes() == stamp and not (song.folder / "takes").exists()


def test_another_plan_says_which_sections_differ_from_the_video(song: Song) -> None:
    song.paint()
    plan = song.plan()
    assert song.project.progress().fingerprint == pixel_mark(plan, Animatic.name)
    song.motion = replace(song.motion, seed=99)
    new = song.plan()
    song.again(1)
    assert song.project.progress().fingerprint not in (pixel_mark(plan, Animatic.name), pixel_mark(new, Animatic.name))
    for section in (0, 2, 3):
        song.again(section)
    assert song.project.progress().fingerprint == pixel_mark(new, Animatic.name), "all of it is the new plan's now"


def test_new_words_of_a_section_that_ends_within_a_cadence_are_no_change_of_the_next(song: Song) -> None:
    song.motion = replace(song.motion, cadence=5)
    song.paint()
    before = song.plan()
    borders = [cue.start for cue in before.animation.cues]
    assert borders[2] % 5, "the section of the new words ends within a cadence"
    song.reword(before.animation.cues[1].caption, "a red whale")
    song.again(1)
    now = song.plan()
    assert now.animation.cues[1].caption == "a red whale"
    assert song.project.progress().fingerprint == pixel_mark(now, Animatic.name), "nothing is left to be painted"


def test_an_unfinished_painting_goes_on_from_a_section(song: Song) -> None:
    with pytest.raises(Interrupted):
        song.paint(StopAt(3 * SECTION + 20, song.project))
    assert song.project.progress().painted == 3 * SECTION
    seen = [digests(p) for p in sorted((song.folder / "segments").glob("*.seg"))]
    other_motion(song)
    after = digests(song.again(2, only=False))
    assert after[: 2 * SECTION] == seen[0] + seen[1] and len(after) == 4 * SECTION
    (take,) = takes_of(song.project)
    assert (take.first, take.last, take.segments[1]) == (2 * SECTION, 4 * SECTION, ""), "as far as it was painted"
    with pytest.raises(InputError, match="not painted to its end"):
        song.restore(1)


def test_from_a_section_that_is_not_painted_yet_it_goes_on_where_it_is(song: Song) -> None:
    with pytest.raises(Interrupted):
        song.paint(StopAt(2 * SECTION + 20, song.project))
    before = [digests(p) for p in sorted((song.folder / "segments").glob("*.seg"))]
    song.motion = replace(song.motion, seed=7)
    assert stretch_of(song.plan(), song.project.progress(), Wish(3, only=False)) == (2 * SECTION, 4 * SECTION)
    with pytest.raises(InputError, match="not painted yet"):
        song.again(3)
    after = digests(song.again(3, only=False))
    assert after[: 2 * SECTION] == before[0] + before[1] and takes_of(song.project) == []


def test_one_section_of_an_unfinished_painting_and_then_the_rest(song: Song) -> None:
    with pytest.raises(Interrupted):
        song.paint(StopAt(3 * SECTION + 20, song.project))
    kept = [digests(p) for p in sorted((song.folder / "segments").glob("*.seg"))]
    other_motion(song)
    after = digests(song.again(1))
    assert after[:SECTION] == kept[0] and after[2 * SECTION : 3 * SECTION] == kept[2]
    assert after[SECTION : 2 * SECTION] != kept[1] and len(after) == 4 * SECTION


def test_sections_that_moved_since_are_cut_where_they_are_now(song: Song) -> None:
    from lib_music.analysis.corrections import Corrections, write_corrections

    video = song.paint()
    before, old = digests(video), pictures(video, 0, 4 * SECTION)
    write_corrections(song.folder / "corrections.json", Corrections(borders=((8.0, 6.0),)))
    spans = section_frames(song.plan().animation)
    assert spans[:2] == [(0, 72), (72, 192)]
    after = song.again(1)
    assert count_frames(after) == 4 * SECTION
    new = pictures(after, 0, 72)
    assert np.abs(new - old[:72]).mean() < 1.5, "encoded once more at the most"
    assert digests(after)[192:] == before[192:]
    assert digests(song.restore(1))[192:] == before[192:]


# -- restoring -------------------------------------------------------------------------------------------------------


def test_a_restored_take_is_what_it_was_and_what_was_there_is_a_take(song: Song) -> None:
    before = digests(song.paint())
    other_motion(song)
    again = digests(song.again(1, join="fade", frames=6))
    assert digests(song.restore(1)) == before
    assert [(t.number, t.told.why) for t in takes_of(song.project)] == [(2, "take 1 was restored")]
    assert digests(song.restore(2)) == again
    assert [t.number for t in takes_of(song.project)] == [3]
    with pytest.raises(InputError, match=r"^there is no take 2 \(choose of 3\)$"):
        song.restore(2)
    assert digests(song.restore(3)) == before, "there and back as often as one likes"


def test_takes_over_takes(song: Song) -> None:
    first = digests(song.paint())
    song.motion = replace(song.motion, seed=1)
    second = digests(song.again(1))
    song.motion = replace(song.motion, preset="hip-hop")
    third = digests(song.again(0, only=False))
    assert [(t.number, t.first, t.last) for t in takes_of(song.project)] == [(2, 0, 384), (1, SECTION, 2 * SECTION)]
    assert digests(song.restore(1)) == third[:SECTION] + first[SECTION : 2 * SECTION] + third[2 * SECTION :]
    assert digests(song.restore(2)) == second
    assert digests(song.restore(3)) == second[:SECTION] + third[SECTION : 2 * SECTION] + second[2 * SECTION :]


def test_a_damaged_or_foreign_take_is_told_and_nothing_changes(song: Song) -> None:
    song.paint()
    other_motion(song)
    after = digests(song.again(1))
    segment = song.folder / "takes" / "001" / f"{SECTION:05d}.seg"
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-100])
    with pytest.raises(MusicVisualizerError, match="damaged"):
        song.restore(1)
    segment.write_bytes(whole)
    (video,) = song.folder.glob("*.mp4")
    assert digests(video) == after and song.project.progress().is_finished
    for name, text in (("002", "{"), ("003", '{"version": 1}'), ("x", "{}"), ("-1", "{}")):
        (song.folder / "takes" / name).mkdir()
        (song.folder / "takes" / name / "take.json").write_text(text)
    assert [t.number for t in takes_of(song.project)] == [1]
    for number in (0, 2, "1", None, True, 10**30, -1, 1.0, [1]):
        with pytest.raises(InputError):
            find_take(song.project, number)
    song.again(2)
    assert [t.number for t in takes_of(song.project)] == [4, 1], "a number that is in use is not taken"


def test_painting_the_whole_anew_keeps_the_video_before_it(song: Song) -> None:
    before = digests(song.paint())
    other_motion(song)
    after = digests(song.paint())
    assert after != before and len(list(song.folder.glob("*.mp4"))) == 1
    (take,) = takes_of(song.project)
    assert (take.first, take.last) == (0, 4 * SECTION) and "anew" in take.told.why
    assert digests(song.restore(1)) == before


# -- kills -----------------------------------------------------------------------------------------------------------


class StopAt(Reporter):
    """Stops a painting at a frame, when the sections before it are encoded."""

    def __init__(self, frame: int, project: Project) -> None:
        self._frame, self._done, self._stage, self._project = frame, 0.0, "", project

    def stage(self, name: str, total: float = 1.0) -> None:
        self._stage = name

    def done(self, amount: float) -> None:
        self._done = amount
        whole, until = self._frame // SECTION, time.monotonic() + 120
        while self._stage == "render" and amount >= self._frame and not all(self._project.progress().whole[:whole]):
            assert time.monotonic() < until, "the encoder never came so far"
            time.sleep(0.01)

    def should_stop(self) -> bool:
        return self._stage == "render" and self._done >= self._frame


class Killed(BaseException):
    """As if the process were gone: nobody catches it."""


def killed_at(monkeypatch: pytest.MonkeyPatch, count: int) -> Callable[[], int]:
    """Let the ``count``-th rename, link, deletion or folder be the last thing that happens."""
    steps = [0]

    def wrapped(name: str, owner: Any) -> None:
        real = getattr(owner, name)

        def step(*given: Any, **named: Any) -> Any:
            steps[0] += 1
            if steps[0] >= count:
                raise Killed
            return real(*given, **named)

        monkeypatch.setattr(owner, name, step)

    for name in ("replace", "link", "unlink", "mkdir", "rmdir"):
        wrapped(name, os)
    # pathlib looks its functions up at another place.
    for name in ("replace", "unlink", "mkdir", "rmdir", "touch"):
        wrapped(name, Path)
    return lambda: steps[0]


@pytest.fixture
def pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Cuts each video once: what a kill leaves is looked at many times, and ffmpeg is the same each time."""
    import lib_music.video.cut as cut
    from lib_music.takes import splice

    real, kept = cut.split, tmp_path / "pieces"

    def split(video: Path, lengths: Sequence[int], out: Sequence[Path], encoding: Any) -> None:
        folder = kept / f"{digest(video)}-{'-'.join(map(str, lengths))}"
        made = [folder / path.name for path in out]
        if not folder.is_dir():
            folder.mkdir(parents=True)
            real(video, lengths, made, encoding)
        for piece, path in zip(made, out, strict=True):
            path.write_bytes(piece.read_bytes())

    monkeypatch.setattr(cut, "split", split)
    monkeypatch.setattr(splice, "_thumbnail", lambda folder, mine: None)
    yield


def whole(take: Take, project: Project) -> bool:
    """Whether every segment that a take names is there, bit for bit."""
    paths = [take.folder(project) / f"{start:05d}.seg" for start in take.starts]
    return [digest(path) for path in paths] == list(take.segments)


def clean(folder: Path) -> bool:
    """Whether nothing lies about that waits for its name."""
    left = [*folder.glob("takes/.*"), *folder.rglob("*.next"), *folder.rglob("*.part*"), *folder.rglob("*.gone")]
    # What a process that lives was writing aside is its own: here that is this very one.
    return not [path for path in left if f".{os.getpid()}-" not in path.name]


def fresh(song: Song, pristine: Path) -> None:
    """The project as it was before it was touched."""
    shutil.rmtree(song.folder)
    shutil.copytree(pristine, song.folder)


def killed_everywhere(
    song: Song, pristine: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[Project], object]
) -> Iterator[Project]:
    """The project, recovered twice, after ``work`` was killed at its first step, its second and so on to its end."""
    with song.project as project:
        work(project)
    for count in itertools.count(1):
        fresh(song, pristine)
        killed = False
        with monkeypatch.context() as patched:
            killed_at(patched, count)
            try:
                with song.project as project:
                    work(project)
            except Killed:
                killed = True
        with song.project as project:
            recover(project)
            recover(project)
            yield project
        assert clean(song.folder), count
        if not killed:
            return


@pytest.mark.usefixtures("pieces")
def test_killed_at_every_step_of_putting_aside_nothing_is_lost(
    song: Song, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests(song.paint())
    video = next(song.folder.glob("*.mp4")).name
    shutil.copytree(song.folder, tmp_path / "pristine")
    mark = song.project.progress().video_digest
    song.motion = replace(song.motion, seed=5)
    plan, outcomes = song.plan(), []

    def work(project: Project) -> None:
        begin_again(plan, project, Animatic.name, Wish(1, join="fade", frames=4))

    for project in killed_everywhere(song, tmp_path / "pristine", monkeypatch, work):
        progress, found = project.progress(), takes_of(project)
        assert digest(song.folder / video) == mark, "the video stays until the next one is whole"
        outcomes.append(progress.is_finished)
        if progress.is_finished:
            assert not found and not progress.stretches
        else:
            assert [(t.first, t.last) for t in found] == [(SECTION, 2 * SECTION)] and whole(found[0], project)
            kept = [digest(project.segment(first)) for first in progress.starts]
            assert kept == [*progress.whole[:1], "", *progress.whole[2:]] and all(kept[:1] + kept[2:])
    assert outcomes == sorted(outcomes, reverse=True), "there is one moment at which it counts"
    assert outcomes.count(True) > 5 and outcomes.count(False) > 5
    with song.project as project:
        after = digests(render(plan, project, Animatic.from_file(plan.cover), Reporter()).video)
    assert after[:SECTION] == before[:SECTION] and after[2 * SECTION :] == before[2 * SECTION :]
    (take,) = takes_of(song.project)
    old = [d for s in take.starts for d in digests(take.folder(song.project) / f"{s:05d}.seg")]
    assert old == before[SECTION : 2 * SECTION] != after[SECTION : 2 * SECTION]


@pytest.mark.usefixtures("pieces")
def test_killed_at_every_step_of_restoring_nothing_is_lost(
    song: Song, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests(song.paint())
    song.motion = replace(song.motion, seed=5)
    plan = song.plan()
    song.again(1)
    shutil.copytree(song.folder, tmp_path / "pristine")
    (old,) = takes_of(song.project)
    outcomes = []

    def work(project: Project) -> None:
        restore(project, old.number, Told())

    for project in killed_everywhere(song, tmp_path / "pristine", monkeypatch, work):
        progress, (take,) = project.progress(), takes_of(project)
        outcomes.append(progress.is_finished)
        assert whole(take, project) and (take.first, take.last) == (SECTION, 2 * SECTION)
        if progress.is_finished:
            assert take == old
        else:
            assert take.number == 2 and take.segments != old.segments
            assert [digest(project.segment(first)) for first in progress.starts] == list(progress.whole)
            assert progress.whole[1:2] == old.segments
    assert outcomes == sorted(outcomes, reverse=True) and outcomes.count(True) > 5 and outcomes.count(False) > 5
    with song.project as project:
        video = join_again(plan, project, Reporter())
    assert video is not None and digests(video) == before


def test_a_painting_again_that_is_stopped_goes_on(song: Song) -> None:
    before = digests(song.paint())
    song.motion = replace(song.motion, fps="12", seed=3)
    plan = song.plan()
    with song.project as project:
        begin_again(plan, project, Animatic.name, Wish(1, only=False))
        with pytest.raises(Interrupted):
            render(plan, project, Animatic.from_file(plan.cover), StopAt(2 * SECTION + 30, project))
    assert 0.4 < song.project.share() < 1 and not song.project.progress().is_finished
    after = digests(song.paint())
    with song.project as project:
        restore(project, 1, Told())
        join_again(plan, project, Reporter())
        begin_again(plan, project, Animatic.name, Wish(1, only=False))
        unbroken = digests(render(plan, project, Animatic.from_file(plan.cover), Reporter()).video)
    assert after == unbroken and after[:SECTION] == before[:SECTION]
    assert song.project.progress().rendered_again <= 1


# -- sizes and deletion ----------------------------------------------------------------------------------------------


def on_disk(folder: Path) -> int:
    seen = {(p.stat().st_dev, p.stat().st_ino): p.stat().st_size for p in folder.rglob("*") if p.is_file()}
    return sum(seen.values())


def test_sizes_add_up_and_deleting_needs_the_word(song: Song) -> None:
    song.paint()
    other_motion(song)
    after = digests(song.again(1))
    sizes = sizes_of(song.project)
    assert sizes.total == pytest.approx(on_disk(song.folder), rel=1e-6)
    (video,) = song.folder.glob("*.mp4")
    assert sizes.video == video.stat().st_size and sizes.takes.keys() == {1}
    with song.project as project:
        for word in ("", "yes", None, True, "take 2", 1):
            with pytest.raises(InputError):
                delete_take(project, 1, word)
            with pytest.raises(InputError):
                delete_project(project, word)
        assert takes_of(project) and (song.folder / "takes" / "001").is_dir()
        delete_take(project, 1, "take 1")
        assert not takes_of(project) and sizes_of(project).takes == {}
        delete_frames(project)
    assert digests(next(song.folder.glob("*.mp4"))) == after
    song.again(2)
    assert [t.number for t in takes_of(song.project)] == [2], "a number is never given twice"
    neighbour = song.folder.parent / "other"
    neighbour.mkdir()
    (neighbour / "x").write_text("x")
    project = song.project.__enter__()
    delete_project(project, song.folder.name)
    assert not song.folder.exists() and [p.name for p in neighbour.iterdir()] == ["x"]
    assert {p.name for p in song.folder.parent.iterdir()} <= {"other", ".jobs"}


def test_the_frames_of_an_unfinished_video_are_not_deleted(song: Song) -> None:
    with pytest.raises(Interrupted):
        song.paint(StopAt(SECTION + 20, song.project))
    with song.project as project, pytest.raises(InputError, match="not finished"):
        delete_frames(project)
    assert list((song.folder / "segments").glob("*.seg"))


def test_a_video_of_an_earlier_version_stays_and_says_so(song: Song) -> None:
    import json

    video = song.paint()
    data: dict[str, Any] = json.loads((song.folder / "progress.json").read_text())
    for name in ("lengths", "painter", "width", "height", "fps", "marks", "take", "restored", "stretches"):
        del data[name]
    data["total"] = 4
    (song.folder / "progress.json").write_text(json.dumps(data))
    assert song.project.video() == video and song.project.share() == 1.0
    with pytest.raises(InputError, match="earlier version"):
        song.again(1)


