"""One Deforum parameter over the frames of a video.

Conventions: ``parameter`` is the key of Deforum's settings file (``zoom``, ``strength_schedule``, ...);
keyframes are ``(frame, value)``, the first at frame 0, strictly increasing. Numbers run linearly between
keys as Deforum's ``FrameInterpolater`` has it; text (prompts, samplers) holds, and so does any schedule
marked ``hold``. Deforum drops keys at or past the last frame, so none is ever written there.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

Interpolation = Literal["linear", "hold"]


@dataclass(frozen=True)
class Schedule:
    """A curve given by its keys."""

    parameter: str
    keyframes: tuple[tuple[int, float], ...]
    interpolation: Interpolation = "linear"

    def __post_init__(self) -> None:
        if not self.keyframes or self.keyframes[0][0] != 0:
            raise ValueError(f"Schedule {self.parameter}: the first key must be at frame 0")
        frames = [frame for frame, _ in self.keyframes]
        if any(b <= a for a, b in pairwise(frames)):
            raise ValueError(f"Schedule {self.parameter}: key frames must be strictly increasing")
        if not all(np.isfinite(value) for _, value in self.keyframes):
            raise ValueError(f"Schedule {self.parameter}: a value is not finite")

    def sample(self, n_frames: int) -> npt.NDArray[np.float64]:
        """The value at each frame [shape=(n_frames,)]."""
        frames = np.array([frame for frame, _ in self.keyframes], np.float64)
        values = np.array([value for _, value in self.keyframes], np.float64)
        at = np.arange(n_frames)
        if self.interpolation == "hold":
            return values[np.searchsorted(frames, at, side="right") - 1]
        return np.interp(at, frames, values)

    def to_string(self) -> str:
        """Deforum's text: ``0:(1.000000),12:(1.040000)``; a held schedule repeats values before each step.

        Six decimals and no exponent, because anything Deforum's number pattern does not know is taken for an
        expression and held instead of interpolated.
        """
        keys: list[tuple[int, float]] = []
        for frame, value in self.keyframes:
            if self.interpolation == "hold" and keys and frame - 1 > keys[-1][0]:
                keys.append((frame - 1, keys[-1][1]))
            keys.append((frame, value))
        return ",".join(f"{frame}:({value + 0.0:.6f})" for frame, value in keys)


def constant(parameter: str, value: float) -> Schedule:
    """A schedule that never moves."""
    return Schedule(parameter, ((0, float(value)),))


#: What was thinned lately, the newest last: words are edited far more often than motion, and an hour takes seconds.
_LATELY: dict[tuple[bytes, float, float], tuple[tuple[int, float], ...]] = {}
_MOST_LATELY = 48


def thin(
    values: Sequence[float] | npt.NDArray[np.float64], tolerance: float, total_tolerance: float
) -> tuple[tuple[int, float], ...]:
    """Close to the fewest keys that follow ``values`` within two bounds.

    Parameters
    ----------
    values : [shape=(n,)]
        One value per frame.
    tolerance : float
        Largest error at any one frame.
    total_tolerance : float
        Largest error of the running sum up to any frame: what a rate is off by after it has accumulated.

    Returns
    -------
    keyframes
        Keys at values rounded to six decimals, the first at 0, the last at n - 1 (n > 1).

    Notes
    -----
    Greedy longest-feasible segments, found by doubling and bisection. Once half of the second bound is used up, a key
    leans against the error that has run up, by at most half the first, so that small errors of one sign do not add up.
    Both bounds are checked on what Deforum will compute from the printed digits, rounding included.
    """
    exact = np.ascontiguousarray(values, np.float64)
    if exact.size == 0 or not np.isfinite(exact).all():
        raise ValueError("thin: values must be finite and not empty")
    asked = (hashlib.sha256(exact.tobytes()).digest(), float(tolerance), float(total_tolerance))
    keys = _LATELY.pop(asked, None) or _thin(exact, tolerance, total_tolerance)
    _LATELY[asked] = keys
    while len(_LATELY) > _MOST_LATELY:
        # Two threads may both want to take the oldest one away.
        with contextlib.suppress(StopIteration, KeyError, RuntimeError):
            del _LATELY[next(iter(_LATELY))]
    return keys


def _thin(
    exact: npt.NDArray[np.float64], tolerance: float, total_tolerance: float
) -> tuple[tuple[int, float], ...]:
    """See :func:`thin`."""
    n = exact.size
    keys = [(0, float(np.round(exact[0], 6)))]
    drift = keys[0][1] - float(exact[0])

    def ending(end: int) -> tuple[float, float] | None:
        """The key at ``end`` and the drift after it, or None when the segment leaves a bound."""
        start, value = keys[-1]
        leaning = 0.0
        for _ in range(2):
            key = float(np.round(exact[end] + leaning, 6))
            errors = np.linspace(value, key, end - start + 1)[1:] - exact[start + 1 : end + 1]
            running = drift + np.cumsum(errors)
            if leaning or abs(running[-1]) <= total_tolerance / 2:
                break
            # Leaning by x at the end adds x (end - start + 1) / 2 to the running sum: aim at none left.
            leaning = float(np.clip(-2 * running[-1] / (end - start + 1), -tolerance / 2, tolerance / 2))
        if np.abs(errors).max() > tolerance or np.abs(running).max() > total_tolerance:
            return None
        return key, float(running[-1])

    while (start := keys[-1][0]) < n - 1:
        good, step = start + 1, 2
        while start + step <= n - 1 and ending(start + step) is not None:
            good, step = start + step, step * 2
        bad = min(start + step, n)
        while bad - good > 1:
            middle = (good + bad) // 2
            if ending(middle) is None:
                bad = middle
            else:
                good = middle
        # The very next sample always fits but for its rounding, which is then the whole error.
        exactly = float(np.round(exact[good], 6))
        key, drift = ending(good) or (exactly, drift + exactly - float(exact[good]))
        keys.append((good, key))
    return tuple(keys)
