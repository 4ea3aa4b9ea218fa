"""Frames to closed H.264 segments that survive a crash.

Conventions: a segment is one encoder process and one file, started with no knowledge of its neighbours, so that a
segment encoded again is bit for bit the same. It is written aside and renamed when ffmpeg has left with 0. A frame is
planar yuv420p (see :data:`~lib_music.render.renderer.Frame`).
"""

from __future__ import annotations

import contextlib
import contextvars
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from lib_music.credentials import clean_environment
from lib_music.errors import FfmpegError
from lib_music.ffmpeg import ffmpeg_exe, file_url
from lib_music.files import sync_folder
from lib_music.render.renderer import Frame

if sys.platform == "linux":
    import fcntl

#: Bytes of frames that wait between painting and encoding, and the most frames: enough to ride out both sides' pauses.
_QUEUE_BYTES, _QUEUE_FRAMES = 24_000_000, 48
#: Bytes that a pipe to ffmpeg holds where the system can be asked: a switch of processes for each 64 kB costs a tenth.
_PIPE_BYTES = 1 << 20


#: How players shall read the colours of what we encode.
COLOURS = (
    "-color_range", "tv", "-colorspace", "smpte170m", "-color_primaries", "smpte170m", "-color_trc", "smpte170m",
)  # fmt: skip


@dataclass(frozen=True)
class Encoding:
    """H.264 settings. ``crf`` 0 (lossless) to 51; ``preset`` is x264's."""

    width: int
    height: int
    fps: Fraction
    preset: str = "veryfast"
    crf: int = 20

    def argv(self, out: Path) -> list[str]:
        """ffmpeg's arguments: raw frames on stdin, one closed mp4 segment out."""
        return [
            ffmpeg_exe(), "-v", "error", "-nostdin", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p",
            "-s", f"{self.width}x{self.height}", "-r", f"{self.fps.numerator}/{self.fps.denominator}", "-i", "pipe:0",
            "-c:v", "libx264", "-preset", self.preset, "-crf", str(self.crf), "-pix_fmt", "yuv420p",
            "-g", str(round(self.fps * 12) + 1), "-flags", "+cgop",
            "-video_track_timescale", str(timescale(self.fps)), *COLOURS, "-f", "mp4", file_url(out),
        ]  # fmt: skip


def timescale(fps: Fraction) -> int:
    """Ticks per second in which a frame's length is a whole number."""
    scale = fps.numerator
    while scale < 10_000:
        scale *= 2
    return scale


def translate(stderr: str, code: int | None) -> FfmpegError:
    """ffmpeg's last words as one of our errors."""
    text = stderr.strip().splitlines()
    last = text[-1] if text else f"exit code {code}"
    low = stderr.lower()
    if "no space left" in low:
        return FfmpegError("the disk is full", "free some space and run the same command again: it goes on")
    if "unknown encoder" in low:
        return FfmpegError(
            "this ffmpeg has no libx264 encoder", "unset MUSIC_VISUALIZER_FFMPEG or install a full ffmpeg"
        )
    if code is not None and code < 0:
        return FfmpegError(
            f"ffmpeg was killed (signal {-code})", "was memory short? run the same command again: it goes on"
        )
    return FfmpegError(f"ffmpeg failed: {last}", "run the same command with --debug")


class Segment:
    """One segment being encoded."""

    def __init__(self, path: Path, encoding: Encoding) -> None:
        self.path = path
        # The process id keeps an orphaned encoder of a killed run from writing into this one's file.
        self._aside = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        self._child = subprocess.Popen(
            encoding.argv(self._aside),
            stdin=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=True,
            env=clean_environment(),
        )

        assert self._child.stdin is not None
        if sys.platform == "linux":
            with contextlib.suppress(OSError):
                fcntl.fcntl(self._child.stdin.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def write(self, frame: Frame) -> None:
        """Give the encoder one frame."""
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(frame.data)
        except (BrokenPipeError, ValueError):
            raise self._failure() from None

    def finish(self) -> None:
        """Close the segment and give it its name."""
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.close()
        if self._child.wait() != 0:
            raise self._failure()
        self._stderr.close()
        with self._aside.open("rb") as file:
            os.fsync(file.fileno())
        self._aside.replace(self.path)
        sync_folder(self.path.parent)

    def abort(self) -> None:
        """Leave nothing behind."""
        self._child.kill()
        self._child.wait()
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()
        self._stderr.close()
        self._aside.unlink(missing_ok=True)

    def _failure(self) -> FfmpegError:
        code = self._child.wait()
        self._stderr.seek(0)
        return translate(self._stderr.read().decode(errors="replace"), code)


class SegmentWriter:
    """Encodes segments on a thread of its own, so that painting and encoding overlap.

    Use as a context manager; leaving it by an exception aborts what is open. On the writer's thread ``begun`` is called
    before a segment's first frame is encoded, ``finished`` when it has its name; segments never overlap there.
    """

    def __init__(self, encoding: Encoding, begun: Callable[[Path], None], finished: Callable[[Path], None]) -> None:
        self._encoding, self._begun, self._finished = encoding, begun, finished
        waiting = min(_QUEUE_FRAMES, max(4, _QUEUE_BYTES * 2 // (3 * encoding.width * encoding.height)))
        self._queue: queue.Queue[tuple[Segment, Frame | None] | None] = queue.Queue(waiting)
        self._failure: BaseException | None = None
        self._ready: tuple[Path, Segment] | None = None
        self._open: list[Segment] = []
        # In this context, so that what it logs goes where its painter's lines go.
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._run,), name="segment-writer", daemon=True)

    def __enter__(self) -> SegmentWriter:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is not None:
            self._failure = self._failure or error
        self._queue.put(None)
        self._thread.join()
        for segment in self._open:
            segment.abort()
        if kind is None and self._failure is not None:
            raise self._failure

    def prepare(self, path: Path) -> None:
        """Start the encoder of a coming segment, so that its start-up costs no time later."""
        if self._ready is None:
            segment = Segment(path, self._encoding)
            self._open.append(segment)
            self._ready = (path, segment)

    def begin(self, path: Path) -> Segment:
        """The segment to write to, prepared or new."""
        self.prepare(path)
        assert self._ready is not None and self._ready[0] == path
        segment, self._ready = self._ready[1], None
        return segment

    def put(self, segment: Segment, frame: Frame | None) -> None:
        """Queue a frame (copied), or None to close the segment; raises what the encoder raised before."""
        if self._failure is not None:
            raise self._failure
        self._queue.put((segment, None if frame is None else frame.copy()))

    def _run(self) -> None:
        current: Segment | None = None
        while (item := self._queue.get()) is not None:
            if self._failure is not None:
                continue
            segment, frame = item
            try:
                if frame is not None:
                    if segment is not current:
                        self._begun(segment.path)
                        current = segment
                    segment.write(frame)
                    continue
                segment.finish()
                self._open.remove(segment)
                self._finished(segment.path)
            except Exception as error:  # handed to the painting thread, which raises it
                self._failure = error
