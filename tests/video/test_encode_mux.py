"""Segments and the finished mp4, looked at through ffmpeg as a player would."""

from __future__ import annotations

import re
import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lib_music import ffmpeg
from lib_music.audio import Audio, open_audio
from lib_music.errors import FfmpegError
from lib_music.ffmpeg import ffmpeg_exe
from lib_music.pipeline import segment_lengths
from lib_music.video.encode import Encoding, Segment, SegmentWriter, timescale
from lib_music.video.mux import Chapter, Titles, count_frames, joined, mux, take_thumbnail
from tests.video.decoded import sound_of

SIZE = 128


def frame(i: int) -> np.ndarray:
    """A picture that says its own number: brightness steps through 16 to 231."""
    picture = np.full((SIZE * 3 // 2, SIZE), 128, np.uint8)
    picture[:SIZE] = 16 + 5 * (i % 44)
    return picture


def encode(folder: Path, lengths: list[int], fps: Fraction) -> list[Path]:
    paths = [folder / f"{k:05d}.seg" for k in range(len(lengths))]
    done: list[Path] = []
    i = 0
    with SegmentWriter(Encoding(SIZE, SIZE, fps), lambda _: None, done.append) as writer:
        for path, length in zip(paths, lengths, strict=True):
            segment = writer.begin(path)
            for _ in range(length):
                writer.put(segment, frame(i))
                i += 1
            writer.put(segment, None)
    assert done == paths
    return paths


def click_track(path: Path, seconds: float, clicks: list[float], rate: int = 44100) -> Path:
    sound = np.zeros(int(seconds * rate))
    for click in clicks:
        at = int(click * rate)
        n = min(441, sound.size - at)
        sound[at : at + n] = 0.8 * np.sin(2 * np.pi * 2000 * np.arange(n) / rate)
    raw = (sound * 32767).astype("<i2").tobytes()
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(raw),
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        rate,
        2 * rate,
        2,
        16,
        b"data",
        len(raw),
    )
    path.write_bytes(head + raw)
    return path


def timestamps(path: Path) -> list[float]:
    argv = [ffmpeg_exe(), "-v", "error", "-copyts", "-i", str(path), "-map", "0:v:0", "-f", "framecrc", "-"]
    out = subprocess.run(argv, capture_output=True, check=True, text=True).stdout
    base = Fraction(*map(int, re.search(r"#tb 0: (\d+)/(\d+)", out).groups()))  # type: ignore[union-attr]
    return [float(int(line.split(",")[2]) * base) for line in out.splitlines() if line and line[0] != "#"]


def told(path: Path) -> str:
    return subprocess.run([ffmpeg_exe(), "-hide_banner", "-i", str(path)], capture_output=True, text=True).stderr


def finished(folder: Path, audio: Audio, seconds: float, fps: Fraction = Fraction(24)) -> Path:
    n = max(1, round(seconds * fps))
    lengths = [n // 2, n - n // 2] if n > 1 else [n]
    segments = encode(folder, lengths, fps)
    take_thumbnail(segments[0], 0, folder / "thumb.jpg")
    titles = Titles(
        "T = 1; #2 \\ x",
        "Ärtist",
        "Album",
        "2024",
        "house",
        (Chapter(0.0, seconds / 2, "A (verse)"), Chapter(seconds / 2, seconds, "B = drop")),
    )
    mux(joined(segments, lengths, fps), n, fps, audio, titles, folder / "thumb.jpg", folder / "out.mp4")
    return folder / "out.mp4"


@pytest.mark.parametrize(
    "fps", [Fraction(24), Fraction(25), Fraction(30), Fraction(60), Fraction(30000, 1001), Fraction(25, 2)]
)
def test_every_frame_is_on_its_own_tick_across_segments(tmp_path: Path, fps: Fraction) -> None:
    audio = open_audio(click_track(tmp_path / "s.wav", 3.0, [1.0]))
    video = finished(tmp_path, audio, 3.0, fps)
    at = timestamps(video)
    assert len(at) == round(3 * fps)
    assert np.allclose(at, np.arange(len(at)) / float(fps), atol=2 / timescale(fps))


def test_picture_and_sound_agree_in_length(tmp_path: Path) -> None:
    audio = open_audio(click_track(tmp_path / "s.wav", 2.9, [1.0]))
    video = finished(tmp_path, audio, 3.0)
    picture, sound = len(timestamps(video)) / 24, sound_of(video).size / 44100
    assert abs(picture - sound) <= max(1 / 24, 1024 / 44100)


def test_the_chosen_range_sounds_exactly(tmp_path: Path) -> None:
    """A click 2.5 s into the song is 1.25 s into a video that begins at 1.25 s, to the millisecond."""
    song = click_track(tmp_path / "s.wav", 6.0, [0.5, 2.5, 5.0])
    video = finished(tmp_path, open_audio(song, start=1.25, duration=3.0), 3.0)
    heard = np.abs(sound_of(video))
    onset = int(np.argmax(heard > 0.3)) / 44100
    assert onset == pytest.approx(1.25, abs=0.002)
    assert heard[: int(1.2 * 44100)].max() < 0.05


def test_a_cut_fades_and_a_whole_song_does_not(tmp_path: Path) -> None:
    rate = 44100
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(4 * rate) / rate) * 32767).astype("<i2")
    song = click_track(tmp_path / "s.wav", 4.0, [])
    song.write_bytes(song.read_bytes()[:44] + tone.tobytes())
    cut = sound_of(finished(tmp_path, open_audio(song, start=1.0, duration=2.0), 2.0))
    assert np.abs(cut[-400:]).max() < 0.05 and np.abs(cut[:50]).max() < 0.1
    whole = sound_of(finished(tmp_path, open_audio(song), 4.0))
    assert np.abs(whole[2000:4000]).max() > 0.45 and np.abs(whole[4 * rate - 4000 : 4 * rate - 2000]).max() > 0.45


def test_titles_chapters_thumbnail_and_a_fast_start(tmp_path: Path) -> None:
    video = finished(tmp_path, open_audio(click_track(tmp_path / "s.wav", 3.0, [1.0])), 3.0)
    text = told(video)
    for expected in (
        "T = 1; #2 \\ x",
        "Ärtist",
        "Album",
        "2024",
        "A (verse)",
        "B = drop",
        "attached pic",
        "h264",
        "yuv420p",
        "aac",
    ):
        assert expected in text, expected
    assert re.search(r"Chapter #0:1: start 1\.50", text)
    raw = video.read_bytes()
    assert raw.index(b"moov") < raw.index(b"mdat")
    assert (tmp_path / "thumb.jpg").read_bytes()[:2] == b"\xff\xd8"
    assert [p.name for p in tmp_path.glob("*.part")] == []


def test_a_segment_encoded_again_is_the_same(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, two = encode(tmp_path / "a", [30, 30], Fraction(24)), encode(tmp_path / "b", [30, 30], Fraction(24))
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in two]


def test_an_exception_leaves_no_open_segment(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        SegmentWriter(Encoding(SIZE, SIZE, Fraction(24)), lambda _: None, lambda _: None) as w,
    ):
        segment = w.begin(tmp_path / "0.seg")
        w.put(segment, frame(0))
        w.prepare(tmp_path / "1.seg")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ("av_interleaved_write_frame(): No space left on device", "disk is full"),
        ("Unknown encoder 'libx264'", "libx264"),
        ("something else", "something else"),
    ],
)
def test_what_ffmpeg_says_is_translated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str, message: str
) -> None:
    fake = tmp_path / "ffmpeg"
    fake.write_text(f'#!/bin/sh\ncat >/dev/null\necho "{says}" >&2\nexit 1\n')
    fake.chmod(0o755)
    monkeypatch.setenv("MUSIC_VISUALIZER_FFMPEG", str(fake))
    ffmpeg.ffmpeg_exe.cache_clear()
    try:
        segment = Segment(tmp_path / "0.seg", Encoding(SIZE, SIZE, Fraction(24)))
        with pytest.raises(FfmpegError, match=message):
            for i in range(50):
                segment.write(frame(i))
            segment.finish()
        segment.abort()
    finally:
        ffmpeg.ffmpeg_exe.cache_clear()
    assert not (tmp_path / "0.seg").exists()


@pytest.mark.parametrize(
    ("n", "lengths"),
    [(1, [1]), (239, [239]), (240, [240]), (250, [250]), (264, [240, 24]), (485, [240, 245]), (720, [240] * 3)],
)
def test_segments_are_about_ten_seconds(n: int, lengths: list[int]) -> None:
    assert segment_lengths(n, Fraction(24)) == lengths


def test_a_video_with_missing_frames_is_not_taken_for_whole(tmp_path: Path) -> None:
    audio = open_audio(click_track(tmp_path / "s.wav", 3.0, [1.0]))
    segments = encode(tmp_path, [24, 24, 24], Fraction(24))
    take_thumbnail(segments[0], 0, tmp_path / "thumb.jpg")
    segments[1].write_bytes(b"")
    with pytest.raises(FfmpegError):
        mux(
            joined(segments, [24] * 3, Fraction(24)),
            72,
            Fraction(24),
            audio,
            Titles("t"),
            tmp_path / "thumb.jpg",
            tmp_path / "out.mp4",
        )
    assert not (tmp_path / "out.mp4").exists()


def test_titles_change_without_the_picture(tmp_path: Path) -> None:
    audio = open_audio(click_track(tmp_path / "s.wav", 3.0, [1.0]))
    video = finished(tmp_path, audio, 3.0)
    again = tmp_path / "again.mp4"
    mux(["-i", str(video)], 72, Fraction(24), audio, Titles("Another"), tmp_path / "thumb.jpg", again)
    assert count_frames(again) == 72 and "Another" in told(again) and "Album" not in told(again)
    assert np.allclose(timestamps(again), timestamps(video))
