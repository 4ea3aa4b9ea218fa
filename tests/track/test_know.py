"""What song it is: each field from the first source that has it, what may be painted, and what Spotify is asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music import credentials
from lib_music.audio import Audio
from lib_music.errors import InputError, LinkError, SpotifyError
from lib_music.request import Request
from lib_music.track import Track, know
from lib_music.track.know import AlbumError, Met, meet, mismatch_of, own_words, paintable, try_credentials, wanted
from lib_music.track.link import Link
from lib_music.track.oembed import OEmbed
from lib_music.track.spotify import SpotifyTrack
from tests.track.places import PLANTED_ID, PLANTED_SECRET, outside
from tests.track.spotify_server import (
    ALBUM_ID,
    ID,
    NO_PREMIUM,
    QUOTA,
    TOO_MANY_FOR_A_DAY,
    UNKNOWN,
    WRONG_SECRET,
    Place,
    Reply,
    album_song,
    redirect,
    reply,
    spotify_server,
    text,
)

LINK = Link("track", ID, f"https://open.spotify.com/track/{ID}")
SONG = SpotifyTrack(ID, "Their Title", ("Their Artist",), "Their Album", "1987-11-12", 213.573, "GBARL9300135", False,
                    "https://i.scdn.co/image/1", LINK.url)  # fmt: skip
MET = Met(LINK, SONG)
PUBLIC = Met(LINK, None, OEmbed("Public Title", "https://i.scdn.co/image/2"))


@pytest.fixture
def place() -> Iterator[Place]:
    with spotify_server() as place:
        place.play("open.spotify.com/oembed", reply({"title": "Public Title"}))
        yield place


@pytest.fixture(autouse=True)
def _no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSIC_VISUALIZER_CONFIG", str(tmp_path / "config"))
    for name in (*credentials.ID_VARIABLES, *credentials.SECRET_VARIABLES):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", PLANTED_ID)
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", PLANTED_SECRET)


def bare(folder: Path, name: str = "Some Band - Some Name.wav", total: float = 213.0) -> Audio:
    """A file without tags."""
    path = folder / name
    path.write_bytes(b"RIFF")
    return Audio(path, "0" * 32, 0.0, total, total, 44_100)


# --- which source


def test_a_file_alone_is_what_it_says_itself(tmp_path: Path) -> None:
    track = know.know(Request(tmp_path / "x"), bare(tmp_path), None)
    assert (track.title, track.artists, track.spotify_id) == ("Some Name", ("Some Band",), "")
    assert set(track.sources.values()) == {"file name"} and "title" in track.generation_may_use


def test_spotify_comes_before_the_file_s_name_and_after_what_was_typed(tmp_path: Path) -> None:
    track = know.know(Request(tmp_path / "x", title="Mine"), bare(tmp_path), MET)
    assert (track.title, track.sources["title"]) == ("Mine", "typed")
    assert (track.artists, track.sources["artists"]) == (("Their Artist",), "spotify")
    assert (track.album, track.date, track.isrc) == ("Their Album", "1987-11-12", "GBARL9300135")
    assert track.spotify_id == ID and track.duration == 213.0


def test_tags_come_before_spotify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tagged = Track("Tagged", (), 213.0, album="Tagged Album", sources={"title": "tags", "album": "tags"})
    monkeypatch.setattr(know, "read_track", lambda *_, **__: tagged)
    track = know.know(Request(tmp_path / "x"), bare(tmp_path), MET)
    assert (track.title, track.album, track.artists) == ("Tagged", "Tagged Album", ("Their Artist",))
    assert track.generation_may_use >= {"title", "album", "genres", "cover"}
    assert not track.generation_may_use & {"artists", "date"}


def test_oembed_knows_the_title_alone(tmp_path: Path) -> None:
    track = know.know(Request(tmp_path / "x"), bare(tmp_path), PUBLIC)
    assert (track.title, track.sources["title"], track.album) == ("Public Title", "oembed", "")
    assert track.artists == () and "artists" not in track.sources, "the file's name speaks of another song"
    same = replace(PUBLIC, oembed=OEmbed("some name", ""))
    assert know.know(Request(tmp_path / "x"), bare(tmp_path), same).artists == ("Some Band",)


def test_a_link_alone_has_no_length(tmp_path: Path) -> None:
    track = know.know(Request(None, link=LINK.url), None, MET)
    assert track.duration is None and track.title == "Their Title" and track.display == "Their Artist - Their Title"
    nothing = know.know(Request(None, link=LINK.url, artist="A; B"), None, Met(LINK))
    assert nothing.title == "Untitled" and nothing.artists == ("A", "B") and "title" not in nothing.sources


# --- what may be painted

field = st.text(max_size=12)
songs = st.builds(SpotifyTrack, st.just(ID), field.filter(str.strip), st.tuples(field) | st.just(()), field, field,
                  st.floats(0, 1e4), field, st.booleans(), st.just(""), st.just(LINK.url))  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(song=songs, title=st.none() | field, artist=st.none() | field, allowed=st.booleans())
def test_nothing_of_spotify_s_is_painted_unless_it_may(
    song: SpotifyTrack, title: str | None, artist: str | None, allowed: bool
) -> None:
    request = Request(None, None, title, artist, link=LINK.url, spotify_content=allowed)
    track = know.know(request, None, Met(LINK, song))
    theirs = {name for name, source in track.sources.items() if source == "spotify"}
    own = own_words(request, None)
    painted = paintable(track, own)
    if allowed:
        assert (painted.title, painted.artists, painted.album) == (track.title, track.artists, track.album)
    else:
        assert not theirs & track.generation_may_use
        for name in ("title", "artists", "album", "date", "genres"):
            assert getattr(painted, name) == getattr(own, name)
    assert painted.spotify_id == ""


def test_where_it_may_not_be_used_the_file_s_own_words_are(tmp_path: Path) -> None:
    request, audio = Request(tmp_path / "x"), bare(tmp_path)
    track = know.know(request, audio, MET)
    assert track.title == "Their Title"
    painted = paintable(track, own_words(request, audio))
    assert (painted.title, painted.artists, painted.album, painted.date) == ("Some Name", ("Some Band",), "", "")


# --- both lengths


@pytest.mark.parametrize(
    ("total", "apart"), [(213.6, False), (216.5, False), (210.6, False), (216.6, True), (90.0, True)]
)
def test_lengths_over_three_seconds_apart_are_told(tmp_path: Path, total: float, apart: bool) -> None:
    found = mismatch_of(bare(tmp_path, total=total), MET)
    assert (found is not None) is apart
    if found is not None:
        assert found.file == total and found.spotify == 213.573
        assert know.clock(total) in str(found) and "3:34" in str(found)


def test_unknown_lengths_do_not_disagree(tmp_path: Path) -> None:
    audio = bare(tmp_path)
    assert mismatch_of(None, MET) is mismatch_of(audio, None) is mismatch_of(audio, PUBLIC) is None
    assert mismatch_of(audio, Met(LINK, replace(SONG, duration=0.0))) is None


# --- what is kept


@given(song=songs)
def test_the_card_gives_back_what_was_said(song: SpotifyTrack) -> None:
    kept = Met.from_dict(Met(LINK, song).to_dict())
    assert kept is not None and kept.link == LINK and kept.spotify is not None
    assert kept.spotify.duration == song.duration and kept.spotify.explicit == song.explicit
    assert kept.cover_url == "", "addresses of covers expire"
    again = Met.from_dict(kept.to_dict())
    assert again == kept


junk = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6)  # fmt: skip


@given(card=st.fixed_dictionaries({}, optional={
    "link": st.just(LINK.url) | junk,
    "spotify": st.fixed_dictionaries({}, optional=dict.fromkeys(MET.to_dict()["spotify"], junk)) | junk,
    "oembed": st.fixed_dictionaries({}, optional={"title": junk}) | junk,
}))  # fmt: skip
def test_an_edited_card_is_read_or_is_none(card: dict[str, Any]) -> None:
    met = Met.from_dict(card)
    assert met is None or (met.link.kind == "track" and isinstance(met.title, str) and "\n" not in met.title)


# --- asking


def test_without_credentials_oembed_is_asked_and_nothing_else(place: Place) -> None:
    met = meet(f"  <{LINK.url}?si=x> ", outside(place))
    assert (met.spotify, met.title, met.source, met.warnings) == (None, "Public Title", "oembed", ())
    assert [(asked.host, asked.path) for asked in place.asked] == [("open.spotify.com", "/oembed")]


@pytest.mark.usefixtures("planted")
def test_with_credentials_the_api_is_asked_and_oembed_is_not(place: Place) -> None:
    met = meet(f"spotify:track:{ID}", outside(place))
    assert met.title == "Never Gonna Give You Up" and met.spotify is not None and met.spotify.isrc == "GBARL9300135"
    assert place.paths() == ["/api/token", f"/v1/tracks/{ID}"]


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize(
    ("path", "answer", "words"),
    [
        ("/api/token", WRONG_SECRET, "secret"),
        (f"/v1/tracks/{ID}", NO_PREMIUM, "Premium"),
        (f"/v1/tracks/{ID}", TOO_MANY_FOR_A_DAY, "try again"),
        (f"/v1/tracks/{ID}", QUOTA, "quota"),
        (f"/v1/tracks/{ID}", UNKNOWN, "know"),
        (f"/v1/tracks/{ID}", text("<html>", 200), ""),
        (f"/v1/tracks/{ID}", Reply(delay=3.0), "did not answer"),
        (f"/v1/tracks/{ID}", Reply(200, b'{"name": "x"}', cut=4), ""),
        (f"/v1/tracks/{ID}", redirect("https://evil.example/"), ""),
    ],
)  # fmt: skip
def test_a_refusal_is_a_warning_and_oembed_steps_in(place: Place, path: str, answer: Reply, words: str) -> None:
    place.play(path, answer)
    began = time.monotonic()
    met = meet(LINK.url, outside(place, timeout=1.0))
    assert time.monotonic() - began < 60
    assert met.spotify is None and met.title == "Public Title"
    assert len(met.warnings) == 1 and words in met.warnings[0], met.warnings
    assert PLANTED_SECRET not in met.warnings[0] and PLANTED_ID not in met.warnings[0]


def test_nobody_answers(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(know, "MEETING", 1.0)
    place.play("open.spotify.com/oembed", Reply(delay=30.0))
    began = time.monotonic()
    met = meet(LINK.url, outside(place))
    assert time.monotonic() - began < 20 and met.title == "" and "in time" in met.warnings[0]
    with pytest.raises(InputError, match="nothing is known"):
        wanted(Request(None, link=LINK.url), met)


def test_broken_credentials_are_a_warning(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    (folder / credentials.FILE).write_text(f'{{"id": "{PLANTED_ID}"')
    met = meet(LINK.url, outside(place, folder=folder))
    assert met.title == "Public Title" and "damaged" in met.warnings[0] and PLANTED_ID not in met.warnings[0]


def test_a_short_link_is_resolved_first(place: Place) -> None:
    place.play("spotify.link/abc", redirect(f"{LINK.url}?si=1"))
    assert meet("https://spotify.link/abc", outside(place)).link == LINK


@pytest.mark.usefixtures("planted")
def test_an_album_offers_its_songs(place: Place) -> None:
    place.play(f"/v1/albums/{ALBUM_ID}", reply({"name": "Album", "images": [], "release_date": "1987"}))
    place.play(f"/v1/albums/{ALBUM_ID}/tracks", reply({"items": [album_song(1), album_song(2)], "next": None}))
    with pytest.raises(AlbumError, match="album of 2 songs") as caught:
        meet(f"https://open.spotify.com/album/{ALBUM_ID}", outside(place))
    assert [song.title for song in caught.value.songs] == ["Song 1", "Song 2"]
    assert all(song.url.startswith("https://open.spotify.com/track/") for song in caught.value.songs)


def test_an_album_without_credentials_says_how(place: Place) -> None:
    with pytest.raises(AlbumError, match="credentials"):
        meet(f"https://open.spotify.com/album/{ALBUM_ID}", outside(place))
    assert place.asked == []


@pytest.mark.parametrize("kind", ["playlist", "episode", "show", "artist", "audiobook", "prerelease"])
def test_other_links_ask_nobody(place: Place, kind: str) -> None:
    with pytest.raises(LinkError, match="not of a song"):
        meet(f"https://open.spotify.com/{kind}/{ID}", outside(place))
    assert place.asked == []


@pytest.mark.usefixtures("planted")
def test_credentials_are_tried_by_a_real_call(place: Place) -> None:
    from lib_music.track.spotify import TEST_TRACK

    place.play(f"/v1/tracks/{TEST_TRACK}", NO_PREMIUM)
    with pytest.raises(SpotifyError, match="Premium"):
        try_credentials(outside(place))
    place.play(f"/v1/tracks/{TEST_TRACK}", reply({"name": "Song", "id": TEST_TRACK, "artists": [{"name": "A"}]}))
    assert "work" in try_credentials(outside(place))


def test_there_are_none_to_try(place: Place) -> None:
    with pytest.raises(InputError, match="no credentials"):
        try_credentials(outside(place))
    assert place.asked == []


# --- what is looked for


def test_what_is_looked_for() -> None:
    sought = wanted(Request(None, link=LINK.url), MET)
    assert (sought.title, sought.artists, sought.isrc) == ("Their Title", ("Their Artist",), "GBARL9300135")
    assert sought.duration == 213.573
    assert wanted(Request(None, title="Mine", link=LINK.url), Met(LINK)).duration is None
