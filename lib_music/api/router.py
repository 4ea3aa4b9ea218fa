"""All routes of the API, for whatever application takes them in.

Conventions: the router brings its own guard, problems and limits, and relies on nothing of the application around it;
what lies below :data:`~lib_music.api.PREFIX` and is no route is answered here too, so that nothing there can be asked
without credentials.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Security
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase
from starlette.responses import Response
from starlette.routing import Match

from lib_music import __version__
from lib_music.api import PREFIX, VERSION
from lib_music.api.desk import Desk
from lib_music.api.guard import Guard, Limits
from lib_music.api.media import Media
from lib_music.api.models import Info
from lib_music.api.painting import Painting
from lib_music.api.problems import MEDIA_TYPE, Problem
from lib_music.api.routing import Gate, Json, route_class
from lib_music.api.sending import Sending
from lib_music.api.songs import Songs
from lib_music.api.uploads import Uploads

if TYPE_CHECKING:
    from lib_music.studio.studio import Studio

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]
_PROBLEM = {
    "type": "object",
    "required": ["title", "status", "detail", "fix"],
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong"},
        "fix": {"type": "string", "description": "the likely way on"},
    },
}
_TROUBLES = {
    400: "The body is not JSON",
    401: "Credentials are missing or wrong",
    403: "Another web site asks",
    404: "There is no such thing",
    408: "It came too slowly",
    409: "It cannot be done now",
    411: "The length is missing",
    413: "It is too large",
    415: "The body is of another kind",
    416: "There are no such bytes",
    422: "What was given cannot be used",
    429: "Too many; see Retry-After",
    500: "It failed",
    502: "Somebody else's server failed",
    503: "It takes longer, or what paints is not there; see Retry-After",
    507: "The disk is nearly full",
}


class _Basic(SecurityBase):
    """HTTP Basic on the OpenAPI page; the gate itself looks at it."""

    def __init__(self) -> None:
        self.model, self.scheme_name = HTTPBase(scheme="basic"), "MusicVisualizer"

    async def __call__(self) -> None:
        """Nothing is left to do here."""


def api_router(studio: Studio, guard: Guard | None = None, limits: Limits | None = None) -> Any:
    """The router of one studio.

    Parameters
    ----------
    studio : Studio
    guard : Guard, optional
        Without one everybody may call who can reach the server, but no other web site.
    limits : Limits, optional

    Returns
    -------
    fastapi.APIRouter
    """
    limits = limits or Limits()
    desk = Desk(studio, Uploads(studio.host.workspace, limits), limits)
    gate = Gate(guard or Guard(), limits, desk.places)
    told = {"content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
    router = APIRouter(
        prefix=PREFIX,
        tags=["Music Visualizer"],
        route_class=route_class(gate),
        default_response_class=Json,
        dependencies=[Security(_Basic())],
        responses={code: {"description": text, **told} for code, text in _TROUBLES.items()},
        generate_unique_id_function=_operation,
    )
    router.add_api_route("/info", _Front(desk).info, methods=["GET"], response_model=Info)
    for part in (Sending(desk), Songs(desk), Painting(desk), Media(desk)):
        part.add_to(router)

    def nothing_there(request: Request) -> Response:
        """What is no route."""
        allowed = [
            method for route in router.routes[:-2] if route.matches(request.scope)[0] is not Match.NONE
            for method in route.methods
        ]  # fmt: skip
        if allowed:
            raise Problem(405, f"{request.method} is not possible here", "", {"Allow": ", ".join(sorted(allowed))})
        raise Problem(404, "there is nothing here", "GET /docs shows what there is")

    for path in ("", "/{path:path}"):
        router.add_api_route(path, nothing_there, methods=_METHODS, include_in_schema=False)
    return router


def add_api(app: Any, studio: Studio, guard: Guard | None = None, limits: Limits | None = None) -> None:
    """Add the routes of :func:`api_router` to an application, before it answers for the first time.

    As they are: ``include_router`` would make each a second time, and the WebUI's start waits for it.
    """
    app.router.routes.extend(api_router(studio, guard, limits).routes)
    # The OpenAPI page may have been asked for already.
    app.openapi_schema = None


def _operation(route: Any) -> str:
    """A name for the OpenAPI page that no other extension has."""
    method = min(route.methods).lower()
    path = route.path_format.removeprefix(PREFIX).strip("/")
    return f"music_visualizer_{method}_" + "_".join(p.strip("{}").replace("-", "_") for p in path.split("/"))


class _Front:
    """What the server is."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def info(self) -> dict[str, Any]:
        """What can be chosen here, and how much is taken."""
        from lib_music.schedule.presets import PRESETS
        from lib_music.studio.hearing import HEARING
        from lib_music.studio.know import ANSWERS
        from lib_music.studio.panels import panels
        from lib_music.studio.rows import PROMPTS

        host, limits = self.desk.studio.host, self.desk.limits
        actions = [*HEARING, *PROMPTS, *ANSWERS, *(name for panel in panels() for name in panel.actions)]

        def listed(choices: Any) -> list[dict[str, str]]:
            return [{"id": c.id, "label": c.label, "note": self.desk.told(c.note)} for c in choices]

        return {
            "api": VERSION, "version": __version__, "host": host.name,
            "notices": [self.desk.told(line) for line in host.notices()],
            "renderers": listed(host.renderers()), "captioners": listed(host.captioners()),
            "samplers": list(host.samplers()), "presets": ["auto", *PRESETS], "actions": actions,
            "panels": [panel.name for panel in panels()],
            "limits": {"message": limits.message, "piece": limits.piece, "upload": limits.upload,
                       "uploads": limits.uploads},
        }  # fmt: skip
