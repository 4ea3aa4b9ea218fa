"""Test 4 bars: a short stretch of the song painted as the whole would be, by the chosen renderer.

Conventions: the stretch begins on a downbeat and lasts whole bars (seconds where no beat was heard). It is painted in a
project of its own, ``test/`` inside the song's, so that nothing of the song's own painting is touched; another stretch,
or other prompts, take its place there.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lib_music.analysis.types import Analysis
from lib_music.audio import open_audio
from lib_music.errors import InputError, MusicVisualizerError
from lib_music.files import read_json, write_json
from lib_music.pipeline import choreograph, render
from lib_music.project import Project
from lib_music.recall import recall
from lib_music.studio.base_file import base_of
from lib_music.studio.estimate import (
    Setup,
    asked,
    check_room,
    chosen_renderer,
    set_up,
    usable_renderer,
    with_sampler,
)
from lib_music.studio.job import JobReporter
from lib_music.studio.known import Known, known
from lib_music.studio.motion import Motion, read_motion
from lib_music.studio.panels import Panel
from lib_music.studio.studio import Studio
from lib_music.studio.turns import free, turn
from lib_music.studio.video import told_frame
from lib_music.takes.sizes import TEST, run_files

FOLDER, NOTE = TEST, "test.json"
#: Bars where the person does not say, the most of them, and the seconds of a bar where no beat was heard.
BARS, MOST_BARS, BAR_SECONDS = 4, 32, 2.0
#: Bytes a pixel, roughly: of a video alone, and of one with its pictures.
_BYTES = (0.05, 1.8)


def bars_from(analysis: Analysis, start: float, bars: int = BARS) -> tuple[float, float]:
    """The stretch of whole bars that begins at the downbeat nearest to ``start``.

    Parameters
    ----------
    analysis : Analysis
    start : float
        Seconds of the analysed range.
    bars : int

    Returns
    -------
    (begin, end) in seconds of the analysed range; at the song's end the stretch moves forward.
    """
    downbeats = analysis.beats.downbeats
    if downbeats.size < 2:
        length = min(bars * BAR_SECONDS, analysis.duration)
        begin = float(np.clip(start, 0.0, analysis.duration - length))
        return begin, begin + length
    usual = float(np.median(np.diff(downbeats)))
    edges = np.append(downbeats, min(analysis.duration, float(downbeats[-1]) + usual))
    first = int(np.abs(edges[:-1] - start).argmin())
    first = max(0, min(first, edges.size - 1 - bars))
    return float(edges[first]), float(edges[min(first + bars, edges.size - 1)])


def _test(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """Submit the painting of a stretch: ``start`` s, and how many ``bars``."""
    heard = known(project).analysis
    if heard is None:
        raise InputError("this song has not been heard yet", "press Produce prompts first")
    start, bars = action.get("start", 0.0), action.get("bars", BARS)
    if isinstance(start, bool) or not isinstance(start, int | float) or not 0 <= start <= heard.duration:
        raise InputError(f"{str(start)[:20]} s is no moment of this song", f"give 0 to {heard.duration:.0f} s")
    if isinstance(bars, bool) or not isinstance(bars, int) or not 1 <= bars <= MOST_BARS:
        raise InputError(f"{str(bars)[:20]} bars cannot be tested", f"give 1 to {MOST_BARS}")
    begin, end = bars_from(heard, float(start), bars)
    motion = read_motion(studio.host, project)
    usable_renderer(studio, motion)
    motion = replace(motion, renderer=chosen_renderer(studio, motion), start=heard.start + begin, duration=end - begin)
    animation = set_up(studio, project.folder.name, motion).plan.animation
    pixels = animation.timebase.n_frames * animation.width * animation.height
    check_room(studio, round(_BYTES[motion.renderer == "deforum"] * pixels))

    def work(reporter: JobReporter) -> Mapping[str, str]:
        return {"test": _paint(studio, project, motion, (begin, end, bars), reporter)}

    studio.jobs.submit("test", project.folder.name, work)


def _paint(
    studio: Studio, project: Project, motion: Motion, stretch: tuple[float, float, int], reporter: JobReporter
) -> str:
    """Paint the stretch in its own project; returns the video's name in the song's."""
    motion = with_sampler(studio, motion)
    place = Project(project.folder / FOLDER)
    _clear(place, set_up(studio, project.folder.name, motion).mark)
    place.folder.mkdir(exist_ok=True)
    with free(place, reporter) as opened:
        reporter.stage("schedule")
        request = asked(project, motion, "deforum" if motion.renderer == "deforum" else "animatic")
        understood = recall(project, request, open_audio(request.sound, check=reporter.check))
        base, driven = base_of(request)
        plan = choreograph(understood, opened, reporter, base=base, driven=driven)
        opened.own(understood.audio.content_hash, project.song_name())
        opened.remember(request.to_dict(opened), "")
        with turn(studio, reporter):
            renderer = studio.host.renderer(motion.renderer, plan, opened, reporter.should_stop)
            reporter.describe = told_frame(plan.animation)
            result = render(plan, opened, renderer, reporter)
    begin, end, bars = stretch
    write_json(place.folder / NOTE, {"video": result.video.name, "start": begin, "end": end, "bars": bars})
    return f"{FOLDER}/{result.video.name}"


def _clear(place: Project, mark: str) -> None:
    """Delete the test of another stretch or other prompts, and its pictures where Deforum put them: it is no take."""
    if place.folder.is_dir() and place.progress().fingerprint != mark:
        for picture in list(run_files(place)):
            with contextlib.suppress(OSError):
                picture.unlink()
        shutil.rmtree(place.folder, ignore_errors=True)


def tested(project: Project) -> tuple[Path, float, float, int] | None:
    """The video of the last test with the stretch that it shows: begin and end in s, and bars; None without one."""
    folder = project.folder / FOLDER
    try:
        note = read_json(folder / NOTE) if (folder / NOTE).is_file() else {}
        video = folder / Path(str(note["video"])).name
        start, end, bars = float(note["start"]), float(note["end"]), int(note["bars"])
    except (MusicVisualizerError, KeyError, TypeError, ValueError, OverflowError):
        return None
    return (video, start, end, bars) if video.is_file() and np.isfinite((start, end)).all() else None


def _draw(studio: Studio, now: Known, setup: Setup | None) -> dict[str, Any] | None:
    """The video of the last test, and which stretch it shows."""
    if (found := tested(now.project)) is None:
        return None
    video, start, end, bars = found
    if (url := studio.url(video)) is None:
        return None
    return {"url": url, "start": round(start, 3), "end": round(end, 3), "bars": bars}


PANEL = Panel("test", "preview", _draw, {"test_bars": _test})
