"""Corrections made on one hearing, carried over to another: of a better ear, or of a newer version of ours.

Conventions: what counts is what the person wanted to have, not which button they pressed: what the new ear hears so by
itself is not done again, what has no place in it any more is left out, and both are told. Places are moments in the
file; two of them are the same beat within 70 ms, the same border within 1.5 s (about a bar).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np

from lib_music.analysis.basis import Basis
from lib_music.analysis.edits import MAX_NUDGE, Edits
from lib_music.analysis.types import Analysis, Beats, Sections, Times

#: Whoever brings edits gets edits of the same type back.
E = TypeVar("E", bound=Edits)
Edit = Literal["tempo", "taps", "downbeat", "nudge", "border", "label", "role"]
#: The same beat, s; the same border, s; the same border to the person's eye, s; the same tempo, as a share.
SAME_BEAT, SAME_BORDER, SAME_PLACE, SAME_TEMPO = 0.07, 1.5, 0.02, 0.08
#: So much of a section must be in the old one to have its name; so many bars must agree on where they begin.
OVERLAP, AGREEMENT = 0.5, 0.5


@dataclass(frozen=True)
class Conflict:
    """An edit that is not as the person made it.

    Attributes
    ----------
    edit : Edit
    text : str
        For the person: what became of it and why.
    at : float or None
        The moment it is about, s of the new range; None for the whole song.
    settled : bool
        True where the new ear hears it so by itself; False where the edit is lost.
    """

    edit: Edit
    text: str
    at: float | None = None
    settled: bool = False


def replay(corrections: E, old: Analysis | Basis, new: Analysis) -> tuple[E, tuple[Conflict, ...]]:
    """The corrections that make of ``new`` what ``corrections`` made of ``old``.

    Parameters
    ----------
    corrections : Edits
    old : Analysis or Basis
        What they were made on.
    new : Analysis
        What they shall be applied to.

    Returns
    -------
    Edits, tuple of Conflict
        Of the same type and made on ``new``; and what was left out, the settled ones included.
    """
    basis = old if isinstance(old, Basis) else Basis.of(old)
    moved, lost = _shifted_range(replace(corrections, made_on=None), basis.start - new.start, new.duration)
    basis = _in_range_of(basis, new)
    wanted = moved.corrected_beats(basis.beats, None, max(basis.sections.duration, new.duration))
    wish = _Wish(moved, basis, wanted, moved.corrected_sections(basis.sections, wanted), new)
    told = list(lost)
    now = type(moved)(taps=moved.taps)
    for step in (wish.tempo, wish.downbeat, wish.nudge, wish.borders, wish.names):
        now, said = step(now)
        told += said
    return replace(now, made_on=Basis.of(new)), tuple(told)


def _in_range_of(basis: Basis, new: Analysis) -> Basis:
    """The basis with its beats in the new range's time; sections keep theirs where both ranges begin alike."""
    by = basis.start - new.start
    if abs(by) < 1e-3:
        return basis
    beats, times = basis.beats, basis.beats.times + by
    kept = times >= 0
    edges = basis.sections.intervals + by
    inside = edges[:, 1] > 1e-3
    if not inside.any():
        return Basis(Beats([], [], []), new.sections, new.start)  # type: ignore[arg-type]
    intervals = np.maximum(edges[inside], 0.0)
    intervals[0, 0] = 0.0
    first = int(np.flatnonzero(inside)[0])
    sections, nothing = basis.sections, np.zeros(int(inside.sum()), np.float32)
    return Basis(
        Beats(times[kept], beats.positions[kept], beats.confidence[kept], beats.tempo, (), beats.beats_per_bar),
        Sections(intervals, sections.labels[first:], sections.roles[first:], nothing, nothing),
        new.start,
    )


def _shifted_range(corrections: E, by: float, duration: float) -> tuple[E, tuple[Conflict, ...]]:
    """The corrections with all moments later by ``by`` s; those outside the new range are lost."""
    if abs(by) < 1e-3:
        return corrections, ()

    def inside(*moments: float) -> bool:
        return all(0 <= t + by <= duration for t in moments)

    def moved(pairs: tuple[tuple[float, Any], ...]) -> tuple[tuple[float, Any], ...]:
        return tuple((t + by, name) for t, name in pairs if inside(t))

    borders = tuple((a + by, b + by) for a, b in corrections.borders if inside(a, b))
    out = replace(
        corrections, borders=borders, labels=moved(corrections.labels), roles=moved(corrections.roles),
        taps=tuple(t + by for t in corrections.taps if inside(t)),
    )  # fmt: skip
    before, after = (len(c.borders) + len(c.labels) + len(c.roles) for c in (corrections, out))
    told = f"{before - after} of the corrections lie outside the stretch that is heard now"
    return out, (Conflict("border", told),) if after < before else ()


@dataclass(frozen=True, eq=False)
class _Wish:
    """What the person had in the end: ``beats`` and ``sections`` after ``made`` on ``basis``; and what is ``new``."""

    made: Edits
    basis: Basis
    beats: Beats
    sections: Sections
    new: Analysis

    def tempo(self, now: E) -> tuple[E, list[Conflict]]:
        factor = self.made.tempo_factor
        if factor == 1.0:
            return now, []
        wanted, heard = _steps(self.beats.times), _steps(self.new.beats.times)
        if not (wanted and heard):
            return now, [Conflict("tempo", "no beats are heard now, so there is no tempo to change")]
        fits = {f: abs(np.log(heard / f / wanted)) for f in (1.0, 2.0, 0.5)}
        best = min(fits, key=lambda f: (fits[f] > np.log1p(SAME_TEMPO), f != factor, fits[f]))
        said = "doubled" if factor == 2.0 else "halved"
        if fits[best] > np.log1p(SAME_TEMPO):
            text = f"the {said} tempo was {60 / wanted:.0f} BPM; now {60 / heard:.0f} are heard, which is not changed"
            return now, [Conflict("tempo", text)]
        if best == 1.0:
            text = f"the tempo you {said} is heard so now: {60 / heard:.0f} BPM"
            return now, [Conflict("tempo", text, settled=True)]
        return replace(now, tempo_factor=best), []

    def downbeat(self, now: E) -> tuple[E, list[Conflict]]:
        if not self.made.downbeat_shift:
            return now, []
        heard = now.corrected_beats(self.new.beats, self.new.envelopes.get("onset"), self.new.duration)
        wanted, bar = self.beats.downbeats - self.made.nudge, heard.beats_per_bar or 4
        if not wanted.size or not heard.times.size:
            return now, [Conflict("downbeat", "no bars are heard now, so their first beat cannot be moved")]
        off, place = _nearest(wanted, heard.times)
        slack = max(SAME_BEAT, 0.25 * _steps(heard.times))
        shifts = (heard.positions[place[(off <= slack) & (heard.positions[place] > 0)]] - 1) % bar
        votes = np.bincount(shifts, minlength=bar)
        best = int(votes.argmax())
        if votes[best] < AGREEMENT * wanted.size:
            text = "the bars that you moved are heard otherwise now; the first beat of each is as heard"
            return now, [Conflict("downbeat", text)]
        if best == 0:
            text = "the first beats of the bars are heard now where you put them"
            return now, [Conflict("downbeat", text, settled=True)]
        # As far round the bar as the person went, where that is the same.
        made = self.made.downbeat_shift
        return replace(now, downbeat_shift=made if made % bar == best else best), []

    def nudge(self, now: E) -> tuple[E, list[Conflict]]:
        made = self.made.nudge
        if not made:
            return now, []
        # Both before any nudge: how much earlier or later the new ear hears the same beats.
        plain = replace(self.made, nudge=0.0).corrected_beats(self.basis.beats, None, self.basis.sections.duration)
        heard = now.corrected_beats(self.new.beats, self.new.envelopes.get("onset"), self.new.duration)
        reach = min(max(SAME_BEAT, 1.5 * abs(made)), 0.45 * (_steps(heard.times) or 1.0))
        off, place = _nearest(plain.times, heard.times)
        same = off <= reach
        if same.sum() >= 8:
            already = float(np.median((heard.times[place] - plain.times)[same]))
            if abs(already - made) <= 0.5 * abs(made) and abs(already) > 0.005:
                text = f"the beats are heard by {1000 * already:+.0f} ms elsewhere: no nudge by {1000 * made:+.0f} ms"
                return now, [Conflict("nudge", text, settled=True)]
        return replace(now, nudge=max(-MAX_NUDGE, min(MAX_NUDGE, made))), []

    def borders(self, now: E) -> tuple[E, list[Conflict]]:
        edges = self.new.sections.intervals[1:, 0]
        heard = now.corrected_beats(self.new.beats, self.new.envelopes.get("onset"), self.new.duration)
        shown = now.corrected_sections(self.new.sections, heard).intervals[1:, 0]
        kept: list[tuple[float, float]] = []
        told: list[Conflict] = []
        for found, target in self.made.borders:
            free = [i for i in range(edges.size) if float(edges[i]) not in {a for a, _ in kept}]
            near = [i for i in free if min(abs(edges[i] - found), abs(shown[i] - target)) <= SAME_BORDER]
            if not near:
                text = f"the border you moved from {_clock(found)} to {_clock(target)} is not heard any more"
                told.append(Conflict("border", text, target))
                continue
            i = min(near, key=lambda i: min(abs(float(edges[i]) - found), abs(float(shown[i]) - target)))
            if abs(float(shown[i]) - target) <= SAME_PLACE:
                text = f"the border you moved to {_clock(target)} is heard there now"
                told.append(Conflict("border", text, target, True))
            else:
                kept.append((float(edges[i]), target))
        return replace(now, borders=tuple(kept)), told

    def names(self, now: E) -> tuple[E, list[Conflict]]:
        told: list[Conflict] = []
        heard = now.corrected_beats(self.new.beats, self.new.envelopes.get("onset"), self.new.duration)
        shown = now.corrected_sections(self.new.sections, heard)
        labels = list(self._renamed("label", self.made.labels, shown, shown.labels, told))
        roles = list(self._renamed("role", self.made.roles, shown, shown.roles, told))
        return replace(now, labels=tuple(labels), roles=tuple(roles)), told

    def _renamed(
        self, edit: Edit, made: tuple[tuple[float, Any], ...], shown: Sections, heard: tuple[Any, ...],
        told: list[Conflict],
    ) -> Iterator[tuple[float, Any]]:  # fmt: skip
        """The names of the sections that lie for the better part in the one that had the name."""
        starts = self.sections.intervals[:, 0]
        spans = [self.sections.intervals[max(0, int(np.searchsorted(starts, t, side="right")) - 1)] for t, _ in made]
        owners: dict[int, tuple[float, int]] = {}
        for k, (start, end) in enumerate(spans):
            for i, (low, high) in enumerate(shown.intervals):
                shared = (min(end, high) - max(start, low)) / (high - low)
                if shared >= OVERLAP and shared > owners.get(i, (0.0, 0))[0]:
                    owners[i] = (shared, k)
        kept = {k for _, k in owners.values()}
        for k, (start, end) in enumerate(spans):
            if k not in kept:
                text = f"the {edit} “{made[k][1]}” of {_clock(start)} to {_clock(end)} has no section of its own now"
                told.append(Conflict(edit, text, float(start)))
        for i, (_, k) in sorted(owners.items()):
            if made[k][1] != heard[i]:
                yield round(float(shown.intervals[i].mean()), 4), made[k][1]


def _steps(times: Times) -> float:
    """The usual distance of beats, s; 0 without two."""
    return float(np.median(np.diff(times))) if times.size > 1 else 0.0


def _nearest(times: Times, among: Times) -> tuple[Times, Any]:
    """For each time how far the nearest of ``among`` is, and which that is; ``among`` is increasing."""
    if not among.size:
        return np.full(times.size, np.inf), np.zeros(times.size, np.int64)
    right = np.clip(np.searchsorted(among, times), 0, among.size - 1)
    left = np.maximum(right - 1, 0)
    place = np.where(np.abs(among[left] - times) <= np.abs(among[right] - times), left, right)
    return np.abs(among[place] - times), place


def _clock(seconds: float) -> str:
    """``m:ss.s``."""
    tenths = round(10 * float(seconds))
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"
