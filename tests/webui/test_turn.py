"""Our turn on the GPU: in the line, under the bar, and nothing left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from lib_music.errors import Interrupted
from lib_music.studio.host import Painting
from lib_music.webui.turn import STATE_FIELDS, in_turn, pressed_interrupt, queue, turn
from tests.webui.fake_host import FakeHost


def never() -> bool:
    return False


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for another thread."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the other thread did not come so far"
        time.sleep(0.005)


def lock_is_free(host: FakeHost) -> bool:
    if not host.call_queue.queue_lock.acquire(blocking=False):
        return False
    host.call_queue.queue_lock.release()
    return True


def test_a_turn_is_a_job_of_the_hosts_queue_and_bar(webui: FakeHost) -> None:
    progress, state = webui.progress, webui.shared.state
    with turn("task(mv-1)", never) as publish:
        assert progress.current_task == "task(mv-1)" and not progress.pending_tasks
        assert not lock_is_free(webui)
        publish(Painting(0.25, "verse, frame 6/24\nthe line goes on"))
        assert state.job_no / state.job_count == 0.25
        assert state.textinfo == "verse, frame 6/24 the line goes on"
        assert in_turn()
    assert progress.finished_tasks == ["task(mv-1)"] and progress.current_task is None
    assert lock_is_free(webui) and not in_turn()


def test_the_bar_of_a_painter_that_counts_itself_is_left_alone(webui: FakeHost) -> None:
    state = webui.shared.state
    with turn("task(mv-1)", never) as publish:
        state.job, state.job_count, state.job_no = "frame 3/24", 24, 3
        publish(Painting(0.9, "chorus"))
        assert (state.job_no, state.job_count, state.textinfo) == (3, 24, "chorus")


@pytest.mark.parametrize("fails", [False, True])
def test_the_hosts_state_is_as_before(webui: FakeHost, fails: bool) -> None:
    state = webui.shared.state
    for i, name in enumerate(STATE_FIELDS):
        setattr(state, name, f"before {i}")
    before = {name: getattr(state, name) for name in STATE_FIELDS}
    own = set(vars(state))
    try:
        with turn("task(mv-1)", never):
            state.job, state.job_count, state.current_image, state.interrupted = "frame 1/2", 2, "picture", True
            if fails:
                raise RuntimeError("CUDA error")
    except RuntimeError:
        assert fails
    assert {name: getattr(state, name) for name in STATE_FIELDS} == before
    assert set(vars(state)) == own
    assert lock_is_free(webui)
    assert webui.progress.finished_tasks == ["task(mv-1)"]


def test_a_host_that_cannot_begin_lets_the_next_one_in(webui: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(job: str) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(webui.shared.state, "begin", broken, raising=False)
    with pytest.raises(RuntimeError, match="illegal"), turn("task(mv-1)", never):
        raise AssertionError("unreachable")
    assert lock_is_free(webui) and not webui.progress.pending_tasks
    assert webui.progress.finished_tasks == ["task(mv-1)"]


def test_two_of_ours_and_the_hosts_own_follow_one_another(webui: FakeHost) -> None:
    """First come, first served, and never two at once."""
    order: list[str] = []
    inside, most, guard = [0], [0], threading.Lock()
    line = webui.call_queue.queue_lock

    def work(name: str) -> None:
        with guard:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.02)
        order.append(name)
        with guard:
            inside[0] -= 1

    def ours(name: str) -> threading.Thread:
        def job() -> None:
            with turn(f"task({name})", never):
                work(name)

        thread = threading.Thread(target=job, daemon=True)
        thread.start()
        return thread

    line.acquire()
    threads = []
    for i, start in enumerate((ours, webui.in_other_thread, ours, webui.in_other_thread)):
        name = f"job{i}"
        threads.append(start(name, lambda name=name: work(name)) if start is webui.in_other_thread else ours(name))
        until(lambda i=i: line.waiting == i + 2)
    line.release()
    for thread in threads:
        thread.join(60)
    assert order == ["job0", "job1", "job2", "job3"]
    assert most == [1]
    assert len(webui.progress.finished_tasks) == 4


def test_one_can_leave_the_line_and_it_goes_on_without_him(webui: FakeHost) -> None:
    line = webui.call_queue.queue_lock
    stop, left, reached = threading.Event(), threading.Event(), threading.Event()

    def wants() -> None:
        with pytest.raises(Interrupted), turn("task(mv-1)", stop.is_set):
            raise AssertionError("it never has its turn")
        left.set()

    line.acquire()
    threading.Thread(target=wants, daemon=True).start()
    until(lambda: line.waiting == 2)
    assert list(webui.progress.pending_tasks) == ["task(mv-1)"]
    webui.in_other_thread("task(txt2img)", reached.set)
    until(lambda: line.waiting == 3)
    stop.set()
    assert left.wait(60), "giving up does not wait for the GPU"
    assert list(webui.progress.pending_tasks) == ["task(txt2img)"]
    assert webui.progress.finished_tasks == ["task(mv-1)"]
    line.release()
    assert reached.wait(60), "who stands behind has his turn"
    until(lambda: lock_is_free(webui))


def test_a_turn_inside_a_turn_is_told_not_waited_for(webui: FakeHost) -> None:
    with turn("task(mv-1)", never):
        with pytest.raises(RuntimeError, match="not reentrant"), queue(never):
            raise AssertionError("unreachable")
        assert in_turn()


def test_interrupt_is_heard_and_outlives_others_clearing_it(webui: FakeHost) -> None:
    state = webui.shared.state
    state.interrupted = True
    with turn("task(mv-1)", never):
        assert not pressed_interrupt(), "one from before the turn does not count"
        state.interrupt()
        assert state.interrupted and pressed_interrupt()
        state.interrupted = False
        assert pressed_interrupt()
    assert not pressed_interrupt()
    with turn("task(mv-2)", never):
        assert not pressed_interrupt(), "the next turn begins anew"


def test_who_stops_it_makes_the_difference(webui: FakeHost) -> None:
    """Deforum gives up on blank pictures with the same flag, and our renderer stops Deforum with the same call."""
    state = webui.shared.state
    with turn("task(mv-1)", never):
        state.interrupted = True
        assert not pressed_interrupt()
        state.interrupted = False
        exec("stop()", {"__name__": "lib_music.webui.deforum_run", "stop": state.interrupt})
        assert state.interrupted and not pressed_interrupt()
        exec("stop()", {"__name__": "modules.api.api", "stop": state.interrupt})
        assert pressed_interrupt()


def test_stop_after_this_image_stops_now(webui: FakeHost) -> None:
    """The host's Interrupt asks for this while a job counts several; Deforum would get no picture and fail."""
    state = webui.shared.state
    with turn("task(mv-1)", never):
        state.stop_generating()
        assert state.interrupted and not state.stopping_generation and pressed_interrupt()


def test_reload_ui_is_no_interrupt(webui: FakeHost) -> None:
    state = webui.shared.state
    with turn("task(mv-1)", never):
        state.request_restart()
        assert state.server_command == "restart"
        assert not state.interrupted and not pressed_interrupt()
    state.request_restart()
    assert state.interrupted, "outside of our turn it is the host's own"


def test_without_a_page_a_turn_works_the_same(webui: FakeHost) -> None:
    webui.shared.demo = None
    with turn("task(mv-1)", never) as publish:
        publish(Painting(1.0, "done"))
    assert lock_is_free(webui)


def test_the_queue_alone_is_no_job(webui: FakeHost) -> None:
    state = webui.shared.state
    state.interrupted, state.job = True, "frame 1/2"
    with queue(never):
        assert (state.interrupted, state.job) == (True, "frame 1/2")
        assert webui.progress.current_task is None
    assert lock_is_free(webui)


def test_what_another_extension_put_on_the_state_stays(webui: FakeHost) -> None:
    state, mark = webui.shared.state, SimpleNamespace()
    with turn("task(mv-1)", never):
        state.interrupt = mark
    assert state.interrupt is mark
    del state.interrupt
