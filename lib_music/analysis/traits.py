"""By what a border is recognised: what changes there, what is hit there, and what begins or ceases to repeat.

Conventions: one row of traits per edge of a unit, those at 0 and at the end included; what a unit sounds like is a row
of a block whose mean squared distance of two rows is 1, whatever the music; all is linear in the length of the song,
for repetition is sought LAGS units back and ahead.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lib_music.analysis.features import FINE_FLOOR_DB, FINE_STEP_DB, N_FINE
from lib_music.analysis.units import AROUND_STEPS, Units

Matrix = npt.NDArray[np.float64]
# What the aspects of a unit weigh in its row: level and rhythm tell two verses of one song apart, and should not.
_SHARES = {"harmony": 1.0, "bass": 1.0, "timbre": 1.0, "level": 0.5, "rhythm": 0.5}
# Units that are less apart than this (mean squared distance of two) are alike, and their differences stay small: noise
# and held tones. Music is several times further apart.
_ALIKE = {"harmony": 0.03, "bass": 0.1, "timbre": 4000.0, "level": 3.0, "rhythm": 0.4}
# The same for what happens within units, quarter by quarter, and what it weighs when music is compared to itself.
_DETAIL_ALIKE = {"harmony": 0.06, "bass": 0.2, "timbre": 8000.0, "rhythm": 2.0}
_DETAIL_SHARES = {"harmony": 1.0, "bass": 1.0, "timbre": 0.75, "rhythm": 0.75}
# Novelty is measured between so many units before and after an edge, steps of energy between so many.
SCALES, STEPS = (1, 2, 4, 8, 16), (1, 4)
# How many units back and ahead a repetition is sought, over how many units it is followed, and the loops of music.
LAGS, FOLLOWED, LOOPS = 96, (2, 4), (1, 2, 4, 8)


def blocks(units: Units) -> dict[str, Matrix]:
    """What a unit sounds like as a whole under five aspects, each [shape=(n, d)]."""
    level = _levels(units)
    found = {
        "harmony": _unit_rows(units.chroma.astype(np.float64).mean(axis=1)),
        "bass": _unit_rows(units.bass.astype(np.float64).mean(axis=1)),
        "timbre": level @ _cosines(1, 16),
        "level": np.stack([level.mean(axis=1), _low(level), _high(level)], axis=1),
        "rhythm": units.rise.astype(np.float64).mean(axis=1),
    }
    return {name: _scaled(block, _ALIKE[name]) for name, block in found.items()}


def rows(found: dict[str, Matrix]) -> Matrix:
    """All aspects side by side [shape=(n, d)]."""
    whole = sum(_SHARES.values())
    return np.hstack([np.sqrt(_SHARES[name] / whole) * block for name, block in found.items()])


def details(units: Units) -> dict[str, Matrix]:
    """What happens within a unit, quarter by quarter, its attacks by sixteenths, each [shape=(n, d)]."""
    n = len(units.fine)
    fine = FINE_FLOOR_DB + FINE_STEP_DB * units.fine.astype(np.float64)
    found = {
        "harmony": _unit_rows(units.chroma.astype(np.float64)),
        "bass": _unit_rows(units.bass.astype(np.float64)),
        "timbre": np.maximum(fine, fine.max() - 70.0) @ _cosines(0, 10),
        "rhythm": np.sqrt(units.rise.astype(np.float64)),
    }
    return {name: _scaled(block.reshape(n, -1), _DETAIL_ALIKE[name]) for name, block in found.items()}


def traits(units: Units) -> Matrix:
    """The traits of each edge [shape=(n + 1, t)]."""
    found, fine = blocks(units), details(units)
    changes = [novelty(block, half) for block in found.values() for half in SCALES]
    whole, tonal = _joined(fine, tuple(_DETAIL_SHARES)), _joined(fine, ("harmony", "bass"))
    parts = [np.stack(changes, axis=1), _steps(units), _strangeness(fine), _hits(units)]
    return np.hstack([*parts, _repetition(whole), _repetition(tonal), _places(units)])


def novelty(rows: Matrix, half: int) -> Matrix:
    """How different the ``half`` units after an edge are from those before it [shape=(n + 1,)].

    The mean distance across minus the mean distance within, as a checkerboard on the matrix of squared distances gives
    (Foote 2000), from running sums.
    """
    n = len(rows)
    out = np.zeros(n + 1)
    if n < 2:
        return out
    total = np.vstack([np.zeros(rows.shape[1]), np.cumsum(rows, axis=0)])
    square = np.concatenate([[0.0], np.cumsum((rows**2).sum(axis=1))])
    i = np.arange(1, n)
    a, b = np.maximum(0, i - half), np.minimum(n, i + half)
    before, after = (total[i] - total[a]) / (i - a)[:, None], (total[b] - total[i]) / (b - i)[:, None]
    within = []
    for first, last, mean in ((a, i, before), (i, b, after)):
        size = last - first
        variance = np.maximum((square[last] - square[first]) / size - (mean**2).sum(axis=1), 0)
        within.append(np.where(size > 1, variance / np.maximum(size - 1, 1), np.nan))
    # One unit alone has no spread: it is taken to have its neighbours'.
    left, right = (np.where(np.isnan(x), np.nan_to_num(y), x) for x, y in (within, within[::-1]))
    # Near the ends one side is short and proves little.
    out[1:n] = (((before - after) ** 2).sum(axis=1) - left - right) * np.sqrt(np.minimum(i - a, b - i) / half)
    return out


def _steps(units: Units) -> Matrix:
    """By how much it gets louder, deeper, brighter and busier, signed [shape=(n + 1, 4 * len(STEPS))]."""
    level, n = _levels(units), len(units.fine)
    busy = 3 * units.rise.astype(np.float64).mean(axis=1).sum(axis=1)
    energy = np.stack([level.mean(axis=1), _low(level), _high(level), busy], axis=1)
    total = np.vstack([np.zeros(4), np.cumsum(energy, axis=0)])
    i = np.arange(n + 1)
    found = []
    for half in STEPS:
        a, b = np.maximum(0, i - half), np.minimum(n, i + half)
        after, before = (total[b] - total[i]) / np.maximum(b - i, 1)[:, None], (total[i] - total[a])
        step = after - before / np.maximum(i - a, 1)[:, None]
        step[[0, n]] = 0
        found.append(step / 6)
    return np.hstack(found)


def _strangeness(fine: dict[str, Matrix]) -> Matrix:
    """How unlike its four forerunners the unit before an edge is: a fill, a turnaround [shape=(n + 1, 2)]."""
    found = []
    for name in ("rhythm", "timbre"):
        apart = lagged(fine[name], 4)
        own = np.nan_to_num(apart).sum(axis=1) / np.maximum(np.isfinite(apart).sum(axis=1), 1)
        found.append(np.concatenate([[0.0], own]))
    return np.stack(found, axis=1)


def _hits(units: Units) -> Matrix:
    """What is hit on an edge, rings after it and stops before it, over what is usual nearby [shape=(n + 1, 6)]."""
    around, middle = units.around.astype(np.float64) * FINE_STEP_DB, AROUND_STEPS
    bright = around[:, :, 6:].mean(axis=2)
    level, low = around.mean(axis=2), around[:, :, :2].mean(axis=2)
    crash, ringing = bright[:, middle : middle + 7].mean(axis=1), bright[:, middle + 7 :].mean(axis=1)
    breath = level[:, middle - 5 : middle].mean(axis=1)
    attack = level[:, middle : middle + 2].mean(axis=1) - level[:, middle - 3 : middle].mean(axis=1)
    deep = low[:, middle : middle + 4].mean(axis=1)
    busy = np.maximum(np.diff(around, axis=1), 0)[:, :middle].sum(axis=(1, 2))
    parts = ((crash, 6), (breath, 6), (attack, 6), (deep, 6), (ringing, 6), (busy, 20))
    return np.stack([_beside(part) / scale for part, scale in parts], axis=1)


def lagged(rows: Matrix, lags: int) -> Matrix:
    """Squared distance of each unit to the one ``1 ... lags`` units before it [shape=(n, lags)]; NaN where none is."""
    n = len(rows)
    apart = np.full((n, lags), np.nan)
    for lag in range(1, min(lags, n - 1) + 1):
        apart[lag:, lag - 1] = ((rows[lag:] - rows[:-lag]) ** 2).sum(axis=1)
    return apart


def along(apart: Matrix, over: int) -> tuple[Matrix, Matrix]:
    """Means of lagged distances over the units after an edge, and over those before it, each [shape=(n + 1, lags)].

    At most ``over`` units, at least two if ``over`` is more; NaN where there are none to compare to.
    """
    n, lags = apart.shape
    there = np.isfinite(apart)
    total = np.vstack([np.zeros(lags), np.cumsum(np.where(there, apart, 0), axis=0)])
    count = np.vstack([np.zeros(lags), np.cumsum(there, axis=0)])
    i = np.arange(n + 1)
    out = []
    for first, last in ((i, np.minimum(n, i + over)), (np.maximum(0, i - over), i)):
        number = count[last] - count[first]
        mean = (total[last] - total[first]) / np.maximum(number, 1)
        out.append(np.where(number >= min(over, 2), mean, np.nan))
    return out[0], out[1]


def _repetition(rows: Matrix) -> Matrix:
    """What repeats before and after an edge, and what begins or ceases to [shape=(n + 1, t)].

    Whether the loop of 1, 2, 4, 8 units goes on; the most that any lag's distance falls or rises at the edge, looking
    back (what was heard before begins or ends here) and ahead (what will come back does); how well the best lag fits;
    how much all lags change (Serra et al. 2014).
    """
    apart = lagged(rows, LAGS)
    columns = []
    for loop in LOOPS:
        columns += [_known(x[:, 0] - 1) for x in along(apart[:, loop - 1 : loop], min(loop, 4))]
    for over in FOLLOWED:
        after, before = along(apart, over)
        falls = _known(before - after)
        ahead = _known(_sources(falls))
        columns += [falls.max(axis=1), (-falls).max(axis=1), ahead.max(axis=1), (-ahead).max(axis=1)]
        columns += [_known(1 - np.fmin.reduce(x, axis=1), 1.0) for x in (after, before)]
        columns.append(np.sqrt((falls**2).mean(axis=1) + (ahead**2).mean(axis=1)))
    return np.stack(columns, axis=1)


def _sources(values: Matrix) -> Matrix:
    """Values of an edge and a lag at the edge so much earlier, whose music they repeat; NaN where none does."""
    edges, lags = values.shape
    out = np.full_like(values, np.nan)
    for lag in range(1, min(lags, edges - 1) + 1):
        out[:-lag, lag - 1] = values[lag:, lag - 1]
    return out


def _places(units: Units) -> Matrix:
    """Where an edge lies: in what tempo, how near the song's ends, between which units [shape=(n + 1, 6)]."""
    n, seconds, level = len(units.fine), np.diff(units.edges), _levels(units).mean(axis=1)
    bar, i = float(np.median(seconds)), np.arange(n + 1)
    odd = np.clip(np.append(seconds, seconds[-1]) / bar - 1, -1, 1)
    quiet = np.clip((np.append(level, level.mean()) - np.percentile(level, 90)) / 10, -5, 1)
    return np.stack([np.full(n + 1, np.log(bar / 2)), np.minimum(i, 8) / 8, np.minimum(n - i, 8) / 8,
                     units.firm.astype(np.float64), odd, quiet], axis=1)


def _joined(fine: dict[str, Matrix], names: tuple[str, ...]) -> Matrix:
    whole = sum(_DETAIL_SHARES[name] for name in names)
    return np.hstack([np.sqrt(_DETAIL_SHARES[name] / whole) * fine[name] for name in names])


def _levels(units: Units) -> Matrix:
    """Mean level of each unit in dB, at most 70 dB under the loudest [shape=(n, bands)]."""
    level = FINE_FLOOR_DB + FINE_STEP_DB * units.fine.astype(np.float64).mean(axis=1)
    return np.asarray(np.maximum(level, level.max() - 70.0))


def _low(level: Matrix) -> Matrix:
    return np.asarray(level[:, : N_FINE // 10].mean(axis=1))


def _high(level: Matrix) -> Matrix:
    return np.asarray(level[:, 6 * N_FINE // 10 :].mean(axis=1))


def _cosines(first: int, last: int) -> Matrix:
    """Cosine curves over the fine bands: the coarse shape of a spectrum [shape=(N_FINE, last - first)]."""
    k = np.arange(N_FINE)
    return np.asarray(np.cos(np.pi / N_FINE * (k[:, None] + 0.5) * np.arange(first, last)))


def _unit_rows(values: Matrix) -> Matrix:
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-6))


def _scaled(rows: Matrix, alike: float) -> Matrix:
    """Rows around their mean, so that the mean squared distance of two is 1, or less where it was below ``alike``."""
    rows = rows - rows.mean(axis=0)
    spread = 2 * float((rows**2).sum(axis=1).mean())
    return np.asarray(rows / np.sqrt(max(spread, alike)))


def _beside(values: Matrix) -> Matrix:
    """Values over the median of nine around each."""
    padded = np.pad(values.astype(np.float64), 4, constant_values=np.nan)
    return np.asarray(values - np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, 9), axis=1))


def _known(values: Matrix, otherwise: float = 0.0) -> Matrix:
    return np.asarray(np.where(np.isfinite(values), values, otherwise))
