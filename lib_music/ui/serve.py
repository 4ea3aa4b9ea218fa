"""``music-visualizer serve``: the tab as a page of its own on this machine, and nowhere else.

Conventions: it listens on 127.0.0.1 and answers only to that name; everything it writes lies in the workspace.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lib_music.errors import InputError, MusicVisualizerError
from lib_music.studio.plain import PlainHost
from lib_music.studio.studio import studio_of

if TYPE_CHECKING:
    from lib_music.studio.jobs import Jobs

HOST = "127.0.0.1"
#: Where it listens when no port is given, or on the next free one.
PORT = 7870
_TRIES = 20


def serve(
    folder: Path, port: int | None = None, webui: str | None = None, allowed: tuple[Path, ...] = (), disk_cap: int = 0
) -> None:
    """Open the page and stay until the person stops it.

    Parameters
    ----------
    folder : Path
        The workspace; made when it is missing.
    port : int, optional
    webui : str, optional
        Address of a WebUI whose Deforum paints.
    allowed : tuple of Path
        Further folders that a typed path may lead into.
    disk_cap : int
        Bytes that all projects may take; 0 is no cap.

    Raises
    ------
    InputError
        The port is taken, the address or a folder cannot be used.
    MusicVisualizerError
        gradio is not installed.
    """
    host = PlainHost(folder, allowed, webui, disk_cap)
    with _listening(port) as listener:
        application = make_application(host)
        import uvicorn

        print(f"Music Visualizer is at http://{HOST}:{listener.getsockname()[1]}/  (stop with Ctrl-C)", flush=True)
        config = uvicorn.Config(application, log_level="warning", timeout_graceful_shutdown=2)
        try:
            with contextlib.suppress(KeyboardInterrupt):
                uvicorn.Server(config).run(sockets=[listener])
        finally:
            end_jobs(studio_of(host).jobs)


def end_jobs(jobs: Jobs, patience: float = 10.0) -> None:
    """Interrupt what this process still works on, so that it ends where Resume can go on.

    Parameters
    ----------
    jobs : Jobs
    patience : float
        Seconds to wait for it; what takes longer is cut off, and can be resumed as after any crash.
    """
    ours = []
    for job in jobs.active():
        with contextlib.suppress(InputError):  # another process works on it
            jobs.interrupt(job.id)
            ours.append(job.id)
    end = time.monotonic() + patience
    while time.monotonic() < end and any(job.id in ours for job in jobs.active()):
        time.sleep(0.05)


def make_application(host: PlainHost) -> Any:
    """The page of a plain host as a web application."""
    # gradio would tell its makers that a page was opened.
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    try:
        import gradio  # noqa: F401
    except ImportError as error:
        from lib_music.doctor import how_to_add

        raise MusicVisualizerError(f"gradio cannot be used: {error}", how_to_add("ui", "gradio")) from error
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    from lib_music.api.router import add_api
    from lib_music.ui.compat import application
    from lib_music.ui.tab import build_tab

    studio = studio_of(host)
    app = application(build_tab(studio, standalone=True), [host.workspace()])
    add_api(app, studio)
    app.add_middleware(OwnSite)
    # A web site whose name was made to lead to this machine is not let in.
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    return app


class OwnSite:
    """Lets through what this page itself asks for: any web site may send a form or a file to this machine.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Answer 403 where a browser says that another site asks."""
        if scope["type"] in ("http", "websocket"):
            headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
            origin = headers.get(b"origin")
            if origin is not None and origin != f"http://{headers.get(b'host', '')}":
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1008})
                else:
                    await send({"type": "http.response.start", "status": 403, "headers": []})
                    await send({"type": "http.response.body", "body": b"another site asks for this"})
                return
        await self._app(scope, receive, send)


def _listening(port: int | None) -> socket.socket:
    """A socket that listens on the given port, or on the first free one of ours."""
    if port is not None and not 0 <= port <= 65535:
        raise InputError(f"port {port} is none", "give 1024 to 65535")
    wanted = range(PORT, PORT + _TRIES) if port is None else (port,)
    for number in wanted:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, number))
            return listener
        except OSError:
            listener.close()
    raise InputError(f"port {wanted[0]} is taken", "give another with --port")
