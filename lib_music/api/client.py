"""The API of another machine, spoken to patiently: calls, uploads that go on, fetches that go on.

Conventions: every call is short and may be made again: what makes something carries a key of its own, so that an answer
lost on the way makes nothing twice. A lost connection costs the piece that was on its way; pieces shrink until they get
through. Problems come as errors of ours with the server's own words.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from lib_music.api import PREFIX, VERSION
from lib_music.errors import DeforumError, InputError, MusicVisualizerError, ProjectBusyError, ProjectError
from lib_music.files import written_aside
from lib_music.render.deforum_client import AUTH_VARIABLE, PASSING, Answer, Lost, WebuiClient

#: Bytes of the first piece, of the least and of the largest.
FIRST, LEAST, MOST = 1 << 20, 1 << 14, 8 << 20
#: A piece that took less than so many seconds makes the next one larger.
_QUICK = 4.0
#: Seconds for which the first question is asked again, and between two tries of any other.
PROBING, _FIRST_PAUSE, _LONGEST_PAUSE = 8.0, 0.5, 15.0
#: So often in a row a piece may be lost.
_ENOUGH = 30
#: Statuses with a problem of ours that another try may mend.
_AGAIN = frozenset({408, 429, 503})
PIECE_TYPE = "application/offset+octet-stream"
Told = Callable[[float], None]


class Refused(MusicVisualizerError):
    """The server refused a call; its words, its status."""

    def __init__(self, message: str, fix: str, status: int) -> None:
        super().__init__(message, fix)
        self.status = status


class Api:
    """One server's API.

    Parameters
    ----------
    client : WebuiClient
    """

    def __init__(self, client: WebuiClient) -> None:
        self.client = client

    @classmethod
    def found(cls, client: WebuiClient) -> Api | None:
        """The API at that address; None where there is none, or nobody answers now.

        Raises DeforumError where it is there and does not let us in.
        """
        try:
            answer = client.request("GET", f"{PREFIX}/info", patience=PROBING)
        except Lost:
            return None
        if answer.status == 401 and "problem+json" in answer.content_type:
            raise DeforumError(
                f"the Music Visualizer at {client.url} does not let you in",
                f"set {AUTH_VARIABLE}=user:password to one of its --api-auth or --gradio-auth",
            )
        said = answer.json()
        return cls(client) if answer.ok and isinstance(said, dict) and said.get("api") == VERSION else None

    def call(self, method: str, path: str, body: Any = None, key: str = "", **query: Any) -> Any:
        """What a route answers, as JSON.

        Parameters
        ----------
        method, path : str
            Below the API's own prefix; parts that are names must be quoted.
        body : JSON, optional
        key : str
            Marks a call that makes something; the same again makes it once.
        query
            Parts of the address.

        Raises
        ------
        MusicVisualizerError
            With the server's words; DeforumError when it cannot be reached.
        """
        address = f"{path}?{urlencode(query)}" if query else path
        headers = {"Idempotency-Key": key} if key else {}
        more: dict[str, Any] = {"headers": headers}
        if method not in ("GET", "HEAD"):
            more["json"] = {} if body is None else body
        again = method in ("GET", "HEAD", "PATCH", "PUT") or bool(key)
        return self._asked(method, address, again, **more).json(default={})

    def pages(self, path: str, **query: Any) -> list[Any]:
        """All entries of a paged list."""
        found: list[Any] = []
        while True:
            page = self.call("GET", path, offset=len(found), limit=500, **query)
            found += page["items"]
            if len(found) >= page["total"] or not page["items"]:
                return found

    def upload(self, file: Path, told: Told, begun: str = "", announced: Callable[[str], None] | None = None) -> str:
        """Send a file and return the upload's name.

        Parameters
        ----------
        file : Path
        told : callable
            Hears how much of it is there, 0 to 1.
        begun : str
            An upload that was begun earlier; one that is gone, or of another size, is begun anew.
        announced : callable, optional
            Hears the name of a new one before anything of it is sent.
        """
        try:
            with file.open("rb") as data:
                made = self._earlier(begun, file.stat().st_size)
                if made is None:
                    found = hashlib.sha256()
                    while block := data.read(1 << 20):
                        found.update(block)
                    card = {"name": file.name, "size": data.tell(), "sha256": found.hexdigest()}
                    made = self.call("POST", "/uploads", card, key=f"upload {time.time_ns()}")
                    if announced is not None:
                        announced(made["id"])
                self._send(made, data, told)
        except OSError as error:
            raise InputError(f"cannot read {file}: {error.strerror or error}", "check the path") from error
        return str(made["id"])

    def _earlier(self, begun: str, size: int) -> dict[str, Any] | None:
        """An upload that was begun earlier, as far as it is there."""
        with contextlib.suppress(ProjectError):
            if begun and (found := self.call("GET", f"/uploads/{quote(begun, safe='')}"))["size"] == size:
                return dict(found)
        return None

    def _send(self, made: dict[str, Any], data: Any, told: Told) -> None:
        path, size, piece, fruitless = f"/uploads/{made['id']}", int(made["size"]), FIRST, 0
        while not made["whole"]:
            before = made["offset"]
            data.seek(made["offset"])
            began, body = time.monotonic(), data.read(piece)
            headers = {"Upload-Offset": str(made["offset"]), "Content-Type": PIECE_TYPE}
            try:
                answer = self.client.request("PATCH", PREFIX + path, patience=0, data=body, headers=headers)
            except Lost:
                answer = Answer(408, b"")
            if answer.ok:
                made = answer.json()
                piece = min(MOST, piece * 2) if time.monotonic() - began < _QUICK else piece
            elif answer.status in (408, 409) or answer.status in PASSING:
                # Less at once; what arrived of it counts.
                piece = max(LEAST, piece // 2) if answer.status != 409 else piece
                self.client.sleep(_FIRST_PAUSE)
                made = self.call("GET", path)
            else:
                raise _problem(answer)
            fruitless = _counted(fruitless, made["offset"] > before or made["whole"])
            told(made["offset"] / size)

    def fetch(self, path: str, target: Path, told: Told) -> None:
        """Fetch a file in pieces; one that changes meanwhile is begun again."""
        with written_aside(target) as aside, aside.open("wb") as out:
            size, place, etag, piece, fruitless = 1, 0, "", FIRST, 0
            while place < size:
                headers = {"Range": f"bytes={place}-{place + piece - 1}"} | ({"If-Range": etag} if etag else {})
                began = time.monotonic()
                try:
                    answer = self.client.request("GET", PREFIX + path, patience=0, headers=headers)
                except Lost:
                    piece, fruitless = max(LEAST, piece // 2), _counted(fruitless, False)
                    # Whether anybody is there at all.
                    self.call("GET", "/info")
                    continue
                if answer.status == 206:
                    size = int(answer.headers["content-range"].rpartition("/")[2])
                elif answer.status == 200:
                    place, size = 0, len(answer.body)
                    out.truncate(0)
                elif answer.status in PASSING:
                    fruitless = _counted(fruitless, False)
                    self.client.sleep(_FIRST_PAUSE)
                    continue
                else:
                    raise _problem(answer)
                etag, fruitless = answer.headers.get("etag", ""), 0
                out.seek(place)
                out.write(answer.body)
                place += len(answer.body)
                piece = min(MOST, piece * 2) if time.monotonic() - began < _QUICK else piece
                told(place / max(1, size))

    def drop(self, upload: str) -> None:
        """Delete an upload that is done with; the server does so itself some day."""
        with contextlib.suppress(MusicVisualizerError):
            self.call("DELETE", f"/uploads/{quote(upload, safe='')}")

    def _asked(self, method: str, path: str, again: bool, **more: Any) -> Answer:
        """One call, made again while that may help."""
        give_up, pause = time.monotonic() + self.client.patience, _FIRST_PAUSE
        while True:
            trouble: MusicVisualizerError
            try:
                answer = self.client.request(method, PREFIX + path, patience=0, **more)
                if answer.ok:
                    return answer
                trouble = _problem(answer)
                ours = "problem+json" in answer.content_type
                passing = answer.status in _AGAIN if ours else answer.status in PASSING
                if answer.status == 409 and ours and "retry-after" in answer.headers:
                    passing = True
                wait = _seconds(answer.headers.get("retry-after"))
            except Lost as error:
                trouble, passing, wait = error, again or not error.sent, 0.0
            pause_now = max(pause, wait)
            if not passing or time.monotonic() + pause_now > give_up:
                raise trouble
            self.client.sleep(pause_now)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _counted(fruitless: int, got_on: bool) -> int:
    """How often in a row nothing came through; raises DeforumError when that is enough."""
    if not got_on and fruitless >= _ENOUGH:
        raise DeforumError("no piece of the file comes through", "check the line, and any proxy between")
    return 0 if got_on else fruitless + 1


def _seconds(text: str | None) -> float:
    return min(60.0, float(text)) if text and text.isdigit() else 0.0


def _problem(answer: Answer) -> MusicVisualizerError:
    """What went wrong, in the server's words."""
    said = answer.json()
    if not isinstance(said, dict) or "detail" not in said:
        return DeforumError(f"the server answers {answer.status}", "check its address, and any proxy between")
    message, fix = str(said["detail"]), str(said.get("fix", ""))
    if answer.status == 422:
        return InputError(message, fix)
    if answer.status == 409:
        return ProjectBusyError(message, fix)
    if answer.status == 404:
        return ProjectError(message, fix)
    return DeforumError(message, fix) if answer.status >= 500 else Refused(message, fix, answer.status)
