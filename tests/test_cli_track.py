"""Links, credentials and fetched audio from the command line, with Spotify and yt-dlp played on this machine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lib_music import credentials
from lib_music.audio import open_audio
from lib_music.cli import main
from lib_music.demo.compose import compose, write
from lib_music.project import Project
from lib_music.prompts.suggestions import SUGGESTIONS
from lib_music.track import know
from lib_music.track.spotify import TEST_TRACK
from tests.track.fake_ytdlp import calls, install
from tests.track.places import PLANTED_ID, PLANTED_SECRET, outside, picture
from tests.track.spotify_server import (
    A_TRACK,
    ALBUM_ID,
    COVER,
    ID,
    NO_PREMIUM,
    Place,
    album_song,
    redirect,
    reply,
    spotify_server,
    text,
)

LINK = f"https://open.spotify.com/track/{ID}"
SMALL = ("--size", "64x64", "--fps", "12")
VIDEO = "fJ9rUzIMcZQ"


@pytest.fixture(scope="module")
def tune(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short song without tags, so that what is known of it comes from elsewhere."""
    folder = tmp_path_factory.mktemp("tune")
    tagged = write(compose(2, bpm=120, plan=(("verse", 3), ("chorus", 3))), folder / "tagged.wav")
    import wave

    with wave.open(str(tagged)) as source, wave.open(str(folder / "some file.wav"), "wb") as bare:
        bare.setparams(source.getparams())
        bare.writeframes(source.readframes(source.getnframes()))
    return folder / "some file.wav"


@pytest.fixture(scope="module")
def length(tune: Path) -> float:
    return open_audio(tune).total


@pytest.fixture
def place(tmp_path: Path, length: float, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Spotify, and an empty folder to stand in; the song there is as long as the tune."""
    monkeypatch.setenv("MUSIC_VISUALIZER_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", str(Path(shutil.which("ffmpeg") or "/none").parent))
    for name in (*credentials.ID_VARIABLES, *credentials.SECRET_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with spotify_server() as place:
        monkeypatch.setattr(know, "OUTSIDE", outside(place))
        place.play("open.spotify.com/oembed", reply({"title": "Public Title", "thumbnail_url": COVER}))
        place.play(f"/v1/tracks/{ID}", reply({**A_TRACK, "duration_ms": int(1000 * length)}))
        place.play(f"i.scdn.co{COVER.partition('i.scdn.co')[2]}", picture("red"))
        yield place


@pytest.fixture
def planted(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOTIPY_CLIENT_ID", PLANTED_ID)
    monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", PLANTED_SECRET)


Run = Any


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*argv: object, code: int = 0) -> tuple[str, str]:
        capsys.readouterr()
        got = main([str(arg) for arg in argv])
        out, err = capsys.readouterr()
        assert got == code, (argv, got, out, err)
        assert "Traceback" not in out + err
        return out, err

    return run


def card(folder: Path | str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(folder, "track.json").read_text())
    return found


def colour(path: Path) -> tuple[int, ...]:
    from PIL import Image

    with Image.open(path) as image:
        return tuple(image.convert("RGB").resize((1, 1)).tobytes())


def is_red(path: Path) -> bool:
    red, green, blue = colour(path)
    return red > 240 and green < 20 and blue < 20


# --- track


@pytest.mark.usefixtures("planted")
def test_a_link_s_card_says_where_each_field_is_from(place: Place, run: Run) -> None:
    out, err = run("track", f" <{LINK}?si=abc> ")
    assert "Never Gonna Give You Up  [spotify]" in out and "Rick Astley; A Guest  [spotify]" in out
    assert f"from Spotify: {LINK}" in out and "GBARL9300135" in out and "0:13 (Spotify)" in out
    assert "Spotify's cover is only shown" in out and "--audio FILE" in out
    assert "evoking" not in out, "Spotify's title words no prompt while that is off"
    assert err == "" and list(Path().iterdir()) == []


def test_a_link_without_credentials_has_a_title(place: Place, run: Run) -> None:
    found = json.loads(run("track", "--json", f"spotify:track:{ID}")[0])
    assert found["title"] == "Public Title" and found["sources"]["title"] == "oembed"
    assert found["spotify"] is None and found["oembed"] == {"title": "Public Title"} and found["duration"] is None
    assert found["link"] == LINK and LINK in found["attribution"] and len(found["prompts"]) == 5
    assert "title" not in found["generation_may_use"] and found["sources"]["cover"] == "generated"


def test_a_file_s_card_asks_nobody(place: Place, run: Run, tune: Path) -> None:
    out, _ = run("track", tune)
    assert "some file  [file name]" in out and "Spotify" not in out and place.asked == []


def test_a_link_nobody_knows_is_an_error(place: Place, run: Run) -> None:
    place.play("open.spotify.com/oembed", text("gone", 404))
    out, err = run("track", LINK, code=1)
    assert out == "" and err.count("\n") == 1 and "does not know this song" in err


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("command", ["track", "render"])
def test_an_album_offers_its_songs(place: Place, run: Run, command: str) -> None:
    place.play(f"/v1/albums/{ALBUM_ID}", reply({"name": "Album", "images": [], "release_date": "1987"}))
    place.play(f"/v1/albums/{ALBUM_ID}/tracks", reply({"items": [album_song(1), album_song(2)], "next": None}))
    out, err = run(command, f"https://open.spotify.com/intl-de/album/{ALBUM_ID}", code=2)
    assert "album of 2 songs" in err and err.count("\n") == 1
    assert f"2. Song 2 – Rick Astley (0:02)  https://open.spotify.com/track/{2:022d}" in out


@pytest.mark.parametrize(
    ("link", "words"),
    [
        (f"https://open.spotify.com/playlist/{ID}", "playlist"),
        (f"spotify:episode:{ID}", "podcast"),
        ("spotify:local:a:b:c:1", "disk"),
        ("https://www.youtube.com/watch?v=fJ9rUzIMcZQ", "youtube.com"),
        (f"https://open.spotify.com.evil.example/track/{ID}", "evil.example"),
        ("https://open.spotify.com/track/short", "22"),
    ],
)
@pytest.mark.parametrize("command", ["track", "render", "storyboard", "animate"])
def test_other_links_are_one_line_and_ask_nobody(
    place: Place, run: Run, tune: Path, command: str, link: str, words: str
) -> None:
    for more in ((), ("--audio", tune)):
        out, err = run(command, link, *more, code=2)
        assert out == "" and err.count("\n") == 1 and words in err
    assert place.asked == [] and list(Path().iterdir()) == []


def test_a_file_of_that_name_is_a_file(place: Place, run: Run, tune: Path) -> None:
    shutil.copy(tune, ID)
    assert f"{ID}  [file name]" in run("track", ID)[0] and place.asked == []


def test_two_files_are_one_too_many(place: Place, run: Run, tune: Path) -> None:
    assert "two files" in run("render", tune, "--audio", tune, code=2)[1]


# --- a link and its file


@pytest.mark.usefixtures("planted")
def test_a_link_with_its_file_becomes_a_video(place: Place, run: Run, tune: Path) -> None:
    place.play("spotify.link/Xy", redirect(LINK))
    out, _ = run("render", "https://spotify.link/Xy", "--audio", tune, *SMALL, "--out", "p")
    video = Path("p/rick-astley-a-guest-never-gonna-give-you-up.mp4")
    assert str(video.resolve()) in out and video.is_file()
    found = card("p")
    assert found["title"] == "Never Gonna Give You Up" and found["sources"]["artists"] == "spotify"
    assert found["link"] == LINK and found["spotify_id"] == ID and found["isrc"] == "GBARL9300135"
    assert abs(found["duration"] - found["spotify"]["duration"]) < 0.1 and found["mismatch"] is None
    assert found["sources"]["cover"] == "generated" and found["spotify_cover"] == "spotify-cover.png"
    assert is_red(Path("p/spotify-cover.png")) and not is_red(Path("p/cover.png"))
    assert "Never Gonna" not in Path("p/storyboard.json").read_text() + Path("p", SUGGESTIONS).read_text()
    asked = len(place.asked)
    assert "already finished" in run("resume", "p")[1]
    assert "already finished" in run("render", "https://spotify.link/Xy", "--audio", tune, *SMALL, "--out", "p")[1]
    assert len(place.asked) == asked, "the project remembers what Spotify said"


@pytest.mark.usefixtures("planted")
def test_spotify_s_content_is_used_only_while_it_may(place: Place, run: Run, tune: Path) -> None:
    run("storyboard", LINK, "--audio", tune, "--out", "p", "--spotify-content")
    found = card("p")
    assert found["sources"]["cover"] == "spotify" and {"title", "artists"} <= set(found["generation_may_use"])
    assert is_red(Path("p/cover.png")) and "switched on" in found["cover_why"]
    assert "evoking Never Gonna Give You Up" in Path("p/storyboard.json").read_text()
    _, err = run("storyboard", LINK, "--audio", tune, "--out", "p")
    assert "storyboard.json was worded with Spotify's content" in err
    assert not is_red(Path("p/cover.png")) and card("p")["sources"]["cover"] == "generated"
    assert "Never Gonna" not in Path("p", SUGGESTIONS).read_text()
    Path("p/storyboard.json").unlink()
    run("storyboard", LINK, "--audio", tune, "--out", "p")
    assert "Never Gonna" not in Path("p/storyboard.json").read_text()


def test_a_card_made_first_is_gone_on_with(place: Place, run: Run, tune: Path) -> None:
    run("track", LINK, "--out", "p")
    assert Path("p/cover.png").is_file() and is_red(Path("p/spotify-cover.png"))
    assert Project(Path("p")).content_hash() == ""
    run("animate", LINK, "--audio", tune, "--out", "p", *SMALL)
    assert Project(Path("p")).content_hash() == open_audio(tune).content_hash and Path("p/animation.json").is_file()
    assert card("p")["title"] == "Public Title"


@pytest.mark.usefixtures("planted")
def test_a_file_of_another_length_is_asked_about(place: Place, run: Run, tune: Path, length: float) -> None:
    place.play(f"/v1/tracks/{ID}", reply({**A_TRACK, "duration_ms": int(1000 * length) + 3200}))
    _, err = run("render", LINK, "--audio", tune, *SMALL, "--out", "p", code=2)
    assert "0:13" in err and "0:16" in err and "3.2 s shorter" in err and "--keep-mismatch" in err
    assert not Path("p").exists()
    run("animate", LINK, "--audio", tune, *SMALL, "--out", "p", "--keep-mismatch")
    assert card("p")["mismatch"] == {"file": round(length, 3), "spotify": round(int(1000 * length) / 1000 + 3.2, 3)}
    run("animate", f"{ID}", "--audio", tune, *SMALL, "--out", "p", code=2)


def test_without_spotify_the_file_is_enough(place: Place, run: Run, tune: Path) -> None:
    place.play("open.spotify.com/oembed", text("down", 503))
    _, err = run("animate", LINK, "--audio", tune, *SMALL, "--out", "p")
    assert "503" in err and card("p")["title"] == "some file" and card("p")["attribution"] == ""


@pytest.mark.usefixtures("planted")
def test_forgetting_leaves_nothing_of_spotify_s(place: Place, run: Run, tune: Path) -> None:
    run("storyboard", LINK, "--audio", tune, "--out", "p", "--spotify-content")
    assert "deleted" in run("track", "--forget", "p")[0]
    Path("p/storyboard.json").unlink()
    run("storyboard", tune, "--out", "p")
    Path("p/log.txt").unlink()
    left = b"".join(path.read_bytes() for path in Path("p").rglob("*") if path.is_file())
    for word in (b"Never Gonna", b"Astley", b"Whenever", b"GBARL", ID.encode()):
        assert word not in left
    assert not Path("p/spotify-cover.png").exists() and not is_red(Path("p/cover.png"))
    assert card("p")["title"] == "some file"
    assert "nothing" in run("track", "--forget", "p")[0]
    run("track", "--forget", "none", code=2)


# --- no file


def test_a_lone_link_says_what_to_do_and_leaves_nothing(place: Place, run: Run) -> None:
    out, err = run("render", LINK, code=2)
    assert out == "" and "Public Title" in err and "--audio" in err and list(Path().iterdir()) == []


def entry(title: str, duration: float | None, channel: str = "Rick Astley - Topic", id: str = VIDEO) -> dict[str, Any]:
    return {"id": id, "title": title, "duration": duration, "channel": channel, "_type": "url"}


def listed(*entries: dict[str, Any]) -> dict[str, str]:
    return {"stdout": json.dumps({"_type": "playlist", "entries": entries})}


@pytest.mark.usefixtures("planted")
def test_a_sure_recording_is_taken(
    place: Place, run: Run, tune: Path, length: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = install(tmp_path / "bin", search=listed(entry("Never Gonna Give You Up", length)), isrc=listed(),
                      fetch={"sound": str(tune)})  # fmt: skip
    monkeypatch.setenv("MUSIC_VISUALIZER_YTDLP", str(program))
    run("animate", LINK, "--allow-download", *SMALL)
    folder = Path("never-gonna-give-you-up")
    record = card(folder)["download"]
    assert record["url"] == f"https://www.youtube.com/watch?v={VIDEO}" and record["score"] > 80
    assert abs(record["difference"]) < 0.1 and record["asked"] is False
    assert (folder / record["file"]).is_file() and (folder / "deforum_settings.txt").is_file()
    asked, called = len(place.asked), len(calls(program))
    run("animate", LINK, "--allow-download", *SMALL, "--out", folder)
    run("animate", LINK, *SMALL, "--out", folder)
    assert len(place.asked) == asked and len(calls(program)) == called, "what was fetched is not fetched again"


@pytest.mark.usefixtures("planted")
def test_an_unsure_recording_is_the_person_s_to_choose(
    place: Place, run: Run, tune: Path, length: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.play(f"/v1/tracks/{ID}", reply({**A_TRACK, "duration_ms": int(1000 * length) + 5000}))
    other = entry("Never Gonna Give You Up (Live)", length + 8, id="AAAAAAAAAAA")
    program = install(tmp_path / "bin", search=listed(entry("Never Gonna Give You Up", length), other), isrc=listed(),
                      fetch={"sound": str(tune)})  # fmt: skip
    monkeypatch.setenv("MUSIC_VISUALIZER_YTDLP", str(program))
    out, err = run("animate", LINK, "--allow-download", *SMALL, "--out", "p", code=2)
    assert "1. Never Gonna Give You Up – Rick Astley - Topic (0:13, -5 s; likeness 100 %)" in out
    assert "2. Never Gonna Give You Up (Live)" in out and "--choose" in err and not Path("p").exists()
    run("animate", LINK, "--allow-download", "--choose", "9", *SMALL, "--out", "p", code=2)
    run("animate", LINK, "--allow-download", "--choose", "one", *SMALL, "--out", "p", code=2)
    # The person said which: its length is no question any more.
    run("animate", LINK, "--allow-download", "--choose", VIDEO, *SMALL, "--out", "p")
    assert card("p")["download"]["asked"] is True and card("p")["mismatch"] is not None


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"search": listed(entry("Never Gonna Give You Up", 300.0))}, "none of the 1 recordings"),
        ({"search": listed()}, "nothing found"),
        ({"search": {"stderr": "ERROR: Sign in to confirm you're not a bot", "status": 1}}, "bot"),
        ({"search": {"stderr": "ERROR: Failed to resolve 'www.youtube.com'", "status": 1}}, "no network"),
        ({"search": listed(entry("Never Gonna Give You Up", 13.0)),
          "fetch": {"stderr": "ERROR: Requested format is not available", "status": 1}}, "JavaScript"),
    ],
)  # fmt: skip
def test_a_failed_fetch_says_upload_and_leaves_nothing(
    place: Place, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plan: dict[str, Any], words: str
) -> None:
    monkeypatch.setenv("MUSIC_VISUALIZER_YTDLP", str(install(tmp_path / "bin", isrc=listed(), **plan)))
    out, err = run("render", LINK, "--allow-download", *SMALL, code=1)
    assert out == "" and words in err and "upload the file" in err and list(Path().iterdir()) == []


def test_no_yt_dlp_is_said(place: Place, run: Run) -> None:
    _, err = run("render", LINK, "--allow-download", code=1)
    assert "no yt-dlp" in err and "upload the file" in err and list(Path().iterdir()) == []


# --- Spotify's own ear


def heard_by_spotify(tune: Path, late: float) -> dict[str, Any]:
    """What Spotify would have heard in a master that begins ``late`` s later than the tune."""
    from lib_music.analysis import analyse

    ours = analyse(open_audio(tune))
    onset = ours.envelopes["onset"]
    values, starts = onset.values, []
    for i in range(1, values.size - 1):
        if values[i] > 0.2 and values[i] >= values[i - 1] and values[i] > values[i + 1]:
            starts.append((i / onset.rate + late, float(values[i])))
    segments = [
        {"start": start, "duration": 0.2, "confidence": 0.9, "loudness_start": -30.0,
         "loudness_max": -30.0 + 25 * value, "loudness_max_time": 0.02, "pitches": [0.5] * 12, "timbre": [1.0] * 12}
        for start, value in starts
    ]  # fmt: skip
    beats = [{"start": float(t) + late, "duration": 0.5, "confidence": 0.8} for t in ours.beats.times]
    whole = {"duration": ours.duration + late, "tempo": 120.0, "tempo_confidence": 1.0, "time_signature": 4, "key": 2,
             "key_confidence": 1.0, "mode": 1}  # fmt: skip
    sections = [{"start": 0.0, "duration": 6.0, "confidence": 1.0, "loudness": -10.0, "tempo": 120.0}]
    return {"track": whole, "beats": beats, "bars": beats[::4], "sections": sections, "segments": segments}


@pytest.mark.usefixtures("planted")
def test_spotify_s_analysis_is_moved_to_the_file(place: Place, run: Run, tune: Path, tmp_path: Path) -> None:
    saved = tmp_path / "analysis.json"
    saved.write_text(json.dumps(heard_by_spotify(tune, 0.5)))
    _, err = run("animate", tune, *SMALL, "--out", "file", "--spotify-analysis", saved)
    assert "Spotify's master, moved by -0." in err
    assert json.loads(Path("file/analysis.json").read_text())["ear"] == "spotify"
    saved.unlink()
    assert "the project's copy is used" in run("resume", "file")[1]
    place.play(f"/v1/audio-analysis/{ID}", reply(heard_by_spotify(tune, 0.5)))
    _, err = run("animate", LINK, "--audio", tune, *SMALL, "--out", "asked", "--spotify-analysis", "auto")
    assert "moved by -0." in err
    asked = len(place.asked)
    run("resume", "asked")
    assert len(place.asked) == asked


@pytest.mark.usefixtures("planted")
def test_spotify_s_analysis_where_it_cannot_be_used(place: Place, run: Run, tune: Path, tmp_path: Path) -> None:
    saved = tmp_path / "analysis.json"
    for text_, words in (("{}", "no audio-analysis"), ("[", "no JSON")):
        saved.write_text(text_)
        assert words in run("animate", tune, *SMALL, "--out", "p", "--spotify-analysis", saved, code=2)[1]
    other = heard_by_spotify(tune, 0.0)
    for i, segment in enumerate(other["segments"]):
        segment["start"] = 0.37 * i + 0.11 * (i * i % 7)
    saved.write_text(json.dumps(other))
    assert "Spotify's analysis" in run("animate", tune, *SMALL, "--out", "p", "--spotify-analysis", saved, code=2)[1]
    assert not Path("p").exists()
    place.play(f"/v1/audio-analysis/{ID}", text("", 403))
    _, err = run("animate", LINK, "--audio", tune, *SMALL, "--out", "p", "--spotify-analysis", "auto")
    assert "no access to the audio-analysis" in err and "the file's own is used" in err
    assert json.loads(Path("p/analysis.json").read_text()).get("ear", "ours") != "spotify"


# --- credentials


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_credentials_are_set_tested_and_deleted(
    place: Place, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "not set" in run("credentials", "show")[0]
    assert "no credentials are set" in run("credentials", "test", code=2)[1]
    typed(monkeypatch, PLANTED_ID, PLANTED_SECRET)
    out, err = run("credentials", "set")
    stored = tmp_path / "config" / "spotify.json"
    assert str(stored) in out and stored.stat().st_mode & 0o777 == 0o600
    place.play(f"/v1/tracks/{TEST_TRACK}", NO_PREMIUM)
    assert "Premium" in run("credentials", "test", code=1)[1]
    place.play(f"/v1/tracks/{TEST_TRACK}", reply({**A_TRACK, "id": TEST_TRACK}))
    assert "work" in run("credentials", "test")[0]
    assert "deleted" in run("credentials", "delete")[0] and not stored.exists()
    assert "none were stored" in run("credentials", "delete")[0]
    assert PLANTED_SECRET not in out + err and PLANTED_ID not in out + err


@pytest.mark.parametrize("lines", [(), ("", ""), (PLANTED_ID,), ("a:b", "c"), ("x" * 300, "y")])
def test_what_cannot_be_credentials_is_not_stored(
    place: Place, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lines: tuple[str, ...]
) -> None:
    typed(monkeypatch, *lines)
    out, err = run("credentials", "set", code=2)
    assert out == "" and err.count("\n") == 1 and not (tmp_path / "config" / "spotify.json").exists()


def test_a_secret_is_no_argument(place: Place, run: Run) -> None:
    run("credentials", "set", PLANTED_ID, PLANTED_SECRET, code=2)
