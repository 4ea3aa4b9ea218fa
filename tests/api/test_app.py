"""What holds for every route: who gets in, what a body may be, and what is told when something goes wrong."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="FastAPI is not installed here: make test-ui has it")

from lib_music.api import PREFIX
from lib_music.api.guard import Guard, Limits, Rate
from lib_music.studio.studio import Studio
from tests.api.served import PIECE, asked
from tests.studio.places import heard, studio_in

LOCKED = Guard((("anna", "secret"), ("ben", "a:b")), needed=True)
#: Tests call more often than people.
OFTEN = Limits(calls=Rate(10**6, 1e6), makes=Rate(10**6, 1e6), refusals=Rate(10**6, 1e6), uploads=1000)
GOOD, BAD = ("anna", "secret"), ("anna", "Secret")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return studio_in(tmp_path_factory.mktemp("api"))


@pytest.fixture(scope="module")
def name(studio: Studio) -> str:
    """A song that was heard."""
    return heard(studio)


@pytest.fixture(scope="module")
def client(studio: Studio, name: str) -> Any:
    """Everybody may call."""
    return asked(studio, None, OFTEN)


@pytest.fixture(scope="module")
def locked(studio: Studio, name: str) -> Any:
    """Only who has credentials may."""
    return asked(studio, LOCKED, OFTEN)


def fresh(tmp_path: Path, guard: Guard | None = None, **limits: Any) -> Any:
    """A server of its own, with limits of its own."""
    return asked(studio_in(tmp_path), guard, Limits(**limits))


def routes(app: Any) -> list[tuple[str, str]]:
    """Every method and address that the application has of ours, with something in place of names."""
    found = []
    for route in app.routes:
        if route.path.startswith(PREFIX):
            address = re.sub(r"{(\w+)(:path)?}", "x", route.path)
            found += [(method, address) for method in route.methods]
    return found


def called(client: Any, method: str, address: str, **more: Any) -> Any:
    return client.request(method, address.removeprefix(PREFIX), **more)


# -- who gets in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", [None, BAD, ("anna", ""), ("", ""), ("ben", "secret")])
def test_no_route_answers_without_credentials(locked: Any, auth: tuple[str, str] | None) -> None:
    client = locked
    every = routes(client.app)
    assert len(every) > 40 and (("PATCH", f"{PREFIX}/uploads/x") in every)
    for method, address in [*every, ("GET", f"{PREFIX}/no/such/route"), ("GET", PREFIX), ("POST", f"{PREFIX}/")]:
        answer = called(client, method, address, **({"auth": auth} if auth else {}))
        assert answer.status_code == 401, (method, address)
        assert answer.headers["www-authenticate"].startswith("Basic ")
        if method != "HEAD":
            assert answer.headers["content-type"] == "application/problem+json"
            assert "x" not in answer.json()["detail"].split()


@pytest.mark.parametrize("auth", [GOOD, ("ben", "a:b")])
def test_with_credentials_every_route_is_reached(locked: Any, auth: tuple[str, str]) -> None:
    for method, address in routes(locked.app):
        assert called(locked, method, address, auth=auth).status_code not in (401, 403, 500), (method, address)


def test_a_session_of_the_page_gets_in_and_another_web_site_does_not(studio: Studio) -> None:
    guard = Guard(needed=True, signed_in=lambda cookies: "anna" if cookies.get("session") == "1" else None)
    client = asked(studio, guard)
    client.cookies.set("session", "1")
    assert client.get("/info").status_code == 200
    assert client.post("/projects", headers={"Origin": "http://evil.example"}).status_code == 403
    client.cookies.set("session", "2")
    assert client.get("/info").status_code == 401


def test_wrong_passwords_can_be_tried_so_often(tmp_path: Path) -> None:
    client = fresh(tmp_path, LOCKED, refusals=Rate(5, 0.01))
    codes = [client.get("/info", auth=BAD).status_code for _ in range(7)]
    assert codes == [401] * 5 + [429] * 2
    assert client.get("/info", auth=GOOD).status_code == 200, "who has the right one is not kept out by that"
    assert client.get("/info").status_code == 401


# -- from where --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
     {"Sec-Fetch-Site": "same-site"}],
)  # fmt: skip
def test_another_web_site_changes_nothing(client: Any, name: str, headers: dict[str, str]) -> None:
    for method, address in routes(client.app):
        if method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = called(client, method, address.replace("/x", f"/{name}"), headers=headers)
            assert answer.status_code == 403, (method, address)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_form_of_another_web_site_sends_nothing(client: Any, name: str, kind: str) -> None:
    for method, address in routes(client.app):
        if method == "POST":
            more = {"content": b'{"do": "style", "text": "evil"}', "headers": {"Content-Type": kind}}
            answer = called(client, method, address.replace("/x", f"/{name}"), **more)
            assert answer.status_code == 415, (method, address)
            empty = called(client, method, address, content=b"", headers={"Content-Type": kind})
            assert empty.status_code == 415, (method, address)


def test_nothing_is_changed_by_looking(client: Any, studio: Studio, name: str) -> None:
    folder = studio.host.workspace()

    def state() -> dict[str, bytes]:
        files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")
        # The outline of a song is made when it is first looked at, as by the page.
        return {str(path): path.read_bytes() for path in files if path.name not in ("waveform.json", "log.txt")}

    before = state()
    for method, address in routes(client.app):
        if method in ("GET", "HEAD"):
            called(client, method, address.replace("/x", f"/{name}", 1))
    after = {path: data for path, data in state().items() if path in before}
    assert after == before
    assert [path for path in set(state()) - set(before) if "outline" not in path and "wave" not in path] == []


# -- how much ----------------------------------------------------------------------------------------------------------


def test_too_many_calls_are_told_when_to_come_back(tmp_path: Path) -> None:
    client = fresh(tmp_path, calls=Rate(10, 0.01))
    answers = [client.get("/info") for _ in range(12)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) >= 2 and answers[-1].json()["fix"]


def test_what_makes_something_has_a_rate_of_its_own(tmp_path: Path) -> None:
    client = fresh(tmp_path, makes=Rate(2, 0.01))
    assert [client.post("/projects").status_code for _ in range(4)] == [422, 422, 429, 429]
    assert client.get("/info").status_code == 200


def test_a_body_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    client = fresh(tmp_path, message=1000)
    assert client.post("/projects", json={"title": "x" * 2000}).status_code == 413

    def chunks() -> Any:
        for _ in range(100):
            yield b"x" * 100

    answer = client.post("/projects", content=chunks(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413, "also when it does not say how long it is"
    assert client.post("/projects", json={"title": "x" * 100}).status_code == 422


def test_as_many_jobs_wait_as_are_taken(client: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from lib_music.studio import jobs

    monkeypatch.setattr(jobs, "MAX_ACTIVE", 0)
    for address in ("preview", "render", "produce"):
        answer = client.post(f"/projects/{name}/{address}")
        assert answer.status_code == 429 and "retry-after" in answer.headers, address


# -- what is told ------------------------------------------------------------------------------------------------------


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = answer.json()
    assert said["status"] == status and said["title"] and said["detail"] and "fix" in said
    return said


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe{}", b'{"a": NaN}', b'{"a": 1e999}', b'{"title": "\\ud800"}',
                                  b"[" * 100_000, b'{"a": ' + b"9" * 10_000 + b"}", b'{"a":1}{'])  # fmt: skip
def test_what_is_no_json_is_told_as_such(client: Any, body: bytes) -> None:
    answer = client.post("/projects", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert problem(answer, answer.status_code)


@pytest.mark.parametrize(
    "body",
    [[], "text", 5, None, {"unknown": 1}, {"title": 5}, {"path": ["x"]}, {"title": "x" * 501}, {"upload": "nope"},
     {"path": "/etc/passwd"}, {"path": "../../../../etc/passwd"}, {"path": "a\0b"}, {"link": "http://169.254.169.254/"},
     {"cover_path": "/etc/passwd"}, {"upload": "a", "path": "b"}, {"motion": {"fps": "0"}}, {}],
)  # fmt: skip
def test_what_cannot_be_used_is_told_with_a_way_on(client: Any, body: Any) -> None:
    before = client.get("/projects").json()["total"]
    content = json.dumps(body).encode()
    problem(client.post("/projects", content=content, headers={"Content-Type": "application/json"}), 422)
    assert client.get("/projects").json()["total"] == before, "nothing was begun"


def test_what_is_sent_is_not_sent_back(client: Any) -> None:
    said = client.post("/projects", json={"title": ["my secret password"], "unknown": "hunter2"}).text
    assert "hunter2" not in said and "secret" not in said


@pytest.mark.parametrize(
    "other", ["nope", "..", "%2e%2e", "..%2f..%2fetc", ".uploads", ".jobs", "a%00b", "é", "x" * 5000, "%ff"]
)
def test_no_such_project(client: Any, other: str) -> None:
    for method, address in (("GET", ""), ("GET", "/status"), ("GET", "/video"), ("GET", "/frames/0"), ("GET", "/beats"),
                            ("POST", "/render"), ("POST", "/actions"), ("PATCH", "/motion")):  # fmt: skip
        body = {"do": "style", "text": "x"} if address == "/actions" else {}
        answer = client.request(method, f"/projects/{other}{address}", json=None if method == "GET" else body)
        # A client may clean `..` away, and asks for something else then.
        assert answer.status_code in ((404, 405) if other in ("..", "%2e%2e") else (404,)), (other, address)


def test_a_link_in_the_workspace_is_no_project(client: Any, studio: Studio, name: str, tmp_path: Path) -> None:
    other = studio_in(tmp_path / "other")
    theirs = heard(other)
    (studio.host.workspace() / "linked").symlink_to(other.host.workspace() / theirs)
    problem(client.get("/projects/linked"), 404)
    folder = studio.host.workspace() / name
    (folder / "cover.png").unlink(missing_ok=True)
    (folder / "cover.png").symlink_to("/etc/passwd")
    problem(client.get(f"/projects/{name}/files/cover"), 404)


def test_a_size_that_no_disk_has_is_none(client: Any) -> None:
    for size in (0, -1, 2**50 + 1, 10**400, 2.0**60, True, "4", None):
        problem(client.post("/uploads", json={"name": "a.wav", "size": size}), 422)


def test_a_method_that_is_not_there_is_told(client: Any) -> None:
    answer = client.delete("/info")
    problem(answer, 405)
    assert answer.headers["allow"] == "GET"
    answer = client.get("/jobs/x/interrupt")
    problem(answer, 405)
    assert answer.headers["allow"] == "POST"
    problem(client.get("/nothing"), 404)


def test_a_misspelt_parameter_does_not_pass_for_none(client: Any) -> None:
    said = problem(client.get("/jobs?projekt=x"), 422)
    assert "projekt" in said["detail"] and "project" in said["fix"]
    problem(client.get("/nothing?x=1"), 404)


def test_a_fault_of_ours_tells_nothing_of_this_machine(
    client: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lib_music.studio import visuals

    def broken(*_: Any) -> Any:
        raise RuntimeError("/home/anna/secret: hunter2")

    monkeypatch.setattr(visuals, "revision", broken)
    said = problem(client.get(f"/projects/{name}"), 500)
    assert "RuntimeError" in said["detail"] and "hunter2" not in str(said) and "/home" not in str(said)


def test_no_answer_holds_a_place_on_this_machine(tmp_path: Path) -> None:
    studio = studio_in(tmp_path)
    name = heard(studio)
    (studio.host.workspace() / name / "storyboard.json").write_text("{")
    client = asked(studio)
    for method, address in routes(client.app):
        if method != "HEAD":
            address = address.replace("/x", f"/{name}", 1)
            answer = called(client, method, address)
            assert str(tmp_path) not in answer.text, (method, address)
            assert "Traceback" not in answer.text


def test_work_that_takes_long_is_answered_in_time_and_goes_on(
    studio: Studio, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lib_music.studio import song

    answered, done = threading.Event(), threading.Event()

    def slow(*_: Any) -> None:
        if answered.wait(60):
            done.set()

    monkeypatch.setattr(song, "change", slow)
    client = asked(studio, None, Limits(patience=0.2))
    with client:
        answer = client.post(f"/projects/{name}/actions", json={"do": "style", "text": "x"})
        problem(answer, 503)
        assert "retry-after" in answer.headers
        answered.set()
        assert done.wait(60)


# -- the same call twice -----------------------------------------------------------------------------------------------


def test_the_same_key_makes_one_thing(client: Any) -> None:
    before = client.get("/uploads").json()["total"]
    body, key = {"name": "a.mp3", "size": 5}, {"Idempotency-Key": "one"}
    first = client.post("/uploads", json=body, headers=key)
    again = client.post("/uploads", json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201) and first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert client.get("/uploads").json()["total"] == before + 1
    problem(client.post("/uploads", json={**body, "size": 6}, headers=key), 422)
    client.post("/uploads", json=body, headers={"Idempotency-Key": "two"})
    assert client.get("/uploads").json()["total"] == before + 2
    problem(client.post("/uploads", json=body, headers={"Idempotency-Key": "x" * 1000}), 422)


def test_the_key_of_a_call_that_failed_is_free_again(tmp_path: Path) -> None:
    client = fresh(tmp_path, uploads=1)
    first = client.post("/uploads", json={"name": "a", "size": 5}).json()["id"]
    body, key = {"name": "b", "size": 5}, {"Idempotency-Key": "one"}
    problem(client.post("/uploads", json=body, headers=key), 429)
    client.delete(f"/uploads/{first}")
    assert client.post("/uploads", json=body, headers=key).status_code == 201


def test_keys_of_different_people_are_different(locked: Any) -> None:
    client = locked
    body, key = {"name": "a", "size": 5}, {"Idempotency-Key": "one"}
    ids = {client.post("/uploads", json=body, headers=key, auth=auth).json()["id"] for auth in (GOOD, ("ben", "a:b"))}
    assert len(ids) == 2


# -- uploads -----------------------------------------------------------------------------------------------------------


def test_an_upload_over_http(client: Any) -> None:
    made = client.post("/uploads", json={"name": "../song.wav", "size": 10})
    assert made.headers["upload-offset"] == "0" and made.json()["name"] == "song.wav"
    address = f"/uploads/{made.json()['id']}"
    assert client.patch(address, content=b"01234", headers={**PIECE, "Upload-Offset": "0"}).json()["offset"] == 5
    wrong = client.patch(address, content=b"56789", headers={**PIECE, "Upload-Offset": "0"})
    assert problem(wrong, 409)["offset"] == 5
    head = client.head(address)
    assert head.status_code == 200 and head.headers["upload-offset"] == "5" and head.headers["upload-length"] == "10"
    last = client.patch(address, content=b"56789", headers={**PIECE, "Upload-Offset": "5"})
    assert last.json()["whole"] is True and last.headers["upload-offset"] == "10"
    assert client.delete(address).status_code == 204 and client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Upload-Offset": "0", "Content-Type": "application/octet-stream"}, b"x", 415),
        ({"Upload-Offset": "0", "Content-Type": "application/json"}, b"{}", 415),
        (PIECE, b"x", 422),
        ({**PIECE, "Upload-Offset": "-1"}, b"x", 422),
        ({**PIECE, "Upload-Offset": "x"}, b"x", 422),
        ({**PIECE, "Upload-Offset": "0"}, b"x" * (OFTEN.piece + 1), 413),
        ({**PIECE, "Upload-Offset": "0"}, b"x" * 11, 413),
    ],
)
def test_a_piece_that_is_none(client: Any, headers: dict[str, str], content: bytes, status: int) -> None:
    address = f"/uploads/{client.post('/uploads', json={'name': 'a', 'size': 10}).json()['id']}"
    problem(client.patch(address, content=content, headers=headers), status)
    assert client.get(address).json()["offset"] in (0, 10), "what fits may stay"


def test_a_piece_says_how_long_it_is(client: Any) -> None:
    address = f"/uploads/{client.post('/uploads', json={'name': 'a', 'size': 10}).json()['id']}"
    problem(client.patch(address, content=iter([b"x"]), headers={**PIECE, "Upload-Offset": "0"}), 411)


# -- the OpenAPI page --------------------------------------------------------------------------------------------------


def test_every_route_is_on_the_openapi_page_typed(client: Any) -> None:
    app = client.app
    found = app.openapi()
    listed = {(method.upper(), path) for path, methods in found["paths"].items() for method in methods}
    shown = {(m, route.path_format) for route in app.routes if route.path.startswith(PREFIX) for m in route.methods
             if m != "HEAD" and "{path" not in route.path and route.path != PREFIX}  # fmt: skip
    assert listed == shown
    ids = [entry["operationId"] for methods in found["paths"].values() for entry in methods.values()]
    assert len(set(ids)) == len(ids) and all(id.startswith("music_visualizer_") for id in ids)
    for path, methods in found["paths"].items():
        for method, entry in methods.items():
            assert entry["summary"] and entry["description"] and entry["security"], (method, path)
            good = [code for code in entry["responses"] if code.startswith("2")]
            assert good and "401" in entry["responses"] and "422" in entry["responses"], (method, path)
    assert found["components"]["securitySchemes"]["MusicVisualizer"] == {"type": "http", "scheme": "basic"}


def test_info_says_what_can_be_chosen(client: Any) -> None:
    said = client.get("/info").json()
    assert said["api"] == 1 and said["host"] == "serve"
    assert [choice["id"] for choice in said["renderers"]] == ["animatic", "deforum"]
    assert {"tempo", "row", "undo"} <= set(said["actions"]) and "auto" in said["presets"]
