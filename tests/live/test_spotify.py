"""Spotify itself, for a person with keys and a network: ``MUSIC_VISUALIZER_LIVE=1 pytest tests/live``.

Off by default. Everything else about Spotify is tested against a server of our own, after its documentation.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from lib_music import credentials
from lib_music.track.link import parse_link, resolve_short
from lib_music.track.oembed import oembed
from lib_music.track.spotify import TEST_TRACK, Spotify
from lib_music.track.web import Web, download_cover

pytestmark = pytest.mark.skipif(os.environ.get("MUSIC_VISUALIZER_LIVE") != "1", reason="set MUSIC_VISUALIZER_LIVE=1")


@pytest.fixture
def spotify() -> Spotify:
    found = credentials.find()
    if found is None:
        pytest.skip("needs SPOTIPY_CLIENT_ID and SPOTIPY_CLIENT_SECRET")
    return Spotify(found)


def test_the_credentials(spotify: Spotify) -> None:
    assert spotify.test().startswith("the credentials work")


def test_a_song_and_its_cover(spotify: Spotify, tmp_path: Path) -> None:
    track = spotify.track(TEST_TRACK)
    assert track.title and track.artists and track.album and track.duration > 60 and len(track.isrc) == 12
    spotify.cover(track, tmp_path / "cover.png")
    with Image.open(tmp_path / "cover.png") as image:
        assert 300 <= max(image.size) <= 1000


def test_an_album(spotify: Spotify) -> None:
    songs = spotify.album_tracks("6eUW0wxWtzkFdaEFsTJto6")
    assert songs and all(song.title and song.duration > 0 for song in songs)


def test_the_analysis_is_there_or_refused(spotify: Spotify) -> None:
    said = spotify.analysis(TEST_TRACK)
    assert said is None or said["beats"]


def test_oembed(tmp_path: Path) -> None:
    found = oembed(parse_link(TEST_TRACK), Web())
    assert found.title
    download_cover(found.thumbnail_url, tmp_path / "cover.png", Web())


def test_a_short_link() -> None:
    short = os.environ.get("MUSIC_VISUALIZER_SHORT_LINK")
    if not short:
        pytest.skip("needs a short link of a song in MUSIC_VISUALIZER_SHORT_LINK")
    assert resolve_short(parse_link(short), Web()).kind == "track"
