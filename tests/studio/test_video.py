"""Cost, preview, Visualize, interrupts, resume: with the real animatic, encoder and files."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib_music.audio import open_audio
from lib_music.demo.compose import compose, write
from lib_music.demo.cover import draw_cover
from lib_music.errors import DeforumError, InputError, Interrupted
from lib_music.ffmpeg import ffmpeg_exe
from lib_music.given import ASPECTS
from lib_music.pipeline import Reporter, make_plan
from lib_music.project import Project
from lib_music.render.animatic import Animatic
from lib_music.render.deforum_job import JobRecord
from lib_music.request import Request
from lib_music.schedule.animation import Animation
from lib_music.schedule.store import animation_to_dict
from lib_music.studio import video
from lib_music.studio.estimate import set_up
from lib_music.studio.host import Choice, Model, Painting
from lib_music.studio.job import Job, JobReporter
from lib_music.studio.motion import MOTION, Motion, read_motion
from lib_music.studio.plain import PlainHost
from lib_music.studio.record import read_painted
from lib_music.studio.studio import Studio, studio_of
from lib_music.studio.video import (
    cost,
    open_visual,
    preview,
    set_motion,
    status,
    switch_model,
    visualize,
    visuals,
    warm_up,
)
from lib_music.video.mux import count_frames
from lib_music.video.sync import visual_change
from tests.studio.places import covered, files_of, finished, heard, plain

SMALL = Motion(width=64, height=64, preset="four-on-the-floor", renderer="animatic")
FIRST = Model("first.safetensors", "aaaaaaaaaa", "", "")
SECOND = Model("second.safetensors", "bbbbbbbbbb", "", "")


class Painter(Animatic):
    """The animatic under Deforum's name, which stands still at a frame until it is let on."""

    name = "deforum"

    def frames(self, animation: Animation, start: int, state: bytes | None, end: int | None = None) -> Iterator[Any]:
        self.host.painted.append((start, animation.timebase.n_frames, self.host.loaded))
        for i, frame in enumerate(super().frames(animation, start, state, end), start):
            if i == self.host.pause_at:
                self.host.at_pause.set()
                while not self.host.go.wait(0.01):
                    if self.should_stop():
                        raise Interrupted("interrupted", "")
            yield frame


class Place(PlainHost):
    """A place with a GPU of its own: a queue, a checkpoint, a warm-up."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.loaded: Model | None = FIRST
        self.pause_at = -1
        self.at_pause, self.go = threading.Event(), threading.Event()
        self.painted: list[tuple[int, int, Model | None]] = []
        self.warmed: list[tuple[Any, ...]] = []
        self.published: list[Painting] = []
        self.pressed = False
        self.gpu = threading.Lock()
        self.holder = 0
        self.tasks: list[str] = []

    def renderers(self) -> tuple[Choice, ...]:
        note = "" if self.loaded else "no checkpoint is loaded"
        return (Choice("deforum", "Deforum", note), Choice("animatic", "Animatic"))

    @contextmanager
    def turn(self, task: str, should_stop: Callable[[], bool]) -> Iterator[Callable[[Painting], None]]:
        self.tasks.append(task)
        while not self.gpu.acquire(timeout=0.02):
            if should_stop():
                raise Interrupted("interrupted while it waited", "")
        self.holder = threading.get_ident()
        try:
            yield self.published.append
        finally:
            self.holder, self.pressed = 0, False
            self.gpu.release()

    def in_turn(self) -> bool:
        return self.holder == threading.get_ident()

    def interrupted(self) -> bool:
        return self.pressed

    def model(self) -> Model | None:
        return self.loaded

    def switch_model(self, model: Model) -> None:
        self.loaded = model

    def warm_up(self, width: int, height: int, sampler: str, steps: int) -> float | None:
        assert self.in_turn()
        self.warmed.append((width, height, sampler, steps))
        return 2.0

    def renderer(self, id: str, plan: Any, project: Any, should_stop: Any) -> Any:
        assert self.in_turn(), "painted in the host's turn"
        if id == "animatic":
            return super().renderer(id, plan, project, should_stop)
        painter = Painter.from_file(plan.cover)
        painter.host, painter.should_stop = self, should_stop  # type: ignore[attr-defined]
        return painter


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "ws")


@pytest.fixture
def studio(place: Place) -> Studio:
    return studio_of(place)


@pytest.fixture
def name(studio: Studio) -> str:
    """A project of 32 s: verse, chorus, verse, drop."""
    return covered(studio)


def done(studio: Studio, job: Job) -> Job:
    found = finished(studio, job)
    assert found.state == "done", (found.error, found.fix)
    return found


def video_of(studio: Studio, job: Job) -> Path:
    return studio.host.workspace() / job.project / done(studio, job).result["video"]


def frames_of(path: Path) -> list[str]:
    argv = [ffmpeg_exe(), "-v", "error", "-i", str(path), "-map", "0:v:0", "-f", "framemd5", "-"]
    out = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    return [line.rsplit(",", 1)[-1].strip() for line in out.splitlines() if not line.startswith("#")]


def until(true: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def standing(place: Place, studio: Studio, name: str, closed: int) -> None:
    """Wait until the painter stands at its pause and ``closed`` segments before it are on the disk."""
    assert place.at_pause.wait(60)
    progress = Project(studio.host.workspace() / name).progress
    until(lambda: sum(map(bool, progress().segments)) >= closed)


# -- cost ------------------------------------------------------------------------------------------------------------


def test_the_cost_is_frames_diffusions_disk_and_time_where_it_is_known(place: Place, studio: Studio, name: str) -> None:
    motion = Motion(renderer="deforum", width=512, height=512, cadence=4, duration=10.0, start=4.0, steps=20)
    found = cost(studio, name, motion)
    assert (found.frames, found.diffusions, found.done, found.seconds) == (240, 60, 0, None)
    assert found.disk > 240 * 512 * 512, "Deforum's pictures count"
    text = "\n".join(found.lines)
    assert "240 frames, 60 of them diffused" in text and "24 fps, 512×512" in text and "not known" in text
    assert place.tasks == [], "asking costs nothing"
    done(studio, warm_up(studio, name, motion))
    assert place.warmed == [(512, 512, "Euler a", 20)] and place.tasks[0].startswith("task(mv-")
    known = cost(studio, name, motion)
    assert known.seconds is not None and 0.1 * 120 < known.seconds <= 120
    assert cost(studio, name, replace(motion, steps=30)).seconds is None, "another number of steps was not measured"
    place.loaded = SECOND
    assert cost(studio, name, motion).seconds is None, "nor another checkpoint"
    animatic = cost(studio, name, SMALL)
    assert (animatic.diffusions, animatic.seconds) == (0, None) and animatic.disk < found.disk
    plain(found.to_dict())


@pytest.mark.parametrize("fps", ["24", "25", "30", "60"])
def test_frames_are_exact_at_the_usual_rates(studio: Studio, name: str, fps: str) -> None:
    motion = replace(SMALL, fps=fps, start=1.0, duration=2.0)
    assert cost(studio, name, motion).frames == 2 * int(fps)
    path = video_of(studio, visualize(studio, name, motion))
    assert count_frames(path) == 2 * int(fps)
    assert visual_change(path)[1] == Fraction(int(fps))


def test_every_choice_changes_what_is_asked_of_deforum(studio: Studio, name: str) -> None:
    first = set_up(studio, name, SMALL).plan.animation
    assert set_up(studio, name, SMALL).plan.animation is first, "what did not change is not computed again"
    others = (
        {"seed": 5},
        {"sampler": "Heun"},
        {"steps": 9},
        {"cadence": 7},
        {"mode": "3D"},
        {"preset": "ambient"},
        {"intensity": 0.5},
        {"fps": "25"},
        {"start": 2.0},
        {"duration": 3.0},
        {"height": 72},
    )
    found = [animation_to_dict(set_up(studio, name, replace(SMALL, **other)).plan.animation) for other in others]
    assert animation_to_dict(first) not in found and len({json.dumps(one) for one in found}) == len(others)
    assert found[0]["schedules"]["seed_schedule"] != animation_to_dict(first)["schedules"]["seed_schedule"]


@pytest.mark.parametrize("shape", ["16:9", "9:16", "1:1"])
def test_the_shapes_of_the_page_can_be_previewed_and_painted(studio: Studio, name: str, shape: str) -> None:
    width, height = ASPECTS[shape]
    assert width % 8 == height % 8 == 0
    small = video.previewed(Motion(width=width, height=height))
    assert max(small.width, small.height) <= 480 and small.width % 8 == small.height % 8 == 0
    assert small.width / small.height == pytest.approx(width / height, rel=0.03)


def test_what_cannot_be_done_is_said_at_once(place: Place, studio: Studio, name: str) -> None:
    place.loaded = None
    for call in (visualize, warm_up):
        with pytest.raises(InputError, match="no checkpoint"):
            call(studio, name, Motion(renderer="deforum"))
    done(studio, preview(studio, name, replace(SMALL, renderer="deforum", duration=1.0)))
    for start, end in ((40.0, 50.0), (5.0, 5.0), (9.0, 3.0), (float("nan"), 5.0), (0.0, float("nan"))):
        with pytest.raises(InputError):
            preview(studio, name, SMALL, start, end)
    for call in (set_motion, cost, visualize, preview):
        with pytest.raises(InputError):
            call(studio, name, replace(SMALL, start=33.0))  # type: ignore[operator]
        with pytest.raises(InputError):
            call(studio, "../" + name, SMALL)  # type: ignore[operator]
    (studio.host.workspace() / name / "storyboard.json").unlink()
    for call in (cost, visualize, preview):
        with pytest.raises(InputError, match="not heard yet"):
            call(studio, name, SMALL)  # type: ignore[operator]
    assert [job.kind for job in studio.jobs.all()] == ["preview"]


# -- preview ---------------------------------------------------------------------------------------------------------


def test_a_preview_is_the_song_in_small_and_changes_nothing_else(studio: Studio, name: str) -> None:
    before = files_of(studio, name)
    job = done(studio, preview(studio, name, Motion(width=256, height=144, fps="60", renderer="deforum")))
    path = studio.host.workspace() / name / job.result["preview"]
    assert path.parent.name == "preview" and visual_change(path)[1] == 30
    audio = open_audio(path)
    assert count_frames(path) == 32 * 30 and audio.total == pytest.approx(32.0, abs=0.05)
    assert files_of(studio, name) == before
    assert [p.name for p in path.parent.iterdir()] == [path.name], "nothing is left beside it"
    again = done(studio, preview(studio, name, Motion(width=256, height=144, fps="60")))
    assert again.result == job.result and "already" in again.said[0]
    for intensity in (0.0, 0.5, 1.5, 2.0):
        done(studio, preview(studio, name, replace(SMALL, intensity=intensity), 0.0, 1.0))
    assert len(list(path.parent.iterdir())) == video.PREVIEWS_KEPT


def test_the_preview_of_a_stretch_sounds_like_that_stretch(studio: Studio, name: str) -> None:
    """The song clicks every half second; from 3.25 s on the first click is a quarter of a second in."""
    job = done(studio, preview(studio, name, replace(SMALL, cadence=2), 3.25, 7.25))
    path = studio.host.workspace() / name / job.result["preview"]
    assert count_frames(path) == 4 * 24
    samples = np.concatenate(list(open_audio(path).blocks(8000)))
    clicks = np.flatnonzero(np.abs(samples) > 0.5 * np.abs(samples).max()) / 8000
    assert clicks[0] == pytest.approx(0.25, abs=0.01) and clicks[-1] == pytest.approx(3.75, abs=0.01)


def test_a_preview_can_be_stopped_and_leaves_nothing(
    studio: Studio, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Event(), threading.Event()
    real = Animatic.frames

    def slowly(self: Animatic, *given: Any) -> Iterator[Any]:
        for i, frame in enumerate(real(self, *given)):
            if i == 100:
                begun.set()
                go.wait(60)
            yield frame

    monkeypatch.setattr(Animatic, "frames", slowly)
    job = preview(studio, name, SMALL)
    assert begun.wait(60)
    studio.jobs.interrupt(job.id)
    go.set()
    assert finished(studio, job).state == "interrupted"
    assert not list((studio.host.workspace() / name / "preview").iterdir())


# -- visualize -------------------------------------------------------------------------------------------------------


def test_visualize_says_what_it_does_and_a_second_click_that_it_is_done(studio: Studio, name: str) -> None:
    motion = replace(SMALL, duration=20.0)
    seen: list[Job] = []
    first, second = visualize(studio, name, motion), visualize(studio, name, motion)
    until(lambda: seen.append(studio.jobs.get(first.id)) or seen[-1].is_over)  # type: ignore[func-returns-value, arg-type]
    path = video_of(studio, first)
    said = "\n".join(done(studio, first).said)
    assert "480 frames" in said and "of disk" in said
    texts = {job.text for job in seen if job.stage == "render"}
    assert any("(verse): a ship" in text and "of 480" in text for text in texts)
    assert any("(chorus): a whale" in text for text in texts)
    stamp = path.stat().st_mtime_ns
    assert "already finished; nothing to do" in done(studio, second).said
    assert path.stat().st_mtime_ns == stamp and count_frames(path) == 480
    found = cost(studio, name, motion)
    assert found.done == 480 and found.seconds == 0 and "finished" in "\n".join(found.lines)
    assert open_audio(path).total == pytest.approx(20.0, abs=0.05)
    assert (path.parent / done(studio, first).result["settings"]).is_file()


def test_two_clicks_paint_one_after_the_other(place: Place, studio: Studio, name: str) -> None:
    place.pause_at = 10
    motion = replace(SMALL, renderer="deforum", duration=2.0)
    first, second = visualize(studio, name, motion), visualize(studio, name, replace(motion, intensity=0.5))
    assert place.at_pause.wait(60)
    states = [(job["state"], job["ahead"]) for job in status(studio, name)["jobs"]]
    assert states == [("running", 0), ("waiting", 1)] and len(place.painted) == 1
    place.go.set()
    done(studio, second)
    assert done(studio, first).finished <= done(studio, second).started and len(place.painted) == 2
    assert place.tasks == [first.task, second.task] and place.published[-1].fraction > 0.9


def test_a_preview_works_while_the_same_song_is_painted(place: Place, studio: Studio, name: str) -> None:
    whole = video_of(studio, visualize(studio, name, SMALL))
    expected = frames_of(whole)
    place.pause_at = 300
    job = visualize(studio, name, replace(SMALL, renderer="deforum"))
    standing(place, studio, name, 1)
    folder = studio.host.workspace() / name
    before = {path: path.read_bytes() for path in (folder / "segments").glob("*.seg")}
    assert before
    done(studio, preview(studio, name, replace(SMALL, fps="60", intensity=2.0), 1.0, 3.0))
    cost(studio, name, SMALL), set_motion(studio, name, replace(SMALL, intensity=2.0))
    assert {path: path.read_bytes() for path in (folder / "segments").glob("*.seg")} == before
    place.go.set()
    assert frames_of(video_of(studio, job)) == expected
    assert read_motion(place, Project(folder)).intensity == 2.0, "the page's newer choice is not taken back"


def interrupted_at(
    moment: str, place: Place, studio: Studio, name: str, motion: Motion, monkeypatch: pytest.MonkeyPatch
) -> Job:
    """The job of a painting that was interrupted there, and is over."""
    if moment in ("painting", "host"):
        place.pause_at = 400
        job = visualize(studio, name, motion)
        standing(place, studio, name, 2)
        if moment == "host":
            place.pressed = True
        else:
            studio.jobs.interrupt(job.id)
        until(lambda: finished(studio, job).state == "interrupted" or place.go.set())
    elif moment == "mux":
        interrupt_at_stage("mux", studio, monkeypatch)
        job = visualize(studio, name, motion)
    elif moment == "in the line":
        place.pause_at = 5
        before = visualize(studio, name, replace(motion, duration=1.0))
        assert place.at_pause.wait(60)
        job = visualize(studio, name, motion)
        studio.jobs.interrupt(job.id)
        place.go.set()
        done(studio, before)
    else:
        held, said = {
            "for the GPU": (place.gpu, "waiting for the GPU"),
            "for the project": (Project(studio.host.workspace() / name), "another run"),
        }[moment]
        with held:
            job = visualize(studio, name, motion)
            until(lambda: said in studio.jobs.get(job.id).text)  # type: ignore[union-attr]
            studio.jobs.interrupt(job.id)
            finished(studio, job)
    return finished(studio, job)


def interrupt_at_stage(stage: str, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever job comes to that stage first is interrupted in it."""
    stopped = threading.Event()
    real = JobReporter.check

    def check(self: JobReporter) -> None:
        if self._stage == stage and not stopped.is_set():
            stopped.set()
            studio.jobs.interrupt(self.job_id)
        real(self)

    monkeypatch.setattr(JobReporter, "check", check)


@pytest.mark.parametrize("moment", ["in the line", "for the GPU", "for the project", "painting", "host", "mux"])
def test_interrupted_anywhere_it_goes_on_and_nothing_is_lost(
    place: Place, studio: Studio, name: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    motion = replace(SMALL, renderer="deforum", duration=25.0)
    folder = studio.host.workspace() / name
    job = interrupted_at(moment, place, studio, name, motion, monkeypatch)
    assert job.state == "interrupted"
    assert not place.gpu.locked() and not list(folder.rglob(".*.part*"))
    assert not list(folder.glob("*.mp4")) or moment == "in the line"
    place.go.set()
    place.pause_at = -1
    resumed = video_of(studio, visualize(studio, name, motion))
    if moment in ("painting", "host"):
        assert [start for start, _, _ in place.painted] == [0, 384], "what was painted is kept"
    if moment == "mux":
        assert len(place.painted) == 1, "all of it"
    other = Studio(Place(studio.host.workspace().parent / "other"), studio.jobs)
    (studio.host.workspace().parent / "other").mkdir()
    fresh = heard(other)
    (other.host.workspace() / fresh / "cover.png").write_bytes((folder / "cover.png").read_bytes())
    assert frames_of(resumed) == frames_of(video_of(other, visualize(other, fresh, motion))), (
        "no frame is lost or twice"
    )


KILLED = """
import os, signal, sys, time
from pathlib import Path
from lib_music.studio.plain import PlainHost
from lib_music.studio.studio import studio_of
from lib_music.studio.motion import Motion
from lib_music.studio.video import visualize
studio = studio_of(PlainHost(Path(sys.argv[1])))
job = visualize(studio, sys.argv[2], Motion.from_dict(eval(sys.argv[3])))
folder = Path(sys.argv[1]) / sys.argv[2]
while len(list(folder.glob("segments/*.seg"))) < 2:
    assert not studio.jobs.get(job.id).is_over
    time.sleep(0.002)
print("begun", flush=True)
os.kill(os.getpid(), signal.SIGSTOP)  # who kills it may come late
"""


def test_a_killed_process_is_gone_on_from(studio: Studio, name: str) -> None:
    folder = studio.host.workspace() / name
    expected = frames_of(video_of(studio, visualize(studio, name, SMALL)))
    (folder / "progress.json").unlink()
    next(folder.glob("*.mp4")).unlink()
    argv = [sys.executable, "-c", KILLED, str(folder.parent), name, repr(SMALL.to_dict())]
    child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "begun\n"
    child.kill()
    child.wait()
    after = Studio(PlainHost(folder.parent), type(studio.jobs)(studio.jobs.folder))
    killed = next(job for job in after.jobs.all() if job.state == "interrupted")
    assert killed.kind == "visualize" and killed.project == name
    opened = open_visual(after, name)
    assert opened.motion == replace(SMALL, sampler="Euler a") and "% are painted" in opened.notes[0]
    job = visualize(after, name, opened.motion)
    assert frames_of(video_of(after, job)) == expected
    assert any("going on at frame" in line for line in done(after, job).said)


def test_the_command_line_goes_on_with_what_the_page_began(studio: Studio, tmp_path: Path) -> None:
    """A range of the page is cut out of the whole song; heard by itself it would move otherwise."""
    song = write(compose(4, bpm=128, plan=(("verse", 4), ("chorus", 8))), tmp_path / "song.wav")
    folder = studio.host.workspace() / "tune-20260101000000"
    asked = Request(song, cover=draw_cover(3, tmp_path / "cover.png", 128))
    make_plan(asked.over({}, frozenset()), folder, Reporter())
    motion = replace(SMALL, start=5.0, duration=12.0, seed=5)
    expected = frames_of(video_of(studio, visualize(studio, folder.name, motion)))
    (folder / "progress.json").unlink()
    next(folder.glob("*.mp4")).unlink()
    child = subprocess.run([sys.executable, "-m", "lib_music", "resume", folder], capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
    assert frames_of(next(folder.glob("*.mp4"))) == expected
    assert "nothing to do" in "\n".join(done(studio, visualize(studio, folder.name, motion)).said)


def test_an_error_of_the_painter_is_one_line_and_leaves_the_place_free(
    place: Place, studio: Studio, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> float:
        raise DeforumError("out of GPU memory at 4096×4096", "take a smaller size")

    monkeypatch.setattr(place, "warm_up", broken)
    job = finished(studio, visualize(studio, name, replace(SMALL, renderer="deforum", duration=1.0)))
    assert (job.state, job.error, job.fix) == ("failed", "out of GPU memory at 4096×4096", "take a smaller size")
    assert not place.gpu.locked()
    done(studio, visualize(studio, name, replace(SMALL, duration=1.0)))


def test_a_song_that_was_exchanged_is_not_painted(studio: Studio, name: str) -> None:
    song = studio.host.workspace() / name / "song.wav"
    song.write_bytes(song.read_bytes()[:-4000])
    job = finished(studio, visualize(studio, name, replace(SMALL, duration=1.0)))
    assert job.state == "failed" and "not the one that was heard" in job.error


def test_the_time_of_one_picture_is_measured_first_and_then_that_of_the_video(
    place: Place, studio: Studio, name: str
) -> None:
    motion = replace(SMALL, renderer="deforum", duration=4.0, sampler="Heun", steps=9)
    said = "\n".join(done(studio, visualize(studio, name, motion)).said)
    assert place.warmed == [(64, 64, "Heun", 9)] and "one picture takes 2.0 s" in said and "about" in said
    other = cost(studio, name, replace(motion, intensity=0.3))
    assert other.seconds is not None and other.seconds < 20, "48 diffusions took no 2 s each"
    done(studio, visualize(studio, name, replace(motion, intensity=0.3)))
    assert len(place.warmed) == 1, "it is known by now"


# -- model -----------------------------------------------------------------------------------------------------------


def test_another_checkpoint_is_warned_of_and_loaded_on_the_persons_word_only(
    place: Place, studio: Studio, name: str
) -> None:
    motion = replace(SMALL, renderer="deforum", duration=25.0)
    place.pause_at = 400
    job = visualize(studio, name, motion)
    standing(place, studio, name, 2)
    studio.jobs.interrupt(job.id)
    finished(studio, job)
    painted = read_painted(Project(studio.host.workspace() / name))
    assert painted is not None and painted.model == FIRST and painted.motion.steps == 20 and painted.app
    place.pause_at, place.loaded = -1, SECOND
    opened = open_visual(studio, name)
    assert opened.model_differs and opened.recorded == FIRST and place.loaded == SECOND
    assert any("first.safetensors" in line and "second.safetensors" in line for line in opened.notes)
    assert "loaded: first.safetensors" in switch_model(studio, name)[0] and place.loaded == FIRST
    assert not open_visual(studio, name).model_differs
    place.loaded = SECOND
    going_on = done(studio, visualize(studio, name, motion))
    assert place.painted[-1][0] == 384, "what was painted is not thrown away"
    assert any("first.safetensors" in line and "rest is painted" in line for line in going_on.said)


def test_a_finished_video_is_painted_again_by_another_checkpoint_and_says_why(
    place: Place, studio: Studio, name: str
) -> None:
    motion = replace(SMALL, renderer="deforum", duration=2.0)
    done(studio, visualize(studio, name, motion))
    run = studio.host.workspace() / name / "deforum_job.json"
    run.write_text("{}")
    place.loaded = SECOND
    assert any("begins anew" in line and "first" in line for line in cost(studio, name, motion).lines)
    done(studio, visualize(studio, name, motion))
    assert [loaded for _, _, loaded in place.painted] == [FIRST, SECOND]
    assert not run.exists(), "the other one's pictures are not taken for these"
    assert "nothing to do" in done(studio, visualize(studio, name, motion)).said[-1]
    place.loaded = replace(SECOND, checkpoint_hash="")
    assert not open_visual(studio, name).model_differs, "a hash that is not known yet is no difference"
    assert "nothing to do" in done(studio, visualize(studio, name, motion)).said[-1]


def test_without_a_record_there_is_nothing_to_switch_to(studio: Studio, name: str) -> None:
    with pytest.raises(InputError):
        switch_model(studio, name)
    record = studio.host.workspace() / name / "model.json"
    for text in ("[", "{}", '{"version": 1, "model": {"checkpoint": 3}}', '{"version": 1, "model": null}'):
        record.write_text(text)
        assert read_painted(Project(record.parent)) is None
        assert not open_visual(studio, name).model_differs


# -- resume ----------------------------------------------------------------------------------------------------------


def test_what_would_begin_anew_is_explained_before_it_does(place: Place, studio: Studio, name: str) -> None:
    motion = replace(SMALL, renderer="deforum", duration=25.0, sampler="Heun", steps=9, seed=5, cadence=3)
    place.pause_at = 400
    job = visualize(studio, name, motion)
    standing(place, studio, name, 2)
    studio.jobs.interrupt(job.id)
    finished(studio, job)
    assert cost(studio, name, motion).done == 384
    other = replace(motion, fps="30", width=128, steps=20)
    set_motion(studio, name, other)
    lines = [line for line in cost(studio, name, other).lines if "begins anew" in line]
    assert len(lines) == 3
    assert "24 fps" in lines[0] and "30" in lines[0] and "64×64" in lines[1] and "128×64" in lines[1]
    assert cost(studio, name, other).done == 0
    opened = open_visual(studio, name)
    assert opened.motion == motion == read_motion(place, Project(studio.host.workspace() / name))
    assert "24 fps instead of 30, 64×64 instead of 128×64" in "\n".join(opened.notes)
    assert cost(studio, name, opened.motion).done == 384
    board = studio.host.workspace() / name / "storyboard.json"
    board.write_text(board.read_text().replace("a ship", "a galleon"))
    assert any("prompts" in line for line in cost(studio, name, motion).lines if "begins anew" in line)
    assert any("prompts" in line for line in open_visual(studio, name).notes)


def test_pictures_of_a_segment_that_is_not_closed_count(
    place: Place, studio: Studio, name: str, tmp_path: Path
) -> None:
    folder, motion = studio.host.workspace() / name, replace(SMALL, renderer="deforum", duration=2.0, sampler="Heun")
    place.pause_at = 30
    job = visualize(studio, name, motion)
    assert place.at_pause.wait(60)
    studio.jobs.interrupt(job.id)
    finished(studio, job)
    other = replace(motion, fps="30", width=128)
    set_motion(studio, name, other)
    assert open_visual(studio, name).motion == other, "nothing is painted that could be gone on with"
    set_motion(studio, name, motion)
    for frame in (*range(24), 25):
        (tmp_path / f"20260101000000_{frame:09}.png").touch()
    JobRecord("job-0", "digest", "batch", str(tmp_path), "20260101000000").save(folder / "deforum_job.json")
    assert cost(studio, name, motion).done == 24, "up to the gap"
    assert "24 of 48 frames are painted already; it goes on there" in cost(studio, name, motion).lines
    assert visuals(studio)[0]["done"] == 50
    set_motion(studio, name, other)
    lines = [line for line in cost(studio, name, other).lines if "begins anew" in line]
    assert len(lines) == 2 and "24 fps" in lines[0] and "128×64" in lines[1]
    opened = open_visual(studio, name)
    assert opened.motion == motion and "50 % are painted" in opened.notes[0]
    assert "24 fps instead of 30" in opened.notes[1]
    done(studio, visualize(studio, name, replace(motion, renderer="animatic", duration=1.0)))
    assert visuals(studio)[0]["done"] == 100
    set_motion(studio, name, motion)
    record = folder / "model.json"
    record.write_text(record.read_text())
    assert cost(studio, name, motion).done == 0, "an earlier painting's pictures are not this one's"


def test_a_visual_is_found_by_what_people_type(studio: Studio, name: str) -> None:
    folder = studio.host.workspace() / name
    stamp = name.rsplit("-", 1)[1]
    record = {"version": 1, "job_id": "x", "digest": "y", "batch_name": "z", "timestring": "20230405060708"}
    (folder / "deforum_job.json").write_text(json.dumps(record))
    for typed in (name, stamp, "20230405060708", f"  {stamp}\n"):
        assert open_visual(studio, typed).project == name
    (folder.parent / "no-project-20990101000000").mkdir()
    (folder.parent.parent / "outside-20990101000001").mkdir()
    hostile = ("", " ", ".", "..", "../ws/" + name, str(folder), stamp[:-1], "*", f"{name}/", "\x00", "20990101000000")
    for typed in (*hostile, "20990101000001", "9" * 10_000_000, "<img onerror=x>", "%2e%2e", f"{stamp}; rm", "~"):
        with pytest.raises(InputError) as caught:
            open_visual(studio, typed)
        assert len(caught.value.message) < 200
    for harm in ("{", '{"version": 1, "timestring": 7}', '{"timestring": "../x"}'):
        (folder / "deforum_job.json").write_text(harm)
        assert open_visual(studio, stamp).project == name


def test_the_list_shows_what_there_is_and_how_far_it_is(place: Place, studio: Studio, name: str) -> None:
    other, broken = heard(studio), heard(studio)
    for damaged in ("track.json", "progress.json", "motion.json"):
        (studio.host.workspace() / broken / damaged).write_text("[[[")
    draw_cover(5, studio.host.workspace() / other / "cover.png", 128)
    place.pause_at = 400
    job = visualize(studio, other, replace(SMALL, renderer="deforum"))
    standing(place, studio, other, 2)
    studio.jobs.interrupt(job.id)
    finished(studio, job)
    place.go.set()
    done(studio, visualize(studio, name, replace(SMALL, duration=2.0)))
    found = plain(visuals(studio))
    assert found[0]["project"] == name and {entry["project"] for entry in found} == {name, other, broken}
    by = {entry["project"]: entry for entry in found}
    assert (by[name]["done"], by[name]["has_video"], by[name]["title"]) == (100, True, "The Band - A Song")
    assert 20 <= by[other]["done"] < 100 and not by[other]["has_video"]
    assert "thumbnail.jpg" in by[name]["picture_url"] and "cover.png" in by[other]["picture_url"]
    assert by[broken]["title"] == broken and by[broken]["done"] == 0
    assert by[name]["timestring"] == name.rsplit("-", 1)[1] and by[name]["date"][:2] == "20"


# -- status ----------------------------------------------------------------------------------------------------------


def test_the_status_survives_the_page_and_says_when_to_look_again(place: Place, studio: Studio, name: str) -> None:
    before = plain(status(studio, name))
    assert before["jobs"] == [] and before["now"] == pytest.approx(time.time(), abs=5)
    assert status(studio, name)["revision"] == before["revision"]
    set_motion(studio, name, replace(SMALL, renderer="deforum", duration=2.0))
    moved = status(studio, name)["revision"]
    assert moved != before["revision"]
    place.pause_at = 20
    job = visualize(studio, name, replace(SMALL, renderer="deforum", duration=2.0))
    assert place.at_pause.wait(60)
    reloaded = studio_of(Place(studio.host.workspace()))
    (shown,) = plain(status(reloaded, name))["jobs"]
    assert (shown["id"], shown["state"], shown["stage"]) == (job.id, "running", "render")
    place.go.set()
    done(studio, job)
    (last,) = status(reloaded, name)["jobs"]
    assert (last["state"], last["result"]["video"]) == ("done", "the-band-a-song.mp4")
    assert status(studio, name)["revision"] not in (moved, before["revision"])
    assert status(studio, "../x") | {"now": 0} == {"jobs": [], "revision": "", "now": 0}


def test_a_motion_that_is_set_is_shown(studio: Studio, name: str) -> None:
    shown = plain(set_motion(studio, name, replace(SMALL, start=4.0, duration=8.0)))
    assert shown["motion"]["start"] == 4.0 and shown["cost"]["frames"] == 192
    assert shown["curves"]["start"] == pytest.approx(4.0) and all(4 <= hit < 12 for hit in shown["curves"]["hits"])
    kept = (studio.host.workspace() / name / MOTION).read_text()
    with pytest.raises(InputError):
        set_motion(studio, name, replace(SMALL, start=32.0))
    assert (studio.host.workspace() / name / MOTION).read_text() == kept
