"""A studio to test with, and a project in it that was heard without hearing anything."""

from __future__ import annotations

import json
import time
import wave
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lib_music.analysis import save_analysis
from lib_music.analysis.types import Analysis
from lib_music.audio import check_audio
from lib_music.demo.cover import draw_cover
from lib_music.files import write_json
from lib_music.prompts.storyboard import make_storyboard, write_storyboard
from lib_music.prompts.suggestions import SUGGESTIONS, Suggestions, write_suggestions
from lib_music.prompts.text import Found
from lib_music.request import Request
from lib_music.studio.host import Preferences
from lib_music.studio.job import Job
from lib_music.studio.motion import Motion, write_motion
from lib_music.studio.plain import PlainHost
from lib_music.studio.song import settle
from lib_music.studio.studio import Studio, studio_of
from lib_music.studio.workspace import find_project, new_project
from tests.music import song

SUGGESTED = ("a ship", "a whale", "a tower")


class Capped(PlainHost):
    """A place with a cap on what all visuals may take, bytes."""

    cap = 0

    def preferences(self) -> Preferences:
        return Preferences(disk_cap=self.cap)


def studio_in(folder: Path, *allowed: Path) -> Studio:
    """A studio whose workspace is ``folder/ws``."""
    return studio_of(PlainHost(folder / "ws", allowed))


def sound(path: Path, seconds: float = 2.0, rate: int = 8000) -> Path:
    """A short wav file: a beat of clicks."""
    samples = np.zeros(round(seconds * rate), np.int16)
    samples[:: rate // 2] = 20_000
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return path


def heard(studio: Studio, analysis: Analysis | None = None, suggested: Sequence[str] = SUGGESTED) -> str:
    """The name of a project whose song was heard: A B A C, with a prompt suggested for each label."""
    analysis = analysis or song()
    made = sound(studio.host.workspace().parent / "made.wav", analysis.duration)
    analysis = replace(analysis, content_hash=check_audio(made))
    project = new_project(studio.host, "The Band - A Song", analysis.content_hash, "The Band - A Song.wav")
    wav = made.rename(project.path("song.wav"))
    project.remember(Request(wav).to_dict(project), "")
    save_analysis(project.path("analysis.json"), analysis)
    card: dict[str, Any] = dict.fromkeys(("album", "date", "isrc", "spotify_id"), "")
    card.update(title="A Song", artists=["The Band"], duration=analysis.duration, genres=[], cover="cover.png")
    write_json(project.path("track.json"), {**card, "version": 1, "sources": {"title": "tags"},
                                            "generation_may_use": ["title"]})  # fmt: skip
    found = [Found(text) for text in suggested]
    write_storyboard(project.path("storyboard.json"), make_storyboard(found, analysis.sections), analysis.sections)
    write_suggestions(project.path(SUGGESTIONS), Suggestions("palette", tuple(found)))
    settle(project)
    return project.folder.name


def covered(studio: Studio, motion: Motion | None = None) -> str:
    """The same with a cover of its own, and set to move like that."""
    name = heard(studio)
    project = find_project(studio.host, name)
    draw_cover(3, project.path("cover.png"), 128)
    if motion is not None:
        write_motion(project, motion)
    return name


def finished(studio: Studio, job: Job, seconds: float = 120.0) -> Job:
    """The job when it is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        now = studio.jobs.get(job.id)
        assert now is not None
        if now.is_over:
            return now
        time.sleep(0.02)
    raise AssertionError(f"still {now.state} at {now.stage} after {seconds} s")


def files_of(studio: Studio, project: str) -> dict[str, bytes]:
    """All that is written in a project, to see that nothing was changed."""
    folder = studio.host.workspace() / project
    passing = ("edit.lock", "log.txt")
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and path.name not in passing}


def plain(value: Any) -> Any:
    """As the browser gets it; fails for what JSON cannot say."""
    return json.loads(json.dumps(value, allow_nan=False))


def settled(view: dict[str, Any]) -> Any:
    """A view as the browser gets it, without how much disk is free and taken: the step that an edit makes is written
    after it was drawn, and other programs write meanwhile."""
    shown = plain(view)
    shown["takes"].pop("sizes", None)
    return shown
