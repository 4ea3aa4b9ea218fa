"""Putting a stretch aside, bringing one back, and finishing what a kill has left half done.

Conventions: see :mod:`lib_music.takes`. Everything here is called with the project open (its lock held).
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib_music import __version__
from lib_music.errors import InputError, ProjectError
from lib_music.files import clear_asides, digest, link, sync_folder
from lib_music.project import Progress, Project, Stretch
from lib_music.takes.pictures import DEFORUM, JOB, move_pictures, remember_run, return_pictures
from lib_music.takes.take import FRAMES, MOVING, TAKES, THUMBNAIL, Take, Told, find_take, next_number, parts

if TYPE_CHECKING:
    from lib_music.video.encode import Encoding


@dataclass(frozen=True)
class Again:
    """What shall be painted in place of what is put aside.

    Attributes
    ----------
    mark : str
        The fingerprint of the plan.
    lengths : tuple of int
        Its segments from ``first`` on, up to ``last``.
    marks, words : mapping
        Of the plan's sections inside; see :class:`~lib_music.project.Progress`.
    painter : str
    fade_in, fade_out : int
        Frames of the cross-fades; 0 is a hard join.
    """

    mark: str
    lengths: tuple[int, ...]
    marks: dict[str, str]
    words: dict[str, str]
    painter: str
    fade_in: int = 0
    fade_out: int = 0


@dataclass(frozen=True)
class _Piece:
    """A segment of the picture as it is now, and where its file is; none where it is not painted."""

    first: int
    length: int
    path: Path | None

    @property
    def last(self) -> int:
        return self.first + self.length


def put_aside(project: Project, first: int, last: int, told: Told, again: Again) -> Take | None:
    """Make a take of frames ``[first, last)`` and a hole in their place, to be painted by ``again``'s plan.

    Returns
    -------
    Take or None
        None when nothing of it was painted yet.

    Raises
    ------
    InputError
        The stretch, or a fade, does not fit.
    ProjectError, FfmpegError
        The disk refuses, or the video cannot be read; nothing is changed then.
    """
    total = _check(project, first, last)
    if sum(again.lengths) != last - first:
        raise InputError(f"{last - first} frames cannot be painted as {sum(again.lengths)}", "")
    if again.fade_in + again.fade_out > last - first:
        raise InputError(f"a fade of {again.fade_in or again.fade_out} frames does not fit", "choose a shorter one")
    recover(project)
    pieces = _opened(project, first, last)
    take = _make_take(project, pieces, first, last, total, told)
    hole = _row(first, again.lengths)
    stretch = Stretch(first, last, take.number if take else 0, again.fade_in, again.fade_out)
    row = [*(p for p in pieces if p.last <= first), *hole, *(p for p in pieces if p.first >= last)]
    before = project.progress()
    now = _progress(project, row, replace(before, fingerprint=again.mark, painter=again.painter), take)
    stretches = [*_cut_out(before.stretches, first, last), stretch]
    # What is still to be painted behind it goes on from the picture there: what was left for it is another plan's.
    behind = next((p.first for p in row if p.path is None and p.first >= last), None)
    if behind is not None:
        stretches = [*_cut_out(stretches, behind, total), Stretch(behind, total)]
    marks = {**_outside(before.marks, first, last), **again.marks}
    words = {**_outside(before.words, first, last), **again.words}
    _commit(project, replace(now, stretches=tuple(stretches), marks=marks, words=words))
    return take


def restore(project: Project, number: int, told: Told) -> Take | None:
    """Bring a take back; what is there now becomes a take itself, which is returned.

    The video still has to be joined, see :func:`lib_music.pipeline.join_again`.

    Raises
    ------
    InputError
        There is no such take, it is not whole, or it is of another size, rate or length.
    ProjectError, FfmpegError
        The disk refuses, or a file cannot be read; nothing is changed then.
    """
    recover(project)
    old = find_take(project, number)
    total = _check(project, old.first, old.last)
    _check_fits(project, old, total)
    pieces = _opened(project, old.first, old.last)
    take = _make_take(project, pieces, old.first, old.last, total, told)
    row = [p for p in pieces if p.last <= old.first]
    for first, length, expected in zip(old.starts, old.lengths, old.segments, strict=True):
        path = old.folder(project) / f"{first:05d}.seg"
        link(path, _next(project, first))
        row.append(_Piece(first, length, _next(project, first) if expected else None))
    row += [p for p in pieces if p.first >= old.last]
    before = project.progress()
    whole = (old.first, old.last) == (0, total)
    painter = old.told.painter if whole and old.told.painter else before.painter
    now = _progress(project, row, replace(before, painter=painter), take)
    marks = {**_outside(before.marks, old.first, old.last), **old.marks}
    words = {**_outside(before.words, old.first, old.last), **old.words}
    stretches = [*_cut_out(before.stretches, old.first, old.last), Stretch(old.first, old.last)]
    _commit(project, replace(now, stretches=tuple(stretches), marks=marks, words=words, restored=number))
    return take


def keep_earlier(project: Project, model: Mapping[str, Any]) -> Take | None:
    """Make a take of the whole video before another one is painted in its place.

    A finished one is kept, and what Deforum has painted of an unfinished one; a sketch that was not finished is not.
    """
    recover(project)
    progress = project.progress()
    total = sum(progress.lengths)
    worth = progress.is_finished or (progress.painted and progress.painter == DEFORUM)
    if not (worth and total and progress.width) or (progress.is_finished and project.video() is None):
        return None
    pieces = _opened(project, 0, total)
    told = Told("the whole was painted anew", painter=progress.painter, model=model, app=__version__)
    take = _make_take(project, pieces, 0, total, total, told)
    if take is not None:
        # It belongs to no plan any more, so that it is not kept twice.
        project.save_progress(replace(progress, take=take.number, fingerprint=""))
        recover(project)
    return take


def recover(project: Project) -> None:
    """Bring to its end what was begun: names, moves, and what is not needed any more. Done again, it does nothing."""
    progress = project.progress()
    for number, path in sorted(parts(project).items()):
        if number == progress.take:
            path.replace(project.path(TAKES) / f"{number:03d}")
            sync_folder(project.path(TAKES))
        else:
            _remove(path)
    _take_next(project, progress)
    folder = project.path(TAKES) / f"{progress.take:03d}"
    if progress.take and (folder / MOVING).is_file():
        _finish_moving(project, folder)
    back = project.path(TAKES) / f"{progress.restored:03d}"
    if progress.restored and back.is_dir():
        return_pictures(project, back)
        _remove(back)
    for left in project.path(TAKES).glob(".*.gone") if project.path(TAKES).is_dir() else ():
        _remove(left)


def _finish_moving(project: Project, folder: Path) -> None:
    """The take's pictures come to it, and the run that painted them is no longer the one to go on with."""
    take = Take.load(folder)
    move_pictures(project, take.first, take.last, folder / FRAMES)
    remember_run(project, take.first, take.last)
    kept, job = folder / JOB, project.path(JOB)
    if kept.is_file() and job.is_file() and kept.read_bytes() == job.read_bytes():
        job.unlink()
    (folder / MOVING).unlink()


def _take_next(project: Project, progress: Progress) -> None:
    """Segments that wait for their name get it; those that nobody knows go."""
    folder = project.path("segments")
    known = dict(zip(progress.starts, progress.whole, strict=True))
    for path in sorted(folder.glob("*.next")) if folder.is_dir() else ():
        first = int(path.stem) if path.stem.isdigit() else -1
        if known.get(first) and digest(path) == known[first]:
            path.replace(project.segment(first))
        else:
            path.unlink()
    if progress.is_finished:
        return
    for path in sorted(folder.glob("*.seg")) if folder.is_dir() else ():
        if path.stem.isdigit() and int(path.stem) not in known:
            path.unlink()


def _check(project: Project, first: int, last: int) -> int:
    """How many frames the video has; raises InputError when the stretch is none of it."""
    progress = project.progress()
    total = sum(progress.lengths)
    if progress.is_finished and not (progress.lengths and progress.width):
        raise InputError("this video was painted by an earlier version", "paint it once more as a whole")
    if not (progress.is_finished or progress.painted):
        raise InputError("nothing of this video is painted yet", "press Visualize")
    if not 0 <= first < last <= total:
        raise InputError(f"frames {first} to {last} are no part of {total}", "choose a section of the video")
    return total


def _check_fits(project: Project, take: Take, total: int) -> None:
    if not take.is_whole:
        raise InputError(f"take {take.number} was not painted to its end", "only a whole one can be restored")
    progress = project.progress()
    now = (progress.width, progress.height, progress.fps, total)
    then = (take.width, take.height, take.fps, take.total)
    if then != now:
        shape = "{}×{} at {} fps, {} frames"
        raise InputError(f"take {take.number} is {shape.format(*then)}, the video {shape.format(*now)}", "")
    for first, expected in zip(take.starts, take.segments, strict=True):
        if digest(take.folder(project) / f"{first:05d}.seg") != expected:
            raise ProjectError(f"take {take.number} is damaged at frame {first}", "its files stay where they are")


def encoding_of(progress: Progress) -> Encoding:
    """How the picture is encoded."""
    from lib_music.video.encode import Encoding

    return Encoding(progress.width, progress.height, Fraction(progress.fps))


def _opened(project: Project, first: int, last: int) -> list[_Piece]:
    """The picture as pieces, with one beginning at ``first`` and one at ``last``; those that are new wait as ``.next``.

    Nothing that is believed is changed.
    """
    from lib_music.video.cut import encode, frames, split

    progress, folder = project.progress(), project.path("segments")
    encoding = encoding_of(progress)
    folder.mkdir(exist_ok=True)
    borders = {first, last, *progress.starts, sum(progress.lengths)}
    edges = sorted(borders)
    if progress.is_finished:
        video = project.video()
        if video is None:
            raise ProjectError("the finished video is missing or damaged", "press Visualize to paint it again")
        lengths = [b - a for a, b in itertools.pairwise(edges)]
        pieces = [_Piece(a, n, _next(project, a)) for a, n in zip(edges, lengths, strict=False)]
        split(video, lengths, [_next(project, a) for a in edges[:-1]], encoding)
        return pieces
    pieces = []
    for start, length, found in zip(progress.starts, progress.lengths, progress.whole, strict=True):
        inner = [start, *(edge for edge in (first, last) if start < edge < start + length), start + length]
        path = project.segment(start) if found else None
        for a, b in itertools.pairwise(inner):
            if path is not None and len(inner) > 2:
                part = frames(path, encoding.width, encoding.height, a - start, b - start)
                encode(part, _next(project, a), encoding)
            pieces.append(_Piece(a, b - a, path and (path if len(inner) == 2 else _next(project, a))))
    return pieces


def _make_take(
    project: Project, pieces: Sequence[_Piece], first: int, last: int, total: int, told: Told
) -> Take | None:
    """The take in a folder that does not have its name yet; None when nothing was painted there."""
    mine = [piece for piece in pieces if first <= piece.first < last]
    if not any(piece.path for piece in mine):
        return None
    number, before = next_number(project), project.progress()
    folder = project.path(TAKES) / f".{number:03d}.part"
    _remove(folder)
    folder.mkdir(parents=True)
    for piece in mine:
        if piece.path is not None:
            link(piece.path, folder / f"{piece.first:05d}.seg")
    marks, words = inside(before.marks, first, last), inside(before.words, first, last)
    take = Take(
        number, first, last, total, before.width, before.height, before.fps, time.time(),
        tuple(piece.length for piece in mine), tuple(digest(p.path) if p.path else "" for p in mine),
        marks, words, told,
    )  # fmt: skip
    take.save(folder)
    _thumbnail(folder, mine)
    if project.path(JOB).is_file():
        shutil.copyfile(project.path(JOB), folder / JOB)
    (folder / MOVING).touch()
    sync_folder(folder)
    return take


def _thumbnail(folder: Path, mine: Sequence[_Piece]) -> None:
    """A small picture of its middle; one that cannot be made is missing."""
    from lib_music.errors import FfmpegError
    from lib_music.video.mux import take_thumbnail

    painted = [piece for piece in mine if piece.path]
    middle = painted[len(painted) // 2]
    with contextlib.suppress(FfmpegError):
        take_thumbnail(folder / f"{middle.first:05d}.seg", middle.length // 2, folder / THUMBNAIL)


def _row(first: int, lengths: Sequence[int]) -> list[_Piece]:
    row = []
    for length in lengths:
        row.append(_Piece(first, length, None))
        first += length
    return row


def _progress(project: Project, row: Sequence[_Piece], before: Progress, take: Take | None) -> Progress:
    """How far the painting is when the picture is this row: no state is kept, as each is another plan's."""
    segments = tuple(digest(piece.path) if piece.path else "" for piece in row)
    begun = next((i for i, found in enumerate(segments) if not found), len(segments))
    return replace(
        before, titles="", begun=begun, lengths=tuple(piece.length for piece in row), segments=segments, states={},
        take=take.number if take else before.take,
    )  # fmt: skip


def _commit(project: Project, now: Progress) -> None:
    """The moment at which it counts; then all names follow."""
    sync_folder(project.path("segments"))
    project.save_progress(now)
    recover(project)


def _cut_out(stretches: Sequence[Stretch], first: int, last: int) -> list[Stretch]:
    """Stretches without frames ``[first, last)``; one that stays whole stays as it is."""
    kept = []
    for stretch in stretches:
        apart = stretch.last <= first or stretch.first >= last
        kept += [stretch] if apart else list(stretch.without(first, last))
    return kept


def _outside(marks: Mapping[str, str], first: int, last: int) -> dict[str, str]:
    """The marks of sections that frames ``[first, last)`` do not touch."""
    kept: dict[str, str] = {}
    for name, mark in marks.items():
        a, _, b = name.partition("-")
        if a.isdigit() and b.isdigit() and (int(b) <= first or int(a) >= last):
            kept[name] = mark
    return kept


def inside(marks: Mapping[str, str], first: int, last: int) -> dict[str, str]:
    """The marks of sections that lie in frames ``[first, last)`` as a whole."""
    ends = {name: name.partition("-")[::2] for name in marks}
    digits = {name: (int(a), int(b)) for name, (a, b) in ends.items() if a.isdigit() and b.isdigit()}
    return {name: marks[name] for name, (a, b) in digits.items() if first <= a and b <= last}


def _next(project: Project, first: int) -> Path:
    return project.segment(first).with_suffix(".next")


def _remove(folder: Path) -> None:
    """Delete a folder of takes; a half deleted one is not mistaken for a whole one."""
    if not folder.is_dir():
        return
    gone = folder if folder.name.endswith(".gone") else folder.with_name(f".{folder.name.strip('.')}.gone")
    if gone != folder:
        shutil.rmtree(gone, ignore_errors=True)
        folder.replace(gone)
    shutil.rmtree(gone, ignore_errors=True)
    clear_asides(gone.parent)
