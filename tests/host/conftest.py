"""The whole way in a real WebUI: see :mod:`tests.host.installation` for how one is named.

These tests start it, kill it, and paint on whatever it paints with; a CPU and a tiny checkpoint will do.
``MUSIC_VISUALIZER_KEEP`` names a folder that keeps its data (logs, projects) after the run.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import chromium
from tests.browser.songs import SHORT, Song, make_song
from tests.browser.tab import Tab
from tests.host.installation import Installation, WebUI, missing

if TYPE_CHECKING:
    from playwright.sync_api import Browser

QUEUE = "/queue/data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip all of them with one line that says why."""
    if why := missing():
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def installation() -> Installation:
    """The WebUI that the environment names."""
    return Installation.named()


@pytest.fixture(scope="session")
def browser(installation: Installation) -> Iterator[Browser]:
    """One browser for the whole run; with a WebUI named, it must be there."""
    why = chromium.missing(page_here=False)
    assert not why, why
    with chromium.browser() as running:
        yield running


@pytest.fixture(scope="session")
def webui(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebUI]:
    """The WebUI with our extension, on data of its own."""
    data = installation.place(tmp_path_factory.mktemp("webui") / "data")
    running = WebUI(installation, data)
    try:
        yield running.start()
    finally:
        running.stop()
        if kept := os.environ.get("MUSIC_VISUALIZER_KEEP"):
            shutil.copytree(data, Path(kept) / "data", symlinks=True, dirs_exist_ok=True)


@pytest.fixture(scope="session")
def song(tmp_path_factory: pytest.TempPathFactory) -> Song:
    """9 s at 120 beats a minute, with a cover."""
    return make_song(tmp_path_factory.mktemp("music"), seed=7, plan=SHORT)


@pytest.fixture
def tab(browser: Browser, webui: WebUI) -> Iterator[Tab]:
    """Our tab in its page; afterwards nothing of ours may have gone wrong in it."""
    with Tab.opened(browser, webui.url, webui=True) as page:
        yield page
        # The stream over which gradio 4 tells of the WebUI's own events is open as long as one is under way.
        page.watch.slow = [line for line in page.watch.slow if QUEUE not in line]
        page.watch.check()


@pytest.fixture
def produced(tab: Tab, song: Song) -> Tab:
    """The tab with the song understood."""
    tab.give_song(song.path, song.cover)
    tab.produce()
    return tab
