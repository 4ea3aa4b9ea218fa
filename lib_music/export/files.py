"""Every way out of a song as files, made together.

Conventions: files are named after the song, written by renaming, and describe the video as it would be painted now.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib_music.files import slug, write_bytes, write_json

if TYPE_CHECKING:
    from lib_music.pipeline import Plan
    from lib_music.schedule.animation import Animation

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
    write_json(paths["schedules"], schedule_texts(animation, settings))
    return paths


def schedule_texts(animation: Animation, settings: Mapping[str, Any]) -> list[dict[str, str]]:
    """Each schedule that we drive, as a person pastes it into its box of Deforum's tab: ``key`` and ``text``."""
    from lib_music.render.deforum_defaults import NUMBER_SCHEDULES, TEXT_SCHEDULES
    from lib_music.render.deforum_settings import driven_values

    ours = [key for key in driven_values(animation) if key in NUMBER_SCHEDULES | TEXT_SCHEDULES]
    texts = {"prompts": json.dumps(settings["prompts"], ensure_ascii=False, indent=1)}
    texts |= {key: str(settings[key]) for key in sorted(ours) if key in settings}
    is_driven = animation.driven or texts.keys()
    return [{"key": key, "text": text} for key, text in texts.items() if key in is_driven]
