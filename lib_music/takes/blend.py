"""What is painted again, cross-faded with what was there before at its borders.

Conventions: the fades lie inside the stretch, so that its number of frames and everything outside of it stay as they
are. Over k frames the new picture's share goes 1/(k+1) ... k/(k+1) at the beginning, and back at the end.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

import numpy as np

from lib_music.errors import InputError
from lib_music.project import Project, Stretch
from lib_music.render.renderer import Frame
from lib_music.takes.take import Take, find_take


def blended(project: Project, painted: Iterator[Frame], first: int, last: int) -> Generator[Frame, None, None]:
    """Frames ``[first, last)`` as they are painted, faded where the stretch they belong to says so."""
    stretches = project.progress().stretches
    stretch = next((s for s in stretches if s.take and s.first <= first < s.last), None)
    if stretch is None:
        yield from painted
        return
    if last > stretch.last:
        stretch = replace(stretch, fade_out=0)  # nothing is there yet behind it: it is gone on with
    begin, end = _fades(project, stretch)
    k_in, k_out = stretch.fade_in, stretch.fade_out
    for frame, picture in enumerate(painted, first):
        into, out = frame - stretch.first, frame - (stretch.last - k_out)
        if into < k_in:
            yield _mix(picture, begin.get(frame), (into + 1) / (k_in + 1))
        elif out >= 0:
            yield _mix(picture, end.get(frame), (k_out - out) / (k_out + 1))
        else:
            yield picture


def _fades(project: Project, stretch: Stretch) -> tuple[dict[int, Frame], dict[int, Frame]]:
    """The old frames under both fades; none where the take has gone or was not painted there."""
    try:
        take = find_take(project, stretch.take)
    except InputError:
        return {}, {}
    last = stretch.last - stretch.fade_out
    return (
        old_frames(project, take, stretch.first, stretch.first + stretch.fade_in),
        old_frames(project, take, last, stretch.last),
    )


def old_frames(project: Project, take: Take, first: int, last: int) -> dict[int, Frame]:
    """Frames ``[first, last)`` of a take, by number in the whole video; what was not painted is left out."""
    from lib_music.video.cut import frames

    found: dict[int, Frame] = {}
    for start, length, digest in zip(take.starts, take.lengths, take.segments, strict=True):
        a, b = max(first, start), min(last, start + length)
        path = take.folder(project) / f"{start:05d}.seg"
        if a < b and digest and path.is_file():
            found.update(enumerate(frames(path, take.width, take.height, a - start, b - start), a))
    return found


def _mix(new: Frame, old: Frame | None, share: float) -> Frame:
    """``share`` of the new picture over the old one."""
    import cv2

    if old is None:
        return new
    return np.asarray(cv2.addWeighted(new, share, old, 1.0 - share, 0.0), np.uint8)
