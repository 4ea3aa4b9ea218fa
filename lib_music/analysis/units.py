"""The units of a song and what each sounds like: the raw material of borders and of letters.

Conventions: a *unit* is a bar, or two seconds where there is no beat; what it sounds like is kept in four quarters, its
attacks in sixteenths; all is linear in the length of the song.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from lib_music.analysis.bars import means_between
from lib_music.analysis.features import RATE, TONAL_RATE, Features
from lib_music.analysis.types import Floats, Ints, Times

MIN_SECONDS = 4.0
LOOSE_UNIT = 2.0
# Where there were no downbeats for so many bars, borders are free.
GAP_BARS = 2.5
# Silence: this far under the loud parts, for so long; one of MIN_SECONDS is a section of its own.
SILENT, SILENCE_SECONDS = 0.004, 1.5
# Parts of a unit in which its sound, and its attacks, are kept.
QUARTERS, SIXTEENTHS = 4, 16
# What is heard right around an edge: so many steps of so many frames on each side.
AROUND_STEPS, AROUND_FRAMES, AROUND_BANDS = 12, 4, 8


@dataclass(frozen=True, eq=False)
class Units:
    """A song in units, ``n`` of them.

    Attributes
    ----------
    edges : [shape=(n + 1,)] s
    firm : [shape=(n + 1,)] bool
        Where a border may lie: on downbeats, wherever there are any.
    fine : [shape=(n, QUARTERS, bands)]
        Levels as in ``Features.fine``.
    chroma, bass : [shape=(n, QUARTERS, 12)]
    rise : [shape=(n, SIXTEENTHS, 5)]
        Attacks in five bands, as :func:`rises` gives them.
    around : [shape=(n + 1, 2 * AROUND_STEPS, AROUND_BANDS)]
        Levels right before and after each edge, as in ``Features.fine``.
    """

    edges: Times
    firm: npt.NDArray[np.bool_]
    fine: Floats
    chroma: Floats
    bass: Floats
    rise: Floats
    around: Floats

    def part(self, first: int, last: int) -> Units:
        """The units from ``first`` up to, without, ``last``."""
        inside, marks = slice(first, last), slice(first, last + 1)
        return Units(self.edges[marks], self.firm[marks], self.fine[inside], self.chroma[inside], self.bass[inside],
                     self.rise[inside], self.around[marks])


def sampled(features: Features, edges: Times, firm: npt.NDArray[np.bool_]) -> Units:
    """The sound of each unit between ``edges``; ``fine``, ``chroma`` and ``bass`` are read."""
    n = edges.size - 1
    quarters, sixteenths = _parts(edges, QUARTERS), _parts(edges, SIXTEENTHS)
    frames, tonal = np.round(quarters * RATE).astype(np.int64), np.round(quarters * TONAL_RATE).astype(np.int64)
    attacks = means_between(rises(features.fine), np.round(sixteenths * RATE).astype(np.int64))
    return Units(
        edges, firm,
        means_between(features.fine, frames).astype(np.float32).reshape(n, QUARTERS, -1),
        means_between(features.chroma, tonal).astype(np.float32).reshape(n, QUARTERS, -1),
        means_between(features.bass, tonal).astype(np.float32).reshape(n, QUARTERS, -1),
        attacks.astype(np.float32).reshape(n, SIXTEENTHS, -1),
        _around(features.fine, np.round(edges * RATE).astype(np.int64)),
    )


def _parts(edges: Times, number: int) -> Times:
    """Edges with each unit cut into ``number`` equal parts."""
    inner = edges[:-1, None] + np.diff(edges)[:, None] * np.arange(number) / number
    return np.append(inner.ravel(), edges[-1])


def _around(fine: npt.NDArray[np.uint8], frames: Ints) -> Floats:
    """Mean levels of steps before and after ``frames``; the first and last frame go on beyond the ends."""
    half = AROUND_STEPS * AROUND_FRAMES
    at = np.clip(np.clip(frames, 0, len(fine) - 1)[:, None] + np.arange(-half, half), 0, len(fine) - 1)
    bands = [part.mean(axis=1, dtype=np.float32) for part in np.array_split(fine, AROUND_BANDS, axis=1)]
    out = np.stack([band[at].reshape(frames.size, -1, AROUND_FRAMES).mean(axis=2) for band in bands], axis=2)
    return np.asarray(out, np.float32)


def rises(fine: npt.NDArray[np.uint8]) -> Floats:
    """How much the level rises over two frames, in five bands [shape=(m, 5)]."""
    bands = np.stack([part.mean(axis=1, dtype=np.float32) for part in np.array_split(fine, 5, axis=1)], axis=1)
    rise = np.zeros_like(bands)
    rise[2:] = np.maximum(bands[2:] - bands[:-2], 0)
    return rise


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
