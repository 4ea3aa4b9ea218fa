"""Our turn on the host's GPU: in its queue, under its progress bar, and its state as it was afterwards.

Conventions: the host has one lock (first come, first served, not reentrant) and one global ``state``. Whoever holds the
lock owns the state; :func:`turn` does what the host's own ``wrap_gradio_gpu_call`` does, for a worker thread, and takes
nothing with it when it goes. A turn is never taken inside another.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lib_music.errors import Interrupted
from lib_music.render.renderer import ShouldStop
from lib_music.studio.host import Painting

log = logging.getLogger("lib_music")

#: What a job of the host leaves changed in its state.
STATE_FIELDS = (
    "skipped", "interrupted", "stopping_generation", "job", "job_no", "job_count", "processing_has_refined_job_count",
    "job_timestamp", "sampling_step", "sampling_steps", "current_latent", "current_image",
    "current_image_sampling_step", "id_live_preview", "textinfo", "time_start",
)  # fmt: skip
#: The bar shows ``job_no / job_count``.
_BAR_STEPS = 1000
#: Seconds between two looks at whether the person still wants to wait.
_PATIENCE = 0.2


@dataclass
class _Holding:
    """Who has the turn now, when they want to stop, and whether Interrupt was pressed in it."""

    thread: int
    should_stop: ShouldStop
    pressed: threading.Event = field(default_factory=threading.Event)


_holding: _Holding | None = None


def pressed_interrupt() -> bool:
    """Whether the person pressed one of the host's Interrupt buttons during our turn.

    The host's flag alone does not say so: Deforum sets it too, when it gives up on a picture.
    """
    holding = _holding
    return holding is not None and holding.pressed.is_set()


def in_turn() -> bool:
    """Whether this thread has the turn."""
    return _holding is not None and _holding.thread == threading.get_ident()


@contextlib.contextmanager
def turn(task: str, should_stop: ShouldStop) -> Iterator[Callable[[Painting], None]]:
    """Wait for the GPU and hold it; yields what publishes the progress. See :class:`lib_music.studio.host.Host`."""
    from modules import progress, shared

    progress.add_task_to_queue(task)
    try:
        with queue(should_stop), kept_state(shared.state):
            shared.state.begin(job=task)
            progress.start_task(task)
            with _heard_buttons(shared.state):
                try:
                    yield _publisher(shared.state, task)
                finally:
                    progress.finish_task(task)
                    shared.state.end()
    finally:
        # One that never got its turn leaves the line; the browser's bar goes when it reads that the task is over.
        if progress.pending_tasks.pop(task, None) is not None:
            progress.finish_task(task)


@contextlib.contextmanager
def queue(should_stop: ShouldStop) -> Iterator[None]:
    """Hold the host's lock without being a job of it; raises Interrupted when ``should_stop`` says so while waiting."""
    global _holding
    from modules import call_queue

    if in_turn():
        raise RuntimeError("the GPU's turn was taken inside a turn; the host's lock is not reentrant")
    _stand_in_line(call_queue.queue_lock, should_stop)
    _holding = _Holding(threading.get_ident(), should_stop)
    try:
        yield
    finally:
        _holding = None
        call_queue.queue_lock.release()


@contextlib.contextmanager
def heeded(state: Any) -> Iterator[None]:
    """While the host paints and nobody of ours is asked: the page's Interrupt becomes the host's."""
    holding, over = _holding, threading.Event()
    assert holding is not None, "the host paints for us only in our turn"
    should_stop = holding.should_stop

    def watch() -> None:
        while not over.wait(_PATIENCE):
            if should_stop():
                state.interrupt()
                return

    watcher = threading.Thread(target=watch, name="music-visualizer-heeds", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _stand_in_line(lock: Any, should_stop: ShouldStop) -> None:
    """Acquire a first come, first served lock that one cannot leave; raises Interrupted.

    Trying again and again would lose the place in the line. So a thread of its own stands in it; when its turn comes
    and nobody wants it any more, it lets the next one through.
    """
    guard, granted, gone = threading.Lock(), threading.Event(), threading.Event()

    def stand() -> None:
        lock.acquire()
        with guard:
            if gone.is_set():
                lock.release()
            else:
                granted.set()

    threading.Thread(target=stand, name="music-visualizer-in-line", daemon=True).start()
    while not granted.wait(_PATIENCE):
        if should_stop():
            with guard:
                gone.set()
            if granted.is_set():
                lock.release()
            raise Interrupted("stopped while it waited for the GPU", "start it again: it goes on")


@contextlib.contextmanager
def kept_state(state: Any, fields: Iterable[str] = STATE_FIELDS) -> Iterator[None]:
    """The host's job fields are as before, afterwards."""
    before = {name: getattr(state, name) for name in fields if hasattr(state, name)}
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(state, name, value)


@contextlib.contextmanager
def _heard_buttons(state: Any) -> Iterator[None]:
    """During our turn Interrupt means now, and Reload UI does not mean Interrupt.

    The host's buttons ask for "stop after this image" while a job counts several, which ends Deforum with an error
    instead of at a frame; and other events of the host clear the flag, so that it is kept here as well. Reload UI
    calls ``interrupt`` too, though only the page is built anew: the job goes on, and the new page finds it.
    """
    holding = _holding
    assert holding is not None, "buttons are heard inside the queue"
    interrupt = state.interrupt

    def interrupted() -> None:
        caller = sys._getframe(1)
        if caller.f_code.co_name == "request_restart":
            log.info("the page is built anew; the job goes on")
            return
        # What our own renderer stops, nobody pressed.
        if not str(caller.f_globals.get("__name__", "")).startswith("lib_music."):
            holding.pressed.set()
        interrupt()

    state.interrupt = state.stop_generating = interrupted
    try:
        yield
    finally:
        # They hide the class's own; what somebody else put there since is not ours to take away.
        for name in ("interrupt", "stop_generating"):
            if vars(state).get(name) is interrupted:
                delattr(state, name)


def _publisher(state: Any, task: str) -> Callable[[Painting], None]:
    def publish(painting: Painting) -> None:
        # The bar passes over text of several lines.
        state.textinfo = " ".join(painting.text.split())
        # A painter that counts its own frames (Deforum) names the job after them; the bar is then its own.
        if state.job == task:
            state.job_count, state.job_no = _BAR_STEPS, round(min(max(painting.fraction, 0.0), 1.0) * _BAR_STEPS)

    return publish
