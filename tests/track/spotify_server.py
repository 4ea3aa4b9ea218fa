"""Spotify as a server of this machine: real sockets, and every answer, refusal, delay and damage that we know of.

The bodies are written by hand after Spotify's OpenAPI description and what people reported; none was recorded from
Spotify itself. A test says what is played at which path; the server remembers what it was asked.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ID = "4uLU6hMCjMI75M1A2tKUQC"
ALBUM_ID = "6eUW0wxWtzkFdaEFsTJto6"
TOKEN = "BQDmTheBearerThatNobodyMaySee0123456789"
COVER = "https://i.scdn.co/image/ab67616d0000b273baf89eb11ec7c657805d2da0"


@dataclass(frozen=True)
class Reply:
    """One answer; ``delay`` s before it, ``drip`` s between its bytes, ``cut`` bytes of it are all that is sent.

    ``raw`` stands for everything, from the status line on. ``head_drip`` s between the bytes of raw.
    """

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    drip: float = 0.0
    cut: int | None = None
    raw: bytes = b""


@dataclass(frozen=True)
class Asked:
    """One request that came."""

    method: str
    host: str
    path: str
    query: str
    headers: dict[str, str]


def reply(value: Any, status: int = 200, **headers: str) -> Reply:
    """JSON, as Spotify sends it."""
    given = tuple((name.replace("_", "-"), text) for name, text in headers.items())
    return Reply(status, json.dumps(value).encode(), (("Content-Type", "application/json"), *given))


def text(words: str, status: int = 200, **headers: str) -> Reply:
    """Plain text."""
    given = tuple((name.replace("_", "-"), said) for name, said in headers.items())
    return Reply(status, words.encode(), (("Content-Type", "text/plain"), *given))


def refusal(status: int, message: str, reason: str = "", **headers: str) -> Reply:
    """Spotify's usual error object."""
    error = {"status": status, "message": message, **({"reason": reason} if reason else {})}
    return reply({"error": error}, status, **headers)


def redirect(to: str, status: int = 302) -> Reply:
    return Reply(status, b"", (("Location", to),))


A_TOKEN = reply({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600})
WRONG_ID = reply({"error": "invalid_client", "error_description": "Invalid client"}, 400)
WRONG_SECRET = reply({"error": "invalid_client", "error_description": "Invalid client secret"}, 400)
EXPIRED = refusal(401, "The access token expired")
NO_PREMIUM = text(
    "Active premium subscription required for the owner of the app. When the subscription status changes, it can take "
    "a few hours before requests are allowed again.", 403)  # fmt: skip
NOT_REGISTERED = text("Check settings on developer.spotify.com/dashboard, the user may not be registered.", 403)
FORBIDDEN = refusal(403, "Forbidden")
UNKNOWN = refusal(404, "Resource not found")
INVALID_LIMIT = refusal(400, "Invalid limit")
TOO_MANY = text("Too many requests", 429)
TOO_MANY_FOR_A_DAY = text("Too many requests", 429, Retry_After="82000")
QUOTA = refusal(429, "Too many requests", "QUOTA_EXCEEDED", Retry_After="3600")

A_TRACK: dict[str, Any] = {
    "album": {
        "album_type": "single",
        "id": ALBUM_ID,
        "images": [
            {"url": COVER.replace("b273", "large"), "width": 2000, "height": 2000},
            {"url": COVER, "width": 640, "height": 640},
            {"url": COVER.replace("b273", "1e02"), "width": 300, "height": 300},
            {"url": COVER.replace("b273", "4851"), "width": 64, "height": 64},
        ],
        "name": "Whenever You Need Somebody",
        "release_date": "1987-11-12",
        "release_date_precision": "day",
    },
    "artists": [{"name": "Rick Astley", "id": "0gxyHStUsqpMadRV0Di1Qt"}, {"name": "A Guest"}],
    "disc_number": 1,
    "duration_ms": 213573,
    "explicit": False,
    "external_ids": {"isrc": "GBARL9300135"},
    "external_urls": {"spotify": f"https://open.spotify.com/track/{ID}"},
    "id": ID,
    "name": "Never Gonna Give You Up",
    "preview_url": None,
    "track_number": 1,
    "type": "track",
}


def album_song(number: int) -> dict[str, Any]:
    """A simplified track, as the pages of an album have it."""
    return {"id": f"{number:022d}", "name": f"Song {number}", "duration_ms": 1000 * number, "explicit": True,
            "artists": [{"name": "Rick Astley"}], "track_number": number}  # fmt: skip


@dataclass
class Place:
    """The server: ``play`` says what is answered where, ``asked`` holds what came."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    _plays: dict[str, list[Reply]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def play(self, path: str, *replies: Reply) -> None:
        """Answers at ``path`` (with or without its host) one after the other, the last for ever."""
        self._plays[path.rstrip("/")] = list(replies)

    def take(self, asked: Asked) -> Reply:
        with self._lock:
            self.asked.append(asked)
            path = asked.path.rstrip("/")
            for key in (f"{asked.host}{path}?{asked.query}", f"{asked.host}{path}", path):
                if key in self._plays:
                    plays = self._plays[key]
                    return plays.pop(0) if len(plays) > 1 else plays[0]
            return text("nothing is played here", 418)

    def paths(self) -> list[str]:
        return [asked.path.rstrip("/") for asked in self.asked]


class _Handler(BaseHTTPRequestHandler):
    place: Place

    def log_message(self, format: str, *args: object) -> None:
        """Nobody listens."""

    def _answer(self) -> None:
        if length := int(self.headers.get("Content-Length") or 0):
            self.rfile.read(length)
        path, _, query = self.path.partition("?")
        asked = Asked(self.command, self.headers.get("Host", ""), path, query, dict(self.headers.items()))
        reply = self.place.take(asked)
        time.sleep(reply.delay)
        self.close_connection = True
        try:
            self._send(reply)
        except OSError:  # they hung up
            return

    do_GET = do_POST = _answer

    def _send(self, reply: Reply) -> None:
        if reply.raw:
            return self._write(reply.raw, reply)
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in reply.headers):
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        return self._write(reply.body, reply)

    def _write(self, data: bytes, reply: Reply) -> None:
        data = data if reply.cut is None else data[: reply.cut]
        if not reply.drip:
            self.wfile.write(data)
            return
        for i in range(len(data)):
            self.wfile.write(data[i : i + 1])
            self.wfile.flush()
            time.sleep(reply.drip)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


@contextmanager
def spotify_server() -> Iterator[Place]:
    """A server on a free port that plays a token and :data:`A_TRACK`, and whatever else the test says."""
    handler = type("Handler", (_Handler,), {})
    server = _Server(("127.0.0.1", 0), handler)
    place = Place(f"http://127.0.0.1:{server.server_address[1]}")
    handler.place = place  # type: ignore[attr-defined]
    place.play("/api/token", A_TOKEN)
    place.play(f"/v1/tracks/{ID}", reply(A_TRACK))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield place
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
