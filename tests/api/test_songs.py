"""A song over HTTP: what was heard, the words, how it moves, and what is fetched."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="FastAPI is not installed here: make test-ui has it")

from lib_music.render.deforum_job import JobRecord
from lib_music.studio.studio import Studio
from tests.api.served import asked
from tests.studio.places import covered, finished, heard, sound, studio_in

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 30 + b"\x00\x00\x00\x00IEND\xaeB`\x82"


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    folder = tmp_path_factory.mktemp("songs")
    (folder / "music").mkdir()
    return studio_in(folder, folder / "music")


@pytest.fixture(scope="module")
def client(studio: Studio) -> Any:
    return asked(studio)


@pytest.fixture
def one(studio: Studio) -> str:
    """The address of a song that was heard: A B A C."""
    return f"/projects/{heard(studio)}"


def good(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def test_the_card(client: Any, one: str) -> None:
    shown = good(client.get(one))
    assert shown["song"]["title"] == "A Song" and shown["song"]["artists"] == ["The Band"]
    assert shown["heard"] and shown["sections"] == 4 and shown["beats"] == 64
    assert shown["question"] is None and not shown["has_video"] and shown["frames"] == 0
    listed = good(client.get("/projects"))
    assert one.rpartition("/")[2] in [item["project"] for item in listed["items"]]


def test_lists_are_paged(client: Any, one: str) -> None:
    everything = good(client.get(f"{one}/beats?limit=500"))
    assert everything["total"] == 64 == len(everything["items"])
    pages: list[Any] = []
    while len(pages) < 64:
        pages += good(client.get(f"{one}/beats?offset={len(pages)}&limit=10"))["items"]
    assert pages == everything["items"] and pages[4] == {"time": 2.0, "position": 1}
    assert good(client.get(f"{one}/beats?offset=1000"))["items"] == []
    for query in ("limit=0", "limit=501", "offset=-1", "limit=x"):
        assert client.get(f"{one}/beats?{query}").status_code == 422
    assert [s["label"] for s in good(client.get(f"{one}/sections"))["items"]] == ["A", "B", "A", "C"]
    assert len(good(client.get("/projects?limit=1"))["items"]) == 1


def test_the_hearing_is_corrected_together_or_not_at_all(client: Any, one: str) -> None:
    edits = [{"do": "tempo", "factor": 2}, {"do": "label", "section": 1, "name": "Chorus"}]
    said = good(client.patch(f"{one}/corrections", json={"edits": edits}))
    assert said["tempo_factor"] == 2 and said["edited"] and [label for _, label in said["labels"]] == ["Chorus"]
    assert good(client.get(f"{one}/beats?limit=1"))["total"] == 127
    wrong = [{"do": "reset_hearing"}, {"do": "tempo", "factor": 3}]
    assert client.patch(f"{one}/corrections", json={"edits": wrong}).status_code == 422
    assert good(client.get(f"{one}/corrections")) == said
    assert client.patch(f"{one}/corrections", json={"edits": [{"do": "style", "text": "x"}]}).status_code == 422
    good(client.post(f"{one}/actions", json={"do": "undo"}))
    assert not good(client.get(f"{one}/corrections"))["edited"], "it was one step"


def test_the_storyboard_is_worded_together_or_not_at_all(client: Any, one: str) -> None:
    words = {
        "style": "oil painting", "negative": "blurry", "cover_use": "palette",
        "rows": [{"section": 1, "prompt": "a red bridge"}, {"section": 2, "linked": False, "prompt": "a blue tower"}],
    }  # fmt: skip
    revision = good(client.get(one))["revision"]
    assert good(client.patch(f"{one}/storyboard", json=words))["revision"] != revision
    shown = good(client.get(f"{one}/storyboard"))
    assert (shown["style"], shown["negative"], shown["cover_use"]) == ("oil painting", "blurry", "palette")
    assert [row["prompt"] for row in shown["rows"]] == ["a ship", "a red bridge", "a blue tower", "a tower"]
    assert [row["linked"] for row in shown["rows"]] == [True, True, False, True]
    assert shown["total"] == 4 and good(client.get(f"{one}/storyboard?offset=3"))["rows"] == shown["rows"][3:]
    for wrong in ({"style": "x", "rows": [{"section": 9, "prompt": "y"}]}, {"style": "x", "cover_use": "frame it"},
                  {"style": "x", "candidates": ["", " "]}):  # fmt: skip
        assert client.patch(f"{one}/storyboard", json=wrong).status_code == 422
    assert good(client.get(f"{one}/storyboard")) == shown


def test_a_storyboard_goes_out_and_comes_back(client: Any, one: str) -> None:
    good(client.patch(f"{one}/storyboard", json={"rows": [{"section": 0, "prompt": "a red ship, `1+s`"}]}))
    file = client.get(f"{one}/files/storyboard")
    assert file.headers["content-type"] == "application/json"
    shown = good(client.get(f"{one}/storyboard"))
    assert good(client.put(f"{one}/storyboard", json={"text": "one\ntwo\nthree\nfour"}))["notes"]
    assert [row["prompt"] for row in good(client.get(f"{one}/storyboard"))["rows"]] == ["one", "two", "one", "three"]
    assert client.put(f"{one}/storyboard", json={"text": '{"rows": 5}'}).status_code == 422
    good(client.put(f"{one}/storyboard", json={"text": file.text}))
    assert good(client.get(f"{one}/storyboard"))["rows"] == shown["rows"]


def test_the_motion_is_changed_in_part(client: Any, one: str) -> None:
    before = good(client.get(f"{one}/motion"))
    changed = {"width": 256, "height": 128, "seed": 7, "duration": 2.5, "preset": "ambient"}
    after = good(client.patch(f"{one}/motion", json=changed))
    assert after == {**before, **changed} == good(client.get(f"{one}/motion"))
    assert good(client.patch(f"{one}/motion", json={"seed": None, "duration": None}))["duration"] is None
    for wrong in ({"width": 100}, {"fps": "0"}, {"mode": "4D"}, {"steps": 0}, {"start": 1e6}, {"preset": "x"}):
        assert client.patch(f"{one}/motion", json=wrong).status_code == 422, wrong
    assert good(client.get(f"{one}/motion"))["width"] == 256
    curves = good(client.get(f"{one}/curves"))
    assert "zoom" in [curve["name"] for curve in curves["series"]]
    cost = good(client.get(f"{one}/cost"))
    assert cost["frames"] == 768 and cost["done"] == 0 and cost["lines"]


def test_any_edit_of_the_page_is_made(client: Any, one: str) -> None:
    made = good(client.post(f"{one}/actions", json={"do": "row", "section": 0, "prompt": "a yellow boat"}))
    assert made["jobs"] == [] and made["revision"] == good(client.get(one))["revision"]
    assert good(client.get(f"{one}/panels/history"))["shown"]["undo"]
    good(client.post(f"{one}/actions", json={"do": "undo"}))
    assert good(client.get(f"{one}/storyboard"))["rows"][0]["prompt"] == "a ship"
    for wrong in ({"do": "interrupt"}, {"do": "__class__"}, {"do": ""}, {"do": "row", "section": "0"}, {"do": "choose"},
                  {"do": "undo", "x": float("1e300")}):  # fmt: skip
        assert client.post(f"{one}/actions", json=wrong).status_code == 422, wrong
    assert client.get(f"{one}/panels/nope").status_code == 404


def test_each_way_out_can_be_fetched(client: Any, one: str) -> None:
    assert client.get(f"{one}/exports/csv").status_code == 404
    good(client.post(f"{one}/actions", json={"do": "export"}))
    json_kind, text = "application/json", "text/plain"
    kinds = {"csv": "text/csv", "edl": text, "fcpxml": "application/xml", "parseq": json_kind, "settings": text,
             "schedules": json_kind}  # fmt: skip
    for kind, begins in kinds.items():
        answer = client.get(f"{one}/exports/{kind}")
        assert answer.status_code == 200 and answer.headers["content-type"].startswith(begins) and answer.content
    assert client.get(f"{one}/exports/../project.json").status_code in (404, 422)
    assert client.get(f"{one}/files/project").status_code == 422


def test_a_song_from_the_server_is_heard_and_previewed(client: Any, studio: Studio) -> None:
    """The whole way of one song, as a script would go it."""
    folder = studio.host.allowed_folders()[1]
    sound(folder / "The Band - Short.wav", 6.0)
    body = {"path": "The Band - Short.wav", "title": "Short", "artist": "The Band; Guest",
            "motion": {"width": 128, "height": 64, "fps": "12", "renderer": "animatic"}}  # fmt: skip
    made = good(client.post("/projects", json=body), 202)
    job = studio.jobs.get(made["job"])
    assert job is not None and finished(studio, job).state == "done"
    one = f"/projects/{made['project']}"
    shown = good(client.get(one))
    assert shown["song"]["title"] == "Short" and shown["song"]["artists"] == ["The Band", "Guest"] and shown["heard"]
    assert good(client.get(f"{one}/motion"))["width"] == 128
    status = good(client.get(f"{one}/status"))
    assert [(entry["kind"], entry["state"]) for entry in status["jobs"]] == [("produce", "done")]
    assert good(client.get(f"/jobs/{made['job']}"))["fraction"] == 1.0

    assert client.get(f"{one}/preview").status_code == 404
    made = good(client.post(f"{one}/preview", json={"start": 1, "end": 2}), 202)
    assert finished(studio, studio.jobs.get(made["job"])).state == "done"  # type: ignore[arg-type]
    preview = client.get(f"{one}/preview")
    assert preview.headers["content-type"] == "video/mp4" and preview.content[4:8] == b"ftyp"
    for wrong in ({"start": 5, "end": 5}, {"end": 2}, {"start": -1}, {"start": 100, "end": 200}):
        assert client.post(f"{one}/preview", json=wrong).status_code == 422

    assert client.get(f"{one}/video").status_code == 404
    made = good(client.post(f"{one}/render"), 202)
    assert finished(studio, studio.jobs.get(made["job"])).state == "done"  # type: ignore[arg-type]
    video = client.get(f"{one}/video")
    assert video.status_code == 200 and video.content[4:8] == b"ftyp"
    whole, etag = video.content, video.headers["etag"]
    part = client.get(f"{one}/video", headers={"Range": "bytes=100-199", "If-Range": etag})
    assert part.status_code == 206 and part.content == whole[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    assert client.get(f"{one}/video", headers={"Range": f"bytes={len(whole)}-"}).status_code == 416
    assert client.get(f"{one}/video", headers={"If-None-Match": etag}).status_code == 304
    head = client.head(f"{one}/video")
    assert head.headers["content-length"] == str(len(whole)) and head.content == b""
    assert good(client.get(f"{one}/files/settings"))["W"] == 128
    assert client.get(f"{one}/files/cover").content.startswith(b"\x89PNG")
    assert client.get(f"{one}/files/thumbnail").headers["content-type"] == "image/jpeg"
    cost = good(client.get(f"{one}/cost"))
    assert good(client.get(one))["has_video"] and cost["done"] == cost["frames"] == 72
    jobs = good(client.get(f"/jobs?project={made['project']}"))
    assert [job["kind"] for job in jobs["items"]] == ["visualize", "preview", "produce"]
    assert good(client.get("/jobs?active=true"))["total"] == 0


def test_a_job_is_interrupted(client: Any, studio: Studio, one: str) -> None:
    from lib_music.studio.job import JobReporter

    def work(reporter: JobReporter) -> dict[str, str]:
        while True:
            reporter.check()

    job = studio.jobs.submit("visualize", one.rpartition("/")[2], work)
    waiting = studio.jobs.submit("visualize", one.rpartition("/")[2], work)
    assert good(client.get("/jobs?active=true"))["total"] == 2
    assert [entry["id"] for entry in good(client.get(f"{one}/status"))["jobs"]] == [job.id, waiting.id]
    assert good(client.post(f"/jobs/{waiting.id}/interrupt"))["state"] == "interrupted"
    good(client.post(f"/jobs/{job.id}/interrupt"))
    assert finished(studio, job).state == "interrupted"
    assert good(client.post(f"/jobs/{job.id}/interrupt"))["state"] == "interrupted", "once more changes nothing"
    assert client.post("/jobs/mv-0000000000000000/interrupt").status_code == 404


def test_the_same_render_asked_for_twice_is_one_job(client: Any, studio: Studio, one: str) -> None:
    from lib_music.studio.job import JobReporter

    go = threading.Event()

    def busy(reporter: JobReporter) -> dict[str, str]:
        while not go.wait(0.01):
            reporter.check()
        return {}

    ahead = studio.jobs.submit("warm-up", one.rpartition("/")[2], busy)
    good(client.patch(f"{one}/motion", json={"width": 64, "height": 64, "fps": "6", "renderer": "animatic"}))
    try:
        first = good(client.post(f"{one}/render"), 202)
        assert not first["notes"]
        second = good(client.post(f"{one}/render"), 202)
        assert second["job"] == first["job"] and "already" in second["notes"][-1]
        good(client.patch(f"{one}/motion", json={"seed": 77}))
        other = good(client.post(f"{one}/render"), 202)
        assert other["job"] != first["job"] and not other["notes"], "another video is another job"
        good(client.post(f"/jobs/{other['job']}/interrupt"))
        again = good(client.post(f"{one}/render"), 202)
        assert again["job"] not in (first["job"], other["job"]), "one that was stopped does not stand for a new one"
        waiting = good(client.get(f"/jobs?active=true&project={one.rpartition('/')[2]}"))["items"]
        assert {job["id"] for job in waiting} == {ahead.id, first["job"], again["job"]}
        for job in (first, again):
            client.post(f"/jobs/{job['job']}/interrupt")
    finally:
        go.set()
    assert finished(studio, ahead).state == "done"


def test_resume_takes_the_motion_that_the_painting_was_begun_with(client: Any, studio: Studio) -> None:
    name = covered(studio)
    one = f"/projects/{name}"
    small = {"width": 64, "height": 64, "fps": "6", "duration": 2.0, "renderer": "animatic"}
    good(client.patch(f"{one}/motion", json=small))
    made = good(client.post(f"{one}/render", json={"resume": True}), 202)
    assert any("not begun yet" in note for note in made["notes"]), made
    assert finished(studio, studio.jobs.get(made["job"])).state == "done"  # type: ignore[arg-type]
    # Stopped before its first segment is whole.
    project = studio.host.workspace() / name
    progress = json.loads((project / "progress.json").read_text())
    progress.update(video="", titles="", video_digest="", segments=[""] * len(progress["lengths"]), begun=0)
    (project / "progress.json").write_text(json.dumps(progress))
    good(client.patch(f"{one}/motion", json={"width": 128, "fps": "12"}))
    made = good(client.post(f"{one}/render", json={"resume": True}), 202)
    assert any("what its painting was begun with" in note for note in made["notes"]), made
    assert finished(studio, studio.jobs.get(made["job"])).state == "done"  # type: ignore[arg-type]
    held = good(client.get(f"{one}/motion"))
    assert (held["width"], held["fps"]) == (64, "6")


def test_painted_pictures_are_listed_and_fetched(client: Any, studio: Studio, one: str, tmp_path: Path) -> None:
    project = studio.host.workspace() / one.rpartition("/")[2]
    out, run = tmp_path / "out", "20260101000000"
    out.mkdir()
    for name in ("000000000", "000000001", "000000003"):
        (out / f"{run}_{name}.png").write_bytes(PNG)
    (out / f"{run}_000000004.png").write_bytes(PNG[:-3])
    (out / f"{run}_000000005.png").symlink_to("/etc/passwd")
    for name in (f"{run}_settings.txt", f"{run}_depth_0.png", "19990101000000_000000006.png", f"{run}_7.png"):
        (out / name).write_bytes(PNG)
    record = {"job_id": "j", "digest": "d", "batch_name": "b", "outdir": str(out), "timestring": run}
    JobRecord(**record).save(project / "deforum_job.json")
    listed = good(client.get(f"{one}/frames"))
    assert [item["frame"] for item in listed["items"]] == [0, 1, 3, 4] and listed["total"] == 4
    assert client.get(f"{one}/frames/1").content == PNG
    assert client.get(f"{one}/frames/1", headers={"Range": "bytes=0-3"}).content == PNG[:4]
    for frame in (2, 4, 5, 6, 7):
        assert client.get(f"{one}/frames/{frame}").status_code == 404, frame
    for frame in ("-1", "x", "1e3", "99999999999"):
        assert client.get(f"{one}/frames/{frame}").status_code == 422, frame
    later = JobRecord(**record, first=100, picture=str(out / "p.png"))  # type: ignore[arg-type]
    later.save(project / "deforum_job.json")
    assert [item["frame"] for item in good(client.get(f"{one}/frames"))["items"]] == [100, 101, 103, 104]
    assert client.get(f"{one}/frames/101").content == PNG and client.get(f"{one}/frames/1").status_code == 404
    for text in ("{", "[]", json.dumps({"version": 1, **record, "outdir": "relative"})):
        (project / "deforum_job.json").write_text(text)
        assert good(client.get(f"{one}/frames"))["total"] == 0
