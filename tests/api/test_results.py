"""What jobs have made is fetched over HTTP: stills, tests, comparisons, what Finishing made; each in part too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="FastAPI is not installed here: make test-ui has it")

from lib_music.api.guard import Limits
from lib_music.studio.motion import Motion
from lib_music.studio.studio import Studio
from lib_music.studio.video import set_motion
from tests.api.served import asked
from tests.studio.places import covered, finished, studio_in


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return studio_in(tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def client(studio: Studio) -> Any:
    return asked(studio)


@pytest.fixture(scope="module")
def one(client: Any, studio: Studio) -> str:
    """The address of a song of 32 s whose video is painted, small."""
    name = covered(studio)
    set_motion(studio, name, Motion(width=64, height=64, fps="6"))
    done(studio, client.post(f"/projects/{name}/render"), 202)
    return f"/projects/{name}"


def done(studio: Studio, answer: Any, status: int = 200) -> None:
    """Wait for the job that a call began."""
    assert answer.status_code == status, answer.text
    job = finished(studio, studio.jobs.all()[0])
    assert job.state == "done", (job.error, job.fix)


def did(studio: Studio, client: Any, one: str, **action: Any) -> None:
    done(studio, client.post(f"{one}/actions", json=action))


def in_parts(client: Any, address: str, begins: bytes) -> bytes:
    """The file, once it was looked at whole, in part, beyond its end, by HEAD, and again."""
    whole = client.get(address)
    assert whole.status_code == 200 and begins in whole.content[:12], whole.text[:200]
    data, etag = whole.content, whole.headers["etag"]
    part = client.get(address, headers={"Range": "bytes=10-19", "If-Range": etag})
    assert (part.status_code, part.content) == (206, data[10:20])
    assert part.headers["content-range"] == f"bytes 10-19/{len(data)}"
    assert client.get(address, headers={"Range": f"bytes={len(data)}-"}).status_code == 416
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 304
    for more in ({}, {"Range": "bytes=10-19"}, {"Range": f"bytes={len(data)}-"}):
        head = client.head(address, headers=more)
        assert head.status_code == 200 and head.headers["content-length"] == str(len(data)), more
        assert "content-range" not in head.headers
    found: bytes = data
    return found


def missing(client: Any, address: str, status: int = 404) -> None:
    answer = client.get(address)
    assert answer.status_code == status, (address, answer.text)
    assert answer.json()["detail"] and answer.headers["content-type"] == "application/problem+json"


def test_a_still_is_fetched(client: Any, studio: Studio, one: str) -> None:
    missing(client, f"{one}/stills/1")
    did(studio, client, one, do="still", section=1)
    in_parts(client, f"{one}/stills/1", b"PNG")
    for section, status in (("2", 404), ("4", 404), ("-1", 422), ("x", 422), ("1.5", 422), ("99999999", 422)):
        missing(client, f"{one}/stills/{section}", status)


def test_a_test_of_some_bars_is_fetched(client: Any, studio: Studio, one: str) -> None:
    missing(client, f"{one}/test")
    did(studio, client, one, do="test_bars", start=0, bars=1)
    in_parts(client, f"{one}/test", b"ftyp")
    note = studio.host.workspace() / one.rpartition("/")[2] / "test" / "test.json"
    for text in ("{", "[]", '{"video": "../../song.wav", "start": 0, "end": 1, "bars": 1}'):
        note.write_text(text)
        missing(client, f"{one}/test")


def test_a_take_beside_the_video_is_fetched(client: Any, studio: Studio, one: str) -> None:
    missing(client, f"{one}/takes/1/comparison")
    did(studio, client, one, do="rerender_section", section=1)
    missing(client, f"{one}/takes/1/comparison")
    did(studio, client, one, do="compare_take", take=1)
    in_parts(client, f"{one}/takes/1/comparison", b"ftyp")
    for take, status in (("2", 404), ("0", 422), ("x", 422)):
        missing(client, f"{one}/takes/{take}/comparison", status)


def test_two_presets_are_fetched(client: Any, studio: Studio, one: str) -> None:
    missing(client, f"{one}/compare/first")
    did(studio, client, one, do="preset_compare", first="now", second="auto", section=1)
    assert in_parts(client, f"{one}/compare/first", b"ftyp") and in_parts(client, f"{one}/compare/second", b"ftyp")
    missing(client, f"{one}/compare/third", 422)
    record = studio.host.workspace() / one.rpartition("/")[2] / "compare" / "compare.json"
    record.write_text(record.read_text().replace(".mp4", ".mp4/../../song.wav"))
    missing(client, f"{one}/compare/first")


def test_what_finishing_made_is_listed_and_fetched(client: Any, studio: Studio, one: str, tmp_path: Path) -> None:
    assert client.get(f"{one}/finished").json() == {"total": 0, "items": []}
    for kind in ("prores", "png"):
        did(studio, client, one, do="finish", format=kind)
    folder = studio.host.workspace() / one.rpartition("/")[2] / "finished"
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "linked").symlink_to(tmp_path, target_is_directory=True)
    (folder / ".hidden").write_text("half")
    listed = client.get(f"{one}/finished").json()
    assert listed["total"] == 2 and len(client.get(f"{one}/finished?limit=1").json()["items"]) == 1
    pngs, mov = listed["items"]
    assert mov["name"].endswith(".mov") and mov["frames"] == 0 and pngs["frames"] == 192
    assert len(in_parts(client, f"{one}/finished/{mov['name']}", b"ftyp")) == mov["bytes"]
    assert client.head(f"{one}/finished/{mov['name']}").headers["content-type"] == "video/quicktime"
    missing(client, f"{one}/finished/{pngs['name']}")
    pictures = f"{one}/finished/{pngs['name']}/frames"
    page = client.get(f"{pictures}?offset=190").json()
    assert page["total"] == 192 and [item["frame"] for item in page["items"]] == [190, 191]
    assert len(in_parts(client, f"{pictures}/191", b"PNG")) == page["items"][1]["bytes"]
    missing(client, f"{pictures}/192")
    assert client.get(f"{one}/finished/{mov['name']}/frames").json()["total"] == 0
    for name in ("link.txt", "linked", ".hidden", "..", "%2e%2e", "..%2fsong.wav", "nothing", "a%00b", "%ff"):
        answer = client.get(f"{one}/finished/{name}")
        assert answer.status_code in (200, 404) and "secret" not in answer.text, name
        assert answer.status_code == 404 or "total" not in answer.text, "a client may clean `..` away"


def test_over_the_cap_nothing_is_uploaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    studio = studio_in(tmp_path)
    client = asked(studio)
    monkeypatch.setattr(studio.host, "_disk_cap", 1000)
    assert client.post("/uploads", json={"name": "a", "size": 900}).status_code == 201
    answer = client.post("/uploads", json={"name": "b", "size": 200})
    assert answer.status_code == 507 and "cap" in answer.json()["detail"] and answer.json()["fix"]
    assert client.get("/uploads").json()["total"] == 1


def test_looking_at_the_uploads_deletes_none(tmp_path: Path) -> None:
    client = asked(studio_in(tmp_path), None, Limits(kept=0.0))
    made = client.post("/uploads", json={"name": "a", "size": 5}).json()["id"]
    assert [item["id"] for item in client.get("/uploads").json()["items"]] == [made]
    assert client.get(f"/uploads/{made}").status_code == 200
    client.post("/uploads", json={"name": "b", "size": 5})
    assert client.get(f"/uploads/{made}").status_code == 404, "the next one makes room"
