"""The whole way, as a person goes it: a song, its prompts, corrections, a preview, the video."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.browser.chromium import fetch
from tests.browser.server import Server
from tests.browser.songs import Song
from tests.browser.tab import Tab
from tests.browser.videos import Video, sounds_like

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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
    cover = produced.part("card").locator("img")
    assert cover.evaluate("(i) => i.complete && i.naturalWidth") > 0
    beats = np.array(view["beats"])
    assert beats.size == song.truth.beats.size
    assert np.abs(beats - song.truth.beats).max() < 0.02
    rows = produced.part("rows").locator(".mv-row")
    assert rows.count() == len(view["sections"]) >= 2
    assert all(row["prompt"].strip() for row in view["rows"])
    assert len([c for c in view["candidates"] if c["text"].strip()]) == 5
    first = produced.element("candidate_1").locator("textarea").input_value()
    assert first == view["candidates"][0]["text"]


def test_the_timeline_is_drawn_and_plays_the_song(produced: Tab) -> None:
    timeline = produced.part("timeline")
    assert drawn_share(produced) > 0.02, "the waveform's canvas is empty"
    assert timeline.locator("canvas").first.bounding_box()["width"] > 600
    audio = "document.getElementById('music_visualizer_audio') || musicVisualizer.parts.player.audio"
    timeline.get_by_role("button", name=re.compile("^play", re.I)).first.click()
    produced.until(f"({audio}).currentTime > 0.3")
    timeline.get_by_role("button", name=re.compile("^pause", re.I)).first.click()
    produced.until(f"({audio}).paused")


def drawn_share(tab: Tab) -> float:
    """Share of a timeline canvas's pixels that have something on them."""
    return (
        tab.part("timeline")
        .locator("canvas")
        .first.evaluate(
            """(canvas) => {
            const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
            const first = pixels.slice(0, 4).join();
            let other = 0;
            for (let i = 0; i < pixels.length; i += 4) other += pixels.slice(i, i + 4).join() !== first;
            return other / (pixels.length / 4);
        }"""
        )
    )


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
    assert produced.element("candidate_1").locator("textarea").input_value() == "a lighthouse in fog"
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
    produced.go()
    again = produced.running("visualize")
    assert again["id"] == started and again["fraction"] >= 0.05
    assert produced.part("progress").get_by_role("progressbar").first.is_visible()
    project = produced.view()["project"]
    produced.part("progress").get_by_role("button", name="Interrupt").click()
    job = produced.ended("visualize", 60)
    assert (job["id"], job["state"]) == (started, "interrupted")
    assert not list((server.visuals / project).glob("*.mp4"))

    # A browser of their own: this page would write down its song again with the next answer.
    with Tab.opened(browser, server.url) as other:
        assert not other.view().get("project"), "somebody new sees no song"
        visual = other.part("visuals").locator(".mv-visual").filter(has_text=project[-14:]).first
        visual.get_by_role("button", name=re.compile("^(Resume|Open)")).click()
        view = other.until_view("v.project === a", project)
        assert (view["motion"]["width"], view["motion"]["fps"]) == (768, "60")
        assert other.element("width").locator("input").first.input_value() == "768"
        other.start("visualize", "visualize")
        job = other.ended("visualize")
        assert job["state"] == "done", job
        view = other.until_view("v.video && v.video.url")
        other.watch.check()
    Video.measured(server.visuals / project / view["video"]["name"]).whole(song.truth.duration, 60)


def test_a_closed_browser_changes_nothing(browser: Browser, server: Server, song: Song) -> None:
    with Tab.opened(browser, server.url) as first:
        first.give_song(song.path, song.cover)
        first.produce()
        small(first, 512, "60")
        job = first.start("visualize", "visualize")
        first.running("visualize", fraction=0.02)
    with Tab.opened(browser, server.url) as second:
        found = second.status()["jobs"]
        assert job in {entry["id"] for entry in found}
        assert second.ended("visualize")["state"] == "done"
        second.until_view("v.video && v.video.url")
        second.plays("video")
        second.watch.check()


def test_two_visualize_clicks_queue(produced: Tab) -> None:
    small(produced, 256)
    first = produced.start("visualize", "visualize")
    second = produced.start("visualize", "visualize")
    produced.ended("visualize")
    produced.until_view("v.video && v.video.url")
    assert first != second
    assert {job["state"] for job in produced.jobs("visualize")} == {"done"}
