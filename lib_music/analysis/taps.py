"""A person's taps pull the beat grid: they say which beat is meant, the sound says where exactly it is.

Conventions: taps and beats are seconds, increasing. Taps are sloppy: tens of milliseconds early or late, some missing,
some struck twice, never many. Each unbroken run of them decides how far beats lie apart there (so also double or half
of what was heard) and on which pulse; the beats themselves stay on those heard, or between them, or on an attack, and
only where none of these is near on the smoothed taps. Outside the runs nothing changes.

The way: taps are numbered by their local period, smoothed by a local line (Cleveland 1979), and for each number one
place is chosen among the candidates by dynamic programming over closeness to the tap, kind of place, and even steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from lib_music.analysis.types import Beats, Envelope, Ints, Times

Mask = npt.NDArray[np.bool_]
#: From so many taps in a run on they count.
MIN_TAPS = 4
#: Periods that a person taps, s; a longer rest than this many periods, and than REST s, ends a run.
SHORTEST, LONGEST, RESTS, REST = 0.2, 3.0, 8.5, 4.0
#: So many taps that lie on the whole so far from where the ones before them say, in steps, follow no pulse: by chance
#: it would be a quarter, and a poor hand has half as much as this.
AIMLESS_TAPS, AIMLESS = 16, 0.2
#: How far from its tap a beat may lie, and a constant lead or lag of all taps, in periods.
REACH, BIAS = 0.3, 0.22
#: What a place costs that was not heard as a beat.
BETWEEN, ATTACK, FREE = 1.0, 0.9, 2.0
#: A pulse between two beats, or one on the taps alone, goes to an attack as near as this, s.
NEAR = 0.04


@dataclass(frozen=True, eq=False)
class Run:
    """Taps without a long rest: ``numbers`` count beats from 0, ``times`` are theirs; ``period`` s."""

    numbers: Ints
    times: Times
    period: float


def runs_of(taps: Sequence[float]) -> tuple[Run, ...]:
    """Taps as runs of numbered beats; double ones are dropped, missing ones leave a number out, and runs that follow
    no pulse do not count."""
    given = np.asarray(taps, np.float64)
    if given.size < MIN_TAPS:
        return ()
    gaps = np.diff(given)
    rest = max(REST, RESTS * float(np.median(gaps)))
    parts = np.split(given, np.flatnonzero(gaps > rest) + 1)
    return tuple(run for part in parts if (run := _numbered(part)) is not None)


def _numbered(taps: Times) -> Run | None:
    period = _period(np.diff(taps))
    if taps.size < MIN_TAPS or not period:
        return None
    numbers, times, recent, off = [0], [float(taps[0])], [period], 0.0
    for tap in taps[1:].tolist():
        local = float(np.median(recent[-6:]))
        steps = round((tap - times[-1]) / local)
        off += abs((tap - times[-1]) / local - steps)
        if steps:
            recent.append((tap - times[-1]) / steps)
            numbers.append(numbers[-1] + steps)
            times.append(tap)
        elif len(times) > 1:
            # Struck twice: the one nearer to where it was due is meant.
            due = times[-2] + local * (numbers[-1] - numbers[-2])
            times[-1] = min(times[-1], tap, key=lambda t: abs(t - due))
    if len(times) < MIN_TAPS or (taps.size >= AIMLESS_TAPS and off > AIMLESS * (taps.size - 1)):
        return None
    return Run(np.array(numbers), np.array(times), period)


def _period(gaps: Times) -> float:
    """The usual step between taps, s; 0 where there is none."""
    found = gaps[(gaps >= SHORTEST) & (gaps <= LONGEST)]
    if not found.size:
        return 0.0
    spots = np.quantile(found, np.linspace(0, 1, min(found.size, 64)), method="nearest")
    slack = np.clip(0.18 * spots, 0.06, 0.3 * spots)[:, None]
    near = np.abs(found - spots[:, None])
    votes = (near <= slack).sum(axis=1) + 0.5 * (np.abs(found - 2 * spots[:, None]) <= slack).sum(axis=1)
    best = int(np.argmax(votes - 0.01 * np.minimum(near, slack).mean(axis=1) / slack[:, 0]))
    return float(found[near[best] <= slack[best]].mean())


def smoothed(run: Run) -> Times:
    """Where the taps say each beat of the run is [shape=(numbers[-1] + 1,)], with what one hand misses levelled out."""
    wanted = np.arange(run.numbers[-1] + 1)
    out = np.empty(wanted.size)
    for n in wanted:
        middle = int(np.searchsorted(run.numbers, n))
        around = slice(max(0, middle - 2 * MIN_TAPS), middle + 2 * MIN_TAPS)
        apart, times = run.numbers[around] - n, run.times[around]
        distance = np.abs(apart)
        span = max(4.0, float(np.sort(distance)[min(MIN_TAPS, distance.size) - 1])) + 1
        weight = np.clip(1 - (distance / span) ** 3, 0, 1) ** 3
        inside = weight > 0
        out[n] = _line_at(apart[inside], times[inside], weight[inside], run.period)
    return np.maximum.accumulate(out)


def _line_at(x: Ints, y: Times, weight: Times, period: float) -> float:
    """The weighted line through the points at x = 0, outliers put down twice."""
    robust, value = weight, float(y.mean())
    for _ in range(3):
        total = max(float(robust.sum()), 1e-9)
        mx, my = float((robust * x).sum()) / total, float((robust * y).sum()) / total
        spread = float((robust * (x - mx) ** 2).sum())
        slope = float((robust * (x - mx) * (y - my)).sum()) / spread if spread > 1e-9 else period
        value = my - slope * mx
        off = np.abs(y - value - slope * x)
        scale = max(6 * float(np.median(off)), 0.02)
        robust = weight * np.clip(1 - (off / scale) ** 2, 0, 1) ** 2 + 1e-6 * weight
    return value


def pulled(beats: Beats, taps: Sequence[float], onset: Envelope | None = None) -> Beats:
    """Beats with those of the tapped stretches as the person taps them.

    Parameters
    ----------
    beats : Beats
        As heard.
    taps : sequence of float
        s, increasing.
    onset : Envelope, optional
        Onset strength, to find attacks where no beats were heard.
    """
    attacks = _attacks(onset)
    found = beats
    for run in runs_of(taps):
        found = _joined(found, beats, _chosen(run, beats.times, attacks), run.period)
    return found


def _attacks(onset: Envelope | None) -> tuple[Times, Times]:
    """Where the onset strength peaks, s, and how strongly, 0 to 1."""
    if onset is None or onset.values.size < 3:
        return np.empty(0), np.empty(0)
    v = onset.values.astype(np.float64)
    at = np.flatnonzero((v[1:-1] > v[:-2]) & (v[1:-1] >= v[2:]) & (v[1:-1] > 0.08)) + 1
    bend = v[at - 1] - 2 * v[at] + v[at + 1]
    shift = np.where(bend < 0, 0.5 * (v[at - 1] - v[at + 1]) / np.where(bend < 0, bend, -1.0), 0.0)
    return (at + np.clip(shift, -0.5, 0.5)) / onset.rate, v[at]


@dataclass(frozen=True, eq=False)
class _Chosen:
    """A run's beats, and which of them were heard as beats."""

    times: Times
    heard: Mask


def _chosen(run: Run, heard: Times, attacks: tuple[Times, Times]) -> _Chosen:
    """The best place for each beat of a run."""
    aim = smoothed(run)
    step = np.gradient(aim) if aim.size > 1 else np.array([run.period])
    aim = aim - _lead(aim, heard, run.period)
    between = (heard[1:] + heard[:-1]) / 2
    doubt = _doubt(aim, np.sort(np.concatenate([heard, between])), run.period)
    places, costs, kinds = [], [], []
    for t, period, lost in zip(aim, np.clip(step, 0.5 * run.period, 2 * run.period), doubt, strict=True):
        spread = float(np.clip(0.12 * period, 0.03, 0.07))
        options = [(heard, np.full(heard.size, lost), 0), (between, np.full(between.size, lost + BETWEEN), 1)]
        options += [(attacks[0], ATTACK + 0.8 * (1 - attacks[1]), 2), (np.array([t]), np.array([FREE]), 2)]
        where, cost, kind = [], [], []
        for spots, price, what in options:
            low, high = np.searchsorted(spots, (t - REACH * period, t + REACH * period))
            where.append(spots[low:high])
            cost.append(price[low:high] + 0.5 * ((spots[low:high] - t) / spread) ** 2)
            kind.append(np.full(high - low, what))
        places.append(np.concatenate(where))
        costs.append(np.concatenate(cost))
        kinds.append(np.concatenate(kind))
    path = _even_path(places, costs, np.diff(aim))
    times = np.array([place[i] for place, i in zip(places, path, strict=True)])
    kind_of = np.array([kind[i] for kind, i in zip(kinds, path, strict=True)])
    return _Chosen(np.where(kind_of == 0, times, _on_attack(times, attacks)), kind_of == 0)


def _lead(aim: Times, heard: Times, period: float) -> float:
    """By how much all taps come later than the beats they mean, s; 0 where they do not agree on that."""
    if heard.size < 2:
        return 0.0
    right = np.clip(np.searchsorted(heard, aim), 1, heard.size - 1)
    nearest = np.where(aim - heard[right - 1] < heard[right] - aim, heard[right - 1], heard[right])
    off = aim - nearest
    usual = float(np.median(off))
    limit = BIAS * min(period, float(np.median(np.diff(heard))))
    steady = float(np.median(np.abs(off - usual))) < 0.05 * period
    return usual if steady and abs(usual) <= limit else 0.0


def _doubt(aim: Times, grid: Times, period: float) -> Times:
    """What a heard place costs at each beat, 0 to 2: how few of the taps around fall on what was heard."""
    if grid.size < 2:
        return np.zeros(aim.size)
    right = np.clip(np.searchsorted(grid, aim), 1, grid.size - 1)
    fits = np.minimum(np.abs(aim - grid[right - 1]), np.abs(aim - grid[right])) < 0.12 * period
    around = np.ones(min(17, aim.size))
    return 2 - 2 * np.convolve(fits, around, "same") / np.convolve(np.ones(aim.size), around, "same")


def _even_path(places: list[Times], costs: list[Times], steps: Times) -> list[int]:
    """Which candidate of each beat, so that places are cheap and steps as the taps have them (Viterbi)."""
    total, back = costs[0], []
    for place, before, cost, step in zip(places[1:], places[:-1], costs[1:], steps, strict=True):
        taken = place[:, None] - before[None, :]
        spread = max(0.05 * float(step), 0.012)
        uneven = np.minimum(0.5 * ((taken - step) / spread) ** 2, 4.5) + np.where(taken < 0.3 * step, 1e6, 0.0)
        reached = total[None, :] + uneven
        best = reached.argmin(axis=1)
        back.append(best)
        total = reached[np.arange(place.size), best] + cost
    path = [int(total.argmin())]
    for best in reversed(back):
        path.append(int(best[path[-1]]))
    return path[::-1]


def _on_attack(times: Times, attacks: tuple[Times, Times]) -> Times:
    """Each time at the strongest attack near it, where there is one."""
    out: Times = times.copy()
    for i, t in enumerate(times):
        low, high = np.searchsorted(attacks[0], (t - NEAR, t + NEAR))
        if high > low:
            out[i] = attacks[0][low + int(attacks[1][low:high].argmax())]
    return out


def _joined(found: Beats, heard: Beats, chosen: _Chosen, period: float) -> Beats:
    """``found`` with a run's beats in place of its own."""
    times = np.maximum(chosen.times, 0.0)
    keep = np.concatenate([[True], np.diff(times) > 1e-3])
    times, known = times[keep], chosen.heard[keep]
    usual = float(np.median(np.diff(heard.times))) if heard.times.size > 1 else period
    margin = 0.5 * min(period, usual)
    before, after = found.times < times[0] - margin, found.times > times[-1] + margin
    last = int(found.positions[before][-1]) if before.any() else 0
    positions = _counted(heard, times, known, last)
    joined = np.concatenate([found.times[before], times, found.times[after]])
    return rebeat(
        found, joined, np.concatenate([found.positions[before], positions, found.positions[after]]),
        np.concatenate([found.confidence[before], np.ones(times.size), found.confidence[after]]),
        60 / float(np.median(np.diff(joined))),
    )  # fmt: skip


def _counted(heard: Beats, times: Times, known: Mask, last: int) -> Ints:
    """Positions in the bar of a run's beats: the heard ones where they are the same beats, else so that most heard
    downbeats stay downbeats, else counted on from ``last``, the position before."""
    bar = heard.beats_per_bar or 4
    place = np.clip(np.searchsorted(heard.times, times), 0, max(heard.times.size - 1, 0))
    if known.all() and (np.diff(place) == 1).all():
        return np.asarray(heard.positions[place], np.int64)
    downbeats = heard.downbeats
    gap = float(np.median(np.diff(times)))
    if downbeats.size:
        right = np.clip(np.searchsorted(downbeats, times), 1, downbeats.size - 1) if downbeats.size > 1 else 0
        left = np.maximum(np.asarray(right) - 1, 0)
        off = np.minimum(np.abs(times - downbeats[right]), np.abs(times - downbeats[left]))
        votes = np.bincount(np.flatnonzero(off < 0.2 * gap) % bar, minlength=bar)
        if votes.max() > 0 and (votes == votes.max()).sum() == 1:
            return (np.arange(times.size) - int(votes.argmax())) % bar + 1
    return (last + np.arange(times.size)) % bar + 1


def rebeat(
    beats: Beats, times: Times, positions: Ints, confidence: npt.NDArray[Any], tempo: float, source: Ints | None = None
) -> Beats:
    """``beats`` at other times; what else is known of a beat is that of the old one numbered in ``source``, else of
    the nearest."""
    old, more = beats.times, dict[str, Any]()
    if source is None:
        near = np.interp(times, old, np.arange(old.size)) if old.size else np.zeros(times.size)
        source = np.rint(near).astype(np.int64)
    for field in fields(beats):
        value = getattr(beats, field.name)
        if isinstance(value, np.ndarray) and field.name not in ("times", "positions", "confidence"):
            more[field.name] = value[source] if old.size else np.zeros(times.size, value.dtype)
    return replace(beats, times=times, positions=positions, confidence=confidence, tempo=tempo, **more)


def retapped(taps: Sequence[float], factor: float) -> tuple[float, ...]:
    """Taps for twice (2.0) or half (0.5) as many beats in the same places."""
    out: list[float] = []
    for run in runs_of(taps):
        if factor == 2.0:
            numbers = np.arange(2 * int(run.numbers[-1]) + 1) / 2
            out += np.interp(numbers, run.numbers, run.times).tolist()
        else:
            out += run.times[run.numbers % 2 == 0].tolist()
    return tuple(round(t, 4) for t in out)
