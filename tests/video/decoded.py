"""What a player would hear of a file."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np

from lib_music.ffmpeg import ffmpeg_exe


def sound_of(path: Path, rate: int = 44_100, seconds: float | None = None) -> np.ndarray:
    """The first ``seconds`` of its sound, or all of it, mono in [-1, 1] [shape=(n,)]."""
    argv = [ffmpeg_exe(), "-v", "error", "-i", str(path), "-map", "0:a:0", "-ac", "1", "-ar", str(rate)]
    if seconds is not None:
        argv += ["-t", str(seconds)]
    raw = subprocess.run([*argv, "-f", "f32le", "-"], capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.float32)
