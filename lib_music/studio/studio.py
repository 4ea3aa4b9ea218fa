"""What every button of the page is handed: the place it runs in, and its jobs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lib_music.errors import MusicVisualizerError
from lib_music.studio.host import Host
from lib_music.studio.jobs import Jobs, jobs_for

#: The folder of the workspace that holds the jobs' records; no project's name begins with a dot.
JOBS_FOLDER = ".jobs"


@dataclass(frozen=True)
class Studio:
    """A host and the jobs of its workspace."""

    host: Host
    jobs: Jobs

    def url(self, path: Path) -> str | None:
        """Where the browser gets a file, other when the file is another; None where it is gone or cannot be given."""
        try:
            url, changed = self.host.file_url(path), path.stat().st_mtime_ns // 10**6
        except (MusicVisualizerError, OSError):
            return None
        return f"{url}{'&' if urlsplit(url).query else '?'}v={changed}"


def studio_of(host: Host) -> Studio:
    """The studio of a host; a page built again finds the jobs of the one before."""
    return Studio(host, jobs_for(host.workspace() / JOBS_FOLDER))
