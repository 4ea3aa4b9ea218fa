"""These tests ask Spotify itself. They run only with MUSIC_VISUALIZER_LIVE=1, from a machine with a network."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _live() -> None:
    if os.environ.get("MUSIC_VISUALIZER_LIVE") != "1":
        pytest.skip("asks Spotify itself: set MUSIC_VISUALIZER_LIVE=1")
