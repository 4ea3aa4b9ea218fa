"""The drawn parts of the page that bring their own edits: takes, stills, base settings and the like.

Conventions: a panel is a module of :data:`MODULES` that holds ``PANEL``; what the person does in it comes as
``{"do": ...}`` by the same road as every other edit and is foreign; an action returns nothing, changes files of the
project or submits a job, and raises InputError where it cannot be done, with nothing changed then. What a panel draws
is JSON under its name in the page's view: finite numbers and plain text.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lib_music.errors import MusicVisualizerError

if TYPE_CHECKING:
    from lib_music.project import Project
    from lib_music.studio.estimate import Setup
    from lib_music.studio.known import Known
    from lib_music.studio.studio import Studio

log = logging.getLogger("lib_music")
Action = Callable[["Studio", "Project", Mapping[str, Any]], None]
Draw = Callable[["Studio", "Known", "Setup | None"], Any]
#: Modules that hold a ``PANEL``, in the order in which the view names them.
MODULES: tuple[str, ...] = (
    "lib_music.studio.said",
    "lib_music.studio.finishing",
    "lib_music.studio.takes",
    "lib_music.studio.history",
    "lib_music.studio.ear",
    "lib_music.studio.base",
    "lib_music.studio.routes",
    "lib_music.studio.ways_out",
    "lib_music.studio.stills",
    "lib_music.studio.trial",
)


@dataclass(frozen=True)
class Panel:
    """One such part.

    Attributes
    ----------
    name : str
        Its key in the view, and the place ``music_visualizer_<name>_view`` on the page.
    part : str
        The part of the page whose line tells what went wrong: song, hearing, prompts, motion, preview, visualize or
        resume.
    draw : callable
        What the view holds of it, from the project as it is known now; the setup is None where nothing can be painted
        yet.
    actions : mapping of str to callable
    refill : frozenset of str
        The actions after which the page's boxes are filled anew, because they change what stands in them.
    """

    name: str
    part: str
    draw: Draw
    actions: Mapping[str, Action] = field(default_factory=dict)
    refill: frozenset[str] = frozenset()


@cache
def panels() -> tuple[Panel, ...]:
    """All of them; a name or an action that two of them claim is a fault of ours."""
    found: tuple[Panel, ...] = tuple(import_module(name).PANEL for name in MODULES)
    claimed = [panel.name for panel in found] + [f"do {action}" for panel in found for action in panel.actions]
    if twice := {name for name in claimed if claimed.count(name) > 1}:
        raise ValueError(f"panels: {sorted(twice)} are claimed twice")
    return found


def panel_of(action: object) -> Panel | None:
    """The panel that does this; None when none does."""
    if not isinstance(action, str):
        return None
    return next((panel for panel in panels() if action in panel.actions), None)


def drawn(studio: Studio, now: Known, setup: Setup | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What each panel draws, and a line for each that cannot: a fault in one takes none of the others along.

    A panel that failed is ``{"fault": line}``; the page says the line where the panel would stand.
    """
    found, faults = {}, list[str]()
    for panel in panels():
        try:
            found[panel.name] = panel.draw(studio, now, setup)
        except MusicVisualizerError as error:
            found[panel.name] = _faulty(panel, now.told(error), faults)
        except Exception as error:
            log.exception("the %s panel of %s cannot be drawn", panel.name, now.project.folder.name)
            what = f"unexpected {type(error).__name__}; the console has more"
            found[panel.name] = _faulty(panel, what, faults)
    return found, tuple(faults)


def _faulty(panel: Panel, what: str, faults: list[str]) -> dict[str, str]:
    faults.append(f"{panel.name.replace('_', ' ')} cannot be shown: {what}")
    return {"fault": faults[-1]}
