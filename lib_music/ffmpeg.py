"""Where the ffmpeg executable is, and how to run it. Never ffprobe: imageio-ffmpeg ships none.

Conventions: argv lists only, never a shell; file names that come from outside are passed as
``file:NAME`` so that no name can be read as a protocol or an option.
"""

from __future__ import annotations

import os
import shutil
from functools import lru_cache
from pathlib import Path

from lib_music.errors import FfmpegError


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
