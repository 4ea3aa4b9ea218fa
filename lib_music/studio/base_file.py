"""The person's own Deforum settings in a project: the file, and which of its parameters the music may drive.

Conventions: ``base_settings.json`` holds the file as it was given, ``base.json`` the choice; both are the person's and
foreign. A project that was made by a command has neither: there the command's own base counts until one is chosen.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lib_music.errors import InputError, ProjectError, SettingsError
from lib_music.files import read_json, write_bytes, write_json
from lib_music.project import Project
from lib_music.render.deforum_ticks import FIRST, drive_of, ticks_of
from lib_music.request import MAX_STEPS, Request

if TYPE_CHECKING:
    from lib_music.render.deforum_base import BaseSettings

#: The files' names, and the version of the second.
FILE, CHOICE, VERSION = "base_settings.json", "base.json", 1
MAX_NAME = 120
_KEPT = 4
_held: OrderedDict[tuple[str, int, int], BaseSettings] = OrderedDict()
_holding = threading.Lock()


@dataclass(frozen=True)
class BaseChoice:
    """What a video stands on.

    Attributes
    ----------
    use : "ours" or "file"
        The file stays in the project while ours is used.
    name : str
        What the file was called; found text. Empty where there is none.
    source : "file" or "tab"
        Uploaded, or taken from the Deforum tab.
    ticks : tuple of str
        Ids of :data:`~lib_music.render.deforum_ticks.TICKS`: what the music drives.
    """

    use: Literal["ours", "file"] = "ours"
    name: str = ""
    source: Literal["file", "tab"] = "file"
    ticks: tuple[str, ...] = FIRST

    def __post_init__(self) -> None:
        if self.use not in ("ours", "file") or self.source not in ("file", "tab"):
            raise InputError("the base settings are neither ours nor a file's", "choose one of them")
        if not isinstance(self.name, str) or len(self.name) > MAX_NAME or not self.name.isprintable():
            raise InputError("the base settings' name cannot be shown", "rename the file")
        if not isinstance(self.ticks, (tuple, list)) or not all(isinstance(tick, str) for tick in self.ticks):
            raise InputError("what is ticked is no list of names", "reload the page")
        drive_of(self.ticks)
        object.__setattr__(self, "ticks", tuple(self.ticks))


def read_choice(project: Project) -> BaseChoice | None:
    """The project's choice; None where none was made, or it cannot be read."""
    path = project.path(CHOICE)
    try:
        data: Any = read_json(path) if path.is_file() else None
        if not isinstance(data, dict) or data.get("version") != VERSION:
            return None
        return BaseChoice(**{name: value for name, value in data.items() if name != "version"})
    except (ProjectError, InputError, TypeError):
        return None


def choice_of(project: Project, request: Request | None) -> BaseChoice:
    """The project's choice, else what its command said."""
    from lib_music.render.deforum_settings import resolve_drive

    if (kept := read_choice(project)) is not None:
        return kept
    if request is None or request.base_settings is None or not request.base_settings.is_file():
        return BaseChoice()
    driven = resolve_drive(request.drive) if request.drive else frozenset()
    name = "".join(c if c.isprintable() else " " for c in request.base_settings.name)[:MAX_NAME]
    return BaseChoice("file", name, "file", ticks_of(driven))


def write_choice(project: Project, choice: BaseChoice) -> None:
    """Keep a choice."""
    write_json(project.path(CHOICE), {"version": VERSION, **asdict(choice), "ticks": list(choice.ticks)})


def keep_file(project: Project, text: str) -> BaseSettings:
    """Check a settings file and keep it as it was given; raises SettingsError, and nothing is changed then."""
    from lib_music.render.deforum_base import parse_base_settings

    base = parse_base_settings(text, "the settings file")
    if not base.values:
        raise SettingsError("the settings file holds no settings", "save the settings in Deforum again")
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise SettingsError("the settings file holds broken characters", "save it as UTF-8") from error
    write_bytes(project.path(FILE), data)
    return base


def chosen(project: Project, request: Request) -> Request:
    """The request with the base that is chosen in the project; one that was never chosen stays the command's.

    Raises SettingsError where the chosen file is gone.
    """
    kept = read_choice(project)
    if kept is None:
        return request
    if kept.use == "ours":
        return replace(request, base_settings=None, drive="")
    if not project.path(FILE).is_file():
        raise SettingsError(f"the base settings {kept.name} are gone", "choose the file again, or ours")
    return replace(request, base_settings=project.path(FILE), drive=drive_of(kept.ticks))


def base_of(request: Request) -> tuple[BaseSettings | None, frozenset[str]]:
    """The person's own Deforum settings, where a request names some that are still there, and the driven keys."""
    from lib_music.render.deforum_settings import resolve_drive

    if request.base_settings is None or not request.base_settings.is_file():
        return None, frozenset()
    return read_kept(request.base_settings), resolve_drive(request.drive) if request.drive else frozenset()


def left_open(request: Request, base: BaseSettings | None, driven: frozenset[str]) -> Request:
    """The request with nothing said of what the base decides, so that :meth:`Request.over` takes the base's."""
    if base is None or not driven:
        return request
    values, said = base.values, dict[str, Any]()
    for name, key in (("width", "W"), ("height", "H"), ("fps", "fps"), ("mode", "animation_mode"),
                      ("cadence", "diffusion_cadence")):  # fmt: skip
        if key not in driven:
            said[name] = None
    if "steps" not in driven and "steps" in values:
        said["steps"] = min(MAX_STEPS, max(1, int(values["steps"])))
    if "sampler" not in driven and str(values.get("sampler") or "").isprintable() and values.get("sampler"):
        said["sampler"] = str(values["sampler"])[:100]
    return replace(request, **said)


def read_kept(path: Path) -> BaseSettings:
    """A settings file, parsed again only when it has changed."""
    from lib_music.render.deforum_base import read_base_settings

    try:
        status = path.stat()
    except OSError as error:
        raise SettingsError(f"{path.name} cannot be read: {error.strerror}", "choose the settings again") from error
    key = (str(path), status.st_mtime_ns, status.st_size)
    with _holding:
        found = _held.get(key)
    if found is None:
        found = read_base_settings(path)
        with _holding:
            _held[key] = found
            while len(_held) > _KEPT:
                _held.popitem(last=False)
    return found

