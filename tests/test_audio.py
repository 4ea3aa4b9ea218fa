"""Sound is made here with known truth, put into every container by the real ffmpeg, and read back."""

from __future__ import annotations

import hashlib
import inspect
import os
import socket
import subprocess
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib_music.audio import Audio, open_audio
from lib_music.errors import AudioError, InputError, RangeError
from lib_music.ffmpeg import ffmpeg_exe

SR = 44100
SECONDS = 6
#: Clicks every half second, the first at 0.5 s.
FIRST_CLICK = 0.5
PLAIN = ("wav", "mp3", "m4a", "aac", "flac", "ogg", "opus", "aiff")
VIDEO = {"webm": ("-c:v", "libvpx", "-c:a", "libopus"), "mp4": (), "mkv": (), "mov": ()}


def run_ffmpeg(*args: str | Path) -> None:
    subprocess.run([ffmpeg_exe(), "-v", "error", "-y", *map(str, args)], check=True, stdin=subprocess.DEVNULL)


def write_wav(path: Path, samples: np.ndarray, sr: int = SR) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(sr)
        file.writeframes(np.round(np.repeat(samples[:, None], 2, 1) * 32767).astype("<i2").tobytes())
    return path


def clicks() -> np.ndarray:
    rng = np.random.default_rng(0)
    samples = 0.03 * np.sin(2 * np.pi * 220 * np.arange(SECONDS * SR) / SR)
    burst = 0.6 * rng.standard_normal(1500).clip(-1, 1) * np.exp(-np.arange(1500) / 250)
    for k in range(1, 2 * SECONDS):
        at = round(k * 0.5 * SR)
        samples[at : at + 1500] += burst
    return samples.clip(-1, 1)


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The click track in every container; ``faststart`` has its index in front."""
    folder = tmp_path_factory.mktemp("songs")
    wav = write_wav(folder / "song.wav", clicks())
    made = {"wav": wav}
    for kind in PLAIN[1:]:
        run_ffmpeg("-i", wav, made.setdefault(kind, folder / f"song.{kind}"))
    for kind, codecs in VIDEO.items():
        picture = ("-f", "lavfi", "-i", f"testsrc=s=64x64:r=10:d={SECONDS + 2}")
        run_ffmpeg(*picture, "-i", wav, "-pix_fmt", "yuv420p", *codecs,
                   made.setdefault(kind, folder / f"video.{kind}"))
    made["faststart"] = folder / "front.m4a"
    run_ffmpeg("-i", made["m4a"], "-c", "copy", "-movflags", "+faststart", made["faststart"])
    return made


def whole(audio: Audio, sr: int = SR) -> np.ndarray:
    return np.concatenate(list(audio.blocks(sr)))


def lag(samples: np.ndarray, reference: np.ndarray, sr: int) -> float:
    """Seconds by which ``samples`` come later than ``reference``, by their cross-correlation."""
    n = 1 << int(np.ceil(np.log2(len(samples) + len(reference))))
    spectrum = np.fft.rfft(samples, n) * np.conj(np.fft.rfft(reference, n))
    best = int(np.argmax(np.fft.irfft(spectrum, n)))
    return (best if best < n // 2 else best - n) / sr


@pytest.mark.parametrize("sr", [SR, 22050])
@pytest.mark.parametrize("kind", [*PLAIN, *VIDEO])
def test_clicks_lie_where_they_were_put(songs: dict[str, Path], kind: str, sr: int) -> None:
    audio = open_audio(songs[kind])
    samples, reference = whole(audio, sr), whole(open_audio(songs["wav"]), sr)
    assert audio.total == pytest.approx(SECONDS, abs=0.03)
    assert lag(samples, reference, sr) == pytest.approx(0, abs=0.001)
    first = int(np.argmax(np.abs(samples) > 0.2)) / sr
    assert first == pytest.approx(FIRST_CLICK, abs=0.005)
    assert audio.warnings == ()


@pytest.mark.parametrize("kind", ["wav", "mp3", "m4a", "flac", "ogg", "webm"])
def test_a_range_holds_the_same_samples(songs: dict[str, Path], kind: str) -> None:
    audio = open_audio(songs[kind])
    rate = audio.sample_rate
    samples = whole(audio, rate)
    part = open_audio(songs[kind], start=1.2345, duration=2.5)
    cut = whole(part, rate)
    begin = round(1.2345 * rate)
    assert (part.start, part.duration, part.total) == (1.2345, 2.5, audio.total)
    assert len(cut) == round(2.5 * rate)
    # Opus decodes in floats whose last bits depend on where a block begins
    np.testing.assert_allclose(cut, samples[begin : begin + len(cut)], atol=1e-3)


def test_a_song_that_changes_its_format_keeps_its_times(songs: dict[str, Path], tmp_path: Path) -> None:
    run_ffmpeg("-i", songs["wav"], "-t", "3", "-ac", "1", "-b:a", "96k", "-write_xing", "0", tmp_path / "mono.mp3")
    joined = tmp_path / "joined.mp3"
    joined.write_bytes((tmp_path / "mono.mp3").read_bytes() + songs["mp3"].read_bytes())
    everything = whole(open_audio(joined), 22050)
    assert len(everything) / 22050 == pytest.approx(3 + SECONDS, abs=0.15)
    part = whole(open_audio(joined, start=2.0, duration=4.0), 22050)
    np.testing.assert_allclose(part, everything[2 * 22050 : 6 * 22050], atol=1e-3)


def test_two_channels_on_wish(tmp_path: Path) -> None:
    for layout, right in (("stereo", 0.4), ("mono", 0.8)):
        expression = "0.8*sin(440*2*PI*t)" + ("|0.4*sin(440*2*PI*t)" if layout == "stereo" else "")
        run_ffmpeg("-f", "lavfi", "-i", f"aevalsrc={expression}:s=48000:d=1", tmp_path / "tone.wav")
        pair = np.concatenate(list(open_audio(tmp_path / "tone.wav", start=0.25).blocks(48000, 0.3, channels=2)))
        assert pair.shape == (36000, 2)
        np.testing.assert_allclose(np.abs(pair).max(0), (0.8, right), atol=0.01)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.floats(0, SECONDS - 0.05), length=st.floats(0.01, 2 * SECONDS), sr=st.sampled_from([8000, 22050]))
def test_any_range_has_its_promised_length(songs: dict[str, Path], start: float, length: float, sr: int) -> None:
    audio = open_audio(songs["wav"], start=start, duration=length)
    blocks = list(audio.blocks(sr, seconds=0.5))
    assert sum(map(len, blocks)) == round(audio.duration * sr)
    assert all(block.dtype == np.float32 and len(block) <= sr // 2 for block in blocks)
    assert audio.duration == pytest.approx(min(length, SECONDS - start), abs=1e-5)
    assert bool(audio.warnings) == (length > SECONDS - start + 1e-6)


def test_the_hash_is_of_the_bytes(songs: dict[str, Path]) -> None:
    assert open_audio(songs["ogg"]).content_hash == hashlib.sha256(songs["ogg"].read_bytes()).hexdigest()


def test_samples_are_the_mean_of_the_channels_within_one(tmp_path: Path) -> None:
    run_ffmpeg("-f", "lavfi", "-i", "aevalsrc=0.8*sin(440*2*PI*t)|0:s=48000:d=1", tmp_path / "left.wav")
    assert np.abs(whole(open_audio(tmp_path / "left.wav"), 48000)).max() == pytest.approx(0.4, abs=0.01)
    loud = "-f", "lavfi", "-i", "aevalsrc=0.9*sin(440*2*PI*t)|0.9*sin(440*2*PI*t):s=48000:d=1"
    run_ffmpeg(*loud, "-c:a", "pcm_f32le", tmp_path / "loud.wav")
    assert np.abs(whole(open_audio(tmp_path / "loud.wav"), 48000)).max() == pytest.approx(0.9, abs=0.01)
    run_ffmpeg(*loud, "-af", "volume=4", "-c:a", "pcm_f32le", tmp_path / "hot.wav")
    assert np.abs(whole(open_audio(tmp_path / "hot.wav"), 48000)).max() == 1.0


@pytest.mark.parametrize("kind", ["wav", "mp3", "m4a", "opus"])
def test_channels_that_cancel_out_are_not_silence(tmp_path: Path, kind: str) -> None:
    """One upside down, the codec's error between them: what is heard is half their difference."""
    loud, path = 0.5 * clicks(), tmp_path / f"song.{kind}"
    both = tmp_path / "both.wav"
    with wave.open(str(both), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(SR)
        file.writeframes(np.round(np.stack([loud, -loud], axis=1) * 32767).astype("<i2").tobytes())
    if path != both:
        run_ffmpeg("-i", both, path)
    audio = open_audio(path)
    assert audio.opposed and not audio.warnings
    samples = whole(audio)
    assert abs(lag(samples, loud, SR)) < 2e-3
    assert np.sqrt((samples**2).mean()) == pytest.approx(np.sqrt((loud**2).mean()), rel=0.25)
    sides = np.concatenate(list(audio.blocks(SR, channels=2)))
    assert np.abs((sides[:, 0] - sides[:, 1]) / 2 - samples).max() < 1e-6


def test_channels_that_only_differ_are_not_opposed(songs: dict[str, Path], tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    sound = rng.normal(0, 0.1, (SR, 2))
    for name, sides in (("apart", sound), ("one", sound * (1, 0)), ("back", sound[:, :1] * (1, -0.3))):
        with wave.open(str(tmp_path / f"{name}.wav"), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(SR)
            file.writeframes(np.round(sides * 32767).astype("<i2").tobytes())
        assert not open_audio(tmp_path / f"{name}.wav").opposed
    assert not open_audio(songs["wav"]).opposed


@pytest.mark.parametrize("layout", ["mono", "5.1", "7.1", "quad"])
def test_any_number_of_channels(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "surround.flac"
    run_ffmpeg("-f", "lavfi", "-i", f"sine=440:d=1:r=48000,aformat=channel_layouts={layout}", path)
    audio = open_audio(path)
    assert (audio.total, audio.warnings) == (1.0, ())
    assert np.abs(whole(audio, 8000)).max() > 0.01


# --- what cannot be used ------------------------------------------------------------------------------


def refused(path: Path, kind: type[InputError] = AudioError, **options: float) -> str:
    """The message and fix with which opening is refused; at once, in one line, and with exit code 2."""
    before = time.monotonic()
    with pytest.raises(kind) as caught:
        open_audio(path, **options)
    assert time.monotonic() - before < 30
    assert caught.value.exit_code == 2
    assert caught.value.fix
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "nothing.mp3")
    (tmp_path / "file").write_bytes(b"x")
    assert "no such file" in refused(tmp_path / "file" / "inside.mp3")


def test_names_that_cannot_be(tmp_path: Path) -> None:
    assert "cannot open" in refused(Path("nul\0.mp3"))
    assert "cannot open" in refused(tmp_path / ("x" * 300 + ".mp3"))


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.mp3").touch()
    said = refused(tmp_path / "empty.mp3")
    assert "empty.mp3 is empty" in said and str(tmp_path) not in said, "an upload's place is nobody's business"


def test_opening_a_long_song_can_be_stopped(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise Stop

    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 48_000, 0, "NONE", ""))
        file.writeframes(bytes(60 * 48_000 * 4))
    with pytest.raises(Stop):
        open_audio(path, check=check)
    assert asked == 3, "it went on"
    assert open_audio(path).duration == 60


def test_a_folder(tmp_path: Path) -> None:
    assert "is a folder" in refused(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_devices_pipes_and_sockets_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe.mp3")
    assert "device, a pipe" in refused(tmp_path / "pipe.mp3")
    (tmp_path / "link.mp3").symlink_to("/dev/zero")
    assert "device, a pipe" in refused(tmp_path / "link.mp3")
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.mp3")
        assert "a socket" in refused(Path("socket.mp3"))


def test_without_permission(songs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.wav"
    path.write_bytes(songs["wav"].read_bytes())
    path.chmod(0)
    if os.access(path, os.R_OK):  # an administrator may read everything: let the system call refuse
        def denied(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", denied)
    assert "no permission" in refused(path)


NOT_SOUND = {
    "text": b"Dear diary, today I heard a song.\n" * 500,
    "picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x02\0\0\0" + b"\0" * 500,
    "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "m3u": b"#EXTM3U\nhttp://127.0.0.1:9/x.mp3\n",
    "script": b"ffconcat version 1.0\nfile song.wav\n",
    "session": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "noise": np.random.default_rng(1).bytes(300_000),
    "zeros": bytes(100_000),
    "one byte": b"x",
}


@pytest.mark.parametrize("suffix", ["mp3", "wav", "m4a", "aac", "bin"])
@pytest.mark.parametrize("what", NOT_SOUND)
def test_not_sound(tmp_path: Path, what: str, suffix: str) -> None:
    (tmp_path / "song.wav").write_bytes(b"RIFF")
    path = tmp_path / f"file.{suffix}"
    path.write_bytes(NOT_SOUND[what])
    assert "is not a sound file" in refused(path)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), size=st.integers(1, 200_000), suffix=st.sampled_from(["mp3", "aac", "ac3", "flac"]))
def test_noise_is_never_taken_for_sound(tmp_path: Path, seed: int, size: int, suffix: str) -> None:
    path = tmp_path / f"noise.{suffix}"
    path.write_bytes(np.random.default_rng(seed).bytes(size))
    refused(path)


def test_a_video_without_sound(tmp_path: Path) -> None:
    run_ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:d=1", "-pix_fmt", "yuv420p", tmp_path / "mute.mp4")
    assert "no audio stream" in refused(tmp_path / "mute.mp4")


@pytest.mark.parametrize("kind", ["m4a", "mp4"])
def test_an_index_that_never_came(songs: dict[str, Path], tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"cut.{kind}"
    data = songs[kind].read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    assert "index (moov) is missing" in refused(path)


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg", "opus", "aiff", "webm", "mkv", "faststart"])
def test_a_header_of_garbage(songs: dict[str, Path], tmp_path: Path, kind: str) -> None:
    data = bytearray(songs[kind].read_bytes())
    data[12:4000] = np.random.default_rng(2).bytes(3988)
    path = tmp_path / f"broken{songs[kind].suffix}"
    path.write_bytes(data[:30_000])
    assert "is damaged" in refused(path)


def test_an_mp3_whose_frames_are_garbage(tmp_path: Path) -> None:
    path = tmp_path / "broken.mp3"
    path.write_bytes(b"ID3\x04\0\0\0\0\0\x0a" + np.random.default_rng(3).bytes(60_000))
    assert "is damaged" in refused(path)


def test_a_header_and_no_sound(tmp_path: Path) -> None:
    assert "holds no sound" in refused(write_wav(tmp_path / "none.wav", np.zeros(0)))


def test_longer_than_the_limit_known_from_the_header(songs: dict[str, Path]) -> None:
    message = refused(songs["flac"], limit=2.0)
    assert "0:06 long" in message
    assert "limit is 0:02" in message


def test_longer_than_the_limit_found_while_decoding(tmp_path: Path) -> None:
    run_ffmpeg("-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "700", "-b:a", "8k", tmp_path / "long.aac")
    message = refused(tmp_path / "long.aac", limit=600.0)
    assert "over 10:00 long" in message
    assert "limit is 10:00" in message
    assert inspect.signature(open_audio).parameters["limit"].default == 3 * 3600


@pytest.mark.parametrize(
    "options",
    [{"start": -1.0}, {"start": float("nan")}, {"start": float("inf")}, {"duration": 0.0}, {"duration": -3.0},
     {"duration": float("nan")}, {"duration": float("inf")}, {"start": float(SECONDS)}, {"start": 1e9},
     {"duration": 1e-9}, {"start": SECONDS - 1e-7}],
)  # fmt: skip
def test_ranges_that_are_none(songs: dict[str, Path], options: dict[str, float]) -> None:
    refused(songs["wav"], RangeError, **options)


# --- what can be used, with a word --------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["wav", "aiff", "flac", "mp3", "faststart", "webm", "mkv"])
def test_cut_short_is_played_as_far_as_it_goes(songs: dict[str, Path], tmp_path: Path, kind: str) -> None:
    data = songs[kind].read_bytes()
    path = tmp_path / f"cut{songs[kind].suffix}"
    path.write_bytes(data[: len(data) * 6 // 10])
    audio = open_audio(path)
    assert audio.total == pytest.approx(0.6 * SECONDS, abs=0.8)
    assert any("cut short" in warning and "missing" in warning for warning in audio.warnings)
    np.testing.assert_allclose(whole(audio)[:SR], whole(open_audio(songs[kind]))[:SR], atol=1e-3)


@pytest.mark.parametrize("kind", ["ogg", "opus"])
def test_an_ogg_without_its_last_page_seems_cut_short(songs: dict[str, Path], tmp_path: Path, kind: str) -> None:
    data = songs[kind].read_bytes()
    path = tmp_path / f"cut.{kind}"
    path.write_bytes(data[: len(data) * 6 // 10])
    audio = open_audio(path)
    assert 1 < audio.total < SECONDS - 1
    assert "seems cut short" in audio.warnings[0]


@pytest.mark.parametrize("kind", ["wav", "aiff", "flac", "mp3", "faststart"])
def test_less_than_a_second_missing_is_not_worth_a_word(songs: dict[str, Path], tmp_path: Path, kind: str) -> None:
    data = songs[kind].read_bytes()
    path = tmp_path / f"cut{songs[kind].suffix}"
    path.write_bytes(data[: int(len(data) * (1 - 0.5 / SECONDS))])
    assert open_audio(path).warnings == ()


@pytest.mark.parametrize("kind", ["wav", "mp3", "flac", "ogg", "opus", "faststart", "aiff", "aac"])
def test_corrupt_bytes_in_the_middle_do_not_stop_it(songs: dict[str, Path], tmp_path: Path, kind: str) -> None:
    data = bytearray(songs[kind].read_bytes())
    middle = len(data) // 2
    data[middle : middle + 1500] = np.random.default_rng(4).bytes(1500)
    path = tmp_path / f"scratched{songs[kind].suffix}"
    path.write_bytes(data)
    audio = open_audio(path)
    assert audio.total > SECONDS - 2.5
    assert len(whole(audio, 8000)) == round(audio.duration * 8000)


def test_a_streamed_wav_promises_nothing(songs: dict[str, Path], tmp_path: Path) -> None:
    data = songs["wav"].read_bytes()
    at = data.index(b"data") + 4
    for size in (b"\0\0\0\0", b"\xff\xff\xff\xff"):
        (tmp_path / "stream.wav").write_bytes(data[:at] + size + data[at + 4 :])
        audio = open_audio(tmp_path / "stream.wav")
        assert (audio.total, audio.warnings) == (SECONDS, ())


def test_silence_is_taken_with_a_warning(tmp_path: Path) -> None:
    samples = np.zeros(3 * SR)
    samples[:SR] = clicks()[:SR]
    path = write_wav(tmp_path / "half.wav", samples)
    assert open_audio(path).warnings == ()
    assert "silent" in open_audio(path, start=1.0).warnings[0]
    assert len(whole(open_audio(path, start=1.0), 8000)) == 16000


def test_more_than_is_left_is_clipped_with_a_warning(songs: dict[str, Path]) -> None:
    audio = open_audio(songs["wav"], start=4.0, duration=60.0)
    assert audio.duration == pytest.approx(2.0)
    assert "only 2.00 s are left" in audio.warnings[0]


# --- how it is done -----------------------------------------------------------------------------------

ODD_NAMES = [
    "-y.mp3", "two  words.mp3", "quo'te\"s`$x.mp3", "%d%05d.mp3", "ü日本🎵.mp3", "http:x.mp3", "concat:a|b.mp3",
    "pipe:0.mp3", "file:x.mp3", "line\n  Duration: 99:00:00.00\n.mp3", "[a]{b}*?.mp3", "back\\slash.mp3", "bare",
]  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="such names cannot exist there")
@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_are_only_names(
    songs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(songs["mp3"].read_bytes())
    audio = open_audio(name)
    assert audio.total == pytest.approx(SECONDS, abs=0.03)
    assert sum(map(len, audio.blocks(8000))) == round(audio.duration * 8000)


def test_works_with_nothing_on_the_path(songs: dict[str, Path]) -> None:
    code = f"from lib_music.audio import open_audio; a = open_audio({str(songs['flac'])!r}); " \
           "print(round(a.total, 2), sum(map(len, a.blocks(8000))))"
    environment = {**os.environ, "PATH": ""}
    environment.pop("MUSIC_VISUALIZER_FFMPEG", None)
    out = subprocess.run([sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True)
    assert (out.stdout.split(), out.stderr) == ([f"{SECONDS:.1f}", str(SECONDS * 8000)], "")


def children() -> set[str]:
    """The command lines of this process's children, where the system tells."""
    tasks = Path(f"/proc/{os.getpid()}/task")
    pids = [pid for task in tasks.glob("*/children") for pid in task.read_text().split()]
    return {Path(f"/proc/{pid}/cmdline").read_text() for pid in pids}


def leaves_no_child(act: Callable[[], None]) -> None:
    import threading

    threads = threading.active_count()
    act()
    assert threading.active_count() == threads  # the one that listens to the child ends with it
    if Path("/proc/self/task").is_dir():
        assert not any("ffmpeg" in line for line in children())


def test_leaving_early_ends_the_child(songs: dict[str, Path]) -> None:
    def first_block_only() -> None:
        blocks = open_audio(songs["wav"]).blocks(192_000, seconds=0.1)
        next(blocks)
        blocks.close()

    leaves_no_child(first_block_only)


def test_a_file_that_goes_away_is_said_so(songs: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(songs["wav"].read_bytes())
    audio = open_audio(path)
    path.write_bytes(path.read_bytes()[: 2 * SR])

    def read() -> None:
        with pytest.raises(AudioError, match="early"):
            list(audio.blocks(8000))

    leaves_no_child(read)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for ffmpeg")
@pytest.mark.parametrize(("ending", "told"), [("exit 1", True), ("kill -9 $$", True), ("exit 0", False)])
def test_an_ffmpeg_that_dies_midway(
    songs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, told: bool
) -> None:
    from lib_music import audio, ffmpeg

    real = ffmpeg_exe()
    fake = tmp_path / "ffmpeg"
    fake.write_text(f'#!/bin/sh\ncase "$*" in *s16le*) "{real}" "$@" | head -c {2 * 2 * SR * 2}; '
                    f'echo "Cannot allocate memory" >&2; {ending};; *) exec "{real}" "$@";; esac\n')
    fake.chmod(0o755)
    monkeypatch.setattr(ffmpeg, "ffmpeg_exe", lambda: str(fake))
    opened = audio.open_audio(songs["mp3"])
    assert opened.total == pytest.approx(2.0)
    assert any("could not be decoded to its end (out of memory)" in line for line in opened.warnings) == told
    assert any("4.0 s of 6.0 s are missing" in line for line in opened.warnings)


def test_memory_does_not_grow_with_the_song(tmp_path: Path) -> None:
    import tracemalloc

    path = tmp_path / "long.wav"
    run_ffmpeg("-f", "lavfi", "-i", "anoisesrc=r=8000:d=900:a=0.1", "-c:a", "pcm_u8", path)
    tracemalloc.start()
    audio = open_audio(path)
    samples = sum(map(len, audio.blocks(8000)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert samples == 900 * 8000
    assert peak < 12e6  # the song is 29 MB as float32


@pytest.mark.parametrize(
    "values", [{"start": -1.0}, {"duration": 0.0}, {"duration": 11.0}, {"sample_rate": 0}, {"start": float("nan")},
               {"channels": 6}])
def test_an_audio_checks_itself(values: dict[str, float]) -> None:
    sane = {"start": 0.0, "duration": 10.0, "total": 10.0, "sample_rate": SR}
    with pytest.raises(ValueError, match="Audio"):
        Audio(Path("x"), "", **{**sane, **values})  # type: ignore[arg-type]


CORPUS = os.environ.get("MUSIC_VISUALIZER_CORPUS")


@pytest.mark.skipif(not CORPUS, reason="set MUSIC_VISUALIZER_CORPUS to a folder of songs to open them")
def test_songs_of_the_corpus_open_without_a_warning() -> None:
    found = sorted(Path(str(CORPUS)).rglob("*.ogg"))
    assert found
    for path in found[::8]:
        assert open_audio(path, duration=5.0).warnings == ()
