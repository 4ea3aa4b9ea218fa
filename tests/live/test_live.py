"""Spotify and yt-dlp as they answer today. What needs credentials or yt-dlp is skipped without them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib_music import credentials
from lib_music.pipeline import Reporter
from lib_music.request import Request
from lib_music.track import download
from lib_music.track.know import OUTSIDE, Outside, meet, try_credentials, wanted
from lib_music.track.web import download_cover

#: A song that has been there since 2017, of Spotify's own documentation.
ID = "11dFghVXANMlKmJXsNCbNl"
LINK = f"https://open.spotify.com/track/{ID}"


@pytest.fixture
def keys() -> None:
    if credentials.find() is None:
        pytest.skip("needs credentials: music-visualizer credentials set")


def test_oembed_tells_title_and_cover(tmp_path: Path) -> None:
    met = meet(LINK, Outside(folder=tmp_path)) if credentials.state(tmp_path) == "not set" else None
    if met is None:
        pytest.skip("credentials are in the environment")
    assert met.title and met.oembed is not None and not met.warnings
    download_cover(met.cover_url, tmp_path / "cover.png", OUTSIDE.web())
    assert (tmp_path / "cover.png").stat().st_size > 1000


@pytest.mark.usefixtures("keys")
def test_the_credentials_work() -> None:
    assert "work" in try_credentials()


@pytest.mark.usefixtures("keys")
def test_the_api_tells_length_and_isrc() -> None:
    met = meet(f"{LINK}?si=0")
    assert met.spotify is not None and met.spotify.duration > 30 and len(met.spotify.isrc) == 12, met.warnings


def test_a_recording_is_found() -> None:
    program = download.find_program()
    if program is None:
        pytest.skip("needs yt-dlp on PATH")
    found = download.search(wanted(Request(None, link=LINK), meet(LINK)), program, Reporter())
    assert found and found[0].title
