"""From an :class:`~lib_music.schedule.animation.Animation` to a complete Deforum settings file.

The file is what the Deforum tab loads and what its HTTP API accepts. Over our own neutral base every key we
know is written. Over a person's own file only the driven keys are, plus the few without which the run could
not become this video:

========================== ==================================================================================
always ours                why
========================== ==================================================================================
max_frames                 Deforum saves only whole cadences: N * floor((max_frames - 1) / N) frames
W, H, fps                  the video's own; where that is what the base says, the base's own spelling of it
batch_name                 only where it would write outside a folder of its own; the remote renderer sets it
skip_video_creation        the video is made here, with the sound cut to the frame
resume_from_timestring     False: only a resumed run may go on with another run's frames
store_frames_in_ram        False: frames must appear while the run goes on
animation_mode             only where the person's own is none of Deforum's rendering modes
diffusion_cadence          brought into 1 to 50, as a number
parseq_non_schedule_...    False where a Parseq manifest is used: it must not change the frame count
========================== ==================================================================================

Conventions: parameters are named as in the file; a negative prompt travels inside each prompt after
`` --neg `` and at most once; prompt keys are digits; the seed schedule has as few keys as give every frame its
own seed exactly, so that a resumed run paints with the same ones.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from lib_music.errors import RangeError, SettingsError
from lib_music.files import slug, write_bytes
from lib_music.render.deforum_base import BaseSettings, read_base_settings
from lib_music.render.deforum_defaults import DEFAULTS
from lib_music.render.deforum_flow import KEY as FLOW_KEY
from lib_music.schedule.animation import SIZE_STEP, Animation
from lib_music.schedule.schedules import Schedule
from lib_music.schedule.timebase import parse_fps

__all__ = ["BaseSettings", "build_settings", "read_base_settings", "resolve_drive", "write_settings"]

NEGATIVE_MARK = "--neg"
#: Modes in which Deforum paints frames; only the first two know cadence.
CADENCE_MODES, PLAIN_MODES = ("2D", "3D"), ("Interpolation", "Video Input")
SEED_MODULUS = 2**32
#: The end of Deforum's own slider.
MAX_CADENCE = 50

#: Schedules that Deforum reads only when a switch is on.
SWITCHES: Mapping[str, str] = {
    "steps_schedule": "enable_steps_scheduling",
    "subseed_schedule": "enable_subseed_scheduling",
    "subseed_strength_schedule": "enable_subseed_scheduling",
    "clipskip_schedule": "enable_clipskip_scheduling",
    "noise_multiplier_schedule": "enable_noise_multiplier_scheduling",
    "ancestral_eta_schedule": "enable_ancestral_eta_scheduling",
    "ddim_eta_schedule": "enable_ddim_eta_scheduling",
    "perspective_flip_theta": "enable_perspective_flip",
    "perspective_flip_phi": "enable_perspective_flip",
    "perspective_flip_gamma": "enable_perspective_flip",
    "perspective_flip_fv": "enable_perspective_flip",
}

_TRANSLATION = ("translation_x", "translation_y", "translation_z")
_ROTATION = ("rotation_3d_x", "rotation_3d_y", "rotation_3d_z")
_CENTRE = ("transform_center_x", "transform_center_y")
_PERSPECTIVE = tuple(key for key in SWITCHES if key.startswith("perspective_flip"))
_SHARPEN = ("amount_schedule", "kernel_schedule", "sigma_schedule", "threshold_schedule")
_CAMERA = ("fov_schedule", "near_schedule", "far_schedule", "aspect_ratio_schedule")

#: What the fork for Forge asks before the cadence: which frames are diffused.
DISTRIBUTION = "keyframe_distribution"

#: The names ``--drive`` knows besides the keys themselves. The camera's name both modes' keys: a person says "zoom"
#: whatever Deforum calls it in theirs.
SHORT_NAMES: Mapping[str, tuple[str, ...]] = {
    "prompts": ("prompts", "animation_prompts_positive", "animation_prompts_negative"),
    "mode": ("animation_mode",),
    "border": ("border", "padding_mode"),
    "cadence": ("diffusion_cadence", DISTRIBUTION),
    "flow": (FLOW_KEY,),
    "seed": ("seed", "seed_behavior", "seed_schedule"),
    "sampler": ("sampler", "enable_sampler_scheduling"),
    "steps": ("steps", "steps_schedule", "enable_steps_scheduling"),
    "init": ("use_init", "init_image", "strength"),
    "zoom": ("zoom", "translation_z"),
    "angle": ("angle", "rotation_3d_z"),
    "turn": ("angle", "rotation_3d_z"),
    "x": ("translation_x",),
    "y": ("translation_y",),
    "translation": _TRANSLATION,
    "rotation": ("angle", *_ROTATION),
    "center": _CENTRE,
    "motion": ("zoom", "angle", *_TRANSLATION, *_ROTATION, *_CENTRE),
    "perspective": ("enable_perspective_flip", *_PERSPECTIVE),
    "camera": _CAMERA,
    "fov": ("fov_schedule",),
    "strength": ("strength_schedule",),
    "noise": ("noise_schedule",),
    "noise_multiplier": ("noise_multiplier_schedule", "enable_noise_multiplier_scheduling"),
    "cfg": ("cfg_scale_schedule",),
    "contrast": ("contrast_schedule",),
    "sharpen": _SHARPEN,
    "subseed": ("subseed_schedule", "subseed_strength_schedule", "enable_subseed_scheduling"),
    "clipskip": ("clipskip_schedule", "enable_clipskip_scheduling"),
    "pitch": ("rotation_3d_x",),
    "yaw": ("rotation_3d_y",),
    "clip": ("near_schedule", "far_schedule"),
    "aspect": ("aspect_ratio_schedule",),
    "size": ("W", "H"),
    "fps": ("fps",),
}
#: Where nothing at all shall be ours: a key that no Deforum has. (No keys at all would mean every one.)
NOTHING = "none"

DRIVEABLE = frozenset(key for keys in SHORT_NAMES.values() for key in keys)

#: What Deforum puts before every prompt and after every negative one.
AROUND = ("animation_prompts_positive", "animation_prompts_negative")


def is_ours(animation: Animation, key: str) -> bool:
    """Whether the music drives a settings key; where no key is named it drives all."""
    return not animation.driven or key in animation.driven


def resolve_drive(text: str) -> frozenset[str]:
    """The settings keys that ``--drive`` names.

    Parameters
    ----------
    text : str
        Short names or settings keys, separated by commas: ``zoom,strength,prompts``. ``all`` names every one,
        ``none`` not a single one.

    Returns
    -------
    keys : frozenset of str
        Not empty. A schedule that needs a switch brings its switch.

    Raises
    ------
    SettingsError
        An unknown name, or none at all; the fix lists the names that are known.
    """
    names = drive_names(text)
    known = f"known: all, none, {', '.join(sorted(SHORT_NAMES))}, or a key such as strength_schedule"
    if not names:
        raise SettingsError(f"--drive {text!r} names nothing", known)
    keys: set[str] = set()
    for name in names:
        if name == "all":
            keys |= DRIVEABLE
        elif name == NOTHING:
            keys.add(NOTHING)
        elif name in SHORT_NAMES:
            keys.update(SHORT_NAMES[name])
        elif name in DRIVEABLE:
            keys |= {name, SWITCHES[name]} if name in SWITCHES else {name}
        else:
            raise SettingsError(f"--drive does not know {name[:60]!r}", known)
    return frozenset(keys)


def drive_names(text: str) -> tuple[str, ...]:
    """The names in ``--drive``, in lower case and without blanks, known or not."""
    return tuple(name for part in text.split(",") if (name := part.strip().lower()))


def build_settings(animation: Animation, *, batch_name: str) -> dict[str, Any]:
    """The complete settings file of ``animation``.

    Parameters
    ----------
    animation : Animation
        With ``base_settings``, only ``driven`` keys are written over it (all we know where that is empty);
        unknown keys of the base are kept.
    batch_name : str
        Name of the folder the host writes to, made a slug; a base that names one keeps its own.

    Returns
    -------
    settings : dict
        JSON-ready. Every key of :data:`~lib_music.render.deforum_defaults.DEFAULTS` is present.
    """
    base = dict(animation.base_settings)
    ours = driven_values(animation)
    if base and animation.driven:
        ours = {key: value for key, value in ours.items() if key in animation.driven}
    if base and not base.get("prompts"):
        ours["prompts"] = _prompts(animation)  # nothing can be painted without
    settings: dict[str, Any] = copy.deepcopy({**DEFAULTS, **base, **ours})
    if base and "legacy_colormatch" not in base:
        settings["legacy_colormatch"] = True  # what Deforum itself assumes of a file that old
    settings.update(_required(animation, settings, batch_name))
    return settings


def saved_frames(max_frames: int, cadence: int) -> int:
    """How many frames a finished run of Deforum leaves on disk."""
    return max_frames if cadence == 1 else cadence * ((max_frames - 1) // cadence)


def paints_by_keyframes(settings: Mapping[str, Any]) -> bool:
    """Whether the fork for Forge would choose its second way to paint: diffused at prompts, the rest moved between."""
    return bool(settings.get(DISTRIBUTION, "Off") != "Off")


def write_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Write a settings file as ASCII JSON, atomically.

    ASCII because Deforum opens it in whatever encoding its machine has. Raises SettingsError where a value
    is not JSON, ProjectError where the disk refuses.
    """
    try:
        text = json.dumps(dict(settings), ensure_ascii=True, indent=4, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"the settings are not JSON: {error}", "remove that value") from error
    write_bytes(path, f"{text}\n".encode("ascii"))


def _required(animation: Animation, settings: Mapping[str, Any], batch_name: str) -> dict[str, Any]:
    """The keys that are ours whatever the person's file says."""
    mode = settings["animation_mode"]
    if mode not in CADENCE_MODES + PLAIN_MODES:
        mode = animation.mode
    diffusion_cadence = min(max(1, int(settings["diffusion_cadence"])), MAX_CADENCE)
    cadence = diffusion_cadence if mode in CADENCE_MODES else 1
    required: dict[str, Any] = {
        "animation_mode": mode,
        "diffusion_cadence": diffusion_cadence,
        "max_frames": -(-animation.timebase.n_frames // cadence) * cadence + 1,
        **_measures(animation),
        "skip_video_creation": True,
        "resume_from_timestring": False,
        "store_frames_in_ram": False,
    }
    # Deforum makes every other name harmless itself; these two lead out of the output folder.
    if not str(animation.base_settings.get("batch_name", "")).strip(" ."):
        required["batch_name"] = slug(batch_name, "music-visualizer")
    if settings["parseq_manifest"]:
        required["parseq_non_schedule_overrides"] = False
    return required


def _measures(animation: Animation) -> dict[str, Any]:
    """Size and rate of the video. A size that Deforum would round down to it, and a rate that means it, may stay."""
    fps, base = animation.timebase.fps, animation.base_settings
    found: dict[str, Any] = {
        "W": animation.width,
        "H": animation.height,
        "fps": int(fps) if fps.denominator == 1 else round(float(fps), 6),
    }
    for key in found.keys() & base.keys() - animation.driven if animation.driven else ():
        theirs = base[key]
        if (_rate(theirs) == fps) if key == "fps" else (int(theirs) // SIZE_STEP * SIZE_STEP == found[key]):
            found[key] = theirs
    return found


def _rate(value: Any) -> Fraction | None:
    try:
        return parse_fps(value)
    except RangeError:
        return None


def driven_values(animation: Animation) -> dict[str, Any]:
    """Everything this animation has a say in, by settings key; what is driven of it is written."""
    n = animation.timebase.n_frames
    values: dict[str, Any] = {
        "prompts": _prompts(animation),
        "animation_prompts_positive": "",
        "animation_prompts_negative": "",
        "animation_mode": animation.mode,
        "border": animation.border,
        "padding_mode": "reflection" if animation.border == "wrap" else "border",
        "diffusion_cadence": animation.cadence,
        DISTRIBUTION: "Off",  # the fork's other words leave the cadence out
        "seed": animation.seed % SEED_MODULUS,
        "seed_behavior": "schedule",
        "seed_schedule": _seeds(animation),
        "sampler": animation.sampler,
        "enable_sampler_scheduling": False,
        "steps": animation.steps,
        "steps_schedule": f"0:({animation.steps})",
        "enable_steps_scheduling": False,
        **_measures(replace(animation, base_settings={})),
    }
    if animation.flow:
        values[FLOW_KEY] = animation.flow
    for key, schedule in animation.schedules.items():
        if key == "seed_schedule":
            continue
        values[key] = _inside(schedule, n).to_string()
        if key in SWITCHES:
            values[SWITCHES[key]] = True
    if animation.start_image is not None:
        strength = animation.schedules.get("strength_schedule")
        values |= {"use_init": True, "init_image": str(animation.start_image.resolve())}
        # Deforum does not ask the schedule at frame 0, so the schedule's word there is given by hand.
        values["strength"] = float(strength.sample(1)[0]) if strength else DEFAULTS["strength"]
    return values


def _inside(schedule: Schedule, n_frames: int) -> Schedule:
    """``schedule`` with no key past the video: Deforum would drop it, and the ramp towards it."""
    if schedule.keyframes[-1][0] < n_frames:
        return schedule
    kept = [key for key in schedule.keyframes if key[0] < n_frames - 1]
    last = (n_frames - 1, float(schedule.sample(n_frames)[-1]))
    return Schedule(schedule.parameter, (*kept, last), schedule.interpolation)


def _prompts(animation: Animation) -> dict[str, str]:
    """Prompts with their negatives, by frame in digits; a new key where either changes."""
    n = animation.timebase.n_frames
    frames = sorted(frame for frame in {*animation.prompts, *animation.negatives} if 0 <= frame < n)
    prompts: dict[str, str] = {}
    for frame in frames:
        text = join_prompt(_latest(animation.prompts, frame), _latest(animation.negatives, frame))
        if not prompts or text != next(reversed(prompts.values())):
            prompts[str(frame)] = text
    return prompts


def join_prompt(prompt: str, negative: str) -> str:
    """One Deforum prompt: ``prompt --neg negative``, with a single ``--neg`` and no backtick.

    A prompt that brings its own ``--neg`` is kept as it is. The host evaluates what stands between backticks;
    formulas are numbers by now, so a backtick that is left is a quotation mark.
    """
    prompt = prompt.replace("`", "'")
    negative = negative.replace("`", "'")
    while NEGATIVE_MARK in negative:  # taking one away can form another
        negative = negative.replace(NEGATIVE_MARK, "")
    negative = negative.strip()
    if NEGATIVE_MARK in prompt or not negative:
        return prompt
    return f"{prompt.rstrip()} {NEGATIVE_MARK} {negative}"


def _latest(texts: Mapping[int, str], frame: int) -> str:
    return texts[max(key for key in texts if key <= frame)]


def _seeds(animation: Animation) -> str:
    """A seed for every frame in as few keys as are exact: Deforum cuts the interpolated value to a whole.

    Without a schedule of its own the animation's seed counts up by one a frame.
    """
    n = animation.timebase.n_frames
    schedule = animation.schedules.get("seed_schedule")
    wanted = schedule.sample(n) if schedule else np.arange(n) + float(animation.seed)
    seeds = [int(seed) % SEED_MODULUS for seed in np.round(wanted)]
    return ",".join(f"{frame}:({seed})" for frame, seed in _whole_keys(seeds))


def _whole_keys(values: list[int]) -> Iterable[tuple[int, int]]:
    """Keys between which ``values`` has one whole step, so that interpolation hits every value exactly."""
    yield 0, values[0]
    step: int | None = None
    for frame in range(1, len(values)):
        now = values[frame] - values[frame - 1]
        if step is not None and now != step:
            yield frame - 1, values[frame - 1]
        step = now
    if len(values) > 1 and step:
        yield len(values) - 1, values[-1]
