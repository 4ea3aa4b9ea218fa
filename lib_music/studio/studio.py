"""What every button of the page is handed: the place it runs in, and its jobs."""

from __future__ import annotations

from dataclasses import dataclass

from lib_music.studio.host import Host
from lib_music.studio.jobs import Jobs, jobs_for

#: The folder of the workspace that holds the jobs' records; no project's name begins with a dot.
JOBS_FOLDER = ".jobs"


@dataclass(frozen=True)
class Studio:
    """A host and the jobs of its workspace."""

    host: Host
    jobs: Jobs


def studio_of(host: Host) -> Studio:
    """The studio of a host; a page built again finds the jobs of the one before."""
    return Studio(host, jobs_for(host.workspace() / JOBS_FOLDER))
