"""How the page looks at a desk and on a phone, light and dark.

``MUSIC_VISUALIZER_SCREENSHOTS`` names a folder that gets the pictures; what can be measured is measured anyway.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser import eye
from tests.browser.server import Server
from tests.browser.songs import Song
from tests.browser.tab import Tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: What is in sight and near it has its size: pictures and videos are known, and nothing fades or slides any more.
QUIET = """() => [...document.querySelectorAll("#music_visualizer img:not([loading=lazy])")].every((i) => i.complete)
    && [...document.querySelectorAll("#music_visualizer video")].every((v) => v.error || v.readyState >= 1
        || !v.checkVisibility())
    && document.getAnimations().every((a) => a.playState !== "running" || a.effect.getTiming().iterations === Infinity)
    && document.fonts.status === "loaded"
"""


@pytest.fixture(scope="module")
def project(browser: Browser, server: Server, song: Song) -> str:
    """A song with an edited row, a preview and a video."""
    with Tab.opened(browser, server.url) as tab:
        tab.give_song(song.path, song.cover)
        tab.produce()
        tab.write_prompt(0, "a red fox in deep snow, birches, low winter sun")
        tab.until_view("v.rows[0].edited")
        tab.type("width", "256")
        tab.type("height", "256")
        tab.until_view("v.motion.width === 256 && v.motion.height === 256")
        tab.start("preview_song", "preview")
        assert tab.ended("preview")["state"] == "done"
        tab.start("visualize", "visualize")
        assert tab.ended("visualize")["state"] == "done"
        return str(tab.view()["project"])


def too_wide(tab: Tab) -> list[str]:
    """Elements that stick out of the window at the right, hidden and clipped ones apart."""
    found: list[str] = tab.page.evaluate(
        """() => {
            const clipped = (node) => {
                for (let n = node.parentElement; n; n = n.parentElement) {
                    if (getComputedStyle(n).overflowX !== "visible" && n !== document.body
                        && n !== document.documentElement) return true;
                }
                return false;
            };
            return [...document.querySelectorAll("#music_visualizer *")].filter((node) => {
                const box = node.getBoundingClientRect();
                return box.width && box.height && box.right > window.innerWidth + 1 && !clipped(node)
                    && node.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});
            }).slice(0, 5).map((node) => node.outerHTML.slice(0, 120));
        }"""
    )
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_and_can_be_read(browser: Browser, server: Server, project: str, width: int, dark: bool) -> None:
    with Tab.opened(browser, server.url, width=width, dark=dark, touch=width < 600) as tab:
        tab.type("typed", project)
        tab.press("resume")
        tab.until_view("v.project === a && v.video && v.rows.length", project)
        tab.video("video").wait_for()
        tab.until(QUIET)
        if folder := os.environ.get("MUSIC_VISUALIZER_SCREENSHOTS"):
            name = f"page-{width}-{'dark' if dark else 'light'}.png"
            tab.page.screenshot(path=Path(folder) / name, full_page=True, animations="disabled")
        across = tab.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert across[0] <= across[1], across
        assert not too_wide(tab)
        small = tab.page.evaluate(
            """() => [...document.querySelectorAll("#music_visualizer *")].filter((node) =>
                [...node.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())
                && node.checkVisibility({checkOpacity: true, checkVisibilityCSS: true})
                && parseFloat(getComputedStyle(node).fontSize) < 10).map((node) => node.outerHTML.slice(0, 120))"""
        )
        assert not small, "text that cannot be read"
        tab.page.evaluate("""() => [...document.querySelectorAll("#music_visualizer .mv details")]
            .filter((n) => !n.closest(".mv-route-list")).forEach((n) => { n.open = true; })""")
        tab.until(QUIET)
        assert not eye.pale(tab)
        assert not eye.crossed(tab)
        assert not eye.dull(tab)
        assert not too_wide(tab)
        tab.watch.check()


def test_hidden_boxes_are_hidden(browser: Browser, server: Server) -> None:
    with Tab.opened(browser, server.url) as tab:
        for name in ("page", "view", "status", "request", "attach", "poll", "act"):
            assert not tab.element(name).is_visible(), name
        assert tab.page.locator("#music_visualizer").get_by_text("(hidden)").filter(visible=True).count() == 0
