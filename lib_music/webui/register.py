"""What the WebUI calls: the tab, the settings, and the HTTP API.

Conventions: the WebUI runs our script again at every Reload UI, after it has dropped all callbacks; these modules stay,
and with them jobs and threads. Nothing here may fail: a tab that cannot be built becomes one that says why.
"""

from __future__ import annotations

import html
import importlib.util
import logging
import os
from collections.abc import Iterable
from typing import Any

from lib_music.errors import MusicVisualizerError
from lib_music.webui import stale

log = logging.getLogger("lib_music")

TITLE, TAB = "Music Visualizer", "music_visualizer"
#: What the tab cannot do without: name of the module, name of the package.
_NEEDED = (
    ("numpy", "numpy"), ("scipy", "scipy"), ("cv2", "opencv-python-headless"), ("PIL", "pillow"), ("pydub", "pydub"),
    ("tinytag", "tinytag"), ("imageio_ffmpeg", "imageio-ffmpeg"), ("filelock", "filelock"),
    ("platformdirs", "platformdirs"), ("requests", "requests"), ("rich", "rich"),
)  # fmt: skip


def register(script: str) -> None:
    """Hand the WebUI our callbacks, once for each time that it loads its scripts; ``script`` is the file it loads.

    The host's ``on_ui_tabs`` would look through the whole stack for that file, a twentieth of a second each time.
    """
    from modules import script_callbacks

    _keep_with_data()
    callbacks = (("ui_tabs", on_ui_tabs), ("ui_settings", on_ui_settings), ("app_started", on_app_started))
    for kind, callback in callbacks:
        waiting = script_callbacks.callback_map[f"callbacks_{kind}"]
        # A second copy of the extension runs these same modules; there is one tab all the same.
        if all(entry.callback is not callback for entry in waiting):
            script_callbacks.add_callback(waiting, callback, category=kind, filename=script)


def _keep_with_data() -> None:
    """What is kept between starts lies with the host's data, which on a pod outlives the machine.

    numba (the host's own packages bring it) would else write where it is installed, which need not be writable.
    """
    from lib_music.webui.folders import data_folder

    cache = data_folder() / "cache"
    os.environ.setdefault("MUSIC_VISUALIZER_CACHE", str(cache / "music-visualizer"))
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache / "numba"))


def on_app_started(page: Any, app: Any) -> None:
    """The HTTP API, where the WebUI has one; ``page`` is None where it has no page."""
    from lib_music.webui.api import is_wanted, start

    try:
        if is_wanted() and not _missing():
            start(app)
    except Exception:
        log.exception("the HTTP API of Music Visualizer could not be added")


def on_ui_settings() -> None:
    """Our section of the settings."""
    from lib_music.webui.settings import add_settings

    add_settings()


def on_ui_tabs() -> list[tuple[Any, str, str]]:
    """The tab, or one that says what is missing."""
    missing = _missing()
    if missing:
        return [(_apology(missing), TITLE, TAB)]
    try:
        page = _tab()
    except Exception as error:
        log.exception("the Music Visualizer tab could not be built")
        page = _apology(_explained(error))
    return [(page, TITLE, TAB)]


def _tab() -> Any:
    from lib_music.studio.studio import studio_of
    from lib_music.ui.tab import build_tab
    from lib_music.webui.host import WebuiHost

    return build_tab(studio_of(WebuiHost()), standalone=False)


def _missing() -> list[str]:
    """A line for all packages that are not installed; they are looked for, not imported."""
    packages = [package for module, package in _NEEDED if not _is_there(module)]
    return [_install(packages)] if packages else []


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # a stand-in that somebody put into sys.modules
        return False


def _install(packages: Iterable[str]) -> str:
    """How to get them. Never by a plain ``pip install``, which may take the host's own packages along."""
    return (
        f"Music Visualizer needs {', '.join(packages)}. Restart the WebUI without --skip-install to have it installed "
        "(no other package is changed), or run this extension's install.py with the WebUI's Python"
    )


def _damaged(package: str) -> str:
    return (
        f"Music Visualizer cannot load {package}, though it is there: the WebUI's console says why. "
        "Repair that package of the WebUI's Python and restart"
    )


def _explained(error: Exception) -> list[str]:
    """What went wrong and the way on, as lines."""
    if isinstance(error, ImportError) and error.name:
        module = error.name.partition(".")[0]
        if module == "lib_music":
            again = "update or install the extension again, and restart the WebUI"
            return [f"Music Visualizer's files do not fit together ({error.name}): {again}"]
        package = dict(_NEEDED).get(module, module)
        return [_damaged(package) if _is_there(module) else _install([package])]
    if stale.is_stale():
        return ["Music Visualizer was updated: restart the WebUI (Reload UI is not enough)"]
    if isinstance(error, MusicVisualizerError):
        return [f"Music Visualizer cannot start: {error.message}", error.fix]
    return [f"Music Visualizer cannot start: {type(error).__name__}. The WebUI's console says more"]


def _apology(lines: Iterable[str]) -> Any:
    """A page that holds nothing but these lines."""
    import gradio as gr

    with gr.Blocks(analytics_enabled=False) as page:
        text = "".join(f"<p>{html.escape(line)}</p>" for line in lines if line)
        gr.HTML(f'<div role="alert">{text}</div>', elem_id=f"{TAB}_missing")
    return page
