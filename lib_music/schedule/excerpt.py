"""A stretch of an animation as an animation of its own.

Conventions: frames ``[first, last)`` of the whole become ``0 ... last - first - 1``. ``first`` goes down to the nearest
diffused frame, so that the same frames are diffused and each shows what it would have shown; schedules get a key where
the cut falls and keep every other one, so that nothing is approximated.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from lib_music.errors import RangeError
from lib_music.schedule.animation import Animation, SectionCue
from lib_music.schedule.cadence import snap
from lib_music.schedule.schedules import Schedule
from lib_music.schedule.timebase import Timebase


def excerpt(animation: Animation, first: int, last: int) -> Animation:
    """Frames ``[first, last)`` of an animation, from the diffused frame at or before ``first``.

    Frame k of the result has the values, prompts and seeds of frame ``first + k``; the start image stays, as it is
    where a video begins. Settings of the person's own are not moved: their frames count from where a video begins.

    Parameters
    ----------
    animation : Animation
    first, last : int
        Frames, ``0 <= first < last``; what lies past the end is left out.

    Raises
    ------
    RangeError
        When nothing is left.
    """
    n, fps = animation.timebase.n_frames, animation.timebase.fps
    last = min(last, n)
    if not 0 <= first < last:
        seconds = f"{float(first / fps):.2f} s to {float(last / fps):.2f} s"
        raise RangeError(f"{seconds} is no part of {float(n / fps):.2f} s of song", "choose another range")
    first = snap(first, animation.cadence)
    if (first, last) == (0, n):
        return animation
    before = float(first / fps)
    rest = max(0.0, animation.sound_duration - before)
    length = rest if last == n else min(float((last - first) / fps), rest)
    return replace(
        animation,
        timebase=Timebase(fps, last - first),
        schedules={name: cut(schedule, first, last) for name, schedule in animation.schedules.items()},
        prompts=_texts(animation.prompts, first, last),
        negatives=_texts(animation.negatives, first, last),
        cues=tuple(_cue(cue, first, last) for cue in animation.cues if cue.start < last and cue.end > first),
        hits=tuple(hit - first for hit in animation.hits if first <= hit < last),
        # Without a schedule of its own the seed counts up by one a frame.
        seed=animation.seed if "seed_schedule" in animation.schedules else animation.seed + first,
        sound_start=animation.sound_start + before,
        sound_duration=length,
    )


def cut(schedule: Schedule, first: int, last: int) -> Schedule:
    """Frames ``[first, last)`` of a schedule, with a key at either end where it runs through."""
    frames = [frame for frame, _ in schedule.keyframes]
    inside = schedule.keyframes[bisect_left(frames, first) : bisect_left(frames, last)]
    keys = {frame - first: value for frame, value in inside}
    keys.setdefault(0, _at(schedule, first))
    if schedule.interpolation == "linear" and last <= frames[-1]:
        keys.setdefault(last - 1 - first, _at(schedule, last - 1))
    return Schedule(schedule.parameter, tuple(sorted(keys.items())), schedule.interpolation)


def _at(schedule: Schedule, frame: int) -> float:
    """The value at one frame."""
    frames = [at for at, _ in schedule.keyframes]
    values = [value for _, value in schedule.keyframes]
    if schedule.interpolation == "hold":
        return values[max(0, bisect_left(frames, frame + 1) - 1)]
    return float(np.interp(frame, frames, values))


def _texts(texts: Mapping[int, str], first: int, last: int) -> dict[int, str]:
    now = max(frame for frame in texts if frame <= first)
    return {max(0, frame - first): text for frame, text in sorted(texts.items()) if now <= frame < last}


def _cue(cue: SectionCue, first: int, last: int) -> SectionCue:
    return replace(cue, start=max(0, cue.start - first), end=min(last, cue.end) - first)
