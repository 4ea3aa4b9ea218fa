"""Which folders of the machine are ours: where we write, what may be read, what the browser may fetch.

Conventions: everything we write lies under the WebUI's data folder (``--data-dir``) as the person sees it: a folder
there that is a link to another disk is theirs to make. Reading a typed path is the stricter way round: its links are
resolved first. Settings are foreign text; one that cannot be used gives the default and a line that says so.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from urllib.parse import quote

from lib_music.errors import InputError
from lib_music.webui.settings import ALLOWED_FOLDERS, DEFAULT_OUTPUT, OUTPUT_FOLDER, setting

#: Folders of the data folder that are the host's; what lies in an extension's checkout would spoil its updates.
_HOSTS = ("extensions", "extensions-builtin", "models", "modules", "repositories", "scripts", "venv")


@dataclass(frozen=True)
class Workspace:
    """Where projects are: ``folder``, and in ``notice`` why it is not the one that was set (else empty)."""

    folder: Path
    notice: str = ""


def data_folder() -> Path:
    """The WebUI's data folder, absolute; links in it are left as they are."""
    from modules import paths_internal

    return Path(os.path.normpath(Path(paths_internal.data_path).absolute()))


def workspace() -> Workspace:
    """The output folder of the settings, or the default where that cannot be used."""
    data = data_folder()
    chosen = setting(OUTPUT_FOLDER) or DEFAULT_OUTPUT
    reason = _refusal(chosen, data)
    if reason:
        notice = f"the output folder of the settings {reason}; {DEFAULT_OUTPUT} in the WebUI's data folder is used"
        return Workspace(data / DEFAULT_OUTPUT, notice)
    return Workspace(_below(data, chosen))


def _refusal(chosen: str, data: Path) -> str:
    """Why a folder cannot be the output folder; empty when it can."""
    if not chosen.isprintable():
        return "has characters that cannot be shown"
    folder = _below(data, chosen)
    if folder == data or data not in folder.parents:
        return "is not inside the WebUI's data folder (put a link to the other disk there, and name the link)"
    inside = folder.relative_to(data).parts
    if any(part.startswith(".") for part in inside):
        return "has a part that begins with a dot, which the WebUI never shows"
    if inside[0].lower() in _HOSTS:
        return "is in one of the WebUI's own folders"
    if folder.exists() and not folder.is_dir():
        return "is a file"
    return ""


def _below(data: Path, chosen: str) -> Path:
    """``chosen`` seen from the data folder, without ``..``; absolute paths stay what they are."""
    return Path(os.path.normpath(data / chosen))


def allowed_folders() -> tuple[Path, ...]:
    """Folders in which a typed path may lie: the workspace and those of the settings, links resolved."""
    data = data_folder()
    names = [part.strip() for part in re.split(r"[,;\n]", setting(ALLOWED_FOLDERS)) if part.strip().isprintable()]
    folders = [workspace().folder, *(_below(data, name) for name in names if name)]
    return tuple(dict.fromkeys(folder.resolve() for folder in folders))


def relative_url(path: Path, cwd: Path | None = None) -> str:
    """The ``file=`` URL of a file of the workspace; raises InputError for any other.

    It is relative to the folder the WebUI runs in where it can be: nobody need read the machine's paths in it. The
    time of the last change makes browsers ask again for a file that was made anew.
    """
    folder, cwd = workspace().folder, cwd or Path.cwd()
    inside = _inside(path, folder)
    if inside is None or any(part.startswith(".") for part in inside.parts):
        raise InputError("this file is not one that the page shows", "it must lie in a project of the output folder")
    shown = folder / inside
    try:
        changed = int(shown.stat().st_mtime)
    except OSError as error:
        raise InputError(f"the file {inside.name} is gone", "make it again") from error
    place = shown.relative_to(cwd) if cwd in shown.parents else shown
    return f"file={quote(place.as_posix())}?{changed}"


def _inside(path: Path, folder: Path) -> PurePath | None:
    """``path`` relative to ``folder``, whether or not links were resolved on the way; None outside of it."""
    real, plain = path.resolve(), Path(os.path.normpath(path.absolute()))
    if folder.resolve() not in real.parents:
        return None
    if folder in plain.parents:
        return plain.relative_to(folder)
    return real.relative_to(folder.resolve())


def hidden_by_host() -> bool:
    """Whether the host would serve no file of the workspace."""
    return dots_are_refused() and any(p.startswith(".") for p in workspace().folder.parts)


def dots_are_refused() -> bool:
    """Whether no path with a part that begins with a dot is served: gradio 3 refuses them, gradio 4 does not."""
    import gradio

    return str(gradio.__version__).startswith("3.")


def served_folders() -> tuple[Path, ...]:
    """The folders whose files the host hands to the browser, or may hand out at its next start."""
    from modules import shared

    from lib_music.studio.workspace import upload_folder

    # gradio 3 serves what lies below the folder it runs in; both hosts allow their data folder.
    found = [Path.cwd(), data_folder(), workspace().folder, upload_folder()]
    given = getattr(getattr(shared, "demo", None), "allowed_paths", None)
    options = getattr(getattr(shared, "cmd_opts", None), "gradio_allowed_path", None)
    for names in (given, options):
        found += [Path(name) for name in names if isinstance(name, (str, Path))] if isinstance(names, list) else []
    return tuple(dict.fromkeys(folder.absolute() for folder in found))
