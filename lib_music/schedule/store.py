"""An Animation as a versioned JSON file.

Conventions: keys of schedules are written as ``[frame, value]`` pairs; the file is the contract between choosing how a
song moves and painting it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lib_music.files import write_json
from lib_music.schedule.animation import Animation

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
        # Only what was chosen: what was painted before there was a choice stays the same.
        **({"flow": animation.flow} if animation.flow else {}),
    }


def save_animation(path: Path, animation: Animation) -> None:
    """Write an animation atomically."""
    write_json(path, animation_to_dict(animation))
