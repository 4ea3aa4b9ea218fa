"""A link and the credentials of Spotify over HTTP: what was typed there is nowhere afterwards."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("gradio", reason="gradio is not installed here: make test-ui has it")

from lib_music.track import know
from tests.studio.places import sound
from tests.track.places import PLANTED_ID, PLANTED_SECRET, outside, picture
from tests.track.spotify_server import A_TRACK, COVER, ID, WRONG_SECRET, Place, reply, spotify_server
from tests.ui.visitor import Visitor

LINK = f"https://open.spotify.com/track/{ID}"
TEST_SONG = "/v1/tracks/11dFghVXANMlKmJXsNCbNl"


@pytest.fixture
def spotify(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Place]:
    pytest.importorskip("spotipy", reason="spotipy is not installed here")
    for name in ("SPOTIPY_CLIENT_ID", "SPOTIPY_CLIENT_SECRET", "SPOTIFY_CLIENT_ID", "SPOTIFY_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MUSIC_VISUALIZER_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("MUSIC_VISUALIZER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MUSIC_VISUALIZER_YTDLP", str(tmp_path / "no-yt-dlp"))
    with spotify_server() as place:
        place.play(f"/v1/tracks/{ID}", reply({**A_TRACK, "duration_ms": 4000}))
        place.play(TEST_SONG, reply({**A_TRACK, "name": "Cut To The Feeling"}))
        place.play(COVER.removeprefix("https://i.scdn.co"), picture())
        monkeypatch.setattr(know, "OUTSIDE", outside(place))
        yield place


def test_what_is_typed_is_never_seen_again(
    spotify: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Set, tested, used for a song, refused, deleted: no answer, file, page or log line holds it."""
    caplog.set_level(logging.DEBUG)
    answers: list[str] = []
    visitor = Visitor(tmp_path / "visuals")
    post = visitor.post

    def heard(number: int, data: list[object]) -> object:
        answer = post(number, data)
        answers.append(answer.text + str(answer.headers))
        return answer

    visitor.post = heard  # type: ignore[method-assign]
    visitor.press("attach", request="{}")
    assert "not set" in visitor.boxes["said_credentials"]
    shown = visitor.press("set_credentials", client_id=PLANTED_ID, client_secret=PLANTED_SECRET)
    assert "stored" in shown["said_credentials"] and (shown["client_id"], shown["client_secret"]) == ("", "")
    stored = tmp_path / "config" / "spotify.json"
    assert PLANTED_SECRET in stored.read_text() and stored.stat().st_mode & 0o777 == 0o600
    assert "asking" in visitor.press("test_credentials")["said_credentials"]
    assert "Cut To The Feeling" in pressed_then(visitor)
    visitor.press("produce", link=LINK, upload=visitor.send(sound(tmp_path / "song.wav", 4), "song.wav"))
    job = visitor.wait()
    assert job["state"] == "done", job
    assert visitor.view["song"]["title"] == A_TRACK["name"] and visitor.view["song"]["link"]["url"] == LINK
    for foreign in ("x" * 10_000_000, {"a": PLANTED_SECRET}, [PLANTED_SECRET], 5, "\0", PLANTED_SECRET + "\n"):
        visitor.press("set_credentials", client_id=PLANTED_ID, client_secret=foreign)
        assert (visitor.boxes["client_id"], visitor.boxes["client_secret"]) == ("", "")
    spotify.play("/api/token", WRONG_SECRET)
    assert "music-visualizer-error" in pressed_then(visitor)
    later = Visitor(tmp_path / "visuals")
    later.post, post = heard, later.post  # type: ignore[method-assign]
    later.press("attach", request=json.dumps({"project": visitor.boxes["project"]}))
    assert "stored" in later.boxes["said_credentials"]
    pages = [later.client.get(path).text for path in ("/", "/config", "/info", "/file=" + str(stored))]
    assert "deleted" in visitor.press("delete_credentials")["said_credentials"] and not stored.exists()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    said = [*answers, *pages, caplog.text, *capsys.readouterr(), json.dumps(visitor.boxes, default=str)]
    said += [path.read_bytes().decode("latin-1") for path in files]
    assert len(files) > 10 and len(answers) > 10
    for secret in (PLANTED_SECRET, PLANTED_ID):
        assert not [text[:300] for text in said if secret in text]


def pressed_then(visitor: Visitor) -> str:
    """What stands there when the test of the credentials is over: it comes after the first answer of the button."""
    visitor.press("test_credentials")
    outputs = visitor.dependency("test_credentials")[1]["outputs"]
    number = next(
        n for n, found in enumerate(visitor.config["dependencies"])
        if found["outputs"] == outputs and found["backend_fn"] and not found["inputs"]
        and found.get("trigger_after") == visitor.dependency("test_credentials")[0]
    )  # fmt: skip
    answer = visitor.post(number, [])
    assert answer.status_code == 200, answer.text
    return " ".join(value for value in answer.json()["data"] if isinstance(value, str))


def test_a_lone_link_and_its_switches(spotify: Place, tmp_path: Path) -> None:
    visitor = Visitor(tmp_path / "visuals")
    assert visitor.boxes["allow_download"] is False and visitor.boxes["spotify_content"] is False
    for link, words in ((f"https://open.spotify.com/playlist/{ID}", "playlist"), ("http://127.0.0.1/x", "127.0.0.1"),
                        ("<b>", "not a link")):  # fmt: skip
        shown = visitor.press("produce", link=link)
        assert words in shown["said_song"] and "<b>" not in shown["said_song"]
    assert spotify.asked == []
    visitor.press("set_credentials", client_id=PLANTED_ID, client_secret=PLANTED_SECRET)
    visitor.press("produce", link=LINK)
    visitor.wait()
    assert visitor.view["song"]["question"]["kind"] == "file" and visitor.view["sections"] == []
    assert visitor.boxes["candidate_1"] and visitor.boxes["mark"].startswith("unheard")
    # What is typed meanwhile is kept, the candidates at once and the style as soon as there are sections.
    visitor.press("save_words", candidate_1="mine", style="oil")
    visitor.boxes.update(candidate_1="mine", style="oil")
    project = visitor.boxes["project"]
    visitor.press("produce", upload=visitor.send(sound(tmp_path / "song.wav", 9), "song.wav"))
    visitor.wait()
    assert visitor.boxes["project"] == project and visitor.view["song"]["question"]["kind"] == "mismatch"
    shown = visitor.act(do="right_recording", on=5)
    assert "music-visualizer-error" in shown["said_song"]
    visitor.act(do="right_recording", on=True)
    visitor.wait()
    assert visitor.view["sections"] and visitor.view["candidates"][0]["text"] == "mine"
    assert visitor.view["style"] == "oil" == visitor.boxes["style"]
    assert "no longer asked" in visitor.act(do="choose", id="dQw4w9WgXcQ")["said_song"]
