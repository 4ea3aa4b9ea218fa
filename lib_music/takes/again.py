"""Painting again: from a section on, or one section alone, with a hard join or a cross-fade at its borders.

Conventions: a section is one of the video's, numbered from 0 in order; it is painted from the diffused frame that shows
its beginning. What is painted again begins with the picture before it. The plan is the one that stands now: prompts and
motion may have been edited; size, rate and length may not.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lib_music import __version__
from lib_music.errors import InputError
from lib_music.pipeline import Plan, pixel_mark, section_frames, section_marks, section_words, segments_of
from lib_music.project import Progress, Project
from lib_music.schedule.cadence import snap
from lib_music.takes.splice import Again, inside, put_aside
from lib_music.takes.take import Take, Told

Join = Literal["hard", "fade"]
#: The longest cross-fade, frames; and how long one is that nobody has chosen, s.
MAX_FADE, FADE_SECONDS = 240, 0.5


@dataclass(frozen=True)
class Wish:
    """What shall be painted again.

    Attributes
    ----------
    section : int
        From 0.
    only : bool
        This section alone; else everything from its beginning on.
    join : "hard" or "fade"
        At the borders of a section that is painted alone.
    frames : int
        Of each cross-fade.
    """

    section: int
    only: bool = True
    join: Join = "hard"
    frames: int = 0

    def __post_init__(self) -> None:
        if type(self.section) is not int or self.section < 0:
            raise InputError(f"there is no section {self.section!r}", "choose one of the list")
        if self.join not in ("hard", "fade"):
            raise InputError(f"join {str(self.join)[:40]!r} is not known", "choose hard or fade")
        if type(self.frames) is not int or not 0 <= self.frames <= MAX_FADE:
            raise InputError(f"a cross-fade of {self.frames!r} frames", f"choose 1 to {MAX_FADE}")


def stretch_of(plan: Plan, progress: Progress, wish: Wish) -> tuple[int, int]:
    """Frames ``[first, last)`` that would be painted again; raises InputError where that cannot be done."""
    check_shape(plan, progress)
    animation, n = plan.animation, plan.animation.timebase.n_frames
    sections = section_frames(animation)
    if wish.section >= len(sections) or sections[wish.section][0] >= sections[wish.section][1]:
        raise InputError(f"there is no section {wish.section + 1} in this video", f"it has {len(sections)}")
    first, last = sections[wish.section]
    painted = painted_to(progress)
    if not wish.only:
        return min(first, snap(painted, animation.cadence)), n
    if first >= painted:
        raise InputError(f"section {wish.section + 1} is not painted yet", "go on painting, or paint from it on")
    return first, last


def check_shape(plan: Plan, progress: Progress) -> None:
    """Raise InputError where the plan's video is not of the size, rate and length of the one that is there."""
    animation, total = plan.animation, sum(progress.lengths)
    n, fps = animation.timebase.n_frames, animation.timebase.fps
    if not (progress.is_finished or progress.painted):
        raise InputError("nothing of this video is painted yet", "press Visualize")
    if not progress.width:
        raise InputError("this video was painted by an earlier version", "paint it once more as a whole")
    now = (animation.width, animation.height, f"{fps.numerator}/{fps.denominator}", n)
    then = (progress.width, progress.height, progress.fps, total)
    if now != then:
        shape = "{}×{} at {} fps, {} frames"
        raise InputError(
            f"the video is {shape.format(*then)}; now it would be {shape.format(*now)}",
            "set the motion back to that, or paint the whole anew",
        )


def fades_of(plan: Plan, stretch: tuple[int, int], wish: Wish) -> tuple[int, int]:
    """Frames of the cross-fades at the beginning and the end of a stretch; raises InputError where they do not fit."""
    first, last = stretch
    timebase = plan.animation.timebase
    if wish.join != "fade" or not wish.only:
        return 0, 0
    fade = wish.frames or round(FADE_SECONDS * timebase.fps)
    fade_in, fade_out = fade if first else 0, fade if last < timebase.n_frames else 0
    if fade_in + fade_out > last - first:
        most = (last - first) // max(1, bool(fade_in) + bool(fade_out))
        raise InputError(f"cross-fades of {fade} frames do not fit into {last - first}", f"choose at most {most}")
    return fade_in, fade_out


def painted_to(progress: Progress) -> int:
    """How many frames there are from the beginning on without a gap."""
    if progress.is_finished:
        return sum(progress.lengths)
    pairs = zip(progress.lengths, progress.whole, strict=True)
    return sum(n for n, _ in itertools.takewhile(lambda pair: bool(pair[1]), pairs))


def begin_again(
    plan: Plan, project: Project, painter: str, wish: Wish, model: Mapping[str, Any] | None = None
) -> Take | None:
    """Put aside what is there, so that :func:`~lib_music.pipeline.render` of the same plan paints it again.

    Parameters
    ----------
    plan : Plan
    project : Project
        Open.
    painter : str
        The name of the renderer that will paint.
    wish : Wish
    model : mapping, optional
        What painted what is there, for the take's card.

    Returns
    -------
    Take or None
        None where nothing was painted there yet.

    Raises
    ------
    InputError
        It cannot be done; nothing is changed then.
    """
    progress = project.progress()
    first, last = stretch_of(plan, progress, wish)
    fade_in, fade_out = fades_of(plan, (first, last), wish)
    cue = plan.animation.cues[wish.section]
    what = f"section {wish.section + 1} ({cue.label})"
    told = Told(
        f"{what} was painted again" if wish.only else f"everything from {what} on was painted again",
        wish.section, cue.label, cue.role, progress.painter, dict(model or {}), __version__,
    )  # fmt: skip
    marks = inside(section_marks(plan, painter), first, last)
    words = inside(section_words(plan.animation), first, last)
    lengths = _lengths(segments_of(plan.animation), first, last)
    again = Again(pixel_mark(plan, painter), lengths, marks, words, painter, fade_in, fade_out)
    return put_aside(project, first, last, told, again)


def _lengths(whole: list[int], first: int, last: int) -> tuple[int, ...]:
    """The plan's segments between two frames, cut there."""
    edges = sorted({first, last, *(edge for edge in itertools.accumulate(whole) if first < edge < last)})
    return tuple(b - a for a, b in itertools.pairwise(edges))
