"""The page on a plain server whose Deforum is elsewhere: a fake WebUI over real sockets."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from lib_music.demo.cover import draw_cover
from lib_music.ffmpeg import ffmpeg_exe
from lib_music.render.deforum_client import AUTH_VARIABLE
from lib_music.studio.estimate import set_up
from lib_music.studio.motion import Motion
from lib_music.studio.plain import PlainHost
from lib_music.studio.studio import Studio, studio_of
from lib_music.studio.video import cost, open_visual, visualize, visuals
from lib_music.studio.workspace import find_project
from tests.render.deforum_host import Habits, Host, grey
from tests.studio.places import finished, heard

MOTION = Motion(width=64, height=64, cadence=2, start=3.0, duration=14.0, renderer="deforum", sampler="Heun", steps=7)


def greys(path: Path) -> list[int]:
    """The grey of each frame of a video; a red one, which is half painted, is -1."""
    argv = [ffmpeg_exe(), "-v", "error", "-i", str(path), "-map", "0:v:0", "-vf", "scale=1:1", "-pix_fmt", "rgb24"]
    raw = subprocess.run([*argv, "-f", "rawvideo", "-"], capture_output=True, check=True).stdout
    pixels = np.frombuffer(raw, np.uint8).reshape(-1, 3).astype(int)
    return [int(g) if max(abs(r - g), abs(b - g)) < 12 else -1 for r, g, b in pixels]


def expected(studio: Studio, name: str) -> list[int]:
    animation = set_up(studio, name, MOTION).plan.animation
    seeds = animation.schedules["seed_schedule"].sample(animation.timebase.n_frames)
    return [grey(int(seed) - animation.seed) for seed in seeds]


def test_a_remote_painting_is_interrupted_and_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(AUTH_VARIABLE, raising=False)
    with Host(tmp_path / "webui", Habits(seconds_per_frame=0.05)) as webui:
        studio = studio_of(PlainHost(tmp_path / "ws", webui=webui.url))
        name = heard(studio)
        folder = studio.host.workspace() / name
        draw_cover(3, folder / "cover.png", 128)
        job = visualize(studio, name, MOTION)
        while not (folder / "segments" / "00000.seg").is_file():
            now = studio.jobs.get(job.id)
            assert now is not None and not now.is_over, now
            time.sleep(0.01)
        studio.jobs.interrupt(job.id)
        assert finished(studio, job).state == "interrupted"
        webui.wait_until("POST_PROCESSING")
        before, first = len(webui.painted), find_project(studio.host, name).progress().lengths[0]
        assert first / 2 <= before < first / 2 + 48, "it was stopped there too"
        (entry,) = visuals(studio)
        assert 0 < entry["done"] < 100 and not entry["has_video"]
        # As after a restart of the server.
        studio = Studio(PlainHost(tmp_path / "ws", webui=webui.url), studio.jobs)
        stamp = str(webui.jobs[next(iter(webui.jobs))]["timestring"])
        opened = open_visual(studio, stamp)
        assert (opened.project, opened.motion) == (name, MOTION), "found by Deforum's own timestring"
        assert first <= cost(studio, name, opened.motion).done < 336, "closed segments, and pictures on disk"
        done = finished(studio, visualize(studio, name, opened.motion))
        assert done.state == "done", (done.error, done.fix)
        assert webui.painted[before] > first - 40, "only the rest is painted"
        found, wanted = greys(folder / done.result["video"]), expected(studio, name)
        assert len(found) == 14 * 24 and min(found) >= 0, "none is half painted"
        assert np.abs(np.array(found) - wanted).max() <= 4, "no frame is lost or shown twice"
        sent = webui.submitted()[0]
        assert (sent["sampler"], sent["steps"], sent["W"], sent["H"]) == ("Heun", 7, 64, 64)
        said = finished(studio, visualize(studio, name, MOTION)).said
        assert "already finished; nothing to do" in said and len(webui.submitted()) == 2
