"""The music as a choreographer reads it: named events with the length of a beat beside each.

Conventions: times are seconds. An event is a moment with an ``until`` (equal to the moment unless it is
held), a local beat length, and the section it falls into. Which beats are *declared hits* is decided here,
by role: what is declared is shown within a frame, what is not is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from lib_music.analysis.types import Analysis, Role

HitRule = Literal["beats", "half bars", "backbeats", "downbeats", "every other bar", "none"]

#: Where the music has less beat than this, no hit is declared and motion follows loudness.
MIN_BEAT_PRESENCE = 0.25
#: A song whose median beat is as present as this has a pulse throughout, wherever it is at least this loud.
PULSE_PRESENCE, PULSE_LOUDNESS = 0.5, 0.1
#: Two declared hits are never closer than this, s (nine a second is a flicker, not a rhythm).
MIN_HIT_GAP = 0.11

Times = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Events:
    """Moments that something answers to. All arrays [shape=(n,)], times in s, increasing."""

    times: Times
    until: Times
    beat: Times
    section: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return self.times.size

    def where(self, keep: npt.NDArray[np.bool_]) -> Events:
        """The events selected by a mask."""
        return Events(self.times[keep], self.until[keep], self.beat[keep], self.section[keep])


class Score:
    """Events of one analysed song under one set of hit rules.

    Parameters
    ----------
    analysis : Analysis
    rules : mapping of Role to HitRule
        Which beats are declared in sections of that role; absent roles declare none.
    """

    def __init__(self, analysis: Analysis, rules: Mapping[Role, HitRule]) -> None:
        self.analysis = analysis
        self.rules = rules
        self.roles: tuple[Role, ...] = analysis.sections.roles

    @cached_property
    def _default_beat(self) -> float:
        tempo = self.analysis.beats.tempo
        return 60.0 / tempo if tempo > 0 else 0.5

    def section_at(self, times: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Index of the section each moment falls into."""
        starts = self.analysis.sections.intervals[:, 0]
        found = np.searchsorted(starts, np.asarray(times, np.float64) + 1e-6, side="right") - 1
        return np.clip(found, 0, len(self.roles) - 1)

    def _events(self, times: npt.ArrayLike, until: npt.ArrayLike | None = None) -> Events:
        at = np.asarray(times, np.float64)
        held = at if until is None else np.asarray(until, np.float64)
        return Events(at, held, self.beat_length(at), self.section_at(at))

    def beat_length(self, times: Times) -> Times:
        """Seconds of the beat that each moment lies in."""
        beats = self.analysis.beats.times
        if beats.size < 2:
            return np.full(times.shape, self._default_beat)
        gaps = np.diff(beats)
        after = np.clip(np.searchsorted(beats, times + 1e-6, side="right") - 1, 0, gaps.size - 1)
        # A pause in the music is not a slow beat.
        return np.minimum(gaps[after], 2.0 * self._default_beat)

    def _snap(self, time: float) -> float:
        """The beat nearest to a border, when one is nearer than half a beat; else the border itself."""
        beats = self.analysis.beats.times
        if not beats.size:
            return time
        nearest = float(beats[np.argmin(np.abs(beats - time))])
        return nearest if abs(nearest - time) <= self._default_beat / 2 else time

    @cached_property
    def beats(self) -> Events:
        """The beats that are really there.

        In a song with a pulse a stretch that drowns it (a wall of guitars) keeps its beats; silence does not.
        """
        times = self.analysis.beats.times
        presence = self.analysis.beat_presence.at(times)
        there = presence >= MIN_BEAT_PRESENCE
        if times.size and np.median(presence) >= PULSE_PRESENCE:
            there |= self.analysis.envelopes["loudness"].at(times) >= PULSE_LOUDNESS
        return self._events(times[there])

    @cached_property
    def _positions(self) -> npt.NDArray[np.int64]:
        beats = self.analysis.beats
        kept = np.isin(beats.times, self.beats.times)
        return beats.positions[kept]

    @cached_property
    def _bars(self) -> npt.NDArray[np.int64]:
        return np.cumsum(self._positions == 1)

    @cached_property
    def downbeats(self) -> Events:
        """First beats of bars."""
        return self.beats.where(self._positions == 1)

    @cached_property
    def borders(self) -> Events:
        """Where a section begins, on its beat; the first section has no border."""
        starts = self.analysis.sections.intervals[1:, 0]
        return self._events(np.array([self._snap(float(t)) for t in starts]))

    @cached_property
    def drops(self) -> Events:
        """Borders at which a drop comes in."""
        is_drop = np.array([role == "drop" for role in self.roles[1:]], bool)
        fresh = np.array([role != "drop" for role in self.roles[:-1]], bool)
        return self.borders.where(is_drop & fresh)

    @cached_property
    def stills(self) -> Events:
        """The last beat before each drop, held until the drop: the stillness that sells it."""
        start = self.drops.times - self.drops.beat
        return self._events(np.maximum(start, 0.0), self.drops.times)

    @cached_property
    def surges(self) -> Events:
        """The first two bars of each drop, held."""
        bars = 2 * (self.analysis.beats.beats_per_bar or 4)
        return self._events(self.drops.times, self.drops.times + bars * self.drops.beat)

    @cached_property
    def leads(self) -> Events:
        """Where what led up to each drop ends: the moment its stillness begins."""
        return self._events(self.stills.times)

    @cached_property
    def hits(self) -> Events:
        """The declared hits: what each section's rule picks, and every border; none within a stillness."""
        wanted = np.array([self._declared(i) for i in range(len(self.beats))], bool)
        times = self.beats.times[wanted]
        for start, end in zip(self.stills.times, self.stills.until, strict=True):
            times = times[(times < start - 1e-6) | (times >= end - 1e-6)]
        return self._events(_merge(self.borders.times, times))

    @cached_property
    def accents(self) -> Events:
        """The declared hits that are downbeats."""
        return self.hits.where(np.isin(self.hits.times, self.downbeats.times))

    def _declared(self, i: int) -> bool:
        rule = self.rules.get(self.roles[int(self.beats.section[i])], "none")
        position = int(self._positions[i])
        match rule:
            case "beats":
                return True
            case "downbeats":
                return position == 1
            case "half bars":
                return position in (1, 3) if self.analysis.beats.beats_per_bar != 3 else position == 1
            case "backbeats":
                return position in (2, 4) if self.analysis.beats.beats_per_bar != 3 else position == 1
            case "every other bar":
                return position == 1 and int(self._bars[i]) % 2 == 1
            case "none":
                return False

    def phrase_sign(self, times: npt.ArrayLike, longest: float) -> Times:
        """+1 or -1: a pendulum that swings evenly within each section and ends it where it began.

        It changes its way after half a swing, then after whole ones, so that what it moves stays within half a swing
        of the section's start. A swing is 8, 4, 2 or 1 bars, the longest that takes no more than ``longest`` s,
        stretched or shortened a little where the section is no multiple of it. Sections begin in turn with + and -.
        """
        at = np.asarray(times, np.float64)
        section = self.section_at(at)
        bar = (self.analysis.beats.beats_per_bar or 4) * self._default_beat
        swing = bar * next((bars for bars in (8, 4, 2) if bars * bar <= longest), 1)
        begin, end = self.analysis.sections.intervals.T
        n_swings = np.maximum(1.0, np.ceil((end - begin) / swing - 0.1))
        passed = np.floor((at - begin[section]) / (end - begin)[section] * n_swings[section] + 0.5 + 1e-6)
        return np.where((passed.astype(np.int64) + section) % 2 == 0, 1.0, -1.0)


def _merge(first: Times, second: Times) -> Times:
    """Union of two increasing event lists; of two closer than MIN_HIT_GAP ``first``'s, or the earlier, stays."""
    if first.size and second.size:
        after = np.clip(np.searchsorted(first, second), 0, first.size - 1)
        before = np.maximum(after - 1, 0)
        gap = np.minimum(np.abs(first[after] - second), np.abs(first[before] - second))
        second = second[gap >= MIN_HIT_GAP]
    kept: list[float] = []
    for time in second.tolist():
        if not kept or time - kept[-1] >= MIN_HIT_GAP:
            kept.append(time)
    return np.sort(np.concatenate((first, np.array(kept, np.float64))))
