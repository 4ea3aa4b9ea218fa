"""The edits that a person can make to what was heard, and what they make of beats and sections.

Conventions: times are seconds of the analysed range; sections are named by a moment inside them, not by number,
so that an edit still finds its place after a newer analyser has cut the song otherwise. Applied in this order: tempo
factor, taps, downbeat shift, nudge, then borders follow the downbeats, then moved borders, labels and roles.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from lib_music.analysis.basis import Basis
from lib_music.analysis.taps import pulled, rebeat
from lib_music.analysis.types import ROLES, Beats, Envelope, Role, Sections, Times

MAX_NUDGE, MIN_TAP, MIN_SECTION = 1.0, 0.05, 0.5
MAX_LABEL = 40
MAX_SHIFT = 1000
#: A day: far beyond any song, s.
MAX_TIME = 86_400.0


@dataclass(frozen=True)
class Edits:
    """The edits of one song.

    Attributes
    ----------
    tempo_factor : 0.5, 1.0 or 2.0
        Half or twice as many beats.
    downbeat_shift : int
        Beats by which the first beat of every bar moves later, within +-1000, taken modulo the bar.
    nudge : float
        Seconds added to every beat and border, within +-1.
    taps : tuple of float
        Beats tapped by hand, increasing by 0.05 s or more; runs of four and more pull the found ones from the first
        tap to the last, see :mod:`lib_music.analysis.taps`.
    borders : tuple of (float, float)
        (where the border was found, where it belongs), s.
    labels : tuple of (float, str)
        (a moment inside the section, its label).
    roles : tuple of (float, Role)
        (a moment inside the section, its role).
    made_on : Basis or None
        What was heard when they were made; None in files that do not say so. It makes no difference to equality.
    """

    tempo_factor: float = 1.0
    downbeat_shift: int = 0
    nudge: float = 0.0
    taps: tuple[float, ...] = ()
    borders: tuple[tuple[float, float], ...] = ()
    labels: tuple[tuple[float, str], ...] = ()
    roles: tuple[tuple[float, Role], ...] = ()
    made_on: Basis | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.tempo_factor not in (0.5, 1.0, 2.0):
            raise ValueError(f"Corrections.tempo_factor is {self.tempo_factor!r}; it must be 0.5, 1 or 2")
        if isinstance(self.downbeat_shift, bool) or not isinstance(self.downbeat_shift, int):
            raise ValueError(f"Corrections.downbeat_shift is {self.downbeat_shift!r}; it must be whole beats")
        if abs(self.downbeat_shift) > MAX_SHIFT:
            raise ValueError(f"Corrections.downbeat_shift is out of range; it must lie within +-{MAX_SHIFT} beats")
        if not abs(self.nudge) <= MAX_NUDGE:
            raise ValueError(f"Corrections.nudge is {self.nudge!r} s; it must lie within +-{MAX_NUDGE} s")
        moments = [*self.taps, *(t for pair in self.borders for t in pair), *(t for t, _ in self.labels),
                   *(t for t, _ in self.roles)]
        if not all(0 <= t <= MAX_TIME for t in moments):
            raise ValueError(f"Corrections: times must be seconds from 0 to {MAX_TIME:.0f}")
        if any(b - a < MIN_TAP for a, b in pairwise(self.taps)):
            raise ValueError(f"Corrections.taps must increase by {MIN_TAP} s or more")
        if wrong := [label for _, label in self.labels if not 0 < len(label) <= MAX_LABEL or not label.isprintable()]:
            raise ValueError(f"Corrections: label {wrong[0]!r} must be 1 to {MAX_LABEL} printable characters")
        if unknown := {role for _, role in self.roles} - set(ROLES):
            raise ValueError(f"Corrections: unknown role {unknown}; known are {', '.join(ROLES)}")

    def corrected_beats(self, beats: Beats, onset: Envelope | None, duration: float) -> Beats:
        """Beats after tempo factor, taps, downbeat shift and nudge."""
        beats = pulled(_rescaled(beats, self.tempo_factor), self.taps, onset)
        return _nudged(_shifted(beats, self.downbeat_shift), self.nudge, duration)

    def corrected_sections(self, sections: Sections, beats: Beats) -> Sections:
        """Sections after all edits; ``beats`` are the corrected ones."""
        edges = sections.intervals[1:, 0] + self.nudge
        if (self.tempo_factor, self.taps, self.downbeat_shift) != (1.0, (), 0) and beats.downbeats.size:
            edges = beats.downbeats[np.abs(edges[:, None] - beats.downbeats).argmin(axis=1)]
        sections = _moved(sections, edges, self.borders, sections.duration)
        labels, roles = (_renamed(sections, *names) for names in
                         ((sections.labels, self.labels), (sections.roles, self.roles)))
        return replace(sections, labels=labels, roles=roles)


def _rescaled(beats: Beats, factor: float) -> Beats:
    """Twice the beats, midpoints between them; or half, keeping the downbeats' side."""
    n, bar = beats.times.size, beats.beats_per_bar or 4
    if factor == 1.0 or n < 2:
        return beats
    if factor == 2.0:
        times, source = np.empty(2 * n - 1), np.arange(2 * n - 1) // 2
        times[::2], times[1::2] = beats.times, (beats.times[1:] + beats.times[:-1]) / 2
        positions = np.zeros(2 * n - 1, np.int64)
        known = beats.positions > 0
        positions[::2] = np.where(known, (2 * (beats.positions - 1)) % bar + 1, 0)
        positions[1::2] = np.where(known[:-1], positions[:-1:2] % bar + 1, 0)
    else:
        ones = np.flatnonzero(beats.positions == 1)
        first = int(ones[0]) if ones.size else 0
        source = np.arange(first % 2, n, 2)
        times = beats.times[source]
        positions = (np.arange(source.size) - first // 2) % bar + 1
        positions[beats.positions[source] == 0] = 0
    scaled = rebeat(beats, times, positions, beats.confidence[source], beats.tempo * factor, source)
    return replace(scaled, alternatives=_readings(beats, scaled.tempo))


def _readings(beats: Beats, tempo: float) -> tuple[tuple[float, float], ...]:
    """The other readings of beats that now have ``tempo``: what they had, and the others that they had."""
    weight = min(1.0, max(0.0, 1 - sum(weight for _, weight in beats.alternatives)))
    return tuple((bpm, w) for bpm, w in ((beats.tempo, weight), *beats.alternatives) if abs(bpm / tempo - 1) > 0.04)


def _shifted(beats: Beats, shift: int) -> Beats:
    bar = beats.beats_per_bar or 4
    positions = np.where(beats.positions > 0, (beats.positions - 1 - shift) % bar + 1, 0)
    return replace(beats, positions=positions)


def _nudged(beats: Beats, nudge: float, duration: float) -> Beats:
    times = beats.times + nudge
    kept = np.flatnonzero((times >= 0) & (times <= duration))
    return rebeat(beats, times[kept], beats.positions[kept], beats.confidence[kept], beats.tempo, kept)


def _moved(
    sections: Sections, edges: Times, borders: tuple[tuple[float, float], ...], duration: float
) -> Sections:
    """Sections between new inner edges [shape=(n - 1,)]; what becomes shorter than MIN_SECTION keeps its edge."""
    found = sections.intervals[1:, 0]
    edges = edges.astype(np.float64).copy()
    for source, target in borders:
        if found.size:
            edges[int(np.abs(found - source).argmin())] = target
    last = 0.0
    for i, edge in enumerate(edges):
        ceiling = duration - MIN_SECTION * (edges.size - i)
        edges[i] = last = min(max(float(edge), last + min(MIN_SECTION, duration / (edges.size + 2))), ceiling)
    known = np.concatenate([[0.0], edges, [duration]])
    if (np.diff(known) <= 0).any():
        return sections
    return replace(sections, intervals=np.stack([known[:-1], known[1:]], axis=1))


def _renamed(sections: Sections, names: tuple[Any, ...], edits: tuple[tuple[float, str], ...]) -> tuple[Any, ...]:
    """``names`` with those of the sections at the given moments replaced."""
    out = list(names)
    for moment, name in edits:
        at = int(np.searchsorted(sections.intervals[:, 0], moment, side="right")) - 1
        out[max(at, 0)] = name
    return tuple(out)
