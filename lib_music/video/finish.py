"""Finishing a painted video: more frames, more pixels, other formats; frame by frame, beside the original.

Conventions: pictures are (height, width, 3) uint8 RGB; the originals are Deforum's own PNGs where they are all there,
else what the video's segments decode to. ``times`` more frames play at ``times`` the rate, so that picture and sound
stay together to the frame; the last picture is held for what would lie behind it. Work is kept in parts of a few
seconds, each whole or not there, so that what was stopped goes on; the result gets its name when all of it is there.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol, get_args

import numpy as np

from lib_music.audio import Audio
from lib_music.errors import FfmpegError, InputError, ProjectError
from lib_music.ffmpeg import ffmpeg_exe, file_url
from lib_music.files import link, sync_folder, written_aside
from lib_music.project import Project, fingerprint
from lib_music.render.pixels import Rgb, frame_to_rgb
from lib_music.reporter import Reporter
from lib_music.video.encode import COLOURS, timescale
from lib_music.video.mux import Titles, count_frames, joined, mux, run, take_thumbnail

Format = Literal["mp4", "prores", "png"]
#: Folders of the project: what is finished, and parts of what is being finished.
FINISHED, PARTS = "finished", "finishing"
#: How long a part is, s of the original.
PART_SECONDS = 4
MAX_TIMES, MAX_FACTOR, MAX_SIDE = 8, 4.0, 16384
#: A cut: two pictures that differ by this many grey levels on average have nothing in between.
CUT = 60.0


@dataclass(frozen=True)
class Finish:
    """What shall be made of a video; raises InputError.

    Attributes
    ----------
    upscaler : str
        Its id; empty for none.
    factor : float
        Above 1 to 4, when there is an upscaler.
    interpolator : str
        Its id; empty for none.
    times : int
        2 to 8 times the frames, when there is an interpolator.
    format : "mp4", "prores" or "png"
    """

    upscaler: str = ""
    factor: float = 1.0
    interpolator: str = ""
    times: int = 1
    format: Format = "mp4"

    def __post_init__(self) -> None:
        if self.format not in get_args(Format):
            raise InputError(f"format {str(self.format)[:40]!r} is not known", f"choose {', '.join(get_args(Format))}")
        factor, times = self.factor, self.times
        if self.upscaler and not (isinstance(factor, float | int) and 1 < factor <= MAX_FACTOR):
            raise InputError(f"{str(factor)[:20]} times the size cannot be made", f"choose above 1 to {MAX_FACTOR:g}")
        if self.interpolator and not (type(times) is int and 2 <= times <= MAX_TIMES):
            raise InputError(f"{str(times)[:20]} times the frames cannot be made", f"choose 2 to {MAX_TIMES}")
        if not self.upscaler:
            object.__setattr__(self, "factor", 1.0)
        if not self.interpolator:
            object.__setattr__(self, "times", 1)
        if self.format == "mp4" and not self.upscaler and not self.interpolator:
            raise InputError("that is the video as it is", "choose an upscaler, an interpolation or another format")

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The finished picture's size, in multiples of 8; raises InputError where it is too large."""
        found = (int(width * self.factor) // 8 * 8, int(height * self.factor) // 8 * 8)
        if max(found) > MAX_SIDE:
            raise InputError(f"{found[0]}×{found[1]} is too large", f"keep both sides to {MAX_SIDE}")
        return found

    def name(self, stem: str, fps: Fraction) -> str:
        """The result's file name, made of plain words; a folder for pictures."""
        parts = [stem]
        if self.upscaler:
            parts.append(f"{self.factor:g}x")
        if self.interpolator:
            parts.append(f"{float(fps * self.times):g}fps")
        return "-".join(parts) + {"mp4": ".mp4", "prores": ".mov", "png": "-png"}[self.format]


class Finisher(Protocol):
    """What makes pixels and frames; used by one thread, inside the host's turn."""

    def upscale(self, picture: Rgb, size: tuple[int, int]) -> Rgb:
        """The picture in another size, (width, height)."""
        ...

    def between(self, first: Rgb, second: Rgb, moments: Sequence[float]) -> list[Rgb]:
        """Pictures between two, at moments in (0, 1)."""
        ...


class Lanczos:
    """The finisher that needs no model: larger pictures, no frames in between."""

    def upscale(self, picture: Rgb, size: tuple[int, int]) -> Rgb:
        """See :class:`Finisher`."""
        import cv2

        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LANCZOS4), np.uint8)

    def between(self, first: Rgb, second: Rgb, moments: Sequence[float]) -> list[Rgb]:
        """Refused: there is no model."""
        raise InputError("there is no interpolation here", "use RIFE or FILM in the WebUI")


@dataclass(frozen=True)
class Work:
    """One finishing of one project's video.

    Attributes
    ----------
    project : Project
        Open, its video finished.
    wish : Finish
    audio : Audio
        What sounds.
    titles : Titles
    """

    project: Project
    wish: Finish
    audio: Audio
    titles: Titles

    @property
    def out(self) -> Path:
        """Where the result goes."""
        video = Path(self.project.progress().video)
        return self.project.path(FINISHED) / self.wish.name(video.stem, Fraction(self.project.progress().fps))


def finish(work: Work, finisher: Finisher, reporter: Reporter) -> Path:
    """Make it, or go on where it was stopped; the result replaces an earlier one of that name.

    Raises
    ------
    InputError
        The video is not finished, or the wish does not fit it.
    Interrupted
        The reporter said so; what is done is kept.
    FfmpegError, ProjectError
        A file cannot be read or written.
    """
    project, wish = work.project, work.wish
    progress, video = project.progress(), project.video()
    if not progress.is_finished or video is None or not progress.width:
        raise InputError("the video is not finished", "finish it first")
    n, fps = sum(progress.lengths), Fraction(progress.fps)
    size = wish.size(progress.width, progress.height)
    parts = project.path(PARTS) / fingerprint(progress.video_digest, asdict(wish), "1")[:24]
    _forget_others(parts)
    reporter.stage("finish", n)
    made = []
    each = max(1, round(PART_SECONDS * fps))
    with contextlib.closing(_Originals(project, video, n)) as originals:
        for first in range(0, n, each):
            last = min(n, first + each)
            part = parts / f"{first:08d}{_SUFFIX[wish.format]}"
            if not _is_there(part, (last - first) * wish.times):
                frames = _finished(originals, wish, finisher, size, (first, last), reporter)
                _write_part(part, frames, wish, size, fps * wish.times)
            made.append((part, (last - first) * wish.times))
            reporter.done(last)
            reporter.check()
    reporter.stage("mux")
    out = _join(work, made, n * wish.times, fps * wish.times, reporter)
    shutil.rmtree(parts, ignore_errors=True)
    with contextlib.suppress(OSError):
        parts.parent.rmdir()
    return out


_SUFFIX = {"mp4": ".mp4", "prores": ".mov", "png": ""}


class _Originals:
    """The pictures of a video, one after the other, without reading any twice."""

    def __init__(self, project: Project, video: Path, n: int) -> None:
        from lib_music.takes.pictures import originals

        progress = project.progress()
        self._video, self._size, self.count = video, (progress.width, progress.height), n
        self._pngs = originals(project, n)
        self._decoded: Iterator[Rgb] | None = None
        self._next = 0
        self._last: tuple[int, Rgb] | None = None

    def picture(self, frame: int) -> Rgb:
        """The picture of a frame; frames are asked for in order."""
        if self._last is not None and self._last[0] == frame:
            return self._last[1]
        found = self._png(frame) if self._pngs else self._from_video(frame)
        self._last = (frame, found)
        return found

    def file(self, frame: int) -> Path | None:
        """The original's own file, where there is one."""
        return self._pngs[frame] if self._pngs else None

    def _png(self, frame: int) -> Rgb:
        from PIL import Image

        assert self._pngs is not None
        try:
            with Image.open(self._pngs[frame]) as image:
                found = np.asarray(image.convert("RGB"), np.uint8)
        except OSError as error:
            fix = "delete the frames; then the video is used"
            raise ProjectError(f"picture {frame} cannot be read: {error}", fix) from error
        if found.shape[1::-1] != self._size:
            raise ProjectError(f"picture {frame} is of another size", "delete the frames; then the video is used")
        return found

    def _from_video(self, frame: int) -> Rgb:
        from lib_music.video.cut import frames

        if self._decoded is None or frame < self._next:
            self.close()
            self._decoded = (frame_to_rgb(found) for found in frames(self._video, *self._size, frame))
            self._next = frame
        for found in itertools.islice(self._decoded, frame - self._next, None):
            self._next = frame + 1
            return found
        raise FfmpegError(f"{self._video.name} ends before frame {frame}", "paint it again")

    def close(self) -> None:
        """Let go of the decoder."""
        if self._decoded is not None:
            self._decoded.close()  # type: ignore[attr-defined]
            self._decoded = None


def _finished(
    originals: _Originals, wish: Finish, finisher: Finisher, size: tuple[int, int], span: tuple[int, int],
    reporter: Reporter,
) -> Iterator[Rgb]:  # fmt: skip
    """The finished pictures of original frames ``[first, last)``."""
    moments = [k / wish.times for k in range(1, wish.times)]
    for frame in range(*span):
        here = originals.picture(frame)
        pictures = [here]
        if moments:
            after = originals.picture(frame + 1) if frame + 1 < originals.count else here
            pictures += _between(finisher, here, after, moments)
        for picture in pictures:
            yield finisher.upscale(picture, size) if wish.upscaler else picture
        reporter.done(frame)
        reporter.check()


def _between(finisher: Finisher, here: Rgb, after: Rgb, moments: Sequence[float]) -> list[Rgb]:
    """What lies between two frames; nothing does at a cut, which stays one, nor where nothing changes."""
    difference = float(np.abs(here.astype(np.int16) - after).mean())
    if after is here or difference == 0.0:
        return [here] * len(moments)
    if difference > CUT:
        return [here] * len(moments)
    found = finisher.between(here, after, moments)
    if len(found) != len(moments) or any(picture.shape != here.shape for picture in found):
        raise ProjectError("the interpolation gave other pictures than it was asked for", "choose another one")
    return found


def _is_there(part: Path, count: int) -> bool:
    if part.is_dir():
        return len(list(part.glob("*.png"))) == count
    return part.is_file() and count_frames(part) == count


def _write_part(part: Path, frames: Iterator[Rgb], wish: Finish, size: tuple[int, int], fps: Fraction) -> None:
    part.parent.mkdir(parents=True, exist_ok=True)
    if wish.format == "png":
        _write_pngs(part, frames, size)
        return
    with written_aside(part) as aside, contextlib.closing(frames):  # type: ignore[type-var]
        _encode(frames, aside, wish.format, size, fps)


def _write_pngs(part: Path, frames: Iterator[Rgb], size: tuple[int, int]) -> None:
    from PIL import Image

    aside = part.with_name(f".{part.name}.{os.getpid()}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    try:
        for i, picture in enumerate(frames):
            _check_size(picture, size)
            Image.fromarray(picture).save(aside / f"{i:06d}.png", compress_level=3)
        sync_folder(aside)
        shutil.rmtree(part, ignore_errors=True)
        aside.replace(part)
    except OSError as error:
        raise ProjectError(f"cannot write pictures: {error.strerror or error}", "check the free space") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _check_size(picture: Rgb, size: tuple[int, int]) -> None:
    if picture.shape != (size[1], size[0], 3) or picture.dtype != np.uint8:
        raise ProjectError(f"a picture is {picture.shape}, not {size[0]}×{size[1]}", "choose another upscaler")


def _bytes_of(picture: Rgb, size: tuple[int, int]) -> memoryview:
    _check_size(picture, size)
    return np.ascontiguousarray(picture).data


def _encode(frames: Iterator[Rgb], out: Path, format: str, size: tuple[int, int], fps: Fraction) -> None:
    """Pictures to one closed H.264 or ProRes 422 HQ (10 bit) file."""
    # fmt: off
    codec = {
        "mp4": ["-c:v", "libx264", "-preset", "fast", "-crf", "16", "-pix_fmt", "yuv420p", "-flags", "+cgop",
                "-g", str(round(fps * 12) + 1)],
        "prores": ["-c:v", "prores_ks", "-profile:v", "3", "-vendor", "apl0", "-pix_fmt", "yuv422p10le"],
    }[format]
    argv = [
        ffmpeg_exe(), "-v", "error", "-nostdin", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24",
        "-s", f"{size[0]}x{size[1]}", "-r", f"{fps.numerator}/{fps.denominator}", "-i", "pipe:0", *codec,
        "-video_track_timescale", str(timescale(fps)), *COLOURS,
        "-f", "mov" if format == "prores" else "mp4", file_url(out),
    ]
    # fmt: on
    run(argv, (_bytes_of(picture, size) for picture in frames))


def _join(
    work: Work, made: Sequence[tuple[Path, int]], n: int, fps: Fraction, reporter: Reporter
) -> Path:
    """Parts to the result, under its name when it is whole."""
    out = work.out
    out.parent.mkdir(exist_ok=True)
    if work.wish.format == "png":
        _join_pngs(made, out, n)
        return out
    thumbnail = work.project.path("thumbnail.jpg")
    if not thumbnail.is_file():
        take_thumbnail(made[0][0], 0, thumbnail)
    picture = joined([part for part, _ in made], [count for _, count in made], fps)
    check: Callable[[], None] = reporter.check
    mux(picture, n, fps, work.audio, work.titles, thumbnail, out, check, prores=work.wish.format == "prores")
    return out


def _join_pngs(made: Sequence[tuple[Path, int]], out: Path, n: int) -> None:
    """All pictures in one folder, counted through; links where the disk has them."""
    aside = out.with_name(f".{out.name}.{os.getpid()}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    number = 0
    for part, _ in made:
        for path in sorted(part.glob("*.png")):
            link(path, aside / f"{number:08d}.png")
            number += 1
    if number != n:
        shutil.rmtree(aside, ignore_errors=True)
        raise ProjectError(f"{number} of {n} pictures are there", "finish it again")
    sync_folder(aside)
    gone = out.with_name(f".{out.name}.gone")
    shutil.rmtree(gone, ignore_errors=True)
    if out.exists():
        out.replace(gone)
    aside.replace(out)
    shutil.rmtree(gone, ignore_errors=True)


def _forget_others(parts: Path) -> None:
    """Parts of another wish, or of a video that has changed, are of no use."""
    folder = parts.parent
    for left in folder.iterdir() if folder.is_dir() else ():
        if left != parts and left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
