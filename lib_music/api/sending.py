"""Routes for files that are sent in pieces."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

from fastapi import Header, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from lib_music.api.desk import Desk
from lib_music.api.models import UploadIn, UploadOut, UploadPage
from lib_music.api.paging import LIMIT, OFFSET
from lib_music.api.problems import Problem
from lib_music.api.routing import PIECE_TYPE
from lib_music.api.uploads import Upload

#: Bytes that are collected before they are written.
_BLOCK = 1 << 20
_FROM: Any = Header(..., ge=0, le=2**53, description="where this piece begins: where the last one ended")
#: Bytes that no disk has.
_MOST = 2**50
_HEX = re.compile(r"([0-9a-fA-F]{64})?")


class Sending:
    """Announce, send, look, delete."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def add_to(self, router: Any) -> None:
        """Add the routes."""
        add = router.add_api_route
        add("/uploads", self.all, methods=["GET"], response_model=UploadPage)
        add("/uploads", self.begin, methods=["POST"], status_code=201, response_model=UploadOut)
        add("/uploads/{upload}", self.look, methods=["GET"], response_model=UploadOut)
        add("/uploads/{upload}", self.head, methods=["HEAD"], include_in_schema=False)
        body = {"content": {PIECE_TYPE: {"schema": {"type": "string", "format": "binary"}}}, "required": True}
        add("/uploads/{upload}", self.send, methods=["PATCH"], response_model=UploadOut,
            openapi_extra={"requestBody": body})  # fmt: skip
        add("/uploads/{upload}", self.drop, methods=["DELETE"], status_code=204, response_class=Response)

    def all(self, offset: int = OFFSET, limit: int = LIMIT) -> dict[str, Any]:
        """All uploads, the oldest first."""
        found = self.desk.uploads.all()
        return {"total": len(found), "items": [self._shown(one) for one in found[offset : offset + limit]]}

    def begin(self, given: UploadIn, response: Response) -> dict[str, Any]:
        """Announce a file: then send it in pieces with PATCH, each where the one before ended."""
        from lib_music.studio.estimate import over_cap

        if not _HEX.fullmatch(given.sha256):
            raise Problem(422, "sha256 is not 64 hex digits", "give it in hex, or leave it out")
        if not 1 <= given.size <= _MOST:
            raise Problem(422, f"{given.size} bytes are no file", "give its size")
        held = sum(one.card.size for one in self.desk.uploads.all())
        if line := over_cap(self.desk.studio, held + given.size):
            raise Problem(507, line, "delete uploads or visuals that are done with, or raise the cap")
        made = self.desk.uploads.begin(given.name, given.size, given.sha256)
        _tell(response, made)
        return self._shown(made)

    def look(self, upload: str, response: Response) -> dict[str, Any]:
        """How much of it is here."""
        found = self.desk.uploads.get(upload)
        _tell(response, found)
        return self._shown(found)

    def head(self, upload: str) -> Response:
        """How much of it is here, in headers alone."""
        response = Response()
        _tell(response, self.desk.uploads.get(upload))
        return response

    async def send(
        self,
        upload: str,
        request: Request,
        response: Response,
        upload_offset: int = _FROM,
    ) -> dict[str, Any]:
        """Send the next piece, of the kind application/offset+octet-stream.

        What arrived of it counts even when the connection is lost: ask with GET or HEAD where it goes on.
        """
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != PIECE_TYPE:
            raise Problem(415, "a piece is of another kind", f"send {PIECE_TYPE}")
        uploads = self.desk.uploads
        piece = uploads.piece(upload, upload_offset)
        write = await run_in_threadpool(piece.__enter__)
        try:
            trouble = await self._taken(request, write)
        except BaseException as error:
            piece.__exit__(type(error), error, error.__traceback__)
            raise
        # Left in a thread, as the whole file may be compared then.
        await run_in_threadpool(piece.__exit__, type(trouble) if trouble else None, trouble, None)
        if trouble is not None:
            raise trouble
        found = await run_in_threadpool(uploads.get, upload)
        _tell(response, found)
        return self._shown(found)

    async def _taken(self, request: Any, write: Any) -> Exception | None:
        """Write the body as it comes; what went wrong, when not all of it came."""
        limits, held, came = self.desk.limits, bytearray(), 0
        stream = request.stream().__aiter__()
        end = time.monotonic() + limits.patience / 2
        trouble: Exception | None = None
        try:
            while True:
                left = min(limits.silence, end - time.monotonic())
                block = await asyncio.wait_for(stream.__anext__(), max(0.0, left))
                held += block
                came += len(block)
                if came > limits.piece:
                    raise Problem(413, "the piece is too large", f"send at most {limits.piece:,} bytes")
                if len(held) >= _BLOCK:
                    data, held = bytes(held), bytearray()
                    await run_in_threadpool(write, data)
        except StopAsyncIteration:
            pass
        except asyncio.TimeoutError:
            trouble = Problem(408, "the piece came too slowly", "ask where it goes on, and send smaller pieces")
        except (ClientDisconnect, Problem, OSError) as error:
            trouble = error
        try:
            await run_in_threadpool(write, bytes(held))
        except (Problem, OSError) as error:
            trouble = trouble or error
        return trouble

    def drop(self, upload: str) -> Response:
        """Delete an upload."""
        self.desk.uploads.drop(upload)
        return Response(status_code=204)

    def _shown(self, found: Upload) -> dict[str, Any]:
        card = found.card
        return {
            "id": card.id, "name": card.name, "size": card.size, "offset": found.offset, "whole": found.is_whole,
            "expires": found.touched + self.desk.limits.kept,
        }  # fmt: skip


def _tell(response: Any, found: Upload) -> None:
    response.headers["Upload-Offset"] = str(found.offset)
    response.headers["Upload-Length"] = str(found.card.size)
