"""Two ways of moving a song beside each other: the animatic of both over the same bars.

Conventions: a comparison is two small videos and ``compare.json`` in the project's ``compare/``, made anew each time;
both begin at the same moment of the song, on a frame that both diffuse, and carry the same sound. ``now`` is how the
song is moved at present.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from lib_music.analysis.types import Analysis
from lib_music.audio import open_audio
from lib_music.errors import InputError, MusicVisualizerError
from lib_music.files import digest, read_json, write_json
from lib_music.pipeline import Plan, own_of, plan_of
from lib_music.project import Project, fingerprint
from lib_music.recall import recall, recall_analysis
from lib_music.request import Request
from lib_music.schedule.animation import resized
from lib_music.schedule.choreography import choose_preset
from lib_music.schedule.overrides import Overrides
from lib_music.schedule.preset_file import Own
from lib_music.schedule.timebase import parse_fps
from lib_music.studio.estimate import asked, check_room, moved, seen
from lib_music.studio.job import Job, JobReporter
from lib_music.studio.motion import Motion, read_motion
from lib_music.studio.presets import named_preset
from lib_music.studio.studio import Studio
from lib_music.studio.video import check_song, make_preview, preview_encoding, previewed
from lib_music.studio.workspace import find_project

#: Bars that are played; the folder and the record in the project; what the present motion is called.
BARS, FOLDER, RECORD, VERSION, NOW = 8, "compare", "compare.json", 1, "now"

#: Bytes of a second of one of the videos, about.
_BYTES = 150_000


@dataclass(frozen=True)
class Stretch:
    """Where both are played, s of the song's file: from ``start`` for ``duration``."""

    start: float
    duration: float


def stretch_of(analysis: Analysis, section: int, bars: int = BARS) -> Stretch:
    """The bars from the beginning of a section on; fewer where the song ends. Raises InputError."""
    if not 0 <= section < len(analysis.sections):
        raise InputError(f"there is no section {section + 1}", "choose one of the song's")
    begin = float(analysis.sections.intervals[section, 0])
    downbeats = analysis.beats.downbeats
    later = downbeats[downbeats > begin + 0.05]
    beat = 60.0 / analysis.beats.tempo if analysis.beats.tempo > 0 else 0.5
    bar = beat * (analysis.beats.beats_per_bar or 4)
    on_it = bool(downbeats.size) and float(np.abs(downbeats - begin).min()) <= 0.05
    needed = bars if on_it else bars + 1
    end = float(later[needed - 1]) if later.size >= needed else begin + bars * bar
    end = min(end, analysis.duration)
    if end - begin < 0.1:
        raise InputError("nothing is left of the song there", "choose an earlier section")
    return Stretch(analysis.start + begin, end - begin)


def compare(studio: Studio, name: str, pair: tuple[str, str], section: int) -> Job:
    """Make both videos, in a job; raises InputError for what cannot be compared."""
    project = find_project(studio.host, name)
    motion = read_motion(studio.host, project)
    stretch = stretch_of(recall_analysis(project), section)
    for one in pair:
        _own(studio, project, one)
    asked(project, motion, "animatic")
    check_room(studio, round(2 * _BYTES * stretch.duration))

    def work(reporter: JobReporter) -> Mapping[str, str]:
        return _compare(studio, project, motion, pair, section, stretch, reporter)

    return studio.jobs.submit("presets", project.folder.name, work)


def _own(studio: Studio, project: Project, name: str) -> Own:
    """The rows, pins and formulas of that name; the song's own pins hold for each."""
    now = own_of(asked(project, read_motion(studio.host, project), "animatic"), project)
    if name == NOW:
        return now
    if name == "auto":
        return Own(choose_preset(name, recall_analysis(project)), Overrides(now.overrides.pins))
    preset, formulas = named_preset(studio.host, name)
    return Own(preset, Overrides(now.overrides.pins, formulas))


def _compare(
    studio: Studio,
    project: Project,
    motion: Motion,
    pair: tuple[str, str],
    section: int,
    stretch: Stretch,
    reporter: JobReporter,
) -> Mapping[str, str]:
    from lib_music.render.animatic import Animatic

    reporter.stage("schedule")
    owns = [_own(studio, project, name) for name in pair]
    plans = _plans(project, motion, owns, stretch, reporter)
    folder = project.path(FOLDER)
    files = []
    for number, (name, plan) in enumerate(zip(pair, plans, strict=True)):
        reporter.describe = lambda _, name=name: f"animatic of {name}"
        painter = Animatic.from_file(plan.cover, captions=motion.captions)
        mark = fingerprint(digest(plan.cover), repr(plan.animation), Animatic.name, motion.captions)[:16]
        out = folder / f"{number}-{mark}.mp4"
        make_preview(plan, painter, preview_encoding(plan.animation), out, reporter, ("first", "second")[number])
        files.append(out.name)
    record = {"version": VERSION, "names": list(pair), "files": files, "section": section,
              "start": stretch.start, "duration": plans[0].animation.timebase.duration}  # fmt: skip
    write_json(folder / RECORD, record)
    for path in folder.glob("*.mp4"):
        if path.name not in files:
            with contextlib.suppress(OSError):
                path.unlink()
    return {"first": f"{FOLDER}/{files[0]}", "second": f"{FOLDER}/{files[1]}"}


def _plans(
    project: Project, motion: Motion, owns: list[Own], stretch: Stretch, reporter: JobReporter
) -> list[Plan]:
    """The same frames of the song, moved in both ways, at a preview's size and rate."""
    request = asked(project, motion, "animatic")
    small = previewed(seen(motion, request))
    if request.base_settings is None:
        request = replace(request, fps=small.fps, cadence=small.cadence)
    analysis = recall_analysis(project)
    fps = parse_fps(request.fps or "24")
    cadences = [_cadence(request, own, analysis) for own in owns]
    together = math.lcm(*cadences)
    # The first frame is one that both diffuse, so that neither begins before the other.
    first = math.floor((stretch.start - analysis.start) * fps + 1e-6) // together * together
    start = analysis.start + float(first / fps)
    request = replace(request, start=start, duration=stretch.start + stretch.duration - start)
    audio = open_audio(request.sound, check=reporter.check)
    plans = []
    for own in owns:
        known = recall(project, request, audio)
        check_song(project, known)
        reporter.check()
        plans.append(plan_of(known, resized(moved(project, known, own), small.width, small.height)))
    return plans


def _cadence(request: Request, own: Own, analysis: Analysis) -> int:
    return request.cadence or (own.preset or choose_preset(request.preset, analysis)).cadence


def videos_of(project: Project) -> tuple[dict[str, Any], list[Path]] | None:
    """The record of the last comparison and its two videos, or None."""
    path = project.path(FOLDER) / RECORD
    try:
        data = read_json(path) if path.is_file() else None
        if not isinstance(data, dict) or data.get("version") != VERSION:
            return None
        names, files = data["names"], data["files"]
        places = [project.path(FOLDER) / str(name) for name in files]
        if len(names) != 2 or any(place.parent != path.parent or not place.is_file() for place in places):
            return None
        shown = {"names": [str(name)[:80] for name in names], "section": int(data["section"]),
                 "duration": float(data["duration"])}  # fmt: skip
        return shown, places
    except (MusicVisualizerError, KeyError, TypeError, ValueError, OverflowError):
        return None


def compared(studio: Studio, project: Project) -> dict[str, Any] | None:
    """The last comparison for the page, or None."""
    found = videos_of(project)
    try:
        return found and {**found[0], "urls": [studio.host.file_url(place) for place in found[1]]}
    except MusicVisualizerError:
        return None
