"""Values that the page sends, which anybody can write: each is what it should be, or an InputError says which is not.

Conventions: JSON as Python reads it; a bool is no number, a number is finite and in range, a text has a length.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from lib_music.errors import InputError

#: What the page never sends but when it is older than what it speaks to.
STALE = "reload the page and try again"


def number(action: Mapping[str, Any], name: str, low: float, high: float, called: str = "", none: str = "") -> float:
    """A finite number in [``low``, ``high``].

    ``called`` is what people know it as where that is not ``name``, ``none`` what they may do instead of giving one.
    """
    value, called = action.get(name), called or name
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"{called} is {_excerpt(value)}, not a number", STALE)
    # NaN fails both comparisons; a whole number of a thousand digits is compared before it is converted.
    if not low <= value <= high:
        raise InputError(f"{called} is {_excerpt(value)}", f"give {low:.10g} to {high:.10g}{none}")
    return float(value)


def whole(action: Mapping[str, Any], name: str, low: int, high: int) -> int:
    """A whole number in [``low``, ``high``]."""
    value = number(action, name, low, high)
    if not math.isclose(value, round(value)):
        raise InputError(f"{name} is {_excerpt(value)}, not a whole number", STALE)
    return round(value)


def text(action: Mapping[str, Any], name: str, limit: int) -> str:
    """A text of at most ``limit`` characters, untouched."""
    value = action.get(name)
    if not isinstance(value, str):
        raise InputError(f"{name} is {_excerpt(value)}, not text", STALE)
    if len(value) > limit:
        raise InputError(f"{name} has {len(value):,} characters", f"keep it to {limit:,}")
    return value


def flag(action: Mapping[str, Any], name: str, default: bool | None = None) -> bool:
    """True or false."""
    value = action.get(name, default)
    if not isinstance(value, bool):
        raise InputError(f"{name} is {_excerpt(value)}, not true or false", STALE)
    return value


def section_of(action: Mapping[str, Any], n: int) -> int:
    """The number of one of ``n`` sections, from 0."""
    value = action.get("section")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < n:
        raise InputError(f"there is no section {_excerpt(value)}", STALE)
    return value


def _excerpt(value: Any) -> str:
    """A short reading of anything, also of what cannot be written out."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**20:
        return "a huge number"
    if isinstance(value, (str, list, dict)):
        kinds = {str: "a text", list: "a list", dict: "an object"}
        return repr(value)[:40] if isinstance(value, str) and len(value) <= 30 else kinds[type(value)]
    return "missing" if value is None else repr(value)[:40]
