"""The workspace: which projects there are, what they are called, and which files may be named.

Conventions: a project is a folder directly inside the workspace, named ``{slug}-{YYYYmmddHHMMSS}``; names that come
from the page are data and only ever compared with what is there. A typed or uploaded path counts by where it really
lies: symbolic links are resolved first, and the same words answer for what is missing and for what is out of bounds.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lib_music.errors import InputError, ProjectError
from lib_music.files import slug, written_aside
from lib_music.project import Project
from lib_music.studio.host import Host

#: The endings under which a song is copied; any other name ends in nothing, so that no browser takes it for a page.
AUDIO_SUFFIXES = frozenset(
    {"aac", "ac3", "aif", "aiff", "alac", "amr", "au", "caf", "flac", "m4a", "m4b", "m4v", "mka", "mkv", "mov", "mp2",
     "mp3", "mp4", "mpeg", "mpg", "oga", "ogg", "ogv", "opus", "wav", "wave", "webm", "wma", "wmv"}
)  # fmt: skip
COVER_SUFFIXES = frozenset({"bmp", "gif", "jpeg", "jpg", "png", "tif", "tiff", "webp"})
_MAX_TYPED = 4_096


def find_project(host: Host, name: object) -> Project:
    """The project of that name in the workspace.

    Parameters
    ----------
    host : Host
    name : object
        Foreign: compared with the names that are there, never joined to a path.

    Raises
    ------
    InputError
        There is none.
    """
    if isinstance(name, str):
        for project in projects(host):
            if project.folder.name == name:
                return project
    raise InputError("there is no such project", "choose one of the list")


def projects(host: Host) -> Iterator[Project]:
    """The projects of the workspace, in no order. What only links to elsewhere is none."""
    workspace = host.workspace()
    with contextlib.suppress(OSError), os.scandir(workspace) as found:
        for entry in found:
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                project = Project(workspace / entry.name)
                if project.file.is_file():
                    yield project


def new_project(host: Host, name: str, content_hash: str, song_name: str) -> Project:
    """Make the folder of a new project, named after the song and the second.

    Parameters
    ----------
    name : str
        Artist and title, found text.
    content_hash : str
    song_name : str
        The song's file name, found text; kept because the copy is called otherwise.

    Raises
    ------
    ProjectError
        When the workspace cannot be written.
    """
    workspace, moment = host.workspace(), datetime.datetime.now()
    while True:
        folder = workspace / f"{slug(name)}-{moment:%Y%m%d%H%M%S}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            moment += datetime.timedelta(seconds=1)
            continue
        except OSError as error:
            reason = error.strerror or error
            raise ProjectError(f"cannot make a project: {reason}", "check the output folder in the settings") from error
        project = Project(folder)
        project.own(content_hash, song_name)
        return project


def remove_project(project: Project) -> None:
    """Take back a folder that :func:`new_project` made and that came to nothing."""
    shutil.rmtree(project.folder, ignore_errors=True)


def typed_path(host: Host, typed: str) -> Path:
    """Where a typed path really leads, when that is a file inside an allowed folder.

    A relative one is looked for in each allowed folder.

    Raises
    ------
    InputError
        Anything else; the words are the same for what is missing and what is forbidden.
    """
    typed = typed.strip()
    folders = host.allowed_folders()
    if len(typed) <= _MAX_TYPED:
        for candidate in [Path(typed)] if Path(typed).is_absolute() else [folder / typed for folder in folders]:
            if (found := _inside(candidate, folders)) is not None:
                return found
    fix = "upload the file, or give a path in a folder that the settings allow"
    raise InputError("no file at that path in the allowed folders", fix)


def uploaded(host: Host, path: Path) -> Path:
    """Where an uploaded file really lies: among the page's uploads, or inside an allowed folder.

    Raises InputError for any other: the page can be asked for it by somebody who never uploaded anything.
    """
    if (found := _inside(path, (upload_folder(), *host.allowed_folders()))) is None:
        raise InputError("the uploaded file is gone", "upload it again")
    return found


def upload_folder() -> Path:
    """Where gradio puts what is uploaded."""
    return Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()) / "gradio")


def _inside(path: Path, folders: tuple[Path, ...]) -> Path | None:
    """The resolved path when it is a regular file under one of ``folders``."""
    try:
        real = path.resolve(strict=True)
        return real if real.is_file() and any(real.is_relative_to(f.resolve()) for f in folders) else None
    except (OSError, ValueError, RuntimeError):  # missing, a NUL in the name, a loop of links
        return None


def copy_in(project: Project, source: Path, stem: str, suffixes: frozenset[str]) -> Path:
    """Copy a file into a project as ``stem`` and its ending, where that is one of ``suffixes``.

    Raises ProjectError when it cannot be written.
    """
    ending = source.suffix.lower().lstrip(".")
    copy = project.path(f"{stem}.{ending}" if ending in suffixes else stem)
    with written_aside(copy) as aside:
        shutil.copyfile(source, aside)
    return copy
