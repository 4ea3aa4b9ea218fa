"""What Spotify tells everybody of a song: its title and a small cover.

Conventions: https://developer.spotify.com/documentation/embeds/reference/oembed, which asks for no credentials and
knows neither the artists nor the length. What it answers is Spotify's content, and found text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote

from lib_music.errors import SpotifyError
from lib_music.track.link import Link
from lib_music.track.tags import clean_text
from lib_music.track.web import COVER_HOSTS, Web, host_of

HOSTS = ("open.spotify.com",)
MAX_BYTES = 1 << 20


@dataclass(frozen=True)
class OEmbed:
    """A song as oEmbed knows it: ``title``, never empty; ``thumbnail_url`` on one of COVER_HOSTS, or empty."""

    title: str
    thumbnail_url: str


def oembed(link: Link, web: Web) -> OEmbed:
    """Ask Spotify's oEmbed for a song; ``link`` is that of a song, or short.

    Raises
    ------
    SpotifyError
        It is not there, refuses, or does not answer as documented.
    """
    url = f"https://open.spotify.com/oembed?url={quote(link.url, safe='')}"
    answer = web.follow(url, hosts=HOSTS, limit=MAX_BYTES, accept="application/json")
    if answer.status in (400, 404):
        raise SpotifyError("Spotify does not know this song", "check the link; the song may have been taken down")
    if answer.status == 429:
        raise SpotifyError("Spotify's oEmbed is asked too often from here", "try again in some minutes")
    if answer.status != 200:
        raise SpotifyError(f"Spotify's oEmbed fails (status {answer.status})", "try again later")
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        said = None
    title = clean_text(said["title"]) if isinstance(said, dict) and isinstance(said.get("title"), str) else ""
    if not isinstance(said, dict) or not title:
        raise SpotifyError("Spotify's oEmbed answered something that is not a song", "try again later")
    picture = said.get("thumbnail_url")
    return OEmbed(title, picture if isinstance(picture, str) and host_of(picture, COVER_HOSTS) else "")
