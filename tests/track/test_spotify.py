"""spotipy, tamed: every answer and failure of Spotify's that we know of, played by a server of this machine.

No test here speaks to Spotify itself; the bodies are written after its documentation.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import io
import json
import logging
import pickle
import re
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lib_music.credentials import Credentials
from lib_music.errors import CoverError, SpotifyError
from lib_music.track import refused
from lib_music.track import spotify as module
from lib_music.track.spotify import TEST_TRACK, Spotify, SpotifyTrack
from lib_music.track.web import COVER_HOSTS, Web, host_of
from tests.track.spotify_server import (
    A_TOKEN,
    A_TRACK,
    ALBUM_ID,
    COVER,
    EXPIRED,
    FORBIDDEN,
    ID,
    INVALID_LIMIT,
    NO_PREMIUM,
    NOT_REGISTERED,
    QUOTA,
    TOKEN,
    TOO_MANY,
    TOO_MANY_FOR_A_DAY,
    UNKNOWN,
    WRONG_ID,
    WRONG_SECRET,
    Place,
    Reply,
    album_song,
    redirect,
    refusal,
    reply,
    spotify_server,
    text,
)

CLIENT, SECRET = "c0ffee00c0ffee00c0ffee00c0ffee00", "5ec7e75ec7e75ec7e75ec7e75ec7e75e"
BASIC = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
PATH = f"/v1/tracks/{ID}"


@pytest.fixture
def place() -> Iterator[Place]:
    with spotify_server() as place:
        yield place


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is ever left in the folder that the program runs in."""
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    yield
    assert not [*(tmp_path / "cwd").iterdir()]


def spotify(place: Place, timeout: float = 20.0, total: float = 60.0) -> Spotify:
    web = Web(timeout=timeout, routes={"i.scdn.co": place.url})
    return Spotify(
        Credentials(CLIENT, SECRET), base=f"{place.url}/v1/", token_url=f"{place.url}/api/token", timeout=timeout,
        total=total, web=web,
    )  # fmt: skip


def test_a_song(place: Place) -> None:
    assert spotify(place).track(ID) == SpotifyTrack(
        id=ID, title="Never Gonna Give You Up", artists=("Rick Astley", "A Guest"), album="Whenever You Need Somebody",
        date="1987-11-12", duration=213.573, isrc="GBARL9300135", explicit=False, cover_url=COVER,
        url=f"https://open.spotify.com/track/{ID}",
    )  # fmt: skip
    token, track = place.asked
    assert (token.method, token.path, token.headers["Authorization"]) == ("POST", "/api/token", f"Basic {BASIC}")
    assert (track.method, track.path, track.headers["Authorization"]) == ("GET", PATH, f"Bearer {TOKEN}")


def test_one_token_serves_many_calls(place: Place) -> None:
    ours = spotify(place)
    for _ in range(3):
        ours.track(ID)
    assert place.paths() == ["/api/token", PATH, PATH, PATH]
    ours = spotify(place)  # other credentials would be rejected with the first one's token
    ours.track(ID)
    assert place.paths().count("/api/token") == 2


def test_netrc_does_not_replace_the_token(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password planted\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    spotify(place).track(ID)
    assert [asked.headers["Authorization"].split()[0] for asked in place.asked] == ["Basic", "Bearer"]


def test_a_real_call_is_made_by_the_test(place: Place) -> None:
    place.play(f"/v1/tracks/{TEST_TRACK}", reply({**A_TRACK, "id": TEST_TRACK, "name": "Cut To The Feeling"}))
    assert spotify(place).test() == "the credentials work: Spotify answers (Cut To The Feeling by Rick Astley, A Guest)"
    assert place.paths() == ["/api/token", f"/v1/tracks/{TEST_TRACK}"]
    place.play(f"/v1/tracks/{TEST_TRACK}", UNKNOWN)
    assert spotify(place).test() == "the credentials work: Spotify answers"
    place.play(f"/v1/tracks/{TEST_TRACK}", NO_PREMIUM)  # there is a token, all the same
    with pytest.raises(SpotifyError, match="Premium"):
        spotify(place).test()


# Each refusal has its own message, and says what to do


TOKENS: list[tuple[Reply, str, str]] = [
    (WRONG_ID, "does not accept the client ID", "copy both"),
    (WRONG_SECRET, "does not accept the client secret", "copy both"),
    (reply({"error": "invalid_client"}, 401), "does not accept the client ID or secret", "copy both"),
    (reply({"error": "unsupported_grant_type"}, 400), "gives no token .status 400.: unsupported", "dashboard"),
    (text("blocked", 403), "gives no token .status 403.: blocked", "dashboard"),
    (text("<html>sign in</html>"), "token cannot be read", "sign in"),
    (reply([]), "token cannot be read", "sign in"),
    (reply({}), "token cannot be read", "sign in"),
    (reply({"access_token": TOKEN}), "token cannot be read", "sign in"),
    (reply({"access_token": TOKEN, "expires_in": "soon"}), "token cannot be read", "sign in"),
    (reply({"expires_in": 3600}), "token cannot be read", "sign in"),
    (reply({"access_token": f"{TOKEN}\r\nX: y", "expires_in": 3600}), "token cannot be read", "sign in"),
    (text("[" * 50_000), "token cannot be read", "sign in"),
    (reply([], 400), "gives no token", "dashboard"),
    (reply({"error": {"status": 400}}, 400), "gives no token", "dashboard"),
    (text("", 503), "itself has trouble .status 503", "some minutes"),
    (TOO_MANY_FOR_A_DAY, "too often", "22 h 47 min"),
    (redirect("https://evil.example/"), "redirects elsewhere", "sign in"),
    (redirect("/api/other"), "redirects elsewhere", "sign in"),
    (Reply(200, b'{"access_token": "x"}', cut=5), "cut", "try again"),
    (Reply(raw=b"nonsense"), "cut the connection", "try again"),
]
CALLS: list[tuple[Reply, str, str]] = [
    (EXPIRED, "rejects the token", "clock"),
    (refusal(401, "Invalid access token"), "rejects the token", "clock"),
    (NO_PREMIUM, "whose owner has Premium", "hours"),
    (NOT_REGISTERED, "does not count this user", "User Management"),
    (FORBIDDEN, "does not let this app have the song", "newer apps"),
    (text("", 403), "does not let this app have the song", "newer apps"),
    (UNKNOWN, "does not know this song", "check the link"),
    (INVALID_LIMIT, "does not take the request: Invalid limit", "check the link"),
    (refusal(400, "invalid id"), "does not take the request: invalid id", "check the link"),
    (TOO_MANY, "too often", "some minutes"),
    (TOO_MANY_FOR_A_DAY, "too often", "22 h 47 min"),
    (QUOTA, "quota of your Spotify developer account", "1 h 0 min"),
    (refusal(429, "Too many requests", "QUOTA_EXCEEDED"), "quota", "some hours"),
    (text("", 429, Retry_After="soon"), "too often", "some minutes"),
    (text("", 429, Retry_After="-1"), "too often", "some minutes"),
    (text("", 429, Retry_After="9" * 400), "too often", r"on \d{4}-\d\d-\d\d at"),
    (refusal(500, "Server error"), "itself has trouble", "some minutes"),
    (text("<html>", 502), "itself has trouble", "some minutes"),
    (refusal(503, "Service unavailable"), "itself has trouble", "some minutes"),
    (text("teapot", 418), "refuses the song .status 418.: teapot", "later"),
    (reply([], 403), "does not let this app", "newer apps"),
    (reply({"error": "a string"}, 403), "does not let this app", "newer apps"),
    (reply({"error": {"message": ["list"]}}, 400), "no reason given", "check the link"),
    (text("", 204), "refuses the song .status 204", "later"),
    (text("<html>sign in</html>"), "song cannot be read", "sign in"),
    (text(""), "song cannot be read", "sign in"),
    (reply(None), "song cannot be read", "sign in"),
    (reply([]), "song cannot be read", "sign in"),
    (reply({}), "answer cannot be read", "sign in"),
    (reply({"name": " \u202e\0"}), "answer cannot be read", "sign in"),
    (text('{"name": ' + "[" * 50_000), "cannot be read", "sign in"),
    (Reply(200, json.dumps(A_TRACK).encode(), cut=100), "cut", "try again"),
    (Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"), "unpacked", "try again"),
    (Reply(raw=b"nonsense"), "cut the connection", "try again"),
    (redirect("https://evil.example/"), "redirects elsewhere", "sign in"),
    (redirect(PATH + "?again", 307), "redirects elsewhere", "sign in"),
    (Reply(304), "redirects elsewhere", "sign in"),
]


@pytest.fixture
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses that are short, so that the tests are."""
    monkeypatch.setattr(module, "pause", lambda exchange: None if (s := refused.pause(exchange)) is None else s / 100)


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize(("played", "said", "fix"), TOKENS)
def test_a_token_that_is_refused(place: Place, played: Reply, said: str, fix: str) -> None:
    place.play("/api/token", played)
    ours = spotify(place)
    for _ in range(2):  # a second time, too: nothing wrong was kept
        with pytest.raises(SpotifyError, match=said) as raised:
            ours.track(ID)
        assert re.search(fix, raised.value.fix), raised.value.fix
        assert_clean(raised.value)
    assert set(place.paths()) == {"/api/token"}
    place.play("/api/token", A_TOKEN)
    assert ours.track(ID).title == A_TRACK["name"]


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize(("played", "said", "fix"), CALLS)
def test_a_call_that_is_refused(place: Place, played: Reply, said: str, fix: str) -> None:
    place.play(PATH, played)
    ours = spotify(place)
    with pytest.raises(SpotifyError, match=said) as raised:
        ours.track(ID)
    assert re.search(fix, raised.value.fix), raised.value.fix
    assert_clean(raised.value)
    assert set(place.paths()) == {"/api/token", PATH}
    place.play(PATH, reply(A_TRACK))
    assert ours.track(ID).title == A_TRACK["name"]


def test_a_token_that_expired_is_renewed_once(place: Place) -> None:
    place.play(PATH, EXPIRED, reply(A_TRACK))
    place.play("/api/token", A_TOKEN, reply({"access_token": "another", "expires_in": 3600}))
    assert spotify(place).track(ID).id == ID
    assert [asked.headers["Authorization"] for asked in place.asked[1::2]] == [f"Bearer {TOKEN}", "Bearer another"]
    place.play(PATH, EXPIRED)
    before = len(place.asked)
    with pytest.raises(SpotifyError, match="rejects the token"):
        spotify(place).track(ID)
    assert place.paths()[before:] == ["/api/token", PATH] * 2


def test_a_short_pause_is_made(place: Place) -> None:
    place.play(PATH, text("", 429, Retry_After="1"), reply(A_TRACK))
    begin = time.monotonic()
    assert spotify(place).track(ID).id == ID
    assert time.monotonic() - begin >= 1


@pytest.mark.parametrize("played", [TOO_MANY_FOR_A_DAY, text("", 429, Retry_After="11"), QUOTA])
def test_a_long_pause_is_not(place: Place, played: Reply) -> None:
    place.play(PATH, played)
    begin = time.monotonic()
    with pytest.raises(SpotifyError, match=r"too often|quota"):
        spotify(place).track(ID)
    assert time.monotonic() - begin < 8
    assert place.paths().count(PATH) == 1


def test_a_pause_never_outlasts_the_call(place: Place) -> None:
    place.play(PATH, text("", 429, Retry_After="9"))
    begin = time.monotonic()
    with pytest.raises(SpotifyError, match="too often"):
        spotify(place, total=4).track(ID)
    assert time.monotonic() - begin < 8


SLOW = [
    Reply(delay=30),
    Reply(200, json.dumps(A_TRACK).encode(), drip=0.05),
    Reply(raw=b"HTTP/1.1 200 OK\r\nX-Slow: " + b"y" * 2000, drip=0.05),
    Reply(200, b"x" * 1000, (("Content-Length", "100000"),), drip=0.05),
]


@pytest.mark.parametrize("path", [PATH, "/api/token"])
@pytest.mark.parametrize("played", SLOW)
def test_what_is_slow_is_given_up(place: Place, path: str, played: Reply) -> None:
    place.play(path, played)
    begin = time.monotonic()
    with pytest.raises(SpotifyError, match="did not answer whole") as raised:
        spotify(place, timeout=0.5, total=2).track(ID)
    assert time.monotonic() - begin < 25
    assert_clean(raised.value)


def test_the_whole_is_given_up_in_time_however_many_answers_it_has(place: Place) -> None:
    place.play("/api/token", Reply(A_TOKEN.status, A_TOKEN.body, A_TOKEN.headers, delay=0.4))
    place.play(PATH, Reply(EXPIRED.status, EXPIRED.body, EXPIRED.headers, delay=0.4))
    begin = time.monotonic()
    with pytest.raises(SpotifyError, match="did not answer whole"):
        spotify(place, timeout=5, total=1).track(ID)
    assert time.monotonic() - begin < 15


def test_a_spotipy_that_sleeps_is_given_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it does by itself at 429, for as long as Spotify says."""
    import spotipy

    monkeypatch.setattr(spotipy.Spotify, "_internal_call", lambda *args: time.sleep(20))
    begin = time.monotonic()
    with pytest.raises(SpotifyError, match="did not answer whole"):
        spotify(place, timeout=0.3, total=0.5).track(ID)
    assert time.monotonic() - begin < 15


def test_the_times_that_are_set_end_within_half_a_minute() -> None:
    import inspect

    given = inspect.signature(Spotify.__init__).parameters
    assert given["total"].default <= 30 and given["timeout"].default < given["total"].default


def test_a_huge_answer_is_not_read(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BODY", 100_000)
    place.play(PATH, Reply(200, b" " * 100_001, (("Content-Type", "application/json"),)))
    with pytest.raises(SpotifyError, match="over 100 kB"):
        spotify(place).track(ID)


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, never listening
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SpotifyError, match="cannot be reached"):
            Spotify(Credentials(CLIENT, SECRET), base=url + "/v1/", token_url=url + "/api/token").track(ID)


def test_without_spotipy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SpotifyError, match="spotipy is not installed"):
        Spotify(Credentials(CLIENT, SECRET))


def test_a_spotipy_that_cannot_be_loaded(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed without what it needs."""
    monkeypatch.setitem(sys.modules, "spotipy.oauth2", None)
    with pytest.raises(SpotifyError, match=r"cannot be loaded .spotipy.oauth2") as raised:
        spotify(place).track(ID)
    assert "doctor" in raised.value.fix


@pytest.mark.parametrize("base", ["http://api.spotify.com/v1/", "ftp://127.0.0.2/", "http://127.0.0.1.evil.example/"])
def test_credentials_are_not_sent_in_the_open(base: str) -> None:
    with pytest.raises(ValueError, match="https"):
        Spotify(Credentials(CLIENT, SECRET), base=base)
    with pytest.raises(ValueError, match="https"):
        Spotify(Credentials(CLIENT, SECRET), token_url=base)


@pytest.mark.parametrize("wrong", ["", "abc", ID + "x", ID[:-1] + "/", "../../../api/token", f"{ID}\n", "é" * 22])
def test_what_is_no_id_is_not_asked_for(place: Place, wrong: str) -> None:
    ours = spotify(place)
    for call in (ours.track, ours.album_tracks, ours.analysis):
        with pytest.raises(SpotifyError, match="22 letters"):
            call(wrong)  # type: ignore[operator]
    assert not place.asked


# Albums


def album(place: Place, count: int, *, largest: int = 50) -> None:
    """An album's pages; a page larger than ``largest`` is refused."""
    place.play(f"/v1/albums/{ALBUM_ID}", reply({**A_TRACK["album"], "tracks": {}}))
    path = f"{place.url.removeprefix('http://')}/v1/albums/{ALBUM_ID}/tracks"
    for size in (10, 50):
        for offset in range(0, count, size):
            items = [album_song(n + 1) for n in range(offset, min(offset + size, count))]
            more = f"https://evil.example/?offset={offset}" if offset + size < count else None
            page = reply({"items": items, "next": more, "total": count})
            place.play(f"{path}?limit={size}&offset={offset}", page if size <= largest else INVALID_LIMIT)


@pytest.mark.parametrize("largest", [50, 10])
def test_an_albums_songs_in_its_order(place: Place, largest: int) -> None:
    """In pages of 50, or of 10 where the app may have no more; where a page says the next is, is not asked."""
    album(place, 63, largest=largest)
    songs = spotify(place).album_tracks(ALBUM_ID)
    assert [song.title for song in songs] == [f"Song {n}" for n in range(1, 64)]
    assert songs[2] == SpotifyTrack(
        id=f"{3:022d}", title="Song 3", artists=("Rick Astley",), album="Whenever You Need Somebody", date="1987-11-12",
        duration=3.0, isrc="", explicit=True, cover_url=COVER, url=f"https://open.spotify.com/track/{3:022d}",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("played", "said"),
    [(UNKNOWN, "this album"), (FORBIDDEN, "the album"), (reply({"items": {}}), "cannot be read"), (reply([]), "read")],
)
def test_an_album_that_is_none(place: Place, played: Reply, said: str) -> None:
    album(place, 3)
    place.play(f"{place.url.removeprefix('http://')}/v1/albums/{ALBUM_ID}/tracks?limit=50&offset=0", played)
    with pytest.raises(SpotifyError, match=said):
        spotify(place).album_tracks(ALBUM_ID)


def test_what_cannot_be_linked_is_left_out(place: Place) -> None:
    album(place, 1)
    page = reply({"items": [{}, None, {"id": "x", "name": "y"}, {**album_song(7), "name": ""}, album_song(8)]})
    place.play(f"/v1/albums/{ALBUM_ID}/tracks", page)
    place.play(f"{place.url.removeprefix('http://')}/v1/albums/{ALBUM_ID}/tracks?limit=50&offset=0", page)
    assert [song.title for song in spotify(place).album_tracks(ALBUM_ID)] == ["Song 8"]


# Audio analysis


def test_an_analysis_where_the_app_still_has_it(place: Place) -> None:
    said = {"track": {"tempo": 113.3}, "beats": [{"start": 0.1, "duration": 0.5, "confidence": 0.9}], "segments": []}
    place.play(f"/v1/audio-analysis/{ID}", reply(said))
    assert spotify(place).analysis(ID) == said


@pytest.mark.usefixtures("_soon")
@pytest.mark.parametrize(
    "played", [FORBIDDEN, UNKNOWN, NO_PREMIUM, TOO_MANY_FOR_A_DAY, QUOTA, text("", 410), text("", 500)]
)
def test_an_analysis_that_this_app_does_not_get(place: Place, played: Reply) -> None:
    place.play(f"/v1/audio-analysis/{ID}", played)
    assert spotify(place).analysis(ID) is None


@pytest.mark.parametrize(
    ("played", "said"),
    [(reply({}), "analysis cannot"), (reply([]), "analysis cannot"), (EXPIRED, "rejects the token"),
     (reply({"beats": 1, "track": {}}), "cannot"), (redirect("/x"), "redirects"), (text("x"), "cannot be read")],
)  # fmt: skip
def test_an_analysis_that_fails(place: Place, played: Reply, said: str) -> None:
    place.play(f"/v1/audio-analysis/{ID}", played)
    with pytest.raises(SpotifyError, match=said):
        spotify(place).analysis(ID)


# Covers


def images(*sides: object) -> list[dict[str, object]]:
    return [{"url": f"https://i.scdn.co/image/{i}", "width": side, "height": side} for i, side in enumerate(sides)]


@pytest.mark.parametrize(
    ("found", "chosen"),
    [
        (images(64, 640, 300), 1),
        (images(2000, 1000, 640), 1),
        (images(3000, 1001), 1),
        (images(None, 300), 1),
        (images(2000, None), 1),
        (images(None, "640"), 0),
        (images(-5, 10), 1),
        (images(float("nan"), 300), 1),
        ([{"url": "https://evil.example/1", "width": 640, "height": 640}, *images(64)], 0),
        ([3, None, {}, {"url": 3}, *images(64)], 0),
    ],
)
def test_the_largest_cover_within_a_thousand_pixels(place: Place, found: list[Any], chosen: int) -> None:
    place.play(PATH, reply({**A_TRACK, "album": {**A_TRACK["album"], "images": found}}))
    assert spotify(place).track(ID).cover_url == f"https://i.scdn.co/image/{chosen}"


@pytest.mark.parametrize("found", [None, [], {}, "x", [{"url": "http://i.scdn.co/1"}], [{"url": "https://evil.example"}]])
def test_no_cover(place: Place, tmp_path: Path, found: object) -> None:
    place.play(PATH, reply({**A_TRACK, "album": {"images": found}}))
    ours = spotify(place)
    track = ours.track(ID)
    assert track.cover_url == ""
    with pytest.raises(SpotifyError, match="no cover"):
        ours.cover(track, tmp_path / "cover.png")


def test_a_cover_without_credentials_in_the_request(place: Place, tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (640, 640), (9, 99, 199)).save(file, "JPEG")
    place.play("i.scdn.co/image/" + COVER.rpartition("/")[2], Reply(200, file.getvalue()))
    ours = spotify(place)
    ours.cover(ours.track(ID), tmp_path / "cover.png")
    with Image.open(tmp_path / "cover.png") as image:
        assert (image.format, image.size) == ("PNG", (640, 640))
    assert "Authorization" not in place.asked[-1].headers
    place.play("i.scdn.co/image/" + COVER.rpartition("/")[2], text("<html>"))
    with pytest.raises(CoverError):
        ours.cover(ours.track(ID), tmp_path / "other.png")
    assert not (tmp_path / "other.png").exists()


# Found text


def test_found_text_is_cleaned(place: Place) -> None:
    hostile = "A\x1b[31m\u202eevil\u2066\nline\0" + "x" * 999
    said = {**A_TRACK, "name": hostile, "artists": [{"name": hostile}], "id": "../../etc",
            "album": {"name": hostile, "release_date": "now"}, "external_ids": {"isrc": "'; DROP"},
            "external_urls": {"spotify": "javascript:1"}, "duration_ms": 1e400}  # fmt: skip
    place.play(PATH, Reply(200, json.dumps(said).encode()))
    track = spotify(place).track(ID)
    for field in (track.title, *track.artists, track.album):
        assert field.startswith("A [31mevil line x") and field.isprintable() and len(field) <= 200
    assert (track.id, track.date, track.isrc, track.duration) == (ID, "", "", 0.0)
    assert track.url == f"https://open.spotify.com/track/{ID}"


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(COVER),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*A_TRACK, "images", "url", "width", "isrc", "release_date"]), inner, max_size=6),
    max_leaves=12,
)


@given(base=st.booleans(), value=ANY, key=st.sampled_from([*A_TRACK]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_is_a_song_or_an_error(place: Place, base: bool, value: object, key: str) -> None:
    place.play(PATH, reply({**A_TRACK, key: value} if base else value))
    with contextlib.suppress(SpotifyError):
        track = spotify(place).track(ID)
        fields = (track.title, *track.artists, track.album, track.date, track.isrc, track.url, track.id)
        assert track.title and all(isinstance(field, str) and field.isprintable() for field in fields)
        assert track.duration >= 0 and isinstance(track.explicit, bool)
        assert not track.cover_url or host_of(track.cover_url, COVER_HOSTS)


# Secrets


def secrets_in(words: str) -> list[str]:
    return [kept for kept in (SECRET, CLIENT, TOKEN, BASIC) if kept in words]


def assert_clean(error: BaseException | None) -> None:
    """An error and its traceback, with our variables as some show them, hold no secret; nothing is chained to it."""
    seen = 0
    while error is not None:
        words = [str(error), repr(error), repr(error.args), repr(vars(error)), *traceback.format_exception(error)]
        frames = traceback.TracebackException.from_exception(error, capture_locals=True).stack
        words += [repr(frame.locals) for frame in frames if "lib_music" in frame.filename]
        assert not secrets_in("\n".join(words))
        assert type(error).__module__.startswith("lib_music"), "an error of a library may hold the request"
        error, seen = error.__cause__ or error.__context__, seen + 1
    assert seen == 1


@pytest.fixture
def everything_logged() -> Iterator[io.StringIO]:
    """All that any logger says, each at DEBUG, as a host with --loglevel DEBUG has it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    names = ["", "spotipy", "spotipy.client", "spotipy.oauth2", "urllib3", "urllib3.connectionpool", "requests"]
    before = {name: logging.getLogger(name).level for name in names}
    logging.getLogger().addHandler(handler)
    for name in names:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield written
    logging.getLogger().removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("_soon")
def test_no_log_at_any_level_holds_a_secret(
    place: Place, everything_logged: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("spotipy.client").debug("somebody else's line")
    album(place, 3)
    leaking = refusal(400, f"your secret {SECRET} of {CLIENT} and {BASIC} with Bearer {TOKEN}")
    broken = (text("x"), redirect("/x"), Reply(raw=b"x"))
    for played in (reply(A_TRACK), EXPIRED, NO_PREMIUM, QUOTA, TOO_MANY, leaking, *broken):
        place.play(PATH, played)
        with contextlib.suppress(SpotifyError):
            spotify(place).track(ID)
    for played, _, _ in TOKENS:
        place.play("/api/token", played)
        with contextlib.suppress(SpotifyError):
            spotify(place).album_tracks(ALBUM_ID)
    logging.getLogger("spotipy.client").debug("somebody else's last line")
    said = everything_logged.getvalue()
    assert "somebody else's line" in said and "somebody else's last line" in said
    captured = capfd.readouterr()
    assert not secrets_in(said + captured.out + captured.err)


def test_an_answer_that_repeats_the_secret_is_not_shown(place: Place) -> None:
    place.play(PATH, refusal(400, f"bad {SECRET}"))
    with pytest.raises(SpotifyError, match="bad …"):
        spotify(place).track(ID)
    place.play("/api/token", text(f"id {CLIENT} and {SECRET}", 403))
    with pytest.raises(SpotifyError, match="id … and …"):
        spotify(place).track(ID)


def test_spotify_does_not_show_its_credentials(place: Place) -> None:
    ours = spotify(place)
    ours.track(ID)
    assert not secrets_in(f"{ours!r} {ours} {vars(ours)!r}")
    for attempt in (lambda: pickle.dumps(ours), lambda: json.dumps(ours), lambda: copy.deepcopy(ours)):
        with pytest.raises(TypeError):
            attempt()


def test_calls_at_once(place: Place) -> None:
    """The page asks from several threads."""
    ours, found = spotify(place), []
    threads = [threading.Thread(target=lambda: found.append(ours.track(ID).title)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == [A_TRACK["name"]] * 8


def test_when_to_come_back() -> None:
    for seconds, said in ((0, "1 min"), (59, "1 min"), (3600, "1 h 0 min"), (82_000, "22 h 47 min")):
        assert re.fullmatch(rf"(tomorrow )?at \d\d:\d\d \(in {said}\)", refused._when(seconds))
    assert re.fullmatch(r"on \d{4}-\d\d-\d\d at \d\d:\d\d", refused._when(31_536_000))
