"""What it means that a person's own settings file leaves us some keys and keeps the others.

Conventions: ``driven`` are settings keys as :func:`~lib_music.render.deforum_settings.resolve_drive` gives them; empty,
everything is ours. What is not driven is read off the very settings that will be written, so that a preview and
Deforum cannot disagree about it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lib_music.errors import SettingsError
from lib_music.render.deforum_defaults import NUMBER_SCHEDULES
from lib_music.render.deforum_grammar import read_prompts, read_schedule
from lib_music.render.deforum_settings import (
    NEGATIVE_MARK,
    NOTHING,
    build_settings,
    drive_names,
    driven_values,
    resolve_drive,
)
from lib_music.schedule.animation import Animation, Border, Mode
from lib_music.schedule.schedules import Schedule, thin

Array = npt.NDArray[np.float64]

#: What each mode of Deforum never reads.
UNREAD: Mapping[Mode, frozenset[str]] = {
    "2D": frozenset(
        {"translation_z", "rotation_3d_x", "rotation_3d_y", "rotation_3d_z", "padding_mode", "fov_schedule",
         "near_schedule", "far_schedule", "aspect_ratio_schedule"}
    ),
    "3D": frozenset({"zoom", "angle", "transform_center_x", "transform_center_y", "border"}),
}

#: The curves that show: how the picture moves and how strongly it is painted over, with the range in which a picture
#: survives them (a planar zoom of 2 is a translation_z of 86).
_PIXELS = (-10_000.0, 10_000.0)
_RANGES: Mapping[str, tuple[float, float]] = {
    "zoom": (0.5, 2.0),
    "angle": (-360.0, 360.0),
    "translation_x": _PIXELS,
    "translation_y": _PIXELS,
    "translation_z": (-86.0, 86.0),
    "transform_center_x": (-100.0, 100.0),
    "transform_center_y": (-100.0, 100.0),
    "rotation_3d_x": (-360.0, 360.0),
    "rotation_3d_y": (-360.0, 360.0),
    "rotation_3d_z": (-360.0, 360.0),
    "strength_schedule": (0.0, 1.0),
    "contrast_schedule": (0.0, 100.0),
    "noise_schedule": (0.0, 100.0),
}
#: What the printed six decimals may lose at one frame, and over all of them.
_TOLERANCE, _TOTAL_TOLERANCE = 1e-6, 1e-3


def undriven_notes(drive: str, animation: Animation) -> tuple[str, ...]:
    """A line for each name in ``--drive`` that changes nothing in this video.

    Parameters
    ----------
    drive : str
        As the person wrote it; empty, or ``all``, names nothing in particular.
    animation : Animation
        With its base settings and driven keys.

    Returns
    -------
    notes : tuple of str
        In order of the names, each once.

    Raises
    ------
    SettingsError
        An unknown name.
    """
    if drive and not animation.base_settings:
        return ("--drive has no effect without --base-settings: everything is ours",)
    mode = _written_mode(animation, build_settings(animation, batch_name=""))
    ours, notes = driven_values(animation).keys(), []
    for name in dict.fromkeys(drive_names(drive)):
        keys = resolve_drive(name)
        written = keys & ours
        if name in ("all", NOTHING) or written - UNREAD[mode]:
            continue
        if written or keys <= UNREAD[mode]:
            unread = ", ".join(sorted(written or keys))
            notes.append(f"--drive {name} has no effect: Deforum's {mode} mode does not read {unread}")
        else:
            notes.append(f"--drive {name} has no effect: nothing in this video sets it, the base settings' own stays")
    return tuple(notes)


def follow_base(animation: Animation, base: Mapping[str, Any], driven: frozenset[str]) -> Animation:
    """``animation`` as Deforum will paint it: what may not be written is as the person's own file has it.

    Parameters
    ----------
    animation : Animation
    base : mapping
        The person's settings, as :func:`~lib_music.render.deforum_base.read_base_settings` gives them.
    driven : frozenset of str

    Returns
    -------
    animation : Animation
        The same one where ``driven`` or ``base`` is empty: all is ours then. Else its curves outside ``driven`` (seeds
        apart), its border and its mode are the base's; a curve that the base lacks rests at the value that is written
        for it, one that cannot be read is left out, and one that no picture survives is kept within bounds. The
        settings built from it keep the base's own text.
    """
    if not driven or not base:
        return animation
    ours = replace(animation, base_settings=base, driven=driven)
    settings = build_settings(ours, batch_name="")
    schedules = {key: curve for key, curve in ours.schedules.items() if key in driven or key == "seed_schedule"}
    for key in sorted((_RANGES.keys() | ours.schedules.keys()) & NUMBER_SCHEDULES - schedules.keys() - driven):
        if key != "seed_schedule" and (curve := _curve(key, settings, animation.timebase.n_frames)):
            schedules[key] = curve
    mode = _written_mode(ours, settings)
    followed = replace(ours, schedules=schedules, mode=mode, border=_border(mode, settings))
    return followed if "prompts" in driven or not base.get("prompts") else _with_prompts(followed, settings)


def _with_prompts(animation: Animation, settings: Mapping[str, Any]) -> Animation:
    """The person's own prompts at their own frames, also where a section's prompt is told."""
    n = animation.timebase.n_frames
    read = read_prompts(settings["prompts"], float(settings["max_frames"]))
    texts = {frame: text for frame, text in read.items() if 0 <= frame < n}
    # Deforum fills what comes before the first with it.
    first = texts.get(min(texts)) if texts else str(next(iter(settings["prompts"].values())))
    prompts = dict(sorted({0: first or "", **texts}.items()))
    told = [prompts[max(frame for frame in prompts if frame <= cue.start)] for cue in animation.cues]
    captions = [text.partition(NEGATIVE_MARK)[0].strip() for text in told]
    cues = tuple(replace(cue, caption=caption) for cue, caption in zip(animation.cues, captions, strict=True))
    return replace(animation, prompts=prompts, negatives={0: ""}, cues=cues)


def base_levels(base: Mapping[str, Any], keys: Iterable[str], n_frames: int, first: int) -> dict[str, Array]:
    """The curves of the person's own file that something of ours is said over, at each of ``n_frames`` of the song.

    ``first`` is the frame of the song at which the video begins: there the file's frame 0 lies. A curve that cannot be
    read is left out.
    """
    found = {}
    for key in keys:
        if isinstance(text := base.get(key), str):
            with contextlib.suppress(SettingsError):
                values = read_schedule(text, max(1, n_frames - first), parameter=key)
                found[key] = np.concatenate((np.full(n_frames - values.size, values[0]), values))
    return found


def _curve(key: str, settings: Mapping[str, Any], n_frames: int) -> Schedule | None:
    """The schedule that stands under ``key`` in the settings; None where it cannot be read."""
    length = settings["max_frames"]  # what ``max_f`` and keys near the end refer to
    try:
        values = read_schedule(str(settings[key]), length, parameter=key, seed=settings["seed"])
    except SettingsError:
        return None
    low, high = _RANGES.get(key, (-np.inf, np.inf))
    return Schedule(key, thin(np.clip(values[:n_frames], low, high), _TOLERANCE, _TOTAL_TOLERANCE))


def _written_mode(animation: Animation, settings: Mapping[str, Any]) -> Mode:
    """The mode that the settings name; for modes without a camera the animation's stands in."""
    mode = settings["animation_mode"]
    return "3D" if mode == "3D" else "2D" if mode == "2D" else animation.mode


def _border(mode: Mode, settings: Mapping[str, Any]) -> Border:
    """What fills the edges: Deforum has a word for it in each mode."""
    wraps = settings["border"] == "wrap" if mode == "2D" else settings["padding_mode"] == "reflection"
    return "wrap" if wraps else "replicate"
