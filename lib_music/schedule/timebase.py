"""The one place where seconds become frames.

Conventions: frame ``i`` is on screen during ``[i / fps, (i + 1) / fps)``; a moment ``t`` belongs to the
frame whose start is nearest, halves going up (``floor(t * fps + 1/2)``, exact in rationals), so that a hit
is never shown more than half a frame away from its sound.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from lib_music.errors import RangeError

MIN_FPS, MAX_FPS = Fraction(1), Fraction(240)
#: A rate as people and files write it. The bounds keep Fraction from working out 10 ** 99999999.
_FPS = re.compile(r"[+-]?(\d{1,20}(\.\d{0,20})?|\.\d{1,20})([eE][+-]?\d{1,2})?|[+-]?\d{1,20}/\d{1,20}", re.ASCII)
_SHOWN = 40


def parse_fps(text: str | float | Fraction) -> Fraction:
    """Read ``24``, ``29.97``, ``30000/1001``; raises RangeError outside 1 to 240.

    The broadcast rates 23.976, 29.97 and 59.94 mean n·1000/1001, as everywhere.
    """
    word = "of thousands of digits"
    try:
        word = str(text).strip()
        if not _FPS.fullmatch(word):
            raise ValueError("not a number of a sensible length")
        fps = Fraction(word)
    except (ValueError, ZeroDivisionError) as error:
        raise RangeError(
            f"fps {word[:_SHOWN]!r} is not a number", "give 24, 25, 30, 60 or a ratio such as 30000/1001"
        ) from error
    for nominal in (24, 30, 60):
        ntsc = Fraction(nominal * 1000, 1001)
        if abs(fps - ntsc) < Fraction(1, 500) and fps != nominal:
            fps = ntsc
    if not MIN_FPS <= fps <= MAX_FPS:
        raise RangeError(f"fps {word} is outside {MIN_FPS} to {MAX_FPS}", "give 24, 25, 30 or 60")
    return fps.limit_denominator(100_000)


@dataclass(frozen=True)
class Timebase:
    """A frame rate and a length. ``fps`` Fraction in [1, 240]; ``n_frames`` >= 1."""

    fps: Fraction
    n_frames: int

    def __post_init__(self) -> None:
        if not isinstance(self.fps, Fraction) or not MIN_FPS <= self.fps <= MAX_FPS:
            raise ValueError(f"Timebase.fps is {self.fps!r}; it must be a Fraction from 1 to 240")
        if self.n_frames < 1:
            raise ValueError(f"Timebase.n_frames is {self.n_frames!r}; a video has at least one frame")

    @classmethod
    def for_duration(cls, seconds: float, fps: Fraction) -> Timebase:
        """The timebase whose length is nearest to ``seconds``, at least one frame."""
        return cls(fps, max(1, round(Fraction(seconds) * fps)))

    @property
    def duration(self) -> float:
        """Seconds on screen, ``n_frames / fps``."""
        return float(self.n_frames / self.fps)

    def frames(self, times: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Frames nearest to ``times`` s [shape=(n,)], clipped to the video."""
        exact = np.asarray(times, np.float64) * self.fps.numerator / self.fps.denominator
        # 1e-9 keeps a time that was itself computed from a frame on that frame.
        frames = np.floor(exact + 0.5 + 1e-9).astype(np.int64)
        return np.clip(frames, 0, self.n_frames - 1)

    def frame(self, time: float) -> int:
        """The frame nearest to one moment."""
        return int(self.frames(np.array([time]))[0])

    def times(self) -> npt.NDArray[np.float64]:
        """Start of each frame, s [shape=(n_frames,)]."""
        return np.arange(self.n_frames) * self.fps.denominator / self.fps.numerator
