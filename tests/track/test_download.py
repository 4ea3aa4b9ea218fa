"""An external yt-dlp, played by an executable of our own: what it is asked, and what becomes of each of its answers."""

from __future__ import annotations

import json
import os
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_music.errors import DownloadError, FfmpegError, Interrupted
from lib_music.track.download import Candidate, Taken, Wanted, best, choices, fetch, find_program, program, search, take
from lib_music.track.download.match import judge
from tests.track.fake_ytdlp import calls, install

SONG = Wanted("Bohemian Rhapsody - Remastered 2011", ("Queen",), 354.3, "GBUM71029604")
ID = "fJ9rUzIMcZQ"


class Listener:
    """Hears the stages, and stops the work when told to."""

    def __init__(self, stop: Callable[[Listener], bool] = lambda _: False) -> None:
        self.stages: list[str] = []
        self.shares: list[float] = []
        self.stop = stop

    def stage(self, name: str, total: float = 1.0) -> None:
        self.stages.append(name)

    def done(self, amount: float) -> None:
        self.shares.append(amount)

    def check(self) -> None:
        if self.stop(self):
            raise Interrupted("stopped")


def entry(
    title: str, duration: float | None = 354, channel: str = "Queen - Topic", id: str = ID, **more: Any
) -> dict[str, Any]:
    return {"id": id, "title": title, "duration": duration, "channel": channel, "_type": "url", **more}


def found(*entries: object) -> dict[str, str]:
    return {"stdout": json.dumps({"_type": "playlist", "entries": entries})}


def tone(path: Path, seconds: float) -> Path:
    t = np.arange(int(8000 * seconds)) / 8000
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes((8000 * np.sin(2 * np.pi * 440 * t)).astype("<i2").tobytes())
    return path


def candidate(duration: float | None = 6.0, wanted: float | None = 6.0, verdict: Any = "take") -> Candidate:
    return Candidate(ID, "The Song", "The Band - Topic", duration, wanted, 95.0, verdict)


def gone(pid: int) -> bool:
    """Whether a process is over, or is soon: it was sent a signal, and dies when it has its turn."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


# --- which recording


@pytest.mark.parametrize(("title", "channel", "duration", "verdict"), [
    ("Bohemian Rhapsody", "Queen - Topic", 355, "take"),
    ("Bohemian Rhapsody (Remastered 2011)", "Queen - Topic", 354, "take"),
    ("Queen – Bohemian Rhapsody (Official Video Remastered)", "Queen Official", 357, "take"),
    ("QUEEN - BOHEMIAN RHAPSODY (Official Audio)", "someone", 357.3, "take"),
    ("Queen – Bohemian Rhapsody (Official Video)", "Queen Official", 357.4, "ask"),
    ("Bohemian Rhapsody", "Queen - Topic", 368.3, "ask"),
    ("Bohemian Rhapsody", "Queen - Topic", 340.3, "ask"),
    ("Bohemian Rhapsody", "Queen - Topic", 368.4, "refuse"),
    ("Bohemian Rhapsody", "Queen - Topic", 340.2, "refuse"),
    ("Bohemian Rhapsody", "Queen - Topic", None, "ask"),
    ("Queen - Bohemian Rhapsody (Live Aid 1985)", "Queen Official", 354, "ask"),
    ("Queen - Bohemian Rhapsody (Slowed + Reverb)", "x", 354, "ask"),
    ("Queen - Bohemian Rhapsody (Sped Up)", "x", 354, "ask"),
    ("Queen - Bohemian Rhapsody [Nightcore]", "x", 354, "ask"),
    ("Queen - Bohemian Rhapsody (Karaoke)", "Queen - Topic", 354, "ask"),
    ("Queen - Bohemian Rhapsody", "Sing King Karaoke", 354, "ask"),
    ("Queen - Bohemian Rhapsody 8D AUDIO", "8D Tunes", 354, "ask"),
    ("Queen - Bohemian Rhapsody (Instrumental)", "Queen - Topic", 354, "ask"),
    ("Bohemian Rhapsody (Queen Cover)", "A Girl", 354, "ask"),
    ("Bohemian Rhapsody", "The Muppets", 354, "ask"),
    ("Bohemian Rhapsody", "Queen Latifah - Topic", 354, "ask"),
    ("Bohemian Rhapsody, Pt. 2", "Queen - Topic", 354, "ask"),
    ("Radio Ga Ga", "Queen - Topic", 354, "ask"),
    ("How to boil an egg", "Kitchen", 354, "refuse"),
])  # fmt: skip
def test_what_is_taken_asked_about_and_refused(title: str, channel: str, duration: float | None, verdict: str) -> None:
    assert judge(SONG, ID, title, channel, duration, by_isrc=False).verdict == verdict


@pytest.mark.parametrize(("wanted", "title", "channel"), [
    (Wanted("Señorita (feat. Camila Cabello)", ("Shawn Mendes",), 191), "Shawn Mendes, Camila Cabello - Senorita", "x"),
    (Wanted("Live Forever", ("Oasis",), 191), "Oasis - Live Forever (Official Video)", "OasisVEVO"),
    (Wanted("HUMBLE.", ("Kendrick Lamar",), 191), "HUMBLE.", "KendrickLamarVEVO"),
    (Wanted("夜に駆ける", ("YOASOBI",), 191), "YOASOBI「夜に駆ける」 Official Music Video", "Ayase / YOASOBI"),
    (Wanted("1999", ("Prince",), 191), "Prince - 1999 (Official Music Video)", "Prince"),
    (Wanted("Alive", ("Pearl Jam",), 191), "Pearl Jam - Alive (Official Video)", "PearlJamVEVO"),
    (Wanted("Another Brick in the Wall, Pt. 2", ("Pink Floyd",), 191), "Another Brick in the Wall, Part Two",
     "Pink Floyd"),
    (Wanted("Intro - Live", ("The xx",), 191), "Intro (Live)", "The xx - Topic"),
    (Wanted("!!!", ("÷",), 191), "÷ - !!!", "x"),
    (Wanted("Hey", ("Ane Brun",), 191), "ANE BRUN: Hey", "x"),
])  # fmt: skip
def test_the_song_is_known_however_it_is_written(wanted: Wanted, title: str, channel: str) -> None:
    assert judge(wanted, ID, title, channel, 190, by_isrc=False).verdict == "take"


@pytest.mark.parametrize(("wanted", "title", "channel"), [
    (Wanted("Live Forever", ("Oasis",), 191), "Oasis - Live Forever (Live at Knebworth)", "Oasis"),
    (Wanted("Everybody Wants to Rule the World - Acoustic", ("Tears for Fears",), 191),
     "Everybody Wants to Rule the World", "Tears for Fears - Topic"),
    (Wanted("Another Brick in the Wall, Pt. 2", ("Pink Floyd",), 191), "Another Brick in the Wall, Pt. 1",
     "Pink Floyd"),
    (Wanted("Hurt", ("Johnny Cash",), 191), "Nine Inch Nails - Hurt", "nineinchnails"),
    (Wanted("Thriller", ("Michael Jackson",), 191), "Thriller", "Michael Jackson Tribute Band - Topic"),
    (Wanted("Bohemian Rhapsody", (), 191), "Bohemian Rhapsody", "Queen - Topic"),
    (Wanted("Bohemian Rhapsody", ("Queen",), None), "Bohemian Rhapsody", "Queen - Topic"),
])  # fmt: skip
def test_another_recording_is_never_taken_without_a_question(wanted: Wanted, title: str, channel: str) -> None:
    assert judge(wanted, ID, title, channel, 191, by_isrc=True).verdict != "take"


@given(st.text(), st.text(), st.floats() | st.none(), st.text(min_size=1), st.lists(st.text(), max_size=3))
@settings(max_examples=150, deadline=None)
def test_any_found_text_can_be_weighed(
    title: str, channel: str, duration: float | None, song: str, names: list[str]
) -> None:
    seconds = duration if duration is not None and 0 < duration < 1e5 else None
    try:
        wanted = Wanted(song, tuple(names), 200.0)
    except ValueError:
        return
    weighed = judge(wanted, ID, title, channel, seconds, by_isrc=False)
    assert 0 <= weighed.score <= 100
    if weighed.verdict == "take":
        assert seconds is not None and abs(seconds - 200) <= 3 and weighed.score >= 80
    if seconds is not None and abs(seconds - 200) > 14:
        assert weighed.verdict == "refuse"


# --- looking for it


def test_the_number_of_the_recording_is_asked_first_and_is_enough(tmp_path: Path) -> None:
    fake = install(tmp_path, isrc=found(entry("Bohemian Rhapsody")), search=found(entry("Other", id="b" * 11)))
    result = search(SONG, fake, Listener())
    assert [call["argv"][-1] for call in calls(fake)] == ["ytsearch10:GBUM71029604"]
    assert result[0].verdict == "take" and result[0].by_isrc
    assert result[0].url == f"https://www.youtube.com/watch?v={ID}"
    assert result[0].difference == pytest.approx(-0.3)


def test_then_title_and_artist_and_the_best_stands_first(tmp_path: Path) -> None:
    fake = install(tmp_path, isrc=found(), search=found(
        None, 7, entry("Queen - Bohemian Rhapsody (Live)", id="c" * 11), entry("Bohemian Rhapsody", 361, id="d" * 11),
        entry("Bohemian Rhapsody", 900, id="e" * 11), entry("Bohemian Rhapsody", 355)))
    result = search(SONG, fake, Listener())
    assert [c.id[0] for c in result] == ["f", "d", "c", "e"]
    assert best(result) == result[0] and choices(result) == result[:3]
    query = calls(fake)[1]["argv"]
    assert query[-2:] == ["--", "ytsearch10:Queen Bohemian Rhapsody Remastered 2011"]
    assert {"--ignore-config", "--no-update", "--flat-playlist", "--dump-single-json"} <= set(query)
    assert query[query.index("--socket-timeout") + 1].isdigit()
    assert not any(Path(call["cwd"]).exists() for call in calls(fake))


def test_never_more_than_five_choices(tmp_path: Path) -> None:
    many = [entry("Bohemian Rhapsody", 360, id=f"{i:011d}") for i in range(9)]
    assert len(choices(search(SONG, install(tmp_path, isrc=found(), search=found(*many)), Listener()))) == 5


def test_entries_that_are_no_recordings_are_passed_over(tmp_path: Path) -> None:
    odd = [entry("Bohemian Rhapsody", id="../../../x"), entry("x", id="https://e.v"), entry("x", live_status="is_live"),
           {"id": ID}, {"title": "x"}, [], "x", entry("Bohemian Rhapsody", id=[ID]), entry("y", id="--exec=ls;a"[:10])]
    fake = install(tmp_path, isrc=found(*odd), search=found(*odd))
    with pytest.raises(DownloadError, match="nothing found") as caught:
        search(SONG, fake, Listener())
    assert "upload the file" in caught.value.fix


@pytest.mark.parametrize("duration", [True, "355", -1, 0, float("nan"), float("inf"), 10**400, None, [355], 1e9])
def test_a_length_that_is_none_is_unknown(tmp_path: Path, duration: Any) -> None:
    text = json.dumps({"entries": [entry("Bohemian Rhapsody", duration)]})
    fake = install(tmp_path, isrc={"stdout": text}, search={"stdout": text})
    result = search(SONG, fake, Listener())
    assert result[0].duration is None and result[0].verdict == "ask" and result[0].difference is None


@pytest.mark.parametrize("title", [
    "--exec rm -rf /", "-o /etc/passwd", "`id`; $(id) && id", "https://evil.example/x", "a\nb\0c\x1b[31m",
    "ytsearch99:x", "%(id)s", "x" * 5000, "../../etc", "\ud800\u202e", "--config-location=/x", "ab|calc.exe&", "-",
])  # fmt: skip
def test_found_text_is_never_an_option_an_address_or_a_path(tmp_path: Path, title: str) -> None:
    fake = install(tmp_path, search=found(entry(title)))
    wanted = Wanted(f"T {title}", (title, "B"), 354)
    search(wanted, fake, Listener())
    (call,) = calls(fake)
    *_, marker, query = call["argv"]
    assert marker == "--" and query.startswith("ytsearch10:") and len(query) < 180
    assert query.isprintable() and not set("|&;`<>\"()%:") & set(query.removeprefix("ytsearch10:")) - {"&"}
    assert call["argv"][:-1].count("--") == 1


FAILURES = [
    ("ERROR: [youtube] x: Sign in to confirm you’re not a bot. Use --cookies-from-browser", "bot"),
    ("ERROR: [youtube] x: Sign in to confirm you're not a bot.", "bot"),
    ("ERROR: unable to download video data: HTTP Error 403: Forbidden", "403"),
    ("ERROR: Unable to download API page: HTTP Error 429: Too Many Requests", "429"),
    ("WARNING: No supported JavaScript runtime could be found.\n"
     "ERROR: [youtube] x: Requested format is not available. Use --list-formats", "JavaScript"),
    ("WARNING: [youtube] x: n challenge solving failed: Some formats may be missing.", "JavaScript"),
    ("ERROR: Postprocessing: ffprobe and ffmpeg not found. Please install", "ffmpeg"),
    ("ERROR: Unable to download API page: Failed to resolve 'www.youtube.com' ([Errno -2] Name or service not known)",
     "no network"),
    ("ERROR: [youtube] x: Unable to download webpage: <[Errno 101] Network is unreachable>", "no network"),
    ("ERROR: [youtube] x: The read operation timed out", "in time"),
    ("ERROR: [youtube] x: Private video. Sign in if you've been granted access to this video", "private"),
    ("ERROR: [youtube] x: Sign in to confirm your age. This video may be inappropriate for some users.", "age"),
    ("ERROR: [youtube] x: The uploader has not made this video available in your country", "country"),
    ("ERROR: [youtube] x: Join this channel to get access to members-only content", "members"),
    ("ERROR: [youtube] x: Video unavailable. This video has been removed by the uploader", "gone"),
    ("ERROR: unable to write data: [Errno 28] No space left on device", "disk is full"),
    ("yt-dlp: error: no such option: --match-filters", "too old"),
    ("ImportError: You are using an unsupported version of Python. Only Python versions 3.11", "Python"),
    ("ERROR: [youtube] x: Unable to extract player response; please report this issue", "no longer understands"),
    ("ERROR: something nobody has seen before", "nobody has seen before"),
    ("", "said nothing"),
]


@pytest.mark.parametrize(("stderr", "says"), FAILURES)
@pytest.mark.parametrize("when", ["search", "fetch"])
def test_each_failure_is_said_plainly_with_a_way_on(tmp_path: Path, when: str, stderr: str, says: str) -> None:
    fake = install(tmp_path / "bin", **{when: {"stderr": stderr, "status": 1}}, version={"stdout": "2026.10.21\n"})
    folder = tmp_path / "project"
    with pytest.raises(DownloadError) as caught:
        if when == "search":
            search(Wanted("T", ("A",), 6.0), fake, Listener())
        else:
            take(candidate(), folder, fake, Listener())
    assert says in caught.value.message and caught.value.fix.endswith("upload the file")
    assert not folder.exists() or not list(folder.iterdir())


def test_an_old_program_is_said_to_be_old(tmp_path: Path) -> None:
    fake = install(tmp_path, search={"stderr": "ERROR: HTTP Error 403: Forbidden", "status": 1},
                   version={"stdout": "2025.06.09\n"})
    with pytest.raises(DownloadError, match=r"2025\.06\.09, which is too old") as caught:
        search(Wanted("T", ("A",), 6.0), fake, Listener())
    assert "update" in caught.value.fix


@pytest.mark.parametrize("stdout", ["", "null", "[]", "{", "<html>", '{"entries": 7}', "\xff", "[" * 100_000, "{}"])
def test_garbage_is_called_so(tmp_path: Path, stdout: str) -> None:
    with pytest.raises(DownloadError, match="no usable answer"):
        search(Wanted("T"), install(tmp_path, search={"stdout": stdout}), Listener())


def test_an_answer_without_end_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="without end"):
        search(Wanted("T"), install(tmp_path, search={"flood": True}), Listener())
    assert gone(calls(tmp_path / "yt-dlp")[0]["pid"])


def test_a_search_that_hangs_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    fake = install(tmp_path, search={"sleep": 60, "grandchild": True})
    before = time.monotonic()
    with pytest.raises(DownloadError, match="longer than 1 s"):
        search(Wanted("T"), fake, Listener(), seconds=1.0)
    assert time.monotonic() - before < 40
    assert gone(calls(fake)[0]["pid"]) and gone(int((tmp_path / "grandchild").read_text()))


def test_killed_is_said(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"killed \(signal 9\)"):
        search(Wanted("T"), install(tmp_path, search={"die": "SIGKILL"}), Listener())


def test_a_search_can_be_stopped(tmp_path: Path) -> None:
    fake = install(tmp_path, search={"sleep": 60})
    with pytest.raises(Interrupted):
        search(Wanted("T"), fake, Listener(lambda _: bool(calls(fake))))
    assert gone(calls(fake)[0]["pid"])


# --- the program


def test_the_program_is_the_configured_one_or_the_one_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other, third = (install(tmp_path / name) for name in "abc")
    monkeypatch.setenv("PATH", str(one.parent))
    monkeypatch.delenv("MUSIC_VISUALIZER_YTDLP", raising=False)
    assert find_program() == one
    monkeypatch.setenv("MUSIC_VISUALIZER_YTDLP", str(other))
    assert find_program() == other and find_program(third) == third
    monkeypatch.setenv("MUSIC_VISUALIZER_YTDLP", str(tmp_path / "none"))
    with pytest.raises(DownloadError, match="none"):
        find_program()
    monkeypatch.delenv("MUSIC_VISUALIZER_YTDLP")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert find_program() is None
    for ask in (lambda: search(SONG, None, Listener()), lambda: take(candidate(), tmp_path / "p", None, Listener())):
        with pytest.raises(DownloadError, match="no yt-dlp found") as caught:
            ask()
        assert "upload the file" in caught.value.fix
    assert not (tmp_path / "p").exists()


def test_a_batch_file_is_not_run(tmp_path: Path) -> None:
    batch = install(tmp_path).rename(tmp_path / "yt-dlp.cmd")
    with pytest.raises(DownloadError, match="batch"):
        find_program(batch)


def test_what_cannot_be_started_is_said(tmp_path: Path) -> None:
    broken = tmp_path / "yt-dlp"
    broken.write_bytes(b"\x7fELF nothing")
    broken.chmod(0o755)
    with pytest.raises(DownloadError, match="cannot start"):
        search(SONG, broken, Listener())


def test_the_child_sees_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted = {
        "SPOTIPY_CLIENT_ID": "planted-1", "SPOTIPY_CLIENT_SECRET": "planted-2", "SPOTIFY_CLIENT_SECRET": "planted-3",
        "MUSIC_VISUALIZER_WEBUI_AUTH": "me:planted-4", "HF_TOKEN": "planted-5", "MY_SECRET": "planted-6",
        "OPENAI_API_KEY": "planted-7", "COMMANDLINE_ARGS": "--gradio-auth me:planted-8", "DB_PASSWORD": "planted-9",
        "COPY_OF_IT": "xx planted-2 xx",
    }  # fmt: skip
    for name, value in planted.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    fake = install(tmp_path / "bin", search=found(entry("T")), fetch={"sound": str(tone(tmp_path / "t.wav", 6))})
    search(Wanted("T"), fake, Listener())
    take(candidate(), tmp_path / "project", fake, Listener())
    assert len(calls(fake)) == 2
    for call in calls(fake):
        assert "planted" not in json.dumps(call)
        assert call["env"]["HTTPS_PROXY"] == "http://127.0.0.1:9" and call["env"]["PATH"] == os.environ["PATH"]


# --- taking it


def test_a_recording_is_taken_measured_and_remembered(tmp_path: Path) -> None:
    sound = tone(tmp_path / "t.wav", 6.5)
    fake = install(tmp_path / "bin", fetch={"sound": str(sound), "progress": [0.2, 0.6], "leave": ["audio.wav.part"]})
    folder, listener = tmp_path / "my $project; %(id)s", Listener()
    taken = take(candidate(), folder, fake, listener, name="../The Song: ★ / AC/DC")
    assert taken == Taken(folder / "the-song-ac-dc.wav", f"https://www.youtube.com/watch?v={ID}", "The Song",
                          "The Band - Topic", pytest.approx(6.5), pytest.approx(0.5), 95.0, False, False)
    assert [path.name for path in folder.iterdir()] == ["the-song-ac-dc.wav"]
    assert taken.path.read_bytes() == sound.read_bytes()
    assert listener.stages == ["download"] and listener.shares == [0.2, 0.6, 1.0]
    assert json.loads(json.dumps(taken.to_dict()))["file"] == "the-song-ac-dc.wav"
    (call,) = calls(fake)
    argv = call["argv"]
    assert argv[-2:] == ["--", f"https://www.youtube.com/watch?v={ID}"]
    assert argv[argv.index("-o") + 1] == "audio.%(ext)s" and Path(call["cwd"]).parent == folder
    assert {"--ignore-config", "--no-update", "--no-playlist", "--max-filesize", "-x", "--audio-format"} <= set(argv)
    assert Path(argv[argv.index("--ffmpeg-location") + 1]).is_file()


def test_nothing_of_the_persons_is_overwritten(tmp_path: Path) -> None:
    fake = install(tmp_path / "bin", fetch={"sound": str(tone(tmp_path / "t.wav", 6))})
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "the-song.wav").write_bytes(b"mine")
    assert take(candidate(), folder, fake, Listener()).path.name == "the-song-2.wav"
    assert (folder / "the-song.wav").read_bytes() == b"mine"


@pytest.mark.parametrize(("duration", "wanted", "verdict", "length", "says"), [
    (6.0, 6.0, "take", 2.0, "announced"),
    (8.0, 6.0, "take", 10.0, "the song 6 s"),
    (8.0, 6.0, "ask", 3.0, "announced"),
    (None, 6.0, "ask", 21.0, "the song 6 s"),
])
def test_what_arrives_must_be_as_long_as_agreed(
    tmp_path: Path, duration: float, wanted: float, verdict: str, length: float, says: str
) -> None:
    fake = install(tmp_path / "bin", fetch={"sound": str(tone(tmp_path / "t.wav", length))})
    with pytest.raises(DownloadError, match=says) as caught:
        take(candidate(duration, wanted, verdict), tmp_path / "project", fake, Listener())
    assert "upload the file" in caught.value.fix
    assert not list((tmp_path / "project").iterdir())


def test_what_the_person_chose_may_differ_and_says_by_how_much(tmp_path: Path) -> None:
    fake = install(tmp_path / "bin", fetch={"sound": str(tone(tmp_path / "t.wav", 12))})
    taken = take(candidate(None, 6.0, "ask"), tmp_path / "project", fake, Listener())
    assert taken.asked and taken.difference == pytest.approx(6.0)


def test_what_is_refused_is_not_fetched(tmp_path: Path) -> None:
    fake = install(tmp_path)
    with pytest.raises(DownloadError, match="not this song"):
        take(candidate(90.0, 6.0, "refuse"), tmp_path / "project", fake, Listener())
    assert not calls(fake)
    with pytest.raises(ValueError, match="agree in length"):
        candidate(None, 6.0, "take")


@pytest.mark.parametrize("suffix", ["wav", "m4a", "mhtml", "exe"])
def test_no_sound_is_no_song(tmp_path: Path, suffix: str) -> None:
    page = tmp_path / "page"
    page.write_bytes(b"<html>" * 1000)
    fake = install(tmp_path / "bin", fetch={"sound": str(page), "suffix": suffix})
    with pytest.raises(DownloadError, match="no sound"):
        take(candidate(), tmp_path / "project", fake, Listener())
    assert not list((tmp_path / "project").iterdir())


@pytest.mark.parametrize(("step", "says"), [
    ({"stdout": "[download] File is larger than max-filesize (300 bytes > 200 bytes). Aborting.\n"}, "too large"),
    ({"stdout": "[download] Song does not pass filter (!is_live), skipping ..\n"}, "live"),
    ({"leave": ["audio.wav.part"], "die": "SIGTERM"}, "killed"),
    ({"leave": ["audio.temp.m4a", "audio.f140.m4a.part"]}, "said nothing"),
])
def test_half_of_it_is_nothing(tmp_path: Path, step: dict[str, Any], says: str) -> None:
    with pytest.raises(DownloadError, match=says):
        take(candidate(), tmp_path / "project", install(tmp_path / "bin", fetch=step), Listener())
    assert not list((tmp_path / "project").iterdir())


def test_taking_can_be_stopped_and_leaves_nothing(tmp_path: Path) -> None:
    step = {"progress": [0.1, 0.2, 0.3], "sleep": 60, "leave": ["audio.wav.part"], "grandchild": True}
    fake = install(tmp_path / "bin", fetch=step)
    with pytest.raises(Interrupted):
        take(candidate(), tmp_path / "project", fake, Listener(lambda heard: len(heard.shares) > 1))
    assert gone(calls(fake)[0]["pid"]) and gone(int((tmp_path / "bin" / "grandchild").read_text()))
    assert not list((tmp_path / "project").iterdir())


def test_what_a_killed_run_left_is_cleared_away(tmp_path: Path) -> None:
    left = tmp_path / "project" / ".download.999999999-1.part"
    left.mkdir(parents=True)
    (left / "audio.wav.part").write_bytes(b"half")
    fake = install(tmp_path / "bin", fetch={"sound": str(tone(tmp_path / "t.wav", 6))})
    take(candidate(), left.parent, fake, Listener())
    assert [path.name for path in left.parent.iterdir()] == ["the-song.wav"]


def test_without_ffmpeg_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FfmpegError("no ffmpeg found", "put ffmpeg on PATH")

    monkeypatch.setattr(fetch, "ffmpeg_exe", none)
    fake = install(tmp_path)
    with pytest.raises(DownloadError, match="no ffmpeg found") as caught:
        take(candidate(), tmp_path / "project", fake, Listener())
    assert "upload the file" in caught.value.fix and not calls(fake)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(DownloadError, match="cannot write"):
        take(candidate(), closed, install(tmp_path / "bin"), Listener())


def test_the_folder_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "project").write_text("x")
    with pytest.raises(DownloadError, match="cannot write"):
        take(candidate(), tmp_path / "project", install(tmp_path / "bin"), Listener())


def test_too_much_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_BYTES", 3)
    fake = install(tmp_path / "bin", fetch={"leave": ["audio.wav.part"], "sleep": 60})
    with pytest.raises(DownloadError, match="too large"):
        take(candidate(), tmp_path / "project", fake, Listener())
    assert gone(calls(fake)[0]["pid"]) and not list((tmp_path / "project").iterdir())


def test_nothing_is_imported_or_run_through_a_shell() -> None:
    for module in (fetch, program):
        source = Path(str(module.__file__)).read_text()
        assert "import yt_dlp" not in source and "shell=True" not in source
