"""Advanced motion on the page: routes as rows, pins, formulas, presets of the person's own, and two of them compared.

Conventions: what is changed lies in the project's ``routes.json``; rows begin as a copy of the preset's at the first
change. Rows, pins and formulas are named by their place, together with how many the page saw: where another page has
changed them meanwhile, nothing is done. It is all foreign.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from lib_music.analysis.basis import Basis
from lib_music.analysis.corrections import Corrections
from lib_music.analysis.types import ROLES, Analysis
from lib_music.errors import InputError, MusicVisualizerError
from lib_music.pipeline import own_of
from lib_music.project import Project
from lib_music.schedule.choreography import choose_preset
from lib_music.schedule.overrides import VARIABLES, Overrides, flash_notes, notes_of
from lib_music.schedule.parameters import MOTION, PARAMETERS
from lib_music.schedule.preset_file import (
    MAX_BYTES,
    MAX_NAME,
    MAX_ROWS,
    ROUTES,
    RULES,
    SOURCES,
    Own,
    formula_document,
    formula_of,
    leads_to,
    parse_preset,
    pin_document,
    pin_of,
    preset_document,
    preset_of,
    read_own,
    renamed,
    route_document,
    route_of,
    write_own,
)
from lib_music.schedule.presets import PRESETS, Preset
from lib_music.schedule.routes import EVENTS
from lib_music.schedule.score import Score
from lib_music.schedule.timebase import Timebase, parse_fps
from lib_music.studio.compare import compare, compared
from lib_music.studio.foreign import text, whole
from lib_music.studio.known import known
from lib_music.studio.motion import read_motion
from lib_music.studio.panels import Panel
from lib_music.studio.presets import keep_preset, kept_presets, named_preset, preset_files

if TYPE_CHECKING:
    from lib_music.studio.estimate import Setup
    from lib_music.studio.host import Host
    from lib_music.studio.known import Known
    from lib_music.studio.studio import Studio

T = TypeVar("T")

#: What a source is called.
_SOURCES: Mapping[str, str] = {
    "steady": "always",
    "hits": "declared hits",
    "accents": "hits on downbeats",
    "beats": "every beat",
    "downbeats": "every downbeat",
    "borders": "borders of sections",
    "drops": "drops",
    "stills": "the stillness before a drop",
    "surges": "the first bars of a drop",
    "leads": "what leads up to a drop",
}
_SHAPES = {
    "rate": "speed, per second", "nod": "nod: there and back", "level": "value, as it stands in Deforum",
}  # fmt: skip


# -- what is shown ---------------------------------------------------------------------------------------------------


def _draw(studio: Studio, now: Known, setup: Setup | None) -> dict[str, Any]:
    """What the page shows of a song's motion."""
    found = moving(studio.host, now)
    shown: dict[str, Any] = {
        "own": found.rows_are_own, "name": found.preset.name if found.preset else "",
        "title": found.preset.title if found.preset else "",
        "rows": [route_document(route) for route in found.preset.routes] if found.preset else [],
        "hits": {role: found.preset.hits.get(role, "none") for role in ROLES} if found.preset else {},
        "cadence": found.preset.cadence if found.preset else 0,
        "formulas": [formula_document(formula) for formula in found.own.overrides.formulas],
        "pins": [pin_document(pin) for pin in found.own.overrides.pins],
        "notes": _notes(now, found, setup), "presets": kept_presets(studio.host),
        "document": _text(preset_document(found.preset, found.own.overrides.formulas)) if found.preset else "",
        "most": MAX_BYTES // 2,
    }  # fmt: skip
    return {**shown, "choices": _choices(), "compare": compared(studio, now.project)}


def _choices() -> dict[str, Any]:
    """What the lists of the part offer, with words."""
    return {
        "sources": [[id, _SOURCES.get(id, f"loudness of {id}" if id != "loudness" else id)] for id in SOURCES],
        "events": list(EVENTS),
        "shapes": [[id, words] for id, words in _SHAPES.items()],
        "parameters": [
            {"key": p.key, "label": p.label, "kind": p.kind, "unit": p.unit, "low": p.low, "high": p.high}
            for p in PARAMETERS.values()
        ],
        "leads": {shape: list(leads_to(shape)) for shape in _SHAPES},
        "motion": MOTION,
        "roles": list(ROLES),
        "rules": list(RULES),
        "variables": [[name, words] for name, words in VARIABLES.items()],
        "built": [[preset.name, preset.title] for preset in PRESETS.values()],
    }


@dataclass(frozen=True)
class Moving:
    """How a song is moved now: ``preset`` with the rows that count, and what is written over the curves."""

    own: Own
    preset: Preset | None
    error: str = ""

    @property
    def rows_are_own(self) -> bool:
        """Whether the rows are no longer just a preset's."""
        return self.own.preset is not None


def moving(host: Host, now: Known) -> Moving:
    """How a song is moved now; a file that cannot be read is said, and counts as none."""
    own, error = Own(), ""
    try:
        own = own_of(now.request, now.project) if now.request else read_own(now.project.path(ROUTES))
    except MusicVisualizerError as wrong:
        error = now.told(wrong)
    preset = own.preset
    if preset is None and now.analysis is not None:
        preset = choose_preset(read_motion(host, now.project).preset, now.analysis)
    return Moving(own, preset, error)


def _notes(now: Known, found: Moving, setup: Setup | None) -> list[str]:
    lines = [found.error] if found.error else []
    if found.rows_are_own:
        lines.append("the preset chosen under Motion does not count while these rows are your own")
    if now.heard is not None:
        fps = setup.plan.animation.timebase.fps if setup else parse_fps("24")
        notes, error = _computed(now.heard, now.corrections, now.corrections.made_on, found.own.overrides, fps)
        lines += [*notes, *([now.told(error)] if error else [])]
    if setup is not None:
        animation = setup.plan.animation
        curves = {key: curve.sample(animation.timebase.n_frames) for key, curve in animation.schedules.items()}
        diffused = {key: values[:: animation.cadence] for key, values in curves.items()}
        lines += flash_notes(found.own.overrides, diffused, float(animation.timebase.fps) / animation.cadence)
        lines += _idle(found.own.overrides, setup)
    return lines


@functools.lru_cache(maxsize=8)
def _computed(
    heard: Analysis, corrections: Corrections, made_on: Basis | None, overrides: Overrides, fps: Fraction
) -> tuple[tuple[str, ...], MusicVisualizerError | None]:
    """What is to be said of pins and formulas, or what is wrong with them; kept, as every look at the page asks.

    ``made_on`` is the corrections' own, which are equal without it.
    """
    analysis = corrections.on(heard)[0].apply(heard)
    try:
        return notes_of(*_over(analysis, overrides, fps)), None
    except MusicVisualizerError as error:
        return (), error


def _over(analysis: Analysis, overrides: Overrides, fps: Any) -> tuple[Score, Overrides, Timebase]:
    return Score(analysis, {}), overrides, Timebase.for_duration(analysis.duration, fps)


def _idle(overrides: Overrides, setup: Setup) -> list[str]:
    """Pins and formulas that this video does not show."""
    from lib_music.render.deforum_drive import UNREAD

    animation, lines = setup.plan.animation, []
    named = [p.key for p in overrides.parameters("rate", "pose", "level")]
    based = bool(animation.base_settings) and bool(animation.driven)
    for key in named:
        driven = {key} if animation.mode == "2D" or key not in _TWINS else {_TWINS[key]}
        if driven & UNREAD[animation.mode]:
            lines.append(f"{PARAMETERS[key].label}: Deforum's {animation.mode} mode does not read {key}")
        elif based and not driven & animation.driven:
            lines.append(f"{PARAMETERS[key].label}: {key} is not ticked under Base settings, so your file's stays")
    return lines


#: What the 3D camera calls the planar one's.
_TWINS = {"zoom": "translation_z", "angle": "rotation_3d_z"}


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1)


# -- rows, formulas, pins --------------------------------------------------------------------------------------------


def _edited(studio: Studio, project: Project) -> tuple[Known, Own]:
    """What stands there, to be changed under the edit lock; a file that cannot be read must be mended first."""
    now = known(project)
    if now.analysis is None:
        raise InputError("this song has not been heard yet", "press Produce prompts first")
    return now, own_of(now.request, project) if now.request else read_own(project.path(ROUTES))


def _with_rows(studio: Studio, now: Known, own: Own) -> tuple[Own, Preset]:
    """The same with rows of its own: the preset's, copied."""
    assert now.analysis is not None
    preset = own.preset or choose_preset(read_motion(studio.host, now.project).preset, now.analysis)
    return replace(own, preset=preset), preset


def _place(action: Mapping[str, Any], rows: Sequence[Any]) -> int:
    """Which row is meant."""
    if whole(action, "of", 0, 10**6) != len(rows):
        raise InputError("these rows were changed elsewhere meanwhile", "look at them again")
    return whole(action, "index", 0, max(0, len(rows) - 1)) if rows else _nothing()


def _nothing() -> int:
    raise InputError("there is no such row", "look at the rows again")


def _changed(rows: tuple[T, ...], place: int, *put: T) -> tuple[T, ...]:
    return (*rows[:place], *put, *rows[place + 1 :])


def _row(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """Change a row, copy, delete or add one."""
    with project.editing():
        now, own = _edited(studio, project)
        own, preset = _with_rows(studio, now, own)
        what = text(action, "what", 20)
        if what == "add":
            routes = (*preset.routes, route_of(_fields(action), "the row"))
        else:
            place = _place(action, preset.routes)
            row = preset.routes[place]
            changed = {"copy": (row, row), "delete": ()}.get(what)
            if changed is None:
                changed = (route_of({**route_document(row), **_fields(action)}, "the row"),)
            routes = _changed(preset.routes, place, *changed)
        if len(routes) > MAX_ROWS:
            raise InputError(f"there are {MAX_ROWS} rows already", "delete some")
        write_own(project.path(ROUTES), replace(own, preset=replace(preset, routes=routes)))


def _hit_rule(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """Which beats a role declares, or the cadence of the rows."""
    with project.editing():
        now, own = _edited(studio, project)
        own, preset = _with_rows(studio, now, own)
        changed = {**preset_document(preset), **({"cadence": action["cadence"]} if "cadence" in action else {})}
        if "role" in action:
            changed["hits"] = {**changed["hits"], text(action, "role", 40): text(action, "rule", 40)}
        write_own(project.path(ROUTES), replace(own, preset=preset_of(changed, "the rows")[0]))


def _formula(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """Add, change, copy or delete a formula; one that cannot be computed is not kept."""
    with project.editing():
        now, own = _edited(studio, project)
        rows = own.overrides.formulas
        found = _listed(action, rows, lambda data: formula_of(data, "the formula"), formula_document)
        _over_checked(studio, now, replace(own, overrides=replace(own.overrides, formulas=found)))


def _pin(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """Add, change, copy or delete a pin."""
    with project.editing():
        now, own = _edited(studio, project)
        found = _listed(action, own.overrides.pins, lambda data: pin_of(data, "the pin"), pin_document)
        found = tuple(sorted(found, key=lambda pin: (pin.parameter, pin.time)))
        _over_checked(studio, now, replace(own, overrides=replace(own.overrides, pins=found)))


def _listed(action: Mapping[str, Any], rows: tuple[Any, ...], read: Any, write: Any) -> tuple[Any, ...]:
    what = text(action, "what", 20)
    if what == "add":
        return (*rows, read(_fields(action)))
    place = _place(action, rows)
    if what == "delete":
        return _changed(rows, place)
    if what == "copy":
        return _changed(rows, place, rows[place], rows[place])
    return _changed(rows, place, read({**write(rows[place]), **_fields(action)}))


def _fields(action: Mapping[str, Any]) -> dict[str, Any]:
    fields = action.get("fields")
    if not isinstance(fields, Mapping):
        raise InputError("nothing is said about the row", "reload the page")
    return dict(fields)


def _over_checked(studio: Studio, now: Known, own: Own) -> None:
    """Keep pins and formulas, once they were computed over the whole song."""
    assert now.analysis is not None
    if now.request is not None and now.request.preset_file is not None and not now.project.path(ROUTES).is_file():
        own, _ = _with_rows(studio, now, own)  # the rows of the command's preset file stay
    notes_of(*_over(now.analysis, own.overrides, parse_fps(read_motion(studio.host, now.project).fps)))
    write_own(now.project.path(ROUTES), own)


def _reset(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """The preset's own rows again; pins and formulas stay."""
    with project.editing():
        _, own = _edited(studio, project)
        write_own(project.path(ROUTES), replace(own, preset=None))


# -- presets of the person's own -------------------------------------------------------------------------------------


def _save(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """Keep how the song is moved now under a name, for other songs; one of that name only with ``replace``."""
    name = text(action, "name", 10 * MAX_NAME).strip()
    found = moving(studio.host, known(project))
    if found.preset is None:
        raise InputError("this song has not been heard yet", "press Produce prompts first")
    preset = renamed(found.preset, name)
    keep_preset(studio.host, preset, found.own.overrides.formulas, action.get("replace") is True)


def _use(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """Move the song as a preset says: one that is kept or built in, or a file that the browser has read."""
    if "text" in action:
        preset, formulas = parse_preset(text(action, "text", MAX_BYTES // 2))
    else:
        preset, formulas = named_preset(studio.host, text(action, "name", 10 * MAX_NAME))
    with project.editing():
        now, own = _edited(studio, project)
        _over_checked(studio, now, Own(preset, replace(own.overrides, formulas=formulas)))


def _forget(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """Delete a preset that is kept; ``confirm`` is its name."""
    name = text(action, "name", 10 * MAX_NAME)
    path = preset_files(studio.host).get(name)
    if path is None:
        raise InputError(f"there is no preset {name[:60]!r} of your own", "choose one of the list")
    if action.get("confirm") != name:
        raise InputError("the preset is not deleted without a confirmation", f"confirm it with: {name}")
    path.unlink(missing_ok=True)


def _compare(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """Play two presets over the same bars."""
    pair = text(action, "first", 10 * MAX_NAME), text(action, "second", 10 * MAX_NAME)
    compare(studio, project.folder.name, pair, whole(action, "section", 0, 10_000))


PANEL = Panel(
    "routes",
    "motion",
    _draw,
    {
        "route": _row, "hits": _hit_rule, "formula": _formula, "pin": _pin, "routes_reset": _reset,
        "preset_save": _save, "preset_use": _use, "preset_forget": _forget, "preset_compare": _compare,
    },
)  # fmt: skip
