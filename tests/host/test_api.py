"""A video by HTTP alone, on a real WebUI, through a proxy that cuts every connection at 20 s."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from lib_music.api import PREFIX
from lib_music.api.client import Api
from lib_music.demo.compose import compose, write
from lib_music.demo.cover import draw_cover
from lib_music.render.deforum_client import AUTH_VARIABLE, WebuiClient
from tests.api.cutting import CuttingProxy
from tests.browser.songs import Song
from tests.browser.videos import Video
from tests.host.installation import Installation, WebUI

#: 60 s at 120 beats a minute.
PLAN = (("verse", 8), ("chorus", 8), ("verse", 8), ("drop", 6))
CUT, FPS, WITHIN = 20.0, 2, 1500.0


@pytest.fixture(scope="module")
def guarded(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebUI]:
    """A WebUI with both kinds of credentials."""
    data = installation.place(tmp_path_factory.mktemp("guarded") / "data")
    flags = ("--api-auth", "me:secret,other:word", "--gradio-auth", "page:word")
    running = WebUI(installation, data, flags)
    try:
        yield running.start()
    finally:
        running.stop()


class Timed(WebuiClient):
    """Remembers how long each call lasted."""

    longest, calls = 0.0, 0

    def _send(self, method: str, url: str, deadline: float, body: dict[str, Any]) -> Any:
        began = time.monotonic()
        try:
            return super()._send(method, url, deadline, body)
        finally:
            self.longest, self.calls = max(self.longest, time.monotonic() - began), self.calls + 1


def over(api: Api, job: str, until: Any = lambda job: False) -> dict[str, Any]:
    """The job when it is over, or when ``until`` says so."""
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        now: dict[str, Any] = api.call("GET", f"/jobs/{job}")
        if now["state"] in ("done", "failed", "interrupted") or until(now):
            return now
        time.sleep(0.5)
    raise AssertionError(f"still {now}")


def whole(path: Path, frames: int) -> None:
    """Every frame once, and the song under it."""
    video = Video.measured(path)
    assert (video.frames, video.fps) == (frames, FPS) and abs(video.sound - video.seconds) <= 1 / FPS


def test_no_route_answers_without_credentials(guarded: WebUI) -> None:
    found = guarded.get("openapi.json")
    ours = {path: methods for path, methods in found["paths"].items() if path.startswith(PREFIX)}
    assert len(ours) > 25
    for path, methods in ours.items():
        for method in methods:
            url = guarded.url.rstrip("/") + path.replace("{", "").replace("}", "")
            for auth in (None, ("me", "word"), ("page", "secret"), ("me", "")):
                answer = requests.request(method, url, auth=auth, json={}, timeout=60)
                assert answer.status_code == 401, (method, path, auth)
                assert answer.headers["content-type"] == "application/problem+json"
    for auth in (("me", "secret"), ("other", "word"), ("page", "word")):
        assert requests.get(f"{guarded.url}{PREFIX[1:]}/info", auth=auth, timeout=60).json()["host"] == "webui"
    with requests.Session() as session:
        session.post(f"{guarded.url}login", data={"username": "page", "password": "word"}, timeout=60)
        assert session.get(f"{guarded.url}{PREFIX[1:]}/info", timeout=60).status_code == 200
        other = {"Origin": "https://evil.example"}
        answer = session.post(f"{guarded.url}{PREFIX[1:]}/projects", json={}, headers=other, timeout=60)
        assert answer.status_code == 403


def test_a_song_is_submitted_polled_interrupted_resumed_painted_again_and_fetched(
    guarded: WebUI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(AUTH_VARIABLE, "me:secret")
    song = write(compose(5, bpm=120, plan=PLAN), tmp_path / "A long song.mp3")
    cover = draw_cover(5, tmp_path / "cover.png", 384)
    began = time.monotonic()
    figures: dict[str, Any] = {"song": song.stat().st_size}
    with CuttingProxy(guarded.port, CUT, rate=400_000) as proxy:
        client = Timed(proxy.url)
        api = Api.found(client)
        assert api is not None
        uploads = [api.upload(file, lambda done: None) for file in (song, cover)]
        motion = {"renderer": "deforum", "width": 64, "height": 64, "steps": 1, "cadence": 1, "fps": str(FPS)}
        given = {"upload": uploads[0], "cover_upload": uploads[1], "motion": motion}
        made = api.call("POST", "/projects", given, key="1")
        one = f"/projects/{made['project']}"
        job = over(api, made["job"])
        assert job["state"] == "done", (job, guarded.log()[-2000:])
        figures["heard_s"] = round(time.monotonic() - began, 1)
        sections = api.pages(f"{one}/sections")
        assert len(sections) >= 2 and abs(sections[-1]["end"] - 60) < 2.5
        api.call("PATCH", f"{one}/storyboard", {"style": "smooth", "rows": [{"section": 0, "prompt": "red sky"}]})

        # Interrupted after some pictures, and gone on with.
        job = api.call("POST", f"{one}/render", {}, key="2")["job"]
        over(api, job, until=lambda now: api.call("GET", f"{one}/frames", limit=1)["total"] >= 8)
        api.call("POST", f"/jobs/{job}/interrupt", key="3")
        stopped = over(api, job)
        assert stopped["state"] == "interrupted", stopped
        painted = api.call("GET", f"{one}/frames")["total"]
        cost = api.call("GET", f"{one}/cost")
        assert 0 < painted < cost["frames"] and abs(cost["frames"] - 60 * FPS) <= 5
        figures["interrupted_at"] = painted
        job = over(api, api.call("POST", f"{one}/render", {"resume": True}, key="4")["job"])
        assert job["state"] == "done", (job, guarded.log()[-3000:])
        figures["painted_s"] = round(time.monotonic() - began, 1)
        api.fetch(f"{one}/video", tmp_path / "first.mp4", lambda done: None)
        whole(tmp_path / "first.mp4", cost["frames"])

        # One section again, the rest stays.
        acted = api.call("POST", f"{one}/actions", {"do": "rerender_section", "section": 1, "join": "hard"}, key="5")
        job = over(api, acted["jobs"][0])
        assert job["state"] == "done", (job, guarded.log()[-3000:])
        assert len(api.call("GET", f"{one}/panels/takes")["shown"]["takes"]) == 1
        api.fetch(f"{one}/video", tmp_path / "second.mp4", lambda done: None)
        whole(tmp_path / "second.mp4", cost["frames"])
        assert (tmp_path / "first.mp4").read_bytes() != (tmp_path / "second.mp4").read_bytes()

        frames = api.pages(f"{one}/frames")
        api.fetch(f"{one}/frames/{frames[-1]['frame']}", tmp_path / "frame.png", lambda done: None)
        assert (tmp_path / "frame.png").read_bytes().startswith(b"\x89PNG")
        figures.update(cut=proxy.cut, connections=proxy.accepted, calls=client.calls)
        figures.update(longest_call_s=round(client.longest, 2), all_s=round(time.monotonic() - began, 1),
                       video=(tmp_path / "second.mp4").stat().st_size)  # fmt: skip
    print(json.dumps(figures))
    assert proxy.cut >= 1 and client.longest < 60


def test_killed_in_the_middle_of_a_painting_and_gone_on_with(
    guarded: WebUI, song: Song, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host is killed as the kernel does it; what was painted stays, byte for byte, and the rest follows."""
    monkeypatch.setenv(AUTH_VARIABLE, "me:secret")
    api = Api.found(Timed(guarded.url.rstrip("/")))
    assert api is not None
    motion = {"renderer": "deforum", "width": 64, "height": 64, "steps": 2, "cadence": 2, "fps": "5"}
    given = {"upload": api.upload(song.path, lambda done: None), "motion": motion}
    made = api.call("POST", "/projects", given, key="k1")
    one = f"/projects/{made['project']}"
    assert over(api, made["job"])["state"] == "done", guarded.log()[-2000:]
    wanted = api.call("GET", f"{one}/cost")["frames"]
    job = api.call("POST", f"{one}/render", {}, key="k2")["job"]
    over(api, job, until=lambda now: api.call("GET", f"{one}/frames", limit=1)["total"] >= 9)
    guarded.kill()
    folder = guarded.data / "outputs" / "music-visualizer" / made["project"]
    run = json.loads((folder / "deforum_job.json").read_text("utf-8"))
    there = {p.name: p.read_bytes() for p in Path(run["outdir"]).glob(f"{run['timestring']}_*.png")}
    guarded.start()
    api = Api.found(Timed(guarded.url.rstrip("/")))
    assert api is not None and 0 < len(there) < wanted
    assert api.call("GET", f"/jobs/{job}")["state"] == "interrupted"
    job = over(api, api.call("POST", f"{one}/render", {"resume": True}, key="k3")["job"])
    assert job["state"] == "done", (job, guarded.log()[-3000:])
    now = json.loads((folder / "deforum_job.json").read_text("utf-8"))
    assert now["timestring"] == run["timestring"], "the same run goes on"
    assert [frame["frame"] for frame in api.pages(f"{one}/frames")][:wanted] == list(range(wanted))
    # The last two blocks may be painted again: one was half painted, and Deforum blends from the one before.
    kept = sorted(there)[: max(0, len(there) - 4)]
    assert kept and all((Path(run["outdir"]) / name).read_bytes() == there[name] for name in kept)
    api.fetch(f"{one}/video", tmp_path / "video.mp4", lambda done: None)
    video = Video.measured(tmp_path / "video.mp4")
    assert (video.frames, video.fps) == (wanted, 5) and abs(video.sound - video.seconds) <= 1 / 5
    print(f"killed with {len(there)} of {wanted} pictures; {len(kept)} of them kept to the byte")


def test_everything_written_lies_below_the_data_folder(guarded: WebUI) -> None:
    ours = guarded.data / "outputs" / "music-visualizer"
    assert list(ours.glob("*/*.mp4")) and list(ours.glob(".uploads/*/whole/*"))
    assert (guarded.data / "cache" / "music-visualizer").is_dir()
    began = (guarded.data / "models").stat().st_mtime
    elsewhere = [path for path in guarded.installation.folder.glob("outputs/**/*") if path.stat().st_mtime > began]
    assert not elsewhere, elsewhere[:3]
