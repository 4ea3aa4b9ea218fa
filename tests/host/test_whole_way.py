"""From a song to the finished video through the installed Deforum, with the WebUI killed on the way."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.browser.chromium import fetch
from tests.browser.songs import Song
from tests.browser.tab import Tab
from tests.browser.videos import Video, sounds_like
from tests.host.installation import Installation, WebUI

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: Words that even a toy checkpoint was trained on.
WORDS = ("red sky, blue circles, smooth", "green sky, pink waves, striped")


def visuals(webui: WebUI) -> Path:
    """Where projects are, by default."""
    return webui.data / "outputs" / "music-visualizer"


def paint_with_deforum(
    tab: Tab, here: Installation, *, seconds: float | None = None, mode: str = "2D", cadence: int = 1
) -> None:
    """Ask for Deforum and for a picture that a CPU can paint."""
    for n in range(1, 6):
        tab.type(f"candidate_{n}", WORDS[n % 2])
    tab.type("negative", "grey, foggy")
    tab.until_view("v.negative === 'grey, foggy' && v.rows.every((row) => a.includes(row.prompt))", list(WORDS))
    # Forge takes a second a frame for the smallest picture of its smallest model.
    size, steps = (64, 1) if here.forge else (128, 3)
    tab.choose("renderer", "deforum")
    tab.choose("mode", mode)
    for name, value in (("width", size), ("height", size), ("steps", steps), ("cadence", cadence)):
        tab.type(name, str(value))
    tab.choose("fps", "24")
    if seconds is not None:
        tab.type("length", str(seconds))
    tab.until_view(
        "v.motion.renderer === 'deforum' && v.motion.width === a[0] && v.motion.steps === a[1]"
        " && v.motion.cadence === a[2]",
        [size, steps, cadence],
    )


def length_of(here: Installation) -> float:
    """s of the video: Forge paints on a CPU as slowly as a full model does."""
    return 1.0 if here.forge else 8.0


def frames_on_disk(webui: WebUI, project: str) -> list[int]:
    """Numbers of Deforum's pictures of a project, in order."""
    record = json.loads((visuals(webui) / project / "deforum_job.json").read_text("utf-8"))
    stamp, folder = record["timestring"], Path(record["outdir"])
    names = [re.fullmatch(rf"{stamp}_(\d+)\.png", file.name) for file in folder.iterdir()]
    return sorted(int(found[1]) for found in names if found)


def video_of(webui: WebUI, tab: Tab) -> Path:
    """The mp4 of the project on the page."""
    view = tab.until_view("v.video && v.video.url && !v.video.stale")
    return visuals(webui) / view["project"] / view["video"]["name"]


def test_a_song_becomes_a_video_through_deforum(
    produced: Tab, webui: WebUI, installation: Installation, song: Song
) -> None:
    paint_with_deforum(produced, installation, seconds=length_of(installation))
    txt2img(webui, installation)  # the host itself sets options and state at its first picture
    before, options = webui.get("sdapi/v1/progress"), webui.get("sdapi/v1/options")
    began = time.monotonic()
    produced.start("visualize", "visualize")
    produced.running("visualize", fraction=0.1)
    during = webui.get("sdapi/v1/progress")
    produced.go()
    produced.running("visualize")
    job = produced.ended("visualize", 900)
    assert job["state"] == "done", (job, webui.log()[-3000:])
    taken = time.monotonic() - began
    path = video_of(webui, produced)
    video = Video.measured(path)
    video.whole(length_of(installation), 24)
    assert sounds_like(path, song.path) > 0.95
    found = produced.plays("video")
    assert found["duration"] == pytest.approx(video.seconds, abs=0.1)
    status, headers, size = fetch(produced.page, produced.address("video"), Range="bytes=100-299")
    assert (status, size) == (206, 200), headers
    hits = np.array([beat for beat in song.truth.beats if beat < video.seconds])
    report = video.sync(produced.view()["curves"]["hits"])
    print(f"{video.frames} frames in {taken:.0f} s; declared hits: {report}; all beats: {video.sync(hits)}")
    if not installation.forge:  # there the model is random, and its noise jumps at every frame
        assert report.f_measure >= 0.8 and abs(report.mean_lag_ms) < 25, report
    assert len(job["said"]) >= 1 and "frames" in " ".join(job["said"])
    # The host is as it was found.
    assert during["state"]["job_count"] >= 1 or during["state"]["job"], during
    assert webui.get("sdapi/v1/options") == options
    after = webui.get("sdapi/v1/progress")
    assert {k: v for k, v in after["state"].items() if k != "job_timestamp"} == {
        k: v for k, v in before["state"].items() if k != "job_timestamp"
    }, (before, after)


def test_killed_restarted_resumed_no_frame_is_missing_or_there_twice(
    browser: Browser, webui: WebUI, installation: Installation, song: Song
) -> None:
    seconds = length_of(installation)
    with Tab.opened(browser, webui.url, webui=True) as tab:
        tab.give_song(song.path, song.cover, title="Killed on the way")
        tab.produce()
        paint_with_deforum(tab, installation, seconds=seconds)
        tab.type("seed", "7")
        tab.start("visualize", "visualize")
        tab.running("visualize", fraction=0.4)
        project = tab.view()["project"]
        webui.kill()
        there = frames_on_disk(webui, project)
        # A page that asks while A1111 starts can stop it: see WebUI.start.
        tab.page.goto("about:blank")
        webui.start()
        tab.watch.forget()
        tab.go()
        assert tab.view()["project"] == project
        interrupted = tab.jobs("visualize")[0]
        assert interrupted["state"] == "interrupted"
        tab.start("visualize", "visualize")
        job = tab.ended("visualize", 900)
        assert job["state"] == "done", (job, webui.log()[-3000:])
        path = video_of(webui, tab)
        tab.watch.check()
    video = Video.measured(path)
    wanted = round(seconds * 24)
    assert video.frames == wanted
    assert frames_on_disk(webui, project)[:wanted] == list(range(wanted))
    assert 0 < len(there) < wanted, "it was killed in the middle"
    assert abs(video.sound - video.seconds) < 0.1
    digests, join = video.digests(), len(there)
    around = digests[max(0, join - 4) : join + 4]
    assert len(set(around)) == len(around), "frames around the join repeat"
    print(
        f"killed after {join} of {wanted} frames; change around the join {video.change[join - 4 : join + 5].round(1)}"
    )


def test_an_interrupt_leaves_what_can_be_resumed(produced: Tab, webui: WebUI, installation: Installation) -> None:
    paint_with_deforum(produced, installation, seconds=length_of(installation))
    produced.type("seed", "11")
    produced.start("visualize", "visualize")
    produced.running("visualize", fraction=0.3)
    produced.press("interrupt")
    job = produced.ended("visualize", 120)
    assert job["state"] == "interrupted"
    state = webui.get("sdapi/v1/progress")["state"]
    assert not state["interrupted"] or not state["job"], state
    produced.start("visualize", "visualize")
    job = produced.ended("visualize", 900)
    assert job["state"] == "done", (job, webui.log()[-3000:])
    Video.measured(video_of(webui, produced)).whole(length_of(installation), 24)


def job_records(webui: WebUI, project: str) -> dict[str, dict[str, Any]]:
    """All that is recorded of a project's jobs; the page is told of the last one only."""
    records = (json.loads(file.read_text("utf-8")) for file in visuals(webui).rglob("mv-*.json"))
    return {job["id"]: job for job in records if job["project"] == project}


def txt2img(webui: WebUI, here: Installation) -> dict[str, Any]:
    """One picture through the WebUI's own API, and when it was there."""
    size, steps = (64, 1) if here.forge else (128, 2)
    answer = webui.post("sdapi/v1/txt2img", {"prompt": WORDS[0], "width": size, "height": size, "steps": steps})
    return {"images": len(answer["images"]), "at": time.time()}


def test_two_clicks_and_the_hosts_own_job_queue(produced: Tab, webui: WebUI, installation: Installation) -> None:
    paint_with_deforum(produced, installation, seconds=length_of(installation) / 2)
    produced.type("seed", "21")
    first = produced.start("visualize", "visualize")
    produced.running("visualize", fraction=0.1)
    answers: list[dict[str, Any]] = []
    other = threading.Thread(target=lambda: answers.append(txt2img(webui, installation)))
    other.start()
    produced.type("seed", "22")
    second = produced.start("visualize", "visualize")
    produced.ended("visualize", 900)
    other.join(300)
    jobs = job_records(webui, produced.view()["project"])
    assert {jobs[first]["state"], jobs[second]["state"]} == {"done"}, jobs
    assert jobs[first]["finished"] <= jobs[second]["started"]
    assert answers and answers[0]["images"] == 1
    assert answers[0]["at"] >= jobs[first]["finished"] - 0.5, "the picture waited for the video"


def test_preview_and_tab_say_what_is_missing_nowhere(produced: Tab, song: Song) -> None:
    produced.start("preview_song", "preview")
    assert produced.ended("preview")["state"] == "done"
    produced.until_view("v.preview && v.preview.url")
    assert produced.plays("preview")["duration"] == pytest.approx(song.truth.duration, abs=0.1)


def test_the_settings_file_is_one_of_deforums(produced: Tab) -> None:
    produced.element("ways_out_view").get_by_role("button", name="Make the files").first.click()
    link = produced.element("ways_out_view").get_by_role("link", name="Deforum settings")
    link.wait_for()
    url = urllib.parse.urljoin(produced.page.url, link.get_attribute("href"))
    assert fetch(produced.page, url)[0] == 200
    settings = produced.page.evaluate("(url) => fetch(url).then((answer) => answer.json())", url)
    assert settings["max_frames"] > 100 and "0:(" in settings["zoom"].replace(" ", "")
