"""The page over HTTP, as a browser and as somebody with bad intentions calls it."""

import http.server
import io
import json
import math
import threading
import wave
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gradio", reason="gradio is not installed here: make test-ui has it")

from lib_music.studio.plain import PlainHost
from tests.ui.visitor import Visitor

RATE, SECONDS = 22_050, 6


@pytest.fixture(scope="session")
def song_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of clicks at 120 BPM over a tone."""
    times = np.arange(RATE * SECONDS) / RATE
    clicks = np.exp(-((times % 0.5) * 60)) * np.sin(2 * math.pi * 90 * times)
    sound = 0.7 * clicks + 0.1 * np.sin(2 * math.pi * 440 * times)
    path = tmp_path_factory.mktemp("song") / "click track.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound * 32_000).astype("<i2").tobytes())
    return path


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Visitor:
    """A page without any song."""
    return Visitor(tmp_path_factory.mktemp("page") / "visuals")


def test_from_the_song_to_the_video_and_back(tmp_path: Path, song_file: Path) -> None:
    """Upload, Produce prompts, correct, edit, preview, visualize, open again."""
    visitor = Visitor(tmp_path / "visuals")
    visitor.press("attach", request='{"project": ""}')
    shown = visitor.press("produce", upload=visitor.send(song_file, "click track.wav"), title="A <b>title</b>")
    assert shown["said_song"] == "" and shown["project"]
    job = visitor.wait()
    assert (job["kind"], job["state"]) == ("produce", "done"), job
    assert visitor.view["song"]["title"] == "A <b>title</b>"
    visitor.press("forget_given")
    assert visitor.boxes["upload"] is None and visitor.boxes["title"] == "A <b>title</b>"
    assert visitor.boxes["candidate_1"] and visitor.boxes["candidate_5"]

    tempo = visitor.view["song"]["tempo"]
    beats = len(visitor.view["beats"])
    visitor.press("tempo_half")
    assert visitor.view["song"]["tempo"] == pytest.approx(tempo / 2)
    assert len(visitor.view["beats"]) < beats
    visitor.press("tempo_double")
    assert len(visitor.view["beats"]) == beats

    own = "my <lora:paint:0.7> (rain:1.2) AND [a:b:3]"
    visitor.boxes.update(candidate_1=own, style="oil on canvas", negative="blur")
    visitor.press("save_words")
    assert visitor.view["candidates"][0]["text"] == own
    assert visitor.view["rows"][0]["prompt"] == own
    assert (visitor.view["style"], visitor.view["negative"]) == ("oil on canvas", "blur")

    visitor.boxes.update(width=64, height=64, length="0:02", intensity=0.5)
    visitor.press("save_motion")
    assert visitor.view["motion"]["intensity"] == 0.5 and visitor.view["motion"]["duration"] == 2

    visitor.press("preview_song")
    assert visitor.wait()["state"] == "done"
    assert visitor.client.get("/" + visitor.view["preview"]["url"]).status_code == 200

    visitor.press("estimate")
    assert visitor.view["cost"]["frames"] == 48
    visitor.press("visualize")
    job = visitor.wait()
    assert (job["kind"], job["state"]) == ("visualize", "done"), job
    video = visitor.client.get("/" + visitor.view["video"]["url"], headers={"Range": "bytes=0-99"})
    assert video.status_code == 206 and len(video.content) == 100 and b"ftyp" in video.content
    visitor.press("act", request=json.dumps({"project": visitor.boxes["project"], "action": {"do": "export"}}))
    urls = {file["kind"]: file["url"] for file in visitor.view["ways_out"]["files"]}
    assert visitor.client.get("/" + urls["settings"]).json()["W"] == 64
    assert visitor.client.get("/" + urls["csv"]).text.startswith("seconds,timecode,frame,kind,name,bar,beat")

    project = visitor.boxes["project"]
    later = Visitor(tmp_path / "visuals")
    later.press("attach", request="{}")
    assert later.boxes["project"] == ""
    assert [visual["project"] for visual in json.loads(later.boxes["page"])["visuals"]] == [project]
    later.press("resume", typed=project.rsplit("-", 1)[1])
    assert later.boxes["project"] == project
    assert later.boxes["candidate_1"] == own and later.boxes["style"] == "oil on canvas"
    assert (later.boxes["width"], later.boxes["length"], later.boxes["intensity"]) == (64, "0:02", 0.5)
    assert later.boxes["aspect"] == "own"


def test_a_forged_file_is_refused(visitor: Visitor, tmp_path: Path, song_file: Path) -> None:
    """``is_file`` with a path of the server: neither read nor copied, whatever the version does with paths."""
    number, found = visitor.dependency("produce")
    names = [visitor.name_of[id] for id in found["inputs"]]
    link = tmp_path / "link.wav"
    link.symlink_to(song_file)
    forged = ["/etc/passwd", str(song_file), str(link), "../../etc/passwd", "", "/", "x\0y", "http://127.0.0.1:9/x.wav"]
    for path in forged:
        for box in ("upload", "cover", "analysis"):
            data = [visitor.boxes.get(name) for name in names]
            data[names.index(box)] = visitor.named(path, "song.wav")
            answer = visitor.post(number, data)
            assert "root:" not in answer.text
            if answer.status_code == 200:
                assert "was not sent to this page" in answer.text, (path, answer.text[:300])
            else:
                assert answer.status_code == 500
    assert json.loads(visitor.press("attach", request="{}")["page"])["visuals"] == []


def test_a_forged_address_is_not_fetched(visitor: Visitor) -> None:
    """4.40 would fetch it for whoever asks, from inside the network."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    number, found = visitor.dependency("produce")
    names = [visitor.name_of[id] for id in found["inputs"]]
    address = f"http://127.0.0.1:{server.server_port}/song.wav"
    for box in ("upload", "cover", "analysis"):
        data = [visitor.boxes.get(name) for name in names]
        data[names.index(box)] = {**visitor.named(address, "song.wav"), "url": address}
        visitor.post(number, data)
        # Still guarded after the page was given new values for everything.
        visitor.press("forget_given")
        visitor.press("attach", request="{}")
    visitor.post(number, data)
    server.shutdown()
    assert asked == []


@pytest.mark.parametrize(
    "upload",
    [5, "text", [], {}, {"name": 7, "is_file": True}, {"data": "data:;base64,AAAA", "name": "x.wav", "is_file": False}],
)
def test_what_is_no_file_at_all_is_refused(visitor: Visitor, upload: object) -> None:
    number, found = visitor.dependency("produce")
    names = [visitor.name_of[id] for id in found["inputs"]]
    data = [visitor.boxes.get(name) for name in names]
    data[names.index("upload")] = upload
    answer = visitor.post(number, data)
    assert answer.status_code in (200, 422, 500)
    if answer.status_code == 200:
        shown = answer.json()["data"]
        assert any(isinstance(value, str) and "music-visualizer-error" in value for value in shown)


@pytest.mark.parametrize("name", ["/etc/passwd", "{folder}/../secret.txt", "{folder}/%2e%2e/secret.txt", "{folder}"])
def test_files_outside_the_workspace_are_not_served(tmp_path: Path, name: str) -> None:
    visitor = Visitor(tmp_path / "visuals")
    (tmp_path / "secret.txt").write_text("treasure")
    answer = visitor.client.get("/file=" + name.format(folder=tmp_path / "visuals"))
    assert answer.status_code in (403, 404) and "treasure" not in answer.text


def test_files_of_the_workspace_are_served_in_parts(tmp_path: Path) -> None:
    host = PlainHost(tmp_path / "vis uals")
    (host.workspace() / "a b#c%.mp4").write_bytes(bytes(range(100)))
    url = host.file_url(host.workspace() / "a b#c%.mp4")
    answer = Visitor(tmp_path / "vis uals").client.get("/" + url, headers={"Range": "bytes=10-19"})
    assert answer.status_code == 206 and answer.content == bytes(range(10, 20))


def test_files_below_the_folder_it_was_started_in_are_not_served(visitor: Visitor) -> None:
    here = Path(__file__).resolve()
    assert visitor.client.get(f"/file={here}").status_code == 403
    assert visitor.client.get("/file=pyproject.toml").status_code in (403, 404)


def test_other_names_and_other_sites_are_not_answered(visitor: Visitor) -> None:
    assert visitor.client.get("/config", headers={"Host": "evil.example"}).status_code == 400
    answer = visitor.client.get("/config", headers={"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in answer.headers
    sent = [("files", ("x.mp3", io.BytesIO(b"x")))]
    for origin in ("http://evil.example", "https://127.0.0.1", "http://127.0.0.1:8000", "null"):
        # What a form of any site can send without asking first.
        assert visitor.client.post("/upload", files=sent, headers={"Origin": origin}).status_code == 403
    assert visitor.client.post("/upload", files=sent, headers={"Origin": "http://127.0.0.1"}).status_code == 200


def test_what_was_told_before_a_song_was_heard_goes_with_it(tmp_path: Path, song_file: Path) -> None:
    visitor = Visitor(tmp_path / "visuals")
    assert "there is no song yet" in visitor.press("visualize")["said_visualize"]
    visitor.press("produce", upload=visitor.send(song_file, "click track.wav"))
    assert visitor.wait()["state"] == "done"
    assert visitor.boxes["said_visualize"] == ""


def test_ten_megabytes_end_in_a_message(visitor: Visitor) -> None:
    huge = "9**9**9 " * (10 * 2**20 // 8)
    assert "characters are too many" in visitor.press("act", request=huge)["said_song"]
    assert "characters are too many" in visitor.press("resume", typed=huge)["said_resume"]
    assert "characters are too many" in visitor.press("produce", title=huge)["said_song"]
    assert "characters are too many" in visitor.press("save_words", project="x", candidate_2=huge)["said_prompts"]
    assert "characters are too many" in visitor.press("save_motion", seed=huge)["said_motion"]


FOREIGN = (
    "",
    "{",
    "[1]",
    "null",
    '"x"',
    "[" * 100_000,
    '{"project": 5}',
    '{"project": "../../etc", "action": {"do": "tempo"}}',
    '{"action": 7}',
    '{"project": "x", "action": {"do": ["open"]}}',
    '{"project": "x", "action": {"do": "open", "typed": "<b>"}}',
    '{"project": "x", "action": {"do": "preview", "start": 1e999, "end": 2}}',
    '{"action": {"do": "interrupt", "job": 5}}',
)


@pytest.mark.parametrize("request_text", FOREIGN)
def test_foreign_requests_end_in_a_line(visitor: Visitor, request_text: str) -> None:
    for name in ("act", "attach", "poll"):
        shown = visitor.press(name, request=request_text)
        said = [text for key, text in shown.items() if key.startswith("said_") and text]
        assert all("Traceback" not in text and "unexpected" not in text and "<b>" not in text for text in said)
        if name == "act":
            assert said
        else:
            assert json.loads(visitor.boxes["status"])["jobs"] == []


IMPOSSIBLE = (
    *(("width", value) for value in ("x", 10**400, 513, True)),
    *(("height", value) for value in (None, 100, -8)),
    *(("fps", value) for value in ("0", [1], "1/0")),
    *(("intensity", value) for value in (9, True, None)),
    *(("start", "9**9"), ("length", "-1"), ("seed", "1" * 60), ("steps", 1000), ("cadence", 51)),
    *(("preset", "nope"), ("mode", "4D"), ("renderer", "../x"), ("sampler", 4)),
)


@pytest.mark.parametrize(("box", "value"), IMPOSSIBLE)
def test_motion_that_cannot_be_is_named(visitor: Visitor, box: str, value: object) -> None:
    number, found = visitor.dependency("save_motion")
    names = [visitor.name_of[id] for id in found["inputs"]]
    data = [visitor.boxes.get(name) for name in names]
    data[names.index(box)] = value
    answer = visitor.post(number, data)
    if answer.status_code == 200:
        assert "music-visualizer-error" in answer.text and "unexpected" not in answer.text, answer.text[:500]
    else:
        assert answer.status_code == 500  # gradio itself takes no such thing for a number


def test_a_shape_brings_its_size(visitor: Visitor) -> None:
    shown = visitor.press("aspect", "input", aspect="16:9")
    assert (shown["width"], shown["height"]) == (1024, 576)
    shown = visitor.press("save_motion", width=640)
    assert shown["aspect"] == "own"


def test_buttons_without_a_song_say_so(visitor: Visitor) -> None:
    for name, part in (("tempo_double", "hearing"), ("nudge", "hearing"), ("preview_song", "preview"),
                       ("estimate", "visualize"), ("visualize", "visualize")):  # fmt: skip
        assert "no song yet" in visitor.press(name)[f"said_{part}"]
    assert "no song" in visitor.press("produce")["said_song"]
