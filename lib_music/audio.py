"""The sound as a source: path, content hash, range, and ``.blocks()``.

Conventions: time is seconds from the first decoded sample of the file (codec delay removed by the
decoder); samples are float32 mono in [-1, 1]; the whole song never exists as one array.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lib_music.errors import AudioError
from lib_music.ffmpeg import ffmpeg_exe, file_url

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Audio:
    """A stretch of a sound file.

    Attributes
    ----------
    path : Path
    content_hash : str
        sha256 of the file's bytes, hex.
    start, duration : float
        The chosen range in seconds of the file's sound; ``duration`` is what can really be decoded.
    total : float
        Seconds of sound in the whole file.
    sample_rate : int
        Native rate in Hz.
    warnings : tuple of str
        What the person should know: cut short, silent.
    """

    path: Path
    content_hash: str
    start: float
    duration: float
    total: float
    sample_rate: int
    warnings: tuple[str, ...] = ()

    def blocks(self, sr: int, seconds: float = 10.0) -> Iterator[FloatArray]:
        """Yield the range as consecutive (n,) float32 mono blocks at ``sr`` Hz, in [-1, 1]."""
        chain = f"asetpts=N/SR/TB,atrim=start={self.start:.6f}:duration={self.duration:.6f}"
        argv = [ffmpeg_exe(), "-v", "error", "-nostdin", "-i", file_url(self.path), "-map", "0:a:0",
                "-af", chain, "-ac", "1", "-ar", str(sr), "-f", "f32le", "-"]
        n_bytes = 4 * int(sr * seconds)
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            assert child.stdout is not None
            while raw := child.stdout.read(n_bytes):
                yield np.clip(np.frombuffer(raw[: len(raw) // 4 * 4], np.float32), -1.0, 1.0)


def open_audio(path: Path | str, start: float = 0.0, duration: float | None = None, **_: Any) -> Audio:
    """Open a sound file and measure it. Raises AudioError."""
    path = Path(path)
    if not path.is_file():
        raise AudioError(f"no such file: {path}", "check the path")
    content_hash = hashlib.sha256(path.read_bytes()).hexdigest()
    whole = Audio(path, content_hash, 0.0, 1e6, 1e6, 44100)
    total = sum(len(block) for block in whole.blocks(44100)) / 44100
    return Audio(path, content_hash, start, min(duration or total, total - start), total, 44100)
