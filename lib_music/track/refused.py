"""Why Spotify did not give what was asked, for the person.

Conventions: an :class:`Exchange` is what was seen of one try, whatever spotipy made of it. Of an answer's own text only
a short, cleaned piece is shown, and only where nothing better is known; times are those of this machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from lib_music.errors import SpotifyError

#: A pause that Spotify asks for is made when it is no longer (seconds); else the person is told.
LONGEST_PAUSE = 10.0
#: Spotify's own passing trouble.
PASSING = (500, 502, 503, 504)

_WITHOUT = "or go on without Spotify: the file alone is enough"
_DASHBOARD = "https://developer.spotify.com/dashboard"
_SIGN_IN = f"if this network wants you to sign in first, do that in a browser, {_WITHOUT}"


class Refused(SpotifyError):
    """An answer of the API that is not a success; ``status`` is its code."""

    def __init__(self, message: str, fix: str, status: int) -> None:
        super().__init__(message, fix)
        self.status = status


@dataclass
class Exchange:
    """One try of one call: until when it may last (time.monotonic), and what was seen last.

    ``status`` is 0 until an answer is whole; ``token`` tells whether it was a token that was asked for.
    """

    deadline: float
    host: str = ""
    token: bool = False
    status: int = 0
    body: bytes = field(default=b"", repr=False)  # a token, perhaps
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    redirected: bool = False


def explained_answer(exchange: Exchange, what: str, shown: str) -> SpotifyError:
    """Why an answer is none.

    Parameters
    ----------
    exchange : Exchange
    what : str
        What was asked for: song, album, analysis.
    shown : str
        What of the answer's text may be shown.
    """
    if exchange.redirected:
        return SpotifyError(f"{exchange.host} redirects elsewhere; the credentials were not sent there", _SIGN_IN)
    if exchange.status == 429:
        return _too_often(exchange)
    if exchange.status >= 500:
        fix = f"try again in some minutes, {_WITHOUT}"
        return Refused(f"Spotify itself has trouble (status {exchange.status})", fix, exchange.status)
    if exchange.token:
        return _of_token(exchange, shown)
    return unreadable(what) if exchange.status == 200 else _of_api(exchange, what, shown)


def unreadable(what: str) -> SpotifyError:
    """A success that holds something else."""
    return SpotifyError(f"Spotify's {what} cannot be read: it is not what the API documents", f"try again, {_SIGN_IN}")


def pause(exchange: Exchange) -> float | None:
    """Seconds after which another try makes sense; None when it does not."""
    if exchange.status in PASSING:
        return 1.0
    if exchange.status != 429 or _is_quota(exchange):
        return None
    asked = _retry_after(exchange)
    if asked is None:
        return 1.0
    return asked if asked <= LONGEST_PAUSE else None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body[:100_000])
    except (ValueError, RecursionError):
        return None


def message_of(exchange: Exchange) -> str:
    """What an error answer says: Spotify's JSON, or plain text."""
    said = _json(exchange.body)
    if not isinstance(said, dict):
        return exchange.body[:2000].decode("utf-8", "replace")
    error = said.get("error")
    message = error.get("message") if isinstance(error, dict) else said.get("error_description") or error
    return message if isinstance(message, str) else ""


def _of_token(exchange: Exchange, message: str) -> SpotifyError:
    """Why there is no token."""
    said = _json(exchange.body)
    if exchange.status in (400, 401, 403) and isinstance(said, dict) and said.get("error") == "invalid_client":
        which = "client secret" if "secret" in message.lower() else "client ID or secret"
        fix = f"copy both again from {_DASHBOARD}, your app, Settings"
        return SpotifyError(f"Spotify does not accept the {which}", fix)
    if exchange.status == 200:
        return unreadable("token")
    fix = f"look at your app on {_DASHBOARD}, {_WITHOUT}"
    return SpotifyError(f"Spotify gives no token (status {exchange.status}): {message or 'no reason given'}", fix)


def _of_api(exchange: Exchange, what: str, message: str) -> Refused:
    """Why the API refused."""
    status, text = exchange.status, message.lower()
    if status == 401:
        wrong, fix = "Spotify rejects the token that it just gave", f"check this machine's clock, {_WITHOUT}"
    elif status == 403 and "premium" in text:
        wrong = "Spotify answers only apps whose owner has Premium"
        fix = f"take out Premium for the account of the app (it can take hours to count), {_WITHOUT}"
    elif status == 403 and "not be registered" in text:
        wrong = "Spotify does not count this user among those of the app"
        fix = f"add them on {_DASHBOARD}, your app, User Management, {_WITHOUT}"
    elif status == 403:
        wrong = f"Spotify does not let this app have the {what}"
        fix = f"newer apps may ask for less than older ones, {_WITHOUT}"
    elif status == 404:
        wrong, fix = f"Spotify does not know this {what}", "check the link; it may have been taken down"
    elif status == 400:
        wrong, fix = f"Spotify does not take the request: {message or 'no reason given'}", f"check the link, {_WITHOUT}"
    else:
        wrong = f"Spotify refuses the {what} (status {status}): {message or 'no reason given'}"
        fix = f"try again later, {_WITHOUT}"
    return Refused(wrong, fix, status)


def _too_often(exchange: Exchange) -> Refused:
    """Rate limit and quota: when to come back."""
    asked = _retry_after(exchange)
    when = _when(asked) if asked is not None else "in some minutes"
    if _is_quota(exchange):
        when = when if asked is not None else "in some hours"
        wrong = "the quota of your Spotify developer account is used up, which all its apps share"
        return Refused(wrong, f"try again {when}, {_WITHOUT}", 429)
    return Refused("Spotify is asked too often with these credentials", f"try again {when}, {_WITHOUT}", 429)


def _is_quota(exchange: Exchange) -> bool:
    said = _json(exchange.body)
    error = said.get("error") if isinstance(said, dict) else None
    return isinstance(error, dict) and "QUOTA" in str(error.get("reason", "")).upper()


def _retry_after(exchange: Exchange) -> float | None:
    """Seconds that Spotify asks to wait, at most a year; None when it does not say, or not in seconds."""
    asked = (exchange.headers or {}).get("retry-after", "").strip()
    return float(min(int(asked[:9]), 31_536_000)) if re.fullmatch(r"[0-9]+", asked) else None


def _when(seconds: float) -> str:
    """``at 14:10 (in 22 h 46 min)``, in this machine's time."""
    now = datetime.now().astimezone()
    then = now + timedelta(seconds=seconds)
    hours, minutes = divmod(max(1, round(seconds / 60)), 60)
    length = f"{hours} h {minutes} min" if hours else f"{minutes} min"
    if hours >= 48:
        return f"on {then:%Y-%m-%d} at {then:%H:%M}"
    return f"{'tomorrow ' if then.date() != now.date() else ''}at {then:%H:%M} (in {length})"
