"""``--disk-cap``: how much disk the videos of a folder may take, asked before anything is painted.

Conventions: gigabytes of 10^9 bytes; what counts is the project and those that lie beside it. Nothing is ever deleted
for it. The check is the page's own.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from lib_music.errors import InputError, RangeError
from lib_music.given import read_factor

if TYPE_CHECKING:
    from lib_music.pipeline import Plan
    from lib_music.project import Project


def cap_option(parser: argparse.ArgumentParser) -> None:
    """Teach a command the option."""
    parser.add_argument(
        "--disk-cap", type=_gigabytes, default=0, metavar="GB", help="the most that a folder's visuals may take"
    )


def _gigabytes(text: str) -> int:
    """Bytes."""
    found = read_factor(text)
    if not 0 < found < 1e9:
        raise RangeError(f"--disk-cap {text[:40]} is no amount of disk", "give gigabytes, such as 50")
    return max(1, round(1e9 * found))


def check_room(cap: int, project: Project, disk: int) -> None:
    """Raise InputError where ``disk`` more bytes would go over the cap, 0 for none."""
    from lib_music.project import find_projects
    from lib_music.studio.estimate import beyond

    if line := beyond(cap, find_projects(project.folder.parent), disk):
        raise InputError(line, "delete something first, or raise --disk-cap")


def to_paint(plan: Plan, project: Project, painter: str) -> int:
    """Bytes that painting the rest of a video takes here: nothing where it is finished."""
    from lib_music.pipeline import pixel_mark
    from lib_music.studio.estimate import disk_of

    progress, n = project.progress(), plan.animation.timebase.n_frames
    same = progress.fingerprint == pixel_mark(plan, painter)
    if same and progress.is_finished:
        return 0
    return round(disk_of(plan.animation, plan.request.renderer) * (1 - (progress.painted if same else 0) / max(1, n)))
