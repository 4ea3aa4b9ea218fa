"""The whole way over real sockets, through a proxy that cuts every connection after a moment."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="FastAPI is not installed here: make test-ui has it")

from lib_music.api.client import LEAST, Api
from lib_music.api.guard import Guard
from lib_music.api.remote import RECORD, gone_on_elsewhere, made_elsewhere, read_record
from lib_music.cli import main
from lib_music.errors import DeforumError, InputError, Interrupted, ProjectError
from lib_music.pipeline import Reporter
from lib_music.render.deforum_client import AUTH_VARIABLE, WebuiClient
from lib_music.request import Request
from lib_music.studio.studio import Studio
from tests.api.cutting import CuttingProxy
from tests.api.served import application, served
from tests.studio.places import heard, sound, studio_in

#: s; uploads and fetches get less.
CUT = 5.0


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return studio_in(tmp_path_factory.mktemp("far"))


@pytest.fixture(scope="module")
def port(studio: Studio) -> Iterator[int]:
    """Where the server is; it wants credentials."""
    with served(application(studio, Guard((("me", "secret"),), needed=True))) as found:
        yield found


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(AUTH_VARIABLE, "me:secret")


def api_at(url: str) -> Api:
    found = Api.found(WebuiClient(url, patience=60.0, sleep=lambda seconds: time.sleep(min(seconds, 0.05))))
    assert found is not None
    return found


class Listener(Reporter):
    """Remembers what it was told, and stops at a stage."""

    def __init__(self, stop_at: str = "") -> None:
        self.stages: list[str] = []
        self.said: list[str] = []
        self.stop_at, self.amount = stop_at, 0.0

    def stage(self, name: str, total: float = 1.0) -> None:
        self.stages.append(name)

    def done(self, amount: float) -> None:
        self.amount = amount

    def say(self, text: str) -> None:
        self.said.append(text)

    def should_stop(self) -> bool:
        return bool(self.stop_at) and self.stop_at in self.stages


def test_an_upload_gets_through_cut_connections(studio: Studio, port: int, tmp_path: Path) -> None:
    file, told = tmp_path / "Long Song.wav", []
    file.write_bytes(os.urandom(700_000))
    with CuttingProxy(port, 0.3, rate=1_000_000) as proxy:
        upload = api_at(proxy.url).upload(file, told.append)
        assert proxy.cut >= 2, "or it shows nothing"
    whole = next(studio.host.workspace().glob(f".uploads/{upload}/whole/*"))
    assert whole.name == "Long Song.wav"
    assert hashlib.sha256(whole.read_bytes()).digest() == hashlib.sha256(file.read_bytes()).digest()
    assert told == sorted(told) and told[-1] == 1.0


def test_a_fetch_gets_through_cut_connections(studio: Studio, port: int, tmp_path: Path) -> None:
    name = heard(studio)
    data = os.urandom(600_000)
    (studio.host.workspace() / name / "cover.png").write_bytes(data)
    with CuttingProxy(port, 0.3, rate=1_000_000) as proxy:
        api_at(proxy.url).fetch(f"/projects/{name}/files/cover", tmp_path / "cover.png", lambda done: None)
        assert proxy.cut >= 1
    assert (tmp_path / "cover.png").read_bytes() == data


def test_a_line_that_lets_nothing_through_is_given_up(port: int, tmp_path: Path) -> None:
    file = tmp_path / "song.wav"
    file.write_bytes(os.urandom(3 * LEAST))
    with CuttingProxy(port, 0.0) as proxy:
        client = WebuiClient(proxy.url, patience=0.5, sleep=lambda seconds: time.sleep(0.01))
        with pytest.raises(DeforumError):
            Api(client).upload(file, lambda done: None)


def asked(song: Path, **more: Any) -> Request:
    """128x64 and 12 fps, so that it is painted in a moment."""
    return Request(song, width=128, height=64, fps="12", **more)


def test_a_video_is_made_over_there(studio: Studio, port: int, tmp_path: Path) -> None:
    song, prompts = sound(tmp_path / "Tune.wav", 8.0), tmp_path / "words.txt"
    prompts.write_text("a red ship\na blue tower\n")
    request, out = asked(song, prompts=prompts, style="ink", title="My Tune", duration=4.0), tmp_path / "out"
    with CuttingProxy(port, CUT) as proxy:
        api, first = api_at(proxy.url), Listener()
        made = made_elsewhere(api, request, out, first)
        assert made.video.read_bytes()[4:8] == b"ftyp" and made.frames == 48
        assert json.loads(made.settings.read_text())["W"] == 128
        record = read_record(out)
        rows = api.call("GET", f"/projects/{record.project}/storyboard")["rows"]
        assert {row["prompt"] for row in rows} <= {"a red ship", "a blue tower"}
        left = [item["id"] for item in api.pages("/uploads")]
        assert record.uploads and not set(left) & set(record.uploads.values()), "what is done with is deleted"
        jobs = api.call("GET", "/jobs", project=record.project)["total"]

        # What was edited over there stays, and nothing is painted twice.
        api.call("PATCH", f"/projects/{record.project}/storyboard", {"rows": [{"section": 0, "prompt": "a green hat"}]})
        again = Listener()
        made_elsewhere(api, request, out, again)
        assert "song" not in again.stages
        rows = api.call("GET", f"/projects/{record.project}/storyboard")["rows"]
        assert rows[0]["prompt"] == "a green hat"
        assert api.call("GET", "/jobs", project=record.project)["total"] == jobs + 1
        assert len(api.call("GET", "/projects")["items"]) >= 1
        projects = [item["title"] for item in api.call("GET", "/projects")["items"]]
        assert projects.count("My Tune") == 1, projects

        other = sound(tmp_path / "Other.wav", 3.0)
        with pytest.raises(ProjectError, match="another song"):
            made_elsewhere(api, asked(other), out, Listener())


def test_it_is_interrupted_and_goes_on(studio: Studio, port: int, tmp_path: Path) -> None:
    song, out = sound(tmp_path / "Stopped.wav", 20.0), tmp_path / "out"
    request = Request(song, width=256, height=256, fps="24", title="Stopped")
    with CuttingProxy(port, CUT) as proxy:
        api = api_at(proxy.url)
        with pytest.raises(Interrupted):
            made_elsewhere(api, request, out, Listener(stop_at="render"))
        record = read_record(out)
        jobs = api.call("GET", "/jobs", project=record.project)["items"]
        deadline = time.monotonic() + 240
        while (state := api.call("GET", f"/jobs/{jobs[0]['id']}")["state"]) == "running":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert jobs[0]["kind"] == "visualize" and state == "interrupted"
        # Smaller, so that this test ends soon: the way on is the same.
        api.call("PATCH", f"/projects/{record.project}/motion", {"duration": 2.0, "width": 128, "height": 128})
        made = gone_on_elsewhere(api, out, Listener())
        assert made.video.is_file() and read_record(out) == record


def test_an_answer_that_was_lost_makes_nothing_twice(studio: Studio, port: int, tmp_path: Path) -> None:
    """The connection goes after the server has begun the project, before its answer comes."""
    song, out = sound(tmp_path / "Twice.wav", 3.0), tmp_path / "out"
    api, lost = api_at(f"http://127.0.0.1:{port}"), []
    call = api.client.request

    def losing(method: str, path: str, **more: Any) -> Any:
        answer = call(method, path, **more)
        if method == "POST" and path.endswith("/projects") and not lost:
            lost.append(answer)
            raise ConnectionResetError
        return answer

    api.client.request = losing  # type: ignore[method-assign]
    with pytest.raises(ConnectionResetError):
        made_elsewhere(api, asked(song, title="Twice"), out, Listener())
    made_elsewhere(api, asked(song, title="Twice"), out, Listener())
    titles = [item["title"] for item in api.call("GET", "/projects")["items"]]
    assert titles.count("Twice") == 1


def test_an_upload_goes_on_after_the_program_was_killed(port: int, tmp_path: Path) -> None:
    file, begun = tmp_path / "song.wav", []
    file.write_bytes(os.urandom(3 << 20))
    api = api_at(f"http://127.0.0.1:{port}")

    def killed(done: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        api.upload(file, killed, announced=begun.append)
    sent = api.call("GET", f"/uploads/{begun[0]}")["offset"]
    assert 0 < sent < 3 << 20
    told: list[float] = []
    assert api.upload(file, told.append, begun[0], begun.append) == begun[0] and len(begun) == 1
    assert told[0] > sent / (3 << 20)
    file.write_bytes(b"another song")
    assert api.upload(file, told.append, begun[0], begun.append) == begun[1]
    assert api.upload(file, told.append, "up-0000000000000000", begun.append) == begun[2]


def test_what_cannot_be_used_is_told_in_the_servers_words(port: int, tmp_path: Path) -> None:
    api = api_at(f"http://127.0.0.1:{port}")
    noise = tmp_path / "noise.mp3"
    noise.write_bytes(b"no sound at all" * 100)
    with pytest.raises(InputError):
        made_elsewhere(api, asked(noise), tmp_path / "out", Listener())
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x")
    with pytest.raises(ProjectError, match="not empty"):
        made_elsewhere(api, asked(noise), tmp_path / "full", Listener())


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 2}', '{"version": 1, "url": 5}', '{"version": 1}'])
def test_a_damaged_record_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(ProjectError):
        read_record(tmp_path)


def test_a_record_names_no_other_address(tmp_path: Path) -> None:
    good = {"version": 1, "url": "http://x", "song": "s", "key": "k", "said": ""}
    for project in ("../x", "a/b", "a?b", "x" * 200):
        (tmp_path / RECORD).write_text(json.dumps({**good, "project": project}))
        with pytest.raises(ProjectError):
            read_record(tmp_path)


# -- the command line ------------------------------------------------------------------------------------------------


def test_the_command_line_uses_it(studio: Studio, port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                  monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    from lib_music.studio import plain
    from lib_music.studio.host import Choice

    # The server's own Deforum is its animatic here.
    monkeypatch.setattr(plain.PlainHost, "renderers", lambda self: (Choice("deforum", "Deforum"),))
    animatic = plain.PlainHost.renderer
    monkeypatch.setattr(
        plain.PlainHost, "renderer", lambda self, id, *more: animatic(self, "animatic", *more)
    )
    song, out = sound(tmp_path / "By Hand.wav", 5.0), tmp_path / "out"
    with CuttingProxy(port, 5.0) as proxy:
        command = ["render", song, "--out", out, "--renderer", "deforum", "--webui", proxy.url, "--size", "128x64",
                   "--duration", "2", "--fps", "12"]  # fmt: skip
        assert main([str(word) for word in command]) == 0, capsys.readouterr().err
        said = capsys.readouterr()
        assert "by-hand.mp4" in said.out and "frames    24" in said.out and "secret" not in said.out + said.err
        assert not (out / "project.json").exists(), "nothing is heard or painted here"
        assert main(["resume", str(out)]) == 0 or "already" in capsys.readouterr().err
        monkeypatch.setenv(AUTH_VARIABLE, "me:wrong")
        assert main([str(word) for word in command]) == 4
        assert "--api-auth" in capsys.readouterr().err


def test_without_it_deforum_is_asked_as_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.render.deforum_host import Host

    monkeypatch.delenv(AUTH_VARIABLE)
    song = sound(tmp_path / "By Hand.wav", 3.0)
    with Host(tmp_path / "host") as host:
        command = ["render", song, "--out", tmp_path / "out", "--renderer", "deforum", "--webui", host.url, "--size",
                   "64x64", "--duration", "2"]  # fmt: skip
        assert main([str(word) for word in command]) == 0
        assert len(host.submitted()) == 1
    assert (tmp_path / "out" / "project.json").is_file()
    assert threading.active_count() < 50
