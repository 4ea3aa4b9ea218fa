"""How every call is taken: who calls, how much, and what goes wrong are looked at in one place.

Conventions: a route of this class cannot be called past the guard; what it looks at comes before any body is read. An
answer goes out before a proxy loses its patience: work that takes longer goes on by itself, and the caller is told to
ask again. A call that makes something may carry an ``Idempotency-Key``: the same key again gets the first one's answer,
so that an answer lost on the way makes nothing twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from lib_music.api.guard import SAFE, Buckets, Guard, Limits, check_rate
from lib_music.api.problems import MEDIA_TYPE, Problem, again_after, problem_of

Handler = Callable[[Any], Coroutine[Any, Any, Any]]
#: What a piece of an upload says it is; every other body is JSON.
PIECE_TYPE = "application/offset+octet-stream"
_KEYS, _KEY_KEPT, _LONGEST_KEY = 500, 24 * 3600.0, 200
_ERRORS_TOLD, _LONGEST_ERROR = 10, 200
#: On every answer: nobody guesses its kind, and nobody keeps it who is not told to.
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class Json(JSONResponse):
    """JSON in ASCII: half a surrogate pair in a found text breaks no answer."""

    def render(self, content: Any) -> bytes:
        """As bytes; numbers are finite."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


class ProblemJson(Json):
    """A problem object."""

    media_type = MEDIA_TYPE


class Message(Request):
    """A request whose body is JSON of our size, in real Unicode."""

    most = 0

    async def body(self) -> bytes:
        """All of it; raises Problem (413)."""
        if not hasattr(self, "_body"):
            parts: list[bytes] = []
            size = 0
            async for part in self.stream():
                size += len(part)
                if size > self.most:
                    raise too_large(self.most)
                parts.append(part)
            self._body = b"".join(parts)
        return self._body

    async def read(self) -> None:
        """Read a JSON body before FastAPI does, which would tell of any trouble in its own words."""
        if await self.body():
            await self.json()

    async def json(self) -> Any:
        """What it holds; raises Problem (400) where it is no JSON, or holds what is no number or no text."""
        if not hasattr(self, "_json"):
            try:
                found = json.loads(await self.body(), parse_constant=_no_number)
                json.dumps(found, ensure_ascii=False, allow_nan=False).encode("utf-8")
            except (ValueError, RecursionError) as error:
                raise Problem(400, "the body is not JSON, or holds what is no number or text", "send JSON") from error
            self._json = found
        return self._json


def too_large(most: int) -> Problem:
    """A body over so many bytes."""
    return Problem(413, "the body is too large", f"send at most {most:,} bytes")


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


@dataclass(frozen=True)
class _Kept:
    """The answer to a call with a key; None while it is being made."""

    digest: str
    at: float
    status: int = 0
    body: bytes = b""


@dataclass
class Gate:
    """What stands before all routes of one server.

    Parameters
    ----------
    guard : Guard
    limits : Limits
    folders : callable
        Places on this machine that nobody need read of.
    """

    guard: Guard
    limits: Limits
    folders: Callable[[], Iterable[Path]] = field(default=lambda: ())

    def __post_init__(self) -> None:
        self._buckets = Buckets()
        self._late: set[asyncio.Future[Any]] = set()
        self._kept: OrderedDict[tuple[str, str, str], _Kept] = OrderedDict()
        self._keeping = threading.Lock()

    async def answer(self, request: Any, handle: Handler, query: frozenset[str] | None = None) -> Any:
        """One call, from the guard to its answer; nothing is raised past this.

        Parameters
        ----------
        request : starlette Request
        handle : callable
            The route's own handler.
        query : frozenset of str, optional
            The parameters that the address may have; a misspelt one must not pass for none.
        """
        try:
            caller = self._admit(request)
            if query is not None and (unknown := sorted(set(request.query_params) - query)):
                known = ", ".join(sorted(query)) or "none"
                raise Problem(422, f"{unknown[0][:40]!r} is no parameter of this address", f"it takes {known}")
            message = Message(request.scope, request.receive)
            message.most = self.limits.message
            if message.headers.get("content-type", "").partition(";")[0].strip().lower() != PIECE_TYPE:
                await message.read()
            response = await self._once(message, caller, handle)
        except ClientDisconnect:
            response = Response(status_code=400)  # nobody hears it
        except Exception as error:
            response = self._told(error)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def _admit(self, request: Any) -> str:
        """Whether this call may be made at all; returns whose it is. Raises Problem."""
        headers, method, limits = request.headers, request.method, self.limits
        address = request.client.host if request.client else ""
        user = self.guard.user(headers, request.cookies)
        if user is None:
            if "authorization" in headers:
                check_rate(self._buckets, "refusals", address, limits.refusals)
            raise Problem(
                401, "this needs a user name and a password", "give those of --api-auth or --gradio-auth",
                {"WWW-Authenticate": 'Basic realm="Music Visualizer", charset="UTF-8"'},
            )  # fmt: skip
        self.guard.check_origin(method, headers)
        caller = f"user {user}" if user else address
        check_rate(self._buckets, "calls", caller, limits.calls)
        if method not in SAFE:
            _check_body(method, headers, limits)
        if method == "POST":
            check_rate(self._buckets, "makes", caller, limits.makes)
        return caller

    async def _once(self, message: Message, caller: str, handle: Handler) -> Any:
        """Call it, or repeat the answer to the same call with the same key."""
        key = message.headers.get("idempotency-key", "")
        if message.method != "POST" or not key:
            return await self._patiently(asyncio.ensure_future(handle(message)))
        if len(key) > _LONGEST_KEY:
            raise Problem(422, "the Idempotency-Key is too long", f"keep it to {_LONGEST_KEY} characters")
        place = (caller, f"{message.url.path}?{message.url.query}", key)
        digest = hashlib.sha256(await message.body()).hexdigest()
        if (kept := self._reserve(place, digest)) is not None:
            return Response(kept.body, kept.status, {"Idempotent-Replayed": "true"}, "application/json")
        task = asyncio.ensure_future(handle(message))
        task.add_done_callback(lambda done: self._keep(place, digest, done))
        return await self._patiently(task)

    def _keep(self, place: tuple[str, str, str], digest: str, task: asyncio.Future[Any]) -> None:
        """Keep an answer under its key; the key of a call that came to nothing is free again."""
        good = not task.cancelled() and task.exception() is None and 200 <= task.result().status_code < 300
        with self._keeping:
            self._kept.pop(place, None)
            if good:
                response = task.result()
                self._kept[place] = _Kept(digest, time.monotonic(), response.status_code, response.body)

    def _reserve(self, place: tuple[str, str, str], digest: str) -> _Kept | None:
        """The answer that is kept under a key, or None and the key is taken; raises Problem (409, 422)."""
        with self._keeping:
            kept = self._kept.get(place)
            if kept is not None and kept.status and time.monotonic() - kept.at > _KEY_KEPT:
                kept = None
            if kept is None:
                self._kept[place] = _Kept(digest, time.monotonic())
                while len(self._kept) > _KEYS:
                    self._kept.popitem(last=False)
                return None
        if kept.digest != digest:
            raise Problem(422, "this Idempotency-Key belongs to another call", "use a new one")
        if not kept.status:
            raise Problem(409, "this very call is being answered", "ask again", again_after(1))
        return kept

    async def _patiently(self, task: asyncio.Future[Any]) -> Any:
        """What ``task`` gives; raises Problem (503) when it takes too long, and it goes on by itself."""
        done, _ = await asyncio.wait({task}, timeout=self.limits.patience)
        if done:
            return task.result()
        self._late.add(task)
        task.add_done_callback(self._ended)
        raise Problem(503, "this takes longer; it goes on by itself", "look again in a minute", again_after(30))

    def _ended(self, task: asyncio.Future[Any]) -> None:
        self._late.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            problem_of(error if isinstance(error, Exception) else RuntimeError(str(error)))

    def _told(self, error: Exception) -> Any:
        if isinstance(error, RequestValidationError):
            problem = _invalid(error)
        elif isinstance(error, HTTPException):
            problem = Problem(error.status_code, str(error.detail), "", error.headers)
        else:
            problem = problem_of(error, self.folders())
        return ProblemJson(problem.to_dict(), problem.status, problem.headers)


def _check_body(method: str, headers: Any, limits: Limits) -> None:
    """Raise Problem (411, 413, 415) for a body that is not ours: a form of another web site cannot send JSON."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    length = headers.get("content-length", "")
    has_body = "transfer-encoding" in headers or length not in ("", "0")
    piece = method == "PATCH" and kind == PIECE_TYPE
    if kind != "application/json" and not piece and (method == "POST" or has_body):
        raise Problem(415, f"a body of the kind {kind[:80] or 'none'!r} is not taken", "send application/json")
    if piece and not length.isdigit():
        raise Problem(411, "the piece does not say how long it is", "send Content-Length")
    most = limits.piece if piece else limits.message
    if length.isdigit() and int(length) > most:
        raise too_large(most)


def _invalid(error: RequestValidationError) -> Problem:
    """Which fields are not what they should be; what was sent is not sent back."""
    found = []
    for entry in list(error.errors())[:_ERRORS_TOLD]:
        where = ".".join(str(part) for part in entry.get("loc", ()))[:_LONGEST_ERROR]
        found.append({"where": where, "what": str(entry.get("msg", ""))[:_LONGEST_ERROR]})
    first = f"{found[0]['where']}: {found[0]['what']}" if found else "the call cannot be understood"
    return Problem(422, first, "see the API's page", more={"errors": found})


def route_class(gate: Gate) -> type[Any]:
    """The class of routes behind this gate."""

    class GatedRoute(APIRoute):
        """A route whose calls all go through the gate."""

        def get_route_handler(self) -> Handler:
            """The route's handler, behind the gate."""
            handle = super().get_route_handler()
            # What is no route of ours is told as such, whatever else is wrong with it.
            query = frozenset(p.alias for p in self.dependant.query_params) if self.include_in_schema else None

            async def gated(request: Any) -> Any:
                return await gate.answer(request, handle, query)

            return gated

    return GatedRoute
