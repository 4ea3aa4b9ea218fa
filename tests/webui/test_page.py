"""The whole way in the tab of a WebUI: from the song through its Deforum to the video, under either gradio."""

from __future__ import annotations

import json
import math
import threading
import time
import wave
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("gradio", reason="gradio is not installed here: make test-ui has it")

import gradio as gr

from lib_music.render.deforum_follow import Pace
from lib_music.ui.compat import application
from lib_music.webui import deforum_host, register
from tests.ui.visitor import Visitor
from tests.webui.fake_deforum import FakeDeforum
from tests.webui.fake_host import FakeHost

RATE, SECONDS = 22_050, 6


class InTheWebui(Visitor):
    """Somebody who opened the WebUI: the page is built by our callback and shown among the host's tabs."""

    def __init__(self, host: FakeHost) -> None:
        self.host = host
        with gr.Blocks(analytics_enabled=False) as demo, gr.Tabs():
            for page, title, tab in host.script_callbacks.ui_tabs_callback():
                with gr.TabItem(title, id=tab, elem_id=f"tab_{tab}"):
                    page.render()
        assert host.script_callbacks.reports == []
        host.shared.demo = demo
        self.enter(application(demo, [host.data / "nothing of ours"]))

    def ready(self) -> None:
        """Hear the song and ask for a small video."""
        self.press("attach", request='{"project": ""}')
        self.boxes.update(path="click.wav", title="A <b>title</b>", width=64, height=64, length="0:01", steps=4)
        shown = self.press("produce", path=str(self.host.data / "music" / "click.wav"))
        assert shown["said_song"] == "" and shown["project"], shown
        assert self.wait()["state"] == "done", self.status
        self.press("save_motion")

    def wait_until(
        self, state: str, kind: str = "visualize", seconds: float = 120.0, says: str = ""
    ) -> dict[str, Any]:
        """Poll until the newest job of a kind is so far, and says so much."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.press("poll", request=json.dumps({"project": self.boxes["project"], "revision": ""}))
            for job in self.status["jobs"]:
                if (job["kind"], job["state"]) == (kind, state) and says in job["text"].lower():
                    return dict(job)
            time.sleep(0.05)
        raise AssertionError(self.boxes["status"][:800])


@pytest.fixture()
def deforum(webui: FakeHost, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDeforum]:
    monkeypatch.setattr(deforum_host, "PACE", Pace(0.005, 20.0, 0.05))
    monkeypatch.setattr(deforum_host, "PATIENCE", 5.0)
    monkeypatch.setattr(deforum_host, "_latest", None)
    webui.add_checkpoint("toy.safetensors", "0123456789")
    times = np.arange(RATE * SECONDS) / RATE
    sound = 0.7 * np.exp(-((times % 0.5) * 60)) * np.sin(2 * math.pi * 90 * times)
    (webui.data / "music").mkdir()
    with wave.open(str(webui.data / "music" / "click.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound * 32_000).astype("<i2").tobytes())
    register.register("music_visualizer.py")
    yield FakeDeforum(webui, monkeypatch, fork=webui.is_forge)
    assert webui.call_queue.queue_lock.waiting == 0


def test_from_the_song_to_the_video_through_deforum(webui: FakeHost, deforum: FakeDeforum) -> None:
    visitor = InTheWebui(webui)
    visitor.ready()
    before = {name: getattr(webui.shared.state, name) for name in ("job", "job_no", "job_count", "interrupted")}
    options = dict(webui.shared.opts.data)
    shown = visitor.press("visualize")
    assert shown["said_visualize"] == "", shown
    job = visitor.wait()
    assert (job["kind"], job["state"]) == ("visualize", "done"), job
    assert deforum.diffused, "Deforum painted it"
    video = visitor.client.get("/" + visitor.view["video"]["url"], headers={"Range": "bytes=0-99"})
    assert video.status_code == 206 and b"ftyp" in video.content
    assert {name: getattr(webui.shared.state, name) for name in before} == before
    assert webui.shared.opts.data == options
    assert f"task({job['id']})" in webui.progress.finished_tasks
    for path in webui.data.rglob("*"):
        assert not path.name.startswith("params"), "the warm-up picture's prompt is not the person's last one"


def test_interrupt_reload_and_resume(webui: FakeHost, deforum: FakeDeforum) -> None:
    """The host's own Interrupt stops it; Reload UI does not, and the new page finds the job."""
    visitor = InTheWebui(webui)
    visitor.ready()
    reached, go_on = threading.Event(), threading.Event()

    def hold(frame: int) -> None:
        if frame >= 6 and not go_on.is_set():
            reached.set()
            go_on.wait(120)

    deforum.on_frame = hold
    visitor.press("visualize")
    assert reached.wait(120), visitor.press("poll", request=json.dumps({"project": visitor.boxes["project"]}))
    webui.shared.state.request_restart()
    webui.script_callbacks.clear_callbacks()
    register.register("music_visualizer.py")
    later = InTheWebui(webui)
    later.press("attach", request=json.dumps({"project": visitor.boxes["project"]}))
    running = later.wait_until("running")
    assert running["project"] == visitor.boxes["project"]
    webui.shared.state.stop_generating()
    go_on.set()
    stopped = later.wait_until("interrupted")
    assert stopped["id"] == running["id"]
    first = list(deforum.diffused)
    later.press("visualize")
    job = later.wait()
    assert job["state"] == "done", job
    # A few pictures are painted again (the half done one, and back to the cadence); nothing starts over.
    assert min(deforum.diffused[len(first):]) > 0
    assert later.client.get("/" + later.view["video"]["url"]).status_code == 200


def test_two_visualize_and_the_hosts_own_job_queue(webui: FakeHost, deforum: FakeDeforum) -> None:
    visitor = InTheWebui(webui)
    visitor.ready()
    painting = threading.Event()
    host_job = webui.in_other_thread("task(txt2img)", lambda: painting.wait(120))
    visitor.press("visualize")
    visitor.press("visualize")
    visitor.wait_until("running", says="waiting")
    assert not deforum.diffused
    painting.set()
    host_job.join(60)
    visitor.wait()
    jobs = [job for job in visitor.status["jobs"] if job["kind"] == "visualize"]
    assert jobs and all(job["state"] == "done" for job in jobs), jobs
    assert len(set(deforum.diffused)) == len(deforum.diffused), "the second one finds the video finished"


def test_without_deforum_the_animatic_and_one_line(webui: FakeHost, deforum: FakeDeforum) -> None:
    deforum.unload()
    webui.module("extensions", extensions=[], active=list)
    visitor = InTheWebui(webui)
    visitor.ready()
    page = json.loads(visitor.boxes["page"])
    line = [notice for notice in page["notices"] if "Deforum" in str(notice)]
    wanted = "Tok/sd-forge-deforum" if webui.is_forge else "deforum-art/sd-webui-deforum"
    assert len(line) == 1 and wanted in str(line)
    assert visitor.boxes["renderer"] == "animatic"
    visitor.press("visualize")
    assert visitor.wait()["state"] == "done"


def test_another_checkpoint_is_said_and_loaded_only_when_asked(webui: FakeHost, deforum: FakeDeforum) -> None:
    visitor = InTheWebui(webui)
    visitor.ready()
    visitor.press("visualize")
    assert visitor.wait()["state"] == "done"
    project = visitor.boxes["project"]
    webui.add_checkpoint("other.safetensors", "fedcba9876")
    shown = visitor.press("resume", typed=project)
    said = json.dumps(shown)
    assert "toy.safetensors" in said and "other.safetensors" in said
    chosen = webui.shared.opts.sd_model_checkpoint
    assert chosen.startswith("other"), "nothing is switched by itself"
    visitor.press("switch_model")
    assert webui.shared.opts.sd_model_checkpoint.startswith("toy")


def test_a_captioner_that_is_not_there_leaves_the_palette(webui: FakeHost, deforum: FakeDeforum) -> None:
    webui.offline = True
    visitor = InTheWebui(webui)
    visitor.boxes["captioner"] = "blip"
    visitor.ready()
    assert any("captioner not available: using the palette" in line for line in visitor.view["warnings"])
    assert visitor.boxes["candidate_1"] and not webui.gpu


def test_no_path_and_no_song_in_the_pages_config(webui: FakeHost, deforum: FakeDeforum) -> None:
    visitor = InTheWebui(webui)
    visitor.ready()
    again = InTheWebui(webui)
    text = json.dumps(again.config)
    assert str(webui.data) not in text and "click.wav" not in text and "title</b>" not in text
