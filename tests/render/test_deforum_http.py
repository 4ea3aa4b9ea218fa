"""A remote WebUI, over real sockets: what it does when all goes well, and when it does not."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib_music.errors import DeforumError, InputError, Interrupted
from lib_music.render.deforum_client import AUTH_VARIABLE, WebuiClient, parse_url
from lib_music.render.deforum_http import DeforumHttpRenderer
from lib_music.render.deforum_job import JobRecord, JobStatus
from lib_music.render.pixels import frame_to_rgb
from lib_music.schedule import Animation, Schedule, SectionCue, Timebase
from tests.render.deforum_host import ELSEWHERE, Habits, Host, grey

N = 20


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(AUTH_VARIABLE, raising=False)


def animation(cadence: int = 1, n: int = N, **changes: Any) -> Animation:
    values: dict[str, Any] = {
        "timebase": Timebase(Fraction(24), n), "mode": "2D", "border": "wrap", "width": 64, "height": 64,
        "cadence": cadence, "schedules": {"zoom": Schedule("zoom", ((0, 1.0), (12, 1.04)))},
        "prompts": {0: "a cat"}, "negatives": {0: "ugly"}, "cues": (SectionCue(0, n, "A", "verse"),),
    }
    return Animation(**{**values, **changes})


def renderer(host: Host, **changes: Any) -> DeforumHttpRenderer:
    return DeforumHttpRenderer(host.url, **{"poll": 0.01, "patience": 2.0, "stall": 5.0, "settle": 0.2, **changes})


def greys(frames: Iterator[Any]) -> list[int]:
    """The grey of each frame; a red one, which is half painted, is -1."""
    seen = []
    for frame in frames:
        r, g, b = (int(v) for v in frame_to_rgb(frame)[32, 32])
        seen.append(g if max(abs(r - g), abs(b - g)) < 12 else -1)
    return seen


def assert_complete(seen: list[int], start: int = 0, n: int = N) -> None:
    assert len(seen) == n - start
    assert np.abs(np.array(seen) - [grey(i) for i in range(start, n)]).max() <= 2


@pytest.mark.parametrize("cadence", [1, 2, 3, 7])
@pytest.mark.parametrize("remote", [False, True])
def test_all_frames_in_order_by_folder_and_by_file_route(tmp_path: Path, cadence: int, remote: bool) -> None:
    with Host(tmp_path, Habits(remote=remote, half_files=not remote)) as host:
        assert_complete(greys(renderer(host).frames(animation(cadence), 0, None)))
        assert len(host.jobs) == 1
        posted = host.submitted()[0]
        assert posted["skip_video_creation"] is True and posted["prompts"] == {"0": "a cat --neg ugly"}
        asked_files = any(path.startswith("/file=") for _, path, _ in host.requests)
        assert asked_files is remote


def test_a_shared_folder(tmp_path: Path) -> None:
    with Host(tmp_path, Habits(remote=True, hidden=True)) as host:
        assert_complete(greys(renderer(host, frames_dir=tmp_path / "outputs").frames(animation(2), 0, None)))


def test_a_route_without_head(tmp_path: Path) -> None:
    with Host(tmp_path, Habits(remote=True, head=False)) as host:
        assert_complete(greys(renderer(host).frames(animation(), 0, None)))


def test_frames_are_handed_on_while_the_run_goes_on(tmp_path: Path) -> None:
    with Host(tmp_path, Habits(seconds_per_frame=0.02)) as host:
        next(renderer(host).frames(animation(), 0, None))
        assert len(host.painted) < N


@pytest.mark.parametrize("cadence", [1, 3, 10])
def test_a_run_whose_state_never_resolves_is_counted(tmp_path: Path, cadence: int) -> None:
    with Host(tmp_path, Habits(never_resolves=True)) as host:
        assert_complete(greys(renderer(host).frames(animation(cadence), 0, None)))


def test_a_run_that_never_tells_of_its_frames_is_not_taken_for_dead(tmp_path: Path) -> None:
    with Host(tmp_path, Habits(mute=True, seconds_per_frame=0.05)) as host:
        assert_complete(greys(renderer(host, stall=0.3).frames(animation(), 15, None)), start=15)


@pytest.mark.parametrize(("cadence", "stop_at", "good"), [(1, 8, 8), (3, 6, 6)])
def test_an_interrupt_on_the_host_is_told_and_its_half_frame_never_handed_on(
    tmp_path: Path, cadence: int, stop_at: int, good: int
) -> None:
    with Host(tmp_path, Habits(stop_at=stop_at)) as host:
        seen: list[int] = []
        frames = renderer(host).frames(animation(cadence), 0, None)
        with pytest.raises(DeforumError, match="interrupted there after 9 of 20 frames"):
            while True:
                seen += greys(iter([next(frames)]))
        assert_complete(seen, n=good)


def test_too_few_frames_are_counted(tmp_path: Path) -> None:
    with Host(tmp_path, Habits(short_by=5)) as host, pytest.raises(DeforumError, match="done with 16 of 20 frames"):
        greys(renderer(host).frames(animation(), 0, None))


@pytest.mark.parametrize(
    ("failure", "message", "fix"),
    [
        ({"error_type": "RETRYABLE", "message": "'SimpleNamespace' object has no attribute 'cn_1_weight'"},
         "cn_1_weight", "install ControlNet there"),
        ({"error_type": "DeforumJobErrorType.RETRYABLE", "message": "Generation error."},
         "before the first frame", "ControlNet"),
        ({"error_type": {"value": "TERMINAL"}, "message": "Invalid arguments."}, "refuses the settings", "console"),
        ({"error_type": "TERMINAL", "message": ["boom"]}, "boom", "console"),
        ({"error_type": "RETRYABLE", "message": None}, "RETRYABLE", "console"),
    ],
)
def test_failures_are_told_with_their_fix(tmp_path: Path, failure: dict[str, Any], message: str, fix: str) -> None:
    with Host(tmp_path, Habits(fail_at=0, failure=failure)) as host:
        with pytest.raises(DeforumError, match=message) as caught:
            next(renderer(host).frames(animation(), 0, None))
        assert fix in caught.value.fix and caught.value.exit_code == 4


def test_a_failure_midway_counts_and_can_be_resumed(tmp_path: Path) -> None:
    habits = Habits(fail_at=12)
    with Host(tmp_path, habits) as host:
        with pytest.raises(DeforumError, match="failed after 12 of 20 frames"):
            greys(renderer(host, job_file=tmp_path / "job").frames(animation(), 0, None))
        habits.fail_at = None
        assert_complete(greys(renderer(host, job_file=tmp_path / "job").frames(animation(), 0, None)))
        assert host.submitted()[1]["resume_from_timestring"] is True
        assert host.painted == [*range(12), *range(12, 21)]


@pytest.mark.parametrize("cadence", [1, 2, 5])
def test_stopping_cancels_and_resuming_goes_on_without_the_half_frame(tmp_path: Path, cadence: int) -> None:
    n = 40
    with Host(tmp_path, Habits(seconds_per_frame=0.03 * cadence)) as host:
        first = renderer(host)
        with closing(first.frames(animation(cadence, n), 0, None)) as frames:
            seen = greys(iter([next(frames) for _ in range(10)]))
        assert any(method == "DELETE" for method, _, _ in host.requests)
        host.wait_until("POST_PROCESSING")
        painted = len(host.painted)
        assert painted < n // cadence
        second = renderer(host)
        seen += greys(second.frames(animation(cadence, n), 10, first.state()))
        assert_complete(seen, n=n)
        one, two = host.submitted()
        assert two["resume_timestring"] == JobRecord.from_bytes(second.state()).timestring  # type: ignore[union-attr]
        assert two["batch_name"] == one["batch_name"]
        assert len(host.painted) <= -(-n // cadence) + 1 + 3, "at most the last block is painted again"


def test_after_a_crash_the_run_is_followed_not_started_again(tmp_path: Path) -> None:
    job_file = tmp_path / "job.json"
    with Host(tmp_path, Habits(seconds_per_frame=0.01)) as host:
        crashed = renderer(host, job_file=job_file).frames(animation(), 0, None)
        next(crashed)
        state = job_file.read_bytes()
        second = renderer(host, job_file=job_file)
        assert_complete(greys(second.frames(animation(), 1, state)), start=1)
        assert len(host.jobs) == 1 and host.painted == list(range(21))
        crashed.close()


def test_a_finished_run_is_read_again_even_after_the_host_restarted(tmp_path: Path) -> None:
    with Host(tmp_path) as host:
        first = renderer(host)
        assert_complete(greys(first.frames(animation(2), 0, None)))
        host.jobs.clear()
        assert_complete(greys(renderer(host).frames(animation(2), 7, first.state())), start=7)
        assert not host.jobs


def test_a_changed_animation_is_painted_anew(tmp_path: Path) -> None:
    with Host(tmp_path) as host:
        first = renderer(host)
        greys(first.frames(animation(), 0, None))
        assert_complete(greys(renderer(host).frames(animation(prompts={0: "a dog"}), 0, first.state())))
        names = [settings["batch_name"] for settings in host.submitted()]
        assert len(set(names)) == 2


@pytest.mark.parametrize("state", [b"", b"junk", b"[]", b'{"version": 1}', b'{"version": 9, "job_id": "x"}', b"\xff"])
def test_a_damaged_state_starts_anew(tmp_path: Path, state: bytes) -> None:
    with Host(tmp_path) as host:
        assert_complete(greys(renderer(host).frames(animation(), 3, state)), start=3)


@pytest.mark.parametrize("cadence", [1, 4])
def test_where_the_half_frame_cannot_be_deleted_the_rest_is_a_run_of_its_own(tmp_path: Path, cadence: int) -> None:
    n, start = 40, 10
    with Host(tmp_path, Habits(remote=True, seconds_per_frame=0.03 * cadence)) as host:
        first = renderer(host)
        with closing(first.frames(animation(cadence, n), 0, None)) as frames:
            seen = greys(iter([next(frames) for _ in range(start)]))
        host.wait_until("POST_PROCESSING")
        second = renderer(host)
        with closing(second.frames(animation(cadence, n), start, first.state())) as frames:
            seen += greys(iter([next(frames) for _ in range(10)]))
        begun = start - start % cadence
        rest = host.submitted()[1]
        assert rest["resume_from_timestring"] is False and rest["use_init"] is True
        assert rest["init_image"].endswith(f"_{begun - 1:09}.png")
        # Stopped again, and once more from another place.
        host.wait_until("POST_PROCESSING")
        third = renderer(host)
        seen += greys(third.frames(animation(cadence, n), start + 10, second.state()))
        assert_complete(seen, n=n)
        assert JobRecord.from_bytes(third.state()).first == 20  # type: ignore[union-attr]


def test_a_stop_is_remembered_where_the_host_forgets(tmp_path: Path) -> None:
    with Host(tmp_path, Habits(remote=True, seconds_per_frame=0.03)) as host:
        first = renderer(host)
        with closing(first.frames(animation(n=40), 0, None)) as frames:
            seen = greys(iter([next(frames) for _ in range(6)]))
        host.wait_until("POST_PROCESSING")
        host.jobs.clear()
        assert_complete(seen + greys(renderer(host).frames(animation(n=40), 6, first.state())), n=40)
        assert host.submitted()[0]["resume_from_timestring"] is False


@pytest.mark.parametrize("truncated", [False, True])
@pytest.mark.parametrize("remote", [False, True])
def test_after_the_host_crashed_only_whole_frames_are_resumed_from(
    tmp_path: Path, remote: bool, truncated: bool
) -> None:
    habits = Habits(fail_at=12, remote=remote)
    with Host(tmp_path, habits) as host:
        first = renderer(host)
        seen: list[int] = []
        with pytest.raises(DeforumError, match="failed after"):
            for frame in first.frames(animation(), 0, None):
                seen += greys(iter([frame]))
        newest = max(tmp_path.rglob("*_000000011.png"))
        if truncated:
            newest.write_bytes(newest.read_bytes()[:40])
        host.jobs.clear()
        habits.fail_at = None
        seen = seen[:10]
        assert_complete(seen + greys(renderer(host).frames(animation(), len(seen), first.state())))
        resumed = host.submitted()[0]["resume_from_timestring"]
        assert resumed is not (remote and truncated), "over the route nothing can be deleted"


def test_a_half_frame_at_the_very_start_is_painted_anew(tmp_path: Path) -> None:
    with Host(tmp_path, Habits(remote=True, seconds_per_frame=0.02)) as host:
        first = renderer(host)
        with closing(first.frames(animation(n=30), 0, None)) as frames:
            next(frames)
        host.wait_until("POST_PROCESSING")
        assert_complete(greys(renderer(host).frames(animation(n=30), 0, first.state())), n=30)
        rest = host.submitted()[1]
        assert (rest["resume_from_timestring"], rest["use_init"]) == (False, False)


def test_a_forgotten_run_is_said_so(tmp_path: Path) -> None:
    with Host(tmp_path, Habits(seconds_per_frame=0.05)) as host:
        frames = renderer(host).frames(animation(), 0, None)
        next(frames)
        host.jobs = {}
        with pytest.raises(DeforumError, match="forgot the run"):
            list(frames)


def test_a_run_that_shows_no_life_is_given_up(tmp_path: Path) -> None:
    with Host(tmp_path, Habits(seconds_per_frame=1.0)) as host, pytest.raises(DeforumError, match="no sign of life"):
        greys(renderer(host, stall=0.3).frames(animation(n=3), 0, None))


def test_should_stop_is_heard_while_waiting(tmp_path: Path) -> None:
    stop = threading.Event()
    with Host(tmp_path, Habits(seconds_per_frame=0.5)) as host:
        threading.Timer(0.2, stop.set).start()
        began = time.monotonic()
        with pytest.raises(Interrupted):
            greys(renderer(host, should_stop=stop.is_set).frames(animation(), 0, None))
        assert time.monotonic() - began < 20
        assert next(iter(host.jobs.values()))["status"] == "CANCELLED"


def test_the_wrong_size_is_refused_and_the_run_stopped(tmp_path: Path) -> None:
    with Host(tmp_path, Habits(size=(128, 64), seconds_per_frame=0.02)) as host:
        with pytest.raises(DeforumError, match="128x64 instead of 64x64"):
            next(renderer(host).frames(animation(), 0, None))
        assert next(iter(host.jobs.values()))["status"] == "CANCELLED"


def test_a_cut_line_is_tried_again(tmp_path: Path) -> None:
    with Host(tmp_path, Habits(seconds_per_frame=0.01)) as host:
        frames = renderer(host, patience=20.0).frames(animation(), 0, None)
        seen = greys(iter([next(frames)]))
        host.habits.cut = 2
        assert_complete(seen + greys(frames))


def test_a_lost_answer_does_not_start_the_run_twice(tmp_path: Path) -> None:
    with Host(tmp_path, Habits(cut_post_after=True, seconds_per_frame=0.05)) as host:
        assert_complete(greys(renderer(host).frames(animation(), 0, None)))
        assert len(host.jobs) == 1


def test_the_newer_pydantic_gets_its_field(tmp_path: Path) -> None:
    with Host(tmp_path, Habits(needs_overrides=True)) as host:
        next(renderer(host).frames(animation(), 0, None))


@pytest.mark.parametrize(
    ("habits", "message", "fix"),
    [
        (Habits(api=False), "no Deforum API", "--deforum-api"),
        (Habits(answer=(200, "text/html", "<html>login</html>")), "web page", "--deforum-api"),
        (Habits(answer=(524, "text/html", "<html>")), "proxy answers 524", "proxy"),
        (Habits(answer=(401, "application/json", "{}")), "refuses us", AUTH_VARIABLE),
        (Habits(answer=(403, "text/plain", "no")), "refuses us", AUTH_VARIABLE),
        (Habits(answer=(418, "text/plain", "tea")), "418", "console"),
        (Habits(redirect="http://example.org"), "redirects to http://example.org", "own address"),
    ],
)
def test_what_answers_is_not_deforum(tmp_path: Path, habits: Habits, message: str, fix: str) -> None:
    with Host(tmp_path, habits) as host:
        with pytest.raises(DeforumError, match=message) as caught:
            next(renderer(host).frames(animation(), 0, None))
        assert fix in caught.value.fix


def test_nobody_there(tmp_path: Path) -> None:
    with Host(tmp_path) as host:
        pass
    began = time.monotonic()
    with pytest.raises(DeforumError, match="cannot be reached") as caught:
        next(renderer(host).frames(animation(), 0, None))
    assert "port" in caught.value.fix and time.monotonic() - began < 30


def test_a_closed_output_folder(tmp_path: Path) -> None:
    with Host(tmp_path, Habits(remote=True, hidden=True)) as host:
        with pytest.raises(DeforumError, match="does not hand out its frames") as caught:
            next(renderer(host).frames(animation(), 0, None))
        assert "--gradio-allowed-path" in caught.value.fix


def test_credentials_come_from_the_environment_and_stay_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="lib_music")
    with Host(tmp_path, Habits(auth="me:s3cr3t:x", remote=True)) as host:
        with pytest.raises(DeforumError, match="refuses us"):
            next(renderer(host).frames(animation(), 0, None))
        monkeypatch.setenv(AUTH_VARIABLE, "me:s3cr3t:x")
        made = renderer(host, job_file=tmp_path / "job")
        assert_complete(greys(made.frames(animation(), 0, None)))
        assert b"s3cr3t" not in made.state() + (tmp_path / "job").read_bytes()
        assert "s3cr3t" not in caplog.text


def test_gradios_own_login_is_used_for_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(AUTH_VARIABLE, "me:pw")
    with Host(tmp_path, Habits(gradio_auth="me:pw", remote=True)) as host:
        assert_complete(greys(renderer(host).frames(animation(), 0, None)))
    monkeypatch.setenv(AUTH_VARIABLE, "me:wrong")
    other = Host(tmp_path / "b", Habits(gradio_auth="me:pw", remote=True))
    with other, pytest.raises(DeforumError, match="password for its files"):
        next(renderer(other).frames(animation(), 0, None))


def test_credentials_do_not_follow_a_redirect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(AUTH_VARIABLE, "me:pw")
    with Host(tmp_path / "a") as other, Host(tmp_path / "b", Habits(redirect=other.url)) as host:
        with pytest.raises(DeforumError, match="redirects"):
            next(renderer(host).frames(animation(), 0, None))
        assert not other.requests


@pytest.mark.parametrize(
    "url", ["http://me:pw@host:7860", "https://me@host", "host:7860", "ftp://host", "", "http://", "http://h:99999",
            "http://[::1", "http://h?x=1", "http://h/#x", "file:///etc/passwd"],
)
def test_addresses_that_cannot_be_used(url: str) -> None:
    with pytest.raises(InputError) as caught:
        DeforumHttpRenderer(url)
    assert "pw" not in str(caught.value)


def test_an_address_keeps_its_path() -> None:
    assert parse_url(" https://host:7860/webui/ ") == "https://host:7860/webui"


@pytest.mark.parametrize("text", ["nocolon", ":pw"])
def test_credentials_that_cannot_be_used(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(AUTH_VARIABLE, text)
    with pytest.raises(InputError, match="user:password"):
        DeforumHttpRenderer("http://host")


def test_the_start_image_goes_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cover = tmp_path / "cover.png"
    cover.write_bytes(b"pixels")
    made = animation(start_image=cover)
    with Host(tmp_path) as host:
        next(renderer(host).frames(made, 0, None))
        assert host.submitted()[0]["init_image"] == str(cover)
    monkeypatch.setattr(WebuiClient, "is_local", False)
    with Host(tmp_path / "far") as host:
        (tmp_path / "far").mkdir(exist_ok=True)
        next(renderer(host).frames(made, 0, None))
        sent = host.submitted()[0]
        assert sent["use_init"] is True and b"pixels" in Path(sent["init_image"]).read_bytes()


def test_statuses_however_they_are_written() -> None:
    status = JobStatus.from_json(
        {"status": "DeforumJobStatusCategory.FAILED", "phase": {"value": "generating"}, "message": [{}],
         "timestring": "../../x", "updates": "7", "outdir": None}
    )
    assert (status.status, status.phase, status.timestring, status.updates) == ("FAILED", "GENERATING", "", 0)
    assert JobStatus.from_json({}).is_over is False


def test_records_survive_and_refuse_odd_names() -> None:
    record = JobRecord("batch(1)-0", "d", "b", ELSEWHERE, "20260101000000", True)
    assert JobRecord.from_bytes(record.to_bytes()) == record
    odd = json.dumps({"version": 1, "job_id": "a", "digest": "b", "batch_name": "c", "timestring": "../../../etc"})
    assert JobRecord.from_bytes(odd.encode()) is None
    assert JobRecord.from_bytes(json.dumps({"version": 1, "job_id": 1, "digest": 2, "batch_name": 3}).encode()) is None
