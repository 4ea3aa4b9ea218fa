"""One WebUI over HTTP, spoken to patiently.

Conventions: paths begin with a slash and are appended to the WebUI's address; no request lasts longer than
``MAX_SECONDS``, because proxies cut what does (RunPod: 100 s, answer 524); a lost connection is tried again
with growing pauses for as long as ``patience`` seconds, a refusal never. Credentials come from the
environment variable ``MUSIC_VISUALIZER_WEBUI_AUTH`` (``user:password``), are sent to the given host alone,
and enter neither an error nor a log.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit, urlunsplit

from lib_music.errors import DeforumError, InputError

if TYPE_CHECKING:
    import requests

AUTH_VARIABLE = "MUSIC_VISUALIZER_WEBUI_AUTH"
MAX_SECONDS = 60.0
MAX_BODY = 128 * 1024 * 1024
MAX_REDIRECTS = 5
#: Answers of a proxy or of a WebUI that is still starting: worth another try.
PASSING = frozenset({408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 527, 530})
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What came back: the status code, the whole body, of which type it says it is, headers by lower-case name."""

    status: int
    body: bytes
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the request was granted."""
        return 200 <= self.status < 300

    def json(self, default: Any = None) -> Any:
        """The body as JSON; ``default`` where it is something else, such as a proxy's HTML page."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return default


class Lost(DeforumError):
    """The connection failed; ``sent`` tells whether the WebUI may have acted on the request."""

    def __init__(self, message: str, fix: str, *, sent: bool) -> None:
        super().__init__(message, fix)
        self.sent = sent


def parse_url(url: str) -> str:
    """The WebUI's address without a trailing slash.

    Raises InputError for anything but http(s)://host[:port][/path], and for credentials inside.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InputError(f"the WebUI's address cannot be read: {error}", "give http://host:7860") from error
    if "@" in parts.netloc:
        raise InputError(
            "the WebUI's address holds a user name or password",
            f"take it out and set the environment variable {AUTH_VARIABLE}=user:password",
        )
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise InputError(f"{url[:80]!r} is not a WebUI's address", "give http://host:7860")
    if parts.query or parts.fragment:
        raise InputError(f"{url[:80]!r} has a query or fragment", "give only http://host:7860")
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


def credentials_from_environment(environ: Mapping[str, str]) -> tuple[str, str] | None:
    """User name and password, or None where the variable is not set; InputError where it has no colon."""
    text = environ.get(AUTH_VARIABLE, "").strip()
    if not text:
        return None
    user, colon, password = text.partition(":")
    if not colon or not user:
        raise InputError(f"{AUTH_VARIABLE} is not user:password", f"set {AUTH_VARIABLE}=user:password")
    return user, password


class WebuiClient:
    """Requests to one WebUI.

    Parameters
    ----------
    url : str
    session : requests.Session, optional
    patience : float
        Seconds for which a lost connection is tried again.
    sleep : callable
        Called between tries with seconds; may raise to stop.
    """

    def __init__(
        self,
        url: str,
        *,
        session: requests.Session | None = None,
        patience: float = 120.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        import requests

        self.url = parse_url(url)
        self.patience = patience
        self._credentials = credentials_from_environment(os.environ)
        self._session = session or requests.Session()
        self.sleep = sleep
        self._signed_in = False

    @property
    def is_local(self) -> bool:
        """Whether the WebUI runs on this machine, and so sees the same files."""
        return urlsplit(self.url).hostname in ("localhost", "127.0.0.1", "::1")

    def request(self, method: str, path: str, *, patience: float | None = None, **body: Any) -> Answer:
        """Send a request and read the whole answer, trying again while the connection is lost.

        ``patience`` 0 tries once. Raises DeforumError (Lost) when patience is over; any answer that is not
        passing trouble is returned, refusals too. ``body`` goes to requests (json, data, files).
        """
        give_up = time.monotonic() + (self.patience if patience is None else patience)
        pause = FIRST_PAUSE
        while True:
            trouble: Lost | None = None
            try:
                answer = self._once(method, path, body)
                if answer.status not in PASSING:
                    return answer
            except Lost as error:
                trouble = error
            if time.monotonic() + pause > give_up:
                if trouble is not None:
                    raise trouble
                return answer
            log.info("%s %s: trying again in %.1f s", method, path.split("?")[0], pause)
            self.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def sign_in(self) -> bool:
        """Fetch gradio's cookie with the credentials, once; False where there are none or they fail."""
        if self._credentials is None or self._signed_in:
            return False
        self._signed_in = True
        user, password = self._credentials
        return self.request("POST", "/login", data={"username": user, "password": password}).ok

    def _once(self, method: str, path: str, body: dict[str, Any]) -> Answer:
        """One request, with redirects that stay on the host."""
        url = self.url + path
        deadline = time.monotonic() + MAX_SECONDS
        for _ in range(MAX_REDIRECTS + 1):
            answer, location = self._send(method, url, deadline, body)
            if location is None:
                return answer
            url = self._checked_redirect(url, location)
        raise DeforumError(f"{self.url} redirects without end", "give the WebUI's own address")

    def _send(
        self, method: str, url: str, deadline: float, body: dict[str, Any]
    ) -> tuple[Answer, str | None]:
        """One exchange: the answer, and where it redirects to."""
        import requests

        left = max(deadline - time.monotonic(), 0.1)
        try:
            with self._session.request(
                method, url, timeout=(min(10.0, left), left), allow_redirects=False, stream=True,
                auth=self._credentials or _anonymous, **body,
            ) as response:
                data = self._read(response, deadline)
                headers = {name.lower(): value for name, value in response.headers.items()}
                answer = Answer(response.status_code, data, headers.get("content-type", ""), headers)
                return answer, response.headers.get("location") if response.is_redirect else None
        except requests.exceptions.SSLError as error:
            raise DeforumError(f"{self.url}: its certificate is refused", "check https and the name") from error
        except requests.exceptions.ConnectTimeout as error:
            raise self._lost("does not answer", sent=False) from error
        except requests.exceptions.ConnectionError as error:
            sent = "NewConnectionError" not in repr(error) and "NameResolution" not in repr(error)
            raise self._lost("cut the connection" if sent else "cannot be reached", sent=sent) from error
        except (requests.exceptions.RequestException, TimeoutError) as error:
            raise self._lost(f"did not finish its answer ({type(error).__name__})", sent=True) from error

    def _read(self, response: requests.Response, deadline: float) -> bytes:
        """The whole body, within the deadline and ``MAX_BODY``."""
        parts, size = [], 0
        for part in response.iter_content(1 << 16):
            parts.append(part)
            size += len(part)
            if size > MAX_BODY:
                raise DeforumError(f"{self.url} answers over {MAX_BODY >> 20} MiB", "check the address")
            if time.monotonic() > deadline:
                raise TimeoutError
        return b"".join(parts)

    def _checked_redirect(self, url: str, location: str) -> str:
        """Where to go next; never to another host or port, except from http to https."""
        here, there = urlsplit(url), urlsplit(urljoin(url, location))
        safer = (here.scheme, there.scheme) == ("http", "https") and here.hostname == there.hostname
        if (here.scheme, here.netloc) != (there.scheme, there.netloc) and not safer:
            raise DeforumError(
                f"{self.url} redirects to {there.scheme}://{there.hostname}", "give the WebUI's own address"
            )
        return urlunsplit(there)

    def _lost(self, what: str, *, sent: bool) -> Lost:
        return Lost(
            f"the WebUI at {self.url} {what}",
            "check that it runs, its address and port, --listen, and any proxy or firewall between",
            sent=sent,
        )


def _anonymous(request: Any) -> Any:
    """No credentials, and none from ~/.netrc either."""
    return request
