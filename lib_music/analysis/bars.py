"""Which beat is the one: positions in bars of three or four.

Conventions: one row per beat; positions count from 1; evidence is a z-score along the song, so that no single
cue's unit matters; a bar is decoded over the whole song, a skipped or doubled beat costs, but is possible.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lib_music.analysis.features import RATE, TONAL_RATE, Features
from lib_music.analysis.types import Floats, Ints, Times

Values = npt.NDArray[np.float64]

METERS = (4, 3)
# Bars of three are rarer than bars of four: what they must be better by, per beat. A slip costs once.
WALTZ_COST = 0.06
SLIP_COST = 20.0
# How much the backbeat says beside harmony and timbre.
KICK_WEIGHT = 0.5


def means_between(values: npt.NDArray[Any], edges: Ints) -> Floats:
    """Mean of rows between consecutive ``edges`` [shape=(edges.size - 1, d)]; of one row where a stretch is empty."""
    n = values.shape[0]
    starts = np.clip(edges[:-1], 0, n - 1)
    stops = np.clip(edges[1:], starts + 1, n)
    out = np.empty((starts.size, values.shape[1]), np.float32)
    for i, (a, b) in enumerate(zip(starts, stops, strict=True)):
        out[i] = values[a:b].mean(axis=0, dtype=np.float32)
    return out


def _zscore(values: Values) -> Values:
    spread = values.std()
    return (values - values.mean()) / spread if spread > 1e-9 else np.zeros_like(values)


def _turn(rows: Floats, width: int) -> Values:
    """How much the ``width`` rows from each row on differ from those before, as 1 - cosine [shape=(n,)]; 0 at first."""
    n = rows.shape[0]
    total = np.concatenate([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0, dtype=np.float64)])
    here = np.arange(1, n)
    before = total[here] - total[np.maximum(0, here - width)]
    after = total[np.minimum(n, here + width)] - total[here]
    size = np.linalg.norm(before, axis=1) * np.linalg.norm(after, axis=1)
    change = np.zeros(n)
    change[1:] = 1 - (before * after).sum(axis=1) / np.maximum(size, 1e-9)
    return change


def evidence(features: Features, bands: Floats, times: Times) -> Values:
    """How much each beat sounds like the first of a bar, and how much like a kick, not a snare [shape=(n, 2)].

    The first is change of harmony over one beat, two and four (chroma and bass note), change of timbre, accent in
    the bass: a chord, a bass note and a crash come on the one more often than elsewhere. Both are in standard
    deviations.
    """
    if times.size == 0:
        return np.empty((0, 2))
    last = bands.shape[0] - 1
    frames = np.clip(np.round(times * RATE).astype(np.int64), 0, last)
    accent = np.max([bands[np.clip(frames + j, 0, last)] for j in range(-2, 3)], axis=0).astype(np.float64)
    tonal = np.append(np.round(times * TONAL_RATE), features.chroma.shape[0]).astype(np.int64)
    chroma, bass = means_between(features.chroma, tonal), means_between(features.bass, tonal)
    mel = means_between(features.mel, np.append(frames, features.mel.shape[0]))
    timbre = np.abs(np.diff(mel, axis=0, prepend=mel[:1])).mean(axis=1).astype(np.float64)
    cues = (
        (0.4, _turn(chroma, 1)), (0.7, _turn(chroma, 2)), (0.3, _turn(chroma, 4)), (0.4, _turn(bass, 1)),
        (0.2, _turn(bass, 2)), (0.4, timbre), (0.3, accent[:, 0]),
    )
    one = sum(weight * _zscore(cue) for weight, cue in cues)
    return np.stack([one, _zscore(accent[:, 0] - accent[:, 2:4].mean(axis=1))], axis=1)


def decode_bars(score: Values) -> tuple[Ints, int, float]:
    """Positions of beats by their downbeat evidence.

    Parameters
    ----------
    score : [shape=(n, 2)]
        From :func:`evidence`.

    Returns
    -------
    positions : [shape=(n,)]
        1 to the meter; all 0 when there are fewer than two bars.
    beats_per_bar : int
    confidence : float
        How much better position 1 sounds than the next best position, in [0, 1].
    """
    n = score.shape[0]
    if n < 2 * max(METERS):
        return np.zeros(n, np.int64), 0, 0.0
    score = np.clip(score, -3.0, 3.0)
    tried = []
    for meter, cost in zip(METERS, (0.0, WALTZ_COST), strict=True):
        gains = score @ _gain(meter)
        total, positions = _viterbi(gains)
        tried.append((total / n - cost, meter, positions))
    _, meter, positions = max(tried, key=lambda way: way[0])
    worth = [(score @ _gain(meter))[np.roll(np.arange(n), -k), 0][positions == 1].mean() for k in range(meter)]
    margin = float(worth[0] - max(worth[1:]))
    return positions, meter, float(np.clip(margin / 3, 0, 1))


def _gain(meter: int) -> Values:
    """What one unit of each kind of evidence earns at each position [shape=(2, meter)], of zero sum, unit power."""
    one = np.full(meter, -1.0)
    one[0] = meter - 1.0
    # A backbeat: kick on the odd beats of four, on the one of three.
    kick = np.array([1.0, -1.0, 1.0, -1.0]) if meter == 4 else np.array([2.0, -1.0, -1.0])
    rows = np.stack([one / np.sqrt((one**2).mean()), KICK_WEIGHT * kick / np.sqrt((kick**2).mean())])
    return np.asarray(rows)


def _viterbi(gains: Values) -> tuple[float, Ints]:
    """Best positions [shape=(n,)] for gains [shape=(n, meter)]: the regular step is free, others cost SLIP_COST."""
    n, meter = gains.shape
    state = gains[0].copy()
    back = np.zeros((n, meter), np.int64)
    regular_from = (np.arange(meter) - 1) % meter
    for i in range(1, n):
        regular = state[regular_from]
        slip = int(state.argmax())
        back[i] = np.where(regular >= state[slip] - SLIP_COST, regular_from, slip)
        state = np.maximum(regular, state[slip] - SLIP_COST) + gains[i]
    positions = np.empty(n, np.int64)
    positions[-1] = int(state.argmax())
    for i in range(n - 1, 0, -1):
        positions[i - 1] = back[i, positions[i]]
    return float(state.max()), positions + 1
