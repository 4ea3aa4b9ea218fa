"""Waiting for what only one may have at a time: a project, and the host's GPU.

Conventions: whoever waits says so in its job and can be interrupted.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from lib_music.errors import ProjectBusyError
from lib_music.project import Project
from lib_music.studio.job import JobReporter
from lib_music.studio.studio import Studio

#: Seconds between two looks at whether the project is free.
_LOOK = 0.2


@contextlib.contextmanager
def free(project: Project, reporter: JobReporter) -> Iterator[Project]:
    """Open a project as soon as nobody else works in it."""
    reporter.describe = lambda _: "waiting for the project: another run works in it"
    while True:
        opened = Project(project.folder)
        try:
            opened.__enter__()
            break
        except ProjectBusyError:
            reporter.stage("waiting")
            reporter.check()
            time.sleep(_LOOK)
    try:
        yield opened
    finally:
        opened.__exit__()


@contextlib.contextmanager
def turn(studio: Studio, reporter: JobReporter) -> Iterator[None]:
    """Hold the host's turn; its progress bar and its Interrupt are this job's meanwhile."""
    reporter.describe = lambda _: "waiting for the GPU"
    reporter.stage("waiting")
    with studio.host.turn(reporter.task, reporter.should_stop) as publish:
        reporter.publish = publish
        reporter.stops.append(studio.host.interrupted)
        try:
            yield
        finally:
            reporter.stops.remove(studio.host.interrupted)
            reporter.publish = None
