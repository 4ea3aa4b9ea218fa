"""How people write times and sizes, for the command line and the page alike.

Conventions: times in seconds, sizes in pixels as (width, height); what cannot be read raises RangeError.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lib_music.errors import RangeError

#: Shapes of a picture by name, in sizes that Stable Diffusion 1.5 paints well.
ASPECTS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "1:1": (512, 512),
        "16:9": (1024, 576),
        "9:16": (576, 1024),
        "4:5": (512, 640),
        "4:3": (768, 576),
        "3:4": (576, 768),
        "21:9": (1344, 576),
    }
)


def read_time(text: str) -> float:
    """Seconds: ``90``, ``1:30`` or ``0:01:30.5``."""
    try:
        parts = [float(part) for part in text.split(":")]
    except ValueError:
        raise RangeError(f"{text[:40]!r} is not a time", "give seconds or m:ss") from None
    if len(parts) > 3 or any(part < 0 for part in parts[1:]):
        raise RangeError(f"{text[:40]!r} is not a time", "give seconds or m:ss")
    seconds = 0.0
    for part in parts:
        seconds = seconds * 60 + part
    return seconds


def read_whole(text: str) -> int:
    """A whole number."""
    try:
        # More digits than any of our numbers has would only cost time to convert.
        return int(text if len(text) <= 40 else "")
    except ValueError:
        raise RangeError(f"{text[:40]!r} is not a whole number", "give for example 1") from None


def read_size(text: str) -> tuple[int, int]:
    """``1024x576``."""
    width, cross, height = text.lower().replace("×", "x").partition("x")
    if not (cross and width.strip().isdecimal() and height.strip().isdecimal() and len(text) < 20):
        raise RangeError(f"size {text[:40]!r} is not WIDTHxHEIGHT", "give for example 1024x576")
    return int(width), int(height)


def read_aspect(text: str) -> tuple[int, int]:
    """The size that goes by the name of its shape, such as ``16:9``."""
    try:
        return ASPECTS[text.strip()]
    except KeyError:
        known = ", ".join(ASPECTS)
        raise RangeError(f"aspect {text[:40]!r} is not known", f"give one of {known}, or --size WxH") from None


def read_factor(text: str) -> float:
    """A plain number, such as ``0.5``."""
    try:
        return float(text)
    except ValueError:
        raise RangeError(f"{text[:40]!r} is not a number", "give for example 0.5") from None
