"""What is done in a project, as lines in its ``log.txt``.

Conventions: several projects may be worked on at once, each by a thread of its own; a line goes into the log of the
project that its thread works on, or whose thread began it in its own context. A line of no project's concerns all.
"""

from __future__ import annotations

import contextvars
import logging
from pathlib import Path

NAME = "log.txt"
log = logging.getLogger("lib_music")
_worked_on: contextvars.ContextVar[Path | None] = contextvars.ContextVar("project_worked_on", default=None)


class ProjectLog:
    """The log of the project in ``folder``, from now until it is closed; raises OSError where it cannot be written."""

    def __init__(self, folder: Path) -> None:
        self._handler: logging.Handler | None = None
        handler = logging.FileHandler(folder / NAME, encoding="utf-8", errors="backslashreplace")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        handler.addFilter(lambda _: _worked_on.get() in (None, folder))
        self._around = _worked_on.get()
        _worked_on.set(folder)
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        self._handler = handler

    def close(self) -> None:
        """End it; once more changes nothing."""
        handler, self._handler = self._handler, None
        if handler is not None:
            log.removeHandler(handler)
            handler.close()
            _worked_on.set(self._around)
