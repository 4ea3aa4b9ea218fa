"""Jobs queue, report, stop and outlive the page that asked for them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_music.errors import DeforumError, InputError, Interrupted, ProjectError
from lib_music.studio import jobs as module
from lib_music.studio.host import Painting
from lib_music.studio.job import MAX_SAID, Job, JobReporter, Kind
from lib_music.studio.jobs import MAX_ACTIVE, MAX_RECORDS, Jobs, jobs_for


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.005)


def over(jobs: Jobs, job: Job) -> Job:
    until(lambda: jobs.get(job.id).is_over)  # type: ignore[union-attr]
    found = jobs.get(job.id)
    assert found is not None
    return found


class Steps:
    """Work that stands still until it is let on."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, reporter: JobReporter) -> dict[str, str]:
        self.begun.set()
        reporter.stage("render", 100)
        while not self.go.wait(0.01):
            reporter.check()
        return {"video": "a.mp4"}


def test_the_same_work_is_one_job_where_that_is_wished(tmp_path: Path) -> None:
    jobs, work = Jobs(tmp_path), Steps()
    first = jobs.submit("visualize", "song", work, "a")
    assert jobs.submit("visualize", "song", work, "a", sole=True).id == first.id
    others = [
        jobs.submit("visualize", "song", work, "a"),
        jobs.submit("visualize", "song", work, "b", sole=True),
        jobs.submit("visualize", "other", work, "a", sole=True),
        jobs.submit("rerender", "song", work, "a", sole=True),
        jobs.submit("visualize", "song", work, sole=True),
        jobs.submit("visualize", "song", work, sole=True),
    ]
    assert len({first.id, *(job.id for job in others)}) == 7
    for job in (first, others[0]):
        jobs.interrupt(job.id)
    after = jobs.submit("visualize", "song", work, "a", sole=True)
    assert after.id not in {first.id, others[0].id}, "what is told to stop stands for nothing"
    work.go.set()
    assert over(jobs, after).state == "done"
    again = jobs.submit("visualize", "song", work, "a", sole=True)
    assert again.id != after.id and over(jobs, again).state == "done"


def test_a_job_goes_from_waiting_to_done(tmp_path: Path) -> None:
    jobs, work = Jobs(tmp_path), Steps()
    job = jobs.submit("visualize", "song", work)
    assert job.state == "waiting" and job.created > 0 and job.started == job.finished == 0
    work.begun.wait(60)
    running = jobs.get(job.id)
    assert running is not None and running.state == "running" and running.started > 0
    work.go.set()
    done = over(jobs, job)
    assert done.state == "done" and done.fraction == 1.0 and done.result == {"video": "a.mp4"}
    assert done.finished >= done.started >= done.created and jobs.active() == ()


def test_two_of_one_lane_run_one_after_the_other_and_the_other_lane_meanwhile(tmp_path: Path) -> None:
    jobs, first, second, heard = Jobs(tmp_path), Steps(), Steps(), Steps()
    a, b = jobs.submit("visualize", "x", first), jobs.submit("visualize", "x", second)
    c = jobs.submit("preview", "x", heard)
    assert first.begun.wait(60) and heard.begun.wait(60), "a preview does not wait for a painting"
    assert not second.begun.wait(0.1) and jobs.get(b.id).state == "waiting"  # type: ignore[union-attr]
    assert [job.id for job in jobs.active()] == [a.id, b.id, c.id]
    first.go.set()
    assert second.begun.wait(60)
    assert over(jobs, a).finished <= jobs.get(b.id).started  # type: ignore[union-attr]
    second.go.set(), heard.go.set()
    assert over(jobs, b).state == over(jobs, c).state == "done"
    assert [job.id for job in jobs.all()] == [c.id, b.id, a.id], "the newest first"


def test_no_more_wait_than_a_page_can_be_told_of(tmp_path: Path) -> None:
    jobs, work = Jobs(tmp_path), Steps()
    waiting = [jobs.submit("visualize", "x", work) for _ in range(MAX_ACTIVE)]
    for kind in ("visualize", "warm-up"):
        with pytest.raises(InputError, match=f"{MAX_ACTIVE} jobs wait already"):
            jobs.submit(kind, "x", work)
    assert len(jobs.all()) == MAX_ACTIVE
    assert over(jobs, jobs.submit("preview", "x", lambda _: {})).state == "done", "the other lane has room"
    jobs.interrupt(waiting[-1].id)
    last = jobs.submit("visualize", "x", lambda _: {})
    work.go.set()
    assert over(jobs, last).state == "done"


@pytest.mark.parametrize(
    ("kind", "fix"), [("produce", "Produce prompts again"), ("preview", "Preview again"), ("visualize", "Resume")]
)
def test_what_was_interrupted_says_how_to_go_on(tmp_path: Path, kind: Kind, fix: str) -> None:
    jobs, work = Jobs(tmp_path), Steps()
    job = jobs.submit(kind, "x", work)
    assert work.begun.wait(60)
    jobs.interrupt(job.id)
    assert fix in over(jobs, job).fix


def test_a_waiting_job_is_interrupted_without_being_begun(tmp_path: Path) -> None:
    jobs, first, second, third = Jobs(tmp_path), Steps(), Steps(), Steps()
    a = jobs.submit("visualize", "x", first)
    b, c = jobs.submit("visualize", "x", second), jobs.submit("visualize", "x", third)
    first.begun.wait(60)
    jobs.interrupt(b.id)
    assert jobs.get(b.id).state == "interrupted"  # type: ignore[union-attr]
    first.go.set(), third.go.set()
    assert over(jobs, a).state == over(jobs, c).state == "done" and not second.begun.is_set()


def test_a_running_job_is_interrupted_where_it_looks(tmp_path: Path) -> None:
    jobs, work = Jobs(tmp_path), Steps()
    job = jobs.submit("visualize", "x", work)
    work.begun.wait(60)
    jobs.interrupt(job.id)
    found = over(jobs, job)
    assert found.state == "interrupted" and found.fix and found.left is None
    jobs.interrupt(job.id), jobs.interrupt("mv-" + "0" * 16), jobs.interrupt("../../etc")
    assert jobs.get(job.id) == found


@pytest.mark.parametrize(
    ("error", "state", "words"),
    [
        (DeforumError("out of memory", "take a smaller size"), "failed", ("out of memory", "take a smaller size")),
        (Interrupted("stopped"), "interrupted", ("stopped", "")),
        (ValueError("a\nb\x1b[2J" * 500), "failed", ("unexpected ValueError: a b", "console")),
        (SystemExit(3), "failed", ("unexpected SystemExit", "console")),
        (MemoryError(), "failed", ("unexpected MemoryError", "console")),
    ],
)
def test_no_error_kills_a_lane(tmp_path: Path, error: BaseException, state: str, words: tuple[str, str]) -> None:
    jobs = Jobs(tmp_path)

    def work(_: JobReporter) -> dict[str, str]:
        raise error

    found = over(jobs, jobs.submit("visualize", "x", work))
    assert found.state == state and found.error.startswith(words[0]) and words[1] in found.fix
    assert found.error.isprintable() and len(found.error) <= 400
    assert over(jobs, jobs.submit("visualize", "x", lambda _: {})).state == "done"


def test_progress_is_of_the_whole_job_and_never_falls(tmp_path: Path) -> None:
    jobs, seen, published = Jobs(tmp_path), [], []

    def work(reporter: JobReporter) -> dict[str, str]:
        def look() -> None:
            now = jobs.get(reporter.job_id)
            assert now is not None
            seen.append((now.stage, now.fraction, now.text))

        reporter.publish = published.append
        for stage in ("analysis", "schedule"):
            reporter.stage(stage)
            look()
        reporter.describe = lambda amount: f"chorus, frame {amount:.0f} of 200"
        reporter.stage("render", 200)
        for frame in (0, 50, 100, 99, 200):
            reporter.done(frame)
            look()
        reporter.stage("waiting")
        look()
        reporter.stage("mux")
        look()
        return {}

    over(jobs, jobs.submit("visualize", "x", work))
    fractions = [fraction for _, fraction, _ in seen]
    assert fractions == sorted(fractions) and fractions[0] >= 0 and 0.9 < fractions[-1] < 1
    assert seen[4][1] == pytest.approx((seen[2][1] + seen[6][1]) / 2, abs=0.01)
    assert seen[3][2] == "chorus, frame 50 of 200" and seen[-1][2] == "", "a line holds for one stage"
    assert published[-1] == Painting(fractions[-1], "mux") and len(published) == 10
    assert published[4] == Painting(pytest.approx(fractions[3], abs=0.01), seen[3][2])


def test_the_hosts_own_bar_is_told_of_this_run_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the time left from the share done since it began: a resume at nine tenths has just begun."""
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    published: list[Painting] = []
    reporter = JobReporter(Job("mv-" + "0" * 16, "visualize", "x"), threading.Event(), lambda **_: None)
    reporter.publish = published.append
    reporter.describe = lambda amount: f"frame {amount:.0f}"
    reporter.stage("render", 1000)
    for frame in range(900, 1001, 4):
        now[0] += 2
        reporter.done(frame)
        share = published[-1].fraction
        if 908 < frame < 1000:
            total = now[0] / share
            assert total - now[0] == pytest.approx((1000 - frame) / 2, rel=0.35, abs=4), "as the host works it out"
        if frame == 940:
            assert published[-1].text == "frame 940 · about 30 s left"
    assert published[-1].fraction > 0.97


def test_the_time_left_is_of_this_run_and_of_now(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A resume at frame 900 of 1000 that paints 2 frames a second is 50 s from its end, whatever was done before."""
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    updates: list[dict[str, object]] = []
    job = Job("mv-" + "0" * 16, "visualize", "x")
    reporter = JobReporter(job, threading.Event(), lambda **changes: updates.append(changes))
    now[0] += 500  # the model is loaded
    reporter.stage("render", 1000)
    now[0] += 300  # and the first picture takes its time
    reporter.done(900)
    assert updates[-1]["left"] is None, "one report is no rate"
    for frame in (908, 916):
        now[0] += 4
        reporter.done(frame)
    assert updates[-1]["left"] == pytest.approx(84 / 2)
    for frame in range(924, 1000, 4):
        now[0] += 20  # it slows down to a fifth of a frame a second
        reporter.done(frame)
        if frame == 984:
            assert updates[-1]["left"] == pytest.approx(16 / 0.2, rel=0.05), "the last minute counts"
    reporter.stage("mux")
    assert updates[-1]["left"] is None


def test_frames_that_an_earlier_run_left_promise_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resume that first collects 200 painted pictures and then paints one a second, eight between two reports."""
    now, left = [0.0], []
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    job = Job("mv-" + "0" * 16, "visualize", "x")

    def update(**changes: object) -> None:
        left.append((now[0], changes.get("left")))

    reporter = JobReporter(job, threading.Event(), update)
    reporter.stage("render", 1200)
    for frame in range(8, 201, 8):
        now[0] += 0.2
        reporter.done(frame)
    painted = 200
    while painted < 300:
        for _ in range(8 * 5):
            now[0] += 0.2
            reporter.should_stop()
        painted += 8
        reporter.done(painted)
        assert left[-1][1] == pytest.approx(1200 - painted, rel=0.1)
    waiting = [seconds for at, seconds in left if 9 < at < 13]
    assert waiting and min(waiting) > 300, "and while the first one is waited for, it does not say that it is done"  # type: ignore[type-var]


def test_what_it_said_is_kept_once_and_in_bounds(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)

    def work(reporter: JobReporter) -> dict[str, str]:
        for i in range(3 * MAX_SAID):
            reporter.say(f"line {i}")
            reporter.say(f"line {i}")
        reporter.say("<img onerror=x>\n" + "y" * 5000)
        return {}

    said = over(jobs, jobs.submit("produce", "x", work)).said
    assert len(said) == MAX_SAID and said[-2] == f"line {3 * MAX_SAID - 1}" and said[-3] != said[-2]
    assert said[-1].isprintable() and len(said[-1]) <= 300


def test_a_page_built_again_finds_the_same_jobs(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    jobs, work = jobs_for(tmp_path / "here"), Steps()
    job = jobs.submit("visualize", "x", work)
    work.begun.wait(60)
    again = jobs_for(tmp_path / "here" / ".." / "here")
    assert again is jobs and again.get(job.id).state == "running"  # type: ignore[union-attr]
    assert jobs_for(tmp_path / "other") is not jobs
    work.go.set()
    over(jobs, job)


KILLED = """
import sys, threading, time
from pathlib import Path
from lib_music.studio.jobs import Jobs
def work(reporter):
    reporter.stage("render", 100)
    reporter.done(40)
    begun.set()
    time.sleep(60)
    return {}
begun = threading.Event()
jobs = Jobs(Path(sys.argv[1]))
jobs.submit("visualize", "one", work), jobs.submit("visualize", "two", work)
begun.wait(), print("begun", flush=True)
time.sleep(60)
"""


def test_what_a_killed_process_did_shows_as_interrupted(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "begun\n"
    beside = Jobs(tmp_path)
    assert [job.state for job in beside.all()] == ["waiting", "running"], "it lives: nobody says it is over"
    with pytest.raises(InputError):
        beside.interrupt(beside.all()[0].id)
    child.kill()
    child.wait()
    until(lambda: all(job.state == "interrupted" for job in beside.all()))
    after = Jobs(tmp_path)
    assert [(job.project, job.state) for job in after.all()] == [("two", "interrupted"), ("one", "interrupted")]
    assert after.active() == () and all(job.error and job.finished for job in after.all())
    assert not list(tmp_path.glob("*.lock")), "its lock went with it"
    assert [job.state for job in Jobs(tmp_path).all()] == ["interrupted"] * 2


def test_records_are_whole_files_and_not_too_many(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    for _ in range(MAX_RECORDS + 5):
        over(jobs, jobs.submit("produce", "x", lambda _: {"a": "b"}))

    def states() -> list[str]:
        return [json.loads(path.read_text())["state"] for path in tmp_path.glob("mv-*.json")]

    until(lambda: set(states()) == {"done"})
    assert MAX_RECORDS <= len(states()) <= MAX_RECORDS + 1
    assert not list(tmp_path.glob(".*.part*"))
    assert len(Jobs(tmp_path).all()) == len(states())


def test_a_full_disk_costs_the_record_and_not_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = Jobs(tmp_path)

    def full(*_: object) -> None:
        raise ProjectError("no space left")

    monkeypatch.setattr(module, "write_json", full)
    assert over(jobs, jobs.submit("visualize", "x", lambda _: {"video": "v.mp4"})).state == "done"


def test_a_folder_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ProjectError):
        Jobs(tmp_path / "file" / "jobs").submit("produce", "x", lambda _: {})


good = Job("mv-" + "a" * 16, "visualize", "x", "running", created=1.0).to_dict()
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted([*good, "version", "session", "new"])), json_values)
def test_a_record_that_somebody_edited_hurts_nobody(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: object
) -> None:
    folder = tmp_path_factory.mktemp("jobs")
    record = {"version": 1, "session": "b" * 16, **good, name: value}
    (folder / f"{good['id']}.json").write_text(json.dumps(record))
    (folder / "mv-junk.json").write_text("[" * 3000)
    (folder / f"mv-{'c' * 16}.json").write_bytes(b"\xff\x00")
    found = Jobs(folder).all()
    assert len(found) <= 1 and all(job.is_over and json.dumps(job.to_dict()) for job in found)
