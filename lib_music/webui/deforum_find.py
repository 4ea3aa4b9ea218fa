"""Find the Deforum that is installed in this WebUI, and say in one line what to do where there is none.

Conventions: Deforum's folder may have any name, so it is known by what it holds (``scripts/deforum_helpers``) and by
what it has put into ``sys.modules``: a script that failed while it was loaded is not there. Nothing here imports
Deforum's heavy parts before :func:`find_deforum`; nothing is imported from the host before it is asked for.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from lib_music.errors import DeforumError

#: What to install, and where.
STOCK = "https://github.com/deforum-art/sd-webui-deforum"
FOR_FORGE = "https://github.com/Tok/sd-forge-deforum"
HELPERS = "deforum_helpers"

#: The file that Deforum's depth algorithms need, below its models folder; where there is none, the model comes from
#: somewhere else and cannot be looked for.
_DEPTH_FILES = {
    "midas-3.1-beitlarge": "dpt_beit_large_512.pt",
    "midas+adabins (old)": "dpt_large-midas-2f21e586.pt",
    "midas-3-hybrid": "dpt_large-midas-2f21e586.pt",
    "adabins": "AdaBins_nyu.pt",
    "leres": "res101.pth",
}


@dataclass(frozen=True)
class Deforum:
    """The modules of an installed Deforum: ``run`` holds ``run_deforum``, ``args`` knows its settings."""

    run: ModuleType
    args: ModuleType


def deforum_note() -> str:
    """Empty where Deforum can be used, else one line: what is wrong and what to install."""
    forge = is_forge()
    wanted = FOR_FORGE if forge else STOCK
    install = f"install {wanted} under Extensions, Install from URL, and restart the WebUI"
    if _is_loaded():
        folders = list(getattr(sys.modules.get(HELPERS), "__path__", ()))
        if _gradio_major() >= 4 and any(_needs_old_gradio(folder) for folder in folders):
            return f"the installed Deforum does not work with this WebUI: {install} instead"
        return ""
    found = list(_installed())
    if not found:
        return f"Deforum is not installed: {install}"
    if not any(enabled for _, enabled in found):
        return "Deforum is installed but switched off: tick it under Extensions and restart the WebUI"
    if not forge and any(_is_for_forge(folder) for folder, _ in found):
        return f"the installed Deforum is made for Forge: {install} instead"
    return f"Deforum is installed but could not be loaded: the console says why; update it, or {install}"


def find_deforum() -> Deforum:
    """The installed Deforum, imported.

    Raises DeforumError with :func:`deforum_note`'s line where it cannot be used.
    """
    note = deforum_note()
    if note:
        what, _, fix = note.partition(": ")
        raise DeforumError(what, fix)
    for folder in getattr(sys.modules.get(HELPERS), "__path__", ()):
        _reachable(Path(folder))
    try:
        run = importlib.import_module(f"{HELPERS}.run_deforum")
        args = importlib.import_module(f"{HELPERS}.args")
    except Exception as error:  # whatever a foreign module does while it is loaded
        raise DeforumError(f"Deforum cannot be loaded: {error}", "update it, and see the WebUI's console") from error
    return Deforum(run, args)


def has_depth_model(algorithm: str) -> bool | None:
    """Whether the depth model of that algorithm is on disk; None where that cannot be told."""
    name = _DEPTH_FILES.get(algorithm.lower())
    return None if name is None else (models_folder() / name).is_file()


def depth_file(algorithm: str) -> str:
    """The name of the file that :func:`has_depth_model` looks for; empty where there is none."""
    return _DEPTH_FILES.get(algorithm.lower(), "")


def models_folder() -> Path:
    """Where Deforum keeps its models."""
    paths: Any = importlib.import_module("modules.paths")
    return Path(paths.models_path) / "Deforum"


def is_forge() -> bool:
    """Whether the host is Forge."""
    try:
        return importlib.util.find_spec("modules_forge") is not None
    except (ImportError, ValueError):
        return False


def _is_loaded() -> bool:
    # Its tab's module is imported last; one that failed is taken out again.
    return f"{HELPERS}.run_deforum" in sys.modules or f"{HELPERS}.ui_right" in sys.modules


def _installed() -> Iterator[tuple[Path, bool]]:
    """Folders of extensions that hold a Deforum, and whether they are switched on."""
    try:
        extensions: Any = importlib.import_module("modules.extensions")
    except ImportError:  # no WebUI at all
        return
    active = {extension.path for extension in extensions.active()}
    for extension in extensions.extensions:
        folder = Path(extension.path) / "scripts" / HELPERS
        if folder.is_dir():
            yield folder, extension.path in active


def _reachable(helpers: Path) -> None:
    """Its modules import each other by bare names; the WebUI keeps that path only while it loads scripts."""
    for folder in (str(helpers.parent), str(helpers / "src")):
        if folder not in sys.path:
            sys.path.append(folder)


def _gradio_major() -> int:
    version = str(getattr(sys.modules.get("gradio"), "__version__", "0"))
    return int(version.split(".")[0]) if version[:1].isdigit() else 0


@functools.lru_cache(maxsize=8)
def _needs_old_gradio(folder: str) -> bool:
    """Whether its tab uses what gradio 4 has taken away."""
    return any(b".style(" in _text(path) for path in sorted(Path(folder).glob("ui_*.py")))


def _is_for_forge(folder: Path) -> bool:
    return b"forge" in _text(folder / "run_deforum.py").lower()


def _text(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
