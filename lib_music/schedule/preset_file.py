"""A preset as a file: read strictly, for it may come from anybody, and written back the same.

Conventions: JSON, versioned. A row of ``routes`` names source, parameter, shape, rest, hit, attack, release, unit,
sections, flip, reach and on; ``reach`` is null where a turn has none. ``hits`` says which beats each role declares,
``formulas`` what is written over the curves. What cannot be used is refused with its row; unknown keys as well, for
they are mostly a misspelt one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, get_args

from lib_music.analysis.types import ROLES, Role
from lib_music.errors import InputError, SettingsError
from lib_music.files import write_json
from lib_music.schedule.overrides import MOST_FORMULAS, MOST_PINS, Formula, Overrides, Pin
from lib_music.schedule.parameters import MOTION, PARAMETERS
from lib_music.schedule.presets import Preset
from lib_music.schedule.routes import ENVELOPES, EVENTS, Route, Shape
from lib_music.schedule.score import HitRule

FORMAT, VERSION = "music-visualizer preset", 1
#: Bytes of a file, rows of it, letters of a name; and the longest attack or release in its unit.
MAX_BYTES, MAX_ROWS, MAX_NAME, MAX_LENGTH = 1_000_000, 300, 60, 128.0
#: The project's own file of these.
ROUTES = "routes.json"
RULES: tuple[HitRule, ...] = get_args(HitRule)
SOURCES = ("steady", *EVENTS, *ENVELOPES)

T = TypeVar("T")


@dataclass(frozen=True)
class Own:
    """How a song is moved besides a preset's name: rows of its own, or None, and what is written over the curves."""

    preset: Preset | None = None
    overrides: Overrides = field(default_factory=Overrides)


def parse_preset(text: str, name: str = "the preset") -> tuple[Preset, tuple[Formula, ...]]:
    """Read a preset file; ``name`` is what messages call it.

    Raises
    ------
    SettingsError
        Too large, no JSON, not of this kind or version, a row that cannot be used.
    """
    return preset_of(_loaded(text, name), name)


def read_preset(path: Path) -> tuple[Preset, tuple[Formula, ...]]:
    """Read a preset file; raises SettingsError as :func:`parse_preset` does, and where there is none."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SettingsError(f"{path.name} is larger than {MAX_BYTES // 1000} kB", "this is no preset")
        return parse_preset(path.read_bytes().decode("utf-8-sig"), path.name)
    except OSError as error:
        raise SettingsError(f"{path.name} cannot be read: {error.strerror}", "check the path") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path.name} is no UTF-8 text", "save it as UTF-8") from error


def preset_of(data: object, name: str = "the preset") -> tuple[Preset, tuple[Formula, ...]]:
    """A preset and its formulas from their JSON form; raises SettingsError."""
    if not isinstance(data, Mapping) or data.get("format") != FORMAT:
        raise SettingsError(f"{name} is no preset of Music Visualizer", "choose a file that was saved here")
    if data.get("version") != VERSION:
        raise SettingsError(f"{name} is of version {str(data.get('version'))[:20]}", f"this program reads {VERSION}")
    _only(data, ("format", "version", "name", "title", "cadence", "hits", "routes", "formulas"), name)
    cadence = _number(data, "cadence", 1, 50, name, otherwise=2)
    if cadence != round(cadence):
        raise SettingsError(f"{name}: cadence {cadence:g} is not whole", "give 1 to 50")
    routes = _rows(data, "routes", MAX_ROWS, name, route_of)
    formulas = _rows(data, "formulas", MOST_FORMULAS, name, formula_of)
    preset = Preset(
        _name(data.get("name", "own"), name), _name(data.get("title", "own"), name, 2 * MAX_NAME), _hits(data, name),
        routes, int(cadence),
    )  # fmt: skip
    return preset, formulas


def preset_document(preset: Preset, formulas: tuple[Formula, ...] = ()) -> dict[str, Any]:
    """The JSON form of a preset."""
    return {
        "format": FORMAT, "version": VERSION, "name": preset.name, "title": preset.title, "cadence": preset.cadence,
        "hits": dict(preset.hits), "routes": [route_document(route) for route in preset.routes],
        "formulas": [formula_document(formula) for formula in formulas],
    }  # fmt: skip


def route_document(route: Route) -> dict[str, Any]:
    """One row."""
    return {
        "source": route.source, "parameter": route.parameter, "shape": route.shape, "rest": route.rest,
        "hit": route.hit, "attack": route.attack, "release": route.release, "unit": route.unit,
        "sections": _in_order(route.sections), "flip": route.flip,
        "reach": None if math.isinf(route.reach) else route.reach, "on": route.on,
    }  # fmt: skip


def route_of(data: Mapping[str, Any], name: str = "the row") -> Route:
    """A row from its JSON form; raises SettingsError."""
    fields = ("source", "parameter", "shape", "rest", "hit", "attack", "release", "unit", "sections", "flip", "reach")
    _only(data, (*fields, "on"), name)
    source = _choice(data, "source", SOURCES, name)
    shape: Shape = _choice(data, "shape", get_args(Shape), name, otherwise="rate")  # type: ignore[assignment]
    parameter = _choice(data, "parameter", leads_to(shape), name)
    low, high = _bounds(parameter, shape)
    rest = _number(data, "rest", low, high, name)
    reach = data.get("reach")
    try:
        return Route(
            source,
            parameter,
            rest,
            _number(data, "hit", low, high, name, otherwise=rest),
            _number(data, "attack", 0.0, MAX_LENGTH, name, otherwise=0.0),
            _number(data, "release", 0.0, MAX_LENGTH, name, otherwise=0.0),
            _choice(data, "unit", ("seconds", "beats"), name, otherwise="seconds"),  # type: ignore[arg-type]
            shape,
            _sections(data, name),
            _choice(data, "flip", ("", "phrase", "event"), name, otherwise=""),  # type: ignore[arg-type]
            math.inf if reach is None else _number(data, "reach", 0.001, 100_000.0, name),
            _flag(data, name),
        )
    except ValueError as error:
        raise SettingsError(f"{name}: {error}", "change the row") from error


def leads_to(shape: object) -> tuple[str, ...]:
    """The parameters that a row of that shape may lead to."""
    moves = tuple(key for key, p in PARAMETERS.items() if p.kind == "rate")
    if shape != "level":
        return moves
    return (*(key for key in PARAMETERS if key not in moves and key != "seed_schedule"), MOTION)


def formula_document(formula: Formula) -> dict[str, Any]:
    """One formula."""
    sections = _in_order(formula.sections)
    return {"parameter": formula.parameter, "formula": formula.text, "sections": sections, "on": formula.on}


def formula_of(data: Mapping[str, Any], name: str = "the formula") -> Formula:
    """A formula from its JSON form; raises InputError."""
    _only(data, ("parameter", "formula", "sections", "on"), name)
    return Formula(data.get("parameter"), data.get("formula"), _sections(data, name), _flag(data, name))  # type: ignore[arg-type]


def pin_document(pin: Pin) -> dict[str, Any]:
    """One pin."""
    return {"time": pin.time, "parameter": pin.parameter, "value": pin.value, "beats": pin.beats, "on": pin.on}


def pin_of(data: Mapping[str, Any], name: str = "the pin") -> Pin:
    """A pin from its JSON form; raises InputError."""
    _only(data, ("time", "parameter", "value", "beats", "on"), name)
    beats = data.get("beats", 1.0)
    return Pin(data.get("time"), data.get("parameter"), data.get("value"), beats, _flag(data, name))  # type: ignore[arg-type]


# -- a project's own -------------------------------------------------------------------------------------------------


def read_own(path: Path) -> Own:
    """What a project's ``routes.json`` says; nothing of its own where there is none. Raises SettingsError."""
    if not path.is_file():
        return Own()
    try:
        data = _loaded(path.read_bytes().decode("utf-8"), path.name)
        if data.get("version") != VERSION:
            raise SettingsError(f"{path.name} is of another version", "delete it to begin anew")
        preset = None if data.get("preset") is None else preset_of(data["preset"], path.name)[0]
        pins = _rows(data, "pins", MOST_PINS, path.name, pin_of)
        return Own(preset, Overrides(pins, _rows(data, "formulas", MOST_FORMULAS, path.name, formula_of)))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name} cannot be read: {error}", "mend or delete it in the project") from error


def write_own(path: Path, own: Own) -> None:
    """Write it back."""
    write_json(
        path,
        {
            "version": VERSION,
            "preset": None if own.preset is None else preset_document(own.preset),
            "formulas": [formula_document(formula) for formula in own.overrides.formulas],
            "pins": [pin_document(pin) for pin in own.overrides.pins],
        },
    )


def write_preset(path: Path, preset: Preset, formulas: tuple[Formula, ...]) -> None:
    """Write a preset file."""
    write_json(path, preset_document(preset, formulas))


# -- the strict reader -----------------------------------------------------------------------------------------------


def _loaded(text: str, name: str) -> Mapping[str, Any]:
    if len(text) > MAX_BYTES:
        raise SettingsError(f"{name} is larger than {MAX_BYTES // 1000} kB", "this is no preset")

    def refuse(word: str) -> float:
        raise SettingsError(f"{name} holds {word}, which is no number", "use finite numbers")

    try:
        found = json.loads(text.removeprefix("\ufeff"), parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise SettingsError(f"{name} is not JSON: {error.msg} at line {error.lineno}", "choose another file") from error
    except RecursionError as error:
        raise SettingsError(f"{name} is nested too deeply", "this is no preset") from error
    except ValueError as error:  # a whole number of more digits than Python converts
        raise SettingsError(f"{name} holds a number that is too long", "use ordinary numbers") from error
    if not isinstance(found, dict):
        raise SettingsError(f"{name} holds no object", "choose a file that was saved here")
    return found


def _rows(
    data: Mapping[str, Any], key: str, most: int, name: str, read: Callable[[Mapping[str, Any], str], T]
) -> tuple[T, ...]:
    rows = data.get(key, [])
    if not isinstance(rows, list):
        raise SettingsError(f"{name}: {key} is no list", "choose a file that was saved here")
    if len(rows) > most:
        raise SettingsError(f"{name}: {key} has {len(rows):,} rows", f"keep it to {most}")
    found = []
    for number, row in enumerate(rows, 1):
        where = f"{name}, row {number} of {key}"
        if not isinstance(row, Mapping):
            raise SettingsError(f"{where} is no object", "choose a file that was saved here")
        try:
            found.append(read(row, where))
        except InputError as error:
            message = error.message if error.message.startswith(where) else f"{where}: {error.message}"
            raise SettingsError(message, error.fix) from error
    return tuple(found)


def _only(data: Mapping[str, Any], known: tuple[str, ...], name: str) -> None:
    if unknown := [str(key)[:40] for key in data if key not in known]:
        raise SettingsError(f"{name}: {unknown[0]!r} is not known", f"there are {', '.join(known)}")


def _choice(
    data: Mapping[str, Any], key: str, choices: tuple[str, ...], name: str, otherwise: str | None = None
) -> str:
    value = data.get(key, otherwise)
    if not isinstance(value, str) or value not in choices:
        raise SettingsError(f"{name}: {key} {str(value)[:40]!r} is not known", f"one of {', '.join(choices)}")
    return value


def _number(
    data: Mapping[str, Any], key: str, low: float, high: float, name: str, otherwise: float | None = None
) -> float:
    value = data.get(key, otherwise)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SettingsError(f"{name}: {key} {str(value)[:20]!r} is no number", f"give {low:g} to {high:g}")
    if not low <= value <= high:
        # A whole number of thousands of digits is compared, never written out.
        shown = f"{value:g}" if isinstance(value, float) or abs(value) < 10**15 else "so large"
        raise SettingsError(f"{name}: {key} {shown} is out of range", f"give {low:g} to {high:g}")
    return float(value)


def _bounds(parameter: str, shape: str) -> tuple[float, float]:
    if parameter == MOTION:
        return 0.0, 4.0
    found = PARAMETERS[parameter]
    if shape == "nod" and parameter in ("translation_x", "translation_y"):
        return -2.0, 2.0
    # A level pulled from nothing is written with a rest of 0, whatever its own bounds are.
    return (min(0.0, found.low), found.high) if shape == "level" else (found.low, found.high)


def _sections(data: Mapping[str, Any], name: str) -> frozenset[Role]:
    value = data.get("sections", list(ROLES))
    if not isinstance(value, list) or any(role not in ROLES for role in value if isinstance(role, str)):
        raise SettingsError(f"{name}: sections are not roles", f"a list of {', '.join(ROLES)}")
    if not all(isinstance(role, str) for role in value):
        raise SettingsError(f"{name}: sections are not roles", f"a list of {', '.join(ROLES)}")
    return frozenset(value)


def _flag(data: Mapping[str, Any], name: str) -> bool:
    value = data.get("on", True)
    if not isinstance(value, bool):
        raise SettingsError(f"{name}: on is {str(value)[:20]!r}", "true or false")
    return value


def _hits(data: Mapping[str, Any], name: str) -> dict[Role, HitRule]:
    hits = data.get("hits", {})
    if not isinstance(hits, Mapping):
        raise SettingsError(f"{name}: hits is no object", "a rule for each role")
    for role in hits:
        if role not in ROLES:
            raise SettingsError(f"{name}: {str(role)[:40]!r} is no role", f"one of {', '.join(ROLES)}")
    return {role: _choice(hits, role, RULES, f"{name}, hits") for role in hits}  # type: ignore[misc]


def _name(value: object, name: str, most: int = MAX_NAME) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= most or not value.isprintable():
        raise SettingsError(f"{name}: its name cannot be used", f"1 to {most} printable characters")
    return value.strip()


def _in_order(sections: frozenset[Role]) -> list[str]:
    return [role for role in ROLES if role in sections]


def renamed(preset: Preset, name: str) -> Preset:
    """The same preset under a person's own name; raises SettingsError."""
    return replace(preset, name=_name(name, "the preset"), title=_name(name, "the preset"))
