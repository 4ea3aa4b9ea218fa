"""Finishing: sizes, rates, formats, exact counts, sound that stays, and work that goes on; real files and ffmpeg."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from lib_music.audio import open_audio
from lib_music.errors import InputError, Interrupted, ProjectError
from lib_music.ffmpeg import ffmpeg_exe
from lib_music.files import digest, write_json
from lib_music.pipeline import Reporter
from lib_music.project import Progress, Project
from lib_music.render.pixels import Rgb, frame_to_rgb
from lib_music.takes.pictures import PICTURES, png_bytes
from lib_music.video.cut import frames
from lib_music.video.encode import Encoding, SegmentWriter
from lib_music.video.finish import Finish, Lanczos, Work, finish
from lib_music.video.mux import Chapter, Titles, count_frames, joined, mux, take_thumbnail
from lib_music.video.sync import visual_change
from tests.video.test_encode_mux import click_track

FPS, N, SIZE = Fraction(12), 109, 64
#: Frames at which the picture jumps, on the clicks of the song.
JUMPS = (24, 60, 96)
CHAPTERS = (Chapter(0.0, 4.0, "A (verse)"), Chapter(4.0, 9.083, "B (chorus)"))
TITLES = Titles("A; song = #1", "The Band", chapters=CHAPTERS)


def shade(i: int) -> int:
    """Grows by four a frame, twelve times, and jumps at the clicks."""
    return 30 + 4 * (i % 12) + 100 * (sum(i >= jump for jump in JUMPS) % 2)


def picture(i: int) -> np.ndarray:
    made = np.full((SIZE * 3 // 2, SIZE), 128, np.uint8)
    made[:SIZE] = shade(i)
    return made


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a finished video of 109 frames."""
    folder = tmp_path_factory.mktemp("finish") / "a-song-1"
    project = Project(folder)
    (folder / "segments").mkdir(parents=True)
    song = click_track(folder / "song.wav", float(N / FPS), [float(jump / FPS) for jump in JUMPS])
    lengths = (60, 49)
    with SegmentWriter(Encoding(SIZE, SIZE, FPS), lambda _: None, lambda _: None) as writer:
        for first, length in zip((0, 60), lengths, strict=True):
            segment = writer.begin(project.segment(first))
            for i in range(first, first + length):
                writer.put(segment, picture(i))
            writer.put(segment, None)
    paths = [project.segment(0), project.segment(60)]
    take_thumbnail(paths[0], 3, folder / "thumbnail.jpg")
    video = folder / "a-song.mp4"
    mux(joined(paths, lengths, FPS), N, FPS, open_audio(song), TITLES, folder / "thumbnail.jpg", video)
    write_json(project.file, {"version": 1, "content_hash": "x"})
    project.save_progress(
        Progress("m", "t", "animatic 1", SIZE, SIZE, "12/1", 2, 0, lengths, tuple(map(digest, paths)), video=video.name,
                 video_digest=digest(video))
    )  # fmt: skip
    project.clear_segments()
    return folder


class Halves:
    """A finisher that blends, and counts what it is asked."""

    def __init__(self) -> None:
        self.between_calls, self.upscale_calls = 0, 0

    def upscale(self, picture: Rgb, size: tuple[int, int]) -> Rgb:
        self.upscale_calls += 1
        return Lanczos().upscale(picture, size)

    def between(self, first: Rgb, second: Rgb, moments: Sequence[float]) -> list[Rgb]:
        self.between_calls += 1
        both = first.astype(float), second.astype(float)
        return [np.asarray(np.rint((1 - t) * both[0] + t * both[1]), np.uint8) for t in moments]


def made(folder: Path, wish: Finish, finisher: object | None = None, reporter: Reporter | None = None) -> Path:
    with Project(folder) as project:
        work = Work(project, wish, open_audio(folder / "song.wav"), TITLES)
        return finish(work, finisher or Halves(), reporter or Reporter())  # type: ignore[arg-type]


def told(path: Path) -> str:
    return subprocess.run([ffmpeg_exe(), "-i", str(path)], capture_output=True, text=True, check=False).stderr


def seconds(text: str) -> float:
    hours, minutes, rest = re.search(r"Duration: (\d+):(\d+):([\d.]+)", text).groups()  # type: ignore[union-attr]
    return 3600 * int(hours) + 60 * int(minutes) + float(rest)


def clicks(path: Path) -> list[float]:
    sound = np.concatenate(list(open_audio(path).blocks(8000)))
    loud = np.flatnonzero(np.abs(sound) > 0.4 * np.abs(sound).max()) / 8000
    return [float(t) for i, t in enumerate(loud) if not i or t - loud[i - 1] > 0.5]


@pytest.mark.parametrize(("factor", "times"), [(1.0, 2), (1.0, 3), (2.0, 1), (2.0, 2), (1.5, 8)])
def test_counts_rates_and_sizes_are_exact_and_sound_and_picture_agree(painted: Path, factor: float, times: int) -> None:
    wish = Finish("Lanczos" if factor > 1 else "", factor, "RIFE" if times > 1 else "", times)
    before = (painted / "a-song.mp4").read_bytes()
    out = made(painted, wish)
    assert out.parent.name == "finished" and (painted / "a-song.mp4").read_bytes() == before
    assert count_frames(out) == N * times
    change, fps = visual_change(out)
    assert fps == FPS * times and change.size == N * times
    text = told(out)
    side = int(SIZE * factor)
    assert f"{side}x{side}" in text
    assert seconds(text) == pytest.approx(float(N / FPS), abs=0.5 / float(FPS * times) + 0.011)
    # A cut stays where it is and is a cut: nothing is morphed across it.
    assert np.flatnonzero(change > 16.5).tolist() == [jump * times for jump in JUMPS]
    for click, jump in zip(clicks(out), JUMPS, strict=True):
        assert click == pytest.approx(float(jump / FPS), abs=0.5 / float(FPS * times) + 0.002)
    assert "A\\; song" in text or "A; song = #1" in text
    assert len(re.findall(r"Chapter #0:\d+: start", text)) == 2 and "B (chorus)" in text


def test_what_lies_between_is_between(painted: Path) -> None:
    finisher = Halves()
    out = made(painted, Finish("", 1.0, "RIFE", 2), finisher)
    shades = [float(frame_to_rgb(f)[32, 32, 1]) for f in frames(out, SIZE, SIZE)]
    for i in (1, 5, 30, 70):
        assert shades[2 * i] < shades[2 * i + 1] < shades[2 * i + 2] or i % 12 == 11
    assert shades[2 * 23 + 1] == pytest.approx(shades[2 * 23], abs=2), "the frame before a cut is held"
    assert shades[-1] == pytest.approx(shades[-2], abs=2), "and so is the last one"
    assert finisher.between_calls == N - 1 - len(JUMPS)


def test_prores_has_ten_bits_and_uncompressed_sound(painted: Path) -> None:
    out = made(painted, Finish(format="prores"))
    text = told(out)
    assert out.suffix == ".mov" and count_frames(out) == N
    assert "prores" in text and "yuv422p10le" in text and "pcm_s24le" in text and "48000 Hz" in text
    assert seconds(text) == pytest.approx(float(N / FPS), abs=0.5 / float(FPS))
    assert len(re.findall(r"Chapter #0:\d+: start", text)) == 2 and "The Band" in text
    assert np.flatnonzero(visual_change(out)[0] > 16.5).tolist() == list(JUMPS)
    for click, jump in zip(clicks(out), JUMPS, strict=True):
        assert click == pytest.approx(float(jump / FPS), abs=0.005)


def test_pictures_are_counted_through_and_whole(painted: Path) -> None:
    from PIL import Image

    out = made(painted, Finish("Lanczos", 1.5, format="png"))
    names = sorted(path.name for path in out.iterdir())
    assert names == [f"{i:08d}.png" for i in range(N)] and out.name == "a-song-1.5x-png"
    with Image.open(out / "00000030.png") as image:
        assert image.size == (96, 96) and image.mode == "RGB"
        assert np.asarray(image)[40, 40].tolist() == pytest.approx([int(frame_to_rgb(picture(30))[0, 0, 0])] * 3, abs=4)
    again = made(painted, Finish("Lanczos", 1.5, format="png"))
    assert again == out and len(list(out.iterdir())) == N


def test_deforums_own_pictures_are_taken_where_they_are_all_there(painted: Path) -> None:
    folder = painted / PICTURES
    folder.mkdir()
    try:
        for i in range(N):
            (folder / f"{i:09}.png").write_bytes(png_bytes(np.full((SIZE, SIZE, 3), (i, 255 - i, 7), np.uint8)))
        out = made(painted, Finish(format="png"))
        from PIL import Image

        for i in (0, 50, N - 1):
            with Image.open(out / f"{i:08d}.png") as image:
                assert image.getpixel((9, 9)) == (i, 255 - i, 7), "not a bit is lost"
        (folder / f"{70:09}.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
        with pytest.raises(ProjectError, match="picture 70 cannot be read"):
            made(painted, Finish("Lanczos", 2.0, format="png"))
        (folder / f"{70:09}.png").unlink()
        assert made(painted, Finish("Lanczos", 2.0, format="png")).is_dir(), "one that is missing: the video's are used"
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


class StopAfter(Reporter):
    def __init__(self, frame: float) -> None:
        self.frame, self.now = frame, 0.0

    def done(self, amount: float) -> None:
        self.now = amount

    def should_stop(self) -> bool:
        return self.now >= self.frame


@pytest.mark.parametrize("form", ["mp4", "prores", "png"])
def test_what_was_stopped_goes_on_and_nothing_half_made_is_shown(painted: Path, form: str) -> None:
    wish = Finish("Lanczos", 2.5, "RIFE", 2, form)  # type: ignore[arg-type]
    first, second = Halves(), Halves()
    with pytest.raises(Interrupted):
        made(painted, wish, first, StopAfter(70))
    there = [path.name for path in (painted / "finished").iterdir()] if (painted / "finished").is_dir() else []
    assert not [name for name in there if name == wish.name("a-song", FPS) or name.startswith(".")]
    out = made(painted, wish, second)
    assert second.upscale_calls < 2 * N and first.upscale_calls + second.upscale_calls <= 2 * N + 2 * 48
    whole = len(list(out.iterdir())) if form == "png" else count_frames(out)
    assert whole == 2 * N and not (painted / "finishing").exists()


def test_what_cannot_be_done_is_refused(painted: Path, tmp_path: Path) -> None:
    for bad in (
        {}, {"format": "gif"}, {"upscaler": "x", "factor": 1.0}, {"upscaler": "x", "factor": 5.0},
        {"upscaler": "x", "factor": float("nan")}, {"interpolator": "x", "times": 1}, {"interpolator": "x", "times": 9},
        {"interpolator": "x", "times": 2.0}, {"upscaler": "x", "factor": "2"},
    ):  # fmt: skip
        with pytest.raises(InputError):
            Finish(**bad)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="too large"):
        Finish("x", 4.0).size(8192, 64)

    class Wrong(Halves):
        def upscale(self, picture: Rgb, size: tuple[int, int]) -> Rgb:
            return picture

        def between(self, first: Rgb, second: Rgb, moments: Sequence[float]) -> list[Rgb]:
            return [first]

    with pytest.raises(ProjectError, match="another upscaler"):
        made(painted, Finish("x", 3.0), Wrong())
    with pytest.raises(ProjectError, match="other pictures"):
        made(painted, Finish("", 1.0, "x", 4), Wrong())
    with Project(tmp_path / "empty") as project, pytest.raises(InputError, match="not finished"):
        finish(Work(project, Finish("x", 2.0), open_audio(painted / "song.wav"), TITLES), Halves(), Reporter())
