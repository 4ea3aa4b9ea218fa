"""From what a person asks for to what is known of the song: card, sound, analysis, prompts.

Conventions: each stage writes its file into the (open) project; errors are ours, with the fix.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from lib_music.audio import Audio, open_audio
from lib_music.errors import MusicVisualizerError, StoryboardError
from lib_music.files import slug
from lib_music.introduce import (
    SPOTIFY_ANALYSIS,
    fetched_earlier,
    introduce,
    meet_again,
    no_sound,
    obtain,
    song_seed,
    suggest,
)
from lib_music.pipeline.hearing import ProjectEar, analysis_of, storyboard_of
from lib_music.pipeline.values import PRESET, STORYBOARD, Understanding
from lib_music.project import Project
from lib_music.rehear import ANALYSIS
from lib_music.reporter import Reporter
from lib_music.request import Request
from lib_music.track.know import meet

if TYPE_CHECKING:
    from lib_music.prompts.captions import Captioner
    from lib_music.render.deforum_base import BaseSettings
    from lib_music.track.know import Met, Outside


def check_inputs(request: Request) -> tuple[BaseSettings | None, frozenset[str]]:
    """Read all the person's files but the song before anything is written; raises InputError.

    Returns
    -------
    base settings or None, driven keys
    """
    from lib_music.render.deforum_base import read_base_settings
    from lib_music.render.deforum_settings import resolve_drive
    from lib_music.schedule.preset_file import read_preset
    from lib_music.schedule.presets import get_preset
    from lib_music.track.cover import check_cover

    if request.preset != "auto":
        get_preset(request.preset)
    if request.preset_file is not None:
        read_preset(request.preset_file)
    driven = resolve_drive(request.drive) if request.drive else frozenset()
    base = read_base_settings(request.base_settings) if request.base_settings else None
    if request.prompts is not None and not request.prompts.is_file():
        raise StoryboardError(f"no such file: {request.prompts}", "check the path given to --prompts")
    if request.cover is not None:
        check_cover(request.cover)
    if request.spotify_analysis is not None:
        from lib_music.analysis.spotify import read_master

        read_master(request.spotify_analysis)
    return base, driven


def check_song(request: Request) -> Audio:
    """Read the song before anything is written; raises InputError."""
    if request.whole:
        return open_audio(request.sound)
    return open_audio(request.sound, start=request.start, duration=request.duration)


#: What may be missing at either end of a song that was heard as a whole, s.
_ALL = 0.1


def is_part(request: Request, audio: Audio, folder: Path) -> bool:
    """Whether a range is asked for in the folder where the whole song was heard.

    It is painted as a part of that song then: its sections, their words and what was corrected are the song's.
    """
    from lib_music.analysis.store import load_analysis

    if request.whole or audio.duration > audio.total - _ALL:
        return False
    project = Project(folder)
    try:
        asked, heard = project.request(), load_analysis(project.path(ANALYSIS))
        own = project.content_hash() == audio.content_hash
    except MusicVisualizerError:
        return False
    # What a run that failed has heard is not what the folder is about.
    whole = asked.get("whole") or (not asked.get("start") and asked.get("duration") is None)
    return bool(own and whole) and heard.start < _ALL and heard.start + heard.duration > audio.total - _ALL


def revived(request: Request, project: Project) -> tuple[Request, tuple[str, ...]]:
    """A project's own request with what has gone missing taken from the project, and a word about each."""
    said = []
    if request.cover is not None and not request.cover.is_file() and project.path("cover.png").is_file():
        request = replace(request, cover=project.path("cover.png"))
        said.append("the cover's file is gone; the project's copy is used")
    if request.prompts is not None and not request.prompts.is_file() and project.path(STORYBOARD).is_file():
        request = replace(request, prompts=None)
        said.append("the prompts' file is gone; the project's storyboard is used")
    preset = project.path(PRESET)
    if request.preset_file is not None and not request.preset_file.is_file() and preset.is_file():
        request = replace(request, preset_file=preset)
        said.append("the preset's file is gone; the project's copy is used")
    saved, copy = request.spotify_analysis, project.path(SPOTIFY_ANALYSIS)
    if saved is not None and not saved.is_file() and copy.is_file():
        request = replace(request, spotify_analysis=copy)
        said.append("the file of Spotify's audio-analysis is gone; the project's copy is used")
    return request, tuple(said)


def default_folder(request: Request, met: Met | None = None) -> Path:
    """Where the project goes when the person names no folder: beside where they stand, named like the song."""
    if request.song is None and met is not None:
        return Path.cwd() / slug(request.title or met.title)
    return Path.cwd() / slug(request.sound.stem)


def understand(
    request: Request,
    project: Project,
    reporter: Reporter,
    *,
    audio: Audio,
    captioner: Captioner | None = None,
    anew: bool = False,
    met: Met | None = None,
    outside: Outside | None = None,
) -> Understanding:
    """What the song is, how it sounds and what to paint; writes each stage's file into the (open) project.

    Candidates that the project holds are kept; ``anew`` makes them again, and what the person wrote stays. ``met`` is
    what Spotify says of the request's link, where it was asked already; ``outside`` how it is asked.
    """
    project.own(audio.content_hash)
    reporter.stage("track")
    met = met or meet_again(request, project, outside)
    reporter.check()
    told = introduce(request, project, reporter, audio=audio, met=met, outside=outside)
    reporter.check()
    analysis = analysis_of(request, project, audio, reporter, ProjectEar(met, outside, warnings := list(told.warnings)))
    reporter.check()
    reporter.stage("prompts")
    seed = request.seed if request.seed is not None else song_seed(audio)
    suggestions = suggest(project, told, captioner, seed, anew)
    reporter.check()
    if told.withdrawn and project.path(STORYBOARD).is_file():
        warnings.append(f"{STORYBOARD} was worded with Spotify's content; delete it to have it worded without")
    storyboard = storyboard_of(request, project, analysis, suggestions.texts, seed)
    warnings += [*suggestions.warnings, *storyboard.warnings]
    if request.whole and request.seed is not None:
        storyboard = storyboard.reseeded(request.seed)
    return Understanding(
        request, audio, told.track, analysis, storyboard, told.cover, suggestions, seed, tuple(warnings)
    )


def met_of(request: Request, folder: Path | None, reporter: Reporter) -> Met | None:
    """What Spotify says of the request's link; where a project knows it already, nobody is asked."""
    if not request.link:
        return None
    reporter.stage("track")
    if folder is None and request.song is None:
        return meet(request.link)
    return meet_again(request, Project(folder or default_folder(request)))


def with_sound(request: Request, folder: Path, met: Met | None, reporter: Reporter) -> Request:
    """The request with the file that was fetched for its link; what was made for nothing goes again."""
    assert met is not None, "see Request"
    if not request.allow_download and fetched_earlier(request, Project(folder)) is None:
        raise no_sound(met)
    with Project(folder) as project:
        try:
            return obtain(request, project, reporter, met=met)
        except MusicVisualizerError:
            if project.is_new:
                project.discard()
            raise
