"""A link on the page: what is asked, what is shown, what the person answers, and that no secret is anywhere."""

from __future__ import annotations

import json
import logging
import os
import time
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lib_music.errors import InputError, LinkError
from lib_music.studio import keys
from lib_music.studio.know import asked
from lib_music.studio.song import act, answer, produce
from lib_music.studio.song_input import SongInput
from lib_music.studio.studio import Studio
from lib_music.studio.view import view
from lib_music.studio.workspace import find_project
from lib_music.track import know
from tests.analysis.sounds import SR
from tests.analysis.test_spotify import SECONDS, attacks, played
from tests.analysis.test_spotify import answer as master_answer
from tests.studio.places import finished, plain, sound, studio_in
from tests.track.fake_ytdlp import calls, install
from tests.track.places import PLANTED_ID, PLANTED_SECRET, outside, picture
from tests.track.spotify_server import (
    A_TRACK,
    ALBUM_ID,
    COVER,
    ID,
    TOKEN,
    Place,
    Reply,
    album_song,
    redirect,
    reply,
    spotify_server,
)

LINK = f"https://open.spotify.com/track/{ID}"
LENGTH = 6.0
TITLE = "Never Gonna Give You Up"


@pytest.fixture
def spotify(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Spotify, whose song lasts six seconds."""
    with spotify_server() as place:
        place.play(f"/v1/tracks/{ID}", reply({**A_TRACK, "duration_ms": 1000 * LENGTH}))
        place.play(COVER.removeprefix("https://i.scdn.co"), picture("red"))
        place.play("/oembed", reply({"title": TITLE, "thumbnail_url": COVER, "type": "rich"}))
        monkeypatch.setattr(know, "OUTSIDE", outside(place))
        yield place


@pytest.fixture
def studio(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Studio:
    for name in (*keys.credentials.ID_VARIABLES, *keys.credentials.SECRET_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MUSIC_VISUALIZER_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("MUSIC_VISUALIZER_CACHE", str(tmp_path_factory.getbasetemp() / "shared-cache"))
    monkeypatch.setenv("MUSIC_VISUALIZER_YTDLP", str(tmp_path / "bin" / "yt-dlp"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "sent"))
    return studio_in(tmp_path)


@pytest.fixture
def known_to_spotify(studio: Studio, spotify: Place) -> Place:
    """With credentials."""
    keys.store(studio, PLANTED_ID, PLANTED_SECRET)
    return spotify


def sent(tmp_path: Path, name: str = "a file.wav", seconds: float = LENGTH) -> Path:
    return sound(tmp_path / "sent" / "x" / name, seconds)


def produced(studio: Studio, given: SongInput) -> dict[str, Any]:
    job = finished(studio, produce(studio, given))
    assert job.state == "done", (job.error, job.fix)
    return plain(view(studio, job.project))


def found_on_youtube(*recordings: tuple[str, str, str, float | None]) -> str:
    names = ("id", "title", "channel", "duration")
    return json.dumps({"entries": [dict(zip(names, recording, strict=True)) for recording in recordings]})


def test_a_link_with_a_file_names_it(studio: Studio, known_to_spotify: Place, tmp_path: Path) -> None:
    shown = produced(studio, SongInput(link=f"  <{LINK}?si=abc>  ", upload=sent(tmp_path)))
    card = shown["song"]
    assert (card["title"], card["artists"]) == (TITLE, ["Rick Astley", "A Guest"])
    assert card["sources"]["title"] == card["sources"]["artists"] == "spotify"
    assert card["link"]["url"] == LINK and "Spotify" in card["link"]["attribution"]
    assert card["spotify"]["duration"] == LENGTH and "spotify-cover.png" in card["spotify"]["cover_url"]
    assert card["mismatch"] is None and card["question"] is None
    # Off, as nobody switched it on: Spotify's cover is only shown, and no word of its title feeds a prompt.
    assert card["sources"]["cover"] == "generated" and "switched off" in card["cover_why"]
    assert not any("gonna" in words["text"].lower() for words in shown["candidates"])
    assert shown["sections"] and shown["rows"]


def test_with_the_switch_on_spotifys_cover_is_used(studio: Studio, known_to_spotify: Place, tmp_path: Path) -> None:
    shown = produced(studio, SongInput(link=LINK, upload=sent(tmp_path), spotify_content=True))
    assert shown["song"]["sources"]["cover"] == "spotify" and shown["song"]["switches"]["spotify_content"] is True
    again = produced(studio, SongInput(project=shown["project"]))
    assert again["project"] == shown["project"] and again["song"]["sources"]["cover"] == "generated"


def test_without_credentials_oembed_tells_title_and_cover(studio: Studio, spotify: Place, tmp_path: Path) -> None:
    card = produced(studio, SongInput(link=LINK, upload=sent(tmp_path)))["song"]
    assert card["title"] == TITLE and card["sources"]["title"] == "oembed"
    assert card["spotify"]["by"] == "oembed" and card["spotify"]["cover_url"]
    assert card["spotify"]["duration"] is None and card["mismatch"] is None
    assert not any("/v1/" in path for path in spotify.paths())


def test_what_was_typed_and_the_files_own_words_come_first(
    studio: Studio, known_to_spotify: Place, tmp_path: Path
) -> None:
    card = produced(studio, SongInput(link=LINK, upload=sent(tmp_path), title="My Title"))["song"]
    assert (card["title"], card["sources"]["title"]) == ("My Title", "typed")
    assert card["sources"]["artists"] == "spotify"


def test_a_lone_link_gives_the_card_and_goes_on_with_the_file(
    studio: Studio, known_to_spotify: Place, tmp_path: Path
) -> None:
    shown = produced(studio, SongInput(link=LINK))
    card, name = shown["song"], shown["project"]
    assert card["title"] == TITLE and card["spotify"]["cover_url"] and card["cover_url"]
    assert card["question"]["kind"] == "file" and "no sound" in card["question"]["text"]
    assert len(shown["candidates"]) == 5 and shown["sections"] == [] and shown["waveform"] is None
    assert shown["rows"] == [] and shown["cost"] is None
    assert calls(tmp_path / "bin" / "yt-dlp") == []
    # The candidates can be edited before there is any sound; nothing else can.
    act(studio, name, {"do": "candidates", "texts": ["mine", *(c["text"] for c in shown["candidates"][1:])]})
    with pytest.raises(InputError, match="not been heard"):
        act(studio, name, {"do": "tempo", "factor": 2})
    asked_before = len(known_to_spotify.asked)
    heard = produced(studio, SongInput(project=name, upload=sent(tmp_path, "Somebody - A name.wav")))
    assert heard["project"] == name and heard["sections"] and heard["rows"]
    assert heard["candidates"][0]["text"] == "mine" == heard["rows"][0]["prompt"]
    assert heard["song"]["title"] == TITLE and heard["song"]["question"] is None
    assert len(known_to_spotify.asked) == asked_before, "what is known is not asked again"
    other = produced(studio, SongInput(project=name, upload=sent(tmp_path, "other.wav", 4)))
    assert other["project"] != name and other["song"]["link"] is None


def test_lengths_that_differ_are_the_persons_to_judge(
    studio: Studio, known_to_spotify: Place, tmp_path: Path
) -> None:
    shown = produced(studio, SongInput(link=LINK, upload=sent(tmp_path, seconds=LENGTH + 4)))
    card, name = shown["song"], shown["project"]
    assert card["question"]["kind"] == "mismatch" and shown["sections"] == []
    assert (card["mismatch"]["file"], card["mismatch"]["spotify"], card["mismatch"]["kept"]) == (10.0, 6.0, False)
    assert "0:10" in card["mismatch"]["text"] and "0:06" in card["mismatch"]["text"]
    job = finished(studio, answer(studio, name, {"do": "right_recording", "on": True}))
    assert job.state == "done", (job.error, job.fix)
    shown = plain(view(studio, name))
    assert shown["sections"] and shown["song"]["question"] is None and shown["song"]["mismatch"]["kept"] is True
    assert produced(studio, SongInput(project=name))["song"]["mismatch"]["kept"] is True, "it was said once"
    finished(studio, answer(studio, name, {"do": "without_link"}))
    card = plain(view(studio, name))["song"]
    assert card["link"] is None and card["mismatch"] is None and card["spotify"] is None
    assert not find_project(studio.host, name).path("spotify-cover.png").exists()


def test_spotifys_ear_is_chosen_given_and_taken_back(
    studio: Studio, known_to_spotify: Place, tmp_path: Path
) -> None:
    bad = tmp_path / "sent" / "bad.json"
    bad.parent.mkdir(parents=True, exist_ok=True)
    bad.write_text("[]")
    with pytest.raises(InputError):
        produce(studio, SongInput(upload=sent(tmp_path), analysis=bad))
    assert list(studio.host.workspace().iterdir()) == [], "nothing was written"
    # This app has no access to it: the file's own hearing stands in, and that is said.
    known_to_spotify.play(f"/v1/audio-analysis/{ID}", Reply(403))
    shown = produced(studio, SongInput(link=LINK, upload=sent(tmp_path), spotify_ear=True))
    assert shown["sections"] and shown["song"]["switches"]["spotify_ear"] is True
    said = " ".join(line for job in studio.jobs.all() for line in job.said)
    assert "the file's own is used" in said, said
    shown = produced(studio, SongInput(project=shown["project"]))
    assert shown["song"]["switches"]["spotify_ear"] is False


def test_a_saved_audio_analysis_is_heard_instead_and_kept(
    studio: Studio, known_to_spotify: Place, tmp_path: Path
) -> None:
    times = attacks()
    known_to_spotify.play(f"/v1/tracks/{ID}", reply({**A_TRACK, "duration_ms": 1000 * SECONDS}))
    saved, upload = tmp_path / "sent" / "saved.json", tmp_path / "sent" / "x" / "song.wav"
    upload.parent.mkdir(parents=True)
    saved.write_text(json.dumps(master_answer(times)))
    with wave.open(str(upload), "wb") as file:
        file.setparams((1, 2, SR, 0, "NONE", ""))
        file.writeframes((np.clip(played(times, SECONDS), -1, 1) * 32_000).astype("<i2").tobytes())
    shown = produced(studio, SongInput(link=LINK, upload=upload, analysis=saved))
    saved.unlink()
    assert shown["song"]["key"] == "A minor" and len(shown["sections"]) == 4
    assert any("Spotify's master" in line for line in studio.jobs.all()[0].said)
    again = produced(studio, SongInput(project=shown["project"], spotify_ear=True))
    assert len(again["sections"]) == 4 and again["song"]["switches"]["spotify_ear"] is True


def test_an_album_offers_its_songs(studio: Studio, known_to_spotify: Place, tmp_path: Path) -> None:
    album = {"name": "An Album", "release_date": "1987", "images": A_TRACK["album"]["images"]}
    known_to_spotify.play(f"/v1/albums/{ALBUM_ID}", reply(album))
    songs = {"items": [{**album_song(1), "id": ID}, album_song(2)], "next": None}
    known_to_spotify.play(f"/v1/albums/{ALBUM_ID}/tracks", reply(songs))
    shown = produced(studio, SongInput(link=f"spotify:album:{ALBUM_ID}", upload=sent(tmp_path)))
    question = shown["song"]["question"]
    assert question["kind"] == "album" and [song["title"] for song in question["choices"]] == ["Song 1", "Song 2"]
    for foreign in ("", "../x", 5, None, "0" * 22, ALBUM_ID):
        with pytest.raises(InputError):
            answer(studio, shown["project"], {"do": "song_of_album", "id": foreign})
    with pytest.raises(InputError):
        answer(studio, shown["project"], {"do": "choose", "id": ID})
    job = finished(studio, answer(studio, shown["project"], {"do": "song_of_album", "id": ID}))
    shown = plain(view(studio, job.project))
    assert shown["song"]["title"] == TITLE and shown["sections"] and shown["song"]["link"]["url"] == LINK


def test_an_album_without_credentials_says_what_to_do(studio: Studio, spotify: Place) -> None:
    job = finished(studio, produce(studio, SongInput(link=f"spotify:album:{ALBUM_ID}")))
    assert job.state == "failed" and "album" in job.error and "credentials" in job.fix


@pytest.mark.parametrize("kind", ["playlist", "episode", "show", "artist", "audiobook", "prerelease"])
def test_what_is_no_song_is_told_at_once_and_nobody_is_asked(studio: Studio, spotify: Place, kind: str) -> None:
    with pytest.raises(LinkError, match="not of a song"):
        produce(studio, SongInput(link=f"https://open.spotify.com/{kind}/{ID}"))
    assert spotify.asked == [] and list(studio.host.workspace().iterdir()) == []


def test_a_short_link_is_resolved_inside_the_job(studio: Studio, known_to_spotify: Place, tmp_path: Path) -> None:
    known_to_spotify.play("spotify.link/AbC123", redirect(f"{LINK}?si=1"))
    shown = produced(studio, SongInput(link="https://spotify.link/AbC123", upload=sent(tmp_path)))
    assert shown["song"]["link"]["url"] == LINK and shown["song"]["title"] == TITLE
    assert produced(studio, SongInput(link=LINK, project=shown["project"]))["project"] == shown["project"]


def test_spotify_that_fails_leaves_the_files_own_words(studio: Studio, known_to_spotify: Place, tmp_path: Path) -> None:
    known_to_spotify.play(f"/v1/tracks/{ID}", Reply(500))
    known_to_spotify.play("/oembed", Reply(503))
    shown = produced(studio, SongInput(link=LINK, upload=sent(tmp_path, "The Band - A Song.wav")))
    assert (shown["song"]["title"], shown["song"]["sources"]["title"]) == ("A Song", "file name")
    assert shown["song"]["warnings"] and shown["song"]["spotify"] is None and shown["song"]["link"]["url"] == LINK


def test_waiting_for_spotify_can_be_stopped(studio: Studio, known_to_spotify: Place, tmp_path: Path) -> None:
    known_to_spotify.play(f"/v1/tracks/{ID}", Reply(delay=60.0))
    job = produce(studio, SongInput(link=LINK, upload=sent(tmp_path)))
    began = time.monotonic()
    while not any("/v1/tracks" in path for path in known_to_spotify.paths()):
        assert time.monotonic() < began + 60
        time.sleep(0.02)
    pressed = time.monotonic()
    studio.jobs.interrupt(job.id)
    assert finished(studio, job).state == "interrupted" and time.monotonic() - pressed < 30


def test_audio_is_fetched_only_where_that_is_switched_on(
    studio: Studio, known_to_spotify: Place, tmp_path: Path
) -> None:
    recording = ("dQw4w9WgXcQ", TITLE, "Rick Astley - Topic", LENGTH + 0.4)
    program = install(tmp_path / "bin", isrc={"stdout": found_on_youtube(recording)}, search={"stdout": "{}"},
                      fetch={"sound": str(sound(tmp_path / "it.wav", LENGTH + 0.4))})  # fmt: skip
    produced(studio, SongInput(link=LINK))
    assert calls(program) == []
    shown = produced(studio, SongInput(link=LINK, allow_download=True))
    card = shown["song"]
    assert shown["sections"] and card["title"] == TITLE and card["audio_url"]
    assert card["download"]["url"].endswith("dQw4w9WgXcQ") and card["download"]["apart"] == pytest.approx(0.4, abs=0.05)
    assert card["download"]["score"] >= 80
    once = len(calls(program))
    assert produced(studio, SongInput(project=shown["project"]))["sections"] and len(calls(program)) == once
    assert PLANTED_SECRET not in json.dumps(calls(program)) and PLANTED_ID not in json.dumps(calls(program))


def test_recordings_are_the_persons_to_choose(studio: Studio, known_to_spotify: Place, tmp_path: Path) -> None:
    near, far = ("dQw4w9WgXcQ", TITLE, "Rick Astley", LENGTH + 8), ("aaaaaaaaaaa", TITLE, "Rick Astley", LENGTH + 60)
    answers = found_on_youtube(near, far)
    install(tmp_path / "bin", isrc={"stdout": answers}, search={"stdout": answers},
            fetch={"sound": str(sound(tmp_path / "it.wav", LENGTH + 8))})  # fmt: skip
    shown = produced(studio, SongInput(link=LINK, allow_download=True))
    question, name = shown["song"]["question"], shown["project"]
    assert question["kind"] == "recording" and [choice["id"] for choice in question["choices"]] == ["dQw4w9WgXcQ"]
    assert question["choices"][0]["apart"] == 8.0 and question["choices"][0]["by"] == "Rick Astley"
    assert shown["song"]["title"] == TITLE and len(shown["candidates"]) == 5
    with pytest.raises(InputError, match="no longer asked"):
        answer(studio, name, {"do": "choose", "id": "aaaaaaaaaaa"})
    job = finished(studio, answer(studio, name, {"do": "choose", "id": "dQw4w9WgXcQ"}))
    assert job.state == "done", job
    shown = plain(view(studio, name))
    # The person took it knowing its length: they are not asked again.
    assert shown["song"]["question"] is None and shown["sections"], shown["song"]


def test_a_site_that_refuses_leaves_card_and_prompts(studio: Studio, known_to_spotify: Place, tmp_path: Path) -> None:
    blocked = {"status": 1, "stderr": "ERROR: [youtube] Sign in to confirm you're not a bot."}
    install(tmp_path / "bin", isrc=blocked, search=blocked)
    job = finished(studio, produce(studio, SongInput(link=LINK, allow_download=True)))
    assert job.state == "failed" and "bot" in job.error and "upload the file" in job.fix
    shown = plain(view(studio, job.project))
    assert shown["song"]["title"] == TITLE and len(shown["candidates"]) == 5
    heard = produced(studio, SongInput(project=job.project, upload=sent(tmp_path)))
    assert heard["project"] == job.project and heard["sections"]


def test_credentials_are_set_tested_and_deleted(studio: Studio, spotify: Place, tmp_path: Path) -> None:
    assert keys.state(studio) == ("Spotify credentials: not set",)
    with pytest.raises(InputError, match="no credentials"):
        keys.test(studio)
    keys.store(studio, PLANTED_ID, PLANTED_SECRET)
    assert keys.state(studio) == ("Spotify credentials: stored",)
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "config").iterdir()] == [0o600]
    spotify.play("/v1/tracks/11dFghVXANMlKmJXsNCbNl", reply({**A_TRACK, "name": "Cut To The Feeling"}))
    assert "Cut To The Feeling" in keys.test(studio)
    assert keys.delete(studio) and not keys.delete(studio)
    assert keys.state(studio) == ("Spotify credentials: not set",)


def test_where_the_workspace_holds_the_settings_nothing_is_stored(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUSIC_VISUALIZER_CONFIG", str(studio.host.workspace() / "config"))
    with pytest.raises(InputError, match="does not serve"):
        keys.store(studio, PLANTED_ID, PLANTED_SECRET)
    said = keys.state(studio)
    assert len(said) == 2 and "cannot be stored" in said[1] and "SPOTIPY_CLIENT_ID" in said[1]
    assert not (studio.host.workspace() / "config").exists()


@pytest.mark.parametrize("where", ["file", "environment"])
def test_a_planted_secret_is_nowhere(
    studio: Studio, spotify: Place, tmp_path: Path, where: str, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Files, views, records and the log at DEBUG, in success and in failure."""
    caplog.set_level(logging.DEBUG)
    if where == "file":
        keys.store(studio, PLANTED_ID, PLANTED_SECRET)
    else:
        monkeypatch.setenv("SPOTIPY_CLIENT_ID", PLANTED_ID)
        monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", PLANTED_SECRET)
    recording = found_on_youtube(("dQw4w9WgXcQ", TITLE, "Rick Astley - Topic", LENGTH))
    program = install(tmp_path / "bin", isrc={"stdout": recording}, search={"stdout": recording},
                      fetch={"sound": str(sound(tmp_path / "it.wav", LENGTH))})  # fmt: skip
    views = [produced(studio, SongInput(link=LINK, allow_download=True))]
    keeps = {"error": "invalid_client", "error_description": f"Invalid client {PLANTED_SECRET} {PLANTED_ID}"}
    spotify.play("/api/token", reply(keeps, 400))
    views.append(produced(studio, SongInput(link=LINK.replace("4u", "5u"), upload=sent(tmp_path, seconds=4))))
    said = [str(keys.state(studio))]
    with pytest.raises(Exception) as refused:
        keys.test(studio)
    said += [str(refused.value), repr(refused.value), str(refused.value.__cause__), str(refused.value.__context__)]
    said += [json.dumps(views), caplog.text, json.dumps([job.to_dict() for job in studio.jobs.all()])]
    said += [json.dumps(calls(program)), str(replace(know.OUTSIDE, folder=tmp_path))]
    assert calls(program), "the children were seen"
    for path in (path for path in (tmp_path / "ws").rglob("*") if path.is_file()):
        said.append(path.read_bytes().decode("latin-1"))
    for secret in (PLANTED_SECRET, PLANTED_ID, TOKEN):
        assert not [text[:200] for text in said if secret in text], secret
    assert os.environ.get("SPOTIPY_CLIENT_SECRET", PLANTED_SECRET) == PLANTED_SECRET


def test_a_question_that_somebody_edited_counts_as_none(studio: Studio, spotify: Place) -> None:
    name = produced(studio, SongInput(link=LINK))["project"]
    path = find_project(studio.host, name).path("question.json")
    for text in ("{", "[]", '{"version": 1}', '{"version": 1, "kind": "file", "choices": 7}', '{"version": 2}'):
        path.write_text(text)
        assert asked(find_project(studio.host, name)) is None
        assert plain(view(studio, name))["song"]["question"] is None
