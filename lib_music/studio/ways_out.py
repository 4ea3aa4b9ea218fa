"""Ways out of the page: Deforum's own tab, Parseq, a video editor, the clipboard.

Conventions: all files lie in ``export/`` of the project and are made anew together, by renaming, from the song as it
would be painted now; ``export/made.json`` says of which painting they are, so that old ones are told from new ones.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lib_music.errors import InputError, MusicVisualizerError
from lib_music.files import read_json, slug, write_bytes, write_json
from lib_music.studio.panels import Panel

if TYPE_CHECKING:
    from lib_music.pipeline import Plan
    from lib_music.project import Project
    from lib_music.studio.estimate import Setup
    from lib_music.studio.known import Known
    from lib_music.studio.studio import Studio

FOLDER, MADE = "export", "made.json"
#: What is made: how a file's name ends, and what the page calls it.
KINDS: Mapping[str, tuple[str, str]] = {
    "settings": ("-deforum.txt", "Deforum settings"),
    "parseq": ("-parseq.json", "Parseq document"),
    "csv": ("-markers.csv", "Markers (CSV)"),
    "edl": ("-markers.edl", "Markers (EDL)"),
    "fcpxml": ("-markers.fcpxml", "Markers (FCPXML)"),
    "schedules": ("-schedules.json", "Schedules"),
}


def export_files(plan: Plan, folder: Path) -> dict[str, Path]:
    """Write every way out of a plan into ``folder``; the paths by kind, as in :data:`KINDS`.

    Raises
    ------
    ProjectError
        When the folder cannot be written.
    """
    from lib_music.export import markers_of, parseq_document, to_csv, to_edl, to_fcpxml
    from lib_music.render.deforum_settings import build_settings, write_settings

    animation, analysis, title = plan.animation, plan.analysis, plan.track.display
    paths = {kind: folder / f"{slug(title)}{ending}" for kind, (ending, _) in KINDS.items()}
    settings = build_settings(animation, batch_name=slug(title))
    write_settings(paths["settings"], settings)
    timebase = animation.timebase
    markers = markers_of(analysis, timebase, animation.sound_start - analysis.start)
    document = parseq_document(animation, settings, markers, name=title, tempo=analysis.beats.tempo)
    write_bytes(paths["parseq"], json.dumps(document, allow_nan=False).encode())
    texts = {
        "csv": to_csv(markers, timebase.fps),
        "edl": to_edl(markers, timebase.fps, title),
        "fcpxml": to_fcpxml(markers, timebase, title, width=animation.width, height=animation.height),
    }
    for kind, text in texts.items():
        write_bytes(paths[kind], text.encode())
    write_json(paths["schedules"], schedule_texts(settings, animation.driven))
    return paths


def schedule_texts(settings: Mapping[str, Any], driven: frozenset[str]) -> list[dict[str, str]]:
    """Each schedule that we drive, as a person pastes it into its box of Deforum's tab: ``key`` and ``text``."""
    from lib_music.render.deforum_defaults import NUMBER_SCHEDULES, TEXT_SCHEDULES

    prompts = json.dumps(settings["prompts"], ensure_ascii=False, indent=1)
    found = {"prompts": prompts} | {key: str(settings[key]) for key in sorted(NUMBER_SCHEDULES | TEXT_SCHEDULES)
                                    if key in settings}  # fmt: skip
    return [{"key": key, "text": text} for key, text in found.items() if not driven or key in driven]


def _export(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """Make the files of the song as it would be painted now."""
    from lib_music.studio.estimate import set_up
    from lib_music.studio.known import known
    from lib_music.studio.motion import read_motion

    if known(project).heard is None:
        raise InputError("this song has not been heard yet", "press Produce prompts first")
    setup = set_up(studio, project.folder.name, read_motion(studio.host, project))
    folder = project.folder / FOLDER
    paths = export_files(setup.plan, folder)
    write_json(folder / MADE, {"mark": setup.mark, "files": {kind: path.name for kind, path in paths.items()}})


def _draw(studio: Studio, now: Known, setup: Setup | None) -> dict[str, Any]:
    """The files that are there, whether they are of the song as it is now, and what Deforum's tab is to load."""
    folder = now.project.folder / FOLDER
    try:
        made = read_json(folder / MADE) if (folder / MADE).is_file() else {}
        names = {str(kind): str(name) for kind, name in made.get("files", {}).items() if kind in KINDS}
    except (MusicVisualizerError, AttributeError):
        made, names = {}, {}
    files, settings = [], ""
    for kind, name in names.items():
        path = folder / Path(name).name
        if not path.is_file():
            continue
        files.append({"kind": kind, "title": KINDS[kind][1], "name": path.name, "url": _url(studio, path)})
        settings = str(path.resolve()) if kind == "settings" else settings
    stale = bool(files) and (setup is None or made.get("mark") != setup.mark)
    return {"ready": setup is not None, "files": files, "stale": stale, "settings_path": settings}


def _url(studio: Studio, path: Path) -> str | None:
    """Where the browser gets a file, other when it was made anew; None where the host does not give it."""
    try:
        url = studio.host.file_url(path)
    except InputError:
        return None
    return f"{url}{'&' if urlsplit(url).query else '?'}v={path.stat().st_mtime_ns // 10**6}"


PANEL = Panel("ways_out", "visualize", _draw, {"export": _export})
