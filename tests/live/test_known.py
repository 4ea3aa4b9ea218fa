"""From a link to what is known of it, and to a recording, as Spotify and YouTube answer today.

Off by default: ``MUSIC_VISUALIZER_LIVE=1 pytest tests/live``.
"""

from __future__ import annotations

import os

import pytest

from lib_music import credentials
from lib_music.pipeline import Reporter
from lib_music.request import Request
from lib_music.track import download
from lib_music.track.know import meet, try_credentials, wanted
from lib_music.track.spotify import TEST_TRACK

pytestmark = pytest.mark.skipif(os.environ.get("MUSIC_VISUALIZER_LIVE") != "1", reason="set MUSIC_VISUALIZER_LIVE=1")
LINK = f"https://open.spotify.com/track/{TEST_TRACK}"


def test_a_link_leads_to_a_song() -> None:
    met = meet(f"{LINK}?si=0")
    assert met.title and not met.warnings
    if credentials.find() is not None:
        assert met.spotify is not None and met.spotify.duration > 30 and "work" in try_credentials()


def test_a_recording_is_found() -> None:
    program = download.find_program()
    if program is None:
        pytest.skip("needs yt-dlp on PATH")
    found = download.search(wanted(Request(None, link=LINK), meet(LINK)), program, Reporter())
    assert found and found[0].title
