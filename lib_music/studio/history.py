"""Undo and redo: every state of the files a person edits, one after the other, kept in the project.

Conventions: a state is the content of each of :data:`~lib_music.studio.edited_files.EDITED`, kept by its digest under
``history/``; ``history/index.json`` lists the states with a mark at the present one. What changed the files between two
edits (Produce prompts, the command line, a text editor) becomes a state too, so that undoing an edit never throws away
what came after it. The history is a comfort: where it cannot be written or read, the edit itself still counts.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from lib_music.errors import InputError, MusicVisualizerError, ProjectError
from lib_music.files import read_json, write_bytes, write_json
from lib_music.studio.edited_files import EDITED, PRODUCED
from lib_music.studio.panels import Panel

if TYPE_CHECKING:
    from lib_music.project import Project
    from lib_music.studio.estimate import Setup
    from lib_music.studio.known import Known
    from lib_music.studio.studio import Studio

FOLDER, INDEX, FORMAT = "history", "index.json", "music-visualizer history"
#: States kept, the largest file that is kept in one, in bytes, and within how many seconds edits of one field are one.
MOST, LARGEST, TOGETHER = 200, 34_000_000, 2.0
log = logging.getLogger("lib_music")

#: What an edit is called where undo and redo are offered; the others are called by their own name.
_WORDS = {
    "downbeat": "downbeat moved",
    "nudge": "beats nudged",
    "taps": "tapped beats",
    "clear_taps": "taps cleared",
    "tempo": "tempo",
    "border": "border moved",
    "label": "section renamed",
    "role": "section's role",
    "reset_hearing": "all corrections undone",
    "candidates": "candidates",
    "take_candidate": "candidate taken",
    "take": "suggestion taken",
    "row": "prompt of a section",
    "link": "sections linked",
    "style": "style",
    "negative": "negative prompt",
    "cover": "use of the cover",
    "motion": "motion",
    "base_file": "base settings",
    "base_tab": "base settings",
    "base_use": "base settings",
    "base_tick": "what the music drives",
    "route": "route",
    "hits": "declared hits",
    "routes_reset": "the preset's rows again",
    "preset_use": "preset",
    "title": "title",
    "artist": "artists",
    "captioner": "captioner",
    "said": "what Produce prompts was told of the song",
    "still": "another seed in a still",
}
ELSEWHERE = "a change made elsewhere"
#: What of an action says which field it is about.
_FIELDS = ("section", "id", "parameter", "index", "ids", "role", "prompt", "negative")
#: What comes letter by letter, or while a knob is turned; of the others each is a step, however fast.
_TYPED = frozenset({"row", "style", "negative", "title", "artist", "nudge", "motion", "route", "formula", "pin"})


@dataclass(frozen=True)
class State:
    """The edited files at one moment.

    Attributes
    ----------
    files : mapping of name to digest
        Only those that were there.
    words : str
        What led here from the state before.
    field : str
        What was edited; edits of one field in quick succession are one step.
    at : float
        Unix s.
    """

    files: Mapping[str, str]
    words: str = ""
    field: str = ""
    at: float = 0.0

    def __post_init__(self) -> None:
        if not all(name in EDITED and len(key) == 64 and set(key) <= set("0123456789abcdef")
                   for name, key in self.files.items()):
            raise ValueError(f"State: {dict(self.files)!r} are not digests of edited files")


@dataclass(frozen=True)
class History:
    """The states, oldest first, and which of them is the present one."""

    states: tuple[State, ...] = ()
    now: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.now < max(1, len(self.states)):
            raise ValueError(f"History.now is {self.now} of {len(self.states)} states")

    def after(self, state: State) -> History:
        """With a new present; what could be redone is forgotten, and the oldest beyond :data:`MOST`."""
        if not self.states:
            return History((state,), 0)
        here = self.states[self.now]
        if here.files == state.files:
            return self
        kept = self.states[: self.now + 1]
        if state.field and state.field == here.field and state.at - here.at < TOGETHER and self.now:
            kept = kept[:-1]
        states = (*kept, state)[-MOST:]
        return History(states, len(states) - 1)

    @property
    def undo(self) -> str | None:
        """What would be undone; None when nothing can be."""
        return self.states[self.now].words if self.now else None

    @property
    def redo(self) -> str | None:
        """What would come back; None when nothing can."""
        return self.states[self.now + 1].words if self.now + 1 < len(self.states) else None


@contextlib.contextmanager
def recorded(project: Project, action: Mapping[str, Any]) -> Iterator[None]:
    """Make one edit a step that can be undone; an edit that fails is none.

    Parameters
    ----------
    project : Project
    action : mapping
        As :func:`lib_music.studio.song.act` takes it; foreign.
    """
    do = str(action.get("do"))[:40]
    _record(project, ELSEWHERE, "")
    yield
    _record(project, _WORDS.get(do, do.replace("_", " ")), _field(do, action))


def _field(do: str, action: Mapping[str, Any]) -> str:
    """What an edit is about, for edits of one field in quick succession; empty where each is a step of its own."""
    if do not in _TYPED or action.get("what") in ("add", "copy", "delete"):
        return ""
    # Of a text only that it is edited counts: what it says changes with every letter.
    parts = [key if key in ("prompt", "negative") else str(action[key])[:80] for key in _FIELDS if key in action]
    inner = action.get("fields")
    parts += sorted(str(key)[:80] for key in inner)[:20] if isinstance(inner, Mapping) else []
    # In ASCII: half a surrogate pair could not be written.
    return ascii("/".join([do, *parts]))


def adopt(project: Project, write: Callable[[], None]) -> None:
    """Write down what counted already, as part of the present state and not as a step."""
    _record(project, ELSEWHERE, "")
    write()
    try:
        with project.editing():
            _adopt(project, read_history(project))
    except (MusicVisualizerError, OSError) as error:
        log.warning("the history of %s cannot be kept: %s", project.folder.name, error)


def _adopt(project: Project, history: History) -> None:
    if history.states:
        here = replace(history.states[history.now], files=_keep(project))
        states = (*history.states[: history.now], here, *history.states[history.now + 1 :])
        write_json(project.folder / FOLDER / INDEX, {"format": FORMAT, **asdict(History(states, history.now))})


def _record(project: Project, words: str, field: str) -> None:
    """Keep the present state, if it is another one than the last."""
    try:
        with project.editing():
            history = read_history(project)
            fresh = history.after(State(_keep(project), words, field, time.time()))
            if fresh is not history:
                write_json(project.folder / FOLDER / INDEX, {"format": FORMAT, **asdict(fresh)})
                _clear(project, fresh)
    except (MusicVisualizerError, OSError) as error:
        log.warning("the history of %s cannot be kept: %s", project.folder.name, error)


def _keep(project: Project) -> dict[str, str]:
    """Copy the edited files that are not kept yet; their digests by name."""
    files = {}
    for name in EDITED:
        path = project.path(name)
        if not path.is_file():
            continue
        if path.stat().st_size > LARGEST:
            raise ProjectError(f"{name} is larger than {LARGEST // 1_000_000} MB", "make it smaller")
        content = path.read_bytes()
        files[name] = hashlib.sha256(content).hexdigest()
        kept = project.folder / FOLDER / files[name]
        if not kept.is_file():
            write_bytes(kept, content)
    return files


def _clear(project: Project, history: History) -> None:
    """Delete the copies that no state names any more."""
    named = {key for state in history.states for key in state.files.values()} | {INDEX}
    for path in (project.folder / FOLDER).iterdir():
        if path.name not in named and not path.name.startswith("."):
            path.unlink(missing_ok=True)


def read_history(project: Project) -> History:
    """The history of a project; an empty one where there is none, or a damaged one, which counts as none."""
    path = project.folder / FOLDER / INDEX
    if not path.is_file():
        return History()
    try:
        found = read_json(path)
        if found.get("format") != FORMAT:
            raise ValueError("it is no history")
        return History(tuple(State(**state) for state in found["states"]), int(found["now"]))
    except (ProjectError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("the history of %s begins anew: %s", project.folder.name, error)
        return History()


def step(project: Project, by: int) -> None:
    """Go one state back (-1) or on (1).

    Raises
    ------
    InputError
        There is none there, or its files are gone; nothing is changed then.
    """
    _record(project, ELSEWHERE, "")
    with project.editing():
        history = read_history(project)
        to = history.now + by
        if not 0 <= to < len(history.states):
            raise InputError(f"there is nothing to {'undo' if by < 0 else 'redo'}", "go on")
        wanted = history.states[to].files
        contents = {name: _kept(project, key) for name, key in wanted.items()}
        for name in EDITED:
            path = project.path(name)
            if name not in contents and name not in PRODUCED:
                path.unlink(missing_ok=True)
            elif name in contents and (not path.is_file() or path.read_bytes() != contents[name]):
                write_bytes(path, contents[name])
        # What was left as it is belongs to this state from now on: else the next look would take it for an edit.
        _adopt(project, History(history.states, to))


def _kept(project: Project, key: str) -> bytes:
    try:
        content = (project.folder / FOLDER / key).read_bytes()
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != key:
        raise InputError("what stood there before is no longer kept", "edit it by hand; later steps still work")
    return content


def _draw(studio: Studio, now: Known, setup: Setup | None) -> dict[str, str | None]:
    """What undo and redo would do."""
    history = read_history(now.project)
    return {"undo": history.undo, "redo": history.redo}


def _undo(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    step(project, -1)


def _redo(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    step(project, 1)


#: The actions that move along the history and are no edits themselves.
STEPS = frozenset({"undo", "redo"})
PANEL = Panel("history", "hearing", _draw, {"undo": _undo, "redo": _redo}, STEPS)
