"""The ear and the words: the analysis of a project's song, and the storyboard that follows from it.

Conventions: what was computed is kept by the sound's content and found again; what the person wrote is never
overwritten.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lib_music.audio import Audio
from lib_music.errors import AnalysisError, SpotifyError
from lib_music.files import digest, write_bytes, write_json
from lib_music.introduce import SPOTIFY_ANALYSIS
from lib_music.pipeline.values import STORYBOARD
from lib_music.project import Project
from lib_music.rehear import keep_hearing
from lib_music.reporter import Reporter
from lib_music.request import Request
from lib_music.track.know import ask_analysis

if TYPE_CHECKING:
    from lib_music.analysis import Analysis
    from lib_music.analysis.types import Ear
    from lib_music.prompts.storyboard import Storyboard
    from lib_music.prompts.text import Text
    from lib_music.track.know import Met, Outside


def cache_folder() -> Path:
    """Where analyses are kept: ``$MUSIC_VISUALIZER_CACHE``, or the user's cache folder."""
    import os

    from platformdirs import user_cache_path

    chosen = os.environ.get("MUSIC_VISUALIZER_CACHE")
    return (Path(chosen) if chosen else user_cache_path("music-visualizer", appauthor=False)) / "analysis"


def hear(audio: Audio, reporter: Reporter, ear: Ear = "own") -> Analysis:
    """Analyse a song with one of our ears, with progress, through the cache."""
    from lib_music.analysis import analyse

    reporter.stage("analysis")

    def progress(fraction: float) -> None:
        reporter.done(fraction)
        reporter.check()

    return analyse(audio, ear=ear, cache=cache_folder(), progress=progress)


@dataclass(frozen=True)
class ProjectEar:
    """What is needed to hear with Spotify's ear; it adds to the warnings."""

    met: Met | None
    outside: Outside | None
    warnings: list[str]

    def hear(self, request: Request, project: Project, audio: Audio, heard: Analysis) -> Analysis:
        """Spotify's hearing in the file's time. One that was only asked for stands back where it cannot be had."""
        from lib_music.analysis.spotify import import_master, parse_master, read_master

        kept = project.path(SPOTIFY_ANALYSIS)
        try:
            if request.spotify_analysis is not None:
                master = read_master(request.spotify_analysis)
                if request.spotify_analysis != kept:
                    write_bytes(kept, request.spotify_analysis.read_bytes())
            elif kept.is_file():
                master = read_master(kept)
            elif self.met is not None:
                master = parse_master(said := ask_analysis(self.met, self.outside))
                write_json(kept, said)
            else:
                raise AnalysisError("Spotify's audio-analysis is asked for by a song's link", "give the link too")
            analysis, found = import_master(master, heard, total=audio.total)
        except (AnalysisError, SpotifyError) as error:
            if request.spotify_analysis is not None:
                raise
            self.warnings.append(f"{error.message}; the file's own is used")
            return heard
        self.warnings.append(
            f"beats and sections are those of Spotify's master, moved by {found.offset:+.3f} s to fit this file"
        )
        return analysis


def analysis_of(request: Request, project: Project, audio: Audio, reporter: Reporter, ear: ProjectEar) -> Analysis:
    """What was heard, saved in the project, with the person's corrections applied."""
    analysis = hear(audio, reporter, request.ear)
    if request.spotify_analysis is not None or request.ask_analysis:
        reporter.check()
        analysis = ear.hear(request, project, audio, analysis)
    analysis, said = keep_hearing(project, analysis)
    ear.warnings.extend(said)
    return analysis


def storyboard_of(
    request: Request, project: Project, analysis: Analysis, candidates: tuple[Text, ...], seed: int
) -> Storyboard:
    """A prompts file that was not imported yet, else what stands in the project, else the candidates, recycled.

    What the person said with ``style`` and ``negative`` goes over what is written there. The project's file is written
    once; before another prompts file takes its place it is kept beside it.
    """
    from lib_music.prompts.storyboard import make_storyboard, read_storyboard, write_storyboard
    from lib_music.prompts.text import Own

    path = project.path(STORYBOARD)
    imported = project.imported_prompts()
    if request.prompts is not None and (digest(request.prompts) != imported or not path.is_file()):
        storyboard = read_storyboard(request.prompts, analysis.sections, seed=seed)
        imported = digest(request.prompts)
        if path.is_file():
            kept = (path.with_name(f"storyboard-{n}.json") for n in itertools.count(1))
            path.replace(next(p for p in kept if not p.exists()))
        write_storyboard(path, storyboard, analysis.sections)
    elif path.is_file():
        storyboard = read_storyboard(path, analysis.sections, seed=seed)
    else:
        storyboard = make_storyboard(candidates, analysis.sections, seed=seed, style=Own(request.style))
        write_storyboard(path, storyboard, analysis.sections)
    project.remember(request.to_dict(project), imported)
    if request.style:
        storyboard = replace(storyboard, style=Own(request.style))
    if request.negative is not None:
        storyboard = replace(storyboard, negative=Own(request.negative))
    return storyboard
