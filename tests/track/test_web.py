"""Who may be asked, for how long, and how much of the answer is read: over a server of our own."""

from __future__ import annotations

import gzip
import http.cookiejar
import io
import os
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from lib_music.errors import CoverError, SpotifyError
from lib_music.track.web import (
    COVER_HOSTS,
    MAX_COVER,
    MAX_HOPS,
    Web,
    WebError,
    bounded,
    download_cover,
    host_of,
    read_body,
    redirected,
)
from tests.track.spotify_server import COVER, Place, Reply, redirect, spotify_server, text

HOST = "open.spotify.com"
URL = f"https://{HOST}/thing"


@pytest.fixture
def place() -> Iterator[Place]:
    with spotify_server() as place:
        yield place


def web(place: Place, timeout: float = 20.0) -> Web:
    hosts = (HOST, "i.scdn.co", "image-cdn-ak.spotifycdn.com", "evil.example")
    return Web(timeout=timeout, routes=dict.fromkeys(hosts, place.url))


@pytest.mark.parametrize(
    ("url", "hosts", "host"),
    [
        ("https://open.spotify.com", (HOST,), HOST),
        ("https://open.spotify.com/a?b=c#d", (HOST,), HOST),
        ("HTTPS://OPEN.spotify.com/a", (HOST,), HOST),
        ("https://open.spotify.com?x", (HOST,), HOST),
        ("https://i.scdn.co/image/1", COVER_HOSTS, "i.scdn.co"),
        ("https://image-cdn-fa.spotifycdn.com/image/1", COVER_HOSTS, "image-cdn-fa.spotifycdn.com"),
        ("https://a.b.spotifycdn.com/", COVER_HOSTS, "a.b.spotifycdn.com"),
        ("https://spotifycdn.com/", COVER_HOSTS, ""),
        ("https://evilspotifycdn.com/", COVER_HOSTS, ""),
        ("https://.spotifycdn.com/", COVER_HOSTS, ""),
        ("https://a..spotifycdn.com/", COVER_HOSTS, ""),
        ("https://-.spotifycdn.com/", COVER_HOSTS, ""),
        ("https://a.spotifycdn.com.evil.example/", COVER_HOSTS, ""),
        ("https://xi.scdn.co/", COVER_HOSTS, ""),
        ("http://open.spotify.com/", (HOST,), ""),
        ("https://open.spotify.com./", (HOST,), ""),
        ("https://open.spotify.com:443/", (HOST,), ""),
        ("https://a@open.spotify.com/", (HOST,), ""),
        ("https://open.spotify.com@evil.example/", (HOST,), ""),
        ("https://open.spotify.com\\@evil.example/", (HOST,), ""),
        ("https://open.spotify.com/\\..\\x", (HOST,), ""),
        ("https://evil.example/#https://open.spotify.com/", (HOST,), ""),
        ("https://evil.example?open.spotify.com", (HOST,), ""),
        ("https://open.spotify.com/a b", (HOST,), ""),
        ("https://open.spotify.com/\r\nHost: x", (HOST,), ""),
        (" https://open.spotify.com/", (HOST,), ""),
        ("https://оpen.spotify.com/", (HOST,), ""),
        ("https://open。spotify。com/", (HOST,), ""),
        ("https:/open.spotify.com/", (HOST,), ""),
        ("https:///open.spotify.com/", (HOST,), ""),
        ("//open.spotify.com/", (HOST,), ""),
        ("", (HOST,), ""),
    ],
)
def test_only_the_hosts_that_are_named(url: str, hosts: tuple[str, ...], host: str) -> None:
    assert host_of(url, hosts) == host


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=500, deadline=None)
@example("https://[", "//[")
@example("", "https://open.spotify.com/x")
def test_whatever_a_redirect_says_urllib_and_we_agree_on_its_host(base: str, location: str) -> None:
    from urllib.parse import urlsplit

    for url in (redirected(URL, location), redirected(URL, f"//{base}{location}"), f"https://{base}{HOST}{location}"):
        if host_of(url, (HOST,)):
            parts = urlsplit(url)
            assert (parts.scheme, parts.hostname, parts.port, parts.username) == ("https", HOST, None, None)


def test_what_is_sent(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("default login me password planted-netrc-secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    place.play("/thing", text("hello", Set_Cookie="id=1; Path=/"))
    ours = web(place)
    for _ in range(2):
        assert ours.get(URL + "?a=b#c", hosts=(HOST,), limit=100).body == b"hello"
    for asked in place.asked:
        assert (asked.method, asked.host, asked.path, asked.query) == ("GET", HOST, "/thing", "a=b")
        assert not {"Cookie", "Authorization", "Referer"} & set(asked.headers)
        assert asked.headers["User-Agent"].startswith("music-visualizer/")
        assert asked.headers["Accept-Encoding"] == "identity"


def test_nobody_else_is_asked(place: Place) -> None:
    for url in ("https://evil.example/", "http://open.spotify.com/", f"{place.url}/thing", "file:///etc/passwd"):
        with pytest.raises(WebError, match="not asked"):
            web(place).get(url, hosts=(HOST,), limit=100)
    assert not place.asked


def test_redirects_are_checked_each(place: Place) -> None:
    place.play("/thing", redirect("/there"))
    place.play("/there", redirect(f"https://{HOST}/end"))
    place.play("/end", text("the end"))
    assert web(place).follow(URL, hosts=(HOST,), limit=100).body == b"the end"
    place.play("/there", redirect("https://evil.example/end"))
    asked = len(place.asked)
    with pytest.raises(WebError, match="not followed"):
        web(place).follow(URL, hosts=(HOST,), limit=100)
    assert len(place.asked) == asked + 2
    place.play("/thing", redirect("/thing"))
    with pytest.raises(WebError, match="redirects over"):
        web(place).follow(URL, hosts=(HOST,), limit=100)
    assert len(place.asked) == asked + 2 + MAX_HOPS + 1


def test_redirects_share_the_time(place: Place) -> None:
    place.play("/thing", Reply(302, b"", (("Location", "/thing"),), delay=0.3))
    begin = time.monotonic()
    with pytest.raises(WebError, match="did not answer whole"):
        web(place, 0.5).follow(URL, hosts=(HOST,), limit=100)
    assert time.monotonic() - begin < 15


BIG = 200_000
PACKED = (("Content-Encoding", "gzip"),)


@pytest.mark.parametrize(
    ("played", "said"),
    [
        (Reply(200, b"x" * (BIG + 1)), "over 200 kB"),
        (Reply(200, b"x" * (BIG + 1), (("Content-Length", "10000000000"),)), "over 200 kB"),
        (Reply(200, gzip.compress(b"\0" * 50_000_000), PACKED), "over 200 kB"),
        (Reply(200, gzip.compress(b"x" * 1000)[:-9], PACKED), "cut short"),
        (Reply(200, b"no gzip", PACKED), "cannot be unpacked"),
        (Reply(200, b"x", (("Content-Encoding", "br"),)), "packed as 'br'"),
        (Reply(200, b"x" * 1000, cut=10), "cut"),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), "cut"),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello"), "cut"),
        (Reply(raw=b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500), "cut"),
        (Reply(raw=b"garbage"), "cut"),
        (Reply(raw=b"\n"), "cut"),
    ],
)
def test_answers_that_cannot_be_read(place: Place, played: Reply, said: str) -> None:
    place.play("/thing", played)
    with pytest.raises(WebError, match=said) as raised:
        web(place).get(URL, hosts=(HOST,), limit=BIG)
    assert HOST in raised.value.message and raised.value.fix
    assert raised.value.__cause__ is None and raised.value.__context__ is None


def test_what_unpacks_to_gigabytes_is_never_held(place: Place) -> None:
    place.play("/thing", Reply(200, gzip.compress(b"\0" * 60_000_000), PACKED))
    with pytest.raises(WebError):  # everything is imported now
        web(place).get(URL, hosts=(HOST,), limit=BIG)
    tracemalloc.start()
    try:
        with pytest.raises(WebError, match="over 200 kB"):
            web(place).get(URL, hosts=(HOST,), limit=BIG)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_cut_answer_is_seen_where_urllib3_does_not_look() -> None:
    """Up to 1.26 it gives what came as if it were all."""
    raw = SimpleNamespace(stream=lambda *args, **more: iter([b"hello"]))
    came = SimpleNamespace(headers={"content-length": "10"}, raw=raw)
    with pytest.raises(WebError, match="cut short"):
        read_body(came, BIG, time.monotonic() + 5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (gzip.compress(b"hello", mtime=0), PACKED),
        (zlib.compress(b"hello"), (("Content-Encoding", "deflate"),)),
        (b"hello", (("Content-Encoding", "identity"),)),
    ],
)
def test_a_packed_answer_is_read_all_the_same(place: Place, body: bytes, headers: tuple[tuple[str, str], ...]) -> None:
    place.play("/thing", Reply(200, body, headers))
    assert web(place).get(URL, hosts=(HOST,), limit=100).body == b"hello"


@pytest.mark.parametrize(
    "played",
    [
        Reply(delay=20),
        Reply(200, b"x" * 1000, drip=0.05),
        Reply(raw=b"HTTP/1.1 200 OK\r\nX-Slow: " + b"y" * 1000, drip=0.05),
        Reply(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 500, drip=0.02),
    ],
)
def test_a_slow_answer_is_given_up_in_time(place: Place, played: Reply) -> None:
    place.play("/thing", played)
    begin = time.monotonic()
    with pytest.raises(WebError, match="did not answer whole within"):
        web(place, 0.5).get(URL, hosts=(HOST,), limit=BIG)
    assert time.monotonic() - begin < 15


def test_names_that_do_not_resolve_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver knows no timeout; it hangs for as long as it likes."""
    import socket

    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: time.sleep(20))
    begin = time.monotonic()
    with pytest.raises(WebError, match="did not answer whole"):
        Web(timeout=0.3).get(URL, hosts=(HOST,), limit=BIG)
    assert time.monotonic() - begin < 15


def test_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def fails(*args: object, **more: object) -> None:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(WebError, match="cannot be found"):
        Web().get(URL, hosts=(HOST,), limit=BIG)


def test_a_certificate_of_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    import requests

    def fails(*args: object, **more: object) -> None:
        raise requests.exceptions.SSLError("certificate verify failed: https://user:planted@proxy")

    monkeypatch.setattr(requests.Session, "get", fails)
    with pytest.raises(WebError, match="certificate") as raised:
        Web().get(URL, hosts=(HOST,), limit=BIG)
    assert "planted" not in str(raised.value)


def test_a_proxy_that_refuses_is_not_named_with_its_password(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", place.url.replace("http://", "http://me:planted@"))
    monkeypatch.setenv("https_proxy", place.url.replace("http://", "http://me:planted@"))
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(WebError, match="proxy") as raised:
        Web().get(URL, hosts=(HOST,), limit=BIG)
    assert "planted" not in str(raised.value)


def test_bounded_gives_back_what_comes() -> None:
    assert bounded(lambda: 3, 5) == 3
    with pytest.raises(ZeroDivisionError):
        bounded(lambda: 1 // 0, 5)
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        bounded(lambda: time.sleep(20), 0.05)
    assert time.monotonic() - begin < 15


# Covers


def picture(side: int = 64, kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), (200, 30, 40)).save(file, kind)
    return file.getvalue()


def test_a_cover_is_checked_and_prepared(place: Place, tmp_path: Path) -> None:
    place.play(COVER.removeprefix("https://"), Reply(200, picture(), (("Content-Type", "image/jpeg"),)))
    download_cover(COVER, tmp_path / "new" / "cover.png", web(place))
    with Image.open(tmp_path / "new" / "cover.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", (64, 64))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["cover.png"]


@pytest.mark.parametrize(
    ("played", "error", "said"),
    [
        (Reply(200, b"<html>sign in</html>"), CoverError, "Spotify's cover"),
        (Reply(200, b'<svg onload="x"/>'), CoverError, "Spotify's cover"),
        (Reply(200, b""), CoverError, "Spotify's cover"),
        (Reply(200, picture()[:-60]), CoverError, "damaged"),
        (Reply(200, picture(), cut=100), SpotifyError, "cut"),
        (Reply(200, b"\xff\xd8" + b"x" * MAX_COVER), SpotifyError, "over 20 MB"),
        (Reply(404), SpotifyError, "status 404"),
        (redirect("https://evil.example/cover.jpg"), SpotifyError, "not followed"),
        (redirect("http://i.scdn.co/image/1"), SpotifyError, "not followed"),
    ],
)
def test_a_cover_that_is_none(place: Place, tmp_path: Path, played: Reply, error: type[Exception], said: str) -> None:
    place.play("i.scdn.co/image/" + COVER.rpartition("/")[2], played)
    with pytest.raises(error, match=said):
        download_cover(COVER, tmp_path / "cover.png", web(place))
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("url", ["https://evil.example/c.jpg", "http://i.scdn.co/c.jpg", "file:///etc/passwd", ""])
def test_a_cover_from_elsewhere_is_not_fetched(place: Place, tmp_path: Path, url: str) -> None:
    with pytest.raises(SpotifyError, match="not fetched"):
        download_cover(url, tmp_path / "cover.png", web(place))
    assert not place.asked


def test_importing_the_card_imports_no_network() -> None:
    code = (
        "import sys, lib_music.track.link, lib_music.track.web, lib_music.track.spotify, lib_music.track.oembed\n"
        "import lib_music.credentials\n"
        "print(sorted({'requests', 'urllib3', 'spotipy', 'redis', 'platformdirs'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ})
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_cookies_are_not_kept() -> None:
    import requests

    from lib_music.track.web import tame

    with requests.Session() as session:
        tame(session)
        policy = session.cookies.get_policy()
        assert isinstance(policy, http.cookiejar.DefaultCookiePolicy)
        assert policy.allowed_domains() == ()
