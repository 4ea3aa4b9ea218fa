"""Our settings, cut to the Deforum that is installed: its own list of components, its own defaults.

Conventions: ``components`` is what the installed Deforum says of each of its inputs (a value, often choices). Keys
it does not know are left out, keys we do not know keep its own defaults, a word it does not offer is replaced by its
default. What it asks for of ControlNet is always given, for it reads the schedules of every unit even where
ControlNet is off.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

from lib_music.errors import DeforumError
from lib_music.render.deforum_defaults import CONTROLNET, DEFAULTS

#: Read from the settings file although no component has this name.
PROMPTS = frozenset({"prompts", "animation_prompts_positive", "animation_prompts_negative"})
#: Inputs before the components: a name for the job, and one that is never used.
EXTRA_INPUTS = 2

_CONTROLNET_KEY = re.compile(r"cn_\d+_(\w+)")

log = logging.getLogger(__name__)


def settings_file(settings: Mapping[str, Any], args: ModuleType) -> dict[str, Any]:
    """What of ``settings`` the installed Deforum is given.

    Parameters
    ----------
    settings : mapping
        A complete settings file.
    args : module
        Deforum's ``args``.
    """
    names, components = component_names(args), _components(args)
    fitted: dict[str, Any] = {}
    for key, value in settings.items():
        if key in PROMPTS:
            fitted[key] = value
        elif key in names:
            fitted[key] = _offered(key, value, components.get(key))
    for name in names:
        if name not in fitted and (found := _CONTROLNET_KEY.fullmatch(name)):
            fitted[name] = CONTROLNET.get(f"cn_1_{found[1]}")
    return fitted


def replaced(settings: Mapping[str, Any], args: ModuleType) -> tuple[str, ...]:
    """A line for each word of ``settings`` that the installed Deforum does not offer, and takes its own for."""
    components = _components(args)
    fitted = {key: _offered(key, value, components.get(key)) for key, value in settings.items() if key not in PROMPTS}
    return tuple(
        f"this Deforum does not offer {key} {settings[key][:60]!r} of your settings file: it takes {value!r}"
        for key, value in fitted.items()
        if value != settings[key]
    )


def inputs(job: str, file: str, args: ModuleType) -> list[Any]:
    """What ``run_deforum`` is called with: its defaults, overridden by the settings file at path ``file``."""
    names, components = component_names(args), _components(args)
    values = {name: _default(name, components.get(name)) for name in names}
    # Some are looked at before the file is read, so they must be there.
    values |= {
        "animation_prompts": '{"0": "music"}',
        "animation_prompts_positive": "",
        "animation_prompts_negative": "",
        "override_settings_with_file": True,
        "custom_settings_file": [SimpleNamespace(name=file)],
    }
    given: list[Any] = [None] * (EXTRA_INPUTS + len(names))
    given[0] = job
    given[EXTRA_INPUTS:] = [values[name] for name in names]
    return given


def component_names(args: ModuleType) -> list[str]:
    """Its inputs in order; raises DeforumError where it does not tell."""
    try:
        names = [str(name) for name in args.get_component_names()]
    except Exception as error:  # a foreign module
        raise DeforumError(f"Deforum does not tell its settings: {error}", "update Deforum") from error
    if not {"custom_settings_file", "override_settings_with_file", "animation_prompts"} <= set(names):
        raise DeforumError("this Deforum takes no settings file", "update Deforum")
    return names


def _components(args: ModuleType) -> dict[str, Any]:
    """What it says of its inputs, from all its ``...Args`` functions: forks have more of them."""
    found: dict[str, Any] = {}
    for name, make in list(vars(args).items()):
        if name.endswith("Args") and name != "RootArgs" and callable(make):
            try:
                entries = make()
            except Exception as error:  # a part that is not usable here; its names get our defaults
                log.warning("Deforum's %s cannot be read: %s", name, error)
                continue
            if isinstance(entries, dict):
                found.update(entries)
    return found


def _default(name: str, entry: Any) -> Any:
    if isinstance(entry, dict) and "value" in entry:
        return entry["value"]
    if entry is not None and not isinstance(entry, dict):
        return entry
    if found := _CONTROLNET_KEY.fullmatch(name):
        return CONTROLNET.get(f"cn_1_{found[1]}")
    return DEFAULTS.get(name)


def _offered(key: str, value: Any, entry: Any) -> Any:
    """``value``, or the default where it is a word that is not on offer; the sampler is checked with the host."""
    choices = entry.get("choices") if isinstance(entry, dict) else None
    if key == "sampler" or not isinstance(value, str) or not isinstance(choices, list) or value in choices:
        return value
    default = entry.get("value")
    if default not in choices:
        return value
    return default
