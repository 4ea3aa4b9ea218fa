"""What a handler says when something goes wrong, and what it answers when something takes long.

Conventions: an error becomes a line of HTML with its text escaped; nothing is raised past a handler, since a page shows
a red word instead of what it was told.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, TypeVar

from lib_music.errors import MusicVisualizerError
from lib_music.threads import finished, on_a_thread
from lib_music.ui.shown import Shown, error_lines

log = logging.getLogger("lib_music")
_F = TypeVar("_F", bound=Callable[..., Shown])
_T = TypeVar("_T")


def told_in(part: str) -> Callable[[_F], _F]:
    """An error becomes a line in ``part``; what went well takes the line away, or puts its own there."""

    def around(handler: _F) -> _F:
        @functools.wraps(handler)
        def told(self: Any, *values: Any) -> Shown:
            where = f"said_{part}"
            try:
                return {where: "", **handler(self, *values)}
            except MusicVisualizerError as error:
                return {where: error_lines(error)}
            except Exception as error:
                return {where: unexpected(handler.__name__, error)}

        return told  # type: ignore[return-value]

    return around


def unexpected(name: str, error: Exception) -> str:
    """A fault of ours as one line; the rest goes to the log."""
    log.exception("the page's %s failed", name)
    return error_lines(MusicVisualizerError(f"unexpected {type(error).__name__}: {error}", "the console has more"))


def within(seconds: float, work: Callable[[], _T], otherwise: _T) -> _T:
    """What ``work`` gives, or ``otherwise`` when it takes longer; it goes on by itself then."""
    future = on_a_thread(work, "switch")
    return future.result() if finished(future, seconds) else otherwise
