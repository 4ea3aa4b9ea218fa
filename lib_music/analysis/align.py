"""Where a song described elsewhere lies in the file at hand.

Conventions: times are seconds; an offset is what must be added to the description's times to get the file's; onsets are
compared, the file's as an envelope, the description's as weighted instants. An offset is only given where one
place fits clearly better than every other, in most of the song, without drifting.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lib_music.analysis.types import Envelope, Times

#: Offsets looked for, seconds either way.
REACH = 15.0
#: Where our onset envelope peaks, seconds after the attack itself.
LATE = -0.002
_GRID = 200.0
# What a match must reach: correlation, and lead over the next best place, as a share and as a difference.
MATCH, LEAD, AHEAD = 0.2, 0.035, 0.028
# The share of the song that must agree: each part nearly as well here as anywhere; within how many seconds; and the
# most it may drift from end to end.
AGREE, FIT, WITHIN, DRIFT = 0.8, 0.75, 0.03, 0.02
_NEAR, _BLOCK, _DRIFTING = 0.06, 8.0, 0.15
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Alignment:
    """An offset and what speaks for it.

    Attributes
    ----------
    offset : float
        Seconds to add to the description's times.
    match : float in [-1, 1]
        Correlation of the onsets there.
    lead : float
        The share by which it beats the next best place.
    agreement : float in [0, 1]
        The share of the song that fits nowhere much better.
    drift : float
        Seconds gained or lost from end to end.
    """

    offset: float
    match: float
    lead: float
    agreement: float
    drift: float

    @property
    def sure(self) -> bool:
        """Whether it may be applied."""
        steady = self.agreement >= AGREE and abs(self.drift) <= DRIFT
        ahead = self.lead >= LEAD and self.lead * self.match >= AHEAD
        return self.match >= MATCH and ahead and steady


def align(times: Times, weights: Times, onset: Envelope, *, centre: float = 0.0) -> Alignment | None:
    """The offset at which described onsets fit the file's.

    Parameters
    ----------
    times, weights : [shape=(n,)] s, > 0
        The described onsets, increasing, and how strong they are.
    onset : Envelope
        The file's.
    centre : float
        The offset in whose neighbourhood (:data:`REACH`) to look.

    Returns
    -------
    Alignment or None
        None when there is too little to compare.
    """
    duration = onset.values.size / onset.rate
    near = (times + centre > -REACH) & (times + centre < duration + REACH)
    times, weights = times[near], weights[near]
    if times.size < 12 or duration < 4 or not weights.sum() > 0:
        return None
    # counted from the first onset, so that an excerpt of a long song is compared with no more than may lie in it
    first = float(times[0])
    described, heard = _train(times - first, weights), _curve(onset)
    if not (described.any() and heard.any()):
        return None
    lags = np.arange(round((centre + first - REACH) * _GRID), round((centre + first + REACH) * _GRID) + 1)
    match = _correlation(described, heard, lags)
    best = int(match.argmax())
    if not match[best] > 0:
        return None
    far = np.abs(lags - lags[best]) > _NEAR * _GRID
    agreement, drift = _steadiness(_blocks(described, heard, lags, best), lags, best)
    offset = (lags[best] + _between(match, best)) / _GRID - first - LATE
    lead = 1 - float(match[far].max()) / float(match[best])
    return Alignment(float(offset), float(match[best]), lead, agreement, drift)


def _train(times: Times, weights: Times) -> Values:
    """Onsets as narrow bells on the grid, their local mean taken away."""
    from scipy.ndimage import gaussian_filter1d

    at = times * _GRID
    low = np.floor(at).astype(np.int64)
    train = np.zeros(int(low[-1]) + 20)
    np.add.at(train, low, weights * (1 - (at - low)))
    np.add.at(train, low + 1, weights * (at - low))
    return _without_mean(gaussian_filter1d(train, 2.0, mode="constant"))


def _curve(onset: Envelope) -> Values:
    at = np.arange(int(onset.values.size / onset.rate * _GRID)) / _GRID
    return _without_mean(onset.at(at).astype(np.float64))


def _without_mean(values: Values) -> Values:
    from scipy.ndimage import uniform_filter1d

    return np.asarray(values - uniform_filter1d(values, round(0.4 * _GRID), mode="constant"))


def _crossed(one: Values, other: Values, lags: npt.NDArray[np.int64]) -> Values:
    """The sum of ``one[i] * other[i + lag]`` over i, for each lag."""
    from scipy.signal import fftconvolve

    full = fftconvolve(other, one[::-1])
    index = lags + one.size - 1
    inside = (index >= 0) & (index < full.size)
    return np.where(inside, full[np.clip(index, 0, full.size - 1)], 0.0)


def _correlation(one: Values, other: Values, lags: npt.NDArray[np.int64]) -> Values:
    """Normalised over what overlaps; nothing where less than 60 % of either does."""
    power = _crossed(one**2, np.ones(other.size), lags) * _crossed(np.ones(one.size), other**2, lags)
    enough = power > 0.36 * (one**2).sum() * (other**2).sum() * min(1.0, one.size / other.size)
    return np.where(enough, _crossed(one, other, lags) / np.sqrt(np.maximum(power, 1e-12)), 0.0)


def _blocks(one: Values, other: Values, lags: npt.NDArray[np.int64], best: int) -> Values:
    """The same sums part by part [shape=(k, lags)], for the parts that lie in both where they fit best."""
    count = int(np.clip(one.size / _GRID // _BLOCK, 1, 60))
    edges = np.linspace(0, one.size, count + 1).astype(np.int64)
    parts = []
    for a, b in pairwise(edges):
        # only what some lag can bring under this part: a song of hours has many
        start, stop = max(0, a + lags[0]), min(other.size, b + lags[-1] + 1)
        if min(b + lags[best], other.size) - max(a + lags[best], 0) > 0.7 * (b - a):
            parts.append(_crossed(one[a:b], other[start:stop], lags + a - start))
    return np.array(parts).reshape(-1, lags.size)


def _between(values: Values, i: int) -> float:
    """The top of the parabola through a peak and its neighbours, in steps from ``i``."""
    if not 0 < i < values.size - 1:
        return 0.0
    a, b, c = (float(v) for v in values[i - 1 : i + 2])
    bend = a - 2 * b + c
    return 0.5 * (a - c) / bend if bend < 0 else 0.0


def _steadiness(blocks: Values, lags: npt.NDArray[np.int64], best: int) -> tuple[float, float]:
    """The share of the song that fits nowhere much better than here, and the drift over the whole, seconds."""
    here = max(0, best - round(WITHIN * _GRID))
    near = blocks[:, here : best + round(WITHIN * _GRID) + 1]
    weight = np.maximum(blocks.max(axis=1), 0)
    if not weight.size or not weight.sum() > 0:
        return 0.0, 0.0
    fits = near.max(axis=1) >= FIT * weight
    agreement = float(weight[fits].sum() / weight.sum())
    first = max(0, best - round(_DRIFTING * _GRID))
    wide = blocks[:, first : best + round(_DRIFTING * _GRID) + 1]
    own = np.array([(first + top - best + _between(row, top)) / _GRID
                    for row, top in zip(wide, wide.argmax(axis=1).tolist(), strict=True)])
    usable = weight > 0.2 * np.median(weight)
    if usable.sum() < 3:
        return agreement, 0.0
    along = np.linspace(-0.5, 0.5, own.size)
    return agreement, _slope(along[usable], own[usable])


def _slope(x: Values, y: Values) -> float:
    """The median of the slopes between all pairs (Theil and Sen): a third of them may be wrong."""
    i, j = np.triu_indices(x.size, 1)
    return float(np.median((y[j] - y[i]) / (x[j] - x[i])))
