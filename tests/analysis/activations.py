"""What a listening network might say about music with known beats: sure or not, late or early, misled or not."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lib_music.analysis.features import RATE
from lib_music.analysis.network import PULSE_RATE, SPAN, TEMPI, Activations

Times = npt.NDArray[np.float64]


def activations(
    beats: Times, positions: npt.ArrayLike, seconds: float, *, sure: float = 0.8, misses: float = 0.0,
    off_beats: float = 0.0, jitter: float = 0.0, pauses: tuple[tuple[float, float], ...] = (), seed: int = 0,
) -> Activations:
    """Activations of music with ``beats`` s at ``positions`` in their bars.

    ``sure`` is the usual height of a beat, ``misses`` the share of beats hardly heard, ``off_beats`` the height of what
    lies between beats, ``jitter`` (s) the spread of a beat's place; in ``pauses`` (s, s) the network hears no pulse.
    """
    rng = np.random.default_rng(seed)
    m = round(seconds * RATE)
    beat = 0.03 + 0.08 * rng.random(m) ** 3
    downbeat = 0.02 + 0.05 * rng.random(m) ** 3
    frame = np.arange(m)

    def bump(curve: Times, at: float, height: float) -> None:
        near = slice(max(0, int(at * RATE) - 5), int(at * RATE) + 6)
        curve[near] = np.maximum(curve[near], height * np.exp(-0.5 * (frame[near] - at * RATE) ** 2))

    for time, position in zip(beats, np.asarray(positions), strict=True):
        at = time + jitter * rng.normal()
        height = sure * rng.uniform(0.75, 1.2) * (0.15 if rng.random() < misses else 1.0)
        bump(beat, at, height)
        bump(downbeat, at, height * (rng.uniform(0.5, 0.95) if position == 1 else rng.uniform(0.05, 0.3)))
    for a, b in pairwise(beats):
        if b - a < 2:
            bump(beat, (a + b) / 2, off_beats * rng.uniform(0.6, 1.2))
    centres = (np.arange(-(-m // SPAN)) + 0.5) / PULSE_RATE
    pulse = np.full(centres.size, 0.9)
    for start, stop in pauses:
        pulse[(centres > start) & (centres < stop)] = 0.05
    bpm = np.interp(centres, beats[:-1], 60 / np.diff(beats)) if beats.size > 1 else np.full(centres.size, 100.0)
    tempo = 0.01 + np.exp(-0.5 * (np.log(TEMPI / bpm[:, None]) / 0.05) ** 2)
    tempo /= tempo.sum(axis=1, keepdims=True)
    return Activations(np.clip(beat, 0, 0.99).astype(np.float32), np.clip(downbeat, 0, 0.99).astype(np.float32),
                       pulse.astype(np.float32), tempo.astype(np.float32))
