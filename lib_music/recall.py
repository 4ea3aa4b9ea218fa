"""What a project's files say of its song: everything that is shown, previewed and painted without hearing it again.

Conventions: nothing is heard, captioned or written, and no lock is held, so that it also works while a video of the
same project is painted: every file there is whole at any moment. The files are ours, but people edit them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lib_music.analysis import Analysis, load_analysis, read_corrections
from lib_music.audio import Audio
from lib_music.errors import InputError, ProjectError
from lib_music.files import read_json
from lib_music.introduce import CARD as CARD
from lib_music.pipeline import CORRECTIONS, STORYBOARD, Understanding, song_seed
from lib_music.project import Project
from lib_music.prompts.storyboard import read_storyboard
from lib_music.prompts.suggestions import SUGGESTIONS, Suggestions, read_suggestions
from lib_music.request import Request
from lib_music.track import Track

#: What was heard, in the project.
ANALYSIS = "analysis.json"


def recall(project: Project, request: Request, audio: Audio | None = None) -> Understanding:
    """The understanding of a song that an earlier run left in its project.

    Parameters
    ----------
    project : Project
        Open or not.
    request : Request
        What to do with it; its seed counts, its title and prompts do not.
    audio : Audio or None
        The song; without it what is known of it from then stands in, which is enough unless it shall sound.

    Raises
    ------
    InputError
        There is nothing yet.
    ProjectError
        A file is damaged.
    """
    analysis = recall_analysis(project)
    if audio is None:
        end = analysis.start + analysis.duration
        audio = Audio(request.sound, analysis.content_hash, analysis.start, analysis.duration, end, 44_100)
    seed = song_seed(audio)
    storyboard = read_storyboard(project.path(STORYBOARD), analysis.sections, seed=seed)
    if request.seed is not None:
        seed, storyboard = request.seed, storyboard.reseeded(request.seed)
    track = recall_track(project)
    suggestions = read_suggestions(project.path(SUGGESTIONS)) or Suggestions("", ())
    cover = track.cover or project.path("cover.png")
    return Understanding(request, audio, track, analysis, storyboard, cover, suggestions, seed, storyboard.warnings)


def recall_analysis(project: Project) -> Analysis:
    """What was heard, with the person's corrections."""
    for name in (ANALYSIS, STORYBOARD, CARD):
        if not project.path(name).is_file():
            raise InputError("this song was not heard yet", "press Produce prompts first, or wait until it is done")
    analysis = load_analysis(project.path(ANALYSIS))
    corrections = project.path(CORRECTIONS)
    return read_corrections(corrections).apply(analysis) if corrections.is_file() else analysis


def recall_track(project: Project) -> Track:
    """The song's card."""
    path = project.path(CARD)
    card = read_json(path)
    try:
        cover = Path(_text(card.get("cover"))).name
        return Track(
            title=_text(card["title"]),
            artists=tuple(_text(artist) for artist in card["artists"]),
            duration=None if card["duration"] is None else float(card["duration"]),
            album=_text(card["album"]),
            date=_text(card["date"]),
            isrc=_text(card["isrc"]),
            spotify_id=_text(card["spotify_id"]),
            genres=tuple(_text(genre) for genre in card["genres"]),
            cover=project.path(cover) if cover else None,
            sources=dict(card["sources"]),
            generation_may_use=frozenset(card["generation_may_use"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProjectError(f"{path.name} is damaged: {error}", "press Produce prompts again") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} is not text")
    return value
