"""A headless Chromium and what it must not see while a page of ours is open.

Conventions: playwright drives the system's browser (Debian's ``chromium``, or ``MUSIC_VISUALIZER_CHROMIUM``).
A page's origin is all that it may talk to; what gradio itself would fetch elsewhere is answered with nothing.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request, Response, Route

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
#: gradio's own template asks for these two, with or without us.
GRADIOS_OWN = (
    "https://cdnjs.cloudflare.com/ajax/libs/iframe-resizer/",
    "https://fonts.googleapis.com",
    "https://fonts.gstatic.com",
)
#: gradio's own sign of life: a stream that is open as long as the page.
HEARTBEAT = "/heartbeat/"
#: s; a pod's public proxy cuts at 100.
LONGEST_REQUEST_S = 60.0


def missing(*, page_here: bool = True) -> str:
    """Why browser tests cannot run here, one line with the fix; empty when they can.

    ``page_here`` is whether the page is served by this very Python.
    """
    needed = [
        ("playwright", "pip install -e '.[browser]'"),
        *([("gradio", "pip install -e '.[ui]'")] if page_here else []),
    ]
    for module, fix in needed:
        if importlib.util.find_spec(module) is None:
            return f"browser tests need {module}: {fix}, or make test-browser"
    if not executable():
        return "browser tests need Chromium: apt-get install chromium, or set MUSIC_VISUALIZER_CHROMIUM"
    return ""


def executable() -> str:
    """The browser's path, or nothing."""
    named = os.environ.get("MUSIC_VISUALIZER_CHROMIUM", "")
    return named or shutil.which("chromium") or shutil.which("chromium-browser") or ""


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser for many pages."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=executable(), headless=True, args=list(FLAGS))
        yield running
        running.close()


@dataclass
class Watch:
    """All that went wrong in a page since it was opened; :meth:`check` says it."""

    origin: str
    delay: float = 0.0
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        """Listen to a page from before its first request."""
        page.route("**/*", self._route)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        page.on("dialog", self._dialog)
        page.on("response", self._response)
        page.on("requestfinished", self._finished)

    def check(self) -> None:
        """Raise AssertionError with everything that was wrong."""
        wrong = {
            name: found
            for name in ("errors", "dialogs", "elsewhere", "slow", "refused")
            if (found := getattr(self, name))
        }
        assert not wrong, wrong

    def forget(self) -> None:
        """What happened so far was meant to: a server was killed."""
        for name in ("errors", "dialogs", "elsewhere", "slow", "refused"):
            getattr(self, name).clear()

    def _route(self, route: Route) -> None:
        url = route.request.url
        self.requests.append(route.request)
        if route.request.method == "POST" and self.delay:
            time.sleep(self.delay)  # a slow line
        if url.startswith((self.origin, "data:", "blob:")):
            route.continue_()
            return
        if not url.startswith(GRADIOS_OWN):
            self.elsewhere.append(url)
        route.fulfill(status=200, body="")

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(f"{dialog.type}: {dialog.message}")
        dialog.dismiss()

    def _response(self, response: Response) -> None:
        if response.status >= 400 and not response.url.endswith("/favicon.ico"):
            self.refused.append(f"{response.status} {response.url}")

    def _finished(self, request: Request) -> None:
        taken = request.timing.get("responseEnd", 0.0) / 1000
        if taken > LONGEST_REQUEST_S and HEARTBEAT not in request.url:
            self.slow.append(f"{taken:.0f} s {request.url}")


def fetch(page: Page, url: str, **headers: str) -> tuple[int, dict[str, str], int]:
    """(status, headers, bytes) of a request that the page itself makes."""
    answer: dict[str, Any] = page.evaluate(
        """async ([url, headers]) => {
            const answer = await fetch(url, {headers});
            const body = await answer.arrayBuffer();
            return {status: answer.status, headers: Object.fromEntries(answer.headers), size: body.byteLength};
        }""",
        [url, headers],
    )
    return answer["status"], answer["headers"], answer["size"]


def origin_of(url: str) -> str:
    """``http://127.0.0.1:7860`` of any URL there."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
