"""Ways out of the page: Deforum's own tab, Parseq, a video editor, the clipboard.

Conventions: all files lie in ``export/`` of the project and are made anew together, by renaming, from the song as it
would be painted now; ``export/made.json`` says of which painting they are, so that old ones are told from new ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib_music.errors import InputError, MusicVisualizerError
from lib_music.export.files import KINDS, export_files
from lib_music.files import read_json, write_json
from lib_music.studio.panels import Panel

if TYPE_CHECKING:
    from lib_music.project import Project
    from lib_music.studio.estimate import Setup
    from lib_music.studio.known import Known
    from lib_music.studio.studio import Studio

FOLDER, MADE = "export", "made.json"
#: Bytes of a frame in all files together, about.
_BYTES = 1_500


def _export(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """Make the files of the song as it would be painted now."""
    from lib_music.studio.estimate import check_room, set_up
    from lib_music.studio.known import known
    from lib_music.studio.motion import read_motion

    if known(project).heard is None:
        raise InputError("this song has not been heard yet", "press Produce prompts first")
    setup = set_up(studio, project.folder.name, read_motion(studio.host, project))
    check_room(studio, _BYTES * setup.plan.animation.timebase.n_frames)
    folder = project.folder / FOLDER
    before = set(_made(folder)[1].values())
    paths = export_files(setup.plan, folder)
    write_json(folder / MADE, {"mark": setup.mark, "files": {kind: path.name for kind, path in paths.items()}})
    for name in before - {path.name for path in paths.values()}:
        # Of an earlier title: it would be taken for this one's.
        (folder / Path(name).name).unlink(missing_ok=True)


def _made(folder: Path) -> tuple[str, dict[str, str]]:
    """Of which painting the files are, and their names by kind; empty where that is not known."""
    try:
        made = read_json(folder / MADE) if (folder / MADE).is_file() else {}
        names = {str(kind): str(name) for kind, name in made.get("files", {}).items() if kind in KINDS}
        return str(made.get("mark", "")), names
    except (MusicVisualizerError, AttributeError):
        return "", {}


def _draw(studio: Studio, now: Known, setup: Setup | None) -> dict[str, Any]:
    """The files that are there, whether they are of the song as it is now, and what Deforum's tab is to load."""
    folder = now.project.folder / FOLDER
    mark, names = _made(folder)
    files, settings = [], ""
    for kind, name in names.items():
        path = folder / Path(name).name
        if not path.is_file():
            continue
        files.append({"kind": kind, "title": KINDS[kind][1], "name": path.name, "url": studio.url(path)})
        settings = str(path.resolve()) if kind == "settings" else settings
    stale = bool(files) and (setup is None or mark != setup.mark)
    return {"ready": setup is not None, "files": files, "stale": stale, "settings_path": settings}


PANEL = Panel("ways_out", "visualize", _draw, {"export": _export})
