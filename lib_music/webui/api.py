"""The HTTP API in the WebUI: where it is added, and whom the WebUI's own flags let in.

Conventions: it is there when the WebUI has an API (``--api``, or ``--nowebui``). The WebUI guards its own routes alone,
so ours ask for the credentials of ``--api-auth``, ``--gradio-auth`` and ``--gradio-auth-path`` themselves: any of them
will do, and where one of the flags is given nobody gets in without. Flags that hold no whole pair let nobody in.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lib_music.api.guard import Guard

_COOKIES = ("access-token", "access-token-unsecure")
log = logging.getLogger("lib_music")


def is_wanted() -> bool:
    """Whether the WebUI was started with an API."""
    from modules import shared

    return any(getattr(shared.cmd_opts, flag, False) for flag in ("api", "nowebui"))


def start(app: Any) -> None:
    """Add the routes to the WebUI's application, before it answers for the first time."""
    from lib_music.api.router import add_api
    from lib_music.studio.studio import studio_of
    from lib_music.webui.host import WebuiHost

    add_api(app, studio_of(WebuiHost()), guard_of(app))


def guard_of(app: Any) -> Guard:
    """Whom the WebUI's flags let in."""
    from modules import shared

    from lib_music.api.guard import Guard, read_pairs

    def flag(name: str) -> str:
        value = getattr(shared.cmd_opts, name, None)
        return value if isinstance(value, str) else ""

    api, page, path = flag("api_auth"), flag("gradio_auth"), flag("gradio_auth_path")
    pairs = (*read_pairs(api, trimmed=False), *read_pairs(page), *read_pairs(_text(path)))
    needed = bool(api or page or path) or getattr(app, "auth", None) is not None
    # An asterisk there opens the host's own routes to every web site; ours stay the person's.
    origins = frozenset(flag("cors_allow_origins").split(",")) - {"", "*"}
    return Guard(pairs, needed, _signed_in(app), origins)


def _text(path: str) -> str:
    """A file of credentials; one that cannot be read lets nobody in."""
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        log.warning("the file of --gradio-auth-path cannot be read: %s", type(error).__name__)
        return ""


def _signed_in(app: Any) -> Callable[[Mapping[str, str]], str | None]:
    """Whom gradio's own login has let in: its cookie is one of a session that it knows."""

    def user(cookies: Mapping[str, str]) -> str | None:
        sessions = getattr(app, "tokens", None)
        if not isinstance(sessions, dict) or getattr(app, "auth", None) is None:
            return None
        mark = f"-{app.cookie_id}" if hasattr(app, "cookie_id") else ""
        with contextlib.suppress(TypeError):
            for name in _COOKIES:
                found = sessions.get(cookies.get(f"{name}{mark}", ""))
                if isinstance(found, str) and found:
                    return found
        return None

    return user
