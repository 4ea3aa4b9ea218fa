"""Asking the few hosts that a song's card may come from, and nobody else.

Conventions: https only, by host names from a list that the caller gives, never by what found text says; no redirect is
followed unless it passes the same check. A request is over after its seconds whatever the other side does (names that
do not resolve, connections that hang, answers that drip), and no answer is larger than its limit. No cookies, no
credentials from ``~/.netrc``; proxies of the environment are used as everywhere.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urljoin

from lib_music import __version__
from lib_music.errors import SpotifyError
from lib_music.threads import finished, on_a_thread

if TYPE_CHECKING:
    import requests

T = TypeVar("T")

#: Where Spotify keeps its covers.
COVER_HOSTS = ("i.scdn.co", "*.spotifycdn.com")
MAX_COVER = 20_000_000
USER_AGENT = f"music-visualizer/{__version__}"
#: Redirects followed from one cover or oEmbed answer.
MAX_HOPS = 3

_URL = re.compile(r"https://([a-z0-9.-]+)((?:[/?][!-\[\]-~]*)?)", re.IGNORECASE)
_PIECE = 1 << 14
#: How a name that does not resolve is told, by urllib3 or, before its second version, by the system alone.
_NO_NAME = re.compile(r"NameResolution|getaddrinfo|name resolution|not known|No address|Errno (-[235]|1100[14])\b")
_NETWORK = "check this machine's network, its DNS and any firewall; a file alone works without"


class WebError(SpotifyError):
    """A host could not be asked, or its answer could not be read."""


@dataclass(frozen=True)
class Answer:
    """What came back: status, the whole body, its type as it says, and where it redirects to (else empty)."""

    status: int
    body: bytes
    content_type: str = ""
    location: str = ""


def host_of(url: str, hosts: Sequence[str]) -> str:
    """The host of an https URL, where it is one of ``hosts`` (``*.`` for any below); else empty.

    User names, ports, addresses in numbers, dots at the end, letters outside ASCII and backslashes are none of theirs.
    """
    found = _URL.fullmatch(url.split("#")[0])
    host = found[1].lower() if found else ""
    for allowed in hosts:
        below = re.fullmatch(rf"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+{re.escape(allowed[2:])}", host)
        if host == allowed or (allowed.startswith("*.") and below):
            return host
    return ""


def redirected(url: str, location: str) -> str:
    """The URL that a redirect of ``url`` names, still to be checked; empty where it cannot be read."""
    if not re.fullmatch(r"[!-\[\]-~]+", location):
        return ""
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def bounded(call: Callable[[], T], seconds: float) -> T:
    """What ``call`` returns or raises; TimeoutError when it takes longer, for it runs in a thread of its own.

    A timeout of sockets is one for each piece, and names are resolved without any: this is the one that holds.
    """
    future = on_a_thread(call, "web")
    if not finished(future, max(seconds, 0.001)):
        raise TimeoutError
    return future.result()


class Web:
    """Requests to hosts that the caller names.

    Parameters
    ----------
    timeout : float
        Seconds for one :meth:`get`, from the name's resolution to the last byte, or one :meth:`follow` in all.
    routes : mapping of str to str
        Addresses that stand in for hosts (``{"open.spotify.com": "http://127.0.0.1:1234"}``), for tests; the
        checks are those of the host.
    """

    def __init__(self, *, timeout: float = 5.0, routes: Mapping[str, str] | None = None) -> None:
        self.timeout = timeout
        self._routes = dict(routes or {})

    def get(self, url: str, *, hosts: Sequence[str], limit: int, accept: str = "*/*") -> Answer:
        """GET ``url``; a redirect comes back as it is, without its body.

        Raises
        ------
        WebError
            ``url`` is not an https URL of one of ``hosts`` (nothing is asked then), or the host does not answer whole
            within the time and ``limit`` bytes.
        """
        return self._bounded(url, hosts, limit, accept, self.timeout)

    def _bounded(self, url: str, hosts: Sequence[str], limit: int, accept: str, seconds: float) -> Answer:
        """:meth:`get` within so many seconds."""
        host = host_of(url, hosts)
        if not host:
            raise WebError("an address that is not Spotify's was not asked", "")
        rest = url.split("#")[0][len("https://") + len(host):]
        address = f"{self._routes[host].rstrip('/') if host in self._routes else 'https://' + host}{rest or '/'}"
        deadline = time.monotonic() + seconds
        headers = {"Host": host, "Accept": accept}
        try:
            return bounded(lambda: self._get(address, headers, limit, deadline), seconds)
        except Exception as error:
            trouble = explained(error, host, self.timeout)
        raise trouble

    def follow(self, url: str, *, hosts: Sequence[str], limit: int, accept: str = "*/*") -> Answer:
        """GET ``url`` and up to :data:`MAX_HOPS` redirects, each checked as ``url`` itself; raises WebError."""
        end = time.monotonic() + self.timeout
        for _ in range(MAX_HOPS + 1):
            answer = self._bounded(url, hosts, limit, accept, max(end - time.monotonic(), 0.0))
            if not answer.location:
                return answer
            here, url = host_of(url, hosts), redirected(url, answer.location)
            if not host_of(url, hosts):
                raise WebError(f"{here} redirects to an address that is not Spotify's; it is not followed", _SIGN_IN)
        raise WebError(f"{here} redirects over {MAX_HOPS} times", "try again later")

    def _get(self, address: str, headers: Mapping[str, str], limit: int, deadline: float) -> Answer:
        import requests

        with requests.Session() as session:
            tame(session)
            left = max(deadline - time.monotonic(), 0.001)
            with session.get(address, headers=dict(headers), timeout=left, allow_redirects=False, stream=True) as got:
                location = got.headers.get("location", "") if 300 <= got.status_code < 400 else ""
                body = b"" if location else read_body(got, limit, deadline)
                return Answer(got.status_code, body, got.headers.get("content-type", ""), location)


_SIGN_IN = "if this network wants you to sign in first, do that in a browser; else try again later"


def download_cover(url: str, out: Path, web: Web) -> None:
    """Fetch a cover of Spotify's and write it to ``out`` as :mod:`lib_music.track.cover` prepares all of them.

    Raises
    ------
    WebError
        ``url`` is not one of :data:`COVER_HOSTS`, or cannot be fetched.
    CoverError
        What came is not a picture.
    ProjectError
        ``out`` cannot be written.
    """
    from lib_music.track.cover import convert_cover

    if not host_of(url, COVER_HOSTS):
        raise WebError("the cover does not lie with Spotify; it is not fetched", "give a picture of your own")
    answer = web.follow(url, hosts=COVER_HOSTS, limit=MAX_COVER, accept="image/jpeg, image/png, image/webp")
    if answer.status != 200:
        raise WebError(f"Spotify's cover is not there (status {answer.status})", "give a picture of your own")
    convert_cover(answer.body, "Spotify's cover", out)


def tame(session: requests.Session) -> None:
    """No cookies, no ``~/.netrc``, no packed answers, our own name."""
    from http.cookiejar import DefaultCookiePolicy

    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.auth = _anonymous
    session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})


def _anonymous(request: Any) -> Any:
    """A request with the credentials it has, and with none where it has none."""
    return request


def read_body(response: requests.Response, limit: int, deadline: float) -> bytes:
    """The whole body of a streamed answer, unpacked.

    Raises WebError over ``limit`` bytes or when it is cut short, TimeoutError after ``deadline`` (of time.monotonic).
    """
    packed = response.headers.get("content-encoding", "identity").strip().lower()
    if packed not in ("identity", "", "gzip", "x-gzip", "deflate"):
        raise WebError(f"the answer is packed as {packed[:20]!r}, which was not asked for", "try again later")
    parts, size = [], 0
    for part in _pieces(response):
        size += len(part)
        if size > limit:
            raise _too_big(limit)
        if time.monotonic() > deadline:
            raise TimeoutError
        parts.append(part)
    announced = response.headers.get("content-length", "")
    if announced.isdecimal() and size < int(announced[:18]):
        raise WebError("the answer was cut short", "try again")
    data = b"".join(parts)
    return data if packed in ("identity", "") else _unpacked(data, limit)


def _pieces(response: requests.Response) -> Iterator[bytes]:
    yield from response.raw.stream(_PIECE, decode_content=False)


def _unpacked(data: bytes, limit: int) -> bytes:
    """gzip or zlib, never more than ``limit`` bytes."""
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        body = reader.decompress(data, limit + 1)
    except zlib.error:
        raise WebError("the answer is damaged: it cannot be unpacked", "try again") from None
    if len(body) > limit:
        raise _too_big(limit)
    if not reader.eof:
        raise WebError("the answer was cut short", "try again")
    return body


def _too_big(limit: int) -> WebError:
    size = f"{limit / 1e6:.0f} MB" if limit >= 1_000_000 else f"{limit / 1e3:.0f} kB"
    return WebError(f"the answer is over {size}", "this is not what Spotify sends; check for a proxy between")


def explained(error: Exception, host: str, seconds: float) -> WebError:
    """What went wrong with a request, for the person. Nothing of the error's own text, which may hold anything."""
    import requests
    import urllib3

    wrong = requests.exceptions
    text = repr(error)
    if isinstance(error, WebError):
        return WebError(f"{host}: {error.message}" if host not in error.message else error.message, error.fix)
    if isinstance(error, (TimeoutError, wrong.Timeout, urllib3.exceptions.TimeoutError)) or "timed out" in text:
        return WebError(f"{host} did not answer whole within {seconds:g} s", "try again; " + _NETWORK)
    if isinstance(error, wrong.ProxyError):
        return WebError(f"the proxy of this machine does not let a request to {host} through", "check HTTPS_PROXY")
    if isinstance(error, (wrong.SSLError, urllib3.exceptions.SSLError)):
        fix = "check this machine's clock, its certificates, and any proxy that opens https"
        return WebError(f"the certificate of {host} is refused", fix)
    if _NO_NAME.search(text):
        return WebError(f"{host} cannot be found: there is no network, or its DNS does not answer", _NETWORK)
    if isinstance(error, wrong.ConnectionError) and "NewConnection" in text:
        return WebError(f"{host} cannot be reached", _NETWORK)
    if isinstance(error, (wrong.RequestException, urllib3.exceptions.HTTPError, OSError)):
        return WebError(f"{host} cut the connection", "try again; " + _NETWORK)
    return WebError(f"{host} could not be asked ({type(error).__name__})", "try again; " + _NETWORK)
