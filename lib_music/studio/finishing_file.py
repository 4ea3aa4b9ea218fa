"""What the person chose last in the Finishing part: ``finishing.json`` in the project.

Conventions: a damaged file counts as none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib_music.errors import ProjectError
from lib_music.files import read_json, write_json
from lib_music.project import Project
from lib_music.render.deforum_flow import FLOWS

FILE, VERSION = "finishing.json", 1


def read_choices(project: Project) -> dict[str, Any]:
    """What was chosen, by name; empty where nothing was."""
    path = project.path(FILE)
    try:
        data = read_json(path) if path.is_file() else {}
    except ProjectError:
        return {}
    return dict(data) if isinstance(data, dict) and data.get("version") == VERSION else {}


def write_choices(project: Project, data: Mapping[str, Any]) -> None:
    """Keep what is chosen."""
    write_json(project.path(FILE), {**data, "version": VERSION})


def flow_of(project: Project) -> str:
    """Which optical flow fills the cadence; empty where none was chosen."""
    flow = read_choices(project).get("flow")
    return flow if isinstance(flow, str) and flow in FLOWS else ""
