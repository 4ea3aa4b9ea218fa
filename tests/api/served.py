"""The API of a studio, to be asked in this process or over a real socket."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from lib_music.api import PREFIX
from lib_music.api.guard import Guard, Limits
from lib_music.studio.studio import Studio

PIECE = {"Content-Type": "application/offset+octet-stream"}


def application(studio: Studio, guard: Guard | None = None, limits: Limits | None = None) -> Any:
    """An application with nothing but the API."""
    from fastapi import FastAPI

    from lib_music.api.router import add_api

    app = FastAPI()
    add_api(app, studio, guard, limits)
    return app


def asked(studio: Studio, guard: Guard | None = None, limits: Limits | None = None) -> Any:
    """A client of it, whose addresses begin below the prefix."""
    from fastapi.testclient import TestClient

    class Client(TestClient):
        """Adds the prefix."""

        def request(self, method: str, url: Any, **more: Any) -> Any:
            if method in ("POST", "PUT") and all(more.get(name) is None for name in ("content", "json")):
                more["json"] = {}
            return super().request(method, f"{PREFIX}{url}", **more)

    return Client(application(studio, guard, limits), raise_server_exceptions=False)


@contextlib.contextmanager
def served(app: Any) -> Iterator[int]:
    """The application on a port of this machine, which is yielded."""
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 120
    while not server.started:
        assert thread.is_alive() and time.monotonic() < deadline
        time.sleep(0.01)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(60)
        listener.close()
