"""The whole way, as a person goes it: a song, its prompts, corrections, a preview, the video."""

from __future__ import annotations

import json
import re
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser.chromium import fetch
from tests.browser.server import Server
from tests.browser.songs import Song
from tests.browser.tab import WORK, Tab
from tests.browser.videos import Video, sounds_like

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Whether more than a fiftieth of the timeline's first canvas has something on it: it is painted with the next frame.
WAVE_DRAWN = """() => {
    const canvas = document.querySelector("#music_visualizer_timeline_view canvas");
    if (!canvas || !canvas.width || !canvas.height) return false;
    const pixels = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    return pixels.filter((pixel) => pixel !== pixels[0]).length > 0.02 * pixels.length;
}"""
OWN = "a red fox <lora:fur:0.7>, (snow:1.2) AND [pines:birches:0.5] BREAK 100% wild"


def project_of(tab: Tab, server: Server) -> Path:
    """The folder of the project on the page."""
    folder = server.visuals / tab.view()["project"]
    assert folder.is_dir()
    return folder


def test_the_song_is_heard_and_shown(produced: Tab, song: Song) -> None:
    view = produced.view()
    card = produced.part("card").inner_text()
    assert song.truth.title in card and song.truth.artist in card
    assert "0:17" in card and re.search(r"\b120 BPM", card)
    produced.pictures("card")
    beats = np.array(view["beats"])
    assert beats.size == song.truth.beats.size
    assert np.abs(beats - song.truth.beats).max() < 0.02
    rows = produced.part("rows").locator(".mv-row")
    assert rows.count() == len(view["sections"]) >= 2
    assert all(row["prompt"].strip() for row in view["rows"])
    assert len([c for c in view["candidates"] if c["text"].strip()]) == 5
    for n, candidate in enumerate(view["candidates"], 1):
        produced.holds(f"candidate_{n}", candidate["text"])


def test_the_timeline_is_drawn_and_plays_the_song(produced: Tab) -> None:
    timeline = produced.part("timeline")
    produced.until(WAVE_DRAWN)
    assert timeline.locator("canvas").first.bounding_box()["width"] > 600
    audio = "document.getElementById('music_visualizer_audio') || musicVisualizer.parts.player.audio"
    timeline.get_by_role("button", name=re.compile("^play", re.I)).first.click()
    produced.until(f"({audio}).currentTime > 0.3")
    timeline.get_by_role("button", name=re.compile("^pause", re.I)).first.click()
    produced.until(f"({audio}).paused")


def test_twice_the_tempo_is_twice_the_beats_and_back(produced: Tab) -> None:
    before = produced.view()["beats"]
    produced.press("tempo_double")
    twice = produced.until_view("v.beats.length > 1.8 * a", len(before))["beats"]
    assert len(twice) in (2 * len(before) - 1, 2 * len(before))
    assert np.abs(np.array(twice)[:, None] - np.array(before)).min(axis=0).max() < 0.002, "the old beats are among them"
    assert "240 BPM" in produced.part("card").inner_text()
    produced.press("tempo_half")
    assert produced.until_view("v.beats.length === a", len(before))["beats"] == before


def test_an_own_text_stays_to_the_letter_and_producing_again_shows_the_difference(
    produced: Tab, server: Server
) -> None:
    produced.write_prompt(0, OWN)
    view = produced.until_view("v.rows[0].edited")
    assert view["rows"][0]["prompt"] == OWN
    other = view["rows"][1]["prompt"]
    produced.type("candidate_1", "a lighthouse in fog")
    view = produced.until_view("v.candidates[0].text === 'a lighthouse in fog'")
    assert view["rows"][0]["prompt"] == OWN, "an edited row does not follow"
    produced.produce()
    view = produced.until_view("v.rows[0].suggested")
    assert (view["rows"][0]["prompt"], view["rows"][1]["prompt"]) == (OWN, other)
    assert produced.row(0).locator("textarea").first.input_value() == OWN
    difference = produced.row(0).locator(".mv-difference")
    assert difference.is_visible() and view["rows"][0]["suggested"] in difference.inner_text()
    produced.holds("candidate_1", "a lighthouse in fog")
    board = json.loads((project_of(produced, server) / "storyboard.json").read_text("utf-8"))
    assert OWN in json.dumps(board, ensure_ascii=False)


def test_nothing_typed_is_lost_on_a_slow_line(produced: Tab) -> None:
    produced.watch.delay = 0.5
    wanted = [f"a picture of number {n}" for n in range(1, 6)]
    for n, text in enumerate(wanted, 1):
        produced.type(f"candidate_{n}", text)
    produced.type("negative", "fog")
    produced.until_view("v.negative === 'fog' && a.every((text, i) => v.candidates[i].text === text)", wanted)
    boxes = [produced.element(f"candidate_{n}").locator("textarea").input_value() for n in range(1, 6)]
    assert boxes == wanted


def test_no_edit_is_lost_to_a_button_that_answers_first(produced: Tab) -> None:
    """gradio drops a click on a button whose last answer has not come."""
    produced.page.evaluate(
        """() => { const real = window.fetch; window.held = [];
            window.fetch = async (url, options) => { const answer = await real(url, options);
                if (options && String(options.body).includes("lighthouse")) await new Promise((d) => held.push(d));
                return answer; }; }"""
    )
    produced.act({"do": "row", "section": 0, "prompt": "a lighthouse"})
    produced.until("held.length === 1")
    produced.press("tempo_double")
    produced.until_view("v.hearing.tempo_factor === 2 && v.rows[0].prompt === 'a lighthouse'")
    produced.act({"do": "row", "section": 1, "prompt": "a red fox"})
    produced.page.wait_for_timeout(1000)  # long enough for it to be sent, if it does not wait
    produced.page.evaluate("held[0]()")
    view = produced.until_view("v.rows[1].prompt === 'a red fox'")
    assert view["rows"][0]["prompt"] == "a lighthouse" and view["hearing"]["tempo_factor"] == 2
    produced.press("tempo_half")  # what is corrected goes along with the recording into the next project
    produced.until_view("v.hearing.tempo_factor === 1")


def test_what_is_given_is_forgotten_once_it_is_used_and_not_when_the_page_opens(produced: Tab, song: Song) -> None:
    produced.element("upload").locator("input[type=file]").wait_for(state="attached")
    produced.page.add_init_script(
        """window.forgotten = 0; document.addEventListener("click", (event) => {
            if (event.target.closest("#music_visualizer_forget_given")) window.forgotten += 1; }, true);"""
    )
    produced.go()
    produced.until_view("v.rows.length")
    produced.upload("upload", song.path)
    assert produced.page.evaluate("window.forgotten") == 0
    produced.type("title", "Another one")
    produced.produce()
    produced.until("window.forgotten === 1")
    produced.element("upload").locator("input[type=file]").wait_for(state="attached")
    produced.type("path", "/etc/passwd")
    produced.press("produce")
    produced.element("said_song").get_by_role("alert").wait_for()
    produced.holds("path", "/etc/passwd")


def test_a_border_is_dragged_and_everything_follows(produced: Tab) -> None:
    before = produced.view()["sections"][0]["end"]
    border = produced.part("timeline").get_by_role("slider", name=re.compile("^Border")).first
    border.scroll_into_view_if_needed()
    box = border.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    produced.page.mouse.move(x, y)
    produced.page.mouse.down()
    produced.page.mouse.move(x + 60, y, steps=6)
    produced.page.mouse.move(x + 120, y, steps=6)
    produced.page.mouse.up()
    view = produced.until_view("Math.abs(v.sections[0].end - a) > 0.3", before)
    after = view["sections"][0]["end"]
    stage = produced.part("timeline").locator(".mv-stage").bounding_box()
    wanted = before + 120 / stage["width"] * view["song"]["duration"]
    assert after == pytest.approx(wanted, abs=0.3), "where it was let go, or on the beat beside it"
    assert view["sections"][1]["start"] == after and view["rows"][0]["to"] == after
    assert view["hearing"]["edited"]


def test_a_border_moves_by_keyboard(produced: Tab) -> None:
    before = produced.view()["sections"][0]["end"]
    border = produced.part("timeline").get_by_role("slider", name=re.compile("^Border")).first
    border.focus()
    produced.page.keyboard.press("ArrowLeft")
    produced.page.keyboard.press("Enter")
    assert produced.until_view("v.sections[0].end < a - 0.1", before)["sections"][0]["end"] < before


def test_the_preview_plays(produced: Tab, song: Song) -> None:
    produced.start("preview_song", "preview")
    assert produced.ended("preview")["state"] == "done", produced.said()
    produced.until_view("v.preview && v.preview.url")
    found = produced.plays("preview")
    assert found["duration"] == pytest.approx(song.truth.duration, abs=0.1)


def small(tab: Tab, size: int = 128, fps: str = "24") -> None:
    """Ask for a small picture."""
    tab.type("width", str(size))
    tab.type("height", str(size))
    if fps != "24":
        tab.choose("fps", fps)
    tab.until_view("v.motion.width === a[0] && v.motion.height === a[0] && v.motion.fps === a[1]", [size, fps])


def test_the_video_is_whole_in_sync_and_seekable(produced: Tab, song: Song, server: Server) -> None:
    small(produced)
    produced.start("visualize", "visualize")
    job = produced.ended("visualize")
    assert job["state"] == "done", job
    view = produced.until_view("v.video && v.video.url && !v.video.stale")
    found = produced.plays("video")
    assert (found["width"], found["height"]) == (128, 128)
    status, headers, size = fetch(produced.page, produced.address("video"), Range="bytes=100-299")
    assert (status, size) == (206, 200) and headers["content-range"].startswith("bytes 100-299/")
    path = project_of(produced, server) / view["video"]["name"]
    video = Video.measured(path)
    video.whole(song.truth.duration, 24)
    assert sounds_like(path, song.path) > 0.95
    hits = np.array(view["curves"]["hits"])
    assert hits.size >= 8
    assert video.sync(hits).f_measure >= 0.85
    assert video.sync(hits + 0.25).f_measure < 0.4
    for label, kind in (("mp4", "video/mp4"), ("Settings", "")):
        href = produced.part("video").get_by_role("link", name=re.compile(label)).first.get_attribute("href")
        status, headers, size = fetch(produced.page, href)
        assert status == 200 and size > 500 and headers["content-type"].startswith(kind)


def test_a_reload_in_the_middle_finds_the_job_and_an_interrupt_leaves_what_can_be_resumed(
    produced: Tab, browser: Browser, song: Song, server: Server
) -> None:
    small(produced, 768, "60")
    started = produced.start("visualize", "visualize")
    produced.running("visualize", fraction=0.05)
    with server.painting_held():
        produced.go()
        again = produced.running("visualize")
        assert again["id"] == started and again["fraction"] >= 0.05
        assert produced.part("progress").get_by_role("progressbar").first.is_visible()
        project = produced.view()["project"]
        produced.part("progress").get_by_role("button", name="Interrupt").click()
        produced.until("!musicVisualizer.core.pending('interrupt')")
    job = produced.ended("visualize")
    assert (job["id"], job["state"]) == (started, "interrupted")
    assert not list((server.visuals / project).glob("*.mp4"))

    # A browser of their own: this page would write down its song again with the next answer.
    with Tab.opened(browser, server.url) as other:
        assert not other.view().get("project"), "somebody new sees no song"
        visual = other.part("visuals").locator(".mv-visual").filter(has_text=project[-14:]).first
        visual.get_by_role("button", name=re.compile("^(Resume|Open)")).click()
        view = other.until_view("v.project === a", project)
        assert (view["motion"]["width"], view["motion"]["fps"]) == (768, "60")
        other.holds("width", "768")
        other.start("visualize", "visualize")
        job = other.ended("visualize")
        assert job["state"] == "done", job
        view = other.until_view("v.video && v.video.url")
        other.watch.check()
    Video.measured(server.visuals / project / view["video"]["name"]).whole(song.truth.duration, 60)


def test_a_closed_browser_changes_nothing(browser: Browser, server: Server, song: Song) -> None:
    with ExitStack() as until_seen:
        with Tab.opened(browser, server.url) as first:
            first.give_song(song.path, song.cover)
            first.produce()
            small(first, 512, "60")
            job = first.start("visualize", "visualize")
            first.running("visualize", fraction=0.02)
            until_seen.enter_context(server.painting_held())
        with Tab.opened(browser, server.url) as second:
            assert job in {entry["id"] for entry in second.status()["jobs"]}
            project = second.view()["project"]
    deadline = time.monotonic() + WORK
    while not list((server.visuals / project).glob("*.mp4")) and time.monotonic() < deadline:
        time.sleep(0.2)  # nobody looks
    with Tab.opened(browser, server.url) as third:
        visual = third.part("visuals").locator(".mv-visual").filter(has_text=project[-14:])
        visual.get_by_role("button", name=re.compile("^(Resume|Open)")).click()
        third.until_view("v.project === a", project)
        found = third.ended("visualize")
        assert (found["id"], found["state"]) == (job, "done")
        third.until_view("v.video && v.video.url")
        third.plays("video")
        third.watch.check()


def test_two_visualize_clicks_queue(produced: Tab) -> None:
    small(produced, 256)
    first = produced.start("visualize", "visualize")
    second = produced.start("visualize", "visualize")
    produced.ended("visualize")
    produced.until_view("v.video && v.video.url")
    assert first != second
    assert {job["state"] for job in produced.jobs("visualize")} == {"done"}
