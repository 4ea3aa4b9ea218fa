"""Spotify's Web API through spotipy, tamed.

What spotipy would do by itself: sleep for as long as ``Retry-After`` says (a day has been seen), wait for a token for
ever, keep it in ``./.cache``, write it to the log at DEBUG, follow redirects with it, and answer ``None`` for what it
cannot read. Here it gets a session of ours, which reads every answer within its time and size and remembers it, so that
each of Spotify's refusals has a message of its own.

Conventions: client credentials only, no user's login. All that comes back is found text, cleaned; times are seconds.
Which calls an app may make differs from app to app (https://developer.spotify.com/blog, 2024-11-27 and 2026-02-06), so
every refusal is expected and none is assumed. No call takes longer than ``total`` seconds, waiting included.
"""

from __future__ import annotations

import contextvars
import importlib.util
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from lib_music.credentials import Credentials
from lib_music.errors import SpotifyError
from lib_music.track.refused import Exchange, Refused, explained_answer, message_of, pause, unreadable
from lib_music.track.tags import clean_text
from lib_music.track.web import COVER_HOSTS, Web, WebError, bounded, download_cover, explained, host_of, read_body, tame

if TYPE_CHECKING:
    import requests

T = TypeVar("T")

API = "https://api.spotify.com/v1/"
TOKEN = "https://accounts.spotify.com/api/token"
#: A song that has been there since 2017, of Spotify's own documentation.
TEST_TRACK = "11dFghVXANMlKmJXsNCbNl"
#: The largest answer; an audio analysis of a long song has some 5 MB.
MAX_BODY = 32_000_000
#: Of an album; no more are offered.
MAX_TRACKS = 200
#: The largest side of the cover that is fetched, pixels.
MAX_COVER_SIDE = 1000

_ID = re.compile(r"[0-9A-Za-z]{22}")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}\d{7}")
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_TOKEN = re.compile(r"[!-~]{1,4096}")
_INSTALL = "`music-visualizer doctor` says how; in the WebUI restart without --skip-install; a file alone works without"


@dataclass(frozen=True)
class SpotifyTrack:
    """A song as Spotify knows it, its text cleaned.

    Attributes
    ----------
    id, title : str
        Never empty.
    artists : tuple of str
    album, date, isrc : str
        Empty when unknown; ``date`` is YYYY, YYYY-MM or YYYY-MM-DD.
    duration : float
        Seconds, 0 when unknown.
    explicit : bool
    cover_url : str
        The largest cover of at most 1000 pixels, on one of COVER_HOSTS; it may expire. Empty when there is none.
    url : str
        Its page, for the attribution.
    """

    id: str
    title: str
    artists: tuple[str, ...]
    album: str
    date: str
    duration: float
    isrc: str
    explicit: bool
    cover_url: str
    url: str


_exchange: contextvars.ContextVar[Exchange | None] = contextvars.ContextVar("spotify_exchange", default=None)


class Spotify:
    """Spotify's Web API, with one app's credentials.

    Parameters
    ----------
    credentials : Credentials
    base, token_url : str
        The addresses of the API and of its tokens; others than https only on this machine, for tests.
    timeout : float
        Seconds for one answer.
    total : float
        Seconds for one call of a method here, with all its answers and pauses.
    web : Web, optional
        For covers.

    Raises
    ------
    SpotifyError
        spotipy is not installed.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        base: str = API,
        token_url: str = TOKEN,
        timeout: float = 10.0,
        total: float = 25.0,
        web: Web | None = None,
    ) -> None:
        if importlib.util.find_spec("spotipy") is None:
            raise SpotifyError("spotipy is not installed, which asks Spotify", _INSTALL)
        for url in (base, token_url):
            parts = urlsplit(url)
            if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
                raise ValueError("credentials are sent over https only")
        self._credentials = credentials
        self._base, self._token_url = base.rstrip("/") + "/", token_url
        self._timeout, self._total = timeout, total
        self._web = web or Web(timeout=timeout)
        self._client: Any = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return "Spotify(…)"

    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError("Spotify is not to be stored")

    def track(self, id: str) -> SpotifyTrack:
        """One song; raises SpotifyError."""
        _check_id(id)
        said = self._ask(lambda client: client.track(id), "song")
        return _understood(lambda: _track(said, id))

    def album_tracks(self, id: str) -> tuple[SpotifyTrack, ...]:
        """The songs of an album in its order, at most MAX_TRACKS, without their ISRCs; raises SpotifyError."""
        _check_id(id)
        end = time.monotonic() + self._total
        album = self._ask(lambda client: client.album(id), "album", end)
        shared = _understood(lambda: _album(album))
        items: list[Any] = []
        size = 50  # Spotify has lowered what some apps may ask for at once
        while len(items) < MAX_TRACKS:
            try:
                page = self._ask(partial(_page, id, size, len(items)), "album", end)
            except Refused as error:
                if error.status != 400 or size == 10:
                    raise
                size = 10
                continue
            new = page.get("items")
            if not isinstance(new, list):
                raise unreadable("album")
            items += new
            if not new or not page.get("next"):
                break
        return _understood(lambda: tuple(_songs(items[:MAX_TRACKS], shared)))

    def analysis(self, id: str) -> dict[str, Any] | None:
        """Spotify's own audio analysis of a song, or None where this app has no access to it.

        Raises SpotifyError when the credentials do not work or Spotify cannot be reached.
        """
        _check_id(id)
        try:
            # Not client.audio_analysis, which warns of its own being deprecated
            said = self._ask(lambda client: client._get(f"audio-analysis/{id}"), "analysis")
        except Refused as error:
            if error.status == 401:
                raise
            return None
        if not isinstance(said.get("beats"), list) or not isinstance(said.get("track"), dict):
            raise unreadable("analysis")
        return said

    def test(self) -> str:
        """Make a real call, for a token alone proves nothing. Returns one line; raises SpotifyError."""
        try:
            song = self.track(TEST_TRACK)
        except Refused as error:
            if error.status != 404:  # that one song may go, one day
                raise
            return "the credentials work: Spotify answers"
        return f"the credentials work: Spotify answers ({song.title} by {', '.join(song.artists)})"

    def cover(self, track: SpotifyTrack, out_path: Path) -> None:
        """Fetch a song's cover at once and write it to ``out_path`` as a PNG.

        Raises
        ------
        SpotifyError
            There is none, or it cannot be fetched.
        CoverError
            It is not a picture.
        ProjectError
            ``out_path`` cannot be written.
        """
        if not track.cover_url:
            raise SpotifyError(f"Spotify has no cover of {track.title}", "give a picture of your own")
        download_cover(track.cover_url, out_path, self._web)

    def _ask(self, call: Callable[[Any], Any], what: str, end: float | None = None) -> dict[str, Any]:
        """What spotipy's ``call`` answers, a JSON object.

        A rejected token is renewed once, passing trouble is tried once more, a short pause that Spotify asks for is
        made once.
        """
        end = time.monotonic() + self._total if end is None else end
        renewed = waited = False
        while True:
            result, exchange, error = self._try(call, end)
            if error is None and exchange.status == 200 and isinstance(result, dict):
                return result
            if exchange.status == 401 and not exchange.token and not renewed:
                renewed, self._client = True, None
                continue
            seconds = pause(exchange)
            if seconds is None or waited or time.monotonic() + seconds > end - 1:
                break
            waited = True
            time.sleep(seconds)
        raise self._explained(exchange, error, what)

    def _try(self, call: Callable[[Any], Any], end: float) -> tuple[Any, Exchange, Exception | None]:
        """One try: what came, what the session saw, and what was raised. Spotipy's own errors go no further."""
        left = max(end - time.monotonic(), 0.0)
        exchange = Exchange(time.monotonic() + left)
        token = _exchange.set(exchange)
        try:
            with self._lock:
                client = self._client = self._client or self._tamed()
            return bounded(lambda: call(client), left), exchange, None
        except Exception as error:
            return None, exchange, error
        finally:
            _exchange.reset(token)

    def _tamed(self) -> Any:
        """spotipy's client with our session, our cache and our times."""
        import spotipy
        from spotipy.cache_handler import MemoryCacheHandler
        from spotipy.oauth2 import SpotifyClientCredentials

        class Manager(SpotifyClientCredentials):  # type: ignore[misc]
            OAUTH_TOKEN_URL = self._token_url

            def _request_access_token(self) -> dict[str, Any]:
                return _checked_token(super()._request_access_token())

        _silence()
        session = _session(self._base, self._token_url, self._timeout)
        manager = Manager(
            self._credentials.id, self._credentials.secret, requests_session=session, requests_timeout=self._timeout,
            cache_handler=MemoryCacheHandler(),
        )
        client = spotipy.Spotify(
            auth_manager=manager, requests_session=session, requests_timeout=self._timeout, retries=0, status_retries=0
        )
        client.prefix = self._base
        return client

    def _explained(self, exchange: Exchange, error: Exception | None, what: str) -> SpotifyError:
        """Why a try failed, for the person; none of what spotipy or the network raised is kept."""
        if isinstance(error, ImportError):
            return SpotifyError(f"spotipy is there but cannot be loaded ({error.name or 'damaged'})", _INSTALL)
        lost = isinstance(error, (WebError, TimeoutError)) or not exchange.status
        if error is not None and lost and not exchange.redirected:
            host = exchange.host or urlsplit(self._base).hostname or "Spotify"
            return explained(error, host, min(self._timeout, self._total))
        return explained_answer(exchange, what, self._redacted(message_of(exchange)))

    def _redacted(self, found: object) -> str:
        """Found text of an answer, short, without the credentials should it repeat them."""
        text = clean_text(found, 4000)
        for kept in (self._credentials.secret, self._credentials.id):
            text = text.replace(kept, "…")
        return clean_text(text, 160)


def _checked_token(said: Any) -> dict[str, Any]:
    """A token before spotipy keeps it; ValueError where it is none, without its text."""
    token, seconds = (said.get("access_token"), said.get("expires_in")) if isinstance(said, dict) else (None, None)
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or not isinstance(seconds, (int, float)):
        raise ValueError("no token")
    return {"access_token": token, "expires_in": min(max(seconds, 0), 86_400)}


def _session(base: str, token_url: str, timeout: float) -> requests.Session:
    """A session that asks these two addresses alone, follows nothing, and tells the exchange what it saw."""
    import requests

    class Session(requests.Session):
        def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            exchange, url = _exchange.get(), request.url or ""
            if exchange is None or not (url == token_url or url.startswith(base)):
                raise WebError("an address that is not Spotify's was not asked", "")
            exchange.token, exchange.host = url == token_url, urlsplit(url).hostname or ""
            exchange.status, exchange.body, exchange.headers = 0, b"", None
            end = min(exchange.deadline, time.monotonic() + timeout)
            left = max(end - time.monotonic(), 0.001)
            response = bounded(lambda: self._whole(request, {**options, "timeout": left}, end), left)
            exchange.status, exchange.headers = response.status_code, response.headers
            exchange.body = response.content
            if 300 <= response.status_code < 400:
                exchange.redirected = True
                raise WebError("it redirects elsewhere", "")
            return response

        def _whole(self, request: requests.PreparedRequest, options: dict[str, Any], end: float) -> requests.Response:
            response = super().send(request, **{**options, "allow_redirects": False, "stream": True})
            try:
                body = b"" if response.is_redirect else read_body(response, MAX_BODY, end)
            finally:
                response.close()
            # Where requests itself puts what it has read
            response._content, response._content_consumed = body, True  # type: ignore[attr-defined]
            response.headers.pop("content-encoding", None)
            return response

    session = Session()
    tame(session)
    return session


class _Silence(logging.Filter):
    """Drops what libraries log of our own calls: spotipy writes secrets and tokens at DEBUG, found text above."""

    def filter(self, record: logging.LogRecord) -> bool:
        return _exchange.get() is None


_SILENCE = _Silence()
_LOUD = ("spotipy.client", "spotipy.oauth2", "spotipy.cache_handler", "spotipy.util", "urllib3.connectionpool",
         "urllib3.connection", "urllib3.util.retry", "urllib3.response", "urllib3.poolmanager", "requests")  # fmt: skip


def _silence() -> None:
    """Whatever levels the host sets, now or later; what others log through these loggers is theirs."""
    for name in _LOUD:
        logging.getLogger(name).addFilter(_SILENCE)


def _page(id: str, limit: int, offset: int, client: Any) -> Any:
    return client.album_tracks(id, limit=limit, offset=offset)


def _check_id(id: str) -> None:
    if not _ID.fullmatch(id):
        raise SpotifyError("a Spotify ID has 22 letters and digits", "give the song's link")


# What came, as ours


def _understood(read: Callable[[], T]) -> T:
    """What ``read`` makes of an answer; SpotifyError where that has another shape than documented."""
    try:
        return read()
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        pass
    raise unreadable("answer")


def _track(said: Mapping[str, Any], id: str) -> SpotifyTrack:
    title = clean_text(said["name"]) if isinstance(said["name"], str) else ""
    if not title:
        raise ValueError
    found = said.get("id")
    id = found if isinstance(found, str) and _ID.fullmatch(found) else id
    album = said.get("album")
    shared = _album(album) if isinstance(album, dict) else _NO_ALBUM
    codes = said.get("external_ids")
    code = re.sub(r"[\s-]", "", _text(codes.get("isrc")) if isinstance(codes, dict) else "").upper()
    return replace(
        shared,
        id=id,
        title=title,
        artists=_names(said.get("artists")),
        duration=_seconds(said.get("duration_ms")),
        isrc=code if _ISRC.fullmatch(code) else "",
        explicit=said.get("explicit") is True,
        url=f"https://open.spotify.com/track/{id}",
    )


def _seconds(milliseconds: Any) -> float:
    known = isinstance(milliseconds, (int, float)) and not isinstance(milliseconds, bool) and 0 < milliseconds < 1e9
    return milliseconds / 1000 if known else 0.0


_NO_ALBUM = SpotifyTrack("", "", (), "", "", 0.0, "", False, "", "")


def _album(said: Mapping[str, Any]) -> SpotifyTrack:
    """What all songs of an album share."""
    date = _text(said.get("release_date"))
    return replace(
        _NO_ALBUM,
        album=_text(said.get("name")),
        date=date if _DATE.fullmatch(date) and date != "0000" else "",
        cover_url=_largest(said.get("images")),
    )


def _songs(items: list[Any], shared: SpotifyTrack) -> Iterator[SpotifyTrack]:
    """The songs of an album's pages; those that cannot be given a link are left out."""
    for item in items:
        if isinstance(item, dict) and _ID.fullmatch(_text(item.get("id"))) and _text(item.get("name")):
            song = _track(item, "")
            yield replace(song, album=shared.album, date=shared.date, cover_url=shared.cover_url)


def _names(artists: Any) -> tuple[str, ...]:
    found = [_text(artist.get("name")) for artist in artists if isinstance(artist, dict)] if artists else []
    return tuple(dict.fromkeys(name for name in found if name))[:10]


def _largest(images: Any) -> str:
    """The URL of the largest cover within MAX_COVER_SIDE, one of unknown size, or the smallest that is larger."""
    choices = []
    for image in images if isinstance(images, list) else []:
        url = image.get("url") if isinstance(image, dict) else None
        if not isinstance(url, str) or not host_of(url, COVER_HOSTS):
            continue
        sides = [side for side in (image.get("width"), image.get("height")) if type(side) in (int, float) and side > 0]
        side = max(sides, default=0)
        fits = side <= MAX_COVER_SIDE
        choices.append(((fits and side > 0, fits, side if fits else -side), url))
    return max(choices, key=lambda choice: choice[0])[1] if choices else ""


def _text(value: Any) -> str:
    return clean_text(value) if isinstance(value, str) else ""
