"""The one way to run ffmpeg: bounded, translated, and never left running."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_music import ffmpeg
from lib_music.errors import FfmpegError
from lib_music.ffmpeg import DEMUXERS, FfmpegOutput, explain, ffmpeg_exe, file_url, input_args

TONE = ("-v", "error", "-f", "lavfi", "-i", "sine=440:r=8000", "-t", "1", "-f", "s16le", "-")


@pytest.fixture
def forget() -> Iterator[None]:
    """Let ``ffmpeg_exe`` look again, before and after."""
    ffmpeg_exe.cache_clear()
    yield
    ffmpeg_exe.cache_clear()


@pytest.mark.usefixtures("forget")
def test_the_configured_one_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUSIC_VISUALIZER_FFMPEG", "/opt/my/ffmpeg")
    assert ffmpeg_exe() == "/opt/my/ffmpeg"


@pytest.mark.usefixtures("forget")
def test_without_one_on_the_path_the_installed_package_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUSIC_VISUALIZER_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", "")
    assert Path(ffmpeg_exe()).is_file()


@pytest.mark.usefixtures("forget")
def test_none_at_all_is_said_with_the_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUSIC_VISUALIZER_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(FfmpegError, match="pip install imageio-ffmpeg"):
        ffmpeg_exe()


@pytest.mark.usefixtures("forget")
@pytest.mark.parametrize("name", ["nothing/there", "."])
def test_one_that_cannot_start_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setenv("MUSIC_VISUALIZER_FFMPEG", str(tmp_path / name))
    with pytest.raises(FfmpegError, match="cannot start ffmpeg"):
        FfmpegOutput(TONE)


@given(st.text(min_size=1).filter(lambda name: "\0" not in name and "/" not in name))
def test_every_name_stays_a_name(name: str) -> None:
    *fence, flag, url = input_args(name)
    assert (flag, url) == ("-i", file_url(name))
    assert url == f"file:{Path(name)}"
    assert fence == ["-protocol_whitelist", "file,pipe", "-format_whitelist", ",".join(DEMUXERS)]


def test_this_ffmpeg_knows_the_demuxers_and_no_playlist_is_among_them() -> None:
    listed = subprocess.run([ffmpeg_exe(), "-v", "error", "-demuxers"], capture_output=True, text=True, check=True)
    rows = [line.split() for line in listed.stdout.splitlines()]
    known = {name for row in rows if len(row) > 1 for name in row[1].split(",")}
    assert {"mp3", "mov", "aac", "flac", "ogg", "wav", "aiff", "matroska"} <= known & set(DEMUXERS)
    assert not {"hls", "concat", "concatf", "sdp", "dash", "image2", "lavfi", "rtsp", "tty"} & set(DEMUXERS)


def test_output_is_read_to_its_end() -> None:
    with FfmpegOutput(TONE) as output:
        data = b"".join(iter(lambda: output.read(1000), b""))
        assert output.finish() == 0
    assert (len(data), output.returncode, list(output.log)) == (16000, 0, [])


def test_leaving_kills_the_child() -> None:
    endless = [arg if arg != "1" else "1000000" for arg in TONE]
    with FfmpegOutput(endless) as output:
        assert len(output.read(1000)) == 1000
        assert output.returncode is None
    assert output.returncode not in (None, 0)


def test_an_exception_inside_kills_the_child_too() -> None:
    def act() -> FfmpegOutput:
        output = FfmpegOutput([arg if arg != "1" else "1000000" for arg in TONE])
        with pytest.raises(KeyboardInterrupt), output:
            raise KeyboardInterrupt
        return output

    assert act().returncode is not None


def test_stderr_is_bounded_and_free_of_metadata(tmp_path: Path) -> None:
    path = tmp_path / "tagged.wav"
    tag = "Duration: 99:00:00\n" + "  Duration: 98:00:00\n" * 2000
    subprocess.run([ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "sine=440:d=1", "-metadata", f"title={tag}",
                    str(path)], check=True)
    with FfmpegOutput(["-v", "info", *input_args(path)]) as output:
        output.finish()
    assert len(output.log) < 100
    assert [line for line in output.log if line.startswith("  Duration")] == [
        line for line in output.log if line.startswith("  Duration: 00:00:01.00")]


@pytest.mark.parametrize(("log", "meaning"), [
    ([], ""),
    (["[mov,mp4 @ 0x55] moov atom not found", "Error opening input"], "index (moov) is missing"),
    (["[out#0 @ 0x1] [x @ 0x2] Error writing trailer: No space left on device"], "disk is full"),
    (["Unknown encoder 'libx264'"], "lacks the encoder"),
    (["[in#0 @ 0x5] Error opening input: Invalid data found when processing input"], "cannot be understood"),
    (["[aac @ 0x5] Something new", "", "  "], "Something new"),
])
def test_what_it_says_is_translated(log: list[str], meaning: str) -> None:
    said = explain(log)
    assert meaning in said
    assert "@ 0x" not in said
    assert bool(said) == bool(meaning)


def test_pydub_mixes_with_nothing_on_the_path_and_without_a_warning() -> None:
    code = """
from lib_music.ffmpeg import ffmpeg_exe, pydub_segment
Segment = pydub_segment()
tone = Segment(b"\\1\\0" * 8000, sample_width=2, frame_rate=8000, channels=1)
mixed = tone.fade_in(100).overlay(tone.fade_out(100)) + tone[:500]
print(len(mixed), Segment.converter == ffmpeg_exe())
"""
    environment = {**os.environ, "PATH": ""}
    environment.pop("MUSIC_VISUALIZER_FFMPEG", None)
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("1500 True", "")


def test_the_core_imports_neither_pydub_nor_pillow_nor_opencv() -> None:
    code = "import sys, lib_music.audio, lib_music.ffmpeg, lib_music.track; " \
           "print({'pydub', 'PIL', 'cv2', 'scipy', 'tinytag', 'requests', 'gradio'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_missing_pydub_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydub", None)
    with pytest.raises(ImportError):
        ffmpeg.pydub_segment()
