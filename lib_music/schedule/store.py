"""An Animation as a versioned JSON file, and back.

Conventions: keys of schedules are written as ``[frame, value]`` pairs; the file is the contract between choosing how a
song moves and painting it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from lib_music.errors import ProjectError
from lib_music.files import read_json, write_json
from lib_music.schedule.animation import Animation, SectionCue
from lib_music.schedule.schedules import Schedule
from lib_music.schedule.timebase import Timebase

ANIMATION_VERSION = 1


def animation_to_dict(animation: Animation) -> dict[str, Any]:
    """The JSON form; ``hits`` are also given in seconds, for people."""
    timebase = animation.timebase
    return {
        "version": ANIMATION_VERSION,
        "fps": str(timebase.fps),
        "n_frames": timebase.n_frames,
        "mode": animation.mode,
        "border": animation.border,
        "width": animation.width,
        "height": animation.height,
        "cadence": animation.cadence,
        "sampler": animation.sampler,
        "steps": animation.steps,
        "seed": animation.seed,
        "sound": {"start": animation.sound_start, "duration": animation.sound_duration},
        "start_image": None if animation.start_image is None else animation.start_image.name,
        "sections": [
            {"start": cue.start, "end": cue.end, "label": cue.label, "role": cue.role, "caption": cue.caption}
            for cue in animation.cues
        ],
        "hits": list(animation.hits),
        "hit_times": [round(float(frame / timebase.fps), 6) for frame in animation.hits],
        "prompts": {str(frame): text for frame, text in animation.prompts.items()},
        "negatives": {str(frame): text for frame, text in animation.negatives.items()},
        "schedules": {
            name: {"interpolation": schedule.interpolation, "keyframes": [list(key) for key in schedule.keyframes]}
            for name, schedule in animation.schedules.items()
        },
        "base_settings": dict(animation.base_settings),
        "driven": sorted(animation.driven),
    }


def animation_from_dict(data: Mapping[str, Any], folder: Path) -> Animation:
    """Read the JSON form; ``folder`` is where its start image lies. Raises ProjectError when it is not one."""
    try:
        if data["version"] != ANIMATION_VERSION:
            raise ProjectError(f"the animation is of version {data['version']}", "run the render command again")
        return Animation(
            Timebase(Fraction(data["fps"]), data["n_frames"]),
            data["mode"],
            data["border"],
            data["width"],
            data["height"],
            data["cadence"],
            {
                name: Schedule(name, tuple((int(f), float(v)) for f, v in s["keyframes"]), s["interpolation"])
                for name, s in data["schedules"].items()
            },
            {int(frame): text for frame, text in data["prompts"].items()},
            {int(frame): text for frame, text in data["negatives"].items()},
            tuple(SectionCue(**cue) for cue in data["sections"]),
            tuple(data["hits"]),
            None if data["start_image"] is None else folder / Path(data["start_image"]).name,
            data["sampler"],
            data["steps"],
            data["seed"],
            data["sound"]["start"],
            data["sound"]["duration"],
            data["base_settings"],
            frozenset(data["driven"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProjectError(f"the animation cannot be read: {error}", "run the render command again") from error


def save_animation(path: Path, animation: Animation) -> None:
    """Write an animation atomically."""
    write_json(path, animation_to_dict(animation))


def load_animation(path: Path) -> Animation:
    """Read an animation; raises ProjectError when it is damaged."""
    return animation_from_dict(read_json(path), path.parent)
