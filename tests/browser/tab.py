"""The tab as a person meets it: what can be given, pressed, read and dragged.

Conventions: the same object drives the plain page and the tab inside a WebUI. Names are those of the page's parts
without their prefix. What the server last said is read from the page's own state; what a person sees, from elements.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.chromium import Watch, origin_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

PREFIX = "music_visualizer_"
#: ms for what the server does at once, s for what it works on. They only guard against waiting for ever: how fast a
#: machine is decides nothing.
SOON, WORK = 60_000, 600.0
ACTIVE = {"waiting", "running"}


class Tab:
    """An opened page; ``watch`` has seen everything since before its first request."""

    def __init__(self, page: Page, watch: Watch, url: str, *, webui: bool) -> None:
        self.page, self.watch, self.url, self.webui = page, watch, url, webui

    @classmethod
    @contextmanager
    def opened(
        cls,
        browser: Browser,
        url: str,
        *,
        webui: bool = False,
        width: int = 1280,
        dark: bool = False,
        touch: bool = False,
    ) -> Iterator[Tab]:
        """A browser of somebody new with the page in it."""
        context = browser.new_context(
            viewport={"width": width, "height": 844 if touch else 900},
            has_touch=touch,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.set_default_timeout(SOON)
        watch = Watch(origin_of(url))
        watch.attach(page)
        tab = cls(page, watch, url + ("?__theme=dark" if dark else "?__theme=light"), webui=webui)
        try:
            tab.go()
            yield tab
        finally:
            context.close()

    def go(self) -> None:
        """Open the page, or reload it, and wait until it can be used."""
        self.page.goto(self.url, wait_until="domcontentloaded", timeout=60_000)
        if self.webui:
            self.host_tab("Music Visualizer").click(timeout=60_000)
        self.button("produce").wait_for(timeout=60_000)
        # It has asked the server what it was showing, and has the answer.
        self.until("musicVisualizer.core && musicVisualizer.core.state.status")

    # ---- what is there ----

    def host_tab(self, title: str) -> Locator:
        """The button of one of the WebUI's tabs: gradio 3 calls it a button, gradio 4 a tab."""
        return self.page.locator("#tabs > .tab-nav > button").filter(has_text=title)

    def element(self, name: str) -> Locator:
        """A component by its name."""
        return self.page.locator(f"#{PREFIX}{name}")

    def part(self, name: str) -> Locator:
        """One of the drawn parts: card, timeline, rows, …"""
        return self.page.locator(f"#{PREFIX}{name}_view")

    def button(self, name: str) -> Locator:
        """A button of the page."""
        return self.page.locator(f"button#{PREFIX}{name}, #{PREFIX}{name} button").first

    def view(self) -> dict[str, Any]:
        """What the page was last told of the song."""
        return self.page.evaluate("musicVisualizer.core.state.view") or {}

    def status(self) -> dict[str, Any]:
        """What the page was last told of the jobs."""
        return self.page.evaluate("musicVisualizer.core.state.status") or {}

    def jobs(self, kind: str) -> list[dict[str, Any]]:
        """Jobs of a kind, as the page knows them."""
        return [job for job in self.status().get("jobs", []) if job["kind"] == kind]

    def said(self) -> str:
        """All notices and job lines on the page, for messages of tests."""
        lines = self.page.locator("#music_visualizer [role=alert], #music_visualizer [role=status]").all_inner_texts()
        return "\n".join([*lines, self.part("progress").inner_text(), str(self.status())])

    # ---- waiting ----

    def until(self, condition: str, argument: Any = None, seconds: float = SOON / 1000) -> None:
        """Wait for JavaScript to be true, in the page."""
        self.page.wait_for_function(condition, arg=argument, timeout=1000 * seconds)

    def until_view(self, condition: str, argument: Any = None, seconds: float = SOON / 1000) -> dict[str, Any]:
        """Wait until the song's view (``v``) is as asked; returns it."""
        self.until(
            f"(a) => {{ const v = musicVisualizer.core.state.view; return v && ({condition}); }}", argument, seconds
        )
        return self.view()

    def ended(self, kind: str, seconds: float = WORK) -> dict[str, Any]:
        """Wait until the newest job of a kind is over, and return it; raises AssertionError when it takes longer.

        The view that the page asks for at a job's end is there then: nothing is drawn anew by itself.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.jobs(kind)
            if found and not any(job["state"] in ACTIVE for job in found):
                self.until("!(musicVisualizer.core.state.view || {}).project || musicVisualizer.core.state.revision")
                return max(found, key=lambda job: job["created"])
            self.page.wait_for_timeout(200)
        raise AssertionError(f"{kind} is not over after {seconds} s: {self.said()}")

    def holds(self, name: str, value: str) -> None:
        """Wait until a text or number field of gradio's holds a value: it is filled beside what the script draws."""
        self.until(
            """([id, value]) => [...document.querySelectorAll(`#${id} textarea, #${id} input`)]
                .filter((field) => !["range", "file"].includes(field.type)).slice(0, 1)
                .some((field) => field.value === value)""",
            [PREFIX + name, value],
        )

    def pictures(self, part: str) -> None:
        """Wait until every picture of a drawn part is there, the browser being shown the place."""
        self.part(part).scroll_into_view_if_needed()
        self.until(
            """(id) => { const all = [...document.querySelectorAll(`#${id} img`)];
                return all.length && all.every((image) => image.complete && image.naturalWidth); }""",
            f"{PREFIX}{part}_view",
        )

    def running(self, kind: str, seconds: float = WORK, fraction: float = 0.0) -> dict[str, Any]:
        """Wait until a job of a kind runs and is past ``fraction`` of its way; it must not be over already."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.jobs(kind)
            for job in found:
                if job["state"] == "running" and job["fraction"] >= fraction:
                    return job
            assert not found or any(job["state"] in ACTIVE for job in found), found
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{kind} does not run after {seconds} s: {self.said()}")

    # ---- what a person does ----

    def press(self, name: str) -> None:
        """Press one of the page's own buttons."""
        self.button(name).click()

    def give_song(self, path: Path, cover: Path | None = None, title: str = "", artist: str = "") -> None:
        """Upload a song, and what else is given."""
        for name, file in (("upload", path), ("cover", cover)):
            if file is not None:
                self.upload(name, file)
        for name, text in (("title", title), ("artist", artist)):
            if text:
                self.type(name, text)

    def upload(self, name: str, file: Path) -> None:
        """Give a file and wait until the server has it."""
        self.element(name).locator("input[type=file]").set_input_files(str(file))
        self.element(name).locator(".file-preview").wait_for()

    def produce(self, seconds: float = WORK) -> dict[str, Any]:
        """Press Produce prompts and wait for what it finds."""
        before = {job["id"] for job in self.jobs("produce")}
        self.press("produce")
        self.new_job("produce", before)
        job = self.ended("produce", seconds)
        assert job["state"] == "done", job
        return self.until_view("v.sections && v.sections.length && v.rows.length")

    def start(self, name: str, kind: str) -> str:
        """Press a button that starts a job; returns the job's id."""
        before = {job["id"] for job in self.jobs(kind)}
        self.press(name)
        return self.new_job(kind, before)

    def new_job(self, kind: str, before: set[str], seconds: float = 60.0) -> str:
        """Wait for a job that was not there before."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := [job["id"] for job in self.jobs(kind) if job["id"] not in before]:
                return str(found[0])
            self.page.wait_for_timeout(100)
        raise AssertionError(f"no new {kind}: {self.said()}")

    def type(self, name: str, text: str) -> None:
        """Write into a text or number field and leave it."""
        field = self.element(name).locator("textarea, input:not([type=range]):not([type=file])").first
        field.fill(text)
        field.blur()

    def choose(self, name: str, label: str) -> None:
        """Choose an entry of a list, or of a row of choices."""
        radio = self.element(name).get_by_role("radio", name=label, exact=True)
        if radio.count():
            radio.check()
            return
        self.element(name).locator("input").first.click()
        self.page.get_by_role("option", name=label, exact=True).first.click()

    def row(self, index: int) -> Locator:
        """One row of the prompts."""
        return self.part("rows").locator(".mv-row").nth(index)

    def write_prompt(self, index: int, text: str) -> None:
        """Write a row's prompt and leave the field."""
        area = self.row(index).locator("textarea").first
        area.fill(text)
        area.blur()

    def act(self, action: dict[str, Any]) -> None:
        """Send an edit by the page's own road."""
        self.page.evaluate("(action) => musicVisualizer.core.send(action)", action)

    # ---- videos ----

    def video(self, part: str) -> Locator:
        """The player of ``preview`` or ``video``."""
        return self.part(part).locator("video")

    def plays(self, part: str) -> dict[str, float]:
        """Let a video play, then seek in it; returns its duration, size and the times seen."""
        video = self.video(part)
        video.wait_for()
        found: dict[str, float] = video.evaluate(
            """async (video) => {
                const soon = (event, enough = () => true) => new Promise((done, failed) => {
                    video.addEventListener(event, () => enough() && done());
                    const why = () => "no " + event + " in 60 s, " + (video.error && video.error.message);
                    window.setTimeout(() => failed(new Error(why())), 60000);
                });
                if (video.readyState < 2) {
                    const ready = soon("loadeddata");
                    video.preload = "auto";
                    video.load();
                    await ready;
                }
                video.muted = true;
                const before = video.currentTime;
                const goes = soon("timeupdate", () => video.currentTime - before > 0.5 || video.ended);
                await video.play();
                await goes;
                video.pause();
                const played = video.currentTime - before;
                const wanted = 0.7 * video.duration;
                const there = soon("seeked");
                video.currentTime = wanted;
                await there;
                return {duration: video.duration, width: video.videoWidth, height: video.videoHeight, played,
                        wanted, reached: video.currentTime};
            }"""
        )
        assert found["duration"] > 0 and found["width"] > 0, found
        assert found["played"] > 0.1, found
        assert abs(found["reached"] - found["wanted"]) < 0.1, found
        return found

    def address(self, part: str) -> str:
        """The URL of a player's video."""
        return str(self.video(part).evaluate("(video) => video.src"))
