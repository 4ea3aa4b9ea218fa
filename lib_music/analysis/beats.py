"""Where the beats are: tempo by autocorrelation, beats by a bar-pointer style hidden Markov model.

Conventions: onset strength comes as (m, bands) at ``features.RATE`` Hz; intervals are whole frames; beat times
are seconds, refined below a frame to the attack itself; tempo is BPM.

The state space is Krebs, Böck & Widmer's (ISMIR 2015): position in the beat times tempo, where tempo changes only
on a beat. Inside a beat such a model has no choice, so a beat is decoded as one step whose score is the sum of
its frames' scores (a difference of two running sums); only one back-pointer per frame and tempo is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lib_music.analysis.features import RATE
from lib_music.analysis.types import Floats, Ints, Times

SLOWEST, FASTEST = 50.0, 230.0
SHORTEST = int(RATE * 60 / FASTEST)
LONGEST = int(np.ceil(RATE * 60 / SLOWEST))
INTERVALS: Ints = np.arange(SHORTEST, LONGEST + 1)
BAND_WEIGHTS = np.array([1.6, 1.0, 0.9, 1.0, 0.7], np.float32)
# The usual tempo of music people tap to, and how widely it spreads (Parncutt 1994; Moelants 2002).
USUAL_BPM, SPREAD_OCTAVES = 118.0, 0.75
TEMPO_STIFFNESS = 70.0
BONUS = 2.0


@dataclass(frozen=True, eq=False)
class Pulse:
    """A decoded pulse. ``times`` [shape=(n,)] s; ``frames`` [shape=(n,)] int; ``intervals`` [shape=(n,)] frames."""

    times: Times
    frames: Ints
    intervals: Ints


def combine(bands: Floats) -> Floats:
    """One onset curve [shape=(m,)] of locally scaled bands [shape=(m, b)]: about 1 at a clear attack."""
    total = np.minimum(bands, 1.5) @ (BAND_WEIGHTS / BAND_WEIGHTS.sum())
    return np.asarray(total, np.float32)


def tempogram(bands: Floats) -> npt.NDArray[np.float64]:
    """How strongly the song repeats at each interval [shape=(INTERVALS.size,)], in [0, 1].

    The bands' autocorrelations are summed, so that an off-beat hi-hat and a kick on the beat both speak for the
    beat; a comb over the first four multiples (each at its best within 1 %) favours the pulse over its overtones.
    """
    from scipy import fft

    span = 4 * LONGEST + 8
    curve = np.minimum(bands, 1.5)
    curve = curve - curve.mean(axis=0)
    total = np.zeros(span)
    # Blocks of a minute keep the transform small; tempo is a local matter anyway.
    block = 1 << 13
    for start in range(0, curve.shape[0], block):
        part = curve[start : start + block + span]
        n = fft.next_fast_len(part.shape[0] + span, real=True)
        spectrum = np.square(np.abs(fft.rfft(part, n, axis=0)))
        total += (fft.irfft(spectrum, n, axis=0)[:span] * BAND_WEIGHTS).sum(axis=1)
    if total[0] <= 0:
        return np.zeros(INTERVALS.size)
    correlation = total / total[0]
    salience = np.zeros(INTERVALS.size)
    for multiple, weight in ((1, 0.4), (2, 0.3), (3, 0.1), (4, 0.2)):
        slack = multiple // 2 + 1
        reach = [correlation[multiple * INTERVALS + j] for j in range(-slack, slack + 1)]
        salience += weight * np.max(reach, axis=0)
    return np.asarray(np.clip(salience, 0, 1))


def tempo_prior(intervals: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Log-normal preference for tempi near ``USUAL_BPM`` [shape=(n,)], 1 at the best."""
    octaves = np.log2(RATE * 60 / intervals / USUAL_BPM)
    return np.asarray(np.exp(-0.5 * (octaves / SPREAD_OCTAVES) ** 2))


def decode(onset: Floats, log_prior: npt.NDArray[np.float64]) -> Pulse:
    """The most likely beat sequence.

    Parameters
    ----------
    onset : [shape=(m,)]
        From :func:`combine`.
    log_prior : [shape=(INTERVALS.size,)]
        Log-preference for each interval, counted once per beat.

    Notes
    -----
    Time O(m * INTERVALS.size * 2 * reach), memory one byte per frame and interval.
    """
    m, k = onset.size, INTERVALS.size
    act = np.clip(0.03 + 0.62 * onset, 0.03, 0.9).astype(np.float64)
    rest = np.log(1 - act)
    near = np.convolve(act, (0.25, 0.5, 0.25), mode="same")
    size = INTERVALS / 43.0
    hit = (BONUS + np.log(near) - np.log(1 - near))[:, None] * np.sqrt(size)[None, :] + log_prior * size
    passed = np.concatenate([np.full(LONGEST, 0.0), np.cumsum(rest)])  # passed[t + LONGEST]: up to frame t
    jump = -TEMPO_STIFFNESS * np.abs(np.log(INTERVALS[None, :] / INTERVALS[:, None]))  # [from, to]
    back = np.zeros((m, k), np.uint8)
    # after[t]: best score of a beat at t, by the interval that follows. Before the first frame lie free starts.
    after = np.full((m + LONGEST, k), 0.0)
    after[:LONGEST] = -1.0
    last = np.empty((m, k), np.float32)
    column = np.arange(k)
    for start in range(0, m, SHORTEST):
        frames = np.arange(start, min(m, start + SHORTEST))
        origin = frames[:, None] - INTERVALS[None, :] + LONGEST
        score = after[origin, column] + passed[frames + LONGEST][:, None] - passed[origin] + hit[frames]
        last[frames] = score
        ways = score[:, :, None] + jump[None]
        best = ways.argmax(axis=1)
        back[frames] = best
        after[frames + LONGEST] = np.take_along_axis(ways, best[:, None, :], axis=1)[:, 0]
    return _trace(last, back, passed[LONGEST:])


def _trace(
    last: Floats, back: npt.NDArray[np.uint8], passed: npt.NDArray[np.float64]
) -> Pulse:
    """Walk the back-pointers from the best last beat to the start."""
    m = last.shape[0]
    tail = max(0, m - LONGEST)
    final = last[tail:] + (passed[-1] - passed[tail:])[:, None]
    # A tempo must have its last beat within one interval of the end.
    ends = np.arange(tail, m)[:, None] + INTERVALS[None, :] >= m
    final = np.where(ends, final, -np.inf)
    row, state = (int(i) for i in np.unravel_index(int(final.argmax()), final.shape))
    frame = tail + row
    frames, states = [], []
    while frame >= 0:
        frames.append(frame)
        states.append(state)
        frame -= int(INTERVALS[state])
        if frame >= 0:
            state = int(back[frame, state])
    order = np.array(frames[::-1], np.int64)
    return Pulse(order / RATE, order, INTERVALS[np.array(states[::-1], np.int64)])
