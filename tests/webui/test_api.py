"""The HTTP API in a WebUI: when it is there, and whom the WebUI's flags let in."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="FastAPI is not installed here: make test-ui has it")

from fastapi import FastAPI
from fastapi.testclient import TestClient

from lib_music.api import PREFIX
from lib_music.webui import register
from lib_music.webui.api import guard_of
from tests.webui.fake_host import FakeHost

SCRIPT = str(Path(__file__).parents[2] / "scripts" / "music_visualizer.py")


def started(host: FakeHost, app: Any = None, page: Any = "page", **flags: Any) -> Any:
    """A client of the host's application, after the host has started with these flags."""
    for name, value in flags.items():
        setattr(host.shared.cmd_opts, name, value)
    register.register(SCRIPT)
    app = app or FastAPI()
    for entry in host.script_callbacks.callback_map["callbacks_app_started"]:
        entry.callback(page, app)
    return TestClient(app, raise_server_exceptions=False)


def status(client: Any, auth: Any = None, **more: Any) -> int:
    return int(client.get(f"{PREFIX}/info", **({"auth": auth} if auth else {}), **more).status_code)


def test_it_is_there_when_the_host_has_an_api(webui: FakeHost) -> None:
    assert status(started(webui)) == 404
    assert status(started(webui, api=False, nowebui=False)) == 404
    client = started(webui, api=True)
    said = client.get(f"{PREFIX}/info").json()
    assert said["host"] == "webui" and [choice["id"] for choice in said["renderers"]] == ["deforum", "animatic"]
    assert str(webui.data) not in str(said)


def test_it_is_there_without_a_page(webui: FakeHost) -> None:
    assert status(started(webui, page=None, nowebui=True)) == 200


def test_what_is_missing_or_breaks_does_not_stop_the_host(webui: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(register, "_NEEDED", (("music_visualizer_nowhere", "nowhere"),))
    assert status(started(webui, api=True)) == 404
    monkeypatch.setattr(register, "_NEEDED", ())
    assert started(webui, app=SimpleNamespace(), api=True) is not None


@pytest.mark.parametrize(
    ("flags", "good"),
    [
        ({"api_auth": "a:b"}, [("a", "b")]),
        ({"api_auth": "a:b,c:d"}, [("a", "b"), ("c", "d")]),
        ({"gradio_auth": "u:p"}, [("u", "p")]),
        ({"gradio_auth": "u:p:q, v:w "}, [("u", "p:q"), ("v", "w")]),
        ({"gradio_auth": "u:p", "api_auth": "a:b"}, [("u", "p"), ("a", "b")]),
        ({"api_auth": "nonsense"}, []),
        ({"gradio_auth_path": "FILE"}, [("x", "y"), ("z", "1"), ("w", "2")]),
        ({"gradio_auth_path": "/no/such/file"}, []),
        ({"gradio_auth_path": "FILE", "api_auth": "a:b"}, [("x", "y"), ("a", "b")]),
    ],
)
def test_the_hosts_flags_let_people_in(
    a1111: FakeHost, tmp_path: Path, flags: dict[str, str], good: list[tuple[str, str]]
) -> None:
    (tmp_path / "auth").write_text(" x:y \n\nz:1,w:2\n", encoding="utf-8")
    flags = {name: str(tmp_path / "auth") if value == "FILE" else value for name, value in flags.items()}
    client = started(a1111, api=True, **flags)
    assert status(client) == 401
    for pair in good:
        assert status(client, pair) == 200, pair
    for pair in (("a", "p"), ("u", "b"), ("nonsense", ""), ("", ""), ("a", "")):
        assert status(client, pair) == 401, pair


@pytest.mark.parametrize("cookie_id", [None, "abc"])
def test_who_has_signed_in_to_the_page_gets_in(a1111: FakeHost, cookie_id: str | None) -> None:
    app = FastAPI()
    app.auth, app.tokens = {"u": "p"}, {"token": "u"}  # type: ignore[attr-defined]
    mark = f"-{cookie_id}" if cookie_id else ""
    if cookie_id:
        app.cookie_id = cookie_id  # type: ignore[attr-defined]
    client = started(a1111, app, api=True)
    assert status(client) == 401, "a login that came to gradio some other way counts as well"
    for name in ("access-token", "access-token-unsecure"):
        assert status(client, headers={"Cookie": f"{name}{mark}=token"}) == 200
        assert status(client, headers={"Cookie": f"{name}{mark}=other"}) == 401
    assert status(client, headers={"Cookie": "token=token"}) == 401
    if cookie_id:
        assert status(client, headers={"Cookie": "access-token=token"}) == 401


def test_other_web_sites_are_those_of_the_hosts_flag(a1111: FakeHost) -> None:
    a1111.shared.cmd_opts.cors_allow_origins = "https://friend.example,*"
    guard = guard_of(FastAPI())
    assert set(guard.origins) == {"https://friend.example"} and not guard.needed


def test_a_second_start_serves_the_same_jobs(a1111: FakeHost) -> None:
    first, second = (started(a1111, api=True) for _ in range(2))
    for client in (first, second):
        assert client.get(f"{PREFIX}/jobs").json() == {"total": 0, "items": []}
    assert (a1111.data / "outputs" / "music-visualizer").is_dir()
