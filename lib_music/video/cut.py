"""A finished video back into the segments it was made of, and frames out of them.

Conventions: segments are those of :mod:`lib_music.video.encode`, each a closed group of pictures that begins with a
keyframe, so that a joined video is cut between them without being decoded and nothing is lost. A cut anywhere else
encodes what lies around it once more, with the same settings. Frames are planar yuv420p.
"""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lib_music.credentials import clean_environment
from lib_music.errors import FfmpegError
from lib_music.ffmpeg import FfmpegOutput, explain, ffmpeg_exe, file_url
from lib_music.render.renderer import Frame
from lib_music.video.encode import Encoding, Segment, timescale
from lib_music.video.mux import count_frames


def split(video: Path, lengths: Sequence[int], out: Sequence[Path], encoding: Encoding) -> None:
    """Cut a video into pieces of these lengths, bit for bit where it has a keyframe at either end.

    Parameters
    ----------
    video : Path
    lengths : sequence of int
        Frames of each piece; together all of the video's.
    out : sequence of Path
        Where the pieces go, each in a folder that is there; what lies there is replaced.
    encoding : Encoding
        Of the video; for pieces that must be encoded again.

    Raises
    ------
    FfmpegError
        The video cannot be read, or has another number of frames.
    """
    folder = out[0].parent
    pattern = f".cut.{out[0].stem}.%05d.part"
    for left in folder.glob(".cut.*.part"):
        left.unlink(missing_ok=True)
    borders = list(itertools.accumulate(lengths))
    # fmt: off
    argv = [
        ffmpeg_exe(), "-v", "error", "-nostdin", "-y", "-i", file_url(video), "-map", "0:v:0", "-c", "copy",
        "-f", "segment", "-segment_frames", ",".join(map(str, borders[:-1])) or str(borders[-1]),
        "-reset_timestamps", "1", "-segment_format", "mp4",
        "-segment_format_options", f"video_track_timescale={timescale(encoding.fps)}",
        file_url(str(folder / pattern).replace("%05d", "\0").replace("%", "%%").replace("\0", "%05d")),
    ]
    # fmt: on
    done = subprocess.run(argv, capture_output=True, check=False, env=clean_environment())
    if done.returncode != 0:
        why = explain(done.stderr.decode(errors="replace").splitlines())
        raise FfmpegError(f"cannot cut {video.name}: {why}", "paint it again")
    pieces = sorted(folder.glob(pattern.replace("%05d", "*")))
    try:
        counts = [count_frames(piece) for piece in pieces]
        if sum(counts) != borders[-1]:
            raise FfmpegError(f"{video.name} has {sum(counts)} frames, not {borders[-1]}", "paint it again")
        _place(video, list(lengths), pieces, counts, out, encoding)
    finally:
        for piece in pieces:
            piece.unlink(missing_ok=True)


def _place(
    video: Path, lengths: list[int], pieces: list[Path], counts: list[int], out: Sequence[Path], encoding: Encoding
) -> None:
    """Name the pieces that are right, and encode the others."""
    found = dict(zip(itertools.accumulate(counts, initial=0), zip(pieces, counts, strict=True), strict=False))
    wrong = []
    for first, length, path in zip(itertools.accumulate(lengths, initial=0), lengths, out, strict=False):
        piece, count = found.get(first, (None, 0))
        if piece is not None and count == length:
            piece.replace(path)
        else:
            wrong.append((first, length, path))
    for first, length, path in wrong:
        encode(frames(video, encoding.width, encoding.height, first, first + length), path, encoding)


def encode(pictures: Iterator[Frame], out: Path, encoding: Encoding) -> None:
    """Write pictures as one segment, atomically."""
    segment = Segment(out, encoding)
    try:
        for picture in pictures:
            segment.write(picture)
        segment.finish()
    except BaseException:
        segment.abort()
        raise


def frames(video: Path, width: int, height: int, first: int = 0, last: int | None = None) -> Iterator[Frame]:
    """Yield frames ``[first, last)`` of a video's first stream, in order; fewer where it ends sooner.

    Raises FfmpegError when it cannot be decoded.
    """
    args = ["-v", "error", "-i", file_url(video), "-map", "0:v:0", "-an", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"]
    size = width * height * 3 // 2
    with FfmpegOutput(args) as child:
        for i in itertools.count():
            if last is not None and i >= last:
                return
            raw = child.read(size)
            if len(raw) < size:
                break
            if i >= first:
                yield np.frombuffer(raw, np.uint8).reshape(height * 3 // 2, width)
        if child.finish():
            raise FfmpegError(f"cannot decode {video.name}: {explain(child.log)}", "paint it again")
