"""Sounds with known truth, and a sound source that plays them from memory: the edge is swapped, the rest is real."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from lib_music.audio import Audio

SR = 22050
Floats = npt.NDArray[np.float32]
Times = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sound(Audio):
    """Samples at ``SR`` Hz handed out as an ``Audio``."""

    samples: Floats = field(default_factory=lambda: np.zeros(1, np.float32))

    def blocks(self, sr: int, seconds: float = 10.0, *, channels: Literal[1, 2] = 1) -> Iterator[Floats]:
        assert sr == SR and channels == 1
        step = int(sr * seconds)
        for start in range(0, self.samples.size, step):
            yield self.samples[start : start + step]


def sound(samples: npt.ArrayLike, name: str = "sound") -> Sound:
    """A source of ``samples``."""
    data = np.clip(np.asarray(samples, np.float32), -1, 1)
    seconds = data.size / SR
    return Sound(Path(name), name.encode().hex(), 0.0, seconds, seconds, SR, channels=1, samples=data)


def _note(kind: str, t: Times, rng: np.random.Generator) -> Times:
    """A drum or a click from its attack on; ``t`` [shape=(n,)] s since the attack."""
    if kind == "click":
        return np.sin(2 * np.pi * 1500 * t) * np.exp(-t * 120)
    if kind == "kick":
        return np.sin(2 * np.pi * (50 * t + 3 * (1 - np.exp(-t * 30)))) * np.exp(-t * 14)
    if kind == "snare":
        return (rng.normal(0, 0.4, t.size) + 0.3 * np.sin(2 * np.pi * 190 * t)) * np.exp(-t * 25)
    return rng.normal(0, 0.3, t.size) * np.exp(-t * 80)


def drums(
    parts: Sequence[tuple[Times, str, float]], duration: float, *, noise: float = 0.003, seed: int = 0
) -> Floats:
    """Samples of (times s, kind, gain) parts over a little noise; attacks fall between samples where they do."""
    rng = np.random.default_rng(seed)
    out = rng.normal(0, noise, round(duration * SR))
    for times, kind, gain in parts:
        for time in times:
            first = int(np.ceil(time * SR))
            t = (first + np.arange(int(0.25 * SR))) / SR - time
            stop = min(out.size, first + t.size)
            if first < stop:
                out[first:stop] += 0.7 * gain * _note(kind, t, rng)[: stop - first]
    return np.clip(out, -1, 1).astype(np.float32)


def rock(beats: Times) -> list[tuple[Times, str, float]]:
    """Kick on 1 and 3, snare on 2 and 4, hi-hat in eighths; the bar's first beat is ``beats[0]``."""
    eighths = np.sort(np.concatenate([beats, (beats[1:] + beats[:-1]) / 2]))
    return [(beats[::4], "kick", 1.0), (beats[2::4], "kick", 0.8), (beats[1::2], "snare", 0.8), (eighths, "hat", 0.3)]


def waltz(beats: Times) -> list[tuple[Times, str, float]]:
    """Kick on 1, snare on 2 and 3."""
    others = np.sort(np.concatenate([beats[1::3], beats[2::3]]))
    return [(beats[::3], "kick", 1.0), (others, "snare", 0.4), (beats, "hat", 0.3)]


def chord(root: float, duration: float, *, minor: bool = False, gain: float = 0.08) -> Floats:
    """A triad on ``root`` Hz with a few overtones."""
    t = np.arange(round(duration * SR)) / SR
    out = np.zeros(t.size)
    for semitones in (0, 3 if minor else 4, 7):
        for overtone in (1, 2, 3):
            out += np.sin(2 * np.pi * root * 2 ** (semitones / 12) * overtone * t) / overtone**1.5
    fade = np.minimum(1, np.minimum(t, duration - t) / 0.02)
    return (gain * out * fade).astype(np.float32)
