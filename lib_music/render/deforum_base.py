"""Read a person's own Deforum settings file, which may come from anywhere.

Conventions: what is wrong with the file as such (not JSON, a known key of the wrong type, a formula that is
not on our allow-list) raises :class:`~lib_music.errors.SettingsError`; what is merely not wanted (an address
that the host would download, a key whose name has changed) is put right and told as a warning. Keys that we
do not know are kept.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lib_music.errors import InputError, SettingsError
from lib_music.render.deforum_defaults import DEFAULTS, NUMBER_SCHEDULES, TEXT_SCHEDULES
from lib_music.render.deforum_grammar import ANY_LENGTH, check_schedule, read_prompts, split_keys

#: A settings file with a key on every frame of an hour stays well below this.
MAX_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 32

#: scheme://..., //server/..., \\server\...: anything but a plain path.
_ADDRESS = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*:)?[/\\]{2}")
_SCHEDULE_LIKE = re.compile(r"\s*[\"']?\s*\d+\s*[\"']?\s*:")
_WORD = re.compile(r"""\(?\s*(["'])[^"'()`]*\1\s*\)?""")
_BACKTICKS = re.compile(r"`(.*?)`", re.DOTALL)

#: What to switch off when the address it needs is left out: key, switch, the value that uses it, off.
_USED_BY: tuple[tuple[str, str, Any, Any], ...] = (
    ("init_image", "use_init", True, False),
    ("mask_file", "use_mask", True, False),
    ("video_mask_path", "use_mask_video", True, False),
    ("init_images", "use_looper", True, False),
    ("color_coherence_image_path", "color_coherence", "Image", "None"),
    ("soundtrack_path", "add_soundtrack", "File", "None"),
    ("video_init_path", "animation_mode", "Video Input", "2D"),
)

#: Names that older files use. Deforum would rename them itself, and so undo what we write.
_RENAMED: Mapping[str, str] = {
    "flip_2d_perspective": "enable_perspective_flip",
    "skip_video_for_run_all": "skip_video_creation",
    "animation_prompts": "prompts",
}
_REMOVED = "histogram_matching"
#: A switch that older files have, and the depth model that each of its positions means.
_ZOE, _ZOE_DEPTH = "use_zoe_depth", {"True": "Zoe+AdaBins (old)", "False": "Midas+AdaBins (old)"}
#: Switches of older versions that became names.
_WAS_SWITCH: Mapping[str, str] = {
    "hybrid_composite": "Normal",
    "optical_flow_redo_generation": "DIS Fine",
    "optical_flow_cadence": "DIS Fine",
    "add_soundtrack": "File",
}
#: Words of older versions and what they are called now, as Deforum itself reads them.
_WORDS_NOW: Mapping[str, str] = {
    "Match Frame 0 HSV": "HSV",
    "Match Frame 0 LAB": "LAB",
    "Match Frame 0 RGB": "RGB",
    "Envelope (Outer Fit)": "Outer Fit (Shrink to Fit)",
    "Scale to Fit (Inner Fit)": "Inner Fit (Scale to Fit)",
}
_WORDED = re.compile(r"color_coherence|cn_\d+_resize_mode")
#: Either a name or its index; both are found in files that Deforum wrote.
_NAME_OR_INDEX = frozenset({"fill"})


@dataclass(frozen=True)
class BaseSettings:
    """A person's settings file, ready to be built upon.

    Attributes
    ----------
    values : mapping of str to JSON value
    warnings : tuple of str
        What was changed on the way in, one line each.
    """

    values: Mapping[str, Any]
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if any(not isinstance(key, str) for key in self.values):
            raise ValueError("BaseSettings.values: keys must be text")
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))


def read_base_settings(path: Path) -> BaseSettings:
    """Read and check a Deforum settings file.

    Raises
    ------
    SettingsError
        Not readable, larger than 32 MiB, not UTF-8, not JSON, not an object, nested too deeply, a key given
        twice, a number that is not finite, a known key of the wrong type, a schedule or a formula between
        backticks that cannot be read.
    """
    return _checked(_load(path))


def parse_base_settings(text: str, name: str) -> BaseSettings:
    """Check the text of a Deforum settings file; ``name`` is what messages call it. Raises SettingsError."""
    if len(text) > MAX_BYTES:
        raise SettingsError(f"{name} is larger than {MAX_BYTES >> 20} MiB", "this is no settings file")
    return _checked(_parsed(text.removeprefix("\ufeff"), name))


def _checked(values: dict[str, Any]) -> BaseSettings:
    """See :func:`read_base_settings`."""
    warnings = _renamed(values)
    addresses = []
    for key in list(values):
        values[key] = _typed(key, values[key])
        if _is_address(values[key]):
            values[key] = DEFAULTS.get(key, "")
            addresses.append(key[:60])
    if addresses:
        for key, switch, used, off in _USED_BY:
            if key in addresses and values.get(switch) == used:
                values[switch] = off
        warnings.append(f"left out, for the WebUI would download them: {', '.join(sorted(addresses))}")
    if values.get("parseq_manifest"):
        warnings.append("parseq_manifest is used: the fields it manages override the music's")
    if "prompts" in values:
        _check_prompts(values["prompts"], values.get("max_frames", DEFAULTS["max_frames"]))
    return BaseSettings(values, tuple(warnings))


def _renamed(values: dict[str, Any]) -> list[str]:
    """Put keys of older versions under their names of today; what was left out, one line each."""
    warnings = []
    if _REMOVED in values:
        del values[_REMOVED]
        warnings.append(f"{_REMOVED} is no longer a setting of Deforum; left out")
    if (depth := _ZOE_DEPTH.get(str(values.pop(_ZOE, None)))) is not None:
        values["depth_algorithm"] = depth
    for old in [key for key in values if key in _RENAMED]:
        value, new = values.pop(old), _RENAMED[old]
        # The tab prefers animation_prompts to prompts; otherwise the current name has the last word.
        if old == "animation_prompts" or new not in values:
            values[new] = _json_text(value) if new == "prompts" else value
    return warnings


def _load(path: Path) -> dict[str, Any]:
    """The JSON object in the file, with its shape checked but not yet its keys."""
    name = path.name
    try:
        if not path.is_file():
            raise SettingsError(f"{name} is not a file", "give the path of a Deforum settings file")
        if path.stat().st_size > MAX_BYTES:
            raise SettingsError(f"{name} is larger than {MAX_BYTES >> 20} MiB", "this is no settings file")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{name} cannot be read: {error.strerror}", "check the path") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{name} is not UTF-8 text (byte {error.start})", "save it as UTF-8") from error
    return _parsed(text, name)


def _parsed(text: str, name: str) -> dict[str, Any]:
    """The JSON object that is written there."""
    try:
        loaded = json.loads(text, object_pairs_hook=_no_twins, parse_constant=_not_finite)
        if not isinstance(loaded, dict):
            raise SettingsError(f"{name} holds a {type(loaded).__name__}", "the file must be one JSON object")
        for value in _walk(loaded):
            if isinstance(value, float) and not math.isfinite(value):
                raise SettingsError(f"{name} holds the number {value}", "use finite numbers")
    except json.JSONDecodeError as error:
        raise SettingsError(
            f"{name} is not JSON: {error.msg} at line {error.lineno}", "save the settings in Deforum again"
        ) from error
    except RecursionError as error:
        raise SettingsError(f"{name} is nested too deeply", "this is no settings file") from error
    except ValueError as error:  # a whole number of more digits than Python converts
        raise SettingsError(f"{name} holds a number that is too long", "use ordinary numbers") from error
    return loaded


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        # A fork's own default file says the same thing twice; only a contradiction is an error.
        if key in found and found[key] != value:
            raise SettingsError(f"key {key[:60]!r} is given twice with two values", "delete one of them")
        found[key] = value
    return found


def _not_finite(word: str) -> float:
    raise SettingsError(f"the file holds {word}, which is not a number", "use finite numbers")


def _walk(root: Any) -> Iterator[Any]:
    """All values at any depth; raises SettingsError past ``MAX_DEPTH``."""
    stack = [(root, 0)]
    while stack:
        value, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise SettingsError("the settings are nested too deeply", "this is no settings file")
        yield value
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        stack.extend((item, depth + 1) for item in inner)


def _json_text(value: Any) -> Any:
    """The tab keeps prompts as JSON text; read that too."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, object_pairs_hook=_no_twins, parse_constant=_not_finite)
    except (ValueError, RecursionError) as error:
        raise SettingsError("animation_prompts is not JSON", 'write {"0": "a prompt"}') from error


def _is_address(value: Any) -> bool:
    """A lone address, or JSON text (guided images, a Parseq manifest) that lists some."""
    if not isinstance(value, str):
        return False
    listed = value.lstrip().startswith(("{", "[")) and "://" in value
    return listed or _ADDRESS.match(value) is not None


def _typed(key: str, value: Any) -> Any:
    """``value`` as Deforum wants it under ``key``; raises SettingsError for the wrong type."""
    if key not in DEFAULTS:
        if key.endswith("_schedule") and isinstance(value, str) and _SCHEDULE_LIKE.match(value):
            _check_either(value, key)
        return value
    default = DEFAULTS[key]
    if key in NUMBER_SCHEDULES:
        if isinstance(value, int | float) and not isinstance(value, bool):
            value = f"0:({value:.6f})"  # a plain number, as versions before schedules had it
        if not isinstance(value, str):
            raise _mistyped(key, value, 'text such as "0:(1.0)"')
        check_schedule(value, parameter=key)
        return value
    if key == "prompts":
        return value
    if key in _WAS_SWITCH and isinstance(value, bool):
        return _WAS_SWITCH[key] if value else "None"
    if _WORDED.fullmatch(key) and isinstance(value, str):
        return _WORDS_NOW.get(value, value)
    if key in _NAME_OR_INDEX and isinstance(value, str):
        return value
    if isinstance(default, bool):
        return _switch(key, value)
    if isinstance(default, int | float):
        return _number(key, value, whole=isinstance(default, int) and key != "fps")
    return _text(key, value)


def _switch(key: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise _mistyped(key, value, "true or false")


def _number(key: str, value: Any, *, whole: bool) -> int | float:
    """A number, also one in quotes as older files have it."""
    number = value
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError as error:
            raise _mistyped(key, value, "a number") from error
    if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) < 2**64:
        raise _mistyped(key, value, "a number")
    if not whole:
        return number
    if number != int(number):
        raise _mistyped(key, value, "a whole number")
    return int(number)


def _text(key: str, value: Any) -> str | None:
    default = DEFAULTS[key]
    if value is None:
        return default if default is None or key not in TEXT_SCHEDULES else _refuse_null(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise _mistyped(key, value, "text")
    if key in TEXT_SCHEDULES:
        split_keys(value, ANY_LENGTH, parameter=key)
    return value


def _refuse_null(key: str) -> str:
    raise _mistyped(key, None, "text")


def _mistyped(key: str, value: Any, wanted: str) -> SettingsError:
    return SettingsError(f"{key} is {str(value)[:60]!r}; it must be {wanted}", "correct it or delete the key")


def _check_either(text: str, key: str) -> None:
    """A schedule of numbers or of quoted words; which, we cannot know for a key of some fork."""
    values = split_keys(text, ANY_LENGTH, parameter=key).values()
    if not all(_WORD.fullmatch(value) for value in values):
        check_schedule(text, parameter=key)


def _check_prompts(prompts: Any, max_frames: float) -> None:
    """Text under frames, which may be formulas of ``max_f``: Deforum's mode Interpolation knows it.

    Formulas between backticks must be on the allow-list, for the host evaluates them.
    """
    from lib_music.formula import evaluate

    if not isinstance(prompts, dict):
        raise _mistyped("prompts", prompts, 'an object such as {"0": "a prompt"}')
    for frame, prompt in read_prompts(prompts, float(max_frames)).items():
        for formula in _BACKTICKS.findall(prompt):
            try:
                evaluate(formula, {"t": float(frame), "max_f": 1000.0})
            except InputError as error:
                raise SettingsError(f"prompts at frame {frame}: {error.message}", error.fix) from error
