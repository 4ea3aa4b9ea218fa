"""Every form of a Spotify link, each kind's own message, and short links over a server of our own."""

from __future__ import annotations

import socket
import string
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lib_music.errors import LinkError
from lib_music.track import link as module
from lib_music.track.link import MAX_HOPS, SHORT_HOSTS, Link, is_link, only_song, parse_link, resolve_short
from lib_music.track.web import Web
from tests.track.spotify_server import ALBUM_ID, ID, Place, Reply, redirect, spotify_server, text

SONG = Link("track", ID, f"https://open.spotify.com/track/{ID}")
IFRAME = (
    '<iframe data-testid="embed-iframe" style="border-radius:12px" src="https://open.spotify.com/embed/track/{}?'
    'utm_source=generator&amp;theme=0" width="100%" height="352" frameBorder="0" allowfullscreen="" '
    'allow="autoplay; clipboard-write; encrypted-media; fullscreen; picture-in-picture" loading="lazy"></iframe>'
)
FORMS = [
    "{}",
    "spotify:track:{}",
    "SPOTIFY:track:{}?si=abc",
    "spotify://track/{}",
    "https://open.spotify.com/track/{}",
    "http://open.spotify.com/track/{}",
    "HTTPS://Open.Spotify.COM/track/{}",
    "//open.spotify.com/track/{}",
    "open.spotify.com/track/{}",
    "https://open.spotify.com/track/{}/",
    "https://open.spotify.com/track/{}?si=5c9f1b7d4a0e4b&utm_source=copy-link",
    "https://open.spotify.com/track/{}/?si=1#fragment",
    "https://open.spotify.com/track/{}#t=1:02",
    "https://open.spotify.com/intl-de/track/{}",
    "https://open.spotify.com/intl-zh-hant/track/{}?si=1",
    "https://open.spotify.com/intl-pt-BR/track/{}",
    "https://open.spotify.com/embed/track/{}",
    "https://open.spotify.com/intl-fr/embed/track/{}?theme=0",
    "https://open.spotify.com/embed-podcast/track/{}",
    "https://play.spotify.com/track/{}",
    "https://embed.spotify.com/?uri=spotify:track:{}",
    "https://embed.spotify.com/?uri=spotify%3Atrack%3A{}&theme=white",
    "https://open.spotify.com/embed?uri=spotify%3Atrack%3A{}",
    "https://open.spotify.com/oembed?url=https%3A%2F%2Fopen.spotify.com%2Ftrack%2F{}",
    "https://spotify.app.link/?product=open&%24full_url=https%3A%2F%2Fopen.spotify.com%2Ftrack%2F{}%3Fsi%3D1",
    IFRAME,
    "<iframe src='https://open.spotify.com/embed/track/{}'>",
    "<iframe\n  width=100\n  src=https://open.spotify.com/embed/track/{}>",
    '<div class="song">\n' + IFRAME + "\n</div>",
]
AROUND = ["{}", "  {}\n", "\t{}\r\n", "<{}>", " < {} > ", '"{}"', "'{}'", "“{}”", "`{}`",
          "\ufeff{}\u200b", "\xa0{}\u2003"]  # fmt: skip
IDS = st.text(string.ascii_letters + string.digits, min_size=22, max_size=22)


@given(id=IDS, form=st.sampled_from(FORMS), around=st.sampled_from(AROUND))
@settings(max_examples=400, deadline=None)
def test_any_id_in_any_form_is_the_same_song(id: str, form: str, around: str) -> None:
    song = around.replace("{}", form.replace("{}", id))
    assert only_song(parse_link(song)) == Link("track", id, f"https://open.spotify.com/track/{id}")


def test_every_form_with_everything_around_it() -> None:
    for form in FORMS:
        for around in AROUND:
            assert parse_link(around.replace("{}", form.replace("{}", ID))) == SONG, (form, around)


@given(id=IDS, kind=st.sampled_from(["album", "playlist", "episode", "show", "artist", "audiobook", "prerelease"]))
@settings(max_examples=60, deadline=None)
def test_other_kinds_keep_what_they_are(id: str, kind: str) -> None:
    for form in FORMS[1:]:
        found = parse_link(form.replace("{}", id).replace("track", kind))
        assert found == Link(kind, id, f"https://open.spotify.com/{kind}/{id}")
    with pytest.raises(LinkError) as raised:
        only_song(found)
    assert raised.value.fix


@pytest.mark.parametrize(
    ("pasted", "kind", "said"),
    [
        (f"spotify:album:{ID}", "album", "an album"),
        (f"https://open.spotify.com/album/{ID}?si=1", "album", "an album"),
        (f"https://open.spotify.com/playlist/{ID}", "playlist", "a playlist"),
        (f"https://open.spotify.com/user/somebody/playlist/{ID}", "playlist", "a playlist"),
        (f"spotify:user:somebody:playlist:{ID}", "playlist", "a playlist"),
        (f"https://open.spotify.com/embed-podcast/episode/{ID}", "episode", "a podcast's episode"),
        (f"spotify:show:{ID}", "show", "a podcast"),
        (f"https://open.spotify.com/intl-de/artist/{ID}", "artist", "an artist"),
        (f"https://open.spotify.com/audiobook/{ID}", "audiobook", "an audiobook"),
        (f"https://open.spotify.com/prerelease/{ID}", "prerelease", "an album to come"),
        ("https://open.spotify.com/collection/tracks", "collection", "liked songs"),
        ("spotify:user:somebody:collection", "collection", "liked songs"),
        ("spotify:local:An+Artist:An+Album:A+Song:215", "local", "own disk"),
        ("https://open.spotify.com/local/An%20Artist/An%20Album/A%20Song/215", "local", "own disk"),
        ("https://spotify.link/hRkBrwub9xb", "short", "short"),
        ("spotify.app.link/hRkBrwub9xb?_p=c11", "short", "short"),
        ("http://open.spotify.com/s/AbC_d-9", "short", "short"),
    ],
)
def test_what_is_no_song_says_what_it_is(pasted: str, kind: str, said: str) -> None:
    found = parse_link(f" <{pasted}> ")
    assert found.kind == kind
    with pytest.raises(LinkError, match=said):
        only_song(found)


def test_short_links_are_asked_over_https_alone() -> None:
    assert parse_link("http://spotify.link/Abc?x=1#y").url == "https://spotify.link/Abc"
    assert parse_link("http://open.spotify.com/s/Abc/").url == "https://open.spotify.com/s/Abc"


@pytest.mark.parametrize(
    ("pasted", "said"),
    [
        ("", "empty"),
        ("   \n", "empty"),
        ("hello", "not a link"),
        ("My Song.mp3", "not a link"),
        (ID[:-1], "not a link"),
        (ID + "a", "not a link"),
        (f"https://open.spotify.com/track/{ID[:-1]}", "21 signs, not 22"),
        (f"https://open.spotify.com/track/{ID}x", "23 signs, not 22"),
        (f"spotify:track:{ID[:-1]}-", "not 22 letters and digits"),
        (f"https://open.spotify.com/track/{ID[:-1]}é", "not 22 letters and digits"),
        (f"https://open.spotify.com/track/{ID}/more", "goes on after"),
        ("https://open.spotify.com/track/", "ends before"),
        ("https://open.spotify.com/", "to no song"),
        ("https://open.spotify.com/user/somebody", "a person"),
        ("https://open.spotify.com/search/rick", "to no song"),
        ("https://open.spotify.com/playlist/short", "a playlist"),
        ("spotify:", "to no song"),
        ("https://link.tospotify.com/abc", "no longer lead"),
        (f"https://openXspotify.com/track/{ID}", "not to open.spotify.com"),
        (f"https://open.spotify.com.evil.example/track/{ID}", "not to open.spotify.com"),
        (f"https://open.spotify.com./track/{ID}", "not to open.spotify.com"),
        (f"https://evil.example/open.spotify.com/track/{ID}", "not to open.spotify.com"),
        (f"https://open.spotify.com@evil.example/track/{ID}", "user name"),
        (f"https://evil.example@open.spotify.com/track/{ID}", "user name"),
        (f"https://user:pass@open.spotify.com/track/{ID}", "user name"),
        (f"https://open.spotify.com:8443/track/{ID}", "port"),
        (f"https://127.0.0.1/track/{ID}", "not to open.spotify.com"),
        (f"https://[::1]/track/{ID}", "port"),
        (f"https://2130706433/track/{ID}", "not to open.spotify.com"),
        (f"https://оpen.spotify.com/track/{ID}", "not to open.spotify.com"),
        (f"https://open.spotify.com\\@evil.example/track/{ID}", "not a link"),
        (f"https:\\\\open.spotify.com\\track\\{ID}", "not a link"),
        (f"https://open.spotify.com/\ttrack/{ID}", "not a link"),
        (f"https://open.spotify.com/track/{ID} and more", "not a link"),
        (f"file://open.spotify.com/track/{ID}", "file: is not"),
        (f"javascript://open.spotify.com/track/{ID}", "javascript: is not"),
        ("https://spotify.link/", "no code"),
        ("https://spotify.link/../etc/passwd", "no code"),
        ("https://youtu.be/dQw4w9WgXcQ", "not to open.spotify.com"),
        ("<iframe width=3></iframe>", "not a link"),
        ("x" * 20_000, "not a link"),
        (f"embed.spotify.com/?uri=https%3A%2F%2Fembed.spotify.com%2F%3Furi%3Dspotify%3Atrack%3A{ID}", "no song"),
    ],
)
def test_what_is_none_says_why(pasted: str, said: str) -> None:
    with pytest.raises(LinkError, match=said) as raised:
        parse_link(pasted)
    assert raised.value.fix
    assert raised.value.message.isprintable()


def test_a_secret_pasted_into_the_wrong_field_is_not_repeated() -> None:
    secret = "0123456789abcdef0123456789abcdef"
    for pasted in (secret, f"https://me:{secret}@open.spotify.com/track/{ID}"):
        with pytest.raises(LinkError) as raised:
            parse_link(pasted)
        assert secret not in str(raised.value)


def test_what_is_meant_as_a_link() -> None:
    for form in FORMS[1:]:
        assert is_link(form.replace("{}", ID)), form
    assert is_link("https://example.org/song.mp3") and is_link("spotify.link/abc")
    for name in ("song.mp3", "/music/song.mp3", "./open.spotify.com song.mp3", "C:\\Music\\song.mp3", ID, "", "track"):
        assert not is_link(name), name


WORDS = [
    *("https://", "http:", "//", "spotify:", "track", "album", ":", "/", "?", "#", "@", "\\", "%", "<", ">", "[", "]"),
    *("open.spotify.com", "spotify.link", "spotify.app.link", "intl-de", "embed", "user", "playlist", "uri=", "url="),
    *("oembed", "$full_url=", "%24full_url=", "<iframe src=", '"', "local", "s", "collection", "&", "=", "\0"),
    *("\u202e", "..", "é", "&#x3A;", "127.0.0.1", ID),
]
PIECES = st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=5)), max_size=12).map("".join)


@given(PIECES)
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example("https://[")
@example("//[::1")
@example("https://open.spotify.com/?uri=%")
@example("\ud800")
def test_any_text_is_a_link_or_a_link_error(pasted: str) -> None:
    try:
        found = parse_link(pasted)
    except LinkError as error:
        assert str(error).isprintable()
        return
    is_link(pasted)
    assert found.url == "" if found.kind == "local" else any(found.url.startswith(f"https://{h}/") for h in SHORT_HOSTS)
    assert found.url.isascii() and found.url.isprintable() and not set(found.url) & set(' ?#@\\<>"')
    assert found.kind == "short" or found.url == "" or parse_link(found.url) == found


def test_reading_a_link_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **more: object) -> None:
        raise AssertionError("somebody was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    for form in [*FORMS, "https://spotify.link/abc", "https://127.0.0.1:9/"]:
        try:
            parse_link(form.replace("{}", ID))
        except LinkError:
            continue


@pytest.mark.parametrize("wrong", [("track", "abc"), ("track", ""), ("short", "a/b"), ("short", ""), ("song", ID)])
def test_a_link_that_names_nothing_is_none(wrong: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="names nothing"):
        Link(*wrong, "https://open.spotify.com/")  # type: ignore[arg-type]


# Short links


@pytest.fixture
def place() -> Iterator[Place]:
    with spotify_server() as place:
        yield place


def web(place: Place, timeout: float = 20.0) -> Web:
    return Web(timeout=timeout, routes=dict.fromkeys(SHORT_HOSTS, place.url))


SHORT = parse_link("https://spotify.link/abc")
LONG = f"https://open.spotify.com/track/{ID}?si=1&utm_source=whatever"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_that_names_the_song_is_enough(place: Place, status: int) -> None:
    place.play("spotify.link/abc", redirect(LONG, status))
    assert resolve_short(SHORT, web(place)) == SONG
    assert [(asked.method, asked.host, asked.path) for asked in place.asked] == [("GET", "spotify.link", "/abc")]
    sent = {name.lower(): value for name, value in place.asked[0].headers.items()}
    assert "cookie" not in sent and "authorization" not in sent and "mozilla" not in sent["user-agent"].lower()


def test_all_the_hosts_of_short_links(place: Place) -> None:
    for pasted in ("https://spotify.link/abc", "https://spotify.app.link/abc", "https://open.spotify.com/s/abc"):
        link = parse_link(pasted)
        place.play(link.url.removeprefix("https://"), redirect(f"https://open.spotify.com/intl-de/track/{ID}"))
        assert resolve_short(link, web(place)) == SONG


def test_a_short_link_may_name_something_else(place: Place) -> None:
    place.play("spotify.link/abc", redirect(f"https://open.spotify.com/album/{ALBUM_ID}"))
    assert resolve_short(SHORT, web(place)).kind == "album"


def test_what_is_not_short_is_not_asked_for(place: Place) -> None:
    assert resolve_short(SONG, web(place)) == SONG
    assert not place.asked


def test_hops_over_each_others_hosts(place: Place) -> None:
    place.play("spotify.link/abc", redirect("https://spotify.app.link/def?_p=1"))
    place.play("spotify.app.link/def", redirect("/ghi"))
    place.play("spotify.app.link/ghi", redirect("https://open.spotify.com/s/jkl"))
    place.play("open.spotify.com/s/jkl", redirect("//open.spotify.com/redirect?to=1"))
    place.play("open.spotify.com/redirect", redirect(LONG))
    assert resolve_short(SHORT, web(place)) == SONG
    assert len(place.asked) == MAX_HOPS


def test_hops_end(place: Place) -> None:
    place.play("spotify.link/abc", redirect("https://spotify.link/abc"))
    with pytest.raises(LinkError, match="on and on"):
        resolve_short(SHORT, web(place))
    assert len(place.asked) == MAX_HOPS


@pytest.mark.parametrize(
    "to",
    [
        f"http://open.spotify.com/track/{ID}",
        "http://spotify.link/def",
        f"https://evil.example/track/{ID}",
        f"https://open.spotify.com.evil.example/track/{ID}",
        f"https://open.spotify.com@evil.example/track/{ID}",
        f"https://user:pass@open.spotify.com/track/{ID}",
        f"https://open.spotify.com:8443/track/{ID}",
        "https://open.spotify.com:443/s/abc",
        f"https://open.spotify.com./track/{ID}",
        "https://accounts.spotify.com/login",
        "https://127.0.0.1/s/abc",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/latest/meta-data",
        "https://169.254.169.254/latest/meta-data",
        "//evil.example/track",
        "\\\\evil.example\\track",
        "https:\\\\evil.example",
        "https://open.spotify.com\\@evil.example/",
        "https://ореn.spotify.com/track".encode().decode("latin-1"),
        "file:///etc/passwd",
        "javascript:alert(1)",
        "ftp://open.spotify.com/s/abc",
        f"spotify:track:{ID}",
        "https://[",
        "https://open.spotify.com/s/a b",
    ],
)
def test_a_redirect_elsewhere_is_not_followed(place: Place, to: str) -> None:
    place.play("spotify.link/abc", redirect(to))
    everywhere = Web(routes=dict.fromkeys([*SHORT_HOSTS, "evil.example", "127.0.0.1"], place.url))
    with pytest.raises(LinkError) as raised:
        resolve_short(SHORT, everywhere)
    assert "open.spotify.com/track/" in raised.value.fix
    assert len(place.asked) == 1


@pytest.mark.parametrize(
    "page",
    [
        f'<meta property="og:url" content="https://open.spotify.com/track/{ID}"/>',
        f'<script>window.location = validate("https:\\/\\/open.spotify.com\\/intl-de\\/track\\/{ID}?si=1")</script>',
        f'<a href="https://open.spotify.com/search">x</a><a href="?u=https%3A%2F%2Fopen.spotify.com%2Ftrack%2F{ID}">',
        f"<meta http-equiv=refresh content='0; url=https&#58;//open.spotify.com/track/{ID}'>",
    ],
)
def test_a_page_instead_of_a_redirect(place: Place, page: str) -> None:
    place.play("spotify.link/abc", text(page))
    assert resolve_short(SHORT, web(place)) == SONG


@pytest.mark.parametrize(
    ("played", "said"),
    [
        (text("<html>no song here</html>"), "names no song"),
        (text(f"https://open.spotify.com.evil.example/track/{ID} https://open.spotify.com/track/{ID}x"), "no song"),
        (Reply(200, b"\xff\x00\xfe" * 100), "names no song"),
        (text("", 404), "expired"),
        (text("", 410), "expired"),
        (text("slow down", 429), "status 429"),
        (text("", 503), "status 503"),
        (Reply(302), "status 302"),
        (Reply(200, b"x" * (module.MAX_PAGE + 1)), "over 1 MB"),
        (Reply(200, b"x" * 1000, cut=10), "cut short|cut the connection"),
        (Reply(raw=b"this is not HTTP\r\n\r\n"), "cut the connection"),
        (Reply(raw=b"\0"), "cut the connection"),
    ],
)
def test_a_short_link_that_fails(place: Place, played: Reply, said: str) -> None:
    place.play("spotify.link/abc", played)
    with pytest.raises(LinkError, match=said) as raised:
        resolve_short(SHORT, web(place))
    assert raised.value.fix


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, never listening
        nobody = Web(routes={"spotify.link": f"http://127.0.0.1:{taken.getsockname()[1]}"})
        with pytest.raises(LinkError, match="cannot be reached"):
            resolve_short(SHORT, nobody)
