"""Nobody finds the credentials: not in files, output, logs, or what children are given, whatever fails."""

from __future__ import annotations

import base64
import json
import logging
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lib_music import credentials
from lib_music.audio import open_audio
from lib_music.cli import main
from lib_music.demo.compose import compose, write
from lib_music.ffmpeg import ffmpeg_exe
from lib_music.track import know
from lib_music.track.spotify import TEST_TRACK
from tests.track.fake_ytdlp import install
from tests.track.places import PLANTED_ID, PLANTED_SECRET, outside, picture
from tests.track.spotify_server import (
    A_TOKEN,
    A_TRACK,
    COVER,
    EXPIRED,
    ID,
    NO_PREMIUM,
    QUOTA,
    TOKEN,
    WRONG_SECRET,
    Place,
    Reply,
    redirect,
    reply,
    spotify_server,
    text,
)

LINK = f"https://open.spotify.com/track/{ID}"
#: Another pair, for the file.
STORED_ID, STORED_SECRET = "11112222333344445555666677778888", "88887777666655554444333322221111"
SMALL = ("--size", "64x64", "--fps", "12")
TRACK = f"/v1/tracks/{ID}"


def traces() -> list[bytes]:
    """Every form in which a secret could be written."""
    found = [TOKEN]
    for id, secret in ((PLANTED_ID, PLANTED_SECRET), (STORED_ID, STORED_SECRET)):
        found += [id, secret, base64.b64encode(f"{id}:{secret}".encode()).decode(),
                  base64.b64encode(secret.encode()).decode()[:40]]  # fmt: skip
    return [trace.encode() for trace in found]


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What children are given: an ffmpeg that writes down its arguments and its environment, and goes on."""
    notes, real = tmp_path / "children.txt", shutil.which("ffmpeg") or ffmpeg_exe()
    wrapper = tmp_path / "bin" / "ffmpeg"
    wrapper.parent.mkdir()
    wrapper.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        f"open({str(notes)!r}, 'a').write(repr(sys.argv) + repr(dict(os.environ)) + '\\n')\n"
        f"os.execv({real!r}, [{real!r}, *sys.argv[1:]])\n"
    )
    wrapper.chmod(0o755)
    monkeypatch.setenv("MUSIC_VISUALIZER_FFMPEG", str(wrapper))
    ffmpeg_exe.cache_clear()
    yield notes
    ffmpeg_exe.cache_clear()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for name, folder in (("MUSIC_VISUALIZER_CONFIG", "config"), ("MUSIC_VISUALIZER_CACHE", "cache"), ("HOME", "home")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with spotify_server() as place:
        monkeypatch.setattr(know, "OUTSIDE", outside(place, timeout=1.0))
        place.play("open.spotify.com/oembed", reply({"title": "Public Title", "thumbnail_url": COVER}))
        place.play(f"i.scdn.co{COVER.partition('i.scdn.co')[2]}", picture())
        yield place


def played(place: Place, path: str, *replies: Reply) -> None:
    """The server as it is at first, but for one place."""
    place.play("/api/token", A_TOKEN)
    place.play(TRACK, reply(A_TRACK))
    place.play(path, *replies)


FAILURES: tuple[tuple[str, Reply], ...] = (
    ("/api/token", WRONG_SECRET),
    (TRACK, NO_PREMIUM),
    (TRACK, EXPIRED),
    (TRACK, QUOTA),
    (TRACK, redirect("https://evil.example/")),
    (TRACK, Reply(200, b'{"name": "x"}', cut=5)),
    (TRACK, Reply(delay=2.0)),
    (TRACK, Reply(raw=b"\0\1\2")),
)


def echoes(id: str, secret: str) -> tuple[tuple[str, Reply], ...]:
    """Refusals that repeat what they were given."""
    message = {"error": {"status": 403, "message": f"no access for {id} with {secret}"}}
    return (("/api/token", text(f"no: {id}:{secret}", 400)), (TRACK, reply(message, 403)))


def test_no_secret_is_found_anywhere(
    place: Place, noted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    for name in ("lib_music", "spotipy", "spotipy.client", "urllib3", "urllib3.connectionpool", "requests"):
        caplog.set_level(logging.DEBUG, logger=name)
    log = logging.FileHandler(tmp_path / "debug.log")
    logging.getLogger().addHandler(log)
    logging.getLogger("lib_music").addHandler(log)
    try:
        _everything(place, tmp_path, monkeypatch)
    finally:
        logging.getLogger().removeHandler(log)
        logging.getLogger("lib_music").removeHandler(log)
        log.close()
    out, err = capsys.readouterr()
    (tmp_path / "output.txt").write_text(out + err + caplog.text)
    assert noted.read_text().count("'PATH'") > 3, "children were watched"
    assert (tmp_path / "debug.log").stat().st_size
    sent = json.dumps([asked.headers for asked in place.asked])
    assert TOKEN in sent and base64.b64encode(f"{PLANTED_ID}:{PLANTED_SECRET}".encode()).decode() in sent
    searched = 0
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        data = path.read_bytes()
        searched += 1
        for trace in traces():
            assert trace not in data, (path, trace)
    assert searched > 20


def _everything(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that asks Spotify or starts a child, first with the environment's credentials, then with the stored ones."""
    song = write(compose(2, bpm=120, plan=(("verse", 3), ("chorus", 3))), tmp_path / "tune.wav")
    length = open_audio(song).total
    A_TRACK_HERE = {**A_TRACK, "duration_ms": int(1000 * length)}
    listed = {"stdout": json.dumps({"entries": [{"id": "fJ9rUzIMcZQ", "title": "Never Gonna Give You Up",
                                                  "duration": length, "channel": "Rick Astley - Topic"}]})}  # fmt: skip
    program = install(tmp_path / "yt", search=listed, isrc=listed, fetch={"sound": str(song)})
    monkeypatch.setenv("MUSIC_VISUALIZER_YTDLP", str(program))
    for round_, (id, secret) in enumerate(((PLANTED_ID, PLANTED_SECRET), (STORED_ID, STORED_SECRET))):
        if round_ == 0:
            monkeypatch.setenv("SPOTIPY_CLIENT_ID", id)
            monkeypatch.setenv("SPOTIPY_CLIENT_SECRET", secret)
            monkeypatch.setenv("COMMANDLINE_ARGS", f"--api-auth me:{secret}")
        else:
            for name in (*credentials.ID_VARIABLES, *credentials.SECRET_VARIABLES, "COMMANDLINE_ARGS"):
                monkeypatch.delenv(name, raising=False)
            import io

            monkeypatch.setattr("sys.stdin", io.StringIO(f"{id}\n{secret}\n"))
            assert main(["credentials", "set"]) == 0
        for path, answer in (*echoes(id, secret), *(FAILURES if round_ == 0 else ())):
            played(place, path, answer)
            assert main(["track", LINK, "--json", "--debug"]) == 0
        place.play(f"/v1/tracks/{TEST_TRACK}", NO_PREMIUM)
        assert main(["credentials", "test", "--debug"]) == 1
        played(place, TRACK, reply(A_TRACK_HERE))
        more = ["--spotify-content", "--spotify-analysis", "auto", "--out", f"given-{round_}", *SMALL]
        assert main(["animate" if round_ else "render", LINK, "--audio", str(song), *more]) == 0
        assert main(["animate", LINK, "--allow-download", "--out", f"fetched-{round_}", *SMALL]) == 0
        assert main(["render", LINK, "--audio", str(tmp_path / "none.wav"), "--debug"]) == 2
        assert main(["credentials", "show"]) == 0
        assert main(["doctor"]) in (0, 1)
    stored = tmp_path / "config" / credentials.FILE
    assert STORED_SECRET in stored.read_text()
    assert main(["credentials", "delete"]) == 0
