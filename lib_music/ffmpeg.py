"""Where the ffmpeg executable is, and how to run it. Never ffprobe: imageio-ffmpeg ships none.

Conventions: argv lists only, never a shell; file names that come from outside are passed as
``file:NAME`` so that no name can be read as a protocol or an option; a file is opened only by the demuxers
of :data:`DEMUXERS` and only through the ``file`` and ``pipe`` protocols, so that a playlist in a song's
clothes opens nothing else. A child never outlives the ``with`` block that started it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import warnings
from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from lib_music.credentials import clean_environment
from lib_music.errors import FfmpegError

#: The containers a song may come in; no playlists, no scripts, no picture sequences, no devices.
DEMUXERS = (
    "aac", "ac3", "aiff", "amr", "ape", "asf", "au", "avi", "caf", "eac3", "flac", "flv", "matroska", "mov",
    "mp3", "mpc", "mpc8", "mpeg", "mpegts", "ogg", "tta", "w64", "wav", "wv",
)  # fmt: skip

#: What ffmpeg says and what it means, the more telling first.
_MEANINGS = (
    ("No space left on device", "the disk is full"),
    ("Cannot allocate memory", "out of memory"),
    ("Permission denied", "permission denied"),
    ("No such file or directory", "no such file"),
    ("moov atom not found", "its index (moov) is missing: the recording or download was not finished"),
    ("Format not on whitelist", "it is no sound or video file"),
    ("Unknown encoder", "this ffmpeg lacks the encoder"),
    ("Output file does not contain any stream", "it holds no such stream"),
    ("Invalid data found", "its contents cannot be understood"),
)
_PREFIX = re.compile(r"^(\[[^\]]*\] ?)+")


@lru_cache(maxsize=1)
def ffmpeg_exe() -> str:
    """Return the ffmpeg to run: ``$MUSIC_VISUALIZER_FFMPEG``, the one on PATH, or imageio-ffmpeg's.

    Raises
    ------
    FfmpegError
        When there is none.
    """
    configured = os.environ.get("MUSIC_VISUALIZER_FFMPEG")
    found = configured or shutil.which("ffmpeg")
    if found:
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise FfmpegError("no ffmpeg found", "pip install imageio-ffmpeg, or put ffmpeg on PATH") from error


def file_url(path: Path | str) -> str:
    """``file:`` form of a path for ffmpeg, so that a name such as ``-y`` or ``http:x`` stays a name."""
    return f"file:{Path(path)}"


def input_args(path: Path | str) -> list[str]:
    """The arguments that open a file from outside, with what it may reach fenced in."""
    fence = ["-protocol_whitelist", "file,pipe", "-format_whitelist", ",".join(DEMUXERS)]
    return [*fence, "-i", file_url(path)]


def explain(log: Iterable[str]) -> str:
    """Translate what ffmpeg wrote on stderr into one line; empty when it wrote nothing."""
    lines = [_PREFIX.sub("", line).strip() for line in log]
    for phrase, meaning in _MEANINGS:
        if any(phrase in line for line in lines):
            return meaning
    return next((line for line in reversed(lines) if line), "")


class FfmpegOutput:
    """A running ffmpeg whose stdout is read, and whose stderr is kept in bounds.

    Use it as a context manager: on leaving, the child is dead and :attr:`returncode` is set.

    Parameters
    ----------
    args : sequence of str
        Everything after ``ffmpeg -nostdin``.

    Attributes
    ----------
    log : deque of str
        The last 200 lines of stderr without metadata (4 spaces in; streams as well before ffmpeg 5).
    returncode : int or None
        None while it runs; negative when it was killed.

    Raises
    ------
    FfmpegError
        When ffmpeg cannot be started.
    """

    def __init__(self, args: Sequence[str]) -> None:
        argv = [ffmpeg_exe(), "-nostdin", "-hide_banner", *args]
        self.log: deque[str] = deque(maxlen=200)
        try:
            self._child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env=clean_environment())
        except OSError as error:
            fix = "check $MUSIC_VISUALIZER_FFMPEG and PATH, or pip install imageio-ffmpeg"
            raise FfmpegError(f"cannot start ffmpeg at {argv[0]}: {error.strerror}", fix) from error
        assert self._child.stdout is not None and self._child.stderr is not None
        self._stdout: IO[bytes] = self._child.stdout
        self._drain = threading.Thread(target=self._listen, args=(self._child.stderr,), daemon=True)
        self._drain.start()

    def _listen(self, stderr: IO[bytes]) -> None:
        """Keep stderr from filling up; a line of over 64 kB is cut and its rest dropped."""
        whole = True
        while piece := stderr.readline(1 << 16):
            if whole and (not piece.startswith(b"    ") or piece.startswith(b"    Stream #")):
                self.log.append(piece.decode("utf-8", "replace").rstrip())
            whole = piece.endswith(b"\n")

    @property
    def returncode(self) -> int | None:
        """The exit status, None while it runs."""
        return self._child.returncode

    def read(self, n_bytes: int) -> bytes:
        """Read ``n_bytes`` of stdout, fewer only at its end."""
        return self._stdout.read(n_bytes)

    def finish(self) -> int:
        """Wait for the child's own end, once stdout is read to its end, and return its exit status."""
        self._stdout.close()
        status = self._child.wait()
        self._drain.join()
        return status

    def __enter__(self) -> FfmpegOutput:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.kill()
        self.finish()
        if self._child.stderr is not None:
            self._child.stderr.close()


def pydub_segment() -> Any:
    """pydub's ``AudioSegment``, pointed at our ffmpeg; imported late because it warns and is slow.

    Build segments from samples or wav, cut, fade, overlay and export them as wav. Its ``from_file`` asks
    ffprobe about other formats, which need not exist: decode with :func:`lib_music.audio.open_audio`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "Couldn't find ffmpeg", audioop's deprecation, old escapes
        from pydub import AudioSegment
    AudioSegment.converter = ffmpeg_exe()
    return AudioSegment
