"""What a finished mp4 is, measured from its pixels and its sound."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from lib_music.audio import open_audio
from lib_music.ffmpeg import ffmpeg_exe
from lib_music.video.sync import SyncReport, sync_report, visual_change
from tests.video.decoded import sound_of


@dataclass(frozen=True)
class Video:
    """An mp4: frames and their rate, seconds of its sound, and the change from each frame to the next."""

    path: Path
    fps: Fraction
    change: np.ndarray
    sound: float

    @classmethod
    def measured(cls, path: Path) -> Video:
        """Decode all of it."""
        change, fps = visual_change(path)
        return cls(path, fps, change, open_audio(path).total)

    @property
    def frames(self) -> int:
        """Frames decoded."""
        return int(self.change.size)

    @property
    def seconds(self) -> float:
        """Length of the picture."""
        return self.frames / float(self.fps)

    def whole(self, seconds: float, fps: int) -> None:
        """Every frame of the song once, and the song under it; AssertionError when not."""
        assert self.fps == fps
        assert abs(self.frames - seconds * fps) <= 1, (self.frames, seconds * fps)
        assert abs(self.sound - self.seconds) <= 0.1, (self.sound, self.seconds)

    def sync(self, hits: list[float] | np.ndarray) -> SyncReport:
        """How its jumps met the hits, within a frame."""
        return sync_report(self.path, hits)

    def digests(self) -> list[str]:
        """A digest of each decoded frame, in order."""
        listed = subprocess.run(
            [ffmpeg_exe(), "-v", "error", "-i", str(self.path), "-map", "0:v:0", "-f", "framemd5", "-"],
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        return [line.rsplit(",", 1)[1].strip() for line in listed.splitlines() if line and not line.startswith("#")]


def sounds_like(video: Path, song: Path, seconds: float = 5.0) -> float:
    """Correlation of the video's first seconds of sound with the song's: 1 for the same music at the same time."""
    a, b = (sound_of(path, 8000, seconds) for path in (video, song))
    n = min(a.size, b.size)
    assert n >= 4000, "half a second at least"
    return float(np.corrcoef(a[:n], b[:n])[0, 1])
