"""What decides the pixels of a video, as marks that are compared, and how a video is cut into segments.

Conventions: a mark is a fingerprint; two paintings with the same mark are the same picture. Frames count from 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from lib_music.files import digest
from lib_music.pipeline.values import Plan
from lib_music.project import Progress, fingerprint
from lib_music.schedule.animation import Animation
from lib_music.schedule.cadence import snap

if TYPE_CHECKING:
    from lib_music.video.encode import Encoding

#: Length of a segment: what a crash can cost.
SEGMENT_SECONDS = 10
#: How much of a prompt is written down with what was painted, characters.
MAX_WORDS = 2000


def encoding_of(animation: Animation) -> Encoding:
    """How a video of this animation is encoded."""
    from lib_music.video.encode import Encoding

    return Encoding(animation.width, animation.height, animation.timebase.fps)


def pixel_mark(plan: Plan, painter: str) -> str:
    """A digest of everything that decides the pixels: another one begins anew. ``painter`` is the renderer's name."""
    return _mark(plan, plan.animation, painter)


def _mark(plan: Plan, animation: Animation, painter: str) -> str:
    from lib_music.schedule.store import animation_to_dict

    parts = (
        animation_to_dict(animation),
        digest(plan.cover),
        painter,
        plan.request.captions,
        asdict(encoding_of(animation)),
        plan.audio.content_hash,
    )
    return fingerprint(*parts, plan.painted_with) if plan.painted_with else fingerprint(*parts)


def about_picture(plan: Plan, painter: str) -> dict[str, Any]:
    """What a project's :class:`~lib_music.project.Progress` says of the picture besides its fingerprint."""
    animation, fps = plan.animation, plan.animation.timebase.fps
    rate = f"{fps.numerator}/{fps.denominator}"
    return {
        "painter": painter,
        "width": animation.width,
        "height": animation.height,
        "fps": rate,
        "marks": section_marks(plan, painter),
        "words": section_words(animation),
    }


def section_words(animation: Animation) -> dict[str, str]:
    """What each section is painted with, to read, by ``first-last`` frame."""
    cues = zip(section_frames(animation), animation.cues, strict=True)
    return {f"{first}-{last}": cue.caption[:MAX_WORDS] for (first, last), cue in cues if first < last}


def section_marks(plan: Plan, painter: str) -> dict[str, str]:
    """A digest of what decides the pixels of each section by itself, by ``first-last`` frame."""
    from lib_music.schedule.excerpt import excerpt

    found = {}
    for first, last in section_frames(plan.animation):
        if first >= last:
            continue  # shorter than a cadence: its moment shows the next one
        part = excerpt(plan.animation, first, last)
        # The section before may end within this one's first cadence, which shows this one already.
        cues = (replace(part.cues[-1], start=0),)
        part = replace(part, cues=cues, hits=(), sound_start=0.0, sound_duration=0.0)
        found[f"{first}-{last}"] = _mark(plan, part, painter)
    return found


def section_frames(animation: Animation) -> list[tuple[int, int]]:
    """Which frames each section is painted in: from the diffused frame that shows its beginning."""
    starts = [snap(cue.start, animation.cadence) for cue in animation.cues]
    return list(pairwise([*starts, animation.timebase.n_frames]))


def mixed(progress: Progress) -> str:
    """The fingerprint of a video whose sections were not all painted after one plan."""
    return fingerprint("mixed", sorted(progress.marks.items()))


def segments_of(animation: Animation) -> list[int]:
    """Frames in each segment of an animation: every section begins with one, so that it can be exchanged."""
    borders = [snap(cue.start, animation.cadence) for cue in animation.cues]
    timebase = animation.timebase
    return segment_lengths(timebase.n_frames, timebase.fps, borders, animation.cadence)


def segment_lengths(n_frames: int, fps: Fraction, borders: Iterable[int] = (), cadence: int = 1) -> list[int]:
    """Frames in each segment: about ten seconds in whole cadences, cut at ``borders`` as well.

    None left over shorter than a second unless it is all there is between two borders.
    """
    edges = sorted({0, n_frames, *(border for border in borders if 0 < border < n_frames)})
    full = max(1, round(SEGMENT_SECONDS * fps / cadence)) * cadence
    return [length for first, last in pairwise(edges) for length in _parts(last - first, full, fps)]


def _parts(n_frames: int, full: int, fps: Fraction) -> list[int]:
    count, rest = divmod(n_frames, full)
    if count and rest < fps:
        return [full] * (count - 1) + [full + rest]
    return [full] * count + ([rest] if rest else [])
