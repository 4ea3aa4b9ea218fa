"""Segments, song, titles and chapters to one mp4.

Conventions: the picture is copied, never encoded again; the sound is the very samples that the analysis heard
(:meth:`~lib_music.audio.Audio.blocks`, in stereo), padded or cut to the picture's length; times are seconds.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from lib_music.audio import Audio
from lib_music.credentials import clean_environment
from lib_music.errors import FfmpegError
from lib_music.ffmpeg import ffmpeg_exe, file_url
from lib_music.files import write_bytes, written_aside
from lib_music.video.encode import timescale, translate

#: Rate of the finished video's sound, Hz.
SOUND_RATE = 48_000
#: Fades at a cut inside the song, s. A song's own start and end are left as they are.
FADE_IN, FADE_OUT = 0.03, 0.25


@dataclass(frozen=True)
class Chapter:
    """One chapter: seconds and a title (found text)."""

    start: float
    end: float
    title: str


@dataclass(frozen=True)
class Titles:
    """What players show. All found text."""

    title: str
    artist: str = ""
    album: str = ""
    date: str = ""
    genre: str = ""
    chapters: tuple[Chapter, ...] = ()


def sound_filter(audio: Audio, seconds: float) -> str:
    """ffmpeg's filter chain: faded where the range cuts into the song, exactly ``seconds`` long."""
    chain = []
    if audio.start > 0:
        chain.append(f"afade=t=in:st=0:d={FADE_IN}")
    length = min(audio.duration, seconds)
    if audio.start + length < audio.total - 0.01:
        fade = min(FADE_OUT, length / 2)
        chain.append(f"afade=t=out:st={length - fade:.6f}:d={fade:.6f}")
    chain += [f"apad=whole_dur={seconds:.6f}", f"atrim=duration={seconds:.6f}"]
    return ",".join(chain)


def joined(segments: Sequence[Path], frames: Sequence[int], fps: Fraction) -> list[str]:
    """ffmpeg's input arguments for finished segments in one folder, each with its number of frames."""
    listing = segments[0].parent / "concat.txt"
    lines = ["ffconcat version 1.0"]
    for segment, count in zip(segments, frames, strict=True):
        # Names are our own digits; the stated length keeps each border on its exact tick.
        lines += [f"file {segment.name}", f"duration {float(count / fps):.9f}"]
    write_bytes(listing, ("\n".join(lines) + "\n").encode())
    return ["-f", "concat", "-safe", "0", "-i", file_url(listing)]


def mux(
    picture: Sequence[str],
    n_frames: int,
    fps: Fraction,
    audio: Audio,
    titles: Titles,
    thumbnail: Path,
    out: Path,
    check: Callable[[], None] = lambda: None,
    *,
    prores: bool = False,
    coming: Callable[[Path], None] = lambda aside: None,
) -> None:
    """Write ``out`` atomically.

    Parameters
    ----------
    picture : ffmpeg's input arguments
        Of :func:`joined`, or ``-i`` and a finished video whose titles or sound change.
    n_frames : int
        Frames there must be, at ``fps``.
    audio : Audio
        The range that sounds.
    titles : Titles
    thumbnail : Path
        JPEG, embedded as the video's cover.
    out : Path
    check : callable
        Called for every few seconds of sound; what it raises stops the work and leaves nothing behind.
    prores : bool
        A QuickTime file for editing, with uncompressed sound and no cover, instead of an mp4.
    coming : callable
        Told where the whole file lies, before it takes its name.

    Raises
    ------
    FfmpegError
        With ffmpeg's own reason, or when frames are missing.
    """
    meta = thumbnail.with_name("titles.txt")
    write_bytes(meta, _ffmetadata(titles).encode("utf-8", "replace"))
    seconds = float(n_frames / fps)
    with written_aside(out) as aside:
        # fmt: off
        argv = [
            ffmpeg_exe(), "-v", "error", "-nostdin", "-xerror", "-y",
            *picture,
            "-f", "f32le", "-ar", str(SOUND_RATE), "-ac", "2", "-i", "pipe:0",
            "-f", "ffmetadata", "-i", file_url(meta),
            *([] if prores else ["-f", "image2", "-pattern_type", "none", "-i", file_url(thumbnail)]),
            "-map", "0:v:0", "-map", "1:a:0", *([] if prores else ["-map", "3:v:0"]),
            "-map_metadata", "2", "-map_chapters", "2",
            "-c:v", "copy", *([] if prores else ["-disposition:v:1", "attached_pic"]),
            "-af", sound_filter(audio, seconds),
            *(["-c:a", "pcm_s24le"] if prores else ["-c:a", "aac", "-b:a", "192k"]),
            "-video_track_timescale", str(timescale(fps)), *([] if prores else ["-movflags", "+faststart"]),
            "-f", "mov" if prores else "mp4", file_url(aside),
        ]
        # fmt: on
        run(argv, sound_blocks(audio, check))
        if (found := count_frames(aside)) != n_frames:
            raise FfmpegError(f"{found} of {n_frames} frames reached the video", "run the same command again")
        coming(aside)
    meta.unlink()


def sound_blocks(audio: Audio, check: Callable[[], None]) -> Iterator[bytes]:
    """The range that sounds as ffmpeg takes it from a pipe: float32, stereo, 48 kHz; ``check`` is called in between."""
    for block in audio.blocks(SOUND_RATE, channels=2):
        check()
        yield block.tobytes()


def count_frames(video: Path) -> int:
    """Frames of a file's first video stream, counted as packets without decoding."""
    argv = [ffmpeg_exe(), "-v", "error", "-nostdin", "-i", file_url(video), "-map", "0:v:0", "-c", "copy"]
    argv += ["-f", "framehash", "-hash", "adler32", "-"]
    done = subprocess.run(argv, capture_output=True, check=False, env=clean_environment())
    return sum(1 for line in done.stdout.splitlines() if line and not line.startswith(b"#"))


def take_thumbnail(segment: Path, frame: int, out: Path) -> None:
    """Write frame number ``frame`` of a segment as JPEG."""
    with written_aside(out) as aside:
        # fmt: off
        run([ffmpeg_exe(), "-v", "error", "-nostdin", "-y", "-i", file_url(segment), "-vf", f"select=eq(n\\,{frame})",
             "-frames:v", "1", "-q:v", "3", "-f", "mjpeg", file_url(aside)])
        # fmt: on
        if not aside.is_file():
            raise FfmpegError(f"frame {frame} of {segment.name} cannot be read", "delete the segment and run again")


def run(argv: Sequence[str], feed: Iterable[bytes | memoryview] = ()) -> None:
    """Run ffmpeg to its end, with ``feed`` on its stdin; raises FfmpegError with its reason."""
    with (
        tempfile.TemporaryFile() as stderr,
        subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
            env=clean_environment(),
        ) as child,
    ):
        assert child.stdin is not None
        try:
            # An ffmpeg that has heard enough, or has failed, closes the pipe; its exit code tells which.
            with contextlib.suppress(BrokenPipeError):
                for data in feed:
                    child.stdin.write(data)
                child.stdin.flush()
            with contextlib.suppress(BrokenPipeError):
                child.stdin.close()
            code = child.wait()
        except BaseException:
            child.kill()
            raise
        if code != 0:
            stderr.seek(0)
            raise translate(stderr.read().decode(errors="replace"), code)


def _ffmetadata(titles: Titles) -> str:
    rows = [";FFMETADATA1"]
    for key, value in (
        ("title", titles.title),
        ("artist", titles.artist),
        ("album", titles.album),
        ("date", titles.date),
        ("genre", titles.genre),
    ):
        if value:
            rows.append(f"{key}={_escape(value)}")
    for chapter in titles.chapters:
        start, end = round(chapter.start * 1000), round(chapter.end * 1000)
        rows += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={start}", f"END={end}", f"title={_escape(chapter.title)}"]
    return "\n".join(rows) + "\n"


def _escape(text: str) -> str:
    """Found text as an ffmetadata value: one line, its special characters escaped."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return "".join("\\" + c if c in "=;#\\" else c for c in line)
