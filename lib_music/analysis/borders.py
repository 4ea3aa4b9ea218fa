"""Where sections begin: how likely each bar line is a border, and the best choice of them all.

Conventions: a *unit* is a bar, or two seconds where there is no beat; borders lie on unit edges, so on downbeats,
except in silence; rows describe units, and the mean squared distance of two rows of a song is 1, whatever its music;
all is linear in the length of the song. How likely a border is follows from a dozen and a half *traits* of the edge,
weighed by a logistic regression that ``python -m training.borders`` fits on composed pieces.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lib_music.analysis.bars import means_between
from lib_music.analysis.features import FINE_FLOOR_DB, FINE_STEP_DB, N_FINE, RATE, TONAL_RATE, Features
from lib_music.analysis.types import Floats, Ints, Times

MIN_SECONDS = 4.0
LOOSE_UNIT = 2.0
# Where there were no downbeats for so many bars, borders are free.
GAP_BARS = 2.5
# Silence: this far under the loud parts, for so long; one of MIN_SECONDS is a section of its own.
SILENT, SILENCE_SECONDS = 0.004, 1.5
# What the aspects of a unit weigh in its row: level and rhythm tell two verses of one song apart, and should not.
_SHARES = {"harmony": 1.0, "bass": 1.0, "timbre": 1.0, "level": 0.5, "rhythm": 0.5}
# Units that are less apart than this (mean squared distance of two) are alike, and their differences stay small: noise
# and held tones. Music is several times further apart.
_ALIKE = {"harmony": 0.03, "bass": 0.1, "timbre": 4000.0, "level": 3.0, "rhythm": 0.4}
# Novelty is measured between so many units before and after an edge.
SCALES = (2, 4, 8)
# The usual length of a section, how widely it spreads (natural log), and what the parts of the cost weigh.
USUAL_SECONDS, LENGTH_SPREAD = 20.0, 0.8
LENGTH, VARIES, PHRASE, LIKELY, EAGER, SHORT = 0.6, 1.0, 1.0, 0.8, 1.6, 1.5
# The longest section, seconds.
MAX_SECONDS = 300.0
# What a border off the downbeats costs, and earns at silence: more than any song can.
OFF_BAR = 1000.0
_MODEL = Path(__file__).with_name("weights") / "borders.json"
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Material:
    """What borders are found in and sections are named by, one row per unit.

    Attributes
    ----------
    edges : [shape=(n + 1,)] s
    rows : [shape=(n, d)]
        What a unit sounds like; the mean squared distance of two is 1.
    likely : [shape=(n + 1,)]
        Log odds that a section begins at the edge.
    firm : [shape=(n + 1,)] bool
        Where a border may lie: on downbeats, wherever there are any.
    """

    edges: Times
    rows: Matrix
    likely: Matrix
    firm: npt.NDArray[np.bool_]


def music_ends(level: Floats) -> float:
    """Seconds at which the last sound dies away: what follows belongs to the last section."""
    heard = np.flatnonzero(level >= SILENT * float(np.percentile(level, 95)) + 1e-5)
    return float(heard[-1] + 1) / RATE if heard.size else level.size / RATE


def silences(level: Floats) -> tuple[tuple[float, float], ...]:
    """Stretches of SILENCE_SECONDS and more with nothing to hear between music, (start, end) in seconds."""
    quiet = np.concatenate([[False], level < SILENT * float(np.percentile(level, 95)) + 1e-5, [False]])
    turns = np.flatnonzero(np.diff(quiet.astype(np.int8))).reshape(-1, 2) / RATE
    return tuple((float(a), float(b)) for a, b in turns if b - a >= SILENCE_SECONDS and a > 0 and b < level.size / RATE)


def unit_edges(downbeats: Times, duration: float, stops: tuple[tuple[float, float], ...] = ()) -> tuple[
    Times, npt.NDArray[np.bool_]
]:
    """Edges of the units [shape=(n + 1,)] s, and where borders may lie.

    They are 0, the downbeats, both ends of silences, fillers where downbeats are missing, and the end. Borders may lie
    on downbeats, at silences, and anywhere that is further than GAP_BARS from both its downbeats.
    """
    inner = downbeats[(downbeats > 0.5) & (downbeats < duration - 0.5)]
    bar = float(np.median(np.diff(inner))) if inner.size > 2 else LOOSE_UNIT
    ends = np.array([t for stop in stops for t in stop if 0.5 < t < duration - 0.5])
    if inner.size:
        ends = ends[[bool(np.abs(inner - t).min() > 0.3) for t in ends]] if ends.size else ends
    known = np.concatenate([[0.0], np.sort(np.concatenate([inner, ends])), [duration]])
    edges, firm = [0.0], [True]
    for a, b in pairwise(known):
        n = max(1, round((b - a) / bar)) if b - a > 1.7 * bar else 1
        edges.extend(a + (b - a) * np.arange(1, n + 1) / n)
        firm.extend([b - a > GAP_BARS * bar] * (n - 1) + [True])
    edges[-1] = duration
    if duration >= 2 * MIN_SECONDS and not any(MIN_SECONDS <= t <= duration - MIN_SECONDS for t in edges):
        at = int(np.searchsorted(edges, duration / 2))
        edges.insert(at, duration / 2)
        firm.insert(at, True)
    return np.array(edges), np.array(firm)


def describe(features: Features, downbeats: Times, duration: float) -> Material:
    """Units as harmony, bass, timbre, level and rhythm, and how likely each edge is a border.

    Parameters
    ----------
    features : Features
        ``fine``, ``chroma``, ``bass`` and ``level`` are read.
    downbeats : [shape=(k,)] s
    duration : float
        Seconds.
    """
    stops = silences(features.level)
    edges, firm = unit_edges(downbeats, duration, stops)
    blocks = _blocks(features, edges)
    rows = _rows(blocks)
    model = _found()
    likely = _traits(features, edges, blocks, rows) @ np.array(model["weights"], np.float64) + float(model["bias"])
    likely[edges > music_ends(features.level) - MIN_SECONDS] = -OFF_BAR
    for start, end in stops:
        marks = (start, end) if end - start >= MIN_SECONDS else (end,)
        for mark in marks:
            likely[int(np.abs(edges - mark).argmin())] = OFF_BAR / 2
    return Material(edges, rows, likely, firm)


def traits(features: Features, edges: Times) -> Matrix:
    """What a border is recognised by, one row per edge [shape=(n + 1, t)]."""
    blocks = _blocks(features, edges)
    return _traits(features, edges, blocks, _rows(blocks))


@lru_cache(maxsize=1)
def _found() -> dict[str, Any]:
    """What :mod:`training.borders` wrote."""
    found: dict[str, Any] = json.loads(_MODEL.read_text("utf-8"))
    return found


def border_confidence(evidence: Matrix) -> Floats:
    """How surely borders stand within half a second of true ones [shape=(k, 3)] -> (k,): measured on unseen pieces."""
    found = _found()["confidence"]
    raw = evidence @ np.array(found["weights"], np.float64)
    return np.asarray(np.interp(raw, found["raw"], found["right"]), np.float32)


def evidence(material: Material, cuts: Ints, sure: Floats) -> Matrix:
    """What speaks for each inner border: its odds, what the song costs without it, and ``sure``, how surely the bar
    line there is one, in [0, 1] [shape=(k, 3)]."""
    costs = _Costs(material)
    rows = []
    for k, (i, j) in enumerate(zip(cuts[:-2], cuts[2:], strict=True)):
        middle = int(cuts[k + 1])
        apart = costs.of(np.array([i]), middle)[0] + costs.of(np.array([middle]), int(j))[0] - costs.gain[middle]
        rows.append((np.clip(material.likely[middle], -8, 8),
                     np.clip(costs.of(np.array([i]), int(j))[0] - apart, -8, 8), float(sure[k])))
    return np.array(rows, np.float64).reshape(-1, 3)


def _blocks(features: Features, edges: Times) -> dict[str, Matrix]:
    """What a unit sounds like under five aspects, each [shape=(n, d)] with a mean squared distance of 1, less where all
    is alike."""
    fine = np.round(edges * RATE).astype(np.int64)
    tonal = np.round(edges * TONAL_RATE).astype(np.int64)
    level = FINE_FLOOR_DB + FINE_STEP_DB * means_between(features.fine, fine).astype(np.float64)
    level = np.maximum(level, level.max() - 70.0)
    k = np.arange(N_FINE)
    cosines = np.cos(np.pi / N_FINE * (k[:, None] + 0.5) * np.arange(1, 16))
    low, high = level[:, : N_FINE // 10].mean(axis=1), level[:, 6 * N_FINE // 10 :].mean(axis=1)
    return {name: _scaled(block, _ALIKE[name]) for name, block in (
        ("harmony", _unit_rows(means_between(features.chroma, tonal))),
        ("bass", _unit_rows(means_between(features.bass, tonal))),
        ("timbre", level @ cosines),
        ("level", np.stack([level.mean(axis=1), low, high], axis=1)),
        ("rhythm", means_between(rises(features.fine), fine).astype(np.float64)),
    )}


def _rows(blocks: dict[str, Matrix]) -> Matrix:
    """All aspects side by side [shape=(n, d)]."""
    whole = sum(_SHARES.values())
    return np.hstack([np.sqrt(_SHARES[name] / whole) * block for name, block in blocks.items()])


def rises(fine: npt.NDArray[np.uint8]) -> Floats:
    """How much the level rises over two frames, in five bands [shape=(m, 5)]."""
    bands = np.stack([part.mean(axis=1, dtype=np.float32) for part in np.array_split(fine, 5, axis=1)], axis=1)
    rise = np.zeros_like(bands)
    rise[2:] = np.maximum(bands[2:] - bands[:-2], 0)
    return rise


def _unit_rows(rows: Floats) -> Matrix:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), np.float64)


def _scaled(rows: Matrix, alike: float) -> Matrix:
    """Rows around their mean, so that the mean squared distance of two is 1, or less where it was below ``alike``."""
    rows = rows - rows.mean(axis=0)
    spread = 2 * float((rows**2).sum(axis=1).mean())
    return np.asarray(rows / np.sqrt(max(spread, alike)))


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


def _traits(features: Features, edges: Times, blocks: dict[str, Matrix], rows: Matrix) -> Matrix:
    n = len(rows)
    columns = [novelty(block, half) for block in blocks.values() for half in SCALES]
    fresh = np.mean([novelty(rows, half) for half in SCALES], axis=0)
    peak = np.zeros(n + 1)
    for i in range(1, n):
        around = [fresh[j] for j in (i - 2, i - 1, i + 1, i + 2) if 0 < j < n]
        peak[i] = fresh[i] - max(around) if around else 0.0
    frames = np.clip(np.round(edges * RATE).astype(np.int64), 0, len(features.fine) - 1)
    bright = features.fine[:, 7 * N_FINE // 10 :].mean(axis=1, dtype=np.float32) * FINE_STEP_DB
    level = features.fine.mean(axis=1, dtype=np.float32) * FINE_STEP_DB
    # A crash cymbal rings on the first beat; before it there is often a breath.
    crash = np.array([bright[f + 2 : f + 30].mean() if f + 2 < bright.size else 0.0 for f in frames])
    breath = np.array([level[max(0, f - 20) : f].mean() if f > 3 else 0.0 for f in frames])
    return np.stack([*columns, peak, _beside(crash) / 6, _beside(breath) / 6], axis=1)


def _beside(values: Matrix) -> Matrix:
    """Values over the median of nine around each."""
    padded = np.pad(values.astype(np.float64), 4, constant_values=np.nan)
    return np.asarray(values - np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, 9), axis=1))


class _Costs:
    """What sections cost, and what their borders earn."""

    def __init__(self, material: Material) -> None:
        self.edges, self.n = material.edges, len(material.rows)
        self.gain = LIKELY * (material.likely + EAGER) - OFF_BAR * ~material.firm
        self._total = np.vstack([np.zeros(material.rows.shape[1]), np.cumsum(material.rows, axis=0)])
        self._square = np.concatenate([[0.0], np.cumsum((material.rows**2).sum(axis=1))])
        self._usual = usual_length(float(self.edges[-1]))

    def of(self, i: Ints, j: int) -> Matrix:
        """The cost of the section from each unit ``i`` up to ``j``: what it varies within, an unusual length."""
        seconds = self.edges[j] - self.edges[i]
        varies = self._square[j] - self._square[i] - ((self._total[j] - self._total[i]) ** 2).sum(axis=1) / (j - i)
        odd = 0.5 * (np.log(np.maximum(seconds, 1e-3) / self._usual) / LENGTH_SPREAD) ** 2
        if j == self.n:  # what ends the song may be cut off
            odd = np.where(seconds < self._usual, 0.3 * odd, odd)
        cost = VARIES * varies + LENGTH * odd + _phrase_cost(j - i, first=i == 0, last=j == self.n)
        return np.asarray(cost)


def find_borders(material: Material) -> Ints:
    """Unit indices of the borders, both ends included.

    Dynamic programming over units: a section costs what it varies within and an unusual length, and earns the odds of
    its border; whole phrases of eight or four units are cheaper than others.
    """
    n, edges = len(material.rows), material.edges
    if edges[-1] < 2 * MIN_SECONDS or n < 2:
        return np.array([0, n])
    costs = _Costs(material)
    cost, back = np.full(n + 1, np.inf), np.zeros(n + 1, np.int64)
    cost[0] = 0.0
    for j in range(1, n + 1):
        first = int(np.searchsorted(edges, edges[j] - MAX_SECONDS))
        i = np.arange(first if np.isfinite(cost[first:j]).any() else 0, j)
        ways = cost[i] + costs.of(i, j)
        if j == n and i[0] == 0:
            ways[0] += 10 * OFF_BAR  # one section only where nothing else is possible
        ways[edges[j] - edges[i] < MIN_SECONDS] = np.inf
        best = int(ways.argmin())
        back[j], cost[j] = i[best], ways[best] - (costs.gain[j] if j < n else 0.0)
    if not np.isfinite(cost[n]):
        return np.array([0, n])
    borders = [n]
    while borders[-1]:
        borders.append(int(back[borders[-1]]))
    return np.array(borders[::-1])


def usual_length(duration: float) -> float:
    """Seconds a section usually lasts: shorter in a short piece."""
    return min(USUAL_SECONDS, max(8.0, duration / 5))


def _phrase_cost(lengths: Ints, *, first: npt.NDArray[np.bool_], last: bool) -> Matrix:
    """What a length in units costs: phrases of 8, then 4, then 2 bars; short ones more. A song's ends are ragged."""
    cost = np.where(lengths % 8 == 0, 0.0, np.where(lengths % 4 == 0, 0.2, np.where(lengths % 2 == 0, 0.6, 1.0)))
    cost = PHRASE * (cost + SHORT / PHRASE * (lengths < 4))
    return np.where(first, np.minimum(cost, 0.3 * PHRASE), 0.3 * PHRASE if last else cost)
