"""Which beat is the one: positions in bars of two to seven beats, which may change in the song.

Conventions: one row per beat; positions count from 1; worths are natural logs. A bar that ends where the next begins
costs nothing, another metre costs once, a beat too many or too few costs more, but is possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lib_music.analysis.types import Floats, Ints

Values = npt.NDArray[np.float64]

METRES = (4, 3, 2, 6, 5, 7)
#: What a bar of each metre gains by itself: bars of four are the rule.
METRE_WORTH = {4: 0.0, 3: -0.05, 2: -0.5, 6: -0.3, 5: -0.5, 7: -0.3}
#: What it costs to change the metre at a bar's end, and to lose or gain a beat.
CHANGE_COST, SLIP_COST = 5.0, 6.0

#: How much of one independent piece of evidence a beat is, where the odds of all bars are weighed.
TEMPER = 0.7

_FIRST = np.concatenate([[0], np.cumsum(METRES)[:-1]])
_LAST = np.cumsum(METRES) - 1
_STATES = int(sum(METRES))
_METRE = np.repeat(METRES, METRES)
_POSITION = np.concatenate([np.arange(1, metre + 1) for metre in METRES])
# Where each state comes from when nothing special happens.
_BEFORE = np.arange(_STATES) - 1
_BEFORE[_FIRST] = _LAST


@dataclass(frozen=True, eq=False)
class Bars:
    """Bars of a song: ``positions`` and ``metres`` [shape=(n,)] of its beats, and what the path is worth."""

    positions: Ints
    metres: Ints
    worth: float


def means_between(values: npt.NDArray[Any], edges: Ints) -> Floats:
    """Mean of rows between consecutive ``edges`` [shape=(edges.size - 1, d)]; of one row where a stretch is empty."""
    n = values.shape[0]
    starts = np.clip(edges[:-1], 0, n - 1)
    stops = np.clip(edges[1:], starts + 1, n)
    out = np.empty((starts.size, values.shape[1]), np.float32)
    for i, (a, b) in enumerate(zip(starts, stops, strict=True)):
        out[i] = values[a:b].mean(axis=0, dtype=np.float32)
    return out


def decode_bars(gain: Values, fresh: npt.NDArray[np.bool_]) -> Bars:
    """The most likely bars.

    Parameters
    ----------
    gain : [shape=(n,)]
        What each beat gains by being the first of a bar.
    fresh : [shape=(n,)]
        Beats before which the pulse had stopped: any position may follow.
    """
    n = gain.size
    if n == 0:
        return Bars(np.zeros(0, np.int64), np.zeros(0, np.int64), 0.0)
    # A song may begin anywhere in a bar.
    metre_worth = np.array([METRE_WORTH[metre] for metre in METRES])
    score = np.zeros(_STATES)
    score[_FIRST] += gain[0] + metre_worth
    back = np.zeros((n, _STATES), np.uint8)
    for i in range(1, n):
        best = int(score.argmax())
        came = _BEFORE.copy()
        way = score[_BEFORE]
        # A new bar after the end of another kind of bar.
        end = int(_LAST[score[_LAST].argmax()])
        changed = score[end] - CHANGE_COST
        better = changed > way[_FIRST]
        way[_FIRST] = np.where(better, changed, way[_FIRST])
        came[_FIRST] = np.where(better, end, came[_FIRST])
        slipped = score[best] - (0.0 if fresh[i] else SLIP_COST)
        better = slipped > way
        score = np.where(better, slipped, way)
        back[i] = np.where(better, best, came)
        score[_FIRST] += gain[i] + metre_worth
    state = int(score.argmax())
    worth = float(score[state])
    states = np.empty(n, np.int64)
    for i in range(n - 1, -1, -1):
        states[i] = state
        state = int(back[i, state])
    return Bars(_POSITION[states].astype(np.int64), _METRE[states].astype(np.int64), worth)


def position_odds(gain: Values, fresh: npt.NDArray[np.bool_], positions: Ints) -> Values:
    """How likely each beat's place in its bar is beside all other ways to lay the bars [shape=(n,)], log-odds.

    Parameters
    ----------
    gain, fresh : as for :func:`decode_bars`
    positions : [shape=(n,)]
        The places that were chosen.

    Notes
    -----
    The forward-backward algorithm over the states of :func:`decode_bars`. What speaks for a downbeat repeats itself
    from bar to bar, right or wrong: each beat counts for `TEMPER` of one.
    """
    n = gain.size
    if n == 0:
        return np.zeros(0)
    worth = np.zeros((n, _STATES))
    worth[:, _FIRST] = TEMPER * (gain[:, None] + np.array([METRE_WORTH[metre] for metre in METRES]))
    likely = np.exp(worth)
    ways, anyhow = _ways()
    forward, backward = np.empty((n, _STATES)), np.empty((n, _STATES))
    forward[0] = likely[0] / likely[0].sum()
    for i in range(1, n):
        here = (forward[i - 1] @ (anyhow if fresh[i] else ways)) * likely[i]
        forward[i] = here / here.sum()
    backward[-1] = 1 / _STATES
    for i in range(n - 2, -1, -1):
        here = (anyhow if fresh[i + 1] else ways) @ (likely[i + 1] * backward[i + 1])
        backward[i] = here / here.sum()
    share = forward * backward
    share /= share.sum(axis=1, keepdims=True)
    chosen = (share * (_POSITION[None] == positions[:, None])).sum(axis=1)
    edge = np.clip(chosen, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(edge / (1 - edge)))


def _ways() -> tuple[Values, Values]:
    """How likely each state follows each within a pulse, and where a pulse begins anew [shape=(states, states)]."""
    anyhow = np.full((_STATES, _STATES), 1 / _STATES)
    ways = anyhow * np.exp(-TEMPER * SLIP_COST)
    ways[_BEFORE, np.arange(_STATES)] += 1
    ways[_LAST[:, None], _FIRST[None]] += np.exp(-TEMPER * CHANGE_COST)
    return ways, anyhow
