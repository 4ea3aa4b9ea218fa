"""Takes and finishing as a person uses them, in the page of serve."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lib_music.video.mux import count_frames
from lib_music.video.sync import visual_change
from tests.browser.tab import Tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser.server import Server
    from tests.browser.songs import Song

#: Size of a video once the browser knows it.
LOADED = """(video) => new Promise((done) => {
    video.onloadedmetadata = () => done([video.videoWidth, video.videoHeight]);
    video.load();
})"""
#: How many fields of both parts have no name.
UNNAMED = """() => {
    const parts = ["takes", "finishing"].map((name) => document.getElementById("music_visualizer_" + name + "_view"));
    const fields = parts.flatMap((part) => [...part.querySelectorAll("input, select")]);
    return fields.filter((field) => !field.labels.length && !field.getAttribute("aria-label")).length;
}"""


def painted(tab: Tab) -> dict[str, Any]:
    """A small video of the song."""
    for name, value in (("width", 64), ("height", 64)):
        tab.type(name, str(value))
    tab.choose("fps", "24")
    tab.until_view("v.motion.width === 64 && v.motion.height === 64")
    tab.start("visualize", "visualize")
    job = tab.ended("visualize")
    assert job["state"] == "done", job
    return tab.until_view("v.takes && v.takes.sections.length > 1 && v.video && !v.video.stale")


def finished_job(tab: Tab, kind: str, before: set[str]) -> dict[str, Any]:
    tab.new_job(kind, before)
    job = tab.ended(kind)
    assert job["state"] == "done", (job, tab.said())
    return job


def ids(tab: Tab, kind: str) -> set[str]:
    return {job["id"] for job in tab.jobs(kind)}


def test_a_section_is_painted_again_compared_restored_and_deleted(produced: Tab, server: Server) -> None:
    view = painted(produced)
    folder = server.visuals / view["project"]
    (video,) = folder.glob("*.mp4")
    before = visual_change(video)[0]
    part = produced.part("takes")
    assert part.get_by_role("listitem").count() == len(view["takes"]["sections"])
    produced.write_prompt(1, "a galleon in a storm")
    produced.until_view("v.takes.sections[1].changed && !v.takes.sections[0].changed")
    assert part.get_by_text("changed since").nth(1).is_visible()
    part.get_by_label("Frames of the cross-fade").fill("8")
    assert part.get_by_role("radio", name="cross-fade over").is_checked(), "a number is a choice"
    known = ids(produced, "rerender")
    part.get_by_role("button", name=re.compile("^Paint only 2")).click()
    finished_job(produced, "rerender", known)
    view = produced.until_view("v.takes.takes.length === 1 && !v.takes.sections.some((s) => s.changed)")
    (take,) = view["takes"]["takes"]
    border = round(24 * view["takes"]["sections"][1]["start"])
    after = visual_change(video)[0]
    assert after.size == before.size and (after[1:border] == before[1:border]).all() and (after != before).any()
    assert produced.plays("video")["duration"] == pytest.approx(before.size / 24, abs=0.1)
    known = ids(produced, "compare")
    part.get_by_role("button", name="Compare take 1 with the video").click()
    finished_job(produced, "compare", known)
    produced.until_view("v.takes.takes[0].comparison_url")
    both = part.locator("video")
    both.wait_for()
    assert both.evaluate(LOADED) == [2 * 288, 288], "both side by side"
    known = ids(produced, "restore")
    part.get_by_role("button", name="Restore take 1").click()
    finished_job(produced, "restore", known)
    produced.until_view("v.takes.takes.length === 1 && v.takes.takes[0].take === 2")
    assert (visual_change(video)[0] == before).all() and take["take"] == 1
    drop = part.get_by_role("button", name="Delete take 2")
    drop.click()
    assert drop.inner_text() == "Delete for good?" and (folder / "takes" / "002").is_dir(), "once is not enough"
    drop.click()
    produced.until_view("v.takes.takes.length === 0")
    assert not (folder / "takes" / "002").exists()


def test_what_cannot_be_done_is_told_beside_it(produced: Tab) -> None:
    painted(produced)
    part = produced.part("takes")
    part.get_by_label("Frames of the cross-fade").fill("240")
    part.get_by_role("button", name=re.compile("^Paint only 1")).click()
    told = produced.element("said_visualize").get_by_text("do not fit")
    told.wait_for()
    assert not produced.jobs("rerender")
    echo = produced.page.locator("#music_visualizer > .mv-echo")
    echo.get_by_text("do not fit").wait_for()  # its own line is far above the button
    height = produced.page.viewport_size["height"]
    box = echo.bounding_box()
    assert box["y"] > 0 and box["y"] + box["height"] <= height
    part.get_by_label("hard").check()
    part.get_by_role("button", name=re.compile("^Paint only 1")).click()
    echo.wait_for(state="detached")
    finished_job(produced, "rerender", set())
    part.get_by_text("Painting again").wait_for()


def test_the_focus_stays_while_the_page_is_drawn_again(produced: Tab) -> None:
    painted(produced)
    button = produced.part("takes").get_by_role("button", name=re.compile("^Paint only 2"))
    button.focus()
    produced.act({"do": "style", "text": "oil"})
    produced.until_view("v.style === 'oil'")
    assert button.evaluate("(node) => document.activeElement === node")


def test_a_finished_video_is_made_larger_and_into_other_formats(produced: Tab, server: Server) -> None:
    view = painted(produced)
    part = produced.part("finishing")
    part.get_by_text("Finishing: larger").click()
    note = part.get_by_text(re.compile("RIFE .*WebUI"))
    assert note.is_visible() and part.get_by_label("Interpolation").locator("option:not([disabled])").count() == 1
    part.get_by_label("Upscaler").select_option("Lanczos")
    part.get_by_label("Times the size").fill("1.5")
    assert "96×96 at 24 fps" in part.inner_text()
    known = ids(produced, "finish")
    part.get_by_role("button", name="Finish", exact=True).click()
    finished_job(produced, "finish", known)
    (made,) = produced.until_view("v.finishing.results.length === 1")["finishing"]["results"]
    path = server.visuals / view["project"] / "finished" / made["name"]
    (video,) = (server.visuals / view["project"]).glob("*.mp4")
    assert count_frames(path) == count_frames(video) and made["name"].endswith("-1.5x.mp4")
    with produced.page.expect_download() as download:
        part.get_by_role("link", name="Download").click()
    saved = Path(str(download.value.path()))
    assert saved.read_bytes() == path.read_bytes()
    part.get_by_label("Upscaler").select_option("")
    part.get_by_label("Format").select_option("prores")
    known = ids(produced, "finish")
    part.get_by_role("button", name="Finish", exact=True).click()
    finished_job(produced, "finish", known)
    produced.until_view("v.finishing.results.some((r) => r.name.endsWith('.mov'))")


def test_a_project_is_deleted_when_its_name_is_typed(produced: Tab, server: Server) -> None:
    name = produced.view()["project"]
    part = produced.part("takes")
    part.get_by_text("Delete this project").click()
    word = part.get_by_label("The project's name, to delete it")
    button = part.get_by_role("button", name="Delete the project")
    assert button.is_disabled()
    word.fill(name[:-1])
    assert button.is_disabled() and (server.visuals / name).is_dir()
    word.fill(name)
    button.click()
    part.get_by_role("button", name="Delete all of it for good?").click()
    produced.until("!musicVisualizer.core.state.view.project")
    assert not (server.visuals / name).exists()
    produced.until("(n) => !musicVisualizer.core.state.page.visuals.some((v) => v.project === n)", name)


@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_on_a_telephone(browser: Browser, server: Server, song: Song, dark: bool) -> None:
    with Tab.opened(browser, server.url, width=390, dark=dark) as tab:
        tab.give_song(song.path, song.cover)
        tab.produce()
        painted(tab)
        tab.part("finishing").get_by_text("Finishing: larger").click()
        tab.part("takes").get_by_text("Delete this project").click()
        for name in ("takes", "finishing"):
            wide = "(n) => { const b = document.getElementById(n); return [b.scrollWidth, b.clientWidth]; }"
            scroll, client = tab.page.evaluate(wide, f"music_visualizer_{name}_view")
            assert scroll <= client + 1, name
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert tab.page.evaluate(UNNAMED) == 0
        tab.watch.check()
