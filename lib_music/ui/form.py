"""What the boxes of the page hold, read as foreign input: anybody can post anything to a page.

Conventions: boxes give text, numbers, None or whatever was posted; everything here raises InputError with the box's
label, and nothing longer than what a person could mean is looked into.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from lib_music.errors import InputError, RangeError
from lib_music.given import ASPECTS, read_time, read_whole
from lib_music.ui.shown import REFUSED, chosen

#: The boxes of Motion in the order in which the page sends them.
MOTION = (
    "preset", "intensity", "fps", "cadence", "width", "height", "mode", "start", "length", "seed", "sampler", "steps",
    "renderer", "captions",
)  # fmt: skip
FPS = ("24", "25", "30", "60")
#: The shapes the page offers; what else a size can be is ``own``.
SHAPES = ("16:9", "9:16", "1:1")
OWN_SIZE = "own"
#: Characters in a line, in the words of a song, in a message of the page's own script.
LINE, WORDS, MESSAGE = 4_096, 20_000, 1_000_000
T = TypeVar("T")


def line(value: Any, label: str, limit: int = LINE) -> str:
    """A text of at most ``limit`` characters; an empty box may be None."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"{label}: that is no text", "reload the page and try again")
    if len(value) > limit:
        raise InputError(f"{label}: {len(value):,} characters are too many", f"keep it to {limit:,}")
    return value


def number(value: Any, label: str) -> float:
    """A finite number."""
    good = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not good or (isinstance(value, int) and abs(value) > 10**12) or not math.isfinite(value):
        raise InputError(f"{label}: that is no number", "type a number")
    return float(value)


def whole(value: Any, label: str) -> int:
    """A whole number, which the page may send as 512.0."""
    found = number(value, label)
    if found != round(found):
        raise InputError(f"{label}: {found:g} is not a whole number", f"give {round(found)}")
    return round(found)


def typed(value: Any, label: str, read: Callable[[str], T]) -> T | None:
    """What ``read`` makes of a short text, None for an empty box; the box is named where it cannot be read."""
    text = line(value, label, 40).strip()
    try:
        return read(text) if text else None
    except RangeError as error:
        raise InputError(f"{label}: {error.message}", error.fix) from None


def message(value: Any) -> dict[str, Any]:
    """What the page's own script sends: one JSON object; an empty text is an empty one."""
    text = line(value, "request", MESSAGE)
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise InputError("the page sent what is no JSON", "reload the page") from None
    if not isinstance(found, dict):
        raise InputError("the page sent what is no request", "reload the page")
    return found


def sent_file(value: Any, label: str) -> Path | None:
    """Where gradio put a file that was sent: 3.41 gives an object with a name, 4.40 a text."""
    if value is None:
        return None
    name = getattr(value, "name", value)
    if value is REFUSED or not isinstance(name, str):
        raise InputError(f"{label}: that file was not sent to this page", "choose the file again")
    return Path(name)


def motion(values: Sequence[Any]) -> dict[str, Any]:
    """The boxes of Motion as the JSON form of :class:`~lib_music.studio.motion.Motion`; limits are checked there."""
    given = dict(zip(MOTION, values, strict=True))
    cadence = whole(given["cadence"], "Cadence")
    return {
        "preset": line(given["preset"], "Preset", 100) or "auto",
        "intensity": number(given["intensity"], "Intensity"),
        "fps": line(given["fps"], "Frames per second", 40) or FPS[0],
        "cadence": cadence or None,
        "width": whole(given["width"], "Width"),
        "height": whole(given["height"], "Height"),
        "mode": line(given["mode"], "Mode", 10) or "2D",
        "start": typed(given["start"], "Start", read_time) or 0.0,
        "duration": typed(given["length"], "Length", read_time),
        "seed": typed(given["seed"], "Seed", read_whole),
        "sampler": line(given["sampler"], "Sampler", 100),
        "steps": whole(given["steps"], "Steps"),
        "renderer": line(given["renderer"], "Renderer", 40),
        "captions": given["captions"] is True,
    }


def motion_boxes(held: dict[str, Any], choices: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """The boxes of Motion from its JSON form; ``choices`` of preset, sampler and renderer as they are offered."""
    duration, seed = held["duration"], held["seed"]
    return {
        "preset": chosen(held["preset"], choices["preset"]),
        "intensity": held["intensity"],
        "fps": chosen(held["fps"], FPS),
        "cadence": held["cadence"] or 0,
        "width": held["width"],
        "height": held["height"],
        "aspect": shape(held["width"], held["height"]),
        "mode": held["mode"],
        "start": clock(held["start"]) if held["start"] else "",
        "length": clock(duration) if duration is not None else "",
        "seed": "" if seed is None else str(seed),
        "sampler": chosen(held["sampler"] or choices["sampler"][0], choices["sampler"]),
        "steps": held["steps"],
        "renderer": chosen(held["renderer"] or choices["renderer"][0], choices["renderer"]),
        "captions": held["captions"],
    }


def shape(width: Any, height: Any) -> str:
    """The name of a size's shape, ``own`` for what has none."""
    return next((name for name in SHAPES if ASPECTS[name] == (width, height)), OWN_SIZE)


def clock(seconds: float) -> str:
    """``83.5`` as ``1:23.5``, as :func:`~lib_music.given.read_time` reads it."""
    minutes, rest = divmod(round(float(seconds), 3), 60)
    return f"{int(minutes)}:{rest:06.3f}".rstrip("0").rstrip(".")
