"""What a pasted Spotify link names.

Conventions: reading a link asks nobody anything; only :func:`resolve_short` makes requests, and only to
:data:`SHORT_HOSTS`. Of a link nothing is kept but its kind and its ID of 22 letters and digits (base62,
https://developer.spotify.com/documentation/web-api/concepts/spotify-uris-ids); every URL is written anew from these
two. Whatever the text holds, what comes back is a :class:`Link` or a LinkError.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import parse_qsl, unquote

from lib_music.errors import LinkError
from lib_music.track.web import Answer, Web, WebError, host_of, redirected

Kind = Literal["track", "album", "playlist", "episode", "show", "artist", "audiobook", "prerelease", "collection",
               "local", "short"]  # fmt: skip

#: Where short links live and lead; nothing else is ever asked because of a link.
SHORT_HOSTS = ("spotify.link", "spotify.app.link", "open.spotify.com")
MAX_HOPS = 5
#: No link is longer, not even in its whole iframe.
MAX_CHARS = 10_000
#: Of the page that a short link shows instead of redirecting.
MAX_PAGE = 1 << 20

_ID = re.compile(r"[0-9A-Za-z]{22}")
_CODE = re.compile(r"[0-9A-Za-z_-]{1,64}")
_URL = re.compile(r"(?:(?P<scheme>[a-z]+)://|//)?(?P<place>[^/?#\\]*)(?P<path>/[^?#\\]*)?(?:\?(?P<query>[^#]*))?(?:#.*)?",
                  re.IGNORECASE)  # fmt: skip
_IFRAME = re.compile(r"<iframe\b[^>]*?\ssrc\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+))", re.IGNORECASE)
#: Spaces and invisible signs around a pasted text.
_AROUND = "\\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
_TRIM = re.compile(f"^[{_AROUND}]+|[{_AROUND}]+$")
_QUOTES = {"<": ">", '"': '"', "'": "'", "“": "”", "‘": "’", "`": "`"}
_LANGUAGE = re.compile(r"intl-[a-z]{2,3}(?:-[a-z0-9]{2,8})*", re.IGNORECASE)
_EMBED = ("embed", "embed-podcast")
_HOSTS = ("open.spotify.com", "play.spotify.com", "embed.spotify.com")
#: Where the links of Branch hold their target.
_TARGETS = ("$full_url", "$canonical_url", "$fallback_url", "$desktop_url")
_SECRET = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
_HOW = "in Spotify: the song's … menu, Share, Copy song link"
_NAMES: dict[str, str] = {
    "track": "a song", "album": "an album", "playlist": "a playlist", "episode": "a podcast's episode",
    "show": "a podcast", "artist": "an artist", "audiobook": "an audiobook", "prerelease": "an album to come",
    "collection": "somebody's liked songs", "local": "a file on somebody's own disk", "short": "a short link",
}  # fmt: skip
_FIXES: dict[str, str] = {
    "album": "choose one of its songs, and give the link of that",
    "playlist": "open it in Spotify and copy the link of one of its songs",
    "episode": "speech has no beat to follow: give the link of a song, or upload the file",
    "show": "give the link of a song",
    "artist": "open one of their songs in Spotify and copy its link",
    "audiobook": "give the link of a song",
    "prerelease": "it has no songs yet: wait for its release, or upload the file",
    "collection": "open one of the songs in Spotify and copy its link",
    "local": "Spotify does not have that song: give the file itself",
}


@dataclass(frozen=True)
class Link:
    """What a link names.

    Attributes
    ----------
    kind : Kind
    id : str
        22 letters and digits; of a short link its code; empty for ``local`` and ``collection``.
    url : str
        ``https://open.spotify.com/track/ID`` and so on; the short link itself; empty for ``local``.
    """

    kind: Kind
    id: str
    url: str

    def __post_init__(self) -> None:
        shape = _CODE if self.kind == "short" else _ID
        if self.kind not in get_args(Kind) or not (shape.fullmatch(self.id) or self.kind in ("local", "collection")):
            raise ValueError(f"Link({self.kind!r}, {self.id!r}) names nothing")


def is_link(text: str) -> bool:
    """Whether a text means to be a link, rather than the name of a file. A bare ID may be either: False."""
    text = _unwrapped(text[:MAX_CHARS])
    found = _URL.fullmatch(text)
    place = found["place"].lower() if found else ""
    known = place in (*_HOSTS, *SHORT_HOSTS)
    return bool(re.match(r"(spotify:|https?://|//)", text, re.IGNORECASE)) or known


def parse_link(text: str) -> Link:
    """What a pasted text names: a bare ID, a ``spotify:`` URI, any form of URL, ``<…>`` or an iframe around it.

    Raises
    ------
    LinkError
        It is none of Spotify's, or damaged.
    """
    if not isinstance(text, str) or len(text) > MAX_CHARS:
        raise LinkError("this is not a link", _HOW)
    return _parse(_unwrapped(text), nested=False)


def only_song(link: Link) -> Link:
    """The link itself where it names a song; else a LinkError that says what it names and what to do.

    A short link is to be resolved first. Of an album the caller can offer the songs
    (:meth:`lib_music.track.spotify.Spotify.album_tracks`).
    """
    if link.kind == "track":
        return link
    raise LinkError(f"the link is that of {_NAMES[link.kind]}, not of a song", _FIXES.get(link.kind, _HOW))


def resolve_short(link: Link, web: Web) -> Link:
    """What a short link leads to; any other link comes back as it is.

    At most :data:`MAX_HOPS` requests, only over https and to :data:`SHORT_HOSTS`; every redirect is checked before it
    is followed, and where it already names something on Spotify it is not followed at all.

    Raises
    ------
    LinkError
        It leads nowhere, elsewhere or on without end, or Spotify cannot be reached.
    """
    if link.kind != "short":
        return link
    url = link.url
    for _ in range(MAX_HOPS):
        try:
            answer = web.get(url, hosts=SHORT_HOSTS, limit=MAX_PAGE)
        except WebError as error:
            raise LinkError(f"the short link cannot be resolved: {error.message}", _PASTE_LONG) from error
        if not answer.location:
            return _from_page(answer)
        url = redirected(url, answer.location)
        if not host_of(url, SHORT_HOSTS):
            raise LinkError("the short link leads away from Spotify or from https; it is not followed", _PASTE_LONG)
        try:
            found = _parse(url, nested=False)
        except LinkError:
            continue  # a page on the way
        if found.kind != "short":
            return found
    raise LinkError(f"the short link leads on and on, over {MAX_HOPS} times", _PASTE_LONG)


_PASTE_LONG = "open it in a browser and paste the address that it leads to, https://open.spotify.com/track/…"
_NAMED = re.compile(rf"https://open\.spotify\.com/(?:{_LANGUAGE.pattern}/)?([a-z]+)/([0-9A-Za-z]{{22}})(?![0-9A-Za-z])")


def _from_page(answer: Answer) -> Link:
    """What a short link's page names first."""
    if answer.status in (404, 410):
        raise LinkError("Spotify does not know this short link; it may have expired", _PASTE_LONG)
    if answer.status != 200:
        raise LinkError(f"the short link is not answered (status {answer.status})", _PASTE_LONG)
    text = unquote(html.unescape(answer.body.decode("utf-8", "replace").replace("\\/", "/")))
    for found in _NAMED.finditer(text):
        try:
            return _named(found[1], [found[2]])
        except LinkError:
            continue
    raise LinkError("the short link's page names no song", _PASTE_LONG)


def _unwrapped(text: str) -> str:
    """The link inside a whole iframe, ``<…>``, quotes and spaces."""
    if frame := _IFRAME.search(text):
        text = html.unescape(frame[1] or frame[2] or frame[3] or "")
    for _ in range(4):
        text = _TRIM.sub("", text)
        if len(text) < 2 or _QUOTES.get(text[0]) != text[-1]:
            break
        text = text[1:-1]
    return text


def _parse(text: str, *, nested: bool) -> Link:
    """A link without wrapping; ``nested`` is one that was a parameter of another."""
    if not text:
        raise LinkError("the link is empty", _HOW)
    if _ID.fullmatch(text):
        return _named("track", [text])
    if _SECRET.fullmatch(text):
        raise LinkError("this is no link; it looks like a client ID or a secret", "set it under credentials instead")
    if re.match(r"spotify:(?!//)", text, re.IGNORECASE):
        return _from_uri(text)
    found = _URL.fullmatch(text)
    bare = found is not None and not found["scheme"] and "." not in found["place"]
    if found is None or bare or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise LinkError(f"{_shown(text)} is not a link to Spotify", _HOW)
    scheme, place = (found["scheme"] or "https").lower(), found["place"].lower()
    path, query = found["path"] or "", found["query"] or ""
    if scheme == "spotify":  # spotify://track/ID, as some apps have it
        return _from_path(f"/{found['place']}{path}", query, nested=nested)
    if scheme not in ("http", "https"):
        raise LinkError(f"{scheme}: is not a link to Spotify", _HOW)
    if "@" in place or ":" in place:
        raise LinkError("the link has a user name, a password or a port in it; Spotify's have none", _HOW)
    if place in ("spotify.link", "spotify.app.link"):
        return _from_short(place, path, query, nested=nested)
    if place in _HOSTS:
        return _from_path(path, query, nested=nested)
    if place == "link.tospotify.com":
        raise LinkError("links of link.tospotify.com no longer lead anywhere", _HOW)
    raise LinkError(f"the link leads to {_shown(place)}, not to open.spotify.com", _HOW)


def _from_uri(text: str) -> Link:
    """``spotify:track:ID`` and its kin."""
    parts = re.split(r"[?#]", text)[0].split(":")[1:]
    if parts and parts[0].lower() == "local":
        return Link("local", "", "")
    return _named(parts[0], [part for part in parts[1:] if part])


def _from_path(path: str, query: str, *, nested: bool) -> Link:
    """The path of a URL of open.spotify.com."""
    parts = [part for part in path.split("/") if part]
    while parts and (_LANGUAGE.fullmatch(parts[0]) or parts[0].lower() in _EMBED):
        parts = parts[1:]
    if not parts or parts[0].lower() == "oembed":
        inner = dict(parse_qsl(query)).get("url" if parts else "uri", "")
        if inner and not nested:
            return _parse(_TRIM.sub("", inner), nested=True)
        raise LinkError("the link leads to Spotify, but to no song", _HOW)
    if parts[0] == "s" and len(parts) == 2 and _CODE.fullmatch(parts[1]):
        return Link("short", parts[1], f"https://open.spotify.com/s/{parts[1]}")
    return _named(parts[0], parts[1:])


def _from_short(place: str, path: str, query: str, *, nested: bool) -> Link:
    """A link of Branch: a code to ask for, or the target in its own parameters."""
    code = path.strip("/")
    if _CODE.fullmatch(code):
        return Link("short", code, f"https://{place}/{code}")
    given = dict(parse_qsl(query))
    inner = next((given[name] for name in _TARGETS if name in given), "")
    if inner and not nested:
        return _parse(_TRIM.sub("", inner), nested=True)
    raise LinkError("the short link has no code", _PASTE_LONG)


def _named(kind: str, rest: list[str]) -> Link:
    """``kind`` and what follows it, from a path or a URI."""
    kind = kind.lower()
    if kind == "user":
        return _of_user(rest)
    if kind == "local":
        return Link("local", "", "")
    if kind == "collection":
        return Link("collection", "", "https://open.spotify.com/collection/tracks")
    if kind not in _NAMES or kind == "short":
        raise LinkError("the link leads to Spotify, but to no song", _HOW)
    if len(rest) == 1 and _ID.fullmatch(rest[0]):
        name: Kind = next(known for known in get_args(Kind) if known == kind)
        return Link(name, rest[0], f"https://open.spotify.com/{name}/{rest[0]}")
    if kind != "track":  # what it is matters more than what is wrong with it
        raise LinkError(f"the link is that of {_NAMES[kind]}, not of a song", _FIXES[kind])
    if not rest:
        raise LinkError("the link ends before the song's ID", _HOW)
    if len(rest) > 1:
        raise LinkError("the link goes on after the song's ID", _HOW)
    if rest[0].isascii() and rest[0].isalnum():
        raise LinkError(f"the song's ID {_shown(rest[0])} has {len(rest[0])} signs, not 22", f"copy it whole; {_HOW}")
    raise LinkError(f"the song's ID {_shown(rest[0])} is not 22 letters and digits", f"copy it whole; {_HOW}")


def _of_user(rest: list[str]) -> Link:
    """``user/NAME/playlist/ID``, as playlists were once called, and the person's own page."""
    after = [part.lower() for part in rest[1:2]]
    if after in (["playlist"], ["collection"]):
        return _named(after[0], rest[2:])
    raise LinkError("the link is that of a person on Spotify, not of a song", _HOW)


def _shown(text: str) -> str:
    """Found text for a message: printable, short."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    return repr(text if len(text) <= 60 else text[:59] + "…")
