"""The painted pictures of a project that are still on the server's disk.

Conventions: the numbers are those of the video's frames; only what Deforum's own run names and what is a whole PNG
counts. The animatic keeps no pictures.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lib_music.render.deforum_frames import frame_name, is_complete
from lib_music.render.deforum_job import JobRecord
from lib_music.studio.record import DEFORUM_JOB

if TYPE_CHECKING:
    from lib_music.project import Project


def list_frames(project: Project) -> list[tuple[int, int]]:
    """Frame and size in bytes of each picture that is there, in order."""
    run = _run(project)
    if run is None:
        return []
    found, begins = [], f"{run.timestring}_"
    try:
        with os.scandir(run.outdir) as entries:
            for entry in entries:
                number = entry.name.removeprefix(begins).removesuffix(".png")
                if entry.name.startswith(begins) and entry.name.endswith(".png") and number.isdecimal():
                    named = entry.name == frame_name(run.timestring, int(number))
                    if named and entry.is_file(follow_symlinks=False):
                        frame = run.first + int(number) - run.counted_from
                        found.append((frame, entry.stat(follow_symlinks=False).st_size))
    except OSError:
        return []
    return sorted(found)


def count_frames(project: Project) -> int:
    """How many pictures there are."""
    return len(list_frames(project))


def frame_file(project: Project, frame: int) -> Path | None:
    """Where a whole picture lies; None where there is none, or it is being written."""
    run = _run(project)
    if run is None or frame < run.first:
        return None
    path = Path(run.outdir) / frame_name(run.timestring, frame - run.first + run.counted_from)
    try:
        whole = not path.is_symlink() and path.is_file() and is_complete(path.read_bytes())
    except OSError:
        return None
    return path if whole else None


def _run(project: Project) -> JobRecord | None:
    """Deforum's last run, where its folder is on this machine."""
    run = JobRecord.load(project.path(DEFORUM_JOB))
    if run is None or not run.timestring or not run.outdir or not Path(run.outdir).is_absolute():
        return None
    return run
