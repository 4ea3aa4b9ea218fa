"""A call on a thread of its own, for what may take longer than anybody can wait.

Conventions: the thread is a daemon, so that it holds up nobody's end; whoever stops waiting leaves it to itself.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")


def on_a_thread(call: Callable[[], T], name: str) -> Future[T]:
    """Begin ``call`` in this context; the future has what it returns or raises."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:
            future.set_exception(error)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), name=f"music-visualizer-{name}", daemon=True).start()
    return future


def finished(future: Future[T], seconds: float) -> bool:
    """Whether it is done, waited for so long at the most."""
    return bool(wait([future], seconds).done)
