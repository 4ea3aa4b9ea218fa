"""Who may call, from where, and how often.

Conventions: credentials are compared as a whole and in a time that tells nothing; all pairs that the host was started
with count alike. A call with an effect is taken from the host's own pages and from programs, never from another web
site. A rate is a bucket of calls that fills again; whose bucket it is says the user name, else the address.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lib_music.api.problems import Problem, again_after

#: Methods without an effect.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: How many callers are remembered.
_CALLERS = 1_000
_DEFAULT_PORTS = (":80", ":443")


@dataclass(frozen=True)
class Rate:
    """So many at once, and so many a second after that."""

    burst: int
    per_second: float


@dataclass(frozen=True)
class Limits:
    """How much one server takes.

    Attributes
    ----------
    message : int
        Bytes of a JSON body, as from the page.
    piece, upload, held : int
        Bytes of one piece of an upload, of one upload, of all uploads together.
    uploads : int
        How many there are at once.
    kept : float
        Seconds for which an upload that nobody goes on with is kept.
    silence : float
        Seconds within which something of a piece must come, and in all: see ``patience``.
    patience : float
        Seconds after which an answer goes out whatever happens: a pod's proxy cuts at 100.
    calls, makes, refusals : Rate
        Calls of all kinds, calls that begin something, and wrong credentials, of one caller.
    """

    message: int = 1_000_000
    piece: int = 8 << 20
    upload: int = 2 << 30
    held: int = 6 << 30
    uploads: int = 20
    kept: float = 24 * 3600.0
    silence: float = 15.0
    patience: float = 45.0
    calls: Rate = Rate(600, 60.0)
    makes: Rate = Rate(100, 2.0)
    refusals: Rate = Rate(300, 2.0)


class Buckets:
    """Who has called how often lately.

    Parameters
    ----------
    clock : callable
        Seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._changing = clock, threading.Lock()
        self._held: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def take(self, kind: str, caller: str, rate: Rate) -> float:
        """Count one call; 0 when it may be made, else the seconds after which it may."""
        now, key = self._clock(), (kind, caller)
        with self._changing:
            left, at = self._held.pop(key, (float(rate.burst), now))
            left = min(float(rate.burst), left + (now - at) * rate.per_second)
            wait = 0.0 if left >= 1 else (1 - left) / rate.per_second
            self._held[key] = (left - 1 if left >= 1 else left, now)
            while len(self._held) > _CALLERS:
                self._held.popitem(last=False)
        return wait


def read_pairs(text: str, *, trimmed: bool = True) -> tuple[tuple[str, str], ...]:
    """``user:password`` pairs apart by commas or lines, as the host's flags and files write them.

    What is none is left out. ``trimmed`` takes the blanks around a pair away, as the host does for its page.
    """
    parts = (part.strip() if trimmed else part for part in text.replace("\n", ",").split(","))
    pairs = (part.partition(":") for part in parts)
    return tuple((user, password) for user, colon, password in pairs if colon and user)


@dataclass(frozen=True)
class Guard:
    """Who may call.

    Attributes
    ----------
    pairs : tuple of (user, password)
        Any of them will do.
    needed : bool
        Whether anybody must say who they are; without a pair nobody can, and all are refused.
    signed_in : callable
        From a request's cookies to the user whom the host's own page has let in, or None.
    origins : iterable of str
        Other web sites that the person lets in by the host's own flag.
    """

    pairs: tuple[tuple[str, str], ...] = ()
    needed: bool = False
    signed_in: Callable[[Mapping[str, str]], str | None] = field(default=lambda cookies: None)
    origins: Iterable[str] = ()

    def user(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> str | None:
        """Who calls; None where that is nobody who may. Empty when nobody must say."""
        if not self.needed:
            return ""
        given = _basic(headers.get("authorization", ""))
        if given is not None:
            return given[0] if self._holds(*given) else None
        return self.signed_in(cookies)

    def _holds(self, user: str, password: str) -> bool:
        """Whether this is one of the pairs; each is compared to its end."""
        given, found = _mark(user, password), False
        for pair in self.pairs:
            found |= hmac.compare_digest(_mark(*pair), given)
        return found

    def check_origin(self, method: str, headers: Mapping[str, str]) -> None:
        """Raise Problem (403) where a browser says that another web site asks."""
        origin = headers.get("origin")
        if origin is not None and origin not in self.origins:
            theirs = _place(urlsplit(origin).netloc) if "//" in origin else ""
            ours = {_place(headers.get(name, "")) for name in ("host", "x-forwarded-host")} - {""}
            if theirs not in ours:
                raise Problem(403, "another web site asks for this", "ask from the WebUI's own address")
        elif origin is None and method not in SAFE and headers.get("sec-fetch-site", "none") not in (
            "none", "same-origin",
        ):  # fmt: skip
            raise Problem(403, "another web site asks for this", "ask from the WebUI's own address")


def check_rate(buckets: Buckets, kind: str, caller: str, rate: Rate) -> None:
    """Count a call; raises Problem (429) with the time after which it may be made."""
    if wait := buckets.take(kind, caller, rate):
        raise Problem(429, "too many calls", "call more slowly", again_after(wait))


def _basic(header: str) -> tuple[str, str] | None:
    """User and password of an Authorization header; None where it holds none."""
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        plain = base64.b64decode(coded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return "", ""
    user, _, password = plain.decode("utf-8", "surrogateescape").partition(":")
    return user, password


def _mark(user: str, password: str) -> bytes:
    """A digest of both, so that lengths tell nothing either."""
    texts = (text.encode("utf-8", "surrogatepass") for text in (user, password))
    return hashlib.sha256(b"".join(hashlib.sha256(text).digest() for text in texts)).digest()


def _place(netloc: str) -> str:
    """Host and port to compare: the usual ports go without saying."""
    place = netloc.strip().lower().rpartition("@")[2]
    port = next((port for port in _DEFAULT_PORTS if place.endswith(port)), "")
    return place[: len(place) - len(port)] if port else place
