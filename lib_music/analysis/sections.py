"""Where sections begin, and which of them are the same material.

Conventions: a *unit* is a bar, or two seconds where there is no beat; borders lie on unit edges, so on
downbeats; distances between units are squared Euclidean over standardised features; long songs are cut into
coarser units, so that no matrix grows past ``MAX_UNITS`` squared.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lib_music.analysis.bars import means_between
from lib_music.analysis.features import RATE, TONAL_RATE, Features
from lib_music.analysis.types import Floats, Ints, Times

MAX_UNITS = 640
MIN_SECONDS, MIN_SECTIONS, MAX_SECTIONS = 4.0, 2, 12
LOOSE_UNIT = 2.0
# The usual length of a section, how widely it spreads (natural log), and what the parts of the cost weigh.
USUAL_SECONDS, LENGTH_SPREAD = 22.0, 0.7
VARIES, NOVELTY, PHRASE, PRICE = 0.6, 3.0, 1.0, 0.4
# What a border off the downbeats costs: more than any song can earn, so that only need puts one there.
OFF_BAR = 1000.0
# Mean distance under which two sections are the same material; how many usual lengths a joined one may have.
SAME_MATERIAL, JOINED = 0.35, 2.1
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Material:
    """What borders are found in, one row per unit.

    Attributes
    ----------
    edges : [shape=(n + 1,)] s
    distance : [shape=(n, n)], mean 1 off the diagonal
    energy : [shape=(n,)] in [0, 1]
    firm : [shape=(n + 1,)] bool
        Where a border may lie: on downbeats, wherever there are any.
    """

    edges: Times
    distance: Matrix
    energy: Matrix
    firm: npt.NDArray[np.bool_]


def unit_edges(downbeats: Times, duration: float) -> Times:
    """Edges of the units [shape=(n + 1,)] s: 0, the downbeats, fillers where they are missing, the end."""
    inner = downbeats[(downbeats > 0.5) & (downbeats < duration - 0.5)]
    bar = float(np.median(np.diff(inner))) if inner.size > 2 else LOOSE_UNIT
    known = np.concatenate([[0.0], inner, [duration]])
    edges = [0.0]
    for a, b in pairwise(known):
        n = max(1, round((b - a) / bar)) if b - a > 1.7 * bar else 1
        edges.extend(a + (b - a) * np.arange(1, n + 1) / n)
    edges[-1] = duration
    coarse = -(-(len(edges) - 1) // MAX_UNITS)
    kept = [*edges[:-1:coarse], duration]
    if duration >= 2 * MIN_SECONDS and not any(MIN_SECONDS <= t <= duration - MIN_SECONDS for t in kept):
        kept = sorted([*kept, duration / 2])
    return np.array(kept)


def describe(features: Features, bands: Floats, downbeats: Times, duration: float) -> Material:
    """Units as harmony, timbre, rhythm and level, and how far they lie apart.

    Parameters
    ----------
    features : Features
    bands : [shape=(m, b)]
        Onset strength as it is, not locally scaled: how busy a section is belongs to it.
    downbeats : [shape=(k,)] s
    duration : float
        Seconds.
    """
    from scipy.fft import dct

    edges = unit_edges(downbeats, duration)
    fine = np.round(edges * RATE).astype(np.int64)
    tonal = np.round(edges * TONAL_RATE).astype(np.int64)
    mel = means_between(features.mel, fine).astype(np.float64)
    mel = np.maximum(mel, mel.max() - 70.0)
    timbre = dct(mel, axis=1, norm="ortho")[:, :14]
    pitch = np.hstack([_unit_rows(means_between(rows, tonal)) for rows in (features.chroma, features.bass)])
    rhythm = means_between(bands, fine).astype(np.float64)
    blocks = ((timbre, 1.0), (pitch, 1.0), (rhythm, 0.6))
    distance = np.zeros((len(edges) - 1, len(edges) - 1))
    for block, weight in blocks:
        distance += weight * distances(block)
    off = distance.sum() / max(1, distance.size - len(distance))
    firm = np.isin(edges, downbeats) if np.isin(edges, downbeats).any() else np.ones(edges.size, np.bool_)
    return Material(edges, distance / max(off, 1e-9), _energy(features, bands, mel, fine), firm)


def _energy(features: Features, bands: Floats, mel: Matrix, edges: Ints) -> Matrix:
    """How full, loud, deep and busy each unit is, as one number in [0, 1] [shape=(n,)].

    Full is the mean over mel bands, which favours what fills the spectrum over what is only loud in the bass.
    Amplitudes count to the power 0.6, as loudness grows (Stevens); attacks count as they are.
    """
    full = (10 ** (mel / 20)).mean(axis=1) ** 0.6
    loud = means_between(features.level[:, None], edges)[:, 0].astype(np.float64) ** 0.6
    deep = np.sqrt((10 ** (mel[:, :4] / 10)).mean(axis=1)) ** 0.6
    busy = means_between(bands, edges).mean(axis=1).astype(np.float64)
    parts = ((0.4, full), (0.15, loud), (0.15, deep), (0.3, busy))
    total = np.zeros(full.size)
    for weight, part in parts:
        total += weight * part / max(float(np.percentile(part, 95)), 1e-9)
    return np.clip(total, 0, 1)


def _unit_rows(rows: Floats) -> Matrix:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), np.float64)


def distances(rows: Matrix) -> Matrix:
    """Squared distances between rows, scaled to a mean of 1 [shape=(n, n)]."""
    rows = rows - rows.mean(axis=0)
    square = (rows**2).sum(axis=1)
    distance = np.maximum(square[:, None] + square[None] - 2 * rows @ rows.T, 0)
    np.fill_diagonal(distance, 0)
    mean = distance.mean()
    return np.asarray(distance / mean if mean > 1e-9 else np.zeros_like(distance))


def novelty(distance: Matrix, half: int) -> Matrix:
    """How different the ``half`` units after an edge are from those before it [shape=(n + 1,)] (Foote 2000)."""
    n, total = len(distance), _integral(distance)

    def box(a: int, b: int, c: int, d: int) -> float:
        return float(total[b, d] - total[a, d] - total[b, c] + total[a, c])

    out = np.zeros(n + 1)
    for i in range(1, n):
        a, b = max(0, i - half), min(n, i + half)
        cross = box(a, i, i, b) / ((i - a) * (b - i))
        within = (box(a, i, a, i) + box(i, b, i, b)) / ((i - a) ** 2 + (b - i) ** 2)
        # Near the ends one side is short and proves little.
        out[i] = max(0.0, cross - within) * np.sqrt(min(i - a, b - i) / half)
    return out


def find_borders(material: Material) -> tuple[Ints, Matrix]:
    """Unit indices of the borders, both ends included, and each edge's novelty.

    Dynamic programming over units: a section costs what it varies within and an unusual length, and earns the
    novelty of its border; whole phrases of eight or four units are cheaper than others.
    """
    n, edges = len(material.distance), material.edges
    fresh = (novelty(material.distance, 4) + novelty(material.distance, 8)) / 2
    if edges[-1] < 2 * MIN_SECONDS or n < 2:
        return np.array([0, n]), fresh
    usual = usual_length(float(edges[-1]))
    total = _integral(material.distance)
    diagonal = np.diag(total)
    cost = np.full((MAX_SECTIONS + 1, n + 1), np.inf)
    cost[0, 0] = 0.0
    back = np.zeros((MAX_SECTIONS + 1, n + 1), np.int64)
    for j in range(1, n + 1):
        i = np.arange(j)
        seconds = edges[j] - edges[:j]
        inside = diagonal[j] - total[:j, j] - total[j, :j] + diagonal[:j]
        piece = VARIES * inside / (2 * (j - i)) + _phrase_cost(j - i) - NOVELTY * fresh[:j]
        piece[1:] += OFF_BAR * ~material.firm[1:j]
        piece += 0.5 * (np.log(np.maximum(seconds, 1e-3) / usual) / LENGTH_SPREAD) ** 2
        piece[seconds < MIN_SECONDS] = np.inf
        ways = cost[:-1, :j] + piece
        back[1:, j] = ways.argmin(axis=1)
        cost[1:, j] = ways.min(axis=1)
    final = cost[:, n] + PRICE * np.arange(MAX_SECTIONS + 1)
    final[:MIN_SECTIONS] = np.inf
    count = int(final.argmin())
    if not np.isfinite(final[count]):
        return np.array([0, n]), fresh
    borders = [n]
    for k in range(count, 0, -1):
        borders.append(int(back[k, borders[-1]]))
    return np.array(borders[::-1]), fresh


def usual_length(duration: float) -> float:
    """Seconds a section usually lasts: shorter in a short piece, longer where MAX_SECTIONS must cover hours."""
    return max(min(USUAL_SECONDS, max(8.0, duration / 5)), duration / MAX_SECTIONS)


def _integral(distance: Matrix) -> Matrix:
    """Sums over all leading blocks [shape=(n + 1, n + 1)]."""
    total = np.zeros((len(distance) + 1, len(distance) + 1))
    total[1:, 1:] = distance.cumsum(axis=0).cumsum(axis=1)
    return total


def _phrase_cost(lengths: Ints) -> Matrix:
    """What a length in units costs: phrases of 8, then 4, then 2 bars; short ones more."""
    cost = np.where(lengths % 8 == 0, 0.0, np.where(lengths % 4 == 0, 0.2, np.where(lengths % 2 == 0, 0.6, 1.0)))
    return np.asarray(PHRASE * cost + 2.0 * (lengths < 4))


def name_sections(material: Material, borders: Ints) -> tuple[str, ...]:
    """Letters in order of appearance: sections of the same material share one.

    Average-linkage clustering on the distance of two sections played side by side from their starts.
    """
    spans = list(pairwise(borders))
    n = len(spans)
    apart = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            apart[i, j] = apart[j, i] = _side_by_side(material.distance, spans[i], spans[j])
    groups = [[i] for i in range(n)]
    while len(groups) > 1:
        pairs = [(float(apart[np.ix_(a, b)].mean()), x, y)
                 for x, a in enumerate(groups) for y, b in enumerate(groups) if y < x]
        gap, x, y = min(pairs)
        if gap > SAME_MATERIAL:
            break
        groups[y] += groups.pop(x)
    names: dict[int, str] = {}
    for letter, group in enumerate(sorted(groups, key=min)):
        for i in group:
            names[i] = chr(ord("A") + letter)
    return tuple(names[i] for i in range(n))


def merge_alike(material: Material, borders: Ints, labels: tuple[str, ...]) -> tuple[Ints, tuple[str, ...]]:
    """Join neighbours of the same material while both together are no longer than two usual sections."""
    usual = usual_length(float(material.edges[-1]))
    kept, names = [int(borders[0])], [labels[0]]
    for i in range(1, len(labels)):
        seconds = material.edges[borders[i + 1]] - material.edges[kept[-1]]
        rest = len(labels) - i - 1
        if labels[i] == names[-1] and seconds <= JOINED * usual and len(names) + rest >= MIN_SECTIONS:
            continue
        kept.append(int(borders[i]))
        names.append(labels[i])
    return np.array([*kept, int(borders[-1])]), tuple(names)


def _side_by_side(distance: Matrix, one: tuple[int, int], other: tuple[int, int]) -> float:
    """Mean distance of two sections' units at equal places, the shorter inside the longer's start."""
    length = min(one[1] - one[0], other[1] - other[0])
    steps = np.arange(length)
    return float(distance[one[0] + steps, other[0] + steps].mean())
