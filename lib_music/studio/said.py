"""What the person says of the song itself: its title and artists, its cover, and who words its prompts.

Conventions: ``said.json`` in the project is what stands in the boxes of the Song part; it is the person's, so that it
can be undone, and counts from the next Produce prompts on, which puts it into the request. An empty text means what the
file itself says. A project that was made by a command has no such file: there its request says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib_music.errors import InputError, ProjectError
from lib_music.files import read_json, write_json
from lib_music.prompts.suggestions import SUGGESTIONS, read_suggestions
from lib_music.studio.foreign import text
from lib_music.studio.panels import Panel
from lib_music.track.tags import clean_text

if TYPE_CHECKING:
    from lib_music.project import Project
    from lib_music.request import Request
    from lib_music.studio.estimate import Setup
    from lib_music.studio.known import Known
    from lib_music.studio.studio import Studio

FILE, VERSION = "said.json", 1
#: The longest title or list of artists that is taken, and the longest name of another file, characters.
MAX_TYPED, _MAX_NAME = 500, 4_096
#: The actions, named as the field that each changes.
SAYING = ("title", "artist", "captioner")


@dataclass(frozen=True)
class Said:
    """What the person says of a song.

    Attributes
    ----------
    title, artist : str
        Empty for what the file says; several artists are separated by ``;``. Found text.
    captioner : str
        Its id; empty where none was chosen.
    cover : str
        The picture's path, as seen from the project; empty for the song's own.
    """

    title: str = ""
    artist: str = ""
    captioner: str = ""
    cover: str = ""

    def __post_init__(self) -> None:
        for name, most in (("title", MAX_TYPED), ("artist", MAX_TYPED), ("captioner", 100), ("cover", _MAX_NAME)):
            value = getattr(self, name)
            if not isinstance(value, str) or len(value) > most:
                raise ValueError(f"Said.{name} is no text of at most {most} characters")

    @property
    def names(self) -> tuple[str | None, str | None]:
        """Title and artists as a request has them."""
        artists = "; ".join(map(clean_text, artists_of(self.artist)))
        return clean_text(self.title) or None, artists or None

    def picture(self, project: Project) -> Path | None:
        """The cover's file, where one is chosen and still there."""
        path = project.folder / self.cover if self.cover else None
        return path if path is not None and path.is_file() else None


def artists_of(typed: str) -> tuple[str, ...]:
    """The names in a typed list of artists."""
    return tuple(name.strip() for name in typed.split(";") if name.strip())


def said_in(project: Project, request: Request | None) -> Said:
    """What is said of a project's song: in its boxes, else in its request; a damaged file counts as none."""
    path = project.path(FILE)
    try:
        data: Any = read_json(path) if path.is_file() else None
        if isinstance(data, dict) and data.pop("version", None) == VERSION:
            return Said(**data)
    except (ProjectError, TypeError, ValueError):
        pass
    return said_by(project, request)


def said_by(project: Project, request: Request | None, captioner: str = "") -> Said:
    """What the last Produce prompts was told."""
    if request is None:
        return Said(captioner=captioner)
    if not captioner and (made := read_suggestions(project.path(SUGGESTIONS))) is not None:
        captioner = made.captioner
    cover = project.relative(request.cover) if request.cover is not None else ""
    return Said((request.title or "")[:MAX_TYPED], (request.artist or "")[:MAX_TYPED], captioner[:100], cover)


def write_said(project: Project, said: Said) -> None:
    """Keep it, if it is not what lies there."""
    if not project.path(FILE).is_file() or said_in(project, None) != said:
        write_json(project.path(FILE), {"version": VERSION, **asdict(said)})


def waiting(now: Known) -> tuple[str, ...]:
    """A line where something is said that the last Produce prompts was not told."""
    if now.request is None:
        return ()
    said, before = said_in(now.project, now.request), said_by(now.project, now.request)
    pairs = zip(("the title", "the artists"), said.names, before.names, strict=True)
    other = [word for word, ours, theirs in pairs if ours != theirs]
    other += ["the cover"] if said.cover != before.cover else []
    return (f"{' and '.join(other)} will count from the next Produce prompts on",) if other else ()


# -- the page --------------------------------------------------------------------------------------------------------


def _say(studio: Studio, project: Project, action: Mapping[str, Any]) -> None:
    """One of the boxes: ``text``, or the ``id`` of a captioner."""
    from lib_music.studio.known import known

    do = str(action.get("do"))
    value = text(action, "id", 100) if do == "captioner" else text(action, "text", MAX_TYPED)
    if do == "captioner" and value not in [choice.id for choice in studio.host.captioners()]:
        raise InputError(f"captioner {value[:40]!r} is not known", "choose one of the list")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"the {do} holds broken characters", "type it again") from error
    with project.editing():
        said = said_in(project, known(project).request)
        write_said(project, replace(said, **{do: value}))


def _draw(studio: Studio, now: Known, setup: Setup | None) -> dict[str, str]:
    """What stands in the boxes."""
    said = said_in(now.project, now.request)
    return {"title": said.title, "artist": said.artist, "captioner": said.captioner, "cover": Path(said.cover).name}


PANEL = Panel("said", "song", _draw, dict.fromkeys(SAYING, _say))
