"""oEmbed's title and cover, and every way in which it is none."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib_music.errors import SpotifyError
from lib_music.track.link import parse_link
from lib_music.track.oembed import MAX_BYTES, OEmbed, oembed
from lib_music.track.web import COVER_HOSTS, Web, host_of
from tests.track.spotify_server import COVER, ID, Place, Reply, redirect, reply, spotify_server, text

LINK = parse_link(ID)
SAID: dict[str, Any] = {
    "html": "<iframe></iframe>", "width": 456, "height": 152, "version": "1.0", "provider_name": "Spotify",
    "provider_url": "https://spotify.com", "type": "rich", "title": "Never Gonna Give You Up",
    "thumbnail_url": COVER, "thumbnail_width": 300, "thumbnail_height": 300,
}  # fmt: skip


@pytest.fixture
def place() -> Iterator[Place]:
    with spotify_server() as place:
        yield place


def web(place: Place, timeout: float = 20.0) -> Web:
    return Web(timeout=timeout, routes={"open.spotify.com": place.url})


def test_title_and_cover(place: Place) -> None:
    place.play("open.spotify.com/oembed", reply(SAID))
    assert oembed(LINK, web(place)) == OEmbed("Never Gonna Give You Up", COVER)
    (asked,) = place.asked
    assert parse_qs(asked.query) == {"url": [f"https://open.spotify.com/track/{ID}"]}


@pytest.mark.parametrize(
    ("played", "said"),
    [
        (text("", 404), "does not know"),
        (text("", 400), "does not know"),
        (text("", 429), "too often"),
        (text("", 500), "status 500"),
        (text("", 204), "status 204"),
        (text("<html>sign in</html>"), "not a song"),
        (text(""), "not a song"),
        (reply([]), "not a song"),
        (reply({**SAID, "title": 3}), "not a song"),
        (reply({**SAID, "title": " \u202e\0"}), "not a song"),
        (text("[" * 100_000), "not a song"),
        (Reply(200, b'{"title": "\xff"}'), "not a song"),
        (Reply(200, b"x" * (MAX_BYTES + 1)), "over 1 MB"),
        (Reply(200, json.dumps(SAID).encode(), cut=30), "cut"),
        (redirect("https://evil.example/"), "not followed"),
        (redirect("http://open.spotify.com/oembed"), "not followed"),
    ],
)
def test_what_is_no_song(place: Place, played: Reply, said: str) -> None:
    place.play("/oembed", played)
    with pytest.raises(SpotifyError, match=said) as raised:
        oembed(LINK, web(place))
    assert raised.value.fix


@pytest.mark.parametrize("url", ["https://evil.example/c.jpg", "http://i.scdn.co/c.jpg", "", None, 3, [COVER]])
def test_a_cover_elsewhere_is_none(place: Place, url: object) -> None:
    place.play("/oembed", reply({**SAID, "thumbnail_url": url}))
    assert oembed(LINK, web(place)).thumbnail_url == ""


def test_slow(place: Place) -> None:
    place.play("/oembed", Reply(200, json.dumps(SAID).encode(), drip=0.1))
    begin = time.monotonic()
    with pytest.raises(SpotifyError, match="did not answer whole"):
        oembed(LINK, web(place, 0.4))
    assert time.monotonic() - begin < 15


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*SAID, "x"]), inner, max_size=5),
    max_leaves=8,
)


@given(VALUES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json(place: Place, value: object) -> None:
    place.play("/oembed", reply(value))
    try:
        found = oembed(LINK, web(place))
    except SpotifyError:
        return
    assert found.title and found.title.isprintable()
    assert not found.thumbnail_url or host_of(found.thumbnail_url, COVER_HOSTS)
