"""The pictures that Deforum painted for a video, wherever they lie, and the picture before a frame.

Conventions: the picture of frame i is ``pictures/{i:09}.png`` in the project where a take was restored, else the file
of the run that painted it, in Deforum's own output folder. ``runs.json`` remembers the runs before the latest one and
which frames of theirs are still shown; ``deforum_job.json`` is the latest one's. Frames count in the whole video. A
folder is the WebUI's word: nothing in it is touched but files of the run's own names, and never over the network.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from lib_music.errors import FfmpegError, ProjectError
from lib_music.files import read_json, sync_folder, write_bytes, write_json
from lib_music.project import Project
from lib_music.render.deforum_frames import frame_name, is_complete
from lib_music.render.deforum_job import JobRecord, is_timestring
from lib_music.takes.take import FRAMES

#: Files of the project.
RUNS, JOB, PICTURES = "runs.json", "deforum_job.json", "pictures"
VERSION = 1
#: The renderer whose pictures lie on disk, by its name.
DEFORUM = "deforum"


@dataclass(frozen=True)
class Run:
    """A run of Deforum, and which of its frames are shown.

    Attributes
    ----------
    folder, timestring : str
    first : int
        The video's frame that is the run's frame 0.
    keep : tuple of (int, int)
        Frames ``[first, last)`` of the video that are this run's.
    counted_from : int
        The number of the run's first file: 0 or 1.
    """

    folder: str
    timestring: str
    first: int
    keep: tuple[tuple[int, int], ...] = ()
    counted_from: int = 0

    def __post_init__(self) -> None:
        if not is_timestring(self.timestring) or type(self.first) is not int or self.first < 0:
            raise ValueError(f"Run: {self.timestring!r}, {self.first!r}")
        if type(self.counted_from) is not int or self.counted_from not in (0, 1):
            raise ValueError(f"Run: counted from {self.counted_from!r}")
        object.__setattr__(self, "keep", tuple((int(a), int(b)) for a, b in self.keep if a < b))

    @property
    def reachable(self) -> Path | None:
        """Its folder, when that is one of this machine."""
        place = Path(self.folder)
        return place if place.is_absolute() and not self.folder.startswith(("//", "\\\\")) and place.is_dir() else None

    def without(self, first: int, last: int) -> Run:
        """The run when frames ``[first, last)`` are shown from elsewhere."""
        keep = [pair for a, b in self.keep for pair in ((a, min(b, first)), (max(a, last), b))]
        return replace(self, keep=tuple(keep))

    def path(self, frame: int) -> Path | None:
        """Where the picture of a frame would be."""
        place = self.reachable
        number = frame - self.first + self.counted_from
        return place / frame_name(self.timestring, number) if place and frame >= self.first else None


def runs_of(project: Project) -> list[Run]:
    """The runs that paint this video, the latest last; with the frames of each that are shown."""
    runs = _earlier(project)
    progress = project.progress()
    record = JobRecord.load(project.path(JOB))
    if record is not None and record.timestring and record.outdir and progress.painter == DEFORUM:
        end = record.last or sum(progress.lengths)
        shown = Run(record.outdir, record.timestring, record.first, ((record.first, end),), record.counted_from)
        same = [run for run in runs if run.timestring == shown.timestring]
        # A run that was remembered already shows what is left of it.
        runs = runs if same else [*(run.without(*shown.keep[0]) if shown.keep else run for run in runs), shown]
    return runs


def remember_run(project: Project, first: int, last: int) -> None:
    """Write down all runs, with frames ``[first, last)`` shown from elsewhere from now on."""
    runs = [run.without(first, last) for run in runs_of(project)]
    if runs:
        write_json(project.path(RUNS), {"version": VERSION, "runs": [asdict(run) for run in runs]})


def _earlier(project: Project) -> list[Run]:
    path = project.path(RUNS)
    try:
        data: Any = read_json(path) if path.is_file() else {}
        found = data.get("runs", []) if isinstance(data, dict) and data.get("version") == VERSION else []
        return [Run(**run) for run in found]
    except (ProjectError, TypeError, ValueError):
        return []


def picture_of(project: Project, frame: int) -> Path | None:
    """The file with Deforum's own picture of a frame; None where there is none that is whole."""
    for path in _places(project, frame):
        with contextlib.suppress(OSError):
            if is_complete(path.read_bytes()):
                return path
    return None


def originals(project: Project, n: int) -> list[Path] | None:
    """The files of all ``n`` pictures in order, where Deforum painted them and every one is there; else None."""
    runs = runs_of(project)
    overlay = project.path(PICTURES)
    if not runs and not overlay.is_dir():
        return None
    found = []
    for frame in range(n):
        own = [run.path(frame) for run in reversed(runs) if any(a <= frame < b for a, b in run.keep)]
        path = next((p for p in (overlay / f"{frame:09}.png", *own) if p is not None and p.is_file()), None)
        if path is None:
            return None
        found.append(path)
    return found


def _places(project: Project, frame: int) -> Iterator[Path]:
    yield project.path(PICTURES) / f"{frame:09}.png"
    for run in reversed(runs_of(project)):
        if any(a <= frame < b for a, b in run.keep) and (path := run.path(frame)) is not None:
            yield path


def move_pictures(project: Project, first: int, last: int, into: Path) -> int:
    """Move the pictures of frames ``[first, last)`` into a folder, named by frame; returns how many came.

    May be stopped anywhere and done again: what has been moved is not looked for again.
    """
    sources = [project.path(PICTURES)]
    runs = runs_of(project)
    moved = 0
    for frame in range(first, last):
        target = into / f"{frame:09}.png"
        places = [sources[0] / target.name]
        places += [p for run in runs if any(a <= frame < b for a, b in run.keep) and (p := run.path(frame)) is not None]
        source = next((path for path in places if path.is_file() and not path.is_symlink()), None)
        if source is None or target.exists():
            continue
        into.mkdir(parents=True, exist_ok=True)
        move_file(source, target)
        moved += 1
    if moved:
        sync_folder(into)
    with contextlib.suppress(OSError):
        sources[0].rmdir()
    return moved


def move_file(source: Path, target: Path) -> None:
    """Move a file; across disks it is copied aside first, so that it is whole in one of the places at any moment.

    Raises ProjectError where the disk refuses.
    """
    try:
        try:
            source.replace(target)
            return
        except OSError:
            aside = target.with_name(f".{target.name}.{os.getpid()}-0.part")
        shutil.copyfile(source, aside)
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.replace(target)
        source.unlink()
    except OSError as error:
        reason = error.strerror or error
        raise ProjectError(f"cannot move {source.name}: {reason}", "check the free space and permissions") from error


def return_pictures(project: Project, take_folder: Path) -> None:
    """Make a take's pictures those of the video again; may be stopped anywhere and done again."""
    frames = take_folder / FRAMES
    there = sorted(frames.glob("*.png")) if frames.is_dir() else []
    if there:
        project.path(PICTURES).mkdir(exist_ok=True)
    for path in there:
        move_file(path, project.path(PICTURES) / path.name)


def picture_before(project: Project, first: int, size: tuple[int, int]) -> Path:
    """A picture file of the frame before ``first``: Deforum's own, else out of the segment that ends there.

    ``size`` is the video's, width and height.

    Raises ProjectError or FfmpegError when there is none.
    """
    from lib_music.render.pixels import frame_to_rgb
    from lib_music.video.cut import frames

    if (own := picture_of(project, first - 1)) is not None:
        return own
    progress = project.progress()
    ends = [start + length for start, length in zip(progress.starts, progress.lengths, strict=True)]
    if first not in ends:
        raise ProjectError(f"no segment ends before frame {first}", "paint the whole anew")
    number = ends.index(first)
    segment, count = project.segment(progress.starts[number]), progress.lengths[number]
    last = next(frames(segment, *size, count - 1, count), None)
    if last is None:
        raise FfmpegError(f"{segment.name} ends before its last frame", "paint the whole anew")
    path = project.path("states") / f"before-{first:05d}.png"
    write_bytes(path, png_bytes(frame_to_rgb(last)))
    return path


def png_bytes(rgb: Any) -> bytes:
    """A picture as PNG."""
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG")
    return buffer.getvalue()
