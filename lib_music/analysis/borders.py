"""Where sections begin: how likely each bar line is a border, and the best choice of them all.

Conventions: a *unit* is a bar, or two seconds where there is no beat; borders lie on unit edges, so on downbeats,
except in silence; rows describe units, and the mean squared distance of two rows of a song is 1, whatever its music;
all is linear in the length of the song. How likely a border is is judged by a small network from the *traits* of the
edges around (:mod:`lib_music.analysis.traits`), which ``python -m training.borders`` taught on composed pieces.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lib_music.analysis import traits, units
from lib_music.analysis.features import Features
from lib_music.analysis.types import Floats, Ints, Times
from lib_music.analysis.units import MIN_SECONDS, Units
from lib_music.errors import InstallationError

# The usual length of a section, how widely it spreads (natural log), and what the parts of the cost weigh.
USUAL_SECONDS, LENGTH_SPREAD = 20.0, 0.8
LENGTH, VARIES, PHRASE, LIKELY, EAGER, SHORT = 0.6, 0.5, 0.5, 1.0, 1.2, 1.0
# What a song of one section costs: few are.
ALONE = 3.0
# Seconds that are judged at once, by how much the next such span is later, and how much longer a song may be to be
# judged as a whole.
SPAN, SPAN_STEP, SPAN_ENOUGH = 60.0, 20.0, 1.25
# The longest section, seconds.
MAX_SECONDS = 300.0
# What a border off the downbeats costs, and earns at silence: more than any song can.
OFF_BAR = 1000.0
# The layout of the weights; traits further than this from the mean of all music, in standard deviations, are cut.
FORMAT, FARTHEST = 1, 5.0
MODEL = Path(__file__).with_name("weights") / "borders.npz"
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
    stops = units.silences(features.level)
    edges, firm = units.unit_edges(downbeats, duration, stops)
    heard = units.sampled(features, edges, firm)
    likely = border_odds(heard)
    likely[edges > units.music_ends(features.level) - MIN_SECONDS] = -OFF_BAR
    for start, end in stops:
        marks = (start, end) if end - start >= MIN_SECONDS else (end,)
        for mark in marks:
            likely[int(np.abs(edges - mark).argmin())] = OFF_BAR / 2
    return Material(edges, traits.rows(traits.blocks(heard)), likely, firm)


def spans(edges: Times) -> list[tuple[int, int]]:
    """The stretches of a song that are judged at once, as first and last edge: half a minute and more shared by two."""
    length = float(edges[-1])
    if length <= SPAN_ENOUGH * SPAN:
        return [(0, edges.size - 1)]
    starts = np.linspace(0, length - SPAN, int(np.ceil((length - SPAN) / SPAN_STEP)) + 1)
    firsts, lasts = np.searchsorted(edges, starts - 1e-6), np.searchsorted(edges, starts + SPAN + 1e-6) - 1
    return [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True) if last > first]


def border_odds(heard: Units) -> Matrix:
    """Log odds that a section begins at each edge [shape=(n + 1,)].

    A song is judged a span at a time, for that is what the judge was taught on and about what a listener holds in mind;
    each edge's odds are those of the span whose middle is nearest.
    """
    odds, best = np.full(heard.edges.size, -FARTHEST), np.full(heard.edges.size, np.inf)
    for first, last in spans(heard.edges):
        marks = slice(first, last + 1)
        away = np.abs(heard.edges[marks] - (heard.edges[first] + heard.edges[last]) / 2)
        judged = judge().odds(traits.traits(heard.part(first, last)))[:, 0]
        odds[marks] = np.where(away < best[marks], judged, odds[marks])
        best[marks] = np.minimum(away, best[marks])
    return odds


class Judge(dict[str, Matrix]):
    """A network over the edges of a song, and how far its judgement can be trusted.

    Each edge's traits, in standard deviations from the mean of all music, go through one layer and then through
    convolutions over the edges before and after it (a residual net with growing steps, Bai et al. 2018), so that it is
    judged by what is 1, 2, 4, 8 bars away.
    """

    def odds(self, of: Matrix) -> Matrix:
        """Log odds that a section begins at each edge, and that one repeats there [shape=(n, t)] -> (n, 2)."""
        x = np.clip((of - self["centre"]) / self["spread"], -FARTHEST, FARTHEST)
        hidden = np.maximum(x @ self["first.w"] + self["first.b"], 0)
        for i, step in enumerate(self["dilations"].astype(int).tolist()):
            hidden = hidden + np.maximum(_taps(hidden, step) @ self[f"body{i}.w"] + self[f"body{i}.b"], 0)
        return np.asarray(hidden @ self["last.w"] + self["last.b"])

    def confidence(self, evidence: Matrix) -> Floats:
        """How surely borders stand within half a second of true ones: measured on unseen pieces [shape=(k, 3)]."""
        return np.asarray(np.interp(evidence @ self["sure.weights"], self["sure.raw"], self["sure.right"]), np.float32)


def _taps(x: Matrix, step: int) -> Matrix:
    """Each row with those ``step`` before and after, zeros beyond the ends [shape=(n, 3 * d)]."""
    out = np.zeros((len(x), 3, x.shape[1]))
    out[step:, 0] = x[: max(0, len(x) - step)]
    out[:, 1] = x
    out[: max(0, len(x) - step), 2] = x[step:]
    return out.reshape(len(x), -1)


@lru_cache(maxsize=1)
def judge() -> Judge:
    """What :mod:`training.borders` wrote."""
    fix = "install Music Visualizer again"
    try:
        with np.load(MODEL, allow_pickle=False) as file:
            if int(file["format"]) != FORMAT:
                raise InstallationError(f"{MODEL} has layout {int(file['format'])}, not {FORMAT}", fix)
            return Judge({name: np.asarray(file[name], np.float64) for name in file.files if name != "format"})
    except FileNotFoundError:
        raise InstallationError(f"the judge of borders is missing: {MODEL}", fix) from None
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise InstallationError(f"the judge of borders {MODEL} is damaged: {error}", fix) from None


def border_confidence(evidence: Matrix) -> Floats:
    """How surely borders stand within half a second of true ones [shape=(k, 3)] -> (k,): measured on unseen pieces."""
    return judge().confidence(evidence)


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
            ways[0] += ALONE
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
