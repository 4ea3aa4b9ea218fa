"""The rest of an animation, or a stretch of it, as a run of its own, begun from the picture before it.

Deforum resumes by counting the files in its folder. Where the last of them is half painted and the folder is
out of reach, the rest is painted by a new run instead, whose first frame is diffused from the last good picture
(one frame of motion is lost there, less than Deforum's own resume loses at cadences above 2). A section that is painted
again is such a run too, with an end.

Conventions: ``first`` is the frame of the whole animation that becomes the new run's frame 0, a multiple of the
cadence so that the same frames are diffused; schedules are written out as numbers, since a formula of ``t``
would mean something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lib_music.render.deforum_defaults import NUMBER_SCHEDULES, TEXT_SCHEDULES
from lib_music.render.deforum_grammar import read_prompts, read_schedule, read_text_schedule
from lib_music.render.deforum_settings import paints_by_keyframes


def tail_settings(settings: Mapping[str, Any], first: int, picture: str, last: int = 0) -> dict[str, Any]:
    """Settings that paint from frame ``first`` on, beginning with the image file ``picture``.

    Parameters
    ----------
    settings : mapping
        Of the whole animation.
    first : int
        Below ``max_frames``.
    picture : str
        Path of frame ``first - 1`` on the WebUI's machine; not looked at where ``first`` is 0.
    last : int
        The frame to end before; 0 is the end of the animation.

    Raises
    ------
    SettingsError
        A schedule of the person's own cannot be read.
    """
    n, seed, cadence = settings["max_frames"], settings["seed"], int(settings["diffusion_cadence"])
    rest: dict[str, Any] = dict(settings)
    for key in sorted(NUMBER_SCHEDULES):
        values = read_schedule(settings[key], n, parameter=key, seed=seed)[first:]
        rest[key] = _written([f"{value + 0.0:.6f}" for value in values])
    for key in sorted(TEXT_SCHEDULES):
        words = read_text_schedule(settings[key], n, parameter=key, seed=seed)[first:]
        rest[key] = _written([f'"{word}"' for word in words])
    prompts = read_prompts(settings["prompts"], float(n))
    now = max((frame for frame in prompts if frame <= first), default=min(prompts))
    rest["prompts"] = {"0": prompts[now]} | {
        str(frame - first): prompt for frame, prompt in prompts.items() if frame > first
    }
    strength = read_schedule(settings["strength_schedule"], n, parameter="strength_schedule", seed=seed)
    # A block is saved when the next one begins.
    rest["max_frames"] = min(n - first, -(-(last - first) // cadence) * cadence + 1) if last else n - first
    shown = last - first if last else n - first
    rest["prompts"] = {frame: prompt for frame, prompt in rest["prompts"].items() if int(frame) < shown}
    if not first:
        return rest
    # Deforum does not ask the schedule at frame 0.
    rest |= {"use_init": True, "init_image": picture, "strength": min(max(float(strength[first]), 0.0), 1.0)}
    if isinstance(begin := settings.get("extract_from_frame"), int):
        # Videos that take part frame by frame (hybrid video, masks) go on where they were.
        rest["extract_from_frame"] = begin + first * max(1, int(settings.get("extract_nth_frame") or 1))
    return rest


def can_be_cut(settings: Mapping[str, Any]) -> bool:
    """Whether a part can stand alone.

    A prompt's own formula, guided images and Parseq would start counting anew, keyframes would lie elsewhere.
    """
    alone = settings["animation_mode"] in ("2D", "3D") and not any(
        "`" in str(prompt) for prompt in settings["prompts"].values()
    )
    whole = settings.get("use_looper") or settings.get("parseq_manifest") or paints_by_keyframes(settings)
    return alone and not whole


def _written(words: Sequence[str]) -> str:
    """Keys at the first frame, the last, and wherever a value differs from a neighbour."""
    last = len(words) - 1
    kept = [
        i for i, word in enumerate(words) if i == 0 or word != words[i - 1] or (i < last and word != words[i + 1])
    ]
    return ",".join(f"{i}:({words[i]})" for i in kept)
