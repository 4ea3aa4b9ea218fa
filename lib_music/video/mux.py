"""Segments, song, titles and chapters to one mp4.

Conventions: the picture is copied, never encoded again; the sound is decoded once more from the song, cut to the exact
range by sample count, and padded or cut to the picture's length; times are seconds.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from lib_music.audio import Audio, range_filter
from lib_music.errors import FfmpegError
from lib_music.ffmpeg import ffmpeg_exe, file_url
from lib_music.video.encode import timescale, translate

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
    """ffmpeg's filter chain: the range, faded where it cuts into the song, exactly ``seconds`` long."""
    chain = [range_filter(audio.start, audio.duration)]
    if audio.start > 0:
        chain.append(f"afade=t=in:st=0:d={FADE_IN}")
    length = min(audio.duration, seconds)
    if audio.start + length < audio.total - 0.01:
        fade = min(FADE_OUT, length / 2)
        chain.append(f"afade=t=out:st={length - fade:.6f}:d={fade:.6f}")
    chain += [f"apad=whole_dur={seconds:.6f}", f"atrim=duration={seconds:.6f}"]
    return ",".join(chain)


def mux(
    segments: Sequence[Path],
    frames: Sequence[int],
    fps: Fraction,
    audio: Audio,
    titles: Titles,
    thumbnail: Path,
    out: Path,
) -> None:
    """Write ``out`` from finished segments.

    Parameters
    ----------
    segments : paths in order, all in one folder
    frames : number of frames in each
    fps : Fraction
    audio : Audio
        The range that sounds.
    titles : Titles
    thumbnail : Path
        JPEG, embedded as the video's cover.
    out : Path
        The mp4; written aside and renamed.

    Raises
    ------
    FfmpegError
        With ffmpeg's own reason.
    """
    folder = segments[0].parent
    concat, meta, aside = folder / "concat.txt", folder / "titles.txt", out.with_name(f"{out.name}.{os.getpid()}.part")
    lines = ["ffconcat version 1.0"]
    for segment, count in zip(segments, frames, strict=True):
        # Names are our own digits; the stated length keeps each border on its exact tick.
        lines += [f"file {segment.name}", f"duration {float(count / fps):.9f}"]
    concat.write_text("\n".join(lines) + "\n", encoding="utf-8")
    meta.write_text(_ffmetadata(titles), encoding="utf-8")
    seconds = float(sum(frames) / fps)
    rate = audio.sample_rate if audio.sample_rate in (44100, 48000) else 48000
    argv = [
        ffmpeg_exe(),
        "-v",
        "error",
        "-nostdin",
        "-y",
        "-f",
        "concat",
        "-safe",
        "0",
        "-i",
        file_url(concat),
        "-protocol_whitelist",
        "file,pipe",
        "-i",
        file_url(audio.path),
        "-f",
        "ffmetadata",
        "-i",
        file_url(meta),
        "-f",
        "image2",
        "-pattern_type",
        "none",
        "-i",
        file_url(thumbnail),
        "-map",
        "0:v:0",
        "-map",
        "1:a:0",
        "-map",
        "3:v:0",
        "-map_metadata",
        "2",
        "-map_chapters",
        "2",
        "-c:v",
        "copy",
        "-disposition:v:1",
        "attached_pic",
        "-af",
        sound_filter(audio, seconds),
        "-c:a",
        "aac",
        "-b:a",
        "192k",
        "-ac",
        "2",
        "-ar",
        str(rate),
        "-video_track_timescale",
        str(timescale(fps)),
        "-movflags",
        "+faststart",
        "-f",
        "mp4",
        file_url(aside),
    ]
    run(argv)
    aside.replace(out)
    concat.unlink()
    meta.unlink()


def take_thumbnail(segment: Path, frame: int, out: Path) -> None:
    """Write frame number ``frame`` of a segment as JPEG."""
    aside = out.with_name(f"{out.name}.{os.getpid()}.part")
    run(
        [
            ffmpeg_exe(),
            "-v",
            "error",
            "-nostdin",
            "-y",
            "-i",
            file_url(segment),
            "-vf",
            f"select=eq(n\\,{frame})",
            "-frames:v",
            "1",
            "-q:v",
            "3",
            "-f",
            "mjpeg",
            file_url(aside),
        ]
    )
    if not aside.is_file():
        raise FfmpegError(f"frame {frame} of {segment.name} cannot be read", "delete the segment and run again")
    aside.replace(out)


def run(argv: Sequence[str]) -> None:
    """Run ffmpeg to its end; raises FfmpegError with its reason."""
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        start_new_session=True,
    )
    if done.returncode != 0:
        raise translate(done.stderr.decode(errors="replace"), done.returncode)


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
