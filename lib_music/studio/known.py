"""What a project holds about its song, read from its files without changing any.

Conventions: reading needs no lock, as every file is whole at any moment; what was parsed is kept while the file stays
as it is. A file that cannot be read is a line of warning and counts as missing; who wants to change it must mend it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from lib_music.analysis.corrections import Corrections, read_corrections
from lib_music.analysis.replay import Conflict
from lib_music.analysis.store import load_analysis
from lib_music.analysis.types import Analysis
from lib_music.errors import MusicVisualizerError
from lib_music.files import read_json
from lib_music.pipeline import CORRECTIONS, STORYBOARD
from lib_music.project import Project
from lib_music.prompts.storyboard import read_storyboard
from lib_music.prompts.suggestions import SUGGESTIONS, Suggestions, read_suggestions
from lib_music.recall import ANALYSIS, CARD, recall_track
from lib_music.request import Request
from lib_music.studio.rows import Board, deal
from lib_music.track.track import Track

T = TypeVar("T")
#: How many parsed files are kept.
_KEPT = 24
_held: OrderedDict[str, tuple[tuple[int, ...], Any]] = OrderedDict()
_holding = threading.Lock()


@dataclass(frozen=True)
class Known:
    """A project's song as far as it is known.

    Attributes
    ----------
    project : Project
    request : Request or None
        What was asked for last; None before anything was.
    track : Track or None
    heard : Analysis or None
        As it was heard.
    corrections : Corrections
        As the person made them, on this hearing or on another.
    warnings : tuple of str
        Files that cannot be read.
    said : tuple of str
        What was found wrong with the song or its cover when it was heard.
    """

    project: Project
    request: Request | None
    track: Track | None
    heard: Analysis | None
    corrections: Corrections
    warnings: tuple[str, ...] = field(default=())
    said: tuple[str, ...] = field(default=())

    @cached_property
    def analysis(self) -> Analysis | None:
        """As the person wants it heard."""
        return None if self.heard is None else self.replayed[0].apply(self.heard)

    @cached_property
    def replayed(self) -> tuple[Corrections, tuple[Conflict, ...]]:
        """The corrections as they are on what was heard, and what of them is not as the person made it."""
        return (self.corrections, ()) if self.heard is None else self.corrections.on(self.heard)

    @property
    def seed(self) -> int:
        """The song's seed, from which rows derive theirs."""
        return int(self.heard.content_hash[:7] or "0", 16) if self.heard is not None else 0

    def told(self, error: MusicVisualizerError) -> str:
        """An error to show, without the place where the project lies."""
        return str(error).replace(str(self.project.folder), self.project.folder.name)

    def board(self) -> Board | None:
        """The prompts; None before there are any.

        Raises
        ------
        StoryboardError
            When the storyboard cannot be read.
        """
        path = self.project.path(STORYBOARD)
        if self.analysis is None or not path.is_file():
            return None
        sections = self.analysis.sections
        storyboard = read_storyboard(path, sections, seed=self.seed)
        suggestions = read_suggestions(self.project.path(SUGGESTIONS))
        if suggestions is None or not any(text.text.strip() for text in suggestions.texts):
            suggestions = Suggestions("", (), tuple(row.prompt for row in storyboard.rows)[:5])
        if not suggestions.dealt:  # made by the command line, which deals once
            dealt = {label: text.text for label, text in deal(suggestions.texts, sections.labels).items()}
            suggestions = replace(suggestions, dealt=dealt)
        return Board(storyboard, suggestions, sections, self.seed)


def known(project: Project) -> Known:
    """Read what a project holds; never raises for what is missing or damaged."""
    warnings: list[str] = []

    def attempt(name: str, read: Callable[[Path], T], otherwise: T) -> T:
        path = project.path(name)
        try:
            return _kept(path, read) if path.is_file() else otherwise
        except MusicVisualizerError as error:
            warnings.append(f"{name}: {error}".replace(str(project.folder), project.folder.name))
            return otherwise

    nothing: tuple[Track | None, tuple[str, ...]] = (None, ())
    card = attempt(CARD, lambda path: _card(project, path), nothing)
    return Known(
        project,
        attempt("project.json", lambda _: _request(project), None),
        card[0],
        attempt(ANALYSIS, load_analysis, None),
        attempt(CORRECTIONS, read_corrections, Corrections()),
        tuple(warnings),
        card[1],
    )


def _kept(path: Path, read: Callable[[Path], T]) -> T:
    """What ``read`` makes of a file, kept until the file changes."""
    status = path.stat()
    key, stamp = str(path), (status.st_mtime_ns, status.st_size, status.st_ino)
    with _holding:
        found = _held.get(key)
    if found is not None and found[0] == stamp:
        value: T = found[1]
        return value
    value = read(path)
    with _holding:
        _held[key] = (stamp, value)
        _held.move_to_end(key)
        while len(_held) > _KEPT:
            _held.popitem(last=False)
    return value


def _request(project: Project) -> Request | None:
    try:
        return Request.from_dict(project.request(), project)
    except MusicVisualizerError:
        # A project that has just been made asks for nothing yet; one of another version is asked anew.
        return None


def _card(project: Project, path: Path) -> tuple[Track | None, tuple[str, ...]]:
    """The song's card and its warnings; what is no text among them is passed over."""
    track, lines = recall_track(project), read_json(path).get("warnings", ())
    said = tuple(line[:400] for line in lines[:20] if isinstance(line, str)) if isinstance(lines, list) else ()
    return track, said
