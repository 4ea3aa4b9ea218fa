"""How much disk a project takes and what of it, and deleting parts of it on the person's word.

Conventions: bytes; a file with several names counts once. Nothing here is called by itself: every deletion is one
action of the person's, and what is deleted is renamed first, so that a kill leaves either all or nothing in the lists.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lib_music.errors import InputError, ProjectError
from lib_music.project import Project
from lib_music.render.deforum_frames import frame_name
from lib_music.takes.pictures import JOB, PICTURES, RUNS, runs_of
from lib_music.takes.splice import recover
from lib_music.takes.take import FRAMES, find_take, takes_of

#: A test of some bars lies in a project of its own, in this folder of the song's.
TEST = "test"


@dataclass(frozen=True)
class Sizes:
    """What a project takes.

    Attributes
    ----------
    total : int
        Everything, Deforum's pictures in its own output folder among it.
    video, frames : int
        The finished video; pictures and segments that are not a take's.
    takes : mapping of number to int
    """

    total: int
    video: int
    frames: int
    takes: dict[int, int]


def sizes_of(project: Project) -> Sizes:
    """How much disk a project takes; what is being changed meanwhile may be counted or not."""
    seen: set[tuple[int, int]] = set()
    takes = {}
    for take in reversed(takes_of(project)):
        folder = take.folder(project)
        takes[take.number] = _size(_files(folder), seen) + _pictures(folder / FRAMES)
    name = project.progress().video
    video = _size([project.path(Path(name).name)] if name else [], seen)
    frames = _size(_segments(project), seen) + _pictures(project.path(PICTURES))
    frames += _run_sizes(project)
    rest = _size(_files(project.folder), seen) + _run_sizes(Project(project.folder / TEST))
    return Sizes(sum(takes.values()) + video + frames + rest, video, frames, takes)


def _run_sizes(project: Project) -> int:
    """Bytes of the pictures in Deforum's own folders."""
    return sum(_pictures(place, run.timestring) for run in runs_of(project) if (place := run.reachable) is not None)


def _files(folder: Path) -> Iterator[Path]:
    """All files of a folder, but for pictures that are counted by themselves."""
    for path, folders, names in os.walk(folder):
        own = Path(path)
        folders[:] = [name for name in folders if not (name == FRAMES or (own == folder and name == PICTURES))]
        yield from (own / name for name in names)


_known: dict[tuple[str, str], tuple[int, int]] = {}


def _pictures(folder: Path, timestring: str = "") -> int:
    """Bytes of a folder's pictures; looked through again only when some came or went: there may be many thousands."""
    try:
        changed = folder.stat().st_mtime_ns
        key = (str(folder), timestring)
        if key not in _known or _known[key][0] != changed:
            with os.scandir(folder) as found:
                own = [e for e in found if (_is_frame(e.name, timestring) if timestring else e.name.endswith(".png"))]
                _known[key] = (changed, sum(e.stat(follow_symlinks=False).st_size for e in own))
        return _known[key][1]
    except OSError:
        return 0


def _is_frame(name: str, timestring: str) -> bool:
    """Whether a file is a frame of that run, by its name."""
    number = name.removeprefix(f"{timestring}_").removesuffix(".png")
    return len(number) == 9 and number.isdigit() and name == frame_name(timestring, int(number))


def workspace_size(projects: Iterator[Project]) -> int:
    """How much disk all projects take."""
    return sum(sizes_of(project).total for project in projects)


def _segments(project: Project) -> Iterator[Path]:
    for name in ("segments", "states"):
        yield from project.path(name).glob("*")


def _frames(project: Project) -> Iterator[Path]:
    """Segments, and Deforum's pictures of the video as it is."""
    yield from _segments(project)
    yield from project.path(PICTURES).glob("*.png")
    yield from run_files(project)


def run_files(project: Project) -> Iterator[Path]:
    """The pictures in Deforum's own folders, of all runs that painted this project, shown or not."""
    for run in runs_of(project):
        place = run.reachable
        if place is None:
            continue
        with os.scandir(place) as found:
            for entry in found:
                if _is_frame(entry.name, run.timestring) and entry.is_file(follow_symlinks=False):
                    yield Path(entry.path)


def _size(paths: Iterator[Path] | list[Path], seen: set[tuple[int, int]]) -> int:
    total = 0
    for path in paths:
        try:
            status = path.lstat()
        except OSError:
            continue
        key = (status.st_dev, status.st_ino)
        if stat.S_ISDIR(status.st_mode) or (status.st_ino and key in seen):
            continue
        seen.add(key)
        total += status.st_size
    return total


def delete_frames(project: Project) -> int:
    """Delete the pictures of a finished video and keep the video; returns how many bytes that freed.

    Takes keep theirs. Raises InputError while the video is not finished: it is made of them.
    """
    recover(project)
    if not project.progress().is_finished or project.video() is None:
        raise InputError("the video is not finished; it is made of these frames", "finish it first")
    freed = 0
    for path in list(_frames(project)):
        size = _size([path], set())
        try:
            path.unlink()
        except OSError as error:
            reason = error.strerror or error
            raise ProjectError(f"cannot delete {path.name}: {reason}", "check the permissions") from error
        freed += size
    for name in (JOB, RUNS):
        project.path(name).unlink(missing_ok=True)
    project.clear_segments()
    return freed


def delete_take(project: Project, number: object, confirm: object) -> None:
    """Delete a take for good; ``confirm`` must be its name, ``take 3``. Raises InputError."""
    recover(project)
    take = find_take(project, number)
    if confirm != f"take {take.number}":
        raise InputError("the take is not deleted without a confirmation", f"confirm it with: take {take.number}")
    if any(stretch.take == take.number for stretch in project.progress().stretches):
        raise InputError("what is being painted fades from this take", "let it finish, then delete the take")
    _delete(take.folder(project))


def delete_project(project: Project, confirm: object) -> None:
    """Delete a whole project, its takes and videos for good; ``confirm`` must be its folder's name. Raises InputError.

    Pictures in Deforum's own folders are deleted too, a test's among them. To be called with the project open; it is
    closed afterwards.
    """
    if confirm != project.folder.name:
        raise InputError("the project is not deleted without a confirmation", f"confirm it with: {project.folder.name}")
    for path in [*run_files(project), *run_files(Project(project.folder / TEST))]:
        path.unlink(missing_ok=True)
    project.__exit__()
    _delete(project.folder)


def _delete(folder: Path) -> None:
    gone = folder.with_name(f".{folder.name}.gone")
    try:
        folder.replace(gone)
    except OSError as error:
        reason = error.strerror or error
        raise ProjectError(f"cannot delete {folder.name}: {reason}", "check the permissions") from error
    shutil.rmtree(gone, ignore_errors=True)
