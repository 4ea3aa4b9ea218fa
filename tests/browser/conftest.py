"""The page of ``music-visualizer serve`` in headless Chromium.

Where playwright, gradio or the browser is missing, these tests are skipped and say so. With
``MUSIC_VISUALIZER_BROWSER_TESTS=required`` a skipped one is a failure: the gate must not pass without them.
``MUSIC_VISUALIZER_SCREENSHOTS`` names a folder that gets the pictures.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import chromium
from tests.browser.server import Server
from tests.browser.songs import Song, make_song
from tests.browser.tab import Tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REQUIRED = os.environ.get("MUSIC_VISUALIZER_BROWSER_TESTS") == "required"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip all of them with one line that says why."""
    if why := chromium.missing():
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=why))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A skip is a failure where the tests are required."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if REQUIRED and report.skipped and Path(__file__).parent in item.path.parents:
        report.outcome = "failed"
        report.longrepr = f"required, yet skipped: {report.longrepr}"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for the whole run."""
    with chromium.browser() as running:
        yield running


@pytest.fixture(scope="session")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that leave it standing."""
    running = Server.start(tmp_path_factory.mktemp("served"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def song(tmp_path_factory: pytest.TempPathFactory) -> Song:
    """17 s at 120 beats a minute, with a cover."""
    return make_song(tmp_path_factory.mktemp("music"))


@pytest.fixture
def tab(browser: Browser, server: Server) -> Iterator[Tab]:
    """The page, freshly opened by somebody new; afterwards nothing may have gone wrong in it."""
    with Tab.opened(browser, server.url) as page:
        yield page
        page.watch.check()


@pytest.fixture
def produced(tab: Tab, song: Song) -> Tab:
    """The page with the song understood."""
    tab.give_song(song.path, song.cover)
    tab.produce()
    return tab
