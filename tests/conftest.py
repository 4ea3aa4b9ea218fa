"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# How long one example takes says more of what else runs on the machine than of us.
settings.register_profile("unhurried", parent=settings(), deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Analyses of test songs stay out of the person's cache; one folder for the whole run, as in real life."""
    folder = Path(tmp_path_factory.getbasetemp()) / "cache"
    monkeypatch.setenv("MUSIC_VISUALIZER_CACHE", str(folder))


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of larger music, or a skip that says how to have it."""
    named = os.environ.get("MUSIC_VISUALIZER_CORPUS")
    if not named:
        pytest.skip("needs larger music: set MUSIC_VISUALIZER_CORPUS to a folder with INDEX.json")
    folder = Path(named)
    assert (folder / "INDEX.json").is_file(), f"MUSIC_VISUALIZER_CORPUS={named} has no INDEX.json"
    return folder
