"""Every difference between gradio 3.41 (AUTOMATIC1111) and 4.40 (Forge), in one place.

Conventions: handlers return plain values and :class:`~lib_music.ui.shown.Update`; only this module turns them into
gradio's own. Every event is short and stays out of gradio's queue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from lib_music.studio.workspace import upload_folder
from lib_music.ui.shown import REFUSED, Shown, Update

#: 3 or 4; the first calls an event's JavaScript ``_js``.
MAJOR = int(gr.__version__.split(".")[0])
_JS = "js" if MAJOR >= 4 else "_js"


def listen(
    event: Callable[..., Any],
    handler: Callable[..., Shown] | None = None,
    inputs: Sequence[Any] = (),
    outputs: Mapping[str, Any] | None = None,
    js: str | None = None,
) -> Any:
    """Call ``handler`` at an event and show what it returns, by name; ``js`` runs before it, or alone.

    Returns
    -------
    gradio's dependency, for ``.then``.
    """
    named = dict(outputs or {})
    fn = _spread(handler, tuple(named)) if handler is not None else None
    more: dict[str, Any] = {_JS: js} if js else {}
    return event(
        fn,
        inputs=list(inputs) or None,
        outputs=list(named.values()) or None,
        queue=False,
        show_progress="hidden",
        api_name=False,
        **more,
    )


def _spread(handler: Callable[..., Shown], names: tuple[str, ...]) -> Callable[..., Any]:
    """``handler``, its named values in the order of the outputs; what it does not name stays as it is on the page."""

    def spread(*values: Any) -> Any:
        shown = handler(*values)
        unknown = shown.keys() - set(names)
        assert not unknown, f"{handler.__name__} shows {unknown}, which the page does not have"
        out = [_value(shown[name]) if name in shown else gr.update() for name in names]
        return out[0] if len(out) == 1 else out

    spread.__name__ = f"music_visualizer_{handler.__name__}"
    return spread


def _value(value: Any) -> Any:
    if not isinstance(value, Update):
        return value
    return gr.update(**value.changes())


def upload(**options: Any) -> Any:
    """A ``gr.File`` for one file, which yields nothing but files that were sent to gradio.

    Anybody can post ``{"name": "/etc/passwd", "is_file": true}``: 3.41 would copy that file into its own folder before
    any handler could look, 4.40 would fetch an address. The handler gets REFUSED instead.
    """
    file = gr.File(file_count="single", **options)
    if MAJOR < 4:
        file.preprocess = _only_sent(file.preprocess)
    else:
        file.async_move_resource_to_block_cache = _never_fetched(file.async_move_resource_to_block_cache)
    return file


def _only_sent(preprocess: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def guarded(payload: Any) -> Any:
        if payload is None:
            return None
        if not isinstance(payload, dict) or payload.get("is_file") is not True:
            return REFUSED
        return preprocess(payload) if is_sent(payload.get("name")) else REFUSED

    return guarded


def _never_fetched(move: Callable[..., Any]) -> Callable[..., Any]:
    async def guarded(path: Any) -> Any:
        if not is_sent(path):
            raise ValueError("that file was not sent to this page")
        return await move(path)

    return guarded


def is_sent(name: Any) -> bool:
    """Whether ``name`` is a file inside gradio's own folder of uploads, symlinks resolved."""
    if not isinstance(name, (str, Path)) or not name or "\0" in str(name):
        return False
    try:
        place = Path(name).resolve()
        return place.is_relative_to(upload_folder().resolve()) and place.is_file()
    except OSError:
        return False


def application(page: gr.Blocks, allowed: Sequence[Path]) -> Any:
    """The page as a web application by itself, serving files of the ``allowed`` folders and no others."""
    from gradio.routes import App

    page.dev_mode, page.show_error, page.show_api = False, True, False
    page.auth = page.auth_message = page.favicon_path = page.max_file_size = None
    page.allowed_paths, page.blocked_paths = [str(folder) for folder in allowed], []
    page.max_file_size = page.enable_monitoring = None  # gradio sets these only in launch()
    page.config = page.get_config_file()
    page.validate_queue_settings()
    app = App.create_app(page)
    if MAJOR < 4:
        # It would serve everything below the folder that the program was started in.
        app.cwd = str(allowed[0])
    # 3.41 lets every web site call a page on this machine; 4.40 has a guard of its own.
    app.user_middleware = [entry for entry in app.user_middleware if entry.cls.__name__ != "CORSMiddleware"]
    return app
