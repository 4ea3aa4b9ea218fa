"""Which beat is the one: positions in bars of three or four.

Conventions: one row per beat; positions count from 1; evidence is a z-score along the song, so that no single
cue's unit matters; a bar is decoded over the whole song, a skipped or doubled beat costs, but is possible.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lib_music.analysis.features import RATE, TONAL_RATE, Features
from lib_music.analysis.types import Floats, Ints, Times

METERS = (4, 3)
# Bars of three are rarer than bars of four: what a bar of three must be better by, per beat.
WALTZ_COST = 0.06
SLIP_COST = 4.0


def means_between(values: Floats, edges: Ints) -> Floats:
    """Mean of rows between consecutive ``edges`` [shape=(edges.size - 1, d)]; an empty stretch takes its first row."""
    n = values.shape[0]
    out = np.empty((edges.size - 1, values.shape[1]), np.float32)
    for i, (a, b) in enumerate(zip(edges, edges[1:], strict=False)):
        a = min(int(a), n - 1)
        out[i] = values[a : max(a + 1, int(b))].mean(axis=0, dtype=np.float32)
    return out


def _zscore(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    spread = values.std()
    return (values - values.mean()) / spread if spread > 1e-9 else np.zeros_like(values)


def _turn(rows: Floats) -> npt.NDArray[np.float64]:
    """How much each row differs from the one before, as 1 - cosine [shape=(n,)], 0 at the first."""
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = rows / np.maximum(norm, 1e-6)
    change = np.zeros(rows.shape[0])
    change[1:] = 1 - (unit[1:] * unit[:-1]).sum(axis=1)
    return change


def evidence(features: Features, bands: Floats, times: Times) -> npt.NDArray[np.float64]:
    """How much each beat sounds like the first of a bar [shape=(n,)].

    Accent in the bass, change of harmony (chroma, bass note) and of timbre: a chord, a bass note and a crash come
    on the one more often than elsewhere.
    """
    frames = np.clip(np.round(times * RATE).astype(np.int64), 0, bands.shape[0] - 1)
    accent = np.stack([bands[np.clip(frames + j, 0, bands.shape[0] - 1)] for j in range(-2, 3)]).max(axis=0)
    tonal = np.append(np.round(times * TONAL_RATE), features.chroma.shape[0]).astype(np.int64)
    fine = np.append(frames, features.mel.shape[0])
    chroma = means_between(features.chroma, tonal)
    bass = means_between(features.bass, tonal)
    mel = means_between(features.mel, fine)
    timbre = np.zeros(times.size)
    timbre[1:] = np.abs(np.diff(mel, axis=0)).mean(axis=1)
    return np.asarray(
        0.5 * _zscore(accent[:, 0].astype(np.float64))
        + 0.2 * _zscore(accent.mean(axis=1).astype(np.float64))
        + 1.0 * _zscore(_turn(chroma))
        + 0.7 * _zscore(_turn(bass))
        + 0.3 * _zscore(timbre)
    )


def decode_bars(score: npt.NDArray[np.float64]) -> tuple[Ints, int, float]:
    """Positions of beats by their downbeat evidence.

    Returns
    -------
    positions : [shape=(n,)]
    beats_per_bar : int
    confidence : float
        How much better this placing is than the next best phase, in [0, 1].
    """
    n = score.size
    if n < 6:
        return np.zeros(n, np.int64), 0, 0.0
    score = np.clip(score, -3.0, 3.0)
    best: tuple[float, int, Ints] | None = None
    for meter in METERS:
        total, positions = _viterbi(score, meter)
        total -= WALTZ_COST * n * (meter == 3)
        if best is None or total > best[0]:
            best = (total, meter, positions)
    assert best is not None
    _, meter, positions = best
    phases = np.array([score[positions == p].mean() if (positions == p).any() else 0.0 for p in range(1, meter + 1)])
    others = np.delete(phases, 0)
    margin = float(phases[0] - others.max())
    return positions, meter, float(np.clip(margin / 1.5, 0, 1))


def _viterbi(score: npt.NDArray[np.float64], meter: int) -> tuple[float, Ints]:
    """Best positions for one meter: state = position; the regular step is free, any other costs SLIP_COST."""
    n = score.size
    gain = np.full(meter, -1.0 / (meter - 1))
    gain[0] = 1.0
    gain *= np.sqrt(meter)  # so that 3 and 4 can be compared per beat
    state = score[0] * gain
    back = np.zeros((n, meter), np.int64)
    for i in range(1, n):
        regular = np.roll(state, 1)
        slip = int(state.argmax())
        back[i] = np.where(regular >= state[slip] - SLIP_COST, (np.arange(meter) - 1) % meter, slip)
        state = np.maximum(regular, state[slip] - SLIP_COST) + score[i] * gain
    positions = np.empty(n, np.int64)
    positions[-1] = int(state.argmax())
    for i in range(n - 1, 0, -1):
        positions[i - 1] = back[i, positions[i]]
    return float(state.max()), positions + 1
