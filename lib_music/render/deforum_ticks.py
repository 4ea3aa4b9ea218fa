"""The list a person ticks to say which parameters of their own Deforum settings the music may drive.

Conventions: a :class:`Tick` is one choice in words with all settings keys that go with it; together they name every key
that can be driven, each once, and those that never are the person's are in :data:`ALWAYS`. Ids are names that
:func:`~lib_music.render.deforum_settings.resolve_drive` knows, so that a list of ticks is a ``--drive``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lib_music.errors import InputError
from lib_music.render.deforum_defaults import DEFAULTS
from lib_music.render.deforum_drive import UNREAD
from lib_music.render.deforum_grammar import read_prompts
from lib_music.render.deforum_settings import NOTHING, SHORT_NAMES
from lib_music.schedule.animation import Mode

_NETWORK = re.compile(r"<(?:lora|lyco|hypernet):[^<>\n]{1,200}>", re.IGNORECASE)


@dataclass(frozen=True)
class Tick:
    """One choice: ``id`` as ``--drive`` has it, ``group`` and ``label`` to read, whether it is ticked at first."""

    id: str
    group: str
    label: str
    first: bool = True

    @property
    def keys(self) -> tuple[str, ...]:
        """The settings keys that go with it."""
        return SHORT_NAMES[self.id]

    def unread(self, mode: Mode) -> bool:
        """Whether that mode of Deforum reads none of its keys."""
        return set(self.keys) <= UNREAD[mode]


_WORDS, _MOVES, _CAMERA, _PAINTS, _VIDEO = "Words", "Motion", "Camera", "Painting", "Video"

#: What the music is for is ticked at first; what a person sets once and trusts is not.
TICKS: tuple[Tick, ...] = (
    Tick("prompts", _WORDS, "Prompts and negative prompts"),
    Tick("zoom", _MOVES, "Zoom"),
    Tick("turn", _MOVES, "Turn"),
    Tick("x", _MOVES, "Sideways"),
    Tick("y", _MOVES, "Up and down"),
    Tick("pitch", _MOVES, "Look up and down"),
    Tick("yaw", _MOVES, "Look sideways"),
    Tick("center", _MOVES, "Centre of zoom and turn", first=False),
    Tick("perspective", _CAMERA, "Perspective flip", first=False),
    Tick("fov", _CAMERA, "Field of view", first=False),
    Tick("clip", _CAMERA, "Near and far", first=False),
    Tick("aspect", _CAMERA, "Aspect ratio of the lens", first=False),
    Tick("border", _CAMERA, "What fills the edges", first=False),
    Tick("mode", _CAMERA, "2D or 3D", first=False),
    Tick("strength", _PAINTS, "Strength"),
    Tick("noise", _PAINTS, "Noise"),
    Tick("cfg", _PAINTS, "CFG scale"),
    Tick("contrast", _PAINTS, "Contrast"),
    Tick("seed", _PAINTS, "Seed"),
    Tick("init", _PAINTS, "Start image"),
    Tick("sampler", _PAINTS, "Sampler", first=False),
    Tick("steps", _PAINTS, "Steps", first=False),
    Tick("noise_multiplier", _PAINTS, "Noise multiplier", first=False),
    Tick("sharpen", _PAINTS, "Sharpening", first=False),
    Tick("subseed", _PAINTS, "Subseed", first=False),
    Tick("clipskip", _PAINTS, "CLIP skip", first=False),
    Tick("cadence", _VIDEO, "Cadence"),
    Tick("flow", _VIDEO, "Optical flow between diffused frames"),
    Tick("size", _VIDEO, "Width and height"),
    Tick("fps", _VIDEO, "Frames per second"),
)
FIRST = tuple(tick.id for tick in TICKS if tick.first)

#: Keys that are ours whatever is ticked, and why.
ALWAYS: Mapping[str, str] = {
    "max_frames": "as long as the song",
    "skip_video_creation": "the video is made here, with the sound cut to the frame",
    "resume_from_timestring": "only a resumed run goes on with another run's frames",
    "store_frames_in_ram": "the frames must appear while it paints",
}


def drive_of(ticks: Collection[str]) -> str:
    """The ``--drive`` of a list of ticks.

    Raises InputError for one that is not known.
    """
    known = [tick.id for tick in TICKS]
    if unknown := [name for name in ticks if name not in known]:
        raise InputError(f"there is no parameter {str(unknown[0])[:40]!r} to tick", "reload the page")
    return ",".join(name for name in known if name in ticks) or NOTHING


def ticks_of(keys: Iterable[str]) -> tuple[str, ...]:
    """The ticks of a set of driven keys; none at all, as ``--drive`` has it, is every one."""
    driven = frozenset(keys)
    return tuple(tick.id for tick in TICKS if not driven or driven & set(tick.keys))


def words_of(values: Mapping[str, Any]) -> tuple[str, ...]:
    """What a person would want to know is in a settings file, a line each.

    Parameters
    ----------
    values : mapping
        As :func:`~lib_music.render.deforum_base.read_base_settings` gives them.

    Returns
    -------
    lines : tuple of str
        Found text is cut short and stands as it is: it is no markup.
    """
    found = {**DEFAULTS, **values}
    lines = [_picture(found), _painter(found), *_masks(found), *_controlnet(found), *_hybrid(found)]
    if found["use_looper"]:
        lines.append(f"guided images: {_guided(found['init_images'])}")
    if found["use_init"]:
        lines.append(f"start image: {_file(found['init_image'])}")
    if found["parseq_manifest"]:
        lines.append("a Parseq manifest: the fields it manages override the music's")
    lines += _prompts(found)
    return tuple(line for line in lines if line)


def _guided(images: Any) -> str:
    """How many there are, where that can be read: the tab keeps JSON text, frame by frame."""
    try:
        listed = json.loads(str(images))
    except (ValueError, RecursionError):
        listed = None
    return str(len(listed)) if isinstance(listed, (dict, list)) else _excerpt(images)


def _picture(found: Mapping[str, Any]) -> str:
    size = f"{found['W']}×{found['H']} at {found['fps']} fps, cadence {found['diffusion_cadence']}"
    if found["animation_mode"] != "3D":
        return f"{_excerpt(found['animation_mode'])}, {size}"
    depth = f"depth model {_excerpt(found['depth_algorithm'])}" if found["use_depth_warping"] else "no depth model"
    return f"3D, {depth}, {size}"


def _painter(found: Mapping[str, Any]) -> str:
    model = f", checkpoint {_excerpt(found['sd_model_name'])}" if found.get("sd_model_name") else ""
    coherence = f", colours kept by {_excerpt(found['color_coherence'])}" if found["color_coherence"] != "None" else ""
    return f"sampler {_excerpt(found['sampler'])}, {found['steps']} steps{coherence}{model}"


def _masks(found: Mapping[str, Any]) -> list[str]:
    lines = []
    if found["use_mask"]:
        source = "the start image's alpha" if found["use_alpha_as_mask"] else _file(found["mask_file"])
        lines.append(f"mask: {source}{', inverted' if found['invert_mask'] else ''}")
    if found["use_mask_video"]:
        lines.append(f"video mask: {_file(found['video_mask_path'])}")
    if found["use_noise_mask"]:
        lines.append(f"noise mask: {_excerpt(found['noise_mask_schedule'])}")
    return lines


def _controlnet(found: Mapping[str, Any]) -> list[str]:
    lines = []
    for unit in range(1, 100):
        if f"cn_{unit}_enabled" not in found:
            break
        if found[f"cn_{unit}_enabled"]:
            name = {key: found.get(f"cn_{unit}_{key}") for key in ("module", "model", "weight")}
            lines.append(
                f"ControlNet unit {unit}: {_excerpt(name['module'])}, {_excerpt(name['model'])}, "
                f"weight {_excerpt(name['weight'])}"
            )
    return lines


def _hybrid(found: Mapping[str, Any]) -> list[str]:
    used = [
        f"{word} {_excerpt(found[key])}"
        for key, word in (("hybrid_motion", "motion"), ("hybrid_composite", "composite"))
        if found[key] != "None"
    ]
    return [f"hybrid video: {', '.join(used)}"] if used else []


def _prompts(found: Mapping[str, Any]) -> list[str]:
    prompts = read_prompts(found["prompts"], float(found["max_frames"])) if found["prompts"] else {}
    texts = [*prompts.values(), str(found["animation_prompts_positive"]), str(found["animation_prompts_negative"])]
    lines = [f"{len(prompts)} {'prompt' if len(prompts) == 1 else 'prompts'}"] if any(prompts.values()) else []
    if tags := network_tags(texts):
        lines.append(f"in the prompts: {', '.join(tags[:8])}{' and more' if len(tags) > 8 else ''}")
    return lines


def network_tags(texts: Iterable[str]) -> tuple[str, ...]:
    """The LoRA, LyCORIS and hypernetwork tags in prompts, each once and in order: ``<lora:name:0.8>``."""
    return tuple(dict.fromkeys(tag[:80] for text in texts for tag in _NETWORK.findall(text)))


def _file(path: Any) -> str:
    """A file's own name, whichever system wrote its path."""
    return _excerpt(re.split(r"[/\\]", str(path))[-1])


def _excerpt(value: Any, limit: int = 60) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
    return (text if len(text) <= limit else text[: limit - 1] + "…") or "none"
